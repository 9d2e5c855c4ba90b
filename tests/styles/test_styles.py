"""The machines' looks: tables that hold together, and words that say nothing of the record."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from fastecg.errors import FastecgError, LayoutError
from fastecg.layouts import LAYOUTS, PAPERS, MachineSettings, layout_for
from fastecg.layouts.measured import measured
from fastecg.layouts.place import place
from fastecg.layouts.printed import FOOTERS, HEADERS
from fastecg.layouts.report_fields import ReportFields, sample_report_fields
from fastecg.printing.text import FACES, measure
from fastecg.record import LEADS, Record
from fastecg.simulation import simulate
from fastecg.styles import STYLES, style_for


def beats(rate: float, seconds: float = 10.0, fs: float = 500.0, leads: tuple[str, ...] = LEADS, name: str = "made") -> Record:
    """Narrow spikes with a broad wave after each: enough of an ECG for a beat counter."""
    t = np.arange(round(seconds * fs)) / fs
    phase = (t + 0.31) % (60.0 / rate)
    wave = np.exp(-(((phase - 0.2) / 0.012) ** 2)) + 0.3 * np.exp(-(((phase - 0.5 * min(1.0, 60 / rate)) / 0.06) ** 2))
    return Record(np.outer(np.linspace(0.5, 1.5, len(leads)), wave), fs, leads, name)


def test_names_are_those_of_the_tables() -> None:
    assert len(STYLES) >= 10
    for name, style in STYLES.items():
        assert style.name == name
        assert style.title
        assert style.face in FACES
        assert style.header in HEADERS
        assert style.footer in FOOTERS
        assert style.paper_size in PAPERS
        assert {layout for layout, _ in style.layouts} <= set(LAYOUTS)
        assert sum(share for _, share in style.layouts) == pytest.approx(1.0)


def test_ink_is_darker_than_the_grid_and_the_grid_than_the_paper() -> None:
    for style in STYLES.values():
        assert sum(style.ink) < sum(style.grid.major_ink)
        assert sum(style.grid.major_ink) < sum(style.paper)
        assert sum(style.grid.minor_ink) < sum(style.paper)
        assert 0.1 <= style.pen_mm <= 0.7


def test_an_unknown_style_is_refused() -> None:
    assert style_for("muse") is STYLES["muse"]
    with pytest.raises(LayoutError, match=r"unknown style 'mouse', expected one of auto, muse"):
        style_for("mouse")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("paper", PAPERS)
def test_words_are_on_the_page_and_apart(style: str, paper: str) -> None:
    record = beats(70)
    for seed in range(3):
        facts = sample_report_fields(np.random.default_rng(seed), record)
        page = place(layout_for("3x4+1", LEADS), record, STYLES[style], MachineSettings(paper=paper), facts)
        words = [measure(text) for text in page.texts if text.kind != "lead"]
        for k, a in enumerate(words):
            assert a[0] >= 0
            assert a[1] >= 0
            assert a[2] <= page.size_mm[0]
            assert a[3] <= page.size_mm[1]
            assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in words[:k])


@pytest.mark.parametrize("style", [name for name, style in STYLES.items() if style.header != "none" or style.footer != "none"])
def test_every_word_fits_on_the_styles_own_paper(style: str) -> None:
    record = beats(70)
    for seed in range(12):
        facts = replace(sample_report_fields(np.random.default_rng(seed), record), shows=("all", "labels", "nothing")[seed % 3])
        page = place(layout_for("3x4+1", LEADS), record, STYLES[style], MachineSettings(), facts)
        assert page.notes == ()
        assert any(text.kind in ("header", "footer", "identity") for text in page.texts)


@pytest.mark.parametrize("style", STYLES)
def test_nothing_of_the_records_name_is_printed(style: str) -> None:
    """The same stream prints the same words on any record of the same signal; a tell-tale name is nowhere."""
    pages = []
    for name in ("made", "CANARY77"):
        record = beats(80, name=name)
        facts = sample_report_fields(np.random.default_rng(5), record)
        pages.append(place(layout_for("3x4+1", LEADS), record, STYLES[style], MachineSettings(), facts))
    assert pages[0].texts == pages[1].texts
    assert "CANARY" not in " ".join(text.words for text in pages[1].texts) + " ".join(box.words for box in pages[1].boxes)


def test_settings_are_printed() -> None:
    record = beats(70)
    facts = sample_report_fields(np.random.default_rng(0), record)
    setup = MachineSettings(speed_mm_s=12.5, gain_mm_mv=10.0, chest_gain_mm_mv=5.0)
    for name in ("muse", "dotphoto", "nk"):
        words = " ".join(text.words for text in place(layout_for("3x4+1", LEADS), record, STYLES[name], setup, facts).texts)
        assert "12.5mm/s" in words
        assert "10/5mm/mV" in words


def test_facts_are_plain_and_repeatable() -> None:
    record = beats(66)
    facts = sample_report_fields(np.random.default_rng(9), record)
    assert facts == sample_report_fields(np.random.default_rng(9), record)
    values = json.loads(json.dumps(asdict(facts)))
    assert ReportFields(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}) == facts


@pytest.mark.parametrize("rate", [42, 60, 75, 98, 130, 165])
@pytest.mark.parametrize("fs", [100.0, 250.0, 500.0, 1000.0])
def test_the_rate_is_counted(rate: int, fs: float) -> None:
    assert measured(beats(rate, fs=fs)).rate == pytest.approx(rate, abs=2)


def test_no_rate_is_counted_where_there_are_no_beats() -> None:
    assert measured(Record(np.zeros((12, 5000)), 500, LEADS)).rate is None
    assert measured(Record(np.full((12, 5000), np.nan), 500, LEADS)).rate is None
    assert measured(beats(60, seconds=1.0)).rate is None
    facts = sample_report_fields(np.random.default_rng(0), Record(np.zeros((12, 5000)), 500, LEADS))
    assert 40 < facts.rate < 130


@pytest.mark.parametrize(
    ("samples", "fs"), [(1, 500.0), (2, 500.0), (3, 500.0), (5, 500.0), (8, 500.0), (1, 0.001), (40, 0.001), (40, 0.3)]
)
def test_the_shortest_and_slowest_records_have_facts(samples: int, fs: float) -> None:
    record = Record(np.random.default_rng(0).normal(0, 1, (12, samples)), fs, LEADS)
    assert measured(record).rate is None
    assert 40 < sample_report_fields(np.random.default_rng(0), record).rate < 130


@pytest.mark.parametrize("factor", [1e-9, 1e6, 1e18])
def test_signals_of_any_size_are_measured(factor: float) -> None:
    record = simulate("sinus", seed=1, heart_rate=70, noise=0)
    signal = record.signal.astype(np.float64) * factor
    signal[2, ::7] = np.nan
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = measured(Record(signal, record.fs, record.leads))
    assert found.rate is None or abs(found.rate - 70) < 60
    assert np.isfinite([value for value in vars(found).values() if isinstance(value, int | float)]).all()


def test_facts_agree_with_each_other() -> None:
    for seed in range(60):
        rate = 45 + 2 * seed
        facts = sample_report_fields(np.random.default_rng(seed), simulate("sinus", heart_rate=rate, seed=seed, noise=0.3))
        assert facts.qtc_ms == pytest.approx(facts.qt_ms / np.sqrt(60.0 / facts.rate), abs=1)
        rhythm = " ".join(facts.statements)
        assert ("bradycardia" in rhythm) == (facts.rate < 60 and facts.pr_ms > 0)
        assert not ("tachycardia" in rhythm and facts.rate <= 100)
        assert facts.pr_ms + facts.qrs_ms < 60000 / facts.rate
        if "Normal ECG" in facts.statements:
            assert 60 <= facts.rate <= 100


def test_intervals_and_axes_are_those_of_the_signal() -> None:
    """A machine that was built knows its PR interval, the width of its complexes and where it points."""
    for seed in range(6):
        found = measured(simulate("sinus", heart_rate=70, seed=seed, noise=0.3))
        assert (found.regular, found.early, found.block, found.st_up, found.t_down) == (True, "", "", (), ())
        assert found.pr_ms is not None
        assert found.qrs_ms is not None
        assert 110 <= found.pr_ms <= 200
        assert 70 <= found.qrs_ms <= 112
    record = simulate("sinus", heart_rate=70, seed=3, noise=0)
    turned = Record(-record.signal, record.fs, record.leads)
    axes = [measured(item).qrs_axis for item in (record, turned)]
    assert abs((axes[0] - axes[1]) % 360 - 180) <= 2
    late = measured(simulate("first_degree_av_block", heart_rate=60, seed=3, noise=0.3)).pr_ms
    assert late is not None
    assert late > 215


@pytest.mark.parametrize(
    ("rhythm", "conduction", "said", "not_said"),
    [
        ("atrial_fibrillation", "normal", "Atrial fibrillation", "sinus|Normal ECG"),
        ("sinus", "rbbb", "Right bundle branch block", "Normal ECG|Left bundle"),
        ("sinus", "lbbb", "Left bundle branch block", "Normal ECG|Right bundle"),
        ("sinus", "lafb", "Left axis deviation", "Normal ECG|Rightward"),
        ("sinus", "st_elevation_inferior", "consider inferior injury", "Normal ECG"),
        ("sinus", "inverted_t", "T wave abnormality", "Normal ECG"),
        ("sinus", "low_voltage", "Low voltage QRS", "Normal ECG"),
        ("junctional", "normal", "Undetermined rhythm", "[Ss]inus|Normal ECG"),
        ("idioventricular", "normal", "Wide QRS rhythm", "[Ss]inus|Normal ECG"),
        ("first_degree_av_block", "normal", "1st degree A-V block", "Normal ECG"),
        ("premature_ventricular", "normal", "premature ventricular", "Normal ECG|marked"),
        ("premature_atrial", "normal", "premature atrial", "Normal ECG|ventricular"),
        ("sinus", "normal", "Normal sinus rhythm", "block|deviation|ST|T wave|Abnormal"),
    ],
)
def test_statements_are_about_the_signal(rhythm: str, conduction: str, said: str, not_said: str) -> None:
    right = wrong = 0
    for seed in range(10):
        record = simulate(rhythm, conduction=conduction, heart_rate=50 if rhythm == "junctional" else None, seed=seed, noise=0.3)
        words = "; ".join(sample_report_fields(np.random.default_rng(seed), record).statements)
        right += said in words
        wrong += bool(re.search(not_said, words))
    assert right >= 7
    assert wrong <= 3


def test_nothing_is_printed_about_p_waves_that_are_not_there() -> None:
    record = simulate("atrial_fibrillation", seed=3)
    facts = sample_report_fields(np.random.default_rng(0), record)
    assert (facts.pr_ms, facts.p_axis) == (0, 0)
    for style in ("muse", "philips", "nk", "schiller", "dotphoto", "mortara"):
        words = [text.words for text in place(layout_for("3x4+1", LEADS), record, STYLES[style], MachineSettings(), facts).texts]
        assert any("*" in item for item in words)


def test_labels_are_spelled_as_the_style_has_it() -> None:
    record = beats(70)
    for spelling, want in (("aVR", "aVR"), ("AVR", "AVR"), ("a V R", "a V R")):
        style = replace(STYLES["philips"], label_spelling=spelling)
        page = place(layout_for("3x4", LEADS), record, style, MachineSettings())
        assert [text.words for text in page.texts if text.lead == "aVR"] == [want]


def test_a_machine_prints_deeper_or_paler_than_its_family():
    style = style_for("mortara")
    assert style.printed(1.0, 1.0, 1.0) is style
    deep, pale = style.printed(1.2, 1.4, 1.4), style.printed(1.0, 0.6, 0.6)
    assert deep.pen_mm == pytest.approx(1.2 * style.pen_mm)
    for name in ("minor_ink", "major_ink", "heavy_ink"):
        lights = [np.array(getattr(one.grid, name)) for one in (deep, style, pale)]
        assert (lights[0] <= lights[1]).all()
        assert (lights[1] <= lights[2]).all()
        np.testing.assert_allclose(style.paper - lights[2], 0.6 * (style.paper - lights[1]), atol=0.51)
    assert all(a < b < c for a, b, c in zip(deep.ink, style.ink, pale.ink, strict=True))
    assert min(style.printed(1.0, 1.5, 2.5).ink) >= 0


@pytest.mark.parametrize("style", ["muse", "mortara", "dotphoto", "philips", "schiller", "nk"])
def test_a_header_says_whose_page_it_is_where_that_is_shown_only(style: str) -> None:
    record = beats(70)
    facts = replace(sample_report_fields(np.random.default_rng(1), record), number="31415926", age=47, date="DATE", time="TIME")
    said = {}
    for shows in ("all", "labels", "nothing"):
        page = place(layout_for("3x4+1", LEADS), record, STYLES[style], MachineSettings(), replace(facts, shows=shows))
        said[shows] = " ".join(text.words for text in page.texts)
    assert "31415926" in said["all"]
    assert "DATE" in said["all"]
    for shows in ("labels", "nothing"):
        assert not re.search("31415926|DATE|TIME|47", said[shows])
        assert "QRS" in said[shows]
    assert len(said["labels"]) >= len(said["nothing"])
    with pytest.raises(FastecgError, match="the header shows 'some', expected one of all, labels, nothing"):
        replace(facts, shows="some")


def test_a_machine_keeps_to_one_form_of_dates() -> None:
    record = beats(70)
    for style in STYLES.values():
        drawn = [sample_report_fields(np.random.default_rng(seed), record, style.date_form, style.clock_form) for seed in range(5)]
        assert len({re.sub("[A-Z]{3}", "MON", re.sub("[0-9]", "0", facts.date + facts.time)) for facts in drawn}) == 1
    assert len({style.date_form for style in STYLES.values()}) >= 5
