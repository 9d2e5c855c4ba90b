"""A strip of clear tape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts._blot import patch_between

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_OLD = (0.965, 0.90, 0.70)  # Share of red, green and blue that tape of an `age` of 1 transmits.


@dataclass(frozen=True)
class Tape(Artifact):
    """Clear tape, yellow with age, with toothed ends, dirt along its sides and air below it. The print below it can be read."""

    at_x: float = param(0.5, -0.1, 1.1, "its middle, as a share of the page's width")
    at_y: float = param(0.5, -0.1, 1.1, "its middle, as a share of the page's height")
    angle_deg: float = param(0.0, -180.0, 180.0, "its direction, clockwise from the right")
    length_mm: float = param(60.0, 8.0, 250.0, "length of the strip")
    width_mm: float = param(19.0, 6.0, 50.0, "width of the strip")
    age: float = param(0.4, 0.0, 1.5, "how yellow it is")
    haze: float = param(0.10, 0.0, 0.5, "how matt it is: the share of light that it adds")
    air: float = param(0.3, 0.0, 1.0, "how much of it has come loose")
    seed: int = param(0, 0, 2**31 - 1, "decides where air and dirt are")

    def stain(self, sheet: Sheet) -> Sheet:
        """Draw the tape over the sheet."""
        from fastecg.kernels.stain import lay_tape

        width, height = sheet.page.size_mm
        x, y, angle = self.at_x * width, self.at_y * height, np.radians(self.angle_deg)
        along = np.array([np.cos(angle), np.sin(angle)])
        # Half the width and height in mm of the upright rectangle round the strip and its ends, whose teeth stick out by less than 1 mm.
        reach = 0.5 * np.abs([along, along[::-1]]) @ (self.length_mm + 2.0, self.width_mm)
        patch = patch_between(sheet, (x - reach[0], y - reach[1]), (x + reach[0], y + reach[1]))
        if patch is None:
            return sheet
        pixels = sheet.canvas()
        half, tint = 0.5 * np.array([self.length_mm, self.width_mm]), np.array(_OLD) ** self.age
        # Noise that decides where tape has come loose, and where its glue is thick.
        clouds = patch.clouds(self.seed, 9.0, 5)
        lay_tape(pixels[patch.window], patch.x, patch.y, np.array([x, y]), along, half, sheet.scale, tint, self.haze, self.air, clouds)
        return replace(sheet, pixels=pixels)
