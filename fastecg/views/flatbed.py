"""The page as a flatbed or feed scanner sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import param
from fastecg.views.view import View

# sRGB colours of lids, by the names that `lid` takes.
_LIDS = {"white": (244, 244, 242), "grey": (176, 177, 176), "black": (22, 22, 24)}


@dataclass(frozen=True)
class Flatbed(View):
    """A flatbed or feed scanner. There is no perspective; the page may lie a little askew, and the lid is seen beside it."""

    skew_deg: float = param(0.0, -15.0, 15.0, "how far the page is turned clockwise")
    turns: int = param(0, 0, 3, "quarter turns clockwise in addition to `skew_deg`")
    stretch_x: float = param(1.0, 0.95, 1.05, "true resolution over the stated one, across the scan")
    stretch_y: float = param(1.0, 0.95, 1.05, "true resolution over the stated one, along the scan")
    border_mm: float = param(0.0, -30.0, 80.0, "how far the scan goes beyond the page; below 0 the page is cropped")
    offset_x_mm: float = param(0.0, -60.0, 60.0, "how far the page lies to the right of the middle")
    offset_y_mm: float = param(0.0, -60.0, 60.0, "how far the page lies below the middle")
    lid: str = param("white", help="colour of the lid", choices=tuple(_LIDS))
    crop_top: float = param(0.0, 0.0, 0.4, "share of the scan's height cut off at its top, where a header may be")
    crop_bottom: float = param(0.0, 0.0, 0.4, "share of the scan's height cut off at its bottom")
    crop_left: float = param(0.0, 0.0, 0.4, "share of the scan's width cut off at its left")
    crop_right: float = param(0.0, 0.0, 0.4, "share of the scan's width cut off at its right")

    def size(self, page_mm: tuple[float, float], dpi: float) -> tuple[int, int]:
        """Height and width in px of the picture of the page and its border, after cropping; at least 8."""
        height, width = self._uncropped(page_mm, dpi)
        cut = [round(share * height) for share in (self.crop_top, self.crop_bottom)]
        cut_beside = [round(share * width) for share in (self.crop_left, self.crop_right)]
        return max(8, height - sum(cut)), max(8, width - sum(cut_beside))

    def _uncropped(self, page_mm: tuple[float, float], dpi: float) -> tuple[int, int]:
        """Height and width in px of page and border before the `crop_` shares are cut off."""
        width, height = page_mm[::-1] if self.turns % 2 else page_mm
        tall, wide = (max(8, round((length + 2 * self.border_mm) * dpi / 25.4)) for length in (height, width))
        return tall, wide

    def project(self, points_mm: np.ndarray, page_mm: tuple[float, float], dpi: float) -> np.ndarray:
        """Positions (…, 2) px of points in space (…, 3) mm, whose height makes no difference; the middle of the first pixel is (0, 0)."""
        angle = np.deg2rad(self.skew_deg + 90.0 * self.turns)
        x, y = points_mm[..., 0] - page_mm[0] / 2, points_mm[..., 1] - page_mm[1] / 2
        height, width = self._uncropped(page_mm, dpi)
        scale = dpi / 25.4
        across = (x * np.cos(angle) - y * np.sin(angle) + self.offset_x_mm) * scale * self.stretch_x
        down = (x * np.sin(angle) + y * np.cos(angle) + self.offset_y_mm) * scale * self.stretch_y
        left, top = round(self.crop_left * width), round(self.crop_top * height)
        places = np.stack([across + 0.5 * (width - 1) - left, down + 0.5 * (height - 1) - top], axis=-1)
        if self.skew_deg == 0.0 and self.stretch_x == self.stretch_y == 1.0:
            # A page that is neither askew nor stretched is moved by up to half a pixel, until its corner is at the corner of a pixel: then
            # a bitmap is not resampled. `corner` is the page's upper left corner, in px from the upper left corner of the uncropped scan,
            # first without the offsets, then with them.
            corner = [
                0.5 * (length - side * scale) for length, side in zip((width, height), page_mm[:: -1 if self.turns % 2 else 1], strict=True)
            ]
            corner = [place + offset * scale for place, offset in zip(corner, (self.offset_x_mm, self.offset_y_mm), strict=True)]
            places += [round(place) - place for place in corner]
        return places

    def backdrop(self) -> np.ndarray:
        """Colour of the lid, (3,) uint8."""
        return np.array(_LIDS[self.lid], dtype=np.uint8)
