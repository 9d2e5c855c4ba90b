"""Width and darkness of a pen's line along a trace. Both are smaller where the pen moves fast, and both vary slowly at random.

Each is one value for a pixel column, so that the ink is symmetrical about the line through the samples.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.hashing import mixed
from fastecg.kernels.jit import jit, subkernel

# Slope (px up or down per px) at which half of the possible loss of width and darkness is reached: T waves lose little, QRS complexes
# nearly all.
_FAST = 4.0
_INERTIA_MM = 0.12  # The pen's speed is smoothed along x by an exponential filter that falls to 1 / e over this distance, mm.
# The random variation is a sum of two waves. The second has _FINER times the frequency and half the amplitude of the first.
_FINER = 5.0
_HASH_STEP = 16  # Every sample whose number is a multiple of this enters the hash of a trace.


def fill_pen_factors(points_mm: np.ndarray, scale: float, habits: tuple[float, float, float, float, float], out: np.ndarray) -> None:
    """Compute factors of a pen's width and darkness for every pixel column that a trace crosses.

    The random variation depends on the trace's heights (y) and columns alone, so it is the same each time that the trace is drawn.

    Parameters
    ----------
    points_mm : (n, 2) array of float
        (x, y) from the top left corner of the page. x is finite and increases; y is not finite in gaps.
    scale : float
        px/mm.
    habits : tuple of float
        Five numbers. The first two are the shares of width and of darkness that are lost where the pen is fastest, 0 to 0.6; they vary at
        random by up to half. The next two are the largest random changes of the width, up or down, and of the darkness, down. The last is
        the wavelength of these changes in mm.
    out : (2, width) array of float32
        Output: factors of width (first row) and of darkness, at most 1 (second row), for the columns of the picture from the first to the
        last that the trace crosses. Column k reaches from k to k + 1 px. Other columns are not changed.
    """
    _fill_factors(points_mm, scale, *habits, out)


@jit
def _fill_factors(points, scale, thin, pale, wander, mottle, length, out):
    """The loops of `fill_pen_factors`, whose `habits` are the parameters from `thin` to `length`."""
    if len(points) == 0:
        return
    first = int(min(max(points[0, 0] * scale, 0.0), float(out.shape[1])))
    stop = int(min(max(points[-1, 0] * scale + 1.0, 0.0), float(out.shape[1])))
    slopes = np.zeros(max(stop - first, 0), np.float32)
    if len(slopes):
        seed = _measure_slopes(points, scale, float(first), slopes)
        _smooth(slopes, np.float32(1.0 - math.exp(-1.0 / (_INERTIA_MM * scale))))
        waves = np.zeros(len(slopes), np.float32)
        _add_waves(seed, first, 1.0 / (length * scale), np.float32(2.0 / 3.0), waves)
        _add_waves(np.uint32(seed + 1), first, _FINER / (length * scale), np.float32(1.0 / 3.0), waves)
        # The sum of both waves is between -1 and 1.
        one, half = np.float32(1.0), np.float32(0.5)
        thin, pale, wander, mottle = np.float32(thin), np.float32(pale), np.float32(wander), np.float32(mottle)
        for k in range(len(slopes)):
            square = slopes[k] * slopes[k]
            fast = square / (square + np.float32(_FAST * _FAST)) * (one + half * waves[k])
            out[0, first + k] = (one - thin * fast) * (one + wander * waves[k])
            out[1, first + k] = (one - pale * fast) * (one - mottle * (half - half * waves[k]))


@subkernel
def _measure_slopes(points, scale, rim, out):
    """Add how far the trace moves up and down in each column, in px, to `out`. Returns a hash of the heights.

    The first column begins at x = `rim` px.
    """
    digest, width = np.uint32(0), float(len(out))
    start, height = points[0, 0] * scale - rim, points[0, 1]
    for i in range(1, len(points)):
        stop, height_next = points[i, 0] * scale - rim, points[i, 1]
        rise = abs(height_next - height) * scale
        if rise < np.inf and max(start, 0.0) < min(stop, width):  # Not in a gap, and not beside the columns.
            if i % _HASH_STEP == 0:  # The offset keeps whole quarters of a mm, which are frequent, away from the steps.
                digest = np.uint32(np.uint32(digest * np.uint32(31)) + np.uint32(np.int64(height_next * 4.0 + 0.37)))
            _distribute(rise, max(start, 0.0), min(stop, width), stop - start, out)
        start, height = stop, height_next
    return digest


@jit(inline="always")
def _distribute(rise, start, stop, whole, out):
    """Add a segment's rise to the columns: of its length along x, `whole` px, the part from `start` to `stop` (px) lies on them."""
    first, last = np.uint64(start), min(np.uint64(stop), np.uint64(len(out) - 1))
    if first == last:
        out[first] += rise * (stop - start) / whole
        return
    steep = rise / whole
    out[first] += steep * (first + 1.0 - start)
    for column in range(first + np.uint64(1), last):
        out[column] += steep
    out[last] += steep * (stop - last)


@subkernel
def _smooth(values, share):
    """Smooth the values in place by an exponential filter, from left to right and back. `share` is the weight of the new value."""
    held = values[0]
    for k in range(len(values)):
        held += share * (values[k] - held)
        values[k] = held
    for k in range(len(values) - 1, -1, -1):
        held += share * (values[k] - held)
        values[k] = held


@subkernel
def _add_waves(seed, first, frequency, height, out):
    """Add smooth noise between -height and height to `out`, with one independent value every 1 / frequency columns.

    `out` begins at column `first` of the picture.
    """
    node, left, rise = np.int64(-1), np.float32(0.0), np.float32(0.0)
    for k in range(len(out)):
        x = (first + k) * frequency
        i = np.int64(x)
        if i != node:
            node, left = i, np.float32(mixed(seed, i, np.int64(0)))
            rise = np.float32(mixed(seed, i + 1, np.int64(0))) - left
        s = np.float32(x - i)
        out[k] += height * (left + rise * s * s * (np.float32(3.0) - np.float32(2.0) * s))
