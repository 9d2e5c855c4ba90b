"""`Sheet`: the flat print of a page, in pixels, with its ink kept as coverage planes.

Ink is drawn as coverage, 0..255 a pixel, and coloured once. The planes that colour the print are drawn by the same
functions, from the same points, as those that label it, so a mask cannot disagree with the ink.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from fastecg.page import Box, Grid, Page, Stroke, Trace
from fastecg.styles.style import Style

_SOLID = 250  # Coverage above which a dark pen has inked a pixel completely.
_KEPT_PX = 6_000_000  # Largest ruled paper that is cached; few pages are larger.
_HALF = 120  # Coverage from which a pixel of one bit is inked: just below half, so that lines one pixel wide have no gaps by rounding.


@dataclass(frozen=True, eq=False)
class Sheet:
    """A printed page.

    Attributes
    ----------
    pixels : ndarray, shape (height, width, 3) uint8
        sRGB.
    ink : ndarray, shape (height, width) uint8
        Coverage by traces and pulses.
    text : ndarray, shape (height, width) uint8
        Coverage by printed words and separators.
    scale : float
        px/mm. The page's corner is at the corner of pixel (0, 0): ``px = mm * scale - 0.5``.
    page, style
        What was printed, and how.
    over : ndarray, shape (height, width) uint8, or None
        Coverage by what lies over the page and hides its print: a flap, a sticker, a clip.
    gone : ndarray, shape (height, width) uint8, or None
        Coverage by holes, where what is behind the page shows.
    marks : ndarray, shape (height, width) uint8, or None
        Coverage by handwriting and marks.
    boxes : tuple of Box
        Rectangles around handwriting, marks and stickers; those of the print are in the page.
    owns_pixels : bool
        Whether no other sheet shares the pixels, so that they may be changed in place.
    """

    pixels: np.ndarray
    ink: np.ndarray
    text: np.ndarray
    scale: float
    page: Page
    style: Style
    over: np.ndarray | None = None
    gone: np.ndarray | None = None
    marks: np.ndarray | None = None
    boxes: tuple[Box, ...] = ()
    owns_pixels: bool = False

    def canvas(self) -> np.ndarray:
        """Pixels that may be changed: the sheet's own if it `owns_pixels`, else a copy. This saves copying 11 MB for every stain."""
        return self.pixels if self.owns_pixels else self.pixels.copy()

    def drop_ink_planes(self) -> Sheet:
        """The sheet without its planes of ink and text, which nothing but stains needs."""
        return replace(self, ink=self.ink[:0].copy(), text=self.text[:0].copy())

    def with_overlay(self, window: tuple[slice, slice], coverage: np.ndarray) -> Sheet:
        """The sheet with something laid over it: `coverage` (rows, columns) uint8 in `window` is noted; `pixels` already show it."""
        gone = self.gone
        if gone is not None and gone[window].any():
            gone = gone.copy()
            np.minimum(gone[window], 255 - coverage, out=gone[window])
        return replace(self, over=_covered(self.over, self.pixels.shape[:2], window, coverage), gone=gone)

    def with_hole(self, window: tuple[slice, slice], coverage: np.ndarray) -> Sheet:
        """The sheet with a hole, `coverage` (rows, columns) uint8 within `window`."""
        return replace(self, gone=_covered(self.gone, self.pixels.shape[:2], window, coverage))

    def marked(self, marks: list[tuple[tuple[slice, slice], np.ndarray]], boxes: list[Box]) -> Sheet:
        """The sheet with pen marks, each `coverage` (rows, columns) uint8 within a window; their colour is drawn into `pixels`."""
        plane = np.zeros(self.pixels.shape[:2], dtype=np.uint8) if self.marks is None else self.marks.copy()
        for window, coverage in marks:
            np.maximum(plane[window], coverage, out=plane[window])
        return replace(self, marks=plane, boxes=(*self.boxes, *boxes))


def _covered(plane: np.ndarray | None, shape: tuple[int, ...], window: tuple[slice, slice], coverage: np.ndarray) -> np.ndarray:
    plane = np.zeros(shape, dtype=np.uint8) if plane is None else plane.copy()
    np.maximum(plane[window], coverage, out=plane[window])
    return plane


def sheet_shape(page: Page, scale: float) -> tuple[int, int]:
    """Height and width in px of a page printed at `scale` px/mm."""
    width, height = page.size_mm
    return max(1, round(height * scale)), max(1, round(width * scale))


def print_page(page: Page, style: Style, scale: float) -> Sheet:
    """Print a page flat at `scale` px/mm."""
    from fastecg.kernels.blend import inked

    shape = sheet_shape(page, scale)
    ink = trace_plane(page.traces, style, scale, shape, mottled=True)
    draw_strokes(page.strokes, scale, ink, but="separator", density=1.0 - 0.5 * (style.pen.pale + style.pen.mottle))
    text = text_plane(page, scale, shape)
    if style.one_bit:
        ink, text = (255 * (plane >= _HALF).view(np.uint8) for plane in (ink, text))
    pixels = inked(_ruled_paper(shape, page.grid, style, scale), (ink, style.ink), (text, style.text_ink))
    return Sheet(pixels, ink, text, scale, page, style)


def faded(
    sheet: Sheet,
    *,
    rows: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    clouds: np.ndarray | None = None,
    every: int = 1,
    least: float = 0.0,
    brown: float = 0.0,
    grain: float = 0.0,
    seed: int = 0,
) -> Sheet:
    """The sheet with faded ink. Fading comes before stains, which lie over ink and paper.

    Parameters
    ----------
    rows, columns : ndarray, shapes (height,) and (width,), optional
        Share of the contrast that remains, 0 to 1, for every row and every column of pixels; they are multiplied.
    clouds : ndarray, shape (rows, columns), optional
        A further such factor at every `every`-th pixel along both axes, reaching beyond the sheet.
    least : float
        Share of fresh ink's contrast that remains in any case, whatever has faded before.
    brown : float
        How brown ink becomes as it fades, 0 to 1.
    grain : float
        Largest additional loss of a pixel, random by `seed`, strongest at the edges of ink.
    """
    from fastecg.kernels.fade import Fading, fade

    height, width = sheet.ink.shape
    factors = [np.ones(n, np.float32) if given is None else given.astype(np.float32) for given, n in ((rows, height), (columns, width))]
    nodes = np.ones((2, 2), np.float32) if clouds is None else np.ascontiguousarray(clouds, dtype=np.float32)
    pixels = sheet.canvas()
    planes = [np.ascontiguousarray(plane).reshape(-1) for plane in (sheet.ink, sheet.text)]
    solid = _SOLID * (1.0 - sheet.style.pen.pale) * (1.0 - sheet.style.pen.mottle)
    how = Fading(np.array([sheet.style.ink[1], sheet.style.text_ink[1]], np.float32), solid, least, brown, grain, seed)
    step = every if clouds is not None else max(height, width)
    fade(pixels.reshape(-1, 3), bare(sheet).reshape(-1, 3), planes[0], planes[1], factors[0], factors[1], nodes, step, how)
    return replace(sheet, pixels=pixels)


def bare(sheet: Sheet) -> np.ndarray:
    """The sheet's ruled paper before anything was printed on it, (height, width, 3) uint8, read only."""
    return _ruled_paper(sheet.pixels.shape[:2], sheet.page.grid, sheet.style, sheet.scale)


def trace_plane(traces: Iterable[Trace], style: Style, scale: float, shape: tuple[int, int], *, mottled: bool = False) -> np.ndarray:
    """Coverage (height, width) uint8 by traces: the area that the pen passes over, or with `mottled` the uneven ink that it leaves."""
    from fastecg.kernels.line import stroke_trace
    from fastecg.kernels.pen import write_along

    plane = np.zeros(shape, dtype=np.uint8)
    pen = np.ones((2, shape[1]), dtype=np.float32)
    habits = (style.pen.thin, style.pen.pale, style.pen.wander, style.pen.mottle, style.pen.wave_mm)
    for trace in traces:
        write_along(trace.points_mm, scale, habits, pen)
        if not mottled:
            pen[1] = 1.0
        stroke_trace(trace.points_mm * scale - 0.5, style.pen_mm * scale, plane, pen)
    return plane


def draw_strokes(
    strokes: Iterable[Stroke], scale: float, plane: np.ndarray, *, only: str = "", but: str = "", density: float = 1.0
) -> None:
    """Draw pulses and separators into a coverage plane with a `density`: those of the kind `only`, or all `but` one kind."""
    from fastecg.kernels.capsule import stroke_polyline

    for stroke in strokes:
        if stroke.kind == only or (not only and stroke.kind != but):
            stroke_polyline(stroke.points_mm * scale - 0.5, stroke.width_mm * scale, plane, density=density)


def text_plane(page: Page, scale: float, shape: tuple[int, int]) -> np.ndarray:
    """Coverage (height, width) uint8 by printed words, and by separators, which machines print like words."""
    from fastecg.printing.text import draw_texts

    plane = np.zeros(shape, dtype=np.uint8)
    draw_texts(plane, page.texts, scale)
    draw_strokes(page.strokes, scale, plane, only="separator")
    return plane


def _ruled_paper(shape: tuple[int, int], grid: Grid, style: Style, scale: float) -> np.ndarray:
    """Empty paper with its grid, (height, width, 3) uint8, read only: the same for every page of a style and size, so drawn once."""
    known = shape[0] * shape[1] <= _KEPT_PX
    return (_kept_paper if known else _kept_paper.__wrapped__)(shape, grid, style, scale)


@lru_cache(maxsize=1)  # 10 MB: eight of them were a quarter of a worker's memory
def _kept_paper(shape: tuple[int, int], grid: Grid, style: Style, scale: float) -> np.ndarray:
    from fastecg.printing.grid import draw_grid

    pixels = np.empty((*shape, 3), dtype=np.uint8)
    left, top, right, bottom = (max(round(edge * scale), 0) for edge in grid.area_mm)
    margin = np.full((shape[1], 3), style.margin, dtype=np.uint8)
    ruled = margin.copy()
    ruled[left:right] = style.paper
    for rows, filling in ((slice(top), margin), (slice(top, bottom), ruled), (slice(max(top, bottom), None), margin)):
        pixels[rows] = filling  # whole rows at a time: filling pixel by pixel takes ten times as long
    draw_grid(pixels, grid, style.grid, scale)
    pixels.flags.writeable = False
    return pixels
