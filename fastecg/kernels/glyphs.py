"""Blitting of glyphs: a mask drawn once, large, is averaged over the pixels it falls on, at its exact place."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit


@jit
def blit_glyph(plane, sums, left, top, step):
    """Max-combine a glyph into `plane`, each pixel the mean of the glyph's mask over the pixel's square.

    Parameters
    ----------
    plane : ndarray, shape (height, width) uint8
    sums : ndarray, shape (rows + 1, columns + 1) int32
        Summed-area table of the mask (0..255): ``sums[r, c]`` is the sum of its first r rows and c columns.
    left, top : float
        Where the mask's corner falls on the plane, px, the corner of pixel (0, 0) being 0.
    step : float
        Mask cells a plane pixel.
    """
    rows, columns = sums.shape[0] - 1, sums.shape[1] - 1
    first_row, last_row = max(0, math.floor(top)), min(plane.shape[0], math.ceil(top + rows / step))
    first, last = max(0, math.floor(left)), min(plane.shape[1], math.ceil(left + columns / step))
    share = 1.0 / (step * step)
    edge_low = np.empty(columns + 1)
    edge_high = np.empty(columns + 1)
    for y in range(first_row, last_row):
        _row_sums(sums, (y - top) * step, edge_low)
        _row_sums(sums, (y + 1 - top) * step, edge_high)
        before = _between(edge_low, edge_high, (first - left) * step)
        for x in range(first, last):
            after = _between(edge_low, edge_high, (x + 1 - left) * step)
            level = int((after - before) * share + 0.5)
            before = after
            if level > plane[y, x]:
                plane[y, x] = min(level, 255)


@jit
def _row_sums(sums, row, out):
    """Sums over everything above a fractional row, for every column edge."""
    place = min(max(row, 0.0), sums.shape[0] - 1.0)
    r = min(int(place), sums.shape[0] - 2)
    part = place - r
    for c in range(out.shape[0]):
        out[c] = sums[r, c] + part * (sums[r + 1, c] - sums[r, c])


@jit
def _between(low, high, column):
    """Sum between two rows and left of a fractional column."""
    place = min(max(column, 0.0), low.shape[0] - 1.0)
    c = min(int(place), low.shape[0] - 2)
    part = place - c
    here = high[c] - low[c]
    return here + part * ((high[c + 1] - low[c + 1]) - here)
