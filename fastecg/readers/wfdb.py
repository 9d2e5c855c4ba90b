"""Read WFDB records: the common formats by NumPy alone, the others by the wfdb package; the conversion to mV is the same for all.

The wfdb package spends most of its time on headers, and allocates as much memory as they claim to need. Here, every length is compared
with the size of its file before anything is allocated.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastecg.errors import RecordError
from fastecg.readers.checked import checked_record
from fastecg.readers.header import Header, SignalLine, file_size, read_bytes, read_header
from fastecg.readers.leads import Lead, choose_leads, millivolts_per
from fastecg.record import Record

#: Largest number of values (leads x samples) where a file's size does not limit them (gaps between segments, FLAC): 1 GiB as float32.
MOST_VALUES = 1 << 28

_GROUPS = 1 << 16  # Groups of three bytes in format 212 that are unpacked at a time, so that intermediate results stay in the cache.


class Coding(NamedTuple):
    """How a format stores samples. Some formats pack several samples into a group of bytes."""

    samples: int  # samples in a group
    bytes: int  # bytes in a group
    invalid: int | None  # digital value that means "nothing recorded"
    dtype: str | None = None  # type as which NumPy reads the file; None if the wfdb package reads it
    zero: int = 0  # stored value of a digital 0


#: The formats of WFDB signal files, except FLAC.
CODINGS = {
    "8": Coding(1, 1, None),
    "16": Coding(1, 2, -(1 << 15), "<i2"),
    "24": Coding(1, 3, -(1 << 23)),
    "32": Coding(1, 4, -(1 << 31), "<i4"),
    "61": Coding(1, 2, -(1 << 15), ">i2"),
    "80": Coding(1, 1, -(1 << 7), "u1", 1 << 7),
    "160": Coding(1, 2, -(1 << 15), "<u2", 1 << 15),
    "212": Coding(2, 3, -(1 << 11), "u1"),
    "310": Coding(3, 4, -(1 << 9)),
    "311": Coding(3, 4, -(1 << 9)),
}

_OTHER = Coding(1, 1, None)  # Stands for FLAC formats, which the wfdb package reads.

#: The formats that are FLAC files, each with the digital value that means "nothing recorded".
FLAC = {"508": -(1 << 7), "516": -(1 << 15), "524": -(1 << 23)}


class Stored(NamedTuple):
    """The digital values of a signal, shape (frames * samples per frame,), and the value that means "nothing recorded".

    The latter is None if the format has no such value, or if it is known not to occur.
    """

    values: np.ndarray
    invalid: int | None


def read_wfdb(path: str | Path) -> Record:
    """Read the WFDB record whose header is `path`.

    If all leads have the same number of samples per frame, all samples are kept, and `fs` is their frequency; otherwise the samples of a
    frame are averaged, and `fs` is the frequency of frames.

    Raises
    ------
    RecordError
        If header or signal files are missing or damaged or contradict each other, or if there is no ECG to draw.
    """
    header = read_header(path)
    path = header.path
    if header.segments:
        return _read_segments(header)
    leads = choose_leads([line.name for line in header.signals], [line.unit for line in header.signals], path)
    digital = _read_digital(header, {lead.channel for lead in leads})
    lines = [header.signals[lead.channel] for lead in leads]
    rate = _common_rate(lines)
    frames = len(digital[leads[0].channel].values) // lines[0].per_frame
    signal = np.empty((len(leads), frames * rate), np.float32)
    _millivolts([digital[lead.channel] for lead in leads], lines, [lead.sign for lead in leads], signal, path)
    return checked_record(path, signal, header.fs * rate, [lead.name for lead in leads])


def told_length(path: str | Path) -> tuple[int, float]:
    """The number of samples of a lead, and the sampling frequency in Hz, of a WFDB record as `read_wfdb` would return it.

    They follow from headers and sizes of files, since reading a day's signal takes seconds.

    Raises
    ------
    RecordError
        As in `read_wfdb`, but only for what is wrong with headers or sizes of files.
    """
    header = read_header(path)
    if header.segments:
        parts = _segment_headers(header)
        _, spelled = _leads_of(header, parts)
        frames, rate = header.samples or 0, _rate_of(parts, spelled)
    else:
        leads = choose_leads([line.name for line in header.signals], [line.unit for line in header.signals], header.path)
        frames, rate = _frames_of(header), _common_rate([header.signals[lead.channel] for lead in leads])
    return frames * rate, header.fs * rate


# --- segments ------------------------------------------------------------------------------------------------------------------


def _read_segments(master: Header) -> Record:
    """The record whose segments are joined in time; NaN where a segment lacks a lead."""
    parts = _segment_headers(master)
    leads, spelled = _leads_of(master, parts)
    frames, rate = master.samples or 0, _rate_of(parts, spelled)
    if frames * rate * len(leads) > MOST_VALUES:
        raise RecordError(f"{master.path}: {len(leads)} leads of {frames * rate} samples, expected at most {MOST_VALUES} values in all")
    signal = np.full((len(leads), frames * rate), np.nan, np.float32)
    for start, header in parts:
        if header.samples:
            _write_segment(signal, start * rate, header, leads, spelled, rate)
    return checked_record(master.path, signal, master.fs * rate, [lead.name for lead in leads])


def _leads_of(master: Header, parts: list[tuple[int, Header]]) -> tuple[list[Lead], list[str]]:
    """The leads of a record of segments, and their names in the headers of the segments."""
    first = parts[0][1]
    leads = choose_leads([line.name for line in first.signals], [line.unit for line in first.signals], master.path)
    return leads, [first.signals[lead.channel].name for lead in leads]


def _rate_of(parts: list[tuple[int, Header]], spelled: list[str]) -> int:
    """Samples per frame of the record: those of its leads if they are the same in all segments, else 1."""
    return _common_rate([line for _, header in parts if header.samples for line in header.signals if line.name in spelled])


def _segment_headers(master: Header) -> list[tuple[int, Header]]:
    """The frame at which each segment begins, and the segment's header; gaps ("~") are left out.

    The leads of the record are those in the first header, which has no samples if the layout is variable, in WFDB's terms.
    """
    parts = []
    start = 0
    for segment in master.segments:
        if segment.name != "~":
            header = read_header(os.path.join(os.path.dirname(master.path), f"{segment.name}.hea"))
            _check_segment(master, header, segment.samples)
            parts.append((start, replace(header, samples=segment.samples)))
        start += segment.samples
    if not any(header.samples for _, header in parts):
        raise RecordError(f"{master.path}: none of its segments has samples, expected at least one")
    if parts[0][1].samples:  # a fixed layout, in WFDB's terms: each segment must have the signals of the first
        names = [line.name for line in parts[0][1].signals]
        other = next((header for _, header in parts if [line.name for line in header.signals] != names), None)
        if other:
            raise RecordError(f"{other.path}: its signals differ from those of the first segment, expected the same in a fixed layout")
    return parts


def _check_segment(master: Header, header: Header, samples: int) -> None:
    """Raise `RecordError` if the header of a segment contradicts `master`, in which the segment has `samples` frames."""
    whole = os.path.basename(master.path)
    if header.segments:
        raise RecordError(f"{header.path}: it is a segment and has segments itself, expected a plain record")
    if header.samples not in (samples, None):
        raise RecordError(f"{header.path}: it has {header.samples} samples, expected the {samples} of {whole}")
    if header.fs != master.fs:
        raise RecordError(f"{header.path}: its frequency is {header.fs:g} Hz, expected the {master.fs:g} Hz of {whole}")


def _write_segment(signal: np.ndarray, start: int, header: Header, leads: list[Lead], spelled: list[str], rate: int) -> None:
    """Write the mV of a segment to `signal` (leads, samples), from sample `start` on, for those leads that it has.

    `spelled` are the names of `leads` in the headers of segments, `rate` is the number of samples per frame in `signal`.
    """
    indices = {line.name: index for index, line in enumerate(header.signals)}
    if not any(name in indices for name in spelled):
        return
    digital = _read_digital(header, {indices[name] for name in spelled if name in indices})
    part = signal[:, start : start + (header.samples or 0) * rate]
    for row, lead, name in zip(part, leads, spelled, strict=True):
        if name in indices:
            index = indices[name]
            _millivolts([digital[index]], [header.signals[index]], [lead.sign], row[None], header.path)


# --- one segment, digital ------------------------------------------------------------------------------------------------------


def _read_digital(header: Header, wanted: set[int]) -> dict[int, Stored]:
    """The signals of a plain header by their number in it: the `wanted` ones, and perhaps others that are in the same files."""
    frames, files = _frames_of(header), _files_of(header)
    digital: dict[int, Stored] = {}
    for_wfdb: list[int] = []
    for indices in files.values():
        lines = [header.signals[index] for index in indices]
        if wanted.isdisjoint(indices):
            continue
        if CODINGS.get(lines[0].format, _OTHER).dtype and not any(line.skew for line in lines):
            digital.update(zip(indices, _read_file(header.path, lines, frames), strict=True))
        else:
            for_wfdb += indices
    if for_wfdb:
        digital.update(zip(for_wfdb, _read_by_wfdb(header, for_wfdb, frames), strict=True))
    return digital


def _files_of(header: Header) -> dict[str, list[int]]:
    """The signal files of a plain header, and the numbers of the signals in each."""
    files: dict[str, list[int]] = {}
    for index, line in enumerate(header.signals):
        files.setdefault(line.file, []).append(index)
    return files


def _frames_of(header: Header) -> int:
    """The number of frames of a plain header, checked against its files."""
    frames = header.samples
    for indices in _files_of(header).values():
        frames = _checked_frames(header.path, [header.signals[index] for index in indices], frames)
    if not frames:
        raise RecordError(f"{header.path}: the record has no samples, expected at least one")
    return frames


def _checked_frames(path: str, lines: list[SignalLine], frames: int | None) -> int:
    """The number of frames of one signal file: `frames` of the header if it states them, which the size of the file must confirm."""
    first = lines[0]
    where = os.path.join(os.path.dirname(path), first.file)
    if first.format not in CODINGS and first.format not in FLAC:
        known = ", ".join([*CODINGS, *FLAC])
        raise RecordError(f"{path}: {_described(first, path)} has the unknown format {first.format}, expected one of {known}")
    if len({(line.format, line.offset) for line in lines}) > 1:
        raise RecordError(f"{path}: the signals of {_described(first, path)} differ in format or offset, expected the same for one file")
    size = file_size(where)
    if size is None:
        raise RecordError(f"{path}: {_described(first, path)} is missing, expected it beside the header")
    stored, is_padded = _frames_of_flac(where, lines) if first.format in FLAC else _frames_of_file(size, lines, frames)
    if frames is None:
        frames = stored
    if not (stored == frames or (stored > frames and is_padded)):
        raise RecordError(f"{path}: {_described(first, path)} holds {stored} samples a signal, expected the {frames} of the header")
    skew = max(line.skew for line in lines)
    if skew and skew >= frames:
        raise RecordError(f"{path}: a signal is skewed by {skew} of {frames} samples, expected less than all")
    return frames


def _described(line: SignalLine, path: str) -> str:
    """What errors call a signal file: by its name only if that is also the record's, because other names in headers may be private."""
    return f"its signal file {line.file}" if Path(line.file).stem.lower() == Path(path).stem.lower() else "a signal file of it"


def _frames_of_file(size: int, lines: list[SignalLine], frames: int | None) -> tuple[int, bool]:
    """The number of frames in a file of `size` bytes, and whether the bytes beyond `frames` only fill up the last group or block."""
    coding = CODINGS[lines[0].format]
    per_frame = sum(line.per_frame for line in lines)
    size = max(0, size - lines[0].offset)
    stored = size * coding.samples // coding.bytes // per_frame
    needed = -(-(frames or 0) * per_frame * coding.bytes // coding.samples)
    return stored, size - needed < max(coding.bytes, *(line.block for line in lines))


def _frames_of_flac(where: str, lines: list[SignalLine]) -> tuple[int, bool]:
    """The number of frames in the FLAC file `where`, and False, because such files are not filled up."""
    import soundfile  # type: ignore[import-untyped]

    folder = os.path.dirname(where)
    try:
        info = soundfile.info(where)
    except (RuntimeError, OSError):
        raise RecordError(f"{folder}: a signal file is no FLAC file, expected one for format {lines[0].format}") from None
    if info.format != "FLAC" or info.channels != len(lines):
        raise RecordError(f"{folder}: a signal file is {info.format} with {info.channels} channels, expected FLAC with {len(lines)}")
    if info.frames * info.channels > MOST_VALUES:
        raise RecordError(f"{folder}: a signal file claims {info.frames} samples a channel, expected at most {MOST_VALUES} in all")
    return max(0, info.frames - lines[0].offset) // lines[0].per_frame, False


def _read_file(path: str, lines: list[SignalLine], frames: int) -> list[Stored]:
    """All signals of one file in a format that NumPy reads."""
    coding = CODINGS[lines[0].format]
    where = os.path.join(os.path.dirname(path), lines[0].file)
    width = sum(line.per_frame for line in lines)  # samples of all signals in a frame
    count = frames * width
    length = -(-count * coding.bytes // coding.samples) if coding.samples > 1 else count  # of the array: packed samples are read as bytes
    dtype = np.dtype(coding.dtype)
    try:
        stored = np.frombuffer(read_bytes(where, lines[0].offset, length * dtype.itemsize), dtype)
    except OSError as fault:
        raise RecordError(f"{path}: a signal file cannot be read ({fault.strerror}), expected {count} samples") from None
    if len(stored) != length:
        raise RecordError(f"{path}: a signal file ended while it was read, expected {count} samples")
    if coding.samples > 1:
        stored = unpack_212(stored, count)
    elif coding.zero:
        stored = stored.astype(np.int32) - coding.zero
    # The formats that NumPy reads mark missing samples by their lowest value, so if the file's minimum is larger, nothing is missing.
    invalid = coding.invalid if stored.min() == coding.invalid else None
    table = stored.reshape(frames, width)
    if width == len(lines):
        return [Stored(values, invalid) for values in np.ascontiguousarray(table.T)]
    edges = accumulate((line.per_frame for line in lines), initial=0)
    return [Stored(table[:, first:last].reshape(-1), invalid) for first, last in pairwise(edges)]


def unpack_212(packed: np.ndarray, count: int) -> np.ndarray:
    """Unpack `count` samples from format 212, which puts two 12-bit samples into three bytes.

    The second byte has the upper 4 bits of both samples: its lower half those of the first, its upper half those of the second.

    Parameters
    ----------
    packed : ndarray, shape (ceil(1.5 * count),), uint8
    count : int

    Returns
    -------
    ndarray, shape (count,), int16
    """
    groups = -(-len(packed) // 3)
    padded = np.append(packed, np.zeros(-len(packed) % 3, np.uint8)) if len(packed) % 3 else packed
    samples = np.empty((groups, 2), np.int16)
    for start in range(0, groups, _GROUPS):
        stop = min(start + _GROUPS, groups)
        # The first sample is the lower 12 bits of two bytes, low byte first. They are shifted to the top and back, because the shift to the
        # right extends the sign.
        first = np.ndarray(stop - start, "<i2", padded, 3 * start, (3,)).astype(np.int16)
        first <<= 4
        first >>= 4
        samples[start:stop, 0] = first
        # With the high byte first, the upper 4 bits of the second sample lie at the top, and its lower 8 bits at the bottom.
        second = np.ndarray(stop - start, ">i2", padded, 3 * start + 1, (3,)).astype(np.int16)
        low_byte = second & 0xFF
        second >>= 12
        second <<= 8
        second |= low_byte
        samples[start:stop, 1] = second
    return samples.reshape(-1)[:count]


def _read_by_wfdb(header: Header, indices: list[int], frames: int) -> list[Stored]:
    """Signals in any format that the wfdb package reads. The header has been checked, so wfdb opens no file outside its folder."""
    import wfdb

    try:
        record: Any = wfdb.rdrecord(os.path.splitext(header.path)[0], channels=indices, physical=False, smooth_frames=False)
        digital = list(record.e_d_signal)
    except Exception as fault:  # wfdb may raise anything; its message is not passed on, because it may quote the header
        raise RecordError(f"{header.path}: wfdb fails to read it ({type(fault).__name__}), expected signals as in the header") from None
    if [len(values) for values in digital] != [frames * header.signals[index].per_frame for index in indices]:
        raise RecordError(f"{header.path}: wfdb reads another number of samples than the header states, expected {frames} a signal")
    return [Stored(values, _invalid(header.signals[index])) for index, values in zip(indices, digital, strict=True)]


# --- digital to mV -------------------------------------------------------------------------------------------------------------


def _common_rate(lines: list[SignalLine]) -> int:
    """The number of samples per frame if it is the same in all `lines`, or else 1."""
    rates = {line.per_frame for line in lines}
    return rates.pop() if len(rates) == 1 else 1


def _millivolts(stored: list[Stored], lines: list[SignalLine], signs: list[int], out: np.ndarray, path: str) -> None:
    """Write mV to `out` (signals, samples), float32, NaN where nothing was recorded. `signs` are 1 or -1.

    If a signal has more samples than a row of `out`, those of a frame are averaged.

    The result is that of ``(digital - baseline) / gain * factor`` in float64, rounded to float32 at the end, where `factor` is the number
    of mV in the signal's unit, times its sign.
    """
    factors = [sign * _millivolts_per_unit(line, path) for sign, line in zip(signs, lines, strict=True)]
    if _exact_in_float32(stored, lines, factors, out.shape[1]):
        _divide(stored, lines, out)
    else:
        for row, signal, line, factor in zip(out, stored, lines, factors, strict=True):
            row[:] = _scaled(signal, line, factor, len(row))


def _millivolts_per_unit(line: SignalLine, path: str) -> float:
    """The number of mV in the unit of a signal."""
    unit = millivolts_per(line.unit)
    if unit is None:
        raise RecordError(f"{path}: a lead is a voltage only in other segments, expected mV, uV or V in all")
    return unit


def _exact_in_float32(stored: list[Stored], lines: list[SignalLine], factors: list[float], samples: int) -> bool:
    """Whether `_divide`, in float32, gives the same bits as `_scaled`, in float64.

    It does if nothing is averaged, all factors are 1, and the gain and every difference from the baseline are exact in float32.
    Division is rounded correctly, and rounding the quotient of such numbers to 53 bits and then to 24 gives the same as rounding it to 24
    bits at once.
    """
    gains, baselines = {line.gain for line in lines}, {line.baseline for line in lines}
    return (
        factors == [1.0] * len(factors)
        and all(len(signal.values) == samples and signal.values.itemsize <= 2 for signal in stored)
        and all(float(np.float32(gain)) == gain for gain in gains)
        and max(map(abs, baselines)) < 1 << 23
    )


def _divide(stored: list[Stored], lines: list[SignalLine], out: np.ndarray) -> None:
    """Write mV of all signals to `out` in float32, which moves half as many bytes as float64."""
    for row, (digital, _) in zip(out, stored, strict=True):
        row[:] = digital
    baselines, gains = [line.baseline for line in lines], [line.gain for line in lines]
    if any(baselines):
        out -= np.array(baselines, np.float32)[:, None]
    out /= np.array(gains, np.float32)[:, None]
    for row, (digital, invalid) in zip(out, stored, strict=True):
        if invalid is not None:
            row[digital == invalid] = np.nan


def _scaled(stored: Stored, line: SignalLine, factor: float, samples: int) -> np.ndarray:
    """One signal in mV, float64, shape (samples,). `factor` is the number of mV in its unit, negative if it is upside down."""
    digital, invalid = stored
    values = digital.astype(np.float64)
    values -= line.baseline
    values /= line.gain
    values *= factor
    if invalid is not None:
        values[digital == invalid] = np.nan
    return values if len(values) == samples else _mean_of_frames(values, line.per_frame)


def _invalid(line: SignalLine) -> int | None:
    """The digital value that means "nothing recorded" in the format of a signal."""
    return FLAC[line.format] if line.format in FLAC else CODINGS[line.format].invalid


def _mean_of_frames(values: np.ndarray, per_frame: int) -> np.ndarray:
    """One value for each frame: the mean of the recorded samples, NaN if there are none."""
    frames = values.reshape(-1, per_frame)
    recorded = ~np.isnan(frames)
    with np.errstate(invalid="ignore"):
        return np.sum(frames, axis=1, where=recorded) / recorded.sum(axis=1)
