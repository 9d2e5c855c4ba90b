"""`FittedWarp`: a smooth map between picture and page, fitted to points of the grid that were found in the picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fastecg.errors import ImageError

#: In a picture that was not turned or bent after it was drawn, upright and level lines drift by at most this many px from end to end.
TURNED_PX = 0.15

_ROUNDS = 12  # Largest number of iterations of Newton's method, which start from `FittedWarp.plane`.
_CLOSE = 1e-9  # Newton's method ends if no error is above this, mm.
_STIFF = (1e3, 1e2, 1e1, 1e0, 1e-1, 1e-2)  # Stiffnesses that are tried. The default of `fit_warp` is softer than all of them.
_WORSE = 1.6  # Largest ratio of the residuals of an accepted warp to those of the softest one, which also follows the noise of points.
_ALLOWED_MM = 0.001  # Amount that is added to `_WORSE` times the residuals of the softest warp.
_SENSELESS_MM = 0.5  # If the median residual of the softest warp is larger, the points that it was fitted to belong to no grid.
# Points of a grid that was drawn on whole pixels deviate from an affine map by half a pixel at most, and by less if averaged over a window.
# Deviations are along x or y, whichever is larger, in px of the input picture.
_ROUNDED_PX = 0.36  # Largest median deviation of the points.
_ROUNDED_MOST_PX = 0.8  # Points that deviate by more do not belong to the grid.
_ROUNDED_SHARE = 0.9  # Minimum share of points that belong to the grid.
_SEEN = 0.15  # Minimum width and height of the area of the grid's points, as a share of the picture's.
_NODES = 12  # Number of evenly spaced positions along each axis of the picture that a straight warp is fitted to.
_ROUNDS_SURE = 3  # Number of fits, after each of which outliers are given smaller weights or left out.
_ROUNDS_DOUBTFUL = 10  # `_ROUNDS_SURE` if one point in ten may be an outlier.
_TYPICAL = 0.5  # Quantile of the residuals that describes the fit to most points.
_WORST = 0.9  # Quantile of the residuals that describes the fit to the worst points.


@dataclass(frozen=True, eq=False)
class FittedWarp:
    """The map from pixels to page points (mm) as bicubic B-splines, and its inverse.

    Attributes
    ----------
    size : (int, int)
        Height and width of the picture.
    coefficients : ndarray, shape (columns, rows, 2)
        Coefficients of the splines.
    origin : (float, float)
        Pixel (x, y) at which the first knot interval begins.
    step : float
        Distance of knots, px.
    plane : ndarray, shape (3, 2)
        The best affine map from page mm to px, ``[x, y, 1] @ plane``, from which the inversion of the map starts.
    """

    size: tuple[int, int]
    coefficients: np.ndarray
    origin: tuple[float, float]
    step: float
    plane: np.ndarray

    @cached_property
    def scale(self) -> float:
        """Scale in px/mm by `plane`: the root of the area in px² of 1 mm² of the page."""
        return float(np.sqrt(abs(np.linalg.det(self.plane[:2]))))

    def inverse(self, points_px: np.ndarray) -> np.ndarray:
        """Page points (…, 2) mm that are seen at pixel positions (…, 2)."""
        return self._evaluated(points_px)[0].reshape(np.shape(points_px))

    def forward(self, points_mm: np.ndarray) -> np.ndarray:
        """Pixel positions (…, 2) of page points (…, 2) mm, by Newton's method."""
        wanted = np.asarray(points_mm, dtype=np.float64).reshape(-1, 2)
        pixels = np.column_stack([wanted, np.ones(len(wanted))]) @ self.plane
        for _ in range(_ROUNDS):
            found, gradients = self._evaluated(pixels)
            error = wanted - found
            if not (np.abs(error) > _CLOSE).any():
                break
            pixels = pixels + _solved(gradients, error)
        return pixels.reshape(np.shape(points_mm))

    def moved(self, by_mm: tuple[float, float]) -> FittedWarp:
        """The same map with page coordinates that are larger by `by_mm` (x, y)."""
        shift = np.asarray(by_mm, dtype=np.float64)
        plane = self.plane.copy()
        plane[2] -= shift @ plane[:2]
        return FittedWarp(self.size, self.coefficients + shift, self.origin, self.step, plane)

    def _evaluated(self, points_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Page points (n, 2) mm at pixel positions, and the derivatives (n, 2, 2) of page x and of page y along x and y, mm per px."""
        from fastecg.kernels.demodulate import spline_values

        points = np.ascontiguousarray(points_px, dtype=np.float64).reshape(-1, 2)
        values, gradients = np.empty_like(points), np.empty((len(points), 2, 2))
        spline_values(points, self.coefficients, self.origin, self.step, values, gradients)
        return values, gradients


def smoothest_warp(points_px: np.ndarray, points_mm: np.ndarray, size: tuple[int, int], *, doubtful: bool = False) -> FittedWarp:
    """The stiffest warp that fits page points (n, 2) mm, found at pixel positions (n, 2), about as well as a soft one.

    For a flat sheet, an affine map is enough, and averages the noise of all points. On a crumpled sheet, the warp has to follow the points.
    If points are `doubtful`, one in ten may be an outlier, and warps are compared by their median residual alone.
    """
    rounds = _ROUNDS_DOUBTFUL if doubtful else _ROUNDS_SURE
    soft = fit_warp(points_px, points_mm, size, rounds=rounds)
    compared = slice(0, 1) if doubtful else slice(0, 2)
    soft_mm = residuals_mm(soft, points_px, points_mm)
    if soft_mm[0] > _SENSELESS_MM:  # The points do not lie on a sheet of paper, and further fits would take long.
        return soft
    best = soft
    stiffer, softer = 0, len(_STIFF)  # `_STIFF[:stiffer]` are too stiff, `_STIFF[softer:]` are not.
    while stiffer < softer:
        tried = (stiffer + softer) // 2
        warp = fit_warp(points_px, points_mm, size, stiffness=_STIFF[tried], rounds=rounds)
        if (residuals_mm(warp, points_px, points_mm) <= _WORSE * soft_mm + _ALLOWED_MM)[compared].all():
            best, softer = warp, tried
        else:
            stiffer = tried + 1
    return best


def straight_warp(points_px: np.ndarray, points_mm: np.ndarray, size: tuple[int, int], pixel_px: float) -> FittedWarp | None:
    """The warp of a picture that a program drew, with upright and level lines.

    None if the picture was turned or bent after it was drawn, or if the points cover too little of it.

    Programs round every line of a grid to whole pixels, but not the traces. A soft warp would follow this rounding by some tenths of a
    pixel, while a straight one does not. A picture that is not turned at all was not scanned or photographed.

    Parameters
    ----------
    points_px, points_mm : ndarray, shape (n, 2)
        Points of the grid in the picture and on the page.
    size : (int, int)
        Height and width of the picture.
    pixel_px : float
        Size of a pixel of the input picture, in pixels of `points_px`.
    """
    plane = _affine(points_px, points_mm)  # From px to mm, unlike `FittedWarp.plane`.
    terms = np.column_stack([points_px, np.ones(len(points_px))])
    for _ in range(_ROUNDS_SURE):
        fitted_mm = terms @ plane
        px_per_mm = 1.0 / float(np.sqrt(abs(np.linalg.det(plane[:2]))))
        off_px = np.abs(fitted_mm - points_mm).max(axis=1) * px_per_mm / pixel_px
        near = off_px < _ROUNDED_MOST_PX
        if near.mean() < _ROUNDED_SHARE:
            return None
        plane = _affine(points_px[near], points_mm[near])
    # Width and height of the area of the points. The grid may cover only part of the picture, for instance if every lead has its own grid.
    extent_px = np.ptp(points_px[near], axis=0)
    # By how many px of the input picture upright lines drift over the height of this area, and level ones over its width.
    turned_px = np.abs([plane[1, 0] * extent_px[1], plane[0, 1] * extent_px[0]]) * px_per_mm / pixel_px
    small = (extent_px < _SEEN * np.array(size[::-1])).any()
    if small or turned_px.max() > TURNED_PX or np.quantile(off_px, _TYPICAL) > _ROUNDED_PX:
        return None
    # Lines are taken to be exactly upright and level, since an angle measured with noise would cause large errors far from the points.
    along, down = (np.polyfit(points_px[near, axis], points_mm[near, axis], 1) for axis in (0, 1))
    nodes = np.array([[x, y] for x in np.linspace(0, size[1], _NODES) for y in np.linspace(0, size[0], _NODES)])
    return fit_warp(nodes, np.column_stack([np.polyval(along, nodes[:, 0]), np.polyval(down, nodes[:, 1])]), size, stiffness=_STIFF[0])


def residuals_mm(warp: FittedWarp, points_px: np.ndarray, points_mm: np.ndarray) -> np.ndarray:
    """Median and 90 % quantile of the distances in mm of page points (n, 2) from the page points that `warp` gives for pixels (n, 2)."""
    return np.quantile(np.hypot(*(warp.inverse(points_px) - points_mm).T), (_TYPICAL, _WORST))


def fit_warp(
    points_px: np.ndarray,
    points_mm: np.ndarray,
    size: tuple[int, int],
    *,
    step_px: float = 32.0,
    stiffness: float = 1e-3,
    tolerance_mm: float = 0.02,
    rounds: int = _ROUNDS_SURE,
) -> FittedWarp:
    """Fit splines to page points (n, 2) mm found at pixel positions (n, 2), robustly against outliers (Geman-McClure weights).

    Parameters
    ----------
    size : (int, int)
        Height and width of the picture.
    step_px : float
        Distance of knots.
    stiffness : float
        Weight of a squared second difference of coefficients, relative to the squared error of a point.
    tolerance_mm : float
        Points with errors larger than this, or than three times the median error if that is larger, have clearly less weight.
    rounds : int
        Number of fits. After each, the weights of points for the next are computed from their errors.
    """
    columns, rows = (int(np.ceil((n - 1) / step_px)) + 3 for n in (size[1], size[0]))
    stiff = _stiffness_bands(columns, rows, stiffness)
    plane = _affine(points_mm, points_px)
    weights = np.ones(len(points_px))
    warp = None
    for _ in range(rounds):
        coefficients = _solve(points_px, points_mm, weights, step_px, (columns, rows), stiff)
        warp = FittedWarp(size, coefficients, (0.0, 0.0), step_px, plane)
        error = np.hypot(*(warp.inverse(points_px) - points_mm).T)
        error_scale = max(tolerance_mm, 3 * float(np.median(error)))
        weights = 1.0 / (1.0 + (error / error_scale) ** 2) ** 2
    assert warp is not None
    return warp


def _solve(
    points: np.ndarray, values: np.ndarray, weights: np.ndarray, step: float, shape: tuple[int, int], stiff: np.ndarray
) -> np.ndarray:
    """Coefficients (columns, rows, 2) of the splines that fit weighted points best. `stiff` is from `_stiffness_bands`."""
    from scipy.linalg import solveh_banded

    from fastecg.kernels.demodulate import spline_normal

    columns, rows = shape
    bands, right = stiff.copy(), np.zeros((columns * rows, 2))
    spline_normal(np.ascontiguousarray(points, dtype=np.float64), values, weights, (0.0, 0.0), step, rows, bands, right)
    return np.ascontiguousarray(solveh_banded(bands, right, lower=True).reshape(columns, rows, 2))


def _stiffness_bands(columns: int, rows: int, stiffness: float) -> np.ndarray:
    """Lower diagonals of the matrix of the squared second differences of the coefficients along both axes, times `stiffness`.

    Coefficients are numbered column by column. `bands[d, i]` is the element for coefficients i and i + d.
    """
    bands = np.zeros((3 * rows + 4, columns * rows))
    index = np.arange(columns * rows).reshape(columns, rows)
    for ends, middles, gap in ((index[:, :-2], index[:, 1:-1], 1), (index[:-2], index[1:-1], rows)):
        first, middle = ends.ravel(), middles.ravel()
        # (a - 2 b + c)² = a² + 4 b² + c² - 4 a b - 4 b c + 2 a c. Half of each mixed term stands below the diagonal.
        bands[0, first] += stiffness
        bands[0, middle] += 4 * stiffness
        bands[0, middle + gap] += stiffness
        bands[gap, first] -= 2 * stiffness
        bands[gap, middle] -= 2 * stiffness
        bands[2 * gap, first] += stiffness
    bands[0] += 1e-9 * stiffness  # So that the equations can be solved where there are no points.
    return bands


def _affine(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The affine map (3, 2) from points (n, 2) to other points (n, 2) that fits best."""
    if len(source) < 3 or not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ImageError("the lines of the grid do not hang together, expected lines or dots every millimetre over most of the page")
    return np.linalg.lstsq(np.column_stack([source, np.ones(len(source))]), target, rcond=None)[0]


def _solved(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solutions (n, 2) of systems of equations with matrices (n, 2, 2) and right sides (n, 2), by Cramer's rule; 0 if singular."""
    a, b, c, d = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 0], matrices[:, 1, 1]
    determinant = a * d - b * c
    determinant = np.where(np.abs(determinant) > 1e-12, determinant, np.inf)
    return np.stack([(d * right[:, 0] - b * right[:, 1]) / determinant, (a * right[:, 1] - c * right[:, 0]) / determinant], axis=1)
