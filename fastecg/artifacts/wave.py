"""Paper that does not lie flat: long low waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._relief import Line, limited, noise_along

if TYPE_CHECKING:
    from fastecg.mesh import Mesh


@dataclass(frozen=True)
class Wave(Artifact):
    """Long low waves, as of paper that was damp or lies between two supports."""

    geometric: ClassVar[bool] = True

    angle_deg: float = param(0.0, -180.0, 180.0, "direction in which it goes up and down")
    lift_mm: float = param(1.5, 0.0, 12.0, "height of the crests above the middle")
    length_mm: float = param(200.0, 30.0, 600.0, "from crest to crest")
    phase_deg: float = param(0.0, -360.0, 360.0, "place of the first crest")
    seed: int = param(0, 0, 2**31 - 1, "decides how the waves differ from one another")

    def bend(self, mesh: Mesh) -> Mesh:
        """Raise and lower the paper."""
        line = Line.at(mesh.size_mm, 0.5, 0.5, self.angle_deg)
        turns = line.across(*mesh.coordinates()) / self.length_mm
        lift = limited(self.lift_mm, 1.8 * 2 * np.pi * self.lift_mm / self.length_mm)
        height = 1.0 + 0.35 * noise_along(self.seed + 1, 0.8 * turns)
        return mesh.lifted(lift * height * np.sin(2 * np.pi * (turns + 0.12 * noise_along(self.seed, turns)) + np.deg2rad(self.phase_deg)))
