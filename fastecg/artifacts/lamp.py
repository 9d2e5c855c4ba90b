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
    falloff: float = param(
        1.4, 1, 5, "on the circle through the picture's corners, light at the point nearest to the lamp, over that at the farthest"
    )
    brightness: float = param(
        0.95,
        0.3,
        1.6,
        "on the circle through the picture's corners, light at the point nearest to the lamp; with 1, white paper is white there",
    )
    relief: float = param(0.55, 0, 1, "share of the light that comes from the lamp; the rest comes from all around and shades no slopes")
    coolness: float = param(
        0.0,
        -0.6,
        0.6,
        "how much bluer the lamp's light is than the rest, as that of a window is in a room with warm lamps; below 0: redder",
    )

    def shade(self, light: Light) -> Light:
        """Apply the inverse square law for a lamp beyond the picture's edge, and Lambert's cosine law to the slopes of the paper.

        The lamp's direction is stored in the light, for shadows and reflections.
        """
        gain, shading = self._falloff_gain(light), None
        if self.relief > 0 and light.warp.mesh.height_mm.any():
            direction = np.radians(self.direction_deg - turn_deg(light.warp.mesh_px))
            shading = light.on_nodes(self._slope_gain(light.warp.mesh, direction), outside=1.0)
        lit = replace(light.lit(self._tinted(gain, shading)), lamp_deg=self.direction_deg)
        return lit if shading is None else lit.shaded(shading)

    def _tinted(self, gain: np.ndarray, shading: np.ndarray | None) -> np.ndarray:
        """The gain at the nodes, (rows, columns), or (rows, columns, 3) if the lamp has a colour.

        Nodes at which `gain` times `shading` exceeds the mean of `gain` over the picture get more of the lamp's colour, the others less.
        `gain` and `shading` are (rows, columns).
        """
        if not self.coolness:
            return gain
        relative = gain / np.float32(gain[1:-1, 1:-1].mean())
        if shading is not None:
            relative *= shading
        bluer = np.clip(np.float32(0.5 * self.coolness) * (relative - np.float32(1.0)), np.float32(-0.5), np.float32(0.5))
        # The channels are separate planes in memory, as in `Light.gain`.
        return np.moveaxis(np.stack([gain * (1 - bluer), gain, gain * (1 + bluer)]), 0, -1)

    def _falloff_gain(self, light: Light) -> np.ndarray:
        """Gain (rows, columns) at the nodes, which is light to the power GAMMA.

        On the circle through the picture's corners, the light is `brightness` at the point nearest to the lamp, and `brightness` /
        `falloff` at the farthest.
        """
        x, y = light.pixels()
        height, width = light.warp.size
        half = 0.5 * np.hypot(width, height)
        root = max(np.sqrt(self.falloff), 1.0 + 1e-6)
        # Distance in px of the lamp from the picture's centre: the inverse square law gives `falloff` = ((distance + half) / (distance -
        # half))². `square` is the squared distance of each node from the lamp, over that of the nearest point of the circle.
        distance = half * (root + 1) / (root - 1)
        angle = np.radians(self.direction_deg)
        right, down = x - 0.5 * width - distance * np.cos(angle), y - 0.5 * height - distance * np.sin(angle)
        square = ((right**2 + down**2) / (distance - half) ** 2).astype(np.float32)
        return np.float32(self.brightness**GAMMA) * square ** np.float32(-GAMMA)

    def _slope_gain(self, mesh: Mesh, direction: float) -> np.ndarray:
        """Gain of the mesh's cells (rows - 1, columns - 1) by their slopes: light to the power GAMMA, 1 where they are level.

        `direction` is that of the lamp on the page, in radians clockwise from the x axis.
        """
        slope_x, slope_y = (slope.astype(np.float32) for slope in mesh.slopes())
        towards = slope_x * np.float32(np.cos(direction)) + slope_y * np.float32(np.sin(direction))
        cotangent = np.float32(1.0 / np.tan(np.radians(self.elevation_deg)))
        # Cosine of the angle between the slope's normal and the lamp's direction, over that of level paper. No slope gets less than a tenth
        # of the light of level paper.
        facing = (np.float32(1.0) - cotangent * towards) / np.sqrt(np.float32(1.0) + slope_x**2 + slope_y**2)
        return np.asarray(
            np.maximum(np.float32(1.0) + np.float32(self.relief) * (facing - np.float32(1.0)), np.float32(0.1)) ** np.float32(GAMMA)
        )
