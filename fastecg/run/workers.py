"""Drawing records in several processes. If a process dies, the run goes on, and only the record that killed it fails.

Processes are used instead of threads because the Python parts of drawing would hold the interpreter lock. Processes are spawned, not
forked, because forking a process that runs threads is unsafe.
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

#: The message if worker processes end at once. Each runs the user's script again; without a main guard, it would start workers itself.
UNGUARDED = 'the worker processes ended before they began, expected the code of a script under `if __name__ == "__main__":`, or workers=1'

_AHEAD = 4  # Number of tasks that are submitted for each worker, the one under way included.
_THREAD_S = 5.0  # Time in s for which the thread of a broken pool is waited for; it mostly ends as soon as the processes are dead.


def drawn_by_workers(
    tasks: Iterable[Task], options: Options, target: Path | str, workers: int, late: list[TaskResult] | None = None
) -> Iterator[TaskResult]:
    """Draw tasks in `workers` processes, and yield their results as they are ready.

    When the run is stopped, each task under way ends after its present picture, and its result is put into `late`.

    When a worker dies, the tasks that were under way or queued are drawn again, one at a time in one process. A task that kills this
    process too is reported as failed.
    """
    waiting = Waiting(tasks)
    finished = False
    context = multiprocessing.get_context("spawn")
    began, stop = context.Event(), context.Event()  # whether any process has started; whether tasks shall end after their present picture
    while not finished:
        suspects: list[Task] = []
        with _pool(workers, began, stop) as pool:
            yield from _until_broken(pool, waiting, options, target, workers * _AHEAD, suspects, stop, late)
        finished = not suspects
        if suspects and not began.is_set():
            raise FastecgError(UNGUARDED)
        for drawn in _drawn_alone(suspects, options, target, late):
            waiting.put_first(drawn.parts)
            yield drawn


def _until_broken(
    pool: ProcessPoolExecutor,
    waiting: Waiting,
    options: Options,
    target: Path | str,
    ahead: int,
    suspects: list[Task],
    stop: Event,
    late: list[TaskResult] | None,
) -> Iterator[TaskResult]:
    """Yield the results of waiting tasks until all are done or the pool breaks. At most `ahead` are submitted and unfinished at a time.

    If the pool breaks, `suspects` gets the tasks that were under way or queued. When the run is stopped, `stop` is set, and `late` gets the
    results of the tasks that were under way.
    """
    pending: dict[Future[TaskResult], Task] = {}
    try:
        while not suspects:
            for task in waiting:
                pending[_submit(pool, task, options, target)] = task
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
        _end_early(pool, pending, stop, late)
        raise


def _end_early(pool: ProcessPoolExecutor, pending: Iterable[Future[TaskResult]], stop: Event, late: list[TaskResult] | None) -> None:
    """End a pool whose run was stopped: queued tasks are cancelled, and `late` gets the results of the tasks that were under way."""
    stop.set()
    pool.shutdown(wait=True, cancel_futures=True)
    if late is not None:
        late += [future.result() for future in pending if not future.cancelled() and future.exception() is None]


def _kill_rest(pool: ProcessPoolExecutor) -> None:
    """Kill the processes of a broken pool.

    The pool itself only sends SIGTERM and waits; a process that survives the signal would make the run wait for ever.

    In Python 3.11.2 the pool may then wait for ever for its own thread, which is still writing a large task to a pipe that nobody reads.
    If that thread does not end, the pipe's reading end is closed here. In later versions the thread closes that end itself, which must not
    be done twice.
    """
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()
    thread, queue = (getattr(pool, name, None) for name in ("_executor_manager_thread", "_call_queue"))
    if thread is not None and queue is not None:
        thread.join(_THREAD_S)
        if thread.is_alive():
            queue._reader.close()


def _submit(pool: ProcessPoolExecutor, task: Task, options: Options, target: Path | str) -> Future[TaskResult]:
    """Like `pool.submit`, but a pool that is already broken sets the error in the future instead of raising it."""
    try:
        return pool.submit(draw_task, task, options, target)
    except BrokenProcessPool as error:
        future: Future[TaskResult] = Future()
        future.set_exception(error)
        return future


def _drawn_alone(tasks: list[Task], options: Options, target: Path | str, late: list[TaskResult] | None = None) -> Iterator[TaskResult]:
    """Draw tasks one at a time in another process. When the run is stopped, `late` gets the result of the task under way.

    The process is replaced only if it dies: starting a process takes as long as drawing many pages.
    """
    remaining = iter(tasks)
    broken = True
    while broken:
        broken = False
        stop = multiprocessing.get_context("spawn").Event()  # A new one, because a process that died may have held the lock of the last.
        with _pool(1, stop=stop) as pool:
            for task in remaining:
                future = _submit(pool, task, options, target)
                try:
                    drawn = future.result()
                except BrokenProcessPool:
                    broken = True
                    drawn = TaskResult(
                        task.stem, error=f"{task.stem}: the process that drew it died, expected it to finish (out of memory?)"
                    )
                except BaseException:
                    _end_early(pool, [future], stop, late)
                    raise
                yield drawn
                if broken:
                    break


def _pool(workers: int, began: Event | None = None, stop: Event | None = None) -> ProcessPoolExecutor:
    """A pool of `workers` processes that begin with `start_worker`, to which `began` and `stop` are passed."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), start_worker, (began, stop))


def end_if_starting() -> None:
    """End this process if it is a worker that is still starting: it would start workers itself, as the user's script has no main guard.

    Python's own error message about this is long, so it is not shown. The process that started this one reports what is missing.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(1)


def start_worker(began: Event | None = None, stop: Event | None = None) -> None:
    """Prepare a worker process: it ignores Ctrl-C, which its parent handles, and ends when its parent ends.

    `began` is set to show that the process has started. When `stop` is set, the worker's task ends after its present picture.
    """
    if began is not None:
        began.set()
    if stop is not None:
        drawing.stopping = stop.is_set
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the end of the parent process, then end this one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
