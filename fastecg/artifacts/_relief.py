"""Shared parts of height fields: positions relative to a line, the profile of a fold, noise along a line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from fastecg.mesh import Mesh
    from fastecg.sheet import Sheet

#: The steepest slope a single artifact makes: cos 37°, beyond which the paper hides itself from an inclined camera.
STEEPEST = 0.6

_PRESSED_MM = 38.0  # Length of the stretches of a fold that are pressed flat or not: about the width of a hand.


class Line(NamedTuple):
    """A fold line on the page: a point of it (mm), and the direction across it (degrees, 0 along x)."""

    x_mm: float
    y_mm: float
    angle_deg: float

    @classmethod
    def at(cls, size_mm: tuple[float, float], share_x: float, share_y: float, angle_deg: float) -> Line:
        """A line through the point at these shares of the page's width and height."""
        return cls(share_x * size_mm[0], share_y * size_mm[1], angle_deg)

    @property
    def direction(self) -> tuple[float, float]:
        """Unit vector (x, y) across the line."""
        angle = np.deg2rad(self.angle_deg)
        return float(np.cos(angle)), float(np.sin(angle))

    def across(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance from the line, mm."""
        cos, sin = self.direction
        return np.asarray((x - self.x_mm) * cos + (y - self.y_mm) * sin)

    def along(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Distance along the line from its point, mm."""
        cos, sin = self.direction
        return np.asarray((y - self.y_mm) * cos - (x - self.x_mm) * sin)


def fold_height(across_mm: np.ndarray, fold_deg: float, soft_mm: float, reach_mm: float) -> np.ndarray:
    """Height of paper that was folded and flattened again, mm.

    Both sides stand at half of `fold_deg` next to the fold and come down to the table over `reach_mm`; the edge is
    rounded over `soft_mm`. A positive angle makes a ridge towards the viewer, a negative one a valley.
    """
    slope = np.tan(np.deg2rad(fold_deg / 2))
    return np.asarray(slope * reach_mm * np.exp(-(np.sqrt(across_mm**2 + soft_mm**2) - soft_mm) / reach_mm))


def pressed(along_mm: np.ndarray, crest_mm: float, seed: int) -> np.ndarray:
    """Remaining height of a fold along its line, up to 1: opened pages are pressed flat here and there.

    A high crest is paper that nobody pressed flat: along its line it falls by a slope of 0.2 at most.
    """
    share = min(0.375, 0.2 * _PRESSED_MM / (3.75 * max(crest_mm, 1e-9)))  # smooth noise falls by 3.75 at most from one value to the next
    return np.asarray(1.0 - share + share * noise_along(seed, along_mm / _PRESSED_MM))


def limited(lift_mm: float, steepest: float) -> float:
    """`lift_mm` reduced so that its slope, `steepest` at full lift, stays below `STEEPEST`."""
    return lift_mm * min(1.0, STEEPEST / max(steepest, 1e-9))


def noise_along(seed: int, t: np.ndarray) -> np.ndarray:
    """Smooth noise, -1 to 1, with one independent value at every whole t."""
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
    """The sheet with worn folds: ink broken off (`loss`), dirt in the crack (`dirt`), one lip dark and one bright (`edge`).

    Every line has the angle of its fold, whose sign decides which lip is dark; with 0 there are no lips.
    """
    from fastecg.kernels.wear import wear_along

    if not (loss or dirt or edge):
        return sheet
    pixels = sheet.canvas()
    for k, (line, fold_deg) in enumerate(lines):
        line_px = np.array([line.x_mm * sheet.scale - 0.5, line.y_mm * sheet.scale - 0.5, *line.direction])
        wear = np.array([loss, dirt, edge * np.sign(fold_deg), width_mm])
        wear_along(pixels, line_px, sheet.scale, wear, bare_paper(sheet), seed + k)
    return replace(sheet, pixels=pixels)


def bare_paper(sheet: Sheet) -> np.ndarray:
    """Colour of torn fibres under the print, (3,) float: half way from the paper to white."""
    return 0.5 * (np.array(sheet.style.paper, dtype=np.float64) + 255.0)


def brought_to_sheet(sheet: Sheet, mesh_like: np.ndarray, mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A plane at a mesh's nodes, with the sheet pixel of its first node and the step in pixels, for kernels."""
    origin = np.array([mesh.x_mm[0], mesh.y_mm[0]]) * sheet.scale - 0.5
    return np.ascontiguousarray(mesh_like, dtype=np.float64), origin, np.array(mesh.step_mm) * sheet.scale
