"""Ctrl-C that is not lost on its way.

Python raises `KeyboardInterrupt` wherever the program is at that moment, and code that drops all errors drops this one too. NumPy does so
while it makes a scalar of a string: of interrupts at random moments of drawing, one in a hundred was lost there, and the run went on to
its end. Long work therefore notes what an interrupt raised, and raises it again between two pictures.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_raised: list[BaseException] = []  # what interrupts raised during the work that is under way


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Note what Ctrl-C raises, for `check_interrupt`. Without effect in other threads than the main one, and where Ctrl-C is ignored."""
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

    earlier = len(_raised)
    signal.signal(signal.SIGINT, noted)
    try:
        yield
        check_interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
        del _raised[earlier:]


def check_interrupt() -> None:
    """Raise what an interrupt raised before, if the work goes on in spite of it."""
    if _raised and threading.current_thread() is threading.main_thread():
        raise _raised[-1].with_traceback(None)
