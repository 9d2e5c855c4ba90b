"""The page's own shadow on the surface below it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param, turn_deg

_BELOW = 0.75  # Depth of the thin shadow along all edges, as a share of `depth`; on the side of the lamp no other shadow is seen.
_BELOW_MM = 2.6  # Distance in mm from the page at which the thin shadow ends.


@dataclass(frozen=True)
class ContactShadow(Artifact):
    """The surface is darker along the page's edges: in a thin line on the side of the lamp, in a wide band on the other."""

    depth: float = param(0.5, 0, 0.95, "share of the light that is missing next to the page's edge")
    reach_mm: float = param(5.0, 0.5, 11, "width of the shadow")
    offset_mm: float = param(1.0, 0, 8, "how far the shadow is shifted away from the lamp")
    direction_deg: float = param(45.0, 0, 360, "direction of the shift if there is no lamp, clockwise from the page's right")

    def shade(self, light: Light) -> Light:
        """Darken all nodes near the page's edge. `relief` is raised as much, so the page itself keeps its light."""
        off = light.off_page_mm()
        near = (off > -1.0) & (off < self.reach_mm + self.offset_mm)
        if not (off > 0).any():
            return light
        gain = np.ones(off.shape, dtype=np.float32)
        gain[near] = (1.0 - self.depth * self._share(light, light.warp.nodes_mm[near], off[near])) ** GAMMA
        return light.lit(gain).shaded(1.0 / gain)

    def _share(self, light: Light, points_mm: np.ndarray, off_mm: np.ndarray) -> np.ndarray:
        """Share (n,) of `depth` at page points (n, 2), which are `off_mm` (n,) from the page.

        The share is 1 at the edges away from the lamp and `_BELOW` or more at the others, and falls to 0 with the distance from the page.
        """
        mesh = light.warp.mesh
        # The shift is on the page; `lamp_deg` is a direction in the picture.
        away_deg = self.direction_deg if light.lamp_deg is None else light.lamp_deg + 180.0 - turn_deg(light.warp.mesh_px)
        away = np.radians(away_deg)
        push = self.offset_mm * np.array([np.cos(away), np.sin(away)])
        # The page's middle, which is also half its size, as the page begins at 0. `apart` is the distance in mm from the shifted page.
        middle = np.array([0.5 * (axis[0] + axis[-1]) for axis in (mesh.x_mm, mesh.y_mm)])
        beside = np.maximum(np.abs(points_mm - middle - push) - middle, 0.0)
        apart = np.hypot(beside[:, 0], beside[:, 1])
        # Where `off_mm` exceeds the distance from the page's rectangle, the point is in a hole or at a missing corner. There, `off_mm` is
        # the distance from the paper that is left, and counts.
        if light.holes is not None:
            outside = (np.abs(points_mm - middle) - middle).max(axis=1)
            apart = np.where(off_mm > outside + 0.01, np.maximum(apart, off_mm), apart)
        # The edge of a sheet nowhere touches the table all along, so there is a thin shadow on all sides, also on that of the lamp.
        below = _BELOW * np.maximum(1.0 - np.maximum(off_mm, 0.0) / _BELOW_MM, 0.0) ** 2
        return np.maximum(np.maximum(1.0 - apart / self.reach_mm, 0.0) ** 2, below)
