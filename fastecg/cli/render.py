"""``fastecg render``: records to pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from fastecg.cli.group import FAILED, can_go_on, listed
from fastecg.errors import FastecgError

if TYPE_CHECKING:
    from fastecg.dataset import Format, Summary, TruthFile

_INPUT = "What is read"


def render(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[INPUT]...", help="WFDB records, folders of them, or RECORDS lists. None: the built-in samples."),
    ] = None,
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR|URL", help="Folder for pictures, truth and manifest; or s3://…")] = ...,  # type: ignore[assignment]
    recipe: Annotated[str, typer.Option(help="Name (see `fastecg recipes`) or FILE.toml.", rich_help_panel="Look")] = "clean",
    layout: Annotated[str, typer.Option(help="auto, 3x4, 3x4+1, 6x2, 12x1 …", rich_help_panel="Look")] = "auto",
    style: Annotated[str, typer.Option(help="The machine and its paper; auto draws one.", rich_help_panel="Look")] = "auto",
    dpi: Annotated[float | None, typer.Option(help="Pixels an inch of paper. [default: 200]", rich_help_panel="Look")] = None,
    speed: Annotated[float | None, typer.Option(help="Paper speed, mm/s. [default: 25]", rich_help_panel="Look")] = None,
    gain: Annotated[float | None, typer.Option(help="Gain, mm/mV. [default: 10]", rich_help_panel="Look")] = None,
    chest_gain: Annotated[float | None, typer.Option(help="Gain of the V leads where it differs, mm/mV.", rich_help_panel="Look")] = None,
    paper: Annotated[str, typer.Option(help="auto, letter, a4, roll-63 … roll-210.", rich_help_panel="Look")] = "auto",
    rhythm_lead: Annotated[
        str, typer.Option(metavar="LEAD[,…]", help="Leads of the rhythm strips, such as V1,II,V5.", rich_help_panel="Look")
    ] = "",
    severity: Annotated[
        float | None, typer.Option(help="How degraded, 0 to 1; drawn, mostly mild, unless given.", rich_help_panel="Look")
    ] = None,
    header_text: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Lines to print in the header as they are.", rich_help_panel="Look")
    ] = None,
    notes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Notes, one a line, that are written by hand where the recipe has handwriting.", rich_help_panel="Look"
        ),
    ] = None,
    notes_font: Annotated[
        Path | None, typer.Option(metavar="FILE.ttf", help="A font that notes are written in.", rich_help_panel="Look")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other pictures; the same seed, the same bytes.")] = 0,
    per_record: Annotated[int, typer.Option(help="Variants of every page.")] = 1,
    limit: Annotated[int | None, typer.Option(help="Only the first N records.")] = None,
    shard: Annotated[str | None, typer.Option(metavar="K/N", help="Only every N-th record, from the K-th on: one part a machine.")] = None,
    format: Annotated[str, typer.Option(help="png, jpg, webp or tiff.", rich_help_panel="Files")] = "png",
    quality: Annotated[int | None, typer.Option(help="1 to 100, for jpg (95) and webp (90).", rich_help_panel="Files")] = None,
    truth: Annotated[str, typer.Option(help="Some of json,mask,layers,warp.", rich_help_panel="Files")] = "json",
    mask_unplotted: Annotated[
        bool, typer.Option("--mask-unplotted", help="WFDB copy without the samples that are on no picture.", rich_help_panel="Files")
    ] = False,
    challenge_headers: Annotated[
        bool, typer.Option("--challenge-headers", help="WFDB copy names its images, #Image: …, as PhysioNet 2024.", rich_help_panel="Files")
    ] = False,
    start: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Where the first page of long records begins: a multiple of 10.", rich_help_panel=_INPUT),
    ] = None,
    pages: Annotated[int | None, typer.Option(metavar="N", help="Pages of a record, at most.", rich_help_panel=_INPUT)] = None,
    every: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="From one page to the next: a multiple of 10. [default: 10]", rich_help_panel=_INPUT),
    ] = None,
    fs: Annotated[
        float | None, typer.Option(help="Sampling frequency in Hz of CSV and NumPy files that state none.", rich_help_panel=_INPUT)
    ] = None,
    units: Annotated[str | None, typer.Option(help="mV, uV or V, of CSV and NumPy files. [default: mV]", rich_help_panel=_INPUT)] = None,
    leads: Annotated[str, typer.Option(metavar="LEAD[,…]", help="Names of the leads in CSV and NumPy files.", rich_help_panel=_INPUT)] = "",
    choose: Annotated[
        str, typer.Option(metavar="LEAD[,…]", help="Only these leads, in this order; NEW=OLD renames one.", rich_help_panel=_INPUT)
    ] = "",
    derive: Annotated[
        bool, typer.Option("--derive", help="Add III, aVR, aVL and aVF where I and II are there.", rich_help_panel=_INPUT)
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Draw anew what is there.", rich_help_panel="Files")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes. [default: all cores]")] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Draw on the Dask cluster whose scheduler is there; it must see the same folders.")
    ] = None,
) -> None:
    """Draw records as pages of ECG paper, with the truth of every picture beside it.

    One picture per 10 s of signal: OUT/RECORD-0.png, its truth RECORD-0.json, and the record itself as RECORD.hea and RECORD.dat.
    OUT/manifest.jsonl lists them all. The same command again goes on where it stopped.

    For example:

        fastecg render -o out                               the built-in samples

        fastecg render ptb-xl -o out --recipe photo         a folder

        fastecg render 00001_hr -o out --layout 6x2         one record

        fastecg render RECORDS -o out --shard 2/8           part of a list

    Exit status: 0 all done, 1 some records failed or the disk did, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    from fastecg.cli.report import Reporter
    from fastecg.cluster import connected
    from fastecg.dataset import render_dataset
    from fastecg.handwriting import read_font, read_notes
    from fastecg.kernels.jit import on_compile
    from fastecg.memory import keep_freed

    keep_freed()
    reporter = Reporter()
    if not inputs:
        reporter.say("no INPUT given: drawing the built-in sample records")
    on_compile(reporter.say_compiling)
    with can_go_on(reporter):
        font = None if notes_font is None else read_font(notes_font)
        with connected(dask) as client, reporter:
            summary = render_dataset(
                inputs or [],
                out,
                recipe=recipe,
                layout=layout,
                style=style,
                dpi=dpi,
                speed=speed,
                gain=gain,
                chest_gain=chest_gain,
                paper=paper,
                rhythm_leads=listed(rhythm_lead),
                severity=severity,
                header_text=_lines_of(header_text),
                notes=() if notes is None else read_notes(notes, font),
                notes_font=font,
                seed=seed,
                per_record=per_record,
                limit=limit,
                shard=_parsed_shard(shard),
                format=cast("Format", format),
                quality=quality,
                truth=cast("tuple[TruthFile, ...]", listed(truth)),
                mask_unplotted=mask_unplotted,
                challenge_headers=challenge_headers,
                workers=workers,
                client=client,
                fs=fs,
                leads=listed(leads) or None,
                unit=units,
                choose=listed(choose) or None,
                derive=derive,
                start=start,
                pages=pages,
                every=every,
                overwrite=overwrite,
                progress=reporter.update,
            )
    reporter.say("\n".join(_told(summary, out)))
    if summary.failures:
        raise typer.Exit(FAILED)


def _parsed_shard(text: str | None) -> tuple[int, int] | None:
    """``"2/8"`` as (2, 8)."""
    if text is None:
        return None
    k, slash, n = text.partition("/")
    if not (slash and k.isdecimal() and n.isdecimal()):
        raise FastecgError(f"the shard is {text!r}, expected K/N such as 2/8")
    return int(k), int(n)


def _lines_of(path: Path | None) -> tuple[str, ...]:
    """The lines of a text file that are not empty."""
    from fastecg.files import read_text
    from fastecg.limits import MOST_HEADER_LINES, check_lines

    if path is None:
        return ()
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FastecgError(f"{path}: cannot be read as text ({error})") from None
    kept = tuple(line.strip() for line in lines if line.strip())
    check_lines(kept, "header lines", MOST_HEADER_LINES)
    return kept


def _told(summary: Summary, out: str) -> list[str]:
    """The summary of a run, as lines."""
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
