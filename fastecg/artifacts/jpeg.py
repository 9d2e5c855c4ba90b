"""The picture was a JPEG before: sent by a messenger, or cut from another."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param

_BAND = 256  # rows copied at once


@dataclass(frozen=True)
class Jpeg(Artifact):
    """Compressed and decoded again, with blocks that need not begin at the picture's corner."""

    quality: int = param(70, 5, 98, "as libjpeg counts")
    block_x: int = param(0, 0, 15, "px from the picture's left side to the first block's")
    block_y: int = param(0, 0, 15, "px from the picture's top to the first block's")
    times: int = param(1, 1, 3, "how often; the blocks move on by (5, 3) px each time")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """There and back through memory: some 15 ms a megapixel and time."""
        for k in range(self.times):
            pixels = _recompressed(pixels, self.quality, (self.block_x + 5 * k) % 16, (self.block_y + 3 * k) % 16)
        return pixels


def _recompressed(pixels: np.ndarray, quality: int, left: int, top: int) -> np.ndarray:
    """The picture with a margin of its own edge on the left and top, through JPEG, without the margin; in place.

    At most one more picture is held besides: a large one has 40 MB.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    from fastecg.kernels.rgbx import to_rgbx

    stream = io.BytesIO()
    to_rgbx(pixels, left, top).save(stream, "JPEG", quality=quality, subsampling=2)
    stream.seek(0)
    picture = JpegImageFile(stream)  # and not Image.open, which takes large pictures for an attack
    for start in range(0, len(pixels), _BAND):
        band = pixels[start : start + _BAND]
        band[:] = np.asarray(picture.crop((left, top + start, left + pixels.shape[1], top + start + len(band))))
    return pixels
