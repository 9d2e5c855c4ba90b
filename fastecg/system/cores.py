"""How many cores this process may use: all, or its share if several processes run; and single-threaded linear algebra."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_beside = 1  # processes that share the machine, this one among them


def share_with(workers: int) -> None:
    """Declare that this process is one of `workers` on this machine."""
    global _beside
    _beside = max(1, workers)


def cores() -> int:
    """Number of cores that this process may use, at least one."""
    return max(1, available() // _beside)


def available() -> int:
    """Number of cores that the user's processes may use; in a container or a cluster job this may be fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Run linear algebra on one thread.

    On systems as small as a page's, threads mostly wait for one another: several take ten times the CPU time, and are slower too.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - it loads its own BLAS, and only loaded libraries can be limited
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
