"""`Ink`: pen strokes in mm, or letters of a font, and what they leave on paper.

Pen ink is a filter: it multiplies what is below, so trace and grid show through. Where a stroke crosses an earlier one the ink adds
up; where it goes on, it does not. So the raster keeps, beside the coverage, how far the pen had come when it last touched a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fastecg.handwriting.writer import Pen
from fastecg.kernels.jit import jit
from fastecg.page import Text
from fastecg.text import draw_texts, measure

_LIFTED_PX = 1e4  # of the pen's way, so that what follows a lift always counts as a new pass
_FIBRE_MM = 0.13  # cell of the paper's tooth
_MAX_OVERLAP = 0.75  # share of a second pass that adds to the first: ink on ink takes less than ink on paper


@dataclass(frozen=True, eq=False)
class Ink:
    """Pen strokes, and letters of a font that stand for some.

    Attributes
    ----------
    kind : str
        "handwriting", "signature", or what mark it is.
    words : str
        What is written, as far as its writer is concerned.
    points_mm : ndarray, shape (n, 2)
        The pen's way; a row of NaN lifts it.
    width_mm, density : ndarray, shape (n,)
        Of the line, and of the ink in it, 0 to 1.
    pen : Pen
    letters : tuple of Text
        What is not stroked but set, in a font of one's own.
    """

    kind: str
    words: str
    points_mm: np.ndarray
    width_mm: np.ndarray
    density: np.ndarray
    pen: Pen
    letters: tuple[Text, ...] = ()

    @cached_property
    def extent_mm(self) -> tuple[float, float, float, float]:
        """The rectangle (x0, y0, x1, y1) that holds all of the ink."""
        round_it = np.array([[-0.05], [0.05]])
        corners = [np.reshape(measure(letter), (2, 2)) + round_it for letter in self.letters]
        if len(self.points_mm):
            half = 0.5 * np.fmax.reduce(self.width_mm) + 0.05
            corners.append(np.array([np.fmin.reduce(self.points_mm) - half, np.fmax.reduce(self.points_mm) + half]))
        (x0, y0), (x1, y1) = np.min(corners, axis=0)[0].tolist(), np.max(corners, axis=0)[1].tolist()
        return x0, y0, x1, y1

    @property
    def corners_mm(self) -> np.ndarray:
        """Corners (4, 2) of `extent_mm`, clockwise from top left."""
        x0, y0, x1, y1 = self.extent_mm
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])

    def moved(self, dx_mm: float, dy_mm: float) -> Ink:
        """The same strokes elsewhere."""
        letters = tuple(replace(letter, x_mm=letter.x_mm + dx_mm, y_mm=letter.y_mm + dy_mm) for letter in self.letters)
        return replace(self, points_mm=self.points_mm + np.array([dx_mm, dy_mm]), letters=letters)


def join_inks(kind: str, words: str, inks: list[Ink]) -> Ink:
    """Several inks of one pen as one."""
    lift = np.array([[np.nan, np.nan]])
    stroked = [ink for ink in inks if len(ink.points_mm)]
    points = [part for ink in stroked for part in (ink.points_mm, lift)][:-1]
    width = [part for ink in stroked for part in (ink.width_mm, lift[0, :1])][:-1]
    density = [part for ink in stroked for part in (ink.density, lift[0, :1])][:-1]
    letters = tuple(letter for ink in inks for letter in ink.letters)
    return Ink(kind, words, np.concatenate(points), np.concatenate(width), np.concatenate(density), inks[0].pen, letters)


def ink_window(ink: Ink, scale: float, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of a sheet (height, width) that the ink can touch; None if it lies beside the sheet."""
    x0, y0, x1, y1 = (edge * scale for edge in ink.extent_mm)
    top, bottom = max(0, math.floor(y0) - 2), min(shape[0], math.ceil(y1) + 2)
    left, right = max(0, math.floor(x0) - 2), min(shape[1], math.ceil(x1) + 2)
    return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


def ink_plane(ink: Ink, scale: float, window: tuple[slice, slice], seed: int = 0) -> np.ndarray:
    """The ink's coverage, uint8, in a window of a sheet at `scale` px/mm; `seed` is that of the paper's tooth."""
    rows, columns = window
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    nodes = np.empty((len(ink.points_mm), 4))
    nodes[:, 0] = ink.points_mm[:, 0] * scale - 0.5 - columns.start
    nodes[:, 1] = ink.points_mm[:, 1] * scale - 0.5 - rows.start
    nodes[:, 2] = ink.width_mm * (0.5 * scale)
    nodes[:, 3] = ink.density
    below, top = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.uint8)
    lay_ink(nodes, below, top, np.full(shape, -_LIFTED_PX, dtype=np.float32))
    if ink.letters:
        _set_letters(ink, scale, window, top)
    settle_ink(below, top, columns.start, rows.start, 1.0 / (scale * _FIBRE_MM), ink.pen.tooth, seed)
    return top


def _set_letters(ink: Ink, scale: float, window: tuple[slice, slice], top: np.ndarray) -> None:
    """Add the letters of a font to the latest pass, as dense as the pen is."""
    moved = ink.moved(-window[1].start / scale, -window[0].start / scale)
    plane = np.zeros_like(top)
    draw_texts(plane, moved.letters, scale)
    np.maximum(top, (plane * min(1.0, 0.97 * ink.pen.dark)).astype(np.uint8), out=top)


def soak(pixels: np.ndarray, window: tuple[slice, slice], plane: np.ndarray, pen: Pen) -> None:
    """Colour a window of a print (height, width, 3) uint8 by ink of coverage `plane`, in place."""
    from fastecg.kernels.blend import multiply

    part = np.ascontiguousarray(pixels[window])
    multiply(part, plane, pen.colour)
    pixels[window] = part


@jit
def lay_ink(nodes: np.ndarray, below: np.ndarray, top: np.ndarray, passed: np.ndarray) -> None:
    """Draw strokes: `nodes` (n, 4) x, y, radius, density, NaN where the pen is up; `passed` holds the pen's way at its last touch.

    `top` takes the latest pass over a pixel, `below` all earlier ones.
    """
    way = 0.0
    for i in range(len(nodes)):
        if math.isnan(nodes[i, 0]):
            way += _LIFTED_PX
            continue
        j = i + 1 if i + 1 < len(nodes) and not math.isnan(nodes[i + 1, 0]) else i
        alone = i == 0 or math.isnan(nodes[i - 1, 0])
        if j > i or alone:
            _lay_segment(nodes[i], nodes[j], way, below, top, passed)
            way += math.hypot(nodes[j, 0] - nodes[i, 0], nodes[j, 1] - nodes[i, 1])


@jit
def _lay_segment(a: np.ndarray, b: np.ndarray, way: float, below: np.ndarray, top: np.ndarray, passed: np.ndarray) -> None:
    """Draw one capsule; pixels the pen had left behind count as crossed anew."""
    height, width = top.shape
    reach = max(a[2], b[2]) + 0.5
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = dx * dx + dy * dy
    inverse = 1.0 / length2 if length2 > 0.0 else 0.0
    fresh = 3.0 * reach + 1.5
    y0, y1 = max(0, math.ceil(min(a[1], b[1]) - reach)), min(height, math.floor(max(a[1], b[1]) + reach) + 1)
    x0, x1 = max(0, math.ceil(min(a[0], b[0]) - reach)), min(width, math.floor(max(a[0], b[0]) + reach) + 1)
    for y in range(y0, y1):
        for x in range(x0, x1):
            off_x, off_y = x - a[0], y - a[1]
            t = min(max((off_x * dx + off_y * dy) * inverse, 0.0), 1.0)
            off_x, off_y = off_x - t * dx, off_y - t * dy
            squared = off_x * off_x + off_y * off_y
            if squared >= reach * reach:
                continue
            radius = a[2] + t * (b[2] - a[2])
            distance = math.sqrt(squared)
            # A line thinner than a pixel covers as much of it as the line is wide.
            cover = min(max(radius + 0.5 - distance, 0.0), min(1.0, 2.0 * radius))
            if cover > 0.0:
                value = np.uint8(255.0 * cover * (a[3] + t * (b[3] - a[3])) + 0.5)
                if way - passed[y, x] > fresh:
                    below[y, x] = _over(below[y, x], top[y, x])
                    top[y, x] = value
                else:
                    top[y, x] = max(top[y, x], value)
                passed[y, x] = way


@jit
def _over(first: float, second: float) -> np.uint8:
    """Coverage of ink on ink."""
    added = _MAX_OVERLAP if first > 0 else 1.0
    return np.uint8(first + (255.0 - first) * second * added / 255.0 + 0.5)


@jit
def settle_ink(below: np.ndarray, top: np.ndarray, x0: int, y0: int, fibres: float, tooth: float, seed: int) -> None:
    """Add the passes up in `top`, and take the ink away where the paper's tooth keeps the pen off. `fibres` are cells a pixel."""
    for y in range(top.shape[0]):
        for x in range(top.shape[1]):
            if top[y, x] == 0:
                continue
            ink = _over(below[y, x], top[y, x]) / 255.0
            high = paper_tooth((x + x0 + 0.5) * fibres, (y + y0 + 0.5) * fibres, seed)
            # Firm strokes press the fibres down.
            top[y, x] = np.uint8(255.0 * ink * (1.0 - min(1.0, tooth * max(0.0, high - 0.35) * 2.2 * (1.3 - ink) ** 2)) + 0.5)


@jit
def paper_tooth(u: float, v: float, seed: int) -> float:
    """Height of the paper, 0 to 1: hashed at the corners of cells, smooth between."""
    i, j = math.floor(u), math.floor(v)
    a, b = u - i, v - j
    upper = _hashed(i, j, seed) * (1.0 - a) + _hashed(i + 1, j, seed) * a
    lower = _hashed(i, j + 1, seed) * (1.0 - a) + _hashed(i + 1, j + 1, seed) * a
    return upper * (1.0 - b) + lower * b


@jit
def _hashed(i: float, j: float, seed: int) -> float:
    """Uniform 0 to 1 from a cell."""
    mixed = np.uint64(np.int64(i)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    mixed += np.uint64(np.int64(j)) * np.uint64(0xD1B54A32D192ED03)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float(mixed >> np.uint64(40)) / 16777216.0
