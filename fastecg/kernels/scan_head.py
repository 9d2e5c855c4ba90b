"""Faults of a scan head: colours that are shifted by fractions of a pixel, and lines of uneven brightness."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel

_LIMIT = 64 * 256  # Largest change of a line, in 256ths of a level. The sum with 60 times a difference of 255 fits 16 bits.


def move_colours(pixels: np.ndarray, red: int, blue: int, lines: np.ndarray, along_x: bool) -> None:
    """Move red and blue of (height, width, 3) uint8 down or to the right, and make rows or columns brighter or darker, in place.

    Parameters
    ----------
    pixels : ndarray
    red, blue : int
        Shift of each colour in 256ths of a pixel, -60 to 60; below 0 it is up or to the left.
    lines : ndarray, shape (height,), or (width,) if `along_x`, int32
        Brightness that is added to each row or column, in 256ths of a level, limited to -64 to 64 levels.
    along_x : bool
        Whether colours move to the right, and not down.
    """
    rows = pixels.reshape(len(pixels), -1)
    # Shares of the neighbours (above or left, below or right) for every value of a row, so that one loop treats all three colours.
    before, after = np.zeros((2, rows.shape[1]), dtype=np.int16)
    for channel, share in ((0, red), (2, blue)):
        (before if share > 0 else after)[channel::3] = abs(share)
    added = np.clip(lines, -_LIMIT, _LIMIT).astype(np.int16)
    if along_x:
        _move_right(rows, before, after, np.repeat(added, 3), np.empty(rows.shape[1] + 6, np.uint8))
    else:
        _move_down(rows, before, after, added, np.empty((2, rows.shape[1]), np.uint8))


@jit
def _move_down(rows, before, after, lines, kept):
    """Move colours down. `kept` (2, values of a row) is scratch for a row and the row above it, before they are changed."""
    last, none = len(rows) - 1, np.zeros(len(before), np.int16)
    _copy_row(rows[0], kept[1])
    for y in range(len(rows)):
        here, above = kept[y % 2], kept[1 - y % 2]
        _copy_row(rows[y], here)
        _mix(rows[y], here, above, rows[min(y + 1, last)], before, after, lines[y], none)


@jit
def _move_right(rows, before, after, columns, line):
    """Move colours to the right. `line` is scratch for a row with its outermost pixels repeated."""
    n, zero = len(before), np.int16(0)
    for y in range(len(rows)):
        _copy_row(rows[y], line[3 : n + 3])
        for c in range(3):
            line[c], line[n + 3 + c] = line[3 + c], line[n + c]
        _mix(rows[y], line[3 : n + 3], line[:n], line[6:], before, after, zero, columns)


@subkernel
def _copy_row(row, out):
    """Do the same as `out[:] = row`, which Numba takes longer to compile."""
    for i in range(np.uint64(len(row))):
        out[i] = row[i]


@subkernel
def _mix(row, here, earlier, later, before, after, added, added_each):
    """Fill `row` with `here` plus shares `before` of `earlier` - `here`, shares `after` of `later` - `here`, and a brightness.

    The brightness is `added` for the row plus `added_each` for each value, and like the shares it is in 256ths. All numbers fit 16 bits.
    """
    for i in range(np.uint64(len(row))):
        level = np.int16(here[i])
        moved = np.int16(np.int16(np.int16(earlier[i]) - level) * before[i]) + np.int16(np.int16(np.int16(later[i]) - level) * after[i])
        rise = np.int16(np.int16(np.int16(moved) + np.int16(added + added_each[i])) + np.int16(128))
        level = np.int16(level + np.int16(rise >> np.int16(8)))
        row[i] = np.uint8(min(max(level, np.int16(0)), np.int16(255)))
