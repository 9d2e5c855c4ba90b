"""Conversion to grey, and to black and white."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fastecg.kernels.jit import jit
from fastecg.kernels.noise import LUMA_COUNT, LUMA_STREAM, UNIT, table_offset, tables
from fastecg.kernels.stain import add_clouds

_STRIP_MM = 8.0  # Height of the strips in which ink is looked for; less than the distance between rows of traces.
_MARGIN = 10.0  # Least distance in levels of the threshold from the brightness of the paper.
# A lowered threshold stays `_MARGIN` and this share of its largest random error below the paper's brightness. As the share is below 1, some
# copies are a little foggy.
_ERROR_SHARE = 0.85


def to_grey(pixels: np.ndarray) -> np.ndarray:
    """Brightness (ITU-R BT.601) of (height, width, 3) uint8, C order, as a new plane (height, width) uint8."""
    plane = np.empty(pixels.shape[:2], dtype=np.uint8)
    _to_grey(pixels.reshape(-1), plane.reshape(-1))
    return plane


def from_grey(plane: np.ndarray, pixels: np.ndarray) -> None:
    """Write a plane (height, width) uint8 to all channels of `pixels` (height, width, 3), both in C order."""
    _from_grey(plane.reshape(-1), pixels.reshape(-1))


def brightness_counts(pixels: np.ndarray) -> np.ndarray:
    """Histogram (256,) int64 of the brightness of (height, width, 3) uint8, rounded down to whole levels."""
    # A histogram gives all quantiles in one pass, without sorting.
    counts = np.zeros(256, dtype=np.int64)
    _count_brightness(pixels, counts)
    return counts


def desaturate(pixels: np.ndarray) -> None:
    """Set all channels of (height, width, 3) uint8, C order, to the pixel's brightness, in place."""
    from_grey(to_grey(pixels), pixels)


def paper_level(plane: np.ndarray) -> float:
    """The brightness of the paper in a plane (height, width) uint8, at least 40. Copiers and faxes set their threshold relative to it."""
    # More than 15 % of a plane is blank paper, and little of the plane is brighter than paper.
    return float(max(np.percentile(plane[::6, ::6], 85), 40.0))


def ink_threshold(plane: np.ndarray, level: float, least: float, px_per_mm: float, noise: float, half: float = 0.0) -> float:
    """Find the brightness, 0 to 255, below which pixels are ink, like the automatic exposure of a copier.

    The result is `level`, raised if traces would be lost, and lowered if paper would become ink. Ink is looked for in the middle of the
    page, in upright strips that are one pixel wide: a trace crosses many of them even if its pen is thin, whereas words, marks and bars
    cross few.

    Parameters
    ----------
    plane : (height, width) uint8
    level : float
        The threshold that is wanted, 0 to 255.
    least : float
        Least share of the strips that must have ink; 0 returns `level` unchanged.
    px_per_mm : float
        Resolution along the plane's columns.
    noise : float
        Largest random error of the threshold, 0 to 255. A raised threshold stays `noise` + 10 levels below the brightness of the paper:
        on a page with hardly any ink it would otherwise be raised until noise is ink. A lowered one stays 0.85 `noise` + 10 levels below.
    half : float
        Half the width of the range of greys between black and white, 0 to 255; paper in this range would not be white, so a lowered
        threshold stays another half of `half` below the paper.
    """
    if not least:
        return level
    top, side = (length // 8 for length in plane.shape)
    # The outer eighth is left out: desks, edges and clips would change the result.
    middle = plane[top : len(plane) - top, side : plane.shape[1] - side]
    rows = min(max(round(_STRIP_MM * px_per_mm), 1), len(middle))
    count = len(middle) // rows
    darkest = middle[: count * rows].reshape(count, rows, -1).min(axis=1)
    paper = float(np.median(middle[::8, ::8]))
    # Without this limit, dark or coloured paper would turn into clouds of toner.
    clean = min(level, paper - _MARGIN - _ERROR_SHARE * noise - 0.5 * half)
    return max(clean, min(float(np.quantile(darkest, least)), paper - _MARGIN - noise))


def threshold_error(unevenness: float, grain: float) -> float:
    """Largest random error, 0 to 255, of a threshold with unevenness (see `smooth_noise`) and grain (a standard deviation), both 0 to 1.

    Grain of more than 2.5 standard deviations is rare and not counted.
    """
    return 255.0 * (1.5 * unevenness + 2.5 * grain)


def threshold(plane: np.ndarray, level: np.ndarray, step: int, half: float, grain: float, seed: int) -> None:
    """Make pixels black below a level of brightness and white above it, in place.

    Parameters
    ----------
    plane : (height, width) uint8
    level : (rows, columns) float32
        The threshold, 0 to 255, at pixels step * (column, row); bilinear between them. The last row and column lie beyond the picture.
    half : float
        Half the width of the ramp of greys round `level`, above 0 and up to 255.
    grain : float
        Standard deviation, 0 to 255, of noise that is added to the level of each pixel, decided by `seed` and the pixel's place.
    """
    _threshold(plane, level, step, np.float32(127.5 / half), np.float32(grain / UNIT), deviates(plane.shape[1]), seed)


def smooth_noise(size: tuple[int, int], step: int, cell: float, seed: int) -> np.ndarray:
    """Smooth noise around 0 for a picture (height, width), mostly within -1.5 to 1.5: (rows, columns) float32 at every `step`-th pixel.

    The noise is made of clouds of `cell` px on a lattice that is rotated against the picture, so that the lattice's rows and columns cannot
    be seen.
    """
    rows, columns = (2 + n // step for n in size)
    out = np.zeros((rows, columns), dtype=np.float32)
    add_clouds(out, step * np.arange(float(columns)), step * np.arange(float(rows)), cell, 3, seed)
    return np.float32(1.4) * out


@lru_cache(maxsize=8)
def deviates(width: int) -> np.ndarray:
    """A table of normal deviates for rows of `width` pixels, int16 in units of 1 / `fastecg.kernels.noise.UNIT` standard deviations."""
    return tables(0.0, width)[0]


@jit
def _to_grey(values, plane):
    """Write the brightness of n pixels, given as 3 n values. A loop over one index is vectorised; nested loops take six times as long."""
    for i in range(len(plane)):  # 77, 150 and 29 are 0.299, 0.587 and 0.114 in 256ths.
        red, green = np.int32(values[3 * i]) * np.int32(77), np.int32(values[3 * i + 1]) * np.int32(150)
        plane[i] = np.uint8((red + green + np.int32(values[3 * i + 2]) * np.int32(29) + np.int32(128)) >> 8)


@jit
def _count_brightness(pixels, counts):
    """Add the number of pixels of each brightness to `counts` (256,), with the weights of `_to_grey`."""
    for y in range(pixels.shape[0]):
        row = pixels[y]
        for x in range(np.uint64(pixels.shape[1])):
            light = np.uint32(row[x, 0]) * np.uint32(77) + np.uint32(row[x, 1]) * np.uint32(150) + np.uint32(row[x, 2]) * np.uint32(29)
            counts[np.uint8(np.uint32(light) >> np.uint32(8))] += 1


@jit
def _from_grey(plane, values):
    for i in range(len(plane)):
        values[3 * i] = plane[i]
        values[3 * i + 1] = plane[i]
        values[3 * i + 2] = plane[i]


@jit
def _threshold(plane, level, step, steepness, grain, table, seed):
    """The loops of `threshold`. `steepness` is levels of the result per level of the plane, `grain` is levels per unit of the deviates."""
    height, width = plane.shape
    # `knots` and `line` hold the threshold in one row of pixels, at the nodes and at all pixels.
    knots = np.empty(level.shape[1], dtype=np.float32)
    line = np.empty(width, dtype=np.float32)
    for y in range(height):
        i = y // step
        t = np.float32((y - i * step) / step)
        for j in range(len(knots)):
            knots[j] = level[i, j] + t * (level[i + 1, j] - level[i, j])
        for j in range((width - 1) // step + 1):
            rise = np.float32((knots[j + 1] - knots[j]) / step)
            for x in range(j * step, min((j + 1) * step, width)):
                line[x] = knots[j] + rise * np.float32(np.int32(x - j * step))
        row, start = plane[y], table_offset(seed, LUMA_STREAM, y, LUMA_COUNT)
        noise = table[start : start + width]
        for x in range(width):
            v = np.float32(127.5) + steepness * (np.float32(row[x]) - line[x] - grain * np.float32(noise[x]))
            row[x] = np.uint8(np.int32(min(max(v, np.float32(0.0)), np.float32(255.0))))
