"""Perforated paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, value
from fastecg.artifacts.blot import patch
from fastecg.artifacts.relief import noise_along
from fastecg.artifacts.rip import ripped

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class Perforation(Artifact):
    """A line of slits along which paper is torn off: at the page's edge little teeth of fibres, further in the slits themselves."""

    edge: str = value("left", help="along which edge", choices=("left", "right", "top", "bottom"))
    inset_mm: float = value(0.0, 0.0, 140.0, "from the edge to the line; 0: torn off there")
    pitch_mm: float = value(1.9, 0.5, 8.0, "from slit to slit")
    slit: float = value(0.6, 0.2, 0.9, "share of the pitch that is cut")
    tooth_mm: float = value(0.6, 0.1, 2.0, "how far the teeth stand out; as wide as a slit gapes, three times over")
    seed: int = value(0, 0, 2**31 - 1, "of the teeth")

    def stain(self, sheet: Sheet) -> Sheet:
        """Take out what is between the teeth, or the slits."""
        width, height = sheet.page.size_mm
        level = self.edge in ("top", "bottom")
        near, far = max(self.inset_mm - 1.0, 0.0), self.inset_mm + 3.0 * self.tooth_mm + 1.0
        low = {"left": (near, 0.0), "top": (0.0, near), "right": (width - far, 0.0), "bottom": (0.0, height - far)}[self.edge]
        high = {"left": (far, height), "top": (width, far), "right": (width - near, height), "bottom": (width, height - near)}[self.edge]
        place = patch(sheet, low, high)
        if place is None:
            return sheet
        along, from_edge = (place.x, place.y[:, None]) if level else (place.y[:, None], place.x)
        if self.edge in ("right", "bottom"):
            from_edge = (height if level else width) - from_edge
        share = np.abs((along / self.pitch_mm) % 1.0 - 0.5)  # 0 in the middle of a slit, 0.5 between two
        within = (0.5 * self.slit - share) * self.pitch_mm
        if self.inset_mm > 0.0:
            inside = np.minimum(within, self.tooth_mm / 6 - np.abs(from_edge - self.inset_mm))
            return ripped(sheet, place, inside.astype(np.float32), np.full(inside.shape, -1.0, np.float32), shade=0.15)
        uneven = 1.0 + 0.4 * noise_along(self.seed, along / 3.0) + 0.3 * noise_along(self.seed + 1, along / 0.5)
        cut_mm = np.where(within > 0, 1.0, 0.15) * self.tooth_mm * uneven
        fibre = np.where(within > 0, -1.0, 0.5 * self.tooth_mm * uneven)
        inside, fibre = np.broadcast_arrays(cut_mm - from_edge, fibre + 0 * from_edge)
        return ripped(sheet, place, inside.astype(np.float32), fibre.astype(np.float32), shade=0.0)
