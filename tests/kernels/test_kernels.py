"""The raster kernels against their naive twins, at the borders and under nonsense."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastecg.kernels import jit as jit_module
from fastecg.kernels.blend import blend, brighten, inked, multiply
from fastecg.kernels.capsule import stroke_polyline
from fastecg.kernels.line import stroke_trace
from fastecg.kernels.paths import ink_beside
from fastecg.kernels.pen import fill_pen_factors

PENS_PX = [0.37, 1.02, 1.97, 3.15, 7.5]


def beat(samples: int, width: float, base: float, noise: float = 0.6) -> np.ndarray:
    """One heartbeat with a QRS of 80 px, `samples` over `width` px, hand on the rim at both ends."""
    t = np.linspace(-0.4, 0.5, samples)
    volts = np.zeros(samples)
    for height, at, spread in ((0.12, -0.16, 0.025), (-0.12, -0.03, 0.008), (1.1, 0, 0.010), (-0.25, 0.03, 0.009), (0.3, 0.25, 0.05)):
        volts += height * np.exp(-0.5 * ((t - at) / spread) ** 2)
    y = base - 78.7 * volts + np.random.default_rng(3).normal(0, noise, samples)
    return np.column_stack([np.linspace(-2.3, width + 1.7, samples), y])


def traced(points: np.ndarray, width_px: float, shape: tuple[int, int]) -> np.ndarray:
    plane = np.zeros(shape, np.uint8)
    stroke_trace(points, width_px, plane)
    return plane


def lined(points, width_px, shape, density=1.0) -> np.ndarray:
    plane = np.zeros(shape, np.uint8)
    stroke_polyline(np.asarray(points, float), width_px, plane, density=density)
    return plane


def compare(plane: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """Mean error in steps of 255 on touched pixels, and the ratio of ink."""
    touched = (plane > 0) | (share > 0)
    return float(np.abs(plane - 255 * share)[touched].mean()), float(plane.sum() / 255 / share.sum())


# Traces.


def unsteady_pen(width: int) -> np.ndarray:
    """Factors of width and strength that change as fast as a pen's do."""
    x = np.arange(width)
    return np.stack([0.85 + 0.2 * np.sin(x / 7.0), 0.8 + 0.2 * np.cos(x / 11.0)]).astype(np.float32)


@pytest.mark.parametrize("width_px", [1.97, 3.15, 7.5])
def test_an_unsteady_pen_draws_capsules_of_its_widths(width_px):
    points, pen = beat(450, 180, 100), unsteady_pen(180)
    pen[1] = 1.0
    radii = width_px / 2 * np.interp(points[:, 0], np.arange(180), pen[0])
    share = naive.capsule_union(points, radii, (150, 180))
    plane = np.zeros((150, 180), np.uint8)
    stroke_trace(points, width_px, plane, pen)
    error, ink = compare(plane, share)
    assert error < 1.8
    assert abs(ink - 1) < 0.005


def test_a_pale_pen_lays_its_share_of_the_ink():
    points, pen = beat(450, 180, 100), unsteady_pen(180)
    full, pale = np.zeros((2, 150, 180), np.uint8)
    stroke_trace(points, 3.15, full, np.stack([pen[0], np.ones_like(pen[0])]))
    stroke_trace(points, 3.15, pale, pen)
    np.testing.assert_allclose(pale, full * pen[1], atol=1.0)


@pytest.mark.parametrize(("scale", "shift"), [(2.4, 0.0), (7.87, 0.0), (7.87, -9.0), (23.6, 3.3)])
def test_how_a_pen_writes(scale, shift):
    points = beat(1200, 180, 100) / 7.87 + np.array([shift, 0.0])
    points[[0, 40, 41, 90, 92], 1] = np.nan
    habits = (0.3, 0.4, 0.1, 0.25, 7.0)
    out = np.full((2, 400), 2.0, np.float32)
    fill_pen_factors(points, scale, habits, out)
    np.testing.assert_allclose(out, naive.written(points, scale, habits, np.full((2, 400), 2.0)), atol=2e-5)
    crossed = out[:, out[0] != 2.0]
    assert crossed[0].min() < 0.8
    assert crossed[1].max() <= 1.0
    stroke_trace(points * scale - 0.5, 0.3 * scale, np.zeros((100, 400), np.uint8), out)


def test_a_pen_wanders_alike_wherever_a_trace_is_drawn_and_otherwise_on_another():
    points, habits = beat(1200, 180, 100, noise=0.0) / 7.87, (0.0, 0.0, 0.1, 0.25, 7.0)
    points[:, 0] -= points[0, 0]
    coarse, fine, other = np.ones((3, 2, 200), np.float32)
    fill_pen_factors(points, 4.0, habits, coarse)
    fill_pen_factors(points, 8.0, habits, fine)
    fill_pen_factors(points * (1.0, 1.1), 4.0, habits, other)
    pairs = fine[:, :160].reshape(2, -1, 2).mean(axis=2)
    np.testing.assert_allclose(coarse[:, :80], pairs, atol=0.02)
    assert np.abs(other - coarse)[:, :80].max() > 0.05


@pytest.mark.parametrize("width_px", PENS_PX)
@pytest.mark.parametrize("samples", [45, 450, 4500])
def test_a_trace_is_the_union_of_its_capsules(width_px, samples):
    points = beat(samples, 180, 100, noise=0 if samples == 4500 else 0.6)
    share = naive.capsule_union(points, np.full(len(points), width_px / 2), (150, 180))
    error, ink = compare(traced(points, width_px, (150, 180)), share)
    assert error < 1.2
    assert abs(ink - 1) < 0.005


def test_gaps_split_a_trace_and_lone_samples_are_dots():
    points = beat(200, 180, 100)
    points[[40, 41, 90, 92, 199]] = np.nan
    points[150, 1] = np.inf
    share = naive.capsule_union(points, np.full(len(points), 1.5), (150, 180))
    plane = traced(points, 3.0, (150, 180))
    error, ink = compare(plane, share)
    assert error < 1.0
    assert abs(ink - 1) < 0.005
    assert plane[round(points[91, 1]), round(points[91, 0])] == 255  # the dot between two gaps


@pytest.mark.parametrize("width_px", [0.05, 0.2, 0.5, 0.9])
def test_thin_ink_is_in_proportion_to_the_pen(width_px):
    x = np.arange(-3.0, 205.0)
    points = np.column_stack([x, 40 + 0.31 * x])
    ink = traced(points, width_px, (150, 200)).sum() / 255
    assert ink == pytest.approx(200 * np.hypot(1, 0.31) * width_px, rel=0.01 if width_px > 0.1 else 0.1)


@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5, 0.8])
def test_a_flat_trace_lies_where_its_samples_lie(offset):
    points = np.column_stack([np.arange(0.0, 60.0), np.full(60, 20 + offset)])
    column = traced(points, 3.0, (40, 60))[:, 30].astype(float)
    assert column.sum() == pytest.approx(3 * 255, abs=1)
    assert column @ np.arange(40) / column.sum() == pytest.approx(20 + offset, abs=0.005)


def test_a_steep_trace_lies_where_its_samples_lie():
    points = np.column_stack([30.3 + np.linspace(0, 1, 50), np.linspace(-20, 80, 50)])
    row = traced(points, 2.0, (60, 60))[30].astype(float)
    assert row @ np.arange(60) / row.sum() == pytest.approx(30.3 + 0.5, abs=0.02)
    assert row.sum() == pytest.approx(2 * 255, rel=0.01)


def test_a_vertical_jump_is_inked():
    points = np.array([[5.0, 30.0], [20.0, 30.0], [20.0, 5.0], [40.0, 5.0]])
    assert traced(points, 3.0, (40, 50))[6:30, 20].min() == 255


def test_the_box_returned_holds_all_ink():
    points = beat(300, 100, 100)
    plane = np.zeros((200, 300), np.uint8)
    top, bottom, left, right = stroke_trace(points + np.array([60, 0]), 2.5, plane)
    rows, columns = np.nonzero(plane)
    assert (top, bottom) == (rows.min(), rows.max() + 1)
    assert left <= columns.min()
    assert right > columns.max()
    assert right - left < 115


@pytest.mark.parametrize("points", [np.empty((0, 2)), np.full((3, 2), np.nan), np.array([[-50.0, 3.0]]), np.array([[5.0, 1e300]])])
def test_nothing_to_draw_touches_nothing(points):
    plane = np.zeros((20, 30), np.uint8)
    assert stroke_trace(points, 2.0, plane) == (0, 0, 0, 0)
    stroke_polyline(points, 2.0, plane)
    assert plane.max() == 0


@pytest.mark.parametrize("width_px", [0.0, -1.0, float("nan")])
def test_no_pen_draws_nothing(width_px):
    assert traced(beat(50, 60, 30), width_px, (40, 60)).max() == 0
    assert lined(beat(50, 60, 30), width_px, (40, 60)).max() == 0


anywhere = st.one_of(st.floats(-80, 120), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, -0.5, 39.5, 1e9, -1e15]))
pens = st.one_of(st.floats(0.01, 20), st.sampled_from([1e-300, 1e-9, 1e4, 1e300, np.inf]))


@given(hnp.arrays(float, st.tuples(st.integers(0, 12), st.just(2)), elements=anywhere), pens, st.booleans())
def test_no_points_and_no_pen_leave_the_plane_or_thin_its_ink(points, width_px, in_order):
    if in_order:
        points = points[np.argsort(points[:, 0])]
    guarded = np.full((46, 52), 77, np.uint8)
    for stroke in (stroke_trace, stroke_polyline):
        plane = np.ascontiguousarray(guarded[3:-3, 3:-3])
        before = plane.copy()
        stroke(points, width_px, plane)
        assert (plane >= before).all()
        cut = guarded.copy()
        stroke(points, width_px, cut[3:-3, 3:-3])
        np.testing.assert_array_equal(cut[3:-3, 3:-3], plane)
        cut[3:-3, 3:-3] = 77
        assert (cut == 77).all()


@given(hnp.arrays(float, (9,), elements=st.floats(-30, 70)), st.floats(0.3, 9), st.floats(0.7, 30))
def test_any_trace_is_near_its_twin(y, width_px, step):
    points = np.column_stack([step * np.arange(9.0) - 5, y])
    share = naive.capsule_union(points, np.full(9, width_px / 2), (40, 48))
    plane = traced(points, width_px, (40, 48))
    assert np.abs(plane - 255 * share).max() < 0.5 / 16 * 255 * 2.5 + 8


def test_the_same_points_give_the_same_bytes_whole_or_in_order_of_runs():
    points = beat(800, 180, 100)
    first, second = traced(points, 2.0, (150, 180)), traced(points, 2.0, (150, 180))
    np.testing.assert_array_equal(first, second)
    halves = np.zeros_like(first)
    points[400] = np.nan
    stroke_trace(points[401:], 2.0, halves)
    stroke_trace(points[:400], 2.0, halves)
    np.testing.assert_array_equal(halves, traced(points, 2.0, (150, 180)))


# Polylines.


def spiral(turns: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi * turns, 160)
    return np.column_stack([60.2 + (5 + 4 * angle) * np.cos(angle), 59.7 + (5 + 4 * angle) * np.sin(angle)])


@pytest.mark.parametrize("width_px", PENS_PX)
def test_a_curve_is_the_union_of_its_capsules(width_px):
    share = naive.capsule_union(spiral(2), np.full(160, width_px / 2), (120, 120))
    error, ink = compare(lined(spiral(2), width_px, (120, 120)), share)
    assert error < 1.2
    assert abs(ink - 1) < 0.005


@pytest.mark.parametrize("width_px", [0.37, 1.02, 3.15])
def test_separate_strokes_hold_their_ink(width_px):
    rng = np.random.default_rng(2)
    points = np.full((30, 2), np.nan)
    points[::3] = np.column_stack([rng.uniform(10, 50, 10), np.arange(10, 120, 11) + rng.uniform(-2, 2, 10)])
    points[1::3] = points[::3] + np.column_stack([rng.uniform(1, 50, 10), rng.uniform(-4, 4, 10)])
    share = naive.capsule_union(points, np.full(30, width_px / 2), (120, 120), samples=32)
    error, ink = compare(lined(points, width_px, (120, 120)), share)
    assert error < 2
    assert abs(ink - 1) < 0.01


@pytest.mark.parametrize("width_px", [0.3, 0.8, 1.0, 1.6, 3.15, 6.0])
def test_dots_hold_their_ink(width_px):
    for x, y in np.random.default_rng(4).uniform(12, 18, (10, 2)):
        assert lined([[x, y]], width_px, (30, 30)).sum() / 255 == pytest.approx(np.pi * width_px**2 / 4, rel=0.03, abs=0.005)


@pytest.mark.parametrize("width_px", [0.3, 1.0, 1.7, 5.3])
@pytest.mark.parametrize("at", [20.0, 20.25, 20.5, 20.9])
def test_lines_along_the_pixels_are_exact(width_px, at):
    across = np.arange(41.0)
    exact = np.clip(np.minimum(at + width_px / 2, across + 0.5) - np.maximum(at - width_px / 2, across - 0.5), 0, 1) * 255
    level, upright = lined([[-9, at], [60, at]], width_px, (41, 50)), lined([[at, 60], [at, -9]], width_px, (50, 41))
    np.testing.assert_allclose(level[:, 25], exact, atol=0.51)
    np.testing.assert_array_equal(level.T, upright)


def test_width_and_density_run_along_a_stroke():
    plane = lined([[5, 20], [95, 20]], [2.0, 11.0], (41, 100), density=[1.0, 0.2])
    assert plane[20, 95] == pytest.approx(51, abs=1)
    assert plane[20, 50] == pytest.approx(0.6 * 255, abs=1)
    assert (plane[:, 90] > 0).sum() > (plane[:, 10] > 0).sum() + 5


def test_a_long_slanting_line_is_whole():
    plane = lined([[-1e5, -0.9e5], [1e5, 0.9e5]], 3.0, (90, 100))
    assert all(plane[round(0.9 * x), x] == 255 for x in range(99))
    assert plane.sum() / 255 == pytest.approx(3 * np.hypot(100, 90), rel=0.02)


# Colour.


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 23))), st.tuples(*[st.integers(0, 255)] * 3), st.integers(0, 99))
def test_blends_round_to_nearest(plane, ink, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (*plane.shape, 3), np.uint8)
    covered, filtered = pixels.copy(), pixels.copy()
    blend(covered, plane, ink)
    multiply(filtered, plane, ink)
    np.testing.assert_array_equal(covered, naive.blend(pixels, plane, ink))
    # 2 * 255 * 255 is even, so the filter's exact value may lie between two numbers, where the twin's float falls to either side.
    assert np.abs(filtered.astype(int) - naive.multiply(pixels, plane, ink)).max() <= 1
    assert (filtered == naive.multiply(pixels, plane, ink)).mean() > 0.9


def test_every_mix_of_paper_ink_and_coverage():
    paper, cover = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    for ink in (0, 1, 127, 254, 255):
        pixels = np.repeat(paper[..., None], 3, axis=2)
        blend(pixels, cover, (ink, ink, ink))
        np.testing.assert_array_equal(pixels, naive.blend(np.repeat(paper[..., None], 3, axis=2), cover, (ink, ink, ink)))


def test_part_of_a_plane_blends_alike():
    rng = np.random.default_rng(1)
    plane = rng.integers(0, 256, (9, 31), np.uint8) * (rng.random((9, 31)) < 0.2)
    plane = plane.astype(np.uint8)
    pixels = np.full((9, 31, 3), 200, np.uint8)
    whole = pixels.copy()
    blend(whole, plane, (10, 60, 90))
    blend(pixels[3:7], plane[3:7], (10, 60, 90))
    np.testing.assert_array_equal(pixels[3:7], whole[3:7])
    assert (pixels[:3] == 200).all()


@pytest.mark.parametrize("shape", [(3, 5), (9, 31), (64, 2200)])  # less than a word, a rest, more than a chunk
def test_two_inks_at_once_are_the_two_one_after_the_other(shape):
    rng = np.random.default_rng(2)
    paper = rng.integers(0, 256, (*shape, 3), np.uint8)
    paper.flags.writeable = False
    planes = [rng.integers(0, 256, shape, np.uint8) * (rng.random(shape) < 0.1).astype(np.uint8) for _ in range(2)]
    first, second = (10, 60, 90), (250, 0, 5)
    expected = naive.blend(naive.blend(paper, planes[0], first), planes[1], second)
    np.testing.assert_array_equal(inked(paper, (planes[0], first), (planes[1], second)), expected)


def test_a_plane_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"expected a contiguous \(4, 6, 3\)"):
        blend(np.zeros((4, 5, 3), np.uint8), np.zeros((4, 6), np.uint8), (0, 0, 0))


# The decorator.


def run(code: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of that name with the decorator, a kernel, and its helper in another file."""
    kernels = tmp_path / "fastecg" / "kernels"
    kernels.mkdir(parents=True)
    (tmp_path / "fastecg" / "__init__.py").touch()
    (kernels / "__init__.py").touch()
    shutil.copy(jit_module.__file__, kernels / "jit.py")
    (kernels / "line.py").write_text(
        "from fastecg.kernels.jit import jit\nfrom fastecg.kernels import (\n    helper,\n)\n\nstep = helper.step\n\n\n"
        "@jit\ndef walk(x):\n    return step(x) * 10\n"
    )
    (kernels / "helper.py").write_text("from fastecg.kernels.jit import jit\n\n\n@jit\ndef step(x):\n    return x + 1\n")
    return tmp_path


WALK = (
    "from fastecg.kernels.jit import are_kernels_cached; before = are_kernels_cached(); from fastecg.kernels.line import walk; "
    "print(before, walk(1), sum(walk.stats.cache_hits.values()))"
)


def test_an_edited_helper_is_compiled_anew(package):
    place = {"FASTECG_CACHE_DIR": str(package / "cache")}
    assert run(WALK, package, **place) == "False 20 0"
    assert run(WALK, package, **place) == "True 20 1"
    helper = package / "fastecg" / "kernels" / "helper.py"
    helper.write_text(helper.read_text().replace("x + 1", "x + 5"))
    assert run(WALK, package, **place) == "False 60 0"
    assert run(WALK, package, **place) == "True 60 1"


def test_bands_brighten_one_over_the_other():
    rng = np.random.default_rng(0)
    pixels, covers = rng.integers(0, 256, (500, 3)).astype(np.uint8), rng.integers(0, 256, (3, 500)).astype(np.uint8)
    covers[0, ::4], covers[1, ::5], covers[2, ::3] = 0, 0, 255
    factors = np.array([1.1, 1.4, 0.7])
    expected = pixels.astype(float)
    for k in np.flatnonzero(covers[0]):
        gain = 1.0
        for factor, cover in zip(factors, covers[:, k], strict=True):
            gain += (factor - gain) * (cover / 255)
        expected[k] = np.minimum(np.rint(pixels[k] * gain), 255)
    brighten(pixels, covers, factors)
    np.testing.assert_array_equal(pixels, expected)


def test_whoever_asks_is_told_of_compiling_and_of_nothing_else(package):
    """One kernel with its helper: one notice in a new place, none where the cache has it."""
    code = (
        "from fastecg.kernels.jit import on_compile; told = []; on_compile(lambda: told.append('old')); "
        "on_compile(lambda: told.append('began'), lambda: told.append('ended')); "
        "from fastecg.kernels.line import walk; walk(1); print(*told)"
    )
    place = {"FASTECG_CACHE_DIR": str(package / "cache")}
    assert run(code, package, **place) == "began ended"
    assert run(code, package, **place) == ""


def test_asking_to_be_told_of_compiling_does_not_import_numba(package):
    """A command that asks counts the pages of its records first, and Numba takes half a second to import."""
    code = "import sys; from fastecg.kernels.jit import on_compile; on_compile(print); print('numba' in sys.modules)"
    assert run(code, package, FASTECG_CACHE_DIR=str(package / "cache")) == "False"


def test_no_garbage_is_collected_while_kernels_are_compiled(package):
    code = (
        "import gc; from fastecg.kernels.jit import on_compile; from fastecg.kernels.line import walk; told = []; "
        "on_compile(lambda: told.append(gc.isenabled())); walk(1); print(*told, gc.isenabled()); "
        "gc.disable(); walk(1.5); print(*told, gc.isenabled())"
    )
    assert run(code, package, FASTECG_CACHE_DIR=str(package / "cache")) == "False True\nFalse False False"


def test_without_a_place_to_write_kernels_still_run(package):
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": "", "LOCALAPPDATA": os.devnull, "FASTECG_CACHE_DIR": "", "NUMBA_CACHE_DIR": ""}
    assert run(WALK, package, **nowhere) == "False 20 0"
    assert run(WALK, package, **nowhere) == "False 20 0"


def test_numbas_own_setting_is_respected(package):
    place = {"FASTECG_CACHE_DIR": "", "NUMBA_CACHE_DIR": str(package / "numba")}
    assert run(WALK, package, **place) == "False 20 0"
    assert run(WALK, package, **place) == "True 20 1"
    assert list((package / "numba").rglob("*.nbi"))


def test_asking_for_the_cache_does_not_load_numba(package):
    code = "import sys; from fastecg.kernels.jit import are_kernels_cached; are_kernels_cached(); print('numba' in sys.modules)"
    assert run(code, package) == "False"


@given(
    hnp.arrays(np.float32, (9, 7), elements=st.floats(0.0, 1.0, width=32)),
    hnp.arrays(np.int64, 7, elements=st.integers(0, 8)),
    hnp.arrays(np.int64, 7, elements=st.integers(0, 4)),
    st.integers(0, 5),
)
def test_ink_beside_a_path_is_that_of_its_columns(ink, tops, tall, reach):
    most, mass = np.zeros(7, np.float32), np.zeros(7, np.float32)
    ink_beside(ink, tops, tops + tall, reach, most, mass)
    for x in range(7):
        part = ink[max(tops[x] - reach, 0) : tops[x] + tall[x] + reach + 1, x]
        assert most[x] == part.max()
        assert mass[x] == pytest.approx(part.sum(), abs=1e-5)


def test_joints_and_ends_of_oblique_segments_cover_what_discs_do():
    """With the normal of a joint mirrored, the error is 0.0052."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(12):
        points, radius = rng.uniform(8, 22, (4, 2)), rng.uniform(0.6, 4)
        share = naive.capsule_union(points, np.full(4, radius), (30, 30))
        errors.append(np.sqrt(np.mean((lined(points, 2 * radius, (30, 30)) / 255 - share) ** 2)))
    assert np.mean(errors) < 0.0046
