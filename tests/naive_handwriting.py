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


def press(way: np.ndarray, grip: np.ndarray, unrest: np.ndarray, runs_chance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Width and density along the way, run by run. `grip`: density's press, width's give, taper, point, share of blobs."""
    width, density = np.full(len(way), np.nan), np.full(len(way), np.nan)
    restless = np.interp(np.arange(len(way)) / 25.0, np.arange(len(unrest)), unrest)
    for run, chance in zip(runs(way), runs_chance, strict=True):
        points = way[run]
        count = len(points)
        at = np.arange(count)
        before, after = points[np.maximum(at - 2, 0)], points[np.minimum(at + 2, count - 1)]
        speeds = [_speed(before[i], points[i], after[i], min(i, count - 1 - i)) for i in range(count)]
        speed = 0.6
        for i in range(count):
            speed = 0.7 * speed + 0.3 * speeds[i]
            fall = (before[i] - after[i])[1] / (np.linalg.norm(before[i] - after[i]) + 1e-9)
            middle = i / max(count - 1, 1) * (1 - i / max(count - 1, 1))
            pressure = 0.94 - 0.5 * speed + 0.17 * fall + 0.8 * middle + 0.15 * restless[run.start + i]
            width[run.start + i] = np.clip(1 + 0.8 * grip[1] * (pressure - 0.55), 0.4, 1.6)
            density[run.start + i] = np.clip(1 + 0.62 * grip[0] * (pressure - 0.58), 0.25, 1.12)
        for line, loss in ((width, 0.88), (density, 0.55)):
            line[run] *= 1 - loss * grip[3] * _off_paper(count, grip, chance)
        if chance[0] < grip[4]:
            blob = np.arange(min(4, count))
            width[run.start + blob] = np.maximum(width[run.start + blob], 1 + 0.4 * chance[1] * (1 - blob / 4))
            density[run.start + blob] = 1.15
    return width, density


def _speed(before: np.ndarray, here: np.ndarray, after: np.ndarray, from_end: int) -> float:
    """The two-thirds power law on the angle of two chords."""
    a, b = here - before, after - here
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if min(lengths) == 0.0:
        return 0.5
    angle = abs(np.angle(complex(*b) / complex(*a)))
    return float((2 * angle / sum(lengths) + 0.25) ** (-1 / 3) * (0.6 + 0.4 * min(1.0, from_end / 5)))


def _off_paper(count: int, grip: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """How far the pen is off the paper at each point of a run, 1 where it moves through an end; ends are a third of a run at most."""
    taper = grip[2]
    longest = min(0.33 * count, 26, 6 + 0.04 * count)
    landing = 0.0 if chance[0] < grip[4] else 0.7 * longest * taper * chance[2]
    leaving = 0.0 if chance[3] < 0.1 + 0.4 * (1 - taper) else longest * (0.35 + 0.65 * taper * chance[3])
    off = np.zeros(count)
    for i in range(count):
        if i < landing:
            off[i] = (1 - i / landing) ** 1.5
        if count - 1 - i < leaving:
            off[i] = (1 - (count - 1 - i) / leaving) ** 1.5
    return off


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
