"""A tear from the edge inwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import INWARD_DEG, patch_between
from fastecg.artifacts._relief import noise_along
from fastecg.artifacts._rip import STEP_MM, deviation_mm, fibre_width, ripped

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class Tear(Artifact):
    """Paper torn from an edge: a crooked gap, widest at the edge, with white fibres along one of its lips.

    Nothing is bent. Through the gap the table is seen; gap and fibres hide what was printed there.
    """

    edge: str = param("top", help="where it begins", choices=tuple(INWARD_DEG))
    at: float = param(0.4, 0.0, 1.0, "where on that edge, from its left or upper end")
    length_mm: float = param(35.0, 2.0, 250.0, "how far in it reaches")
    lean_deg: float = param(10.0, -60.0, 60.0, "how far it leans off the straight way in, clockwise")
    gap_mm: float = param(1.2, 0.0, 15.0, "how far it gapes at the edge")
    fibre_mm: float = param(0.8, 0.0, 4.0, "width of the fibres")
    stray: float = param(1.0, 0.0, 3.0, "how crooked it is")
    seed: int = param(0, 0, 2**31 - 1, "of its course")

    def stain(self, sheet: Sheet) -> Sheet:
        """Take the gap out, and draw its lips."""
        start, turn = self._start(sheet.page.size_mm)
        way = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
        end = start + self.length_mm * way
        reach = 6.0 * self.stray + self.gap_mm + self.fibre_mm + 2.0
        low, high = np.minimum(start, end) - reach, np.maximum(start, end) + reach
        patch = patch_between(sheet, (low[0], low[1]), (high[0], high[1]))
        if patch is None:
            return sheet
        along, across = [way[0], way[1], -way @ start], [-way[1], way[0], way[1] * start[0] - way[0] * start[1]]
        t = np.arange(-2.0 * reach, self.length_mm, STEP_MM)
        return ripped(sheet, patch, np.array(along + across), t, self._course(t), both=True)

    def _course(self, t: np.ndarray) -> np.ndarray:
        """Sideways deviation, half width, and width of the fibres (n, 3), mm, at distances along the tear."""
        left = np.clip(1.0 - t / self.length_mm, 0.0, 1.5)
        aside = self.stray * (deviation_mm(self.seed, t) - deviation_mm(self.seed, np.zeros(1)))
        # A tear is widest where it began and never gapes wider farther in, though its lips do not part evenly.
        uneven = 0.5 * noise_along(self.seed + 20, t / 13.0) + 0.12 * noise_along(self.seed + 21, t / 4.0)
        gapes = np.minimum.accumulate(left**1.4 * (1.0 + np.clip(3.0 * t / self.length_mm, 0.0, 1.0) * uneven))
        half = 0.5 * self.gap_mm * gapes + 0.06 * np.minimum(4.0 * left, 1.0)
        return np.stack([aside, half, self.fibre_mm * fibre_width(self.seed, t) * np.minimum(3.0 * left, 1.0)], axis=1)

    def _start(self, size_mm: tuple[float, float]) -> tuple[np.ndarray, float]:
        """The point (2,) in mm at which the tear begins, and its direction in degrees."""
        width, height = size_mm
        x = {"left": 0.0, "right": width}.get(self.edge, self.at * width)
        y = {"top": 0.0, "bottom": height}.get(self.edge, self.at * height)
        return np.array([x, y]), INWARD_DEG[self.edge] + self.lean_deg
