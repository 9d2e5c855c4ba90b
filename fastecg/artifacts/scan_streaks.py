"""Lines along a scan: dirt on the glass of a document feeder, a sensor element out of step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class ScanStreaks(Artifact):
    """Lines one or two pixels wide over the whole scan, in another brightness or with a tint."""

    count: int = param(2, 0, 40, "lines")
    strength: float = param(0.12, 0, 0.9, "how much brighter or darker they are, at most")
    darker: float = param(0.6, 0, 1, "share of lines that are darker")
    along: str = param("y", help="the scan's direction in the picture", choices=("x", "y"))
    seed: int = param(0, 0, 2**31, "of their places")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Multiply single columns or rows, in place."""
        rng = np.random.default_rng(self.seed)
        lines = pixels if self.along == "x" else pixels.swapaxes(0, 1)
        for _ in range(self.count):
            position, wide, sign, strength = rng.random(), rng.random(), rng.random(), self.strength * rng.uniform(0.3, 1.0)
            tint = rng.uniform(0.7, 1.0, 3)
            first = int(position * len(lines))
            line = lines[first : first + 1 + int(wide < 0.25)]
            towards = 0.0 if sign < self.darker else 255.0
            line[:] = np.rint(line + strength * tint * (towards - line))
        return pixels
