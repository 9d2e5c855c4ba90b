"""Paper that does not lie flat: long low waves, and cockles, which are smaller and irregular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._relief import Line, limited_lift, noise_along

if TYPE_CHECKING:
    from fastecg.mesh import Mesh


_COCKLES = 12  # Number of waves that make up the cockles.
_COCKLE_MM = (34.0, 150.0)  # Range of the wavelengths of cockles.
_COCKLE_DEG = 60.0  # Standard deviation of the direction of cockles from that of the long waves.
_PATCHES = 3  # Number of waves whose sum decides in which patches of the sheet cockles are high.
_PATCH_MM = (160.0, 420.0)  # Range of the lengths of these waves.


@dataclass(frozen=True)
class Wave(Artifact):
    """Long low waves, as of paper that was damp or lies on two supports, and cockles, which are smaller and irregular."""

    geometric: ClassVar[bool] = True

    angle_deg: float = param(0.0, -180.0, 180.0, "direction across the crests")
    lift_mm: float = param(1.5, 0.0, 12.0, "amplitude of the waves")
    length_mm: float = param(200.0, 30.0, 600.0, "distance from crest to crest")
    phase_deg: float = param(0.0, -360.0, 360.0, "phase of the waves at the page's middle")
    cockle_mm: float = param(0.0, 0.0, 1.0, "standard deviation of the height of cockles")
    seed: int = param(0, 0, 2**31 - 1, "decides how the waves differ from one another, and where cockles are")

    def bend(self, mesh: Mesh) -> Mesh:
        """Raise and lower the paper."""
        line = Line.at(mesh.size_mm, 0.5, 0.5, self.angle_deg)
        turns = line.across(*mesh.coordinates()) / self.length_mm
        # The slope of an even wave is 2 π lift / length; varying heights and lengths make it up to about 1.8 times as steep.
        lift = limited_lift(self.lift_mm, 1.8 * 2 * np.pi * self.lift_mm / self.length_mm)
        height = 1.0 + 0.35 * noise_along(self.seed + 1, 0.8 * turns)
        lifted = lift * height * np.sin(2 * np.pi * (turns + 0.12 * noise_along(self.seed, turns)) + np.deg2rad(self.phase_deg))
        return mesh.lifted(lifted + self._cockles(mesh.x_mm, mesh.y_mm) if self.cockle_mm > 0 else lifted)

    def _cockles(self, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
        """Heights (rows, columns) mm of cockles: a sum of plane waves, higher in some parts of the sheet than in others."""
        rng = np.random.default_rng([self.seed, 1])
        waves = _waves(rng, _COCKLES, _COCKLE_MM, self.angle_deg + _COCKLE_DEG * rng.standard_normal(_COCKLES), x_mm, y_mm)
        patches = _waves(rng, _PATCHES, _PATCH_MM, rng.uniform(0.0, 360.0, _PATCHES), x_mm, y_mm)
        return self.cockle_mm * waves * np.clip(0.8 + 0.6 * patches, 0.1, 2.0)


def _waves(
    rng: np.random.Generator, count: int, range_mm: tuple[float, float], angle_deg: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray
) -> np.ndarray:
    """A sum (rows, columns) of `count` plane waves with a standard deviation of 1; longer waves are higher.

    Their lengths are random within `range_mm`, and their directions are `angle_deg` (count,).
    """
    lengths = range_mm[0] * (range_mm[1] / range_mm[0]) ** rng.random(count)
    angles, phases = np.deg2rad(angle_deg), rng.uniform(0, 2 * np.pi, count)
    amplitudes = lengths * rng.uniform(0.3, 1.0, count)
    amplitudes *= np.sqrt(2.0 / (amplitudes**2).sum())
    # By sin(a + b) = sin a cos b + cos a sin b, sines are needed for every column and row only, not for every node.
    along = (2 * np.pi / lengths * np.cos(angles))[:, None] * x_mm + phases[:, None]
    down = (2 * np.pi / lengths * np.sin(angles))[:, None] * y_mm
    return np.asarray((amplitudes * np.cos(down).T) @ np.sin(along) + (amplitudes * np.sin(down).T) @ np.cos(along))
