"""A corner torn off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import patch_between
from fastecg.artifacts._rip import STEP_MM, deviation_mm, fibre_width, ripped

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class MissingCorner(Artifact):
    """A corner of the page was torn off along a crooked line, with a band of white fibres. The table is seen where the corner was."""

    corner: str = param("bottom_right", help="which corner", choices=("top_left", "top_right", "bottom_right", "bottom_left"))
    width_mm: float = param(30.0, 2.0, 150.0, "distance from the corner to the tear along the page's upper or lower edge")
    height_mm: float = param(22.0, 2.0, 150.0, "distance from the corner to the tear along the page's left or right edge")
    fibre_mm: float = param(1.0, 0.0, 5.0, "width of the band of fibres where it is wide")
    stray: float = param(1.0, 0.0, 4.0, "factor on the tear's deviation from a straight line; 0: straight, 1: up to about 4 mm")
    seed: int = param(0, 0, 2**31 - 1, "decides the course of the tear")

    def stain(self, sheet: Sheet) -> Sheet:
        """Tear the corner off."""
        width, height = sheet.page.size_mm
        a, b = min(self.width_mm, width), min(self.height_mm, height)
        at_x, inward_x = (0.0, 1.0) if self.corner.endswith("left") else (width, -1.0)
        at_y, inward_y = (0.0, 1.0) if self.corner.startswith("top") else (height, -1.0)
        reach = 6.0 * self.stray + self.fibre_mm + 1.0
        far = at_x + inward_x * (a + reach), at_y + inward_y * (b + reach)
        patch = patch_between(sheet, (min(at_x, far[0]), min(at_y, far[1])), (max(at_x, far[0]), max(at_y, far[1])))
        if patch is None:
            return sheet
        length = np.hypot(a, b)
        # Coefficients (of x, of y, constant) of the distance along the tear, and of that from the tear, positive on the paper that is left;
        # see `ripped`. From the corner, the tear is `a` mm away on the upper or lower edge, and `b` mm on the left or right edge.
        along = np.array([inward_x * a, -inward_y * b, -inward_x * a * at_x + inward_y * b * at_y]) / length
        across = np.array([inward_x * b, inward_y * a, -inward_x * b * at_x - inward_y * a * at_y - a * b]) / length
        t = np.arange(-length - 2 * reach, length + 2 * reach, STEP_MM)
        course = np.stack([self.stray * deviation_mm(self.seed, t), 0 * t, self.fibre_mm * fibre_width(self.seed, t)], axis=1)
        return ripped(sheet, patch, np.concatenate([along, across]), t, course, both=False, shade=0.12)
