"""A folder that Hugging Face's ``datasets.load_dataset`` reads: ``train/``, ``validation/`` with images and ``metadata.jsonl``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from fastecg.export.rendered import Rendered
from fastecg.export.things import CATEGORIES, things_in
from fastecg.writers.truth_json import reading_truth

_FOLDERS = {"train": "train", "val": "validation"}


def write_huggingface(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures as an image folder with metadata."""
    for split, name in _FOLDERS.items():
        chosen = [picture for picture in pictures if picture.split(val) == split]
        if not chosen:
            continue
        (dest / name).mkdir(parents=True)
        with open(dest / name / "metadata.jsonl", "wb") as file:
            for picture in chosen:
                image = picture.key + picture.image.suffix
                picture.put_image(dest / name / image)
                file.write(orjson.dumps({"file_name": image, **_described(picture)}, option=orjson.OPT_APPEND_NEWLINE))


def _described(picture: Rendered) -> dict[str, Any]:
    """Columns of a picture: what was drawn, where things are (left, top, width, height in px) and what is written."""
    line, things = picture.line, list(things_in(picture, ink=False))
    with reading_truth(picture.image.with_suffix(".json").name):
        own = {key: picture.truth()["fastecg"][key] for key in ("layout", "style", "speed_mm_s", "gain_mm_mv", "px_per_mm")}
    return {
        "record": line["record"],
        **{key: line[key] for key in ("page", "variant", "seed", "recipe", "width", "height")},
        **own,
        "objects": {
            "bbox": [_left_top_size(thing.box) for thing in things],
            "categories": [CATEGORIES.index(thing.category) for thing in things],
            "names": [thing.category for thing in things],
            "words": [thing.words for thing in things],
        },
    }


def _left_top_size(box: tuple[float, float, float, float]) -> list[float]:
    left, top, right, bottom = box
    return [round(left + 0.5, 2), round(top + 0.5, 2), round(right - left, 2), round(bottom - top, 2)]
