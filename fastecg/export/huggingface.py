"""Write a folder that Hugging Face's ``datasets.load_dataset`` reads: ``train/`` and ``validation/`` with images and ``metadata.jsonl``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from fastecg.export.rendered import Rendered
from fastecg.export.things import CATEGORIES, Thing, things_in
from fastecg.writers.image import write_atomic
from fastecg.writers.png import png_bytes
from fastecg.writers.truth_json import reading_truth

_FOLDERS = {"train": "train", "val": "validation"}


def write_huggingface(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures as an image folder with metadata, masks and a card that names the columns' types."""
    splits = []
    for split, name in _FOLDERS.items():
        chosen = [picture for picture in pictures if picture.split(val) == split]
        if not chosen:
            continue
        splits.append(name)
        (dest / name / "masks").mkdir(parents=True)
        with open(dest / name / "metadata.jsonl", "wb") as file:
            for picture in chosen:
                image, mask = picture.key + picture.image.suffix, f"masks/{picture.key}.png"
                picture.put_image(dest / name / image)
                write_atomic(dest / name / mask, png_bytes(picture.mask()))
                line = {"file_name": image, "mask_file_name": mask, **_described(picture)}
                file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY))
    write_atomic(dest / "README.md", _card(splits, len(pictures)).encode())


def _described(picture: Rendered) -> dict[str, Any]:
    """The columns of a picture: its record and how it was drawn, and the objects in it with boxes, words and key points.

    The columns in `_FLOATS` have floats on every line, because readers take the type of a column from its first line, which may have 25
    where a later one has 12.5.
    """
    line, things = picture.line, list(things_in(picture, ink=False))
    with reading_truth(picture.image.with_suffix(".json").name):
        own = picture.truth()["fastecg"]
        drawn = {key: str(own[key]) for key in ("layout", "style")} | {key: float(own[key]) for key in _FLOATS}
    return {
        "record": line["record"],
        **{key: line[key] for key in ("page", "variant", "seed", "recipe", "width", "height")},
        **drawn,
        "objects": {
            "bbox": [_left_top_size(thing.box) for thing in things],
            "categories": [CATEGORIES.index(thing.category) for thing in things],
            "names": [thing.category for thing in things],
            "words": [thing.words for thing in things],
            "points": [_points(thing) for thing in things],
            "seen": [[] if thing.seen is None else [int(value) for value in thing.seen] for thing in things],
        },
    }


def _points(thing: Thing) -> list[list[float]]:
    """The key points of a thing, [x, y] in px with pixel centres at integers; [0, 0] for points that are unknown or outside the picture.

    A thing without key points has an empty list.
    """
    return [] if thing.points is None else [[round(float(x), 2), round(float(y), 2)] for x, y in thing.points]


def _card(splits: list[str], count: int) -> str:
    """The text of the data set's card. The package `datasets` reads the part between the lines of dashes."""
    names = "\n".join(f"            '{number}': {name}" for number, name in enumerate(CATEGORIES))
    files = "\n".join(f"  - split: {name}\n    path: {name}/**" for name in splits)
    plain = "\n".join(f"  - name: {name}\n    dtype: {kind}" for name, kind in _COLUMNS.items())
    return _CARD.format(count=count, files=files, names=names, plain=plain)


_FLOATS = ("speed_mm_s", "gain_mm_mv", "px_per_mm")  # Columns whose numbers are written as floats, even if they are whole.

_COLUMNS = (
    {"record": "string", "page": "int64", "variant": "int64", "seed": "int64", "recipe": "string", "width": "int64", "height": "int64"}
    | {"layout": "string", "style": "string"}
    | dict.fromkeys(_FLOATS, "float64")
)  # fmt: skip

_CARD = """\
---
pretty_name: ECG pages
task_categories:
- object-detection
- image-segmentation
tags:
- ecg
- synthetic
configs:
- config_name: default
  drop_labels: true
  data_files:
{files}
dataset_info:
  features:
  - name: image
    dtype: image
  - name: mask
    dtype: image
{plain}
  - name: objects
    struct:
    - name: bbox
      list:
        list: float64
    - name: categories
      list:
        class_label:
          names:
{names}
    - name: names
      list: string
    - name: words
      list: string
    - name: points
      list:
        list:
          list: float64
    - name: seen
      list:
        list: int64
---

# ECG pages

{count} pictures of pages of ECG paper, drawn by fastecg from records, with what is on them. `mask`: 0 background, 1 to 12 the leads I, II,
III, aVR, aVL, aVF, V1 to V6, 13 any other lead. `objects`: boxes (left, top, width, height, px), categories, words, and key points (17 a
trace, evenly spaced in time; the corners of the grid; x, y with pixel centres at integers), `seen` 2 where visible, 1 hidden, 0 outside.
Pictures of one record are in one split.

```python
from datasets import load_dataset
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCard

folder = "path/to/this/folder"
pages = load_dataset(folder)

# The same with the categories as class labels, whose names are in this card:
features = DatasetInfosDict.from_dataset_card_data(DatasetCard.load(folder + "/README.md").data)["default"].features
pages = load_dataset(folder, features=features)
```
"""


def _left_top_size(box: tuple[float, float, float, float]) -> list[float]:
    """Left, top, width, height of a box (left, top, right, bottom), from the corner of the first pixel."""
    left, top, right, bottom = box
    return [round(left + 0.5, 2), round(top + 0.5, 2), round(right - left, 2), round(bottom - top, 2)]
