"""PNG, fast: one filter for the whole image and a Deflate of our own.

A page of ECG paper is mostly repetition, which Deflate finds by itself: no filter at all packs a clean page as small as the usual
five-filter search, in a tenth of the time. Noise makes neighbours differ by little, which the Paeth filter turns into small numbers.
One look at some rows tells the two apart.

Equal pixels make equal bytes, on every processor and in every process; see `fastecg.kernels.deflate`.

Format: Portable Network Graphics, third edition (W3C, 2025).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from fastecg.errors import ImageError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UNIT_METRE = 1
_COLOUR_TYPE = {1: 0, 3: 2, 4: 6}  # channels -> grey, RGB, RGBA
_PRINT, _NOISE = 0.2, 0.5  # shares of bytes like no neighbour; between these, both filters are tried on some rows
_BANDS, _BAND = 4, 8  # bands tried, and rows of each
_LEVELS = range(4)
_STRIDE_IN_NOISE = 4  # pixels from one search for repeats to the next: there are few
_LOOKED_AT = 64  # rows compared with their neighbours to choose the filter


def png_bytes(image: np.ndarray, *, dpi: float | None = None, level: int = 1) -> bytes:
    """Encode an image as PNG.

    Parameters
    ----------
    image : ndarray, uint8 or uint16, shape (height, width) or (height, width, 1 | 3 | 4)
        Grey, RGB or RGBA.
    dpi : float, optional
        Dots per inch, stored in the file.
    level : int
        How long to look for repetition, 0 (fast) to 3 (small).

    Raises
    ------
    ImageError
        If the array is no such image, or there is no such level.
    """
    if level not in _LEVELS:
        raise ImageError(f"level {level} of PNG, expected 0 (fast) to 3 (small)")
    pixels = _checked(image)
    height, width, channels = pixels.shape
    depth = 8 * pixels.itemsize
    head = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPE[channels], 0, 0, 0)
    chunks = [_SIGNATURE, _chunk(b"IHDR", head)]
    if dpi is not None:
        per_metre = round(dpi / 0.0254)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, _UNIT_METRE)))
    chunks.append(_chunk(b"IDAT", _compressed(_rows(pixels), channels * pixels.itemsize, level)))
    chunks.append(_chunk(b"IEND", b""))
    return b"".join(chunks)


def _checked(image: np.ndarray) -> np.ndarray:
    """`image` as (height, width, channels), or an `ImageError` that says what was expected."""
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    good = pixels.ndim == 3 and pixels.shape[2] in _COLOUR_TYPE and pixels.dtype in (np.uint8, np.uint16) and pixels.size > 0
    if not good:
        raise ImageError(
            f"an array of shape {np.shape(image)} and type {pixels.dtype} is no image, "
            "expected uint8 or uint16 of shape (height, width) or (height, width, 3)"
        )
    return pixels


def _rows(pixels: np.ndarray) -> np.ndarray:
    """The bytes of every row, shape (height, bytes a row), as PNG orders them (high byte first)."""
    if pixels.itemsize == 2:
        pixels = pixels.astype(">u2")
    return np.ascontiguousarray(pixels).reshape(pixels.shape[0], -1).view(np.uint8)


def _compressed(rows: np.ndarray, pixel: int, level: int) -> memoryview:
    """Rows filtered and packed; `pixel` is the bytes of one."""
    noise = _noise(rows, pixel)
    if _PRINT < noise < _NOISE:
        sample = _bands(rows)
        is_noisy = len(_packed(sample, pixel, level, True)) < len(_packed(sample, pixel, level, False))
    else:
        is_noisy = noise >= _NOISE
    return _packed(rows, pixel, level, is_noisy)


def _packed(rows: np.ndarray, pixel: int, level: int, is_noisy: bool) -> memoryview:
    """Rows packed with the filter for noise or with none."""
    from fastecg.kernels.deflate import room, zlib_stream
    from fastecg.kernels.row_filters import paeth_rows, plain_rows

    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    if is_noisy:
        paeth_rows(rows, pixel, filtered)
    else:
        plain_rows(rows, filtered)
    out = np.empty(room(filtered.size), np.uint8)
    size = zlib_stream(filtered.ravel(), filtered.shape[1], pixel * (_STRIDE_IN_NOISE if is_noisy else 1), level, out)
    return out[:size].data


def _noise(rows: np.ndarray, pixel: int) -> float:
    """Share of bytes that differ from the pixel above and from the one before: print repeats itself, sensor noise does not."""
    if rows.shape[0] < 2 or rows.shape[1] <= pixel:
        return 0.0
    step = max(1, (rows.shape[0] - 1) // _LOOKED_AT)
    lower = rows[1::step]
    upper = rows[:-1:step][: len(lower)]
    differs = (lower != upper)[:, pixel:] & (lower[:, pixel:] != lower[:, :-pixel])
    return float(np.count_nonzero(differs) / differs.size)


def _bands(rows: np.ndarray) -> np.ndarray:
    """Some rows of every part of the picture, as long as they are many."""
    count = rows.shape[0] // _BANDS
    return np.concatenate([rows[k * count : k * count + _BAND] for k in range(_BANDS)]) if count > _BAND else rows


def _chunk(kind: bytes, body: bytes | memoryview) -> bytes:
    return b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))))
