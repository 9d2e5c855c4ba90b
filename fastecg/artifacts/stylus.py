"""The print of a heated stylus, which burns less into the paper the faster it moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastecg.artifact import Artifact, param

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class Stylus(Artifact):
    """As of old recorders: the steeper the trace, the faster the stylus and the fainter its line. QRS complexes are thin grey strokes."""

    loss: float = param(0.5, 0.0, 0.85, "share of the contrast that the fastest strokes lack")
    reach_mm: float = param(3.0, 0.5, 20.0, "height of a stroke that lacks half of that")

    def stain(self, sheet: Sheet) -> Sheet:
        """Lighten steep strokes."""
        from fastecg.kernels.fade import lighten_steep
        from fastecg.sheet import bare

        pixels = sheet.canvas()
        # Height in px up to which ink loses nothing: twice the pen's width, so that gentle slopes keep their ink.
        spared = 2.0 * sheet.style.pen_mm * sheet.scale
        lighten_steep(pixels, bare(sheet), sheet.ink, spared, self.reach_mm * sheet.scale, self.loss)
        return replace(sheet, pixels=pixels)
