"""Measure this machine and write the tables of docs/speed.md and README.md: ``python tools/measure_speed.py [--quick]``.

Ratios come from the guards of benchmarks/, which measure each library and fastecg in one session. Rates are those of whole runs of
`fastecg render` with truth files. The steps of a page are timed by `steps.py`.

``python tools/measure_speed.py --long RECORDS... [--pages N]`` renders N pages (5,000 by default) of the given records as clean PNG and as
photos, and writes only the section on long runs of docs/speed.md. Without ``--long``, this section is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from sections import rewrite
from steps import step_table

import fastecg
from fastecg.errors import FastecgError
from fastecg.readers import find_records, read_record
from fastecg.readers.sources import Source

ROOT = Path(__file__).parent.parent
QUICK = "--quick" in sys.argv
LONG = "## Long runs"
PTB_XL = 21_801  # Number of records of PTB-XL, each of 10 s and so one page.


def main() -> None:
    """Measure, and write the tables."""
    if "--long" in sys.argv:
        long_runs(*long_arguments())
        return
    ratios = guards()
    rates = [(name, *rates_in_turns(arguments)) for name, arguments in RUNS]
    page = speed_page(ratios, rates)
    speed = ROOT / "docs" / "speed.md"
    _, heading, long_section_text = speed.read_text(encoding="utf-8").partition(LONG)
    speed.write_text(page + (f"\n{heading}{long_section_text}" if heading else ""), encoding="utf-8")
    table = f"{rate_table(rates)}\n\n{ratio_table(chosen(ratios), 'times as fast, measured in one session')}"
    rewrite(ROOT / "README.md", "measured", table)


NOTE = """Written by `tools/measure_speed.py` on {where}.
Shared machines are noisy: ratios from one run are stable, milliseconds drift by a third. `pytest --benchmark-only` measures and guards
the ratios on your machine."""

WHOLE_RUNS = """`fastecg render` from record files to images, truth JSON and WFDB copies, start of the workers not counted. One worker and
two took turns; the best of four runs counts."""

COMPARISONS = """The ratios to wfdb and matplotlib depend on how these are installed and used. wfdb looks up every field of a header in a
table of pandas. With pandas 3, a 12-lead record of 10 s is read some ten times as fast as by `wfdb.rdrecord`; with pandas 2.3, whose
look-ups take less than half the time, some six times as fast. For records of two leads and for long records the ratio is smaller (4 to
9), because headers take a smaller part of the time. Half of our own time is interpreted Python, half the conversion to mV.

A matplotlib figure spends most of its time on ticks. A page is drawn about a hundred times as fast as a figure whose grid is made of
ticks, as usual; some eighty times if the ticks have no labels, which would be outside the figure; and some ten times as fast as one whose
grid is two collections of lines. On a busy machine these ratios are a third higher than on an idle one. A third of our own time is
memory: every page starts as a copy of 11 MB of paper.

The fastest rival for PNG is ISA-L's Deflate, by which fastecg itself packs pictures of print. Pictures of noise are packed by Paeth's
filter and Huffman's code alone, in less than two thirds of the time of ISA-L. The table has the CPU time of a thread, as medians of nine
interleaved calls in one run, for 2200 x 1700 px of print and 2300 x 1700 px of photo. ISA-L (python-isal 1.9.1), zlib-ng (1.1.0),
libdeflate (`deflate` 0.9.0) and zlib (CPython's) were called at level 1 without filters and container, OpenCV 5.0 and imageio (Pillow 13)
at level 1 as they are:

| | clean page, ms | kB | photo, ms | kB |
|---|---|---|---|---|
| fastecg | 6.0 | 782 | 16.0 | 7,704 |
| ISA-L | 5.4 | 782 | 25.7 | 8,935 |
| zlib-ng | 9.1 | 935 | 89.5 | 11,873 |
| libdeflate | 21.7 | 636 | 92.5 | 8,824 |
| zlib | 25.2 | 749 | 182 | 8,751 |
| imageio | 64.0 | 760 | 318 | 8,053 |
| OpenCV | 68.8 | 755 | 258 | 8,076 |

fastecg also has its own JPEG encoder, whose files have the same bytes as those of libjpeg. For a photo of 3711 x 1290 px it took 11.3 ms
at quality 95, and Pillow 13 took 15.5; at quality 80 they took 8.3 and 12.2 (interleaved, medians). With AVX2 alone it was 14.0 and 16.0,
and 11.0 and 12.6. simplejpeg 1.9 with the accurate DCT took 0.92 of Pillow's time, for 1 % more bytes and 0.3 dB less.

ECG-Image-Kit is not a library but the generator that the field uses. `tools/measure_kit.py --kit CHECKOUT` draws the same records with both
programs, with one process and one thread each, in turns, and reports the CPU time of one more page. The kit took 1.64 s for a clean page
and 4.58 s for a distorted page without handwriting, an earlier fastecg 30.8 and 99.4 ms: the kit took 53 and 46 times as much.
On a newer and busy processor, the code that the kit's commit 0b1f9c2 runs for a clean page, copied from its files, took 0.82 to 0.98 s in
three turns, and fastecg 17 to 21 ms: 42 to 46 times as much. For a distorted page the kit's code took at least 3.2 to 3.7 s, and fastecg
69 to 76 ms: at least 44 times as much. In this second measurement, the kit's code used the smallest picture of wrinkles that it accepts,
since the pictures that come with the kit were not at hand, and boxes were not turned. The aim of a hundred times on one core is not
reached: it would leave 8 to 10 ms for a clean page of 18, and ISA-L's Deflate alone takes 5. Traces, paper and words take another 3.

Since these tables were written, the page has become a little faster: in turns with the version before, page by page, on an older and busy
processor, a clean page takes 0.97 of its time as the first of its record, and 0.91 to 0.96 as a further variant, since what a machine
would measure of a page is kept for its variants. The difference for a photo is within the noise. `tools/steps.py` takes every page for
the first of its record.

The first run after installation compiles the kernels: when the tables were written, `fastecg render --limit 1` took 7.4 CPU s for a clean
page and 22.5 for a photo. Since then, kernels that only kernels call are compiled without the wrapper with which Python would call them,
and fewer kernels are compiled twice for constants. A first photo takes 0.90 of the time that it took before (both versions taking turns,
two runs each, on an older and busy processor); for a clean page the difference is within the noise. The aim of 12 s is not reached. Two
fifths of the time are LLVM's, the rest is Numba's own Python, which grows with the number of statements that are compiled. In single
runs, fewer optimisations by LLVM and kernels without reference counts saved nothing, and with helpers inlined by Numba the compiler took
a fifth longer. Later runs took 1.5 to 2.5 CPU s.

A photo of 200 dpi has 3.5 million pixels and is written as 1.5 MB of JPEG. Encoding takes a ninth of its CPU time, two thirds of that for
Huffman's code, which at 2 ns a number is as fast as libjpeg's. The one pass and a phone's processing take a fifteenth each, sampling the
shot's values a thirteenth, and the truth, which is a search for every sample, a twelfth. The rest is sixty steps of 2.5 ms at most. Most of
these happen on some pages only, and few pass through all pixels. Copying all pixels takes 0.3 ms if the processor's cache holds the
picture, so doing several steps in one pass would gain 1 or 2 ms. The losses of a picture that was saved as JPEG before are computed
without making a file, bit for bit as libjpeg makes them. In the comparison with other libraries, both sides encode the final JPEG; without
it the ratios would be a sixth higher."""

#: Guards whose ratios the README shows: the end of the guard's name, and the words of the README.
CHOSEN = {
    "than cv2.remap, float maps": "bend, light and noise in one pass, against `cv2.remap` alone",
    "than OpenCV's remap, multiply, randn, add": "the same, against the best composition of OpenCV",
    "than four transforms of albumentations": "the same, against four transforms of albumentations",
    "than cv2.polylines on the page": "traces of a page, against `cv2.polylines`",
    "than Agg's draw_path": "the same, against Agg's `draw_path`",
    "than a matplotlib figure": "a clean page, against a matplotlib figure with the usual grid of ticks",
    "than a matplotlib figure of collected lines": "the same, against one whose grid is two collections of lines",
    "clean png against imageio: times faster than imageio": "PNG of a clean page, against imageio at level 1",
    "clean png against imageio: times faster than ISA-L's Deflate alone": "the same, against the fastest rival, ISA-L's Deflate",
    "jpeg against pillow: times faster than Pillow": "JPEG of a photo, the same bytes, against libjpeg-turbo by Pillow",
    "a sample against wfdb: times faster than wfdb.rdrecord": "reading a record, against `wfdb.rdrecord`",
    "than wfdb.wrsamp": "writing one, against `wfdb.wrsamp`",
}


def chosen(ratios: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """The ratios that the README shows, with its words."""
    return [(words, value) for name_end, words in CHOSEN.items() for name, value in ratios if name.endswith(name_end)]


#: Whole runs that are measured: name, and options of `fastecg render`.
RUNS = (
    ("clean pages, PNG", ["--recipe", "clean", "--format", "png", "--layout", "3x4+1", "--style", "muse"]),
    ("photos, JPEG q95", ["--recipe", "photo", "--format", "jpg", "--layout", "3x4+1", "--style", "muse", "--dpi", "200"]),
    ("scans, JPEG q95", ["--recipe", "scan", "--format", "jpg", "--layout", "3x4+1", "--style", "muse", "--dpi", "200"]),
)


def guards() -> list[tuple[str, float]]:
    """Run the guards of benchmarks/. Returns the name and the value of every figure that they measure."""
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


class Rate(NamedTuple):
    """Rate of a whole run without the start of its workers: images per second, and CPU time in ms of all processes for one more page."""

    images_s: float
    cpu_ms: float


def rates_in_turns(arguments: list[str]) -> list[Rate]:
    """The best rates of one worker and of two, which take turns, since other processes on the machine only slow runs down."""
    turns = [[rate_once(arguments, workers) for workers in (1, 2)] for _ in range(1 if QUICK else 4)]
    return [Rate(max(run.images_s for run in runs), min(run.cpu_ms for run in runs)) for runs in zip(*turns, strict=True)]


def rate_once(arguments: list[str], workers: int) -> Rate:
    """The rate from the difference between a long and a short run."""
    few, many = (20, 80) if QUICK else (40, 240)
    spent = []
    for pages in (few, many):
        with tempfile.TemporaryDirectory() as out:
            before, start = os.times(), time.perf_counter()
            command = ["fastecg", "render", "-o", out, "--per-record", str(pages // 4), "--workers", str(workers), *arguments]
            subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, cwd=ROOT)
            after, seconds = os.times(), time.perf_counter() - start
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            spent.append((seconds, cpu))
    (short, short_cpu), (long, long_cpu) = spent
    return Rate((many - few) / (long - short), 1e3 * (long_cpu - short_cpu) / (many - few))


def long_arguments() -> tuple[list[str], int]:
    """The records and the number of pages from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", nargs="+", required=True)
    parser.add_argument("--pages", type=int, default=5000)
    given = parser.parse_args()
    return [str(Path(path).resolve()) for path in given.long], given.pages


def long_runs(records: list[str], pages: int) -> None:
    """Render many pages, and replace the section on long runs of docs/speed.md."""
    variants = -(-pages // max(sum(map(pages_of, find_records(records))), 1))
    for _, arguments in LONG_RUNS:  # The first run compiles kernels, which takes 100 MB and more.
        long_run([], arguments, 40)
    rows = [(name, long_run(records, arguments, variants)) for name, arguments in LONG_RUNS]
    speed = ROOT / "docs" / "speed.md"
    text, _, _ = speed.read_text(encoding="utf-8").partition(LONG)
    speed.write_text(text.rstrip() + "\n\n" + long_section(rows), encoding="utf-8")


def pages_of(source: Source) -> int:
    """Number of pages of a record; 0 if it cannot be read."""
    try:
        return len(list(read_record(source.path).page_starts()))
    except FastecgError:
        return 0


class Run(NamedTuple):
    """A run: numbers of pages and of failed records, duration in s, bytes of images and of all files, peak memory of a process in bytes."""

    pages: int
    failures: int
    seconds: float
    image_bytes: int
    bytes: int
    peak: int


def long_run(records: list[str], arguments: list[str], variants: int) -> Run:
    """Run `fastecg render` with two workers on records, with `variants` pictures of each page. Memory is measured once a second."""
    with tempfile.TemporaryDirectory() as out:
        command = ["fastecg", "render", *records, "-o", out, "--per-record", str(variants), "--workers", "2", *arguments]
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None:
            peak = max(peak, *map(highest_memory, [process.pid, *children(process.pid)]))
            time.sleep(1.0)
        seconds = time.perf_counter() - start
        listed = [json.loads(line) for line in (Path(out) / "manifest.jsonl").read_text().splitlines()]
        images = [line for line in listed if "path" in line]
        size = sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
    return Run(len(images), len(listed) - len(images), seconds, sum(line["bytes"] for line in images), size, peak)


def children(pid: int) -> list[int]:
    """Processes that a process has started; empty where the system does not list them."""
    try:
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return []


def highest_memory(pid: int) -> int:
    """Peak resident memory of a process in bytes; 0 where the system does not report it."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        found = None
    return 1024 * int(found[1]) if found else 0


#: Long runs: name, and options of `fastecg render`.
LONG_RUNS = (
    ("clean pages, PNG", ["--recipe", "clean", "--format", "png"]),
    ("photos, JPEG q95", ["--recipe", "photo", "--format", "jpg"]),
)

LONG_TEXT = """Whole runs of `fastecg render` on 2 workers of {where}, from record files to images, truth JSON and WFDB copies, the start
of the workers counted. Layouts, machines and, for photos, resolutions are random, so pictures have many sizes. Memory is the peak of
resident memory of any one process, as the system counts it."""

EXTRAPOLATED = """The last two columns are a rule of three for the {records:,} records of PTB-XL (500 Hz), a page each; nobody has run them
here. Such a run would differ: here each record is drawn in several variants, which share the time for reading it and writing its copy,
while each page of PTB-XL would need this time (3 ms or so); long records have one copy for many pages; and in a run of hours the speed of
the disk counts, which here the system's cache may hide."""


def long_section(rows: list[tuple[str, Run]]) -> str:
    """The section on long runs, as Markdown."""
    where = f"{os.cpu_count()} cores of {processor()}"
    table = [
        f"| {name} | {run.pages:,} | {run.failures} | {run.seconds:,.0f} | {run.pages / run.seconds:.1f} | {run.image_bytes / 1e6:,.0f} "
        f"| {run.bytes / 1e6:,.0f} | {run.peak / 1e6:.0f} | {PTB_XL / run.pages * run.seconds / 60:.0f} min "
        f"| {PTB_XL / run.pages * run.bytes / 1e9:.0f} GB |"
        for name, run in rows
    ]
    head = [
        "| | images | records failed | s | images/s | images, MB | all files, MB | peak of a process, MB | 21,801 pages | disk |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    parts = [LONG, LONG_TEXT.format(where=where), "\n".join([*head, *table]), EXTRAPOLATED.format(records=PTB_XL)]
    return "\n\n".join(parts) + "\n"


def rate_table(rates: list[tuple[str, Rate, Rate]]) -> str:
    """The table of CPU time per page, and of rates with one and with two workers."""
    rows = [
        f"| {name} | {one.cpu_ms:.1f} | {one.images_s:.0f} | {two.images_s:.0f} | {two.images_s / one.images_s:.2f} |"
        for name, one, two in rates
    ]
    head = "| 2200×1700, with truth files | CPU ms a page, one worker | images/s, one worker | two workers | ratio |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])


def ratio_table(ratios: list[tuple[str, float]], title: str = "measured in one session") -> str:
    """The table of ratios."""
    return "\n".join([f"| {title} | figure |", "|---|---|", *(f"| {name} | {value} |" for name, value in ratios)])


def speed_page(ratios: list[tuple[str, float]], rates: list[tuple[str, Rate, Rate]]) -> str:
    """The text of docs/speed.md, without the section on long runs."""
    parts = [step_table(recipe, suffix, 6 if QUICK else 40) for recipe, suffix in (("clean", "png"), ("photo", "jpg"))]
    where = f"{os.cpu_count()} cores of {processor()}, Python {platform.python_version()}, fastecg {fastecg.__version__}"
    return (
        "\n\n".join(
            [
                "# Speed",
                NOTE.format(where=where),
                "## Whole runs",
                WHOLE_RUNS,
                rate_table(rates),
                "## Where the time goes",
                *parts,
                "## Against other libraries",
                "Each line is a guard of `benchmarks/`: CPU time, calls interleaved, medians.",
                COMPARISONS,
                ratio_table(ratios),
            ]
        )
        + "\n"
    )


def processor() -> str:
    """The name of the processor."""
    try:
        names = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        names = []
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
