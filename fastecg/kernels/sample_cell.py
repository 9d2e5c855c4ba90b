"""Process eight pixels at a time with LLVM vector instructions, into which plain loops are not compiled.

A picture is cut into cells of 8x8 pixels; each function here does one row of one cell, eight pixels side by side. They are Numba
intrinsics that emit generic vector code (no instruction of one maker), so they compile everywhere; the shapes are chosen so that a
256-bit machine needs about twenty instructions a pixel. Everything is whole-number arithmetic: the same bytes on every processor.

They take raw addresses and check nothing. What they may be given is decided in `fastecg.kernels.sample`, their only caller.

Pixels travel as (r, g, b, spare) of 16 bits, in two vectors of four: "near" holds pixels 0, 1, 4, 5 and "far" 2, 3, 6, 7, because then
every step stays within the 128-bit halves in which processors shuffle cheaply. Numbers named Qn have n binary digits after the point.

| quantity | as | so that |
|---|---|---|
| source coordinate | Q16, 32 bits | pages reach 32,767 pixels |
| sheet value | Q8, without sign | 255 fits 16 bits, and a byte becomes one by being moved |
| light factor | Q14 | factors reach 2 |
| level shown | Q6 | twice white fits; more saturates |
| one standard deviation | 2**13 in the tables, Q9 for its size | up to 4 deviations of up to 32 levels |

Products keep their upper 16 bits and drop the rest, because that is one instruction everywhere; what this takes from a level, 3 to 5
of 64 parts, is given back with the rounding (`LOSS`).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from fastecg.kernels.vectors import I8, I16, I32, I64, Vectors

# With the computation of coordinates left to the compiler the whole pass took 1.7 times as long. Pixels packed into 64-bit words in plain
# loops took four times as long as these instructions.

# The pixels of the two vectors. The docstring of this module explains their order.
NEAR = (0, 1, 4, 5)
FAR = (2, 3, 6, 7)
DARKEST = 8  # Smallest light, Q14: an eighth of a level of white.
LOSS = 3  # Mean loss by the products, in 64ths of a level.


def _light(v: Vectors, light: Any, pixels: tuple[int, ...]) -> Any:
    """(red, green, blue, veil) at four pixels, linear between the cell's two nodes."""
    left = v.shuffle(v.load(light, I16, 4), [0, 1, 2, 3] * 4)
    right = v.shuffle(v.load(light, I16, 4, offset=8), [0, 1, 2, 3] * 4)
    return v.interpolate(left, right, [k for k in pixels for _ in range(4)])


def _veiled(v: Vectors, level: Any, light: Any) -> Any:
    """Levels Q6 with the veil, half a level for rounding in it."""
    return v.add_saturated(level, v.shuffle(light, [4 * k + 3 for k in range(4) for _ in range(4)]))


def _noisy(v: Vectors, level: Any, grain: Any, curve: list[Any]) -> Any:
    """Levels Q6 plus grain of the size that belongs to that level: a parabola through the square-root law."""
    bright = v.shift(v.minimum(level, 0x3FFF), 1)
    size = v.b.add(v.broadcast(curve[1], 16), v.multiply_high(bright, v.broadcast(curve[2], 16), signed=True))
    size = v.b.add(v.broadcast(curve[0], 16), v.multiply_high(bright, size, signed=True))
    return v.add_saturated(level, v.multiply_high(grain, size, signed=True))


def _grain(v: Vectors, bright: Any, colour: Any, four: tuple[int, ...], block: list[int]) -> Any:
    """Noise of unit spread at four pixels: brightness noise of each, colour noise of its block."""
    return v.add_saturated(v.shuffle(colour, block), v.shuffle(bright, [k for k in four for _ in range(4)]))


def _along(v: Vectors, nodes: Any) -> Any:
    """Coordinates Q16 of eight pixels between two nodes."""
    left, right = v.load(nodes, I32, 1), v.load(nodes, I32, 1, offset=4)
    rise = v.b.mul(v.broadcast(v.b.sub(right, left), 8), v.constant(I32, range(8)))
    return v.b.add(v.broadcast(left, 8), v.shift(v.b.add(rise, v.full_like(rise, 4)), -3))


def _pixels(v: Vectors, sheet: Any, spots: Any, four: tuple[int, ...]) -> tuple[Any, Any]:
    """Four pixels and their right neighbours, (r, g, b, spare) Q8 each: eight bytes are read for the six that a pair takes."""
    quads = ir.Constant(ir.VectorType(I64, 4), ir.Undefined)
    for lane, k in enumerate(four):
        pointer = v.b.add(sheet, v.b.sext(v.load(spots, I32, 1, offset=4 * k), I64))
        quads = v.b.insert_element(quads, v.load(pointer, I64, 1), ir.Constant(I32, lane))
    bytes_ = v.b.bitcast(quads, ir.VectorType(I8, 32))
    return _spread(v, bytes_, 0), _spread(v, bytes_, 3)


def _spread(v: Vectors, bytes_: Any, start: int) -> Any:
    """Four bytes from `start` in each eight, moved to the upper halves of 16-bit numbers (the later byte is the upper one)."""
    zero = 32
    lanes = [part for k in range(4) for c in range(4) for part in (zero, 8 * k + start + c)]
    nothing = ir.Constant(bytes_.type, [0] * 32)
    return v.b.bitcast(v.shuffle(bytes_, lanes, nothing), ir.VectorType(I16, 16))


def _sample(v: Vectors, sheet: Any, width: Any, spots: Any, shares: Any, light: Any, four: tuple[int, ...]) -> Any:
    """Bilinear values under the light at four pixels: levels Q6."""
    below = v.b.add(sheet, v.b.mul(width, ir.Constant(I64, 3)))
    each = [k for k in four for _ in range(4)]
    right, lower = v.shuffle(v.load(shares, I16, 8), each), v.shuffle(v.load(shares, I16, 8, offset=16), each)
    upper = v.b.xor(lower, v.full_like(lower, -1))
    (a, b), (c, d) = _pixels(v, sheet, spots, four), _pixels(v, below, spots, four)
    left_column = v.b.add(v.multiply_high(a, upper), v.multiply_high(c, lower))
    right_column = v.b.add(v.multiply_high(b, upper), v.multiply_high(d, lower))
    # The one makes up for what the product drops. It also keeps the compiler from seeing that no bits are lost between the two
    # products: it would join them in 32 bits. The light must not be 0 (`DARKEST`).
    weight = v.b.add(v.multiply_high(light, right), v.full_like(light, 1))
    return v.b.add(v.multiply_high(left_column, v.b.sub(light, weight)), v.multiply_high(right_column, weight))


def _desk_levels(v: Vectors, pixels: Any, light: Any, four: tuple[int, ...]) -> Any:
    """Four of eight background pixels under the light, levels Q6."""
    colour = v.widen(v.shuffle(pixels, [3 * k + min(c, 2) for k in four for c in range(4)]), I16, signed=False)
    lamp = _light(v, light, four)
    return _veiled(v, v.multiply_high(v.shift(colour, 8), lamp), lamp)


@intrinsic
def locate(typing, width, xs, ys, spots, shares):
    """Positions on the sheet of eight pixels: byte offsets (8 of 32 bits), then shares of the right and the lower neighbour (8 of 16 each).

    A step of its own, because addresses that come from memory keep the processor busier than addresses that come from vectors.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (width, xs, ys, spots, shares) = Vectors(builder), args
        x, y = _along(v, xs), _along(v, ys)
        row = v.b.mul(v.shift(y, -16), v.broadcast(builder.trunc(width, I32), 8))
        v.store(v.b.mul(v.b.add(row, v.shift(x, -16)), v.full_like(row, 3)), spots)
        v.store(v.narrow(v.shuffle(x, list(range(16)), y), I16), shares)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), emit


@intrinsic
def see_page(typing, sheet, width, spots, shares, light, levels):
    """Sample the sheet at eight pixels and light them: 32 levels Q6, near, then far."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (sheet, width, spots, shares, light, levels) = Vectors(builder), args
        for half, four in enumerate((NEAR, FAR)):
            lamp = _light(v, light, four)
            seen = _sample(v, sheet, width, spots, shares, lamp, four)
            v.store(_veiled(v, seen, lamp), builder.add(levels, ir.Constant(I64, 32 * half)))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), emit


@intrinsic
def see_desk(typing, desk, light, levels):
    """Light eight pixels of the background: 32 levels Q6, near, then far."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (desk, light, levels) = Vectors(builder), args
        pixels = v.load(desk, I8, 24)
        for half, four in enumerate((NEAR, FAR)):
            v.store(_desk_levels(v, pixels, light, four), builder.add(levels, ir.Constant(I64, 32 * half)))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), emit


@intrinsic
def develop(typing, levels, luma, chroma, out, c0, c1, c2):
    """Add noise to 32 levels Q6 and write the 24 bytes of eight pixels."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, (levels, luma, chroma, out), curve = Vectors(builder), args[:4], [builder.trunc(c, I16) for c in args[4:]]
        bright = v.load(luma, I16, 8)
        colour = v.load(chroma, I16, 16)  # Four times (r, g, b, 0), each for two pixels.
        blocks = [0, 1, 2, 3] * 2 + [8, 9, 10, 11] * 2, [4, 5, 6, 7] * 2 + [12, 13, 14, 15] * 2
        near, far = (
            _noisy(v, v.load(levels, I16, 16, offset=32 * half), _grain(v, bright, colour, four, blocks[half]), curve)
            for half, four in enumerate((NEAR, FAR))
        )
        both = v.shift(v.shuffle(near, list(range(32)), far), -6)
        bytes_ = v.narrow(v.maximum(v.minimum(both, 255), 0), I8)
        offsets = {pixel: 4 * k for k, pixel in enumerate(NEAR + FAR)}
        v.store(v.shuffle(bytes_, [offsets[k] + c for k in range(8) for c in range(3)]), out)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), emit


@intrinsic
def mix_coordinates(typing, upper, lower, eighths, out):
    """Eight 32-bit numbers, `eighths` of the way from the upper ones to the lower ones, rounded."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        top, bottom = v.load(args[0], I32, 8), v.load(args[1], I32, 8)
        rise = v.b.mul(v.b.sub(bottom, top), v.broadcast(v.b.trunc(args[2], I32), 8))
        v.store(v.b.add(top, v.shift(v.b.add(rise, v.full_like(rise, 4)), -3)), args[3])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), emit


@intrinsic
def mix_light(typing, upper, lower, eighths, out):
    """Sixteen unsigned 16-bit numbers, `eighths` of the way from the upper ones to the lower ones; at most 2 less than exact."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        top, bottom = v.load(args[0], I16, 16), v.load(args[1], I16, 16)
        share = builder.trunc(builder.shl(args[2], ir.Constant(I64, 13)), I16)
        # All ones less the share: 1/65536 short of the rest, so that the whole fits.
        rest = builder.xor(share, ir.Constant(I16, -1))
        v.store(builder.add(v.multiply_high(top, v.broadcast(rest, 16)), v.multiply_high(bottom, v.broadcast(share, 16))), args[3])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), emit


@intrinsic
def halve_pixels(typing, upper, lower, out):
    """Means of 2x2 pixels, rounded: 48 bytes of two rows to 24."""

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
    """Copy `count` bytes; a loop would go one by one."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target = (builder.inttoptr(address, I8.as_pointer()) for address in args[:2])
        cgutils.raw_memcpy(builder, target, source, args[2], 1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), emit
