"""Check a reading against what holds for every ECG: some sums of leads are zero, all leads beat together, and strips repeat a column.

Limb leads are differences of three voltages (Einthoven: II = I + III), and augmented leads are combinations of the same voltages
(Goldberger: aVR + aVL + aVF = 0). Both equations hold at every moment at which these leads are drawn together. Layouts are matched without
these relations, which can therefore serve as checks of the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from fastecg.digitizing.layout import SegmentReading
from fastecg.digitizing.tracks import Track

#: Sums of leads that are zero in theory: their leads with the factor of each.
SUMS: Mapping[str, Mapping[str, float]] = {
    "einthoven": {"I": 1.0, "II": -1.0, "III": 1.0},
    "goldberger": {"aVR": 1.0, "aVL": 1.0, "aVF": 1.0},
    "avr": {"aVR": 2.0, "I": 1.0, "II": 1.0},
}

_LEAST_S = 0.5  # Minimum time that leads have in common for a comparison.
_CONSTANT = 1e-12  # Sum of the products of deviations from the mean, below which one of two signals counts as constant.
_BEAT_S = 0.02  # Standard deviation of the Gaussian with which the steepness of leads is smoothed before their beats are compared.
_BEAT_MM = 0.5  # Standard deviation with which the steepness of tracks is smoothed: `_BEAT_S` at 25 mm/s.
_ENDS_MM = 2.0  # When the steepness of tracks is compared, this length is left out at each end: four times `_BEAT_MM`.
_LEAST_MM = 30.0  # Minimum length that two tracks have in common for a comparison.
# Mean correlation of the steepness of tracks above which the tracks may be leads of one heart. On ECGs whose grid was found it was at least
# 0.29, upright and upside down; in random walks, music, outlines of hills and curves of breath at most 0.08.
_SAME_HEART = 0.15
_MANY_ROWS = 6  # Minimum number of rows (15 pairs of rows) for being certain that they do not beat together.
_SLOPES = np.linspace(-0.2, 0.2, 41)  # Slopes at which rows may beat together, mm per mm: up to 11 degrees to either side.
_QUIET_MV = 0.02  # A sum is not checked if the root of the sum of its leads' variances is at most this: the leads are too flat.


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
        "einthoven", "goldberger" and "avr" are the standard deviations of sums of leads, each as a share of the root of the sum of its
        leads' variances. "strip" is the variance of the difference of a rhythm strip and its lead's column, as a share of the sum of both
        variances: the mean over all strips whose lead has a column. "beats" is 1 minus the mean correlation of the steepness of leads that
        are drawn together.
        A sum is left out if its leads were not read together or are too flat, "strip" if no column has a strip's lead, and "beats" if no
        two leads in different rows were drawn together.
    """
    found = {name: residual for name, factors in SUMS.items() if (residual := _residual_of_sum(readings, factors, fs)) is not None}
    strips = [residual for strip in readings if strip.segment.rhythm if (residual := residual_of_strip(strip, readings, fs)) is not None]
    if strips:
        found["strip"] = float(np.mean(strips))
    beats = _beat_correlation(readings, fs)
    if beats is not None:
        found["beats"] = 1.0 - beats
    return {name: round(float(value), 3) for name, value in found.items()}


def residual_of_strip(strip: SegmentReading, readings: Sequence[SegmentReading], fs: float) -> float | None:
    """Variance of the difference of a rhythm strip and its lead's column, as a share of the sum of both variances.

    1 if strip and column have too little time in common or are both constant; None if no column shows that lead.
    """
    part = next((item for item in readings if not item.segment.rhythm and item.segment.lead == strip.segment.lead), None)
    return None if part is None else 1.0 - similarity(*simultaneous([strip, part], fs))


def residual_across_columns(readings: Sequence[SegmentReading], fs: float) -> float | None:
    """The largest residual of sums of leads from several columns, as if all columns showed the same seconds; None without such a sum."""
    at_once = [replace(item, segment=replace(item.segment, start=0, stop=item.segment.stop - item.segment.start)) for item in readings]
    across = [
        factors
        for factors in SUMS.values()
        if len({item.segment.start for item in readings if item.segment.lead in factors and not item.segment.rhythm}) > 1
    ]
    found = [residual for factors in across if (residual := _residual_of_sum(at_once, factors, fs)) is not None]
    return max(found, default=None)


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Similarity of two signals that start at the same time: 1 if they differ by a constant, about 0 if they are unrelated.

    It is -1 if one signal is the negative of the other. Only samples that were read in both signals count; 0 if there are none, or if both
    signals are constant.
    """
    n = min(len(a), len(b))
    known = np.isfinite(a[:n]) & np.isfinite(b[:n])
    one, other = a[:n][known], b[:n][known]
    power = one.var() + other.var() if len(one) else 0.0
    return float(1.0 - (one - other).var() / power) if power else 0.0


def simultaneous(items: Sequence[SegmentReading], fs: float) -> list[np.ndarray]:
    """Millivolts (n,) of each segment during the time that all of them show; empty if this time is too short for a comparison."""
    first, last = max(item.segment.start for item in items), min(item.segment.stop for item in items)
    if last - first < _LEAST_S * fs:
        return [np.empty(0) for _ in items]
    return [item.millivolts[first - item.segment.start : last - item.segment.start] for item in items]


def _residual_of_sum(readings: Sequence[SegmentReading], factors: Mapping[str, float], fs: float) -> float | None:
    """Standard deviation of a sum of leads that is zero in theory, as a share of the root of the sum of its leads' variances.

    None if a lead is in no column, or if the leads were not read together for long enough or are too flat.
    """
    parts = {item.segment.lead: item for item in readings if not item.segment.rhythm and item.segment.lead in factors}
    if len(parts) < len(factors):
        return None
    signals = simultaneous([parts[lead] for lead in factors], fs)
    if not len(signals[0]):
        return None
    terms = np.array([factor * signal for factor, signal in zip(factors.values(), signals, strict=True)])
    known = np.isfinite(terms).all(axis=0)
    spread = np.sqrt(terms[:, known].var(axis=1).sum()) if known.sum() > _LEAST_S * fs else 0.0
    return float(terms[:, known].sum(axis=0).std() / spread) if spread > _QUIET_MV else None


def _beat_correlation(readings: Sequence[SegmentReading], fs: float) -> float | None:
    """Mean correlation of the steepness of leads, over all pairs of different leads and rows that overlap in time; None without a pair."""
    found = []
    for a, b in combinations(readings, 2):
        if a.segment.lead == b.segment.lead or a.segment.row == b.segment.row:
            continue
        one, other = simultaneous([a, b], fs)
        if len(one):
            known = np.isfinite(one) & np.isfinite(other)  # With the unread samples, rows that all end early would seem to beat together.
            found.append(correlation(swing(one, fs)[known], swing(other, fs)[known]))
    return float(np.mean(found)) if found else None


def tracks_beat(tracks: Sequence[Track]) -> bool:
    """Whether tracks are steep at the same page x, as the leads of one heart are, even upside down; true if no two overlap enough."""
    found = _mean_correlation(tracks)
    return found is None or found > _SAME_HEART


def never_beat(tracks: Sequence[Track]) -> bool:
    """Whether there are many tracks that beat together at no tilt of the page. Such a page shows no ECG, whatever names were read."""
    if len(tracks) < _MANY_ROWS or tracks_beat(tracks):
        return False
    return not any((_mean_correlation(tracks, float(slope)) or 0.0) > _SAME_HEART for slope in _SLOPES)


def _mean_correlation(tracks: Sequence[Track], slope: float = 0.0) -> float | None:
    """Mean correlation along x of the steepness of two tracks, over all pairs that have enough of the page's width in common.

    Parameters
    ----------
    tracks : sequence of Track
    slope : float
        Slope of the rows, mm per mm, positive if rows fall to the right. If they do, the same moment is farther to the left in a lower row.

    Returns
    -------
    float or None
        None if there is no such pair.
    """
    from scipy.ndimage import gaussian_filter1d

    # The path's extent along y within each column of pixels, which is large where the trace is steep.
    climbs = [
        (track.path.left_mm, gaussian_filter1d(track.path.bottom_mm - track.path.top_mm, _BEAT_MM * track.path.scale)) for track in tracks
    ]
    found = []
    for (one, (left, climb)), (other, (other_left, other_climb)) in combinations(zip(tracks, climbs, strict=True), 2):
        left_by = slope * (other.level_mm - one.level_mm)  # Distance in mm by which the same moment is farther left in the other track.
        # Smoothing makes all tracks less steep near their ends, so tracks that begin and end together would seem to beat together.
        first = max(one.ends_mm[0], other.ends_mm[0] + left_by) + _ENDS_MM
        last = min(one.ends_mm[1], other.ends_mm[1] + left_by) - _ENDS_MM
        if last - first >= _LEAST_MM:
            count = int((last - first) * one.path.scale)
            start, other_start = (max(round((x - at) * one.path.scale), 0) for x, at in ((first, left), (first - left_by, other_left)))
            part, other_part = climb[start : start + count], other_climb[other_start : other_start + count]
            shown = min(len(part), len(other_part))
            found.append(correlation(part[:shown], other_part[:shown]))
    return float(np.mean(found)) if found else None


def swing(signal: np.ndarray, fs: float) -> np.ndarray:
    """Steepness (n,) of a signal, smoothed and divided by the standard deviation of this steepness, so that all leads count equally.

    0 if fewer than two samples were read.
    """
    from scipy.ndimage import gaussian_filter1d

    known = np.flatnonzero(np.isfinite(signal))
    if len(known) < 2:
        return np.zeros(len(signal))
    whole = np.interp(np.arange(len(signal)), known, signal[known].astype(np.float64))  # Gaps are filled: their ends are no beats.
    steepness = gaussian_filter1d(np.abs(np.gradient(whole)), _BEAT_S * fs)
    return np.asarray(steepness / max(float(steepness.std()), 1e-9))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of two signals (n,); 0 if one of them is constant or they have fewer than three samples."""
    if len(a) < 3:
        return 0.0
    a, b = (values - values.mean(dtype=np.float64) for values in (a, b))
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > _CONSTANT else 0.0
