"""The truth of flat pages, checked by looking at the picture alone: where the ink is, against where the truth says it is."""

from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest

import fastecg
from fastecg.layouts import MachineSettings, layout_for
from fastecg.layouts.place import place
from fastecg.mesh import Warp
from fastecg.photo import PixelBox, Truth, _fit_homography
from fastecg.sheet import print_page, sheet_shape, trace_plane
from fastecg.styles import STYLES
from fastecg.styles.style import GridInk, Pen, Style
from fastecg.writers import save_photo

WHITE = (255, 255, 255)
NO_GRID = GridInk("line", WHITE, 0.0, WHITE, 0.0)
DPI = (72, 100, 150, 200, 300, 600)


#: A pen that writes more unevenly than that of any style.
UNSTEADY = Pen(thin=0.35, pale=0.4, wander=0.12, mottle=0.3)


def plain_page(dpi, layout="3x4+1", pen=STYLES["muse"].pen):
    """Black traces of a simulated record on white paper, nothing else: darkness (height, width) 0..1, the truth, the pen in px.

    The pen is a whole number of pixels, near 0.3 mm: only then is the centroid over pixels that of the ink itself, wherever it lies
    between them.
    """
    pen_mm = max(1, round(0.3 * dpi / 25.4)) * 25.4 / dpi
    style: Style = replace(STYLES["muse"], paper=WHITE, margin=WHITE, grid=NO_GRID, ink=(0, 0, 0), pen_mm=pen_mm, pen=pen)
    record = fastecg.simulate("sinus", seed=4, noise=0.0)
    page = place(layout_for(layout, record.leads), record, style, MachineSettings(), None)
    page = replace(page, strokes=(), texts=())
    scale = dpi / 25.4
    sheet = print_page(page, style, scale)
    truth = Truth(page, style, Warp.flat(page.size_mm, scale, sheet_shape(page, scale)))
    return 1.0 - sheet.pixels[..., 0] / 255.0, truth, pen_mm * scale


def flat_errors(darkness, points, pen_px):
    """Vertical centroid of the ink minus the truth in columns where the trace is flat and alone."""
    half = int(np.ceil(pen_px / 2 + 2))
    columns = np.arange(int(points[0, 0]) + 8, int(points[-1, 0]) - 8)
    y = np.interp(columns, *points.T)
    near = np.interp(columns[:, None] + np.linspace(-half - 2, half + 2, 9), *points.T)
    flat = np.ptp(near, axis=1) < 0.25
    for column, true in zip(columns[flat], y[flat], strict=True):
        row = round(true)
        window = darkness[row - half : row + half + 1, column]
        if window.size == 2 * half + 1 and window[0] == window[-1] == 0 and window.sum() > 0.2:
            yield (window * np.arange(row - half, row + half + 1)).sum() / window.sum() - true


def steep_errors(darkness, points, pen_px):
    """Horizontal centroid of the ink minus the truth in rows that one long, straight, steep stretch crosses alone."""
    slope = np.diff(points[:, 1]) / np.diff(points[:, 0])
    reach = pen_px / 2 + 1.5
    for first in np.flatnonzero(np.abs(slope) > 4):
        x0, y0 = points[first]
        rows = np.sort([y0, points[first + 1, 1]])
        for row in range(int(np.ceil(rows[0])), int(np.floor(rows[1])) + 1):
            true = x0 + (row - y0) / slope[first]
            half = int(np.ceil(pen_px / 2 * np.hypot(1, 1 / slope[first]) + 1.5))
            window = darkness[row, round(true) - half : round(true) + half + 1]
            within = points[0, 0] + half < true < points[-1, 0] - half  # beyond begins another lead, with ink of its own
            lone = within and window[0] == window[-1] == 0 and window.sum() > 0.2 and is_alone(points, true, row, reach, 2 * half)
            if lone and is_straight(points, first, row, reach):
                yield (window * np.arange(round(true) - half, round(true) + half + 1)).sum() / window.sum() - true


def is_alone(points, x, row, reach, distance):
    """Whether the trace comes near this row nowhere else within `distance` of x, as the other flank of a QRS would."""
    beside = points[np.abs(points[:, 0] - x) < distance]
    crossings = np.count_nonzero(np.diff(beside[:, 1] > row))
    runs = np.count_nonzero(np.diff(np.r_[False, np.abs(beside[:, 1] - row) < reach, False].astype(int)) == 1)
    return crossings == 1 and runs <= 1


def is_straight(points, first, row, reach):
    """Whether the trace runs straight from `reach` px above to `reach` px below a row: a bend has more ink on its outer side."""
    start, stop = first, first + 1
    while start > 0 and abs(points[start, 1] - row) < reach:
        start -= 1
    while stop < len(points) - 1 and abs(points[stop, 1] - row) < reach:
        stop += 1
    stretch = points[start : stop + 1]
    way = np.diff(stretch[:, 1])
    if not ((way > 0).all() or (way < 0).all()) or min(abs(stretch[[0, -1], 1] - row)) < reach:
        return False
    chord = np.interp(stretch[:, 1], *stretch[[0, -1]][np.argsort(stretch[[0, -1], 1])].T[::-1])
    return np.abs(chord - stretch[:, 0]).max() < 0.08


def all_errors(measure, dpi, **page):
    darkness, truth, pen_px = plain_page(dpi, **page)
    return np.array([error for trace in truth.traces for error in measure(darkness, trace.points, pen_px)])


@pytest.mark.parametrize("dpi", DPI)
def test_flat_parts_lie_where_the_truth_says(dpi):
    errors = all_errors(flat_errors, dpi)
    assert len(errors) > 300
    assert np.sqrt(np.mean(errors**2)) < 0.05
    assert abs(errors.mean()) < 0.01  # half a pixel would show here


@pytest.mark.parametrize("dpi", DPI)
def test_steep_parts_lie_where_the_truth_says(dpi):
    errors = all_errors(steep_errors, dpi)
    assert len(errors) > 30
    assert np.sqrt(np.mean(errors**2)) < 0.05
    assert abs(errors.mean()) < 0.02


@pytest.mark.parametrize("dpi", DPI[2:])
def test_ink_of_an_unsteady_pen_lies_where_the_truth_says(dpi):
    """Within the same bounds, from where its width, which is no whole number of pixels now, does not move the centroid as far itself."""
    flat, steep = (all_errors(measure, dpi, pen=UNSTEADY) for measure in (flat_errors, steep_errors))
    assert np.sqrt(np.mean(flat**2)) < 0.05
    assert abs(flat.mean()) < 0.01
    assert np.sqrt(np.mean(steep**2)) < 0.1
    assert abs(steep.mean()) < 0.02


@pytest.mark.parametrize("dpi", DPI)
def test_millimetres_and_pixels_agree_on_half_a_pixel(dpi):
    _, truth, _ = plain_page(dpi, layout="1x1")
    corners = truth.to_image(np.array([[0.0, 0.0], [25.4, 50.8]]))
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [dpi - 0.5, 2 * dpi - 0.5]], atol=1e-9)


def test_masks_and_layers_are_the_ink():
    darkness, truth, _ = plain_page(200, pen=replace(UNSTEADY, pale=0.0, mottle=0.0))
    mask, layers = truth.mask(), truth.layers()
    assert set(np.unique(mask)) == set(range(13))
    assert ((mask > 0) == (darkness > 0.5)).mean() > 0.9999
    for bit in range(12):
        assert (mask == bit + 1)[(layers >> bit & 1) == 0].sum() == 0
    assert (layers >> 15).all()


def test_other_leads_have_a_class_and_a_layer(tmp_path):
    """Class 13, and bit 16 of wider layers; pages of the twelve keep their 16 bits."""
    record = fastecg.Record(np.sin(np.arange(2000) / np.array([[7.0], [11.0]])), 200, ["II", "MCL1"])
    photo = fastecg.render(record, layout="1x1", dpi=100)
    shown = fastecg.render(record, layout="2x1-wide", dpi=100)
    assert photo.truth.layers().dtype == np.uint16
    mask, layers = shown.truth.mask(), shown.truth.layers()
    assert layers.dtype == np.uint32
    assert set(np.unique(mask)) == {0, 2, 13}
    assert ((layers >> 16 & 1)[mask == 13]).all()
    assert ((layers >> 1 & 1)[mask == 2]).all()
    save_photo(shown, tmp_path / "a.png", truth=("layers",))
    low, middle, high = iio.imread(tmp_path / "a.layers.png").astype(np.uint32).transpose(2, 0, 1)
    np.testing.assert_array_equal(low | middle << 8 | high << 16, layers)


def test_a_page_without_traces_has_a_truth():
    _, truth, _ = plain_page(100)
    bare = replace(truth, page=replace(truth.page, traces=(), boxes=()))
    assert bare.traces == bare.boxes == ()
    assert not bare.mask().any()
    assert (bare.layers() >> 15).all()


def test_masks_are_as_wide_where_the_ink_is_pale():
    darkness, truth, _ = plain_page(200, pen=UNSTEADY)
    _, even, _ = plain_page(200, pen=replace(UNSTEADY, pale=0.0, mottle=0.0))
    np.testing.assert_array_equal(truth.mask(), even.mask())
    assert truth.mask()[darkness > 0.5].all()
    assert darkness[truth.mask() > 0].min() > 0.5 * (1 - UNSTEADY.pale) * (1 - UNSTEADY.mottle) - 0.01


def test_masks_have_no_gaps_where_the_pen_is_thinnest():
    """A pen of one pixel whose width varies by four fifths to both sides."""
    _, truth, _ = plain_page(40, layout="1x1", pen=replace(UNSTEADY, wander=0.8))
    (trace,) = truth.traces
    first, last = np.ceil(trace.points[0, 0]).astype(int), np.floor(trace.points[-1, 0]).astype(int)
    assert truth.mask()[:, first : last + 1].any(axis=0).all()


def test_boxes_hold_their_ink():
    _, truth, _ = plain_page(200)
    boxes = [box for box in truth.boxes if box.kind == "lead"]
    assert len(boxes) == 13
    for box in boxes:
        points = truth.traces[box.trace].points
        assert (points >= box.corners.min(axis=0)).all()
        assert (points <= box.corners.max(axis=0)).all()


def test_homography_is_the_scale():
    _, truth, _ = plain_page(150)
    scale = 150 / 25.4
    np.testing.assert_allclose(truth.homography(), [[scale, 0, -0.5], [0, scale, -0.5], [0, 0, 1]], atol=1e-8)


def test_what_lies_on_a_pixel_is_visible():
    _, truth, _ = plain_page(DPI[0], layout="1x1")
    height, width = truth.warp.size
    edges = [(-0.5, 5), (-0.51, 5), (width - 0.51, 5), (width - 0.5, 5), (5, -0.5), (5, -0.51), (5, height - 0.51), (5, height - 0.5)]
    assert truth.is_visible(np.array(edges)).tolist() == [True, False, True, False] * 2
    assert not truth.is_visible(np.array([[np.nan, 5.0], [5.0, np.nan]])).any()


def test_the_lattice_has_the_last_lines_of_the_grid():
    _, truth, _ = plain_page(DPI[0], layout="1x1")
    grid = replace(truth.page.grid, area_mm=(12.0, 7.0, 62.0, 37.0))
    page_mm = replace(truth, page=replace(truth.page, grid=grid)).lattice()[0]
    assert page_mm.shape == (7, 11, 2)
    assert (page_mm[0, 0].tolist(), page_mm[-1, -1].tolist()) == ([12.0, 7.0], [62.0, 37.0])


def test_bits_of_layers_are_those_that_the_format_promises():
    """docs/truth-format.md: 12 printed words and pulses, 14 the grid, 15 the page."""
    truth = fastecg.render(fastecg.simulate(seed=1, fs=100), layout="3x4", style="muse", dpi=100).truth
    layers = truth.layers()
    rows, columns = np.rint(truth.lattice()[1].reshape(-1, 2)[:, ::-1]).astype(int).T
    inside = (rows >= 0) & (rows < layers.shape[0]) & (columns >= 0) & (columns < layers.shape[1])
    crossings = layers[rows[inside], columns[inside]]
    assert (crossings >> 14 & 1).mean() > 0.9
    assert ((layers >> 14 & 1).mean()) < 0.6
    assert (layers >> 15 & 1).all()
    words = np.zeros(layers.shape, dtype=bool)
    for box in truth.boxes:
        if box.kind != "lead":
            (left, top), (right, bottom) = np.floor(box.corners.min(axis=0)).astype(int), np.ceil(box.corners.max(axis=0)).astype(int)
            words[max(top - 1, 0) : bottom + 2, max(left - 1, 0) : right + 2] = True
    printed = (layers >> 12 & 1).astype(bool)
    assert not (printed & ~words).any()
    for kind in ("text", "pulse"):
        boxes = [box.corners for box in truth.boxes if box.kind == kind]
        assert boxes
        for corners in boxes:
            (left, top), (right, bottom) = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
            assert printed[max(top, 0) : bottom + 1, max(left, 0) : right + 1].any(), kind


@pytest.mark.parametrize("aside", [0.0, 5000.0])
def test_a_projection_is_found_wherever_its_points_lie(aside):
    told = np.array([[2.0, 0.1, 7.0], [-0.2, 1.8, 9.0], [2e-4, -1e-4, 1.0]])
    points = np.random.default_rng(0).uniform(0, 200, (60, 2)) + aside
    seen = np.column_stack([points, np.ones(60)]) @ told.T
    np.testing.assert_allclose(_fit_homography(points, seen[:, :2] / seen[:, 2:]), told, rtol=1e-6, atol=1e-8)


def test_only_boxes_of_traces_tell_which():
    truth = fastecg.render(fastecg.simulate(seed=1, fs=100), layout="3x4+1", dpi=60).truth
    for kind in ("lead", "lead_name"):
        assert sorted(box.trace for box in truth.boxes if box.kind == kind) == list(range(13))
    assert {box.trace for box in truth.boxes if not box.kind.startswith("lead")} == {-1}
    assert PixelBox("text", "", np.zeros((4, 2))).trace == -1


def test_masks_hold_the_whole_width_of_a_pen():
    """At 600 dpi it is wider than the cells round a trace that are looked at anyway."""
    truth = fastecg.render(fastecg.simulate(seed=1, fs=100), layout="1x1", style="muse", dpi=600).truth
    (trace,) = truth.page.traces
    scale = truth.warp.scale
    plane = trace_plane([trace], truth.style, scale, sheet_shape(truth.page, scale))
    np.testing.assert_array_equal(truth.mask() > 0, plane > truth._threshold)
