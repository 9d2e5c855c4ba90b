"""Shared atoms of torn paper: the course of a rip with its lip of bare fibres, and holes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifacts.blot import Patch, coverage
from fastecg.artifacts.relief import bare_paper, noise_along

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

STEP = 0.1  # mm between tabulated points of a rip
_SIZES = (24.0, 9.0, 4.0, 1.6, 0.7, 0.3)  # mm of its turns


def strays(seed: int, t_mm: np.ndarray) -> np.ndarray:
    """How far paper torn without care strays sideways at distances along the rip, mm."""
    return np.asarray(sum(0.16 * size**0.85 * noise_along(seed + k, t_mm / size) for k, size in enumerate(_SIZES)))


def fibres(seed: int, t_mm: np.ndarray) -> np.ndarray:
    """Width of the lip of fibres, in widths of a wide one; 0 or below where there is none."""
    hairs = 0.45 + 0.6 * noise_along(seed + 11, t_mm / 5.0) + 0.35 * noise_along(seed + 12, t_mm / 0.9)
    return np.asarray(np.clip(hairs, 0.0, 1.2) + 0.3 * noise_along(seed + 13, t_mm / 0.25))


def ripped(
    sheet: Sheet, place: Patch, frame: np.ndarray, t_mm: np.ndarray, course: np.ndarray, *, both: bool, shade: float = 0.25
) -> Sheet:
    """The sheet torn within a patch; what is missing is a hole, and fibres hide the print below them.

    Parameters
    ----------
    frame, course, both, shade
        As `fastecg.kernels.rip.rip` takes them.
    t_mm : ndarray, shape (n,)
        Distances along the line at which `course` (n, 3) is given, evenly spaced.
    """
    from fastecg.kernels.rip import rip

    pixels = sheet.canvas()
    gone, lip = np.zeros(place.shape, dtype=np.uint8), np.zeros(place.shape, dtype=np.uint8)
    step = float(t_mm[1] - t_mm[0])
    rip(
        pixels[place.window], gone, lip, place.x, place.y, frame, np.ascontiguousarray(course), float(t_mm[0]), step, both,
        sheet.scale, bare_paper(sheet), shade,
    )  # fmt: skip
    sheet = replace(sheet, pixels=pixels)
    if lip.any():
        sheet = sheet.under(place.window, lip)
    return sheet.without(place.window, gone)


def cut(sheet: Sheet, place: Patch, inside_mm: np.ndarray) -> Sheet:
    """The sheet with a clean hole where `inside_mm` (rows, columns) is above 0."""
    return sheet.without(place.window, coverage(inside_mm * sheet.scale))
