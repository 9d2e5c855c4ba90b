"""Wear the print along fold lines, and where a crumpled sheet was bent sharply."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.hashing import mixed
from fastecg.kernels.jit import jit, subkernel


@subkernel
def lattice_noise(seed, x, y):
    """Smooth noise in the plane, -1 to 1, with one independent value at every whole (x, y)."""
    i, j = np.int64(np.floor(x)), np.int64(np.floor(y))
    s, t = x - i, y - j
    s, t = s * s * (3 - 2 * s), t * t * (3 - 2 * t)
    top = (1 - s) * mixed(seed, i, j) + s * mixed(seed, i + 1, j)
    bottom = (1 - s) * mixed(seed, i, j + 1) + s * mixed(seed, i + 1, j + 1)
    return (1 - t) * top + t * bottom


@subkernel
def _bump(u):
    """Return (1 - u²/4)⁴, or 0 for abs(u) > 2: close to exp(-u²), and faster."""
    rest = 1.0 - 0.25 * u * u
    return rest * rest * rest * rest if rest > 0.0 else 0.0


@jit
def wear_along(pixels, line, scale, wear, bare, seed):
    """Wear the print within a band along a fold line, in place.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    line : (4,) float64
        A point of the line, in pixels, and the unit vector across it.
    scale : float
        px/mm.
    wear : (4,) float64
        Ink lost (0 to 1), dirt (0 to 1), contrast of the two lips beside the fold (-1 to 1; above 0 the dark lip is on the side to which
        the unit vector points, below 0 on the other side), and half the width of the crack, mm, at a third of its depth.
    bare : (3,) float64
        Colour, 0 to 255, where the print is lost.
    seed : int
    """
    height, width = pixels.shape[:2]
    x0, y0, cos, sin = line
    loss, dirt, contrast, crack = wear
    # Distance from the line, mm, beyond which nothing changes; the lips end at 2.6 mm.
    reach = max(2.8 if contrast != 0 else 0.0, 2.0 * crack + 0.4)
    for row in range(height):
        across = (row - y0) * sin
        # The columns of this row that lie within `reach` of the line.
        if abs(cos) > 1e-3:
            one_side, other_side = (-reach * scale - across) / cos, (reach * scale - across) / cos
            first, last = max(int(x0 + min(one_side, other_side)), 0), min(int(x0 + max(one_side, other_side)) + 1, width - 1)
        elif abs(across) < reach * scale + width * 1e-3:
            first, last = 0, width - 1
        else:
            continue
        for column in range(first, last + 1):
            # d is the distance across the fold and t the one along it, mm.
            d = ((column - x0) * cos + across) / scale
            t = ((row - y0) * cos - (column - x0) * sin) / scale
            d += 0.12 * lattice_noise(seed, t / 3.0, 0.5)  # Folds are not perfectly straight.
            # The lips vary along the fold. Where the fold was pressed flat, they can hardly be seen.
            lip_height = min(max(0.5 + 0.9 * lattice_noise(seed + 4, t / 11.0, 0.5), 0.05), 1.2)
            lip = 1.0 + contrast * lip_height * (0.3 * _bump((d + 0.8) / 0.9) - _bump((d - 0.8) / 0.9))
            lost = soiled = 0.0
            if abs(d) < 2.0 * crack:
                depth = _bump(d / crack)
                patchy = 0.6 + 0.6 * lattice_noise(seed + 1, t / 6.0, 0.5) + 0.45 * lattice_noise(seed + 2, t / 0.7, d / 0.3)
                lost = loss * depth * min(max(patchy, 0.0), 1.0)
                soiled = dirt * depth * min(max(0.5 + 0.5 * lattice_noise(seed + 3, t / 4.0, d / 0.5), 0.0), 1.0)
            for c in range(3):
                value = np.float64(pixels[row, column, c])
                value = (value + (bare[c] - value) * lost) * lip * (1.0 - 0.6 * soiled)
                pixels[row, column, c] = np.uint8(min(max(value + 0.5, 0.0), 255.0))


@jit
def wear_over(pixels, plane, origin, step, bare, scale, seed):
    """Change a print towards the colour `bare` by up to the share in a coarse `plane` (rows, columns), 0 to 1, unevenly and in place.

    Node (row, column) of the plane lies at pixel (x, y) = origin + step * (column, row); between nodes the share is interpolated
    bilinearly. `scale` is in px/mm.
    """
    for i in range(plane.shape[0] - 1):
        first, last = _pixels_between(origin[1] + i * step[1], step[1], pixels.shape[0])
        for j in range(plane.shape[1] - 1):
            a, b, c, d = plane[i, j], plane[i, j + 1], plane[i + 1, j], plane[i + 1, j + 1]
            if a + b + c + d <= 0.0:
                continue
            start, stop = _pixels_between(origin[0] + j * step[0], step[0], pixels.shape[1])
            for row in range(first, last):
                t = (row - origin[1]) / step[1] - i
                for column in range(start, stop):
                    s = (column - origin[0]) / step[0] - j
                    worn = (1 - t) * (a + s * (b - a)) + t * (c + s * (d - c))
                    lost = worn * min(max(0.4 + 0.9 * lattice_noise(seed, column / (0.45 * scale), row / (0.45 * scale)), 0.0), 1.0)
                    for channel in range(3):
                        value = np.float64(pixels[row, column, channel])
                        pixels[row, column, channel] = np.uint8(value + (bare[channel] - value) * lost + 0.5)


@subkernel
def _pixels_between(start, length, limit):
    """The range (first, stop) of whole numbers from `start` to `start + length`, cut to 0 and `limit`."""
    return min(max(int(np.ceil(start)), 0), limit), min(max(int(np.ceil(start + length)), 0), limit)
