"""Upper limits for recipes, shots and texts: far above what a page needs, and far below what would take all memory or time."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from fastecg.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_ARTIFACTS = 200  # Largest number of artifacts of a shot, and of slots of a recipe.
MOST_HEADER_LINES = 40  # Largest number of a user's lines in a header.
MOST_NOTES = 10_000  # Largest number of a user's notes.
LONGEST_LINE = 200  # Largest number of characters of a note, a header line, or any other words on a page.
LONGEST_TEXT = MOST_NOTES * (LONGEST_LINE + 1)  # Largest number of characters of a value of a recipe or shot: all notes together.
_MOST_VALUES = 20_000  # Largest number of values in a recipe or shot.
_DEEPEST = 16  # Largest depth of nested tables.
_LARGEST = 2**63  # Integers of TOML are from the negative of this number to one less than this number.

# Matches a dotted name of more than `_DEEPEST` parts. The time that the TOML reader takes grows with the square of the number of parts.
_DEEP_NAME = re.compile(rf"""(?<![\w'"-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{_DEEPEST}}}""")


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML text.

    Raises
    ------
    RecipeError
        If a dotted name has too many parts. This is checked before the TOML reader makes nested tables of it.
    ValueError, RecursionError
        If it is no TOML. A number of thousands of digits is a ValueError, too.
    """
    if _DEEP_NAME.search(text):
        raise RecipeError(f"a name has more than {_DEEPEST} parts, expected tables in tables no deeper than that")
    return tomllib.loads(text)


def check_values(table: Any) -> None:
    """Raise a `RecipeError` if plain data has too many values, is nested too deeply, or has numbers or strings that are too long."""
    waiting, count = [(table, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if count > _MOST_VALUES or depth > _DEEPEST:
            raise RecipeError(f"it has more than {_MOST_VALUES} values, or tables deeper than {_DEEPEST}, expected a recipe or shot")
        if isinstance(value, Mapping):
            waiting += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list | tuple):
            waiting += [(item, depth + 1) for item in value]
        elif isinstance(value, str):
            _check_text(value)
        elif isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            raise RecipeError("a whole number has more than 64 bits, expected a smaller one")


def check_artifacts(given: Any, what: str) -> None:
    """Raise a `RecipeError` if there are more artifacts or slots than `MOST_ARTIFACTS`; the message calls them `what`."""
    if len(given) > MOST_ARTIFACTS:
        raise RecipeError(f"it has {len(given)} {what}, expected at most {MOST_ARTIFACTS}")


def check_lines(lines: Sequence[str], what: str, most: int) -> None:
    """Raise a `RecipeError` if there are more lines than `most`, or a line is too long; the message calls them `what`."""
    if len(lines) > most:
        raise RecipeError(f"there are {len(lines)} {what}, expected at most {most}")
    for line in lines:
        _check_text(line)
    longest = max(map(len, lines), default=0)
    if longest > LONGEST_LINE:
        raise RecipeError(f"one of the {what} has {longest} characters, expected at most {LONGEST_LINE}")


def _check_text(text: str) -> None:
    """Raise a `RecipeError` if a text is too long, or is not valid Unicode."""
    if len(text) > LONGEST_TEXT:
        raise RecipeError(f"a text has {len(text)} characters, expected at most {LONGEST_TEXT}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise RecipeError(f"{text[:20]!r} holds half a character, expected text that UTF-8 can write") from None
