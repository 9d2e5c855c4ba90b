"""The stroke seen from the other side: how a drawn polyline's ink differs from a picture, and which way its knots should move.

Ink at a point is a smooth step of its distance to the polyline, averaged over `samples_per_px`² points a pixel. Only the segment nearest
to a point matters, so a pixel knows few neighbouring knots and the normal equations are banded. Segments claim the points near them, one
column of pixels after another.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit

BAND = 12  # Largest number of neighbouring knots that one pixel couples.
_UNMATCHED = 0.3  # Coverage from which ink far from any stroke attracts the nearest one.


@jit
def lines_of(points):
    """The segments of a polyline, (n - 1, 5): x and y where each starts, its run along x and y, 1 / length² (0 if it has none)."""
    lines = np.empty((len(points) - 1, 5))
    for k in range(len(lines)):
        dx, dy = points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1]
        length = dx * dx + dy * dy
        lines[k, 0], lines[k, 1], lines[k, 2], lines[k, 3] = points[k, 0], points[k, 1], dx, dy
        lines[k, 4] = 0.0 if length == 0.0 else 1.0 / length
    return lines


@jit
def spans_of(lines, reach, columns):
    """The segments near each pixel column, (columns, 2): first and stop; equal if there are none."""
    spans = np.zeros((columns, 2), np.int64)
    for k in range(len(lines)):
        c0, c1 = _columns(lines[k], reach, columns)
        for c in range(c0, c1):
            spans[c, 0], spans[c, 1] = spans[c, 0] if spans[c, 1] else k, k + 1
    return spans


@jit
def _columns(line, reach, columns):
    """Pixel columns that a segment, widened by `reach`, touches: none if an end is not finite."""
    low, high = line[0] + min(line[2], 0.0) - reach, line[0] + max(line[2], 0.0) + reach
    if not (math.isfinite(low + high) and math.isfinite(line[1] + line[3])):
        return 0, 0
    return min(max(math.ceil(low), 0), columns), max(min(math.floor(high) + 1, columns), 0)


@jit
def claim(lines, span, x, top, reach, heights, square, owner):
    """Which segment of a span is nearest to each of the points (x, top + heights[j]), if one is nearer than `reach`.

    `heights` (n,) float32, evenly spaced; out: `square` (n,) float32, the distance's square; `owner` (n,) int32, -1 where none is near.
    """
    square[:] = reach * reach
    owner[:] = -1
    if not len(heights):
        return
    a_px = 1.0 / (heights[1] - heights[0]) if len(heights) > 1 else 1.0
    for k in range(span[0], span[1]):
        low, high = lines[k, 1] - top - heights[0], lines[k, 1] + lines[k, 3] - top - heights[0]
        low, high = (min(low, high) - reach) * a_px, (max(low, high) + reach) * a_px
        aside = x - lines[k, 0]
        near = min(lines[k, 2], 0.0) - reach < aside < max(lines[k, 2], 0.0) + reach
        if near and math.isfinite(low + high) and low < len(heights) and high > -1.0:
            j0, j1 = max(math.ceil(low), 0), min(math.floor(high) + 1, len(heights))
            _claim(lines[k], k, aside, top, heights[j0:j1], square[j0:j1], owner[j0:j1])


@jit
def _claim(line, number, aside, top, heights, square, owner):
    """One segment's part of `claim`. No branches and single precision in the loop, so that the compiler takes many points at once."""
    ex, down, dx, dy = np.float32(aside), np.float32(line[1] - top), np.float32(line[2]), np.float32(line[3])
    a_length, start, end, mine = np.float32(line[4]), np.float32(0.0), np.float32(1.0), np.int32(number)
    for j in range(len(heights)):
        ey = heights[j] - down
        t = (ex * dx + ey * dy) * a_length
        t = t if t > start else start
        t = t if t < end else end
        fx, fy = ex - t * dx, ey - t * dy
        found = fx * fx + fy * fy
        nearer = found < square[j]
        square[j] = found if nearer else square[j]
        owner[j] = mine if nearer else owner[j]


@jit
def nearest(lines, span, x, y):
    """The segment of a span that is nearest to (x, y): its index, where on it (0 to 1), and the distance; index -1 if there is none."""
    best, where, least = -1, 0.0, np.inf
    for k in range(span[0], span[1]):
        t, ex, ey = foot(lines[k], x, y)
        if ex * ex + ey * ey < least:
            best, where, least = k, t, ex * ex + ey * ey
    return best, where, math.sqrt(least)


@jit
def foot(line, x, y):
    """Where on a segment (0 to 1) is nearest to (x, y), and the way from there along x and y."""
    ex, ey = x - line[0], y - line[1]
    t = min(max((ex * line[2] + ey * line[3]) * line[4], 0.0), 1.0)
    return t, ex - t * line[2], ey - t * line[3]


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
def normal_equations(ink, points, along, radius, gain, blur, samples_per_px, attract_px, bands, right, pen):
    """Add up J'J and J'r of the ink's difference from the stroke; return the sum of squares, and what stray ink costs.

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
    samples_per_px : int
        Points a pixel along x and along y.
    attract_px : float
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
    reach = radius + blur
    lines = lines_of(points)
    spans = spans_of(lines, reach + 0.5, ink.shape[1])
    row = np.zeros(len(points))
    offsets = (np.arange(samples_per_px) + 0.5) / samples_per_px - 0.5
    heights = ((np.arange(samples_per_px * ink.shape[0]) + 0.5) / samples_per_px - 0.5).astype(np.float32)
    square, owner = np.empty(len(heights), np.float32), np.empty((samples_per_px, len(heights)), np.int32)
    total = 0.0
    for c in range(ink.shape[1]):
        span = spans[c]
        if span[0] == span[1]:
            continue
        low, high = _rows(points, span, reach + 0.5, ink.shape[0])
        inside = samples_per_px * max(high - low, 0)
        for i in range(samples_per_px):
            claim(lines, span, c + offsets[i], low, reach, heights[:inside], square[:inside], owner[i, :inside])
        for r in range(ink.shape[0]):
            seen = ink[r, c]
            if math.isnan(seen):
                continue
            mine = owner[:, samples_per_px * (r - low) : samples_per_px * (r - low + 1)]
            if low <= r < high and _claimed(mine):
                total += _pixel(lines, along, radius, mine, c, r, seen, gain, blur, offsets, row, bands, right, pen)
                continue
            total += seen * seen
            if attract_px > 0.0 and seen >= _UNMATCHED:
                total += _pull(lines, along, span, c, r, seen, reach + 0.75, attract_px, bands, right)
    return total


@jit
def draw_stroke(points, radius, blur, samples_per_px, cover):
    """Coverage of a stroke as `normal_equations` expects it, into the plane `cover` (height, width) float32."""
    reach = radius + blur
    lines = lines_of(points)
    spans = spans_of(lines, reach + 0.5, cover.shape[1])
    offsets = (np.arange(samples_per_px) + 0.5) / samples_per_px - 0.5
    heights = ((np.arange(samples_per_px * cover.shape[0]) + 0.5) / samples_per_px - 0.5).astype(np.float32)
    square, owner = np.empty(len(heights), np.float32), np.empty(len(heights), np.int32)
    column = np.empty(cover.shape[0])
    for c in range(cover.shape[1]):
        column[:] = 0.0
        if spans[c, 0] < spans[c, 1]:
            low, high = _rows(points, spans[c], reach + 0.5, cover.shape[0])
            inside = samples_per_px * max(high - low, 0)
            for i in range(samples_per_px):
                claim(lines, spans[c], c + offsets[i], low, reach, heights[:inside], square[:inside], owner[:inside])
                for j in range(inside):
                    if owner[j] >= 0:
                        column[low + j // samples_per_px] += coverage(math.sqrt(square[j]), radius, blur)
        cover[:, c] = column / samples_per_px**2


@jit
def _rows(points, span, reach, height):
    """Pixel rows that some segment of a span, widened by `reach`, touches."""
    low, high = np.inf, -np.inf
    for k in range(span[0], span[1] + 1):
        y = points[k, 1]  # NaN where the pen is lifted: compares as neither
        low, high = y if y < low else low, y if y > high else high
    return max(math.ceil(low - reach), 0), min(math.floor(high + reach) + 1, height)


@jit
def _claimed(owner):
    for i in range(owner.shape[0]):
        for j in range(owner.shape[1]):
            if owner[i, j] >= 0:
                return True
    return False


@jit
def _pull(lines, along, span, x, y, seen, near, attract_px, bands, right):
    """Let ink that no stroke covers attract the nearest point of the polyline, less so with distance; returns its cost.

    It does so between the distances `near` and `attract_px`. The cost is the one whose slope the pull is.
    """
    k, t, distance = nearest(lines, span, float(x), float(y))
    if k < 0 or distance > attract_px or distance < near:
        return 0.0
    t, ex, ey = foot(lines[k], float(x), float(y))
    weight = 1.0 / (max(distance, 2.0) * distance)
    a = weight * (1.0 - t) * (ex * along[k, 0] + ey * along[k, 1])
    b = weight * t * (ex * along[k + 1, 0] + ey * along[k + 1, 1])
    bands[0, k] += a * a
    bands[1, k] += a * b
    bands[0, k + 1] += b * b
    right[k] += a * seen
    right[k + 1] += b * seen
    return seen * (distance if distance < 2.0 else 2.0 + 2.0 * math.log(0.5 * distance))


@jit
def _pixel(lines, along, radius, owner, x, y, seen, gain, blur, offsets, row, bands, right, pen):
    """One pixel's part of the normal equations; its points belong to the segments `owner` (n, n). Return its squared difference."""
    share = 1.0 / owner.size
    cover, by_radius, by_blur = 0.0, 0.0, 0.0
    start, stop = len(along), 0
    for i in range(len(offsets)):
        for j in range(len(offsets)):
            k = owner[i, j]
            if k < 0:
                continue
            t, ex, ey = foot(lines[k], x + offsets[i], y + offsets[j])
            distance = math.sqrt(ex * ex + ey * ey)
            inner, outer = (radius - distance) / blur, (-radius - distance) / blur
            cover += share * (step(inner) - step(outer))
            gi, go = slope(inner) / blur, slope(outer) / blur
            by_radius += share * radius * (gi + go)
            by_blur -= share * (inner * gi - outer * go)
            fall = share * gain * (gi - go)
            if fall != 0.0 and distance > 1e-9:
                row[k] += fall / distance * (1.0 - t) * (ex * along[k, 0] + ey * along[k, 1])
                row[k + 1] += fall / distance * t * (ex * along[k + 1, 0] + ey * along[k + 1, 1])
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
