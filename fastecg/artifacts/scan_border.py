"""Dark or bright bands at a scan's edges: the lid's shadow, a lid not closed, a page not flat on the glass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param


@dataclass(frozen=True)
class ScanBorder(Artifact):
    """Light that falls (or rises, below 0) towards some edges of the picture."""

    left: float = param(0.0, -0.5, 0.95, "share of the light missing at the left edge")
    right: float = param(0.0, -0.5, 0.95, "at the right edge")
    top: float = param(0.0, -0.5, 0.95, "at the top")
    bottom: float = param(0.0, -0.5, 0.95, "at the bottom")
    reach_mm: float = param(4.0, 0.3, 60, "to 37 % of it")

    def shade(self, light: Light) -> Light:
        """Exponential from each edge."""
        x, y = light.pixels()
        height, width = light.warp.size
        reach = self.reach_mm * light.warp.scale
        sides = ((self.left, x), (self.right, width - 1 - x), (self.top, y), (self.bottom, height - 1 - y))
        gain = np.ones(light.relief.shape)
        for missing, distance in sides:
            if missing != 0:
                gain = gain * (1.0 - missing * np.exp(-np.maximum(distance, 0.0) / reach))
        return light.lit(gain**GAMMA)
