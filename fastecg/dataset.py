"""Many records to many pictures: `render_dataset`, what ``fastecg render`` runs.

A record's pictures depend on the record, the options and the seed alone. So any number of workers, any order and any shard give the
same bytes, and a run that was stopped goes on by leaving out what its manifest lists.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from fastecg.errors import FastecgError, ImageError, RecordError
from fastecg.manifest import MANIFEST, RUN, Line, Manifest, changed_options, read_options, write_options
from fastecg.places import Place, place_of, send_folder
from fastecg.writers import FORMATS, PART, TRUTHS, save_photo, whole_name, write_record

if TYPE_CHECKING:
    from distributed import Client

    from fastecg.handwriting import NotesFont
    from fastecg.photo import Photo
    from fastecg.recipe import Recipe
    from fastecg.record import Record

_PACKAGE = Path(__file__).parent
_OWN_FAULTS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EISDIR, errno.ENOTDIR)  # of a record's name, and of no other's
_RECORDS_A_WORKER = 8  # fewer are drawn sooner than another process starts


@dataclass(frozen=True)
class Options:
    """What decides the bytes of a run's files; as in `render_dataset`."""

    recipe: Recipe
    layout: str = "auto"
    style: str = "auto"
    dpi: float | None = None
    speed: float | None = None
    gain: float | None = None
    chest_gain: float | None = None
    paper: str = "auto"
    rhythm_leads: tuple[str, ...] = ()
    severity: float | None = None
    header_text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    notes_font: NotesFont | None = None
    seed: int = 0
    per_record: int = 1
    format: str = "png"
    quality: int | None = None
    truth: tuple[str, ...] = ("json",)
    mask_unplotted: bool = False
    challenge_headers: bool = False

    def check(self) -> None:
        """Raise the error of the first option that cannot be."""
        from fastecg.layouts import check_layout
        from fastecg.recipe import check_page, lead_names
        from fastecg.vary import Distribution

        if f".{self.format}" not in FORMATS:
            raise ImageError(f"unknown format {self.format!r}, expected png, jpg, webp or tiff")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ImageError(f"the quality is {self.quality}, expected 1 to 100")
        for kind in self.truth:
            if kind not in TRUTHS:
                raise ImageError(f"unknown truth {kind!r}, expected some of {', '.join(TRUTHS)}")
        fixed: dict[str, Any] = {
            "layout": self.layout,
            "style": self.style,
            "dpi": self.dpi,
            "speed_mm_s": self.speed,
            "gain_mm_mv": self.gain,
        }
        fixed |= {"chest_gain_mm_mv": self.chest_gain, "paper": self.paper, "rhythm_leads": self.rhythm_leads}
        check_page({name: Distribution("fixed", (value,)) for name, value in fixed.items() if value is not None})
        check_layout("3x4+3" if self.layout == "auto" else self.layout, lead_names(self.rhythm_leads))
        if self.per_record < 1:
            raise FastecgError(f"per-record is {self.per_record}, expected 1 or more")
        if self.severity is not None and not 0 <= self.severity <= 1:
            raise FastecgError(f"the severity is {self.severity}, expected 0 to 1")
        if self.seed < 0:
            raise FastecgError(f"the seed is {self.seed}, expected 0 or above")

    def to_dict(self) -> dict[str, Any]:
        """The options as ``run.json`` keeps them, the recipe spelled out."""
        from fastecg import __version__

        plain = {name: value for name, value in vars(self).items() if name != "recipe"}
        plain |= {
            "truth": list(self.truth),
            "header_text": list(self.header_text),
            "notes": list(self.notes),
            "notes_font": None if self.notes_font is None else self.notes_font.fingerprint,
            "rhythm_leads": list(self.rhythm_leads),
            "recipe_toml": self.recipe.to_toml(),
        }
        return {"version": __version__, "recipe": self.recipe.name, **plain}


@dataclass(frozen=True)
class Task:
    """One record to draw: a file, or the record itself. `stem` is its place in the output folder, `done` the images that are there."""

    stem: str
    origin: Path | Record
    done: frozenset[int] = frozenset()
    copied: bool = False  # its WFDB copy is there
    complete: bool = False  # nothing is left to do


@dataclass(frozen=True)
class Drawn:
    """What became of one task: its lines for the manifest, and its error if it failed."""

    stem: str
    lines: tuple[Line, ...] = ()
    error: str | None = None
    kept: int = 0
    tail_s: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far a run is: records done of all, pictures drawn, and the record just done with its error, if any."""

    done: int
    total: int
    pages: int
    stem: str
    error: str | None = None


@dataclass
class Summary:
    """What a run did.

    `pages` pictures were drawn (`bytes` of image files) and `kept` left from before; `shortened` records had a tail shorter than a
    page, which is not drawn; `failures` are (record, reason).
    """

    pages: int = 0
    kept: int = 0
    records: int = 0
    shortened: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)

    def add(self, drawn: Drawn) -> None:
        """Count one record in."""
        self.records += 1
        self.pages += len(drawn.lines)
        self.kept += drawn.kept
        self.shortened += drawn.tail_s > 0
        self.bytes += sum(line["bytes"] for line in drawn.lines)
        if drawn.error is not None:
            self.failures.append((drawn.stem, drawn.error))


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
        Called with a `Progress` after every record.

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
    tasks = _part(_tasks(inputs, place.folder), limit, shard)
    manifest = _opened(place, options, overwrite)
    _sweep(place.folder, {task.stem for task in tasks})
    tasks = [task if overwrite else _resumed(task, place, manifest, options) for task in tasks]
    try:
        summary = _run(tasks, options, place, manifest, workers, progress or (lambda _: None))
    except BaseException:
        with suppress(OSError):  # what stopped the run is told, not what it did to the manifest
            _compact(manifest, shard)
            place.send(now=True)
        raise
    _compact(manifest, shard)
    place.send(now=True)
    return summary


def _compact(manifest: Manifest, shard: tuple[int, int] | None) -> None:
    """Put the manifest in order, unless other shards may be writing to it."""
    if shard is None:
        manifest.compact()


def _run(
    tasks: list[Task],
    options: Options,
    place: Place,
    manifest: Manifest,
    workers: int | Client | None,
    progress: Callable[[Progress], None],
) -> Summary:
    """Draw the tasks, and list what comes of each as soon as it is there."""
    began = time.perf_counter()
    summary = Summary()
    for drawn in _results(tasks, options, place.target, workers):
        manifest.append([*drawn.lines, *_error_line(drawn)])
        if drawn.error is None:
            manifest.errors.pop(drawn.stem, None)
        place.send()
        summary.add(drawn)
        progress(Progress(summary.records, len(tasks), summary.pages, drawn.stem, drawn.error))
    summary.seconds = time.perf_counter() - began
    return summary


def _error_line(drawn: Drawn) -> list[Line]:
    return [] if drawn.error is None else [{"record": drawn.stem, "error": drawn.error}]


def _worker_count(asked: int | None, tasks: int) -> int:
    """Processes to start: as asked, but none that would have next to nothing to do."""
    return max(1, min(asked or os.cpu_count() or 1, tasks // _RECORDS_A_WORKER if asked is None else tasks))


# --- which records -------------------------------------------------------------------------------------------------------------


def _tasks(inputs: list[Any], folder: Path) -> list[Task]:
    """One task a record, each with a place of its own in the output folder."""
    from fastecg.readers import find_records, sample_records
    from fastecg.record import Record

    records = [item for item in inputs if isinstance(item, Record)]
    paths = [Path(item) for item in inputs if not isinstance(item, Record)]
    named: list[tuple[str, Path | Record]] = [(record.name, record) for record in records]
    sources = find_records(paths) if paths else () if records else sample_records()
    for source in sources:
        if not _is_own_output(source.path, paths, folder):
            named.append((source.key, source.path))
    if not named:
        raise RecordError(f"no record in {', '.join(path.name or str(path) for path in paths)}, expected WFDB headers (.hea) in it")
    tasks, taken = [], set[str]()
    for name, origin in named:
        task = Task(_free_stem(_safe_stem(name), taken), origin)
        if isinstance(origin, Path):
            _refuse_same_file(origin, folder / task.stem)
        tasks.append(task)
    return tasks


def _is_own_output(source: Path, inputs: list[Path], folder: Path) -> bool:
    """Whether a record found in an input folder is a copy that an earlier run wrote into an output folder inside it."""
    out = folder.resolve()
    asked_for = any(path.resolve() == out or out in path.resolve().parents for path in inputs)
    return not asked_for and out in source.resolve().parents


def _safe_stem(relative: str) -> str:
    """A record's place in the output folder: its own sub-folders, no way out of them, and a name that WFDB can hold."""
    parts = [part for part in PurePosixPath(relative).parts if part not in ("/", "..", ".")] or ["record"]
    return str(PurePosixPath(*parts[:-1], re.sub(r"[^-\w]", "_", parts[-1], flags=re.ASCII)))


def _free_stem(stem: str, taken: set[str]) -> str:
    """`stem`, or with ``_2``, ``_3`` … behind it where another input has that place already."""
    number, free = 1, stem
    while free.lower() in taken:  # some file systems do not tell a from A
        number += 1
        free = f"{stem}_{number}"
    taken.add(free.lower())
    return free


def _refuse_same_file(source: Path, target: Path) -> None:
    """Do not write a record's copy over the record."""
    header = target.with_name(target.name + ".hea")
    if header.exists() and source.exists() and source.samefile(header):
        raise FastecgError(f"{header.name}: the copy would overwrite the input, expected another output folder")


def _part(tasks: list[Task], limit: int | None, shard: tuple[int, int] | None) -> list[Task]:
    """The first `limit` tasks, and of these one shard."""
    if limit is not None and limit < 1:
        raise FastecgError(f"limit is {limit}, expected 1 or more")
    tasks = tasks[:limit]
    if shard is None:
        return tasks
    k, n = shard
    if not 1 <= k <= n:
        raise FastecgError(f"the shard is {k}/{n}, expected K/N with K from 1 to N")
    return tasks[k - 1 :: n]


# --- going on where a run stopped ----------------------------------------------------------------------------------------------


def _opened(place: Place, options: Options, overwrite: bool) -> Manifest:
    """The folder's manifest, if the folder is new or was made with the same options; or a new one in its place."""
    folder, now = place.folder, options.to_dict()
    before = read_options(folder)
    changes = changed_options(before, now) if before is not None else []
    manifest = Manifest(folder, place.inherited)
    if changes and place.inherited:
        raise FastecgError(f"{place.target}: other shards were made with other options ({'; '.join(changes)}), expected the same ones")
    if changes and manifest.images and not overwrite:
        raise FastecgError(
            f"{place.target}: made with other options ({'; '.join(changes)}), expected the same ones, another folder, or --overwrite"
        )
    if changes:
        _clear(place, manifest)
        manifest = Manifest(folder)
    write_options(folder, now)
    return manifest


def _clear(place: Place, manifest: Manifest) -> None:
    """Delete what the manifest lists, and nothing else."""
    for path, line in manifest.images.items():
        for name in (path, *(PurePosixPath(path).with_suffix(suffix).as_posix() for suffix, _ in TRUTHS.values())):
            place.delete(name)
        for suffix in (".hea", ".dat"):
            place.delete(line["record"] + suffix)
    manifest.path.unlink(missing_ok=True)


def _sweep(folder: Path, stems: set[str]) -> None:
    """Delete what a killed run left half written of these records; other shards may be writing theirs."""
    for aside in [path for path in folder.rglob(f".*{PART}") if path.is_file()]:
        name = whole_name(aside.name)
        if name is not None:
            stem = aside.with_name(name.partition(".")[0]).relative_to(folder).as_posix()
            if stem in stems or stem.rpartition("-")[0] in stems or name in (MANIFEST, RUN):
                aside.unlink(missing_ok=True)


def _resumed(task: Task, place: Place, manifest: Manifest, options: Options) -> Task:
    """The task without what is there already."""
    done = frozenset(_whole_images(task.stem, place, manifest, options))
    first = manifest.images.get(f"{task.stem}-0.{options.format}", {})
    copied = bool(place.size(f"{task.stem}.hea")) and bool(first) and place.size(f"{task.stem}.dat") == first.get("copy_bytes")
    return replace(task, done=done, copied=copied, complete=copied and len(done) == first.get("images"))


def _whole_images(stem: str, place: Place, manifest: Manifest, options: Options) -> Iterator[int]:
    """Numbers of the record's images that are listed and there, with all their truth."""
    index = 0
    while (line := manifest.images.get(f"{stem}-{index}.{options.format}")) is not None:
        sizes = {line["path"]: line["bytes"]}
        for kind in options.truth:
            sizes[f"{stem}-{index}{TRUTHS[kind][0]}"] = line.get("truth_bytes", {}).get(kind)
        # By size, for a power cut leaves files that are there and empty.
        if all(size is not None and place.size(name) == size for name, size in sizes.items()):
            yield index
        index += 1


# --- drawing -------------------------------------------------------------------------------------------------------------------


def draw_task(task: Task, options: Options, target: Path | str) -> Drawn:
    """Draw all pictures of one record that are not there yet, to a folder or URL. Whatever is wrong with the record becomes its error."""
    if isinstance(target, Path):
        return _draw(task, options, target)
    with tempfile.TemporaryDirectory(prefix="fastecg-") as folder:
        drawn = _draw(task, options, Path(folder))
        send_folder(Path(folder), target)
        return drawn


def _draw(task: Task, options: Options, folder: Path) -> Drawn:
    lines: list[Line] = []
    try:
        record = _read(task)
        starts = list(record.page_starts())
        count = len(starts) * options.per_record
        plotted = np.zeros(record.signal.shape, dtype=bool)
        redo = options.mask_unplotted and (not task.copied or len(task.done) < count)
        for index in range(count):
            if redo or index not in task.done:
                photo = _photo(record, index, len(starts), options)
                _mark_plotted(plotted, photo)
                lines.append(_written(photo, task.stem, index, folder, options) | {"images": count, "copy_bytes": 2 * record.signal.size})
                del photo  # 30 MB and more that the next one can use
        if redo or not task.copied:
            comments = _comments(task.stem, count, options)
            write_record(folder / task.stem, record, drawn=plotted if options.mask_unplotted else None, comments=comments)
        tail_s = (record.samples - starts[-1][1]) / record.fs
        return Drawn(task.stem, tuple(lines), kept=count - len(lines), tail_s=tail_s)
    except OSError as error:
        if error.errno not in _OWN_FAULTS:
            raise  # a full disk is no fault of the record
        return Drawn(task.stem, tuple(lines), error=f"{task.stem}: cannot be written ({error.strerror})")
    except Exception as error:
        return Drawn(task.stem, tuple(lines), error=_reason(error, task))


def _read(task: Task) -> Record:
    from fastecg.readers import read_record

    if not isinstance(task.origin, Path):
        return task.origin
    try:
        return read_record(task.origin)
    except OSError as error:
        raise RecordError(f"{task.stem}: cannot be read ({error.strerror or type(error).__name__})") from None


def _photo(record: Record, index: int, pages: int, options: Options) -> Photo:
    """Picture `index` of a record: all pages of variant 0, then all of variant 1, and so on."""
    from fastecg.recipe import render

    variant, page = divmod(index, pages)
    return render(
        record,
        recipe=options.recipe,
        layout=options.layout,
        style=options.style,
        dpi=options.dpi,
        speed=options.speed,
        gain=options.gain,
        chest_gain=options.chest_gain,
        paper=options.paper,
        rhythm_leads=options.rhythm_leads,
        severity=options.severity,
        header_text=options.header_text,
        notes=options.notes,
        notes_font=options.notes_font,
        seed=options.seed,
        page=page,
        variant=variant,
    )


def _comments(stem: str, count: int, options: Options) -> list[str]:
    """What the header of the copy says besides the signal."""
    name = PurePosixPath(stem).name
    images = ", ".join(f"{name}-{index}.{options.format}" for index in range(count))
    return [f"Image: {images}"] if options.challenge_headers else []


def _mark_plotted(plotted: np.ndarray, photo: Photo) -> None:
    """Set the samples (leads, samples) that the page shows."""
    for trace in photo.page.traces:
        if trace.lead in photo.record.leads:
            plotted[photo.record.leads.index(trace.lead), trace.start : trace.stop] = True


def _written(photo: Photo, stem: str, index: int, folder: Path, options: Options) -> Line:
    """Write a picture's files; its line for the manifest."""
    path = f"{stem}-{index}.{options.format}"
    body, truth_bytes = save_photo(photo, folder / path, quality=options.quality, truth=options.truth)
    shot, (height, width) = photo.shot, photo.image.shape[:2]
    return {
        "path": path,
        "record": stem,
        "page": shot.page,
        "variant": shot.variant,
        "seed": shot.seed,
        "recipe": shot.recipe,
        "width": width,
        "height": height,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "truth_bytes": truth_bytes,
    }


def _reason(error: Exception, task: Task) -> str:
    """One line for the manifest. Our own errors speak; of others only kind and place are told, for they may quote a header."""
    if not isinstance(error, FastecgError):
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_PACKAGE)]
        place = f"{Path(frames[-1].filename).relative_to(_PACKAGE.parent).as_posix()}:{frames[-1].lineno}"
        return f"{task.stem}: unexpected {type(error).__name__} at {place}"
    text = " ".join(str(error).split())
    if isinstance(task.origin, Path):
        for parent in (task.origin.resolve().parent, task.origin.parent):
            text = text.replace(f"{parent}{os.sep}", "")
    return text


# --- workers -------------------------------------------------------------------------------------------------------------------


def _results(tasks: list[Task], options: Options, target: Path | str, workers: int | Client | None) -> Iterator[Drawn]:
    """Draw all tasks: here, in other processes, or on a cluster."""
    yield from (Drawn(task.stem, kept=len(task.done)) for task in tasks if task.complete)
    tasks = [task for task in tasks if not task.complete]
    if not (workers is None or isinstance(workers, int)):
        from fastecg.cluster import drawn_by_cluster

        yield from drawn_by_cluster(tasks, options, target, workers)
        return
    from fastecg.kernels.jit import kernels_cached

    processes = _worker_count(workers, len(tasks))
    here = len(tasks) if processes == 1 else int(not kernels_cached())  # the first one compiles for all workers
    for task in tasks[:here]:
        yield draw_task(task, options, target)
    if tasks[here:]:
        from fastecg.workers import drawn_by_workers

        yield from drawn_by_workers(tasks[here:], options, target, processes)
