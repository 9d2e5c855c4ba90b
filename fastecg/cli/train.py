"""``fastecg train``: a network for ``fastecg digitize``, taught on fresh pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RECORDS]…", help="Records, or folders of them.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the network, its state and its log.", show_default=False)] = ...,  # type: ignore[assignment]
    hours: Annotated[float, typer.Option(min=0.001, help="Hours of training, of all runs into this folder together.")] = 2.0,
    width: Annotated[int, typer.Option(min=4, max=64, help="Number of channels of the finest level.")] = 16,
    batch: Annotated[int, typer.Option(min=1, help="Number of windows in a step.")] = 16,
    workers: Annotated[int, typer.Option(min=0, help="Number of processes that draw pages.")] = 1,
    rate: Annotated[float, typer.Option(min=1e-6, help="The highest learning rate; a tenth of it goes well with --start.")] = 2e-3,
    others: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pages that are drawn as other programs and machines draw them.")
    ] = 0.5,
    start: Annotated[
        Path | None, typer.Option(metavar="FILE.onnx", help="A network to train further.", exists=True, dir_okay=False, show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Train the network that separates a picture's layers, on pages that are drawn meanwhile.

    The same command again resumes a training. It writes layernet.onnx for `fastecg digitize --weights`, curves.png and log.jsonl. Without
    records, all pages are drawn of simulated ones; with records, three pages in ten.

    For example:

        fastecg train records500 -o network --hours 3
    """
    from fastecg.digitizing.layernet import export_layernet
    from fastecg.digitizing.train import TrainConfig, curves
    from fastecg.digitizing.train import train as teach
    from fastecg.system.interrupts import interrupts_kept

    course = TrainConfig(hours=hours, width=width, batch=batch, rate=rate, others=others, seed=seed, start=start)
    with interrupts_kept():
        for row in teach(inputs or [], out, course, workers=workers):
            parts = row["validation"]
            told = f"loss {sum(parts.values()):.3f}, of which traces {parts['trace']:.3f}"
            typer.echo(f"{row['hours']:.2f} h, {row['windows']} windows: {told}")
    export_layernet(out / "layernet.pt", out / "layernet.onnx")
    curves(out)
    typer.echo(f"{out / 'layernet.onnx'}: for fastecg digitize --weights")
