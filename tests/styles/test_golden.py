"""Small pictures, kept from when they were looked at.

``FASTECG_GOLDEN=write pytest tests/styles/test_golden.py`` replaces them: look again.
"""

import os
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

import fastecg
from fastecg.readers import read_record, sample_records

GOLDEN = Path(__file__).parent / "golden"
PICTURES = (
    ("muse", "3x4+1"),
    ("mortara", "3x4+3"),
    ("dotphoto", "3x4"),
    ("schiller", "6x2-cabrera"),
    ("fukuda", "6x2"),
    ("scanbold_green", "12x1"),
)


@pytest.mark.parametrize(("style", "layout"), PICTURES)
def test_clean_pages_look_as_they_did(style, layout):
    record = read_record(sample_records()[0].path)
    image = fastecg.render(record, style=style, layout=layout, dpi=60, seed=1).image
    path = GOLDEN / f"{style}-{layout}.png"
    if os.environ.get("FASTECG_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        iio.imwrite(path, image)
    kept = iio.imread(path)
    assert image.shape == kept.shape
    difference = np.abs(image.astype(int) - kept)
    assert difference.mean() < 0.5  # faces and rounding may differ a little between versions of what draws them
    assert (difference.max(axis=2) > 40).mean() < 0.002
