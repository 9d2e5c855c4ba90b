"""The loop that fits a stroke: its kernels against dense and naive twins."""

from dataclasses import replace

import naive_decode as naive
import numpy as np
import pytest
from naive import capsule_union
from oracle import true_layers, true_segments
from scipy.ndimage import gaussian_filter

import fastecg
from fastecg.digitizing.coarse import inked_pixels, straighten
from fastecg.digitizing.decode import decode
from fastecg.digitizing.gauss_newton import STAGES, FittedPen, StrokeProblem, blur_correction, fit_stroke, how_fast
from fastecg.kernels.descend import BEND_PX, add_prior, bending_cost, descend, factor, knot_positions, move_pen, move_stroke, solve
from fastecg.kernels.fit import (
    BAND,
    assign_points,
    draw_stroke,
    foot_point,
    knot_radii,
    nearest_segment,
    polyline_segments,
    segments_by_column,
)
from fastecg.kernels.line import stroke_trace
from fastecg.readers import read_record, sample_records

STEEP = np.array([[1.0, 3.0], [2.5, 4.0], [2.2, 19.0], [4.0, 2.0], [4.0, 2.0], [7.0, 7.5], [np.nan, np.nan], [9.0, 8.0], [12.0, 6.0]])


def random_bands(size, width=BAND + 1, seed=0):
    """Lower diagonals (n + width - 1, width) of a positive matrix, and the matrix."""
    rng = np.random.default_rng(seed)
    lower = np.tril(rng.normal(size=(size, size)))
    lower[np.subtract.outer(np.arange(size), np.arange(size)) >= width] = 0
    dense = lower @ lower.T + size * np.eye(size)
    bands = np.zeros((size + width - 1, width))
    for j in range(min(width, size)):
        bands[: size - j, j] = np.diag(dense, -j)
    return bands, dense


@pytest.mark.parametrize(("size", "width"), [(40, BAND + 1), (3, 3), (5, BAND + 1)])
def test_banded_solution_is_the_dense_one(size, width):
    bands, dense = random_bands(size, width)
    right = np.random.default_rng(1).normal(size=size)
    wanted = np.linalg.solve(dense, right)
    factor(bands)
    lower = np.linalg.cholesky(dense)
    for j in range(min(width, size)):
        np.testing.assert_allclose(bands[: size - j, j], np.diag(lower, -j), atol=1e-9)
    solve(bands, right)
    np.testing.assert_allclose(right, wanted, atol=1e-12)


def test_the_prior_is_that_of_dense_second_differences():
    rng = np.random.default_rng(2)
    size, stiffness, damping = 30, 0.3, 0.01
    heights, gradient, bands = rng.normal(size=size), rng.normal(size=size), rng.normal(size=(BAND + 1, size))
    second = np.diff(np.eye(size), 2, axis=0)
    weights = stiffness / (1 + (second @ heights / BEND_PX) ** 2)
    wanted = second.T @ np.diag(weights) @ second + damping * np.eye(size)
    matrix, filled = np.empty((size + BAND, BAND + 1)), gradient.copy()
    add_prior(bands, heights, stiffness, damping, matrix, filled)
    for j in range(BAND + 1):
        np.testing.assert_allclose(matrix[: size - j, j], bands[j, : size - j] + np.diag(wanted, -j), atol=1e-12)
    np.testing.assert_allclose(filled - gradient, -second.T @ (weights * (second @ heights)), atol=1e-12)
    slope = [(bending_cost(heights + 1e-6 * e, stiffness) - bending_cost(heights - 1e-6 * e, stiffness)) / 2e-6 for e in np.eye(size)]
    np.testing.assert_allclose(filled - gradient, -0.5 * np.array(slope), atol=1e-7)


def test_knots_are_where_the_stroke_says():
    rng = np.random.default_rng(3)
    stroke = StrokeProblem(np.zeros((4, 4), np.float32), rng.normal(size=(5, 40, 2)), 2.0, 1.0)
    heights = rng.uniform(-3.0, 12.0, 40)
    points, along = np.empty((40, 2)), np.empty((40, 2))
    knot_positions(stroke.curves, stroke.step, heights, points, along)
    for found, wanted in zip((points, along), stroke.knots(heights), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("reach", [0.7, 2.6])
def test_points_belong_to_the_segment_that_is_nearest(reach):
    lines, heights = polyline_segments(STEEP), np.arange(0.0, 18.0, 0.25, dtype=np.float32)
    square, owner = np.empty(len(heights), np.float32), np.empty(len(heights), np.int32)
    for x in (0.0, 2.3, 3.1, 6.9, 8.2, 20.0):
        assign_points(lines, (0, len(lines)), x, 1.0, reach, heights, square, owner)
        away = [naive.distance(np.array([x, 1.0 + y]), STEEP) for y in heights]
        for j, (_, _, distance) in enumerate(away):
            if abs(distance - reach) > 1e-5:
                assert (owner[j] >= 0) == (distance < reach)
            if owner[j] >= 0:
                _, ex, ey = foot_point(lines[owner[j]], x, 1.0 + heights[j])
                assert np.hypot(ex, ey) == pytest.approx(distance, abs=1e-5)
        for y in heights[::9]:
            assert nearest_segment(lines, (0, len(lines)), x, 1.0 + y)[2] == pytest.approx(naive.distance(np.array([x, 1.0 + y]), STEEP)[2])


def test_spans_hold_every_segment_near_a_column():
    lines, reach = polyline_segments(STEEP), 1.3
    spans = segments_by_column(lines, reach, 16)
    for c in range(16):
        near = [
            k for k in range(len(STEEP) - 1)
            if np.isfinite(STEEP[k : k + 2]).all() and STEEP[k : k + 2, 0].min() - reach <= c <= STEEP[k : k + 2, 0].max() + reach
        ]  # fmt: skip
        assert tuple(spans[c]) == ((near[0], near[-1] + 1) if near else (0, 0))


def test_a_pen_moves_as_its_equations_say_but_not_far():
    normal = np.array([[9.0, 1.0, -2.0, 0.3], [1.0, 5.0, 0.5, 0.2], [-2.0, 0.5, 4.0, -1.0], [0.3, 0.2, -1.0, 6.0]])
    for size, scale in ((4, 0.1), (3, 0.1), (2, 0.1), (4, 100.0)):
        right = scale * np.array([1.0, -0.5, 0.3, 0.4])
        change = np.linalg.solve(normal[:size, :size] + 1e-4 * np.trace(normal[:size, :size]) * np.eye(size), right[:size])
        change *= min(0.2 / np.abs(change).max(), 1.0)
        pen = np.array([1.0, 1.0, 0.7, 0.25])
        move_pen(np.column_stack([np.triu(normal), right]), size, pen)
        np.testing.assert_allclose(pen[:size] - [1.0, 1.0, 0.7, 0.25][:size], change, atol=1e-12)


def test_knots_and_pen_move_by_the_solution_of_their_joint_equations():
    rng = np.random.default_rng(5)
    size, free, damping = 30, 4, 0.01
    matrix, dense = random_bands(size)
    every = np.block([[dense, rng.normal(size=(size, 4))], [np.zeros((4, size)), 40 * np.eye(4)]])
    every[size:, :size] = every[:size, size:].T
    right = 0.3 * rng.normal(size=size + 4)
    # What `move_pen` adds to the diagonal, before it solves the equations of the pen alone, is small beside 40.
    wanted = np.linalg.solve(every, right)
    heights, pen = np.zeros(size), np.array([1.0, 1.0, 0.7, 0.25])
    by_pen = np.column_stack([np.triu(every[size:, size:]), right[size:]])
    move_stroke(matrix, right[:size].copy(), damping, every[size:, :size].copy(), by_pen, free, heights, pen)
    np.testing.assert_allclose(pen - [1.0, 1.0, 0.7, 0.25], wanted[size:], atol=1e-3 * np.abs(wanted).max())
    np.testing.assert_allclose(heights, wanted[:size], atol=1e-3 * np.abs(wanted).max())
    heights[:] = 0.0
    move_stroke(random_bands(size)[0], right[:size].copy(), damping, every[size:, :size].copy(), by_pen, 0, heights, pen)
    np.testing.assert_allclose(heights, np.linalg.solve(dense, right[:size]), atol=1e-9)


def wave(samples=500):
    t = np.arange(samples)
    y = 40 + 6 * np.sin(t / 50) - 25 * np.exp(-(((t - 250) / 6.0) ** 2))
    x = 5 + 0.394 * t
    plane = np.zeros((70, int(x[-1]) + 8), np.uint8)
    stroke_trace(np.column_stack([x, y]), 2.4, plane)
    curves = np.stack([np.column_stack([x, np.full_like(x, level)]) for level in np.arange(0.0, 80.0, 8.0)])
    return StrokeProblem(plane / np.float32(255), curves, 8.0, 1.2), y


def test_no_step_makes_things_worse():
    stroke, y = wave()
    rough = y + np.random.default_rng(4).normal(size=len(y))
    stage = STAGES[-1]
    costs = []
    for rounds in (0, 1, 2, 4, 8):
        heights, pen = rough.copy(), np.array([0.9, 0.9, 0.6, 0.0])
        bands, right = np.empty((BAND + 1, len(y))), np.empty(len(y))
        misfit = descend(
            stroke.ink, stroke.curves, 8.0, 1.2, np.zeros(len(y)), stage.stiffness, 2, 0.0, rounds, 0.0, 3, heights, pen, bands, right,
        )  # fmt: skip
        costs.append(misfit + bending_cost(heights, stage.stiffness))
    assert np.all(np.diff(costs) <= 1e-6)
    assert costs[-1] < 0.2 * costs[0]


@pytest.mark.parametrize("width", [0.6, 1.0, 1.7])
def test_a_pen_unlike_the_nominal_is_found(width):
    stroke, y = wave()
    fit = fit_stroke(replace(stroke, radius=1.2 / width), np.full(len(y), 40.0) + 0.8 * (y - 40))
    assert fit.pen.width == pytest.approx(width, rel=0.03)
    assert np.sqrt(np.mean((fit.heights - y) ** 2)) < 0.2


def test_a_pen_that_thins_where_it_is_fast_is_found():
    """Its width is that of level parts, and heights are not worse than those of a pen that does not thin."""
    rng = np.random.default_rng(6)
    t = np.arange(500)
    y = 40 + 6 * np.sin(t / 50) + 1.5 * rng.normal(size=500).cumsum() / 8 - 25 * np.exp(-(((t % 100 - 50) / 4.0) ** 2))
    points = np.column_stack([5 + 0.394 * t, y])
    curves = np.stack([np.column_stack([points[:, 0], np.full(500, level)]) for level in np.arange(0.0, 80.0, 8.0)])
    for thin in (0.0, 0.25):
        ink = np.zeros((80, 210), np.float32, order="F")
        draw_stroke(points, knot_radii(1.5, how_fast(points), thin), 0.5, 4, ink)
        stroke = StrokeProblem(np.ascontiguousarray(ink), curves, 8.0, 1.2)
        constant, thinning = (fit_stroke(stroke, y + 0.3, (*STAGES[-2:-1], replace(STAGES[-1], thins=thins))) for thins in (False, True))
        assert thinning.pen.thin == pytest.approx(thin, abs=0.04)
        assert thinning.pen.width * 1.2 == pytest.approx(1.5, abs=0.04)
        errors = [np.sqrt(np.mean((fit.heights - y) ** 2)) for fit in (constant, thinning)]
        assert errors[1] < (errors[0] + 0.002 if thin == 0.0 else 0.8 * errors[0])


def test_speed_is_that_of_the_slope():
    x = np.arange(0.0, 60.0, 0.4)
    for slope, wanted in ((0.0, 0.0), (4.0, 0.5), (-12.0, 0.9)):
        np.testing.assert_allclose(how_fast(np.column_stack([x, slope * x])), wanted, atol=1e-9)
    lifted = np.column_stack([x, 4.0 * x])
    lifted[60:100] = np.nan
    assert how_fast(lifted)[80] == 0.0
    assert how_fast(lifted)[[40, 59, 100]] == pytest.approx(0.5)


def test_lifted_pens_keep_to_their_neighbours():
    stroke, y = wave()
    curves = stroke.curves.copy()
    curves[:, 100:120] = np.nan
    ink = stroke.ink.copy()
    ink[:, int(5 + 0.394 * 100) : int(5 + 0.394 * 120)] = 0
    fit = fit_stroke(replace(stroke, curves=curves, ink=ink), y + 0.5)
    outside = np.r_[0:97, 123 : len(y)]
    assert np.isfinite(fit.heights).all()
    assert np.sqrt(np.mean((fit.heights - y)[outside] ** 2)) < 0.3
    assert fit.sd[110] > 2 * np.median(fit.sd)


class Bent:
    """A map in closed form."""

    scale = 8.0

    def forward(self, points):
        x, y = points.T
        return np.column_stack([8 * x + 0.5 * y + np.sin(y / 9), 8 * y - 0.4 * x])

    def inverse(self, points):
        raise NotImplementedError


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_strip_shows_the_ink_that_lies_there(dtype):
    y, x = np.mgrid[0:200, 0:300]
    full = 255 if dtype == np.uint8 else 1
    plane = (full * (0.5 + 0.4 * np.sin(x / 17) * np.cos(y / 11))).astype(dtype)
    strip = straighten(plane, Bent(), (5.0, 30.3), (6.0, 15.0))
    rows, columns = np.mgrid[0 : strip.ink.shape[0], 0 : strip.ink.shape[1]]
    places = np.column_stack([strip.left_mm + columns.ravel() / 8, strip.top_mm + rows.ravel() / 8])
    px, py = Bent().forward(places).T
    wanted = 0.5 + 0.4 * np.sin(px / 17) * np.cos(py / 11)
    np.testing.assert_allclose(strip.ink.ravel(), wanted, atol=0.01)
    ink = inked_pixels(plane, 0.6 * full)
    assert {tuple(point) for point in ink.astype(int)} == {(c, r) for r, c in zip(*np.nonzero(plane > 0.6 * full), strict=True)}


def test_the_number_of_threads_changes_nothing(monkeypatch):
    photo = fastecg.render(read_record(sample_records()[0].path), layout="2x1", style="philips", dpi=100)
    layers, rows = true_layers(photo), true_segments(photo)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        found.append(decode(layers, rows))
    np.testing.assert_array_equal(found[0].record.signal, found[1].record.signal)
    np.testing.assert_array_equal(found[0].sd, found[1].sd)
    assert found[0].flags == found[1].flags


def blurred_spike(sigma, shape=(60, 48)):
    """A trace with a spike whose flanks are 3 px apart, drawn exactly and blurred; and its knots' problem."""
    x = 6.0 + 0.4 * np.arange(90)
    y = 46.0 - 36.0 * np.clip(1.0 - np.abs(x - 24.0) / 3.0, 0.0, None)
    ink = gaussian_filter(capsule_union(np.column_stack([x, y]), np.full(90, 1.0), shape), sigma).astype(np.float32)
    levels = np.arange(0.0, 64.0, 8.0)
    return StrokeProblem(ink, np.stack([np.column_stack([x, np.full(90, level)]) for level in levels]), 8.0, 1.0), y


def test_rounding_is_what_blur_does_beyond_the_model():
    """The model's stroke and its correction together are the sharp stroke, blurred; of a straight line nothing is left."""
    stroke, y = blurred_spike(0.7)
    pen = FittedPen(1.0, 0.8, np.sqrt(6.0) * 0.7)
    modelled = naive.coverage(stroke.knots(y)[0], stroke.ink.shape, 1.0, pen.blur, 4)
    added = blur_correction(stroke, y, pen, 4)
    np.testing.assert_allclose(0.8 * modelled + added, 0.8 * stroke.ink, atol=0.07)
    assert np.abs(0.8 * (stroke.ink - modelled)).max() > 0.15, "the spike's gap is filled"
    assert np.abs(added[:, 8:14]).max() < 0.04


def test_a_blurred_spike_keeps_its_height():
    stroke, y = blurred_spike(1.0)
    found = fit_stroke(stroke, y + np.random.default_rng(0).normal(0, 0.3, len(y))).heights
    assert abs(found.min() - y.min()) < 0.8
    assert np.sqrt(np.mean((found - y) ** 2)) < 0.5
