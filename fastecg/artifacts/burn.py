"""A hole burnt into the paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, value
from fastecg.artifacts.blot import around, coverage, laid_over, passed
from fastecg.artifacts.rip import cut

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_SCORCH = (0.62, 0.42, 0.22)
_CHAR = np.array((26.0, 21.0, 18.0))


@dataclass(frozen=True)
class Burn(Artifact):
    """A hole with a charred rim and a brown scorch round it; with no hole, a scorch alone. Hole and char hide the print."""

    at_x: float = value(0.5, -0.1, 1.1, "its middle, as a share of the page's width")
    at_y: float = value(0.5, -0.1, 1.1, "its middle, as a share of the page's height")
    hole_mm: float = value(3.5, 0.0, 60.0, "radius of the hole")
    char_mm: float = value(1.0, 0.0, 6.0, "width of the char")
    scorch_mm: float = value(5.0, 0.5, 40.0, "how far the paper is brown")
    strength: float = value(0.8, 0.0, 1.5, "how brown")
    seed: int = value(0, 0, 2**31 - 1, "of the outline")

    def stain(self, sheet: Sheet) -> Sheet:
        """Scorch, char, and take the hole out."""
        from fastecg.kernels.stain import absorb_plane

        width, height = sheet.page.size_mm
        x, y = self.at_x * width, self.at_y * height
        place = around(sheet, x, y, 1.5 * self.hole_mm + self.char_mm + 3.0 * self.scorch_mm + 1.0)
        if place is None:
            return sheet
        right, down = place.offsets(x, y)
        size = self.hole_mm + self.char_mm
        rough = 0.35 * size * place.clouds(self.seed, 1.6 * size + 2.0, 2) + 0.18 * place.clouds(self.seed + 4, 1.1, 3)
        outside = np.hypot(right, down) + rough - self.hole_mm
        brown = np.exp(-np.maximum(outside - self.char_mm, 0.0) / (0.6 * self.scorch_mm)) * (0.85 + 0.3 * place.clouds(self.seed + 8, 3.0, 3))
        pixels = sheet.pixels.copy()
        window = pixels[place.window]
        dense = np.clip(0.75 * self.strength * brown - 0.01, 0.0, 1.0)
        absorb_plane(window, np.rint(255.0 * dense).astype(np.uint8), passed(_SCORCH, 2.2))
        char = np.clip((self.char_mm * (1.0 + 0.5 * place.clouds(self.seed + 9, 1.5, 2)) - outside) / 0.5, 0.0, 1.0)
        laid_over(window, char, _CHAR)
        sheet = replace(sheet, pixels=pixels).under(place.window, np.rint(255.0 * char).astype(np.uint8))
        return cut(sheet, place, np.where(self.hole_mm > 0.0, -outside, -1.0)) if coverage(-outside * sheet.scale).any() else sheet
