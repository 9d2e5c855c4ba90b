"""Read WFDB header files into a `Header`, with a check of every value that is used.

The syntax is that of header(5) of the WFDB Applications Guide. Comments, times and dates are dropped while parsing. A frame is one time
step of a record; a signal has one sample or several in every frame.
"""

from __future__ import annotations

import math
import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from fastecg.errors import RecordError
from fastecg.leads import standard_name

#: Sampling frequency in Hz if a header does not state it (WFDB's default).
DEFAULT_FS = 250.0

#: Digital units per mV if a header states a gain of 0 or none (WFDB's default).
DEFAULT_GAIN = 200.0

MOST_BYTES = 4 << 20  # Largest header, bytes. The largest real ones, which list many thousand segments, have less than 1 MiB.
MOST_SIGNALS = 512  # Largest number of signals. Body surface maps have about 250.
MOST_SAMPLES = 1 << 40  # Largest number of frames: 70 years at 500 Hz.
GAIN_RANGE = (1e-12, 1e12)  # Range of gains without their sign, in digital units per unit of the signal.
FS_RANGE = (1.0, 200_000.0)  # Range of sampling frequencies, Hz.

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
# The record's name (parsed, not used): "r", "dir/r", or "r.mat" as in PhysioNet Challenges. "r/5" is a record of five segments.
_RECORD_NAME = re.compile(r"(?P<name>(?:[-\w]+/){0,16}?[-\w]+(?:\.[a-zA-Z]\w{0,15})?)(?:/(?P<segments>\d{1,6}))?", re.ASCII)
# The sampling frequency, with a counter frequency and a base counter value that are ignored: "360/1(0)".
_FREQUENCY = re.compile(rf"(?P<fs>{_NUMBER})(?:/-?[\d.eE+-]*(?:\([-+\d.eE]*\))?)?")
# A line about a signal: file, storage, scale, up to five whole numbers, and the signal's name.
_SIGNAL = re.compile(
    r"(?P<file>\S+)[ \t]+(?P<storage>\S+)(?:[ \t]+(?P<scale>\S+)(?P<numbers>(?:[ \t]+[-+]?\d{1,12}){0,5})(?:[ \t]+(?P<name>.*))?)?"
)
# Format, samples per frame, skew and offset: "212x2:5+24".
_STORAGE = re.compile(r"(?P<format>\d{1,4})(?:x(?P<per_frame>\d{1,4}))?(?::(?P<skew>\d{1,9}))?(?:\+(?P<offset>\d{1,15}))?")
# Gain, baseline and unit: "200(1024)/mV".
_SCALE = re.compile(rf"(?P<gain>[-+]?{_NUMBER})(?:\((?P<baseline>[-+]?\d{{1,12}})\))?(?:/(?P<unit>\S+))?")
_SEGMENT = re.compile(r"(?P<name>\S+)[ \t]+(?P<samples>\d{1,15})", re.ASCII)  # A line about a segment.
_COUNTS = ("adu", "adc", "count", "counts", "digit", "digits")  # Units that stand for digital values instead of a voltage.
# An ASCII file name without folders and control characters.
_PLAIN_NAME = re.compile(r"(?!\.{1,2}$|-$)[^/\\:\x00-\x1f\x7f-\U0010ffff]+")


class SignalLine(NamedTuple):
    """The storage of one signal, and the conversion of its digital units to physical ones: ``(value - baseline) / gain`` in `unit`."""

    file: str
    format: str  # a number, see `fastecg.readers.wfdb.CODINGS`
    per_frame: int  # samples per frame
    skew: int  # number of frames by which the signal is shifted in its file
    offset: int  # bytes in the file before the first sample
    gain: float
    baseline: int
    unit: str
    block: int  # size in bytes of the blocks that the file is made of, 0 if there are none
    name: str


class Segment(NamedTuple):
    """A segment of a multi-segment record: the name of the record that holds it ("~": nothing was recorded), and its length in frames."""

    name: str
    samples: int


@dataclass(frozen=True)
class Header:
    """The content of a header. `fs` is the frequency of frames in Hz, `samples` their number, None if it is not stated.

    Either `signals` or `segments` is empty.
    """

    path: str
    fs: float
    samples: int | None
    signals: tuple[SignalLine, ...] = ()
    segments: tuple[Segment, ...] = ()
    segment_signals: int = 0  # number of signals stated in a multi-segment header


def read_header(path: str | Path) -> Header:
    """Parse the header file `path`.

    Raises
    ------
    RecordError
        If there is no such file, or if it is no valid WFDB header.
    """
    size = file_size(path)
    if size is None:
        raise RecordError(f"{path}: there is no such header, expected a WFDB header file")
    try:
        raw = read_bytes(path, 0, min(size, MOST_BYTES + 1))
    except OSError as fault:
        raise RecordError(f"{path}: the header cannot be opened ({fault.strerror}), expected a readable file") from None
    return parse_header(raw, path)


def has_no_signals(path: str | Path) -> bool:
    """Whether `path` is a header without signals, as `fastecg digitize` writes for a picture that it could not read."""
    if Path(path).suffix.lower() != ".hea" or file_size(path) is None:
        return False
    fields = next(iter(header_lines(read_bytes(path, 0, MOST_BYTES), path)), "").split()
    return fields[1:2] == ["0"]


def file_size(path: str | Path) -> int | None:
    """The size of a regular file in bytes; None for anything else, because a pipe or a device could make a reader wait for ever."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a name with a NUL in it
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def read_bytes(path: str | Path, first: int, count: int) -> bytes:
    """Read at most `count` bytes of a file from byte `first` on.

    Reading a whole header by `os.read` takes less time than the call of `open` alone.

    Raises
    ------
    OSError
        If the file cannot be opened or read.
    """
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        if first:
            os.lseek(descriptor, first, os.SEEK_SET)
        found = os.read(descriptor, count)
        while len(found) < count and (more := os.read(descriptor, count - len(found))):  # systems read at most 2 GiB at a time
            found += more
        return found
    finally:
        os.close(descriptor)


def header_lines(raw: bytes, path: str | Path) -> list[str]:
    """The lines of a header without comments and empty lines; `RecordError` if it is not text, or too long.

    A header that is not in UTF-8 is read as Latin-1, which is right for units such as "µV"; comments, in any encoding, are dropped anyway.
    """
    if len(raw) > MOST_BYTES:
        raise RecordError(f"{path}: the header is longer than {MOST_BYTES >> 20} MiB, expected a WFDB header")
    if raw.translate(None, delete=_TEXT_BYTES):
        raise RecordError(f"{path}: the header is not text, expected a WFDB header in ASCII or UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [line for piece in text.split("\n") if (line := piece.strip(" \t")) and line[0] != "#"]


_BINARY = getattr(os, "O_BINARY", 0)  # without it, Windows would change line ends

# Control characters other than tabs and line ends are refused, because other readers take some of them for line ends.
_TEXT_BYTES = bytes(sorted({9, 10, 13} | set(range(32, 256)) - {127}))


def parse_header(raw: bytes, path: str | Path) -> Header:
    """Parse the bytes of a header. Raises `RecordError`, with `path` in its message."""
    return _parsed(raw, os.fspath(path))


@lru_cache(maxsize=2)  # The pages of a record are counted before it is read, so every header is needed twice.
def _parsed(raw: bytes, path: str) -> Header:
    """What `parse_header` returns, cached."""
    lines = header_lines(raw, path)
    if not lines:
        raise RecordError(f"{path}: the header is empty, expected a record line and one line a signal")
    segments, count, fs, samples = _record_line(lines[0], path)
    if segments is not None:
        return _multi_segment(lines[1:], segments, count, Header(path, fs, samples, segment_signals=count))
    if len(lines) - 1 != count:
        raise RecordError(f"{path}: the record line states {count} signals, but {len(lines) - 1} signal lines follow, expected as many")
    signals = tuple(_signal_line(line, number, path) for number, line in enumerate(lines[1:], 1))
    return Header(path, fs, samples, signals)


def _record_line(line: str, path: str) -> tuple[int | None, int, float, int | None]:
    """Number of segments (None: a plain record), number of signals, frequency of frames in Hz, number of frames (None: not stated)."""
    fields = line.split()
    if not 2 <= len(fields) <= 6:
        raise RecordError(
            f"{path}: the record line has {len(fields)} fields, expected 2 to 6 (name, signals, frequency, samples, time, date)"
        )
    name = _RECORD_NAME.fullmatch(fields[0])
    if name is None:
        raise RecordError(
            f"{path}: the record line begins with an invalid name, expected letters, digits, _ and -, as in r, r.mat or dir/r"
        )
    segments = int(name["segments"]) if name["segments"] else None
    count = _whole(fields[1], "number of signals", MOST_SIGNALS, path)
    if count == 0:
        raise RecordError(f"{path}: the record has no signals, expected at least one")
    fs = _frequency(fields[2], path) if len(fields) > 2 else DEFAULT_FS
    samples = _whole(fields[3], "number of samples", MOST_SAMPLES, path) if len(fields) > 3 else 0
    return segments, count, fs, samples or None  # 0 stands for an unknown number


def _whole(field: str, what: str, most: int, path: str) -> int:
    """The whole number in a field of the record line, at most `most`; `what` names it in errors."""
    if not (field.isascii() and field.isdigit() and len(field) <= 15):
        raise RecordError(f"{path}: the {what} is not a whole number in the record line, expected 0 to {most}")
    value = int(field)
    if value > most:
        raise RecordError(f"{path}: the {what} is {value}, expected at most {most}")
    return value


def _frequency(field: str, path: str) -> float:
    """Hz from "500", "360.0", "62.47/999.56" or "360/1(0)"; the counter frequency behind the slash is ignored."""
    match = _FREQUENCY.fullmatch(field)
    fs = float(match["fs"]) if match else math.nan
    low, high = FS_RANGE
    if not low <= fs <= high:
        found = f"{fs:g} Hz" if match else "not a number above 0"
        raise RecordError(f"{path}: the sampling frequency is {found}, expected {low:g} to {high:g} Hz")
    return fs


@lru_cache(maxsize=64)  # most records have all signals in one file
def _is_plain(name: str) -> bool:
    """Whether `name` is a file name without folders."""
    return _PLAIN_NAME.fullmatch(name) is not None


def plain_name(name: str, path: str) -> str:
    """Return `name`; raise `RecordError` unless it is the plain name of a file beside the header `path`."""
    if not _is_plain(name):
        raise RecordError(f"{path}: it names a file elsewhere, expected a plain file name in the folder of the header")
    return name


def _signal_line(line: str, number: int, path: str) -> SignalLine:
    """Parse the line about a signal; `number` counts these lines from 1."""
    match = _SIGNAL.fullmatch(line)
    file, storage, scale, numbers, name = match.groups() if match else ("", "", "", "", "")
    stored, scaled = _storage(storage), _scale(scale or "0")  # `stored` is format, samples per frame, skew and offset
    if stored is None or scaled is None:
        raise RecordError(f"{path}: signal line {number} cannot be understood, expected: file format gain(baseline)/unit ... name")
    gain, baseline, unit = scaled
    if not GAIN_RANGE[0] <= abs(gain) <= GAIN_RANGE[1]:
        low, high = GAIN_RANGE
        raise RecordError(
            f"{path}: signal line {number} has a gain of {gain:g}, expected {low:g} to {high:g} digital units per physical unit"
        )
    if stored[1] == 0:
        raise RecordError(f"{path}: signal line {number} has 0 samples a frame, expected at least 1")
    integers: list[str] = numbers.split() if numbers else []  # resolution, zero, initial value, checksum, block size
    if baseline is None:
        baseline = int(integers[1]) if len(integers) > 1 else 0
    block = int(integers[4]) if len(integers) > 4 else 0
    name = (name or "").strip() or f"signal {number}"
    if unit.lower() in _COUNTS and standard_name(name):  # a gain of 1 means not calibrated; any other is taken for digital units per mV
        gain, unit = DEFAULT_GAIN if gain == 1 else gain, "mV"
    return SignalLine(plain_name(file, path), *stored, gain, baseline, unit, block, name)


# Most signals of a record, and of a data set, have the same storage and scale, so results of the next two functions are cached.
@lru_cache(maxsize=64)
def _storage(field: str) -> tuple[str, int, int, int] | None:
    """Format, samples per frame, skew and offset from "212x2:5+24"; None if the text is not of this form."""
    match = _STORAGE.fullmatch(field)
    return match and (match["format"], int(match["per_frame"] or 1), int(match["skew"] or 0), int(match["offset"] or 0))


@lru_cache(maxsize=256)
def _scale(field: str) -> tuple[float, int | None, str] | None:
    """Gain (WFDB's default for 0), baseline (None if missing) and unit from "200(1024)/mV"; None if the text is not of this form."""
    match = _SCALE.fullmatch(field)
    return match and (float(match["gain"]) or DEFAULT_GAIN, int(match["baseline"]) if match["baseline"] else None, match["unit"] or "mV")


def _multi_segment(lines: list[str], count: int, signals: int, header: Header) -> Header:
    """Complete `header`, which has the values of the first line, with the segments in the other `lines`.

    `count` and `signals` are the numbers of segments and signals in the first line.
    """
    path = header.path
    if count == 0 or len(lines) != count:
        raise RecordError(f"{path}: the record line states {count} segments, but {len(lines)} segment lines follow, expected as many")
    segments = []
    for number, line in enumerate(lines, 1):
        match = _SEGMENT.fullmatch(line)
        if match is None:
            raise RecordError(f"{path}: segment line {number} cannot be understood, expected a record of this folder and its length")
        segments.append(Segment(plain_name(match["name"], path), int(match["samples"])))
    total = sum(segment.samples for segment in segments)
    if header.samples is not None and total != header.samples:
        raise RecordError(f"{path}: its segments have {total} samples together, expected the {header.samples} of the record line")
    return Header(path, header.fs, total, segments=tuple(segments), segment_signals=signals)
