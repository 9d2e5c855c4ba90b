"""The image signal processor of a phone: denoising and sharpening of its sensor's picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class ImageSignal(Artifact):
    """Brightness is denoised and sharpened, colours are smoothed at half the resolution, and faint patches of noise (mottle) are added.

    Each pixel of a sensor measures one colour only, so colours are less sharp than brightness (Karaimer and Brown 2016). A detail
    is the difference between the brightness of a pixel and that of the blurred picture.
    """

    core: int = param(2, 0, 12, "a detail (brightness minus blurred brightness) counts as noise up to this many levels")
    kept: float = param(0.5, 0, 1, "factor on the noise")
    sharpen: float = param(0.8, 0, 3, "the rest of a detail is multiplied by 1 plus this")
    sigma_px: float = param(1.0, 0.4, 4, "standard deviation of the blur; it decides how wide halos are")
    limit: int = param(
        60, 4, 255, "largest rest of a detail, levels; a larger one is cut to this before it is multiplied, which limits halos"
    )
    colour_px: float = param(2.0, 0, 6, "standard deviation of the smoothing of colours")
    mottle: float = param(0.5, 0, 4, "standard deviation of the mottle, levels")
    seed: int = param(0, 0, 2**31, "decides the mottle")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Denoise and sharpen the picture and add mottle, in place."""
        from fastecg.kernels.phone_processing import process

        passes = round(self.colour_px**2 / 2.0)  # one pass of the filter 1-2-1 at half the resolution has a variance of 2 px²
        process(
            pixels, self.sigma_px, core=self.core, kept=self.kept, sharpen=self.sharpen, limit=self.limit, passes=passes,
            mottle=self.mottle, seed=self.seed,
        )  # fmt: skip
        return pixels
