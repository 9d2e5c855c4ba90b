"""Error reporting of all commands: one line on stderr and an exit status, without a traceback."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from fastecg.errors import FastecgError, not_installed, one_line

if TYPE_CHECKING:
    from fastecg.cli.report import Reporter

# Exit statuses.
FAILED = 1  # Part of the work could not be done.
USAGE = 2  # The command is not valid.
INTERRUPTED = 130  # The status that shells expect after Ctrl-C.


class ReportingGroup(TyperGroup):
    """A group of commands that reports errors in one line, with status 1 for errors of the file system, else with status 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except FastecgError as error:
            _show(error)
            message, status = str(error), USAGE
        except ImportError as error:
            _show(error)
            message, status = not_installed(error), USAGE
        except BrokenPipeError:  # As in `fastecg recipes | head -1`: Typer ends without a message.
            raise
        except OSError as error:
            _show(error)
            message, status = refusal(error), FAILED
        typer.echo(f"fastecg: {message}", err=True)
        raise typer.Exit(status)


def _show(error: Exception) -> None:
    """Print the traceback if ``--debug`` is given."""
    if os.environ.get("FASTECG_DEBUG"):
        traceback.print_exception(error)


@contextmanager
def can_go_on(reporter: Reporter) -> Iterator[None]:
    """A context for a run that can be resumed. After Ctrl-C or an error of the disk, it reports that the run can go on, and exits."""
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
    """The values in a text, which are separated by commas, without repetitions."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def refusal(error: OSError) -> str:
    """The message for an error of the file system."""
    expected = ", expected a folder" if isinstance(error, FileExistsError | NotADirectoryError) else ""
    return one_line(f"{error.filename or 'file'}: {error.strerror or error}{expected}")
