"""Locate the start of time to a few micrometres: by how far ink extends beyond the first and last sample of each row, and by the grid.

The fits of the stroke adjust only heights at fixed times, so they do not show how far before the first sample the ink starts. To measure
this, the fitted stroke is lengthened and shortened until its residual at the end of the row is smallest, which works for any slope and
blur.

`start_delay_mm` is a Bayesian estimate. Its prior combines the earlier estimate of the start with the grid, since programs usually start
time on a 5 mm line. Its likelihood is that of the measured ends, for every cap that the pen may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastecg.digitizing.coarse import FIVE_MM, PageWarp
from fastecg.digitizing.gauss_newton import FittedPen
from fastecg.digitizing.ink import PictureInk

_INSIDE_MM = 1.0  # Length of the part of a trace next to its end that is compared with the ink.
_LONGEST_MM = 0.6  # Largest overhang that is tried.
_SHORTEST_MM = -0.3  # Smallest overhang that is tried; below 0, ink ends farther inwards than that of a round pen on the last sample.
_STEP_MM = 0.02  # Step of the fine search for the overhang.
_COARSE = 3  # Step of the coarse search for the overhang, as a multiple of `_STEP_MM`.
_BEYOND_MM = 0.2  # The residual is also computed on paper up to this far beyond the largest overhang.
_RISES_MM = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6)  # Height changes, up and down, that are tried for the ink beyond the sample at an end.
_POINTS_PER_PX = 3  # Number of points per pixel, along x and along y, at which the ink is computed.
_DARKEST = 1.2  # The coverage of the picture is clipped at this multiple of the pen's coverage, which counts as at least 1.
_LEAST_SAMPLES = 6  # Ends of traces with fewer samples within `_INSIDE_MM` are not measured.
# For square, round and butt caps: how much farther the ink extends than with a round cap, in radii of the pen; the prior probability of the
# cap; and the standard deviation of the first number. The first numbers are about those that `overhang_mm` measures: 0.15 to 0.16 and -0.75
# to -0.84 on square and butt caps that are drawn exactly, and with fitted traces and pens 0.01 to 0.12 on the square caps of programs.
_CAPS = ((0.06, 0.5, 0.06), (0.0, 0.3, 0.08), (-0.8, 0.1, 0.12))
_SOFT = 0.4  # Additional standard deviation of caps, as a share of `Overhang.soft_mm`.
_OTHER_CAP = 0.02  # Prior density of caps other than those of `_CAPS`, per radius of the pen.
_CAP_RANGE = (-1.0, 0.8)  # Range of the caps that are tried, in radii of the pen beyond a round cap.
_START_FAR = 3.0  # Standard deviation of a start that is an outlier, as a multiple of that of other starts.
_FAR = 0.05  # Prior probability that a start is an outlier.
_STRAY = 0.1  # Prior probability that a measured end is spurious.
_RANGE_MM = 0.9  # Width of the uniform distribution of spurious ends: the range of the search.
_LEAST_SD_MM = 0.006  # Standard deviation of the median of many ends.
_FEW_SD_MM = 0.04  # Standard deviation of one end alone. For several, it is divided by their number.
_EARLY = 0.3  # Prior probability that rows end before their time.
_EARLIEST_MM = 0.3  # Largest distance by which rows end before their time.
_ON_LINE = 0.7  # Prior probability that time starts on a 5 mm line of the grid, as in most programs.
_ON_FINE_LINE = 0.1  # Prior probability of a start on another 1 mm line, or that other lines were taken for 5 mm lines.
_KNOWN_MM = 0.06  # The 1 mm lines are used only if the possible places of a line, `_FINE_MM` added on both sides, span less than this.
_LINE_SD_MM = 0.008  # Standard deviation of a start about its line.
_MOST_MM = 0.2  # Largest correction of the start of time, in either direction.
_FINE_MM = 0.004  # Distance between the starts that are tried.


@dataclass(frozen=True)
class Overhang:
    """Distances by which the ink of a segment extends beyond its first and its last sample, mm, from `overhang_mm`.

    They are relative to the ink of a round pen on these samples, and NaN if they cannot be measured. `radius_mm` is half the width of the
    pen, and `soft_mm` the blur of its edges beyond that of the pixels.
    """

    left_mm: float
    right_mm: float
    radius_mm: float
    soft_mm: float = 0.0


def overhang_mm(points_mm: np.ndarray, warp: PageWarp, ink: PictureInk, pen: FittedPen, radius_px: float) -> float:
    """Measure how far ink extends along page x beyond an end of a trace, in mm.

    A stroke with round caps is lengthened beyond the first of the points until it fits the ink best, and the result is this length. So it
    is 0 for the ink of a round pen on this point, and negative for ink that ends farther inwards.

    NaN if fewer than six samples lie within 1 mm of this point or one of them was not read, if something hides the end or the edge of the
    picture is close, or if the best overhang is at a limit of the search.

    Parameters
    ----------
    points_mm : ndarray, shape (n, 2)
        Page points of the trace, from an end inwards.
    warp : PageWarp
    ink : PictureInk
    pen : FittedPen
    radius_px : float
        Half the nominal width of the pen, of which `pen.width` is a multiple.
    """
    start, way = points_mm[0], float(np.sign(points_mm[0, 0] - points_mm[-1, 0]))  # Outwards is right (1) or left (-1).
    points = points_mm[np.abs(points_mm[:, 0] - start[0]) < _INSIDE_MM][::-1]  # Ordered from inside to the end.
    if len(points) < _LEAST_SAMPLES or not np.isfinite(points).all():
        return np.nan
    beyond = start + np.array([way * (_LONGEST_MM + _BEYOND_MM), 0.0])
    line = warp.forward(np.vstack([points, beyond]))
    reach = pen.width * radius_px + pen.blur
    wide_reach = reach + _RISES_MM[-1] * warp.scale
    corner, far_corner = np.floor(line.min(axis=0) - wide_reach).astype(int), np.ceil(line.max(axis=0) + wide_reach).astype(int) + 1
    if (corner < 0).any() or (far_corner > ink.coverage.shape[::-1]).any():
        return np.nan
    y, x = np.mgrid[corner[1] : far_corner[1], corner[0] : far_corner[0]]
    pixels = np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    hidden = ink.hidden[y, x].ravel()
    # Pixels near the trace or near any extension of it are compared, but not those around the inner end, where the trace continues.
    distances = _distances(pixels, line)
    from_inside = np.hypot(*(pixels - line[0]).T)
    if hidden[(distances.min(axis=0) < reach) & (from_inside > reach)].any():
        return np.nan
    near = ((distances[:-1].min(axis=0) < reach) | (distances[-1] < wide_reach)) & (from_inside > reach) & ~hidden
    offsets = (np.arange(_POINTS_PER_PX) + 0.5) / _POINTS_PER_PX - 0.5
    subpixels = (pixels[near][:, None] + np.stack(np.meshgrid(offsets, offsets), axis=-1).reshape(-1, 2)).reshape(-1, 2)
    coverage = np.clip(ink.coverage[y, x].ravel()[near], 0.0, _DARKEST * max(pen.ink, 1.0))
    seen = _End(coverage, subpixels, np.minimum.accumulate(_distances(subpixels, line[:-1]), axis=0))

    def residuals_at(overhangs_mm: np.ndarray) -> np.ndarray:
        return np.array([_residual(seen, points, way, overhang, warp, pen, radius_px) for overhang in overhangs_mm])

    coarse = np.arange(_SHORTEST_MM, _LONGEST_MM + _STEP_MM / 2, _COARSE * _STEP_MM)
    middle = coarse[int(np.argmin(residuals_at(coarse)))]
    fine = middle + _STEP_MM * np.arange(-_COARSE, _COARSE + 1)
    residuals = residuals_at(fine)
    best = int(np.argmin(residuals))
    if best in (0, 2 * _COARSE) or not _SHORTEST_MM < fine[best] < _LONGEST_MM:
        return np.nan
    before, least, after = residuals[best - 1 : best + 2]  # The result is where the parabola through these three is lowest.
    return float(fine[best] + _STEP_MM * 0.5 * (before - after) / max(before - 2 * least + after, 1e-12))


@dataclass(frozen=True, eq=False)
class _End:
    """Pixels at an end of a trace.

    Attributes
    ----------
    ink : ndarray, shape (m,)
        Coverage of each pixel.
    points : ndarray, shape (m * n, 2)
        The n points in px within each pixel at which the ink of the stroke is computed.
    nearest : ndarray, shape (samples - 1, m * n)
        Smallest distance in px of each point from the trace up to its sample 1, 2, …, from inside to the end.
    """

    ink: np.ndarray
    points: np.ndarray
    nearest: np.ndarray


def _residual(seen: _End, points: np.ndarray, way: float, further_mm: float, warp: PageWarp, pen: FittedPen, radius_px: float) -> float:
    """Sum of squared residuals of the ink of a stroke lengthened by `further_mm`, for the slope of the added piece that fits best.

    If `further_mm` is negative, the stroke is shortened instead. `points` are the samples of the trace, from inside to the end, and `way`
    is 1 at a right end and -1 at a left one.
    """
    x, last = way * points[:, 0], points[-1]  # This x grows outwards.
    end = x[-1] + further_mm
    kept = len(points) if further_mm >= 0.0 else max(int(np.searchsorted(x, end)), 1)  # Number of samples that are kept.
    level = last[1] if further_mm >= 0.0 else float(np.interp(end, x, points[:, 1]))
    rises_mm = [0.0] if further_mm <= 0.0 else [sign * rise_mm for rise_mm in _RISES_MM for sign in (1, -1)]
    smallest = np.inf
    radius = pen.width * radius_px
    for rise_mm in rises_mm:
        # The last piece of the stroke is from the last sample that is kept to the tried end. `seen.nearest` has the pieces before it.
        stroke = warp.forward(np.array([points[kept - 1], (way * end, level + rise_mm)]))
        distance = _distances(seen.points, stroke)[0]
        if kept > 1:
            distance = np.minimum(distance, seen.nearest[kept - 2])
        coverage = _step((radius - distance) / pen.blur) - _step((-radius - distance) / pen.blur)
        smallest = min(smallest, float(((pen.ink * coverage.reshape(len(seen.ink), -1).mean(axis=1) - seen.ink) ** 2).sum()))
    return smallest


def _distances(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Distances (n - 1, m) of points (m, 2) from the straight pieces of a polyline (n, 2)."""
    run = np.diff(line, axis=0)
    away = points[None] - line[:-1, None]
    along = (away @ run[..., None])[..., 0] / np.maximum((run**2).sum(axis=1), 1e-12)[:, None]
    return np.asarray(np.hypot(*np.moveaxis(away - np.clip(along, 0.0, 1.0)[..., None] * run[:, None], 2, 0)))


def _step(u: np.ndarray) -> np.ndarray:
    """Share of a soft edge's ink, from 0 at u = -1 to 1 at u = 1: `fastecg.kernels.fit.step` for arrays."""
    rest = 1.0 - np.minimum(np.abs(u), 1.0)
    return np.asarray(np.where(u < 0.0, 0.5 * rest**2, 1.0 - 0.5 * rest**2))


def start_delay_mm(overhangs: Sequence[Overhang], start_sd_mm: float, to_line_mm: tuple[float, float] | None = None) -> float:
    """Posterior mean of what has to be added to the start of time, mm to the right, given the grid and the ends of rows.

    A longer cap lengthens both ends equally, while a later start lengthens the right end and shortens the left. Rows may also end early.

    Parameters
    ----------
    overhangs : sequence of Overhang
    start_sd_mm : float
        Standard deviation of the start before this estimate.
    to_line_mm : (float, float), optional
        Smallest and largest delay that may put the start on the nearest 5 mm line; None if no 5 mm lines are seen.
    """
    left, right = (np.array([getattr(item, side) for item in overhangs]) for side in ("left_mm", "right_mm"))
    left, right = left[np.isfinite(left)], right[np.isfinite(right)]
    # `likely` is the density over delays in mm (rows) and caps (columns) in radii of the pen beyond a round cap, apart from a factor.
    late = np.arange(-_MOST_MM, _MOST_MM + _FINE_MM / 2, _FINE_MM)[:, None]
    cap = np.arange(*_CAP_RANGE, 0.02)[None]
    likely = _normal(late, start_sd_mm) + _FAR * _normal(late, _START_FAR * start_sd_mm)
    if to_line_mm is not None:
        likely = likely * _on_lines(late, to_line_mm)
    if not len(left) + len(right):
        return float((likely * late).sum() / likely.sum())
    radius = float(np.median([item.radius_mm for item in overhangs]))
    soft = _SOFT * float(np.median([item.soft_mm for item in overhangs])) / radius
    likely = likely * (_OTHER_CAP + sum(prior * _normal(cap - radii, np.hypot(sd, soft)) for radii, prior, sd in _CAPS))
    if len(left):
        likely = likely * (_STRAY / _RANGE_MM + _normal(cap * radius - late - np.median(left), _sd(left)))
    if len(right):
        off, sd = cap * radius + late - np.median(right), _sd(right)
        # Ink that ends anywhere from 0 to `_EARLIEST_MM` too far left is equally likely.
        early = ((off > 0.0) & (off < _EARLIEST_MM)) / _EARLIEST_MM
        likely = likely * (_STRAY / _RANGE_MM + (1.0 - _EARLY) * _normal(off, sd) + _EARLY * early)
    return float((likely * late).sum() / likely.sum())


def _on_lines(delay_mm: np.ndarray, to_line_mm: tuple[float, float]) -> np.ndarray:
    """Factor by which the grid changes the prior density of `delay_mm`, given `to_line_mm` of `start_delay_mm`."""
    from scipy.special import ndtr

    low, high = to_line_mm[0] - _FINE_MM, to_line_mm[1] + _FINE_MM
    out = np.full(delay_mm.shape, 1.0 - _ON_LINE - _ON_FINE_LINE)
    fine_known = high - low < _KNOWN_MM
    for prior, apart_mm in ((_ON_LINE, FIVE_MM), (_ON_FINE_LINE, 1.0)) if fine_known else ((_ON_LINE, FIVE_MM),):
        nearest = apart_mm * np.rint((low + high) / 2 / apart_mm)
        # A delay from `low - nearest` to `high - nearest` may put the start on the nearest line. `out` gets the density of starts on this
        # line, relative to that of starts anywhere between two lines.
        within = ndtr((delay_mm + nearest - low) / _LINE_SD_MM) - ndtr((delay_mm + nearest - high) / _LINE_SD_MM)
        out += prior * apart_mm * within / (high - low)
    return out


def _normal(off: np.ndarray, sd: float) -> np.ndarray:
    """Density at `off` of the normal distribution with mean 0 and standard deviation `sd`."""
    return np.asarray(np.exp(-0.5 * (off / sd) ** 2) / (sd * np.sqrt(2.0 * np.pi)))


def _sd(ends: np.ndarray) -> float:
    """Standard deviation of the median of ends (n,), mm. The fewer ends, the larger is its minimum, since they may share an error."""
    spread = 1.5 * float(np.median(np.abs(ends - np.median(ends)))) / np.sqrt(len(ends))
    return float(np.hypot(np.hypot(_LEAST_SD_MM, _FEW_SD_MM / len(ends)), spread))
