"""A single fold that was flattened again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._relief import Line, fold_height, remaining_height, wear_lines

if TYPE_CHECKING:
    from fastecg.mesh import Mesh
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class Crease(Artifact):
    """A fold across the page. It stands up a little, one of its sides is dark and one bright, and it has lost ink or collected dirt."""

    geometric: ClassVar[bool] = True
    step_mm: ClassVar[float] = 1.0

    at_x: float = param(0.5, 0.0, 1.0, "a point of the fold, as a share of the page's width")
    at_y: float = param(0.5, 0.0, 1.0, "a point of the fold, as a share of the page's height")
    angle_deg: float = param(0.0, -180.0, 180.0, "direction across the fold; 0 makes an upright line, 90 a level one")
    fold_deg: float = param(
        10.0, -40.0, 40.0, "angle between the sides, 0 if flat; each side slopes by half of it; above 0 a ridge, below 0 a valley"
    )
    soft_mm: float = param(0.5, 0.1, 3.0, "radius of the fold's rounded edge")
    reach_mm: float = param(40.0, 2.0, 400.0, "distance from the fold at which its height has fallen to 37 %")
    edge: float = param(0.05, 0.0, 0.5, "contrast of the dark and the bright side")
    loss: float = param(0.4, 0.0, 1.0, "share of ink that broke off along the edge, which leaves a broken white line")
    dirt: float = param(0.0, 0.0, 1.0, "how much dirt is in the crack, which makes a broken dark line")
    width_mm: float = param(0.35, 0.05, 1.5, "half width of the crack")
    seed: int = param(0, 0, 2**31 - 1, "decides where the line is broken, and where it was pressed flat")

    def stain(self, sheet: Sheet) -> Sheet:
        """Wear the print along the fold."""
        fold = (self._line(sheet.page.size_mm), self.fold_deg)
        return wear_lines(sheet, [fold], loss=self.loss, dirt=self.dirt, edge=self.edge, width_mm=self.width_mm, seed=self.seed)

    def bend(self, mesh: Mesh) -> Mesh:
        """Raise the fold, or lower it if `fold_deg` is below 0."""
        line, (x, y) = self._line(mesh.size_mm), mesh.coordinates()
        height = fold_height(line.across(x, y), self.fold_deg, self.soft_mm, self.reach_mm)
        return mesh.lifted(height * remaining_height(line.along(x, y), float(np.abs(height).max()), self.seed))

    def _line(self, size_mm: tuple[float, float]) -> Line:
        """The line of the fold on a page of (width, height) `size_mm`."""
        return Line.at(size_mm, self.at_x, self.at_y, self.angle_deg)
