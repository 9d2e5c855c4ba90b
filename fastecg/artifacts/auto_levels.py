"""Automatic levels, as scanners and phones apply them: the darkest part of a picture becomes black, and its paper white."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class AutoLevels(Artifact):
    """Levels are stretched, wholly or in part, so that one quantile of the picture's brightness moves to black and another to white."""

    dark: float = param(0.002, 0, 0.2, "quantile of brightness that becomes black")
    bright: float = param(0.7, 0.3, 1, "quantile of brightness that becomes white")
    strength: float = param(0.8, 0, 1, "share of the stretch that is applied, from none to all of it")
    least_range: float = param(100.0, 20, 255, "smallest range of levels that is stretched to all 256: a narrower one is mostly noise")

    def level_table(self, sample: Callable[[], np.ndarray]) -> np.ndarray:
        """The new value of every level, (256,) uint8; the quantiles are those of the sample."""
        from fastecg.kernels.grey import brightness_counts

        counts = brightness_counts(sample())
        share = np.cumsum(counts) / counts.sum()  # of the pixels that are no brighter than each level
        black, white = int(np.searchsorted(share, self.dark)), int(np.searchsorted(share, self.bright))
        # If the quantiles are nearer than `least_range`, `black` is moved down, at most to 0, and the dark quantile stays grey. If `white`
        # itself is below `least_range`, the bright quantile does not become white either.
        black = min(black, max(white - round(self.least_range), 0))
        levels = np.arange(256)
        stretched = 255.0 * (levels - black) / max(white - black, self.least_range)
        return np.clip(np.rint(levels + self.strength * (stretched - levels)), 0, 255).astype(np.uint8)
