"""Where time runs on a page, part by part; whole pages are in test_digitize_page.py."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fastecg.digitizing import column_gaps, time_axis
from fastecg.digitizing.coarse import Strip
from fastecg.digitizing.follow import TracePath
from fastecg.digitizing.pulses import runs_into
from fastecg.digitizing.time_axis import End, TimeAxis, row_length_mm
from fastecg.errors import ImageError

#: Four columns of 2.5 s, 63 mm apart, of which 2.4 s are shown, and strips of 9.9 s, at 25 mm/s.
AXIS = TimeAxis(25.0, 10.0, 63.0, 2.5, 2.4, 9.9)
PLACED = SimpleNamespace(layout=SimpleNamespace(columns=range(4)), strips=1)


def test_rows_end_with_their_last_sample():
    assert row_length_mm(AXIS, 4, False, 0.002) == pytest.approx(3 * 63.0 + (2.4 - 0.002) * 25.0)
    assert row_length_mm(AXIS, 4, True, 0.002) == pytest.approx((9.9 - 0.002) * 25.0)


def test_both_ends_of_a_row_tell_the_same_start():
    cap, step = 0.2, 0.002
    left, right = 10.0 - cap, 10.0 + row_length_mm(AXIS, 4, False, step) + cap  # ink goes on beyond both
    ends = time_axis._starts_from_ends(AXIS, PLACED, [([left], [right])], [(False, False)], [(False, False)], (), cap, step)
    assert [(end.kind, pytest.approx(end.x_mm)) for end in ends] == [("left", 10.0), ("right", 10.0)]
    assert time_axis._starts_from_ends(AXIS, PLACED, [([left], [right])], [(True, True)], [(False, False)], (), cap, step) == []


def test_a_pulse_tells_the_start_where_a_row_begins_beside_it():
    pulses = [SimpleNamespace(fall_mm=fall_mm, right_mm=fall_mm + 0.1) for fall_mm in (9.1, 11.3, 150.0)]
    ends = time_axis._starts_from_ends(AXIS, PLACED, [([10.0], [])], [(False, False)], [(False, False)], pulses, 0.2, 0.002)
    assert [(end.kind, end.x_mm) for end in ends] == [("left", 10.2), ("fall", 9.1), ("fall", 11.3)]


def test_time_starts_where_the_foot_of_a_pulse_ends():
    pulses = [SimpleNamespace(fall_mm=9.1, right_mm=10.1)]
    ends = time_axis._starts_from_ends(AXIS, PLACED, [([10.0], [])], [(False, False)], [(False, False)], pulses, 0.2, 0.002)
    assert [(end.kind, end.x_mm) for end in ends] == [("left", 10.2), ("foot", 10.1)]
    # A foot is known to a tenth of a mm: it votes, and does not move a start that sharper ends give.
    rows = [End(10.0, "right"), End(10.0, "right"), End(10.1, "foot"), End(10.1, "foot")]
    assert time_axis._agreed_start(rows, []) == pytest.approx(10.0)
    assert time_axis._agreed_start(rows[2:], []) == pytest.approx(10.1)


def test_ink_beyond_an_end_counts_against_it():
    """Rows seem to end early where their last samples are not seen; one row shows that time goes on for 0.9 mm."""
    ends = [End(9.1, kind) for kind in ("fall", "fall", "fall", "fall", "right", "maybe right")]
    ends += [End(10.0, kind) for kind in ("touched", "touched", "touched", "touched", "right", "right")]
    assert time_axis._agreed_start(ends, []) == pytest.approx(10.0)


def test_bars_in_gaps_may_stand_anywhere():
    assert AXIS.has_gaps
    assert not TimeAxis(25.0, 10.0, 62.5, 2.5, 2.5, 10.0).has_gaps


def test_ends_that_a_pulse_runs_into_tell_nothing_where_others_do():
    ends = [End(10.0, "left"), End(10.02, "right"), End(10.2, "touched"), End(10.2, "touched"), End(10.2, "touched")]
    assert time_axis._agreed_start(ends, []) == pytest.approx(10.01)


def test_an_end_is_a_pulses_where_it_lies_in_one_or_beside_it():
    pulse = SimpleNamespace(left_mm=4.0, fall_mm=9.0, right_mm=9.6)
    for x, touched in ((3.8, True), (9.1, True), (9.8, True), (10.0, False), (3.5, False)):
        assert runs_into(x, [pulse]) == touched
    assert not runs_into(9.1, [])


def test_bars_are_looked_for_round_where_names_say_that_time_starts():
    bars = {3.0: 2, 7.5: 3, 16.5: 3}
    assert time_axis._start_of_bars(AXIS, lambda axis: bars.get(axis.start_mm, 0)) == 7.5
    assert time_axis._start_of_bars(AXIS, lambda axis: 0) is None
    far = {AXIS.start_mm + way * off: 3 for way in (-1, 1) for off in (8.0, 9.0)}
    assert time_axis._start_of_bars(AXIS, lambda axis: far.get(axis.start_mm, 0)) is None, "names are not off by so much"


def test_the_longest_row_counts_if_another_agrees():
    assert time_axis._longest_confirmed([200.0, 249.9, 249.8, 255.0], 250.0) == 249.9
    assert time_axis._longest_confirmed([200.0, 249.9], 250.0) == 0.0
    assert time_axis._longest_confirmed([249.9], 250.0) == 249.9
    assert time_axis._longest_confirmed([255.0], 250.0) == 0.0
    assert time_axis._longest_confirmed([250.6, 250.5], 250.0) == 250.6, "ends are off by some tenths of a mm"
    assert time_axis._longest_confirmed([250.8, 250.8], 250.0) == 0.0, "longer than time is"


@pytest.mark.parametrize(
    ("inside", "outside", "share"), [(1.0, 0.0, 0.5), (0.6, 0.4, 0.5), (1.0, 0.4, 5 / 6), (0.5, 0.0, 0.0), (0.4, 0.3, 0.0)]
)
def test_ink_falls_to_one_half_between_two_columns(inside, outside, share):
    assert column_gaps._edge_of_ink(inside, outside) == pytest.approx(share)


@pytest.mark.parametrize(
    ("columns", "lengths", "speed"),
    [
        (4, ([250.0, 248.0], []), 25.0),
        (4, ([125.0, 126.0], []), 12.5),
        (1, ([500.0], []), 50.0),
        (4, ([250.0], [500.0, 498.0]), 50.0),  # the speed that most rows tell
        (1, ([180.0], [250.0]), 25.0),
        (1, ([500.0], [250.0]), 25.0),  # of as many rows, strips are more reliable
        (1, ([228.0], []), 25.0),  # up to twice as far off, if nothing else tells
    ],
)
def test_rows_are_as_long_as_time_at_the_papers_speed(columns, lengths, speed):
    flags = []
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(columns), seconds=10.0), column_mm=40.0)
    assert time_axis._paper_speed(match, lengths, flags) == speed
    assert flags == []


def test_columns_tell_the_speed_where_no_row_does():
    for column_mm, told in ((62.0, 25.0), (125.0, 50.0)):
        match = SimpleNamespace(layout=SimpleNamespace(columns=range(4), seconds=10.0), column_mm=column_mm)
        assert time_axis._paper_speed(match, ([], []), []) == told
    flags = []
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(1), seconds=10.0), column_mm=40.0)
    assert time_axis._paper_speed(match, ([40.0, 90.0], [175.0]), flags) == 25.0
    assert len(flags) == 1
    assert "175 mm" in flags[0]
    assert time_axis._paper_speed(match, ([], []), flags) == 25.0
    assert "no row ends in the picture" in flags[1]
    assert time_axis._paper_speed(match, ([570.0], []), flags) == 25.0, "nearly 50 mm/s, but by more than twice the tolerance"
    assert len(flags) == 3


def test_beginnings_and_ends_that_agree_count_for_more_than_either_alone():
    left, right = End(10.0, "left"), End(10.0, "right")
    assert time_axis.agreement([left]) == pytest.approx(2.0)
    assert time_axis.agreement([left, left]) == pytest.approx(3.0)
    assert time_axis.agreement([left, right]) == pytest.approx(3.8)
    assert time_axis.agreement([left, End(10.0, "fall")]) < time_axis.agreement([left, End(10.0, "maybe left")])


def test_bars_decide_between_groups_of_ends():
    ends = [End(10.0, "left"), End(10.0, "left"), End(10.0, "right"), End(14.0, "left"), End(14.0, "right")]
    flags = []
    assert time_axis._agreed_start(ends, flags) == 10.0
    assert time_axis._agreed_start(ends, flags, lambda x: 3 if x > 12.0 else 0) == 14.0
    assert flags == []
    assert time_axis._agreed_start([End(float(x), "left") for x in (0, 5, 10, 15)], flags) == 0.0
    assert len(flags) == 1, "no two agree"


def gapped(monkeypatch, begins, ends, rows=3, left=10.0, right=260.0, lost=(), apart=0.0, column_mm=None, free=True):
    """What blank paper between columns tells, of rows from `left` to `right`; those `lost` show none of it, and it differs by `apart`."""
    column_mm = column_mm or (right - left) / (len(begins) + 1)
    shift = [apart * (k - (rows - 1) / 2) for k in range(rows)]
    blanks = {k: [] if k in lost else [(a + shift[k], b + shift[k]) for a, b in zip(ends, begins, strict=True)] for k in range(rows)}
    monkeypatch.setattr(column_gaps, "_blanks_along", lambda straight, row, span: blanks[row])
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(len(begins) + 1)), column_mm=column_mm)
    spans = [(left, right)] * rows
    return column_gaps.columns_from_gaps(
        None, list(range(rows)), spans, [(True, free)] * rows, match, 0.1, (right - left) / (len(begins) + 1)
    )


def test_blank_paper_parts_columns(monkeypatch):
    three = gapped(monkeypatch, [73.0, 136.0, 199.0], [70.0, 133.0, 196.0], right=259.0)
    assert three == (pytest.approx(63.0), pytest.approx(60.0 - 0.2))
    assert gapped(monkeypatch, [136.0], [131.0], right=257.0) == (pytest.approx(126.0), pytest.approx(121.0 - 0.2))
    # The distance of three columns is that of lines through all beginnings and through all ends, not that of the first two.
    uneven = gapped(monkeypatch, [93.0, 179.0], [90.0, 176.0], right=262.0)
    assert uneven[0] == pytest.approx((84.5 + 86.0) / 2)


def test_gaps_count_if_enough_rows_have_them(monkeypatch):
    given = [73.0, 136.0, 199.0], [70.0, 133.0, 196.0]
    assert gapped(monkeypatch, *given, rows=4, lost=(0, 1)) is not None
    assert gapped(monkeypatch, *given, rows=4, lost=(0, 1, 2)) is None
    assert gapped(monkeypatch, *given, rows=1) is not None
    assert gapped(monkeypatch, *given, rows=0) is None
    assert gapped(monkeypatch, *given, apart=0.7) is not None
    assert gapped(monkeypatch, *given, apart=0.9) is None, "rows of one page have theirs below one another"
    assert gapped(monkeypatch, [73.0, 136.0, 199.0], [72.8, 135.8, 198.8]) is None, "no wider than between strokes"
    assert gapped(monkeypatch, [73.0, 136.0, 199.0], [59.0, 133.0, 196.0]) is not None
    assert gapped(monkeypatch, [73.0, 136.0, 199.0], [57.0, 133.0, 196.0]) is None, "wider than any machine leaves"
    assert gapped(monkeypatch, [103.0, 136.0, 199.0], [101.0, 133.0, 196.0]) is None, "not where columns are"


def test_gaps_count_if_columns_are_there_and_do_not_overlap(monkeypatch):
    given = [61.6, 113.2, 164.8], [58.0, 109.6, 161.2]  # the same part of a trace was not seen in all rows
    assert gapped(monkeypatch, *given, right=212.8, column_mm=51.6)[0] == pytest.approx(51.6)
    assert gapped(monkeypatch, *given, right=212.8, column_mm=61.3) is None
    # A row that goes on beyond the picture is not as long as its columns; their distance is that of the match.
    cut = gapped(monkeypatch, [73.0, 136.0, 199.0], [70.0, 133.0, 196.0], right=220.0, column_mm=62.5, free=False)
    assert cut[0] == pytest.approx(63.0)
    assert gapped(monkeypatch, [72.0, 133.0, 194.0], [71.2, 132.2, 193.2], left=5.0, right=260.0) is None, "columns would overlap"


CAP = 0.1
STEP = 0.002


def axis_of(
    monkeypatch, rows, *, strips=(), columns=4, bars=lambda axis: 0, pulses=(), cut=(), sides=2, gaps=None, speed=None, column_mm=62.5
):
    """The time axis of rows and strips whose ink goes from and to some mm, and what was doubted; some are `cut` left, or on both sides."""
    spans = [*rows, *strips]
    monkeypatch.setattr(time_axis, "possible_ends", lambda strip, row, ink=0.5: ([spans[row][0]], [spans[row][1]]))
    monkeypatch.setattr(time_axis, "barred", lambda axis, *rest: bars(axis))
    monkeypatch.setattr(time_axis, "columns_from_gaps", lambda *given: gaps)
    tracks = [SimpleNamespace(cut=(k in cut, k in cut and sides == 2)) for k in range(len(spans))]
    analysis = SimpleNamespace(layers=SimpleNamespace(cap_mm=CAP), tracks=tracks)
    layout = SimpleNamespace(columns=range(columns), seconds=10.0)
    match = SimpleNamespace(
        layout=layout, tracks=range(len(spans)), strips=len(rows), column_mm=column_mm, left_mm=20.0, name_mm=(3.0, 2.0)
    )  # fmt: skip
    flags = []
    settings = SimpleNamespace(fs=1 / STEP, speed_mm_s=speed)
    straight = SimpleNamespace(network=None, shown=None)
    return time_axis.time_axis(analysis, match, straight, range(len(spans)), pulses, settings, flags), flags


def row(seconds=10.0, start=20.0, speed=25.0):
    """Ink from the first to the last of so many seconds of samples, and as far beyond both as a pen reaches."""
    return start - CAP, start + (seconds - STEP) * speed + CAP


def test_rows_of_usual_length_start_where_their_ink_does(monkeypatch):
    axis, flags = axis_of(monkeypatch, [row()] * 3, strips=[row()])
    assert axis == TimeAxis(25.0, pytest.approx(20.0), 62.5, 2.5, 2.5, 10.0)
    assert flags == []
    assert axis_of(monkeypatch, [row(speed=50.0)] * 3)[0] == TimeAxis(50.0, pytest.approx(20.0), 125.0, 2.5, 2.5, 10.0)


def test_records_may_end_before_the_last_column_does(monkeypatch):
    axis, _ = axis_of(monkeypatch, [row(9.7)] * 3, strips=[row(9.7)])
    assert (axis.start_mm, axis.shown_s, axis.strip_s) == (pytest.approx(20.0), 2.5, 10.0)
    assert axis.early_s == pytest.approx(0.3)
    assert axis_of(monkeypatch, [row(9.95)] * 3, strips=[row(9.95)])[0].early_s == 0.0, "ends are not seen that precisely"
    assert axis_of(monkeypatch, [row(9.3)] * 3, strips=[row(9.3)])[0].early_s == 0.0, "something hides them"
    assert axis_of(monkeypatch, [row(9.7), row(9.8), row(9.7)], strips=[row(9.7)])[0].early_s == 0.0, "not alike"
    assert axis_of(monkeypatch, [row(9.7)], strips=())[0].early_s == 0.0, "one row alone"


def test_rows_may_leave_out_the_end_of_each_column(monkeypatch):
    axis, _ = axis_of(monkeypatch, [row(9.6)] * 3, strips=[row()])
    assert axis.pitch_mm == pytest.approx(60.0, abs=0.01)
    assert axis.shown_s == pytest.approx(2.4)
    assert (axis.column_s, axis.strip_s) == (2.5, 10.0)
    assert axis_of(monkeypatch, [row(9.0)] * 3, strips=[row()])[0].shown_s == 2.5, "more than any machine leaves out"
    # Bars stand where columns of all their time would be: the rows were read too short.
    read_short, _ = axis_of(monkeypatch, [row(9.6)] * 3, strips=[row()], bars=lambda axis: 3 if axis.shown_s == 2.5 else 0)
    assert (read_short.shown_s, read_short.pitch_mm) == (2.5, 62.5)


def test_a_strip_may_end_early_where_columns_do(monkeypatch):
    axis, _ = axis_of(monkeypatch, [row(9.6)] * 3, strips=[row(9.9)], column_mm=60.0)
    assert axis.strip_s == pytest.approx(9.9)
    assert axis_of(monkeypatch, [row()] * 3, strips=[row(9.9)])[0].strip_s == 10.0


def test_gaps_tell_columns_and_rows_how_far_apart_they_are(monkeypatch):
    shown = 2.4
    end = 20.0 + 3 * 64.0 + (shown - STEP) * 25.0 + CAP
    axis, _ = axis_of(monkeypatch, [(20.0 - CAP, end)] * 3, gaps=(64.2, (shown - STEP) * 25.0))
    assert axis.pitch_mm == pytest.approx(64.0), "rows' ends are sharper than gaps"
    assert axis.shown_s == pytest.approx(shown)
    assert axis.start_mm == pytest.approx(20.0)
    assert axis_of(monkeypatch, [row()] * 3, gaps=(66.0, 62.2))[0].shown_s == 2.5, "no shorter than rows are read"


def test_rows_that_a_pulse_runs_into_or_that_are_cut_tell_no_length(monkeypatch):
    pulse = SimpleNamespace(left_mm=12.0, right_mm=19.0, fall_mm=18.8)
    longer = row()[0] - 0.8, row()[1]
    axis, _ = axis_of(monkeypatch, [longer, longer, row(), row()], pulses=[pulse])
    assert axis.start_mm == pytest.approx(20.0)
    short = row(9.6)
    assert axis_of(monkeypatch, [short, short, row(), row()], cut=(0, 1))[0].pitch_mm == 62.5
    assert axis_of(monkeypatch, [short, short, row(9.4), row(9.5)], strips=[row()])[0].shown_s == pytest.approx(2.4)


def test_where_every_row_is_cut_names_and_bars_tell_the_start(monkeypatch):
    every = range(3)
    guessed, flags = axis_of(monkeypatch, [row()] * 3, cut=every, speed=25.0)
    assert guessed.start_mm == pytest.approx(20.0 + 3.0 - 2.0)
    assert len(flags) == 1
    barred, flags = axis_of(monkeypatch, [row()] * 3, cut=every, speed=25.0, bars=lambda axis: int(abs(axis.start_mm - 24.0) < 0.3))
    assert barred.start_mm == pytest.approx(24.0, abs=0.3)
    assert flags == []


def test_rows_that_are_cut_on_one_side_tell_no_speed(monkeypatch):
    axis, flags = axis_of(monkeypatch, [row(5.0)] * 3, cut=range(3), sides=1)
    assert (axis.speed_mm_s, flags) == (25.0, []), "as the columns have it, and not half of that"


def test_no_trace_beside_any_name_is_said(monkeypatch):
    monkeypatch.setattr(time_axis, "possible_ends", lambda *given: ([], []))
    analysis = SimpleNamespace(layers=SimpleNamespace(cap_mm=CAP), tracks=())
    with pytest.raises(ImageError, match="no row of traces"):
        time_axis.time_axis(analysis, SimpleNamespace(tracks=[None]), SimpleNamespace(network=None), [None], (), None, [])


def test_rows_whose_start_is_hidden_by_a_pulse_tell_no_length(monkeypatch):
    pulse = SimpleNamespace(left_mm=24.0, right_mm=27.0, fall_mm=26.9)
    axis, _ = axis_of(monkeypatch, [(26.0, row()[1])] * 3, strips=[row()], pulses=[pulse])
    assert (axis.shown_s, axis.pitch_mm) == (2.5, 62.5)
    assert axis.start_mm == pytest.approx(20.0)


def test_the_pictures_own_ink_tells_the_start_where_the_networks_is_vague(monkeypatch):
    network = [(20.3, 269.0), (19.4, 270.6), (20.9, 271.4)]
    reach = 0.42 * 0.3  # from a last sample to where the ink of a pen of 0.3 mm falls to one half
    ink = [(20.0 - reach, 20.0 + (10.0 - STEP) * 25.0 + reach)] * 3
    monkeypatch.setattr(time_axis, "pen_mm", lambda strip, row: 0.3)
    monkeypatch.setattr(time_axis, "barred", lambda axis, *rest: 0)
    monkeypatch.setattr(time_axis, "columns_from_gaps", lambda *given: None)
    monkeypatch.setattr(
        time_axis, "possible_ends", lambda strip, row, least=0.5: tuple([end] for end in (ink if strip == "ink" else network)[row])
    )  # fmt: skip
    analysis = SimpleNamespace(layers=SimpleNamespace(cap_mm=CAP), tracks=[SimpleNamespace(cut=(False, False))] * 3)
    layout = SimpleNamespace(columns=range(4), seconds=10.0)
    match = SimpleNamespace(layout=layout, tracks=range(3), strips=3, column_mm=62.5, left_mm=20.0, name_mm=(3.0, 2.0))
    settings = SimpleNamespace(fs=1 / STEP, speed_mm_s=25.0)
    straight = SimpleNamespace(network="network", shown="ink")
    axis = time_axis.time_axis(analysis, match, straight, range(3), (), settings, [])
    assert axis.start_mm == pytest.approx(20.0, abs=1e-6)
    monkeypatch.setattr(time_axis, "pen_mm", lambda strip, row: 0.3 + 0.6 * row)  # a steep row's ink tells its pen too wide
    assert time_axis.time_axis(analysis, match, straight, range(3), (), settings, []).start_mm == pytest.approx(20.0, abs=1e-6)


def test_the_pitch_of_columns_is_that_of_their_beginnings_and_ends():
    begun, ended = 10.0 + 64.5 * np.arange(4), 72.6 + 64.5 * np.arange(4)
    assert column_gaps._common_slope(begun, ended) == pytest.approx(64.5)
    begun[0], ended[3] = np.nan, np.nan  # a pulse runs into the first, and a mark into the last
    assert column_gaps._common_slope(begun, ended) == pytest.approx(64.5)


def test_only_ends_that_are_the_traces_own_tell_where_columns_are():
    assert column_gaps._median_own_end([10.0, 10.2, 3.0], [True, True, False], 4) == pytest.approx(10.1)
    assert np.isnan(column_gaps._median_own_end([10.0, None], [False, True], 4))
    assert column_gaps._median_own_end([10.0, 10.2], [False, False], 2) == pytest.approx(10.1)  # of two columns no other gap tells


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([255.95], (64.5, 62.5)),  # four columns of 62.5 mm and three gaps of 2 mm
        ([256.25], (64.6, 62.5)),  # rows' ends are sharper than those of gaps
        ([249.95, 249.9], None),  # dashes of bars are no gaps
        ([], (64.5, 62.5)),
    ],
)
def test_gaps_have_to_agree_with_the_length_of_rows(lengths, expected):
    assert column_gaps.pitch_and_shown_mm((64.5, 62.45), lengths, 4, 62.5, 0.05) == (None if expected is None else pytest.approx(expected))


def test_breaks_where_levels_differ_are_no_gaps():
    assert column_gaps.pitch_and_shown_mm((62.7, 61.9), [], 4, 62.5, 0.05) is None


@pytest.mark.parametrize(
    ("ink", "expected"),
    [
        ([], [(12.5, 19.0)]),
        ([(15.0, 15.5)], [(12.5, 19.0)]),  # a bar
        ([(15.0, 17.0)], [(12.5, 15.0), (17.0, 19.0)]),  # a piece of trace
        ([(13.2, 13.7)], [(12.5, 13.2), (13.7, 19.0)]),  # the end of a faint trace
    ],
)
def test_a_bar_in_a_gap_divides_it_without_ending_it(monkeypatch, ink, expected):
    """A row at 10 px/mm, with ink up to 12.5 mm and from 19 mm on."""
    along = np.ones(300)
    along[125:190] = 0.0
    for begin, end in ink:
        along[round(10 * begin) : round(10 * end)] = 1.0
    monkeypatch.setattr(column_gaps, "ink_along", lambda strip, path, reach: along)
    monkeypatch.setattr(column_gaps, "_joined_ink", lambda strip, path, runs: np.zeros(300))
    path = SimpleNamespace(left_mm=0.0, scale=10.0)
    found = column_gaps._blanks_along(SimpleNamespace(whole=None, ink=None), path, (0.0, 30.0))
    assert [pytest.approx(gap, abs=0.1) for gap in expected] == found


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (0, 0, [(12.5, 14.0)]),  # both columns end level with the path, and paper is blank between them
        (8, 8, []),  # a spike, of which the path leaves out the tip
        (8, 0, [(13.3, 14.0)]),  # a flank before the gap
        (0, 8, [(12.5, 13.2)]),  # a flank after the gap
    ],
)
@pytest.mark.parametrize("other_row", [False, True])
def test_a_spike_that_a_path_leaves_out_is_no_gap(left, right, expected, other_row):
    """A row at 10 px/mm with a path at 2 mm; flanks that are `left` and `right` px wide and high rise from 12.5 and from 14 mm."""
    ink = np.zeros((30, 300), dtype=np.float32)
    ink[19:22, :125] = ink[19:22, 140:] = 1.0
    for k in range(left):
        ink[18 - k : 21 - k, 125 + k] = 1.0
    for k in range(right):
        ink[18 - k : 21 - k, 139 - k] = 1.0
    if other_row:
        ink[1:3] = 1.0
    strip, path = Strip(ink, 0.0, 0.0, 10.0), TracePath(np.full(300, 2.0), np.full(300, 2.0), 0.0, 10.0)
    found = column_gaps._blanks_along(SimpleNamespace(whole=strip, ink=None), path, (0.0, 29.0))
    assert [pytest.approx(gap, abs=0.11) for gap in expected] == found


def test_columns_that_lose_some_time_are_shorter_than_it():
    assert column_gaps.pitch_and_shown_mm((62.5, 59.95), [], 4, 62.5, 0.05) == pytest.approx((62.5, 60.0))


def seen_ends(network, ink, cut=(), touched=()):
    """Ends of rows in the network's map and in the picture's ink, as lists of left and of right ends; some rows are cut or touched left."""
    rows = range(len(network))
    return time_axis._SeenEnds(network, ink, CAP, 0.2, [(k in cut, False) for k in rows], [(k in touched, False) for k in rows])


def test_rows_with_two_ends_of_their_own_have_a_length():
    seen = seen_ends(
        [([20.0], [270.0]), ([20.0], []), ([], [270.0]), ([], []), ([20.0, 19.0], [269.0, 271.0])],
        [([20.0], [270.2]), ([20.0], [270.0]), ([20.0], [270.0]), ([20.0], [270.0]), ([], [269.0])],
    )
    assert seen.spans == [(20.0, 270.0), None, None, None, (20.0, 269.0)]
    # The picture's ink counts beside names' rows alone, that is where the network sees a trace as well.
    assert seen.lengths(4) == [[pytest.approx(250.0 - 2 * CAP), pytest.approx(250.2 - 2 * 0.2)], [pytest.approx(249.0 - 2 * CAP)]]
    assert seen.lengths(5) == [[pytest.approx(250.0 - 2 * CAP), pytest.approx(249.0 - 2 * CAP), pytest.approx(250.2 - 0.4)], []]
    assert seen.uncut_lengths() == [250.0, 249.0]


def test_rows_that_are_cut_or_touched_have_no_length_of_their_own():
    rows = [([20.0], [270.0])] * 3
    seen = seen_ends(rows, [([], [])] * 3, cut=[0], touched=[1])
    assert seen.own == [(False, True), (False, True), (True, True)]
    assert seen.lengths(3) == [[pytest.approx(250.0 - 2 * CAP)], []]
    assert seen.uncut_lengths() == [250.0, 250.0], "what a pulse makes longer tells the speed all the same"
