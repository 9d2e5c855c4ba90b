"""Height fields of crumpled paper, and noise along a line, from which waves are made."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.hashing import mixed
from fastecg.kernels.jit import jit

_SKEW = 0.5 * (np.sqrt(3.0) - 1.0)  # Skew factor of the two-dimensional simplex lattice.


@jit
def between_values(values, first, positions, out):
    """Interpolate between values at integers from `first` on, with a smoothstep of degree 5 (Perlin 2002)."""
    for k in range(len(positions)):
        whole = np.floor(positions[k])
        share = positions[k] - whole
        share = share * share * share * (share * (6.0 * share - 15.0) + 10.0)
        i = np.uint64(whole - first)
        out[k] = values[i] * (1.0 - share) + values[i + np.uint64(1)] * share


@jit
def facet_noise(table, x, y):
    """Noise in the plane that is linear on the triangles of a simplex lattice with edges of about 1 (Perlin 2001).

    `table` (rows, columns) holds the values at the lattice's nodes; x and y are not negative.
    """
    skew = (x + y) * _SKEW
    u, v = x + skew, y + skew
    i, j = np.int64(u), np.int64(v)
    s, t = u - i, v - j
    right = np.int64(s > t)  # The number of the triangle in its cell. A branch would be slow here, because the processor cannot predict it.
    more, less = max(s, t), min(s, t)
    return (1 - more) * table[j, i] + (more - less) * table[j + 1 - right, i + right] + less * table[j + 1, i + 1]


@jit
def add_facets(height, x_mm, y_mm, cell_mm, lift_mm, valleys, seed):
    """Add plane facets of about `cell_mm` and `lift_mm`, in place.

    The place asked for is moved by another such noise, by up to half a cell: still plane facets, but no two alike. With `valleys`
    what is below the middle is turned up: long sharp creases along the zero line. Noise is looked up in tables made for this sheet:
    a hash at every corner of every triangle would take three times as long.
    """
    wide, tall = (x_mm[-1] - x_mm[0]) / cell_mm + 2.0, (y_mm[-1] - y_mm[0]) / cell_mm + 2.0
    reach = (wide + tall) * _SKEW + 3.0
    # Tables 1 and 2 move the point at which table 0 is read.
    tables = np.empty((3, int(tall + reach), int(wide + reach)))
    for k in range(3):
        for j in range(tables.shape[1]):
            for i in range(tables.shape[2]):
                tables[k, j, i] = mixed(seed + k, i, j)
    for row in range(len(y_mm)):
        y = (y_mm[row] - y_mm[0]) / cell_mm + 0.6
        for column in range(len(x_mm)):
            x = (x_mm[column] - x_mm[0]) / cell_mm + 0.6
            aside, below = facet_noise(tables[1], x, y), facet_noise(tables[2], x, y)
            lift = facet_noise(tables[0], x + 0.55 * aside, y + 0.55 * below)
            height[row, column] += lift_mm * (2.0 * abs(lift) - 0.6 if valleys else lift)


@jit
def add_folding(height, x_mm, y_mm, folds, reach_mm):
    """Add the creases of a sheet folded again and again, in place.

    `folds` (n, 4) are unit normals (x, y), offsets (mm) and slopes. Each fold lays one side of the sheet on the other, so that
    the next one creases both. On the side turned over it bends the other way; the change is gradual (a sudden one would tear).
    """
    for row in range(len(y_mm)):
        for column in range(len(x_mm)):
            x, y, facing, lift = x_mm[column], y_mm[row], 1.0, 0.0
            # Folds in the order in which they were made: each mirrors what lies on its far side onto the near one.
            for k in range(len(folds)):
                d = folds[k, 0] * x + folds[k, 1] * y - folds[k, 2]
                away = np.sqrt(d * d + 0.3)
                if away < 8 * reach_mm:
                    lift += facing * folds[k, 3] * reach_mm * np.exp(-away / reach_mm)
                if d > 0:
                    x -= 2 * d * folds[k, 0]
                    y -= 2 * d * folds[k, 1]
                facing *= -min(max(d / reach_mm, -1.0), 1.0)
            height[row, column] += lift


@jit
def add_pinches(height, x_mm, y_mm, ways, lifts, widths):
    """Add short creases as paper has where it was pinched, in place: ridges or valleys that kink, and run out at both ends.

    Parameters
    ----------
    height : (rows, columns) float64
    x_mm, y_mm : (columns,), (rows,) float64
        Places of the nodes, evenly spaced.
    ways : (n, points, 2) float64
        Points along each crease.
    lifts : (n, points) float64
        Height of each crease at these points; it is linear between them and 0 at the ends.
    widths : (n, 2) float64
        Reach of each crease to its right and to its left. On both sides it falls as a parabola, which is sharp at the crest and level at
        the foot.
    """
    step_x, step_y = x_mm[1] - x_mm[0], y_mm[1] - y_mm[0]
    for k in range(len(ways)):
        reach = max(widths[k, 0], widths[k, 1])
        low_x, high_x = ways[k, :, 0].min() - reach, ways[k, :, 0].max() + reach
        low_y, high_y = ways[k, :, 1].min() - reach, ways[k, :, 1].max() + reach
        # Only nodes within reach of the crease are visited.
        first_row, stop_row = max(int((low_y - y_mm[0]) / step_y), 0), min(int((high_y - y_mm[0]) / step_y) + 2, len(y_mm))
        first, stop = max(int((low_x - x_mm[0]) / step_x), 0), min(int((high_x - x_mm[0]) / step_x) + 2, len(x_mm))
        for row in range(first_row, stop_row):
            for column in range(first, stop):
                nearest, lift, side = 1e30, 0.0, 0
                for m in range(ways.shape[1] - 1):
                    x0, y0 = ways[k, m]
                    dx, dy = ways[k, m + 1, 0] - x0, ways[k, m + 1, 1] - y0
                    px, py = x_mm[column] - x0, y_mm[row] - y0
                    t = min(max((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-12), 0.0), 1.0)
                    square = (px - t * dx) ** 2 + (py - t * dy) ** 2
                    if square < nearest:
                        nearest, lift = square, lifts[k, m] + t * (lifts[k, m + 1] - lifts[k, m])
                        side = 0 if dx * py - dy * px >= 0.0 else 1
                rest = 1.0 - np.sqrt(nearest + 0.1) / widths[k, side]  # The crest is rounded over 0.3 mm.
                if rest > 0.0:
                    height[row, column] += lift * rest * rest
