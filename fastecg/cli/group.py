"""How every command reports what went wrong: one line on stderr and an exit status, no traceback."""

from __future__ import annotations

import os
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from fastecg.errors import FastecgError

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


def refusal(error: OSError) -> str:
    """What the disk refused, in words."""
    return f"{error.filename or 'file'}: {error.strerror or error}"
