"""Records in CSV and NumPy files, in mV unless a CSV column says otherwise: ``II``, ``II (uV)``, ``V1 [mV]``."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fastecg.errors import RecordError
from fastecg.readers.checked import checked_record
from fastecg.readers.header import FS_RANGE, MOST_SIGNALS, file_size
from fastecg.readers.leads import LONGEST_NAME, Lead, choose_leads, millivolts_per
from fastecg.readers.wfdb import MOST_VALUES
from fastecg.record import LEADS, Record

_MOST_BYTES = 1 << 29  # of a table, and of an archive unpacked
_LONGEST_ROW = 1 << 20  # bytes
_PIECE = 1 << 23  # bytes of a table that are read at a time

# A cell of nothing but blanks, though not a line of nothing at all: what NumPy's reader wants to see as "nan".
_EMPTY = re.compile(r'^[ \t]*(?:"")?(?=,)|(?<=,)[ \t]*(?:"")?[ \t]*(?=,|$)', re.MULTILINE)
_MAYBE_EMPTY = (",,", ",\n", "\n,", ", ", ",\t", '""')
_TIMES = re.compile(r"(?:time|t|seconds|sec|s|ms)(?:[\s_]*\(?\[?(?P<unit>s|sec|seconds|ms)?\)?\]?)", re.IGNORECASE)


def read_csv(path: Path, fs: float | None = None) -> Record:
    """Read a CSV file: one row of lead names, one row a sample, empty or "nan" cells where nothing was recorded.

    Parameters
    ----------
    path : Path
    fs : float, optional
        Hz. Needed unless a first column named like "time", "t" or "ms" tells it.
    """
    size = file_size(path)
    if size is None or size > _MOST_BYTES:
        raise RecordError(f"{path}: it is no file of at most {_MOST_BYTES >> 20} MiB, expected a table of that size")
    try:
        with open(path, "rb") as file:
            return _read_table(path, file, fs)
    except (OSError, ValueError, csv.Error) as fault:
        raise RecordError(f"{path}: it is no table of numbers ({type(fault).__name__}), expected lead names, then numbers") from None


def _read_table(path: Path, file: BinaryIO, fs: float | None) -> Record:
    columns = _columns(path, file)
    seconds = _seconds_per_tick(columns[0]) if columns else None
    if fs is not None:
        _check_frequency(fs, path)
    first = 0 if seconds is None else 1
    names, units = zip(*map(_name_and_unit, columns[first:]), strict=True) if columns[first:] else ((), ())
    leads: list[Lead] = []
    clock = _Clock(path)
    pieces: list[np.ndarray] = []
    for table in _pieces(path, file, len(columns)):
        if not pieces:  # only now: a table without samples is told as such
            leads = choose_leads(names, units, path)
            if fs is None and seconds is None:
                raise RecordError(f"{path}: nothing tells its sampling frequency, expected a time column or fs=")
        if fs is None and seconds is not None:
            clock.add(table[:, 0] * seconds)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
            rows = [table[:, first + lead.place] * (lead.sign * (millivolts_per(units[lead.place]) or 1.0)) for lead in leads]
            pieces.append(np.array(rows, dtype=np.float32))
    if not pieces:
        raise RecordError(f"{path}: it holds no samples, expected a row of lead names and one row a sample")
    if fs is None:
        fs = clock.frequency()
        _check_frequency(fs, path)
    return checked_record(path, _joined(pieces), fs, [lead.name for lead in leads])


def _columns(path: Path, file: BinaryIO) -> list[str]:
    """The cells of the first row."""
    line = file.readline(_LONGEST_ROW)
    columns = next(csv.reader([line.decode("utf-8-sig")]), [])
    if len(line) == _LONGEST_ROW or len(columns) > MOST_SIGNALS:
        raise RecordError(f"{path}: its first row has more than {MOST_SIGNALS} cells or {_LONGEST_ROW} bytes, expected lead names")
    return columns


def _name_and_unit(column: str) -> tuple[str, str]:
    """Name and unit of ``II (uV)`` or ``V1 [mV]``."""
    column = column.strip()
    opening = max(column.rfind("("), column.rfind("["))
    if opening >= 0 and column.endswith((")", "]")) and len(column) > opening + 2:
        return column[:opening].rstrip()[:LONGEST_NAME], column[opening + 1 : -1][:LONGEST_NAME]
    return column[:LONGEST_NAME], "mV"


def _pieces(path: Path, file: BinaryIO, columns: int) -> Iterator[np.ndarray]:
    """The numbers of all rows, in pieces of some thousand rows."""
    before, rest = 1, b""
    while data := file.read(_PIECE):
        whole, newline, rest = (rest + data).rpartition(b"\n")
        if len(rest) > _LONGEST_ROW and len(data) == _PIECE:
            raise RecordError(f"{path}: a row of it is longer than {_LONGEST_ROW} bytes, expected one row a sample")
        if whole:
            yield from _numbers(path, whole + newline, columns, before)
            before += whole.count(b"\n") + 1
    yield from _numbers(path, rest, columns, before)


def _numbers(path: Path, data: bytes, columns: int, before: int) -> Iterator[np.ndarray]:
    """The rows of a piece of a table, `before` rows behind its begin; nothing if it holds none."""
    text = data.decode("utf-8")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        return
    if any(mark in text for mark in _MAYBE_EMPTY) or text[0] in ", \t" or text[-1] == ",":
        text = _EMPTY.sub("nan", text)
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=",", comments=None, quotechar='"', ndmin=2)
    except ValueError:
        _check_rows(path, text, columns, before)
        raise
    if table.shape[1] != columns:
        _check_rows(path, text, columns, before)
    yield table


def _check_rows(path: Path, text: str, columns: int, before: int) -> None:
    """Raise the error of the first row that has another number of cells."""
    for number, row in enumerate(filter(None, csv.reader(io.StringIO(text))), before + 1):
        if len(row) != columns:
            raise RecordError(f"{path}: row {number} has {len(row)} cells, expected {columns} as in the first row")


def _joined(pieces: list[np.ndarray]) -> np.ndarray:
    """The pieces (leads, samples) joined; each piece is freed as soon as it has been copied."""
    samples = [piece.shape[1] for piece in pieces]
    signal = np.empty((len(pieces[0]), sum(samples)), np.float32)
    for start, count in zip(np.cumsum(samples) - samples, samples, strict=True):
        signal[:, start : start + count] = pieces.pop(0)
    return signal


def _seconds_per_tick(column: str) -> float | None:
    column = column.strip()[:LONGEST_NAME]
    return None if _TIMES.fullmatch(column) is None else 1e-3 if "ms" in column.lower() else 1.0


class _Clock:
    """Finds the sampling frequency of a column of times that is read in pieces."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first = self._last = math.nan
        self._steps, self._least, self._most = 0, math.inf, -math.inf

    def add(self, times: np.ndarray) -> None:
        """Add the times of the next piece."""
        new = math.isnan(self._first)
        steps = np.diff(times) if new else np.diff(times, prepend=self._last)
        self._first, self._last = float(times[0]) if new else self._first, float(times[-1])
        if len(steps):
            self._steps += len(steps)
            self._least, self._most = min(self._least, float(steps.min())), max(self._most, float(steps.max()))
        if not (self._steps == 0 or (self._least > 0 and self._most <= 1.5 * self._least)):
            raise self._uneven()

    def frequency(self) -> float:
        """Hz of evenly spaced times, to 9 digits, because times are printed with few."""
        if self._steps == 0:
            raise self._uneven()
        return float(f"{self._steps / (self._last - self._first):.9g}")

    def _uneven(self) -> RecordError:
        return RecordError(f"{self._path}: its times are not evenly spaced and rising, expected one row a sample")


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
    if signal.size > MOST_VALUES:
        raise RecordError(f"{path}: its array holds {signal.size} values, expected at most {MOST_VALUES}")
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
    """Raise if the archive unpacks to more than a record can have; a megabyte of zeros can unpack to a thousand."""
    size = sum(member.file_size for member in arrays.zip.infolist())
    if size > _MOST_BYTES:
        raise RecordError(f"{path}: it unpacks to {size} bytes, expected at most {_MOST_BYTES >> 20} MiB")
