"""A coverage plane resampled through a warp."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel

_BLOCK = 16  # Side of a block in px. Blocks without ink, which are most of a page, are skipped.


@jit
def sample_plane(plane, nodes, cell, out, hold=False):
    """Fill `out` (height, width) uint8 with `plane`, sampled bilinearly at the positions that a lattice gives for its pixels.

    `nodes` (rows, columns, 2) are the positions (x, y) on the plane, in px, of pixels cell * (column - 1, row - 1) of `out`. Outside the
    plane the result falls to 0 within a pixel, and in cells with a corner that is NaN it is 0. With `hold`, the plane's outermost rows and
    columns are repeated once, because `expose` blends the sheet's edge over one pixel.
    """
    out[:] = 0
    has_ink = np.zeros((plane.shape[0] // _BLOCK + 1, plane.shape[1] // _BLOCK + 1), dtype=np.bool_)
    # To look for ink first takes one sequential read, after which nearly all cells can be skipped.
    _find_ink(plane, has_ink)
    for i in range((out.shape[0] + cell - 1) // cell):
        for j in range((out.shape[1] + cell - 1) // cell):
            left, right = _extremes(nodes[i + 1, j + 1, 0], nodes[i + 1, j + 2, 0], nodes[i + 2, j + 1, 0], nodes[i + 2, j + 2, 0])
            top, bottom = _extremes(nodes[i + 1, j + 1, 1], nodes[i + 1, j + 2, 1], nodes[i + 2, j + 1, 1], nodes[i + 2, j + 2, 1])
            if np.isfinite(left + right + top + bottom) and _any_ink(has_ink, left, right, top, bottom):
                corners = nodes[i + 1 : i + 3, j + 1 : j + 3]
                _sample_cell(plane, corners, cell, out[i * cell : (i + 1) * cell, j * cell : (j + 1) * cell], hold)


@subkernel
def _extremes(a, b, c, d):
    """The smallest and the largest of four numbers."""
    return min(min(a, b), min(c, d)), max(max(a, b), max(c, d))


@subkernel
def _find_ink(plane, has_ink):
    """Mark the blocks of `_BLOCK` x `_BLOCK` pixels that have ink."""
    whole = plane.shape[1] // _BLOCK
    for row in range(plane.shape[0]):
        values, marks = plane[row], has_ink[row // _BLOCK]
        for k in range(np.uint64(whole)):
            found = np.uint8(0)
            for i in range(np.uint64(_BLOCK)):  # Without a branch, this loop becomes one vector instruction.
                found |= values[k * np.uint64(_BLOCK) + i]
            marks[k] |= found != 0
        for column in range(whole * _BLOCK, plane.shape[1]):
            marks[whole] |= values[column] != 0


@jit(inline="always")  # In a call, Numba would change the array's reference count for every cell.
def _any_ink(has_ink, left, right, top, bottom):
    """Whether a block of pixels with ink reaches within a pixel of the given range of positions on the plane, px."""
    first_row, last_row = max(int(top) - 1, 0) // _BLOCK, min((int(bottom) + 2) // _BLOCK, has_ink.shape[0] - 1)
    first, last = max(int(left) - 1, 0) // _BLOCK, min((int(right) + 2) // _BLOCK, has_ink.shape[1] - 1)
    found = False
    for i in range(first_row, last_row + 1):
        for j in range(first, last + 1):
            found |= has_ink[i, j]
    return found


@subkernel
def _sample_cell(plane, corners, cell, out, hold):
    """Fill one cell, `out`, whose `corners` (2, 2, 2) are positions on the plane."""
    a, b, c, d = corners[0, 0], corners[0, 1], corners[1, 0], corners[1, 1]
    for y in range(out.shape[0]):
        t = y / cell
        u, v = a[0] + t * (c[0] - a[0]), a[1] + t * (c[1] - a[1])
        right, down = (b[0] + t * (d[0] - b[0]) - u) / cell, (b[1] + t * (d[1] - b[1]) - v) / cell
        for x in range(out.shape[1]):
            out[y, x] = _bilinear(plane, u + x * right, v + x * down, hold)


@jit(inline="always")
def _bilinear(plane, u, v, hold):
    """The plane's value at column u and row v, rounded to a whole number."""
    rows, columns = plane.shape
    total = 0.0
    if -1.0 < u < columns and -1.0 < v < rows:
        if hold:
            u, v = min(max(u, 0.0), columns - 1.0), min(max(v, 0.0), rows - 1.0)
        j, i = int(u + 1.0) - 1, int(v + 1.0) - 1  # rounded down, also below 0
        s, t = u - j, v - i
        total = 0.5
        for di in range(2):
            for dj in range(2):
                if 0 <= i + di < rows and 0 <= j + dj < columns:
                    total += plane[i + di, j + dj] * (s if dj else 1 - s) * (t if di else 1 - t)
    return int(total)
