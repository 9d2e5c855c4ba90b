"""A scanner's head: three rows of sensors, one for each colour, that see a line of the page one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class ScanHead(Artifact):
    """Red and blue are shifted a little from green along the scan, and some lines are a little brighter or darker than the next.

    The head goes down an upright sheet; where the page lies on its side it goes along the traces.
    """

    red_px: float = param(0.03, -0.2, 0.2, "how far red lies behind green")
    blue_px: float = param(-0.03, -0.2, 0.2, "how far blue lies behind green")
    along: str = param("y", help="which way the head goes: down the picture, or to the right", choices=("y", "x"))
    line_levels: float = param(0.3, 0, 4, "standard deviation of the lines' brightness")
    seed: int = param(0, 0, 2**31, "of the lines")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Mix each colour's lines with the next ones, in place."""
        from fastecg.kernels.scan_head import move_colours

        count = pixels.shape[0 if self.along == "y" else 1]
        lines = np.rint(np.random.default_rng(self.seed).normal(0.0, 256.0 * self.line_levels, count)).astype(np.int32)
        move_colours(pixels, round(256 * self.red_px), round(256 * self.blue_px), lines, self.along == "x")
        return pixels
