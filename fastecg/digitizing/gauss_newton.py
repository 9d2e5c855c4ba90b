"""Fit a polyline to its ink by least squares, with the stroke model of `fastecg.kernels.fit`.

The times of the knots are known. The unknowns are their heights, in px downwards along the page's vertical at each knot. Where the ink does
not determine the heights, as for two knots within one pixel, a prior on the second differences of the heights does. The prior is weak where
the trace bends sharply, as in a QRS complex. The heights at the start are rough, so in the first stages the stroke is soft and the prior
strong; in later stages the stroke is sharper and the prior weaker. Later stages fit the width, ink and blur of the pen as well. The loops
are in `fastecg.kernels.descend`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fastecg.kernels.descend import RIDGE, add_prior, descend, factor
from fastecg.kernels.fit import BAND, draw_stroke, inverse_diagonal, knot_radii


@dataclass(frozen=True)
class Stage:
    """One stage of the fit.

    Attributes
    ----------
    stiffness : float
        Weight of the prior on second differences (px) relative to squared differences of coverage.
    samples_per_px : int
        Number of points per px, along x and along y, at which the stroke's ink is evaluated.
    attract_px : float
        Ink outside the stroke attracts the stroke from up to this distance; 0 for no attraction.
    max_iter : int
        Maximum number of iterations.
    blur : float
        Half width of the stroke's soft edge in px; 0 if it is fitted together with the pen.
    rel_tol : float
        The stage ends with a successful iteration that reduces the cost by less than this share.
    thins : bool
        Whether it is fitted how much narrower the pen's stroke is where the pen moves fast.
    """

    stiffness: float
    samples_per_px: int
    attract_px: float
    max_iter: int
    blur: float = 0.0
    rel_tol: float = 0.02
    thins: bool = False


# The first stages have stiff and soft strokes, which find their ink from a rough start. The last ones follow every detail of the ink.
STAGES = (
    Stage(0.3, 1, 60.0, 6, 2.0),
    Stage(0.1, 1, 60.0, 4, 1.4),
    Stage(0.03, 1, 40.0, 4, 1.0),
    Stage(0.015, 2, 10.0, 6, rel_tol=0.01),
    Stage(0.005, 3, 0.0, 10, rel_tol=0.001),
)

_STIFFNESS = 0.005  # Weight of the prior with which the standard deviations are computed.
# Stages with a fixed blur fit the pen's width and ink only if their stiffness is less than this. In stiffer ones, the stroke is too soft to
# show its width. Stages without a fixed blur fit width, ink and blur.
_PEN_BELOW = 0.05
_SHARP_PX = 0.5  # Half width of the soft edge of a stroke that is not blurred.
# The columns with least ink are those where the trace is level, and there the ink is as high as the pen is wide. So the ink in a column
# is measured, and its quantile over the columns is taken for the pen's width.
_LEVEL_QUANTILE = 0.1
_FAST = 4.0  # Slope at which a pen loses half of the width that it loses where it is fastest.
_FAST_PX = 1.5  # Standard deviation, along x, of the weights by which a slope is averaged.
_FLANK_SAMPLES = 1  # Knots at most this many away from a steep knot count as equally steep.


@dataclass
class FittedPen:
    """The pen as it was fitted.

    Attributes
    ----------
    width : float
        Width as a multiple of the nominal one.
    ink : float
        Coverage inside the stroke, about 1.
    blur : float
        Half width of the stroke's soft edge, px.
    thin : float
        Share of the width that is lost where the pen is fastest.
    """

    width: float = 1.0
    ink: float = 1.0
    blur: float = 0.7
    thin: float = 0.0


@dataclass(frozen=True, eq=False)
class StrokeProblem:
    """The data of a fit: the ink, and the curves on which the knots move.

    Attributes
    ----------
    ink : ndarray, shape (height, width) float32
        Coverage 0 to 1; NaN in pixels that are left out.
    curves : ndarray, shape (heights, n, 2)
        Position (x, y) in px of every knot at the heights ``step * (0, 1, 2, …)``: the page's verticals as the picture shows them,
        downwards. Beyond its ends a curve continues straight. At a knot whose curve is NaN the pen is lifted, and the height of this knot
        depends on the other knots alone.
    step : float
        Distance of the heights in `curves`, px.
    radius : float
        Half the nominal width of the pen, px.
    """

    ink: np.ndarray
    curves: np.ndarray
    step: float
    radius: float

    def knots(self, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions (n, 2) of the knots in px, and their derivatives (n, 2) with respect to the heights."""
        position = np.clip(heights / self.step, 0.0, len(self.curves) - 1.0)
        below = np.minimum(position.astype(int), len(self.curves) - 2)
        every = np.arange(len(heights))
        start = self.curves[below, every]
        along = self.curves[below + 1, every] - start
        return start + (heights / self.step - below)[:, None] * along, along / self.step

    def ink_at(self, heights: np.ndarray) -> np.ndarray:
        """The ink (n,) under the knots; 0 outside the picture and where the pen is lifted, NaN in and beside pixels that are left out."""
        from scipy.ndimage import map_coordinates

        points = np.nan_to_num(self.knots(heights)[0], nan=-9.0)
        return np.asarray(map_coordinates(self.ink, [points[:, 1], points[:, 0]], order=1, mode="constant"))


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted polyline: heights (n,) in px, their standard deviations (n,) in px, the pen, and the squared residual per pixel with ink."""

    heights: np.ndarray
    sd: np.ndarray
    pen: FittedPen
    residual: float


def fit_stroke(stroke: StrokeProblem, start: np.ndarray, stages: tuple[Stage, ...] = STAGES) -> Fit:
    """Fit the heights of the knots and the pen to the ink, from rough heights `start` (n,) in px."""
    return fit_from_best(stroke, {stages: start})


def fit_from_best(stroke: StrokeProblem, starts: Mapping[tuple[Stage, ...], np.ndarray]) -> Fit:
    """Fit the heights of the knots and the pen to the ink, from the best of several starts.

    Parameters
    ----------
    stroke : StrokeProblem
    starts : mapping of tuple of Stage to ndarray, shape (n,)
        Stages of each fit, and the rough heights in px from which it starts. The last two stages are the same for all starts. The last
        stage, which takes most of the time, runs once, from the fit whose residual was smallest after the stage before.
    """
    observed = np.asfortranarray(stroke.ink, dtype=np.float32)  # The kernel reads it column by column.
    curves = np.ascontiguousarray(stroke.curves, dtype=np.float64)
    width, size = _guess_pen_width(observed, stroke.radius), stroke.curves.shape[1]
    bands, right, still = np.zeros((BAND + 1, size)), np.zeros(size), np.zeros(size)

    def fit(stage: Stage, ink: np.ndarray, heights: np.ndarray, pen: np.ndarray) -> float:
        pen[2] = stage.blur or pen[2]
        # Number of parameters of the pen that are fitted: all four, or all but the last, or width and ink, or none.
        free = 3 + stage.thins if not stage.blur else 2 if stage.stiffness < _PEN_BELOW else 0
        fast = how_fast(stroke.knots(heights)[0]) if stage.thins else still
        return float(
            descend(
                ink, curves, float(stroke.step), float(stroke.radius), fast, stage.stiffness, stage.samples_per_px,
                stage.attract_px, stage.max_iter, stage.rel_tol,
                free, heights, pen, bands, right,
            )
        )  # fmt: skip

    least, heights, pen = np.inf, np.empty(size), np.empty(4)
    for stages, start in starts.items():
        # The parameters of the pen are in the order of `FittedPen`: width, ink, blur, thin.
        tried, its_pen, misfit = np.array(start, dtype=np.float64), np.array([width, 1.0, 0.7, 0.0]), 0.0
        for stage in stages[:-1]:
            misfit = fit(stage, observed, tried, its_pen)
        if misfit < least:
            least, heights, pen = misfit, tried, its_pen
    last = next(iter(starts))[-1]
    misfit = fit(last, observed, heights, pen)
    if pen[2] > _SHARP_PX:
        # The last stage is repeated on the ink minus `blur_correction`, so that blur is right at tips and corners, too.
        rounded = blur_correction(stroke, heights, FittedPen(*pen.tolist()), last.samples_per_px)
        misfit = fit(last, observed - rounded, heights, pen)
    variance = misfit / max(int((stroke.ink > 0.02).sum()), 1)
    return Fit(heights, np.sqrt(variance * _variances(bands, heights)), FittedPen(*pen.tolist()), variance)


def blur_correction(stroke: StrokeProblem, heights: np.ndarray, pen: FittedPen, samples_per_px: int) -> np.ndarray:
    """Ink (height, width) of a stroke that was drawn sharp and then blurred, minus that of the model in `fastecg.kernels.fit`.

    In the model, ink decreases with the distance from the nearest segment. This is right for a straight stroke. But blur also shortens the
    tips of spikes, rounds corners and fills the gap between the flanks of a narrow spike.
    """
    from scipy.ndimage import gaussian_filter

    points = stroke.knots(heights)[0]
    radii = knot_radii(stroke.radius * pen.width, how_fast(points), pen.thin)
    modelled, sharp = (np.zeros(stroke.ink.shape, dtype=np.float32, order="F") for _ in range(2))
    draw_stroke(points, radii, pen.blur, samples_per_px, modelled)
    draw_stroke(points, radii, _SHARP_PX, samples_per_px, sharp)
    # A soft edge is the integral of a triangle, whose variance is a sixth of the square of its half width.
    blurred = gaussian_filter(sharp, np.sqrt((pen.blur**2 - _SHARP_PX**2) / 6.0))
    return np.asarray(np.float32(pen.ink) * (blurred - modelled))


def how_fast(points: np.ndarray) -> np.ndarray:
    """How fast a pen moves at each knot of a polyline (n, 2) px, 0 to 1 (n,); 0 far from any line.

    It is one half where the pen moves up and down `_FAST` times as far as it moves to the right, summed over a short part of the line.
    """
    from scipy.ndimage import gaussian_filter1d

    moves = np.pad(np.abs(np.nan_to_num(np.diff(points, axis=0))), ((1, 1), (0, 0)))
    run, rise = (moves[1:] + moves[:-1]).T  # Of both segments at each knot.
    step = float(np.median(run[run > 0.0])) / 2.0 if (run > 0.0).any() else 1.0
    run, rise = (gaussian_filter1d(values, _FAST_PX / step) for values in (run, rise))
    return np.asarray(rise**2 / np.maximum(rise**2 + (_FAST * run) ** 2, 1e-12))


def steepness(heights: np.ndarray, step: float) -> np.ndarray:
    """Factor (n,), at least 1, by which a distance along the vertical exceeds the same distance across a trace.

    `heights` (n,) of the trace and `step`, the distance of its knots along x, have the same unit. A knot counts as at least as steep as the
    knots beside it, so that the tip of a spike is as steep as its flanks.
    """
    from scipy.ndimage import maximum_filter1d

    slope = np.abs(np.gradient(np.nan_to_num(heights), step)) if len(heights) > 1 else np.zeros(len(heights))
    return np.asarray(np.hypot(1.0, maximum_filter1d(slope, 2 * _FLANK_SAMPLES + 1)))


def _guess_pen_width(ink: np.ndarray, radius: float) -> float:
    """First guess of the pen's width as a multiple (0.3 to 3) of the nominal one, by the columns with least ink; 1 without ink."""
    mass = np.nansum(ink, axis=0)
    mass = mass[mass > 0.5 * radius]
    return float(np.clip(np.quantile(mass, _LEVEL_QUANTILE) / (2 * radius), 0.3, 3.0)) if mass.size else 1.0


def _variances(bands: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Variances (n,) of the heights if the residuals have variance 1: the diagonal of the inverse of the sum of J'J and the prior.

    J is the Jacobian of the ink's residuals with respect to the heights. `bands` holds J'J, see `add_prior`.
    """
    size = len(heights)
    matrix, out = np.empty((size + BAND, BAND + 1)), np.empty(size)
    add_prior(bands, heights, _STIFFNESS, RIDGE, matrix, np.zeros(size))
    factor(matrix)
    inverse_diagonal(np.ascontiguousarray(matrix[:size].T), out)
    return out
