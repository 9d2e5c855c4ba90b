"""What of a picture is looked at before its grid is followed."""

from __future__ import annotations

import numpy as np

from fastecg.digitizing.separate import Layers
from fastecg.digitizing.targets import MAPS
from fastecg.digitizing.views import _of_pages, _runs_across, inked


def test_no_grid_is_followed_where_nothing_runs_across():
    maps = np.zeros((6, 400, 1200), dtype=np.float32)
    maps[MAPS.index("trace"), ::40, ::40] = 1.0  # specks
    layers = Layers(maps, np.zeros((14, 100, 300), dtype=np.float32), 1.0)
    assert inked(layers)
    assert not _runs_across(layers)
    maps[MAPS.index("trace"), 200, 100:800] = 1.0
    assert _runs_across(layers)


def test_pages_larger_than_a3_are_believed_of_the_clearest_scale_alone():
    picture = np.empty((1700, 2200, 3), dtype=np.uint8)
    assert _of_pages(picture, [7.9, 3.8, 6.0], 0.3e6) == [7.9, 6.0]
    assert _of_pages(picture, [3.8, 7.9], 0.3e6) == [3.8, 7.9]
