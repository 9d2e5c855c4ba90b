"""Darker corners: the lens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param


@dataclass(frozen=True)
class Vignette(Artifact):
    """Light lost towards the corners, as the fourth power of the cosine does."""

    depth: float = param(0.2, 0, 0.8, "share of the light lost in the corners")
    offset_x: float = param(0.0, -0.3, 0.3, "its centre beside the picture's, in picture widths")
    offset_y: float = param(0.0, -0.3, 0.3, "its centre below the picture's, in picture heights")

    def shade(self, light: Light) -> Light:
        """cos⁴ of the angle from the axis, scaled to the wanted depth at the corner."""
        x, y = light.pixels()
        height, width = light.warp.size
        square = ((x - (0.5 + self.offset_x) * width) ** 2 + (y - (0.5 + self.offset_y) * height) ** 2) / (0.25 * (width**2 + height**2))
        tangent = 1.0 / np.sqrt(1.0 - self.depth) - 1.0  # of the corner's angle, squared
        return light.lit((1.0 + tangent * square).astype(np.float32) ** np.float32(-2.0 * GAMMA))
