"""A finger that holds the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import INWARD_DEG

if TYPE_CHECKING:
    from fastecg.mesh import Warp

_DARK = np.array((84.0, 54.0, 40.0))  # sRGB colour of the darkest skin, tone 0.
_PALE = np.array((232.0, 190.0, 168.0))  # sRGB colour of the palest skin, tone 1.

_SOFT_MM = 0.7  # Width of the finger's soft edge: the finger is round, and nearer to the camera than the page.


@dataclass(frozen=True)
class Finger(Artifact):
    """A thumb or finger that reaches over table and page from the picture's edge, as bright as the page near it, with a soft shadow.

    It lies between camera and page, so it hides what is below it; it does not bend the paper.
    """

    edge: str = param("left", help="the picture's edge from which it comes", choices=tuple(INWARD_DEG))
    at: float = param(0.6, 0.0, 1.0, "place on that edge: distance from its left or upper end, as a share of its length")
    reach_mm: float = param(22.0, 4.0, 90.0, "how far into the picture its tip reaches")
    width_mm: float = param(18.0, 10.0, 26.0, "how thick it is")
    lean_deg: float = param(15.0, -60.0, 60.0, "its angle to the perpendicular of the edge, clockwise")
    tone: float = param(0.7, 0.0, 1.0, "tone of the skin, from dark to pale")
    nail: bool = param(True, help="whether the nail is seen, as on a thumb from above")
    shadow: float = param(0.25, 0.0, 0.8, "darkness of the shadow beside it")
    seed: int = param(0, 0, 2**31 - 1, "decides the texture of the skin")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Draw shadow and finger, in place."""
        window, along, across = self._frame(pixels.shape[:2], px_per_mm)
        if along.size == 0:
            return pixels
        view = pixels[window]
        # The 80th percentile of the levels round the finger, as the level of the paper there, over that of well lit white paper (235).
        seen = np.percentile(view[::4, ::4].reshape(-1, 3), 80, axis=0) / 235.0
        light = 0.5 * (seen + seen.mean())  # Only half of the hue is taken, since it may come from the paper and not from the light.
        inside = self._inside(along, across)
        # The shadow is the finger moved 1 mm forwards and an eighth of its width aside. Outside, it fades with the distance `offset` in mm.
        offset = -self._inside(along - 1.0, across - 0.12 * self.width_mm)
        dark = self.shadow * np.exp(-np.maximum(offset, 0.0) / (0.22 * self.width_mm))
        view[:] = np.rint(view * (1.0 - dark[..., None]))
        # The finger's coverage falls from 1 to 0 over `_SOFT_MM`, but at least 1.6 px. Pixels more than 1 mm outside are left out.
        here = inside > -1.0
        share = np.clip(0.5 + inside[here] * np.float32(px_per_mm / max(1.6, _SOFT_MM * px_per_mm)), 0.0, 1.0)[:, None]
        skin = self._skin(along[here], across[here], inside[here]) * np.clip(light, 0.25, 1.08).astype(np.float32)
        view[here] = np.clip(np.rint(view[here] + share * (skin - view[here])), 0, 255)
        return pixels

    def hide(self, size: tuple[int, int], px_per_mm: float) -> np.ndarray | None:
        """The mask of the finger without its shadow."""
        window, along, across = self._frame(size, px_per_mm)
        mask = np.zeros(size, dtype=bool)
        mask[window] = self._inside(along, across) > 0.0
        return mask

    def gap_mm(self, warp: Warp) -> float:
        """Distance in mm of the page from the picture's edge, at the finger's place on that edge; infinite if no page is seen there.

        The distance is that of a whole number of cells of `CELL` px.
        """
        from fastecg.mesh import CELL

        off = warp.off_page_mm[1:-1, 1:-1]
        line = off[:, round(self.at * (off.shape[1] - 1))] if self.edge in ("top", "bottom") else off[round(self.at * (len(off) - 1))]
        on_page = np.flatnonzero((line[::-1] if self.edge in ("right", "bottom") else line) <= 0.0)
        return float(on_page[0]) * CELL / warp.scale if len(on_page) else np.inf

    def _frame(self, size: tuple[int, int], px_per_mm: float) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
        """A window of the picture round the finger, and its pixels' distances in mm from the tip, each (rows, columns).

        The first distance is along the finger's direction (below 0 on the finger), the second across it (above 0 clockwise of it).
        """
        height, width = size
        angle = np.radians(INWARD_DEG[self.edge] + self.lean_deg)
        direction = np.array([np.cos(angle), np.sin(angle)])
        x = {"left": 0.0, "right": width - 1.0}.get(self.edge, self.at * width)
        y = {"top": 0.0, "bottom": height - 1.0}.get(self.edge, self.at * height)
        inward = abs(direction[0]) if self.edge in ("left", "right") else abs(direction[1])
        # `reach_mm` is measured perpendicular to the edge, so a leaning finger is longer. The root lies a width outside the picture.
        tip = np.array([x, y]) + direction * (self.reach_mm / inward) * px_per_mm
        root = np.array([x, y]) - direction * self.width_mm * px_per_mm
        reach = 1.2 * self.width_mm * px_per_mm
        upper_left, lower_right = np.minimum(tip, root) - reach, np.maximum(tip, root) + reach
        columns, rows = (
            slice(int(np.clip(a, 0, n)), int(np.clip(b, 0, n))) for a, b, n in zip(upper_left, lower_right, (width, height), strict=True)
        )
        right = (np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - np.float32(tip[0])) / np.float32(px_per_mm)
        down = (np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(tip[1])) / np.float32(px_per_mm)
        cos, sin = (np.float32(part) for part in direction)
        return (rows, columns), right * cos + down * sin, down * cos - right * sin

    def _inside(self, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        """Depth in mm inside the outline, negative outside: the finger has a blunt tip, behind which it narrows a little and widens again.

        `along` and `across` are as from `_frame`.
        """
        radius = 0.5 * self.width_mm
        back = np.maximum(-along - radius, 0.0)
        thick = radius * (0.93 + 0.07 * np.cos(0.16 * back)) + 0.02 * back
        # `ahead` is 0 where the tip begins to narrow, a half width before its end, and 1 at its end.
        ahead = np.maximum(along + radius, 0.0) / radius
        ahead = np.minimum(ahead, np.float32(1.0))
        blunt = np.sqrt(1.0 - ahead * ahead * (np.float32(0.4) + np.float32(0.6) * ahead)) * thick
        return np.where(along < 0.0, np.minimum(blunt - np.abs(across), -1.4 * along), -np.hypot(along, across))

    def _skin(self, along: np.ndarray, across: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Colours (n, 3) float32, 0 to 255, of points at distances (n,) along, across and inside the finger, mm.

        The finger looks round, is redder at its sides, and has creases at the joint, 3.3 to 4 half widths from the tip.
        """
        radius = np.float32(0.5 * self.width_mm)
        tone = (_DARK + self.tone * (_PALE - _DARK)).astype(np.float32)
        # `bulge` is 0 at the outline, and 1 from half the finger's width inside the outline on.
        bulge = np.clip(depth / radius, 0.0, 1.0)
        lit = 0.68 + 0.36 * np.sqrt(1.0 - (1.0 - bulge) ** 2) - 0.07 * across / radius
        crease = sum(np.exp(-(((along + s * radius + 0.03 * across * across) / 0.5) ** 2)) for s in (3.3, 3.6, 4.0))
        # The noise repeats every 7919 points, which cannot be seen.
        fine = np.resize(np.random.default_rng(self.seed).normal(0, 1, 7919).astype(np.float32), lit.shape)
        lit = lit * (1.0 - 0.12 * np.asarray(crease, dtype=np.float32)) * (1.0 + 0.03 * fine)
        red = np.stack([np.ones_like(lit), 0.90 + 0.10 * bulge, 0.86 + 0.14 * bulge], axis=-1)
        skin = tone * red * lit[..., None]
        return self._nailed(skin, along, across, radius) if self.nail else skin

    def _nailed(self, skin: np.ndarray, along: np.ndarray, across: np.ndarray, radius: np.float32) -> np.ndarray:
        """The skin (n, 3) with a nail, which is paler, pinker and shiny, with a white rim at the tip and a fold of skin round the nail."""
        # Position on the nail in units of its half length and half width; u is 1 at its end near the tip.
        u, v = (along + 0.95 * radius) / (0.80 * radius), across / (0.60 * radius)
        edge = 1.0 - np.sqrt(np.sqrt(u * u * u * u + v * v * v * v))  # above 0 on the nail
        share = np.clip(edge * 8.0, 0.0, 1.0)[..., None]
        pink = skin * np.array((1.04, 0.98, 0.98), dtype=np.float32) + np.float32(9.0)
        shine = (14.0 * np.exp(-(((v + 0.25) / 0.22) ** 2) - (u / 0.8) ** 2))[..., None]
        rim = (np.clip(6.0 * (u - 0.72), 0.0, 1.0) * 26.0)[..., None]
        fold = (1.0 - 0.08 * np.exp(-((edge / 0.06) ** 2)))[..., None]
        return (skin + share * (pink + shine + rim - skin)) * fold
