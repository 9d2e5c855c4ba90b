"""Write the image of a picture, and up to four kinds of its truth."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastecg.errors import ImageError
from fastecg.writers.image import image_bytes, write_atomic
from fastecg.writers.png import png_bytes
from fastecg.writers.truth_json import truth_bytes

if TYPE_CHECKING:
    from fastecg.photo import Photo


def save_photo(photo: Photo, path: Path, *, quality: int | None = None, truth: Sequence[str] = ("json",)) -> tuple[bytes, dict[str, int]]:
    """Write a picture and its truth. The image is written last, so that wherever an image exists, its truth is complete.

    Parameters
    ----------
    photo : Photo
    path : Path
        Path of the image. Its suffix gives the format. Truth files have the same stem.
    quality : int, optional
        See `write_image`.
    truth : sequence of str
        Which kinds of truth are written: keys of `TRUTHS`.

    Returns
    -------
    (bytes, dict)
        The content of the image file, and the size in bytes of each kind of truth.

    Raises
    ------
    ImageError
        If the format, the quality or a kind of truth is unknown.
    """
    for kind in truth:
        if kind not in TRUTHS:
            raise ImageError(f"{path.name}: unknown truth {kind!r}, expected one of {', '.join(TRUTHS)}")
    body = image_bytes(photo.image, path.suffix, dpi=photo.shot.dpi, quality=quality, name=path.name)
    sizes = {}
    for kind in truth:
        suffix, encode = TRUTHS[kind]
        data = encode(photo)
        write_atomic(path.with_name(path.stem + suffix), data)
        sizes[kind] = len(data)
    write_atomic(path, body)
    return body, sizes


def _mask(photo: Photo) -> bytes:
    return png_bytes(photo.truth.mask(), dpi=photo.shot.dpi)


def _layers(photo: Photo) -> bytes:
    """`Truth.layers` in 16-bit grey. With leads beyond the twelve there are more bits, in red, green and blue, the lowest 8 in red."""
    layers = photo.truth.layers()
    if layers.dtype != np.uint16:
        layers = np.ascontiguousarray(layers.astype("<u4")[..., None].view(np.uint8)[..., :3])
    return png_bytes(layers, dpi=photo.shot.dpi)


def _warp(photo: Photo) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(photo.warp.dense(), dtype=np.float32), allow_pickle=False)
    return file.getvalue()


#: Kind of truth -> ending of its files after the image's stem, and the encoder. The warp is an array (height, width, 2): the page point
#: (x, y), in mm, under each pixel.
TRUTHS: dict[str, tuple[str, Callable[[Photo], bytes]]] = {
    "json": (".json", truth_bytes),
    "mask": (".mask.png", _mask),
    "layers": (".layers.png", _layers),
    "warp": (".warp.npy", _warp),
}
