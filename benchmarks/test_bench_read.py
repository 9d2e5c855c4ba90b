"""Speed of the readers beside wfdb, guarded by ratios measured in one session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
import wfdb
from timing import times_faster

from fastecg.readers import find_records, read_record, sample_records

# wfdb looks every field of a header up in a table of pandas, which 3.0 has made two and a half times as slow.
SLOW_TABLES = int(pandas.__version__.split(".")[0]) >= 3
#: Two thirds of what a quiet machine shows (10 to 13 times beside pandas 3, 6 to 7 beside pandas 2): a record takes 0.2 ms to read
#: and 0.3 ms when the processor's caches hold something else, so what runs beside the guard moves the ratio by a quarter.
LEAST = 6.5 if SLOW_TABLES else 4
SAMPLE = str(sample_records()[0].path.with_suffix(""))


def _written(folder: Path, coding: str, signals: int, samples: int) -> str:
    """A record of noise in one of the common formats; returns its path without suffix."""
    digital = np.random.default_rng(0).integers(-2000, 2000, (samples, signals))
    names = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"][:signals]
    wfdb.wrsamp(
        "r", 500, ["mV"] * signals, names, d_signal=digital, fmt=[coding] * signals,
        adc_gain=[1000.0] * signals, baseline=[0] * signals, write_dir=str(folder),
    )  # fmt: skip
    if coding == "16":  # 16+24, a MATLAB file
        header = folder / "r.hea"
        header.write_text(header.read_text().replace("r.dat 16", "r.mat 16+24"))
        (folder / "r.mat").write_bytes(bytes(24) + (folder / "r.dat").read_bytes())
    return str(folder / "r")


def _against_wfdb(benchmark, path: str, times: int = 25) -> float:
    """How many times faster a record is read than by `wfdb.rdrecord`."""
    return times_faster(benchmark, lambda: read_record(path), {"wfdb.rdrecord": lambda: wfdb.rdrecord(path)}, times)[0]


def test_bench_read_sample(benchmark):
    assert benchmark(read_record, SAMPLE).samples == 5000


def test_bench_wfdb_sample(benchmark):
    assert benchmark(wfdb.rdrecord, SAMPLE).sig_len == 5000


@pytest.mark.parametrize("coding", ["16", "212"])
def test_bench_read_written(benchmark, tmp_path, coding):
    assert benchmark(read_record, _written(tmp_path, coding, 12, 5000)).samples == 5000


def test_bench_find_records(benchmark, tmp_path):
    header = sample_records()[0].path.read_bytes()
    for k in range(500):
        (tmp_path / f"{k:03}.hea").write_bytes(header)
    assert len(benchmark(find_records, tmp_path)) == 500


def test_guard_a_sample_against_wfdb(benchmark):
    """Each call finds the caches as the other library left them."""
    assert _against_wfdb(benchmark, SAMPLE) > LEAST


@pytest.mark.parametrize("coding", ["16", "212"])
def test_guard_twelve_leads_of_the_other_common_formats(benchmark, tmp_path, coding):
    assert _against_wfdb(benchmark, _written(tmp_path, coding, 12, 5000)) > LEAST


def test_guard_half_an_hour_in_format_212(benchmark, tmp_path):
    """Here the header is nothing and both sides are limited by memory."""
    assert _against_wfdb(benchmark, _written(tmp_path, "212", 2, 650_000), times=7) > 6
