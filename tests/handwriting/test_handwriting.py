"""Handwriting: the alphabet, hands, motion, ink, notes, and where they are put."""

import functools
import json
import re
import shutil
from dataclasses import replace

import naive_handwriting as naive
import numpy as np
import pytest

import fastecg
from fastecg.artifacts.handwriting import Handwriting
from fastecg.artifacts.pen_marks import PenMarks
from fastecg.artifacts.redaction import Redaction
from fastecg.artifacts.stamp import Stamp
from fastecg.artifacts.sticker import Sticker
from fastecg.artifacts.white_out import WhiteOut
from fastecg.errors import FastecgError, RecipeError
from fastecg.handwriting import font as font_module
from fastecg.handwriting import ink as inks
from fastecg.handwriting import marks, motor, phrases, read_font, read_notes, spelled, unwritable
from fastecg.handwriting.font import write_in_font
from fastecg.handwriting.glyphs import forms, glyph_table
from fastecg.handwriting.lay import lay_mark, lay_note
from fastecg.handwriting.room import CELL_MM, Room, beats
from fastecg.handwriting.words import broken, sample_note, sample_phrase, shown_by, templates
from fastecg.handwriting.writer import COLOURS, PENS, sample_pen, sample_writer
from fastecg.kernels.hand import press_pen, sample_path, shake_path, smooth_path
from fastecg.kernels.pen_ink import lay_ink, paper_tooth
from fastecg.layouts import LAYOUTS, MachineSettings, layout_for
from fastecg.layouts.place import place
from fastecg.layouts.report_fields import sample_report_fields
from fastecg.page import Box, Grid, Page, Trace
from fastecg.printing.text import font_file, measure
from fastecg.recipe import Recipe
from fastecg.run.dataset import render_dataset
from fastecg.sheet import print_page, trace_plane
from fastecg.shot import Shot, with_artifacts
from fastecg.simulation import simulate
from fastecg.styles import STYLES, style_for

SCALE = 7.874
WORDS = "AF w/ RVR, rate 140"

KINDS = (
    ("sinus", "normal"), ("sinus_bradycardia", "lafb"), ("sinus_tachycardia", "rbbb"), ("sinus_arrhythmia", "lbbb"),
    ("sinus", "low_voltage"),
    ("atrial_fibrillation", "normal"), ("first_degree_av_block", "inverted_t"), ("premature_ventricular", "long_qt"),
    ("premature_atrial", "lpfb"), ("sinus", "st_elevation_inferior"), ("sinus", "st_elevation_anterior"), ("junctional", "normal"),
    ("ventricular_tachycardia", "normal"), ("supraventricular_tachycardia", "normal"), ("idioventricular", "normal"),
    ("sinus", "rvh"), ("sinus", "early_repolarisation"), ("sinus", "lvh_strain"),
)  # fmt: skip


def rng(seed=0):
    return np.random.default_rng(seed)


@functools.cache
def record(rate=72.0, seed=3):
    fs, seconds = 500, 10
    t = np.arange(fs * seconds) / fs
    beat = (t * rate / 60 + 0.4) % 1.0
    wave = 1.1 * np.exp(-(((beat - 0.5) / 0.012) ** 2)) + 0.25 * np.exp(-(((beat - 0.75) / 0.05) ** 2))
    size = rng(seed).uniform(0.3, 1.6, (12, 1)) * rng(seed + 1).choice([1, 1, 1, -1], (12, 1))
    return fastecg.Record(signal=(size * wave).astype(np.float32), fs=fs, leads=fastecg.LEADS, name=f"made-{seed}")


@functools.cache
def page(k=0):
    """One of 24 pages of different machines and layouts."""
    made = record(50.0 + 7 * (k % 8), k)
    style = style_for(sorted(STYLES)[k % len(STYLES)])
    names = [name for name, _ in style.layouts if name in LAYOUTS and name not in ("6x1", "6x1-chest")]
    facts = Recipe.load("clean").sample(made, seed=k).facts
    return place(layout_for(names[k % len(names)], made.leads), made, style, MachineSettings(), facts, start=0, stop=made.samples), style


@functools.cache
def sheet(k=0):
    return print_page(*page(k), 100 / 25.4)


@functools.cache
def shot(k=0):
    return Recipe.load("clean").sample(record(72.0, k), seed=k, dpi=100.0)


def coverage(ink, scale=SCALE):
    """The ink on a sheet that just holds it, and the sheet's window."""
    _, _, x1, y1 = ink.extent_mm
    shape = int((y1 + 5) * scale), int((x1 + 5) * scale)
    window = inks.ink_window(ink, scale, shape)
    return inks.ink_plane(ink, scale, window), window


# --- alphabet ----------------------------------------------------------------------------------------------------------------------


def test_the_alphabet_holds_what_notes_need():
    needed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789?!.,:;-+/()=<>~%#*&°_'\"[]@↑↓→←✓♥µ"
    assert set(needed) == set(forms())
    for character in "aefgrstnoidluh":
        assert len(forms()[character][0]) >= 3
    for character in "0123456789":
        assert len(forms()[character][0]) >= 2
    for character in "abcdefghijklmnopqrstuvwxyz":
        assert forms()[character][1], f"{character} has no joined form"


def test_glyphs_stay_within_their_lines():
    table = glyph_table()
    assert table.points[:, 1].min() >= -10.0
    assert table.points[:, 1].max() <= 21.0
    assert (table.extents[:, 1] >= table.extents[:, 0]).all()
    assert (table.extents[:, 1] < 17.0).all()
    assert table.strokes[-1] == len(table.points)
    assert (np.diff(table.strokes) >= 2).all(), "a stroke is two points at least"


def test_cursive_letters_start_at_the_foot_of_their_upstroke():
    table = glyph_table()
    for _, cursive in forms().values():
        for allograph in cursive:
            x, y, _ = table.points[table.strokes[table.allographs[allograph, 0]]]
            assert x <= 0.5
            assert y <= 1.0


@pytest.mark.parametrize("character", sorted(forms()))
def test_every_character_can_be_written(character):
    ink = motor.write(character, sample_writer(rng(1), 0.9), rng(2)).moved(10, 10)
    plane, _ = coverage(ink)
    assert plane.max() > 90
    assert np.isfinite(ink.points_mm).any()


def test_words_are_spelled_with_what_there_is():
    assert spelled("K+ -> 5,4 µV ^ “ok”") == 'K+ → 5,4 µV ↑ "ok"'
    assert spelled("naïve Ärzte") == "naive Arzte"
    assert spelled("a 心 b") == "a  b"
    assert unwritable("a 心 b漢") == "".join(sorted("心漢"))


# --- hands -------------------------------------------------------------------------------------------------------------------------


def test_the_same_seeds_write_the_same_ink():
    first, second = (motor.write(WORDS, sample_writer(rng(5), 0.4), rng(6)) for _ in range(2))
    for name in ("points_mm", "width_mm", "density"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(coverage(first.moved(5, 10))[0], coverage(second.moved(5, 10))[0])


def test_no_word_is_written_twice_the_same():
    writer = sample_writer(rng(5), 0.7)
    first, second = motor.write(WORDS, writer, rng(1)), motor.write(WORDS, writer, rng(2))
    assert first.points_mm.shape != second.points_mm.shape or not np.allclose(first.points_mm, second.points_mm, equal_nan=True)


def test_writers_differ_more_than_one_writer_from_himself():
    def look(writer, k):
        return shape_of(motor.write("minimum value", replace(writer, x_height_mm=2.0, capitals=False), rng(k)))

    writers = [sample_writer(rng(k), 0.8) for k in range(40)]
    looks = np.array([[look(writer, k) for k in range(3)] for writer in writers])
    own = np.linalg.norm(looks - looks.mean(axis=1, keepdims=True), axis=-1).mean()
    others = np.linalg.norm(looks.mean(axis=1) - looks.mean(axis=(0, 1)), axis=-1).mean()
    assert others > 2.5 * own


def shape_of(ink):
    """Width, height, share of lean, mean curvature and pen lifts of a piece of writing."""
    points = ink.points_mm
    x0, y0, x1, y1 = ink.extent_mm
    step = np.diff(points, axis=0)
    step = step[np.isfinite(step).all(axis=1)]
    lean = (step[:, 0] * -np.sign(step[:, 1])).sum() / np.abs(step[:, 1]).sum()
    return np.array([(x1 - x0) / 10, (y1 - y0) / 3, 4 * lean, np.isnan(points[:, 0]).sum() / 10])


def test_less_legible_is_less_like_neat_print():
    """The dial is monotone: the pen is lifted less and less, and letters become flat lines."""

    def measures(legibility):
        found = []
        for k in range(24):
            writer = replace(sample_writer(rng(k), legibility), capitals=False, x_height_mm=2.0)
            ink = motor.write("repeat ECG in fifteen minutes", writer, rng(100 + k))
            step = np.diff(ink.points_mm, axis=0)
            lifts = np.isnan(ink.points_mm[:, 0]).sum()
            found.append((lifts, np.nansum(np.abs(step[:, 1])) / np.nansum(np.abs(step[:, 0]))))
        return np.mean(found, axis=0)

    found = np.array([measures(legibility) for legibility in (1.0, 0.75, 0.5, 0.25, 0.0)])
    assert (np.diff(found, axis=0) < 0).all()
    assert (found[-1] < 0.65 * found[0]).all()


def test_a_scrawl_spares_neither_capitals_nor_digits():
    """Their strokes run together, are left out and become flat, from neat print down to the end of the dial."""

    def up_and_down(words, legibility):
        writers = [replace(sample_writer(rng(k), legibility), capitals=False, x_height_mm=2.0) for k in range(24)]
        drawn = [motor.write(words, writer, rng(100 + k)).points_mm for k, writer in enumerate(writers)]
        return np.mean([(np.nansum(np.abs(np.diff(points[:, 1]))), np.isnan(points[:, 0]).sum()) for points in drawn], axis=0)

    for words in ("STEMI LBBB QRS", "14:35 6.8 27/9"):
        neat, hasty, worst = (up_and_down(words, legibility) for legibility in (1.0, 0.5, 0.0))
        assert hasty[1] < neat[1]
        assert (worst < (0.7, 0.8) * hasty).all()


@pytest.mark.parametrize("name", PENS)
def test_pens_are_what_they_are_asked_to_be(name):
    pens = [sample_pen(rng(k), name) for k in range(20)]
    assert {pen.name for pen in pens} == {name}
    assert len({pen.colour for pen in pens}) > 10
    assert all(0.2 < pen.diameter_mm < 0.9 for pen in pens)


@pytest.mark.parametrize("colour", COLOURS)
def test_ink_has_the_colour_asked_for(colour):
    red, green, blue = np.mean([sample_pen(rng(k), colour=colour).colour for k in range(30)], axis=0)
    if colour in ("black", "grey"):
        assert max(red, green, blue) - min(red, green, blue) < 12
    else:
        assert {"red": red, "green": green, "blue": blue, "blue-black": blue}[colour] == max(red, green, blue)


def test_most_ink_is_blue_and_hardly_any_red():
    drawn = [sample_pen(rng(k)) for k in range(1500)]
    red, green, blue = np.array([pen.colour for pen in drawn]).T
    assert (blue > np.maximum(red, green) + 15).mean() > 0.55
    assert 0.02 < (red > blue + 60).mean() < 0.1
    assert np.mean([pen.name == "ballpoint" for pen in drawn]) > 0.65


# --- motion ------------------------------------------------------------------------------------------------------------------------


def nodes_of(points, corners=(), lifts=(0,)):
    nodes = np.zeros((len(points), 4))
    nodes[:, :2] = points
    nodes[list(corners), 2] = 1
    nodes[list(lifts), 3] = 1
    return nodes


def test_the_curve_is_a_centripetal_catmull_rom():
    points = rng(3).uniform(0, 20, (7, 2))
    way = np.empty((2000, 2))
    count = sample_path(nodes_of(points), 0.4, way)
    at = 0
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    for i in range(6):
        pieces = int(1.1 * np.hypot(*(points[i + 1] - points[i])) / 0.4) + 1
        for k in range(pieces):
            np.testing.assert_allclose(way[at], naive.catmull_rom(*padded[i : i + 4], k / pieces), atol=1e-6)
            at += 1
    np.testing.assert_array_equal(way[count - 1], points[-1])
    assert count == at + 1


def test_corners_are_sharp_and_lifts_are_gaps():
    points = np.array([[0, 0], [5, 5], [10, 0], [12, 0], [18, 0]], dtype=float)
    way = np.empty((200, 2))
    count = sample_path(nodes_of(points, corners=(1,), lifts=(0, 3)), 0.4, way)
    way = way[:count]
    assert np.isnan(way[:, 0]).sum() == 1
    straight = way[: np.flatnonzero((way == points[1]).all(axis=1))[0]]
    np.testing.assert_allclose(straight[:, 0], straight[:, 1], atol=1e-9)


@pytest.mark.parametrize("sigma", [0.7, 2.5, 6.0])
def test_smoothing_as_the_naive_twin(sigma):
    way = rng(1).normal(size=(90, 2)).cumsum(axis=0)
    way[[30, 34, 36]] = np.nan
    out = np.empty_like(way)
    smooth_path(way, sigma, out)
    np.testing.assert_allclose(out, naive.smooth(way, sigma), atol=1e-9)
    for run in naive.runs(way):
        if run.stop - run.start <= 3 * sigma + 2:
            continue  # a dot is shorter than the hand's inertia
        np.testing.assert_allclose(out[run.start], way[run.start], atol=1e-9)
        np.testing.assert_allclose(out[run.stop - 1], way[run.stop - 1], atol=1e-9)


def test_shaking_as_the_naive_twin():
    way, knots = rng(1).normal(size=(50, 2)), rng(2).normal(size=(9, 2))
    shaken = way.copy()
    shake_path(shaken, knots, 7.0)
    np.testing.assert_allclose(shaken, naive.shake(way, knots, 7.0), atol=1e-12)


def test_the_pen_presses_harder_where_it_is_slow():
    turn = np.linspace(0, 8 * np.pi, 300)
    tight = np.stack([1.2 * np.cos(turn), 1.2 * np.sin(turn)], axis=1)
    wide = np.stack([np.linspace(0, 130, 300), np.zeros(300)], axis=1)
    density = np.empty((2, 300))
    for k, way in enumerate((tight, wide)):
        grip = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
        press_pen(way, grip, np.zeros(20), np.ones((1, 4)), np.empty(300), density[k])
    assert density[0, 50:250].mean() > density[1, 50:250].mean() + 0.1


def pressed(way, grip, runs=(1.0, 1.0, 1.0, 1.0)):
    """Width and density along one stroke."""
    width, density = np.empty(len(way)), np.empty(len(way))
    press_pen(way, np.array(grip), np.zeros(len(way) // 25 + 2), np.array([runs]), width, density)
    return width, density


def test_strokes_taper_where_the_pen_lands_and_leaves_and_may_start_with_a_blob():
    way = np.stack([np.linspace(0, 40, 90), np.zeros(90)], axis=1)
    width, density = pressed(way, [1.0, 1.0, 0.8, 1.0, 0.5])
    assert width[0] < 0.3 * width[45]
    assert width[-1] < 0.3 * width[45]
    assert density[-1] < 0.7 * density[45]
    assert pressed(way, [1.0, 1.0, 0.8, 1.0, 0.5], (0.2, 1.0, 1.0, 1.0))[0][0] > 1.3
    blunt, _ = pressed(way, [1.0, 1.0, 0.8, 1.0, 0.0], (1.0, 1.0, 0.0, 0.0))
    assert blunt[-1] > 0.7 * blunt[45], "a pen that stops before it lifts"


def test_strokes_swell_in_the_middle_and_on_the_way_down():
    down = np.stack([np.zeros(80), np.linspace(36, 0, 80)], axis=1)
    falling, rising = (pressed(way, [1.0, 1.0, 0.0, 1.0, 0.0])[0] for way in (down, down[::-1].copy()))
    assert (falling[10:70] > rising[10:70] + 0.1).all()
    assert falling[40] > falling[8] + 0.04


@pytest.mark.parametrize("seed", range(4))
def test_pressing_as_the_naive_twin(seed):
    generator = rng(seed)
    way = generator.normal(0, 0.5, (130, 2)).cumsum(axis=0)
    way[[3, 40, 44, 100]] = np.nan
    grip = np.array([1.2, 0.8, generator.random(), generator.random(), 0.4])
    unrest, runs = generator.standard_normal(8), generator.random((5, 4))
    width, density = np.empty(130), np.empty(130)
    press_pen(way, grip, unrest, runs, width, density)
    for found, expected in zip((width, density), naive.press(way, grip, unrest, runs), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_baselines_rise_and_fall_and_gaps_are_uneven():
    def feet(k):
        """The lowest y of each of twelve letters, and the gaps between them, in x-heights."""
        writer = replace(sample_writer(rng(k), 0.8), capitals=False, cursive=0.0, slope=0.0, slant=0.0, x_height_mm=1.0)
        nodes = motor._letter_nodes("n" * 12, replace(writer, hand=writer.hand._replace(join=0.0, merge=0.0, jitter=0.0)), rng(k))
        motor._add_waves(nodes, writer.hand.wave, rng(k))
        starts = np.flatnonzero(nodes[:, 3] == 1.0)
        letters = [letter for letter in np.split(nodes, starts[1:]) if np.ptp(letter[:, 0]) > 2]
        return np.array([letter[:, 1].min() for letter in letters]), np.array([letter[0, 0] for letter in letters])

    found = [feet(k) for k in range(30)]
    assert np.mean([np.std(low) for low, _ in found]) > 0.5, "a twentieth of the x-height"
    assert np.mean([np.std(np.diff(left)) for _, left in found]) > 0.5


# --- ink ---------------------------------------------------------------------------------------------------------------------------


def test_a_stroke_as_the_naive_twin():
    nodes = np.array([[4.3, 5.1, 1.4, 0.9], [15.2, 9.7, 0.3, 0.6]])
    below, top = np.zeros((16, 20), np.uint8), np.zeros((16, 20), np.uint8)
    lay_ink(nodes, below, top, np.full((16, 20), -1e4, np.float32))
    assert not below.any()
    np.testing.assert_allclose(top, naive.line_coverage(nodes[0], nodes[1], (16, 20)), atol=0.51)


def test_crossing_strokes_darken_and_going_on_does_not():
    pen = sample_pen(rng(0), "gel")._replace(tooth=0.0)

    def line(*points):
        points = np.array(points, dtype=float)
        return inks.Ink("mark", "", points, np.full(len(points), 0.8), np.full(len(points), 0.6), pen)

    cross, _ = coverage(inks.join_inks("mark", "", [line((5, 10), (15, 10)), line((10, 5), (10, 15))]))
    straight, _ = coverage(line(*[(5 + 0.1 * k, 10.0) for k in range(100)]))
    assert straight.max() == round(255 * 0.6)
    assert cross.max() > 1.25 * straight.max()
    assert (cross > 1.25 * 153).sum() < 0.1 * (cross > 100).sum()


def test_tooth_breaks_pencil_and_hardly_ink():
    def loss(name):
        ink = motor.write(WORDS, sample_writer(rng(3), 0.8, sample_pen(rng(4), name)), rng(5)).moved(5, 10)
        smooth = replace(ink, pen=ink.pen._replace(tooth=0.0))
        return 1 - coverage(ink)[0].sum() / coverage(smooth)[0].sum()

    assert loss("pencil") > 0.08
    assert loss("gel") < 0.03


def test_paper_tooth_is_uniform_noise_smooth_within_cells():
    heights = np.array([[paper_tooth(float(i), float(j), 9) for i in range(60)] for j in range(60)])
    assert 0.47 < heights.mean() < 0.53
    assert 0.27 < heights.std() < 0.31
    assert abs(np.corrcoef(heights[:, 1:].ravel(), heights[:, :-1].ravel())[0, 1]) < 0.05
    assert paper_tooth(4.5, 7.0, 9) == pytest.approx(0.5 * (heights[7, 4] + heights[7, 5]))
    assert paper_tooth(4.0, 7.0, 10) != heights[7, 4]


@pytest.mark.parametrize("seed", range(12))
def test_boxes_hold_their_ink(seed):
    ink = motor.write(WORDS, sample_writer(rng(seed), seed / 11), rng(seed)).moved(8, 15)
    plane, (rows, columns) = coverage(ink)
    y, x = np.nonzero(plane)
    x0, y0, x1, y1 = ink.extent_mm
    x_mm, y_mm = (x + columns.start + 0.5) / SCALE, (y + rows.start + 0.5) / SCALE
    slack = 0.6 / SCALE  # antialiased edges reach half a pixel beyond
    assert x_mm.min() >= x0 - slack
    assert x_mm.max() <= x1 + slack
    assert y_mm.min() >= y0 - slack
    assert y_mm.max() <= y1 + slack
    assert x_mm.max() - x_mm.min() > 0.93 * (x1 - x0) - 0.5


def test_ink_is_a_filter():
    pixels = np.full((40, 40, 3), 200, np.uint8)
    pixels[:, 20:] = 40
    plane = np.full((20, 20), 180, np.uint8)
    inks.soak(pixels, (slice(10, 30), slice(10, 30)), plane, sample_pen(rng(0), "ballpoint", "blue"))
    assert (pixels[12, 22] < pixels[12, 12]).all(), "what was darker is darker still"
    assert (pixels[12, 22] < 40).all()
    assert (pixels[5] == np.where(np.arange(40)[:, None] < 20, 200, 40)).all()


# --- words -------------------------------------------------------------------------------------------------------------------------


def test_there_are_phrases_enough_and_all_can_be_written():
    assert len(phrases()) == len(set(phrases())) >= 300
    notes = {sample_phrase(rng(k)) for k in range(2000)} | {line.partition(" @ ")[0] for line in templates()["remark"]}
    assert not [note for note in notes if unwritable(note) or "{" in note or "[" in note or "|" in note]
    assert len(notes) > 400


def test_notes_name_nobody_and_no_day():
    months = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    dates = re.compile(rf"\b\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}\b|\b(19|20)\d\d\b|\b\d{{1,2}}[ -]?({months})\b|\bdob\b|\bborn\b", re.I)
    names = re.compile(r"\b(Mr|Mrs|Ms|Miss|Prof|Dr\.? [A-Z][a-z]+)\b|[Hh]ospital|[Cc]linic\b")
    for k in range(3000):
        note = sample_phrase(rng(k))
        assert not dates.search(note), note
        assert not names.search(note), note


def test_drawn_numbers_are_in_their_ranges():
    found = [sample_phrase(rng(k)) for k in range(20000)]
    pains = [int(match.group(1)) for note in found if (match := re.fullmatch(r"chest pain (\d+)/10", note))]
    assert min(pains) >= 3
    assert max(pains) <= 9
    clocks = [match.group(1) for note in found if (match := re.fullmatch(r"seen (\d\d:\d\d)", note))]
    assert clocks
    assert all(int(clock[:2]) < 24 and int(clock[3:]) < 60 for clock in clocks)
    waits = {match.group(1) for note in found if (match := re.fullmatch(r"repeat ECG in (\d+) min", note))}
    assert waits == {"5", "10", "15", "20", "25", "30"}


def test_notes_do_not_contradict_the_page():
    rhythms = {
        "atrial_fibrillation": r"\bN?SR\b|sinus|PVC|PAC|AVB|junctional|normal",
        "sinus": r"\bAF\b|AVB|junction|SVT|paced|no P|STE|LBBB",
    }
    for rhythm, wrong in rhythms.items():
        facts = sample_report_fields(rng(1), simulate(rhythm, seed=1, heart_rate=84, noise=0.3))
        shows = shown_by(facts)
        notes = [sample_phrase(rng(k), shows=shows) for k in range(3000)]
        assert not [note for note in notes if re.search(wrong, note.replace("no STE", ""))]
        rates = {match.group(1) for note in notes if (match := re.fullmatch(r"(?:NSR|SR|AF|HR|HR ~|rate) ?(\d+)(?:/min)?", note))}
        assert rates == {str(facts.rate)}
        assert len(set(notes)) > 100
    assert any(re.search("AF", sample_phrase(rng(k), shows=shown_by(facts) + " af")) for k in range(200))


def test_every_template_can_be_written_on_some_page():
    """What templates ask for are words that `shown_by` has, or doubt, which no measured page shows."""
    records = [simulate(name, seed=k, conduction=course, noise=0.3) for k in range(3) for name, course in KINDS]
    seen = {word for record in records for word in shown_by(sample_report_fields(rng(0), record)).split()}
    asked = {word for lines in templates().values() for line in lines for word in line.partition(" @ ")[2].split()}
    assert asked - seen <= {"unsure", "longqt", "rad", "nw"}


def test_a_note_has_no_line_twice():
    for k in range(100):
        lines = sample_note(rng(k), 3).split("\n")
        assert len(set(lines)) == len(lines) == 3
    assert sample_note(rng(0), 3, own=("only one",)) == "only one"


def test_long_lines_are_broken_at_the_space_next_to_the_middle():
    assert broken("STE V2-V4? repeat in 15 min") == "STE V2-V4? repeat\nin 15 min"
    assert broken("AF 140\nfailure to capture?") == "AF 140\nfailure to\ncapture?"
    assert broken("unbreakablyverylong") == "unbreakablyverylong"


def test_own_notes_are_read_and_checked(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("# comment\nCheck K+\n\n#2 today\n", encoding="utf-8")
    assert read_notes(path) == ("Check K+", "#2 today")
    path.write_text("心房\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"notes\.txt: cannot write"):
        read_notes(path)
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="no notes in it"):
        read_notes(path)
    with pytest.raises(RecipeError, match="cannot be read"):
        read_notes(tmp_path / "none.txt")


# --- marks -------------------------------------------------------------------------------------------------------------------------


def test_circles_go_round_their_centre():
    for k in range(30):
        points = marks.circle((50, 40), (8, 6), sample_writer(rng(k)), rng(k)).points_mm - (50, 40)
        angle = np.unwrap(np.arctan2(points[:, 1], points[:, 0]))
        assert 0.9 < abs(angle[-1] - angle[0]) / (2 * np.pi) < 1.4
        radius = np.hypot(points[:, 0] / 8, points[:, 1] / 6)
        assert 0.6 < radius.min() < radius.max() < 1.5


def test_arrows_end_at_their_tip():
    for k in range(20):
        ink = marks.arrow((20, 20), (40, 30), sample_writer(rng(k)), rng(k))
        shaft = ink.points_mm[: np.flatnonzero(np.isnan(ink.points_mm[:, 0]))[0]]
        assert np.hypot(*(shaft[-1] - (40, 30))) < 0.7
        assert np.hypot(*(shaft[0] - (20, 20))) < 0.7


def test_signatures_say_nothing():
    for k in range(10):
        ink = marks.signature(sample_writer(rng(k)), rng(k))
        assert ink.kind == "signature"
        assert ink.words == ""
        assert ink.extent_mm[2] - ink.extent_mm[0] > 5


def test_thinned_ink_covers_the_same():
    ink = marks.highlighter((20, 20, 60, 24), rng(1), sample_writer(rng(2)))
    full = marks.draw_line(np.array([[20.0, 20.0], [60.0, 21.0]]), sample_writer(rng(2)), rng(3), "underline")
    thin = marks.thinned(full, 6)
    assert len(thin.points_mm) < 0.25 * len(full.points_mm)
    difference = np.abs(coverage(thin)[0].astype(int) - coverage(full)[0])
    assert (difference > 40).mean() < 0.02
    assert 1 < ink.extent_mm[3] - ink.extent_mm[1] < 8


# --- places ------------------------------------------------------------------------------------------------------------------------


def test_cells_of_traces_as_the_naive_twin():
    made, _ = page(0)
    empty = replace(made, boxes=())
    for trace in made.traces[:4]:
        room = Room.of(replace(empty, traces=(trace,)))
        np.testing.assert_array_equal(room.traces, naive.runs_through(trace.points_mm, room.traces.shape, CELL_MM))


def test_beats_are_found_where_they_are():
    for trace in page(1)[0].traces:
        found = beats(trace)
        expected = (trace.points_mm[-1, 0] - trace.points_mm[0, 0]) / 25.0 * 57 / 60
        assert abs(len(found) - expected) <= 1.2
        assert (np.diff(found[:, 0]) >= 7.0).all()


def test_free_places_are_free():
    room = Room.of(page(2)[0])
    for k in range(40):
        place = room.find((25.0, 6.0), rng(k))
        cells = tuple(
            slice(int(edge // CELL_MM), int((edge + size) // CELL_MM) + 1) for edge, size in zip(place[::-1], (6.0, 25.0), strict=True)
        )
        assert not room.traces[cells].any()
        assert not room.words[cells].any()
    assert room.find((2000.0, 6.0), rng(0)) is None


def test_a_full_page_takes_no_note():
    page_ = Page((100.0, 60.0), Grid((0, 0, 100, 60)), (), boxes=(Box("text", "x", np.array([[0, 0], [100, 0], [100, 60], [0, 60.0]])),))
    assert lay_note(Room.of(page_), sample_writer(rng(0)), rng(0), 0.2) is None


@functools.cache
def drawn_traces(k):
    """The traces of one of the 24 pages, 4 px/mm."""
    made, style = page(k)
    return trace_plane(made.traces, style, 4.0, (round(made.size_mm[1] * 4), round(made.size_mm[0] * 4)))


def touches(ink, k):
    """Whether an ink's pixels meet a trace's."""
    window = inks.ink_window(ink, 4.0, drawn_traces(k).shape)
    return bool(((inks.ink_plane(ink, 4.0, window) > 40) & (drawn_traces(k)[window] > 40)).any())


def test_notes_lie_in_white_space_and_sometimes_across_a_trace():
    """Over 200 pages 15 to 25 % of the notes touch a trace; half of them lie above all traces; none lies on printed words."""
    touching, above, count, across = 0, 0, 0, []
    for k in range(200):
        made, _ = page(k % 24)
        room, generator = Room.of(made), rng(k)
        writer = sample_writer(generator, 0.6)
        for _ in range(3):
            ink = lay_note(room, writer, generator, Handwriting().across)
            if ink is None:
                continue
            touching += touches(ink, k % 24)
            across += [room.share_on_trace(ink.points_mm, np.zeros(len(ink.points_mm)))]
            above += ink.extent_mm[3] < room.regions()["header"][3]
            count += 1
            x0, y0, x1, y1 = ink.extent_mm
            assert 0 <= x0 < x1 <= made.size_mm[0]
            assert 0 <= y0 < y1 <= made.size_mm[1]
            for box in made.boxes:
                if box.kind == "text":
                    low, high = box.corners_mm.min(axis=0), box.corners_mm.max(axis=0)
                    assert x1 < low[0] or x0 > high[0] or y1 < low[1] or y0 > high[1]
    lying = np.array(across)[np.array(across) > 0]
    print(f"{count} notes, {touching / count:.3f} touch a trace, {above / count:.3f} in the header; {np.median(lying):.3f} of ink on it")
    assert count > 350
    assert 0.15 <= touching / count <= 0.25
    assert above / count > 0.35
    assert np.median(lying) < 0.06, "notes touch a trace by their ends"


def test_marks_keep_off_the_traces_mostly():
    """Over 300 pages 15 to 25 % touch a trace, of marks with all that belongs to them as of single strokes; most circles do."""
    whole, single = [], []
    for k in range(300):
        room, generator = Room.of(page(k % 24)[0]), rng(k)
        writer = sample_writer(generator, 0.6)
        for _ in range(2):
            found = lay_mark(room, writer, generator, PenMarks().across)
            strokes = [(ink.kind, touches(ink, k % 24)) for ink in found if ink.kind != "handwriting"]
            single += strokes
            whole += [any(touching for _, touching in strokes)] if found else []
    circles = [touching for kind, touching in single if kind == "circle"]
    shares = np.mean(whole), np.mean([touching for _, touching in single])
    print(f"{len(whole)} marks of {len(single)} strokes, {shares[0]:.3f} and {shares[1]:.3f} touch; circles {np.mean(circles):.3f}")
    assert len(whole) > 550
    assert all(0.15 <= share <= 0.25 for share in shares)
    assert np.mean(circles) > 0.4
    assert {kind for kind, _ in single} >= {
        "circle",
        "arrow",
        "underline",
        "bracket",
        "caliper",
        "count",
        "tick",
        "highlighter",
        "crossing_out",
    }


@pytest.mark.parametrize("across", [0.0, 1.0])
def test_marks_touch_traces_where_asked(across):
    found = [touching for k in range(24) for touching in marks_touch(k, across)]
    assert len(found) >= 24
    assert np.mean(found) > 0.95 if across else np.mean(found) < 0.05


def marks_touch(k, across):
    """Whether each of three marks of a page touches a trace."""
    room, generator = Room.of(page(k)[0]), rng(k)
    writer = sample_writer(generator, 0.6)
    placed = [lay_mark(room, writer, generator, across) for _ in range(3)]
    return [any(touches(ink, k) for ink in found) for found in placed if found]


def test_a_trace_is_near_where_it_runs():
    made = page(0)[0]
    room, trace = Room.of(made), made.traces[0]
    points = trace.points_mm[::50]
    assert all(room.on_trace(point[None], np.array([0.1])) for point in points)
    far = np.array([[made.size_mm[0] / 2, 1.0], [np.nan, np.nan]])
    assert not room.on_trace(far, np.array([0.5, np.nan]))
    assert room.on_trace(far, np.array([made.size_mm[1], np.nan]))


# --- artifacts ---------------------------------------------------------------------------------------------------------------------

ARTIFACTS = (
    Handwriting(notes=3, signature="signature", seed=4),
    Handwriting(notes=2, legibility=0.0, pen="felt", colour="red", across=1.0, seed=5),
    Handwriting(notes=2, own="Check K+\nsecond own note", seed=6),
    PenMarks(marks=6, seed=7),
    Sticker(what="label", angle_deg=3.0, seed=8),
    Sticker(what="barcode", angle_deg=-90.0, seed=9),
    Sticker(what="code", seed=10),
    Sticker(what="blank", place="anywhere", seed=11),
    Stamp(seed=12),
    Redaction(look="bar", seed=13),
    Redaction(look="marker", seed=14),
    Redaction(look="brush", seed=15),
    Redaction(look="white", seed=16),
    Redaction(look="blur", seed=17),
    WhiteOut(seed=16),
    WhiteOut(over="anywhere", seed=17),
)


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda artifact: f"{type(artifact).__name__}-{artifact.seed}")
@pytest.mark.parametrize("k", [0, 3, 7])
def test_artifacts_leave_their_input_and_repeat_themselves(artifact, k):
    before = sheet(k).pixels.copy()
    first, second = artifact.stain(sheet(k)), artifact.stain(sheet(k))
    np.testing.assert_array_equal(sheet(k).pixels, before)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.pixels.shape == before.shape
    assert first.pixels.dtype == np.uint8
    assert (first.pixels != before).any() or getattr(artifact, "look", "") == "white"  # on white paper it is not seen
    assert len(first.boxes) > 0
    assert type(artifact).from_dict(json.loads(json.dumps(artifact.to_dict()))) == artifact


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda artifact: f"{type(artifact).__name__}-{artifact.seed}")
def test_whatever_changed_is_marked_or_covered_and_boxed(artifact):
    before, after = sheet(1), artifact.stain(sheet(1))
    changed = (before.pixels != after.pixels).any(axis=-1)
    known = np.zeros(changed.shape, dtype=bool)
    for plane in (after.marks, after.over):
        known |= False if plane is None else plane > 0
    if isinstance(artifact, Sticker):  # a sticker's shadow lies beside it
        y, x = np.nonzero(changed & ~known)
        assert len(y) < 0.2 * known.sum()
    else:
        assert not (changed & ~known).any()
    low = np.min([box.corners_mm.min(axis=0) for box in after.boxes], axis=0) * before.scale - 2
    high = np.max([box.corners_mm.max(axis=0) for box in after.boxes], axis=0) * before.scale + 2
    y, x = np.nonzero(known)
    margin = 0.0
    assert x.min() >= low[0] - margin
    assert x.max() <= high[0] + margin
    assert y.min() >= low[1] - margin
    assert y.max() <= high[1] + margin


def test_own_notes_are_what_is_written():
    found = [box.words for box in ARTIFACTS[2].stain(sheet(0)).boxes]
    assert found
    assert {line.lower() for words in found for line in words.split("\n")} <= {"check k+", "second own note"}


# --- one's own font ----------------------------------------------------------------------------------------------------------------

SERIF = font_file("STIXGeneralItalic.ttf")
with_serif = pytest.mark.skipif(SERIF is None, reason="matplotlib's fonts are not there")


@with_serif
def test_notes_in_a_font_have_its_letters_and_the_writers_size():
    font, writer = read_font(SERIF), sample_writer(rng(2), 0.7)
    ink = write_in_font("xxxx", font, replace(writer, slope=0.0), rng(0)).moved(5, 8)
    plane, (rows, columns) = coverage(ink)
    y, x = np.nonzero(plane > 60)
    assert np.ptp(y) / SCALE == pytest.approx(writer.x_height_mm, rel=0.25)
    x0, y0, x1, y1 = ink.extent_mm
    assert x0 * SCALE - 1 <= x.min() + columns.start <= x.max() + columns.start <= x1 * SCALE + 1
    assert y0 * SCALE - 1 <= y.min() + rows.start <= y.max() + rows.start <= y1 * SCALE + 1
    again = write_in_font("xxxx", font, writer, rng(0)).moved(5, 8)
    assert again.letters == write_in_font("xxxx", font, writer, rng(0)).moved(5, 8).letters
    assert len({letter.y_mm for letter in again.letters}) > 1, "the baseline is not steady"


@with_serif
def test_slanted_hands_slant_a_font():
    font, leans = read_font(SERIF), []
    for slant in (-0.1, 0.4):
        plane, _ = coverage(write_in_font("lll", font, replace(sample_writer(rng(1)), slant=slant, slope=0.0), rng(0)).moved(8, 10))
        y, x = np.nonzero(plane > 60)
        leans.append(-np.polyfit(y, x, 1)[0])
    assert leans[1] - leans[0] == pytest.approx(0.5, abs=0.15)


@with_serif
def test_notes_in_a_font_are_in_picture_and_truth_and_replay_by_its_fingerprint():
    font = read_font(SERIF)
    artifact = Handwriting(notes=3, own="Лечить сердце\nповторить", font=font.fingerprint, seed=6)
    drawn = with_artifacts(shot(), artifact)
    photo = drawn.take(record(72.0, 0))
    words = [box.words for box in photo.truth.boxes if box.kind == "handwriting"]
    assert words
    assert set("\n".join(words).split("\n")) <= {"Лечить сердце", "повторить"}
    assert ((photo.truth.layers() >> 13) & 1).sum() > 200
    written = json.dumps(drawn.to_dict())
    assert "STIX" not in written
    assert "ttf" not in written
    np.testing.assert_array_equal(Shot.from_dict(json.loads(written)).take(record(72.0, 0)).image, photo.image)
    other = replace(artifact, font="0123456789abcdef")
    with pytest.raises(RecipeError, match="'0123456789abcdef', expected the fingerprint of a font that has been read"):
        with_artifacts(shot(), other).take(record(72.0, 0))


@with_serif
def test_notes_may_have_the_characters_of_their_font(tmp_path):
    path, font = tmp_path / "notes.txt", read_font(SERIF)
    path.write_text("Лечить!\n", encoding="utf-8")
    assert read_notes(path, font) == ("Лечить!",)
    path.write_text("心\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"notes\.txt: cannot write '心', expected characters that .*STIXGeneralItalic"):
        read_notes(path, font)
    assert write_in_font("K+ 心 ok", font, sample_writer(rng(0)), rng(0)).words == "K+  ok"


@with_serif
def test_a_sign_is_replaced_whole_or_left_out(monkeypatch):
    font, lacks = read_font(SERIF), set("→↑>")
    monkeypatch.setattr(font_module, "lacking", lambda words, _: "".join(sorted(lacks & set(words))))
    assert font_module._spelled("PR → 240\t↑", font) == "PR  240 ^", "no '-' of '->'"
    lacks.remove(">")
    assert font_module._spelled("PR → 240", font) == "PR -> 240"


def test_font_files_are_checked(tmp_path):
    path = tmp_path / "bad.ttf"
    path.write_bytes(b"no font")
    with pytest.raises(RecipeError, match=r"bad\.ttf: cannot be read as a font .*, expected a TrueType or OpenType file"):
        read_font(path)
    with pytest.raises(RecipeError, match=r"none\.ttf: cannot be read as a font \(No such file"):
        read_font(tmp_path / "none.ttf")


def test_fonts_without_letters_are_refused(tmp_path):
    symbols = font_file("STIXSizOneSymReg.ttf")
    if symbols is None:
        pytest.skip("matplotlib's fonts are not there")
    with pytest.raises(RecipeError, match=r"STIXSizOneSymReg\.ttf: has no letters and digits"):
        read_font(symbols)


@with_serif
def test_a_run_in_a_font_names_no_path(tmp_path):
    secret = tmp_path / "Canaryhome.ttf"
    shutil.copy(SERIF, secret)
    options = {"recipe": "aged", "dpi": 60, "per_record": 12, "workers": 1}
    given = render_dataset([record(72.0, 0)], tmp_path / "out", notes_font=secret, **options)
    assert given.pages == 12
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    fingerprint = read_font(SERIF).fingerprint
    assert [path.name for path in files if fingerprint.encode() in path.read_bytes()]
    assert not [path for path in files if b"Canaryhome" in path.read_bytes()]
    with pytest.raises(FastecgError, match=r"other options.*notes_font"):
        render_dataset([record(72.0, 0)], tmp_path / "out", **options)


# --- truth -------------------------------------------------------------------------------------------------------------------------


def test_truth_tells_of_notes_and_marks():
    photo = with_artifacts(shot(), ARTIFACTS[0], ARTIFACTS[3]).take(record(72.0, 0))
    kinds = [box.kind for box in photo.truth.boxes]
    assert "handwriting" in kinds
    layers = photo.truth.layers()
    marked = (layers >> 13) & 1 == 1
    plain = with_artifacts(shot()).take(record(72.0, 0))
    changed = (photo.image != plain.image).any(axis=-1)
    assert marked.sum() > 200
    assert not (marked & ~changed).any()
    assert (changed & ~marked).sum() < 1.5 * marked.sum(), "faint edges are not counted as ink"
    assert not ((plain.truth.layers() >> 13) & 1).any()


@pytest.mark.parametrize("finer", [1.29, 0.8])
def test_marks_lie_where_they_are_on_a_print_of_another_scale(finer):
    """The print is finer or coarser than the picture; the plane of marks is as fine, and lies on what they changed."""
    made = shot()
    made = replace(made, setup=replace(made.setup, raster_scale=finer))
    plain, photo = (with_artifacts(made, *items).take(record(72.0, 0)) for items in ((), (ARTIFACTS[0],)))
    assert photo.image.shape == plain.image.shape == (*photo.marks.shape, 3)
    marked = (photo.truth.layers() >> 13) & 1 == 1
    changed = np.abs(photo.image.astype(int) - plain.image).max(axis=-1) > 8
    assert marked.sum() > 200
    assert (marked & ~changed).sum() < 0.02 * marked.sum()


def header_of(style, shows="all"):
    facts = replace(sample_report_fields(rng(1), record()), shows=shows)
    printed = place(layout_for("3x4", record().leads), record(), style_for(style), MachineSettings(), facts, start=0, stop=record().samples)
    return print_page(printed, style_for(style), 4.0)


@pytest.mark.parametrize("style", ["muse", "mortara", "schiller", "philips", "kit", "photocopy"])
@pytest.mark.parametrize("shows", ["all", "labels", "nothing"])
def test_a_redaction_covers_whose_page_it_is_and_no_measurement(style, shows):
    flat = header_of(style, shows)
    boxes = [(text.kind == "identity", np.array(measure(text)).reshape(2, 2)) for text in flat.page.texts if text.words.strip()]
    assert shows != "all" or style == "photocopy" or any(names for names, _ in boxes)
    for seed in range(12):
        strips = [box.corners_mm for box in Redaction(look="bar", lines=1 + seed % 4, seed=seed).stain(flat).boxes]
        over = [
            (names, any(((strip[0] < box.mean(axis=0)) & (box.mean(axis=0) < strip[2])).all() for strip in strips)) for names, box in boxes
        ]
        assert not any(covered for names, covered in over if not names), "a measurement is covered"
        if any(names for names, _ in boxes):
            assert any(covered for names, covered in over if names)


@pytest.mark.parametrize("style", ["muse", "mortara", "scanbold_lilac", "philips", "photocopy"])
def test_correction_fluid_is_no_darker_than_the_paper(style):
    flat = header_of(style)
    for seed in range(6):
        fluid = WhiteOut(over="anywhere", width_mm=20, height_mm=8, seed=seed).stain(flat)
        inside = fluid.over > 250
        assert (fluid.pixels[inside].mean(axis=0) > np.array(flat.style.paper) - 4.0).all()


@pytest.mark.parametrize("name", ["aged", "scan", "damaged"])
def test_correction_fluid_does_not_yellow(name):
    """It is laid on paper that has aged."""
    kinds = [slot.kind.__name__ for _, slot in Recipe.load(name).slots]
    assert kinds.index("WhiteOut") > kinds.index("Yellowing")


COVERS = {
    "sticker": [Sticker(what="blank", size=2.5, place="anywhere", seed=k) for k in range(6)],
    "white-out": [WhiteOut(over="anywhere", width_mm=60, height_mm=15, seed=k) for k in range(3)],
    "bar": [Redaction(look="bar", lines=12, seed=k) for k in range(3)],
    "marker": [Redaction(look="marker", lines=12, seed=k) for k in range(3)],
    "brush": [Redaction(look="brush", lines=12, seed=k) for k in range(3)],
    "white": [Redaction(look="white", lines=12, seed=k) for k in range(3)],
    "blur": [Redaction(look="blur", lines=12, seed=k) for k in range(3)],
}


@pytest.mark.parametrize("what", COVERS)
def test_what_is_covered_is_not_visible(what):
    """No visible sample lies under it; where it lies, mask and layers are empty; beside it they are as they were."""
    made = replace(shot(), style="scanbold", layout="12x1")  # prints no lines of words, so that bars have to go over traces
    bare = with_artifacts(made).take(record(72.0, 0))
    covered = with_artifacts(made, *COVERS[what]).take(record(72.0, 0))
    hidden = sum(int((a.visible & ~b.visible).sum()) for a, b in zip(bare.truth.traces, covered.truth.traces, strict=True))
    assert hidden > 100
    for trace in covered.truth.traces:
        x, y = np.rint(trace.points[trace.visible]).astype(int).T
        assert not covered.covered[y, x].any()
    over = covered.covered
    assert not covered.truth.mask()[over].any()
    assert not covered.truth.layers()[over].any()
    np.testing.assert_array_equal(covered.truth.mask()[~over], bare.truth.mask()[~over])
    leads = np.uint16((1 << 12) - 1)
    np.testing.assert_array_equal(covered.truth.layers()[~over] & leads, bare.truth.layers()[~over] & leads)
    changed = (covered.image != bare.image).any(axis=-1)
    assert (over & changed).sum() > 0.3 * over.sum()


def test_shots_with_notes_replay():
    drawn = with_artifacts(shot(), *ARTIFACTS[:5])
    again = Shot.from_dict(json.loads(json.dumps(drawn.to_dict())))
    np.testing.assert_array_equal(drawn.take(record(72.0, 0)).image, again.take(record(72.0, 0)).image)


def test_made_up_words_depend_on_the_seed_alone():
    first, second = (Sticker(seed=3).stain(sheet(k)).boxes[-1].words for k in (0, 1))
    assert first == second or not first
    assert Sticker(seed=3).stain(sheet(0)).boxes[-1].words != Sticker(seed=4).stain(sheet(0)).boxes[-1].words


def test_a_page_without_traces_or_words_can_be_written_on():
    blank = Page((210.0, 148.0), Grid((0.0, 0.0, 210.0, 148.0)), (Trace("I", 0, 0, np.empty((0, 2)), 60.0, 10.0, 0, 0),))
    empty = print_page(blank, style_for(sorted(STYLES)[0]), 4.0)
    for artifact in ARTIFACTS:
        stained = artifact.stain(empty)
        assert stained.pixels.shape == empty.pixels.shape
