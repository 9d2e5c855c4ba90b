"""One coverage plane seen through a warp."""

from __future__ import annotations

from fastecg.kernels.jit import jit


@jit
def sample_plane(plane, nodes, cell, out):
    """out (height, width) = `plane` bilinear at the source pixel that the lattice `nodes` gives; 0 outside and under NaN."""
    rows, columns = plane.shape
    for y in range(out.shape[0]):
        i = y // cell
        t = (y - i * cell) / cell
        for x in range(out.shape[1]):
            j = x // cell
            s = (x - j * cell) / cell
            u = (1 - t) * ((1 - s) * nodes[i + 1, j + 1, 0] + s * nodes[i + 1, j + 2, 0])
            u += t * ((1 - s) * nodes[i + 2, j + 1, 0] + s * nodes[i + 2, j + 2, 0])
            v = (1 - t) * ((1 - s) * nodes[i + 1, j + 1, 1] + s * nodes[i + 1, j + 2, 1])
            v += t * ((1 - s) * nodes[i + 2, j + 1, 1] + s * nodes[i + 2, j + 2, 1])
            out[y, x] = _bilinear(plane, u, v, rows, columns)


@jit
def _bilinear(plane, u, v, rows, columns):
    if not (-1.0 < u < columns and -1.0 < v < rows):  # also refuses NaN
        return 0
    j, i = int(u + 1.0) - 1, int(v + 1.0) - 1
    s, t = u - j, v - i
    total = 0.5
    for di in range(2):
        for dj in range(2):
            if 0 <= i + di < rows and 0 <= j + dj < columns:
                total += plane[i + di, j + dj] * (s if dj else 1 - s) * (t if di else 1 - t)
    return int(total)
