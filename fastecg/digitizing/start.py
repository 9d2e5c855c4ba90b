"""Locate the start of time to some hundredths of a mm in the picture's own ink, by the ends of rows and by the bars between columns.

A row is sufficient if no calibration pulse touches its ends, because the cap, the ink beyond the first and last sample, lengthens both ends
equally. If a pulse touches one end, the cap has to be known. It is half the width of the pen if lines end in squares, and 0 if they end at
the last sample. Bars show which of the two is right. As programs draw upright lines on whole pixels, a bar gives the start to a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis
from fastecg.digitizing.assign import LayoutMatch
from fastecg.digitizing.bars import REACH_MM, Bar, agreed_bars, find_bars
from fastecg.digitizing.coarse import Strip
from fastecg.digitizing.follow import StraightPage, TracePath, ends_near, pen_mm
from fastecg.digitizing.pulses import Pulse, runs_into
from fastecg.digitizing.snapping import odd_pixels
from fastecg.digitizing.time_axis import CAP_PENS, INK_ENDS, End, TimeAxis, agreement, row_length_mm
from fastecg.digitizing.tracks import track_ends

_THICKEST_MM = 0.42  # Largest width of the pens of ECGs. Blur and noise may make them look wider.
_MOST_CAPS = 1.5  # Largest cap that is accepted from the lengths of rows, as a multiple of the cap by the apparent width of the pen.
_SAME_CAP_MM = 0.03  # Tolerance of caps that agree.
_NEAR_START_MM = 0.45  # Largest distance of an end in the picture's ink from the expected one.
_SAME_END_MM = 0.06  # Tolerance of ends that agree.
# Length of the cap in pen widths, and its probability, for square caps (as of matplotlib), for square caps of a pen whose width is
# overestimated because of noise, and for butt caps.
_CAPS = ((0.5, 0.5), (0.35, 0.25), (0.0, 0.25))
# Standard deviation of a start that neither bars nor ends show, or only ends whose cap is derived from the pen's apparent width.
_ALONE_SD_MM = 0.06
_END_SD_MM = 0.045  # Standard deviation of the position of ends if their cap is known.
_BAR_SD_MM = 0.02  # Standard deviation of the position of bars, apart from their rounding to pixels.
_ASIDE_MM = 0.4  # If bars are farther than this from where they are expected, they are looked for again around where they were found.
_MOST_OFF_MM = 0.5  # Largest distance of possible starts from the start by the ends.
_STEP_MM = 0.004  # Step between possible starts.


@dataclass(frozen=True)
class _Ends:
    """The start of time by the ends of rows, for a given cap.

    Attributes
    ----------
    start_mm : float
        Page x of the start.
    cap_mm, pen_mm : float
        Cap with which the start was computed, and apparent width of the pen.
    way : int
        Derivative of the start with respect to the cap: 1 if it was computed from left ends, -1 if from right ends, 0 if from both, so that
        the cap cancels. It is also -1 if both were used, but ends touched by pulses leave too few of one side.
    by_pen : bool
        Whether the cap was derived from the width of the pen alone.
    """

    start_mm: float
    cap_mm: float
    pen_mm: float
    way: int
    by_pen: bool


def refine_start(
    axis: TimeAxis,
    analysis: PageAnalysis,
    match: LayoutMatch,
    straight: StraightPage,
    paths: Sequence[TracePath | None],
    pulses: Sequence[Pulse],
    fs: float,
) -> TimeAxis:
    """Refine the start of a time axis by the picture's own ink, whose ends are sharper than those in the map of the network.

    With gaps between columns, the distance of columns is refined, too. Without ends and bars, only the standard deviation is changed.
    """
    assert straight.shown is not None
    if axis.has_gaps and (found := _from_columns(axis, match, straight.shown, paths, pulses, fs)) is not None:
        return found
    beyond = all(all(analysis.tracks[track].cut) for track in match.tracks if track is not None)  # Every row continues beyond the picture.
    ends = None if beyond else _from_ends(axis, match, straight.shown, paths, pulses, fs)
    if ends is not None:
        axis = replace(axis, start_mm=ends.start_mm)
        if ends.way == 0 or axis.has_gaps:  # Bars may stand anywhere in gaps.
            return axis
    columns = len(match.layout.columns)
    bars = agreed_bars(find_bars(axis, analysis, match, straight), columns)
    aside = float(np.median([bar.off_mm for column in bars for bar in column])) if bars else 0.0
    if ends is None and abs(aside) > _ASIDE_MM:  # Bars at the limit of the search are seen only in part.
        there = replace(axis, start_mm=axis.start_mm + aside)
        again = agreed_bars(find_bars(there, analysis, match, straight), columns)
        axis, bars = (there, again) if again else (axis, bars)
    if not bars:
        return axis if ends is not None and not ends.by_pen else replace(axis, start_sd_mm=_ALONE_SD_MM)
    pixel = analysis.layers.zoom / analysis.warp.scale
    return replace(axis, start_mm=axis.start_mm + _posterior_correction(ends, bars, pixel, axis.speed_mm_s / fs))


def _from_columns(
    axis: TimeAxis, match: LayoutMatch, strip: Strip, paths: Sequence[TracePath | None], pulses: Sequence[Pulse], fs: float
) -> TimeAxis | None:
    """The time axis with start and distance of columns by the ends of columns at the gaps between them.

    None if too few ends are free, or they do not fit one start, one distance and a possible cap.

    Ink begins one cap before the first sample of a column, and ends one cap after its last. As functions of the column's number, these
    positions are two parallel straight lines, and their distance gives the cap.
    """
    columns = len(match.layout.columns)
    length = (axis.shown_s - 1.0 / fs) * axis.speed_mm_s
    sought = [(column, way, length if way > 0 else 0.0) for column in range(columns) for way in (-1, 1)]
    expected = [(axis.start_mm + column * axis.pitch_mm + from_first_mm, way) for column, way, from_first_mm in sought]
    ends = [ends_near(strip, row, expected) for row in paths[: match.strips] if row is not None]
    equations, measured_mm = [], []
    for (column, way, from_first_mm), (x, _), *found in zip(sought, expected, *ends, strict=True):
        near = np.array([end for end in found if end is not None and abs(end - x) < _NEAR_START_MM and not runs_into(end, pulses)])
        if near.size and (np.abs(near - np.median(near)) < _SAME_END_MM).mean() >= 0.5:
            equations.append((1.0, column, way))
            measured_mm.append(float(np.median(near)) - from_first_mm)
    sides = [sum(way == side for _, _, way in equations) for side in (-1, 1)]
    if min(sides) == 0 or max(sides) < 2:
        return None
    # Each end is at start + column * pitch + way * cap, apart from the length of the column for right ends.
    start, pitch, cap = np.linalg.lstsq(np.array(equations), np.array(measured_mm), rcond=None)[0]
    residuals = np.abs(np.array(equations) @ (start, pitch, cap) - measured_mm)
    if not -_SAME_CAP_MM < cap < _THICKEST_MM or residuals.max() > _SAME_END_MM:
        return None
    return replace(axis, start_mm=float(start), pitch_mm=float(pitch))


def _posterior_correction(ends: _Ends | None, bars: Sequence[Sequence[Bar]], pixel_mm: float, step_mm: float) -> float:
    """Posterior mean in mm of what is added to the start of time, given the bars of each column and, if there are any, the ends.

    A bar is drawn between the last sample of a column and the first of the next, at whole pixels. The bars of every column are rounded
    separately, so that several columns together determine the start to less than a pixel. `step_mm` is the distance of samples.
    """
    from scipy.special import ndtr

    most = _MOST_OFF_MM if ends is not None else REACH_MM
    off = np.arange(-most, most, _STEP_MM)
    likely = np.full(len(off), 1e-6)  # No start is impossible, so that bars count even if they contradict the ends.
    if ends is not None:
        for pen_widths, prior in _CAPS:
            expected = ends.way * (pen_widths * ends.pen_mm - ends.cap_mm)
            likely += prior * np.exp(-0.5 * ((off - expected) / _END_SD_MM) ** 2)
    late = 0.5 * pixel_mm if odd_pixels([bar.pixel_phase for column in bars for bar in column]) else 0.0
    for column in bars:
        at = float(np.median([bar.off_mm for bar in column])) - late
        # The start is at most half a pixel before its bar, and at most half a pixel and one sample after it.
        earliest, latest = at - 0.5 * pixel_mm, at + 0.5 * pixel_mm + step_mm
        likely *= ndtr((off - earliest) / _BAR_SD_MM) - ndtr((off - latest) / _BAR_SD_MM) + 1e-3
    return float(np.average(off, weights=likely))


def _from_ends(
    axis: TimeAxis, match: LayoutMatch, strip: Strip, paths: Sequence[TracePath | None], pulses: Sequence[Pulse], fs: float
) -> _Ends | None:
    """Start of time by the ends of rows in the picture's own ink; None if no end suggests a start close to that of the axis."""
    spans = {k: span for k, row in enumerate(paths) if row is not None and (span := track_ends(strip, row, INK_ENDS)) is not None}
    columns = len(match.layout.columns)
    lengths = {k: row_length_mm(axis, columns, k >= match.strips, 1.0 / fs) for k in spans}
    pen = min((pen_mm(strip, row) for row in paths if row is not None), default=0.0)
    pen = min(pen, _THICKEST_MM)  # Blur and noise make the pen seem wider.
    cap = CAP_PENS * pen
    # How far ink extends beyond either end of the rows that no pulse touches.
    excess_mm = [(span[1] - span[0] - lengths[k]) / 2 for k, span in spans.items() if not any(runs_into(x, pulses) for x in span)]
    caps = np.array([half_mm for half_mm in excess_mm if -_SAME_CAP_MM < half_mm < _MOST_CAPS * cap])
    same = [caps[np.abs(caps - half_mm) < _SAME_CAP_MM] for half_mm in caps]
    agreed = max(same, key=len, default=caps)
    by_pen = len(agreed) < max(2, len(excess_mm) / 2)
    if not by_pen:
        cap = max(float(np.median(agreed)), 0.0)
    ends = [
        End(x + way * cap - axis.start_mm - length, "touched" if runs_into(x, pulses) else kind)
        for k, span in spans.items()
        for kind, way, x, length in (("left", 1, span[0], 0.0), ("right", -1, span[1], lengths[k]))
    ]
    near = [end for end in ends if abs(end.x_mm) < _NEAR_START_MM]
    if not near:
        return None
    # The largest group of agreeing ends counts; a side counts if it has at least half as many of them as the other.
    groups = [[end for end in near if abs(end.x_mm - other.x_mm) < _SAME_END_MM] for other in near]
    best = max(groups, key=agreement)
    sides = [[end.x_mm for end in best if end.side == side] for side in (0, 1)]
    most = max(map(len, sides))
    starts = [(1 - 2 * side, np.median(found)) for side, found in enumerate(sides) if 2 * len(found) >= most]
    # An error of the cap shifts both sides in opposite directions, so it cancels in their mean.
    start = axis.start_mm + float(np.mean([median for _, median in starts]))
    both = all(sum(end.kind == kind for end in best) >= max(2, most / 2) for kind in ("left", "right"))
    way = 0 if both else starts[0][0] if len(starts) == 1 else -1
    return _Ends(start, cap, pen, way, by_pen)
