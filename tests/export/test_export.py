"""Exports, as they are by their formats' rules, and as the formats' own libraries read them."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import os
import re
import shutil
import signal
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import orjson
import pytest
from scipy.ndimage import maximum_filter
from typer.testing import CliRunner

import fastecg
import fastecg.export as export_module
from fastecg.cli import app
from fastecg.errors import FastecgError
from fastecg.export import EXPORTS, coco, export, huggingface, things, webdataset, yolo
from fastecg.export.coco import rle_counts
from fastecg.export.nnunet import splits
from fastecg.export.rendered import Rendered, rendered_in
from fastecg.export.things import CATEGORIES, Thing, _cut, _ink_outline, _trace, things_in
from fastecg.export.webdataset import Shards
from fastecg.photo import OTHER_LEAD
from fastecg.record import LEADS
from fastecg.styles import style_for
from fastecg.writers import write_record

VAL = 0.4


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """Six photos with rhythm strips, one record in a sub-folder; no masks."""
    folder = tmp_path_factory.mktemp("rendered")
    for seed in range(5):
        write_record(
            folder / "in" / ("sub/r0" if seed == 4 else f"r{seed}"), fastecg.simulate(fs=100, seconds=10 + 10 * (seed == 3), seed=seed)
        )
    fastecg.render_dataset([folder / "in"], folder / "out", recipe="photo", layout="3x4+1", dpi=70, workers=1)
    return folder / "out"


@pytest.fixture(scope="module")
def exported(rendered, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    for name in EXPORTS:
        assert export(rendered, folder / name, to=name, val=VAL) == 6
    return {name: folder / name for name in EXPORTS}


@pytest.fixture(scope="module")
def pictures(rendered) -> dict[str, Rendered]:
    return {picture.key: picture for picture in rendered_in(rendered)}


def pixels(path: Path) -> np.ndarray:
    return iio.imread(path, plugin="pillow")


def test_masks_are_drawn_again_as_they_were(rendered, tmp_path):
    fastecg.render_dataset([rendered / "r1"], tmp_path, recipe="photo", layout="3x4+1", dpi=70, workers=1, truth=("json", "mask"))
    (with_mask,) = rendered_in(tmp_path)
    kept = with_mask.mask()
    (tmp_path / "r1-0.mask.png").unlink()
    np.testing.assert_array_equal(with_mask.mask(), kept)


def test_pictures_of_a_record_are_never_split(pictures):
    splits = {}
    for picture in pictures.values():
        splits.setdefault(picture.line["record"], set()).add(picture.split(VAL))
    assert all(len(split) == 1 for split in splits.values())
    assert set.union(*splits.values()) == {"train", "val"}
    shares = [Rendered(Path(), {"record": f"r{k}"}).split(0.2) == "val" for k in range(2000)]
    assert 0.17 < np.mean(shares) < 0.23


def test_names_do_not_clash():
    paths = ("a/b-0.png", "a__b-0.png", "a.b-0.png", "a_b-0.png")
    keys = [Rendered(Path(), {"path": path}).key for path in paths]
    assert len(set(keys)) == 4
    assert not any("." in key or "/" in key for key in keys)


def test_a_split_may_have_no_picture(rendered, tmp_path):
    assert export(rendered, tmp_path / "hub", to="huggingface", val=0.999) == 6
    assert [path.name for path in (tmp_path / "hub").iterdir() if path.is_dir()] == ["validation"]
    assert len((tmp_path / "hub" / "validation" / "metadata.jsonl").read_bytes().splitlines()) == 6


# --- what is found


def test_the_grid_is_where_the_truth_has_it(pictures):
    for picture in pictures.values():
        (grid,) = [thing for thing in things_in(picture) if thing.category == "grid"]
        lattice = np.array([[np.nan if v is None else v for v in point] for point in picture.truth()["fastecg"]["grid"]["px"]])
        height, width = picture.size
        lattice = lattice[np.isfinite(lattice).all(axis=1)]
        lattice = lattice[((lattice >= 0) & (lattice <= (width - 1, height - 1))).all(axis=1)]
        left, top, right, bottom = grid.box
        assert len(lattice) > 500
        assert (lattice >= (left, top)).all()
        assert (lattice <= (right, bottom)).all()
        shown = grid.points[grid.seen == 2]
        assert len(shown) == 4 or grid.seen.min() == 0
        assert all(np.abs(grid.outline - point).sum(axis=1).min() < 1e-6 for point in shown)


def test_key_points_of_a_trace_follow_one_another():
    told = coco._key_points("II")
    assert told["skeleton"] == [[k, k + 1] for k in range(1, len(told["keypoints"]))]
    assert (told["keypoints"][0], told["keypoints"][-1]) == ("t0", "t16")


def test_things_are_where_the_truth_has_them(pictures):
    for picture in pictures.values():
        truth, things = picture.truth(), list(things_in(picture))
        mask = picture.mask()
        traces = [thing for thing in things if thing.ink is not None]
        assert {thing.category for thing in things} <= set(CATEGORIES)
        assert len(traces) == 13
        together = np.any([thing.ink for thing in traces], axis=0)
        assert (together == (mask > 0)).mean() > 0.9995
        for thing in traces:
            rows, columns = np.nonzero(thing.ink)
            left, top, right, bottom = thing.box
            assert (left, top) == pytest.approx((columns.min() - 0.5, rows.min() - 0.5), abs=1)
            assert (right, bottom) == pytest.approx((columns.max() + 0.5, rows.max() + 0.5), abs=1)
            shown = thing.points[thing.seen == 2]
            near = [thing.ink[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].any() for x, y in shown.round().astype(int)]
            assert np.mean(near) > 0.9
        words = {thing.words.replace(" ", "") for thing in things if thing.category == "lead_name"}
        assert words <= {entry["lead_name"] for entry in truth["leads"]}


def test_a_rhythm_strip_is_another_thing_than_the_short_trace(pictures):
    for picture in pictures.values():
        long, short = sorted(
            (thing for thing in things_in(picture) if thing.category == "II"), key=lambda thing: thing.box[0] - thing.box[2]
        )
        assert not (long.ink & short.ink).any()
        assert long.ink.sum() > 2 * short.ink.sum()


def test_pictures_of_like_names_have_keys_of_their_own():
    paths = ["a.b-0.png", "a_b-0.png", "a/b-0.png", "a__b-0.png", "n" * 99 + "1-0.png", "n" * 99 + "2-0.png"]
    keys = [Rendered(Path(), {"path": path}).key for path in paths]
    assert len(set(keys)) == len(paths)
    assert keys[1:3] == ["a_b-0", "a__b-0"]
    assert not any("." in key or "/" in key or len(key) > 88 for key in keys)


def test_key_points_outside_the_picture_are_told_as_absent():
    """Their coordinates are 0, as COCO asks of what is not labelled; a hidden one within the picture keeps its own."""
    line = [[20.0, x] for x in np.linspace(-8.0, 40.0, things.TRACE_POINTS)]  # rows before columns
    seen = [x >= 0 for _, x in line]
    seen[-1] = False
    truth = {"leads": [{"lead_name": "II", "plotted_pixels": line}], "fastecg": {"visible": [seen]}, "height": 60, "width": 80}
    trace = _trace(truth, 0, np.zeros((4, 2)), None)
    outside = np.array([x < -0.5 for _, x in line])
    assert outside.any()
    np.testing.assert_array_equal(trace.seen, [*np.where(outside, 0, 2)[:-1].tolist(), 1])
    np.testing.assert_array_equal(trace.points[outside], 0.0)
    np.testing.assert_allclose(trace.points[~outside], np.array(line)[~outside, ::-1])


def test_a_picture_has_pixels_half_a_pixel_beyond_their_outermost_centres():
    inside, outside = [[-0.5, -0.5], [39.49, 29.49]], [[-0.51, 5.0], [39.5, 5.0], [5.0, -0.51], [5.0, 29.5], [np.nan, 5.0]]
    assert things.in_picture(np.array(inside + outside), (30, 40)).tolist() == [True] * 2 + [False] * 5


def test_what_reaches_beyond_a_picture_ends_with_its_pixels():
    square = np.array([[-9.0, -9.0], [99.0, -9.0], [99.0, 99.0], [-9.0, 99.0]])
    (cut,) = things._clipped(Thing("text", square), (30, 40))
    assert cut.box == (-0.5, -0.5, 39.5, 29.5)
    assert not list(things._clipped(Thing("text", square + 50), (30, 40)))


def test_coco_key_points_count_from_the_corner_of_the_first_pixel(monkeypatch):
    outline = np.array([[1.0, 1.0], [4.0, 1.0], [4.0, 3.0]])
    thing = Thing("II", outline, "II", np.array([[2.0, 3.25], [7.0, 8.0], [0.0, 0.0]]), np.array([2, 1, 0]))
    monkeypatch.setattr(coco, "things_in", lambda _: [thing])
    (entry,) = coco._annotations(Rendered(Path(), {"height": 30, "width": 40}), 1)
    assert entry["keypoints"].tolist() == [2.5, 3.75, 2, 7.5, 8.5, 1, 0, 0, 0]
    assert entry["num_keypoints"] == 2


def test_outlines_are_cut_at_the_edges():
    square = np.array([[-5.0, -5.0], [5.0, -5.0], [5.0, 5.0], [-5.0, 5.0]])
    cut = _cut(_cut(square, 0, 0.0, 1), 1, 2.0, -1)
    assert sorted(map(tuple, cut.tolist())) == [(0.0, -5.0), (0.0, 2.0), (5.0, -5.0), (5.0, 2.0)]
    assert len(_cut(square, 0, 9.0, 1)) == 0


# --- COCO


def coco_files(folder: Path) -> list[dict]:
    return [orjson.loads(path.read_bytes()) for path in sorted((folder / "annotations").iterdir())]


def test_coco_keeps_its_rules(exported, pictures):
    files = coco_files(exported["coco"])
    assert len(files) == 2
    assert sorted(image["file_name"] for file in files for image in file["images"]) == sorted(f"{key}.png" for key in pictures)
    for file in files:
        sizes = {image["id"]: (image["height"], image["width"]) for image in file["images"]}
        assert [category["name"] for category in file["categories"]] == list(CATEGORIES)
        assert [image["id"] for image in file["images"]] == list(range(1, len(file["images"]) + 1))
        assert [entry["id"] for entry in file["annotations"]] == list(range(1, len(file["annotations"]) + 1))
        for entry in file["annotations"]:
            (height, width), (left, top, wide, high) = sizes[entry["image_id"]], entry["bbox"]
            assert left >= 0 and top >= 0 and left + wide <= width + 0.02 and high > 0 and top + high <= height + 0.02  # noqa: PT018
            names = file["categories"][entry["category_id"] - 1]["keypoints"]
            if names:
                assert len(entry["keypoints"]) == 3 * len(names)
                assert entry["num_keypoints"] == np.count_nonzero(entry["keypoints"][2::3])
            else:
                assert entry["num_keypoints"] == 0
                assert entry["keypoints"] == []


def test_coco_links_images(exported, pictures):
    for key, picture in pictures.items():
        assert (exported["coco"] / "images" / f"{key}.png").read_bytes() == picture.image.read_bytes()


@pytest.mark.parametrize("seed", range(6))
def test_run_lengths_are_those_of_pycocotools(seed):
    mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    ink = rng.random((200, 300)) < (0, 1, 0.5, 0.01, 0.0001, 0.99)[seed]
    assert rle_counts(ink) == mask.encode(np.asfortranarray(ink.astype(np.uint8)))["counts"].decode()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pycocotools_reads_coco(exported, pictures, capsys):
    coco = pytest.importorskip("pycocotools.coco")
    for path in sorted((exported["coco"] / "annotations").iterdir()):
        data = coco.COCO(str(path))
        for number, image in data.imgs.items():
            mask = pictures[image["file_name"].removesuffix(".png")].mask()
            traces = data.loadAnns(data.getAnnIds(number, catIds=data.getCatIds(list(LEADS))))
            found = np.zeros_like(mask)
            for entry in traces:
                found[data.annToMask(entry) > 0] = entry["category_id"]
            assert (found != mask).mean() < 5e-4
            for entry in data.loadAnns(data.getAnnIds(number, catIds=data.getCatIds(["text", "grid"]))):
                assert data.annToMask(entry).sum() == pytest.approx(entry["area"], rel=0.2, abs=20)
    capsys.readouterr()


# --- YOLO


@pytest.mark.parametrize(("name", "numbers"), [("yolo", {4}), ("yolo-segment", set(range(6, 100_000, 2)))])
def test_yolo_keeps_its_rules(exported, pictures, name, numbers):
    labels = {path.stem: path for path in (exported[name] / "labels").rglob("*.txt")}
    images = {path.stem: path for path in (exported[name] / "images").rglob("*.png")}
    assert set(labels) == set(images) == set(pictures)
    for key, path in labels.items():
        assert path.parent.name == images[key].parent.name == pictures[key].split(VAL)
        rows = [[float(number) for number in line.split()] for line in path.read_text().splitlines()]
        assert sum(row[0] < 12 for row in rows) == 13
        for row in rows:
            assert len(row) - 1 in numbers
            assert 0 <= min(row[1:]) <= max(row[1:]) <= 1
    assert "  0: I\n" in (exported[name] / "data.yaml").read_text()


@pytest.mark.parametrize("name", ["yolo", "yolo-segment"])
def test_supervision_reads_yolo(exported, pictures, name):
    supervision = pytest.importorskip("supervision")
    folder = exported[name]
    data = supervision.DetectionDataset.from_yolo(
        str(folder / "images" / "train"), str(folder / "labels" / "train"), str(folder / "data.yaml"), force_masks=name == "yolo-segment"
    )
    assert list(data.classes) == list(CATEGORIES)
    for path, image, found in data:
        picture = pictures[Path(path).stem]
        things = list(things_in(picture, ink=name == "yolo-segment"))
        assert image.shape[:2] == picture.size
        assert sorted(found.class_id) == sorted(CATEGORIES.index(thing.category) for thing in things)
        if name == "yolo":
            boxes = np.array([thing.box for thing in things]) + 0.5
            np.testing.assert_allclose(found.xyxy, boxes, atol=0.1)


@pytest.mark.parametrize(("name", "task"), [("yolo", "detect"), ("yolo-segment", "segment")])
@pytest.mark.filterwarnings("ignore")  # of its own imports
def test_ultralytics_reads_yolo(exported, pictures, name, task, tmp_path, monkeypatch):
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    data = pytest.importorskip("ultralytics.data")
    utils = pytest.importorskip("ultralytics.data.utils")
    folder = tmp_path / name
    shutil.copytree(exported[name], folder)  # it leaves a cache beside the labels
    described = utils.check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    assert list(described["names"].values()) == list(CATEGORIES)
    read = [data.YOLODataset(described[split], data=described, task=task, augment=False) for split in ("train", "val") if described[split]]
    labels = {Path(label["im_file"]).stem: label for part in read for label in part.labels}
    assert set(labels) == set(pictures)  # none taken for damaged
    for key, label in labels.items():
        things = list(things_in(pictures[key], ink=task == "segment"))
        assert label["shape"] == pictures[key].size
        assert label["cls"].ravel().astype(int).tolist() == [CATEGORIES.index(thing.category) for thing in things]
        edges = np.array([thing.box for thing in things]).reshape(-1, 2, 2) + 0.5
        middle, size = edges.mean(axis=1), np.diff(edges, axis=1)[:, 0]
        np.testing.assert_allclose(label["bboxes"] * np.tile(pictures[key].size[::-1], 2), np.hstack([middle, size]), atol=0.1)
        assert [len(outline) for outline in label["segments"]] == ([len(thing.outline) for thing in things] if task == "segment" else [])


def test_outlines_hold_the_ink(pictures):
    from skimage.draw import polygon2mask

    for picture in itertools.islice(pictures.values(), 2):
        for thing in (thing for thing in things_in(picture) if thing.ink is not None):
            filled = polygon2mask(picture.size, thing.outline[:, ::-1])
            assert (filled & thing.ink).sum() > 0.75 * thing.ink.sum()


def test_the_outline_of_ink_runs_around_its_pixels():
    """Of a step from one bar to another: through all of their corners, on the outer edges of the pixels."""
    ink = np.zeros((12, 20), bool)
    ink[2:4, 3:9], ink[5:8, 9:15], ink[8, 14] = True, True, True
    points = np.array([[3.0, 2.5], [8.0, 2.5], [9.0, 6.0], [14.0, 6.0]])
    for mask, along in ((ink, points), (ink.T, points[:, ::-1])):
        outline = _ink_outline(mask, along) if mask is ink else _ink_outline(mask, along)[:, ::-1]
        assert {tuple(corner) for corner in outline} >= {(2.5, 1.5), (14.5, 4.5), (14.5, 8.5), (2.5, 3.5)}
        assert outline[:, 0].min() == 2.5
        assert outline[:, 0].max() == 14.5
        x, y = (outline - outline[0]).T
        assert abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2 == pytest.approx(ink.sum(), rel=0.05)


def test_other_leads_are_a_class_of_their_own(tmp_path):
    """X, ECG1 and V4R beside the twelve: class 13 of masks, with ink of their own in COCO, and a label of nnU-Net."""
    signal = np.vstack([fastecg.simulate(fs=100, seed=1).signal, fastecg.simulate(fs=100, seed=2).signal[:3]])
    record = fastecg.Record(signal, 100, [*LEADS, "X", "ECG1", "V4R"], "odd")
    fastecg.render_dataset(record, tmp_path / "out", layout="15x1", dpi=100, truth=("json", "mask"), workers=1)
    (picture,) = rendered_in(tmp_path / "out")
    assert set(np.unique(picture.mask())) == set(range(14))
    assert picture.truth()["fastecg"]["other_leads"] == ["X", "ECG1", "V4R"]
    others = [thing for thing in things_in(picture) if thing.category == "other_lead"]
    assert [thing.words for thing in others] == ["X", "ECG1", "V4R"]
    assert all(thing.ink is not None and (picture.mask()[thing.ink] == 13).all() and thing.ink.sum() > 300 for thing in others)
    export(tmp_path / "out", tmp_path / "nnunet", to="nnunet")
    assert orjson.loads((tmp_path / "nnunet/dataset.json").read_bytes())["labels"]["other_lead"] == 13
    np.testing.assert_array_equal(pixels(tmp_path / "nnunet/labelsTr/odd-0.png"), picture.mask())


# --- nnU-Net


def test_nnunet_keeps_its_rules(exported, pictures):
    folder = exported["nnunet"]
    described = orjson.loads((folder / "dataset.json").read_bytes())
    assert described["numTraining"] == 6
    assert described["labels"] == {"background": 0} | {lead: k for k, lead in enumerate(LEADS, 1)} | {"other_lead": 13}
    for key, picture in pictures.items():
        image, label = (pixels(folder / part) for part in (f"imagesTr/{key}_0000.png", f"labelsTr/{key}.png"))
        assert image.shape == (*label.shape, len(described["channel_names"]))
        np.testing.assert_array_equal(label, picture.mask())
    assert len(list(folder.rglob("*.png"))) == 12


def test_nnunet_never_has_a_record_in_both_parts(exported, pictures):
    folds = orjson.loads((exported["nnunet"] / "splits_final.json").read_bytes())
    assert len(folds) == 5
    for fold in folds:
        records = {part: {pictures[key].record for key in fold[part]} for part in ("train", "val")}
        assert records["train"]
        assert records["val"]
        assert not records["train"] & records["val"]
        assert sorted(fold["train"] + fold["val"]) == sorted(pictures)
    assert set(folds[0]["val"]) == {key for key, picture in pictures.items() if picture.split(VAL) == "val"}
    assert len({tuple(fold["val"]) for fold in folds}) > 2


def test_folds_of_many_records_and_of_one():
    many = [Rendered(Path(), {"record": f"r{k}", "path": f"r{k}-{v}.png"}) for k in range(100) for v in range(2)]
    folds = splits(many, 0.1)
    held = [{key.split("-")[0] for key in fold["val"]} for fold in folds]
    assert all(4 < len(part) < 20 for part in held)
    assert all(not a & b for a, b in itertools.combinations(held, 2))
    assert splits(many[:2], 0.1) == splits(many, 0.0) == []


@pytest.mark.filterwarnings("ignore")  # of its own imports
def test_nnunet_finds_no_fault(exported, capsys):
    check = pytest.importorskip("nnunetv2.experiment_planning.verify_dataset_integrity")
    check.verify_dataset_integrity(str(exported["nnunet"]), num_processes=1)
    assert "verify_dataset_integrity Done" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore")
def test_nnunet_finds_faults_that_are_there(exported, tmp_path):
    check = pytest.importorskip("nnunetv2.experiment_planning.verify_dataset_integrity")
    shutil.copytree(exported["nnunet"], tmp_path / "raw")
    next((tmp_path / "raw" / "labelsTr").iterdir()).unlink()
    with pytest.raises(AssertionError):
        check.verify_dataset_integrity(str(tmp_path / "raw"), num_processes=1)


def test_nnunet_turns_jpeg_into_png(tmp_path):
    fastecg.render_dataset([fastecg.simulate(fs=100)], tmp_path / "in", dpi=50, format="jpg", workers=1)
    export(tmp_path / "in", tmp_path / "out", to="nnunet")
    (image,) = (tmp_path / "out" / "imagesTr").iterdir()
    np.testing.assert_array_equal(pixels(image), pixels(next((tmp_path / "in").glob("*.jpg"))))
    assert image.read_bytes().startswith(b"\x89PNG")


# --- WebDataset


def members(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            found |= {member.name: tar.extractfile(member).read() for member in tar}
    return found


def test_webdataset_holds_whole_samples(exported, pictures):
    found = members(exported["webdataset"])
    assert set(found) == {f"{key}.{suffix}" for key in pictures for suffix in ("png", "json", "mask.png")}
    for key, picture in pictures.items():
        assert found[f"{key}.png"] == picture.image.read_bytes()


def test_webdataset_takes_long_names(tmp_path):
    name = "r" * 120 + "中"
    shards = Shards(tmp_path, "train")
    shards.add({f"{name}.png": b"1" * 600, f"{name}.json": b"{}"})
    shards.close()
    with tarfile.open(tmp_path / "train-000000.tar") as tar:
        assert tar.getnames() == [f"{name}.png", f"{name}.json"]
    assert (tmp_path / "train-000000.tar").stat().st_size <= shards.bytes + 20 * 512


def test_webdataset_shards_stay_below_their_limit(rendered, tmp_path, monkeypatch):
    monkeypatch.setattr("fastecg.export.webdataset.MOST_BYTES", 2_200_000)
    for name in ("one", "two"):
        export(rendered, tmp_path / name, to="webdataset", val=0)
    shards = sorted((tmp_path / "one").iterdir())
    assert [path.name for path in shards] == [f"train-{k:06}.tar" for k in range(len(shards))]
    assert len(shards) > 1
    assert all(path.stat().st_size <= 2_200_000 for path in shards)
    assert len(members(tmp_path / "one")) == 18
    assert [path.read_bytes() for path in shards] == [path.read_bytes() for path in sorted((tmp_path / "two").iterdir())]


def test_boxes_for_hugging_face_count_from_the_corner_of_the_first_pixel():
    assert huggingface._left_top_size((9.5, 3.5, 19.5, 5.5)) == [10, 4, 10, 2]


@pytest.mark.parametrize("val", [0.5, 0.8, 0.95])
def test_nnunet_trains_on_something_in_every_fold(val):
    few = [Rendered(Path(), {"record": name, "path": f"{name}-0.png"}) for name in ("a", "b", "c")]
    folds = splits(few, val)
    assert len(folds) == 5
    assert all(fold["train"] and fold["val"] for fold in folds)


def test_webdataset_shards_end_within_their_limit(tmp_path, monkeypatch):
    """What an archive ends in is as long as two samples are here."""
    monkeypatch.setattr(webdataset, "MOST_BYTES", 13_312)
    shards = Shards(tmp_path, "train")
    for number in range(2):
        shards.add({f"{number}.json": bytes(4608)})
    shards.close()
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [10_240, 10_240]


@pytest.mark.parametrize("name", ["r", "é"])
def test_headers_of_files_count_in_the_size_of_shards(tmp_path, monkeypatch, name):
    """Files so small that their headers are the larger part; a name that is not ASCII has a header of three blocks."""
    monkeypatch.setattr(webdataset, "MOST_BYTES", 20_480)
    shards = Shards(tmp_path, "train")
    for number in range(20):
        shards.add({f"{name}{number}.json": b"{}"})
    shards.close()
    assert all(path.stat().st_size <= 20_480 for path in tmp_path.iterdir())


def test_the_line_beside_a_trace_has_its_gaps():
    points = np.array([[10.0, 20.0], [30.0, 20.0], [np.nan, np.nan], [70.0, 20.0], [90.0, 20.0]])
    beside = things._near_line(points, (40, 100), {"fastecg": {"style": "muse", "px_per_mm": 4.0, "shot": {"setup": {"pen_width": 1.0}}}})
    assert beside[20, [12, 28, 72, 88]].all()
    assert not beside[20, 40:60].any()
    for width, px_per_mm in ((1.0, 4.0), (2.0, 4.0), (1.0, 40.0)):
        own = {"style": "muse", "px_per_mm": px_per_mm, "shot": {"setup": {"pen_width": width}}}
        high = things._near_line(points, (160, 100), {"fastecg": own})[:, 20].sum()
        assert high == pytest.approx(2 * style_for("muse").pen_mm * width * px_per_mm + 6.0, abs=1.0)


def test_corners_of_the_grid_beside_the_picture_are_no_key_points():
    px = [[-5.0, 10.0], [40.0, 10.0], [-5.0, 30.0], [40.0, 30.0]]
    grid = things._grid({"fastecg": {"grid": {"page_mm": [[0, 0], [5, 0], [0, 5], [5, 5]], "px": px}}}, (50, 60))
    np.testing.assert_array_equal(grid.seen, [0, 2, 2, 0])
    np.testing.assert_array_equal(grid.points, [[0.0, 0.0], [40.0, 10.0], [40.0, 30.0], [0.0, 0.0]])
    np.testing.assert_array_equal(grid.outline, [px[0], px[1], px[3], px[2]])


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_it(exported, pictures):
    webdataset = pytest.importorskip("webdataset")
    shards = [str(path) for path in sorted(exported["webdataset"].glob("*.tar"))]
    seen = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    assert {sample["__key__"] for sample in seen} == set(pictures)
    for sample in seen:
        picture = pictures[sample["__key__"]]
        np.testing.assert_array_equal(sample["png"], pixels(picture.image))
        np.testing.assert_array_equal(sample["mask.png"][..., 0], picture.mask())
        assert sample["json"]["fastecg"]["record"] == picture.truth()["fastecg"]["record"]


# --- Hugging Face


def test_huggingface_has_a_line_an_image(exported, pictures):
    keys = set()
    for path in exported["huggingface"].rglob("metadata.jsonl"):
        for line in map(orjson.loads, path.read_bytes().splitlines()):
            image = path.parent / line["file_name"]
            assert pixels(image).shape[:2] == (line["height"], line["width"])
            assert len({len(column) for column in line["objects"].values()}) == 1
            keys.add(image.stem)
    assert keys == set(pictures)


def test_datasets_reads_huggingface(exported, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    data = datasets.load_dataset("imagefolder", data_dir=str(exported["huggingface"]), cache_dir=str(tmp_path))
    assert set(data) == {"train", "validation"}
    for split, name in (("train", "train"), ("validation", "val")):
        expected = [picture for picture in pictures.values() if picture.split(VAL) == name]
        assert sorted(data[split]["record"]) == sorted(picture.line["record"] for picture in expected)
        for row in data[split]:
            assert row["image"].size == (row["width"], row["height"])
            assert len(row["objects"]["bbox"]) == len(row["objects"]["words"]) > 13
            picture = pictures[f"{row['record'].replace('/', '__')}-{row['page']}"]
            np.testing.assert_array_equal(np.asarray(row["mask"]), picture.mask())
    hub = pytest.importorskip("huggingface_hub")
    info = pytest.importorskip("datasets.info")
    card = hub.DatasetCard.load(str(exported["huggingface"] / "README.md"))
    features = info.DatasetInfosDict.from_dataset_card_data(card.data)["default"].features
    told = datasets.load_dataset(str(exported["huggingface"]), features=features, cache_dir=str(tmp_path / "told"))["train"]
    assert told.features["objects"]["categories"].feature.names == list(CATEGORIES)
    assert told[0]["objects"]["categories"] == [CATEGORIES.index(name) for name in told[0]["objects"]["names"]]


def test_the_card_names_every_class_of_the_masks(exported):
    card = " ".join((exported["huggingface"] / "README.md").read_text().split())
    told = re.search(r"`mask`: 0 background, 1 to 12 the leads (.+?), 13 any other lead\.", card)
    assert told is not None
    assert told[1].replace("V1 to V6", "V1, V2, V3, V4, V5, V6").split(", ") == list(LEADS)
    assert OTHER_LEAD == 13


def test_datasets_reads_whole_and_broken_numbers_beside_each_other(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    for k, speed in enumerate((25, 12.5)):
        record = fastecg.simulate(fs=100, seed=k, name=f"r{k}")
        fastecg.render_dataset(record, tmp_path / f"in{k}", speed_mm_s=speed, dpi=40, workers=1)
        export(tmp_path / f"in{k}", tmp_path / f"out{k}", to="huggingface", val=0)
    shutil.copytree(tmp_path / "out1" / "train", tmp_path / "out0" / "train", dirs_exist_ok=True, ignore=lambda *_: ["metadata.jsonl"])
    with open(tmp_path / "out0" / "train" / "metadata.jsonl", "ab") as file:
        file.write((tmp_path / "out1" / "train" / "metadata.jsonl").read_bytes())
    data = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out0"), cache_dir=str(tmp_path / "cache"))["train"]
    assert sorted(data["speed_mm_s"]) == [12.5, 25.0]


# --- ECG-Digitiser


def digitiser_mask(path: Path) -> np.ndarray:
    """A mask as that tool makes it, by its rules: the longest of the strip's lead, whole numbers, cut at the far edges, drawn."""
    told = orjson.loads(path.read_bytes())
    longest = max(lead["end_sample"] - lead["start_sample"] for lead in told["leads"] if lead["lead_name"] == told["full_mode_lead"])
    leads = [
        lead
        for lead in told["leads"]
        if lead["lead_name"] != told["full_mode_lead"] or lead["end_sample"] - lead["start_sample"] == longest
    ]
    points = {tuple(np.array(point).astype("int")): lead["lead_name"] for lead in leads for point in lead["plotted_pixels"]}
    points = {point: name for point, name in points.items() if point[0] < told["height"] and point[1] < told["width"]}
    rows, columns = np.array(list(points)).T
    mask = np.zeros((told["height"], told["width"]), np.uint8)
    mask[rows, columns] = [LEADS.index(name) + 1 for name in points.values()]
    return mask


@pytest.mark.parametrize("layout", ["3x4+1", "3x4", "12x1", "3x4+3"])
def test_ecg_digitiser_draws_masks_that_lie_on_the_traces(tmp_path, layout):
    record = fastecg.simulate(fs=500, seed=3, name="r")
    fastecg.render_dataset(record, tmp_path / "in", recipe="photo", layout=layout, dpi=100, per_record=3, seed=5, workers=1)
    export(tmp_path / "in", tmp_path / "out", to="ecg-digitiser", val=0)
    files = sorted((tmp_path / "out" / "imagesTr").glob("*.json"))
    assert [path.name for path in files] == [f"r-{k}_0000.json" for k in range(3)]
    assert all(path.with_suffix(".png").is_file() for path in files)
    for path, picture in zip(files, rendered_in(tmp_path / "in"), strict=True):
        made, true = digitiser_mask(path), picture.mask()
        assert set(np.unique(made)) == set(range(13))
        near = maximum_filter(true > 0, 5)
        assert near[made > 0].mean() > 0.98
        # Not half a pixel off: the mask of the tool's points lies in the middle of the ink.
        shifts = [((true > 0) & np.roll(made > 0, shift, axis=0)).sum() for shift in (-1, 0, 1)]
        assert shifts[1] >= 0.98 * max(shifts)


def test_points_outside_the_picture_are_not_written(tmp_path):
    fastecg.render_dataset(fastecg.simulate(fs=100, name="r"), tmp_path / "in", dpi=60, workers=1)
    path = tmp_path / "in" / "r-0.json"
    truth = orjson.loads(path.read_bytes())
    truth["leads"][0]["plotted_pixels"][:4] = [[-3.0, 5.0], [5.0, -20.0], [None, 4.0], [5.0, truth["width"] + 2.0]]
    path.write_bytes(orjson.dumps(truth))
    export(tmp_path / "in", tmp_path / "out", to="ecg-digitiser", val=0)
    told = orjson.loads((tmp_path / "out" / "imagesTr" / "r-0_0000.json").read_bytes())
    assert len(told["leads"][0]["plotted_pixels"]) == len(truth["leads"][0]["plotted_pixels"]) - 4
    assert "fastecg" not in told


# --- what goes wrong


@pytest.mark.parametrize(
    ("options", "told"),
    [({"to": "pascal"}, "unknown format 'pascal'"), ({"to": "coco", "val": 1}, "val is 1"), ({"to": "coco", "val": -0.1}, "val is -0.1")],
)
def test_wrong_options_are_refused(rendered, tmp_path, options, told):
    with pytest.raises(FastecgError, match=told):
        export(rendered, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_full_destination_and_an_empty_source_are_refused(rendered, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FastecgError, match="expected a new or empty folder"):
        export(rendered, tmp_path, to="coco")
    with pytest.raises(FastecgError, match=r"no manifest.jsonl in it"):
        export(tmp_path, tmp_path / "out", to="coco")


def _broken_off(how):
    """A writer that leaves half a data set and then does `how`."""

    def write(pictures, dest, *, val):
        (dest / "annotations").mkdir()
        (dest / "annotations" / "train.json").write_text('{"images": [')
        how()

    return write


def _raised(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device"), FastecgError("a picture without truth")])
@pytest.mark.parametrize("exists", [True, False])
def test_an_export_that_is_broken_off_leaves_nothing(rendered, tmp_path, monkeypatch, error, exists):
    target = tmp_path / "made" / "coco"
    if exists:
        target.mkdir(parents=True)
    monkeypatch.setitem(EXPORTS, "coco", _broken_off(_raised(error)))
    with pytest.raises(error if isinstance(error, type) else type(error)):
        export(rendered, target, to="coco")
    assert target.exists() == exists
    assert list((target if exists else target.parent).iterdir()) == []
    monkeypatch.setitem(EXPORTS, "coco", coco.write_coco)
    assert export(rendered, target, to="coco") == 6
    assert [path.name for path in target.parent.iterdir()] == ["coco"]
    assert sorted(path.name for path in target.iterdir()) == ["annotations", "images"]


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise")
def test_an_interrupt_that_is_dropped_stops_an_export_all_the_same(rendered, tmp_path, monkeypatch):
    def dropped():
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    monkeypatch.setitem(EXPORTS, "coco", _broken_off(dropped))
    try:
        with pytest.raises(KeyboardInterrupt):
            export(rendered, tmp_path / "coco", to="coco")
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_what_a_killed_export_left_is_deleted_by_the_next(rendered, tmp_path, monkeypatch, exists):
    target, other = tmp_path / "yolo", tmp_path / ".12345678.0123456789ab.part"
    if exists:
        target.mkdir()
    other.mkdir()  # of another folder's export, which may be under way
    monkeypatch.setattr(export_module.shutil, "rmtree", lambda *args, **more: None)
    monkeypatch.setitem(EXPORTS, "yolo", _broken_off(_raised(KeyboardInterrupt)))
    with pytest.raises(KeyboardInterrupt):
        export(rendered, target, to="yolo")
    assert [path.name for path in tmp_path.glob(".*.part/annotations/train.json")] == ["train.json"]
    monkeypatch.undo()
    if exists:  # An export into the root of a disk lies in it.
        next(tmp_path.glob(".*.part/annotations")).parent.rename(target / f".{export_module._mark(target)}.{'0' * 12}.part")
    assert export(rendered, target, to="yolo") == 6
    assert sorted(path.name for path in target.iterdir()) == ["data.yaml", "images", "labels"]
    assert sorted(tmp_path.iterdir()) == [other, target]


@pytest.mark.parametrize("linked", [False, True])
def test_an_empty_folder_is_filled_in_one_step(rendered, tmp_path, monkeypatch, linked):
    """Whoever kills an export between two of its moves finds the whole data set or none."""
    target, moves, replace = tmp_path / "yolo", [], os.replace
    if linked:
        (tmp_path / "real").mkdir()
        target.symlink_to(tmp_path / "real")
    else:
        target.mkdir(mode=0o750)

    def move(source, dest):
        replace(source, dest)
        if ".part" not in str(dest):  # out of the temporary folder
            moves.append(dest)
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", move)
    monkeypatch.setattr(os, "rename", move)
    with pytest.raises(KeyboardInterrupt):
        export(rendered, target, to="yolo")
    assert len(moves) == 1
    assert sorted(path.name for path in target.iterdir()) == ["data.yaml", "images", "labels"]
    assert target.is_symlink() == linked
    if not linked:
        assert target.stat().st_mode & 0o777 == 0o750


def test_an_export_into_the_current_folder_stays_in_it(rendered, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert export(rendered, ".", to="yolo") == 6
    assert sorted(os.listdir()) == ["data.yaml", "images", "labels"]


def test_an_empty_folder_that_does_not_give_way_is_filled_too(rendered, tmp_path, monkeypatch):
    target, replace = tmp_path / "yolo", os.replace
    target.mkdir()

    def busy(source, dest):
        if Path(dest) == target:
            raise OSError(16, "Device or resource busy", str(dest))
        replace(source, dest)

    monkeypatch.setattr(os, "replace", busy)
    assert export(rendered, target, to="yolo") == 6
    assert sorted(path.name for path in target.iterdir()) == ["data.yaml", "images", "labels"]
    assert list(tmp_path.iterdir()) == [target]


def test_the_error_of_a_full_disk_names_a_file_of_the_destination(rendered, tmp_path, monkeypatch):
    def write(pictures, dest, *, val):
        raise OSError(28, "No space left on device", str(dest / "data.yaml"))

    monkeypatch.setitem(EXPORTS, "yolo", write)
    with pytest.raises(OSError, match="No space left") as told:
        export(rendered, tmp_path / "yolo", to="yolo")
    assert told.value.filename == str(tmp_path / "yolo" / "data.yaml")


def test_a_picture_without_truth_is_named(tmp_path):
    fastecg.render_dataset([fastecg.simulate(fs=100, name="r")], tmp_path / "in", dpi=50, truth=("mask",), workers=1)
    with pytest.raises(FastecgError, match=r"r-0.json: is missing, expected a folder rendered with `--truth json`"):
        export(tmp_path / "in", tmp_path / "out", to="yolo")


def test_the_command_exports(rendered, tmp_path):
    result = CliRunner().invoke(app, ["export", str(rendered), str(tmp_path / "out"), "--to", "yolo"])
    assert result.exit_code == 0
    assert "6 pictures in" in result.stdout
    wrong = CliRunner().invoke(app, ["export", str(rendered), str(tmp_path / "out"), "--to", "yolo"])
    assert wrong.exit_code == 2


def test_the_command_and_the_function_split_alike():
    from fastecg.cli.export import export as command

    shares = [inspect.signature(each).parameters["val"].default for each in (command, export)]
    assert shares == [0.1, 0.1]


def test_coco_counts_from_the_corner_of_the_first_pixel():
    """A trace of rows 3 to 5 and columns 10 to 19 is 10 wide and 3 high; the centre of pixel (0, 0) is at 0.5, 0.5."""
    ink = np.zeros((30, 40), dtype=bool)
    ink[3:6, 10:20] = True
    outline = np.array([[9.5, 2.5], [19.5, 2.5], [19.5, 5.5], [9.5, 5.5]])
    thing = Thing("II", outline, "II", np.tile([10.25, 4.0], (17, 1)), np.array([2] * 16 + [0]), ink)
    for drawn in (thing, replace(thing, ink=None)):
        left, top, right, bottom = coco._box(drawn)
        assert (left, top, right, bottom) == (10.0, 3.0, 20.0, 6.0)
        assert coco._area(drawn) == 30.0
    assert np.array_equal(coco._polygon(thing), [[10.0, 3.0, 20.0, 3.0, 20.0, 6.0, 10.0, 6.0]])


def test_coco_names_the_key_points_of_the_grid_and_of_traces():
    grid, lead, words = (coco._key_points(name) for name in ("grid", "V1", "text"))
    assert grid["keypoints"] == ["top_left", "top_right", "bottom_right", "bottom_left"]
    assert grid["skeleton"] == [[1, 2], [2, 3], [3, 4], [4, 1]]
    assert (lead["keypoints"][0], lead["keypoints"][-1], lead["skeleton"][-1]) == ("t0", "t16", [16, 17])
    assert words == {"supercategory": "writing", "keypoints": [], "skeleton": []}


def test_coco_has_boxes_and_key_points_where_ink_and_truth_are(exported, pictures):
    for file in coco_files(exported["coco"]):
        names = {image["id"]: image["file_name"].rpartition(".")[0] for image in file["images"]}
        for image, key in names.items():
            entries = [entry for entry in file["annotations"] if entry["image_id"] == image]
            for thing, entry in zip(things_in(pictures[key]), entries, strict=True):
                left, top, wide, high = entry["bbox"]
                if thing.ink is not None:
                    rows, columns = np.nonzero(thing.ink)
                    assert (left, top, wide, high) == (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
                if thing.points is not None:
                    told = np.reshape(entry["keypoints"], (-1, 3))
                    seen = thing.seen > 0
                    np.testing.assert_allclose(told[seen, :2], thing.points[seen] + 0.5, atol=0.0051)
                    assert not told[~seen].any()


def test_yolo_counts_from_the_corner_of_the_first_pixel():
    outline = np.array([[9.5, 2.5], [19.5, 2.5], [19.5, 5.5], [9.5, 5.5]])
    thing = Thing("II", outline, "II")
    assert yolo._line(thing, yolo._outline(thing), (30, 40)).split()[1:] == ["0.25", "0.1", "0.5", "0.1", "0.5", "0.2", "0.25", "0.2"]
    assert yolo._line(thing, yolo._box(thing), (30, 40)).split()[1:] == ["0.375", "0.15", "0.25", "0.1"]


def test_a_key_point_is_unknown_hidden_or_seen():
    entry = {"lead_name": "x", "plotted_pixels": [[5.0, float(k)] for k in range(16)] + [[500.0, 16.0]]}
    truth = {"leads": [entry], "fastecg": {"visible": [[True] * 8 + [False] * 9]}, "height": 30, "width": 40}
    thing = things._trace(truth, 0, np.zeros((4, 2)), None)
    assert thing.seen.tolist() == [2] * 8 + [1] * 8 + [0]
