"""Print ruled lines and dots on a sheet."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.hashing import combined, scramble
from fastecg.kernels.jit import jit, subkernel
from fastecg.kernels.wear import lattice_noise

_SLABS = 16  # Number of rectangles that make up a dot.
_FEW_SLABS = 6  # Number of rectangles that make up a small dot, whose outline cannot be seen.
_SMALL_PX = 2.0  # Radius up to which a dot is small.
_CLOUD = 9.0  # Distance, in dots, between independent values of the printing plate's ink.
_MISSED = np.uint64(655)  # Number of dots of 65,536 that hardly print, because of lint on the plate.


@jit
def print_rules(pixels, columns, across, rows, down, inks, unprinted):
    """Print lines of several weights (1 mm lines, 5 mm lines) on `pixels`, in place, one weight after the other.

    Parameters
    ----------
    pixels : (height, 3 * width) uint8
    columns, rows : (weights, 3 * width), (weights, height) float32
        Coverage of each column by upright lines, and of each row by level lines, 0 to 1.
    across, down : (weights, 3 * width), (weights, height) float32
        Share of the ink that level lines have in each column, and upright lines in each row.
    inks : (weights, 3 * width) float32
        sRGB colours, 0 to 255. In this and the other arrays over columns, each pixel has three values, one for each channel.
    unprinted : bool
        Whether the sheet has no earlier print. On such a sheet, rows without level lines and with equal `down` above 0 are equal, so one of
        them is kept and copied.
    """
    kept = -1
    for y in range(pixels.shape[0]):
        plain, like_kept = unprinted, kept >= 0
        for k in range(len(rows)):
            plain = plain and rows[k, y] == 0 and down[k, y] > 0
            like_kept = like_kept and down[k, y] == down[k, kept]
        if plain and like_kept:
            _copy_row(pixels[kept], pixels[y])
            continue
        for k in range(len(rows)):
            if rows[k, y] > 0 or down[k, y] > 0:
                _mix_row(pixels[y], columns[k], across[k], rows[k, y], down[k, y], inks[k])
        if plain:
            kept = y


@subkernel
def _copy_row(row, out):
    """Do the same as `out[:] = row`, whose check of shapes would take Numba two seconds to compile."""
    for i in range(len(row)):
        out[i] = row[i]


@subkernel
def _mix_row(row, columns, across, here, down, ink):
    """Print lines of one weight on one row of pixels, rounding to nearest. `here` is the row's coverage by level lines.

    Where level and upright lines cross, the larger coverage counts.
    """
    for i in range(len(row)):
        share = max(columns[i] * down, here * across[i])
        paper = np.float32(row[i])
        row[i] = np.uint8(paper + (ink[i] - paper) * share + np.float32(0.5))


@jit
def print_dots(pixels, columns, rows, radius, ink, uneven, seed):
    """Print dots of the sRGB colour `ink` (3,) on `pixels` (height, width, 3) uint8 at all crossings of `columns` and `rows`, in place.

    The other parameters are those of `add_discs`. Dots are printed in bands of pixels: rows of dots that share pixels are in one band.
    """
    # A dot reaches farthest if its radius grows by 0.5 * `uneven` radii and it moves by `uneven` radii.
    first, reach = np.int64(0), radius * (1.0 + 1.5 * uneven)  # With a plain 0, Numba would compile `add_discs` twice.
    while first < len(rows):
        last = first
        while last + 1 < len(rows) and math.floor(rows[last + 1] - reach) < math.ceil(rows[last] + reach):
            last += 1
        top, bottom = max(math.floor(rows[first] - reach), 0), min(math.ceil(rows[last] + reach), pixels.shape[0])
        if bottom > top:
            # Coverage is added up first. If the rectangles of a dot were printed one by one, paper would show between them.
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
    """Add the coverage by discs of `radius` px at all crossings of `columns` and `rows` to `plane` (height, width) float32.

    `columns` and `rows` are in px, and pixel k reaches from k to k + 1.

    A disc is drawn as a stack of rectangles, together as high and as large as the disc. Each adds its exact overlap with every pixel. A
    disc's radius deviates at random by up to 0.5 * `uneven` radii, its position by up to `uneven` radii along both axes, and its ink is
    less than 1 by up to `uneven`; if `uneven` is not 0, one dot of a hundred has about a third of this ink (`_MISSED`). The deviations are
    a hash of `seed` and of the dot's column and row; rows are counted from `first` on.
    """
    height, width = plane.shape
    slabs = _SLABS if radius > _SMALL_PX else _FEW_SLABS
    chords = np.empty(slabs)  # Half the length of each rectangle, in radii, so that its area is that of its part of the disc.
    for slab in range(slabs):
        start = 2.0 * slab / slabs - 1.0
        chords[slab] = 0.25 * slabs * (_disc_area(start + 2.0 / slabs) - _disc_area(start))
    for k in range(len(rows)):
        for i in range(len(columns)):
            size, aside, down, ink = _dot(i, first + k, uneven, seed)
            x0, y0, size = columns[i] + aside * radius, rows[k] + down * radius, size * radius
            thickness = 2.0 * size / slabs
            for slab in range(slabs):
                top = y0 - size + slab * thickness
                bottom, left, right = top + thickness, x0 - size * chords[slab], x0 + size * chords[slab]
                for y in range(max(math.floor(top), 0), min(math.ceil(bottom), height)):
                    ink_height = ink * (min(bottom, y + 1.0) - max(top, float(y)))
                    for x in range(max(math.floor(left), 0), min(math.ceil(right), width)):
                        plane[y, x] += np.float32(ink_height * (min(right, x + 1.0) - max(left, float(x))))


@subkernel
def _dot(i, j, uneven, seed):
    """Return the radius of the dot in column i and row j and its shifts right and down, in ideal radii, and its ink, 0 to 1."""
    # If all dots are equal, no random numbers are needed.
    if uneven == 0.0:
        return 1.0, 0.0, 0.0, 1.0
    # One hash gives all random values of a dot: 8 bits each for its ink, size, shift right and shift down, and 16 for whether it printed.
    bits = scramble(combined(i, j) + np.uint64(seed))
    ink = 1.0 - 0.5 * uneven * (1.0 + 0.5 * (_random_byte(bits, 0) + lattice_noise(seed, i / _CLOUD, j / _CLOUD)))
    if bits >> np.uint64(48) < _MISSED:
        ink *= 0.35
    return 1.0 + 0.5 * uneven * _random_byte(bits, 16), uneven * _random_byte(bits, 24), uneven * _random_byte(bits, 32), ink


@jit(inline="always")
def _random_byte(bits, shift):
    """Return the eight bits from `shift` on as a number from -1 to 1."""
    return ((bits >> np.uint64(shift)) & np.uint64(255)) / 127.5 - 1.0


@subkernel
def _disc_area(h):
    """Return the area of the unit disc between its level diameter and the level line at distance h from it, negative for h < 0."""
    h = min(max(h, -1.0), 1.0)
    return h * math.sqrt(1.0 - h * h) + math.asin(h)
