"""Analyse the layers of a picture: find its grid, its tracks, the names of leads, and the layouts that match them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fastecg.digitizing.assign import LayoutMatch, hypotheses
from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.follow import page_strip
from fastecg.digitizing.gridless import MOST_OFF, gridless_warp, tilt_of
from fastecg.digitizing.names import Name, nothing_readable, read_names
from fastecg.digitizing.ruled import picture_grid
from fastecg.digitizing.segmenter import Layers
from fastecg.digitizing.settings import USUAL_SPEED
from fastecg.digitizing.targets import SCALE
from fastecg.digitizing.tracks import Track, find_tracks

_USUAL_FS = 500.0  # Assumed sampling frequency, Hz: the last sample of a row lies one sampling interval before the end of its nominal time.
_FAN_ROWS = 3  # Minimum number of rows for judging whether they fan out, which means that they become longer or shorter down the page.
_FAN_SHARE = 0.12  # Rows that fan out change in length by more than this share of their median length from the first row to the last.
_FAN_OFF = 0.02  # If rows fan out, the length of each deviates from their linear trend by less than this share of their median length.
_EDGE_PX = 8  # A row of traces that ends at most this many px (of the layers) from an edge of the picture may continue beyond it.
_TRACE = 0.5  # A pixel counts as ink of a trace if its value (0 to 1) in the network's map of traces is larger than this.
_LEAST_INK_PX = 100  # Minimum number of pixels of the traces' ink in a picture with traces.
_CELL_PX = 4  # Side of the square cells into which the map of traces is divided when connected ink is looked for.
_PIECE_MM = 8.0  # A connected piece of ink counts as part of a trace if it is wider than this.
_LEAST_PIECES_MM = 60.0  # Minimum total width of all connected pieces of ink on a page that are parts of traces.
_AROUND_MM = 3.0  # Margin around the traces within which the page is analysed.


@dataclass(frozen=True, eq=False)
class PageAnalysis:
    """What was found in a picture after it was turned by some number of quarter turns.

    Attributes
    ----------
    layers : Layers
    warp : PageWarp
        The map between the layers' pixels and mm of the page.
    names : tuple of Name
        The names of leads that were read.
    tracks : tuple of Track
        Rows of traces, from top to bottom.
    matches : tuple of LayoutMatch
        Layouts that match tracks and names, the best first.
    turns : int
        Number of quarter turns, counter-clockwise, by which the picture was turned.
    gridless : bool
        Whether no grid was found or looked for, or the grid that was found was misread. Millimetres are then derived from the length of the
        rows, see `analyse_layers`.
    tilt : float
        Slope of the rows on a page without a grid, mm per mm; positive if they fall to the right. 0 on a page with a grid.
    negative : bool
        Whether light and dark were exchanged before the analysis.
    scaled_by_strips : bool
        Whether the length of rhythm strips gave the scale of a page without a grid, and not that of rows with columns.
    """

    layers: Layers
    warp: PageWarp
    names: tuple[Name, ...]
    tracks: tuple[Track, ...]
    matches: tuple[LayoutMatch, ...]
    turns: int
    gridless: bool = False
    tilt: float = 0.0
    negative: bool = False
    scaled_by_strips: bool = False

    @property
    def match(self) -> LayoutMatch | None:
        """The best match; None if there is none."""
        return self.matches[0] if self.matches else None

    @property
    def share_of_names(self) -> float:
        """Share of the cells of the best match whose names were read; 0 without a match."""
        return 0.0 if self.match is None else self.match.found / len(self.match.cells)


def analyse_layers(
    layers: Layers, layout: str | None, turns: int = 0, *, ruled: bool = True, speed_mm_s: float = USUAL_SPEED
) -> PageAnalysis:
    """Find the grid, the tracks, the names of leads and the matching layouts in layers.

    Parameters
    ----------
    layers : Layers
    layout : str, optional
        Name of the layout, if known.
    turns : int
        Number of quarter turns, counter-clockwise, by which the picture was turned.
    ruled : bool
        Whether to look for a grid; without wide pieces of traces, none is looked for. If no grid is found, or if rows fan out on the grid,
        millimetres are derived from the length of the rows. If no layout matches, no row is seen whole, or the length is far from the
        layout's, `SCALE` px/mm is assumed.
    speed_mm_s : float
        Paper speed from which the length of rows follows where no grid is found.
    """
    if ruled and _has_wide_pieces(layers):  # A page without traces is no ECG, so the time to follow the lines of its grid is saved.
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
    # Rhythm strips have the most reliable length, because gaps between columns lengthen other rows. All rows count only if no rhythm strip
    # is seen whole.
    rhythm = [analysis.tracks[track] for track in analysis.match.tracks[analysis.match.strips :] if track is not None]
    lengths = [[track.ends_mm[1] - track.ends_mm[0] for track in tracks if not any(track.cut)] for tracks in (rhythm, analysis.tracks)]
    if not any(lengths):
        return analysis
    # The last sample is one sampling interval before the end of the nominal time. Ink extends beyond the first and last sample by the cap.
    expected = (analysis.match.layout.seconds - 1.0 / _USUAL_FS) * speed_mm_s + 2 * layers.cap_mm
    stretch = float(np.median(lengths[0] or lengths[1])) / expected
    if abs(np.log(stretch)) > MOST_OFF:
        return analysis
    scaled = _analyse_on(layers, gridless_warp(size, SCALE * stretch, tilt), layout, turns, gridless=True, tilt=tilt)
    return replace(scaled, scaled_by_strips=bool(lengths[0]))


def _fans_out(tracks: Sequence[Track]) -> bool:
    """Whether rows become steadily longer or shorter down the page. Rows on paper never do so: if they seem to, the grid was misread.

    False if fewer than three rows are seen whole.
    """
    whole = [track for track in tracks if not any(track.cut)]
    if len(whole) < _FAN_ROWS:
        return False
    levels, lengths = np.array([(track.level_mm, track.ends_mm[1] - track.ends_mm[0]) for track in whole]).T
    trend = np.polyval(np.polyfit(levels, lengths, 1), levels)
    usual = np.median(lengths)
    return bool(np.ptp(trend) > _FAN_SHARE * usual and np.abs(lengths - trend).max() < _FAN_OFF * usual)


def reframed(analysis: PageAnalysis, stretch: float, fall: float, layout: str | None) -> PageAnalysis:
    """Analyse a page without a grid again, with another scale and tilt.

    Parameters
    ----------
    analysis : PageAnalysis
    stretch : float
        Factor by which the number of pixels per mm is multiplied.
    fall : float
        Slope that is added to `analysis.tilt`, mm per mm; positive if the rows fall more than was assumed.
    layout : str, optional
        Name of the layout, if known.
    """
    size = analysis.layers.maps.shape[1], analysis.layers.maps.shape[2]
    tilt = analysis.tilt + fall
    warp = gridless_warp(size, analysis.warp.scale * stretch, tilt)
    again = _analyse_on(analysis.layers, warp, layout, analysis.turns, gridless=True, tilt=tilt)
    return replace(again, negative=analysis.negative, scaled_by_strips=analysis.scaled_by_strips)


def _analyse_on(
    layers: Layers, warp: PageWarp, layout: str | None, turns: int, *, gridless: bool = False, tilt: float = 0.0
) -> PageAnalysis:
    """Find tracks, names and matching layouts, given the map between page and picture; names alone if there is hardly any ink."""
    names = tuple(read_names(layers, warp))
    traces_mm = _traces_mm(layers, warp)
    if not len(traces_mm):
        return PageAnalysis(layers, warp, names, (), (), turns, gridless, tilt)
    left, top, right, bottom = _extent(traces_mm)
    area = left - _AROUND_MM, top - _AROUND_MM, right + _AROUND_MM, bottom + _AROUND_MM
    strip = page_strip(layers["trace"], warp, area)
    tracks = tuple(replace(track, cut=_cut(layers, warp, track)) for track in find_tracks(strip))
    return PageAnalysis(layers, warp, names, tracks, tuple(hypotheses(tracks, names, layout, scaled=not gridless)), turns, gridless, tilt)


def _cut(layers: Layers, warp: PageWarp, track: Track) -> tuple[bool, bool]:
    """Whether the left and the right end of a track are each so close to any edge of the picture that the trace may continue beyond it."""
    ends = np.array(track.ends_mm)
    height, width = layers.maps.shape[1:]
    points = warp.forward(np.column_stack([ends, track.path.middle_at(ends)]))
    inside = [bool((point > _EDGE_PX).all() and (point < np.array([width, height]) - 1 - _EDGE_PX).all()) for point in points]
    return not inside[0], not inside[1]


def has_ink(layers: Layers) -> bool:
    """Whether the layers show enough ink of traces."""
    return int(np.count_nonzero(layers["trace"] > _TRACE)) >= _LEAST_INK_PX


def _has_wide_pieces(layers: Layers) -> bool:
    """Whether the map of traces has enough wide pieces of connected ink. Every trace has wide pieces, at least between its spikes."""
    from scipy.ndimage import find_objects, label

    height, width = (length // _CELL_PX for length in layers.maps.shape[1:])
    ink = layers["trace"][: height * _CELL_PX, : width * _CELL_PX] > _TRACE
    # A cell is ink if any of its pixels is. Cells are connected if they touch at a side or a corner.
    cells = ink.reshape(height, _CELL_PX, width, _CELL_PX).any(axis=(1, 3))
    widths_mm = [(box[1].stop - box[1].start) * _CELL_PX / SCALE for box in find_objects(label(cells, np.ones((3, 3)))[0])]
    return sum(width for width in widths_mm if width > _PIECE_MM) > _LEAST_PIECES_MM


def _traces_mm(layers: Layers, warp: PageWarp) -> np.ndarray:
    """Page positions (n, 2), mm, of fewer than 40,000 pixels of the traces' ink, evenly chosen; empty if there is hardly any ink."""
    rows, columns = np.nonzero(layers["trace"] > _TRACE)
    if len(rows) < _LEAST_INK_PX:
        return np.empty((0, 2))
    step = max(len(rows) // 20000, 1)
    page = warp.inverse(np.column_stack([columns, rows])[::step].astype(np.float64))
    return np.asarray(page[np.isfinite(page).all(axis=1)])


def _extent(traces_mm: np.ndarray) -> tuple[float, float, float, float]:
    """The box (left, top, right, bottom), mm, around points (n, 2) without the outermost 0.05 % on each side; zeros without points."""
    if not len(traces_mm):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = np.percentile(traces_mm, 0.05, axis=0), np.percentile(traces_mm, 99.95, axis=0)
    return float(left), float(top), float(right), float(bottom)


def ink_area(analysis: PageAnalysis) -> tuple[float, float, float, float]:
    """The box (left, top, right, bottom), mm, around a page's traces, with a margin; `ImageError` if there is hardly any ink of traces."""
    left, top, right, bottom = _extent(_traces_mm(analysis.layers, analysis.warp))
    if left == right:
        raise nothing_readable(analysis.names, analysis.layers)
    return left - _AROUND_MM, top - _AROUND_MM, right + _AROUND_MM, bottom + _AROUND_MM
