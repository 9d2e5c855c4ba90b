"""Reading files: regular files only, up to a maximum size."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

MIB = 1 << 20

# Largest number of lists and tables in a JSON document. An empty one takes twenty times as much memory as its text, 64 MiB of them 2 GB; a
# truth file of that size has some 4 million.
_MOST_LISTS = 5 << 20


def read_file(path: str | os.PathLike[str], most: int = 64 * MIB) -> bytes:
    """The bytes of a file.

    Parameters
    ----------
    path : path
        A pipe or a device is refused: they may have a reader wait for ever, or never end.
    most : int
        Bytes it may have.

    Raises
    ------
    OSError
        If it cannot be read, is no regular file, or has more bytes; `strerror` says which.
    """
    check_regular(path)
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most / MIB:g} MiB", os.fspath(path))
    return data


def read_text(path: str | os.PathLike[str], most: int = MIB) -> str:
    """The text of a UTF-8 file with any line ends; errors as from `read_file`, and `UnicodeDecodeError`."""
    return read_file(path, most).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def parse_json(data: bytes) -> Any:
    """The content of a JSON document; `ValueError` if it is none, or consists of millions of lists."""
    if data.count(b"[") + data.count(b"{") > _MOST_LISTS:
        raise ValueError(f"more than {_MOST_LISTS / 1e6:.0f} million lists and tables")
    return orjson.loads(data)


def lines_of(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The lines of a file with their ends, none if it is not there; one longer than 1 MiB comes in pieces, which mean nothing.

    Raises
    ------
    OSError
        If it cannot be read, or is no regular file.
    """
    if not os.path.exists(path):
        return
    check_regular(path)
    with open(path, "rb") as file:
        while text := file.readline(MIB):
            yield text


def spelled(name: str) -> str:
    """A name as valid text: bytes of a file name that are no UTF-8 are decoded as Latin-1."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return name.encode("utf-8", "surrogateescape").decode("latin-1")
        except UnicodeEncodeError:  # half a character that is no byte either
            return name.encode("utf-8", "replace").decode("utf-8")
    return name


def check_regular(path: str | os.PathLike[str]) -> None:
    """Raise `OSError` unless `path` is a regular file, or a link to one."""
    try:
        mode = os.stat(path).st_mode
    except ValueError:  # a name with a NUL in it
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(Path(path))) from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", os.fspath(path))
