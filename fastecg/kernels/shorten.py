"""Compute how much less of the table bent paper covers than flat paper."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def foreshorten(height, step, steepest, radius, lost):
    """Set lost (rows, columns) to the integral along rows of 1 - sqrt(1 - slope²), zero in the middle column.

    `height` has steps of `step` mm along rows, three at least; slopes are limited to `steepest`. The losses are smoothed across rows by two
    box means over 2 * radius + 1 rows (a triangle, at a quarter of a Gaussian's cost), with the outermost rows repeated.
    """
    rows, columns = height.shape
    first, second, last = np.empty((rows, columns)), np.empty((rows, columns)), columns - 1
    for i in range(rows):
        first[i, 0] = _lost(height[i, 0], height[i, 1], step, steepest)
        for j in range(1, last):
            first[i, j] = _lost(height[i, j - 1], height[i, j + 1], 2 * step, steepest)
        first[i, last] = _lost(height[i, last - 1], height[i, last], step, steepest)
    # Neighbouring rows of a sheet hold each other: without the means, each row would shift on its own.
    _box_mean(first, radius, second)
    _box_mean(second, radius, first)
    for i in range(rows):
        lost[i, 0] = 0.0
        for j in range(1, columns):
            lost[i, j] = lost[i, j - 1] + 0.5 * step * (first[i, j] + first[i, j - 1])
        # The middle column stays in place. A shift of the whole row does not matter, because the view places the page.
        middle = lost[i, columns // 2]
        for j in range(columns):
            lost[i, j] -= middle


@jit
def _lost(before, after, apart, steepest):
    """Share of its length that a stretch loses by its slope."""
    slope = (after - before) / apart
    return 1.0 - np.sqrt(1.0 - min(slope * slope, steepest * steepest))


@jit
def _box_mean(values, radius, out):
    """Mean over 2 * radius + 1 rows, the outermost repeated, by running sums."""
    rows, columns = values.shape
    total = np.zeros(columns)
    for k in range(-radius, radius + 1):
        total += values[min(max(k, 0), rows - 1)]
    for i in range(rows):
        # Running sums: the cost does not depend on the radius.
        comes, goes = min(i + radius + 1, rows - 1), max(i - radius, 0)
        for j in range(columns):
            out[i, j] = total[j] / (2 * radius + 1)
            total[j] += values[comes, j] - values[goes, j]


@jit
def remaining_shear(height, step_x, step_y, lost_x, lost_y, along_rows, along_columns):
    """Means, along_rows (rows,) and along_columns (columns,), of the shear that two losses of length leave.

    It is slope_x * slope_y - d lost_x / dy - d lost_y / dx.
    """
    rows, columns = height.shape
    shear, last, zero = np.empty(columns), columns - 1, np.int64(0)
    along_rows[:] = 0.0
    along_columns[:] = 0.0
    for i in range(rows):
        up, down = max(i - 1, 0), min(i + 1, rows - 1)
        tall = (down - up) * step_y
        shear[0] = _shear(height, lost_x, lost_y, i, up, down, zero, zero, zero + 1, step_x, tall)
        # Inner columns have a loop of their own, so that it is compiled to vector code.
        for j in range(1, last):
            shear[j] = _shear(height, lost_x, lost_y, i, up, down, j, j - 1, j + 1, 2 * step_x, tall)
        shear[last] = _shear(height, lost_x, lost_y, i, up, down, last, last - 1, last, step_x, tall)
        for j in range(columns):
            along_rows[i] += shear[j] / columns
        for j in range(columns):
            along_columns[j] += shear[j] / rows


@jit
def _shear(height, lost_x, lost_y, i, up, down, j, left, right, wide, tall):
    """Shear at a node, from its neighbours."""
    shear = (height[i, right] - height[i, left]) * (height[down, j] - height[up, j]) / (wide * tall)
    return shear - ((lost_x[down, j] - lost_x[up, j]) / tall + (lost_y[i, right] - lost_y[i, left]) / wide)
