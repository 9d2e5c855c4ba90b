"""Print on the other side of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import Wash, stained, transmission, whole_sheet

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class BleedThrough(Artifact):
    """The print on the back, seen through the paper: mirrored, blurred and faint. It is a copy of this page's own print."""

    strength: float = param(0.10, 0.0, 0.5, "how dark the print on the back is on this side")
    over: str = param("side", help="whether the page is turned over its side or over its top", choices=("side", "top"))
    shift_x_mm: float = param(3.0, -60.0, 60.0, "how far the print on the back is shifted to the right")
    shift_y_mm: float = param(9.0, -60.0, 60.0, "how far the print on the back is shifted downwards")
    unevenness: float = param(0.3, 0.0, 1.0, "how much its strength differs from place to place")
    seed: int = param(0, 0, 2**31 - 1, "decides where it is stronger or weaker")

    def stain(self, sheet: Sheet) -> Sheet:
        """Darken the sheet by its own traces and words (not its grid), mirrored, shifted and smoothed."""
        from fastecg.kernels.stain import mean_coverage

        patch = whole_sheet(sheet, 0.5)
        cover = np.zeros((len(patch.y), len(patch.x)), dtype=np.float32)
        # A page that is turned over its side is mirrored left to right, one that is turned over its top is mirrored upside down.
        step = -1 if self.over == "side" else 1
        mean_coverage(sheet.ink[::-step, ::step], sheet.text[::-step, ::step], patch.every, cover)
        down, right = (round(shift * sheet.scale / patch.every) for shift in (self.shift_y_mm, self.shift_x_mm))
        cover = _moved(_smoothed(cover), down, right)
        uneven = np.maximum(1.0 + self.unevenness * patch.clouds(self.seed, 40.0, 3), 0.0)
        table = transmission((0.30, 0.30, 0.33), 1.5 * self.strength)
        # With this profile, the density is nearly equal to the coverage, but 0 where the coverage is below 2 %.
        return stained(sheet, Wash(patch, cover, uneven, 0.02, 0.004, np.linspace(0.02, 1.0, 250), table))


def _moved(plane: np.ndarray, down: int, right: int) -> np.ndarray:
    """The plane (rows, columns) shifted by whole nodes; 0 where nothing was moved to."""
    moved = np.roll(plane, (down, right), (0, 1))
    moved[: max(down, 0)] = moved[len(moved) + min(down, 0) :] = 0.0
    moved[:, : max(right, 0)] = moved[:, moved.shape[1] + min(right, 0) :] = 0.0
    return moved


def _smoothed(plane: np.ndarray) -> np.ndarray:
    """The plane (rows, columns) smoothed with weights 1 2 1 along both axes; opposite edges count as neighbours."""
    for axis in (0, 1):
        plane = 0.5 * plane + 0.25 * (np.roll(plane, 1, axis) + np.roll(plane, -1, axis))
    return plane
