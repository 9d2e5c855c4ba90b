"""The stroke alphabet as arrays: which pen points make which letter."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

_FILE = Path(__file__).with_name("glyphs.json")

#: Characters written like another one.
_ALIASES = {"^": "↑", "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "×": "x", "μ": "µ", "º": "°", "✔": "✓", "•": "."}


class Table(NamedTuple):
    """All allographs end to end; what the pen kernels read.

    `points` (p, 3) are x, y and whether the point is a sharp corner. `strokes` (s + 1,) are the first points of all strokes. `allographs`
    (a, 3) are the first stroke, the first of those that are written at the end of a word, and the stroke after the last. `extents` (a, 2)
    are the smallest and largest x.
    """

    points: np.ndarray
    strokes: np.ndarray
    allographs: np.ndarray
    extents: np.ndarray


@cache
def glyph_table() -> Table:
    """The packed alphabet."""
    points, strokes, allographs, extents = [], [0], [], []
    for written in _allographs():
        body, _, late = written.partition(";")
        first = len(strokes) - 1
        for stroke in [*body.split("|"), *(late.split("|") if late else [])]:
            points += [_point(word) for word in stroke.split()]
            strokes.append(len(points))
        after_body = first + len(body.split("|"))
        allographs.append((first, after_body, len(strokes) - 1))
        x = [point[0] for point in points[strokes[first] : strokes[after_body]]]
        extents.append((min(x), max(x)))
    return Table(np.array(points), np.array(strokes), np.array(allographs), np.array(extents))


@cache
def forms() -> dict[str, tuple[range, range]]:
    """Indices of the printed and of the cursive allographs of every character."""
    table, start = _read(), 0
    found: dict[str, list[range]] = {}
    for name in ("print", "cursive"):
        for character, allographs in table[name].items():
            found.setdefault(character, [range(0), range(0)])[name == "cursive"] = range(start, start + len(allographs))
            start += len(allographs)
    return {character: (printed, cursive) for character, (printed, cursive) in found.items()}


def spelled(words: str) -> str:
    """The words in characters of the alphabet: accents dropped, signs replaced by their likes, `->` drawn as an arrow.

    Characters that cannot be written at all are left out; see `unwritable`.
    """
    return "".join(character for character in _simplified(words) if character in forms() or character in " \n")


def unwritable(words: str) -> str:
    """The characters of the words that the alphabet lacks."""
    return "".join(sorted({character for character in _simplified(words) if character not in forms() and character not in " \n"}))


def _simplified(words: str) -> str:
    words = words.replace("->", "→").replace("<-", "←").replace("\t", " ")
    plain = "".join(_ALIASES.get(character, character) for character in words)
    return "".join(part for character in plain for part in _without_accents(character))


def _without_accents(character: str) -> str:
    if character in forms():
        return character
    return "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))


def _allographs() -> Iterator[str]:
    for name in ("print", "cursive"):
        for allographs in _read()[name].values():
            yield from allographs


@cache
def _read() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return table


def _point(word: str) -> tuple[float, float, float]:
    x, y = word.rstrip("!").split(",")
    return float(x), float(y), float(word.endswith("!"))
