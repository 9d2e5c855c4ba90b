"""The output of a run: a folder, or a URL of any file system that fsspec knows (``s3://``, ``gs://``, ``memory://``).

A URL mostly names an object store, which cannot append to files and may be slow. The manifest and the options are therefore kept in a local
folder and sent from time to time, and the files of a task are sent after all of them have been written. In a store, shards cannot share a
manifest: each writes its own, such as ``manifest.2-of-8.jsonl``, and a final run without shards merges them.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastecg.errors import FastecgError
from fastecg.run.manifest import MANIFEST, RUN

_SEND_S = 30.0  # Minimum time between two uploads of the manifest, s.
_LOCAL = ("file://", "local://")  # Beginnings of URLs of local folders.
_SHARD = re.compile(r"manifest\.\d+-of-\d+\.jsonl")  # Names of the manifests of shards in a store.


class Output:
    """An output folder, by default a local one.

    Attributes
    ----------
    folder : Path
        The local folder of the manifest and the options.
    target : Path or str
        The folder or URL to which pictures and their files are written.
    inherited : bytes
        For a shard whose output is at a URL, the content of the other manifests in the store; else empty.
    """

    inherited = b""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target: Path | str = folder

    def size(self, name: str) -> int | None:
        """Size in bytes of the file `name`, a path below the output folder; None if there is no such file."""
        try:
            return (self.folder / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def delete(self, name: str) -> bool:
        """Delete the file `name`, unless a link leads out of the output folder. Returns whether it was deleted."""
        path = self.folder / name
        try:
            inside = path.resolve(strict=True).is_relative_to(self.folder.resolve())
        except (OSError, RuntimeError):  # The file does not exist, or links form a circle.
            return False
        if inside and not path.is_dir():
            path.unlink(missing_ok=True)
            return True
        return False

    def send(self, *, now: bool = False) -> None:
        """Send the manifest and the options to the store. For a local folder this does nothing."""


class RemoteOutput(Output):
    """An output folder at a URL. Its files are listed once, because asking for single files would take one request for each."""

    def __init__(self, url: str, folder: Path, shard: tuple[int, int] | None) -> None:
        super().__init__(folder)
        self.target = url
        self._store, self._root = _file_system(url)
        self._sent = time.monotonic()  # when the manifest was last sent, s
        found: dict[str, Any] = self._store.find(self._root, detail=True) if self._store.exists(self._root) else {}
        self._sizes = {name[len(self._root) :].lstrip("/"): details["size"] for name, details in found.items()}
        self._manifest = MANIFEST if shard is None else "manifest.{}-of-{}.jsonl".format(*shard)
        self._merged: list[str] = []  # manifests of shards that are deleted once the manifest that contains their lines was sent
        self._fetch()

    def _fetch(self) -> None:
        """Fetch the options and the manifest into the local folder.

        A run without shards merges the manifests of all shards into its own. A shard only reads the other manifests, as `inherited`.
        """
        shards = sorted(name for name in self._sizes if _SHARD.fullmatch(name) and name != self._manifest)
        own, others = self._read(self._manifest), b"\n".join(map(self._read, [MANIFEST, *shards]))
        if self._manifest == MANIFEST:
            own, self._merged = others, shards
        else:
            self.inherited = others
        for name, content in ((MANIFEST, own), (RUN, self._read(RUN))):
            if content:
                (self.folder / name).write_bytes(content)

    def _read(self, name: str) -> bytes:
        """The content of a file in the store; empty if it does not exist."""
        return bytes(self._store.cat_file(f"{self._root}/{name}")) if name in self._sizes else b""

    def size(self, name: str) -> int | None:
        """The size in bytes that a file had when the run began; None if it did not exist."""
        return self._sizes.get(name)

    def delete(self, name: str) -> bool:
        """Delete a file; returns whether it existed."""
        if self._sizes.pop(name, None) is None:
            return False
        self._store.rm_file(f"{self._root}/{name}")
        return True

    def send(self, *, now: bool = False) -> None:
        """Send the manifest and the options, at most every `_SEND_S` seconds unless `now`; then delete the merged manifests of shards."""
        if now or time.monotonic() - self._sent > _SEND_S:
            for name, name_in_store in ((RUN, RUN), (MANIFEST, self._manifest)):
                if (self.folder / name).exists():
                    _put(self._store, f"{self._root}/{name_in_store}", (self.folder / name).read_bytes())
            while self._merged:
                self.delete(self._merged.pop())
            self._sent = time.monotonic()


def is_url(out: str | os.PathLike[str]) -> bool:
    """Whether `out` is a URL and not a path."""
    return isinstance(out, str) and "://" in out


def is_own_memory(target: Path | str) -> bool:
    """Whether this is a URL of files in the memory of the process itself, which other processes cannot write."""
    return isinstance(target, str) and target.startswith("memory://")


@contextmanager
def output_at(out: str | os.PathLike[str], shard: tuple[int, int] | None = None) -> Iterator[Output]:
    """The output folder that a path or URL names, for one shard or for a whole run."""
    if not os.fspath(out):  # An empty name would mean the current folder, but it is more likely an unset variable of a shell.
        raise FastecgError("the name of the output folder is empty, expected a folder or a URL")
    if not is_url(out):
        yield Output(Path(out))
        return
    if str(out).startswith(_LOCAL):
        yield Output(Path(_file_system(str(out))[1]))
        return
    with tempfile.TemporaryDirectory(prefix="fastecg-") as folder:
        yield RemoteOutput(str(out), Path(folder), shard)


def send_folder(folder: Path, url: str) -> None:
    """Send all files of a folder to a URL, in the order in which they were written, so that an image's truth comes before the image."""
    store, root = _file_system(url)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path)):
        _put(store, f"{root}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def _put(store: Any, name: str, data: bytes) -> None:
    """Write a file of a store, a file system of fsspec; the file's folders are made if they do not exist."""
    store.makedirs(name.rpartition("/")[0], exist_ok=True)
    store.pipe_file(name, data)


def _file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL as an object of fsspec, and the path within it."""
    try:
        import fsspec

        store, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise FastecgError(f"{url}: cannot be written to ({error}), expected a folder or a URL of a file system that fsspec has") from None
    return store, str(root).rstrip("/")
