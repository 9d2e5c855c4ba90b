"""Nothing personal goes from a record into any output: canaries in everything a header can hold, looked for in every byte written."""

import re
import zlib
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from typer.testing import CliRunner

import fastecg
from fastecg.cli import app
from fastecg.layouts.report_fields import sample_report_fields
from fastecg.recipe import RECIPES
from fastecg.writers import write_record

CANARIES = ("Kanarienvogel", "Canarydottir", "CANARY1931", "1931-11-23", "23/11/1931", "11:22:33", "serinusfile", "Stieglitz", "Girlitz")


@pytest.fixture(scope="module")
def record_with_canaries(tmp_path_factory) -> Path:
    """A record whose header holds a canary wherever WFDB lets one stand."""
    folder = tmp_path_factory.mktemp("private")
    write_record(folder / "r7", fastecg.simulate("sinus", seed=7, seconds=21))
    (folder / "r7.dat").rename(folder / "serinusfile.dat")
    header = (folder / "r7.hea").read_text().replace("r7.dat", "serinusfile.dat").splitlines()
    first, *signals = (line for line in header if not line.startswith("#"))
    signals[3] = signals[3].replace("aVR", "ECG Girlitz")  # a lead of no known name
    first = " ".join(first.split()[:4]) + " 11:22:33 23/11/1931"
    comments = ["# Name: Canarydottir, Kanarienvogel", "#<age>: 95 <sex>: F", "# Stieglitz canaria", "# born 1931-11-23", "# ID CANARY1931"]
    (folder / "r7.hea").write_text("\n".join([comments[0], first, *signals, *comments[1:]]) + "\n")
    return folder / "r7"


def streams(path: Path) -> list[bytes]:
    """A file's bytes, and what they unpack to."""
    raw = path.read_bytes()
    found = [raw]
    at = 0
    while path.suffix == ".png" and (at := raw.find(b"IDAT", at)) >= 0:
        length = int.from_bytes(raw[at - 4 : at])
        found.append(zlib.decompressobj().decompress(raw[at + 4 : at + 4 + length], 1 << 22))
        at += length
    return found


def holds(path: Path, canary: str) -> bool:
    forms = {form.encode(code) for form in (canary, canary.lower(), canary.upper()) for code in ("utf-8", "utf-16-le", "utf-16-be")}
    return any(form in stream for stream in streams(path) for form in forms)


def run(*arguments: object) -> int:
    return CliRunner().invoke(app, [str(argument) for argument in arguments]).exit_code


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_canary_gets_out(record_with_canaries, tmp_path, recipe):
    truth = "json,mask,layers"
    code = run("render", record_with_canaries, "-o", tmp_path, "--recipe", recipe, "--dpi", 60, "--truth", truth, "--workers", 1)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert code == 0
    assert len(written) > 6
    assert not [(path.name, canary) for path in written for canary in CANARIES if holds(path, canary) or canary in path.name]


def test_no_canary_gets_into_a_refusal(record_with_canaries, tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "r8.hea").write_text(record_with_canaries.with_suffix(".hea").read_text().replace("r7 12", "r8 12"))
    assert run("render", bad, "-o", tmp_path / "out", "--workers", 1) == 1  # its signal file is missing
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [canary for path in written for canary in CANARIES if holds(path, canary)]


def test_a_canary_printed_on_purpose_is_found(record_with_canaries, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("Canarydottir\n")
    assert run("render", record_with_canaries, "-o", tmp_path / "out", "--style", "muse", "--header-text", lines, "--workers", 1) == 0
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert any(holds(path, "Canarydottir") for path in written if path.suffix == ".json")
    with_text = iio.imread(tmp_path / "out" / "r7-0.png")
    assert run("render", record_with_canaries, "-o", tmp_path / "plain", "--style", "muse", "--workers", 1) == 0
    assert np.any(with_text != iio.imread(tmp_path / "plain" / "r7-0.png"))  # and it is on the page


def test_dates_are_made_up_of_thirty_years():
    """Whatever day a record was made: those of a page are drawn from 1996 to 2025."""
    record = fastecg.simulate(seed=1, fs=100)
    years = {int(re.search(r"\d{4}", sample_report_fields(np.random.default_rng(seed), record).date)[0]) for seed in range(400)}
    assert years == set(range(1996, 2026))
