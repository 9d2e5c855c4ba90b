"""The antialiased stroke of a trace, drawn from the exact envelope of its ink.

A trace is a function y(x). The ink of a round pen that follows it is the graph of this function dilated by a disc, so every vertical line
meets it in one interval. `stroke_trace` computes this interval for `SUBCOLUMNS` lines in each pixel column. An interval ends at the discs
around samples, or at the tangents common to neighbouring discs, and both ends have a closed form. The coverage of a pixel is the mean of
its overlaps with the intervals. This is more exact and faster than drawing one segment after another, because nothing is blended twice
where segments meet, and no mask of pixels that are already drawn is needed.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from fastecg.kernels.jit import jit, subkernel

# Measured when there were 4 sub-columns, on the 20,000 samples of a page: capsules by their distance field, combined by maximum, took 2.8
# times as long; OpenCV's antialiased polyline 15 times, with 1.7 times the ink where segments join; the extremes of the samples in each
# sub-column alone were a quarter faster, but 4 % too wide.
SUBCOLUMNS = 16  # Half as many are a sixth faster, but the mean error of a 1 px pen on a QRS complex is 2 of 255 instead of 0.5.
_BELOW = 0  # Index of the lower edge of the ink in an array of edges.
_ABOVE = 1  # Index of the upper edge of the ink in an array of edges.
_BLOCK = 8  # Sub-columns are evaluated in blocks of this length, for which LLVM makes vector code.
_FARTHEST = 1e9  # Largest coordinate in px. Samples beyond it are moved to it, so that squares of slopes stay finite.
_BITS = 12  # Heights are integers in units of 1 / 4096 px, so that sums of them are exact and loops over them become vector code.
_UNIT = 1 << _BITS  # One pixel in these units.
# In a column whose ink touches more rows than this, as in a QRS complex with hundreds of them, only changes from row to row are summed. In
# other columns the overlaps with each row are summed, which is faster for few rows.
_FEW_ROWS = 16
_THINNEST = 0.15  # A thinner pen (px) could fall between two sub-columns, so it is drawn this wide, and fainter in proportion.


def stroke_trace(points_px: np.ndarray, width_px: float, plane: np.ndarray, pen: np.ndarray | None = None) -> tuple[int, int, int, int]:
    """Draw a trace with a round pen into a coverage plane, keeping the larger of old and new coverage.

    Parameters
    ----------
    points_px : (n, 2) array of float
        (x, y) in px with increasing x; pixel centres are at integers. Points may lie outside the plane. A point that is not finite is a
        gap. A single point between gaps gives a dot.
    width_px : float
        Width of the pen; if it is not above 0, nothing is drawn. Pixels under a pen thinner than a pixel are covered in part.
    plane : (height, width) array of uint8, C-contiguous
        Coverage, 0 to 255, changed in place.
    pen : (2, width) array of float32, optional
        For every column of the plane a factor of the pen's width (first row) and one of its coverage, 0 to 1 (second row). The line
        between two samples has the width at its middle, so factors should change little from one sample to the next.

    Returns
    -------
    tuple of int
        The part of `plane` that may have changed, as a half-open range (top, bottom, left, right); all 0 if nothing was drawn.
    """
    points_px = np.ascontiguousarray(points_px, dtype=np.float64).reshape(-1, 2)
    if not width_px > 0:
        return (0, 0, 0, 0)
    width_px = min(float(width_px), _FARTHEST)
    drawn_px = max(width_px, _THINNEST)
    pen = _constant_pen(plane.shape[1]) if pen is None else pen
    return _stroke(points_px, drawn_px / 2, width_px / drawn_px, pen, plane)


@functools.lru_cache(maxsize=4)
def _constant_pen(width: int) -> np.ndarray:
    """A pen with the same width and coverage in all columns."""
    pen = np.ones((2, width), np.float32)
    pen.flags.writeable = False
    return pen


@jit
def _stroke(points, radius, opacity, pen, plane):
    """Draw every run of finite points. Returns the rows and columns that may have changed, as `stroke_trace` does."""
    height, width = plane.shape
    widest = radius * _largest(pen[0]) if width else radius
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
            # The edges of the ink, y in px. For the upper edge -y is stored, so that both edges are found as maxima.
            edges = np.empty((2, (last - first) * SUBCOLUMNS + _BLOCK), np.float32)
            _clear_edges(edges)
            _envelope(points[start:stop], radius, pen[0, first:last], first - 0.5, edges)
            y0, y1 = _fill(edges, first, last, opacity, pen[1], plane)
            top, bottom = min(top, y0), max(bottom, y1)
            left, right = min(left, first), max(right, last)
        stop += 1  # Skip the gap.
    if top >= bottom:
        return 0, 0, 0, 0
    return top, bottom, left, right


@subkernel
def _largest(values):
    """The largest value; NumPy's `max` takes Numba longer to compile."""
    most = values[0]
    for k in range(len(values)):
        most = max(most, values[k])
    return most


@subkernel
def _clear_edges(edges):
    """Set the edges (2, sub-columns) to those of sub-columns without ink."""
    for side in range(edges.shape[0]):
        for k in range(edges.shape[1]):
            edges[side, k] = -np.inf


@subkernel
def _envelope(points, radius, widths, rim, edges):
    """Raise the edges, whose first sub-column begins at x = `rim`, to the envelope of the ink along a run of points.

    The highest and the lowest ink at an x belong to the pen's disc at a point inside a segment or at a corner. Inside a segment, the discs
    have a common tangent that is parallel to the segment. The tangent touches each disc at a point that is shifted along x by `lean` from
    the centre of the disc. So each edge consists of one tangent for each segment, shifted by the segment's lean, and one arc for each
    corner that bends outward, from the lean of the segment before to that of the segment after. If the two segments differ in width, the
    disc at the corner has the width of the wider one. u and v are positions in px from the left and the upper rim.
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
            # The side is chosen without a branch, because the processor could not predict it: noise bends at random.
            side, sign = (_BELOW, 1.0) if lean_next < lean else (_ABOVE, -1.0)
            _arc(edges[side], u - sign * lean, u - sign * lean_next, u, sign * v, max(half, half_next))
        half = half_next
        if run > 0.0:
            slope, distance = rise / run, half * length / run
            _tangent(edges[_BELOW], u - lean_next, u_next - lean_next, u, v + distance, slope)
            _tangent(edges[_ABOVE], u + lean_next, u_next + lean_next, u, distance - v, -slope)
        u, v, lean = u_next, v_next, lean_next
    _arc(edges[_BELOW], u - (lean if last else half), u + half, u, v, half)
    _arc(edges[_ABOVE], u + (lean if last else -half), u + half, u, -v, half)


@subkernel
def _half_width(radius, widths, u):
    """Half the pen's width, px, at u px from the left rim of the columns of `widths`; beyond them, that of the first or last column."""
    return radius * widths[np.uint64(min(max(u, 0.0), len(widths) - 1.0))]


@subkernel
def _from_rims(point, rim):
    """Return how far a point is right of the left rim of the sub-columns, and below the upper rim of the plane, in px."""
    return min(max(point[0], -_FARTHEST), _FARTHEST) - rim, min(max(point[1], -_FARTHEST), _FARTHEST) + 0.5


@subkernel
def _tangent(edge, start, stop, u, level, slope):
    """Raise an edge from `start` to `stop` to a straight line that has the height `level` (v, or -v for the upper edge) at u."""
    k0, count = _subcolumns(edge, start, stop)
    climb = np.float32(slope / SUBCOLUMNS)
    origin = np.float32(level + slope * ((k0 + 0.5) / SUBCOLUMNS - u))
    base = np.uint64(k0)
    for j in range(_whole_blocks(count)):
        reach = origin + climb * np.float32(np.int32(j))
        reach = reach if np.int32(j) < count else np.float32(-np.inf)
        edge[base + j] = max(edge[base + j], reach)


@subkernel
def _arc(edge, start, stop, u, v, radius):
    """Raise an edge to the disc around (u, v), at least from `start` to `stop`. More of the disc does no harm: it is ink as well."""
    k0, count = _subcolumns(edge, start, stop)
    step = np.float32(1.0 / SUBCOLUMNS)
    square = np.float32(radius * radius)
    away = np.float32((k0 + 0.5) / SUBCOLUMNS - u)
    base = np.uint64(k0)
    for j in range(_whole_blocks(count)):
        across = away + np.float32(np.int32(j)) * step
        square_left = square - across * across
        reach = np.float32(v) + np.float32(math.sqrt(max(square_left, np.float32(0.0))))
        reach = reach if square_left >= np.float32(0.0) else np.float32(-np.inf)
        edge[base + j] = max(edge[base + j], reach)


@subkernel
def _subcolumns(edge, start, stop):
    """Return the first sub-column whose middle lies from `start` to `stop` (like u, px) and on the plane, and the number of such ones."""
    size = float(len(edge) - _BLOCK)
    # The middle of sub-column k is at (k + 0.5) / SUBCOLUMNS.
    k0 = np.int64(min(max(start * SUBCOLUMNS + 0.5, 0.0), size))
    k1 = np.int64(min(max(stop * SUBCOLUMNS + 0.5, 0.0), size))
    return k0, np.int32(max(k1 - k0, 0))


@subkernel
def _whole_blocks(count):
    """Return `count` rounded up to whole blocks. The result is unsigned, because LLVM does not vectorise loops over signed indices here."""
    return np.uint64(count + _BLOCK - 1) // np.uint64(_BLOCK) * np.uint64(_BLOCK)


@subkernel
def _fill(edges, first, last, opacity, strengths, plane):
    """Draw the ink between the edges into the plane's columns from `first` up to `last`. Returns the rows that may have changed."""
    height = plane.shape[0]
    top, bottom = height, 0
    full = np.float32(255.0 * opacity / (SUBCOLUMNS * _UNIT))  # Levels per unit of overlap, summed over a column's intervals.
    tops, bottoms = np.empty(SUBCOLUMNS, np.int32), np.empty(SUBCOLUMNS, np.int32)
    change = np.zeros(height + 2, np.int32)  # Change of the coverage from one row to the next.
    for column in range(first, last):
        scale = full * strengths[column]
        y0, y1 = _intervals(edges[_BELOW], edges[_ABOVE], (column - first) * SUBCOLUMNS, height, tops, bottoms)
        if y1 - y0 <= _FEW_ROWS:
            for y in range(np.uint64(y0), np.uint64(y1)):
                _add_pixel(plane, y, column, scale, _overlap(tops, bottoms, np.int32(np.int32(y) << _BITS)))
        else:
            _add_steps(change, tops, np.int32(1))
            _add_steps(change, bottoms, np.int32(-1))
            covered = np.int32(0)
            for y in range(np.uint64(y0), np.uint64(y1)):
                covered = np.int32(covered + change[y])
                change[y] = 0
                _add_pixel(plane, y, column, scale, covered)
            change[max(y0, y1)] = 0
        top, bottom = min(top, y0), max(bottom, y1)
    return top, bottom


@subkernel
def _add_pixel(plane, y, column, scale, covered):
    """Draw the ink of a column's intervals into one pixel, of which they cover `covered` (1 / 4096 px, summed over the sub-columns)."""
    plane[y, column] = max(plane[y, column], np.uint8(scale * np.float32(covered) + np.float32(0.5)))


@subkernel
def _overlap(tops, bottoms, rim):
    """Return the sum of the overlaps of the intervals from `tops` to `bottoms` with the row that begins at `rim`, in 1 / 4096 px."""
    covered = np.int32(0)
    for j in range(np.uint64(len(tops))):  # LLVM would unroll a loop of constant length instead of vectorising it.
        bottom = min(max(np.int32(bottoms[j] - rim), np.int32(0)), np.int32(_UNIT))
        top = min(max(np.int32(tops[j] - rim), np.int32(0)), np.int32(_UNIT))
        covered = np.int32(covered + np.int32(bottom - top))
    return covered


@subkernel
def _intervals(below, above, k, height, tops, bottoms):
    """Write where the ink begins (`tops`) and ends (`bottoms`) in the sub-columns of a pixel column, clipped to the plane.

    The first of these sub-columns is number k; heights are in units of 1 / 4096 px. Returns the range of rows that the ink touches;
    without ink, it is `height` to 0.
    """
    base = np.uint64(k)
    # Row y reaches from y to y + 1 here, because heights are counted from the plane's upper rim.
    y_min, y_max = np.int32(height << _BITS), np.int32(0)
    for j in range(np.uint64(SUBCOLUMNS)):
        top = min(max(-above[base + j], np.float32(0.0)), np.float32(height))
        bottom = min(max(below[base + j], np.float32(0.0)), np.float32(height))
        tops[j] = np.int32(top * np.float32(_UNIT) + np.float32(0.5))
        bottoms[j] = np.int32(bottom * np.float32(_UNIT) + np.float32(0.5))
        y_min, y_max = min(y_min, tops[j]), max(y_max, bottoms[j])
        bottoms[j] = max(bottoms[j], tops[j])  # Without ink both heights are at the lower rim, where their steps cancel.
    return y_min >> _BITS, (y_max + _UNIT - 1) >> _BITS


@subkernel
def _add_steps(change, heights, sign):
    """Add a step of the coverage at each height to `change`: an increase if `sign` is 1, a decrease if it is -1.

    A step inside a row is divided between this row and the next.
    """
    differing, fractions = np.int32(0), np.int32(0)
    for j in range(np.uint64(SUBCOLUMNS)):
        differing |= heights[j] ^ heights[0]
        fractions = np.int32(fractions + (heights[j] & np.int32(_UNIT - 1)))
    if differing < _UNIT:  # All heights are in one row, as on most of a trace.
        row = np.uint64(heights[0] >> _BITS)
        change[row] += np.int32(sign * np.int32(SUBCOLUMNS * _UNIT - fractions))
        change[row + np.uint64(1)] += np.int32(sign * fractions)
        return
    for j in range(np.uint64(SUBCOLUMNS)):
        row, fraction = np.uint64(heights[j] >> _BITS), np.int32(heights[j] & np.int32(_UNIT - 1))
        change[row] += np.int32(sign * np.int32(_UNIT - fraction))
        change[row + np.uint64(1)] += np.int32(sign * fraction)
