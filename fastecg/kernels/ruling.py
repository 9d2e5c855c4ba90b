"""Print ruled lines and dots on a sheet."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.hashing import combined, scramble
from fastecg.kernels.jit import jit
from fastecg.kernels.wear import lattice_noise

_SLABS = 16  # Rectangles that make up a dot.
_FEW_SLABS = 6  # Rectangles that make up a small dot, whose outline cannot be seen.
_SMALL_PX = 2.0  # Radius below which a dot is small.
_CLOUD = 9.0  # Dots between two independent values of the plate's ink.
_MISSED = np.uint64(655)  # Number of dots of 65,536 that hardly print, for lint on the plate.


@jit
def print_rules(pixels, columns, across, rows, down, inks, alike):
    """Print all weights of lines on `pixels` (height, 3 width), whose channels `columns`, `across` and `inks` (weights, 3 width) repeat.

    On a sheet without earlier print (`alike`), all rows with equal `down` between horizontal lines are equal: one is kept and copied.
    """
    kept = -1
    for y in range(pixels.shape[0]):
        plain, same = alike, kept >= 0
        for k in range(len(rows)):
            plain = plain and rows[k, y] == 0 and down[k, y] > 0
            same = same and down[k, y] == down[k, kept]
        if plain and same:
            _copy_row(pixels[kept], pixels[y])
            continue
        for k in range(len(rows)):
            if rows[k, y] > 0 or down[k, y] > 0:
                _mix_row(pixels[y], columns[k], across[k], rows[k, y], down[k, y], inks[k])
        if plain:
            kept = y


@jit
def _copy_row(row, out):
    """The same as `out[:] = row`, whose check of shapes would take Numba two seconds to compile."""
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
def print_dots(pixels, columns, rows, radius, ink, uneven, seed):
    """Print dots in bands of pixels. All rows of dots that share pixels are in one band."""
    # A dot grows by up to half of `uneven` and moves by up to all of it.
    first, reach = 0, radius * (1.0 + 1.5 * uneven)
    while first < len(rows):
        last = first
        while last + 1 < len(rows) and math.floor(rows[last + 1] - reach) < math.ceil(rows[last] + reach):
            last += 1
        top, bottom = max(math.floor(rows[first] - reach), 0), min(math.ceil(rows[last] + reach), pixels.shape[0])
        if bottom > top:
            # Coverage is added up before it is printed: if the rectangles of a dot were blended one by one, paper would show between them.
            band = np.zeros((bottom - top, pixels.shape[1]), np.float32)
            add_discs(columns, rows[first : last + 1] - top, first, radius, band, uneven, seed)
            for y in range(top, bottom):
                for x in range(pixels.shape[1]):
                    share = min(band[y - top, x], np.float32(1.0))
                    if share > 0:
                        for c in range(3):
                            paper = np.float32(pixels[y, x, c])
                            pixels[y, x, c] = np.uint8(paper + (ink[c] - paper) * share + np.float32(0.5))
        first = last + 1


@jit
def add_discs(columns, rows, first, radius, plane, uneven, seed):
    """Add a disc at every crossing, made of rectangles with the disc's height and area, each by its exact overlaps with pixels.

    Every dot's radius deviates at random by up to half of `uneven`, its position by up to `uneven` radii, and its ink by up to `uneven`.
    The deviations are a hash of its column and row, which are counted from `first`.
    """
    height, width = plane.shape
    slabs = _SLABS if radius > _SMALL_PX else _FEW_SLABS
    chords = np.empty(slabs)  # Half the length of each slab, in radii: the mean chord over the slab, so that the area is exact.
    for slab in range(slabs):
        low = 2.0 * slab / slabs - 1.0
        chords[slab] = 0.25 * slabs * (_disc_area(low + 2.0 / slabs) - _disc_area(low))
    for k in range(len(rows)):
        for i in range(len(columns)):
            own, aside, below, ink = _dot(i, first + k, uneven, seed)
            x0, y0, own = columns[i] + aside * radius, rows[k] + below * radius, own * radius
            thick = 2.0 * own / slabs
            for slab in range(slabs):
                top = y0 - own + slab * thick
                bottom, left, right = top + thick, x0 - own * chords[slab], x0 + own * chords[slab]
                for y in range(max(math.floor(top), 0), min(math.ceil(bottom), height)):
                    tall = ink * (min(bottom, y + 1.0) - max(top, float(y)))
                    for x in range(max(math.floor(left), 0), min(math.ceil(right), width)):
                        plane[y, x] += np.float32(tall * (min(right, x + 1.0) - max(left, float(x))))


@jit
def _dot(i, j, uneven, seed):
    """Return the radius of a dot and its displacement to the right and down, in ideal radii, and its ink."""
    # All dots are equal: no random numbers are needed.
    if uneven == 0.0:
        return 1.0, 0.0, 0.0, 1.0
    # One hash gives all random values of a dot: 8 bits each for size, position and ink, 16 for whether it printed.
    bits = scramble(combined(i, j) + np.uint64(seed))
    ink = 1.0 - 0.5 * uneven * (1.0 + 0.5 * (_part(bits, 0) + lattice_noise(seed, i / _CLOUD, j / _CLOUD)))
    if bits >> np.uint64(48) < _MISSED:
        ink *= 0.35
    return 1.0 + 0.5 * uneven * _part(bits, 16), uneven * _part(bits, 24), uneven * _part(bits, 32), ink


@jit(inline="always")
def _part(bits, shift):
    """Return eight bits as a number from -1 to 1."""
    return ((bits >> np.uint64(shift)) & np.uint64(255)) / 127.5 - 1.0


@jit
def _disc_area(h):
    """Return the area of the unit disc below height h, less half of it."""
    h = min(max(h, -1.0), 1.0)
    return h * math.sqrt(1.0 - h * h) + math.asin(h)
