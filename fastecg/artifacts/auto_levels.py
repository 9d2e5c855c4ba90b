"""What scanners and phones do unasked: the darkest of a picture becomes black, and its paper white."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param

_EVERY = 5  # rows and columns looked at: some 100,000 pixels tell the quantiles


@dataclass(frozen=True)
class AutoLevels(Artifact):
    """Levels drawn out between two quantiles of the picture's brightness, or a share of the way there."""

    dark: float = param(0.002, 0, 0.2, "share of the picture that becomes black")
    bright: float = param(0.7, 0.3, 1, "quantile of the picture that becomes white")
    strength: float = param(0.8, 0, 1, "how much of the way")
    least_range: float = param(100.0, 20, 255, "levels between the two that are drawn out at most: a dull picture is no noise")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Every level through a table, in place."""
        from fastecg.kernels.curve import apply_lut

        apply_lut(pixels, self.table(pixels))
        return pixels

    def table(self, pixels: np.ndarray) -> np.ndarray:
        """The levels, (256,) uint8."""
        seen = pixels[::_EVERY, ::_EVERY].astype(np.uint16) @ np.array([77, 150, 29], dtype=np.uint16) >> 8
        share = np.cumsum(np.bincount(seen.ravel(), minlength=256)) / seen.size
        low, high = int(np.searchsorted(share, self.dark)), int(np.searchsorted(share, self.bright))
        low = min(low, max(high - round(self.least_range), 0))
        levels = np.arange(256)
        stretched = 255.0 * (levels - low) / max(high - low, self.least_range)
        return np.clip(np.rint(levels + self.strength * (stretched - levels)), 0, 255).astype(np.uint8)
