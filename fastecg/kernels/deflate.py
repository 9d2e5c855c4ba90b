"""Deflate for the rows of a picture: the same bytes for the same rows, whatever the processor, thread or earlier work.

Libraries that are as fast choose their code by processor and keep tables between calls. Here everything is whole-number arithmetic
on arrays made for the one call.

A picture goes on repeating from where it last did, or repeats the row above; both are looked at first. What else repeats is found by
one table of hashes of eight bytes, looked into once a pixel, and less often while nothing is found: sensor noise is left to the
Huffman code.

A step of the stream is (bytes that stand for themselves, length of the repeat after them, its distance). Repeats here are as long as
they are; only the writer cuts them to Deflate's 258 bytes.

Indices of the busiest loops are unsigned: for signed ones Numba asks at every byte whether they count from the end.

Format: RFC 1950 and RFC 1951. Bytes are loaded eight at a time, lowest first, as all processors that Numba knows order them.
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
_FAR = 32768  # Deflate looks back no further
_SLOT_BITS = 14  # 64 kB of table: more would leave the fast caches
# By level, how many bytes that repeat make other places not worth a look.
_ENOUGH = np.array([0, 16, 16, 1 << 30])
_IMPATIENCE = 3  # 2**3 looks in vain lengthen the step by a byte
_MOST_STEPS = 1 << 14  # of a block
_MOST_LITERALS = 1 << 17  # of a block: noise changes across a picture, and its code with it
_MOST_REPEAT = 1 << 20
_LONGEST = 258
_END, _LITERALS, _DISTANCES = 256, 286, 30
_HASH = np.uint64(0x9E3779B97F4A7C15)
_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])


def _length_symbols() -> np.ndarray:
    """Symbol, extra bits and their value of every length, shape (259, 3)."""
    extra = [0] * 8 + [bits for bits in range(1, 6) for _ in range(4)]
    first = 3 + np.concatenate([[0], np.cumsum(1 << np.array(extra[:-1]))])
    table = np.zeros((_LONGEST + 1, 3), np.int64)
    for k, (bits, start) in enumerate(zip(extra, first.tolist(), strict=True)):
        for length in range(start, min(start + (1 << bits), _LONGEST + 1)):
            table[length] = 257 + k, bits, length - start
    table[_LONGEST] = 285, 0, 0
    return table


def _distance_symbols() -> tuple[np.ndarray, np.ndarray]:
    """Symbol of distances to 256 by distance less 1, of others by 256 + (distance - 1) // 128; extra bits and first distance of each."""
    symbols, ranges = np.zeros(512, np.uint8), np.zeros((_DISTANCES, 2), np.int64)
    start = 0
    for k in range(_DISTANCES):
        bits = max(0, k // 2 - 1)
        for distance in range(start, start + (1 << bits)):
            symbols[distance if distance < 256 else 256 + (distance >> 7)] = k
        ranges[k] = bits, start + 1
        start += 1 << bits
    return symbols, ranges


_LENGTH_SYMBOLS = _length_symbols()
_DISTANCE_SYMBOLS, _DISTANCE_RANGES = _distance_symbols()


@intrinsic
def _load(typing, address):
    """The eight bytes at an address, aligned or not."""

    def emit(context, builder, signature, args):
        word = builder.load(builder.inttoptr(args[0], _WORD.as_pointer()))
        word.align = 1
        return word

    return types.uint64(types.int64), emit


@intrinsic
def _store(typing, address, word):
    """Write eight bytes at an address, aligned or not."""

    def emit(context, builder, signature, args):
        builder.store(args[1], builder.inttoptr(args[0], _WORD.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), emit


@intrinsic
def _zero_bytes(typing, word):
    """How many of the eight bytes are zero before the first that is not."""

    def emit(context, builder, signature, args):
        return builder.lshr(builder.cttz(args[0], ir.Constant(ir.IntType(1), 0)), ir.Constant(_WORD, 3))

    return types.int64(types.uint64), emit


# --- what repeats


@jit
def _differ(base, back, at):
    """Eight bytes and those `back` before them: zero where they are equal."""
    return _load(base + at) ^ _load(base + at - back)


@jit(inline="always")
def _repeat(base, back, at, size):
    """How many bytes from `at` on equal those `back` before them; 0 when fewer than eight do, and whole words only near the end."""
    return 0 if _differ(base, back, at) else _extent(base, back, at, size)


@jit
def _extent(base, back, at, size):
    """`_repeat` where the first eight bytes are known to be equal."""
    end, stop = at + 8, min(size, at + _MOST_REPEAT)
    while end + 32 <= stop:
        differs = _differ(base, back, end) | _differ(base, back, end + 8)
        if differs | _differ(base, back, end + 16) | _differ(base, back, end + 24):
            break
        end += 32
    while end + 8 <= stop:
        differs = _differ(base, back, end)
        if differs:
            return end - at + _zero_bytes(differs)
        end += 8
    return end - at


@jit(inline="always")
def _longer(other, back, length, distance):
    """The longer of two repeats, the second when they are equal."""
    return (other, back) if other > length else (length, distance)


@jit
def _find_steps(data, begin, row, stride, enough, table, steps, counts):
    """The steps of one block, from byte `begin` on: their number, and where the block ends.

    Bytes that stand for themselves are counted in passing, those at even and at odd places apart, because equal neighbours would wait
    for each other.
    `table` holds where each hash was seen last, modulo 2**32. A wrong entry costs a comparison and no more, so it may begin as zeros.
    """
    base = address(data)
    last = data.size - 8
    at, done, count, vain, literals, recent = begin, begin, 0, 0, 0, row
    while at <= last and count < steps.shape[0] - 1 and literals + at - done < _MOST_LITERALS:
        length, distance = (_repeat(base, recent, at, data.size) if at >= recent else 0), recent
        if length < enough and row <= at and row != recent:
            length, distance = _longer(_repeat(base, row, at, data.size), row, length, distance)
        if length < enough:
            slot = (_load(base + at) * _HASH) >> np.uint64(64 - _SLOT_BITS)
            back = np.int64(np.uint32(at - np.int64(table[slot])))
            table[slot] = np.uint32(at)
            other = _repeat(base, back, at, data.size) if 0 < back <= min(at, _FAR) else 0
            length, distance = _longer(other, back, length, distance)
        if length == 0:
            vain += 1
            following = min(at + stride + (vain >> _IMPATIENCE), data.size)
            for k in range(at, following):
                counts[np.uint64(k & 1), data[np.uint64(k)]] += 1
            at = following
            continue
        steps[count, 0], steps[count, 1], steps[count, 2] = at - done, length, distance
        literals += at - done
        at += length
        done, vain, count, recent = at, 0, count + 1, distance
    if at > last:
        for k in range(at, data.size):
            counts[0, data[k]] += 1
        at = data.size
    steps[count, 0], steps[count, 1], steps[count, 2] = at - done, 0, 0
    return count + 1, at


# --- how it is written


@jit
def _piece(length):
    """How much of a long repeat one symbol takes; what it leaves is nothing or long enough for another."""
    if length <= _LONGEST:
        return length
    return _LONGEST if length >= _LONGEST + 3 else length - 3


@jit
def _distance_symbol(distance):
    """Return the symbol of a distance."""
    less = distance - 1
    return np.uint64(_DISTANCE_SYMBOLS[np.uint64(less if less < 256 else 256 + (less >> 7))])


@jit
def _count_repeats(steps, literals, distances):
    """Add how often each length and each distance occurs in a block."""
    for k in range(steps.shape[0]):
        length = np.int64(steps[k, 1])
        while length > 0:
            piece = _piece(length)
            literals[np.uint64(_LENGTH_SYMBOLS[np.uint64(piece), np.uint64(0)])] += 1
            distances[_distance_symbol(steps[k, 2])] += 1
            length -= piece


@jit
def _put(out, state, value, count):
    """Append the lowest `count` bits of `value`. `state`: bits not yet written, their number, bytes written."""
    state[0] |= np.uint64(value) << state[1]
    state[1] += np.uint64(count)
    while state[1] >= 8:
        out[state[2]] = np.uint8(state[0] & np.uint64(255))
        state[0] >>= np.uint64(8)
        state[1] -= np.uint64(8)
        state[2] += np.uint64(1)


@jit
def _runs(lengths):
    """Code lengths as Deflate lists them: symbol, extra bits and their value, shape (symbols, 3)."""
    listed = np.zeros((lengths.size, 3), np.int64)
    count = k = 0
    while k < lengths.size:
        run = 1
        while k + run < lengths.size and lengths[k + run] == lengths[k]:
            run += 1
        symbol, bits, value, run = _run_symbol(lengths[k], run, k > 0 and lengths[k - 1] == lengths[k])
        listed[count, 0], listed[count, 1], listed[count, 2] = symbol, bits, value
        count += 1
        k += run
    return listed[:count]


@jit
def _run_symbol(length, run, again):
    """One symbol for the head of a run of equal lengths: itself, its extra bits and their value, and how many of the run it takes."""
    if length == 0 and run > 10:
        return 18, 7, min(run, 138) - 11, min(run, 138)
    if length == 0 and run > 2:
        return 17, 3, run - 3, run
    if length > 0 and again and run > 2:
        return 16, 2, min(run, 6) - 3, min(run, 6)
    return length, 0, 0, 1


@jit
def _joined(first, first_count, second, second_count):
    """The heads of two arrays in one; NumPy's own way takes Numba longer to compile."""
    joined = np.empty(first_count + second_count, np.int64)
    for k in range(first_count):
        joined[k] = first[k]
    for k in range(second_count):
        joined[first_count + k] = second[k]
    return joined


@jit
def _used(lengths, least):
    """How many entries to list: all up to the last one that is not zero, at least `least`."""
    count = lengths.size
    while count > least and lengths[count - 1] == 0:
        count -= 1
    return count


@jit
def _write_codes(out, state, literals, distances):
    """Write the lengths of a block's two codes."""
    literal_count, distance_count = _used(literals, np.int64(257)), _used(distances, np.int64(1))
    listed = _runs(_joined(literals, literal_count, distances, distance_count))
    counts = np.zeros(_ORDER.size, np.int64)
    for k in range(listed.shape[0]):
        counts[listed[k, 0]] += 1
    lengths = code_lengths(counts, np.int64(7))
    codes = codes_of(lengths)
    ordered = np.empty(_ORDER.size, np.int64)
    for k in range(_ORDER.size):
        ordered[k] = lengths[_ORDER[k]]
    order_count = _used(ordered, np.int64(4))
    for value, size in ((literal_count - 257, 5), (distance_count - 1, 5), (order_count - 4, 4)):
        _put(out, state, value, size)
    for k in range(order_count):
        _put(out, state, ordered[k], np.int64(3))
    for k in range(listed.shape[0]):
        _put(out, state, np.int64(codes[listed[k, 0]]), lengths[listed[k, 0]])
        _put(out, state, listed[k, 2], listed[k, 1])


@jit
def _flush(base, bits, have, at):
    """Write the whole bytes of `bits`: what is left, how many bits of it, and where the next byte goes."""
    _store(base + at, bits)
    whole = have >> np.uint64(3)
    return bits >> (whole << np.uint64(3)), have & np.uint64(7), at + np.int64(whole)


@jit
def _repeat_bits(lengths, codes):
    """Bits, and number of bits, of every length of a repeat, shape (2, 259)."""
    table = np.zeros((2, _LONGEST + 1), np.uint64)
    for length in range(3, _LONGEST + 1):
        symbol, extra, value = _LENGTH_SYMBOLS[length]
        table[0, length] = codes[symbol] | np.uint64(value) << np.uint64(lengths[symbol])
        table[1, length] = np.uint64(lengths[symbol] + extra)
    return table


@jit
def _write_steps(data, begin, steps, literals, distances, out, state):
    """Write the steps of a block with codes of these lengths, and its end."""
    codes, distance_codes = codes_of(literals), codes_of(distances)
    repeats = _repeat_bits(literals, codes)
    packed = np.empty(_END, np.uint64)  # code and size in one number, for one look a byte
    for k in range(_END):
        packed[k] = codes[k] << np.uint64(8) | np.uint64(literals[k])
    base = address(out)
    bits, have, to = state[0], state[1], np.int64(state[2])
    at = begin
    for k in range(steps.shape[0]):
        stop = at + steps[k, 0]
        while at + 3 <= stop:  # 7 bits left over and three codes of 15 fit one word
            for _ in range(3):
                code = packed[data[np.uint64(at)]]
                bits |= (code >> np.uint64(8)) << have
                have += code & np.uint64(255)
                at += 1
            bits, have, to = _flush(base, bits, have, to)
        while at < stop:
            code = packed[data[np.uint64(at)]]
            bits |= (code >> np.uint64(8)) << have
            have += code & np.uint64(255)
            at += 1
        bits, have, to = _flush(base, bits, have, to)
        length = np.int64(steps[k, 1])
        if length > 0:
            at += length
            symbol = _distance_symbol(steps[k, 2])
            extra, first = _DISTANCE_RANGES[symbol]
            back = distance_codes[symbol] | np.uint64(steps[k, 2] - first) << np.uint64(distances[symbol])
            back_size = np.uint64(distances[symbol] + extra)
            while length > 0:
                piece = _piece(length)
                bits |= repeats[np.uint64(0), np.uint64(piece)] << have
                have += repeats[np.uint64(1), np.uint64(piece)]
                bits |= back << have
                bits, have, to = _flush(base, bits, have + back_size, to)
                length -= piece
    state[0], state[1], state[2] = bits, have, np.uint64(to)
    _put(out, state, np.int64(codes[_END]), literals[_END])


# --- the whole


@jit
def _write_block(data, begin, steps, counts, is_last, out, state):
    """Write a block with the codes that suit it."""
    literals, distances = np.zeros(_LITERALS, np.int64), np.zeros(_DISTANCES, np.int64)
    for k in range(_END):
        literals[k] = counts[0, k] + counts[1, k]
    literals[_END] = 1
    _count_repeats(steps, literals, distances)
    literal_lengths, distance_lengths = code_lengths(literals, np.int64(15)), code_lengths(distances, np.int64(15))
    _put(out, state, np.int64(5 if is_last else 4), np.int64(3))  # the lowest bit ends the stream; 2 above it: codes of its own
    _write_codes(out, state, literal_lengths, distance_lengths)
    _write_steps(data, begin, steps, literal_lengths, distance_lengths, out, state)


@jit
def adler32(data):
    """Checksum of RFC 1950 over bytes."""
    low, high = np.int64(1), np.int64(0)
    for start in range(0, data.size, 4096):
        part = data[start : start + 4096]
        total, weighted = np.uint32(0), np.uint32(0)
        for k in range(part.size):
            total = np.uint32(total + part[k])
            weighted = np.uint32(weighted + np.uint32(part.size - k) * part[k])
        high = (high + part.size * low + np.int64(weighted)) % 65521
        low = (low + np.int64(total)) % 65521
    return high << 16 | low


def room(size: int) -> int:
    """Bytes that `zlib_stream` may write for `size` bytes: no symbol is longer than twice what it stands for."""
    return 2 * size + 1024 * (size // 65536 + 2)  # and 1024 for the head of every block


@jit
def zlib_stream(data, row, pixel, level, out):
    """Compress bytes; returns the size of the stream.

    Parameters
    ----------
    data : ndarray, uint8, shape (n,), contiguous
        What is compressed.
    row, pixel : int
        Bytes of one row, and of one pixel or a few: where to look for repeats first, and how often.
    level : int
        0 looks at the last distance and the row above alone, 1 elsewhere too, 2 for every byte, 3 even where those do.
    out : ndarray, uint8, shape (at least `room(n)`,)
        Where the stream goes.
    """
    table = np.zeros(1 << _SLOT_BITS, np.uint32)
    steps = np.empty((_MOST_STEPS, 3), np.int32)
    state = np.zeros(3, np.uint64)
    out[0], out[1], state[2] = 0x78, 0x01, 2  # a window of 32 kB, packed fast
    row, stride = row if row <= _FAR else pixel, pixel if level < 2 else 1
    end = np.int64(0)
    is_last = False
    while not is_last:
        begin = end
        counts = np.zeros((2, _END), np.int64)
        count, end = _find_steps(data, begin, row, stride, _ENOUGH[level], table, steps, counts)
        is_last = end >= data.size
        _write_block(data, begin, steps[:count], counts, is_last, out, state)
    _put(out, state, np.int64(0), np.int64(-np.int64(state[1]) % 8))
    size, checksum = np.int64(state[2]), adler32(data)
    for k in range(4):
        out[size + k] = checksum >> (24 - 8 * k) & 255
    return size + 4
