"""A little out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, value


@dataclass(frozen=True)
class Defocus(Artifact):
    """Gaussian blur of the finished picture."""

    sigma_px: float = value(0.8, 0, 6, "standard deviation of the blur")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Blur in place; below 0.3 px there is nothing to see."""
        from fastecg.kernels.stencil import blur

        if self.sigma_px >= 0.3:
            blur(pixels, self.sigma_px)
        return pixels
