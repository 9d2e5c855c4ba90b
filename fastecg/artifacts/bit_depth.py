"""A scan with few levels or without colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class BitDepth(Artifact):
    """Every channel is rounded to the number of levels that its bits allow; colours may become grey."""

    bits: int = param(8, 1, 8, "bits per channel")
    grey: bool = param(False, help="whether colours become grey")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Replace colours by their brightness (ITU-R BT.601) if `grey`, then round to 2 ** `bits` evenly spaced levels, in place."""
        from fastecg.kernels.curve import apply_lut
        from fastecg.kernels.grey import desaturate

        if self.grey:
            desaturate(pixels)
        if self.bits < 8:
            steps = 2**self.bits - 1
            apply_lut(pixels, np.rint(np.rint(np.arange(256) / 255.0 * steps) * (255.0 / steps)).astype(np.uint8))
        return pixels
