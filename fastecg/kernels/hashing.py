"""Random numbers that are functions of a seed and a position, so that the order in which pixels are drawn cannot change them.

All hashes that give random numbers are here. The hash of 32 bits, `mixed`, is no faster than that of 64 bits, `scramble`. `mixed` is kept
because existing shots of creased and stained pages have to give the same pictures.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel

# Odd factors by which two coordinates are multiplied before they are added up. The first is 2**64 divided by the golden ratio.
_FIRST = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xD1B54A32D192ED03)


def scrambled(numbers):
    """The finaliser of SplitMix64 (Steele et al. 2014), for one uint64 number or an array: each bit depends on all bits of the number."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


#: `scrambled` of one number, inside kernels.
scramble = jit(scrambled)


# One multiplication for each coordinate keeps (1, 0) and (0, 1) apart; `scramble` makes the bits independent.
@subkernel
def combined(first, second):
    """Combine two integers into one of 64 bits, for `scramble`."""
    return np.uint64(np.int64(first)) * _FIRST + np.uint64(np.int64(second)) * _SECOND


def uniform(seed: int, index: np.ndarray) -> np.ndarray:
    """Numbers from -1 to 1 that depend on (seed, index) alone, one for each integer in `index`."""
    # The last term keeps seed 0 and index 0 from making the key 0, which `scrambled` leaves as it is.
    with np.errstate(over="ignore"):
        keys = np.asarray(index).astype(np.int64).astype(np.uint64) * _FIRST + np.uint64(seed) * _SECOND + np.uint64(0x632BE59BD9B4E019)
    return (scrambled(keys) >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


@jit
def mixed(seed, i, j):
    """A number from -1 to 1 that depends on (seed, i, j) alone (the finaliser of MurmurHash3)."""
    h = np.uint32(seed) ^ np.uint32(np.uint32(i) * np.uint32(0x85EBCA6B))
    h = np.uint32(h ^ np.uint32(np.uint32(j) * np.uint32(0xC2B2AE35)))
    h = np.uint32(h ^ np.uint32(h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h = np.uint32(h ^ np.uint32(h >> np.uint32(13)))
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    h = np.uint32(h ^ np.uint32(h >> np.uint32(16)))
    return np.float64(h) * (2.0 / 4294967296.0) - 1.0
