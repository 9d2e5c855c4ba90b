"""Write the scan of a baseline JPEG file: a picture's quantised coefficients in Huffman's code, with the same bytes as libjpeg.

One row of units of 16x16 pixels is processed at a time, so that it stays in the cache from pixels to bits.

The format is ITU-T T.81 (1992), with the codes of its annex K.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit
from fastecg.kernels.jpeg import BLOCK, MCU, quantise_zigzag, quantisers_of, split_unit
from fastecg.kernels.vectors import I16, I64, Vectors

_AC_LUMA = (
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a43444546474849"
    "4a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5"
    "c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
_AC_CHROMA = (
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748"
    "494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3"
    "c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)
#: Codes of the means (DC) and the other coefficients (AC) of brightness, then of colours: the number of codes of 1 to 16 bits, and their
#: symbols.
CODES = tuple(
    (bytes(counts), bytes.fromhex(symbols))
    for counts, symbols in (
        ((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0), "000102030405060708090a0b"),
        ((0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125), _AC_LUMA),
        ((0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0), "000102030405060708090a0b"),
        ((0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119), _AC_CHROMA),
    )
)
_BLOCKS = 6  # Number of blocks in a unit: four of brightness and one of each colour.
_PLACES = BLOCK * BLOCK
_TOGETHER = 16  # Number of rows of units that are written as one piece.
_LONGEST = 26  # Largest number of bits of a code (16) and the number after it (10).
_LARGEST = 2048  # Largest difference of two means.
_END = 0x00  # The symbol after which a block has zeros alone.
_SKIP = 0xF0  # The symbol for sixteen zeros.


def scan(pixels: np.ndarray, quality: int) -> bytes:
    """Write the scan of a picture with 4:2:0 sampling, which follows the header of the scan in a file.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 3) uint8, C order
    quality : int
        Quality from 1 to 100, as in libjpeg.
    """
    height, width = pixels.shape[:2]
    across = 2 * -(-width // (2 * MCU))  # Blocks of colours are made in pairs.
    luma, chroma = np.empty((MCU, across * MCU), np.uint8), np.zeros((2, BLOCK, across * BLOCK), np.uint8)
    lines, blocks = np.empty((2, 3 * across * MCU), np.uint8), np.empty(across * _BLOCKS * _PLACES, np.int16)
    words = np.empty(across * _BLOCKS * _PLACES * _LONGEST // 64 + 2, np.int64)
    # This is enough for the longest codes, if a zero is inserted after every byte. Most of it is never touched, and takes no memory.
    out, state, down = np.empty(2 * words.nbytes * _TOGETHER, np.uint8), np.zeros(5, np.int64), -(-height // MCU)
    rows, tables, planes = pixels.reshape(height, -1), (quantisers_of(quality), _codes(), _numbers()), (luma, chroma, lines)
    parts = []
    for first in range(0, down, _TOGETHER):
        size = _scan(rows, first, min(first + _TOGETHER, down), tables, planes, blocks, state, words, out)
        parts.append(out[:size].tobytes())
    return b"".join(parts)


@functools.cache
def _codes() -> np.ndarray:
    """Codes (4 * 256,) of all symbols, each followed by as many zeros as the number after it has bits, and by the total count of bits.

    The number of bits of that number is in the lower four bits of a symbol.
    """
    table = np.zeros((len(CODES), 256), dtype=np.int64)
    for row, (counts, symbols) in zip(table, CODES, strict=True):
        code, given = 0, iter(symbols)
        for length, count in enumerate(counts, 1):
            for _ in range(count):
                symbol = next(given)
                bits = symbol % 16
                row[symbol] = (code << bits) << 8 | (length + bits)
                code += 1
            code <<= 1
    return table.ravel()


@functools.cache
def _numbers() -> np.ndarray:
    """Table (n,) int32 for numbers from -`_LARGEST` on: the number of bits in the lower four bits, and the bits above (T.81, table F.1)."""
    numbers = np.arange(-_LARGEST, _LARGEST + 1)
    bits = np.ceil(np.log2(np.abs(numbers) + 1)).astype(np.int64)
    return ((numbers + np.where(numbers < 0, (1 << bits) - 1, 0)) << 4 | bits).astype(np.int32)


@jit
def _scan(pixels, first, stop, tables, planes, blocks, state, words, out):
    """Write the scan of some rows of units, from rows of 3 * width values. Returns the number of bytes written.

    `state` is kept from one call to the next: the last three means, the bits that are not yet written, and their number.
    """
    height, width = pixels.shape[0], pixels.shape[1] // 3
    (rounding, codes, numbers), (luma, chroma, lines) = tables, planes
    across, columns = (width + MCU - 1) // MCU, (width + BLOCK - 1) // BLOCK
    # These are typed numbers, since functions would be compiled once more for every literal.
    at, zero, one = np.int64(0), np.int64(0), np.int64(1)
    for unit in range(first, stop):
        split_unit(pixels, unit, zero, zero, zero, luma, chroma, lines)
        _transform_unit(luma, chroma, rounding, blocks)
        # Blocks beyond the picture are as short as possible: they repeat the mean of the block before them.
        if columns % 2:
            for k in (1, 3):
                _make_plain(blocks, (across - 1) * _BLOCKS + k)
        if (height + BLOCK - 1) // BLOCK <= 2 * unit + 1:
            for k in range(0, across * _BLOCKS, _BLOCKS):
                _make_plain(blocks, k + 2)
                _make_plain(blocks, k + 3)
        at = _copy_marked(words, _write_unit(blocks, across, codes, numbers, state, words), out, at)
    if stop * MCU >= height and state[4]:  # The last byte is filled with ones.
        words[0] = state[3] >> 56 & 255 | 255 >> state[4]
        at = _copy_marked(words, one, out, at)
    return at


@jit
def _transform_unit(luma, chroma, rounding, blocks):
    """Compute the quantised coefficients of a row of units."""
    luma_at, blue_at, red_at, blocks_at, stride = address(luma), address(chroma[0]), address(chroma[1]), address(blocks), luma.shape[1]
    bright, coloured, size = address(rounding[0]), address(rounding[1]), 2 * _PLACES
    for at in range(0, stride // MCU, 2):
        for k in range(2):
            unit = blocks_at + (at + k) * _BLOCKS * size
            for row in range(2):
                source = luma_at + (at + k) * MCU + row * BLOCK * stride
                quantise_zigzag(source, stride, bright, unit + 2 * row * size, unit + (2 * row + 1) * size)
        unit, following = blocks_at + at * _BLOCKS * size, blocks_at + (at + 1) * _BLOCKS * size
        quantise_zigzag(blue_at + at * BLOCK, stride // 2, coloured, unit + 4 * size, following + 4 * size)
        quantise_zigzag(red_at + at * BLOCK, stride // 2, coloured, unit + 5 * size, following + 5 * size)


@jit
def _make_plain(blocks, k):
    """Give a block the mean of the one before it, and no details."""
    blocks[k * _PLACES] = blocks[(k - 1) * _PLACES]
    blocks[k * _PLACES + 1 : (k + 1) * _PLACES] = 0


@jit
def _write_unit(blocks, across, codes, numbers, state, words):
    """Write the codes of a row of units. Returns the number of whole bytes."""
    bits, have, blocks_at, start, zero = state[3], state[4], address(blocks), address(words), np.int64(0)
    at = start
    for k in range(across * _BLOCKS):
        colour = max(k % _BLOCKS - 3, 0)
        begin, means, details = k * _PLACES, 512 * min(colour, 1), 512 * min(colour, 1) + 256
        mean = np.int64(blocks[begin])
        number = np.int64(numbers[np.uint64(mean - state[colour] + _LARGEST)])
        state[colour] = mean
        bits, have, at = _append(codes[np.uint64(means + (number & 15))], number >> 4, bits, have, at)
        # Only coefficients that are not zero are visited, found by a mask with one bit for each.
        left, last = _places_in_use(blocks_at + 2 * begin) & -2, 0
        while left != 0:
            place = _lowest(left)
            left &= left - 1
            number = np.int64(numbers[np.uint64(np.int64(blocks[np.uint64(begin + place)]) + _LARGEST)])
            zeros = place - last - 1
            last = place
            while zeros > 15:
                bits, have, at = _append(codes[np.uint64(details + _SKIP)], zero, bits, have, at)
                zeros -= 16
            bits, have, at = _append(codes[np.uint64(details + (zeros << 4 | number & 15))], number >> 4, bits, have, at)
        if last < _PLACES - 1:
            bits, have, at = _append(codes[np.uint64(details + _END)], zero, bits, have, at)
    state[3], state[4] = bits, have
    return at - start


@jit
def _append(code, number, bits, have, at):
    """Append a code with its number to the `have` highest `bits`, fewer than eight. Returns the bits of the last, incomplete byte.

    Eight bytes are written every time, and the incomplete ones again by the next call, so that no branch is needed.
    """
    have += code & 255
    bits |= (code >> 8 | number) << (64 - have)
    _store_swapped(at, bits)
    return bits << (have & 56), have & 7, at + (have >> 3)


@jit
def _copy_marked(words, count, out, at):
    """Append the first bytes of words, in the order of memory, with a zero after every byte of 0xFF."""
    for k in range((count + 7) // 8):
        word, some = words[k], min(count - 8 * k, 8)
        # In the complement, a byte of 0xFF is zero, which Mycroft's test (1987) finds.
        if some == 8 and (~word - 0x0101010101010101) & word & -0x7F7F7F7F7F7F7F80 == 0:
            _store(address(out) + at, word)
            at += 8
        else:
            for j in range(some):
                out[at] = word >> 8 * j & 255
                at += 1
                if word >> 8 * j & 255 == 255:
                    out[at] = 0
                    at += 1
    return at


@intrinsic
def _places_in_use(typing, block):
    """A mask with one bit for each of 64 numbers of 16 bits, which is set if the number is not zero."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        numbers = v.load(args[0], I16, _PLACES)
        return builder.bitcast(builder.icmp_signed("!=", numbers, v.full_like(numbers, 0)), I64)

    return types.int64(types.int64), emit


@intrinsic
def _lowest(typing, word):
    """Position of the lowest bit that is set. One has to be set."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), emit


@intrinsic
def _store(typing, address, word):
    """Write eight bytes at an address, aligned or not."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        Vectors(builder).store(args[1], args[0])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), emit


@intrinsic
def _store_swapped(typing, address, word):
    """Write eight bytes, the highest first."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        Vectors(builder).store(builder.bswap(args[1]), args[0])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), emit
