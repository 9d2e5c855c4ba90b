"""`decode`: read the signals of a page in millivolts from the layers of its picture.

The layers are in the frame of the picture, bent as the paper was. Unless the map between page and picture is known, the phase of the grid
gives it. In mode "stroke_fit", every trace is fitted in the picture itself, with a model of the pen's ink, so that the fit needs no
resampled ink.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal, get_args

import numpy as np

from fastecg.digitizing.behind import continued, with_tips
from fastecg.digitizing.checks import similarity, simultaneous
from fastecg.digitizing.coarse import (
    CURVE_MM,
    FIVE_MM,
    PageWarp,
    along_ink,
    column_means,
    column_peaks,
    extent_mm,
    far_from_ink,
    full_coverage,
    inked_pixels,
    straighten,
    verticals,
)
from fastecg.digitizing.gauss_newton import STAGES, Stage, StrokeProblem, fit_from_best, steepness
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import PageSegments, Segment, SegmentReading
from fastecg.digitizing.phase import Fives, find_grid
from fastecg.digitizing.pulses import Pulse
from fastecg.digitizing.refine import bridged, overhangs, refined
from fastecg.digitizing.row_ends import start_delay_mm
from fastecg.errors import ImageError, LayoutError
from fastecg.kernels.runs import runs_of
from fastecg.record import LEADS, Record

#: How millivolts are read: by a fit of the pen's stroke, by the soft maximum of the ink in every column of pixels, or by its mean height.
Mode = Literal["stroke_fit", "softargmax", "centroid"]
MODES: tuple[Mode, ...] = get_args(Mode)

# How each mode finds one height in every column of pixels. Mode "stroke_fit" starts one fit from these heights, and another along the ink.
_HEIGHTS = {"stroke_fit": column_means, "softargmax": column_peaks, "centroid": column_means}
_MARGIN_PX = 8  # A segment is fitted to the pixels of a box around it that has this margin on all sides.
_MOST_LAG_S = 0.06  # Largest time by which a column is moved onto its strip, 1.5 mm at 25 mm/s: the map of a bent page may be as far off.
_SAME_LEAD = 0.9  # A rhythm strip and the column of its lead are averaged if their similarity (see `similarity`) is at least this.
# A sample counts as not read if its standard deviation across the trace is larger than this. On a flank of a tall QRS complex, that along
# the vertical is a hundred times as large.
_MAX_SD_PX = 3.0
_FOREIGN = 0.15  # A pixel without a segment's own ink is covered if the ink of another segment in it is more than this (0 to 1).
_ON_INK = 0.25  # A knot lies on the trace if the ink there is at least this share of the pen's ink.
_SAME_START_MM = 0.002  # The rows are fitted a third time if the estimate after the second fit moves the start of time by more than this.
_MAX_GAP_S = 0.04  # Longest gap in the ink that a fit may bridge by its prior (see `gauss_newton`).
# Stages of a fit that starts along the ink. The first two of `STAGES` are left out: their soft strokes would lead the fit off the ink.
_STAGES_FROM_INK = STAGES[2:]


@dataclass(frozen=True, eq=False)
class Decoded:
    """What was read from a picture.

    Attributes
    ----------
    record : Record
        Millivolts; NaN where nothing was read.
    sd : ndarray, shape (leads, samples)
        Standard deviation of every sample in mV, as the fit estimates it; NaN where nothing was read, and in modes without an estimate.
    layout : PageSegments
        Where the leads were taken to be, in the page coordinates of `warp`.
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

    def traces(self) -> list[tuple[Segment, np.ndarray]]:
        """Segments with the positions (n, 2) of their samples on the page, mm; y is NaN for samples that were not read.

        Segments whose lead is not in the record are left out.
        """
        rows, out = self.layout, []
        for segment in rows.segments:
            if segment.lead in self.record.leads:
                signal = self.record.lead(segment.lead)[segment.start : segment.stop].astype(np.float64)
                y = segment.baseline_mm - segment.gain_mm_mv * (signal - segment.offset_mv)
                x = segment.x_mm + np.arange(len(signal)) * (rows.speed_mm_s / rows.fs)
                out.append((segment, np.column_stack([x, y])))
        return out


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
        Coverage in the picture's frame, float32 0 to 1 or uint8 0 to 255. "trace" has the shape (height, width), or (segments, height,
        width) with a plane for each of `rows.segments`. "grid" (height, width) is the ink of all grid lines, and "major" that of the 5 mm
        lines alone; both are used only without a `warp`.
    rows : PageSegments
        Which lead is where, in the page coordinates of `warp`; without a `warp`, in mm from any crossing of 5 mm lines.
    mode : str
        One of `MODES`.
    warp : PageWarp, optional
        The map between picture and page, if known; otherwise it is found from the grid.
    ink : PictureInk, optional
        The pen's ink as the picture shows it. If it is given, mode "stroke_fit" ends with a second fit, to this ink.
    close : (PageWarp, PictureInk), optional
        Map and ink of the same picture at another scale. If given together with `ink`, the second fit is made at this scale instead.
    pulses : sequence of Pulse
        The page's calibration pulses.
    start_sd_mm : float
        Standard deviation of the start of time in `rows`, mm. If it is not 0, the start is estimated again after the second fit, from the
        ends of the rows and from the grid.
    lines_mm : (float, float), optional
        The program that drew the grid may have rounded its lines to pixels. Smallest and largest distance by which the lines before this
        rounding may have been to the right of the lines at whole mm of `warp` (below 0: to the left), see
        `fastecg.digitizing.snapping.unsnapped_offset_mm`; None if no 5 mm lines are seen.
    name : str
        Name of the record.

    Returns
    -------
    Decoded

    Raises
    ------
    ImageError
        If there is no `warp` and no grid is found, or if no ink of any segment is found.
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
        fitted, lattice = find_grid(_as_coverage(layers["grid"]), Fives(_as_coverage(layers["major"])))
        if lattice.mended:
            flags.append(f"the grid's lines were miscounted at {lattice.mended} of {len(lattice.points_px)} points and set right")
        warp = fitted.moved(anchor(fitted, planes, rows))
    readings = list(read_segments(planes, rows, warp, mode, None if ink is None else ink.hidden))
    if not readings:
        raise ImageError("no ink of any lead was found where the layout has it")
    if ink is not None and mode == "stroke_fit":
        ink_warp, ink = close or (warp, ink)
        readings, pens = refined(with_tips(bridged(readings, rows, ink_warp, ink), rows, ink_warp, ink), rows, ink_warp, ink)
        ends = overhangs(readings, pens, rows, ink_warp, ink, pulses) if start_sd_mm else []
        delay_mm = start_delay_mm(ends, start_sd_mm, _delays_to_line_mm(rows, lines_mm)) if start_sd_mm else 0.0
        if abs(delay_mm) > _SAME_START_MM:
            readings, rows = shifted_right(readings, rows, delay_mm)
            readings, _ = refined(readings, rows, ink_warp, ink)
        readings = continued(readings, rows, ink_warp, ink)
    flags += _flags_of_unread(readings, rows)
    readings = _on_their_strips(readings, rows.fs)
    signal, sd, leads = _merged_by_lead(_without_contradictions(readings, rows.fs, flags), rows.samples)
    return Decoded(Record(signal, rows.fs, leads, name), sd, rows, warp, tuple(flags))


def _delays_to_line_mm(rows: PageSegments, lines_mm: tuple[float, float] | None) -> tuple[float, float] | None:
    """Smallest and largest shift, mm to the right, that puts the start of time on the nearest 5 mm line; None if `lines_mm` is None."""
    if lines_mm is None:
        return None
    start = min(segment.x_mm for segment in rows.segments)
    nearest = FIVE_MM * round((start - (lines_mm[0] + lines_mm[1]) / 2) / FIVE_MM)
    return nearest + lines_mm[0] - start, nearest + lines_mm[1] - start


def shifted_right(readings: Sequence[SegmentReading], rows: PageSegments, by_mm: float) -> tuple[list[SegmentReading], PageSegments]:
    """Shift the times of all samples by `by_mm` to the right, and read the same traces at the new times. Unread samples stay unread.

    Returns
    -------
    readings : list of SegmentReading
        The readings at the shifted times.
    rows : PageSegments
        The segments with shifted starts.
    """
    moved = rows.moved((by_mm, 0.0))
    shifted = dict(zip(rows.segments, moved.segments, strict=True))
    out = []
    for item in readings:
        y = _sampled_at(item.y_mm, np.arange(len(item.y_mm)) + by_mm / (rows.speed_mm_s / rows.fs))
        out.append(replace(item, segment=shifted[item.segment], y_mm=np.where(np.isfinite(item.y_mm), y, np.nan)))
    return out, moved


def _sampled_at(y_mm: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Page y (m,) of a trace (n,) at fractional indices of its samples, by a cubic spline; gaps of the trace are bridged by straight lines.

    Beyond the ends, page y is constant. All values are NaN if the trace has no sample.
    """
    from scipy.ndimage import map_coordinates

    known = np.flatnonzero(np.isfinite(y_mm))
    if not known.size:
        return np.full(len(at), np.nan)
    return np.asarray(map_coordinates(np.interp(np.arange(len(y_mm)), known, y_mm[known]), [at], order=3, mode="nearest"))


def anchor(warp: PageWarp, planes: list[np.ndarray], rows: PageSegments) -> tuple[float, float]:
    """Offsets along x and y, multiples of 5 mm, that move the warp's page coordinates to those of `rows`.

    Each left and right end of a segment gives an offset along x. The most frequent one is taken, since some ends may lie outside the
    picture. The offset along y is the median over the segments. `ImageError` is raised if no segment has ink.
    """
    left, right, down = [], [], []
    for plane, segment in zip(planes, rows.segments, strict=True):
        ink = inked_pixels(plane, 0.5 * max(plane.max(), 1e-6))
        if len(ink) < 8:
            continue
        page = warp.inverse(ink)
        length = (segment.stop - 1 - segment.start) / rows.fs * rows.speed_mm_s
        left.append(segment.x_mm - page[:, 0].min())
        right.append(segment.x_mm + length - page[:, 0].max())
        down.append(segment.baseline_mm - np.median(page[:, 1]))
    if not down:
        raise ImageError("no ink of any lead was found, expected a trace")
    votes = Counter(np.rint(np.array(left + right) / FIVE_MM).astype(int).tolist())
    return FIVE_MM * votes.most_common(1)[0][0], FIVE_MM * float(np.rint(np.median(down) / FIVE_MM))


def read_segments(
    planes: Iterable[np.ndarray], rows: PageSegments, warp: PageWarp, mode: str, hidden: np.ndarray | None = None
) -> Iterator[SegmentReading]:
    """Read every segment that has ink, in parallel, since segments do not depend on one another.

    There is one plane, (height, width), for each segment of `rows`. `hidden` (height, width) bool marks pixels in which something that is
    no trace covers the traces. The ink of other segments covers a trace as well.
    """
    planes = list(planes)
    all_ink = reduce(np.maximum, planes)

    def read(plane: np.ndarray, segment: Segment) -> SegmentReading | None:
        return _read_segment(plane, all_ink, segment, rows, warp, mode, hidden)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(read, planes, rows.segments)
        yield from (reading for reading in found if reading is not None)


def _read_segment(
    plane: np.ndarray, all_ink: np.ndarray, segment: Segment, rows: PageSegments, warp: PageWarp, mode: str, hidden: np.ndarray | None
) -> SegmentReading | None:
    """Read one segment from its plane; None if it has hardly any ink.

    `all_ink` (height, width) is the ink of all segments, and `hidden` is the same as in `read_segments`.
    """
    x_mm = segment.x_mm + np.arange(segment.stop - segment.start) * (rows.speed_mm_s / rows.fs)
    span = float(x_mm[0]), float(x_mm[-1])
    reach = extent_mm(plane, warp, span)
    if reach is None:
        return None
    strip = straighten(plane, warp, (span[0] - 1.0, span[1] + 1.0), reach)
    y_mm, sd_mm = _HEIGHTS[mode](strip, x_mm), np.full(len(x_mm), np.nan)
    if mode == "stroke_fit":
        lost = far_from_ink(strip, x_mm, _MAX_GAP_S * rows.speed_mm_s / 2)
        covered = (plane == 0) & (all_ink > _FOREIGN * full_coverage(plane))
        if hidden is not None:
            covered |= hidden
        behind = straighten(covered * np.uint8(255), warp, (span[0] - 1.0, span[1] + 1.0), reach).ink > 0.5
        starts = {STAGES: y_mm, _STAGES_FROM_INK: along_ink(strip, x_mm, rows.pen_mm, behind)}
        y_mm, sd_mm = _fit_segment(plane, covered, warp, x_mm, ~lost, starts, reach, rows)
    return SegmentReading(segment, y_mm, sd_mm)


def _fit_segment(
    plane: np.ndarray,
    hidden: np.ndarray,
    warp: PageWarp,
    x_mm: np.ndarray,
    known: np.ndarray,
    starts_mm: Mapping[tuple[Stage, ...], np.ndarray],
    reach_mm: tuple[float, float],
    rows: PageSegments,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the stroke of a segment to its ink.

    Parameters
    ----------
    plane : ndarray, shape (height, width)
        Coverage of the segment's ink.
    hidden : ndarray, shape (height, width) bool
        Pixels that are left out.
    warp : PageWarp
    x_mm : ndarray, shape (n,)
        Page x of the samples, which are the knots of the stroke.
    known : ndarray, shape (n,) bool
        Whether each sample has ink nearby. The pen is lifted at all other samples.
    starts_mm : mapping of tuple of Stage to ndarray, shape (n,)
        Stages of every fit that is tried, and the page y (mm) from which this fit starts. See `fit_from_best`.
    reach_mm : (float, float)
        Smallest and largest page y of the ink.
    rows : PageSegments

    Returns
    -------
    y_mm, sd_mm : ndarray, shape (n,)
        Page y of the samples and their standard deviations; NaN where the ink does not determine the page y.
    """
    if not known.any():
        return np.full(len(x_mm), np.nan), np.full(len(x_mm), np.nan)
    top, curves = verticals(warp, x_mm, reach_mm)
    # The box around the curves: its first pixel (x, y), and the pixel after the last.
    first = np.maximum(np.floor(np.nanmin(curves, axis=(0, 1))).astype(int) - _MARGIN_PX, 0)
    stop = np.minimum(np.ceil(np.nanmax(curves, axis=(0, 1))).astype(int) + _MARGIN_PX, plane.shape[::-1])
    part = slice(first[1], stop[1]), slice(first[0], stop[0])
    ink = np.where(hidden[part], np.float32(np.nan), _as_coverage(plane[part]))
    curves[:, ~known] = np.nan  # This lifts the pen.
    stroke = StrokeProblem(ink, curves - first, CURVE_MM * warp.scale, rows.pen_mm * warp.scale / 2)
    knots = np.flatnonzero(known)
    # Each fit starts from heights in px below `top`, which are interpolated linearly at samples without ink nearby.
    starts = {stages: (np.interp(np.arange(len(x_mm)), knots, start[knots]) - top) * warp.scale for stages, start in starts_mm.items()}
    fit = fit_from_best(stroke, starts)
    # Samples without ink nearby, with a large standard deviation, or in a long stretch where the stroke is not on ink count as not read.
    across = fit.sd / steepness(fit.heights, rows.speed_mm_s / rows.fs * warp.scale)
    sure = known & (across < _MAX_SD_PX) & ~_long_runs(stroke.ink_at(fit.heights) < _ON_INK * fit.pen.ink, round(_MAX_GAP_S * rows.fs))
    return np.where(sure, top + fit.heights / warp.scale, np.nan), np.where(sure, fit.sd / warp.scale, np.nan)


def _long_runs(bare: np.ndarray, longest: int) -> np.ndarray:
    """Mask (n,) of the elements of `bare` (n,) that lie in runs of more than `longest` true elements."""
    out = np.zeros(len(bare), dtype=bool)
    for start, stop in runs_of(bare).tolist():
        out[start:stop] = stop - start > longest
    return out


def _flags_of_unread(readings: Sequence[SegmentReading], rows: PageSegments) -> list[str]:
    """Flags that name the segments and count the samples that were not read."""
    read = [item.segment for item in readings]
    missing = [segment.lead for segment in rows.segments if segment not in read]
    parts = [f"{item.segment.lead} {lost} of {len(item.y_mm)}" for item in readings if (lost := int(np.isnan(item.y_mm).sum()))]
    return [
        *([f"leads of which no ink was found: {', '.join(missing)}"] if missing else []),
        *([f"samples that have no ink and were not read: {', '.join(parts)}"] if parts else []),
    ]


def _on_their_strips(readings: list[SegmentReading], fs: float) -> list[SegmentReading]:
    """Move columns that a rhythm strip repeats onto the strip, so that the mean of both has no step where the column ends."""
    strips = {item.segment.lead: item for item in readings if item.segment.rhythm}
    return [
        item if item.segment.rhythm or item.segment.lead not in strips else _moved_onto(strips[item.segment.lead], item, fs)
        for item in readings
    ]


def _moved_onto(strip: SegmentReading, column: SegmentReading, fs: float) -> SegmentReading:
    """A column, moved in time and voltage to where it is most similar to a strip of the same lead; unchanged if it is similar nowhere."""
    one, other = simultaneous([strip, column], fs)
    most = round(_MOST_LAG_S * fs)
    if len(one) <= 2 * most:
        return column
    n, lags = len(one), range(-most, most + 1)  # The column is late if the lag is positive.
    likeness = np.array([similarity(one[max(-lag, 0) : n - max(lag, 0)], other[max(lag, 0) : n - max(-lag, 0)]) for lag in lags])
    k = int(np.argmax(likeness))
    if likeness[k] < _SAME_LEAD or not 0 < k < len(likeness) - 1:
        return column
    before, best, after = likeness[k - 1 : k + 2]  # The top of a parabola through the best lag and its neighbours.
    lag = lags[k] + 0.5 * (before - after) / min(before - 2.0 * best + after, -1e-12)
    at = np.arange(len(column.y_mm)) + lag
    moved = _sampled_at(column.y_mm, at)
    nearest = np.clip(np.rint(at).astype(int), 0, len(at) - 1)
    moved[(at < 0) | (at > len(at) - 1) | np.isnan(column.y_mm[nearest])] = np.nan
    column = replace(column, y_mm=moved)
    one, other = simultaneous([strip, column], fs)
    return replace(column, y_mm=moved - np.nanmedian(one - other) * column.segment.gain_mm_mv)


def _without_contradictions(readings: list[SegmentReading], fs: float, flags: list[str]) -> list[SegmentReading]:
    """Resolve contradictions between two readings of one lead, a rhythm strip and a column: where both are drawn, the column is used.

    The two readings are not averaged, since the mean of different signals shows neither of them. A flag for each contradiction is appended
    to `flags`.
    """
    out = []
    for item in readings:
        lead = item.segment.lead
        part = next((other for other in readings if other.segment.lead == lead and not other.segment.rhythm), None)
        if item.segment.rhythm and part is not None and _contradicts(item, part, fs):
            flags.append(f"lead {lead}: its rhythm strip does not repeat its column; where both are drawn, the column is used")
            first, last = part.segment.start - item.segment.start, part.segment.stop - item.segment.start
            y, sd = item.y_mm.copy(), item.sd_mm.copy()
            y[max(first, 0) : max(last, 0)], sd[max(first, 0) : max(last, 0)] = np.nan, np.nan
            item = replace(item, y_mm=y, sd_mm=sd)
        out.append(item)
    return out


def _contradicts(strip: SegmentReading, column: SegmentReading, fs: float) -> bool:
    """Whether two readings of one lead differ; False if both show too little of the same time, or if both are flat."""
    one, other = simultaneous([strip, column], fs)
    known = np.isfinite(one) & np.isfinite(other)
    return bool(known.any() and np.ptp(one[known]) + np.ptp(other[known]) > 0.0 and similarity(one, other) < _SAME_LEAD)


def _merged_by_lead(readings: list[SegmentReading], samples: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Signals (leads, samples) in mV, their standard deviations, and the names of the leads, the usual twelve first.

    Where a lead was read twice, its readings are averaged. Signals are NaN where nothing was read.
    """
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


def _as_coverage(plane: np.ndarray) -> np.ndarray:
    """A plane of coverage, 0 to 1 or uint8 0 to 255, as float32, 0 to 1."""
    if plane.dtype == np.uint8:
        return np.ascontiguousarray(plane, dtype=np.float32) / np.float32(255.0)
    return np.ascontiguousarray(plane, dtype=np.float32)
