"""Correction fluid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.handwriting.patch import PatchFrame, blend_colour, box_round, cover, rough, text_lines

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class WhiteOut(Artifact):
    """A white patch with a wavy edge and brush marks, over printed words or anywhere; it hides what is below."""

    over: str = param("words", help="whether it covers printed words or any place", choices=("words", "anywhere"))
    width_mm: float = param(18.0, 3.0, 90.0, "width of a patch that does not cover words")
    height_mm: float = param(6.0, 2.0, 40.0, "height of a patch that does not cover words")
    seed: int = param(0, 0, 2**31, "decides place and shape")

    def stain(self, sheet: Sheet) -> Sheet:
        """Paint the patch."""
        rng = np.random.default_rng(self.seed)
        frame = self._frame(sheet, rng)
        window = frame.window(sheet, 2.0)
        if window is None:
            return sheet
        u, v = frame.inside(window, sheet.scale)
        edge = 1.6 * (rough(u.shape, 2.2 * sheet.scale, rng) - 0.5) + 0.5 * (rough(u.shape, 0.7 * sheet.scale, rng) - 0.5)
        half_u, half_v = 0.5 * frame.size_mm[0], 0.5 * frame.size_mm[1]
        # Distance in mm outside a box with corners of a radius of 1 mm, made wavy by `edge`; the fluid's share falls to 0 within 2 px.
        off = np.hypot(np.maximum(np.abs(u) - half_u + 1, 0), np.maximum(np.abs(v) - half_v + 1, 0)) - 1 + edge
        share = np.rint(255 * np.clip(0.5 - off * sheet.scale * 0.5, 0.0, 1.0)) / 255
        if not share.any():
            return sheet
        # The fluid is at least as white as the paper: nobody would use one that is darker.
        fluid = np.maximum(rng.uniform(240, 252) + rng.normal(0, 1.5, 3), np.maximum(sheet.style.paper, sheet.style.margin))
        part = blend_colour(sheet.pixels[window], share, fluid)
        # Brush marks: rows of pixels of random brightness, and fainter clouds.
        brushed = rough(u.shape, max(0.5 * sheet.scale, 1.0), rng)[:, :1] - 0.5 + 0.5 * (rough(u.shape, 1.5 * sheet.scale, rng) - 0.5)
        ridge = np.exp(-((off / 0.35) ** 2)) * np.sign(v)  # dried fluid is thicker at its edge, lit from above
        part = np.clip(part + share[..., None] * (5.0 * brushed - 7.0 * ridge)[..., None], 0, 255).astype(np.uint8)
        return cover(sheet, window, part, share, box_round(share, window, sheet.scale, "white_out"))

    def _frame(self, sheet: Sheet, rng: np.random.Generator) -> PatchFrame:
        """Where the patch is, a few degrees askew: over a random line of words, or anywhere if `over` says so or there are no words."""
        printed = text_lines(sheet.page)
        angle = float(rng.normal(0, 2.0))
        if self.over == "words" and printed:
            corners = printed[int(rng.integers(len(printed)))].corners_mm
            upper_left, lower_right = corners.min(axis=0), corners.max(axis=0)
            x, y = 0.5 * (upper_left + lower_right)
            return PatchFrame(
                (float(x), float(y)), (float(lower_right[0] - upper_left[0]) + 4.0, float(lower_right[1] - upper_left[1]) + 3.0), angle
            )
        x, y = rng.uniform(0.08, 0.92, 2) * sheet.page.size_mm
        return PatchFrame((float(x), float(y)), (self.width_mm, self.height_mm), angle)
