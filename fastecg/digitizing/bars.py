"""Find the bars between columns of leads, which mark where columns begin. Each bar is found on its own, as upright ink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis
from fastecg.digitizing.assign import LayoutMatch
from fastecg.digitizing.coarse import Strip
from fastecg.digitizing.follow import StraightPage
from fastecg.digitizing.snapping import pixel_phase
from fastecg.kernels.runs import runs_of

if TYPE_CHECKING:
    from fastecg.digitizing.time_axis import TimeAxis

#: Bars are looked for up to this far left and right of where two columns meet.
REACH_MM = 1.0
_GRIDLESS_REACH_MM = 2.0  # `REACH_MM` on a page without a grid, whose millimetres are less certain.
_ABOVE_MM = 6.0  # Bars are looked for up to this far above the row's level.
_BELOW_MM = 4.0  # Bars are looked for up to this far below the row's level.
_LEAST_MM = 1.5  # Minimum length along y of the upright ink of a solid bar.
_DASH_GAP_MM = 1.3  # Largest gap between the dashes of a bar.
_LEAST_DASHED_MM = 4.0  # Minimum length of a dashed bar: letters are shorter.
_WRITTEN = 0.3  # Ink may belong to a bar only where the network takes it for writing: where that map (0 to 1) is larger than this.
_LEAST_FOR_FRAME = 5  # Minimum number of bars for estimating the scale and the tilt of a page.
_ROUNDS = 3  # Number of fits of scale and tilt, each without the outliers of the fit before.
_SAME_MM = 0.06  # Two bars agree if their `off_mm` differ by less than this. Bars that are outliers differ from the fit by at least this.
_LEAST_BARS = 3  # Minimum number of bars on a page for them to be used.


@dataclass(frozen=True)
class Bar:
    """A bar between two columns.

    Attributes
    ----------
    column : int
        The column that begins at the bar.
    y_mm : float
        Page y of the row's level at the bar.
    off_mm : float
        How far the bar's centre line is to the right of the expected beginning of the column; below 0 to the left.
    pixel_phase : float
        Position of the centre line within a pixel of the picture: 0 on the left border of a pixel, 0.5 in its middle, below 1; NaN if the
        bar is not parallel to the picture's columns.
    """

    column: int
    y_mm: float
    off_mm: float
    pixel_phase: float = 0.0


def find_bars(axis: TimeAxis, analysis: PageAnalysis, match: LayoutMatch, straight: StraightPage, reach_mm: float = REACH_MM) -> list[Bar]:
    """Find bars between columns: upright ink that the network takes for writing.

    Parameters
    ----------
    axis : TimeAxis
    analysis : PageAnalysis
    match : LayoutMatch
    straight : StraightPage
        Without the picture's own ink, no bar is found.
    reach_mm : float
        Bars are looked for up to this far left and right of where a column begins.

    Returns
    -------
    list of Bar
        At most one for every row of columns that has a track, and every column after the first.
    """
    from scipy.ndimage import grey_closing, grey_opening

    ink = straight.ink
    if ink is None:
        return []
    found = []
    for track in (track for track in match.tracks[: match.strips] if track is not None):
        for column in range(1, len(match.layout.columns)):
            x = axis.start_mm + column * axis.pitch_mm
            y = float(analysis.tracks[track].level_at(np.array([x]))[0])
            # Written ink around the place where the bar is expected, in steps of 1 px along y and half a pixel along x.
            patch_x = x + np.arange(-reach_mm, reach_mm + 1e-9, 1.0 / ink.scale / 2)
            patch_y = y + np.arange(-_ABOVE_MM, _BELOW_MM, 1.0 / ink.scale)
            patch = _ink_at(ink, patch_x, patch_y) * (_ink_at(straight.written, patch_x, patch_y) > _WRITTEN)
            # The height in mm of upright ink in every column of the patch: the opening removes ink that is too short. If no solid bar is
            # found, dashes are joined by a closing before a longer opening.
            height = grey_opening(patch, size=(round(_LEAST_MM * ink.scale), 1)).sum(axis=0) / ink.scale
            if height.max(initial=0.0) <= _LEAST_MM:
                joined = grey_closing(patch, size=(round(_DASH_GAP_MM * ink.scale), 1))
                height = grey_opening(joined, size=(round(_LEAST_DASHED_MM * ink.scale), 1)).sum(axis=0) / ink.scale
            if height.max(initial=0.0) > _LEAST_MM:
                tallest = int(np.argmax(height))  # The bar is the run of tall columns around this one; lower letters may stand beside it.
                first, stop = next(run for run in runs_of(height > 0.5 * height.max()).tolist() if run[0] <= tallest < run[1])
                middle = float(np.average(patch_x[first:stop], weights=height[first:stop]))
                ends = np.array([[middle, y - _LEAST_MM], [middle, y + _LEAST_MM]])
                found.append(Bar(column, y, middle - x, pixel_phase(ends, 0, analysis.warp, analysis.layers)))
    return found


def frame_of_bars(axis: TimeAxis, analysis: PageAnalysis, match: LayoutMatch, straight: StraightPage) -> tuple[float, float]:
    """Measure the scale and the tilt of a page by its bars.

    Returns
    -------
    stretch : float
        Ratio of the distance of columns to the assumed one; 1 if there are too few bars, or all of them are at one column or one height.
    fall : float
        Slope of the rows minus the assumed slope, mm per mm, positive if the rows fall more; 0 where `stretch` is 1 for these reasons.
    """
    bars = find_bars(axis, analysis, match, straight, _GRIDLESS_REACH_MM)
    if len({bar.column for bar in bars}) < 2 or len(bars) < _LEAST_FOR_FRAME:
        return 1.0, 0.0
    column, y, off = (np.array([getattr(bar, name) for bar in bars]) for name in ("column", "y_mm", "off_mm"))
    # An error of the scale shifts bars in proportion to x, and an error of the tilt in proportion to y: if rows fall more than assumed,
    # lower bars are shifted farther to the left.
    terms = np.column_stack([np.ones(len(bars)), column * axis.pitch_mm, y])
    kept = np.ones(len(bars), dtype=bool)
    for _ in range(_ROUNDS):
        fitted = np.linalg.lstsq(terms[kept], off[kept], rcond=None)[0]
        residuals = np.abs(terms @ fitted - off)
        kept = residuals < max(2.5 * float(np.median(residuals[kept])), _SAME_MM)
        if kept.sum() < _LEAST_FOR_FRAME or np.ptp(column[kept]) == 0 or np.ptp(y[kept]) == 0:
            return 1.0, 0.0
    return 1.0 + float(fitted[1]), -float(fitted[2])


def agreed_bars(bars: Sequence[Bar], columns: int) -> list[list[Bar]]:
    """The bars that agree on where their column begins, one list for each column that has such bars.

    At least two bars of a column, and at least half of its bars, have to agree. The list is empty if there are too few bars, or if bars
    agree at no more than half of the columns after the first. `columns` is the number of columns of the layout.
    """
    agreed = []
    for column in range(1, columns):
        own = [bar for bar in bars if bar.column == column]
        same = max(([bar for bar in own if abs(bar.off_mm - other.off_mm) < _SAME_MM] for other in own), key=len, default=[])
        if len(same) >= max(2, len(own) / 2):
            agreed.append(same)
    return agreed if len(bars) >= _LEAST_BARS and len(agreed) > (columns - 1) / 2 else []


def barred(axis: TimeAxis, analysis: PageAnalysis, match: LayoutMatch, straight: StraightPage) -> int:
    """Number of columns after the first whose bars agree. Bars are looked for where the columns begin on the time `axis`."""
    return len(agreed_bars(find_bars(axis, analysis, match, straight), len(match.layout.columns)))


def _ink_at(strip: Strip, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
    """Ink (rows, columns) of a strip at page x (columns,) and page y (rows,), interpolated linearly; 0 outside the strip."""
    from scipy.ndimage import map_coordinates

    points = np.meshgrid((y_mm - strip.top_mm) * strip.scale, (x_mm - strip.left_mm) * strip.scale, indexing="ij")
    return np.asarray(map_coordinates(strip.ink, points, order=1, mode="constant"))
