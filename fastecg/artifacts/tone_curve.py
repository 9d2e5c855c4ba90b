"""The tone curve of a picture: the levels that black and white become, and the curve between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fastecg.artifact import Artifact, Light, param


@dataclass(frozen=True)
class ToneCurve(Artifact):
    """Flare in the lens makes black brighter, the exposure decides how bright white is, and contrast and gamma bend the curve between."""

    black: float = param(0.0, 0, 110, "level that black (0) becomes, because of flare in lens and glass")
    white: float = param(255.0, 120, 330, "level that white (255) becomes; above 255, bright paper is overexposed")
    contrast: float = param(0.0, -0.6, 1.0, "above 0 the curve is steeper in the middle and flatter at its ends; below 0 it is the reverse")
    gamma: float = param(1.0, 0.4, 2.5, "exponent of levels (as shares of 255), before contrast; below 1 it brightens the middle")

    def shade(self, light: Light) -> Light:
        """Map 0 to `black` and 255 to `white` by a straight line, which is part of the light and so needs no pass of its own."""
        factor = np.float32((self.white - self.black) / 255.0)
        return replace(light, gain=light.gain * factor, veil=light.veil * factor + np.float32(self.black), gloss=light.gloss * factor)

    def level_table(self, sample: Callable[[], np.ndarray]) -> np.ndarray | None:
        """The curve, or None if neither `contrast` nor `gamma` bends it."""
        return self.table() if self.contrast != 0 or self.gamma != 1 else None

    def table(self) -> np.ndarray:
        """The curve, (256,) uint8, rising from 0 to 255: `gamma`, then a cubic that `contrast` makes steeper or flatter in the middle."""
        v = np.arange(256) / 255.0
        v = v**self.gamma
        return np.rint(255.0 * (v + self.contrast * v * (1 - v) * (2 * v - 1))).astype(np.uint8)
