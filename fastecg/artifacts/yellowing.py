"""Paper that has yellowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import edge_noise, transmission, whole_sheet

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_OLD = np.array((0.95, 0.88, 0.69))  # Share of red, green and blue that very old paper reflects, relative to new paper.
_RUST = (0.80, 0.62, 0.42)  # Share of red, green and blue that the densest foxing reflects, relative to the paper round it.


@dataclass(frozen=True)
class Yellowing(Artifact):
    """Paper that is yellow-brown with age: more so along the edges and in faint blotches, and with foxing, small rusty spots."""

    age: float = param(0.4, 0.0, 1.5, "how old the paper looks: 0 is new, 1 very old")
    edge: float = param(0.3, 0.0, 1.5, "how much older the edges look, in units of `age`")
    edge_mm: float = param(12.0, 2.0, 80.0, "distance from the edges at which what `edge` adds has fallen to 37 %")
    blotches: float = param(0.15, 0.0, 1.0, "how much the age differs from place to place, as a share of `age`")
    foxing: int = param(0, 0, 200, "number of rusty spots")
    seed: int = param(0, 0, 2**31 - 1, "decides blotches and spots")

    def stain(self, sheet: Sheet) -> Sheet:
        """Yellow paper and print alike, and add the spots."""
        from fastecg.kernels.stain import tint

        patch = whole_sheet(sheet, 4.0)
        width, height = sheet.page.size_mm
        inward = np.minimum(np.minimum(patch.x, width - patch.x)[None, :], np.minimum(patch.y, height - patch.y)[:, None])
        reach_factor = 1.0 + 0.4 * patch.clouds(self.seed + 7, 30.0, 2)
        age = self.age * (1.0 + self.blotches * patch.clouds(self.seed, 45.0, 4))
        age += self.edge * np.exp(-np.maximum(inward, 0.0) / (self.edge_mm * np.maximum(reach_factor, 0.2)))
        pixels = np.empty_like(sheet.pixels)
        tint(sheet.pixels, (_OLD ** np.maximum(age, 0.0)[..., None]).astype(np.float32), patch.every, pixels)
        return replace(sheet, pixels=self._foxed(sheet, pixels))

    def _foxed(self, sheet: Sheet, pixels: np.ndarray) -> np.ndarray:
        """Add the rusty spots to `pixels`, in place, and return these."""
        from fastecg.kernels.stain import absorb_plane, add_spots

        rng = np.random.default_rng(self.seed)
        table = transmission(_RUST, 1.0)
        noise = edge_noise(self.seed, 0.35 * sheet.scale)
        for _ in range(self.foxing):
            x, y = rng.random(2) * sheet.ink.shape[::-1]
            radius = sheet.scale * rng.uniform(0.2, 1.1) ** 1.5
            reach = int(1.5 * radius) + 3
            left, top = max(int(x) - reach, 0), max(int(y) - reach, 0)
            window = pixels[top : int(y) + reach, left : int(x) + reach]
            plane = np.zeros(window.shape[:2], dtype=np.uint8)
            add_spots(plane, np.array([[x - left, y - top, radius, rng.uniform(0.2, 0.9)]]), 0.4, 0.8, noise)
            absorb_plane(window, plane, table)
        return pixels
