"""Adjust the 0 mV levels of rows jointly, from sums of limb leads that are drawn together and from strips that repeat a column.

A 0 mV level from a pulse that was drawn on whole pixels is uncertain by half a pixel, and one from the mean of a trace by about 0.15 mm.
A sum of three limb leads that is zero in theory is known as precisely as their ink. Levels of chest leads are corrected only in rows that
they share with limb leads, or if a rhythm strip repeats them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fastecg.digitizing.checks import SUMS, similarity, simultaneous
from fastecg.digitizing.judge import LaidOutPage, on_page_segments
from fastecg.digitizing.layout import SegmentReading

# Sums of leads that are zero: those of `SUMS` and two further ones. Together they express every limb lead through I and II.
_SUMS: Mapping[str, Mapping[str, float]] = {
    **SUMS,
    "avl": {"aVL": 2.0, "I": -1.0, "III": 1.0},
    "avf": {"aVF": 2.0, "II": -1.0, "III": -1.0},
}

# Standard deviation of a row's 0 mV level, mm, by what the level was taken from (`Segment.zero`). Rows whose level a person has set
# ("page") are not moved.
_SD_MM = {"pulse": 0.04, "isoelectric": 0.15, "strip": 0.12}
_SUM_SD_MV = 0.004  # Standard deviation of the median of a sum of leads that is zero in theory, if every lead was followed well.
_MOST_RESIDUAL = 0.35  # A sum is not used if its standard deviation is at least this share of the root of the sum of its leads' variances.
_SAME = 0.9  # A rhythm strip equals its column if their similarity (see `similarity`) is larger than this; their difference is then used.
_CENTRED = 0.15  # Pulses are centred on 0 mV if all sums show levels too low by half a pulse, each within this share of half a pulse.
_MOST_MM = 0.6  # If any row would be moved farther than this, none is moved.


def balanced(page: LaidOutPage, readings: Sequence[SegmentReading]) -> LaidOutPage:
    """Shift the 0 mV levels of rows to where sums of leads, rhythm strips and the previous levels agree best.

    If sums show that 0 mV is in the middle of the calibration pulses, the levels are moved there before.

    Parameters
    ----------
    page : LaidOutPage
    readings : sequence of SegmentReading
        Readings of the page's segments.

    Returns
    -------
    LaidOutPage
        The page with shifted levels. If no sum can be used, or a level would be shifted too far, levels are not shifted; those that were
        moved to the middle of pulses stay there.
    """
    page = _with_centred_pulses(page, on_page_segments(page, readings))
    readings = on_page_segments(page, readings)
    rows = sorted({item.segment.row for item in readings if item.segment.zero in _SD_MM})
    equations = [(sum_mv, parts) for sum_mv, parts in _zero_sums(readings, page.rows.fs) if all(item.segment.row in rows for item in parts)]
    if not equations:
        return page
    # Least squares for the shifts of the rows, mm: every sum becomes 0 as nearly as the uncertainty of the levels allows. A shift is
    # positive down the page, which increases the row's voltages (decreases those of leads drawn upside down, whose gain is negative).
    terms = np.zeros((len(equations), len(rows)))
    targets = np.zeros(len(equations))
    for k, (sum_mv, parts) in enumerate(equations):
        targets[k] = -sum_mv
        for item, factor in parts.items():
            terms[k, rows.index(item.segment.row)] += factor / item.segment.gain_mm_mv
    sd = np.array([_SD_MM[next(item.segment.zero for item in readings if item.segment.row == row)] for row in rows])
    matrix, right = np.vstack([terms / _SUM_SD_MV, np.diag(1.0 / sd)]), np.concatenate([targets / _SUM_SD_MV, np.zeros(len(rows))])
    shift = np.linalg.lstsq(matrix, right, rcond=None)[0]
    if np.abs(shift).max() > _MOST_MM:
        return page
    moved = dict(zip(rows, shift.tolist(), strict=True))
    segments = tuple(replace(item, baseline_mm=item.baseline_mm + moved.get(item.row, 0.0)) for item in page.rows.segments)
    return replace(page, rows=replace(page.rows, segments=segments))


def _with_centred_pulses(page: LaidOutPage, readings: Sequence[SegmentReading]) -> LaidOutPage:
    """Move 0 mV from the feet of the calibration pulses to their middle, if sums of leads show that it is there.

    Machines draw a pulse from 0 to 1 mV, but some programs from -0.5 to 0.5 mV. All levels are then half a pulse too low on the page, and
    most sums of limb leads are not zero. Levels are moved if there are at least two such sums and all of them show this error.
    """
    too_low_mm = []
    for sum_mv, parts in _zero_sums(readings, page.rows.fs):
        if all(item.segment.zero in ("pulse", "strip") for item in parts):
            # Change of the sum, mV, if all levels move down by 1 mm.
            weight = sum(factor / item.segment.gain_mm_mv for item, factor in parts.items())
            if abs(weight * page.gain_mm_mv) > 0.5:
                too_low_mm.append(sum_mv / weight)
    half_mm = 0.5 * page.gain_mm_mv
    if len(too_low_mm) < 2 or np.abs(np.array(too_low_mm) / half_mm - 1.0).max() > _CENTRED:
        return page
    segments = tuple(
        replace(item, baseline_mm=item.baseline_mm - half_mm) if item.zero in ("pulse", "strip") else item for item in page.rows.segments
    )
    flags = (*page.flags, "0 mV is taken to be in the middle of the calibration pulses, as sums of limb leads show")
    return replace(page, rows=replace(page.rows, segments=segments), flags=flags)


def _zero_sums(readings: Sequence[SegmentReading], fs: float) -> Iterator[tuple[float, dict[SegmentReading, float]]]:
    """Median in mV of every sum of leads that is zero in theory, and the readings of its leads with their factors.

    The difference of a rhythm strip and the column that it repeats is such a sum. Left out are sums with too large a standard deviation
    (see `_MOST_RESIDUAL`), and sums whose leads were not read together for long enough.
    """
    columns = {item.segment.lead: item for item in readings if not item.segment.rhythm}
    for factors in _SUMS.values():
        if set(factors) <= set(columns):
            parts = {columns[lead]: factor for lead, factor in factors.items()}
            found = _median_and_residual(parts, fs)
            if found is not None and found[1] < _MOST_RESIDUAL:
                yield found[0], parts
    for strip in (item for item in readings if item.segment.rhythm):
        part = columns.get(strip.segment.lead)
        if part is not None and similarity(*simultaneous([strip, part], fs)) > _SAME:
            parts = {strip: 1.0, part: -1.0}
            found = _median_and_residual(parts, fs)
            if found is not None:
                yield found[0], parts


def _median_and_residual(parts: Mapping[SegmentReading, float], fs: float) -> tuple[float, float] | None:
    """Median of a sum of leads, mV, and its standard deviation as a share of the root of the sum of its leads' variances.

    None if all leads were read together for less than 0.5 s, or if all are constant.
    """
    terms = np.array([factor * signal for signal, factor in zip(simultaneous(list(parts), fs), parts.values(), strict=True)])
    known = np.isfinite(terms).all(axis=0)
    if known.sum() < 0.5 * fs:
        return None
    total, spread = terms[:, known].sum(axis=0), float(np.sqrt(terms[:, known].var(axis=1).sum()))
    return (float(np.median(total)), float(total.std()) / spread) if spread else None
