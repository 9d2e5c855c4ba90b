"""Levenberg-Marquardt for the knots of a stroke: the loop round `fastecg.kernels.fit.normal_equations`, and its banded solver."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.fit import BAND, normal_equations
from fastecg.kernels.jit import jit

BEND_PX = 1.0  # Second differences above this are signal rather than noise.
LEAST = 1e-6  # Stiffness of every knot: otherwise long runs that only the prior holds are numerically singular.
_MOST_PX = 4.0  # Largest step of a knot.
_MOST_PEN = 0.2  # Largest step of the pen's width (relative), ink and blur.
_DAMPING = 0.03  # Damping of the first step, relative to the diagonal.
_LEAST_DAMPING = 1e-5  # Smallest damping.


@jit
def descend(ink, curves, step, radius, stiffness, samples_per_px, attract_px, max_iter, rel_tol, free, heights, pen, bands, right):
    """Minimise over knots and pen: at most `max_iter` steps, until one gains less than the share `rel_tol`.

    The damping follows how well the last step's gain was foretold (Nielsen); a step that makes things worse is taken back.

    Parameters
    ----------
    ink : (height, width) float32
        Observed coverage, 0 to 1; NaN where nothing is known. Columns contiguous in memory are read fastest.
    curves, step : (heights, n, 2) float64, float
        Where knots run, see `knot_positions`.
    radius : float
        Half the nominal pen, px.
    stiffness : float
        Of the prior, see `add_prior`.
    samples_per_px, attract_px : int, float
        See `normal_equations`.
    max_iter, rel_tol : int, float
        When to stop.
    free : int
        How many of the pen's numbers move, 0 to 3.
    heights : (n,) float64
        Unknowns of the knots, in and out.
    pen : (3,) float64
        Factor of the radius, ink, blur; in and out.
    bands, right : (BAND + 1, n), (n,) float64
        Out: J'J and J'r at the end, of the ink alone.

    Returns
    -------
    float
        The ink's part of what is minimised.
    """
    size = len(heights)
    points, along, by_pen = np.empty((size, 2)), np.empty((size, 2)), np.empty((3, 4))
    matrix, gradient = np.empty((size + BAND, BAND + 1)), np.empty(size)
    knot_positions(curves, step, heights, points, along)
    # Levenberg-Marquardt rather than plain Gauss-Newton: between two knots in one pixel the matrix is nearly singular.
    misfit = normal_equations(ink, points, along, radius * pen[0], pen[1], pen[2], samples_per_px, attract_px, bands, right, by_pen)
    cost = misfit + bending(heights, stiffness)
    damping, growth, pen_moves = _DAMPING, 2.0, free > 0
    for _ in range(max_iter):
        old_heights, old_bands, old_right, old_pen, old_by_pen = heights.copy(), bands.copy(), right.copy(), pen.copy(), by_pen.copy()
        gradient[:] = right
        add_prior(bands, heights, stiffness, damping + LEAST, matrix, gradient)
        hoped = _move(matrix, gradient, damping, heights)
        if pen_moves:
            move_pen(by_pen, free, pen)
        knot_positions(curves, step, heights, points, along)
        found = normal_equations(ink, points, along, radius * pen[0], pen[1], pen[2], samples_per_px, attract_px, bands, right, by_pen)
        gain = cost - found - bending(heights, stiffness)
        if not gain >= -1e-9 * cost:
            heights[:], bands[:], right[:], pen[:], by_pen[:] = old_heights, old_bands, old_right, old_pen, old_by_pen
            damping, growth, pen_moves = damping * growth, 2.0 * growth, False
            continue
        damping *= max(1.0 / 3.0, 1.0 - (2.0 * gain / max(hoped, 1e-12) - 1.0) ** 3)
        damping, growth, pen_moves = max(damping, _LEAST_DAMPING), 2.0, free > 0
        misfit, cost = found, cost - gain
        if gain < rel_tol * cost:
            break
    return misfit


@jit
def knot_positions(curves, step, heights, points, along):
    """Where knots are: `points` (n, 2) px, and `along` (n, 2), how they move in px per unit, at their unknowns `heights` (n,).

    Knot k runs along ``curves[:, k]`` (heights, n, 2), whose points lie at unknowns ``step * (0, 1, 2, …)``; beyond, it goes on straight.
    """
    for k in range(len(heights)):
        at = heights[k] / step
        below = min(int(max(at, 0.0)), len(curves) - 2)
        for axis in range(2):
            start = curves[below, k, axis]
            run = curves[below + 1, k, axis] - start
            points[k, axis] = start + (at - below) * run
            along[k, axis] = run / step


@jit
def bending(heights, stiffness):
    """The prior's part of what is minimised: second differences are taken to follow a Cauchy distribution."""
    total = 0.0
    for k in range(len(heights) - 2):
        bend = heights[k] - 2.0 * heights[k + 1] + heights[k + 2]
        total += math.log1p((bend / BEND_PX) ** 2)
    return stiffness * BEND_PX * BEND_PX * total


@jit
def add_prior(bands, heights, stiffness, damping, matrix, gradient):
    """Fill `matrix` with J'J of ink, prior and damping, and add the prior's part to `gradient` (n,), J'r.

    `bands` (BAND + 1, n) and `matrix` (n + BAND, BAND + 1) hold lower diagonals: ``bands[j, k]`` and ``matrix[k, j]`` between knots k and
    k + j. The prior's squares of second differences count the less, the larger they are.
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
    """Cholesky in place: ``matrix[k, j]``, between k and k + j, becomes that of the lower triangle L.

    `matrix` (n + width - 1, width): the last width - 1 rows are room that spares asking where the end is.
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
def _move(matrix, gradient, damping, heights):
    """Move the knots by the solution of the normal equations, at most by `_MOST_PX`; returns the predicted gain."""
    move, hoped = gradient.copy(), 0.0
    factor(matrix)
    solve(matrix, move)
    for k in range(len(heights)):
        change = min(max(move[k], -_MOST_PX), _MOST_PX)
        heights[k] += change
        hoped += change * (gradient[k] + damping * change)
    return hoped


@jit
def move_pen(by_pen, free, pen):
    """Move the first `free` parameters of the pen (3,) by their normal equations (3, 4), limited by a common factor."""
    matrix, change, trace = np.zeros((2 * free - 1, free)), np.empty(free), 0.0
    for i in range(free):
        trace += by_pen[i, i]
    for i in range(free):
        change[i] = by_pen[i, 3]
        for j in range(i, free):
            matrix[i, j - i] = by_pen[i, j]
        matrix[i, 0] += 1e-4 * trace
    factor(matrix)
    solve(matrix, change)
    # Each cut on its own would no longer fit the others: a thinner pen has darker ink or a sharper edge.
    change *= min(_MOST_PEN / max(np.abs(change).max(), 1e-12), 1.0)
    pen[0] = min(max(pen[0] * (1.0 + change[0]), 0.3), 3.0)
    pen[1] = min(max(pen[1] + change[1], 0.2), 1.5)
    if free > 2:
        pen[2] = min(max(pen[2] + change[2], 0.15), 3.0)
