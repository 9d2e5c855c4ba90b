"""A table of levels applied to every value of a picture, and copies of every n-th pixel."""

from __future__ import annotations

import functools

import numpy as np

from fastecg.kernels.jit import jit


def apply_lut(pixels: np.ndarray, table: np.ndarray) -> None:
    """Replace every value v of `pixels` (C order, uint8) by table[v], in place; `table` (256,) uint8."""
    values = pixels.reshape(-1)
    whole = len(values) // 8 * 8
    _look_up_words(values[:whole].view(np.uint64), _pairs(table.tobytes()))
    values[whole:] = table[values[whole:]]


def thinned(pixels: np.ndarray, every: int) -> np.ndarray:
    """A copy of every `every`-th pixel of (height, width, 3) uint8 along both axes. Copying a slice with NumPy takes ten times as long."""
    out = np.empty((-(-pixels.shape[0] // every), -(-pixels.shape[1] // every), 3), dtype=np.uint8)
    _thin(pixels, every, out)
    return out


@jit
def _thin(pixels, every, out):
    for y in range(len(out)):
        row, out_row = pixels[y * every], out[y]
        for x in range(np.uint64(len(out_row))):
            k = x * np.uint64(every)
            out_row[x, 0], out_row[x, 1], out_row[x, 2] = row[k, 0], row[k, 1], row[k, 2]


@functools.lru_cache(maxsize=32)
def _pairs(table: bytes) -> np.ndarray:
    """A table (65536,) uint16 that replaces two values, the bytes of one number, at once."""
    single = np.frombuffer(table, dtype=np.uint8).astype(np.uint16)
    return (single[:, None] << np.uint16(8) | single[None, :]).reshape(-1)


@jit
def _look_up_words(words, pairs):
    """Replace the eight values of each word by looking them up in pairs: half as many look-ups, in a table of 128 kB."""
    mask = np.uint64(0xFFFF)
    for i in range(np.uint64(len(words))):
        word = words[i]
        a, b = np.uint64(pairs[word & mask]), np.uint64(pairs[word >> np.uint64(16) & mask])
        c, d = np.uint64(pairs[word >> np.uint64(32) & mask]), np.uint64(pairs[word >> np.uint64(48)])
        words[i] = a | b << np.uint64(16) | c << np.uint64(32) | d << np.uint64(48)
