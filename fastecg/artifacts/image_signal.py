"""The image signal processor of a phone: denoising and sharpening of its sensor's picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class ImageSignal(Artifact):
    """Noise is removed from brightness and, at half the size, from colours; edges are made steeper, and some mottle remains.

    A sensor sees one colour a pixel, so colours are soft where brightness is sharp (Karaimer and Brown 2016).
    """

    core: int = param(2, 0, 12, "levels up to which a detail is taken for noise")
    kept: float = param(0.5, 0, 1, "share of that noise that stays")
    sharpen: float = param(0.8, 0, 3, "how much details beyond it grow")
    sigma_px: float = param(1.0, 0.4, 4, "of the blurred picture that details are measured against: the width of the halo")
    limit: int = param(60, 4, 255, "largest contrast of a detail, in levels, that is amplified: it limits the halo")
    colour_px: float = param(2.0, 0, 6, "how far colours are smeared, standard deviation")
    mottle: float = param(0.5, 0, 4, "standard deviation of the patches that stay, levels")
    seed: int = param(0, 0, 2**31, "of the patches")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Denoise, sharpen and mottle, in place."""
        from fastecg.kernels.phone_processing import process

        passes = round(self.colour_px**2 / 2.0)  # one pass of 1-2-1 at half the size has a variance of 2 px²
        process(
            pixels, self.sigma_px, core=self.core, kept=self.kept, sharpen=self.sharpen, limit=self.limit, passes=passes,
            mottle=self.mottle, seed=self.seed,
        )  # fmt: skip
        return pixels
