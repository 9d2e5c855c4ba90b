"""Read and write ``digitized.jsonl``, the manifest of a folder of digitised pictures.

After a run, the manifest has one line for each page of a picture file: the picture file's path, the name of the page's record, and what was
read or why nothing was read. The records that `whole_records` writes have lines too. A line is written before the files of its record are
written, so that a stopped run can be resumed and no file of others is ever replaced.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from fastecg.run.manifest import is_below
from fastecg.system.files import lines_of
from fastecg.writers.image import write_atomic

#: The manifest of a folder of digitised pictures.
DIGITIZED = "digitized.jsonl"

#: What follows the record's name in the names of the files that a record may have.
SUFFIXES = (".hea", ".dat", ".json", "-overlay.jpg", ".csv", ".npz", ".mat", ".edf", ".aecg.xml")

Line = dict[str, Any]

# Types of the values that may be missing in a line. "page" and "bytes" may be missing too, but `_is_line` checks them itself.
_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("layout", "order", "error", "wish", "corrected"), str),
    **dict.fromkeys(("confidence", "gain_mm_mv", "speed_mm_s", "fs", "read"), (int, float)),
    **dict.fromkeys(("flags", "stamp"), list),
}


@dataclass(frozen=True)
class Job:
    """One page of a picture file, and where its record goes."""

    path: Path
    source: str  # the path as the manifest has it: relative to the output folder if possible, and valid UTF-8
    stem: str  # the path of the record in the output folder, without suffix
    page: int | None = 0  # from 0; None as long as the pages of the file have not been counted

    @property
    def identity(self) -> tuple[str, int]:
        """The job's key in `Ledger.lines`."""
        return self.source, self.page or 0


class Ledger:
    """The manifest of a folder of digitised pictures. `lines` maps each (source, page) to its last line in the file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / DIGITIZED
        self.lines: dict[tuple[str, int], Line] = {}
        self._torn = False
        for text in lines_of(self.path):
            self._torn = not text.endswith(b"\n")  # in the end True if a crash cut the last line short
            with suppress(orjson.JSONDecodeError):
                line = orjson.loads(text)
                if _is_line(line):
                    self.lines[line["source"], line.setdefault("page", 0)] = line

    def append(self, lines: Iterable[Line]) -> None:
        """Add lines to `lines`, and append them to the file, beginning on a new line if the file's last line was cut short."""
        data = b""
        for line in lines:
            self.lines[line["source"], line["page"]] = line
            data += orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        if data:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab") as file:
                file.write(b"\n" + data if self._torn else data)
            self._torn = False

    def compact(self) -> None:
        """Rewrite the file with one line for each (source, page), sorted by the name of the record."""
        ordered = sorted(self.lines.values(), key=lambda line: (line["record"], line["source"], line["page"]))
        write_atomic(self.path, b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in ordered))

    def whole(self, job: Job, key: str) -> bool:
        """Whether the page has been read with options that have this `key`, and neither the picture nor the files of its record changed.

        A changed picture is noticed by its size or time, a changed file of the record only by its size. A picture that was read with a
        corrected page counts too if the options without the corrected page have this `key`.
        """
        line = self.lines.get(job.identity, {})
        if key not in (line.get("wish"), line.get("corrected")) or "bytes" not in line or line.get("stamp") != stamp_of(job.path):
            return False
        return all(file_bytes((self.folder / line["record"]).with_name(name)) == size for name, size in line["bytes"].items())

    def files(self, stem: str) -> Iterator[Path]:
        """The existing files of a record; files that a link places outside the folder are left out."""
        inside = self.folder.resolve()
        for path in record_files(self.folder, stem):
            if os.path.exists(path) and inside in path.resolve().parents:
                yield path


def _is_line(line: Any) -> bool:
    """Whether a parsed line may have been written by fastecg: the folder may be somebody else's and have anything in it."""
    if not (isinstance(line, dict) and isinstance(line.get("source"), str) and "\0" not in line["source"] and is_below(line.get("record"))):
        return False
    page, sizes = line.get("page", 0), line.get("bytes", {})
    if type(page) is not int or page < 0 or not isinstance(sizes, dict) or not all(is_below(name) and "/" not in name for name in sizes):
        return False
    return all(line.get(key) is None or isinstance(line[key], kind) for key, kind in _TYPES.items())


def file_bytes(path: Path) -> int | None:
    """The size of a file; None if it cannot be read."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def stamp_of(path: Path) -> list[int] | None:
    """The size and modification time of a file, by which a replaced picture is noticed; None if it cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def record_files(folder: Path, stem: str, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """The files with these `suffixes` that a record may have, whether they exist or not. The name of a ``.dat`` file is always ASCII."""
    from fastecg.writers.wfdb import ascii_name

    target = folder / stem
    return [target.with_name((ascii_name(target.name) if suffix == ".dat" else target.name) + suffix) for suffix in suffixes]
