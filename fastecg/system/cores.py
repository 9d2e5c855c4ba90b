"""The number of cores that this process may use, which several worker processes share, and linear algebra on one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_sharing = 1  # number of processes that share the cores, this one included


def share_with(workers: int) -> None:
    """Declare that this process is one of a number of `workers` that share the cores."""
    global _sharing
    _sharing = max(1, workers)


def cores() -> int:
    """Number of cores that this process may use: its part of the cores `available` to all processes, at least one."""
    return max(1, available() // _sharing)


def available() -> int:
    """Number of cores that all processes together may use. In a container or a cluster job the machine may have more.

    Where the system does not say so, it is the number of all cores. Limits of the CPU time are not considered.
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Run linear algebra on one thread.

    Systems of equations of a page are so small that threads mostly wait for one another: several threads take ten times the CPU time, and
    are slower too.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    """The controller of the linear algebra libraries that are loaded."""
    import scipy.linalg  # noqa: F401 - it loads its own BLAS, and only loaded libraries can be limited
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
