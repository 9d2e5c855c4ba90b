"""Frames of stickers, stamps, redactions and patches of correction fluid, and how these cover a sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fastecg.page import Box, Page, Text
from fastecg.sheet import Sheet

Window = tuple[slice, slice]


@dataclass(frozen=True)
class PatchFrame:
    """A rectangle of `size_mm` (width, height) with its middle at `centre_mm`, turned clockwise by `angle_deg`.

    Coordinates in the frame are mm from its middle, along its width and its height.
    """

    centre_mm: tuple[float, float]
    size_mm: tuple[float, float]
    angle_deg: float = 0.0

    @property
    def axes(self) -> np.ndarray:
        """Unit vectors along the frame's width and its height, as the rows of (2, 2)."""
        turn = math.radians(self.angle_deg)
        return np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])

    def to_page(self, points_mm: np.ndarray) -> np.ndarray:
        """Page coordinates of points (…, 2) that are given in the frame."""
        return np.asarray(points_mm) @ self.axes + np.array(self.centre_mm)

    @property
    def corners_mm(self) -> np.ndarray:
        """Page coordinates (4, 2) of the corners, clockwise from the upper left."""
        half = 0.5 * np.array(self.size_mm)
        return self.to_page(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half)

    @property
    def extent_mm(self) -> tuple[float, float, float, float]:
        """The upright rectangle (x0, y0, x1, y1) round the frame."""
        upper_left, lower_right = self.corners_mm.min(axis=0), self.corners_mm.max(axis=0)
        return float(upper_left[0]), float(upper_left[1]), float(lower_right[0]), float(lower_right[1])

    def window(self, sheet: Sheet, margin_mm: float = 0.0) -> Window | None:
        """Rows and columns of a sheet within `margin_mm` of the upright rectangle round the frame; None if there are none."""
        height, width = sheet.pixels.shape[:2]
        x0, y0, x1, y1 = self.extent_mm
        left, top = (max(0, math.floor((edge - margin_mm) * sheet.scale) - 1) for edge in (x0, y0))
        right, bottom = (min(limit, math.ceil((edge + margin_mm) * sheet.scale) + 1) for edge, limit in ((x1, width), (y1, height)))
        return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None

    def inside(self, window: Window, scale: float) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates (u, v) in the frame, each (rows, columns) mm, of the centres of a window's pixels at `scale` px/mm."""
        rows, columns = window
        # Pixel k reaches from k to k + 1 px, so its centre is at k + 0.5.
        x = (np.arange(columns.start, columns.stop) + 0.5) / scale - self.centre_mm[0]
        y = (np.arange(rows.start, rows.stop) + 0.5)[:, None] / scale - self.centre_mm[1]
        (a, b), (c, d) = self.axes
        return x * a + y * b, x * c + y * d

    def coverage(self, window: Window, scale: float, round_mm: float = 0.0) -> np.ndarray:
        """Coverage (rows, columns), 0 to 1, of a window's pixels by the rectangle; `round_mm` is the radius of its corners."""
        # `off` is the distance of pixel centres from the rounded outline, mm, negative inside. The edge is a ramp of one pixel.
        u, v = self.inside(window, scale)
        off_u, off_v = np.abs(u) - 0.5 * self.size_mm[0] + round_mm, np.abs(v) - 0.5 * self.size_mm[1] + round_mm
        off = np.hypot(np.maximum(off_u, 0), np.maximum(off_v, 0)) + np.minimum(np.maximum(off_u, off_v), 0) - round_mm
        return np.rint(255.0 * np.clip(0.5 - off * scale, 0.0, 1.0)) / 255.0

    def text(self, words: str, u_mm: float, v_mm: float, size_mm: float, face: str = "sans", bold: bool = False) -> Text:
        """Words along the frame's width, whose baseline starts at the point (u, v) of the frame, mm; `size_mm` is the em size."""
        x, y = self.to_page(np.array([u_mm, v_mm]))
        return Text("sticker", words, float(x), float(y), size_mm, face, bold, angle_deg=-self.angle_deg)

    def box(self, kind: str, words: str) -> Box:
        """The frame as a box of the page."""
        return Box(kind, words, self.corners_mm)


def blend_colour(part: np.ndarray, share: np.ndarray, colour: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Pixels (rows, columns, 3) uint8, covered with a colour, 0 to 255, by a `share` (rows, columns) from 0 to 1."""
    mixed = part + share[..., None].astype(np.float32) * (np.asarray(colour, dtype=np.float32) - part)
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def box_round(share: np.ndarray, window: Window, scale: float, kind: str) -> Box:
    """The upright box round all pixels of a window at which `share` (rows, columns) is above 0; there has to be one."""
    rows, columns = (np.flatnonzero(share.any(axis=axis)) for axis in (1, 0))
    x0, x1 = ((window[1].start + edge) / scale for edge in (columns[0], columns[-1] + 1))
    y0, y1 = ((window[0].start + edge) / scale for edge in (rows[0], rows[-1] + 1))
    return Box(kind, "", np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))


def cover(sheet: Sheet, window: Window, part: np.ndarray, share: np.ndarray, box: Box) -> Sheet:
    """The sheet with something opaque on it.

    Parameters
    ----------
    sheet : Sheet
    window : (slice, slice)
        The part of the sheet that changes.
    part : ndarray, shape (rows, columns, 3) uint8
        The new pixels of this part.
    share : ndarray, shape (rows, columns)
        Coverage, 0 to 1, by the opaque thing.
    box : Box
        The box round the opaque thing, for the truth.
    """
    pixels = sheet.canvas()
    pixels[window] = part
    return replace(sheet, pixels=pixels, boxes=(*sheet.boxes, box)).with_overlay(window, np.rint(255 * share).astype(np.uint8))


def rough(shape: tuple[int, int], cell_px: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise (rows, columns) from 0 to 1, interpolated between uniform random values every `cell_px` pixels."""
    rows, columns = (np.arange(n) / cell_px for n in shape)
    knots = rng.random((int(rows[-1]) + 2, int(columns[-1]) + 2))
    i, j = rows.astype(int), columns.astype(int)
    a, b = (rows - i)[:, None], (columns - j)[None, :]
    upper = knots[i][:, j] * (1 - b) + knots[i][:, j + 1] * b
    lower = knots[i + 1][:, j] * (1 - b) + knots[i + 1][:, j + 1] * b
    return upper * (1 - a) + lower * a


def text_lines(page: Page) -> list[Box]:
    """Boxes of the page's printed lines, without lead names and lines of one or two characters."""
    return [box for box in page.boxes if box.kind == "text" and len(box.words) > 2]


def free_frame(sheet: Sheet, size_mm: tuple[float, float], angle_deg: float, rng: np.random.Generator, place: str) -> PatchFrame:
    """The frame of a sticker or stamp at a random place.

    With the `place` "free" the frame is in free space. With "anywhere", or without free space, its upper edge is in the upper 30 % of the
    page, or in the lower 30 % or as low as the frame's height allows. With "top_right" it is at the upper right corner, 2 mm from the
    edges (if not turned), where programs print square codes.
    """
    from fastecg.handwriting.room import Room

    if place == "top_right":
        return PatchFrame((sheet.page.size_mm[0] - 0.5 * size_mm[0] - 2.0, 0.5 * size_mm[1] + 2.0), size_mm, angle_deg)

    turned = PatchFrame((0.0, 0.0), size_mm, angle_deg).extent_mm
    width, height = turned[2] - turned[0], turned[3] - turned[1]
    room = Room.of(sheet.page, sheet.boxes)
    region = room.regions()[str(rng.choice(["header", "right", "bottom"], p=[0.5, 0.25, 0.25]))]
    corner = room.find((width, height), rng, region) if place == "free" else None
    if corner is None:
        page_width, page_height = sheet.page.size_mm
        band = (0.0, 0.3) if rng.random() < 0.65 else (0.7, 1.0)
        lowest = max(page_height - height - 1.0, 1.0)
        corner = float(rng.uniform(0, max(page_width - width, 1.0))), float(np.clip(rng.uniform(*band) * page_height, 1.0, lowest))
    return PatchFrame((corner[0] + 0.5 * width, corner[1] + 0.5 * height), size_mm, angle_deg)
