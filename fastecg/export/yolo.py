"""Write YOLO data sets as Ultralytics reads them: ``images/<split>/``, ``labels/<split>/*.txt`` and ``data.yaml``.

A line of a label file is a class and, as shares of the picture's size, the centre and size of a box, or the corners of a polygon.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from fastecg.export.rendered import Rendered
from fastecg.export.things import CATEGORIES, Thing, things_in


def write_yolo(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures for detection: boxes."""
    _write(pictures, dest, val, _box, ink=False)


def write_yolo_segments(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures for segmentation: outlines, which for traces are those of their ink."""
    _write(pictures, dest, val, _outline, ink=True)


def _write(pictures: list[Rendered], dest: Path, val: float, shape: Callable[[Thing], np.ndarray], *, ink: bool) -> None:
    """Write pictures with the numbers that `shape` gives for a thing."""
    for picture in pictures:
        split = picture.split(val)
        picture.put_image(dest / "images" / split / (picture.key + picture.image.suffix))
        lines = [_line(thing, shape(thing), picture.size) for thing in things_in(picture, ink=ink)]
        label = dest / "labels" / split / f"{picture.key}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(lines), encoding="ascii")
    for split in ("train", "val"):  # Ultralytics needs both folders, even if one is empty
        (dest / "images" / split).mkdir(parents=True, exist_ok=True)
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CATEGORIES))
    # Without a path: Ultralytics takes "." as the current folder, and a missing path as the folder of the file.
    (dest / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames:\n{names}", encoding="ascii")


def _box(thing: Thing) -> np.ndarray:
    """Centre and size (2, 2) of a thing's box in px, from the corner of the first pixel."""
    left, top, right, bottom = (edge + 0.5 for edge in thing.box)
    return np.array([[(left + right) / 2, (top + bottom) / 2], [right - left, bottom - top]])


def _outline(thing: Thing) -> np.ndarray:
    """Outline (n, 2) of a thing in px, from the corner of the first pixel."""
    return thing.outline + 0.5


def _line(thing: Thing, shape_px: np.ndarray, size: tuple[int, int]) -> str:
    """The line of a label file for a thing; `size` is the height and width of the picture."""
    shares = np.clip(shape_px / size[::-1], 0, 1)
    return " ".join([str(CATEGORIES.index(thing.category)), *(f"{share:.6g}" for share in shares.ravel())]) + "\n"
