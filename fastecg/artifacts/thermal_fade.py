"""Thermal print that has faded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import whole_sheet

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_LEAST = 0.22  # Share of the ink's contrast that always remains: faded print can still be read.


@dataclass(frozen=True)
class ThermalFade(Artifact):
    """Ink that has faded over the years, in patches and most along the edges, where light and air came in. What is left is brown.

    In recipes it comes before stains. Faded ink stays visible: some of its contrast always remains.
    """

    loss: float = param(0.4, 0.0, 0.85, "share of the ink's contrast that is lost in the middle of the page")
    unevenness: float = param(0.3, 0.0, 1.0, "how much that share differs from patch to patch")
    patch_mm: float = param(35.0, 4.0, 200.0, "size of the patches")
    edge_loss: float = param(0.2, 0.0, 0.8, "share of the contrast that is lost in addition at the page's edges")
    edge_mm: float = param(18.0, 2.0, 80.0, "distance from the edges at which the additional loss has fallen to 37 %")
    brown: float = param(0.4, 0.0, 1.0, "how brown the ink turns")
    seed: int = param(0, 0, 2**31 - 1, "decides the patches")

    def stain(self, sheet: Sheet) -> Sheet:
        """Reduce the contrast of traces and words, and turn them brown."""
        from fastecg.sheet import faded

        patch = whole_sheet(sheet, 3.0)
        width, height = sheet.page.size_mm
        uneven = self.loss * (1.0 + self.unevenness * patch.clouds(self.seed, self.patch_mm))
        inward = np.minimum(np.minimum(patch.x, width - patch.x)[None, :], np.minimum(patch.y, height - patch.y)[:, None])
        keep = np.clip(1.0 - uneven - self.edge_loss * np.exp(-np.maximum(inward, 0.0) / self.edge_mm), 0.0, 1.0)
        return faded(sheet, clouds=keep, every=patch.every, least=_LEAST, brown=self.brown)
