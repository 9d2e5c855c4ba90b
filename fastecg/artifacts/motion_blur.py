"""Motion of the camera during exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class MotionBlur(Artifact):
    """Every pixel is smeared along a line, equally far in both directions."""

    length_px: float = param(3.0, 0, 24, "length of the line")
    angle_deg: float = param(0.0, 0, 180, "direction of the line, clockwise from the right")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Replace every pixel by the mean along the line through it, in place. A line within one pixel changes nothing."""
        from fastecg.kernels.stencil import smear

        offsets, weights = self._line()
        if len(offsets) > 1:
            smear(pixels, offsets, weights)
        return pixels

    def _line(self) -> tuple[np.ndarray, np.ndarray]:
        """Half of the line as `smear` takes it: offsets (n, 2) in whole pixels, (x, y), the first (0, 0), and weights (n,)."""
        from fastecg.kernels.stencil import TOTAL

        cos, sin = np.cos(np.radians(self.angle_deg)), np.sin(np.radians(self.angle_deg))
        reach = int(np.ceil(0.5 * self.length_px)) + 1
        grid = np.stack(np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1)), axis=-1).reshape(-1, 2)
        along, across = np.abs(grid @ (cos, sin)), np.abs(grid @ (-sin, cos))
        # The part of each pixel that the line covers: 1 on the line, and falling to 0 within 1 px to both sides and at its ends.
        share = np.clip(0.5 * self.length_px + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
        ahead = (grid[:, 0] > 0) | ((grid[:, 0] == 0) & (grid[:, 1] >= 0))
        order = np.flatnonzero(ahead & (share > 0))
        order = order[np.argsort(along[order], kind="stable")]  # the pixel itself first
        # Both halves of the line have the pixel itself, so each has half of it.
        half = np.where(along[order] == 0, 0.5, 1.0) * share[order]
        # Instead of each weight, their running sum is rounded, so that the total is exact and errors do not add up along the line.
        weights = np.diff(np.rint(np.cumsum(half) * (TOTAL / 2 / half.sum())), prepend=0.0)
        weights[0] *= 2
        kept = weights > 0
        return grid[order][kept], weights[kept].astype(np.int16)
