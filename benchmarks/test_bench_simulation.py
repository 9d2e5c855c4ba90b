"""Speed of `fastecg.simulate`, guarded by ratios measured in one session."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fastecg.simulation import CHEST, simulate


def _pulse_by_pulse(seconds: float, fs: float, pulses: int) -> np.ndarray:
    """What the ragged expansion replaces: every lobe over the whole record, one after the other."""
    t = np.arange(round(seconds * fs)) / fs
    dipole = np.zeros((3, t.size))
    height = np.array(CHEST["V5"])[:, None]
    for at in np.linspace(0, seconds, pulses):
        away = (t - at) / np.where(t < at, 0.008, 0.010)
        dipole += height * np.exp(-0.5 * away * away)
    return dipole


def _cpu_s(work, times: int = 7) -> float:
    """Median time of one call on this thread (other threads of the linear algebra left out)."""
    spent = []
    for _ in range(times):
        start = time.thread_time()
        work()
        spent.append(time.thread_time() - start)
    return float(np.median(spent))


@pytest.mark.parametrize("rhythm", ["sinus", "atrial_fibrillation", "ventricular_tachycardia"])
def test_bench_ten_seconds(benchmark, rhythm):
    record = benchmark(simulate, rhythm)
    assert record.samples == 5000


def test_bench_without_noise(benchmark):
    assert benchmark(simulate, noise=0).samples == 5000


def test_guard_a_whole_record_costs_less_than_its_lobes_one_by_one():
    """A sinus record has about 15 beats of 11 lobes: even with its noise it must beat the plain loop over them."""
    simulate()
    assert _cpu_s(simulate) < 1.0 * _cpu_s(lambda: _pulse_by_pulse(10, 500, 165))


def test_guard_time_grows_with_the_length_not_its_square():
    """Ten times the seconds: 10 to 14 times the time was measured, a square law would take 100."""
    assert _cpu_s(lambda: simulate(seconds=100)) < 40 * _cpu_s(lambda: simulate(seconds=10))
