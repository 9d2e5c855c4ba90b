"""Records in: WFDB of every format, CSV and NumPy files, brought to millivolts and standard lead names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fastecg.readers.sources import Source, find_records, record_path, sample_records
from fastecg.readers.tables import read_csv, read_numpy
from fastecg.readers.wfdb import read_wfdb
from fastecg.record import Record

__all__ = ["Source", "find_records", "read_csv", "read_numpy", "read_record", "read_wfdb", "sample_records"]


def read_record(path: str | os.PathLike[str], fs: float | None = None, leads: Sequence[str] | None = None) -> Record:
    """Read one record.

    Parameters
    ----------
    path : str or Path
        A WFDB record (with or without ``.hea``), a ``.csv``, ``.npy`` or ``.npz`` file, EDF or BDF (extra "edf"), DICOM (``.dcm``,
        extra "dicom"), SCP-ECG (``.scp``, extra "scp"), or ``.xml`` of GE MUSE or HL7 aECG.
    fs : float, optional
        Hz, for tables that do not tell it. A WFDB header always does.
    leads : sequence of str, optional
        Lead names, for arrays that have none.

    Returns
    -------
    Record
        The ECG leads in mV under their standard names, the standard twelve first. Comments, dates and times are left behind.

    Raises
    ------
    RecordError
        If the file is missing, damaged, or holds no ECG.

    Examples
    --------
    >>> import fastecg, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> fastecg.write_record(f"{folder}/00001_hr", fastecg.simulate(seed=1))
    >>> fastecg.read_record(f"{folder}/00001_hr")
    Record('00001_hr', 12 leads, 5000 samples at 500 Hz, 10 s)
    """
    file = record_path(path)
    match os.path.splitext(file)[1].lower():
        case ".csv":
            return read_csv(Path(file), fs)
        case ".npy" | ".npz":
            return read_numpy(Path(file), fs, leads)
        case ".edf" | ".bdf" | ".dcm" | ".scp" | ".xml":
            from fastecg.readers.extras import read_extra

            return read_extra(Path(file))
        case _:
            return read_wfdb(file)
