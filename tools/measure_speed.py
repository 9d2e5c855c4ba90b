"""Measure this machine and write the tables of docs/speed.md and README.md: ``python tools/measure_speed.py [--quick]``.

Ratios come from the guards of benchmarks/, each measured in one session with the library it is compared with. Rates are whole
`fastecg render` runs with truth files, whose stages are then timed one by one.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import fastecg
from fastecg.readers import read_record, sample_records
from fastecg.recipe import Recipe
from fastecg.writers.image import image_bytes
from fastecg.writers.truth_json import truth_bytes

ROOT = Path(__file__).parent.parent
QUICK = "--quick" in sys.argv


def main() -> None:
    ratios = guards()
    rates = [(name, *[rate(arguments, workers) for workers in (1, 2)]) for name, arguments in RUNS]
    page = speed_page(ratios, rates)
    (ROOT / "docs" / "speed.md").write_text(page, encoding="utf-8")
    readme = ROOT / "README.md"
    table = "\n".join(["", rate_table(rates), "", ratio_table(chosen(ratios), "times as fast, measured in one session"), ""])
    text = readme.read_text(encoding="utf-8")
    between = r"(<!-- measured: begin -->\n).*(<!-- measured: end -->)"
    readme.write_text(re.sub(between, lambda m: m[1] + table + m[2], text, flags=re.DOTALL), encoding="utf-8")


NOTE = """Written by `tools/measure_speed.py` on {where}.
Shared machines are noisy: ratios from one run are firm, milliseconds drift by a third. `pytest --benchmark-only` measures and guards
the ratios on yours."""

LIMITS = """Two of these depend on the other side's installation. wfdb looks every field of a header up in a table of pandas: beside
pandas 3 a 12-lead record of 10 s is read 12 to 13 times as fast as by `wfdb.rdrecord`, beside pandas 2.3, which looks up in less than half
the time, 6 to 7 times; records of two leads and long ones lie below (4 to 9), for there is less header to save. What remains of ours is
half interpreted Python and half the conversion to mV.

A matplotlib figure spends its time on ticks. With a grid made of ticks, as usual, the page is drawn 130 to 140 times as fast, without
their labels, which fall outside the figure, 80 to 110 times, and beside a figure whose grid is two collections of lines 11 times. These
were measured on a busy machine; on an idle one the first two are lower by up to a third. A third of our own time is memory: a page is a
fresh copy of 11 MB of paper."""

#: What README shows of the guards, by the end of their statement.
CHOSEN = {
    "than cv2.remap, float maps": "bend, light and noise in one pass, against `cv2.remap` alone",
    "than OpenCV's remap, multiply, randn, add": "the same, against the best composition of OpenCV",
    "than four transforms of albumentations": "the same, against four transforms of albumentations",
    "than cv2.polylines on the page": "traces of a page, against `cv2.polylines`",
    "than Agg's draw_path": "the same, against Agg's `draw_path`",
    "than a matplotlib figure": "a clean page, against a matplotlib figure with the usual grid of ticks",
    "than a matplotlib figure of collected lines": "the same, against one whose grid is two collections of lines",
    "clean png against imageio: times faster than imageio": "PNG of a clean page, against imageio at level 1",
    "a sample against wfdb: times faster than wfdb.rdrecord": "reading a record, against `wfdb.rdrecord`",
    "than wfdb.wrsamp": "writing one, against `wfdb.wrsamp`",
}


def chosen(ratios: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """The rows of README, in its words."""
    return [(said, value) for end, said in CHOSEN.items() for name, value in ratios if name.endswith(end)]


RUNS = (
    ("clean pages, PNG", ["--recipe", "clean", "--format", "png", "--layout", "3x4+1", "--style", "muse"]),
    ("photos, JPEG q95", ["--recipe", "photo", "--format", "jpg", "--layout", "3x4+1", "--style", "muse", "--dpi", "200"]),
    ("scans, JPEG q95", ["--recipe", "scan", "--format", "jpg", "--layout", "3x4+1", "--style", "muse", "--dpi", "200"]),
)


def guards() -> list[tuple[str, float]]:
    """What the guards of benchmarks/ measured against other libraries: (statement, figure)."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = ["pytest", "-q", "--benchmark-only", "--benchmark-disable-gc", f"--benchmark-json={report}", "benchmarks"]
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
        found = json.loads(report.read_text())["benchmarks"]
    pairs = [(item["name"], item["extra_info"]) for item in found]
    return [
        (f"{name.removeprefix('test_').removeprefix('guard_').replace('_', ' ')}: {key}", value)
        for name, info in pairs
        for key, value in info.items()
    ]


def rate(arguments: list[str], workers: int) -> float:
    """Images a second of a whole run, start of the workers not counted: the difference of a long and a short run."""
    few, many = (8, 40) if QUICK else (40, 240)
    seconds = []
    for pages in (few, many):
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            command = ["fastecg", "render", "-o", out, "--per-record", str(pages // 4), "--workers", str(workers), *arguments]
            subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, cwd=ROOT)
            seconds.append(time.perf_counter() - start)
    return (many - few) / (seconds[1] - seconds[0])


def stages(recipe: str, suffix: str) -> list[tuple[str, float]]:
    """Median CPU ms of what is done for a page, one seed after the other."""
    source = sample_records()[0]
    known, spent = Recipe.load(recipe), []
    for seed in range(6 if QUICK else 40):
        record, reading = timed(lambda: read_record(source.path))
        shot, drawing = timed(lambda seed=seed, record=record: known.draw(record, seed=seed, style="muse", layout="3x4+1", dpi=200))
        photo, taking = timed(lambda shot=shot, record=record: shot.take(record))
        _, labelling = timed(lambda photo=photo: truth_bytes(photo))
        _, encoding = timed(lambda photo=photo: image_bytes(photo.image, suffix, dpi=200))
        spent.append((reading, drawing, taking, labelling, encoding))
    names = ("read the record", "draw the shot", "take the photo", "truth as JSON", f"encode {suffix[1:]}")
    return list(zip(names, 1e3 * np.median(spent, axis=0), strict=True))


def timed(work: Callable[[], object]) -> tuple[object, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def rate_table(rates: list[tuple[str, float, float]]) -> str:
    rows = [f"| {name} | {one:.0f} | {two:.0f} | {two / one:.2f} |" for name, one, two in rates]
    return "\n".join(["| 2200×1700, with truth files | images/s, 1 worker | 2 workers | ratio |", "|---|---|---|---|", *rows])


def ratio_table(ratios: list[tuple[str, float]], title: str = "measured in one session") -> str:
    return "\n".join([f"| {title} | figure |", "|---|---|", *(f"| {name} | {value} |" for name, value in ratios)])


def speed_page(ratios: list[tuple[str, float]], rates: list[tuple[str, float, float]]) -> str:
    parts = []
    for recipe, suffix in (("clean", ".png"), ("photo", ".jpg")):
        rows = [f"| {name} | {ms:.1f} |" for name, ms in stages(recipe, suffix)]
        parts.append("\n".join([f"| one `{recipe}` page | CPU ms |", "|---|---|", *rows]))
    where = f"{os.cpu_count()} cores of {processor()}, Python {platform.python_version()}, fastecg {fastecg.__version__}"
    return (
        "\n\n".join(
            [
                "# Speed",
                NOTE.format(where=where),
                "## Whole runs",
                "`fastecg render` from record files to images, truth JSON and WFDB copies, start of the workers not counted.",
                rate_table(rates),
                "## Where the time goes",
                *parts,
                "## Against other libraries",
                "Each line is a guard of `benchmarks/`: CPU time, calls interleaved, medians.",
                LIMITS,
                ratio_table(ratios),
            ]
        )
        + "\n"
    )


def processor() -> str:
    try:
        names = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        names = []
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
