"""Correct the 0 mV levels of rows by the names of leads, which programs and machines print at one height relative to 0 mV.

This height is taken from the rows with a calibration pulse if there are at least two, or else from the rows without. Without a pulse, the
0 mV level of a row is estimated from its traces: it is their mean if the record was high-pass filtered, and about their median if it was
not. The names show which of the two it is: beats shift the mean by a different amount in each row, so if the mean is not at 0 mV, the
heights of the names above the mean differ from row to row.

The names of rhythm strips often stand at another height, so the level of a strip is taken from the column that shows the same lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fastecg.digitizing.checks import similarity, simultaneous
from fastecg.digitizing.judge import LaidOutPage, on_page_segments
from fastecg.digitizing.layout import SegmentReading

_ASIDE_MM = 20.0  # Largest distance along the row, to the left or right, from where a lead begins to its name.
_AWAY_MM = 30.0  # Largest distance up or down from the 0 mV line of a lead to its name.
_SURE = 0.6  # A name counts if its confidence (0 to 1) is larger than this.
_ROWS = 3  # Least number of rows with names.
_SAME_MM = 0.25  # Largest median deviation of names from their common height above 0 mV.
_MOST_MM = 2.5  # Largest correction. If a row needs more, no row is corrected by names.
_MOST_BY_PULSES_MM = 12.0  # `_MOST_MM` if rows with pulses give the height of names: records may have an offset of about 1 mV.
_NAME_SD_MM = 0.11  # Standard deviation of a name's height as the network detects it.
# The medians of traces are used instead of their means if the scatter of names' heights above the medians is less than this share of the
# scatter of their heights above the means.
_CLEARLY = 0.8
_REPEATED = 0.9  # A rhythm strip repeats a column if their similarity (see `checks.similarity`) is larger than this.
_LEAST_S = 1.0  # Shortest trace from which a level is estimated.


def levelled_by_names(page: LaidOutPage, drawn: Sequence[SegmentReading]) -> LaidOutPage:
    """The page with the 0 mV levels of rows without a calibration pulse corrected by the names of their leads.

    A page that a person has corrected stays as it is.

    Parameters
    ----------
    page : LaidOutPage
    drawn : sequence of SegmentReading
        Readings of the page's segments.

    Returns
    -------
    LaidOutPage
    """
    drawn = on_page_segments(page, drawn)
    if any(item.segment.zero == "page" for item in drawn):
        return page
    corrected = _levels_by_names(page, drawn)
    corrected |= _strip_levels(drawn, corrected, page.rows.fs)
    if not corrected:
        return page
    segments = tuple(replace(item, baseline_mm=corrected.get(item.row, item.baseline_mm)) for item in page.rows.segments)
    return replace(page, rows=replace(page.rows, segments=segments))


def _levels_by_names(page: LaidOutPage, drawn: Sequence[SegmentReading]) -> dict[int, float]:
    """Corrected 0 mV level (page y) by row, for rows other than rhythm strips that have names but no pulse.

    Empty if the names have no common height relative to 0 mV, fewer than three rows have names, or a correction would be too large.
    """
    groups: dict[int, list[SegmentReading]] = {}
    for item in drawn:
        if not item.segment.rhythm:
            groups.setdefault(item.segment.row, []).append(item)
    level = {row: group[0].segment.baseline_mm for row, group in groups.items()}
    zero = {row: group[0].segment.zero for row, group in groups.items()}
    named = {row: height for row, group in sorted(groups.items()) if np.isfinite(height := _name_mm(page, group))}
    if len(named) < _ROWS or all(zero[row] == "pulse" for row in named):
        return {}
    by_traces = _own_levels(named, level, zero, groups, page.rows.fs)
    # Heights of names relative to 0 mV, negative above it.
    pulsed = [named[row] - level[row] for row in named if zero[row] == "pulse"]
    unpulsed = np.array([named[row] - by_traces[row] for row in named if zero[row] != "pulse"])
    known, most = (np.array(pulsed), _MOST_BY_PULSES_MM) if len(pulsed) > 1 else (unpulsed, _MOST_MM)
    usual = float(np.median(known))
    scatter = float(np.sqrt(np.mean((unpulsed - usual) ** 2)))
    if float(np.median(np.abs(known - usual))) > _SAME_MM or np.abs(unpulsed - usual).max() > most:
        return {}
    # Names scatter because of errors of their own heights and of the 0 mV levels. Only the levels' share of the variance is corrected.
    share = max(1.0 - (_NAME_SD_MM / max(scatter, 1e-9)) ** 2, 0.0)
    return {row: by_traces[row] + share * (named[row] - usual - by_traces[row]) for row in named if zero[row] != "pulse"}


def _strip_levels(drawn: Sequence[SegmentReading], corrected: Mapping[int, float], fs: float) -> dict[int, float]:
    """0 mV level (page y) by row, for rhythm strips without a pulse: at this level a strip agrees with the column that shows the same lead.

    A strip is left out if no column shows its lead, if the 0 mV level of that column is known neither by a pulse nor by names, or if the
    column is not similar to the strip.
    """
    known = {**corrected, **{item.segment.row: item.segment.baseline_mm for item in drawn if item.segment.zero == "pulse"}}
    columns = {item.segment.lead: item for item in drawn if not item.segment.rhythm and item.segment.row in known}
    out = {}
    for strip in (item for item in drawn if item.segment.rhythm and item.segment.zero != "pulse"):
        column = columns.get(strip.segment.lead)
        if column is None:
            continue
        placed = replace(column, segment=replace(column.segment, baseline_mm=known[column.segment.row]))
        one, other = simultaneous([strip, placed], fs)
        if similarity(one, other) > _REPEATED:
            higher_mv = float(np.nanmedian(one - other))  # If the strip reads too high, its 0 mV line is too low on the page.
            out[strip.segment.row] = strip.segment.baseline_mm - higher_mv * strip.segment.gain_mm_mv
    return out


def _own_levels(
    named: dict[int, float], level: dict[int, float], zero: dict[int, str], groups: dict[int, list[SegmentReading]], fs: float
) -> dict[int, float]:
    """0 mV level (page y) of every row by its traces: the current level, or the median of the traces.

    Medians are used if the names' heights above them scatter clearly less than above the current levels, and the latter scatter is more
    than twice the error of a name. Rows with a pulse or with at most 1 s of trace always keep their level.
    """
    medians = dict(level)
    for row in named:
        heights = np.concatenate([item.y_mm for item in groups[row]])
        heights = heights[np.isfinite(heights)]
        if zero[row] != "pulse" and len(heights) > _LEAST_S * fs:
            medians[row] = float(np.median(heights))
    above_levels, above_medians = (float(np.std([named[row] - levels[row] for row in named])) for levels in (level, medians))
    return medians if above_medians < _CLEARLY * above_levels and above_levels > 2 * _NAME_SD_MM else level


def _name_mm(page: LaidOutPage, group: Sequence[SegmentReading]) -> float:
    """Median page y of the names of a row's leads; NaN if none is found.

    For each lead, its name that is closest to its 0 mV line counts, if it is near this line and near where the lead begins.
    """
    heights = []
    for item in group:
        beside = [
            name.y_mm
            for name in page.analysis.names
            if name.lead == item.segment.lead
            and name.sure > _SURE
            and abs(name.x_mm - item.segment.x_mm) < _ASIDE_MM
            and abs(name.y_mm - item.segment.baseline_mm) < _AWAY_MM
        ]
        if beside:
            heights.append(beside[int(np.argmin(np.abs(np.array(beside) - item.segment.baseline_mm)))])
    return float(np.median(heights)) if heights else np.nan
