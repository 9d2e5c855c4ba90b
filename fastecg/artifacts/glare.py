"""A lamp mirrored in glossy paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, Light, param


@dataclass(frozen=True)
class Glare(Artifact):
    """A bright patch on the page that hides ink and grid; slopes of the paper tear it."""

    x: float = param(0.5, -0.2, 1.2, "centre, in picture widths")
    y: float = param(0.4, -0.2, 1.2, "centre, in picture heights")
    width_mm: float = param(70.0, 5, 300, "along its longer side, to 37 % of its strength")
    height_mm: float = param(35.0, 5, 300, "across")
    angle_deg: float = param(20.0, -90, 90, "of its longer side, clockwise from the right")
    strength: float = param(0.3, 0, 0.9, "how much of the way to white in its middle")
    gloss: float = param(4.0, 0, 12, "how much slopes change it")
    shape: str = param("lamp", help="a lamp fades from its middle, a window is even with soft edges", choices=("lamp", "window"))

    def shade(self, light: Light) -> Light:
        """Screen blend: what is there is dimmed as much as light is added, so white stays white."""
        share = np.clip(self.strength * self._patch(light), 0.0, 0.95)
        return light.shaded(1.0 - share).mirrored(255.0 * share)

    def _patch(self, light: Light) -> np.ndarray:
        """A Gaussian patch at the nodes, brighter on one side of bumps."""
        x, y = light.pixels()
        height, width = light.warp.size
        right, down = (x - self.x * width) / light.warp.scale, (y - self.y * height) / light.warp.scale
        cos, sin = np.cos(np.radians(self.angle_deg)), np.sin(np.radians(self.angle_deg))
        along, across = (right * cos + down * sin) / (0.5 * self.width_mm), (down * cos - right * sin) / (0.5 * self.height_mm)
        power = 2 if self.shape == "lamp" else 6
        patch = np.exp(-(np.abs(along) ** power) - np.abs(across) ** power)
        if self.gloss > 0 and light.warp.mesh.height_mm.any():
            slope_x, slope_y = light.warp.mesh.slopes()
            patch = patch * np.clip(1.0 + self.gloss * light.on_nodes(-slope_x * sin + slope_y * cos), 0.0, 2.5)
        return patch
