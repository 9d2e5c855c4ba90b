"""Encode PNG files fast: one filter for the whole image, and a kind of Deflate that suits it.

A page of ECG paper is mostly repetition, which Deflate finds by itself: without any filter, a clean page gets as small as by the usual
search among five filters, in a tenth of the time, and ISA-L has the fastest Deflate there is. In a page with noise, neighbouring
pixels differ by little. The Paeth filter turns pixels into such small differences, which do not repeat, so that Huffman coding alone is
used for them. A comparison of some rows decides between the two ways.

Equal pixels need not give equal bytes: ISA-L chooses its code by processor, and even on one machine it may pack a picture differently the
next time (1 of 30,000 was seen). Compare pixels, as by ``pixels_crc32`` in a manifest.

Format: Portable Network Graphics, third edition (W3C, 2025).
"""

from __future__ import annotations

import struct

import numpy as np
from isal import isal_zlib

from fastecg.errors import ImageError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UNIT_METRE = 1  # The unit of the resolution: pixels per metre.
_COLOUR_TYPE = {1: 0, 3: 2, 4: 6}  # Colour types of PNG by the number of channels: grey, RGB, RGBA.
_PRINT = 0.2  # A picture for which `_noise` gives at most this is packed as print, without a filter.
_NOISE = 0.5  # A picture for which `_noise` gives at least this is packed as noise. In between, both ways are tried on some rows.
_BANDS = 4  # Number of bands of rows for such a trial, spread over the picture's height.
_BAND_ROWS = 8  # Rows in a band.
_LEVELS = range(4)  # Levels of ISA-L's Deflate.
_PIECE_ROWS = 128  # Rows that are packed at a time.
_COMPARED_ROWS = 64  # About how many rows are compared with the rows above them for `_noise`.


def png_bytes(image: np.ndarray, *, dpi: float | None = None, level: int = 1) -> bytes:
    """Encode an image as PNG.

    Parameters
    ----------
    image : ndarray, uint8 or uint16, shape (height, width) or (height, width, 1 | 3 | 4)
        Grey, RGB or RGBA.
    dpi : float, optional
        Dots per inch, stored in the file.
    level : int
        How thoroughly repetition is searched for, 0 (fast) to 3 (small files). In a picture of noise, it is not searched for.

    Raises
    ------
    ImageError
        If the array is not such an image, or the level is not from 0 to 3.
    """
    if level not in _LEVELS:
        raise ImageError(f"there is no level {level} of PNG, expected 0 (fast) to 3 (small)")
    pixels = _checked(image)
    height, width, channels = pixels.shape
    depth = 8 * pixels.itemsize
    # The zeros stand for Deflate, the usual filters, and rows in order.
    head = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPE[channels], 0, 0, 0)
    chunks = [_SIGNATURE, _chunk(b"IHDR", head)]
    if dpi is not None:
        per_metre = round(dpi / 0.0254)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, _UNIT_METRE)))
    chunks.append(_chunk(b"IDAT", _compressed(_rows(pixels), channels * pixels.itemsize, level)))
    chunks.append(_chunk(b"IEND", b""))
    return b"".join(chunks)


def _checked(image: np.ndarray) -> np.ndarray:
    """`image` as an array (height, width, channels); `ImageError` if it is not an image."""
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    is_image = pixels.ndim == 3 and pixels.shape[2] in _COLOUR_TYPE and pixels.dtype in (np.uint8, np.uint16) and pixels.size > 0
    if not is_image:
        raise ImageError(
            f"an array of shape {np.shape(image)} and type {pixels.dtype} is no image, "
            "expected uint8 or uint16 of shape (height, width) or (height, width, 3)"
        )
    return pixels


def _rows(pixels: np.ndarray) -> np.ndarray:
    """The bytes of all rows, shape (height, bytes in a row), with the high byte of 16 bits first, as in PNG."""
    if pixels.itemsize == 2:
        pixels = pixels.astype(">u2")
    return np.ascontiguousarray(pixels).reshape(pixels.shape[0], -1).view(np.uint8)


def _compressed(rows: np.ndarray, pixel_bytes: int, level: int) -> bytes | memoryview:
    """The rows, packed as print or as noise."""
    noise = _noise(rows, pixel_bytes)
    if _PRINT < noise < _NOISE:
        sample = _bands(rows)
        is_noisy = len(_packed_noise(sample, pixel_bytes)) < len(_packed_print(sample, level))
    else:
        is_noisy = noise >= _NOISE
    return _packed_noise(rows, pixel_bytes) if is_noisy else _packed_print(rows, level)


def _packed_print(rows: np.ndarray, level: int) -> bytes:
    """The rows, packed without a filter, in pieces, so that they need not all be copied."""
    # Before each row there is a byte with the number of its filter, which is 0.
    packer, piece = isal_zlib.compressobj(level), np.zeros((_PIECE_ROWS, rows.shape[1] + 1), np.uint8)
    parts = []
    for start in range(0, len(rows), _PIECE_ROWS):
        count = min(_PIECE_ROWS, len(rows) - start)
        piece[:count, 1:] = rows[start : start + count]
        parts.append(packer.compress(piece[:count]))
    return b"".join((*parts, packer.flush()))


def _packed_noise(rows: np.ndarray, pixel_bytes: int) -> memoryview:
    """The rows, filtered by Paeth and packed by Huffman coding of single bytes."""
    from fastecg.kernels.deflate import deflate_bound, deflate_noise
    from fastecg.kernels.row_filters import paeth_rows

    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    paeth_rows(rows, pixel_bytes, filtered)
    out = np.empty(deflate_bound(filtered.size) + 6, np.uint8)
    out[:2] = 0x78, 0x01  # the header of zlib: a window of 32 kB, packed fast
    size = 2 + deflate_noise(filtered.ravel(), out[2:])
    out[size : size + 4] = np.frombuffer(struct.pack(">I", isal_zlib.adler32(filtered)), np.uint8)
    return out[: size + 4].data


def _noise(rows: np.ndarray, pixel_bytes: int) -> float:
    """Share of bytes, in some rows, that differ from those of both the pixel above and the pixel before: high for noise, low for print.

    The share is 0 for a picture of one row or one column.
    """
    if rows.shape[0] < 2 or rows.shape[1] <= pixel_bytes:
        return 0.0
    step = max(1, (rows.shape[0] - 1) // _COMPARED_ROWS)
    lower = rows[1::step]
    upper = rows[:-1:step][: len(lower)]
    differs = (lower != upper)[:, pixel_bytes:] & (lower[:, pixel_bytes:] != lower[:, :-pixel_bytes])
    return float(np.count_nonzero(differs) / differs.size)


def _bands(rows: np.ndarray) -> np.ndarray:
    """Rows for a trial, in bands spread over the picture; all rows of a small picture."""
    step = rows.shape[0] // _BANDS
    return np.concatenate([rows[k * step : k * step + _BAND_ROWS] for k in range(_BANDS)]) if step > _BAND_ROWS else rows


def _chunk(kind: bytes, body: bytes | memoryview) -> bytes:
    """A chunk of a PNG file: the length of `body`, its kind, `body`, and a checksum."""
    return b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", isal_zlib.crc32(body, isal_zlib.crc32(kind)))))
