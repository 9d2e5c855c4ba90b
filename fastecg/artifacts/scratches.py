"""Scratches and pressure marks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import transmission

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_BURNT = (0.42, 0.38, 0.36)  # Share of red, green and blue that thermal paper reflects at density 1, where a nail rubbed it.


@dataclass(frozen=True)
class Scratches(Artifact):
    """Curved hairlines: dark where a fingernail scratched thermal paper, bright where print was scraped off."""

    count: int = param(6, 0, 80, "number of scratches")
    length_mm: float = param(30.0, 2.0, 150.0, "length of the longest scratches")
    width_mm: float = param(0.22, 0.04, 1.0, "width of the widest scratches, smears aside")
    strength: float = param(0.6, 0.0, 1.0, "density of the strongest scratches")
    bright: float = param(0.2, 0.0, 1.0, "share of scratches that are bright")
    smears: float = param(0.2, 0.0, 1.0, "share of scratches that are short and broad, as if rubbed")
    seed: int = param(0, 0, 2**31 - 1, "decides places and shapes")

    def stain(self, sheet: Sheet) -> Sheet:
        """Draw the scratches, one by one."""
        rng = np.random.default_rng(self.seed)
        pixels = sheet.canvas()
        for _ in range(self.count):
            smear = rng.random() < self.smears
            points = rng.random(2) * sheet.page.size_mm + _curve(rng, self.length_mm * rng.uniform(0.15, 1.0) * (0.25 if smear else 1.0))
            wide_mm = self.width_mm * rng.uniform(0.35, 1.0) * (rng.uniform(2.5, 5.0) if smear else 1.0)
            dense = self.strength * rng.uniform(0.4, 1.0) * (0.5 if smear else 1.0)
            _draw(sheet, pixels, points, wide_mm, dense, rng.random() < self.bright, rng)
        return replace(sheet, pixels=pixels)


def _curve(rng: np.random.Generator, length: float) -> np.ndarray:
    """A line of `length` mm, (40, 2) mm from its start, that bends more and more, or back again."""
    steps = 40
    bend, change = rng.normal(0, 0.9), rng.normal(0, 1.2)
    t = np.linspace(0, 1, steps)
    direction = rng.uniform(0, 2 * np.pi) + bend * t + change * t * t + 0.02 * np.cumsum(rng.normal(0, 1, steps))
    return np.cumsum(np.stack([np.cos(direction), np.sin(direction)], axis=1), axis=0) * length / steps


def _draw(
    sheet: Sheet, pixels: np.ndarray, points_mm: np.ndarray, wide_mm: float, dense: float, bright: bool, rng: np.random.Generator
) -> None:
    """Draw one scratch, thin and faint at its ends and uneven between them, into `pixels` in place.

    A bright one bares the paper's fibres, a dark one absorbs light as burnt thermal paper does.
    """
    from fastecg.artifacts._relief import bare_paper
    from fastecg.kernels.blend import blend
    from fastecg.kernels.capsule import stroke_polyline
    from fastecg.kernels.stain import absorb_plane

    points, wide = points_mm * sheet.scale - 0.5, wide_mm * sheet.scale
    upper_left = np.maximum(np.floor(points.min(axis=0) - wide - 2).astype(int), 0)
    lower_right = np.minimum(np.ceil(points.max(axis=0) + wide + 3).astype(int), pixels.shape[1::-1])
    if (lower_right <= upper_left).any():
        return
    t = np.linspace(0, 1, len(points))
    # Factors along the scratch: `pressure`, 0 at the ends and 1 between them, and `skips`, below 1 where the nail hardly touched.
    pressure = np.sin(np.pi * t ** rng.uniform(0.5, 1.6)) ** 0.5
    skips = np.clip(0.85 + 0.5 * np.interp(t, np.linspace(0, 1, 9), rng.normal(0, 1, 9)), 0.1, 1.0)
    plane = np.zeros((lower_right[1] - upper_left[1], lower_right[0] - upper_left[0]), dtype=np.uint8)
    stroke_polyline(points - upper_left, wide * (0.3 + 0.7 * pressure), plane, density=dense * pressure * skips)
    window = pixels[upper_left[1] : lower_right[1], upper_left[0] : lower_right[0]]
    if bright:
        piece = np.ascontiguousarray(window)
        blend(piece, plane, tuple(int(level) for level in bare_paper(sheet)))  # type: ignore[arg-type]
        window[:] = piece
    else:
        absorb_plane(window, plane, transmission(_BURNT, 1.0))
