"""Holes for a ring binder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import patch_around
from fastecg.artifacts._rip import STEP_MM, cut, deviation_mm

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class PunchHoles(Artifact):
    """Two or four round holes 80 mm apart along an edge, one of them perhaps torn out to it."""

    edge: str = param("left", help="along which edge", choices=("left", "right", "top", "bottom"))
    count: int = param(2, 1, 7, "how many")
    pitch_mm: float = param(80.0, 8.0, 120.0, "from middle to middle")
    inset_mm: float = param(12.0, 3.0, 30.0, "from the edge to their middle")
    diameter_mm: float = param(5.8, 1.0, 10.0, "of each")
    offset_mm: float = param(0.0, -60.0, 60.0, "how far all are from the middle of the edge")
    torn: int = param(0, 0, 7, "how many, from the first, are torn out to the edge")

    def stain(self, sheet: Sheet) -> Sheet:
        """Take the holes out, one by one."""
        width, height = sheet.page.size_mm
        level = self.edge in ("top", "bottom")
        for k in range(self.count):
            middle = 0.5 * (width if level else height) + self.offset_mm + self.pitch_mm * (k - 0.5 * (self.count - 1))
            inset = self.inset_mm if self.edge in ("left", "top") else (height if level else width) - self.inset_mm
            patch = patch_around(sheet, *((middle, inset) if level else (inset, middle)), self.inset_mm + self.diameter_mm)
            if patch is not None:
                aside, off = patch.offsets(middle, inset) if level else patch.offsets(inset, middle)[::-1]
                sheet = cut(sheet, patch, self._hole(k, aside, off if self.edge in ("left", "top") else -off))
        return sheet

    def _hole(self, index: int, aside: np.ndarray, inward: np.ndarray) -> np.ndarray:
        """Depth inside a hole, mm, at distances from its middle along the edge and away from it."""
        hole = 0.5 * self.diameter_mm - np.hypot(aside, inward)
        if index >= self.torn:
            return hole
        out = np.arange(0.0, self.inset_mm + self.diameter_mm, STEP_MM)
        upper, lower = (np.interp(-inward, out, 0.5 * deviation_mm(13 * index + k, out)) for k in (1, 2))
        half = 0.12 * self.diameter_mm - 0.10 * inward
        return np.maximum(hole, np.where(inward < 0, np.minimum(half + upper - aside, half + lower + aside), -9.0))
