"""Fitting a polyline to its ink: Gauss-Newton with the stroke model of `fastecg.kernels.fit`.

The unknowns are the knots' voltages, in px along the page's vertical where the knot is, at known times. A prior on second differences
keeps them apart where the ink cannot (two knots in one pixel); it is weak where the trace bends much, as a QRS complex does. From a
rough start the stroke is first soft and the prior stiff, then both are relaxed; the pen's width, ink and softness are found on the way.
The loops are in `fastecg.kernels.descend`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.kernels.descend import LEAST, add_prior, descend, factor
from fastecg.kernels.fit import BAND, draw_stroke, inverse_diagonal


@dataclass(frozen=True)
class Stage:
    """One stage of the annealing.

    Attributes
    ----------
    stiffness : float
        Of the prior on second differences.
    samples_per_px : int
        Points of the stroke's model in one px.
    attract_px : float
        Reach within which ink off the stroke attracts it.
    max_iter : int
    blur : float
        Half width of the stroke's soft edge, px; 0 to fit it together with the pen.
    rel_tol : float
        The stage ends early when an iteration reduces the residual by less than this share.
    """

    stiffness: float
    samples_per_px: int
    attract_px: float
    max_iter: int
    blur: float = 0.0
    rel_tol: float = 0.02


# The first stages are stiff and blurred, so that a rough start finds the ink; the last ones follow it.
STAGES = (
    Stage(0.3, 1, 60.0, 6, 2.0),
    Stage(0.1, 1, 60.0, 4, 1.4),
    Stage(0.03, 1, 40.0, 4, 1.0),
    Stage(0.015, 2, 10.0, 6, rel_tol=0.01),
    Stage(0.005, 3, 0.0, 10, rel_tol=0.001),
)

_STIFFNESS = 0.005  # Stiffness of the prior under which the standard deviations are computed.
_PEN_FROM = 0.05  # Below this stiffness the pen is fitted too; above, the stroke is too soft to tell its width.
_SHARP = 0.5  # Half width in px of the soft edge of a stroke that is not blurred: that of pixels.
_THIN = 0.1  # Quantile of the ink of columns that is the pen's width: columns where the trace is level.


@dataclass
class FittedPen:
    """Parameters of the pen: factor of the nominal width, ink inside the stroke (0 to 1), half width of its soft edge in px."""

    width: float = 1.0
    ink: float = 1.0
    blur: float = 0.7


@dataclass(frozen=True, eq=False)
class StrokeProblem:
    """The data of a fit: the ink, and how the knots lie in it.

    Attributes
    ----------
    ink : ndarray, shape (height, width) float32
        Coverage 0 to 1; NaN where nothing is known.
    curves : ndarray, shape (heights, n, 2)
        Where knot k is, px, at unknowns ``step * (0, 1, 2, …)``: the page's verticals as the picture shows them. NaN where the pen is
        lifted: such a knot follows its neighbours.
    step : float
    radius : float
        Half the nominal pen, px.
    """

    ink: np.ndarray
    curves: np.ndarray
    step: float
    radius: float

    def knots(self, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions (n, 2) px of the knots, and their derivatives, (n, 2) px per unit."""
        position = np.clip(heights / self.step, 0.0, len(self.curves) - 1.0)
        below = np.minimum(position.astype(int), len(self.curves) - 2)
        every = np.arange(len(heights))
        start = self.curves[below, every]
        along = self.curves[below + 1, every] - start
        return start + (heights / self.step - below)[:, None] * along, along / self.step

    def ink_at(self, heights: np.ndarray) -> np.ndarray:
        """The ink (n,) under the knots; 0 outside the picture and where the pen is lifted."""
        from scipy.ndimage import map_coordinates

        points = np.nan_to_num(self.knots(heights)[0], nan=-9.0)
        return np.asarray(map_coordinates(self.ink, [points[:, 1], points[:, 0]], order=1, mode="constant"))


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted polyline: unknowns (n,), their standard deviations (n,), the pen, and the mean squared residual."""

    heights: np.ndarray
    sd: np.ndarray
    pen: FittedPen
    residual: float


def fit_stroke(stroke: StrokeProblem, start: np.ndarray, stages: tuple[Stage, ...] = STAGES) -> Fit:
    """Fit the knots to the ink from a rough start (n,)."""
    heights, size = np.array(start, dtype=np.float64), len(start)
    seen = np.asfortranarray(stroke.ink, dtype=np.float32)  # it is read column by column
    curves = np.ascontiguousarray(stroke.curves, dtype=np.float64)
    pen, misfit = np.array([_pen_width(seen, stroke.radius), 1.0, 0.7]), 0.0
    bands, right = np.zeros((BAND + 1, size)), np.zeros(size)

    def fit(stage: Stage, ink: np.ndarray) -> float:
        pen[2] = stage.blur or pen[2]
        free = 3 if not stage.blur else 2 if stage.stiffness < _PEN_FROM else 0
        return float(
            descend(
                ink, curves, float(stroke.step), float(stroke.radius), stage.stiffness,
                stage.samples_per_px, stage.attract_px, stage.max_iter, stage.rel_tol,
                free, heights, pen, bands, right,
            )
        )  # fmt: skip

    for stage in stages:
        misfit = fit(stage, seen)
    if pen[2] > _SHARP:
        # Once more, to the ink as it would be if blur did what the stroke's model says.
        misfit = fit(stages[-1], seen - rounding(stroke, heights, FittedPen(*pen.tolist()), stages[-1].samples_per_px))
    variance = misfit / max(int((stroke.ink > 0.02).sum()), 1)
    return Fit(heights, np.sqrt(variance * _variances(bands, heights)), FittedPen(*pen.tolist()), variance)


def rounding(stroke: StrokeProblem, heights: np.ndarray, pen: FittedPen, samples_per_px: int) -> np.ndarray:
    """Ink (height, width) that blur adds to a stroke, or takes from it, compared with the model of `fastecg.kernels.fit`.

    The model lets ink fall off with the distance from the nearest segment. That is what blur makes of a straight stroke; but it also
    shortens tips, rounds corners and fills the gap between the flanks of a narrow spike.
    """
    from scipy.ndimage import gaussian_filter

    points, radius = stroke.knots(heights)[0], stroke.radius * pen.width
    modelled, sharp = (np.zeros(stroke.ink.shape, dtype=np.float32, order="F") for _ in range(2))
    draw_stroke(points, radius, pen.blur, samples_per_px, modelled)
    draw_stroke(points, radius, _SHARP, samples_per_px, sharp)
    # A soft edge is the integral of a triangle, whose variance is a sixth of its half width's square.
    blurred = gaussian_filter(sharp, np.sqrt((pen.blur**2 - _SHARP**2) / 6.0))
    return np.asarray(np.float32(pen.ink) * (blurred - modelled))


def _pen_width(ink: np.ndarray, radius: float) -> float:
    """A first guess of the pen's width, as a factor of the nominal: the ink of columns where the trace is level."""
    mass = np.nansum(ink, axis=0)
    mass = mass[mass > 0.5 * radius]
    return float(np.clip(np.quantile(mass, _THIN) / (2 * radius), 0.3, 3.0)) if mass.size else 1.0


def _variances(bands: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Diagonal (n,) of the inverse of J'J, the ink's `bands` and the prior."""
    size = len(heights)
    matrix, out = np.empty((size + BAND, BAND + 1)), np.empty(size)
    add_prior(bands, heights, _STIFFNESS, LEAST, matrix, np.zeros(size))
    factor(matrix)
    inverse_diagonal(np.ascontiguousarray(matrix[:size].T), out)
    return out
