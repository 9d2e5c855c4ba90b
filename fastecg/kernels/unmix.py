"""Coverage by the pen's ink from the colours of a picture, without the grid."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def unmix(picture, paper, cell, weights, offset, grid, major, by_grid, limits, out):
    """Write the pen's coverage at every pixel.

    The ratio of the colour and that of the paper around it is projected on `weights`. What the grid explains, by its maps, is subtracted:
    it belongs to the ground that the pen covers.

    Parameters
    ----------
    picture : (height, width, 3) uint8
    paper : (rows, columns, 3) float32
        Mean colour of bare paper, sRGB 0 to 255, of every `cell` x `cell` pixels.
    cell : int
    weights : (3,) float64
        Weights of the three ratios.
    offset : float
        The mean projection of bare paper.
    grid, major : (height, width) float32
        The network's maps.
    by_grid : (2,) float64
        What full coverage by each map adds to the projection.
    limits : (2,) float64
        Smallest and largest coverage that is written.
    out : (height, width) float32
    """
    height, width = grid.shape
    rows, columns = paper.shape[:2]
    own = np.empty((columns, 3))
    for r in range(height):
        at = min(max((r + 0.5) / cell - 0.5, 0.0), rows - 1.0)
        above = min(int(at), max(rows - 2, 0))
        below = min(above + 1, rows - 1)
        part = at - above
        for c in range(columns):
            for k in range(3):
                # The weights are divided by the paper's colour once per cell, instead of dividing every pixel, since the projection is
                # linear.
                level = paper[above, c, k] + part * (paper[below, c, k] - paper[above, c, k])
                own[c, k] = weights[k] / max(level, 1.0)
        for c in range(width):
            across = min(max((c + 0.5) / cell - 0.5, 0.0), columns - 1.0)
            left = min(int(across), max(columns - 2, 0))
            right = min(left + 1, columns - 1)
            share = across - left
            total = -offset
            for k in range(3):
                total += picture[r, c, k] * (own[left, k] + share * (own[right, k] - own[left, k]))
            ground = by_grid[0] * grid[r, c] + by_grid[1] * major[r, c]
            # A dark grid leaves little contrast for the pen. Below a fifth of it, noise would be amplified rather than ink.
            total = (total - ground) / max(1.0 - ground, 0.2)
            out[r, c] = min(max(total, limits[0]), limits[1])
