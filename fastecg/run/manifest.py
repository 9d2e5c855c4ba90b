"""The index of an output folder: ``manifest.jsonl`` has one line for each image or failed record, ``run.json`` has the options.

Whole lines are appended during the run, so that a stopped run can be resumed and shards can share a folder. A later line about an image or
a failed record replaces an earlier one, and a line about an image cancels an earlier failure of its record.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from fastecg.errors import FastecgError, RecipeError
from fastecg.recipes.limits import parse_toml
from fastecg.system.files import lines_of, parse_json, read_file
from fastecg.writers.image import write_atomic

#: File with one line for each image or failed record.
MANIFEST = "manifest.jsonl"

#: File with the options of the run.
RUN = "run.json"

#: One line of the manifest.
Line = dict[str, Any]


class Manifest:
    """The manifest of an output folder. `inherited` are the lines of the other manifests in the same store.

    Attributes
    ----------
    path : Path
        The manifest's file.
    images : dict
        The line of each image, by the image's path in the folder.
    errors : dict
        The line of each failed record, by the record's path in the folder, without suffix.
    """

    def __init__(self, folder: Path, inherited: bytes = b"") -> None:
        self.path = folder / MANIFEST
        self.images: dict[str, Line] = {}
        self._paths: dict[str, dict[str, None]] = {}  # for each record the paths of its images, in order
        self.errors: dict[str, Line] = {}
        self._torn = False  # whether the last line of the file was cut short by a crash or a full disk
        for text in inherited.splitlines():
            self._take(text)
        for text in lines_of(self.path):
            self._torn = not text.endswith(b"\n")
            self._take(text)

    def _take(self, text: bytes) -> None:
        """Add a line of a manifest's file, if it is valid."""
        with suppress(orjson.JSONDecodeError):  # The image of a line that was cut short is drawn again.
            line = orjson.loads(text)
            if _is_line(line):
                self._add(line)

    def _add(self, line: Line) -> None:
        if "error" in line:
            self.errors[line["record"]] = line
        else:
            self.images[line["path"]] = line
            self._paths.setdefault(line["record"], {})[line["path"]] = None
            self.errors.pop(line["record"], None)

    def of(self, record: str) -> list[Line]:
        """The lines of the images of a record, in the order in which the images were first listed; `record` is its path without suffix."""
        return [self.images[path] for path in self._paths.get(record, ())]

    def append(self, lines: Iterable[Line]) -> None:
        """Append lines to the file in one write, so that lines of several shards do not mix."""
        data = b""
        for line in lines:
            self._add(line)
            data += _encoded(line)
        if not data:
            return
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        data = b"\n" + data if self._torn else data
        try:
            self._torn = os.write(handle, data) < len(data)
        finally:
            os.close(handle)
        if self._torn:  # On a disk that is nearly full, only a part of the data was written.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def compact(self) -> None:
        """Rewrite the manifest with one line for each image, ordered by record, variant and page, then one for each failed record."""
        images = sorted(self.images.values(), key=lambda line: (line["record"], line["variant"], line["page"], line["path"]))
        errors = [self.errors[record] for record in sorted(self.errors)]
        write_atomic(self.path, b"".join(map(_encoded, [*images, *errors])))


_NUMBERS = ("page", "variant", "seed", "width", "height", "bytes")  # Keys of a line whose values are whole numbers.


def _is_line(line: Any) -> bool:
    """Whether this is a valid line about a record in the folder. This is checked because files that a manifest lists may be deleted."""
    if not (isinstance(line, dict) and is_below(line.get("record"))):
        return False
    if "error" in line:
        return isinstance(line["error"], str)
    numbers = all(type(line.get(name)) is int for name in _NUMBERS)
    return numbers and is_below(line.get("path")) and isinstance(line.get("recipe"), str) and isinstance(line.get("truth_bytes", {}), dict)


def is_below(name: Any) -> bool:
    """Whether this is a relative path that does not lead out of the folder. Names with a backslash or a NUL are refused too."""
    if not isinstance(name, str) or not name or any(character in name for character in "\0\\"):
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.name != ""


def _encoded(line: Line) -> bytes:
    """The line as JSON, with its line end."""
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read_options(folder: Path) -> Line | None:
    """The options of the run that filled `folder`; None for a new folder, or if a power cut left the file empty or full of zeros.

    Raises
    ------
    FastecgError
        If its ``run.json`` is not valid.
    """
    path = folder / RUN
    content = read_file(path) if path.exists() else b""
    if not content.strip(b"\0"):
        return None
    try:
        options = parse_json(content)
    except ValueError as error:
        raise FastecgError(f"{RUN}: not valid JSON ({error}), expected the options of an earlier run") from None
    if not isinstance(options, dict):
        raise FastecgError(f"{RUN}: holds no table, expected the options of an earlier run")
    return options


def write_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Write the options to ``run.json``."""
    write_atomic(folder / RUN, orjson.dumps(options, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def changed_options(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A description of every option that differs between two runs. The version of fastecg and the comments of recipes are ignored.

    The recipe's text is only mentioned if nothing else differs. Without a difference the list is empty.
    """
    names = [name for name in {**before, **now} if name != "version" and before.get(name) != now.get(name)]
    if "recipe_toml" in names and _said(before.get("recipe_toml")) == _said(now.get("recipe_toml")):
        names.remove("recipe_toml")
    described = (f"{name} {before.get(name)!r}, now {now.get(name)!r}" for name in names if name != "recipe_toml")
    return list(described) or ["the recipe's contents" for name in names]


def _said(toml: Any) -> str:
    """What a recipe's text says, without its comments, with the order of its tables; the text itself if it is no TOML."""
    try:
        return repr(parse_toml(toml))
    except (RecipeError, TypeError, ValueError, RecursionError):
        return repr(toml)
