"""Ink of a pen on paper: strokes drawn as capsules, strokes that cross, and the roughness (tooth) of the paper."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.hashing import combined, scramble
from fastecg.kernels.jit import jit, subkernel

LIFTED_PX = 1e4  # This is added to the length of the pen's path when the pen is lifted, so that the next stroke counts as a new pass.
_MAX_OVERLAP = 0.75  # Share of a second pass's ink that is added to the first, because paper with ink takes less ink.


@jit
def lay_ink(nodes: np.ndarray, below: np.ndarray, top: np.ndarray, passed: np.ndarray) -> None:
    """Draw strokes through `nodes` (n, 4): x, y and radius in px, and density, 0 to 1. A row of NaN lifts the pen.

    For each pixel, `passed` holds how far the pen had travelled, in px, when it last touched the pixel (far below 0 before the first
    touch), `top` the ink of the latest pass over the pixel, and `below` the ink of all earlier passes, both 0 to 255.
    """
    travelled = 0.0
    for i in range(len(nodes)):
        if math.isnan(nodes[i, 0]):
            travelled += LIFTED_PX
            continue
        j = i + 1 if i + 1 < len(nodes) and not math.isnan(nodes[i + 1, 0]) else i
        alone = i == 0 or math.isnan(nodes[i - 1, 0])
        if j > i or alone:
            _lay_segment(nodes[i], nodes[j], travelled, below, top, passed)
            travelled += math.hypot(nodes[j, 0] - nodes[i, 0], nodes[j, 1] - nodes[i, 1])


@subkernel
def _lay_segment(a: np.ndarray, b: np.ndarray, travelled: float, below: np.ndarray, top: np.ndarray, passed: np.ndarray) -> None:
    """Draw the capsule from node `a` to node `b`, a strip with round ends.

    `travelled` is the length of the pen's path up to `a`. A pixel that the pen touched much earlier counts as crossed by a new pass.
    """
    height, width = top.shape
    reach = max(a[2], b[2]) + 0.5
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    inverse = 1.0 / square if square > 0.0 else 0.0
    apart = 3.0 * reach + 1.5  # Length of path, px, after which a pixel that is touched again counts as crossed.
    y0, y1 = max(0, math.ceil(min(a[1], b[1]) - reach)), min(height, math.floor(max(a[1], b[1]) + reach) + 1)
    x0, x1 = max(0, math.ceil(min(a[0], b[0]) - reach)), min(width, math.floor(max(a[0], b[0]) + reach) + 1)
    for y in range(y0, y1):
        for x in range(x0, x1):
            off_x, off_y = x - a[0], y - a[1]
            t = min(max((off_x * dx + off_y * dy) * inverse, 0.0), 1.0)
            off_x, off_y = off_x - t * dx, off_y - t * dy
            square_distance = off_x * off_x + off_y * off_y
            if square_distance >= reach * reach:
                continue
            radius = a[2] + t * (b[2] - a[2])
            distance = math.sqrt(square_distance)
            # A line that is thinner than a pixel covers a share of the pixel that equals its width.
            cover = min(max(radius + 0.5 - distance, 0.0), min(1.0, 2.0 * radius))
            if cover > 0.0:
                value = np.uint8(255.0 * cover * (a[3] + t * (b[3] - a[3])) + 0.5)
                if travelled - passed[y, x] > apart:
                    below[y, x] = _over(below[y, x], top[y, x])
                    top[y, x] = value
                else:
                    top[y, x] = max(top[y, x], value)
                passed[y, x] = travelled


@subkernel
def _over(first: float, second: float) -> np.uint8:
    """Coverage, 0 to 255, by a second layer of ink over a first one."""
    added = _MAX_OVERLAP if first > 0 else 1.0
    return np.uint8(first + (255.0 - first) * second * added / 255.0 + 0.5)


@jit
def settle_ink(below: np.ndarray, top: np.ndarray, x0: int, y0: int, fibres: float, tooth: float, seed: int) -> None:
    """Add up the ink of all passes in `top`, and remove ink where the paper is too low to touch the pen.

    (x0, y0) is the position of the first pixel on the sheet, in px, a pixel is `fibres` cells of `paper_tooth` wide, and `tooth`, 0 to 1,
    is the strength of the effect. Paper that lies no deeper than 0.35 (see `paper_tooth`) keeps all its ink.
    """
    for y in range(top.shape[0]):
        for x in range(top.shape[1]):
            if top[y, x] == 0:
                continue
            ink = _over(below[y, x], top[y, x]) / 255.0
            depth = paper_tooth((x + x0 + 0.5) * fibres, (y + y0 + 0.5) * fibres, seed)
            # Firm strokes press the fibres down.
            top[y, x] = np.uint8(255.0 * ink * (1.0 - min(1.0, tooth * max(0.0, depth - 0.35) * 2.2 * (1.3 - ink) ** 2)) + 0.5)


@jit
def paper_tooth(u: float, v: float, seed: int) -> float:
    """How deep the paper lies at (u, v), from 0 for the tops of fibres to 1: a hash at whole numbers, interpolated between them."""
    i, j = math.floor(u), math.floor(v)
    a, b = u - i, v - j
    upper = _random_at(i, j, seed) * (1.0 - a) + _random_at(i + 1, j, seed) * a
    lower = _random_at(i, j + 1, seed) * (1.0 - a) + _random_at(i + 1, j + 1, seed) * a
    return upper * (1.0 - b) + lower * b


@subkernel
def _random_at(i: float, j: float, seed: int) -> float:
    """A random number, uniform from 0 to 1, for the whole numbers (i, j)."""
    return float(scramble(combined(i, j) + np.uint64(seed)) >> np.uint64(40)) / 16777216.0
