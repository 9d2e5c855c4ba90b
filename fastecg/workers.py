"""Records drawn by several processes. A worker that dies takes down neither the run nor the other records.

Processes and not threads, because a page's Python parts would wait for one another; started fresh ("spawn"), because forking a
process that runs threads is not safe.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from fastecg.drawing import Drawn, Task, Waiting, draw_task
from fastecg.memory import keep_freed
from fastecg.options import Options

_AHEAD = 4  # tasks a worker that wait in the queue


def drawn_by_workers(tasks: Iterable[Task], options: Options, folder: Path | str, workers: int) -> Iterator[Drawn]:
    """Draw tasks in `workers` processes; results come as they are ready.

    When a worker dies, the tasks under way are drawn again, one at a time by one process: the one that kills it again is reported as
    failed.
    """
    waiting = Waiting(tasks)
    exhausted = False
    while not exhausted:
        suspects: list[Task] = []
        with _pool(workers) as pool:
            yield from _until_broken(pool, waiting, options, folder, workers * _AHEAD, suspects)
        exhausted = not suspects
        for drawn in _drawn_alone(suspects, options, folder):
            waiting.put_first(drawn.parts)
            yield drawn


def _until_broken(
    pool: ProcessPoolExecutor, waiting: Waiting, options: Options, folder: Path | str, ahead: int, suspects: list[Task]
) -> Iterator[Drawn]:
    """Results of the waiting tasks, to the end or until the pool breaks; then `suspects` holds the tasks that were under way."""
    pending: dict[Future[Drawn], Task] = {}
    try:
        while not suspects:
            for task in waiting:
                pending[_submit(pool, task, options, folder)] = task
                if len(pending) >= ahead:
                    break
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                task = pending.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    suspects.append(task)
                else:
                    drawn = future.result()
                    waiting.put_first(drawn.parts)
                    yield drawn
        suspects.extend(pending.values())
        _kill_rest(pool)
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise


def _kill_rest(pool: ProcessPoolExecutor) -> None:
    """End the processes of a broken pool, which waits for them: one was seen to outlive the SIGTERM that it sends, and the run hung."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()


def _submit(pool: ProcessPoolExecutor, task: Task, options: Options, folder: Path | str) -> Future[Drawn]:
    """As `pool.submit`, but a pool that is broken already says so through the future, like one that breaks later."""
    try:
        return pool.submit(draw_task, task, options, folder)
    except BrokenProcessPool as error:
        future: Future[Drawn] = Future()
        future.set_exception(error)
        return future


def _drawn_alone(tasks: list[Task], options: Options, folder: Path | str) -> Iterator[Drawn]:
    """One task at a time. A process is kept for the next one while it lives: starting one takes as long as many pages."""
    left = iter(tasks)
    broken = True
    while broken:
        broken = False
        with _pool(1) as pool:
            for task in left:
                try:
                    drawn = _submit(pool, task, options, folder).result()
                except BrokenProcessPool:
                    broken = True
                    drawn = Drawn(task.stem, error=f"{task.stem}: the process that drew it died, expected it to finish (out of memory?)")
                yield drawn
                if broken:
                    break


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), start_worker)


def start_worker() -> None:
    """Ctrl-C reaches all processes of a terminal: workers finish their record, and the parent stops. A parent that is killed takes
    its workers along, which would wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
