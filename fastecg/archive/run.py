"""Digitise many pictures in several processes; a run that was stopped is resumed."""

from __future__ import annotations

import hashlib
import os
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from fastecg.archive.ledger import Job, Ledger, Line, file_bytes, record_files, stamp_of
from fastecg.archive.plan import planned, spelled_path
from fastecg.archive.summary import SUMMARY, check_summary, in_short, summary
from fastecg.archive.whole_records import write_whole_records
from fastecg.errors import FastecgError, not_installed
from fastecg.run.timed import Done, in_time
from fastecg.system.files import read_file
from fastecg.system.interrupts import check_interrupt, interrupts_kept
from fastecg.writers.image import write_atomic

if TYPE_CHECKING:
    from fastecg.digitizing.result import Format
    from fastecg.digitizing.settings import Settings

_MOST_BYTES = 1 << 31  # Largest size in bytes of a network's file, or of a corrected page's file, that is read.


@dataclass(frozen=True)
class Wish:
    """What the user asks for: how pictures are read, and which files are written."""

    settings: Settings
    weights: Path | None = None  # file of the network; None: the one that comes with fastecg
    overlay: bool = False  # whether an overlay is written: the picture with the reading drawn over it
    also: tuple[Format, ...] = ()  # formats besides WFDB

    def suffixes(self) -> tuple[str, ...]:
        """Endings of the names of the files that are written for every picture."""
        from fastecg.writers.exchange import FORMATS

        overlay = ("-overlay.jpg",) if self.overlay else ()
        return (".hea", ".dat", ".json", *overlay, *(FORMATS[kind][0] for kind in self.also))

    def key(self) -> str:
        """A hash of everything, besides the picture, on which the result depends."""
        from fastecg import __version__

        settings = {name: _content_hash(value) if isinstance(value, Path) else value for name, value in asdict(self.settings).items()}
        everything = [__version__, settings, None if self.weights is None else _content_hash(self.weights), self.overlay, self.also]
        return hashlib.sha256(orjson.dumps(everything, default=str)).hexdigest()[:16]


def _content_hash(path: Path) -> str:
    """A hash of the content of a file; a `FastecgError` if it cannot be read."""
    try:
        return hashlib.sha256(read_file(path, _MOST_BYTES)).hexdigest()
    except OSError as error:
        raise FastecgError(f"{path}: cannot be read ({error.strerror}), expected a file") from None


@dataclass(frozen=True)
class Step:
    """The progress of a run: the manifest line of the picture just finished, and the traceback if `_work` raised an error."""

    done: int  # number of pictures that were read now or by an earlier run, or failed
    total: int  # number of all pictures, as far as their pages have been counted
    line: Line
    trace: str = ""


@dataclass
class Outcome:
    """The result of a run: the number of pictures that were read now, the number of those read by an earlier run, and those that failed."""

    read: int = 0
    kept: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)  # (picture, reason)


@interrupts_kept()
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
    """Digitise pictures into a folder of records.

    Parameters
    ----------
    inputs : paths
        Pictures, PDF files, and folders of them.
    out : Path
        The folder of records.
    wish : Wish
        How pictures are read, and which files are written.
    workers : int
        Largest number of processes.
    timeout_s : float
        Largest time for one picture in s, without the time for compiling kernels.
    progress, compiling : callable, optional
        `progress` is called with a `Step` after every picture, `compiling` when kernels have to be compiled.

    Returns
    -------
    Outcome

    Raises
    ------
    FastecgError
        If no picture is found, `out` has a file with the summary's name that fastecg did not write, or a file of `wish` cannot be read.
    """
    from fastecg.kernels.jit import are_kernels_cached

    check_summary(out)
    ledger = Ledger(out)
    jobs = planned(inputs, ledger)
    run = _Run(jobs, ledger, wish)
    task = partial(_work, out=out, wish=wish)

    def finished(waiting: deque[Job]) -> Iterator[Done]:
        processes = min(workers, max(1, len(waiting)))
        return in_time(waiting, task, processes, timeout_s, one_first=not are_kernels_cached(), compiling=compiling)

    def report(steps: Iterable[Step]) -> None:
        if progress is not None:
            for step in steps:
                progress(step)

    try:
        # Pages are counted before any is read, because the number of processes follows from the number of pages.
        for done in finished(run.uncounted):
            report([run.note(done)] if done.result is None else run.add_pages(done.job, done.result["pages"]))
            check_interrupt()
        for done in finished(run.waiting):
            report([run.note(done)])
            check_interrupt()
        write_whole_records(inputs, ledger, {job.source for job in jobs}, wish.settings.fs)
    finally:
        with suppress(OSError):  # An error here must not hide the error that stopped the run.
            if ledger.lines:
                ledger.compact()
                write_atomic(out / SUMMARY, summary(ledger))
    return run.outcome


class _Run:
    """The pictures that wait to be read, and the results of those that do not wait any more.

    Attributes
    ----------
    uncounted : deque of Job
        Files whose pages are to be counted.
    waiting : deque of Job
        Pictures to read.
    outcome : Outcome
    """

    def __init__(self, jobs: list[Job], ledger: Ledger, wish: Wish) -> None:
        self.uncounted: deque[Job] = deque()
        self.waiting: deque[Job] = deque()
        self.outcome = Outcome()
        self._ledger, self._key = ledger, wish.key()
        # The key without the corrected page: a later run that has this key must not undo the correction.
        self._corrected = None if wish.settings.page is None else replace(wish, settings=replace(wish.settings, page=None)).key()
        self._total = len(jobs)
        self._add(jobs)

    def _add(self, jobs: list[Job]) -> None:
        """Queue the files whose pages are not counted, and the pictures that have not been read yet; reserve the names of their records."""
        fresh = [job for job in jobs if job.page is None or not self._ledger.whole(job, self._key)]
        self.outcome.kept += len(jobs) - len(fresh)
        self._ledger.append(_claim(job, self._ledger) for job in fresh)
        self.uncounted.extend(job for job in fresh if job.page is None)
        self.waiting.extend(job for job in fresh if job.page is not None)

    def add_pages(self, job: Job, count: int) -> list[Step]:
        """Queue the pages of a file, which has `count`, but at most `MOST_PAGES`. Returns a failed step for the page after them, if any."""
        from fastecg.digitizing.pictures import MOST_PAGES

        pages = [replace(job, stem=_page_stem(job.stem, k), page=k) for k in range(min(count, MOST_PAGES + 1))]
        self._total += len(pages) - 1
        self._add(pages[:MOST_PAGES])
        why = f"{count} pages in one file, expected at most {MOST_PAGES}: this one and those after it were not looked at"
        return [self.note(Done(page, error=why)) for page in pages[MOST_PAGES:]]

    def note(self, done: Done) -> Step:
        """Enter the result of a picture in the ledger, and return it as a step. Files of the record are removed if reading failed."""
        line, outcome = _line(done, self._key), self.outcome
        if self._corrected is not None:
            line["corrected"] = self._corrected
        if "error" in line:
            for path in self._ledger.files(done.job.stem):
                path.unlink()
            outcome.failures.append((_name_of(line), line["error"]))
        else:
            outcome.read += 1
        self._ledger.append([line])
        return Step(outcome.read + outcome.kept + len(outcome.failures), self._total, line, done.trace)


def _claim(job: Job, ledger: Ledger) -> Line:
    """The line that reserves the record's name for a job. The result of an earlier run stays in it until the picture is read again."""
    return ledger.lines.get(job.identity, {}) | {"source": job.source, "page": job.page or 0, "record": job.stem}


def _page_stem(stem: str, page: int) -> str:
    """The path of the record of a page (from 0), without suffix; `stem` is that of the first page."""
    return stem if page == 0 else f"{stem}-p{page + 1}"


def _line(done: Done, key: str) -> Line:
    """The manifest line of a finished job. `key` is that of the wish."""
    job: Job = done.job
    identity = {"source": job.source, "page": job.page or 0, "record": job.stem}
    found = {"error": done.error} if done.result is None else done.result
    if "error" in found:
        message = str(found["error"])
        for name in (str(job.path), job.path.name):  # The message need not name the picture, because the line has its path.
            message = message.removeprefix(f"{name}: ")
        return identity | {"error": spelled_path(Path(message))}
    return identity | {"wish": key, **found}


def _name_of(line: Line) -> str:
    """The name of a picture in lists of failures."""
    return line["source"] + (f", page {line['page'] + 1}" if line["page"] else "")


def _work(job: Job, *, out: Path, wish: Wish) -> Line:
    """Count the pages of a file if the job has no page, else read the page and write its files. Runs in a worker process.

    Returns the number of pages under "pages", or the result of reading as it is in a manifest line: the reason under "error" if it failed.
    """
    from fastecg.digitizing.pictures import page_count

    if job.page is None:
        return {"pages": page_count(job.path)}
    try:
        return _read(job, out, wish)
    except (FastecgError, OSError) as error:
        message = f"{error.filename or 'file'}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
        return {"error": message}
    except MemoryError:
        return {"error": "there is not enough memory for it, expected a smaller picture"}
    except ModuleNotFoundError as error:
        return {"error": not_installed(error)}
    except Exception as fault:
        frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if "fastecg" in frame.filename]
        where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        if os.environ.get("FASTECG_DEBUG"):
            traceback.print_exc()
        return {"error": f"unexpected {type(fault).__name__}{where} ({fault})"}


def _read(job: Job, out: Path, wish: Wish) -> Line:
    """Read one page and write its files. Returns the result as it is in a manifest line."""
    from fastecg.digitizing.pictures import read_picture
    from fastecg.digitizing.reading import read_signals
    from fastecg.digitizing.result import digitized_of
    from fastecg.digitizing.segmenter import WEIGHTS

    target = out / job.stem
    picture = read_picture(job.path, job.page or 0)
    stamp = stamp_of(job.path)
    reading = read_signals(picture, wish.settings, name=target.name, weights=wish.weights or WEIGHTS)
    found = digitized_of(reading, picture)
    found.save(target.parent, name=target.name, overlay=wish.overlay, also=wish.also)
    sizes = {path.name: size for path in record_files(out, job.stem) if (size := file_bytes(path)) is not None}
    if lost := [path.name for path in record_files(out, job.stem, wish.suffixes()) if path.name not in sizes]:
        raise FastecgError(f"{', '.join(lost)}: deleted after they were written, expected files of a run to stay until it ends")
    return {"stamp": stamp, "bytes": sizes, **in_short(found.report(deviations=False))}
