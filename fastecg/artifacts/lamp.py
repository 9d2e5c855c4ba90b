"""One lamp or window, which lights one side of the picture more and shades the slopes of the paper."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param, turn_deg
from fastecg.mesh import Mesh


@dataclass(frozen=True)
class Lamp(Artifact):
    """Light from one side. Its fall-off affects page and background, its shading of slopes the page alone."""

    direction_deg: float = param(225.0, 0, 360, "direction from which the light comes, clockwise from the picture's right")
    elevation_deg: float = param(45.0, 10, 90, "height of the lamp above the table")
    falloff: float = param(1.4, 1, 5, "light at the nearest corner over light at the farthest")
    brightness: float = param(0.95, 0.3, 1.6, "light at the nearest corner; with 1, white paper is white there")
    relief: float = param(0.55, 0, 1, "share of the light that comes from the lamp; the rest comes from all around and shades no slopes")
    coolness: float = param(
        0.0, -0.6, 0.6, "how much bluer the lamp's light is than the rest, as that of a window by day in a room with lamps"
    )

    def shade(self, light: Light) -> Light:
        """Apply the inverse square law for a lamp beyond the picture's edge, and Lambert's cosine law to the slopes of the paper."""
        fallen, shading = self._fallen(light), None
        if self.relief > 0 and light.warp.mesh.height_mm.any():
            direction = np.radians(self.direction_deg - turn_deg(light.warp.mesh_px))
            shading = light.on_nodes(self._relief(light.warp.mesh, direction), outside=1.0)
        lit = replace(light.lit(self._tinted(fallen, shading)), lamp_deg=self.direction_deg)
        return lit if shading is None else lit.shaded(shading)

    def _tinted(self, fallen: np.ndarray, shading: np.ndarray | None) -> np.ndarray:
        """The gain for every channel: nodes that get more of the lamp's light get more of its colour."""
        if not self.coolness:
            return fallen
        more = fallen / np.float32(fallen[1:-1, 1:-1].mean())
        if shading is not None:
            more *= shading
        more = np.clip(np.float32(0.5 * self.coolness) * (more - np.float32(1.0)), np.float32(-0.5), np.float32(0.5))
        # Channel by channel in memory, as gains are.
        return np.moveaxis(np.stack([fallen * (1 - more), fallen, fallen * (1 + more)]), 0, -1)

    def _fallen(self, light: Light) -> np.ndarray:
        """Gain (rows, columns) at the nodes, which is light to the power GAMMA.

        The light is `brightness` at the nearest corner of the picture and 1 / `falloff` of that at the farthest.
        """
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
        """Gain of the mesh's cells (rows - 1, columns - 1) by their slopes, 1 where they are level.

        `direction` is that of the lamp on the page, in radians clockwise from the x axis.
        """
        slope_x, slope_y = (slope.astype(np.float32) for slope in mesh.slopes())
        towards = slope_x * np.float32(np.cos(direction)) + slope_y * np.float32(np.sin(direction))
        cotangent = np.float32(1.0 / np.tan(np.radians(self.elevation_deg)))
        facing = (np.float32(1.0) - cotangent * towards) / np.sqrt(np.float32(1.0) + slope_x**2 + slope_y**2)
        return np.asarray(
            np.maximum(np.float32(1.0) + np.float32(self.relief) * (facing - np.float32(1.0)), np.float32(0.1)) ** np.float32(GAMMA)
        )
