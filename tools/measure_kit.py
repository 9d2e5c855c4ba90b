"""Compare the speed of ECG-Image-Kit with ours: ``python tools/measure_kit.py --kit CHECKOUT [--kit-python PYTHON]``.

Both programs draw the same records, clean and distorted, with their truth, in one process with one thread. The CPU time of a page, in the
process and all that it starts, is the difference between runs over many and over few records, divided by the number of additional pages.
Runs of the two programs take turns, and medians are printed. The distortions of the kit (wrinkles, rotation, noise, crop) are not the same
as ours, so the second ratio compares what people use, not equal work.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import fastecg
from fastecg.readers import read_record, sample_records
from fastecg.writers import write_record

ROOT = Path(__file__).parent.parent
SCRIPT = Path("codes", "ecg-image-generator", "gen_ecg_images_from_data_batch.py")
FEW = 1  # Number of records of the shorter run.
#: Options of the kit and of `fastecg render` for each kind of pages.
KINDS = {
    "clean": (["--store_config", "2", "--lead_bbox", "--lead_name_bbox"], ["--recipe", "clean", "--format", "png"]),
    "distorted": (
        ["--store_config", "2", "--lead_bbox", "--lead_name_bbox", "--wrinkles", "--augment", "-rot", "5", "-noise", "25", "-c", "0.02"],
        ["--recipe", "photo", "--format", "jpg"],
    ),
}
#: Further options of `fastecg render`, for pages that look like those of the kit.
PAGE = ["--layout", "3x4+1", "--style", "muse", "--dpi", "200"]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def main() -> None:
    """Measure both programs, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kit", type=Path, required=True, help="checkout of ecg-image-kit")
    parser.add_argument("--kit-python", default=sys.executable, help="Python interpreter that has the packages of the kit")
    parser.add_argument("--pages", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    script = (given.kit / SCRIPT).resolve()
    if not script.is_file():
        parser.error(f"{script}: no such file, expected a checkout of ecg-image-kit")
    kit = [given.kit_python, str(script)]
    print(f"2200 x 1700 px, one process each, {given.rounds} rounds of {given.pages} pages, fastecg {fastecg.__version__}\n")
    print("| CPU ms a page | ECG-Image-Kit | fastecg | times as fast |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        few, many = (records(Path(folder, name), count) for name, count in (("few", FEW), ("many", FEW + given.pages)))
        for kind, (theirs, ours) in KINDS.items():
            own = [sys.executable, "-m", "fastecg", "render", "--workers", "1", *PAGE, *ours]
            cpu_s(own, "", many)  # The first run after installation compiles kernels.
            spent = []
            for _ in range(given.rounds):
                spent.append((page_ms([*kit, *theirs], "-i", few, many, given.pages), page_ms(own, "", few, many, given.pages)))
            theirs_ms, ours_ms = np.median(spent, axis=0)
            print(f"| {kind} | {theirs_ms:.0f} | {ours_ms:.1f} | {theirs_ms / ours_ms:.0f} |", flush=True)


def records(folder: Path, count: int) -> Path:
    """Write a folder of `count` records: the built-in ones in turn."""
    folder.mkdir()
    sources = [read_record(source.path) for source in sample_records()]
    for k in range(count):
        write_record(folder / f"r{k:03}", sources[k % len(sources)])
    return folder


def page_ms(command: list[str], option: str, few: Path, many: Path, pages: int) -> float:
    """CPU time of one more page in ms. Unless it is empty, `option` stands in front of the folder of records."""
    return 1e3 * (cpu_s(command, option, many) - cpu_s(command, option, few)) / pages


def cpu_s(command: list[str], option: str, source: Path) -> float:
    """CPU time in s of a run over a folder of records, with all processes that it starts."""
    out = source.with_name("out")
    before = os.times()
    words = [*command, *([option] if option else []), str(source), "-o", str(out)]
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False)
    after = os.times()
    pictures = sum(1 for path in out.rglob("*") if path.suffix in (".png", ".jpg")) if out.exists() else 0
    shutil.rmtree(out, ignore_errors=True)
    expected = len(list(source.glob("*.hea")))
    if done.returncode or pictures != expected:
        sys.exit(f"{' '.join(words)} made {pictures} pictures, expected {expected}:\n{done.stderr[-2000:]}")
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
