"""Write WFDB records: format 16, in mV, without dates, and without comments other than given ones.

`wfdb.wrsamp` is not used because it takes twenty times as long. Format: WFDB Applications Guide, header(5) and signal(5).
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fastecg.errors import RecordError
from fastecg.record import Record
from fastecg.writers.image import write_atomic

_MISSING = -32768  # The value of a missing sample in format 16.
_LARGEST = 32767  # Largest count of format 16.
_LONGEST_NAME = 150  # Longest name in bytes: file systems take 255, of which suffixes, temporary names and the like need some.
_SPAN = 1 << 18  # Samples that are digitised at a time.
_COUNTS_PER_MV = 1000.0  # One count is 1 µV, well below the noise of an ECG.


def write_record(path: str | os.PathLike[str], record: Record, *, drawn: np.ndarray | None = None, comments: Sequence[str] = ()) -> None:
    """Write `record` as ``<path>.hea`` and ``<path>.dat``.

    Parameters
    ----------
    path : path
        Path of the files without suffix. Its last part is the record's name: letters of any script, digits, ``_`` and ``-`` only. Names in
        WFDB headers are ASCII, so there, and in the name of the ``.dat`` file, other letters are encoded as by `ascii_name`.
    record : Record
        Leads within ±32.7 mV, or within any other range 65 mV wide, are rounded to 1 µV; leads with a wider range to coarser steps.
    drawn : ndarray of bool, shape (leads, samples), optional
        False where a sample was not drawn; such samples are written as missing.
    comments : sequence of str
        Lines for the end of the header, without their ``#``.

    Raises
    ------
    RecordError
        If the name is not valid, or `drawn` does not fit the record.

    Examples
    --------
    >>> import fastecg, os, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> fastecg.write_record(f"{folder}/me", fastecg.simulate(seed=1))
    >>> sorted(os.listdir(folder))
    ['me.dat', 'me.hea']
    """
    target = Path(path)
    if not target.name or not all(is_letter(character) for character in target.name):
        raise RecordError(f"{target.name}: no name for a WFDB record, expected letters, digits, _ and - only")
    if drawn is not None and drawn.shape != record.signal.shape:
        raise RecordError(f"{target.name}: drawn has shape {drawn.shape}, expected {record.signal.shape}")
    counts, gains, baselines = _digitised(record.signal, drawn)
    name = ascii_name(target.name)
    write_atomic(target.with_name(name + ".dat"), counts.data.cast("B"))
    write_atomic(target.with_name(target.name + ".hea"), _header(name, record, counts, gains, baselines, comments).encode("utf-8"))


def write_empty_header(path: Path, fs: float) -> None:
    """Write ``<path>.hea`` of a record without signals, which stands for a record that could not be digitised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path.with_name(path.name + ".hea"), f"{ascii_name(path.name)} 0 {fs:g} 0\n".encode())


def is_letter(character: str) -> bool:
    """Whether a character may be in a record's name: letters and digits of any script with their marks, ``_`` and ``-``."""
    return character.isalnum() or character in "_-" or unicodedata.category(character).startswith("M")


def safe_name(name: str) -> str:
    """`name` as a valid name of files and records: runs of characters that `is_letter` refuses become ``_``; long names get a hash."""
    kept = "".join(character if is_letter(character) else " " for character in unicodedata.normalize("NFC", name))
    kept = re.sub(" +", "_", kept) or "_"
    if len(kept.encode()) <= _LONGEST_NAME and len(kept.encode("punycode")) <= _LONGEST_NAME:
        return kept
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    return kept.encode()[: _LONGEST_NAME // 3].decode("utf-8", "ignore") + "_" + digest


def ascii_name(name: str) -> str:
    """The name of a record in its header: the same name, or its Punycode (RFC 3492) if it is not ASCII.

    >>> ascii_name("page-1"), ascii_name("Ärzte"), ascii_name("中国")
    ('page-1', 'rzte-koa', 'fiqs8s')
    """
    return name if name.isascii() else name.encode("punycode").decode("ascii")


def _digitised(signal: np.ndarray, drawn: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts (samples, leads) int16, and the gain (counts per mV) and the baseline (count at 0 mV) of every lead."""
    low = high = np.full(len(signal), np.nan)
    for _, values in _spans(signal, drawn):
        least, most = _extremes(values)
        low, high = np.fmin(low, least), np.fmax(high, most)
    gains, baselines = _scales(np.nan_to_num(low), np.nan_to_num(high))
    counts = np.empty(signal.shape[::-1], dtype="<i2")
    for span, values in _spans(signal, drawn):
        scaled = values.astype(np.float64)
        scaled *= gains[:, None]
        scaled += baselines[:, None]
        missing = np.isnan(scaled)
        np.rint(scaled, out=scaled)
        scaled[missing] = _MISSING
        counts[span] = scaled.astype("<i2").T
    return counts, gains, baselines


def _extremes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest value of each row that is not NaN; NaN if there is none."""
    least, most = values.min(axis=1), values.max(axis=1)
    # A search that ignores NaN takes ten times as long, so it is made only if there is any NaN.
    return (np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)) if np.isnan(least).any() else (least, most)


def _spans(signal: np.ndarray, drawn: np.ndarray | None) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices of `_SPAN` samples, each with its values (leads, samples), NaN where not drawn. Long records then take little memory."""
    for start in range(0, signal.shape[1], _SPAN):
        span = slice(start, start + _SPAN)
        values = signal[:, span]
        yield span, values if drawn is None else np.where(drawn[:, span], values, np.float32(np.nan))


def _scales(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gain (counts per mV) and baseline (count at 0 mV) of leads with values from `low` to `high` mV.

    A count is 1 µV for leads whose range fits into 16 bits then. The baseline is 0 for leads whose values fit without a shift.
    """
    centre = np.where(np.maximum(-low, high) * _COUNTS_PER_MV > _LARGEST, (low + high) / 2, 0.0)
    reach = np.maximum(high - centre, centre - low)
    # One count is kept free at either end for the rounding of the baseline.
    gains = np.minimum(_COUNTS_PER_MV, (_LARGEST - 1) / np.maximum(reach, 1e-9))
    # Rounded to the digits that the header has, after a small reduction, because larger gains could make counts too large.
    gains = np.where(gains < _COUNTS_PER_MV, [float(f"{gain:.7g}") for gain in gains * (1 - 1e-6)], gains)
    return gains, np.rint(-centre * gains)


def _header(name: str, record: Record, counts: np.ndarray, gains: np.ndarray, baselines: np.ndarray, comments: Sequence[str]) -> str:
    """The text of the ``.hea`` file."""
    checksums = counts.sum(axis=0, dtype=np.int16)  # the sum modulo 65536, as the format defines it
    lines = [f"{name} {len(record.leads)} {record.fs:.12g} {record.samples}"]
    for lead, first, gain, baseline, checksum in zip(record.leads, counts[0], gains, baselines, checksums, strict=True):
        # File, format, gain, baseline and unit, bits and zero of the converter, first count, checksum, and the name of the lead.
        lines.append(f"{name}.dat 16 {gain:.7g}({int(baseline)})/mV 16 0 {first} {checksum} {lead}")
    return "\n".join([*lines, *(f"#{comment}" for comment in comments)]) + "\n"
