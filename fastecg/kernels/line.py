"""The antialiased stroke of a trace, by exact envelope.

A trace is a function y(x), so the ink of a round pen following it, the graph dilated by a disc, meets every vertical line in one
interval. `stroke_trace` finds that interval in `SUBCOLUMNS` lines per pixel column: the extremes of the discs round the samples and
of the tangents common to neighbouring discs, both in closed form. A pixel's coverage is the mean of its overlaps with the intervals.
No joint is blended twice and no mask is needed, which makes it both more exact and faster than drawing segment by segment.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from fastecg.kernels.jit import jit

# Measured with 4 sub-columns, on the 20,000 samples of a page: capsules by their distance field, combined by maximum, took 2.8 times as
# long; OpenCV's antialiased polyline 15 times, with 1.7 times the ink where segments join; the extremes of the samples in each sub-column
# alone were a quarter faster, but 4 % too wide.
SUBCOLUMNS = 16  # half as many are a sixth faster, but the mean error of a 1 px pen on a QRS complex is 2 of 255 instead of 0.5
_BELOW = 0  # index of the lower edge of the ink
_ABOVE = 1  # index of the upper edge
_LANES = 8  # sub-columns are evaluated in blocks of this length, which LLVM turns into vector code
_FARTHEST = 1e9  # px; samples beyond are pulled back, so that squares of slopes stay finite
_BITS = 12  # heights are integers, in 4096ths of a pixel: they add up exactly, and loops over them become vector code
_UNIT = 1 << _BITS
_FEW = 16  # ink of up to so many rows is summed row by row; a QRS complex has hundreds, and only changes between rows are summed
_THINNEST = 0.15  # px; a thinner pen could slip between the sub-columns, so it is drawn this wide and fainter


def stroke_trace(points_px: np.ndarray, width_px: float, plane: np.ndarray, pen: np.ndarray | None = None) -> tuple[int, int, int, int]:
    """Draw a trace with a round pen into a coverage plane, keeping the larger of old and new coverage.

    Parameters
    ----------
    points_px : (n, 2) array of float
        (x, y) in px, pixel centres at integers, x growing. Points may lie outside the image. A point that is not finite is a gap;
        a sample alone between gaps is a dot of the pen.
    width_px : float
        Width of the pen. Below one pixel the ink shrinks in proportion.
    plane : (height, width) array of uint8, C-contiguous
        Coverage, 0 to 255, changed in place.
    pen : (2, width) array of float32, optional
        For every column of the plane, factors of the pen's width and (0 to 1) of its coverage. A line between two samples is as wide
        as the pen in the column of its middle; factors should change little from one to the next.

    Returns
    -------
    tuple of int
        (top, bottom, left, right), half open: the part of `plane` that may have changed; all 0 if none.
    """
    points_px = np.ascontiguousarray(points_px, dtype=np.float64).reshape(-1, 2)
    if not width_px > 0:
        return (0, 0, 0, 0)
    width_px = min(float(width_px), _FARTHEST)
    drawn_px = max(width_px, _THINNEST)
    pen = _steady(plane.shape[1]) if pen is None else pen
    return _stroke(points_px, drawn_px / 2, width_px / drawn_px, pen, plane)


@functools.lru_cache(maxsize=4)
def _steady(width: int) -> np.ndarray:
    """A pen with the same width and coverage in all columns."""
    pen = np.ones((2, width), np.float32)
    pen.flags.writeable = False
    return pen


@jit
def _stroke(points, radius, opacity, pen, plane):
    """Draw every run of finite points; return the touched rows and columns."""
    height, width = plane.shape
    widest = radius * _most(pen[0]) if width else radius
    top, bottom, left, right = height, 0, width, 0
    stop = 0
    while stop < len(points):
        start = stop
        x_min, x_max = np.inf, -np.inf
        while stop < len(points) and math.isfinite(points[stop, 0]) and math.isfinite(points[stop, 1]):
            x_min = min(x_min, points[stop, 0])
            x_max = max(x_max, points[stop, 0])
            stop += 1
        first = int(min(max(np.floor(x_min + 0.5 - widest), 0.0), float(width)))
        last = int(min(max(np.floor(x_max + 0.5 + widest) + 1.0, 0.0), float(width)))
        if first < last:
            # The edges of the ink. The upper one is counted upwards, so that both are maxima.
            edges = np.empty((2, (last - first) * SUBCOLUMNS + _LANES), np.float32)
            _empty(edges)
            _envelope(points[start:stop], radius, pen[0, first:last], first - 0.5, edges)
            y0, y1 = _fill(edges, first, last, opacity, pen[1], plane)
            top, bottom = min(top, y0), max(bottom, y1)
            left, right = min(left, first), max(right, last)
        stop += 1  # over the gap
    if top >= bottom:
        return 0, 0, 0, 0
    return top, bottom, left, right


@jit
def _most(values):
    """The largest value; NumPy's `max` takes Numba longer to compile."""
    most = values[0]
    for k in range(len(values)):
        most = max(most, values[k])
    return most


@jit
def _empty(edges):
    """Edges that hold no ink."""
    for side in range(edges.shape[0]):
        for k in range(edges.shape[1]):
            edges[side, k] = -np.inf


@jit
def _envelope(points, radius, widths, rim, edges):
    """Raise the edges, whose first sub-column begins at x = `rim`, to the ink of a run.

    The point of a graph that reaches farthest out above X is inside a segment, where the pen's disc touches a tangent parallel to the
    segment, or a corner that bends outward. `lean` is how far back along x that touching point's ink lies. So each side is made of a
    tangent a segment, from lean to lean, and an arc a corner, from the lean of the segment before to that of the segment after.
    Where these are not equally wide, the corner's disc is as wide as the wider.
    """
    last = len(points) - 1
    u, v = _from_rims(points[0], rim)
    half = _half_width(radius, widths, u)
    lean, lean_next = 0.0, 0.0
    for i in range(last):
        u_next, v_next = _from_rims(points[i + 1], rim)
        run, rise = u_next - u, v_next - v
        length = math.sqrt(run * run + rise * rise)
        half_next = _half_width(radius, widths, 0.5 * (u + u_next))
        if length > 0.0:
            lean_next = half_next * rise / length
        if i == 0:
            _arc(edges[_BELOW], u - half_next, u - lean_next, u, v, half_next)
            _arc(edges[_ABOVE], u - half_next, u + lean_next, u, -v, half_next)
        else:
            # Without a branch, which the processor could not predict: noise bends at random.
            side, sign = (_BELOW, 1.0) if lean_next < lean else (_ABOVE, -1.0)
            _arc(edges[side], u - sign * lean, u - sign * lean_next, u, sign * v, max(half, half_next))
        half = half_next
        if run > 0.0:
            slope, apart = rise / run, half * length / run
            _tangent(edges[_BELOW], u - lean_next, u_next - lean_next, u, v + apart, slope)
            _tangent(edges[_ABOVE], u + lean_next, u_next + lean_next, u, apart - v, -slope)
        u, v, lean = u_next, v_next, lean_next
    _arc(edges[_BELOW], u - (lean if last else half), u + half, u, v, half)
    _arc(edges[_ABOVE], u + (lean if last else -half), u + half, u, -v, half)


@jit
def _half_width(radius, widths, u):
    """Half the pen's width at u, counted from the left rim; beyond the image that of its first or last column."""
    return radius * widths[np.uint64(min(max(u, 0.0), len(widths) - 1.0))]


@jit
def _from_rims(point, rim):
    """Return a point counted from the left rim of the sub-columns and the upper rim of the image."""
    return min(max(point[0], -_FARTHEST), _FARTHEST) - rim, min(max(point[1], -_FARTHEST), _FARTHEST) + 0.5


@jit
def _tangent(edge, start, stop, u, level, slope):
    """Raise an edge to a straight line that passes `level` at u, from start to stop."""
    k0, count = _subcolumns(edge, start, stop)
    climb = np.float32(slope / SUBCOLUMNS)
    origin = np.float32(level + slope * ((k0 + 0.5) / SUBCOLUMNS - u))
    base = np.uint64(k0)
    for j in range(_lanes(count)):
        reach = origin + climb * np.float32(np.int32(j))
        reach = reach if np.int32(j) < count else np.float32(-np.inf)
        edge[base + j] = max(edge[base + j], reach)


@jit
def _arc(edge, start, stop, u, v, radius):
    """Raise an edge to the disc round (u, v), at least from start to stop: more of the disc does no harm."""
    k0, count = _subcolumns(edge, start, stop)
    step = np.float32(1.0 / SUBCOLUMNS)
    square = np.float32(radius * radius)
    away = np.float32((k0 + 0.5) / SUBCOLUMNS - u)
    base = np.uint64(k0)
    for j in range(_lanes(count)):
        across = away + np.float32(np.int32(j)) * step
        rest = square - across * across
        reach = np.float32(v) + np.float32(math.sqrt(max(rest, np.float32(0.0))))
        reach = reach if rest >= np.float32(0.0) else np.float32(-np.inf)
        edge[base + j] = max(edge[base + j], reach)


@jit
def _subcolumns(edge, start, stop):
    """Return the first of the sub-columns whose middles lie from start up to stop on the image, and their number."""
    size = float(len(edge) - _LANES)
    k0 = np.int64(min(max(start * SUBCOLUMNS + 0.5, 0.0), size))
    k1 = np.int64(min(max(stop * SUBCOLUMNS + 0.5, 0.0), size))
    return k0, np.int32(max(k1 - k0, 0))


@jit
def _lanes(count):
    """Return `count` rounded up to whole blocks. Unsigned, or LLVM will not vectorise what is indexed with it."""
    return np.uint64(count + _LANES - 1) // np.uint64(_LANES) * np.uint64(_LANES)


@jit
def _fill(edges, first, last, opacity, strengths, plane):
    """Lay the ink between the edges into the plane's columns `first` to `last` and return the touched rows."""
    height = plane.shape[0]
    top, bottom = height, 0
    full = np.float32(255.0 * opacity / (SUBCOLUMNS * _UNIT))
    low, high = np.empty(SUBCOLUMNS, np.int32), np.empty(SUBCOLUMNS, np.int32)
    change = np.zeros(height + 2, np.int32)  # of the coverage from one row to the next
    for column in range(first, last):
        scale = full * strengths[column]
        y0, y1 = _intervals(edges[_BELOW], edges[_ABOVE], (column - first) * SUBCOLUMNS, height, low, high)
        if y1 - y0 <= _FEW:
            for y in range(np.uint64(y0), np.uint64(y1)):
                _raise(plane, y, column, scale, _overlap(low, high, np.int32(np.int32(y) << _BITS)))
        else:
            _steps(change, low, np.int32(1))
            _steps(change, high, np.int32(-1))
            covered = np.int32(0)
            for y in range(np.uint64(y0), np.uint64(y1)):
                covered = np.int32(covered + change[y])
                change[y] = 0
                _raise(plane, y, column, scale, covered)
            change[max(y0, y1)] = 0
        top, bottom = min(top, y0), max(bottom, y1)
    return top, bottom


@jit
def _raise(plane, y, column, scale, covered):
    """Lay the ink of a column's intervals into one pixel."""
    plane[y, column] = max(plane[y, column], np.uint8(scale * np.float32(covered) + np.float32(0.5)))


@jit
def _overlap(low, high, rim):
    """Return how much of the row that begins at `rim` the intervals cover together."""
    covered = np.int32(0)
    for j in range(np.uint64(len(low))):  # a loop of known length would be unrolled instead of becoming vector code
        bottom = min(max(np.int32(high[j] - rim), np.int32(0)), np.int32(_UNIT))
        top = min(max(np.int32(low[j] - rim), np.int32(0)), np.int32(_UNIT))
        covered = np.int32(covered + np.int32(bottom - top))
    return covered


@jit
def _intervals(below, above, k, height, low, high):
    """Take a pixel column's intervals, clipped to the image, in `_UNIT`; return the rows they touch."""
    base = np.uint64(k)
    lowest, highest = np.int32(height << _BITS), np.int32(0)
    for j in range(np.uint64(SUBCOLUMNS)):
        top = min(max(-above[base + j], np.float32(0.0)), np.float32(height))
        bottom = min(max(below[base + j], np.float32(0.0)), np.float32(height))
        low[j] = np.int32(top * np.float32(_UNIT) + np.float32(0.5))
        high[j] = np.int32(bottom * np.float32(_UNIT) + np.float32(0.5))
        lowest, highest = min(lowest, low[j]), max(highest, high[j])
        high[j] = max(high[j], low[j])  # where there is no ink, the steps at the lower rim cancel
    return lowest >> _BITS, (highest + _UNIT - 1) >> _BITS


@jit
def _steps(change, heights, sign):
    """Let the coverage step up or down by a whole pixel at each height: a step inside a row is shared with the next."""
    apart, rests = np.int32(0), np.int32(0)
    for j in range(np.uint64(SUBCOLUMNS)):
        apart |= heights[j] ^ heights[0]
        rests = np.int32(rests + (heights[j] & np.int32(_UNIT - 1)))
    if apart < _UNIT:  # all in one row, as on most of a trace
        row = np.uint64(heights[0] >> _BITS)
        change[row] += np.int32(sign * np.int32(SUBCOLUMNS * _UNIT - rests))
        change[row + np.uint64(1)] += np.int32(sign * rests)
        return
    for j in range(np.uint64(SUBCOLUMNS)):
        row, rest = np.uint64(heights[j] >> _BITS), np.int32(heights[j] & np.int32(_UNIT - 1))
        change[row] += np.int32(sign * np.int32(_UNIT - rest))
        change[row + np.uint64(1)] += np.int32(sign * rest)
