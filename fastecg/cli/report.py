"""Progress of long commands on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from fastecg.errors import one_line

if TYPE_CHECKING:
    from fastecg.run.dataset import Progress

_SILENCE_S = 5.0  # Minimum time between plain lines about the progress.


class Reporter:
    """Reports the progress of a run; used as a context manager. `what` is the word for what is counted: records or pictures."""

    def __init__(self, console: Console | None = None, what: str = "records") -> None:
        self._what = what
        self._compiling = False
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Bar | None = None
        self._began = self._spoke = time.monotonic()

    def __enter__(self) -> Reporter:
        if self._console.is_terminal:
            rate = TextColumn(f"{self._what}  {{task.fields[rate]:.1f}} images/s")
            columns = (BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
            self._bar = Bar(*columns, console=self._console)
            self._bar.start()
            self._task = self._bar.add_task("render", total=None, rate=0.0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        """Print one line."""
        self._console.print(one_line(line), markup=False)

    def say_compiling(self) -> None:
        """Say once that kernels are being compiled."""
        if not self._compiling:
            self._compiling = True
            self.say("compiling kernels, once for this version: half a minute or so (`fastecg warm` does it beforehand)")

    def update(self, progress: Progress) -> None:
        """Report the progress of rendering, with the note or the error of the record that was drawn last."""
        if progress.note is not None:
            self.say(progress.note)
        if progress.error is not None:
            self.say(f"failed: {progress.error}")
        self.count(progress.done, progress.total, progress.pages)

    def count(self, done: int, total: int, images: int) -> None:
        """Report that `done` of `total` records or pictures are finished, and how many images were drawn or read."""
        now = time.monotonic()
        rate = images / max(now - self._began, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, rate=rate)
        elif now - self._spoke >= _SILENCE_S:
            self._spoke = now
            line = f"{done}/{total} {self._what}, {images} images, {rate:.1f} images/s"
            if done:
                line += f", {(now - self._began) / done * (total - done):.0f} s left"
            self.say(line)
