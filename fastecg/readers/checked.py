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

    A single flat lead is a finding (an electrode fell off) and is kept; a record in which all leads are flat is refused.

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
        Number of the record in a file of several.

    Raises
    ------
    RecordError
        If `Record` refuses, if every sample is NaN, or if every lead is constant.
    """
    file = os.path.basename(path)
    name = os.path.splitext(file)[0] + (f"_{member}" if member else "")
    try:
        record = Record(signal, fs, leads, name, f"{file}#{int(member)}" if member else file)
    except RecordError as fault:
        raise RecordError(f"{path}: {str(fault).removeprefix(name + ': ')}") from None
    if not any(_moves(lead) for lead in record.signal):
        if np.isnan(np.fmax.reduce(record.signal, axis=None)):
            raise RecordError(f"{path}: every sample is missing (NaN), expected some signal")
        raise RecordError(f"{path}: every lead is constant, expected a signal that varies")
    record.signal.flags.writeable = False
    return record


def _moves(lead: np.ndarray) -> bool:
    return bool(np.fmin.reduce(lead) < np.fmax.reduce(lead))


def check_frequency(fs: float, path: Path) -> None:
    """Raise unless a sampling frequency is one that records have."""
    low, high = FS_RANGE
    if not low <= fs <= high:
        raise RecordError(f"{path}: the sampling frequency is {fs:g} Hz, expected {low:g} to {high:g} Hz")
