"""Pictures for training loops: in NumPy, and as PyTorch's data sets."""

from __future__ import annotations

import itertools
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import fastecg
from fastecg.errors import FastecgError, ImageError, LayoutError, RecordError
from fastecg.training import PhotoSource

SMALL = {"recipe": "scan", "dpi": 40}
ROOT = Path(fastecg.__file__).parent.parent
TRUTHS = ("mask", "layers", "points")


@pytest.fixture(scope="module")
def records() -> list[fastecg.Record]:
    return [fastecg.simulate(seconds=10 + 10 * (seed % 2), fs=100, seed=seed, name=f"r{seed}") for seed in range(5)]


def same(one: dict, other: dict) -> bool:
    return all(np.array_equal(one[key], other[key]) for key in ("image", "mask", "record"))


def test_each_record_gives_a_picture_of_its_own_each_epoch(records):
    first, again, second = (list(fastecg.photos(records, epoch=epoch, **SMALL)) for epoch in (0, 0, 1))
    assert sorted(example["record"] for example in first) == [f"r{k}" for k in range(5)]
    assert all(map(same, first, again))
    by_name = {example["record"]: example for example in second}
    assert not any(np.array_equal(example["image"], by_name[example["record"]]["image"]) for example in first)
    assert [example["record"] for example in first] != [example["record"] for example in second]


def test_a_picture_is_the_one_that_render_draws(records):
    for example in fastecg.photos(records, epoch=3, seed=2, truth=TRUTHS, **SMALL):
        record = next(record for record in records if record.name == example["record"])
        photo = fastecg.render(record, seed=2, page=example["page"], variant=3, **SMALL)
        np.testing.assert_array_equal(example["image"], photo.image)
        np.testing.assert_array_equal(example["mask"], photo.truth.mask())
        np.testing.assert_array_equal(example["layers"], photo.truth.layers())
        assert example["leads"] == [trace.lead for trace in photo.truth.traces]
        for points, visible, trace in zip(example["points"], example["visible"], photo.truth.traces, strict=True):
            np.testing.assert_allclose(points, trace.points, atol=1e-3)
            np.testing.assert_array_equal(visible, trace.visible)


def test_epochs_follow_one_another(records):
    two = list(fastecg.photos(records, epochs=2, **SMALL))
    later = list(fastecg.photos(records, epoch=1, **SMALL))
    assert all(map(same, two[5:], later))
    endless = fastecg.photos(records[:1], epochs=None, **SMALL)
    assert [example["variant"] for example in itertools.islice(endless, 4)] == [0, 1, 2, 3]


def test_parts_share_the_records(records):
    parts = [[example["record"] for example in fastecg.photos(records, part=(k, 3), epoch=4, **SMALL)] for k in (1, 2, 3)]
    assert sorted(itertools.chain(*parts)) == [f"r{k}" for k in range(5)]


def test_windows_are_cut_from_the_picture_with_their_truth(records):
    source = PhotoSource.of(records, crop=96, crops=6, truth=TRUTHS, **SMALL)
    photo, windows = source.photo(1), source.examples(1)
    assert len(windows) == 6
    for window in windows:
        x, y = np.round(photo.truth.traces[0].points[0] - window["points"][0][0]).astype(int)
        np.testing.assert_array_equal(window["image"], photo.image[y : y + 96, x : x + 96])
        np.testing.assert_array_equal(window["mask"], photo.truth.mask()[y : y + 96, x : x + 96])
        assert window["layers"].shape == (96, 96)
        for points, visible in zip(window["points"], window["visible"], strict=True):
            assert visible[((points < -0.5) | (points >= 95.5)).any(axis=1)].sum() == 0
    assert len({window["image"].tobytes() for window in windows}) > 1


def test_windows_larger_than_the_picture_are_filled_up(records):
    (window,) = PhotoSource.of(records[0], crop=2000, **SMALL).examples(0)
    photo = PhotoSource.of(records[0], **SMALL).photo(0)
    height, width = photo.image.shape[:2]
    np.testing.assert_array_equal(window["image"][:height, :width], photo.image)
    assert window["image"].shape == (2000, 2000, 3)
    assert not window["mask"][height:].any()


def test_windows_of_several_pictures_are_mixed_and_none_is_lost(records):
    mixed = list(fastecg.photos(records, crop=64, crops=4, mix=2, **SMALL))
    plain = list(fastecg.photos(records, crop=64, crops=4, shuffle=False, **SMALL))
    assert sorted(example["image"].tobytes() for example in mixed) == sorted(example["image"].tobytes() for example in plain)
    assert sum(one["record"] != other["record"] for one, other in itertools.pairwise(mixed)) > 6


def test_a_broken_record_is_left_out_with_a_warning(records, tmp_path):
    (tmp_path / "bad.hea").write_text("bad 1 500 5000\nbad.dat 16 200 16 0 0 0 0 I\n")
    with pytest.warns(UserWarning, match=r"left out: .*bad"):
        assert len(list(fastecg.photos([tmp_path, records[0]], **SMALL))) == 1
    with pytest.warns(UserWarning, match="left out"), pytest.raises(RecordError, match="none of 1 records"):
        list(fastecg.photos(tmp_path, epochs=None, **SMALL))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"truth": ("boxes",)}, ImageError, "unknown truth 'boxes'"),
        ({"crop": 0}, FastecgError, "crop is 0"),
        ({"crops": 4}, FastecgError, "4 crops of no size"),
        ({"part": (3, 2)}, FastecgError, "part is 3 of 2"),
        ({"layout": "5x5"}, LayoutError, "5x5"),
        ({"paper": "A4"}, LayoutError, "unknown paper"),
        ({"sheet": "A4"}, TypeError, "sheet"),
    ],
)
def test_wrong_options_are_refused(records, options, error, words):
    with pytest.raises(error, match=words):
        next(fastecg.photos(records, **{**SMALL, **options}))


# --- PyTorch


def test_torch_is_asked_for_when_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "fastecg.torch", raising=False)
    with pytest.raises(ImportError, match="pip install torch"):
        import fastecg.torch  # noqa: F401


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def batches(data, **options):
    from torch.utils.data import DataLoader

    from fastecg.torch import collate

    return list(DataLoader(data, collate_fn=collate, **options))


def test_items_are_tensors(torch, records):
    from fastecg.torch import EcgPhotos

    data = EcgPhotos(records, truth=TRUTHS, **SMALL)
    item, (expected,) = data[-1], data.source.examples(4)
    assert len(data) == 5
    assert item["image"].dtype == item["mask"].dtype == torch.uint8
    np.testing.assert_array_equal(item["image"].numpy(), expected["image"].transpose(2, 0, 1))
    np.testing.assert_array_equal(item["layers"].numpy(), expected["layers"])
    assert [len(points) for points in item["points"]] == [len(points) for points in expected["points"]]
    with pytest.raises(IndexError):
        data[5]


def test_batches_do_not_depend_on_workers_and_follow_the_epoch(torch, records):
    from fastecg.torch import EcgPhotos

    data = EcgPhotos(records, crop=64, crops=2, **SMALL)
    seen = []
    for workers in (0, 2):
        for epoch in (0, 1):
            data.set_epoch(epoch)
            seen.append(torch.cat([batch["image"] for batch in batches(data, batch_size=2, num_workers=workers)]))
    assert seen[0].shape == (10, 3, 64, 64)
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert not torch.equal(seen[0], seen[1])


def test_workers_that_live_on_see_the_next_epoch(torch, records):
    from torch.utils.data import DataLoader

    from fastecg.torch import EcgPhotos, collate

    data = EcgPhotos(records[:2], **SMALL)
    loader = DataLoader(data, num_workers=1, persistent_workers=True, collate_fn=collate)
    for epoch in (0, 1):
        data.set_epoch(epoch)
        assert [batch["variant"] for batch in loader] == [[epoch], [epoch]]


def test_a_stream_is_shared_among_workers_and_trainers(torch, records):
    from fastecg.torch import EcgPhotos

    data = EcgPhotos(records, **SMALL)
    names = [batch["record"] for part in ((1, 2), (2, 2)) for batch in batches(data.stream(part=part), batch_size=1, num_workers=2)]
    assert sorted(itertools.chain(*names)) == [f"r{k}" for k in range(5)]


def test_pictures_of_different_sizes_are_filled_up(torch):
    from fastecg.torch import collate

    one, other = ({"image": torch.full((3, *size), 7, dtype=torch.uint8), "record": "r"} for size in ((4, 6), (5, 3)))
    batch = collate([one, [other, one]])
    assert batch["image"].shape == (3, 3, 5, 6)
    assert batch["image"][1].sum() == other["image"].sum()
    assert batch["image"][0, :, 4].sum() == 0
    assert batch["record"] == ["r", "r", "r"]


def test_the_example_from_pictures_to_signals_learns(torch, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_signal.py", "--steps", "8", "--batch", "4"])
    runpy.run_path(str(ROOT / "docs" / "examples" / "train_signal.py"), run_name="__main__")
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines() if line.startswith("step")]
    assert len(losses) == 8
    assert min(losses[-2:]) < losses[0]


def marked(example):
    """A transform that pickles."""
    return example | {"image": 255 - example["image"], "double": example["mask"] * 2}


def test_a_transform_gets_every_example(records):
    plain, turned = (list(fastecg.photos(records, crop=64, crops=2, transform=way, **SMALL)) for way in (None, marked))
    assert len(plain) == len(turned) == 10
    for one, other in zip(plain, turned, strict=True):
        np.testing.assert_array_equal(other["image"], 255 - one["image"])
        np.testing.assert_array_equal(other["double"], one["mask"] * 2)


def test_tensors_of_a_transform_and_the_length_of_a_stream(torch, records):
    from torch.utils.data import DataLoader

    from fastecg.torch import EcgPhotos, collate

    photos = EcgPhotos(records, crop=64, crops=3, transform=marked, **SMALL)
    assert len(photos.stream()) == 15
    assert len(photos.stream(part=(2, 2))) == 6
    loader = DataLoader(photos.stream(), batch_size=4, num_workers=2, collate_fn=collate)
    batches = list(loader)
    assert sum(len(batch["image"]) for batch in batches) == 15
    assert len(loader) == 4
    assert batches[0]["image"].shape[1:] == (3, 64, 64)
    assert isinstance(batches[0]["double"][0], torch.Tensor)
    for part, count in (((1, 2), 9), ((2, 2), 6)):
        stream = photos.stream(part=part)
        found = [name for batch in DataLoader(stream, batch_size=4, num_workers=2, collate_fn=collate) for name in batch["record"]]
        assert len(found) == len(stream) == count
        # The workers divide the records of this part among them, and none of those of the other part.
        assert set(found) == {photos.source.origins[k].name for k in photos.source.order(0, part)}


@pytest.mark.parametrize("layout", ["3x4+1", "12x1", "6x2"])
def test_signals_are_what_the_picture_shows(layout):
    record = fastecg.simulate(seconds=20, fs=500, seed=1, name="r")
    (example,) = fastecg.photos(record, truth=("signal", "points"), layout=layout, recipe="clean", dpi=60)
    signal, first = example["signal"], 5000 * example["page"]
    assert signal.shape == (12, 5000)
    assert example["fs"] == 500
    shown = np.isfinite(signal)
    np.testing.assert_array_equal(signal[shown], record.signal[:, first : first + 5000][shown])
    seconds = {"3x4+1": 2.5, "12x1": 10, "6x2": 5}[layout]
    assert shown[fastecg.LEADS.index("V1")].sum() == pytest.approx(500 * seconds, rel=0.02)
    assert shown.sum() == pytest.approx(sum(len(points) for lead, points in zip(example["leads"], example["points"], strict=True))
                                        - (1250 if layout == "3x4+1" else 0), rel=0.02)  # fmt: skip


def test_a_window_has_the_signal_that_is_in_it():
    record = fastecg.simulate(seconds=10, fs=500, seed=1, name="r")
    examples = list(fastecg.photos(record, truth=("signal", "points"), recipe="clean", layout="3x4", dpi=60, crop=200, crops=6))
    for example in examples:
        inside = dict(zip(example["leads"], example["visible"], strict=True))
        counts = {lead: int(np.isfinite(example["signal"][fastecg.LEADS.index(lead)]).sum()) for lead in inside}
        assert counts == {lead: int(visible.sum()) for lead, visible in inside.items()}
    assert 0 < np.isfinite([example["signal"] for example in examples]).mean() < 0.25


def test_signals_of_different_lengths_make_a_batch(torch):
    from fastecg.torch import EcgPhotos, collate

    photos = EcgPhotos([fastecg.simulate(fs=fs, seed=k, name=f"r{k}") for k, fs in enumerate((100, 250))], truth=("signal",), **SMALL)
    batch = collate([photos[0], photos[1]])
    assert batch["signal"].shape == (2, 12, 2500)
    assert bool(batch["signal"][0, :, 1000:].isnan().all())
    assert batch["fs"] == [100.0, 250.0]


def test_the_example_trains_a_network(torch, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_segmentation.py", "--steps", "6", "--crop", "128", "--batch", "8"])
    runpy.run_path(str(ROOT / "docs" / "examples" / "train_segmentation.py"), run_name="__main__")
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines() if line.startswith("step")]
    assert len(losses) == 6
    assert losses[-1] < losses[0]
