"""A guard of the whole way: a photo from a record's file to image, truth and copy, against the same steps put together from libraries."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from test_bench_page import collected_grid, matplotlib_page, tick_grid
from timing import times_faster

import fastecg
from fastecg.options import Options
from fastecg.record import Record
from fastecg.run.drawing import Task, draw_task
from fastecg.writers import write_record

cv2 = pytest.importorskip("cv2")
HEIGHT, WIDTH = 1700, 2200


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("record") / "r"
    write_record(path, fastecg.simulate("sinus", seed=1))
    return path


def seen_from(tilt: float) -> np.ndarray:
    """The homography (3, 3) of a page seen a little from below."""
    page = np.float32([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]])
    picture = np.float32([[tilt, tilt], [WIDTH - tilt, tilt / 2], [WIDTH - 30, HEIGHT - 20], [40, HEIGHT - 30]])
    return cv2.getPerspectiveTransform(page, picture)


def exposed(flat: np.ndarray, seen: np.ndarray, rng: np.random.Generator, kind: type) -> np.ndarray:
    """The page bent, tilted, on a table, in the light of a lamp and in a shadow, with the sensor's noise; in numbers of a kind."""
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    grid = np.stack([x, y], axis=-1).reshape(-1, 1, 2)
    page = cv2.perspectiveTransform(grid, np.linalg.inv(seen)).reshape(HEIGHT, WIDTH, 2)
    page += (3 * np.sin(page / 180))[..., ::-1]
    maps = np.ascontiguousarray(page[..., 0]), np.ascontiguousarray(page[..., 1])
    paper = cv2.remap(flat, *maps, cv2.INTER_LINEAR)
    share = cv2.remap(np.ones((HEIGHT, WIDTH), np.float32), *maps, cv2.INTER_LINEAR)[..., None]
    table = cv2.resize(rng.integers(90, 140, (212, 275, 3), dtype=np.uint8), (WIDTH, HEIGHT))
    shadow = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.circle(shadow, (500, 1500), 600, 0.3, -1)
    shadow = cv2.resize(cv2.GaussianBlur(cv2.resize(shadow, None, fx=0.125, fy=0.125), (0, 0), 12), (WIDTH, HEIGHT))
    light = 4e6 / (4e6 + (x - 300) ** 2 + (y + 200) ** 2) * (1 - shadow)
    lit = (paper.astype(kind) * share + table * (1 - share)) * light[..., None].astype(kind)
    lit += rng.standard_normal(lit.shape, dtype=kind) * np.sqrt(1.0 + 6.0 * lit / 255)
    return np.clip(lit, 0, 255).astype(np.uint8)


def composed(source: Path, folder: Path, seed: int, *, usual: bool) -> None:
    """The same steps with matplotlib, OpenCV, NumPy and wfdb.

    As they are `usual`: a grid of ticks, a figure that is saved and read, and arithmetic in NumPy's own 64 bits. Or with all known about
    what is slow: a grid of two collections of lines, the figure's own buffer, and 32 bits.
    """
    read = wfdb.rdrecord(str(source))
    record = Record(np.ascontiguousarray(read.p_signal.T, dtype=np.float32), read.fs, tuple(read.sig_name))
    rng, seen = np.random.default_rng(seed), seen_from(60.0 + seed % 7)
    flat = np.ascontiguousarray(matplotlib_page(record, tick_grid if usual else collected_grid)[..., :3])
    if usual:
        cv2.imwrite(str(folder / "flat.png"), flat)
        flat = cv2.imread(str(folder / "flat.png"))
    picture = cv2.GaussianBlur(exposed(flat, seen, rng, np.float64 if usual else np.float32), (0, 0), 0.7)
    picture = cv2.addWeighted(picture, 1.8, cv2.GaussianBlur(picture, (0, 0), 1.2), -0.8, 0)
    levels = np.arange(256) / 255
    picture = cv2.LUT(picture, np.rint(255 * levels**1.1).astype(np.uint8))
    time_s = np.arange(record.samples) / record.fs
    traces = [np.stack([14 + 25 * time_s, 60 - 10 * values], axis=-1) * 200 / 25.4 for values in record.signal]
    points = {
        lead: np.round(cv2.perspectiveTransform(trace[None], seen)[0], 3).tolist() for lead, trace in zip(record.leads, traces, strict=True)
    }
    (folder / "r.json").write_text(json.dumps({"leads": points}))
    cv2.imwrite(str(folder / "r.jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    wfdb.wrsamp("r", read.fs, read.units, read.sig_name, read.p_signal, fmt=read.fmt, write_dir=str(folder))


@pytest.mark.benchmark(group="page")
def test_guard_whole_photo_against_libraries(benchmark, source, tmp_path):
    """A record's file to JPEG, truth and WFDB copy. Ours are nine pictures of the recipe `photo`, with all that may happen to them.

    On two busy cores libraries took 22 times as long as they are usually put together and 7 times with care.
    Theirs is the simpler picture: no folds, stickers or handwriting, no grain of the desk, no words.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    options = Options(recipe="photo", layout="3x4+1", style="muse", dpi=200, format="jpg")
    ours_seeds, seeds = itertools.cycle(range(9)), itertools.count()

    def drawn_by_us() -> None:
        drawn = draw_task(Task("r", source.with_suffix(".hea")), replace(options, seed=next(ours_seeds)), tmp_path)
        assert drawn.error is None

    theirs = {
        "libraries, as usual": lambda: composed(source, tmp_path, next(seeds), usual=True),
        "libraries, with care": lambda: composed(source, tmp_path, next(seeds), usual=False),
    }
    for _ in range(9):  # what is made once, as tables of desks and hands, is there
        drawn_by_us()
    usual, careful = times_faster(benchmark, drawn_by_us, theirs)
    cv2.setNumThreads(threads)
    assert usual >= 13
    assert careful >= 5
