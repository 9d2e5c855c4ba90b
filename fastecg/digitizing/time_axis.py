"""Find the paper speed and the page x at which columns of leads start and end.

They follow from the ends of rows, from calibration pulses, and from gaps and bars between columns.

The ends are found in the network's map of traces, and measured more precisely in the picture's own ink.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis
from fastecg.digitizing.assign import SPEEDS_MM_S, LayoutMatch
from fastecg.digitizing.bars import barred
from fastecg.digitizing.column_gaps import SAME_LENGTH_MM, columns_from_gaps, pitch_and_shown_mm
from fastecg.digitizing.follow import StraightPage, TracePath, pen_mm
from fastecg.digitizing.layout import COLUMN_GAP_MM
from fastecg.digitizing.pulses import Pulse, runs_into, snapped
from fastecg.digitizing.settings import Settings
from fastecg.digitizing.tracks import possible_ends
from fastecg.errors import ImageError

_FALL_MM = 1.2  # A pulse votes for a start of time at its right end if an end of a row suggests a start closer to it than this.
_FOOT_MM = 0.5  # Minimum length of the right foot of a pulse, beyond its falling flank. The blur of the flank reaches less far.
#: Minimum coverage at which the picture's own ink belongs to a trace when its ends are measured.
INK_ENDS = 0.4
#: Distance from the last sample of a trace to where its ink falls to one half, in pen widths.
CAP_PENS = 0.42
_NAME_AFTER_MM = 2.0  # Usual distance from the first sample of a trace to the middle of its lead's name.
_GUESS_OFF_MM = 8.0  # Largest error of a start of time that was guessed from the names.
_BAR_STEP_MM = 0.5  # Step between the starts of time for which bars are looked for.
_AGREE_MM = 0.25  # The group of an end consists of all ends whose suggested start of time differs from that of this end by less than this.
_EARLY_S = 0.1  # A record ends early if it ends more than this before its last column is over.
_MOST_EARLY_S = 0.5  # If all rows end early by this much or more, something hides their ends.
_SAME_EARLY_MM = 1.5  # Largest distance between the ends of rows for all of them to end equally early.
_CLOSE_MM = 1.0  # Ends vote for a start of time if they suggest one within this distance of it.
_CLOSELY = 0.25  # Ends of one group (within `_AGREE_MM`) have this share of their votes in addition.
_RIVAL = 0.3  # Groups with more than this share of the best group's votes are compared with it by their bars.
_BAR_VOTES = 2.0  # Number of votes of each column with bars, if groups are compared by their bars.
# Votes of an end for a start of time, by the kind of the end. Right ends have fewer votes, because records may end early. "maybe" ends are
# not the likeliest of their row. The position of an end that is "touched" by a pulse is a guess of the network. If a pulse runs into a
# trace, "foot" is the right end of its right foot, known to a tenth of a mm, or "fall" its right flank if it has no such foot.
_VOTES = {
    "left": 1.0,
    "right": 0.8,
    "maybe left": 0.6,
    "maybe right": 0.5,
    "touched": 0.3,
    "fall": 0.4,
    "foot": 0.4,
}
_ROUGH = ("touched", "foot")  # Kinds of ends that vote for a start, but set it only if fewer than two ends of other kinds do.
_SPEED_OFF = 0.06  # Relative tolerance within which a measured paper speed is taken for a usual one.
_NO_END = "no row ends in the picture"
_SHORT = 0.06  # Largest share of a column's nominal time that a machine may leave out of a column or a rhythm strip.


@dataclass(frozen=True)
class TimeAxis:
    """How time runs along the rows of a page.

    Attributes
    ----------
    speed_mm_s : float
        Paper speed.
    start_mm : float
        Page x of the first sample of the first column and of the rhythm strips.
    pitch_mm : float
        Distance from the first sample of a column to that of the next.
    column_s : float
        Time from the first sample of a column to that of the next.
    shown_s, strip_s : float
        Duration of a column and of a rhythm strip.
    start_sd_mm : float
        Approximate standard deviation of the start.
    early_s : float
        Time by which the record ends before the last column and the rhythm strips are over.
    """

    speed_mm_s: float
    start_mm: float
    pitch_mm: float
    column_s: float
    shown_s: float
    strip_s: float
    start_sd_mm: float = 0.035
    early_s: float = 0.0

    @property
    def has_gaps(self) -> bool:
        """Whether there is blank paper between columns."""
        return self.pitch_mm > self.shown_s * self.speed_mm_s + COLUMN_GAP_MM


@dataclass(frozen=True)
class End:
    """An end of a row: the start of time (page x) that this end suggests, and the end's kind (a key of `_VOTES`)."""

    x_mm: float
    kind: str

    @property
    def side(self) -> int:
        """1 for the kinds "right" and "maybe right", 0 for all others, even if a pulse touches a right end."""
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
    """Find how time runs along the rows of a page by the ends of its rows, gaps and bars between columns, and pulses.

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
        Sentences about what is doubtful are appended here.

    Raises
    ------
    ImageError
        If no row of the layout has a left and a right end.
    """
    ends = _seen_ends(analysis, match, straight, paths, pulses)
    columns = len(match.layout.columns)
    column_s, step_s = match.layout.seconds / columns, 1.0 / settings.fs
    lengths = ends.lengths(match.strips)
    speed = settings.speed_mm_s or _paper_speed(match, lengths if any(lengths) else [ends.uncut_lengths()], flags)
    by_gaps = None
    if columns > 1:
        by_gaps = columns_from_gaps(straight, paths[: match.strips], ends.spans, ends.own, match, ends.cap_mm, column_s * speed)
    gaps = None if by_gaps is None else pitch_and_shown_mm(by_gaps, lengths[0], columns, column_s * speed, step_s * speed)

    def bars(axis: TimeAxis) -> int:
        # Number of columns that begin at bars. A bar in a gap may stand anywhere in it, and does not show where the next column begins.
        return 0 if axis.has_gaps else barred(axis, analysis, match, straight)

    def started(axis: TimeAxis, doubts: list[str]) -> TimeAxis:
        return _with_start(axis, match, ends.starts(axis, match, pulses, step_s), bars, doubts)

    doubts: list[str] = []
    axis = started(_with_columns(match, lengths, gaps, speed, step_s), doubts)
    if gaps is None and axis.shown_s < column_s:  # Bars show whether columns leave out time, or only seem to do so.
        whole_doubts: list[str] = []
        whole = started(TimeAxis(speed, 0.0, column_s * speed, column_s, column_s, match.layout.seconds), whole_doubts)
        if bars(whole) > bars(axis):
            axis, doubts = whole, whole_doubts
    flags += doubts
    return replace(axis, early_s=ends.early_s(axis, match, step_s))


@dataclass(frozen=True)
class _SeenEnds:
    """Where the ink of every row begins and ends on the page, and which of these ends are not ends of traces.

    Attributes
    ----------
    network, ink : sequence of (list of float, list of float)
        Page x of possible left and right ends of each row, the likeliest first, in the network's map and in the picture's own ink. The
        lists of `ink` are empty if the picture's own ink is not known.
    cap_mm, ink_cap_mm : float
        How far ink extends beyond the first and last sample in the network's map and in the picture's own ink.
    cut, touched : sequence of (bool, bool)
        Whether the left and the right end of each row are cut off by the edge of the picture, and whether they touch a calibration pulse.
    """

    network: Sequence[tuple[list[float], list[float]]]
    ink: Sequence[tuple[list[float], list[float]]]
    cap_mm: float
    ink_cap_mm: float
    cut: Sequence[tuple[bool, bool]]
    touched: Sequence[tuple[bool, bool]]

    @property
    def spans(self) -> list[tuple[float, float] | None]:
        """The likeliest ends of each row in the network's map; None where it shows none."""
        return _likeliest_ends(self.network)

    @property
    def own(self) -> list[tuple[bool, bool]]:
        """Whether the left and the right end of each row are ends of traces, neither cut off nor at a pulse."""
        return [(not (cut[0] or touched[0]), not (cut[1] or touched[1])) for cut, touched in zip(self.cut, self.touched, strict=True)]

    def lengths(self, strips: int) -> list[list[float]]:
        """Lengths from first to last sample, mm, of rows with two `own` ends: a list for the first `strips` rows, and one for strips.

        A row has up to two lengths, one from each kind of ink.
        """
        spans, own = self.spans, self.own
        return [
            [
                rights[0] - lefts[0] - 2 * cap_mm
                for ends, cap_mm in ((self.network, self.cap_mm), (self.ink, self.ink_cap_mm))
                for k, (lefts, rights) in enumerate(ends)
                if lefts and rights and spans[k] is not None and all(own[k]) and (k >= strips) == rhythm
            ]
            for rhythm in (False, True)
        ]

    def uncut_lengths(self) -> list[float]:
        """Lengths of the network's ink of all rows that are completely in the picture, mm.

        They include the caps, and rows that touch a pulse seem longer by some mm, which is too little to confuse two paper speeds.
        """
        return [span[1] - span[0] for span, sides in zip(self.spans, self.cut, strict=True) if span is not None and not any(sides)]

    def early_s(self, axis: TimeAxis, match: LayoutMatch, step_s: float) -> float:
        """Time by which all rows end before their last sample is expected.

        0 if they do not end early, do not end equally early, or end too early. Also 0 if the rows that have an `own` right end are fewer
        than two, or fewer than all rows but one.
        """
        columns, early = len(match.layout.columns), []
        for k, ((_, rights), (_, free)) in enumerate(zip(self.network, self.own, strict=True)):
            if free and rights:  # The outermost possible end is used, since ink may be interrupted.
                due_mm = axis.start_mm + row_length_mm(axis, columns, k >= match.strips, step_s)
                early.append((due_mm - max(rights) + self.cap_mm) / axis.speed_mm_s)
        if len(early) < max(2, len(self.network) - 1) or np.ptp(early) * axis.speed_mm_s > _SAME_EARLY_MM:
            return 0.0
        found = float(np.median(early))
        return found if _EARLY_S < found < _MOST_EARLY_S else 0.0

    def starts(self, axis: TimeAxis, match: LayoutMatch, pulses: Sequence[Pulse], step_s: float) -> list[End]:
        """The starts of time that the ends of all rows suggest, in the network's map and in the picture's own ink."""
        ends = _starts_from_ends(axis, match, self.network, self.cut, self.touched, pulses, self.cap_mm, step_s)
        return ends + _starts_from_ends(axis, match, self.ink, self.cut, self.touched, pulses, self.ink_cap_mm, step_s)


def _seen_ends(
    analysis: PageAnalysis, match: LayoutMatch, straight: StraightPage, paths: Sequence[TracePath | None], pulses: Sequence[Pulse]
) -> _SeenEnds:
    """Find the ends of all rows; `ImageError` if no row has both a left and a right end."""
    network = [([], []) if row is None else possible_ends(straight.network, row) for row in paths]
    spans = _likeliest_ends(network)
    if not any(spans):
        raise ImageError("no row of traces was found where the names of leads are, expected a trace beside every name")
    cut = [(True, True) if track is None else analysis.tracks[track].cut for track in match.tracks]
    touched = [(False, False) if span is None else (runs_into(span[0], pulses), runs_into(span[1], pulses)) for span in spans]
    ink: list[tuple[list[float], list[float]]] = [([], []) for _ in paths]
    ink_cap_mm = 0.0
    if straight.shown is not None:
        ink_cap_mm = CAP_PENS * min((pen_mm(straight.shown, row) for row in paths if row is not None), default=0.0)
        ink = [([], []) if row is None else possible_ends(straight.shown, row, INK_ENDS) for row in paths]
    return _SeenEnds(network, ink, analysis.layers.cap_mm, ink_cap_mm, cut, touched)


def _likeliest_ends(ends: Sequence[tuple[list[float], list[float]]]) -> list[tuple[float, float] | None]:
    """The first left and the first right end of each row; None where one of them is not seen."""
    return [(lefts[0], rights[0]) if lefts and rights else None for lefts, rights in ends]


def _with_start(axis: TimeAxis, match: LayoutMatch, ends: Sequence[End], bars: Callable[[TimeAxis], int], doubts: list[str]) -> TimeAxis:
    """The axis with its start by the ends of rows and the bars between columns, or else by the names of leads.

    `bars` gives the number of columns that begin at bars on a time axis. Sentences about what is doubtful are appended to `doubts`.
    """
    if ends:
        return replace(axis, start_mm=_agreed_start(ends, doubts, lambda start_mm: bars(replace(axis, start_mm=start_mm))))
    guessed = replace(axis, start_mm=match.left_mm + match.name_mm[0] - _NAME_AFTER_MM)
    by_bars = _start_of_bars(guessed, bars)
    if by_bars is None:
        doubts.append("every row goes on beyond the picture: the start of time is guessed from the names of leads, and may be some mm off")
        return guessed
    return replace(axis, start_mm=by_bars)


def _with_columns(
    match: LayoutMatch, lengths: Sequence[Sequence[float]], gaps: tuple[float, float] | None, speed_mm_s: float, step_s: float
) -> TimeAxis:
    """A time axis with the distance and duration of columns by the gaps between them, or else by the lengths of rows.

    The axis starts at 0 mm. `lengths` are from `_SeenEnds.lengths`; `gaps` is the distance and the length of columns, mm.
    """
    columns, seconds = len(match.layout.columns), match.layout.seconds
    column_s, step_mm = seconds / columns, step_s * speed_mm_s
    nominal_mm = column_s * speed_mm_s
    pitch_mm, shown_s, strip_s = nominal_mm, column_s, seconds
    # Rows with faint ends seem shorter, and other ink may lengthen a single row. So the longest length that another one confirms is used.
    row_mm, strip_mm = (_longest_confirmed(group, seconds * speed_mm_s) for group in lengths)
    if gaps is not None:
        pitch_mm, shown_mm = gaps
        shown_s = column_s if shown_mm == nominal_mm else round(shown_mm / speed_mm_s, 3)
    elif columns > 1 and row_mm and abs(row_mm + step_mm - columns * nominal_mm) > SAME_LENGTH_MM:
        # The columns leave out time if strips are longer than the rows, or if the distance of names fits the shorter columns better.
        missing_share = (columns * nominal_mm - row_mm - step_mm) / (columns * nominal_mm)
        left_out = strip_mm - row_mm > SAME_LENGTH_MM or abs(match.column_mm - row_mm / columns) < abs(match.column_mm - nominal_mm) - 0.1
        if 0 < missing_share < _SHORT and left_out:
            pitch_mm = (row_mm + step_mm) / columns
            shown_s = min(round(pitch_mm / speed_mm_s / step_s) * step_s, column_s)
    strip_shown = strip_mm / speed_mm_s + step_s
    if strip_mm and 0 < seconds - strip_shown < _SHORT * column_s and shown_s < column_s:
        strip_s = round(strip_shown / step_s) * step_s
    return TimeAxis(speed_mm_s, 0.0, pitch_mm, column_s, shown_s, strip_s)


def _start_of_bars(guessed: TimeAxis, bars: Callable[[TimeAxis], int]) -> float | None:
    """The start of time, page x, for which most columns begin at bars, of several the closest to the guess; None without bars."""
    away = np.arange(0.0, _GUESS_OFF_MM, _BAR_STEP_MM)
    starts = guessed.start_mm + np.unique(np.concatenate([-away, away]))
    counts = np.array([bars(replace(guessed, start_mm=float(start))) for start in starts])
    if not counts.any():
        return None
    best = starts[counts == counts.max()]
    return float(best[np.argmin(np.abs(best - guessed.start_mm))])


def _longest_confirmed(lengths: Sequence[float], usual_mm: float) -> float:
    """The longest of the lengths of rows that another one confirms to 0.25 mm, or the only length; 0 if there is none.

    Lengths that exceed `usual_mm` by 0.7 mm or more are not used.
    """
    likely = sorted((mm for mm in lengths if mm < usual_mm + SAME_LENGTH_MM), reverse=True)
    if len(lengths) == 1:
        return likely[0] if likely else 0.0
    return next((mm for k, mm in enumerate(likely) if any(abs(mm - other) < _AGREE_MM for j, other in enumerate(likely) if j != k)), 0.0)


def row_length_mm(axis: TimeAxis, columns: int, rhythm: bool, step_s: float) -> float:
    """Distance in mm from the first to the last sample of a row, if samples are `step_s` apart."""
    if rhythm:
        return (axis.strip_s - step_s) * axis.speed_mm_s
    return (columns - 1) * axis.pitch_mm + (axis.shown_s - step_s) * axis.speed_mm_s


def _paper_speed(match: LayoutMatch, lengths: Sequence[Sequence[float]], flags: list[str]) -> float:
    """The usual paper speed, mm/s, at which most rows or columns are as long as the duration of the layout.

    If there is no such speed, only the first length counts: that of a rhythm strip if possible, or else of a row, or else of the columns.
    The result is the usual speed that it fits roughly. If it fits none, the result is 25 mm/s, and a sentence about this is added to
    `flags`.
    """
    columns = len(match.layout.columns)
    speeds = [length / match.layout.seconds for group in reversed(lengths) for length in group]
    if columns > 1:
        speeds.append(match.column_mm * columns / match.layout.seconds)
    found = [speed for value in speeds if (speed := snapped(value, SPEEDS_MM_S, _SPEED_OFF)) is not None]
    if found:
        return max(dict.fromkeys(found), key=found.count)
    roughly = snapped(speeds[0], SPEEDS_MM_S, 2 * _SPEED_OFF) if speeds else None
    if roughly is not None:
        return roughly
    longest = max((length for group in lengths for length in group), default=0.0)
    fault = f"rows are {longest:.0f} mm long, which is {match.layout.seconds:g} s at no usual speed" if longest else _NO_END
    flags.append(f"{fault}: the paper speed is taken as 25 mm/s")
    return 25.0


def _starts_from_ends(
    axis: TimeAxis,
    match: LayoutMatch,
    possible: Sequence[tuple[list[float], list[float]]],
    cut: Sequence[tuple[bool, bool]],
    touched: Sequence[tuple[bool, bool]],
    pulses: Sequence[Pulse],
    cap_mm: float,
    step_s: float,
) -> list[End]:
    """The starts of time that the ends of all rows suggest, if ink extends by `cap_mm` beyond the first and the last sample."""
    ends = []
    for k, (lefts, rights) in enumerate(possible):
        length = row_length_mm(axis, len(match.layout.columns), k >= match.strips, step_s)
        if not cut[k][0]:
            ends += [End(x + cap_mm, "touched" if touched[k][0] else "left" if n == 0 else "maybe left") for n, x in enumerate(lefts)]
        if not cut[k][1]:
            ends += [
                End(x - cap_mm - length, "touched" if touched[k][1] else "right" if n == 0 else "maybe right") for n, x in enumerate(rights)
            ]
    starts = [end.x_mm for end in ends]
    # If a pulse runs into the trace, time starts where its right foot ends, or at its falling flank if it has none.
    for pulse in pulses:
        has_foot = pulse.right_mm - pulse.fall_mm > _FOOT_MM
        edge = pulse.right_mm if has_foot else pulse.fall_mm
        if any(abs(edge - x) < _FALL_MM for x in starts):
            ends.append(End(edge, "foot" if has_foot else "fall"))
    return ends


def _agreed_start(ends: Sequence[End], flags: list[str], bars: Callable[[float], int] = lambda _: 0) -> float:
    """The start of time, page x, for which most ends vote; a start with which columns begin at bars is preferred.

    Not all ends are averaged, because faint ends and records that end early shift them inwards. `bars` gives the number of columns that
    begin at bars if time starts at a page x.
    """

    def net_agreement(group: Sequence[End]) -> float:
        # Rows may seem shorter than they are, if their ends are faint. So ends farther out than the group's start implies count against the
        # group.
        start_mm = _mean_start(group)
        beyond = [end for end in ends if end.kind in ("left", "right") and (2 * end.side - 1) * (end.x_mm - start_mm) > _AGREE_MM]
        return agreement(group) - sum(_VOTES[end.kind] for end in beyond)

    def votes(group: Sequence[End]) -> float:
        # The ends of rows on curved paper scatter. So an end votes for every start that is close to the one that it suggests itself, and
        # has additional votes for the starts of the groups that it is in.
        start_mm = _mean_start(group)
        return agreement([end for end in ends if abs(end.x_mm - start_mm) < _CLOSE_MM]) + _CLOSELY * agreement(group)

    def strongest(groups: Sequence[Sequence[End]], strength: Callable[[Sequence[End]], float]) -> Sequence[End]:
        best = max(groups, key=strength)
        rivals = [group for group in groups if not any(end in best for end in group) and strength(group) > _RIVAL * strength(best)]
        if not rivals:
            return best
        return max((best, *rivals), key=lambda group: strength(group) + _BAR_VOTES * bars(_mean_start(group)))

    groups = [[end for end in ends if abs(end.x_mm - other.x_mm) < _AGREE_MM] for other in ends]
    middle_mm = _mean_start(max(groups, key=votes))
    close = [group for group in groups if abs(_mean_start(group) - middle_mm) < _CLOSE_MM]
    # Other ink may lengthen several rows equally, but left and right ends agree only on the true start.
    best = strongest(close, net_agreement)
    best = strongest([best, *(group for group in groups if group not in close)], votes)
    if len(best) < max(2, 0.3 * len(ends)):
        flags.append("the ends of the rows contradict each other: the start of time is uncertain")
    return _mean_start(best)


def _mean_start(group: Sequence[End]) -> float:
    """The start that a group of ends suggests: the mean of the median of left ends and the median of right ends.

    An error of the cap shifts these medians in opposite directions, so that it cancels. If only one side has ends, its median is returned.
    Ends of `_ROUGH` kinds are left out if at least two others are in the group.
    """
    clear = [end for end in group if end.kind not in _ROUGH]
    chosen = clear if len(clear) > 1 else group
    agreed = [[end.x_mm for end in chosen if end.side == side] for side in (0, 1)]
    return float(np.mean([np.median(side) for side in agreed if side]))


def agreement(group: Sequence[End]) -> float:
    """The number of votes of a group of ends: those of the ends, and one more for each side, left and right, that has ends in the group."""
    return sum(_VOTES[end.kind] for end in group) + len({end.side for end in group})
