"""The second fit: whole rows at once, on the pen's ink as the picture itself shows it.

The first fit, on the network's redrawn traces, tells which ink is whose. Here every row of traces is one stroke whose pen is lifted
between leads, so that neighbouring leads do not influence each other; pixels under other rows' strokes are left out.
Both fits are averaged, since their errors are nearly independent. Where the second one is unreliable or follows other ink, the first stays.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np

from fastecg.digitizing.coarse import CURVE_MM, PageWarp, verticals
from fastecg.digitizing.gauss_newton import FittedPen, Stage, StrokeProblem, fit_stroke
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import COLUMN_GAP_MM, PageSegments, SegmentReading
from fastecg.digitizing.pulses import Pulse, runs_into
from fastecg.digitizing.row_ends import Overhang, overhang_mm
from fastecg.kernels.runs import runs_of

# As the last two stages of the first fit, from which this one starts, but nothing attracts the stroke from afar.
_STAGES = (Stage(0.015, 2, 0.0, 6, 0.8, rel_tol=0.01), Stage(0.005, 3, 0.0, 10, rel_tol=0.001))
_PEN_MM = 0.4  # Pen width at which this fit starts.
_NEAR_PX = 4.0  # Distance from the first fit's stroke within which ink is fitted; flanks may be off by this much.
_OTHERS_PX = 1.5  # Width beside the strokes of other rows that is left out: their edges are soft.
_MARGIN_PX = 8  # Margin of the picture around a row that takes part in the fit.
_ENDS = 4  # Samples at either end that are searched for a hook.
_USUAL = 12  # Samples next to them from which the usual step is estimated.
_HOOK = 6.0  # A step that is larger than the usual one by this factor may be a hook.
_LEAST_HOOK_MM = 0.5  # Minimum height of a hook.
_UNSURE_PX = 3.0  # Samples with a larger standard deviation keep the first fit.
_LETTER_PX = 9  # Side of the neighbourhood of written ink that may hide a trace.
_LETTER_MM = 1.0  # Standard deviation of samples interpolated below writing.
_WORD_MM = 8.0  # Longest gap below writing that is interpolated.
_MOSTLY = 0.6  # Share of a gap that writing has to cover.
_APART_PX = 2.0  # Ignore samples of the second fit that are farther than this from the first: it has found other ink.
# Median standard deviation of a row's samples, px, at which both fits have equal weight. The second fit is better on crisp pages (0.07 to
# 0.1 px), the first on blurred or noisy ones (0.4 to 0.5 px). The difference exceeds what the deviations predict, hence the fourth power.
# The noise of bare paper was a poorer criterion, since most of it comes from the grid.
_AS_FIRST_PX = 0.25
_TRUST_POWER = 4.0
_FLANK = 1  # Samples by which steep flanks are widened when the two fits are compared.


def refined(
    readings: Sequence[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk
) -> tuple[list[SegmentReading], dict[int, FittedPen]]:
    """Fit the segments of a page again, to the picture's own ink; the pen of every row that could be fitted comes with them.

    Parameters
    ----------
    readings : sequence of SegmentReading
        Segments as the first fit has them.
    rows : PageSegments
    warp : PageWarp
    ink : PictureInk
    """
    groups = _by_row(readings)
    strokes = {at: [warp.forward(np.column_stack([item.x_mm(rows), item.y_mm])) for item in group] for at, group in groups.items()}
    out: list[SegmentReading] = []
    pens: dict[int, FittedPen] = {}

    def fit(at: int) -> tuple[list[SegmentReading], FittedPen | None]:
        others = [points for other, parts in strokes.items() if other != at for points in parts]
        return _refined_row(groups[at], rows, warp, ink, strokes[at], others)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(fit, groups))
    for at, (fitted, pen) in zip(groups, found, strict=True):
        out += fitted
        if pen is not None:
            pens[at] = pen
    return out, pens


def _by_row(readings: Sequence[SegmentReading]) -> dict[int, list[SegmentReading]]:
    """The segments of every row, from left to right."""
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
    """Measure the ink beyond the free ends of rows, and of columns that are apart; ends that touch a pulse give NaN."""
    groups = _by_row(readings)
    return [end for at, pen in pens.items() for end in _overhangs(groups[at], rows, warp, ink, pen, pulses)]


def _overhangs(
    group: list[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk, pen: FittedPen, pulses: Sequence[Pulse]
) -> list[Overhang]:
    """Measure the overhangs of one row."""
    points = [np.column_stack([item.x_mm(rows), item.y_mm]) for item in group]
    apart = [np.inf, *(after[0, 0] - before[-1, 0] for before, after in pairwise(points)), np.inf]

    def beyond(inwards: np.ndarray, blank_mm: float) -> float:
        if blank_mm < COLUMN_GAP_MM or runs_into(inwards[0, 0], pulses):
            return np.nan
        return overhang_mm(inwards, warp, ink, pen, _PEN_MM * warp.scale / 2)

    half, soft = pen.width * _PEN_MM / 2, max(pen.blur - 1.0, 0.0) / warp.scale
    return [Overhang(beyond(own, apart[k]), beyond(own[::-1], apart[k + 1]), half, soft) for k, own in enumerate(points)]


def bridged(readings: Sequence[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk) -> list[SegmentReading]:
    """Interpolate segments linearly where one or two letters hide them.

    How far a line may be from the trace is told by the standard deviation: that of a trace somewhere between the letters' edges.
    """
    from scipy.ndimage import maximum_filter

    covered = maximum_filter(ink.hidden, _LETTER_PX)
    out = []
    for item in readings:
        y, sd = item.y_mm.copy(), item.sd_mm.copy()
        for start, stop in runs_of(np.isnan(y)).tolist():
            if start == 0 or stop == len(y) or (stop - start) * rows.speed_mm_s / rows.fs > _WORD_MM:
                continue
            line = np.interp(np.arange(start, stop), (start - 1, stop), (y[start - 1], y[stop]))
            at = np.rint(warp.forward(np.column_stack([item.x_mm(rows)[start:stop], line]))).astype(int)
            inside = (at >= 0).all(axis=1) & (at < covered.shape[::-1]).all(axis=1)
            if inside.all() and covered[at[:, 1], at[:, 0]].mean() > _MOSTLY:
                y[start:stop], sd[start:stop] = line, _LETTER_MM
        out.append(replace(item, y_mm=y, sd_mm=sd))
    return out


def _refined_row(
    group: list[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk, own: list[np.ndarray], others: list[np.ndarray]
) -> tuple[list[SegmentReading], FittedPen | None]:
    """Fit one row's segments again, and their pen; None where nothing was fitted."""
    lifted = np.array([np.nan])
    x_mm = np.concatenate([part for item in group for part in (item.x_mm(rows), lifted)])
    y_mm = np.concatenate([part for item in group for part in (item.y_mm, lifted)])
    lost = np.isnan(x_mm) | np.isnan(y_mm)
    if lost.all():
        return group, None
    top, curves = verticals(warp, np.nan_to_num(x_mm), (float(np.nanmin(y_mm)) - CURVE_MM, float(np.nanmax(y_mm)) + CURVE_MM))
    curves[:, lost] = np.nan
    low, high = _box(own, ink.coverage.shape)
    if (high - low < 2).any():
        return group, None
    seen = _ink_to_fit(ink, low, high, own, others, _PEN_MM * warp.scale)
    known = np.flatnonzero(~lost)
    start = (np.interp(np.arange(len(x_mm)), known, y_mm[known]) - top) * warp.scale
    stroke = StrokeProblem(seen, curves - low, CURVE_MM * warp.scale, _PEN_MM * warp.scale / 2)
    fit = fit_stroke(stroke, start, _STAGES)
    heights, sd = top + fit.heights / warp.scale, fit.sd / warp.scale
    shown = np.isfinite(stroke.ink_at(start)) & (fit.sd < _UNSURE_PX)
    trust = trust_in(float(np.median(fit.sd[shown]))) if shown.any() else 0.0
    out, at = [], 0
    for item in group:
        part = slice(at, at + len(item.y_mm))
        at = part.stop + 1
        agree = shown[part] & (_apart(heights[part], item.y_mm, rows.speed_mm_s / rows.fs) < _APART_PX / warp.scale)
        share = np.where(agree, trust, 0.0)
        y = share * heights[part] + (1.0 - share) * item.y_mm
        calm_ends(y)
        out.append(replace(item, y_mm=y, sd_mm=np.where(share > 0.0, sd[part], item.sd_mm)))
    return out, fit.pen


def trust_in(sd_px: float) -> float:
    """Weight (0 to 1) of the second fit of a row relative to the first, given its median standard deviation `sd_px`."""
    return float(1.0 / (1.0 + (sd_px / _AS_FIRST_PX) ** _TRUST_POWER))


def _apart(second: np.ndarray, first: np.ndarray, step_mm: float) -> np.ndarray:
    """Distance (n,) in mm of a second trace from the first, perpendicular to it: beside a steep flank a large step up is a small one."""
    from scipy.ndimage import maximum_filter1d

    steep = maximum_filter1d(np.abs(np.gradient(np.nan_to_num(first), step_mm)), 2 * _FLANK + 1)
    return np.asarray(np.abs(second - first) / np.hypot(1.0, steep))


def _box(own: list[np.ndarray], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """First and last pixel (x, y) of the picture round a row."""
    every = np.concatenate(own)
    low = np.maximum(np.floor(np.nanmin(every, axis=0)).astype(int) - _MARGIN_PX, 0)
    return low, np.minimum(np.ceil(np.nanmax(every, axis=0)).astype(int) + _MARGIN_PX, shape[::-1])


def _ink_to_fit(
    ink: PictureInk, low: np.ndarray, high: np.ndarray, own: list[np.ndarray], others: list[np.ndarray], pen_px: float
) -> np.ndarray:
    """The ink of a row: 0 away from its stroke, NaN under other strokes and writing."""
    from fastecg.kernels.capsule import stroke_polyline

    part = slice(low[1], high[1]), slice(low[0], high[0])
    seen = ink.coverage[part].copy()
    plane = np.zeros(seen.shape, dtype=np.uint8)
    for points in own:
        stroke_polyline(points - low, pen_px + 2 * _NEAR_PX, plane)
    seen[plane == 0] = 0.0
    plane[:] = 0
    for points in others:
        inside = ((points > low - pen_px) & (points < high + pen_px)).all(axis=1)
        if inside.any():
            stroke_polyline(points - low, pen_px + 2 * _OTHERS_PX, plane)
    seen[(plane > 0) | ink.hidden[part]] = np.nan
    return seen


def calm_ends(y_mm: np.ndarray) -> None:
    """Straighten, in place, a hook of a few samples at either end of a trace (n,), as marks between leads leave it."""
    for way in (1, -1):
        y = y_mm[::way]
        known = np.flatnonzero(np.isfinite(y))[: _ENDS + _USUAL + 1]
        if len(known) <= _ENDS + 2:
            continue
        jumps = np.abs(np.diff(y[known]))
        most = max(_HOOK * float(np.median(jumps[_ENDS:])), _LEAST_HOOK_MM)
        hooks = np.flatnonzero(jumps[:_ENDS] > most)
        if hooks.size:
            inner = hooks[-1] + 1
            y[known[:inner]] = y[known[inner]]
