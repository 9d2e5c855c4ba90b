"""Dust and hairs on the glass of a scanner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class Dust(Artifact):
    """Specks and hairs over the picture, most of them dark, others bright."""

    specks: int = param(30, 0, 2000, "number of specks")
    hairs: int = param(1, 0, 50, "number of hairs")
    size_mm: float = param(0.25, 0.03, 2, "width of the largest specks")
    opacity: float = param(0.6, 0, 1, "opacity of the most opaque specks and hairs")
    bright: float = param(0.2, 0, 1, "share of specks and hairs that are bright")
    seed: int = param(0, 0, 2**31, "decides places, shapes and brightness")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Draw every speck and hair as a stroke of a round pen, in place."""
        rng = np.random.default_rng(self.seed)
        height, width = pixels.shape[:2]
        for k in range(self.specks + self.hairs):
            start = rng.uniform(0, 1, 2) * (width, height)
            points = start + (_speck(rng, self.size_mm) if k < self.specks else _hair(rng)) * px_per_mm
            wide_mm = self.size_mm * rng.uniform(0.15, 1.0) ** 2 if k < self.specks else rng.uniform(0.03, 0.07)
            colour = rng.uniform(225, 255, 3) if rng.random() < self.bright else rng.uniform(40, 120) + rng.uniform(-12, 12, 3)
            _blend_stroke(pixels, points, wide_mm * px_per_mm, self.opacity * rng.uniform(0.4, 1.0), colour)
        return pixels


def _speck(rng: np.random.Generator, size_mm: float) -> np.ndarray:
    """A short crooked line, three points (3, 2) in mm from the speck's place."""
    return np.cumsum(rng.normal(0, 0.25 * size_mm, (3, 2)), axis=0)


def _hair(rng: np.random.Generator) -> np.ndarray:
    """A curved line 2 to 12 mm long, 25 points (25, 2) in mm from its start."""
    direction = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.12, 24) + rng.normal(0, 0.08))
    steps = rng.uniform(2, 12) / 24 * np.stack([np.cos(direction), np.sin(direction)], axis=1)
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


def _blend_stroke(pixels: np.ndarray, points: np.ndarray, width: float, opacity: float, colour: np.ndarray) -> None:
    """Draw a polyline (n, 2) px of a `width` in px, an opacity from 0 to 1 and a colour (3,) from 0 to 255 over the picture, in place."""
    from fastecg.kernels.capsule import stroke_polyline

    upper_left = np.maximum(np.floor(points.min(axis=0) - width - 2).astype(int), 0)
    lower_right = np.minimum(np.ceil(points.max(axis=0) + width + 3).astype(int), pixels.shape[1::-1])
    if (lower_right <= upper_left).any():
        return
    cover = np.zeros((lower_right[1] - upper_left[1], lower_right[0] - upper_left[0]), dtype=np.uint8)
    stroke_polyline(points - upper_left, width, cover)
    window = pixels[upper_left[1] : lower_right[1], upper_left[0] : lower_right[0]]
    window[:] = np.rint(window + cover[..., None] * (opacity / 255.0) * (colour - window))
