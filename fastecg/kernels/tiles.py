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
    mask, byte, one = np.uint32(len(tile) - 1), np.uint32(255), np.uint32(1)
    step_u, step_v = np.uint32(np.int64(round(along * 65536))), np.uint32(np.int64(round(-down * 65536)))
    for y in range(height):
        row, flags, j = picture[y], shown[y // cell + 1], 1
        while j < len(flags):
            if not flags[j]:
                j += 1
                continue
            left = cell * (j - 1)
            while j < len(flags) and flags[j]:
                j += 1
            u = np.uint32(np.int64((start_x + left * along + y * down) * 65536))
            v = np.uint32(np.int64((start_y - left * down + y * along) * 65536))
            for x in range(left, min(cell * (j - 1), width)):
                a, b = np.uint32((u >> np.uint32(16)) & mask), np.uint32((v >> np.uint32(16)) & mask)
                c, d = np.uint32(np.uint32(a + one) & mask), np.uint32(np.uint32(b + one) & mask)
                s, t = np.int32((u >> np.uint32(8)) & byte), np.int32((v >> np.uint32(8)) & byte)
                upper = _between(tile[b, a], tile[b, c], s)
                level = (_between(upper, _between(tile[d, a], tile[d, c], s), t) + 32768) >> 16
                row[x, 0] = ramp[level, 0]
                row[x, 1] = ramp[level, 1]
                row[x, 2] = ramp[level, 2]
                u = np.uint32(u + step_u)
                v = np.uint32(v + step_v)


@jit(inline="always")
def _between(first, second, share):
    """256 times the value that lies `share` / 256 of the way from first to second."""
    return np.int32(np.int32(first) * np.int32(256) + np.int32((np.int32(second) - np.int32(first)) * share))
