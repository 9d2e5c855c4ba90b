"""Draw glyphs at exact positions. A large mask of each glyph is made once, and averaged over the pixels on which it falls."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit, subkernel


@jit
def blit_glyph(plane, sums, left, top, step):
    """Draw a glyph into `plane`, keeping the larger coverage. A pixel's coverage is the mean of the glyph's mask over the pixel's square.

    Parameters
    ----------
    plane : ndarray, shape (height, width) uint8
    sums : ndarray, shape (rows + 1, columns + 1) int32
        Summed-area table of the mask (0..255): ``sums[r, c]`` is the sum of its first r rows and c columns.
    left, top : float
        Position of the mask's top left corner on the plane, px from the top left corner of pixel (0, 0).
    step : float
        Number of cells of the mask per pixel of the plane.
    """
    rows, columns = sums.shape[0] - 1, sums.shape[1] - 1
    first_row, stop_row = max(0, math.floor(top)), min(plane.shape[0], math.ceil(top + rows / step))
    first, stop = max(0, math.floor(left)), min(plane.shape[1], math.ceil(left + columns / step))
    # A summed-area table gives exact box means at any scale; drawing the font at the final size would round it to whole pixels.
    share = 1.0 / (step * step)
    # Only those columns of the table that lie at the sides of pixels are read, about a tenth of them.
    sides = np.empty(max(stop - first + 1, 1))
    upper_sums, lower_sums = np.empty((len(sides), 2)), np.empty((len(sides), 2))
    for k in range(len(sides)):
        sides[k] = min(max((first + k - left) * step, 0.0), float(columns))
    _row_sums(sums, (first_row - top) * step, sides, upper_sums)
    for y in range(first_row, stop_row):
        _row_sums(sums, (y + 1 - top) * step, sides, lower_sums)
        before = _between(upper_sums[0], lower_sums[0], sides[0], columns)
        for x in range(first, stop):
            k = x + 1 - first
            after = _between(upper_sums[k], lower_sums[k], sides[k], columns)
            level = int((after - before) * share + 0.5)
            before = after
            if level > plane[y, x]:
                plane[y, x] = min(level, 255)
        upper_sums, lower_sums = lower_sums, upper_sums


@subkernel
def _row_sums(sums, row, sides, out):
    """Write the sums of the mask above a fractional row to `out` (n, 2), up to the whole columns just left and just right of each side.

    Sides are positions along the mask, in its cells.
    """
    position = min(max(row, 0.0), sums.shape[0] - 1.0)
    r = min(int(position), sums.shape[0] - 2)
    part = position - r
    for k in range(len(sides)):
        c = min(int(sides[k]), sums.shape[1] - 2)
        for i in range(2):
            out[k, i] = sums[r, c + i] + part * (sums[r + 1, c + i] - sums[r, c + i])


@subkernel
def _between(upper, lower, side, columns):
    """The sum of the mask between two fractional rows, up to a side.

    `upper` and `lower` hold each row's two sums of `_row_sums`, between which the sum up to the side is linear.
    """
    part = side - min(int(side), columns - 1)
    here = lower[0] - upper[0]
    return here + part * ((lower[1] - upper[1]) - here)
