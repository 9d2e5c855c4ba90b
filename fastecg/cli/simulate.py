"""``fastecg simulate``: make synthetic records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastecg.errors import FastecgError

if TYPE_CHECKING:
    from collections.abc import Iterable


def simulate(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the records.", show_default=False)] = None,
    rhythm: Annotated[
        str, typer.Option(help="Name of a rhythm, all, or any for random cases as hospitals see them.", rich_help_panel="Heart")
    ] = "sinus",
    conduction: Annotated[str, typer.Option(help="Name of a conduction or morphology, or all.", rich_help_panel="Heart")] = "normal",
    heart_rate: Annotated[
        float | None,
        typer.Option(help="Beats per minute; a rate that fits the rhythm unless given.", rich_help_panel="Heart", show_default=False),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Length of a record, s.", rich_help_panel="Recording")] = 10.0,
    fs: Annotated[float, typer.Option(help="Sampling frequency, Hz.", rich_help_panel="Recording")] = 500.0,
    noise: Annotated[
        float, typer.Option(help="Amount of noise: 0 for none, 1 for that of a usual resting ECG.", rich_help_panel="Recording")
    ] = 1.0,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Number of records of each kind, with seeds from SEED on.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first person; the same seed gives the same record.")] = 0,
    names: Annotated[bool, typer.Option("--list", help="List rhythms and conductions, and stop.")] = False,
) -> None:
    """Make synthetic 12-lead records, in WFDB format, named RHYTHM-CONDUCTION-SEED.

    For example:

        fastecg simulate -o records

        fastecg simulate -o records --rhythm atrial_fibrillation -n 20

        fastecg simulate -o records --rhythm any -n 100

        fastecg simulate -o records --rhythm all --conduction all

        fastecg render records -o out
    """
    from fastecg.simulation import CONDUCTIONS, RHYTHMS
    from fastecg.simulation import simulate as simulated
    from fastecg.writers import write_record

    if names:
        _print_rows("Rhythms", RHYTHMS)
        _print_rows("Conductions", CONDUCTIONS)
        return
    if out is None:
        raise FastecgError("no folder for the records, expected --out FOLDER")
    rhythms = [row.name for row in RHYTHMS] if rhythm == "all" else [rhythm]
    conductions = [row.name for row in CONDUCTIONS] if conduction == "all" and rhythm != "any" else [conduction]
    kinds = [(name, shape) for name in rhythms for shape in conductions]
    for name, shape in kinds:
        for person in range(seed, seed + count):
            record = simulated(name, conduction=shape, seconds=seconds, fs=fs, heart_rate=heart_rate, seed=person, noise=noise)
            write_record(out / record.name, record)
    typer.echo(f"{len(kinds) * count} records in {out}")


def _print_rows(title: str, rows: Iterable[object]) -> None:
    """Print names and descriptions of rhythms or conductions."""
    typer.echo(title)
    for row in rows:
        typer.echo(f"  {row.name:<30} {row.about}")  # type: ignore[attr-defined]
