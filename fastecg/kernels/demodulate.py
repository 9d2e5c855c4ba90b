"""Follow the phase of a printed grid over a picture, as a radio follows its carrier, and fit splines to it."""

from __future__ import annotations

import heapq
import math

import numpy as np

from fastecg.kernels.jit import jit, subkernel

_TURN = 2.0 * math.pi  # Radians of one turn of the phase.
_ROWS_AT_ONCE = 4  # Number of rows of pixels that are added up together.
_MOST_STRETCH = 1.7  # Perspective and bent paper change the spacing of lines between the seed and a node by less than this factor.


@jit
def demodulate(plane, x, y, u, v, gradient, sigma, out):
    """Measure how far the grid around pixel (x, y) is from lines at whole numbers of u and v, in a Gaussian window of `sigma` px.

    u and v are the expected numbers of lines from some origin to (x, y), along x and y, and `gradient` (2, 2) holds du/dx, du/dy and
    dv/dx, dv/dy. For u, then v, `out` (2, 4) gets: the strength of the wave (the absolute mean, weighted by the window, of the plane times
    the conjugate wave), and what has to be added to u or v, in turns, and to its gradient along x and along y, in turns per px.
    """
    # The window ends at 2.5 standard deviations, where it has fallen to 4 %: pixels farther away change little.
    radius = math.ceil(2.5 * sigma)
    height, width = plane.shape
    window = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    left, top = max(x - radius, 0), max(y - radius, 0)
    columns, rows = min(x + radius + 1, width) - left, min(y + radius + 1, height) - top
    # A wave in a window is the product of a wave along x and one along y. For each there are four arrays; see `_waves`.
    waves_x, waves_y = np.empty((2, 4, columns)), np.zeros((2, 4, rows + _ROWS_AT_ONCE))
    for axis in range(2):
        _waves(u if axis == 0 else v, gradient[axis, 1], top - y, window, waves_y[axis, :, :rows])
        _waves(0.0, gradient[axis, 0], left - x, window, waves_x[axis])
    # The factor along y is one number for a row of pixels, so no wave is evaluated at single pixels.
    sums = np.zeros((8, columns))  # Sums over each column of the plane times the waves along y.
    for j in range(0, rows, _ROWS_AT_ONCE):
        one, two = plane[top + j, left : left + columns], plane[top + min(j + 1, rows - 1), left : left + columns]
        three, four = plane[top + min(j + 2, rows - 1), left : left + columns], plane[top + min(j + 3, rows - 1), left : left + columns]
        for k in range(8):
            weight = waves_y[k // 4, k % 4, j : j + _ROWS_AT_ONCE]  # The weights of rows below the window are 0.
            _add_rows(one, two, three, four, weight[0], weight[1], weight[2], weight[3], sums[k])
    window_sum = _window_sum(window, top - y, rows) * _window_sum(window, left - x, columns)
    for axis in range(2):
        wave_x, column_sums = waves_x[axis], sums[4 * axis : 4 * axis + 4]
        total, moment_x, moment_y = 0.0j, 0.0j, 0.0j
        for i in range(columns):
            column, wave = complex(column_sums[0, i], column_sums[1, i]), complex(wave_x[0, i], wave_x[1, i])
            total += column * wave
            moment_x += column * complex(wave_x[2, i], wave_x[3, i])
            moment_y += complex(column_sums[2, i], column_sums[3, i]) * wave
        # The mean offset, weighted by the plane times the wave, is 0 if the gradient is right. If the gradient has to be increased by d
        # turns per px, the mean is 2 pi i d sigma² in a Gaussian window.
        magnitude = abs(total)
        out[axis, 0] = magnitude / max(window_sum, 1e-12)
        out[axis, 1] = math.atan2(total.imag, total.real) / _TURN
        out[axis, 2] = (moment_x / total).imag / (_TURN * sigma * sigma) if magnitude > 0.0 else 0.0
        out[axis, 3] = (moment_y / total).imag / (_TURN * sigma * sigma) if magnitude > 0.0 else 0.0


@subkernel
def _waves(phase, slope, first, window, out):
    """Write the conjugate of a wave times the window to `out` (4, n): its real and imaginary part, and both times the offset.

    `phase` is that of the wave at the window's middle, in turns, and `slope` its increase per pixel. Offsets are distances in px from the
    window's middle and begin with `first`.
    """
    phase += slope * first
    wave = complex(math.cos(_TURN * phase), -math.sin(_TURN * phase))
    rotation = complex(math.cos(_TURN * slope), -math.sin(_TURN * slope))
    for k in range(out.shape[1]):
        offset = first + k
        part = window[abs(offset)] * wave
        out[0, k], out[1, k] = part.real, part.imag
        out[2, k], out[3, k] = offset * part.real, offset * part.imag
        # A product per pixel takes less time than a sine and cosine; over some hundred steps its error stays below 1e-13.
        wave *= rotation


@subkernel
def _add_rows(one, two, three, four, a, b, c, d, out):
    """Add four weighted rows to `out` in a loop that is compiled to vector instructions."""
    for i in range(len(out)):
        out[i] += (a * one[i] + b * two[i]) + (c * three[i] + d * four[i])


@subkernel
def _window_sum(window, first, count):
    """The sum of the window along one axis over `count` offsets from `first` on."""
    total = 0.0
    for k in range(first, first + count):
        total += window[abs(k)]
    return total


@jit
def follow(plane, spacing, sigma, seed, gradient, weakest, positions, gradients, strengths):
    """Follow the grid from the node `seed` (row, column) outward, always from the node with the strongest waves.

    Node (row, column) is the pixel ``spacing * (column, row)``. `positions` (rows, columns, 2) gets u and v (see `demodulate`), counted
    from the lines nearest to the seed, NaN where no grid was found; `gradients` (rows, columns, 2, 2) their gradients per px; and
    `strengths` (rows, columns) the strength of the weaker of the two waves, 0 where no grid was found. `gradient` (2, 2) is a first guess
    for the seed. A grid counts as found at a node if both waves have at least `weakest` times the seed's entry in `strengths`, and the
    distance between lines is similar to that of `gradient`. The seed itself always counts.
    """
    rows, columns = strengths.shape
    positions[:] = np.nan
    strengths[:] = 0.0
    found = np.empty((2, 4))
    visited = np.zeros((rows, columns), np.bool_)
    positions[seed[0], seed[1]] = 0.0
    gradients[seed[0], seed[1]] = gradient
    # The seed gets six corrections, and other nodes two, because these start from a gradient that is already nearly right.
    least = weakest * _correct_node(plane, seed[0], seed[1], spacing, sigma, positions, gradients, found, 6)
    # The strongest node is taken first, so that a faint or overprinted region is reached from the side where lines are counted reliably.
    queue = [(-1.0, seed[0], seed[1])]
    visited[seed[0], seed[1]] = True
    strengths[seed[0], seed[1]] = least / weakest
    while len(queue):
        _, row, column = heapq.heappop(queue)
        for k in range(4):  # The neighbours above, to the left, below and to the right.
            i, j = row + (k - 1) * (k % 2 == 0), column + (k - 2) * (k % 2 == 1)
            if i < 0 or j < 0 or i >= rows or j >= columns or visited[i, j]:
                continue
            visited[i, j] = True
            for axis in range(2):
                slope = gradients[row, column, axis]
                positions[i, j, axis] = positions[row, column, axis] + spacing * (slope[0] * (j - column) + slope[1] * (i - row))
            gradients[i, j] = gradients[row, column]
            strength = _correct_node(plane, i, j, spacing, sigma, positions, gradients, found, 2)
            if strength < least or _spacing_differs(gradients[i, j], gradient):
                positions[i, j] = np.nan
                continue
            strengths[i, j] = strength
            heapq.heappush(queue, (-strength, i, j))


@subkernel
def _spacing_differs(found, seed):
    """Whether the spacing of lines in u or v differs from that expected at the seed by a factor of `_MOST_STRETCH` or more, either way.

    Such a spacing is taken for a multiple or a fraction of the grid's. `found` and `seed` are gradients (2, 2) of u and v;
    `seed` is the first guess from which `follow` starts.
    """
    for axis in range(2):
        found_per_px = math.hypot(found[axis, 0], found[axis, 1])  # Lines per px, across the lines.
        seed_per_px = math.hypot(seed[axis, 0], seed[axis, 1])
        if not seed_per_px / _MOST_STRETCH < found_per_px < seed_per_px * _MOST_STRETCH:
            return True
    return False


@subkernel
def _correct_node(plane, row, column, spacing, sigma, positions, gradients, found, rounds):
    """Correct a node's position and gradient by `demodulate`, `rounds` times; return the strength of the weaker of the two waves.

    `found` (2, 4) is scratch memory for the results of `demodulate`.
    """
    for _ in range(rounds):
        position = positions[row, column]
        demodulate(plane, spacing * column, spacing * row, position[0], position[1], gradients[row, column], sigma, found)
        for axis in range(2):
            position[axis] += found[axis, 1]
            for k in range(2):
                # Only half of the error is corrected, and at most a tenth of the gradient, because gradients are noisier than phases, and
                # similar at neighbouring nodes.
                limit = 0.1 * abs(gradients[row, column, axis, axis])
                gradients[row, column, axis, k] += min(max(0.5 * found[axis, 2 + k], -limit), limit)
    return min(found[0, 0], found[1, 0])


@jit
def demodulate_nodes(plane, spacing, every, positions, gradients, period, sigma, out):
    """Measure lines that are `period` mm apart at every `every`-th node along both axes, where the node has a position.

    `positions`, `gradients` and `spacing` are those of `follow`, for lines 1 mm apart. Of every `every` nodes along an axis, number
    ``every // 2`` (from 0) is measured, or the last node of the axis if there is no such node.

    For u and v, `out` (rows, columns, 2, 2) gets the strength of the wave and what has to be added to its phase, in turns of `period`. For
    nodes without a position `out` is not changed.
    """
    found = np.empty((2, 4))
    half = every // 2
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            row, column = min(i * every + half, positions.shape[0] - 1), min(j * every + half, positions.shape[1] - 1)
            u, v = positions[row, column, 0], positions[row, column, 1]
            if not math.isfinite(u + v):
                continue
            x, y = spacing * column, spacing * row
            demodulate(plane, x, y, u / period, v / period, gradients[row, column] / period, sigma, found)
            for axis in range(2):
                out[i, j, axis, 0] = found[axis, 0]
                out[i, j, axis, 1] = found[axis, 1]


@subkernel
def cubic_weights(t, weights, slopes):
    """Write the values at t (0 to 1, between two knots) of the four uniform cubic B-splines that are not 0 there to `weights` (4,).

    Their derivatives with respect to t are written to `slopes` (4,).
    """
    s = 1.0 - t
    weights[0], weights[3] = s * s * s / 6.0, t * t * t / 6.0
    weights[1] = (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0
    weights[2] = (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0
    slopes[0], slopes[3] = -0.5 * s * s, 0.5 * t * t
    slopes[1], slopes[2] = 1.5 * t * t - 2.0 * t, -1.5 * s * s + 2.0 * s


@jit
def spline_normal(points, values, weights, origin, step, rows, bands, right):
    """Add up the banded normal equations for the coefficients (columns, rows), rows running fastest, of two bicubic splines.

    The splines are fitted to `values` (n, 2) with `weights` (n,) at points (n, 2) in px; their knots lie at origin + step * (column, row).
    The lower diagonals of the matrix are added to `bands` (3 * rows + 4, columns * rows), and the right sides to `right`
    (columns * rows, 2).
    """
    columns = right.shape[0] // rows
    weights_x, weights_y, unused = np.empty(4), np.empty(4), np.empty(4)
    for k in range(len(points)):
        if weights[k] <= 0.0:
            continue
        a, b = (points[k, 0] - origin[0]) / step, (points[k, 1] - origin[1]) / step
        j, i = min(max(int(a), 0), columns - 4), min(max(int(b), 0), rows - 4)
        cubic_weights(a - j, weights_x, unused)
        cubic_weights(b - i, weights_y, unused)
        for p in range(16):  # The 4 x 4 coefficients that a point depends on.
            index = (j + p // 4) * rows + i + p % 4
            share = weights[k] * weights_x[p // 4] * weights_y[p % 4]
            right[index, 0] += share * values[k, 0]
            right[index, 1] += share * values[k, 1]
            # Only the lower half of the symmetric matrix is kept.
            for q in range(16):
                other = (j + q // 4) * rows + i + q % 4
                if other >= index:
                    bands[other - index, index] += share * weights_x[q // 4] * weights_y[q % 4]


@jit
def spline_values(points, coefficients, origin, step, out, gradients):
    """Write the values of two splines with `coefficients` (columns, rows, 2) at points (n, 2) to `out` (n, 2).

    Their derivatives along x and y are written to `gradients` (n, 2, 2). The knots lie at origin + step * (column, row); beyond them the
    splines are continued linearly. Points that are not finite give NaN.
    """
    columns, rows = coefficients.shape[0], coefficients.shape[1]
    weights_x, weights_y, slopes_x, slopes_y = np.empty(4), np.empty(4), np.empty(4), np.empty(4)
    for k in range(len(points)):
        a, b = (points[k, 0] - origin[0]) / step, (points[k, 1] - origin[1]) / step
        if not math.isfinite(a + b):
            out[k] = np.nan
            gradients[k] = np.nan
            continue
        inside_a, inside_b = min(max(a, 0.0), columns - 3.0 - 1e-9), min(max(b, 0.0), rows - 3.0 - 1e-9)
        j, i = int(inside_a), int(inside_b)
        cubic_weights(inside_a - j, weights_x, slopes_x)
        cubic_weights(inside_b - i, weights_y, slopes_y)
        for axis in range(2):
            value, along, down = 0.0, 0.0, 0.0
            for p in range(4):
                for q in range(4):
                    c = coefficients[j + p, i + q, axis]
                    value += weights_x[p] * weights_y[q] * c
                    along += slopes_x[p] * weights_y[q] * c
                    down += weights_x[p] * slopes_y[q] * c
            out[k, axis] = value + along * (a - inside_a) + down * (b - inside_b)
            gradients[k, axis, 0] = along / step
            gradients[k, axis, 1] = down / step
