"""Shifts of a scan's colours by fractions of a pixel, and lines of uneven brightness; in place."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def move_colours(rows, red, blue, lines):
    """Move red and blue of rows (height, 3 * width) down by so many 256ths of a pixel, and add `lines`, 256ths of a level, to each row."""
    height = len(rows)
    above, here = rows[0].copy(), rows[0].copy()
    for y in range(height):
        row, below = rows[y], rows[min(y + 1, height - 1)]
        # Two buffers alternate, so that each row is copied once, before it is overwritten.
        above, here = here, above
        for i in range(len(row)):
            here[i] = row[i]
        if y == 0:
            for i in range(len(row)):
                above[i] = row[i]
        _mixed(row, 0, here, above if red > 0 else below, abs(red), lines[y])
        _mixed(row, 1, here, here, 0, lines[y])
        _mixed(row, 2, here, above if blue > 0 else below, abs(blue), lines[y])


@jit
def move_colours_across(rows, red, blue, columns):
    """Move red and blue of rows (height, 3 * width) to the right by so many 256ths of a pixel, and add `columns` to each column."""
    width = rows.shape[1] // 3
    # A copy of the row: its values are replaced while their neighbours are still needed.
    here = rows[0].copy()
    for y in range(len(rows)):
        row = rows[y]
        for i in range(len(row)):
            here[i] = row[i]
        for channel in range(3):
            share = red if channel == 0 else blue if channel == 2 else 0
            step, more = (-1 if share > 0 else 1), np.int32(abs(share))
            rest = np.int32(256 - more)
            for x in range(width):
                beside = min(max(x + step, 0), width - 1)
                value = np.int32(here[3 * x + channel]) * rest + np.int32(here[3 * beside + channel]) * more + np.int32(128) + columns[x]
                row[3 * x + channel] = np.uint8(min(max(np.int32(value) >> np.int32(8), np.int32(0)), np.int32(255)))


@jit
def _mixed(row, channel, here, other, share, added):
    rest, more, half = np.int32(256 - share), np.int32(share), np.int32(np.int32(128) + added)
    for x in range(len(row) // 3):
        i = 3 * x + channel
        value = np.int32(np.int32(here[i]) * rest + np.int32(other[i]) * more + half) >> np.int32(8)
        row[i] = np.uint8(min(max(value, np.int32(0)), np.int32(255)))
