"""Where time runs on a page, part by part; whole pages are in test_digitize_page.py."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fastecg.digitizing import time_axis
from fastecg.digitizing.time_axis import End, TimeAxis, row_length_mm

#: Four columns of 2.5 s, 63 mm apart, of which 2.4 s are shown, and strips of 9.9 s, at 25 mm/s.
AXIS = TimeAxis(25.0, 10.0, 63.0, 2.5, 2.4, 9.9)
PLACED = SimpleNamespace(layout=SimpleNamespace(columns=range(4)), strips=1)


def test_rows_end_with_their_last_sample():
    assert row_length_mm(AXIS, 4, False, 0.002) == pytest.approx(3 * 63.0 + (2.4 - 0.002) * 25.0)
    assert row_length_mm(AXIS, 4, True, 0.002) == pytest.approx((9.9 - 0.002) * 25.0)


def test_both_ends_of_a_row_tell_the_same_start():
    cap, step = 0.2, 0.002
    left, right = 10.0 - cap, 10.0 + row_length_mm(AXIS, 4, False, step) + cap  # ink goes on beyond both
    ends = time_axis._ends(AXIS, PLACED, [([left], [right])], [(False, False)], [(False, False)], (), cap, step)
    assert [(end.kind, pytest.approx(end.x_mm)) for end in ends] == [("left", 10.0), ("right", 10.0)]
    assert time_axis._ends(AXIS, PLACED, [([left], [right])], [(True, True)], [(False, False)], (), cap, step) == []


def test_ends_that_a_pulse_runs_into_tell_nothing_where_others_do():
    ends = [End(10.0, "left"), End(10.02, "right"), End(10.2, "touched"), End(10.2, "touched"), End(10.2, "touched")]
    assert time_axis._start(ends, []) == pytest.approx(10.01)


def test_an_end_is_a_pulses_where_it_lies_in_one_or_beside_it():
    pulse = SimpleNamespace(left_mm=4.0, fall_mm=9.0, right_mm=9.6)
    for x, touched in ((3.8, True), (9.1, True), (9.8, True), (10.0, False), (3.5, False)):
        assert time_axis.runs_into(x, [pulse]) == touched
    assert not time_axis.runs_into(9.1, [])


def test_bars_are_looked_for_round_where_names_say_that_time_starts():
    bars = {3.0: 2, 7.5: 3, 16.5: 3}
    assert time_axis._start_of_bars(AXIS, lambda axis: bars.get(axis.start_mm, 0)) == 7.5
    assert time_axis._start_of_bars(AXIS, lambda axis: 0) is None


def test_the_longest_row_counts_if_another_agrees():
    assert time_axis._longest([200.0, 249.9, 249.8, 255.0], 250.0) == 249.9
    assert time_axis._longest([200.0, 249.9], 250.0) == 0.0
    assert time_axis._longest([249.9], 250.0) == 249.9
    assert time_axis._longest([255.0], 250.0) == 0.0


@pytest.mark.parametrize(
    ("inside", "outside", "share"), [(1.0, 0.0, 0.5), (0.6, 0.4, 0.5), (1.0, 0.4, 5 / 6), (0.5, 0.0, 0.0), (0.4, 0.3, 0.0)]
)
def test_ink_falls_to_one_half_between_two_columns(inside, outside, share):
    assert time_axis._crossing(inside, outside) == pytest.approx(share)
