"""A corner torn off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, value
from fastecg.artifacts.blot import patch
from fastecg.artifacts.rip import Rip, ripped

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class MissingCorner(Artifact):
    """A corner of the page is gone, torn along a crooked line with a lip of white fibres. The table is seen where it was."""

    corner: str = value("bottom_right", help="which corner", choices=("top_left", "top_right", "bottom_right", "bottom_left"))
    width_mm: float = value(30.0, 2.0, 150.0, "from the corner to the rip along the page's upper or lower edge")
    height_mm: float = value(22.0, 2.0, 150.0, "from the corner to the rip along the page's side")
    fibre_mm: float = value(1.0, 0.0, 5.0, "width of the fibres")
    stray: float = value(1.0, 0.0, 4.0, "how crooked the rip is")
    seed: int = value(0, 0, 2**31 - 1, "of its course")

    def stain(self, sheet: Sheet) -> Sheet:
        """Take the corner away."""
        width, height = sheet.page.size_mm
        a, b = min(self.width_mm, width), min(self.height_mm, height)
        at_x, inward_x = (0.0, 1.0) if self.corner.endswith("left") else (width, -1.0)
        at_y, inward_y = (0.0, 1.0) if self.corner.startswith("top") else (height, -1.0)
        reach = 6.0 * self.stray + self.fibre_mm + 1.0
        far = at_x + inward_x * (a + reach), at_y + inward_y * (b + reach)
        place = patch(sheet, (min(at_x, far[0]), min(at_y, far[1])), (max(at_x, far[0]), max(at_y, far[1])))
        if place is None:
            return sheet
        right, down = place.offsets(at_x, at_y)
        u, v = inward_x * right, inward_y * down  # from the corner into the page
        length = np.hypot(a, b)
        across = (u * b + v * a - a * b) / length  # above 0 on the page's side of the line
        along = (u * a - v * b) / length
        rip = Rip(self.seed, -length - 2 * reach, length + 2 * reach, self.stray, self.fibre_mm)
        inside = rip.aside(along) - across
        return ripped(sheet, place, inside.astype(np.float32), rip.fibre(along), shade=0.12)
