"""The pen's ink as a picture shows it, and the second fit on it."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter
from snr import raw_snrs
from test_digitize_page import drawn, page, true_view_layers

import fastecg
from fastecg.digitizing import reading
from fastecg.digitizing.analysis import analyse_layers
from fastecg.digitizing.coarse import ZoomedWarp
from fastecg.digitizing.ink import picture_ink
from fastecg.digitizing.reading import read_analysed, read_signals
from fastecg.digitizing.refine import straighten_hooks
from fastecg.digitizing.segmenter import OwnScale
from fastecg.digitizing.settings import Settings
from fastecg.kernels.unmix import unmix


def shown(photo):
    """True layers with the picture they were seen in."""
    layers = true_view_layers(photo)
    assert layers.zoom == pytest.approx(1.0)
    return replace(layers, picture=photo.image)


def naive_unmix(picture, paper, cell, weights, offset, grid, major, by_grid, limits):
    height, width = grid.shape
    out = np.empty((height, width))

    def between(at, count):
        at = min(max((at + 0.5) / cell - 0.5, 0.0), count - 1.0)
        below = min(int(at), max(count - 2, 0))
        return below, min(below + 1, count - 1), at - below

    for r in range(height):
        for c in range(width):
            i, k, down = between(r, paper.shape[0])
            j, m, across = between(c, paper.shape[1])
            inverse = []
            for column in (j, m):
                level = (1 - down) * paper[i, column].astype(float) + down * paper[k, column]
                inverse.append(1 / np.maximum(level, 1.0))
            look = picture[r, c] * ((1 - across) * inverse[0] + across * inverse[1])
            ground = by_grid[0] * grid[r, c] + by_grid[1] * major[r, c]
            out[r, c] = np.clip((look @ weights - offset - ground) / max(1 - ground, 0.2), *limits)
    return out


def test_unmixing_equals_its_formula():
    rng = np.random.default_rng(3)
    for shape in ((9, 13), (4, 4), (17, 6)):
        picture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        paper = rng.uniform(80, 255, (max(shape[0] // 4, 1), max(shape[1] // 4, 1), 3)).astype(np.float32)
        grid, major = (rng.random(shape).astype(np.float32) for _ in range(2))
        weights, by_grid, limits = rng.normal(0, 1, 3), rng.uniform(-0.2, 0.5, 2), np.array([-0.3, 1.3])
        out = np.empty(shape, dtype=np.float32)
        unmix(picture, paper, 4, weights, 0.4, grid, major, by_grid, limits, out)
        expected = naive_unmix(picture, paper, 4, weights, 0.4, grid, major, by_grid, limits)
        np.testing.assert_allclose(out, expected, atol=2e-5)


@pytest.mark.parametrize("style", ["muse", "philips", "schiller", "photocopy"])
def test_ink_is_where_the_trace_is_printed(style):
    photo = page("3x4+1", style, "clean", seed=4)
    layers = shown(photo)
    ink = picture_ink(layers)
    assert ink is not None
    assert ink.noise < 0.05
    assert np.median(ink.coverage[layers["trace"] > 0.95]) == pytest.approx(1.0, abs=0.1)
    marked = np.maximum.reduce([layers[name] for name in ("trace", "writing", "pulse")]) > 0
    bare = ~marked & ~np.roll(marked, 6, axis=0) & ~np.roll(marked, -6, axis=0) & ~np.roll(marked, 6, axis=1) & ~np.roll(marked, -6, axis=1)
    assert abs(float(ink.coverage[bare].mean())) < 0.02


def test_nothing_tells_the_ink_where_there_is_none():
    layers = true_view_layers(page())
    assert picture_ink(layers) is None  # no picture
    grey = np.full((*layers.maps.shape[1:], 3), 128, dtype=np.uint8)
    assert picture_ink(replace(layers, picture=grey)) is None  # ink of the paper's colour


def test_what_the_network_draws_half_a_pixel_off_is_set_right():
    photo = page("3x4+1", "muse", "clean", seed=6)
    layers = shown(photo)
    rng = np.random.default_rng(2)
    height, width = layers["trace"].shape
    aside, down = (gaussian_filter(rng.normal(0, 1, (height, width)), 6) for _ in range(2))
    rows, columns = np.indices((height, width), dtype=np.float64)
    maps = layers.maps.copy()
    moved = [rows + 0.4 * down / down.std(), columns + 0.4 * aside / aside.std()]
    maps[0] = map_coordinates(layers["trace"], moved, order=1, mode="nearest")
    coarse, fine = (
        np.mean(
            raw_snrs(
                drawn(photo), read_analysed(analyse_layers(replace(layers, maps=maps, picture=picture), None), Settings()).decoded.record
            )
        )
        for picture in (None, photo.image)
    )
    assert fine > coarse + 4
    assert fine > 25


def test_hooks_at_the_ends_are_straightened_and_steep_waves_kept():
    t = np.arange(200)
    y = np.sin(t / 15)
    hooked = y.copy()
    hooked[:2] += 3.0
    hooked[-1] -= 4.0
    straighten_hooks(hooked, 500.0)
    assert np.abs(hooked - y).max() < 0.2
    steep = np.where((t > 90) & (t < 110), 8.0 - 0.8 * np.abs(t - 100), 0.0)
    kept = steep.copy()
    straighten_hooks(kept, 500.0)
    np.testing.assert_array_equal(kept, steep)
    broken = y.copy()
    broken[:30] = np.nan
    broken[30] += 5.0
    straighten_hooks(broken, 500.0)
    assert np.isnan(broken[:30]).all()
    assert abs(broken[30] - y[31]) < 0.2


def test_a_complex_at_the_end_of_a_slowly_sampled_trace_is_no_hook():
    """At 100 Hz, the four samples that a hook has at 500 Hz are a QRS complex, which was flattened."""
    y = np.zeros(250)
    y[-4:] = 2.0, 12.0, -5.0, 0.0
    kept = y.copy()
    straighten_hooks(kept, 100.0)
    np.testing.assert_array_equal(kept[:-1], y[:-1])


def test_letters_over_a_wave_do_not_cut_it():
    photo = page("3x4+1", "muse", "clean", seed=4)
    layers = shown(photo)
    trace = max(photo.truth.traces, key=lambda trace: float(np.nanmax(photo.record.lead(trace.lead)[trace.start : trace.stop])))
    tip = int(np.nanargmin(trace.points[:, 1]))
    x, y = trace.points[tip]
    foot = float(np.nanmedian(trace.points[:, 1]))
    assert foot - y > 40  # px: tall enough to be cut
    maps = layers.maps.copy()
    letters = slice(int((y + foot) / 2) - 10, int((y + foot) / 2) + 10), slice(int(x) - 9, int(x) + 10)  # 2.5 mm, as names are
    maps[0][letters] = 0.0
    cut = replace(layers, maps=maps)
    cut["writing"][letters] = 1.0
    assert not cut["trace"][letters].any()
    reading = read_analysed(analyse_layers(cut, None), Settings(fs=photo.record.fs))
    signal = photo.record.lead(trace.lead)[trace.start : trace.stop]
    found = reading.decoded.record.lead(trace.lead)[trace.start : trace.stop]
    assert found[tip - 3 : tip + 4].max() == pytest.approx(signal[tip], abs=0.1)


def test_a_picture_is_fitted_at_its_own_scale(monkeypatch):
    """At 150 dpi the network sees it 1.3 times as large: neighbouring pixels are then shades of one, and strokes look blurred."""
    photo = fastecg.render(fastecg.simulate(seed=3), recipe="clean", layout="3x4+1", style="muse", seed=3, dpi=150)
    own = read_signals(photo.image)
    monkeypatch.setattr(reading, "_at_own_scale", lambda page: None)
    enlarged = read_signals(photo.image)
    means = [np.mean(raw_snrs(drawn(photo), found.decoded.record)) for found in (own, enlarged)]
    assert means[0] > means[1] + 3.0


def test_ink_and_map_at_another_scale():
    """What is at a page point in the picture that the network saw is there in the picture as it was."""
    photo = page()
    layers = shown(photo)
    halved = np.asarray(Image.fromarray(photo.image).reduce(2))
    ink, small = picture_ink(layers), picture_ink(layers, OwnScale(replace(layers, zoom=2.0, original=halved)))
    assert small.coverage.shape == halved.shape[:2] == small.hidden.shape
    warp = ZoomedWarp(photo.warp, (2.0, 2.0))
    points = np.random.default_rng(0).uniform(20, 150, (4000, 2))
    np.testing.assert_allclose(warp.inverse(warp.forward(points)), points, atol=1e-6)
    assert warp.scale == photo.warp.scale / 2
    point = np.array([[30.0, 40.0]])
    uneven = ZoomedWarp(photo.warp, (2.0, 1.9)).forward(point)
    np.testing.assert_allclose(uneven, (photo.warp.forward(point) + 0.5) / (2.0, 1.9) - 0.5)
    # Two pixels beside each other are one of the half; between its pixels both are interpolated alike.
    doubled = uniform_filter(ink.coverage, 2, origin=-1)[::2, ::2]
    seen, wanted = (map_coordinates(plane, warp.forward(points).T[::-1], order=1) for plane in (small.coverage, doubled))
    assert np.abs(seen - wanted).mean() < 0.02
    assert np.corrcoef(seen, wanted)[0, 1] > 0.97
