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

# Largest number of lists and tables in a JSON document. Empty lists take 28 times as much memory as their text: 64 MiB of them take 2 GB.
# A truth file of 64 MiB has some 4 million.
_MOST_LISTS = 5 << 20


def read_file(path: str | os.PathLike[str], most: int = 64 * MIB) -> bytes:
    """The bytes of a file.

    Parameters
    ----------
    path : path
        Pipes and devices are refused, because reading them may take for ever.
    most : int
        Largest number of bytes that the file may have.

    Raises
    ------
    OSError
        If the file cannot be read, is not a regular file, or has more bytes; `strerror` says which.
    """
    check_regular(path)
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most / MIB:g} MiB", os.fspath(path))
    return data


def read_text(path: str | os.PathLike[str], most: int = MIB) -> str:
    """The text of a UTF-8 file, with line feeds as line ends. Raises what `read_file` raises, or `UnicodeDecodeError`."""
    return read_file(path, most).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def parse_json(data: bytes) -> Any:
    """The content of a JSON document. Raises `ValueError` if it is not valid, or has millions of lists."""
    if data.count(b"[") + data.count(b"{") > _MOST_LISTS:
        raise ValueError(f"more than {_MOST_LISTS / 1e6:.0f} million lists and tables")
    return orjson.loads(data)


def lines_of(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yield the lines of a file with their line ends; none if the file does not exist. A line longer than 1 MiB comes in pieces.

    Raises
    ------
    OSError
        If the file cannot be read, or is not a regular file.
    """
    if not os.path.exists(path):
        return
    check_regular(path)
    with open(path, "rb") as file:
        while text := file.readline(MIB):
            yield text


def spelled(name: str) -> str:
    """The name as valid text. A file name with bytes that are not UTF-8 is decoded as Latin-1; other halves of characters become "?"."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return name.encode("utf-8", "surrogateescape").decode("latin-1")
        except UnicodeEncodeError:  # half of a surrogate pair that does not stand for a byte
            return name.encode("utf-8", "replace").decode("utf-8")
    return name


def check_regular(path: str | os.PathLike[str]) -> None:
    """Raise an `OSError` unless `path` is a regular file, or a link to one."""
    try:
        mode = os.stat(path).st_mode
    except ValueError:  # a name with a NUL in it
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(Path(path))) from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", os.fspath(path))
