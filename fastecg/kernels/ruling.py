"""Printing ruled lines and dots on a sheet."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit

_SLABS = 16  # rectangles a dot is made of


@jit
def print_rules(pixels, columns, across, rows, down, inks, alike):
    """Print all weights of lines on `pixels` (height, 3 width), whose channels `columns`, `across` and `inks` (weights, 3 width) repeat.

    Rows between the horizontal lines look all the same where nothing was printed before (`alike`): one is kept and copied.
    """
    kept = -1
    for y in range(pixels.shape[0]):
        plain = alike
        for k in range(len(rows)):
            plain = plain and rows[k, y] == 0 and down[k, y] == 1
        if plain and kept >= 0:
            _copy_row(pixels[kept], pixels[y])
            continue
        for k in range(len(rows)):
            if rows[k, y] > 0 or down[k, y] > 0:
                _mix_row(pixels[y], columns[k], across[k], rows[k, y], down[k, y], inks[k])
        if plain:
            kept = y


@jit
def _copy_row(row, out):
    """What `out[:] = row` does, which brings a check of shapes along that takes Numba two seconds to compile."""
    for i in range(len(row)):
        out[i] = row[i]


@jit
def _mix_row(row, columns, across, here, down, ink):
    """Print one weight of lines on one row, rounding to nearest."""
    for i in range(len(row)):
        share = max(columns[i] * down, here * across[i])
        paper = np.float32(row[i])
        row[i] = np.uint8(paper + (ink[i] - paper) * share + np.float32(0.5))


@jit
def print_dots(pixels, columns, rows, radius, ink):
    """Print dots, a band of pixels after the other: as many rows of dots at a time as share pixels."""
    first = 0
    while first < len(rows):
        last = first
        while last + 1 < len(rows) and math.floor(rows[last + 1] - radius) < math.ceil(rows[last] + radius):
            last += 1
        top, bottom = max(math.floor(rows[first] - radius), 0), min(math.ceil(rows[last] + radius), pixels.shape[0])
        if bottom > top:
            band = np.zeros((bottom - top, pixels.shape[1]), np.float32)
            add_discs(columns, rows[first : last + 1] - top, radius, band)
            for y in range(top, bottom):
                for x in range(pixels.shape[1]):
                    share = min(band[y - top, x], np.float32(1.0))
                    if share > 0:
                        for c in range(3):
                            paper = np.float32(pixels[y, x, c])
                            pixels[y, x, c] = np.uint8(paper + (ink[c] - paper) * share + np.float32(0.5))
        first = last + 1


@jit
def add_discs(columns, rows, radius, plane):
    """Add a disc at every crossing, as `_SLABS` rectangles of the disc's height and area, each by its exact overlaps."""
    height, width = plane.shape
    thick = 2.0 * radius / _SLABS
    for slab in range(_SLABS):
        rise = -radius + (slab + 0.5) * thick
        # The integral of the chord over the slab, so that the area is exact.
        a, b = (rise - 0.5 * thick) / radius, (rise + 0.5 * thick) / radius
        half = 0.5 * radius * radius / thick * (_disc_area(b) - _disc_area(a))
        for row in rows:
            top, bottom = row + rise - 0.5 * thick, row + rise + 0.5 * thick
            for y in range(max(math.floor(top), 0), min(math.ceil(bottom), height)):
                tall = min(bottom, y + 1.0) - max(top, float(y))
                for column in columns:
                    left, right = column - half, column + half
                    for x in range(max(math.floor(left), 0), min(math.ceil(right), width)):
                        plane[y, x] += np.float32(tall * (min(right, x + 1.0) - max(left, float(x))))


@jit
def _disc_area(h):
    """Return the area of the unit disc below height h, less half of it."""
    h = min(max(h, -1.0), 1.0)
    return h * math.sqrt(1.0 - h * h) + math.asin(h)
