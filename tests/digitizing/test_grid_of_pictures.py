"""How stiff a map from a picture's grid is, grids of which only the 5 mm lines are left, and where pulses have 0 mV."""

from types import SimpleNamespace

import numpy as np
import pytest
from flat_page import FlatPage

from fastecg.digitizing.phase import Fives, find_grid, follow_fives
from fastecg.digitizing.pulses import Pulse
from fastecg.digitizing.reading import _at_usual_resolution
from fastecg.digitizing.warp_fit import residuals_mm, smoothest_warp, straight_warp
from fastecg.errors import ImageError

SIZE = (700, 900)


def places(bend, rng, noise=0.01):
    """Nodes (n, 2) px, their true places (n, 2) mm, and the same with noise."""
    points = np.stack(np.meshgrid(np.arange(0, SIZE[1], 12.0), np.arange(0, SIZE[0], 12.0)), axis=-1).reshape(-1, 2)
    true = points / 8.0 + bend * np.sin(points[:, ::-1] / 60.0)
    return points, true, true + rng.normal(0, noise, true.shape)


@pytest.mark.parametrize("bend", [0.0, 0.1])
def test_a_flat_sheet_averages_its_noise_and_a_bent_one_is_followed(bend):
    points, true, found = places(bend, np.random.default_rng(4))
    warp = smoothest_warp(points, found, SIZE)
    error = np.sqrt(((warp.inverse(points) - true) ** 2).mean())
    assert error < (0.001 if bend == 0 else 0.005)
    np.testing.assert_allclose(warp.inverse(warp.forward(true[::50])), true[::50], atol=1e-6)
    assert residuals_mm(warp, points, found)[0] < 0.02


def test_doubtful_places_are_left_out():
    rng = np.random.default_rng(5)
    points, true, found = places(0.0, rng)
    wrong = rng.random(len(found)) < 0.12
    found[wrong] += rng.choice([-5.0, 5.0, 2.0], (int(wrong.sum()), 2))
    warp = smoothest_warp(points, found, SIZE, doubtful=True)
    assert np.abs(warp.inverse(points) - true).max() < 0.01


def lines(period_px, phase_px, tilt):
    """Coverage of a grid's lines every `period_px`, turned by a small angle."""
    y, x = np.indices(SIZE, dtype=np.float64)
    u, v = x + tilt * y - phase_px, y - tilt * x - phase_px
    near = [np.abs((along + period_px / 2) % period_px - period_px / 2) for along in (u, v)]
    return np.clip(1.5 - np.minimum(*near), 0.0, 1.0).astype(np.float32)


def test_where_only_5_mm_lines_are_left_they_tell_the_grid():
    rng = np.random.default_rng(6)
    major = lines(40.0, 13.0, 0.01)
    patches = np.kron(rng.random((14, 18)) > 0.35, np.ones((50, 50)))[: SIZE[0], : SIZE[1]]
    crumbs = (0.6 * (rng.random(SIZE) > 0.995)).astype(np.float32)
    grid, major = np.maximum(major * patches, crumbs).astype(np.float32), (major * patches).astype(np.float32)
    warp, _ = find_grid(grid, Fives(major))
    assert warp.scale == pytest.approx(8.0, rel=0.002)
    y, x = np.mgrid[60:640:40, 60:840:40].astype(np.float64)
    found = warp.inverse(np.stack([x, y], axis=-1).reshape(-1, 2))
    true = np.stack([x + 0.01 * y - 13.0, y - 0.01 * x - 13.0], axis=-1).reshape(-1, 2) / 8.0
    apart = (found - true + 2.5) % 5.0 - 2.5
    assert np.abs(apart - np.median(apart, axis=0)).max() < 0.25  # a twentieth of the lines' distance, where a third of them is lost
    assert np.abs(np.median(apart, axis=0)).max() < 0.05


def test_0_mv_is_a_gain_below_a_pulses_plateau():
    astray = Pulse(50.6, (10.5,), 0.0, 5.0, 5.0, bare=True)
    assert astray.zero_mm(10.0) == pytest.approx(50.1), "its feet run into a trace"
    assert Pulse(50.0, (5.1,), 0.0, 5.0, 5.0).zero_mm(10.0) == 50.0, "another gain than the page's"


def test_false_5_mm_lines_bend_no_grid():
    """A network that takes other lines for those of 5 mm in parts of a page must not move its millimetres there."""
    grid = lines(8.0, 3.0, 0.004)
    major = np.zeros(SIZE, dtype=np.float32)
    for k in range(0, SIZE[1], 150):  # strips that count from another line each
        major[:, k : k + 150] = lines(40.0, 3.0 + 8.0 * (k // 150 % 5), 0.004)[:, k : k + 150]
    warp, lattice = find_grid(grid, Fives(major))
    y, x = np.mgrid[60:640:40, 60:840:40].astype(np.float64)
    pixels = np.stack([x, y], axis=-1).reshape(-1, 2)
    found = warp.inverse(pixels)
    terms = np.column_stack([pixels, np.ones(len(pixels))])
    left = found - terms @ np.linalg.lstsq(terms, found, rcond=None)[0]
    assert lattice.mended == 0
    assert np.abs(left).max() < 0.1
    assert warp.scale == pytest.approx(8.0, rel=0.002)


def test_lines_that_hardly_cross_are_no_grid():
    y, x = np.indices(SIZE, dtype=np.float64)
    plane = np.zeros(SIZE, dtype=np.float32)
    for slope in (0.0, 0.25):
        plane = np.maximum(plane, (np.abs((x + slope * y + 20) % 40 - 20) < 1.5).astype(np.float32))
    with pytest.raises(ImageError, match="cross at right angles"):
        follow_fives(plane)


def rounded(turned=0.0, bent_px=0.0):
    """Nodes (n, 2) px and their places (n, 2) mm in a grid whose lines were put on whole pixels, 8 px a mm, and the true places."""
    points = np.stack(np.meshgrid(np.arange(0, SIZE[1], 12.0), np.arange(0, SIZE[0], 12.0)), axis=-1).reshape(-1, 2)
    true = points + np.stack([turned * points[:, 1], -turned * points[:, 0]], axis=1)
    true = (true + bent_px * np.sin(points[:, ::-1] / 200.0)) / 8.0
    to_and_fro = 0.4 * np.sin(points / np.array([9.0, 11.0])) / 8.0
    return points, true + to_and_fro, true


def test_lines_on_whole_pixels_do_not_bend_the_page():
    points, found, true = rounded()
    straight = straight_warp(points, found, SIZE, 1.0)
    assert straight is not None
    assert np.abs(straight.inverse(points) - true).max() < 0.06 / 8.0
    assert np.abs(smoothest_warp(points, found, SIZE).inverse(points) - true).max() > 0.2 / 8.0, "which a soft map follows"


def test_lines_in_a_part_of_a_picture_give_a_straight_map_of_all_of_it():
    """Where every lead has a grid of its own, lines are followed in one of them only."""
    points, found, true = rounded()
    seen = (points < 0.3 * np.array(SIZE[::-1])).all(axis=1)
    straight = straight_warp(points[seen], found[seen], SIZE, 1.0)
    assert straight is not None
    off = straight.inverse(points) - true
    assert np.abs(off).max() < 0.7 / 8.0
    assert np.ptp(off[:, 0].reshape(-1, len(np.unique(points[:, 0]))), axis=0).max() < 0.01, "upright lines are upright everywhere"
    few = (points < 0.1 * np.array(SIZE[::-1])).all(axis=1)
    assert straight_warp(points[few], found[few], SIZE, 1.0) is None, "so few lines tell nothing about the rest"


@pytest.mark.parametrize(("turned", "bent_px"), [(0.001, 0.0), (0.0, 1.5)])
def test_a_page_that_was_turned_or_bent_since_is_not_straight(turned, bent_px):
    points, found, _ = rounded(turned, bent_px)
    assert straight_warp(points, found, SIZE, 1.0) is None


@pytest.mark.parametrize(("dpi", "tilt", "level"), [(199.9, 2e-4, True), (200.1, -4e-4, True), (199.9, 2e-3, False), (188.0, 2e-4, False)])
def test_pages_of_a_usual_resolution_are_level_unless_they_are_clearly_not(dpi, tilt, level):
    analysis = SimpleNamespace(warp=FlatPage(200.0 / 25.4), layers=SimpleNamespace(zoom=1.0), tilt=0.5 * tilt)
    stretch, fall = _at_usual_resolution(analysis, dpi / 200.0, 0.5 * tilt)
    assert (analysis.tilt + fall == 0.0) == level
    assert (stretch == pytest.approx(1.0)) == (dpi != 188.0)
