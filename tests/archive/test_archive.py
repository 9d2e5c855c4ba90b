"""Folders of pictures to folders of records: names, manifests, failures, limits."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import orjson
import pytest
import wfdb
from PIL import Image
from typer.testing import CliRunner

import fastecg
from fastecg.archive import COLUMNS, DIGITIZED, SUMMARY, Ledger, Wish
from fastecg.archive.ledger import Job
from fastecg.archive.plan import planned
from fastecg.archive.run import _Run, _work, digitize_archive
from fastecg.archive.summary import summary
from fastecg.archive.whole_records import drawn_from
from fastecg.cli import app
from fastecg.digitizing.pictures import page_count, read_picture
from fastecg.digitizing.settings import Settings
from fastecg.errors import FastecgError, ImageError
from fastecg.run.timed import Done, in_time
from fastecg.writers.wfdb import ascii_name, safe_name, write_record

HOUR = 3600  # s, no limit to what a busy machine takes for a page


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def stems(inputs, out: Path) -> dict[str, str]:
    return {Path(job.path).name if out not in job.path.parents else str(job.path): job.stem for job in planned(inputs, Ledger(out))}


# --- names


def test_no_two_pictures_share_a_name(tmp_path):
    names = ("a b.png", "a_b.png", "A_B.jpg", "中国.png", "日本.png", "हिन्दी.png", "x.pdf", "x-p2.png", "!.png", "?.png")
    touch(*(tmp_path / "in" / name for name in names))
    names = stems([tmp_path / "in"], tmp_path / "out")
    assert len({name.casefold() for name in names.values()}) == len(names) == 10
    assert (names["中国.png"], names["日本.png"], names["हिन्दी.png"]) == ("中国", "日本", "हिन्दी")
    assert names["x.pdf"] != "x" or names["x-p2.png"] != "x-p2"  # page 2 of the PDF file would have that name
    assert sorted(name for file, name in names.items() if file in ("a b.png", "a_b.png", "A_B.jpg")) == ["A_B", "a_b_2", "a_b_3"]


def test_folders_given_one_by_one_share_no_name(tmp_path):
    touch(tmp_path / "p1" / "x.png", tmp_path / "p2" / "x.png")
    jobs = planned([tmp_path / "p1", tmp_path / "p2", tmp_path / "p1" / "x.png"], Ledger(tmp_path / "out"))
    assert [(job.path.parent.name, job.stem) for job in jobs] == [("p1", "x"), ("p2", "x_2")]


def test_what_is_there_is_not_replaced(tmp_path):
    touch(tmp_path / "x-0.png", tmp_path / "x-0.json", tmp_path / "x-0.mask.png", tmp_path / "y.png", tmp_path / "y.hea")
    assert [(job.path.name, job.stem) for job in planned([tmp_path], Ledger(tmp_path))] == [("x-0.png", "x-0_2"), ("y.png", "y_2")]


def test_names_of_any_bytes_and_length(tmp_path):
    touch(tmp_path / "in" / ("a" * 240 + ".png"), tmp_path / "in" / ("國" * 80 + ".png"))
    if os.name == "posix":
        touch(Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/caf\xe9.png")))
    names = stems([tmp_path / "in"], tmp_path / "out").values()
    assert all(len(name.encode()) < 160 and len(ascii_name(name)) < 160 for name in names)
    assert len(set(names)) == len(names)
    assert safe_name("../../etc") == "_etc"
    assert not any("/" in name for name in names)


def test_records_of_any_script_are_read_by_wfdb(tmp_path):
    record = fastecg.simulate("sinus", seed=1)
    for name in ("中国", "Ärzte-1"):
        write_record(tmp_path / name, record)
        np.testing.assert_allclose(fastecg.read_record(tmp_path / name).signal, record.signal, atol=6e-4)
        assert fastecg.read_record(tmp_path / name).name == name
        np.testing.assert_allclose(wfdb.rdrecord(str(tmp_path / name)).p_signal.T, record.signal, atol=6e-4)


# --- processes that can be ended


def behave(job: str) -> dict:
    if job == "slow":
        time.sleep(3600)
    if job == "dies":
        os._exit(3)
    if job == "raises":
        raise ValueError("what it says")
    return {"did": job}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_costs_itself_alone(workers):
    jobs = deque(["a", "slow", "dies", "raises", "b"])
    done = {one.job: one for one in in_time(jobs, behave, workers, 3.0)}
    assert {job: one.result for job, one in done.items() if one.result} == {"a": {"did": "a"}, "b": {"did": "b"}}
    assert "not done after 3 s" in done["slow"].error
    assert "died" in done["dies"].error
    assert "ValueError (what it says)" in done["raises"].error
    assert "in behave" in done["raises"].trace


def cores_of(job: str) -> int:
    from fastecg.digitizing.segmenter import LayerSegmenter
    from fastecg.system.cores import cores

    threads = LayerSegmenter()._session.get_session_options().intra_op_num_threads
    assert threads == cores()
    return threads


@pytest.mark.parametrize("workers", [1, 2, 1000])
def test_processes_share_the_cores(workers):
    """Each runs the network on its part of them: together they keep busy what there is, and no more."""
    pytest.importorskip("onnxruntime")
    from fastecg.system.cores import available

    (done,) = in_time(deque(["a"]), cores_of, workers, HOUR)
    assert done.result == max(1, available() // workers), done.error


def test_what_the_network_sees_depends_on_no_number_of_threads():
    pytest.importorskip("onnxruntime")
    from fastecg.digitizing.segmenter import LayerSegmenter

    picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    one, three = (LayerSegmenter(threads=threads).separate(picture, 1.0) for threads in (1, 3))
    np.testing.assert_array_equal(one.maps, three.maps)
    np.testing.assert_array_equal(one.markers, three.markers)


# --- runs


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """A rendered folder of one record with two pages, and a picture that is no ECG."""
    folder = tmp_path_factory.mktemp("rendered")
    write_record(folder / "in" / "x", fastecg.simulate("sinus", seed=9, seconds=20.0, heart_rate=66, name="x"))
    fastecg.render_dataset(folder / "in", folder / "ref", recipe="scan", layout="3x4+1", style="muse", severity=0.2, workers=1)
    Image.new("RGB", (60, 60)).save(folder / "ref" / "no ecg.png")
    return folder / "ref"


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_a_folder_is_read_into_itself(rendered, tmp_path):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "ref"
    shutil.copytree(rendered, folder, ignore=shutil.ignore_patterns("x-1*"))  # a page is enough
    truth = {path: path.read_bytes() for path in folder.iterdir()}
    ran = run("digitize", folder, "-o", folder, "--timeout", HOUR, "--workers", 2)
    assert ran.exit_code == 1, ran.output
    assert "1 of 2 pictures were not read" in ran.output
    assert all(path.read_bytes() == content for path, content in truth.items())
    table = list(csv.DictReader((folder / "summary.csv").read_text().splitlines()))
    assert tuple(table[0]) == COLUMNS
    assert {row["record"]: row["layout"] for row in table} == {"no_ecg": "", "x-0_2": "3x4+1"}
    assert "expected at least 200" in table[0]["error"]
    before = {path: path.stat().st_mtime_ns for path in folder.glob("x-*_2.*")}
    assert len(before) == 3
    again = run("digitize", folder, "-o", folder)
    assert "0 pictures read, 1 were there already" in again.output
    assert {path: path.stat().st_mtime_ns for path in folder.glob("x-*_2.*")} == before


def test_the_example_of_the_docs(rendered, tmp_path):
    pytest.importorskip("onnxruntime")
    assert run("digitize", rendered, "-o", tmp_path / "est", "--timeout", HOUR).exit_code == 1
    told = json.loads(run("score", rendered, tmp_path / "est", "--json").stdout)
    assert {row["record"] for row in told["rows"]} == {"x-0", "x-1"}
    assert told["summary"]["snr_mean_db"] > 10
    # By name, as the Challenge's evaluation does: one record with both pages in their places.
    whole, found = (wfdb.rdrecord(str(folder / "x")) for folder in (rendered, tmp_path / "est"))
    assert (found.fs, found.sig_name, found.sig_len) == (whole.fs, whole.sig_name, whole.sig_len)
    for k, lead in enumerate(found.sig_name):
        both = np.isfinite(found.p_signal[:, k])
        assert both[:5000].any(), lead
        assert both[5000:].any(), lead
        wanted, read = whole.p_signal[both, k], found.p_signal[both, k]
        assert 10 * np.log10(np.sum(wanted**2) / np.sum((wanted - read) ** 2)) > 8, lead


def test_a_record_of_which_nothing_was_read_has_a_header_without_signals(rendered, tmp_path):
    """Evaluation code that goes through the records by name finds each; and a later run that reads it puts the signals there."""
    pytest.importorskip("onnxruntime")
    blank, ref = tmp_path / "x-0.png", tmp_path / "ref"
    Image.new("RGB", (60, 60)).save(blank)
    (ref / "sub").mkdir(parents=True)
    write_record(ref / "sub" / "x", fastecg.simulate("sinus", seed=9), comments=["Image: x-0.png"])
    (ref / "sub" / "x-0.png").write_bytes(blank.read_bytes())
    assert run("digitize", ref, "-o", tmp_path / "est", "--timeout", HOUR).exit_code == 1
    assert (tmp_path / "est" / "sub" / "x.hea").read_text() == "x 0 500 0\n"
    assert json.loads(run("score", ref, tmp_path / "est", "--json").stdout)["summary"]["snr_mean_db"] == 0.0
    (ref / "sub" / "x-0.png").write_bytes((rendered / "x-0.png").read_bytes())
    assert run("digitize", ref, "-o", tmp_path / "est", "--timeout", HOUR).exit_code == 0
    assert wfdb.rdrecord(str(tmp_path / "est" / "sub" / "x")).n_sig == 12


def test_one_picture_has_so_much_time(rendered, tmp_path):
    pytest.importorskip("onnxruntime")
    ran = run("digitize", rendered / "x-0.png", "-o", tmp_path, "--timeout", 1)
    assert ran.exit_code == 1
    assert "not done after 1 s" in ran.output
    assert not list(tmp_path.glob("*.hea"))
    assert "not done after 1 s" in (tmp_path / "summary.csv").read_text()


def test_a_picture_whose_files_vanish_counts_as_not_read(tmp_path, monkeypatch):
    """Somebody deletes the folder between two files: what is left of it would be taken for whole by the next run."""
    Image.new("RGB", (300, 300)).save(tmp_path / "a.png")
    wish = Wish(Settings(), also=("csv",))
    job = Job(tmp_path / "a.png", "../a.png", "a")

    def save(folder, **told):
        touch(folder / "a.json", *(folder / f"a{suffix}" for suffix in there))

    told = SimpleNamespace(save=save, report=lambda deviations: {})
    # The module that takes the reader by its name is imported first, or it would keep the stub.
    monkeypatch.setattr("fastecg.digitizing.result.digitized_of", lambda *given: told)
    monkeypatch.setattr("fastecg.digitizing.reading.read_signals", lambda *given, **told: None)
    there = (".hea",)
    assert _work(job, out=tmp_path / "out", wish=wish)["error"].startswith("a.dat, a.csv: deleted after they were written")
    there = (".hea", ".dat", ".csv")
    assert list(_work(job, out=tmp_path / "out", wish=wish)["bytes"]) == ["a.hea", "a.dat", "a.json", "a.csv"]


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("gain", -5, "1 to 50"), ("gain", "nan", "1 to 50"), ("speed", 0, "5 to 100"), ("speed", "1e300", "5 to 100")],
)
def test_numbers_that_no_page_has_are_wrong_usage(tmp_path, option, value, told):
    """A gain of -5 would be another record, upside down."""
    touch(tmp_path / "x.png")
    result = run("digitize", tmp_path / "x.png", "-o", tmp_path / "out", f"--{option}={value}")
    assert result.exit_code == 2
    assert f"{option}_mm_" in result.output
    assert told in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()


def test_other_options_read_anew(tmp_path):
    one, other = Wish(Settings()), Wish(Settings(fs=250.0))
    assert one.key() == Wish(Settings()).key() != other.key()
    (tmp_path / "page.json").write_text("{}")
    first = Wish(Settings(), weights=tmp_path / "page.json").key()
    (tmp_path / "page.json").write_text("[]")
    assert Wish(Settings(), weights=tmp_path / "page.json").key() != first
    with pytest.raises(FastecgError, match="cannot be read"):
        Wish(Settings(), weights=tmp_path / "none").key()


def test_a_correction_is_not_undone_by_reading_the_folder_again(tmp_path):
    Image.new("RGB", (60, 60)).save(tmp_path / "a.png")
    (tmp_path / "a.page.json").write_text("{}")
    plain, corrected, other = Wish(Settings()), Wish(Settings(page=tmp_path / "a.page.json")), Wish(Settings(fs=250.0))
    (job,) = planned([tmp_path / "a.png"], Ledger(tmp_path / "out"))
    status = job.path.stat()
    line = {"source": job.source, "page": 0, "record": job.stem, "wish": corrected.key(), "corrected": plain.key(), "bytes": {}}
    ledger = Ledger(tmp_path / "out")
    ledger.append([line | {"stamp": [status.st_size, status.st_mtime_ns]}])
    assert [ledger.whole(job, wish.key()) for wish in (plain, corrected, other)] == [True, True, False]


def test_a_summary_of_somebody_else_stays(tmp_path):
    Image.new("RGB", (60, 60)).save(tmp_path / "a.png")
    (tmp_path / "summary.csv").write_text("mine\n")
    ran = run("digitize", tmp_path / "a.png", "-o", tmp_path)
    assert ran.exit_code == 2
    assert "fastecg did not write it" in " ".join(ran.output.split())
    assert (tmp_path / "summary.csv").read_text() == "mine\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
@pytest.mark.parametrize("name", [DIGITIZED, SUMMARY])
def test_pipes_in_the_output_folder_are_not_waited_for(tmp_path, name):
    Image.new("RGB", (50, 50)).save(tmp_path / "x.png")
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / name)
    result = CliRunner().invoke(app, ["digitize", str(tmp_path / "x.png"), "-o", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "a pipe or a device" in " ".join(result.stderr.split())


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise")
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_an_interrupt_that_is_dropped_stops_the_run_all_the_same(tmp_path, monkeypatch, suffix):
    touch(*(tmp_path / f"in/{name}{suffix}" for name in "abc"))
    asked = []

    def dropping(waiting, task, workers, limit_s, **told):
        while waiting:
            job = waiting.popleft()
            asked.append(job.stem)
            with suppress(KeyboardInterrupt):
                if len(asked) == 2:
                    os.kill(os.getpid(), signal.SIGINT)
            yield Done(job, {"pages": 1}) if job.page is None else Done(job, error="a picture of nothing")

    monkeypatch.setattr("fastecg.archive.run.in_time", dropping)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            digitize_archive([tmp_path / "in"], tmp_path / "out", Wish(Settings()))
    finally:
        signal.signal(signal.SIGINT, before)
    assert asked == ["a", "b"]


def test_a_manifest_of_strange_lines_counts_for_nothing(tmp_path):
    lines = [{"source": "a.png", "record": "a", "page": page} for page in ("x", None, 1.5, [], True, 1)] + [
        {"source": "b.png", "record": "b"}
    ]
    text = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
    (tmp_path / DIGITIZED).write_bytes(b"{" + b" " * (5 << 20) + b"}\n" + text + b'{"source": "c')
    assert list(Ledger(tmp_path).lines) == [("a.png", 1), ("b.png", 0)]
    Ledger(tmp_path).append([{"source": "d.png", "record": "d", "page": 0}])
    assert ("d.png", 0) in Ledger(tmp_path).lines, "the line that a crash cut short takes no other along"


@pytest.mark.parametrize(
    "change",
    [{"confidence": "x"}, {"bytes": []}, {"bytes": None}, {"bytes": {"../a": 1}}, {"flags": 5}, {"read": [1]}, {"error": {}}, {"page": -1},
     {"source": "a\0.png"}, {"record": "../a"}, {"wish": 3}],
)  # fmt: skip
def test_lines_that_are_none_of_ours_count_for_nothing(tmp_path, change):
    """A folder of somebody else's: no value in it is taken for what it ought to be."""
    line = {"source": "a.png", "page": 0, "record": "a", "bytes": {"a.hea": 1}, "confidence": 0.5, "flags": None, "wish": "0"}
    (tmp_path / DIGITIZED).write_bytes(orjson.dumps(line | change) + b"\n")
    assert not Ledger(tmp_path).lines
    (tmp_path / DIGITIZED).write_bytes(orjson.dumps(line) + b"\n")
    ledger = Ledger(tmp_path)
    assert list(ledger.lines) == [("a.png", 0)]
    assert summary(ledger).splitlines()[1].startswith(b"a.png,1,a,")


def test_names_too_long_for_any_file_are_those_of_none(tmp_path):
    (tmp_path / DIGITIZED).write_bytes(orjson.dumps({"source": "a.png", "record": "a" * 5000}) + b"\n")
    assert not list(Ledger(tmp_path).files("a" * 5000))
    touch(tmp_path / "b.png")
    assert [job.stem for job in planned([tmp_path / "b.png"], Ledger(tmp_path))] == ["b"]


def test_headers_without_end_name_no_images(tmp_path):
    (tmp_path / "a.hea").write_text("a 1 500 10\n#Image: a.png\n")
    (tmp_path / "b.hea").write_bytes(b"#Image: b.png\n" + b"#" * (5 << 20))
    os.symlink(tmp_path / "gone", tmp_path / "c.hea")
    assert drawn_from(tmp_path) == {"a": ("a", 0)}


def test_nothing_outside_the_folder_is_removed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    touch(tmp_path / "elsewhere" / "thesis.hea", tmp_path / "out" / "own.hea")
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    ledger = Ledger(tmp_path / "out")
    assert not list(ledger.files("link/thesis"))
    assert list(ledger.files("own")) == [tmp_path / "out" / "own.hea"]


def test_images_named_in_headers_lead_to_their_records(tmp_path):
    record = fastecg.simulate("sinus", seed=1)
    write_record(tmp_path / "a" / "r", record, comments=["Image: r-0.png"])
    write_record(tmp_path / "two", record, comments=["Image: two-0.png, two-1.png"])
    assert drawn_from(tmp_path) == {"a/r-0": ("a/r", 0)}


# --- files of several pages, and what phones write


def pages(count: int = 3) -> list[Image.Image]:
    return [Image.fromarray(np.full((40, 50 + 10 * k, 3), 60 * k + 20, np.uint8)) for k in range(count)]


@pytest.mark.parametrize("suffix", ["tif", "pdf"])
def test_every_page_is_read(tmp_path, suffix):
    if suffix == "pdf":
        pytest.importorskip("pypdfium2")
    first, *others = pages()
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=others, **({"resolution": 200.0} if suffix == "pdf" else {}))
    assert page_count(tmp_path / f"a.{suffix}") == 3
    for k in range(3):
        found = read_picture(tmp_path / f"a.{suffix}", k)
        assert abs(found.shape[1] - (50 + 10 * k)) <= 1
        assert abs(float(found.mean()) - (60 * k + 20)) < 3
    with pytest.raises(FastecgError, match="page 9 cannot be read"):
        read_picture(tmp_path / f"a.{suffix}", 8)


def test_pages_are_pictures_of_their_own(tmp_path):
    first, *others = pages()
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    ran = run("digitize", tmp_path / "a.tif", "-o", tmp_path / "out")
    assert "3 of 3 pictures were not read" in ran.output  # they are small
    table = list(csv.DictReader((tmp_path / "out" / "summary.csv").read_text().splitlines()))
    assert [(row["record"], row["page"]) for row in table] == [("a", "1"), ("a-p2", "2"), ("a-p3", "3")]


def test_a_later_picture_does_not_get_the_name_of_an_earlier_files_page(tmp_path):
    first, *others = pages()
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    run("digitize", tmp_path / "a.tif", "-o", tmp_path / "out")
    Image.new("RGB", (60, 60)).save(tmp_path / "a-p2.png")
    run("digitize", tmp_path / "a.tif", tmp_path / "a-p2.png", "-o", tmp_path / "out")
    table = list(csv.DictReader((tmp_path / "out" / "summary.csv").read_text().splitlines()))
    assert sorted(row["record"] for row in table) == ["a", "a-p2", "a-p2_2", "a-p3"]


def test_a_photo_of_a_phone(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, :48] = (250, 20, 20)
    heif.from_pillow(Image.fromarray(picture)).save(tmp_path / "a.HEIC", quality=95)
    found = read_picture(tmp_path / "a.HEIC")
    assert found.shape == (64, 96, 3)
    assert np.abs(found.astype(int) - picture).mean() < 8
    (tmp_path / "b.heic").write_bytes((tmp_path / "a.HEIC").read_bytes()[:200])
    with pytest.raises(FastecgError, match=r"b\.heic: cannot be read"):
        read_picture(tmp_path / "b.heic")


def test_without_the_library_a_photo_says_which(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    touch(tmp_path / "a.heic")
    with pytest.raises(FastecgError, match=r"pip install 'fastecg\[heic\]'"):
        read_picture(tmp_path / "a.heic")


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_photos_are_turned_as_the_camera_says(tmp_path, orientation):
    picture = Image.fromarray(np.full((40, 60, 3), 255, np.uint8))
    picture.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    turned = np.rot90(np.asarray(picture), {3: 2, 6: 3, 8: 1}[orientation])
    assert np.abs(read_picture(tmp_path / "a.jpg").astype(int) - turned).mean() < 6


def test_sixteen_bits_of_colour(tmp_path):
    grey = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (48, 1))
    Image.fromarray(grey).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png")
    np.testing.assert_allclose(found[..., 0], grey / 257, atol=1.5)


def test_a_file_may_claim_any_number_of_pages(tmp_path, monkeypatch):
    """Those that are too many are named, not passed over."""
    import fastecg.digitizing.pictures as pictures

    monkeypatch.setattr(pictures, "MOST_PAGES", 2)
    job = Job(tmp_path / "a.pdf", "a.pdf", "a", None)
    run = _Run([job], Ledger(tmp_path / "out"), Wish(Settings()))
    assert list(run.uncounted) == [job]
    assert not run.waiting
    assert run.add_pages(job, 2) == []
    (step,) = run.add_pages(job, 900_000)
    assert [(waiting.stem, waiting.page) for waiting in run.waiting] == [("a", 0), ("a-p2", 1)] * 2
    assert step.line["page"] == 2
    assert "900000 pages in one file, expected at most 2" in step.line["error"]
    assert run.outcome.failures == [("a.pdf, page 3", step.line["error"])]
    first, *others = pages()
    first.save(tmp_path / "a.tiff", save_all=True, append_images=others)
    monkeypatch.setattr("fastecg.digitizing.result.MOST_PAGES", 2)
    found = fastecg.read_images(tmp_path / "a.tiff")
    assert len([next(found), next(found)]) == 2
    with pytest.raises(ImageError, match="3 pages, expected at most 2"):
        next(found)
