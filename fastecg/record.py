"""`Record`: the only input of the library, twelve leads (or one to fifteen) in millivolts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fastecg.errors import RecordError
from fastecg.files import spelled

#: The standard twelve leads, in the order of every mask and layer of this library.
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

#: Further leads known by name: right-sided, posterior, Frank's orthogonal leads.
EXTRA_LEADS = ("V3R", "V4R", "V5R", "V6R", "V7", "V8", "V9", "vx", "vy", "vz")

_MOST_HZ = 1e9
_SPAN = 1 << 22  # samples looked at together: a day's record is 100 MB and more


@dataclass(frozen=True, eq=False)
class Record:
    """An ECG in millivolts.

    Parameters
    ----------
    signal : array_like, shape (leads, samples)
        Millivolts; NaN where nothing was recorded. Stored as C-contiguous float32.
    fs : float
        Sampling frequency in Hz, above 0, at most 1e9.
    leads : sequence of str
        One name a row of `signal`, each once.
    name : str
        What files made of the record are called.

    Raises
    ------
    RecordError
        If shapes, names or `fs` do not fit together, if there is no sample, or if the signal holds infinities.
    """

    signal: np.ndarray
    fs: float
    leads: tuple[str, ...]
    name: str = "record"

    def __init__(self, signal: ArrayLike, fs: float, leads: Sequence[str], name: str = "record") -> None:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused below
            values = np.ascontiguousarray(signal, dtype=np.float32)
        object.__setattr__(self, "signal", values)
        object.__setattr__(self, "fs", float(fs))
        object.__setattr__(self, "leads", tuple(leads))
        object.__setattr__(self, "name", spelled(str(name)))
        self._check()
        if values is not signal:  # a caller's own array stays writable for the caller
            values.flags.writeable = False

    def _check(self) -> None:
        shape = self.signal.shape
        if len(shape) != 2 or 0 in shape:
            raise RecordError(f"{self.name}: the signal has shape {shape}, expected (leads, samples) with at least one of each")
        if len(self.leads) != shape[0]:
            raise RecordError(f"{self.name}: {len(self.leads)} lead names for {shape[0]} rows of signal, expected one a row")
        if len(set(self.leads)) < len(self.leads):
            twice = sorted({lead for lead in self.leads if self.leads.count(lead) > 1})
            raise RecordError(f"{self.name}: lead {', '.join(twice)} is there more than once, expected each lead once")
        if not 0 < self.fs <= _MOST_HZ:
            raise RecordError(f"{self.name}: the sampling frequency is {self.fs} Hz, expected a number above 0, at most {_MOST_HZ:g}")
        if any(np.isinf(self.signal[:, start : start + _SPAN]).any() for start in range(0, shape[1], _SPAN)):
            raise RecordError(f"{self.name}: the signal holds infinite values, expected millivolts or NaN")

    @property
    def samples(self) -> int:
        """Number of samples a lead."""
        return int(self.signal.shape[1])

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.fs

    def lead(self, name: str) -> np.ndarray:
        """The signal of one lead, shape (samples,), in mV."""
        return self.signal[self.leads.index(name)]

    def page_starts(self, seconds: float = 10.0) -> Iterator[tuple[int, int]]:
        """Sample ranges ``(start, stop)`` of the pages: whole pages of `seconds`, or one short page if the record is shorter.

        A tail shorter than a page is left out (a page's worth lacking up to 1 % counts as whole).
        """
        return (self.page_range(k, seconds) for k in range(self.page_count(seconds)))

    def page_count(self, seconds: float = 10.0) -> int:
        """How many pages `page_starts` has."""
        return page_count(self.samples, self.fs, seconds)

    def page_range(self, page: int, seconds: float = 10.0) -> tuple[int, int]:
        """Samples ``(start, stop)`` of one page of `page_starts`."""
        size = _page_size(self.fs, seconds)
        return page * size, min((page + 1) * size, self.samples)


def page_count(samples: int, fs: float, seconds: float = 10.0) -> int:
    """How many pages a record of so many samples has; see `Record.page_starts`."""
    size = _page_size(fs, seconds)
    return max(1, (samples + size // 100) // size)


def _page_size(fs: float, seconds: float) -> int:
    return max(1, round(seconds * fs))
