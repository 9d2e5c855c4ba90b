"""Runs that are killed, starved or interrupted, and go on as if nothing had been."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import orjson
import pytest
from events import HANGS_S, listed, until
from written import contents

import fastecg
from fastecg.run import dataset
from fastecg.writers import write_record

resource = pytest.importorskip("resource")  # not on Windows

LONG = bool(os.environ.get("FASTECG_LONG"))
RECORDS = 24 if LONG else 12
ROUNDS = 20 if LONG else 2
OPTIONS = ("--dpi", "60", "--truth", "json,mask", "--per-record", "2")
GO_ON = {"dpi": 60.0, "truth": ("json", "mask"), "per_record": 2, "workers": 1}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(fastecg.__file__).parent.parent)}
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))
from fastecg.cli import main
main()
"""
GROWTH = """
import resource, sys
from pathlib import Path
from fastecg.run.drawing import Task, draw_task
from fastecg.options import Options
from fastecg.recipe import Recipe

def pages(count, first=0):
    for k in range(first, first + count):
        draw_task(Task(f"r{k}", Path(sys.argv[1]) / f"r{k % int(sys.argv[5]):02}.hea"), options, Path(sys.argv[2]))
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

options = Options(recipe="photo", dpi=60.0, format="jpg")
first, more = int(sys.argv[3]), int(sys.argv[4])
before = pages(first)
print(before, pages(more, first))
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for seed in range(RECORDS):
        write_record(folder / f"r{seed:02}", fastecg.simulate(seconds=10 + 10 * (seed % 2), fs=100, seed=seed))
    return folder


@pytest.fixture(scope="module")
def whole(records, tmp_path_factory) -> Path:
    """An uninterrupted run."""
    out = tmp_path_factory.mktemp("whole")
    assert run(records, out, 2).returncode == 0
    return out


def command(source: Path, out: Path, workers: int) -> list[str]:
    return [sys.executable, "-m", "fastecg", "render", str(source), "-o", str(out), "--workers", str(workers), *OPTIONS]


def run(source: Path, out: Path, workers: int = 1) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(source, out, workers), env=ENVIRONMENT, capture_output=True, text=True, timeout=HANGS_S, check=False)


def go_on(source: Path, out: Path, **options: object) -> dataset.Summary:
    """The same run once more, in this process."""
    return dataset.render_dataset([source], out, **{**GO_ON, **options})


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_runs_killed_at_random_moments_go_on(records, whole, tmp_path):
    rng = np.random.default_rng(7)
    expected = contents(whole)
    cut_short = 0
    for k in range(ROUNDS):
        out = tmp_path / f"out{k}"
        with started(records, out, 1 + k % 2) as process:
            underway(process, out, rng)
            process.kill()
        cut_short += contents(out) != expected
        go_on(records, out)
        assert contents(out) == expected
    assert cut_short >= ROUNDS / 2


def started(source: Path, out: Path, workers: int) -> subprocess.Popen[str]:
    """A run whose processes are known by their environment."""
    environment = ENVIRONMENT | {"FASTECG_TEST_OUT": str(out)}
    return subprocess.Popen(command(source, out, workers), env=environment, stderr=subprocess.PIPE, text=True)


def underway(process: subprocess.Popen[str], out: Path, rng: np.random.Generator) -> None:
    """Wait until a run has begun to write, and then for as many of the first half of its pictures as chance says."""
    pictures = int(rng.integers(0, 3 * RECORDS // 2))
    until(lambda: process.poll() is not None or ((out / "run.json").exists() and listed(out) >= pictures))


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc")
def test_workers_end_with_a_killed_parent(records, tmp_path):
    out = tmp_path / "out"
    with started(records, out, 2) as process:
        until(lambda: (out / "manifest.jsonl").exists())
        assert len(workers_of(out)) >= 3
        process.kill()
    until(lambda: not workers_of(out))


STRIKES = ("parent killed", "worker killed", "SIGTERM", "SIGSTOP and SIGCONT", "disk full", "folder gone")


@pytest.mark.skipif(not hasattr(resource, "prlimit") or not Path("/proc/self/environ").exists(), reason="Linux only")
@pytest.mark.parametrize("strike", STRIKES)
def test_runs_that_are_struck_go_on(records, whole, tmp_path, strike):
    """Whatever strikes a run at whatever moment, it ends, says no more than a line, and the same command leaves what is expected."""
    expected, hit = contents(whole), 0
    for k in range(ROUNDS if LONG else 1):
        rng = np.random.default_rng([STRIKES.index(strike), k])
        out = tmp_path / f"out{k}"
        with started(records, out, 2) as process:
            underway(process, out, rng)
            hit += process.poll() is None
            struck(strike, process, out, rng)
            said = process.communicate(timeout=HANGS_S)[1]
        assert "Traceback" not in said, said
        if strike == "SIGSTOP and SIGCONT":
            assert process.returncode == 0, said
            assert contents(out) == expected
        go_on(records, out)
        assert contents(out) == expected
        until(lambda out=out: not workers_of(out))
    assert hit >= 1


def struck(strike: str, process: subprocess.Popen[str], out: Path, rng: np.random.Generator) -> None:
    """Do it to a run of two workers, if it still runs."""
    # Python's own keeper of semaphores is no worker: it tells of its death at length, and the run goes on.
    with suppress(OSError):
        workers = [int(pid) for pid in workers_of(out) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if strike == "parent killed":
            process.kill()
        elif strike == "worker killed" and workers:
            os.kill(int(rng.choice(workers)), signal.SIGKILL)
        elif strike == "SIGTERM":
            process.terminate()
        elif strike == "SIGSTOP and SIGCONT":
            stopped = int(rng.choice([process.pid, *workers]))
            os.kill(stopped, signal.SIGSTOP)
            time.sleep(0.5)  # for the others to do what there is to do
            os.kill(stopped, signal.SIGCONT)
        elif strike == "disk full":
            room = int(rng.choice([0, 100, 3000, 20_000]))  # bytes that any one file may still have
            for pid in (process.pid, *workers):
                with suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, room))
        elif strike == "folder gone":
            shutil.rmtree(out, ignore_errors=True)


def workers_of(out: Path) -> list[str]:
    """Processes that the killed run into `out` has left behind."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            mine = f"FASTECG_TEST_OUT={out}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if mine and (folder / "cmdline").read_bytes():
                found.append(folder.name)
    return found


def test_any_number_of_workers_writes_the_same_bytes(records, whole, tmp_path):
    for workers in (1, 7 if LONG else 3):
        go_on(records, tmp_path / str(workers), workers=workers)
        assert contents(tmp_path / str(workers)) == contents(whole)


def test_jpeg_runs_write_the_same_bytes_too(records, tmp_path):
    for workers in (1, 2):
        dataset.render_dataset([records], tmp_path / str(workers), dpi=60.0, format="jpg", workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_shards_part_a_run_exactly(records, whole, tmp_path):
    parts = []
    for k in range(1, 6):
        out = tmp_path / str(k)
        go_on(records, out, shard=(k, 5))
        parts.append({name: body for name, body in contents(out).items() if name not in ("manifest.jsonl", "run.json")})
    together = {name: body for part in parts for name, body in part.items()}
    assert sum(map(len, parts)) == len(together)
    assert together.items() == {(name, body) for name, body in contents(whole).items() if name not in ("manifest.jsonl", "run.json")}


# --- disks


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file size")
def test_a_disk_that_takes_no_more_is_one_line_and_the_run_goes_on(records, whole, tmp_path):
    out = tmp_path / "out"
    code = LIMITED.format(most=min(path.stat().st_size for path in whole.glob("*-0.png")) // 2)
    words = [sys.executable, "-c", code, *command(records, out, 2)[3:]]
    for workers in ("1", "2"):
        words[words.index("--workers") + 1] = workers
        starved = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=HANGS_S, check=False)
        assert starved.returncode == 1
        line = " ".join(starved.stderr.split())
        assert line.startswith("fastecg: ")
        assert "File too large; once that is mended, the same command goes on from here" in line
        assert not [path for path in contents(out) if path.endswith(".png")]
    go_on(records, out)
    assert contents(out) == contents(whole)


def test_a_manifest_cut_short_by_a_full_disk_is_mended(records, whole, tmp_path, monkeypatch):
    out = tmp_path / "out"
    write, calls = os.write, []

    def nearly_full(handle: int, data: bytes) -> int:
        calls.append(data)
        return write(handle, data[:37] if len(calls) == 3 else data)

    monkeypatch.setattr("fastecg.run.manifest.os.write", nearly_full)
    with pytest.raises(OSError, match=r"manifest.jsonl") as caught:
        go_on(records, out, shard=(1, 1))
    assert caught.value.errno == 28
    assert not (out / "manifest.jsonl").read_bytes().endswith(b"\n")
    assert go_on(records, out).kept >= 2
    assert contents(out) == contents(whole)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_one_line(records, tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    said = run(records, tmp_path / "out")
    assert said.returncode == 1
    assert "Permission denied" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_folder_that_cannot_be_made_is_one_line(records, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = run(records, tmp_path / "file" / "out")
    assert said.returncode == 1
    assert len(said.stderr.strip().splitlines()) <= 2  # console width
    assert "Traceback" not in said.stderr


def test_what_a_power_cut_leaves_empty_is_written_again(records, whole, tmp_path):
    out = tmp_path / "out"
    go_on(records, out)
    for name in ("r00-0.json", "r01-0.mask.png", "r02-1.png", "r03.dat", "r04.hea"):
        (out / name).write_bytes(b"")
    (out / "r05.dat").write_bytes((out / "r05.dat").read_bytes()[:4096])
    (out / ".r06-0.png.0123456789ab.part").write_bytes(b"half")
    (out / "..part").write_bytes(b"not ours")
    assert go_on(records, out).pages == 3
    (out / "..part").unlink()
    assert contents(out) == contents(whole)


def test_options_and_manifest_that_a_power_cut_left_empty_stop_no_run(records, whole, tmp_path):
    out = tmp_path / "out"
    go_on(records, out)
    (out / "run.json").write_bytes(b"")
    (out / "manifest.jsonl").write_bytes(b"\0" * 512)
    go_on(records, out)
    assert contents(out) == contents(whole)


def test_half_files_of_other_shards_are_left_alone(records, tmp_path):
    dataset.render_dataset([records], tmp_path, shard=(1, 4), dpi=60.0, workers=1)
    mine, other = tmp_path / ".r04-0.png.0123456789ab.part", tmp_path / ".r05-0.png.0123456789ab.part"
    theirs = tmp_path / ".run.json.0123456789ab.part"  # of a shard that starts just now
    for path in (mine, other, theirs):
        path.write_bytes(b"half")
    dataset.render_dataset([records], tmp_path, shard=(1, 4), dpi=60.0, workers=1)
    assert (mine.exists(), other.exists(), theirs.exists()) == (False, True, True)
    dataset.render_dataset([records], tmp_path, dpi=60.0, workers=1)
    assert not theirs.exists()


# --- one record in many


def test_poisoned_records_cost_themselves_alone(records, tmp_path):
    names = [f"r{k:02}" for k in range(RECORDS)]
    for name in names:
        for suffix in (".hea", ".dat"):
            os.link(records / (name + suffix), tmp_path / (name + suffix))
    (tmp_path / "cut.hea").write_text("cut 12")
    (tmp_path / "RECORDS").write_text("\n".join(["gone", *names, "cut", "no/where/at/all"]))
    said = run(tmp_path / "RECORDS", tmp_path / "out", 2)
    assert said.returncode == 1
    lines = [orjson.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_bytes().splitlines()]
    reasons = {line["record"]: line["error"] for line in lines if "error" in line}
    assert sorted(reasons) == ["cut", "gone", "no/where/at/all"]
    assert "no such file" in reasons["gone"]
    assert {line["record"] for line in lines if "path" in line} == set(names)


def test_an_input_that_is_missing_itself_is_wrong_usage(tmp_path):
    said = run(tmp_path / "gone", tmp_path / "out")
    assert said.returncode == 2
    assert not (tmp_path / "out").exists()


# --- memory


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_memory_stays_flat(records, tmp_path):
    """A worker grows by less than 8 MB and 4 kB a record over some hundred records."""
    count = 2000 if LONG else 120
    words = [sys.executable, "-c", GROWTH, str(records), str(tmp_path), "60", str(count), str(RECORDS)]
    # A process that compiles keeps what the compiler took; users' workers find the kernels compiled.
    subprocess.check_output([*words[:4], str(tmp_path / "compiled"), "20", "0", str(RECORDS)], env=ENVIRONMENT, timeout=HANGS_S)
    before, after = map(int, subprocess.check_output(words, env=ENVIRONMENT, text=True, timeout=HANGS_S).split())
    print(f"{before / 1e6:.0f} MB after 60 records, {after / 1e6:.0f} MB after {count} more")
    assert after - before < 8e6 + 4e3 * count
    assert after < 400e6
