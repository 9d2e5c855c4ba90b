"""Dithering, as by printers and old screens: patterns of few levels that look like many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from fastecg.artifact import Artifact, param


@dataclass(frozen=True)
class Dither(Artifact):
    """Ordered dithering: pixels are compared with thresholds that form a small pattern, which is repeated over the whole picture."""

    pattern: str = param(
        "bayer", help="scattered points (bayer), or dots that grow as in print (clustered)", choices=("bayer", "clustered")
    )
    cells: int = param(4, 2, 8, "points along a side of the pattern: 2, 4 or 8 (other numbers are rounded up)")
    dot_px: int = param(1, 1, 6, "size of a point in px of the picture")
    levels: int = param(2, 2, 32, "number of levels per channel")
    strength: float = param(1.0, 0, 1, "how much the thresholds differ; at 0, every value is rounded to the nearest level")
    grey: bool = param(True, help="whether colours become grey")

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Replace every value (every brightness if `grey`), in place, by its entry in the table of the pattern's point that lies there."""
        from fastecg.kernels.copy import halftone
        from fastecg.kernels.grey import from_grey, to_grey

        thresholds = threshold_pattern(self.pattern, self.cells)
        tables = lookup_tables(0.5 + self.strength * (thresholds - 0.5), self.levels)
        if not self.grey:
            halftone(pixels, tables, self.dot_px)
            return pixels
        plane = to_grey(pixels)
        halftone(plane, tables, self.dot_px)
        from_grey(plane, pixels)
        return pixels


@cache
def threshold_pattern(pattern: str, cells: int) -> np.ndarray:
    """Thresholds (n, n) of a pattern, evenly spread between 0 and 1; n is `cells`, rounded up to 2, 4 or 8."""
    n = 2 if cells <= 2 else 4 if cells <= 4 else 8
    order = _bayer(n) if pattern == "bayer" else _clustered(n)
    return (order + 0.5) / (n * n)


def _bayer(n: int) -> np.ndarray:
    """Ranks (n, n) from 0 to n² - 1; consecutive ones are far apart (Bayer 1973)."""
    order = np.zeros((1, 1), dtype=int)
    while len(order) < n:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return order


def _clustered(n: int) -> np.ndarray:
    """Ranks (n, n) from 0 to n² - 1, by which dots grow as the picture gets darker.

    There is one dot per pattern; for n = 8 there are two, which form a lattice turned by 45°.
    """
    # The shifts 0.47 and 0.41 differ, and are not 0.5, so that symmetric points of a dot do not have equal values.
    x, y = np.meshgrid(2 * np.pi * (np.arange(n) + 0.47) / n, 2 * np.pi * (np.arange(n) + 0.41) / n)
    spot = np.cos(x) + np.cos(y) if n < 8 else np.cos(x + y) + np.cos(x - y)
    # Sorting twice gives the rank of every value.
    return spot.ravel().argsort(kind="stable").argsort(kind="stable").reshape(n, n)


def lookup_tables(thresholds: np.ndarray, levels: int) -> np.ndarray:
    """For each of the `thresholds` (n, n), a table of the new value of every value from 0 to 255: (n, n, 256) uint8.

    A value between two of the `levels`, which are evenly spaced, becomes the upper one if its share of the way from the lower to the upper
    one is at least the threshold.
    """
    steps = np.arange(256) / 255.0 * (levels - 1)
    lower = np.minimum(np.floor(steps), levels - 2)
    raised = steps - lower >= thresholds[:, :, None]
    return np.rint((lower + raised) * (255.0 / (levels - 1))).astype(np.uint8)
