"""One record to files: its pictures that are not there yet, their truth, and a copy of the record."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import tempfile
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import isal_zlib

from fastecg.errors import FastecgError, RecordError, UnitWarning, not_installed
from fastecg.options import Options
from fastecg.run.manifest import Line
from fastecg.run.outputs import send_folder
from fastecg.system.files import spelled
from fastecg.system.interrupts import check_interrupt
from fastecg.writers import save_photo, write_record

if TYPE_CHECKING:
    from types import FrameType

    from fastecg.photo import Photo
    from fastecg.record import Record

_PICTURES_A_PART = 8  # Pictures of a part of a record: what is lost when a run is killed.
_FEW_PARTS = 16  # Records of no more parts than this are drawn as a whole.
_PACKAGE = Path(__file__).parent.parent
# Errors of the file system that are due to a record's name and affect no other record.
_OWN_FAULTS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EISDIR, errno.ENOTDIR)


def _never() -> bool:
    return False


#: Whether the run is being stopped: a worker then ends after its picture. Set in workers.
stopping: Callable[[], bool] = _never


@dataclass(frozen=True)
class Task:
    """One record to draw: a file, or the record itself. `stem` is its path in the output folder, `done` are the images that exist.

    `variants` and `pages` are ranges (first, stop); all of them unless given.
    """

    stem: str
    origin: Path | Record
    done: frozenset[int] = frozenset()
    copied: bool = False  # whether its WFDB copy exists
    complete: bool = False  # whether nothing is left to do
    variants: tuple[int, int] | None = None
    pages: tuple[int, int] | None = None
    told: bool = False  # whether its number of pages has been reported
    source: str = ""  # the file that it is read from, for the manifest


@dataclass(frozen=True)
class TaskResult:
    """The result of one task: its lines for the manifest, and its error if it failed.

    A record of many `pages` is only counted at first, by its header and once it is read: nothing is drawn, and `parts` are the tasks
    that go on with it. `pages` is 0 where they were told before.
    """

    stem: str
    lines: tuple[Line, ...] = ()
    error: str | None = None
    kept: int = 0
    tail_s: float = 0.0
    pages: int = 0
    parts: Sequence[Task] = ()
    doubt: str | None = None  # why the record's values are unlikely, although it was drawn


class _Parts(Sequence[Task]):
    """A task in parts of some pages each, made when asked for: a day of ECG has thousands of pages."""

    def __init__(self, task: Task, pages: int, each: int) -> None:
        self._task, self._pages, self._each = task, pages, each

    def __len__(self) -> int:
        return -(-self._pages // self._each)

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return replace(self._task, pages=(index * self._each, min((index + 1) * self._each, self._pages)))


class Waiting:
    """Tasks that wait to be drawn. Parts of a record that was counted come before the others."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._piles = deque([iter(tasks)])

    def __iter__(self) -> Iterator[Task]:
        return self

    def __next__(self) -> Task:
        while self._piles:
            for task in self._piles[0]:
                return task
            self._piles.popleft()
        raise StopIteration

    def put_first(self, tasks: Iterable[Task]) -> None:
        """Put tasks in front of all others."""
        self._piles.appendleft(iter(tasks))


def draw_task(task: Task, options: Options, target: Path | str, lines: list[Line] | None = None) -> TaskResult:
    """Draw all missing pictures of one record, to a folder or URL. Whatever is wrong with the record becomes its error.

    In a folder, `lines` get that of every picture as soon as it is there.
    """
    if isinstance(target, Path):
        return _draw(task, options, target, [] if lines is None else lines)
    with tempfile.TemporaryDirectory(prefix="fastecg-") as folder:
        drawn = _draw(task, options, Path(folder), [])
        send_folder(Path(folder), target)
        return drawn


@contextmanager
def _finished() -> Iterator[None]:
    """Defer Ctrl-C until a picture whose files are written also has its line."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    asked: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: asked.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if asked and callable(before):
            before(*asked[0])


def _draw(task: Task, options: Options, folder: Path, lines: list[Line]) -> TaskResult:
    """Draw the pictures of a task, or only count the pages of a long record. Faults of the record become the result's error."""
    try:
        return _draw_pages(task, options, folder, lines)
    except OSError as error:
        if error.errno not in _OWN_FAULTS:
            raise  # a full disk is not the record's fault
        return TaskResult(task.stem, tuple(lines), error=f"{task.stem}: cannot be written ({error.strerror})")
    except Exception as error:
        return TaskResult(task.stem, tuple(lines), error=_reason(error, task))


def _draw_pages(task: Task, options: Options, folder: Path, lines: list[Line]) -> TaskResult:
    if stopping():
        return TaskResult(task.stem)
    first, stop = task.variants or (0, options.per_record)
    each = max(1, _PICTURES_A_PART // (stop - first))
    # Unplotted samples are known once all pages are drawn: such a record is not drawn in parts.
    whole = task.pages is None and not options.mask_unplotted
    if whole and not task.told and (told := len(options.chosen_pages(_told_pages(task.origin)))) > each * _FEW_PARTS:
        return TaskResult(task.stem, pages=told, parts=(replace(task, told=True),))
    record = _read(task, options)
    pages = record.page_count()
    chosen = options.chosen_pages(pages)
    if not chosen:
        lasts = f"it lasts {record.duration_s:g} s and has no whole page from {options.start:g} s on"
        raise RecordError(f"{task.stem}: {lasts}, expected an earlier start")
    count = len(chosen) * options.per_record
    if whole and len(chosen) > each * _FEW_PARTS:
        return TaskResult(task.stem, pages=0 if task.told else len(chosen), parts=_Parts(task, len(chosen), each))
    some = chosen[slice(*(task.pages or (0, len(chosen))))]
    asked = [[variant * pages + page for page in some] for variant in range(first, stop)]
    plotted = np.zeros(record.signal.shape, dtype=bool)
    # What was plotted is not kept between runs: pages whose pictures are there are drawn again for it.
    redo = options.mask_unplotted and (not task.copied or len(task.done) < count)
    for index in chain(*asked):
        if stopping():
            return TaskResult(task.stem, tuple(lines))
        if redo or index not in task.done:
            photo = _photo(record, index, pages, options)
            check_interrupt()  # who dropped one may have drawn something else instead
            if redo:
                _mark_plotted(plotted, photo)
            own = {"source": task.source, "images": count, "copy_bytes": 2 * record.signal.size}
            # A picture without its line would be drawn again by the next run.
            with _finished():
                lines.append(_written(photo, task.stem, index, folder, options) | own)
            del photo  # 30 MB and more that the next one can use
    # One part of a record writes its copy: the one with the first page.
    begins = first == 0 and some[0] == chosen[0]
    if begins and (redo or not task.copied):
        comments = _comments(task.stem, count, options)
        write_record(folder / task.stem, record, drawn=plotted if options.mask_unplotted else None, comments=comments)
    from fastecg.record import unit_doubt

    tail_s = (record.samples - record.page_range(pages - 1)[1]) / record.fs if len(chosen) == pages else 0.0
    doubt = unit_doubt(record) if begins else None
    return TaskResult(task.stem, tuple(lines), kept=sum(map(len, asked)) - len(lines), tail_s=tail_s, doubt=doubt)


def _told_pages(origin: Path | Record) -> int:
    """Number of pages by the record's header; 0 if the header does not tell or is damaged, which its reader will report."""
    from fastecg.readers.sources import TABLES, record_path
    from fastecg.readers.wfdb import told_length
    from fastecg.record import page_count

    if not isinstance(origin, Path) or origin.suffix.lower() in TABLES:
        return 0
    try:
        return page_count(*told_length(record_path(origin)))
    except (RecordError, OSError):
        return 0


def _read(task: Task, options: Options) -> Record:
    from fastecg.readers.sources import parted

    if not isinstance(task.origin, Path):
        return options.applied_to(task.origin)
    try:
        if task.pages is None:
            return _read_file(task.origin, options)
        # The modification time is part of the key, so that a file that was replaced between two parts is read again.
        return _kept_record(task.origin, os.stat(parted(str(task.origin))[0]).st_mtime_ns, options)
    except OSError as error:
        raise RecordError(f"{task.stem}: cannot be read ({error.strerror or type(error).__name__})") from None


@lru_cache(maxsize=1)
def _kept_record(origin: Path, changed: int, options: Options) -> Record:
    """The record, cached if other parts will ask for it."""
    return _read_file(origin, options)


def _read_file(origin: Path, options: Options) -> Record:
    from fastecg.readers import read_record

    return options.applied_to(read_record(origin, options.fs, options.leads, options.unit))


def _photo(record: Record, index: int, pages: int, options: Options) -> Photo:
    """Picture `index` of a record: all pages of variant 0, then all of variant 1, and so on."""
    from fastecg.rendering import photo_of

    variant, page = divmod(index, pages)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitWarning)  # told once a record
        return photo_of(record, options, page, variant)


def _mark_plotted(plotted: np.ndarray, photo: Photo) -> None:
    """Mark the samples (leads, samples) that the page shows."""
    for trace in photo.page.traces:
        if trace.lead in photo.record.leads:
            plotted[photo.record.leads.index(trace.lead), trace.start : trace.stop] = True


def _written(photo: Photo, stem: str, index: int, folder: Path, options: Options) -> Line:
    """Write a picture's files; returns its line for the manifest."""
    path = f"{stem}-{index}.{options.format}"
    body, truth_bytes = save_photo(photo, folder / path, quality=options.quality, truth=tuple(options.truth))
    shot, (height, width) = photo.shot, photo.image.shape[:2]
    return {
        "path": path,
        "record": stem,
        "page": shot.page,
        "variant": shot.variant,
        "seed": shot.seed,
        "recipe": shot.recipe,
        "width": width,
        "height": height,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "pixels_crc32": f"{isal_zlib.crc32(np.ascontiguousarray(photo.image)):08x}",  # PNG bytes may differ between kinds of processors
        "truth_bytes": truth_bytes,
    }


def _comments(stem: str, count: int, options: Options) -> list[str]:
    """Comments in the header of the record's copy."""
    if not options.challenge_headers:
        return []
    name = PurePosixPath(stem).name
    return [f"Image: {', '.join(f'{name}-{index}.{options.format}' for index in range(count))}"]


def _reason(error: Exception, task: Task) -> str:
    """The error as one line. Errors of fastecg are quoted; of others only type and location, for they may quote a header.

    With ``fastecg --debug`` all of it is told on stderr.
    """
    if os.environ.get("FASTECG_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, ModuleNotFoundError):
        return f"{task.stem}: {not_installed(error)}"
    if not isinstance(error, FastecgError):
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_PACKAGE)]
        where = f"{Path(frames[-1].filename).relative_to(_PACKAGE.parent).as_posix()}:{frames[-1].lineno}"
        return f"{task.stem}: unexpected {type(error).__name__} at {where}"
    text = " ".join(str(error).split())
    if isinstance(task.origin, Path):
        # Folders above the record may have a patient's name, and the user knows where the record is.
        for parent in (task.origin.resolve().parent, task.origin.parent):
            text = text.replace(f"{parent}{os.sep}", "")
    return spelled(text)
