"""The second fit: each row of traces is fitted as a whole to the ink in the picture itself.

The first fit, to the traces in the map of the network, shows which ink belongs to which lead. In the second fit, a row of traces is one
stroke. The pen is lifted between leads, so that neighbouring leads do not influence each other. Pixels under the strokes of other rows are
left out. The two fits are averaged, since their errors are nearly independent. Where the second fit is unreliable or follows other ink,
only the first one counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np

from fastecg.digitizing.coarse import CURVE_MM, PageWarp, verticals
from fastecg.digitizing.gauss_newton import FittedPen, Stage, StrokeProblem, fit_stroke, steepness
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import COLUMN_GAP_MM, PageSegments, SegmentReading
from fastecg.digitizing.pulses import Pulse, runs_into
from fastecg.digitizing.row_ends import Overhang, overhang_mm
from fastecg.kernels.runs import runs_of

# Like the last two stages of the first fit, but without the attraction of distant ink, and with a blur that is fixed at 0.8 px in the first
# of these two stages. The second fit starts from the result of the first fit.
_STAGES = (Stage(0.015, 2, 0.0, 6, 0.8, rel_tol=0.01), Stage(0.005, 3, 0.0, 10, rel_tol=0.001, thins=True))
_PEN_MM = 0.4  # Width of the pen with which the second fit starts.
_NEAR_PX = 4.0  # Ink this close to the edges of the first fit's stroke is fitted. On steep flanks, the first fit may be this far off.
_OTHERS_PX = 1.5  # Pixels under the strokes of other rows or this close to them are left out. The margin is for the soft edges of strokes.
_MARGIN_PX = 8  # Width of the margin around a row in the part of the picture that is used for its fit.
_HOOK_S = 0.008  # Time at either end of a trace that is searched for a hook, but at least one sample.
_USUAL_S = 0.024  # Time inwards of it in which the median of the height steps, from one sample to the next, is the usual step.
_HOOK_FACTOR = 6.0  # A height step may belong to a hook if it is more than this many times as large as the usual one.
_LEAST_HOOK_MM = 0.5  # Minimum size of a height step that belongs to a hook.
# Samples whose standard deviation across the trace is this or larger in the second fit keep the value of the first fit.
_MAX_SD_PX = 3.0
_HIDING_PX = 9  # Side of the square around a pixel of writing in which a trace may be hidden.
_HIDDEN_SD_MM = 1.0  # Standard deviation of samples that are interpolated behind writing.
_MAX_GAP_MM = 8.0  # Longest gap behind writing that is interpolated: about a word.
_HIDDEN_SHARE = 0.6  # Minimum share of the samples of a gap that writing has to cover for the gap to be interpolated.
_MAX_DISTANCE_PX = 2.0  # Samples of the second fit that are farther than this from the first fit have followed other ink, and are not used.
# Median standard deviation of a row's samples in the second fit, px, at which both fits have equal weight. On crisp pages, where it is 0.07
# to 0.1 px, the second fit is better; on blurred or noisy ones, where it is 0.4 to 0.5 px, the first is. The errors of the fits differ by
# more than these deviations predict, so the weight depends on their fourth power. The noise of bare paper was a poorer measure, since most
# of it comes from the grid.
_EQUAL_WEIGHT_PX = 0.25
_WEIGHT_POWER = 4.0


def refined(
    readings: Sequence[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk
) -> tuple[list[SegmentReading], dict[int, FittedPen]]:
    """Fit the segments of a page again, to the ink in the picture itself.

    Parameters
    ----------
    readings : sequence of SegmentReading
        Readings of the first fit.
    rows : PageSegments
        The page's segments, with paper speed and sampling frequency.
    warp : PageWarp
    ink : PictureInk

    Returns
    -------
    readings : list of SegmentReading
        Weighted means of both fits, row by row, from left to right. Where the second fit has any weight, standard deviations are its own.
    pens : dict of int to FittedPen
        The pen of every row that could be fitted, by the row's number.
    """
    groups = _by_row(readings)
    strokes = {row: [warp.forward(np.column_stack([item.x_mm(rows), item.y_mm])) for item in group] for row, group in groups.items()}
    out: list[SegmentReading] = []
    pens: dict[int, FittedPen] = {}

    def fit(row: int) -> tuple[list[SegmentReading], FittedPen | None]:
        others = [points for other, parts in strokes.items() if other != row for points in parts]
        return _refined_row(groups[row], rows, warp, ink, strokes[row], others)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(fit, groups))
    for row, (fitted, pen) in zip(groups, found, strict=True):
        out += fitted
        if pen is not None:
            pens[row] = pen
    return out, pens


def _by_row(readings: Sequence[SegmentReading]) -> dict[int, list[SegmentReading]]:
    """The segments of each row from left to right, by the row's number."""
    groups: dict[int, list[SegmentReading]] = {}
    for item in sorted(readings, key=lambda item: item.segment.x_mm):
        groups.setdefault(item.segment.row, []).append(item)
    return groups


def overhangs(
    readings: Sequence[SegmentReading],
    pens: Mapping[int, FittedPen],
    rows: PageSegments,
    warp: PageWarp,
    ink: PictureInk,
    pulses: Sequence[Pulse],
) -> list[Overhang]:
    """Measure how far ink reaches beyond the first and last sample of every segment, compared with a round cap (see `overhang_mm`).

    This overhang is NaN where an end is close to the next segment or to a calibration pulse, or where it cannot be measured. Rows without a
    fitted pen are left out.
    """
    groups = _by_row(readings)
    return [end for row, pen in pens.items() for end in _overhangs(groups[row], rows, warp, ink, pen, pulses)]


def _overhangs(
    group: list[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk, pen: FittedPen, pulses: Sequence[Pulse]
) -> list[Overhang]:
    """Measure the overhangs of the segments of one row."""
    points = [np.column_stack([item.x_mm(rows), item.y_mm]) for item in group]
    gaps_mm = [np.inf, *(after[0, 0] - before[-1, 0] for before, after in pairwise(points)), np.inf]

    def beyond(inwards: np.ndarray, blank_mm: float) -> float:
        # Overhang at an end of a trace, whose points from this end on are `inwards`. Beyond the end, there is `blank_mm` of paper up to the
        # next segment.
        if blank_mm < COLUMN_GAP_MM or runs_into(inwards[0, 0], pulses):
            return np.nan
        return overhang_mm(inwards, warp, ink, pen, _PEN_MM * warp.scale / 2)

    # Assumption: 1 px of an edge's half width comes from the pixels, and only the rest from blur.
    radius_mm, soft_mm = pen.width * _PEN_MM / 2, max(pen.blur - 1.0, 0.0) / warp.scale
    return [Overhang(beyond(own, gaps_mm[k]), beyond(own[::-1], gaps_mm[k + 1]), radius_mm, soft_mm) for k, own in enumerate(points)]


def bridged(readings: Sequence[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk) -> list[SegmentReading]:
    """Interpolate segments linearly where writing no longer than a word hides them.

    Interpolated samples get the standard deviation of a trace that may be anywhere between the upper and lower edges of the letters.
    """
    from scipy.ndimage import maximum_filter

    covered = maximum_filter(ink.hidden, _HIDING_PX)
    out = []
    for item in readings:
        y, sd = item.y_mm.copy(), item.sd_mm.copy()
        for start, stop in runs_of(np.isnan(y)).tolist():
            if start == 0 or stop == len(y) or (stop - start) * rows.speed_mm_s / rows.fs > _MAX_GAP_MM:
                continue
            line = np.interp(np.arange(start, stop), (start - 1, stop), (y[start - 1], y[stop]))
            pixels = np.rint(warp.forward(np.column_stack([item.x_mm(rows)[start:stop], line]))).astype(int)
            inside = (pixels >= 0).all(axis=1) & (pixels < covered.shape[::-1]).all(axis=1)
            if inside.all() and covered[pixels[:, 1], pixels[:, 0]].mean() > _HIDDEN_SHARE:
                y[start:stop], sd[start:stop] = line, _HIDDEN_SD_MM
        out.append(replace(item, y_mm=y, sd_mm=sd))
    return out


def _refined_row(
    group: list[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk, own: list[np.ndarray], others: list[np.ndarray]
) -> tuple[list[SegmentReading], FittedPen | None]:
    """Fit the segments of one row again. Returns their readings and the pen, which is None if nothing was fitted.

    `own` are the points (n, 2) px of each of the row's segments by the first fit; `others` are those of all segments of other rows.
    """
    lifted = np.array([np.nan])  # A point that is NaN after every segment lifts the pen.
    x_mm = np.concatenate([part for item in group for part in (item.x_mm(rows), lifted)])
    y_mm = np.concatenate([part for item in group for part in (item.y_mm, lifted)])
    lost = np.isnan(x_mm) | np.isnan(y_mm)
    if lost.all():
        return group, None
    top, curves = verticals(warp, np.nan_to_num(x_mm), (float(np.nanmin(y_mm)) - CURVE_MM, float(np.nanmax(y_mm)) + CURVE_MM))
    curves[:, lost] = np.nan
    corner, far_corner = _part_around(own, ink.coverage.shape)
    if (far_corner - corner < 2).any():
        return group, None
    seen = _ink_to_fit(ink, corner, far_corner, own, others, _PEN_MM * warp.scale)
    known = np.flatnonzero(~lost)
    start = (np.interp(np.arange(len(x_mm)), known, y_mm[known]) - top) * warp.scale
    stroke = StrokeProblem(seen, curves - corner, CURVE_MM * warp.scale, _PEN_MM * warp.scale / 2)
    fit = fit_stroke(stroke, start, _STAGES)
    heights, sd = top + fit.heights / warp.scale, fit.sd / warp.scale
    step_mm = rows.speed_mm_s / rows.fs
    # The second fit counts where the heights from which it started are not hidden, and where its standard deviation is small.
    reliable = np.isfinite(stroke.ink_at(start)) & (fit.sd / steepness(heights, step_mm) < _MAX_SD_PX)
    weight = weight_of_second_fit(float(np.median(fit.sd[reliable]))) if reliable.any() else 0.0
    out, offset = [], 0
    for item in group:
        part = slice(offset, offset + len(item.y_mm))
        offset = part.stop + 1
        distance_mm = np.abs(heights[part] - item.y_mm) / steepness(item.y_mm, step_mm)
        weights = np.where(reliable[part] & (distance_mm < _MAX_DISTANCE_PX / warp.scale), weight, 0.0)
        y = weights * heights[part] + (1.0 - weights) * item.y_mm
        straighten_hooks(y, rows.fs)
        out.append(replace(item, y_mm=y, sd_mm=np.where(weights > 0.0, sd[part], item.sd_mm)))
    return out, fit.pen


def weight_of_second_fit(sd_px: float) -> float:
    """Weight (0 to 1) of the second fit of a row relative to the first, given its median standard deviation `sd_px`."""
    return float(1.0 / (1.0 + (sd_px / _EQUAL_WEIGHT_PX) ** _WEIGHT_POWER))


def _part_around(own: list[np.ndarray], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (x, y) that bound the part of the picture around the points `own` of a row.

    They are its upper left pixel, and the pixel to the right of and below its last one.
    """
    every = np.concatenate(own)
    corner = np.maximum(np.floor(np.nanmin(every, axis=0)).astype(int) - _MARGIN_PX, 0)
    return corner, np.minimum(np.ceil(np.nanmax(every, axis=0)).astype(int) + _MARGIN_PX, shape[::-1])


def _ink_to_fit(
    ink: PictureInk, corner: np.ndarray, far_corner: np.ndarray, own: list[np.ndarray], others: list[np.ndarray], pen_px: float
) -> np.ndarray:
    """The ink around a row, from pixel `corner` to the one before `far_corner`, as it is fitted.

    It is 0 far from the row's stroke, and NaN under the strokes of other rows and under writing.
    """
    from fastecg.kernels.capsule import stroke_polyline

    part = slice(corner[1], far_corner[1]), slice(corner[0], far_corner[0])
    seen = ink.coverage[part].copy()
    plane = np.zeros(seen.shape, dtype=np.uint8)
    for points in own:
        stroke_polyline(points - corner, pen_px + 2 * _NEAR_PX, plane)
    seen[plane == 0] = 0.0
    plane[:] = 0
    for points in others:
        inside = ((points > corner - pen_px) & (points < far_corner + pen_px)).all(axis=1)
        if inside.any():
            stroke_polyline(points - corner, pen_px + 2 * _OTHERS_PX, plane)
    seen[(plane > 0) | ink.hidden[part]] = np.nan
    return seen


def straighten_hooks(y_mm: np.ndarray, fs: float) -> None:
    """Flatten hooks at the ends of a trace (n,) in place: their few samples get the height of the first sample inwards of them.

    Bars between columns leave such hooks. `fs` is the trace's sampling frequency, Hz.
    """
    most_samples, usual = max(round(_HOOK_S * fs), 1), max(round(_USUAL_S * fs), 2)
    for way in (1, -1):
        y = y_mm[::way]
        known = np.flatnonzero(np.isfinite(y))[: most_samples + usual + 1]
        if len(known) <= most_samples + 2:
            continue
        jumps = np.abs(np.diff(y[known]))
        most = max(_HOOK_FACTOR * float(np.median(jumps[most_samples:])), _LEAST_HOOK_MM)
        hooks = np.flatnonzero(jumps[:most_samples] > most)
        if hooks.size:
            inner = hooks[-1] + 1
            y[known[:inner]] = y[known[inner]]
