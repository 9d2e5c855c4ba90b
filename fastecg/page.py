"""`Page`: what is printed where, as vectors in millimetres.

Frame: origin at the page's top left corner, x to the right, y down, mm. Nothing here knows pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """One drawn segment of a lead.

    `points_mm` has shape (n, 2): point i is sample ``start + i`` of the record. x increases strictly; y is NaN in gaps.
    """

    lead: str
    start: int
    stop: int
    points_mm: np.ndarray
    baseline_mm: float  # y of 0 mV
    gain_mm_mv: float
    row: int
    column: int
    rhythm: bool = False  # a full-width strip below the columns
    offset_mv: float = 0.0  # subtracted before drawing (0 unless the lead would have left the page)

    def __repr__(self) -> str:
        return f"Trace({self.lead}, row {self.row}, column {self.column}, samples {self.start} to {self.stop})"


@dataclass(frozen=True, eq=False)
class Stroke:
    """A printed line that is no trace: calibration pulse, separator, frame. `points_mm` (n, 2), round caps; NaN lifts the pen."""

    kind: str  # "pulse", "separator", "step", "frame"
    points_mm: np.ndarray
    width_mm: float


@dataclass(frozen=True)
class Text:
    """Printed words. (`x_mm`, `y_mm`) is the left end of the baseline."""

    kind: str  # "lead", "header", "footer", "statement", or "identity" (whose recording it is)
    words: str
    x_mm: float
    y_mm: float
    size_mm: float  # em size
    face: str  # "sans", "serif", "mono", "bitmap" or a TTF path
    bold: bool = False
    italic: bool = False
    lead: str = ""  # for kind "lead": whose name it is
    angle_deg: float = 0.0
    lean: float = 0.0  # tangent of an additional slant
    dots_mm: float = 0.0  # resolution of the raster that letters are made of, dots per mm; 0: smooth outlines
    grey: bool = False  # whether dots of the raster may be grey, as on displays; those of print heads are black or white


@dataclass(frozen=True, eq=False)
class Box:
    """A rectangle around something on the page: its corners (4, 2) in mm, clockwise from top left."""

    kind: str  # "lead" (a trace), "lead_name", "text", "pulse"; on sheets also kinds of handwriting, marks and stickers
    words: str
    corners_mm: np.ndarray
    trace: int = -1  # index into `Page.traces` where the box belongs to one


@dataclass(frozen=True)
class Grid:
    """The printed 1 mm and 5 mm grid: its area (x0, y0, x1, y1) in mm; lines start at (x0, y0)."""

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
    notes: tuple[str, ...] = field(default=())  # sentences for the user: what was left out or replaced

    def __repr__(self) -> str:
        width, height = self.size_mm
        return f"Page({self.layout or 'no layout'}, {width:g} x {height:g} mm, {len(self.traces)} traces, {len(self.texts)} texts)"
