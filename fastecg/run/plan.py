"""The plan of a run: which records to draw, the names of their outputs, and which pictures are still missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from zlib import crc32

from fastecg.errors import FastecgError, RecordError
from fastecg.options import Options
from fastecg.run.drawing import Task
from fastecg.run.manifest import MANIFEST, RUN, Line, Manifest, changed_options, read_options, write_options
from fastecg.run.outputs import Output
from fastecg.system.files import spelled
from fastecg.writers import FORMATS, PART, TRUTHS, whole_name

if TYPE_CHECKING:
    from fastecg.record import Record

# Longest name of a record or folder in bytes. File systems allow 255, of which up to 45 are needed for a picture's number, its suffix, and
# the mark of a file that is being written.
_MOST_NAME = 200
_MOST_DIGITS = 9  # Largest number of digits of an image's number.
# Variants of every page in one part of a task. Drawing them takes so long that reading the record again does not matter.
_VARIANTS_A_PART = 32


def find_tasks(inputs: list[Any], folder: Path, limit: int | None, shard: tuple[int, int] | None) -> list[Task]:
    """One task for each record, with a unique output name, for one `shard` of the first `limit` records."""
    tasks, taken = [], set[str]()
    for name, origin, source in _named_records(inputs, folder):
        task = Task(_free_stem(_safe_stem(name), taken), origin, source=source)
        if isinstance(origin, Path):
            _refuse_same_file(origin, folder / task.stem)
        tasks.append(task)
    return _shard_of(tasks, limit, shard)


def _named_records(inputs: list[Any], folder: Path) -> list[tuple[str, Path | Record, str]]:
    """The records that the inputs refer to: for each its name, its path (or the record itself), and the name of its file."""
    from fastecg.readers import find_records, sample_records
    from fastecg.record import Record

    records = [item for item in inputs if isinstance(item, Record)]
    paths = [Path(item) for item in inputs if not isinstance(item, Record)]
    named: list[tuple[str, Path | Record, str]] = [(record.name, record, record.source or record.name) for record in records]
    sources = find_records(paths) if paths else () if records else sample_records()
    for source in sources:
        if not _is_own_output(source.path, paths, folder):
            named.append((source.key, source.path, source.told))
    if not named:
        raise RecordError(f"no record in {', '.join(path.name or str(path) for path in paths)}, expected WFDB headers (.hea) in it")
    return named


def _is_own_output(source: Path, inputs: list[Path], folder: Path) -> bool:
    """Whether a record that was found below an input is in the output `folder`, so that it is a copy that an earlier run wrote.

    It is not if the user gave the output folder, or something in it, as an input.
    """
    out = folder.resolve()
    is_input = any(path.resolve() == out or out in path.resolve().parents for path in inputs)
    return not is_input and out in source.resolve().parents


def _safe_stem(relative: str) -> str:
    """The path of a record below the output folder, without suffix and without parts that lead out of the folder.

    Its last part is made valid for WFDB, and parts that are too long are cut.
    """
    parts = [part for part in PurePosixPath(spelled(relative)).parts if part not in ("/", "..", ".")] or ["record"]
    parts[-1] = re.sub(r"[^-\w]", "_", parts[-1], flags=re.ASCII)
    return str(PurePosixPath(*map(_cut, parts)))


def _cut(name: str) -> str:
    """The name, cut if it is too long for the file system. An appended checksum keeps names different that begin with the same letters."""
    whole = name.encode()
    return name if len(whole) <= _MOST_NAME else f"{whole[: _MOST_NAME - 9].decode(errors='ignore')}_{crc32(whole):08x}"


def _free_stem(stem: str, taken: set[str]) -> str:
    """`stem`, with ``_2``, ``_3`` … appended if its name is in `taken` already; the result is added to `taken` in lower case."""
    number, free = 1, stem
    while free.lower() in taken:  # Some file systems ignore case.
        number += 1
        free = f"{stem}_{number}"
    taken.add(free.lower())
    return free


def _refuse_same_file(source: Path, target: Path) -> None:
    """Raise an error if the WFDB copy of a record would overwrite the record itself."""
    header = target.with_name(target.name + ".hea")
    if header.exists() and source.exists() and source.samefile(header):
        raise FastecgError(f"{header.name}: the copy would overwrite the input, expected another output folder")


def _shard_of(tasks: list[Task], limit: int | None, shard: tuple[int, int] | None) -> list[Task]:
    """The tasks of one `shard` (k, n) of the first `limit` tasks: every n-th, from the k-th on. None for either stands for all tasks."""
    if limit is not None and limit < 1:
        raise FastecgError(f"limit is {limit}, expected 1 or more")
    tasks = tasks[:limit]
    if shard is None:
        return tasks
    k, n = shard
    if not 1 <= k <= n:
        raise FastecgError(f"the shard is {k}/{n}, expected K/N with K from 1 to N")
    return tasks[k - 1 :: n]


def in_parts(tasks: list[Task], options: Options) -> list[Task]:
    """The tasks, with those of many variants divided into parts, so that several workers share them and a stopped run repeats little.

    If a picture fails, the rest of its part is left out. Parts, and so the pictures left out, do not depend on the number of workers.
    """
    if options.mask_unplotted:  # The samples that no picture shows are known only after all pictures of a record.
        return tasks
    edges = [*range(0, options.per_record, _VARIANTS_A_PART), options.per_record]
    return [part for task in tasks for part in ([task] if task.complete else _parts(task, edges))]


def _parts(task: Task, edges: list[int]) -> list[Task]:
    """The parts of a task: one for the variants between each two neighbouring `edges`."""
    return [replace(task, variants=pair) for pair in pairwise(edges)]


# --- resuming a run ------------------------------------------------------------------------------------------------------------


def open_manifest(output: Output, options: Options, overwrite: bool) -> tuple[Manifest, int]:
    """The manifest of the output folder, and the number of files of an earlier run that were deleted.

    If the folder was made with other options, the files that its manifest lists are deleted, and the manifest is a new one. Instead, a
    `FastecgError` is raised if the manifest lists images and `overwrite` is False, or if other shards have lines in the store.
    """
    folder, now = output.folder, options.to_dict()
    before = read_options(folder)
    changes = changed_options(before, now) if before is not None else []
    manifest = Manifest(folder, output.inherited)
    if changes and output.inherited:
        raise FastecgError(f"{output.target}: other shards were made with other options ({'; '.join(changes)}), expected the same ones")
    if changes and manifest.images and not overwrite:
        raise FastecgError(
            f"{output.target}: made with other options ({'; '.join(changes)}), expected the same ones, another folder, or --overwrite"
        )
    deleted = 0
    if changes:
        deleted = _clear(output, manifest)
        manifest = Manifest(folder)
    if before != now:  # If shards start together, only the first one has to write the file.
        write_options(folder, now)
    return manifest, deleted


def _clear(output: Output, manifest: Manifest) -> int:
    """Delete the images that the manifest lists, with their truth files and copies of records, and return the number of deleted files.

    Listed files are kept if a run would not have given them such names.
    """
    names = set[str]()
    for path, line in manifest.images.items():
        stem, dot, suffix = path.rpartition(".")
        number = stem.removeprefix(f"{line['record']}-")
        if number.isdecimal() and stem == f"{line['record']}-{number}" and dot + suffix in FORMATS:
            names |= {path, *(stem + suffix for suffix, _ in TRUTHS.values())}
            names |= {line["record"] + suffix for suffix in (".hea", ".dat")}
    deleted = sum([output.delete(name) for name in sorted(names)])
    manifest.path.unlink(missing_ok=True)
    return deleted


def sweep(folder: Path, stems: set[str], *, alone: bool) -> None:
    """Delete the half-written files that a killed run left of the records with these `stems`.

    Those of the manifest and the options are deleted too if this run is `alone` in the folder; otherwise other shards may be writing them.
    """
    for aside in [path for path in folder.rglob(f".*{PART}") if path.is_file()]:
        name = whole_name(aside.name)
        if name is not None:
            stem = aside.with_name(name.partition(".")[0]).relative_to(folder).as_posix()
            if stem in stems or stem.rpartition("-")[0] in stems or (alone and name in (MANIFEST, RUN)):
                aside.unlink(missing_ok=True)


def left_of(task: Task, output: Output, manifest: Manifest, options: Options) -> Task:
    """The task with what exists already: `done` images, whether the record was `copied`, and whether the task is `complete` with that."""
    lines = manifest.of(task.stem)
    done = frozenset(_whole_images(task.stem, lines, output, options))
    last = lines[-1] if lines else {}
    copied = bool(output.size(f"{task.stem}.hea")) and bool(last) and output.size(f"{task.stem}.dat") == last.get("copy_bytes")
    return replace(task, done=done, copied=copied, complete=copied and len(done) == last.get("images"))


def _whole_images(stem: str, lines: list[Line], output: Output, options: Options) -> Iterator[int]:
    """Yield the numbers of the images that the `lines` of a record list, if the image and its truth files have the sizes in the line."""
    for line in lines:
        number = line["path"].removeprefix(f"{stem}-").removesuffix(f".{options.format}")
        if not (number.isdecimal() and len(number) <= _MOST_DIGITS) or line["path"] != f"{stem}-{int(number)}.{options.format}":
            continue
        sizes = {line["path"]: line["bytes"]}
        for kind in options.truth:
            sizes[f"{stem}-{number}{TRUTHS[kind][0]}"] = line.get("truth_bytes", {}).get(kind)
        # Sizes are compared because a power cut can leave empty files.
        if all(size is not None and output.size(name) == size for name, size in sizes.items()):
            yield int(number)
