"""How every guard of this folder measures: CPU time, interleaved, medians."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np


def cpu_medians(works: list[Callable[[], object]], times: int = 9, warm: int = 1) -> list[float]:
    """Median CPU seconds of this thread for each work, interleaved so that a slow spell hits all of them."""
    spent = np.empty((times, len(works)))
    for work in works * warm:
        work()
    for row in spent:
        for i, work in enumerate(works):
            start = time.thread_time()
            work()
            row[i] = time.thread_time() - start
    return np.median(spent, axis=0).tolist()
