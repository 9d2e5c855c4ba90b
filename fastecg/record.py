"""`Record`: an ECG with any leads, in millivolts. Pictures are drawn of records, and digitised pictures become records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastecg.errors import RecordError
from fastecg.leads import EXTRA_LEADS, LEADS, LIMB_SHARES, standard_name, standard_names
from fastecg.system.files import spelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

__all__ = ["EXTRA_LEADS", "LEADS", "Record", "page_count"]

_MOST_HZ = 1e9  # Largest sampling frequency.
_STEADY = 1e-3  # Largest deviation of the steps between a table's times from their mean, as a share of the mean.
# If the median span of a record's leads is larger, they are not in mV: a tall QRS complex has 5 mV; a small one, 1 mV given in µV, 1000.
_MOST_SPAN_MV = 50.0
_CHUNK = 1 << 22  # Samples of each lead that are examined at once, to save memory: a record of a day takes 100 MB and more.


def _frequency_of(table: DataFrame, name: str) -> float:
    """The sampling frequency in Hz, to nine significant digits, of a table whose index holds times in seconds; `name` is for errors."""
    wanted = "expected seconds in even steps, or the sampling frequency as `fs`"
    try:
        times = table.index.to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        raise RecordError(f"{name}: its index holds no numbers, {wanted}") from None
    steps = np.diff(times)
    if not len(steps) or not steps[0] > 0 or np.abs(steps - steps.mean()).max() > _STEADY * steps.mean():
        raise RecordError(f"{name}: its index tells no sampling frequency, {wanted}")
    if not getattr(table.index, "name", None) and np.array_equal(times, np.arange(len(times))):
        raise RecordError(f"{name}: its index counts rows, {wanted}")
    return float(f"{(len(times) - 1) / (times[-1] - times[0]):.9g}")


@dataclass(frozen=True, eq=False, repr=False)
class Record:
    """An ECG in millivolts.

    Parameters
    ----------
    signal : array_like, shape (leads, samples)
        Millivolts. Samples that were not recorded are NaN, or masked in a masked array. Stored as C-contiguous float32.
    fs : float
        Sampling frequency in Hz, above 0, at most 1e9.
    leads : sequence of str
        Names of the rows of `signal`, none of them twice, not even in another case ("CM5" and "cm5"). Known spellings are standardised
        (`fastecg.leads.standard_name`): "AVR" becomes aVR, and "-aVR" becomes aVR with its signal inverted. Other names are kept.
    name : str
        Name of the record, and of files that are made of it.
    source : str, optional
        Name of the file that the record was read from, without its folder, for the truth file of pictures. By default this is `name`.

    Raises
    ------
    RecordError
        If the signal does not have two axes, if there is not one name for each of its rows, if a name is there twice, if `fs` is out of
        range, if there is no sample, or if the signal holds infinities.

    Examples
    --------
    >>> import fastecg, numpy as np
    >>> record = fastecg.Record(np.zeros((2, 1000)), fs=500, leads=["I", "II"], name="flat")
    >>> record
    Record('flat', 2 leads, 1000 samples at 500 Hz, 2 s)
    >>> record.lead("II").shape
    (1000,)
    """

    signal: np.ndarray
    fs: float
    leads: tuple[str, ...]
    name: str = "record"
    source: str | None = None

    def __init__(self, signal: ArrayLike, fs: float, leads: Sequence[str], name: str = "record", source: str | None = None) -> None:
        with np.errstate(over="ignore"):  # Values that float32 cannot hold become infinite, and are refused below.
            if isinstance(signal, np.ma.MaskedArray):
                signal = np.ma.filled(np.ma.asarray(signal, dtype=np.float32), np.nan)
            values = np.ascontiguousarray(signal, dtype=np.float32)
        names, signs = _standard(tuple(leads))
        if values.ndim == 2 and len(values) == len(signs) and min(signs, default=1) < 0:
            values = values * np.array(signs, np.float32)[:, None]
        object.__setattr__(self, "signal", values)
        object.__setattr__(self, "fs", float(fs))
        object.__setattr__(self, "leads", names)
        object.__setattr__(self, "name", spelled(str(name)))
        object.__setattr__(self, "source", spelled(str(name if source is None else source)))
        self._check()
        if values is not signal:  # an array of the caller's that is used without a copy stays writable
            values.flags.writeable = False

    def _check(self) -> None:
        """Raise a `RecordError` if the parts of the record do not fit together."""
        shape = self.signal.shape
        if len(shape) != 2 or 0 in shape:
            raise RecordError(f"{self.name}: the signal has shape {shape}, expected (leads, samples) with at least one of each")
        if len(self.leads) != shape[0]:
            raise RecordError(f"{self.name}: {len(self.leads)} lead names for {shape[0]} rows of signal, expected one a row")
        lower = [str(lead).lower() for lead in self.leads]
        twice = sorted({str(lead) for lead, name in zip(self.leads, lower, strict=True) if lower.count(name) > 1})
        if twice:
            raise RecordError(f"{self.name}: lead {', '.join(twice)} is there more than once, expected each lead once")
        if not 0 < self.fs <= _MOST_HZ:
            raise RecordError(f"{self.name}: the sampling frequency is {self.fs} Hz, expected a number above 0, at most {_MOST_HZ:g}")
        if any(np.isinf(self.signal[:, start : start + _CHUNK]).any() for start in range(0, shape[1], _CHUNK)):
            raise RecordError(f"{self.name}: the signal holds infinite values, expected millivolts or NaN")

    def __repr__(self) -> str:
        leads = f"{len(self.leads)} lead{'s' * (len(self.leads) > 1)}"
        return f"Record({self.name!r}, {leads}, {self.samples} samples at {self.fs:g} Hz, {self.duration_s:g} s)"

    @property
    def samples(self) -> int:
        """Number of samples of a lead."""
        return int(self.signal.shape[1])

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.fs

    def lead(self, name: str) -> np.ndarray:
        """The signal of one lead, shape (samples,), in mV. Its name may have any known spelling that does not invert the lead.

        Raises
        ------
        RecordError
            If the record has no lead of that name.
        """
        known = standard_name(name) if name not in self.leads else None
        name = known[0] if known and known[1] > 0 else name
        if name not in self.leads:
            raise RecordError(f"{self.name}: no lead {name!r}, expected one of {', '.join(self.leads)}")
        return self.signal[self.leads.index(name)]

    def choose(self, leads: Sequence[str]) -> Record:
        """A record of the given leads, in the given order; "NEW=OLD" renames lead OLD to NEW.

        Raises
        ------
        RecordError
            If the record lacks one of them, or `leads` is empty.

        Examples
        --------
        >>> import fastecg
        >>> fastecg.simulate(seed=1).choose(["V1", "CM5=II"]).leads
        ('V1', 'CM5')
        """
        if not leads:
            raise RecordError(f"{self.name}: no lead is chosen, expected one or more of {', '.join(self.leads)}")
        pairs = [(new.strip(), old.strip() or new.strip()) for new, _, old in (lead.partition("=") for lead in leads)]
        return Record(np.stack([self.lead(old) for _, old in pairs]), self.fs, [new for new, _ in pairs], self.name, self.source)

    def with_limb_leads(self) -> Record:
        """The record with III, aVR, aVL and aVF: those that it lacks are computed from I and II.

        If one is computed, leads come in the order of `LEADS`, then other leads. A record without I or II, or with all four, is returned as
        it is.

        Examples
        --------
        >>> import fastecg
        >>> fastecg.simulate(seed=1).choose(["I", "II", "V1"]).with_limb_leads().leads
        ('I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1')
        """
        missing = [lead for lead in LIMB_SHARES if lead not in self.leads]
        if not missing or not {"I", "II"} <= set(self.leads):
            return self
        one, two = self.lead("I"), self.lead("II")
        rows = {lead: np.float32(a) * one + np.float32(b) * two for lead, (a, b) in LIMB_SHARES.items() if lead in missing}
        rows = {**dict(zip(self.leads, self.signal, strict=True)), **rows}
        ordered = [lead for lead in LEADS if lead in rows] + [lead for lead in rows if lead not in LEADS]
        return Record(np.stack([rows[lead] for lead in ordered]), self.fs, ordered, self.name, self.source)

    def to_dataframe(self) -> DataFrame:
        """The record as a pandas table with one column for each lead, in mV. The index is the time in seconds."""
        from pandas import DataFrame, Index

        return DataFrame(self.signal.T, index=Index(np.arange(self.samples) / self.fs, name="time_s"), columns=list(self.leads))

    @classmethod
    def from_dataframe(cls, table: DataFrame, fs: float | None = None, name: str = "record") -> Record:
        """A record of a pandas table that has one column for each lead, in mV.

        Parameters
        ----------
        table : DataFrame
        fs : float, optional
            Sampling frequency in Hz. Without it, the index must hold times in seconds in even steps.
        name : str
            Name of the record.

        Raises
        ------
        RecordError
            If `fs` is missing and the index does not hold such times, or if the columns are not numbers.
        """
        if fs is None:
            fs = _frequency_of(table, name)
        try:
            values = table.to_numpy(dtype=np.float32)
        except (TypeError, ValueError):
            raise RecordError(f"{name}: its columns are no numbers, expected millivolts, a column a lead") from None
        return cls(values.T, fs, [str(column) for column in table.columns], name)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Plot all leads over time, one below the other, on matplotlib's `axes`, or on new ones. Returns the axes."""
        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.figure(figsize=(11.0, 1.0 + 0.6 * len(self.leads)), layout="constrained").add_subplot()
        known = np.abs(self.signal[np.isfinite(self.signal)])
        step = max(1.0, 1.5 * float(np.quantile(known, 0.999))) if len(known) else 1.0  # mV from lead to lead; few waves cross
        offsets = -step * np.arange(len(self.leads))
        time = np.arange(self.samples) / self.fs
        for row, offset in zip(self.signal, offsets, strict=True):
            axes.plot(time, row + offset, linewidth=0.8, color="black")
        axes.set_yticks(offsets, self.leads)
        axes.set_xlabel("time (s)")
        axes.set_title(f"{self.name}; {step:.1f} mV from lead to lead")
        axes.margins(x=0)
        return axes

    def page_starts(self, seconds: float = 10.0) -> Iterator[tuple[int, int]]:
        """Sample ranges ``(start, stop)`` of the pages, each of which lasts `seconds`. A record that is shorter gives one short page.

        The last page is left out if it would not be full, unless at most 1 % of a page is missing.
        """
        return (self.page_range(k, seconds) for k in range(self.page_count(seconds)))

    def page_count(self, seconds: float = 10.0) -> int:
        """The number of pages of `seconds` each, see `page_starts`."""
        return page_count(self.samples, self.fs, seconds)

    def page_range(self, page: int, seconds: float = 10.0) -> tuple[int, int]:
        """The sample range ``(start, stop)`` of page number `page`, counted from 0. Whether the record has this page is not checked."""
        size = _page_size(self.fs, seconds)
        return page * size, min((page + 1) * size, self.samples)


def unit_doubt(record: Record) -> str | None:
    """A sentence that says why the first 10 s of a record cannot be in millivolts; None if they can."""
    start = record.signal[:, : _page_size(record.fs, 10.0)]
    with np.errstate(over="ignore"):
        reach = np.fmax.reduce(start, axis=1) - np.fmin.reduce(start, axis=1)
    if not (reach > _MOST_SPAN_MV).any():
        return None  # Nearly all records end here, before the slower percentiles.
    known = [row[~np.isnan(row)] for row in start if not np.isnan(row).all()]
    spans = [float(np.subtract(*np.percentile(row.astype(np.float64), (99.5, 0.5)))) for row in known]
    span = float(np.median(spans)) if spans else 0.0  # mV that the middle 99 % of a lead's samples cover
    if span <= _MOST_SPAN_MV:
        return None
    most = f"expected {_MOST_SPAN_MV:g} mV at most"
    return f"{record.name}: most of its leads span {span:.4g} mV, {most}: are these microvolts, or counts of a converter?"


def _standard(leads: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The library's names of leads, and for each lead the factor for its signal: -1 if it is inverted (as in "-aVR"), else 1."""
    if leads == LEADS or not all(isinstance(lead, str) for lead in leads):
        return leads, (1,) * len(leads)
    pairs = [known or (lead, 1) for lead, known in zip(leads, standard_names(leads), strict=True)]
    return tuple(name for name, _ in pairs), tuple(sign for _, sign in pairs)


def page_count(samples: int, fs: float, seconds: float = 10.0) -> int:
    """The number of pages of a record with this number of samples, see `Record.page_starts`."""
    size = _page_size(fs, seconds)
    return max(1, (samples + size // 100) // size)


def _page_size(fs: float, seconds: float) -> int:
    """The number of samples of a page."""
    return max(1, round(seconds * fs))
