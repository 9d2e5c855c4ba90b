"""Symmetric filters on finished pictures: blur, unsharp masking, streaks of motion. In place, a few rows at a time.

Weights are integers with the sum 128: a uniform picture is not changed, and sums fit 16 bits, so that thirty-two values are summed at once
and stay in registers up to the finished bytes. Weights are symmetrical, so nothing is moved. At the edges, the last row or column is
repeated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit
from fastecg.kernels.vectors import I8, I16, I64, Vectors

TOTAL = 128  # Sum of the weights.
LANES = 32  # Values that are filtered together.


def gaussian_weights(sigma_px: float) -> np.ndarray:
    """Weights of a pixel and its neighbours on one side, (n,) int16: w[0] + 2 * sum(w[1:]) is `TOTAL`."""
    reach = max(1, math.ceil(2.6 * sigma_px))
    edges = np.array([math.erf((k + 0.5) / (sigma_px * math.sqrt(2.0))) for k in range(-1, reach + 1)])
    sides = np.rint(TOTAL * 0.5 * np.diff(edges[1:])).astype(np.int16)
    sides = sides[: max(1, int(np.count_nonzero(sides)))]
    return np.concatenate([[TOTAL - 2 * sides.sum()], sides]).astype(np.int16)


def blur(pixels: np.ndarray, sigma_px: float) -> None:
    """Gaussian blur of (height, width, 3) uint8, in place."""
    _blend_with_blur(pixels, gaussian_weights(sigma_px), -TOTAL // 2)


def blend_columns(pixels: np.ndarray, blurred: np.ndarray, share: np.ndarray, first: int = 0) -> None:
    """Blend (height, columns, 3) uint8 into the columns of a picture from `first` on, in place, each by its `share` (columns,) of 256."""
    _blend_columns(pixels.reshape(len(pixels), -1), blurred.reshape(len(blurred), -1), np.repeat(share.astype(np.int32), 3), 3 * first)


def sharpen(pixels: np.ndarray, sigma_px: float, amount: float) -> None:
    """Unsharp masking, v + amount * (v - blurred), of (height, width, 3) uint8, in place; `amount` 0 to 2."""
    _blend_with_blur(pixels, gaussian_weights(sigma_px), round(amount * TOTAL / 2))


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
    rows, (reach_x, reach_y) = pixels.reshape(len(pixels), -1), np.abs(offsets).max(axis=0).tolist()
    whole = -(-rows.shape[1] // LANES) * LANES
    ring, rest = np.empty((2 * reach_y + 1, whole + 6 * reach_x), dtype=np.uint8), np.empty(LANES, dtype=np.uint8)
    sources = np.empty(2 * len(weights) - 1, dtype=np.int64)
    _smear_rows(rows, offsets.astype(np.int64), weights.astype(np.int16), reach_x, reach_y, ring, rest, sources)


@jit
def _blend_columns(pixels, blurred, share, first):
    for y in range(len(pixels)):
        row, other = pixels[y, first:], blurred[y]
        for i in range(np.uint64(len(share))):
            old = np.int32(row[i])
            row[i] = np.uint8(np.int32(old + (np.int32((np.int32(other[i]) - old) * share[i] + np.int32(128)) >> np.int32(8))))


@jit
def lengthen(row, pad, channels, line):
    """Write a row with the pixels at its ends repeated `pad` times on both sides; the line may be longer."""
    n = len(row)
    for k in range(pad):
        for c in range(channels):
            line[channels * k + c] = row[c]
            line[channels * (pad + k) + n + c] = row[n - channels + c]
    inner = line[channels * pad :]
    for i in range(np.uint64(n)):  # With an unsigned index LLVM makes this one call of memcpy.
        inner[i] = row[i]


def _blend_with_blur(pixels: np.ndarray, weights: np.ndarray, amount: int) -> None:
    """Replace v by v + amount / 64 * (v - blurred): -64 blurs, a positive amount sharpens. Rows filtered along x wait in a ring."""
    rows = pixels.reshape(len(pixels), -1)
    reach, whole = len(weights) - 1, -(-rows.shape[1] // LANES) * LANES
    ring = np.empty((2 * reach + 1, whole), dtype=np.uint8)
    line, rest = np.empty(whole + 6 * reach, dtype=np.uint8), np.empty(LANES, dtype=np.uint8)
    along, down = np.empty((2, 2 * reach + 1), dtype=np.int64)
    _blend_rows(rows, weights, amount, ring, line, rest, along, down)


@jit
def _blend_rows(pixels, weights, amount, ring, line, rest, along, down):
    height, reach, slots = len(pixels), len(weights) - 1, len(ring)
    aim_along(address(line), 3, along)
    ready = 0
    for y in range(height):
        while ready < min(y + reach + 1, height):
            lengthen(pixels[ready], reach, 3, line)
            filter_line(along, weights, ring[ready % slots])
            ready += 1
        aim_down(address(ring), np.int64(ring.shape[1]), slots, y, height, down)
        _blend_row(down, weights, amount, pixels[y], rest)


@jit
def aim_along(line, step, sources):
    """Addresses (2 reach + 1,) of a pixel and its neighbours, alternately left and right, in a line that begins `reach` pixels before."""
    reach = len(sources) // 2
    sources[0] = line + step * reach
    for k in range(1, reach + 1):
        sources[2 * k - 1], sources[2 * k] = sources[0] - step * k, sources[0] + step * k


@jit
def aim_down(ring, stride, slots, y, height, sources):
    """Addresses (2 reach + 1,) of row y and of its neighbours, alternately above and below, in a ring of rows."""
    sources[0] = ring + stride * (y % slots)
    for k in range(1, len(sources) // 2 + 1):
        sources[2 * k - 1] = ring + stride * (max(y - k, 0) % slots)
        sources[2 * k] = ring + stride * (min(y + k, height - 1) % slots)


@jit
def filter_line(sources, weights, out):
    """Weighted means of the pixels at `sources` and after, written to all of `out`, whose length is a multiple of `LANES`."""
    sources_at, weights_at, out_at, pairs = address(sources), address(weights), address(out), np.int64(len(weights) - 1)
    for i in range(0, len(out), LANES):
        _mean(sources_at, weights_at, pairs, np.int64(i), out_at + i)


@jit
def _blend_row(sources, weights, amount, row, rest):
    """Blend a row with the weighted mean of the pixels at `sources`; its end goes through `rest`, (LANES,)."""
    sources_at, weights_at, row_at, rest_at = address(sources), address(weights), address(row), address(rest)
    pairs, whole = np.int64(len(weights) - 1), len(row) // LANES * LANES
    for i in range(0, whole, LANES):
        _blend(sources_at, weights_at, pairs, np.int64(i), amount, row_at + i)
    for k in range(whole, len(row)):
        rest[k - whole] = row[k]
    _blend(sources_at, weights_at, pairs, np.int64(whole), amount, rest_at)
    for k in range(whole, len(row)):
        row[k] = rest[k - whole]


@jit
def _smear_rows(pixels, offsets, weights, reach_x, reach_y, ring, rest, sources):
    """The loops of `smear`, on rows of 3 * width values, with scratch for the rows in reach."""
    height, slots = len(pixels), len(ring)
    begin, stride = address(ring) + 3 * reach_x, np.int64(ring.shape[1])
    ready = 0
    for y in range(height):
        while ready < min(y + reach_y + 1, height):
            lengthen(pixels[ready], reach_x, 3, ring[ready % slots])
            ready += 1
        sources[0] = begin + stride * (y % slots)
        for k in range(1, len(weights)):
            x, down = 3 * offsets[k, 0], offsets[k, 1]
            above, below = min(max(y - down, 0), height - 1), min(max(y + down, 0), height - 1)
            sources[2 * k - 1], sources[2 * k] = begin + stride * (above % slots) - x, begin + stride * (below % slots) + x
        _blend_row(sources, weights, -TOTAL // 2, pixels[y], rest)


def weighed(v: Vectors, taps: Any, lanes: int) -> Any:
    """Sums of 16 bits, 128 times a mean plus a half for rounding, of a pixel and pairs of neighbours with equal weights.

    `taps` are the address of 1 + 2 * pairs addresses, that of the weights, the number of pairs, and an offset of the addresses.
    """
    sources, weights, pairs, x = taps

    def values(source: Any) -> Any:
        return v.widen(v.load(v.b.add(source, x), I8, lanes), I16, signed=False)

    middle = values(v.load(sources, I64, 1))
    first = v.b.add(v.b.mul(middle, v.splat(v.load(weights, I16, 1), lanes)), v.repeat(middle, TOTAL // 2))
    total = cgutils.alloca_once(v.b, first.type)
    v.b.store(first, total)
    with cgutils.for_range(v.b, pairs, intp=I64) as loop:
        pair = v.b.add(sources, v.b.mul(loop.index, ir.Constant(I64, 16)))
        weight = v.b.add(weights, v.b.mul(loop.index, ir.Constant(I64, 2)))
        both = v.b.add(values(v.load(pair, I64, 1, step=8)), values(v.load(pair, I64, 1, step=16)))
        more = v.b.mul(both, v.splat(v.load(weight, I16, 1, step=2), lanes))
        v.b.store(v.b.add(v.b.load(total), more), total)
    return v.b.load(total)


@intrinsic
def _mean(typing, sources, weights, pairs, x, out):
    """Write `LANES` means."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        v.store(v.narrow(v.shift(weighed(v, args[:4], LANES), -7), I8), args[4])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), emit


@intrinsic
def _blend(typing, sources, weights, pairs, x, amount, row):
    """Add amount / 64 * (value - mean) to `LANES` values, within 0..255."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (amount, row) = Vectors(builder), args[4:]
        mean = v.shift(weighed(v, args[:4], LANES), -7)
        value = v.widen(v.load(row, I8, LANES), I16, signed=False)
        more = v.b.mul(v.b.sub(value, mean), v.splat(v.b.trunc(amount, I16), LANES))
        blended = v.b.add(value, v.shift(v.b.add(more, v.repeat(more, 32)), -6))
        v.store(v.narrow(v.maximum(v.minimum(blended, 255), 0), I8), row)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), emit
