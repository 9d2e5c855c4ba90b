"""The decoder: its kernels against slow twins, its parts on made-up pages, the whole on perfect layers."""

import naive_decode as naive
import numpy as np
import pytest
from oracle import drawn_samples, true_layers, true_segments
from snr import raw_snrs

import fastecg
from fastecg.digitizing.decode import decode
from fastecg.digitizing.gauss_newton import StrokeProblem, fit_stroke
from fastecg.digitizing.layout import PageSegments, segments_of
from fastecg.digitizing.phase import Fives, find_grid
from fastecg.digitizing.warp_fit import fit_warp
from fastecg.kernels.demodulate import demodulate, spline_values
from fastecg.kernels.fit import BAND, draw_stroke, inverse_diagonal, knot_radii, normal_equations
from fastecg.kernels.line import stroke_trace
from fastecg.readers import read_record, sample_records

FAST = np.array([0.0, 0.2, 0.5, 0.6, 0.3, 0.05])  # How fast the pen moves at each knot of the zigzag.


def equations(ink, points, along, pen=(1.2, 0.9, 0.6, 0.3), taps=3, far=0.0, fast=None):
    """J'J of heights, J'r, J'J of pen and heights, and J'J and J'r of the pen, for a nominal radius of 1 px."""
    n = len(points)
    bands, right, border, by_pen = np.empty((BAND + 1, n)), np.empty(n), np.empty((4, n)), np.empty((4, 5))
    fast = np.zeros(n) if fast is None else fast
    total = normal_equations(ink.astype(np.float32), points, along, 1.0, fast, np.array(pen), taps, far, bands, right, border, by_pen)
    return total, bands, right, border, by_pen


@pytest.fixture
def zigzag():
    points = np.array([[2.0, 5.0], [4.5, 6.2], [6.0, 14.0], [7.5, 4.0], [9.0, 8.0], [13.0, 8.5]])
    along = np.tile([0.05, 1.0], (len(points), 1))
    ink = naive.coverage(points + along * 0.3, (18, 16), 1.2, 0.6, 2)
    return points, along, ink


def test_residual_is_that_of_the_naive_stroke(zigzag):
    points, along, ink = zigzag
    model = 0.9 * naive.coverage(points, ink.shape, 1.2 * (1 - 0.3 * FAST), 0.6, 3)
    assert equations(ink, points, along, fast=FAST)[0] == pytest.approx(np.sum((ink - model) ** 2), rel=1e-3)


def test_a_drawn_stroke_is_the_one_that_the_equations_expect(zigzag):
    points, along, ink = zigzag
    drawn = np.full(ink.shape, np.nan, dtype=np.float32)
    radii = knot_radii(1.2, FAST, 0.3)
    np.testing.assert_allclose(radii, 1.2 * (1 - 0.3 * FAST))
    draw_stroke(points, radii, 0.6, 3, drawn)
    np.testing.assert_allclose(drawn, naive.coverage(points, ink.shape, radii, 0.6, 3), atol=1e-5)
    assert equations(drawn, points, along, pen=(1.2, 1.0, 0.6, 0.3), fast=FAST)[0] == pytest.approx(0.0, abs=1e-6)


def test_normal_equations_are_those_of_finite_differences(zigzag):
    points, along, ink = zigzag
    _, bands, right, border, by_pen = equations(ink, points, along, fast=FAST)

    def model(moves=0.0, radius=1.2, gain=0.9, blur=0.6, thin=0.3):
        moved = points + along * np.asarray(moves)[..., None]
        return (gain * naive.coverage(moved, ink.shape, radius * (1 - thin * FAST), blur, 3)).ravel()

    h, n = 1e-4, len(points)
    jacobian = np.stack([(model(h * row) - model(-h * row)) / (2 * h) for row in np.eye(n)], axis=1)
    rest = ink.ravel() - model()
    wanted = jacobian.T @ jacobian
    found = np.zeros((n, n))
    for j in range(n):
        found += np.diag(bands[j, : n - j], -j) + (np.diag(bands[j, : n - j], j) if j else 0)
    np.testing.assert_allclose(found, wanted, atol=0.02 * wanted.max())
    np.testing.assert_allclose(right, jacobian.T @ rest, atol=0.02 * np.abs(jacobian.T @ rest).max())
    steps = {"radius": 1.2, "gain": 1.0, "blur": 1.0, "thin": 1.0}  # the radius counts as a factor
    values = {"radius": 1.2, "gain": 0.9, "blur": 0.6, "thin": 0.3}
    of_pen = np.stack([(model(**{k: values[k] + h}) - model(**{k: values[k] - h})) / (2 * h) * steps[k] for k in steps], axis=1)
    np.testing.assert_allclose(np.triu(by_pen[:, :4]), np.triu(of_pen.T @ of_pen), atol=0.02 * (of_pen.T @ of_pen).max())
    np.testing.assert_allclose(by_pen[:, 4], of_pen.T @ rest, atol=0.02 * np.abs(of_pen.T @ rest).max())
    # That the radius at the nearest point changes as a knot moves is left out.
    np.testing.assert_allclose(border, of_pen.T @ jacobian, atol=0.05 * np.abs(of_pen.T @ jacobian).max())


def test_knots_far_closer_than_pixels_stay_solvable():
    points = np.column_stack([2 + 0.05 * np.arange(200), 9 + 3 * np.sin(np.arange(200) / 7)])
    along = np.tile([0.0, 1.0], (200, 1))
    bands = equations(np.random.default_rng(0).random((18, 16)), points, along)[1]
    dense = sum(np.diag(bands[j, : 200 - j], -j) + (np.diag(bands[j, : 200 - j], j) if j else 0) for j in range(BAND + 1))
    assert np.linalg.eigvalsh(dense).min() > -1e-9


def test_stray_ink_pulls_towards_itself():
    points = np.column_stack([np.arange(12.0), np.full(12, 20.0)])
    along = np.tile([0.0, 1.0], (12, 1))
    ink = np.zeros((24, 12))
    ink[8, 6] = 1.0
    without, pulled = equations(ink, points, along)[2], equations(ink, points, along, far=30.0)[2]
    assert np.argmin(pulled - without) == 6
    assert (pulled - without)[6] < 0


def test_inverse_diagonal_is_that_of_the_dense_inverse():
    rng = np.random.default_rng(3)
    lower = np.tril(rng.normal(size=(20, 20)))
    lower[np.subtract.outer(np.arange(20), np.arange(20)) > BAND] = 0
    np.fill_diagonal(lower, rng.uniform(1, 2, 20))
    factor = np.zeros((BAND + 1, 20))
    for j in range(BAND + 1):
        factor[j, : 20 - j] = np.diag(lower, -j)
    out = np.empty(20)
    inverse_diagonal(factor, out)
    np.testing.assert_allclose(out, np.diag(np.linalg.inv(lower @ lower.T)), rtol=1e-9)


def test_demodulation_is_that_of_the_naive_sum():
    rng = np.random.default_rng(0)
    plane = rng.random((60, 70)).astype(np.float32)
    gradient, out = np.array([[0.13, 0.01], [-0.02, 0.12]]), np.empty((2, 4))
    for x, y in ((35, 30), (3, 58)):
        demodulate(plane, x, y, 0.3, -0.2, gradient, 5.0, out)
        for axis, place in ((0, 0.3), (1, -0.2)):
            np.testing.assert_allclose(out[axis, :2], naive.demodulate(plane, x, y, place, gradient[axis], 5.0), rtol=1e-6)


def test_spline_is_that_of_basis_functions_and_goes_on_straight():
    rng = np.random.default_rng(1)
    coefficients = rng.normal(size=(7, 6, 2))
    points = np.array([[0.0, 0.0], [13.2, 25.1], [39.9, 2.0], [-5.0, 3.0], [44.0, 33.0]])
    values, gradients = np.empty((5, 2)), np.empty((5, 2, 2))
    spline_values(points, coefficients, (0.0, 0.0), 10.0, values, gradients)
    for k in range(3):
        np.testing.assert_allclose(values[k], naive.spline_value(coefficients, (0.0, 0.0), 10.0, points[k]), atol=1e-9)
    ends = np.array([[-0.0, 3.0]])
    at_end, slope = np.empty((1, 2)), np.empty((1, 2, 2))
    spline_values(ends, coefficients, (0.0, 0.0), 10.0, at_end, slope)
    np.testing.assert_allclose(values[3], at_end[0] + slope[0, :, 0] * -5.0, atol=1e-9)


def bent(points):
    x, y = points.T
    return np.column_stack([0.13 * x + 0.004 * y + 0.3 * np.sin(y / 90), 0.128 * y - 0.003 * x + 0.2 * np.cos(x / 110)])


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(2)
    points = rng.uniform(0, [500, 400], (6000, 2))
    places = bent(points)
    places[::50] += rng.uniform(-3, 3, (120, 2))  # outliers
    return fit_warp(points, places, (400, 500))


def test_a_fitted_warp_follows_places_and_ignores_outliers(fitted):
    points = np.random.default_rng(3).uniform(10, [490, 390], (500, 2))
    assert np.abs(fitted.inverse(points) - bent(points)).max() < 0.004
    np.testing.assert_allclose(fitted.forward(fitted.inverse(points)), points, atol=1e-6)
    moved = fitted.moved((5.0, -10.0))
    np.testing.assert_allclose(moved.inverse(points) - fitted.inverse(points), np.tile([5.0, -10.0], (500, 1)))
    np.testing.assert_allclose(moved.forward(moved.inverse(points)), points, atol=1e-6)


def test_a_stroke_is_fitted_far_below_a_pixel():
    t = np.arange(600)
    y = 60 + 10 * np.sin(t / 60) - 45 * np.exp(-(((t - 300) / 6.0) ** 2)) + 12 * np.exp(-(((t - 316) / 5.0) ** 2))
    x = 5 + 0.394 * t
    plane = np.zeros((90, 250), np.uint8)
    stroke_trace(np.column_stack([x, y]), 2.4, plane)
    levels = np.arange(0.0, 96.0, 8.0)
    curves = np.stack([np.column_stack([x, np.full_like(x, level)]) for level in levels])
    means = (plane * np.arange(90.0)[:, None]).sum(axis=0) / np.maximum(plane.sum(axis=0), 1)
    fit = fit_stroke(StrokeProblem((plane / np.float32(255)), curves, 8.0, 1.0), np.interp(x, np.arange(5, 241), means[5:241]))
    assert np.sqrt(np.mean((fit.heights - y) ** 2)) < 0.2
    assert fit.pen.width == pytest.approx(1.2, abs=0.03)
    assert fit.pen.ink == pytest.approx(1.0, abs=0.02)
    assert np.all(fit.sd > 0)


def photo_of(layout, index=0, **options):
    return fastecg.render(read_record(sample_records()[index].path), layout=layout, **options)


def seen_error(photo, warp):
    """Error of a warp at the traces, px, apart from whole multiples of 5 mm."""
    points = np.concatenate([trace.points_mm for trace in photo.page.traces])
    pixels = photo.warp.forward(points)
    inside = photo.truth.is_visible(pixels)
    error = warp.inverse(pixels[inside]) + photo.page.grid.area_mm[:2] - points[inside]
    return (error - 5 * np.rint(np.median(error, axis=0) / 5)) * photo.warp.scale


@pytest.mark.parametrize("options", [{"style": "philips"}, {"style": "dotphoto"}, {"recipe": "photo", "severity": 0.5, "seed": 8}])
def test_the_grid_tells_the_geometry(options):
    photo = photo_of("2x1", dpi=200, **options)
    layers = true_layers(photo)
    warp, _ = find_grid(layers["grid"] / np.float32(255), Fives(layers["major"] / np.float32(255)))
    error = seen_error(photo, warp)
    assert np.sqrt(np.mean(error**2, axis=0)).max() < 0.05
    assert np.abs(error.mean(axis=0)).max() < 0.02  # half a pixel off would be 0.5


def test_no_grid_is_refused():
    noise = np.random.default_rng(0).random((600, 800)).astype(np.float32) * 0.05
    with pytest.raises(fastecg.ImageError, match="no millimetre grid"):
        find_grid(noise, Fives(noise))


def snr(photo, record):
    wanted = fastecg.Record(np.where(drawn_samples(photo), photo.record.signal, np.nan), photo.record.fs, photo.record.leads)
    return np.mean(raw_snrs(wanted, record))


@pytest.fixture(scope="module")
def clean():
    photo = photo_of("1x1", style="philips", dpi=200)
    return photo, true_layers(photo)


def test_modes_on_a_clean_page(clean):
    photo, layers = clean
    found = {mode: snr(photo, decode(layers, true_segments(photo), mode=mode).record) for mode in ("centroid", "softargmax", "stroke_fit")}
    assert found["stroke_fit"] >= 36
    assert found["centroid"] < found["softargmax"] < found["stroke_fit"]


def test_ink_as_printed_on_a_photo():
    photo = photo_of("2x1", recipe="photo", severity=0.2, seed=1, dpi=200, style="philips")
    read = decode(true_layers(photo, None), true_segments(photo))
    assert snr(photo, read.record) >= 30
    told = decode(true_layers(photo), segments_of(photo.page, photo.record.fs), warp=photo.warp)
    assert snr(photo, told.record) >= 36


def test_what_is_not_in_the_picture_is_not_read(clean):
    photo, layers = clean
    cut = {name: plane.copy() for name, plane in layers.items()}
    cut["trace"][..., 900:] = 0
    read = decode(cut, true_segments(photo))
    x = photo.truth.traces[0].points[:, 0]
    assert np.isnan(read.record.signal[0, x > 910]).all()
    assert any("not read" in flag for flag in read.flags)
    assert np.isfinite(read.record.signal[0, x < 890]).all()


def test_a_lead_without_ink_is_flagged():
    photo = photo_of("2x1", style="philips", dpi=120)
    layers = true_layers(photo)
    layers["trace"][1] = 0
    read = decode(layers, true_segments(photo), mode="centroid")
    assert read.record.leads == (photo.page.traces[0].lead,)
    assert read.flags == (f"leads of which no ink was found: {photo.page.traces[1].lead}",)


def test_what_was_not_read_is_one_flag(clean):
    photo, layers = clean
    some = layers["trace"].copy()
    some[0][:, : some.shape[2] // 4] = 0
    read = decode({**layers, "trace": some}, true_segments(photo), mode="stroke_fit")
    (flag,) = [flag for flag in read.flags if "not read" in flag]
    lost = int(np.isnan(read.record.lead(photo.page.traces[0].lead)[: photo.page.traces[0].stop]).sum())
    assert f"{photo.page.traces[0].lead} {lost} of " in flag


def test_wrong_questions_are_refused(clean):
    photo, layers = clean
    with pytest.raises(fastecg.LayoutError, match="unknown mode 'guess'"):
        decode(layers, true_segments(photo), mode="guess")
    with pytest.raises(fastecg.LayoutError, match="1 planes of traces for 0 segments"):
        decode({**layers, "trace": layers["trace"][:1]}, PageSegments((), 25.0, 500.0))
    with pytest.raises(fastecg.ImageError, match="no ink"):
        decode({**layers, "trace": np.zeros_like(layers["trace"])}, true_segments(photo))
