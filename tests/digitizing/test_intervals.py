"""Clinical intervals of recovered records."""

import numpy as np
import pytest

import fastecg

pytest.importorskip("neurokit2")
from fastecg.digitizing.intervals import interval_errors, intervals

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_same_record_has_no_errors():
    record = fastecg.simulate("sinus", heart_rate=75, seed=3)
    errors = interval_errors(record, record)
    assert (errors.rr_ms, errors.qrs_ms, errors.qt_ms) == (0.0, 0.0, 0.0)


def test_rr_is_that_of_the_heart_rate():
    record = fastecg.simulate("sinus", heart_rate=75, seed=3)
    assert intervals(record.lead("II"), record.fs).rr_ms == pytest.approx(800, rel=0.06)


def test_a_stretched_record_has_longer_intervals():
    record = fastecg.simulate("sinus", heart_rate=75, seed=3)
    slow = np.array([np.interp(np.arange(5000) / 1.1, np.arange(5000), row) for row in record.signal])
    errors = interval_errors(record, fastecg.Record(slow, record.fs, record.leads, record.name))
    assert errors.rr_ms == pytest.approx(80, abs=25)


def test_nothing_drawn_is_an_error():
    record = fastecg.simulate("sinus")
    nothing = fastecg.Record(np.full(record.signal.shape, np.nan), record.fs, record.leads, "empty")
    with pytest.raises(fastecg.RecordError, match="expected one to measure"):
        interval_errors(nothing, record)
    assert np.isnan(interval_errors(record, nothing).rr_ms)
