"""How every command reports what went wrong: one line on stderr and an exit status, no traceback."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from fastecg.errors import FastecgError

USAGE, FAILED = 2, 1


class ReportingGroup(TyperGroup):
    """Turns the library's errors into one line: status 2 for what was asked for wrongly, 1 for what the disk refused."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except FastecgError as error:
            message, status = str(error), USAGE
        except OSError as error:
            message, status = refusal(error), FAILED
        typer.echo(f"fastecg: {message}", err=True)
        raise typer.Exit(status)


def refusal(error: OSError) -> str:
    """What the disk refused, in words."""
    return f"{error.filename or 'file'}: {error.strerror or error}"
