"""Interrupts (Ctrl-C) that are not lost.

Python raises `KeyboardInterrupt` wherever the program is at that moment, and code that catches all errors catches this one too. NumPy does
so while it makes a scalar of a string: of interrupts at random moments of drawing, one in a hundred was lost there, and the run went on to
its end. Long work therefore keeps what an interrupt raised, and raises it again between two pictures.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_raised: list[BaseException] = []  # exceptions that interrupts raised since the outermost `interrupts_kept` began


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Keep what Ctrl-C raises within the block, for `check_interrupt`, which is also called at the end of the block.

    This has no effect outside the main thread or if Ctrl-C is ignored. Python prints errors that are raised while it frees an object,
    because it cannot pass them on; of these errors, those of interrupts are not printed.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def noted(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except BaseException as error:
            _raised.append(error)
            raise

    def print_others(error: sys.UnraisableHookArgs) -> None:
        if not any(error.exc_value is raised for raised in _raised):
            print_error(error)

    earlier, print_error = len(_raised), sys.unraisablehook
    signal.signal(signal.SIGINT, noted)
    sys.unraisablehook = print_others
    try:
        yield
        check_interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = print_error
        del _raised[earlier:]


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Defer Ctrl-C to the end of a few steps that belong together; pressed several times, it acts once. Works in the main thread only."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    asked: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: asked.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if asked and callable(before):
            before(*asked[0])


def check_interrupt() -> None:
    """Raise again what the last interrupt raised. The program gets here after an interrupt only if some code has caught the exception."""
    if _raised and threading.current_thread() is threading.main_thread():
        raise _raised[-1].with_traceback(None)
