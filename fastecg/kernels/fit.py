"""The model of a stroke's ink, and the normal equations of fitting its knots to a picture.

The ink at a point is a smooth step function of the point's distance from the polyline. The ink of a pixel is the mean over
`samples_per_px`² points in it. This mean depends only on the segments nearest to the points, so the normal equations are banded. The
nearest segments are found one column of pixels after another.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit, subkernel

BAND = 12  # Number of off-diagonals of J'J: knots farther apart than this are not coupled (see `_add_row`).
_STRAY = 0.3  # Least coverage at which a pixel outside the stroke attracts the stroke.


@jit
def polyline_segments(points):
    """The segments (n - 1, 5) of a polyline: x and y of the start, the differences to the end, and 1 / length² (0 for a length of 0)."""
    lines = np.empty((len(points) - 1, 5))
    for k in range(len(lines)):
        dx, dy = points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1]
        square = dx * dx + dy * dy
        lines[k, 0], lines[k, 1], lines[k, 2], lines[k, 3] = points[k, 0], points[k, 1], dx, dy
        lines[k, 4] = 0.0 if square == 0.0 else 1.0 / square
    return lines


@jit
def segments_by_column(lines, reach, columns):
    """The range (columns, 2) of segments within `reach` px of the middle of each pixel column, as first and stop, equal if there are none.

    Some segments of a range may be farther away.
    """
    spans = np.zeros((columns, 2), np.int64)
    for k in range(len(lines)):
        first, stop = _columns(lines[k], reach, columns)
        for column in range(first, stop):
            spans[column, 0], spans[column, 1] = spans[column, 0] if spans[column, 1] else k, k + 1
    return spans


@subkernel
def _columns(line, reach, columns):
    """The range of pixel columns that a segment touches if it is widened by `reach`; an empty one if an end is not finite."""
    left, right = line[0] + min(line[2], 0.0) - reach, line[0] + max(line[2], 0.0) + reach
    if not (math.isfinite(left + right) and math.isfinite(line[1] + line[3])):
        return 0, 0
    return min(max(math.ceil(left), 0), columns), max(min(math.floor(right) + 1, columns), 0)


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
        In px.
    heights : (n,) float32
        In px, evenly spaced.
    square : (n,) float32
        Output: square of the distance, px²; `reach`² if no segment is nearer than `reach`.
    owner : (n,) int32
        Output: index of the segment; -1 if none is nearer than `reach`.
    """
    square[:] = reach * reach
    owner[:] = -1
    if not len(heights):
        return
    per_px = 1.0 / (heights[1] - heights[0]) if len(heights) > 1 else 1.0
    for k in range(span[0], span[1]):
        begin, end = lines[k, 1] - top - heights[0], lines[k, 1] + lines[k, 3] - top - heights[0]
        begin, end = (min(begin, end) - reach) * per_px, (max(begin, end) + reach) * per_px
        aside = x - lines[k, 0]
        near = min(lines[k, 2], 0.0) - reach < aside < max(lines[k, 2], 0.0) + reach
        if near and math.isfinite(begin + end) and begin < len(heights) and end > -1.0:
            first, stop = max(math.ceil(begin), 0), min(math.floor(end) + 1, len(heights))
            _compare_segment(lines[k], k, aside, top, heights[first:stop], square[first:stop], owner[first:stop])


@subkernel
def _compare_segment(line, number, aside, top, heights, square, owner):
    """Do `assign_points` for one segment. The loop has no branches and single precision, so that it becomes vector code."""
    ex, down, dx, dy = np.float32(aside), np.float32(line[1] - top), np.float32(line[2]), np.float32(line[3])
    inverse_square, start, end, index = np.float32(line[4]), np.float32(0.0), np.float32(1.0), np.int32(number)
    for j in range(len(heights)):
        ey = heights[j] - down
        t = (ex * dx + ey * dy) * inverse_square
        t = t if t > start else start
        t = t if t < end else end
        fx, fy = ex - t * dx, ey - t * dy
        square_distance = fx * fx + fy * fy
        nearer = square_distance < square[j]
        square[j] = square_distance if nearer else square[j]
        owner[j] = index if nearer else owner[j]


@jit
def nearest_segment(lines, span, x, y):
    """The segment of a span nearest to (x, y): its index, the nearest point as a share of the segment's length, and the distance.

    If there is none, the index is -1 and the distance infinite.
    """
    best, where, least = -1, 0.0, np.inf
    for k in range(span[0], span[1]):
        t, ex, ey = foot_point(lines[k], x, y)
        if ex * ex + ey * ey < least:
            best, where, least = k, t, ex * ex + ey * ey
    return best, where, math.sqrt(least)


@jit
def foot_point(line, x, y):
    """The point of a segment that is nearest to (x, y), as a share (0 to 1) of its length, and the vector from that point to (x, y)."""
    ex, ey = x - line[0], y - line[1]
    t = min(max((ex * line[2] + ey * line[3]) * line[4], 0.0), 1.0)
    return t, ex - t * line[2], ey - t * line[3]


@jit
def step(u):
    """A smooth step from 0 at u = -1 to 1 at u = 1: the integral of a triangle of area 1."""
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
    """Ink, 0 to 1, of a straight stroke at a distance from its centre line; `blur` is half the width of its soft edge. All are in px."""
    return step((radius - distance) / blur) - step((-radius - distance) / blur)


@jit
def normal_equations(ink, points, along, radius, fast, pen, samples_per_px, attract_px, bands, right, border, by_pen):
    """Compute J'J and J'r for the difference r, the ink minus the stroke. Returns the sum of r² plus the cost of stray ink.

    Pixel columns that no segment touches are left out.

    Parameters
    ----------
    ink : (height, width) float32
        Observed coverage, 0 to 1; NaN in pixels that are left out.
    points, along : (n, 2) float64
        Positions of the knots in px, and their derivatives with respect to the knots' heights.
    radius : float
        Half the nominal width of the pen, px.
    fast : (n,) float64
        How fast the pen moves at each knot, 0 to 1. There the stroke is narrower.
    pen : (4,) float64
        Factor of the radius, ink inside the stroke (1 is full coverage), half the width of the stroke's soft edge in px, and the share of
        the radius that is lost where the pen is fastest.
    samples_per_px : int
        Number of points per pixel along x and along y.
    attract_px : float
        Distance in px up to which ink outside the stroke attracts the stroke; 0 for no attraction.
    bands : (BAND + 1, n) float64
        Output: lower diagonals of J'J; ``bands[j, k]`` is the element of knots k and k + j.
    right : (n,) float64
        Output: J'r.
    border : (4, n) float64
        Output: the elements of J'J of a parameter of `pen` (rows, in the same order) and of a height (columns). The first row is for a
        factor of the pen's present radius.
    by_pen : (4, 5) float64
        Output: the upper triangle of J'J, and J'r in the last column, for the same parameters of the pen.
    """
    bands[:] = 0.0
    right[:] = 0.0
    border[:] = 0.0
    by_pen[:] = 0.0
    radii = knot_radii(radius * pen[0], fast, pen[3])
    reach = radius * pen[0] + pen[2]
    lines = polyline_segments(points)
    spans = segments_by_column(lines, reach + 0.5, ink.shape[1])
    row = np.zeros(len(points))  # The row of J of one pixel: the derivatives of its ink with respect to the heights.
    # Positions of the points within a pixel, and in a whole column of pixels, px; pixel centres are at integers.
    offsets = (np.arange(samples_per_px) + 0.5) / samples_per_px - 0.5
    heights = ((np.arange(samples_per_px * ink.shape[0]) + 0.5) / samples_per_px - 0.5).astype(np.float32)
    square, owner = np.empty((samples_per_px, len(heights)), np.float32), np.empty((samples_per_px, len(heights)), np.int32)
    total = 0.0
    for c in range(ink.shape[1]):
        span = spans[c]
        if span[0] == span[1]:
            continue
        top, bottom = _assign_column(points, lines, span, c, offsets, reach, heights, ink.shape[0], square, owner)
        for r in range(ink.shape[0]):
            observed = ink[r, c]
            if math.isnan(observed):
                continue
            pixel_owners = owner[:, samples_per_px * (r - top) : samples_per_px * (r - top + 1)]
            if top <= r < bottom and _any_owner(pixel_owners):
                total += _add_pixel(
                    lines, along, radii, fast, pixel_owners, c, r, observed, pen, offsets, row, bands, right, border, by_pen
                )
                continue
            total += observed * observed
            if attract_px > 0.0 and observed >= _STRAY:
                total += _attract(lines, along, span, c, r, observed, reach + 0.75, attract_px, bands, right)
    return total


@jit
def knot_radii(radius, fast, thin):
    """Radius (n,) of the stroke at each knot, px: `radius`, less a share of up to `thin` of it where the pen is fast."""
    radii = np.empty(len(fast))
    for k in range(len(fast)):
        radii[k] = radius * (1.0 - thin * fast[k])
    return radii


@jit
def draw_stroke(points, radii, blur, samples_per_px, cover):
    """Write the coverage of a stroke, in the model of `normal_equations` with ink 1, into the plane `cover` (height, width) float32.

    `radii` (n,) are half the widths of the stroke at its knots, px; in between they are interpolated linearly.
    """
    reach = radii.max() + blur
    lines = polyline_segments(points)
    spans = segments_by_column(lines, reach + 0.5, cover.shape[1])
    offsets = (np.arange(samples_per_px) + 0.5) / samples_per_px - 0.5
    heights = ((np.arange(samples_per_px * cover.shape[0]) + 0.5) / samples_per_px - 0.5).astype(np.float32)
    square, owner = np.empty((samples_per_px, len(heights)), np.float32), np.empty((samples_per_px, len(heights)), np.int32)
    column = np.empty(cover.shape[0])
    for c in range(cover.shape[1]):
        column[:] = 0.0
        if spans[c, 0] < spans[c, 1]:
            top, bottom = _assign_column(points, lines, spans[c], c, offsets, reach, heights, cover.shape[0], square, owner)
            for i in range(samples_per_px):
                for j in range(samples_per_px * (bottom - top)):
                    k = owner[i, j]
                    if k >= 0:
                        t, _, _ = foot_point(lines[k], c + offsets[i], top + heights[j])
                        radius = radii[k] + t * (radii[k + 1] - radii[k])
                        column[top + j // samples_per_px] += coverage(math.sqrt(square[i, j]), radius, blur)
        cover[:, c] = column / samples_per_px**2


@subkernel
def _assign_column(points, lines, span, column, offsets, reach, heights, rows, square, owner):
    """Call `assign_points` for all points of a pixel column. Returns the range of pixel rows near the segments of the span.

    `square` and `owner` (samples_per_px, samples_per_px * rows) are filled from their first elements on, which belong to the first row of
    this range.
    """
    top, bottom = _rows(points, span, reach + 0.5, rows)
    bottom = max(top, bottom)
    inside = len(offsets) * (bottom - top)
    for i in range(len(offsets)):
        assign_points(lines, span, column + offsets[i], top, reach, heights[:inside], square[i, :inside], owner[i, :inside])
    return top, bottom


@subkernel
def _rows(points, span, reach, height):
    """The range of pixel rows that the segments of a span touch if they are widened by `reach`."""
    y_min, y_max = np.inf, -np.inf
    for k in range(span[0], span[1] + 1):
        y = points[k, 1]  # NaN where the pen is lifted; both comparisons are then false.
        y_min, y_max = y if y < y_min else y_min, y if y > y_max else y_max
    return max(math.ceil(y_min - reach), 0), min(math.floor(y_max + reach) + 1, height)


@subkernel
def _any_owner(owner):
    """Whether any point of a pixel has an owner, that is a segment near it."""
    for i in range(owner.shape[0]):
        for j in range(owner.shape[1]):
            if owner[i, j] >= 0:
                return True
    return False


@subkernel
def _attract(lines, along, span, x, y, observed, near, attract_px, bands, right):
    """Let a pixel with ink outside the stroke attract the nearest point of the polyline. Returns the cost that this adds.

    The pixel has an effect if its distance is between `near` and `attract_px` px. Beyond 2 px the effect decreases with the distance.
    """
    k, t, distance = nearest_segment(lines, span, float(x), float(y))
    if k < 0 or distance > attract_px or distance < near:
        return 0.0
    t, ex, ey = foot_point(lines[k], float(x), float(y))
    # As for r², J'r is half of the decrease of the cost per px of height.
    weight = 1.0 / (max(distance, 2.0) * distance)
    a = weight * (1.0 - t) * (ex * along[k, 0] + ey * along[k, 1])
    b = weight * t * (ex * along[k + 1, 0] + ey * along[k + 1, 1])
    bands[0, k] += a * a
    bands[1, k] += a * b
    bands[0, k + 1] += b * b
    right[k] += a * observed
    right[k + 1] += b * observed
    return observed * (distance if distance < 2.0 else 2.0 + 2.0 * math.log(0.5 * distance))


@subkernel
def _add_pixel(lines, along, radii, fast, owner, x, y, observed, pen, offsets, row, bands, right, border, by_pen):
    """Add one pixel to the normal equations. Returns the square of its difference r.

    `owner` (samples_per_px, samples_per_px) is the segment nearest to each of its points, -1 if none is near.
    """
    share, density, blur, thin = 1.0 / owner.size, pen[1], pen[2], pen[3]
    cover, by_radius, by_blur, by_thin = 0.0, 0.0, 0.0, 0.0
    start, stop = len(along), 0
    for i in range(len(offsets)):
        for j in range(len(offsets)):
            k = owner[i, j]
            if k < 0:
                continue
            t, ex, ey = foot_point(lines[k], x + offsets[i], y + offsets[j])
            distance, radius = math.sqrt(ex * ex + ey * ey), radii[k] + t * (radii[k + 1] - radii[k])
            inner, outer = (radius - distance) / blur, (-radius - distance) / blur
            cover += share * (step(inner) - step(outer))
            slope_inner, slope_outer = slope(inner) / blur, slope(outer) / blur
            wider = share * radius * (slope_inner + slope_outer)
            by_radius += wider
            speed = fast[k] + t * (fast[k + 1] - fast[k])
            by_thin -= wider * speed / (1.0 - thin * speed)
            by_blur -= share * (inner * slope_inner - outer * slope_outer)
            fall = share * density * (slope_inner - slope_outer)  # Decrease of the pixel's ink per px of this point's distance.
            if fall != 0.0 and distance > 1e-9:
                row[k] += fall / distance * (1.0 - t) * (ex * along[k, 0] + ey * along[k, 1])
                row[k + 1] += fall / distance * t * (ex * along[k + 1, 0] + ey * along[k + 1, 1])
                start, stop = min(start, k), max(stop, k + 2)
    residual = observed - density * cover
    slopes = (density * by_radius, cover, density * by_blur, density * by_thin)
    for p in range(4):
        for i in range(start, stop):
            border[p, i] += slopes[p] * row[i]
        for q in range(p, 4):
            by_pen[p, q] += slopes[p] * slopes[q]
        by_pen[p, 4] += slopes[p] * residual
    _add_row(row, start, stop, residual, bands, right)
    return residual * residual


@subkernel
def _add_row(row, start, stop, residual, bands, right):
    """Add one row of J to J'J and J'r, and clear the row.

    The absolute value of an element of J'J beyond the bands is added to the diagonal at both knots instead. Otherwise the matrix could
    become indefinite.
    """
    for i in range(start, stop):
        if row[i] != 0.0:
            right[i] += row[i] * residual
            for j in range(i, stop):
                product = row[i] * row[j]
                if j - i <= BAND:
                    bands[j - i, i] += product
                else:
                    bands[0, i] += abs(product)
                    bands[0, j] += abs(product)
    row[start:stop] = 0.0


@jit
def inverse_diagonal(factor, out):
    """Write the diagonal of (L L')⁻¹ to `out` (n,), by Takahashi's recursion within the bands.

    ``factor[j, k]`` (bands, n) is the element in row k + j and column k of L.
    """
    bands, size = factor.shape
    inverse = np.zeros((bands, size))  # inverse[j, k] is the element of k and k + j.
    for k in range(size - 1, -1, -1):
        for j in range(min(bands, size - k) - 1, -1, -1):
            total = 0.0
            for m in range(1, min(bands, size - k)):
                apart = abs(m - j)
                total -= factor[m, k] * inverse[apart, k + min(m, j)] if apart < bands else 0.0
            if j == 0:
                total += 1.0 / factor[0, k]
            inverse[j, k] = total / factor[0, k]
        out[k] = inverse[0, k]
