"""Picture files in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastecg.errors import ImageError

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")  # and none that would start a program


def read_image(path: Path) -> np.ndarray:
    """A picture file's pixels, (height, width) or (height, width, 3) uint8.

    Raises
    ------
    ImageError
        If it is missing, damaged, or no picture.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=_FORMATS) as found:
            return np.array(found.convert("RGB") if found.mode in ("P", "CMYK", "YCbCr") else found)
    except Exception as fault:  # Pillow raises what it runs into: SyntaxError for a PNG cut short, struct.error, …
        raise ImageError(f"{path}: cannot be read as an image ({type(fault).__name__}), expected PNG, JPEG, WebP or TIFF") from None
