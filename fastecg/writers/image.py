"""Write pictures: PNG and colour JPEG by fastecg's encoders, grey JPEG by Pillow, WebP and TIFF by imageio. All store the resolution."""

from __future__ import annotations

import io
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fastecg.errors import ImageError
from fastecg.writers.jpeg import jpeg_bytes
from fastecg.writers.png import png_bytes

#: Suffix of temporary files.
PART = ".part"

# Tags of EXIF and TIFF.
_STRIP_OFFSETS = 273
_STRIP_LENGTHS = 279
_X_RESOLUTION = 282
_Y_RESOLUTION = 283
_RESOLUTION_UNIT = 296
_INCH = 2  # The value of the tag ResolutionUnit that stands for an inch.


def write_image(path: str | os.PathLike[str], image: np.ndarray, *, dpi: float, quality: int | None = None) -> int:
    """Write a picture, so that its file appears whole or not at all.

    Parameters
    ----------
    path : path
        Its suffix says the format: ``.png``, ``.jpg``, ``.jpeg``, ``.webp``, ``.tiff`` or ``.tif``.
    image : ndarray, uint8, shape (height, width, 3) or (height, width)
        PNG takes uint16 too.
    dpi : float
        Dots per inch, stored in the file.
    quality : int, optional
        1 to 100, for JPEG (95 unless given) and WebP (90).

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    ImageError
        If the suffix or the quality is not one of these, or if a PNG or JPEG cannot hold such an array.
    """
    body = image_bytes(image, Path(path).suffix, dpi=dpi, quality=quality, name=Path(path).name)
    write_atomic(path, body)
    return len(body)


def image_bytes(image: np.ndarray, suffix: str, *, dpi: float, quality: int | None = None, name: str = "image") -> bytes:
    """A picture as the bytes of a file with this suffix; parameters and errors as in `write_image`."""
    if suffix.lower() not in FORMATS:
        raise ImageError(f"{name}: cannot write {suffix or 'a file without suffix'}, expected one of {', '.join(FORMATS)}")
    if quality is not None and not 1 <= quality <= 100:
        raise ImageError(f"{name}: the quality is {quality}, expected 1 to 100")
    return FORMATS[suffix.lower()](image, dpi, quality)


def write_atomic(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write a file under a temporary name and rename it, so that it appears whole or not at all. Missing folders are made."""
    target = os.fspath(path)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(6)}{PART}")
    try:
        with _new_file(temporary) as file:
            file.write(data)
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.remove(temporary)
        if isinstance(error, OSError):
            error.filename = target  # the error of a full disk has no file name
        raise


def _new_file(path: str) -> BinaryIO:
    """Make a file, and its folder if there is none."""
    try:
        return open(path, "xb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "xb")


def whole_name(temporary: str) -> str | None:
    """The final name of a file that `write_atomic` calls `temporary`; None if it is no such name."""
    found = re.fullmatch(rf"\.(.+)\.[0-9a-f]{{12}}{re.escape(PART)}", temporary)
    return found and found[1]


def _png(image: np.ndarray, dpi: float, quality: int | None) -> bytes:
    return png_bytes(image, dpi=dpi)


def _jpeg(image: np.ndarray, dpi: float, quality: int | None) -> bytes:
    from PIL import Image

    coloured = image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
    if coloured:
        return jpeg_bytes(image, dpi=dpi, quality=quality or 95)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality or 95, dpi=(round(dpi), round(dpi)))
    return file.getvalue()


def _webp(image: np.ndarray, dpi: float, quality: int | None) -> bytes:
    import imageio.v3 as iio
    from PIL import Image

    exif = Image.Exif()  # WebP has no field of its own for the resolution
    exif[_X_RESOLUTION] = exif[_Y_RESOLUTION] = float(dpi)
    exif[_RESOLUTION_UNIT] = _INCH
    # Of the encoder's methods, 0 (fast) to 6 (small files), 2 takes less time than the usual 4.
    return iio.imwrite("<bytes>", image, extension=".webp", plugin="pillow", quality=quality or 90, method=2, exif=exif.tobytes())


def _tiff(image: np.ndarray, dpi: float, quality: int | None) -> bytes:
    import imageio.v3 as iio

    # By Pillow, because tifffile writes its own name into the file.
    resolution = (float(dpi), float(dpi))
    return _padded_with_zeros(
        iio.imwrite("<bytes>", image, extension=".tiff", plugin="pillow", compression="tiff_adobe_deflate", dpi=resolution)
    )


def _padded_with_zeros(tiff: bytes) -> bytes:
    """A TIFF file in which the byte between pixels and directory, if there is one, is set to 0, as libtiff leaves it uninitialised."""
    from PIL import Image

    with Image.open(io.BytesIO(tiff), formats=["TIFF"]) as opened:
        tags = opened.tag_v2  # type: ignore[attr-defined]
        end = tags[_STRIP_OFFSETS][-1] + tags[_STRIP_LENGTHS][-1]
    directory = int.from_bytes(tiff[4:8], "little")
    return tiff[:end] + bytes(max(directory - end, 0)) + tiff[max(directory, end) :]


#: Suffix -> encoder, which gets the image, dots per inch, and the quality (None: the usual one of the format).
FORMATS: dict[str, Callable[[np.ndarray, float, int | None], bytes]] = {
    ".png": _png,
    ".jpg": _jpeg,
    ".jpeg": _jpeg,
    ".webp": _webp,
    ".tiff": _tiff,
    ".tif": _tiff,
}
