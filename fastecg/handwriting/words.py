"""Short clinical notes for ECG pages, from the templates in `phrases.txt`, with random numbers.

The findings on a page are a line of words and numbers, such as "usual sinus regular rate=74 pr=160", which `shown_by` makes from the page's
report fields. Templates that require other findings are not used on the page. If the line is empty, nothing is known of the page, and all
templates may be used.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastecg.errors import RecipeError
from fastecg.handwriting.font import NotesFont, lacking
from fastecg.handwriting.glyphs import unwritable
from fastecg.recipes.limits import MOST_NOTES, check_lines
from fastecg.system.files import read_text

if TYPE_CHECKING:
    from fastecg.layouts.report_fields import ReportFields

# How people write the leads over a wall of the heart.
_WALLS = {
    "inferior": ("II, III, aVF", "III, aVF", "inf leads"),
    "anterior": ("V2-V4", "V1-V4", "V2, V3", "ant leads"),
    "lateral": ("I, aVL", "V5-6", "I, aVL, V6", "lat leads"),
}

# How people write leads in a note.
_LEADS = (
    "V1-V3", "V2-V4", "V3-V5", "V4-V6", "V1-V4", "V1-V6", "V5-6", "V1-2", "II, III, aVF", "III, aVF", "inf leads", "I, aVL", "lat leads",
    "ant leads", "I, aVL, V6", "V2, V3", "aVR", "aVL", "V1", "V6", "inferolat", "anterolat", "septal leads", "limb leads", "post leads",
)  # fmt: skip

_FILE = Path(__file__).with_name("phrases.txt")
# Subjects of notes, and their probabilities.
_SUBJECTS = {"rhythm": 0.24, "conduction": 0.14, "ischaemia": 0.22, "action": 0.26, "status": 0.14}

_CHOICE = re.compile(r"\[([^]]*)\]")  # A choice of one of several words: [a|b].
_PLACEHOLDER = re.compile(r"\{([^}]*)\}")  # A place for a value: {rate}.


def shown_by(facts: ReportFields) -> str:
    """The findings on a page with these report fields, as a line of words and numbers."""
    said = "; ".join(facts.statements)
    pace = "slow" if facts.rate < 60 else "fast" if facts.rate > 100 else "usual"
    ectopic = "pvc" if "ventricular complexes" in said else "pac" if "atrial complexes" in said else ""
    sinus = facts.pr_ms > 0 and re.search("sinus", said, re.IGNORECASE) is not None
    walls = [wall for wall in _WALLS if f"consider {wall}" in said]
    # Names of findings, and whether the page has them. An empty name stands for no ectopic beats.
    found = {
        pace: True, "sinus": sinus and not ectopic, "af": "fibrillation" in said, "arrhythmia": "arrhythmia" in said, "early": ectopic,
        ectopic: ectopic, "regular": not (ectopic or "fibrillation" in said or "arrhythmia" in said), "p": facts.pr_ms > 0,
        "nop": facts.pr_ms == 0, "avb1": "A-V block" in said, "wide": facts.qrs_ms >= 120, "narrow": facts.qrs_ms < 120,
        "rbbb": "Right bundle" in said, "lbbb": "Left bundle" in said, "lad": "Left axis" in said, "rad": "Rightward" in said,
        "axis": 0 <= facts.qrs_axis <= 90, "longqt": facts.qtc_ms > 470, "qt": 400 <= facts.qtc_ms <= 460, "lowv": "Low voltage" in said,
        "ste": "ST elevation" in said, "noste": "ST elevation" not in said, "twi": "T wave abnormality" in said,
        **dict.fromkeys(walls, True), "normal": facts.statements[-1:] == ("Normal ECG",), "odd": "Abnormal ECG" in said,
    }  # fmt: skip
    numbers = {
        "rate": facts.rate, "pr": facts.pr_ms, "qrs": facts.qrs_ms, "qtc": facts.qtc_ms, "axis": abs(facts.qrs_axis),
        "rr": round(6000 / facts.rate) * 10,
    }  # fmt: skip
    return " ".join([name for name, yes in found.items() if name and yes] + [f"{name}={number}" for name, number in numbers.items()])


def _fits(template: str, shows: str) -> bool:
    """Whether a page has the findings that a template requires; True if nothing is known of the page."""
    return not shows or set(template.partition(" @ ")[2].split()) <= set(shows.split())


@cache
def templates() -> dict[str, tuple[str, ...]]:
    """The templates by subject, and under "remark" the words that stand beside marks.

    In a template, the findings that a page must have follow " @ ".
    """
    groups: dict[str, list[str]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        heading = re.fullmatch(r"== (\w+) ==", line)
        if heading:
            groups[heading.group(1)] = []
        elif line and not line.startswith("# "):
            groups[list(groups)[-1]].append(line)
    return {name: tuple(lines) for name, lines in groups.items()}


def phrases() -> tuple[str, ...]:
    """All phrases of notes, each once: one for every combination of a template's options, with places for values left as they are."""
    found = dict.fromkeys(made for name in _SUBJECTS for template in templates()[name] for made in _choices(template.partition(" @ ")[0]))
    return tuple(found)


def sample_phrase(rng: np.random.Generator, own: tuple[str, ...] = (), shows: str = "") -> str:
    """A random phrase with its values filled in, which does not contradict what the page `shows`; one of `own` if that is not empty.

    The subject is random. If no template of that subject fits the page, one of the subject "action" is taken.
    """
    if own:
        return str(own[int(rng.integers(len(own)))])
    group = templates()[str(rng.choice(list(_SUBJECTS), p=list(_SUBJECTS.values())))]
    fitting = [template for template in group if _fits(template, shows)] or [line for line in templates()["action"] if _fits(line, shows)]
    made = _choices(fitting[int(rng.integers(len(fitting)))].partition(" @ ")[0])
    return _PLACEHOLDER.sub(lambda placeholder: _filled(placeholder.group(1), rng, shows), made[int(rng.integers(len(made)))])


def sample_remark(rng: np.random.Generator, shows: str = "") -> str:
    """A random word or sign to be written beside a mark, which does not contradict what the page `shows`."""
    remarks = [line.partition(" @ ")[0] for line in templates()["remark"] if _fits(line, shows)]
    return remarks[int(rng.integers(len(remarks)))]


def sample_note(rng: np.random.Generator, lines: int, own: tuple[str, ...] = (), shows: str = "") -> str:
    """A note of up to `lines` different phrases, one on each line; `own` and `shows` as for `sample_phrase`."""
    # A phrase may be sampled again, so there are four attempts for every line.
    found: dict[str, None] = {}
    for _ in range(4 * lines):
        if len(found) < lines:
            found[sample_phrase(rng, own, shows)] = None
    return "\n".join(found)


def broken(words: str, longest: int = 16) -> str:
    """The words, with each line of more than `longest` characters broken in two at the space nearest to 55 % of its length, if any."""
    lines = []
    for line in words.split("\n"):
        spaces = [k for k, character in enumerate(line) if character == " "]
        if len(line) > longest and spaces:
            space = min(spaces, key=lambda k: abs(k - 0.55 * len(line)))
            line = line[:space] + "\n" + line[space + 1 :]
        lines.append(line)
    return "\n".join(lines)


def read_notes(path: str | Path, font: NotesFont | None = None) -> tuple[str, ...]:
    """Notes of the user's from a text file, one on each line; empty lines and lines that start with ``#`` and a space are ignored.

    They may have the characters of the stroke alphabet, or those of the `font` in which they will be written.

    Raises
    ------
    RecipeError
        If the file cannot be read, has no notes or too many, or a note is too long or has a character that the alphabet or the font lacks.
    """
    try:
        text = read_text(path)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}), expected a text file of notes") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: cannot be read ({error}), expected a text file of notes, in UTF-8") from None
    notes = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("# "))
    if not notes:
        raise RecipeError(f"{path}: no notes in it, expected one a line")
    try:
        check_lines(notes, "notes", MOST_NOTES)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None
    missing = unwritable("".join(notes)) if font is None else lacking("".join(notes), font)
    if missing:
        expected = "Latin letters, digits and common signs" if font is None else f"characters that {font.path} has"
        raise RecipeError(f"{path}: cannot write {' '.join(missing)!r}, expected {expected}")
    return notes


def _choices(template: str) -> list[str]:
    """The phrases that a template makes, one for every combination of its options."""
    choice = _CHOICE.search(template)
    if choice is None:
        return [template]
    head, tail = template[: choice.start()], template[choice.end() :]
    return [made for option in choice.group(1).split("|") for made in _choices(head + option + tail)]


def _filled(placeholder: str, rng: np.random.Generator, shows: str = "") -> str:
    """The value for a place in a template: a time of day, leads, the page's own number, or a random number of a range.

    `placeholder` is written as `phrases.txt` explains: "clock", "leads", "5.9-7.2", "5-60/5" (in steps of 5) or "rate 62-95".
    """
    if placeholder == "clock":
        return f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}"
    if placeholder == "leads":
        leads = [name for wall, names in _WALLS.items() if wall in shows.split() for name in names] or _LEADS
        return str(leads[int(rng.integers(len(leads)))])
    name, _, span = placeholder.rpartition(" ")
    known = re.search(rf"\b{name}=(\d+)", shows) if name else None
    if known:
        return known.group(1)
    span, _, step = span.partition("/")
    low, high = span.split("-")
    if "." in low:
        return f"{rng.uniform(float(low), float(high)):.1f}"
    return str(int(low) + int(step or 1) * int(rng.integers((int(high) - int(low)) // int(step or 1) + 1)))
