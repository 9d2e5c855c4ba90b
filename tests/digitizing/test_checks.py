"""What an ECG says of its own reading."""

from dataclasses import replace

import numpy as np
import pytest

import fastecg
from fastecg.digitizing.checks import checks_of, correlation, never_beat, residual_of_strip, similarity, tracks_beat
from fastecg.digitizing.follow import TracePath
from fastecg.digitizing.layout import Segment, SegmentReading
from fastecg.digitizing.tracks import Track


def read(record, names=None, late=0, rhythm=()):
    """A page of one column with every lead in a row of its own, read without an error, some under other names."""
    names = names or {}
    items = []
    for row, lead in enumerate((*record.leads, *rhythm)):
        segment = Segment(names.get(lead, lead), 0, record.samples, 20.0, 0.0, 10.0, rhythm=row >= len(record.leads), row=row)
        items.append(SegmentReading(segment, -10.0 * np.roll(record.lead(lead), late * row), np.zeros(record.samples)))
    return items


@pytest.fixture(scope="module")
def record():
    return fastecg.simulate("sinus", seed=6)


def test_a_right_reading_adds_up(record):
    found = checks_of(read(record, rhythm=("II",)), record.fs)
    assert set(found) == {"einthoven", "goldberger", "avr", "strip", "beats"}
    assert max(found[name] for name in ("einthoven", "goldberger", "avr", "strip")) < 0.05
    assert found["beats"] < 0.5


@pytest.mark.parametrize("swapped", [{"I": "III", "III": "I", "II": "aVF", "aVF": "II"}, {"I": "V1", "V1": "I"}])
def test_exchanged_leads_do_not(record, swapped):
    assert checks_of(read(record, swapped), record.fs)["einthoven"] > 0.3


def test_leads_of_other_times_do_not_beat_together(record):
    assert checks_of(read(record, late=97), record.fs)["beats"] > checks_of(read(record), record.fs)["beats"] + 0.3


def test_only_what_is_there_is_told(record):
    few = [item for item in read(record) if item.segment.lead in ("V1", "V2")]
    assert set(checks_of(few, record.fs)) == {"beats"}
    assert checks_of([], 500.0) == {}
    assert residual_of_strip(few[0], few[1:], record.fs) is None


def test_rows_that_end_early_do_not_beat_together_for_that(record):
    """Prices of shares in rows of 8 s: the end of all of them is no beat, and what is missing is not a pause of all of them."""
    items = read(record)
    for row, item in enumerate(items):
        item.y_mm[:] = 20.0 + np.cumsum(np.random.default_rng(row).normal(size=record.samples))
        item.y_mm[round(0.8 * record.samples) :] = np.nan
    assert checks_of(items, record.fs)["beats"] > 0.9
    leads = read(record)
    for item in leads:
        item.y_mm[round(0.8 * record.samples) :] = np.nan
    assert checks_of(leads, record.fs)["beats"] == pytest.approx(checks_of(read(record), record.fs)["beats"], abs=0.1)


def test_alike():
    rng = np.random.default_rng(3)
    a = rng.normal(size=1000)
    assert similarity(a, a + 3.0) == pytest.approx(1.0), "an offset does not count"
    assert abs(similarity(a, rng.normal(size=1000))) < 0.15
    assert similarity(np.full(5, np.nan), a) == 0.0


def track(signal, ends_mm=(0.0, 250.0), level_mm=0.0):
    """A track at 8 px/mm whose height in mm in every column is given."""
    following = np.append(signal[1:], signal[-1])
    return Track(TracePath(np.minimum(signal, following), np.maximum(signal, following), 0.0, 8.0), level_mm, ends_mm)


def test_tracks_of_one_heart_climb_together(record):
    leads = [np.interp(np.arange(2000) / 200, np.arange(record.samples) / record.fs, 10 * record.lead(name)) for name in ("I", "V2", "aVF")]
    walks = [np.cumsum(np.random.default_rng(k).normal(size=2000)) for k in range(3)]
    assert tracks_beat([track(lead) for lead in leads])
    assert tracks_beat([track(-lead[::-1]) for lead in leads]), "upside down"
    assert not tracks_beat([track(walk) for walk in walks])
    assert tracks_beat([track(walks[0])]), "nothing to compare it with"
    assert tracks_beat([track(walks[0], (0.0, 120.0)), track(walks[1], (100.0, 250.0))]), "hardly any width in common"


def test_many_rows_that_beat_at_no_tilt_are_no_ecg(record):
    """On a page that is tilted by 6 degrees, what is drawn at the same time is 2 mm farther to the left in the next row."""

    def rows(slope):
        for row, name in enumerate(("I", "II", "III", "aVR", "V2", "V5")):
            at_s = (np.arange(2000) / 8 + 20 * row * slope) / 25
            lead = np.interp(at_s, np.arange(record.samples) / record.fs, 10 * record.lead(name))
            yield track(lead, (20.0, 220.0), 20.0 * row)

    walks = [track(np.cumsum(np.random.default_rng(k).normal(size=2000)), level_mm=20.0 * k) for k in range(6)]
    assert never_beat(walks)
    assert not never_beat(walks[:5]), "too few to be certain"
    assert not never_beat([replace(walk, ends_mm=(40.0 * k, 40.0 * k + 20.0)) for k, walk in enumerate(walks)]), "nothing to compare"
    for slope in (0.0, 0.1, -0.1):
        assert tracks_beat(list(rows(slope))) == (slope == 0.0)
        assert not never_beat(list(rows(slope)))


@pytest.mark.filterwarnings("error")
def test_the_correlation_is_pearsons_and_0_of_what_is_constant():
    rng = np.random.default_rng(0)
    a = rng.normal(size=50)
    b = 0.5 * a + rng.normal(size=50) + 3.0
    for dtype in (np.float64, np.float32):
        assert correlation(a.astype(dtype), b.astype(dtype)) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-6)
    constant = np.full(50, 0.3, np.float32)
    for other in (constant, np.full(50, 1e-30, np.float32) * np.arange(50), np.zeros(50)):
        assert correlation(a, other) == 0.0 == correlation(other, a)
    assert correlation(a[:2], b[:2]) == 0.0
