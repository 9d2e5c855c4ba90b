"""Write COCO data sets: ``images/``, and ``annotations/train.json`` and ``val.json`` with boxes, segmentation and key points.

Format: cocodataset.org, "Data format". Traces are run-length encoded, because they are a pixel or two wide and cross each other; other
objects are polygons. COCO counts from the corner of the first pixel and fastecg from its centre, so 0.5 is added to fastecg's coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from fastecg.export.rendered import Rendered
from fastecg.export.things import CATEGORIES, TRACE_POINTS, Thing, things_in
from fastecg.record import LEADS


def write_coco(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures as a COCO data set."""
    (dest / "annotations").mkdir(parents=True)
    for split in ("train", "val"):
        chosen = [picture for picture in pictures if picture.split(val) == split]
        if chosen:
            _write_split(chosen, dest, dest / "annotations" / f"{split}.json")


def _write_split(pictures: list[Rendered], dest: Path, path: Path) -> None:
    """Write the images and the annotation file of a split. Annotations are written one by one: memory does not grow with their number."""
    images: list[dict[str, Any]] = []
    number = 0
    with open(path, "wb") as file:
        file.write(b'{"info":{"description":"fastecg"},"licenses":[],"categories":%b,"annotations":[' % orjson.dumps(_categories()))
        for index, picture in enumerate(pictures, start=1):
            name = picture.key + picture.image.suffix
            picture.put_image(dest / "images" / name)
            images.append({"id": index, "file_name": name, "height": picture.size[0], "width": picture.size[1]})
            for entry in _annotations(picture, index):
                number += 1
                file.write((b",\n" if number > 1 else b"\n") + orjson.dumps({"id": number, **entry}, option=orjson.OPT_SERIALIZE_NUMPY))
        file.write(b'],\n"images":%b}\n' % orjson.dumps(images))


def _categories() -> list[dict[str, Any]]:
    """The categories of objects, numbered from 1 as COCO does."""
    return [{"id": number, "name": name, **_key_points(name)} for number, name in enumerate(CATEGORIES, start=1)]


def _key_points(name: str) -> dict[str, Any]:
    """The group to which a category belongs, the names of its key points, and the pairs of key points, from 1, that lines join."""
    if name == "grid":
        return {"supercategory": "page", "keypoints": ["top_left", "top_right", "bottom_right", "bottom_left"],
                "skeleton": [[1, 2], [2, 3], [3, 4], [4, 1]]}  # fmt: skip
    if name in (*LEADS, "other_lead"):
        names = [f"t{k}" for k in range(TRACE_POINTS)]
        return {"supercategory": "trace", "keypoints": names, "skeleton": [[k, k + 1] for k in range(1, TRACE_POINTS)]}
    return {"supercategory": "writing", "keypoints": [], "skeleton": []}


def _annotations(picture: Rendered, image: int) -> Iterator[dict[str, Any]]:
    """The annotations of a picture, without their "id"; `image` is the "id" of the picture."""
    for thing in things_in(picture):
        left, top, right, bottom = _box(thing)
        entry: dict[str, Any] = {
            "image_id": image,
            "category_id": CATEGORIES.index(thing.category) + 1,
            "bbox": [left, top, right - left, bottom - top],
            "area": _area(thing),
            "iscrowd": 0,
            "segmentation": _polygon(thing) if thing.ink is None else {"size": list(picture.size), "counts": rle_counts(thing.ink)},
            "words": thing.words,
            "keypoints": [],
            "num_keypoints": 0,
        }
        if thing.points is not None and thing.seen is not None:
            shifted = np.where(thing.seen[:, None] > 0, thing.points + 0.5, 0.0).round(2)
            entry["keypoints"] = np.column_stack([shifted, thing.seen]).ravel()
            entry["num_keypoints"] = int((thing.seen > 0).sum())
        yield entry


def _box(thing: Thing) -> tuple[float, ...]:
    """Left, top, right, bottom in px from the corner of the first pixel: of the ink, or of the outline if the thing has no ink."""
    if thing.ink is None:
        return tuple(round(edge + 0.5, 2) for edge in thing.box)
    rows, columns = np.flatnonzero(thing.ink.any(axis=1)), np.flatnonzero(thing.ink.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _area(thing: Thing) -> float:
    """The area in square px: of the ink, or of the outline if the thing has no ink."""
    if thing.ink is not None:
        return float(thing.ink.sum())
    # Half the sum of cross products of neighbouring corners, relative to the first.
    x, y = (thing.outline - thing.outline[0]).T
    return round(float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2, 2)


def _polygon(thing: Thing) -> list[np.ndarray]:
    """The outline in COCO's form: a list of polygons, here of one, each as x0, y0, x1, y1 and so on."""
    return [(thing.outline + 0.5).round(2).ravel()]


def rle_counts(ink: np.ndarray) -> str:
    """COCO's compressed run lengths of a mask (height, width) bool, column by column. The first run is False, and may have length 0.

    From the fourth run on, the difference from the run two before it is written. A number becomes characters of five bits each, the lowest
    bits first. A sixth bit is set if more characters of the number follow, and 48 is added (pycocotools, ``rleToString``).
    """
    flat = np.concatenate(([False], ink.ravel(order="F"), [False]))
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate(([0], edges, [ink.size])))
    runs = runs[:-1] if runs[-1] == 0 else runs
    runs[3:] = runs[3:] - np.concatenate((runs[1:-2],))
    return "".join(_characters(int(run)) for run in runs)


def _characters(number: int) -> str:
    """The characters of one number, as `rle_counts` describes them."""
    text = ""
    while True:
        bits, number = number & 31, number >> 5
        done = number == (-1 if bits & 16 else 0)
        text += chr(48 + (bits if done else bits | 32))
        if done:
            return text
