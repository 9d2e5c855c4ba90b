"""Plan a run: which pictures to read, and what to call their records."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fastecg.archive.ledger import Job, Ledger, record_files
from fastecg.errors import ImageError
from fastecg.writers.wfdb import safe_name

if TYPE_CHECKING:
    from fastecg.digitizing.pictures import PictureSource

# Endings that are added to a picture's name for its mask, layers, overlay and the picture that `inspect` draws, which are not pages.
_NOT_PAGES = re.compile(r"\.(?:mask|layers|inspect)\.png|-overlay\.jpg", re.IGNORECASE)


def planned(inputs: Iterable[Path], ledger: Ledger) -> list[Job]:
    """One job for each picture file, with a unique name of its record. Raises an `ImageError` if there is no picture.

    Outputs of earlier runs are left out. Hidden files, masks and overlays are left out as well, unless `inputs` names the file itself.
    """
    from fastecg.digitizing.pictures import PAGED, find_pictures

    names, jobs, seen = Names(ledger), [], set[str]()
    given = list(map(Path, inputs))
    named = {os.path.realpath(path) for path in given if path.is_file()}
    own = {os.path.realpath(path) for line in ledger.lines.values() for path in ledger.files(line["record"])}
    for source in find_pictures(given):
        real = os.path.realpath(source.path)
        if real in seen or real in own or (real not in named and _is_no_page(source.path)):
            continue
        seen.add(real)
        key = spelled_path(Path(relative_path(source.path, ledger.folder)))
        paged = source.path.suffix.lower() in PAGED
        jobs.append(Job(source.path, key, names.give(source, key, paged), None if paged else 0))
    if not jobs:
        raise ImageError("no picture found besides masks, overlays and outputs of this folder, expected at least one")
    return jobs


def _is_no_page(path: Path) -> bool:
    """Whether a file is hidden, or has a name of `_NOT_PAGES` and, beside it, the truth or report (``.json``) of its picture."""
    found = _NOT_PAGES.search(path.name)
    return path.name.startswith(".") or (found is not None and os.path.exists(path.with_name(path.name[: found.start()] + ".json")))


def spelled_path(path: Path) -> str:
    """A path as a string that UTF-8 can encode; bytes of its name that are not UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def relative_path(path: Path, folder: Path) -> str:
    """A path relative to the output folder, which stays valid if both are moved together; absolute if they are on different drives."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive
        return os.path.abspath(path)


class Names:
    """Assigns a unique name to the record of every picture. Names under which other files exist are avoided."""

    def __init__(self, ledger: Ledger) -> None:
        from fastecg.digitizing.pictures import PAGED

        self._ledger = ledger
        self._taken: set[str] = set()  # names in use, as `_aliases` gives them
        self._paged: set[str] = set()  # names in use for files of several pages, whose further pages are called name-p2, name-p3, …
        self._like_pages: set[str] = set()  # "name" for each name in use that is like "name-p2"
        self._claimed = {line["source"]: line["record"] for (_, page), line in ledger.lines.items() if page == 0}
        self._owned = {line["record"] for line in ledger.lines.values()}  # records of earlier runs, whose files may be replaced
        for source, stem in self._claimed.items():
            self._take(stem, Path(source).suffix.lower() in PAGED)

    def give(self, source: PictureSource, key: str, paged: bool) -> str:
        """The name for the record of a source: its name in an earlier run if the manifest has `key` as a source, else a free one."""
        if key in self._claimed:
            return self._claimed[key]
        wanted = (source.folder / safe_name(source.path.stem)).as_posix()
        number, stem = 1, wanted
        while not self._is_free(stem, paged):
            number += 1
            stem = f"{wanted}_{number}"
        self._take(stem, paged)
        return stem

    def _is_free(self, stem: str, paged: bool) -> bool:
        """Whether a name is free: not in use, not in conflict with the names of further pages, and not the name of a file of others."""
        for name in _aliases(stem):
            page = re.fullmatch(r"(.*)-p\d+", name)
            if name in self._taken or (page and page[1] in self._paged) or (paged and name in self._like_pages):
                return False
        return stem in self._owned or not any(map(os.path.lexists, record_files(self._ledger.folder, stem)))

    def _take(self, stem: str, paged: bool = False) -> None:
        """Note that a name is in use."""
        for name in _aliases(stem):
            self._taken.add(name)
            page = re.fullmatch(r"(.*)-p\d+", name)
            if page:
                self._like_pages.add(page[1])
            if paged:
                self._paged.add(name)


def _aliases(stem: str) -> set[str]:
    """The names of a record's files without suffix, in normal form (NFC) and lower case, as some file systems compare names."""
    from fastecg.writers.wfdb import ascii_name

    folder, _, name = stem.rpartition("/")
    return {unicodedata.normalize("NFC", f"{folder}/{each}").casefold() for each in (name, ascii_name(name))}
