"""Sensor noise from fixed tables of normal deviates: every row of pixels reads them from offsets that are hashes of (seed, row).

Brightness noise differs from pixel to pixel; colour noise is shared by blocks of 2x2 pixels, as in cameras, which see each colour
at half the resolution. The table of brightness holds evenly spaced quantiles of the normal distribution once each, so its spread is right;
the table of colour is scaled to have the right spread.
"""

from __future__ import annotations

import functools
from statistics import NormalDist

import numpy as np

from fastecg.kernels.hashing import combined, scramble, scrambled
from fastecg.kernels.jit import jit

# Reading a table from a hashed offset adds no measurable time to the pass that samples the sheet. Measured on 11 million values: a sum of
# four terms of a counter-based hash takes 4 ns a value and has too light tails (kurtosis 2.7), NumPy's fastest generators take 44 ns, and
# normal numbers drawn by Numba 209 ns.
LUMA_COUNT = 32768  # Number of deviates of brightness before the table repeats.
CHROMA_COUNT = 16384  # Number of deviates of colour before the table repeats. Each is used for two columns of pixels.
# Brightnesses (0 to 1) at which the parabola of `noise_curve` is exact, and the matrix that turns its values there into its coefficients.
_BRIGHTNESSES = np.array([0.04, 0.35, 0.9])
_TO_COEFFICIENTS = np.linalg.inv(np.vander(_BRIGHTNESSES, 3, increasing=True))
# Streams of a row's hash: independent numbers from one seed.
LUMA_STREAM = 1  # Decides where the row begins to read the table of brightness.
CHROMA_STREAM = 2  # Decides where the row begins to read the table of colour.
SIGN_STREAM = 3  # Decides for two rows together whether the deviates change their sign.
UNIT = 8192  # The integer in a table that stands for one standard deviation.


@functools.cache
def _normal(count: int, salt: int) -> np.ndarray:
    """Quantiles (count,) float32 of the normal distribution, each once, shuffled by a hash of `salt`. They are equal on all machines."""
    half = np.array([NormalDist().inv_cdf((i + 0.5) / count) for i in range(count // 2, count)], dtype=np.float32)
    order = np.argsort(scrambled(np.arange(count, dtype=np.uint64) + np.uint64(salt << 32)), kind="stable")
    return np.concatenate([-half[::-1], half])[order]


@functools.cache
def _colours() -> np.ndarray:
    """Deviates (CHROMA_COUNT, 4) float32 of colour: three channels of standard deviation 1 with a sum of about 0, and a fourth of zeros."""
    channels = np.stack([_normal(CHROMA_COUNT, salt) for salt in (1, 2, 3)], axis=1)
    channels = channels - channels.mean(axis=1, keepdims=True)
    return np.concatenate([channels / channels.std(axis=0), np.zeros((CHROMA_COUNT, 1), dtype=np.float32)], axis=1)


def tables(chroma: float, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Deviates of brightness (n,) and of colour (m, 4), int16 in units of 1 / `UNIT` of the total standard deviation.

    Parameters
    ----------
    chroma : float
        Standard deviation of colour as a share of the total, 0 to 1; that of brightness is sqrt(1 - chroma²).
    width : int
        Largest number of pixels of a row. Each table is followed by its own beginning, so that such a row may start anywhere in it.
    """
    luma, colour = np.empty(LUMA_COUNT + width + 8, np.int16), np.empty((CHROMA_COUNT + width // 2 + 8, 4), np.int16)
    _scale(_normal(LUMA_COUNT, 0), np.float32(np.sqrt(1.0 - chroma * chroma) * UNIT), luma)
    _scale(_colours().reshape(-1), np.float32(chroma * UNIT), colour.reshape(-1))
    return luma, colour


@jit
def _scale(deviates, factor, out):
    """Write deviates times a factor to all of `out` as integers; the first deviate follows the last."""
    count = len(deviates)
    for start in range(0, len(out), count):
        part = out[start : start + count]
        for k in range(len(part)):
            part[k] = np.int16(min(max(np.rint(deviates[k] * factor), np.float32(-32767.0)), np.float32(32767.0)))


def noise_curve(read: float, shot: float) -> np.ndarray:
    """Coefficients (3,) int64 of a parabola that stands for the standard deviation of noise, sqrt(read**2 + shot**2 * v), v from 0 to 1.

    v is the brightness. `read` and `shot` are in levels; the unit of the result is 1/512 level. Coefficients are those of 1, v and v²; the
    second is doubled and the third multiplied by four, because the vector code halves the brightness v in each product. Where `read` is a
    quarter of `shot` or more, the parabola is exact within 9 % at black and 4 % for v above 0.02; where `read` is 0, within 10 % for v
    above 0.03.
    """
    sigma = np.sqrt(read * read + shot * shot * _BRIGHTNESSES)
    return np.rint(_TO_COEFFICIENTS @ sigma * (512.0, 1024.0, 2048.0)).astype(np.int64)


@jit
def table_offset(seed, stream, row, size):
    """Position in a table of `size` deviates, a power of two, at which a row begins to read. `stream` is one of the ..._STREAM."""
    return np.int64((scramble(combined(seed, row) ^ np.uint64(stream)) >> np.uint64(33)) & np.uint64(size - 1))
