"""A fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import patch_around, transmission

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

# Shares of red, green and blue that the ridges let pass at a `strength` of 1.
_COLOURS = {"grease": (0.80, 0.77, 0.68), "ink": (0.25, 0.26, 0.34), "dirt": (0.52, 0.46, 0.38)}


@dataclass(frozen=True)
class FingerPrint(Artifact):
    """Ridges half a millimetre apart that wind round a core, fainter where the finger was dry or did not press."""

    at_x: float = param(0.3, 0.0, 1.0, "its middle, as a share of the page's width")
    at_y: float = param(0.3, 0.0, 1.0, "its middle, as a share of the page's height")
    angle_deg: float = param(-70.0, -180.0, 180.0, "direction in which the finger pointed, clockwise from the right")
    size_mm: float = param(14.0, 6.0, 24.0, "its width")
    of: str = param("dirt", help="what was on the finger", choices=tuple(_COLOURS))
    strength: float = param(0.4, 0.0, 1.0, "how dark the ridges are")
    seed: int = param(0, 0, 2**31 - 1, "decides the pattern")

    def stain(self, sheet: Sheet) -> Sheet:
        """Darken the sheet along the ridges."""
        from fastecg.kernels.stain import absorb_plane

        width, height = sheet.page.size_mm
        x, y = self.at_x * width, self.at_y * height
        patch = patch_around(sheet, x, y, 0.95 * self.size_mm)
        if patch is None:
            return sheet
        along, across = patch.offsets(x, y, self.angle_deg)
        # u and v are in units of the half length and half width of the print, which is an ellipse with a ragged edge.
        u, v = along / (0.75 * self.size_mm), across / (0.5 * self.size_mm)
        pad = np.clip(3.0 * (1.0 - np.hypot(u, v) + 0.16 * patch.clouds(self.seed, 4.0, 3)), 0.0, 1.0)
        uneven = np.clip(0.62 + 0.6 * patch.clouds(self.seed + 3, 5.0, 3), 0.0, 1.0)
        ridges = np.clip(0.5 + 1.1 * np.cos(2.0 * np.pi * self._ridge(along, across, patch.clouds(self.seed + 6, 5.0, 2))), 0.0, 1.0)
        dense = self.strength * pad * uneven * (0.12 + 0.88 * ridges)
        pixels = sheet.canvas()
        absorb_plane(pixels[patch.window], np.rint(255.0 * dense).astype(np.uint8), transmission(_COLOURS[self.of], 1.0))
        return replace(sheet, pixels=pixels)

    def _ridge(self, along: np.ndarray, across: np.ndarray, clouds: np.ndarray) -> np.ndarray:
        """Number, with fractions, of the ridge on which a point (along, across) mm lies; `clouds` make the ridges wavy.

        Ridges are about 0.5 mm apart, round on the fingertip's side of the core and elongated on the other. They form a spiral: one turn
        round the core leads from a ridge to the next one, so that there is no seam.
        """
        # Distances in mm from the core, which lies 0.12 widths from the middle towards the fingertip: `ahead` in that direction, and `away`
        # in all directions, for which a distance behind the core counts 0.7 times.
        ahead = along - 0.12 * self.size_mm
        away = np.hypot(np.where(ahead > 0.0, ahead, 0.7 * ahead), 0.95 * across)
        return (away + 0.35 * clouds) / 0.5 + np.arctan2(ahead, across) / (2.0 * np.pi)
