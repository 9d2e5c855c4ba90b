"""Heights of crumpled paper, and the noise along a line of which waves and tears are made."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.hashing import mixed
from fastecg.kernels.jit import jit

_SKEW = 0.5 * (np.sqrt(3.0) - 1.0)  # Skew factor of the two-dimensional simplex lattice.


@jit
def between_values(values, first, positions, out):
    """Fill `out` with values at `positions`, interpolated with a smoothstep of degree 5 (Perlin 2002).

    `values` belong to the integers from `first` on.
    """
    for k in range(len(positions)):
        whole = np.floor(positions[k])
        share = positions[k] - whole
        share = share * share * share * (share * (6.0 * share - 15.0) + 10.0)
        i = np.uint64(whole - first)
        out[k] = values[i] * (1.0 - share) + values[i + np.uint64(1)] * share


@jit
def facet_noise(table, x, y):
    """Noise in the plane that is linear on the triangles of a simplex lattice with edges of 0.82 (Perlin 2001).

    `table` (rows, columns) holds the values at the lattice's nodes; x and y are not negative.
    """
    # In skewed coordinates (u, v) the lattice consists of squares, each cut into two triangles by the diagonal s = t, where (s, t) is the
    # place in the square.
    skew = (x + y) * _SKEW
    u, v = x + skew, y + skew
    i, j = np.int64(u), np.int64(v)
    s, t = u - i, v - j
    right = np.int64(s > t)  # 1 in the triangle on the right. A branch would be slow, because processors cannot predict it.
    more, less = max(s, t), min(s, t)  # The weights of the triangle's corners are 1 - more, more - less, and less.
    return (1 - more) * table[j, i] + (more - less) * table[j + 1 - right, i + right] + less * table[j + 1, i + 1]


@jit
def add_facets(height, x_mm, y_mm, cell_mm, lift_mm, valleys, seed):
    """Add plane facets of about `cell_mm` across and `lift_mm` high to `height` (rows, columns) mm, in place.

    The heights are `facet_noise`, read at places that two other such noises move by up to 0.55 cells, so that facets stay plane but no two
    are alike. With `valleys`, heights below zero are turned up, which gives long sharp creases along the zero line; the facets are then
    from -0.6 to 1.4 times `lift_mm` high instead of -1 to 1. Noise is read from tables that are made once: a hash at every corner of every
    triangle would take three times as long. x_mm and y_mm are the positions of the columns and the rows.
    """
    cells_across, cells_down = (x_mm[-1] - x_mm[0]) / cell_mm + 2.0, (y_mm[-1] - y_mm[0]) / cell_mm + 2.0
    reach = (cells_across + cells_down) * _SKEW + 3.0
    # Tables 1 and 2 move the point at which table 0 is read. All three begin at the first node; skewing needs up to `reach` more cells.
    tables = np.empty((3, int(cells_down + reach), int(cells_across + reach)))
    for k in range(3):
        for j in range(tables.shape[1]):
            for i in range(tables.shape[2]):
                tables[k, j, i] = mixed(seed + k, i, j)
    for row in range(len(y_mm)):
        y = (y_mm[row] - y_mm[0]) / cell_mm + 0.6  # 0.6, more than the largest move of 0.55, keeps places above 0.
        for column in range(len(x_mm)):
            x = (x_mm[column] - x_mm[0]) / cell_mm + 0.6
            aside, down = facet_noise(tables[1], x, y), facet_noise(tables[2], x, y)
            lift = facet_noise(tables[0], x + 0.55 * aside, y + 0.55 * down)
            height[row, column] += lift_mm * (2.0 * abs(lift) - 0.6 if valleys else lift)


@jit
def add_folding(height, x_mm, y_mm, folds, reach_mm):
    """Add the creases of a sheet that was folded several times to `height` (rows, columns) mm, in place.

    `folds` (n, 4) are the unit normal (x, y), offset (mm) and slope of each fold, in the order in which they were made; a fold is the line
    on which normal · (x, y) is the offset. A crease is about slope * `reach_mm` high, and 1 / e of this at a distance of `reach_mm`.
    A fold lays one side of the sheet on the other, so that the next fold creases both. On the side that was turned over, the next crease
    bends the other way. Across a fold this changes gradually, because paper would tear at a sudden change.
    """
    for row in range(len(y_mm)):
        for column in range(len(x_mm)):
            x, y, facing, lift = x_mm[column], y_mm[row], 1.0, 0.0
            # Each fold mirrors points on its far side to the near side. `facing` is 1 for paper that faces up and -1 for paper turned over.
            for k in range(len(folds)):
                d = folds[k, 0] * x + folds[k, 1] * y - folds[k, 2]  # Distance from the fold, mm; above 0 on its far side.
                away = np.sqrt(d * d + 0.3)  # The crest is rounded over half a millimetre.
                if away < 8 * reach_mm:
                    lift += facing * folds[k, 3] * reach_mm * np.exp(-away / reach_mm)
                if d > 0:
                    x -= 2 * d * folds[k, 0]
                    y -= 2 * d * folds[k, 1]
                facing *= -min(max(d / reach_mm, -1.0), 1.0)
            height[row, column] += lift


@jit
def add_pinches(height, x_mm, y_mm, paths, lifts, widths):
    """Add short creases, as pinching makes them, in place: ridges or valleys that have kinks and end gradually.

    Parameters
    ----------
    height : (rows, columns) float64
        In mm.
    x_mm, y_mm : (columns,), (rows,) float64
        Positions of the nodes, evenly spaced.
    paths : (n, points, 2) float64
        Points along each crease, (x, y) in mm.
    lifts : (n, points) float64
        Height of each crease at these points, mm, linear between them; the caller makes it 0 at both ends.
    widths : (n, 2) float64
        Width of each crease to the right and to the left of its path's direction, mm. On both sides the height
        falls as a parabola that is steep at the crest and level at the foot.
    """
    step_x, step_y = x_mm[1] - x_mm[0], y_mm[1] - y_mm[0]
    for k in range(len(paths)):
        reach = max(widths[k, 0], widths[k, 1])
        # NumPy's `min` and `max` take Numba longer to compile.
        x_min, x_max, y_min, y_max = paths[k, 0, 0], paths[k, 0, 0], paths[k, 0, 1], paths[k, 0, 1]
        for m in range(1, paths.shape[1]):
            x, y = paths[k, m, 0], paths[k, m, 1]
            x_min, x_max, y_min, y_max = min(x_min, x), max(x_max, x), min(y_min, y), max(y_max, y)
        x_min, x_max, y_min, y_max = x_min - reach, x_max + reach, y_min - reach, y_max + reach
        # Only nodes within reach of the crease are visited.
        first_row, stop_row = max(int((y_min - y_mm[0]) / step_y), 0), min(int((y_max - y_mm[0]) / step_y) + 2, len(y_mm))
        first, stop = max(int((x_min - x_mm[0]) / step_x), 0), min(int((x_max - x_mm[0]) / step_x) + 2, len(x_mm))
        for row in range(first_row, stop_row):
            for column in range(first, stop):
                nearest, lift, side = 1e30, 0.0, 0
                for m in range(paths.shape[1] - 1):
                    x0, y0 = paths[k, m, 0], paths[k, m, 1]
                    dx, dy = paths[k, m + 1, 0] - x0, paths[k, m + 1, 1] - y0
                    px, py = x_mm[column] - x0, y_mm[row] - y0
                    t = min(max((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-12), 0.0), 1.0)
                    square = (px - t * dx) ** 2 + (py - t * dy) ** 2
                    if square < nearest:
                        nearest, lift = square, lifts[k, m] + t * (lifts[k, m + 1] - lifts[k, m])
                        side = 0 if dx * py - dy * px >= 0.0 else 1
                fall = 1.0 - np.sqrt(nearest + 0.1) / widths[k, side]  # The crest is rounded over 0.3 mm.
                if fall > 0.0:
                    height[row, column] += lift * fall * fall
