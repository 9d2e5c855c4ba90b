"""Perforated paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import patch_between
from fastecg.artifacts._relief import noise_along
from fastecg.artifacts._rip import ripped

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_STEP_MM = 0.05  # Distance in mm of the points at which the line is tabulated.


@dataclass(frozen=True)
class Perforation(Artifact):
    """A perforated line. At the page's edge, the paper was torn off along it, which leaves small teeth; elsewhere its slits are seen."""

    edge: str = param("left", help="the edge along which the line runs", choices=("left", "right", "top", "bottom"))
    inset_mm: float = param(0.0, 0.0, 140.0, "distance of the line from the edge; 0: the paper was torn off along the line")
    pitch_mm: float = param(1.9, 0.5, 8.0, "distance from the middle of one slit to that of the next")
    slit: float = param(0.6, 0.2, 0.9, "length of the slits, as a share of the pitch")
    tooth_mm: float = param(0.6, 0.1, 2.0, "height of the teeth of a torn edge; slits inside the page are a third of this wide")
    seed: int = param(0, 0, 2**31 - 1, "decides which teeth are long; without effect inside the page")

    def stain(self, sheet: Sheet) -> Sheet:
        """Remove the paper between the teeth of a torn edge, or in the slits of a line inside the page."""
        width, height = sheet.page.size_mm
        horizontal = self.edge in ("top", "bottom")
        near, far = max(self.inset_mm - 1.0, 0.0), self.inset_mm + 3.0 * self.tooth_mm + 1.0
        start = {"left": (near, 0.0), "top": (0.0, near), "right": (width - far, 0.0), "bottom": (0.0, height - far)}[self.edge]
        stop = {"left": (far, height), "top": (width, far), "right": (width - near, height), "bottom": (width, height - near)}[self.edge]
        patch = patch_between(sheet, start, stop)
        if patch is None:
            return sheet
        # Coefficients (of x, of y, constant) of the distance along the edge, and of the distance inward from the line, see `ripped`.
        axes = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0] if horizontal else [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]
        frame = np.array(axes)
        if self.edge in ("right", "bottom"):
            frame[3:] = -frame[3], -frame[4], height if horizontal else width
        frame[5] -= self.inset_mm
        t = np.arange(-1.0, max(width, height) + 1.0, _STEP_MM)
        return ripped(sheet, patch, frame, t, self._course(t), both=self.inset_mm > 0.0, shade=0.15 if self.inset_mm > 0.0 else 0.0)

    def _course(self, t: np.ndarray) -> np.ndarray:
        """Setback of the edge, half the width of a slit, and width of the fibres, (n, 3) mm, at distances `t` mm along the line.

        The last two are below 0 where there is no slit or no fibre. At a torn edge, half the width of the slits is 0 all along.
        """
        in_slit = np.abs((t / self.pitch_mm) % 1.0 - 0.5) < 0.5 * self.slit
        if self.inset_mm > 0.0:
            return np.stack([0 * t, np.where(in_slit, self.tooth_mm / 6, -1.0), np.full_like(t, -1.0)], axis=1)
        height_mm = self.tooth_mm * (1.0 + 0.4 * noise_along(self.seed, t / 3.0) + 0.3 * noise_along(self.seed + 1, t / 0.5))
        return np.stack([np.where(in_slit, 1.0, 0.15) * height_mm, 0 * t, np.where(in_slit, -1.0, 0.5 * height_mm)], axis=1)
