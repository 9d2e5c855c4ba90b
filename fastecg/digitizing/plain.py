"""Pages whose grid is not seen, as copies lose it: millimetres from the length of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.coarse import straighten
from fastecg.digitizing.find_layout import Name, Placed
from fastecg.digitizing.follow import Row, ends_mm, follow_row
from fastecg.digitizing.warp_fit import FittedWarp, fit_warp

#: How much longer or shorter than expected rows may be: beyond, they are cut off or another layout's.
MOST_OFF = 0.2

_LATTICE_PX = 64
_KNOTS_PX = 512.0  # nothing bends


def plain_warp(size: tuple[int, int], px_per_mm: float, tilt: float = 0.0) -> FittedWarp:
    """A flat page that fills a picture of (height, width) px, its rows falling by `tilt` mm a mm."""
    x, y = np.meshgrid(np.arange(0, size[1] + _LATTICE_PX, _LATTICE_PX), np.arange(0, size[0] + _LATTICE_PX, _LATTICE_PX))
    points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    along = np.array([1.0, tilt]) / np.hypot(1.0, tilt)
    places = np.column_stack([points @ along, points @ np.array([-along[1], along[0]])]) / px_per_mm
    return fit_warp(points, places, size, step_px=_KNOTS_PX)


def tilt_of(names: Sequence[Name], pitch_mm: float) -> float:
    """How much the rows fall, mm a mm, by names that stand in the same row."""
    slopes = [
        (b.y_mm - a.y_mm) / (b.x_mm - a.x_mm)
        for k, a in enumerate(names) for b in names[k + 1 :]
        if abs(b.x_mm - a.x_mm) > 20.0 and abs(b.y_mm - a.y_mm) < 0.3 * pitch_mm
    ]  # fmt: skip
    return float(np.median(slopes)) if slopes else 0.0


def length_of_rows(plane: np.ndarray, warp: FittedWarp, placed: Placed, area_mm: tuple[float, float, float, float]) -> float | None:
    """How long the rows of traces are in the warp's mm; None if none was found."""
    left, top, right, bottom = area_mm
    strip = straighten(plane, warp, (left, right), (top, bottom))
    rows: list[Row] = [
        follow_row(strip, placed.first_mm + row * placed.pitch_mm, placed.pitch_mm, (left, right)) for row in range(placed.layout.rows)
    ]
    ends = [found for row in rows if (found := ends_mm(strip, row)) is not None]
    return float(np.median([after - before for before, after in ends])) if ends else None
