"""Names of files and records that are no text, or too long: drawn, exported and shown like others."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

import fastecg
from fastecg.cli import app
from fastecg.export import export
from fastecg.export.rendered import Rendered
from fastecg.recipes.distributions import rng_for
from fastecg.record import Record
from fastecg.run import dataset
from fastecg.system.files import spelled
from fastecg.web import inspect
from fastecg.writers import write_record

SMALL = {"dpi": 40, "workers": 1}


def put(path: Path, seed: int = 0) -> None:
    write_record(path, fastecg.simulate(fs=100, seed=seed))


@pytest.fixture
def odd(tmp_path) -> Path:
    """Records in a folder, and a record in a file, that are named in Latin-1; and two folders that are spelled alike."""
    folder = tmp_path / os.fsdecode(b"M\xfcller")
    try:
        folder.mkdir()
    except OSError:  # macOS takes UTF-8 only
        pytest.skip("the file system takes no such name")
    inside = folder / os.fsdecode(b"St\xe4tion") / "a"
    inside.parent.mkdir()
    put(inside)
    (folder / "St\xe4tion").mkdir()
    put(folder / "St\xe4tion" / "a", 1)
    for suffix in ("hea", "dat"):
        put(folder / "b", 2)
        (folder / f"b.{suffix}").rename(folder / os.fsdecode(b"\xe9t\xe9." + suffix.encode()))
    header = folder / os.fsdecode(b"\xe9t\xe9.hea")
    header.write_bytes(header.read_bytes().replace(b"b.dat", b"\xe9t\xe9.dat"))
    (folder / os.fsdecode(b"bad\xff.hea")).write_text("nothing 1\n")
    for left in folder.glob("b.*"):
        left.unlink()
    return folder


def test_names_are_spelled():
    assert spelled("a\xe9") == "a\xe9"
    assert spelled(os.fsdecode(b"M\xfcller")) == "M\xfcller"
    assert spelled("\ud800x") == "?x"


def test_a_run_over_names_that_are_no_text(odd, tmp_path):
    out = tmp_path / os.fsdecode(b"out\xff")
    summary = dataset.render_dataset([odd], out, **SMALL)
    lines = [orjson.loads(line) for line in (out / "manifest.jsonl").read_bytes().splitlines()]
    drawn = sorted(line["path"] for line in lines if "path" in line)
    # A signal file that is named outside ASCII is refused by the header's rules; what matters is that it costs one record.
    assert drawn == ["St\xe4tion/a-0.png", "St\xe4tion/a_2-0.png"]
    assert all((out / path).is_file() for path in drawn)
    assert sorted(line["record"] for line in lines if "error" in line) == ["_t_", "bad_"]
    assert (summary.pages, len(summary.failures)) == (2, 2)
    again = dataset.render_dataset([odd], out, **SMALL)
    assert (again.pages, again.kept) == (0, 2)
    path, shown, _ = inspect.inspect_folder(out)
    assert shown == 2
    assert path.read_text("utf-8")
    assert export(out, tmp_path / "shards", to="webdataset") == 2


def test_the_command_line_tells_of_names_that_are_no_text(odd, tmp_path):
    words = [sys.executable, "-c", "from fastecg.cli import main; main()"]
    out = os.fsencode(tmp_path) + b"/out\xff"
    done = subprocess.run([*words, "render", odd, "-o", out, "--dpi", "40", "--workers", "1"], capture_output=True)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"2 records failed" in done.stderr
    for command in ([b"inspect", out], [b"render", os.fsencode(odd) + b"/none\xff", b"-o", out]):
        done = subprocess.run([*words, *command], capture_output=True)
        assert b"Traceback" not in done.stderr
        assert done.returncode == (0 if command[0] == b"inspect" else 2)


CONTROLS = "\x1b]0;title\x07\x1b[2J\u202e\rx"


@pytest.mark.skipif(os.name != "posix", reason="such names")
def test_no_name_moves_the_cursor_of_a_terminal(tmp_path):
    """Escape sequences in names of files, which others may have made, are shown as question marks."""
    for suffix in (".hea", ".png"):
        (tmp_path / (CONTROLS + suffix)).write_bytes(b"nothing 1\n")
    for words in (
        ["render", tmp_path],
        ["digitize", tmp_path],
        ["render", tmp_path / (CONTROLS + "none")],
        ["digitize", tmp_path / (CONTROLS + ".jpg")],
    ):
        result = CliRunner().invoke(app, [*map(str, words), "-o", str(tmp_path / "out"), "--workers", "1"])
        assert result.exit_code in (1, 2)
        assert "?]0;title??[2J??x" in result.output
        assert not set(CONTROLS) - set("]0;title[2Jx") & set(result.output.replace("\r\n", "\n"))
    assert str(fastecg.RecordError(CONTROLS + "\n\tend")) == "?]0;title??[2J??x??end"


@pytest.mark.parametrize("name", ["\udcff", "a\ud800b", "\udfff/x", "na\u0308me"])
def test_records_of_any_name_are_drawn_and_replayed(tmp_path, name):
    record = Record(np.sin(np.arange(1000) / 9)[None], 100, ["II"], name)
    record.name.encode()
    photo = fastecg.render(record, recipe="scan", dpi=40, seed=1)
    photo.save(tmp_path / "x.png")
    assert orjson.loads((tmp_path / "x.json").read_bytes())["fastecg"]["record"] == record.name
    assert dataset.render_dataset(record, tmp_path / "out", **SMALL).pages == 1
    assert rng_for(0, name, "slot").random() == rng_for(0, name, "slot").random() != rng_for(0, name + "x", "slot").random()


def test_text_that_cannot_be_written_is_refused(tmp_path):
    record = fastecg.simulate(seed=1)
    for words in ({"header_text": ["\ud800"]}, {"notes": ["\udcff"]}):
        with pytest.raises(fastecg.RecipeError, match="half a character"):
            dataset.render_dataset(record, tmp_path, **words)
    shot = fastecg.render(record, dpi=40).shot.to_dict()
    for change in ({"recipe": "\ud800"}, {"facts": shot["facts"] | {"device": "\udcff"}}):
        with pytest.raises(fastecg.RecipeError, match="half a character"):
            fastecg.Shot.from_dict(shot | change)


def rendered(path: str) -> Rendered:
    return Rendered(Path(), {"path": path, "record": path.rpartition("-")[0]})


def test_keys_are_short_and_each_its_own():
    assert rendered("a/b-0.png").key == "a__b-0"
    long = [rendered(f"{'f' * 60}/{'ä' * 90}{tail}-{k}.png").key for tail in ("", "x") for k in range(2)]
    assert len(set(long)) == 4
    assert max(len(key.encode()) for key in long) <= 88
    edge = ["e" * 86 + "-0.png", "e" * 87 + "-0.png"]
    assert [len(rendered(path).key) for path in edge] == [88, 88]
    assert rendered(edge[0]).key == "e" * 86 + "-0"


@pytest.mark.parametrize("to", ["webdataset", "coco", "yolo", "nnunet"])
def test_records_of_long_names_are_exported(tmp_path, to):
    folder = tmp_path / "records" / ("f" * 100)
    folder.mkdir(parents=True)
    put(folder / ("r" * 150))
    dataset.render_dataset([tmp_path / "records"], tmp_path / "out", **SMALL)
    assert export(tmp_path / "out", tmp_path / to, to=to, val=0.0) == 1
    if to == "webdataset":
        with tarfile.open(tmp_path / to / "train-000000.tar") as shard:
            assert sorted(name.partition(".")[2] for name in shard.getnames()) == ["json", "mask.png", "png"]
            assert max(map(len, shard.getnames())) <= 100


def test_names_as_long_as_the_file_system_takes_are_drawn_and_cut(tmp_path):
    """`NAME-0.layers.png` and the names of half files are longer than the record's own."""
    names = ["n" * 200, "n" * 201, "n" * 251, "n" * 250 + "m"]
    folders = ["a", "b", "ä" * 127, "b"]
    for folder, name in zip(folders, names, strict=True):
        (tmp_path / "records" / folder).mkdir(parents=True, exist_ok=True)
        put(tmp_path / "short")
        (tmp_path / "short.dat").rename(tmp_path / "records" / folder / "short.dat")
        header = (tmp_path / "short.hea").read_text().replace("short 12", f"{name} 12")
        (tmp_path / "records" / folder / f"{name}.hea").write_text(header)
    summary = dataset.render_dataset([tmp_path / "records"], tmp_path / "out", truth=("json", "layers"), **SMALL)
    assert summary.pages == 4
    drawn = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png") if "layers" not in path.name)
    assert f"a/{names[0]}-0.png" in drawn  # as it is
    assert all(len(part.encode()) <= 206 for path in drawn for part in path.split("/"))
    assert len(set(drawn)) == 4
    again = dataset.render_dataset([tmp_path / "records"], tmp_path / "out", truth=("json", "layers"), **SMALL)
    assert (again.pages, again.kept) == (0, 4)
