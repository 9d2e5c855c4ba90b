"""Obviously right, slow twins of the raster kernels."""

from __future__ import annotations

import math

import numpy as np


def capsule_union(points: np.ndarray, radii: np.ndarray, shape: tuple[int, int], samples: int = 16) -> np.ndarray:
    """Return the share, 0 to 1, of every pixel that lies in the union of capsules round neighbouring points.

    Supersampled `samples` x `samples`. NaN points are gaps; a point alone is a disc. The radius runs linearly along a segment.
    """
    height, width = shape
    inside = np.zeros((height * samples, width * samples), bool)
    finite = np.isfinite(points).all(axis=1)
    for i in range(len(points)):
        if not finite[i]:
            continue
        j = i + 1 if i + 1 < len(points) and finite[i + 1] else i
        _mark_capsule(inside, points[i], points[j], radii[i], radii[j], samples)
    return inside.reshape(height, samples, width, samples).mean(axis=(1, 3))


def _mark_capsule(inside: np.ndarray, a: np.ndarray, b: np.ndarray, ra: float, rb: float, samples: int) -> None:
    """Mark the fine samples within the radius of segment ab."""
    r = max(ra, rb)
    rows, columns = inside.shape
    x0, x1 = (math.floor((min(a[0], b[0]) - r + 0.5) * samples) - 1, math.ceil((max(a[0], b[0]) + r + 0.5) * samples) + 1)
    y0, y1 = (math.floor((min(a[1], b[1]) - r + 0.5) * samples) - 1, math.ceil((max(a[1], b[1]) + r + 0.5) * samples) + 1)
    x0, x1, y0, y1 = max(x0, 0), min(x1, columns), max(y0, 0), min(y1, rows)
    if x0 >= x1 or y0 >= y1:
        return
    x = (np.arange(x0, x1) + 0.5) / samples - 0.5
    y = ((np.arange(y0, y1) + 0.5) / samples - 0.5)[:, None]
    d = b - a
    length2 = float(d @ d)
    t = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1]) / length2, 0, 1) if length2 else np.zeros((len(y), len(x)))
    distance2 = (x - a[0] - t * d[0]) ** 2 + (y - a[1] - t * d[1]) ** 2
    inside[y0:y1, x0:x1] |= distance2 <= (ra + t * (rb - ra)) ** 2


def written(points: np.ndarray, scale: float, habits: tuple[float, ...], out: np.ndarray) -> np.ndarray:
    """Factors (2, width) of a pen's width and strength in every column, as `fastecg.kernels.pen` has them: from formulas, slowly."""
    thin, pale, wander, mottle, length = habits
    edges = np.arange(out.shape[1] + 1) / scale
    x, y = points.T
    first, stop = (int(np.clip(at * scale + rest, 0, out.shape[1])) for at, rest in ((x[0], 0), (x[-1], 1)))
    slopes = np.zeros(out.shape[1])
    number = 0
    for i in range(1, len(x)):
        shared = np.clip(np.minimum(x[i], edges[1:]) - np.maximum(x[i - 1], edges[:-1]), 0, None)
        if shared.any() and np.isfinite(y[i] + y[i - 1]):
            slopes += np.abs(y[i] - y[i - 1]) / (x[i] - x[i - 1]) * shared * scale
            if i % 16 == 0:
                number = (31 * number + int(y[i] * 4 + 0.37)) % 2**32
    follow = 1 - np.exp(-1 / (0.12 * scale))
    smooth = slopes[first:stop]
    for way in (slice(None), slice(None, None, -1)):
        held = smooth[way][0]
        followed = []
        for slope in smooth[way]:
            held = held + follow * (slope - held)
            followed.append(held)
        smooth = np.array(followed)[way]
    at = np.arange(first, stop) / (length * scale)
    wave = 2 / 3 * line_noise(number, at) + 1 / 3 * line_noise(number + 1, 5 * at)
    fast = smooth**2 / (smooth**2 + 16) * (1 + 0.5 * wave)
    out[0, first:stop] = (1 - thin * fast) * (1 + wander * wave)
    out[1, first:stop] = (1 - pale * fast) * (1 - mottle * (0.5 - 0.5 * wave))
    return out


def line_noise(seed: int, x: np.ndarray) -> np.ndarray:
    """Smooth noise along a line: a hashed value at every whole x, cubic between."""
    whole = np.floor(x).astype(int)
    left, right = (np.array([mixed(seed, int(i), 0) for i in whole + k]) for k in (0, 1))
    s = x - whole
    return left + (right - left) * s * s * (3 - 2 * s)


def mixed(seed: int, i: int, j: int) -> float:
    """A number from -1 to 1 that depends on whole numbers alone: the finaliser of MurmurHash3."""
    h = (seed ^ i * 0x85EBCA6B ^ j * 0xC2B2AE35) % 2**32
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    return (h ^ h >> 16) * 2 / 2**32 - 1


def blend(pixels: np.ndarray, plane: np.ndarray, ink: tuple[int, int, int]) -> np.ndarray:
    """Cover every pixel in floating point and round."""
    share = plane[..., None] / 255
    return np.floor(pixels + (np.array(ink) - pixels) * share + 0.5).astype(np.uint8)


def multiply(pixels: np.ndarray, plane: np.ndarray, ink: tuple[int, int, int]) -> np.ndarray:
    """Filter every pixel in floating point and round."""
    share = plane[..., None] / 255
    return np.floor(pixels * (1 - share * (1 - np.array(ink) / 255)) + 0.5).astype(np.uint8)


def ruled_share(shape: tuple[int, int], x_lines: list[float], y_lines: list[float], width: float, box: tuple[float, ...]) -> np.ndarray:
    """Return the share of every pixel covered by lines at the given px, of a width, clipped to a box (x0, y0, x1, y1) in px.

    Pixel by pixel: the larger of what the vertical and what the horizontal lines cover.
    """
    x0, y0, x1, y1 = box
    share = np.zeros(shape)
    for j in range(shape[0]):
        for i in range(shape[1]):
            tall, wide = common(j - 0.5, j + 0.5, y0, y1), common(i - 0.5, i + 0.5, x0, x1)
            vertical = tall * sum(common(i - 0.5, i + 0.5, x - width / 2, x + width / 2) for x in x_lines)
            horizontal = wide * sum(common(j - 0.5, j + 0.5, y - width / 2, y + width / 2) for y in y_lines)
            share[j, i] = max(vertical, horizontal)
    return share


def common(a0: float, a1: float, b0: float, b1: float) -> float:
    """Return the length two intervals share."""
    return max(0.0, min(a1, b1) - max(a0, b0))


def scattered_dots(
    shape: tuple[int, int], columns: np.ndarray, rows: np.ndarray, radius: float, uneven: float, seed: int, samples: int = 24
) -> np.ndarray:
    """Coverage by dots that differ in size, place and ink: the share of every pixel's sub-samples that lie within, times the ink."""
    plane, mask = np.zeros(shape), 2**64 - 1
    for j, y in enumerate(rows):
        for i, x in enumerate(columns):
            bits = (i * 0x9E3779B97F4A7C15 + j * 0xD1B54A32D192ED03 + seed) & mask
            bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & mask
            bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & mask
            bits ^= bits >> 31
            own, wide, aside, below = ((bits >> shift & 255) / 127.5 - 1 for shift in (0, 16, 24, 32))
            ink = 1 - 0.5 * uneven * (1 + 0.5 * (own + _plane_noise(seed, i / 9, j / 9)))
            ink *= 0.35 if bits >> 48 < 655 else 1
            sub = (np.arange(samples) + 0.5) / samples
            for py in range(max(int(y - 2 * radius) - 1, 0), min(int(y + 2 * radius) + 2, shape[0])):
                for px in range(max(int(x - 2 * radius) - 1, 0), min(int(x + 2 * radius) + 2, shape[1])):
                    away = (px + sub - x - aside * uneven * radius) ** 2 + (py + sub[:, None] - y - below * uneven * radius) ** 2
                    plane[py, px] += ink * (away < (radius * (1 + 0.5 * uneven * wide)) ** 2).mean()
    return plane


def _plane_noise(seed: int, x: float, y: float) -> float:
    """Numbers at whole places, smoothly between them."""
    i, j = int(np.floor(x)), int(np.floor(y))
    s, t = ((u - np.floor(u)) ** 2 * (3 - 2 * (u - np.floor(u))) for u in (x, y))
    rows = [(1 - s) * mixed(seed, i, k) + s * mixed(seed, i + 1, k) for k in (j, j + 1)]
    return float((1 - t) * rows[0] + t * rows[1])
