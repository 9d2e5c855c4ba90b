"""Measure a recording as a machine does: rate, rhythm, intervals, axes, and what is unusual about the average beat.

The measurements are rough, as those of machines are. Values that cannot be measured are None; what a page prints in their place is made up
by `report_fields.sample_report_fields`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fastecg.leads import LIMB_SHARES
from fastecg.record import Record

_MEASURED_S = 10.0  # Length of the record that is measured: as much as a page shows.
_BEFORE_S = 0.40  # Length of the average beat before the steepest point of its QRS complex.
_AFTER_S = 0.56  # Length of the average beat after the steepest point of its QRS complex.
_HZ = 250.0  # Sampling frequency of the average beat. Its step, 4 ms, is as fine as the values that machines print.
_MOST_MV = 1e15  # Largest voltage of either sign, mV. Voltages beyond are set to this, so that float32 can hold their squares.
_RATES = (20, 300)  # Range of heart rates, beats per minute.
_ON_TIME = 0.12  # A beat is on time if its interval differs from the usual one by less than this share of it.
_STRANGE = 0.4  # A beat whose correlation with the average beat is below this does not start in the same place of the heart.
_SLOW_SHARE = 0.04  # Minimum squared steepness of a wide complex, as a share of a usual beat's. T waves have about 0.01.
_QUIET = 0.07  # The dipole (all leads together) rests if its speed is below this share of its highest speed in the QRS complex.
_LEAST_P_MV = 0.045  # Minimum height of a P wave over all leads; less is noise.
_DIPOLE = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")  # Independent leads, from which the others follow.

#: Walls of the heart, and the leads that look at each.
WALLS = {"inferior": ("II", "III", "aVF"), "anterior": ("V2", "V3", "V4"), "lateral": ("I", "aVL", "V5", "V6")}


@dataclass(frozen=True)
class Measured:
    """Measurements of a recording: times in ms, axes in degrees, voltages in mV; None or empty for what cannot be measured."""

    rate: int | None = None  # beats per minute, from the median interval; if the rhythm is irregular without slow beats, from the mean one
    regular: bool = True
    early: str = ""  # if some beats are premature, whether they are "wide" or "narrow"
    pr_ms: int | None = None
    qrs_ms: int | None = None
    qt_ms: int | None = None
    p_axis: int | None = None
    qrs_axis: int | None = None
    t_axis: int | None = None
    has_p: bool = False
    limb_mv: float | None = None  # largest QRS complex of the limb leads, from peak to peak
    chest_mv: float | None = None  # largest QRS complex of the chest leads, from peak to peak
    block: str = ""  # the bundle branch that seems blocked, "left" or "right"
    st_up: tuple[str, ...] = ()  # walls with elevated ST segments
    t_down: tuple[str, ...] = ()  # walls with inverted T waves


def measured(record: Record) -> Measured:
    """Measure the first 10 s of a record.

    Nothing is measured in less than 3 s or from fewer than three beats; with fewer than two leads of `_DIPOLE` or below 50 Hz, only the
    rhythm is.

    Parameters
    ----------
    record : Record
        It may have any leads; axes need I and II.
    """
    return _measured(record.signal[:, : round(_MEASURED_S * record.fs)].tobytes(), record.fs, record.leads)


@lru_cache(maxsize=16)
def _measured(millivolts: bytes, fs: float, leads: tuple[str, ...]) -> Measured:
    """What `measured` returns, for the bytes of a signal (leads, samples) float32. It is kept for the next variants of the page."""
    signal = np.frombuffer(millivolts, np.float32).reshape(len(leads), -1)
    slope, hz = _steepness(signal, fs)
    if slope.size < 3 * hz or not slope.any():  # shorter than 3 s, or flat
        return Measured()
    peaks = _peaks(slope, hz)
    if len(peaks) < 3:
        return Measured()
    gaps = np.diff(peaks) / hz
    usual = float(_median(gaps))
    rate = round(60.0 / usual)
    if not _RATES[0] <= rate <= _RATES[1]:
        return Measured()
    deviation = gaps / usual - 1.0  # of each interval, as a share of the usual one; negative if the beat after it is early
    regular = float(np.mean(np.abs(deviation) < _ON_TIME)) > 0.8
    names = [lead for lead in _DIPOLE if lead in leads]
    has_slow = _has_slow_beats(slope, peaks, gaps, usual, hz)
    # Slow beats are not among the peaks. If there are some, the mean interval is too long, so the rate stays that of the median.
    if not regular and not has_slow:
        rate = round(60.0 / float(np.mean(gaps)))
    rhythm = Measured(rate=rate, regular=regular, early="wide" if has_slow else "")
    if len(names) < 2 or fs < 50.0:
        return rhythm
    beats, indices = _beats_in(signal[[leads.index(lead) for lead in names]], fs, np.array(peaks) / hz, usual)
    if len(beats) < 2:
        return rhythm
    # A beat is on time if the interval before it is usual. Nothing is known of the interval before the first beat, which counts as on time.
    on_time = np.concatenate([[True], np.abs(deviation) < _ON_TIME])[indices]
    chosen = beats[on_time] if on_time.sum() >= 2 else beats
    average = _median(chosen)
    early = rhythm.early
    if not early and float(np.mean(np.abs(deviation) < _ON_TIME)) >= 0.4:
        # The beats that come early by more than 2 * `_ON_TIME` and by more than 1 * `_ON_TIME` of the usual interval.
        clearly, slightly = (beats[np.concatenate([[False], deviation < -limit * _ON_TIME])[indices]] for limit in (2, 1))
        early = _kind_of_early(clearly, slightly, average)
    halves = _median(chosen[::2]), _median(chosen[1::2])
    return _with_beat(average, halves, names, usual, rhythm, early)


def _steepness(signal: np.ndarray, fs: float) -> tuple[np.ndarray, float]:
    """The squared steepness, summed over some leads and smoothed over 0.1 s, the length of a QRS complex; and its sampling frequency in Hz.

    The frequency is that of the record, divided by a whole number so that it is from 125 to 250 Hz; a lower one is kept. The steepness is
    empty if there are fewer than two samples of this frequency.
    """
    step = max(1, int(fs // 125))  # number of samples that are averaged
    # Every beat is seen in four leads; twelve would take three times as long. Of fewer than eight leads, all are taken; of 11, six.
    rows = signal[:: max(1, len(signal) // 4), : signal.shape[1] // step * step]
    averaged = _means(rows.clip(-_MOST_MV, _MOST_MV), step)
    hz = fs / step
    if averaged.shape[1] < 2:
        return np.zeros(0), hz
    energy = np.square(np.diff(averaged, axis=1)).sum(0, dtype=np.float64)
    width = max(1, round(0.1 * hz))
    return np.convolve(energy, np.ones(width) / width, mode="same"), hz


def _means(rows: np.ndarray, step: int) -> np.ndarray:
    """Means of every `step` neighbouring samples of each of `rows` (leads, samples), 0 where one of them is NaN."""
    # This takes a tenth of the time of `mean` along such a short axis.
    return np.nan_to_num(sum(rows[:, k::step] for k in range(step)) / rows.dtype.type(step))


def _median(values: np.ndarray) -> np.ndarray:
    """Median along the first axis, such as that of beats (beats, leads, samples), which has at least one element.

    It takes a third of the time of `numpy.median`, and of a few numbers a fifth.
    """
    ordered = np.sort(values, axis=0)
    return np.asarray(0.5 * (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]))


def _peaks(slope: np.ndarray, hz: float) -> list[int]:
    """Indices of the beats in `slope`: maxima of stretches above 0.3 of the usual height of beats, at least 0.25 s after the beat before.

    The usual height is the median over all seconds of the highest value in a second.
    """
    second = max(1, round(hz))
    tops = [slope[k : k + second].max() for k in range(0, max(1, slope.size - second + 1), second)]
    above = np.flatnonzero(slope > 0.3 * float(_median(np.array(tops))))
    if not above.size:
        return []
    ends = np.flatnonzero(np.diff(above) > 1)
    peaks: list[int] = []
    for first, last in zip(above[[0, *(ends + 1)]].tolist(), above[[*ends, -1]].tolist(), strict=True):
        top = first + int(slope[first : last + 1].argmax())
        if not peaks or top - peaks[-1] >= 0.25 * hz:
            peaks.append(top)
    return peaks


def _has_slow_beats(slope: np.ndarray, peaks: list[int], gaps: np.ndarray, usual_s: float, hz: float) -> bool:
    """Whether there are wide complexes in long gaps between beats: steeper than T waves, but less steep than the beats."""
    top = float(_median(slope[peaks]))
    # Each gap is searched from 0.3 s after one beat to 0.12 s before the next, where neither of their QRS complexes is.
    for k in np.flatnonzero(gaps > 1.4 * usual_s):
        between = slope[peaks[k] + round(0.3 * hz) : peaks[k + 1] - round(0.12 * hz)]
        if between.size and between.max() > _SLOW_SHARE * top:
            return True
    return False


def _beats_in(rows: np.ndarray, fs: float, peaks_s: np.ndarray, usual_s: float) -> tuple[np.ndarray, np.ndarray]:
    """The beats that lie completely in `rows` (leads, samples), as (beats, leads, samples) at 250 Hz, and their indices among `peaks_s`."""
    step = max(1, round(fs / _HZ))
    hz = fs / step
    averaged = _means(rows[:, : rows.shape[1] // step * step].clip(-_MOST_MV, _MOST_MV).astype(np.float64), step)
    # If the heart is fast, beats are shorter, so that they hold little of the beats beside them.
    before, after = (round(min(length, share * usual_s) * hz) for length, share in ((_BEFORE_S, 0.45), (_AFTER_S, 0.75)))
    middle = np.rint(peaks_s * hz).astype(int)
    inside = np.flatnonzero((middle >= before) & (middle + after <= averaged.shape[1]))
    indices = middle[inside, None] + np.arange(-before, after)
    beats = np.moveaxis(averaged[:, indices], 0, 1)
    # Interpolated to exactly 250 Hz, so that a number of samples is the same time in all records.
    count = max(2, round((before + after) / hz * _HZ))
    if count != beats.shape[2] and beats.size:
        position = np.linspace(0, beats.shape[2] - 1, count)
        left = np.minimum(position.astype(int), beats.shape[2] - 2)
        beats = beats[..., left] + (position - left) * (beats[..., left + 1] - beats[..., left])
    return beats, inside


def _kind_of_early(clearly: np.ndarray, slightly: np.ndarray, average: np.ndarray) -> str:
    """Whether premature beats resemble the average beat ("narrow") or not ("wide"); "" if there are none.

    Beats that are `clearly` early (beats, leads, samples) are premature. Those in `slightly`, which has these too, may be premature beats
    of a fast heart, or early by chance. If one of them does not resemble the average beat at all, the answer is "wide".
    """
    if any(_correlation(average, beat) < _STRANGE for beat in slightly):
        return "wide"
    if not len(clearly):
        return ""
    return "narrow" if _correlation(average, _median(clearly)) > 0.75 else "wide"


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two beats (leads, samples) over all leads; the mean of each lead is subtracted before."""
    a, b = (values - values.mean(axis=-1, keepdims=True) for values in (one, other))
    return float((a * b).sum() / max(math.sqrt(float((a**2).sum() * (b**2).sum())), 1e-12))


def _with_beat(
    average: np.ndarray, halves: tuple[np.ndarray, np.ndarray], names: list[str], usual_s: float, known: Measured, early: str
) -> Measured:
    """Add measurements of the average beat, (leads, samples) at 250 Hz, to the `known` ones.

    `names` are the leads of `average`; `halves` are averages over the even and over the odd beats. If no QRS complex of a possible width is
    found, only the `known` measurements are returned.
    """
    ms = 1000.0 / _HZ  # Duration of a sample in ms: 4. All indices and numbers of samples below are of such samples.
    # Speed of the dipole, mV per sample over all leads.
    speed = np.sqrt(np.square(np.diff(average, axis=1)).sum(axis=0))
    speed = np.convolve(speed, np.full(3, 1 / 3), mode="same")
    start = min(round(min(_BEFORE_S, 0.45 * usual_s) * _HZ), len(speed) - 1)
    near = slice(max(start - 20, 0), start + 20)
    top = near.start + int(speed[near].argmax())
    on, off = _complex_end(speed, top, -1), _complex_end(speed, top, 1)
    qrs_ms = round((off - on) * ms)
    if not 48 <= qrs_ms <= 216:  # Narrower or wider ones are noise, or no complexes.
        return known
    # The isoelectric level is taken just before the QRS complex.
    level = average - average[:, max(on - 7, 0) : max(on - 2, 1)].mean(axis=1, keepdims=True)
    leads = dict(zip(names, level, strict=True))
    if "I" in leads and "II" in leads:
        leads |= {name: a * leads["I"] + b * leads["II"] for name, (a, b) in LIMB_SHARES.items()}
    size = np.sqrt(np.square(level).sum(axis=0))
    t_peak, t_end = _t_wave(size, off)
    p_start, p_peak, p_mv = _p_wave(level, on)
    # The wave counts as a P wave only if the averages over the two halves of the beats are alike there. They differ there if atrial waves
    # are independent of the ventricles.
    window = slice(max(p_peak - 14, 0), min(p_peak + 14, on - 2))
    found_p = p_mv > _LEAST_P_MV and _correlation(*(half[:, window] for half in halves)) > (0.5 if known.regular else 0.8)
    pr_ms = round((on - p_start) * ms) if found_p else None
    wide = qrs_ms >= 120
    sizes = dict(zip(leads, np.ptp(np.array(list(leads.values()))[:, on : off + 1], axis=1).tolist(), strict=True))
    limbs, chest = ([mv for name, mv in sizes.items() if name.startswith("V") == is_chest] for is_chest in (False, True))
    st = {name: float(row[min(off + 10, len(row) - 1)]) for name, row in leads.items()}  # mV, 40 ms after the complex
    t = {name: float(row[t_peak]) for name, row in leads.items()} if t_peak else {}
    return Measured(
        rate=known.rate, regular=known.regular, early=early,
        pr_ms=pr_ms, qrs_ms=2 * round(qrs_ms / 2), qt_ms=2 * round((t_end - on) * ms / 2) if t_peak else None,
        p_axis=_axis(leads, p_peak - 4, p_peak + 5) if found_p else None,
        qrs_axis=_axis(leads, on, off + 1),
        t_axis=_axis(leads, t_peak - 8, t_peak + 9) if t_peak else None,
        has_p=found_p, limb_mv=max(limbs) if len(limbs) == 6 else None, chest_mv=max(chest) if len(chest) == 6 else None,
        block=_block(leads, on, off) if wide else "",
        st_up=_walls({name: mv > (0.2 if name in ("V2", "V3") else 0.1) for name, mv in st.items()}) if not wide else (),
        t_down=_walls({name: mv < -0.1 for name, mv in t.items()}) if not wide else (),
    )  # fmt: skip


def _complex_end(speed: np.ndarray, top: int, way: int) -> int:
    """The index at which a QRS complex ends, or begins if `way` is -1.

    From `top` on in this direction, it is the first at which the dipole rests for 16 ms, at most 120 ms away. `speed` is the dipole's speed
    in mV a sample, `top` the index of its highest value in the complex.
    """
    values = speed.tolist()  # a list, because arrays of four numbers take five times as long
    quiet = _QUIET * values[top] + 0.002  # with an allowance of 0.002 mV a sample for noise
    k = top
    while 4 < k < len(values) - 5 and abs(k - top) < 30:
        if max(values[k : k + 4] if way > 0 else values[k - 3 : k + 1]) < quiet:
            break
        k += way
    return k


def _t_wave(size: np.ndarray, off: int) -> tuple[int, int]:
    """Indices of peak and end of the T wave after the QRS complex, which ends at `off`; (0, 0) if there is none.

    `size` is the magnitude over all leads, mV. The wave ends where the tangent to its steepest fall meets the level after the wave.
    """
    first = off + 20  # 80 ms after the complex
    if first + 20 >= len(size):
        return 0, 0
    smooth = np.convolve(size, np.full(7, 1 / 7), mode="same")[: len(size) - 3]
    # The next P wave may be as high as a flat T wave, so the first wave of at least 0.7 of the highest is taken. Its peak is sought in the
    # 100 ms from where it has this height, its steepest fall in the 200 ms after the peak, and the level after the wave in the 160 ms after
    # the steepest fall.
    rise = first + np.flatnonzero(smooth[first:] >= 0.7 * smooth[first:].max())[0]
    peak = rise + int(smooth[rise : rise + 25].argmax())
    fall = np.diff(smooth[peak : peak + 50])
    if len(fall) < 10 or smooth[peak] < 0.06:
        return 0, 0
    steepest = peak + int(fall.argmin())
    level = float(smooth[steepest : steepest + 40].min())
    end = steepest + (smooth[steepest] - level) / max(-float(fall.min()), 1e-6)
    return peak, min(int(end), len(size) - 1)


def _p_wave(level: np.ndarray, on: int) -> tuple[int, int, float]:
    """Start, peak and height (mV, over all leads) of the highest wave before the QRS complex, which begins at `on`.

    `level` is the beat (leads, samples) in mV. Start, peak and height are 0 if the beat begins less than 80 ms before the complex.
    """
    last = on - 8  # The peak of a P wave is at least some 35 ms before the complex ...
    if last < 12:
        return 0, 0, 0.0
    size = np.convolve(np.sqrt(np.square(level[:, :on]).sum(axis=0)), np.full(5, 1 / 5), mode="valid")
    first = max(last - 76, 4)  # ... and at most some 345 ms before it.
    hump = size[first - 4 : last - 2]  # from sample first - 2 on, since size[k] is the mean of samples k to k + 4
    peak = int(hump.argmax())
    left, right = hump[: peak + 1].min(), hump[peak:].min()
    height = float(hump[peak] - max(left, right))
    # The wave starts where it was last below 15 % of its height.
    lower = np.flatnonzero(hump[: peak + 1] < left + 0.15 * (hump[peak] - left))
    start = first - 2 + (int(lower[-1]) if lower.size else 0)
    return start, first - 2 + peak, height


def _axis(leads: dict[str, np.ndarray], first: int, stop: int) -> int | None:
    """Direction of the mean dipole of samples `first` to `stop` - 1 in the frontal plane, degrees: 0 to the left arm, 90 to the feet.

    None without leads I and II.
    """
    if "I" not in leads or "II" not in leads:
        return None
    span = slice(max(first, 0), stop)
    # In Einthoven's triangle, aVF is sqrt(3) / 2 of what a lead to the feet with the scale of lead I would be.
    across, down = float(leads["I"][span].sum()), float(leads["aVF"][span].sum()) * 2.0 / math.sqrt(3.0)
    return round(math.degrees(math.atan2(down, across)))


def _block(leads: dict[str, np.ndarray], on: int, off: int) -> str:
    """The bundle branch that is blocked, "right" or "left", by the end, the areas and the extremes of a wide complex in V1 and V6.

    I takes the place of V6 if this is missing. The result is "" if neither branch fits, or leads are missing.
    """
    late = slice(max(off - 12, on), off)  # the last 48 ms
    v1, lateral = leads.get("V1"), leads.get("V6", leads.get("I"))
    if v1 is None or lateral is None:
        return ""
    whole = float(v1[on:off].sum())
    if v1[late].mean() > 0.05 and lateral[late].mean() < 0:
        return "right"
    return "left" if whole < 0 and lateral[on:off].sum() > 0 and lateral[on:off].min() > -0.3 * lateral[on:off].max() else ""


def _walls(found: dict[str, bool]) -> tuple[str, ...]:
    """The walls of the heart of which at least two leads are True in `found`."""
    return tuple(wall for wall, names in WALLS.items() if sum(found.get(name, False) for name in names) >= 2)
