"""Where the lines of a grid were meant to be before a program put them on whole pixels."""

import numpy as np
import pytest
from flat_page import FlatPage

from fastecg.digitizing.segmenter import Layers
from fastecg.digitizing.snapping import ANYWHERE_MM, unsnapped_offset_mm
from fastecg.digitizing.targets import MAPS

WIDTH_MM, HEIGHT_MM = 120.0, 40.0


def drawn_grid(scale, origin_mm, widths, *, on_pixels=True):
    """A grid as Agg draws it: lines meant at ``origin_mm + k`` mm, 1 mm and 5 mm lines `widths` px wide, each rounded on its own."""
    shape = round(HEIGHT_MM * scale), round(WIDTH_MM * scale)
    fine = np.zeros(shape[1] * 20)  # twentieths of a pixel
    for k in range(-1, int(WIDTH_MM) + 1):
        wide = widths[k % 5 == 0]
        x = (origin_mm + k) * scale
        x = np.floor(x + 0.5) + 0.5 * (wide % 2) if on_pixels else x
        fine[max(round(20 * (x - wide / 2)), 0) : max(round(20 * (x + wide / 2)), 0)] = 1.0
    covered = np.tile(fine.reshape(-1, 20).mean(axis=1), (shape[0], 1))
    maps = np.zeros((len(MAPS), *shape), dtype=np.float32)
    maps[MAPS.index("grid")] = covered
    picture = np.repeat(np.rint(255 - 120 * covered)[..., None], 3, axis=2).astype(np.uint8)
    return Layers(maps, np.zeros((14, 1, 1), dtype=np.float32), 1.0, picture=picture)


class AsSeen(FlatPage):
    """A map that has the lines where they are in the mean, `off_mm` right of where they were meant to be."""

    def __init__(self, scale, off_mm):
        super().__init__(scale)
        self.off_px = off_mm * scale - 0.5  # pixel centres are whole numbers

    def forward(self, points_mm):
        return super().forward(points_mm) + np.array([self.off_px, 0.0])

    def inverse(self, points_px):
        return super().inverse(np.asarray(points_px) - np.array([self.off_px, 0.0]))


@pytest.mark.parametrize("scale", [7.874, 6.06, 9.45])
@pytest.mark.parametrize(("widths", "late_px"), [((1, 1), 0.5), ((2, 2), 0.0), ((1, 2), 0.4), ((2, 3), 0.1)])
def test_where_lines_were_meant_to_be(scale, widths, late_px):
    layers = drawn_grid(scale, 0.0, widths)
    low, high = unsnapped_offset_mm(layers, AsSeen(scale, late_px / scale))
    assert low - 0.02 / scale < -late_px / scale < high + 0.02 / scale
    assert high - low < 0.06 / scale


def test_lines_that_are_not_on_pixels_tell_nothing():
    layers = drawn_grid(7.874, 0.0, (1, 1), on_pixels=False)
    assert unsnapped_offset_mm(layers, AsSeen(7.874, 0.0)) == ANYWHERE_MM


def test_a_small_piece_of_a_grid_tells_nothing():
    layers = drawn_grid(7.874, 0.0, (1, 1))
    part = Layers(layers.maps[..., :200], layers.markers, 1.0, picture=layers.picture[:, :200])
    assert unsnapped_offset_mm(part, AsSeen(7.874, 0.06)) == ANYWHERE_MM
