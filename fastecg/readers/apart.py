"""Read large files of formats that need other libraries, in a separate process.

A damaged file may keep such a library busy for hours, or let it take any amount of memory. A process can be stopped then, a thread cannot.
"""

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

#: Names and units of the signals, their samples in these units, one array each, and the sampling frequency in Hz.
Signals = tuple[list[str], list[str], list[np.ndarray], float]

#: Files up to this many bytes are read without a separate process: the worst such file known, of empty DICOM items, takes 7 s and 350 MB.
LARGEST_IN_PROCESS = 2 << 20

_SECONDS = 20.0  # Time that the process may take, s.
_MEMORY = 2 << 30  # Address space that the process may use, bytes. Libraries take some 0.5 GiB of it before they read.
# The program of the process. Its first argument is `sys.path`, its second the file.
_PROGRAM = """import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
from fastecg.readers import apart, extras
apart.main(extras.read_signals, extras.damaged)"""


def signals_apart(path: Path) -> Signals:
    """Read a file by `fastecg.readers.extras.read_signals` in a separate process.

    Raises
    ------
    RecordError
        If the file is damaged, if reading it takes more than 20 s or 2 GiB, or if the process dies.
    ImportError
        If the library for its format is not installed.
    """
    # "-I" keeps modules in the current folder from being imported instead of installed ones.
    command = [sys.executable, "-I", "-c", _PROGRAM, json.dumps(sys.path), os.fspath(path)]
    try:
        finished = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise RecordError(f"{path}: reading it takes more than {_SECONDS:.0f} s, expected a record") from None
    head, newline, values = finished.stdout.partition(b"\n")
    if finished.returncode or not newline:
        raise RecordError(f"{path}: reading it takes more than {_MEMORY >> 30} GiB of memory, expected a record")
    reply = json.loads(head)
    if reply.get("missing"):
        raise ImportError(reply["missing"], name=reply["missing"])
    if "fault" in reply:
        raise RecordError(reply["fault"])
    ends = np.cumsum(reply["samples"])[:-1]
    return reply["names"], reply["units"], np.split(np.frombuffer(values, np.float64), ends), reply["fs"]


def main(read: Callable[[Path], Signals], damaged: Callable[[Path, Exception], RecordError]) -> None:
    """Read the file named on the command line, and write its signals to stdout, or what is wrong with it. Runs in the separate process.

    A line of JSON comes first, then the samples of all signals as float64.

    Parameters
    ----------
    read : callable
        Reads the file.
    damaged : callable
        Makes the error for an unexpected exception of `read`.
    """
    with suppress(ImportError, ValueError, OSError):  # Windows has no `resource` module; other systems may refuse the limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path = Path(sys.argv[1])
    signals: list[np.ndarray] = []
    reply: dict[str, Any]
    try:
        names, units, signals, fs = read(path)
        reply = {"names": names, "units": units, "fs": fs, "samples": [len(signal) for signal in signals]}
    except ImportError as missing:
        reply = {"missing": missing.name}
    except RecordError as fault:
        reply = {"fault": str(fault)}
    except MemoryError:
        sys.exit(1)
    except Exception as fault:  # the libraries may raise anything on damaged files
        reply = {"fault": str(damaged(path, fault))}
    sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n")
    for signal in signals:
        sys.stdout.buffer.write(np.ascontiguousarray(signal, dtype=np.float64).data.cast("B"))
