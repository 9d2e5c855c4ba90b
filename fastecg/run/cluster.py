"""Drawing records on a Dask cluster, whose machines share the output folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from fastecg.errors import FastecgError
from fastecg.options import Options
from fastecg.run.drawing import Task, TaskResult, Waiting, draw_task

if TYPE_CHECKING:
    from distributed import Client, Future

_AHEAD = 4  # Number of tasks that are submitted for each thread of the cluster, those under way included.
_RETRIES = 2  # Number of times that a task which raised an error is tried again.


def drawn_by_cluster(tasks: Iterable[Task], options: Options, target: Path | str, client: Client) -> Iterator[TaskResult]:
    """Draw tasks on a cluster into the folder or to the URL `target`, and yield their results as they are ready.

    The tasks of a worker that dies are drawn by others. A task that kills several workers is reported as failed.
    """
    from distributed import as_completed

    waiting = Waiting(tasks)
    pending: dict[object, Task] = {}
    done = as_completed()

    # Workers may run in other folders, so they get absolute paths.
    target = target.absolute() if isinstance(target, Path) else target

    def submit(task: Task) -> None:
        if isinstance(task.origin, Path):
            task = replace(task, origin=task.origin.absolute())
        future = client.submit(draw_task, task, options, target, pure=False, retries=_RETRIES)
        pending[future.key] = task
        done.add(future)

    def fill() -> None:
        ahead = max(1, _AHEAD * sum(client.nthreads().values()))
        for task in islice(waiting, max(0, ahead - len(pending))):  # `pending` is longer than `ahead` if workers have left.
            submit(task)

    fill()
    for future in done:
        drawn = _drawn(future, pending.pop(future.key))
        waiting.put_first(drawn.parts)
        yield drawn
        fill()


def _drawn(future: Future, task: Task) -> TaskResult:
    """The result of a finished future; a result with an error if the task killed its workers. Raises any other error of the task."""
    from distributed import KilledWorker

    error = future.exception()
    if isinstance(error, KilledWorker):
        return TaskResult(task.stem, error=f"{task.stem}: the workers that drew it died, expected one to finish (out of memory?)")
    if error is not None:
        raise error
    drawn: TaskResult = future.result()
    return drawn


@contextmanager
def connected(address: str | None) -> Iterator[Client | None]:
    """A client of the scheduler at `address`; None if there is no address."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise FastecgError("--dask needs Dask's distributed, expected `pip install fastecg[dask]` to have been run") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise FastecgError(f"{address}: no Dask scheduler answers ({type(error).__name__}), expected its address, host:port") from None
    with client:
        yield client
