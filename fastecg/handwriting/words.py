"""What is written on ECG pages: short clinical notes from templates. No names, no dates, no places; every number is drawn.

In a template, ``[a|b]`` is one of several, ``{5-60/5}`` a number from 5 to 60 in fives, ``{5.9-7.2}`` one with a decimal,
``{clock}`` a time of day, and ``{leads}`` some leads that go together.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from fastecg.errors import RecipeError
from fastecg.handwriting.glyphs import unwritable

_LEADS = (
    "V1-V3", "V2-V4", "V3-V5", "V4-V6", "V1-V4", "V1-V6", "V5-6", "V1-2", "II, III, aVF", "III, aVF", "inf leads", "I, aVL", "lat leads", "ant leads",
    "I, aVL, V6", "V2, V3", "aVR", "aVL", "V1", "V6", "inferolat", "anterolat", "septal leads", "limb leads", "chest leads", "post leads",
)  # fmt: skip

TEMPLATES: dict[str, tuple[str, ...]] = {
    "rhythm": (
        "NSR", "NSR {55-95}", "SR", "SR {60-99}/min", "SR, no acute changes", "sinus [tachy|brady]", "sinus tachy {102-138}", "sinus brady {38-55}",
        "sinus arrhythmia", "sinus arrest?", "sinus pause {2.1-4.2} s", "AF", "AF w/ RVR", "AF {70-160}", "AF - new?", "AF, rate controlled", "AF slow response",
        "new AF", "known AF", "PAF", "? AF", "AF/flutter", "flutter 2:1", "flutter [3:1|4:1|variable block]", "atrial flutter?", "atrial tachy", "MAT?",
        "ectopics", "atrial ectopics", "vent. ectopics", "PAC", "PACs +", "PVC", "PVCs ++", "[frequent|multifocal|occ.] PVCs", "couplets", "triplets",
        "bigeminy", "trigeminy", "NSVT {3-12} beats", "SVT", "SVT {150-210}", "SVT -> SR", "AVNRT?", "AVRT?", "VT?", "VT or SVT w/ aberrancy?", "WCT - ? VT",
        "AIVR", "torsades?", "VF arrest", "paced", "V paced", "A-V paced", "paced, good capture", "failure to capture?", "undersensing?", "pacing spikes?",
        "1° AVB", "1° HB, PR {210-340}", "2° AVB [type 1|type 2|2:1]", "Mobitz [1|2]?", "Wenckebach", "CHB", "CHB, escape {28-45}", "junctional", "junctional rhythm {40-60}",
        "ectopic atrial rhythm", "wandering pacemaker", "low atrial rhythm", "irreg irreg", "no P waves", "P waves?", "dissociated P waves",
    ),
    "conduction": (
        "LBBB", "[new|old|known] LBBB", "new LBBB?", "LBBB - Sgarbossa neg", "RBBB", "[new|known|incomplete] RBBB", "iRBBB", "RBBB + LAFB", "LAFB", "LPFB", "bifasc block",
        "trifasc block?", "IVCD", "wide QRS {120-170}", "QRS {80-168}", "long QT", "QTc {480-560}", "QTc {400-460} ok", "QT long - stop meds?", "short PR", "short QT?", "delta wave?",
        "WPW?", "PR {120-240}", "LAD", "RAD", "axis ok", "axis -{30-75}", "NW axis", "epsilon?", "Brugada pattern?", "J waves", "Osborn waves?", "low voltage", "electrical alternans?",
        "poor R wave progression", "PRWP", "clockwise rotation", "P pulmonale", "P mitrale", "LAE", "RVH?", "LVH", "LVH by voltage",
    ),
    "ischaemia": (
        "STE {leads}", "ST ↑ {leads}", "ST elev {leads}?", "STD {leads}", "ST ↓ {leads}", "STD [lat|inf|ant]", "upsloping ST", "TWI {leads}", "T inv {leads}", "biphasic T {leads}", "flat T waves",
        "inferior STEMI", "ant STEMI", "lateral STEMI?", "post MI?", "posterior leads pls", "R sided leads pls", "ant. MI old?", "old [inf|ant|lat] MI", "Q waves {leads}", "Q in III only",
        "hyperacute T?", "hyperacute T {leads}", "tall T waves", "peaked T", "Wellens?", "de Winter?", "LMS?", "LVH strain", "strain pattern", "early repol", "BER",
        "pericarditis?", "saddle ST", "PR depr", "reciprocal changes", "no recip. changes", "no acute ST changes", "no STE", "dynamic changes", "ST resolved", "ST resolution > 50 %",
        "NSTEMI", "ACS?", "isch. changes", "nonspec. ST-T", "U waves", "digoxin effect", "takotsubo?", "LV aneurysm?", "S1Q3T3", "RV strain", "?PE",
    ),
    "action": (
        "repeat ECG in {5-30/5} min", "rpt in {5-30/5} min", "repeat in 1 h", "repeat in {2-6} h", "repeat w/ pain", "repeat - artefact", "rpt after K+ corrected", "repeat leads V{1-4}R",
        "d/w cardiology", "d/w cardio reg", "d/w med reg", "cards aware", "consultant aware", "cath lab called {clock}", "cath lab activated", "PPCI", "thrombolysis?", "seen {clock}", "ECG seen {clock}", "reviewed {clock}", "shown to Dr",
        "old ECG pls", "compare prev", "c/w old", "no change from prev", "unchanged", "similar to prev", "new compared to old", "changed since last", "old ECG - same",
        "trop sent", "trop {clock}", "trop x2", "trop {12-480}", "trop neg", "trop +ve", "r/o MI", "r/o PE", "ASA given", "ASA {300-300} mg", "aspirin + clopi", "GTN s/l", "morphine given", "O2 {2-8} L",
        "K+ {5.9-7.2}", "K+ {2.3-3.2}", "K {3.4-5.4}", "check K+", "Mg?", "Mg {0.4-0.7}", "Ca?", "check U+E", "bloods sent", "gas: K+ {5.8-7.4}", "lactate {1.1-6.8}", "Hb {68-150}",
        "tele", "tele bed pls", "monitor", "for CCU", "for echo", "echo pls", "echo: EF {20-60} %", "holter {24-72/24} h", "for DCCV", "for PPM", "for angio", "admit", "d/c home", "OPD f/u", "f/u {2-6}/52", "GP letter",
        "lead reversal?", "LA/RA swapped?", "limb leads reversed", "poor quality - redo", "artefact", "tremor artefact", "baseline wander", "movement", "V{1-6} off", "V{2-5} misplaced?", "lead off", "high lat leads", "half std", "5 mm/mV !",
        "pre-op ok", "pre-op", "fit for GA", "OK", "ok", "noted", "reviewed", "reviewed ✓", "seen", "normal", "normal ECG", "WNL", "NAD", "abn", "borderline", "? sig", "non-diagnostic", "interpret w/ caution",
        "start bisoprolol {1.25-2.5} mg", "amiodarone {150-300/150} mg", "adenosine {6-12/6} mg", "metoprolol {2.5-5.0} mg iv", "hold digoxin", "hold BB", "stop QT drugs", "Ca gluconate given", "anticoag?", "start DOAC", "INR {1.9-3.6}", "vagal manoeuvres", "atropine {0.5-0.6} mg",
    ),
    "status": (
        "chest pain {3-9}/10", "CP {2-9}/10", "pain {1-9}/10", "CP resolved", "CP ongoing", "pain free", "pain free {clock}", "no CP", "onset {clock}", "with pain", "pain at {clock}", "SOB", "SOBOE", "SOB ++", "palps", "palpitations", "dizzy", "collapse ?cause",
        "post GTN", "post cardioversion", "post DCCV", "post PCI", "post lysis {30-90/30} min", "post adenosine", "post arrest", "post op day {1-5}", "post ROSC", "post exercise", "pre treatment", "during pain", "on arrival", "triage", "on amio", "on digoxin", "on BB", "on dialysis",
        "asymptomatic", "syncope", "pre-syncope", "fall", "febrile {38.1-39.9}°", "BP {88-182}/{45-105}", "BP ↓ {70-90}/{35-50}", "HR ~{45-160}", "HR ↑ {110-165}", "HR {45-130}", "SpO2 {88-100}%", "SpO2 {84-93}% RA", "RR {12-32}", "GCS {9-15}", "temp {35.2-39.4}", "BM {3.2-18.4}",
        "#1", "#2", "#{3-5}", "serial {1-3}", "ECG {1-4}", "{1-3}/3", "pt supine", "pt sitting", "pt moving", "shivering", "vent {clock}", "rate {48-155}", "R-R {480-1200/10} ms", "bed {1-30}", "PMH IHD", "known IHD", "prev CABG", "prev PCI", "PPM in situ", "ICD", "CKD", "DM, HTN", "smoker", "?overdose", "TCA OD?", "hypothermia {28-33}°",
    ),
}  # fmt: skip

_REMARKS = ("?", "??", "!", "!!", "?", "→ see", "✓", "←", "NB", "* ", "(+)", "++", "↑", "↓", "abn", "?new", "new", "old", "PVC", "P?", "ST↑", "STE?", "TWI", "Q", "T?", "look", "δ?", "art.")

_CHOICE, _SLOT = re.compile(r"\[([^]]*)\]"), re.compile(r"\{([^}]*)\}")


def phrases() -> tuple[str, ...]:
    """Every phrase with its choices made and its numbers still open."""
    found = dict.fromkeys(made for group in TEMPLATES.values() for template in group for made in _choices(template))
    return tuple(found)


def draw_phrase(rng: np.random.Generator, own: tuple[str, ...] = ()) -> str:
    """One phrase with its numbers; from one's `own` list where that is not empty."""
    if own:
        return str(own[int(rng.integers(len(own)))])
    groups = list(TEMPLATES)
    group = TEMPLATES[groups[int(rng.choice(len(groups), p=(0.24, 0.14, 0.22, 0.26, 0.14)))]]
    made = _choices(group[int(rng.integers(len(group)))])
    return _SLOT.sub(lambda slot: _filled(slot.group(1), rng), made[int(rng.integers(len(made)))])


def draw_remark(rng: np.random.Generator) -> str:
    """A word or sign beside a mark."""
    return _REMARKS[int(rng.integers(len(_REMARKS)))].strip().replace("δ", "delta")


def draw_note(rng: np.random.Generator, lines: int, own: tuple[str, ...] = ()) -> str:
    """Several phrases, one a line, none twice."""
    found: dict[str, None] = {}
    for _ in range(4 * lines):
        if len(found) < lines:
            found[draw_phrase(rng, own)] = None
    return "\n".join(found)


def read_notes(path: str | Path) -> tuple[str, ...]:
    """One's own notes from a text file, one a line; empty lines and lines that start with ``#`` and a space are left out.

    Raises
    ------
    RecipeError
        If the file cannot be read, has no notes, or a note has a character that the alphabet lacks.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({error})") from None
    notes = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("# "))
    if not notes:
        raise RecipeError(f"{path}: no notes in it, expected one a line")
    lacking = unwritable("".join(notes))
    if lacking:
        raise RecipeError(f"{path}: cannot write {' '.join(lacking)!r}, expected Latin letters, digits and common signs")
    return notes


def _choices(template: str) -> list[str]:
    """A template with every choice made."""
    choice = _CHOICE.search(template)
    if choice is None:
        return [template]
    head, tail = template[: choice.start()], template[choice.end() :]
    return [made for option in choice.group(1).split("|") for made in _choices(head + option + tail)]


def _filled(slot: str, rng: np.random.Generator) -> str:
    if slot == "clock":
        return f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}"
    if slot == "leads":
        return _LEADS[int(rng.integers(len(_LEADS)))]
    span, _, step = slot.partition("/")
    low, high = span.split("-")
    if "." in low:
        return f"{rng.uniform(float(low), float(high)):.1f}"
    return str(int(low) + int(step or 1) * int(rng.integers((int(high) - int(low)) // int(step or 1) + 1)))
