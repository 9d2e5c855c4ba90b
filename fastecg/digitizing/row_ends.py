"""Where time starts, to some micrometres, by the fitted stroke: how far a row's ink goes beyond its first and its last sample.

A fit of samples at fixed times follows the ink up and down, but does not tell whether it begins a little before the first sample or after
it. What does is the stroke, made longer and shorter until it leaves the least of the ink at the row's end, whatever the slope there and
however blurred the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.gauss_newton import FittedPen
from fastecg.digitizing.ink import PictureInk

_INSIDE_MM = 1.0  # Length of the trace beside its end that is looked at.
_LONGEST_MM = 0.6  # Farthest place of the end beyond the last sample that is tried.
_SHORTEST_MM = -0.3  # Nearest one: before the last sample.
_STEP_MM = 0.02  # Distance between the ends that are tried near the best one,
_COARSE = 3  # and how many times as far apart they are at first.
_BEYOND_MM = 0.2  # Length behind the farthest end that has to be blank.
_RISES_MM = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6)  # Rises or falls, of what goes on beyond the last sample, that are tried.
_TAPS = 3  # Points a pixel, along x and along y.
_LEAST_SAMPLES = 6  # Samples of a trace below which its ends are not measured.
#: Radii of the pen from the end of a round cap to that of the cap drawn, how often, and how exactly: square, round and no caps. A cap's
#: corners count by their area.
_CAPS = ((0.107, 0.5, 0.06), (0.0, 0.3, 0.08), (-0.39, 0.1, 0.12))
_SOFT = 0.4  # By how much caps may be off, as a share of what edges are softer than pixels' own.
_OTHER_CAP = 0.02  # Density of any other cap, per radius of the pen.
_CAP_RANGE = (-1.0, 0.8)  # Caps that are tried, in radii of the pen.
_START_FAR = 3.0  # How many times farther off a start is that was wrong.
_FAR = 0.05  # How often a start was wrong.
_STRAY = 0.1  # How often what is measured at ends is something else.
_RANGE_MM = 0.9  # Range in which that may then be: that of the ends that are tried.
_LEAST_SD_MM = 0.006  # Standard deviation of the time of many ends.
_FEW_SD_MM = 0.04  # Standard deviation of one end alone.
_EARLY = 0.3  # How often rows end before their time.
_EARLIEST_MM = 0.3  # By how much they then do, at most.
_ON_LINE = 0.7  # How often time starts on a heavy line of the grid, as programs draw it.
_LINES_MM = 5.0  # Distance of these lines.
_ON_FINE_LINE = 0.1  # How often it starts on one of those between, 1 mm apart, or the heavy ones were taken for others.
_KNOWN_MM = 0.06  # Largest range of where lines were meant to be in which those between tell anything.
_LINE_SD_MM = 0.008  # How exactly it then does.
_MOST_MM = 0.2  # By how much time may start earlier or later than thought.
_FINE_MM = 0.004  # Distance between the starts that are tried.


@dataclass(frozen=True)
class Overhang:
    """How far a row's ink goes beyond its first and beyond its last sample, mm; NaN where not seen.

    `radius_mm` is half the pen's width, `soft_mm` what its edges are softer than those of pixels.
    """

    left_mm: float
    right_mm: float
    radius_mm: float
    soft_mm: float = 0.0


def overhang_mm(points_mm: np.ndarray, warp: PageWarp, ink: PictureInk, pen: FittedPen, radius_px: float) -> float:
    """How far ink goes on beyond the first of the page places (n, 2) of a trace, along the page's x; NaN where that is not seen.

    Parameters
    ----------
    points_mm : ndarray, shape (n, 2)
        From an end of a row inwards.
    warp : PageWarp
    ink : PictureInk
    pen : FittedPen
    radius_px : float
        Half the nominal pen.
    """
    start, way = points_mm[0], float(np.sign(points_mm[0, 0] - points_mm[-1, 0]))
    points = points_mm[np.abs(points_mm[:, 0] - start[0]) < _INSIDE_MM][::-1]  # from inside to the end
    if len(points) < _LEAST_SAMPLES or not np.isfinite(points).all():
        return np.nan
    beyond = start + np.array([way * (_LONGEST_MM + _BEYOND_MM), 0.0])
    line = warp.forward(np.vstack([points, beyond]))
    reach = pen.width * radius_px + pen.blur
    wide = reach + _RISES_MM[-1] * warp.scale
    low, high = np.floor(line.min(axis=0) - wide).astype(int), np.ceil(line.max(axis=0) + wide).astype(int) + 1
    if (low < 0).any() or (high > ink.coverage.shape[::-1]).any():
        return np.nan
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]]
    pixels = np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    other = ink.hidden[y, x].ravel()
    away = _distances(pixels, line)
    inner = np.hypot(*(pixels - line[0]).T)
    if other[(away.min(axis=0) < reach) & (inner > reach)].any():
        return np.nan
    near = ((away[:-1].min(axis=0) < reach) | (away[-1] < wide)) & (inner > reach) & ~other
    offsets = (np.arange(_TAPS) + 0.5) / _TAPS - 0.5
    taps = (pixels[near][:, None] + np.stack(np.meshgrid(offsets, offsets), axis=-1).reshape(-1, 2)).reshape(-1, 2)
    seen = _End(np.clip(ink.coverage[y, x].ravel()[near], 0.0, 1.2), taps, np.minimum.accumulate(_distances(taps, line[:-1]), axis=0))

    def left(mm: np.ndarray) -> np.ndarray:
        return np.array([_left(seen, points, way, end, warp, pen, radius_px) for end in mm])

    coarse = np.arange(_SHORTEST_MM, _LONGEST_MM + _STEP_MM / 2, _COARSE * _STEP_MM)
    near = coarse[int(np.argmin(left(coarse)))]
    further = near + _STEP_MM * np.arange(-_COARSE, _COARSE + 1)
    rest = left(further)
    best = int(np.argmin(rest))
    if best in (0, 2 * _COARSE) or not _SHORTEST_MM < further[best] < _LONGEST_MM:
        return np.nan
    before, least, after = rest[best - 1 : best + 2]
    return float(further[best] + _STEP_MM * 0.5 * (before - after) / max(before - 2 * least + after, 1e-12))


@dataclass(frozen=True, eq=False)
class _End:
    """Pixels at an end: the ink seen (m,), points in them (m * taps, 2), and how far those are from the trace up to each knot."""

    ink: np.ndarray
    taps: np.ndarray
    upto: np.ndarray


def _left(seen: _End, points: np.ndarray, way: float, further_mm: float, warp: PageWarp, pen: FittedPen, radius_px: float) -> float:
    """What a stroke that ends `further_mm` beyond the last of `points` leaves of the ink, the sum of squares, rising as suits it best."""
    x, last = way * points[:, 0], points[-1]
    end = x[-1] + further_mm
    knots = len(points) if further_mm >= 0.0 else max(int(np.searchsorted(x, end)), 1)  # that are left of the trace
    level = last[1] if further_mm >= 0.0 else float(np.interp(end, x, points[:, 1]))
    rises = [0.0] if further_mm <= 0.0 else [sign * rise for rise in _RISES_MM for sign in (1, -1)]
    least = np.inf
    radius = pen.width * radius_px
    for rise in rises:
        stroke = warp.forward(np.array([points[knots - 1], (way * end, level + rise)]))
        distance = _distances(seen.taps, stroke)[0]
        if knots > 1:
            distance = np.minimum(distance, seen.upto[knots - 2])
        covered = _step((radius - distance) / pen.blur) - _step((-radius - distance) / pen.blur)
        least = min(least, float(((pen.ink * covered.reshape(len(seen.ink), -1).mean(axis=1) - seen.ink) ** 2).sum()))
    return least


def _distances(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """From points (m, 2) to the segments of a polyline (n, 2): (n - 1, m)."""
    run = np.diff(line, axis=0)
    away = points[None] - line[:-1, None]
    along = (away @ run[..., None])[..., 0] / np.maximum((run**2).sum(axis=1), 1e-12)[:, None]
    return np.asarray(np.hypot(*np.moveaxis(away - np.clip(along, 0.0, 1.0)[..., None] * run[:, None], 2, 0)))


def _step(u: np.ndarray) -> np.ndarray:
    """As `fastecg.kernels.fit.step`."""
    rest = 1.0 - np.minimum(np.abs(u), 1.0)
    return np.asarray(np.where(u < 0.0, 0.5 * rest**2, 1.0 - 0.5 * rest**2))


def late_mm(overhangs: Sequence[Overhang], start_sd_mm: float, to_line_mm: tuple[float, float] | None = None) -> float:
    """By how much time starts later than thought, in the mean, by how likely the grid and the ends of rows make it.

    The cap goes on beyond both ends alike; a later start makes one longer and the other shorter. Rows may also end early.

    Parameters
    ----------
    overhangs : sequence of Overhang
    start_sd_mm : float
        How exactly the start was known before.
    to_line_mm : (float, float), optional
        How much later, at least and at most, it would be on a heavy line of the grid; None where there is no such line.
    """
    left, right = (np.array([getattr(item, side) for item in overhangs]) for side in ("left_mm", "right_mm"))
    left, right = left[np.isfinite(left)], right[np.isfinite(right)]
    late = np.arange(-_MOST_MM, _MOST_MM + _FINE_MM / 2, _FINE_MM)[:, None]
    cap = np.arange(*_CAP_RANGE, 0.02)[None]
    likely = _normal(late, start_sd_mm) + _FAR * _normal(late, _START_FAR * start_sd_mm)
    if to_line_mm is not None:
        likely = likely * _on_lines(late, to_line_mm)
    if not len(left) + len(right):
        return float((likely * late).sum() / likely.sum())
    radius = float(np.median([item.radius_mm for item in overhangs]))
    soft = _SOFT * float(np.median([item.soft_mm for item in overhangs])) / radius
    likely = likely * (_OTHER_CAP + sum(often * _normal(cap - pens, np.hypot(sd, soft)) for pens, often, sd in _CAPS))
    if len(left):
        likely = likely * (_STRAY / _RANGE_MM + _normal(cap * radius - late - np.median(left), _sd(left)))
    if len(right):
        rest, sd = cap * radius + late - np.median(right), _sd(right)
        early = ((rest > 0.0) & (rest < _EARLIEST_MM)) / _EARLIEST_MM
        likely = likely * (_STRAY / _RANGE_MM + (1.0 - _EARLY) * _normal(rest, sd) + _EARLY * early)
    return float((likely * late).sum() / likely.sum())


def _on_lines(late_mm: np.ndarray, to_line_mm: tuple[float, float]) -> np.ndarray:
    """How much likelier than without a grid it is that time starts `late_mm` later, the nearest heavy line being that far."""
    from scipy.special import ndtr

    low, high = to_line_mm[0] - _FINE_MM, to_line_mm[1] + _FINE_MM
    out = np.full(late_mm.shape, 1.0 - _ON_LINE - _ON_FINE_LINE)
    known = high - low < _KNOWN_MM
    for often, apart_mm in ((_ON_LINE, _LINES_MM), (_ON_FINE_LINE, 1.0)) if known else ((_ON_LINE, _LINES_MM),):
        nearest = apart_mm * np.rint((low + high) / 2 / apart_mm)
        within = ndtr((late_mm + nearest - low) / _LINE_SD_MM) - ndtr((late_mm + nearest - high) / _LINE_SD_MM)
        out += often * apart_mm * within / (high - low)
    return out


def _normal(off: np.ndarray, sd: float) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * (off / sd) ** 2) / (sd * np.sqrt(2.0 * np.pi)))


def _sd(ends: np.ndarray) -> float:
    """How exactly the median of ends is known, mm: few may all be of one fault."""
    spread = 1.5 * float(np.median(np.abs(ends - np.median(ends)))) / np.sqrt(len(ends))
    return float(np.hypot(np.hypot(_LEAST_SD_MM, _FEW_SD_MM / len(ends)), spread))
