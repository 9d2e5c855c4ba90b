"""Mould."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import Wash, edge_noise, patch_around, stained, transmission

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

# Shares of red, green and blue that spots of mould let pass at density 1.
_COLOURS = {"black": (0.16, 0.17, 0.16), "green": (0.36, 0.46, 0.34), "brown": (0.46, 0.34, 0.24), "pink": (0.74, 0.48, 0.52)}
# Colour of damp paper: at density k, 0 to 1, the share of light that passes is this to the power 2 k.
_DAMP = (0.90, 0.83, 0.68)
# Distance from the patch's middle, in units of `spread_mm` and made ragged by clouds, beyond which paper is not yellowed.
_REACH = 1.3
_CROWDS = 24  # Number of crowds of spots.


@dataclass(frozen=True)
class Mould(Artifact):
    """Mould in a patch of paper that was damp: crowds of small spots and a few large, paler ones, on yellowed paper."""

    at_x: float = param(0.2, -0.2, 1.2, "middle of the patch, as a share of the page's width")
    at_y: float = param(0.8, -0.2, 1.2, "middle of the patch, as a share of the page's height")
    spread_mm: float = param(30.0, 3.0, 150.0, "approximate radius of the patch")
    spots: int = param(400, 0, 8000, "number of spots")
    size_mm: float = param(1.1, 0.2, 6.0, "radius of the largest spots")
    colour: str = param("black", help="colour of the mould", choices=tuple(_COLOURS))
    strength: float = param(0.6, 0.0, 1.0, "density of the densest spots, before the paper's fibres vary it")
    damp: float = param(0.5, 0.0, 2.0, "how yellow the paper is")
    seed: int = param(0, 0, 2**31 - 1, "decides places, sizes and densities of the spots, and the outline of the yellowed patch")

    def stain(self, sheet: Sheet) -> Sheet:
        """Yellow the paper, and add the spots."""
        width, height = sheet.page.size_mm
        x, y = self.at_x * width, self.at_y * height
        ground = patch_around(sheet, x, y, 1.7 * self.spread_mm, 2.0)
        if ground is None:
            return sheet
        right, down = ground.offsets(x, y)
        field = np.hypot(right, down) / self.spread_mm + 0.45 * ground.clouds(self.seed, 0.6 * self.spread_mm, 4)
        profile = np.clip(1.0 - np.linspace(0.0, _REACH, 64) / _REACH, 0.0, 1.0) ** 1.5 * 0.6
        # The density in the middle is 0.6 (from `profile`) times `damp` / 2. `transmission` raises `_DAMP` to 2 times the density, which
        # is 0.6 `damp` there.
        factor, passed = np.full_like(field, self.damp / 2.0), transmission(_DAMP, 2.0)
        damp = Wash(ground, np.maximum(field, 0.0), factor, 0.0, _REACH / 64, profile, passed)
        sheet = stained(sheet, damp)
        self._grow(sheet, x, y)
        return sheet

    def _grow(self, sheet: Sheet, x: float, y: float) -> None:
        """Add the spots in crowds round (x, y) mm: many small ones and few large ones.

        This is done in place: the sheet comes from `stained`, so its pixels may be changed.
        """
        from fastecg.kernels.stain import absorb_plane, add_spots

        rng = np.random.default_rng(self.seed)
        patch = patch_around(sheet, x, y, 2.0 * self.spread_mm)
        if patch is None or not self.spots:
            return
        centres = rng.normal(0, 0.42, (_CROWDS, 2)) * self.spread_mm
        crowd_size = rng.gamma(0.7, 0.10, _CROWDS) + 0.02  # standard deviation in each crowd, in units of `spread_mm`
        # The first crowds have most of the spots. Most spots are small, and the larger a spot is, the paler it is.
        crowd = (_CROWDS * rng.random(self.spots) ** 2.2).astype(int)
        places = centres[crowd] + rng.normal(0, 1.0, (self.spots, 2)) * crowd_size[crowd, None] * self.spread_mm
        radius = np.maximum(self.size_mm * rng.random(self.spots) ** 5, 0.1)
        dense = self.strength * rng.uniform(0.35, 1.0, self.spots) * (1.0 - 0.65 * radius / self.size_mm)
        middle = (places + np.array([x - patch.x[0], y - patch.y[0]])) * sheet.scale
        plane = np.zeros(patch.shape, dtype=np.uint8)
        add_spots(plane, np.column_stack([middle, radius * sheet.scale, dense]), 0.35, 0.9, edge_noise(self.seed, 0.5 * sheet.scale))
        if plane.any():  # mould grows along the paper's fibres, so no spot is as smooth as a dot of paint
            fibres = 1.0 + 1.1 * patch.clouds(self.seed + 5, 0.8, 3)
            np.minimum(plane * np.clip(fibres, 0.1, 2.0), 255, out=plane, casting="unsafe")
        absorb_plane(sheet.pixels[patch.window], plane, transmission(_COLOURS[self.colour], 1.0))
