"""The pictures of a rendered folder and their truth."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from fastecg.errors import FastecgError, ImageError
from fastecg.run.manifest import MANIFEST, Line, Manifest
from fastecg.system.pictures import read_image
from fastecg.writers.truth_json import load_truth, reading_truth

if TYPE_CHECKING:
    from fastecg.photo import Photo

_SPLIT_STEPS = 1 << 32  # Number of values of CRC-32.
_LONGEST_KEY = 88  # Longest key in bytes: a name in a tar archive has 100, of which a suffix such as ".layers.png" needs some.


@dataclass(frozen=True)
class Rendered:
    """One picture of a rendered folder, described by its line of the manifest."""

    folder: Path
    line: Line

    @property
    def image(self) -> Path:
        """The image file."""
        return self.folder / str(self.line["path"])

    @property
    def key(self) -> str:
        """A unique name without folders and dots, short enough for every format."""
        path = Path(self.line["path"]).with_suffix("").as_posix()
        # Paths with "__" or dots could otherwise give two pictures one name.
        checksum = f"-{crc32(path.encode()):08x}" if "__" in path or "." in path else ""
        name = path.replace("/", "__").replace(".", "_") + checksum
        if len(name.encode()) <= _LONGEST_KEY:
            return name
        # The name is cut, to leave room for a dash and 8 hexadecimal digits.
        return name.encode()[: _LONGEST_KEY - 9].decode(errors="ignore") + f"-{crc32(path.encode()):08x}"

    @property
    def record(self) -> str:
        """The name of the record from which the picture was drawn."""
        return str(self.line["record"])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.line["height"], self.line["width"]

    def split(self, val: float) -> str:
        """Either "train" or "val", by the record's name: pictures of one record are never in both."""
        return "val" if split_position(self.record) < val else "train"

    def truth(self) -> dict[str, Any]:
        """The content of the picture's truth file; an `ImageError` if there is none."""
        path = self.image.with_suffix(".json")
        if not path.is_file():
            raise ImageError(f"{path.name}: is missing, expected a folder rendered with `--truth json`")
        return load_truth(path)

    def mask(self) -> np.ndarray:
        """The mask (height, width) uint8, as `Truth.mask`: read from the mask's file, or else drawn from the shot and the record's copy."""
        path = self.image.with_name(self.image.stem + ".mask.png")
        mask = read_image(path) if path.is_file() else self._photo().truth.mask()
        if mask.shape != self.size:
            raise ImageError(f"{path.name}: is of shape {mask.shape}, expected {self.size} as its image")
        return mask

    def _photo(self) -> Photo:
        """The picture, drawn again from its shot and the copy of the record in the folder."""
        from fastecg.readers import read_record
        from fastecg.shot import Shot

        with reading_truth(self.image.with_suffix(".json").name):
            shot = Shot.from_dict(self.truth()["fastecg"]["shot"])
        return shot.take(read_record(self.folder / str(self.line["record"])))

    def put_image(self, target: Path) -> None:
        """Put the image under another name, as a hard link if the file system allows, else as a copy."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self.image, target)
        except OSError:
            shutil.copyfile(self.image, target)


def split_position(record: str) -> float:
    """A number from 0 to below 1 that depends only on the name of a record. Records whose number is below `val` are for validation."""
    return crc32(record.encode()) / _SPLIT_STEPS


def rendered_in(folder: Path) -> list[Rendered]:
    """The pictures of a rendered folder, in the order of their names; a `FastecgError` if there is none."""
    if not (folder / MANIFEST).is_file():
        raise FastecgError(f"{folder}: no {MANIFEST} in it, expected a folder that `fastecg render` made")
    lines = Manifest(folder).images
    found = [Rendered(folder, lines[path]) for path in sorted(lines) if (folder / path).is_file()]
    if not found:
        raise FastecgError(f"{folder}: no picture of its {MANIFEST} is in it, expected at least one")
    return found
