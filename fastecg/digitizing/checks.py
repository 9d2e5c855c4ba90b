"""What an ECG says of its own reading: leads that have to add up, beats that have to coincide, strips that repeat what columns show.

Limb leads are differences of three voltages (Einthoven: II = I + III), and the augmented ones their halves (Goldberger: aVR + aVL + aVF
= 0), at every moment at which they are drawn together. All leads beat at once. None of this is told of a page, so it judges a reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from fastecg.digitizing.layout import SegmentReading

#: Leads and their signs that add up to nothing.
SUMS: Mapping[str, Mapping[str, float]] = {
    "einthoven": {"I": 1.0, "II": -1.0, "III": 1.0},
    "goldberger": {"aVR": 1.0, "aVL": 1.0, "aVF": 1.0},
    "avr": {"aVR": 2.0, "I": 1.0, "II": 1.0},
}

_LEAST_S = 0.5  # of common time, for leads to be compared
_BEAT_S = 0.02  # half of a QRS complex, over which beats are blurred
_QUIET_MV = 0.02  # standard deviation below which a sum says nothing


def checks_of(readings: Sequence[SegmentReading], fs: float) -> dict[str, float]:
    """Residuals of a reading: 0 where it agrees with itself, about 1 where it has nothing of an ECG.

    Parameters
    ----------
    readings : sequence of SegmentReading
        Segments as they were read.
    fs : float
        Their samples a second.

    Returns
    -------
    dict of str to float
        "einthoven", "goldberger", "avr": what is left of the sums, as a share of the leads' own standard deviation; "strip": what is left
        of the strips less their columns, in the same way; "beats": 1 less the correlation of how much leads of one time move. Only what
        can be told of the leads that are there.
    """
    found = {name: left for name, signs in SUMS.items() if (left := _left_over(readings, signs, fs)) is not None}
    strips = [left for strip in readings if strip.segment.rhythm if (left := strip_left_over(strip, readings, fs)) is not None]
    if strips:
        found["strip"] = float(np.mean(strips))
    beats = _beats(readings, fs)
    if beats is not None:
        found["beats"] = 1.0 - beats
    return {name: round(float(value), 3) for name, value in found.items()}


def strip_left_over(strip: SegmentReading, readings: Sequence[SegmentReading], fs: float) -> float | None:
    """What is left of a rhythm strip less what a column shows of its lead, as a share of both; None if no column does."""
    part = next((item for item in readings if not item.segment.rhythm and item.segment.lead == strip.segment.lead), None)
    return None if part is None else 1.0 - alike(*together([strip, part], fs))


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """How far two signals that begin together are one, where both were read: 1 if they are, about 0 if they have nothing in common."""
    n = min(len(a), len(b))
    known = np.isfinite(a[:n]) & np.isfinite(b[:n])
    one, other = a[:n][known], b[:n][known]
    power = one.var() + other.var() if len(one) else 0.0
    return float(1.0 - (one - other).var() / power) if power else 0.0


def together(items: Sequence[SegmentReading], fs: float) -> list[np.ndarray]:
    """Millivolts of segments in the time that all of them show; empty if it is short."""
    first, last = max(item.segment.start for item in items), min(item.segment.stop for item in items)
    if last - first < _LEAST_S * fs:
        return [np.empty(0) for _ in items]
    return [item.millivolts[first - item.segment.start : last - item.segment.start] for item in items]


def _left_over(readings: Sequence[SegmentReading], signs: Mapping[str, float], fs: float) -> float | None:
    """What is left of a sum of leads that ought to be nothing, less its mean: a share of their own; None if they are not drawn together."""
    parts = {item.segment.lead: item for item in readings if not item.segment.rhythm and item.segment.lead in signs}
    if len(parts) < len(signs):
        return None
    signals = together([parts[lead] for lead in signs], fs)
    if not len(signals[0]):
        return None
    every = np.array([sign * signal for sign, signal in zip(signs.values(), signals, strict=True)])
    known = np.isfinite(every).all(axis=0)
    own = np.sqrt(every[:, known].var(axis=1).sum()) if known.sum() > _LEAST_S * fs else 0.0
    return float(every[:, known].sum(axis=0).std() / own) if own > _QUIET_MV else None


def _beats(readings: Sequence[SegmentReading], fs: float) -> float | None:
    """Mean correlation of how much leads move, over all pairs that are drawn together; None if there is none."""
    found = []
    for a, b in combinations(readings, 2):
        if a.segment.lead == b.segment.lead or a.segment.row == b.segment.row:
            continue
        one, other = together([a, b], fs)
        if len(one):
            found.append(correlation(swing(one, fs), swing(other, fs)))
    return float(np.mean(found)) if found else None


def swing(signal: np.ndarray, fs: float) -> np.ndarray:
    """How much a signal moves at every sample, smoothed over a QRS complex; no lead counts more than another."""
    from scipy.ndimage import gaussian_filter1d

    moves = gaussian_filter1d(np.abs(np.gradient(np.nan_to_num(signal.astype(np.float64)))), _BEAT_S * fs)
    return np.asarray(moves / max(float(moves.std()), 1e-9))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation; 0 for what does not move."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 2 and a.std() > 0 and b.std() > 0 else 0.0
