"""Undo the rounding of lines to whole pixels: estimate where they were before a program snapped them.

Agg, with which matplotlib draws, moves the middle of an upright or level line from x to ``floor(x + 0.5)``, the border of two pixels, if
the line is an even number of pixels wide. If the number is odd, the middle moves to ``floor(x + 0.5) + 0.5``, on average half a pixel too
far to the right, or too low. Here pixel k reaches from k to k + 1. Traces are not snapped, so traces that are measured relative to snapped
lines have this error.

Every grid line is snapped separately: lines 7.87 px apart are drawn 7 or 8 px apart, and the pattern of 7s and 8s determines their original
offset to about 0.01 px. Programs that plot ECGs put the start of time on one of the grid's 5 mm lines, so `row_ends` estimates the start
better from the unsnapped positions of these lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.coarse import FIVE_MM, PageWarp
from fastecg.digitizing.segmenter import Layers
from fastecg.digitizing.warp_fit import TURNED_PX

_NEAR_PX = 0.16  # A line counts as snapped if its measured position is nearer than this to a position to which lines are snapped.
_SNAPPED_SHARE = 0.8  # Minimum share of lines at snapped positions for lines to count as snapped.
# Largest drift in px of any upright line between the upper and the lower part of a grid that was not turned or bent. It is larger than
# `TURNED_PX`, because the warp is less certain where there are few lines.
_DRIFT_PX = 0.3
_FEW_LINES = 40  # Minimum number of grid lines for an estimate.
_FAINT_LINE = 0.3  # Lines with less ink than this share of the usual are left out: they are hidden by something else.
_BESIDE = 0.45  # The middle of a line is looked for up to this share of a millimetre beside the expected position.
_SHIFT_STEP_PX = 0.01  # Step of the search for the offset.
_MISFIT_SLACK = 0.01  # A shift counts as possible if the share of lines that misfit exceeds that of the best shift by at most this.
_FIVE_EVERY = 5  # Every n-th line is a 5 mm line.
#: Smallest and largest offset in mm from the lines at whole mm of a page's warp to the unsnapped ones (below 0: to the left) that are
#: assumed if the offset cannot be estimated. The smallest is half a pixel at 120 dpi.
ANYWHERE_MM = (-0.11, 0.01)


def pixel_phase(ends_mm: np.ndarray, axis: int, warp: PageWarp, layers: Layers) -> float:
    """Where in its pixel the middle of an upright or level line lies, from 0 (the pixel's left or upper border) to 1.

    NaN if the line is not parallel to the columns or rows of pixels.

    Parameters
    ----------
    ends_mm : ndarray, shape (2, 2)
        Page positions (x, y) of its ends.
    axis : int
        0 for an upright line, 1 for a level one.
    warp : PageWarp
    layers : Layers
    """
    ends = layers.to_picture(warp.forward(ends_mm))[:, axis]
    return float("nan") if np.ptp(ends) > TURNED_PX else (float(ends.mean()) + 0.5) % 1.0


def odd_width(middles: Sequence[float]) -> bool:
    """Whether lines were drawn an odd number of pixels wide; False if fewer than two lines are given, or if they are not snapped.

    Parameters
    ----------
    middles : sequence of float
        Position of each line's middle within a pixel, 0 to 1, from `pixel_phase`. A line with NaN counts as not snapped.
    """
    return len(middles) > 1 and float(np.mean(np.abs(np.asarray(middles) - 0.5) < _NEAR_PX)) >= _SNAPPED_SHARE


def unsnapped_offset_mm(layers: Layers, warp: PageWarp) -> tuple[float, float]:
    """Estimate how far to the right of the lines at whole mm of `warp` the unsnapped upright lines were (below 0: to the left).

    Parameters
    ----------
    layers : Layers
    warp : PageWarp

    Returns
    -------
    (float, float)
        Smallest and largest possible offset along page x in mm; `ANYWHERE_MM` if fewer than 40 lines are seen clearly, or if lines are
        not on whole pixels, because no program snapped them or the picture was turned, bent or made smaller afterwards.
    """
    found = _upright_lines(layers, warp)
    if found is None:
        return ANYWHERE_MM
    is_five, expected, measured = found
    shifts_px = np.arange(-1.0, 1.0 + _SHIFT_STEP_PX / 2, _SHIFT_STEP_PX)
    best: tuple[float, np.ndarray] | None = None
    for odd in ((False, False), (False, True), (True, False), (True, True)):  # Widths in px of 1 mm lines and of 5 mm lines: odd or even.
        # Where the lines would be drawn, shape (shifts, lines), if they are this wide.
        drawn = np.floor(expected + shifts_px[:, None] + 0.5) + 0.5 * np.where(is_five, odd[1], odd[0])
        misfit = (np.abs(measured - drawn) > _NEAR_PX).mean(axis=1)
        if best is None or misfit.min() < best[0]:
            best = float(misfit.min()), shifts_px[misfit <= misfit.min() + _MISFIT_SLACK]
    assert best is not None
    if best[0] > 1.0 - _SNAPPED_SHARE:
        return ANYWHERE_MM
    mm_per_px = layers.zoom / warp.scale
    return float(best[1].min()) * mm_per_px, float(best[1].max()) * mm_per_px


def _upright_lines(layers: Layers, warp: PageWarp) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """For n upright grid lines: whether each is a 5 mm line, its position by the warp, and its measured position.

    None if fewer than 40 lines are seen clearly, or if they are not parallel to the columns of pixels. Positions are along x in pixels of
    the picture before it was resized (`Layers.original`), where pixel k reaches from k to k + 1.
    """
    from scipy.ndimage import uniform_filter1d

    assert layers.picture is not None
    # Coverage by the grid in every row of pixels, averaged over 5 mm.
    inked = uniform_filter1d(layers["grid"].mean(axis=1), round(FIVE_MM * warp.scale))
    rows = np.flatnonzero(inked > 0.5 * inked.max())  # Rows of pixels that the grid covers.
    height, width = inked.size, layers.picture.shape[1]
    # The median brightness of a column of pixels shows the grid alone: traces and letters cover less than half of the column.
    levels = np.median(layers.picture[rows].min(axis=2), axis=0).astype(np.float64)
    edges_mm = warp.inverse(np.array([[0.0, height / 2], [width - 1.0, height / 2]]))[:, 0]
    lines_mm = np.arange(np.ceil(edges_mm.min()) + 1, np.floor(edges_mm.max()))
    if len(lines_mm) < _FEW_LINES:
        return None
    # The lines are compared at two heights (page y), where the upper fifth of the grid ends and where the lower fifth begins.
    heights_mm = warp.inverse(np.column_stack([np.full(2, width / 2), np.percentile(rows, (20, 80))]))[:, 1]
    x_at_heights = np.stack([warp.forward(np.column_stack([lines_mm, np.full(len(lines_mm), y)]))[:, 0] for y in heights_mm])
    if np.abs(x_at_heights[1] - x_at_heights[0]).max() > _DRIFT_PX * layers.zoom:
        return None
    expected = x_at_heights.mean(axis=0)
    reach = _BESIDE * warp.scale
    # The middle of a line is the centre of its ink: the amounts by which columns of pixels are darker than the paper beside the line.
    measured, mass = np.empty(len(lines_mm)), np.empty(len(lines_mm))
    for k, x in enumerate(expected):
        first = max(int(np.floor(x - reach)), 0)
        near = levels[first : int(np.ceil(x + reach)) + 1]
        ink = np.clip(np.percentile(near, 90) - near, 0.0, None) if near.size else np.zeros(1)
        mass[k] = ink.sum()
        measured[k] = first + float((ink * np.arange(len(ink))).sum()) / max(mass[k], 1e-9)
    is_five = lines_mm % _FIVE_EVERY == 0
    clear = mass > _FAINT_LINE * np.where(is_five, np.median(mass[is_five]), np.median(mass[~is_five]))
    if clear.sum() < _FEW_LINES:
        return None
    return is_five[clear], layers.to_picture(expected[clear]) + 0.5, layers.to_picture(measured[clear]) + 0.5
