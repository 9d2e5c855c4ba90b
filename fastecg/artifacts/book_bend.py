"""Paper bound at one edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._relief import limited_lift

if TYPE_CHECKING:
    from fastecg.mesh import Mesh


@dataclass(frozen=True)
class BookBend(Artifact):
    """A page that is held up at one edge, by a binding, a clip or the spine of a file, and comes down from there to lie flat."""

    geometric: ClassVar[bool] = True

    edge: str = param("left", help="the edge that is held", choices=("left", "top", "right", "bottom"))
    lift_mm: float = param(8.0, 0.0, 40.0, "height of that edge above the rest of the page")
    length_mm: float = param(30.0, 8.0, 150.0, "distance over which the height falls to 37 %")

    def bend(self, mesh: Mesh) -> Mesh:
        """Raise the edge."""
        x, y = mesh.coordinates()
        width, height = mesh.size_mm
        from_edge = {"left": x, "top": y, "right": width - x, "bottom": height - y}[self.edge]
        lift = limited_lift(self.lift_mm, self.lift_mm / self.length_mm)
        raised = lift * np.exp(-np.maximum(from_edge, 0.0) / self.length_mm)
        return mesh.lifted(np.broadcast_to(raised, mesh.height_mm.shape))
