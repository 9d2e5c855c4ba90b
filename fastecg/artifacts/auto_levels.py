"""Automatic levels, as of scanners and phones: the darkest part of a picture becomes black, and its paper white."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class AutoLevels(Artifact):
    """Levels drawn out between two quantiles of the picture's brightness, or a share of the way there."""

    dark: float = param(0.002, 0, 0.2, "share of the picture that becomes black")
    bright: float = param(0.7, 0.3, 1, "quantile of the picture that becomes white")
    strength: float = param(0.8, 0, 1, "how much of the way")
    least_range: float = param(100.0, 20, 255, "smallest range of levels that is stretched to all 256: a narrower one would become noise")

    def level_table(self, sample: Callable[[], np.ndarray]) -> np.ndarray:
        """The stretched levels."""
        from fastecg.kernels.grey import brightness_counts

        counts = brightness_counts(sample())
        share = np.cumsum(counts) / counts.sum()
        low, high = int(np.searchsorted(share, self.dark)), int(np.searchsorted(share, self.bright))
        low = min(low, max(high - round(self.least_range), 0))
        levels = np.arange(256)
        stretched = 255.0 * (levels - low) / max(high - low, self.least_range)
        return np.clip(np.rint(levels + self.strength * (stretched - levels)), 0, 255).astype(np.uint8)
