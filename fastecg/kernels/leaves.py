"""Draw other leaves of paper on the table beside a page, with their print and their shadow."""

from __future__ import annotations

import math

from fastecg.kernels.jit import jit, subkernel

_BOX_MM = 5.0  # Distance of the thicker lines of a ruled leaf, mm.
_HALF_RULE_MM = 0.09  # Half the width of these lines, mm.
_HALF_FINE_MM = 0.05  # Half the width of the lines 1 mm apart between them, mm.
_FINE_INK = 0.5  # Ink of the lines 1 mm apart, as a share of the ink of the others.


@jit
def lay_leaf(picture, shown, cell, frame, colour, shadow, lines, words):
    """Draw a leaf on the lattice cells marked in `shown`. Cell (i, j) covers `cell` pixels each way from pixel cell * (j - 1, i - 1) on.

    Parameters
    ----------
    picture : (height, width, 3) uint8
    shown : (rows, columns) bool
    cell : int
    frame : (6,) float64
        Centre x, y (px), cosine and sine of its turn (clockwise), half its width and height (px).
    colour : (3,) float64
        Of blank paper, 0 to 255.
    shadow : (4,) float64
        The shadow's shift along x and y and its reach, all in px, and the share of light that it takes next to the leaf. If the reach is 0,
        there is no shadow.
    lines : (4,) float64
        Distance of the lines of print (px), width of the margin (px), share of the light that the ink absorbs, and index of the line of
        `words` at the top. There is no print if the distance is 0. If the distance is negative, its absolute value is that of the 5 mm
        lines of another ECG's paper, whose grid begins at the upper left corner and ends at the edges.
    words : (rows, columns) uint8
        Coverage by print, 0 to 255, which is scaled to the width between the leaf's margins and repeated downwards.
    """
    x0, y0, cos, sin, half_width, half_height = frame
    reach = cell + shadow[2] + math.hypot(shadow[0], shadow[1])
    for i in range(1, shown.shape[0]):
        for j in range(1, shown.shape[1]):
            if not shown[i, j]:
                continue
            x, y = cell * (j - 0.5) - x0, cell * (i - 0.5) - y0
            if max(abs(x * cos + y * sin) - half_width, abs(y * cos - x * sin) - half_height) < reach:
                top, left = cell * (i - 1), cell * (j - 1)
                rows, columns = (top, min(top + cell, picture.shape[0])), (left, min(left + cell, picture.shape[1]))
                _lay_cell(picture, rows, columns, frame, colour, shadow, lines, words)


@subkernel
def _lay_cell(picture, rows, columns, frame, colour, shadow, lines, words):
    """Draw the part of a leaf within a range of rows and a range of columns, (first, stop) each."""
    x0, y0, cos, sin, half_width, half_height = frame
    pitch, margin, ink, first_line = lines
    # The number of pixels of `words` per pixel of the picture, and the height of the print in px: only whole lines are printed.
    step = words.shape[1] / (2.0 * (half_width - margin))
    print_height = pitch * math.floor(2.0 * (half_height - margin) / pitch) if pitch > 0.0 else 0.0
    # (aside, below) is the shadow's shift and, in the loops, (u, v) is the pixel's position, both along the leaf's axes in px.
    aside, below = shadow[0] * cos + shadow[1] * sin, shadow[1] * cos - shadow[0] * sin
    for y in range(rows[0], rows[1]):
        for x in range(columns[0], columns[1]):
            u, v = (x - x0) * cos + (y - y0) * sin, (y - y0) * cos - (x - x0) * sin
            cover = min(max(0.5 - max(abs(u) - half_width, abs(v) - half_height), 0.0), 1.0)
            if cover < 1.0 and shadow[2] > 0.0:
                away = math.hypot(max(abs(u - aside) - half_width, 0.0), max(abs(v - below) - half_height, 0.0)) / shadow[2]
                if away < 1.0:
                    for c in range(3):
                        picture[y, x, c] = int(picture[y, x, c] * (1.0 - shadow[3] * (1.0 - away) ** 2) + 0.5)
            if cover > 0.0:
                light = 1.0
                if pitch > 0.0:
                    along, down = u + half_width - margin, v + half_height - margin
                    if 0.0 <= along < 2.0 * (half_width - margin) and 0.0 <= down < print_height:
                        light -= ink * _ink_of_words(words, (down + first_line * pitch) * step - 0.5, along * step - 0.5)
                elif pitch < 0.0:
                    light -= ink * max(_ink_of_rules(u + half_width, -pitch), _ink_of_rules(v + half_height, -pitch))
                for c in range(3):
                    picture[y, x, c] = int(picture[y, x, c] + cover * (light * colour[c] - picture[y, x, c]) + 0.5)


@subkernel
def _ink_of_words(words, row, column):
    """Coverage by print, 0 to 1, at a fractional row and column of `words`, bilinear between its pixels, which are at whole numbers."""
    i, j = math.floor(row), math.floor(column)
    down, along = row - i, column - j
    upper, lower = i % words.shape[0], (i + 1) % words.shape[0]
    left, right = max(j, 0), min(j + 1, words.shape[1] - 1)
    above = words[upper, left] + along * (float(words[upper, right]) - words[upper, left])
    below = words[lower, left] + along * (float(words[lower, right]) - words[lower, left])
    return (above + down * (below - above)) / 255.0


@subkernel
def _ink_of_rules(x, pitch):
    """Coverage, 0 to 1, at x (px) by lines that are `pitch` px apart, one of them at 0, and by four finer lines between each two.

    Lines thinner than a pixel are fainter in proportion.
    """
    mm = pitch / _BOX_MM  # Length of a mm in px.
    line = math.floor(x / mm + 0.5)  # Number of the nearest line.
    away = abs(x - mm * line)
    if away >= _HALF_RULE_MM * mm + 0.5:  # Most pixels lie between lines.
        return 0.0
    half, ink = (_HALF_RULE_MM * mm, 1.0) if line % _BOX_MM == 0.0 else (_HALF_FINE_MM * mm, _FINE_INK)
    return ink * min(max(half - away + 0.5, 0.0), 1.0) * min(1.0, 2.0 * half)
