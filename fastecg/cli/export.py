"""``fastecg export``: write rendered folders in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from fastecg.export import Format


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `fastecg render` made.")],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="A new folder.")],
    to: Annotated[str, typer.Option(help="Format: coco, yolo, yolo-segment, nnunet, webdataset, huggingface or ecg-digitiser.")] = ...,  # type: ignore[assignment]
    val: Annotated[float, typer.Option(help="Share of records whose pictures are for validation.")] = 0.1,
) -> None:
    """Write a rendered folder in the format of another tool. Images are linked if the disk allows this, else copied.

    For example:

        fastecg export out coco --to coco

        fastecg export out nnUNet_raw/Dataset500_ECG --to nnunet

        fastecg export out shards --to webdataset --val 0.05
    """
    from fastecg.export import export as exported

    count = exported(folder, dest, to=cast("Format", to), val=val)
    typer.echo(f"{count} pictures in {dest}")
