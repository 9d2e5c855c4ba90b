"""A picture that is slightly out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param

_LEAST_PX = 0.3  # Standard deviation below which the blur cannot be seen and is skipped.


@dataclass(frozen=True)
class Defocus(Artifact):
    """Gaussian blur of the finished picture, the same everywhere; with `DepthOfField`, the blur differs from place to place."""

    sigma_px: float = param(0.8, 0, 6, "standard deviation of the blur")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Blur in place."""
        from fastecg.kernels.stencil import blur

        if self.sigma_px >= _LEAST_PX:
            blur(pixels, self.sigma_px)
        return pixels
