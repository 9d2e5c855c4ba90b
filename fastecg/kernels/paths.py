"""Following traces through a page of ink: cheapest paths from left to right, and which ink belongs to which row."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def cheapest_path(ink, bias, paper, climb, lows, highs):
    """The cheapest path from the first column of `ink` (height, width), 0 to 1, to the last.

    A path goes one column to the right at a time, and up or down within a column. A step to the right costs the paper it lands on,
    ``1 - ink``, plus `bias` of its row; a step up or down costs `climb`, and `paper` times the paper it lands on. On ink a path costs
    almost nothing, whatever its direction. `lows` and `highs` (width,) become the least and the largest row of the path in every column.
    """
    height, width = ink.shape
    cost = np.empty(height, dtype=np.float64)
    entry = np.empty((width, height), dtype=np.int32)  # the row at which the path came into the column
    for y in range(height):
        cost[y] = bias[y]
    # Dynamic programming by columns: one pass down and one up find the best climb within a column, whatever its length.
    for x in range(width):
        for y in range(height):
            cost[y] += 1.0 - ink[y, x] + bias[y]
            entry[x, y] = y
        for y in range(1, height):
            reached = cost[y - 1] + climb + paper * (1.0 - ink[y, x])
            if reached < cost[y]:
                cost[y] = reached
                entry[x, y] = entry[x, y - 1]
        for y in range(height - 2, -1, -1):
            reached = cost[y + 1] + climb + paper * (1.0 - ink[y, x])
            if reached < cost[y]:
                cost[y] = reached
                entry[x, y] = entry[x, y + 1]
    row = 0
    for y in range(1, height):
        if cost[y] < cost[row]:
            row = y
    for x in range(width - 1, -1, -1):
        came = entry[x, row]
        lows[x] = min(row, came)
        highs[x] = max(row, came)
        row = came


@jit
def share_ink(ink, least, owners):
    """Assign every pixel of `ink` (height, width) of at least `least` to the nearest owner that it is connected with.

    `owners` (height, width) uint8 has the numbers of owners at pixels whose owner is known, 0 elsewhere, and is filled in. Distances are
    counted in steps to the eight neighbours, over ink alone. Ink that is connected with no owner keeps 0.
    """
    height, width = ink.shape
    # A breadth-first flood from all owners at once: ink goes to the owner from which the way through ink is shortest.
    queue = np.empty(height * width, dtype=np.int64)
    first, last = 0, 0
    for y in range(height):
        for x in range(width):
            if owners[y, x] and ink[y, x] >= least:
                queue[last] = y * width + x
                last += 1
    while first < last:
        y, x = queue[first] // width, queue[first] % width
        first += 1
        for ny in range(max(y - 1, 0), min(y + 2, height)):
            for nx in range(max(x - 1, 0), min(x + 2, width)):
                if owners[ny, nx] == 0 and ink[ny, nx] >= least:
                    owners[ny, nx] = owners[y, x]
                    queue[last] = ny * width + nx
                    last += 1


@jit
def spread_owners(owners, reach, bits):
    """Set bit k - 1 of `bits` (height, width) uint32 wherever a pixel of owner k is at most `reach` px away along both axes."""
    height, width = owners.shape
    for y in range(height):
        for x in range(width):
            if owners[y, x]:
                bit = np.uint32(1) << np.uint32(owners[y, x] - 1)
                for ny in range(max(y - reach, 0), min(y + reach + 1, height)):
                    for nx in range(max(x - reach, 0), min(x + reach + 1, width)):
                        bits[ny, nx] |= bit


@jit
def ink_beside(ink, tops, bottoms, reach, most, mass):
    """The largest ink (height, width) and the sum of it in every column, between `reach` above `tops` and `reach` below `bottoms`."""
    for x in range(min(len(tops), ink.shape[1])):
        large, total = 0.0, 0.0
        for y in range(max(tops[x] - reach, 0), min(bottoms[x] + reach + 1, ink.shape[0])):
            large = max(large, ink[y, x])
            total += ink[y, x]
        most[x], mass[x] = large, total
