"""The loss of baseline JPEG compression, without a file: colours are reduced to half the size, and blocks are transformed and quantised.

A JPEG file stores the quantised coefficients without loss. So entropy coding, which takes most of the time of a codec, is left out, and
the coefficients are transformed back at once. All steps give the same bits as libjpeg. The cosine transform is that of Loeffler,
Ligtenberg and Moschytz (1989) in integers with 13 binary digits; it transforms rows before columns, and the inverse transforms columns
before rows. Colours are averaged in blocks of 2x2 pixels, and enlarged again by interpolation with weights 3 : 1 along both axes.

Sixteen pixels are processed at once with LLVM vector instructions: two blocks of 8x8 pixels, side by side, stay in registers from the first
to the last step.

The format is ITU-T T.81 (1992), with the tables of its annex K scaled by libjpeg's quality, and JFIF 1.02 for the colours.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit, subkernel
from fastecg.kernels.vectors import I8, I16, I32, I64, Vectors

BLOCK = 8  # Side of a block in px.
MCU = 16  # Side in px of a unit (T.81: minimum coded unit): four blocks of brightness and one of each colour.
# Quantisation steps at quality 50 (T.81, annex K).
_LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56), (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92), (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
_CHROMA_STEPS = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99), (47, 66, 99, 99, 99, 99, 99, 99),
    (99,) * 8, (99,) * 8, (99,) * 8, (99,) * 8,
)  # fmt: skip
#: Row-by-row indices of a block's coefficients in zigzag order, from low to high frequencies.
ZIGZAG = sorted(range(64), key=lambda k: (k // 8 + k % 8, (k // 8 if (k // 8 + k % 8) % 2 else k % 8)))
_CONST_BITS = 13  # Binary digits of the fraction of a cosine, as in libjpeg.
_PASS1_BITS = 2  # Additional binary digits that values have between the two passes of a transform, as in libjpeg.


def recompress(pixels: np.ndarray, quality: int, left: int = 0, top: int = 0) -> None:
    """Compress and decompress a picture in place, as libjpeg does with 4:2:0 sampling.

    The result has the same bits as libjpeg's if the picture is more than 4 px wide.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 3) uint8, C order
    quality : int
        Quality from 1 to 100, as in libjpeg.
    left, top : int
        Number of pixels, 0 to 15, by which the first block begins before the picture. The picture is extended there by its edge.
    """
    across = -(-(left + pixels.shape[1]) // MCU)  # number of units in a row
    luma = np.empty((2 * MCU, across * MCU), dtype=np.uint8)  # Two rows of units, because interpolated colours depend on the next row.
    chroma = np.zeros((2, 2 * BLOCK, (across + 1) // 2 * MCU), dtype=np.uint8)  # Blue and red. Blocks are transformed in pairs.
    # Two rows of pixels, and the sums of `_blend_rows` for blue and red.
    lines, sums = np.empty((2, 3 * across * MCU), dtype=np.uint8), np.zeros((2, across * BLOCK + 2), dtype=np.int16)
    steps = steps_of(quality).astype(np.int16)
    _recompress(pixels.reshape(len(pixels), -1), quantisers_of(quality), steps, left, top, luma, chroma, lines, sums)


@functools.lru_cache(maxsize=8)
def steps_of(quality: int) -> np.ndarray:
    """Quantisation steps of the coefficients of brightness and of colours, (2, 64), row by row."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((np.array([_LUMA_STEPS, _CHROMA_STEPS]).reshape(2, -1) * percent + 50) // 100, 1, 255)


@functools.lru_cache(maxsize=8)
def quantisers_of(quality: int) -> np.ndarray:
    """The numbers (2, 2, 64) float32 that quantise coefficients: for brightness and colours, a term that is added and a factor.

    Coefficients are eight times as large as those of T.81, so the factor is 1 / (8 step). The term of half a step makes the division round
    to nearest. It has another 0.5, because a product with a rounded reciprocal could otherwise be just below an integer.
    """
    steps = steps_of(quality)
    return np.stack([4.0 * steps + 0.5, 1.0 / (8.0 * steps)], axis=1).astype(np.float32)


@jit
def _recompress(pixels, quantisers, steps, left, top, luma, chroma, lines, sums):
    """The loops of `recompress`, on rows of 3 * width values, with scratch arrays for two rows of units."""
    width, height = left + pixels.shape[1] // 3, top + pixels.shape[0]
    for unit in range((height + MCU - 1) // MCU):
        first = MCU * (unit % 2)
        split_unit(pixels, unit, left, top, first, luma, chroma, lines)
        for plane in range(3):
            kind = min(plane, 1)
            rows = luma[first : first + MCU] if plane == 0 else chroma[plane - 1, first // 2 : first // 2 + BLOCK]
            _transform(rows, quantisers[kind], steps[kind])
        is_last = (unit + 1) * MCU >= height
        # The last row of a unit is written together with the next unit, because its colours depend on the next unit's.
        for row in range(max(MCU * unit - 1, top), height if is_last else MCU * (unit + 1) - 1):
            # The row of colours in which this row of pixels lies, and the row beside that one, which has a third of its weight.
            near = row // 2
            far = max(near - 1, 0) if row % 2 == 0 else min(near + 1, (height + 1) // 2 - 1)
            for c in range(2):
                _blend_rows(chroma[c, near % MCU], chroma[c, far % MCU], sums[c], (width + 1) // 2)
            _join_row(luma[row % (2 * MCU)], sums[0], sums[1], lines[0])
            _copy_row(lines[0][3 * left :], pixels[row - top])


@subkernel
def split_unit(pixels, unit, left, top, first, luma, chroma, lines):
    """Split row `unit` of the units: 16 rows go to `luma`, from row `first` on, and 8 to each plane of `chroma`, from row `first` // 2 on.

    The picture is extended beyond its edges by its outermost pixels, as in libjpeg. `lines` (2, n) is scratch for two rows of pixels.
    """
    height = top + pixels.shape[0]
    for k in range(BLOCK):
        row = MCU * unit + 2 * k
        if row < height:
            # If the height is odd, the last row counts twice in the mean of its colours.
            _extend_row(pixels[max(row - top, 0)], left, lines[0])
            _extend_row(pixels[max(min(row + 1, height - 1) - top, 0)], left, lines[1])
            _split_rows(lines[0], lines[1], luma[first + 2 * k], luma[first + 2 * k + 1], chroma[:, first // 2 + k])
        else:
            for i in range(2):
                _copy_row(luma[first + 2 * k - 1], luma[first + 2 * k + i])
                _copy_row(chroma[i, first // 2 + k - 1], chroma[i, first // 2 + k])


@subkernel
def _extend_row(row, left, line):
    """Copy a row of pixels to `line`, with its first pixel repeated `left` times before it, and its last one up to the end of `line`."""
    _copy_row(row, line[3 * left : 3 * left + len(row)])
    for k in range(3 * left):
        line[k] = row[k % 3]
    for k in range(3 * left + len(row), len(line)):
        line[k] = line[k - 3]


@subkernel
def _copy_row(row, out):
    """Fill a row with the beginning of another."""
    for i in range(np.uint64(len(out))):  # With an unsigned index LLVM makes this one call of memcpy.
        out[i] = row[i]


@subkernel
def _split_rows(upper, lower, luma_upper, luma_lower, chroma):
    """Split two rows of pixels into their brightness and, averaged over blocks of 2x2, their differences of blue and red."""
    upper_at, lower_at, first, second = address(upper), address(lower), address(luma_upper), address(luma_lower)
    blue, red = address(chroma[0]), address(chroma[1])
    for x in range(0, len(luma_upper), 16):
        _split_pixels(upper_at + 3 * x, lower_at + 3 * x, first + x, second + x, blue + x // 2, red + x // 2)


@subkernel
def _transform(rows, quantisers, steps):
    """Transform, quantise and transform back eight or sixteen rows of a plane, in place, with its quantisers (2, 64) and steps (64,)."""
    rows_at, stride, quantisers_at, steps_at = address(rows), np.int64(rows.strides[0]), address(quantisers), address(steps)
    for y in range(0, rows.shape[0], BLOCK):
        for x in range(0, rows.shape[1], 16):
            _quantise_blocks(rows_at + y * stride + x, stride, quantisers_at, steps_at)


@subkernel
def _blend_rows(near, far, sums, count):
    """Write three times the nearer row of colours plus the farther one to `sums`, from its second element on, and repeat both ends."""
    inner = sums[1 : count + 1]
    for j in range(count):
        inner[j] = np.int16(np.int16(np.int16(near[j]) * np.int16(3)) + np.int16(far[j]))
    sums[0], sums[count + 1] = sums[1], sums[count]


@subkernel
def _join_row(luma, blue, red, line):
    """Write a row of pixels to `line`, from their brightness and the sums of colours of `_blend_rows`."""
    luma_at, blue_at, red_at, line_at = address(luma), address(blue), address(red), address(line)
    for x in range(0, len(luma), 16):
        _join_pixels(luma_at + x, blue_at + x, red_at + x, line_at + 3 * x)


def _sum(v: Vectors, *terms: Any) -> Any:
    """The sum of any number of vectors."""
    return functools.reduce(v.b.add, terms)


def _times(v: Vectors, vector: Any, factor: float) -> Any:
    """Multiply integers by a constant in fixed-point numbers with `_CONST_BITS` binary digits."""
    return v.b.mul(vector, v.full_like(vector, round(factor * 2**_CONST_BITS)))


def _rounded(v: Vectors, vector: Any, bits: int) -> Any:
    """Integers divided by 2**bits and rounded to nearest."""
    return v.narrow(v.shift(v.b.add(vector, v.full_like(vector, 1 << (bits - 1))), -bits), I16)


def _odd_part(v: Vectors, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any, Any, Any]:
    """The odd half of the cosine transform, which is the same in both directions; the names z1 to z5 and the factors are libjpeg's.

    Forward, a to d are the differences 3 to 0 (row k less row 7 - k), and the results are terms 7, 5, 3 and 1. Backward, a to d are terms
    7, 5, 3 and 1, and the results are the halves of differences 3 to 0.
    """
    z1, z2, z3, z4 = v.b.add(a, d), v.b.add(b, c), v.b.add(a, c), v.b.add(b, d)
    z5 = _times(v, v.b.add(z3, z4), 1.175875602)
    z1, z2 = _times(v, z1, -0.899976223), _times(v, z2, -2.562915447)
    z3, z4 = v.b.add(_times(v, z3, -1.961570560), z5), v.b.add(_times(v, z4, -0.390180644), z5)
    return (
        _sum(v, _times(v, a, 0.298631336), z1, z3), _sum(v, _times(v, b, 2.053119869), z2, z4),
        _sum(v, _times(v, c, 3.072711026), z2, z3), _sum(v, _times(v, d, 1.501321110), z1, z4),
    )  # fmt: skip


def _forward(v: Vectors, rows: list[Any], first: bool) -> list[Any]:
    """Cosine transform along the columns of eight rows of 16-bit integers.

    Values get `_PASS1_BITS` additional bits in the first pass, and lose them in the second.
    """
    sums, differences = [], []
    for k in range(4):
        one, other = (v.widen(rows[i], I32) for i in (k, 7 - k))
        sums.append(v.b.add(one, other))
        differences.append(v.b.sub(one, other))
    t10, t13, t11, t12 = v.b.add(sums[0], sums[3]), v.b.sub(sums[0], sums[3]), v.b.add(sums[1], sums[2]), v.b.sub(sums[1], sums[2])
    drop = _CONST_BITS - _PASS1_BITS if first else _CONST_BITS + _PASS1_BITS
    out: list[Any] = [None] * 8
    for index, total in ((0, v.b.add(t10, t11)), (4, v.b.sub(t10, t11))):
        out[index] = v.narrow(v.shift(total, _PASS1_BITS), I16) if first else _rounded(v, total, _PASS1_BITS)
    z1 = _times(v, v.b.add(t12, t13), 0.541196100)
    out[2] = _rounded(v, v.b.add(z1, _times(v, t13, 0.765366865)), drop)
    out[6] = _rounded(v, v.b.add(z1, _times(v, t12, -1.847759065)), drop)
    for index, total in zip((7, 5, 3, 1), _odd_part(v, *differences[::-1]), strict=True):
        out[index] = _rounded(v, total, drop)
    return out


def _backward(v: Vectors, rows: list[Any], first: bool) -> list[Any]:
    """Inverse cosine transform along the columns of eight rows.

    The second pass drops 3 more bits, because both passes together enlarge values by a factor of 8, and gives levels minus 128.
    """
    wide = [v.widen(row, I32) for row in rows]
    z1 = _times(v, v.b.add(wide[2], wide[6]), 0.541196100)
    t2, t3 = v.b.add(z1, _times(v, wide[6], -1.847759065)), v.b.add(z1, _times(v, wide[2], 0.765366865))
    t0, t1 = v.shift(v.b.add(wide[0], wide[4]), _CONST_BITS), v.shift(v.b.sub(wide[0], wide[4]), _CONST_BITS)
    even = v.b.add(t0, t3), v.b.add(t1, t2), v.b.sub(t1, t2), v.b.sub(t0, t3)
    odd = _odd_part(v, wide[7], wide[5], wide[3], wide[1])[::-1]
    drop = _CONST_BITS - _PASS1_BITS if first else _CONST_BITS + _PASS1_BITS + 3
    upper = [_rounded(v, v.b.add(one, other), drop) for one, other in zip(even, odd, strict=True)]
    lower = [_rounded(v, v.b.sub(one, other), drop) for one, other in zip(even, odd, strict=True)]
    return upper + lower[::-1]


def _transposed(v: Vectors, rows: list[Any]) -> list[Any]:
    """Transpose two blocks of 8x8 that lie side by side, in three steps that stay within the 128-bit halves of vectors."""
    for distance, element in ((1, I16), (2, I32), (4, I64)):
        count = 256 // element.width
        halves = range(0, count, count // 2)
        low = [lane for start in halves for k in range(count // 4) for lane in (start + k, count + start + k)]
        high = [lane + count // 4 for lane in low]
        rows = [v.b.bitcast(row, ir.VectorType(element, count)) for row in rows]
        for k in range(BLOCK):
            if not k & distance:
                one, other = rows[k], rows[k + distance]
                rows[k], rows[k + distance] = v.shuffle(one, low, other), v.shuffle(one, high, other)
    return [v.b.bitcast(rows[k], ir.VectorType(I16, 16)) for k in (0, 4, 2, 6, 1, 5, 3, 7)]  # The steps leave rows in bit-reversed order.


def _quantised(v: Vectors, pointers: list[Any], quantisers: Any) -> list[Any]:
    """Transform and quantise two blocks of 8x8 bytes side by side, whose rows lie at `pointers`. Returns rows of quantised coefficients."""
    rows = [v.widen(v.load(pointer, I8, 16), I16, signed=False) for pointer in pointers]
    rows = [v.b.sub(row, v.full_like(row, 128)) for row in rows]
    rows = _forward(v, _transposed(v, _forward(v, _transposed(v, rows), first=True)), first=False)
    for k, row in enumerate(rows):
        half, factor = (
            v.shuffle(v.load(quantisers, ir.FloatType(), BLOCK, offset=4 * (BLOCK * k + start)), [*range(BLOCK)] * 2)
            for start in (0, BLOCK * BLOCK)
        )
        # As in libjpeg, absolute values are rounded and the sign is restored afterwards. |x| is (x ^ s) - s, where s is -1 or 0.
        sign = v.shift(row, -15)
        magnitude = v.widen(v.b.sub(v.b.xor(row, sign), sign), I32)
        magnitude = v.b.fmul(v.b.fadd(v.b.sitofp(magnitude, half.type), half), factor)
        whole = v.narrow(v.b.fptosi(magnitude, ir.VectorType(I32, 16)), I16)
        rows[k] = v.b.sub(v.b.xor(whole, sign), sign)
    return rows


@intrinsic
def quantise_zigzag(typing, at, stride, quantisers, left, right):
    """Transform and quantise two blocks of 8x8 bytes side by side.

    For each, 64 coefficients of 16 bits are written in zigzag order, to the addresses `left` and `right`.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (at, stride, quantisers, *outs) = Vectors(builder), args
        pointers = [builder.add(at, builder.mul(stride, ir.Constant(I64, k))) for k in range(BLOCK)]
        rows = _quantised(v, pointers, quantisers)
        for begin, out in zip((0, BLOCK), outs, strict=True):
            parts = [v.shuffle(row, [*range(begin, begin + BLOCK)]) for row in rows]
            while len(parts) > 1:
                lanes = [*range(2 * parts[0].type.count)]
                parts = [v.shuffle(one, lanes, other) for one, other in zip(parts[::2], parts[1::2], strict=True)]
            v.store(v.shuffle(parts[0], ZIGZAG), out)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), emit


@intrinsic
def _quantise_blocks(typing, at, stride, quantisers, steps):
    """Transform, quantise and transform back two blocks of 8x8 bytes side by side, `stride` bytes from row to row."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (at, stride, quantisers, steps) = Vectors(builder), args
        pointers = [builder.add(at, builder.mul(stride, ir.Constant(I64, k))) for k in range(BLOCK)]
        rows = []
        for k, whole in enumerate(_quantised(v, pointers, quantisers)):
            # Both blocks have the same steps, so eight of them are repeated in both halves of a vector.
            step = v.shuffle(v.load(steps, I16, BLOCK, offset=2 * BLOCK * k), [*range(BLOCK)] * 2)
            rows.append(v.b.mul(whole, step))
        rows = _transposed(v, _backward(v, _transposed(v, _backward(v, rows, first=True)), first=False))
        for pointer, row in zip(pointers, rows, strict=True):
            level = v.maximum(v.minimum(v.b.add(row, v.full_like(row, 128)), 255), 0)
            v.store(v.narrow(level, I8), pointer)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), emit


@intrinsic
def _split_pixels(typing, upper, lower, luma_upper, luma_lower, blue, red):
    """Split sixteen pixels of two rows into 2 x 16 bytes of brightness and 8 bytes of each colour."""

    def mixed(v: Vectors, terms: tuple[tuple[Any, float], ...], half: int) -> Any:
        """A weighted sum of channels. `half`, in units of 1 / 65536, is added before the fraction is dropped."""
        wide = [v.b.mul(channel, v.full_like(channel, round(factor * 65536))) for channel, factor in terms]
        total = _sum(v, *wide)
        return v.narrow(v.b.lshr(v.b.add(total, v.full_like(total, half)), v.full_like(total, 16)), I16)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, colours = Vectors(builder), []
        for row, luma in zip(args[:2], args[2:4], strict=True):
            bytes_ = v.load(row, I8, 48)
            r, g, b = (v.widen(v.shuffle(bytes_, list(range(c, 48, 3))), I32, signed=False) for c in range(3))
            v.store(v.narrow(mixed(v, ((r, 0.29900), (g, 0.58700), (b, 0.11400)), 32768), I8), luma)
            # The last term is not 32768, because libjpeg rounds exact halves down here: 255.5 would become 256, which is no byte.
            middle = (128 << 16) + 32767
            colours.append(
                [mixed(v, ((b, 0.5), (r, -0.16874), (g, -0.33126)), middle), mixed(v, ((r, 0.5), (g, -0.41869), (b, -0.08131)), middle)]
            )
        for one, other, out in zip(*colours, args[4:], strict=True):
            rows = v.b.add(one, other)
            total = v.b.add(v.shuffle(rows, list(range(0, 16, 2))), v.shuffle(rows, list(range(1, 16, 2))))
            total = v.b.add(total, v.constant(I16, [1, 2] * 4))  # Halves are rounded down and up alternately.
            v.store(v.narrow(v.b.lshr(total, v.full_like(total, 2)), I8), out)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), emit


@intrinsic
def _join_pixels(typing, luma, blue, red, line):
    """Join sixteen bytes of brightness and ten sums of each colour, the first of which is left of the pixels, to sixteen pixels."""

    def enlarge(v: Vectors, sums: Any) -> Any:
        """Interpolate differences of colour, -128 to 127, along the row."""
        before, here, behind = (v.load(sums, I16, 8, offset=2 * k) for k in range(3))
        thrice = v.b.mul(here, v.full_like(here, 3))
        even, odd = (v.b.add(v.b.add(thrice, other), v.full_like(here, half)) for other, half in ((before, 8), (behind, 7)))
        both = v.shuffle(even, [lane for k in range(8) for lane in (k, 8 + k)], odd)
        return v.b.sub(v.shift(both, -4), v.full_like(both, 128))

    def scaled(v: Vectors, *terms: tuple[Any, int]) -> Any:
        """A weighted sum in units of 1 / 65536, rounded."""
        total = _sum(v, *(v.b.mul(v.widen(vector, I32), v.constant(I32, [factor] * 16)) for vector, factor in terms))
        return v.narrow(v.shift(v.b.add(total, v.full_like(total, 32768)), -16), I16)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        level = v.widen(v.load(args[0], I8, 16), I16, signed=False)
        b, r = enlarge(v, args[1]), enlarge(v, args[2])
        # The factors are 1.402, 1.772, -0.34414 and -0.71414. Whole parts (1, 2, 0 and -1) are added separately, so that the rest fits 16
        # bits.
        red = v.b.add(r, scaled(v, (r, 91881 - 65536)))
        blue = v.b.add(v.shift(b, 1), scaled(v, (b, 116130 - 131072)))
        green = v.b.sub(scaled(v, (b, -22554), (r, 65536 - 46802)), r)
        channels = [v.narrow(v.maximum(v.minimum(v.b.add(level, more), 255), 0), I8) for more in (red, green, blue)]
        v.store(v.interleave(channels), args[3])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), emit
