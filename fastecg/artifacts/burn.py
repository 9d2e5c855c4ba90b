"""A hole burnt into the paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import Patch, Wash, mix_in, patch_around, stained, transmission
from fastecg.artifacts._rip import cut

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_SCORCH = (0.62, 0.42, 0.22)  # Share of red, green and blue that paper reflects beside the charred rim at a `strength` of 0.7.
_CHAR = np.array((26.0, 21.0, 18.0))  # sRGB colour of charred paper.


@dataclass(frozen=True)
class Burn(Artifact):
    """A hole with a charred rim and a brown scorch round it; there may be only a scorch. Hole and charred rim hide the print."""

    at_x: float = param(0.5, -0.1, 1.1, "middle of the hole, as a share of the page's width")
    at_y: float = param(0.5, -0.1, 1.1, "middle of the hole, as a share of the page's height")
    hole_mm: float = param(3.5, 0.0, 60.0, "radius of the hole")
    char_mm: float = param(1.0, 0.0, 6.0, "width of the charred rim")
    scorch_mm: float = param(5.0, 0.5, 40.0, "width of the scorch")
    strength: float = param(0.8, 0.0, 1.5, "how dark the scorch is")
    seed: int = param(0, 0, 2**31 - 1, "decides the outline")

    def stain(self, sheet: Sheet) -> Sheet:
        """Draw scorch and charred rim, and cut the hole."""
        width, height = sheet.page.size_mm
        x, y = self.at_x * width, self.at_y * height
        outer = self.hole_mm + self.char_mm
        sheet = self._scorched(sheet, x, y, outer)
        patch = patch_around(sheet, x, y, 1.6 * outer + self.char_mm + 1.0)
        if patch is None or outer == 0.0:
            return sheet
        # The edge of the burnt paper is ragged, by some 0.18 mm more than the scorch. Char fades over the 0.8 mm inside its outer edge.
        outside = self._outside(patch, x, y) + 0.18 * patch.clouds(self.seed + 4, 1.1, 3)
        pixels = sheet.canvas()
        char = np.clip((self.char_mm * (1.0 + 0.5 * patch.clouds(self.seed + 9, 1.5, 2)) - outside) / 0.8, 0.0, 1.0)
        mix_in(pixels[patch.window], char, _CHAR)
        sheet = replace(sheet, pixels=pixels).with_overlay(patch.window, np.rint(255.0 * char).astype(np.uint8))
        return cut(sheet, patch, -outside) if self.hole_mm else sheet

    def _outside(self, patch: Patch, x: float, y: float) -> np.ndarray:
        """Distance (rows, columns) in mm of a patch's nodes from the ragged edge of the hole round (x, y) mm; negative in the hole."""
        right, down = patch.offsets(x, y)
        outer = self.hole_mm + self.char_mm
        return np.hypot(right, down) + np.float32(0.35 * outer) * patch.clouds(self.seed, 1.6 * outer + 2.0, 2) - np.float32(self.hole_mm)

    def _scorched(self, sheet: Sheet, x: float, y: float, outer: float) -> Sheet:
        """The sheet with brown round the charred rim, paler with distance; `outer` is the rim's outer radius in mm."""
        reach = 2.6 * self.scorch_mm
        patch = patch_around(sheet, x, y, 1.5 * outer + reach, 0.6)
        if patch is None:
            return sheet
        # Brown falls exponentially from the charred rim on; `away` is the distance from the hole's edge. 0.014 is subtracted, so that
        # without a charred rim the brown ends smoothly at `reach`; with a wide rim and a narrow scorch, the brown ends with an edge.
        away = np.arange(-2.0 * outer - 1.0, reach, 0.1)
        brown = 0.75 * np.clip(np.exp(-np.maximum(away - self.char_mm, 0.0) / (0.6 * self.scorch_mm)) - 0.014, 0.0, 1.0)
        uneven = self.strength / 1.5 * (0.85 + 0.3 * patch.clouds(self.seed + 8, 3.0, 3))
        return stained(sheet, Wash(patch, self._outside(patch, x, y), uneven, float(away[0]), 0.1, brown, transmission(_SCORCH, 3.3)))
