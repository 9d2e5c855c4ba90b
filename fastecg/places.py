"""Where a run's files go: a folder, or a URL of any file system that fsspec knows (``s3://``, ``gs://``, ``memory://``).

A store behind a URL cannot append and may be slow, so the manifest and the options are kept in a folder meanwhile and sent now and
then; a record's files are drawn into a folder and sent once all of them are there.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastecg.errors import FastecgError
from fastecg.manifest import MANIFEST, RUN

_SEND_S = 30.0  # between two versions of a manifest


class Place:
    """A folder on this machine. `folder` holds the manifest, `target` is where records are drawn to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target: Path | str = folder

    def size(self, name: str) -> int | None:
        """Bytes of a file, None if it is not there."""
        try:
            return (self.folder / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        (self.folder / name).unlink(missing_ok=True)

    def send(self, *, now: bool = False) -> None:
        """Send what is kept here to where it belongs."""


class RemotePlace(Place):
    """A URL. What is there is listed once, for a store may take as long for one file's size as for a thousand."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(folder)
        self.target = url
        self._files, self._root = _file_system(url)
        self._sent = time.monotonic()
        found: dict[str, Any] = self._files.find(self._root, detail=True) if self._files.exists(self._root) else {}
        self._sizes = {name[len(self._root) :].lstrip("/"): about["size"] for name, about in found.items()}
        for name in (MANIFEST, RUN):
            if name in self._sizes:
                self._files.get_file(f"{self._root}/{name}", str(folder / name))

    def size(self, name: str) -> int | None:
        """Bytes of a file when the run began."""
        return self._sizes.get(name)

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        if self._sizes.pop(name, None) is not None:
            self._files.rm_file(f"{self._root}/{name}")

    def send(self, *, now: bool = False) -> None:
        """Send manifest and options, if it is time."""
        if now or time.monotonic() - self._sent > _SEND_S:
            _send(self._files, self._root, [self.folder / name for name in (RUN, MANIFEST)], self.folder)
            self._sent = time.monotonic()


def is_url(out: str | os.PathLike[str]) -> bool:
    """Whether this is no path."""
    return isinstance(out, str) and "://" in out


@contextmanager
def place_of(out: str | os.PathLike[str]) -> Iterator[Place]:
    """The place that a path or URL names."""
    if not is_url(out):
        yield Place(Path(out))
        return
    with tempfile.TemporaryDirectory(prefix="fastecg-") as folder:
        yield RemotePlace(str(out), Path(folder))


def send_folder(folder: Path, url: str) -> None:
    """Send all files of a folder, images last, so that where an image is, all of it is."""
    files, root = _file_system(url)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    _send(files, root, sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path)), folder)


def _send(files: Any, root: str, paths: list[Path], folder: Path) -> None:
    for path in paths:
        if path.exists():
            name = f"{root}/{path.relative_to(folder).as_posix()}"
            files.makedirs(name.rpartition("/")[0], exist_ok=True)
            files.pipe_file(name, path.read_bytes())


def _file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    try:
        import fsspec

        files, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise FastecgError(f"{url}: cannot be written to ({error}), expected a folder or a URL of a file system that fsspec has") from None
    return files, str(root).rstrip("/")
