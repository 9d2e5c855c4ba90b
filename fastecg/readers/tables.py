"""Records in CSV and NumPy files, in mV unless a CSV column says otherwise: ``II``, ``II (uV)``, ``V1 [mV]``."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastecg.errors import RecordError
from fastecg.readers.checked import checked_record
from fastecg.readers.header import FS_RANGE
from fastecg.readers.leads import choose_leads, millivolts_per
from fastecg.record import LEADS, Record

_MOST_BYTES = 1 << 30  # of an archive unpacked

_COLUMN = re.compile(r"(?P<name>.*?)\s*(?:[(\[](?P<unit>[^)\]]+)[)\]])?")
_TIMES = re.compile(r"(?:time|t|seconds|sec|s|ms)(?:[\s_]*\(?\[?(?P<unit>s|sec|seconds|ms)?\)?\]?)", re.IGNORECASE)


def read_csv(path: Path, fs: float | None = None) -> Record:
    """Read a CSV file: one row of lead names, one row a sample, empty or "nan" cells where nothing was recorded.

    Parameters
    ----------
    path : Path
    fs : float, optional
        Hz. Needed unless a first column named like "time", "t" or "ms" tells it.
    """
    columns, rows = _table(path)
    seconds = _seconds_per_tick(columns[0])
    if fs is None:
        if seconds is None:
            raise RecordError(f"{path}: nothing tells its sampling frequency, expected a time column or fs=")
        fs = _frequency(rows[:, 0] * seconds, path)
    _check_frequency(fs, path)
    first = 0 if seconds is None else 1
    matches = [match for column in columns[first:] if (match := _COLUMN.fullmatch(column.strip()))]
    names, units = [match["name"] for match in matches], [match["unit"] or "mV" for match in matches]
    leads = choose_leads(names, units, path)
    signal = [rows[:, first + lead.place] * lead.sign * (millivolts_per(units[lead.place]) or 1.0) for lead in leads]
    return checked_record(path, np.stack(signal), fs, [lead.name for lead in leads])


def _table(path: Path) -> tuple[list[str], np.ndarray]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            columns = next(lines, [])
            rows = [[float(cell) if cell.strip() else np.nan for cell in line] for line in lines if line]
    except (OSError, ValueError, csv.Error) as fault:
        raise RecordError(f"{path}: it is no table of numbers ({type(fault).__name__}), expected lead names, then numbers") from None
    if not rows:
        raise RecordError(f"{path}: it holds no samples, expected a row of lead names and one row a sample")
    odd = next((number for number, row in enumerate(rows, 2) if len(row) != len(columns)), None)
    if odd:
        raise RecordError(f"{path}: row {odd} has {len(rows[odd - 2])} cells, expected {len(columns)} as in the first row")
    return columns, np.array(rows)


def _seconds_per_tick(column: str) -> float | None:
    match = _TIMES.fullmatch(column.strip())
    if match is None:
        return None
    return 1e-3 if "ms" in column.lower() else 1.0


def _frequency(times: np.ndarray, path: Path) -> float:
    """Hz of evenly spaced times, to 9 digits, because times are printed with few."""
    steps = np.diff(times)
    if len(steps) == 0 or not np.all(steps > 0) or steps.max() > 1.5 * steps.min():
        raise RecordError(f"{path}: its times are not evenly spaced and rising, expected one row a sample")
    return float(f"{len(steps) / (times[-1] - times[0]):.9g}")


def _check_frequency(fs: float, path: Path) -> None:
    low, high = FS_RANGE
    if not low <= fs <= high:
        raise RecordError(f"{path}: the sampling frequency is {fs:g} Hz, expected {low:g} to {high:g} Hz")


def read_numpy(path: Path, fs: float | None = None, leads: Sequence[str] | None = None) -> Record:
    """Read an array of shape (leads, samples) or (samples, leads), the shorter axis being the leads, in mV.

    An ``.npz`` file holds it as ``signal``, and may hold ``fs`` and ``leads`` too; twelve leads need no names.
    """
    try:
        signal, told_fs, told_leads = _arrays(path)
    except RecordError:
        raise
    except Exception as fault:  # of NumPy, zipfile, zlib, tokenize: whatever a damaged file makes them run into
        raise RecordError(f"{path}: it holds no array of numbers ({type(fault).__name__}), expected one of (leads, samples)") from None
    fs = told_fs if fs is None else fs
    names = told_leads if leads is None else list(leads)
    if signal.ndim != 2 or 0 in signal.shape or signal.dtype.kind not in "iuf":
        raise RecordError(f"{path}: its array is {signal.dtype} of shape {signal.shape}, expected numbers of (leads, samples)")
    if fs is None:
        raise RecordError(f"{path}: nothing tells its sampling frequency, expected fs=")
    _check_frequency(fs, path)
    if signal.shape[0] > signal.shape[1]:
        signal = signal.T
    if names is None and len(signal) == len(LEADS):
        names = list(LEADS)
    if names is None or len(names) != len(signal):
        raise RecordError(f"{path}: {len(names or [])} lead names for {len(signal)} leads, expected leads= with one name each")
    chosen = choose_leads(names, ["mV"] * len(names), path)
    rows = np.empty((len(chosen), signal.shape[1]), np.float32)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        for row, lead in zip(rows, chosen, strict=True):
            np.multiply(signal[lead.place], lead.sign, out=row, casting="unsafe", dtype=np.float64)
    return checked_record(path, rows, fs, [lead.name for lead in chosen])


def _arrays(path: Path) -> tuple[np.ndarray, float | None, list[str] | None]:
    if path.suffix.lower() == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False), None, None  # mapped: a header that lies allocates nothing
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        _check_sizes(path, arrays)
        fs = arrays.get("fs")
        if fs is not None and (fs.size != 1 or fs.dtype.kind not in "iuf"):
            raise RecordError(f"{path}: its fs is {fs.dtype} of shape {fs.shape}, expected one number of Hz")
        leads = arrays.get("leads")
        if leads is not None and (leads.ndim != 1 or leads.dtype.kind not in "US"):
            raise RecordError(f"{path}: its leads are {leads.dtype} of shape {leads.shape}, expected a list of names")
        return arrays["signal"], None if fs is None else float(fs.item()), None if leads is None else leads.astype(str).tolist()


def _check_sizes(path: Path, arrays: Any) -> None:
    """Refuse an archive that unpacks to more than any record has: a megabyte of zeros may hold a thousand."""
    size = sum(member.file_size for member in arrays.zip.infolist())
    if size > _MOST_BYTES:
        raise RecordError(f"{path}: it unpacks to {size} bytes, expected at most {_MOST_BYTES >> 20} MiB")
