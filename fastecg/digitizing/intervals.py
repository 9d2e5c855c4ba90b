"""Compare clinical intervals of the drawn and of the recovered signal. The package neurokit2 measures them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from fastecg.errors import FastecgError, RecordError
from fastecg.record import Record

#: Leads in which intervals may be measured. The one that the reference record shows for the longest time is used.
RHYTHM_LEADS = ("II", "V1", "V5", "I")


@dataclass(frozen=True)
class Intervals:
    """Medians over the beats of one lead, ms; NaN where none could be measured."""

    rr_ms: float
    qrs_ms: float
    qt_ms: float


def intervals(signal: np.ndarray, fs: float) -> Intervals:
    """Measure the intervals of one lead (samples,), mV, sampled at `fs` Hz. Gaps are filled by linear interpolation.

    All intervals are NaN for less than 2 s of signal, or if neurokit2 fails. QRS and QT are NaN for fewer than three beats.

    Raises
    ------
    FastecgError
        If neurokit2 is not installed.
    """
    try:
        import neurokit2
    except ImportError as missing:
        raise FastecgError("intervals need neurokit2, expected `pip install neurokit2` to have been run") from missing
    known = np.flatnonzero(np.isfinite(signal))
    if len(known) < 2 * fs:
        return Intervals(np.nan, np.nan, np.nan)
    whole = np.interp(np.arange(known[0], known[-1] + 1), known, signal[known])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            clean = neurokit2.ecg_clean(whole, sampling_rate=fs)
            peaks = neurokit2.ecg_peaks(clean, sampling_rate=fs)[1]["ECG_R_Peaks"]
            waves = neurokit2.ecg_delineate(clean, peaks, sampling_rate=fs, method="dwt")[1] if len(peaks) > 2 else {}
        except (ValueError, IndexError, ZeroDivisionError):  # NeuroKit2 raises these for signals that are no ECG.
            return Intervals(np.nan, np.nan, np.nan)
    return Intervals(
        _median(np.diff(peaks)) / fs * 1000,
        _median(_durations(waves, "ECG_R_Onsets", "ECG_R_Offsets")) / fs * 1000,
        _median(_durations(waves, "ECG_R_Onsets", "ECG_T_Offsets")) / fs * 1000,
    )


def interval_errors(reference: Record, estimate: Record) -> Intervals:
    """Intervals of the estimate minus those of the reference, ms, in the one of `RHYTHM_LEADS` that the reference shows for longest.

    All are NaN if the estimate does not have this lead. An interval is NaN if it could not be measured in one of the records.

    Raises
    ------
    RecordError
        If the reference shows none of `RHYTHM_LEADS`.
    """
    drawn = {lead: int(np.isfinite(reference.lead(lead)).sum()) for lead in RHYTHM_LEADS if lead in reference.leads}
    if not drawn or not max(drawn.values()):
        raise RecordError(f"{reference.name}: none of the leads {', '.join(RHYTHM_LEADS)} was drawn, expected one to measure")
    lead = max(drawn, key=lambda name: drawn[name])
    true = intervals(reference.lead(lead), reference.fs)
    found = intervals(estimate.lead(lead), estimate.fs) if lead in estimate.leads else Intervals(np.nan, np.nan, np.nan)
    return Intervals(found.rr_ms - true.rr_ms, found.qrs_ms - true.qrs_ms, found.qt_ms - true.qt_ms)


def _durations(waves: dict[str, list[float]], start: str, stop: str) -> np.ndarray:
    """Number of samples (beats,) from the fiducial point `start` of every beat to `stop`; both are keys of `waves`."""
    return np.array(waves.get(stop, []), dtype=float) - np.array(waves.get(start, []), dtype=float)


def _median(values: np.ndarray) -> float:
    """Median of the finite values; NaN if there are none."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else np.nan
