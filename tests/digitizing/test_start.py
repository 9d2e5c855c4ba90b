"""Where time starts, by bars between columns and by the ends of rows; whole pages are in test_digitize_page.py."""

from __future__ import annotations

from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest

from fastecg.digitizing import bars, start
from fastecg.digitizing.bars import Bar, agreed_bars, frame_of_bars
from fastecg.digitizing.coarse import Strip
from fastecg.digitizing.follow import TracePath
from fastecg.digitizing.snapping import odd_width
from fastecg.digitizing.start import _Ends, _posterior_correction
from fastecg.digitizing.time_axis import TimeAxis

AXIS = TimeAxis(25.0, 10.0, 63.0, 2.5, 2.4, 9.9)
STEP = 25.0 / 500


def test_bars_tell_how_far_apart_columns_are_and_how_rows_fall(monkeypatch):
    found = [Bar(column, y, 0.1 + 0.002 * column * AXIS.pitch_mm + 0.003 * y) for column in (1, 2, 3) for y in (20.0, 50.0, 80.0)]
    monkeypatch.setattr(bars, "find_bars", lambda *_: found)
    farther, fall = frame_of_bars(AXIS, None, None, None)
    assert (farther, fall) == (pytest.approx(1.002), pytest.approx(-0.003))
    found[:] = found[:4]
    assert frame_of_bars(AXIS, None, None, None) == (1.0, 0.0)


def test_bars_count_where_most_of_a_column_agree():
    good = [Bar(column, y, 0.02) for column in (1, 2, 3) for y in (20.0, 50.0)]
    assert agreed_bars(good, 4) == [good[:2], good[2:4], good[4:]]
    assert agreed_bars([*good, Bar(1, 80.0, 0.4)], 4)[0] == good[:2]
    assert agreed_bars(good[:2], 4) == []


def drawn(x_mm, pixel_mm, odd):
    """Bars of a page that starts `x_mm` late as Agg draws them: on whole pixels, or half a pixel farther where they are odd."""
    out = []
    for column in (1, 2, 3):
        edge_px = (column * 62.5 + x_mm) / pixel_mm
        middle_px = np.floor(edge_px + 0.5) + 0.5 * odd
        out.append([Bar(column, y, middle_px * pixel_mm - column * 62.5, middle_px % 1.0) for y in (20.0, 50.0)])
    return out


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("pixel_mm", [0.085, 0.127, 0.169])
@pytest.mark.parametrize("pens", [0.5, 0.0])
def test_the_start_is_told_within_a_quarter_of_a_pixel(pixel_mm, odd, pens):
    """Whatever the pen adds to the right end, which alone is free; a bar stands at its column's first sample, or one before."""
    pen_mm, cap_mm = 0.34, 0.14
    off = []
    for late in np.arange(-0.1, 0.1, 0.013):
        by_ends = late + (pens * pen_mm - cap_mm)  # of a right end, less the cap that was thought
        found = drawn(late - 0.5 * STEP, pixel_mm, odd)
        moved = [[Bar(bar.column, bar.y_mm, bar.off_mm - by_ends, bar.pixel_phase) for bar in column] for column in found]
        off.append(by_ends + _posterior_correction(_Ends(by_ends, cap_mm, pen_mm, -1, by_pen=True), moved, pixel_mm, STEP)[0] - late)
    assert np.abs(np.mean(off)) < 0.02
    assert np.sqrt(np.mean(np.square(off))) < 0.25 * pixel_mm


def test_bars_that_agree_closely_were_not_rounded():
    """They tell the start better than ends whose cap is a guess, and even if the ends are those of something else."""
    rng = np.random.default_rng(0)
    for off_mm, most in ((-0.08, 0.04), (0.48, 0.05)):
        ends = _Ends(10.0, 0.14, 0.34, 1, by_pen=True)
        exact = [[Bar(column, y, off_mm + rng.normal(0, 0.006), np.nan) for y in (20.0, 50.0)] for column in (1, 2, 3)]
        told, sd = _posterior_correction(ends, exact, 0.127, STEP)
        assert abs(told - off_mm) < most
        rounded = [
            [Bar(bar.column, bar.y_mm, bar.off_mm + 0.05 * (column - 1), np.nan) for bar in bars] for column, bars in enumerate(exact)
        ]
        assert _posterior_correction(ends, rounded, 0.127, STEP)[1] > 0.9 * sd


def test_bars_alone_tell_where_no_end_does(monkeypatch):
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(4)), strips=1, tracks=(0,))
    analysis = SimpleNamespace(
        warp=SimpleNamespace(scale=8.0), layers=SimpleNamespace(zoom=1.0), tracks=[SimpleNamespace(cut=(True, True))]
    )
    straight, axis = SimpleNamespace(shown=True), TimeAxis(25.0, 9.0, 62.5, 2.5, 2.5, 10.0)
    monkeypatch.setattr(start, "_from_ends", lambda *_: _Ends(8.7, 0.14, 0.34, 1, by_pen=True))  # of the picture's edge
    monkeypatch.setattr(start, "find_bars", lambda *_: [*chain(*drawn(0.4, 0.125, False))])
    told = start.refine_start(axis, analysis, match, straight, (), (), 500.0).start_mm
    assert told == pytest.approx(9.4, abs=0.125)
    monkeypatch.setattr(start, "find_bars", lambda *_: [])
    assert start.refine_start(axis, analysis, match, straight, (), (), 500.0).start_mm == axis.start_mm


def upright(dashes_mm):
    """A page with upright ink 62.5, 125 and 187.5 mm right of 10 mm at two rows, in pieces (top, bottom) from the level of each."""
    scale = 8.0
    plane = np.zeros((round(90 * scale), round(260 * scale)), dtype=np.float32)
    for column in (1, 2, 3):
        x = round((10.0 + 62.5 * column) * scale)
        for level in (30.0, 60.0):
            for top, bottom in dashes_mm:
                plane[round((level + top) * scale) : round((level + bottom) * scale), x - 1 : x + 2] = 1.0
    return Strip(plane, 0.0, 0.0, scale)


@pytest.mark.parametrize(
    ("dashes_mm", "seen"),
    [
        ([(-5.0, -2.0)], True),
        ([(-5.6, -4.4), (-3.7, -2.5), (-1.8, -0.6), (0.6, 1.8)], True),  # a dashed bar
        ([(-4.6, -4.2), (-3.2, -2.8), (-1.9, -1.5)], False),  # the strokes of a letter
    ],
)
def test_bars_may_be_dashed_and_letters_are_none(dashes_mm, seen):
    ink = upright(dashes_mm)
    tracks = [SimpleNamespace(level_at=lambda x, level=level: np.full(len(x), level)) for level in (30.0, 60.0)]
    match = SimpleNamespace(tracks=(0, 1), strips=2, layout=SimpleNamespace(columns=range(4)))
    analysis = SimpleNamespace(tracks=tracks, warp=SimpleNamespace(forward=lambda at: at), layers=SimpleNamespace(to_picture=lambda at: at))
    axis = TimeAxis(25.0, 10.0, 62.5, 2.5, 2.5, 10.0)
    found = bars.find_bars(axis, analysis, match, SimpleNamespace(ink=ink, written=ink))
    assert len(found) == (6 if seen else 0)
    assert all(abs(bar.off_mm) < 0.1 for bar in found)


def test_an_odd_number_of_pixels_is_told_by_the_middle_of_one():
    for odd in (True, False):
        assert odd_width([bar.pixel_phase for bar in chain(*drawn(0.03, 0.127, odd))]) == odd
    assert not odd_width([0.1, 0.5, 0.9, 0.3])
    assert not odd_width([0.5])


def test_ends_alone_tell_where_both_are_free_or_no_bar_is_seen(monkeypatch):
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(4)), strips=1, tracks=(0,))
    analysis = SimpleNamespace(
        warp=SimpleNamespace(scale=8.0), layers=SimpleNamespace(zoom=1.0), tracks=[SimpleNamespace(cut=(True, False))]
    )
    straight, axis = SimpleNamespace(shown=True), TimeAxis(25.0, 9.0, 62.5, 2.5, 2.5, 10.0)
    monkeypatch.setattr(start, "find_bars", lambda *_: [*chain(*drawn(0.3, 0.125, False))])
    for way, moved in ((0, False), (-1, True)):
        monkeypatch.setattr(start, "_from_ends", lambda *_, way=way: _Ends(10.0, 0.14, 0.34, way, by_pen=True))
        assert (start.refine_start(axis, analysis, match, straight, (), (), 500.0).start_mm != 10.0) == moved
    monkeypatch.setattr(start, "find_bars", lambda *_: [])
    assert start.refine_start(axis, analysis, match, straight, (), (), 500.0).start_mm == 10.0


@pytest.mark.parametrize(("way", "by_pen", "rests"), [(-1, True, True), (1, True, True), (-1, False, False), (0, True, False)])
def test_a_start_told_by_one_side_and_no_bars_is_less_sure(monkeypatch, way, by_pen, rests):
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(4)), strips=1, tracks=(0,))
    analysis = SimpleNamespace(
        warp=SimpleNamespace(scale=8.0), layers=SimpleNamespace(zoom=1.0), tracks=[SimpleNamespace(cut=(True, False))]
    )
    straight, axis = SimpleNamespace(shown=True), TimeAxis(25.0, 9.0, 62.5, 2.5, 2.5, 10.0)
    monkeypatch.setattr(start, "find_bars", lambda *_: [])
    monkeypatch.setattr(start, "_from_ends", lambda *_: _Ends(10.0, 0.14, 0.34, way, by_pen=by_pen))
    found = start.refine_start(axis, analysis, match, straight, (), (), 500.0)
    assert (found.start_sd_mm > axis.start_sd_mm) == rests


def gapped_row(start_mm, pitch_mm, cap_mm, first=0, scale=8.0):
    """A level row of four columns of 2.4 s whose pen adds a cap at both ends of each, and the strip that shows it."""
    length = (2.4 - 1 / 500) * 25.0
    x = (np.arange(300 * round(scale)) + 0.5) / scale
    ink = np.zeros((round(20 * scale), len(x)), dtype=np.float32)
    for column in range(first, 4):
        begin = start_mm + column * pitch_mm - cap_mm
        share = np.clip((x - begin) * scale + 0.5, 0, 1) * np.clip((begin + length + 2 * cap_mm - x) * scale + 0.5, 0, 1)
        ink[79:81] = np.maximum(ink[79:81], share.astype(np.float32))
    path = np.full(len(x), 80 / scale)
    return Strip(ink, 0.5 / scale, 0.0, scale), TracePath(path, path, 0.5 / scale, scale)


@pytest.mark.parametrize("cap_mm", [0.0, 0.13, 0.2])
@pytest.mark.parametrize("first", [0, 1])
def test_columns_beside_gaps_tell_their_start_and_pitch(cap_mm, first):
    """Whatever the pen adds, and though the first column begins in a pulse."""
    strip, row = gapped_row(12.3, 64.56, cap_mm, first)
    pulses = [SimpleNamespace(left_mm=5.0, fall_mm=12.0, right_mm=12.3)] if first else []
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(4)), strips=1)
    axis = TimeAxis(25.0, 12.2, 64.5, 2.5, 2.4, 10.0)
    told = start._from_columns(axis, match, strip, [row], pulses, 500.0)
    assert (told.start_mm, told.pitch_mm) == (pytest.approx(12.3, abs=0.01), pytest.approx(64.56, abs=0.004))


def test_columns_whose_ends_contradict_each_other_tell_nothing():
    strip, row = gapped_row(12.3, 64.56, 0.13)
    second = slice(round(76 * 8.0), round(139 * 8.0))
    strip.ink[:, second] = np.roll(strip.ink[:, second], 2, axis=1)
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(4)), strips=1)
    assert start._from_columns(TimeAxis(25.0, 12.2, 64.5, 2.5, 2.4, 10.0), match, strip, [row], [], 500.0) is None


@pytest.mark.parametrize("cap_mm", [0.08, 0.13])
def test_rows_whose_ends_are_both_free_tell_how_far_the_pen_reaches(cap_mm):
    """By their length, which is known; the pen's width tells less well."""
    scale = 8.0
    x = (np.arange(280 * round(scale)) + 0.5) / scale
    first, last = 12.3 - cap_mm, 12.3 + (10.0 - 1 / 500) * 25.0 + cap_mm
    y_px = 80.0 + 12.0 * np.sin(x / 4.0)  # a straight line is no trace
    ink = np.clip(1.5 - np.abs(np.arange(160)[:, None] - y_px), 0, 1).astype(np.float32)
    ink *= np.clip((x - first) * scale + 0.5, 0, 1) * np.clip((last - x) * scale + 0.5, 0, 1)
    strip, row = Strip(ink, 0.5 / scale, 0.0, scale), TracePath(y_px / scale, y_px / scale, 0.5 / scale, scale)
    match = SimpleNamespace(layout=SimpleNamespace(columns=range(4)), strips=3)
    told = start._from_ends(TimeAxis(25.0, 12.2, 62.5, 2.5, 2.5, 10.0), match, strip, [row] * 3, [], 500.0)
    assert not told.by_pen
    assert told.cap_mm == pytest.approx(cap_mm, abs=0.02)
    assert told.start_mm == pytest.approx(12.3, abs=0.02)


@pytest.mark.parametrize("late", [0.1, 0.9, -0.85])
def test_bars_at_the_edge_of_where_they_are_looked_for_are_looked_for_again(monkeypatch, late):
    """A bar 0.7 mm wide is seen in part there, and its middle is that of the part."""

    def seen(axis, *_):
        off = AXIS.start_mm + late - axis.start_mm
        low, high = max(off - 0.35, -bars.REACH_MM), min(off + 0.35, bars.REACH_MM)
        return [Bar(column, y, (low + high) / 2, 0.1 * column) for column in (1, 2, 3) for y in (20.0, 50.0)]

    monkeypatch.setattr(start, "find_bars", seen)
    monkeypatch.setattr(start, "_from_ends", lambda *_: None)
    monkeypatch.setattr(start, "_from_columns", lambda *_: None)
    analysis = SimpleNamespace(
        tracks=[SimpleNamespace(cut=(False, False))], layers=SimpleNamespace(zoom=1.0), warp=SimpleNamespace(scale=7.87)
    )
    match = SimpleNamespace(tracks=(0,), layout=SimpleNamespace(columns=(1, 2, 3, 4)))
    found = start.refine_start(AXIS, analysis, match, SimpleNamespace(shown=object()), [], [], 500.0)
    assert late < found.start_mm - AXIS.start_mm < late + STEP / 2 + 0.01
