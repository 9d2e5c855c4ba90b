"""The command line: what it prints, what it leaves, what it returns, and what it does not import."""

from __future__ import annotations

import base64
import importlib
import io
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import wfdb
from payload import CHROMIUM, PAYLOAD, Tags, browsed, fields, with_payload, without_policy
from rich.console import Console
from typer.testing import CliRunner

import fastecg
import fastecg.cli
from fastecg.cli import COMMANDS, app
from fastecg.cli.render import _summary_lines
from fastecg.cli.report import Reporter
from fastecg.errors import ImageError, UnitWarning
from fastecg.handwriting import read_font
from fastecg.printing.text import font_file
from fastecg.readers.sources import SAMPLES
from fastecg.recipe import RECIPES, Recipe
from fastecg.record import LEADS
from fastecg.run.dataset import Progress, Summary
from fastecg.simulation import CONDUCTIONS, RHYTHMS
from fastecg.system.pictures import read_image
from fastecg.web import inspect
from fastecg.writers import write_record
from fastecg.writers.truth_json import read_truth

HEAVY = {"numba", "llvmlite", "wfdb", "pandas", "matplotlib", "skimage", "scipy", "imageio", "PIL", "numpy", "torch", "cv2"}
TELL_MODULES = """
import sys
import tempfile
try:
    from fastecg.cli import main; main()
finally:
    print('|'.join(sys.modules))
"""
ROOT = Path(fastecg.__file__).parent.parent


def call(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200", "TERM": "dumb"})


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for seed in (0, 1):
        write_record(folder / f"r{seed}", fastecg.simulate(fs=100, seed=seed))
    return folder


@pytest.fixture(scope="module")
def out(records, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    result = call("render", records, "-o", folder, "--dpi", 60, "--layout", "3x4+1")
    assert result.exit_code == 0, result.stderr
    assert re.search(r"2 images of 2 records in .*images/s", result.stderr)
    return folder


# --- help


@pytest.mark.parametrize("words", ["--help", "-h", "--version", "render --help", "inspect --help", "recipes --help", "simulate --help"])
def test_help_imports_nothing_heavy(words):
    done = subprocess.run([sys.executable, "-c", TELL_MODULES, *words.split()], capture_output=True, text=True, cwd=ROOT, check=True)
    *said, modules = done.stdout.splitlines()
    assert any(line.strip() for line in said)
    assert not HEAVY & {module.partition(".")[0] for module in modules.split("|")}


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_help_on_a_terminal_that_knows_ascii_alone(command):
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-m", "fastecg", command, "--help"], capture_output=True, cwd=ROOT, env=ascii_only, check=True)
    assert done.stdout.isascii()
    assert b"--help" in done.stdout


def test_a_reader_that_leaves_is_no_error():
    """As of `fastecg recipes | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "fastecg", "recipes"], stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    os.close(writer)
    assert done.stderr == b""


def test_values_that_can_be_no_millivolts_are_told(tmp_path):
    record = fastecg.simulate(fs=100, seed=1)
    np.save(tmp_path / "uv.npy", record.signal * 1000)
    write_record(tmp_path / "r", fastecg.Record(record.signal * 1000, 100, LEADS))
    result = call("render", tmp_path / "r", "-o", tmp_path / "out", "--dpi", 50)
    assert result.exit_code == 0
    assert re.search(r"warning: r: most of its leads span \d+ mV, expected 50 mV at most: are these microvolts", result.stderr)
    with pytest.warns(UnitWarning, match="expected 50 mV"):
        fastecg.render(tmp_path / "r", dpi=50)


def test_plain_tables_and_arrays_are_told_what_they_lack(tmp_path):
    """--fs, --units and --leads; --choose and --derive."""
    record = fastecg.simulate(fs=100, seed=1)
    np.save(tmp_path / "a.npy", record.choose(["I", "II"]).signal * 1000)
    np.savetxt(tmp_path / "b.csv", record.choose(["I", "II"]).signal.T * 1000, delimiter=";")
    told = ["--fs", 100, "--units", "uV", "--leads", "I,II", "--derive", "--choose", "aVF,V7=I", "--dpi", 50]
    result = call("render", tmp_path / "a.npy", tmp_path / "b.csv", "-o", tmp_path / "out", *told)
    assert result.exit_code == 0, result.stderr
    for name in "ab":
        copy = fastecg.read_record(tmp_path / "out" / name)
        assert copy.leads == ("aVF", "V7")
        np.testing.assert_allclose(copy.lead("aVF"), record.lead("aVF"), atol=0.002)
    again = call("render", tmp_path / "a.npy", tmp_path / "b.csv", "-o", tmp_path / "out", *told[:-2])
    assert again.exit_code == 2
    assert call("render", tmp_path / "a.npy", "-o", tmp_path / "x", "--units", "Ohm").exit_code == 2
    failed = call("render", tmp_path / "a.npy", "-o", tmp_path / "y")
    assert "it does not state its sampling frequency, expected fs= or --fs" in failed.stderr


def test_version():
    assert call("--version").stdout == f"fastecg {fastecg.__version__}\n"


def test_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "fastecg", "--version"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == f"fastecg {fastecg.__version__}\n"


def test_every_module_with_a_command_is_listed():
    names = {info.name for info in pkgutil.iter_modules(fastecg.cli.__path__)} - {"flags", "group", "report"}
    assert {command.__name__ for command in COMMANDS} == names
    listed = call("--help").stdout
    for command in COMMANDS:
        assert command.__name__ in listed


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_in_help_name_options_that_exist(command):
    options = set(re.findall(r"--[a-z-]+", call(command.__name__, "--help").stdout)) | {"-o", "-n"}
    examples = re.findall(rf"^ +(?:RUN )?fastecg {command.__name__}\b.*$", command.__doc__, re.MULTILINE)
    assert examples
    for example in examples:
        assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", example)) <= options


# --- render


def test_render_writes_pictures_truth_and_copies(out):
    for name in ("r0-0.png", "r0-0.json", "r0.hea", "r0.dat", "r1-0.png", "manifest.jsonl", "run.json"):
        assert (out / name).is_file()


def test_render_says_what_was_there_already(records, out):
    result = call("render", records, "-o", out, "--dpi", 60, "--layout", "3x4+1")
    assert result.exit_code == 0
    assert "2 images were there already" in result.stderr


def test_render_without_input_draws_the_samples(tmp_path):
    result = call("render", "-o", tmp_path, "--dpi", 50, "--limit", 1)
    assert result.exit_code == 0
    assert "built-in sample records" in result.stderr
    assert len(list(tmp_path.rglob("*-0.png"))) == 1


def test_render_passes_every_option_on(records, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        "fastecg.run.dataset.render_dataset", lambda inputs, out, **options: asked.update(options, inputs=inputs) or _nothing()
    )
    words = (
        "--recipe clean --layout 6x2 --style s --dpi 300 --speed 50 --gain 5 --chest-gain 2.5 --paper a4 --rhythm-lead V1,II "
        "--seed 7 --per-record 2 --limit 9 --shard 2/3 --format jpg "
        "--quality 80 --truth json,mask --mask-unplotted --challenge-headers --workers 1 --overwrite --severity 0.5 "
        f"--start 20 --pages 3 --every 60 --fs 250 --units uV --leads I,II --choose II --derive --header-text {tmp_path / 'lines.txt'} "
        f"--notes {tmp_path / 'notes.txt'} --notes-font {tmp_path / 'hand.ttf'}"
    )
    shutil.copy(font_file("DejaVuSans.ttf"), tmp_path / "hand.ttf")
    (tmp_path / "lines.txt").write_text("Ward 7\n\n  second  \n")
    (tmp_path / "notes.txt").write_text("# mine\nNSR\n\nK+ 5.1\n")
    assert call("render", records, "-o", tmp_path, *words.split()).exit_code == 0
    asked.pop("progress")
    assert asked == {
        "inputs": [records], "recipe": "clean", "layout": "6x2", "style": "s", "dpi": 300, "speed_mm_s": 50, "gain_mm_mv": 5,
        "chest_gain_mm_mv": 2.5, "paper": "a4", "rhythm_leads": ("V1", "II"), "seed": 7,
        "per_record": 2, "limit": 9, "shard": (2, 3), "format": "jpg", "quality": 80, "truth": ("json", "mask"), "mask_unplotted": True,
        "challenge_headers": True, "workers": 1, "client": None, "overwrite": True, "severity": 0.5, "header_text": ("Ward 7", "second"),
        "notes": ("NSR", "K+ 5.1"), "fs": 250, "unit": "uV", "leads": ("I", "II"), "choose": ("II",), "derive": True,
        "start": 20, "pages": 3, "every": 60,
        "notes_font": read_font(tmp_path / "hand.ttf"),
    }  # fmt: skip


def _nothing():
    from fastecg.run.dataset import Summary

    return Summary()


def test_failed_records_are_named_and_give_status_1(records, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.hea").write_text("bad 1 500 5000\nbad.dat 16 200 16 0 0 0 0 I\n")
    result = call("render", records, tmp_path / "in", "-o", tmp_path / "out", "--dpi", 50)
    assert result.exit_code == 1
    assert "failed: bad" in result.stderr
    assert "1 records failed" in result.stderr
    assert (tmp_path / "out" / "r1-0.png").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("render nowhere -o out", "nowhere"),
        ("render -o out --layout 100x1", "up to 99x1"),
        ("render -o out --layout 6x2 --rhythm-lead V1", "layout 6x2 has no rhythm strips, too few for V1"),
        ("render -o out --rhythm-lead I,II,III,V1", "layout 3x4+3 has 3 rhythm strips"),
        ("render -o out --paper a7", "unknown paper 'a7'"),
        ("render -o out --chest-gain 0", "chest_gain_mm_mv is 0"),
        ("render --shard 2 -o out", "expected K/N such as 2/8"),
        ("render --shard 0/2 -o out", "K from 1 to N"),
        ("render --format bmp -o out", "expected png, jpg, webp or tiff"),
        ("render --recipe no -o out", "no recipe 'no'"),
        ("render --recipe no.toml -o out", "no.toml"),
        ("render --layout no -o out", "layout 'no'"),
        ("render --dpi no -o out", "dpi"),
        ("render", "--out"),
        ("inspect nothing.png", "nothing.png"),
        ("recipes nothing", "nothing"),
        ("simulate", "expected --out FOLDER"),
        ("simulate -o out --rhythm waltz", "waltz"),
        ("dance", "dance"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*words.split())
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output + result.stderr
    assert not (tmp_path / "out").exists()


def test_other_options_are_refused(records, out):
    result = call("render", records, "-o", out, "--dpi", 61, "--layout", "3x4+1")
    assert result.exit_code == 2
    assert "dpi 60.0, now 61.0" in result.stderr


def test_unwritable_output_is_one_line_and_status_1(records, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = call("render", records, "-o", tmp_path / "file", "--dpi", 50)
    assert result.exit_code == 1
    assert result.stderr.startswith("fastecg: ")


def test_ctrl_c_tells_how_to_go_on(records, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastecg.run.dataset.render_dataset", interrupted)
    result = call("render", records, "-o", tmp_path)
    assert result.exit_code == 130
    assert "the same command goes on from here" in result.stderr


# --- what long work says


def test_the_end_of_a_run_tells_pictures_sizes_and_failures():
    summary = Summary(pages=30, kept=2, records=12, shortened=3, bytes=41_500_000, seconds=2.5, failures=[("a", "a: no leads")])
    assert _summary_lines(summary, "out") == [
        "30 images of 12 records in out, 41.5 MB of images, 2.5 s (12.0 images/s)",
        "2 images were there already",
        "3 records have a tail shorter than a page, which is left out",
        "1 records failed; the manifest says why",
    ]
    assert len(_summary_lines(Summary(pages=1, records=1, seconds=1.0), "out")) == 1


def test_plain_lines_elsewhere_than_on_a_terminal(monkeypatch):
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr("fastecg.cli.report.time.monotonic", lambda: next(clock))
    text = io.StringIO()
    with Reporter(Console(file=text, width=200)) as reporter:
        for done in range(1, 5):
            reporter.update(Progress(done, 10, done * 2, f"r{done}", "r3: no leads" if done == 3 else None))
    assert text.getvalue().splitlines() == [
        "2/10 records, 4 images, 0.5 images/s, 32 s left",
        "failed: r3: no leads",
        "4/10 records, 8 images, 0.5 images/s, 24 s left",
    ]


def test_plain_lines_before_the_first_record_is_done(monkeypatch):
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr("fastecg.cli.report.time.monotonic", lambda: next(clock))
    text = io.StringIO()
    with Reporter(Console(file=text, width=200)) as reporter:
        reporter.update(Progress(0, 1, 32, "r"))
    assert text.getvalue() == "0/1 records, 32 images, 5.3 images/s\n"


def test_a_bar_on_a_terminal():
    text = io.StringIO()
    with Reporter(Console(file=text, force_terminal=True, width=120, color_system=None)) as reporter:
        reporter.update(Progress(4, 10, 8, "r3"))
    assert "4/10 records" in text.getvalue()
    assert "images/s" in text.getvalue()


# --- recipes


def test_recipes_lists_all():
    listed = call("recipes").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(RECIPES)
    assert all(Recipe.load(name).title in line for name, line in zip(RECIPES, listed, strict=True))


@pytest.mark.parametrize("name", RECIPES)
def test_a_printed_recipe_is_that_recipe(name, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(call("recipes", name).stdout)
    assert Recipe.load(path).to_dict() == Recipe.load(name).to_dict()


# --- simulate


def test_simulate_writes_records(tmp_path):
    words = "--rhythm bigeminy --conduction rbbb -n 2 --seed 5 --fs 250 --seconds 4"
    result = call("simulate", "-o", tmp_path, *words.split())
    assert result.exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*.hea")) == ["bigeminy-rbbb-5.hea", "bigeminy-rbbb-6.hea"]
    read = wfdb.rdrecord(str(tmp_path / "bigeminy-rbbb-6"))
    expected = fastecg.simulate("bigeminy", conduction="rbbb", seconds=4, fs=250, seed=6)
    np.testing.assert_allclose(read.p_signal.T, expected.signal, atol=0.000501)


def test_simulate_lists_what_it_can():
    listed = call("simulate", "--list").stdout
    for row in (*RHYTHMS, *CONDUCTIONS):
        assert row.name in listed


# --- inspect


def test_inspect_draws_each_trace_over_its_ink(out):
    assert call("inspect", out / "r0-0.png").exit_code == 0
    before, after = iio.imread(out / "r0-0.png"), iio.imread(out / "r0-0.inspect.png")
    assert before.shape == after.shape
    truth = read_truth((out / "r0-0.json").read_bytes())
    for segment in inspect.segments(truth):
        columns, rows = np.rint(segment.points).astype(int).T
        assert (after[rows, columns] == segment.colour).all(axis=1).mean() > 0.9
    assert (before != after).any(axis=2).mean() < 0.2


def test_inspect_zooms_about_pixel_centres():
    image = np.zeros((5, 5, 3), np.uint8)
    truth = {
        "leads": [{"lead_name": "I", "plotted_pixels": [[2, 1], [2, 3], [None, 4]]}],
        "fastecg": {"visible": [[True, False, False]], "boxes": [], "grid": {"px": []}},
    }
    drawn = inspect.draw_truth(image, truth, zoom=3)
    assert drawn.shape == (15, 15, 3)
    assert tuple(drawn[7, 4]) == inspect.LEAD_COLOURS[0]  # pixel (row 2, column 1) is 6..8, 3..5
    assert tuple(drawn[7, 10]) == inspect.HIDDEN
    assert not drawn[:6].any()


def test_inspect_makes_a_page_of_a_folder(out):
    result = call("inspect", out, "--limit", 1)
    assert result.exit_code == 0
    page = (out / "inspect.html").read_text()
    assert page.count("<figure ") == page.count("<template>") == 1
    assert page.count("<polyline") == 13
    assert "(1 of 2 pictures)" in result.stdout
    assert "http" not in page.replace("http-equiv", "")
    assert not re.search(r' src="(?!data:)', page)
    small, whole = (iio.imread(base64.b64decode(found)) for found in re.findall(r"data:image/jpeg;base64,([^\"]+)", page))
    assert max(small.shape) == 320
    picture = iio.imread(out / "r0-0.png")
    assert np.abs(whole.astype(float) - picture).mean() < 8


@pytest.fixture(scope="module")
def two_kinds(tmp_path_factory):
    """The page of two pictures that have nothing in common."""
    folder = tmp_path_factory.mktemp("kinds")
    record = fastecg.simulate(seed=1, name="a")
    for part, options in (("a", {"recipe": "clean", "layout": "3x4+1"}), ("b", {"recipe": "photo", "layout": "6x2"})):
        fastecg.render_dataset(record, folder / part, dpi=40, workers=1, style="muse", **options)
    assert call("inspect", folder, "--out", folder / "page.html").exit_code == 0
    return folder / "page.html"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.parametrize(
    ("state", "shown", "opened"),
    [("", 2, 0), ("#layout=3x4%2B1&open=0", 1, 13), ("#recipe=photo", 1, 0), ("#artifact=Lamp", 1, 0), ("#recipe=none", 2, 0)],
)
def test_inspect_page_in_a_browser(two_kinds, state, shown, opened):
    page = browsed(two_kinds, state)
    assert f"{shown} of 2 pictures" in page
    assert page.partition('id="shown"')[2].partition("</dialog>")[0].count("<polyline") == opened


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_what_an_inspect_page_shows_is_switched_on_and_off(two_kinds, tmp_path):
    look = """<script>
    const seen = name => getComputedStyle(document.querySelector("#shown ." + name)).display != "none";
    const found = {};
    for (const name of ["traces", "boxes", "lattice"]) {
      const before = seen(name);
      document.querySelector(".t-" + name).click();
      found[name] = [before, seen(name)];
    }
    document.title = JSON.stringify(found);
    </script></html>"""
    page = tmp_path / "page.html"
    page.write_text(without_policy(two_kinds.read_text()).replace("</html>", look))
    said = re.search(r"<title>(\{.*?\})</title>", browsed(page, "#open=0"))[1]
    assert json.loads(said) == {"traces": [True, False], "boxes": [True, False], "lattice": [False, True]}


def test_inspect_page_escapes_what_is_printed(out, tmp_path):
    for suffix in (".png", ".json"):
        (tmp_path / f"x{suffix}").write_bytes((out / f"r0-0{suffix}").read_bytes().replace(b'"words":"II"', b'"words":"<script>"'))
    path, shown, found = inspect.inspect_folder(tmp_path)
    assert shown == found == 1
    assert path.read_text().count("<script>") == 1  # the page's own
    assert "&lt;script&gt;" in path.read_text()


@pytest.fixture(scope="module")
def poisoned(out, tmp_path_factory):
    """A page of pictures whose truth files, folders and names hold scripts; and how many were refused."""
    folder = tmp_path_factory.mktemp("poisoned")
    truth = json.loads((out / "r0-0.json").read_bytes())
    small = read_image(out / "r0-0.png")[::8, ::8]
    fastecg.writers.write_image(folder / "small.png", small, dpi=25)
    image = (folder / "small.png").read_bytes()
    (folder / "small.png").unlink()
    truth["leads"] = truth["leads"][:2]
    truth["fastecg"]["visible"] = truth["fastecg"]["visible"][:2]
    refused = 0
    for number, (path, what) in enumerate(fields(truth)):
        place = folder / f"{number:03}"
        place.mkdir()
        (place / "x.png").write_bytes(image)
        (place / "x.json").write_text(json.dumps(with_payload(truth, path, what)))
        try:
            inspect.inspect_folder(place)
        except ImageError:
            refused += 1
            shutil.rmtree(place)
    name = PAYLOAD.replace("/", "")[:180]
    for place in (folder / "javascript:document.title='taken'", folder / name[:200]):
        place.mkdir()
        (place / f"{name}.png").write_bytes(image)
        (place / f"{name}.json").write_text(json.dumps(truth))
    (folder / "manifest.jsonl").write_text(json.dumps({"path": PAYLOAD, "record": PAYLOAD, "error": PAYLOAD}))
    path, shown, found = inspect.inspect_folder(folder, limit=1000)
    assert shown == found > 50
    return path, refused


def test_no_field_of_a_truth_file_becomes_part_of_the_page(poisoned, two_kinds):
    path, refused = poisoned
    assert refused > 10  # numbers that are none
    own = Tags(two_kinds.read_text()).found
    assert Tags(path.read_text()).found - {("path", "class", "d")} == own - {("path", "class", "d")}
    assert "Content-Security-Policy" in path.read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.parametrize("policy", [True, False])
def test_no_field_of_a_truth_file_runs_in_a_browser(poisoned, tmp_path, policy):
    path, _ = poisoned
    if policy:
        found = browsed(path, "#open=0")
    else:  # and each picture opened
        page = tmp_path / "page.html"
        look = "<script>for (const figure of figures) { show(figure); dialog.close() } document.body.append('all seen')</script></html>"
        page.write_text(without_policy(path.read_text()).replace("</html>", look))
        found = browsed(page)
        assert "all seen" in found
    assert "<title>fastecg: pictures and their truth</title>" in found
    assert re.search(r"\d+ of \d+ pictures", found)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_the_page_of_a_folder_runs_no_other_script(two_kinds, tmp_path):
    page = tmp_path / "page.html"
    for foreign in ("<script>document.title='taken'</script>", "<img src=x onerror=\"document.title='taken'\">"):
        page.write_text(two_kinds.read_text().replace("<main>", f"<main>{foreign}"))
        assert "<title>fastecg" in browsed(page)
        page.write_text(without_policy(page.read_text()))
        assert "<title>taken" in browsed(page)


def test_inspect_names_what_is_missing(out, tmp_path):
    (tmp_path / "alone.png").write_bytes((out / "r0-0.png").read_bytes())
    with pytest.raises(ImageError, match=r"alone.png: its truth is missing, expected alone.json beside it"):
        inspect.inspect_image(tmp_path / "alone.png")
    with pytest.raises(ImageError, match="no image with its truth"):
        inspect.inspect_folder(tmp_path)
    (tmp_path / "alone.json").write_bytes((out / "r0-0.json").read_bytes())
    (tmp_path / "alone.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"alone.png: cannot be read as an image"):
        inspect.inspect_image(tmp_path / "alone.png")


def test_every_public_function_of_the_command_modules_is_documented():
    for command in COMMANDS:
        module = importlib.import_module(command.__module__)
        assert module.__doc__
        assert command.__doc__


# --- kernels, faults, slim installs


def test_compiling_is_said_once():
    text = io.StringIO()
    reporter = Reporter(Console(file=text, width=200))
    reporter.say_compiling()
    reporter.say_compiling()
    assert text.getvalue().count("compiling kernels") == 1


def test_warm_leaves_nothing_to_compile_of_what_it_draws(monkeypatch, tmp_path):
    """Its recipes and artifacts are all of them; the pages are drawn small."""
    from fastecg.run import warm

    drawn = []
    monkeypatch.setattr(warm, "_draw", lambda record, name: drawn.append(name))
    monkeypatch.setattr(warm, "_artifacts", lambda record: drawn.append("artifacts"))
    monkeypatch.setattr(warm, "_digitise", lambda: drawn.append("digitiser"))
    result = CliRunner().invoke(app, ["warm"])
    assert result.exit_code == 0
    assert drawn == [*RECIPES, "artifacts", "digitiser"]


def test_debug_shows_where_an_error_comes_from(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTECG_DEBUG", "")
    plain = CliRunner().invoke(app, ["inspect", str(tmp_path / "none.png")])
    debug = CliRunner().invoke(app, ["--debug", "inspect", str(tmp_path / "none.png")])
    assert plain.exit_code == debug.exit_code == 2
    assert "Traceback" not in plain.output
    assert "Traceback" in debug.output
    assert "in inspect_image" in debug.output


@pytest.mark.parametrize("interrupted", ["import", "call"])
def test_an_interrupt_before_a_command_begins_shows_no_traceback(interrupted):
    code = """
import importlib.abc
import sys

class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "typer":
            raise KeyboardInterrupt

def interrupt(*given, **named):
    raise KeyboardInterrupt

if sys.argv[1] == "import":
    sys.meta_path.insert(0, Interrupt())
else:
    import typer
    typer.Typer.__call__ = interrupt
from fastecg.__main__ import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", code, interrupted], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
    scripts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.scripts]\n")[2]
    assert scripts.startswith('fastecg = "fastecg.__main__:main"\n')


SLIM = """
import sys
for module in {modules}:
    sys.modules[module] = None
from fastecg.cli import main
if __name__ == "__main__":
    for command in " ".join(sys.argv[1:]).split(" , "):
        sys.argv[1:] = command.split()
        try:
            main()
        except SystemExit as left:
            if left.code:
                raise
"""


@pytest.fixture
def slim(tmp_path):
    """Runs commands, with "," between them, with what the guide's slim install leaves out out of reach: (exit status, what is said)."""
    root = Path(__file__).parents[2]
    kept = re.search(r"pip install --no-deps fastecg\npip install (.+)", (root / "docs" / "guide.md").read_text(encoding="utf-8"))[
        1
    ].split()
    block = re.search(r"\ndependencies = \[(.+?)\n\]", (root / "pyproject.toml").read_text(encoding="utf-8"), re.DOTALL)[1]
    declared = re.findall(r'\n  "([\w-]+)', block)
    left_out = set(declared) - set(kept) - {"rich", "tomli"}  # typer brings rich; tomli is there for older Pythons
    modules = {"scikit-image": "skimage"}
    names = {modules.get(name, name) for name in left_out} | {"pandas", "aiohttp"}
    assert "wfdb" in names
    (tmp_path / "slim.py").write_text(SLIM.format(modules=names))

    def run(*words):
        done = subprocess.run([sys.executable, str(tmp_path / "slim.py"), *map(str, words)], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_slim_install_renders_scores_and_exports(records, tmp_path, slim):
    """What the guide says of it, with the packages that it leaves out out of reach."""
    out = tmp_path / "out"
    words = f"render {records} -o {out} --recipe photo --format jpg --truth json --dpi 60 --workers 2 , score {out} {out}"
    for kind in ("yolo", "nnunet", "webdataset", "huggingface", "ecg-digitiser"):
        words += f" , export {out} {tmp_path / kind} --to {kind}"
    status, said = slim(*words.split())
    assert status == 0, said
    assert "raw SNR" in said
    assert len(list(tmp_path.glob("*/*"))) > 10


def test_a_slim_install_says_what_is_missing(tmp_path, slim):
    out = tmp_path / "out"
    assert slim("render", SAMPLES, "-o", out, "--dpi", 60, "--limit", 1)[0] == 0
    status, said = slim("render", SAMPLES, "-o", tmp_path / "webp", "--dpi", 60, "--limit", 1, "--format", "webp")
    assert status == 1
    assert "imageio is not installed, expected `pip install imageio` to have been run" in said
    status, said = slim("export", out, tmp_path / "coco", "--to", "coco")
    assert status == 2
    assert said.splitlines() == ["fastecg: scikit-image is not installed, expected `pip install scikit-image` to have been run"]
    status, said = slim("digitize", out, "-o", tmp_path / "back")
    assert status == 1
    assert "threadpoolctl is not installed" in said


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (KeyboardInterrupt(), 130, "stopped; the same command goes on from here"),
        (OSError(28, "No space left on device", "out/a.png"), 1, "out/a.png: No space left on device; once that is mended, the same"),
        (FileExistsError(17, "File exists", "out"), 1, "out: File exists, expected a folder; once that is mended, the same"),
        (NotADirectoryError(20, "Not a directory", "a/out"), 1, "a/out: Not a directory, expected a folder; once that is mended, the same"),
    ],
)
def test_a_run_that_is_stopped_says_how_it_goes_on(error, status, told):
    import typer
    from rich.console import Console

    from fastecg.cli.group import can_go_on
    from fastecg.cli.report import Reporter

    said = io.StringIO()
    with pytest.raises(typer.Exit) as left, can_go_on(Reporter(Console(file=said, soft_wrap=True))):
        raise error
    assert left.value.exit_code == status
    assert told in said.getvalue()
