"""The picture was a JPEG before: sent by a messenger, or cut from another."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, value


@dataclass(frozen=True)
class Jpeg(Artifact):
    """Compressed and decoded again, with blocks that need not begin at the picture's corner."""

    quality: int = value(70, 5, 98, "as libjpeg counts")
    block_x: int = value(0, 0, 15, "px from the picture's left side to the first block's")
    block_y: int = value(0, 0, 15, "px from the picture's top to the first block's")
    times: int = value(1, 1, 3, "how often; the blocks move on by (5, 3) px each time")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """There and back through memory: some 15 ms a megapixel and time."""
        for k in range(self.times):
            pixels = _recompressed(pixels, self.quality, (self.block_x + 5 * k) % 16, (self.block_y + 3 * k) % 16)
        return pixels


def _recompressed(pixels: np.ndarray, quality: int, left: int, top: int) -> np.ndarray:
    """The picture with a margin of its own edge on the left and top, through JPEG, without the margin."""
    from PIL import Image

    margin = np.pad(pixels, ((top, 0), (left, 0), (0, 0)), mode="edge") if left or top else pixels
    stream = io.BytesIO()
    Image.fromarray(margin).save(stream, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(stream))[top:, left:].copy()  # its one copy: a page has 30 MB
