"""Obviously right, slow twins of the decoder's kernels."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import BSpline


def distance(p: np.ndarray, points: np.ndarray) -> tuple[int, float, float]:
    """Return the nearest segment of a polyline, where on it, and the distance."""
    best = (-1, 0.0, np.inf)
    for k in range(len(points) - 1):
        a, b = points[k], points[k + 1]
        if not np.isfinite([a, b]).all():
            continue
        t = float(np.clip((p - a) @ (b - a) / max((b - a) @ (b - a), 1e-300), 0, 1))
        away = float(np.hypot(*(p - a - t * (b - a))))
        if away < best[2]:
            best = (k, t, away)
    return best


def coverage(points: np.ndarray, shape: tuple[int, int], radius: float | np.ndarray, blur: float, taps: int) -> np.ndarray:
    """Ink (height, width) of a soft stroke: the mean over points in every pixel of a smooth step of the distance.

    There is one radius, or one for each point of the polyline, between which it changes linearly.
    """

    def step(u: np.ndarray) -> np.ndarray:
        """Integral, from -1 to u, of a triangle of area 1 over -1 to 1."""
        u = np.clip(u, -1, 1)
        return np.where(u < 0, (1 + u) ** 2 / 2, 1 - (1 - u) ** 2 / 2)

    known = np.isfinite(points).all(axis=1)
    starts, ends = (points[k:][: len(points) - 1][known[1:] & known[:-1]] for k in (0, 1))
    at_starts, at_ends = (np.broadcast_to(radius, len(points))[k:][: len(points) - 1][known[1:] & known[:-1]] for k in (0, 1))
    out = np.zeros(shape)
    offsets = (np.arange(taps) + 0.5) / taps - 0.5
    for y in range(shape[0]):
        x = np.arange(shape[1])[:, None, None]
        pixels = np.stack(np.broadcast_arrays(x + offsets, y + offsets[:, None]), axis=-1).reshape(shape[1], -1, 1, 2)
        along = np.clip(((pixels - starts) * (ends - starts)).sum(-1) / np.maximum(((ends - starts) ** 2).sum(-1), 1e-12), 0, 1)
        every = np.linalg.norm(pixels - starts - along[..., None] * (ends - starts), axis=-1)
        nearest = every.argmin(axis=-1)[..., None]
        away, where = (np.take_along_axis(values, nearest, -1)[..., 0] for values in (every, along))
        radius = at_starts[nearest[..., 0]] * (1 - where) + at_ends[nearest[..., 0]] * where
        out[y] = np.mean(step((radius - away) / blur) - step((-radius - away) / blur), axis=1)
    return out


def demodulate(plane: np.ndarray, x: int, y: int, place: float, gradient: np.ndarray, sigma: float) -> tuple[float, float]:
    """Strength and error in turns of lines where ``place + gradient · (p - (x, y))`` is whole, over a window of 2.5 sigma."""
    radius = int(np.ceil(2.5 * sigma))
    rows, columns = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]]
    dx, dy = columns - x, rows - y
    window = np.exp(-0.5 * (dx**2 + dy**2) / sigma**2) * (np.abs(dx) <= radius) * (np.abs(dy) <= radius)
    z = np.sum(window * plane * np.exp(-2j * np.pi * (place + gradient[0] * dx + gradient[1] * dy)))
    return abs(z) / window.sum(), float(np.angle(z) / (2 * np.pi))


def spline_value(coefficients: np.ndarray, origin: tuple[float, float], step: float, point: np.ndarray) -> np.ndarray:
    """A uniform bicubic spline at a point, as the sum over all products of basis functions."""
    basis = BSpline.basis_element(np.arange(-3.0, 2.0), extrapolate=False)
    a, b = (point - origin) / step
    wx = np.nan_to_num([basis(a - j) for j in range(coefficients.shape[0])])
    wy = np.nan_to_num([basis(b - i) for i in range(coefficients.shape[1])])
    return np.einsum("j,i,jik->k", wx, wy, coefficients)
