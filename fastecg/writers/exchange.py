"""Write records as CSV, NumPy, MATLAB, EDF and HL7 aECG files, without dates or anything else about a patient."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from fastecg.errors import FastecgError
from fastecg.kernels.runs import runs_of
from fastecg.record import Record
from fastecg.writers.image import write_atomic

_UV_PER_MV = 1000.0
_LARGEST = 32767  # Largest 16-bit integer.
_MAT_TEXT = 116  # Length of the text with which a MATLAB file begins, bytes.


def write_exchange(path: str | os.PathLike[str], record: Record) -> None:
    """Write a record in the one of `FORMATS` that has the suffix of `path`; `FastecgError` if none has it."""
    kind = next((kind for kind, (suffix, _) in FORMATS.items() if Path(path).name.endswith((suffix, suffix[suffix.rfind(".") :]))), None)
    if kind is None:
        raise FastecgError(f"{path}: no format of records has this suffix, expected .csv, .npz, .mat, .edf or .xml")
    write_atomic(path, FORMATS[kind][1](record))


def _csv(record: Record) -> bytes:
    """CSV: one row for each sample, with the time in s, then the leads in mV, to four decimals; empty cells where samples are missing."""
    file = io.StringIO()
    file.write(",".join(["time", *(f"{lead} (mV)" for lead in record.leads)]) + "\n")
    for k, row in enumerate(record.signal.T.tolist()):
        # Only NaN is unequal to itself, so this tests for it.
        file.write(",".join([f"{k / record.fs:.9g}", *("" if value != value else f"{value:.4f}" for value in row)]) + "\n")
    return file.getvalue().encode()


def _npz(record: Record) -> bytes:
    """NumPy: `signal` (leads, samples) in mV, `fs` in Hz, and the names `leads`, as `fastecg.read_record` reads them."""
    file = io.BytesIO()
    np.savez(file, signal=record.signal, fs=record.fs, leads=np.array(record.leads))
    return file.getvalue()


def _mat(record: Record) -> bytes:
    """MATLAB 5: `signal`, `fs` and `leads` as in `_npz`. The text at the file's start is replaced, because SciPy writes the date there."""
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, {"signal": record.signal, "fs": record.fs, "leads": np.array(record.leads, dtype=object)}, do_compression=True)
    return b"MATLAB 5.0 MAT-file, written by fastecg".ljust(_MAT_TEXT) + file.getvalue()[_MAT_TEXT:]


def _edf(record: Record) -> bytes:
    """EDF: 16-bit counts of a whole number of µV. The digital minimum means a missing sample, as the transducer field says."""
    try:
        import edfio
    except ImportError:
        raise FastecgError("EDF needs edfio, expected `pip install 'fastecg[edf]'` to have been run") from None
    from fastecg.readers.extras import MISSING

    seconds, signals = _data_record_s(record), []
    # Missing samples that fill up the last data record.
    filling = np.full(-record.samples % round(seconds * record.fs), -_LARGEST - 1, dtype=np.int16)
    for lead, row in zip(record.leads, record.signal.astype(np.float64) * _UV_PER_MV, strict=True):
        # Largest voltage, µV; at least 1, for leads without samples. A count is 1 µV if this voltage fits 16 bits.
        reach = max(float(np.nanmax(np.abs(row))) if np.isfinite(row).any() else 0.0, 1.0)
        scale = max(1.0, np.ceil(reach / _LARGEST))  # µV per count
        counts = np.where(np.isfinite(row), np.rint(np.nan_to_num(row) / scale), -_LARGEST - 1).astype(np.int16)
        signals.append(
            edfio.EdfSignal.from_digital(
                np.concatenate([counts, filling]),
                record.fs,
                label=f"ECG {lead}"[:16],
                transducer_type=MISSING,
                physical_dimension="uV",
                physical_range=(float(-scale * (_LARGEST + 1)), float(scale * _LARGEST)),
                digital_range=(-_LARGEST - 1, _LARGEST),
            )
        )
    file = io.BytesIO()
    edfio.Edf(signals, data_record_duration=seconds).write(file)
    return file.getvalue()


def _data_record_s(record: Record) -> int:
    """The duration in s of a "data record" of EDF, which has a whole number of samples.

    The duration is a whole number itself, because most fractions do not fit the field of 8 characters in which it is written.
    """
    for seconds in range(1, 101):
        if abs(record.fs * seconds - round(record.fs * seconds)) < 1e-6 * seconds:
            return seconds
    raise FastecgError(
        f"{record.name}: EDF cannot hold {record.fs:g} Hz, expected a whole number of samples in some number of seconds up to 100"
    )


def _aecg(record: Record) -> bytes:
    """HL7 aECG: leads whose samples begin and end at the same times share a sequence set; a lead with gaps is in several sets."""
    stretches: dict[tuple[int, int], list[int]] = {}  # (start, stop) of samples without a gap -> indices of the leads
    for k, row in enumerate(record.signal):
        for start, stop in runs_of(np.isfinite(row)).tolist():
            stretches.setdefault((start, stop), []).append(k)
    sets = "".join(_sequence_set(record, *span, stretches[span]) for span in sorted(stretches))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        '<code code="93000" codeSystem="2.16.840.1.113883.6.12"/>\n<component><series>\n'
        f'<code code="RHYTHM" codeSystem="2.16.840.1.113883.5.4"/>\n{sets}</series></component></AnnotatedECG>\n'
    ).encode()


def _sequence_set(record: Record, start: int, stop: int, rows: list[int]) -> str:
    """The element with samples `start` to `stop` (exclusive) of the leads numbered `rows`, and their times from the start of the record."""
    head = f'<head value="{start / record.fs:.9g}" unit="s"/><increment value="{1 / record.fs:.12g}" unit="s"/>'
    time = (
        '<component><sequence><code code="TIME_RELATIVE" codeSystem="2.16.840.1.113883.5.4"/>'
        f'<value xsi:type="GLIST_PQ">{head}</value></sequence></component>\n'
    )
    leads = ""
    for k in rows:
        digits = " ".join(map(str, np.rint(record.signal[k, start:stop].astype(np.float64) * _UV_PER_MV).astype(int).tolist()))
        code = quoteattr(f"MDC_ECG_LEAD_{record.leads[k]}")
        leads += (
            f'<component><sequence><code code={code} codeSystem="2.16.840.1.113883.6.24"/><value xsi:type="SLIST_PQ">'
            f'<origin value="0" unit="uV"/><scale value="1" unit="uV"/><digits>{digits}</digits></value></sequence></component>\n'
        )
    return f"<component><sequenceSet>\n{time}{leads}</sequenceSet></component>\n"


#: Name of a format -> suffix of its files, and the function that makes their bytes.
FORMATS: dict[str, tuple[str, Callable[[Record], bytes]]] = {
    "csv": (".csv", _csv),
    "npz": (".npz", _npz),
    "mat": (".mat", _mat),
    "edf": (".edf", _edf),
    "aecg": (".aecg.xml", _aecg),
}
