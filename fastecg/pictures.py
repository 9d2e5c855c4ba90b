"""Picture files in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastecg.errors import ImageError


def read_image(path: Path) -> np.ndarray:
    """A picture file's pixels, (height, width) or (height, width, 3) uint8.

    Raises
    ------
    ImageError
        If it is missing, damaged, or no picture.
    """
    import imageio.v3 as iio

    try:
        return iio.imread(path, plugin="pillow")  # no other plugin is to try its luck
    except Exception as fault:  # Pillow raises what it runs into: SyntaxError for a PNG cut short, struct.error, …
        raise ImageError(f"{path}: cannot be read as an image ({type(fault).__name__}), expected PNG, JPEG, WebP or TIFF") from None
