"""Drawing records in several processes. If a worker dies, the run and the other records are not affected.

Processes are used instead of threads because the Python parts of drawing would hold the interpreter lock. They are spawned, not forked,
because forking a process that runs threads is unsafe.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from pathlib import Path

from fastecg.errors import FastecgError
from fastecg.options import Options
from fastecg.run import drawing
from fastecg.run.drawing import Task, TaskResult, Waiting, draw_task
from fastecg.system.memory import keep_freed

#: Why processes end at once: they run the script that started them again, up to the call that starts processes.
UNGUARDED = 'the worker processes ended before they began, expected the code of a script under `if __name__ == "__main__":`, or workers=1'

_AHEAD = 4  # Number of tasks that are queued for each worker.
_THREAD_S = 5.0  # The thread of a broken pool whose processes are dead ends well within this time.


def drawn_by_workers(
    tasks: Iterable[Task], options: Options, folder: Path | str, workers: int, late: list[TaskResult] | None = None
) -> Iterator[TaskResult]:
    """Draw tasks in `workers` processes; results come as they are ready.

    When the run is stopped, each process ends after the picture that it draws; what was drawn by then is put into `late`.

    When a worker dies, the tasks under way are drawn again, one at a time by one process: the one that kills it again is reported as
    failed.
    """
    waiting = Waiting(tasks)
    exhausted = False
    context = multiprocessing.get_context("spawn")
    began, stop = context.Event(), context.Event()
    while not exhausted:
        suspects: list[Task] = []
        with _pool(workers, began, stop) as pool:
            yield from _until_broken(pool, waiting, options, folder, workers * _AHEAD, suspects, stop, late)
        exhausted = not suspects
        if suspects and not began.is_set():
            raise FastecgError(UNGUARDED)
        for drawn in _drawn_alone(suspects, options, folder):
            waiting.put_first(drawn.parts)
            yield drawn


def _until_broken(
    pool: ProcessPoolExecutor,
    waiting: Waiting,
    options: Options,
    folder: Path | str,
    ahead: int,
    suspects: list[Task],
    stop: Event,
    late: list[TaskResult] | None,
) -> Iterator[TaskResult]:
    """Results of the waiting tasks, to the end or until the pool breaks; then `suspects` holds the tasks that were under way."""
    pending: dict[Future[TaskResult], Task] = {}
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
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        if late is not None:
            late += [future.result() for future in pending if not future.cancelled() and future.exception() is None]
        raise


def _kill_rest(pool: ProcessPoolExecutor) -> None:
    """Kill the processes of a broken pool. It sends them SIGTERM and waits, and a process that survived the signal once hung the run.

    Python 3.11.2 then waits for ever for its own thread, which goes on writing a large task to a pipe that nobody reads. If that thread
    does not end, the pipe's reading end is closed here, as later versions do in the thread. Both at once would close it twice.
    """
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()
    thread, queue = (getattr(pool, name, None) for name in ("_executor_manager_thread", "_call_queue"))
    if thread is not None and queue is not None:
        thread.join(_THREAD_S)
        if thread.is_alive():
            queue._reader.close()


def _submit(pool: ProcessPoolExecutor, task: Task, options: Options, folder: Path | str) -> Future[TaskResult]:
    """Like `pool.submit`, but a pool that is already broken sets the error in the future instead of raising it."""
    try:
        return pool.submit(draw_task, task, options, folder)
    except BrokenProcessPool as error:
        future: Future[TaskResult] = Future()
        future.set_exception(error)
        return future


def _drawn_alone(tasks: list[Task], options: Options, folder: Path | str) -> Iterator[TaskResult]:
    """Draw tasks one at a time, by one process as long as it lives: starting a process takes as long as many pages."""
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
                    drawn = TaskResult(
                        task.stem, error=f"{task.stem}: the process that drew it died, expected it to finish (out of memory?)"
                    )
                yield drawn
                if broken:
                    break


def _pool(workers: int, began: Event | None = None, stop: Event | None = None) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), start_worker, (began, stop))


def end_if_starting() -> None:
    """End a process that would start others while it is being started itself, because its script has no main guard.

    Python's own error is long and is not shown; the process that started this one reports what is missing.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(1)


def start_worker(began: Event | None = None, stop: Event | None = None) -> None:
    """Prepare a worker process: it ignores Ctrl-C, which the parent handles, and ends when the parent ends."""
    if began is not None:
        began.set()
    if stop is not None:
        drawing.stopping = stop.is_set
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
