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
    """The paper ran too fast and too slow while it was printed: the time axis is stretched here and squeezed there."""

    geometric: ClassVar[bool] = True

    strain: float = param(0.005, 0.0, 0.03, "largest change of speed, as a share of it")
    length_mm: float = param(30.0, 8.0, 150.0, "paper that runs through between one change and the next")
    seed: int = param(0, 0, 2**31 - 1, "decides where it runs fast")

    def bend(self, mesh: Mesh) -> Mesh:
        """Slide the print along the time axis: the integral of the change of speed, zero at the page's middle."""
        fine = np.arange(mesh.x_mm[0], mesh.x_mm[-1] + 0.25, 0.25)
        change = self.strain * noise_along(self.seed, fine / self.length_mm)
        total = np.cumsum(change) * 0.25
        moved = np.interp(mesh.x_mm, fine, total)
        slide = np.zeros_like(mesh.slide_mm)
        slide[..., 0] = moved - np.interp(mesh.size_mm[0] / 2, fine, total)
        return mesh.slid(slide)
