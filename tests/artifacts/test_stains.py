"""Stains on a sheet of one's own: the same as on anybody's, without a copy of the pixels."""

from dataclasses import replace

import numpy as np
import pytest

import fastecg
from fastecg.artifact import Artifact
from fastecg.layouts import layout_for
from fastecg.layouts.place import place
from fastecg.recipe import RECIPES, Recipe
from fastecg.sheet import print_page
from fastecg.styles import STYLES

SLOTS = {
    vary.kind.__name__: vary for name in RECIPES for _, vary in Recipe.load(name).slots if vary.kind.stain is not Artifact.stain
}  # fmt: skip


@pytest.fixture(scope="module")
def sheet():
    record = fastecg.simulate(seed=4)
    shot = Recipe.load("clean").sample(record, seed=1, style="muse", layout="3x4+1")
    return print_page(place(layout_for("3x4+1", record.leads), record, STYLES["muse"], shot.setup), STYLES["muse"], 4.0)


@pytest.mark.parametrize("kind", sorted(SLOTS))
def test_a_stain_is_the_same_in_place(sheet, kind):
    before = sheet.pixels.copy()
    for seed in range(3):
        stain = replace(SLOTS[kind], chance=(1.0, 1.0)).sample(np.random.default_rng(seed), 0.6)
        copied, in_place = stain.stain(sheet), stain.stain(replace(sheet, pixels=before.copy(), owns_pixels=True))
        assert (sheet.pixels == before).all()  # that of others stays as it was
        for name in ("pixels", "ink", "text", "over", "gone", "marks"):
            assert np.array_equal(getattr(copied, name), getattr(in_place, name))
