"""Worn print, stains and damage: the promises every such artifact keeps, and what each does."""

import json
from dataclasses import replace

import naive_wear
import numpy as np
import pytest
from scipy.ndimage import label

import fastecg
from fastecg.artifact import Artifact
from fastecg.artifacts import (
    BleedThrough,
    Burn,
    Desk,
    DogEar,
    DotMatrix,
    Finger,
    FingerPrint,
    LaserPrint,
    MissingCorner,
    Mould,
    PaperClip,
    Perforation,
    PrintHead,
    PunchHoles,
    RingStain,
    Scratches,
    Staple,
    Stylus,
    Tape,
    Tear,
    ThermalFade,
    WaterStain,
    Yellowing,
)
from fastecg.artifacts._blot import transmission, whole_sheet
from fastecg.artifacts.water_stain import _ink_left
from fastecg.kernels import fade, screen_dots, stain
from fastecg.recipe import Recipe
from fastecg.sheet import bare, faded, print_page, trace_plane
from fastecg.shot import with_artifacts

RECORD = fastecg.simulate("sinus", seed=3, noise=0.0)
SHOT = Recipe.load("clean").sample(RECORD, style="dotphoto", layout="3x4+1", dpi=100.0)

# Ink and colour alone: nothing is hidden.
PRINT = (
    ThermalFade(loss=0.8, unevenness=1.0, seed=1),
    PrintHead(spread=0.3, weak_rows=30, dead_rows=5, seed=2),
    DotMatrix(contrast=0.9, bands=0.4, ribbon=0.5),
    Stylus(loss=0.85, reach_mm=0.5),
)
STAINS = (
    LaserPrint(lines_per_inch=30, gain=0.6, softness=0.2, grey=1),  # of the grid alone: traces and words are whole
    BleedThrough(strength=0.5),
    BleedThrough(strength=0.5, over="top", shift_x_mm=-9, shift_y_mm=-20),
    Yellowing(age=1.5, edge=1, blotches=1, foxing=150, seed=4),
    Scratches(count=60, strength=1, bright=0.4, smears=0.5, seed=5),
    *(RingStain(strength=2, drips=30, drink=drink, at_x=0.9, seed=6) for drink in ("coffee", "tea", "wine", "cola")),
    *(WaterStain(strength=2, bleed=1, tides=4, liquid=liquid, seed=7) for liquid in ("water", "tea", "coffee", "gel")),
    WaterStain(at_x=-0.1, at_y=1.1, radius_mm=120),
    *(Mould(spots=3000, spread_mm=90, strength=1, colour=colour, seed=8) for colour in ("black", "green", "brown", "pink")),
    *(FingerPrint(strength=1, of=of, seed=9) for of in ("grease", "ink", "dirt")),
    Tape(age=1.5, haze=0.5, air=1, angle_deg=33, length_mm=200, seed=10),
)
DAMAGE = (
    *(Tear(edge=edge, length_mm=90, gap_mm=9, fibre_mm=3, seed=11) for edge in ("left", "right", "top", "bottom")),
    *(MissingCorner(corner=f"{end}_{side}", width_mm=80, height_mm=60, seed=12) for end in ("top", "bottom") for side in ("left", "right")),
    Burn(hole_mm=25, char_mm=4, scorch_mm=12, strength=1.5, seed=13),
    *(PunchHoles(edge=edge, count=3, torn=2) for edge in ("left", "right", "top", "bottom")),
    *(Perforation(edge=edge, tooth_mm=2) for edge in ("left", "right", "top", "bottom")),
    Perforation(inset_mm=60, tooth_mm=2, pitch_mm=4),
    Staple(at_x=0.2, at_y=0.3, rust=1),
    Staple(at_x=0.2, at_y=0.3, state="out", rust=1),
    *(PaperClip(edge=edge, at=0.4, length_mm=60) for edge in ("left", "right", "top", "bottom")),
)
FINGERS = tuple(Finger(edge=edge, reach_mm=70, shadow=0.6) for edge in ("left", "right", "top", "bottom"))
EVERY = (*PRINT, *STAINS, *DAMAGE, *FINGERS)

#: Changes to the style's pen: one that is nowhere pale, its own, and one paler than that of any style.
PENS = ({"pale": 0.0, "mottle": 0.0}, {}, {"thin": 0.35, "pale": 0.4, "wander": 0.12, "mottle": 0.3})


def named(artifact):
    return type(artifact).__name__


every = pytest.mark.parametrize("artifact", EVERY, ids=named)
stains = pytest.mark.parametrize("artifact", STAINS, ids=named)
damage = pytest.mark.parametrize("artifact", DAMAGE, ids=named)


def printed(dpi=SHOT.dpi, **pen):
    """The page as it is printed, its style's pen changed; nothing may change it in place."""
    photo = SHOT.take(RECORD)
    page = print_page(photo.page, replace(photo.style, pen=replace(photo.style.pen, **pen)), dpi / 25.4)
    for plane in (page.pixels, page.ink, page.text):
        plane.flags.writeable = False
    return page


@pytest.fixture(scope="module")
def sheet():
    return printed()


@pytest.fixture(scope="module")
def dark():
    """Printed by a pen that is nowhere pale or thin: its ink is solid wherever the pen reaches all of a pixel."""
    page = printed(pale=0.0, mottle=0.0, thin=0.0)
    assert (page.ink == 255).sum() > 200
    return page


@pytest.fixture(scope="module")
def clean():
    return with_artifacts(SHOT, Desk()).take(RECORD)


def worn(*artifacts, shot=SHOT):
    return with_artifacts(shot, Desk(), *artifacts).take(RECORD)


@every
def test_values_go_through_json(artifact):
    plain = json.loads(json.dumps(artifact.to_dict()))
    assert type(artifact).from_dict(plain) == artifact


@every
def test_a_sheet_is_not_changed_in_place_and_the_page_stays_where_it_is(artifact, sheet):
    assert not artifact.geometric
    assert type(artifact).bend is Artifact.bend
    stained, again = artifact.stain(sheet), artifact.stain(sheet)
    assert stained.pixels.dtype == np.uint8
    assert stained.pixels.shape == sheet.pixels.shape
    assert stained.pixels.tobytes() == again.pixels.tobytes()
    assert stained.ink is sheet.ink
    assert stained.text is sheet.text
    for plane in (stained.over, stained.gone):
        assert plane is None or (plane.dtype == np.uint8 and plane.shape == sheet.ink.shape)


@every
def test_the_picture_changes_and_its_geometry_does_not(artifact, clean):
    photo = worn(artifact)
    assert photo.warp.nodes_mm.tobytes() == clean.warp.nodes_mm.tobytes()
    assert photo.image.shape == clean.image.shape
    assert (photo.image != clean.image).any()
    for trace, other in zip(photo.truth.traces, clean.truth.traces, strict=True):
        assert trace.points.tobytes() == other.points.tobytes()


@pytest.mark.parametrize("artifact", [*PRINT, *STAINS], ids=named)
def test_what_does_not_hide_leaves_all_samples_visible(artifact, clean):
    photo = worn(artifact)
    for trace, other in zip(photo.truth.traces, clean.truth.traces, strict=True):
        assert (trace.visible == other.visible).all()


@pytest.mark.parametrize("artifact", [item for item in STAINS if not isinstance(item, BleedThrough | LaserPrint)], ids=named)
def test_stains_move_nothing(artifact, sheet):
    """The centres of dots 5 mm apart, seen through the stain, stay within 0.1 px."""
    height, width = sheet.ink.shape
    step = 5.0 * sheet.scale
    y, x = np.mgrid[:height, :width]
    column, row = np.rint(x / step), np.rint(y / step)
    dots = np.clip(2.2 - np.hypot(x - column * step, y - row * step), 0, 1)
    none = np.zeros_like(sheet.ink)
    blank = replace(sheet, pixels=np.full_like(sheet.pixels, 220), ink=none, text=none)
    dotted = replace(blank, pixels=np.rint(220 - 60 * dots[..., None]).repeat(3, axis=2).astype(np.uint8))
    seen = [artifact.stain(item).pixels.sum(axis=2).astype(float) for item in (dotted, blank)]
    dark = np.clip(1 - seen[0] / np.maximum(seen[1], 1), 0, None)
    cell = (row * (column.max() + 1) + column).astype(int).ravel()
    inner = (np.abs(x - column * step) < 4) & (np.abs(y - row * step) < 4)
    weight = (dark * inner).ravel()
    full = np.bincount(cell, (dots * inner).ravel())
    total = np.bincount(cell, weight)
    kept = (full > 0.99 * np.median(full)) & (total > 0.5 * np.median(total))  # not those cut by the page's edge or scratched off
    error = []
    for axis in (x, y):
        before, after = (np.bincount(cell, (part * axis).ravel()) for part in (dots * inner, dark * inner))
        error.append(after[kept] / total[kept] - before[kept] / full[kept])
    assert kept.mean() > 0.8
    assert np.sqrt(np.mean(np.square(error))) < 0.1


@damage
def test_hidden_samples_are_marked_and_visible_ones_keep_their_ink(artifact, sheet):
    """Where a pixel of the print is not covered, it is as dark against its surroundings as it was."""
    stained = artifact.stain(sheet)
    hidden = np.zeros(sheet.ink.shape, dtype=np.uint8)
    for plane in (stained.over, stained.gone):
        if plane is not None:
            hidden = np.maximum(hidden, plane)
    assert (hidden > 127).any()
    kept = (sheet.ink > 200) & (hidden == 0)
    contrast, before = (bare(sheet).astype(int) - item.pixels for item in (stained, sheet))
    assert kept.any()
    assert (contrast[kept].mean(axis=1) > 0.9 * before[kept].mean(axis=1)).all()
    lost = (sheet.ink > 200) & (hidden == 255)
    if lost.any() and stained.over is not None and not isinstance(artifact, Burn | Staple | PaperClip):
        covered = lost & (stained.over == 255)
        assert (stained.pixels[covered].min(axis=1) > 190).all()  # fibres are white


@pytest.mark.parametrize("artifact", [*DAMAGE, *FINGERS], ids=named)
def test_the_truth_agrees_with_what_is_hidden(artifact, clean):
    photo = worn(artifact)
    assert photo.covered is not None
    assert photo.covered.any()
    lost = 0
    for trace, other in zip(photo.truth.traces, clean.truth.traces, strict=True):
        seen = other.visible
        column, row = np.rint(trace.points[seen]).astype(int).T
        assert (trace.visible[seen] == ~photo.covered[row, column]).all()
        lost += (~trace.visible[seen]).sum()
    if isinstance(artifact, Finger | Burn):
        assert lost > 0
    assert not photo.truth.mask()[photo.covered].any()


def test_a_hole_shows_the_desk():
    photo = worn(MissingCorner(corner="top_left", width_mm=60, height_mm=60))
    desk = with_artifacts(SHOT, Desk(), MissingCorner(corner="top_left", width_mm=150, height_mm=150)).take(RECORD)
    assert (photo.image[:20, :20] == desk.image[:20, :20]).all()


def test_what_two_tears_cut_out_is_lost(sheet):
    left = Tear(edge="top", at=0.6, lean_deg=30, length_mm=90, gap_mm=5, stray=0)
    right = replace(left, at=0.4, lean_deg=-30)
    between = round(0.5 * sheet.ink.shape[1])
    once, twice = left.stain(sheet), right.stain(left.stain(sheet))
    assert pieces(once) == pieces(twice) == 1
    assert not once.gone[5, between]
    assert (twice.gone[:30, between - 5 : between + 5] == 255).all()
    assert not twice.gone[:30, [5, -5]].any()


def pieces(sheet):
    """In how many parts the paper is."""
    return label(sheet.gone < 128)[1]


def test_a_tear_leaves_no_fibres_where_no_paper_was(sheet):
    bitten = MissingCorner(corner="top_left", width_mm=90, height_mm=90, seed=1).stain(sheet)
    torn = Tear(edge="left", at=0.15, length_mm=60, fibre_mm=4, seed=1).stain(bitten)
    assert (torn.gone >= bitten.gone).all()
    alone = Tear(edge="left", at=0.15, length_mm=60, fibre_mm=4, seed=1).stain(sheet)
    assert (alone.over[bitten.gone == 255] == 255).any()


def test_a_folded_corner_is_as_old_as_the_page(sheet):
    def back(page):
        folded = DogEar(corner="bottom_right", width_mm=30, height_mm=30, through=0).stain(page)
        return np.median(folded.pixels[folded.over == 255], axis=0)

    fresh, old = back(sheet), back(Yellowing(age=1.0).stain(sheet))
    assert fresh[0] - fresh[2] < 15
    assert old[0] - old[2] > fresh[0] - fresh[2] + 30


def test_skin_takes_less_of_its_hue_from_what_it_lies_on_than_light_has():
    finger = Finger(edge="left", reach_mm=50, tone=0.5, nail=False, shadow=0.0)
    white, yellow = (np.full((400, 600, 3), colour, np.uint8) for colour in ((235, 235, 235), (235, 190, 120)))
    here = finger.hide(white.shape[:2], 4.0)
    grey, tinted = (np.median(finger.develop(page, 4.0)[here], axis=0) for page in (white, yellow))
    warmer = (tinted[0] / tinted[2]) / (grey[0] / grey[2])
    assert 1.2 < warmer < 1.6  # the ground's own is 1.96


def test_a_clip_is_seen_before_a_hole(sheet):
    holed = PunchHoles(edge="top", count=1, inset_mm=12).stain(sheet)
    clipped = PaperClip(edge="top", at=0.5, lean_deg=0, length_mm=24).stain(holed)
    wire = clipped.over > 250
    assert (holed.gone[wire] == 255).any()
    assert not clipped.gone[wire].any() or clipped.gone[wire].max() < 6


def test_a_finger_is_drawn_where_it_hides(clean):
    finger = Finger(edge="left", reach_mm=50)
    photo = worn(finger)
    away = np.abs(photo.image.astype(int) - clean.image).sum(axis=2)
    assert (away[photo.covered] > 10).mean() > 0.98
    assert photo.covered[:, 0].any()
    assert not photo.covered[:, -1].any()


@pytest.mark.parametrize("loss", [0.2, 0.5, 0.85])
def test_faded_ink_keeps_some_of_its_contrast(loss, dark):
    stained = ThermalFade(loss=loss, unevenness=0, edge_loss=0, brown=0).stain(dark)
    inked = dark.ink == 255
    left = (bare(dark).astype(float) - stained.pixels)[inked].sum() / (bare(dark).astype(float) - dark.pixels)[inked].sum()
    assert left == pytest.approx(max(1 - loss, 0.22), abs=0.01)


def test_what_others_faded_is_not_faded_away(dark):
    weak = faded(dark, rows=np.full(len(dark.ink), 0.3))
    stained = ThermalFade(loss=0.85, brown=0).stain(weak)
    inked = dark.ink == 255
    left = (bare(dark).astype(float) - stained.pixels)[inked].mean(axis=1) / (bare(dark).astype(float) - dark.pixels)[inked].mean(axis=1)
    assert (left > 0.19).all()


def test_faded_ink_runs_less(sheet):
    stain_it = WaterStain(strength=0, bleed=1, bleed_mm=1, radius_mm=60)
    beside = (sheet.ink == 0) & (sheet.text == 0)
    dark = []
    for printed in (sheet, faded(sheet, rows=np.full(len(sheet.ink), 0.2))):
        dark.append((printed.pixels.astype(int) - stain_it.stain(printed).pixels)[beside].sum())
    assert 0 < dark[1] < 0.4 * dark[0]


@pytest.mark.parametrize("pen", PENS)
@pytest.mark.parametrize("kept", [1.0, 0.5, 0.2])
def test_ink_that_is_left_is_told_from_a_pale_pen(kept, pen):
    page = printed(**pen)
    weak = faded(page, rows=np.full(len(page.ink), kept))
    assert _ink_left(weak, whole_sheet(page, 3.0)) == pytest.approx(kept, abs=0.06)


@pytest.mark.parametrize("pen", PENS)
def test_print_frays_along_its_edges(pen):
    """Inside the line at most a third is lost of what its edges lose, however pale the pen is there."""
    page = printed(dpi=300.0, **pen)
    frayed = faded(page, grain=0.6, seed=2)
    before, after = (bare(page)[..., 1].astype(float) - item.pixels[..., 1] for item in (page, frayed))
    reach = trace_plane(page.page.traces, page.style, page.scale, page.ink.shape)
    inside, edge = (where & (before > 60) & (page.text == 0) for where in (reach > 250, (reach > 80) & (reach < 200)))
    lost = 1.0 - after / np.maximum(before, 1.0)
    assert inside.sum() > 2000
    assert edge.sum() > 1000
    assert (lost[inside] < 0.6 * 0.35 + 0.02).mean() > 0.97
    assert lost[inside].mean() == pytest.approx(0.35 * 0.3, abs=0.02)
    assert lost[edge].mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("artifact", PRINT, ids=named)
def test_worn_print_leaves_paper_alone(artifact, sheet):
    stained = artifact.stain(sheet)
    empty = (sheet.ink == 0) & (sheet.text == 0)
    assert (stained.pixels[empty] == sheet.pixels[empty]).all()
    assert stained.pixels[~empty].astype(int).sum() > sheet.pixels[~empty].astype(int).sum()


def test_a_dead_row_hides_only_ink_that_is_gone_for_good(sheet):
    """Rows narrower than the pen leave ink on both sides; much broader ones hide what they take."""
    narrow = PrintHead(dead_rows=20, dead_elements=1, seed=3).stain(sheet)
    assert narrow.over is None
    broad = PrintHead(dead_rows=20, dead_elements=12, element_mm=0.5, fray=0, seed=3).stain(sheet)
    hidden = broad.over > 0
    assert hidden.any()
    assert (broad.pixels[hidden] == bare(sheet)[hidden]).all()


def test_the_stylus_is_faintest_where_it_is_fastest(sheet):
    stained = Stylus(loss=0.8, reach_mm=2).stain(sheet)
    keep = (bare(sheet).astype(float) - stained.pixels).sum(axis=2) / np.maximum((bare(sheet).astype(float) - sheet.pixels).sum(axis=2), 1)
    tall = np.zeros(sheet.ink.shape, dtype=int)  # how far ink reaches up and down from each pixel
    inked = sheet.ink > 40
    down = np.zeros(sheet.ink.shape[1], dtype=int)
    for rows in (range(len(inked)), range(len(inked) - 1, -1, -1)):
        down[:] = 0
        for y in rows:
            down = np.where(inked[y], down + 1, 0)
            tall[y] += down
    solid = sheet.ink > 200
    assert keep[solid & (tall > 40)].mean() < 0.5
    assert keep[solid & (tall < 4)].mean() > 0.98


def test_print_can_be_read_through_tape(dark):
    stained = Tape(at_x=0.5, at_y=0.5, length_mm=250, width_mm=50, age=1.5, haze=0.5, air=1).stain(dark)
    assert stained.over is None
    taped = (np.abs(stained.pixels.astype(int) - dark.pixels).sum(axis=2) > 20) & (dark.ink == 255)
    assert taped.sum() > 100
    assert (stained.pixels[taped].mean(axis=1) < 190).all()


def test_other_seeds_other_shapes(sheet):
    for artifact in EVERY:
        if "seed" in artifact.to_dict() and not isinstance(artifact, Finger):
            if isinstance(artifact, Perforation) and artifact.inset_mm > 0:
                continue
            other = replace(artifact, seed=artifact.seed + 1)
            assert artifact.stain(sheet).pixels.tobytes() != other.stain(sheet).pixels.tobytes(), artifact


def test_things_off_the_page_do_nothing(sheet):
    for artifact in (WaterStain(at_x=-0.2, radius_mm=3), RingStain(at_y=1.2, radius_mm=8, drips=0), Mould(at_x=1.2, spread_mm=3)):
        assert (artifact.stain(sheet).pixels == sheet.pixels).all()


# --- the kernels against their naive twins -----------------------------------------------------------------------


def noise(shape, seed=0, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.uint8)


def test_fade_agrees_with_its_naive_twin(sheet):
    rng = np.random.default_rng(1)
    rows, columns = (rng.uniform(0, 1, n) for n in sheet.ink.shape)
    expected = naive_wear.fade(sheet.pixels, bare(sheet), np.maximum(sheet.ink, sheet.text), rows, columns)
    assert np.abs(faded(sheet, rows=rows, columns=columns).pixels - expected).max() < 0.51


@pytest.mark.parametrize("share", [0.0, 0.03, 1.0])
@pytest.mark.parametrize("shape", [(1, 3), (3, 7), (4, 16), (5, 25), (40, 61)])
def test_fade_finds_all_ink_and_nothing_else(shape, share):
    """Eight pixels at a time: none, some and all of them with ink, and those that are too few for eight."""
    rng = np.random.default_rng(sum(shape))
    pixels, paper = noise((*shape, 3), 1, 0, 120), noise((*shape, 3), 2, 150)
    ink, text = (np.where(rng.random(shape) < share, noise(shape, k, 1), 0).astype(np.uint8) for k in (3, 4))
    rows, columns = (rng.uniform(0, 1, n).astype(np.float32) for n in shape)
    found = pixels.copy()
    how = fade.Fading(np.zeros(2, np.float32), solid=255.0, least=0.0, brown=0.8, grain=0.0, seed=0)
    planes = [plane.reshape(-1) for plane in (ink, text)]
    clouds = np.ones((2, 2), np.float32)
    fade.fade(found.reshape(-1, 3), paper.reshape(-1, 3), *planes, rows, columns, clouds, max(shape), how)
    expected = naive_wear.fade(pixels, paper, np.maximum(ink, text), rows, columns, brown=0.8)
    assert np.abs(found - np.clip(expected, 0, 255)).max() < 0.51


def test_fade_by_clouds_is_bilinear(dark):
    every = 40
    x, y = np.arange(dark.ink.shape[1] // every + 2), np.arange(dark.ink.shape[0] // every + 2)
    clouds = 0.2 + 0.02 * x[None, :] + 0.015 * y[:, None]
    found = faded(dark, clouds=clouds, every=every).pixels
    row, column = np.nonzero(dark.ink == 255)
    paper = bare(dark)[row, column].astype(float)
    keep = 0.2 + 0.02 * column / every + 0.015 * row / every
    expected = paper + (dark.pixels[row, column] - paper) * keep[:, None]
    assert np.abs(found[row, column] - expected).max() < 1.7  # one value for eight pixels


def test_lighten_steep_agrees_with_its_naive_twin():
    paper, pixels = noise((50, 30, 3), 1, 200), noise((50, 30, 3), 2, 0, 100)
    ink = np.where(np.random.default_rng(3).random((50, 30)) < 0.8, 255, 0).astype(np.uint8)
    expected = naive_wear.lighten_steep(pixels, paper, ink, 2.0, 5.0, 0.7)
    fade.lighten_steep(pixels, paper, ink, 2.0, 5.0, 0.7)
    assert np.abs(pixels - expected).max() < 0.51


@pytest.mark.parametrize("shape", [(33, 47), (64, 32), (5, 9)])
def test_tint_agrees_with_its_naive_twin(shape):
    pixels = noise((*shape, 3))
    gains = np.random.default_rng(4).uniform(0.9, 1.0, (shape[0] // 16 + 2, shape[1] // 16 + 2, 3)).astype(np.float32)
    out = np.empty_like(pixels)
    stain.tint(pixels, gains, 16, out)
    assert np.abs(out - naive_wear.tint(pixels, gains, 16)).max() < 0.51 + 255 * 0.1 * 3 / 16  # four rows share one line


def test_absorb_agrees_with_its_naive_twin():
    pixels, every = noise((41, 53, 3)), 8
    rng = np.random.default_rng(5)
    field, factor = rng.uniform(-2, 2, (8, 9)).astype(np.float32), rng.uniform(0, 1, (8, 9)).astype(np.float32)
    colour, profile = (0.8, 0.6, 0.4), np.linspace(0, 1, 30).astype(np.float32)
    expected = naive_wear.absorb(pixels, field, factor, every, -1.5, 0.1, profile, colour, 2.0)
    stain.absorb(pixels, field, factor, every, np.float32(-1.5), np.float32(0.1), profile, transmission(colour, 2.0))
    off = np.abs(pixels - expected).max(axis=2)
    assert (off < 2.0).mean() > 0.995  # a place on the edge of a step of the profile may fall on either side
    assert off.max() < 12.0


@pytest.mark.parametrize("every_px", [2, 3, 8])
def test_shrink_agrees_with_its_naive_twin(every_px):
    ink, text = noise((37, 50), 6), noise((37, 50), 7)
    out = np.full((37 // every_px + 2, 50 // every_px + 2), 9.0, dtype=np.float32)
    stain.mean_coverage(ink, text, every_px, out)
    assert np.allclose(out, naive_wear.shrink(ink, text, every_px, out.shape), atol=1e-5)


def test_spread_is_bilinear():
    coarse = np.random.default_rng(8).uniform(-1, 1, (7, 9)).astype(np.float32)
    out = np.empty((36, 45), dtype=np.float32)
    stain.enlarge_plane(coarse, 6, out)
    expected = [[naive_wear.bilinear(coarse, x / 6, y / 6) for x in range(45)] for y in range(36)]
    assert np.allclose(out, expected, atol=1e-5)


@pytest.mark.parametrize(("angle", "grey", "strength"), [(0.0, 0.0, 1.0), (0.8, 0.6, 1.0), (0.3, 1.0, 0.4)])
def test_a_screen_equals_its_formula(angle, grey, strength):
    rng = np.random.default_rng(4)
    pixels, paper = rng.integers(0, 256, (23, 31, 3), dtype=np.uint8), (250, 247, 255)
    pixels[:4] = paper
    whole = (rng.random((23, 31)) < 0.1).astype(np.uint8)
    expected = naive_wear.screened(pixels, whole, paper, 3.7, angle, 0.2, 0.5, grey, strength)
    screen_dots.screen(pixels, whole, paper, 3.7, angle, growth=0.2, softness=0.5, grey=grey, strength=strength)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    assert np.mean(pixels != expected) < 0.01


def test_a_screen_keeps_tones_and_makes_them_dots():
    tone = np.full((200, 200, 3), 255, dtype=np.uint8)
    tone[..., 1:] = 190
    dots = tone.copy()
    screen_dots.screen(dots, np.zeros((200, 200), np.uint8), (255, 255, 255), 4.0, 0.7, growth=0.0, softness=0.3, grey=0.0, strength=1.0)
    assert dots[..., 1].mean() == pytest.approx(190, abs=6)
    assert dots[..., 1].std() > 50
    assert (dots[..., 0] == 255).all()
    sheet = print_page(SHOT.placed(RECORD)[0], SHOT.placed(RECORD)[1], 4.0)
    assert LaserPrint(lines_per_inch=100).stain(sheet) is sheet  # dots finer than pixels


def test_a_screen_leaves_traces_and_words_whole():
    sheet = print_page(*SHOT.placed(RECORD), 8.0)
    printed = LaserPrint(lines_per_inch=40, gain=0.5, grey=1).stain(sheet)
    whole = (sheet.ink > 0) | (sheet.text > 0)
    assert (printed.pixels[whole] == sheet.pixels[whole]).all()
    assert (printed.pixels[~whole] != sheet.pixels[~whole]).any()


@pytest.mark.parametrize("seed", range(8))
def test_a_tear_is_widest_at_the_edge_and_closes_to_its_tip(seed):
    tear = Tear(length_mm=40, gap_mm=3.0, seed=seed)
    half = tear._course(np.arange(0.0, 40.0, 0.1))[:, 1]
    assert half[0] == pytest.approx(1.56, abs=0.01)
    assert (np.diff(half) <= 1e-9).all()
    assert half[-1] < 0.05
    assert half[200] > 0.3, "it is open half way in"


@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
def test_the_wire_of_a_clip_goes_round_the_edge_on_it(edge, sheet):
    """Its outermost strand runs along the edge for longer than it is thick, where it goes to the other side."""
    clip = PaperClip(edge=edge, at=0.4, lean_deg=0, length_mm=30, wire_mm=1.0)
    covered = clip.stain(sheet).over > 127
    along = {"left": covered[:, 0], "right": covered[:, -1], "top": covered[0], "bottom": covered[-1]}[edge]
    assert along.sum() > 1.6 * clip.wire_mm * sheet.scale


def test_ridges_of_a_finger_curve_everywhere():
    """Their direction never turns by more than a little from one place to the next, but at the core; and there is no seam."""
    finger = FingerPrint(size_mm=16)
    axis = np.arange(-9.0, 9.0, 0.05)
    along, across = np.meshgrid(axis, axis)
    wave = np.exp(2j * np.pi * finger._ridge(along, across, np.zeros_like(along)))
    down, right = ((np.roll(wave, -1, axis=k) * wave.conj())[:-1, :-1] for k in (0, 1))
    slope = np.stack([np.angle(down), np.angle(right)])[:, :-1, :-1]
    assert np.hypot(*slope).max() < np.pi / 4 or np.hypot(along - 0.12 * 16, across)[:-2, :-2][np.hypot(*slope) > np.pi / 4].max() < 0.5
    unit = slope / np.hypot(*slope)
    turned = 1.0 - (unit[:, 1:, :-1] * unit[:, :-1, :-1]).sum(axis=0)
    assert turned[(np.hypot(along - 0.12 * 16, across)[: len(turned), : turned.shape[1]] > 1.0)].max() < 0.02
