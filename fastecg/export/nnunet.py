"""nnU-Net's raw format: ``imagesTr/<case>_0000.png``, ``labelsTr/<case>.png`` and ``dataset.json``; the class of a pixel is its lead."""

from __future__ import annotations

from pathlib import Path

import orjson

from fastecg.export.rendered import Rendered
from fastecg.pictures import read_image
from fastecg.record import LEADS
from fastecg.writers.image import write_atomic
from fastecg.writers.png import png_bytes


def write_nnunet(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures as a raw nnU-Net data set. It does its own cross-validation, so all are for training."""
    for picture in pictures:
        _put_png(picture, dest / "imagesTr" / f"{picture.key}_0000.png")
        write_atomic(dest / "labelsTr" / f"{picture.key}.png", png_bytes(picture.mask()))
    description = {
        "channel_names": {"0": "R", "1": "G", "2": "B"},
        "labels": {"background": 0, **{lead: number for number, lead in enumerate(LEADS, start=1)}},
        "numTraining": len(pictures),
        "file_ending": ".png",
        "overwrite_image_reader_writer": "NaturalImage2DIO",
    }
    write_atomic(dest / "dataset.json", orjson.dumps(description, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _put_png(picture: Rendered, target: Path) -> None:
    """The image as PNG, which masks and images must both be."""
    if picture.image.suffix == ".png":
        picture.put_image(target)
        return
    write_atomic(target, png_bytes(read_image(picture.image)))
