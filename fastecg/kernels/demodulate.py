"""The phase of a printed grid, followed over a picture as a radio follows its carrier, and the splines fitted to it."""

from __future__ import annotations

import heapq
import math

import numpy as np

from fastecg.kernels.jit import jit

_TURN = 2.0 * math.pi
_MOST_STRETCH = 1.7  # of the lines' distance over a page, by perspective and paper


@jit
def demodulate(plane, x, y, u, v, gradient, sigma, out):
    """Compare the grid round pixel (x, y), whole numbers, with lines where u and v are whole numbers, in a Gaussian window of `sigma` px.

    `gradient` (2, 2) holds du/dx, du/dy / dv/dx, dv/dy. For u, then v, `out` (2, 4) gets: strength (0 to 1, the carrier's share),
    error of the phase in turns, and the error of its gradient along x and y.
    """
    radius = math.ceil(2.5 * sigma)
    height, width = plane.shape
    fall = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    mass = 0.0
    sums = np.zeros((2, 3), np.complex128)
    start, stop = max(x - radius, 0), min(x + radius + 1, width)
    for j in range(max(y - radius, 0), min(y + radius + 1, height)):
        for axis in range(2):
            du, dv = gradient[axis, 0], gradient[axis, 1]
            phase = (u if axis == 0 else v) + du * (start - x) + dv * (j - y)
            turn = complex(math.cos(_TURN * phase), -math.sin(_TURN * phase))
            turning = complex(math.cos(_TURN * du), -math.sin(_TURN * du))
            line, moment = 0.0j, 0.0j
            for i in range(start, stop):
                part = (fall[abs(i - x)] * plane[j, i]) * turn
                line += part
                moment += (i - x) * part
                turn *= turning
            sums[axis, 0] += fall[abs(j - y)] * line
            sums[axis, 1] += fall[abs(j - y)] * moment
            sums[axis, 2] += fall[abs(j - y)] * (j - y) * line
        mass += fall[abs(j - y)]
    across = 0.0
    for i in range(start, stop):
        across += fall[abs(i - x)]
    mass *= across
    for axis in range(2):
        z = sums[axis, 0]
        size = abs(z)
        out[axis, 0] = size / max(mass, 1e-12)
        out[axis, 1] = math.atan2(z.imag, z.real) / _TURN
        for k in range(2):
            out[axis, 2 + k] = (sums[axis, 1 + k] / z).imag / (_TURN * sigma * sigma) if size > 0.0 else 0.0


@jit
def follow(plane, spacing, sigma, seed, gradient, weakest, places, gradients, strengths):
    """Follow the grid from the node `seed` (row, column) outward, strongest first.

    Node (row, column) is the pixel ``spacing * (column, row)``. `places` (rows, columns, 2) gets u and v, NaN where no grid was found;
    `gradients` (rows, columns, 2, 2) theirs; `strengths` (rows, columns) the weaker carrier. A node counts if both carriers have at
    least `weakest` times the seed's strength, and lines about as close.
    """
    rows, columns = strengths.shape
    places[:] = np.nan
    strengths[:] = 0.0
    found = np.empty((2, 4))
    done = np.zeros((rows, columns), np.bool_)
    places[seed[0], seed[1]] = 0.0
    gradients[seed[0], seed[1]] = gradient
    least = weakest * _settle(plane, seed[0], seed[1], spacing, sigma, places, gradients, found, 6)
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
                places[i, j, axis] = places[row, column, axis] + spacing * (slope[0] * (j - column) + slope[1] * (i - row))
            gradients[i, j] = gradients[row, column]
            strength = _settle(plane, i, j, spacing, sigma, places, gradients, found, 2)
            if strength < least or _other_lines(gradients[i, j], gradient):
                places[i, j] = np.nan
                continue
            strengths[i, j] = strength
            heapq.heappush(queue, (-strength, i, j))


@jit
def _other_lines(found, seed):
    """Whether lines stand so much closer or wider than at the seed that they are not the grid's: every second one, or a harmonic."""
    for axis in range(2):
        here = math.hypot(found[axis, 0], found[axis, 1])
        there = math.hypot(seed[axis, 0], seed[axis, 1])
        if not there / _MOST_STRETCH < here < there * _MOST_STRETCH:
            return True
    return False


@jit
def _settle(plane, row, column, spacing, sigma, places, gradients, found, rounds):
    """Correct a node's place and gradient by what the picture shows there; return the strength of the weaker carrier."""
    for _ in range(rounds):
        place = places[row, column]
        demodulate(plane, spacing * column, spacing * row, place[0], place[1], gradients[row, column], sigma, found)
        for axis in range(2):
            place[axis] += found[axis, 1]
            for k in range(2):
                # Half of what is measured: a gradient is noisier than a phase, and neighbours have much the same.
                limit = 0.1 * abs(gradients[row, column, axis, axis])
                gradients[row, column, axis, k] += min(max(0.5 * found[axis, 2 + k], -limit), limit)
    return min(found[0, 0], found[1, 0])


@jit
def demodulate_nodes(plane, spacing, every, places, gradients, period, sigma, out):
    """Measure lines every `period` mm at every `every`-th node that has a place: out (rows, columns, 2, 2), strength and error in turns."""
    found = np.empty((2, 4))
    half = every // 2
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            row, column = min(i * every + half, places.shape[0] - 1), min(j * every + half, places.shape[1] - 1)
            u, v = places[row, column, 0], places[row, column, 1]
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

    points (n, 2) px, values (n, 2), weights (n,); bands (3 * rows + 4, columns * rows) lower diagonals; right (columns * rows, 2).
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
            for q in range(16):
                there = (j + q // 4) * rows + i + q % 4
                if there >= here:
                    bands[there - here, here] += share * wx[q // 4] * wy[q % 4]


@jit
def spline_values(points, coefficients, origin, step, out, gradients):
    """Out (n, 2) = the splines at points (n, 2), `gradients` (n, 2, 2) their derivatives; beyond the knots they go on straight.

    `coefficients` (columns, rows, 2).
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
