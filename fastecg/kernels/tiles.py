"""A repeating pattern laid out at any angle and scale."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def paint_cells(picture, shown, cell, tile, ramp, start_x, start_y, along, down):
    """Paint the lattice cells marked in `shown` (rows, columns) with a pattern.

    Cell (i, j) covers pixels from cell * (j - 1, i - 1) on. `tile` (n, n) uint8, n a power of two, is read bilinearly at
    start + x * (along, -down) + y * (down, along) tile pixels, and `ramp` (256, 3) uint8 turns it into colours.
    """
    height, width = picture.shape[:2]
    mask = np.int64(len(tile) - 1)
    step_u, step_v = np.int64(round(along * 65536)), np.int64(round(-down * 65536))
    for y in range(height):
        i = y // cell + 1
        for j in range(1, shown.shape[1]):
            left, right = cell * (j - 1), min(cell * j, width)
            if not shown[i, j] or left >= right:
                continue
            u = np.int64((start_x + left * along + y * down) * 65536)
            v = np.int64((start_y - left * down + y * along) * 65536)
            for x in range(left, right):
                a, b = (u >> 16) & mask, (v >> 16) & mask
                s, t = (u >> 8) & 255, (v >> 8) & 255
                c, d = (a + 1) & mask, (b + 1) & mask
                top = np.int64(tile[b, a]) * (256 - s) + np.int64(tile[b, c]) * s
                low = np.int64(tile[d, a]) * (256 - s) + np.int64(tile[d, c]) * s
                level = (top * (256 - t) + low * t + 32768) >> 16
                picture[y, x, 0] = ramp[level, 0]
                picture[y, x, 1] = ramp[level, 1]
                picture[y, x, 2] = ramp[level, 2]
                u += step_u
                v += step_v
