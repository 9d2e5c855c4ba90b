"""What a page says of a recording: measured on the signal, or made up from the seed; nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from fastecg.errors import RecipeError
from fastecg.layouts import report_fields
from fastecg.layouts.measured import Measured, measured
from fastecg.layouts.report_fields import LETTERS, MONTHS, SHOWS, _findings, _statements, sample_date, sample_report_fields
from fastecg.record import LEADS, Record
from fastecg.styles.style import CLOCK_FORM, DATE_FORM

USUAL = {"rate": 72, "pr_ms": 160, "qrs_ms": 92, "qt_ms": 390, "qtc_ms": 427, "p_axis": 50, "qrs_axis": 40, "t_axis": 45}
SEEN = {"rate": 72, "regular": True, "has_p": True, "qrs_axis": 40, "limb_mv": 1.2}


class Certain:
    """A random generator that always takes its first choice, and gives one number."""

    def __init__(self, number: float) -> None:
        self.number = number

    def random(self) -> float:
        return self.number

    def choice(self, values, *_, **__):
        return values[0]


def made_up(count: int = 3000) -> list[dict]:
    return [report_fields._administration(np.random.default_rng(seed), DATE_FORM, CLOCK_FORM) for seed in range(count)]


def test_what_is_made_up_takes_every_value_of_its_range_and_no_other():
    every = made_up()
    assert {len(one["number"]) for one in every} == set(range(5, 11))
    assert {digit for one in every for digit in one["number"]} == set("0123456789")
    assert {one["age"] for one in every} == set(range(19, 92))
    assert {one["sex"] for one in every} == {"M", "F"}
    assert {letter for one in every for letter in re.fullmatch(r"(.)\. (.)\.", one["initials"]).groups()} == set(LETTERS)
    dates = [re.fullmatch(r"(\d\d)-([A-Z]{3})-(\d{4})", one["date"]).groups() for one in every]
    assert {int(day) for day, _, _ in dates} == set(range(1, 29)), "every month has as many days"
    assert {month for _, month, _ in dates} == set(MONTHS)
    assert {int(year) for _, _, year in dates} == set(range(1996, 2026))
    for part, values in zip(zip(*(one["time"].split(":") for one in every), strict=True), (24, 60, 60), strict=True):
        assert {int(value) for value in part} == set(range(values))
    devices = [re.fullmatch(r"(\d{3})([A-Z])", one["device"]).groups() for one in every]
    assert {int(number) for number, _ in devices} == set(range(100))
    assert {letter for _, letter in devices} == set(LETTERS)
    assert {one["page_words"] for one in every} == {"Page 1 of 1"}


def test_headers_show_as_much_as_their_shares_say():
    shown = [one["shows"] for one in made_up()]
    assert sum(SHOWS.values()) == pytest.approx(1.0)
    for name, share in SHOWS.items():
        assert shown.count(name) / len(shown) == pytest.approx(share, abs=0.03)


def test_dates_alone_are_made_up_in_the_same_way():
    dates = [sample_date(np.random.default_rng(seed)).split() for seed in range(3000)]
    assert {int(day) for day, _, _ in dates} == set(range(1, 29))
    assert {month for _, month, _ in dates} == set(MONTHS)
    assert {int(year) for _, _, year in dates} == set(range(1996, 2026))


def test_what_the_signal_does_not_show_is_usual():
    flat = Record(np.zeros((12, 1000)), 100, LEADS)
    every = [sample_report_fields(np.random.default_rng(seed), flat) for seed in range(1500)]
    assert {one.rate for one in every} == set(range(55, 105))
    for name, low, high in (("pr_ms", 120, 200), ("qrs_ms", 72, 116), ("p_axis", -20, 90), ("qrs_axis", -25, 95), ("t_axis", -15, 105)):
        values = [getattr(one, name) for one in every]
        assert low <= min(values) < max(values) <= high
        assert max(values) - min(values) > 0.6 * (high - low)
        if name.endswith("ms"):
            assert not any(value % 2 for value in values)
    assert all(one.qtc_ms == round(one.qt_ms / np.sqrt(60.0 / one.rate)) for one in every)
    assert all(220 <= one.qt_ms <= 560 for one in every)
    assert {one.filter_low_hz for one in every} == {"0.05", "0.15", "0.5", "0.67"}
    assert {one.filter_high_hz for one in every} == {35, 40, 100, 150}
    assert {one.mains_hz for one in every} == {50, 60}
    assert {one.statements[-1] for one in every} == set(report_fields._NEUTRAL)
    warned = [len(one.statements) == 2 for one in every]
    assert np.mean(warned) == pytest.approx(0.08, abs=0.03)


@pytest.mark.parametrize(
    ("seen", "measured", "words"),
    [
        ({}, {}, ("Normal sinus rhythm", "Normal ECG")),
        ({}, {"rate": 60}, ("Normal sinus rhythm", "Normal ECG")),
        ({}, {"rate": 59}, ("Sinus bradycardia", "Otherwise normal ECG")),
        ({}, {"rate": 100}, ("Normal sinus rhythm", "Normal ECG")),
        ({}, {"rate": 101}, ("Sinus tachycardia", "Otherwise normal ECG")),
        ({}, {"pr_ms": 120}, ("Normal sinus rhythm", "Normal ECG")),
        ({}, {"pr_ms": 118}, ("Sinus rhythm with short PR interval", "Otherwise normal ECG")),
        ({}, {"pr_ms": 118, "rate": 59}, ("Sinus bradycardia with short PR interval", "Otherwise normal ECG")),
        ({}, {"pr_ms": 210}, ("Normal sinus rhythm", "Normal ECG")),
        ({}, {"pr_ms": 212}, ("Sinus rhythm with 1st degree A-V block", "Otherwise normal ECG")),
        ({"regular": False}, {}, ("Sinus rhythm with marked sinus arrhythmia", "Abnormal ECG")),
        ({"early": "wide", "regular": False}, {}, ("Sinus rhythm with premature ventricular complexes", "Abnormal ECG")),
        ({"early": "wide"}, {"rate": 110}, ("Sinus tachycardia with premature ventricular complexes", "Abnormal ECG")),
        ({"early": "narrow"}, {"rate": 110}, ("Sinus tachycardia with premature atrial complexes", "Otherwise normal ECG")),
        ({"has_p": False, "regular": False}, {"rate": 101}, ("Atrial fibrillation with rapid ventricular response", "Abnormal ECG")),
        ({"has_p": False, "regular": False}, {"rate": 59}, ("Atrial fibrillation with slow ventricular response", "Abnormal ECG")),
        ({"has_p": False, "regular": False}, {}, ("Atrial fibrillation", "Abnormal ECG")),
        ({"has_p": False}, {"rate": 140}, ("Undetermined rhythm", "Abnormal ECG")),
        ({"has_p": False}, {"rate": 141}, ("Supraventricular tachycardia", "Abnormal ECG")),
        ({"has_p": False}, {"qrs_ms": 120}, ("Wide QRS rhythm", "Nonspecific intraventricular block", "Abnormal ECG")),
        ({"has_p": False}, {"qrs_ms": 120, "rate": 101}, ("Wide QRS tachycardia", "Nonspecific intraventricular block", "Abnormal ECG")),
        ({"st_up": ("inferior",)}, {}, ("Sinus rhythm", "ST elevation, consider inferior injury", "Abnormal ECG")),
    ],
)  # fmt: skip
def test_statements_follow_from_what_was_measured(seen, measured, words):
    assert _statements(Certain(0.5), Measured(**{**SEEN, **seen}), {**USUAL, **measured}) == words


def test_some_machines_warn_and_some_give_no_verdict():
    found = Measured(**SEEN)
    assert _statements(Certain(0.1), found, USUAL) == ("Normal sinus rhythm",)
    assert _statements(Certain(0.05), found, USUAL) == (report_fields._WARNING, "Normal sinus rhythm")
    assert _statements(Certain(0.5), Measured(), USUAL) == (report_fields._NEUTRAL[0],)
    assert len(_statements(Certain(0.5), Measured(**{**SEEN, "limb_mv": 0.1, "qrs_axis": 120, "t_down": ("lateral",)}),
                           {**USUAL, "qtc_ms": 500, "qrs_ms": 130})) == 5  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "measured", "words"),
    [
        ({}, {"qrs_ms": 118}, []),
        ({}, {"qrs_ms": 120}, ["Nonspecific intraventricular block"]),
        ({"block": "left"}, {"qrs_ms": 140}, ["Left bundle branch block"]),
        ({"block": "left"}, {"qrs_ms": 118}, []),
        ({"qrs_axis": -91}, {}, ["Northwest axis"]),
        ({"qrs_axis": -90}, {}, ["Left axis deviation"]),
        ({"qrs_axis": -31}, {}, ["Left axis deviation"]),
        ({"qrs_axis": -30}, {}, []),
        ({"qrs_axis": 100}, {}, []),
        ({"qrs_axis": 101}, {}, ["Rightward axis"]),
        ({"qrs_axis": 180}, {}, ["Rightward axis"]),
        ({"st_up": ("anterior", "lateral"), "t_down": ("lateral",)}, {}, ["ST elevation, consider anterior injury"]),
        ({"t_down": ("lateral", "inferior")}, {}, ["T wave abnormality, consider lateral ischemia"]),
        ({"t_axis": 105}, {}, []),
        ({"t_axis": 106}, {}, ["Nonspecific T wave abnormality"]),
        ({"t_axis": -16}, {}, ["Nonspecific T wave abnormality"]),
        ({"t_axis": 160, "t_down": ("lateral",)}, {}, ["T wave abnormality, consider lateral ischemia"]),
        ({"t_axis": 160, "st_up": ("anterior",)}, {}, ["ST elevation, consider anterior injury"]),
        ({"limb_mv": 0.49}, {}, ["Low voltage QRS in limb leads"]),
        ({"limb_mv": 0.49, "chest_mv": 1.0}, {}, ["Low voltage QRS in limb leads"]),
        ({"limb_mv": 0.49, "chest_mv": 0.99}, {}, ["Low voltage QRS"]),
        ({"limb_mv": 0.5}, {}, []),
        ({"limb_mv": None, "qrs_axis": None}, {}, []),
        ({}, {"qtc_ms": 470}, []),
        ({}, {"qtc_ms": 471}, ["Prolonged QT"]),
    ],
)  # fmt: skip
def test_findings_begin_where_their_limits_are(seen, measured, words):
    assert _findings(Measured(**{**SEEN, **seen}), {**USUAL, **measured}) == words


def with_measurements(monkeypatch, **seen):
    monkeypatch.setattr(report_fields, "measured", lambda record: Measured(**{**SEEN, **seen}))
    return sample_report_fields(np.random.default_rng(1), Record(np.zeros((12, 1000)), 100, LEADS))


def test_without_a_p_wave_nothing_is_said_of_one(monkeypatch):
    shown = with_measurements(monkeypatch, qrs_ms=90, pr_ms=160, p_axis=50)
    assert (shown.pr_ms, shown.p_axis) == (160, 50)
    hidden = with_measurements(monkeypatch, qrs_ms=90, pr_ms=None, p_axis=None, has_p=False)
    assert (hidden.pr_ms, hidden.p_axis) == (0, 0)
    unknown = with_measurements(monkeypatch, qrs_ms=None, has_p=False)
    assert unknown.pr_ms > 0, "nothing was measured at all"


@pytest.mark.parametrize(("qt_ms", "taken"), [(238, False), (240, True), (600, True), (602, False), (None, False)])
def test_a_qt_interval_that_no_heart_has_is_made_up(monkeypatch, qt_ms, taken):
    assert (with_measurements(monkeypatch, qt_ms=qt_ms).qt_ms == qt_ms) == taken


def test_months_have_their_numbers():
    for seed in range(50):
        made = report_fields._administration(np.random.default_rng(seed), "{month} {name}", CLOCK_FORM)
        number, name = made["date"].split()
        assert MONTHS[int(number) - 1] == name
        assert int(number) >= 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"header_text": ("x",) * 41}, "41 header lines"),
        ({"header_text": ("x" * 201,)}, "200"),
        ({"statements": ("x",) * 41}, "41 statements"),
        ({"device": "x" * 201}, "words of the header"),
        ({"number": "12a"}, "expected up to 20 digits"),
        ({"number": "1" * 21}, "expected up to 20 digits"),
        ({"number": ""}, "expected up to 20 digits"),
        ({"shows": "some"}, "expected one of all, labels, nothing"),
    ],
)
def test_fields_that_no_page_has_are_refused(change, told):
    fields = sample_report_fields(np.random.default_rng(0), Record(np.zeros((12, 1000)), 100, LEADS))
    assert replace(fields, header_text=("x",) * 40, number="1" * 20)
    with pytest.raises(RecipeError, match=told):
        replace(fields, **change)


def beats_at(times_s, shapes, hz=500):
    """A record of 10 s with P waves, narrow or wide complexes (0 or 1) and T waves at some times, in all leads."""
    t = np.arange(10 * hz) / hz
    signal = np.zeros((12, len(t)))
    lead = np.linspace(0.4, 1.2, 12)[:, None]
    for at, wide in zip(times_s, shapes, strict=True):
        bump = lambda mv, after, width, at=at: mv * np.exp(-(((t - at - after) / width) ** 2))  # noqa: E731
        wave = bump(1.0, 0.0, 0.012) + bump(0.15, -0.15, 0.025) + bump(0.25, 0.22, 0.05)
        # A wide complex points the other way in half of the leads.
        turned = np.where(np.arange(12) % 2, 1.0, -1.0)[:, None] * (bump(1.6, 0.0, 0.035) - bump(0.5, 0.16, 0.05))
        signal += lead * (turned if wide else wave)
    return Record(signal.astype(np.float32), hz, LEADS)


def test_the_rate_of_an_irregular_rhythm_is_that_of_all_its_beats():
    gaps = np.array([0.55, 0.6, 1.3, 0.6, 1.2, 0.58, 0.6, 1.25, 0.6, 0.62, 1.1])
    found = measured(beats_at(0.4 + np.cumsum(gaps), np.zeros(len(gaps), dtype=int)))
    assert not found.regular
    assert found.rate == round(60.0 / gaps[1:].mean())
    assert abs(found.rate - 60.0 / np.median(gaps)) > 10


def test_a_wide_beat_that_is_hardly_early_is_seen():
    times = 0.4 + 0.5 * np.arange(19)
    assert measured(beats_at(times, np.zeros(19, dtype=int))).early == ""
    times[8] -= 0.08
    assert measured(beats_at(times, np.zeros(19, dtype=int))).early == "", "a narrow one is within what is usual"
    assert measured(beats_at(times, np.arange(19) == 8)).early == "wide"


def test_the_sizes_of_limb_and_chest_leads_are_measured_apart():
    found = measured(beats_at(0.4 + 0.8 * np.arange(12), np.zeros(12, dtype=int)))
    assert found.chest_mv == pytest.approx(1.2, abs=0.25)
    assert found.limb_mv < found.chest_mv
