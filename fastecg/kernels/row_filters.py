"""PNG's Paeth filter. From each byte it subtracts whichever of the left, upper and upper left neighbours (a, b, c) is closest to a + b - c.

Format: Portable Network Graphics, third edition (W3C, 2025), section 9.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel


@jit
def paeth_rows(rows, pixel, out):
    """Filter `rows` (height, n) uint8 into `out` (height, 1 + n); the first byte of a row of `out` is the filter's number, 4.

    `pixel` is the number of bytes of a pixel.
    """
    out[:, 0] = 4
    # By definition, the row above the first one is zero. Encoders try all five filters on every row, which takes five times as long.
    _paeth_row(rows[0], np.zeros(rows.shape[1], np.uint8), pixel, out[0, 1:])
    for y in range(1, rows.shape[0]):
        _paeth_row(rows[y], rows[y - 1], pixel, out[y, 1:])


@subkernel
def _paeth_row(row, above, pixel, out):
    """Filter one row. Its first pixel has no left neighbours, which count as 0, so the upper one is the closest."""
    for x in range(min(pixel, row.size)):
        out[x] = np.uint8(row[x] - above[x])
    # Both rows are passed twice, the second time shifted by a pixel, so that a byte and its three neighbours have the same index.
    _paeth_bytes(row[pixel:], row, above[pixel:], above, out[pixel:])


@subkernel
def _paeth_bytes(row, left, above, corner, out):
    """Filter bytes whose neighbours have the same index in other arrays, because only such loops become vector instructions."""
    for x in range(row.size):
        a, b, c = np.int16(left[x]), np.int16(above[x]), np.int16(corner[x])
        # With p = a + b - c, the distances |p - a|, |p - b| and |p - c| are these, without computing p.
        from_left, from_above = abs(np.int16(b - c)), abs(np.int16(a - c))
        from_corner = abs(np.int16(np.int16(a - c) + np.int16(b - c)))
        nearer = b if from_above <= from_corner else c
        nearest = a if from_left <= min(from_above, from_corner) else nearer
        out[x] = np.uint8(row[x] - np.uint8(nearest))
