"""Thermal print that has faded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import whole_sheet

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_LEAST = 0.22  # Share of the contrast that always remains: faded print can still be read.


@dataclass(frozen=True)
class ThermalFade(Artifact):
    """Ink lost over the years, in patches and most along the edges, where light and air came in. What is left is brown.

    Belongs before stains. Faded ink stays visible: some of its contrast is always left.
    """

    loss: float = param(0.4, 0.0, 0.85, "share of the ink's contrast that is gone in the middle of the page")
    unevenness: float = param(0.3, 0.0, 1.0, "how far that differs from patch to patch")
    patch_mm: float = param(35.0, 4.0, 200.0, "size of the patches")
    edge_loss: float = param(0.2, 0.0, 0.8, "contrast lost beside that along the page's edges")
    edge_mm: float = param(18.0, 2.0, 80.0, "how far that reaches in")
    brown: float = param(0.4, 0.0, 1.0, "how brown the ink turns")
    seed: int = param(0, 0, 2**31 - 1, "of the patches")

    def stain(self, sheet: Sheet) -> Sheet:
        """Take contrast from traces and words."""
        from fastecg.sheet import faded

        patch = whole_sheet(sheet, 3.0)
        width, height = sheet.page.size_mm
        uneven = self.loss * (1.0 + self.unevenness * patch.clouds(self.seed, self.patch_mm))
        inward = np.minimum(np.minimum(patch.x, width - patch.x)[None, :], np.minimum(patch.y, height - patch.y)[:, None])
        keep = np.clip(1.0 - uneven - self.edge_loss * np.exp(-np.maximum(inward, 0.0) / self.edge_mm), 0.0, 1.0)
        return faded(sheet, clouds=keep, every=patch.every, least=_LEAST, brown=self.brown)
