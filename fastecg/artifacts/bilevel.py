"""Black or white: a scan with one bit a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts.photocopy import speck_places

_STEP = 32  # Distance in px of the nodes at which the threshold is computed.
_CLOUD_MM = 60.0  # Distance in mm over which the threshold varies.


@dataclass(frozen=True)
class Bilevel(Artifact):
    """Pixels are black below a threshold on brightness and white above it. The threshold varies over the page, and there are specks."""

    threshold: float = param(
        0.62, 0.1, 0.98, "brightness (0 to 1) below which a pixel is ink; a high one keeps the grid, a low one loses thin lines"
    )
    softness: float = param(0.0, 0, 0.3, "range of brightness (0 to 1) that becomes grey, between black and white; 0 leaves no grey")
    unevenness: float = param(0.03, 0, 0.3, "how much the threshold varies over the page, in brightness (0 to 1)")
    grain: float = param(0.02, 0, 0.2, "standard deviation of the threshold from pixel to pixel, in brightness (0 to 1)")
    specks: float = param(0.0003, 0, 0.02, "share of pixels that are inverted")
    seed: int = param(0, 0, 2**31, "decides where the threshold differs and where specks are")
    least: float = param(
        0.0,
        0,
        0.5,
        "automatic exposure: the threshold is raised until this share of strips (1 px wide, 8 mm high) in the page's middle has ink, "
        "within limits, and lowered if paper would become black; 0 turns it off",
    )

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Make every pixel black or white by the threshold at its place (grey near it if `softness`), then invert the specks, in place."""
        from fastecg.kernels.grey import from_grey, ink_threshold, smooth_noise, threshold, threshold_error, to_grey

        rng = np.random.default_rng(self.seed)
        height, width = pixels.shape[:2]
        clouds = smooth_noise((height, width), _STEP, _CLOUD_MM * px_per_mm, self.seed)
        plane = to_grey(pixels)
        # The threshold in levels (0 to 255): its mean, and its values at the nodes.
        middle = ink_threshold(plane, 255.0 * self.threshold, self.least, px_per_mm, threshold_error(self.unevenness, self.grain))
        level = (middle + 255.0 * self.unevenness * clouds).astype(np.float32)
        threshold(plane, level, _STEP, max(127.5 * self.softness, 0.5), 255.0 * self.grain, self.seed)
        x, y = speck_places(rng.poisson(self.specks * height * width), height, width, rng)
        plane[y, x] = 255 - plane[y, x]
        from_grey(plane, pixels)
        return pixels
