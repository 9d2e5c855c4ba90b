"""How every command reports what went wrong: one line on stderr and an exit status, no traceback."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from fastecg.errors import FastecgError

if TYPE_CHECKING:
    from fastecg.cli.report import Reporter

USAGE, FAILED = 2, 1
INTERRUPTED = 130  # what shells expect after Ctrl-C


class ReportingGroup(TyperGroup):
    """Turns the library's errors into one line: status 2 for what was asked for wrongly, 1 for what the disk refused."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except FastecgError as error:
            _show(error)
            message, status = str(error), USAGE
        except OSError as error:
            _show(error)
            message, status = refusal(error), FAILED
        typer.echo(f"fastecg: {message}", err=True)
        raise typer.Exit(status)


def _show(error: Exception) -> None:
    """Where an error comes from, with --debug."""
    if os.environ.get("FASTECG_DEBUG"):
        traceback.print_exception(error)


@contextmanager
def can_go_on(reporter: Reporter) -> Iterator[None]:
    """Round a run that goes on where it was stopped, by Ctrl-C or by the disk: says so, and ends the command with its status."""
    try:
        yield
    except KeyboardInterrupt:
        reporter.say("stopped; the same command goes on from here")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        _show(error)
        reporter.say(f"fastecg: {refusal(error)}; once that is mended, the same command goes on from here")
        raise typer.Exit(FAILED) from None


def listed(text: str) -> tuple[str, ...]:
    """The words of an option that takes several, parted by commas; each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def refusal(error: OSError) -> str:
    """What the disk refused, in words."""
    return f"{error.filename or 'file'}: {error.strerror or error}"
