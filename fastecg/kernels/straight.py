"""A plane of ink resampled so that the page's rows are straight."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def sample_straight(plane, lattice, rows, columns, out):
    """Fill `out` (height, width) float32 with `plane`, sampled bilinearly at positions that a lattice gives for its pixels.

    Parameters
    ----------
    plane : ndarray, shape (plane height, plane width)
    lattice : ndarray, shape (lattice rows, lattice columns, 2) float64
        Positions (x, y) on the plane, in px, of the lattice's points. Both numbers of points are at least 2.
    rows, columns : ndarray, shape (height,) and (width,) float64
        Where the rows and columns of `out` are, as fractional indices of the lattice's points.
    out : ndarray, shape (height, width) float32
        Outside the outermost pixels' centres, the plane counts as 0.
    """
    bottom, right = plane.shape[0] - 1, plane.shape[1] - 1
    nodes = np.empty((lattice.shape[1], 2))
    for i in range(out.shape[0]):
        # The positions in this row are interpolated between two rows of the lattice first, and then between its columns.
        k = min(int(rows[i]), lattice.shape[0] - 2)
        below = rows[i] - k
        for j in range(lattice.shape[1]):
            for axis in range(2):
                nodes[j, axis] = (1.0 - below) * lattice[k, j, axis] + below * lattice[k + 1, j, axis]
        for j in range(out.shape[1]):
            n = min(int(columns[j]), lattice.shape[1] - 2)
            after = columns[j] - n
            x = (1.0 - after) * nodes[n, 0] + after * nodes[n + 1, 0]
            y = (1.0 - after) * nodes[n, 1] + after * nodes[n + 1, 1]
            if 0.0 <= x <= right and 0.0 <= y <= bottom:
                left, top = min(int(x), right - 1), min(int(y), bottom - 1)
                s, t = x - left, y - top
                upper = (1.0 - s) * plane[top, left] + s * plane[top, left + 1]
                lower = (1.0 - s) * plane[top + 1, left] + s * plane[top + 1, left + 1]
                out[i, j] = (1.0 - t) * upper + t * lower
            else:
                out[i, j] = 0.0
