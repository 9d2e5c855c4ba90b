"""Read records from WFDB files, tables, NumPy files and formats of hospitals, in millivolts under standard lead names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fastecg.readers.arrays import read_numpy
from fastecg.readers.sources import Source, find_records, parted, record_path, sample_records
from fastecg.readers.tables import read_csv
from fastecg.readers.wfdb import read_wfdb
from fastecg.record import Record

__all__ = ["Source", "find_records", "read_csv", "read_numpy", "read_record", "read_wfdb", "sample_records"]


def read_record(
    path: str | os.PathLike[str], fs: float | None = None, leads: Sequence[str] | None = None, unit: str | None = None
) -> Record:
    """Read one record.

    Parameters
    ----------
    path : str or Path
        A WFDB record (with or without ``.hea``), a table (``.csv``, ``.tsv``, ``.txt``), a NumPy file (``.npy``, ``.npz``), EDF or BDF
        (extra "edf"), DICOM (``.dcm``, extra "dicom"), SCP-ECG (``.scp``, extra "scp"), or ``.xml`` of GE MUSE or HL7 aECG. Of an array
        (records, leads, samples), ``many.npy#7`` is record 7, counted from 0.
    fs : float, optional
        Sampling frequency in Hz, for tables and arrays that have none, or instead of theirs. For all other formats, `fs`, `leads` and
        `unit` are ignored.
    leads : sequence of str, optional
        Names of the leads, for tables and arrays that have none, or instead of theirs.
    unit : str, optional
        "mV", "uV" or "V", for tables and arrays that have no unit, or instead of theirs; mV unless given.

    Returns
    -------
    Record
        The ECG leads in mV under their standard names, the standard twelve first, without comments, dates and times. Leads whose names
        are not known are called ECG1, ECG2, …

    Raises
    ------
    RecordError
        If the file is missing, damaged, or holds no ECG, if the extra for its format is not installed, or if neither the file nor a
        parameter gives the sampling frequency or the leads.

    Examples
    --------
    >>> import fastecg, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> fastecg.write_record(f"{folder}/00001_hr", fastecg.simulate(seed=1))
    >>> fastecg.read_record(f"{folder}/00001_hr")
    Record('00001_hr', 12 leads, 5000 samples at 500 Hz, 10 s)
    """
    file, member = parted(record_path(path))
    match os.path.splitext(file)[1].lower():
        case ".csv" | ".tsv" | ".txt":
            return read_csv(Path(file), fs, leads, unit)
        case ".npy" | ".npz":
            return read_numpy(Path(file), fs, leads, unit, member)
        case ".edf" | ".bdf" | ".dcm" | ".scp" | ".xml":
            from fastecg.readers.extras import read_extra

            return read_extra(Path(file))
        case _:
            return read_wfdb(file)
