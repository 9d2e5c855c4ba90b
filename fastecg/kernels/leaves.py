"""What else lies on a table: leaves of paper, with their print and their shadow."""

from __future__ import annotations

import math

from fastecg.kernels.hashing import mixed
from fastecg.kernels.jit import jit

_LETTER = 0.36  # width of a letter, in lines
_GAPS = -0.7  # Value of the noise (-1 to 1) below which there is a gap between words: one in seven letters.
_TALL = 0.17  # half the height of small letters, in lines


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
        Where it is pushed to, x and y, how far it reaches (px), and its depth at the leaf.
    lines : (4,) float64
        Distance of the lines of print and the margin (px), the share of light their ink takes, and the print's number; no print at 0.
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
    """Lay the part of a leaf that lies on the pixels of some rows and columns, each from the first to before the second."""
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
                    position = (v + high - margin) / pitch
                    line = math.floor(position)
                    letter = mixed(int(seed), line, math.floor((u + wide) / (_LETTER * pitch)))
                    if letter > _GAPS:
                        light -= ink * (0.75 + 0.25 * letter) * min(max((_TALL - abs(position - line - 0.5)) * pitch + 0.5, 0.0), 1.0)
                for c in range(3):
                    picture[y, x, c] = int(picture[y, x, c] + cover * (light * colour[c] - picture[y, x, c]) + 0.5)
