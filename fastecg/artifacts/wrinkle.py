"""Crumpled paper, flattened by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastecg.artifact import Artifact, Light, param
from fastecg.artifacts._relief import bare_paper, brought_to_sheet

if TYPE_CHECKING:
    from fastecg.mesh import Mesh
    from fastecg.sheet import Sheet

#: Facets of crushed paper at strength 1, chosen by eye, as (size in mm, height in mm, whether they meet in sharp valleys).
_LARGE = ((110.0, 5.0, False), (60.0, 3.7, True))  # Facets that cover the whole sheet.
_SMALL = ((28.0, 1.8, True), (12.0, 0.6, True))  # Facets in patches, between which the sheet is smoother.
_PATCH_MM = 70.0  # Size of these patches.
_PARTS = 5  # Number of straight parts of a short crease, between which it kinks.


@dataclass(frozen=True)
class Wrinkle(Artifact):
    """Crumpled paper: a net of ridges between nearly plane facets, the creases of paper folded many times, or scattered short creases.

    The style "facets" is paper crushed in a hand. "folding" is paper folded small without care. "pinched" is paper that was handled
    often: short creases that kink, some of which start at one point, on a sheet that is smooth otherwise. At strength 0.2 the ridges
    can just be seen in slanting light; at 1 the page was crushed into a ball.
    """

    geometric: ClassVar[bool] = True
    step_mm: ClassVar[float] = 1.0

    style: str = param("facets", help="how the paper was crumpled", choices=("facets", "folding", "pinched"))
    strength: float = param(0.4, 0.0, 1.0, "0 is smooth, 1 was crushed into a ball and flattened")
    wear: float = param(0.3, 0.0, 1.0, "how much ink breaks off where the paper is bent most sharply")
    edge: float = param(0.2, 0.0, 1.0, "contrast of ridges, which are brighter than their flanks, and valleys, which are darker")
    size: float = param(1.0, 0.4, 2.5, "factor on the size of facets and creases")
    seed: int = param(0, 0, 2**31 - 1, "decides where the ridges are")

    def stain(self, sheet: Sheet) -> Sheet:
        """Wear the print along ridges and valleys."""
        from dataclasses import replace

        from fastecg.kernels.wear import wear_over
        from fastecg.mesh import Mesh

        if not self.wear * self.strength:
            return sheet
        mesh = Mesh.flat(sheet.page.size_mm, self.step_mm)
        # Curvature in 1/mm, as the mesh's step is about 1 mm; gentle bends, below 0.2 / mm, lose no ink.
        bent = np.abs(_curvature(_height(self, mesh.size_mm)))
        plane, origin, step = brought_to_sheet(sheet, self.wear * np.clip(3.0 * (bent - 0.2), 0.0, 0.8), mesh)
        pixels = sheet.canvas()
        wear_over(pixels, plane, origin, step, bare_paper(sheet), sheet.scale, self.seed)
        return replace(sheet, pixels=pixels)

    def bend(self, mesh: Mesh) -> Mesh:
        """Lift the paper to its ridges and facets."""
        return mesh.lifted(self._ridges(mesh))

    def shade(self, light: Light) -> Light:
        """Brighten ridges and darken valleys, which get less of the light from all around."""
        if not self.edge * self.strength:
            return light
        bent = _curvature(self._ridges(light.warp.mesh)) / light.warp.mesh.step_mm[0] ** 2
        return light.shaded(light.on_nodes(1.0 - self.edge * np.tanh(1.5 * bent), outside=1.0))

    def _ridges(self, mesh: Mesh) -> np.ndarray:
        """Height (rows, columns) mm of the crumpled paper on a mesh, whose nodes and margin may differ from those of the artifact's own."""
        own = _height(self, mesh.size_mm)
        return own if mesh.height_mm.shape == own.shape else _raised(self, mesh)


@lru_cache(maxsize=4)
def _height(wrinkle: Wrinkle, size_mm: tuple[float, float]) -> np.ndarray:
    """Height (rows, columns) mm of the crumpled paper on this artifact's own mesh, computed once for `bend`, `stain` and `shade`."""
    from fastecg.mesh import Mesh

    height = _raised(wrinkle, Mesh.flat(size_mm, wrinkle.step_mm))
    height.flags.writeable = False
    return height


def _raised(wrinkle: Wrinkle, mesh: Mesh) -> np.ndarray:
    """Compute the height (rows, columns) mm of the crumpled paper at the nodes of a mesh, whatever height the mesh has."""
    height = np.zeros_like(mesh.height_mm)
    {"facets": _crush, "folding": _fold_small, "pinched": _pinch}[wrinkle.style](wrinkle, mesh, height)
    return height


def _crush(wrinkle: Wrinkle, mesh: Mesh, height: np.ndarray) -> None:
    """Add large facets everywhere, and small ones in patches, which cover more of the sheet at a larger `strength`."""
    from fastecg.kernels.facets import add_facets

    def add(to: np.ndarray, k: int, cell: float, lift: float, valleys: bool) -> None:
        """Add facets, `cell` mm large and `lift` mm high if `wrinkle.size` is 1; each `k` gives other facets."""
        add_facets(to, mesh.x_mm, mesh.y_mm, cell * wrinkle.size, lift * wrinkle.size, valleys, (wrinkle.seed + 101 * k) % 2**31)

    for k, (cell, lift, valleys) in enumerate(_LARGE):
        add(height, k, cell, lift * wrinkle.strength, valleys)
    # `patches` is noise from -1.5 to 1.5; small facets have their full height where this noise is high.
    patches, small = np.zeros_like(height), np.zeros_like(height)
    add(patches, 9, _PATCH_MM, 1.5 / wrinkle.size, False)
    for k, (cell, lift, valleys) in enumerate(_SMALL, 2):
        add(small, k, cell, lift * wrinkle.strength**1.2, valleys)
    height += small * np.clip(patches + 0.2 + 0.4 * wrinkle.strength, 0.12, 1.0)


def _fold_small(wrinkle: Wrinkle, mesh: Mesh, height: np.ndarray) -> None:
    """Add eight to fourteen folds, each through the middle part of the page."""
    from fastecg.kernels.facets import add_folding
    from fastecg.kernels.hashing import uniform

    count = 8 + round(6 * wrinkle.strength)
    draws = uniform(wrinkle.seed, np.arange(4 * count)).reshape(count, 4)
    width, tall = mesh.size_mm
    # Draws are from -1 to 1. A row of `folds` is a fold's unit normal (x, y), its distance in mm from the page's middle along this normal,
    # and its slope; later folds are nearer to the middle.
    angle = np.pi * draws[:, 0]
    spread = 0.32 * np.hypot(width * np.cos(angle), tall * np.sin(angle)) * 0.9 ** np.arange(count)
    slope = 0.5 * wrinkle.strength**0.8 * (0.65 + 0.35 * draws[:, 2]) * np.where(draws[:, 3] > 0, 1.0, -1.0)
    folds = np.stack([np.cos(angle), np.sin(angle), spread * draws[:, 1], slope], axis=1)
    add_folding(height, mesh.x_mm - width / 2, mesh.y_mm - tall / 2, folds, 14.0 * wrinkle.size)


def _pinch(wrinkle: Wrinkle, mesh: Mesh, height: np.ndarray) -> None:
    """Add short creases, 10 to 70 mm long at size 1. One to three start from each of several points, most in similar directions."""
    from fastecg.kernels.facets import add_pinches

    rng = np.random.default_rng(wrinkle.seed)
    count = 1 + round(float(rng.uniform(1.0, 3.0)) + 11.0 * wrinkle.strength)
    main_direction, paths, lifts, widths = rng.uniform(0.0, np.pi), [], [], []
    for _ in range(count):
        start = rng.uniform(0.03, 0.97, 2) * mesh.size_mm
        for _ in range(int(rng.choice((1, 2, 3), p=(0.6, 0.25, 0.15)))):
            length = wrinkle.size * float(np.exp(rng.uniform(np.log(10.0), np.log(70.0))))
            direction = rng.normal(main_direction, 0.4) if rng.random() < 0.65 else rng.uniform(0.0, np.pi)
            directions = direction + np.pi * rng.integers(2) + np.cumsum(rng.normal(0.0, 0.28, _PARTS))
            parts = length * rng.dirichlet(np.full(_PARTS, 2.0))
            steps = np.stack([parts * np.cos(directions), parts * np.sin(directions)], axis=1)
            paths.append(start + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)]))
            # Widths of the steep and the gentle side, mm. A side is a parabola, steepest at the crest with a slope of 2 lift / width.
            steep, gentle = rng.uniform(1.4, 4.5), rng.uniform(5.0, 17.0)
            lift = min((0.12 + 0.9 * wrinkle.strength) * rng.uniform(0.35, 1.2) * rng.choice((-1.0, 1.0), p=(0.35, 0.65)), 0.2 * steep)
            sign = np.where(np.arange(1, _PARTS) > rng.integers(1, 3 * _PARTS), -0.7, 1.0)  # some change from ridge to valley at a kink
            lifts.append(np.concatenate([[0.0], lift * sign * rng.uniform(0.4, 1.0, _PARTS - 1), [0.0]]))
            widths.append(rng.permutation((steep, gentle)))
    add_pinches(height, mesh.x_mm, mesh.y_mm, np.array(paths), np.array(lifts), np.array(widths))


def _curvature(height: np.ndarray) -> np.ndarray:
    """Laplacian of a height (rows, columns) mm, times the square of the mesh's step: below 0 on ridges, above 0 in valleys."""
    padded = np.pad(height, 1, mode="edge")
    return padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4.0 * height
