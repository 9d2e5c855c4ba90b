"""Reading picture files of the formats that fastecg writes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fastecg.errors import ImageError
from fastecg.system.files import check_regular

#: Formats that Pillow may open, recognised by content. For some other formats it starts programs (PostScript).
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")


@contextmanager
def large_pictures() -> Iterator[None]:
    """Let Pillow open pictures of more than 89 million pixels without a warning. Pillow still refuses those of more than 179 million."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def read_image(path: Path) -> np.ndarray:
    """The pixels of a picture file, (height, width) uint8 if Pillow opens it in mode "L" (8-bit grey), else (height, width, 3) uint8.

    Raises
    ------
    ImageError
        If the file does not exist, is damaged, is not a picture in one of `FORMATS`, or has more than 179 million pixels.
    """
    from PIL import Image

    try:
        check_regular(path)
        with large_pictures(), Image.open(path, formats=FORMATS) as found:
            return np.array(found if found.mode in ("L", "RGB") else found.convert("RGB"))
    except Exception as fault:  # Pillow raises errors of many kinds: SyntaxError for a PNG that was cut short, struct.error, …
        raise ImageError(f"{path}: cannot be read as an image ({type(fault).__name__}), expected PNG, JPEG, WebP or TIFF") from None
