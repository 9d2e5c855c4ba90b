"""Jobs in worker processes with a time limit. A job that takes too long or kills its process does not affect the others."""

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

_START_S = 120.0  # Time that a process may take to start, in addition to the limit of its first job.


@dataclass(frozen=True)
class Done:
    """The outcome of a job: its result, or an error message; `trace` is the traceback of an unexpected error."""

    job: Any
    result: Any = None
    error: str | None = None
    trace: str = ""


@dataclass(eq=False)
class _Worker:
    process: Any
    pipe: Connection
    job: Any = None
    deadline: float = float("inf")
    ready: bool = False
    left_s: float = field(default=0.0)  # the job's remaining time; it does not run while a kernel is compiled

    def end(self) -> None:
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
        Jobs are taken from the left; more may be added while results are handled.
    work : callable
        A function of a module, called with a job in another process.
    workers : int
    limit_s : float
        Time limit of one job, without the time for compiling kernels.
    one_first : bool
        Whether to begin with one process, which compiles for all, and to start the others when its first job is done.
    compiling : callable, optional
        Called when a process begins to compile a kernel.
    """
    crew: list[_Worker] = []
    most = 1 if one_first else workers
    try:
        while True:
            for worker in crew:
                if jobs and worker.job is None:
                    _begin(worker, jobs.popleft(), limit_s)
            while jobs and len(crew) < most:
                crew.append(_hired(work, workers))
                _begin(crew[-1], jobs.popleft(), limit_s)
            busy = [worker for worker in crew if worker.job is not None]
            if not busy:
                return
            soonest = min(worker.deadline for worker in busy) - time.monotonic()
            wait([worker.pipe for worker in busy], timeout=max(0.0, min(soonest, 3600.0)))
            for worker in busy:
                done = _heard(worker, compiling, limit_s)
                if done is None:
                    continue
                if not worker.process.is_alive() or done.result is None:
                    crew = [other for other in crew if other is not worker]
                    worker.end()
                most = workers
                yield done
    finally:
        for worker in crew:
            worker.end()


def _begin(worker: _Worker, job: Any, limit_s: float) -> None:
    worker.job, worker.deadline = job, time.monotonic() + limit_s + (0.0 if worker.ready else _START_S)
    try:
        worker.pipe.send(job)
    except OSError:  # the process has died, which `_heard` reports
        worker.deadline = 0.0


def _hired(work: Callable[[Any], Any], workers: int) -> _Worker:
    end_if_starting()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work, workers), daemon=True)
    process.start()
    there.close()
    return _Worker(process, here)


def _heard(worker: _Worker, compiling: Callable[[], None] | None, limit_s: float) -> Done | None:
    """The outcome of a worker's job; None while it is running."""
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
    """The main function of a worker process; `workers` is how many there are."""
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
