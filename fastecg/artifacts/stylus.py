"""The print of a heated stylus, which burns less into the paper the faster it moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastecg.artifact import Artifact, param

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class Stylus(Artifact):
    """The trace of an old recorder: where it is steep, the stylus was fast and the line is faint. QRS complexes are thin grey strokes."""

    loss: float = param(0.5, 0.0, 0.85, "share of the contrast that the fastest strokes lack")
    reach_mm: float = param(3.0, 0.5, 20.0, "height, beyond twice the pen's width, of strokes that lack half of `loss`")

    def stain(self, sheet: Sheet) -> Sheet:
        """Lighten steep strokes."""
        from fastecg.kernels.fade import lighten_steep
        from fastecg.sheet import bare

        pixels = sheet.canvas()
        # Height in px up to which ink loses nothing: twice the pen's width, so that gentle slopes keep their ink.
        spared = 2.0 * sheet.style.pen_mm * sheet.scale
        lighten_steep(pixels, bare(sheet), sheet.ink, spared, self.reach_mm * sheet.scale, self.loss)
        return replace(sheet, pixels=pixels)
