"""The image processing of a phone: brightness is denoised and sharpened, colours are denoised at half the size, and some mottle is added.

Brightness has one byte per pixel. Colours are the differences of blue and red from brightness, at half the size, as in phones and JPEG:
one value for each block of 2x2 pixels. All numbers but those of the mottle are integers. Pictures are changed in place, with vector
instructions for sixteen pixels at a time. Beyond the picture's edges, the last row or column is repeated.

All steps move down the picture together. Each is as many rows ahead of the next step as the next step reads below its own row. Only a few
rows are kept between the steps, in ring buffers that stay in the cache, and the picture is read once and written once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit, subkernel
from fastecg.kernels.noise import LUMA_COUNT, LUMA_STREAM, UNIT, table_offset, tables
from fastecg.kernels.stencil import LANES, filter_line, filter_sums, find_sources_along, find_sources_down, gaussian_weights, pad_row
from fastecg.kernels.vectors import I8, I16, I32, Vectors

PATCH = 4  # Distance between the nodes of the mottle, px.
PART = 64  # Factors are integers in units of 1 / PART.
_BATCH = 16  # Number of pixels that are processed at once: as many as a 128-bit vector has bytes.
_WHITE = 255 * PART  # Brightness of white in units of 1 / PART of a level.
_GREY_WEIGHTS = (77, 150, 29)  # Weights of red, green and blue in brightness, in units of 1 / 256 (ITU-R BT.601).


def process(
    pixels: np.ndarray, sigma_px: float, *, core: int, kept: float, sharpen: float, limit: int, passes: int, mottle: float, seed: int
) -> None:
    """Denoise, sharpen and mottle (height, width, 3) uint8, in place.

    Parameters
    ----------
    pixels : ndarray
    sigma_px : float
        Standard deviation of the blur. Details are the differences between brightness and its blur.
    core : int
        How many levels of a detail count as noise, which is multiplied by `kept` (0 to 1). What exceeds them is the rest of the detail,
        which is multiplied by 1 + `sharpen`, where `sharpen` is 0 to 3.
    limit : int
        Largest size of the rest of a detail, in levels; more is cut off, which limits halos.
    passes : int
        Number of times that colours are smoothed by 1-2-1 along both axes, at half the size.
    mottle : float
        Standard deviation of the mottle in levels, at its nodes. The mottle consists of patches of `PATCH` px.
    seed : int
        Decides the mottle.
    """
    factors = np.array([core, round(kept * PART), round((1.0 + sharpen) * PART), limit], dtype=np.int16)
    deviates = tables(0.0, pixels.shape[1] // PATCH + LANES)[0]
    weights, amount = gaussian_weights(sigma_px), np.float32(mottle * PART / UNIT)
    rows = pixels.reshape(len(pixels), -1)
    # Scratch arrays are allocated here and not in `_process`, which takes their addresses: see `fastecg.kernels.address`. `grey`, `colours`
    # and `ring` are ring buffers of rows: brightness, colour differences, and brightness blurred along x.
    reach, whole, half = len(weights) - 1, -(-rows.shape[1] // (3 * LANES)) * LANES, (pixels.shape[1] + 1) // 2
    ahead = passes + reach + 4  # number of rows of blocks that are kept
    grey, colours = np.empty((2 * ahead, whole), dtype=np.uint8), np.empty((2, ahead, whole // 2), dtype=np.int16)
    smooth, line, below = np.empty((passes, 2, 2, half), np.int16), np.empty(half + 2, np.int16), np.empty(half, np.int16)
    ring, long_line = np.empty((2 * reach + 1, whole), dtype=np.uint8), np.empty(whole + 2 * reach, dtype=np.uint8)
    along, down = np.empty((2, 2 * reach + 1), dtype=np.int64)
    mixed, patches, tail = np.zeros((2, whole // 2 + 2), np.int16), np.zeros((2, whole), np.float32), np.empty((2, 3 * _BATCH), np.uint8)
    _process(
        rows, weights, factors, deviates, amount, seed, grey, colours, smooth, line, below, ring, long_line, along, down, mixed, patches,
        tail,
    )  # fmt: skip


@jit
def _process(
    rows, weights, factors, deviates, mottle, seed, grey, colours, smooth, line, below, ring, long_line, along, down, mixed, patches, tail
):
    """The loops of `process`, on rows of 3 * width values. From `grey` on, all parameters are scratch arrays.

    `mottle` is in units of 1 / `PART` of a level per unit of the deviates.
    """
    height, width, reach, ring_rows = len(rows), rows.shape[1] // 3, len(weights) - 1, len(ring)
    blocks, half, passes = (height + 1) // 2, (width + 1) // 2, len(smooth)
    find_sources_along(address(long_line), np.int64(1), along)
    step, ready = 0, 0  # number of rows of blocks that were read, and of rows of brightness that were blurred along x
    for y in range(height):
        # A row of pixels needs the cleaned colours of the block below it, and brightness as far down as the blur reaches.
        while step <= max(min(y // 2 + 1, blocks - 1) + passes, min((y + reach) // 2, blocks - 1)):
            if step < blocks:
                i, k = step % colours.shape[1], min(2 * step + 1, height - 1)
                _split_rows(
                    rows[2 * step], rows[k], grey[2 * i], grey[k % len(grey)], colours[0, i], colours[1, i], tail
                )  # fmt: skip
            # Every pass is one row of blocks behind the pass before it, because the filter 1-2-1 needs the row below.
            for p in range(passes):
                if -1 <= step - p - 1 < blocks:
                    _smooth_row(colours, smooth[p], step - p - 1, blocks, line, below)
            step += 1
        while ready < min(y + reach + 1, height):
            pad_row(grey[ready % len(grey)][:width], reach, np.int64(1), long_line)
            filter_line(along, weights, ring[ready % ring_rows])
            ready += 1
        find_sources_down(address(ring), np.int64(ring.shape[1]), ring_rows, y, height, down)
        if mottle > 0 and y % PATCH == 0:
            for k in range(2):
                _mottle_row(deviates, table_offset(seed, LUMA_STREAM, y // PATCH + k, LUMA_COUNT), mottle, patches[k])
        i = y // 2
        # The centre of a block lies between its two rows: the upper row is nearer to the block above, the lower row to the block below.
        neighbour = max(i - 1, 0) if y % 2 == 0 else min(i + 1, blocks - 1)
        for c in range(2):
            _blend_rows(colours[c, i % colours.shape[1]], colours[c, neighbour % colours.shape[1]], mixed[c], half)
        share = np.float32(y % PATCH) / np.float32(PATCH)
        _join_row(
            grey[y % len(grey)], down, weights, factors, patches[0], patches[1], share, mixed[0], mixed[1], rows[y], tail[0]
        )  # fmt: skip


@subkernel
def _split_rows(upper, lower, grey_upper, grey_lower, blue, red, tail):
    """Split two rows of pixels into two rows of brightness and one row of blocks of each colour difference.

    The end of the rows, shorter than `_BATCH` pixels, is read from a copy in `tail` in which the last pixel is repeated. If the width is
    odd, the last block therefore has the last pixel of each row twice.
    """
    upper_at, lower_at, first, second = address(upper), address(lower), address(grey_upper), address(grey_lower)
    blue_at, red_at = address(blue), address(red)
    whole = len(upper) // (3 * _BATCH) * _BATCH
    for x in range(0, whole, _BATCH):
        _split_pixels(upper_at + 3 * x, lower_at + 3 * x, first + x, second + x, blue_at + x, red_at + x)
    if 3 * whole < len(upper):
        for k in range(3 * _BATCH):
            j = min(3 * whole + k, len(upper) - 3 + k % 3)
            tail[0, k], tail[1, k] = upper[j], lower[j]
        _split_pixels(address(tail[0]), address(tail[1]), first + whole, second + whole, blue_at + whole, red_at + whole)


@subkernel
def _smooth_row(colours, waiting, row, blocks, line, below):
    """Smooth one row of blocks of both colours by 1-2-1 along both axes, in place in the ring buffers `colours`, rounding after each axis.

    `waiting` (2 colours, 2, n) holds this row and the one above it, already smoothed along x. The first call, for row -1, only fills
    `waiting`. `line` and `below` are scratch arrays.
    """
    for c in range(2):
        above, here = waiting[c, (row + 1) % 2], waiting[c, row % 2]
        if row + 1 < blocks:
            _smooth_along(colours[c, (row + 1) % colours.shape[1]], line, below)
        else:
            _copy_row(here, below)
        if row < 0:
            _copy_row(below, here)
        else:
            out = colours[c, row % colours.shape[1]]
            for x in range(len(below)):
                total = np.int16(np.int16(above[x] + below[x]) + np.int16(here[x] << np.int16(1)))
                out[x] = np.int16(np.int16(total + np.int16(2)) >> np.int16(2))
        _copy_row(below, above)


@subkernel
def _copy_row(row, out):
    for x in range(np.uint64(len(out))):
        out[x] = row[x]


@subkernel
def _smooth_along(row, line, out):
    """Fill `out` with a row smoothed by 1-2-1; `line` is a scratch array that is two elements longer."""
    width = len(out)
    inner = line[1 : width + 1]
    _copy_row(row, inner)
    line[0], line[width + 1] = inner[0], inner[width - 1]
    left, right = line[:width], line[2:]
    for x in range(width):
        total = np.int16(np.int16(left[x] + right[x]) + np.int16(inner[x] << np.int16(1)))
        out[x] = np.int16(np.int16(total + np.int16(2)) >> np.int16(2))


@subkernel
def _mottle_row(deviates, start, mottle, out):
    """Write one row of the mottle, linear between nodes, in units of 1 / `PART` of a level. Its first node is deviate number `start`."""
    for x in range(len(out)):
        j = start + x // PATCH
        share = np.float32(x % PATCH) / np.float32(PATCH)
        left, right = np.float32(deviates[j]), np.float32(deviates[j + 1])
        out[x] = mottle * (left + share * (right - left))


@subkernel
def _blend_rows(near, far, mixed, count):
    """Write 3/4 of the nearer plus 1/4 of the farther row of colour differences to `mixed`, with its first and last value repeated once."""
    inner = mixed[1 : count + 1]
    for j in range(count):
        inner[j] = np.int16(np.int16(np.int16(np.int16(near[j] * np.int16(3)) + far[j]) + np.int16(2)) >> np.int16(2))
    mixed[0], mixed[count + 1] = mixed[1], mixed[count]


@subkernel
def _join_row(grey, sources, weights, factors, mottle_above, mottle_below, share, blue, red, row, tail):
    """Write one row of pixels. Its end, shorter than `_BATCH` pixels, is computed in `tail` and copied.

    The row lies between two rows of the mottle's nodes, `share` of the way from the upper to the lower one.
    """
    grey_at, sources_at, weights_at, factors_at = address(grey), address(sources), address(weights), address(factors)
    above_at, below_at, blue_at, red_at, row_at = address(mottle_above), address(mottle_below), address(blue), address(red), address(row)
    pairs, whole, tail_at = np.int64(len(weights) - 1), len(row) // (3 * _BATCH) * _BATCH, address(tail)
    for x in range(0, whole + _BATCH, _BATCH):
        i = np.int64(x)
        out = row_at + 3 * i if x < whole else tail_at
        if 3 * x < len(row):
            _join_pixels(
                sources_at, weights_at, pairs, i, grey_at + i, factors_at, above_at + 4 * i, below_at + 4 * i, share,
                blue_at + i, red_at + i, out,
            )  # fmt: skip
    for k in range(3 * whole, len(row)):
        row[k] = tail[k - 3 * whole]


def _weighted_sum(v: Vectors, terms: tuple[tuple[Any, int], ...]) -> Any:
    """The sum of 16-bit integers times factors that are in units of 1 / 256, rounded."""
    wide = [v.b.mul(v.widen(vector, I32), v.constant(I32, [factor] * _BATCH)) for vector, factor in terms]
    total = v.b.add(v.b.add(wide[0], wide[1]), v.full_like(wide[0], 128))
    for product in wide[2:]:
        total = v.b.add(total, product)
    return v.narrow(v.shift(total, -8), I16)


@intrinsic
def _split_pixels(typing, upper, lower, grey_upper, grey_lower, blue, red):
    """Split sixteen pixels of two rows into 2 x 16 bytes of brightness and, for each colour difference, 8 means of 16 bits.

    All parameters are addresses.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, differences = Vectors(builder), []
        for row, grey in zip(args[:2], args[2:4], strict=True):
            bytes_ = v.load(row, I8, 3 * _BATCH)
            channels = [v.widen(v.shuffle(bytes_, list(range(c, 3 * _BATCH, 3))), I16, signed=False) for c in range(3)]
            light = _weighted_sum(v, tuple(zip(channels, _GREY_WEIGHTS, strict=True)))
            v.store(v.narrow(light, I8), grey)
            differences.append([v.b.sub(channels[c], light) for c in (2, 0)])
        for one, other, out in zip(*differences, args[4:], strict=True):
            rows = v.b.add(one, other)
            total = v.b.add(v.shuffle(rows, list(range(0, _BATCH, 2))), v.shuffle(rows, list(range(1, _BATCH, 2))))
            v.store(v.shift(v.b.add(total, v.full_like(total, 2)), -2), out)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), emit


@intrinsic
def _join_pixels(typing, sources, weights, pairs, x, grey, factors, mottle_above, mottle_below, share, blue, red, out):
    """Write sixteen pixels: sharpened brightness with mottle, and colours enlarged with weights 3 : 1 along the row.

    The first four parameters are the `taps` of `filter_sums`; all others but `share` are addresses.
    """

    def enlarge(v: Vectors, mixed: Any) -> Any:
        """Sixteen differences of colour from ten, of which the first belongs to the block left of the pixels."""
        before, here, behind = (v.load(mixed, I16, _BATCH // 2, offset=2 * k) for k in range(3))
        middle = v.b.add(v.b.mul(here, v.full_like(here, 3)), v.full_like(here, 2))
        left, right = v.shift(v.b.add(middle, before), -2), v.shift(v.b.add(middle, behind), -2)
        return v.shuffle(left, [lane for k in range(_BATCH // 2) for lane in (k, _BATCH // 2 + k)], right)

    def clamp(v: Vectors, vector: Any, least: Any, most: Any) -> Any:
        raised = v.b.select(v.b.icmp_signed(">", vector, least), vector, least)
        return v.b.select(v.b.icmp_signed("<", raised, most), raised, most)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (grey, factors, mottle_above, mottle_below, share, blue, red, out) = Vectors(builder), args[4:]
        core, kept, amplified, limit = (v.broadcast(v.load(factors, I16, 1, offset=2 * k), _BATCH) for k in range(4))
        # `filter_sums` gives 128 times the blur; below, a shift by 6 is a factor or divisor of PART.
        smooth = v.shift(filter_sums(v, args[:4], _BATCH), -7)
        # 16 bits hold a detail (-255 to 255); its product with a factor of up to 4 * PART does not fit, hence 32 bits below.
        detail = v.b.sub(v.widen(v.load(grey, I8, _BATCH), I16, signed=False), smooth)
        zeros = v.full_like(detail, 0)
        noise = clamp(v, detail, v.b.sub(zeros, core), core)
        rest = clamp(v, v.b.sub(detail, noise), v.b.sub(zeros, limit), limit)
        # The sum of the blur, the part of a detail within the core, and the amplified part beyond it, in units of 1 / PART of a level.
        light = v.shift(v.widen(smooth, I32), 6)
        for part, factor in ((noise, kept), (rest, amplified)):
            light = v.b.add(light, v.b.mul(v.widen(part, I32), v.widen(factor, I32)))
        light = v.maximum(v.minimum(light, _WHITE), 0)
        floats = ir.VectorType(ir.FloatType(), _BATCH)
        above, below = (v.load(pointer, ir.FloatType(), _BATCH) for pointer in (mottle_above, mottle_below))
        mottled = v.b.fadd(v.b.sitofp(light, floats), above)
        mottled = v.b.fadd(mottled, v.b.fmul(v.broadcast(share, _BATCH), v.b.fsub(below, above)))
        light = v.maximum(v.minimum(v.b.fptosi(mottled, light.type), _WHITE), 0)
        # Levels are rounded once, at the end. Otherwise mottle of less than a level would be lost or show steps.
        level = v.shift(v.narrow(v.b.add(light, v.full_like(light, PART // 2)), I16), -6)
        b, r = enlarge(v, blue), enlarge(v, red)
        # Green is brightness minus 77 / 150 of red's difference and 29 / 150 of blue's, which are about 131 / 256 and 50 / 256.
        channels = [v.b.add(level, r), v.b.sub(level, _weighted_sum(v, ((r, 131), (b, 50)))), v.b.add(level, b)]
        channels = [v.narrow(v.maximum(v.minimum(channel, 255), 0), I8) for channel in channels]
        v.store(v.interleave(channels), out)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 8, types.float32, *[types.int64] * 3), emit
