"""Correct the 0 mV levels of rows from the names of leads: programs and machines print all of them at one height relative to 0 mV.

That height is taken from rows with a calibration pulse, or else from all rows. The level of a trace itself is its mean, in records that
were high-pass filtered, or its median, in records that keep a steady voltage. Names decide between the two: beats shift the mean by a
different amount in each row, and do not move names.

The names of rhythm strips often stand at another height. A strip takes its level from the column with the same lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fastecg.digitizing.checks import similarity, simultaneous
from fastecg.digitizing.judge import LaidOutPage, on_page_segments
from fastecg.digitizing.layout import SegmentReading

_ASIDE_MM = 20.0  # Largest distance along the row from where a lead begins to its name.
_AWAY_MM = 30.0  # Largest distance up or down from a lead to its name.
_SURE = 0.6  # A name counts if its confidence (0 to 1) is larger than this.
_ROWS = 3  # Least number of rows with names.
_SAME_MM = 0.25  # Largest median deviation of names from their common height.
_MOST_MM = 2.5  # Largest correction.
_MOST_BY_PULSES_MM = 12.0  # The same if rows with pulses give the names' height: records may keep a steady millivolt.
_NAME_SD_MM = 0.11  # Standard deviation of a name's height as the network detects it.
_CLEARLY = 0.8  # Medians are used if the scatter of names about them is below this share of that about means.
_REPEATED = 0.9  # A rhythm strip repeats its column if their similarity (see `similarity`) is larger than this.
_LEAST_S = 1.0  # Shortest trace from which a level is estimated.


def levelled_by_names(page: LaidOutPage, drawn: Sequence[SegmentReading]) -> LaidOutPage:
    """The page with the 0 mV levels of rows without a pulse corrected from their names.

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
    moved = _moved_by_names(page, drawn)
    moved |= _strips_after(drawn, moved, page.rows.fs)
    if not moved:
        return page
    segments = tuple(replace(item, baseline_mm=moved.get(item.row, item.baseline_mm)) for item in page.rows.segments)
    return replace(page, rows=replace(page.rows, segments=segments))


def _moved_by_names(page: LaidOutPage, drawn: Sequence[SegmentReading]) -> dict[int, float]:
    """Corrected 0 mV level, page y, of each row of columns without a pulse; empty if names are not at a common height."""
    groups: dict[int, list[SegmentReading]] = {}
    for item in drawn:
        if not item.segment.rhythm:
            groups.setdefault(item.segment.row, []).append(item)
    level = {row: group[0].segment.baseline_mm for row, group in groups.items()}
    zero = {row: group[0].segment.zero for row, group in groups.items()}
    named = {row: height for row, group in sorted(groups.items()) if np.isfinite(height := _name_mm(page, group))}
    if len(named) < _ROWS or all(zero[row] == "pulse" for row in named):
        return {}
    own = _own_levels(named, level, zero, groups, page.rows.fs)
    pulsed = [named[row] - level[row] for row in named if zero[row] == "pulse"]
    misses = np.array([named[row] - own[row] for row in named if zero[row] != "pulse"])
    known, most = (np.array(pulsed), _MOST_BY_PULSES_MM) if len(pulsed) > 1 else (misses, _MOST_MM)
    under = float(np.median(known))
    off = float(np.sqrt(np.mean((misses - under) ** 2)))
    if float(np.median(np.abs(known - under))) > _SAME_MM or np.abs(misses - under).max() > most:
        return {}
    # Deviations combine the error of the names and that of the traces' levels.
    share = max(1.0 - (_NAME_SD_MM / max(off, 1e-9)) ** 2, 0.0)
    return {row: own[row] + share * (named[row] - under - own[row]) for row in named if zero[row] != "pulse"}


def _strips_after(drawn: Sequence[SegmentReading], moved: Mapping[int, float], fs: float) -> dict[int, float]:
    """0 mV level, page y by row, of rhythm strips without a pulse, such that each agrees with its column, if that one's level is known."""
    known = {**moved, **{item.segment.row: item.segment.baseline_mm for item in drawn if item.segment.zero == "pulse"}}
    columns = {item.segment.lead: item for item in drawn if not item.segment.rhythm and item.segment.row in known}
    out = {}
    for strip in (item for item in drawn if item.segment.rhythm and item.segment.zero != "pulse"):
        part = columns.get(strip.segment.lead)
        if part is None:
            continue
        there = replace(part, segment=replace(part.segment, baseline_mm=known[part.segment.row]))
        one, other = simultaneous([strip, there], fs)
        if similarity(one, other) > _REPEATED:
            higher_mv = float(np.nanmedian(one - other))
            out[strip.segment.row] = strip.segment.baseline_mm - higher_mv * strip.segment.gain_mm_mv
    return out


def _own_levels(
    named: dict[int, float], level: dict[int, float], zero: dict[int, str], groups: dict[int, list[SegmentReading]], fs: float
) -> dict[int, float]:
    """0 mV levels from the traces: the current levels, or medians if names then scatter clearly less."""
    mostly = dict(level)
    for row in named:
        heights = np.concatenate([item.y_mm for item in groups[row]])
        heights = heights[np.isfinite(heights)]
        if zero[row] != "pulse" and len(heights) > _LEAST_S * fs:
            mostly[row] = float(np.median(heights))
    by_mean, by_most = (float(np.std([named[row] - rule[row] for row in named])) for rule in (level, mostly))
    return mostly if by_most < _CLEARLY * by_mean and by_mean > 2 * _NAME_SD_MM else level


def _name_mm(page: LaidOutPage, group: Sequence[SegmentReading]) -> float:
    """The height of the names of a row's leads; NaN if none was read."""
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
