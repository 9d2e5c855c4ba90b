"""Huffman codes for Deflate: canonical, with a maximum length.

Format: RFC 1951, section 3.2.2. Equal counts are ordered by symbol, so the code depends on the counts alone.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit

_SYMBOLS = 512  # Factor by which counts are multiplied to append the symbol; no alphabet here has more symbols.
_DEEPEST = 64  # Largest depth of a tree. A deeper one would need larger counts than memory holds bytes.


@jit
def code_lengths(counts, longest):
    """Lengths of the symbols' codes in bits, shape of `counts`: at most `longest`, and 0 for symbols that do not occur.

    At least two symbols get a code, because some readers refuse a code for one symbol. The code is optimal if no length reaches the
    limit, and close to optimal otherwise.
    """
    ranked = _ranked(counts)
    by_length = _lengths_wanted(ranked, longest)
    # Package-merge (Larmore and Hirschberg 1990) would be optimal under the limit as well. Only the rarest symbols are affected.
    _shorten(by_length, longest)
    lengths = np.zeros(counts.size, np.int64)
    k = 0
    for length in range(longest, 0, -1):
        for _ in range(by_length[length]):
            lengths[ranked[k] % _SYMBOLS] = length
            k += 1
    return lengths


@jit
def _ranked(counts):
    """Count and symbol, combined into one number, of every symbol that occurs, rarest first."""
    ranked = np.empty(counts.size, np.int64)
    used = 0
    for symbol in range(counts.size):
        if counts[symbol] > 0:
            used = _insert(ranked, used, counts[symbol] * _SYMBOLS + symbol)
    for symbol in range(counts.size):
        if used < 2 and counts[symbol] == 0:
            used = _insert(ranked, used, _SYMBOLS + symbol)
    return ranked[:used]


@jit
def _insert(ranked, used, number):
    """Insert a number into the first `used` ones, which are sorted; returns their new number. NumPy's sort compiles for seconds."""
    k = used
    while k > 0 and ranked[k - 1] > number:
        ranked[k] = ranked[k - 1]
        k -= 1
    ranked[k] = number
    return used + 1


@jit
def _lengths_wanted(ranked, longest):
    """Number of symbols at each depth of Huffman's tree; those deeper than `longest` are counted at `longest`."""
    used = ranked.size
    total = np.empty(2 * used - 1, np.int64)
    parent = np.zeros(2 * used - 1, np.int64)
    for k in range(used):
        total[k] = ranked[k] // _SYMBOLS
    leaf, node = 0, used
    for new in range(used, 2 * used - 1):
        total[new] = 0
        for _ in range(2):
            if leaf < used and (node == new or total[leaf] <= total[node]):
                lightest = leaf
                leaf += 1
            else:
                lightest = node
                node += 1
            total[new] += total[lightest]
            parent[lightest] = new
    depth = np.zeros(2 * used - 1, np.int64)
    by_length = np.zeros(_DEEPEST, np.int64)
    for k in range(2 * used - 3, -1, -1):
        depth[k] = depth[parent[k]] + 1
        if k < used:
            by_length[min(depth[k], longest)] += 1
    return by_length


@jit
def _shorten(by_length, longest):
    """Lengthen short codes until there is room for those that were cut to `longest`, that is until Kraft's sum is one."""
    excess = -(1 << longest)
    for length in range(1, longest + 1):
        excess += by_length[length] << (longest - length)
    for _ in range(excess):
        length = longest - 1
        while by_length[length] == 0:
            length -= 1
        by_length[length] -= 1
        by_length[length + 1] += 2
        by_length[longest] -= 1


@jit
def codes_of(lengths):
    """The canonical codes of these lengths, each with its first bit lowest, as Deflate's bit order has it."""
    by_length = np.zeros(_DEEPEST, np.int64)
    for length in lengths:
        by_length[length] += 1
    by_length[0] = 0
    following = np.zeros(_DEEPEST, np.int64)
    for length in range(1, 16):
        following[length] = (following[length - 1] + by_length[length - 1]) << 1
    codes = np.zeros(lengths.size, np.uint64)
    for symbol in range(lengths.size):
        code = following[lengths[symbol]]
        following[lengths[symbol]] += 1
        for _ in range(lengths[symbol]):
            codes[symbol] = codes[symbol] << np.uint64(1) | np.uint64(code & 1)
            code >>= 1
    return codes
