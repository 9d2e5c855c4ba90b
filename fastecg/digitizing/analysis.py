"""Analysis of a picture, turned upright: layers, grid, tracks, names of leads, and the layouts that match them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fastecg.digitizing.assign import SPEEDS_MM_S, LayoutMatch, hypotheses
from fastecg.digitizing.checks import tracks_beat
from fastecg.digitizing.coarse import PageWarp, forget_strips
from fastecg.digitizing.decode import MODES, Mode
from fastecg.digitizing.follow import page_strip
from fastecg.digitizing.gridless import MOST_OFF, gridless_warp, tilt_of
from fastecg.digitizing.names import Name, nothing_drawn, nothing_readable, read_names
from fastecg.digitizing.ruled import picture_grid
from fastecg.digitizing.scale import find_scales
from fastecg.digitizing.segmenter import WEIGHTS, Layers, LayerSegmenter, load_segmenter
from fastecg.digitizing.targets import SCALE
from fastecg.digitizing.tracks import Track, find_tracks
from fastecg.errors import FastecgError, ImageError, LayoutError
from fastecg.layouts import check_layout
from fastecg.layouts.paper import check_range

#: Paper speed assumed if nothing tells it, mm/s.
USUAL_SPEED = 25.0

_LIKELY_DPI = (200.0, 150.0, 300.0, 100.0)  # Resolutions tried for a picture without a grid, the likeliest first.
_USUAL_FS = 500.0  # Hz. A row ends one sample before its nominal time; this is the sampling frequency assumed for that.
_ENOUGH = 0.5  # Share of a layout's names that have to be read for the picture to count as upright.
_FEW = 5  # Minimum number of names for the same.
_SOME = 3  # Minimum number of names in a turned picture to be analysed in full, and in a large one whose rows do not beat together.
# Scales of a grid that are tried. Of 67 pages by other programs and of scans, 66 were read at the likeliest, one at the next.
_MOST_SCALES = 2
# A picture with a grid and at least this many tracks is not lying on its side. Of 14 that were, none had more than one track.
_LEVEL_ROWS = 3
# Tolerance (log of the ratio) of row lengths. Rows that miss every usual length by more suggest that the scale is wrong.
_TRUE_LENGTH = 0.03
_FAN_ROWS = 3  # Minimum number of rows for telling whether their lengths grow down the page.
_FAN_SHARE = 0.12  # Minimum change of row lengths over a page that fans out, as a share of their median.
_FAN_OFF = 0.02  # Largest deviation of rows from that trend, as a share of their median.
_EDGE_PX = 8  # A row that ends closer than this to the picture's edge may continue beyond it.
_TRACE = 0.5  # Value of the network's map from which a pixel counts as ink of a trace.
_LEAST_INK_PX = 100  # Minimum number of such pixels in a picture with traces.
_CELL_PX = 4  # Side of the cells in which connected ink is looked for.
_PIECE_MM = 8.0  # Minimum width of a connected piece that counts as part of a trace.
_LEAST_PIECES_MM = 60.0  # Minimum total width of such pieces on a page.
_PAGE_MM2 = 0.13e6  # Area of an A3 page.
_GRIDLESS_MM2 = 0.2e6  # Largest area of a picture without a grid.
_LARGEST_MM2 = 0.3e6  # Largest area of a picture with a grid.
_QUICK_PX = (0.7e6, 1.6e6, 4e6)  # Pixels of the reduced pictures on which traces are looked for quickly.
_MOST_QUICK = 2.5  # Largest factor by which a small picture is enlarged for a quick look.
_DARK = 100  # Grey level (0 to 255) below which a pixel counts as dark when a negative is looked for.
_NEGATIVE_SHARE = 0.15  # Minimum share of dark pixels in a picture that may be a negative.
_AROUND_MM = 3.0  # Margin of page around the traces that is analysed.
_FAINT = 8  # Least difference of levels, of 255, between paper and a pen that can be read.
_BLANK_CELL_PX = 8  # Side of the cells in which levels are compared: within them, paper is lit evenly.
_BLANK_CELLS = 25  # Least number of cells with ink in a picture with traces: 60 mm of a trace at 3.3 px/mm, the smallest scale.


@dataclass(frozen=True)
class Settings:
    """What the user knows of the page, and how it is to be read. Values that are None are read from the picture.

    Attributes
    ----------
    layout : str, optional
        Name of a layout.
    speed_mm_s, gain_mm_mv : float, optional
        Paper speed and gain.
    fs : float
        Samples a second to read.
    mode : {"stroke_fit", "softargmax", "centroid"}
        How millivolts are read, as in `fastecg.digitize`.
    page : Path, optional
        A corrected page: a report of `fastecg digitize`, as `fastecg review` changes it.

    Raises
    ------
    LayoutError
        If a number is outside the range of pages or records.
    """

    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    fs: float = 500.0
    mode: Mode = "stroke_fit"
    page: Path | None = None

    def __post_init__(self) -> None:
        if self.mode == "render":  # its name in earlier versions
            object.__setattr__(self, "mode", "stroke_fit")
        if self.mode not in MODES:
            raise FastecgError(f"unknown mode {self.mode!r}, expected one of {', '.join(MODES)}")
        if self.layout is not None:
            check_layout(self.layout)
        for name in ("speed_mm_s", "gain_mm_mv"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name))
        if not 50 <= self.fs <= 5000:
            raise LayoutError(f"fs is {self.fs:g}, expected 50 to 5000 samples a second")


#: Everything is read from the picture.
READ = Settings()


@dataclass(frozen=True, eq=False)
class PageAnalysis:
    """What was found in a picture after turning it by some quarter turns.

    Attributes
    ----------
    layers : Layers
    warp : PageWarp
        The map between the layers' pixels and mm of the page.
    names : tuple of Name
        The names of leads that were read.
    tracks : tuple of Track
        Rows of traces, from top to bottom.
    found : tuple of LayoutMatch
        Layouts that match tracks and names, the best first.
    turns : int
        Quarter turns that the picture was given.
    gridless : bool
        Whether no grid was seen; millimetres then follow from the length of the rows.
    tilt : float
        Fall of the rows in such a picture, mm per mm.
    negative : bool
        Whether light and dark were exchanged to read it.
    """

    layers: Layers
    warp: PageWarp
    names: tuple[Name, ...]
    tracks: tuple[Track, ...]
    found: tuple[LayoutMatch, ...]
    turns: int
    gridless: bool = False
    tilt: float = 0.0
    negative: bool = False

    @property
    def match(self) -> LayoutMatch | None:
        """The best match; None if there is none."""
        return self.found[0] if self.found else None

    @property
    def share_of_names(self) -> float:
        """Share of the layout's names that were read where they belong."""
        return 0.0 if self.match is None else self.match.found / len(self.match.cells)


def analyse_upright(picture: np.ndarray, settings: Settings, weights: Path = WEIGHTS) -> PageAnalysis:
    """Find the orientation of a picture in which names and rows fit a layout best, and analyse it that way up.

    Raises
    ------
    ImageError
        If nothing in the picture looks like a trace, or it is a mirror image.
    """
    if _is_blank(picture):
        raise nothing_drawn()
    network = load_segmenter(weights)
    dark = _may_be_negative(picture)
    scales = find_scales(picture, network)
    tried = _of_pages(picture, scales, _LARGEST_MM2)[:_MOST_SCALES] if scales else _gridless_scales(picture)
    # Analysing a whole picture takes seconds if the scale makes it large or several scales are tried: a quick look comes first.
    known = bool(scales) and _area_mm2(picture, tried[0]) < _PAGE_MM2
    if not known and not _drawn(picture, network, dark):
        raise nothing_drawn()
    large = _area_mm2(picture, tried[0]) > _PAGE_MM2
    if large and not dark and not _has_rows(picture, network, named=settings.layout is None):
        raise nothing_drawn()
    best: PageAnalysis | None = None
    upright = False  # whether there are traces at the likeliest scale; without them, turning the picture does not help
    rows: dict[int, int] = {}  # number of tracks at the likeliest scale, by quarter turns
    for px_per_mm, turns in _ways(tried):
        if turns and not upright:
            break
        if scales and not _may_lie(turns, rows):  # without a grid, as in copies in black and white, rows are less reliable
            continue
        layers = network.separate(np.ascontiguousarray(np.rot90(picture, turns)), SCALE / px_per_mm)
        if turns and best is not None and best.match is not None and not _names_enough(layers, _SOME):
            continue
        analysis = analyse_layers(layers, settings.layout, turns, ruled=bool(scales))
        if px_per_mm == tried[0]:
            rows[turns] = len(analysis.tracks)
        if best is None:
            upright = inked(layers)
            if known and not upright and not _drawn(picture, network, dark):
                raise nothing_drawn()
        if best is None or _rank(analysis) > _rank(best):
            best = analysis
        if _plausible(best):
            return best
        del layers, analysis  # their maps take hundreds of megabytes
        forget_strips()
    assert best is not None
    if scales and best.gridless and best.tracks:  # the scales came from something else that is periodic, such as a line of letters
        best = _better_gridless(best, picture, settings, network)
    if _read_at_all(best):
        return best
    if dark:
        inverse = _analyse_as_held(255 - picture, settings, network)
        if _read_at_all(inverse):
            return replace(inverse, negative=True)
    if best.tracks and tracks_beat(best.tracks) and _is_mirrored(picture, best, settings, network):
        raise ImageError("the picture is a mirror image, expected it the other way round")
    return best


def _better_gridless(best: PageAnalysis, picture: np.ndarray, settings: Settings, network: LayerSegmenter) -> PageAnalysis:
    """The best of an analysis and those of the picture as held, without a grid, at likely scales up to one at which it can be read."""
    for px_per_mm in _gridless_scales(picture)[:_MOST_SCALES]:
        analysis = analyse_layers(network.separate(picture, SCALE / px_per_mm), settings.layout, ruled=False)
        if _rank(analysis) > _rank(best):
            best = analysis
        if _plausible(analysis):
            break
        del analysis
        forget_strips()
    return best


def _is_blank(picture: np.ndarray) -> bool:
    """Whether hardly any pixel of a picture differs from its neighbours, as on empty paper, however it is lit."""
    from PIL import Image

    halved = np.asarray(Image.fromarray(picture).reduce(2))  # which also halves the noise
    rows, columns = (np.arange(0, length, _BLANK_CELL_PX // 2) for length in halved.shape[:2])
    high, low = (most.reduceat(most.reduceat(halved, rows, axis=0), columns, axis=1) for most in (np.maximum, np.minimum))
    return int(np.count_nonzero((high - low).max(axis=2) >= _FAINT)) < _BLANK_CELLS


def _is_mirrored(picture: np.ndarray, analysis: PageAnalysis, settings: Settings, network: LayerSegmenter) -> bool:
    """Whether names are read in the mirror image of a picture."""
    layers = network.separate(np.ascontiguousarray(picture[:, ::-1]), analysis.layers.zoom)
    return _names_enough(layers, _FEW) and _read_at_all(analyse_layers(layers, settings.layout, ruled=not analysis.gridless))


def _names_enough(layers: Layers, least: int) -> bool:
    """Whether at least `least` names of leads are read. This is faster than a full analysis."""
    height, width = layers.maps.shape[1:]
    return len(read_names(layers, gridless_warp((height, width), SCALE))) >= least


def _drawn(picture: np.ndarray, network: LayerSegmenter, dark: bool) -> bool:
    """Whether traces are seen in reduced copies of a picture, or in their negatives if it is `dark`.

    The network sees traces even at less than half the scale that it was trained at.
    """
    return any(
        inked(network.separate(shown, min(float(np.sqrt(pixels / picture[..., 0].size)), _MOST_QUICK)))
        for pixels in _QUICK_PX
        for shown in ([picture, 255 - picture] if dark else [picture])
    )


def _has_rows(picture: np.ndarray, network: LayerSegmenter, *, named: bool) -> bool:
    """Whether a reduced copy of a large picture, turned in any way, shows rows of traces that beat together or have names.

    Where the layout is told, rows need not be `named`, and need not beat: those of a tilted page seem not to.
    """
    zoom = float(np.sqrt(_QUICK_PX[-1] / picture[..., 0].size))
    rows: dict[int, int] = {}
    for turns in range(4):
        if rows.get(turns - 2) == 0:  # upside down a picture has as many rows
            continue
        analysis = analyse_layers(network.separate(np.ascontiguousarray(np.rot90(picture, turns)), zoom), None, turns, ruled=False)
        rows[turns] = len(analysis.tracks)
        found = 0 if analysis.match is None else analysis.match.found
        if analysis.tracks and (not named or found >= _SOME or tracks_beat(analysis.tracks)):
            return True
    return False


def _gridless_scales(picture: np.ndarray) -> list[float]:
    """px/mm that are tried for a picture without a grid, the likeliest first."""
    return _of_pages(picture, [dpi / 25.4 for dpi in _LIKELY_DPI], _GRIDLESS_MM2)


def _of_pages(picture: np.ndarray, scales: list[float], most_mm2: float) -> list[float]:
    """The scales (px/mm) at which a picture is no larger than a page; if there are none, the largest scale."""
    first, *others = [scale for scale in scales if _area_mm2(picture, scale) < most_mm2] or [max(scales)]
    # A grid is seen at half its scale nearly as clearly, and pages larger than A3 take gigabytes: only the clearest scale may give one.
    return [first, *(scale for scale in others if _area_mm2(picture, scale) < _PAGE_MM2)]


def _area_mm2(picture: np.ndarray, px_per_mm: float) -> float:
    return picture.shape[0] * picture.shape[1] / px_per_mm**2


def _may_be_negative(picture: np.ndarray) -> bool:
    """Whether a picture is dark enough to be the negative of a page."""
    return float((picture[::4, ::4].mean(axis=2) < _DARK).mean()) > _NEGATIVE_SHARE


def _read_at_all(analysis: PageAnalysis) -> bool:
    """Whether enough names were read for the layout to be believed."""
    return analysis.match is not None and analysis.match.found >= _FEW and analysis.share_of_names >= _ENOUGH


def _analyse_as_held(picture: np.ndarray, settings: Settings, network: LayerSegmenter) -> PageAnalysis:
    """Analyse a picture without turning it, at its likeliest scale."""
    scales = find_scales(picture, network)
    px_per_mm = _of_pages(picture, scales, _LARGEST_MM2)[0] if scales else _LIKELY_DPI[0] / 25.4
    return analyse_layers(network.separate(picture, SCALE / px_per_mm), settings.layout, 0, ruled=bool(scales))


def _ways(scales: list[float]) -> list[tuple[float, int]]:
    """Pairs of scale and quarter turns to try, the likeliest first."""
    first, *others = scales
    return [(first, 0), *((scale, 0) for scale in others), (first, 2), (first, 1), (first, 3)]


def _may_lie(turns: int, rows: dict[int, int]) -> bool:
    """Whether a picture may be upright after `turns` quarter turns, given the number of tracks found after other turns.

    A picture that is upside down has as many tracks as upright, one that lies on its side hardly any.
    """
    if turns % 2:
        return max((count for turned, count in rows.items() if turned % 2 == 0), default=0) < _LEVEL_ROWS and rows.get((turns + 2) % 4) != 0
    return turns == 0 or rows.get((turns + 2) % 4) != 0


def _plausible(analysis: PageAnalysis) -> bool:
    """Whether most names are where the layout has them, and the rows have a usual length."""
    match = analysis.match
    if match is None or not _read_at_all(analysis):
        return False
    lengths = [track.ends_mm[1] - track.ends_mm[0] for track in analysis.tracks if not any(track.cut)]
    usual = [match.layout.seconds * speed for speed in SPEEDS_MM_S]
    return not lengths or any(abs(np.log(length / wanted)) < _TRUE_LENGTH for length in lengths for wanted in usual)


def analyse_layers(layers: Layers, layout: str | None, turns: int = 0, *, ruled: bool = True) -> PageAnalysis:
    """Find the grid, the tracks, the names and the matching layouts in layers.

    Parameters
    ----------
    layers : Layers
    layout : str, optional
        Its name, if known.
    turns : int
        Quarter turns that the picture was given.
    ruled : bool
        Whether a grid is looked for; where there is none, millimetres come from the length of the rows.
    """
    if ruled and _runs_across(layers):  # without traces it is no page, and following its lines would be in vain
        warp = picture_grid(layers)
        if warp is not None:
            analysis = _analyse_on(layers, warp, layout, turns)
            if not _fans_out(analysis.tracks):
                return analysis
    size = layers.maps.shape[1], layers.maps.shape[2]
    analysis = _analyse_on(layers, gridless_warp(size, SCALE), layout, turns, gridless=True)
    if analysis.match is None:
        return analysis
    tilt = tilt_of(analysis.tracks)
    analysis = _analyse_on(layers, gridless_warp(size, SCALE, tilt), layout, turns, gridless=True, tilt=tilt)
    if analysis.match is None:
        return analysis
    # The length of rhythm strips is the most reliable: other rows may have gaps between columns.
    strips = [analysis.tracks[track] for track in analysis.match.tracks[analysis.match.strips :] if track is not None]
    lengths = [[track.ends_mm[1] - track.ends_mm[0] for track in tracks if not any(track.cut)] for tracks in (strips, analysis.tracks)]
    if not any(lengths):
        return analysis
    # The last sample is one step before the end of the time, and the ink extends beyond it by the cap.
    expected = (analysis.match.layout.seconds - 1.0 / _USUAL_FS) * USUAL_SPEED + 2 * layers.cap_mm
    stretch = float(np.median(lengths[0] or lengths[1])) / expected
    if abs(np.log(stretch)) > MOST_OFF:
        return analysis
    return _analyse_on(layers, gridless_warp(size, SCALE * stretch, tilt), layout, turns, gridless=True, tilt=tilt)


def _fans_out(tracks: Sequence[Track]) -> bool:
    """Whether rows grow or shrink steadily down the page. Rows on paper do not: such a grid was misread."""
    whole = [track for track in tracks if not any(track.cut)]
    if len(whole) < _FAN_ROWS:
        return False
    levels, lengths = np.array([(track.level_mm, track.ends_mm[1] - track.ends_mm[0]) for track in whole]).T
    trend = np.polyval(np.polyfit(levels, lengths, 1), levels)
    usual = np.median(lengths)
    return bool(np.ptp(trend) > _FAN_SHARE * usual and np.abs(lengths - trend).max() < _FAN_OFF * usual)


def reframed(analysis: PageAnalysis, stretch: float, fall: float, layout: str | None) -> PageAnalysis:
    """An analysis without a grid, repeated with millimetres that are longer by the factor `stretch` and rows that fall by `fall` mm per mm
    more.
    """
    size = analysis.layers.maps.shape[1], analysis.layers.maps.shape[2]
    tilt = analysis.tilt + fall
    return _analyse_on(
        analysis.layers, gridless_warp(size, analysis.warp.scale * stretch, tilt), layout, analysis.turns, gridless=True, tilt=tilt
    )


def _analyse_on(
    layers: Layers, warp: PageWarp, layout: str | None, turns: int, *, gridless: bool = False, tilt: float = 0.0
) -> PageAnalysis:
    names = tuple(read_names(layers, warp))
    traces_mm = _traces_mm(layers, warp)
    if not len(traces_mm):
        return PageAnalysis(layers, warp, names, (), (), turns, gridless, tilt)
    left, top, right, bottom = _extent(traces_mm)
    area = left - _AROUND_MM, top - _AROUND_MM, right + _AROUND_MM, bottom + _AROUND_MM
    strip = page_strip(layers["trace"], warp, area)
    tracks = tuple(replace(track, cut=_cut(layers, warp, track)) for track in find_tracks(strip))
    return PageAnalysis(layers, warp, names, tracks, tuple(hypotheses(tracks, names, layout, scaled=not gridless)), turns, gridless, tilt)


def _rank(analysis: PageAnalysis) -> tuple[float, int]:
    return (analysis.match.score if analysis.match else -99.0), len(analysis.names)


def _cut(layers: Layers, warp: PageWarp, track: Track) -> tuple[bool, bool]:
    """Whether a track runs into the left and right edge of the picture."""
    ends = np.array(track.ends_mm)
    height, width = layers.maps.shape[1:]
    points = warp.forward(np.column_stack([ends, track.path.middle_at(ends)]))
    inside = [bool((point > _EDGE_PX).all() and (point < np.array([width, height]) - 1 - _EDGE_PX).all()) for point in points]
    return not inside[0], not inside[1]


def inked(layers: Layers) -> bool:
    """Whether the layers show enough ink of traces."""
    return int(np.count_nonzero(layers["trace"] > _TRACE)) >= _LEAST_INK_PX


def _runs_across(layers: Layers) -> bool:
    """Whether enough ink of traces is connected from left to right, as a lead is between two spikes."""
    from scipy.ndimage import find_objects, label

    height, width = (length // _CELL_PX for length in layers.maps.shape[1:])
    ink = layers["trace"][: height * _CELL_PX, : width * _CELL_PX] > _TRACE
    cells = ink.reshape(height, _CELL_PX, width, _CELL_PX).any(axis=(1, 3))
    pieces = [(part[1].stop - part[1].start) * _CELL_PX / SCALE for part in find_objects(label(cells, np.ones((3, 3)))[0])]
    return sum(length for length in pieces if length > _PIECE_MM) > _LEAST_PIECES_MM


def _traces_mm(layers: Layers, warp: PageWarp) -> np.ndarray:
    """Positions (n, 2) mm on the page of a sample of the traces' ink; empty if there is hardly any."""
    rows, columns = np.nonzero(layers["trace"] > _TRACE)
    if len(rows) < _LEAST_INK_PX:
        return np.empty((0, 2))
    step = max(len(rows) // 20000, 1)
    page = warp.inverse(np.column_stack([columns, rows])[::step].astype(np.float64))
    return np.asarray(page[np.isfinite(page).all(axis=1)])


def _extent(traces_mm: np.ndarray) -> tuple[float, float, float, float]:
    """The box (left, top, right, bottom) mm around points (n, 2) without outliers; zeros if there are none."""
    if not len(traces_mm):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = np.percentile(traces_mm, 0.05, axis=0), np.percentile(traces_mm, 99.95, axis=0)
    return float(left), float(top), float(right), float(bottom)


def ink_area(analysis: PageAnalysis) -> tuple[float, float, float, float]:
    """The box (left, top, right, bottom) mm of the page that may hold traces."""
    left, top, right, bottom = _extent(_traces_mm(analysis.layers, analysis.warp))
    if left == right:
        raise nothing_readable(analysis.names, analysis.layers)
    return left - _AROUND_MM, top - _AROUND_MM, right + _AROUND_MM, bottom + _AROUND_MM
