"""Pages of every hand, read: ``python tools/benches.py`` prints a table a bench, and why errors are there.

Benches are pages that other people's programs drew, real scans with truth (both below the folder that FASTECG_DATA names), and pages by
our own recipes. What is wrong is told by substitution: every lead is moved in time, in voltage, and in both, to where it fits best, and at
last the leads are exchanged as fits best. What a column gains over the first is what that error costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import fastecg
from fastecg.digitizing.metrics import raw_snr

PICTURES = (".png", ".jpg", ".pdf")
MOST_LAG_S = 0.5
BENCHES = ("other-hands/kit", "other-hands/pmecg", "other-hands/pdf", "other-hands/drawn", "real-truth/scan")


@dataclass(frozen=True)
class Analysis:
    """A page: raw SNR, its worst lead's, that of leads moved in time, in voltage, in both, and exchanged; dB. Lag in ms, offset in mV."""

    raw: float
    worst: float
    time: float
    volt: float
    both: float
    perm: float
    lag: float
    lag_spread: float
    off: float
    missing: float


def analysed(reference: fastecg.Record, estimate: fastecg.Record | None) -> Analysis:
    """How well a page was read, and what is wrong with it."""
    from scipy.optimize import linear_sum_assignment

    leads = [lead for lead in reference.leads if np.isfinite(reference.lead(lead)).sum() > 50]
    wanted = {lead: reference.lead(lead).astype(float) for lead in leads}
    found = {lead: _of(estimate, lead, reference.samples) for lead in leads}
    raw, time, volt, both, lags, offs = [], [], [], [], [], []
    for lead in leads:
        raw.append(raw_snr(wanted[lead], found[lead]))
        lag = _lag(wanted[lead], found[lead], reference.fs)
        moved = _moved(found[lead], lag)
        time.append(max(raw_snr(wanted[lead], moved), raw[-1]))
        volt.append(raw_snr(wanted[lead], _levelled(wanted[lead], found[lead])))
        both.append(raw_snr(wanted[lead], _levelled(wanted[lead], moved)))
        lags.append(1000 * lag / reference.fs)
        offs.append(_offset(wanted[lead], found[lead]))
    table = np.array([[_aligned(wanted[a], _on(found[b], wanted[a]), reference.fs) for b in leads] for a in leads])
    rows, columns = linear_sum_assignment(-np.nan_to_num(table))
    return Analysis(
        float(np.mean(raw)), float(np.min(raw)), float(np.mean(time)), float(np.mean(volt)), float(np.mean(both)),
        float(table[rows, columns].mean()), float(np.median(lags)), float(np.std(lags)), float(np.mean(np.abs(offs))),
        float(np.mean([np.isnan(found[lead][np.isfinite(wanted[lead])]).mean() for lead in leads])),
    )  # fmt: skip


def _of(estimate: fastecg.Record | None, lead: str, samples: int) -> np.ndarray:
    out = np.full(samples, np.nan)
    if estimate is not None and lead in estimate.leads:
        known = estimate.lead(lead)[:samples]
        out[: len(known)] = known
    return out


def _on(signal: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A signal moved to where another one begins, so that leads of other columns can be compared."""
    if not np.isfinite(signal).any():
        return signal
    first, wanted = np.flatnonzero(np.isfinite(signal))[0], np.flatnonzero(np.isfinite(like))[0]
    return np.roll(signal, wanted - first)


def _lag(wanted: np.ndarray, found: np.ndarray, fs: float) -> float:
    """Samples by which an estimate is late, to a tenth."""
    known = np.isfinite(wanted)
    a = np.where(known, wanted - np.nanmean(wanted), 0.0)
    seen = np.isfinite(found)
    if not (known & seen).any():
        return 0.0
    b = np.where(seen, found - np.nanmean(found), 0.0)
    most = int(MOST_LAG_S * fs)
    size = 1 << int(np.ceil(np.log2(2 * len(a))))
    power = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    power = np.concatenate([power[-most:], power[: most + 1]])
    k = int(np.argmax(power))
    if not 0 < k < len(power) - 1:
        return float(k - most)
    bend = power[k - 1] - 2 * power[k] + power[k + 1]
    coarse = k - most + (0.5 * (power[k - 1] - power[k + 1]) / bend if bend < 0 else 0.0)
    tried = coarse + np.arange(-1.0, 1.01, 0.1)
    return float(max(tried, key=lambda lag: raw_snr(wanted, _levelled(wanted, _moved(found, lag)))))


def _moved(found: np.ndarray, lag: float) -> np.ndarray:
    at = np.arange(len(found))
    known = np.isfinite(found)
    if known.sum() < 2:
        return found
    moved = np.interp(at + lag, at[known], found[known])
    inside = np.interp(at + lag, at, known.astype(float), left=0.0, right=0.0) > 0.5
    return np.where(inside, moved, np.nan)


def _offset(wanted: np.ndarray, found: np.ndarray) -> float:
    both = np.isfinite(wanted) & np.isfinite(found)
    return float(np.mean(found[both] - wanted[both])) if both.any() else 0.0


def _levelled(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    return found - _offset(wanted, found)


def _aligned(wanted: np.ndarray, found: np.ndarray, fs: float) -> float:
    moved = _moved(found, _lag(wanted, found, fs))
    return raw_snr(wanted, _levelled(wanted, moved))
