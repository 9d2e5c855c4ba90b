"""Encode JPEG files: baseline, colours at half the resolution, byte for byte as libjpeg encodes the same pixels.

Format: ITU-T T.81 (1992), and JFIF 1.02 for the resolution.
"""

from __future__ import annotations

import struct

import numpy as np

from fastecg.errors import ImageError

_LONGEST = 65_500  # Largest width and height in px, as in libjpeg.
# Markers, with their names in T.81 and JFIF.
_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"
_APP0 = 0xE0
_DQT = 0xDB
_SOF0 = 0xC0
_DHT = 0xC4
_SOS = 0xDA
_PER_INCH = 1  # The unit of the resolution: dots per inch.
# Numbers of the Huffman tables for the means (DC) and the other coefficients (AC), first of brightness, then of colours.
_TABLES = 0x00, 0x10, 0x01, 0x11


def jpeg_bytes(image: np.ndarray, *, dpi: float, quality: int) -> bytes:
    """Encode a picture as JPEG.

    Parameters
    ----------
    image : ndarray, uint8, shape (height, width, 3)
        The picture, 1 to 65,500 px wide and high.
    dpi : float
        Dots per inch, stored in the file.
    quality : int
        1 to 100.

    Raises
    ------
    ImageError
        If the picture is empty, or larger than 65,500 px.
    """
    from fastecg.kernels.jpeg import ZIGZAG, steps_of
    from fastecg.kernels.jpeg_code import CODES, scan

    height, width = image.shape[:2]
    if not 1 <= min(height, width) <= max(height, width) <= _LONGEST:
        raise ImageError(f"a JPEG cannot hold {width} x {height} px, expected 1 to {_LONGEST:,} px a side")
    steps = [_segment(_DQT, bytes([k, *table[ZIGZAG]])) for k, table in enumerate(steps_of(quality))]
    codes = [_segment(_DHT, bytes([table]) + counts + symbols) for table, (counts, symbols) in zip(_TABLES, CODES, strict=True)]
    return b"".join(
        (
            _SOI,
            _segment(_APP0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, _PER_INCH, round(dpi), round(dpi), 0, 0)),
            *steps,
            # Three planes of 8 bits, each with its number, its blocks across and down, and its table of quantisation steps. The first
            # plane, brightness, has 2 x 2 blocks where the two of colour have one.
            _segment(_SOF0, struct.pack(">BHHB", 8, height, width, 3) + bytes([1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1])),
            *codes,
            # One scan of the three planes: the numbers of each one's DC and AC tables, then the range of coefficients, which is all 64.
            _segment(_SOS, bytes([3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0])),
            scan(np.ascontiguousarray(image), quality),
            _EOI,
        )
    )


def _segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG file: its marker, its length, and its content `body`."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
