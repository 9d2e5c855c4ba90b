"""Paper that rises towards one edge or corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._relief import Line, limited_lift

if TYPE_CHECKING:
    from fastecg.mesh import Mesh


@dataclass(frozen=True)
class Curl(Artifact):
    """An edge or a corner that rises from the table. The paper bends about one axis only, as a part of a cylinder does."""

    geometric: ClassVar[bool] = True

    angle_deg: float = param(0.0, -180.0, 180.0, "which side rises: 0 right, 90 bottom, 180 left, -90 top, between them a corner")
    lift_mm: float = param(8.0, 0.0, 60.0, "height of the edge or corner")
    start: float = param(0.3, -0.9, 0.95, "where the rise begins: -1 the opposite edge, 0 the middle of the page, 1 the edge that rises")
    power: float = param(2.2, 1.5, 4.0, "exponent of the rise: with a larger one it is flatter at first and steeper at the end")

    def bend(self, mesh: Mesh) -> Mesh:
        """Raise the edge or corner."""
        line = Line.at(mesh.size_mm, 0.5, 0.5, self.angle_deg)
        # Distance in mm from the page's middle to the corner that rises, in the direction `angle_deg`.
        half = 0.5 * float(np.abs(line.normal) @ np.array(mesh.size_mm))
        length = half * (1.0 - self.start)
        share = np.maximum((line.across(*mesh.coordinates()) - half * self.start) / length, 0.0)
        lift = limited_lift(self.lift_mm, self.lift_mm * self.power / length)
        return mesh.lifted(lift * share**self.power)
