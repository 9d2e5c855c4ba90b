"""`Ink`: pen strokes in mm, or letters of a font, and their coverage on paper.

Pen ink is a filter: it multiplies the colours below, so traces and grid show through. Ink adds up where the pen crosses its earlier path,
but not where it just moves on. To tell these apart, every pixel stores how long the path was when the pen last touched the pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fastecg.handwriting.writer import WritingPen
from fastecg.kernels.pen_ink import LIFTED_PX, lay_ink, settle_ink
from fastecg.page import Text
from fastecg.printing.text import draw_texts, measure

_FIBRE_MM = 0.13  # Grain size of the paper's roughness, its tooth, at which pen lines break.


@dataclass(frozen=True, eq=False)
class Ink:
    """Strokes of a pen, or letters of a font in their place.

    Attributes
    ----------
    kind : str
        "handwriting", "signature", or the kind of a mark, such as "circle".
    words : str
        The words that are written, which the truth repeats.
    points_mm : ndarray, shape (n, 2)
        The pen's path, (x, y) on the page; a row of NaN lifts the pen.
    width_mm, density : ndarray, shape (n,)
        Width of the line, and density of the ink in it, 0 to 1.
    pen : WritingPen
    letters : tuple of Text
        Letters in a font of the user's, instead of strokes.
    """

    kind: str
    words: str
    points_mm: np.ndarray
    width_mm: np.ndarray
    density: np.ndarray
    pen: WritingPen
    letters: tuple[Text, ...] = ()

    @cached_property
    def extent_mm(self) -> tuple[float, float, float, float]:
        """The rectangle (x0, y0, x1, y1) round all of the ink."""
        margin = np.array([[-0.05], [0.05]])
        corners = [np.reshape(measure(letter), (2, 2)) + margin for letter in self.letters]
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
        """The same ink, moved `dx_mm` to the right and `dy_mm` down."""
        letters = tuple(replace(letter, x_mm=letter.x_mm + dx_mm, y_mm=letter.y_mm + dy_mm) for letter in self.letters)
        return replace(self, points_mm=self.points_mm + np.array([dx_mm, dy_mm]), letters=letters)


def join_inks(kind: str, words: str, inks: list[Ink]) -> Ink:
    """Several inks of one pen as one ink of the given kind and words. At least one of them has strokes."""
    lift = np.array([[np.nan, np.nan]])
    stroked = [ink for ink in inks if len(ink.points_mm)]
    points = [part for ink in stroked for part in (ink.points_mm, lift)][:-1]
    width = [part for ink in stroked for part in (ink.width_mm, lift[0, :1])][:-1]
    density = [part for ink in stroked for part in (ink.density, lift[0, :1])][:-1]
    letters = tuple(letter for ink in inks for letter in ink.letters)
    return Ink(kind, words, np.concatenate(points), np.concatenate(width), np.concatenate(density), inks[0].pen, letters)


def ink_window(ink: Ink, scale: float, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of a sheet of (height, width) `shape` that the ink can touch; None if all ink is beside the sheet."""
    x0, y0, x1, y1 = (edge * scale for edge in ink.extent_mm)
    top, bottom = max(0, math.floor(y0) - 2), min(shape[0], math.ceil(y1) + 2)
    left, right = max(0, math.floor(x0) - 2), min(shape[1], math.ceil(x1) + 2)
    return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


def ink_plane(ink: Ink, scale: float, window: tuple[slice, slice], seed: int = 0) -> np.ndarray:
    """Coverage (rows, columns) uint8 by the ink in a window of a sheet at `scale` px/mm; `seed` decides the paper's tooth."""
    rows, columns = window
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    # x and y in px from the centre of the window's first pixel, radius in px, and density. Pixel k of the sheet reaches from k / scale to
    # (k + 1) / scale mm, hence the 0.5.
    nodes = np.empty((len(ink.points_mm), 4))
    nodes[:, 0] = ink.points_mm[:, 0] * scale - 0.5 - columns.start
    nodes[:, 1] = ink.points_mm[:, 1] * scale - 0.5 - rows.start
    nodes[:, 2] = ink.width_mm * (0.5 * scale)
    nodes[:, 3] = ink.density
    # Ink of all earlier passes of the pen over a pixel, and of the latest one.
    below, top = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.uint8)
    lay_ink(nodes, below, top, np.full(shape, -LIFTED_PX, dtype=np.float32))
    if ink.letters:
        _set_letters(ink, scale, window, top)
    settle_ink(below, top, columns.start, rows.start, 1.0 / (scale * _FIBRE_MM), ink.pen.tooth, seed)
    return top


def _set_letters(ink: Ink, scale: float, window: tuple[slice, slice], top: np.ndarray) -> None:
    """Draw the letters of a font into `top`, the coverage by the latest pass of the pen, with the density of the pen's ink."""
    moved = ink.moved(-window[1].start / scale, -window[0].start / scale)
    plane = np.zeros_like(top)
    draw_texts(plane, moved.letters, scale)
    np.maximum(top, (plane * min(1.0, 0.97 * ink.pen.dark)).astype(np.uint8), out=top)


def soak(pixels: np.ndarray, window: tuple[slice, slice], plane: np.ndarray, pen: WritingPen) -> None:
    """Colour a window of `pixels` (height, width, 3) uint8 by ink with coverage `plane` (rows, columns), in place."""
    from fastecg.kernels.blend import multiply

    part = np.ascontiguousarray(pixels[window])
    multiply(part, plane, pen.colour)
    pixels[window] = part
