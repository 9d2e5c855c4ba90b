"""Print on the other side of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import Wash, passed, stained, whole

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class BleedThrough(Artifact):
    """Another recording on the back, seen through the paper: mirrored, blurred and faint. It is this page's own print, turned over."""

    strength: float = param(0.10, 0.0, 0.5, "how dark it is on this side")
    over: str = param("side", help="how the page is turned: over its side, or over its top", choices=("side", "top"))
    shift_x_mm: float = param(3.0, -60.0, 60.0, "how far it is off, to the right")
    shift_y_mm: float = param(9.0, -60.0, 60.0, "how far it is off, downwards")
    unevenness: float = param(0.3, 0.0, 1.0, "how far its strength differs from place to place")
    seed: int = param(0, 0, 2**31 - 1, "of that")

    def stain(self, sheet: Sheet) -> Sheet:
        """Multiply by the smoothed, mirrored print."""
        from fastecg.kernels.stain import mean_coverage

        patch = whole(sheet, 0.5)
        cover = np.zeros((len(patch.y), len(patch.x)), dtype=np.float32)
        step = -1 if self.over == "side" else 1
        mean_coverage(sheet.ink[::-step, ::step], sheet.text[::-step, ::step], patch.every, cover)
        down, right = (round(shift * sheet.scale / patch.every) for shift in (self.shift_y_mm, self.shift_x_mm))
        cover = _moved(_smoothed(cover), down, right)
        uneven = np.maximum(1.0 + self.unevenness * patch.clouds(self.seed, 40.0, 3), 0.0)
        table = passed((0.30, 0.30, 0.33), 1.5 * self.strength)
        return stained(sheet, Wash(patch, cover, uneven, 0.02, 0.004, np.linspace(0.02, 1.0, 250), table))


def _moved(plane: np.ndarray, down: int, right: int) -> np.ndarray:
    """The plane shifted, empty where nothing came."""
    moved = np.roll(plane, (down, right), (0, 1))
    moved[: max(down, 0)] = moved[len(moved) + min(down, 0) :] = 0.0
    moved[:, : max(right, 0)] = moved[:, moved.shape[1] + min(right, 0) :] = 0.0
    return moved


def _smoothed(plane: np.ndarray) -> np.ndarray:
    """Weights 1 2 1 along both axes."""
    for axis in (0, 1):
        plane = 0.5 * plane + 0.25 * (np.roll(plane, 1, axis) + np.roll(plane, -1, axis))
    return plane
