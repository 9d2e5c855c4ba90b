"""Fitting a polyline to its ink: Gauss-Newton with the stroke model of `fastecg.kernels.fit`.

The unknowns are the knots' voltages, in px along the page's vertical where the knot is, at known times. A prior on second differences
keeps them apart where the ink cannot (two knots in one pixel); it is weak where the trace bends much, as a QRS complex does. From a
rough start the stroke is first soft and the prior stiff, then both are relaxed; the pen's width, ink and softness are found on the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.kernels.fit import BAND, normal_equations


@dataclass(frozen=True)
class Stage:
    """One step of the annealing: stiffness of the prior, points a pixel, how far stray ink pulls (px), most iterations."""

    stiffness: float
    taps: int
    far: float
    rounds: int
    blur: float = 0.0  # half width of the stroke's soft edge, px; 0 to find it together with the pen


STAGES = (
    Stage(0.3, 1, 60.0, 6, 2.0),
    Stage(0.1, 1, 60.0, 6, 1.4),
    Stage(0.03, 1, 40.0, 6, 1.0),
    Stage(0.015, 2, 10.0, 8, 0.7),
    Stage(0.01, 2, 4.0, 10),
    Stage(0.005, 3, 0.0, 10),
)

_BEND_PX = 1.0  # second differences beyond this are signal rather than noise
_MOST_PX = 4.0  # a knot's step
_LEAST = 1e-6  # stiffness of every knot: long runs that only the prior holds are singular to rounding otherwise


@dataclass
class Pen:
    """How a trace is inked: factor of the nominal width, ink inside the stroke (0 to 1), half width of its soft edge in px."""

    width: float = 1.0
    ink: float = 1.0
    blur: float = 0.7


@dataclass(frozen=True, eq=False)
class Stroke:
    """What to fit: the ink, and how the knots lie in it.

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
        """Positions (n, 2) px of the knots, and how they move, (n, 2) px per unit."""
        place = np.clip(heights / self.step, 0.0, len(self.curves) - 1.0)
        below = np.minimum(place.astype(int), len(self.curves) - 2)
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
    """A fitted polyline: unknowns (n,), their standard deviation (n,), the pen, and the mean square of what is left over."""

    heights: np.ndarray
    sd: np.ndarray
    pen: Pen
    residual: float


def fit_stroke(stroke: Stroke, start: np.ndarray, stages: tuple[Stage, ...] = STAGES) -> Fit:
    """Fit the knots to the ink from a rough start (n,)."""
    search = _Search(stroke, start)
    for stage in stages:
        search.run(stage)
    return search.result()


class _Search:
    """The state of a fit: Levenberg-Marquardt, whose damping grows when a step makes things worse."""

    def __init__(self, stroke: Stroke, start: np.ndarray) -> None:
        self.stroke = stroke
        self.heights = np.array(start, dtype=np.float64)
        self.pen = Pen()
        size = len(start)
        self.bands, self.right, self.by_pen = np.empty((BAND + 1, size)), np.empty(size), np.empty((3, 4))
        self.misfit = np.inf

    def run(self, stage: Stage) -> None:
        """Iterate at one stiffness and softness until nothing moves."""
        from scipy.linalg import solveh_banded

        if stage.blur:
            self.pen.blur = stage.blur
        damping, objective = 1e-3, self._linearise(stage)
        for _ in range(stage.rounds):
            before = self.heights, self.bands.copy(), self.right.copy(), self.misfit
            weights = self._weights(stage)
            bands = self.bands + _prior_bands(weights, len(self.heights))
            bands[0] += damping + _LEAST
            pull = self.right - _transposed(weights * _second(self.heights))
            move = np.clip(solveh_banded(bands, pull, lower=True), -_MOST_PX, _MOST_PX)
            self.heights = self.heights + move
            found = self._linearise(stage)
            if found > objective * (1 + 1e-9):
                self.heights, self.bands, self.right, self.misfit = before
                damping = 8 * damping + 1e-3
                continue
            damping *= 0.3
            if not stage.blur or stage.stiffness < 0.05:
                self._adjust_pen(free_blur=not stage.blur)
                found = self._linearise(stage)
            settled = objective - found < 1e-4 * objective and np.abs(move).max() < 0.02
            objective = found
            if settled:
                break

    def result(self) -> Fit:
        """What was found, with the standard deviation that the normal equations give."""
        from scipy.linalg import cholesky_banded

        pixels = max(int((self.stroke.ink > 0.02).sum()), 1)
        variance = self.misfit / pixels
        bands = self.bands + _prior_bands(self._weights(Stage(0.005, 1, 0.0, 0)), len(self.heights))
        bands[0] += _LEAST
        factor = cholesky_banded(bands, lower=True)
        return Fit(self.heights, np.sqrt(variance * _inverse_diagonal(factor)), self.pen, variance)

    def _linearise(self, stage: Stage) -> float:
        """Fill in the normal equations at the present knots; return what is minimised."""
        pen = self.pen
        points, along = self.stroke.knots(self.heights)
        self.misfit = normal_equations(
            self.stroke.ink, points, along, self.stroke.radius * pen.width, pen.ink, pen.blur, stage.taps, stage.far,
            self.bands, self.right, self.by_pen,
        )  # fmt: skip
        return self.misfit + stage.stiffness * _BEND_PX**2 * float(np.log1p((_second(self.heights) / _BEND_PX) ** 2).sum())

    def _weights(self, stage: Stage) -> np.ndarray:
        """Of the squares of second differences: those of a Cauchy prior, weak where the trace bends much."""
        return stage.stiffness / (1.0 + (_second(self.heights) / _BEND_PX) ** 2)

    def _adjust_pen(self, free_blur: bool) -> None:
        size = 3 if free_blur else 2
        normal = self.by_pen[:size, :size] + np.triu(self.by_pen[:size, :size], 1).T
        normal += 1e-4 * np.trace(normal) * np.eye(size)
        change = np.clip(np.linalg.solve(normal, self.by_pen[:size, 3]), -0.1, 0.1)
        self.pen.width = float(np.clip(self.pen.width * (1 + change[0]), 0.3, 3.0))
        self.pen.ink = float(np.clip(self.pen.ink + change[1], 0.2, 1.5))
        if free_blur:
            self.pen.blur = float(np.clip(self.pen.blur + change[2], 0.15, 3.0))


def _second(values: np.ndarray) -> np.ndarray:
    """Second differences, (n - 2,)."""
    return values[:-2] - 2.0 * values[1:-1] + values[2:]


def _transposed(bends: np.ndarray) -> np.ndarray:
    """The transpose of `_second`, (n,)."""
    out = np.zeros(len(bends) + 2)
    out[:-2] += bends
    out[1:-1] -= 2.0 * bends
    out[2:] += bends
    return out


def _prior_bands(weights: np.ndarray, size: int) -> np.ndarray:
    """Lower diagonals of the weighted squares of second differences."""
    bands = np.zeros((BAND + 1, size))
    bands[0, :-2] += weights
    bands[0, 1:-1] += 4.0 * weights
    bands[0, 2:] += weights
    bands[1, :-2] -= 2.0 * weights
    bands[1, 1:-1] -= 2.0 * weights
    bands[2, :-2] += weights
    return bands


def _inverse_diagonal(factor: np.ndarray) -> np.ndarray:
    """Diagonal (n,) of the inverse of L L', where `factor` holds the lower diagonals of L."""
    from fastecg.kernels.fit import inverse_diagonal

    out = np.empty(factor.shape[1])
    inverse_diagonal(factor, out)
    return out
