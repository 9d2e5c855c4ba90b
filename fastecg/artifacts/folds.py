"""A page that was folded to be carried or filed, and opened again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._relief import Line, fold_height, remaining_height, wear_lines

if TYPE_CHECKING:
    from fastecg.mesh import Mesh
    from fastecg.sheet import Sheet

#: For every pattern its folds in the order in which they were made: position as a share of the page's width or height, direction across
#: the fold in degrees, and the sign by which `fold_deg` is multiplied.
_PATTERNS: dict[str, tuple[tuple[float, float, int], ...]] = {
    "half": ((0.5, 0.0, -1),),
    "quarter": ((0.5, 0.0, -1), (0.5, 90.0, -1)),
    "letter": ((0.64, 0.0, -1), (0.33, 0.0, -1)),
    "z": ((0.33, 0.0, -1), (0.67, 0.0, 1)),
    "pocket": ((0.46, 0.0, -1), (0.55, 90.0, -1), (0.23, 0.0, 1), (0.73, 0.0, 1)),
}


@dataclass(frozen=True)
class Folds(Artifact):
    """The folds of a page that was in an envelope, a file or a pocket."""

    geometric: ClassVar[bool] = True
    step_mm: ClassVar[float] = 1.0

    pattern: str = param("half", help="how it was folded", choices=tuple(_PATTERNS))
    fold_deg: float = param(
        10.0, -40.0, 40.0, "angle between the sides of each fold, 0 if flat; below 0 the first fold was made with the print outside"
    )
    soft_mm: float = param(0.5, 0.1, 3.0, "radius of the folds' rounded edges")
    reach_mm: float = param(45.0, 2.0, 400.0, "distance from a fold at which its height has fallen to 37 %")
    edge: float = param(0.05, 0.0, 0.5, "contrast of the dark and the bright side of every fold")
    loss: float = param(0.4, 0.0, 1.0, "share of ink that broke off along the edges")
    dirt: float = param(0.0, 0.0, 1.0, "how much dirt is in the cracks")
    width_mm: float = param(0.35, 0.05, 1.5, "half width of the cracks")
    seed: int = param(0, 0, 2**31 - 1, "decides how far the folds are off their places, and where they are broken or pressed flat")

    def stain(self, sheet: Sheet) -> Sheet:
        """Wear the print along every fold."""
        folds = [(line, sign * self.fold_deg) for line, sign in self._lines(sheet.page.size_mm)]
        return wear_lines(sheet, folds, loss=self.loss, dirt=self.dirt, edge=self.edge, width_mm=self.width_mm, seed=self.seed)

    def bend(self, mesh: Mesh) -> Mesh:
        """Raise the folds, or lower those with a negative angle; the reverse where an earlier fold had turned the paper over."""
        x, y = mesh.coordinates()
        height = np.zeros_like(mesh.height_mm)
        # `facing` is 1 where the paper's front was up as the next fold was made, -1 where earlier folds had turned it over, and between
        # these values near such a fold. If all folds of a pattern are parallel it stays 1, because their signs in `_PATTERNS` already
        # allow for paper that was turned over.
        facing = np.ones_like(height)
        crest_mm = abs(fold_height(np.zeros(1), self.fold_deg, self.soft_mm, self.reach_mm)[0])
        # Within `crossing_mm` of a fold, a ridge that crosses it flattens; it is level at the fold, and a valley on the other side. The
        # higher the ridge is, the longer this takes, so that the crest's slope stays below 0.4.
        crossing_mm = 5.0 + crest_mm / 0.4
        for k, (line, sign) in enumerate(self._lines(mesh.size_mm)):
            across, kept = line.across(x, y), remaining_height(line.along(x, y), crest_mm, self.seed + k)
            height += facing * kept * fold_height(across, sign * self.fold_deg, self.soft_mm, self.reach_mm)
            if len({angle for _, angle, _ in _PATTERNS[self.pattern]}) > 1:
                facing = facing * np.clip(across / crossing_mm, -1.0, 1.0)
        return mesh.lifted(height)

    def _lines(self, size_mm: tuple[float, float]) -> list[tuple[Line, int]]:
        """The folds of a page of (width, height) `size_mm`, each shifted and turned a little, and their signs."""
        from fastecg.kernels.hashing import uniform

        # Shifts as shares of the page's size, up to 0.006, and turns up to 0.6°, either way.
        errors = uniform(self.seed, np.arange(8)).reshape(4, 2) * (0.006, 0.6)
        return [
            (Line.at(size_mm, share + shift, share + shift, angle + turn), sign)
            for (share, angle, sign), (shift, turn) in zip(_PATTERNS[self.pattern], errors, strict=False)
        ]
