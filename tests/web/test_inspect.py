"""The truth drawn over a picture; the web page of a folder is in tests/cli."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

import fastecg
from fastecg.web.inspect import GRID, draw_truth
from fastecg.writers import truth_bytes


@pytest.mark.parametrize("zoom", [1, 2])
def test_every_crossing_of_5_mm_lines_has_a_cross(zoom):
    photo = fastecg.render(fastecg.simulate(seed=1), layout="3x4", dpi=80)
    truth = orjson.loads(truth_bytes(photo))
    drawn = draw_truth(photo.image, truth, zoom=zoom)
    px = np.array(truth["fastecg"]["grid"]["px"])
    columns, rows = np.rint((px + 0.5) * zoom - 0.5).astype(int).T
    height, width = drawn.shape[:2]
    inside = (columns > 8) & (rows > 8) & (columns < width - 8) & (rows < height - 8)
    assert inside.sum() > 500
    green = (drawn == GRID).all(axis=2)
    for dx, dy, share in ((0, 0, 0.85), (-1, 0, 0.85), (1, 0, 0.85), (0, -1, 0.85), (0, 1, 0.85), (4, 0, 0.0), (0, 4, 0.0), (1, 1, 0.0)):
        seen = green[rows[inside] + dy, columns[inside] + dx].mean()
        assert seen >= share if share else seen < 0.02
