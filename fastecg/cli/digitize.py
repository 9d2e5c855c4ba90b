"""``fastecg digitize``: read records from pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fastecg.cli.group import FAILED, can_go_on, listed
from fastecg.errors import FastecgError

if TYPE_CHECKING:
    from fastecg.archive import Step
    from fastecg.cli.report import Reporter
    from fastecg.digitizing.decode import Mode
    from fastecg.digitizing.result import Format
    from fastecg.digitizing.settings import Settings

_BYTES_A_WORKER = 2e9  # Memory in bytes that a worker may need for a picture.

# Headings of the groups of options.
_PAGE = "What is known of the page (else it is read from the picture)"
_SIGNAL = "What is read"


def digitize(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Pictures, PDF files, or folders of them.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for records and reports.", show_default=False)],
    layout: Annotated[
        str | None, typer.Option(help="Name of the layout, such as 3x4+1.", rich_help_panel=_PAGE, show_default=False)
    ] = None,
    speed: Annotated[float | None, typer.Option(help="Paper speed, mm/s.", rich_help_panel=_PAGE, show_default=False)] = None,
    gain: Annotated[float | None, typer.Option(help="Gain, mm/mV.", rich_help_panel=_PAGE, show_default=False)] = None,
    fs: Annotated[float, typer.Option(min=50, max=5000, help="Sampling frequency of the record, Hz.", rich_help_panel=_SIGNAL)] = 500.0,
    mode: Annotated[
        str,
        typer.Option(
            help="How traces are measured: stroke_fit (a fit of the pen's stroke), softargmax or centroid.", rich_help_panel=_SIGNAL
        ),
    ] = "stroke_fit",
    page: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="A page corrected with `fastecg review`.", rich_help_panel=_PAGE, show_default=False),
    ] = None,
    also: Annotated[str, typer.Option(help="Records in further formats: some of csv,npz,mat,edf,aecg.", rich_help_panel=_SIGNAL)] = "",
    overlay: Annotated[bool, typer.Option("--overlay", help="Also draw what was read over each picture.")] = False,
    weights: Annotated[
        Path | None, typer.Option(help="An ONNX network to use instead of the one that comes with fastecg.", show_default=False)
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Number of processes. [default: all cores, 2 GB of memory each]")] = None,
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Longest time that one picture may take.")] = 120.0,
) -> None:
    """Read the signals of ECGs from pictures: a WFDB record and a JSON report for each, and a table of all.

    Pictures may have any common format (HEIC with `pip install 'fastecg[heic]'`), be turned by any number of quarter turns, and have about
    60 to 600 dpi; all pages of PDF and TIFF files are read. Samples that were not drawn, or cannot be read, are missing (NaN); the report
    says why.

    OUT has the same sub-folders as the input. OUT/summary.csv has a line for every page. OUT/digitized.jsonl lists sources and results, so
    that the same command again resumes a run that was stopped. No two pictures share an output name, and no file is replaced that this
    command did not write.

    For example:

        fastecg digitize photo.jpg -o out --overlay

        fastecg digitize scans -o out --layout 3x4+1 --speed 25 --gain 10

    Exit status: 0 all read, 1 some pictures were not read or the disk was full, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    from fastecg.archive import SUMMARY, Wish, digitize_archive
    from fastecg.cli.report import Reporter

    wish = Wish(_settings(layout, speed, gain, fs, mode, page), weights, overlay, _formats(also))
    reporter = Reporter(what="pictures")
    with can_go_on(reporter), reporter:
        outcome = digitize_archive(
            images,
            out,
            wish,
            workers=workers or _likely_workers(),
            timeout_s=timeout,
            progress=lambda step: _report(step, reporter),
            compiling=reporter.say_compiling,
        )
    kept = f", {outcome.kept} were there already" if outcome.kept else ""
    typer.echo(f"{outcome.read} pictures read{kept}; {out / SUMMARY}")
    if outcome.failures:
        total = outcome.read + outcome.kept + len(outcome.failures)
        typer.echo(f"{len(outcome.failures)} of {total} pictures were not read", err=True)
        raise typer.Exit(FAILED)


def _settings(layout: str | None, speed: float | None, gain: float | None, fs: float, mode: str, page: Path | None) -> Settings:
    """The settings that the options of the command give."""
    from fastecg.digitizing.settings import Settings

    if page is not None and not page.is_file():
        raise FastecgError(f"{page}: there is no such file, expected a page that `fastecg review` gave")
    return Settings(layout, speed, gain, fs, cast("Mode", mode), page)


def _formats(text: str) -> tuple[Format, ...]:
    """The formats in the text of ``--also``, which separates them by commas."""
    from fastecg.writers.exchange import FORMATS

    names = listed(text)
    for name in names:
        if name not in FORMATS:
            raise FastecgError(f"unknown format {name!r}, expected some of {', '.join(FORMATS)}")
    return cast("tuple[Format, ...]", names)


def _likely_workers() -> int:
    """The number of processes for which there are cores and memory, at least 1. If the size of the memory is unknown, only cores count."""
    from fastecg.system.cores import available

    cores = available()
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return cores
    return max(1, min(cores, int(memory // _BYTES_A_WORKER)))


def _report(step: Step, reporter: Reporter) -> None:
    """Print one line about a picture, with ``--debug`` also the traceback of an unexpected error, and count the picture."""
    line = step.line
    page = f", page {line['page'] + 1}" if line["page"] else ""
    if "error" in line:
        reporter.say(f"{line['source']}{page}: not read: {line['error']}")
        if step.trace and os.environ.get("FASTECG_DEBUG"):
            for trace_line in step.trace.splitlines():
                reporter.say(trace_line)
    else:
        flags = "".join(f"; {flag}" for flag in line["flags"][:3]) + (f"; {len(line['flags']) - 3} flags more" if line["flags"][3:] else "")
        order = line.get("order") or "unknown"
        reporter.say(
            f"{line['source']}{page}: {line['layout']}, {line['speed_mm_s']:.4g} mm/s, {line['gain_mm_mv']:.4g} mm/mV, order {order}, "
            f"{100 * line['read']:.0f} % of what was drawn{flags} -> {line['record']}"
        )
    reporter.count(step.done, step.total, step.done)
