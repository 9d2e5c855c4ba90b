"""What long work says while it goes on: a progress bar on a terminal, plain lines elsewhere. All of it on stderr."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from fastecg.dataset import Progress

_SILENCE_S = 5.0  # between plain lines


class Reporter:
    """Tells how a run goes; a context manager round the work."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Bar | None = None
        self._began = self._spoke = time.monotonic()

    def __enter__(self) -> Reporter:
        if self._console.is_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("records  {task.fields[rate]:.1f} images/s"), TimeRemainingColumn())
            self._bar = Bar(*columns, console=self._console)
            self._bar.start()
            self._task = self._bar.add_task("render", total=None, rate=0.0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        """One line."""
        self._console.print(line, markup=False)

    def update(self, progress: Progress) -> None:
        """Pictures were drawn, the last of a record or not."""
        if progress.note is not None:
            self.say(progress.note)
        if progress.error is not None:
            self.say(f"failed: {progress.error}")
        now = time.monotonic()
        rate = progress.pages / max(now - self._began, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.done, total=progress.total, rate=rate)
        elif now - self._spoke >= _SILENCE_S:
            self._spoke = now
            line = f"{progress.done}/{progress.total} records, {progress.pages} images, {rate:.1f} images/s"
            if progress.done:
                line += f", {(now - self._began) / progress.done * (progress.total - progress.done):.0f} s left"
            self.say(line)
