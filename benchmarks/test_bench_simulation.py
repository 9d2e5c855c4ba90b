"""Speed of `fastecg.simulate`, guarded by ratios measured in one session."""

from __future__ import annotations

import numpy as np
import pytest
from timing import PROCESS, cpu_medians, figure, times_faster

from fastecg.simulation import simulate
from fastecg.simulation.leads import CHEST


def _pulse_by_pulse(seconds: float, fs: float, pulses: int) -> np.ndarray:
    """What the ragged expansion replaces: every lobe over the whole record, one after the other."""
    t = np.arange(round(seconds * fs)) / fs
    dipole = np.zeros((3, t.size))
    height = np.array(CHEST["V5"])[:, None]
    for at in np.linspace(0, seconds, pulses):
        away = (t - at) / np.where(t < at, 0.008, 0.010)
        dipole += height * np.exp(-0.5 * away * away)
    return dipole


@pytest.mark.parametrize("rhythm", ["sinus", "atrial_fibrillation", "ventricular_tachycardia"])
def test_bench_ten_seconds(benchmark, rhythm):
    record = benchmark(simulate, rhythm)
    assert record.samples == 5000


def test_bench_without_noise(benchmark):
    assert benchmark(simulate, noise=0).samples == 5000


def test_guard_a_whole_record_costs_less_than_its_lobes_one_by_one(benchmark):
    """A sinus record has about 15 beats of 11 lobes: even with its noise it must beat the plain loop over them."""
    plain = {"its lobes one by one": lambda: _pulse_by_pulse(10, 500, 165)}
    assert times_faster(benchmark, simulate, plain, clock=PROCESS)[0] > 1


def test_guard_time_grows_with_the_length_not_its_square(benchmark):
    """Ten times the seconds: 10 to 14 times the time was measured, a square law would take 100."""
    short, long = cpu_medians([simulate, lambda: simulate(seconds=100)], clock=PROCESS)
    benchmark.extra_info["cost of 100 s over that of 10 s"] = figure(long / short)
    benchmark.pedantic(simulate, rounds=3)
    assert long < 40 * short
