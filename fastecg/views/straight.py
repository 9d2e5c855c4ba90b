"""The page as it was printed, filling the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.views.view import View


@dataclass(frozen=True)
class Straight(View):
    """No camera: the printed sheet is the picture."""

    def project(self, points_mm: np.ndarray, page_mm: tuple[float, float], dpi: float) -> np.ndarray:
        """Positions (…, 2) px of points in space (…, 3) mm, seen from straight above and far away.

        The page's upper left corner is at (-0.5, -0.5), as the middle of the first pixel is (0, 0).
        """
        return points_mm[..., :2] * (dpi / 25.4) - 0.5
