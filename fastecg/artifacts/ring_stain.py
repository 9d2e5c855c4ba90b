"""The ring that a cup left on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import Patch, Wash, edge_noise, patch_around, stained, transmission

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

# Shares of red, green and blue that a dried drink lets pass.
_DRINKS = {"coffee": (0.66, 0.47, 0.30), "tea": (0.80, 0.62, 0.40), "wine": (0.66, 0.36, 0.42), "cola": (0.72, 0.56, 0.42)}
_STEP = 0.05  # Distance in mm of the samples of a profile.


@dataclass(frozen=True)
class RingStain(Artifact):
    """What dried under the rim of a cup: two lines, of which the outer one is darker, with a gap where the rim was dry, and drops."""

    at_x: float = param(0.6, -0.2, 1.2, "its middle, as a share of the page's width")
    at_y: float = param(0.5, -0.2, 1.2, "its middle, as a share of the page's height")
    radius_mm: float = param(38.0, 8.0, 60.0, "radius of the cup's foot")
    width_mm: float = param(1.8, 0.4, 8.0, "width of the wet rim")
    strength: float = param(0.5, 0.0, 2.0, "how dark it is; 1 is strong coffee")
    drink: str = param("coffee", help="what was in the cup", choices=tuple(_DRINKS))
    gap: float = param(0.25, 0.0, 0.9, "share of the ring that is missing")
    drips: int = param(3, 0, 40, "number of drops beside it")
    seed: int = param(0, 0, 2**31 - 1, "decides everything that is uneven")

    def stain(self, sheet: Sheet) -> Sheet:
        """Darken the sheet below the ring and the drops."""
        width, height = sheet.page.size_mm
        x, y = self.at_x * width, self.at_y * height
        patch = patch_around(sheet, x, y, 1.06 * self.radius_mm + 2.0 * self.width_mm + 2.0, 0.8)
        # A density ends at 1. `_field` and `_drip` divide `strength` by 1.5, and the depth of 1.5 given here makes up for that, so that a
        # strength above 1 still darkens the stain.
        table = transmission(_DRINKS[self.drink], 1.5)
        washes = []
        if patch is not None:
            field, factor = self._field(patch, x, y)
            washes.append(Wash(patch, field, factor, *self._profile(), table))
        sheet = stained(sheet, *washes)
        self._drip(sheet, x, y, table)
        return sheet

    def _field(self, patch: Patch, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
        """Distance in mm of the patch's nodes from the ring's middle line (negative: inside it), and a factor on the density there."""
        right, down = patch.offsets(x, y)
        rng = np.random.default_rng(self.seed)
        angle = np.arctan2(down, right)
        # A cup's foot is never quite round: the radius differs by up to 1.2 % either way, and by noise.
        squash = np.float32(0.012) * np.cos(2.0 * (angle - np.float32(rng.uniform(0, np.pi))))
        field = np.hypot(right, down) - self.radius_mm * (1.0 + squash) + 0.35 * patch.clouds(self.seed, 6.0, 3) * min(self.width_mm, 2.0)
        # The angle is now that from the middle of the gap, -π to π. `dry` is 1 in the gap and 0 elsewhere, with soft ends.
        angle = (angle + np.float32(rng.uniform(0, 2.0 * np.pi))) % np.float32(2.0 * np.pi) - np.float32(np.pi)
        dry = 1.0 / (1.0 + np.exp(np.clip((np.abs(angle) - np.pi * self.gap) / 0.12, -30, 30))) if self.gap else 0.0
        factor = (0.6 + 0.55 * patch.clouds(self.seed + 3, 14.0, 3)) * (1.0 - 0.93 * dry) * self.strength / 1.5
        return field, np.maximum(factor, 0.0)

    def _profile(self) -> tuple[float, float, np.ndarray]:
        """`low`, `step` and `profile` of a `Wash`: density by the distance from the ring's middle line, negative inside the ring."""
        # Two lines, the outer one sharp on its outside and faded inwards, and a faint filling between them; `d` is that distance in mm.
        reach, half = self.width_mm / 2 + 1.5, self.width_mm / 2
        d = np.arange(-reach, reach, _STEP)
        outer = np.exp(-np.maximum(half - d, 0.0) / 0.35) * (d < half + 0.1) + np.exp(-(((d - half) / 0.18) ** 2)) * (d >= half + 0.1)
        inner = 0.55 * np.exp(-(((d + half) / 0.3) ** 2))
        fill = 0.28 / (1.0 + np.exp((np.abs(d) - half) / 0.15))
        return -reach, _STEP, np.minimum(outer + inner + fill, 1.0)

    def _drip(self, sheet: Sheet, x: float, y: float, table: np.ndarray) -> None:
        """Add drops near the ring round (x, y) mm, in place: the sheet comes from `stained`, so its pixels may be changed."""
        from fastecg.kernels.stain import absorb_plane, add_spots

        rng = np.random.default_rng([self.seed, 1])
        noise = edge_noise(self.seed, sheet.scale)
        for _ in range(self.drips):
            angle, away = rng.uniform(0, 2 * np.pi), self.radius_mm * rng.normal(1.05, 0.22)
            radius = rng.uniform(0.2, 1.0) ** 2 * 2.0
            patch = patch_around(sheet, x + away * np.cos(angle), y + away * np.sin(angle), 1.5 * radius + 1.0)
            if patch is None:
                continue
            plane = np.zeros(patch.shape, dtype=np.uint8)
            middle = (np.array([x + away * np.cos(angle), y + away * np.sin(angle)]) - (patch.x[0], patch.y[0])) * sheet.scale
            dense = min(self.strength * rng.uniform(0.25, 0.7) / 1.5, 1.0)
            add_spots(plane, np.array([[*middle, radius * sheet.scale, dense]]), 0.12, 0.15, noise)
            absorb_plane(sheet.pixels[patch.window], plane, table)
