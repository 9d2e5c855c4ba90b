"""A scanner's head: three rows of sensors, one for each colour, that see a line of the page one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class ScanHead(Artifact):
    """Red and blue are shifted a little from green along the scan, and lines differ a little in brightness.

    The head moves down an upright sheet; if the page lies on its side, it moves along the traces.
    """

    red_px: float = param(0.03, -0.2, 0.2, "how far red lies behind green")
    blue_px: float = param(-0.03, -0.2, 0.2, "how far blue lies behind green")
    along: str = param("y", help="whether the head moves down the picture (y) or to the right (x)", choices=("y", "x"))
    line_levels: float = param(0.3, 0, 4, "standard deviation of the lines' brightness, levels")
    seed: int = param(0, 0, 2**31, "decides how bright each line is")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Shift red and blue by mixing neighbouring lines, and change the brightness of lines, in place."""
        from fastecg.kernels.scan_head import move_colours

        count = pixels.shape[0 if self.along == "y" else 1]
        # Shifts are in 256ths of a pixel, and brightness in 256ths of a level.
        lines = np.rint(np.random.default_rng(self.seed).normal(0.0, 256.0 * self.line_levels, count)).astype(np.int32)
        move_colours(pixels, round(256 * self.red_px), round(256 * self.blue_px), lines, self.along == "x")
        return pixels
