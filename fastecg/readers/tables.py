"""Read records from text tables. Values are in mV unless a unit is given, as in columns called ``II (uV)`` or ``V1 [mV]``."""

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

_MOST_BYTES = 1 << 29  # Largest table, bytes.
_MOST_CELLS = 1 << 27  # Largest number of cells; twice as many short cells would take half a minute and 1.5 GB.
_LONGEST_ROW = 1 << 20  # Longest row, bytes.
_PIECE = 1 << 23  # Number of bytes that are read at a time.

# Names of columns with times, perhaps with their unit: "time", "t (ms)".
_TIMES = re.compile(r"(?:time|t|seconds|sec|s|ms)(?:[\s_]*\(?\[?(?P<unit>s|sec|seconds|ms)?\)?\]?)", re.IGNORECASE)
# Names of columns with time stamps: dates and times, or numbers whose unit is not stated.
_STAMPS = re.compile(r"(?:local |utc )?(?:time ?stamps?|date ?/?time|date|time of day|clock)(?:[\s_]*\(?utc\)?)?", re.IGNORECASE)
# Names of columns with the numbers of rows, or no name.
_COUNTERS = re.compile(r"(?:unnamed: \d+|index|idx|row|samples?(?: ?(?:#|no\.?|number|index))?|)", re.IGNORECASE)
# A time of day: hours, minutes, and perhaps seconds.
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d*)?))?")
_HALF_DAY_S = 43_200.0  # Period of 12-hour clocks.
_TICKS_S = (1.0, 1e-3, 1e-6, 1e-9)  # Possible units of numerical time stamps, s.
_LIKELY_HZ = (50.0, 20_000.0)  # The unit of time stamps is the first that puts the sampling frequency, Hz, into this range, else 1 s.
_NO_UNITS = ("", "-", "s", "sec", "seconds", "ms")  # Cells that a row of units may have besides units of voltage.
# A pattern of the words that stand for a sample that was not recorded, much as in pandas.
_MISSING = r"#?N/?A|#N/A N/A|NULL|None|<NA>|-+|\?|\.|-?nan|-?1\.#QNAN|-?1\.#IND"


class _Columns(NamedTuple):
    """The columns of a table. All columns but the first are leads; the first is one of the kinds below.

    "lead": a lead; "time": times in a known unit; "stamp": numerical time stamps in an unknown unit; "clock": dates and times; "count":
    numbers of rows.
    """

    delimiter: str  # of cells: a comma, a semicolon or a tab
    kind: str  # of the first column
    tick_s: float  # unit of the times in s, if the first column is "time"
    names: list[str]  # of the leads
    units: list[str]  # of the leads
    before: int  # number of lines before the first sample

    @property
    def first(self) -> int:
        """Index of the first column that is a lead."""
        return int(self.kind != "lead")

    @property
    def width(self) -> int:
        """Number of cells in a row."""
        return self.first + len(self.names)


def read_csv(path: Path, fs: float | None = None, leads: Sequence[str] | None = None, unit: str | None = None) -> Record:
    """Read a record from a text table: a row of lead names, then a row for every sample.

    Cells are separated by commas, semicolons or tabs; with semicolons or tabs, decimal commas will do. Lines that begin with ``#`` are
    ignored. A row of units may follow the names. Empty cells, "NA" and the like are samples that were not recorded.

    Parameters
    ----------
    path : Path
    fs : float, optional
        Sampling frequency in Hz. It is needed unless the first column has times: numbers under "time", "t", "ms" and the like, or dates and
        times or numerical time stamps under "Timestamp" and the like. If it is given, such times are ignored.
    leads : sequence of str, optional
        Names of the leads, instead of those in the file. In a file without names, twelve columns are taken for I, II, III, aVR, aVL, aVF
        and V1 to V6; for any other number, the names of all columns are needed.
    unit : str, optional
        Unit of all leads, instead of those in the file.

    Raises
    ------
    RecordError
        If the file is not such a table of at most 512 MiB, or its sampling frequency is not known. If a row is wrong, the message has the
        row's number.
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
    """As `read_csv`, from an open file."""
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
        if not pieces:  # not earlier: a table without samples has an error of its own below
            leads = choose_leads(columns.names, units, path)
            if fs is None and columns.kind in ("lead", "count"):
                raise RecordError(f"{path}: it does not state its sampling frequency, expected a time column, fs= or --fs")
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
    """Find the columns of a table from its first rows, and leave the position in the file at its first row of samples.

    `given` are names of the leads instead of those in the file.
    """
    rows = _lines(path, file)
    start, before, text = next(rows, (0, 0, ""))
    delimiter = next((mark for mark in "\t;" if mark in text), ",")
    cells = _cells(text, delimiter)
    if len(cells) > MOST_SIGNALS:
        raise RecordError(f"{path}: its first row has more than {MOST_SIGNALS} cells or {_LONGEST_ROW} bytes, expected lead names")
    if cells and all(_is_number(cell, delimiter) for cell in cells):  # no names
        if given is None and len(cells) != len(LEADS):
            raise RecordError(f"{path}: row {before + 1} holds numbers, expected lead names there, or given by leads= or --leads")
        file.seek(start)
        return _named(path, delimiter, list(given or LEADS), len(cells), None, before)
    units: dict[int, str] = {}
    start, before, text = next(rows, (file.tell(), before, ""))
    second = _cells(text, delimiter)
    if len(second) == len(cells) and any(map(millivolts_per, second)) and all(cell in _NO_UNITS or millivolts_per(cell) for cell in second):
        units = dict(enumerate(second))
        start, before, text = next(rows, (file.tell(), before, ""))
        second = _cells(text, delimiter)
    file.seek(start)
    columns = _named(path, delimiter, cells, len(cells), given, before, units)
    # A column called "Timestamp" or the like holds numerical time stamps if the first row of samples begins with a number.
    if columns.kind == "clock" and second and _is_number(second[0], delimiter):
        return columns._replace(kind="stamp")
    return columns


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, int, str]]:
    """The lines that are neither empty nor comments: the position of each in the file, the number of lines before it, and its text."""
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
    """The text of bytes, in UTF-8 if they are valid, else in Latin-1, which is right for units such as µV."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _cells(text: str, delimiter: str) -> list[str]:
    """The cells of one row, without blanks around them."""
    return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), [])]


def _is_number(cell: str, delimiter: str) -> bool:
    """Whether a cell is a number. Its decimal point may be a comma unless commas are the delimiter."""
    try:
        float(cell if delimiter == "," else cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _named(
    path: Path, delimiter: str, names: list[str], count: int, given: Sequence[str] | None, before: int, below: dict[int, str] | None = None
) -> _Columns:
    """The columns of a table with `count` cells in a row and `before` lines before the first sample.

    `names` are the names of all columns, of which `given` replace those of the leads. `below` are the units in the row below the names, by
    the index of the column. They replace units in the names, as in "II (uV)".
    """
    first_name = names[0].strip()[:LONGEST_NAME] if names else "lead"
    kinds = {"time": _TIMES, "clock": _STAMPS, "count": _COUNTERS}
    kind = next((kind for kind, pattern in kinds.items() if pattern.fullmatch(first_name)), "lead")
    first = int(kind != "lead")
    named = [_name_and_unit(item) for item in names[first:]]
    if given is not None:
        if len(given) != len(named):
            raise RecordError(f"{path}: {len(named)} columns of leads, but {len(given)} names by leads= or --leads, expected as many")
        named = [(lead, unit) for lead, (_, unit) in zip(given, named, strict=True)]
    if first + len(named) != count:
        raise RecordError(f"{path}: {len(names)} names for {count} columns, expected one for each, also for a column of times")
    below = below or {}
    tick_s = 1e-3 if "ms" in (first_name + below.get(0, "")).lower() else 1.0
    units = [below.get(first + k) or unit for k, (_, unit) in enumerate(named)]
    return _Columns(delimiter, kind, tick_s, [lead for lead, _ in named], units, before)


def _name_and_unit(column: str) -> tuple[str, str]:
    """The name and the unit in the name of a column, as in ``II (uV)`` or ``V1 [mV]``; mV if there is none."""
    column = column.strip()
    opening = max(column.rfind("("), column.rfind("["))
    if opening >= 0 and column.endswith((")", "]")) and len(column) > opening + 2:
        return column[:opening].rstrip()[:LONGEST_NAME], column[opening + 1 : -1][:LONGEST_NAME]
    return column[:LONGEST_NAME], "mV"


def _pieces(path: Path, file: BinaryIO, columns: _Columns) -> Iterator[np.ndarray]:
    """The numbers of all rows, in arrays (rows, columns), one for about every 8 MiB of the file."""
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
    """The numbers in a piece of a table after `before` lines, as an array (rows, columns); nothing if it has no rows."""
    delimiter, text = columns.delimiter, _decoded(data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "#" in text:  # comments, but not a first cell "#N/A"
        text = re.sub(r"^[ \t]*#(?!N/A).*$", "", text, flags=re.MULTILINE)
    if not text.strip():
        return
    if delimiter != ",":
        text = text.replace(",", ".")
    if columns.kind == "clock":
        text = _with_seconds(path, text, delimiter, before)
    unfilled = text  # for the message about a row that is wrong
    text = _filled(text, delimiter)
    # Cells of blanks or of two quotes are empty as well. They are rare, and take longer to find.
    blanks = f"{delimiter} ", f"{delimiter}\t", "\n ", "\n\t", '""'
    if text[0] in " \t" or any(blank in text for blank in blanks):
        text = _cell_pattern("", delimiter).sub("nan", text)
        text = re.sub(r"^[ \t]+$", "", text, flags=re.MULTILINE)  # lines of blanks are empty lines
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
    except ValueError:
        try:  # with words such as "NA" replaced, which takes long and is seldom needed
            text = _cell_pattern(_MISSING, delimiter).sub("nan", text)
            table = np.loadtxt(io.StringIO(text), delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
        except ValueError:
            _check_rows(path, unfilled, columns, before)
            raise
    if table.shape[1] != columns.width:
        _check_rows(path, unfilled, columns, before)
    yield table


def _filled(text: str, delimiter: str) -> str:
    """The text with "nan" in empty cells, but not in cells of blanks. A regular expression would take several times as long."""
    if text[0] == delimiter:
        text = f"nan{text}"
    if text[-1] == delimiter:
        text = f"{text}nan"
    # The first replacement is done twice, because once fills only every other one of several empty cells side by side.
    for empty, filled in (
        (delimiter * 2, f"{delimiter}nan{delimiter}"),
        (delimiter * 2, f"{delimiter}nan{delimiter}"),
        (f"{delimiter}\n", f"{delimiter}nan\n"),
        (f"\n{delimiter}", f"\nnan{delimiter}"),
    ):
        text = text.replace(empty, filled)
    return text


@lru_cache(maxsize=16)
def _cell_pattern(words: str, delimiter: str) -> re.Pattern[str]:
    """A pattern for cells of blanks, or, if `words` are given (as alternatives of a pattern), for cells of one of them and blanks.

    It does not match an empty line.
    """
    blank = "[ ]*" if delimiter == "\t" else r"[ \t]*"
    cell = f'{blank}"?(?:{words})"?{blank}' if words else f'{blank}(?:"")?{blank}'
    end = f"(?={delimiter}|$)" if words else f"(?={delimiter})"
    return re.compile(f"^{cell}{end}|(?<={delimiter}){cell}(?={delimiter}|$)", re.MULTILINE | re.IGNORECASE)


def _with_seconds(path: Path, text: str, delimiter: str, before: int) -> str:
    """The text with seconds since midnight in place of the dates and times in its first column."""
    lines = text.split("\n")
    for k, line in enumerate(lines):
        if line.strip():
            cell, _, cells = line.partition(delimiter)
            found = _TIME_OF_DAY.search(cell[:LONGEST_NAME])
            if found is None:
                raise RecordError(f"{path}: row {before + k + 1} has no time of day in its first cell, expected one such as 12:30:00.004")
            hours, minutes, seconds = found.groups("0")
            lines[k] = f"{3600.0 * int(hours) + 60.0 * int(minutes) + float(seconds):.9f}{delimiter}{cells}"
    return "\n".join(lines)


def _check_rows(path: Path, text: str, columns: _Columns, before: int) -> None:
    """Raise `RecordError` for the first row that has a wrong number of cells, or a cell that is not a number, if there is one."""
    missing = re.compile(_MISSING, re.IGNORECASE)
    for number, line in enumerate(text.split("\n"), before + 1):
        row = _cells(line, columns.delimiter) if line.strip() else []
        if row and len(row) != columns.width:
            hint = "; decimal commas need cells separated by ; or tabs" if columns.delimiter == "," and len(row) > columns.width else ""
            raise RecordError(f"{path}: row {number} has {len(row)} cells, expected {columns.width} as in the first row{hint}")
        for column, cell in enumerate(row, 1):
            if cell and not missing.fullmatch(cell) and not _is_number(cell, columns.delimiter):
                raise RecordError(f"{path}: cell {column} of row {number} is not a number, expected numbers, empty cells or NA")


def _joined(pieces: list[np.ndarray]) -> np.ndarray:
    """The pieces (leads, samples) joined; each piece is freed as soon as it has been copied."""
    samples = [piece.shape[1] for piece in pieces]
    signal = np.empty((len(pieces[0]), sum(samples)), np.float32)
    for start, count in zip(np.cumsum(samples) - samples, samples, strict=True):
        signal[:, start : start + count] = pieces.pop(0)
    return signal


class _Clock:
    """Finds the sampling frequency from a column of times that is read in pieces."""

    def __init__(self, path: Path, columns: _Columns) -> None:
        self._path, self._kind, self._tick_s = path, columns.kind, columns.tick_s
        # Largest ratio of two steps of even times. Times in whole ms are 2 or 3 ms apart at 360 Hz; time stamps may be 1 or 2 units apart.
        self._most_ratio = 1.5 if columns.kind == "time" else 2.1
        self._last = math.nan  # the last time so far
        # Of the steps between times so far: their number, the shortest, the longest, and their sum.
        self._steps, self._shortest, self._longest, self._span = 0, math.inf, -math.inf, 0.0

    def add(self, times: np.ndarray) -> None:
        """Add the times of the next piece; `RecordError` if they are not even and rising."""
        steps = np.diff(times) if math.isnan(self._last) else np.diff(times, prepend=self._last)
        if self._kind == "clock":  # a clock starts again at midnight, and one of 12 hours also at noon
            steps = np.where(steps < 0, np.mod(steps, _HALF_DAY_S), steps)
        self._last = float(times[-1])
        if len(steps):
            with np.errstate(over="ignore", invalid="ignore"):  # infinite times are reported as uneven below
                self._steps, self._span = self._steps + len(steps), self._span + float(steps.sum())
            self._shortest, self._longest = min(self._shortest, float(steps.min())), max(self._longest, float(steps.max()))
        if not (self._steps == 0 or (self._shortest > 0 and self._longest <= self._most_ratio * self._shortest)):
            raise self._uneven()

    def frequency(self) -> float:
        """The sampling frequency in Hz to 9 significant digits, as times are written with few; `RecordError` if there is only one time."""
        if self._steps == 0:
            raise self._uneven()
        rate = self._steps / self._span
        tick_s = self._tick_s
        if self._kind == "stamp":
            low, high = _LIKELY_HZ
            tick_s = next((tick_s for tick_s in _TICKS_S if low <= rate / tick_s <= high), 1.0)
        return float(f"{rate / tick_s:.9g}")

    def _uneven(self) -> RecordError:
        return RecordError(f"{self._path}: its times are not evenly spaced and rising, expected one row a sample")
