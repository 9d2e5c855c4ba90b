"""The cells of a raster that a trace runs through."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def mark_crossed_cells(cells, points, size):
    """Mark the cells (rows, columns) bool, `size` mm wide, that a trace with samples (n, 2) runs through.

    In every column of cells those from the lowest to the highest sample are marked, which may be several where the trace is steep. Gaps
    (rows of NaN) are ignored.
    """
    # One pass over the samples, which are ordered by x: a column of cells is marked once the trace has left it.
    column, low, high = np.int64(-1), 0.0, 0.0
    for k in range(len(points)):
        x, y = points[k, 0], points[k, 1]
        if not np.isfinite(x + y):
            continue
        here = min(max(int(x / size), 0), cells.shape[1] - 1)
        if here != column:
            if column >= 0:
                _mark(cells, column, low, high, size)
            column, low, high = here, y, y
        low, high = min(low, y), max(high, y)
    if column >= 0:
        _mark(cells, column, low, high, size)


@jit
def _mark(cells, column, low, high, size):
    rows = cells.shape[0]
    for row in range(min(max(int(low / size), 0), rows), min(max(int(high / size) + 1, 0), rows)):
        cells[row, column] = True
