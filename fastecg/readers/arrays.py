"""Records in NumPy files, ``.npy`` and ``.npz``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastecg.errors import RecordError
from fastecg.readers.checked import check_frequency, checked_record
from fastecg.readers.leads import choose_leads, millivolts_per
from fastecg.readers.wfdb import MOST_VALUES
from fastecg.record import LEADS, Record

_MOST_BYTES = 1 << 29  # Largest size of an archive after unpacking, bytes.


def read_numpy(
    path: Path, fs: float | None = None, leads: Sequence[str] | None = None, unit: str | None = None, member: int | None = None
) -> Record:
    """Read a record from an array of shape (leads, samples) or (samples, leads); the shorter axis is taken for the leads.

    An ``.npz`` file has the signal in an array called ``signal``, or in its only array of two or three dimensions. It may have the sampling
    frequency in Hz in an array called ``fs``, and lead names in one called ``leads``.

    Parameters
    ----------
    path : Path
    fs : float, optional
        Sampling frequency in Hz, instead of that in the file.
    leads : sequence of str, optional
        Names of the leads, instead of those in the file. Twelve leads without names are taken to be I, II, III, aVR, aVL, aVF and V1 to V6.
    unit : str, optional
        Unit of the values, mV unless given.
    member : int, optional
        Number of the record in an array (records, leads, samples), from 0. It may be left out if there is only one.

    Raises
    ------
    RecordError
        If the file has no such array, or neither the file nor a parameter gives the sampling frequency or the leads.
    """
    try:
        signal, own_fs, own_leads = _load(path)
    except RecordError:
        raise
    except Exception as fault:  # A damaged file may make NumPy, zipfile, zlib or tokenize raise anything.
        raise RecordError(
            f"{path}: no array of numbers can be read from it ({type(fault).__name__}), expected an array of shape (leads, samples)"
        ) from None
    factor = millivolts_per(unit or "mV")
    if factor is None:
        raise RecordError(f"{path}: the unit {unit!r} is not a voltage, expected mV, uV or V")
    if member is not None and signal.ndim != 3:
        raise RecordError(
            f"{path}: it has no record {member}, because its array has the shape {signal.shape}, "
            f"expected (records, leads, samples), or {path.name} without #{member}"
        )
    # Zeros in front make all numbers of a file equally long, so that names are sorted like numbers.
    number = "" if member is None else f"{member:0{len(str(len(signal)))}}"
    if signal.ndim == 3 and (member is not None or len(signal) == 1):
        if not 0 <= (member or 0) < len(signal):
            raise RecordError(f"{path}: it has no record {member}, expected 0 to {len(signal) - 1}")
        signal = signal[member or 0]
    elif signal.ndim == 3:
        raise RecordError(f"{path}: it holds {len(signal)} records, expected the number of one after its name, as in {path.name}#0")
    fs = own_fs if fs is None else fs
    names = own_leads if leads is None else list(leads)
    if signal.ndim != 2 or 0 in signal.shape or signal.dtype.kind not in "iuf":
        raise RecordError(
            f"{path}: its array has the type {signal.dtype} and the shape {signal.shape}, expected numbers of shape (leads, samples)"
        )
    if fs is None:
        raise RecordError(f"{path}: it does not state its sampling frequency, expected fs= or --fs")
    check_frequency(fs, path)
    if signal.size > MOST_VALUES:
        raise RecordError(f"{path}: its array holds {signal.size} values, expected at most {MOST_VALUES}")
    if signal.shape[0] > signal.shape[1]:
        signal = signal.T
    if names is None and len(signal) == len(LEADS):
        names = list(LEADS)
    if names is None or len(names) != len(signal):
        raise RecordError(
            f"{path}: there are {len(names or [])} names for its {len(signal)} leads, expected one name for each, by leads= or --leads"
        )
    chosen = choose_leads(names, ["mV"] * len(names), path)
    rows = np.empty((len(chosen), signal.shape[1]), np.float32)
    with np.errstate(over="ignore"):  # Values that float32 cannot hold become infinite, and are refused.
        for row, lead in zip(rows, chosen, strict=True):
            np.multiply(signal[lead.channel], lead.sign * factor, out=row, casting="unsafe", dtype=np.float64)
    return checked_record(path, rows, fs, [lead.name for lead in chosen], number)


def _load(path: Path) -> tuple[np.ndarray, float | None, list[str] | None]:
    """The array with the signal, and the sampling frequency (Hz) and the lead names in the file; None for either if the file has none."""
    if path.suffix.lower() == ".npy":
        # The file is mapped, so that a header with a false shape allocates nothing.
        return np.load(path, mmap_mode="r", allow_pickle=False), None, None
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        _check_sizes(path, arrays)
        fs = arrays.get("fs")
        if fs is not None and (fs.size != 1 or fs.dtype.kind not in "iuf"):
            raise RecordError(f"{path}: its fs has the type {fs.dtype} and the shape {fs.shape}, expected one number, in Hz")
        leads = arrays.get("leads")
        if leads is not None and (leads.ndim != 1 or leads.dtype.kind not in "US"):
            raise RecordError(f"{path}: its leads have the type {leads.dtype} and the shape {leads.shape}, expected a list of names")
        return (
            arrays[_signal_of(path, arrays)],
            None if fs is None else float(fs.item()),
            None if leads is None else leads.astype(str).tolist(),
        )


def _signal_of(path: Path, arrays: Any) -> str:
    """The name of the array that holds the signal: "signal", or the only one of two or three dimensions."""
    names = [name for name in arrays.files if name not in ("fs", "leads")]
    if "signal" in names:
        return "signal"
    possible = [name for name in names if arrays[name].ndim in (2, 3)]
    if len(possible) != 1:
        raise RecordError(
            f"{path}: {len(possible)} of its arrays may be the signal, expected one called 'signal', or only one of shape (leads, samples)"
        )
    return possible[0]


def members_of(path: Path) -> int | None:
    """The number of records in a ``.npy`` or ``.npz`` file of shape (records, leads, samples) if there are several, else None."""
    try:
        signal, _, _ = _load(path)
    except Exception:  # `read_numpy` will say what is wrong.
        return None
    return len(signal) if signal.ndim == 3 and len(signal) > 1 else None


def _check_sizes(path: Path, arrays: Any) -> None:
    """Raise `RecordError` if the archive would unpack to too many bytes: an archive of 1 MB may hold 1,000 MB of zeros."""
    size = sum(entry.file_size for entry in arrays.zip.infolist())
    if size > _MOST_BYTES:
        raise RecordError(f"{path}: it unpacks to {size} bytes, expected at most {_MOST_BYTES >> 20} MiB")
