"""The antialiased stroke of a trace, by exact envelope.

A trace is a function y(x), so the ink of a round pen following it, the graph dilated by a disc, meets every vertical line in one
interval. `stroke_trace` finds that interval in `SUBCOLUMNS` lines per pixel column: the extremes of the discs round the samples and
of the tangents common to neighbouring discs, both in closed form. A pixel's coverage is the mean of its overlaps with the intervals.
No joint is blended twice and no mask is needed, which makes it both more exact and faster than drawing segment by segment.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit

SUBCOLUMNS = 16  # half as many are a third faster, but the mean error of a 1 px pen on a QRS complex is 2 of 255 instead of 1
_LANES = 8  # the discs are evaluated in blocks of this constant length, which LLVM turns into vector code
_FARTHEST = 1e9  # px; samples beyond are pulled back, so that squares of slopes stay finite
_THINNEST = 0.15  # px; a thinner pen could slip between the sub-columns, so it is drawn this wide and fainter


def stroke_trace(points_px: np.ndarray, width_px: float, plane: np.ndarray) -> tuple[int, int, int, int]:
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
    return _stroke(points_px, drawn_px / 2, width_px / drawn_px, plane)


@jit
def _stroke(points, radius, opacity, plane):
    """Draw every run of finite points; return the touched rows and columns."""
    height, width = plane.shape
    below = np.full(width * SUBCOLUMNS + _LANES, -np.inf, np.float32)  # lower edge of the ink
    above = np.full(width * SUBCOLUMNS + _LANES, -np.inf, np.float32)  # upper edge, negated, so that both are maxima
    top, bottom, left, right = height, 0, width, 0
    stop = 0
    while stop < len(points):
        start = stop
        x_min, x_max = np.inf, -np.inf
        while stop < len(points) and math.isfinite(points[stop, 0]) and math.isfinite(points[stop, 1]):
            x_min = min(x_min, points[stop, 0])
            x_max = max(x_max, points[stop, 0])
            stop += 1
        first = int(min(max(np.floor(x_min + 0.5 - radius), 0.0), float(width)))
        last = int(min(max(np.floor(x_max + 0.5 + radius) + 1.0, 0.0), float(width)))
        if first < last:
            _edge(points[start:stop], radius, 1.0, below)
            _edge(points[start:stop], radius, -1.0, above)
            y0, y1 = _fill(below, above, first, last, opacity, plane)
            top, bottom = min(top, y0), max(bottom, y1)
            left, right = min(left, first), max(right, last)
        stop += 1  # over the gap
    if top >= bottom:
        return 0, 0, 0, 0
    return top, bottom, left, right


@jit
def _edge(points, radius, sign, edge):
    """Raise `edge` to one side of the ink of a run: the largest `sign` * y in every sub-column, y counted from the image's rim."""
    last = float(len(edge) - _LANES - 1)
    step = np.float32(1.0 / SUBCOLUMNS)
    square = np.float32(radius * radius)
    u_before, v_before = 0.0, 0.0
    for i in range(len(points)):
        u = min(max(points[i, 0], -_FARTHEST), _FARTHEST) + 0.5
        v = sign * (min(max(points[i, 1], -_FARTHEST), _FARTHEST) + 0.5)
        # The disc, in whole blocks: lanes beyond it are lowered to -inf and change nothing. Unsigned, or LLVM will not vectorise.
        k0 = np.int64(max(np.ceil((u - radius) * SUBCOLUMNS - 0.5), 0.0))
        k1 = np.int64(min(np.floor((u + radius) * SUBCOLUMNS - 0.5), last))
        lanes = np.uint64(((k1 - k0) // _LANES + 1) * _LANES) if k1 >= k0 else np.uint64(0)
        away = np.float32((k0 + 0.5) / SUBCOLUMNS - u)
        base = np.uint64(k0)
        for j in range(lanes):
            across = away + np.float32(np.int32(j)) * step
            rest = square - across * across
            reach = np.float32(v) + np.float32(math.sqrt(max(rest, np.float32(0.0))))
            reach = reach if rest >= np.float32(0.0) else np.float32(-np.inf)
            edge[base + j] = max(edge[base + j], reach)
        # The tangent it shares with the disc before.
        if i > 0 and u > u_before:
            slope = (v - v_before) / (u - u_before)
            stretch = math.sqrt(1.0 + slope * slope)
            shift = radius * slope / stretch
            k0 = np.uint64(min(max(np.ceil((u_before - shift) * SUBCOLUMNS - 0.5), 0.0), last + 1.0))
            k1 = np.uint64(max(min(np.floor((u - shift) * SUBCOLUMNS - 0.5), last) + 1.0, 0.0))
            climb = slope / SUBCOLUMNS
            level = v_before + slope * (0.5 / SUBCOLUMNS - u_before) + radius * stretch
            for k in range(k0, k1):
                edge[k] = max(edge[k], np.float32(level + climb * np.int64(k)))
        u_before, v_before = u, v


@jit
def _fill(below, above, first, last, opacity, plane):
    """Lay the ink between the edges into the plane's columns `first` to `last`, forget the edges, and return the touched rows."""
    height = plane.shape[0]
    top, bottom = height, 0
    scale = np.float32(255.0 * opacity / SUBCOLUMNS)
    opaque = np.uint8(255.0 * opacity + 0.5)
    for column in range(first, last):
        k = column * SUBCOLUMNS
        lowest, highest = np.float32(-np.inf), np.float32(-np.inf)
        inner_low, inner_high = np.float32(np.inf), np.float32(np.inf)
        for j in range(k, k + SUBCOLUMNS):
            lowest, inner_low = max(lowest, below[j]), min(inner_low, below[j])
            highest, inner_high = max(highest, above[j]), min(inner_high, above[j])
        y0 = int(min(max(-highest, np.float32(0.0)), np.float32(height)))
        y1 = int(min(max(np.ceil(lowest), np.float32(0.0)), np.float32(height)))
        full0 = int(min(max(np.ceil(-inner_high), np.float32(y0)), np.float32(y1)))
        full1 = int(min(max(np.floor(inner_low), np.float32(full0)), np.float32(y1)))
        for y in range(full0, full1):
            plane[y, column] = max(plane[y, column], opaque)
        for rim in range(2):
            for y in range(y0 if rim == 0 else full1, full0 if rim == 0 else y1):
                covered = np.float32(0.0)
                for j in range(k, k + SUBCOLUMNS):
                    overlap = min(below[j], np.float32(y + 1)) - max(-above[j], np.float32(y))
                    covered += max(overlap, np.float32(0.0))
                plane[y, column] = max(plane[y, column], np.uint8(scale * covered + np.float32(0.5)))
        if y0 < y1:
            top, bottom = min(top, y0), max(bottom, y1)
        below[k : k + SUBCOLUMNS] = -np.inf
        above[k : k + SUBCOLUMNS] = -np.inf
    return top, bottom
