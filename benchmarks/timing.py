"""How every guard of this folder measures: CPU time, interleaved, medians."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

Work = Callable[[], object]
#: CPU seconds of the calling thread: kernels with ``threads=1`` and peers held to one thread stay on it.
THREAD = time.thread_time
#: CPU seconds of all threads of this process: for works that start threads of their own, such as linear algebra.
PROCESS = time.process_time


def cpu_medians(works: list[Work], times: int = 9, warm: int = 1, clock: Callable[[], float] = THREAD) -> list[float]:
    """Median CPU seconds of each work by `clock`, interleaved so that a slow spell hits all of them."""
    spent = np.empty((times, len(works)))
    for work in works * warm:
        work()
    for row in spent:
        for i, work in enumerate(works):
            start = clock()
            work()
            row[i] = clock() - start
    return np.median(spent, axis=0).tolist()


def times_faster(
    benchmark: Any, ours: Work, peers: dict[str, Work], times: int = 9, warm: int = 1, clock: Callable[[], float] = THREAD
) -> list[float]:
    """How many times faster `ours` is than each of `peers`; written into the benchmark's report under the peers' names."""
    own, *others = cpu_medians([ours, *peers.values()], times, warm, clock)
    ratios = [other / own for other in others]
    benchmark.extra_info.update({f"times faster than {peer}": figure(ratio) for peer, ratio in zip(peers, ratios, strict=True)})
    benchmark.pedantic(ours, rounds=3)
    return ratios


def figure(ratio: float) -> float:
    """Three digits: more are noise."""
    return float(f"{ratio:.3g}")
