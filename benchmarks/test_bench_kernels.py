"""Speed of the raster kernels, and guards of their ratio to OpenCV and Agg measured in the same session."""

from __future__ import annotations

import numpy as np
import pytest
from numba import types
from timing import PROCESS, times_faster

from fastecg.kernels.blend import blend, multiply
from fastecg.kernels.capsule import stroke_polyline
from fastecg.kernels.jit import jit, subkernel
from fastecg.kernels.line import stroke_trace
from fastecg.page import Grid
from fastecg.printing.grid import draw_grid
from fastecg.styles.style import GridInk

PAGE = (1700, 2200)
PEN_PX = 0.4 * 200 / 25.4
RED = GridInk("line", (250, 200, 200), 0.15, (230, 120, 120), 0.25, (220, 60, 60), 0.5)
DOTTED = GridInk("dots", (90, 60, 60), 0.22, (160, 90, 80), 0.18)


def rhythm(samples: int, base: float) -> np.ndarray:
    """Ten seconds of beats across the page at 10 mm/mV and 200 dpi."""
    t = np.linspace(0, 10, samples)
    volts = np.random.default_rng(0).normal(0, 0.01, samples)
    for beat in np.arange(0.5, 10, 0.8):
        for height, at, spread in ((0.12, -0.16, 0.025), (-0.12, -0.03, 0.008), (1.1, 0, 0.010), (-0.25, 0.03, 0.009), (0.3, 0.25, 0.05)):
            volts += height * np.exp(-0.5 * ((t - beat - at) / spread) ** 2)
    return np.column_stack([np.linspace(100, 2068.5, samples), base - 78.7 * volts])


def page_of_traces() -> list[np.ndarray]:
    """20,000 samples as a page has them: twelve segments of a quarter and a rhythm strip of 5000."""
    strips = [rhythm(5000, 300 + 350 * row) for row in range(4)]
    return [strip[1250 * k : 1250 * k + 1250] for strip in strips[:3] for k in range(4)] + [strips[3]]


@pytest.fixture
def plane() -> np.ndarray:
    return np.zeros(PAGE, np.uint8)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.full((*PAGE, 3), 245, np.uint8)


@pytest.mark.parametrize("width_px", [1.0, PEN_PX])
@pytest.mark.parametrize("samples", [1000, 5000, 20000])
def test_bench_trace(benchmark, plane, samples, width_px):
    benchmark(stroke_trace, rhythm(samples, 400), width_px, plane)
    assert plane.max() == 255


def test_bench_polyline(benchmark, plane):
    benchmark(stroke_polyline, rhythm(20000, 400), PEN_PX, plane)
    assert plane.max() == 255


@pytest.mark.parametrize("lay", [blend, multiply])
def test_bench_ink_on_a_page(benchmark, plane, pixels, lay):
    for trace in page_of_traces():
        stroke_trace(trace, PEN_PX, plane)
    assert 0.01 < (plane > 0).mean() < 0.03
    benchmark(lay, pixels, plane, (20, 20, 30))
    assert pixels.min() < 60


@pytest.mark.parametrize("ink", [RED, DOTTED], ids=["lines", "dots"])
def test_bench_grid(benchmark, pixels, ink):
    benchmark(draw_grid, pixels, Grid((5.0, 8.0, 275.0, 210.0)), ink, 200 / 25.4)
    assert pixels.min() < 245


def test_guard_strokes_against_opencv(benchmark, plane, pixels):
    """A page's traces cost at most a seventh of antialiased `cv2.polylines` of the nearest whole width on the page.

    Measured: a twelfth on processors with AVX-512, an eighth to a tenth on one with AVX2 alone.
    """
    cv2 = pytest.importorskip("cv2")
    cv2.setNumThreads(1)
    traces = page_of_traces()
    fixed = [np.round(trace * 16).astype(np.int32).reshape(-1, 1, 2) for trace in traces]  # 4 bits of fraction

    def ours() -> None:
        for trace in traces:
            stroke_trace(trace, PEN_PX, plane)

    def on_the_page() -> None:
        for trace in fixed:
            cv2.polylines(pixels, [trace], False, (20, 20, 30), 3, cv2.LINE_AA, 4)

    def on_a_plane() -> None:
        for trace in fixed:
            cv2.polylines(plane, [trace], False, 255, 3, cv2.LINE_AA, 4)

    peers = {"cv2.polylines on the page": on_the_page, "cv2.polylines on one channel": on_a_plane}
    assert times_faster(benchmark, ours, peers)[0] > 7


def test_guard_strokes_against_agg(benchmark, plane):
    """A page's traces cost at most 1 / 2.5 of Agg's `draw_path`, the stroker below matplotlib's lines, with its path simplification."""
    agg = pytest.importorskip("matplotlib.backends.backend_agg")
    from matplotlib.path import Path
    from matplotlib.transforms import IdentityTransform

    renderer = agg.RendererAgg(PAGE[1], PAGE[0], 72)
    context = renderer.new_gc()
    context.set_linewidth(PEN_PX)
    context.set_antialiased(True)
    context.set_capstyle("round")
    context.set_joinstyle("round")
    traces = page_of_traces()
    paths = [Path(trace) for trace in traces]

    def ours() -> None:
        for trace in traces:
            stroke_trace(trace, PEN_PX, plane)

    def theirs() -> None:
        for path in paths:
            renderer.draw_path(context, path, IdentityTransform())

    assert times_faster(benchmark, ours, {"Agg's draw_path": theirs})[0] > 2.5


@pytest.mark.benchmark(group="cold start")
def test_guard_subkernels_compile_faster(benchmark):
    """A function that only kernels call is compiled without the wrapper for Python, which would be larger than many a small function."""

    def compiled(decorate):
        # Code without a file has no cache, so it is compiled every time.
        names = {}
        exec("def added(a, b, c, d, out):\n    for i in range(len(out)):\n        out[i] = a[i] + b[i] + c[i] + d[i]\n", names)
        decorate(names["added"]).compile((types.float64[::1],) * 5)

    ratio = times_faster(benchmark, lambda: compiled(subkernel), {"with a wrapper": lambda: compiled(jit)}, warm=2, clock=PROCESS)[0]
    assert ratio >= 1.15
