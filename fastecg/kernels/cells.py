"""The cells of a raster that a trace runs through."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel


@jit
def mark_crossed_cells(cells, points, size):
    """Mark the cells (rows, columns) bool, `size` mm wide and high, that a trace runs through.

    `points` (n, 2) are the trace's samples (x, y) in mm, ordered by x. In every column of cells that has samples, the cells from the
    lowest to the highest sample are marked, several of them where the trace is steep. The raster begins at (0, 0). Samples beside it count
    in its outermost columns, and samples less than one cell above it in its first row. Of what a column would have farther above the
    raster, or below it, nothing is marked. Gaps (samples that are not finite) are ignored.
    """
    # As samples are ordered by x, one pass is enough: a column of cells is marked once the trace has left it.
    column, y_min, y_max = np.int64(-1), 0.0, 0.0
    for k in range(len(points)):
        x, y = points[k, 0], points[k, 1]
        if not np.isfinite(x + y):
            continue
        here = min(max(int(x / size), 0), cells.shape[1] - 1)
        if here != column:
            if column >= 0:
                _mark(cells, column, y_min, y_max, size)
            column, y_min, y_max = here, y, y
        y_min, y_max = min(y_min, y), max(y_max, y)
    if column >= 0:
        _mark(cells, column, y_min, y_max, size)


@subkernel
def _mark(cells, column, y_min, y_max, size):
    """Mark the cells of a column from y_min to y_max, mm from the raster's top."""
    rows = cells.shape[0]
    for row in range(min(max(int(y_min / size), 0), rows), min(max(int(y_max / size) + 1, 0), rows)):
        cells[row, column] = True
