"""A display that shows the page: its sub-pixels, and how it looks from the side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param
from fastecg.mesh import CELL, Warp


@dataclass(frozen=True)
class Display(Artifact):
    """The display's lattice of red, green and blue stripes with dark rows between them; sampled by the camera's pixels, it gives moiré.

    The lattice lies on the page's plane and is seen through the same warp. Seen at an angle, a display is darker, its black is
    brighter and its white has a tint. The angle at every position is computed from the warp.
    """

    pitch_mm: float = param(0.22, 0.04, 2.0, "distance between the display's pixels, in mm of the page")
    angle_deg: float = param(0.0, -45, 45, "angle of the lattice to the page, clockwise")
    phase: float = param(0.0, 0, 1, "shift of the lattice, as a share of the pitch")
    lit: float = param(0.26, 0.05, 0.95, "width of one colour's stripe, as a share of the pitch")
    tall: float = param(0.82, 0.1, 1, "height of the stripes, as a share of the pitch; the rest is dark")
    contrast: float = param(1.0, 0, 1, "contrast of the lattice, which diffusing foils lower")
    blur_px: float = param(0.45, 0, 3, "standard deviation of the lens's blur, in px of the picture")
    falloff: float = param(1.0, 0, 4, "how much darker it is from the side: light goes with the cosine of the angle to this power")
    glow: float = param(0.6, 0, 1, "brightness of black at grazing angles, as a share of white's")
    tint: float = param(0.15, -1, 1, "how much yellower (below 0: bluer) white is at grazing angles")

    def shade(self, light: Light) -> Light:
        """Make the display darker, paler and tinted where it is seen at an angle."""
        # 0 where the display is seen from straight ahead, and beside its panel; up to 0.95 at grazing angles.
        slant = np.where(_beside_panel_mm(light) > 0.0, 0.0, 1.0 - viewing_cosine(light.warp))
        dimmed = (1.0 - slant) ** (self.falloff * GAMMA)
        pale = self.glow * slant  # black rises to this share of white, and white stays
        # Shares of red, green and blue that a tint of 1 or -1 takes away at grazing angles.
        lost = np.array([0.0, 0.0, 1.0]) if self.tint > 0 else np.array([1.0, 0.4, 0.0])
        colour = (1.0 - abs(self.tint) * slant[..., None] * lost) ** GAMMA
        return light.lit((dimmed * (1.0 - pale))[..., None] * colour).veiled(255.0 * dimmed * pale)

    def resolve(self, pixels: np.ndarray, light: Light) -> np.ndarray:
        """Multiply the picture by the lattice as the camera's pixels sample it, in place. It takes about 10 ms at 2200 x 1700 px."""
        from fastecg.kernels.lattice import multiply_moire

        turn = np.deg2rad(self.angle_deg)
        # From mm on the page to pitches along and across the lattice.
        axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / self.pitch_mm
        # The lattice ends within one cell beyond the panel, on the display's frame.
        outside = _beside_panel_mm(light) > CELL / light.warp.scale
        nodes = np.where(outside[..., None], np.nan, light.warp.nodes_mm @ axes + self.phase)
        # Amplitudes of the first harmonics of stripes and dark rows, relative to the mean: 2 sinc(share) in light. A small relative change
        # of the light changes levels (light ** GAMMA) by GAMMA times as much.
        stripe, gap = (2.0 * self.contrast * GAMMA * float(np.sinc(share)) for share in (self.lit, self.tall))
        multiply_moire(pixels, nodes, CELL, stripe, gap, self.blur_px)
        return pixels


def _beside_panel_mm(light: Light) -> np.ndarray:
    """Distance (rows, columns), mm of the page, of the light's nodes from the display's panel.

    The distance is negative on the panel, NaN far from the page, and -inf everywhere if the panel's edges are unknown.
    """
    x, y = light.warp.nodes_mm[..., 0], light.warp.nodes_mm[..., 1]
    if light.panel_mm is None:
        return np.full(x.shape, -np.inf)
    left, top, right, bottom = light.panel_mm
    return np.maximum(np.maximum(left - x, x - right), np.maximum(top - y, y - bottom))


def viewing_cosine(warp: Warp) -> np.ndarray:
    """Cosine, at least 0.05, of the angle between the page's normal and the line of sight, (rows, columns), at a warp's nodes.

    The result is 1 where no page is near, and everywhere if no page is seen in the picture's middle.

    On the camera's axis, at the picture's centre, a plane is foreshortened by this cosine. Elsewhere the cosine is proportional to 1 / d,
    where d is the distance from the camera. The area in the picture of a piece of the page is proportional to 1 / d³, and so gives d. (The
    slant of the rays at the picture's edge is neglected; it looks like a lens's vignette.)
    """
    # Steps on the page per px of the picture, mm, and mm² of the page per px².
    down, across = np.gradient(warp.nodes_mm, CELL, axis=(0, 1))
    area = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
    middle = np.array(area.shape) // 2
    seen = area[middle[0], middle[1]]
    if not np.isfinite(seen) or seen <= 0:
        return np.ones(area.shape)
    singular = np.linalg.svd(np.stack([across[middle[0], middle[1]], down[middle[0], middle[1]]]), compute_uv=False)
    cosine = singular[1] / singular[0] * np.cbrt(seen / np.maximum(area, 1e-12))
    return np.clip(np.nan_to_num(cosine, nan=1.0), 0.05, 1.0)
