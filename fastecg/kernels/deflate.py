"""Deflate for pictures with sensor noise. Only Huffman codes are used, because noise has no repetitions that are worth a search.

Format: RFC 1951; the caller adds the head and the checksum of RFC 1950. Codes are stored eight bytes at a time, the lowest byte first,
which is the order of all processors that Numba supports.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.huffman import code_lengths, codes_of
from fastecg.kernels.jit import jit, subkernel

_WORD = ir.IntType(64)
_BLOCK = 1 << 17  # Bytes of a block. Each block has its own code, because noise changes across a picture.
_END_OF_BLOCK = 256  # The symbol that ends a block.
# The lengths of a block's codes are written in an inner code, whose own lengths come first, in this order (RFC 1951, 3.2.7).
_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])


@intrinsic
def _store(typing, address, word):
    """Write eight bytes at an address, aligned or not."""

    def emit(context, builder, signature, args):
        builder.store(args[1], builder.inttoptr(args[0], _WORD.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), emit


def deflate_bound(size: int) -> int:
    """A number of bytes that `deflate_noise` never exceeds for `size` bytes: a code has at most 15 bits."""
    return 2 * size + 1024 * (size // _BLOCK + 2)  # The head of a block takes less than 1024 bytes.


@jit
def deflate_noise(data, out):
    """Write `data` as a stream of Deflate to `out`; return the size of the stream in bytes.

    Parameters
    ----------
    data : ndarray, uint8, shape (n,), contiguous
    out : ndarray, uint8, shape (at least `deflate_bound(n)`,)
    """
    state = np.zeros(3, np.uint64)  # The bits that are not yet written, their number, and the number of bytes written.
    begin = 0
    while begin == 0 or begin < data.size:
        end = min(begin + _BLOCK, data.size)
        _write_block(data[begin:end], end == data.size, out, state)
        begin = end + (end == 0)  # Without data, one empty block is written.
    _append_bits(out, state, np.int64(0), np.int64(-np.int64(state[1]) % 8))  # Zeros fill the last byte.
    return np.int64(state[2])


@subkernel
def _write_block(data, is_last, out, state):
    """Write one block of the stream, with a Huffman code made for its data."""
    lengths = code_lengths(_count_symbols(data), np.int64(15))
    # The lowest bit marks the last block. The two bits above it are 2 for a block with its own code.
    _append_bits(out, state, np.int64(5 if is_last else 4), np.int64(3))
    _write_code(out, state, lengths)
    _write_bytes(data, lengths, codes_of(lengths), out, state)


@subkernel
def _count_symbols(data):
    """Number of occurrences (257,) of each byte, and 1 for the end of the block.

    Successive bytes are counted in four arrays in turn, because a processor waits when it increases the same number twice in a row.
    """
    counts = np.zeros((4, _END_OF_BLOCK + 1), np.int64)
    for k in range(data.size):
        counts[np.uint64(k & 3), data[np.uint64(k)]] += 1
    total = np.zeros(_END_OF_BLOCK + 1, np.int64)
    for symbol in range(_END_OF_BLOCK):
        total[symbol] = counts[0, symbol] + counts[1, symbol] + counts[2, symbol] + counts[3, symbol]
    total[_END_OF_BLOCK] = 1
    return total


@subkernel
def _append_bits(out, state, value, count):
    """Append `value`, which has `count` bits, to the stream. Whole bytes are written to `out`, and the bits left over stay in `state`."""
    state[0] |= np.uint64(value) << state[1]
    state[1] += np.uint64(count)
    while state[1] >= 8:
        out[state[2]] = np.uint8(state[0] & np.uint64(255))
        state[0] >>= np.uint64(8)
        state[1] -= np.uint64(8)
        state[2] += np.uint64(1)


@subkernel
def _write_code(out, state, lengths):
    """Write the lengths of a block's codes, in the inner code.

    The lengths of two codes for distances, 1 bit each, follow: no distance is used, but some readers expect these codes.
    """
    counts = np.zeros(_ORDER.size, np.int64)
    for length in lengths:
        counts[length] += 1
    counts[1] += 2
    inner_lengths = code_lengths(counts, np.int64(7))
    inner_codes = codes_of(inner_lengths)
    # 257 symbols, 2 distances, and 19 lengths of the inner code, written as their excess over the least possible: 257, 1 and 4.
    for value, size in ((0, 5), (1, 5), (_ORDER.size - 4, 4)):
        _append_bits(out, state, np.int64(value), np.int64(size))
    for symbol in _ORDER:
        _append_bits(out, state, inner_lengths[symbol], np.int64(3))
    for length in lengths:
        _append_bits(out, state, np.int64(inner_codes[length]), inner_lengths[length])
    for _ in range(2):
        _append_bits(out, state, np.int64(inner_codes[1]), inner_lengths[1])


@subkernel
def _flush(base, bits, bit_count, at):
    """Write the whole bytes of `bits` at address `base` + `at`; return the remaining bits, their number, and the next `at`."""
    _store(base + at, bits)
    whole = bit_count >> np.uint64(3)
    return bits >> (whole << np.uint64(3)), bit_count & np.uint64(7), at + np.int64(whole)


@subkernel
def _write_bytes(data, lengths, codes, out, state):
    """Write the codes of a block's bytes and of its end."""
    # A code and its length (lowest byte) are packed into one number, so that a byte takes one look-up.
    packed = np.empty(_END_OF_BLOCK, np.uint64)
    for symbol in range(_END_OF_BLOCK):
        packed[symbol] = codes[symbol] << np.uint64(8) | np.uint64(lengths[symbol])
    base = address(out)
    bits, bit_count, at = state[0], state[1], np.int64(state[2])
    k = 0
    while k + 3 <= data.size:  # 7 remaining bits and three codes of at most 15 bits fit one word.
        for _ in range(3):
            code = packed[data[np.uint64(k)]]
            bits |= (code >> np.uint64(8)) << bit_count
            bit_count += code & np.uint64(255)
            k += 1
        bits, bit_count, at = _flush(base, bits, bit_count, at)
    while k < data.size:
        code = packed[data[np.uint64(k)]]
        bits |= (code >> np.uint64(8)) << bit_count
        bit_count += code & np.uint64(255)
        k += 1
    bits, bit_count, at = _flush(base, bits, bit_count, at)
    state[0], state[1], state[2] = bits, bit_count, np.uint64(at)
    _append_bits(out, state, np.int64(codes[_END_OF_BLOCK]), lengths[_END_OF_BLOCK])
