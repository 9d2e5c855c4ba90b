"""Mask ink that hides the ends of leads: bars between columns, and calibration pulses that run into a row.

A joint is where two columns meet in a row. Unlike traces, bars are upright and straight, and have the same offset from every joint. The
trace under a bar, or under the flank of a pulse, cannot be seen. If ink of the bar or pulse were taken for the trace, the fit would bend
the end of the trace into a hook.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import PageSegments
from fastecg.digitizing.pulses import Pulse

_MEET_MM = 1.0  # Two columns meet, so that a bar between them can hide traces, if the gap between them is smaller than this.
_ASIDE_MM = 1.5  # Largest distance along x of a bar from a joint.
_DOWN_MM = 11.0  # Bars are looked for up to this far above and below the 0 mV level of the row.
_LEAST_MM = 2.0  # Minimum length along y of the upright ink of a bar.
_LEAST_JOINTS = 2  # Minimum number of joints with upright ink for this ink to be bars.
# Minimum share of joints that have upright ink, and of joints that have tall upright ink at the same offset along x.
_JOINTS_SHARE = 0.6
_HIGH = 0.6  # Upright ink is tall, and belongs to a bar, if its height exceeds this share of the usual height, the median over joints.
# A pixel is ink if its coverage (0 to 1) is larger than this. A row of pixels belongs to a bar if more than this share
# of the bar's columns is ink in the row.
_INK = 0.5
_EDGE_PX = 0.75  # Width of the soft edge of bars and flanks, which also hides traces.
_GLUED_MM = 0.3  # A pulse runs into a segment if its flank is closer than this to an end of the segment.
_FLANK_MM = 0.15  # Half the width of a flank.
_ABOVE_MM = 0.4  # A flank is masked from this far above the pulse's plateau down to this far above 0 mV of the row.
_SAME_ROW_MM = 3.0  # Largest distance along y of a pulse's feet from its row's 0 mV level.


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
        No pixel is hidden if too few joints have upright ink, or too few have it at a common offset, for this ink to be bars.
    """
    from scipy.ndimage import grey_opening, map_coordinates

    hidden = np.zeros(ink.coverage.shape, dtype=bool)
    # Offsets from a joint in mm, half a pixel of the picture apart. So `heights` and `tallest` below are in units of half a pixel.
    across = np.arange(-_ASIDE_MM, _ASIDE_MM, 0.5 / warp.scale)
    down = np.arange(-_DOWN_MM, _DOWN_MM, 0.5 / warp.scale)
    patches = [np.stack(np.meshgrid(x + across, y + down), axis=-1) for x, y in _joints(rows)]  # Page points around every joint.
    if len(patches) < _LEAST_JOINTS:
        return hidden
    pixels = [warp.forward(points.reshape(-1, 2)).T[::-1] for points in patches]
    shown = [map_coordinates(ink.coverage, at, order=1, mode="constant").reshape(len(down), len(across)) for at in pixels]
    upright = [grey_opening(coverage, size=(round(_LEAST_MM * 2 * warp.scale), 1)) > _INK for coverage in shown]
    heights = np.array([mask.sum(axis=0) for mask in upright])
    tallest = heights.max(axis=1)
    standing = tallest > 0
    if standing.sum() < max(_LEAST_JOINTS, _JOINTS_SHARE * len(patches)):
        return hidden
    usual = float(np.median(tallest[standing]))
    # The columns of a patch that a bar fills; they are the same for all joints.
    barred = (heights > _HIGH * usual).mean(axis=0) >= _JOINTS_SHARE
    if not barred.any():
        return hidden
    for points, mask in zip(patches, upright, strict=True):
        inked = mask[:, barred].mean(axis=1) > _INK  # Rows of the patch in which more than half of the bar's columns have ink.
        if inked.sum() > _HIGH * usual:
            _hide_bar(hidden, points, inked, barred, warp)
    return hidden


def behind_pulses(rows: PageSegments, warp: PageWarp, ink: PictureInk, pulses: Sequence[Pulse]) -> np.ndarray:
    """The mask of pixels that are hidden by the flanks of pulses that run into the ends of segments.

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
        # Page x of the first and of the last sample.
        ends = segment.x_mm, segment.x_mm + (segment.stop - 1 - segment.start) * step
        for pulse in (pulse for pulse in pulses if abs(pulse.foot_mm - segment.baseline_mm) < _SAME_ROW_MM):
            # The left end of a segment may touch a pulse's right flank, and the right end a pulse's left flank.
            for end, flank in zip(ends, (pulse.fall_mm, pulse.fall_mm - pulse.width_mm), strict=True):
                if abs(end - flank) < _GLUED_MM:
                    left, right = flank - _FLANK_MM - edge, flank + _FLANK_MM + edge
                    top, bottom = pulse.top_mm - _ABOVE_MM, segment.baseline_mm - _ABOVE_MM
                    corners = warp.forward(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
                    hidden[polygon(corners[:, 1], corners[:, 0], hidden.shape)] = True
    return hidden


def _joints(rows: PageSegments) -> Iterator[tuple[float, float]]:
    """The joints of a page in mm: page x in the middle of the gap between two columns, and page y of their row's 0 mV level."""
    step = rows.speed_mm_s / rows.fs
    for before, after in zip(rows.segments[:-1], rows.segments[1:], strict=True):
        end = before.x_mm + (before.stop - 1 - before.start) * step
        if before.row == after.row and abs(after.x_mm - end) < _MEET_MM:
            yield (end + after.x_mm) / 2, (before.baseline_mm + after.baseline_mm) / 2


def _hide_bar(hidden: np.ndarray, points: np.ndarray, inked: np.ndarray, barred: np.ndarray, warp: PageWarp) -> None:
    """Add one bar with its soft edge to the mask `hidden`.

    `points` (rows, columns, 2) are the page points of a patch, `inked` (rows,) and `barred` (columns,) the bar's rows and columns in it.
    """
    from skimage.draw import polygon

    edge = _EDGE_PX / warp.scale
    first_row, last_row = np.flatnonzero(inked)[[0, -1]]
    first_column, last_column = np.flatnonzero(barred)[[0, -1]]
    left, top = points[first_row, first_column] - edge
    right, bottom = points[last_row, last_column] + edge
    corners = warp.forward(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
    hidden[polygon(corners[:, 1], corners[:, 0], hidden.shape)] = True
