"""Locate the start of time to some hundredths of a mm in the picture's own ink, by the ends of rows and by the bars between columns.

The cap, the ink beyond the first and last sample, lengthens a row equally at both ends. So a row shows the start if no calibration pulse
touches its ends. If a pulse touches one end, the cap has to be known. The cap is half the width of the pen if lines end in squares, and 0
if they end at the last sample. Bars show which of the two is right. Many programs draw upright lines on whole pixels, so that a single bar
gives the start to a pixel; then the bars of different columns are rounded differently. Bars that agree closely were not rounded.
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
from fastecg.digitizing.snapping import odd_width
from fastecg.digitizing.time_axis import CAP_PENS, INK_ENDS, End, TimeAxis, agreement, row_length_mm
from fastecg.digitizing.tracks import track_ends

_THICKEST_MM = 0.42  # Largest width of the pens of ECGs. Blur and noise may make them look wider.
_MOST_CAPS = 1.5  # Largest cap that is accepted from the lengths of rows, as a multiple of the cap by the apparent width of the pen.
_SAME_CAP_MM = 0.03  # Two caps agree if they differ by less than this. A cap of 0 may seem negative by up to this.
_NEAR_START_MM = 0.45  # Largest distance of an end in the picture's ink from the expected one.
_SAME_END_MM = 0.06  # Ends agree if they differ by less than this.
# Length of the cap in pen widths, and its prior probability: for square caps (as of matplotlib), for square caps of a pen whose width is
# overestimated because of noise, and for butt caps.
_CAPS = ((0.5, 0.5), (0.35, 0.25), (0.0, 0.25))
# Standard deviation of the start if there are no bars, and no ends or only ends whose cap is derived from the pen's apparent width.
_ALONE_SD_MM = 0.06
_END_SD_MM = 0.045  # Standard deviation of the position of ends if their cap is known.
_BAR_SD_MM = 0.02  # Standard deviation of the position of bars, apart from their rounding to pixels.
_ROUNDED = 0.5  # Prior probability that bars were drawn on whole pixels.
_ON_FIRST = 0.5  # Prior probability that a bar that was not rounded is at the first sample of its column, and not anywhere before it.
_STRAY_BAR = 1e-3  # Probability, per column, that its bars are wrong; they are then anywhere within `REACH_MM`.
# For each column whose bars all have the position within a pixel that lines on whole pixels have, this multiplies the odds that bars were
# drawn on whole pixels, because other bars have this position by chance in a third of the cases.
_IN_PHASE = 3.0
_LEAST_START_SD_MM = 0.02  # Standard deviation of a start that is known as well as bars may tell it.
# Without ends, bars that are farther than this from where they are expected are looked for again around the place where they were found.
_ASIDE_MM = 0.4
_MOST_OFF_MM = 0.5  # Largest distance of possible starts, to the left or right, from the start by the ends.
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
        Derivative of the start with respect to the cap: 1 if the start was computed from left ends, -1 if from right ends, 0 if from both,
        so that the cap cancels. Also -1 if both sides were used, but one has too few ends that no pulse touches.
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

    With gaps between columns, the distance of columns is refined, too. Without ends and bars, only the standard deviation of the start is
    changed.
    """
    assert straight.shown is not None
    if axis.has_gaps and (found := _from_columns(axis, match, straight.shown, paths, pulses, fs)) is not None:
        # Ends that are farther than some tenths of a mm from where they are expected are found only now, if at all.
        return _from_columns(found, match, straight.shown, paths, pulses, fs) or found
    # Whether every row continues beyond the picture at both ends.
    beyond = all(all(analysis.tracks[track].cut) for track in match.tracks if track is not None)
    ends = None if beyond else _from_ends(axis, match, straight.shown, paths, pulses, fs)
    if ends is not None:
        axis = replace(axis, start_mm=ends.start_mm)
        if ends.way == 0 or axis.has_gaps:  # In gaps, bars may stand anywhere, so that they do not show the start.
            return axis
    columns = len(match.layout.columns)
    bars = agreed_bars(find_bars(axis, analysis, match, straight), columns)
    aside_mm = float(np.median([bar.off_mm for column in bars for bar in column])) if bars else 0.0
    if ends is None and abs(aside_mm) > _ASIDE_MM:  # At the limit of the search, bars are seen only in part.
        shifted = replace(axis, start_mm=axis.start_mm + aside_mm)
        found_again = agreed_bars(find_bars(shifted, analysis, match, straight), columns)
        axis, bars = (shifted, found_again) if found_again else (axis, bars)
    if not bars:
        return axis if ends is not None and not ends.by_pen else replace(axis, start_sd_mm=_ALONE_SD_MM)
    pixel_mm = analysis.layers.zoom / analysis.warp.scale
    correction, sd = _posterior_correction(ends, bars, pixel_mm, axis.speed_mm_s / fs)
    return replace(axis, start_mm=axis.start_mm + correction, start_sd_mm=float(np.clip(sd, _LEAST_START_SD_MM, axis.start_sd_mm)))


def _from_columns(
    axis: TimeAxis, match: LayoutMatch, strip: Strip, paths: Sequence[TracePath | None], pulses: Sequence[Pulse], fs: float
) -> TimeAxis | None:
    """The time axis with start and distance of columns by the ends of columns at the gaps between them.

    None if too few ends are found that no pulse touches, or if they do not fit one start, one distance and a possible cap.

    Ink begins one cap before the first sample of a column, and ends one cap after its last. As functions of the column's number, the two
    positions are parallel straight lines, whose distance gives the cap.
    """
    columns = len(match.layout.columns)
    length = (axis.shown_s - 1.0 / fs) * axis.speed_mm_s
    # For the left (-1) and right (1) end of every column: the distance in mm of the sample at this end from the column's first sample, and
    # the page x at which this sample is expected.
    sought = [(column, way, length if way > 0 else 0.0) for column in range(columns) for way in (-1, 1)]
    expected = [(axis.start_mm + column * axis.pitch_mm + from_first_mm, way) for column, way, from_first_mm in sought]
    ends = [ends_near(strip, row, expected) for row in paths[: match.strips] if row is not None]
    equations, measured_mm = [], []
    for (column, way, from_first_mm), (x, _), *found in zip(sought, expected, *ends, strict=True):
        near = np.array([end for end in found if end is not None and abs(end - x) < _NEAR_START_MM and not runs_into(end, pulses)])
        # The ends of the rows count together, as their median, if at least half of them agree.
        if near.size and (np.abs(near - np.median(near)) < _SAME_END_MM).mean() >= 0.5:
            equations.append((1.0, column, way))
            measured_mm.append(float(np.median(near)) - from_first_mm)
    sides = [sum(way == side for _, _, way in equations) for side in (-1, 1)]
    if min(sides) == 0 or max(sides) < 2:
        return None
    # After this distance is subtracted, each end is at start + column * pitch + way * cap.
    start, pitch, cap = np.linalg.lstsq(np.array(equations), np.array(measured_mm), rcond=None)[0]
    residuals = np.abs(np.array(equations) @ (start, pitch, cap) - measured_mm)
    if not -_SAME_CAP_MM < cap < _THICKEST_MM or residuals.max() > _SAME_END_MM:
        return None
    return replace(axis, start_mm=float(start), pitch_mm=float(pitch))


def _posterior_correction(ends: _Ends | None, bars: Sequence[Sequence[Bar]], pixel_mm: float, step_mm: float) -> tuple[float, float]:
    """The correction of the start of time, mm to the right, given the bars of each column, and the ends if any.

    A bar is drawn between the last sample of a column and the first of the next. `step_mm` is the distance of samples.

    Returns
    -------
    mean, sd : float
        Mean and standard deviation of the posterior distribution.
    """
    most = _MOST_OFF_MM if ends is not None else REACH_MM
    correction = np.arange(-most, most, _STEP_MM)
    # `likely` is the density over corrections, apart from a factor. It is nowhere 0, so that bars count even if they contradict the ends.
    likely = np.full(len(correction), 1e-6)
    if ends is not None:
        for pen_widths, prior in _CAPS:
            expected = ends.way * (pen_widths * ends.pen_mm - ends.cap_mm)
            likely += prior * np.exp(-0.5 * ((correction - expected) / _END_SD_MM) ** 2)
    phases = [bar.pixel_phase for column in bars for bar in column]
    odd = odd_width(phases)
    in_phase = (odd or odd_width([(phase + 0.5) % 1.0 for phase in phases])) and not np.isnan(phases).any()
    # Lines an odd number of pixels wide are drawn half a pixel too far right.
    bars_mm = [float(np.median([bar.off_mm for bar in column])) for column in bars]
    rounded = _of_rounded_bars(correction, [bar_mm - 0.5 * pixel_mm * odd for bar_mm in bars_mm], pixel_mm, step_mm)
    exact = _of_exact_bars(correction, bars_mm, step_mm)
    likely *= _ROUNDED * (_IN_PHASE ** len(bars) if in_phase else 1.0) * rounded + (1.0 - _ROUNDED) * exact
    mean = float(np.average(correction, weights=likely))
    return mean, float(np.sqrt(np.average((correction - mean) ** 2, weights=likely)))


def _of_rounded_bars(start_mm: np.ndarray, bars_mm: Sequence[float], pixel_mm: float, step_mm: float) -> np.ndarray:
    """Probability density of the bars, one position for each column, for each of the starts, if bars were drawn on whole pixels.

    The bars of every column are rounded separately, so that several columns together determine the start to less than a pixel.
    """
    from scipy.special import ndtr

    out = np.ones(len(start_mm))
    for bar_mm in bars_mm:
        # The column begins at most half a pixel before its bar, and at most half a pixel and one sample after it.
        earliest, latest = bar_mm - 0.5 * pixel_mm, bar_mm + 0.5 * pixel_mm + step_mm
        within = ndtr((start_mm - earliest) / _BAR_SD_MM) - ndtr((start_mm - latest) / _BAR_SD_MM)
        out *= (1.0 - _STRAY_BAR) * within / (latest - earliest) + _STRAY_BAR / (2.0 * REACH_MM)
    return out


def _of_exact_bars(start_mm: np.ndarray, bars_mm: Sequence[float], step_mm: float) -> np.ndarray:
    """The same as `_of_rounded_bars`, if the bars were not rounded: all are equally far from the first sample of their column."""
    before_mm = np.append(0.0, np.linspace(0.0, step_mm, 6))  # Distances from bar to first sample, and their probabilities.
    shares = np.append(_ON_FIRST, np.full(6, (1.0 - _ON_FIRST) / 6))
    out = np.zeros(len(start_mm))
    for distance, share in zip(before_mm, shares, strict=True):
        of_all = np.ones(len(start_mm))
        for bar_mm in bars_mm:
            density = np.exp(-0.5 * ((start_mm - bar_mm - distance) / _BAR_SD_MM) ** 2) / (_BAR_SD_MM * np.sqrt(2.0 * np.pi))
            of_all *= (1.0 - _STRAY_BAR) * density + _STRAY_BAR / (2.0 * REACH_MM)
        out += share * of_all
    return out


def _from_ends(
    axis: TimeAxis, match: LayoutMatch, strip: Strip, paths: Sequence[TracePath | None], pulses: Sequence[Pulse], fs: float
) -> _Ends | None:
    """The start of time by the ends of rows in the picture's own ink; None if no end suggests a start close to that of the axis."""
    spans = {k: span for k, row in enumerate(paths) if row is not None and (span := track_ends(strip, row, INK_ENDS)) is not None}
    columns = len(match.layout.columns)
    lengths = {k: row_length_mm(axis, columns, k >= match.strips, 1.0 / fs) for k in spans}
    pen = min((pen_mm(strip, row) for row in paths if row is not None), default=0.0)
    pen = min(pen, _THICKEST_MM)  # Blur and noise make the pen seem wider.
    cap = CAP_PENS * pen
    # How far ink extends beyond either end of each row that no pulse touches. Of these possible caps, the largest group that agrees counts.
    excess_mm = [(span[1] - span[0] - lengths[k]) / 2 for k, span in spans.items() if not any(runs_into(x, pulses) for x in span)]
    caps = np.array([half_mm for half_mm in excess_mm if -_SAME_CAP_MM < half_mm < _MOST_CAPS * cap])
    same = [caps[np.abs(caps - half_mm) < _SAME_CAP_MM] for half_mm in caps]
    agreed = max(same, key=len, default=caps)
    # The pen's width gives the cap if fewer than two rows, or fewer than half of them, agree.
    by_pen = len(agreed) < max(2, len(excess_mm) / 2)
    if not by_pen:
        cap = max(float(np.median(agreed)), 0.0)
    ends = [  # The starts of time that these ends suggest are relative to that of the axis.
        End(x + way * cap - axis.start_mm - length, "touched" if runs_into(x, pulses) else kind)
        for k, span in spans.items()
        for kind, way, x, length in (("left", 1, span[0], 0.0), ("right", -1, span[1], lengths[k]))
    ]
    near = [end for end in ends if abs(end.x_mm) < _NEAR_START_MM]
    if not near:
        return None
    # The group of agreeing ends with the most votes counts. In it, a side counts if it has at least half as many ends as the other side.
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
