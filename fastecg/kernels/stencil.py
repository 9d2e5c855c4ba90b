"""Symmetric filters on finished pictures: blur, unsharp masking, streaks of motion. In place, a few rows at a time.

Weights are whole numbers that add up to 128: an even picture stays as it is, sums fit 16 bits, and compilers turn the inner loops
into vector instructions on sixteen values at once. Weights equal on both sides of a pixel move nothing. Beyond its edges the
picture goes on as its last row or column.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit

TOTAL = 128  # of the weights


def gaussian_weights(sigma_px: float) -> np.ndarray:
    """Weights of a pixel and its neighbours on one side, (n,) int16: w[0] + 2 * sum(w[1:]) is `TOTAL`."""
    reach = max(1, math.ceil(2.6 * sigma_px))
    edges = np.array([math.erf((k + 0.5) / (sigma_px * math.sqrt(2.0))) for k in range(-1, reach + 1)])
    sides = np.rint(TOTAL * 0.5 * np.diff(edges[1:])).astype(np.int16)
    sides = sides[: max(1, int(np.count_nonzero(sides)))]
    return np.concatenate([[TOTAL - 2 * sides.sum()], sides]).astype(np.int16)


def blur(pixels: np.ndarray, sigma_px: float) -> None:
    """Gaussian blur of (height, width, 3) uint8, in place."""
    _blend_with_blur(pixels.reshape(len(pixels), -1), gaussian_weights(sigma_px), -TOTAL // 2)


def sharpen(pixels: np.ndarray, sigma_px: float, amount: float) -> None:
    """Unsharp masking, v + amount * (v - blurred), of (height, width, 3) uint8, in place; `amount` 0 to 2."""
    _blend_with_blur(pixels.reshape(len(pixels), -1), gaussian_weights(sigma_px), round(amount * TOTAL / 2))


def smear(pixels: np.ndarray, offsets: np.ndarray, weights: np.ndarray) -> None:
    """Weighted mean of pixels moved by ±`offsets`, in place.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    offsets : (n, 2) int
        (x, y) in px; the first is (0, 0). The opposite of each is implied.
    weights : (n,) int16
        w[0] + 2 * sum(w[1:]) is `TOTAL`.
    """
    _smear(pixels.reshape(len(pixels), -1), offsets.astype(np.int64), weights.astype(np.int16))


@jit
def _lengthen(row, pad, line):
    """Write row with `pad` pixels of its ends repeated on both sides to `line`."""
    n = len(row)
    for k in range(pad):
        for channel in range(3):
            line[3 * k + channel] = row[channel]
            line[3 * pad + n + 3 * k + channel] = row[n - 3 + channel]
    inner = line[3 * pad : 3 * pad + n]
    for i in range(n):  # assigned as a slice, it takes ten times as long
        inner[i] = row[i]


@jit
def start_sum(line, weight, total):
    """Begin a sum: line * weight, and a half for rounding."""
    for i in range(len(total)):
        total[i] = np.int16(np.int16(np.int16(line[i]) * weight) + np.int16(64))


@jit
def add_pair(left, right, weight, total):
    """Add weight * (left + right)."""
    for i in range(len(total)):
        total[i] = np.int16(total[i] + np.int16(np.int16(np.int16(left[i]) + np.int16(right[i])) * weight))


@jit
def finish_sum(total, out):
    """Write total / 128."""
    for i in range(len(total)):
        out[i] = np.uint8(np.int16(total[i] >> np.int16(7)))


@jit
def _finish_blend(total, amount, row):
    """Add amount / 64 * (row - total / 128) to a row, within 0..255."""
    for i in range(len(total)):
        v = np.int16(row[i])
        d = np.int16(v - np.int16(total[i] >> 7))
        w = np.int16(v + np.int16(np.int16(np.int16(d * amount) + np.int16(32)) >> 6))
        row[i] = np.uint8(min(max(w, np.int16(0)), np.int16(255)))


@jit
def _blend_with_blur(pixels, weights, amount):
    """Make v + amount / 64 * (v - blurred): amount -64 is the blur itself, above 0 it sharpens. Rows filtered along x wait in a ring."""
    height, n = pixels.shape
    reach = len(weights) - 1
    slots = 2 * reach + 1
    ring = np.empty((slots, n), dtype=np.uint8)
    line = np.empty(n + 6 * reach, dtype=np.uint8)
    total = np.empty(n, dtype=np.int16)
    share = np.int16(amount)
    ready = 0
    for y in range(height):
        while ready < min(y + reach + 1, height):
            _lengthen(pixels[ready], reach, line)
            start_sum(line[3 * reach : 3 * reach + n], weights[0], total)
            for k in range(1, reach + 1):
                add_pair(line[3 * (reach - k) :], line[3 * (reach + k) :], weights[k], total)
            finish_sum(total, ring[ready % slots])
            ready += 1
        start_sum(ring[y % slots], weights[0], total)
        for k in range(1, reach + 1):
            add_pair(ring[max(y - k, 0) % slots], ring[min(y + k, height - 1) % slots], weights[k], total)
        _finish_blend(total, share, pixels[y])


@jit
def _smear(pixels, offsets, weights):
    """As `smear`, on rows of 3 * width values."""
    height, n = pixels.shape
    reach_x, reach_y = np.abs(offsets[:, 0]).max(), np.abs(offsets[:, 1]).max()
    slots = 2 * reach_y + 1
    ring = np.empty((slots, n + 6 * reach_x), dtype=np.uint8)
    total = np.empty(n, dtype=np.int16)
    ready = 0
    for y in range(height):
        while ready < min(y + reach_y + 1, height):
            _lengthen(pixels[ready], reach_x, ring[ready % slots])
            ready += 1
        start_sum(ring[y % slots][3 * reach_x : 3 * reach_x + n], weights[0], total)
        for k in range(1, len(weights)):
            x, down = 3 * offsets[k, 0], offsets[k, 1]
            above, below = min(max(y - down, 0), height - 1), min(max(y + down, 0), height - 1)
            add_pair(ring[above % slots][3 * reach_x - x :], ring[below % slots][3 * reach_x + x :], weights[k], total)
        _finish_blend(total, np.int16(-64), pixels[y])
