"""`decode`: from layers of a picture to millivolts.

Layers come in the picture's own frame, bent as the paper was. The grid's phase tells where every millimetre of the page is; the traces
are then fitted where they are, with the pen's own ink, so nothing is resampled on the way.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from fastecg.digitizing.behind import continued, with_tips
from fastecg.digitizing.checks import alike, together
from fastecg.digitizing.coarse import (
    CURVE_MM,
    PageWarp,
    along_ink,
    column_means,
    column_peaks,
    extent_mm,
    far_from_ink,
    inked,
    straighten,
    verticals,
)
from fastecg.digitizing.gauss_newton import STAGES, Stage, StrokeProblem, fit_stroke
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import PageSegments, Segment, SegmentReading
from fastecg.digitizing.phase import Fives, find_grid
from fastecg.digitizing.pulses import Pulse
from fastecg.digitizing.refine import bridged, overhangs, refined
from fastecg.digitizing.row_ends import start_delay_mm
from fastecg.errors import ImageError, LayoutError
from fastecg.kernels.runs import runs_of
from fastecg.record import LEADS, Record

#: How millivolts are read: by a fit of the pen's stroke, by a soft maximum of every column of ink, or by the mean of every column.
Mode = Literal["stroke_fit", "softargmax", "centroid"]
MODES: tuple[Mode, ...] = get_args(Mode)

# What each mode reads of every column; the fit of the stroke starts from it.
_BY_COLUMNS = {"stroke_fit": column_means, "softargmax": column_peaks, "centroid": column_means}
_MARGIN_PX = 8  # Margin of the picture around a segment's ink that takes part in the fit.
_ALIKE = 0.9  # Least similarity (see `alike`) at which two readings of one lead are averaged.
_LOST_PX = 3.0  # Samples with a larger standard deviation count as not read.
_BARE = 0.25  # A knot on less than this share of the pen's ink is not on the trace.
_ON_TIME_MM = 0.002  # Least error of the start of time for which the fit is done again.
_GAP_S = 0.04  # Longest gap that the prior bridges.
_FIVE_MM = 5.0  # Distance of the grid's 5 mm lines, which the grid alone cannot tell from each other.
_FROM_INK = STAGES[2:]  # Stages of a fit that starts along the ink: the soft strokes of the first stages would lead it away again.


@dataclass(frozen=True, eq=False)
class Decoded:
    """What was read from a picture.

    Attributes
    ----------
    record : Record
        Millivolts; NaN where nothing was read.
    sd : ndarray, shape (leads, samples)
        Standard deviation of every sample in mV, as the fit tells it; NaN in modes that do not tell.
    layout : PageSegments
        Where the leads were taken to be, in the page's coordinates of `warp`.
    warp : PageWarp
        The map between picture and page.
    flags : tuple of str
        What went wrong or was doubtful.
    """

    record: Record
    sd: np.ndarray
    layout: PageSegments
    warp: PageWarp
    flags: tuple[str, ...] = ()


def decode(
    layers: Mapping[str, np.ndarray],
    rows: PageSegments,
    *,
    mode: str = "stroke_fit",
    warp: PageWarp | None = None,
    ink: PictureInk | None = None,
    close: tuple[PageWarp, PictureInk] | None = None,
    pulses: Sequence[Pulse] = (),
    start_sd_mm: float = 0.0,
    lines_mm: tuple[float, float] | None = None,
    name: str = "record",
) -> Decoded:
    """Read the signals of a page from its layers.

    Parameters
    ----------
    layers : mapping of str to ndarray
        Coverage in the picture's frame, float32 0 to 1 or uint8 0 to 255. "trace": (height, width), or (segments, height, width) with a
        plane for each of `rows.segments`; "grid": (height, width), the ink of all grid lines; "major": that of the 5 mm lines alone.
    rows : PageSegments
        Which lead is where. Places count from the grid's first crossing; where a `warp` is given, in its page coordinates.
    mode : str
        One of `MODES`.
    warp : PageWarp, optional
        The map between picture and page, if known; found from the grid otherwise.
    ink : PictureInk, optional
        The pen's ink as the picture shows it: mode "stroke_fit" then ends with a fit to that.
    close : (PageWarp, PictureInk), optional
        Map and ink of the same picture at another scale, where that fit is better made.
    pulses : sequence of Pulse
        The page's calibration pulses.
    start_sd_mm : float
        About how exactly `rows` tell where time starts. Unless that is 0, the fit to `ink` moves it to where the ends of rows and the
        grid have it.
    lines_mm : (float, float), optional
        Where upright lines of the grid were meant to be, see `fastecg.digitizing.snapping.meant_lines_mm`; None where 5 mm lines are not
        at multiples of 5 mm.
    name : str
        Of the record.

    Returns
    -------
    Decoded

    Raises
    ------
    ImageError
        If there is no grid, or no ink of any segment.
    LayoutError
        If the mode is unknown, there is no segment, or there are not as many planes as segments.
    """
    if mode not in MODES:
        raise LayoutError(f"unknown mode {mode!r}, expected one of {', '.join(MODES)}")
    traces = layers["trace"]
    planes = [traces] * len(rows.segments) if traces.ndim == 2 else list(traces)
    if not rows.segments or len(planes) != len(rows.segments):
        raise LayoutError(f"{len(planes)} planes of traces for {len(rows.segments)} segments, expected one each and at least one")
    flags: list[str] = []
    if warp is None:
        fitted, lattice = find_grid(_covered(layers["grid"]), Fives(_covered(layers["major"])))
        if lattice.mended:
            flags.append(f"the grid's lines were miscounted at {lattice.mended} of {len(lattice.points_px)} points and set right")
        warp = fitted.moved(anchor(fitted, planes, rows))
    readings = list(read_segments(planes, rows, warp, mode, None if ink is None else ink.hidden.astype(np.float32)))
    if not readings:
        raise ImageError("no ink of any lead was found where the layout has it")
    if ink is not None and mode == "stroke_fit":
        shown, ink = close or (warp, ink)
        readings, pens = refined(with_tips(bridged(readings, rows, shown, ink), rows, shown, ink), rows, shown, ink)
        free = overhangs(readings, pens, rows, shown, ink, pulses) if start_sd_mm else []
        late = start_delay_mm(free, start_sd_mm, _to_line_mm(rows, lines_mm)) if start_sd_mm else 0.0
        if abs(late) > _ON_TIME_MM:
            readings, rows = later(readings, rows, late)
            readings, _ = refined(readings, rows, shown, ink)
        readings = continued(readings, rows, shown, ink)
    flags += _unread(readings, rows)
    signal, sd, leads = _joined(_agreeing(readings, rows.fs, flags), rows.samples)
    return Decoded(Record(signal, rows.fs, leads, name), sd, rows, warp, tuple(flags))


def _to_line_mm(rows: PageSegments, lines_mm: tuple[float, float] | None) -> tuple[float, float] | None:
    """How much later time would start, at least and at most, on the nearest of the grid's 5 mm lines."""
    if lines_mm is None:
        return None
    start = min(segment.x_mm for segment in rows.segments)
    nearest = _FIVE_MM * round((start - (lines_mm[0] + lines_mm[1]) / 2) / _FIVE_MM)
    return nearest + lines_mm[0] - start, nearest + lines_mm[1] - start


def later(readings: Sequence[SegmentReading], rows: PageSegments, by_mm: float) -> tuple[list[SegmentReading], PageSegments]:
    """Take every sample to lie `by_mm` farther right: the same traces, read there, and the rows that have it so."""
    from scipy.ndimage import map_coordinates

    moved = rows.moved((by_mm, 0.0))
    to = dict(zip(rows.segments, moved.segments, strict=True))
    out = []
    for item in readings:
        there = np.arange(len(item.y_mm)) + by_mm / (rows.speed_mm_s / rows.fs)
        known = np.isfinite(item.y_mm)
        y = np.interp(np.arange(len(item.y_mm)), np.flatnonzero(known), item.y_mm[known]) if known.any() else item.y_mm
        y = np.where(known, map_coordinates(y, [there], order=3, mode="nearest"), np.nan)
        out.append(replace(item, segment=to[item.segment], y_mm=y))
    return out, moved


def anchor(warp: PageWarp, planes: list[np.ndarray], rows: PageSegments) -> tuple[float, float]:
    """Offsets along x and y, multiples of 5 mm, that move the warp's coordinates so that ink is where the rows have it.

    Along x every segment's left and right ends vote, since some may lie outside the picture; along y the middle of the ink does.
    """
    left, right, down = [], [], []
    for plane, segment in zip(planes, rows.segments, strict=True):
        ink = inked(plane, 0.5 * max(plane.max(), 1e-6))
        if len(ink) < 8:
            continue
        page = warp.inverse(ink)
        length = (segment.stop - 1 - segment.start) / rows.fs * rows.speed_mm_s
        left.append(segment.x_mm - page[:, 0].min())
        right.append(segment.x_mm + length - page[:, 0].max())
        down.append(segment.baseline_mm - np.median(page[:, 1]))
    if not down:
        raise ImageError("no ink of any lead was found, expected a trace")
    votes = Counter(np.rint(np.array(left + right) / _FIVE_MM).astype(int).tolist())
    return _FIVE_MM * votes.most_common(1)[0][0], _FIVE_MM * float(np.rint(np.median(down) / _FIVE_MM))


def read_segments(
    planes: Iterable[np.ndarray], rows: PageSegments, warp: PageWarp, mode: str, hidden: np.ndarray | None = None
) -> Iterator[SegmentReading]:
    """Read every segment that has ink, in parallel: segments are independent of one another."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda plane, segment: _read(plane, segment, rows, warp, mode, hidden), planes, rows.segments)
        yield from (reading for reading in found if reading is not None)


def _read(
    plane: np.ndarray, segment: Segment, rows: PageSegments, warp: PageWarp, mode: str, hidden: np.ndarray | None = None
) -> SegmentReading | None:
    """Read one segment; None if it has no ink."""
    x_mm = segment.x_mm + np.arange(segment.stop - segment.start) * (rows.speed_mm_s / rows.fs)
    span = float(x_mm[0]), float(x_mm[-1])
    reach = extent_mm(plane, warp, span)
    if reach is None:
        return None
    strip = straighten(plane, warp, (span[0] - 1.0, span[1] + 1.0), reach)
    y_mm, sd_mm = _BY_COLUMNS[mode](strip, x_mm), np.full(len(x_mm), np.nan)
    if mode == "stroke_fit":
        lost = far_from_ink(strip, x_mm, _GAP_S * rows.speed_mm_s / 2)
        behind = None
        if hidden is not None:
            behind = straighten(hidden, warp, (span[0] - 1.0, span[1] + 1.0), reach).ink > 0.5
        starts = {STAGES: y_mm, _FROM_INK: along_ink(strip, x_mm, rows.pen_mm, behind)}
        y_mm, sd_mm = _fitted(plane, hidden, warp, x_mm, ~lost, starts, reach, rows)
    return SegmentReading(segment, y_mm, sd_mm)


def _fitted(
    plane: np.ndarray,
    hidden: np.ndarray | None,
    warp: PageWarp,
    x_mm: np.ndarray,
    known: np.ndarray,
    starts_mm: Mapping[tuple[Stage, ...], np.ndarray],
    reach_mm: tuple[float, float],
    rows: PageSegments,
) -> tuple[np.ndarray, np.ndarray]:
    """Page y (n,) of the knots by fitting the stroke, and their standard deviations, mm; NaN where `known` is false or no ink is.

    Of the fits from several starts (n,), each with its own stages, the one counts that leaves the least of the ink.
    """
    if not known.any():
        return np.full(len(x_mm), np.nan), np.full(len(x_mm), np.nan)
    top, curves = verticals(warp, x_mm, reach_mm)
    low = np.maximum(np.floor(np.nanmin(curves, axis=(0, 1))).astype(int) - _MARGIN_PX, 0)
    high = np.minimum(np.ceil(np.nanmax(curves, axis=(0, 1))).astype(int) + _MARGIN_PX, plane.shape[::-1])
    part = slice(low[1], high[1]), slice(low[0], high[0])
    ink = _covered(plane[part])
    if hidden is not None:
        ink = np.where(hidden[part] > 0, np.float32(np.nan), ink)
    curves[:, ~known] = np.nan  # the pen is lifted there
    stroke = StrokeProblem(ink, curves - low, CURVE_MM * warp.scale, rows.pen_mm * warp.scale / 2)
    at = np.flatnonzero(known)
    fits = (
        fit_stroke(stroke, (np.interp(np.arange(len(x_mm)), at, start[at]) - top) * warp.scale, stages)
        for stages, start in starts_mm.items()
    )
    fit = min(fits, key=lambda fit: fit.residual)
    sure = known & (fit.sd < _LOST_PX) & ~_long_runs(stroke.ink_at(fit.heights) < _BARE * fit.pen.ink, round(_GAP_S * rows.fs))
    return np.where(sure, top + fit.heights / warp.scale, np.nan), np.where(sure, fit.sd / warp.scale, np.nan)


def _long_runs(bare: np.ndarray, longest: int) -> np.ndarray:
    """The part of a mask (n,) that lies in runs longer than `longest`."""
    out = np.zeros(len(bare), dtype=bool)
    for start, stop in runs_of(bare).tolist():
        out[start:stop] = stop - start > longest
    return out


def _unread(readings: Sequence[SegmentReading], rows: PageSegments) -> list[str]:
    """Flags for segments and samples that were not read."""
    read = [item.segment for item in readings]
    bare = [segment.lead for segment in rows.segments if segment not in read]
    parts = [f"{item.segment.lead} {lost} of {len(item.y_mm)}" for item in readings if (lost := int(np.isnan(item.y_mm).sum()))]
    return [
        *([f"leads of which no ink was found: {', '.join(bare)}"] if bare else []),
        *([f"samples that have no ink and were not read: {', '.join(parts)}"] if parts else []),
    ]


def _agreeing(readings: list[SegmentReading], fs: float, flags: list[str]) -> list[SegmentReading]:
    """Resolve contradictions between readings of one lead: if a rhythm strip differs from its column, the column counts.

    The mean of two that beat at different moments would be neither.
    """
    out = []
    for item in readings:
        lead = item.segment.lead
        part = next((other for other in readings if other.segment.lead == lead and not other.segment.rhythm), None)
        if item.segment.rhythm and part is not None and alike(*together([item, part], fs)) < _ALIKE:
            flags.append(f"lead {lead}: its rhythm strip does not repeat what its column shows; the column counts where both are")
            first, last = part.segment.start - item.segment.start, part.segment.stop - item.segment.start
            y, sd = item.y_mm.copy(), item.sd_mm.copy()
            y[max(first, 0) : max(last, 0)], sd[max(first, 0) : max(last, 0)] = np.nan, np.nan
            item = replace(item, y_mm=y, sd_mm=sd)
        out.append(item)
    return out


def _joined(readings: list[SegmentReading], samples: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Combine readings into one row for each lead; a lead that is drawn twice is averaged."""
    names = {reading.segment.lead for reading in readings}
    leads = (*(lead for lead in LEADS if lead in names), *sorted(names - set(LEADS)))
    total, count = np.zeros((len(leads), samples)), np.zeros((len(leads), samples))
    variance = np.zeros((len(leads), samples))
    for reading in readings:
        row, span = leads.index(reading.segment.lead), slice(reading.segment.start, reading.segment.stop)
        known = np.isfinite(reading.y_mm)
        total[row, span] += np.where(known, reading.millivolts, 0.0)
        variance[row, span] += np.where(known, reading.sd_mv**2, 0.0)
        count[row, span] += known
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / count, np.sqrt(variance) / count, leads


def _covered(plane: np.ndarray) -> np.ndarray:
    """A plane as float32, 0 to 1."""
    if plane.dtype == np.uint8:
        return np.ascontiguousarray(plane, dtype=np.float32) / np.float32(255.0)
    return np.ascontiguousarray(plane, dtype=np.float32)
