"""The picture was a JPEG before: sent by a messenger, or cut from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class Jpeg(Artifact):
    """Compressed and decoded again, with blocks that need not begin at the picture's corner."""

    quality: int = param(70, 5, 98, "as libjpeg counts")
    block_x: int = param(0, 0, 15, "px from the picture's left side to the first block's")
    block_y: int = param(0, 0, 15, "px from the picture's top to the first block's")
    times: int = param(1, 1, 3, "how often; the blocks move on by (5, 3) px each time")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Apply the losses of JPEG in place, without writing a file: some 2.5 ms per megapixel and generation."""
        from fastecg.kernels.jpeg import recompress

        for k in range(self.times):
            recompress(pixels, self.quality, (self.block_x + 5 * k) % 16, (self.block_y + 3 * k) % 16)
        return pixels
