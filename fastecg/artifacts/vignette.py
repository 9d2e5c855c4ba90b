"""Darker, tinted corners, as lens and sensor make them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param


@dataclass(frozen=True)
class Vignette(Artifact):
    """Light is lost towards the corners, by the cos⁴ law, and a tint may be left there.

    The filter in front of a sensor lets less red pass where light comes in at an angle. Phones correct this for the light that they
    expect; in other light they correct too much or too little, which leaves the tint.
    """

    depth: float = param(0.2, 0, 0.8, "share of the light lost in the corners")
    offset_x: float = param(0.0, -0.3, 0.3, "shift of the vignette's centre to the right of the picture's, in picture widths")
    offset_y: float = param(0.0, -0.3, 0.3, "shift of the vignette's centre below that of the picture, in picture heights")
    red: float = param(0.0, -0.2, 0.2, "how much more red light there is in the corners, as a share")
    blue: float = param(0.0, -0.2, 0.2, "how much more blue light there is in the corners, as a share")

    def shade(self, light: Light) -> Light:
        """Multiply the light by cos⁴ of the angle to the axis, and by the tint.

        The angle is chosen so that `depth` is lost half a diagonal away from the centre: in the corners, if there is no offset.
        """
        x, y = light.pixels()
        height, width = light.warp.size
        square = ((x - (0.5 + self.offset_x) * width) ** 2 + (y - (0.5 + self.offset_y) * height) ** 2) / (0.25 * (width**2 + height**2))
        squared_tangent = 1.0 / np.sqrt(1.0 - self.depth) - 1.0  # of the angle half a diagonal away, since cos⁴ = 1 / (1 + tan²)²
        fallen = (1.0 + squared_tangent * square).astype(np.float32) ** np.float32(-2.0 * GAMMA)
        if not (self.red or self.blue):
            return light.lit(fallen)
        # The channels are separate planes in memory, as in `Light.gain`.
        red, blue = (fallen * (1.0 + np.float32(GAMMA * more) * square.astype(np.float32)) for more in (self.red, self.blue))
        return light.lit(np.moveaxis(np.stack([red, fallen, blue]), 0, -1))
