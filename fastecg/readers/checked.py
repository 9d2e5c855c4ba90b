"""The last check of every reader: a valid `Record` with something to draw, or an error that names the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastecg.errors import RecordError
from fastecg.readers.header import FS_RANGE
from fastecg.record import Record


def checked_record(path: str | Path, signal: np.ndarray, fs: float, leads: Sequence[str], member: str = "") -> Record:
    """Make a `Record` named after the file it came from.

    A flat lead beside others that vary is kept, because its electrode may have fallen off; a record of nothing but flat leads is refused.

    Parameters
    ----------
    path : str or Path
        The file; its stem names the record.
    signal : ndarray, shape (leads, samples)
        mV, NaN in gaps.
    fs : float
        Hz.
    leads : sequence of str
    member : str
        Number of the record in a file of several, in digits, which ends the record's name; empty for any other file.

    Returns
    -------
    Record
        Its samples are read-only.

    Raises
    ------
    RecordError
        If `Record` does not accept the values, if every sample is NaN, or if every lead is constant.
    """
    file = os.path.basename(path)
    name = os.path.splitext(file)[0] + (f"_{member}" if member else "")
    try:
        record = Record(signal, fs, leads, name, f"{file}#{int(member)}" if member else file)
    except RecordError as fault:
        raise RecordError(f"{path}: {str(fault).removeprefix(name + ': ')}") from None
    if not any(_varies(lead) for lead in record.signal):
        if np.isnan(np.fmax.reduce(record.signal, axis=None)):
            raise RecordError(f"{path}: every sample is missing (NaN), expected some signal")
        raise RecordError(f"{path}: every lead is constant, expected a signal that varies")
    record.signal.flags.writeable = False
    return record


def _varies(lead: np.ndarray) -> bool:
    """Whether the samples of a lead differ, apart from NaN."""
    return bool(np.fmin.reduce(lead) < np.fmax.reduce(lead))


def check_frequency(fs: float, path: Path) -> None:
    """Raise `RecordError` unless the sampling frequency `fs`, in Hz, is within `FS_RANGE`."""
    low, high = FS_RANGE
    if not low <= fs <= high:
        raise RecordError(f"{path}: the sampling frequency is {fs:g} Hz, expected {low:g} to {high:g} Hz")
