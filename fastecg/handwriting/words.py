"""What is written on ECG pages: short clinical notes from the templates of `phrases.txt`, their numbers drawn."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np

from fastecg.errors import RecipeError
from fastecg.handwriting.font import NotesFont, lacking
from fastecg.handwriting.glyphs import unwritable
from fastecg.recipes.limits import MOST_NOTES, check_lines
from fastecg.system.files import read_text

_LEADS = (
    "V1-V3", "V2-V4", "V3-V5", "V4-V6", "V1-V4", "V1-V6", "V5-6", "V1-2", "II, III, aVF", "III, aVF", "inf leads", "I, aVL", "lat leads",
    "ant leads", "I, aVL, V6", "V2, V3", "aVR", "aVL", "V1", "V6", "inferolat", "anterolat", "septal leads", "limb leads", "post leads",
)  # fmt: skip

_FILE = Path(__file__).with_name("phrases.txt")
_SHARES = {"rhythm": 0.24, "conduction": 0.14, "ischaemia": 0.22, "action": 0.26, "status": 0.14}

_CHOICE = re.compile(r"\[([^]]*)\]")  # one of several words: [a|b]
_SLOT = re.compile(r"\{([^}]*)\}")  # a value to fill in: {rate}


@cache
def templates() -> dict[str, tuple[str, ...]]:
    """The templates by subject, and under "remark" the words beside marks."""
    groups: dict[str, list[str]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        heading = re.fullmatch(r"== (\w+) ==", line)
        if heading:
            groups[heading.group(1)] = []
        elif line and not line.startswith("# "):
            groups[list(groups)[-1]].append(line)
    return {name: tuple(lines) for name, lines in groups.items()}


def phrases() -> tuple[str, ...]:
    """Every phrase with its choices made and its numbers still open."""
    found = dict.fromkeys(made for name in _SHARES for template in templates()[name] for made in _choices(template))
    return tuple(found)


def draw_phrase(rng: np.random.Generator, own: tuple[str, ...] = ()) -> str:
    """One phrase with its numbers; from one's `own` list where that is not empty."""
    if own:
        return str(own[int(rng.integers(len(own)))])
    group = templates()[str(rng.choice(list(_SHARES), p=list(_SHARES.values())))]
    made = _choices(group[int(rng.integers(len(group)))])
    return _SLOT.sub(lambda slot: _filled(slot.group(1), rng), made[int(rng.integers(len(made)))])


def draw_remark(rng: np.random.Generator) -> str:
    """A word or sign beside a mark."""
    remarks = templates()["remark"]
    return remarks[int(rng.integers(len(remarks)))]


def draw_note(rng: np.random.Generator, lines: int, own: tuple[str, ...] = ()) -> str:
    """Several phrases, one a line, none twice."""
    found: dict[str, None] = {}
    for _ in range(4 * lines):
        if len(found) < lines:
            found[draw_phrase(rng, own)] = None
    return "\n".join(found)


def broken(words: str, longest: int = 16) -> str:
    """The words with lines of more than `longest` characters broken in two at the space next to the middle."""
    lines = []
    for line in words.split("\n"):
        spaces = [k for k, character in enumerate(line) if character == " "]
        if len(line) > longest and spaces:
            at = min(spaces, key=lambda k: abs(k - 0.55 * len(line)))
            line = line[:at] + "\n" + line[at + 1 :]
        lines.append(line)
    return "\n".join(lines)


def read_notes(path: str | Path, font: NotesFont | None = None) -> tuple[str, ...]:
    """One's own notes from a text file, one a line; empty lines and lines that start with ``#`` and a space are left out.

    They may have the characters of the stroke alphabet, or those of the `font` they are to be written in.

    Raises
    ------
    RecipeError
        If the file cannot be read, has no notes, or a note has a character that the alphabet or the font lacks.
    """
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({error})") from None
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
