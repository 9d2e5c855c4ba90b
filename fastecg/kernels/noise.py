"""Sensor noise from a fixed table of normal deviates: every row of pixels reads it from an offset that is a hash of (seed, row).

Brightness noise differs from pixel to pixel; colour noise is shared by blocks of 2x2 pixels, as in cameras, which see each colour
at half the resolution. The tables hold every quantile of the normal distribution once, so their spread is exact.
"""

from __future__ import annotations

import functools
from statistics import NormalDist

import numpy as np

from fastecg.kernels.hashing import combined, scramble, scrambled
from fastecg.kernels.jit import jit

# A table entered at a hashed offset costs nothing measurable within the one pass. Measured on 11 million values: a counter-based hash
# with four summed terms takes 4 ns each and has too light tails (kurtosis 2.7), NumPy's fastest generators take 44 ns, and normal numbers
# drawn by Numba 209 ns.
LUMA = 32768  # Number of deviates of brightness before the table repeats.
CHROMA = 16384  # Number of deviates of colour before the table repeats. Each is used for two columns of pixels.
# Brightnesses (0 to 1) at which the parabola of `curve` is exact, and the matrix that gives its coefficients.
_BRIGHTNESSES = np.array([0.04, 0.35, 0.9])
_THROUGH = np.linalg.inv(np.vander(_BRIGHTNESSES, 3, increasing=True))
# Streams of a row's hash.
OF_LUMA = 1  # Position at which the row begins in the table of brightness.
OF_CHROMA = 2  # Position at which it begins in the table of colour.
OF_SIGN = 3  # Bits that decide whether deviates change their sign.
UNIT = 8192  # Value of one standard deviation in a table.


@functools.cache
def _normal(count: int, salt: int) -> np.ndarray:
    """Quantiles (count,) float32 of the normal distribution, each once, shuffled by a hash. They are equal on all machines."""
    half = np.array([NormalDist().inv_cdf((i + 0.5) / count) for i in range(count // 2, count)], dtype=np.float32)
    order = np.argsort(scrambled(np.arange(count, dtype=np.uint64) + np.uint64(salt << 32)), kind="stable")
    return np.concatenate([-half[::-1], half])[order]


@functools.cache
def _colours() -> np.ndarray:
    """Deviates (CHROMA, 4) float32 of colour: three channels of standard deviation 1 that add up to zero, and a fourth of zeros."""
    channels = np.stack([_normal(CHROMA, salt) for salt in (1, 2, 3)], axis=1)
    channels = channels - channels.mean(axis=1, keepdims=True)
    return np.concatenate([channels / channels.std(axis=0), np.zeros((CHROMA, 1), dtype=np.float32)], axis=1)


def tables(chroma: float, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Brightness (n,) and colour (m, 4) deviates, int16 in units of 1/8192 of the total standard deviation.

    Parameters
    ----------
    chroma : float
        Part of the standard deviation that is colour, 0 to 1.
    width : int
        Largest number of pixels of a row. The tables are continued by their beginning for so many deviates.
    """
    luma, colour = np.empty(LUMA + width + 8, np.int16), np.empty((CHROMA + width // 2 + 8, 4), np.int16)
    _scale(_normal(LUMA, 0), np.float32(np.sqrt(1.0 - chroma * chroma) * UNIT), luma)
    _scale(_colours().reshape(-1), np.float32(chroma * UNIT), colour.reshape(-1))
    return luma, colour


@jit
def _scale(deviates, factor, out):
    """Write deviates times a factor as integers, repeating them from the start."""
    count = len(deviates)
    for start in range(0, len(out), count):
        part = out[start : start + count]
        for k in range(len(part)):
            part[k] = np.int16(min(max(np.rint(deviates[k] * factor), np.float32(-32767.0)), np.float32(32767.0)))


def curve(read: float, shot: float) -> np.ndarray:
    """Parabola through sqrt(read**2 + shot**2 * v) at three brightnesses v in 0..1: its coefficients, (3,) int64.

    They count 1/512 level, the second doubled and the third times four, as the vector path halves the brightness at each product.
    Where read is a quarter of shot or more, the parabola stays within 4 %; without read, within 10 % above a tenth of white.
    """
    sigma = np.sqrt(read * read + shot * shot * _BRIGHTNESSES)
    return np.rint(_THROUGH @ sigma * (512.0, 1024.0, 2048.0)).astype(np.int64)


@jit
def table_offset(seed, stream, row, size):
    """Position at which a row enters a table of `size` deviates, a power of two. The streams OF_... of a seed are independent."""
    return np.int64((scramble(combined(seed, row) ^ np.uint64(stream)) >> np.uint64(33)) & np.uint64(size - 1))
