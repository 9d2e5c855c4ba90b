"""Where traces may be wrong: ink beside them that belongs to no trace, and ink that two of them share."""

import numpy as np
import pytest
from flat_page import FlatPage
from test_digitize_page import page, true_view_layers

from fastecg.digitizing.analysis import analyse_layers
from fastecg.digitizing.decode import Decoded
from fastecg.digitizing.doubts import Doubt, find_doubts, flags_of, sd_with_doubts
from fastecg.digitizing.layout import PageSegments, Segment
from fastecg.digitizing.reading import lay_out, read_traces
from fastecg.digitizing.report import report_of
from fastecg.digitizing.settings import Settings
from fastecg.kernels.capsule import stroke_polyline
from fastecg.record import Record

SCALE = 8.0  # px/mm
X = 5.0 + np.arange(1250) * 0.05  # Page x of 2.5 s at 25 mm/s and 500 Hz, mm.
SPIKE = 12.0 * np.exp(-(((X - 30.0) / 0.3) ** 2))  # mm, 1 s after the start of the trace.
ROWS = PageSegments((Segment("V1", 0, 1250, 5.0, 10.0, 10.0, row=0), Segment("V2", 1250, 2500, 5.0, 25.0, 10.0, row=1)), 25.0, 500.0, 0.25)


def found_of(drawn_mm, read_mm):
    """Doubts about traces with the page y `read_mm` of both rows, where the page shows those with `drawn_mm`."""
    ink = np.zeros((300, 600), np.uint8)
    for y in drawn_mm:
        stroke_polyline(SCALE * np.column_stack([X, y]), 2.0, ink)
    traces = [(segment, np.column_stack([X, y])) for segment, y in zip(ROWS.segments, read_mm, strict=True)]
    return find_doubts(traces, ROWS, ink / np.float32(255), FlatPage(SCALE))


def test_traces_on_their_ink_are_not_doubted():
    drawn = np.full(1250, 10.0), 25.0 - SPIKE
    assert found_of(drawn, drawn) == []
    unread = drawn[1].copy()
    unread[:100] = np.nan
    assert found_of(drawn, (drawn[0], np.where(X < 8.0, 25.0, unread))) == []


@pytest.mark.parametrize("missing", [np.full(1250, 25.0), np.where(SPIKE > 1.0, np.nan, 25.0)], ids=["flat", "not read"])
def test_a_spike_that_was_not_followed_is_doubted(missing):
    (doubt,) = found_of((np.full(1250, 10.0), 25.0 - SPIKE), (np.full(1250, 10.0), missing))
    assert (doubt.segment.lead, doubt.shared) == ("V2", False)
    assert doubt.start_s < 2.5 + 1.0 < doubt.stop_s
    assert doubt.height_mm == pytest.approx(12.0, abs=1.5)


def test_remains_of_letters_are_no_spikes():
    drawn = np.full(1250, 10.0), 25.0 - 0.1 * SPIKE
    assert found_of(drawn, (np.full(1250, 10.0), np.full(1250, 25.0))) == []


def test_a_spike_that_two_rows_follow_is_doubted_in_both():
    """The upper row's S wave ends in the lower row's R wave, and both traces follow the same ink."""
    read = 10.0 + SPIKE, 25.0 - SPIKE
    found = found_of(read, read)
    assert {doubt.segment.lead for doubt in found} == {"V1", "V2"}
    assert all(doubt.shared and abs((doubt.start_s + doubt.stop_s) / 2 % 2.5 - 1.0) < 0.05 for doubt in found)
    crossed = 10.0 + 1.3 * SPIKE, np.full(1250, 25.0)
    assert found_of(crossed, crossed) == [], "traces that only cross share little ink"


def test_doubts_raise_the_deviation_and_are_flagged():
    record = Record(np.zeros((2, 2500), np.float32), 500.0, ("V1", "V2"), "x")
    sd = np.full((2, 2500), 0.01)
    sd[1, 1760] = np.nan
    doubts = [Doubt(ROWS.segments[1], 3.49, 3.53, 12.0, False), Doubt(ROWS.segments[0], -0.12, 0.1, 3.0, True)]
    raised = sd_with_doubts(Decoded(record, sd, ROWS, FlatPage(SCALE)), doubts)
    assert raised[1, 1750] == pytest.approx(0.6)
    assert np.isnan(raised[1, 1760])
    assert raised[1, [1700, 1800]] == pytest.approx(0.01)
    assert raised[0, [0, 40]] == pytest.approx(0.15)
    assert (sd[0] == 0.01).all()
    assert flags_of(doubts) == [
        "traces that may be wrong, since ink beside them belongs to no trace: V2 at 3.5 s",
        "traces that may be wrong, since they share ink: V1 at 0.0 s",
    ]
    assert flags_of([]) == []


def test_ink_that_was_left_out_is_told_in_the_report():
    photo = page()
    laid_out = lay_out(analyse_layers(true_view_layers(photo), None), Settings())
    assert read_traces(laid_out).doubts == ()
    trace = next(item for item in photo.truth.traces if item.lead == "V2")
    x, y = trace.points[len(trace.points) // 2]
    spike = np.zeros(laid_out.analysis.layers.maps.shape[1:], np.uint8)
    stroke_polyline(np.array([[x, y], [x, y - 40.0]]), 2.0, spike)
    laid_out.analysis.layers["trace"][spike > 0] = 1.0  # After ink was shared out, so that no row has it.
    reading = read_traces(laid_out)
    told = {item["lead"]: item["doubtful"] for item in report_of(reading)["segments"] if item["doubtful"]}
    assert list(told) == ["V2"]
    ((start_s, stop_s),) = told["V2"]
    assert start_s < (trace.start + len(trace.points) // 2) / photo.record.fs < stop_s
    assert "may be wrong" in reading.decoded.flags[0]
