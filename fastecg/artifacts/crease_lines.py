"""Bright lines right across the page, as ECG-Image-Kit draws creases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_BANDS = ((1.05, 1.3), (1.15, 0.8), (1.25, 0.4))  # Brightness and width in mm of the bands of a crease, from its rims to its middle.


@dataclass(frozen=True)
class CreaseLines(Artifact):
    """Straight lines at even distances in one direction and across it. Nothing bends: `Folds` and `Crease` are for paper that does."""

    angle_deg: float = param(0.0, -90, 90, "of the first set of lines against the page's long side, clockwise")
    along: int = param(5, 0, 30, "lines of the first set")
    across: int = param(5, 0, 30, "lines of the second set")
    strength: float = param(1.0, 0, 3, "how much of their brightness there is")

    def stain(self, sheet: Sheet) -> Sheet:
        """Brighten the print along every line."""
        from fastecg.kernels.blend import brighten
        from fastecg.kernels.capsule import stroke_polyline

        size_mm = sheet.page.size_mm
        lines = self._set(size_mm, self.along, self.angle_deg) + self._set(size_mm, self.across, self.angle_deg + 90)
        covers = np.zeros((len(_BANDS), *sheet.pixels.shape[:2]), dtype=np.uint8)
        for cover, (_, width_mm) in zip(covers, _BANDS, strict=True):
            for ends in lines:
                stroke_polyline(ends * sheet.scale - 0.5, width_mm * sheet.scale, cover)
        pixels, factors = sheet.canvas(), np.array([1.0 + self.strength * (factor - 1.0) for factor, _ in _BANDS])
        brighten(pixels.reshape(-1, 3), covers.reshape(len(covers), -1), factors)
        return replace(sheet, pixels=pixels)

    def _set(self, size_mm: tuple[float, float], count: int, angle_deg: float) -> list[np.ndarray]:
        """The ends (2, 2) mm of parallel lines, beyond the page."""
        middle, half = 0.5 * np.array(size_mm), 0.5 * float(np.hypot(*size_mm))
        turn = np.deg2rad(angle_deg)
        way, aside = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        offsets = (np.arange(count) + 0.5) / max(count, 1) * 2 - 1
        return [np.stack([middle + half * (offset * aside - way), middle + half * (offset * aside + way)]) for offset in offsets]
