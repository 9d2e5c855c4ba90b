"""Dried spills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import Patch, Wash, patch_around, stained, transmission

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

# Shares of red, green and blue that a dried liquid lets pass.
_LIQUIDS = {"water": (0.90, 0.80, 0.62), "tea": (0.80, 0.60, 0.36), "coffee": (0.64, 0.44, 0.26), "gel": (0.86, 0.87, 0.90)}
_MOSTLY = 127  # Coverage, 0 to 255, above which a pixel counts as inked. Even the palest pen covers a whole pixel by more.
_STEP = 0.1  # Distance in mm of the samples of a profile.


@dataclass(frozen=True)
class WaterStain(Artifact):
    """A patch with an irregular outline, along which a liquid left what it had dissolved (a tide line); ink inside has run."""

    at_x: float = param(0.4, -0.2, 1.2, "its middle, as a share of the page's width")
    at_y: float = param(0.5, -0.2, 1.2, "its middle, as a share of the page's height")
    radius_mm: float = param(32.0, 3.0, 140.0, "approximate radius of the outline")
    aspect: float = param(1.3, 0.4, 2.5, "width over height")
    wander: float = param(0.25, 0.0, 0.6, "how irregular the outline is, in radii")
    liquid: str = param("water", help="what was spilled", choices=tuple(_LIQUIDS))
    strength: float = param(0.5, 0.0, 2.0, "how dark it is")
    tides: int = param(2, 1, 5, "number of tide lines, one inside the other: the stain dried in steps")
    bleed: float = param(0.3, 0.0, 1.0, "how much ink has run")
    bleed_mm: float = param(0.6, 0.1, 3.0, "how far ink has run, as a standard deviation")
    seed: int = param(0, 0, 2**31 - 1, "decides the outline")

    def stain(self, sheet: Sheet) -> Sheet:
        """Let the ink run, and darken the sheet below the stain."""
        width, height = sheet.page.size_mm
        x, y = self.at_x * width, self.at_y * height
        patch = patch_around(
            sheet, x, y, self.radius_mm * (1.0 + 1.1 * self.wander) * max(self.aspect, 1.0 / self.aspect) ** 0.5 + 2.0, 0.8
        )
        if patch is None:
            return sheet
        field = self._field(patch, x, y)
        # Strengths above 1 are possible, as densities are divided by 1.5 and the depth is 1.5.
        factor = np.maximum(0.8 + 0.3 * patch.clouds(self.seed + 9, 0.5 * self.radius_mm, 4), 0.15) * self.strength / 1.5
        dried = Wash(patch, field, factor, *self._profile(), transmission(_LIQUIDS[self.liquid], 1.5))
        return stained(sheet, self._spread_ink(sheet, patch, field), dried) if self.bleed else stained(sheet, dried)

    def _field(self, patch: Patch, x: float, y: float) -> np.ndarray:
        """Distance (rows, columns) in mm of the patch's nodes from the outline, negative inside; approximate, because of `aspect`."""
        right, down = patch.offsets(x, y)
        away = np.hypot(right / np.sqrt(self.aspect), down * np.sqrt(self.aspect))
        strays = patch.clouds(self.seed, 1.3 * self.radius_mm, 3) + 0.08 * patch.clouds(self.seed + 5, 0.12 * self.radius_mm + 1.5, 3)
        outside = away - self.radius_mm * (1.0 + self.wander * strays)
        deep = np.clip(-outside / (0.3 * self.radius_mm), 0.0, 1.0)  # inner tide lines have other shapes
        return outside + 0.3 * self.radius_mm * deep * patch.clouds(self.seed + 13, 0.8 * self.radius_mm, 3)

    def _profile(self) -> tuple[float, float, np.ndarray]:
        """`low`, `step` and `profile` of a `Wash`: density by the distance from the outline, with a line for every tide."""
        reach = self.radius_mm * 2.2
        d = np.arange(-reach, 0.8, _STEP)
        # A pale filling, a little darker towards the outline; then each tide line from the outline inwards, sharp on its outside, faded
        # inwards, and about half as dark as the one before. `d` is the distance from the outline in mm.
        dense = np.where(d < 0, 0.09 + 0.07 * np.exp(d / (0.25 * self.radius_mm)), 0.0)
        for k in range(self.tides):
            edge = -0.17 * self.radius_mm * k * (1.0 + 0.3 * k)
            inside = np.maximum(edge - d, 0.0)
            line = 0.40 * np.exp(-inside / 0.5) + 0.16 * np.exp(-inside / (0.06 * self.radius_mm + 1.0))
            dense += 0.55**k * line * np.where(d <= edge, 1.0, np.exp(-(((d - edge) / 0.22) ** 2)))
        return -reach, _STEP, np.minimum(dense, 1.0)

    def _spread_ink(self, sheet: Sheet, patch: Patch, field: np.ndarray) -> Wash:
        """The layer of ink that has spread: the coverage by traces and words, smoothed, within the stain; less if the print is faded."""
        from scipy.ndimage import gaussian_filter

        from fastecg.kernels.stain import mean_coverage

        every = max(2, round(0.6 * sheet.scale))
        rows, columns = (count // every + 2 for count in patch.shape)
        cover = np.zeros((rows, columns), dtype=np.float32)
        mean_coverage(sheet.ink[patch.window], sheet.text[patch.window], every, cover)
        spread = gaussian_filter(cover, self.bleed_mm * sheet.scale / every)
        # `wet` is 1 farther than 2 mm inside the outline, and falls to 0 at the outline.
        wet = _resampled(np.clip(-field / 2.0, 0.0, 1.0), patch.every, every, cover.shape)
        uneven = _resampled(patch.clouds(self.seed + 17, 5.0, 3), patch.every, every, cover.shape)
        colour = tuple(max(0.15, level / 255.0) for level in sheet.style.ink)
        factor = wet * self.bleed * _ink_left(sheet, patch) * np.clip(0.8 + 0.5 * uneven, 0.1, 1.2)
        table = transmission((colour[0], colour[1], colour[2]), 0.75)
        # The density is about the coverage itself.
        return Wash(patch._replace(every=every), spread, factor, 0.004, 0.004, np.linspace(0.004, 1.0, 250), table)


def _ink_left(sheet: Sheet, patch: Patch) -> float:
    """Contrast of traces within a patch relative to fresh ink, in the green channel, 0 to 1: faded ink has little to lose.

    The result is 1 if no trace is seen in the patch, or no paper without print.
    """
    level, ink, text = (plane[patch.window][::2, ::2] for plane in (sheet.pixels[..., 1], sheet.ink, sheet.text))
    inked, empty = ink > _MOSTLY, level[(ink == 0) & (text == 0)]
    if not (inked.any() and empty.size):
        return 1.0
    fresh = float(sheet.style.paper[1] - sheet.style.ink[1]) * np.median(ink[inked]) / 255.0  # a pale pen leaves less than full coverage
    return float(np.clip((np.median(empty) - np.median(level[inked])) / max(fresh, 1.0), 0.0, 1.0))


def _resampled(plane: np.ndarray, old: int, new: int, shape: tuple[int, int]) -> np.ndarray:
    """Values at nodes `new` px apart, (rows, columns) of `shape`, from a plane with nodes `old` px apart, without interpolation."""
    rows, columns = (np.minimum(np.arange(count) * new // old, size - 1) for count, size in zip(shape, plane.shape, strict=True))
    return np.asarray(plane[np.ix_(rows, columns)])
