"""What a run has written, to be compared with what another has."""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path

import orjson

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a folder by its path, as `comparable`."""
    return comparable({path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()})


def comparable(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files with PNG unpacked, and manifests without the size and SHA-256 of PNG files, which they have to have right.

    ISA-L packs equal pixels into other bytes once in some thousand pictures, on one machine and in one process.
    """
    return {name: _manifest(body, files) if name.startswith("manifest.") else unpacked(body) for name, body in files.items()}


def unpacked(body: bytes) -> bytes:
    """A PNG file's chunks with their pixels unpacked, anything else as it is; half a file as well."""
    if not body.startswith(_SIGNATURE):
        return body
    at, heads, packed = len(_SIGNATURE), b"", b""
    while at < len(body):
        (size,) = struct.unpack(">I", body[at : at + 4])
        kind, data = body[at + 4 : at + 8], body[at + 8 : at + 8 + size]
        if kind == b"IDAT":
            packed += data
        else:
            heads += body[at : at + 12 + size]
        at += 12 + size
    return heads + zlib.decompress(packed)


def _manifest(body: bytes, files: dict[str, bytes]) -> bytes:
    return b"\n".join(_without_packing(line, files) for line in body.split(b"\n"))


def _without_packing(line: bytes, files: dict[str, bytes]) -> bytes:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    if not str(told.get("path")).endswith(".png"):
        return line
    size, digest = told.pop("bytes"), told.pop("sha256")
    if (picture := files.get(told["path"])) is not None:
        assert (size, digest) == (len(picture), hashlib.sha256(picture).hexdigest()), told["path"]
    return orjson.dumps(told)
