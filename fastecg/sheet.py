"""`Sheet`: the flat print of a page, in pixels, together with the coverage planes of its ink.

Ink is drawn as coverage, 0 to 255 in each pixel, and coloured once. The planes that colour the print and those that become
masks are drawn by the same functions from the same points, so a mask cannot disagree with the ink.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from fastecg.page import Box, Grid, Page, Stroke, Trace
from fastecg.styles.style import Style

_SOLID = 250  # Coverage above which a pixel counts as completely inked, if the pen is neither pale nor mottled.
_KEPT_PX = 6_000_000  # Largest number of pixels of a ruled paper that is cached; few pages have more.
_HALF = 120  # Coverage from which a one-bit pixel is inked: just below half of 255, so that rounding leaves no gaps in 1 px wide lines.


@dataclass(frozen=True, eq=False)
class Sheet:
    """A printed page.

    Attributes
    ----------
    pixels : ndarray, shape (height, width, 3) uint8
        sRGB.
    ink : ndarray, shape (height, width) uint8
        Coverage by traces, pulses and other printed lines, except separators and the grid.
    text : ndarray, shape (height, width) uint8
        Coverage by printed words and separators.
    scale : float
        px/mm. The page's corner is at the corner of pixel (0, 0): ``px = mm * scale - 0.5``.
    page, style : Page, Style
        What was printed, and the look of the machine that printed it.
    over : ndarray, shape (height, width) uint8, or None
        Coverage by what lies over the page and hides its print: a flap, a sticker, a clip.
    gone : ndarray, shape (height, width) uint8, or None
        Coverage by holes of the paper, through which one sees what lies behind the page.
    marks : ndarray, shape (height, width) uint8, or None
        Coverage by handwriting and marks.
    boxes : tuple of Box
        Rectangles around handwriting, marks and stickers. Rectangles around printed things are in ``page.boxes``.
    owns_pixels : bool
        Whether the pixels belong to this sheet alone, so that they may be changed in place.
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
        """Pixels that may be changed: the sheet's own if it `owns_pixels`, which saves copying some 11 MB; else a copy."""
        return self.pixels if self.owns_pixels else self.pixels.copy()

    def drop_ink_planes(self) -> Sheet:
        """The sheet with empty planes of ink and text, to free memory: only `Artifact.stain` needs these planes."""
        return replace(self, ink=self.ink[:0].copy(), text=self.text[:0].copy())

    def with_overlay(self, window: tuple[slice, slice], coverage: np.ndarray) -> Sheet:
        """The sheet after something was laid on it: the thing's `coverage` (rows, columns) uint8 is added to `over` within `window`.

        The caller has already drawn the thing into `pixels`. Where it covers holes of the paper, they are closed.
        """
        gone = self.gone
        if gone is not None and gone[window].any():
            gone = gone.copy()
            np.minimum(gone[window], 255 - coverage, out=gone[window])
        return replace(self, over=_covered(self.over, self.pixels.shape[:2], window, coverage), gone=gone)

    def with_hole(self, window: tuple[slice, slice], coverage: np.ndarray) -> Sheet:
        """The sheet after `coverage` (rows, columns) uint8 by a hole was added to `gone` within `window`."""
        return replace(self, gone=_covered(self.gone, self.pixels.shape[:2], window, coverage))

    def marked(self, marks: list[tuple[tuple[slice, slice], np.ndarray]], boxes: list[Box]) -> Sheet:
        """The sheet after handwriting or marks were added to its plane of marks and to its boxes.

        Each of `marks` is a window and the coverage (rows, columns) uint8 within it. The caller has already drawn them into `pixels`.
        """
        plane = np.zeros(self.pixels.shape[:2], dtype=np.uint8) if self.marks is None else self.marks.copy()
        for window, coverage in marks:
            np.maximum(plane[window], coverage, out=plane[window])
        return replace(self, marks=plane, boxes=(*self.boxes, *boxes))


def _covered(plane: np.ndarray | None, shape: tuple[int, ...], window: tuple[slice, slice], coverage: np.ndarray) -> np.ndarray:
    """A copy of a plane (or an empty plane of a `shape` for None), raised within a window to `coverage` where the latter is larger."""
    plane = np.zeros(shape, dtype=np.uint8) if plane is None else plane.copy()
    np.maximum(plane[window], coverage, out=plane[window])
    return plane


def sheet_shape(page: Page, scale: float) -> tuple[int, int]:
    """Height and width in px of a page printed at `scale` px/mm."""
    width, height = page.size_mm
    return max(1, round(height * scale)), max(1, round(width * scale))


def print_page(page: Page, style: Style, scale: float) -> Sheet:
    """The flat print of a page at `scale` px/mm."""
    from fastecg.kernels.blend import inked

    shape = sheet_shape(page, scale)
    ink = trace_plane(page.traces, style, scale, shape, mottled=True)
    # The same pen draws strokes, in even ink: a trace loses up to some `pale + mottle` of its darkness, strokes lose half of that.
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
    """The sheet with faded ink. Fade a sheet before something that does not fade, such as a stain, is drawn on it.

    Parameters
    ----------
    sheet : Sheet
    rows, columns : ndarray, shapes (height,) and (width,), optional
        Share of the ink's contrast with the paper that remains, 0 to 1, for every row and every column of pixels. A pixel keeps the
        product of both.
    clouds : ndarray, shape (rows, columns), optional
        A further such factor, known at every `every`-th pixel along both axes and interpolated between; it has to reach beyond the sheet.
    every : int
        Distance of the values of `clouds` in px.
    least : float
        Share of fresh ink's contrast below which no ink is faded. Ink that an earlier fading left with less stays as it is.
    brown : float
        How brown ink becomes as it fades, 0 to 1.
    grain : float
        Largest share of the contrast that a single pixel loses in addition, at random; pixels at edges of the ink lose most.
    seed : int
        The random losses of `grain` are a function of this and of the pixel's position.
    """
    from fastecg.kernels.fade import Fading, fade

    height, width = sheet.ink.shape
    factors = [np.ones(n, np.float32) if given is None else given.astype(np.float32) for given, n in ((rows, height), (columns, width))]
    nodes = np.ones((2, 2), np.float32) if clouds is None else np.ascontiguousarray(clouds, dtype=np.float32)
    pixels = sheet.canvas()
    planes = [np.ascontiguousarray(plane).reshape(-1) for plane in (sheet.ink, sheet.text)]
    solid = _SOLID * (1.0 - sheet.style.pen.pale) * (1.0 - sheet.style.pen.mottle)
    # Contrast is measured in the green channel.
    how = Fading(np.array([sheet.style.ink[1], sheet.style.text_ink[1]], np.float32), solid, least, brown, grain, seed)
    step = every if clouds is not None else max(height, width)  # without clouds, one cell of ones covers the sheet
    fade(pixels.reshape(-1, 3), bare(sheet).reshape(-1, 3), planes[0], planes[1], factors[0], factors[1], nodes, step, how)
    return replace(sheet, pixels=pixels)


def bare(sheet: Sheet) -> np.ndarray:
    """The sheet's paper with its grid and nothing else, (height, width, 3) uint8, read only."""
    return _ruled_paper(sheet.pixels.shape[:2], sheet.page.grid, sheet.style, sheet.scale)


def trace_plane(traces: Iterable[Trace], style: Style, scale: float, shape: tuple[int, int], *, mottled: bool = False) -> np.ndarray:
    """Coverage (height, width) uint8 by traces, drawn with evenly dark ink, or with `mottled` in ink that is paler in some places."""
    from fastecg.kernels.line import stroke_trace
    from fastecg.kernels.pen import fill_pen_factors

    plane = np.zeros(shape, dtype=np.uint8)
    pen = np.ones((2, shape[1]), dtype=np.float32)  # factors of the pen's width and of its darkness for every column of pixels
    habits = (style.pen.thin, style.pen.pale, style.pen.wander, style.pen.mottle, style.pen.wave_mm)
    for trace in traces:
        fill_pen_factors(trace.points_mm, scale, habits, pen)
        if not mottled:
            pen[1] = 1.0
        stroke_trace(trace.points_mm * scale - 0.5, style.pen_mm * scale, plane, pen)
    return plane


def draw_strokes(
    strokes: Iterable[Stroke], scale: float, plane: np.ndarray, *, only: str = "", but: str = "", density: float = 1.0
) -> None:
    """Draw strokes into a coverage `plane`: those of the kind `only`, or, unless that is given, all but those of the kind `but`.

    `density` is the coverage of a pixel that is completely inked, 0 to 1.
    """
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
    """Paper with its grid and nothing else, (height, width, 3) uint8, read only.

    Pages of one style, grid and size share this paper, so the last one is cached unless it is very large.
    """
    cached = shape[0] * shape[1] <= _KEPT_PX
    return (_kept_paper if cached else _kept_paper.__wrapped__)(shape, grid, style, scale)


@lru_cache(maxsize=1)  # One takes some 10 MB: with eight of them, the cache was a quarter of a worker's memory.
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
