"""`Page`: what is printed where, as vectors in millimetres.

The origin is the page's top left corner, x points to the right, y down. Nothing here knows pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """One drawn segment of a lead.

    `points_mm` (n, 2) are the positions (x, y) of the record's samples `start` to `stop`, the latter not included. x increases strictly; y
    is NaN in gaps.
    """

    lead: str
    start: int
    stop: int
    points_mm: np.ndarray
    baseline_mm: float  # y of 0 mV, or of `offset_mv` if that is not 0
    gain_mm_mv: float  # negative if the lead is drawn inverted, as in "-aVR"
    row: int  # from 0 at the top
    column: int  # from 0 at the left; 0 for a rhythm strip
    rhythm: bool = False  # a full-width strip below the columns
    offset_mv: float = 0.0  # subtracted before drawing; 0 unless the segment's median would lie nearer to another row of traces

    def __repr__(self) -> str:
        return f"Trace({self.lead}, row {self.row}, column {self.column}, samples {self.start} to {self.stop})"


@dataclass(frozen=True, eq=False)
class Stroke:
    """A printed line that is not a trace, through `points_mm` (n, 2). Its ends are round; at a point of NaN it is interrupted."""

    kind: str  # "pulse", "separator", "step", "frame"
    points_mm: np.ndarray
    width_mm: float


@dataclass(frozen=True)
class Text:
    """Printed words. (`x_mm`, `y_mm`) is the left end of the line on which the letters stand."""

    kind: str  # "lead", "header", "footer", "statement", or "identity" (words about the person whose recording it is); artifacts add kinds
    words: str
    x_mm: float
    y_mm: float
    size_mm: float  # em size
    face: str  # "sans", "serif", "mono", "bitmap", "dejavu", or the path of a TrueType font
    bold: bool = False
    italic: bool = False
    lead: str = ""  # for kind "lead": whose name it is
    angle_deg: float = 0.0  # direction of the line on which the letters stand, counter-clockwise from the right
    lean: float = 0.0  # tangent of an additional slant, to the right if above 0
    dots_per_mm: float = 0.0  # dots per mm of the raster of which letters are made; 0 for smooth outlines
    grey: bool = False  # whether dots of this raster may be grey, as on displays; those of print heads are black or white


@dataclass(frozen=True, eq=False)
class Box:
    """A rectangle around something on the page: its corners (4, 2) in mm, clockwise from top left."""

    kind: str  # "lead" (a trace), "lead_name", "text" or "pulse"; artifacts add kinds of handwriting, marks and stickers
    words: str  # the words in the rectangle; for a trace the name of its lead; empty for a pulse or a mark without words
    corners_mm: np.ndarray
    trace: int = -1  # index into `Page.traces` of the trace to which the box belongs; -1 for none


@dataclass(frozen=True)
class Grid:
    """The printed grid, whose lines or dots the style gives. It covers the area (x0, y0, x1, y1); its first lines are at x0 and at y0."""

    area_mm: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False, repr=False)
class Page:
    """All that is printed on a page, in mm."""

    size_mm: tuple[float, float]  # width, height
    grid: Grid
    traces: tuple[Trace, ...]
    strokes: tuple[Stroke, ...] = ()
    texts: tuple[Text, ...] = ()
    boxes: tuple[Box, ...] = ()
    layout: str = ""
    speed_mm_s: float = 25.0
    gain_mm_mv: float = 10.0
    notes: tuple[str, ...] = field(default=())  # sentences for the user about what was left out or replaced

    def __repr__(self) -> str:
        width, height = self.size_mm
        return f"Page({self.layout or 'no layout'}, {width:g} x {height:g} mm, {len(self.traces)} traces, {len(self.texts)} texts)"
