"""Symmetric filters of finished pictures: Gaussian blur, unsharp masking and motion blur. They work in place, a few rows at a time.

Weights are integers whose sum is 128, so a uniform picture is not changed, and weighted sums of bytes fit 16 bits. Thirty-two sums are
computed at once, and stay in registers until they are bytes again. Weights are symmetrical, so nothing in the picture is moved. Beyond the
picture's edges, the last row or column is repeated.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit, subkernel
from fastecg.kernels.vectors import I8, I16, I64, Vectors

TOTAL = 128  # Sum of the weights of a filter.
LANES = 32  # Number of bytes that are filtered at once, in one vector.


def gaussian_weights(sigma_px: float) -> np.ndarray:
    """Weights w (n,) int16 of a pixel and of its n - 1 neighbours on one side: w[0] + 2 * sum(w[1:]) is `TOTAL`."""
    # Weights of pixels beyond this reach would round to 0.
    reach = max(1, math.ceil(2.6 * sigma_px))
    edges = [math.erf((k + 0.5) / (sigma_px * math.sqrt(2.0))) for k in range(reach + 1)]
    # Lists of a few numbers take a fifth of the time of arrays, and a picture asks for a dozen of these.
    sides = [round(TOTAL * 0.5 * (outer - inner)) for inner, outer in pairwise(edges)]
    sides = sides[: max(1, sum(side != 0 for side in sides))]
    return np.array([TOTAL - 2 * sum(sides), *sides], np.int16)


def blur(pixels: np.ndarray, sigma_px: float) -> None:
    """Gaussian blur of (height, width, 3) uint8, in place."""
    _blend_with_blur(pixels, gaussian_weights(sigma_px), -TOTAL // 2)


def blend_columns(pixels: np.ndarray, blurred: np.ndarray, share: np.ndarray, first: int = 0) -> None:
    """Blend some columns of a picture with a blurred copy of them, in place.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    blurred : (height, columns, 3) uint8
        The copy of the columns from `first` on.
    share : (columns,)
        Weight of the copy in each column, 0 to 256.
    first : int
    """
    _blend_columns(pixels.reshape(len(pixels), -1), blurred.reshape(len(blurred), -1), np.repeat(share.astype(np.int32), 3), 3 * first)


def sharpen(pixels: np.ndarray, sigma_px: float, amount: float) -> None:
    """Unsharp masking of (height, width, 3) uint8, in place: v becomes v + amount * (v - blurred). `amount` is 0 to 2."""
    _blend_with_blur(pixels, gaussian_weights(sigma_px), round(amount * TOTAL / 2))


def smear(pixels: np.ndarray, offsets: np.ndarray, weights: np.ndarray) -> None:
    """Replace every pixel by a weighted mean of the pixels at `offsets` from it and at the opposite offsets, in place.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    offsets : (n, 2) int
        (x, y) in px; the first is (0, 0). The pixel at the opposite offset has the same weight.
    weights : (n,) int16
        Weights w of the offsets: w[0] + 2 * sum(w[1:]) is `TOTAL`.
    """
    rows, (reach_x, reach_y) = pixels.reshape(len(pixels), -1), np.abs(offsets).max(axis=0).tolist()
    padded = -(-rows.shape[1] // LANES) * LANES
    ring, tail = np.empty((2 * reach_y + 1, padded + 6 * reach_x), dtype=np.uint8), np.empty(LANES, dtype=np.uint8)
    sources = np.empty(2 * len(weights) - 1, dtype=np.int64)
    _smear_rows(rows, offsets.astype(np.int64), weights.astype(np.int16), reach_x, reach_y, ring, tail, sources)


@jit
def _blend_columns(pixels, blurred, share, first):
    """Do `blend_columns` on rows of 3 * width values; `share` has one weight for each value of a row, and `first` is an index of values."""
    for y in range(len(pixels)):
        row, other = pixels[y, first:], blurred[y]
        for i in range(np.uint64(len(share))):
            old = np.int32(row[i])
            row[i] = np.uint8(np.int32(old + (np.int32((np.int32(other[i]) - old) * share[i] + np.int32(128)) >> np.int32(8))))


@subkernel
def pad_row(row, pad, channels, line):
    """Write a row to `line`, with its first and its last pixel repeated `pad` times; the elements of `line` after them are not changed."""
    n = len(row)
    for k in range(pad):
        for c in range(channels):
            line[channels * k + c] = row[c]
            line[channels * (pad + k) + n + c] = row[n - channels + c]
    inner = line[channels * pad :]
    for i in range(np.uint64(n)):  # With an unsigned index LLVM makes this one call of memcpy.
        inner[i] = row[i]


def _blend_with_blur(pixels: np.ndarray, weights: np.ndarray, amount: int) -> None:
    """Replace v by v + amount / 64 * (v - blurred): -64 blurs, a positive amount sharpens.

    Rows that are filtered along x are kept in a ring buffer, from which they are filtered along y.
    """
    rows = pixels.reshape(len(pixels), -1)
    reach, padded = len(weights) - 1, -(-rows.shape[1] // LANES) * LANES
    ring = np.empty((2 * reach + 1, padded), dtype=np.uint8)
    line, tail = np.empty(padded + 6 * reach, dtype=np.uint8), np.empty(LANES, dtype=np.uint8)
    along, down = np.empty((2, 2 * reach + 1), dtype=np.int64)  # addresses of the bytes that are summed along x and along y
    _blend_rows(rows, weights, amount, ring, line, tail, along, down)


@jit
def _blend_rows(pixels, weights, amount, ring, line, tail, along, down):
    """The loops of `_blend_with_blur`, on rows of 3 * width values. From `ring` on, all parameters are scratch arrays."""
    height, reach, ring_rows = len(pixels), len(weights) - 1, len(ring)
    find_sources_along(address(line), np.int64(3), along)
    ready = 0
    for y in range(height):
        while ready < min(y + reach + 1, height):
            pad_row(pixels[ready], reach, np.int64(3), line)
            filter_line(along, weights, ring[ready % ring_rows])
            ready += 1
        find_sources_down(address(ring), np.int64(ring.shape[1]), ring_rows, y, height, down)
        _blend_row(down, weights, amount, pixels[y], tail)


@subkernel
def find_sources_along(line, step, sources):
    """Write the addresses of a line's first pixel and of its neighbours, alternately left and right, to `sources` (2 reach + 1,).

    `line` is the address of `reach` repeated pixels, which the first pixel follows, and `step` the number of bytes from pixel to pixel.
    """
    reach = len(sources) // 2
    sources[0] = line + step * reach
    for k in range(1, reach + 1):
        sources[2 * k - 1], sources[2 * k] = sources[0] - step * k, sources[0] + step * k


@subkernel
def find_sources_down(ring, stride, ring_rows, y, height, sources):
    """Write the addresses of row y and of its neighbours, alternately above and below, to `sources` (2 reach + 1,).

    `ring` is the address of a ring buffer of `ring_rows` rows that are `stride` bytes apart.
    """
    sources[0] = ring + stride * (y % ring_rows)
    for k in range(1, len(sources) // 2 + 1):
        sources[2 * k - 1] = ring + stride * (max(y - k, 0) % ring_rows)
        sources[2 * k] = ring + stride * (min(y + k, height - 1) % ring_rows)


@subkernel
def filter_line(sources, weights, out):
    """Write the weighted mean of the bytes that lie i bytes after the addresses `sources` to out[i]; len(out) is a multiple of `LANES`."""
    sources_at, weights_at, out_at, pairs = address(sources), address(weights), address(out), np.int64(len(weights) - 1)
    for i in range(0, len(out), LANES):
        _mean(sources_at, weights_at, pairs, np.int64(i), out_at + i)


@subkernel
def _blend_row(sources, weights, amount, row, tail):
    """Blend a row with weighted means, as `_blend` does; its end, shorter than `LANES`, is blended in a copy, `tail` (LANES,)."""
    sources_at, weights_at, row_at, tail_at = address(sources), address(weights), address(row), address(tail)
    pairs, whole = np.int64(len(weights) - 1), len(row) // LANES * LANES
    for i in range(0, whole, LANES):
        _blend(sources_at, weights_at, pairs, np.int64(i), amount, row_at + i)
    for k in range(whole, len(row)):
        tail[k - whole] = row[k]
    _blend(sources_at, weights_at, pairs, np.int64(whole), amount, tail_at)
    for k in range(whole, len(row)):
        row[k] = tail[k - whole]


@jit
def _smear_rows(pixels, offsets, weights, reach_x, reach_y, ring, tail, sources):
    """The loops of `smear`, on rows of 3 * width values. `ring`, `tail` and `sources` are scratch arrays."""
    height, ring_rows = len(pixels), len(ring)
    begin, stride = address(ring) + 3 * reach_x, np.int64(ring.shape[1])
    ready = 0
    for y in range(height):
        while ready < min(y + reach_y + 1, height):
            pad_row(pixels[ready], reach_x, np.int64(3), ring[ready % ring_rows])
            ready += 1
        # The addresses of row y, and of the rows at each offset and opposite to it, moved by the offset along x.
        sources[0] = begin + stride * (y % ring_rows)
        for k in range(1, len(weights)):
            x, down = 3 * offsets[k, 0], offsets[k, 1]
            above, below = min(max(y - down, 0), height - 1), min(max(y + down, 0), height - 1)
            sources[2 * k - 1], sources[2 * k] = begin + stride * (above % ring_rows) - x, begin + stride * (below % ring_rows) + x
        _blend_row(sources, weights, -TOTAL // 2, pixels[y], tail)


def filter_sums(v: Vectors, taps: Any, lanes: int) -> Any:
    """A vector of `lanes` weighted sums of bytes: 128 times their mean, plus 64, so that a shift by 7 bits rounds the mean.

    The bytes lie at 1 + 2 * pairs addresses and after them: first the address of the pixel itself, then those of pairs of neighbours that
    have the same weight. `taps` holds the address at which the list of these addresses begins, the address of the weights, the number of
    pairs, and an offset that is added to each address of the list.
    """
    sources, weights, pairs, x = taps

    def load_bytes(source: Any) -> Any:
        return v.widen(v.load(v.b.add(source, x), I8, lanes), I16, signed=False)

    middle = load_bytes(v.load(sources, I64, 1))
    first = v.b.add(v.b.mul(middle, v.broadcast(v.load(weights, I16, 1), lanes)), v.full_like(middle, TOTAL // 2))
    total = cgutils.alloca_once(v.b, first.type)
    v.b.store(first, total)
    with cgutils.for_range(v.b, pairs, intp=I64) as loop:
        pair = v.b.add(sources, v.b.mul(loop.index, ir.Constant(I64, 16)))
        weight = v.b.add(weights, v.b.mul(loop.index, ir.Constant(I64, 2)))
        both = v.b.add(load_bytes(v.load(pair, I64, 1, offset=8)), load_bytes(v.load(pair, I64, 1, offset=16)))
        more = v.b.mul(both, v.broadcast(v.load(weight, I16, 1, offset=2), lanes))
        v.b.store(v.b.add(v.b.load(total), more), total)
    return v.b.load(total)


@intrinsic
def _mean(typing, sources, weights, pairs, x, out):
    """Write `LANES` means, rounded to bytes, to the address `out`. The other parameters are the `taps` of `filter_sums`."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        v.store(v.narrow(v.shift(filter_sums(v, args[:4], LANES), -7), I8), args[4])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), emit


@intrinsic
def _blend(typing, sources, weights, pairs, x, amount, row):
    """Add amount / 64 * (value - mean) to the `LANES` bytes at the address `row`, within 0..255.

    The means are those of `filter_sums`, whose `taps` are the first four parameters.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (amount, row) = Vectors(builder), args[4:]
        mean = v.shift(filter_sums(v, args[:4], LANES), -7)
        value = v.widen(v.load(row, I8, LANES), I16, signed=False)
        more = v.b.mul(v.b.sub(value, mean), v.broadcast(v.b.trunc(amount, I16), LANES))
        blended = v.b.add(value, v.shift(v.b.add(more, v.full_like(more, 32)), -6))
        v.store(v.narrow(v.maximum(v.minimum(blended, 255), 0), I8), row)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), emit
