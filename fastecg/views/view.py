"""`View`: from points in space to pixels. Every picture has exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fastecg.artifact import Params


@dataclass(frozen=True)
class View(Params):
    """The position of the camera or scanner. The page lies in the plane z = 0 with its corner at the origin; z points to the camera."""

    #: How far in mm the mesh reaches beyond each edge of the page, at least.
    margin_mm: ClassVar[float] = 12.0

    def size(self, page_mm: tuple[float, float], dpi: float) -> tuple[int, int]:
        """Height and width in px of the picture of a page of (width, height) `page_mm`, at `dpi` dots per inch of paper."""
        width, height = page_mm
        return max(1, round(height * dpi / 25.4)), max(1, round(width * dpi / 25.4))

    def project(self, points_mm: np.ndarray, page_mm: tuple[float, float], dpi: float) -> np.ndarray:
        """Positions (x, y) in the picture, (…, 2) px, of points in space (…, 3) mm; the middle of the first pixel is (0, 0)."""
        raise NotImplementedError

    def backdrop(self) -> np.ndarray:
        """Colour (3,) uint8 of what is seen beside the page, unless an artifact paints something else there."""
        return np.zeros(3, dtype=np.uint8)
