"""The print of a dot-matrix printer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_FINER = 8  # Samples per px of a dot's profile.


@dataclass(frozen=True)
class DotMatrix(Artifact):
    """Rows and columns of dots that nearly touch. The head prints a band of them in each pass, and some bands are paler than others."""

    pitch_mm: float = param(0.21, 0.07, 0.6, "distance between dots")
    contrast: float = param(0.5, 0.0, 0.95, "share of the ink that is missing between dots")
    bands: float = param(0.08, 0.0, 0.5, "how much the passes differ in ink, as a share of full ink")
    pass_mm: float = param(3.2, 0.5, 12.0, "height of a pass")
    ribbon: float = param(0.1, 0.0, 0.7, "share of the ink that is lost because the ribbon is worn")
    seed: int = param(0, 0, 2**31 - 1, "decides how pale each pass is")

    def stain(self, sheet: Sheet) -> Sheet:
        """Break the ink into dots."""
        from fastecg.sheet import faded

        height, width = sheet.ink.shape
        rng = np.random.default_rng(self.seed)
        # The ink of every pass (a share), and the number of the pass that printed each row of pixels. The first pass begins above the page.
        passes = 1.0 - self.ribbon - self.bands * np.abs(rng.normal(0, 1, int(sheet.page.size_mm[1] / self.pass_mm) + 2))
        pass_of = (np.arange(height) / sheet.scale / self.pass_mm + rng.random()).astype(int)
        rows = np.clip(passes[pass_of] * self._dots(height, sheet.scale), 0.05, 1.0)
        return faded(sheet, rows=rows, columns=self._dots(width, sheet.scale), grain=0.2, seed=self.seed)

    def _dots(self, count: int, scale: float) -> np.ndarray:
        """Share of the ink (count,) that is left in `count` pixels along one axis.

        The share that is lost is `contrast` * (c - 0.2), or 0 where that is negative; c, a squared raised cosine, is 0 in the middle of a
        dot and 1 between dots.
        """
        turns = (np.arange(count * _FINER) + 0.5) / (_FINER * scale * self.pitch_mm)
        between = (0.5 - 0.5 * np.cos(2.0 * np.pi * turns)) ** 2
        return np.minimum(
            1.0 - self.contrast * (between.reshape(count, _FINER).mean(axis=1) - 0.2), 1.0
        )  # dots spread, so they nearly touch
