"""Data set runs: what is written where, going on, failures, and bytes that depend on nothing but record, options and seed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import zlib
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import imageio.v3 as iio
import numpy as np
import orjson
import pytest
import wfdb
from events import HANGS_S, listed, until
from written import contents, unpacked

import fastecg
from fastecg.errors import FastecgError, ImageError, LayoutError, RecipeError, RecordError
from fastecg.options import Options
from fastecg.record import Record
from fastecg.run import dataset, drawing, plan, workers
from fastecg.run.drawing import TaskResult
from fastecg.system.interrupts import interrupts_deferred, interrupts_kept
from fastecg.writers import write_record

SMALL = {"dpi": 50, "workers": 1}
CANARY = "Kowalczyk-1957"


def put(path: Path, seconds: float = 10.0, **options) -> None:
    write_record(path, fastecg.simulate(seconds=seconds, fs=100, **options))


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    """Three good records, one of them of 25 s, one in a sub-folder, with personal comments; and one without its signal."""
    folder = tmp_path_factory.mktemp("records")
    put(folder / "a")
    put(folder / "long", 25, seed=1)
    put(folder / "sub" / "a", seed=2, rhythm="atrial_fibrillation")
    put(folder / "lost", seed=3)
    (folder / "lost.dat").unlink()
    for header in folder.rglob("*.hea"):
        first, *rest = header.read_text().splitlines()
        header.write_text("\n".join([f"{first} 07:31:59 13/06/1957", *rest, f"#Name: {CANARY}", f"# {CANARY}"]) + "\n")
    return folder


def lines(out: Path) -> list[dict]:
    return [orjson.loads(line) for line in (out / "manifest.jsonl").read_bytes().splitlines()]


@pytest.fixture(scope="module")
def whole(records, tmp_path_factory) -> Path:
    """A run over the records, in this process."""
    out = tmp_path_factory.mktemp("whole")
    dataset.render_dataset([records], out, **SMALL)
    return out


def test_files_mirror_the_input(whole):
    pages = ["a-0", "long-0", "long-1", "sub/a-0"]
    expected = [f"{page}{suffix}" for page in pages for suffix in (".json", ".png")]
    expected += [f"{record}{suffix}" for record in ("a", "long", "sub/a") for suffix in (".dat", ".hea")]
    assert sorted(contents(whole)) == sorted([*expected, "manifest.jsonl", "run.json"])


def test_manifest_tells_the_truth(whole):
    *images, failed = lines(whole)
    assert [line["path"] for line in images] == ["a-0.png", "long-0.png", "long-1.png", "sub/a-0.png"]
    assert [line["images"] for line in images] == [1, 2, 2, 1]
    for line in images:
        body = (whole / line["path"]).read_bytes()
        assert (line["bytes"], line["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
        assert (line["height"], line["width"]) == iio.imread(body).shape[:2]
        assert int(line["pixels_crc32"], 16) == zlib.crc32(iio.imread(body))
        truth = orjson.loads((whole / line["path"]).with_suffix(".json").read_bytes())["fastecg"]
        for key in ("page", "variant", "seed", "recipe"):
            assert line[key] == truth[key]
        assert line["source"] == line["record"] + ".hea"
        assert truth["source"] == Path(line["source"]).name
    assert (failed["record"], failed["source"]) == ("lost", "lost.hea")
    assert "lost.dat" in failed["error"]
    assert str(whole.parent) not in failed["error"]


def test_summary_counts(records, tmp_path):
    seen = []
    summary = dataset.render_dataset([records], tmp_path, progress=seen.append, **SMALL)
    assert (summary.records, summary.pages, summary.kept, summary.shortened) == (4, 4, 0, 1)
    assert [record for record, _ in summary.failures] == ["lost"]
    assert summary.bytes == sum(path.stat().st_size for path in tmp_path.rglob("*.png"))
    assert summary.seconds > 0
    assert [(item.done, item.total) for item in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [item.stem for item in seen if item.error] == ["lost"]


def test_nothing_personal_reaches_an_output(whole):
    files = contents(whole)
    assert len(files) > 10
    for name, body in files.items():
        for secret in (CANARY.encode(), b"1957", b"07:31:59", str(whole.parent).encode()):
            assert secret not in body, name


def test_copies_hold_the_record(whole, records):
    for record in ("a", "long", "sub/a"):
        copy, original = (wfdb.rdrecord(str(folder / record)) for folder in (whole, records))
        np.testing.assert_allclose(copy.p_signal, original.p_signal, atol=1e-6)
        assert copy.comments == []


def test_two_workers_write_the_same_bytes(whole, records, tmp_path, monkeypatch):
    started = []
    pool = workers._pool
    monkeypatch.setattr(workers, "_pool", lambda count, *rest, **stop: started.append(count) or pool(count, *rest, **stop))
    summary = dataset.render_dataset([records], tmp_path, **{**SMALL, "workers": 2})
    assert started[0] == 2
    assert summary.pages == 4
    assert contents(tmp_path) == contents(whole)


@pytest.mark.parametrize("workers", [1, 2])
def test_parts_of_a_record_are_the_record(records, tmp_path, monkeypatch, workers):
    options = {**SMALL, "per_record": 5, "recipe": "photo", "format": "jpg"}
    dataset.render_dataset([records], tmp_path / "whole", **options)
    monkeypatch.setattr(plan, "_VARIANTS_A_PART", 2)
    summary = dataset.render_dataset([records], tmp_path / "parts", **{**options, "workers": workers})
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    assert (summary.pages, summary.records, summary.shortened, len(summary.failures)) == (20, 4, 1, 1)


def test_a_picture_that_fails_costs_its_part_and_the_record_is_told_once(tmp_path, monkeypatch):
    def draw_or_fail(record, index, pages, options, draw=drawing._photo):
        return draw(record, index, pages, options) if index != 3 else 1 / 0

    monkeypatch.setattr(plan, "_VARIANTS_A_PART", 2)
    monkeypatch.setattr(drawing, "_photo", draw_or_fail)
    told = []
    record = fastecg.simulate(seed=1, name="a")
    summary = dataset.render_dataset(record, tmp_path, **SMALL, per_record=7, progress=told.append)
    assert [step.done for step in told] == [0, 0, 0, 1]
    assert (summary.pages, summary.records, len(summary.failures)) == (6, 1, 1)
    assert lines(tmp_path)[-1]["error"] == summary.failures[0][1] == told[-1].error
    assert sorted(line["path"] for line in lines(tmp_path)[:-1]) == [f"a-{k}.png" for k in (0, 1, 2, 4, 5, 6)]
    monkeypatch.undo()
    assert dataset.render_dataset(record, tmp_path, **SMALL, per_record=7).pages == 1
    assert not any("error" in line for line in lines(tmp_path))


def test_parts_that_are_done_are_kept_when_a_run_is_stopped(tmp_path, monkeypatch):
    def stop(step):
        if step.pages == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(plan, "_VARIANTS_A_PART", 2)
    record = fastecg.simulate(seed=1, name="a")
    with pytest.raises(KeyboardInterrupt):
        dataset.render_dataset(record, tmp_path, **SMALL, per_record=6, progress=stop)
    summary = dataset.render_dataset(record, tmp_path, **SMALL, per_record=6)
    assert (summary.pages, summary.kept) == (2, 4)


@pytest.mark.parametrize(("asked", "records", "variants", "started"), [(None, 1, 64, 2), (None, 4, 1, 1), (None, 40, 1, 4), (3, 5, 1, 3)])
def test_as_many_workers_as_have_something_to_do(monkeypatch, asked, records, variants, started):
    monkeypatch.setattr(dataset.os, "cpu_count", lambda: 4)
    options = Options(recipe="clean", per_record=variants)
    tasks = plan.in_parts([drawing.Task(f"r{k}", Path("r.hea")) for k in range(records)], options)
    assert dataset._worker_count(asked, tasks, options) == started


def test_a_stopped_run_goes_on(whole, records, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    (out / "long-1.png").unlink()
    (out / "a-0.json").unlink()
    (out / "sub" / "a.dat").unlink()
    text = (out / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (out / "manifest.jsonl").write_bytes(b"".join(text[1:3]) + text[3][:40])  # cut short while writing the fourth line
    summary = dataset.render_dataset([records], out, **SMALL)
    assert (summary.pages, summary.kept) == (3, 1)
    assert contents(out) == contents(whole)


def test_a_finished_run_reads_no_record_again(whole, records, tmp_path, monkeypatch):
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    monkeypatch.setattr("fastecg.readers.read_record", lambda path: pytest.fail(f"{path} is read") if path.stem != "lost" else 0 / 0)
    summary = dataset.render_dataset([records], out, **SMALL)
    assert (summary.pages, summary.kept, len(summary.failures)) == (0, 4, 1)


def test_a_damaged_image_is_drawn_again(whole, records, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    (out / "a-0.png").write_bytes(b"half")
    assert dataset.render_dataset([records], out, **SMALL).pages == 1
    assert contents(out) == contents(whole)


def test_a_failed_record_that_was_mended_is_drawn(whole, records, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(records, source)
    shutil.copytree(whole, out)
    put(source / "lost", seed=3)
    summary = dataset.render_dataset([source], out, **SMALL)
    assert (summary.pages, summary.kept, summary.failures) == (1, 4, [])
    assert not any("error" in line for line in lines(out))


def test_other_options_are_refused_and_named(whole, records, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    before = contents(out)
    with pytest.raises(FastecgError, match=r"other options \(seed 0, now 1\), expected .* --overwrite"):
        dataset.render_dataset([records], out, seed=1, **SMALL)
    assert contents(out) == before


def test_overwrite_starts_anew(whole, records, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    (out / "mine.txt").write_text("not ours to delete")
    dataset.render_dataset([records / "a"], out, seed=1, format="jpg", overwrite=True, **SMALL)
    assert sorted(contents(out)) == ["a-0.jpg", "a-0.json", "a.dat", "a.hea", "manifest.jsonl", "mine.txt", "run.json"]
    assert orjson.loads((out / "run.json").read_bytes())["seed"] == 1


@pytest.mark.parametrize("out_is", ["folder", "link", "file URL"])
def test_overwrite_deletes_nothing_beyond_a_link(whole, records, tmp_path, out_is):
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    for name in ("thesis-0.png", "thesis-0.json", "thesis.hea", "thesis.dat", "notes.png"):
        (elsewhere / name).write_text("years of work")
    shutil.copytree(whole, out)
    (out / "link").symlink_to(elsewhere)
    (out / "mine-1.png").symlink_to(elsewhere / "thesis-0.png")
    (out / "round").symlink_to("round")
    (out / "holiday.png").write_text("not named as a run names")
    like = lines(out)[0]
    named = [("link/thesis", "link/thesis-0.png"), ("mine", "mine-1.png"), ("round/a", "round/a-0.png"), ("holiday", "holiday.png")]
    with open(out / "manifest.jsonl", "ab") as manifest:
        for record, path in named:
            manifest.write(orjson.dumps(like | {"record": record, "path": path}) + b"\n")
    place = out
    if out_is == "link":
        place = tmp_path / "way"
        place.symlink_to(out)
    kept = contents(elsewhere)
    ours = 2 * 4 + 2 * 3  # pictures with their truth; copies of three records
    notes = []
    summary = dataset.render_dataset(
        [records / "a"], f"file://{out}" if out_is == "file URL" else place, seed=1, overwrite=True, progress=notes.append, **SMALL
    )
    assert contents(elsewhere) == kept
    assert (out / "holiday.png").read_text() == "not named as a run names"
    assert (out / "mine-1.png").is_symlink()
    assert summary.deleted == ours
    assert notes[0].note == f"deleted {ours} files of the earlier run with other options"


def test_bytes_do_not_depend_on_what_else_is_drawn(whole, records, tmp_path):
    alone, limited = tmp_path / "alone", tmp_path / "limited"
    dataset.render_dataset([records / "a"], alone, **SMALL)
    dataset.render_dataset([records], limited, limit=1, **SMALL)
    assert contents(limited).keys() == contents(alone).keys()
    for name, body in contents(alone).items():
        if name != "manifest.jsonl":
            assert contents(whole)[name] == contents(limited)[name] == body


def test_shards_together_are_the_whole(whole, records, tmp_path):
    for k in (2, 1, 3):
        dataset.render_dataset([records], tmp_path, shard=(k, 3), **SMALL)
    ours, theirs = contents(tmp_path), contents(whole)
    assert sorted(ours.pop("manifest.jsonl").splitlines()) == sorted(theirs.pop("manifest.jsonl").splitlines())
    assert ours == theirs


def test_variants_follow_the_pages(records, tmp_path):
    dataset.render_dataset([records / "long"], tmp_path, per_record=2, **SMALL)
    made = {line["path"]: (line["variant"], line["page"]) for line in lines(tmp_path)}
    assert made == {"long-0.png": (0, 0), "long-1.png": (0, 1), "long-2.png": (1, 0), "long-3.png": (1, 1)}
    assert len({line["sha256"] for line in lines(tmp_path)}) == 4


def test_first_variants_are_those_of_a_run_without_variants(whole, records, tmp_path):
    dataset.render_dataset([records / "long"], tmp_path, per_record=2, **SMALL)
    assert unpacked((tmp_path / "long-1.png").read_bytes()) == unpacked((whole / "long-1.png").read_bytes())


def test_samples_on_no_picture_can_be_left_out(records, tmp_path):
    options = {**SMALL, "layout": "3x4+1", "mask_unplotted": True}
    dataset.render_dataset([records / "long"], tmp_path, **options)
    signal = wfdb.rdrecord(str(tmp_path / "long"))
    plotted = ~np.isnan(signal.p_signal)
    truths = [orjson.loads((tmp_path / f"long-{k}.json").read_bytes()) for k in (0, 1)]
    expected = np.zeros_like(plotted)
    for entry in (entry for truth in truths for entry in truth["leads"]):
        expected[entry["start_sample"] : entry["end_sample"], signal.sig_name.index(entry["lead_name"])] = True
    np.testing.assert_array_equal(plotted, expected)
    assert 0.2 < plotted.mean() < 0.4
    before = contents(tmp_path)
    (tmp_path / "long-0.png").unlink()
    dataset.render_dataset([records / "long"], tmp_path, **options)
    assert contents(tmp_path) == before


def test_headers_name_their_images(records, tmp_path):
    dataset.render_dataset([records / "long", records], tmp_path, challenge_headers=True, format="jpg", **SMALL)
    assert wfdb.rdheader(str(tmp_path / "long")).comments == ["Image: long-0.jpg, long-1.jpg"]
    named = [line.removeprefix("#Image: ") for line in (tmp_path / "sub" / "a.hea").read_text().splitlines() if line.startswith("#")]
    assert named == ["a-0.jpg"]
    assert (tmp_path / "sub" / "a-0.jpg").is_file()


def test_other_formats_and_truths(records, tmp_path):
    dataset.render_dataset([records / "a"], tmp_path, format="webp", quality=50, truth=("mask", "layers"), **SMALL)
    assert set(contents(tmp_path)) == {"a-0.webp", "a-0.mask.png", "a-0.layers.png", "a.dat", "a.hea", "manifest.jsonl", "run.json"}


def test_records_in_memory(tmp_path):
    record = fastecg.simulate(fs=100, seed=5, name="mine")
    summary = dataset.render_dataset([record], tmp_path, **SMALL)
    assert summary.pages == 1
    np.testing.assert_array_equal(iio.imread(tmp_path / "mine-0.png"), fastecg.render(record, dpi=50).image)


def test_no_input_means_the_built_in_samples(tmp_path):
    summary = dataset.render_dataset([], tmp_path, **SMALL)
    assert summary.pages == summary.records > 0
    assert summary.failures == []


def test_names_that_clash_get_places_of_their_own(tmp_path):
    made = [Record(np.full((1, 1000), value), 100, ("I",), name) for value, name in ((0.1, "a b"), (0.2, "a_b"), (0.3, "A_B"))]
    dataset.render_dataset(made, tmp_path, **SMALL)
    assert sorted(line["path"] for line in lines(tmp_path)) == ["A_B_3-0.png", "a_b-0.png", "a_b_2-0.png"]
    assert [round(float(wfdb.rdrecord(str(tmp_path / name)).p_signal[0, 0]), 3) for name in ("a_b", "a_b_2", "A_B_3")] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("relative", ["../../etc/x", "/etc/x", "a/../../x", ".."])
def test_no_name_leads_out_of_the_folder(relative):
    assert ".." not in plan._safe_stem(relative)
    assert not plan._safe_stem(relative).startswith("/")


def test_an_output_folder_inside_the_input_is_no_input(tmp_path):
    put(tmp_path / "a")
    for _ in range(2):
        summary = dataset.render_dataset([tmp_path], tmp_path / "out", **SMALL)
        assert summary.records == 1


def test_inputs_are_not_overwritten_by_their_copies(tmp_path):
    put(tmp_path / "a")
    before = contents(tmp_path)
    with pytest.raises(FastecgError, match=r"a.hea: the copy would overwrite the input"):
        dataset.render_dataset([tmp_path / "a"], tmp_path, **SMALL)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"format": "bmp"}, ImageError, "unknown format 'bmp'"),
        ({"truth": ("boxes",)}, ImageError, "unknown truth 'boxes'"),
        ({"quality": 101}, ImageError, "quality is 101"),
        ({"layout": "5x5"}, LayoutError, "layout '5x5'"),
        ({"style": "crayon"}, LayoutError, "style 'crayon'"),
        ({"recipe": "nothing"}, RecipeError, "nothing"),
        ({"dpi": 0}, FastecgError, "dpi is 0"),
        ({"per_record": 0}, FastecgError, "per-record is 0"),
        ({"limit": 0}, FastecgError, "limit is 0"),
        ({"shard": (3, 2)}, FastecgError, "shard is 3/2"),
        ({"workers": 0}, FastecgError, "workers is 0"),
        ({"seed": -1}, FastecgError, "seed is -1"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(records, tmp_path, options, error, words):
    out = tmp_path / "out"
    with pytest.raises(error, match=words):
        dataset.render_dataset([records], out, **{**SMALL, **options})
    assert not out.exists()


def test_missing_input_is_refused(tmp_path):
    with pytest.raises(RecordError, match="nowhere"):
        dataset.render_dataset([tmp_path / "nowhere"], tmp_path / "out", **SMALL)


def test_foreign_errors_do_not_quote_the_record(records, tmp_path, monkeypatch):
    def leaky(*_, **__):
        raise ValueError(f"could not parse {CANARY}")

    monkeypatch.setattr("fastecg.readers.read_record", leaky)
    summary = dataset.render_dataset([records / "a"], tmp_path, **SMALL)
    ((record, reason),) = summary.failures
    assert record == "a"
    assert re.fullmatch(r"a: unexpected ValueError at fastecg/run/drawing.py:\d+", reason)
    assert CANARY not in (tmp_path / "manifest.jsonl").read_text()


def test_a_full_disk_stops_the_run(records, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(drawing, "save_photo", full)
    with pytest.raises(OSError, match="No space"):
        dataset.render_dataset([records], tmp_path, **SMALL)


KILLER = """
import os, sys
import fastecg.readers, fastecg.run.workers
from fastecg.run.drawing import draw_task

def draw_or_die(task, options, folder):
    if task.stem == "a":
        os._exit(9)
    return draw_task(task, options, folder)

draw_or_die.__module__ = "killer"
fastecg.run.workers.draw_task = draw_or_die

if __name__ == "__main__":
    import killer
    fastecg.run.workers.draw_task = killer.draw_or_die
    from fastecg.run.dataset import render_dataset
    summary = render_dataset([sys.argv[1]], sys.argv[2], dpi=50, workers=2)
    print(summary.pages, sorted(record for record, _ in summary.failures))
"""


def test_a_worker_that_dies_fails_its_record_alone(records, tmp_path):
    script, out = tmp_path / "killer.py", tmp_path / "out"
    script.write_text(KILLER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(fastecg.__file__).parent.parent)])}
    done = subprocess.run(
        [sys.executable, str(script), str(records), str(out)], capture_output=True, text=True, env=environment, timeout=HANGS_S, check=False
    )
    assert done.stdout == "3 ['a', 'lost']\n", done.stderr
    assert {line["record"]: line["error"] for line in lines(out) if "error" in line}["a"].startswith("a: the process that drew it died")


@pytest.mark.parametrize("dies", [False, True])
def test_a_task_drawn_alone_is_noted_when_the_run_is_stopped(monkeypatch, dies):
    """It ends after its present picture, as tasks of several workers do."""
    stops, late, drawn = [], [], TaskResult("a", ({"path": "a-0.png"},))

    class UnderWay(Future):
        def result(self, timeout=None):
            if not stops[-1].is_set():
                raise KeyboardInterrupt
            return super().result(timeout)

    @contextlib.contextmanager
    def pool(count, stop):
        stops.append(stop)
        yield SimpleNamespace(shutdown=lambda wait, cancel_futures: None)

    future = UnderWay()
    if dies:
        future.set_exception(BrokenProcessPool())
    else:
        future.set_result(drawn)
    monkeypatch.setattr(workers, "_pool", pool)
    monkeypatch.setattr(workers, "_submit", lambda *given: future)
    with pytest.raises(KeyboardInterrupt):
        list(workers._drawn_alone([SimpleNamespace(stem="a")] * 2, None, "out", late))
    assert [stop.is_set() for stop in stops] == [True]
    assert late == ([] if dies else [drawn])


UNGUARDED = """
import sys
import fastecg
records = [fastecg.simulate(seed=seed, fs=100, name=f"r{seed}") for seed in range(2)]
fastecg.render_dataset(records, sys.argv[1], dpi=50, workers=2)
"""


def test_a_script_without_a_main_guard_is_told_what_is_missing(tmp_path):
    (tmp_path / "script.py").write_text(UNGUARDED)
    environment = {**os.environ, "PYTHONPATH": str(Path(fastecg.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "out")],
        capture_output=True, text=True, env=environment, timeout=HANGS_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith('expected the code of a script under `if __name__ == "__main__":`, or workers=1')
    assert "memory" not in done.stderr
    assert "freeze_support" not in done.stderr


def test_processes_of_a_broken_pool_are_killed():
    with workers._pool(2) as pool:
        pool.submit(os.getpid).result(timeout=HANGS_S)
        processes = list(pool._processes.values())
        workers._kill_rest(pool)
    # The pool has waited for them here. To wait for a process beside the pool is a race: who comes second is told no exit code.
    assert all(process.exitcode for process in processes)


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise")
def test_an_interrupted_run_goes_on(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    for number in range(40):
        put(source / f"r{number:02}", seed=number)
    command = [sys.executable, "-m", "fastecg", "render", str(source), "-o", str(out), "--workers", "2", "--dpi", "200"]
    environment = {**os.environ, "PYTHONPATH": str(Path(fastecg.__file__).parent.parent)}
    run = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's background jobs ignore it
    )
    until(lambda: listed(out) > 0)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: the parent and its workers
    _, said = run.communicate(timeout=HANGS_S)
    assert run.returncode == 130, said
    assert "goes on from here" in said
    assert not list(out.rglob("*.part"))
    drawn = len(lines(out))
    assert 0 < drawn < 40
    summary = dataset.render_dataset([source], out, dpi=200, workers=2)
    assert summary.kept + summary.pages == 40
    assert summary.kept >= drawn


def test_one_record_or_path_is_an_input_too(tmp_path):
    record = fastecg.simulate(seed=1, name="alone")
    assert fastecg.render_dataset(record, tmp_path / "a", dpi=40, workers=1, truth="mask").pages == 1
    assert (tmp_path / "a" / "alone-0.mask.png").is_file()
    assert fastecg.render_dataset(str(tmp_path / "a" / "alone"), tmp_path / "b", dpi=40, workers=1).pages == 1


def test_a_run_without_pictures_leaves_the_folder_free(tmp_path):
    record = fastecg.Record([np.arange(100.0)], 100.0, ["V4R"])
    failed = fastecg.render_dataset([record], tmp_path, dpi=40, workers=1, layout="6x2-cabrera")
    assert (failed.pages, len(failed.failures)) == (0, 1)  # no lead of the layout
    assert fastecg.render_dataset([fastecg.simulate(seed=1)], tmp_path, dpi=40, workers=1, layout="3x4").pages == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("dpi", float("inf")),
        ("dpi", 100_000),
        ("dpi", 0),
        ("dpi", -5),
        ("speed_mm_s", 1e6),
        ("gain_mm_mv", -5),
        ("layout", "100x1"),
        ("layout", "0x1"),
    ],
)
def test_numbers_no_page_can_have_are_refused_at_once(tmp_path, option, value):
    with pytest.raises(fastecg.LayoutError, match="expected"):
        fastecg.render_dataset([fastecg.simulate(seed=1)], tmp_path / "out", workers=1, **{option: value})
    assert not (tmp_path / "out").exists()
    with pytest.raises(fastecg.LayoutError, match="expected"):
        fastecg.render(fastecg.simulate(seed=1), **{option: value})


def test_records_of_one_name_in_two_folders_look_different(tmp_path):
    for folder, seed in (("a", 1), ("b", 2)):
        (tmp_path / "in" / folder).mkdir(parents=True)
        write_record(tmp_path / "in" / folder / "rec", fastecg.simulate(seed=seed, name="rec"))
    fastecg.render_dataset(tmp_path / "in", tmp_path / "out", dpi=40, workers=1)
    truths = [orjson.loads((tmp_path / "out" / folder / "rec-0.json").read_bytes())["fastecg"]["shot"]["facts"] for folder in "ab"]
    assert truths[0]["number"] != truths[1]["number"]


def test_two_inputs_with_records_of_one_name_are_drawn_side_by_side(tmp_path):
    for folder, seed in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        write_record(tmp_path / folder / "rec", fastecg.simulate(seed=seed, name="rec"))
    folders = [tmp_path / "a", tmp_path / "b"]
    summary = fastecg.render_dataset(folders, tmp_path / "out", dpi=40, workers=1)
    assert (summary.pages, summary.failures) == (2, [])
    assert sorted(line["path"] for line in lines(tmp_path / "out")) == ["a/rec-0.png", "b/rec-0.png"]
    again = fastecg.render_dataset(folders[::-1], tmp_path / "out", dpi=40, workers=1)
    assert (again.pages, again.kept) == (0, 2)  # in whatever order
    alone = tmp_path / "alone"
    fastecg.render_dataset(tmp_path / "a", alone, dpi=40, workers=1)
    assert contents(alone)["rec-0.png"] == contents(tmp_path / "out")["a/rec-0.png"]


# --- long records ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def day(tmp_path) -> Path:
    """A day of one lead at 1 Hz, so that its 8,640 pages can be planned, not drawn."""
    beat = np.tile(np.float32([0, 1, 0, 0, 0]), 24 * 3600 // 5)[None]
    write_record(tmp_path / "day", Record(beat, 1, ["II"], "day"))
    return tmp_path / "day"


def test_a_day_of_ecg_is_counted_before_it_is_read(day, tmp_path, monkeypatch):
    read = drawing._read
    monkeypatch.setattr(drawing, "_read", lambda task, options: said and read(task, options))

    class Enough(Exception):
        pass

    said = []

    def stop(progress):
        said.append((progress.note, progress.pages))
        if progress.pages:
            raise Enough

    with pytest.raises(Enough):
        dataset.render_dataset([day], tmp_path / "out", per_record=2, progress=stop, **SMALL)
    (note, pages), (again, none) = said[:2]
    assert (again, none) == (None, 0), "told once"
    assert note == "day: 8640 pages of 10 s, 17280 pictures"
    assert pages == 0
    assert len(lines(tmp_path / "out")) == said[2][1] == 8  # listed as soon as they are there


@pytest.mark.parametrize("workers", [1, 2])
def test_records_of_many_pages_are_drawn_in_parts_with_the_same_bytes(tmp_path, monkeypatch, workers):
    put(tmp_path / "long", 100)
    put(tmp_path / "short", seed=1)
    options = {"dpi": 40, "per_record": 2, "workers": workers, "truth": ("json", "warp")}
    dataset.render_dataset([tmp_path / "long", tmp_path / "short"], tmp_path / "whole", **options)
    monkeypatch.setattr(drawing, "_PICTURES_A_PART", 6)
    monkeypatch.setattr(drawing, "_FEW_PARTS", 2)
    notes = []
    parted = tmp_path / "parted"
    summary = dataset.render_dataset([tmp_path / "long", tmp_path / "short"], parted, progress=lambda p: notes.append(p.note), **options)
    assert contents(parted) == contents(tmp_path / "whole")
    assert (summary.records, summary.pages, summary.kept) == (2, 22, 0)
    if workers == 1:  # with more, only their own _PICTURES_A_PART counts
        assert "long: 10 pages of 10 s, 20 pictures" in notes
    for name in ("long-3.png", "long-17.json", "long.dat"):
        (parted / name).unlink()
    summary = dataset.render_dataset([tmp_path / "long", tmp_path / "short"], parted, **options)
    assert contents(parted) == contents(tmp_path / "whole")
    assert (summary.pages, summary.kept) == (2, 20)


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_long_record_that_is_interrupted_keeps_every_page(day, tmp_path, workers):
    """It stops after the pages under way, lists all that were drawn, and the same command goes on behind them."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "fastecg", "render", str(day), "-o", str(out), "--workers", workers, "--dpi", "150"]
    run = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(Path(fastecg.__file__).parent.parent)}, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    until(lambda: listed(out) >= 16)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=HANGS_S)
    assert run.returncode == 130, said
    assert {line["path"] for line in lines(out)} == {path.name for path in out.glob("*.png")}
    assert 16 <= len(lines(out)) < 8640


def test_an_interrupt_while_an_object_is_freed_is_not_printed_and_not_lost(monkeypatch):
    """Python would print "Exception ignored in" and a traceback."""
    printed = []
    monkeypatch.setattr(sys, "unraisablehook", lambda error: printed.append(error.exc_type))

    def free(while_freed):
        class Freed:
            __del__ = staticmethod(while_freed)

        Freed()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt), interrupts_kept():
            free(lambda: signal.raise_signal(signal.SIGINT))
        assert printed == []
        with interrupts_kept():
            free(lambda: 1 / 0)
        assert printed == [ZeroDivisionError]
        free(lambda: signal.raise_signal(signal.SIGINT))
        assert printed == [ZeroDivisionError, KeyboardInterrupt]
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise")
def test_an_interrupt_waits_for_what_is_begun():
    done = []

    def begun():
        with interrupts_deferred():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("the picture has its line")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            begun()
        assert done
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a worker
        with interrupts_deferred():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise")
@pytest.mark.parametrize("pages", [1, 2])
@pytest.mark.parametrize(("at", "becomes"), [("_photo", None), ("_written", None), ("_photo", TypeError)])
def test_an_interrupt_that_is_dropped_stops_the_run_all_the_same(at, becomes, pages, tmp_path, monkeypatch):
    """NumPy drops any error while it makes a scalar of a string; other code makes another error of it."""
    for name in "ab":
        put(tmp_path / "in" / name, 10 * pages)
    out, calls, told = tmp_path / "out", [], []
    wrapped = getattr(drawing, at)

    def dropping(*given):
        calls.append(given)
        found = wrapped(*given)
        try:
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            if becomes is not None:
                raise becomes("an error in its place") from None
        return found

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with monkeypatch.context() as patched:
            patched.setattr(drawing, at, dropping)
            with pytest.raises(KeyboardInterrupt):
                fastecg.render_dataset(tmp_path / "in", out, progress=lambda step: told.append(step.error), **SMALL)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(calls) == 2
    assert not any(told)
    drawn = 2 if at == "_written" else 1  # who knows what a picture shows that was not finished: it is drawn again
    assert sorted(line["path"] for line in lines(out)) == sorted(path.name for path in out.glob("*.png"))
    assert len(lines(out)) == drawn
    again = fastecg.render_dataset(tmp_path / "in", out, **SMALL)  # nothing of the interrupt is left
    assert (again.pages, again.kept, again.failures) == (2 * pages - drawn, drawn, [])


def test_some_pages_of_a_long_record(tmp_path):
    """From a second on, so many, so far apart; each as in a run of all."""
    put(tmp_path / "long", 100)
    every = dataset.render_dataset(tmp_path / "long", tmp_path / "all", **SMALL)
    some = dataset.render_dataset(tmp_path / "long", tmp_path / "some", start=20, every=30, pages=2, per_record=2, **SMALL)
    assert (every.pages, some.pages) == (10, 4)
    assert [(line["path"], line["page"], line["images"]) for line in lines(tmp_path / "some")] == [
        ("long-2.png", 2, 4), ("long-5.png", 5, 4), ("long-12.png", 2, 4), ("long-15.png", 5, 4)]  # fmt: skip
    for name in ("long-2.png", "long-5.png", "long.dat"):
        assert contents(tmp_path / "some")[name] == contents(tmp_path / "all")[name]
    again = dataset.render_dataset(tmp_path / "long", tmp_path / "some", start=20, every=30, pages=2, per_record=2, **SMALL)
    assert (again.pages, again.kept) == (0, 4)
    late = dataset.render_dataset(tmp_path / "long", tmp_path / "late", start=100, **SMALL)
    assert late.failures == [("long", "long: it lasts 100 s and has no whole page from 100 s on, expected an earlier start")]
    for wrong in ({"start": 5}, {"every": 0}, {"start": -10}, {"pages": 0}, {"every": 15}):
        with pytest.raises(FastecgError, match="expected"):
            dataset.render_dataset(tmp_path / "long", tmp_path / "x", **wrong)


def test_some_pages_of_a_day_are_drawn_in_parts(day, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_PICTURES_A_PART", 2)
    monkeypatch.setattr(drawing, "_FEW_PARTS", 2)
    notes = []
    summary = dataset.render_dataset(
        day, tmp_path / "out", start=3600, every=7200, pages=5, progress=lambda p: notes.append(p.note), **SMALL
    )
    assert summary.pages == 5
    assert "day: 5 pages of 10 s, 5 pictures" in notes
    assert [line["page"] for line in lines(tmp_path / "out")] == [360, 1080, 1800, 2520, 3240]
    assert (tmp_path / "out/day.dat").is_file()


def test_tasks_that_prove_long_are_next():
    task = drawing.Task("a", Path("a"))
    parts = drawing._Parts(task, 20_000_002, 32)
    waiting = drawing.Waiting(iter([task, drawing.Task("b", Path("b"))]))
    assert next(waiting) is task
    waiting.put_first(parts)
    assert len(parts) == 625_001
    assert [next(waiting).pages for _ in range(2)] == [(0, 32), (32, 64)]
    assert parts[len(parts) - 1].pages == (20_000_000, 20_000_002)
    for _ in range(100_000):
        waiting.put_first(())
    assert next(waiting).pages == (64, 96)
    few = drawing.Waiting([task])
    few.put_first(drawing._Parts(task, 5, 2))
    assert [waiting.pages for waiting in few] == [(0, 2), (2, 4), (4, 5), None]
    few.put_first([task])
    assert list(few) == [task]


@pytest.mark.parametrize("out", ["", Path()])
def test_the_name_of_the_output_folder_is_not_empty(out, tmp_path, monkeypatch):
    """A shell's variable that is not set would fill the current folder with pictures; who means it says `.`."""
    monkeypatch.chdir(tmp_path)
    if out == "":
        with pytest.raises(FastecgError, match="is empty, expected a folder"):
            fastecg.render_dataset(fastecg.simulate(name="a"), out, **SMALL)
        assert not list(tmp_path.iterdir())
    else:
        assert fastecg.render_dataset(fastecg.simulate(name="a"), out, **SMALL).pages == 1


def test_a_file_that_is_no_record_is_said_to_be_there(tmp_path):
    (tmp_path / "notes").write_text("x", encoding="utf-8")
    with pytest.raises(RecordError, match=r"notes: it is no known kind of record, expected \.hea, \.csv, .*, or notes\.hea beside it"):
        fastecg.render_dataset(tmp_path / "notes", tmp_path / "out", **SMALL)
