"""Bars between columns of leads, and how leads go on behind them."""

from dataclasses import replace

import numpy as np
import pytest
from flat_page import FlatPage

from fastecg.digitizing.behind import continued, with_tips
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.joints import behind_bars, behind_pulses
from fastecg.digitizing.layout import PageSegments, Segment, SegmentReading
from fastecg.digitizing.pulses import Pulse

FS, SPEED = 500.0, 25.0
PX_MM = 8.0


def page(columns=3, rows=3, seconds=2.5):
    """Rows of leads that follow one another, and paper for them."""
    samples = round(seconds * FS)
    length = seconds * SPEED
    segments = tuple(
        Segment(f"L{row}{column}", column * samples, (column + 1) * samples, 10.0 + column * length, 20.0 + 25.0 * row, 10.0, row=row)
        for row in range(rows)
        for column in range(columns)
    )
    shape = round((40 + 25 * rows) * PX_MM), round((30 + length * columns) * PX_MM)
    return PageSegments(segments, SPEED, FS, 0.2), np.zeros(shape, dtype=np.float32)


def joints(layout):
    return sorted({segment.x_mm for segment in layout.segments})[1:]


def with_bars(layout, coverage, width_px=4, height_mm=7.0):
    """The same with a bar at every joint; where they are."""
    barred = np.zeros(coverage.shape, dtype=bool)
    for x in joints(layout):
        for y in sorted({segment.baseline_mm for segment in layout.segments}):
            left = round(x * PX_MM) - width_px // 2
            barred[round((y - height_mm / 2) * PX_MM) : round((y + height_mm / 2) * PX_MM), left : left + width_px] = True
    coverage[barred] = 1.0
    return barred


@pytest.mark.parametrize("width_px", [2, 4, 7])
def test_bars_are_found_where_they_are(width_px):
    layout, coverage = page()
    barred = with_bars(layout, coverage, width_px)
    for segment in layout.segments:  # traces that run through them
        row = round(segment.baseline_mm * PX_MM)
        coverage[row : row + 2, round(segment.x_mm * PX_MM) : round((segment.x_mm + 62) * PX_MM)] = 1.0
    hidden = behind_bars(layout, FlatPage(PX_MM), PictureInk(coverage, np.zeros(coverage.shape, dtype=bool), 0.01))
    assert hidden[barred].all()
    from scipy.ndimage import binary_dilation

    assert not hidden[~binary_dilation(barred, iterations=3)].any()


def test_a_complex_at_one_joint_is_no_bar():
    layout, coverage = page()
    x = round(joints(layout)[0] * PX_MM)
    coverage[round(14 * PX_MM) : round(28 * PX_MM), x - 1 : x + 2] = 1.0
    hidden = behind_bars(layout, FlatPage(PX_MM), PictureInk(coverage, np.zeros(coverage.shape, dtype=bool), 0.01))
    assert not hidden.any()


def beats(samples, every=300, width=12):
    """Triangular complexes on a level line, mm."""
    t = np.arange(samples)
    near = np.abs((t + every // 2) % every - every // 2)
    return 20.0 - 8.0 * np.clip(1.0 - near / width, 0.0, None)


def hidden_end(y, gap):
    """A lead whose last samples lie behind a bar, with what was read there: nothing."""
    layout, coverage = page(columns=1, rows=1)
    segment = layout.segments[0]
    x = round((segment.x_mm + (len(y) - gap) / FS * SPEED) * PX_MM)
    hidden = np.zeros(coverage.shape, dtype=bool)
    hidden[:, x:] = True
    read = y.copy()
    read[-gap:] = np.nan
    item = SegmentReading(segment, read, np.full(len(y), 0.02))
    return continued([item], layout, FlatPage(PX_MM), PictureInk(coverage, hidden, 0.01))[0]


def test_a_hidden_complex_goes_on_as_the_others_do():
    y = beats(1250, every=311)
    y = np.roll(y, 1246 - 1244)  # the last complex is cut in the middle
    found = hidden_end(y, 8)
    np.testing.assert_allclose(found.y_mm, y, atol=0.5)
    assert (found.sd_mm[-8:] > 0.3).all()
    assert (found.sd_mm[:-10] == 0.02).all()


def test_a_level_end_goes_on_level():
    y = np.full(1250, 20.0)
    found = hidden_end(y, 8)
    np.testing.assert_allclose(found.y_mm, y, atol=0.01)


def test_what_nobody_sees_for_long_stays_unread():
    y = beats(1250)
    found = hidden_end(y, 80)
    assert np.isnan(found.y_mm[-80:]).all()


def two_shapes(starts, samples=1250):
    """Beats of a lead whose level tail is the same after a tall and after a deep complex, and a strip that tells one from the other."""
    lead, strip = np.full(samples, 20.0), np.full(5000, 45.0)
    bump = np.hanning(31)
    for k, start in enumerate(starts):
        sign = 1.0 if k % 2 else -1.0
        lead[start : start + 31] += sign * 6.0 * bump[: samples - start]
        strip[start : start + 31] += sign * 3.0 * bump
    return lead, strip


@pytest.mark.parametrize("last", [0, 1])
def test_a_strip_tells_which_beat_is_hidden(last):
    """What a bar hides comes behind nothing but a level line: the strip shows which of two kinds of beats it is."""
    starts = [100, 300, 500, 700, 1240] if last == 0 else [100, 300, 500, 700, 900, 1240]
    y, strip_y = two_shapes(starts)
    layout, coverage = page(columns=1, rows=2, seconds=10)
    lead = replace(layout.segments[0], stop=1250)
    strip = replace(layout.segments[1], rhythm=True)
    hidden = np.zeros(coverage.shape, dtype=bool)
    x = round((lead.x_mm + 1240 / FS * SPEED) * PX_MM)
    hidden[: round(32 * PX_MM), x:] = True
    read = y.copy()
    read[1240:] = np.nan
    items = [SegmentReading(lead, read, np.full(1250, 0.02)), SegmentReading(strip, strip_y, np.full(5000, 0.02))]
    found = continued(items, layout, FlatPage(PX_MM), PictureInk(coverage, hidden, 0.01))
    np.testing.assert_allclose(found[0].y_mm, y, atol=0.3)
    np.testing.assert_array_equal(found[1].y_mm, strip_y)
    alone = continued(items[:1], layout, FlatPage(PX_MM), PictureInk(coverage, hidden, 0.01))[0]
    assert np.abs(alone.y_mm - y).max() > 1.0  # the lead by itself cannot know


def test_a_hole_within_a_lead_is_filled_as_another_beat_shows_it():
    y = beats(1250, every=300)
    layout, coverage = page(columns=1, rows=1)
    read = y.copy()
    read[592:604] = np.nan
    item = SegmentReading(layout.segments[0], read, np.full(1250, 0.02))
    found = continued([item], layout, FlatPage(PX_MM), PictureInk(coverage, np.zeros(coverage.shape, dtype=bool), 0.01))[0]
    np.testing.assert_allclose(found.y_mm, y, atol=0.05)
    assert (found.sd_mm[592:604] > 0.3).all()
    assert (np.delete(found.sd_mm, np.arange(592, 604)) == 0.02).all()


def test_a_hole_that_no_other_beat_explains_stays_unread():
    y = 20.0 + 3.0 * np.sin(np.linspace(0.0, 9.0, 1250) ** 2)  # never the same twice
    layout, coverage = page(columns=1, rows=1)
    read = y.copy()
    read[900:920] = np.nan
    item = SegmentReading(layout.segments[0], read, np.full(1250, 0.02))
    found = continued([item], layout, FlatPage(PX_MM), PictureInk(coverage, np.zeros(coverage.shape, dtype=bool), 0.01))[0]
    assert np.isnan(found.y_mm[900:920]).all()


def spike_at_a_letter(tip, letter):
    """Beats of one lead, of which the third was read only as far as `tip`, with a letter over 0.5 mm of the paper from `letter` upwards."""
    y = beats(1250, every=300)
    layout, coverage = page(columns=1, rows=1)
    segment = layout.segments[0]
    at = segment.x_mm + np.arange(len(y)) / FS * SPEED
    for x, height in zip(at, y, strict=True):  # the ink of all of it
        coverage[round(height * PX_MM) - 1 : round(20.3 * PX_MM), round(x * PX_MM)] = 1.0
    hidden = np.zeros(coverage.shape, dtype=bool)
    x = round(at[600] * PX_MM)
    hidden[round((letter - 0.5) * PX_MM) : round(letter * PX_MM), x - 8 : x + 8] = True
    read = y.copy()
    read[580:620] = np.maximum(read[580:620], tip)
    return y, SegmentReading(segment, read, np.full(len(y), 0.02)), layout, PictureInk(coverage, hidden, 0.01)


def test_a_spike_goes_on_behind_a_letter_as_the_others_do():
    y, item, layout, ink = spike_at_a_letter(tip=16.0, letter=15.5)
    (found,) = with_tips([item], layout, FlatPage(PX_MM), ink)
    np.testing.assert_allclose(found.y_mm, y, atol=0.3)
    assert (np.abs(found.y_mm - item.y_mm) > 0).sum() < 30


def test_a_spike_that_is_read_to_its_end_stays():
    _, item, layout, ink = spike_at_a_letter(tip=12.0, letter=11.4)
    (found,) = with_tips([item], layout, FlatPage(PX_MM), ink)
    np.testing.assert_array_equal(found.y_mm, item.y_mm)


def test_a_spike_that_stops_short_of_a_letter_stays():
    _, item, layout, ink = spike_at_a_letter(tip=16.0, letter=12.5)
    (found,) = with_tips([item], layout, FlatPage(PX_MM), ink)
    np.testing.assert_array_equal(found.y_mm, item.y_mm)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_flank_of_a_pulse_hides_the_end_that_it_runs_into(side):
    layout, coverage = page(columns=1, rows=2)
    segment = layout.segments[1]
    end = segment.x_mm if side == "left" else segment.x_mm + (segment.stop - 1) / FS * SPEED
    left = end - 5.0 if side == "left" else end
    pulse = Pulse(segment.baseline_mm, (10.0,), left, left + 5.0, 5.0, True, left + 5.0)
    ink = PictureInk(coverage, np.zeros(coverage.shape, dtype=bool), 0.01)
    hidden = behind_pulses(layout, FlatPage(PX_MM), ink, [pulse])
    rows, columns = np.nonzero(hidden)
    assert columns.min() / PX_MM == pytest.approx(end, abs=0.4)
    assert columns.max() / PX_MM == pytest.approx(end, abs=0.4)
    assert rows.max() / PX_MM < segment.baseline_mm - 0.25
    assert rows.min() / PX_MM == pytest.approx(segment.baseline_mm - 10.0, abs=0.6)
    apart = replace(pulse, left_mm=left - 2.0, right_mm=left + 3.0, fall_mm=left + 3.0)
    assert not behind_pulses(layout, FlatPage(PX_MM), ink, [apart]).any()
