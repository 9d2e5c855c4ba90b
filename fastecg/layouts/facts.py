"""`Facts`: what a machine prints about a recording. Everything but the heart rate is made up.

The heart rate is measured on the signal. Nothing else is taken from the record, neither its name nor its header. Identifiers, dates and
initials are random, so a page cannot show those of a patient.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from fastecg.errors import RecipeError
from fastecg.recipes.limits import LONGEST_LINE, MOST_HEADER_LINES, check_lines
from fastecg.record import Record

_LETTERS = "ABCDEFGHJKLMNPRSTVWZ"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FINDINGS = (
    "Nonspecific T wave abnormality",
    "Nonspecific ST abnormality",
    "Left axis deviation",
    "Possible left atrial enlargement",
    "Low voltage QRS",
    "Minimal voltage criteria for LVH, may be normal variant",
    "Incomplete right bundle branch block",
    "Possible Inferior infarct, age undetermined",
    "Early repolarization",
    "ST & T wave abnormality, consider lateral ischemia",
    "Cannot rule out Anterior infarct, age undetermined",
)
_MOST_MV = 1e15
_WARNING = "*** Poor data quality, interpretation may be adversely affected"


@dataclass(frozen=True)
class Facts:
    """Printed measurements and made-up administration; plain values, ready for JSON. Intervals in ms, axes in degrees."""

    rate: int
    pr_ms: int
    qrs_ms: int
    qt_ms: int
    qtc_ms: int
    p_axis: int
    qrs_axis: int
    t_axis: int
    statements: tuple[str, ...]
    filter_low_hz: str
    filter_high_hz: int
    mains_hz: int
    number: str  # of the patient, digits
    initials: str
    age: int
    sex: str
    date: str
    time: str
    device: str
    page_words: str
    header_text: tuple[str, ...] = ()  # lines of the user's own, printed as they are

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9]{1,20}", self.number):
            raise RecipeError(f"the number of the patient is {self.number!r}, expected up to 20 digits")
        check_lines(self.header_text, "header lines", MOST_HEADER_LINES)
        check_lines(self.statements, "statements", MOST_HEADER_LINES)
        check_lines([value for value in vars(self).values() if isinstance(value, str)], "words of the header", LONGEST_LINE)


def draw_facts(rng: np.random.Generator, record: Record) -> Facts:
    """Make up the facts of one recording, its rate apart.

    Parameters
    ----------
    rng : numpy.random.Generator
    record : Record
        Only its signal is looked at. Where no regular beats are found the rate is drawn too.
    """
    drawn_rate = int(rng.integers(55, 105))
    rate = heart_rate(record) or drawn_rate
    qt = _qt_ms(rng, rate)
    qtc = round(qt / math.sqrt(60.0 / rate))
    qrs_axis = int(rng.normal(35, 35))
    return Facts(
        rate=rate,
        pr_ms=2 * int(np.clip(rng.normal(78, 11), 55, 115)),
        qrs_ms=2 * int(np.clip(rng.normal(46, 6), 35, 78)),
        qt_ms=qt,
        qtc_ms=qtc,
        p_axis=int(np.clip(rng.normal(50, 18), -20, 90)),
        qrs_axis=int(np.clip(qrs_axis, -80, 130)),
        t_axis=int(np.clip(qrs_axis + rng.normal(0, 25), -90, 180)),
        statements=_statements(rng, rate, qtc),
        filter_low_hz=str(rng.choice(["0.05", "0.15", "0.5", "0.67"])),
        filter_high_hz=int(rng.choice([35, 40, 100, 150])),
        mains_hz=int(rng.choice([50, 60])),
        **_administration(rng),
    )


def heart_rate(record: Record) -> int | None:
    """Beats a minute, counted on up to 10 s of the signal; None where no regular beats are found."""
    signal = record.signal[:, : round(10 * record.fs)]
    slope, hz = _steepness(signal, record.fs)
    if slope.size < 3 * hz or not slope.any():
        return None
    peaks = _peaks(slope, hz)
    if len(peaks) < 3:
        return None
    gaps = np.diff(peaks) / hz
    rate = round(60.0 / float(np.median(gaps)))
    return rate if 20 <= rate <= 300 else None


def _steepness(signal: np.ndarray, fs: float) -> tuple[np.ndarray, float]:
    """How steeply the leads move, summed over leads and smoothed over a QRS; at about 125 Hz."""
    step = max(1, int(fs // 125))
    # Four leads see every beat; twelve would take three times as long.
    rows = signal[:: max(1, len(signal) // 4), : signal.shape[1] // step * step]
    tame = rows.clip(-_MOST_MV, _MOST_MV)  # whose squares float32 can hold
    thin = np.nan_to_num(tame.reshape(len(rows), -1, step).mean(2))
    hz = fs / step
    if thin.shape[1] < 2:
        return np.zeros(0), hz
    energy = np.square(np.diff(thin, axis=1)).sum(0, dtype=np.float64)
    width = max(1, round(0.1 * hz))
    return np.convolve(energy, np.ones(width) / width, mode="same"), hz


def _peaks(slope: np.ndarray, hz: float) -> list[int]:
    """Places of the beats: the highest point of every stretch above a share of the usual top, 0.25 s apart at least."""
    second = max(1, round(hz))
    tops = [slope[k : k + second].max() for k in range(0, max(1, slope.size - second + 1), second)]
    above = np.flatnonzero(slope > 0.3 * float(np.median(tops)))
    peaks: list[int] = []
    for run in np.split(above, np.flatnonzero(np.diff(above) > 1) + 1):
        top = int(run[slope[run].argmax()]) if run.size else -1
        if top >= 0 and (not peaks or top - peaks[-1] >= 0.25 * hz):
            peaks.append(top)
    return peaks


def _qt_ms(rng: np.random.Generator, rate: int) -> int:
    """A QT that goes with the rate: Bazett's formula backwards from a likely QTc, held where Bazett overcorrects."""
    qtc = float(np.clip(rng.normal(420, 24), 360, 500))
    return 2 * round(float(np.clip(qtc * math.sqrt(60.0 / rate), 220, 560)) / 2)


def _statements(rng: np.random.Generator, rate: int, qtc_ms: int) -> tuple[str, ...]:
    """Statements that do not contradict the printed rate and QTc."""
    rhythm = "Sinus bradycardia" if rate < 60 else "Sinus tachycardia" if rate > 100 else "Normal sinus rhythm"
    lines = [_WARNING] if rng.random() < 0.12 else []
    if rng.random() < 0.15:
        rhythm = rhythm.replace("Normal sinus rhythm", "Sinus rhythm") + " with sinus arrhythmia"
    lines.append(rhythm)
    findings = [str(line) for line in rng.choice(_FINDINGS, int(rng.integers(0, 3)), replace=False)]
    findings += ["Prolonged QT"] if qtc_ms > 470 else []
    lines += findings
    lines.append("Abnormal ECG" if findings else "Normal ECG" if 60 <= rate <= 100 else "Otherwise normal ECG")
    return tuple(lines)


class _Administration(TypedDict):
    number: str
    initials: str
    age: int
    sex: str
    date: str
    time: str
    device: str
    page_words: str


def _administration(rng: np.random.Generator) -> _Administration:
    """Made-up numbers, initials and dates."""
    letters = "".join(rng.choice(list(_LETTERS), 2))
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(0, 12)), int(rng.integers(1996, 2026))
    return {
        "number": "".join(str(digit) for digit in rng.integers(0, 10, 8)),
        "initials": f"{letters[0]}. {letters[1]}.",
        "age": int(rng.integers(19, 92)),
        "sex": str(rng.choice(["M", "F"])),
        "date": f"{day:02d}-{_MONTHS[month]}-{year}",
        "time": f"{int(rng.integers(0, 24)):02d}:{int(rng.integers(0, 60)):02d}:{int(rng.integers(0, 60)):02d}",
        "device": f"{int(rng.integers(0, 100)):03d}{rng.choice(list(_LETTERS))}",
        "page_words": "Page 1 of 1",
    }
