"""Records in tables of text, in mV unless a column says otherwise: ``II``, ``II (uV)``, ``V1 [mV]``."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from fastecg.errors import RecordError
from fastecg.readers.checked import check_frequency, checked_record
from fastecg.readers.header import MOST_SIGNALS, file_size
from fastecg.readers.leads import LONGEST_NAME, Lead, choose_leads, millivolts_per
from fastecg.record import LEADS, Record

_MOST_BYTES = 1 << 29  # Largest table.
_MOST_CELLS = 1 << 27  # Largest number of cells of a table in text; twice as many short ones would take half a minute and 1.5 GB.
_LONGEST_ROW = 1 << 20  # Longest row, bytes.
_PIECE = 1 << 23  # Bytes of a table that are read at a time.

# Names of columns with times in a unit.
_TIMES = re.compile(r"(?:time|t|seconds|sec|s|ms)(?:[\s_]*\(?\[?(?P<unit>s|sec|seconds|ms)?\)?\]?)", re.IGNORECASE)
# Names of columns with time stamps, whose unit is not told.
_STAMPS = re.compile(r"(?:local |utc )?(?:time ?stamps?|date ?/?time|date|time of day|clock)(?:[\s_]*\(?utc\)?)?", re.IGNORECASE)
# Names of columns that count rows.
_COUNTERS = re.compile(r"(?:unnamed: \d+|index|idx|row|samples?(?: ?(?:#|no\.?|number|index))?|)", re.IGNORECASE)
# A time of day.
_OF_DAY = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d*)?))?")
_HALF_DAY_S = 43_200.0  # Period of 12-hour clocks.
_TICKS_S = (1.0, 1e-3, 1e-6, 1e-9)  # Units of numerical time stamps.
_LIKELY_HZ = (50.0, 20_000.0)  # Range of sampling frequencies by which the unit of time stamps is told.
_NO_UNITS = ("", "-", "s", "sec", "seconds", "ms")  # Cells of a row of units in columns that are not leads.
# Further texts of cells without a sample, as in pandas.
_MISSING = r"#?N/?A|#N/A N/A|NULL|None|<NA>|-+|\?|\.|-?nan|-?1\.#QNAN|-?1\.#IND"


class _Columns(NamedTuple):
    """The columns of a table: the delimiter of its cells, the kind of its first column, and the name and unit of each lead.

    The first column is a "lead", a "time" in ticks, "stamp" (numbers of an unknown unit), "clock" (dates and times) or "count" (of rows).
    """

    delimiter: str
    kind: str
    tick_s: float
    names: list[str]
    units: list[str]
    before: int  # lines before the first sample

    @property
    def first(self) -> int:
        """The first column that is a lead."""
        return int(self.kind != "lead")

    @property
    def width(self) -> int:
        """Number of cells in a row."""
        return self.first + len(self.names)


def read_csv(path: Path, fs: float | None = None, leads: Sequence[str] | None = None, unit: str | None = None) -> Record:
    """Read a table in text: a row of lead names, then a row for every sample.

    Cells are separated by commas, semicolons or tabs; unless by commas, these may be decimal points. Lines that begin with ``#`` are
    ignored. A row of units may follow the names. Empty cells, "NA" and the like are samples that were not recorded.

    Parameters
    ----------
    path : Path
    fs : float, optional
        Sampling frequency in Hz. It is needed unless the first column has times: numbers under "time", "t", "ms" and the like, or dates and
        times under "Timestamp".
    leads : sequence of str, optional
        Names of the columns that are leads, instead of those in the file, which may have none.
    unit : str, optional
        Unit of all leads, instead of those in the file.

    Raises
    ------
    RecordError
        If it is no such table; the message names the row.
    """
    size = file_size(path)
    if size is None or size > _MOST_BYTES:
        raise RecordError(f"{path}: it is no file of at most {_MOST_BYTES >> 20} MiB, expected a table of that size")
    try:
        with open(path, "rb") as file:
            return _read_table(path, file, fs, leads, unit)
    except (OSError, ValueError, csv.Error) as fault:
        raise RecordError(f"{path}: it is no table of numbers ({type(fault).__name__}), expected lead names, then numbers") from None


def _read_table(path: Path, file: BinaryIO, fs: float | None, names: Sequence[str] | None, unit: str | None) -> Record:
    columns = _columns(path, file, names)
    if fs is not None:
        check_frequency(fs, path)
    units = columns.units if unit is None else [unit] * len(columns.units)
    leads: list[Lead] = []
    clock = _Clock(path, columns)
    pieces: list[np.ndarray] = []
    cells = 0
    for table in _pieces(path, file, columns):
        cells += table.size
        if cells > _MOST_CELLS:
            raise RecordError(f"{path}: it has more than {_MOST_CELLS / 1e6:.0f} million cells, expected at most as many")
        if not pieces:  # a table without samples
            leads = choose_leads(columns.names, units, path)
            if fs is None and columns.kind in ("lead", "count"):
                raise RecordError(f"{path}: nothing tells its sampling frequency, expected a time column, fs= or --fs")
        if fs is None:
            clock.add(table[:, 0])
        with np.errstate(over="ignore"):  # Values that float32 cannot hold become infinite, and are refused.
            rows = [table[:, columns.first + lead.channel] * (lead.sign * (millivolts_per(units[lead.channel]) or 1.0)) for lead in leads]
            pieces.append(np.array(rows, dtype=np.float32))
    if not pieces:
        raise RecordError(f"{path}: it holds no samples, expected a row of lead names and one row a sample")
    if fs is None:
        fs = clock.frequency()
        check_frequency(fs, path)
    return checked_record(path, _joined(pieces), fs, [lead.name for lead in leads])


def _columns(path: Path, file: BinaryIO, given: Sequence[str] | None) -> _Columns:
    """The columns, from the first rows; the file is left at the first sample."""
    said = _lines(path, file)
    start, before, text = next(said, (0, 0, ""))
    delimiter = next((mark for mark in "\t;" if mark in text), ",")
    cells = _cells(text, delimiter)
    if len(cells) > MOST_SIGNALS:
        raise RecordError(f"{path}: its first row has more than {MOST_SIGNALS} cells or {_LONGEST_ROW} bytes, expected lead names")
    if cells and all(_is_number(cell, delimiter) for cell in cells):  # no names
        if given is None and len(cells) != len(LEADS):
            raise RecordError(f"{path}: row {before + 1} holds numbers, expected names of leads there, or by leads= or --leads")
        file.seek(start)
        return _named(path, delimiter, list(given or LEADS), len(cells), None, before)
    units: dict[int, str] = {}
    start, above, text = next(said, (file.tell(), before, ""))
    below = _cells(text, delimiter)
    if len(below) == len(cells) and any(map(millivolts_per, below)) and all(cell in _NO_UNITS or millivolts_per(cell) for cell in below):
        units = dict(enumerate(below))
        start, above, text = next(said, (file.tell(), above, ""))
        below = _cells(text, delimiter)
    file.seek(start)
    columns = _named(path, delimiter, cells, len(cells), given, above, units)
    if columns.kind == "clock" and below and _is_number(below[0], delimiter):
        return columns._replace(kind="stamp")
    return columns


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, int, str]]:
    """The lines that are no comments: where each begins in the file, the number of lines before it, and its text."""
    number = 0
    while True:
        start, line = file.tell(), file.readline(_LONGEST_ROW)
        if not line:
            return
        if len(line) == _LONGEST_ROW:
            raise RecordError(f"{path}: row {number + 1} has more than {MOST_SIGNALS} cells or {_LONGEST_ROW} bytes, expected a table")
        text = _decoded(line).removeprefix("\ufeff").rstrip("\r\n")
        if text.strip() and not text.lstrip().startswith("#"):
            yield start, number, text
        number += 1


def _decoded(data: bytes) -> str:
    """Text in UTF-8, else in Latin-1: of units such as µV."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _cells(text: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), [])]


def _is_number(cell: str, delimiter: str) -> bool:
    try:
        float(cell if delimiter == "," else cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _named(
    path: Path, delimiter: str, names: list[str], count: int, given: Sequence[str] | None, before: int, below: dict[int, str] | None = None
) -> _Columns:
    """The columns with these names, of which those of leads are replaced by the `given`; `below` are units in the row below."""
    name = names[0].strip()[:LONGEST_NAME] if names else "lead"
    kinds = {"time": _TIMES, "clock": _STAMPS, "count": _COUNTERS}
    kind = next((kind for kind, known in kinds.items() if known.fullmatch(name)), "lead")
    first = int(kind != "lead")
    named = [_name_and_unit(item) for item in names[first:]]
    if given is not None:
        if len(given) != len(named):
            raise RecordError(f"{path}: {len(named)} columns of leads, but leads= or --leads gives {len(given)} names, expected one each")
        named = [(lead, unit) for lead, (_, unit) in zip(given, named, strict=True)]
    if first + len(named) != count:
        raise RecordError(f"{path}: {len(names)} names for {count} columns, expected one for each, that of times too, or leads= or --leads")
    told = below or {}
    tick = 1e-3 if "ms" in (name + told.get(0, "")).lower() else 1.0
    units = [told.get(first + k) or unit for k, (_, unit) in enumerate(named)]
    return _Columns(delimiter, kind, tick, [lead for lead, _ in named], units, before)


def _name_and_unit(column: str) -> tuple[str, str]:
    """Name and unit of ``II (uV)`` or ``V1 [mV]``."""
    column = column.strip()
    opening = max(column.rfind("("), column.rfind("["))
    if opening >= 0 and column.endswith((")", "]")) and len(column) > opening + 2:
        return column[:opening].rstrip()[:LONGEST_NAME], column[opening + 1 : -1][:LONGEST_NAME]
    return column[:LONGEST_NAME], "mV"


def _pieces(path: Path, file: BinaryIO, columns: _Columns) -> Iterator[np.ndarray]:
    """The numbers of all rows, in pieces of some thousand rows."""
    before, rest = columns.before, b""
    while data := file.read(_PIECE):
        whole, newline, rest = (rest + data).rpartition(b"\n")
        if len(rest) > _LONGEST_ROW and len(data) == _PIECE:
            raise RecordError(f"{path}: a row of it is longer than {_LONGEST_ROW} bytes, expected one row a sample")
        if whole:
            yield from _numbers(path, whole + newline, columns, before)
            before += whole.count(b"\n") + 1
    yield from _numbers(path, rest, columns, before)


def _numbers(path: Path, data: bytes, columns: _Columns, before: int) -> Iterator[np.ndarray]:
    """The numbers of a piece of a table that begins at line `before`; nothing if it has no rows."""
    mark, text = columns.delimiter, _decoded(data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "#" in text:
        text = re.sub(r"^[ \t]*#(?!N/A).*$", "", text, flags=re.MULTILINE)
    if not text.strip():
        return
    if mark != ",":
        text = text.replace(",", ".")
    if columns.kind == "clock":
        text = _with_seconds(path, text, mark, before)
    whole = text
    text = _filled(text, mark)
    if text[0] in " \t" or any(some in text for some in (f"{mark} ", f"{mark}\t", "\n ", "\n\t", '""')):
        text = _cell_of("", mark).sub("nan", text)
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=mark, comments=None, quotechar='"', ndmin=2)
    except ValueError:
        try:
            text = _cell_of(_MISSING, mark).sub("nan", text)
            table = np.loadtxt(io.StringIO(text), delimiter=mark, comments=None, quotechar='"', ndmin=2)
        except ValueError:
            _check_rows(path, whole, columns, before)
            raise
    if table.shape[1] != columns.width:
        _check_rows(path, whole, columns, before)
    yield table


def _filled(text: str, mark: str) -> str:
    """The text with "nan" in its empty cells, except cells of blanks. A regular expression would take several times as long."""
    if text[0] == mark:
        text = f"nan{text}"
    if text[-1] == mark:
        text = f"{text}nan"
    # The second time for every other one of several empty cells in a row.
    for empty, filled in (
        (mark * 2, f"{mark}nan{mark}"),
        (mark * 2, f"{mark}nan{mark}"),
        (f"{mark}\n", f"{mark}nan\n"),
        (f"\n{mark}", f"\nnan{mark}"),
    ):
        text = text.replace(empty, filled)
    return text


@lru_cache(maxsize=16)
def _cell_of(words: str, mark: str) -> re.Pattern[str]:
    """A pattern for a cell that has nothing but blanks and perhaps one of `words`; it does not match an empty line."""
    blank = "[ ]*" if mark == "\t" else r"[ \t]*"
    cell = f'{blank}"?(?:{words})"?{blank}' if words else f'{blank}(?:"")?{blank}'
    end = f"(?={mark}|$)" if words else f"(?={mark})"
    return re.compile(f"^{cell}{end}|(?<={mark}){cell}(?={mark}|$)", re.MULTILINE | re.IGNORECASE)


def _with_seconds(path: Path, text: str, mark: str, before: int) -> str:
    """The text with seconds of the day in place of the dates and times of its first column."""
    lines = text.split("\n")
    for k, line in enumerate(lines):
        if line.strip():
            cell, _, cells = line.partition(mark)
            found = _OF_DAY.search(cell[:LONGEST_NAME])
            if found is None:
                raise RecordError(f"{path}: row {before + k + 1} has no time of day in its first cell, expected one such as 12:30:00.004")
            hours, minutes, seconds = found.groups("0")
            lines[k] = f"{3600.0 * int(hours) + 60.0 * int(minutes) + float(seconds):.9f}{mark}{cells}"
    return "\n".join(lines)


def _check_rows(path: Path, text: str, columns: _Columns, before: int) -> None:
    """Raise the error of the first row that has another number of cells, or a cell that is no number."""
    missing = re.compile(_MISSING, re.IGNORECASE)
    for number, line in enumerate(text.split("\n"), before + 1):
        row = _cells(line, columns.delimiter) if line.strip() else []
        if row and len(row) != columns.width:
            hint = "; decimals with a comma need cells parted by ; or tabs" if columns.delimiter == "," and len(row) > columns.width else ""
            raise RecordError(f"{path}: row {number} has {len(row)} cells, expected {columns.width} as in the first row{hint}")
        for column, cell in enumerate(row, 1):
            if cell and not missing.fullmatch(cell) and not _is_number(cell, columns.delimiter):
                raise RecordError(f"{path}: cell {column} of row {number} is no number, expected numbers, empty cells or NA")


def _joined(pieces: list[np.ndarray]) -> np.ndarray:
    """The pieces (leads, samples) joined; each piece is freed as soon as it has been copied."""
    samples = [piece.shape[1] for piece in pieces]
    signal = np.empty((len(pieces[0]), sum(samples)), np.float32)
    for start, count in zip(np.cumsum(samples) - samples, samples, strict=True):
        signal[:, start : start + count] = pieces.pop(0)
    return signal


class _Clock:
    """Finds the sampling frequency of a column of times that is read in pieces."""

    def __init__(self, path: Path, columns: _Columns) -> None:
        self._path, self._kind, self._tick_s = path, columns.kind, columns.tick_s
        self._uneven_by = 1.5 if columns.kind == "time" else 2.1  # milliseconds of 360 Hz are 2 or 3 apart
        self._last = math.nan
        self._steps, self._least, self._most, self._whole = 0, math.inf, -math.inf, 0.0

    def add(self, times: np.ndarray) -> None:
        """Add the times of the next piece."""
        steps = np.diff(times) if math.isnan(self._last) else np.diff(times, prepend=self._last)
        if self._kind == "clock":  # midnight, and noon of some
            steps = np.where(steps < 0, np.mod(steps, _HALF_DAY_S), steps)
        self._last = float(times[-1])
        if len(steps):
            with np.errstate(over="ignore", invalid="ignore"):  # infinite times are not even, which is reported later
                self._steps, self._whole = self._steps + len(steps), self._whole + float(steps.sum())
            self._least, self._most = min(self._least, float(steps.min())), max(self._most, float(steps.max()))
        if not (self._steps == 0 or (self._least > 0 and self._most <= self._uneven_by * self._least)):
            raise self._uneven()

    def frequency(self) -> float:
        """Hz of evenly spaced times, to 9 digits, because times are printed with few."""
        if self._steps == 0:
            raise self._uneven()
        rate = self._steps / self._whole
        tick = self._tick_s
        if self._kind == "stamp":
            low, high = _LIKELY_HZ
            tick = next((tick for tick in _TICKS_S if low <= rate / tick <= high), 1.0)
        return float(f"{rate / tick:.9g}")

    def _uneven(self) -> RecordError:
        return RecordError(f"{self._path}: its times are not evenly spaced and rising, expected one row a sample")
