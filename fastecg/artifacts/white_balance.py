"""The colour of the light, as far as the camera did not correct it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param

# Matrix from CIE XYZ to linear sRGB (IEC 61966-2-1).
_TO_SRGB = ((3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570))


@dataclass(frozen=True)
class WhiteBalance(Artifact):
    """The colour cast of the light, from a candle to an overcast sky, as far as the camera's white balance has left it."""

    kelvin: float = param(4500.0, 2000, 12000, "colour temperature of the light")
    remaining: float = param(0.25, 0, 1, "share of the cast that the camera has left")
    green: float = param(0.0, -0.2, 0.2, "additional green (below 0: magenta) in the light, as of fluorescent tubes")

    def shade(self, light: Light) -> Light:
        """Multiply each channel by a factor, which is 1 for the brightest channel, so that nothing is overexposed."""
        colour = light_colour(self.kelvin) * np.array([1.0, 1.0 + self.green, 1.0])
        gains = (colour / colour.max()) ** (GAMMA * self.remaining)
        return light.lit(gains.astype(np.float32)[None, None, :])


def light_colour(kelvin: float) -> np.ndarray:
    """Linear sRGB (3,) of white paper in light of a colour temperature in K, with a luminance of 1, each channel at least 0.02.

    From 4000 K on the colour is that of the CIE daylight locus, below that of the Planckian locus (Kim et al. 2002). The polynomial for y
    holds from 2222 K on and is used below, too.
    """
    # Chromaticity x, y by the published polynomials.
    t = 1000.0 / kelvin
    if kelvin < 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        cold = kelvin > 7000
        x = -2.0064 * t**3 + 1.9018 * t**2 + 0.24748 * t + 0.23704 if cold else -4.6070 * t**3 + 2.9678 * t**2 + 0.09911 * t + 0.244063
        y = -3.0 * x**2 + 2.870 * x - 0.275
    tristimulus = np.array([x / y, 1.0, (1.0 - x - y) / y])
    return np.maximum((np.array(_TO_SRGB) * tristimulus).sum(axis=1), 0.02)
