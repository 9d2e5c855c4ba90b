"""The printed grid: where its lines lie, what they cover, which lies on top."""

from __future__ import annotations

from dataclasses import replace

import naive
import numpy as np
import pytest

from fastecg.kernels.ruling import add_discs
from fastecg.page import Grid
from fastecg.printing.grid import draw_grid, grid_plane
from fastecg.styles.style import GridInk

DPIS = [72, 100, 150, 200, 300, 600]
PAPER, MINOR, MAJOR, HEAVY = (255, 250, 245), (250, 200, 200), (230, 120, 120), (200, 30, 40)
LINES = GridInk("line", MINOR, 0.12, MAJOR, 0.25, HEAVY, 0.5)
DOTS = GridInk("dots", (60, 40, 40), 0.24, MAJOR, 0.18)
BEADS = replace(DOTS, major_bead_mm=5 / 12)


def printed(shape: tuple[int, int], grid: Grid, ink: GridInk, scale: float) -> np.ndarray:
    pixels = np.full((*shape, 3), PAPER, np.uint8)
    draw_grid(pixels, grid, ink, scale)
    return pixels


def darkness(pixels: np.ndarray, ink: tuple[int, int, int]) -> np.ndarray:
    """Coverage as the least red channel shows it: 0 paper, 1 ink."""
    return (PAPER[1] - pixels[..., 1].astype(float)) / (PAPER[1] - ink[1])


@pytest.mark.parametrize("dpi", DPIS)
@pytest.mark.parametrize("transposed", [False, True])
def test_lines_lie_where_the_frame_says(dpi, transposed):
    """The middle of a line at x mm is the pixel x * scale - 0.5, to 0.01 px.

    Both edges are read off the coverage of the pixels they cut; the centroid of the coverages would be off by where the edges cut them.
    """
    scale = dpi / 25.4
    black = replace(LINES, minor="none", major_ink=(0, 0, 0), heavy_mm=0.0, major_mm=0.9)
    pixels = np.full((round(16 * scale), round(33 * scale), 3), 255, np.uint8)
    area = (1.37, 1.91, 31.37, 14.0)
    if transposed:
        pixels, area = pixels.transpose(1, 0, 2).copy(), (area[1], area[0], area[3], area[2])
    draw_grid(pixels, Grid(area), black, scale)
    row = round(4.2 * scale)
    profile = (255.0 - (pixels[:, row, 0] if transposed else pixels[row, :, 0])) / 255
    for k in range(7):
        wanted = (1.37 + 5 * k) * scale - 0.5
        inside = round(wanted)
        assert profile[inside] == 1
        reach = np.arange(inside, inside + round(scale))
        left, right = inside + 0.5 - profile[2 * inside - reach].sum(), inside - 0.5 + profile[reach].sum()
        assert (left + right) / 2 == pytest.approx(wanted, abs=0.01)
        assert right - left == pytest.approx(0.9 * scale, abs=0.01)


@pytest.mark.parametrize("dpi", DPIS)
def test_every_pixel_of_thin_lines_is_their_overlap(dpi):
    """To half a step of 255: a line 0.01 px off would change its edges by 2.5 steps."""
    scale = dpi / 25.4
    thin = replace(LINES, heavy_mm=0.0)
    plane = grid_plane((round(14 * scale), round(30 * scale)), Grid((2.21, 1.0, 29.0, 13.0)), thin, scale)
    width = plane.shape[1]
    exact = np.zeros(width)
    for k in range(27):
        middle, half = (2.21 + k) * scale - 0.5, (0.25 if k % 5 == 0 else 0.12) / 2 * scale
        exact += [naive.common(i - 0.5, i + 0.5, middle - half, middle + half) for i in range(width)]
    np.testing.assert_allclose(plane[round(3.5 * scale)], 255 * exact, atol=0.51)


@pytest.mark.parametrize("area", [(1.3, 0.7, 12.3, 11.7), (1.3, 0.7, 12.9, 12.05), (-2.0, -7.4, 40.0, 9.0)])
def test_coverage_is_the_integral_of_every_pixel(area):
    scale, shape = 4.37, (60, 70)
    thin = replace(LINES, minor="line", major_mm=0.0, heavy_mm=0.0, minor_mm=0.31)
    x_lines = [(area[0] + k) * scale - 0.5 for k in range(int(area[2] - area[0] + 1e-6) + 1)]
    y_lines = [(area[1] + k) * scale - 0.5 for k in range(int(area[3] - area[1] + 1e-6) + 1)]
    half = 0.155 * scale
    box = (
        x_lines[0] - half,
        y_lines[0] - half,
        max(area[2] * scale - 0.5, x_lines[-1] + half),
        max(area[3] * scale - 0.5, y_lines[-1] + half),
    )
    share = naive.ruled_share(shape, x_lines, y_lines, 0.31 * scale, box)
    np.testing.assert_allclose(grid_plane(shape, Grid(area), thin, scale), 255 * share, atol=0.51)
    np.testing.assert_allclose(darkness(printed(shape, Grid(area), thin, scale), MINOR), share, atol=0.012)


def test_the_heavier_weight_lies_on_top():
    scale = 20.0
    pixels = printed((700, 700), Grid((2.0, 2.0, 33.0, 33.0)), LINES, scale)

    def at(x_mm, y_mm):
        return tuple(pixels[int(y_mm * scale), int(x_mm * scale)].tolist())

    assert at(3.0, 4.5) == MINOR
    assert at(7.0, 4.5) == MAJOR
    assert at(27.0, 4.5) == HEAVY
    assert at(2.0, 4.5) == HEAVY  # the first line is the 0th 25 mm line
    assert at(7.0, 3.0) == MAJOR  # crossing a minor one
    assert at(27.0, 7.0) == HEAVY  # crossing a major one
    assert at(3.5, 4.5) == PAPER
    assert at(1.0, 4.5) == PAPER
    assert at(33.5, 4.5) == PAPER


def test_a_weight_left_out_leaves_the_rest():
    scale = 20.0
    grid = Grid((1.0, 1.0, 31.0, 11.0))
    majors_only = printed((260, 660), grid, replace(LINES, minor_mm=0.0, heavy_mm=0.0), scale)
    assert tuple(majors_only[int(3.5 * scale), int(2.0 * scale)]) == PAPER
    assert tuple(majors_only[int(3.5 * scale), int(26.0 * scale)]) == MAJOR
    minors_only = printed((260, 660), grid, replace(LINES, major_mm=0.0, heavy_mm=0.0), scale)
    assert tuple(minors_only[int(3.5 * scale), int(6.0 * scale)]) == MINOR
    none = printed((260, 660), grid, replace(LINES, minor_mm=0.0, major_mm=0.0, heavy_mm=0.0), scale)
    assert (none == PAPER).all()


def test_corners_are_closed():
    scale = 20.0
    plane = grid_plane((260, 260), Grid((1.0, 1.0, 11.0, 11.0)), replace(LINES, heavy_mm=0.0), scale)
    half = 0.125 * scale
    for x_mm in (1.0, 11.0):
        for y_mm in (1.0, 11.0):
            sx, sy = (-1 if x_mm == 1 else 1), (-1 if y_mm == 1 else 1)
            assert plane[int(y_mm * scale + sy * (half - 0.6)), int(x_mm * scale + sx * (half - 0.6))] == 255


@pytest.mark.parametrize("dpi", DPIS)
def test_dots_stand_on_the_inner_crossings(dpi):
    scale = dpi / 25.4
    bare = replace(DOTS, major_mm=0.0)
    plane = grid_plane((round(14 * scale), round(14 * scale)), Grid((1.23, 1.71, 12.0, 13.0)), bare, scale).astype(float)
    step, off = np.arange(len(plane)), []
    for k in range(11):
        for m in range(12):
            x, y = (1.23 + k) * scale - 0.5, (1.71 + m) * scale - 0.5
            xs, ys = np.abs(step - x) < scale / 2, np.abs(step - y) < scale / 2
            ink = plane[np.ix_(ys, xs)]
            if k % 5 == 0 or m % 5 == 0:
                assert ink.sum() == 0
            else:
                assert ink.sum() / 255 == pytest.approx(np.pi * (0.12 * scale) ** 2, abs=0.02)
                off.append((ink.sum(0) @ step[xs] / ink.sum() - x, ink.sum(1) @ step[ys] / ink.sum() - y))
    assert len(off) == 8 * 9
    # A dot of half a pixel has its centroid at the middle of the pixel that holds it: only on average is it where it belongs.
    assert np.abs(off).max() < 0.5 - 0.1 * scale if scale < 4 else 0.03
    np.testing.assert_allclose(np.mean(off, axis=0), 0, atol=0.06 if scale < 4 else 0.01)


def test_dots_are_round():
    bare = replace(DOTS, major_mm=0.0, minor_mm=0.3)
    plane = grid_plane((31, 31), Grid((-0.24, -0.29, 1.0, 1.0)), bare, 20.0)
    share = naive.capsule_union(np.array([[0.76 * 20 - 0.5, 0.71 * 20 - 0.5]]), np.array([3.0]), (31, 31))
    difference = np.abs(plane - 255 * share)
    assert difference.mean() < 1
    assert difference.max() < 64  # the dot is made of sixteen slabs


@pytest.mark.parametrize("radius", [1.2, 2.6])
def test_uneven_dots_are_those_of_the_naive_twin(radius):
    columns, rows = np.arange(14) * 7.3 + 4.1, np.arange(12) * 7.3 + 5.2
    plane = np.zeros((92, 106), np.float32)
    add_discs(columns, rows, 0, radius, plane, 0.3, 77)
    expected = naive.scattered_dots(plane.shape, columns, rows, radius, 0.3, 77)
    np.testing.assert_allclose(plane, expected, atol=0.11)  # a dot is made of slabs
    assert plane.sum() == pytest.approx(expected.sum(), rel=0.003)


def test_uneven_dots_and_lines_differ_and_stay_where_they_are():
    scale, uneven = 8.0, replace(BEADS, uneven=0.25)
    grid, shape = Grid((1.0, 1.0, 41.0, 41.0)), (340, 340)
    even, plane = (grid_plane(shape, grid, ink, scale).astype(float) for ink in (BEADS, uneven))
    dots = [plane[y - 4 : y + 4, x - 4 : x + 4].sum() for y in range(16, 40, 8) for x in range(16, 320, 8) if (x // 8 - 1) % 5]
    assert 0.08 < np.std(dots) / np.mean(dots) < 0.25
    assert 0.8 < plane.sum() / even.sum() < 0.95
    lines = plane[100:300].mean(0)[8::40]  # at every 5 mm
    assert 0.01 < np.std(lines) / np.mean(lines) < 0.1
    assert np.array_equal(plane, grid_plane(shape, grid, uneven, scale))
    assert not np.array_equal(plane, grid_plane(shape, grid, replace(uneven, major_ink=HEAVY), scale))  # another paper, another plate


def test_dots_lie_below_the_major_lines():
    scale = 20.0
    pixels = printed((260, 260), Grid((1.0, 1.0, 11.0, 11.0)), replace(DOTS, minor_mm=0.8, major_mm=1.6), scale)
    assert tuple(pixels[int(2.0 * scale), int(6.7 * scale)]) == MAJOR
    assert tuple(pixels[int(2.9 * scale), int(2.9 * scale)]) == DOTS.minor_ink


@pytest.mark.parametrize("dpi", DPIS)
def test_beads_of_major_lines_stand_on_their_crossings(dpi):
    scale = dpi / 25.4
    ink = GridInk("dots", MINOR, 0.0, MAJOR, 2.0, major_bead_mm=1.25)
    plane = grid_plane((round(26 * scale), round(26 * scale)), Grid((2.21, 1.0, 22.21, 21.0)), ink, scale)
    exact = np.zeros(plane.shape[1])
    for k in range(17):  # seven tenths of 1.25 mm each, and none beyond the outer lines
        middle, half = (2.21 + 1.25 * k) * scale - 0.5, 0.4375 * scale
        exact += [naive.common(i - 0.5, i + 0.5, middle - half, middle + half) for i in range(plane.shape[1])]
    between = np.abs((np.arange(plane.shape[1]) + 0.5) / scale - 2.21 - 5 * np.arange(5)[:, None]).min(axis=0) > 1.0 + 1.0 / scale
    np.testing.assert_allclose(plane[round(6.0 * scale)][between], 255 * exact[between], atol=0.51)
    assert (plane[round(6.0 * scale)] >= 255 * np.minimum(exact, 1) - 0.51).all()


@pytest.mark.parametrize("ink", [LINES, DOTS, BEADS])
def test_the_plane_is_what_is_printed(ink):
    scale = 200 / 25.4
    black = replace(ink, minor_ink=(0, 0, 0), major_ink=(0, 0, 0), heavy_ink=(0, 0, 0))
    grid, shape = Grid((1.3, 2.2, 29.4, 31.0)), (260, 260)
    pixels = np.full((*shape, 3), 255, np.uint8)
    draw_grid(pixels, grid, black, scale)
    plane = grid_plane(shape, grid, black, scale)
    np.testing.assert_array_equal(pixels.min(axis=2) < 255, plane > 0)
    assert (255 - pixels[..., 0] >= plane.astype(int) - 1).all()  # where weights cross, two coats cover more than the larger


@pytest.mark.parametrize("area", [(50.0, 50.0, 60.0, 60.0), (-30.0, -30.0, -20.0, -20.0), (5.0, 5.0, 2.0, 2.0)])
@pytest.mark.parametrize("ink", [LINES, DOTS, BEADS])
def test_an_area_off_the_sheet_prints_nothing(area, ink):
    assert (printed((100, 100), Grid(area), ink, 5.0) == PAPER).all()
    assert grid_plane((100, 100), Grid(area), ink, 5.0).max() == 0


@pytest.mark.parametrize("dots_per_mm", [2.8, 3.46, 5.14])
def test_lines_of_a_raster_are_whole_pixels_near_their_places(dots_per_mm):
    """Each at most half a pixel from where an exact line lies, inked wholly or not at all, as wide as its ink rounded and never gone."""
    grid, ink = Grid((4.7, 3.3, 60.0, 40.0)), replace(LINES, dots_per_mm=dots_per_mm, heavy_mm=0.0)
    shape = round(45 * dots_per_mm), round(64 * dots_per_mm)
    plane = grid_plane(shape, grid, replace(ink, minor="none"), dots_per_mm)
    assert set(np.unique(plane)) == {0, 255}
    row = plane[round(5.9 * dots_per_mm)]
    inked = np.flatnonzero(np.diff(np.concatenate([[0], row, [0]]).astype(int)))
    first, stop = inked[::2], inked[1::2]
    assert (stop - first == max(round(ink.major_mm * dots_per_mm), 1)).all()
    wanted = (4.7 + 5 * np.arange(len(first))) * dots_per_mm
    assert len(first) == 12
    assert np.abs(0.5 * (first + stop) - wanted).max() <= 0.5 + 1e-9
