"""Write nnU-Net's raw format: ``imagesTr/<case>_0000.png``, ``labelsTr/<case>.png``, ``dataset.json``; the class of a pixel is its lead."""

from __future__ import annotations

from pathlib import Path

import orjson

from fastecg.export.rendered import Rendered, split_position
from fastecg.record import LEADS
from fastecg.system.pictures import read_image
from fastecg.writers.image import write_atomic
from fastecg.writers.png import png_bytes

_FOLDS = 5  # Number of folds of nnU-Net's cross-validation.


def write_nnunet(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures as a raw nnU-Net data set.

    All pictures are in ``imagesTr``. ``splits_final.json`` says which are for validation in each of five folds; nnU-Net reads it from the
    data set's folder of preprocessed cases. In nnU-Net's own split, pictures of one record could be in both parts.
    """
    for picture in pictures:
        put_png(picture, dest / "imagesTr" / f"{picture.key}_0000.png")
        write_atomic(dest / "labelsTr" / f"{picture.key}.png", png_bytes(picture.mask()))
    description = {
        "channel_names": {"0": "R", "1": "G", "2": "B"},
        "labels": {name: number for number, name in enumerate(("background", *LEADS, "other_lead"))},
        "numTraining": len(pictures),
        "file_ending": ".png",
        "overwrite_image_reader_writer": "NaturalImage2DIO",
    }
    write_atomic(dest / "dataset.json", orjson.dumps(description, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    folds = splits(pictures, val)
    if folds:
        write_atomic(dest / "splits_final.json", orjson.dumps(folds, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def splits(pictures: list[Rendered], val: float) -> list[dict[str, list[str]]]:
    """The cases for training and for validation in each of five folds; no folds if there is only one record, or if `val` is 0.

    Pictures of one record are never in both parts. In fold 0, the same records are for validation as in the other formats,
    unless these would be none or all of them.
    """
    # Sorted so that the validation records of fold 0 come first.
    records = sorted({picture.record for picture in pictures}, key=lambda record: (split_position(record), record))
    if val <= 0 or len(records) < 2:
        return []
    count = min(max(1, round(val * len(records))), len(records) - 1)
    validation = [{record for record in records if split_position(record) < val}]
    if not 0 < len(validation[0]) < len(records):
        validation = [set(records[:count])]
    # For validation, each further fold takes `count` neighbours in the list of records. The first records of these folds are evenly spaced
    # among those that fold 0 trains on.
    for fold in range(1, _FOLDS):
        first = len(validation[0]) + (fold - 1) * max(1, (len(records) - len(validation[0])) // (_FOLDS - 1))
        validation.append({records[(first + k) % len(records)] for k in range(count)})
    return [
        {part: [picture.key for picture in pictures if (picture.record in chosen) == (part == "val")] for part in ("train", "val")}
        for chosen in validation
    ]


def put_png(picture: Rendered, target: Path) -> None:
    """Put the image into another folder as PNG, because images must have the same format as masks."""
    if picture.image.suffix == ".png":
        picture.put_image(target)
        return
    write_atomic(target, png_bytes(read_image(picture.image)))
