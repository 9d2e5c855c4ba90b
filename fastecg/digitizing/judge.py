"""Correct and judge a page by a first reading: whether columns are simultaneous, which lead a strip shows, and how sure the order is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis
from fastecg.digitizing.assign import LayoutMatch
from fastecg.digitizing.checks import checks_of, correlation, residual_across_columns, similarity, swing
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import PageSegments, SegmentReading
from fastecg.digitizing.names import no_heart
from fastecg.digitizing.pulses import Pulse
from fastecg.errors import ImageError
from fastecg.layouts import LAYOUTS

#: Minimum confidence (0 to 1) at which the order of leads is reported as sure.
SURE = 0.8

# Minimum correlation of columns that show the same seconds, and minimum similarity of a rhythm strip and the column of its lead for one of
# them to take its 0 mV level from the other.
_SAME_BEATS = 0.85
# Columns do not show the same seconds if the residual of a sum of leads from several columns is larger than this; 1 is usual for unrelated
# signals.
_NOT_TOGETHER = 0.8
# On pages without a rhythm strip, columns show the same seconds if the residual of a sum of leads from several columns is less than this.
_TOGETHER = 0.4
_MARGIN = 0.1  # Minimum difference of two correlations or similarities for the larger one to be chosen.
_SAME_LEAD = 0.98  # Minimum similarity of a rhythm strip and the column of a lead for the strip to be taken for that lead.
_ENOUGH_NAMES = 0.7  # If at least this share of a layout's names was read, the confidence is the same as if all were read.
# If the score of the page's match exceeds that of the best match with another order of leads by this, the confidence has a factor of
# 1 - 1/e.
_MARGIN_SCALE = 0.8
_GOOD = 0.35  # The confidence is not reduced if the median residual of the checks in `_SUMS` (0 is best) is at most this.
_BAD = 0.9  # The confidence is 0 if that median residual is at least this.
_UNCHECKED = 0.9  # Confidence factor of a reading without any of the checks in `_SUMS`.
# Confidence factor instead of `_UNCHECKED` if the reading also lacks the check "beats", and has several leads in a layout whose name is not
# in `LAYOUTS`: the names on any plot form some layout.
_UNUSUAL = 0.5
_ONE_HEART = 0.6  # The confidence is not reduced if the check "beats" (1 minus a correlation) is at most this.
# If the check "beats" is larger than this, the leads are not of one heart: the confidence is 0, and a page of unknown layout is refused.
_UNRELATED = 0.8
_FEW_NAMES = 0.25  # A page of unknown layout is refused if the share of names that were read and the confidence are both smaller than this.
_SUMS = ("einthoven", "goldberger", "avr", "strip")  # Checks of sums and differences of leads.
_LEAST_LEVEL_S = 1.0  # The level of a trace is taken for 0 mV only if more time than this was read of it.
_PEAKED = 5.0  # Minimum ratio of the largest steepness of a trace to its usual one (see `_peakedness`), on pages of one or two segments.


@dataclass(frozen=True, eq=False)
class LaidOutPage:
    """An analysed page on which it is known where each lead is.

    Attributes
    ----------
    analysis : PageAnalysis
    match : LayoutMatch
        The match of the layout by which the page is read.
    rows : PageSegments
        Segments, in the page coordinates of `analysis.warp`.
    by_segment : tuple of ndarray
        For every segment, the ink of its row of traces, (height, width) uint8, 0 to 255.
    gain_mm_mv : float
        Gain of the limb leads, mm/mV.
    flags : tuple of str
    ink : PictureInk, optional
    checks : dict of str to float
        Residuals of the reading's checks, see `fastecg.digitizing.checks.checks_of`.
    confidence : float
        Probability, 0 to 1, that every signal has the name of its lead.
    pulses : tuple of Pulse
        Calibration pulses.
    start_sd_mm : float
        Approximate standard deviation of the start of time, mm; 0 on a page that a person has corrected.
    """

    analysis: PageAnalysis
    match: LayoutMatch
    rows: PageSegments
    by_segment: tuple[np.ndarray, ...]
    gain_mm_mv: float
    flags: tuple[str, ...]
    ink: PictureInk | None = None
    checks: Mapping[str, float] = field(default_factory=dict)
    confidence: float = 0.0
    pulses: tuple[Pulse, ...] = ()
    start_sd_mm: float = 0.0


def as_simultaneous(page: LaidOutPage) -> LaidOutPage:
    """The same page with columns that are taken to be simultaneous: all segments start at 0 s."""
    segments = tuple(replace(segment, start=0, stop=segment.stop - segment.start) for segment in page.rows.segments)
    flags = (*page.flags, "the columns show the same seconds: all begin at 0 s")
    return replace(page, rows=replace(page.rows, segments=segments), flags=flags)


def strips_by_trace(page: LaidOutPage, readings: Sequence[SegmentReading]) -> LaidOutPage:
    """Rename rhythm strips that are named after one lead, but repeat the column of another one.

    The columns of both leads have to be on the page: a strip named after a lead without a column keeps its name.
    """
    segments, flags = list(page.rows.segments), list(page.flags)
    traces = {(item.segment.lead, item.segment.rhythm): item.millivolts for item in readings}
    for k, strip in enumerate(segments):
        if not strip.rhythm or (strip.lead, True) not in traces:
            continue
        shown = traces[strip.lead, True]
        likeness = {
            part: similarity(shown[part.start : part.stop], traces[part.lead, False])
            for part in segments
            if not part.rhythm and (part.lead, False) in traces
        }
        best = max(likeness, key=lambda part: likeness[part], default=strip)
        own = max((score for part, score in likeness.items() if part.lead == strip.lead), default=None)
        if own is not None and likeness[best] > max(_SAME_LEAD, own + _MARGIN):
            segments[k] = replace(strip, lead=best.lead, gain_mm_mv=best.gain_mm_mv)
            flags.append(f"a rhythm strip named {strip.lead} repeats the column of lead {best.lead}: it is taken for that lead")
    return replace(page, rows=replace(page.rows, segments=tuple(segments)), flags=tuple(flags))


def beats_agree(readings: Sequence[SegmentReading], fs: float) -> bool:
    """Whether all columns show the beats of the same seconds, and not of successive ones.

    If a column lasts a whole number of beats of an even rhythm, its beats fit in both cases. Sums of leads from several columns are
    therefore checked first: they are zero only if the columns show the same seconds. False for a single column.
    """
    residual = residual_across_columns(readings, fs)
    if residual is not None and residual > _NOT_TOGETHER:
        return False
    strips = [item for item in readings if item.segment.rhythm]
    # When each column beats: the sum of the steepness of its leads. The keys are the first samples of the columns.
    parts: dict[int, np.ndarray] = {}
    for item in readings:
        if not item.segment.rhythm:
            parts[item.segment.start] = parts.get(item.segment.start, np.zeros(1)) + swing(item.millivolts, fs)
    if len(parts) < 2:
        return False
    first, *others = (parts[start] for start in sorted(parts))
    n = min(len(part) for part in (first, *others))
    if not strips:
        together = residual is not None and residual < _TOGETHER
        return together or min(correlation(first[:n], part[:n]) for part in others) > _SAME_BEATS
    strip = swing(strips[0].millivolts, fs)
    # Do the columns after the first beat as the strip does at its beginning (same seconds), or as it does below each of them (successive)?
    starts = sorted(parts)[1:]
    at_first = np.mean([correlation(strip[:n], part[:n]) for part in others])
    at_starts = np.mean(
        [
            correlation(strip[start : start + n], part[: len(strip[start : start + n])][:n])
            for start, part in zip(starts, others, strict=True)
        ]
    )
    return bool(at_first > at_starts + _MARGIN)


def levelled(page: LaidOutPage, readings: Sequence[SegmentReading]) -> LaidOutPage:
    """Set the 0 mV level of rows without a pulse to their traces' mean, or to where the level of another row with the same lead puts it.

    Machines remove any constant voltage, so the mean of a trace is 0 mV. A longer trace has a more precise mean, so a rhythm strip gives a
    better level than a row of columns. A pulse gives a better level than both means. The level of a row of which 1 s or less was read
    stays as it is.
    """
    shift, zero = _shifts(page, readings)
    if not shift:
        return page
    segments = tuple(
        replace(item, baseline_mm=item.baseline_mm + shift.get(item.row, 0.0), zero=zero.get(item.row, item.zero))
        for item in page.rows.segments
    )
    return replace(page, rows=replace(page.rows, segments=segments))


def _shifts(page: LaidOutPage, readings: Sequence[SegmentReading]) -> tuple[dict[int, float], dict[int, str]]:
    """Corrections of 0 mV levels in mm (positive: down), by row, and "strip" for every row whose level was taken from another row."""
    shift: dict[int, float] = {}
    zero: dict[int, str] = {}
    for row in {item.segment.row for item in readings if item.segment.zero != "pulse"}:
        every = np.concatenate([item.y_mm - item.segment.baseline_mm for item in readings if item.segment.row == row])
        known = every[np.isfinite(every)]
        if len(known) > _LEAST_LEVEL_S * page.rows.fs:
            shift[row] = float(known.mean())
    for strip in (item for item in readings if item.segment.rhythm):
        part = next((item for item in readings if not item.segment.rhythm and item.segment.lead == strip.segment.lead), None)
        if part is None:
            continue
        # The row whose level is known better corrects the other row. It is the row with a pulse or, if neither has one, the strip.
        better, worse = (part, strip) if part.segment.zero == "pulse" and strip.segment.zero != "pulse" else (strip, part)
        if worse.segment.zero == "pulse" or worse.segment.row in zero:
            continue
        first, last = max(part.segment.start, strip.segment.start), min(part.segment.stop, strip.segment.stop)
        a, b = (item.y_mm[first - item.segment.start : last - item.segment.start] - item.segment.baseline_mm for item in (worse, better))
        both = np.isfinite(a) & np.isfinite(b)
        if both.sum() > _LEAST_LEVEL_S * page.rows.fs and similarity(a, b) > _SAME_BEATS:
            shift[worse.segment.row] = float(np.median(a[both] - b[both])) + shift.get(better.segment.row, 0.0)
            zero[worse.segment.row] = "strip"
    return shift, zero


def judged(page: LaidOutPage, readings: Sequence[SegmentReading], *, known: bool = False) -> LaidOutPage:
    """Compute the checks and the confidence of a page, and refuse it if it is no ECG.

    Parameters
    ----------
    page : LaidOutPage
    readings : sequence of SegmentReading
        Readings of the page's segments.
    known : bool
        Whether the user has given the layout or a corrected page. In this case the confidence is 1, and nothing is refused.

    Returns
    -------
    LaidOutPage
        The page with its checks, its confidence, and a flag if the order of leads is not sure.

    Raises
    ------
    ImageError
        If the page is no ECG, or the order of leads cannot be determined; never if `known`.
    """
    readings = on_page_segments(page, readings)
    checks = checks_of(readings, page.rows.fs)
    match = page.match
    share = match.found / len(match.cells)
    others = [other for other in page.analysis.matches if not other.same_order(match)]
    margin = match.score - others[0].score if others else np.inf
    residuals = [checks[name] for name in _SUMS if name in checks]
    usual = len(match.cells) == 1 or match.layout.name in LAYOUTS
    unchecked = _UNCHECKED if usual or "beats" in checks else _UNUSUAL
    # The confidence is the product of a factor for the names, a factor for the margin to the best match with another order, and a factor
    # for the checks (`credit`).
    credit = unchecked if not residuals else float(np.clip((_BAD - np.median(residuals)) / (_BAD - _GOOD), 0.0, 1.0))
    credit *= float(np.clip((_UNRELATED - checks.get("beats", 0.0)) / (_UNRELATED - _ONE_HEART), 0.0, 1.0))
    confidence = min(share / _ENOUGH_NAMES, 1.0) * (1.0 - np.exp(-max(margin, 0.0) / _MARGIN_SCALE)) * credit
    if not known:
        if checks.get("beats", 0.0) > _UNRELATED:
            raise no_heart()
        if share < _FEW_NAMES and confidence < _FEW_NAMES:
            read = ", ".join(sorted({name.lead for name in page.analysis.names})) or "none"
            raise ImageError(
                f"nothing tells which lead is where (names read: {read}), expected an ECG with names, or its layout to be given"
            )
        if len(match.cells) < 3 and readings and max(_peakedness(item.millivolts, page.rows.fs) for item in readings) < _PEAKED:
            raise ImageError("no trace has QRS complexes, expected the leads of an ECG")
    kept = 1.0 if known else round(float(confidence), 3)  # Rounded before the flag is set, since `Reading.order` uses this.
    flags = page.flags if kept >= SURE else (*page.flags, "order uncertain: which lead is where could not be told for sure")
    return replace(page, checks=checks, confidence=kept, flags=flags)


def on_page_segments(page: LaidOutPage, readings: Sequence[SegmentReading]) -> list[SegmentReading]:
    """The readings with the current segments of the page, found by row and page x. Readings of segments that are gone are left out."""
    current = {(item.row, item.x_mm): item for item in page.rows.segments}
    return [replace(item, segment=current[key]) for item in readings if (key := (item.segment.row, item.segment.x_mm)) in current]


def _peakedness(signal: np.ndarray, fs: float) -> float:
    """Ratio of a signal's largest steepness (99th percentile) to its usual steepness (median)."""
    steepness = swing(signal, fs)
    return float(np.quantile(steepness, 0.99) / max(float(np.median(steepness)), 1e-3))
