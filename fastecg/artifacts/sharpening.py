"""Sharpening, as phones apply it to every picture: edges become steeper and have halos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class Sharpening(Artifact):
    """Unsharp masking: the difference between the picture and a blurred copy is added to the picture."""

    amount: float = param(0.5, 0, 2, "factor on the difference that is added")
    sigma_px: float = param(1.2, 0.4, 4, "standard deviation of the blur; it decides how wide halos are")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Replace every level v by v + amount * (v - blurred v), in place."""
        from fastecg.kernels.stencil import sharpen

        if self.amount >= 0.01:  # less cannot be seen
            sharpen(pixels, self.sigma_px, self.amount)
        return pixels
