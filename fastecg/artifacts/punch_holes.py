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
    """A row of round holes along an edge, some of which may be torn out to the edge."""

    edge: str = param("left", help="the edge along which the holes are", choices=("left", "right", "top", "bottom"))
    count: int = param(2, 1, 7, "number of holes")
    pitch_mm: float = param(80.0, 8.0, 120.0, "distance from the middle of one hole to that of the next")
    inset_mm: float = param(12.0, 3.0, 30.0, "distance of the holes' middles from the edge")
    diameter_mm: float = param(5.8, 1.0, 10.0, "diameter of each hole")
    offset_mm: float = param(0.0, -60.0, 60.0, "how far the row is shifted from the middle of the edge")
    torn: int = param(0, 0, 7, "number of holes, from the first on, that are torn out to the edge")

    def stain(self, sheet: Sheet) -> Sheet:
        """Cut the holes, one by one."""
        width, height = sheet.page.size_mm
        horizontal = self.edge in ("top", "bottom")
        for k in range(self.count):
            # The page coordinates of the hole's middle along the edge and across it, mm.
            middle = 0.5 * (width if horizontal else height) + self.offset_mm + self.pitch_mm * (k - 0.5 * (self.count - 1))
            inset = self.inset_mm if self.edge in ("left", "top") else (height if horizontal else width) - self.inset_mm
            patch = patch_around(sheet, *((middle, inset) if horizontal else (inset, middle)), self.inset_mm + self.diameter_mm)
            if patch is not None:
                # `across` increases to the right or downwards. `_hole` needs distances that increase away from the edge, so at the right
                # and the bottom the sign is changed.
                along, across = patch.offsets(middle, inset) if horizontal else patch.offsets(inset, middle)[::-1]
                sheet = cut(sheet, patch, self._hole(k, along, across if self.edge in ("left", "top") else -across))
        return sheet

    def _hole(self, index: int, along: np.ndarray, inward: np.ndarray) -> np.ndarray:
        """Depth in mm inside hole `index`, negative outside, at distances in mm from its middle along the edge, and away from the edge.

        A torn hole includes the gap that leads from it to the edge.
        """
        hole = 0.5 * self.diameter_mm - np.hypot(along, inward)
        if index >= self.torn:
            return hole
        # The gap is 0.24 diameters wide at the hole's middle and wider towards the edge, and both of its sides stray. It runs from
        # the middle to the edge only: elsewhere the depth is -9 mm, which is far outside.
        outward = np.arange(0.0, self.inset_mm + self.diameter_mm, STEP_MM)
        upper, lower = (np.interp(-inward, outward, 0.5 * deviation_mm(13 * index + k, outward)) for k in (1, 2))
        half = 0.12 * self.diameter_mm - 0.10 * inward
        return np.maximum(hole, np.where(inward < 0, np.minimum(half + upper - along, half + lower + along), -9.0))
