"""`ReportFields`: what a machine prints about a recording: measurements of the signal, and made-up administrative data.

Only the signal of the record is used, neither its name nor its header. Identifiers, dates and initials are random, so that a page cannot
show those of a patient.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from fastecg.errors import RecipeError
from fastecg.layouts.measured import Measured, measured
from fastecg.recipes.limits import LONGEST_LINE, MOST_HEADER_LINES, check_lines
from fastecg.record import Record
from fastecg.styles.style import CLOCK_FORM, DATE_FORM

#: Letters of made-up initials and codes: capitals without I and O, which look like digits, and without Q, U, X and Y.
LETTERS = "ABCDEFGHJKLMNPRSTVWZ"
#: Months as machines and offices print them.
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

#: How much of the administrative data a header shows, and the share of pages on which it does. Many show nothing, as published pages do.
SHOWS = {"all": 0.35, "labels": 0.2, "nothing": 0.45}
_NEUTRAL = ("Unconfirmed report", "Analysis not possible", "Undetermined rhythm")  # Statements about an ECG that could not be measured.
_USUAL_T_AXIS = -15, 105  # Range in degrees; an ECG with a T axis outside it is not normal.
_WARNING = "*** Poor data quality, interpretation may be adversely affected"


@dataclass(frozen=True)
class ReportFields:
    """Measurements and made-up administrative data as they are printed. Intervals are in ms, axes in degrees; all fit into JSON."""

    rate: int  # beats per minute
    pr_ms: int
    qrs_ms: int
    qt_ms: int
    qtc_ms: int  # QT corrected for the rate by Bazett's formula
    p_axis: int
    qrs_axis: int
    t_axis: int
    statements: tuple[str, ...]
    filter_low_hz: str
    filter_high_hz: int
    mains_hz: int
    number: str  # the patient's number, digits
    initials: str
    age: int
    sex: str
    date: str
    time: str
    device: str
    page_words: str
    header_text: tuple[str, ...] = ()  # the user's own lines, which are printed as they are
    shows: str = "all"  # how much administrative data is printed: "all", "labels" without values, or "nothing"

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9]{1,20}", self.number):
            raise RecipeError(f"the number of the patient is {self.number!r}, expected up to 20 digits")
        if self.shows not in SHOWS:
            raise RecipeError(f"the header shows {self.shows!r}, expected one of {', '.join(SHOWS)}")
        check_lines(self.header_text, "header lines", MOST_HEADER_LINES)
        check_lines(self.statements, "statements", MOST_HEADER_LINES)
        check_lines([value for value in vars(self).values() if isinstance(value, str)], "words of the header", LONGEST_LINE)


def sample_report_fields(
    rng: np.random.Generator, record: Record, date_form: str = DATE_FORM, clock_form: str = CLOCK_FORM
) -> ReportFields:
    """Measure a recording, and make up its administrative data.

    Parameters
    ----------
    rng : numpy.random.Generator
    record : Record
        Only its signal is used. Values that cannot be measured (the rate if there are no beats, axes without leads I and II) are random.
        Without P waves, `pr_ms` and `p_axis` are 0, and pages have "*" in their places.
    date_form, clock_form : str
        The machine's formats of dates and times, which are the same on all of its pages.
    """
    found = measured(record)
    sampled_rate = int(rng.integers(55, 105))
    axis = int(np.clip(rng.normal(35, 35), -25, 95))
    usual = {
        "rate": sampled_rate,
        "pr_ms": 2 * int(np.clip(rng.normal(78, 11), 60, 100)),
        "qrs_ms": 2 * int(np.clip(rng.normal(46, 6), 36, 58)),
        "p_axis": int(np.clip(rng.normal(50, 18), -20, 90)),
        "qrs_axis": axis,
        "t_axis": int(np.clip(axis + rng.normal(0, 25), *_USUAL_T_AXIS)),
    }
    facts = {name: getattr(found, name) if getattr(found, name) is not None else value for name, value in usual.items()}
    if found.qrs_ms is not None and not found.has_p:
        facts["pr_ms"] = facts["p_axis"] = 0
    sampled_qt = _qt_ms(rng, facts["rate"])
    qt = found.qt_ms if found.qt_ms is not None and 240 <= found.qt_ms <= 600 else sampled_qt
    facts |= {"qt_ms": qt, "qtc_ms": round(qt / math.sqrt(60.0 / facts["rate"]))}
    return ReportFields(
        rate=facts["rate"],
        pr_ms=facts["pr_ms"],
        qrs_ms=facts["qrs_ms"],
        qt_ms=qt,
        qtc_ms=facts["qtc_ms"],
        p_axis=facts["p_axis"],
        qrs_axis=facts["qrs_axis"],
        t_axis=facts["t_axis"],
        statements=_statements(rng, found, facts),
        filter_low_hz=("0.05", "0.15", "0.5", "0.67")[rng.integers(0, 4)],
        filter_high_hz=(35, 40, 100, 150)[rng.integers(0, 4)],
        mains_hz=(50, 60)[rng.integers(0, 2)],
        **_administration(rng, date_form, clock_form),
    )


def sample_date(rng: np.random.Generator) -> str:
    """A made-up date, as "07 MAR 2011"."""
    return f"{int(rng.integers(1, 29)):02d} {MONTHS[int(rng.integers(12))]} {int(rng.integers(1996, 2026))}"


def _qt_ms(rng: np.random.Generator, rate: int) -> int:
    """A random QT interval in ms for a rate, by Bazett's formula from a likely QTc; limited, as Bazett overcorrects extreme rates."""
    qtc = float(np.clip(rng.normal(420, 24), 360, 465))
    return 2 * round(float(np.clip(qtc * math.sqrt(60.0 / rate), 220, 560)) / 2)


def _statements(rng: np.random.Generator, found: Measured, facts: dict[str, int]) -> tuple[str, ...]:
    """The statements of a machine: sometimes a warning, the rhythm, up to three findings, mostly a verdict. None contradicts `found`.

    If no rate was measured, one neutral statement takes the place of rhythm, findings and verdict.
    """
    lines = [_WARNING] if rng.random() < 0.08 else []
    if found.rate is None:
        return (*lines, str(rng.choice(_NEUTRAL)))
    findings = _findings(found, facts)
    rhythm = _rhythm(found, facts)
    if found.st_up:  # An ECG with elevated ST segments is not normal, whatever else was measured.
        rhythm = rhythm.replace("Normal sinus", "Sinus")
    lines += [rhythm, *findings[:3]]
    if rng.random() < 0.12:  # some machines print no verdict
        return tuple(lines)
    unremarkable = found.regular and found.has_p and not findings and found.early != "wide"
    normal = unremarkable and 60 <= facts["rate"] <= 100 and 120 <= facts["pr_ms"] <= 210
    return (*lines, "Normal ECG" if normal else "Otherwise normal ECG" if unremarkable else "Abnormal ECG")


def _rhythm(found: Measured, facts: dict[str, int]) -> str:
    """The statement about the rhythm."""
    rate, slow, fast = facts["rate"], facts["rate"] < 60, facts["rate"] > 100
    wide = facts["qrs_ms"] >= 120
    if not found.has_p:
        if not found.regular:
            pace = "rapid" if fast else "slow" if slow else ""
            return "Atrial fibrillation" + (f" with {pace} ventricular response" if pace else "")
        if wide:
            return "Wide QRS tachycardia" if fast else "Wide QRS rhythm"
        return "Supraventricular tachycardia" if rate > 140 else "Undetermined rhythm"
    rhythm = "Sinus bradycardia" if slow else "Sinus tachycardia" if fast else "Normal sinus rhythm"
    added = ""
    if found.early:
        added = f" with premature {'ventricular' if found.early == 'wide' else 'atrial'} complexes"
    elif not found.regular:
        added = " with marked sinus arrhythmia"
    elif facts["pr_ms"] > 210:
        added = " with 1st degree A-V block"
    elif facts["pr_ms"] < 120:
        added = " with short PR interval"
    return rhythm.replace("Normal sinus", "Sinus") + added if added else rhythm


def _findings(found: Measured, facts: dict[str, int]) -> list[str]:
    """Statements about what is unusual in the average beat."""
    lines = []
    if facts["qrs_ms"] >= 120:
        branch = f"{found.block.capitalize()} bundle branch block" if found.block else "Nonspecific intraventricular block"
        lines.append(branch)
    if found.qrs_axis is not None and not -30 <= found.qrs_axis <= 100:
        left = -90 <= found.qrs_axis < -30
        lines.append("Left axis deviation" if left else "Rightward axis" if 100 < found.qrs_axis <= 180 else "Northwest axis")
    lines += [f"ST elevation, consider {wall} injury" for wall in found.st_up[:1]]
    if not found.st_up:
        lines += [f"T wave abnormality, consider {wall} ischemia" for wall in found.t_down[:1]]
        if found.t_axis is not None and not found.t_down and not _USUAL_T_AXIS[0] <= found.t_axis <= _USUAL_T_AXIS[1]:
            lines.append("Nonspecific T wave abnormality")
    if found.limb_mv is not None and found.limb_mv < 0.5:
        everywhere = found.chest_mv is not None and found.chest_mv < 1.0
        lines.append("Low voltage QRS" if everywhere else "Low voltage QRS in limb leads")
    return [*lines, "Prolonged QT"] if facts["qtc_ms"] > 470 else lines


class _Administration(TypedDict):
    number: str
    initials: str
    age: int
    sex: str
    date: str
    time: str
    device: str
    page_words: str
    shows: str


def _administration(rng: np.random.Generator, date_form: str, clock_form: str) -> _Administration:
    """Made-up administrative data: numbers, initials, dates and the like."""
    letters = [LETTERS[k] for k in rng.integers(0, len(LETTERS), 2)]
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(0, 12)), int(rng.integers(1996, 2026))
    hour, minute, second = (int(rng.integers(0, most)) for most in (24, 60, 60))
    return {
        "number": "".join(str(digit) for digit in rng.integers(0, 10, int(rng.integers(5, 11)))),
        "initials": f"{letters[0]}. {letters[1]}.",
        "age": int(rng.integers(19, 92)),
        "sex": "MF"[rng.integers(0, 2)],
        "date": date_form.format(day=day, month=month + 1, name=MONTHS[month], year=year),
        "time": clock_form.format(hour=hour, minute=minute, second=second),
        "device": f"{int(rng.integers(0, 100)):03d}{LETTERS[rng.integers(0, len(LETTERS))]}",
        "page_words": "Page 1 of 1",
        "shows": str(rng.choice(list(SHOWS), p=list(SHOWS.values()))),
    }
