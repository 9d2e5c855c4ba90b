"""Layouts: every lead once, at its time, in its place, exact in millimetres."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastecg.errors import LayoutError
from fastecg.layouts import LAYOUTS, PAPERS, MachineSettings, auto_layouts, check_layout, fitting_layouts, layout_for
from fastecg.layouts.place import place
from fastecg.layouts.report_fields import sample_report_fields
from fastecg.page import Page
from fastecg.recipe import Recipe
from fastecg.record import EXTRA_LEADS, LEADS, Record
from fastecg.rendering import render
from fastecg.styles import STYLES

PLAIN = replace(STYLES["muse"], header="none", footer="none")
ALL_LEADS = (*LEADS, *EXTRA_LEADS)


def record_of(leads: tuple[str, ...] = LEADS, fs: float = 500.0, seconds: float = 10.0) -> Record:
    rng = np.random.default_rng(len(leads))
    return Record(rng.normal(0, 0.2, (len(leads), max(1, round(seconds * fs)))), fs, leads)


def check_truth(page: Page, record: Record, setup: MachineSettings, start: int = 0) -> None:
    """Every point is its sample: on the time axis, on the voltage axis, and inside its box."""
    boxes = {box.trace: box.corners_mm for box in page.boxes if box.kind == "lead"}
    for k, trace in enumerate(page.traces):
        points = trace.points_mm
        assert points.shape == (trace.stop - trace.start, 2)
        assert points.dtype == np.float64
        samples = record.lead(trace.lead)[trace.start : trace.stop].astype(float)
        np.testing.assert_allclose(points[:, 1], trace.baseline_mm - trace.gain_mm_mv * (samples - trace.offset_mv), atol=1e-9)
        np.testing.assert_allclose(np.diff(points[:, 0]), setup.speed_mm_s / record.fs, atol=1e-9)
        low, high = boxes[k].min(0), boxes[k].max(0)
        seen = points[np.isfinite(points).all(1)]
        assert (seen >= low - 1e-9).all()
        assert (seen <= high + 1e-9).all()
    if not setup.simultaneous:
        drawn = [trace for trace in page.traces if trace.stop > trace.start]
        origins = [trace.points_mm[0, 0] - (trace.start - start) / record.fs * setup.speed_mm_s for trace in drawn]
        assert np.ptp(origins) < 1e-9


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("style", STYLES)
def test_every_lead_is_placed_once(name: str, style: str) -> None:
    record = record_of(ALL_LEADS)
    layout = layout_for(name, record.leads)
    page = place(layout, record, STYLES[style], MachineSettings())
    assert sorted(trace.lead for trace in page.traces if not trace.rhythm) == sorted(layout.leads)
    assert [trace.lead for trace in page.traces if trace.rhythm] == list(layout.rhythm)
    assert len({(trace.row, trace.column, trace.rhythm) for trace in page.traces}) == len(page.traces)
    labels = [box.trace for box in page.boxes if box.kind == "lead_name"]
    assert labels == list(range(len(page.traces)))
    assert all(0 < trace.baseline_mm < page.size_mm[1] for trace in page.traces)
    assert not any("is not in the record" in note or "no room" in note for note in page.notes)
    check_truth(page, record, MachineSettings())


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if len(layout.columns) > 1])
@pytest.mark.parametrize("fs", [100.0, 257.0, 360.0, 500.0, 1000.0])
def test_columns_share_one_time_axis_without_gaps(name: str, fs: float) -> None:
    record = record_of(ALL_LEADS, fs)
    layout = layout_for(name, record.leads)
    page = place(layout, record, PLAIN, MachineSettings())
    first = sorted((trace for trace in page.traces if trace.row == 0), key=lambda trace: trace.column)
    assert first[0].start == 0
    assert first[-1].stop == record.samples
    assert all(a.stop == b.start for a, b in pairwise(first))
    width = 10.0 * 25.0 / len(layout.columns)
    for trace in first:
        assert trace.points_mm[0, 0] - first[0].points_mm[0, 0] == pytest.approx(width * trace.column, abs=25.0 / fs)


def test_simultaneous_columns_start_together() -> None:
    record, setup = record_of(), MachineSettings(simultaneous=True)
    page = place(layout_for("3x4+1", LEADS), record, PLAIN, setup, start=100)
    columns = [trace for trace in page.traces if not trace.rhythm]
    assert {(trace.start, trace.stop) for trace in columns} == {(100, 1350)}
    x = [trace.points_mm[0, 0] for trace in columns]
    assert sorted(set(np.round(np.subtract(x, min(x)), 6))) == [0.0, 62.5, 125.0, 187.5]
    check_truth(page, record, setup, 100)


@pytest.mark.parametrize("speed", [12.5, 25.0, 50.0])
@pytest.mark.parametrize("gain", [2.5, 5.0, 10.0, 20.0])
def test_speed_and_gain_are_exact(speed: float, gain: float) -> None:
    record = Record(np.tile(np.linspace(-0.5, 0.5, 5000), (12, 1)), 500, LEADS)
    page = place(layout_for("12x1", LEADS), record, PLAIN, MachineSettings(speed, gain))
    for trace in page.traces:
        assert np.ptp(trace.points_mm[:, 0]) == pytest.approx(speed * 4999 / 500, abs=1e-6)
        assert np.ptp(trace.points_mm[:, 1]) == pytest.approx(gain, abs=1e-6)
    pulses = [stroke for stroke in page.strokes if stroke.kind == "pulse"]
    assert {round(float(np.ptp(stroke.points_mm[:, 1])), 9) for stroke in pulses} == {gain}
    assert page.size_mm[0] >= page.traces[0].points_mm[-1, 0]


def test_letter_is_2200_by_1700_pixels_at_200_dpi() -> None:
    page = place(layout_for("3x4+1", LEADS), record_of(), PLAIN, MachineSettings(paper="letter"))
    assert tuple(round(side / 25.4 * 200) for side in page.size_mm) == (2200, 1700)


@pytest.mark.parametrize("paper", PAPERS)
def test_papers_have_their_size(paper: str) -> None:
    page = place(layout_for("3x4+1", LEADS), record_of(), PLAIN, MachineSettings(paper=paper))
    assert page.size_mm[1] == PAPERS[paper].height_mm
    if PAPERS[paper].is_roll:
        assert 260 <= page.size_mm[0] <= 290
    else:
        assert page.size_mm[0] == PAPERS[paper].width_mm
    assert all(0 < trace.baseline_mm < page.size_mm[1] for trace in page.traces)


def test_fast_paper_is_longer_and_says_so() -> None:
    page = place(layout_for("3x4+1", LEADS), record_of(), PLAIN, MachineSettings(speed_mm_s=50.0, paper="a4"))
    assert page.size_mm[0] > 500
    assert any("297 mm wide" in note for note in page.notes)


def test_upright_pages_stand_on_their_short_side() -> None:
    page = place(layout_for("6x1", LEADS), record_of(), PLAIN, MachineSettings(paper="a4"))
    assert page.size_mm == (210.0, 297.0)
    assert {(trace.start, trace.stop) for trace in page.traces} == {(0, 3500)}


def test_split_gain_halves_the_chest_leads_and_steps_the_pulse() -> None:
    record, setup = record_of(), MachineSettings(chest_gain_mm_mv=5.0)
    page = place(layout_for("3x4+1", LEADS), record, PLAIN, setup)
    assert {trace.lead: trace.gain_mm_mv for trace in page.traces} == {lead: 5.0 if lead.startswith("V") else 10.0 for lead in LEADS}
    pulses = [stroke.points_mm for stroke in page.strokes if stroke.kind == "pulse"]
    assert [len(set(np.round(points[:, 1], 6))) for points in pulses] == [3, 3, 3, 2]
    check_truth(page, record, setup)


def test_cabrera_draws_avr_upside_down() -> None:
    record = record_of()
    page = place(layout_for("6x2-cabrera", LEADS), record, PLAIN, MachineSettings())
    assert [trace.lead for trace in page.traces][:6] == ["aVL", "I", "aVR", "II", "aVF", "III"]
    assert page.traces[2].gain_mm_mv == -10.0
    assert page.texts[2].words == "-aVR"
    check_truth(page, record, MachineSettings())


def test_rhythm_leads_may_be_chosen() -> None:
    record = record_of()
    page = place(layout_for("3x4+1", LEADS), record, PLAIN, MachineSettings(rhythm_leads=("V1",)))
    assert [trace.lead for trace in page.traces if trace.rhythm] == ["V1"]
    page = place(layout_for("3x4+3", LEADS), record, PLAIN, MachineSettings(rhythm_leads=("V6",)))
    assert [trace.lead for trace in page.traces if trace.rhythm] == ["V6", "V1", "II"]


def test_missing_leads_leave_empty_cells_and_notes() -> None:
    leads = tuple(lead for lead in LEADS if lead not in ("II", "V6"))
    page = place(layout_for("3x4+1", leads), record_of(leads), PLAIN, MachineSettings())
    assert len(page.traces) == 11
    assert sum("is not in the record" in note for note in page.notes) == 3
    assert [trace.lead for trace in page.traces if trace.rhythm] == ["V1"]
    assert not any(text.words in ("II", "V6") for text in page.texts)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"unknown layout '4x4', expected one of auto, 3x4, "):
        layout_for("4x4", LEADS)
    with pytest.raises(LayoutError, match="no lead of this record"):
        layout_for("3x4", ("vx", "vy"))
    with pytest.raises(LayoutError, match="3x1 needs 3 leads, this record has 2"):
        layout_for("3x1", ("vx", "vy"))
    with pytest.raises(LayoutError, match="13x1 needs 13 leads, this record has 12"):
        layout_for("13x1", LEADS)
    for name in ("0x1", "100x1", "x1", "05x1", "6x1-narrow"):
        with pytest.raises(LayoutError, match=f"unknown layout '{name}'.* up to 99x1"):
            check_layout(name)
        with pytest.raises(LayoutError, match="unknown layout"):
            layout_for(name, LEADS)
    with pytest.raises(LayoutError, match="no lead of this record"):
        place(LAYOUTS["3x4"], record_of(("vx",)), PLAIN, MachineSettings())
    with pytest.raises(LayoutError, match="are no page"):
        place(LAYOUTS["3x4"], record_of(), PLAIN, MachineSettings(), start=5000)


@pytest.mark.parametrize("wrong", [{"speed_mm_s": 0.0}, {"gain_mm_mv": float("nan")}, {"chest_gain_mm_mv": -5.0}, {"paper": "a7"}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(LayoutError, match="expected"):
        MachineSettings(**wrong)


def test_other_lead_sets_get_a_row_each() -> None:
    layout = layout_for("3x1", ("vx", "vy", "vz"))
    assert layout.leads == ("vx", "vy", "vz")
    assert layout_for("2x1", ("V1", "MLII")).leads == ("V1", "MLII")
    assert layout_for("1x1", LEADS).leads == ("II",)
    assert fitting_layouts(("MLII", "V1"))[0] == "2x1"
    assert layout_for("3x5", (*LEADS, "vx", "vy", "vz")).columns[4] == ("vx", "vy", "vz")
    assert fitting_layouts((*LEADS, "vx", "vy", "vz"))[0] == "3x5"
    many = tuple(f"lead {k}" for k in range(120))
    assert fitting_layouts(many) == ("99x1", "2x1", "1x1")
    assert [len(layout_for(name, many).leads) for name in fitting_layouts(many)] == [99, 2, 1]


def test_gaps_are_kept_and_an_empty_lead_has_a_flat_box() -> None:
    signal = np.random.default_rng(0).normal(0, 0.1, (12, 5000))
    signal[0, 200:400] = np.nan
    signal[1] = np.nan
    record = Record(signal, 500, LEADS)
    page = place(layout_for("3x4+1", LEADS), record, STYLES["pdf_red"], MachineSettings())
    assert np.flatnonzero(np.isnan(page.traces[0].points_mm[:, 1])).tolist() == list(range(200, 400))
    box = next(box for box in page.boxes if box.kind == "lead" and box.trace == 1)
    assert (box.corners_mm[:, 1] == page.traces[1].baseline_mm).all()
    check_truth(page, record, MachineSettings())


def test_a_short_record_is_drawn_as_far_as_it_goes() -> None:
    record = record_of(seconds=4.0)
    page = place(layout_for("3x4+1", LEADS), record, PLAIN, MachineSettings())
    drawn = {trace.lead: trace.stop - trace.start for trace in page.traces if not trace.rhythm}
    assert [drawn[lead] for lead in ("I", "aVR", "V1", "V4")] == [1250, 750, 0, 0]
    assert page.traces[-1].stop == 2000
    assert sum("ends before its column" in note for note in page.notes) == 6
    check_truth(page, record, MachineSettings())


def test_only_an_offset_that_leaves_the_row_is_subtracted() -> None:
    signal = np.random.default_rng(0).normal(0, 0.1, (12, 5000))
    signal[0] += 40.0
    signal[1] += 1.0
    signal[2] -= 3.0
    signal[3, 1250:] -= 3.0
    signal[3, 1300] = np.nan
    record = Record(signal, 500, LEADS)
    page = place(layout_for("3x4", LEADS), record, PLAIN, MachineSettings())
    assert page.traces[0].offset_mv == pytest.approx(40.0, abs=0.05)
    assert page.traces[1].offset_mv == 0.0
    assert page.traces[2].offset_mv == pytest.approx(-3.0, abs=0.05)
    assert page.traces[3].offset_mv == pytest.approx(-3.0, abs=0.05)
    assert any("offset of 40" in note for note in page.notes)
    assert sum("offset of -3.0" in note for note in page.notes) + sum("offset of -2.99" in note for note in page.notes) == 2
    pitch = page.traces[1].baseline_mm - page.traces[0].baseline_mm
    assert all(abs(np.nanmedian(trace.points_mm[:, 1]) - trace.baseline_mm) < pitch / 2 for trace in page.traces)
    check_truth(page, record, MachineSettings())


def test_steps_join_the_ends_of_neighbouring_segments() -> None:
    page = place(layout_for("3x4", LEADS), record_of(), STYLES["pdf_red"], MachineSettings())
    steps = [stroke.points_mm for stroke in page.strokes if stroke.kind == "step"]
    assert len(steps) == 9
    by_place = {(trace.row, trace.column): trace.points_mm for trace in page.traces}
    np.testing.assert_array_equal(steps[0][0], by_place[0, 0][-1])
    np.testing.assert_array_equal(steps[0][-1], by_place[0, 1][0])


@pytest.mark.parametrize("separator", ["none", "tick", "tick_pair", "double_dash", "dotted", "dashed_tick", "bar", "margin_colon"])
def test_separators_stand_at_the_column_edges(separator: str) -> None:
    page = place(layout_for("3x4+1", LEADS), record_of(), replace(PLAIN, separator=separator), MachineSettings())
    lines = [stroke.points_mm for stroke in page.strokes if stroke.kind == "separator"]
    edges = {round(trace.points_mm[0, 0], 6) for trace in page.traces if trace.column > 0}
    # The dashes of a dotted line lean, by less than half their width to either side.
    seen = {min(edges, key=lambda edge: abs(edge - x)) for points in lines for x in points[:, 0] if np.isfinite(x)}
    assert all(min(abs(edge - x) for edge in edges) < 0.07 for points in lines for x in points[:, 0] if np.isfinite(x))
    assert seen == (edges if separator != "none" else set())
    assert all(0 <= y <= page.size_mm[1] for points in lines for y in points[:, 1] if np.isfinite(y))


@pytest.mark.parametrize(("side", "count"), [("left", 4), ("right", 4), ("both", 8), ("none", 0)])
@pytest.mark.parametrize("shape", ["full", "right_half"])
def test_pulses_are_a_millivolt_high_and_clear_of_the_traces(side: str, count: int, shape: str) -> None:
    style = replace(PLAIN, pulse_side=side, pulse_shape=shape)
    page = place(layout_for("3x4+1", LEADS), record_of(), style, MachineSettings())
    pulses = [stroke.points_mm for stroke in page.strokes if stroke.kind == "pulse"]
    assert len(pulses) == count == sum(box.kind == "pulse" for box in page.boxes)
    first, last = page.traces[-1].points_mm[[0, -1], 0]
    for points in pulses:
        assert np.ptp(points[:, 1]) == pytest.approx(10.0)
        assert points[:, 0].max() <= first + 1e-9 or points[:, 0].min() >= last
        assert points[:, 0].min() >= 0
        assert points[:, 0].max() <= page.size_mm[0]


@pytest.mark.parametrize("label_place", ["above", "below", "on", "left", "far_above"])
@pytest.mark.parametrize("paper", ["roll-63", "a4"])
@pytest.mark.parametrize("layout", ["3x4+3", "12x1", "1x1"])
def test_names_stay_on_the_page_and_near_their_row(label_place: str, paper: str, layout: str) -> None:
    page = place(layout_for(layout, LEADS), record_of(), replace(PLAIN, label_place=label_place), MachineSettings(paper=paper))
    for trace, text in zip(page.traces, page.texts, strict=False):
        box = next(b.corners_mm for b in page.boxes if b.kind == "lead_name" and b.words == text.words)
        assert (box >= 0).all()
        assert (box <= page.size_mm).all()
        others = [abs(text.y_mm - other.baseline_mm) for other in page.traces if other.row != trace.row]
        assert min(others, default=np.inf) >= abs(text.y_mm - trace.baseline_mm) - text.size_mm


def test_rhythm_leads_that_cannot_be_are_refused() -> None:
    with pytest.raises(LayoutError, match="rhythm lead 'V7' is not in the record, expected one of I, II, III, aVR"):
        place(LAYOUTS["3x4+1"], record_of(), PLAIN, MachineSettings(rhythm_leads=("V7",)))
    with pytest.raises(LayoutError, match=r"layout 3x4\+1 has 1 rhythm strip, too few for V1, II, expected at most"):
        place(LAYOUTS["3x4+1"], record_of(), PLAIN, MachineSettings(rhythm_leads=("V1", "II")))
    with pytest.raises(LayoutError, match="layout 6x2 has no rhythm strips, too few for V1, expected at most"):
        place(LAYOUTS["6x2"], record_of(), PLAIN, MachineSettings(rhythm_leads=("V1",)))


def test_settings_reach_the_page_through_render() -> None:
    record = record_of()
    for seed in range(8):
        photo = render(record, dpi=40, seed=seed, rhythm_leads=("V1", "aVF"), chest_gain_mm_mv=5.0, paper="a4")
        assert [trace.lead for trace in photo.page.traces if trace.rhythm][:2] == ["V1", "aVF"]
        assert {trace.gain_mm_mv for trace in photo.page.traces if trace.lead == "V1"} == {5.0}
        assert photo.page.size_mm == (297.0, 210.0)
    photo = render(record, dpi=40, style="bar", rhythm_leads="V5")
    assert [trace.lead for trace in photo.page.traces if trace.rhythm] == ["V5"]
    with pytest.raises(LayoutError, match="rhythm lead 'V9' is not in the record"):
        render(record, dpi=40, rhythm_leads=("V9",))
    with pytest.raises(LayoutError, match="layout 3x4 has no rhythm strips"):
        render(record, dpi=40, layout="3x4", rhythm_leads=("V1",))


def test_a_recipe_wants_rhythm_leads_as_far_as_there_are_strips() -> None:
    page = {"rhythm_leads": {"choice": {"V1,II": 0.5, "V5,V8": 0.5}}, "layout": {"choice": {"3x4": 0.5, "3x4+1": 0.5, "3x4+3": 0.5}}}
    recipe = Recipe.from_dict({"page": page}, "strips")
    assert Recipe.from_toml(recipe.to_toml(), "strips") == recipe
    seen = {
        (shot.layout, shot.setup.rhythm_leads)
        for shot in (recipe.sample(record_of(seconds=1.0), seed=seed, style="bar") for seed in range(60))
    }
    assert seen == {
        ("3x4", None), ("3x4+1", ("V1",)), ("3x4+1", ("V5",)), ("3x4+3", ("V1", "II")), ("3x4+3", ("V5",)),
    }  # fmt: skip
    with pytest.raises(LayoutError, match="rhythm_leads is 5"):
        Recipe.from_dict({"page": {"rhythm_leads": 5}}, "wrong")


def test_auto_draws_all_of_other_lead_sets() -> None:
    for leads, names in ((LEADS[:6], {"6x1-wide"}), ((*LEADS, "V7", "V8", "V9"), {"3x5", "15x1"}), ((*LEADS, "vx"), {"13x1"})):
        photos = [render(record_of(leads, fs=100.0), dpi=25, seed=seed) for seed in range(16)]
        assert {photo.page.layout for photo in photos} == names
        assert {photo.page.notes for photo in photos if not photo.shot.setup.simultaneous} == {()}


@pytest.mark.parametrize("leads", [LEADS[:6], LEADS[6:], (*LEADS, "V8"), (*LEADS, "V7", "V8", "V9"), (*LEADS, "vx", "vy", "vz"), ALL_LEADS])
@pytest.mark.parametrize("style", STYLES)
def test_auto_shows_every_lead_for_all_of_the_time(style: str, leads: tuple[str, ...]) -> None:
    record, shares = record_of(leads), auto_layouts(leads, STYLES[style].layouts)
    for name in shares:
        page = place(layout_for(name, leads), record, STYLES[style], MachineSettings())
        assert page.notes == ()
        assert {trace.lead for trace in page.traces} == set(leads)
    assert ("3x5" in shares) == (len(leads) == 15)


def test_auto_prints_twelve_leads_as_the_machine_does() -> None:
    assert auto_layouts(LEADS, STYLES["schiller"].layouts) == dict(STYLES["schiller"].layouts)
    assert set(auto_layouts(LEADS, STYLES["muse"].layouts, strips=1)) == {"3x4+1", "3x4+3"}
    assert auto_layouts((*LEADS, "V7"), STYLES["bar"].layouts, strips=2) == {"3x4+2": 1.0}
    assert auto_layouts(LEADS[:6], STYLES["muse"].layouts, seconds=5.0) == {"6x1": 1.0}


def test_what_is_left_out_is_said() -> None:
    record = record_of((*LEADS, "V7", "V8", "V9"))
    assert place(LAYOUTS["3x4+1"], record, PLAIN, MachineSettings()).notes == ("not shown: V7, V8, V9",)
    notes = place(LAYOUTS["6x1"], record_of(LEADS[:6]), PLAIN, MachineSettings(), stop=4000).notes
    assert notes == ("the last 1.0 s of the page are not shown",)
    assert place(LAYOUTS["3x4"], record_of(), PLAIN, MachineSettings(simultaneous=True)).notes == (
        "the last 7.5 s of the page are not shown",
    )
    assert place(LAYOUTS["3x4+1"], record_of(), PLAIN, MachineSettings(simultaneous=True)).notes == ()
    with pytest.raises(LayoutError, match=r"no sample of the 1000 s at 0\.001 Hz falls on layout 12x1"):
        place(LAYOUTS["12x1"], Record(np.zeros((12, 1)), 0.001, LEADS), PLAIN, MachineSettings())


@pytest.mark.parametrize("name", ["3x4+1", "3x4+3", "6x2", "12x1", "15x1"])
@pytest.mark.parametrize("style", STYLES)
def test_a_millivolt_fits_above_the_first_row(style: str, name: str) -> None:
    """Its pulse is on the page, and below what is printed above it; one pulse an edge where rows are close."""
    record = record_of((*LEADS, "V7", "V8", "V9"))
    page = place(
        layout_for(name, record.leads), record, STYLES[style], MachineSettings(), sample_report_fields(np.random.default_rng(1), record)
    )
    first = page.traces[0].baseline_mm
    words = [box.corners_mm for box in page.boxes if box.kind == "text"]
    header = max([0.0, page.grid.area_mm[1], *(box[:, 1].max() for box in words if box[:, 1].max() < first)])
    assert first - header >= 11.0 - 1e-9
    baselines = [row[0] for row in groupby(sorted(trace.baseline_mm for trace in page.traces))]
    pitches, (row, _, nearer) = np.diff(baselines), STYLES[style].rows_mm
    pitches[-1] += nearer if baselines[0] == row else 0.0  # a strip stands nearer where the style says so
    assert np.ptp(pitches) <= 4 * STYLES[style].row_play * pitches.mean() + 1e-9  # two rows that move apart beside two that come together
    assert baselines[-1] < min([page.grid.area_mm[3], *(box[:, 1].min() for box in words if box[:, 1].min() > first)])
    pulses = [box.corners_mm for box in page.boxes if box.kind == "pulse"]
    rows = 1 if baselines[1] - baselines[0] < 14.0 else len(baselines)
    assert len(pulses) == rows * (2 if STYLES[style].pulse_side == "both" else 1)


def test_rows_move_towards_the_middle_of_their_traces() -> None:
    """A row that reaches high stands lower, one that reaches deep higher, no farther than the style lets them; the ends stay."""
    style = replace(PLAIN, row_play=0.14)
    signal = np.zeros((12, 5000))
    signal[[LEADS.index(lead) for lead in ("aVL", "II")], 100:140] = 1.6  # rows 1 and, in the strip, 3
    signal[LEADS.index("V3"), 4000:4040] = -0.8  # row 2
    record = Record(signal, 500, LEADS)
    even, moved = (
        sorted({trace.row: trace.baseline_mm for trace in place(LAYOUTS["3x4+1"], record, look, MachineSettings()).traces}.items())
        for look in (PLAIN, style)
    )
    pitch = even[1][1] - even[0][1]
    down = np.array([b - a for (_, a), (_, b) in zip(even, moved, strict=True)])
    assert down == pytest.approx([0.0, min(0.14 * pitch, 8.0), -4.0, 0.0])


def test_the_one_pulse_of_a_dense_page_shows_both_gains() -> None:
    page = place(LAYOUTS["12x1"], record_of(), PLAIN, MachineSettings(chest_gain_mm_mv=5.0))
    pulses = [stroke.points_mm for stroke in page.strokes if stroke.kind == "pulse"]
    assert [len(set(np.round(points[:, 1], 6))) for points in pulses] == [3]


@pytest.mark.parametrize("speed", [12.5, 25.0, 31.7, 50.0, 100.0])
@pytest.mark.parametrize("paper", ["auto", *PAPERS])
@pytest.mark.parametrize("style", STYLES)
def test_the_grid_reaches_beyond_everything_drawn(style: str, paper: str, speed: float) -> None:
    record = record_of(fs=100.0)
    for name in ("3x4+1", "6x1"):
        page = place(LAYOUTS[name], record, STYLES[style], MachineSettings(speed_mm_s=speed, paper=paper))
        left, _, right, _ = page.grid.area_mm
        drawn = [trace.points_mm[:, 0] for trace in page.traces] + [stroke.points_mm[:, 0] for stroke in page.strokes]
        assert left <= min(np.nanmin(x) for x in drawn)
        assert right >= max(np.nanmax(x) for x in drawn)
        assert right <= page.size_mm[0]


@given(data=st.data())
def test_any_record_finds_a_layout_and_keeps_its_truth(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 15))
    leads = tuple(data.draw(st.permutations(ALL_LEADS))[:count])
    fs = data.draw(st.sampled_from([50.0, 97.5, 128.0, 250.0, 360.0, 500.0, 1000.0, 1024.4]))
    record = record_of(leads, fs, data.draw(st.floats(0.02, 12.0)))
    setup = MachineSettings(
        data.draw(st.sampled_from([12.5, 25.0, 50.0])),
        data.draw(st.sampled_from([2.5, 5.0, 10.0, 20.0])),
        data.draw(st.sampled_from([None, 5.0])),
        data.draw(st.sampled_from(["auto", *PAPERS])),
        None,
        data.draw(st.booleans()),
    )
    style = STYLES[data.draw(st.sampled_from(sorted(STYLES)))]
    start = data.draw(st.integers(0, record.samples - 1))
    for name in fitting_layouts(leads):
        page = place(layout_for(name, leads), record, style, setup, start=start)
        assert {trace.lead for trace in page.traces} <= set(leads)
        assert not any("is not in the record: its place is empty" in note for note in page.notes)
        assert all(start <= trace.start <= trace.stop <= record.samples for trace in page.traces)
        check_truth(page, record, setup, start)
