"""The stroke seen from the other side: how a drawn polyline's ink differs from a picture, and which way its knots should move.

Ink at a point is a smooth step of its distance to the polyline, averaged over `taps` x `taps` points a pixel. Only the segment nearest
to a point matters, so a pixel knows few neighbouring knots and the normal equations are banded.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit

BAND = 12  # neighbouring knots that one pixel may tie together
_UNMATCHED = 0.3  # ink that no stroke is near pulls from this coverage on


@jit
def bucket(points, reach, columns):
    """Segments near each pixel column: (first, segments), those of column c being ``segments[first[c]:first[c + 1]]``."""
    first = np.zeros(columns + 1, np.int64)
    for k in range(len(points) - 1):
        c0, c1 = _columns(points, k, reach, columns)
        for c in range(c0, c1):
            first[c + 1] += 1
    for c in range(columns):
        first[c + 1] += first[c]
    segments = np.empty(first[columns], np.int64)
    filled = first[:-1].copy()
    for k in range(len(points) - 1):
        c0, c1 = _columns(points, k, reach, columns)
        for c in range(c0, c1):
            segments[filled[c]] = k
            filled[c] += 1
    return first, segments


@jit
def _columns(points, k, reach, columns):
    """Pixel columns that segment k, widened by `reach`, touches: none if an end is not finite."""
    low, high = min(points[k, 0], points[k + 1, 0]) - reach, max(points[k, 0], points[k + 1, 0]) + reach
    if not (math.isfinite(low + high) and math.isfinite(points[k, 1] + points[k + 1, 1])):
        return 0, 0
    return min(max(math.ceil(low), 0), columns), max(min(math.floor(high) + 1, columns), 0)


@jit
def nearest(points, segments, x, y):
    """The segment of `segments` nearest to (x, y): its index, where on it (0 to 1), and the distance; index -1 if there is none."""
    best, where, least = -1, 0.0, np.inf
    for k in segments:
        ax, ay, bx, by = points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1]
        away = max(min(ay, by) - y, y - max(ay, by))
        if away > 0.0 and away * away >= least:
            continue
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        t = ((x - ax) * dx + (y - ay) * dy) / length if length > 0.0 else 0.0
        t = min(max(t, 0.0), 1.0)
        ex, ey = x - ax - t * dx, y - ay - t * dy
        square = ex * ex + ey * ey
        if square < least:
            best, where, least = k, t, square
    return best, where, math.sqrt(least)


@jit
def step(u):
    """A smooth step from 0 at -1 to 1 at 1: the integral of a triangle."""
    if u <= -1.0:
        return 0.0
    if u >= 1.0:
        return 1.0
    return 0.5 * (1.0 + u) * (1.0 + u) if u < 0.0 else 1.0 - 0.5 * (1.0 - u) * (1.0 - u)


@jit
def slope(u):
    """The derivative of `step`."""
    return max(1.0 - abs(u), 0.0)


@jit
def coverage(distance, radius, blur):
    """Ink of a straight stroke at a distance from its middle; `blur` is the half width of its soft edge."""
    return step((radius - distance) / blur) - step((-radius - distance) / blur)


@jit
def normal_equations(ink, points, along, radius, gain, blur, taps, far, bands, right, pen):
    """Add up J'J and J'r of the ink's difference from the stroke; return the sum of squares.

    Parameters
    ----------
    ink : (height, width) float32
        Observed coverage, 0 to 1; NaN where nothing is known.
    points, along : (n, 2) float64
        Knots in px, and how each moves when its unknown grows by 1.
    radius : float
        Half the pen, px.
    gain, blur : float
        Ink inside the stroke; half width of its soft edge in px.
    taps : int
        Points a pixel along x and along y.
    far : float
        Distance in px up to which ink without a stroke pulls at the nearest one; 0 for none.
    bands : (BAND + 1, n) float64
        Out: lower diagonals of J'J, ``bands[j, k]`` between knots k and k + j.
    right : (n,) float64
        Out: J'r.
    pen : (3, 4) float64
        Out: the same for a factor of the radius, the gain and the blur: J'J, then J'r in the last column.
    """
    bands[:] = 0.0
    right[:] = 0.0
    pen[:] = 0.0
    reach = radius + blur + 0.75
    first, segments = bucket(points, reach, ink.shape[1])
    row = np.zeros(len(points))
    offsets = (np.arange(taps) + 0.5) / taps - 0.5
    total = 0.0
    for c in range(ink.shape[1]):
        mine = segments[first[c] : first[c + 1]]
        if not len(mine):
            continue
        low, high = _rows(points, mine, reach, ink.shape[0])
        for r in range(ink.shape[0]):
            seen = ink[r, c]
            if r < low or r >= high:
                if seen >= _UNMATCHED:
                    total += seen * seen
                    if far > 0.0:
                        _pull(points, along, mine, c, r, seen, far, bands, right)
                continue
            if math.isnan(seen):
                continue
            total += _pixel(points, along, radius, mine, c, r, seen, gain, blur, offsets, far, row, bands, right, pen)
    return total


@jit
def _rows(points, segments, reach, height):
    """Rows that some segment, widened by `reach`, touches."""
    low, high = np.inf, -np.inf
    for k in segments:
        low = min(low, min(points[k, 1], points[k + 1, 1]))
        high = max(high, max(points[k, 1], points[k + 1, 1]))
    return max(math.ceil(low - reach), 0), min(math.floor(high + reach) + 1, height)


@jit
def _pull(points, along, segments, x, y, seen, far, bands, right):
    """Ink that no stroke covers pulls the nearest point of the polyline towards it, the less the farther it is."""
    k, t, distance = nearest(points, segments, float(x), float(y))
    if k < 0 or distance > far or distance < 1e-9:
        return
    weight = 1.0 / max(distance, 2.0)
    nx = (x - points[k, 0] - t * (points[k + 1, 0] - points[k, 0])) / distance
    ny = (y - points[k, 1] - t * (points[k + 1, 1] - points[k, 1])) / distance
    a = weight * (1.0 - t) * (nx * along[k, 0] + ny * along[k, 1])
    b = weight * t * (nx * along[k + 1, 0] + ny * along[k + 1, 1])
    bands[0, k] += a * a
    bands[1, k] += a * b
    bands[0, k + 1] += b * b
    right[k] += a * seen
    right[k + 1] += b * seen


@jit
def _pixel(points, along, radius, segments, x, y, seen, gain, blur, offsets, far, row, bands, right, pen):
    """One pixel's part of the normal equations; return its squared difference."""
    k, t, distance = nearest(points, segments, float(x), float(y))
    if distance > radius + blur + 0.75:
        if seen >= _UNMATCHED and far > 0.0:
            _pull(points, along, segments, x, y, seen, far, bands, right)
        return seen * seen
    if distance < radius - blur - 0.75:
        rest = seen - gain
        pen[1, 1] += 1.0
        pen[1, 3] += rest
        return rest * rest
    share = 1.0 / (len(offsets) * len(offsets))
    cover, by_radius, by_blur = 0.0, 0.0, 0.0
    start, stop = len(points), 0
    for oy in offsets:
        for ox in offsets:
            k, t, distance = nearest(points, segments, x + ox, y + oy)
            inner, outer = (radius - distance) / blur, (-radius - distance) / blur
            cover += share * (step(inner) - step(outer))
            gi, go = slope(inner) / blur, slope(outer) / blur
            by_radius += share * radius * (gi + go)
            by_blur -= share * (inner * gi - outer * go)
            fall = share * gain * (gi - go)
            if fall != 0.0 and distance > 1e-9:
                nx = (x + ox - points[k, 0] - t * (points[k + 1, 0] - points[k, 0])) / distance
                ny = (y + oy - points[k, 1] - t * (points[k + 1, 1] - points[k, 1])) / distance
                row[k] += fall * (1.0 - t) * (nx * along[k, 0] + ny * along[k, 1])
                row[k + 1] += fall * t * (nx * along[k + 1, 0] + ny * along[k + 1, 1])
                start, stop = min(start, k), max(stop, k + 2)
    rest = seen - gain * cover
    _add(row, start, stop, rest, bands, right)
    _add_pen(gain * by_radius, cover, gain * by_blur, rest, pen)
    return rest * rest


@jit
def _add(row, start, stop, rest, bands, right):
    """Add one row of J to the bands, and clear it.

    What ties knots farther apart than the bands reach is counted as stiffness of both instead: leaving it out could make the matrix
    indefinite, this cannot.
    """
    for i in range(start, stop):
        if row[i] != 0.0:
            right[i] += row[i] * rest
            for j in range(i, stop):
                tie = row[i] * row[j]
                if j - i <= BAND:
                    bands[j - i, i] += tie
                else:
                    bands[0, i] += abs(tie)
                    bands[0, j] += abs(tie)
    row[start:stop] = 0.0


@jit
def _add_pen(a, b, c, rest, pen):
    pen[0, 0] += a * a
    pen[0, 1] += a * b
    pen[0, 2] += a * c
    pen[1, 1] += b * b
    pen[1, 2] += b * c
    pen[2, 2] += c * c
    pen[0, 3] += a * rest
    pen[1, 3] += b * rest
    pen[2, 3] += c * rest


@jit
def inverse_diagonal(factor, out):
    """Diagonal of (L L')⁻¹ from the lower diagonals of L, by the recursion of Takahashi: only the inverse's own bands are needed."""
    bands, size = factor.shape
    inverse = np.zeros((bands, size))  # inverse[j, k]: between k and k + j
    for k in range(size - 1, -1, -1):
        for j in range(min(bands, size - k) - 1, -1, -1):
            total = 0.0
            for m in range(1, min(bands, size - k)):
                gap = abs(m - j)
                total -= factor[m, k] * inverse[gap, k + min(m, j)] if gap < bands else 0.0
            if j == 0:
                total += 1.0 / factor[0, k]
            inverse[j, k] = total / factor[0, k]
        out[k] = inverse[0, k]
