"""A page printed by a laser or ink-jet printer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_UNSEEN_PX = 1.8  # A screen with a finer pitch in px of the sheet is left as tones, as the picture cannot show its dots.
_SEEN_PX = 3.2  # A screen with a coarser pitch in px is drawn as dots; between the two limits, tones and dots are blended.


@dataclass(frozen=True)
class LaserPrint(Artifact):
    """Tones are printed as a screen of dots: pale lines are stippled, and black ones solid. In recipes it comes before stains."""

    lines_per_inch: float = param(85.0, 30, 200, "lines of dots per inch")
    angle_deg: float = param(45.0, 0, 90, "direction of the lines of dots")
    gain: float = param(0.15, 0, 0.8, "share by which the area of dots is larger than their tone requires")
    softness: float = param(0.5, 0.1, 2.0, "softness of the dots' edges")
    grey: float = param(0.0, 0, 1, "how grey the dots are: share of their colour that is replaced by a grey of the same mean")

    def stain(self, sheet: Sheet) -> Sheet:
        """Replace tones by dots, except those of traces and words, those nearly of the paper's colour, and those that are nearly solid.

        Nothing is changed if the dots would be too fine to be seen.
        """
        from fastecg.kernels.screen_dots import screen

        pitch = 25.4 / self.lines_per_inch * sheet.scale
        strength = min((pitch - _UNSEEN_PX) / (_SEEN_PX - _UNSEEN_PX), 1.0)
        if strength <= 0:
            return sheet
        pixels, angle = sheet.canvas(), math.radians(self.angle_deg)
        dots = {"growth": self.gain, "softness": self.softness, "grey": self.grey, "strength": strength}
        screen(pixels, np.maximum(sheet.ink, sheet.text), sheet.style.paper, pitch, angle, **dots)
        return replace(sheet, pixels=pixels)
