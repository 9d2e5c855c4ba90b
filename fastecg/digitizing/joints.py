"""Mask ink that hides the ends of leads: bars between columns, and calibration pulses that run into a row.

Unlike a trace, a bar is upright and straight, and has the same offset from every joint, which is where two columns meet. The trace under a
bar, or under the flank of a pulse, cannot be seen. If this ink were taken for a trace, the fit would bend the end of the trace into a hook.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import PageSegments
from fastecg.digitizing.pulses import Pulse

_MEET_MM = 1.0  # Largest gap between columns whose bars can hide traces.
_ASIDE_MM = 1.5  # Largest distance of a bar from where two columns meet.
_DOWN_MM = 11.0  # Largest distance of a bar's ends from the 0 mV level of its row.
_LEAST_MM = 2.0  # Minimum length of upright ink for it to be straight.
_FEW_JOINTS = 2  # Minimum number of joints with a bar.
_MOST_JOINTS = 0.6  # Minimum share of joints with a bar.
_HIGH = 0.6  # A column of pixels belongs to the bar if its ink is at least this share of the usual height.
_INK = 0.5  # Coverage from which a pixel is ink.
_EDGE_PX = 0.75  # Width of a bar's soft edge, which is hidden as well.
_GLUED_MM = 0.3  # Largest distance of a pulse's flank from the end of the row that it runs into.
_FLANK_MM = 0.15  # Half the width of a flank.
_ABOVE_MM = 0.4  # Smallest height above 0 mV that is masked.
_SAME_ROW_MM = 3.0  # Largest distance of a pulse's foot from its row's 0 mV level.


def behind_bars(rows: PageSegments, warp: PageWarp, ink: PictureInk) -> np.ndarray:
    """The mask of pixels that are hidden by bars between columns.

    Parameters
    ----------
    rows : PageSegments
    warp : PageWarp
    ink : PictureInk

    Returns
    -------
    ndarray, shape (height, width) bool
    """
    from scipy.ndimage import grey_opening, map_coordinates

    hidden = np.zeros(ink.coverage.shape, dtype=bool)
    across = np.arange(-_ASIDE_MM, _ASIDE_MM, 0.5 / warp.scale)
    down = np.arange(-_DOWN_MM, _DOWN_MM, 0.5 / warp.scale)
    at = [np.stack(np.meshgrid(x + across, y + down), axis=-1) for x, y in _joints(rows)]
    if len(at) < _FEW_JOINTS:
        return hidden
    pixels = [warp.forward(grid.reshape(-1, 2)).T[::-1] for grid in at]
    shown = [map_coordinates(ink.coverage, each, order=1, mode="constant").reshape(len(down), len(across)) for each in pixels]
    upright = [grey_opening(patch, size=(round(_LEAST_MM * 2 * warp.scale), 1)) > _INK for patch in shown]
    heights = np.array([patch.sum(axis=0) for patch in upright])
    tall = heights.max(axis=1)
    standing = tall > 0
    if standing.sum() < max(_FEW_JOINTS, _MOST_JOINTS * len(at)):
        return hidden
    usual = float(np.median(tall[standing]))
    barred = (heights > _HIGH * usual).mean(axis=0) >= _MOST_JOINTS
    if not barred.any():
        return hidden
    for grid, patch in zip(at, upright, strict=True):
        inked = patch[:, barred].mean(axis=1) > _INK
        if inked.sum() > _HIGH * usual:
            _fill(hidden, grid, inked, barred, warp)
    return hidden


def behind_pulses(rows: PageSegments, warp: PageWarp, ink: PictureInk, pulses: Sequence[Pulse]) -> np.ndarray:
    """The mask of pixels that are hidden by the flanks of pulses at the ends of rows.

    Parameters
    ----------
    rows : PageSegments
    warp : PageWarp
    ink : PictureInk
    pulses : sequence of Pulse

    Returns
    -------
    ndarray, shape (height, width) bool
    """
    from skimage.draw import polygon

    hidden = np.zeros(ink.coverage.shape, dtype=bool)
    step, edge = rows.speed_mm_s / rows.fs, _EDGE_PX / warp.scale
    for segment in rows.segments:
        ends = segment.x_mm, segment.x_mm + (segment.stop - 1 - segment.start) * step
        for pulse in (pulse for pulse in pulses if abs(pulse.foot_mm - segment.baseline_mm) < _SAME_ROW_MM):
            for end, flank in zip(ends, (pulse.fall_mm, pulse.fall_mm - pulse.width_mm), strict=True):
                if abs(end - flank) < _GLUED_MM:
                    left, right = flank - _FLANK_MM - edge, flank + _FLANK_MM + edge
                    top, bottom = pulse.top_mm - _ABOVE_MM, segment.baseline_mm - _ABOVE_MM
                    corners = warp.forward(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
                    hidden[polygon(corners[:, 1], corners[:, 0], hidden.shape)] = True
    return hidden


def _joints(rows: PageSegments) -> Iterator[tuple[float, float]]:
    """The joints of a page: page x at which two columns meet, and page y of their row's 0 mV level."""
    step = rows.speed_mm_s / rows.fs
    for before, after in zip(rows.segments[:-1], rows.segments[1:], strict=True):
        end = before.x_mm + (before.stop - 1 - before.start) * step
        if before.row == after.row and abs(after.x_mm - end) < _MEET_MM:
            yield (end + after.x_mm) / 2, (before.baseline_mm + after.baseline_mm) / 2


def _fill(hidden: np.ndarray, grid: np.ndarray, inked: np.ndarray, barred: np.ndarray, warp: PageWarp) -> None:
    """Mask one bar, given its rows and columns in a patch, and its soft edge."""
    from skimage.draw import polygon

    edge = _EDGE_PX / warp.scale
    low, high = np.flatnonzero(inked)[[0, -1]]
    first, last = np.flatnonzero(barred)[[0, -1]]
    left, top = grid[low, first] - edge
    right, bottom = grid[high, last] + edge
    corners = warp.forward(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
    hidden[polygon(corners[:, 1], corners[:, 0], hidden.shape)] = True
