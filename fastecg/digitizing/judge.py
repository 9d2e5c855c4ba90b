"""A page judged by its own reading: what is mended by it, and how sure it then is which lead is where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fastecg.digitizing.assign import Assignment
from fastecg.digitizing.checks import alike, checks_of, correlation, swing
from fastecg.digitizing.ink import Ink
from fastecg.digitizing.layout import Drawn, Rows
from fastecg.digitizing.pulses import Pulse
from fastecg.digitizing.views import View
from fastecg.errors import ImageError
from fastecg.layouts import LAYOUTS

#: A confidence from which on the order of leads is told as sure.
SURE = 0.8

_SAME_BEATS = 0.85  # correlation of columns that show the same seconds
_MARGIN = 0.1  # by how much one of two has to be better
_SAME_LEAD = 0.98  # a rhythm strip and what a column shows of its lead are one, to this degree
_ENOUGH_NAMES = 0.7  # share of names that tells as much as all
_TELLING_MARGIN = 0.8  # of scores between hypotheses, that makes the second two thirds as unlikely
_GOOD = 0.35  # what is left of sums that ought to be nothing, in a reading that is right
_BAD = 0.9  # the same in one that is not
_UNCHECKED = 0.9  # what a reading is worth whose leads cannot be compared
_UNUSUAL = 0.5  # the same where the layout is none that is known: the names on any plot make one
_TOGETHER = 0.6  # 1 less the correlation of beats that may be those of one heart
_ALONE = 0.8  # the same of beats that have nothing in common
_FEW_NAMES = 0.25  # share of names below which the page may be anything
_SUMS = ("einthoven", "goldberger", "avr", "strip")
_LEAST_LEVEL_S = 1.0  # of a trace whose mean is taken for 0 mV
_PEAKED = 5.0  # how much steeper a QRS complex is than the rest, at least


@dataclass(frozen=True, eq=False)
class LaidOut:
    """A view whose leads have their places.

    Attributes
    ----------
    view : View
    placed : Assignment
        The layout taken.
    rows : Rows
        Segments, in mm of the view's warp.
    by_segment : tuple of ndarray
        The ink of every segment's row, each (height, width) uint8.
    gain_mm_mv : float
    flags : tuple of str
    ink : Ink, optional
    checks : dict of str to float
        How far the reading agrees with itself, as `fastecg.digitizing.checks.checks_of` tells.
    confidence : float
        That every lead has its own name, 0 to 1.
    pen_mm : float
        How thick the pen was taken to be, where the start of time rests on it; NaN elsewhere.
    pulses : tuple of Pulse, optional
        Calibration pulses; None where a person has told when time starts.
    """

    view: View
    placed: Assignment
    rows: Rows
    by_segment: tuple[np.ndarray, ...]
    gain_mm_mv: float
    flags: tuple[str, ...]
    ink: Ink | None = None
    checks: Mapping[str, float] = field(default_factory=dict)
    confidence: float = 0.0
    pen_mm: float = np.nan
    pulses: tuple[Pulse, ...] | None = None


def at_once(page: LaidOut) -> LaidOut:
    """The same page with columns that all start at time 0."""
    segments = tuple(replace(segment, start=0, stop=segment.stop - segment.start) for segment in page.rows.segments)
    flags = (*page.flags, "the columns show the same seconds: all begin at 0 s")
    return replace(page, rows=replace(page.rows, segments=segments), flags=flags)


def strips_by_trace(page: LaidOut, drawn: Sequence[Drawn]) -> LaidOut:
    """The same page with the rhythm strips that show another lead than their name says, by what their columns show, named after that."""
    segments, flags = list(page.rows.segments), list(page.flags)
    traces = {(item.segment.lead, item.segment.rhythm): item.millivolts for item in drawn}
    for k, strip in enumerate(segments):
        if not strip.rhythm or (strip.lead, True) not in traces:
            continue
        shown = traces[strip.lead, True]
        likeness = {
            part: alike(shown[part.start : part.stop], traces[part.lead, False])
            for part in segments
            if not part.rhythm and (part.lead, False) in traces
        }
        best = max(likeness, key=lambda part: likeness[part], default=strip)
        own = max((score for part, score in likeness.items() if part.lead == strip.lead), default=None)
        if own is not None and likeness[best] > max(_SAME_LEAD, own + _MARGIN):
            segments[k] = replace(strip, lead=best.lead, gain_mm_mv=best.gain_mm_mv)
            flags.append(f"a rhythm strip named {strip.lead} shows what lead {best.lead} does: taken for that")
    return replace(page, rows=replace(page.rows, segments=tuple(segments)), flags=tuple(flags))


def beats_agree(drawn: Sequence[Drawn], fs: float) -> bool:
    """Whether the beats of the columns are those of the first seconds, rather than of seconds that follow one another."""
    whole = [item for item in drawn if item.segment.rhythm]
    parts: dict[int, np.ndarray] = {}
    for item in drawn:
        if not item.segment.rhythm:
            parts[item.segment.start] = parts.get(item.segment.start, np.zeros(1)) + swing(item.millivolts, fs)
    if len(parts) < 2:
        return False
    first, *others = (parts[start] for start in sorted(parts))
    n = min(len(part) for part in (first, *others))
    if not whole:
        return min(correlation(first[:n], part[:n]) for part in others) > _SAME_BEATS
    strip = swing(whole[0].millivolts, fs)
    starts = sorted(parts)[1:]
    here = np.mean([correlation(strip[:n], part[:n]) for part in others])
    after = np.mean(
        [
            correlation(strip[start : start + n], part[: len(strip[start : start + n])][:n])
            for start, part in zip(starts, others, strict=True)
        ]
    )
    return bool(here > after + _MARGIN)


def levelled(page: LaidOut, drawn: Sequence[Drawn]) -> LaidOut:
    """The same page with 0 mV of rows without a pulse where their traces' mean is, or where the same lead of another row has it.

    Machines let no steady voltage through, so that the mean of a trace is 0 mV, the more so the longer it is: a strip tells it better
    than a row of columns, and a pulse better than both.
    """
    shift, told = _shifts(page, drawn)
    if not shift:
        return page
    segments = tuple(
        replace(item, baseline_mm=item.baseline_mm + shift.get(item.row, 0.0), zero=told.get(item.row, item.zero))
        for item in page.rows.segments
    )
    return replace(page, rows=replace(page.rows, segments=segments))


def _shifts(page: LaidOut, drawn: Sequence[Drawn]) -> tuple[dict[int, float], dict[int, str]]:
    """By how many mm 0 mV of rows moves, and what tells it."""
    shift: dict[int, float] = {}
    told: dict[int, str] = {}
    for row in {item.segment.row for item in drawn if item.segment.zero != "pulse"}:
        every = np.concatenate([item.y_mm - item.segment.baseline_mm for item in drawn if item.segment.row == row])
        known = every[np.isfinite(every)]
        if len(known) > _LEAST_LEVEL_S * page.rows.fs:
            shift[row] = float(known.mean())
    for strip in (item for item in drawn if item.segment.rhythm):
        part = next((item for item in drawn if not item.segment.rhythm and item.segment.lead == strip.segment.lead), None)
        if part is None:
            continue
        # The row that is told better tells the other.
        better, worse = (part, strip) if part.segment.zero == "pulse" and strip.segment.zero != "pulse" else (strip, part)
        if worse.segment.zero == "pulse" or worse.segment.row in told:
            continue
        first, last = max(part.segment.start, strip.segment.start), min(part.segment.stop, strip.segment.stop)
        a, b = (item.y_mm[first - item.segment.start : last - item.segment.start] - item.segment.baseline_mm for item in (worse, better))
        both = np.isfinite(a) & np.isfinite(b)
        if both.sum() > _LEAST_LEVEL_S * page.rows.fs and alike(a, b) > _SAME_BEATS:
            shift[worse.segment.row] = float(np.median(a[both] - b[both])) + shift.get(better.segment.row, 0.0)
            told[worse.segment.row] = "strip"
    return shift, told


def judged(page: LaidOut, drawn: Sequence[Drawn], *, known: bool = False) -> LaidOut:
    """The same page with what its reading says of itself.

    Parameters
    ----------
    page : LaidOut
    drawn : sequence of Drawn
        Its segments, as they were read.
    known : bool
        Whether the user said what the layout is.

    Raises
    ------
    ImageError
        If it is no ECG, or nothing tells which lead is where.
    """
    drawn = placed_anew(page, drawn)
    checks = checks_of(drawn, page.rows.fs)
    placed = page.placed
    share = placed.found / len(placed.cells)
    others = [other for other in page.view.found if not other.same_order(placed)]
    margin = placed.score - others[0].score if others else np.inf
    left = [checks[name] for name in _SUMS if name in checks]
    usual = len(placed.cells) == 1 or placed.layout.name in LAYOUTS
    unchecked = _UNCHECKED if usual or "beats" in checks else _UNUSUAL
    worth = unchecked if not left else float(np.clip((_BAD - np.median(left)) / (_BAD - _GOOD), 0.0, 1.0))
    worth *= float(np.clip((_ALONE - checks.get("beats", 0.0)) / (_ALONE - _TOGETHER), 0.0, 1.0))
    confidence = min(share / _ENOUGH_NAMES, 1.0) * (1.0 - np.exp(-max(margin, 0.0) / _TELLING_MARGIN)) * worth
    if not known:
        if checks.get("beats", 0.0) > _ALONE:
            raise ImageError("its traces do not beat together, expected the leads of an ECG")
        if share < _FEW_NAMES and confidence < _FEW_NAMES:
            read = ", ".join(sorted({name.lead for name in page.view.names})) or "none"
            raise ImageError(
                f"nothing tells which lead is where (names read: {read}), expected an ECG with names, or its layout to be given"
            )
        if len(placed.cells) < 3 and drawn and max(_peaked(item.millivolts, page.rows.fs) for item in drawn) < _PEAKED:
            raise ImageError("no trace has QRS complexes, expected the leads of an ECG")
    flags = page.flags if confidence >= SURE or known else (*page.flags, "order uncertain: which lead is where could not be told for sure")
    return replace(page, checks=checks, confidence=round(1.0 if known else float(confidence), 3), flags=flags)


def placed_anew(page: LaidOut, drawn: Sequence[Drawn]) -> list[Drawn]:
    """What was read, with the segments that a page now has where it was read; without what it has no longer."""
    places = {(item.row, item.x_mm): item for item in page.rows.segments}
    return [replace(item, segment=places[key]) for item in drawn if (key := (item.segment.row, item.segment.x_mm)) in places]


def _peaked(signal: np.ndarray, fs: float) -> float:
    """How much more a signal moves in its fastest moments than usually."""
    moves = swing(signal, fs)
    return float(np.quantile(moves, 0.99) / max(float(np.median(moves)), 1e-3))
