"""A little out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param

_LEAST_PX = 0.3  # Standard deviation below which the blur cannot be seen and is skipped.
_BAND = 64  # Rows that get one blur.


@dataclass(frozen=True)
class Defocus(Artifact):
    """Gaussian blur of the finished picture, less of it where a camera that looks at a sloping page is in focus."""

    sigma_px: float = param(0.8, 0, 6, "standard deviation of the blur")
    uneven: float = param(0.0, 0, 1, "share of it that is gone where the picture is sharpest")
    sharp_y: float = param(0.5, -0.5, 1.5, "where that is: 0 the picture's top, 1 its bottom")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Blur in place, every band of rows in its own way."""
        from fastecg.kernels.stencil import blur

        if self.sigma_px < _LEAST_PX:
            return pixels
        if self.uneven == 0:
            blur(pixels, self.sigma_px)
            return pixels
        reach = int(np.ceil(2.6 * self.sigma_px))
        above = pixels[:0]
        for start in range(0, len(pixels), _BAND):
            stop = min(start + _BAND, len(pixels))
            band = np.concatenate([above, pixels[start : stop + reach]])
            first, above = len(above), pixels[max(stop - reach, 0) : stop].copy()
            sigma = self.sigma_at((start + 0.5 * _BAND) / len(pixels))
            if sigma >= _LEAST_PX:
                blur(band, sigma)
                pixels[start:stop] = band[first : first + stop - start]
        return pixels

    def sigma_at(self, y: float) -> float:
        """Standard deviation, px, at a share of the picture's height: all of it from half of the height off the sharpest place on."""
        return self.sigma_px * (1.0 - self.uneven * (1.0 - min(2.0 * abs(y - self.sharp_y), 1.0)))
