"""Dark or bright bands at a scan's edges: the lid's shadow, a lid not closed, a page not flat on the glass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param

_PIECE_MM = 60.0  # Length of the pieces of an edge along which the logarithm of the reach changes linearly.


@dataclass(frozen=True)
class ScanBorder(Artifact):
    """The picture gets darker, or brighter if values are below 0, towards some edges."""

    left: float = param(0.0, -0.5, 0.95, "share of the light that is missing at the left edge")
    right: float = param(0.0, -0.5, 0.95, "share of the light that is missing at the right edge")
    top: float = param(0.0, -0.5, 0.95, "share of the light that is missing at the upper edge")
    bottom: float = param(0.0, -0.5, 0.95, "share of the light that is missing at the lower edge")
    reach_mm: float = param(4.0, 0.3, 60, "distance from an edge at which the loss has fallen to 37 %")
    uneven: float = param(0.0, 0, 1, "how much `reach_mm` differs along an edge")
    seed: int = param(0, 0, 2**31 - 1, "decides how `reach_mm` differs")

    def shade(self, light: Light) -> Light:
        """Apply a loss of light that falls exponentially with the distance from each edge of the picture."""
        x, y = light.pixels()
        height, width = light.warp.size
        reach = self.reach_mm * light.warp.scale
        sides = ((self.left, x, y), (self.right, width - 1 - x, y), (self.top, y, x), (self.bottom, height - 1 - y, x))
        gain = np.ones(light.relief.shape)
        rng = np.random.default_rng(self.seed)
        for missing, distance, along in sides:
            # Paper and lid touch the glass in some places only: along the edge, the logarithm of the reach changes in straight pieces,
            # with a trend, and repeats after eight pieces (480 mm). Random numbers are drawn even for an edge without a loss, so that those
            # of the other edges do not depend on the loss.
            knots = rng.normal(0, 0.5, 9) + np.interp(np.arange(9), (0, 8), rng.normal(0, 0.7, 2))
            if missing != 0:
                place = along / (_PIECE_MM * light.warp.scale) % (len(knots) - 1)
                local_reach = reach * np.exp(self.uneven * np.interp(place, np.arange(len(knots)), knots))
                gain = gain * (1.0 - missing * np.exp(-np.maximum(distance, 0.0) / local_reach))
        return light.lit(gain**GAMMA)
