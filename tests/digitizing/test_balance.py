"""0 mV of rows that limb leads and strips tell: Einthoven's and Goldberger's sums."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fastecg.digitizing.balance import balanced
from fastecg.digitizing.judge import LaidOutPage
from fastecg.digitizing.layout import PageSegments, Segment, SegmentReading
from fastecg.record import Record
from fastecg.simulation import simulate

FS = 500.0
COLUMNS = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))


def page_of(record: Record, wrong_mm, zero="isoelectric", strip="II"):
    """A page of 3 x 4 + 1 whose rows' 0 mV is thought to be `wrong_mm` too low, and what was read of it."""
    segments, drawn = [], []
    for column, leads in enumerate(COLUMNS):
        for row, lead in enumerate(leads):
            place = {"x_mm": 10 + 62.5 * column, "baseline_mm": 40.0 * row + wrong_mm[row]}
            segments.append(Segment(lead, 1250 * column, 1250 * (column + 1), **place, gain_mm_mv=10.0, row=row, zero=zero))
    segments.append(Segment(strip, 0, 5000, 10.0, 120.0 + wrong_mm[3], 10.0, rhythm=True, row=3, zero=zero))
    for item in segments:
        y = item.baseline_mm - wrong_mm[item.row] - 10.0 * record.lead(item.lead)[item.start : item.stop]
        drawn.append(SegmentReading(item, y, np.full(len(y), 0.02)))
    return LaidOutPage(SimpleNamespace(), SimpleNamespace(), PageSegments(tuple(segments), 25.0, FS), (), 10.0, ()), drawn


def left_mm(page):
    """How far the rows' 0 mV still is from the truth."""
    rows = {item.row: item.baseline_mm for item in page.rows.segments}
    return np.array([rows[row] - 40.0 * row for row in range(4)])


RECORD = simulate("sinus", fs=FS, seed=3)


def test_what_sums_tell_is_mended_and_the_rest_shared():
    """I + III = II and aVR + aVL + aVF = 0 tell the middle row, the strip, and the sum of the outer ones; not their difference."""
    wrong = np.array([0.3, 0.2, -0.1, 0.25])
    off = left_mm(balanced(*page_of(RECORD, wrong)))
    assert np.abs(off[[1, 3]]).max() < 0.04
    assert abs(off[0] + off[2]) < 0.04
    assert np.square(off).sum() < np.square(wrong).sum() / 2


def test_pulses_are_moved_less_than_means_of_traces():
    wrong = np.array([0.2, 0.0, 0.0, 0.0])
    page, drawn = page_of(RECORD, wrong)
    told = {0: "isoelectric", 1: "pulse", 2: "pulse", 3: "pulse"}
    segments = tuple(replace(item, zero=told[item.row]) for item in page.rows.segments)
    page = LaidOutPage(page.analysis, page.match, PageSegments(segments, 25.0, FS), (), 10.0, ())
    off = left_mm(balanced(page, drawn))
    assert abs(off[0]) < 0.03


@pytest.mark.parametrize(("wrong_mm", "zero", "found"), [(5.0, "pulse", True), (5.0, "isoelectric", False), (3.5, "pulse", False)])
def test_pulses_that_are_centred_on_0_mv_are_found_by_sums_of_leads(wrong_mm, zero, found):
    """Some programs draw the pulse from -0.5 to 0.5 mV. All rows are then thought to be half a pulse, 5 mm, too low."""
    wrong = wrong_mm + np.array([0.02, -0.03, 0.0, 0.01])
    moved = balanced(*page_of(RECORD, wrong, zero))
    assert np.abs(left_mm(moved) - (0.0 if found else wrong)).max() < 0.06
    assert any("middle of the calibration pulses" in flag for flag in moved.flags) == found


@pytest.mark.parametrize("broken", ["names", "far", "by hand"])
def test_rows_stay_where_nothing_tells_otherwise(broken):
    wrong = np.array([0.3, 0.2, -0.1, 0.25]) if broken != "far" else np.array([3.0, -2.0, 1.0, 0.0])
    page, drawn = page_of(RECORD, wrong, zero="page" if broken == "by hand" else "isoelectric")
    if broken == "names":  # other leads' signals under the limb leads' names: the sums do not hold
        rng = np.random.default_rng(0)
        drawn = [SegmentReading(item.segment, item.y_mm + np.cumsum(rng.normal(0, 0.3, len(item.y_mm))), item.sd_mm) for item in drawn]
    assert balanced(page, drawn) is page
