"""Copies and displays, and the recipes that use everything."""

import importlib.util
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import naive_copies
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import label

import fastecg
from fastecg import RecipeError
from fastecg.artifact import Light
from fastecg.artifacts.bilevel import Bilevel
from fastecg.artifacts.crease_lines import CreaseLines
from fastecg.artifacts.display import Display, viewing_cosine
from fastecg.artifacts.dither import Dither, lookup_tables, threshold_pattern
from fastecg.artifacts.fax import Fax
from fastecg.artifacts.photocopy import Photocopy
from fastecg.kernels import copy as copies
from fastecg.kernels import grey, lattice
from fastecg.mesh import Mesh, Warp
from fastecg.recipe import RECIPES, Recipe
from fastecg.recipes.distributions import rng_for
from fastecg.sheet import Sheet
from fastecg.shot import loads_shot
from fastecg.views import Screen

ROOT = Path(__file__).parents[2]
SAMPLES = Path(fastecg.__file__).parent / "data" / "samples"
SCALE = 200 / 25.4


@pytest.fixture(scope="module")
def record():
    return fastecg.read_record(SAMPLES / "12448_hr")


def black_share(pixels):
    return float(np.mean(pixels[..., 0] < 128))


# --- kernels against their twins ---------------------------------------------------------------------------------


@given(st.integers(0, 2**31), st.integers(3, 14), st.integers(3, 14), st.integers(1, 3))
def test_rings_are_distances_from_edges(seed, height, width, count):
    ink = np.random.default_rng(seed).random((height, width)) < 0.2
    inner = np.s_[count:-count, count:-count]  # the picture's outermost pixels are in no ring, nor do they pass one on
    assert (copies.edge_rings(ink, count)[inner] == naive_copies.rings(ink, count)[inner]).all()
    assert not copies.edge_rings(ink, count)[:, [0, -1]].any()


@given(st.integers(0, 2**31), *[st.integers(1, 40)] * 4)
def test_resampling_is_area_means(seed, height, width, new_height, new_width):
    plane = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    out = copies.resampled(plane, new_height, new_width)
    assert np.abs(out - naive_copies.resampled(plane, new_height, new_width)).max() <= 1.01


@given(st.integers(0, 2**31), st.integers(1, 20), st.integers(1, 20), st.sampled_from([2, 4, 8]), st.integers(1, 3))
def test_halftone_is_its_naive_twin(seed, height, width, n, size):
    rng = np.random.default_rng(seed)
    values, lookup = rng.integers(0, 256, (height, width, 3), dtype=np.uint8), rng.integers(0, 256, (n, n, 256), dtype=np.uint8)
    out, grey = values.copy(), values[..., 0].copy()
    copies.halftone(out, lookup, size)
    copies.halftone(grey, lookup, size)
    assert (out == naive_copies.halftoned(values, lookup, size)).all()
    assert (grey == out[..., 0]).all()


@given(st.integers(0, 2**31), st.integers(1, 20), st.integers(1, 20))
def test_softening_is_its_naive_twin(seed, height, width):
    plane = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    out = plane.copy()
    copies.soften(out)
    assert np.abs(out - naive_copies.softened(plane)).max() <= 0.51


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 0.5), st.floats(0.1, 2.0))
def test_exposure_is_its_naive_twin(seed, height, width, least, px_per_mm):
    plane = np.random.default_rng(seed).integers(90, 256, (height, width), dtype=np.uint8)
    expected = naive_copies.exposure(plane.astype(float), 100.0, least, round(8 * px_per_mm), 30.0)
    assert grey.ink_threshold(plane, 100.0, least, px_per_mm, 30.0) == pytest.approx(expected)
    expected = naive_copies.exposure(plane.astype(float), 100.0, least, round(8 * px_per_mm), 5.0, 40.0)
    assert grey.ink_threshold(plane, 100.0, least, px_per_mm, 5.0, 40.0) == pytest.approx(expected)
    assert grey.ink_threshold(plane, 100.0, 0.0, px_per_mm, 30.0) == 100.0


@pytest.mark.parametrize(("turn", "pitch"), [(0.0, 2.1), (0.05, 1.4), (0.4, 3.3)])
def test_lattices_are_their_naive_twin(turn, pitch):
    rows, columns, cell = 7, 8, 8
    x, y = np.meshgrid((np.arange(columns) - 1) * cell, (np.arange(rows) - 1) * cell)
    nodes = np.stack([np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y], axis=-1) / pitch
    nodes = nodes + 0.002 * (x * y)[..., None] / pitch  # not a plane: cells twist
    nodes[2, 3] = np.nan
    pixels = np.random.default_rng(0).integers(60, 200, (37, 45, 3), dtype=np.uint8)
    expected = naive_copies.latticed(pixels, nodes, cell, 0.7, 0.25, 0.3)
    out = pixels.copy()
    lattice.multiply_moire(out, nodes, cell, 0.7, 0.25, 0.3)
    assert np.abs(out - expected).max() <= 4  # the cosine is a cubic within 2 %, and levels are rounded down
    assert np.abs(out - expected).mean() < 1
    assert (out[8:16, 16:24] == pixels[8:16, 16:24]).all()
    assert np.abs(out.astype(int) - pixels).max() > 12


# --- photocopies -------------------------------------------------------------------------------------------------


def test_pixels_turn_over_as_the_model_says():
    plane = np.full((600, 900), 255, dtype=np.uint8)
    plane[:, 300:600] = 0
    growth, loss, reach = 0.5, 0.2, 1.6
    out = plane.copy()
    copies.flip_near_edges(out, growth, loss, reach, seed=3)
    flipped = (out != plane)[1:-1]
    for distance in (1, 2, 3, 5):
        for chance, columns in ((growth, (300 - distance, 599 + distance)), (loss, (299 + distance, 600 - distance))):
            expected = chance * np.exp(-(((distance - 1) / reach) ** 2)) if distance <= copies.RINGS else 0.0
            assert flipped[:, columns].mean() == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 1196) + 0.002)


def test_grown_edges_stay_where_they_are_on_both_sides():
    plane = np.full((400, 200), 255, dtype=np.uint8)
    plane[:, 90:111] = 0
    copies.flip_near_edges(plane, 0.6, 0.1, 1.5, seed=1)
    ink = 255.0 - plane
    assert (ink.sum(axis=0) * np.arange(200)).sum() / ink.sum() == pytest.approx(100, abs=0.1)
    assert ink.sum() / 255 / 400 > 21.5


def ruled(paper=(250, 236, 236), ink=(40, 30, 30)):
    page = np.full((400, 600, 3), paper, dtype=np.uint8)
    page[::40], page[:, ::40] = (226, 150, 156), (226, 150, 156)
    page[180:184] = ink
    return page


def test_copiers_count_from_the_papers_white():
    bright = ruled()
    dark = np.rint(bright * 0.62).astype(np.uint8)
    shares = [black_share(Photocopy(seed=4).develop(page.copy(), SCALE)) for page in (bright, dark)]
    assert shares[1] == pytest.approx(shares[0], rel=0.15)
    assert 0.02 < shares[0] < 0.3
    faxes = [black_share(Fax(lost=0).develop(page.copy(), SCALE)) for page in (bright, dark)]
    assert faxes[1] == pytest.approx(faxes[0], rel=0.1)


def test_every_generation_loses_something():
    page = ruled()
    once = Photocopy(threshold=0.7, grain=0.02, growth=0.3, specks=0, seed=2)
    ideal = Photocopy(threshold=0.7, unevenness=0, grain=0, growth=0, loss=0, specks=0).develop(page.copy(), SCALE)
    wrong = [np.mean(replace(once, generations=n).develop(page.copy(), SCALE) != ideal) for n in (1, 2, 4)]
    assert wrong[0] < wrong[1] < wrong[2] < 0.5


def test_specks_lie_on_white_paper_as_many_as_asked():
    copier = Photocopy(specks=0.002, growth=0, loss=0, grain=0, unevenness=0, softness=0)
    assert 0.002 < black_share(copier.develop(np.full((500, 500, 3), 240, np.uint8), SCALE)) < 0.006


# --- exposure ----------------------------------------------------------------------------------------------------


def test_coloured_paper_turns_to_no_clouds_of_toner():
    """Where the threshold that was set is as bright as the paper, automatic exposure lowers it; what is drawn stays."""
    page = np.full((400, 600, 3), 190, dtype=np.uint8)
    page[200:204] = 60
    for kind in (Photocopy, Bilevel):
        copied = kind(threshold=0.98 if kind is Photocopy else 0.74, unevenness=0.05, grain=0.02, specks=0.0, seed=3, least=0.2).develop(
            page.copy(), 6.0
        )
        assert (copied[201:203] < 128).mean() > 0.95
        assert (copied[:190] < 128).mean() < 0.05


THRESHOLDS = [
    Bilevel(threshold=0.5, specks=0),
    Photocopy(threshold=0.5, specks=0),
    Photocopy(threshold=0.5, specks=0, generations=3),
    Fax(threshold=0.5, lost=0),
    Fax(threshold=0.5, lines="fine", lost=0),
]
thresholds = pytest.mark.parametrize("artifact", THRESHOLDS, ids=str)


def faint(trace=155, grid=222, words=30):
    """A page of 80 x 120 mm at 110 dpi as a lens shows it: three pale traces of a pixel's width, a grid, a block of black words."""
    rng = np.random.default_rng(2)
    page = rng.normal(245, 2, (346, 520))
    page[::22], page[:, ::22] = grid, grid
    y = np.array([80, 170, 260])[:, None] + np.rint(12 * np.sin(np.arange(520) / 25)).astype(int)
    page[y, np.arange(520)] = trace + rng.uniform(-20, 20, y.shape)
    page[110:140, 200:300] = words
    return np.repeat(np.rint(page).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2), y


@thresholds
def test_copies_do_not_lose_a_faint_trace(artifact):
    """Dark words on the page do not stand for the trace, and the grid does not come along with it."""
    page, y = faint()

    def seen(least):
        out = replace(artifact, least=least).develop(page.copy(), 110 / 25.4)[..., 0]
        near = np.min([out[y + k, np.arange(520)] for k in (-1, 0, 1)], axis=0)
        return np.mean(near < 128), np.mean(out < 128)

    lost, kept = seen(0.0), seen(0.3)
    assert lost[0] < 0.01
    assert kept[0] > 0.3
    assert kept[1] - lost[1] < 0.02


@thresholds
def test_a_threshold_that_keeps_the_trace_is_left_alone(artifact):
    page, _ = faint(trace=20)
    outs = [replace(artifact, least=least).develop(page.copy(), 110 / 25.4) for least in (0.0, 0.15)]
    if getattr(artifact, "generations", 1) == 1 and getattr(artifact, "lines", "fine") == "fine":
        assert (outs[0] == outs[1]).all()
    assert np.mean(outs[0] != outs[1]) < 0.02


@thresholds
def test_empty_pages_stay_empty(artifact):
    page = np.full((300, 400, 3), 245, dtype=np.uint8)
    page += np.random.default_rng(2).integers(0, 8, (300, 400, 1), dtype=np.uint8)
    assert black_share(replace(artifact, least=0.2).develop(page, SCALE)) < 0.003


# --- faxes and dots ----------------------------------------------------------------------------------------------


@cache
def dotted(scale):
    """Dark discs of 3.2 mm, 10 mm apart at random places between pixels, on white: pixels, and their centres in px."""
    size = round(130 * scale), round(180 * scale)
    rng = np.random.default_rng(5)
    x, y = np.meshgrid(np.arange(10, 171, 10) * scale, np.arange(10, 121, 10) * scale)
    centres = np.stack([x, y], axis=-1).reshape(-1, 2) + rng.uniform(-0.5, 0.5, (x.size, 2))
    page, reach = np.full(size, 255.0), round(3 * scale)
    window = np.arange(-reach, reach + 1)
    for (cx, cy), (left, top) in zip(centres, np.rint(centres).astype(int), strict=True):
        off = np.hypot(left + window[None, :] - cx, top + window[:, None] - cy)
        page[top - reach : top + reach + 1, left - reach : left + reach + 1] -= np.clip(1.6 * scale + 0.5 - off, 0, 1) * 230
    return np.repeat(np.rint(page).astype(np.uint8)[..., None], 3, axis=2), centres


def centroids(pixels, centres, scale):
    reach = round(3 * scale)
    window = np.arange(-reach, reach + 1)
    found = []
    for cx, cy in np.rint(centres).astype(int):
        ink = 255.0 - pixels[cy - reach : cy + reach + 1, cx - reach : cx + reach + 1, 0]
        ink[np.hypot(*np.meshgrid(window, window)) > 0.9 * reach] = 0
        found.append((cx + (ink.sum(axis=0) * window).sum() / ink.sum(), cy + (ink.sum(axis=1) * window).sum() / ink.sum()))
    return np.array(found)


@pytest.mark.parametrize("dpi", [110, 200, 300])
@pytest.mark.parametrize(
    "artifact",
    [
        Fax(lines="standard", lost=0), Fax(lines="fine", lost=0), Fax(lines="fine", dither=0.4, lost=0),
        Dither(), Dither(strength=0.7, dot_px=2),
        Dither(pattern="clustered", cells=8, grey=False, levels=3), Photocopy(specks=0), Photocopy(specks=0, generations=3),
    ],
    ids=str,
)  # fmt: skip
def test_dots_stay_where_they_are(artifact, dpi):
    """No dot moves on the whole, a single one by no more than half a point of the raster it has gone through."""
    scale = dpi / 25.4
    page, centres = dotted(scale)
    before, after = (centroids(pixels, centres, scale) for pixels in (page, artifact.develop(page.copy(), scale)))
    shift = after - before
    assert np.abs(shift.mean(axis=0)).max() < 0.1
    half = 0.5 * scale / (3.85 if getattr(artifact, "lines", "") == "standard" else 7.7)
    assert np.abs(shift).max() < max(half, 0.5 * getattr(artifact, "generations", 1))


def test_thin_lines_on_a_fax_stay_within_half_a_line():
    """A trace is thinner than a fax's lines: where it lies is known to half of one."""
    scale = SCALE
    page = np.full((400, 700, 3), 255, dtype=np.uint8)
    rise = 200 + 40 * np.sin(np.arange(700) / 60)
    distance = np.abs(np.arange(400)[:, None] - rise[None, :])
    page[:] = np.rint(255 - 235 * np.clip(1.6 - distance, 0, 1))[..., None]
    out = Fax(lines="standard", threshold=0.8, lost=0).develop(page, scale)
    ink = 255.0 - out[..., 0]
    seen = ink.sum(axis=0) > 0
    assert seen.mean() > 0.97
    off = (ink.sum(axis=0)[seen] ** -1) * (ink[:, seen] * np.arange(400)[:, None]).sum(axis=0) - rise[seen]
    assert np.abs(off.mean()) < 0.1
    assert np.abs(off).max() < 0.5 * scale / 3.85 + 0.5


def test_lost_lines_are_spoilt_to_their_end():
    page = ruled()
    whole, spoilt = (Fax(threshold=0.85, lost=lost, seed=8).develop(page.copy(), SCALE) for lost in (0, 30))
    rows = np.any(whole != spoilt, axis=(1, 2))
    assert 3 < rows.sum() < 120


@pytest.mark.parametrize("pattern", ["bayer", "clustered"])
@pytest.mark.parametrize("cells", [2, 4, 8])
def test_dots_feign_every_grey(pattern, cells):
    assert np.allclose(np.sort(threshold_pattern(pattern, cells).ravel()), (np.arange(cells**2) + 0.5) / cells**2)
    for level in (30, 128, 220):
        out = Dither(pattern=pattern, cells=cells).develop(np.full((64, 64, 3), level, np.uint8), SCALE)
        assert set(np.unique(out)) <= {0, 255}
        assert out.mean() == pytest.approx(level, abs=255 / cells**2)


@pytest.mark.parametrize("levels", [2, 3, 8, 32])
def test_tables_hold_so_many_levels(levels):
    tables = lookup_tables(threshold_pattern("bayer", 4), levels)
    assert len(np.unique(tables)) == levels
    assert (np.diff(tables.astype(int), axis=2) >= 0).all()


# --- displays ----------------------------------------------------------------------------------------------------


def seen(tilt_deg, azimuth_deg=0.0, dpi=100.0):
    view, size = Screen(tilt_deg=tilt_deg, azimuth_deg=azimuth_deg, fill=1.0), (240.0, 180.0)
    return Warp.through(mesh := Mesh.flat(size), view.project(mesh.solid(), size, dpi), view.size(size, dpi))


@pytest.mark.parametrize("tilt_deg", [0, 10, 25, 40])
def test_the_slant_is_read_off_the_warp(tilt_deg):
    warp = seen(tilt_deg)
    cosine = viewing_cosine(warp)
    middle = tuple(np.array(cosine.shape) // 2)
    assert cosine[middle] == pytest.approx(np.cos(np.radians(tilt_deg)), abs=0.03)
    if tilt_deg:
        inside = cosine[middle[0], 2:-2]
        assert (np.diff(inside) > -1e-3).all()  # the camera is on the right
        assert np.ptp(inside) > 0.02


def test_displays_are_pale_and_dark_from_aside():
    flat, aslant = (Display(falloff=1.5, glow=0.8, tint=0.3).shade(Light.even(seen(tilt))) for tilt in (0, 35))
    assert flat.gain.min() > 0.99
    assert flat.veil.max() < 1
    middle = tuple(np.array(aslant.veil.shape) // 2)
    assert aslant.gain[middle].max() < 0.85
    assert aslant.veil[middle] > 8
    assert aslant.gain[middle][2] < aslant.gain[middle][1]


def test_moire_beats_as_sampling_theory_says():
    """Green is sampled at every pixel: stripes of 0.9 cycles a pixel come out as 0.1. Red, at every second: 0.55 comes out as 0.05."""
    for cycles, channel, alias in ((0.9, 1, 0.1), (0.55, 0, 0.05), (0.55, 1, 0.45)):
        warp = Warp.flat((60.0, 40.0), 8.0, (320, 480))
        out = Display(pitch_mm=1 / (8.0 * cycles), blur_px=0, tall=1).resolve(np.full((320, 480, 3), 180, np.uint8), Light.even(warp))
        line = out[100, :, channel].astype(float)
        spectrum = np.abs(np.fft.rfft(line - line.mean()))
        assert np.fft.rfftfreq(len(line))[spectrum.argmax()] == pytest.approx(alias, abs=0.004)


def test_lenses_and_pixels_average_fine_lattices_away():
    warp = Warp.flat((60.0, 40.0), 8.0, (320, 480))
    spread = [np.std(Display(pitch_mm=pitch, blur_px=blur).resolve(np.full((320, 480, 3), 180, np.uint8), Light.even(warp)))
              for pitch, blur in ((0.6, 0.3), (0.2, 0.3), (0.2, 0.8), (0.06, 0.8))]  # fmt: skip
    assert spread[0] > 2 * spread[1] > 4 * spread[2] > 8 * spread[3]
    assert spread[3] == 0


def test_there_is_no_lattice_beside_the_display():
    warp = seen(20)
    pixels = np.full((*warp.size, 3), 180, np.uint8)
    nodes = warp.nodes_mm.copy()
    nodes[:, :6] = np.nan
    out = Display(pitch_mm=0.4).resolve(pixels.copy(), Light.even(replace(warp, nodes_mm=nodes)))
    assert (out[:, :32] == 180).all()
    assert out[:, 48:].std() > 1


def test_the_lattice_and_the_loss_of_light_end_where_the_display_does():
    """The panel goes on beside the page, with the lattice; its frame and the wall have none, and are as bright as elsewhere."""
    view, page = Screen(tilt_deg=30, azimuth_deg=0, fill=0.6), (120.0, 90.0)
    mesh = Mesh.flat(page, margin_mm=view.margin_mm)
    warp = Warp.through(mesh, view.project(mesh.solid(), page, 120), view.size(page, 120))
    light, display = replace(Light.even(warp), panel_mm=(-20.0, -15.0, 145.0, 100.0)), Display(pitch_mm=0.4, falloff=2)
    changed = display.resolve(np.full((*warp.size, 3), 180, np.uint8), light) != 180
    x, y = np.moveaxis(warp.dense(), -1, 0)
    inside = (x > -20) & (x < 145) & (y > -15) & (y < 100)
    beyond = ~((x > -23) & (x < 148) & (y > -18) & (y < 103))
    beside = inside & ((x < -12) | (x > 132))
    assert changed[beside].mean() > 0.5
    assert not changed[beyond].any()
    gain = display.shade(light).gain
    nodes = warp.nodes_mm
    off = np.maximum(np.maximum(-20 - nodes[..., 0], nodes[..., 0] - 145), np.maximum(-15 - nodes[..., 1], nodes[..., 1] - 100))
    assert (gain[off > 0] == 1).all()
    assert (gain[off < -1] < 1).mean() > 0.9


# --- crease lines ------------------------------------------------------------------------------------------------


def test_crease_lines_brighten_and_move_nothing(record):
    shot = Recipe.load("kaggle-0001").sample(record, seed=1, dpi=90)
    plain, lined = shot.take(record), replace(shot, artifacts=(CreaseLines(angle_deg=20, along=4, across=3),)).take(record)
    assert lined.warp.nodes_mm.tobytes() == plain.warp.nodes_mm.tobytes()
    change = lined.image.astype(int) - plain.image
    assert change.min() >= -1
    assert change.max() > 15
    assert 0.005 < np.mean(change.max(axis=2) > 4) < 0.2
    assert np.all(lined.image[np.all(plain.image == 255, axis=2)] >= 254)


@pytest.mark.parametrize("angle_deg", [0, 25, 90])
def test_all_crease_lines_cross_the_page(angle_deg):
    """As many are seen as were asked for, as on pages of ECG-Image-Kit."""
    bare = np.zeros((0, 720), np.uint8)
    sheet = Sheet(np.full((480, 720, 3), 150, np.uint8), bare, bare, 6.0, SimpleNamespace(size_mm=(120.0, 80.0)), None)
    for along, across in ((7, 0), (0, 7)):
        lined = CreaseLines(angle_deg=angle_deg, along=along, across=across).stain(sheet).pixels[..., 0] > 155
        assert label(lined, np.ones((3, 3)))[1] == 7


# --- recipes -----------------------------------------------------------------------------------------------------

KAGGLE = ("0001", "0003", "0004", "0005", "0006", "0009", "0010", "0011", "0012")


def test_all_categories_are_there():
    assert set(RECIPES) >= {"copy", "screen", "mix", "kit", *(f"kaggle-{number}" for number in KAGGLE)}
    for number in KAGGLE:
        page = dict(Recipe.load(f"kaggle-{number}").page)
        assert page["style"].numbers == ("kit",)
        assert page["layout"].numbers == ("3x4+1",)


def test_the_kits_page(record):
    photo = fastecg.render(record, recipe="kaggle-0001")
    assert photo.image.shape == (1700, 2200, 3)
    assert (photo.style.grid.minor_mm, photo.style.face) == (photo.style.grid.major_mm, "dejavu")
    assert (photo.image == 255).all(axis=2).any()


def test_auto_never_draws_the_kits_style(record):
    assert "kit" not in {Recipe.load("clean").sample(record, seed=seed).style for seed in range(200)}


@pytest.mark.parametrize("name", ["copy", "kaggle-0004", "kaggle-0012"])
def test_copies_are_without_colour_and_not_black(name, record):
    for seed in range(12):
        image = Recipe.load(name).sample(record, seed=seed, dpi=100.0).take(record).image
        assert np.mean(np.ptp(image.astype(int), axis=2) > 12) < 0.01  # dust and JPEG may leave a tint
        assert np.mean(image > 150) > 0.35


@pytest.mark.parametrize("name", ["copy", "kaggle-0004", "kaggle-0012"])
def test_copies_of_few_dots_an_inch_keep_the_trace(name, record):
    """Of the samples that are in the picture, most have something dark beside them, however thin the pen; copies may break a line."""
    for seed in range(100, 120):
        shot = Recipe.load(name).sample(record, seed=seed, dpi=110.0)
        if not any(isinstance(item, Bilevel | Fax | Photocopy) for item in shot.artifacts):
            continue
        photo = shot.take(record)
        x, y = np.rint(np.concatenate([trace.points[trace.visible] for trace in photo.truth.traces])).astype(int).T
        around = np.pad(photo.image[..., 1], 1, mode="edge")
        darkest = np.min([around[y + down, x + right] for down in range(3) for right in range(3)], axis=0)
        assert np.mean(darkest < 180) > 0.75, seed


@pytest.mark.parametrize("name", ["screen", "kaggle-0006"])
def test_every_screen_has_its_display(name, record):
    for seed in range(10):
        shot = Recipe.load(name).sample(record, seed=seed)
        assert isinstance(shot.view, Screen)
        assert any(isinstance(item, Display) for item in shot.artifacts)


def test_a_mix_keeps_its_shares():
    """2,000 draws: each part within four standard deviations."""
    mix = Recipe.load("mix")
    record = fastecg.simulate("sinus", seed=1)
    parts = [mix._part(rng_for(seed, f"{record.name}/0/0", "mix")).name for seed in range(2000)]
    shares = {part.name: share for part, share in mix.mix}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares == {
        "photo": 0.35,
        "scan": 0.2,
        "copy": 0.12,
        "clean": 0.05,
        "digital": 0.05,
        "aged": 0.1,
        "screen": 0.08,
        "damaged": 0.05,
    }
    for name, share in shares.items():
        assert parts.count(name) == pytest.approx(2000 * share, abs=4 * np.sqrt(2000 * share * (1 - share)))


def test_a_picture_of_a_mix_is_its_parts_own(record):
    names = set()
    for seed in range(30):
        shot = Recipe.load("mix").sample(record, seed=seed)
        whole, _, part = shot.recipe.partition("/")
        names.add(part)
        assert whole == "mix"
        assert replace(shot, recipe=part) == Recipe.load(part).sample(record, seed=seed)
        assert loads_shot(json.dumps(shot.to_dict())) == shot
    assert len(names) > 3


def test_options_reach_the_parts_of_a_mix(record):
    for seed in range(5):
        shot = Recipe.load("mix").sample(record, seed=seed, layout="6x2", style="muse", dpi=90.0, severity=0.5)
        assert (shot.layout, shot.style, shot.dpi, shot.severity) == ("6x2", "muse", 90.0, 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[mix]\nphoto = 1\nfoto = 2", "mix.foto: no such recipe, expected one of"),
        ("[mix]\nmix = 1", "mix.mix is a mix itself, expected a recipe that is none"),
        ("[mix]\nphoto = -1", "mix has shares [-1], expected numbers of 0 or more, not all 0"),
        ("[mix]\nphoto = 0", "mix has shares [0], expected numbers of 0 or more, not all 0"),
        ("mix = 3", "mix is 3, expected a table of recipes and their shares"),
        ("[mix]", "mix is {}, expected a table of recipes and their shares"),
        ('[mix]\nphoto = 1\n[view]\nkind = "Phone"', "recipe with a mix has the unknown key 'view', expected one of title, mix"),
    ],
)
def test_errors_in_mixes_say_what_is_allowed(text, message):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_toml(text, "mine")
    assert message in str(caught.value)


# --- docs --------------------------------------------------------------------------------------------------------


def test_the_tables_in_the_docs_are_up_to_date(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")  # scripts import one another
    found = importlib.util.spec_from_file_location("make_recipe_docs", ROOT / "tools" / "make_recipe_docs.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert text == module.filled(text), "run tools/make_recipe_docs.py"
    for name in RECIPES:
        assert f"\n### {name}\n" in text
