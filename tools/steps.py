"""Measure the CPU time of every step of a page, as a worker makes it: ``python tools/steps.py [RECIPE] [FORMAT] [PAGES]``.

Pages are drawn and written with their truth, each with another seed, in three rounds over all pages, after one that does not count. The
fastest round of every page counts, since other processes only slow it down. The time of a step does not include the time of steps within
it. Every page counts as the first of its record: the record is read, measured and copied for each of them.
"""

from __future__ import annotations

import functools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from fastecg import expose, mesh, recipe, sheet, shot
from fastecg.artifacts import ARTIFACTS
from fastecg.kernels import blend, sample
from fastecg.layouts import measured
from fastecg.options import Options
from fastecg.photo import Truth
from fastecg.printing import text
from fastecg.readers import sample_records
from fastecg.run import drawing
from fastecg.system.memory import keep_freed
from fastecg.writers import photo_files, truth_json

ROUNDS = 3
#: Steps: the module or class that has the function, the function's name in it, and the name of the step. Steps of artifacts are found in
#: their classes, as methods with a name in `STAGES`.
STEPS: tuple[tuple[Any, str, str], ...] = (
    (drawing, "_read", "read the record"),
    (drawing, "write_record", "write its copy"),
    (recipe.Recipe, "sample", "sample the shot's values"),
    (shot, "place", "place the page"),
    (shot, "_bent", "bend the paper and see it"),
    (mesh.Warp, "through", "find the page under the picture"),
    (sheet, "_ruled_paper", "rule the paper"),
    (sheet, "trace_plane", "draw the traces"),
    (text, "draw_texts", "print the words"),
    (blend, "inked", "ink the paper"),
    (shot, "_plane_in_picture", "see what covers the page"),
    (expose, "expose", "expose, around the one pass"),
    (sample, "expose_rows", "expose: the one pass"),
    (shot, "developed", "levels"),
    (photo_files, "image_bytes", "encode the picture"),
    (photo_files, "write_atomic", "write picture and truth"),
    (drawing.hashlib, "sha256", "hash the file"),
    (drawing.isal_zlib, "crc32", "hash the pixels"),
    (mesh.Warp, "forward", "truth: find points in the picture"),
    (truth_json, "_kit_keys", "truth: boxes"),
    (truth_json, "_lead_entries", "truth: leads"),
    (truth_json, "_own_keys", "truth: everything else"),
    (truth_json.orjson, "dumps", "truth: JSON"),
    (Truth, "_crossings", "truth: grid"),
)
STAGES = ("stain", "bend", "focus", "shade", "resolve", "develop", "hide")


class Steps:
    """CPU seconds of steps, without those of the steps within them."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._inner = [0.0]  # for each step that is running, and for the page: the time of the steps within it, so far

    def timed(self, function: Any, name: str) -> Any:
        """A function that calls `function` and counts its time as that of step `name`."""

        @functools.wraps(function)
        def step(*args: Any, **named: Any) -> Any:
            self._inner.append(0.0)
            start = time.thread_time()
            try:
                return function(*args, **named)
            finally:
                whole = time.thread_time() - start
                self.spent[name] += whole - self._inner.pop()
                self._inner[-1] += whole

        return step

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within this context, the steps are timed."""
        of_artifacts = [(kind, stage, f"{kind.__name__}: {stage}") for kind in ARTIFACTS for stage in STAGES if stage in kind.__dict__]
        with ExitStack() as stack:
            for owner, attribute, name in (*STEPS, *of_artifacts):
                found = owner.__dict__[attribute]
                if isinstance(found, classmethod):
                    made: Any = classmethod(self.timed(found.__func__, name))
                elif isinstance(found, functools.cached_property):
                    made = functools.cached_property(self.timed(found.func, name))
                    made.__set_name__(owner, attribute)
                else:
                    made = self.timed(found, name)
                if isinstance(owner, type):
                    stack.enter_context(mock.patch.object(owner, attribute, made))
                else:
                    stack.enter_context(mock.patch.dict(owner.__dict__, {attribute: made}))
            yield


def page_steps(name: str, suffix: str, pages: int) -> tuple[float, list[tuple[str, float]]]:
    """Mean CPU time in ms of a page by recipe `name`, and of its steps, the longest first."""
    options = Options(recipe=name, layout="3x4+1", style="muse", dpi=200, format=suffix)
    source = sample_records()[0]
    keep_freed()
    best: dict[int, tuple[float, Counter[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(ROUNDS + 1):
            for seed in range(pages):
                steps = Steps()
                measured._measured.cache_clear()
                with steps.watched():
                    start = time.thread_time()
                    drawn = drawing.draw_task(drawing.Task("r", source.path), replace(options, seed=seed), Path(folder))
                    whole = time.thread_time() - start
                if drawn.error:
                    sys.exit(drawn.error)
                # The first round does not count, because it also computes what later rounds find in caches.
                if turn and (seed not in best or whole < best[seed][0]):
                    best[seed] = whole, steps.spent
    total = sum((spent for _, spent in best.values()), Counter())
    rows = [(step, 1e3 * seconds / pages) for step, seconds in total.most_common()]
    mean = 1e3 * sum(whole for whole, _ in best.values()) / pages
    return mean, [*rows, ("all else", mean - sum(ms for _, ms in rows))]


def step_table(name: str, suffix: str, pages: int, least_ms: float = 0.5) -> str:
    """The steps of a page as a table in Markdown. Steps that take less than `least_ms` are added up in one line."""
    mean, rows = page_steps(name, suffix, pages)
    long = [(step, ms) for step, ms in rows if ms >= least_ms and step != "all else"]
    lines = [f"| {step} | {ms:.1f} |" for step, ms in [*long, ("all else", mean - sum(ms for _, ms in long))]]
    return "\n".join([f"| one `{name}` page, {suffix} | CPU ms |", "|---|---|", f"| **together** | **{mean:.1f}** |", *lines])


if __name__ == "__main__":
    given = sys.argv[1:] + ["photo", "jpg", "40"][len(sys.argv) - 1 :]
    print(step_table(given[0], given[1], int(given[2])))
