"""A pattern that repeats, painted at any angle and scale."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel


def with_neighbours(tile: np.ndarray) -> np.ndarray:
    """Each pixel of a tile (n, n) uint8 with its right, lower and lower right neighbours, as four bytes of a number, (n, n) uint32.

    The pixel itself is in the lowest byte. The tile repeats: the neighbour of the last pixel of a row is the first, and so for columns.
    """
    rows = np.array(tile, np.uint32, order="C")
    rows |= np.roll(rows, -1, axis=1) << np.uint32(8)
    return rows | np.roll(rows, -1, axis=0) << np.uint32(16)


@jit
def paint_cells(picture, shown, cell, fours, ramp, start_x, start_y, along, down):
    """Paint the lattice cells marked in `shown` (rows, columns) with a pattern.

    Cell (i, j) covers pixels from cell * (j - 1, i - 1) on. The pattern is a tile (n, n), n a power of two, and `fours` is its
    `with_neighbours`. A pixel (x, y) has the level of the tile at (column, row) = start + x * (along, -down) + y * (down, along), bilinear
    between the tile's pixels, and the colour of that level in `ramp` (256, 3) uint8.
    """
    height, width = picture.shape[:2]
    # Each step is done for a whole run of pixels, so that all steps but the look-up of colours become vector instructions.
    flat, places, shares, chosen = fours.reshape(-1), np.empty(width, np.uint32), np.empty(width, np.uint32), np.empty(width, np.uint32)
    # Positions have 16 binary digits after the point, modulo 2**32, so that they wrap around the tile without a check.
    step_u, step_v = np.uint32(np.int64(round(along * 65536))), np.uint32(np.int64(round(-down * 65536)))
    for y in range(height):
        row, flags, j = picture[y].reshape(-1), shown[y // cell + 1], 1
        while j < len(flags):
            if not flags[j]:
                j += 1
                continue
            left = cell * (j - 1)
            while j < len(flags) and flags[j]:
                j += 1
            u = np.uint32(np.int64((start_x + left * along + y * down) * 65536))
            v = np.uint32(np.int64((start_y - left * down + y * along) * 65536))
            count = max(min(cell * (j - 1), width) - left, 0)
            _locate(u, v, step_u, step_v, len(fours), places[:count], shares[:count])
            for i in range(count):
                chosen[i] = flat[places[i]]
            _mix(chosen[:count], shares[:count], places[:count])  # From here on, `places` holds levels.
            _colour(places[:count], ramp, row[3 * left : 3 * (left + count)])


@subkernel
def _locate(u, v, step_u, step_v, n, places, shares):
    """Write the indices into a tile (n, n), for pixels from (u, v) on, to `places`, and the weights of the next tile pixels to `shares`.

    Positions are in units of 1 / 65536 tile pixel. A share has the right neighbour's weight, in 256ths, in its lower 16 bits, and the lower
    neighbour's weight in its upper 16 bits.
    """
    mask, byte = np.uint32(n - 1), np.uint32(255)
    for i in range(len(places)):
        x, y = np.uint32(u + np.uint32(step_u * np.uint32(i))), np.uint32(v + np.uint32(step_v * np.uint32(i)))
        row, column = np.uint32((y >> np.uint32(16)) & mask), np.uint32((x >> np.uint32(16)) & mask)
        places[i] = np.uint32(np.uint32(row * np.uint32(n)) + column)
        shares[i] = np.uint32((x >> np.uint32(8)) & byte) | np.uint32(np.uint32((y >> np.uint32(8)) & byte) << np.uint32(16))


@subkernel
def _mix(fours, shares, levels):
    """Write levels, 0 to 255, between four tile pixels: both rows are interpolated at once, as two sums of 16 bits, and then added up."""
    pairs, half, whole = np.uint32(0xFF00FF), np.uint32(0xFFFF), np.uint32(256)
    for i in range(len(levels)):
        four, right, down = fours[i], np.uint32(shares[i] & half), np.uint32(shares[i] >> np.uint32(16))
        first, second = np.uint32(four & pairs), np.uint32((four >> np.uint32(8)) & pairs)
        rows = np.uint32(np.uint32(first * np.uint32(whole - right)) + np.uint32(second * right))
        upper, lower = np.uint32(rows & half), np.uint32(rows >> np.uint32(16))
        total = np.uint32(np.uint32(upper * np.uint32(whole - down)) + np.uint32(lower * down))
        levels[i] = np.uint32(total + np.uint32(32768)) >> np.uint32(16)


@subkernel
def _colour(levels, ramp, row):
    """Write the colours (3 * count,) of levels (count,)."""
    for i in range(len(levels)):
        level = levels[i]
        row[3 * i] = ramp[level, 0]
        row[3 * i + 1] = ramp[level, 1]
        row[3 * i + 2] = ramp[level, 2]
