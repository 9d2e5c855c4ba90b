"""Pictures without colours: grey, and black or white. In place."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit
from fastecg.kernels.noise import LUMA, OF_LUMA, UNIT, place, tables


def threshold(pixels: np.ndarray, level: np.ndarray, step: int, half: float, grain: float, seed: int) -> None:
    """Black below a level of brightness, white above, the same in all channels.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    level : (rows, columns) float32
        Brightness, 0 to 255, at pixels step * (column, row); bilinear between them. Reaches beyond the picture.
    half : float
        Half the width of the ramp of greys round it.
    grain : float
        Standard deviation of the level from pixel to pixel, decided by `seed` and place.
    """
    deviates = tables(0.0, pixels.shape[1])[0]
    _threshold(pixels, level, step, np.float32(127.5 / half), np.float32(grain / UNIT), deviates, seed)


@jit
def fade_to_grey(pixels):
    """(height, width, 3) uint8: every channel becomes the pixel's brightness (ITU-R BT.601)."""
    for y in range(pixels.shape[0]):
        row = pixels[y]
        for x in range(pixels.shape[1]):
            grey = np.uint8((77 * np.int32(row[x, 0]) + 150 * np.int32(row[x, 1]) + 29 * np.int32(row[x, 2]) + 128) >> 8)
            row[x, 0] = grey
            row[x, 1] = grey
            row[x, 2] = grey


@jit
def _threshold(pixels, level, step, steepness, grain, deviates, seed):
    height, width = pixels.shape[:2]
    knots = np.empty(level.shape[1], dtype=np.float32)
    line = np.empty(width, dtype=np.float32)
    for y in range(height):
        i = y // step
        t = np.float32((y - i * step) / step)
        for j in range(len(knots)):
            knots[j] = level[i, j] + t * (level[i + 1, j] - level[i, j])
        row, start = pixels[y], place(seed, OF_LUMA, y, LUMA)
        for x in range(width):
            line[x] = (77 * np.int32(row[x, 0]) + 150 * np.int32(row[x, 1]) + 29 * np.int32(row[x, 2]) + 128) >> 8
        for j in range((width - 1) // step + 1):
            rise = np.float32((knots[j + 1] - knots[j]) / step)
            for x in range(j * step, min((j + 1) * step, width)):
                line[x] -= knots[j] + rise * np.float32(x - j * step) + grain * np.float32(deviates[start + x])
        for x in range(width):
            black = np.uint8(min(max(np.float32(127.5) + steepness * line[x], np.float32(0.0)), np.float32(255.0)))
            row[x, 0] = black
            row[x, 1] = black
            row[x, 2] = black
