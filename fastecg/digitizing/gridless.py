"""The map of pages without a visible grid, such as copies. Their millimetres are derived from the length of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.tracks import Track
from fastecg.digitizing.warp_fit import FittedWarp, fit_warp

#: Largest absolute log ratio of the rows' length to the expected one. If the ratio is larger, rows are cut off, or the layout is another.
MOST_OFF = 0.2

_LATTICE_PX = 64  # Distance of the points to which the flat map is fitted.
_KNOTS_PX = 512.0  # Distance of the spline's knots. A flat map needs few.


def gridless_warp(size: tuple[int, int], px_per_mm: float, tilt: float = 0.0) -> FittedWarp:
    """The map of a flat page that fills a picture of (height, width) px, with rows that fall to the right by `tilt` mm per mm."""
    x, y = np.meshgrid(np.arange(0, size[1] + _LATTICE_PX, _LATTICE_PX), np.arange(0, size[0] + _LATTICE_PX, _LATTICE_PX))
    points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    # Page positions: coordinates along and across the rows, from the centre of the picture's first pixel.
    along = np.array([1.0, tilt]) / np.hypot(1.0, tilt)
    points_mm = np.column_stack([points @ along, points @ np.array([-along[1], along[0]])]) / px_per_mm
    return fit_warp(points, points_mm, size, step_px=_KNOTS_PX)


def tilt_of(tracks: Sequence[Track]) -> float:
    """Slope of the rows, mm per mm, positive if they fall to the right: the median over the tracks, 0 without any.

    The slope of a track is that of the line from its first third to its last third, each with the median page y in its middle.
    """
    slopes = []
    for track in tracks:
        path = track.path
        first, last = (max(round((end - path.left_mm) * path.scale), 0) for end in track.ends_mm)
        middle = ((path.top_mm + path.bottom_mm) / 2)[first : last + 1]
        third = len(middle) // 3
        if third:
            slopes.append((np.median(middle[-third:]) - np.median(middle[:third])) / (2 * third / path.scale))
    return float(np.median(slopes)) if slopes else 0.0
