"""A paper clip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import INWARD_DEG, mix_in, patch_between

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

# sRGB colours of the wire.
_COATS = {"steel": (178, 181, 186), "brass": (190, 158, 84), "blue": (52, 92, 176), "red": (188, 52, 48), "green": (58, 140, 88),
          "white": (226, 226, 224)}  # fmt: skip


@dataclass(frozen=True)
class PaperClip(Artifact):
    """A clip that was pushed over an edge. The longer of its loops is seen; its wire casts a shadow and hides what is below it."""

    edge: str = param("top", help="the page's edge over which it was pushed", choices=tuple(INWARD_DEG))
    at: float = param(0.2, 0.03, 0.97, "place on that edge: distance from its left or upper end, as a share of its length")
    length_mm: float = param(30.0, 12.0, 60.0, "length of the clip")
    wire_mm: float = param(1.0, 0.5, 2.0, "thickness of the wire")
    lean_deg: float = param(4.0, -40.0, 40.0, "its angle to the perpendicular of the edge, clockwise")
    coat: str = param("steel", help="what the wire is coated with", choices=tuple(_COATS))

    def stain(self, sheet: Sheet) -> Sheet:
        """Draw shadow and wire."""
        from fastecg.kernels.capsule import stroke_polyline

        width, height = sheet.page.size_mm
        x = {"left": 0.0, "right": width}.get(self.edge, self.at * width)
        y = {"top": 0.0, "bottom": height}.get(self.edge, self.at * height)
        points = self._wire(x, y)
        upper_left, lower_right = points.min(axis=0) - 2.5, points.max(axis=0) + 2.5
        patch = patch_between(sheet, (upper_left[0], upper_left[1]), (lower_right[0], lower_right[1]))
        if patch is None:
            return sheet
        wire, shadow = np.zeros(patch.shape, dtype=np.uint8), np.zeros(patch.shape, dtype=np.uint8)
        in_window = points * sheet.scale - 0.5 - (patch.window[1].start, patch.window[0].start)
        # The wire, its shadow below and to the right of it, and its shine: a line a third as wide, above and to the left of its middle.
        pen = self.wire_mm * sheet.scale
        shine = np.zeros(patch.shape, dtype=np.uint8)
        stroke_polyline(in_window, pen, wire)
        stroke_polyline(in_window + 0.5 * pen, 1.3 * pen, shadow)
        stroke_polyline(in_window - 0.14 * pen, 0.34 * pen, shine)
        pixels = sheet.canvas()
        window = pixels[patch.window]
        mix_in(window, 0.4 / 255.0 * _soft(shadow, 0.35 * pen), np.zeros(3))
        coat = np.array(_COATS[self.coat], dtype=np.float64)
        round_look = (0.5 + 0.5 * _soft(wire, 0.4 * pen) / 255.0)[..., None] * coat
        mix_in(window, wire / 255.0, round_look + (0.7 / 255.0 * _soft(shine, 0.12 * pen))[..., None] * (252.0 - round_look))
        return replace(sheet, pixels=pixels).with_overlay(patch.window, wire)

    def _wire(self, x_mm: float, y_mm: float) -> np.ndarray:
        """Points (n, 2) mm along the wire on this side of the paper, of a clip at the point (x_mm, y_mm) of the edge.

        The clip is pushed on so far that its outer bend lies on the edge, where the wire goes round to the other side. From there the
        wire leads inwards, round the inner bend, and back to its end.
        """
        # First in the clip's own frame, mm from the point of the edge: inwards, and 90° clockwise of that. `half` is half the clip's
        # breadth and the radius of the inner bend, `outer` the radius of the outer bend.
        long, half = self.length_mm, 0.12 * self.length_mm
        outer = 0.85 * half
        over, bend = np.linspace(1.08 * np.pi, 0.5 * np.pi, 16), np.linspace(0.5 * np.pi, -0.5 * np.pi, 24)
        round_edge = np.stack([outer + outer * np.cos(over), half - outer + outer * np.sin(over)], axis=1)
        round_edge[round_edge[:, 1] < half - outer, 0] -= self.wire_mm  # moved off the page: there the wire is behind the paper
        inner = np.stack([0.82 * long - half + half * np.cos(bend), half * np.sin(bend)], axis=1)
        path = np.concatenate([round_edge, inner, [[0.25 * long, -half]]])
        turn = np.radians(INWARD_DEG[self.edge] + self.lean_deg)
        frame = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return path @ frame + (x_mm, y_mm)


def _soft(plane: np.ndarray, sigma: float) -> np.ndarray:
    """The plane (rows, columns) as float32, blurred with a standard deviation of `sigma` px."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(plane.astype(np.float32), sigma, truncate=2.5))
