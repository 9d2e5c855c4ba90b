"""Write the scan of a baseline JPEG file: a picture's quantised coefficients in Huffman's code, with the same bytes as libjpeg.

One row of units of 16x16 pixels is processed at a time, so that the row stays in the cache from pixels to bits.

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
from fastecg.kernels.jit import jit, subkernel
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
_COEFFICIENTS = BLOCK * BLOCK
_ROWS_PER_PIECE = 16  # Number of rows of units that are coded in one call.
_MOST_BITS = 26  # Largest number of bits of a code (16) together with the number after it (10).
_LARGEST = 2048  # Largest absolute value of a coefficient, and of the difference of two means.
_END_OF_BLOCK = 0x00  # The symbol after which all coefficients of a block are zero.
_SIXTEEN_ZEROS = 0xF0  # The symbol for sixteen zeros.


def scan(pixels: np.ndarray, quality: int) -> bytes:
    """Return the scan of a picture with 4:2:0 sampling: the bytes that follow the header of the scan in a file.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 3) uint8, C order
    quality : int
        Quality from 1 to 100, as in libjpeg.
    """
    height, width = pixels.shape[:2]
    even_across = 2 * -(-width // (2 * MCU))  # Units in a row, an even number, because blocks of colours are made in pairs.
    luma, chroma = np.empty((MCU, even_across * MCU), np.uint8), np.zeros((2, BLOCK, even_across * BLOCK), np.uint8)
    lines, blocks = np.empty((2, 3 * even_across * MCU), np.uint8), np.empty(even_across * _BLOCKS * _COEFFICIENTS, np.int16)
    words = np.empty(even_across * _BLOCKS * _COEFFICIENTS * _MOST_BITS // 64 + 2, np.int64)
    # The size of `out` is enough for the longest codes with a zero after every byte. Most of it is never touched, and takes no memory.
    out, state, unit_rows = np.empty(2 * words.nbytes * _ROWS_PER_PIECE, np.uint8), np.zeros(5, np.int64), -(-height // MCU)
    rows, tables, planes = pixels.reshape(height, -1), (quantisers_of(quality), _codes(), _numbers()), (luma, chroma, lines)
    parts = []
    for first in range(0, unit_rows, _ROWS_PER_PIECE):
        size = _scan(rows, first, min(first + _ROWS_PER_PIECE, unit_rows), tables, planes, blocks, state, words, out)
        parts.append(out[:size].tobytes())
    return b"".join(parts)


@functools.cache
def _codes() -> np.ndarray:
    """Table (4 * 256,) int64 of the codes of all symbols of the four `CODES`.

    An entry has the code, then as many zero bits as the number after the code has bits, and in its lowest eight bits how many bits both
    have together. The lower four bits of a symbol are the number of bits of the number after the code.
    """
    table = np.zeros((len(CODES), 256), dtype=np.int64)
    for row, (counts, symbols) in zip(table, CODES, strict=True):
        code, remaining = 0, iter(symbols)
        for length, count in enumerate(counts, 1):
            for _ in range(count):
                symbol = next(remaining)
                bits = symbol % 16
                row[symbol] = (code << bits) << 8 | (length + bits)
                code += 1
            code <<= 1
    return table.ravel()


@functools.cache
def _numbers() -> np.ndarray:
    """Table (n,) int32 of how numbers from -`_LARGEST` to `_LARGEST` are written (T.81, table F.1).

    An entry has the bits of the number, and in its lowest four bits how many bits these are.
    """
    numbers = np.arange(-_LARGEST, _LARGEST + 1)
    bits = np.ceil(np.log2(np.abs(numbers) + 1)).astype(np.int64)
    return ((numbers + np.where(numbers < 0, (1 << bits) - 1, 0)) << 4 | bits).astype(np.int32)


@jit
def _scan(pixels, first, stop, tables, planes, blocks, state, words, out):
    """Write the scan of the rows of units from `first` up to `stop`; return the number of bytes. Rows of `pixels` have 3 * width values.

    `state` (5,) is kept from one call to the next: the last mean of brightness and of each colour, the bits that are not yet written, and
    the number of these bits.
    """
    height, width = pixels.shape[0], pixels.shape[1] // 3
    (quantisers, codes, numbers), (luma, chroma, lines) = tables, planes
    across, columns = (width + MCU - 1) // MCU, (width + BLOCK - 1) // BLOCK
    # These numbers have a type, because functions would be compiled once more for every literal.
    written, zero, one = np.int64(0), np.int64(0), np.int64(1)
    for unit in range(first, stop):
        split_unit(pixels, unit, zero, zero, zero, luma, chroma, lines)
        _transform_unit(luma, chroma, quantisers, blocks)
        # Blocks beyond the picture are as short as possible: they repeat the mean of the block before them.
        if columns % 2:
            for k in (1, 3):
                _repeat_mean(blocks, (across - 1) * _BLOCKS + k)
        if (height + BLOCK - 1) // BLOCK <= 2 * unit + 1:
            for k in range(0, across * _BLOCKS, _BLOCKS):
                _repeat_mean(blocks, k + 2)
                _repeat_mean(blocks, k + 3)
        written = _copy_stuffed(words, _write_unit(blocks, across, codes, numbers, state, words), out, written)
    if stop * MCU >= height and state[4]:  # The last byte is filled with ones.
        words[0] = state[3] >> 56 & 255 | 255 >> state[4]
        written = _copy_stuffed(words, one, out, written)
    return written


@subkernel
def _transform_unit(luma, chroma, quantisers, blocks):
    """Compute the quantised coefficients of a row of units, two blocks at a time.

    A unit has six blocks one after another: the four of brightness row by row, then blue and red. `size` is a block's number of bytes.
    """
    luma_at, blue_at, red_at, blocks_at, stride = address(luma), address(chroma[0]), address(chroma[1]), address(blocks), luma.shape[1]
    for_luma, for_chroma, size = address(quantisers[0]), address(quantisers[1]), 2 * _COEFFICIENTS
    for unit in range(0, stride // MCU, 2):
        for k in range(2):
            unit_at = blocks_at + (unit + k) * _BLOCKS * size
            for row in range(2):
                source = luma_at + (unit + k) * MCU + row * BLOCK * stride
                quantise_zigzag(source, stride, for_luma, unit_at + 2 * row * size, unit_at + (2 * row + 1) * size)
        unit_at, next_at = blocks_at + unit * _BLOCKS * size, blocks_at + (unit + 1) * _BLOCKS * size
        quantise_zigzag(blue_at + unit * BLOCK, stride // 2, for_chroma, unit_at + 4 * size, next_at + 4 * size)
        quantise_zigzag(red_at + unit * BLOCK, stride // 2, for_chroma, unit_at + 5 * size, next_at + 5 * size)


@subkernel
def _repeat_mean(blocks, k):
    """Give block k the mean of the block before it, and set all other coefficients to zero."""
    blocks[k * _COEFFICIENTS] = blocks[(k - 1) * _COEFFICIENTS]
    blocks[k * _COEFFICIENTS + 1 : (k + 1) * _COEFFICIENTS] = 0


@subkernel
def _write_unit(blocks, across, codes, numbers, state, words):
    """Write the codes of a row of units to `words`. Returns the number of whole bytes."""
    bits, bit_count, blocks_at, start, zero = state[3], state[4], address(blocks), address(words), np.int64(0)
    at = start
    for k in range(across * _BLOCKS):
        # Components are 0 for brightness and 1 and 2 for colours. Codes of means begin at 0 or 512 of the table, others 256 later.
        component = max(k % _BLOCKS - 3, 0)
        first, means, details = k * _COEFFICIENTS, 512 * min(component, 1), 512 * min(component, 1) + 256
        mean = np.int64(blocks[first])
        number = np.int64(numbers[np.uint64(mean - state[component] + _LARGEST)])
        state[component] = mean
        bits, bit_count, at = _append(codes[np.uint64(means + (number & 15))], number >> 4, bits, bit_count, at)
        # Only coefficients that are not zero are visited: those whose bit in a mask is set.
        nonzero, last = _nonzero_mask(blocks_at + 2 * first) & -2, 0  # Without the mean's bit, bit 0.
        while nonzero != 0:
            place = _lowest_bit(nonzero)
            nonzero &= nonzero - 1
            number = np.int64(numbers[np.uint64(np.int64(blocks[np.uint64(first + place)]) + _LARGEST)])
            zeros = place - last - 1
            last = place
            while zeros > 15:
                bits, bit_count, at = _append(codes[np.uint64(details + _SIXTEEN_ZEROS)], zero, bits, bit_count, at)
                zeros -= 16
            bits, bit_count, at = _append(codes[np.uint64(details + (zeros << 4 | number & 15))], number >> 4, bits, bit_count, at)
        if last < _COEFFICIENTS - 1:
            bits, bit_count, at = _append(codes[np.uint64(details + _END_OF_BLOCK)], zero, bits, bit_count, at)
    state[3], state[4] = bits, bit_count
    return at - start


@subkernel
def _append(code, number, bits, bit_count, at):
    """Append a code and the number after it to the `bit_count` (fewer than eight) highest bits of `bits`, and write all at address `at`.

    Returns the bits of the last, incomplete byte, their number, and the address of that byte. Eight bytes are written every time, and
    the incomplete ones again by the next call, so that no branch is needed.
    """
    bit_count += code & 255
    bits |= (code >> 8 | number) << (64 - bit_count)
    _store_swapped(at, bits)
    return bits << (bit_count & 56), bit_count & 7, at + (bit_count >> 3)


@subkernel
def _copy_stuffed(words, count, out, written):
    """Append the first `count` bytes of words, in their order in memory, to `out`, with a zero after every byte of 0xFF (T.81, B.1.1.5).

    `written` is the number of bytes in `out`; the new number is returned.
    """
    for k in range((count + 7) // 8):
        word, used = words[k], min(count - 8 * k, 8)
        # In the complement, a byte of 0xFF is zero, which Mycroft's test (1987) finds. The last number is 0x8080808080808080, signed.
        if used == 8 and (~word - 0x0101010101010101) & word & -0x7F7F7F7F7F7F7F80 == 0:
            _store(address(out) + written, word)
            written += 8
        else:
            for j in range(used):
                out[written] = word >> 8 * j & 255
                written += 1
                if word >> 8 * j & 255 == 255:
                    out[written] = 0
                    written += 1
    return written


@intrinsic
def _nonzero_mask(typing, block):
    """A mask with one bit for each of 64 numbers of 16 bits, which is set if the number is not zero."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = Vectors(builder)
        numbers = v.load(args[0], I16, _COEFFICIENTS)
        return builder.bitcast(builder.icmp_signed("!=", numbers, v.full_like(numbers, 0)), I64)

    return types.int64(types.int64), emit


@intrinsic
def _lowest_bit(typing, word):
    """Position of the lowest bit that is set, in a word that is not 0."""

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
