"""How many cores a process may keep busy: all of them, or its share where several work side by side; and what is done by one alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_beside = 1  # processes that share the machine, this one among them


def share_with(workers: int) -> None:
    """From now on this process is one of so many that work side by side."""
    global _beside
    _beside = max(1, workers)


def cores() -> int:
    """How many cores this process may keep busy, at least one."""
    return max(1, available() // _beside)


def available() -> int:
    """How many cores there are for the user's processes, which in a container or a cluster's job may be fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra by one thread.

    Systems as small as a page's take ten times the computing and longer where several threads wait for one another.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - it has a library of its own, and only what is loaded can be told
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
