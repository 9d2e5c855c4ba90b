"""Obviously right twins of the handwriting kernels."""

from __future__ import annotations

import math

import numpy as np


def catmull_rom(p0: np.ndarray, p1: np.ndarray, p2: np.ndarray, p3: np.ndarray, t: float) -> np.ndarray:
    """Barry and Goldman's pyramid on centripetal knots."""
    knots = np.concatenate([[0.0], np.cumsum([math.sqrt(np.hypot(*(b - a))) for a, b in ((p0, p1), (p1, p2), (p2, p3))])])
    at = knots[1] + t * (knots[2] - knots[1])

    def mix(a: np.ndarray, b: np.ndarray, i: int, j: int) -> np.ndarray:
        return (knots[j] - at) / (knots[j] - knots[i]) * a + (at - knots[i]) / (knots[j] - knots[i]) * b

    first, second, third = mix(p0, p1, 0, 1), mix(p1, p2, 1, 2), mix(p2, p3, 2, 3)
    return mix(mix(first, second, 0, 2), mix(second, third, 1, 3), 1, 2)


def runs(way: np.ndarray) -> list[slice]:
    """Stretches between rows of NaN."""
    found, start = [], 0
    for i in range(len(way) + 1):
        if i == len(way) or np.isnan(way[i, 0]):
            found += [slice(start, i)] if i > start else []
            start = i + 1
    return found


def smooth(way: np.ndarray, sigma: float) -> np.ndarray:
    """Every run extended by turning it about its ends, then convolved with a Gaussian."""
    out, reach = np.full_like(way, np.nan), int(3 * sigma) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    for run in runs(way):
        points = way[run]
        before = np.array([2 * points[0] - points[min(k, len(points) - 1)] for k in range(reach, 0, -1)])
        after = np.array([2 * points[-1] - points[max(len(points) - 1 - k, 0)] for k in range(1, reach + 1)])
        extended = np.concatenate([before, points, after])
        out[run] = np.stack([np.convolve(extended[:, c], weights / weights.sum(), mode="valid") for c in range(2)], axis=1)
    return out


def shake(way: np.ndarray, knots: np.ndarray, period: float) -> np.ndarray:
    """The way plus its knots, eased from one to the next."""
    out = way.copy()
    for i in range(len(way)):
        k = int(i / period)
        t = i / period - k
        out[i] += knots[k] + (knots[k + 1] - knots[k]) * (3 * t**2 - 2 * t**3)
    return out


def line_coverage(a: np.ndarray, b: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Coverage 0..255 by one capsule between nodes x, y, radius, density."""
    plane = np.zeros(shape)
    for y in range(shape[0]):
        for x in range(shape[1]):
            along, off = b[:2] - a[:2], np.array([x, y]) - a[:2]
            t = float(np.clip(off @ along / (along @ along), 0, 1))
            radius, density = a[2:] + t * (b[2:] - a[2:])
            distance = float(np.hypot(*(off - t * along)))
            plane[y, x] = 255 * density * np.clip(radius + 0.5 - distance, 0, min(1, 2 * radius))
    return plane


def runs_through(points: np.ndarray, shape: tuple[int, int], cell: float) -> np.ndarray:
    """Cells that a line's samples, column by column, span from lowest to highest."""
    cells = np.zeros(shape, dtype=bool)
    for column in range(shape[1]):
        inside = points[(points[:, 0] >= column * cell) & (points[:, 0] < (column + 1) * cell), 1]
        if inside.size:
            cells[max(int(inside.min() / cell), 0) : max(int(inside.max() / cell) + 1, 0), column] = True
    return cells
