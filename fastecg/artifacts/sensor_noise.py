"""The grain of a sensor."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastecg.artifact import Artifact, Light, param
from fastecg.expose import Noise


@dataclass(frozen=True)
class SensorNoise(Artifact):
    """Noise with the variance read² + shot² · brightness. A part of it is colour, at half the resolution."""

    read_levels: float = param(1.5, 0, 16, "standard deviation at black, 8-bit levels")
    shot_levels: float = param(2.5, 0, 16, "what light adds to it at white, 8-bit levels")
    chroma: float = param(0.35, 0, 1, "part of it that is colour")
    seed: int = param(0, 0, 2**31, "with the pixel's place, decides every grain")

    def shade(self, light: Light) -> Light:
        """Add the noise to the light, so that it is applied when the picture is exposed."""
        return replace(light, noise=Noise(self.seed, self.read_levels, self.shot_levels, self.chroma))
