"""Canonical Huffman codes of limited length, for Deflate.

Format: RFC 1951, section 3.2.2. Symbols with equal counts are ordered by their numbers, so the code depends on the counts alone.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel

_RADIX = 512  # A count and its symbol are sorted as one number, count * _RADIX + symbol; no alphabet here has more symbols.
_DEEPEST = 64  # Largest depth of a tree. A deeper one would need larger counts than memory holds bytes.


@jit
def code_lengths(counts, longest):
    """Lengths (n,) of the symbols' codes in bits, for `counts` (n,): at most `longest`, and 0 for symbols that do not occur.

    At least two symbols get a code, because some readers refuse a code for one symbol. The code is optimal if Huffman's tree is no deeper
    than `longest`, and close to optimal otherwise.
    """
    ranked = _rank_symbols(counts)
    by_length = _count_lengths(ranked, longest)
    # Package-merge (Larmore and Hirschberg 1990) would be optimal under the limit as well. The difference is small: it concerns rare
    # symbols only.
    _limit_lengths(by_length, longest)
    lengths = np.zeros(counts.size, np.int64)
    k = 0
    for length in range(longest, 0, -1):
        for _ in range(by_length[length]):
            lengths[ranked[k] % _RADIX] = length
            k += 1
    return lengths


@subkernel
def _rank_symbols(counts):
    """Count and symbol, as one number, of every symbol that occurs, the rarest first.

    If fewer than two symbols occur, the first others are added, with a count of 1.
    """
    ranked = np.empty(counts.size, np.int64)
    used = np.int64(0)
    for symbol in range(counts.size):
        if counts[symbol] > 0:
            used = _insert(ranked, used, counts[symbol] * _RADIX + symbol)
    for symbol in range(counts.size):
        if used < 2 and counts[symbol] == 0:
            used = _insert(ranked, used, _RADIX + symbol)
    return ranked[:used]


@subkernel
def _insert(ranked, used, number):
    """Insert a number into the first `used` numbers, which are sorted; return `used` + 1. NumPy's sort takes seconds to compile."""
    k = used
    while k > 0 and ranked[k - 1] > number:
        ranked[k] = ranked[k - 1]
        k -= 1
    ranked[k] = number
    return used + 1


@subkernel
def _count_lengths(ranked, longest):
    """Number of symbols with each length of code, (64,). The length is the symbol's depth in Huffman's tree, but at most `longest`."""
    used = ranked.size
    total = np.empty(2 * used - 1, np.int64)
    parent = np.zeros(2 * used - 1, np.int64)
    for k in range(used):
        total[k] = ranked[k] // _RADIX
    # Leaves and inner nodes are two queues, each from light to heavy. Twice, the lighter of the two heads becomes a child of the new node.
    leaf, node = 0, used
    for new_node in range(used, 2 * used - 1):
        total[new_node] = 0
        for _ in range(2):
            if leaf < used and (node == new_node or total[leaf] <= total[node]):
                lightest = leaf
                leaf += 1
            else:
                lightest = node
                node += 1
            total[new_node] += total[lightest]
            parent[lightest] = new_node
    depth = np.zeros(2 * used - 1, np.int64)
    by_length = np.zeros(_DEEPEST, np.int64)
    for k in range(2 * used - 3, -1, -1):
        depth[k] = depth[parent[k]] + 1
        if k < used:
            by_length[min(depth[k], longest)] += 1
    return by_length


@subkernel
def _limit_lengths(by_length, longest):
    """Make short codes longer until there is room for the codes that were cut to `longest`, that is until Kraft's sum is one."""
    # Kraft's sum less one, in units of 2**-longest. Each round below makes it smaller by one unit.
    excess = -(1 << longest)
    for length in range(1, longest + 1):
        excess += by_length[length] << (longest - length)
    for _ in range(excess):
        # The longest code below the limit is made one bit longer, and a code of the greatest length becomes its neighbour.
        length = longest - 1
        while by_length[length] == 0:
            length -= 1
        by_length[length] -= 1
        by_length[length + 1] += 2
        by_length[longest] -= 1


@jit
def codes_of(lengths):
    """The canonical codes (n,) uint64 of the given lengths (n,), up to 15. The first bit of a code is its lowest, as in Deflate."""
    by_length = np.zeros(_DEEPEST, np.int64)
    for length in lengths:
        by_length[length] += 1
    by_length[0] = 0
    next_code = np.zeros(_DEEPEST, np.int64)
    for length in range(1, 16):
        next_code[length] = (next_code[length - 1] + by_length[length - 1]) << 1
    codes = np.zeros(lengths.size, np.uint64)
    for symbol in range(lengths.size):
        # Codes of one length are consecutive numbers; their bits are reversed below.
        code = next_code[lengths[symbol]]
        next_code[lengths[symbol]] += 1
        for _ in range(lengths[symbol]):
            codes[symbol] = codes[symbol] << np.uint64(1) | np.uint64(code & 1)
            code >>= 1
    return codes
