"""Shared parts of torn paper: the course of a tear with the bare fibres along its edge (its lip), and holes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifacts._blot import Patch, coverage
from fastecg.artifacts._relief import bare_paper, noise_along

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

STEP_MM = 0.1  # Distance in mm of the points at which a tear's course is tabulated.
_SIZES = (24.0, 9.0, 4.0, 1.6, 0.7, 0.3)  # Lengths in mm of the bends of a tear, from large to small.


def deviation_mm(seed: int, t_mm: np.ndarray) -> np.ndarray:
    """Sideways deviation in mm of a careless tear from a straight line, at distances `t_mm` along the line.

    A sum of bends of all `_SIZES`: the longest strays up to 2.4 mm, the shortest up to 0.06 mm.
    """
    return np.asarray(sum(0.16 * size**0.85 * noise_along(seed + k, t_mm / size) for k, size in enumerate(_SIZES)))


def fibre_width(seed: int, t_mm: np.ndarray) -> np.ndarray:
    """Width of the band of bare fibres at distances `t_mm` along a tear, as a share of a wide band: up to 1.5; 0 or less for none."""
    band = 0.45 + 0.6 * noise_along(seed + 11, t_mm / 5.0) + 0.35 * noise_along(seed + 12, t_mm / 0.9)
    return np.asarray(np.clip(band, 0.0, 1.2) + 0.3 * noise_along(seed + 13, t_mm / 0.25))


def ripped(
    sheet: Sheet, patch: Patch, frame: np.ndarray, t_mm: np.ndarray, course: np.ndarray, *, both: bool, shade: float = 0.25
) -> Sheet:
    """The sheet torn within a patch: missing paper is a hole, and bare fibres hide the print.

    Parameters
    ----------
    sheet : Sheet
    patch : Patch
        The part of the sheet that is torn, with a node at every pixel.
    frame : ndarray, shape (6,)
        Makes distances along and across a straight line from page coordinates (x, y) mm: f0 x + f1 y + f2 and f3 x + f4 y + f5.
    t_mm : ndarray, shape (n,)
        Distances along the line, evenly spaced.
    course : ndarray, shape (n, 3)
        At each of `t_mm`, in mm: sideways deviation, half the width of the gap (below 0 where there is none), and width of the fibres on
        the gap's positive side (0 or less where there are none).
    both : bool
        Whether there is paper on both sides of the gap; if not, all paper on the negative side of the tear is missing.
    shade : float
        Darkness of the shadow of the torn edge, 0 to 1.
    """
    from fastecg.kernels.rip import rip

    pixels = sheet.canvas()
    gone, lip = np.zeros(patch.shape, dtype=np.uint8), np.zeros(patch.shape, dtype=np.uint8)
    course = np.ascontiguousarray(course)
    rip(pixels[patch.window], gone, lip, patch.x, patch.y, frame, t_mm, course, both, sheet.scale, bare_paper(sheet), shade)
    sheet = replace(sheet, pixels=pixels)
    if sheet.gone is not None:
        np.minimum(lip, 255 - sheet.gone[patch.window], out=lip)  # no fibres where there was no paper
    if lip.any():
        sheet = sheet.with_overlay(patch.window, lip)
    return without_scraps(sheet.with_hole(patch.window, gone))


def without_scraps(sheet: Sheet) -> Sheet:
    """The sheet without loose pieces: where tears and folds have cut the paper apart, only its largest part is kept."""
    from scipy.ndimage import binary_dilation

    # If every 4th pixel shows paper in one piece, as after most tears, the slow search in all pixels is left out.
    if sheet.gone is None or _pieces(sheet.gone[::4, ::4]).max() < 2:
        return sheet
    pieces = _pieces(sheet.gone)
    sizes = np.bincount(pieces.ravel())
    scraps = (pieces > 0) & (pieces != 1 + np.argmax(sizes[1:])) if len(sizes) > 2 else np.zeros_like(pieces, dtype=bool)
    rows, columns = np.flatnonzero(scraps.any(axis=1)), np.flatnonzero(scraps.any(axis=0))
    if not len(rows):
        return sheet
    window = slice(max(rows[0] - 2, 0), rows[-1] + 3), slice(max(columns[0] - 2, 0), columns[-1] + 3)
    # The scraps are removed with their soft edges, which are up to 2 px wide.
    return sheet.with_hole(window, np.uint8(255) * binary_dilation(scraps[window], iterations=2))


def _pieces(gone: np.ndarray) -> np.ndarray:
    """The number, from 1, of the part of the paper to which each pixel belongs; 0 where at least half of the pixel is a hole."""
    from scipy.ndimage import label

    return np.asarray(label(gone < 128)[0])


def cut(sheet: Sheet, patch: Patch, inside_mm: np.ndarray) -> Sheet:
    """The sheet with a hole that has clean edges.

    `inside_mm` (rows, columns) is the depth inside the hole's outline at every pixel of the patch, negative outside.
    """
    return sheet.with_hole(patch.window, coverage(inside_mm * sheet.scale))
