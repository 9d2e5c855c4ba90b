"""Draw other leaves of paper on the table, with their print and their shadow."""

from __future__ import annotations

import math

from fastecg.kernels.hashing import mixed
from fastecg.kernels.jit import jit

# Lengths of print are in units of the distance between lines.
_LETTER = 0.3  # Distance from letter to letter.
_GAPS = -0.68  # Value of the noise (-1 to 1) below which there is a gap between words: one in six letters.
_TALL = 0.17  # Half the height of small letters.
_STEMS = 0.055, 0.215  # Positions of the stems of a letter.
_STROKE = 0.034  # Half the width of strokes.
_RISES = 0.19  # Length by which stems extend beyond small letters, above or below.
_BLANK = -0.82  # Value of the noise below which a line is left empty.
_SHORT = -0.45  # Value of the noise below which a line ends early, as the last one of a paragraph does.
_BOX_MM = 5.0  # Distance of the lines of a ruled leaf.
_RULE = 0.09  # Half the width of these lines, mm.


@jit
def lay_leaf(picture, shown, cell, frame, colour, shadow, lines):
    """Lay a leaf on the lattice cells marked in `shown` (rows, columns); cell (i, j) covers pixels from cell * (j - 1, i - 1) on.

    Parameters
    ----------
    picture : (height, width, 3) uint8
    shown : (rows, columns) bool
    cell : int
    frame : (6,) float64
        Centre x, y (px), cosine and sine of its turn, half its width and height (px).
    colour : (3,) float64
    shadow : (4,) float64
        Its shift along x and y, its reach (px), and its depth next to the leaf.
    lines : (4,) float64
        Distance of the lines of print and the margin (px), the share of light that their ink absorbs, and a seed. There is no print if the
        distance is 0; if it is negative, its absolute value is the distance of the 5 mm lines of another ECG's paper.
    """
    x0, y0, cos, sin, wide, high = frame
    reach = cell + shadow[2] + math.hypot(shadow[0], shadow[1])
    for i in range(1, shown.shape[0]):
        for j in range(1, shown.shape[1]):
            if not shown[i, j]:
                continue
            x, y = cell * (j - 0.5) - x0, cell * (i - 0.5) - y0
            if max(abs(x * cos + y * sin) - wide, abs(y * cos - x * sin) - high) < reach:
                top, left = cell * (i - 1), cell * (j - 1)
                rows, columns = (top, min(top + cell, picture.shape[0])), (left, min(left + cell, picture.shape[1]))
                _lay_cell(picture, rows, columns, frame, colour, shadow, lines)


@jit
def _lay_cell(picture, rows, columns, frame, colour, shadow, lines):
    """Draw the part of a leaf within a range of rows and a range of columns (first, stop)."""
    x0, y0, cos, sin, wide, high = frame
    pitch, margin, ink, seed = lines
    aside, below = shadow[0] * cos + shadow[1] * sin, shadow[1] * cos - shadow[0] * sin
    for y in range(rows[0], rows[1]):
        for x in range(columns[0], columns[1]):
            u, v = (x - x0) * cos + (y - y0) * sin, (y - y0) * cos - (x - x0) * sin
            cover = min(max(0.5 - max(abs(u) - wide, abs(v) - high), 0.0), 1.0)
            if cover < 1.0 and shadow[2] > 0.0:
                away = math.hypot(max(abs(u - aside) - wide, 0.0), max(abs(v - below) - high, 0.0)) / shadow[2]
                if away < 1.0:
                    for c in range(3):
                        picture[y, x, c] = int(picture[y, x, c] * (1.0 - shadow[3] * (1.0 - away) ** 2) + 0.5)
            if cover > 0.0:
                light = 1.0
                if ink > 0.0 and abs(u) < wide - margin and abs(v) < high - margin:
                    if pitch > 0.0:
                        light -= ink * _print(
                            (u + wide - margin) / pitch, (v + high - margin) / pitch, 2.0 * (wide - margin) / pitch, pitch, seed
                        )
                    else:
                        light -= ink * max(_ruled(u, -pitch), _ruled(v, -pitch))
                for c in range(3):
                    picture[y, x, c] = int(picture[y, x, c] + cover * (light * colour[c] - picture[y, x, c]) + 0.5)


@jit
def _print(x, y, width, pitch, seed):
    """Ink of a printed text at a position, 0 to 1. The position and the text's width are in lines, which are `pitch` px apart."""
    line = math.floor(y)
    length = mixed(int(seed) + 1, line, 0)
    if length < _BLANK or (length < _SHORT and x > (0.2 + 0.5 * (length - _BLANK) / (_SHORT - _BLANK)) * width):
        return 0.0
    if x > width * (0.94 + 0.06 * length):
        return 0.0
    column = math.floor(x / _LETTER)
    drawn = mixed(int(seed), line, column)
    if drawn < _GAPS:
        return 0.0
    bits = int((drawn + 1.0) * 2.0**29)
    x, y = x - _LETTER * column, y - line - 0.5
    left, right = _STEMS
    middle, half = 0.5 * (left + right), 0.5 * (right - left)
    # A letter has stems and bars, by its bits: at least one stem, one in four of them tall or hanging.
    tall, hanging = bits & 48 == 48, bits & 192 == 192
    rise, drop = (_RISES if tall else 0.0), (_RISES if hanging and not tall else 0.0)
    away = 9.0
    if bits & 3 != 1:
        away = min(away, _from_bar(x - left, y - 0.5 * (drop - rise), 0.0, _TALL + 0.5 * (rise + drop)))
    if bits & 3 != 2:
        away = min(away, _from_bar(x - right, y, 0.0, _TALL))
    if bits & 4:
        away = min(away, _from_bar(x - middle, y + _TALL, half, 0.0))
    if bits & 8:
        away = min(away, _from_bar(x - middle, y, half, 0.0))
    if bits & 256:
        away = min(away, _from_bar(x - middle, y - _TALL, half, 0.0))
    blur = 1.0 / max(0.22 * pitch, 1.4)  # The print is out of focus, so that nobody can read it.
    return min(max(blur * (_STROKE - away) * pitch + 0.5, 0.0), 1.0) * min(1.0, 2.0 * _STROKE * pitch + 0.25)


@jit
def _from_bar(x, y, wide, high):
    """Distance from a bar around the origin that extends `wide` to both sides and `high` up and down."""
    return math.hypot(max(abs(x) - wide, 0.0), max(abs(y) - high, 0.0))


@jit
def _ruled(x, pitch):
    """Coverage by lines that are `pitch` px apart."""
    away = abs(x - pitch * math.floor(x / pitch + 0.5))
    return min(max(_RULE * pitch / _BOX_MM - away + 0.5, 0.0), 1.0) * min(1.0, 2.0 * _RULE * pitch / _BOX_MM)
