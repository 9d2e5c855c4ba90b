"""Bright lines right across the page, as ECG-Image-Kit draws creases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_BANDS = ((1.05, 1.3), (1.15, 0.8), (1.25, 0.4))  # Factor on brightness at a `strength` of 1, and width in mm, of a line's nested bands.


@dataclass(frozen=True)
class CreaseLines(Artifact):
    """Two sets of straight, evenly spaced lines at right angles. Nothing bends; in `Folds` and `Crease`, the paper does."""

    angle_deg: float = param(0.0, -90, 90, "direction of the first set of lines, clockwise from the page's x axis")
    along: int = param(5, 0, 30, "number of lines in the first set")
    across: int = param(5, 0, 30, "number of lines in the second set")
    strength: float = param(1.0, 0, 3, "factor on the contrast by which the lines are brighter than the page")

    def stain(self, sheet: Sheet) -> Sheet:
        """Brighten the print along every line."""
        from fastecg.kernels.blend import brighten
        from fastecg.kernels.capsule import stroke_polyline

        size_mm = sheet.page.size_mm
        lines = self._parallels(size_mm, self.along, self.angle_deg) + self._parallels(size_mm, self.across, self.angle_deg + 90)
        covers = np.zeros((len(_BANDS), *sheet.pixels.shape[:2]), dtype=np.uint8)
        for cover, (_, width_mm) in zip(covers, _BANDS, strict=True):
            for ends in lines:
                stroke_polyline(ends * sheet.scale - 0.5, width_mm * sheet.scale, cover)
        pixels, factors = sheet.canvas(), np.array([1.0 + self.strength * (factor - 1.0) for factor, _ in _BANDS])
        brighten(pixels.reshape(-1, 3), covers.reshape(len(covers), -1), factors)
        return replace(sheet, pixels=pixels)

    def _parallels(self, size_mm: tuple[float, float], count: int, angle_deg: float) -> list[np.ndarray]:
        """The ends (2, 2) mm of each of `count` parallel lines at `angle_deg`, each as long as the page's diagonal.

        The lines are spread evenly over the page's extent across them, so all of them cross the page.
        """
        middle, half = 0.5 * np.array(size_mm), 0.5 * float(np.hypot(*size_mm))
        angle = np.deg2rad(angle_deg)
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        # Distances of the lines from the page's middle, mm.
        offsets = ((np.arange(count) + 0.5) / max(count, 1) * 2 - 1) * (np.abs(across) @ middle)
        return [np.stack([middle + offset * across - half * along, middle + offset * across + half * along]) for offset in offsets]
