"""Pictures that are in a rendered folder, with what is known of them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from fastecg.errors import FastecgError, ImageError
from fastecg.manifest import MANIFEST, Line, Manifest
from fastecg.writers.truth_json import read_truth

_SPLIT_STEPS = 1 << 32


@dataclass(frozen=True)
class Rendered:
    """One picture of a rendered folder, by its line of the manifest."""

    folder: Path
    line: Line

    @property
    def image(self) -> Path:
        """Its image file."""
        return self.folder / str(self.line["path"])

    @property
    def key(self) -> str:
        """A name of its own: no folders, no dots."""
        path = Path(self.line["path"]).with_suffix("").as_posix()
        # Folders that are named like that could otherwise give two pictures one name.
        mark = f"-{crc32(path.encode()):08x}" if "__" in path or "." in path else ""
        return path.replace("/", "__").replace(".", "_") + mark

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.line["height"], self.line["width"]

    def split(self, val: float) -> str:
        """Either "train" or "val", by the record's name: pictures of one record are never in both."""
        return "val" if crc32(str(self.line["record"]).encode()) < val * _SPLIT_STEPS else "train"

    def truth(self) -> dict[str, Any]:
        """Its truth file."""
        path = self.image.with_suffix(".json")
        if not path.is_file():
            raise ImageError(f"{path.name}: is missing, expected a folder rendered with `--truth json`")
        return read_truth(path.read_bytes(), path.name)

    def mask(self) -> np.ndarray:
        """(height, width) uint8 as `Truth.mask`: read, or drawn again from the shot and the record's copy."""
        path = self.image.with_name(self.image.stem + ".mask.png")
        if path.is_file():
            import imageio.v3 as iio

            return iio.imread(path, plugin="pillow")
        from fastecg.readers import read_record
        from fastecg.shot import Shot

        shot = Shot.from_dict(self.truth()["fastecg"]["shot"])
        return shot.take(read_record(self.folder / str(self.line["record"]))).truth.mask()

    def put_image(self, target: Path) -> None:
        """Its image under another name: the same file where the disk allows, for nothing changes it, else a copy."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self.image, target)
        except OSError:
            shutil.copyfile(self.image, target)


def rendered_in(folder: Path) -> list[Rendered]:
    """The pictures of a rendered folder, in the order of their names; `FastecgError` if there is none."""
    if not (folder / MANIFEST).is_file():
        raise FastecgError(f"{folder}: no {MANIFEST} in it, expected a folder that `fastecg render` made")
    lines = Manifest(folder).images
    found = [Rendered(folder, lines[path]) for path in sorted(lines) if (folder / path).is_file()]
    if not found:
        raise FastecgError(f"{folder}: no picture in it, expected some")
    return found
