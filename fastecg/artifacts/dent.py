"""A dent: where the paper was pushed in and buckled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._relief import Line, limited_lift

if TYPE_CHECKING:
    from fastecg.mesh import Mesh


@dataclass(frozen=True)
class Dent(Artifact):
    """A long low ridge that turns into a trough at one point, the kink, as in paper that is pushed together at its ends."""

    geometric: ClassVar[bool] = True
    step_mm: ClassVar[float] = 1.0

    at_x: float = param(0.5, 0.0, 1.0, "position of the kink, as a share of the page's width")
    at_y: float = param(0.5, 0.0, 1.0, "position of the kink, as a share of the page's height")
    angle_deg: float = param(0.0, -180.0, 180.0, "direction from the ridge to the trough, clockwise from the right")
    lift_mm: float = param(2.5, -6.0, 6.0, "height of the ridge")
    length_mm: float = param(45.0, 5.0, 200.0, "distance from the kink to either end")
    width_mm: float = param(7.0, 1.5, 40.0, "half width of the ridge")
    kink: float = param(0.9, 0.0, 1.0, "0 is a ridge all along; at 1 the trough behind the kink is as deep as the ridge is high")

    def bend(self, mesh: Mesh) -> Mesh:
        """Raise the ridge, which comes before the kink in the direction `angle_deg`, and lower the trough behind the kink.

        Ridge and trough are narrower and lower at the kink. With a `kink` below 0.5 there is no trough: the ridge goes on behind the kink,
        lower. With a `lift_mm` below 0 all heights change their signs.
        """
        line = Line.at(mesh.size_mm, self.at_x, self.at_y, self.angle_deg + 90.0)
        x, y = mesh.coordinates()
        along, across = line.along(x, y), line.across(x, y)
        # The height is computed only within these distances: beyond them it is less than 0.2 % of `lift_mm`.
        near = (np.abs(along) < 1.6 * self.length_mm) & (np.abs(across) < 5.0 * self.width_mm)
        height = np.zeros_like(mesh.height_mm)
        # Near the kink the ridge is narrower than `width_mm`, so its sides may be steeper than `lift_mm` / `width_mm`, by a factor of 1.53
        # at most. The bound used here is 1 / 0.6.
        height[near] = limited_lift(self.lift_mm, abs(self.lift_mm) / (0.6 * self.width_mm)) * self._shape(along[near], across[near])
        return mesh.lifted(height)

    def _shape(self, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        """Height of the dent for a lift of 1.

        The distances are in mm. `along` is measured from the kink, against `angle_deg`: above 0 on the ridge, below 0 on the trough.
        `across` is measured from the crest.
        """
        # `apart` is the distance from the kink in mm, but never below 1, so that the shape has no corner there. `width` is the half width:
        # at the kink a third of the default `width_mm`, and a larger share of a smaller one. `rise` is 1 before the kink and 1 - 2 `kink`
        # behind it. `side_height` is the height of either side: 1 - 0.32 / `width` at the crest, 0 at the foot, and negative beyond.
        apart = np.sqrt(along**2 + 1.0)
        width = self.width_mm * (0.25 + 0.75 * np.tanh(apart / (1.5 * self.width_mm)))
        rise = 1.0 - self.kink * (1.0 - along / apart)
        ends = np.exp(-((along / self.length_mm) ** 4)) * np.tanh(0.4 + apart / self.width_mm)
        side_height = 1.0 - np.sqrt(across**2 + 0.1) / width
        roof = 0.5 * (side_height + np.sqrt(side_height**2 + 0.01))  # two plane sides; crest and foot are rounded a little
        return np.asarray(rise * ends * roof)
