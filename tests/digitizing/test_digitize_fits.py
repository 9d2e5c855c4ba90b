"""How traces are fitted: where a fit starts, which of two counts, and what is done where a trace is hidden."""

from dataclasses import replace

import numpy as np
import pytest
from flat_page import FlatPage
from test_digitize_page import page, true_view_layers

from fastecg.digitizing.analysis import analyse_layers
from fastecg.digitizing.coarse import Strip, along_ink, column_means
from fastecg.digitizing.decode import _moved_onto, _without_contradictions, read_segments
from fastecg.digitizing.gauss_newton import STAGES, StrokeProblem, fit_stroke
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.judge import strips_by_trace
from fastecg.digitizing.layout import PageSegments, Segment, SegmentReading
from fastecg.digitizing.reading import lay_out
from fastecg.digitizing.refine import bridged, refined, weight_of_second_fit
from fastecg.digitizing.settings import Settings
from fastecg.digitizing.time_axis import End, _agreed_start
from fastecg.kernels.line import stroke_trace

SCALE = 8.0  # px/mm


def inked(x, y, shape=(320, 260)):
    plane = np.zeros(shape, np.uint8)
    stroke_trace(np.column_stack([x, y]), 2.0, plane)
    return plane / np.float32(255)


@pytest.mark.parametrize("way", [-1, 1])
def test_a_fit_along_the_ink_explains_a_tall_narrow_spike(way):
    """A complex of 50 mm whose spikes are three pixels wide: from the middle of every column a fit cannot find its tips."""
    i = np.arange(600)
    x = i * 0.4 + 6
    y = 300 + way * 200 * (np.exp(-(((i - 300) / 2.2) ** 2)) - np.exp(-(((i - 305) / 2.2) ** 2)))
    ink = inked(x, y, (620, 260))
    strip = Strip(ink, 0.0, 0.0, SCALE)
    followed, means = SCALE * along_ink(strip, x / SCALE, 2.0 / SCALE), SCALE * column_means(strip, x / SCALE)
    assert np.ptp(followed) == pytest.approx(np.ptp(y), abs=20)
    assert np.ptp(means) < np.ptp(y) - 60
    levels = np.arange(0.0, 640.0, 8.0)
    stroke = StrokeProblem(ink, np.stack([np.column_stack([x, np.full_like(x, level)]) for level in levels]), 8.0, 1.0)
    assert fit_stroke(stroke, followed, STAGES[2:]).residual < 0.5 * fit_stroke(stroke, means).residual


def test_a_path_ignores_ink_it_does_not_hang_together_with():
    x = np.arange(600) * 0.4 + 6
    ink = inked(x, np.full(600, 160.0))
    ink[40:80, 100:103] = 1.0
    assert np.abs(SCALE * along_ink(Strip(ink, 0.0, 0.0, SCALE), x / SCALE, 2.0 / SCALE) - 160).max() < 1


@pytest.mark.parametrize("way", [-1, 1])
def test_a_spike_runs_on_behind_a_letter(way):
    i = np.arange(600)
    x = i * 0.4 + 6
    y = 160 + way * 130 * np.exp(-(((i - 300) / 3.0) ** 2))
    ink, behind = inked(x, y), np.zeros((320, 260), bool)
    behind[160 + way * 70 : 160 + way * 90 : way] = True
    strip = Strip(np.where(behind, np.float32(0), ink), 0.0, 0.0, SCALE)
    tip = (way * y).max()
    assert tip - (way * SCALE * along_ink(strip, x / SCALE, 2.0 / SCALE, behind)).max() < 3
    assert tip - (way * SCALE * along_ink(strip, x / SCALE, 2.0 / SCALE)).max() > 30


def page_of_planes(*points, shape):
    """Planes of the ink of several traces (n, 2), in px, and segments for them, on a flat page."""
    planes = []
    for trace in points:
        planes.append(np.zeros(shape, np.uint8))
        stroke_trace(trace, 2.0, planes[-1])
    starts = [(trace[0, 0] / SCALE, np.median(trace[:, 1]) / SCALE) for trace in points]
    segments = (Segment(f"V{k}", 0, len(points[0]), x, y, 10.0, row=k) for k, (x, y) in enumerate(starts, 1))
    return planes, PageSegments(tuple(segments), 25.0, 500.0, 2.0 / SCALE)


def test_flanks_of_a_tall_spike_are_read():
    """Along the vertical, the deviation of a flank whose slope is 100 is some pixels: all such flanks counted as not read."""
    i = np.arange(1000)
    y = 640 - 560 * np.exp(-(((i - 500) / 4.0) ** 2))
    planes, rows = page_of_planes(np.column_stack([6 + 0.4 * i, y]), shape=(700, 420))
    noise = np.random.default_rng(0).normal(0.0, 40.0, planes[0].shape) * (planes[0] > 0)
    planes[0] = np.clip(planes[0] + noise, 0, 255).astype(np.uint8)
    (read,) = read_segments(planes, rows, FlatPage(SCALE), "stroke_fit")
    assert np.isfinite(read.y_mm).all()
    slope = np.hypot(1.0, np.gradient(y, 0.4))
    assert np.quantile(np.abs(read.y_mm * SCALE - y) / slope, 0.98) < 0.5  # Across the trace, px.


def test_ink_of_another_row_is_left_out_where_it_crosses_a_trace():
    """A spike of one row crosses a wave of another. The plane of the wave lacks the ink that the spike took, which is no bare paper."""
    i = np.arange(1000)
    x = 6 + 0.4 * i
    wave = 160 + 30 * np.sin(i / 60)
    spike = 40 + 240 * np.exp(-(((i - 580) / 4.0) ** 2))
    planes, rows = page_of_planes(np.column_stack([x, wave]), np.column_stack([x, spike]), shape=(320, 420))
    planes[0][planes[1] > 40] = 0
    read, _ = read_segments(planes, rows, FlatPage(SCALE), "stroke_fit")
    assert np.isfinite(read.y_mm).all()
    assert np.abs(read.y_mm * SCALE - wave)[500:660].max() < 0.3


@pytest.fixture(scope="module")
def laid_out():
    photo = page()
    return lay_out(analyse_layers(true_view_layers(photo), None), Settings())


def test_a_rhythm_strip_is_named_after_what_it_shows(laid_out):
    segments = tuple(replace(item, lead="I") if item.rhythm else item for item in laid_out.rows.segments)
    misread = replace(laid_out, rows=replace(laid_out.rows, segments=segments))
    drawn = list(read_segments(misread.by_segment, misread.rows, misread.analysis.warp, "centroid"))
    mended = strips_by_trace(misread, drawn)
    assert mended.rows == laid_out.rows
    assert mended.flags[-1] == "a rhythm strip named I repeats the column of lead II: it is taken for that lead"


def test_a_rhythm_strip_keeps_its_name_where_nothing_speaks_against_it(laid_out):
    drawn = list(read_segments(laid_out.by_segment, laid_out.rows, laid_out.analysis.warp, "centroid"))
    assert strips_by_trace(laid_out, drawn).flags == laid_out.flags
    without = [item for item in drawn if item.segment.rhythm or item.segment.lead != "II"]
    assert strips_by_trace(laid_out, without).rows == laid_out.rows, "its own lead is not there to compare"


def row_of(gap, hidden):
    """A level trace with a gap, and an ink that is hidden there or not."""
    rows = PageSegments((Segment("I", 0, 500, 2.0, 20.0, 10.0),), 25.0, 500.0)
    y, sd = np.full(500, 20.0), np.full(500, 0.01)
    y[gap], sd[gap] = np.nan, np.nan
    x = 2.0 + np.arange(500) * 0.05
    coverage = inked(SCALE * x, np.full(500, SCALE * 20.0))
    mask = np.zeros(coverage.shape, bool)
    if hidden:
        mask[150:170, int(SCALE * x[gap][0]) - 4 : int(SCALE * x[gap][-1]) + 4] = True
    return [SegmentReading(rows.segments[0], y, sd)], rows, PictureInk(coverage, mask, 0.003)


@pytest.mark.parametrize(("gap", "hidden", "filled"), [
    (slice(200, 260), True, True),
    (slice(200, 260), False, False),
    (slice(100, 300), True, False),
    (slice(0, 40), True, False),
])  # fmt: skip
def test_traces_run_on_under_a_word(gap, hidden, filled):
    drawn, rows, ink = row_of(gap, hidden)
    (found,) = bridged(drawn, rows, FlatPage(SCALE), ink)
    assert np.isfinite(found.y_mm[gap]).all() == filled
    if filled:
        assert found.y_mm == pytest.approx(20.0)
        assert (found.sd_mm[gap] > 10 * found.sd_mm[0]).all(), "told as uncertain"


def test_where_the_picture_tells_nothing_the_first_fit_stays():
    drawn, rows, ink = row_of(slice(0, 0), hidden=False)
    covered, seen_part = slice(150, 350), np.r_[0:130, 370:500]
    first = [replace(drawn[0], y_mm=drawn[0].y_mm + 0.1 * np.sin(np.arange(500) / 9))]
    x = SCALE * first[0].x_mm(rows)
    hidden = ink.hidden.copy()
    hidden[:, int(x[covered][0]) : int(x[covered][-1])] = True
    (found,), _ = refined(first, rows, FlatPage(SCALE), PictureInk(ink.coverage, hidden, ink.noise))
    middle = slice(180, 320)
    assert found.y_mm[middle] == pytest.approx(first[0].y_mm[middle])
    assert found.sd_mm[middle] == pytest.approx(first[0].sd_mm[middle])
    assert np.abs(found.y_mm - 20.0)[seen_part].max() < 0.05, "elsewhere it is the picture that tells"


def test_other_ink_does_not_lead_the_second_fit_away():
    drawn, rows, ink = row_of(slice(0, 0), hidden=False)
    coverage = ink.coverage.copy()
    left = int(SCALE * (2.0 + 250 * 0.05))
    coverage[130:160, left : left + 2] = 1.0  # an upright bar that touches the trace
    (found,), _ = refined(drawn, rows, FlatPage(SCALE), PictureInk(coverage, ink.hidden, ink.noise))
    assert np.abs(found.y_mm - 20.0).max() < 0.3


def test_records_may_end_early_but_none_begins_late():
    def ends(x, kind, count=4):
        return [End(x, kind)] * count

    assert _agreed_start(ends(17.5, "left") + ends(14.4, "right"), []) == pytest.approx(17.5), "four short rows"
    scattered = [End(x, "left") for x in (17.1, 17.4, 17.7, 18.0)]
    assert _agreed_start(scattered + ends(10.4, "right"), []) == pytest.approx(17.55, abs=0.5), "rows of curved paper"
    assert _agreed_start(ends(17.5, "left", 1) + ends(14.4, "right"), []) == pytest.approx(14.4), "one end may be anything"
    assert _agreed_start(ends(17.5, "touched") + ends(17.1, "right"), []) == pytest.approx(17.1), "where pulses touch, ends are guesses"
    assert _agreed_start(ends(17.52, "touched") + ends(17.48, "right"), []) == pytest.approx(17.48), (
        "both sides agree: the clear ones count"
    )


@pytest.mark.parametrize("late", [0, 40])
def test_two_readings_of_a_lead_are_merged_only_where_they_agree(late):
    i = np.arange(1000)
    beats = sum(np.exp(-(((i - at) / 6.0) ** 2)) for at in range(100, 1000, 200))
    column = SegmentReading(Segment("II", 0, 500, 0.0, 0.0, 10.0), -10.0 * beats[:500], np.full(500, 0.01))
    strip = SegmentReading(
        Segment("II", 0, 1000, 0.0, 30.0, 10.0, rhythm=True, row=1), 30.0 - 10.0 * np.roll(beats, late), np.full(1000, 0.01)
    )
    flags = []
    kept, other = _without_contradictions([column, strip], 500.0, flags)
    assert kept is column
    assert bool(flags) == bool(late)
    assert np.isnan(other.y_mm[:500]).all() == bool(late)
    assert np.isfinite(other.y_mm[500:]).all()


@pytest.mark.parametrize(("late", "gain"), [(7.3, 10.0), (-7.3, 10.0), (7.3, -10.0), (0.0, 5.0)])
def test_a_column_is_moved_onto_the_strip_that_repeats_it(late, gain):
    """`late` samples, and 0.05 mV too high: the mean of both would have a step where the column ends."""
    i = np.arange(1000.0)

    def beats(at):
        return sum(np.exp(-(((at - centre) / 6.0) ** 2)) for centre in range(100, 1000, 200))

    strip = SegmentReading(Segment("II", 0, 1000, 0.0, 30.0, 10.0, rhythm=True, row=1), 30.0 - 10.0 * beats(i), np.full(1000, 0.01))
    y = -gain * (beats(i[:500] - late) + 0.05)
    y[200:220] = np.nan
    column = SegmentReading(Segment("II", 0, 500, 0.0, 0.0, gain), y, np.full(500, 0.01))
    moved = _moved_onto(strip, column, 500.0).millivolts
    known = np.isfinite(moved)
    np.testing.assert_allclose(moved[known], beats(i[:500])[known], atol=0.004)
    assert 455 < known.sum() <= 480
    other = SegmentReading(column.segment, y * np.sin(i[:500] / 5.0), column.sd_mm)
    assert _moved_onto(strip, other, 500.0) is other


@pytest.mark.parametrize("case", ["apart", "unread", "flat"])
def test_readings_that_cannot_be_compared_do_not_contradict_each_other(case):
    beats = 10.0 * np.sin(np.arange(1000) / 9.0) * (case != "flat")
    column = SegmentReading(Segment("II", 0, 500, 0.0, 0.0, 10.0), beats[:500] if case != "unread" else np.full(500, np.nan), beats[:500])
    begin = 400 if case == "apart" else 0  # 0.2 s in common
    strip = SegmentReading(Segment("II", begin, begin + 1000, 0.0, 30.0, 10.0, rhythm=True, row=1), 30.0 - beats, beats)
    flags = []
    kept = _without_contradictions([column, strip], 500.0, flags)
    assert not flags
    assert kept == [column, strip]


def test_a_row_of_noisy_ink_is_trusted_less():
    trust = [weight_of_second_fit(sd) for sd in (0.0, 0.07, 0.2, 0.25, 0.5, 2.0)]
    assert trust[0] == 1.0
    assert trust == sorted(trust, reverse=True)
    assert trust[3] == 0.5
    assert trust[4] < 0.1
