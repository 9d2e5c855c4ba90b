"""The stroke alphabet as arrays: the points through which the pen goes to write each character.

An *allograph* is one of the ways to write a character.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

_FILE = Path(__file__).with_name("glyphs.json")

#: Characters that are written like another one.
_ALIASES = {"^": "↑", "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "×": "x", "μ": "µ", "º": "°", "✔": "✓", "•": "."}


class Table(NamedTuple):
    """All allographs, one after the other, as the pen kernels read them.

    Attributes
    ----------
    points : ndarray, shape (p, 3)
        x and y (up) in tenths of the x-height, and whether the point is a sharp corner.
    strokes : ndarray, shape (s + 1,)
        Index of the first point of every stroke, and p.
    allographs : ndarray, shape (a, 3)
        For every allograph its first stroke, the first of its strokes that are written at the end of the word (dots and bars), and the
        stroke after its last.
    extents : ndarray, shape (a, 2)
        Smallest and largest x of the strokes that are not written at the end of the word.
    """

    points: np.ndarray
    strokes: np.ndarray
    allographs: np.ndarray
    extents: np.ndarray


@cache
def glyph_table() -> Table:
    """The alphabet of `glyphs.json` as a table."""
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
    """For every character, the ranges of the indices of its printed and of its cursive allographs in `Table.allographs`."""
    table, start = _read(), 0
    found: dict[str, list[range]] = {}
    for name in ("print", "cursive"):
        for character, allographs in table[name].items():
            found.setdefault(character, [range(0), range(0)])[name == "cursive"] = range(start, start + len(allographs))
            start += len(allographs)
    return {character: (printed, cursive) for character, (printed, cursive) in found.items()}


def spelled(words: str) -> str:
    """The words in characters of the alphabet: without accents, with similar signs for some, and with arrows for `->` and `<-`.

    Characters that cannot be written at all are left out; see `unwritable`.
    """
    return "".join(character for character in _simplified(words) if character in forms() or character in " \n")


def unwritable(words: str) -> str:
    """The characters of the words that the alphabet lacks, each once, in order of their code points."""
    return "".join(sorted({character for character in _simplified(words) if character not in forms() and character not in " \n"}))


def _simplified(words: str) -> str:
    """The words as `spelled` gives them, but still with the characters that the alphabet lacks."""
    words = words.replace("->", "→").replace("<-", "←").replace("\t", " ")
    plain = "".join(_ALIASES.get(character, character) for character in words)
    return "".join(part for character in plain for part in _without_accents(character))


def _without_accents(character: str) -> str:
    """The character without accents, unless the alphabet has it with them; a ligature becomes several characters."""
    if character in forms():
        return character
    return "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))


def _allographs() -> Iterator[str]:
    """All allographs as they are written in the file, the printed ones first."""
    for name in ("print", "cursive"):
        for allographs in _read()[name].values():
            yield from allographs


@cache
def _read() -> dict[str, dict[str, list[str]]]:
    """The content of the file: for "print" and "cursive", the allographs of every character."""
    table: dict[str, dict[str, list[str]]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return table


def _point(word: str) -> tuple[float, float, float]:
    """A row of `Table.points` from a point as it is written in the file."""
    x, y = word.rstrip("!").split(",")
    return float(x), float(y), float(word.endswith("!"))
