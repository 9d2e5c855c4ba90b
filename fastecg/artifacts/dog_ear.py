"""A folded corner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._rip import without_scraps
from fastecg.handwriting.patch import rough

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

Window = tuple[slice, slice]


@dataclass(frozen=True)
class DogEar(Artifact):
    """A corner folded over, as a flap. The paper's back lies on the page, and the table is seen where the corner was.

    Nothing is bent: the flap is a layer over the page. The flap and the missing corner hide what was printed there.
    """

    corner: str = param("top_right", help="which corner", choices=("top_left", "top_right", "bottom_right", "bottom_left"))
    width_mm: float = param(22.0, 3.0, 90.0, "distance from the corner to the fold along the page's upper or lower edge")
    height_mm: float = param(16.0, 3.0, 90.0, "distance from the corner to the fold along the page's left or right edge")
    way: str = param("over", help="whether it is folded over the page or under it", choices=("over", "under"))
    shadow: float = param(0.35, 0.0, 0.8, "darkness of the shadow that the flap throws on the page")
    lift_mm: float = param(1.5, 0.2, 6.0, "width of the flap's shadow")
    through: float = param(0.16, 0.0, 0.4, "share of the contrast of the print on the flap's other side that is seen through the flap")

    def stain(self, sheet: Sheet) -> Sheet:
        """Remove the corner, and draw the flap and its shadow unless the corner is folded under the page."""
        fold_a, fold_b, corner = (point * sheet.scale - 0.5 for point in self._fold_mm(sheet.page.size_mm))
        beyond = 4.0 * (fold_a - fold_b) / np.hypot(*(fold_a - fold_b))  # the hole reaches a few px past the paper's edges
        hole = np.stack([fold_a + beyond, fold_b - beyond, corner + 4.0 * np.sign(2 * corner - fold_a - fold_b)])
        sheet = without_scraps(sheet.with_hole(*_triangle(sheet, hole, 0.0)))
        if self.way == "under":
            return sheet
        tip = _mirrored(corner, fold_a, fold_b)
        flap = np.stack([fold_a, fold_b, tip])
        window, coverage = _triangle(sheet, flap, 0.0)
        back = self._back(sheet, window, fold_a, fold_b)
        pixels = sheet.canvas()
        self._throw_shadow(sheet, flap, pixels)
        share = coverage[..., None] / 255.0
        pixels[window] = np.rint(pixels[window] * (1 - share) + back * share).astype(np.uint8)
        return replace(sheet, pixels=pixels).with_overlay(window, coverage)

    def _fold_mm(self, size_mm: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The two ends of the fold and the corner of the page, each (2,) mm."""
        width, height = size_mm
        x, inward_x = (0.0, 1.0) if self.corner.endswith("left") else (width, -1.0)
        y, inward_y = (0.0, 1.0) if self.corner.startswith("top") else (height, -1.0)
        ends = np.array([x + inward_x * min(self.width_mm, width), y]), np.array([x, y + inward_y * min(self.height_mm, height)])
        return *ends, np.array([x, y])

    def _throw_shadow(self, sheet: Sheet, flap: np.ndarray, pixels: np.ndarray) -> None:
        """Darken the page beside the free edges of the flap, a triangle (3, 2) px, in place."""
        reach = 3.5 * self.lift_mm * sheet.scale
        window, _ = _triangle(sheet, flap, reach)
        points, lift = _grid(window), self.lift_mm * sheet.scale
        along = flap[1] - flap[0]
        from_fold = np.abs(_cross(along, points - flap[0])) / np.hypot(*along)
        # At the fold the flap touches the page. The tip is above the page, so the tip's shadow is wide, pale, and moved to the lower right.
        # `height` is 0.05 at the fold and 1 at the tip; `distance` is measured in widths of the shadow.
        height = np.clip(from_fold / max(np.abs(_cross(along, flap[2] - flap[0])) / np.hypot(*along), 1.0), 0.05, 1.0)
        shifted = points - (np.array([0.35, 0.55]) * lift) * height[..., None]
        distance = np.maximum(_outside(shifted, flap), 0.0) / (lift * (0.25 + 0.9 * height))
        dark = self.shadow * (1.1 - 0.45 * height) * np.exp(-(distance**1.5))
        pixels[window] = np.rint(pixels[window] * (1.0 - dark[..., None])).astype(np.uint8)

    def _back(self, sheet: Sheet, window: Window, fold_a: np.ndarray, fold_b: np.ndarray) -> np.ndarray:
        """Colours (rows, columns, 3) of the paper's back: as yellowed as the front, with faint print, and shaded along the fold.

        `fold_a` and `fold_b` are the ends of the fold, px. The back's cloudiness depends on where the flap is.
        """
        from fastecg.sheet import bare

        points = _grid(window)
        # The pixel of the front that was printed on the other side of this piece of paper: its place mirrored in the fold.
        printed = np.rint(_mirrored(points, fold_a, fold_b)).astype(int)
        height, width = sheet.pixels.shape[:2]
        column, row = np.clip(printed[..., 0], 0, width - 1), np.clip(printed[..., 1], 0, height - 1)
        # `aged` is the front's level now, divided by its level when it was printed, for each channel.
        front, fresh = sheet.pixels[row, column], bare(sheet)[row, column]
        aged = np.median(front, axis=(0, 1)) / np.maximum(np.median(fresh, axis=(0, 1)), 1.0)
        paper = np.array(sheet.style.margin, dtype=np.float64) * np.minimum(aged, 1.0)
        colour = 0.985 * paper + self.through * (front - paper)
        along = fold_b - fold_a
        from_fold = np.abs(_cross(along, points - fold_a)) / np.hypot(*along) / sheet.scale
        # At the fold the paper is dark, because it stands upright, and 2 mm farther it is bright, because it faces up again. From there it
        # bends up towards the tip, and gets darker. The back of paper is cloudy. Distances are in mm.
        shade = 1.0 - 0.2 * np.exp(-((from_fold / 0.45) ** 2)) + 0.035 * np.exp(-(((from_fold - 1.9) / 1.1) ** 2))
        shade -= 0.05 * (1.0 - np.exp(-from_fold / 9.0)) + 0.025 * np.exp(-from_fold / 14.0)
        rows, columns = window
        clouds = (rough(shade.shape, 1.4 * sheet.scale, np.random.default_rng(rows.start + 7919 * columns.start)) - 0.5) * 0.035
        return np.clip(colour * (shade + clouds)[..., None], 0.0, 255.0)


def _mirrored(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Points (…, 2) mirrored in the line through a and b."""
    along = (b - a) / np.hypot(*(b - a))
    off = points - a
    return a + 2.0 * (off @ along)[..., None] * along - off


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Cross product of vectors (…, 2) in the plane."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _grid(window: Window) -> np.ndarray:
    """Pixel coordinates (rows, columns, 2) of a window."""
    rows, columns = window
    return np.stack(np.meshgrid(np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop)), axis=-1).astype(np.float64)


def _outside(points: np.ndarray, triangle: np.ndarray) -> np.ndarray:
    """Largest of the signed distances in px of points from the edge lines of a triangle (3, 2): positive outside, negative inside.

    Inside the triangle it is minus the distance from the nearest edge. Outside, beyond a corner, it is less than the distance from the
    triangle.
    """
    orientation = np.sign(_cross(triangle[1] - triangle[0], triangle[2] - triangle[0]))
    edges = [(triangle[k], triangle[(k + 1) % 3] - triangle[k]) for k in range(3)]
    return np.max([-orientation * _cross(along, points - start) / np.hypot(*along) for start, along in edges], axis=0)


def _triangle(sheet: Sheet, corners: np.ndarray, reach: float) -> tuple[Window, np.ndarray]:
    """The rectangle of the sheet within `reach` px of a triangle (3, 2) px, and how much the triangle covers each pixel, 0 to 255 uint8."""
    height, width = sheet.pixels.shape[:2]
    upper_left, lower_right = np.floor(corners.min(axis=0) - reach).astype(int) - 1, np.ceil(corners.max(axis=0) + reach).astype(int) + 2
    window = slice(max(upper_left[1], 0), min(lower_right[1], height)), slice(max(upper_left[0], 0), min(lower_right[0], width))
    coverage = np.clip(0.5 - _outside(_grid(window), corners), 0.0, 1.0)
    return window, np.rint(255.0 * coverage).astype(np.uint8)
