"""Process eight pixels at a time with LLVM vector instructions, into which plain loops are not compiled.

A picture is cut into cells of 8x8 pixels; most intrinsics here process one row of one cell, eight pixels side by side. The intrinsics
emit generic vector code, without instructions that only some processors have, so they compile everywhere. The lengths of vectors are
chosen so that a machine with 256-bit vectors needs about twenty instructions a pixel. All numbers are integers, so the bytes are the same
on every processor.

The intrinsics take raw addresses and check nothing: `fastecg.kernels.sample`, their only caller, sees to it that the addresses are valid.

A pixel is four numbers of 16 bits, (r, g, b, spare), and four pixels are a vector: NEAR has pixels 0, 1, 4, 5 and FAR has 2, 3, 6, 7,
because then every step stays within the 128-bit halves of vectors, in which processors shuffle cheaply. Numbers named Qn have n binary
digits after the point.

| quantity | format | reason |
|---|---|---|
| coordinate on the sheet | Q16, 32 bits | sheets may have up to 32,767 pixels a side |
| value of the sheet | Q8, unsigned | 255 fits 16 bits, and a byte is converted by moving it up by 8 bits |
| factor of the light | Q14, unsigned | factors may be up to 2 |
| level of the picture | Q6 | twice white fits; what is brighter is limited to that |
| deviate of the noise, in standard deviations | Q13 | up to 4 fit |
| standard deviation of the noise, in levels | Q9 | up to 32 fit, also as a product with a deviate |

Products keep only their upper 16 bits, because that takes one instruction on nearly all processors. Levels thereby come
out some 3/64 of a level too low. This is given back together with the rounding (`LOSS`).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from fastecg.kernels.vectors import I8, I16, I32, I64, Vectors

# When the compiler made the code for coordinates from plain loops, the whole pass took 1.7 times as long. Plain loops over pixels packed
# into 64-bit words took four times as long as these instructions.

# The pixels of the two vectors; this module's docstring explains their order.
NEAR = (0, 1, 4, 5)
FAR = (2, 3, 6, 7)
DARKEST = 8  # Smallest factor of the light, Q14: it makes white an eighth of a level.
LOSS = 3  # Mean loss of a level by products that are rounded down, in 1/64 level.


def _light(v: Vectors, light: Any, pixels: tuple[int, ...]) -> Any:
    """The light at four pixels, (red, green, blue, lift) each, linear between the two sides of the cell."""
    left = v.shuffle(v.load(light, I16, 4), [0, 1, 2, 3] * 4)
    right = v.shuffle(v.load(light, I16, 4, offset=8), [0, 1, 2, 3] * 4)
    return v.interpolate(left, right, [k for k in pixels for _ in range(4)])


def _with_lift(v: Vectors, level: Any, light: Any) -> Any:
    """Levels Q6 plus the lift, which includes half a level for rounding."""
    return v.add_saturated(level, v.shuffle(light, [4 * k + 3 for k in range(4) for _ in range(4)]))


def _with_noise(v: Vectors, level: Any, grain: Any, curve: list[Any]) -> Any:
    """Levels Q6 plus noise, whose standard deviation is the parabola `curve` (see `fastecg.kernels.noise.noise_curve`) of the level."""
    bright = v.shift(v.minimum(level, 0x3FFF), 1)  # White is 1 in Q15, so the upper 16 bits are half of the product.
    size = v.b.add(v.broadcast(curve[1], 16), v.multiply_high(bright, v.broadcast(curve[2], 16), signed=True))
    size = v.b.add(v.broadcast(curve[0], 16), v.multiply_high(bright, size, signed=True))
    return v.add_saturated(level, v.multiply_high(grain, size, signed=True))


def _grain(v: Vectors, bright: Any, colour: Any, four: tuple[int, ...], block: list[int]) -> Any:
    """Deviates of the noise at pixels `four`: the deviate of brightness of each pixel plus the deviates of colour of its block.

    `block` lists the lanes of `colour` for the four pixels.
    """
    return v.add_saturated(v.shuffle(colour, block), v.shuffle(bright, [k for k in four for _ in range(4)]))


def _coordinates(v: Vectors, nodes: Any) -> Any:
    """Coordinates Q16 of eight pixels, linear between those at the two sides of the cell, which are read from the address `nodes`."""
    left, right = v.load(nodes, I32, 1), v.load(nodes, I32, 1, offset=4)
    rise = v.b.mul(v.broadcast(v.b.sub(right, left), 8), v.constant(I32, range(8)))
    return v.b.add(v.broadcast(left, 8), v.shift(v.b.add(rise, v.full_like(rise, 4)), -3))


def _pixel_pairs(v: Vectors, sheet: Any, offsets: Any, four: tuple[int, ...]) -> tuple[Any, Any]:
    """Pixels `four` and their right neighbours, (r, g, b, spare) Q8 each. Of eight bytes read at a time, six are two pixels."""
    words = ir.Constant(ir.VectorType(I64, 4), ir.Undefined)
    for lane, k in enumerate(four):
        pointer = v.b.add(sheet, v.b.sext(v.load(offsets, I32, 1, offset=4 * k), I64))
        words = v.b.insert_element(words, v.load(pointer, I64, 1), ir.Constant(I32, lane))
    bytes_ = v.b.bitcast(words, ir.VectorType(I8, 32))
    return _bytes_to_q8(v, bytes_, 0), _bytes_to_q8(v, bytes_, 3)


def _bytes_to_q8(v: Vectors, bytes_: Any, start: int) -> Any:
    """Four bytes of each eight, from `start` on, moved to the upper halves of 16-bit numbers, which are the later bytes in memory."""
    zero = 32  # The first lane of `nothing`, a byte of 0.
    lanes = [part for k in range(4) for c in range(4) for part in (zero, 8 * k + start + c)]
    nothing = ir.Constant(bytes_.type, [0] * 32)
    return v.b.bitcast(v.shuffle(bytes_, lanes, nothing), ir.VectorType(I16, 16))


def _sample(v: Vectors, sheet: Any, width: Any, offsets: Any, shares: Any, light: Any, four: tuple[int, ...]) -> Any:
    """The sheet, interpolated bilinearly at four pixels and lit: levels Q6."""
    below = v.b.add(sheet, v.b.mul(width, ir.Constant(I64, 3)))
    each = [k for k in four for _ in range(4)]
    # Shares of the right and of the lower neighbours.
    right, lower = v.shuffle(v.load(shares, I16, 8), each), v.shuffle(v.load(shares, I16, 8, offset=16), each)
    upper = v.b.xor(lower, v.full_like(lower, -1))  # 65535 - lower
    (a, b), (c, d) = _pixel_pairs(v, sheet, offsets, four), _pixel_pairs(v, below, offsets, four)
    left_column = v.b.add(v.multiply_high(a, upper), v.multiply_high(c, lower))
    right_column = v.b.add(v.multiply_high(b, upper), v.multiply_high(d, lower))
    # The light is divided among the left and the right column. The added 1 makes up for what the product loses, and keeps the compiler from
    # joining the two products into one of 32 bits. Because of this 1, the light must not be 0 (`DARKEST`).
    weight = v.b.add(v.multiply_high(light, right), v.full_like(light, 1))
    return v.b.add(v.multiply_high(left_column, v.b.sub(light, weight)), v.multiply_high(right_column, weight))


def _desk_levels(v: Vectors, pixels: Any, light: Any, four: tuple[int, ...]) -> Any:
    """Four of eight background pixels, lit: levels Q6."""
    colour = v.widen(v.shuffle(pixels, [3 * k + min(c, 2) for k in four for c in range(4)]), I16, signed=False)
    lamp = _light(v, light, four)
    return _with_lift(v, v.multiply_high(v.shift(colour, 8), lamp), lamp)


@intrinsic
def locate_pixels(typing, width, xs, ys, offsets, shares):
    """Write where eight pixels lie on the sheet: 8 offsets in bytes (32 bits), and 8 `shares` of the right, then 8 of the lower neighbours.

    Shares are in units of 1/65536: the fractions of the coordinates.

    This function is separate from `sample_sheet`, because addresses that are read from memory take less time than addresses taken from
    vectors.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (width, xs, ys, offsets, shares) = Vectors(builder), args
        x, y = _coordinates(v, xs), _coordinates(v, ys)
        row = v.b.mul(v.shift(y, -16), v.broadcast(builder.trunc(width, I32), 8))
        v.store(v.b.mul(v.b.add(row, v.shift(x, -16)), v.full_like(row, 3)), offsets)
        v.store(v.narrow(v.shuffle(x, list(range(16)), y), I16), shares)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), emit


@intrinsic
def sample_sheet(typing, sheet, width, offsets, shares, light, levels):
    """Sample the sheet at eight pixels, light them, and write 32 levels Q6: those of NEAR, then those of FAR."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (sheet, width, offsets, shares, light, levels) = Vectors(builder), args
        for half, four in enumerate((NEAR, FAR)):
            lamp = _light(v, light, four)
            seen = _sample(v, sheet, width, offsets, shares, lamp, four)
            v.store(_with_lift(v, seen, lamp), builder.add(levels, ir.Constant(I64, 32 * half)))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), emit


@intrinsic
def light_desk(typing, desk, light, levels):
    """Light eight pixels of the background and write 32 levels Q6: those of NEAR, then those of FAR."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (desk, light, levels) = Vectors(builder), args
        pixels = v.load(desk, I8, 24)
        for half, four in enumerate((NEAR, FAR)):
            v.store(_desk_levels(v, pixels, light, four), builder.add(levels, ir.Constant(I64, 32 * half)))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), emit


@intrinsic
def add_noise(typing, levels, luma, chroma, out, c0, c1, c2):
    """Add noise to 32 levels Q6 and write the 24 bytes of eight pixels. c0, c1 and c2 are the coefficients of `noise_curve`."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (levels, luma, chroma, out), curve = Vectors(builder), args[:4], [builder.trunc(c, I16) for c in args[4:]]
        bright = v.load(luma, I16, 8)
        colour = v.load(chroma, I16, 16)  # Four times (r, g, b, 0), each for two pixels.
        blocks = [0, 1, 2, 3] * 2 + [8, 9, 10, 11] * 2, [4, 5, 6, 7] * 2 + [12, 13, 14, 15] * 2
        near, far = (
            _with_noise(v, v.load(levels, I16, 16, offset=32 * half), _grain(v, bright, colour, four, blocks[half]), curve)
            for half, four in enumerate((NEAR, FAR))
        )
        both = v.shift(v.shuffle(near, list(range(32)), far), -6)
        bytes_ = v.narrow(v.maximum(v.minimum(both, 255), 0), I8)
        offsets = {pixel: 4 * k for k, pixel in enumerate(NEAR + FAR)}
        v.store(v.shuffle(bytes_, [offsets[k] + c for k in range(8) for c in range(3)]), out)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), emit


@intrinsic
def interpolate_coordinates(typing, upper, lower, eighths, out):
    """Write eight 32-bit numbers, `eighths` eighths of the way from the upper to the lower ones, rounded."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        top, bottom = v.load(args[0], I32, 8), v.load(args[1], I32, 8)
        rise = v.b.mul(v.b.sub(bottom, top), v.broadcast(v.b.trunc(args[2], I32), 8))
        v.store(v.b.add(top, v.shift(v.b.add(rise, v.full_like(rise, 4)), -3)), args[3])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), emit


@intrinsic
def interpolate_light(typing, upper, lower, eighths, out):
    """Write sixteen unsigned 16-bit numbers, `eighths` eighths of the way from the upper to the lower ones; at most 2 less than exact."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        top, bottom = v.load(args[0], I16, 16), v.load(args[1], I16, 16)
        share = builder.trunc(builder.shl(args[2], ir.Constant(I64, 13)), I16)
        # This is 65535 - share. The exact 65536 - share would not fit 16 bits if the share is 0.
        rest = builder.xor(share, ir.Constant(I16, -1))
        v.store(builder.add(v.multiply_high(top, v.broadcast(rest, 16)), v.multiply_high(bottom, v.broadcast(share, 16))), args[3])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), emit


@intrinsic
def halve_pixels(typing, upper, lower, out):
    """Write the rounded means of 2x2 pixels: 24 bytes from 48 bytes of two rows."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        rows = [v.widen(v.load(row, I8, 48), I16, signed=False) for row in args[:2]]
        columns = v.b.add(*rows)
        even, odd = (v.shuffle(columns, [6 * k + start + c for k in range(8) for c in range(3)]) for start in (0, 3))
        total = v.b.add(v.b.add(even, odd), v.full_like(even, 2))
        v.store(v.narrow(v.b.lshr(total, v.full_like(total, 2)), I8), args[2])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), emit


@intrinsic
def copy_bytes(typing, source, target, count):
    """Copy `count` bytes, which a loop would copy one by one."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target = (builder.inttoptr(address, I8.as_pointer()) for address in args[:2])
        cgutils.raw_memcpy(builder, target, source, args[2], 1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), emit
