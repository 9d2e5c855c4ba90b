"""Render many records: `render_dataset`, which ``fastecg render`` calls.

The pictures of a record depend only on the record and the options with their seed. Their bytes are therefore the same with any number of
workers, in any order and in any shard, and a stopped run is resumed by skipping the pictures that its manifest lists.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastecg.options import Options, RunOptions, takes_with_two
from fastecg.run.drawing import Task, TaskResult, Waiting, draw_task
from fastecg.run.manifest import Line, Manifest
from fastecg.run.outputs import Output, is_own_memory, output_at
from fastecg.run.plan import find_tasks, in_parts, left_of, open_manifest, sweep
from fastecg.system.interrupts import check_interrupt, interrupts_kept

if TYPE_CHECKING:
    from distributed import Client

    from fastecg.record import Record

_PICTURES_A_WORKER = 8  # Number of pictures for which starting a process is worthwhile: fewer are drawn in the time in which it starts.


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes
    ----------
    done, total : int
        Number of records that are finished, and of all records.
    pages : int
        Number of pictures drawn so far.
    stem : str
        Path in the output folder of the record that was drawn last, without suffix; empty before the first.
    error : str, optional
        Why this record failed, if it did.
    note : str, optional
        A further message for the user.
    """

    done: int
    total: int
    pages: int
    stem: str
    error: str | None = None
    note: str | None = None


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    pages : int
        Number of pictures that were drawn.
    kept : int
        Number of pictures that existed already.
    deleted : int
        Number of files of an earlier run with other options that were deleted.
    records : int
        Number of records that are finished, failed ones included.
    shortened : int
        Number of records whose end is not drawn, because what is left after the last page is shorter than a page.
    bytes : int
        Size in bytes of the image files that were written, all together.
    seconds : float
        Duration of the drawing in s, without finding the records.
    failures : list of (str, str)
        Records that failed, and why.
    doubts : list of (str, str)
        Records whose values cannot be millivolts, and why.
    """

    pages: int = 0
    kept: int = 0
    deleted: int = 0
    records: int = 0
    shortened: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, drawn: TaskResult) -> None:
        """Count the pictures that a task drew, and those that existed already."""
        self.pages += len(drawn.lines)
        self.kept += drawn.kept
        self.bytes += sum(line["bytes"] for line in drawn.lines)

    def end(self, drawn: TaskResult, error: str | None) -> None:
        """Add a record that is finished. `drawn` is the result of its last task, and `error` says why it failed, if it did."""
        self.records += 1
        self.shortened += drawn.tail_s > 0
        if error is not None:
            self.failures.append((drawn.stem, error))


@takes_with_two(RunOptions)
def render_dataset(
    inputs: str | os.PathLike[str] | Record | Iterable[str | os.PathLike[str] | Record],
    out: str | os.PathLike[str],
    options: RunOptions,
) -> Summary:
    """Draw records as pictures with their truth, into a folder.

    Image k of a record is ``out/<sub>/<record>-<k>.<format>``, with its truth in ``<record>-<k>.json`` and one WFDB copy of the record
    beside it; k counts the pages of 10 s of the first variant, then those of the next one. ``out/manifest.jsonl`` lists the images, and
    ``out/run.json`` holds the options. The same call again resumes a run that was stopped. Records that fail do not stop a run; the
    manifest and the summary list them.

    Parameters
    ----------
    inputs : path or Record, or several
        Records, folders (searched with their sub-folders) or RECORDS lists. An empty list stands for the built-in sample records.
    out : path or URL
        The output folder, which is made if it does not exist. A URL is one of those that fsspec knows, such as ``s3://bucket/folder``.
    <options>

    Returns
    -------
    Summary

    Raises
    ------
    FastecgError
        If an option is not valid, an input is missing, or `out` was made with other options.

    Examples
    --------
    >>> import fastecg, os, tempfile
    >>> out = tempfile.mkdtemp()
    >>> summary = fastecg.render_dataset(fastecg.simulate(seed=1, name="me"), out, layout="3x4", dpi=50, workers=1)
    >>> summary.pages, summary.failures
    (1, [])
    >>> sorted(os.listdir(out))
    ['manifest.jsonl', 'me-0.json', 'me-0.png', 'me.dat', 'me.hea', 'run.json']
    """
    from fastecg.record import Record

    options.check()
    with interrupts_kept(), output_at(out, options.shard) as output:
        given = [inputs] if isinstance(inputs, str | os.PathLike | Record) else list(inputs)
        return _drawn_to(output, given, options)


def _drawn_to(output: Output, inputs: list[Any], run: RunOptions) -> Summary:
    """Find the records and draw them. At the end, also if the run is stopped, the manifest is settled by `_settle`."""
    options = run.content()
    tasks = find_tasks(inputs, output.folder, run.limit, run.shard)
    manifest, deleted = open_manifest(output, options, run.overwrite)
    progress = run.progress or (lambda _: None)
    if deleted:
        progress(Progress(0, len(tasks), 0, "", note=f"deleted {deleted} files of the earlier run with other options"))
    sweep(output.folder, {task.stem for task in tasks}, alone=run.shard is None)
    tasks = [task if run.overwrite else left_of(task, output, manifest, options) for task in tasks]
    try:
        summary = _run(tasks, options, output, manifest, run.workers if run.client is None else run.client, progress)
    except BaseException:
        with suppress(OSError):  # the error that stopped the run is the one to report
            _settle(manifest, output, run.shard)
        raise
    _settle(manifest, output, run.shard)
    summary.deleted = deleted
    return summary


def _settle(manifest: Manifest, output: Output, shard: tuple[int, int] | None) -> None:
    """Sort the manifest, unless other shards may be writing to it, and send it and the options to the store if `output` is at a URL."""
    if shard is None:
        manifest.compact()
    output.send(now=True)


def _run(
    tasks: list[Task],
    options: Options,
    output: Output,
    manifest: Manifest,
    workers: int | Client | None,
    progress: Callable[[Progress], None],
) -> Summary:
    """Draw the tasks, and add each result to the manifest.

    The failure of a record is added after its last picture, because a picture's line cancels an earlier failure of its record.
    """
    began = time.perf_counter()
    summary, errors = Summary(), dict[str, str]()
    parts = in_parts(tasks, options)
    sources = {task.stem: task.source for task in tasks}
    parts_left = Counter(part.stem for part in parts)
    late: list[TaskResult] = []  # Results of tasks that were under way when the run was stopped.
    with closing(_with_late(_results(parts, options, output.target, workers, late), late, manifest)) as results:
        for drawn in results:
            if drawn.error is not None:
                errors.setdefault(drawn.stem, drawn.error)
            parts_left[drawn.stem] += len(drawn.parts) - 1  # this part is done, but others may follow it
            ended = parts_left[drawn.stem] == 0
            error = errors.get(drawn.stem) if ended else None
            manifest.append([*drawn.lines, *_error_line(drawn.stem, sources[drawn.stem], error)])
            output.send()
            summary.add(drawn)
            if ended:
                summary.end(drawn, error)
                if error is None:
                    manifest.errors.pop(drawn.stem, None)
            note = f"{drawn.stem}: {drawn.pages} pages of 10 s, {drawn.pages * options.per_record} pictures" if drawn.pages else None
            if drawn.doubt is not None:
                summary.doubts.append((drawn.stem, drawn.doubt))
                note = f"warning: {drawn.doubt}"
            progress(Progress(summary.records, len(tasks), summary.pages, drawn.stem, error, note))
            check_interrupt()
    summary.seconds = time.perf_counter() - began
    return summary


def _error_line(stem: str, source: str, error: str | None) -> list[Line]:
    """The line about a failed record for the manifest, in a list that is empty if there is no error."""
    return [] if error is None else [{"record": stem, "source": source, "error": error}]


def _with_late(results: Generator[TaskResult], late: list[TaskResult], manifest: Manifest) -> Generator[TaskResult]:
    """Yield the results. At the end, or when the run is stopped, the pictures in the results `late` are added to the manifest too."""
    try:
        yield from results
    finally:
        results.close()
        manifest.append(line for drawn in late for line in drawn.lines)


def _results(
    tasks: list[Task], options: Options, target: Path | str, workers: int | Client | None, late: list[TaskResult]
) -> Generator[TaskResult]:
    """Draw all tasks, in this process, in others, or on a cluster, and yield their results, first those of tasks with nothing left to do.

    If the run is stopped, `late` gets the results of tasks that were under way, but not of those on a cluster.
    """
    yield from (TaskResult(task.stem, kept=len(task.done)) for task in tasks if task.complete)
    tasks = [task for task in tasks if not task.complete]
    if not (workers is None or isinstance(workers, int)):
        from fastecg.run.cluster import drawn_by_cluster

        yield from drawn_by_cluster(tasks, options, target, workers)
        return
    from fastecg.kernels.jit import are_kernels_cached
    from fastecg.run.workers import drawn_by_workers, end_if_starting

    most = 1 if is_own_memory(target) else workers or os.cpu_count() or 1
    processes = min(most, _worker_count(workers, tasks, options))
    if processes > 1:
        end_if_starting()
    compiled, waiting = are_kernels_cached(), Waiting(tasks)
    while processes == 1 or not compiled:  # If kernels are not compiled yet, drawing the first task here compiles them for all workers.
        task = next(waiting, None)
        if task is None:
            return
        lines: list[Line] = []
        try:
            drawn = draw_task(task, options, target, lines)
            check_interrupt()
        except BaseException:
            late.append(TaskResult(task.stem, tuple(lines)))
            raise
        waiting.put_first(drawn.parts)
        compiled |= not drawn.parts  # a task that was only divided into parts has compiled nothing
        processes = max(processes, min(most, len(drawn.parts)))  # a record that turns out to be long keeps several processes busy
        yield drawn
    yield from drawn_by_workers(waiting, options, target, processes, late)


def _worker_count(asked: int | None, tasks: list[Task], options: Options) -> int:
    """Number of processes to start: as many as the user asked for, or, for None, as there are cores, but no more than there are tasks.

    For None, every process also needs `_PICTURES_A_WORKER` pictures. How many pages the records have is not known yet, so pictures are
    counted as if each record had one page.
    """
    variants = sum(stop - first for first, stop in (task.variants or (0, options.per_record) for task in tasks))
    worthwhile = len(tasks) if asked is not None else variants // _PICTURES_A_WORKER
    return max(1, min(asked or os.cpu_count() or 1, worthwhile, len(tasks)))
