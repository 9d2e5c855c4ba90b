"""Deflate for pictures with sensor noise. It uses Huffman codes alone, since noise has no repetitions that are worth a search.

Format: RFC 1950 and RFC 1951. Codes are stored eight bytes at a time, lowest first, as all processors that Numba knows order them.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.huffman import code_lengths, codes_of
from fastecg.kernels.jit import jit

_WORD = ir.IntType(64)
_BLOCK = 1 << 17  # Bytes of a block, which has its own code: noise changes across a picture.
_END = 256  # The symbol that ends a block.
# Order of the lengths of the code of lengths (RFC 1951, 3.2.7).
_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])


@intrinsic
def _store(typing, address, word):
    """Write eight bytes at an address, aligned or not."""

    def emit(context, builder, signature, args):
        builder.store(args[1], builder.inttoptr(args[0], _WORD.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), emit


def room(size: int) -> int:
    """The most bytes that `deflate_noise` writes for `size` bytes: a code has at most 15 bits."""
    return 2 * size + 1024 * (size // _BLOCK + 2)  # The head of a block takes less than 1024 bytes.


@jit
def deflate_noise(data, out):
    """Write bytes as a stream of Deflate; returns its size.

    Parameters
    ----------
    data : ndarray, uint8, shape (n,), contiguous
    out : ndarray, uint8, shape (at least `room(n)`,)
    """
    state = np.zeros(3, np.uint64)  # The bits that are not yet written, their number, and the number of bytes written.
    begin = 0
    while begin == 0 or begin < data.size:
        end = min(begin + _BLOCK, data.size)
        _write_block(data[begin:end], end == data.size, out, state)
        begin = end + (end == 0)
    _put(out, state, np.int64(0), np.int64(-np.int64(state[1]) % 8))
    return np.int64(state[2])


@jit
def _write_block(data, is_last, out, state):
    """Write a block with the code that suits it."""
    lengths = code_lengths(_counts(data), np.int64(15))
    # The lowest bit marks the last block; 2 above it means that the block has a code of its own.
    _put(out, state, np.int64(5 if is_last else 4), np.int64(3))
    _write_code(out, state, lengths)
    _write_bytes(data, lengths, codes_of(lengths), out, state)


@jit
def _counts(data):
    """Count the occurrences of each byte, and the end once. Four counts are kept and added, since with one, equal neighbours would wait."""
    counts = np.zeros((4, _END + 1), np.int64)
    for k in range(data.size):
        counts[np.uint64(k & 3), data[np.uint64(k)]] += 1
    total = np.zeros(_END + 1, np.int64)
    for symbol in range(_END):
        total[symbol] = counts[0, symbol] + counts[1, symbol] + counts[2, symbol] + counts[3, symbol]
    total[_END] = 1
    return total


@jit
def _put(out, state, value, count):
    """Append the lowest `count` bits of `value`."""
    state[0] |= np.uint64(value) << state[1]
    state[1] += np.uint64(count)
    while state[1] >= 8:
        out[state[2]] = np.uint8(state[0] & np.uint64(255))
        state[0] >>= np.uint64(8)
        state[1] -= np.uint64(8)
        state[2] += np.uint64(1)


@jit
def _write_code(out, state, lengths):
    """Write the lengths of a block's codes. Two distances are declared although none is used, because some readers expect them."""
    counts = np.zeros(_ORDER.size, np.int64)
    for length in lengths:
        counts[length] += 1
    counts[1] += 2
    own = code_lengths(counts, np.int64(7))
    codes = codes_of(own)
    for value, size in ((0, 5), (1, 5), (_ORDER.size - 4, 4)):  # 257 symbols, 2 distances, and 19 lengths of the code of lengths.
        _put(out, state, np.int64(value), np.int64(size))
    for symbol in _ORDER:
        _put(out, state, own[symbol], np.int64(3))
    for length in lengths:
        _put(out, state, np.int64(codes[length]), own[length])
    for _ in range(2):
        _put(out, state, np.int64(codes[1]), own[1])


@jit
def _flush(base, bits, have, at):
    """Write the whole bytes of `bits`; return the remaining bits, their number, and the position of the next byte."""
    _store(base + at, bits)
    whole = have >> np.uint64(3)
    return bits >> (whole << np.uint64(3)), have & np.uint64(7), at + np.int64(whole)


@jit
def _write_bytes(data, lengths, codes, out, state):
    """Write the bytes of a block, and its end."""
    packed = np.empty(_END, np.uint64)  # Code and size are in one number, so that a byte takes one look-up.
    for k in range(_END):
        packed[k] = codes[k] << np.uint64(8) | np.uint64(lengths[k])
    base = address(out)
    bits, have, to = state[0], state[1], np.int64(state[2])
    at = 0
    while at + 3 <= data.size:  # 7 remaining bits and three codes of at most 15 bits fit one word.
        for _ in range(3):
            code = packed[data[np.uint64(at)]]
            bits |= (code >> np.uint64(8)) << have
            have += code & np.uint64(255)
            at += 1
        bits, have, to = _flush(base, bits, have, to)
    while at < data.size:
        code = packed[data[np.uint64(at)]]
        bits |= (code >> np.uint64(8)) << have
        have += code & np.uint64(255)
        at += 1
    bits, have, to = _flush(base, bits, have, to)
    state[0], state[1], state[2] = bits, have, np.uint64(to)
    _put(out, state, np.int64(codes[_END]), lengths[_END])
