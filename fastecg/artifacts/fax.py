"""A fax: one bit per point, on a raster that is usually coarser than the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.artifacts.dither import lookup_tables, threshold_pattern

_COLUMNS_MM = 8.04  # Points per mm along a line: ITU-T T.4 has 1728 on 215 mm.
_LINES_MM = {"standard": 3.85, "fine": 7.7}  # Lines per mm.


@dataclass(frozen=True)
class Fax(Artifact):
    """Black and white points, 204 per inch across and 98 or 196 per inch down. Some lines are spoiled on the way.

    The raster spans the picture exactly, so nothing moves as a whole; a single point of the trace may lie up to half a line
    (0.13 mm in "standard") from where it was.
    """

    lines: str = param("standard", help="lines per inch: 98 (standard) or 196 (fine)", choices=tuple(_LINES_MM))
    threshold: float = param(0.66, 0.1, 0.95, "brightness, as a share of the paper's, below which a point is black")
    dither: float = param(0.0, 0, 1, "range of the threshold from point to point, as a share of the paper's brightness; it imitates greys")
    lost: int = param(3, 0, 60, "number of lines that an error spoils from some point on")
    seed: int = param(0, 0, 2**31, "decides which lines are spoiled")
    least: float = param(
        0.0,
        0,
        0.5,
        "automatic exposure: the threshold is raised until this share of strips (1 px wide, 8 mm high) in the page's middle has ink, "
        "within limits, and lowered if paper would become black; 0 turns it off",
    )

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Reduce the picture to the raster of the fax and enlarge it again, in place."""
        from fastecg.kernels.copy import halftone, resampled
        from fastecg.kernels.grey import from_grey, ink_threshold, paper_level, to_grey

        height, width = pixels.shape[:2]
        plane = to_grey(pixels)
        white = min(paper_level(plane) / 255.0, 1.0)
        raster = resampled(plane, self._points(height, px_per_mm, _LINES_MM[self.lines]), self._points(width, px_per_mm, _COLUMNS_MM))
        middle = ink_threshold(raster, 255.0 * white * self.threshold, self.least, px_per_mm * len(raster) / height, 127.5 * self.dither)
        # Thresholds are shares of white (255). They differ from their mean by up to half of `dither` times the paper's share of white.
        halftone(raster, lookup_tables(middle / 255.0 + white * self.dither * (threshold_pattern("bayer", 4) - 0.5), 2), 1)
        self._spoil_lines(raster)
        from_grey(resampled(raster, height, width), pixels)
        return pixels

    def _points(self, length: int, px_per_mm: float, per_mm: float) -> int:
        """Number of raster points, `per_mm` per mm, along a side of `length` px.

        The number is `length` itself if the resolutions of raster and picture differ by less than a tenth.
        """
        return length if abs(per_mm / px_per_mm - 1) < 0.1 else max(1, round(length / px_per_mm * per_mm))

    def _spoil_lines(self, raster: np.ndarray) -> None:
        """Replace the ends of `lost` lines by those of the line above, or by white, as fax machines do after an error; in place."""
        rng = np.random.default_rng(self.seed)
        for _ in range(self.lost):
            line, start, repeat = rng.integers(0, len(raster)), int(rng.random() ** 2 * raster.shape[1]), rng.random() < 0.6
            raster[line, start:] = raster[line - 1, start:] if repeat and line else 255
