"""Write the readings of a rendered folder also under the names of the records that were drawn, so that both can be compared."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fastecg.archive.ledger import Ledger, Line, record_files
from fastecg.archive.plan import relative_path, spelled_path
from fastecg.options import PAGE_S
from fastecg.system.files import read_file

if TYPE_CHECKING:
    from fastecg.record import Record


def drawn_from(folder: Path) -> dict[str, tuple[str, int]]:
    """The record and page from which each picture of a folder was drawn, by the picture's path in the folder without suffix.

    Records and pages come from the manifest that ``fastecg render`` writes, of which only the first variant of a page is taken. A folder
    without manifest has them in the ``#Image:`` lines of its WFDB headers, as in the PhysioNet Challenge 2024, where every record has one
    picture; headers that list several are ignored.
    """
    from fastecg.readers.header import MOST_BYTES
    from fastecg.run.manifest import MANIFEST, Manifest

    if (folder / MANIFEST).is_file():
        lines = Manifest(folder).images.values()
        return {os.path.splitext(line["path"])[0]: (line["record"], line["page"]) for line in lines if line["variant"] == 0}
    found = {}
    for header in sorted(folder.rglob("*.hea")):
        try:
            text = read_file(header, MOST_BYTES).decode("utf-8", "replace")
        except OSError:  # A header that cannot be read is reported when its record is read.
            continue
        comments = [line for line in text.splitlines() if re.match(r"#\s*Image\s*:", line)]
        images = [name.strip() for line in comments for name in line.split(":", 1)[1].split(",")]
        if len(images) == 1 and images[0]:
            below = header.parent.relative_to(folder)
            found[os.path.splitext((below / images[0]).as_posix())[0]] = ((below / header.stem).as_posix(), 0)
    return found


def write_whole_records(inputs: Iterable[Path], ledger: Ledger, asked: set[str], fs: float) -> None:
    """Write the readings of rendered folders also under the names of the records that were drawn, with each page at its time.

    The output folder can then be compared with the folder of the records, by `fastecg score` and by other evaluation code. A record all of
    whose pictures failed gets a header without signals, as such code expects, with the sampling frequency `fs` in Hz. Only pictures whose
    source is in `asked` are used.
    """
    for given in map(Path, inputs):
        if not given.is_dir():
            continue
        parts: dict[str, dict[int, str]] = {}
        for key, (record, page) in drawn_from(given).items():
            for line in _picture_lines(ledger, given, key, asked):
                pages = parts.setdefault(record, {})
                if "bytes" in line:
                    pages[page] = line["record"]
        for record, pages in parts.items():
            _write_whole(ledger, record, pages, fs)


def _picture_lines(ledger: Ledger, folder: Path, key: str, asked: set[str]) -> Iterator[Line]:
    """The manifest lines of pictures that were read or failed; `key` is their path in `folder` without suffix."""
    from fastecg.digitizing.pictures import SUFFIXES as PICTURES

    for suffix in PICTURES:
        line = ledger.lines.get((spelled_path(Path(relative_path(folder / (key + suffix), ledger.folder))), 0))
        if line and ("bytes" in line or "error" in line) and line["source"] in asked:
            yield line


def _write_whole(ledger: Ledger, record: str, pages: dict[int, str], fs: float) -> None:
    """Write one record from its `pages` (number -> name of the record of the reading). Nothing is written if a file of others has its name.

    A record without pages gets a header without signals.
    """
    from fastecg.writers import write_record
    from fastecg.writers.wfdb import write_empty_header

    identity = (f"{record} (record)", 0)
    if identity not in ledger.lines and any(map(os.path.lexists, record_files(ledger.folder, record))):
        return
    ledger.append([{"source": identity[0], "page": 0, "record": record}])
    if pages:
        write_record(ledger.folder / record, _joined(ledger.folder, record, pages))
        return
    for path in ledger.files(record):
        path.unlink()
    write_empty_header(ledger.folder / record, fs)


def _joined(folder: Path, record: str, pages: dict[int, str]) -> Record:
    """The pages (number -> name of a record) as one record of the standard twelve leads, NaN where a page or a lead is missing.

    All readings are taken to have the sampling frequency of the first.
    """
    import numpy as np

    from fastecg.readers import read_record
    from fastecg.record import LEADS, Record

    readings = {page: read_record(folder / stem) for page, stem in sorted(pages.items())}
    fs = next(iter(readings.values())).fs
    size = round(PAGE_S * fs)  # samples of a page
    length = max(page * size + found.samples for page, found in readings.items())
    signal = np.full((len(LEADS), length), np.nan, dtype=np.float32)
    for page, found in readings.items():
        for k, lead in enumerate(LEADS):
            if lead in found.leads:
                signal[k, page * size : page * size + found.samples] = found.lead(lead)
    return Record(signal, fs, LEADS, Path(record).name)
