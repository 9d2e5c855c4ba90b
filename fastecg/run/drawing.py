"""Draw one record: write those of its pictures that do not exist yet, their truth, and a copy of the record."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from fastecg.system.interrupts import check_interrupt, interrupts_deferred
from fastecg.writers import save_photo, write_record

if TYPE_CHECKING:
    from fastecg.photo import Photo
    from fastecg.record import Record

_PICTURES_A_PART = 8  # About how many pictures a part of a long record has: those that are drawn again if a worker is killed.
_FEW_PARTS = 16  # A record that would have at most so many parts is drawn as a whole.
_PACKAGE = Path(__file__).parent.parent
# Errors of the file system that are due to a record's name and affect no other record.
_OWN_FAULTS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EISDIR, errno.ENOTDIR)


def _never() -> bool:
    return False


#: Returns whether the run is being stopped, so that the task ends after its present picture. Workers replace `_never` when they start.
stopping: Callable[[], bool] = _never


@dataclass(frozen=True)
class Task:
    """One record, or a part of one, to draw.

    Attributes
    ----------
    stem : str
        The record's path in the output folder, without suffix.
    origin : Path or Record
        The path of the record, or the record itself.
    done : frozenset of int
        The numbers of images that exist already.
    copied : bool
        Whether the WFDB copy of the record exists.
    complete : bool
        Whether nothing is left to do.
    variants, pages : (int, int), optional
        Ranges (first, stop), with the stop excluded: of variants, and of positions in the list of pages that the options choose. All of
        them unless given.
    counted : bool
        Whether the user was already told how many pages this long record has.
    source : str
        The name of the file from which the record is read, for the manifest.
    """

    stem: str
    origin: Path | Record
    done: frozenset[int] = frozenset()
    copied: bool = False
    complete: bool = False
    variants: tuple[int, int] | None = None
    pages: tuple[int, int] | None = None
    counted: bool = False
    source: str = ""


@dataclass(frozen=True)
class TaskResult:
    """The result of one task.

    The first task of a long WFDB record only counts its pages by the header; a second task reads the record and divides it into parts,
    which further tasks draw. Other long records are read and divided by the first task. `parts` are the tasks that follow.

    Attributes
    ----------
    stem : str
        That of the task.
    lines : tuple of dict
        The lines for the manifest, one for each picture that was drawn.
    error : str, optional
        Why the task failed.
    kept : int
        Number of pictures that existed already.
    tail_s : float
        Duration in s of the record's end that is not drawn, because it is shorter than a page; 0 if the options leave out pages.
    pages : int
        Number of pages of a long record, from the task that first counted them, so that the user can be told once; else 0.
    parts : sequence of Task
        The tasks that follow.
    doubt : str, optional
        Why the record's values cannot be millivolts, although it was drawn.
    """

    stem: str
    lines: tuple[Line, ...] = ()
    error: str | None = None
    kept: int = 0
    tail_s: float = 0.0
    pages: int = 0
    parts: Sequence[Task] = ()
    doubt: str | None = None


class _Parts(Sequence[Task]):
    """The parts of a task of `pages` pages, of `each` pages or fewer, made when needed: a record of a day has thousands of pages."""

    def __init__(self, task: Task, pages: int, each: int) -> None:
        self._task, self._pages, self._each = task, pages, each

    def __len__(self) -> int:
        return -(-self._pages // self._each)

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return replace(self._task, pages=(index * self._each, min((index + 1) * self._each, self._pages)))


class Waiting:
    """An iterator over tasks that wait to be drawn. Tasks that follow a finished one come before all others."""

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
    """Draw the missing pictures of one task into a folder or to a URL. If the record is at fault, the result has an error.

    For a folder, the manifest's line about a picture is appended to `lines` as soon as the picture is written.
    """
    if isinstance(target, Path):
        return _draw(task, options, target, [] if lines is None else lines)
    with tempfile.TemporaryDirectory(prefix="fastecg-") as folder:
        drawn = _draw(task, options, Path(folder), [])
        send_folder(Path(folder), target)
        return drawn


def _draw(task: Task, options: Options, folder: Path, lines: list[Line]) -> TaskResult:
    """Call `_draw_pages`. If the record is at fault, the result has an error."""
    try:
        return _draw_pages(task, options, folder, lines)
    except OSError as error:
        if error.errno not in _OWN_FAULTS:
            raise  # A full disk, for example, is not the record's fault.
        return TaskResult(task.stem, tuple(lines), error=f"{task.stem}: cannot be written ({error.strerror})")
    except Exception as error:
        return TaskResult(task.stem, tuple(lines), error=_reason(error, task))


def _draw_pages(task: Task, options: Options, folder: Path, lines: list[Line]) -> TaskResult:
    """Draw the missing pictures of a task until the run is being stopped. Of a long record only count the pages, or make parts."""
    if stopping():
        return TaskResult(task.stem)
    first, stop = task.variants or (0, options.per_record)
    each = max(1, _PICTURES_A_PART // (stop - first))  # pages in a part
    # Samples that no picture shows are known only after all pages are drawn, so with `mask_unplotted` a record is not drawn in parts.
    divisible = task.pages is None and not options.mask_unplotted
    if divisible and not task.counted and (by_header := len(options.chosen_pages(_pages_by_header(task.origin)))) > each * _FEW_PARTS:
        return TaskResult(task.stem, pages=by_header, parts=(replace(task, counted=True),))
    record = _read(task, options)
    pages = record.page_count()
    chosen = options.chosen_pages(pages)
    if not chosen:
        lasts = f"it lasts {record.duration_s:g} s and has no whole page from {options.start:g} s on"
        raise RecordError(f"{task.stem}: {lasts}, expected an earlier start")
    image_count = len(chosen) * options.per_record
    if divisible and len(chosen) > each * _FEW_PARTS:
        return TaskResult(task.stem, pages=0 if task.counted else len(chosen), parts=_Parts(task, len(chosen), each))
    pages_here = chosen[slice(*(task.pages or (0, len(chosen))))]
    # Numbers of this task's images, one list for each variant.
    indices = [[variant * pages + page for page in pages_here] for variant in range(first, stop)]
    plotted = np.zeros(record.signal.shape, dtype=bool)
    # No file says which samples an earlier run's pictures show, so all pictures are drawn again, unless all of them and the copy exist.
    redo = options.mask_unplotted and (not task.copied or len(task.done) < image_count)
    for index in chain(*indices):
        if stopping():
            return TaskResult(task.stem, tuple(lines))
        if redo or index not in task.done:
            photo = _photo(record, index, pages, options)
            check_interrupt()  # Code that swallowed an interrupt may have left the picture wrong.
            if redo:
                _mark_plotted(plotted, photo)
            # In format 16, the copy has 2 bytes for each sample.
            about_record = {"source": task.source, "images": image_count, "copy_bytes": 2 * record.signal.size}
            # If Ctrl-C came between a picture and its line, the next run would draw the picture again.
            with interrupts_deferred():
                lines.append(_written(photo, task.stem, index, folder, options) | about_record)
            del photo  # This frees 30 MB and more for the next photo.
    # The part with the record's first chosen page in variant 0 writes the record's copy.
    is_first_part = first == 0 and pages_here[0] == chosen[0]
    if is_first_part and (redo or not task.copied):
        comments = _comments(task.stem, image_count, options)
        write_record(folder / task.stem, record, drawn=plotted if options.mask_unplotted else None, comments=comments)
    from fastecg.record import unit_doubt

    tail_s = (record.samples - record.page_range(pages - 1)[1]) / record.fs if len(chosen) == pages else 0.0
    doubt = unit_doubt(record) if is_first_part else None
    return TaskResult(task.stem, tuple(lines), kept=sum(map(len, indices)) - len(lines), tail_s=tail_s, doubt=doubt)


def _pages_by_header(origin: Path | Record) -> int:
    """Number of a WFDB record's pages by its header; 0 for other records, and if the header is damaged, which its reader will report."""
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
    """The record of a task, with the leads that the options ask for."""
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
def _kept_record(origin: Path, modified_ns: int, options: Options) -> Record:
    """The record at a path. The last one is cached for the tasks of its other parts. If `modified_ns` differs, the file is read again."""
    return _read_file(origin, options)


def _read_file(origin: Path, options: Options) -> Record:
    from fastecg.readers import read_record

    return options.applied_to(read_record(origin, options.fs, options.leads, options.unit))


def _photo(record: Record, index: int, pages: int, options: Options) -> Photo:
    """Picture `index` of a record with a number of `pages`. Indices count the pages of variant 0, then those of variant 1, and so on."""
    from fastecg.rendering import photo_of

    variant, page = divmod(index, pages)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitWarning)  # The result's `doubt` says it once for each record.
        return photo_of(record, options, page, variant)


def _mark_plotted(plotted: np.ndarray, photo: Photo) -> None:
    """Set `plotted` (leads, samples) to True for the samples that the page of a photo shows."""
    for trace in photo.page.traces:
        if trace.lead in photo.record.leads:
            plotted[photo.record.leads.index(trace.lead), trace.start : trace.stop] = True


def _written(photo: Photo, stem: str, index: int, folder: Path, options: Options) -> Line:
    """Write the files of a picture, and return its line for the manifest."""
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
    """Comments for the header of the record's copy, which name its `count` images if the options ask for that."""
    if not options.challenge_headers:
        return []
    name = PurePosixPath(stem).name
    return [f"Image: {', '.join(f'{name}-{index}.{options.format}' for index in range(count))}"]


def _reason(error: Exception, task: Task) -> str:
    """The error as one line: fastecg's own message without the folders above the record; for a missing package, how to install it.

    Any other error may quote a header, so only its type and location are given. With ``fastecg --debug`` the whole error goes to stderr.
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
        # Names of folders above the record may be a patient's, and the user knows where the record is.
        for parent in (task.origin.resolve().parent, task.origin.parent):
            text = text.replace(f"{parent}{os.sep}", "")
    return spelled(text)
