"""The model of a stroke's ink, and the normal equations of fitting its knots to a picture.

The ink at a point is a smooth step function of the point's distance from the polyline. That of a pixel is the mean over `samples_per_px`²
points. It depends only on the segments nearest to these points, so the normal equations are banded. The nearest segments are found one
column of pixels after another.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit

BAND = 12  # Number of off-diagonals of J'J: one pixel couples knots that are at most this many samples apart.
_STRAY = 0.3  # Minimum coverage of a pixel outside the stroke that attracts the stroke.


@jit
def polyline_segments(points):
    """The segments (n - 1, 5) of a polyline: x and y of the start, the differences to the end, and 1 / length² (0 for a length of 0)."""
    lines = np.empty((len(points) - 1, 5))
    for k in range(len(lines)):
        dx, dy = points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1]
        length = dx * dx + dy * dy
        lines[k, 0], lines[k, 1], lines[k, 2], lines[k, 3] = points[k, 0], points[k, 1], dx, dy
        lines[k, 4] = 0.0 if length == 0.0 else 1.0 / length
    return lines


@jit
def segments_by_column(lines, reach, columns):
    """The range (columns, 2) of segments near each pixel column, as first and stop. Both are equal if there are none."""
    spans = np.zeros((columns, 2), np.int64)
    for k in range(len(lines)):
        c0, c1 = _columns(lines[k], reach, columns)
        for c in range(c0, c1):
            spans[c, 0], spans[c, 1] = spans[c, 0] if spans[c, 1] else k, k + 1
    return spans


@jit
def _columns(line, reach, columns):
    """The range of pixel columns that a segment touches if it is widened by `reach`; an empty one if an end is not finite."""
    low, high = line[0] + min(line[2], 0.0) - reach, line[0] + max(line[2], 0.0) + reach
    if not (math.isfinite(low + high) and math.isfinite(line[1] + line[3])):
        return 0, 0
    return min(max(math.ceil(low), 0), columns), max(min(math.floor(high) + 1, columns), 0)


@jit
def assign_points(lines, span, x, top, reach, heights, square, owner):
    """Find the segment of a span that is nearest to each of the points (x, top + heights[j]), if it is nearer than `reach`.

    Parameters
    ----------
    lines : (segments, 5) float64
        See `polyline_segments`.
    span : (2,) int64
        First and stop of the segments that are considered.
    x, top, reach : float
    heights : (n,) float32
        Evenly spaced.
    square : (n,) float32
        Output: square of the distance.
    owner : (n,) int32
        Output: number of the segment, -1 if none is near.
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
            _compare_segment(lines[k], k, aside, top, heights[j0:j1], square[j0:j1], owner[j0:j1])


@jit
def _compare_segment(line, number, aside, top, heights, square, owner):
    """One segment's part of `assign_points`. The loop has no branches and is in single precision, so that it is compiled to vector code."""
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
def nearest_segment(lines, span, x, y):
    """The segment of a span that is nearest to (x, y): its index (-1 for an empty span), the nearest point on it (0 to 1), the distance."""
    best, where, least = -1, 0.0, np.inf
    for k in range(span[0], span[1]):
        t, ex, ey = foot_point(lines[k], x, y)
        if ex * ex + ey * ey < least:
            best, where, least = k, t, ex * ex + ey * ey
    return best, where, math.sqrt(least)


@jit
def foot_point(line, x, y):
    """The point of a segment that is nearest to (x, y), as a share (0 to 1) of its length, and the vector from there to (x, y)."""
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
    """Ink of a straight stroke at a distance from its centre line; `blur` is the half width of its soft edge."""
    return step((radius - distance) / blur) - step((-radius - distance) / blur)


@jit
def normal_equations(ink, points, along, radius, gain, blur, samples_per_px, attract_px, bands, right, pen):
    """Compute J'J and J'r for the difference r between the ink and the stroke. Returns the sum of r² plus the cost of stray ink.

    Parameters
    ----------
    ink : (height, width) float32
        Observed coverage, 0 to 1; NaN in pixels that are left out.
    points, along : (n, 2) float64
        Positions of the knots in px, and their derivatives with respect to the knots' heights.
    radius : float
        Half the width of the pen, px.
    gain, blur : float
        Ink inside the stroke; half width of its soft edge in px.
    samples_per_px : int
        Number of points per pixel along x and along y.
    attract_px : float
        Distance in px up to which ink outside the stroke attracts it; 0 for no attraction.
    bands : (BAND + 1, n) float64
        Output: lower diagonals of J'J; ``bands[j, k]`` is the element of knots k and k + j.
    right : (n,) float64
        Output: J'r.
    pen : (3, 4) float64
        Output: J'J, and J'r in the last column, for a factor of the radius, the gain and the blur.
    """
    bands[:] = 0.0
    right[:] = 0.0
    pen[:] = 0.0
    reach = radius + blur
    lines = polyline_segments(points)
    spans = segments_by_column(lines, reach + 0.5, ink.shape[1])
    row = np.zeros(len(points))
    offsets = (np.arange(samples_per_px) + 0.5) / samples_per_px - 0.5
    heights = ((np.arange(samples_per_px * ink.shape[0]) + 0.5) / samples_per_px - 0.5).astype(np.float32)
    square, owner = np.empty((samples_per_px, len(heights)), np.float32), np.empty((samples_per_px, len(heights)), np.int32)
    total = 0.0
    for c in range(ink.shape[1]):
        span = spans[c]
        if span[0] == span[1]:
            continue
        low, high = _assign_column(points, lines, span, c, offsets, reach, heights, ink.shape[0], square, owner)
        for r in range(ink.shape[0]):
            seen = ink[r, c]
            if math.isnan(seen):
                continue
            mine = owner[:, samples_per_px * (r - low) : samples_per_px * (r - low + 1)]
            if low <= r < high and _any_owner(mine):
                total += _pixel(lines, along, radius, mine, c, r, seen, gain, blur, offsets, row, bands, right, pen)
                continue
            total += seen * seen
            if attract_px > 0.0 and seen >= _STRAY:
                total += _attract(lines, along, span, c, r, seen, reach + 0.75, attract_px, bands, right)
    return total


@jit
def draw_stroke(points, radius, blur, samples_per_px, cover):
    """Write the coverage of a stroke, in the model of `normal_equations`, into the plane `cover` (height, width) float32."""
    reach = radius + blur
    lines = polyline_segments(points)
    spans = segments_by_column(lines, reach + 0.5, cover.shape[1])
    offsets = (np.arange(samples_per_px) + 0.5) / samples_per_px - 0.5
    heights = ((np.arange(samples_per_px * cover.shape[0]) + 0.5) / samples_per_px - 0.5).astype(np.float32)
    square, owner = np.empty((samples_per_px, len(heights)), np.float32), np.empty((samples_per_px, len(heights)), np.int32)
    column = np.empty(cover.shape[0])
    for c in range(cover.shape[1]):
        column[:] = 0.0
        if spans[c, 0] < spans[c, 1]:
            low, high = _assign_column(points, lines, spans[c], c, offsets, reach, heights, cover.shape[0], square, owner)
            for i in range(samples_per_px):
                for j in range(samples_per_px * (high - low)):
                    if owner[i, j] >= 0:
                        column[low + j // samples_per_px] += coverage(math.sqrt(square[i, j]), radius, blur)
        cover[:, c] = column / samples_per_px**2


@jit
def _assign_column(points, lines, span, column, offsets, reach, heights, rows, square, owner):
    """Call `assign_points` for all points of a pixel column. Returns the range of pixel rows near the segments of the span.

    The first elements of `square` and `owner` (samples_per_px, samples_per_px * rows) become those of the first row of this range.
    """
    low, high = _rows(points, span, reach + 0.5, rows)
    high = max(low, high)
    inside = len(offsets) * (high - low)
    for i in range(len(offsets)):
        assign_points(lines, span, column + offsets[i], low, reach, heights[:inside], square[i, :inside], owner[i, :inside])
    return low, high


@jit
def _rows(points, span, reach, height):
    """The range of pixel rows that the segments of a span touch if they are widened by `reach`."""
    low, high = np.inf, -np.inf
    for k in range(span[0], span[1] + 1):
        y = points[k, 1]  # NaN where the pen is lifted; both comparisons are then false.
        low, high = y if y < low else low, y if y > high else high
    return max(math.ceil(low - reach), 0), min(math.floor(high + reach) + 1, height)


@jit
def _any_owner(owner):
    """Whether any point of a pixel is near a segment."""
    for i in range(owner.shape[0]):
        for j in range(owner.shape[1]):
            if owner[i, j] >= 0:
                return True
    return False


@jit
def _attract(lines, along, span, x, y, seen, near, attract_px, bands, right):
    """Let a pixel of ink outside the stroke attract the nearest point of the polyline. Returns the cost of which this is the gradient.

    The pixel has an effect if its distance is between `near` and `attract_px`, and the effect decreases with the distance.
    """
    k, t, distance = nearest_segment(lines, span, float(x), float(y))
    if k < 0 or distance > attract_px or distance < near:
        return 0.0
    t, ex, ey = foot_point(lines[k], float(x), float(y))
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
    """Add one pixel, whose points are nearest to the segments `owner` (n, n), to the normal equations. Returns its squared difference."""
    share = 1.0 / owner.size
    cover, by_radius, by_blur = 0.0, 0.0, 0.0
    start, stop = len(along), 0
    for i in range(len(offsets)):
        for j in range(len(offsets)):
            k = owner[i, j]
            if k < 0:
                continue
            t, ex, ey = foot_point(lines[k], x + offsets[i], y + offsets[j])
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
    _add_row(row, start, stop, rest, bands, right)
    _add_pen(gain * by_radius, cover, gain * by_blur, rest, pen)
    return rest * rest


@jit
def _add_row(row, start, stop, rest, bands, right):
    """Add one row of J to J'J and J'r, and clear the row.

    An element of J'J beyond the bands is added to the diagonal of both knots instead. Without it the matrix could become indefinite.
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
    """Add one pixel to the normal equations of the pen, given its derivatives by the radius, the gain and the blur."""
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
    """Diagonal of (L L')⁻¹ from the lower diagonals of L, by Takahashi's recursion, which needs only the bands of the inverse."""
    bands, size = factor.shape
    inverse = np.zeros((bands, size))  # inverse[j, k] is the element of k and k + j.
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
