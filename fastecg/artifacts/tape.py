"""A strip of clear tape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, value
from fastecg.artifacts.blot import laid_over, patch

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class Tape(Artifact):
    """Clear tape, yellow with age, with a toothed end, dirt along its sides and air below it. What is under it can be read."""

    at_x: float = value(0.5, -0.1, 1.1, "its middle, as a share of the page's width")
    at_y: float = value(0.5, -0.1, 1.1, "its middle, as a share of the page's height")
    angle_deg: float = value(0.0, -180.0, 180.0, "its direction, clockwise from the right")
    length_mm: float = value(60.0, 8.0, 250.0, "of the strip")
    width_mm: float = value(19.0, 6.0, 50.0, "of the strip")
    age: float = value(0.4, 0.0, 1.5, "how yellow it is")
    haze: float = value(0.10, 0.0, 0.5, "how matt it is: light that it adds")
    air: float = value(0.3, 0.0, 1.0, "how much of it has come loose")
    seed: int = value(0, 0, 2**31 - 1, "of air and dirt")

    def stain(self, sheet: Sheet) -> Sheet:
        """Tint, veil and edge the strip."""
        width, height = sheet.page.size_mm
        x, y, turn = self.at_x * width, self.at_y * height, np.radians(self.angle_deg)
        reach = 0.5 * np.abs([[np.cos(turn), np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ (self.length_mm + 2.0, self.width_mm)
        place = patch(sheet, (x - reach[0], y - reach[1]), (x + reach[0], y + reach[1]))
        if place is None:
            return sheet
        along, across = place.offsets(x, y, self.angle_deg)
        teeth = 0.9 * np.abs((across / 1.3) % 1.0 - 0.5)
        inside = np.minimum(self.length_mm / 2 + teeth - np.abs(along), self.width_mm / 2 - np.abs(across))
        share = np.clip(inside * np.float32(sheet.scale) + np.float32(0.5), 0.0, 1.0)
        pixels = sheet.pixels.copy()
        laid_over(pixels[place.window], share, self._look(sheet.pixels[place.window], place.clouds(self.seed, 7.0, 3), inside))
        return replace(sheet, pixels=pixels)

    def _look(self, below: np.ndarray, clouds: np.ndarray, inside_mm: np.ndarray) -> np.ndarray:
        """The print through the tape, (rows, columns, 3) float32."""
        tint = np.array((0.965, 0.90, 0.70), dtype=np.float32) ** np.float32(self.age)
        loose = np.clip(6.0 * (clouds - 1.1 + 1.3 * self.air), 0.0, 1.0) * self.air
        veil = (self.haze * (0.6 + 0.8 * loose)).astype(np.float32)[..., None]
        side = (0.10 * np.exp(-np.maximum(inside_mm, 0.0) / 0.25) - 0.05 * np.exp(-(((inside_mm - 0.7) / 0.3) ** 2))).astype(np.float32)[..., None]
        seen = below * tint * np.float32(0.975)
        return (seen + veil * (np.float32(248.0) * tint - seen)) * (1.0 - side)
