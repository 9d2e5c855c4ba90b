"""Where rows begin and end by the fitted stroke, whose ink is whose where rows touch, and 0 mV by the heights of names."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from flat_page import FlatPage
from naive import capsule_union
from test_balance import FS, RECORD, left_mm, page_of

from fastecg.digitizing.coarse import Strip
from fastecg.digitizing.decode import shifted_right
from fastecg.digitizing.follow import assign_ink, follow_row
from fastecg.digitizing.gauss_newton import FittedPen
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import PageSegments, Segment, SegmentReading
from fastecg.digitizing.name_levels import levelled_by_names
from fastecg.digitizing.names import Name
from fastecg.digitizing.row_ends import Overhang, overhang_mm, start_delay_mm

SCALE = 8.0  # px/mm
PEN = FittedPen(1.0, 1.0, 0.5)
RADIUS = 1.2  # px


def page_ink(points_mm, shape=(160, 200)):
    coverage = capsule_union(SCALE * np.asarray(points_mm), np.full(len(points_mm), RADIUS), shape).astype(np.float32)
    return PictureInk(coverage, np.zeros(shape, bool), 0.003)


@pytest.mark.parametrize("way", [-1, 1])
@pytest.mark.parametrize("slope", [0.0, 0.8, -2.0])
@pytest.mark.parametrize("beyond", [-0.1, 0.0, 0.13, 0.3])
def test_how_far_ink_goes_beyond_a_row(way, slope, beyond):
    """A trace to x = 12 mm, drawn as long as told: its round cap is the stroke's own."""
    inwards = 12.0 - way * np.arange(0, 4, 0.05)
    trace = np.column_stack([inwards, 10.0 + slope * (inwards - 12.0)])
    end = 12.0 + way * beyond
    kept = trace[way * trace[:, 0] < way * end]
    drawn = np.vstack([kept[::-1], (end, 10.0 + slope * (end - 12.0))])
    found = overhang_mm(trace, FlatPage(SCALE), page_ink(drawn), PEN, RADIUS)
    assert found == pytest.approx(beyond, abs=0.02), "a fortieth of a pixel where the trace is level"


def test_an_end_beside_other_ink_tells_nothing():
    trace = np.column_stack([12.0 - np.arange(0, 4, 0.05), np.full(80, 10.0)])
    ink = page_ink(trace)
    hidden = ink.hidden.copy()
    hidden[:, int(12.2 * SCALE)] = True
    assert np.isnan(overhang_mm(trace, FlatPage(SCALE), PictureInk(ink.coverage, hidden, ink.noise), PEN, RADIUS))
    assert np.isnan(overhang_mm(trace + np.array([12.9, 0.0]), FlatPage(SCALE), ink, PEN, RADIUS)), "the picture's edge"


def ends(left, right, count=4, radius=0.133):
    return [Overhang(left, right, radius)] * count


@pytest.mark.parametrize("late", [-0.03, 0.0, 0.03])
@pytest.mark.parametrize("cap", [0.0, 0.014])
def test_both_ends_tell_the_start_whatever_the_cap(late, cap):
    assert start_delay_mm(ends(cap - late, cap + late), 0.025) == pytest.approx(late, abs=0.008)


def test_ends_on_one_side_tell_it_for_the_usual_caps():
    assert start_delay_mm(ends(np.nan, 0.054), 0.025) == pytest.approx(0.04, abs=0.012)
    assert start_delay_mm(ends(0.054, np.nan), 0.025) == pytest.approx(-0.04, abs=0.012)
    assert start_delay_mm(ends(np.nan, np.nan), 0.025) == pytest.approx(0.0, abs=1e-9)
    assert start_delay_mm([], 0.025) == pytest.approx(0.0, abs=1e-9)


def test_ends_on_one_side_tell_little_where_edges_are_soft():
    assert abs(start_delay_mm([Overhang(np.nan, -0.15, 0.3, 0.23)] * 4, 0.025)) < 0.006
    assert start_delay_mm([Overhang(-0.18, -0.12, 0.3, 0.23)] * 4, 0.025) == pytest.approx(0.03, abs=0.008)


def test_rows_that_end_early_do_not_move_the_start():
    assert abs(start_delay_mm(ends(0.014, -0.12), 0.025)) < 0.02
    assert abs(start_delay_mm(ends(np.nan, -0.2), 0.025)) < 0.02


def test_a_trace_taken_later_keeps_its_shape():
    rows = PageSegments((Segment("I", 0, 500, 2.0, 20.0, 10.0),), 25.0, 500.0)
    times = np.arange(500) / 20
    y = 20.0 + np.sin(times)
    y[100:110] = np.nan
    (moved,), there = shifted_right([SegmentReading(rows.segments[0], y, np.full(500, 0.01))], rows, 0.02)
    assert moved.segment == there.segments[0]
    assert moved.segment.x_mm == pytest.approx(2.02)
    known = np.isfinite(moved.y_mm)
    assert (known == np.isfinite(y)).all()
    known[95:115] = False
    known[[0, -2, -1]] = False
    assert moved.y_mm[known] == pytest.approx(20.0 + np.sin(times + 0.4 / 20)[known], abs=2e-3)


def test_a_spike_that_just_touches_the_row_above_stays_whole():
    """The lower row's spike ends a pixel below the upper row's trace, pale between: half of it was the upper row's."""
    ink = np.zeros((200, 300), np.float32)
    ink[59:62] = 0.9
    ink[159:162] = 0.9
    ink[159:162, 151:154] = 0.0
    ink[63:160, 148:151], ink[63:160, 154:157], ink[63:66, 148:157] = 0.9, 0.9, 0.9
    ink[62, 148:157] = 0.25
    strip = Strip(ink, 0.0, 0.0, SCALE)
    rows = [follow_row(strip, level / SCALE, 100 / SCALE, (0.0, 299 / SCALE)) for level in (60, 160)]
    shared = assign_ink(strip, rows)
    assert (shared[70:150, 149] == 2).all()
    assert (shared[60, :100] == 1).all()


def test_tips_of_spikes_that_overlap_belong_to_the_rows_from_which_they_rise():
    """A spike of the lower row stands beside one of the upper row, with pale ink between: it was cut off halfway along the overlap."""
    ink = np.zeros((200, 300), np.float32)
    ink[59:62], ink[159:162] = 0.9, 0.9
    ink[59:62, 156:159], ink[159:162, 149:151] = 0.0, 0.0
    ink[80:160, 146:149], ink[80:160, 151:154], ink[80:83, 146:154] = 0.9, 0.9, 0.9  # The lower row's.
    ink[60:140, 154:157], ink[60:140, 159:162], ink[138:141, 154:162] = 0.9, 0.9, 0.9  # The upper row's, which touches it.
    strip = Strip(ink, 0.0, 0.0, SCALE)
    rows = [follow_row(strip, level / SCALE, 100 / SCALE, (0.0, 299 / SCALE)) for level in (60, 160)]
    shared = assign_ink(strip, rows)
    assert (shared[81:158, [147, 152]] == 2).all()
    assert (shared[62:139, [155, 160]] == 1).all()


def named_page(wrong_mm, zero="isoelectric", offset=0.0, names_off=(0.0,) * 4, steady_mv=0.0):
    """A page whose names stand 6 mm below 0 mV, and its reading."""
    page, drawn = page_of(RECORD, np.array(wrong_mm), zero)
    drawn = [replace(item, y_mm=item.y_mm - 10.0 * steady_mv) for item in drawn]
    names = tuple(
        Name(item.lead, item.x_mm + 2.0, 40.0 * item.row + 6.0 + names_off[item.row] + offset, 0.95) for item in page.rows.segments
    )
    return replace(page, analysis=SimpleNamespace(names=names)), drawn


def test_names_tell_rows_their_level():
    wrong = np.array([0.6, -0.4, 0.3, -0.5])
    off = left_mm(levelled_by_names(*named_page(wrong)))
    assert np.ptp(off) < 0.25 * np.ptp(wrong)


def test_names_at_no_one_height_tell_nothing():
    wrong = np.array([0.1, -0.1, 0.0, 0.05])
    page, drawn = named_page(wrong, names_off=(0.0, 4.0, -3.0, 2.0))
    assert levelled_by_names(page, drawn) is page


def test_rows_with_pulses_tell_how_high_names_are():
    page, drawn = named_page(np.array([0.0, 0.0, 0.0, 0.8]))
    told = {0: "pulse", 1: "pulse", 2: "pulse", 3: "isoelectric"}
    segments = tuple(replace(item, zero=told[item.row]) for item in page.rows.segments)
    page = replace(page, rows=PageSegments(segments, 25.0, FS))
    off = left_mm(levelled_by_names(page, drawn))
    assert off[:3] == pytest.approx(0.0)
    assert abs(off[3]) < 0.1


def test_corrected_pages_keep_their_levels():
    page, drawn = named_page(np.array([0.6, -0.4, 0.3, -0.5]), zero="page")
    assert levelled_by_names(page, drawn) is page


def test_a_strip_whose_name_is_elsewhere_follows_its_column():
    page, drawn = named_page(np.array([0.5, -0.4, 0.3, -0.5]), names_off=(0.0, 0.0, 0.0, 1.5))
    off = left_mm(levelled_by_names(page, drawn))
    row = next(item.row for item in page.rows.segments if item.lead == "II" and not item.rhythm)
    assert off[3] == pytest.approx(off[row], abs=0.05)
    assert np.ptp(off) < 0.5


@pytest.mark.parametrize("to_line", [(-0.061, -0.059), (0.059, 0.061)])
def test_a_start_beside_a_5_mm_line_is_on_it(to_line):
    assert start_delay_mm([], 0.025, to_line) == pytest.approx(sum(to_line) / 2, abs=0.01)
    assert abs(start_delay_mm(ends(0.014, 0.014), 0.025, to_line)) < 0.02, "not where both ends say otherwise"


def test_a_start_far_from_5_mm_lines_is_where_it_was():
    assert start_delay_mm([], 0.025, (1.2, 1.32)) == pytest.approx(0.0, abs=1e-3)


def test_rows_with_pulses_tell_the_steady_voltage_of_others():
    page, drawn = named_page(np.array([0.0, 0.0, 7.0, 0.0]))
    told = {0: "pulse", 1: "pulse", 2: "isoelectric", 3: "pulse"}
    segments = tuple(replace(item, zero=told[item.row]) for item in page.rows.segments)
    off = left_mm(levelled_by_names(replace(page, rows=PageSegments(segments, 25.0, FS)), drawn))
    assert off[2] == pytest.approx(0.0, abs=0.1)
