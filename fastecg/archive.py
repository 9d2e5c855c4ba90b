"""Digitise many pictures into a folder of records: what ``fastecg digitize`` runs.

``OUT/digitized.jsonl`` has one line for each picture: its source, its record, and why it could not be read if so. Before the files of a
picture are written, its name is entered there, so that a stopped run can be resumed and no file of others is ever replaced.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import traceback
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from fastecg.errors import FastecgError, ImageError, not_installed
from fastecg.files import lines_of, read_file
from fastecg.timed import Done, in_time
from fastecg.writers.image import write_atomic

if TYPE_CHECKING:
    from fastecg.digitizing.pictures import Source
    from fastecg.digitizing.result import Format
    from fastecg.digitizing.views import Settings

#: The manifest of a folder of digitised pictures.
DIGITIZED = "digitized.jsonl"

#: The table for people, a line a picture.
SUMMARY = "summary.csv"

#: What follows the name of a picture in the files that are made of it.
SUFFIXES = (".hea", ".dat", ".json", "-overlay.jpg", ".csv", ".npz", ".mat", ".edf", ".aecg.xml")

#: The columns of the table.
COLUMNS = ("picture", "page", "record", "layout", "order", "confidence", "gain_mm_mv", "speed_mm_s", "fs", "read", "flags", "error")

_MOST_WEIGHTS = 1 << 31  # bytes of a network's file
_MOST_NAME = 150  # bytes: file systems take 255, and names grow while they are written
_PARTS = re.compile(r"\.(?:mask|layers|inspect)\.png|-overlay\.jpg", re.IGNORECASE)  # pictures that are no pages

Line = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """What the user asks for: how pictures are read, and which files are written."""

    settings: Settings
    weights: Path | None = None
    overlay: bool = False
    also: tuple[Format, ...] = ()  # formats besides WFDB

    def key(self) -> str:
        """A hash of everything besides the picture that the result depends on."""
        from dataclasses import asdict

        from fastecg import __version__

        told = {name: _stamp(value) if isinstance(value, Path) else value for name, value in asdict(self.settings).items()}
        everything = [__version__, told, None if self.weights is None else _stamp(self.weights), self.overlay, self.also]
        return hashlib.sha256(orjson.dumps(everything, default=str)).hexdigest()[:16]


def _stamp(path: Path) -> str:
    """A hash of the content of a file."""
    try:
        return hashlib.sha256(read_file(path, _MOST_WEIGHTS)).hexdigest()
    except OSError as error:
        raise FastecgError(f"{path}: cannot be read ({error.strerror}), expected a file") from None


@dataclass(frozen=True)
class Job:
    """One page of a picture file and the name of its record; `page` is None as long as the pages of the file have not been counted."""

    path: Path
    source: str
    stem: str
    page: int | None = 0

    @property
    def identity(self) -> tuple[str, int]:
        """Its key in the manifest."""
        return self.source, self.page or 0


@dataclass(frozen=True)
class Step:
    """The progress of a run: the manifest line of the picture just finished, and the traceback if it raised an unexpected error."""

    done: int
    total: int
    line: Line
    trace: str = ""


@dataclass
class Outcome:
    """The result of a run: how many pictures were read, how many had been read before, and which failed for what reason."""

    read: int = 0
    kept: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


class Ledger:
    """The manifest of a folder of digitised pictures: for each (source, page) its last line."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / DIGITIZED
        self.lines: dict[tuple[str, int], Line] = {}
        self._torn = False
        for text in lines_of(self.path):
            self._torn = not text.endswith(b"\n")  # a line that a crash cut short
            with suppress(orjson.JSONDecodeError):
                line = orjson.loads(text)
                if isinstance(line, dict) and isinstance(line.get("source"), str) and _is_below(line.get("record")):
                    page = line.setdefault("page", 0)
                    if type(page) is int:
                        self.lines[line["source"], page] = line

    def append(self, lines: Iterable[Line]) -> None:
        """Append lines to the file."""
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
        """Rewrite the file sorted by name, with one line for each picture."""
        ordered = sorted(self.lines.values(), key=lambda line: (line["record"], line["source"], line["page"]))
        write_atomic(self.path, b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in ordered))

    def whole(self, job: Job, key: str) -> bool:
        """Whether the picture has been read before with the same options, or also with a corrected page, and all its files are present."""
        line = self.lines.get(job.identity, {})
        if key not in (line.get("wish"), line.get("corrected")) or "bytes" not in line or line.get("stamp") != _mark(job.path):
            return False
        return all(_size((self.folder / line["record"]).with_name(name)) == size for name, size in line["bytes"].items())

    def files(self, stem: str) -> Iterator[Path]:
        """The existing files of a record; files that a link places outside the folder are left out."""
        inside = self.folder.resolve()
        for path in _files(self.folder, stem):
            if path.exists() and inside in path.resolve().parents:
                yield path


def _is_below(name: Any) -> bool:
    from fastecg.manifest import _is_below as below

    return below(name)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _mark(path: Path) -> list[int] | None:
    """The size and modification time of a file, by which a replaced picture is noticed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _files(folder: Path, stem: str) -> list[Path]:
    from fastecg.writers.wfdb_copy import ascii_name

    target = folder / stem
    return [target.with_name((ascii_name(target.name) if suffix == ".dat" else target.name) + suffix) for suffix in SUFFIXES]


# --- the plan ------------------------------------------------------------------------------------------------------------------


def safe_name(name: str) -> str:
    """A valid name for files and records: letters of any script, digits, ``-`` and ``_``; long names are cut and end in a hash."""
    from fastecg.writers.wfdb_copy import is_letter

    kept = "".join(character if is_letter(character) else " " for character in unicodedata.normalize("NFC", name))
    kept = re.sub(" +", "_", kept) or "_"
    if len(kept.encode()) <= _MOST_NAME and len(kept.encode("punycode")) <= _MOST_NAME:
        return kept
    mark = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    return kept.encode()[: _MOST_NAME // 3].decode("utf-8", "ignore") + "_" + mark


def _told(path: Path) -> str:
    """A path as valid UTF-8; other bytes are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class _Names:
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

    def give(self, source: Source, told: str, paged: bool) -> str:
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
        return stem in self._owned or not any(map(os.path.lexists, _files(self._ledger.folder, stem)))

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
    from fastecg.writers.wfdb_copy import ascii_name

    folder, _, name = stem.rpartition("/")
    return {unicodedata.normalize("NFC", f"{folder}/{each}").casefold() for each in (name, ascii_name(name))}


def _planned(inputs: Iterable[Path], ledger: Ledger) -> list[Job]:
    """One job for each picture file, with a unique name; outputs of earlier runs, masks and overlays are skipped."""
    from fastecg.digitizing.pictures import PAGED, find_pictures

    names, jobs, seen = _Names(ledger), [], set[str]()
    given = list(map(Path, inputs))
    named = {os.path.realpath(path) for path in given if path.is_file()}
    own = {os.path.realpath(path) for line in ledger.lines.values() for path in ledger.files(line["record"])}
    for source in find_pictures(given):
        real = os.path.realpath(source.path)
        if real in seen or real in own or (real not in named and _no_page(source.path)):
            continue
        seen.add(real)
        told = _told(Path(_relative(source.path, ledger.folder)))
        paged = source.path.suffix.lower() in PAGED
        jobs.append(Job(source.path, told, names.give(source, told, paged), None if paged else 0))
    if not jobs:
        raise ImageError("no picture found that is not a mask, an overlay or an output of this folder, expected some")
    return jobs


def _no_page(path: Path) -> bool:
    """Whether a file is a mask or an overlay of a picture beside it, judged by its name."""
    found = _PARTS.search(path.name)
    return path.name.startswith(".") or (found is not None and path.with_name(path.name[: found.start()] + ".json").exists())


def _relative(path: Path, folder: Path) -> str:
    """A path relative to the output folder, so that it stays valid if both are moved together."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive
        return os.path.abspath(path)


# --- the run -------------------------------------------------------------------------------------------------------------------


def digitize_archive(
    inputs: Iterable[Path],
    out: Path,
    wish: Wish,
    *,
    workers: int = 1,
    timeout_s: float = 120.0,
    progress: Callable[[Step], None] | None = None,
    compiling: Callable[[], None] | None = None,
) -> Outcome:
    """Read pictures into a folder.

    Parameters
    ----------
    inputs : paths
        Pictures, PDF files, folders of them.
    out : Path
    wish : Wish
    workers : int
        Processes.
    timeout_s : float
        For one picture.
    progress, compiling : callable, optional
        Called with a `Step` after every picture; called when kernels have to be compiled.

    Returns
    -------
    Outcome

    Raises
    ------
    FastecgError
        If no picture is found, or `out` holds a table of the summary's name that is none of ours.
    """
    from fastecg.kernels.jit import kernels_cached

    _check_summary(out)
    ledger, key, outcome = Ledger(out), wish.key(), Outcome()
    plain = replace(wish, settings=replace(wish.settings, page=None)).key()
    jobs = _planned(inputs, ledger)
    waiting: deque[Job] = deque()
    asked = {job.source for job in jobs}
    total = len(jobs)
    for job in jobs:
        if job.page is not None and ledger.whole(job, key):
            outcome.kept += 1
        else:
            waiting.append(job)
    ledger.append(_claim(job, ledger) for job in waiting)
    task = partial(_work, out=out, wish=wish, key=key)
    try:
        for done in in_time(waiting, task, min(workers, max(1, len(waiting))) if workers > 1 else 1, timeout_s,
                            one_first=not kernels_cached(), compiling=compiling):  # fmt: skip
            job = done.job
            if done.result is not None and "pages" in done.result:  # a file whose pages were counted
                pages = [replace(job, stem=_page_stem(job.stem, k), page=k) for k in range(done.result["pages"])]
                fresh = [page for page in pages if not ledger.whole(page, key)]
                outcome.kept += len(pages) - len(fresh)
                total += len(pages) - 1
                ledger.append(_claim(page, ledger) for page in fresh)
                waiting.extend(fresh)
                continue
            line = _line(done, key)
            if wish.settings.page is not None:
                line["corrected"] = plain  # a run without the corrected page does not undo the correction
            if "error" in line:
                for path in ledger.files(job.stem):
                    path.unlink()
                outcome.failures.append((_name_of(line), line["error"]))
            else:
                outcome.read += 1
            ledger.append([line])
            if progress is not None:
                progress(Step(outcome.read + outcome.kept + len(outcome.failures), total, line, done.trace))
        _whole_records(inputs, ledger, asked)
    finally:
        with suppress(OSError):  # the error that stopped the run is the one to report
            if ledger.lines:
                ledger.compact()
                write_atomic(out / SUMMARY, _summary(ledger))
    return outcome


def _claim(job: Job, ledger: Ledger) -> Line:
    """The line that reserves a name for a job; an earlier result stays in it until the picture has been read again."""
    return ledger.lines.get(job.identity, {}) | {"source": job.source, "page": job.page or 0, "record": job.stem}


def _page_stem(stem: str, page: int) -> str:
    return stem if page == 0 else f"{stem}-p{page + 1}"


def _line(done: Done, key: str) -> Line:
    """The manifest line of a finished job."""
    job: Job = done.job
    known = {"source": job.source, "page": job.page or 0, "record": job.stem}
    found = {"error": done.error} if done.result is None else done.result
    if "error" in found:
        words = str(found["error"])
        for name in (str(job.path), job.path.name):
            words = words.removeprefix(f"{name}: ")
        return known | {"error": _told(Path(words))}
    return known | {"wish": key, **found}


def _name_of(line: Line) -> str:
    return line["source"] + (f", page {line['page'] + 1}" if line["page"] else "")


def _work(job: Job, *, out: Path, wish: Wish, key: str) -> Line:
    """Count the pages of a file, or read one page and write its files. Runs in a worker process."""
    from fastecg.digitizing.pictures import page_count

    if job.page is None:
        return {"pages": page_count(job.path)}
    try:
        return _read(job, out, wish)
    except (FastecgError, OSError) as error:
        words = f"{error.filename or 'file'}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
        return {"error": words}
    except MemoryError:
        return {"error": "there is not enough memory for it, expected a smaller picture"}
    except ModuleNotFoundError as error:
        return {"error": not_installed(error)}
    except Exception as fault:
        frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if "fastecg" in frame.filename]
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        if os.environ.get("FASTECG_DEBUG"):
            traceback.print_exc()
        return {"error": f"unexpected {type(fault).__name__}{place} ({fault})"}


def _read(job: Job, out: Path, wish: Wish) -> Line:
    """Read one page and write its files; returns the content of its manifest line."""
    from fastecg.digitizing.digitize import digitize
    from fastecg.digitizing.pictures import read_picture
    from fastecg.digitizing.result import digitized_of
    from fastecg.digitizing.separate import WEIGHTS

    target = out / job.stem
    picture = read_picture(job.path, job.page or 0)
    stamp = _mark(job.path)
    reading = digitize(picture, wish.settings, name=target.name, weights=wish.weights or WEIGHTS)
    found = digitized_of(reading, picture)
    found.save(target.parent, name=target.name, overlay=wish.overlay, also=wish.also)
    sizes = {path.name: size for path in _files(out, job.stem) if (size := _size(path)) is not None}
    return {"stamp": stamp, "bytes": sizes, **_in_short(found.report(deviations=False))}


def _in_short(report: dict[str, Any]) -> Line:
    """The columns of the summary for a report."""
    leads = list(report.get("leads", {}).values())
    shares = [lead["read"] for lead in leads if lead.get("drawn")] or [0.0]
    sure = [lead["confidence"] for lead in leads if lead.get("drawn")] or [0.0]
    confidence = report.get("confidence", sum(sure) / len(sure))
    return {
        "layout": report.get("layout"),
        "order": report.get("order"),
        "confidence": round(float(confidence), 4),
        "gain_mm_mv": report.get("gain_mm_mv"),
        "speed_mm_s": report.get("speed_mm_s"),
        "fs": report.get("fs"),
        "read": round(sum(shares) / len(shares), 4),
        "flags": list(report.get("flags", ())),
    }


# --- what people read ----------------------------------------------------------------------------------------------------------


def _check_summary(out: Path) -> None:
    """Raise if the file of the summary exists and was not written by fastecg."""
    path = out / SUMMARY
    if path.exists() and not next(lines_of(path), b"").startswith(",".join(COLUMNS).encode()):
        raise FastecgError(f"{path}: is there and no summary of ours, expected another output folder, or that file elsewhere")


def _summary(ledger: Ledger) -> bytes:
    """The summary as CSV, one line for each picture, in the order of the manifest."""
    file = io.StringIO()
    table = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for line in sorted(ledger.lines.values(), key=lambda line: (line["record"], line["source"], line["page"])):
        if "bytes" in line or "error" in line:
            row = {name: value for name, value in line.items() if value is not None}
            flags = "; ".join(map(str, line.get("flags", ())))
            table.writerow(row | {"picture": line["source"], "page": line["page"] + 1, "flags": flags})
    return file.getvalue().encode("utf-8", "backslashreplace")


# --- pictures of one record ----------------------------------------------------------------------------------------------------


def drawn_from(folder: Path) -> dict[str, tuple[str, int]]:
    """What the pictures of a folder were drawn from: path without suffix -> record and page.

    By the manifest that ``fastecg render`` leaves, else by ``#Image:`` lines of WFDB headers, as the PhysioNet Challenge 2024 has
    them, where a record has one picture. Of several variants of a page the first counts.
    """
    from fastecg.manifest import MANIFEST, Manifest
    from fastecg.readers.header import MOST_BYTES

    if (folder / MANIFEST).is_file():
        lines = Manifest(folder).images.values()
        return {os.path.splitext(line["path"])[0]: (line["record"], line["page"]) for line in lines if line["variant"] == 0}
    found = {}
    for header in sorted(folder.rglob("*.hea")):
        try:
            text = read_file(header, MOST_BYTES).decode("utf-8", "replace")
        except OSError:  # whoever reads the record will say what is wrong with it
            continue
        told = [line for line in text.splitlines() if re.match(r"#\s*Image\s*:", line)]
        images = [name.strip() for line in told for name in line.split(":", 1)[1].split(",")]
        if len(images) == 1 and images[0]:
            below = header.parent.relative_to(folder)
            found[os.path.splitext((below / images[0]).as_posix())[0]] = ((below / header.stem).as_posix(), 0)
    return found


def _whole_records(inputs: Iterable[Path], ledger: Ledger, asked: set[str]) -> None:
    """Write the readings of a rendered folder also under the names of its original records, each page at its time.

    So the folder can be held against that of the records, by `fastecg score` and by others' evaluation code.
    """
    for given in map(Path, inputs):
        if not given.is_dir():
            continue
        parts: dict[str, dict[int, str]] = {}
        for key, (record, page) in drawn_from(given).items():
            for line in _lines_of(ledger, given, key, asked):
                parts.setdefault(record, {})[page] = line["record"]
        for record, pages in parts.items():
            _join(ledger, record, pages)


def _lines_of(ledger: Ledger, folder: Path, key: str, asked: set[str]) -> Iterator[Line]:
    from fastecg.digitizing.pictures import SUFFIXES as PICTURES

    for suffix in PICTURES:
        line = ledger.lines.get((_told(Path(_relative(folder / (key + suffix), ledger.folder))), 0))
        if line and "bytes" in line and line["source"] in asked:
            yield line


def _join(ledger: Ledger, record: str, pages: dict[int, str]) -> None:
    """Write one record from several pages, NaN where a page is missing; nothing if an unrelated file has the name."""
    import numpy as np

    from fastecg.readers import read_record
    from fastecg.record import LEADS, Record
    from fastecg.writers import write_record

    identity = (f"{record} (record)", 0)
    if identity not in ledger.lines and any(map(os.path.lexists, _files(ledger.folder, record))):
        return
    read = {page: read_record(ledger.folder / stem) for page, stem in sorted(pages.items())}
    fs = next(iter(read.values())).fs
    size = round(10.0 * fs)
    length = max(page * size + found.samples for page, found in read.items())
    signal = np.full((len(LEADS), length), np.nan, dtype=np.float32)
    for page, found in read.items():
        for k, lead in enumerate(LEADS):
            if lead in found.leads:
                signal[k, page * size : page * size + found.samples] = found.lead(lead)
    ledger.append([{"source": identity[0], "page": 0, "record": record}])
    write_record(ledger.folder / record, Record(signal, fs, LEADS, Path(record).name))
