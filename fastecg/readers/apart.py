"""Large files in formats that libraries read, in a process of its own: some take hours and any memory; only a process can be stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fastecg.errors import RecordError

#: Names, units and signals of the leads, and Hz.
Signals = tuple[list[str], list[str], list[np.ndarray], float]

#: Files up to this many bytes are read at once: a DICOM file of nothing but empty items takes 7 s and 350 MB at most.
LARGEST_AT_ONCE = 2 << 20

_SECONDS = 20.0  # Time that the process may take.
_MEMORY = 2 << 30  # Address space in bytes that the process may use, of which libraries take some 0.5 GiB.
_CHILD = """import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
from fastecg.readers import apart, extras
apart.main(extras.read_signals, extras.damaged)"""


def signals_apart(path: Path) -> Signals:
    """Read a file by `fastecg.readers.extras.read_signals` in a process of its own.

    Raises
    ------
    RecordError
        Also if it takes more than 20 s or 2 GiB.
    ImportError
        If the library is not installed.
    """
    # "-I", or modules in the current folder could be imported instead of installed ones.
    words = [sys.executable, "-I", "-c", _CHILD, json.dumps(sys.path), os.fspath(path)]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise RecordError(f"{path}: reading it takes more than {_SECONDS:.0f} s, expected a record") from None
    head, newline, values = done.stdout.partition(b"\n")
    if done.returncode or not newline:
        raise RecordError(f"{path}: reading it takes more than {_MEMORY >> 30} GiB of memory, expected a record")
    told = json.loads(head)
    if told.get("missing"):
        raise ImportError(told["missing"], name=told["missing"])
    if "fault" in told:
        raise RecordError(told["fault"])
    ends = np.cumsum(told["samples"])[:-1]
    return told["names"], told["units"], np.split(np.frombuffer(values, np.float64), ends), told["fs"]


def main(read: Callable[[Path], Signals], damaged: Callable[[Path, Exception], RecordError]) -> None:
    """Read the file named on the command line; its signals, or what is wrong with it, go to stdout."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path = Path(sys.argv[1])
    signals: list[np.ndarray] = []
    told: dict[str, Any]
    try:
        names, units, signals, fs = read(path)
        told = {"names": names, "units": units, "fs": fs, "samples": [len(signal) for signal in signals]}
    except ImportError as missing:
        told = {"missing": missing.name}
    except RecordError as fault:
        told = {"fault": str(fault)}
    except MemoryError:
        sys.exit(1)
    except Exception as fault:  # the libraries may raise anything on damaged files
        told = {"fault": str(damaged(path, fault))}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    for signal in signals:
        sys.stdout.buffer.write(np.ascontiguousarray(signal, dtype=np.float64).data.cast("B"))
