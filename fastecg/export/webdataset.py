"""Write WebDataset archives: ``train-000000.tar``, … of at most 1 GB. Image, ``json`` and ``mask.png`` of one name are one sample."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from fastecg.export.rendered import Rendered
from fastecg.writers.image import PART
from fastecg.writers.png import png_bytes

MOST_BYTES = 1_000_000_000  # Largest size of an archive, bytes.
_BLOCK = 512  # The size of each file in a tar archive is rounded up to a multiple of this, bytes.
_END = 20 * _BLOCK  # The size of an archive is rounded up to a multiple of this, bytes.
_HEAD = 4 * _BLOCK  # An upper bound of the size of a file's header, bytes: one block, or three if its name is long or not ASCII.


def write_webdataset(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures as WebDataset archives."""
    for split in ("train", "val"):
        shards = Shards(dest, split)
        for picture in pictures:
            if picture.split(val) == split:
                shards.add(_files(picture))
        shards.close()


def _files(picture: Rendered) -> dict[str, bytes]:
    """The files of one sample, by name."""
    truth = picture.image.with_suffix(".json")
    picture.truth()  # Raises an error unless the truth file exists and fastecg wrote it.
    return {
        f"{picture.key}{picture.image.suffix}": picture.image.read_bytes(),
        f"{picture.key}.json": truth.read_bytes(),
        f"{picture.key}.mask.png": png_bytes(picture.mask()),
    }


class Shards:
    """Numbered tar archives of at most `MOST_BYTES` each, or of one larger sample. They get their final name when they are complete."""

    def __init__(self, dest: Path, split: str) -> None:
        self.dest, self.split = dest, split
        self.count = self.bytes = 0
        self._tar: tarfile.TarFile | None = None

    def add(self, files: dict[str, bytes]) -> None:
        """Add one sample, whose files all go into the same archive."""
        size = sum(_HEAD + -(-len(data) // _BLOCK) * _BLOCK for data in files.values())
        if self._tar is None or self.bytes + size + _END > MOST_BYTES:
            self.close()
            self._tar = tarfile.open(self._path(PART), "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
            self.bytes = 0
        for name, data in files.items():
            info = tarfile.TarInfo(name)  # without owner and time, so that the same pictures give the same bytes
            info.size = len(data)
            self._tar.addfile(info, io.BytesIO(data))
        self.bytes += size

    def close(self) -> None:
        """Finish the archive that is being written, if there is one."""
        if self._tar is not None:
            self._tar.close()
            os.replace(self._path(PART), self._path(""))
            self._tar = None
            self.count += 1

    def _path(self, suffix: str) -> Path:
        return self.dest / f"{self.split}-{self.count:06}.tar{suffix}"
