"""The conversion of light to levels: the levels of black and white, and the curve between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fastecg.artifact import Artifact, Light, param


@dataclass(frozen=True)
class ToneCurve(Artifact):
    """Flare in the lens makes black brighter, the exposure decides how bright white is, and contrast and gamma bend the curve between."""

    black: float = param(0.0, 0, 110, "level of the darkest ink: flare of lens and glass")
    white: float = param(255.0, 120, 330, "level of the whitest paper; above 255 it burns out")
    contrast: float = param(0.0, -0.6, 1.0, "steeper in the middle, flatter at the ends; below 0 the other way round")
    gamma: float = param(1.0, 0.4, 2.5, "below 1 brightens the middle")

    def shade(self, light: Light) -> Light:
        """Black and white define a straight line, which is applied at no cost when the picture is exposed."""
        factor = np.float32((self.white - self.black) / 255.0)
        return replace(light, gain=light.gain * factor, veil=light.veil * factor + np.float32(self.black), gloss=light.gloss * factor)

    def level_table(self, sample: Callable[[], np.ndarray]) -> np.ndarray | None:
        """The curve, where there is one."""
        return self.table() if self.contrast != 0 or self.gamma != 1 else None

    def table(self) -> np.ndarray:
        """The curve, (256,) uint8, rising from 0 to 255."""
        v = np.arange(256) / 255.0
        v = v**self.gamma
        return np.rint(255.0 * (v + self.contrast * v * (1 - v) * (2 * v - 1))).astype(np.uint8)
