"""What a phone's processor makes of a picture: brightness cleaned and sharpened, colours cleaned at half the size, and what mottle stays.

Brightness goes on at full size as one byte a pixel, colours as differences of blue and red to it at half the size, as in the phone and in
every JPEG. Whole numbers throughout. In place; beyond its edges the picture goes on as its last row or column.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit
from fastecg.kernels.noise import LUMA, OF_LUMA, UNIT, table_offset, tables
from fastecg.kernels.stencil import add_pair, finish_sum, gaussian_weights, start_sum

PATCH = 4  # pixels between the nodes of the mottle
PART = 64  # factors count so many parts of one


def process(
    pixels: np.ndarray, sigma_px: float, *, core: int, kept: float, sharpen: float, limit: int, passes: int, mottle: float, seed: int
) -> None:
    """Clean, sharpen and mottle (height, width, 3) uint8, in place.

    Parameters
    ----------
    pixels : ndarray
    sigma_px : float
        Of the blurred brightness that details are measured against.
    core : int
        Levels up to which a detail is taken for noise, of which `kept` (0 to 1) is left; what is beyond grows by 1 + `sharpen` (0 to 3).
    limit : int
        Levels beyond the core up to which a detail grows: the halo is no higher.
    passes : int
        Times that colours are smoothed by 1-2-1 along both axes, at half the size.
    mottle : float
        Standard deviation, levels, of patches of `PATCH` px.
    """
    height, width = pixels.shape[:2]
    grey = np.empty((height, width), dtype=np.uint8)
    colours = np.empty((2, (height + 1) // 2, (width + 1) // 2), dtype=np.int16)
    rows = pixels.reshape(height, -1)
    _take_apart(rows, grey, colours)
    for plane in colours:
        for _ in range(passes):
            _smooth(plane)
    deviates = tables(0.0, width // PATCH + 2)[0]
    factors = np.array([core, round(kept * PART), round((1.0 + sharpen) * PART), limit], dtype=np.int16)
    _put_together(rows, grey, colours, gaussian_weights(sigma_px), factors, deviates, np.float32(mottle * PART / UNIT), seed)


@jit
def _take_apart(rows, grey, colours):
    """Write brightness, and the mean differences of blue and red to it in blocks of 2x2."""
    height, width = grey.shape
    half = width // 2
    blue, red = np.empty(width + 1, dtype=np.int16), np.empty(width + 1, dtype=np.int16)
    for i in range(colours.shape[1]):
        for k in range(2):
            y = min(2 * i + k, height - 1)
            _grey_row(rows[y], grey[y])
            _differences(rows[y], grey[y], blue, red, k == 0)
        blue[width], red[width] = blue[width - 1], red[width - 1]
        _halve(blue, colours[0, i])
        _halve(red, colours[1, i])
        if half < colours.shape[2]:
            colours[0, i, half] = np.int16((np.int32(blue[width - 1]) * 2 + 2) >> 2)
            colours[1, i, half] = np.int16((np.int32(red[width - 1]) * 2 + 2) >> 2)


@jit
def _grey_row(row, out):
    for x in range(len(out)):
        red, green = np.int32(row[3 * x]) * np.int32(77), np.int32(row[3 * x + 1]) * np.int32(150)
        out[x] = np.uint8((red + green + np.int32(row[3 * x + 2]) * np.int32(29) + np.int32(128)) >> 8)


@jit
def _differences(row, grey, blue, red, first):
    if first:
        for x in range(len(grey)):
            light = np.int16(grey[x])
            red[x] = np.int16(np.int16(row[3 * x]) - light)
            blue[x] = np.int16(np.int16(row[3 * x + 2]) - light)
    else:
        for x in range(len(grey)):
            light = np.int16(grey[x])
            red[x] = np.int16(red[x] + np.int16(np.int16(row[3 * x]) - light))
            blue[x] = np.int16(blue[x] + np.int16(np.int16(row[3 * x + 2]) - light))


@jit
def _halve(sums, out):
    for j in range((len(sums) - 1) // 2):
        out[j] = np.int16(np.int16(np.int16(sums[2 * j] + sums[2 * j + 1]) + np.int16(2)) >> np.int16(2))


@jit
def _smooth(plane):
    """1-2-1 along both axes, rounded once an axis."""
    height, width = plane.shape
    line, above, here = np.empty(width + 2, dtype=np.int16), np.empty(width, dtype=np.int16), np.empty(width, dtype=np.int16)
    below = np.empty(width, dtype=np.int16)
    _across(plane[0], line, here)
    above[:] = here
    for y in range(height):
        _across(plane[min(y + 1, height - 1)], line, below)
        row = plane[y]
        for x in range(width):
            total = np.int16(np.int16(above[x] + below[x]) + np.int16(here[x] << np.int16(1)))
            row[x] = np.int16(np.int16(total + np.int16(2)) >> np.int16(2))
        above, here, below = here, below, above


@jit
def _across(row, line, out):
    width = len(row)
    line[0], line[width + 1] = row[0], row[width - 1]
    inner = line[1 : width + 1]
    for x in range(width):
        inner[x] = row[x]
    left, right = line[:width], line[2:]
    for x in range(width):
        total = np.int16(np.int16(left[x] + right[x]) + np.int16(inner[x] << np.int16(1)))
        out[x] = np.int16(np.int16(total + np.int16(2)) >> np.int16(2))


@jit
def _put_together(rows, grey, colours, weights, factors, deviates, mottle, seed):
    height, width = grey.shape
    reach = len(weights) - 1
    slots = 2 * reach + 1
    ring, line = np.empty((slots, width), dtype=np.uint8), np.empty(width + 2 * reach, dtype=np.uint8)
    total, light = np.empty(width, dtype=np.int16), np.empty(width, dtype=np.int16)
    blue, red = np.empty(width + 1, dtype=np.int16), np.empty(width + 1, dtype=np.int16)
    mixed = np.empty(colours.shape[2] + 2, dtype=np.int16)
    patches = np.zeros((2, width), dtype=np.float32)
    ready = 0
    for y in range(height):
        while ready < min(y + reach + 1, height):
            _lengthened(grey[ready], reach, line)
            _weighed(line, weights, ring[ready % slots], total)
            ready += 1
        start_sum(ring[y % slots], weights[0], total)
        for k in range(1, reach + 1):
            add_pair(ring[max(y - k, 0) % slots], ring[min(y + k, height - 1) % slots], weights[k], total)
        _sharpened(grey[y], total, factors, light)
        if mottle > 0:
            if y % PATCH == 0:
                for k in range(2):
                    _patches(deviates, table_offset(seed, OF_LUMA, y // PATCH + k, LUMA), mottle, patches[k])
            _mottled(light, patches, np.float32(y % PATCH) / np.float32(PATCH))
        i = y // 2
        other = max(i - 1, 0) if y % 2 == 0 else min(i + 1, colours.shape[1] - 1)
        _spread(colours[0, i], colours[0, other], mixed, blue)
        _spread(colours[1, i], colours[1, other], mixed, red)
        _coloured(light, blue, red, rows[y])


@jit
def _lengthened(row, pad, line):
    n = len(row)
    for k in range(pad):
        line[k], line[pad + n + k] = row[0], row[n - 1]
    inner = line[pad : pad + n]
    for i in range(n):
        inner[i] = row[i]


@jit
def _weighed(line, weights, out, total):
    reach, n = len(weights) - 1, len(out)
    start_sum(line[reach : reach + n], weights[0], total)
    for k in range(1, reach + 1):
        add_pair(line[reach - k : reach - k + n], line[reach + k : reach + k + n], weights[k], total)
    finish_sum(total, out)


@jit
def _sharpened(grey, total, factors, light):
    """Brightness in 1/64 level: what is blurred, what is kept of the core of a detail, and what grows of the rest."""
    core, kept, grows, limit = factors[0], factors[1], factors[2], factors[3]
    for x in range(len(light)):
        smooth = np.int16(total[x] >> np.int16(7))
        detail = np.int16(np.int16(grey[x]) - smooth)
        noise = min(max(detail, np.int16(-core)), core)
        rest = min(max(np.int16(detail - noise), np.int16(-limit)), limit)
        value = np.int32(smooth) * np.int32(64) + np.int32(noise) * np.int32(kept) + np.int32(rest) * np.int32(grows)
        light[x] = np.int16(min(max(value, np.int32(0)), np.int32(255 * 64)))


@jit
def _patches(deviates, start, mottle, out):
    for x in range(len(out)):
        j = start + x // PATCH
        share = np.float32(x % PATCH) / np.float32(PATCH)
        left, right = np.float32(deviates[j]), np.float32(deviates[j + 1])
        out[x] = mottle * (left + share * (right - left))


@jit
def _mottled(light, patches, share):
    upper, lower = patches[0], patches[1]
    for x in range(len(light)):
        value = np.float32(light[x]) + upper[x] + share * (lower[x] - upper[x])
        light[x] = np.int16(min(max(value, np.float32(0.0)), np.float32(16320.0)))


@jit
def _spread(near, far, mixed, out):
    """A row of differences at full size: three quarters of the nearer and one of the farther, down and along."""
    count = len(near)
    inner = mixed[1 : count + 1]
    for j in range(count):
        inner[j] = np.int16(np.int16(np.int16(np.int16(near[j] * np.int16(3)) + far[j]) + np.int16(2)) >> np.int16(2))
    mixed[0], mixed[count + 1] = mixed[1], mixed[count]
    left, right = mixed[:count], mixed[2:]
    for j in range(len(out) // 2):
        here = np.int16(inner[j] * np.int16(3))
        out[2 * j] = np.int16(np.int16(np.int16(here + left[j]) + np.int16(2)) >> np.int16(2))
        out[2 * j + 1] = np.int16(np.int16(np.int16(here + right[j]) + np.int16(2)) >> np.int16(2))


@jit
def _coloured(light, blue, red, row):
    for x in range(len(light)):
        level = np.int32((np.int32(light[x]) + np.int32(32)) >> np.int32(6))
        b, r = np.int32(blue[x]), np.int32(red[x])
        g = np.int32((np.int32(131) * r + np.int32(50) * b + np.int32(128)) >> np.int32(8))
        row[3 * x] = np.uint8(min(max(np.int32(level + r), np.int32(0)), np.int32(255)))
        row[3 * x + 1] = np.uint8(min(max(np.int32(level - g), np.int32(0)), np.int32(255)))
        row[3 * x + 2] = np.uint8(min(max(np.int32(level + b), np.int32(0)), np.int32(255)))
