"""Speed of pictures for training loops."""

import time

import pytest

import fastecg
from fastecg.training import PhotoSource

RECORDS = 8


@pytest.fixture(scope="module")
def records():
    return [fastecg.simulate(seed=seed, name=f"r{seed}") for seed in range(RECORDS)]


@pytest.mark.parametrize("options", [{}, {"crop": 512, "crops": 16}], ids=["pages", "crops"])
def test_bench_examples(benchmark, records, options):
    """Pictures of an epoch in one process, with masks."""
    source = PhotoSource.of(records, **options)
    source.examples(0)
    benchmark(lambda: [source.examples(index, 1) for index in range(RECORDS)])
    what = "windows of 512 x 512" if source.options.crops > 1 else "whole photos"
    count = RECORDS * source.options.crops
    benchmark.extra_info[f"{what} with their masks a second, one process"] = round(count / benchmark.stats.stats.median, 1)


def test_guard_windows_cost_less_than_their_picture(benchmark, records):
    """Sixteen windows of a picture take at most 1.4 times as long as the picture: it is drawn once."""
    whole, windows = PhotoSource.of(records), PhotoSource.of(records, crop=512, crops=16)
    spent_s(windows)
    pairs = [(spent_s(whole), spent_s(windows)) for _ in range(3)]
    benchmark.extra_info["ratio"] = round(min(cut / drawn for drawn, cut in pairs), 2)
    benchmark.pedantic(windows.examples, args=(0, 1), rounds=1)
    assert min(cut / drawn for drawn, cut in pairs) < 1.4


def spent_s(source: PhotoSource) -> float:
    began = time.process_time()
    for index in range(len(source)):
        source.examples(index, 1)
    return time.process_time() - began
