"""A lamp, a window or the sky mirrored in glossy paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, Light, param

_SHIFT = 0.2  # Shift of the reflection by a slope of 1, as a share of `gloss`. A mirror would shift it more, but paper scatters light.
_FARTHEST_MM = 150.0  # Largest shift of a reflection by a slope.


@dataclass(frozen=True)
class Glare(Artifact):
    """A bright patch on the page that hides ink and grid. Slopes of the paper move and distort it."""

    x: float = param(0.5, -0.2, 1.2, "centre, in picture widths from the left; with a `Lamp`, it may be mirrored to the lamp's half")
    y: float = param(0.4, -0.2, 1.2, "centre, in picture heights from the top; with a `Lamp`, it may be mirrored to the lamp's half")
    width_mm: float = param(70.0, 5, 300, "width of the patch (no effect for the sky); a lamp's reflection has fallen to 37 % at its ends")
    height_mm: float = param(35.0, 5, 300, "height of the patch; for the sky, the width of its soft edge")
    angle_deg: float = param(20.0, -90, 90, "direction of the patch's width, clockwise from the right")
    strength: float = param(0.3, 0, 0.9, "share of the way to white in the middle of the patch")
    gloss: float = param(4.0, 0, 12, "distance in m of what is mirrored: the farther it is, the more slopes move the patch; 0: not at all")
    shape: str = param(
        "lamp",
        help="a lamp fades from its middle, a window is even with soft edges, the sky covers all on one side of a line",
        choices=("lamp", "window", "sky"),
    )

    def shade(self, light: Light) -> Light:
        """Blend the page with white: the page is dimmed by the share of light that is added, so white stays white."""
        share = np.clip(self.strength * self._patch(light), 0.0, 0.95)
        return light.shaded(1.0 - share).mirrored(255.0 * share)

    def _patch(self, light: Light) -> np.ndarray:
        """Strength of the reflection at the nodes (rows, columns), 0 to 1.

        Where the paper slopes, it shows the part of the patch that level paper would show some distance away.
        """
        x, y = light.pixels()
        height, width = light.warp.size
        at_x, at_y = self._centre(light)
        right, down = (x - at_x * width) / light.warp.scale, (y - at_y * height) / light.warp.scale
        shift_mm = _SHIFT * 1000.0 * self.gloss if light.warp.mesh.height_mm.any() else 0.0
        if self.shape == "sky":
            return self._sky(light, right, down, shift_mm)
        if shift_mm > 0:
            slopes = light.warp.mesh.slopes()
            right, down = (
                distance + np.clip(shift_mm * light.on_nodes(slope), -_FARTHEST_MM, _FARTHEST_MM)
                for distance, slope in zip((right, down), slopes, strict=True)
            )
        cos, sin = np.cos(np.radians(self.angle_deg)), np.sin(np.radians(self.angle_deg))
        along, across = (right * cos + down * sin) / (0.5 * self.width_mm), (down * cos - right * sin) / (0.5 * self.height_mm)
        if self.shape == "window":
            return _soft_box(along) * _soft_box(across)
        # Rough paper spreads a lamp into a core with a wide skirt (Trowbridge and Reitz 1975), not into a Gaussian. With the factor of 0.65
        # the reflection has fallen to 37 % at the ends of its width and height.
        return 1.0 / (1.0 + 0.65 * (along**2 + across**2)) ** 2

    def _sky(self, light: Light, right: np.ndarray, down: np.ndarray, shift_mm: float) -> np.ndarray:
        """Strength of the sky's reflection at the nodes, 0 to 1.

        The sky is mirrored on one side of a line: towards the lamp, or towards the picture's upper edge if there is no lamp. `right` and
        `down` are distances in mm from the patch's centre, and `shift_mm` is the shift in mm by a slope of 1.
        """
        normal = np.radians(self.angle_deg + 90.0)
        cos, sin = np.float32(np.cos(normal)), np.float32(np.sin(normal))
        beyond = (right * cos + down * sin).astype(np.float32)
        if shift_mm > 0:
            slope_x, slope_y = light.warp.mesh.slopes()
            beyond += np.clip(np.float32(shift_mm) * light.on_nodes(slope_x * cos + slope_y * sin), -_FARTHEST_MM, _FARTHEST_MM)
        # A logistic edge: from an eighth to seven eighths of the strength within `height_mm`. The sky is on the `side` 1, to which the
        # line's normal points, or on the side -1.
        side = 1.0 if light.lamp_deg is not None and np.cos(normal - np.radians(light.lamp_deg)) > 0 else -1.0
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(np.float32(-4.0 * side / self.height_mm) * beyond, -30.0, 30.0))))

    def _centre(self, light: Light) -> tuple[float, float]:
        """Centre of the patch in picture widths and heights.

        If there is a lamp, a patch in the half of the picture away from the lamp is mirrored at the picture's centre.
        """
        if light.lamp_deg is not None:
            angle, (height, width) = np.radians(light.lamp_deg), light.warp.size
            if (self.x - 0.5) * width * np.cos(angle) + (self.y - 0.5) * height * np.sin(angle) < 0:
                return 1.0 - self.x, 1.0 - self.y
        return self.x, self.y


def _soft_box(distance: np.ndarray) -> np.ndarray:
    """About 1 between -1 and 1 and about 0 outside; the function passes 0.5 at -1 and 1."""
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(7.0 * (np.abs(distance) - 1.0), -30.0, 30.0))))
