"""Shared parts of height fields: distances from a line, the profile of a fold, noise along a line, worn folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from fastecg.mesh import Mesh
    from fastecg.sheet import Sheet

#: Largest slope that `limited_lift` allows an artifact, in mm of height per mm along the paper: the sine of 37°. Steeper paper would hide
#: its far side from a camera that looks at it from low down.
STEEPEST = 0.6

_PRESSED_MM = 38.0  # Length of the stretches of a fold that are pressed flat or left standing: about half the width of a hand.


class Line(NamedTuple):
    """A straight line on the page: a point of it (mm), and the direction across it (degrees clockwise from the x axis)."""

    x_mm: float
    y_mm: float
    angle_deg: float

    @classmethod
    def at(cls, size_mm: tuple[float, float], share_x: float, share_y: float, angle_deg: float) -> Line:
        """A line through the point at these shares of the page's width and height."""
        return cls(share_x * size_mm[0], share_y * size_mm[1], angle_deg)

    @property
    def normal(self) -> tuple[float, float]:
        """Unit vector (x, y) across the line, in the direction of `angle_deg`."""
        angle = np.deg2rad(self.angle_deg)
        return float(np.cos(angle)), float(np.sin(angle))

    def across(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance in mm of points (x, y) from the line, positive on the side to which `normal` points."""
        cos, sin = self.normal
        return np.asarray((x - self.x_mm) * cos + (y - self.y_mm) * sin)

    def along(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance in mm along the line, from its point to the points (x, y); for an angle of 0 it increases downwards."""
        cos, sin = self.normal
        return np.asarray((y - self.y_mm) * cos - (x - self.x_mm) * sin)


def fold_height(across_mm: np.ndarray, fold_deg: float, soft_mm: float, reach_mm: float) -> np.ndarray:
    """Height in mm of paper that was folded and flattened again, at signed distances `across_mm` from the fold.

    Next to the fold, both sides rise towards it at half of `fold_deg`. Away from the fold their height falls to 37 % over `reach_mm`. The
    edge is rounded over `soft_mm`. A positive angle makes a ridge, a negative one a valley.
    """
    slope = np.tan(np.deg2rad(fold_deg / 2))
    return np.asarray(slope * reach_mm * np.exp(-(np.sqrt(across_mm**2 + soft_mm**2) - soft_mm) / reach_mm))


def remaining_height(along_mm: np.ndarray, crest_mm: float, seed: int) -> np.ndarray:
    """Share of its height that a fold keeps along its line, 0.25 to 1: opened pages are pressed flat in some places.

    A high crest is left standing: along the line, its height changes with a slope of 0.2 at most.
    """
    share = min(0.375, 0.2 * _PRESSED_MM / (3.75 * max(crest_mm, 1e-9)))  # 3.75: steepest slope of `noise_along`, per unit of its `t`
    return np.asarray(1.0 - share + share * noise_along(seed, along_mm / _PRESSED_MM))


def limited_lift(lift_mm: float, steepest: float) -> float:
    """`lift_mm`, reduced if necessary so that the steepest slope, which would be `steepest` at full lift, is at most `STEEPEST`."""
    return lift_mm * min(1.0, STEEPEST / max(steepest, 1e-9))


def noise_along(seed: int, t: np.ndarray) -> np.ndarray:
    """Smooth noise, -1 to 1, at positions `t` (any shape), with one independent value at every whole number."""
    from fastecg.kernels.facets import between_values
    from fastecg.kernels.hashing import uniform

    positions = np.ascontiguousarray(t, dtype=np.float64)
    first, last = np.floor(positions.min()), np.floor(positions.max())
    out = np.empty(positions.shape)
    between_values(uniform(seed, np.arange(first, last + 2)), first, positions.reshape(-1), out.reshape(-1))
    return out


def wear_lines(
    sheet: Sheet, lines: Iterable[tuple[Line, float]], *, loss: float, dirt: float, edge: float, width_mm: float, seed: int
) -> Sheet:
    """The sheet with worn folds.

    Parameters
    ----------
    sheet : Sheet
    lines : iterable of (Line, float)
        The folds and their angles in degrees. An angle above 0 makes the side dark to which the line's normal points, one below 0 the
        other side; 0 leaves both sides as they are.
    loss, dirt : float
        Share of ink that broke off in the crack, and how much dirt is in the crack, 0 to 1.
    edge : float
        Contrast of the two sides next to the fold, one of which is dark and one bright, 0 to 1.
    width_mm : float
        Half the width of the crack.
    seed : int
        Decides where the cracks are broken and dirty; each fold differs.
    """
    from fastecg.kernels.wear import wear_along

    if not (loss or dirt or edge):
        return sheet
    pixels = sheet.canvas()
    for k, (line, fold_deg) in enumerate(lines):
        line_px = np.array([line.x_mm * sheet.scale - 0.5, line.y_mm * sheet.scale - 0.5, *line.normal])
        wear = np.array([loss, dirt, edge * np.sign(fold_deg), width_mm])
        wear_along(pixels, line_px, sheet.scale, wear, bare_paper(sheet), seed + k)
    return replace(sheet, pixels=pixels)


def bare_paper(sheet: Sheet) -> np.ndarray:
    """Colour (3,) of torn fibres under the print, sRGB from 0 to 255: half way from the paper to white."""
    return 0.5 * (np.array(sheet.style.paper, dtype=np.float64) + 255.0)


def brought_to_sheet(sheet: Sheet, values: np.ndarray, mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `values` (rows, columns) at a mesh's nodes as float64, and where the nodes of the flat page lie on the sheet.

    Where they lie: the position (x, y) of the first node, px, pixel centres at whole numbers; and the distances of nodes along x and y, px.
    """
    origin = np.array([mesh.x_mm[0], mesh.y_mm[0]]) * sheet.scale - 0.5
    return np.ascontiguousarray(values, dtype=np.float64), origin, np.array(mesh.step_mm) * sheet.scale
