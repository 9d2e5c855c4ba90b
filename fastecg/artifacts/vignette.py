"""Darker and redder corners: the lens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param


@dataclass(frozen=True)
class Vignette(Artifact):
    """Light lost towards the corners, as the fourth power of the cosine does, and the colour that a phone leaves there.

    Filters before a sensor pass less red where light comes in aslant. Phones even that out for the light that they expect, and in any
    other they do too much of it or too little.
    """

    depth: float = param(0.2, 0, 0.8, "share of the light lost in the corners")
    offset_x: float = param(0.0, -0.3, 0.3, "its centre beside the picture's, in picture widths")
    offset_y: float = param(0.0, -0.3, 0.3, "its centre below the picture's, in picture heights")
    red: float = param(0.0, -0.2, 0.2, "how much more red light there is in the corners, as a share")
    blue: float = param(0.0, -0.2, 0.2, "how much more blue light there is in the corners, as a share")

    def shade(self, light: Light) -> Light:
        """cos⁴ of the angle from the axis, scaled to the wanted depth at the corner."""
        x, y = light.pixels()
        height, width = light.warp.size
        square = ((x - (0.5 + self.offset_x) * width) ** 2 + (y - (0.5 + self.offset_y) * height) ** 2) / (0.25 * (width**2 + height**2))
        tangent = 1.0 / np.sqrt(1.0 - self.depth) - 1.0  # The square of the tangent of the corner's angle.
        fallen = (1.0 + tangent * square).astype(np.float32) ** np.float32(-2.0 * GAMMA)
        if not (self.red or self.blue):
            return light.lit(fallen)
        # Channel by channel in memory, as gains are.
        red, blue = (fallen * (1.0 + np.float32(GAMMA * more) * square.astype(np.float32)) for more in (self.red, self.blue))
        return light.lit(np.moveaxis(np.stack([red, fallen, blue]), 0, -1))
