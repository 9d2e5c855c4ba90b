"""Find the records that the inputs of a command refer to: files, folders and ``RECORDS`` lists."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from fastecg.errors import RecordError
from fastecg.readers.header import MOST_BYTES, file_size, header_lines, read_bytes
from fastecg.system.files import MIB, read_text, spelled

#: Suffixes of records besides ``.hea``. A folder is searched for the last five of them only, and only if it has no header.
TABLES = (".csv", ".tsv", ".txt", ".npy", ".npz", ".edf", ".bdf", ".dcm", ".scp", ".xml")

_MEMBER = re.compile(r"(.+\.np[yz])#(\d{1,9})", re.IGNORECASE | re.DOTALL)
_LARGEST_LIST = 256 * MIB  # Largest RECORDS list, bytes.

#: The folder of the sample records.
SAMPLES = Path(__file__).parent.parent / "data" / "samples"


@dataclass(frozen=True)
class Source:
    """A record that was found but not read yet.

    Attributes
    ----------
    path : Path
        Its file: for a WFDB record the header, for a record of an array a path such as ``many.npy#7``.
    relative : Path
        Its path below the input, without suffix. Outputs have the same path below their folder.
    key : str
        `relative` with forward slashes. No two records that `find_records` returns have the same key.
    """

    path: Path
    relative: Path
    key: str

    @property
    def told(self) -> str:
        """The path of the file below the input, with its suffix, as it is written in outputs."""
        return spelled(self.relative.with_name(self.path.name).as_posix())


def find_records(inputs: Iterable[str | Path] | str | Path) -> list[Source]:
    """The records that `inputs` refer to, in order, without repetitions.

    If several inputs have records of the same name, `key` and `relative` of all records of these inputs begin with the last parts of the
    input's path, as few as make the inputs differ: records of ``a/ecg`` and ``b/ecg`` become ``a/ecg/…`` and ``b/ecg/…``.

    Parameters
    ----------
    inputs : path or iterable of paths
        Files of records (WFDB records with or without ``.hea``; an array (records, leads, samples) gives several), folders, or lists
        whose names begin with ``RECORDS``. Folders are searched, with the folders below them, for ``.hea`` files in sorted order, except
        segments of other records; if there are none, for EDF, BDF, DICOM, SCP-ECG and XML. Each line of a list is a record, or a folder
        with ``.hea`` files, below the folder of the list.

    Raises
    ------
    RecordError
        If an input does not exist, if a folder has no record, if a list names something outside its folder, or if two records would have
        the same outputs. A missing record of a list raises nothing here, but when it is read, so that the other records can be used.
    """
    if isinstance(inputs, (str, Path)):
        inputs = [inputs]
    found = [source for given in inputs for source in _expand(Path(given))]
    prefixes = _distinct_endings(_clashing(found))
    by_key: dict[str, Source] = {}
    for source in found:
        prefix = prefixes.get(_root(source))
        placed = source if prefix is None else _prefixed(prefix, source)
        other = by_key.setdefault(placed.key, placed)
        if not _is_same_file(other.path, source.path):
            raise RecordError(f"{source.path}: {other.path} has the name {source.key!r} too, expected records with different names")
    return list(by_key.values())


def _root(source: Source) -> Path:
    """The folder that a source's `relative` is relative to."""
    return source.path.parents[len(source.relative.parts) - 1]


def _clashing(found: list[Source]) -> list[Path]:
    """The folders of the inputs that have a record with the same name as another record elsewhere."""
    first: dict[str, Source] = {}
    roots: dict[Path, None] = {}
    for source in found:
        other = first.setdefault(source.key, source)
        if not _is_same_file(other.path, source.path):
            roots |= {_root(other): None, _root(source): None}
    return list(roots)


def _distinct_endings(roots: list[Path]) -> dict[Path, Path]:
    """The endings of the folders' paths, all of as few parts as make them distinct; empty if no number of parts does."""
    paths = {root: PurePath(os.path.abspath(root)) for root in roots}
    for length in range(1, max((len(path.parts) for path in paths.values()), default=0)):
        ends = {root: Path(*path.relative_to(path.anchor).parts[-length:]) for root, path in paths.items()}
        if len(set(ends.values())) == len(roots):
            return ends
    return {}


def _prefixed(prefix: Path, source: Source) -> Source:
    """The source with `prefix` before its `relative` and `key`."""
    return Source(source.path, prefix / source.relative, f"{prefix.as_posix()}/{source.key}")


def sample_records() -> list[Source]:
    """The records that come with the package (from PTB-XL; see ATTRIBUTION.md in their folder)."""
    return find_records(SAMPLES)


def record_path(given: str | os.PathLike[str]) -> str:
    """The header or other file of the record that `given` refers to; `RecordError` if it does not exist."""
    path = _record_file(os.fspath(given))
    if not os.path.isfile(parted(path)[0]):
        if os.path.exists(path):
            raise RecordError(f"{path}: it is a folder, a pipe or a device, expected a file")
        if os.path.isfile(given) and path != os.fspath(given):
            known, header = ", ".join((".hea", *TABLES)), os.path.basename(path)
            raise RecordError(f"{os.fspath(given)}: it is no known kind of record, expected {known}, or {header} beside it")
        raise RecordError(f"{path}: there is no such file, expected a record (with or without .hea), a folder or a RECORDS list")
    return path


def parted(path: str) -> tuple[str, int | None]:
    """Split a path such as ``many.npy#7`` into the file and the number of a record in its array.

    The number is None if there is none, or if ``many.npy#7`` is the name of a file.
    """
    found = None if os.path.exists(path) else _MEMBER.fullmatch(path)
    return (found[1], int(found[2])) if found else (path, None)


def _record_file(given: str) -> str:
    """The header or other file of the record that `given` refers to, whether it exists or not: for a signal file its header."""
    stem, suffix = os.path.splitext(parted(given)[0])
    if suffix.lower() in (".hea", *TABLES):
        return given
    if suffix in (".dat", ".mat") and not os.path.isfile(f"{given}.hea"):
        return f"{stem}.hea"
    return f"{given}.hea"


def _is_same_file(one: Path, other: Path) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def _expand(given: Path) -> Iterator[Source]:
    """The records that one input refers to."""
    if os.path.isdir(given):
        yield from _in_folder(given)
    elif given.name.startswith("RECORDS") and os.path.isfile(given):
        yield from _in_list(given)
    else:
        from fastecg.readers.arrays import members_of

        path = Path(record_path(given))
        count = members_of(path) if path.suffix.lower() in (".npy", ".npz") else None
        if count is None:
            yield _source(path, path.parent)
        for member in range(count or 0):
            name = f"{path.stem}_{member:0{len(str(count))}}"
            yield Source(path.with_name(f"{path.name}#{member}"), Path(name), name)


def _source(path: Path, root: Path) -> Source:
    """The source of a file below the folder `root`."""
    relative = path.relative_to(root).with_suffix("")
    return Source(path, relative, relative.as_posix())


def _in_folder(folder: Path) -> Iterator[Source]:
    """The records in a folder and the folders below it."""
    from fastecg.readers.extras import found_in

    records = _headers(folder) or found_in(folder)
    if not records:
        raise RecordError(f"{folder}: it holds no record, expected at least one .hea file in it or below (or EDF, DICOM, SCP-ECG, XML)")
    for path in records:
        yield _source(path, folder)


def _headers(folder: Path) -> list[Path]:
    """The headers in a folder and below, sorted, without segments of others. A link to a missing file is kept; reading it fails."""
    headers = sorted(folder.rglob("*.hea"))
    segments = {segment for header in headers for segment in _segments(header)}
    return [header for header in headers if header not in segments and (os.path.isfile(header) or os.path.islink(header))]


def _segments(header: Path) -> list[Path]:
    """The headers of the segments of `header`, if it has any; a damaged header has none and is reported when it is read."""
    try:
        lines = header_lines(read_bytes(header, 0, MOST_BYTES) if file_size(header) else b"", header)
    except (OSError, RecordError):
        return []
    if not lines or "/" not in lines[0].split()[0]:
        return []
    names = {line.split()[0] for line in lines[1:]} - {"~", header.stem}  # a record in its own list is an error, which reading it reports
    return [header.with_name(f"{name}.hea") for name in names if "/" not in name]


def _in_list(path: Path) -> Iterator[Source]:
    """The records in a ``RECORDS`` list. It is not checked that they exist: a missing one is reported when it is read."""
    root = path.parent
    try:
        entries = [entry for line in read_text(path, _LARGEST_LIST).splitlines() if (entry := line.strip())]
    except (OSError, UnicodeDecodeError):
        raise RecordError(f"{path}: the list cannot be read as text, expected one record a line") from None
    if not entries:
        raise RecordError(f"{path}: the list is empty, expected one record a line")
    for entry in entries:
        name = PurePosixPath(entry)
        if name.is_absolute() or ".." in name.parts or "\\" in entry or "\0" in entry:
            raise RecordError(f"{path}: it lists {entry[:80]!r}, expected records below the folder of the list")
        is_folder = os.path.isdir(root / name) and not os.path.isfile(root / f"{name}.hea")
        for record in (is_folder and _headers(root / name)) or [Path(_record_file(str(root / name)))]:
            yield _source(record, root)
