"""Runs into what is no folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner
from written import comparable, contents

import fastecg
from fastecg.cli import app
from fastecg.errors import FastecgError
from fastecg.run import dataset, outputs
from fastecg.writers import write_record

fsspec = pytest.importorskip("fsspec")
OPTIONS = {"dpi": 50.0, "truth": ("json", "mask")}


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for seed in range(3):
        write_record(folder / f"sub{seed}" / f"r{seed}", fastecg.simulate(fs=100, seconds=20, seed=seed))
    return folder


@pytest.fixture(scope="module")
def whole(records, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole")
    dataset.render_dataset([records], out, workers=1, **OPTIONS)
    return contents(out)


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def stored(files, root: str = "/bucket/out") -> dict[str, bytes]:
    return comparable({name.removeprefix(f"{root}/"): files.cat_file(name) for name in files.find(root)})


def test_a_url_holds_the_same_bytes_as_a_folder(records, whole, memory):
    dataset.render_dataset([records], "memory://bucket/out", workers=1, **OPTIONS)
    assert stored(memory) == whole


def test_pictures_for_this_process_s_own_memory_are_drawn_by_it(records, whole, memory):
    dataset.render_dataset([records], "memory://bucket/out", workers=2, **OPTIONS)
    assert stored(memory) == whole


def test_a_run_to_a_url_goes_on(records, whole, memory):
    dataset.render_dataset([records], "memory://bucket/out", workers=1, **OPTIONS)
    for name in ("sub0/r0-1.png", "sub1/r1-0.mask.png"):
        memory.rm_file(f"/bucket/out/{name}")
    memory.pipe_file("/bucket/out/sub2/r2.dat", b"")
    summary = dataset.render_dataset([records], "memory://bucket/out", workers=1, **OPTIONS)
    assert (summary.pages, summary.kept) == (2, 4)
    assert stored(memory) == whole


def test_a_stopped_run_to_a_url_sends_its_manifest(records, whole, memory):
    def stop(_: dataset.Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dataset.render_dataset([records], "memory://bucket/out", workers=1, progress=stop, **OPTIONS)
    assert dataset.render_dataset([records], "memory://bucket/out", workers=1, **OPTIONS).kept == 2
    assert stored(memory) == whole


def test_other_options_are_refused_and_overwritten(records, memory):
    dataset.render_dataset([records], "memory://bucket/out", workers=1, **OPTIONS)
    with pytest.raises(FastecgError, match="memory://bucket/out: made with other options"):
        dataset.render_dataset([records], "memory://bucket/out", workers=1, seed=1, **OPTIONS)
    dataset.render_dataset([records], "memory://bucket/out", workers=1, dpi=50, format="jpg", overwrite=True)
    assert sorted(name.rpartition(".")[2] for name in stored(memory)) == ["dat"] * 3 + ["hea"] * 3 + ["jpg"] * 6 + ["json"] * 7 + ["jsonl"]


def test_workers_send_to_a_url(records, whole, tmp_path):
    result = CliRunner().invoke(
        app, ["render", str(records), "-o", f"file://{tmp_path / 'out'}", "--dpi", "50", "--truth", "json,mask", "--workers", "2"]
    )
    assert result.exit_code == 0, result.output
    assert stored(fsspec.filesystem("file"), str(tmp_path / "out")) == whole


def test_shards_share_a_url(records, whole, memory):
    for k in (3, 1, 2):
        dataset.render_dataset([records], "memory://bucket/out", workers=1, shard=(k, 3), **OPTIONS)
    names = {f"manifest.{k}-of-3.jsonl" for k in (1, 2, 3)}
    assert stored(memory).keys() - whole.keys() == names
    assert "manifest.jsonl" not in stored(memory)
    again = dataset.render_dataset([records], "memory://bucket/out", workers=1, shard=(2, 3), **OPTIONS)
    assert (again.pages, again.kept) == (0, 2)
    last = dataset.render_dataset([records], "memory://bucket/out", workers=1, **OPTIONS)
    assert (last.pages, last.kept) == (0, 6)
    assert stored(memory) == whole


def test_a_shard_stopped_on_its_way_to_a_url_goes_on(records, whole, memory):
    def stop(_: dataset.Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dataset.render_dataset([records], "memory://bucket/out", workers=1, shard=(1, 2), progress=stop, **OPTIONS)
    assert dataset.render_dataset([records], "memory://bucket/out", workers=1, shard=(1, 2), **OPTIONS).kept == 2
    assert dataset.render_dataset([records], "memory://bucket/out", workers=1, **OPTIONS).pages == 2  # the other shard's
    assert stored(memory) == whole


def test_a_shard_knows_what_a_run_without_shards_has_drawn(records, whole, memory):
    dataset.render_dataset([records], "memory://bucket/out", workers=1, limit=1, **OPTIONS)
    assert dataset.render_dataset([records], "memory://bucket/out", workers=1, shard=(1, 3), **OPTIONS).kept == 2
    assert dataset.render_dataset([records], "memory://bucket/out", workers=1, **OPTIONS).pages == 4
    assert stored(memory) == whole


def test_a_failure_in_a_shard_is_told_until_it_is_mended(records, whole, memory, tmp_path):
    broken = tmp_path / "in"
    shutil.copytree(records, broken)
    (broken / "sub1" / "r1.dat").unlink()
    for k in (1, 2, 3):
        dataset.render_dataset([broken], "memory://bucket/out", workers=1, shard=(k, 3), **OPTIONS)
    dataset.render_dataset([broken], "memory://bucket/out", workers=1, **OPTIONS)
    assert b"error" in stored(memory)["manifest.jsonl"]
    shutil.copy(records / "sub1" / "r1.dat", broken / "sub1")
    dataset.render_dataset([broken], "memory://bucket/out", workers=1, shard=(2, 3), **OPTIONS)
    dataset.render_dataset([broken], "memory://bucket/out", workers=1, shard=(1, 3), **OPTIONS)
    dataset.render_dataset([broken], "memory://bucket/out", workers=1, **OPTIONS)
    assert stored(memory) == whole


def test_shards_of_other_options_are_refused(records, memory):
    dataset.render_dataset([records], "memory://bucket/out", workers=1, shard=(1, 3), **OPTIONS)
    for overwrite in (False, True):
        with pytest.raises(FastecgError, match="other shards were made with other options"):
            dataset.render_dataset([records], "memory://bucket/out", workers=1, shard=(2, 3), seed=1, overwrite=overwrite, **OPTIONS)


def test_a_url_that_nothing_can_write_to(records):
    with pytest.raises(FastecgError, match="nothing://x: cannot be written to"):
        dataset.render_dataset([records], "nothing://x", workers=1)


def test_images_are_sent_last(tmp_path, monkeypatch):
    """Where an image is, all of it is: what was written first is sent first, whatever its name."""
    order = ["z/r-0.json", "z/r-0.mask.png", "z/r-0.png", "a/r.dat", "m.hea"]
    for age, name in enumerate(order):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
        os.utime(tmp_path / name, ns=(10**18 + age, 10**18 + age))
    sent = []
    monkeypatch.setattr(outputs, "_put", lambda files, name, data: sent.append((name, data)))
    outputs.send_folder(tmp_path, "memory://bucket/out")
    assert sent == [(f"/bucket/out/{name}", name.encode()) for name in order]


def test_folders_of_a_store_that_has_some_are_made(tmp_path):
    outputs._put(fsspec.filesystem("file"), f"{tmp_path}/a/b/c.png", b"x")
    assert (tmp_path / "a" / "b" / "c.png").read_bytes() == b"x"
