"""Width and darkness of a pen's line along a trace. Both are smaller where the pen moves fast, and both vary slowly at random.

Each has one value for every pixel column, so that the ink is symmetrical about the line through the samples.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.hashing import mixed
from fastecg.kernels.jit import jit

_FAST = 4.0  # Slope at which half of the possible loss of width and darkness is reached: T waves lose little, QRS complexes nearly all.
_INERTIA_MM = 0.12  # Distance after which a change of the pen's speed shows in the line.
# The random variation is a sum of two waves. The second has this many times the frequency and half the amplitude of the first.
_FINER = 5.0
_HASH_STEP = 16  # Every sample whose number is a multiple of this enters the hash of a trace.


def write_along(points_mm: np.ndarray, scale: float, habits: tuple[float, float, float, float, float], out: np.ndarray) -> None:
    """Compute factors of a pen's width and darkness for every pixel column that a trace crosses.

    The random variation depends on the heights of the trace alone, so it is the same wherever and however often the trace is drawn.

    Parameters
    ----------
    points_mm : (n, 2) array of float
        (x, y); x is finite and increases, y is not finite in gaps.
    scale : float
        px/mm.
    habits : tuple of float
        Shares of width and of darkness that are lost where the pen is fastest, 0 to 0.6; they vary at random by up to half. Amplitudes of
        the random variation of the width, to either side, and of the darkness, downwards. Wavelength of this variation in mm.
    out : (2, width) array of float32
        Output: factors of width and of darkness (at most 1) for the image's columns, from the first to the last that the trace crosses.
    """
    _write_along(points_mm, scale, *habits, out)


@jit
def _write_along(points, scale, thin, pale, wander, mottle, length, out):
    if len(points) == 0:
        return
    first = int(min(max(points[0, 0] * scale, 0.0), float(out.shape[1])))
    stop = int(min(max(points[-1, 0] * scale + 1.0, 0.0), float(out.shape[1])))
    slopes = np.zeros(max(stop - first, 0), np.float32)
    if len(slopes):
        seed = _slopes(points, scale, float(first), slopes)
        _smooth(slopes, np.float32(1.0 - math.exp(-1.0 / (_INERTIA_MM * scale))))
        waves = np.zeros(len(slopes), np.float32)
        _add_waves(seed, first, 1.0 / (length * scale), np.float32(2.0 / 3.0), waves)
        _add_waves(np.uint32(seed + 1), first, _FINER / (length * scale), np.float32(1.0 / 3.0), waves)
        one, half = np.float32(1.0), np.float32(0.5)
        thin, pale, wander, mottle = np.float32(thin), np.float32(pale), np.float32(wander), np.float32(mottle)
        for k in range(len(slopes)):
            square = slopes[k] * slopes[k]
            fast = square / (square + np.float32(_FAST * _FAST)) * (one + half * waves[k])
            out[0, first + k] = (one - thin * fast) * (one + wander * waves[k])
            out[1, first + k] = (one - pale * fast) * (one - mottle * (half - half * waves[k]))


@jit
def _slopes(points, scale, rim, out):
    """Add up how far the trace moves up and down in each column. Returns a hash of the trace. The first column begins at `rim` px."""
    number, width = np.uint32(0), float(len(out))
    start, height = points[0, 0] * scale - rim, points[0, 1]
    for i in range(1, len(points)):
        stop, height_next = points[i, 0] * scale - rim, points[i, 1]
        rise = abs(height_next - height) * scale
        if rise < np.inf and max(start, 0.0) < min(stop, width):
            if i % _HASH_STEP == 0:  # The offset keeps whole quarters of a mm, which are frequent, away from the steps.
                number = np.uint32(np.uint32(number * np.uint32(31)) + np.uint32(np.int64(height_next * 4.0 + 0.37)))
            _distribute(rise, max(start, 0.0), min(stop, width), stop - start, out)
        start, height = stop, height_next
    return number


@jit(inline="always")
def _distribute(rise, start, stop, whole, out):
    """Distribute a rise, which is that of a segment of length `whole`, over the columns between start and stop."""
    low, high = np.uint64(start), min(np.uint64(stop), np.uint64(len(out) - 1))
    if low == high:
        out[low] += rise * (stop - start) / whole
        return
    steep = rise / whole
    out[low] += steep * (low + 1.0 - start)
    for column in range(low + np.uint64(1), high):
        out[column] += steep
    out[high] += steep * (stop - high)


@jit
def _smooth(values, share):
    """Smooth the values by an exponential filter, once from left to right and once back."""
    held = values[0]
    for k in range(len(values)):
        held += share * (values[k] - held)
        values[k] = held
    for k in range(len(values) - 1, -1, -1):
        held += share * (values[k] - held)
        values[k] = held


@jit
def _add_waves(seed, first, pace, height, out):
    """Add smooth noise between -height and height, with one independent value every 1 / pace columns of the image."""
    at, left, rise = np.int64(-1), np.float32(0.0), np.float32(0.0)
    for k in range(len(out)):
        x = (first + k) * pace
        i = np.int64(x)
        if i != at:
            at, left = i, np.float32(mixed(seed, i, np.int64(0)))
            rise = np.float32(mixed(seed, i + 1, np.int64(0))) - left
        s = np.float32(x - i)
        out[k] += height * (left + rise * s * s * (np.float32(3.0) - np.float32(2.0) * s))
