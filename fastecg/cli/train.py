"""``fastecg train``: train a network for ``fastecg digitize`` on pages that are drawn meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RECORDS]…", help="Records, or folders of them.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the network, its state and its log.", show_default=False)] = ...,  # type: ignore[assignment]
    hours: Annotated[float, typer.Option(min=0.001, help="Hours of training in total, of all runs into this folder.")] = 2.0,
    width: Annotated[int, typer.Option(min=4, max=64, help="Number of channels of the network's finest level.")] = 16,
    batch: Annotated[int, typer.Option(min=1, help="Number of windows in a step.")] = 16,
    workers: Annotated[int, typer.Option(min=0, help="Number of processes that draw pages.")] = 1,
    rate: Annotated[float, typer.Option(min=1e-6, help="Largest learning rate; a tenth of it works well with --start.")] = 2e-3,
    others: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pages that are drawn as other programs and machines draw them.")
    ] = 0.5,
    start: Annotated[
        Path | None, typer.Option(metavar="FILE.onnx", help="A network to train further.", exists=True, dir_okay=False, show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the pages and of the first weights of the network.")] = 0,
) -> None:
    """Train the network that separates a picture's layers, on pages that are drawn meanwhile.

    The same command again resumes a training that was stopped. The command writes layernet.onnx for `fastecg digitize --weights`,
    curves.png and log.jsonl. Without records, all pages show simulated ones; with records, three pages in ten do.

    For example:

        fastecg train records500 -o network --hours 3
    """
    from fastecg.digitizing.layernet import export_layernet
    from fastecg.digitizing.train import TrainConfig, curves
    from fastecg.digitizing.train import train as train_network
    from fastecg.system.interrupts import interrupts_kept

    config = TrainConfig(hours=hours, width=width, batch=batch, rate=rate, others=others, seed=seed, start=start)
    with interrupts_kept():
        for row in train_network(inputs or [], out, config, workers=workers):
            losses = row["validation"]
            loss = f"loss {sum(losses.values()):.3f}, of which traces {losses['trace']:.3f}"
            typer.echo(f"{row['hours']:.2f} h, {row['windows']} windows: {loss}")
    export_layernet(out / "layernet.pt", out / "layernet.onnx")
    curves(out)
    typer.echo(f"{out / 'layernet.onnx'}: for fastecg digitize --weights")
