"""Jobs with a time limit, in worker processes. A job that takes too long or kills its process does not affect the others."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from fastecg.errors import FastecgError
from fastecg.run.workers import UNGUARDED, end_if_starting, start_worker

_START_S = 120.0  # Time in s that a process may take to start, in addition to the limit of its first job.


@dataclass(frozen=True)
class Done:
    """The outcome of a job: its result, or an error message and, if the error was unexpected, its traceback in `trace`."""

    job: Any
    result: Any = None
    error: str | None = None
    trace: str = ""


@dataclass(eq=False)
class _Worker:
    """A worker process, and the job that it has."""

    process: Any
    pipe: Connection
    job: Any = None
    deadline: float = float("inf")  # when the job has to be done, by `time.monotonic`
    ready: bool = False  # whether the process has started
    left_s: float = field(default=0.0)  # time left for the job when the compilation of a kernel began; the job gets it back afterwards

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def in_time(
    jobs: deque[Any],
    work: Callable[[Any], Any],
    workers: int,
    limit_s: float,
    *,
    one_first: bool = False,
    compiling: Callable[[], None] | None = None,
) -> Iterator[Done]:
    """Run jobs in `workers` processes, each for at most `limit_s` seconds, and yield their outcomes as they finish.

    Parameters
    ----------
    jobs : deque
        Jobs are taken from the left. The caller may add more of them between two outcomes.
    work : callable
        Called with a job in a worker process, so it has to be a function of a module. It must not return None, which stands for a failure.
    workers : int
        Largest number of processes.
    limit_s : float
        Time limit of one job, without the time for compiling kernels.
    one_first : bool
        Whether to begin with one process, which compiles the kernels for all, and to start the others when its first job is done.
    compiling : callable, optional
        Called when a process begins to compile a kernel.
    """
    crew: list[_Worker] = []
    allowed = 1 if one_first else workers  # number of processes for now
    try:
        while True:
            for worker in crew:
                if jobs and worker.job is None:
                    _assign(worker, jobs.popleft(), limit_s)
            while jobs and len(crew) < allowed:
                crew.append(_new_worker(work, workers))
                _assign(crew[-1], jobs.popleft(), limit_s)
            busy = [worker for worker in crew if worker.job is not None]
            if not busy:
                return
            soonest = min(worker.deadline for worker in busy) - time.monotonic()
            # An hour at most, because deadlines are infinite while kernels are compiled.
            wait([worker.pipe for worker in busy], timeout=max(0.0, min(soonest, 3600.0)))
            for worker in busy:
                done = _outcome(worker, compiling, limit_s)
                if done is None:
                    continue
                if not worker.process.is_alive() or done.result is None:  # after a failure or too long a time, a new process is safer
                    crew = [other for other in crew if other is not worker]
                    worker.end()
                allowed = workers
                yield done
    finally:
        for worker in crew:
            worker.end()


def _assign(worker: _Worker, job: Any, limit_s: float) -> None:
    """Send a job to a worker."""
    worker.job, worker.deadline = job, time.monotonic() + limit_s + (0.0 if worker.ready else _START_S)
    try:
        worker.pipe.send(job)
    except OSError:  # The process has died; `_outcome` reports this.
        worker.deadline = 0.0


def _new_worker(work: Callable[[Any], Any], workers: int) -> _Worker:
    """Start a worker process, one of `workers` that share the cores."""
    end_if_starting()
    context = multiprocessing.get_context("spawn")
    our_end, its_end = context.Pipe()
    process = context.Process(target=_serve, args=(its_end, work, workers), daemon=True)
    process.start()
    its_end.close()
    return _Worker(process, our_end)


def _outcome(worker: _Worker, compiling: Callable[[], None] | None, limit_s: float) -> Done | None:
    """The outcome of a worker's job; None while it is running. Raises a `FastecgError` if the user's script has no main guard."""
    job = worker.job
    try:
        while worker.pipe.poll():
            kind, value, trace = worker.pipe.recv()
            now = time.monotonic()
            if kind == "ready":
                worker.ready, worker.deadline = True, now + limit_s
            elif kind == "compiling":
                worker.left_s, worker.deadline = worker.deadline - now, float("inf")
                if compiling is not None:
                    compiling()
            elif kind == "compiled":
                worker.deadline = now + worker.left_s
            else:
                worker.job = None
                return Done(job, value) if kind == "done" else Done(job, error=value, trace=trace)
    except (EOFError, OSError):
        worker.process.join(1.0)
        if not worker.ready and worker.process.exitcode == 1:
            raise FastecgError(UNGUARDED) from None
        return Done(job, error="the process that read it died, expected it to finish (out of memory?)")
    if time.monotonic() >= worker.deadline:
        return Done(job, error=f"not done after {limit_s:g} s, expected it to take less (--timeout)")
    return None


def _serve(pipe: Connection, work: Callable[[Any], Any], workers: int) -> None:
    """The main function of a worker process, one of `workers` that share the cores. It sends messages (kind, value, traceback)."""
    from fastecg.kernels.jit import on_compile
    from fastecg.system.cores import share_with

    start_worker()
    share_with(workers)
    on_compile(lambda: pipe.send(("compiling", None, "")), lambda: pipe.send(("compiled", None, "")))
    pipe.send(("ready", None, ""))
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("done", work(job), ""))
        except Exception as fault:
            pipe.send(("failed", f"unexpected {type(fault).__name__} ({fault})", traceback.format_exc()))
