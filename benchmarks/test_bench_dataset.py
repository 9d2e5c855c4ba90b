"""Speed of whole runs: records in, pictures with truth and copies out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from timing import figure

import fastecg
from fastecg.options import Options
from fastecg.recipe import RECIPES
from fastecg.run.dataset import render_dataset
from fastecg.run.drawing import Task, draw_task
from fastecg.run.workers import drawn_by_workers
from fastecg.writers import write_record

RECORDS = 160


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for seed in range(RECORDS):
        write_record(folder / f"r{seed:03}", fastecg.simulate(seed=seed))
    return folder


@pytest.mark.parametrize("format", ["png", "jpg"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_bench_record_to_files(benchmark, records, tmp_path, recipe, format):
    """One record in one process: read, drawn, and written with its truth and its copy."""
    options = Options(recipe=recipe, format=format)
    drawn = benchmark(draw_task, Task("r000", records / "r000.hea"), options, tmp_path)
    assert drawn.error is None
    assert len(drawn.lines) == 1


def test_bench_finished_run_is_found_finished(benchmark, records, tmp_path):
    render_dataset([records], tmp_path, dpi=50, workers=1)
    assert benchmark(render_dataset, [records], tmp_path, dpi=50, workers=1).kept == RECORDS


def test_guard_workers_do_not_hinder_each_other(benchmark, records, tmp_path):
    """Two workers spend at most 1.3 times one worker's CPU time an image, and the parent at most a twentieth of theirs.

    So two processors draw nearly twice as much as one; the rates by the clock are reported, for they depend on what else runs.
    """
    run(records, tmp_path, 1)
    runs = [(run(records, tmp_path, 1), run(records, tmp_path, 2)) for _ in range(2)]
    one, two = (min((pair[k] for pair in runs), key=lambda spent: spent.workers_s) for k in (0, 1))
    benchmark.extra_info.update(
        {
            "images a second, one worker": figure(one.rate),
            "images a second, two workers": figure(two.rate),
            "CPU time of two workers over one's": figure(two.workers_s / one.workers_s),
            "CPU time of the parent over its workers'": figure(two.parent_s / two.workers_s),
        }
    )
    benchmark.pedantic(run, args=(records, tmp_path, 2), rounds=1)
    assert two.workers_s < 1.3 * one.workers_s
    assert two.parent_s < 0.05 * two.workers_s


class Spent(NamedTuple):
    """CPU seconds of a run's workers, less what it takes to start them, and of its parent; images a second by the clock."""

    workers_s: float
    parent_s: float
    rate: float


def run(records: Path, folder: Path, workers: int) -> Spent:
    tasks = [Task(path.stem, path) for path in sorted(records.glob("*.hea"))]
    idle, _, _ = timed(tasks[:workers], folder, workers)
    busy, parent, times = timed(tasks, folder, workers)
    warm = len(times) // 4
    return Spent(busy - idle, parent, (len(times) - 1 - warm) / (times[-1] - times[warm]))


def timed(tasks: list[Task], folder: Path, workers: int) -> tuple[float, float, list[float]]:
    """CPU seconds of the workers and of this process, and when each record was done."""
    before, own = os.times(), time.process_time()
    times = []
    for drawn in drawn_by_workers(tasks, Options(), folder, workers):
        assert drawn.error is None
        times.append(time.perf_counter())
    after = os.times()
    children = after.children_user + after.children_system - before.children_user - before.children_system
    return children, time.process_time() - own, times
