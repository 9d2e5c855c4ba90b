"""`read_signals`: from a picture of an ECG to its signals in millivolts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis, ink_area, reframed
from fastecg.digitizing.assign import LayoutMatch
from fastecg.digitizing.balance import balanced
from fastecg.digitizing.bars import frame_of_bars
from fastecg.digitizing.checks import never_beat, tracks_beat
from fastecg.digitizing.coarse import PageWarp, Strip, ZoomedWarp
from fastecg.digitizing.decode import Decoded, decode, read_segments
from fastecg.digitizing.doubts import Doubt, find_doubts, flags_of, sd_with_doubts
from fastecg.digitizing.follow import StraightPage, TracePath, assign_ink, follow_row, own_planes, page_strip
from fastecg.digitizing.ink import PictureInk, picture_ink
from fastecg.digitizing.joints import behind_bars, behind_pulses
from fastecg.digitizing.judge import SURE, LaidOutPage, as_simultaneous, beats_agree, judged, levelled, strips_by_trace
from fastecg.digitizing.layout import PageSegments, Segment
from fastecg.digitizing.levels import baselines_mm, gains_mm_mv, pulses_of_rows
from fastecg.digitizing.name_levels import levelled_by_names
from fastecg.digitizing.names import no_heart, nothing_readable
from fastecg.digitizing.page_model import read_page
from fastecg.digitizing.pulses import USUAL_GAIN, Pulse, read_pulses
from fastecg.digitizing.segmenter import WEIGHTS, OwnScale, load_segmenter
from fastecg.digitizing.settings import READ, Settings
from fastecg.digitizing.snapping import unsnapped_offset_mm
from fastecg.digitizing.start import refine_start
from fastecg.digitizing.targets import THIN_MM
from fastecg.digitizing.time_axis import TimeAxis, time_axis
from fastecg.digitizing.tracks import Track
from fastecg.digitizing.upright import analyse_as_held, analyse_upright, enough_names
from fastecg.errors import ImageError
from fastecg.layouts import Layout
from fastecg.system.cores import one_thread

_SMALLEST = 200  # Minimum height and width of a picture, px.
_SURE_NAME = 0.6  # Names of leads count in the search for a second page if their confidence (0 to 1) is larger than this.
_ANOTHER_PAGE = 0.5  # The picture may show another page if the names that belong to no lead outnumber this share of the layout's leads.
_DARK = 96.0  # A picture may show light traces on dark ground if its median grey level (0 to 255) is below this.
# A dark picture shows light traces if its lightest pixels are more than this many times as far from the median as its darkest.
_LIGHTER = 2.0
# Resolutions in dpi at which programs draw and scanners scan.
_USUAL_DPI = (72.0, 75.0, 96.0, 100.0, 120.0, 150.0, 180.0, 200.0, 240.0, 250.0, 300.0, 400.0, 500.0, 600.0)
# At a usual resolution, rows with a smaller slope (mm per mm, in either direction) are taken to be level, since programs do not rotate what
# they draw.
_LEVEL = 6e-4
_AT_DPI = 1e-3  # Relative tolerance of a usual resolution. Bars between columns, drawn on whole pixels, do not give the scale more exactly.
# A picture whose sides were made smaller than this share of their length is not fitted at its own scale, which would take gigabytes.
_LEAST_ZOOM = 0.6
_SAME_ZOOM = 0.1  # A picture is fitted at the scale of the network if the logarithm of its zoom is less than this away from 0.
_FIVES = 0.5  # A pixel belongs to a 5 mm line of the grid if its coverage (0 to 1) in the map of these lines is larger than this.
_FIVES_SHARE = 0.01  # 5 mm lines are seen if they have at least this share of the pixels. If 0.15 mm wide, they would have 0.06.
# On a page without a grid, scale and tilt are measured by the bars between its columns after the page was laid out. If the scale (as a
# share) or the tilt (in mm per mm) differs by at least a tolerance from the assumed one, the page is laid out again, since bars far from
# the expected position are found only in part. There is one tolerance for each repetition.
_SAME_SCALE = (1e-4, 1e-3, 1e-3)


@dataclass(frozen=True, eq=False)
class Reading:
    """A digitised picture.

    Attributes
    ----------
    decoded : Decoded
        Signals in mV, their standard deviations, and flags.
    analysis : PageAnalysis
        What was found in the picture. Names and tracks are in mm of the page; the warp maps these to pixels of the layers, which are turned
        upright and `analysis.layers.zoom` times as large as the picture.
    layout : str
        Name of the layout.
    speed_mm_s, gain_mm_mv : float
        Paper speed, and gain of the limb leads.
    confidence : float
        Probability, 0 to 1, that every signal has the name of its lead.
    checks : dict of str to float
        Residuals of the checks of the reading's consistency, see `fastecg.digitizing.checks.checks_of`; 0 is best.
    doubts : tuple of Doubt
        Where traces may be wrong, see `fastecg.digitizing.doubts`.
    """

    decoded: Decoded
    analysis: PageAnalysis
    layout: str
    speed_mm_s: float
    gain_mm_mv: float
    confidence: float = 0.0
    checks: Mapping[str, float] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()

    @property
    def order(self) -> str:
        """Whether it is certain that every signal has the name of its lead: "sure" or "uncertain"."""
        return "sure" if self.confidence >= SURE else "uncertain"


def read_signals(picture: np.ndarray, settings: Settings = READ, *, name: str = "record", weights: Path = WEIGHTS) -> Reading:
    """Read the signals of an ECG from its picture.

    Parameters
    ----------
    picture : ndarray, shape (height, width, 3) or (height, width) uint8
        sRGB or grey, 100 to 600 dpi. The page may be turned by any number of quarter turns.
    settings : Settings
    name : str
        Name of the record.
    weights : Path
        ONNX file of the network.

    Returns
    -------
    Reading

    Raises
    ------
    ImageError
        If the picture is too small, or does not show an ECG whose layout can be found.
    LayoutError
        If `settings.page` is not a corrected page.
    FastecgError
        If onnxruntime is not installed.
    """
    picture = as_colour(picture)
    with one_thread():
        return read_analysed(_analyse_picture(picture, settings, weights), settings, name)


def _analyse_picture(picture: np.ndarray, settings: Settings, weights: Path) -> PageAnalysis:
    """Analyse a picture, inverted if it shows light traces on dark ground and its inverse fits a layout, and turned upright.

    If the layout is given, the picture is turned only if enough names of leads show which way is up, or if it does not fit the layout as it
    is held.
    """
    if _light_on_dark(picture):
        inverse = _analyse_picture(255 - picture, settings, weights)
        if inverse.match is not None:
            return replace(inverse, negative=True)
    analysis = analyse_upright(picture, settings, weights)
    if settings.layout is not None and analysis.turns and not enough_names(analysis):
        as_held = analyse_as_held(picture, settings, load_segmenter(weights))
        return as_held if as_held.match is not None else analysis
    return analysis


def _light_on_dark(picture: np.ndarray) -> bool:
    """Whether a picture shows light traces on dark ground, as screens and negatives do."""
    grey = picture[:: max(1, len(picture) // 512), :: max(1, picture.shape[1] // 512)].mean(axis=2)
    low, middle, high = np.percentile(grey, (0.5, 50, 99.5))
    return bool(middle < _DARK and high - middle > _LIGHTER * max(middle - low, 1.0))


def read_analysed(analysis: PageAnalysis, settings: Settings, name: str = "record") -> Reading:
    """Read an analysed picture."""
    return read_traces(lay_out(analysis, settings), settings.mode, name)


def lay_out(analysis: PageAnalysis, settings: Settings) -> LaidOutPage:
    """Find where each lead of an analysed picture is, and which ink belongs to it.

    Raises
    ------
    ImageError
        If the picture fits no layout, or is no ECG.
    LayoutError
        If `settings.page` is not a corrected page.
    """
    if settings.page is not None:
        return _lay_out_as_corrected(analysis, settings)
    if analysis.match is None:
        raise nothing_readable(analysis.names, analysis.layers, settings.layout)
    page_ink = None
    if settings.layout is None and never_beat(analysis.tracks):
        raise no_heart()
    if settings.layout is None and settings.gain_mm_mv is None and not tracks_beat(analysis.tracks):
        # A picture that is no ECG is refused here. To look for the gain in printed words would take longest, so the usual gain is assumed.
        page_ink = _page_ink(analysis)
        judged_by_first_reading(_lay_out_best(analysis, replace(settings, gain_mm_mv=USUAL_GAIN), page_ink)[0], settings)
    page, (stretch, fall) = _lay_out_best(analysis, settings, page_ink)
    del page_ink  # Its strips take as much memory as the picture, and are computed anew if the page is laid out again.
    for tolerance in _SAME_SCALE:
        if abs(stretch - 1.0) < tolerance and abs(fall) < tolerance:
            break
        stretch, fall = _at_usual_resolution(analysis, stretch, fall)
        analysis = reframed(analysis, stretch, fall, settings.layout)
        page, (stretch, fall) = _lay_out_best(analysis, settings, None)
    return judged_by_first_reading(page, settings)


def _at_usual_resolution(analysis: PageAnalysis, stretch: float, fall: float) -> tuple[float, float]:
    """Correct the stretch of a page without a grid to give exactly a usual resolution, and its fall to give level rows.

    `stretch` multiplies the pixels per mm of the analysis, and `fall` (mm per mm) is added to its tilt. If no usual resolution is close,
    both stay; if the rows are not nearly level, the fall stays.
    """
    dpi = 25.4 * analysis.warp.scale * stretch / analysis.layers.zoom
    nearest = min(_USUAL_DPI, key=lambda usual: abs(np.log(usual / dpi)))
    if abs(np.log(nearest / dpi)) > _AT_DPI:
        return stretch, fall
    return stretch * nearest / dpi, -analysis.tilt if abs(analysis.tilt + fall) < _LEVEL else fall


def _lay_out_as_corrected(analysis: PageAnalysis, settings: Settings) -> LaidOutPage:
    """Lay out an analysed picture by a corrected page. Each segment is read from the track that is closest to its 0 mV line."""
    assert settings.page is not None
    model = read_page(settings.page)
    page_ink = _page_ink(analysis)
    gain = settings.gain_mm_mv or model.gain_mm_mv or USUAL_GAIN
    segments, speed = model.in_view(analysis, gain, settings.fs)
    levels = np.array([track.level_mm for track in analysis.tracks])
    if not len(levels):
        raise nothing_readable(analysis.names, analysis.layers)
    tracks = [int(np.argmin(np.abs(levels - item.baseline_mm))) for item in segments]
    layout = Layout(model.layout, "by hand", (tuple(item.lead for item in segments),))
    cells = {(k, 0): item.lead for k, item in enumerate(segments)}
    match = LayoutMatch(layout, cells, tuple(tracks), 0.0, 0.0, (0.0, 0.0), 0.0, len(segments))
    rows = PageSegments(segments, speed, settings.fs, THIN_MM)
    page = LaidOutPage(analysis, match, rows, tuple(page_ink.planes[track] for track in tracks), gain, (), page_ink.ink)
    drawn = list(read_segments(page.by_segment, rows, analysis.warp, "centroid"))
    return judged(page, drawn, known=True)


def judged_by_first_reading(page: LaidOutPage, settings: Settings) -> LaidOutPage:
    """Correct the levels and names of a page by a first, quick reading, and refuse the page if it is no ECG by this reading.

    If the user has given the layout, the page is not refused.
    """
    drawn = list(read_segments(page.by_segment, page.rows, page.analysis.warp, "centroid"))
    page = levelled(strips_by_trace(as_simultaneous(page) if beats_agree(drawn, page.rows.fs) else page, drawn), drawn)
    page = balanced(levelled_by_names(page, drawn), drawn)
    return judged(page, drawn, known=settings.layout is not None)


@dataclass(frozen=True, eq=False)
class _PageInk:
    """What is known of a page before it is laid out: the straightened page, its pulses, the ink of every track, and the picture's own ink.

    `ink` is None if the picture's own ink cannot be separated from the ground.
    """

    straight: StraightPage
    pulses: list[Pulse]
    planes: list[np.ndarray]
    ink: PictureInk | None


def _page_ink(analysis: PageAnalysis) -> _PageInk:
    """Straighten a page, find its pulses, and follow the ink of its tracks."""
    ink = picture_ink(analysis.layers)
    pulses = read_pulses(analysis.layers, analysis.warp, None if ink is None else ink.coverage)
    area = ink_area(analysis)
    strip = page_strip(analysis.layers["trace"], analysis.warp, area)
    whole = strip if ink is None else page_strip(ink.with_bridges(analysis.layers), analysis.warp, area)
    followed = _follow_tracks(analysis.tracks, whole)
    planes = own_planes(analysis.layers["trace"], analysis.warp, whole, assign_ink(whole, followed), len(followed))
    shown = None if ink is None else page_strip(ink.of_traces(analysis.layers), analysis.warp, area)
    full = None if ink is None else page_strip(np.clip(ink.coverage, 0.0, 1.0), analysis.warp, area)
    straight = StraightPage(strip, whole, shown, full, page_strip(analysis.layers["writing"], analysis.warp, area), tuple(followed))
    return _PageInk(straight, pulses, planes, ink)


def _lay_out_best(analysis: PageAnalysis, settings: Settings, page_ink: _PageInk | None) -> tuple[LaidOutPage, tuple[float, float]]:
    """Lay out an analysed picture by the layout that matches best. `page_ink` is computed if it is not given.

    Returns
    -------
    page : LaidOutPage
    frame : (float, float)
        For a page without a grid, stretch and fall by the bars between its columns, see `frame_of_bars`. If there are gaps between columns
        and rows with columns gave the scale, the stretch is corrected for the gaps' length. For other pages (1, 0).
    """
    assert analysis.match is not None
    page_ink = page_ink or _page_ink(analysis)
    page, axis = _lay_out_match(analysis, analysis.match, settings, page_ink)
    if not analysis.gridless:
        return page, (1.0, 0.0)
    stretch, fall = frame_of_bars(axis, analysis, analysis.match, page_ink.straight)
    # Rows with gaps between their columns are longer than the time that they show, so the length of the columns alone gives the scale. If
    # rhythm strips gave it, nothing is to be corrected: gaps do not lengthen strips, and short columns leave out time.
    lengthened = axis.has_gaps and not analysis.scaled_by_strips
    return page, (stretch * axis.shown_s / axis.column_s if lengthened else stretch, fall)


def _lay_out_match(analysis: PageAnalysis, match: LayoutMatch, settings: Settings, page_ink: _PageInk) -> tuple[LaidOutPage, TimeAxis]:
    """Lay out an analysed picture by one of the layouts that match it, and find how time runs along its rows."""
    straight, pulses = page_ink.straight, page_ink.pulses
    flags: list[str] = []
    if settings.layout is not None and not enough_names(analysis):
        flags.append("few names of leads were read: the layout is as told, and the picture is taken to be the right way up")
    if analysis.negative:
        flags.append("the picture is a negative: light and dark were exchanged")
    if analysis.gridless:
        flags.append(f"no grid was seen: the rows' length is taken as {match.layout.seconds:g} s at {settings.expected_speed:g} mm/s")
    rows = [None if track is None else straight.followed[track] for track in match.tracks]
    axis = time_axis(analysis, match, straight, rows, pulses, settings, flags)
    if straight.shown is not None:
        axis = refine_start(axis, analysis, match, straight, rows, pulses, settings.fs)
    own = pulses_of_rows(analysis.tracks, pulses)
    gains = gains_mm_mv(analysis, page_ink.ink, own, pulses, settings, flags)
    baselines, zeros = baselines_mm(match, rows, own, axis, gains[0], flags)
    read = {name.lead for name in analysis.names}
    missing = [label for label in match.cells.values() if label.removeprefix("-") not in read]
    if missing:
        flags.append(f"names that were not read, taken from layout {match.layout.name}: {', '.join(missing)}")
    unused = sum(name.sure > _SURE_NAME for name in analysis.names) - match.found
    if unused > _ANOTHER_PAGE * len(match.cells):
        flags.append(f"{unused} names of leads belong to nothing that was read: there may be another page in the picture")
    segments = _segments(match, axis, baselines, zeros, gains, settings.fs)
    traced = tuple(page_ink.planes[track] for segment in segments if (track := match.tracks[segment.row]) is not None)
    laid = PageSegments(segments, axis.speed_mm_s, settings.fs, THIN_MM)
    found = LaidOutPage(analysis, match, laid, traced, gains[0], tuple(flags), page_ink.ink)
    return replace(found, pulses=tuple(pulses), start_sd_mm=axis.start_sd_mm), axis


def read_traces(page: LaidOutPage, mode: str = "stroke_fit", name: str = "record") -> Reading:
    """Read the signals of a page that is laid out, in one of `MODES`."""
    ink, close, lines_mm = page.ink, None, None
    warp = page.analysis.warp
    if ink is not None:
        close = _at_own_scale(page) if mode == "stroke_fit" else None
        ink = _without_marks(page, warp, ink)
        if page.start_sd_mm and mode == "stroke_fit":
            lines_mm = _unsnapped_offset_mm(page.analysis)
    found = decode(
        {"trace": np.stack(page.by_segment)}, page.rows, mode=mode, warp=warp, ink=ink, close=close, pulses=page.pulses,
        start_sd_mm=page.start_sd_mm, lines_mm=lines_mm, name=name,
    )  # fmt: skip
    trace_map = page.analysis.layers["trace"]
    doubts = find_doubts(found.traces(), found.layout, trace_map if ink is None else np.where(ink.hidden, 0.0, trace_map), warp)
    decoded = replace(found, sd=sd_with_doubts(found, doubts), flags=(*flags_of(doubts), *page.flags, *found.flags))
    speed, gain = page.rows.speed_mm_s, page.gain_mm_mv
    return Reading(decoded, page.analysis, page.match.layout.name, speed, gain, page.confidence, page.checks, tuple(doubts))


def _without_marks(page: LaidOutPage, warp: PageWarp, ink: PictureInk) -> PictureInk:
    """A copy of the ink in which pixels where bars or calibration pulses cover the traces are marked as hidden."""
    covered = behind_bars(page.rows, warp, ink) | behind_pulses(page.rows, warp, ink, page.pulses)
    return replace(ink, hidden=ink.hidden | covered)


def _at_own_scale(page: LaidOutPage) -> tuple[PageWarp, PictureInk] | None:
    """Warp and ink of the picture at its original size; None if this is unknown, nearly the size of the layers, or much larger than that.

    The result is also None if the picture's own ink cannot be separated from the ground.

    Pixels of the original picture are better data for the fit. Their noise is independent, and each is the mean of the ink in its area, as
    the model of the stroke assumes.
    """
    layers = page.analysis.layers
    if layers.original is None or layers.zoom < _LEAST_ZOOM or abs(np.log(layers.zoom)) < _SAME_ZOOM:
        return None
    ink = picture_ink(layers, OwnScale(layers))
    if ink is None:
        return None
    (height, width), (was_high, was_wide) = layers.maps.shape[1:], layers.original.shape[:2]
    warp = ZoomedWarp(page.analysis.warp, (width / was_wide, height / was_high))
    return warp, _without_marks(page, warp, ink)


def _unsnapped_offset_mm(analysis: PageAnalysis) -> tuple[float, float] | None:
    """Smallest and largest offset in mm, from `unsnapped_offset_mm`; None if 5 mm lines are not seen or the layers have no picture."""
    layers = analysis.layers
    if analysis.gridless or layers.picture is None or (layers["major"] > _FIVES).mean() < _FIVES_SHARE:
        return None
    return unsnapped_offset_mm(layers, analysis.warp)


def as_colour(picture: np.ndarray) -> np.ndarray:
    """A picture, grey or RGB, with or without an alpha channel, as (height, width, 3) uint8.

    Raises
    ------
    ImageError
        If it is too small, or no picture.
    """
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or (picture.ndim == 3 and not 1 <= picture.shape[2] <= 4):
        raise ImageError(f"a picture of {picture.dtype} {picture.shape}, expected uint8 (height, width, 3) or (height, width)")
    if min(picture.shape[:2]) < _SMALLEST:
        raise ImageError(f"a picture of {picture.shape[1]} x {picture.shape[0]} px, expected at least {_SMALLEST} along both sides")
    channels = picture[..., None] if picture.ndim == 2 else picture
    colour = channels[..., :3] if channels.shape[2] >= 3 else np.repeat(channels[..., :1], 3, axis=2)
    if channels.shape[2] in (2, 4):  # Transparent pixels show white paper.
        opaque = channels[..., -1:].astype(np.float32) / 255
        colour = np.rint(colour * opaque + 255 * (1 - opaque)).astype(np.uint8)
    return np.ascontiguousarray(colour)


def _follow_tracks(tracks: Sequence[Track], strip: Strip) -> list[TracePath]:
    """Follow every track along a straightened page. Tracks count as at least 4 mm apart, and a single track as 40 mm from the next."""
    right = strip.left_mm + strip.ink.shape[1] / strip.scale
    levels = [track.level_mm for track in tracks]
    distances = [min((abs(level - other) for j, other in enumerate(levels) if j != k), default=40.0) for k, level in enumerate(levels)]
    return [follow_row(strip, level, max(distance, 4.0), (strip.left_mm, right)) for level, distance in zip(levels, distances, strict=True)]


def _segments(
    match: LayoutMatch, axis: TimeAxis, baselines: Sequence[float], zeros: Sequence[str], gains: tuple[float, float], fs: float
) -> tuple[Segment, ...]:
    """The segments of a layout that are in the picture, ordered by row and column. Rows without a track are left out.

    `baselines` (page y, mm) and `zeros` (what each was taken from) are those of the rows, `gains` those of limb and of chest leads.
    """
    segments = []
    for (row, column), label in sorted(match.cells.items()):
        if match.tracks[row] is None:
            continue
        rhythm = row >= match.strips
        begin_s = 0.0 if rhythm else axis.column_s * column
        early_s = axis.early_s if rhythm or column == len(match.layout.columns) - 1 else 0.0
        start, stop = round(begin_s * fs), round((begin_s + (axis.strip_s if rhythm else axis.shown_s) - early_s) * fs)
        lead = label.removeprefix("-")
        gain = gains[1] if lead.startswith("V") else gains[0]
        signed_gain = -gain if label.startswith("-") else gain
        x_mm = axis.start_mm + column * axis.pitch_mm
        segments.append(Segment(lead, start, stop, x_mm, baselines[row], signed_gain, rhythm=rhythm, row=row, zero=zeros[row]))
    return tuple(segments)
