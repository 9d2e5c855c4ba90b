"""Export of rendered folders to the formats of other tools; each format has its own module."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol
from zlib import crc32

from fastecg.errors import FastecgError
from fastecg.export.coco import write_coco
from fastecg.export.ecg_digitiser import write_ecg_digitiser
from fastecg.export.huggingface import write_huggingface
from fastecg.export.nnunet import write_nnunet
from fastecg.export.rendered import Rendered, rendered_in
from fastecg.export.webdataset import write_webdataset
from fastecg.export.yolo import write_yolo, write_yolo_segments
from fastecg.system.interrupts import interrupts_deferred, interrupts_kept
from fastecg.writers.image import PART, whole_name

__all__ = ["EXPORTS", "export"]


class Exporter(Protocol):
    """A function that writes pictures to the folder `dest`; `val` is the share of records whose pictures are for validation."""

    def __call__(self, pictures: list[Rendered], dest: Path, *, val: float) -> None: ...


Format = Literal["coco", "yolo", "yolo-segment", "nnunet", "webdataset", "huggingface", "ecg-digitiser"]

#: Name of a format -> the function that writes it.
EXPORTS: dict[str, Exporter] = {
    "coco": write_coco,
    "yolo": write_yolo,
    "yolo-segment": write_yolo_segments,
    "nnunet": write_nnunet,
    "webdataset": write_webdataset,
    "huggingface": write_huggingface,
    "ecg-digitiser": write_ecg_digitiser,
}


def export(folder: str | os.PathLike[str], dest: str | os.PathLike[str], *, to: Format, val: float = 0.1) -> int:
    """Write a rendered folder in another format.

    Parameters
    ----------
    folder : path
        Output of `render_dataset`: ``manifest.jsonl``, images and their ``.json``. Missing masks are drawn.
    dest : path
        A new or empty folder. Images are linked if possible, else copied, converted or packed. The folder is filled once everything
        is written: an export that fails or is stopped leaves nothing in it.
    to : str
        Key of `EXPORTS`.
    val : float
        Share of records, from 0 to below 1, whose pictures are for validation; if records are few, the share is met only roughly. Pictures
        of one record are never in both parts.

    Returns
    -------
    int
        Number of pictures written.

    Raises
    ------
    FastecgError
        If the format is unknown, `val` is out of range, `folder` was not rendered by fastecg, or `dest` is not empty.

    Examples
    --------
    >>> import fastecg, os, tempfile
    >>> from fastecg.export import export
    >>> folder = tempfile.mkdtemp()
    >>> summary = fastecg.render_dataset(fastecg.simulate(seed=1, name="me"), f"{folder}/out", layout="3x4", dpi=50, workers=1)
    >>> export(f"{folder}/out", f"{folder}/yolo", to="yolo")
    1
    >>> sorted(os.listdir(f"{folder}/yolo"))
    ['data.yaml', 'images', 'labels']
    """
    if to not in EXPORTS:
        raise FastecgError(f"unknown format {to!r}, expected one of {', '.join(EXPORTS)}")
    if not 0 <= val < 1:
        raise FastecgError(f"val is {val}, expected a share from 0 to below 1")
    target = Path(dest)
    if target.exists() and (not target.is_dir() or any(path.name not in _left_aside(target, target) for path in target.iterdir())):
        raise FastecgError(f"{target}: it exists already, expected a new or empty folder")
    pictures = rendered_in(Path(folder))
    with _filled_at_the_end(target) as aside, interrupts_kept():
        EXPORTS[to](pictures, aside, val=val)
    return len(pictures)


@contextmanager
def _filled_at_the_end(target: Path) -> Iterator[Path]:
    """A temporary folder that becomes `target` at the end. If the end is not reached, the temporary folder is deleted.

    The temporary folder lies beside `target` and takes its place in one step, also the place of an empty folder. Where that is impossible
    (see `_is_replaceable`), it lies in `target`, and what is in it is moved at the end.
    """
    exists = target.exists()
    place = target if exists and not _is_replaceable(target) else target.resolve().parent
    place.mkdir(parents=True, exist_ok=True)
    for folder in {place, target} if exists else {place}:
        for left in _left_aside(folder, target):  # An export that was killed left its temporary folder.
            shutil.rmtree(folder / left, ignore_errors=True)
    aside = place / f".{_mark(target)}.{secrets.token_hex(6)}{PART}"
    try:
        aside.mkdir()
        yield aside
        with interrupts_deferred():
            _put(aside, target, exists)
    except OSError as error:
        if error.filename is not None:
            error.filename = str(error.filename).replace(str(aside), str(target))
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _put(aside: Path, target: Path, exists: bool) -> None:
    """Let the folder `aside` become `target`, or move what is in it to `target`, if that exists and does not give way."""
    if aside.parent != target:
        if exists:
            shutil.copymode(target, aside)
        try:
            os.replace(aside, target.resolve())
            return
        except OSError:
            if not exists:
                raise
    for path in sorted(aside.iterdir()):
        shutil.move(path, target / path.name)


def _is_replaceable(target: Path) -> bool:
    """Whether another folder may take the place of the empty folder `target`.

    It may not if `target` is the root of a disk, because files can be moved within one disk only; if its parent folder cannot be written
    to; or if it is the current folder, because the user's shell would stay in the folder that is no longer there.
    """
    writable = os.access(target.resolve().parent, os.W_OK | os.X_OK)
    return writable and not os.path.ismount(target) and target.resolve() != Path.cwd().resolve()


def _left_aside(place: Path, target: Path) -> list[str]:
    """The names of the temporary folders for `target` in the folder `place`."""
    return [path.name for path in place.iterdir() if whole_name(path.name) == _mark(target)]


def _mark(target: Path) -> str:
    """The part that the names of all temporary folders for `target` have in common: a hash of the target's name, 8 hexadecimal digits."""
    return f"{crc32(os.fsencode(target.resolve().name)):08x}"
