"""The Levenberg-Marquardt method for the knots of a stroke, with a solver for banded matrices.

The normal equations of the ink come from `fastecg.kernels.fit.normal_equations`.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.fit import BAND, normal_equations
from fastecg.kernels.jit import jit

BEND_PX = 1.0  # Second differences (px) above this are taken to be signal, and smaller ones to be noise.
RIDGE = 1e-6  # Added to the diagonal of J'J, because the matrix would be nearly singular where several neighbouring knots have no ink.
_MAX_STEP_PX = 4.0  # Largest change of a knot's height in one iteration.
_MAX_PEN_STEP = 0.2  # Largest change of the pen's radius (relative), ink (1 is full coverage) and blur (px) in one iteration.
_DAMPING = 0.03  # Added to the diagonal of J'J in the first iteration.
_MIN_DAMPING = 1e-5  # The damping does not become smaller than this.


@jit
def descend(ink, curves, step, radius, fast, stiffness, samples_per_px, attract_px, max_iter, rel_tol, free, heights, pen, bands, right):
    """Minimise the cost, which is the squared residual of the ink plus the prior (`bending_cost`), over the knots' heights and the pen.

    The damping is adapted to the ratio of the actual to the predicted decrease of the cost, as by Nielsen (1999). A step that increases the
    cost is undone, and then the pen is kept until a step succeeds.

    Parameters
    ----------
    ink : (height, width) float32
        Observed coverage, 0 to 1; NaN in pixels that are left out. It is read fastest if its columns are contiguous in memory.
    curves, step : (heights, n, 2) float64, float
        The curves on which the knots move, see `knot_positions`, and the distance of the curves' points in px of height.
    radius : float
        Half the nominal width of the pen, px.
    fast : (n,) float64
        How fast the pen moves at each knot, see `normal_equations`.
    stiffness : float
        Weight of the prior, see `add_prior`.
    samples_per_px, attract_px : int, float
        See `normal_equations`.
    max_iter, rel_tol : int, float
        Iterations end after `max_iter`, or with a step that succeeds and reduces the cost by less than the share `rel_tol`.
    free : int
        Number of the parameters in `pen`, from the first on, that are fitted: 0, 2, 3 or 4.
    heights : (n,) float64
        Heights of the knots in px, changed in place.
    pen : (4,) float64
        The pen, see `normal_equations`, changed in place.
    bands, right : (BAND + 1, n), (n,) float64
        Output: J'J and J'r of the ink at the minimum, see `normal_equations`.

    Returns
    -------
    float
        The ink's part of the cost at the minimum, which includes the cost of stray ink.
    """
    size = len(heights)
    points, along, by_pen = np.empty((size, 2)), np.empty((size, 2)), np.empty((4, 5))
    border = np.empty((4, size))
    matrix, gradient = np.empty((size + BAND, BAND + 1)), np.empty(size)
    knot_positions(curves, step, heights, points, along)
    misfit = normal_equations(ink, points, along, radius, fast, pen, samples_per_px, attract_px, bands, right, border, by_pen)
    cost = misfit + bending_cost(heights, stiffness)
    # Steps are damped, because the matrix is nearly singular where two knots lie in one pixel.
    damping, growth, pen_moves = _DAMPING, 2.0, free > 0
    for _ in range(max_iter):
        old_heights, old_bands, old_right = heights.copy(), bands.copy(), right.copy()
        old_pen, old_border, old_by_pen = pen.copy(), border.copy(), by_pen.copy()
        gradient[:] = right
        add_prior(bands, heights, stiffness, damping + RIDGE, matrix, gradient)
        predicted = move_stroke(matrix, gradient, damping, border, by_pen, free if pen_moves else 0, heights, pen)
        knot_positions(curves, step, heights, points, along)
        new_misfit = normal_equations(ink, points, along, radius, fast, pen, samples_per_px, attract_px, bands, right, border, by_pen)
        gain = cost - new_misfit - bending_cost(heights, stiffness)
        if not gain >= -1e-9 * cost:
            heights[:], bands[:], right[:], pen[:] = old_heights, old_bands, old_right, old_pen
            border[:], by_pen[:] = old_border, old_by_pen
            damping, growth, pen_moves = damping * growth, 2.0 * growth, False
            continue
        damping *= max(1.0 / 3.0, 1.0 - (2.0 * gain / max(predicted, 1e-12) - 1.0) ** 3)
        damping, growth, pen_moves = max(damping, _MIN_DAMPING), 2.0, free > 0
        misfit, cost = new_misfit, cost - gain
        if gain < rel_tol * cost:
            break
    return misfit


@jit
def knot_positions(curves, step, heights, points, along):
    """Compute the positions `points` (n, 2) of knots in px, and their derivatives `along` (n, 2) with respect to `heights` (n,).

    `curves` is (heights, n, 2). Knot k moves along ``curves[:, k]``, which gives its position (x, y) at the heights
    ``step * (0, 1, 2, …)``. Beyond both ends the curve continues straight.
    """
    for k in range(len(heights)):
        place = heights[k] / step
        index = min(int(max(place, 0.0)), len(curves) - 2)
        for axis in range(2):
            start = curves[index, k, axis]
            change = curves[index + 1, k, axis] - start
            points[k, axis] = start + (place - index) * change
            along[k, axis] = change / step


@jit
def bending_cost(heights, stiffness):
    """The prior's part of the cost: the negative logarithm, up to a factor, of a Cauchy distribution of second differences."""
    total = 0.0
    for k in range(len(heights) - 2):
        bend = heights[k] - 2.0 * heights[k + 1] + heights[k + 2]
        total += math.log1p((bend / BEND_PX) ** 2)
    return stiffness * BEND_PX * BEND_PX * total


@jit
def add_prior(bands, heights, stiffness, damping, matrix, gradient):
    """Fill `matrix` with the sum of J'J of the ink, that of the prior, and the damping; add the prior's part of J'r to `gradient` (n,).

    `bands` (BAND + 1, n) and `matrix` (n + BAND, BAND + 1) hold lower diagonals: ``bands[j, k]`` and ``matrix[k, j]`` are the element of
    knots k and k + j. In the prior, the weight of a squared second difference decreases as the difference grows.
    """
    size = len(heights)
    matrix[:] = 0.0
    for j in range(len(bands)):
        for k in range(size):
            matrix[k, j] = bands[j, k]
    for k in range(size):
        matrix[k, 0] += damping
    for k in range(size - 2):
        bend = heights[k] - 2.0 * heights[k + 1] + heights[k + 2]
        weight = stiffness / (1.0 + (bend / BEND_PX) ** 2)
        # The product of the row (1, -2, 1), the derivatives of `bend`, with itself, and with the residual -bend.
        matrix[k, 0] += weight
        matrix[k, 1] -= 2.0 * weight
        matrix[k, 2] += weight
        matrix[k + 1, 0] += 4.0 * weight
        matrix[k + 1, 1] -= 2.0 * weight
        matrix[k + 2, 0] += weight
        gradient[k] -= weight * bend
        gradient[k + 1] += 2.0 * weight * bend
        gradient[k + 2] -= weight * bend


@jit
def factor(matrix):
    """Cholesky decomposition in place: ``matrix[k, j]``, the element of k and k + j, becomes L[k + j, k], L being lower triangular.

    `matrix` has the shape (n + width - 1, width). Its last width - 1 rows are scratch, so that the inner loop needs no check for the end.
    """
    width = matrix.shape[1]
    for k in range(len(matrix) - width + 1):
        matrix[k] /= math.sqrt(max(matrix[k, 0], 1e-30))
        for j in range(1, width):
            share = matrix[k, j]
            if share != 0.0:
                for i in range(j, width):
                    matrix[k + j, i - j] -= share * matrix[k, i]


@jit
def solve(matrix, right):
    """Solve L L' x = `right` (n,) in place, with L from `factor`."""
    size, width = len(right), matrix.shape[1]
    for k in range(size):
        right[k] /= matrix[k, 0]
        for j in range(1, min(width, size - k)):
            right[k + j] -= matrix[k, j] * right[k]
    for k in range(size - 1, -1, -1):
        for j in range(1, min(width, size - k)):
            right[k] -= matrix[k, j] * right[k + j]
        right[k] /= matrix[k, 0]


@jit
def move_stroke(matrix, gradient, damping, border, by_pen, free, heights, pen):
    """Move the knots and the first `free` parameters of the pen by the solution of the normal equations of both.

    `matrix` and `gradient` are the equations of the knots, `by_pen` those of the pen, and `border` couples them, see `normal_equations`. A
    knot moves by at most `_MAX_STEP_PX`. Returns the predicted decrease of the cost.
    """
    move, predicted = gradient.copy(), 0.0
    factor(matrix)
    solve(matrix, move)
    if free:
        # Without the knots, which follow the pen, the equations of the pen are those of their Schur complement.
        follow, alone = border[:free].copy(), by_pen.copy()
        for p in range(free):
            solve(matrix, follow[p])
            alone[p, 4] -= (border[p] * move).sum()
            for q in range(p, free):
                alone[p, q] -= (border[q] * follow[p]).sum()
        before = pen.copy()
        move_pen(alone, free, pen)
        for p in range(free):
            change = pen[p] / before[p] - 1.0 if p == 0 else pen[p] - before[p]
            predicted += change * by_pen[p, 4]
            move -= change * follow[p]
    for k in range(len(heights)):
        change = min(max(move[k], -_MAX_STEP_PX), _MAX_STEP_PX)
        heights[k] += change
        predicted += change * (gradient[k] + damping * change)
    return predicted


@jit
def move_pen(by_pen, free, pen):
    """Change the first `free` parameters, 2 to 4, of the pen (4,) by the solution of their normal equations `by_pen` (4, 5).

    All changes are multiplied by one factor, so that the largest of them is at most `_MAX_PEN_STEP`. Then the parameters are limited: the
    factor of the radius to 0.3 to 3, the ink to 0.2 to 1.5, the blur to 0.15 to 3 px, and the share of the radius that is lost where the
    pen is fast to 0 to 0.5. A ten-thousandth of the diagonal's sum is added to the diagonal before the equations, which may be singular,
    are solved.
    """
    matrix, change, trace = np.zeros((2 * free - 1, free)), np.empty(free), 0.0
    for i in range(free):
        trace += by_pen[i, i]
    for i in range(free):
        change[i] = by_pen[i, 4]
        for j in range(i, free):
            matrix[i, j - i] = by_pen[i, j]
        matrix[i, 0] += 1e-4 * trace
    factor(matrix)
    solve(matrix, change)
    # The changes are not limited one by one, because they belong together: a thinner pen has darker ink or a sharper edge.
    change *= min(_MAX_PEN_STEP / max(np.abs(change).max(), 1e-12), 1.0)
    pen[0] = min(max(pen[0] * (1.0 + change[0]), 0.3), 3.0)
    pen[1] = min(max(pen[1] + change[1], 0.2), 1.5)
    if free > 2:
        pen[2] = min(max(pen[2] + change[2], 0.15), 3.0)
    if free > 3:
        pen[3] = min(max(pen[3] + change[3], 0.0), 0.5)
