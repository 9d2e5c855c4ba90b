"""Height fields of crumpled paper."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit
from fastecg.kernels.wear import mixed

_SKEW = 0.5 * (np.sqrt(3.0) - 1.0)


@jit
def facet_noise(seed, x, y):
    """Noise in the plane that is linear on the triangles of a simplex lattice with edges of about 1 (Perlin 2001): -1 to 1."""
    skew = (x + y) * _SKEW
    u, v = x + skew, y + skew
    i, j = np.int64(np.floor(u)), np.int64(np.floor(v))
    s, t = u - i, v - j
    far = mixed(seed, i + 1, j + 1)
    if s > t:
        return (1 - s) * mixed(seed, i, j) + (s - t) * mixed(seed, i + 1, j) + t * far
    return (1 - t) * mixed(seed, i, j) + (t - s) * mixed(seed, i, j + 1) + s * far


@jit
def add_facets(height, x_mm, y_mm, cell_mm, lift_mm, seed):
    """Add plane facets of about `cell_mm` and `lift_mm`, in place.

    The place asked for is moved by another such noise, by up to half a cell: still plane facets, but no two alike.
    """
    for row in range(len(y_mm)):
        for column in range(len(x_mm)):
            x, y = x_mm[column] / cell_mm, y_mm[row] / cell_mm
            aside = facet_noise(seed + 1, x + 13.7, y + 5.1)
            below = facet_noise(seed + 2, x + 3.3, y + 17.9)
            height[row, column] += lift_mm * facet_noise(seed, x + 0.55 * aside, y + 0.55 * below)


@jit
def add_folding(height, x_mm, y_mm, folds, reach_mm):
    """Add the creases of a sheet folded again and again, in place.

    `folds` (n, 4) are unit normals (x, y), offsets (mm) and slopes. Each fold lays one side of the sheet on the other, so that
    the next one creases both. On the side turned over it bends the other way; the change is gradual (a sudden one would tear).
    """
    for row in range(len(y_mm)):
        for column in range(len(x_mm)):
            x, y, facing, lift = x_mm[column], y_mm[row], 1.0, 0.0
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
