"""Paper that did not run evenly through the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._relief import noise_along

if TYPE_CHECKING:
    from fastecg.mesh import Mesh


@dataclass(frozen=True)
class FeedJitter(Artifact):
    """The paper ran sometimes too fast and sometimes too slow while it was printed, so the time axis is stretched or compressed."""

    geometric: ClassVar[bool] = True

    strain: float = param(0.005, 0.0, 0.03, "largest change of the paper's speed, as a share of the speed")
    length_mm: float = param(30.0, 8.0, 150.0, "length of paper from one change of speed to the next")
    seed: int = param(0, 0, 2**31 - 1, "decides where the paper runs fast")

    def bend(self, mesh: Mesh) -> Mesh:
        """Slide the print along the time axis (x); the page's middle stays in its place."""
        # The slide is the integral over x of the change of speed (a share), summed in steps of 0.25 mm.
        fine = np.arange(mesh.x_mm[0], mesh.x_mm[-1] + 0.25, 0.25)
        change = self.strain * noise_along(self.seed, fine / self.length_mm)
        total = np.cumsum(change) * 0.25
        moved = np.interp(mesh.x_mm, fine, total)
        slide = np.zeros_like(mesh.slide_mm)
        slide[..., 0] = moved - np.interp(mesh.size_mm[0] / 2, fine, total)
        return mesh.slid(slide)
