"""PNG, fast: one filter for the whole image, and a Deflate that suits it.

A page of ECG paper is mostly repetition, which Deflate finds by itself: no filter at all packs a clean page as small as the usual
five-filter search, in a tenth of the time, and ISA-L's Deflate is the fastest there is. Noise makes neighbours differ by little, which
the Paeth filter turns into small numbers; these repeat nothing, so they are left to Huffman's code alone. One look at some rows tells
the two apart.

Equal pixels need not make equal bytes: ISA-L chooses its code by processor, and on one machine, too, it packs one picture in some
thousand differently (1 of 30,000 was seen). Compare pixels, as ``pixels_crc32`` in a manifest does.

Format: Portable Network Graphics, third edition (W3C, 2025).
"""

from __future__ import annotations

import struct

import numpy as np
from isal import isal_zlib

from fastecg.errors import ImageError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UNIT_METRE = 1
_COLOUR_TYPE = {1: 0, 3: 2, 4: 6}  # Colour types of PNG by the number of channels: grey, RGB, RGBA.
_PRINT = 0.2  # Share of bytes unlike all neighbours up to which a picture is packed as print without a trial.
_NOISE = 0.5  # Share from which a picture is packed as noise without a trial; in between, both ways are tried on some rows.
_BANDS = 4  # Number of bands of rows for a trial, spread over the picture's height.
_BAND = 8  # Rows of each of these bands.
_LEVELS = range(4)
_TOGETHER = 128  # Rows that are packed as one piece.
_LOOKED_AT = 64  # Rows compared with their neighbours to choose the filter.


def png_bytes(image: np.ndarray, *, dpi: float | None = None, level: int = 1) -> bytes:
    """Encode an image as PNG.

    Parameters
    ----------
    image : ndarray, uint8 or uint16, shape (height, width) or (height, width, 1 | 3 | 4)
        Grey, RGB or RGBA.
    dpi : float, optional
        Dots per inch, stored in the file.
    level : int
        How long to look for repetition, 0 (fast) to 3 (small); where a picture is noise, none is looked for.

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
    """The bytes of all rows, shape (height, bytes of a row), in PNG's order (high byte first)."""
    if pixels.itemsize == 2:
        pixels = pixels.astype(">u2")
    return np.ascontiguousarray(pixels).reshape(pixels.shape[0], -1).view(np.uint8)


def _compressed(rows: np.ndarray, pixel: int, level: int) -> bytes | memoryview:
    """Rows filtered and packed; `pixel` is the number of bytes of a pixel."""
    noise = _noise(rows, pixel)
    if _PRINT < noise < _NOISE:
        sample = _bands(rows)
        is_noisy = len(_packed_noise(sample, pixel)) < len(_packed_print(sample, level))
    else:
        is_noisy = noise >= _NOISE
    return _packed_noise(rows, pixel) if is_noisy else _packed_print(rows, level)


def _packed_print(rows: np.ndarray, level: int) -> bytes:
    """Rows packed without a filter, in pieces, which saves a copy of all rows."""
    packer, band = isal_zlib.compressobj(level), np.zeros((_TOGETHER, rows.shape[1] + 1), np.uint8)
    parts = []
    for start in range(0, len(rows), _TOGETHER):
        some = rows[start : start + _TOGETHER]
        band[: len(some), 1:] = some
        parts.append(packer.compress(band[: len(some)]))
    return b"".join((*parts, packer.flush()))


def _packed_noise(rows: np.ndarray, pixel: int) -> memoryview:
    """Rows packed as differences, by a code for single bytes."""
    from fastecg.kernels.deflate import deflate_bound, deflate_noise
    from fastecg.kernels.row_filters import paeth_rows

    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    paeth_rows(rows, pixel, filtered)
    out = np.empty(deflate_bound(filtered.size) + 6, np.uint8)
    out[:2] = 0x78, 0x01  # a window of 32 kB, packed fast
    size = 2 + deflate_noise(filtered.ravel(), out[2:])
    out[size : size + 4] = np.frombuffer(struct.pack(">I", isal_zlib.adler32(filtered)), np.uint8)
    return out[: size + 4].data


def _noise(rows: np.ndarray, pixel: int) -> float:
    """Share of bytes that differ from the pixel above and from the previous one: high for sensor noise, low for print."""
    if rows.shape[0] < 2 or rows.shape[1] <= pixel:
        return 0.0
    step = max(1, (rows.shape[0] - 1) // _LOOKED_AT)
    lower = rows[1::step]
    upper = rows[:-1:step][: len(lower)]
    differs = (lower != upper)[:, pixel:] & (lower[:, pixel:] != lower[:, :-pixel])
    return float(np.count_nonzero(differs) / differs.size)


def _bands(rows: np.ndarray) -> np.ndarray:
    """Rows for a trial, in bands spread over the picture; all rows of a small picture."""
    count = rows.shape[0] // _BANDS
    return np.concatenate([rows[k * count : k * count + _BAND] for k in range(_BANDS)]) if count > _BAND else rows


def _chunk(kind: bytes, body: bytes | memoryview) -> bytes:
    return b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", isal_zlib.crc32(body, isal_zlib.crc32(kind)))))
