"""The noise of a camera's or a scanner's sensor."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastecg.artifact import Artifact, Light, param
from fastecg.expose import Noise


@dataclass(frozen=True)
class SensorNoise(Artifact):
    """Noise whose variance is read² + shot² · brightness (0 black, 1 white). Part of it is colour noise in blocks of 2 x 2 pixels."""

    read_levels: float = param(1.5, 0, 16, "standard deviation at black, 8-bit levels")
    shot_levels: float = param(2.5, 0, 16, "standard deviation that light adds at white, 8-bit levels")
    chroma: float = param(0.35, 0, 1, "part of the standard deviation that is colour noise")
    seed: int = param(0, 0, 2**31, "decides the noise of every pixel, together with the pixel's position")

    def shade(self, light: Light) -> Light:
        """Add the noise to the light, so that it is applied when the picture is exposed."""
        return replace(light, noise=Noise(self.seed, self.read_levels, self.shot_levels, self.chroma))
