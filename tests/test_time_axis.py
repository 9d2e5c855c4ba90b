"""Where time runs on a page, part by part; whole pages are in test_digitize_page.py."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fastecg.digitizing import time_axis
from fastecg.digitizing.time_axis import TimeAxis, _Bar, _End, frame_of_bars, row_length_mm, sharper

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
    ends = [_End(10.0, "left"), _End(10.02, "right"), _End(10.2, "touched"), _End(10.2, "touched"), _End(10.2, "touched")]
    assert time_axis._start(ends, []) == pytest.approx(10.01)


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


def test_bars_tell_how_far_apart_columns_are_and_how_rows_fall(monkeypatch):
    bars = [_Bar(column, y, 0.1 + 0.002 * column * AXIS.pitch_mm + 0.003 * y) for column in (1, 2, 3) for y in (20.0, 50.0, 80.0)]
    monkeypatch.setattr(time_axis, "_bars", lambda *_: bars)
    farther, fall = frame_of_bars(AXIS, None, PLACED, SimpleNamespace(ink=True))
    assert (farther, fall) == (pytest.approx(1.002), pytest.approx(-0.003))
    bars[:] = bars[:4]
    assert frame_of_bars(AXIS, None, PLACED, SimpleNamespace(ink=True)) == (1.0, 0.0)


@pytest.mark.parametrize(("px_per_mm", "least", "most"), [(20.0, 0.85, 0.95), (2.0, 0.05, 0.1)])
def test_bars_count_the_more_the_finer_a_picture_is(monkeypatch, px_per_mm, least, most):
    """Half way between the samples, but for half a mm; ends are known to a twentieth of one."""
    axis = TimeAxis(25.0, 10.0, 62.5, 2.5, 2.5, 10.0)
    step = time_axis._BAR_STEPS / 500 * 25.0
    bars = [_Bar(column, y, 0.5 - step) for column in (1, 2, 3) for y in (20.0, 50.0)]
    monkeypatch.setattr(time_axis, "_by_ends", lambda *_: (axis, False))
    monkeypatch.setattr(time_axis, "_bars", lambda *_: bars)
    view = SimpleNamespace(warp=SimpleNamespace(scale=px_per_mm), layers=SimpleNamespace(zoom=1.0))
    moved = sharper(axis, view, PLACED, SimpleNamespace(shown=True, ink=True), (), (), 500.0).start_mm - axis.start_mm
    assert least < moved / 0.5 < most
