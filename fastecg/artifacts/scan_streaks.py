"""Lines along a scan, made by dirt on the glass of a document feeder, or by a sensor element that differs from the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class ScanStreaks(Artifact):
    """Lines one or two pixels wide along the whole scan, which are darker or brighter and tinted."""

    count: int = param(2, 0, 40, "number of lines")
    strength: float = param(0.12, 0, 0.9, "how far the strongest lines go towards black or white, as a share of the way")
    darker: float = param(0.6, 0, 1, "share of lines that are darker")
    along: str = param("y", help="direction of the lines in the picture", choices=("x", "y"))
    seed: int = param(0, 0, 2**31, "decides places and looks of the lines")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Draw the lines, each over one column or row, or over two with a probability of a quarter, in place."""
        rng = np.random.default_rng(self.seed)
        # The picture with rows that run along the streaks.
        lines = pixels if self.along == "x" else pixels.swapaxes(0, 1)
        for _ in range(self.count):
            position, u_wide, u_darker, strength = rng.random(), rng.random(), rng.random(), self.strength * rng.uniform(0.3, 1.0)
            tint = rng.uniform(0.7, 1.0, 3)
            first = int(position * len(lines))
            line = lines[first : first + 1 + int(u_wide < 0.25)]
            towards = 0.0 if u_darker < self.darker else 255.0
            line[:] = np.rint(line + strength * tint * (towards - line))
        return pixels
