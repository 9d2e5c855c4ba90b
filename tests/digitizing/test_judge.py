"""How sure a reading is of itself."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from fastecg.digitizing.judge import SURE, LaidOutPage, beats_agree, judged
from fastecg.digitizing.layout import PageSegments, Segment, SegmentReading
from fastecg.simulation import simulate


def row_of_leads(name, others=()):
    """A page of four leads in one row, in a layout called `name`, with other matches; and its readings."""
    record = simulate("sinus", fs=500.0, seed=3)
    segments = tuple(Segment(lead, 1250 * k, 1250 * (k + 1), 62.5 * k, 40.0, 10.0) for k, lead in enumerate(("V1", "V6", "aVR", "II")))
    drawn = []
    for item in segments:
        y = 40.0 - 10.0 * record.lead(item.lead)[item.start : item.stop]
        drawn.append(SegmentReading(item, y, 0 * y + 0.02))
    match = SimpleNamespace(found=4, cells=dict.fromkeys(range(4)), score=9.0, layout=SimpleNamespace(name=name))
    return LaidOutPage(SimpleNamespace(matches=others, names=()), match, PageSegments(segments, 25.0, 500.0), (), 10.0, ()), drawn


@pytest.mark.parametrize(("name", "sure"), [("1x4", False), ("3x4", True)])
def test_a_layout_that_is_none_has_to_be_checked_by_its_leads(name, sure):
    """Names are read on any plot, and make a layout; one row of leads, one after the other, has no sums, no strip and no common beats."""
    found = judged(*row_of_leads(name))
    assert (found.confidence >= SURE) == sure
    assert any("order uncertain" in flag for flag in found.flags) != sure


def test_the_flag_agrees_with_the_confidence_that_is_kept():
    """0.7996 is kept as 0.8, which is sure."""
    alone = judged(*row_of_leads("3x4")).confidence
    margin = -0.8 * math.log(1.0 - 0.7996 / alone)
    page, drawn = row_of_leads("3x4", (SimpleNamespace(score=9.0 - margin, same_order=lambda match: False),))
    found = judged(page, drawn)
    assert found.confidence == SURE
    assert found.flags == ()


def columns_of(record, together, strip=False):
    """Readings of three rows of four columns, which show the same 2.5 s if `together`, or else the seconds after one another."""
    rows = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
    drawn = []
    for row, leads in enumerate(rows):
        for column, lead in enumerate(leads):
            item = Segment(lead, 1250 * column, 1250 * (column + 1), 62.5 * column, 40.0, 10.0, row=row)
            first = 0 if together else item.start
            y = 40.0 - 10.0 * record.lead(lead)[first : first + 1250]
            drawn.append(SegmentReading(item, y, 0 * y + 0.02))
    if strip:
        y = 40.0 - 10.0 * record.lead("II")
        drawn.append(SegmentReading(Segment("II", 0, 5000, 0.0, 40.0, 10.0, rhythm=True, row=3), y, 0 * y + 0.02))
    return drawn


@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize("together", [False, True])
def test_sums_of_leads_tell_whether_columns_show_the_same_seconds(together, strip):
    record = simulate("atrial_fibrillation", fs=500.0, seed=3)
    assert beats_agree(columns_of(record, together, strip), record.fs) == together


def test_columns_of_a_whole_number_of_beats_are_not_simultaneous_if_their_sums_are_not_zero():
    """At 72 beats a minute, all columns beat alike; here those after the first show other leads' voltages."""
    record = simulate("sinus", fs=500.0, seed=3)
    drawn = columns_of(record, together=True)
    for item in drawn:
        if item.segment.start:
            item.y_mm[:] = 80.0 - item.y_mm  # The same beats, upside down.
    assert not beats_agree(drawn, record.fs)
