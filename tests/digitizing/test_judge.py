"""How sure a reading is of itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fastecg.digitizing.judge import SURE, LaidOutPage, judged
from fastecg.digitizing.layout import PageSegments, Segment, SegmentReading
from fastecg.simulation import simulate


@pytest.mark.parametrize(("name", "sure"), [("1x4", False), ("3x4", True)])
def test_a_layout_that_is_none_has_to_be_checked_by_its_leads(name, sure):
    """Names are read on any plot, and make a layout; one row of leads, one after the other, has no sums, no strip and no common beats."""
    record = simulate("sinus", fs=500.0, seed=3)
    segments = tuple(Segment(lead, 1250 * k, 1250 * (k + 1), 62.5 * k, 40.0, 10.0) for k, lead in enumerate(("V1", "V6", "aVR", "II")))
    drawn = []
    for item in segments:
        y = 40.0 - 10.0 * record.lead(item.lead)[item.start : item.stop]
        drawn.append(SegmentReading(item, y, 0 * y + 0.02))
    match = SimpleNamespace(found=4, cells=dict.fromkeys(range(4)), score=9.0, layout=SimpleNamespace(name=name))
    page = LaidOutPage(SimpleNamespace(found=(), names=()), match, PageSegments(segments, 25.0, 500.0), (), 10.0, ())
    found = judged(page, drawn)
    assert (found.confidence >= SURE) == sure
    assert any("order uncertain" in flag for flag in found.flags) != sure
