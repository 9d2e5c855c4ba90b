"""Check a reading against what holds for every ECG: sums of leads are zero, all leads beat together, and strips repeat a column.

Limb leads are differences of three voltages (Einthoven: II = I + III), and augmented leads are combinations of the same voltages
(Goldberger: aVR + aVL + aVF = 0). This holds at every moment at which these leads are drawn together. The leads are found without using
any of these relations, so that they can serve as checks of the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from fastecg.digitizing.layout import SegmentReading
from fastecg.digitizing.tracks import Track

#: Sums of leads that are zero in theory, as leads with their factors.
SUMS: Mapping[str, Mapping[str, float]] = {
    "einthoven": {"I": 1.0, "II": -1.0, "III": 1.0},
    "goldberger": {"aVR": 1.0, "aVL": 1.0, "aVF": 1.0},
    "avr": {"aVR": 2.0, "I": 1.0, "II": 1.0},
}

_LEAST_S = 0.5  # Minimum time that leads have in common for a comparison.
_BEAT_S = 0.02  # Half the width of a QRS complex: the steepness of two leads is smoothed over it before their beats are compared.
_BEAT_MM = 0.5  # The same for tracks: _BEAT_S at 25 mm/s.
_LEAST_MM = 30.0  # Minimum length that two tracks have in common for a comparison.
# Mean correlation of the steepness of tracks from which on they may be leads of one heart. On ECGs whose grid was found it was at least
# 0.29, upright and upside down; in random walks, music, outlines of hills and curves of breath at most 0.08.
_SAME_HEART = 0.15
_QUIET_MV = 0.02  # Standard deviation below which a sum of leads is too flat to be checked.


def checks_of(readings: Sequence[SegmentReading], fs: float) -> dict[str, float]:
    """Residuals of a reading: 0 if it is consistent, about 1 if it has nothing of an ECG.

    Parameters
    ----------
    readings : sequence of SegmentReading
    fs : float
        Sampling frequency of the readings, Hz.

    Returns
    -------
    dict of str to float
        "einthoven", "goldberger" and "avr" are the residuals of sums of leads, as a share of the leads' standard deviation. "strip" is the
        residual of strips minus columns, in the same way. "beats" is 1 minus the mean correlation of the steepness of leads that are drawn
        together. A check is left out if its leads were not read.
    """
    found = {name: left for name, signs in SUMS.items() if (left := _residual_of_sum(readings, signs, fs)) is not None}
    strips = [left for strip in readings if strip.segment.rhythm if (left := residual_of_strip(strip, readings, fs)) is not None]
    if strips:
        found["strip"] = float(np.mean(strips))
    beats = _beat_correlation(readings, fs)
    if beats is not None:
        found["beats"] = 1.0 - beats
    return {name: round(float(value), 3) for name, value in found.items()}


def residual_of_strip(strip: SegmentReading, readings: Sequence[SegmentReading], fs: float) -> float | None:
    """The difference of a rhythm strip and its lead's column, as a share of both; None if no column shows that lead."""
    part = next((item for item in readings if not item.segment.rhythm and item.segment.lead == strip.segment.lead), None)
    return None if part is None else 1.0 - similarity(*simultaneous([strip, part], fs))


def residual_across_columns(readings: Sequence[SegmentReading], fs: float) -> float | None:
    """The largest residual of sums of leads that stand in several columns, supposing that these show the same seconds; None without any."""
    together = [replace(item, segment=replace(item.segment, start=0, stop=item.segment.stop - item.segment.start)) for item in readings]
    across = [
        signs
        for signs in SUMS.values()
        if len({item.segment.start for item in readings if item.segment.lead in signs and not item.segment.rhythm}) > 1
    ]
    found = [left for signs in across if (left := _residual_of_sum(together, signs, fs)) is not None]
    return max(found, default=None)


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Similarity of two signals that start at the same time, where both were read: 1 if they are equal, about 0 if they are unrelated."""
    n = min(len(a), len(b))
    known = np.isfinite(a[:n]) & np.isfinite(b[:n])
    one, other = a[:n][known], b[:n][known]
    power = one.var() + other.var() if len(one) else 0.0
    return float(1.0 - (one - other).var() / power) if power else 0.0


def simultaneous(items: Sequence[SegmentReading], fs: float) -> list[np.ndarray]:
    """Millivolts of segments during the time that all of them show; empty if this time is too short for a comparison."""
    first, last = max(item.segment.start for item in items), min(item.segment.stop for item in items)
    if last - first < _LEAST_S * fs:
        return [np.empty(0) for _ in items]
    return [item.millivolts[first - item.segment.start : last - item.segment.start] for item in items]


def _residual_of_sum(readings: Sequence[SegmentReading], signs: Mapping[str, float], fs: float) -> float | None:
    """Residual of a sum of leads that is zero in theory, without its mean, as a share of the leads; None if they do not overlap."""
    parts = {item.segment.lead: item for item in readings if not item.segment.rhythm and item.segment.lead in signs}
    if len(parts) < len(signs):
        return None
    signals = simultaneous([parts[lead] for lead in signs], fs)
    if not len(signals[0]):
        return None
    every = np.array([sign * signal for sign, signal in zip(signs.values(), signals, strict=True)])
    known = np.isfinite(every).all(axis=0)
    own = np.sqrt(every[:, known].var(axis=1).sum()) if known.sum() > _LEAST_S * fs else 0.0
    return float(every[:, known].sum(axis=0).std() / own) if own > _QUIET_MV else None


def _beat_correlation(readings: Sequence[SegmentReading], fs: float) -> float | None:
    """Mean correlation of the steepness of leads over all pairs that overlap in time; None if no pair does."""
    found = []
    for a, b in combinations(readings, 2):
        if a.segment.lead == b.segment.lead or a.segment.row == b.segment.row:
            continue
        one, other = simultaneous([a, b], fs)
        if len(one):
            found.append(correlation(swing(one, fs), swing(other, fs)))
    return float(np.mean(found)) if found else None


def tracks_beat(tracks: Sequence[Track]) -> bool:
    """Whether tracks are steep at the same page x, as the leads of one heart are, upright or upside down; true without a pair."""
    found = [beats for pair in combinations(tracks, 2) if (beats := _correlation_of_tracks(*pair)) is not None]
    return not found or float(np.mean(found)) > _SAME_HEART


def _correlation_of_tracks(one: Track, other: Track) -> float | None:
    """Correlation of the steepness of two tracks along x; None if they have little of the page's width in common."""
    from scipy.ndimage import gaussian_filter1d

    first, last = max(one.ends_mm[0], other.ends_mm[0]), min(one.ends_mm[1], other.ends_mm[1])
    if last - first < _LEAST_MM:
        return None
    scale = one.path.scale
    at = np.arange(first, last, 1.0 / scale)
    climbs = (
        np.interp(at, path.left_mm + np.arange(len(path.top_mm)) / scale, path.bottom_mm - path.top_mm) for path in (one.path, other.path)
    )
    return correlation(*(gaussian_filter1d(climb, _BEAT_MM * scale) for climb in climbs))


def swing(signal: np.ndarray, fs: float) -> np.ndarray:
    """Steepness of a signal at every sample, smoothed over a QRS complex and normalised so that all leads have the same weight."""
    from scipy.ndimage import gaussian_filter1d

    moves = gaussian_filter1d(np.abs(np.gradient(np.nan_to_num(signal.astype(np.float64)))), _BEAT_S * fs)
    return np.asarray(moves / max(float(moves.std()), 1e-9))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; 0 if a signal is constant."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 2 and a.std() > 0 and b.std() > 0 else 0.0
