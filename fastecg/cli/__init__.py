"""The command line: one module for each command. Slow imports are made only when a command runs, so that ``--help`` is quick."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

from fastecg.cli.digitize import digitize
from fastecg.cli.export import export
from fastecg.cli.group import ReportingGroup
from fastecg.cli.inspect import inspect
from fastecg.cli.recipes import recipes
from fastecg.cli.render import render
from fastecg.cli.review import review
from fastecg.cli.score import score
from fastecg.cli.simulate import simulate
from fastecg.cli.train import train
from fastecg.cli.warm import warm

#: All commands, in the order of ``fastecg --help``.
COMMANDS = (render, inspect, export, recipes, simulate, digitize, review, score, train, warm)

app = typer.Typer(
    cls=ReportingGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command()(command)


def _print_version(wanted: bool) -> None:
    """Print the version and stop, if the option is given."""
    if wanted:
        from fastecg import __version__

        typer.echo(f"fastecg {__version__}")
        raise typer.Exit


@app.callback()
def fastecg(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where errors come from.")] = False,
) -> None:
    """Pictures of ECG paper from WFDB records, with the exact pixel of every sample.

    To see something first:

        fastecg render -o out            the built-in sample records, as clean pages

        fastecg inspect out              their truth drawn over them, as a web page
    """
    if debug:
        os.environ["FASTECG_DEBUG"] = "1"  # an environment variable, because worker processes inherit it


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # Names of files may have bytes that are not valid text.
    app(prog_name="fastecg")
