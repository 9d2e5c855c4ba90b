"""Paint what is seen beside a page on a display: the viewer's window with its tools, the display's frame, and the wall behind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastecg.kernels.jit import jit, subkernel

#: Rows of the `colours` of `paint_window`.
GROUND = 0  # The window beside the page.
TITLE = 1  # The title bar.
TOOLS = 2  # The row of tools and the list of files.
ICON = 3  # Signs of tools.
TASK = 4  # The task bar.
WALL = 5  # The wall behind the display.
BEZEL = 6  # The display's frame: 1 for each channel, because its brightness depends on the position.
CAPTION = 7  # Words and buttons in the title bar.
PROGRAMS = 8  # The first of the programs' tiles, which are followed by the colours of the signs in them.

MOST_TOOLS = 64  # Largest number of tools.
MOST_PROGRAMS = 13  # Largest number of programs in the task bar.
SIGNS = 9  # Number of kinds of signs.
TOOL_PITCH_MM = 7.0  # Distance from one tool to the next.
WORDS_PER_MM = 8  # Resolution of a line of words, px/mm.
WORDS_MM = 4.0  # Height of a line of words.
_WORDS_LEFT_MM = 3.0  # Distance of words from the left edge of the title bar or of the list.
_ENTRY_MM = 6.0  # Height of an entry of the list.
_CHOSEN = 2  # Number of the entry that is open, from 0 on.
_BAR_MM = 7.0  # Height of the window's title bar.
_TOOL_MM = 9.0  # Height of the window's row of tools.
_TASK_MM = 9.0  # Height of the desktop's task bar.
_SCROLL_MM = 4.0  # Width of the scroll bar.
_TASK_PITCH_MM = 11.0  # Distance from one program of the task bar to the next.
_TILE_MM = 2.4  # Half the side of a program's rounded tile.


class Window(NamedTuple):
    """A window, in mm of the page.

    Attributes
    ----------
    left, top, right, bottom : float
        The window's edges, from the page's upper left corner.
    width, height : float
        Size of the page in the window.
    bezel : float
        Width of the display's frame.
    list : float
        Width of a list of files at the window's left edge; 0 if there is none.
    thumb : float
        Length of the scroll bar's thumb, which is at the top, as a share of its track.
    """

    left: float
    top: float
    right: float
    bottom: float
    width: float
    height: float
    bezel: float
    list: float
    thumb: float


@jit
def paint_window(picture, shown, cell, plane, window, tools, programs, words, colours):
    """Paint the lattice cells marked in `shown` with a window.

    Parameters
    ----------
    picture : (height, width, 3) uint8
    shown : (rows, columns) bool
        Cell (i, j) covers `cell` pixels each way from pixel cell * (j - 1, i - 1) on.
    cell : int
    plane : (3, 3) float64
        The homography from pixels to the page's plane, in mm from the page's upper left corner.
    window : Window
    tools, programs : (`MOST_TOOLS`,) and (`MOST_PROGRAMS`,) int64
        The kind of each sign, below `SIGNS`; -1 where there is none.
    words : (lines, rows, columns) uint8
        Coverage, 0 to 255, by the words of the title and of the entries of the list, at `WORDS_PER_MM`.
    colours : (`PROGRAMS` + 2 * `MOST_PROGRAMS`, 3) float64
        0 to 255 (see `BEZEL`): rows `GROUND` to `CAPTION`, then the tiles of the programs, then the signs in the tiles.
    """
    height, width = picture.shape[:2]
    for y in range(height):
        flags, row = shown[y // cell + 1], picture[y]
        for j in range(1, len(flags)):
            if flags[j]:
                for x in range(cell * (j - 1), min(cell * j, width)):
                    deep = x * plane[2, 0] + y * plane[2, 1] + plane[2, 2]
                    deep = deep if deep > 1e-4 else 1.0  # Beyond the horizon there is no position; any will do.
                    across = (x * plane[0, 0] + y * plane[0, 1] + plane[0, 2]) / deep
                    down = (x * plane[1, 0] + y * plane[1, 1] + plane[1, 2]) / deep
                    # No arrays are passed to these functions, because that would change their reference counts for every pixel.
                    kind, share = _part_and_brightness(across, down, window)
                    u, v = across - window.left, down - window.top
                    # Coverage by words, and the row of the words' colour.
                    ink, written = 0.0, CAPTION if kind == TITLE else ICON
                    if kind == TOOLS and _BAR_MM <= v < _BAR_MM + _TOOL_MM:
                        sign = tools[min(max(int(u / TOOL_PITCH_MM), 0), MOST_TOOLS - 1)]
                        if _is_on_sign(sign, u % TOOL_PITCH_MM - 0.5 * TOOL_PITCH_MM, v - _BAR_MM - 0.5 * _TOOL_MM):
                            kind = ICON
                    elif kind == TITLE or (kind == TOOLS and u < window.list):
                        line, below = _line_of_words(v)
                        right = int((u - _WORDS_LEFT_MM) * WORDS_PER_MM) if u >= _WORDS_LEFT_MM else -1
                        if 0 <= line < len(words) and 0 <= below < words.shape[1] and 0 <= right < words.shape[2]:
                            ink = words[line, below, right] / 255.0
                    elif kind == TASK:
                        program = min(max(int(u / _TASK_PITCH_MM), 0), MOST_PROGRAMS - 1)
                        aside, below = u % _TASK_PITCH_MM - 0.5 * _TASK_PITCH_MM, down - window.bottom + 0.5 * _TASK_MM
                        if programs[program] >= 0 and u < _TASK_PITCH_MM * MOST_PROGRAMS and aside**4 + below**4 < _TILE_MM**4:
                            kind = PROGRAMS + program + MOST_PROGRAMS * _is_on_sign(programs[program], 0.9 * aside, 0.9 * below)
                    for c in range(3):
                        row[x, c] = np.uint8(share * (colours[kind, c] + ink * (colours[written, c] - colours[kind, c])))


@subkernel
def _part_and_brightness(x, y, window):
    """Return the row of `colours` at a position on the display, in mm, without signs and programs, and the brightness at this position.

    The brightness is a factor of the colour. As the colour of the display's frame is 1, its brightness is a level, 0 to 255.
    """
    outside = max(max(window.left - x, x - window.right), max(window.top - y, y - window.bottom))
    if outside > window.bezel:
        return WALL, 1.0
    if outside > 0.0:  # the frame shines along its rims
        return BEZEL, 16.0 + 26.0 * np.exp(-abs(outside - window.bezel) / 0.8)
    # Thin lines round the window and round the page.
    beside = max(max(-x, x - window.width), max(-y, y - window.height))
    return _part(x, y, window), 0.6 if outside > -0.6 or beside < 0.35 else 1.0


@subkernel
def _line_of_words(v):
    """The index of the line of words `v` mm below the window's upper edge, and the row of the line's pixels, -1 if `v` is above the words.

    Below the words, the row is beyond the last one.
    """
    if v < _BAR_MM:
        line, below = 0, v - 0.5 * (_BAR_MM - WORDS_MM)
    else:
        listed = (v - _BAR_MM - _TOOL_MM) / _ENTRY_MM
        line, below = 1 + int(listed), (listed - int(listed)) * _ENTRY_MM - 0.5 * (_ENTRY_MM - WORDS_MM)
    return line, int(below * WORDS_PER_MM) if below >= 0.0 else -1


@subkernel
def _part(x, y, window):
    """The row of `colours` for the part of the window at a position, in mm."""
    u, v = x - window.left, y - window.top
    if y > window.bottom - _TASK_MM:
        return TASK
    if v < _BAR_MM:
        return CAPTION if _is_on_button(window.right - x, v - 0.5 * _BAR_MM) else TITLE
    if v < _BAR_MM + _TOOL_MM:
        return TOOLS
    if x > window.right - _SCROLL_MM:
        track = window.bottom - window.top - _BAR_MM - _TOOL_MM - _TASK_MM
        return ICON if v < _BAR_MM + _TOOL_MM + window.thumb * track else TOOLS
    if u < window.list:
        return TITLE if int((v - _BAR_MM - _TOOL_MM) / _ENTRY_MM) == _CHOSEN else TOOLS
    return GROUND


@subkernel
def _is_on_button(left, down):
    """Whether a position lies on a button: close, enlarge or reduce.

    The position is given in mm to the left of the window's right edge and below the middle of its title bar.
    """
    right = 4.0 - left % 8.0  # Distance to the right of the middle of a button; buttons are 8 mm wide.
    largest = max(abs(right), abs(down))
    if left < 8.0:
        return largest < 1.2 and abs(abs(right) - abs(down)) < 0.28
    if left < 16.0:
        return abs(largest - 1.0) < 0.18
    return left < 24.0 and abs(right) < 1.2 and abs(down) < 0.18


@subkernel
def _is_on_sign(kind, right, down):
    """Whether a position, in mm from the middle of a sign, lies on the sign's strokes.

    The signs are, from 0 on: a ring, a frame, lines, a cross, an arrowhead, a magnifying glass, an arrow to the left, bars, dots.
    """
    largest = max(abs(right), abs(down))
    if kind == 0:
        return abs(np.sqrt(right * right + down * down) - 1.3) < 0.3
    if kind == 1:
        return abs(largest - 1.4) < 0.25
    if kind == 2:
        return largest < 1.6 and abs((down + 1.6) % 1.07 - 0.53) < 0.22
    if kind == 3:
        return largest < 1.6 and min(abs(right), abs(down)) < 0.25
    if kind == 4:
        return abs(down) < 1.6 - 0.8 * (right + 1.4) and abs(right) < 1.4
    if kind == 5:
        ring = abs(np.sqrt((right + 0.4) ** 2 + (down + 0.4) ** 2) - 1.0) < 0.25
        return ring or (0.35 < right < 1.5 and abs(right - down) < 0.35)
    if kind == 6:
        return largest < 1.5 and (abs(down) < 0.25 or (right < -0.3 and abs(down) < 0.9 * (right + 1.5)))
    if kind == 7:
        return largest < 1.5 and (right + 1.5) % 1.0 < 0.6 and down > 0.7 - 0.9 * int(right + 1.5)
    return kind == 8 and abs(right) < 1.5 and abs(down) < 0.3 and abs((right + 1.5) % 1.0 - 0.5) < 0.3
