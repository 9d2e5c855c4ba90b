"""Follow traces through the ink of a page: the cheapest path from left to right, and the assignment of ink to rows of traces."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def cheapest_path(ink, bias, paper, climb, tops, bottoms):
    """Find the cheapest path from the first column of `ink` (height, width), 0 to 1, to the last one.

    A path goes one column to the right at a time, and up or down within a column. A step to the right costs ``1 - ink`` at the pixel that
    it reaches plus the `bias` (height,) of that pixel's row. A step up or down costs `climb` plus `paper` times ``1 - ink`` at the pixel
    that it reaches. So a path on full ink costs only the `bias` and the `climb`. A path may begin and end in any row; in the first column
    the `bias` counts twice. `tops` and `bottoms` (width,) get the uppermost and the lowest row of the path in every column.
    """
    height, width = ink.shape
    cost = np.empty(height, dtype=np.float64)
    entry = np.empty((width, height), dtype=np.int32)  # the row at which the best path to a pixel enters the pixel's column
    for y in range(height):
        cost[y] = bias[y]
    # Dynamic programming, column by column: one pass down and one up find the best path within a column, of any number of steps.
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
        entry_row = entry[x, row]
        tops[x] = min(row, entry_row)
        bottoms[x] = max(row, entry_row)
        row = entry_row


@jit
def share_ink(ink, least, owners):
    """Assign every pixel with `ink` (height, width) of at least `least` to the nearest owner (a row of traces) with which it is connected.

    `owners` (height, width) uint8 has the number of the owner at pixels whose owner is known and 0 elsewhere, and is filled in. The
    distance of a pixel from an owner is the smallest number of sideways steps, straight or oblique, on a way over ink from a pixel to one
    of its eight neighbours. Steps up and down do not count. So where spikes of two rows overlap, each tip belongs to the row from which it
    rises straight. Ink that is connected with no owner keeps 0, and owners at pixels with less ink are not spread.
    """
    height, width = ink.shape
    # A breadth-first search from all owners at once: all pixels of one distance, then those of the next.
    near, far = np.empty(height * width, dtype=np.int64), np.empty(height * width, dtype=np.int64)
    count = 0
    for y in range(height):
        for x in range(width):
            if owners[y, x] and ink[y, x] >= least:
                near[count] = y * width + x
                count += 1
    while count:
        k = 0
        while k < count:  # The list grows by the pixels above and below.
            y, x = near[k] // width, near[k] % width
            for ny in (y - 1, y + 1):
                if 0 <= ny < height and owners[ny, x] == 0 and ink[ny, x] >= least:
                    owners[ny, x] = owners[y, x]
                    near[count] = ny * width + x
                    count += 1
            k += 1
        further = 0
        for k in range(count):
            y, x = near[k] // width, near[k] % width
            for ny in range(max(y - 1, 0), min(y + 2, height)):
                for nx in (x - 1, x + 1):
                    if 0 <= nx < width and owners[ny, nx] == 0 and ink[ny, nx] >= least:
                        owners[ny, nx] = owners[y, x]
                        far[further] = ny * width + nx
                        further += 1
        near, far = far, near
        count = further


@jit
def spread_owners(owners, reach, bits):
    """Set bit k - 1 of `bits` (height, width) uint32 at every pixel of owner k (1 to 32), and at pixels without owner near it.

    `owners` (height, width) uint8 is 0 at pixels without owner. These get the bits of all owners at most `reach` px away along both axes.
    """
    height, width = owners.shape
    for y in range(height):
        for x in range(width):
            if owners[y, x]:
                bit = np.uint32(1) << np.uint32(owners[y, x] - 1)
                for ny in range(max(y - reach, 0), min(y + reach + 1, height)):
                    for nx in range(max(x - reach, 0), min(x + reach + 1, width)):
                        if owners[ny, nx] == 0 or owners[ny, nx] == owners[y, x]:
                            bits[ny, nx] |= bit


@jit
def ink_beside(ink, tops, bottoms, reach, largest, sums):
    """Write the largest `ink` (height, width) and the sum of the ink in every column to `largest` and `sums`.

    Pixels from `reach` px above `tops` to `reach` px below `bottoms` count.
    """
    for x in range(min(len(tops), ink.shape[1])):
        large, total = 0.0, 0.0
        for y in range(max(tops[x] - reach, 0), min(bottoms[x] + reach + 1, ink.shape[0])):
            large = max(large, ink[y, x])
            total += ink[y, x]
        largest[x], sums[x] = large, total
