"""The image processing of a phone: brightness is denoised and sharpened, colours are denoised at half the size, and some mottle remains.

Brightness has one byte per pixel. Colours are the differences of blue and red from brightness, at half the size, as in phones and JPEG. All
numbers but those of the mottle are integers. Pictures are changed in place, sixteen pixels at a time in vector instructions. At the edges,
the last row or column is repeated.

All steps go down the picture together, each as many rows ahead of the next one as that needs. Only a few rows are kept between the steps,
in ring buffers that stay in the cache, and the picture is read once and written once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit
from fastecg.kernels.noise import LUMA, OF_LUMA, UNIT, table_offset, tables
from fastecg.kernels.stencil import LANES, aim_along, aim_down, filter_line, gaussian_weights, lengthen, weighed
from fastecg.kernels.vectors import I8, I16, I32, Vectors

PATCH = 4  # Distance of the nodes of the mottle, px.
PART = 64  # Factors are integers in units of 1 / PART.
_WIDE = 16  # Number of pixels that are processed at once: the bytes of a 128-bit vector.
_BRIGHTEST = 255 * PART  # Brightness of white in units of 1 / PART of a level.
_GREY = (77, 150, 29)  # Weights of red, green and blue in brightness, in units of 1 / 256 (ITU-R BT.601).


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
        Part of a detail, in levels, that counts as noise and is multiplied by `kept` (0 to 1). The rest of the detail is multiplied by
        1 + `sharpen` (0 to 3).
    limit : int
        Largest part of a detail beyond the core that is amplified, in levels. It limits halos.
    passes : int
        Number of times that colours are smoothed by 1-2-1 along both axes, at half the size.
    mottle : float
        Standard deviation of the mottle in levels. The mottle consists of patches of `PATCH` px.
    """
    factors = np.array([core, round(kept * PART), round((1.0 + sharpen) * PART), limit], dtype=np.int16)
    deviates = tables(0.0, pixels.shape[1] // PATCH + LANES)[0]
    weights, amount = gaussian_weights(sigma_px), np.float32(mottle * PART / UNIT)
    rows = pixels.reshape(len(pixels), -1)
    # Scratch arrays are allocated here and not in the loop over rows, which takes addresses; see `fastecg.kernels.address`.
    reach, whole, half = len(weights) - 1, -(-rows.shape[1] // (3 * LANES)) * LANES, (pixels.shape[1] + 1) // 2
    ahead = passes + reach + 4  # number of rows of blocks that are kept
    grey, colours = np.empty((2 * ahead, whole), dtype=np.uint8), np.empty((2, ahead, whole // 2), dtype=np.int16)
    smooth, line, below = np.empty((passes, 2, 2, half), np.int16), np.empty(half + 2, np.int16), np.empty(half, np.int16)
    ring, long_line = np.empty((2 * reach + 1, whole), dtype=np.uint8), np.empty(whole + 2 * reach, dtype=np.uint8)
    along, down = np.empty((2, 2 * reach + 1), dtype=np.int64)
    mixed, patches, rest = np.zeros((2, whole // 2 + 2), np.int16), np.zeros((2, whole), np.float32), np.empty((2, 3 * _WIDE), np.uint8)
    _process(
        rows, weights, factors, deviates, amount, seed, grey, colours, smooth, line, below, ring, long_line, along, down, mixed, patches,
        rest,
    )  # fmt: skip


@jit
def _process(
    rows, weights, factors, deviates, mottle, seed, grey, colours, smooth, line, below, ring, long_line, along, down, mixed, patches, rest
):
    height, width, reach, slots = len(rows), rows.shape[1] // 3, len(weights) - 1, len(ring)
    blocks, half, passes = (height + 1) // 2, (width + 1) // 2, len(smooth)
    aim_along(address(long_line), 1, along)
    step, ready = 0, 0
    for y in range(height):
        # A row of pixels needs the cleaned colours of the block below it, and brightness as far down as the blur reaches.
        while step <= max(min(y // 2 + 1, blocks - 1) + passes, min((y + reach) // 2, blocks - 1)):
            if step < blocks:
                i, k = step % colours.shape[1], min(2 * step + 1, height - 1)
                _split_rows(
                    rows[2 * step], rows[k], grey[2 * i], grey[k % len(grey)], colours[0, i], colours[1, i], rest
                )  # fmt: skip
            # Every pass is one block behind the one before, since the filter 1-2-1 needs the row below.
            for p in range(passes):
                if -1 <= step - p - 1 < blocks:
                    _smooth_row(colours, smooth[p], step - p - 1, blocks, line, below)
            step += 1
        while ready < min(y + reach + 1, height):
            lengthen(grey[ready % len(grey)][:width], reach, 1, long_line)
            filter_line(along, weights, ring[ready % slots])
            ready += 1
        aim_down(address(ring), np.int64(ring.shape[1]), slots, y, height, down)
        if mottle > 0 and y % PATCH == 0:
            for k in range(2):
                _patches(deviates, table_offset(seed, OF_LUMA, y // PATCH + k, LUMA), mottle, patches[k])
        i = y // 2
        # A block's colour lies between its two rows: the upper one is nearer to the block above, the lower one to that below.
        other = max(i - 1, 0) if y % 2 == 0 else min(i + 1, blocks - 1)
        for c in range(2):
            _blend_rows(colours[c, i % colours.shape[1]], colours[c, other % colours.shape[1]], mixed[c], half)
        share = np.float32(y % PATCH) / np.float32(PATCH)
        _join_row(
            grey[y % len(grey)], down, weights, factors, patches[0], patches[1], share, mixed[0], mixed[1], rows[y], rest[0]
        )  # fmt: skip


@jit
def _split_rows(upper, lower, grey_upper, grey_lower, blue, red, rest):
    """Split two rows of pixels into brightness and differences of colour.

    The end of the rows is copied to `rest` first, with the last pixel repeated, so that it counts twice if the width is odd.
    """
    upper_at, lower_at, first, second = address(upper), address(lower), address(grey_upper), address(grey_lower)
    blue_at, red_at = address(blue), address(red)
    whole = len(upper) // (3 * _WIDE) * _WIDE
    for x in range(0, whole, _WIDE):
        _split_pixels(upper_at + 3 * x, lower_at + 3 * x, first + x, second + x, blue_at + x, red_at + x)
    if 3 * whole < len(upper):
        for k in range(3 * _WIDE):
            j = min(3 * whole + k, len(upper) - 3 + k % 3)
            rest[0, k], rest[1, k] = upper[j], lower[j]
        _split_pixels(address(rest[0]), address(rest[1]), first + whole, second + whole, blue_at + whole, red_at + whole)


@jit
def _smooth_row(colours, waiting, row, blocks, line, below):
    """Smooth one row in a ring buffer of rows by 1-2-1 along both axes, in place, rounding after each axis. The first call is for row -1.

    For both colours, `waiting` (2, 2, n) holds this row and the one before, smoothed along x.
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


@jit
def _copy_row(row, out):
    for x in range(np.uint64(len(out))):
        out[x] = row[x]


@jit
def _smooth_along(row, line, out):
    width = len(out)
    inner = line[1 : width + 1]
    _copy_row(row, inner)
    line[0], line[width + 1] = inner[0], inner[width - 1]
    left, right = line[:width], line[2:]
    for x in range(width):
        total = np.int16(np.int16(left[x] + right[x]) + np.int16(inner[x] << np.int16(1)))
        out[x] = np.int16(np.int16(total + np.int16(2)) >> np.int16(2))


@jit
def _patches(deviates, start, mottle, out):
    for x in range(len(out)):
        j = start + x // PATCH
        share = np.float32(x % PATCH) / np.float32(PATCH)
        left, right = np.float32(deviates[j]), np.float32(deviates[j + 1])
        out[x] = mottle * (left + share * (right - left))


@jit
def _blend_rows(near, far, mixed, count):
    """Write 3/4 of the nearer and 1/4 of the farther row of differences to `mixed`, from its second element on, and repeat both ends."""
    inner = mixed[1 : count + 1]
    for j in range(count):
        inner[j] = np.int16(np.int16(np.int16(np.int16(near[j] * np.int16(3)) + far[j]) + np.int16(2)) >> np.int16(2))
    mixed[0], mixed[count + 1] = mixed[1], mixed[count]


@jit
def _join_row(grey, sources, weights, factors, upper, lower, share, blue, red, row, rest):
    """Write one row of pixels. Its end, shorter than `_WIDE` pixels, is written by way of `rest`."""
    grey_at, sources_at, weights_at, factors_at = address(grey), address(sources), address(weights), address(factors)
    upper_at, lower_at, blue_at, red_at, row_at = address(upper), address(lower), address(blue), address(red), address(row)
    pairs, whole, rest_at = np.int64(len(weights) - 1), len(row) // (3 * _WIDE) * _WIDE, address(rest)
    for x in range(0, whole + _WIDE, _WIDE):
        i = np.int64(x)
        out = row_at + 3 * i if x < whole else rest_at
        if 3 * x < len(row):
            _join_pixels(
                sources_at, weights_at, pairs, i, grey_at + i, factors_at, upper_at + 4 * i, lower_at + 4 * i, share,
                blue_at + i, red_at + i, out,
            )  # fmt: skip
    for k in range(3 * whole, len(row)):
        row[k] = rest[k - 3 * whole]


def _weighted_sum(v: Vectors, terms: tuple[tuple[Any, int], ...]) -> Any:
    """A weighted sum of 16-bit integers in units of 1 / 256, rounded."""
    wide = [v.b.mul(v.widen(vector, I32), v.constant(I32, [factor] * _WIDE)) for vector, factor in terms]
    total = v.b.add(v.b.add(wide[0], wide[1]), v.repeat(wide[0], 128))
    for more in wide[2:]:
        total = v.b.add(total, more)
    return v.narrow(v.shift(total, -8), I16)


@intrinsic
def _split_pixels(typing, upper, lower, grey_upper, grey_lower, blue, red):
    """Split sixteen pixels of two rows into 2 x 16 bytes of brightness and 8 means of each difference, 16 bits each."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, differences = Vectors(builder), []
        for row, grey in zip(args[:2], args[2:4], strict=True):
            bytes_ = v.load(row, I8, 3 * _WIDE)
            channels = [v.widen(v.pick(bytes_, list(range(c, 3 * _WIDE, 3))), I16, signed=False) for c in range(3)]
            light = _weighted_sum(v, tuple(zip(channels, _GREY, strict=True)))
            v.store(v.narrow(light, I8), grey)
            differences.append([v.b.sub(channels[c], light) for c in (2, 0)])
        for one, other, out in zip(*differences, args[4:], strict=True):
            rows = v.b.add(one, other)
            total = v.b.add(v.pick(rows, list(range(0, _WIDE, 2))), v.pick(rows, list(range(1, _WIDE, 2))))
            v.store(v.shift(v.b.add(total, v.repeat(total, 2)), -2), out)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), emit


@intrinsic
def _join_pixels(typing, sources, weights, pairs, x, grey, factors, upper, lower, share, blue, red, done):
    """Write sixteen pixels: sharpened brightness with mottle, and colours enlarged with weights 3 : 1 along the row."""

    def spread(v: Vectors, mixed: Any) -> Any:
        before, here, behind = (v.load(mixed, I16, _WIDE // 2, step=2 * k) for k in range(3))
        middle = v.b.add(v.b.mul(here, v.repeat(here, 3)), v.repeat(here, 2))
        left, right = v.shift(v.b.add(middle, before), -2), v.shift(v.b.add(middle, behind), -2)
        return v.pick(left, [lane for k in range(_WIDE // 2) for lane in (k, _WIDE // 2 + k)], right)

    def between(v: Vectors, vector: Any, least: Any, most: Any) -> Any:
        low = v.b.select(v.b.icmp_signed(">", vector, least), vector, least)
        return v.b.select(v.b.icmp_signed("<", low, most), low, most)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (grey, factors, upper, lower, share, blue, red, done) = Vectors(builder), args[4:]
        core, kept, grows, limit = (v.splat(v.load(factors, I16, 1, step=2 * k), _WIDE) for k in range(4))
        smooth = v.shift(weighed(v, args[:4], _WIDE), -7)
        # 16 bits hold a detail (-255 to 255); its product with a factor of up to 4 * PART does not fit, hence 32 bits below.
        detail = v.b.sub(v.widen(v.load(grey, I8, _WIDE), I16, signed=False), smooth)
        nothing = v.repeat(detail, 0)
        noise = between(v, detail, v.b.sub(nothing, core), core)
        rest = between(v, v.b.sub(detail, noise), v.b.sub(nothing, limit), limit)
        # The sum of the blur, the part of a detail within the core, and the amplified part beyond it, in units of 1 / PART of a level.
        light = v.shift(v.widen(smooth, I32), 6)
        for part, factor in ((noise, kept), (rest, grows)):
            light = v.b.add(light, v.b.mul(v.widen(part, I32), v.widen(factor, I32)))
        light = v.maximum(v.minimum(light, _BRIGHTEST), 0)
        kind = ir.VectorType(ir.FloatType(), _WIDE)
        above, below = (v.load(pointer, ir.FloatType(), _WIDE) for pointer in (upper, lower))
        mottled = v.b.fadd(v.b.sitofp(light, kind), above)
        mottled = v.b.fadd(mottled, v.b.fmul(v.splat(share, _WIDE), v.b.fsub(below, above)))
        light = v.maximum(v.minimum(v.b.fptosi(mottled, light.type), _BRIGHTEST), 0)
        # Levels are rounded once, at the end. Otherwise mottle of less than a level would be lost or show steps.
        level = v.shift(v.narrow(v.b.add(light, v.repeat(light, PART // 2)), I16), -6)
        b, r = spread(v, blue), spread(v, red)
        # Green is brightness minus 77 / 150 of red's difference and 29 / 150 of blue's, here in units of 1 / 256.
        channels = [v.b.add(level, r), v.b.sub(level, _weighted_sum(v, ((r, 131), (b, 50)))), v.b.add(level, b)]
        channels = [v.narrow(v.maximum(v.minimum(channel, 255), 0), I8) for channel in channels]
        v.store(v.woven(channels), done)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 8, types.float32, *[types.int64] * 3), emit
