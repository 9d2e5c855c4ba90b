"""A staple, or the holes and the rust that it left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import mix_in, patch_around
from fastecg.artifacts._rip import cut

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_RUST = np.array((122.0, 72.0, 40.0))  # sRGB colour of rust.


@dataclass(frozen=True)
class Staple(Artifact):
    """A bright wire with its shadow, which hides what is below; or, if it was pulled out, two holes, a dent and rust."""

    at_x: float = param(0.06, 0.0, 1.0, "its middle, as a share of the page's width")
    at_y: float = param(0.05, 0.0, 1.0, "its middle, as a share of the page's height")
    angle_deg: float = param(-40.0, -180.0, 180.0, "its direction, clockwise from the right")
    length_mm: float = param(11.5, 4.0, 20.0, "length of the wire that is seen")
    wire_mm: float = param(0.55, 0.2, 1.2, "thickness of the wire")
    state: str = param("in", help="whether it is still there or was pulled out", choices=("in", "out"))
    rust: float = param(0.2, 0.0, 1.0, "how rusty it is")
    seed: int = param(0, 0, 2**31 - 1, "decides the shape of the rust")

    def stain(self, sheet: Sheet) -> Sheet:
        """Draw the wire, or what it left when it was pulled out."""
        width, height = sheet.page.size_mm
        x, y = self.at_x * width, self.at_y * height
        patch = patch_around(sheet, x, y, 0.5 * self.length_mm + 3.0)
        if patch is None:
            return sheet
        along, across = patch.offsets(x, y, self.angle_deg)
        # Distances in mm: beyond the ends along the wire's line (0 between them), and from the nearer end.
        beyond = np.maximum(np.abs(along) - 0.5 * self.length_mm, 0.0)
        ends = np.hypot(np.abs(along) - 0.5 * self.length_mm, across)
        spots = self.rust * np.exp(-((ends / 1.1) ** 2)) * np.clip(0.6 + 0.8 * patch.clouds(self.seed, 0.8, 3), 0.0, 1.0)
        pixels = sheet.canvas()
        window = pixels[patch.window]
        if self.state == "out":
            dent = 0.14 * np.exp(-(((np.hypot(beyond, across)) / 0.35) ** 2))
            mix_in(window, dent, np.zeros(3))
            mix_in(window, np.clip(spots, 0.0, 0.9), _RUST)
            hole = (0.45 * self.wire_mm + 0.1 - ends).astype(np.float32)
            return cut(replace(sheet, pixels=pixels), patch, hole)
        shadow = 0.45 * np.exp(-((np.hypot(beyond, across - 0.45) / (0.9 * self.wire_mm)) ** 2))
        mix_in(window, shadow, np.zeros(3))
        mix_in(window, 0.8 * np.clip(spots, 0.0, 0.9), _RUST)
        wire = np.clip((0.5 * self.wire_mm - np.hypot(beyond, across)) * sheet.scale + 0.5, 0.0, 1.0)
        mix_in(window, wire, _metal(across / self.wire_mm, along, self.rust))
        return replace(sheet, pixels=pixels).with_overlay(patch.window, np.rint(255.0 * wire).astype(np.uint8))


def _metal(across: np.ndarray, along: np.ndarray, rust: float) -> np.ndarray:
    """Colours (rows, columns, 3) of a round wire that is lit from one side.

    `across` is in wire thicknesses: -0.5 on the lit side (the upper one of a level wire) and 0.5 on the other. `along` is in mm.
    """
    light = 0.62 + 0.5 * np.exp(-(((across + 0.12) / 0.16) ** 2)) - 0.75 * np.maximum(across, 0.0) - 0.25 * np.maximum(-across - 0.25, 0.0)
    light = light * (1.0 + 0.06 * np.sin(0.9 * along))
    steel = np.array((176.0, 178.0, 182.0)) * (1.0 - 0.6 * rust) + _RUST * 0.6 * rust
    return np.clip(light[..., None] * steel * 1.15, 0.0, 255.0)
