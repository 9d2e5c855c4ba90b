"""No command waits for a pipe, or reads a device: only regular files are read, whatever their names."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import orjson
import pytest
from PIL import Image
from typer.testing import CliRunner

import fastecg
from fastecg.cli import app
from fastecg.digitizing.page_model import read_page
from fastecg.errors import FastecgError, LayoutError

resource = pytest.importorskip("resource")  # not on Windows

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="pipes, devices and limits as Linux has them")

_LONGEST_S = 30  # what waits, waits for ever; kernels may have to be compiled
_MOST_BYTES = 3 << 30

#: Command lines in which PIPE is a pipe or a device, and whatever else is there.
GIVEN = [
    *(f"render PIPE{suffix} -o out" for suffix in (".hea", ".csv", ".npy", ".npz", ".edf", ".bdf", ".dcm", ".xml", ".scp")),
    "render PIPE.mat -o out",
    "render folder-of-PIPE.hea -o out",
    "render RECORDS -o out",
    "render record.hea -o out --recipe PIPE.toml",
    "render record.hea -o out --header-text PIPE",
    "render record.hea -o out --notes PIPE",
    "render record.hea -o out --notes-font PIPE.ttf",
    *(f"digitize PIPE{suffix} -o out" for suffix in (".png", ".jpg", ".tif", ".webp", ".bmp", ".pdf", ".heic")),
    "digitize picture.png -o out --weights PIPE.onnx",
    "digitize picture.png -o out --page PIPE.json",
    "score PIPE.hea record.hea",
    "score record.hea PIPE.hea",
    "inspect PIPE.png",
    "train record.hea -o out --start PIPE.onnx --hours 0.001",
]

#: Files of a rendered folder, and of a digitised one, that are pipes or devices instead, with a command that reads them.
INSIDE = [
    *(("rendered", name, "inspect rendered") for name in ("manifest.jsonl", "x-0.png", "x-0.json", "x-0.mask.png")),
    *(
        ("rendered", name, f"export rendered out --to {to}")
        for name in ("manifest.jsonl", "x-0.png", "x-0.json", "x-0.mask.png", "x.hea", "x.dat")
        for to in ("coco", "webdataset", "nnunet", "ecg-digitiser")
    ),
    *(("rendered", name, "render record.hea -o rendered --overwrite") for name in ("manifest.jsonl", "run.json")),
    *(("rendered", name, "score rendered rendered") for name in ("manifest.jsonl", "x-0.json", "x.hea", "x.dat")),
    *(("digitised", name, "review digitised") for name in ("digitized.jsonl", "summary.csv", "p.json", "p.png")),
    *(("digitised", name, "digitize picture.png -o digitised") for name in ("digitized.jsonl", "summary.csv")),
]


class Waiting(BaseException):
    """Raised in a command that waits; no handler of exceptions takes it."""


def ended(arguments: list[str]) -> None:
    """Run a command, which may refuse, but neither wait nor fall over."""

    def late(*_: object) -> None:
        raise Waiting(" ".join(arguments))

    before, limits = signal.signal(signal.SIGALRM, late), resource.getrlimit(resource.RLIMIT_AS)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + _MOST_BYTES, limits[1]))  # what reads a device would take the machine's
    signal.alarm(_LONGEST_S)
    try:
        result = CliRunner().invoke(app, arguments)
    except Waiting:
        pytest.fail(f"fastecg {' '.join(arguments)} waits")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A record, a picture, a rendered folder, and one that looks digitised."""
    base = tmp_path_factory.mktemp("pipes")
    record = fastecg.simulate("sinus", seed=3, fs=250, name="x")
    fastecg.write_record(base / "record", record)
    fastecg.write_record(base / "x", record)
    made = CliRunner().invoke(
        app, ["render", str(base / "x.hea"), "-o", str(base / "rendered"), "--recipe", "clean", "--dpi", "60", "--truth", "json,mask"]
    )
    assert made.exit_code == 0, made.output
    Image.new("RGB", (60, 60)).save(base / "picture.png")
    (base / "digitised").mkdir()
    shutil.copy(base / "picture.png", base / "digitised" / "p.png")
    fastecg.write_record(base / "digitised" / "p", record)
    line = {"source": "p.png", "page": 0, "record": "p", "bytes": {}, "layout": "3x4", "order": "sure", "confidence": 1.0, "read": 1.0}
    (base / "digitised" / "digitized.jsonl").write_bytes(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    (base / "digitised" / "p.json").write_bytes(orjson.dumps({"layout": "3x4", "segments": []}))
    return base


def laid(place: Path, kind: str) -> None:
    """A pipe, or a link to a device without end, in a file's place."""
    place.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("line", GIVEN)
def test_what_is_given_has_to_be_a_file(folders, tmp_path, monkeypatch, line, kind):
    monkeypatch.chdir(tmp_path)
    if line.startswith("train"):
        pytest.importorskip("torch")
    for name in ("record.hea", "record.dat", "picture.png"):
        shutil.copy(folders / name, tmp_path)
    words = line.split()
    for k, word in enumerate(words):
        if word.startswith("folder-of-"):
            (tmp_path / "folder").mkdir()
            laid(tmp_path / "folder" / word.removeprefix("folder-of-"), kind)
            words[k] = "folder"
        elif "PIPE" in word or word == "RECORDS":
            laid(tmp_path / word, kind)
    ended(words)


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize(("folder", "name", "line"), INSIDE)
def test_what_lies_in_a_folder_has_to_be_a_file(folders, tmp_path, monkeypatch, folder, name, line, kind):
    monkeypatch.chdir(tmp_path)
    for each in ("record.hea", "record.dat", "picture.png"):
        shutil.copy(folders / each, tmp_path)
    shutil.copytree(folders / folder, tmp_path / folder)
    assert (tmp_path / folder / name).is_file() or name in ("summary.csv",), "the command would not look at it"
    laid(tmp_path / folder / name, kind)
    ended(line.split())


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_corrected_page_is_a_file(tmp_path, kind):
    laid(tmp_path / "page.json", kind)
    with pytest.raises(LayoutError, match="pipe or a device"):
        read_page(tmp_path / "page.json")


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("name", ["layernet.pt", "log.jsonl"])
def test_training_goes_on_from_files(tmp_path, name, kind):
    train = pytest.importorskip("fastecg.digitizing.train")
    laid(tmp_path / name, kind)
    with pytest.raises(FastecgError, match="pipe or a device"):
        train.Trainer(train.TrainConfig(), tmp_path) if name == "layernet.pt" else train.curves(tmp_path)
