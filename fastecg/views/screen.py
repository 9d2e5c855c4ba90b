"""A photo of a display that shows the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fastecg.artifact import param
from fastecg.views.camera import Camera


@dataclass(frozen=True)
class Screen(Camera):
    """A photographed display that shows the page, flat, larger or smaller than on paper, in dark surroundings."""

    margin_mm: ClassVar[float] = 100.0  # mm of mesh beyond the page, because the display goes on there

    distance_mm: float = param(550.0, 150.0, 3000.0, "distance of the lens from the middle of the display")
    fill: float = param(1.05, 0.2, 1.8, "share of the picture's width and height that the page fills; above 1 the page is cropped")
    zoom: float = param(1.0, 0.3, 2.5, "size of the page on the display; 1 is its size on paper")

    def _distance_mm(self) -> float:
        """Distance of the lens in millimetres of the page. The display shows such a millimetre `zoom` times as large as paper does."""
        return self.distance_mm / self.zoom

    def backdrop(self) -> np.ndarray:
        """Colour of the surroundings of the display, (3,) uint8."""
        return np.array([18, 19, 22], dtype=np.uint8)
