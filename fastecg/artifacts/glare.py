"""A lamp, a window or the sky mirrored in glossy paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, Light, param

_NEARER = 0.2  # Shift of the reflection by a slope of 1, in distances of the lamp: less than in a mirror, as paper scatters light.
_FARTHEST_MM = 150.0  # Largest shift by a crease.


@dataclass(frozen=True)
class Glare(Artifact):
    """A bright patch on the page that hides ink and grid; it follows the slopes of the paper."""

    x: float = param(0.5, -0.2, 1.2, "centre, in picture widths")
    y: float = param(0.4, -0.2, 1.2, "centre, in picture heights")
    width_mm: float = param(70.0, 5, 300, "along its longer side, to 37 % of its strength")
    height_mm: float = param(35.0, 5, 300, "across")
    angle_deg: float = param(20.0, -90, 90, "of its longer side, clockwise from the right")
    strength: float = param(0.3, 0, 0.9, "how much of the way to white in its middle")
    gloss: float = param(4.0, 0, 12, "how much slopes move it: metres that the mirrored lamp is away")
    shape: str = param(
        "lamp",
        help="a lamp fades from its middle, a window is even with soft edges, the sky lies over all that is beyond its middle",
        choices=("lamp", "window", "sky"),
    )

    def shade(self, light: Light) -> Light:
        """Screen blend: what is there is dimmed as much as light is added, so white stays white."""
        share = np.clip(self.strength * self._patch(light), 0.0, 0.95)
        return light.shaded(1.0 - share).mirrored(255.0 * share)

    def _patch(self, light: Light) -> np.ndarray:
        """Share of the lamp's light that is mirrored at each node. Paper that slopes mirrors what level paper would mirror elsewhere."""
        x, y = light.pixels()
        height, width = light.warp.size
        at_x, at_y = self._at(light)
        right, down = (x - at_x * width) / light.warp.scale, (y - at_y * height) / light.warp.scale
        away = _NEARER * 1000.0 * self.gloss if light.warp.mesh.height_mm.any() else 0.0
        if self.shape == "sky":
            return self._sky(light, right, down, away)
        if away > 0:
            slopes = light.warp.mesh.slopes()
            right, down = (
                distance + np.clip(away * light.on_nodes(slope), -_FARTHEST_MM, _FARTHEST_MM)
                for distance, slope in zip((right, down), slopes, strict=True)
            )
        cos, sin = np.cos(np.radians(self.angle_deg)), np.sin(np.radians(self.angle_deg))
        along, across = (right * cos + down * sin) / (0.5 * self.width_mm), (down * cos - right * sin) / (0.5 * self.height_mm)
        if self.shape == "window":
            return _lit(along) * _lit(across)
        # Rough paper spreads a lamp into a core with a wide skirt (Trowbridge and Reitz 1975), not into a Gaussian.
        return 1.0 / (1.0 + 0.65 * (along**2 + across**2)) ** 2

    def _sky(self, light: Light, right: np.ndarray, down: np.ndarray, away: float) -> np.ndarray:
        """Share of the sky's light that is mirrored. It begins at a line, on the side of the lamp or else on the far side."""
        turned = np.radians(self.angle_deg + 90.0)
        cos, sin = np.float32(np.cos(turned)), np.float32(np.sin(turned))
        beyond = (right * cos + down * sin).astype(np.float32)
        if away > 0:
            slope_x, slope_y = light.warp.mesh.slopes()
            beyond += np.clip(np.float32(away) * light.on_nodes(slope_x * cos + slope_y * sin), -_FARTHEST_MM, _FARTHEST_MM)
        towards = 1.0 if light.lamp_deg is not None and np.cos(turned - np.radians(light.lamp_deg)) > 0 else -1.0
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(np.float32(-4.0 * towards / self.height_mm) * beyond, -30.0, 30.0))))

    def _at(self, light: Light) -> tuple[float, float]:
        """Centre of the patch in widths and heights of the picture. It is in the half that is nearer to the lamp, if there is one."""
        if light.lamp_deg is not None:
            angle, (height, width) = np.radians(light.lamp_deg), light.warp.size
            if (self.x - 0.5) * width * np.cos(angle) + (self.y - 0.5) * height * np.sin(angle) < 0:
                return 1.0 - self.x, 1.0 - self.y
        return self.x, self.y


def _lit(distance: np.ndarray) -> np.ndarray:
    """A soft step: 1 between -1 and 1, and 0 outside."""
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(7.0 * (np.abs(distance) - 1.0), -30.0, 30.0))))
