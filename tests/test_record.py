"""`Record` takes what fits together and says what does not."""

from __future__ import annotations

import numpy as np
import pytest

from fastecg.errors import RecordError
from fastecg.record import EXTRA_LEADS, LEADS, Record
from fastecg.simulation import simulate


def test_holds_contiguous_float32_and_reads_leads_by_name():
    values = np.arange(6, dtype=np.int16).reshape(3, 2).T
    record = Record(values, 250, ["I", "II"], name="x")
    assert record.signal.dtype == np.float32
    assert record.signal.flags.c_contiguous
    assert record.lead("II").tolist() == [1, 3, 5]
    assert (record.samples, record.duration_s, record.name) == (3, 3 / 250, "x")


def test_cannot_be_written_to_and_leaves_the_callers_array_alone():
    mine = np.zeros((1, 4), np.float64)
    record = Record(mine, 1, ["I"])
    with pytest.raises(ValueError, match="read-only"):
        record.signal[0, 0] = 1
    mine[0, 0] = 5
    assert record.signal[0, 0] == 0


def test_gaps_stay():
    assert np.isnan(Record([[1.0, np.nan]], 1, ["I"]).signal[0, 1])


def test_names_are_brought_to_the_standard_as_readers_bring_them():
    """As wfdb gives PTB-XL's: AVR, AVL and AVF were left off the page."""
    given = ["I", "II", "III", "AVR", "AVL", "AVF", *(f"V{k}" for k in range(1, 7))]
    record = Record(np.arange(24.0).reshape(12, 2), 500, given)
    assert record.leads == LEADS
    assert record.lead("AVR").tolist() == record.lead("aVR").tolist() == [6, 7]
    turned = Record([[1.0, 2.0], [3.0, np.nan]], 500, ["-avr", "Ⅱ"])
    assert turned.leads == ("aVR", "II")
    assert turned.lead("aVR").tolist() == [-1, -2]
    assert Record(turned.signal, 500, turned.leads).lead("aVR").tolist() == [-1, -2]
    assert Record(np.zeros((3, 2)), 500, ["MLII", "II", "MCL1"]).leads == ("MLII", "II", "MCL1")


def test_masked_samples_are_gaps():
    masked = np.ma.masked_array([[1, 2, 3], [4, 5, 6]], mask=[[False, True, False], [False, False, True]])
    np.testing.assert_array_equal(Record(masked, 500, ["I", "II"]).signal, [[1, np.nan, 3], [4, 5, np.nan]])
    assert masked.data[0, 1] == 2


@pytest.mark.parametrize(
    ("signal", "fs", "leads", "fault"),
    [
        (np.zeros(5), 500, ["I"], "shape"),
        (np.zeros((0, 5)), 500, [], "shape"),
        (np.zeros((1, 0)), 500, ["I"], "shape"),
        (np.zeros((2, 5)), 500, ["I"], "lead names"),
        (np.zeros((2, 5)), 500, ["I", "I"], "more than once"),
        (np.zeros((2, 5)), 500, ["II", "ii"], "more than once"),
        (np.zeros((2, 5)), 500, ["CM5", "cm5"], "more than once"),  # as a file with these names is refused
        (np.zeros((1, 5)), 0, ["I"], "frequency"),
        (np.zeros((1, 5)), -1, ["I"], "frequency"),
        (np.zeros((1, 5)), np.nan, ["I"], "frequency"),
        (np.zeros((1, 5)), np.inf, ["I"], "frequency"),
        (np.full((1, 5), np.inf), 1, ["I"], "infinite"),
        (np.full((1, 5), -np.inf), 1, ["I"], "infinite"),
    ],
)
def test_refuses_what_does_not_fit(signal, fs, leads, fault):
    with pytest.raises(RecordError, match=f"^mine: .*{fault}.*expected"):
        Record(signal, fs, leads, name="mine")


@pytest.mark.parametrize(
    ("samples", "pages"),
    [
        (5000, [(0, 5000)]),
        (4000, [(0, 4000)]),  # shorter than a page
        (4960, [(0, 4960)]),
        (9960, [(0, 5000), (5000, 9960)]),  # 1 % short of two pages
        (9900, [(0, 5000)]),  # a tail is left out
        (15300, [(0, 5000), (5000, 10000), (10000, 15000)]),
    ],
)
def test_pages(samples, pages):
    assert list(Record(np.zeros((1, samples)), 500, ["I"]).page_starts()) == pages


def test_known_leads_are_distinct():
    assert len({name.lower() for name in LEADS + EXTRA_LEADS}) == 22


@pytest.mark.parametrize("samples", [1, 4_949, 5_000, 9_949, 9_950, 50_000, 10**9])
def test_pages_are_counted_as_they_are_listed(samples):
    long = Record.__new__(Record)
    object.__setattr__(long, "signal", np.broadcast_to(np.float32(0), (1, samples)))
    object.__setattr__(long, "fs", 500.0)
    count = long.page_count()
    assert long.page_range(count - 1) == ((count - 1) * 5_000, min(count * 5_000, samples))
    if samples < 10**9:
        assert list(long.page_starts()) == [long.page_range(page) for page in range(count)]
    else:
        assert count == 200_000


def test_leads_are_chosen_renamed_and_derived():
    whole = simulate(seed=1, noise=0.0)
    limbs = whole.choose(["II", "I", "CM5=V5"]).with_limb_leads()
    assert limbs.leads == (*LEADS[:6], "CM5")
    np.testing.assert_array_equal(limbs.lead("CM5"), whole.lead("V5"))
    for lead in LEADS[:6]:
        np.testing.assert_allclose(limbs.lead(lead), whole.lead(lead), atol=1e-5)
    assert whole.with_limb_leads() is whole
    only = whole.choose(["I", "V1"])
    assert only.with_limb_leads() is only
    with pytest.raises(RecordError, match="no lead 'V9', expected one of I, V1"):
        only.choose(["V9"])
    with pytest.raises(RecordError, match="no lead is chosen"):
        only.choose([])
