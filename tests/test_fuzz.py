"""Damaged input: a short run of `fuzz.py`, and what its long runs have found."""

import json

import numpy as np
import pytest

import fastecg
from fastecg.errors import FastecgError, ImageError, LayoutError, RecipeError, RecordError
from fastecg.export import export
from fastecg.readers import arrays
from fastecg.run.manifest import Manifest
from fastecg.shot import loads_shot
from fastecg.web.inspect import inspect_folder, inspect_image

fuzz = pytest.importorskip("fuzz")  # it counts memory by `resource`, which Windows has not

SUBJECTS = {subject.name: subject for subject in fuzz.subjects()}


@pytest.mark.parametrize("name", SUBJECTS)
def test_damaged_input_is_taken_or_refused(name):
    subject = SUBJECTS[name]
    with fuzz.strict() as folder:
        count = fuzz.run(subject, seed=1, count=max(40, subject.count // 200), folder=folder)
    assert count.faults == {}
    # Lines of lists and manifests that are damaged are left out, and the rest is taken.
    assert count.refused.total() > 0 or name in ("list", "manifest")


def test_the_same_number_is_the_same_input():
    for subject in SUBJECTS.values():
        assert subject.input(3, 7)[0] == subject.input(3, 7)[0]


def test_a_fault_is_counted():
    """A reader that lets anything else out is found out."""

    def stumbles(files, folder, rng):
        raise IndexError("of a reader")

    subject = fuzz.Subject("it", "it", 3, [b"x"], lambda rng, raw: {"it": raw}, stumbles)
    with fuzz.strict() as folder:
        assert list(fuzz.run(subject, 0, 3, folder).faults) == [0, 1, 2]


# --- found by it ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sample():
    return fastecg.simulate("sinus", seed=1, seconds=3.0, fs=100, name="sample")


@pytest.fixture
def folder(sample, tmp_path):
    fastecg.render_dataset(sample, tmp_path / "out", dpi=40, workers=1, truth=("json", "mask"))
    return tmp_path / "out"


def test_values_that_float32_cannot_hold(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1e300, 0.0, 1.0]]))
    with pytest.raises(RecordError, match="infinite"):
        fastecg.read_record(tmp_path / "a.npy", fs=100, leads=["I"])
    with pytest.raises(RecordError, match="infinite"):
        fastecg.Record([[1e300, 0.0]], 100, ["I"])


def test_values_whose_squares_float32_cannot_hold():
    record = fastecg.Record(np.array([[0.0, 3e38, -3e38] * 100]), 100, ["I"])
    with pytest.warns(fastecg.UnitWarning):
        assert fastecg.render(record, dpi=40).image.size


@pytest.mark.parametrize(
    ("parts", "told"),
    [({"fs": [1, 2]}, "its fs"), ({"fs": "500"}, "its fs"), ({"leads": "II"}, "its leads"), ({"leads": [1, 2]}, "its leads")],
)
def test_archives_with_odd_members(tmp_path, parts, told):
    np.savez(tmp_path / "a.npz", **({"signal": np.eye(2, 9), "fs": 100, "leads": ["I", "II"]} | parts))
    with pytest.raises(RecordError, match=told):
        fastecg.read_record(tmp_path / "a.npz")


def test_archives_that_unpack_to_too_much(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", signal=np.zeros((2, 50_000)), fs=100)
    monkeypatch.setattr(arrays, "_MOST_BYTES", 1 << 19)
    assert (tmp_path / "a.npz").stat().st_size < 2000
    with pytest.raises(RecordError, match="unpacks to"):
        fastecg.read_record(tmp_path / "a.npz", leads=["I", "II"])


def test_archives_with_damaged_bytes(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", signal=np.random.default_rng(0).normal(size=(2, 90)), fs=100, leads=["I", "II"])
    raw = bytearray((tmp_path / "a.npz").read_bytes())
    raw[200:260] = bytes(60)
    (tmp_path / "a.npz").write_bytes(raw)
    with pytest.raises(RecordError, match="no array"):
        fastecg.read_record(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "text", ["[page\n" + "[" * 5000, "slots = 1.5", "slots = true", "severity = nan", "severity = 'x'", "a=" + "[" * 5000]
)
def test_recipes_that_are_none(text):
    with pytest.raises(RecipeError):
        fastecg.Recipe.from_toml(text, "mine")


@pytest.mark.parametrize("written", ["nan", "1", "'yes'", "[0, 1]", "{choice = {true = 1, maybe = 1}}"])
def test_columns_are_simultaneous_or_not(written):
    with pytest.raises(LayoutError, match="simultaneous"):
        fastecg.Recipe.from_toml(f"page.simultaneous = {written}", "mine")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"start": "0"}, RecipeError), ({"stop": 2.5}, RecipeError), ({"dpi": "200"}, RecipeError), ({"dpi": float("nan")}, RecipeError),
        ({"dpi": 1e6}, LayoutError), ({"layout": ["3x4"]}, RecipeError), ({"seed": True}, RecipeError), ({"artifacts": 5}, RecipeError),
        ({"setup": {"speed_mm_s": 1e9}}, LayoutError), ({"setup": {"rhythm_leads": [1]}}, RecipeError), ({"facts": None}, RecipeError),
    ],
)  # fmt: skip
def test_shots_that_are_none(sample, change, error):
    shot = fastecg.Recipe.load("clean").sample(sample).to_dict()
    with pytest.raises(error):
        loads_shot(json.dumps(shot | change))


def test_a_patient_has_a_number(sample):
    shot = fastecg.Recipe.load("clean").sample(sample).to_dict()
    shot["facts"]["number"] = "twelve"
    with pytest.raises(RecipeError, match="'twelve', expected up to 20 digits"):
        loads_shot(json.dumps(shot))


@pytest.mark.parametrize("text", ["", "{", "5", "[]", '"x"', '{"fastecg": 5}', b"\xff", "[" * 100_000])
def test_texts_that_are_no_shot(text):
    with pytest.raises(RecipeError, match="not a shot"):
        loads_shot(text)


def damage(folder, change):
    truth = json.loads((folder / "sample-0.json").read_text())
    change(truth)
    (folder / "sample-0.json").write_text(json.dumps(truth))


@pytest.mark.parametrize(
    "change",
    [
        lambda truth: truth["leads"][0].update(plotted_pixels=[]),
        lambda truth: truth["fastecg"].pop("boxes"),
        lambda truth: truth["fastecg"]["visible"].pop(),
        lambda truth: truth["fastecg"]["grid"].update(px=None),
        lambda truth: truth["leads"][0].update(plotted_pixels=["x"]),
    ],
)
def test_damaged_truth_is_named(folder, tmp_path, change):
    damage(folder, change)
    with pytest.raises(ImageError, match=r"sample-0\.json: damaged"):
        export(folder, tmp_path / "coco", to="coco")
    with pytest.raises(ImageError, match=r"sample-0\.json: damaged"):
        inspect_folder(folder)


@pytest.mark.parametrize("resolution", [1e30, -5, "x"])
def test_a_resolution_that_no_picture_has(folder, resolution):
    damage(folder, lambda truth: truth.update(resolution=resolution))
    with pytest.raises((ImageError, LayoutError), match=r"dpi|damaged"):
        inspect_image(folder / "sample-0.png")


def test_damaged_pictures_are_named(folder, tmp_path):
    raw = (folder / "sample-0.png").read_bytes()
    (folder / "sample-0.png").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ImageError, match=r"sample-0\.png"):
        inspect_image(folder / "sample-0.png")
    mask = folder / "sample-0.mask.png"
    mask.write_bytes(mask.read_bytes()[:40])
    with pytest.raises(ImageError, match="cannot be read"):
        export(folder, tmp_path / "coco", to="coco")


def test_a_mask_of_another_picture_is_named(folder, tmp_path, sample):
    fastecg.render_dataset(sample, tmp_path / "other", dpi=50, workers=1, truth="mask")
    (tmp_path / "other" / "sample-0.mask.png").replace(folder / "sample-0.mask.png")
    with pytest.raises(ImageError, match="of shape"):
        export(folder, tmp_path / "coco", to="coco")


@pytest.mark.parametrize("path", ["../kept.png", "/tmp/kept.png", "a/../../kept.png", "", ".", 5, None])
def test_a_manifest_lists_nothing_outside_its_folder(folder, tmp_path, sample, path):
    line = json.loads((folder / "manifest.jsonl").read_text())
    (folder / "manifest.jsonl").write_text(json.dumps(line | {"path": path}) + "\n" + json.dumps(line) + "\n5\n[]\n")
    kept = tmp_path / "kept.png"
    kept.write_bytes(b"mine")
    assert list(Manifest(folder).images) == ["sample-0.png"]
    fastecg.render_dataset(sample, folder, dpi=50, workers=1, overwrite=True)
    assert kept.read_bytes() == b"mine"


def test_all_of_it_is_an_error_of_ours():
    for error in (RecordError, RecipeError, LayoutError, ImageError):
        assert issubclass(error, FastecgError)
