"""Find the coverage by the pen's ink, without the grid's ink, from the colours of a picture."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def unmix(picture, paper, cell, weights, offset, grid, major, by_grid, limits, out):
    """Write the pen's coverage at every pixel.

    The ratios of a pixel's colour to that of the paper around it are projected on `weights`, and `offset` is subtracted. The part that the
    network's maps of the grid explain is subtracted as well, because the grid belongs to the ground that the pen covers. The rest is
    divided by the contrast that the ground leaves for the pen, at least a fifth.

    Parameters
    ----------
    picture : (height, width, 3) uint8
    paper : (rows, columns, 3) float32
        Mean colour of bare paper, sRGB 0 to 255, of every `cell` x `cell` pixels.
    cell : int
        In px.
    weights : (3,) float64
        Weights of the ratios of red, green and blue.
    offset : float
        The projection of paper without a grid.
    grid, major : (height, width) float32
        The network's maps of all grid lines and of 5 mm lines, 0 to 1.
    by_grid : (2,) float64
        The change of the projection by full coverage in each map.
    limits : (2,) float64
        Smallest and largest coverage that is written.
    out : (height, width) float32
    """
    height, width = grid.shape
    rows, columns = paper.shape[:2]
    cell_weights = np.empty((columns, 3))  # Weights of red, green and blue in the pixel row at hand, for each column of cells.
    for r in range(height):
        down = min(max((r + 0.5) / cell - 0.5, 0.0), rows - 1.0)
        above = min(int(down), max(rows - 2, 0))
        below = min(above + 1, rows - 1)
        part = down - above
        for c in range(columns):
            for k in range(3):
                # The projection is linear, so the weights are divided by the paper's colour here, instead of every pixel.
                level = paper[above, c, k] + part * (paper[below, c, k] - paper[above, c, k])
                cell_weights[c, k] = weights[k] / max(level, 1.0)
        for c in range(width):
            across = min(max((c + 0.5) / cell - 0.5, 0.0), columns - 1.0)
            left = min(int(across), max(columns - 2, 0))
            right = min(left + 1, columns - 1)
            share = across - left
            total = -offset
            for k in range(3):
                total += picture[r, c, k] * (cell_weights[left, k] + share * (cell_weights[right, k] - cell_weights[left, k]))
            ground = by_grid[0] * grid[r, c] + by_grid[1] * major[r, c]
            # A dark grid leaves little contrast for the pen. With less than a fifth left, noise would be amplified rather than ink.
            total = (total - ground) / max(1.0 - ground, 0.2)
            out[r, c] = min(max(total, limits[0]), limits[1])
