"""The digitiser from layers on: scale and network aside, everything between a picture's layers and millivolts."""

import itertools
import json
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from oracle import drawn_samples
from snr import raw_snrs

import fastecg
from fastecg.digitizing import analysis as analysis_module
from fastecg.digitizing import reading as reading_module
from fastecg.digitizing.analysis import analyse_layers
from fastecg.digitizing.assign import hypotheses
from fastecg.digitizing.follow import TracePath
from fastecg.digitizing.names import Name
from fastecg.digitizing.page_model import read_page
from fastecg.digitizing.pulses import snapped
from fastecg.digitizing.reading import as_colour, read_analysed, read_signals
from fastecg.digitizing.report import overlay, read_points, report_of, twelve_leads, unturned
from fastecg.digitizing.segmenter import Layers
from fastecg.digitizing.settings import Settings
from fastecg.digitizing.targets import MARKERS, SCALE, whole_window
from fastecg.digitizing.tracks import Track
from fastecg.kernels.paths import cheapest_path, share_ink, spread_owners
from fastecg.layouts import LAYOUTS


def true_view_layers(photo):
    """What a perfect network would see."""
    window = whole_window(photo)
    markers = (np.arange(len(MARKERS))[:, None, None] == window.markers).astype(np.float32)
    return Layers(window.maps.astype(np.float32) / 255, markers, SCALE / photo.warp.scale, cap_mm=0.09)


def drawn(photo):
    record = photo.record
    return fastecg.Record(np.where(drawn_samples(photo), record.signal, np.nan), record.fs, record.leads, record.name)


def page(layout="3x4+1", style="muse", recipe="clean", seed=1, **look):
    record = fastecg.simulate("sinus", seed=seed, heart_rate=70)
    return fastecg.render(record, recipe=recipe, layout=layout, style=style, seed=seed, **look)


@cache
def read(layout):
    """A usual page of a layout, and what is read of it."""
    photo = page(layout)
    return photo, read_analysed(analyse_layers(true_view_layers(photo), None), Settings())


@pytest.mark.parametrize("layout", ["3x4+1", "6x2", "6x2-cabrera", "3x4", "3x4+3", "2x1"])
def test_layouts_are_found_and_read(layout):
    photo, reading = read(layout)
    assert (reading.layout, reading.speed_mm_s, reading.gain_mm_mv) == (layout, 25.0, 10.0)
    found = raw_snrs(drawn(photo), reading.decoded.record)
    assert np.mean(found) > 18
    assert min(found) >= 5


@pytest.mark.parametrize(("speed", "gain"), [(50.0, 5.0), (12.5, 20.0)])
def test_speed_and_gain_are_read(speed, gain):
    photo = page("3x4+1", speed_mm_s=speed, gain_mm_mv=gain)
    reading = read_analysed(analyse_layers(true_view_layers(photo), None), Settings(mode="softargmax"))
    assert (reading.speed_mm_s, reading.gain_mm_mv) == (speed, gain)


def test_a_folded_page_is_read_as_well():
    photo = page(recipe="photo", severity=0.3, seed=3)
    reading = read_analysed(analyse_layers(true_view_layers(photo), None), Settings())
    assert np.mean(raw_snrs(drawn(photo), reading.decoded.record)) > 18


def test_report_and_overlay():
    photo, reading = read("3x4+1")
    report = report_of(reading)
    assert report["layout"] == "3x4+1"
    assert report["leads"]["V1"]["drawn"] == [(2500, 3750)]
    assert report["leads"]["V1"]["read"] > 0.95
    assert len(report["leads"]["II"]["sd_uv"]) == 5000
    assert report["order"] == "sure"
    assert report["confidence"] > 0.9
    assert max(report["checks"].values()) < 0.2, "it agrees with itself"
    truth = {(trace.lead, trace.stop): trace for trace in photo.truth.traces}
    for segment in report["segments"]:
        trace = truth[segment["lead"], round(500 * segment["stop_s"])].trace
        zero = photo.truth.to_image(np.column_stack([trace.points_mm[[0, -1], 0], np.full(2, trace.baseline_mm)]))
        assert np.abs(np.array(segment["line_px"]) - zero).max() < 1.0, "px"
        assert segment["zero"] == "pulse"
    assert overlay(photo.image, reading).shape == photo.image.shape
    found = {(trace.lead, trace.start, trace.stop): trace.points for trace in photo.truth.traces}
    for segment, points in zip(reading.decoded.layout.segments, read_points(reading), strict=True):
        off = np.abs(points - found[segment.lead, segment.start, segment.stop])
        assert np.nanmedian(off) < 0.5, "px"


def test_a_lead_without_ink_is_missing():
    photo = page("3x4")
    layers = true_view_layers(photo)
    points = next(trace.points for trace in photo.truth.traces if trace.lead == "aVL")
    (left, top), (right, bottom) = np.floor(points.min(axis=0)).astype(int) - 6, np.ceil(points.max(axis=0)).astype(int) + 6
    maps = layers.maps.copy()
    maps[0, top:bottom, left:right] = 0.0  # its name is still there
    reading = read_analysed(analyse_layers(replace(layers, maps=maps), None), Settings())
    found = reading.decoded.record
    assert "aVL" not in found.leads or np.isnan(found.lead("aVL")[1250:2500]).mean() > 0.9
    assert any("no ink" in flag and "aVL" in flag for flag in reading.decoded.flags)
    assert np.isfinite(found.lead("V5")[3750:5000]).mean() > 0.95
    assert overlay(photo.image, reading).shape == photo.image.shape


def test_twelve_leads_of_a_page_with_two():
    record = fastecg.simulate("sinus", leads=("II", "V1"))
    whole = twelve_leads(record)
    assert whole.leads == fastecg.LEADS
    assert np.isnan(whole.lead("V2")).all()
    assert np.array_equal(whole.lead("V1"), record.lead("V1"))


def level_tracks(heights, left=28.0, length=250.0):
    """Tracks that run level at page y from one page x on."""
    flat = np.ones(round(length * SCALE))
    return [Track(TracePath(y * flat, y * flat, left, SCALE), y, (left, left + length)) for y in heights]


def printed_names(layout, levels, below, wide):
    """The names of a layout, all of them as far below their traces."""
    names = [
        Name(label.removeprefix("-"), 30 + column * wide, levels[row] + below, 0.9)
        for column, labels in enumerate(layout.columns) for row, label in enumerate(labels)
    ]  # fmt: skip
    strips = layout.rows - len(layout.rhythm)
    return names + [Name(lead, 30.0, levels[strips + k] + below, 0.9) for k, lead in enumerate(layout.rhythm)]


@pytest.mark.parametrize("below", [-17.0, -8.0, 0.0, 6.0])
@pytest.mark.parametrize(
    "layout", [layout for name, layout in LAYOUTS.items() if name not in ("1x1", "3x5")], ids=lambda layout: layout.name
)
def test_names_give_the_layout_wherever_they_stand(layout, below):
    """Rows are uneven, and names farther from their traces than from those of the next row."""
    rng = np.random.default_rng(3)
    levels = 40 + np.cumsum(rng.uniform(15, 29, layout.rows))
    names = printed_names(layout, levels, below, layout.seconds * 25.0 / len(layout.columns))
    kept = [names[k] for k in sorted(rng.permutation(len(names))[: max(len(names) - 2, 2)])]
    best, *others = hypotheses(level_tracks(levels, length=layout.seconds * 25.0), kept)
    assert best.layout.name == layout.name
    assert best.tracks == tuple(range(layout.rows))
    second = next((other for other in others if other.layout.columns != layout.columns), None)
    assert second is None or best.score > second.score + 0.5


def test_a_row_that_the_picture_cut_off_moves_no_name():
    layout = LAYOUTS["3x4+1"]
    levels = np.array([40.0, 66.0, 96.0, 118.0])
    names = [name for name in printed_names(layout, levels, 6.0, 62.5) if name.y_mm > 50.0]
    best = hypotheses(level_tracks(levels[1:]), names)[0]
    assert (best.layout.name, best.tracks) == ("3x4+1", (None, 0, 1, 2))


def test_half_a_page_is_half_a_page():
    layout = LAYOUTS["3x4"]
    levels = np.array([40.0, 66.0, 96.0])
    names = [name for name in printed_names(layout, levels, -8.0, 62.5) if name.x_mm < 100.0]
    best = hypotheses(level_tracks(levels, length=125.0), names)[0]
    assert set(best.cells.values()) == {"I", "II", "III", "aVR", "aVL", "aVF"}
    assert best.column_mm == pytest.approx(62.5, rel=0.02)


def test_a_strip_without_a_name_is_known_by_its_trace():
    names = [Name(lead, 30 + 62.5 * (k // 3), 40 + 20 * (k % 3), 0.9) for k, lead in enumerate(fastecg.LEADS)]
    assert hypotheses(level_tracks((44.0, 64.0, 84.0)), names)[0].layout.name == "3x4"
    assert hypotheses(level_tracks((44.0, 64.0, 84.0, 103.0)), names)[0].layout.name == "3x4+1"


@pytest.mark.parametrize(("read", "sure", "lead"), [("III", 0.48, "II"), ("III", 0.7, "III"), ("V1", 0.48, "V1")])
def test_strips_show_an_unusual_lead_if_its_name_is_clear(read, sure, lead):
    names = [Name(name, 30 + 62.5 * (k // 3), 40 + 20 * (k % 3), 0.9) for k, name in enumerate(fastecg.LEADS)]
    best = hypotheses(level_tracks((44.0, 64.0, 84.0, 103.0)), [*names, Name(read, 30.0, 99.0, sure)])[0]
    assert best.layout.name == "3x4+1"
    assert best.cells[3, 0] == lead


@pytest.mark.parametrize("dpi", [66, 78])
def test_small_pictures_have_their_scale(dpi):
    """As found on the web: 660 to 800 px wide, less than 3 px from line to line."""
    photo = page("3x4+1", "muse", "clean", seed=5, dpi=dpi)
    assert max(photo.image.shape[:2]) < 1000
    found = read_signals(photo.image)
    assert (found.layout, found.order) == ("3x4+1", "sure")
    assert report_of(found)["px_per_mm"] == pytest.approx(dpi / 25.4, rel=0.01)


def test_rows_without_a_grid_are_as_long_as_their_time():
    photo = page("3x4+1", "muse", "clean", seed=4)
    analysis = analyse_layers(true_view_layers(photo), None, ruled=False)
    assert analysis.gridless
    ends = [analysis.warp.inverse(trace.points[[0, -1]])[:, 0] for trace in photo.truth.traces if trace.stop - trace.start > 4000]
    assert ends
    for first, last in ends:
        assert last - first == pytest.approx(25.0 * (10.0 - 1.0 / photo.record.fs), rel=5e-4)


def test_beats_where_columns_meet_do_not_change_the_scale_of_a_page_without_a_grid():
    """With four beats a column, the same part of a beat is at the end of every column, and paths leave out spikes there."""
    record = fastecg.simulate("sinus", seed=2, heart_rate=96)
    photo = fastecg.render(record, layout="3x4+1", style="muse", seed=2)
    found = reading_module.lay_out(analyse_layers(true_view_layers(photo), None, ruled=False), Settings())
    assert found.analysis.warp.scale == pytest.approx(SCALE, rel=1e-3)
    assert {segment.stop - segment.start for segment in found.rows.segments} == {1250, 5000}


@pytest.mark.parametrize(("layout", "by_strips"), [("3x4+1", True), ("3x4", False)])
def test_strips_give_the_scale_of_a_page_without_a_grid_whatever_its_columns_leave_out(layout, by_strips):
    photo = page(layout, seed=2)
    layers = true_view_layers(photo)
    maps, scale = layers.maps.copy(), SCALE / photo.warp.scale
    columns = [trace for trace in photo.truth.traces if not trace.trace.rhythm]
    below = max(trace.points[:, 1].max() for trace in columns) * scale
    for start in sorted({float(trace.points[0, 0]) for trace in columns})[1:]:
        x = round(start * scale)
        maps[0, : round(below) + 3, x - round(1.5 * SCALE) : x] = 0.0  # the last 1.5 mm of the column before
    analysis = analyse_layers(replace(layers, maps=maps), None, ruled=False)
    assert analysis.scaled_by_strips == by_strips
    found = reading_module.lay_out(analysis, Settings())
    if by_strips:
        assert found.analysis.warp.scale == pytest.approx(SCALE, rel=1e-3)
        shown_s = [(segment.stop - segment.start) / 500 for segment in found.rows.segments if not segment.rhythm]
        assert shown_s == pytest.approx([2.44] * 12, abs=0.01)
    else:  # Nothing tells columns that leave out time from whole ones that stand apart.
        assert found.analysis.warp.scale == pytest.approx(SCALE * 61.0 / 62.5, rel=2e-3)


def test_rows_without_a_grid_are_as_long_as_their_time_at_the_given_speed(monkeypatch):
    photo = page("3x4+1", "muse", "clean", seed=4, speed_mm_s=50.0)
    monkeypatch.setattr(analysis_module, "SCALE", 1.1 * SCALE)  # as if the picture had a tenth fewer dpi than is guessed first
    analysis = analyse_layers(true_view_layers(photo), None, ruled=False, speed_mm_s=50.0)
    assert analysis.gridless
    assert analysis.warp.scale == pytest.approx(SCALE, rel=1e-3)
    page_found = reading_module.lay_out(analysis, Settings(speed_mm_s=50.0))
    assert page_found.rows.speed_mm_s == 50.0
    assert "no grid was seen: the rows' length is taken as 10 s at 50 mm/s" in page_found.flags


def test_no_layout_without_names():
    assert hypotheses([], []) == []
    assert hypotheses(level_tracks((40.0, 60.0)), [])[0].score < 0, "no name speaks for it"


@pytest.mark.parametrize(("rows", "layout"), [(3, "3x4"), (4, "3x4+1"), (5, "3x4+2"), (6, "6x2"), (7, "6x2+1"), (12, "12x1")])
def test_rows_without_any_name_have_the_usual_layout(rows, layout):
    """Without names a rhythm strip costs as little as with them, so that four rows are not taken for the rare 4x3."""
    assert hypotheses(level_tracks(tuple(40.0 + 15.0 * row for row in range(rows))), [])[0].layout.name == layout


def test_snapped():
    assert snapped(9.8, (5.0, 10.0), 0.1) == 10.0
    assert snapped(7.0, (5.0, 10.0), 0.1) is None
    assert snapped(-1.0, (5.0, 10.0), 0.1) is None


def test_pictures_that_are_none(tmp_path):
    with pytest.raises(fastecg.ImageError, match="expected at least"):
        read_signals(np.zeros((50, 80, 3), dtype=np.uint8))
    with pytest.raises(fastecg.ImageError, match="expected uint8"):
        read_signals(np.zeros((500, 800)))
    for channels in (0, 5):
        with pytest.raises(fastecg.ImageError, match="expected uint8"):
            as_colour(np.zeros((500, 800, channels), dtype=np.uint8))


def test_grey_and_transparent_arrays_are_colour():
    """Grey as (height, width), or with one channel, or with alpha: transparent pixels show white paper."""
    rng = np.random.default_rng(3)
    grey, alpha = (rng.integers(0, 256, (200, 210, 1), dtype=np.uint8) for _ in range(2))
    rgb = np.repeat(grey, 3, axis=2)
    for picture in (grey[..., 0], grey, rgb):
        np.testing.assert_array_equal(as_colour(picture), rgb)
    over = np.rint(255 - (255.0 - grey) * (alpha / 255.0)).astype(np.uint8).repeat(3, axis=2)
    for picture in (np.concatenate([grey, alpha], axis=2), np.concatenate([rgb, alpha], axis=2)):
        np.testing.assert_array_equal(as_colour(picture), over)


def test_the_cheapest_path_is_the_cheapest_of_all():
    rng = np.random.default_rng(5)
    for _ in range(20):
        ink = rng.random((4, 4)).astype(np.float32)
        bias = rng.random(4) * 0.3
        lows, highs = np.empty(4, dtype=np.int64), np.empty(4, dtype=np.int64)
        cheapest_path(ink, bias, 1.0, 0.02, lows, highs)
        # A path is told by the row in which it enters the first column and the rows in which it leaves every one.
        best = np.inf
        for start, *leave in itertools.product(range(4), repeat=5):
            cost, at, low, high = bias[start], start, [], []
            for x, row in enumerate(leave):
                cost += 1 - float(ink[at, x]) + bias[at]
                low.append(min(at, row))
                high.append(max(at, row))
                for y in range(at + 1, row + 1) if row > at else range(at - 1, row - 1, -1):
                    cost += 0.02 + 1 - float(ink[y, x])
                at = row
            if cost < best - 1e-9:
                best, found = cost, (low, high)
        assert (lows.tolist(), highs.tolist()) == found


def test_ink_goes_to_the_nearest_owner():
    rng = np.random.default_rng(6)
    for _ in range(20):
        ink = (rng.random((12, 14)) > 0.45).astype(np.float32)
        owners = np.zeros(ink.shape, dtype=np.uint8)
        owners[2, 1:4], owners[9, 5:9] = 1, 2
        away = {k: naive_distance(ink, owners == k) for k in (1, 2)}
        expected = np.where(away[1] < away[2], 1, np.where(away[2] < away[1], 2, 0))
        share_ink(ink, 0.5, owners)
        reached = (ink > 0.5) & (away[1] != away[2])
        assert np.array_equal(owners[reached], expected[reached])
        assert not owners[(ink < 0.5) & ~np.isin(owners, (1, 2))].any()


def naive_distance(ink, start):
    """Sideways steps, of steps to the eight neighbours over ink, from where a start is on ink."""
    away = np.where(start & (ink > 0.5), 0.0, np.inf)
    height, width = ink.shape
    steps = [(j, i) for j in (-1, 0, 1) for i in (-1, 0, 1)]
    for _ in range(ink.size):
        padded = np.pad(away, 1, constant_values=np.inf)
        around = np.min([padded[1 + j : 1 + j + height, 1 + i : 1 + i + width] + abs(i) for j, i in steps], axis=0)
        away = np.where(ink > 0.5, np.minimum(away, around), np.inf)
    return away


def test_owners_spread():
    rng = np.random.default_rng(7)
    owners = np.where(rng.random((15, 17)) < 0.1, rng.integers(1, 4, (15, 17)), 0).astype(np.uint8)
    bits = np.zeros(owners.shape, dtype=np.uint32)
    spread_owners(owners, 2, bits)
    for k in (1, 2, 3):
        padded = np.pad(owners == k, 2)
        near = np.any([padded[j : j + 15, i : i + 17] for i in range(5) for j in range(5)], axis=0)
        assert np.array_equal((bits >> (k - 1)) & 1 == 1, np.where(owners == 0, near, owners == k))


def test_a_page_cut_off_on_both_sides_is_read_with_a_flag():
    photo = page(seed=3)
    layers = true_view_layers(photo)
    left, right = (
        round((trace.points[0, 0], trace.points[-1, 0])[k]) for k, trace in ((0, photo.truth.traces[0]), (1, photo.truth.traces[-1]))
    )
    left, right = (left + 12) // 4 * 4, (right - 40) // 4 * 4
    cut = replace(layers, maps=layers.maps[:, :, left:right], markers=layers.markers[:, :, left // 4 : right // 4])
    reading = read_analysed(analyse_layers(cut, None), Settings())
    assert any("beyond the picture" in flag for flag in reading.decoded.flags)
    assert reading.layout == "3x4+1"
    assert fastecg.score(drawn(photo), reading.decoded.record).records[0].challenge_2024_db > 5


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_places_are_told_in_the_picture_as_it_was_given(turns):
    """Pixels of a turned picture and of the picture itself show the same."""
    picture = np.arange(20 * 30).reshape(20, 30)
    turned = np.rot90(picture, turns)
    analysis = SimpleNamespace(turns=turns, layers=SimpleNamespace(zoom=1.0, maps=np.zeros((6, *turned.shape))))
    for x, y in ((3, 5), (0, 11), (12, 2)):
        (at,) = unturned(np.array([[x, y]]), analysis).astype(int)
        assert picture[at[1], at[0]] == turned[y, x]


def test_a_reading_that_contradicts_itself_is_not_told_as_sure():
    """The same page with the names of two leads of the limbs exchanged: they are where a layout has them, but do not add up."""
    photo = page("12x1", seed=5)
    layers = true_view_layers(photo)
    named = layers.markers.copy()
    named[[1, 3]] = layers.markers[[3, 1]]  # I is called III
    order = [lead if lead not in ("I", "III") else {"I": "III", "III": "I"}[lead] for lead in fastecg.LEADS]
    assert order[0] == "III"
    reading = read_analysed(analyse_layers(replace(layers, markers=named), None), Settings(mode="centroid"))
    told = [segment.lead for segment in reading.decoded.layout.segments]
    assert told[0] == "I" or reading.order == "uncertain" or reading.layout != "12x1"


def test_what_does_not_beat_together_is_refused():
    rng = np.random.default_rng(8)
    signal = np.cumsum(rng.normal(0, 0.05, (12, 5000)), axis=1).astype(np.float32)
    signal -= np.linspace(signal[:, 0], signal[:, -1], 5000).T
    prices = fastecg.Record(np.clip(signal, -2, 2), 500.0, fastecg.LEADS, "prices")
    photo = fastecg.render(prices, recipe="clean", layout="12x1", style="muse", seed=3)
    with pytest.raises(fastecg.ImageError, match="beat together"):
        read_analysed(analyse_layers(true_view_layers(photo), None), Settings())


@pytest.fixture(scope="module")
def first_reading():
    """A page as it is seen and read before anybody corrects it."""
    analysis = analyse_layers(true_view_layers(page("3x4", seed=7)), None)
    return analysis, read_analysed(analysis, Settings(mode="centroid"))


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_page_that_a_person_corrected_is_read_again(tmp_path, first_reading, turns):
    analysis, first = first_reading
    analysis = replace(analysis, turns=turns)
    report = report_of(replace(first, analysis=analysis), deviations=False)
    for segment in report["segments"]:
        segment["lead"] = {"V1": "V2", "V2": "V1"}.get(segment["lead"], segment["lead"])
    corrected = tmp_path / "x.page.json"
    corrected.write_text(json.dumps(report))
    reading = read_analysed(analysis, Settings(mode="centroid", page=corrected))
    assert reading.order == "sure"
    assert reading.speed_mm_s == pytest.approx(25.0, rel=1e-3)
    for lead, other in (("V1", "V2"), ("V2", "V1"), ("aVF", "aVF")):
        a, b = reading.decoded.record.lead(lead), first.decoded.record.lead(other)
        known = np.isfinite(a) & np.isfinite(b)
        assert np.abs(a[known] - b[known]).mean() < 0.01, "mV"


@pytest.mark.parametrize(("text", "words"), [
    ("[]", "no list of segments"),
    ("{", "cannot be read"),
    ('{"segments": [{"lead": "I"}]}', "segment 1"),
    ('{"segments": [{"lead": "I", "row": 0, "start_s": 2, "stop_s": 1, "line_px": [[0, 0], [9, 0]]}]}', "expected at least"),
])  # fmt: skip
def test_pages_that_are_none(tmp_path, text, words):
    file = tmp_path / "page.json"
    file.write_text(text)
    with pytest.raises(fastecg.LayoutError, match=words):
        read_page(file)


class Fan:
    """A map of a misread grid: millimetres grow from the top of the page to its bottom."""

    scale = SCALE

    def inverse(self, points_px):
        x, y = np.moveaxis(np.asarray(points_px, dtype=float), -1, 0) / SCALE
        return np.stack([(x - 140.0) * (1.2 - 0.002 * y) + 140.0, y], axis=-1)

    def forward(self, points_mm):
        x, y = np.moveaxis(np.asarray(points_mm, dtype=float), -1, 0)
        return np.stack([(x - 140.0) / (1.2 - 0.002 * y) + 140.0, y], axis=-1) * SCALE


def test_a_grid_in_whose_map_rows_fan_out_is_not_believed(monkeypatch):
    """Few dots of a grid that has nearly faded can be followed wrongly: rows of one time are as long as each other on paper."""
    photo = page()
    monkeypatch.setattr(analysis_module, "picture_grid", lambda layers: Fan())
    analysis = analyse_layers(true_view_layers(photo), None)
    assert analysis.gridless
    reading = read_analysed(analysis, Settings())
    assert (reading.layout, reading.speed_mm_s) == ("3x4+1", 25.0)


@pytest.mark.parametrize(
    ("lengths", "fans"),
    [
        ((266.0, 243.0, 221.0, 197.0), True),
        ((250.0, 250.1, 249.8, 250.0), False),
        ((265.0, 265.0, 265.0, 250.0), False),  # a strip without the gaps of columns
        ((250.0, 251.0, 150.0, 249.0), False),  # a row of which the network lost half
        ((266.0, 197.0), False),  # two may differ for any reason
    ],
)
def test_rows_fan_out_if_all_of_them_do(lengths, fans):
    tracks = [SimpleNamespace(level_mm=20.0 + 40.0 * k, ends_mm=(10.0, 10.0 + mm), cut=(False, False)) for k, mm in enumerate(lengths)]
    assert analysis_module._fans_out(tracks) is fans


@pytest.mark.parametrize(
    ("looks", "framed"),
    [
        ([(1.0, 0.0)], 0),
        ([(1.0002, 0.0), (1.0005, 0.0)], 1),  # what is left is that of bars on whole pixels
        ([(1.011, 0.004), (1.0022, 0.0), (1.0001, 0.0)], 2),
        ([(1.011, 0.004), (1.01, 0.0), (1.01, 0.0), (1.01, 0.0)], 3),
    ],
)
def test_a_page_without_a_grid_is_laid_anew_until_its_bars_fit(monkeypatch, looks, framed):
    """Bars far from where they were expected are found in part only, and tell half the way."""
    told, laid = iter(looks), []
    monkeypatch.setattr(reading_module, "_lay_out_best", lambda analysis, settings, page_ink: (analysis, next(told)))
    monkeypatch.setattr(reading_module, "reframed", lambda analysis, stretch, fall, layout: laid.append((stretch, fall)) or analysis)
    monkeypatch.setattr(reading_module, "judged_by_first_reading", lambda page, settings: page)
    monkeypatch.setattr(reading_module, "tracks_beat", lambda tracks: True)
    analysis = SimpleNamespace(match="3x4+1", warp=SimpleNamespace(scale=5.0), layers=SimpleNamespace(zoom=1.0), tilt=0.0, tracks=())
    assert reading_module.lay_out(analysis, Settings()) is analysis
    assert laid == looks[:framed]


def test_rows_that_never_beat_are_not_read(monkeypatch):
    """Reading them takes three times as long as finding them. A layout that is told is believed."""
    monkeypatch.setattr(reading_module, "never_beat", lambda tracks: True)
    monkeypatch.setattr(reading_module, "_lay_out_best", lambda analysis, settings, page_ink: (analysis, (1.0, 0.0)))
    monkeypatch.setattr(reading_module, "judged_by_first_reading", lambda page, settings: page)
    analysis = SimpleNamespace(match="12x1", tracks=())
    with pytest.raises(fastecg.ImageError, match="do not beat together"):
        reading_module.lay_out(analysis, Settings(gain_mm_mv=10.0))
    assert reading_module.lay_out(analysis, Settings(layout="12x1")) is analysis


@pytest.mark.parametrize(
    ("px_mm", "stretch", "zoom", "expected"),
    [
        (7.87, 1.001, 1.0, 200 / 25.4 / 7.87),  # a program's page: bars on whole pixels are off by more than a whole dpi is
        (7.87, 1.01, 1.0, 1.01),  # a picture of any scale
        (7.874, 1.0, 200 / 150, 1.0),  # the picture's own resolution counts: 150 dpi
        (7.874, 1.0, 1.3, 1.0),
    ],
)
def test_millimetres_are_those_of_a_usual_resolution_nearby(px_mm, stretch, zoom, expected):
    analysis = SimpleNamespace(warp=SimpleNamespace(scale=px_mm), layers=SimpleNamespace(zoom=zoom), tilt=0.0)
    assert reading_module._at_usual_resolution(analysis, stretch, 0.0)[0] == pytest.approx(expected, rel=2e-5)
