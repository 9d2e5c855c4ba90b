"""Crumpled paper, flattened by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, value
from fastecg.artifacts.relief import bare_paper, brought_to_sheet, hashed

if TYPE_CHECKING:
    from fastecg.mesh import Mesh
    from fastecg.sheet import Sheet

#: Sizes of facets and their heights at strength 1, mm.
_OCTAVES = ((95.0, 9.0), (42.0, 5.5), (19.0, 2.1), (9.0, 0.6))


@dataclass(frozen=True)
class Wrinkle(Artifact):
    """Crumples: a net of ridges between nearly plane facets, or the creases of paper folded many times over.

    "facets" is paper crushed in a hand; "folding" is paper folded small without care. At strength 0.2 they are just
    seen in slanting light, at 1 the page was a ball.
    """

    geometric: ClassVar[bool] = True
    step_mm: ClassVar[float] = 1.0

    style: str = value("facets", help="how it came about", choices=("facets", "folding"))
    strength: float = value(0.4, 0.0, 1.0, "from smooth to balled up and flattened")
    wear: float = value(0.3, 0.0, 1.0, "ink broken off where the paper is bent most sharply")
    size: float = value(1.0, 0.4, 2.5, "size of the facets, 1 is usual")
    seed: int = value(0, 0, 2**31 - 1, "decides where the ridges are")

    def stain(self, sheet: Sheet) -> Sheet:
        """Wear the print along the ridges."""
        from dataclasses import replace

        from fastecg.kernels.wear import wear_over
        from fastecg.mesh import Mesh

        if not self.wear * self.strength:
            return sheet
        mesh = Mesh.flat(sheet.page.size_mm, self.step_mm)
        bent = np.abs(_curvature(_height(self, mesh.size_mm)))
        plane, origin, step = brought_to_sheet(sheet, self.wear * np.clip(6.0 * bent - 0.25, 0.0, 0.8), mesh)
        pixels = sheet.pixels.copy()
        wear_over(pixels, plane, origin, step, bare_paper(sheet), sheet.scale, self.seed)
        return replace(sheet, pixels=pixels)

    def bend(self, mesh: Mesh) -> Mesh:
        """Raise the ridges."""
        if mesh.step_mm[0] <= self.step_mm * 1.01:
            return mesh.lifted(_height(self, mesh.size_mm))
        return mesh.lifted(_raised(self, mesh))


@lru_cache(maxsize=4)
def _height(wrinkle: Wrinkle, size_mm: tuple[float, float]) -> np.ndarray:
    """The ridges on the mesh this artifact asks for: the same for bending and staining, so made once."""
    from fastecg.mesh import Mesh

    height = _raised(wrinkle, Mesh.flat(size_mm, wrinkle.step_mm))
    height.flags.writeable = False
    return height


def _raised(wrinkle: Wrinkle, mesh: Mesh) -> np.ndarray:
    height = np.zeros_like(mesh.height_mm)
    raise_ridges = _fold_small if wrinkle.style == "folding" else _crush
    raise_ridges(wrinkle, mesh, height)
    return _softened(height)


def _crush(wrinkle: Wrinkle, mesh: Mesh, height: np.ndarray) -> None:
    """Octaves of facets; a stronger crush has more of the small ones."""
    from fastecg.kernels.facets import add_facets

    share = 0.85 + 0.35 * hashed(wrinkle.seed, np.arange(len(_OCTAVES)))
    for k, (cell, lift) in enumerate(_OCTAVES):
        part = lift * wrinkle.size * share[k] * wrinkle.strength ** (0.9 + 0.2 * k)
        add_facets(height, mesh.x_mm, mesh.y_mm, cell * wrinkle.size, part, (wrinkle.seed + 101 * k) % 2**31)


def _fold_small(wrinkle: Wrinkle, mesh: Mesh, height: np.ndarray) -> None:
    """Eight to fourteen folds, each through the middle part of the page."""
    from fastecg.kernels.facets import add_folding

    count = 8 + round(6 * wrinkle.strength)
    draws = hashed(wrinkle.seed, np.arange(4 * count)).reshape(count, 4)
    width, tall = mesh.size_mm
    angle = np.pi * draws[:, 0]
    spread = 0.32 * np.hypot(width * np.cos(angle), tall * np.sin(angle)) * 0.9 ** np.arange(count)
    slope = 0.42 * wrinkle.strength * (0.65 + 0.35 * draws[:, 2]) * np.where(draws[:, 3] > 0, 1.0, -1.0)
    folds = np.stack([np.cos(angle), np.sin(angle), spread * draws[:, 1], slope], axis=1)
    add_folding(height, mesh.x_mm - width / 2, mesh.y_mm - tall / 2, folds, 14.0 * wrinkle.size)


def _softened(height: np.ndarray) -> np.ndarray:
    """Weights 1 2 1 along both axes: the ridges' radius of some 0.7 mm on a mesh of 1 mm."""
    for axis in (0, 1):
        padded = np.pad(height, [(1, 1) if k == axis else (0, 0) for k in (0, 1)], mode="edge")
        before, after = (np.take(padded, range(start, start + height.shape[axis]), axis) for start in (0, 2))
        height = 0.25 * (before + after) + 0.5 * height
    return height


def _curvature(height: np.ndarray) -> np.ndarray:
    """Laplacian on a mesh of 1 mm, 1/mm."""
    padded = np.pad(height, 1, mode="edge")
    return padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4.0 * height
