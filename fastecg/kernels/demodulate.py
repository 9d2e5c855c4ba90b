"""Follow the phase of a printed grid over a picture, as a radio follows its carrier, and fit splines to it."""

from __future__ import annotations

import heapq
import math

import numpy as np

from fastecg.kernels.jit import jit

_TURN = 2.0 * math.pi  # Radians of one turn of the phase.
_AT_ONCE = 4  # Rows that are added up together.
_MOST_STRETCH = 1.7  # Largest ratio of the line spacing to that at the seed, by perspective and bent paper.


@jit
def demodulate(plane, x, y, u, v, gradient, sigma, out):
    """Compare the grid around pixel (x, y) with the lines at whole u and v, in a Gaussian window of `sigma` px.

    u and v are line counts along x and y, and `gradient` (2, 2) holds du/dx, du/dy / dv/dx, dv/dy. For u, then v, `out` (2, 4) gets: the
    strength (share of the carrier, 0 to 1), the error of the phase in turns, and the error of its gradient along x and y.
    """
    # The window ends at 2.5 standard deviations, where it has fallen to 4 %: pixels farther away change little.
    radius = math.ceil(2.5 * sigma)
    height, width = plane.shape
    fall = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    left, top = max(x - radius, 0), max(y - radius, 0)
    across, down = min(x + radius + 1, width) - left, min(y + radius + 1, height) - top
    # A wave is a product of one along x and one along y. Each is a part of the window and its moment, real and imaginary.
    alongs, downs = np.empty((2, 4, across)), np.zeros((2, 4, down + _AT_ONCE))
    for axis in range(2):
        _waves(u if axis == 0 else v, gradient[axis, 1], top - y, fall, downs[axis, :, :down])
        _waves(0.0, gradient[axis, 0], left - x, fall, alongs[axis])
    # The window and the waves are separable: a wave's factor along y is one number a row, so no wave is evaluated at single pixels.
    sums = np.zeros((8, across))  # Sums over each column of the products with the waves along y.
    for j in range(0, down, _AT_ONCE):
        one, two = plane[top + j, left : left + across], plane[top + min(j + 1, down - 1), left : left + across]
        three, four = plane[top + min(j + 2, down - 1), left : left + across], plane[top + min(j + 3, down - 1), left : left + across]
        for k in range(8):
            weight = downs[k // 4, k % 4, j : j + _AT_ONCE]  # It is 0 below the window.
            _add(one, two, three, four, weight[0], weight[1], weight[2], weight[3], sums[k])
    mass = _sum_of_falls(fall, top - y, down) * _sum_of_falls(fall, left - x, across)
    for axis in range(2):
        part, here = alongs[axis], sums[4 * axis : 4 * axis + 4]
        z, along, downward = 0.0j, 0.0j, 0.0j
        for i in range(across):
            column, wave = complex(here[0, i], here[1, i]), complex(part[0, i], part[1, i])
            z += column * wave
            along += column * complex(part[2, i], part[3, i])
            downward += complex(here[2, i], here[3, i]) * wave
        size = abs(z)
        out[axis, 0] = size / max(mass, 1e-12)
        out[axis, 1] = math.atan2(z.imag, z.real) / _TURN
        out[axis, 2] = (along / z).imag / (_TURN * sigma * sigma) if size > 0.0 else 0.0
        out[axis, 3] = (downward / z).imag / (_TURN * sigma * sigma) if size > 0.0 else 0.0


@jit
def _waves(phase, slope, first, fall, out):
    """The conjugate of a wave within the window: out (4, n) gets its real and imaginary part, and both times the offset.

    Offsets from the window's middle begin with `first`.
    """
    phase += slope * first
    turn = complex(math.cos(_TURN * phase), -math.sin(_TURN * phase))
    turning = complex(math.cos(_TURN * slope), -math.sin(_TURN * slope))
    for k in range(out.shape[1]):
        offset = first + k
        part = fall[abs(offset)] * turn
        out[0, k], out[1, k] = part.real, part.imag
        out[2, k], out[3, k] = offset * part.real, offset * part.imag
        # A recurrence instead of a sine and cosine per sample; over some hundred steps its error stays below 1e-13.
        turn *= turning


@jit
def _add(one, two, three, four, a, b, c, d, out):
    """Add up four weighted rows in a loop that is compiled to vector instructions."""
    for i in range(len(out)):
        out[i] += (a * one[i] + b * two[i]) + (c * three[i] + d * four[i])


@jit
def _sum_of_falls(fall, first, count):
    total = 0.0
    for k in range(first, first + count):
        total += fall[abs(k)]
    return total


@jit
def follow(plane, spacing, sigma, seed, gradient, weakest, positions, gradients, strengths):
    """Follow the grid from the node `seed` (row, column) outward, strongest first.

    Node (row, column) is the pixel ``spacing * (column, row)``. `positions` (rows, columns, 2) gets u and v, NaN where no grid was found;
    `gradients` (rows, columns, 2, 2) theirs; `strengths` (rows, columns) the weaker carrier. A node counts if both carriers have at
    least `weakest` times the seed's strength, and lines about as close.
    """
    rows, columns = strengths.shape
    positions[:] = np.nan
    strengths[:] = 0.0
    found = np.empty((2, 4))
    done = np.zeros((rows, columns), np.bool_)
    positions[seed[0], seed[1]] = 0.0
    gradients[seed[0], seed[1]] = gradient
    # The seed gets six corrections, its neighbours two: they start from a gradient that is already nearly right.
    least = weakest * _settle(plane, seed[0], seed[1], spacing, sigma, positions, gradients, found, 6)
    # Strongest first, so that a faint or overprinted region is reached from its best side, where the count of lines is safe.
    queue = [(-1.0, seed[0], seed[1])]
    done[seed[0], seed[1]] = True
    strengths[seed[0], seed[1]] = least / weakest
    while len(queue):
        _, row, column = heapq.heappop(queue)
        for k in range(4):
            i, j = row + (k - 1) * (k % 2 == 0), column + (k - 2) * (k % 2 == 1)
            if i < 0 or j < 0 or i >= rows or j >= columns or done[i, j]:
                continue
            done[i, j] = True
            for axis in range(2):
                slope = gradients[row, column, axis]
                positions[i, j, axis] = positions[row, column, axis] + spacing * (slope[0] * (j - column) + slope[1] * (i - row))
            gradients[i, j] = gradients[row, column]
            strength = _settle(plane, i, j, spacing, sigma, positions, gradients, found, 2)
            if strength < least or _other_lines(gradients[i, j], gradient):
                positions[i, j] = np.nan
                continue
            strengths[i, j] = strength
            heapq.heappush(queue, (-strength, i, j))


@jit
def _other_lines(found, seed):
    """Whether the line spacing differs so much from that at the seed that it must be a multiple or a harmonic of the grid's."""
    for axis in range(2):
        here = math.hypot(found[axis, 0], found[axis, 1])
        there = math.hypot(seed[axis, 0], seed[axis, 1])
        if not there / _MOST_STRETCH < here < there * _MOST_STRETCH:
            return True
    return False


@jit
def _settle(plane, row, column, spacing, sigma, positions, gradients, found, rounds):
    """Correct a node's position and gradient by what the picture shows there; return the strength of the weaker carrier."""
    for _ in range(rounds):
        position = positions[row, column]
        demodulate(plane, spacing * column, spacing * row, position[0], position[1], gradients[row, column], sigma, found)
        for axis in range(2):
            position[axis] += found[axis, 1]
            for k in range(2):
                # Half of the measured correction: gradients are noisier than phases, and similar at neighbouring nodes.
                limit = 0.1 * abs(gradients[row, column, axis, axis])
                gradients[row, column, axis, k] += min(max(0.5 * found[axis, 2 + k], -limit), limit)
    return min(found[0, 0], found[1, 0])


@jit
def demodulate_nodes(plane, spacing, every, positions, gradients, period, sigma, out):
    """Measure lines every `period` mm at every `every`-th node that was reached.

    out (rows, columns, 2, 2) gets their strength and their error in turns; a node without a position was not reached.
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


@jit
def cubic_weights(t, weights, slopes):
    """The four uniform cubic B-splines that are not 0 at t in [0, 1), and their derivatives."""
    s = 1.0 - t
    weights[0], weights[3] = s * s * s / 6.0, t * t * t / 6.0
    weights[1] = (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0
    weights[2] = (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0
    slopes[0], slopes[3] = -0.5 * s * s, 0.5 * t * t
    slopes[1], slopes[2] = 1.5 * t * t - 2.0 * t, -1.5 * s * s + 2.0 * s


@jit
def spline_normal(points, values, weights, origin, step, rows, bands, right):
    """Add up the banded normal equations of a bicubic spline's coefficients, (columns, rows) with rows running fastest.

    The points (n, 2) are in px, with `values` (n, 2) and `weights` (n,). `bands` (3 * rows + 4, columns * rows) are the lower diagonals of
    the matrix, and `right` (columns * rows, 2) is the right side.
    """
    columns = right.shape[0] // rows
    wx, wy, unused = np.empty(4), np.empty(4), np.empty(4)
    for k in range(len(points)):
        if weights[k] <= 0.0:
            continue
        a, b = (points[k, 0] - origin[0]) / step, (points[k, 1] - origin[1]) / step
        j, i = min(max(int(a), 0), columns - 4), min(max(int(b), 0), rows - 4)
        cubic_weights(a - j, wx, unused)
        cubic_weights(b - i, wy, unused)
        for p in range(16):
            here = (j + p // 4) * rows + i + p % 4
            share = weights[k] * wx[p // 4] * wy[p % 4]
            right[here, 0] += share * values[k, 0]
            right[here, 1] += share * values[k, 1]
            # Only the lower half of the symmetric matrix is kept.
            for q in range(16):
                there = (j + q // 4) * rows + i + q % 4
                if there >= here:
                    bands[there - here, here] += share * wx[q // 4] * wy[q % 4]


@jit
def spline_values(points, coefficients, origin, step, out, gradients):
    """Evaluate the splines with `coefficients` (columns, rows, 2) at points (n, 2), into `out` (n, 2), and their derivatives.

    The derivatives are written to `gradients` (n, 2, 2). Beyond the knots the splines are continued linearly.
    """
    columns, rows = coefficients.shape[0], coefficients.shape[1]
    wx, wy, sx, sy = np.empty(4), np.empty(4), np.empty(4), np.empty(4)
    for k in range(len(points)):
        a, b = (points[k, 0] - origin[0]) / step, (points[k, 1] - origin[1]) / step
        if not math.isfinite(a + b):
            out[k] = np.nan
            gradients[k] = np.nan
            continue
        inside_a, inside_b = min(max(a, 0.0), columns - 3.0 - 1e-9), min(max(b, 0.0), rows - 3.0 - 1e-9)
        j, i = int(inside_a), int(inside_b)
        cubic_weights(inside_a - j, wx, sx)
        cubic_weights(inside_b - i, wy, sy)
        for axis in range(2):
            value, along, down = 0.0, 0.0, 0.0
            for p in range(4):
                for q in range(4):
                    c = coefficients[j + p, i + q, axis]
                    value += wx[p] * wy[q] * c
                    along += sx[p] * wy[q] * c
                    down += wx[p] * sy[q] * c
            out[k, axis] = value + along * (a - inside_a) + down * (b - inside_b)
            gradients[k, axis, 0] = along / step
            gradients[k, axis, 1] = down / step
