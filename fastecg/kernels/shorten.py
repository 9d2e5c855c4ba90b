"""Compute how much shorter bent paper is, seen from straight above, than flat paper."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel


@jit
def foreshorten(height, step, steepest, radius, lost):
    """Set `lost` (rows, columns), in mm, to the integral of 1 - sqrt(1 - slope²) along rows, from the middle column.

    `height` (rows, columns) is in mm, and its columns, at least three, are `step` mm of paper apart. The slope is the rise per mm of paper,
    limited to `steepest`, below 1. The integrand is smoothed across rows by two box means over 2 * radius + 1 rows, with the outermost rows
    repeated. Together the two means have triangular weights, which takes a quarter of the time of a Gaussian.
    """
    rows, columns = height.shape
    losses, scratch, last = np.empty((rows, columns)), np.empty((rows, columns)), columns - 1
    for i in range(rows):
        losses[i, 0] = _lost(height[i, 0], height[i, 1], step, steepest)
        for j in range(1, last):
            losses[i, j] = _lost(height[i, j - 1], height[i, j + 1], 2 * step, steepest)
        losses[i, last] = _lost(height[i, last - 1], height[i, last], step, steepest)
    # Neighbouring rows of nodes are one piece of paper; without the means, each row would shift independently.
    _box_mean(losses, radius, scratch)
    _box_mean(scratch, radius, losses)
    for i in range(rows):
        lost[i, 0] = 0.0
        for j in range(1, columns):
            lost[i, j] = lost[i, j - 1] + 0.5 * step * (losses[i, j] + losses[i, j - 1])
        # The middle column stays in place; left of it the result is negative. Where the whole page lies does not matter, because
        # the view places it.
        middle = lost[i, columns // 2]
        for j in range(columns):
            lost[i, j] -= middle


@subkernel
def _lost(before, after, apart, steepest):
    """Share of its length that a piece of paper loses by its slope, from the heights at its ends, between which are `apart` mm of paper."""
    slope = (after - before) / apart
    return 1.0 - np.sqrt(1.0 - min(slope * slope, steepest * steepest))


@subkernel
def _box_mean(values, radius, out):
    """Fill `out` with means over 2 * radius + 1 rows, the outermost rows repeated."""
    rows, columns = values.shape
    total = np.zeros(columns)
    for k in range(-radius, radius + 1):
        total += values[min(max(k, 0), rows - 1)]
    for i in range(rows):
        # Running sums take the same time for any radius.
        entering, leaving = min(i + radius + 1, rows - 1), max(i - radius, 0)
        for j in range(columns):
            out[i, j] = total[j] / (2 * radius + 1)
            total[j] += values[entering, j] - values[leaving, j]


@jit
def remaining_shear(height, step_x, step_y, lost_x, lost_y, along_rows, along_columns):
    """Write the mean shear of each row to `along_rows` (rows,), and of each column to `along_columns` (columns,).

    The shear is slope_x * slope_y - d lost_x / dy - d lost_y / dx: what remains if nodes are moved by the losses `lost_x` and `lost_y` of
    `foreshorten` along both axes. `height`, `lost_x` and `lost_y` (rows, columns) are in mm, and nodes are `step_x` and `step_y` mm apart.
    """
    rows, columns = height.shape
    shear, last, zero = np.empty(columns), columns - 1, np.int64(0)
    along_rows[:] = 0.0
    along_columns[:] = 0.0
    for i in range(rows):
        up, down = max(i - 1, 0), min(i + 1, rows - 1)
        span_y = (down - up) * step_y
        shear[0] = _shear(height, lost_x, lost_y, i, up, down, zero, zero, zero + 1, step_x, span_y)
        # Inner columns have a separate loop, so that it is compiled to vector code.
        for j in range(1, last):
            shear[j] = _shear(height, lost_x, lost_y, i, up, down, j, j - 1, j + 1, 2 * step_x, span_y)
        shear[last] = _shear(height, lost_x, lost_y, i, up, down, last, last - 1, last, step_x, span_y)
        for j in range(columns):
            along_rows[i] += shear[j] / columns
        for j in range(columns):
            along_columns[j] += shear[j] / rows


@subkernel
def _shear(height, lost_x, lost_y, i, up, down, j, left, right, span_x, span_y):
    """Shear at node (i, j), from neighbours in rows `up` and `down` (`span_y` mm apart) and columns `left` and `right` (`span_x` mm)."""
    shear = (height[i, right] - height[i, left]) * (height[down, j] - height[up, j]) / (span_x * span_y)
    return shear - ((lost_x[down, j] - lost_x[up, j]) / span_y + (lost_y[i, right] - lost_y[i, left]) / span_x)
