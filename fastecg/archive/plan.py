"""The plan of a run: which pictures to read, and the name of each one's record."""

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

# Ends of the names of masks, layers and overlays, which are no pages.
_PARTS = re.compile(r"\.(?:mask|layers|inspect)\.png|-overlay\.jpg", re.IGNORECASE)


def planned(inputs: Iterable[Path], ledger: Ledger) -> list[Job]:
    """One job for each picture file, with a unique name; outputs of earlier runs, masks and overlays are skipped."""
    from fastecg.digitizing.pictures import PAGED, find_pictures

    names, jobs, seen = Names(ledger), [], set[str]()
    given = list(map(Path, inputs))
    named = {os.path.realpath(path) for path in given if path.is_file()}
    own = {os.path.realpath(path) for line in ledger.lines.values() for path in ledger.files(line["record"])}
    for source in find_pictures(given):
        real = os.path.realpath(source.path)
        if real in seen or real in own or (real not in named and _no_page(source.path)):
            continue
        seen.add(real)
        told = spelled_path(Path(relative_path(source.path, ledger.folder)))
        paged = source.path.suffix.lower() in PAGED
        jobs.append(Job(source.path, told, names.give(source, told, paged), None if paged else 0))
    if not jobs:
        raise ImageError("no picture found that is not a mask, an overlay or an output of this folder, expected some")
    return jobs


def _no_page(path: Path) -> bool:
    """Whether a file is a mask or an overlay of a picture beside it, judged by its name."""
    found = _PARTS.search(path.name)
    return path.name.startswith(".") or (found is not None and os.path.exists(path.with_name(path.name[: found.start()] + ".json")))


def spelled_path(path: Path) -> str:
    """A path as valid UTF-8; other bytes are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def relative_path(path: Path, folder: Path) -> str:
    """A path relative to the output folder, so that it stays valid if both are moved together."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive
        return os.path.abspath(path)


class Names:
    """Assigns a unique name to every picture. A name that an unrelated file has is not used."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._taken: dict[str, str] = {}  # name, as a file system that does not tell a from A has it -> source
        self._paged: set[str] = set()  # names of files whose pages follow as name-p2, name-p3, …
        self._like_pages: set[str] = set()
        self._claimed = {line["source"]: line["record"] for (_, page), line in ledger.lines.items() if page == 0}
        self._owned = {line["record"] for line in ledger.lines.values()}
        for source, stem in self._claimed.items():
            self._take(stem, source)

    def give(self, source: PictureSource, told: str, paged: bool) -> str:
        """The name for a source: the one it had in an earlier run, else a free one."""
        if told in self._claimed:
            return self._claimed[told]
        wanted = (source.folder / safe_name(source.path.stem)).as_posix()
        number, stem = 1, wanted
        while not self._free(stem, paged):
            number += 1
            stem = f"{wanted}_{number}"
        self._take(stem, told, paged)
        return stem

    def _free(self, stem: str, paged: bool) -> bool:
        for name in _aliases(stem):
            page = re.fullmatch(r"(.*)-p\d+", name)
            if name in self._taken or (page and page[1] in self._paged) or (paged and name in self._like_pages):
                return False
        return stem in self._owned or not any(map(os.path.lexists, record_files(self._ledger.folder, stem)))

    def _take(self, stem: str, source: str, paged: bool = False) -> None:
        for name in _aliases(stem):
            self._taken[name] = source
            page = re.fullmatch(r"(.*)-p\d+", name)
            if page:
                self._like_pages.add(page[1])
            if paged:
                self._paged.add(name)


def _aliases(stem: str) -> set[str]:
    """The names of a record's files, normalised and in lower case, as some file systems compare them."""
    from fastecg.writers.wfdb import ascii_name

    folder, _, name = stem.rpartition("/")
    return {unicodedata.normalize("NFC", f"{folder}/{each}").casefold() for each in (name, ascii_name(name))}
