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
    """A tear that begins at an edge: a crooked gap, widest at the edge, with white fibres along one of its sides.

    Nothing is bent. Through the gap the table is seen; gap and fibres hide what was printed there.
    """

    edge: str = param("top", help="the page's edge at which it begins", choices=tuple(INWARD_DEG))
    at: float = param(0.4, 0.0, 1.0, "place on that edge: distance from its left or upper end, as a share of its length")
    length_mm: float = param(35.0, 2.0, 250.0, "length of the tear")
    lean_deg: float = param(10.0, -60.0, 60.0, "its angle to the perpendicular of the edge, clockwise")
    gap_mm: float = param(1.2, 0.0, 15.0, "width of the gap at the edge")
    fibre_mm: float = param(0.8, 0.0, 4.0, "width of the band of fibres where it is wide")
    stray: float = param(1.0, 0.0, 3.0, "factor on the tear's deviation from a straight line; 0: straight")
    seed: int = param(0, 0, 2**31 - 1, "decides its course")

    def stain(self, sheet: Sheet) -> Sheet:
        """Cut the gap, and draw its fibres and its shadow."""
        start, angle_deg = self._start(sheet.page.size_mm)
        direction = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
        end = start + self.length_mm * direction
        reach = 6.0 * self.stray + self.gap_mm + self.fibre_mm + 2.0
        upper_left, lower_right = np.minimum(start, end) - reach, np.maximum(start, end) + reach
        patch = patch_between(sheet, (upper_left[0], upper_left[1]), (lower_right[0], lower_right[1]))
        if patch is None:
            return sheet
        # Coefficients (of x, of y, constant) of the distances along the tear and across it, see `ripped`.
        cos, sin = direction
        along, across = [cos, sin, -direction @ start], [-sin, cos, sin * start[0] - cos * start[1]]
        t = np.arange(-2.0 * reach, self.length_mm, STEP_MM)
        return ripped(sheet, patch, np.array(along + across), t, self._course(t), both=True)

    def _course(self, t: np.ndarray) -> np.ndarray:
        """Sideways deviation, half the width of the gap, and width of the fibres, (n, 3) mm, at distances `t` mm along the tear.

        `t` begins below 0, outside the page.
        """
        remaining = np.clip(1.0 - t / self.length_mm, 0.0, 1.5)  # share of the length from here to the end, above 1 outside the page
        aside = self.stray * (deviation_mm(self.seed, t) - deviation_mm(self.seed, np.zeros(1)))
        # A tear is widest where it began. Farther in, it narrows unevenly but never gets wider again; near the edge it is less uneven.
        uneven = 0.5 * noise_along(self.seed + 20, t / 13.0) + 0.12 * noise_along(self.seed + 21, t / 4.0)
        opening = np.minimum.accumulate(remaining**1.4 * (1.0 + np.clip(3.0 * t / self.length_mm, 0.0, 1.0) * uneven))
        # Even without a gap, a hairline 0.12 mm wide is seen.
        half = 0.5 * self.gap_mm * opening + 0.06 * np.minimum(4.0 * remaining, 1.0)
        return np.stack([aside, half, self.fibre_mm * fibre_width(self.seed, t) * np.minimum(3.0 * remaining, 1.0)], axis=1)

    def _start(self, size_mm: tuple[float, float]) -> tuple[np.ndarray, float]:
        """The point (2,) in mm at which the tear begins, and its direction in degrees, clockwise from the right."""
        width, height = size_mm
        x = {"left": 0.0, "right": width}.get(self.edge, self.at * width)
        y = {"top": 0.0, "bottom": height}.get(self.edge, self.at * height)
        return np.array([x, y]), INWARD_DEG[self.edge] + self.lean_deg
