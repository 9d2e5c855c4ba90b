"""`digitize`: from a picture of an ECG to millivolts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fastecg.digitizing.assign import Assignment
from fastecg.digitizing.balance import balanced
from fastecg.digitizing.bars import frame_of_bars
from fastecg.digitizing.coarse import Strip, forget_strips
from fastecg.digitizing.decode import Decoded, decode, read_segments
from fastecg.digitizing.follow import Row, Straight, follow_row, own_planes, page_strip, share
from fastecg.digitizing.ink import Ink, picture_ink
from fastecg.digitizing.joints import behind_bars
from fastecg.digitizing.judge import SURE, LaidOut, at_once, beats_agree, judged, levelled, strips_by_trace
from fastecg.digitizing.layout import Rows, Segment
from fastecg.digitizing.levels import baselines_mm, gains_mm_mv, pulses_of_rows
from fastecg.digitizing.name_levels import levelled_by_names
from fastecg.digitizing.names import nothing_readable
from fastecg.digitizing.page_model import read_page
from fastecg.digitizing.pulses import Pulse, read_pulses
from fastecg.digitizing.separate import WEIGHTS, separator
from fastecg.digitizing.start import sharper
from fastecg.digitizing.targets import THIN_MM
from fastecg.digitizing.time_axis import TimeAxis, time_axis
from fastecg.digitizing.tracks import Track
from fastecg.digitizing.views import READ, USUAL_SPEED, Settings, View, _read_at_all, _straight_view, best_view, ink_area, reframed
from fastecg.errors import ImageError
from fastecg.layouts import Layout
from fastecg.system.cores import one_thread

_SMALLEST = 200  # px
_SURE_NAME = 0.6  # how sure a name is that counts
_ANOTHER_PAGE = 0.5  # share of a page's names that tells of another page
_DARK = 96.0  # of 255: most of a picture of light on dark is darker
_LIGHTER = 2.0  # how far its lighter pixels go from the middle, by how far its darker ones do
#: Resolutions at which programs draw and scanners scan.
_USUAL_DPI = (72.0, 75.0, 96.0, 100.0, 120.0, 150.0, 180.0, 200.0, 240.0, 250.0, 300.0, 400.0, 500.0, 600.0)
_SAME_PEN_MM = 0.04  # by which two measures of a pen may differ: a start of time is off by less than half of that
_AT_DPI = 1e-3  # how near to one a page is at it, as a share: bars on whole pixels tell no better
#: By which millimetres may be off, and rows fall, where there is no grid; again after each look that was wrong by more: bars far from where
#: they were expected are seen in part only.
_SAME_SCALE = (1e-4, 1e-3, 1e-3)


@dataclass(frozen=True, eq=False)
class Reading:
    """A digitised picture.

    Attributes
    ----------
    digitized : Decoded
        Millivolts, standard deviations, flags.
    view : View
        What was seen. Its frame is that of the layers: turned, and `view.layers.zoom` times as large as the picture.
    layout : str
        Name of the layout.
    speed_mm_s, gain_mm_mv : float
    confidence : float
        That every lead has its own name, 0 to 1.
    checks : dict of str to float
        How far the reading agrees with itself, as `fastecg.digitizing.checks.checks_of` tells: 0 is best.
    """

    digitized: Decoded
    view: View
    layout: str
    speed_mm_s: float
    gain_mm_mv: float
    confidence: float = 0.0
    checks: Mapping[str, float] = field(default_factory=dict)

    @property
    def order(self) -> str:
        """Whether every lead has its own name: "sure" or "uncertain"."""
        return "sure" if self.confidence >= SURE else "uncertain"


def digitize(picture: np.ndarray, settings: Settings = READ, *, name: str = "record", weights: Path = WEIGHTS) -> Reading:
    """Read the signals of an ECG from its picture.

    Parameters
    ----------
    picture : ndarray, shape (height, width, 3) or (height, width) uint8
        sRGB or grey; any quarter turn, 100 to 600 dpi.
    settings : Settings
    name : str
        Of the record.
    weights : Path
        The network, ONNX.

    Returns
    -------
    Reading

    Raises
    ------
    ImageError
        If the picture is too small, has no grid, no trace, or no layout that can be told.
    """
    picture = _as_colour(picture)
    try:
        with one_thread():
            return read_view(_best_view(picture, settings, weights), settings, name)
    finally:
        forget_strips()


def _best_view(picture: np.ndarray, settings: Settings, weights: Path) -> View:
    """The picture the right way up; the other way round where it is light on dark, and as it stands where no names tell which way."""
    if _light_on_dark(picture):
        inverse = _best_view(255 - picture, settings, weights)
        if inverse.placed is not None:
            return replace(inverse, negative=True)
    view = best_view(picture, settings, weights)
    if settings.layout is not None and view.turns and not _read_at_all(view):
        straight = _straight_view(picture, settings, separator(weights))
        return straight if straight.placed is not None else view
    return view


def _light_on_dark(picture: np.ndarray) -> bool:
    """Whether most of a picture is dark, and what differs from that is light: a screen, or a negative."""
    grey = picture[:: max(1, len(picture) // 512), :: max(1, picture.shape[1] // 512)].mean(axis=2)
    low, middle, high = np.percentile(grey, (0.5, 50, 99.5))
    return bool(middle < _DARK and high - middle > _LIGHTER * max(middle - low, 1.0))


def read_view(view: View, settings: Settings, name: str = "record") -> Reading:
    """Read what was seen; once more where the start of time rested on a pen that the fit has found to be another."""
    page = lay_out(view, settings)
    reading = read_traces(page, settings.mode, name)
    import os

    if os.environ.get("PEN") and abs(reading.digitized.pen_mm - page.pen_mm) > _SAME_PEN_MM:
        return read_traces(lay_out(view, settings, reading.digitized.pen_mm), settings.mode, name)
    return reading


def lay_out(view: View, settings: Settings, pen_mm: float = np.nan) -> LaidOut:
    """Where every lead of a view is, and which ink is whose; how thick the pen is tells where time starts, and may be known."""
    if settings.page is not None:
        return _corrected(view, settings)
    if view.placed is None:
        raise nothing_readable(view.names, view.layers, settings.layout)
    page, (stretch, fall) = _first_look(view, settings, pen_mm)
    for enough in _SAME_SCALE:
        if abs(stretch - 1.0) < enough and abs(fall) < enough:
            break
        view = reframed(view, _to_whole_dpi(view, stretch), fall, settings.layout)
        page, (stretch, fall) = _first_look(view, settings, pen_mm)
    return looked_at(page, settings)


def _to_whole_dpi(view: View, stretch: float) -> float:
    """By what factor millimetres of a view are longer, if they are about `stretch` longer: those of a usual resolution are exact."""
    dpi = 25.4 * view.warp.scale * stretch / view.layers.zoom
    nearest = min(_USUAL_DPI, key=lambda usual: abs(np.log(usual / dpi)))
    return stretch * nearest / dpi if abs(np.log(nearest / dpi)) < _AT_DPI else stretch


def _corrected(view: View, settings: Settings) -> LaidOut:
    """A view with the page that a person has corrected."""
    assert settings.page is not None
    model = read_page(settings.page)
    seen = _straightened(view)
    gain = settings.gain_mm_mv or model.gain_mm_mv or 10.0
    segments, speed = model.in_view(view, gain, settings.fs)
    levels = np.array([track.level_mm for track in view.tracks])
    if not len(levels):
        raise nothing_readable(view.names, view.layers)
    tracks = [int(np.argmin(np.abs(levels - item.baseline_mm))) for item in segments]
    layout = Layout(model.layout, "by hand", (tuple(item.lead for item in segments),))
    cells = {(k, 0): item.lead for k, item in enumerate(segments)}
    placed = Assignment(layout, cells, tuple(tracks), 0.0, 0.0, (0.0, 0.0), 0.0, len(segments))
    rows = Rows(segments, speed, settings.fs, THIN_MM)
    page = LaidOut(view, placed, rows, tuple(seen.planes[track] for track in tracks), gain, (), seen.ink)
    drawn = list(read_segments(page.by_segment, rows, view.warp, "centroid"))
    return judged(page, drawn, known=True)


def looked_at(page: LaidOut, settings: Settings) -> LaidOut:
    """A page mended and judged by a first, quick reading."""
    drawn = list(read_segments(page.by_segment, page.rows, page.view.warp, "centroid"))
    page = levelled(strips_by_trace(at_once(page) if beats_agree(drawn, page.rows.fs) else page, drawn), drawn)
    page = balanced(levelled_by_names(page, drawn), drawn)
    return judged(page, drawn, known=settings.layout is not None)


@dataclass(frozen=True, eq=False)
class _Straightened:
    """What is known of a view before any layout: the page seen straight, its pulses, the ink of every track, and the picture's own."""

    straight: Straight
    pulses: list[Pulse]
    planes: list[np.ndarray]
    ink: Ink | None


def _straightened(view: View) -> _Straightened:
    ink = picture_ink(view.layers)
    pulses = read_pulses(view.layers, view.warp, None if ink is None else ink.coverage)
    area = ink_area(view)
    strip = page_strip(view.layers["trace"], view.warp, area)
    whole = strip if ink is None else page_strip(ink.with_bridges(view.layers), view.warp, area)
    followed = _followed(view.tracks, whole)
    planes = own_planes(view.layers["trace"], view.warp, whole, share(whole, followed), len(followed))
    shown = None if ink is None else page_strip(ink.of_traces(view.layers), view.warp, area)
    full = None if ink is None else page_strip(np.clip(ink.coverage, 0.0, 1.0), view.warp, area)
    straight = Straight(strip, whole, shown, full, page_strip(view.layers["writing"], view.warp, area), tuple(followed))
    return _Straightened(straight, pulses, planes, ink)


def _first_look(view: View, settings: Settings, pen_mm: float) -> tuple[LaidOut, tuple[float, float]]:
    """A view with its likeliest layout, and how much longer than thought its millimetres are and its rows fall, where no grid tells."""
    assert view.placed is not None
    seen = _straightened(view)
    page, axis = _laid_out(view, view.placed, settings, seen, pen_mm)
    return page, frame_of_bars(axis, view, view.placed, seen.straight) if view.plain else (1.0, 0.0)


def _laid_out(view: View, placed: Assignment, settings: Settings, seen: _Straightened, pen_mm: float) -> tuple[LaidOut, TimeAxis]:
    """A view with one of its layouts."""
    straight, pulses = seen.straight, seen.pulses
    flags: list[str] = []
    if settings.layout is not None and not _read_at_all(view):
        flags.append("few names of leads were read: the layout is as told, and the picture is taken to be the right way up")
    if view.negative:
        flags.append("the picture is a negative: light and dark were exchanged")
    if view.plain:
        flags.append(f"no grid was seen: the rows' length is taken as {placed.layout.seconds:g} s at {USUAL_SPEED:g} mm/s")
    rows = [None if track is None else straight.followed[track] for track in placed.tracks]
    axis = time_axis(view, placed, straight, rows, pulses, settings, flags)
    if straight.shown is not None:
        axis = sharper(axis, view, placed, straight, rows, pulses, settings.fs, pen_mm)
    own = pulses_of_rows(view.tracks, pulses)
    gains = gains_mm_mv(view, seen.ink, own, pulses, settings, flags)
    baselines, told = baselines_mm(placed, rows, own, axis, gains[0], flags)
    read = {name.lead for name in view.names}
    missing = [label for label in placed.cells.values() if label.removeprefix("-") not in read]
    if missing:
        flags.append(f"names that were not read, taken from layout {placed.layout.name}: {', '.join(missing)}")
    further = sum(name.sure > _SURE_NAME for name in view.names) - placed.found
    if further > _ANOTHER_PAGE * len(placed.cells):
        flags.append(f"{further} names of leads belong to nothing that was read: there may be another page in the picture")
    segments = _segments(placed, axis, baselines, told, gains, settings.fs)
    traced = tuple(seen.planes[track] for segment in segments if (track := placed.tracks[segment.row]) is not None)
    laid = Rows(segments, axis.speed_mm_s, settings.fs, THIN_MM)
    return LaidOut(view, placed, laid, traced, gains[0], tuple(flags), seen.ink, pen_mm=axis.pen_mm, pulses=tuple(pulses)), axis


def read_traces(page: LaidOut, mode: str = "render", name: str = "record") -> Reading:
    """Millivolts of a page whose layout is known."""
    ink = page.ink
    if ink is not None:
        ink = replace(ink, hidden=ink.hidden | behind_bars(page.rows, page.view.warp, ink))
    found = decode({"trace": np.stack(page.by_segment)}, page.rows, mode=mode, warp=page.view.warp, ink=ink, pulses=page.pulses, name=name)
    told = replace(found, flags=(*page.flags, *found.flags))
    return Reading(told, page.view, page.placed.layout.name, page.rows.speed_mm_s, page.gain_mm_mv, page.confidence, page.checks)


def _as_colour(picture: np.ndarray) -> np.ndarray:
    """A picture as (height, width, 3) uint8."""
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise ImageError(f"a picture of {picture.dtype} {picture.shape}, expected uint8 (height, width, 3) or (height, width)")
    if min(picture.shape[:2]) < _SMALLEST:
        raise ImageError(f"a picture of {picture.shape[1]} x {picture.shape[0]} px, expected at least {_SMALLEST} along both sides")
    colour = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture[..., :3]
    if colour.shape[2] == 3 and picture.ndim == 3 and picture.shape[2] == 4:  # over white paper
        opaque = picture[..., 3:].astype(np.float32) / 255
        colour = np.rint(colour * opaque + 255 * (1 - opaque)).astype(np.uint8)
    return np.ascontiguousarray(colour)


def _followed(tracks: Sequence[Track], strip: Strip) -> list[Row]:
    right = strip.left_mm + strip.ink.shape[1] / strip.scale
    levels = [track.level_mm for track in tracks]
    apart = [min((abs(level - other) for j, other in enumerate(levels) if j != k), default=40.0) for k, level in enumerate(levels)]
    return [follow_row(strip, level, max(away, 4.0), (strip.left_mm, right)) for level, away in zip(levels, apart, strict=True)]


def _segments(
    placed: Assignment, axis: TimeAxis, baselines: Sequence[float], told: Sequence[str], gains: tuple[float, float], fs: float
) -> tuple[Segment, ...]:
    """The segments of a layout that are in the picture, in the order of (row, column)."""
    segments = []
    for (row, column), label in sorted(placed.cells.items()):
        if placed.tracks[row] is None:
            continue
        rhythm = row >= placed.strips
        begin = 0.0 if rhythm else axis.column_s * column
        first, last = (round(time * fs) for time in (begin, begin + (axis.strip_s if rhythm else axis.shown_s)))
        lead = label.removeprefix("-")
        gain = gains[1] if lead.startswith("V") else gains[0]
        signed = -gain if label.startswith("-") else gain
        at = axis.start_mm + column * axis.pitch_mm
        segments.append(Segment(lead, first, last, at, baselines[row], signed, rhythm=rhythm, row=row, zero=told[row]))
    return tuple(segments)
