"""Speed of whole pages, and guards of their ratio to the same page as a matplotlib figure."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from timing import figure, times_faster

import fastecg
from fastecg.layouts import layout_for
from fastecg.layouts.measured import _measured, measured
from fastecg.layouts.place import place
from fastecg.recipe import Recipe
from fastecg.sheet import print_page
from fastecg.styles import STYLES


@pytest.fixture(scope="module")
def record():
    return fastecg.simulate("sinus", seed=1)


@pytest.fixture(scope="module")
def shot(record):
    return Recipe.load("clean").sample(record, seed=1, layout="3x4+1", style="muse")


def tick_grid(axes):
    """The grid as everybody draws it: that of the ticks, whose labels are laid out though they fall outside the figure."""
    from matplotlib.ticker import MultipleLocator

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(5))
        axis.set_minor_locator(MultipleLocator(1))
    axes.grid(which="major", color=(0.92, 0.6, 0.6), linewidth=0.6)
    axes.grid(which="minor", color=(0.97, 0.85, 0.85), linewidth=0.3)


def bare_tick_grid(axes):
    """The same without tick marks and labels."""
    tick_grid(axes)
    axes.tick_params(which="both", length=0, labelbottom=False, labelleft=False)


def collected_grid(axes):
    """The grid as those draw it who know what a tick costs: two collections of lines, and no axes."""
    from matplotlib.collections import LineCollection

    axes.axis("off")
    for step, color, width in ((1, (0.97, 0.85, 0.85), 0.3), (5, (0.92, 0.6, 0.6), 0.6)):
        upright = [((x, 0), (x, 215.9)) for x in range(0, 280, step)]
        across = [((0, y), (279.4, y)) for y in range(0, 216, step)]
        axes.add_collection(LineCollection(upright + across, colors=[color], linewidths=width))


def matplotlib_page(record, grid):
    """The same page as a figure of 11 x 8.5 in at 200 dpi: grid lines every 1 and 5 mm, pulses and traces."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8.5), dpi=200)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 279.4), ylim=(215.9, 0))
    grid(axes)
    for row, leads in enumerate((("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"), ("II",))):
        count = record.samples // len(leads)
        for column, lead in enumerate(leads):
            part = slice(column * count, (column + 1) * count)
            x = 14 + np.arange(part.start, part.stop) / record.fs * 25
            axes.plot(x, 60 + 40 * row - 10 * record.lead(lead)[part], color="black", linewidth=0.6)
        axes.plot([8, 9, 9, 13, 13, 14], [60 + 40 * row - level for level in (0, 0, 10, 10, 0, 0)], color="black", linewidth=0.6)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


@pytest.mark.benchmark(group="page")
def test_clean_page(benchmark, record, shot):
    photo = benchmark(shot.take, record)
    assert photo.image.shape == (1700, 2200, 3)


@pytest.mark.benchmark(group="page")
def test_truth_of_a_clean_page(benchmark, record, shot):
    from fastecg.writers.truth_json import truth_bytes

    assert len(benchmark(lambda: truth_bytes(shot.take(record)))) > 100_000


@pytest.mark.benchmark(group="page")
def test_guard_page_against_matplotlib(benchmark, record, shot):
    """Grid, pulses and traces from a record to pixels; our words are left out.

    Most of the usual figure's time goes into ticks, so it depends on how the grid is made: three ways are measured. On two busy cores
    with matplotlib 3.11 they took 130 to 140, 80 to 110 and 11 times as long as ours. An idle machine is kinder to ticks than to our
    copy of the paper, which memory limits (an older version was 100 times as fast on a busy one and 66 times on an idle one): hence
    the room below.
    """
    layout, style = layout_for("3x4+1", record.leads), STYLES["muse"]

    def our_page():
        page = place(layout, record, style, shot.setup)
        return print_page(replace(page, texts=()), style, 200 / 25.4).pixels

    theirs = {
        "a matplotlib figure": lambda: matplotlib_page(record, tick_grid),
        "a matplotlib figure without tick labels": lambda: matplotlib_page(record, bare_tick_grid),
        "a matplotlib figure of collected lines": lambda: matplotlib_page(record, collected_grid),
    }
    usual, bare, collected = times_faster(benchmark, our_page, theirs, times=7, warm=2)
    assert usual >= 70
    assert bare >= 50
    assert collected >= 6


@pytest.mark.benchmark(group="page")
def test_guard_variants_of_a_page_are_not_measured_again(benchmark, record):
    """What a machine measures of a page is the same for all its variants."""

    def first():
        _measured.cache_clear()
        return measured(record)

    assert first() == measured(record)
    assert times_faster(benchmark, lambda: measured(record), {"measuring the page": first}, times=25)[0] >= 5


def seconds_of(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


@pytest.mark.benchmark(group="cold start")
def test_guard_help_against_importing_numba(benchmark):
    """`fastecg --help` must come before Numba could even be imported twice."""
    main = "import sys; sys.argv = ['fastecg', '--help']\ntry:\n    from fastecg.cli import main; main()\nexcept SystemExit: pass"
    rounds = [(seconds_of(main), seconds_of("import numba")) for _ in range(5)]
    ours, theirs = np.median(rounds, axis=0)
    benchmark.extra_info["share of import numba"] = figure(ours / theirs)
    benchmark.pedantic(seconds_of, args=(main,), rounds=3)
    assert ours / theirs < 1.0


@pytest.mark.benchmark(group="cold start")
def test_first_page_with_warm_cache(benchmark):
    code = "import fastecg; fastecg.render(fastecg.simulate())"
    seconds_of(code)
    assert benchmark.pedantic(seconds_of, args=(code,), rounds=3) > 0
