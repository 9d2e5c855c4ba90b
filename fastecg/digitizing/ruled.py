"""Find the grid of a picture in the network's maps, or in the picture itself if the maps show no clear grid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.phase import Fives, find_grid
from fastecg.digitizing.segmenter import Layers
from fastecg.digitizing.targets import SCALE
from fastecg.digitizing.warp_fit import FittedWarp, residuals_mm, straight_warp
from fastecg.errors import ImageError

_CLEAR_MM = 0.06  # Largest median of the residuals of a warp for the search to end with this warp.
_WORST_MM = 0.25  # Largest 90 % quantile of the residuals of a warp for the search to end with this warp.
_LEAST_SHARE = 0.03  # Minimum share of the picture in which the grid has to be followed, since any warp fits a handful of nodes.
_SCALE_OFF = 0.25  # Largest log ratio of the grid's scale and the expected one.
# If 1 mm takes fewer pixels of the picture than this, 1 mm lines may be miscounted: a program draws them on whole pixels, so that most are
# 3 px apart and some 4. The 5 mm lines are then counted instead.
_FEW_PX = 4.5
_PRINTED = 0.15  # Pixels with at least this coverage (0 to 1) by traces, pulses or writing are left out.
_BLUR_PX = 12.0  # Standard deviation of the blur with which the darkness of the paper is estimated.


def picture_grid(layers: Layers) -> PageWarp | None:
    """Find the warp between pixels of the layers and millimetres of the page by the grid; None if there is no grid.

    The planes of `_planes` are tried in turn until the warp by one of them is straight or has small residuals. Without such a warp, the one
    whose residuals have the smallest 90 % quantile is returned.
    """
    found: list[tuple[float, FittedWarp]] = []
    fives = Fives(layers["major"], SCALE)
    for fine in _planes(layers):
        try:
            warp, lattice = find_grid(fine, fives)
        except (ImageError, np.linalg.LinAlgError):
            continue
        if not warp.scale > 0 or abs(np.log(warp.scale / SCALE)) > _SCALE_OFF or lattice.covered_px < _LEAST_SHARE * fine.size:
            continue
        straight = straight_warp(lattice.points_px, lattice.points_mm, fine.shape[:2], layers.zoom)
        if straight is None and warp.scale / layers.zoom < _FEW_PX and fives.alone is not None:
            coarse = fives.alone[1]
            straight = straight_warp(coarse.points_px, coarse.points_mm, fine.shape[:2], layers.zoom)
        if straight is not None:
            return straight
        typical, worst = residuals_mm(warp, lattice.points_px, lattice.points_mm)
        if typical < _CLEAR_MM and worst < _WORST_MM:
            return warp
        found.append((float(worst), warp))
    return min(found, key=lambda item: item[0])[1] if found else None


def _planes(layers: Layers) -> Iterator[np.ndarray]:
    """Planes (height, width) that may show all lines of the grid, the likeliest first."""
    yield layers["grid"]
    if layers.picture is not None:
        yield _lines(layers)


def _lines(layers: Layers) -> np.ndarray:
    """The lines of a grid of any colour, (height, width) float32 0 to 1: by how much pixels are darker than the paper around them.

    The value that only a hundredth of the pixels exceed becomes 1, as do larger ones. Near traces, pulses and writing, all pixels are 0.
    """
    from scipy.ndimage import gaussian_filter, maximum_filter

    assert layers.picture is not None
    printed = layers["trace"] >= _PRINTED
    for name in ("pulse", "writing"):
        printed |= layers[name] >= _PRINTED
    clear = ~maximum_filter(printed, 5)
    darkness = 1.0 - layers.picture.min(axis=2) / np.float32(255)
    paper = gaussian_filter(np.where(clear, darkness, np.float32(0)), _BLUR_PX)
    paper /= np.maximum(gaussian_filter(clear.astype(np.float32), _BLUR_PX), np.float32(1e-3))
    lines = np.where(clear, np.clip(darkness - paper, 0.0, 1.0), np.float32(0))
    return np.asarray(lines / np.float32(max(float(np.quantile(lines[::4, ::4], 0.99)), 1e-3))).clip(0.0, 1.0)
