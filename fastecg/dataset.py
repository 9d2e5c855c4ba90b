"""Many records to many pictures: `render_dataset`, what ``fastecg render`` runs.

A record's pictures depend on the record, the options and the seed alone. So any number of workers, any order and any shard give the
same bytes, and a run that was stopped goes on by leaving out what its manifest lists.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastecg.drawing import Drawn, Task, Waiting, draw_task
from fastecg.errors import FastecgError
from fastecg.manifest import Line, Manifest
from fastecg.options import Options
from fastecg.places import Place, is_own_memory, place_of
from fastecg.plan import find_tasks, in_parts, left_of, open_manifest, sweep

if TYPE_CHECKING:
    from distributed import Client

    from fastecg.handwriting import NotesFont
    from fastecg.recipe import Recipe
    from fastecg.record import Record

_PICTURES_A_WORKER = 8  # fewer are drawn sooner than another process starts


@dataclass(frozen=True)
class Progress:
    """How far a run is: records done of all, pictures drawn, and the record just drawn from, with its error if it is done and failed.

    `note` is what else there is to say, in words.
    """

    done: int
    total: int
    pages: int
    stem: str
    error: str | None = None
    note: str | None = None


@dataclass
class Summary:
    """What a run did.

    `pages` pictures were drawn (`bytes` of image files) and `kept` left from before; `deleted` files of an earlier run with other
    options made room for them; `shortened` records had a tail shorter than a
    page, which is not drawn; `failures` are (record, reason).
    """

    pages: int = 0
    kept: int = 0
    deleted: int = 0
    records: int = 0
    shortened: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)

    def add(self, drawn: Drawn) -> None:
        """Count pictures in."""
        self.pages += len(drawn.lines)
        self.kept += drawn.kept
        self.bytes += sum(line["bytes"] for line in drawn.lines)

    def end(self, drawn: Drawn, error: str | None) -> None:
        """Count a record in, with the last that was drawn of it, and what went wrong with it."""
        self.records += 1
        self.shortened += drawn.tail_s > 0
        if error is not None:
            self.failures.append((drawn.stem, error))


def render_dataset(
    inputs: str | os.PathLike[str] | Record | Iterable[str | os.PathLike[str] | Record],
    out: str | os.PathLike[str],
    *,
    recipe: str | Path | Recipe = "clean",
    layout: str = "auto",
    style: str = "auto",
    dpi: float | None = None,
    speed: float | None = None,
    gain: float | None = None,
    chest_gain: float | None = None,
    paper: str = "auto",
    rhythm_leads: Sequence[str] = (),
    severity: float | None = None,
    header_text: Sequence[str] = (),
    notes: Sequence[str] = (),
    notes_font: str | Path | NotesFont | None = None,
    seed: int = 0,
    per_record: int = 1,
    limit: int | None = None,
    shard: tuple[int, int] | None = None,
    format: str = "png",
    quality: int | None = None,
    truth: str | Sequence[str] = ("json",),
    mask_unplotted: bool = False,
    challenge_headers: bool = False,
    workers: int | None = None,
    client: Client | None = None,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Draw records as pictures with their truth, into a folder.

    Image k of a record (pages of 10 s first, then variants) is ``out/<sub>/<record>-<k>.<format>``, its truth
    ``<record>-<k>.json``, beside one WFDB copy of the record. ``out/manifest.jsonl`` lists them; ``out/run.json`` holds the options.
    The same call again goes on where an earlier one stopped. Failed records stop nothing: they are in the manifest and the summary.

    Parameters
    ----------
    inputs : path or Record, or several
        Records, folders (searched with their sub-folders) or RECORDS lists; none at all stands for the built-in samples.
    out : path or URL
        Made if missing. A URL is one of fsspec's: ``s3://bucket/folder``.
    recipe, layout, style, dpi, speed, gain, chest_gain, paper, rhythm_leads, severity, header_text, notes, notes_font, seed
        As in `fastecg.render`.
    per_record, limit, shard : int, int, (int, int)
        Variants of every page; only the first so many records; (k, n): every n-th record from the k-th on, k from 1. Behind a URL
        each shard keeps a manifest of its own, until a call without `shard` makes one of them.
    format, quality : str, int
        "png", "jpg", "webp" or "tiff"; 1 to 100, for JPEG and WebP.
    truth : sequence of str
        Some of "json", "mask", "layers", "warp".
    mask_unplotted : bool
        Leave samples that are on no picture out of the WFDB copy.
    challenge_headers : bool
        Name the images in the header of the WFDB copy, ``#Image: <record>-0.png, …``, as the PhysioNet Challenge 2024 does.
    workers : int, optional
        Processes; all cores unless given.
    client : distributed.Client, optional
        Draw on this Dask cluster instead; its machines must see `inputs` and `out` under the same paths.
    overwrite : bool
        Draw everything anew, whatever is there.
    progress : callable, optional
        Called with a `Progress` after every record; where there are many variants or pages, after every 32 of them.

    Raises
    ------
    FastecgError
        If an option cannot be, an input is missing, or `out` was made with other options.
    """
    from fastecg.handwriting import read_font
    from fastecg.recipe import Recipe, lead_names
    from fastecg.record import Record

    known = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    options = Options(
        known,
        layout=layout,
        style=style,
        dpi=dpi,
        speed=speed,
        gain=gain,
        chest_gain=chest_gain,
        paper=paper,
        rhythm_leads=lead_names(rhythm_leads),
        severity=severity,
        header_text=tuple(header_text),
        notes=tuple(notes),
        notes_font=None if notes_font is None else read_font(notes_font),
        seed=seed,
        per_record=per_record,
        format=format,
        quality=quality,
        truth=(truth,) if isinstance(truth, str) else tuple(truth),
        mask_unplotted=mask_unplotted,
        challenge_headers=challenge_headers,
    )
    options.check()
    if workers is not None and workers < 1:
        raise FastecgError(f"workers is {workers}, expected 1 or more")
    with place_of(out, shard) as place:
        given = [inputs] if isinstance(inputs, str | os.PathLike | Record) else list(inputs)
        return _drawn_to(place, given, options, limit, shard, workers if client is None else client, overwrite, progress)


def _drawn_to(
    place: Place,
    inputs: list[Any],
    options: Options,
    limit: int | None,
    shard: tuple[int, int] | None,
    workers: int | Client | None,
    overwrite: bool,
    progress: Callable[[Progress], None] | None,
) -> Summary:
    """Find what there is to draw, draw it, and leave the manifest in order, whatever stops the run."""
    tasks = find_tasks(inputs, place.folder, limit, shard)
    manifest, deleted = open_manifest(place, options, overwrite)
    progress = progress or (lambda _: None)
    if deleted:
        progress(Progress(0, len(tasks), 0, "", note=f"deleted {deleted} files of the earlier run with other options"))
    sweep(place.folder, {task.stem for task in tasks}, alone=shard is None)
    tasks = [task if overwrite else left_of(task, place, manifest, options) for task in tasks]
    try:
        summary = _run(tasks, options, place, manifest, workers, progress)
    except BaseException:
        with suppress(OSError):  # what stopped the run is told, not what it did to the manifest
            _settle(manifest, place, shard)
        raise
    _settle(manifest, place, shard)
    summary.deleted = deleted
    return summary


def _settle(manifest: Manifest, place: Place, shard: tuple[int, int] | None) -> None:
    """Put the manifest in order, unless other shards may be writing to it, and send it where it belongs."""
    if shard is None:
        manifest.compact()
    place.send(now=True)


def _run(
    tasks: list[Task],
    options: Options,
    place: Place,
    manifest: Manifest,
    workers: int | Client | None,
    progress: Callable[[Progress], None],
) -> Summary:
    """Draw the tasks, and list what comes of each as soon as it is there; a failure last, for pictures listed later would undo it."""
    began = time.perf_counter()
    summary, errors = Summary(), dict[str, str]()
    parts = in_parts(tasks, options)
    left = Counter(part.stem for part in parts)
    for drawn in _results(parts, options, place.target, workers):
        if drawn.error is not None:
            errors.setdefault(drawn.stem, drawn.error)
        left[drawn.stem] += len(drawn.parts) - 1
        ended = left[drawn.stem] == 0
        error = errors.get(drawn.stem) if ended else None
        manifest.append([*drawn.lines, *_error_line(drawn.stem, error)])
        place.send()
        summary.add(drawn)
        if ended:
            summary.end(drawn, error)
            if error is None:
                manifest.errors.pop(drawn.stem, None)
        note = f"{drawn.stem}: {drawn.pages} pages of 10 s, {drawn.pages * options.per_record} pictures" if drawn.pages else None
        progress(Progress(summary.records, len(tasks), summary.pages, drawn.stem, error, note))
    summary.seconds = time.perf_counter() - began
    return summary


def _error_line(stem: str, error: str | None) -> list[Line]:
    return [] if error is None else [{"record": stem, "error": error}]


def _results(tasks: list[Task], options: Options, target: Path | str, workers: int | Client | None) -> Iterator[Drawn]:
    """Draw all tasks: here, in other processes, or on a cluster."""
    yield from (Drawn(task.stem, kept=len(task.done)) for task in tasks if task.complete)
    tasks = [task for task in tasks if not task.complete]
    if not (workers is None or isinstance(workers, int)):
        from fastecg.cluster import drawn_by_cluster

        yield from drawn_by_cluster(tasks, options, target, workers)
        return
    from fastecg.kernels.jit import kernels_cached

    most = 1 if is_own_memory(target) else workers or os.cpu_count() or 1
    processes = min(most, _worker_count(workers, tasks, options))
    compiled, waiting = kernels_cached(), Waiting(tasks)
    while processes == 1 or not compiled:  # the first one that is drawn compiles for all workers
        task = next(waiting, None)
        if task is None:
            return
        drawn = draw_task(task, options, target)
        waiting.put_first(drawn.parts)
        compiled |= not drawn.parts
        processes = max(processes, min(most, len(drawn.parts)))  # a record that proves long is work for many
        yield drawn
    from fastecg.workers import drawn_by_workers

    yield from drawn_by_workers(waiting, options, target, processes)


def _worker_count(asked: int | None, tasks: list[Task], options: Options) -> int:
    """Processes to start: as asked, but none that would have next to nothing to do."""
    variants = sum(stop - first for first, stop in (task.variants or (0, options.per_record) for task in tasks))
    worthwhile = len(tasks) if asked is not None else variants // _PICTURES_A_WORKER
    return max(1, min(asked or os.cpu_count() or 1, worthwhile, len(tasks)))
