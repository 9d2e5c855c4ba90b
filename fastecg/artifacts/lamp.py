"""One lamp or window: brighter on its side, and the paper's relief in its light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param, turn_deg
from fastecg.mesh import Mesh


@dataclass(frozen=True)
class Lamp(Artifact):
    """Light from one side. Its fall-off lies on everything, its shading of slopes on the page alone."""

    direction_deg: float = param(225.0, 0, 360, "where the light comes from, clockwise from the picture's right")
    elevation_deg: float = param(45.0, 10, 90, "height of the lamp above the table")
    falloff: float = param(1.4, 1, 5, "light at the nearest corner over light at the farthest")
    brightness: float = param(0.95, 0.3, 1.6, "light at the nearest corner, 1: white paper is white")
    relief: float = param(0.55, 0, 1, "share of the light that comes from the lamp, the rest from all around")
    coolness: float = param(
        0.0, -0.6, 0.6, "how much bluer the lamp's light is than the rest: a window by day in a room with lamps of its own"
    )

    def shade(self, light: Light) -> Light:
        """Inverse square from a lamp beyond the picture's edge, then Lambert's cosine over the relief."""
        fallen, shading = self._fallen(light), None
        if self.relief > 0 and light.warp.mesh.height_mm.any():
            direction = np.radians(self.direction_deg - turn_deg(light.warp.mesh_px))
            shading = light.on_nodes(self._relief(light.warp.mesh, direction), outside=1.0)
        lit = replace(light.lit(self._tinted(fallen, shading)), lamp_deg=self.direction_deg)
        return lit if shading is None else lit.shaded(shading)

    def _tinted(self, fallen: np.ndarray, shading: np.ndarray | None) -> np.ndarray:
        """The fall-off for every channel: the more of the lamp's light a place gets, the more of its colour."""
        if not self.coolness:
            return fallen
        more = fallen / np.float32(fallen[1:-1, 1:-1].mean())
        if shading is not None:
            more *= shading
        more = np.clip(np.float32(0.5 * self.coolness) * (more - np.float32(1.0)), np.float32(-0.5), np.float32(0.5))
        # Channel by channel in memory, as gains are.
        return np.moveaxis(np.stack([fallen * (1 - more), fallen, fallen * (1 + more)]), 0, -1)

    def _fallen(self, light: Light) -> np.ndarray:
        """Encoded factor at the nodes: `brightness` at the nearest corner of the picture, and 1 / `falloff` of it at the farthest."""
        x, y = light.pixels()
        height, width = light.warp.size
        half = 0.5 * np.hypot(width, height)
        root = max(np.sqrt(self.falloff), 1.0 + 1e-6)
        distance = half * (root + 1) / (root - 1)  # Distance of the lamp at which the ratio of the corners is as wanted.
        angle = np.radians(self.direction_deg)
        right, down = x - 0.5 * width - distance * np.cos(angle), y - 0.5 * height - distance * np.sin(angle)
        square = ((right**2 + down**2) / (distance - half) ** 2).astype(np.float32)
        return np.float32(self.brightness**GAMMA) * square ** np.float32(-GAMMA)

    def _relief(self, mesh: Mesh, direction: float) -> np.ndarray:
        """Shading of the paper's slopes, 1 where it is level."""
        slope_x, slope_y = (slope.astype(np.float32) for slope in mesh.slopes())
        towards = slope_x * np.float32(np.cos(direction)) + slope_y * np.float32(np.sin(direction))
        cotangent = np.float32(1.0 / np.tan(np.radians(self.elevation_deg)))
        facing = (np.float32(1.0) - cotangent * towards) / np.sqrt(np.float32(1.0) + slope_x**2 + slope_y**2)
        return np.asarray(
            np.maximum(np.float32(1.0) + np.float32(self.relief) * (facing - np.float32(1.0)), np.float32(0.1)) ** np.float32(GAMMA)
        )
