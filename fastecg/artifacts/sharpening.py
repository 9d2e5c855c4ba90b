"""What phones do to every picture: edges made steeper than they are, with a bright halo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class Sharpening(Artifact):
    """Unsharp masking."""

    amount: float = param(0.5, 0, 2, "how much of the difference to the blurred picture is added")
    sigma_px: float = param(1.2, 0.4, 4, "of the blurred picture: the width of the halo")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Make v + amount * (v - blurred), in place."""
        from fastecg.kernels.stencil import sharpen

        if self.amount >= 0.01:
            sharpen(pixels, self.sigma_px, self.amount)
        return pixels
