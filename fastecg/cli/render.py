"""``fastecg render``: draw records as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastecg.cli.flags import read_flags, with_flags
from fastecg.cli.group import FAILED, can_go_on
from fastecg.options import RunOptions

if TYPE_CHECKING:
    from fastecg.run.dataset import Summary


@with_flags(RunOptions)
def render(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[INPUT]...", help="WFDB records, folders of them, or RECORDS lists. Without any, the built-in samples are drawn."
        ),
    ] = None,
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR|URL", help="Folder for pictures, truth and manifest; or s3://…")] = ...,  # type: ignore[assignment]
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Draw on the Dask cluster whose scheduler has this address; its machines must have the same folders."
        ),
    ] = None,
    **given: Any,
) -> None:
    """Draw records as pages of ECG paper, with the truth of every picture beside it.

    One picture per 10 s of signal: OUT/RECORD-0.png, its truth RECORD-0.json, and the record itself as RECORD.hea and RECORD.dat.
    OUT/manifest.jsonl lists them all. The same command again resumes a run that was stopped.

    For example:

        fastecg render -o out                               the built-in samples

        fastecg render ptb-xl -o out --recipe photo         a folder

        fastecg render 00001_hr -o out --layout 6x2         one record

        fastecg render RECORDS -o out --shard 2/8           part of a list

    Exit status: 0 all drawn, 1 some records failed or the disk was full, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    from fastecg.cli.report import Reporter
    from fastecg.kernels.jit import on_compile
    from fastecg.run.cluster import connected
    from fastecg.run.dataset import render_dataset
    from fastecg.system.memory import keep_freed

    keep_freed()
    reporter = Reporter()
    if not inputs:
        reporter.say("no INPUT given: drawing the built-in sample records")
    on_compile(reporter.say_compiling)
    with can_go_on(reporter):
        options = read_flags(RunOptions, given)
        with connected(dask) as client, reporter:
            summary = render_dataset(inputs or [], out, client=client, progress=reporter.update, **options)
    for line in _summary_lines(summary, out):
        reporter.say(line)
    if summary.failures:
        raise typer.Exit(FAILED)


def _summary_lines(summary: Summary, out: str) -> list[str]:
    """The summary of a run as lines of text."""
    rate = summary.pages / max(summary.seconds, 1e-9)
    size = f"{summary.bytes / 1e6:.1f} MB of images"
    lines = [f"{summary.pages} images of {summary.records} records in {out}, {size}, {summary.seconds:.1f} s ({rate:.1f} images/s)"]
    if summary.kept:
        lines.append(f"{summary.kept} images were there already")
    if summary.shortened:
        lines.append(f"{summary.shortened} records have a tail shorter than a page, which is left out")
    if summary.failures:
        lines.append(f"{len(summary.failures)} records failed; the manifest says why")
    return lines
