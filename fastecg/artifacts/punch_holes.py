"""Holes for a ring binder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, value
from fastecg.artifacts.blot import patch
from fastecg.artifacts.rip import cut

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
                slit = 0.25 * self.diameter_mm + 0.3 * np.sin(1.7 * from_edge) - np.abs(aside + 0.15 * (from_edge - self.inset_mm))
                hole = np.maximum(hole, np.where(from_edge < self.inset_mm, slit, -9.0))
            inside = np.maximum(inside, hole)
        return cut(sheet, place, inside)
