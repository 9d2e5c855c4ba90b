"""The page's own shadow on what it lies on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param, turn_deg

_BELOW = 0.75  # Depth of the shadow at the edge that faces the lamp, relative to the side away from it.
_BELOW_MM = 2.6  # Reach of that shadow.


@dataclass(frozen=True)
class ContactShadow(Artifact):
    """Darker desk along the page's edges, a thin line towards the lamp and wider on the side away from it."""

    depth: float = param(0.5, 0, 0.95, "share of the light missing at the very edge")
    reach_mm: float = param(5.0, 0.5, 11, "how far it goes")
    offset_mm: float = param(1.0, 0, 8, "how far the lamp pushes it to one side")
    direction_deg: float = param(45.0, 0, 360, "to which side, on the page, clockwise from its right, where no lamp says so")

    def shade(self, light: Light) -> Light:
        """Darken everything beside the page. In cells that show some page as well, its light is restored by `relief`."""
        off = light.off_page_mm()
        near = (off > -1.0) & (off < self.reach_mm + self.offset_mm)
        if not (off > 0).any():
            return light
        seen = np.ones(off.shape, dtype=np.float32)
        seen[near] = (1.0 - self.depth * self._share(light, light.warp.nodes_mm[near], off[near])) ** GAMMA
        return light.lit(seen).shaded(1.0 / seen)

    def _share(self, light: Light, points_mm: np.ndarray, off_mm: np.ndarray) -> np.ndarray:
        """1 at the page's edge, 0 from `reach_mm` on, for page points (n, 2) at distances (n,) from the page."""
        mesh = light.warp.mesh
        away_deg = self.direction_deg if light.lamp_deg is None else light.lamp_deg + 180.0 - turn_deg(light.warp.mesh_px)
        towards = np.radians(away_deg)
        push = self.offset_mm * np.array([np.cos(towards), np.sin(towards)])
        middle = np.array([0.5 * (axis[0] + axis[-1]) for axis in (mesh.x_mm, mesh.y_mm)])
        beside = np.maximum(np.abs(points_mm - middle - push) - middle, 0.0)
        apart = np.hypot(beside[:, 0], beside[:, 1])
        if light.holes is not None:  # the remaining paper counts, not the whole page
            outside = (np.abs(points_mm - middle) - middle).max(axis=1)
            apart = np.where(off_mm > outside + 0.01, np.maximum(apart, off_mm), apart)
        # The edge of a sheet never touches the table everywhere: it is dark under all sides, also that of the lamp.
        below = _BELOW * np.maximum(1.0 - np.maximum(off_mm, 0.0) / _BELOW_MM, 0.0) ** 2
        return np.maximum(np.maximum(1.0 - apart / self.reach_mm, 0.0) ** 2, below)
