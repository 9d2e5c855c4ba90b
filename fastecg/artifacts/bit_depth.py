"""Few levels, or no colours: how a scanner was set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class BitDepth(Artifact):
    """Levels rounded to as many as the bits can name, in colour or in grey."""

    bits: int = param(8, 1, 8, "a channel")
    grey: bool = param(False, help="without colours")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Grey as television weighs the channels (ITU-R BT.601); levels through a table. In place."""
        from fastecg.kernels.curve import apply_lut
        from fastecg.kernels.grey import desaturate

        if self.grey:
            desaturate(pixels)
        if self.bits < 8:
            steps = 2**self.bits - 1
            apply_lut(pixels, np.rint(np.rint(np.arange(256) / 255.0 * steps) * (255.0 / steps)).astype(np.uint8))
        return pixels
