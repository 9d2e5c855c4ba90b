"""Holes for a ring binder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, value
from fastecg.artifacts.blot import patch
from fastecg.artifacts.rip import Rip, cut

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class PunchHoles(Artifact):
    """Two or four round holes 80 mm apart along an edge, one of them perhaps torn out to it."""

    edge: str = value("left", help="along which edge", choices=("left", "right", "top", "bottom"))
    count: int = value(2, 1, 7, "how many")
    pitch_mm: float = value(80.0, 8.0, 120.0, "from middle to middle")
    inset_mm: float = value(12.0, 3.0, 30.0, "from the edge to their middle")
    diameter_mm: float = value(5.8, 1.0, 10.0, "of each")
    offset_mm: float = value(0.0, -60.0, 60.0, "how far all are from the middle of the edge")
    torn: int = value(0, 0, 7, "how many, from the first, are torn out to the edge")

    def stain(self, sheet: Sheet) -> Sheet:
        """Take the holes out."""
        width, height = sheet.page.size_mm
        level = self.edge in ("top", "bottom")
        far = self.inset_mm + self.diameter_mm
        low = {"right": (width - far, 0.0), "bottom": (0.0, height - far)}.get(self.edge, (0.0, 0.0))
        high = {"left": (far, height), "top": (width, far)}.get(self.edge, (width, height))
        place = patch(sheet, low, high)
        if place is None:
            return sheet
        down, along = place.offsets(0.0, 0.0)[::-1] if level else place.offsets(0.0, 0.0)
        from_edge = down if self.edge in ("left", "top") else (height if level else width) - down
        middle = 0.5 * (width if level else height) + self.offset_mm
        inside = np.full(along.shape, -9.0, dtype=np.float32)
        for k in range(self.count):
            aside = along - np.float32(middle + self.pitch_mm * (k - 0.5 * (self.count - 1)))
            hole = 0.5 * self.diameter_mm - np.hypot(aside, from_edge - self.inset_mm)
            if k < self.torn:
                slit = self._slit(k, aside, from_edge)
                hole = np.maximum(hole, np.where(from_edge < self.inset_mm, slit, -9.0))
            inside = np.maximum(inside, hole)
        return cut(sheet, place, inside)

    def _slit(self, index: int, aside: np.ndarray, from_edge: np.ndarray) -> np.ndarray:
        """Depth inside the way that a ring took from a hole to the edge, mm: narrow at the hole's middle, its sides crooked."""
        upper, lower = (Rip(13 * index + k, -5.0, self.inset_mm + 9.0, 1.0, 0.0).aside(from_edge) for k in (1, 2))
        half = 0.12 * self.diameter_mm + 0.10 * (self.inset_mm - from_edge)
        return np.minimum(half + 0.5 * upper - aside, half + 0.5 * lower + aside)
