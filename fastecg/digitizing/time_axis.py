"""Paper speed, and where on the page every column of leads starts and ends: from ends of rows, pulses, and gaps between columns.

The network's map finds the ends; the picture's own ink measures them more precisely.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis, Settings
from fastecg.digitizing.assign import SPEEDS_MM_S, LayoutMatch
from fastecg.digitizing.bars import barred
from fastecg.digitizing.follow import StraightPage, TracePath, pen_mm
from fastecg.digitizing.layout import COLUMN_GAP_MM
from fastecg.digitizing.pulses import Pulse, runs_into, snapped
from fastecg.digitizing.tracks import ink_along, possible_ends
from fastecg.errors import ImageError
from fastecg.kernels.runs import runs_of

_FALL_MM = 1.2  # An end at most this far from a pulse's falling flank may be that flank.
INK_ENDS = 0.4  # Coverage of the picture's own ink from which it is a trace.
CAP_PENS = 0.42  # Distance from a trace's last sample to where its ink falls to one half, in pen widths.
_NAME_AFTER_MM = 2.0  # Usual distance of a name's middle from the first sample of its trace.
_GUESS_OFF_MM = 8.0  # Largest error of a start of time guessed from the names.
_BAR_STEP_MM = 0.5  # Step between the starts at which bars are looked for.
_AGREE_MM = 0.25  # Ends within this distance vote together for a start of time.
_RIVAL = 0.3  # Groups with at least this share of the best group's votes are compared with it.
_BARS_COUNT = 2.0  # Weight of a bar in that comparison; an end has the weight of `_COUNTS`.
# Votes of an end for a start of time, by its kind. Right ends have fewer, because records may end early; where ends are "touched" by
# something else, the network can only guess them.
_COUNTS = {
    "left": 1.0,
    "right": 0.8,
    "maybe left": 0.6,
    "maybe right": 0.5,
    "touched": 0.3,
    "fall": 0.4,
}
_SPEED_OFF = 0.06  # Relative tolerance of the paper speeds.
_NO_END = "no row ends in the picture"
_TRUE_MM = 0.7  # Columns whose length is their nominal time to within this have neither gaps nor are they short.
_SAME_GAP_MM = 0.8  # Largest difference between the gaps of several rows.
_MOST_GAP_MM = 15.0  # Maximum width of blank paper between columns: no machine leaves more.
_BESIDE_PX = 2  # Reach above and below a path within which ink counts as on it.
_BLANK = 0.5  # Coverage below which paper is blank.
_GAP_ROWS = 0.5  # Minimum share of the joints of columns that have to show such a gap.
_SHORT = 0.06  # Largest share of a column's time that a machine may leave out.


@dataclass(frozen=True)
class TimeAxis:
    """How time runs along the rows of a page.

    Attributes
    ----------
    speed_mm_s : float
    start_mm : float
        Page x of the first sample of the first column, and of the rhythm strips.
    pitch_mm : float
        Distance from the first sample of a column to that of the next.
    column_s : float
        Time from the first sample of a column to that of the next.
    shown_s, strip_s : float
        Duration of a column and of a rhythm strip.
    start_sd_mm : float
        Approximate standard deviation of the start.
    """

    speed_mm_s: float
    start_mm: float
    pitch_mm: float
    column_s: float
    shown_s: float
    strip_s: float
    start_sd_mm: float = 0.025


@dataclass(frozen=True)
class End:
    """An end of a row, as the start of time that follows from it (page x), and its kind (a key of `_COUNTS`)."""

    x_mm: float
    kind: str

    @property
    def side(self) -> int:
        """0 for left ends, 1 for right ends."""
        return int(self.kind.endswith("right"))


def time_axis(
    analysis: PageAnalysis,
    match: LayoutMatch,
    straight: StraightPage,
    paths: Sequence[TracePath | None],
    pulses: Sequence[Pulse],
    settings: Settings,
    flags: list[str],
) -> TimeAxis:
    """Find how time runs along the rows of a page.

    Parameters
    ----------
    analysis : PageAnalysis
    match : LayoutMatch
    straight : StraightPage
    paths : sequence of TracePath or None
        The path of every row of the layout.
    pulses : sequence of Pulse
    settings : Settings
    flags : list of str
        Gets a sentence about whatever is doubtful.
    """
    seen = _seen_ends(analysis, match, straight, paths, pulses)
    columns = len(match.layout.columns)
    share, step = match.layout.seconds / columns, 1.0 / settings.fs
    lengths = seen.lengths(match.strips)
    speed = settings.speed_mm_s or _speed(match, lengths if any(lengths) else [seen.uncut_lengths()], flags)
    gapped = None
    if columns > 1:
        gapped = _gapped(straight, paths[: match.strips], seen.spans, seen.own, match, seen.cap_mm, share * speed)
    gaps = None if gapped is None else _gaps(gapped, lengths[0], columns, share * speed, step * speed)

    def bars(axis: TimeAxis) -> int:
        return barred(axis, analysis, match, straight)

    def started(axis: TimeAxis, doubts: list[str]) -> TimeAxis:
        return _started(axis, match, seen.starts(axis, match, pulses, step), bars, doubts)

    doubts: list[str] = []
    axis = started(_columns(match, lengths, gaps, speed, step), doubts)
    if gaps is None and axis.shown_s < share:  # rows that are read too short are told from short ones by bars, if there are any
        others: list[str] = []
        whole = started(TimeAxis(speed, 0.0, share * speed, share, share, match.layout.seconds), others)
        if bars(whole) > bars(axis):
            axis, doubts = whole, others
    flags += doubts
    return axis


@dataclass(frozen=True)
class _SeenEnds:
    """Where the ink of every row begins and ends on the page, and which of these ends are not the trace's own.

    Attributes
    ----------
    network, ink : sequence of (list of float, list of float)
        Page x of possible left and right ends of each row, the likeliest first, as the network's map shows them, and the picture's own ink,
        of which there may be none.
    cap_mm, pen_mm : float
        The cap in the network's map, and the pen's width in the picture's own ink.
    cut, touched : sequence of (bool, bool)
        Whether the left and the right end of each row are cut off by the picture's edge, and whether they lie in a pulse.
    """

    network: Sequence[tuple[list[float], list[float]]]
    ink: Sequence[tuple[list[float], list[float]]]
    cap_mm: float
    pen_mm: float
    cut: Sequence[tuple[bool, bool]]
    touched: Sequence[tuple[bool, bool]]

    @property
    def spans(self) -> list[tuple[float, float] | None]:
        """The likeliest ends of each row in the network's map; None where it shows none."""
        return _likeliest(self.network)

    @property
    def own(self) -> list[tuple[bool, bool]]:
        """Whether the left and the right end of each row are the trace's own."""
        return [(not (cut[0] or touched[0]), not (cut[1] or touched[1])) for cut, touched in zip(self.cut, self.touched, strict=True)]

    def lengths(self, strips: int) -> list[list[float]]:
        """From first to last sample of the rows whose ends are both their own, mm: those above row `strips`, and the rhythm strips."""
        spans, own = self.spans, self.own
        return [
            [
                rights[0] - lefts[0] - 2 * half
                for ends, half in ((self.network, self.cap_mm), (self.ink, self.pen_mm))
                for k, (lefts, rights) in enumerate(ends)
                if lefts and rights and spans[k] is not None and all(own[k]) and (k >= strips) == rhythm
            ]
            for rhythm in (False, True)
        ]

    def uncut_lengths(self) -> list[float]:
        """Lengths of all rows that are in the picture as a whole, mm.

        Rows that pulses run into seem longer by some mm, which matters little for telling paper speeds apart.
        """
        return [span[1] - span[0] for span, sides in zip(self.spans, self.cut, strict=True) if span is not None and not any(sides)]

    def starts(self, axis: TimeAxis, match: LayoutMatch, pulses: Sequence[Pulse], step_s: float) -> list[End]:
        """Every end of every row, in the network's map and in the picture's ink, as the start of time that it suggests."""
        ends = _ends(axis, match, self.network, self.cut, self.touched, pulses, self.cap_mm, step_s)
        return ends + _ends(axis, match, self.ink, self.cut, self.touched, pulses, self.pen_mm, step_s)


def _seen_ends(
    analysis: PageAnalysis, match: LayoutMatch, straight: StraightPage, paths: Sequence[TracePath | None], pulses: Sequence[Pulse]
) -> _SeenEnds:
    """The ends of all rows; `ImageError` if no row has any."""
    network = [([], []) if row is None else possible_ends(straight.network, row) for row in paths]
    spans = _likeliest(network)
    if not any(spans):
        raise ImageError("no row of traces was found where the names of leads are, expected a trace beside every name")
    cut = [(True, True) if track is None else analysis.tracks[track].cut for track in match.tracks]
    touched = [(False, False) if span is None else (runs_into(span[0], pulses), runs_into(span[1], pulses)) for span in spans]
    ink: list[tuple[list[float], list[float]]] = [([], []) for _ in paths]
    pen = 0.0
    if straight.shown is not None:
        pen = CAP_PENS * min((pen_mm(straight.shown, row) for row in paths if row is not None), default=0.0)
        ink = [([], []) if row is None else possible_ends(straight.shown, row, INK_ENDS) for row in paths]
    return _SeenEnds(network, ink, analysis.layers.cap_mm, pen, cut, touched)


def _likeliest(ends: Sequence[tuple[list[float], list[float]]]) -> list[tuple[float, float] | None]:
    """The first left and the first right end of each row; None where one of them is not seen."""
    return [(lefts[0], rights[0]) if lefts and rights else None for lefts, rights in ends]


def _started(axis: TimeAxis, match: LayoutMatch, ends: Sequence[End], bars: Callable[[TimeAxis], int], doubts: list[str]) -> TimeAxis:
    """The axis with its start, from the ends of rows and the bars between columns; what is doubtful is added to `doubts`."""
    if ends:
        return replace(axis, start_mm=_start(ends, doubts, lambda start_mm: bars(replace(axis, start_mm=start_mm))))
    guessed = replace(axis, start_mm=match.left_mm + match.name_mm[0] - _NAME_AFTER_MM)
    by_bars = _start_of_bars(guessed, bars)
    if by_bars is None:
        doubts.append("every row goes on beyond the picture: the start of time is guessed from the names of leads, and may be some mm off")
        return guessed
    return replace(axis, start_mm=by_bars)


def _columns(
    match: LayoutMatch, lengths: Sequence[Sequence[float]], gaps: tuple[float, float] | None, speed_mm_s: float, step_s: float
) -> TimeAxis:
    """Distance and length of columns from the gaps between them, or else from the rows' lengths; time starts at 0 mm."""
    columns, seconds = len(match.layout.columns), match.layout.seconds
    share, step_mm = seconds / columns, step_s * speed_mm_s
    nominal = share * speed_mm_s
    pitch, shown, strip_s = nominal, share, seconds
    # Rows with faint ends seem shorter, so the longest one counts, unless other ink has lengthened it.
    row_mm, strip_mm = (_longest(group, seconds * speed_mm_s) for group in lengths)
    if gaps is not None:
        pitch, shown_mm = gaps
        shown = share if shown_mm == nominal else round(shown_mm / speed_mm_s, 3)
    elif columns > 1 and row_mm and abs(row_mm + step_mm - columns * nominal) > _TRUE_MM:
        short = (columns * nominal - row_mm - step_mm) / (columns * nominal)
        lossy = strip_mm - row_mm > _TRUE_MM or abs(match.column_mm - row_mm / columns) < abs(match.column_mm - nominal) - 0.1
        if 0 < short < _SHORT and lossy:
            pitch = (row_mm + step_mm) / columns
            shown = min(round(pitch / speed_mm_s / step_s) * step_s, share)
    strip_shown = strip_mm / speed_mm_s + step_s
    if strip_mm and 0 < seconds - strip_shown < _SHORT * share and shown < share:
        strip_s = round(strip_shown / step_s) * step_s
    return TimeAxis(speed_mm_s, 0.0, pitch, share, shown, strip_s)


def _start_of_bars(guessed: TimeAxis, bars: Callable[[TimeAxis], int]) -> float | None:
    """The start of time closest to a guess for which bars stand in front of most columns; None if there is none."""
    away = np.arange(0.0, _GUESS_OFF_MM, _BAR_STEP_MM)
    starts = guessed.start_mm + np.unique(np.concatenate([-away, away]))
    told = np.array([bars(replace(guessed, start_mm=float(start))) for start in starts])
    if not told.any():
        return None
    best = starts[told == told.max()]
    return float(best[np.argmin(np.abs(best - guessed.start_mm))])


def _longest(lengths: Sequence[float], usual_mm: float) -> float:
    """The longest row length that another row confirms; with one row, its length; 0 if none is confirmed."""
    sane = sorted((mm for mm in lengths if mm < usual_mm + _TRUE_MM), reverse=True)
    if len(lengths) == 1:
        return sane[0] if sane else 0.0
    return next((mm for k, mm in enumerate(sane) if any(abs(mm - other) < _AGREE_MM for j, other in enumerate(sane) if j != k)), 0.0)


def row_length_mm(axis: TimeAxis, columns: int, rhythm: bool, step_s: float) -> float:
    """Distance from the first to the last sample of a row."""
    if rhythm:
        return (axis.strip_s - step_s) * axis.speed_mm_s
    return (columns - 1) * axis.pitch_mm + (axis.shown_s - step_s) * axis.speed_mm_s


def _speed(match: LayoutMatch, lengths: Sequence[Sequence[float]], flags: list[str]) -> float:
    """The paper speed at which rows or columns have the length of the layout's time."""
    columns = len(match.layout.columns)
    told = [length / match.layout.seconds for group in reversed(lengths) for length in group]
    if columns > 1:
        told.append(match.column_mm * columns / match.layout.seconds)
    found = [speed for value in told if (speed := snapped(value, SPEEDS_MM_S, _SPEED_OFF)) is not None]
    if found:
        return max(dict.fromkeys(found), key=found.count)
    wide = snapped(told[0], SPEEDS_MM_S, 2 * _SPEED_OFF) if told else None
    if wide is not None:
        return wide
    longest = max((length for group in lengths for length in group), default=0.0)
    fault = f"rows are {longest:.0f} mm long, which is {match.layout.seconds:g} s at no usual speed" if longest else _NO_END
    flags.append(f"{fault}: the paper speed is taken as 25 mm/s")
    return 25.0


def _gapped(
    straight: StraightPage,
    paths: Sequence[TracePath | None],
    spans: Sequence[tuple[float, float] | None],
    own: Sequence[tuple[bool, bool]],
    match: LayoutMatch,
    cap: float,
    nominal: float,
) -> tuple[float, float] | None:
    """Distance of columns and length of one, from first to last sample, mm, by the blank paper between them; None without gaps.

    `own` tells which ends of rows are the traces' own, left and right: neither cut, nor those of a pulse.
    """
    columns = len(match.layout.columns)
    found: list[list[tuple[float, float]]] = [[] for _ in range(columns - 1)]
    count = 0
    for row, span in zip(paths, spans, strict=False):
        if row is None or span is None:
            continue
        count += 1
        blanks = _blanks(straight, row, span)
        length = span[1] - span[0]
        pitch = (length - nominal) / (columns - 1) if abs(length - columns * nominal) < 0.3 * columns * nominal else match.column_mm
        for c in range(1, columns):
            # The gap in front of column c ends where the column begins.
            near = [blank for blank in blanks if abs(blank[1] - span[0] - c * pitch) < 0.15 * pitch]
            if near:
                found[c - 1].append(max(near, key=lambda blank: blank[1] - blank[0]))
    if count == 0 or sum(map(len, found)) < _GAP_ROWS * count * (columns - 1) or not all(found):
        return None
    begins, ends = (np.array([np.median([blank[k] for blank in group]) for group in found]) for k in (1, 0))
    apart = [
        abs(blank[k] - middle) for k, middles in ((1, begins), (0, ends)) for g, middle in zip(found, middles, strict=True) for blank in g
    ]
    spread = np.quantile(apart, 0.75)
    if spread > _SAME_GAP_MM or not ((begins - ends > COLUMN_GAP_MM) & (begins - ends < _MOST_GAP_MM)).all():
        return None
    first, last = (
        _outer([span and span[side] for span in spans[: len(paths)]], [ends_of[side] for ends_of in own], columns) for side in (0, 1)
    )
    begun, ended = np.concatenate([[first], begins]), np.concatenate([ends, [last]])
    return _pitch(begun, ended), float(np.nanmedian(ended - begun)) - 2 * cap


def _outer(ends_mm: Sequence[float | None], own: Sequence[bool], columns: int) -> float:
    """The median of the ends of rows that are the traces' own; NaN if there are none."""
    found = [x for x, clear in zip(ends_mm, own, strict=False) if x is not None and (clear or (columns == 2 and not any(own)))]
    return float(np.median(found)) if found else np.nan


def _pitch(begun: np.ndarray, ended: np.ndarray) -> float:
    """The distance of columns, mm: the common slope of straight lines through their starts and their ends (columns,), NaN if unknown."""
    apart, at = 0.0, 0.0
    for edges in (begun, ended):
        known = np.flatnonzero(np.isfinite(edges))
        away = known - known.mean()
        apart, at = apart + float(away @ edges[known]), at + float(away @ away)
    return apart / at


def _gaps(
    found: tuple[float, float], lengths: Sequence[float], columns: int, nominal_mm: float, step_mm: float
) -> tuple[float, float] | None:
    """Distance of columns and drawn length of one, mm, from gaps and row lengths; None if rows are too short to have gaps.

    Rows that are as long as their time have no gaps, even if their ink is interrupted, as by the dashes of a bar.
    """
    pitch, width = found
    shown = width + step_mm if nominal_mm - width - step_mm > _TRUE_MM else nominal_mm
    wide = [mm for mm in lengths if abs(mm + step_mm - (columns - 1) * pitch - shown) < _TRUE_MM]
    if wide:  # the ends of rows are more precise than those of gaps
        return (float(np.median(wide)) + step_mm - shown) / (columns - 1), shown
    if any(abs(mm + step_mm - columns * nominal_mm) < _TRUE_MM for mm in lengths):
        return None
    return pitch, shown


def _blanks(straight: StraightPage, path: TracePath, span: tuple[float, float]) -> list[tuple[float, float]]:
    """Gaps along a path that have no ink of any kind: page x of the end before and of the start after each."""
    along = ink_along(straight.whole, path, _BESIDE_PX)
    printed = along if straight.ink is None else np.maximum(along, ink_along(straight.ink, path, _BESIDE_PX))
    x = path.left_mm + np.arange(len(along)) / path.scale
    out = []
    for start, stop in runs_of((printed < _BLANK) & (x > span[0]) & (x < span[1])).tolist():
        if start > 0 and stop < len(along) and (stop - start) / path.scale > COLUMN_GAP_MM:
            before = start - 1 + _crossing(printed[start - 1], printed[start])
            after = stop - _crossing(printed[stop], printed[stop - 1])
            out.append((path.left_mm + before / path.scale, path.left_mm + after / path.scale))
    return out


def _crossing(inside: float, outside: float) -> float:
    """Position between a column with ink and the next one without at which the ink falls to one half, in columns."""
    return float(np.clip((inside - _BLANK) / max(inside - outside, 1e-6), 0.0, 1.0))


def _ends(
    axis: TimeAxis,
    match: LayoutMatch,
    possible: Sequence[tuple[list[float], list[float]]],
    cut: Sequence[tuple[bool, bool]],
    touched: Sequence[tuple[bool, bool]],
    pulses: Sequence[Pulse],
    cap: float,
    step: float,
) -> list[End]:
    """Every end of every row, as the start of time that it suggests."""
    ends = []
    for k, (lefts, rights) in enumerate(possible):
        length = row_length_mm(axis, len(match.layout.columns), k >= match.strips, step)
        if not cut[k][0]:
            ends += [End(x + cap, "touched" if touched[k][0] else "left" if n == 0 else "maybe left") for n, x in enumerate(lefts)]
        if not cut[k][1]:
            ends += [
                End(x - cap - length, "touched" if touched[k][1] else "right" if n == 0 else "maybe right") for n, x in enumerate(rights)
            ]
    starts = [end.x_mm for end in ends]
    # A pulse without a right foot runs into the trace: time starts at its falling flank.
    ends += [End(pulse.fall_mm, "fall") for pulse in pulses if any(abs(pulse.fall_mm - x) < _FALL_MM for x in starts)]
    return ends


def _start(ends: Sequence[End], flags: list[str], bars: Callable[[float], int] = lambda _: 0) -> float:
    """The start of time on which most ends agree, preferring one with bars in front of the columns.

    Ends are not averaged, because faint ends and records that end early shift them inwards. `bars` gives the number of columns that have
    bars in front of them if time starts at a page x.
    """
    groups = [[end for end in ends if abs(end.x_mm - other.x_mm) < _AGREE_MM] for other in ends]
    # Other ink may lengthen several rows by the same amount, but left and right ends agree only on the right start.
    best = max(groups, key=agreement)
    rivals = [group for group in groups if not any(end in best for end in group) and agreement(group) > _RIVAL * agreement(best)]
    if rivals:
        best = max((best, *rivals), key=lambda group: agreement(group) + _BARS_COUNT * bars(_mean_start(group)))
    if len(best) < max(2, 0.3 * len(ends)):
        flags.append("the ends of the rows contradict each other: the start of time is uncertain")
    return _mean_start(best)


def _mean_start(group: Sequence[End]) -> float:
    """The start that a group of ends suggests: the mean of both sides' medians, in which the bias of the pen's cap cancels."""
    clear = [end for end in group if end.kind != "touched"]
    chosen = clear if len(clear) > 1 else group
    agreed = [[end.x_mm for end in chosen if end.side == side] for side in (0, 1)]
    return float(np.mean([np.median(side) for side in agreed if side]))


def agreement(group: Sequence[End]) -> float:
    """The votes of a group of ends that suggest the same start of time."""
    return sum(_COUNTS[end.kind] for end in group) + len({end.side for end in group})
