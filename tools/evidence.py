"""Measure how well pages are digitised, and write the tables in docs/digitising.md.

    python tools/evidence.py RECORDS... --pages 12             read pages by the network and each of three decoders, and by baselines
    python tools/evidence.py RECORDS... --pages 20 --perfect   read the layers that a perfect network would find, by the decoders alone

The network must not have been trained on RECORDS. Every recipe draws the same records at 200 dpi. Set OPENBLAS_NUM_THREADS=1 and
OMP_NUM_THREADS=1, since several threads in each of the processes are slower than one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sections import rewrite

sys.path.append(str(Path(__file__).parent.parent / "tests"))
import oracle

import fastecg
from fastecg.digitizing.analysis import analyse_layers
from fastecg.digitizing.coarse import column_means, extent_mm, straighten
from fastecg.digitizing.decode import decode
from fastecg.digitizing.layout import segments_of
from fastecg.digitizing.reading import lay_out, read_analysed, read_traces
from fastecg.digitizing.segmenter import WEIGHTS, Layers
from fastecg.digitizing.settings import Settings
from fastecg.digitizing.targets import MARKERS, SCALE, whole_window
from fastecg.digitizing.upright import analyse_upright
from fastecg.readers import find_records, read_record, sample_records

PAGE = Path(__file__).parent.parent / "docs" / "digitising.md"
RECIPES = ("clean", "scan", "photo", "copy", "screen", "aged", "damaged", "mix", "kit")
SEED = 11
PERFECT_SEED = 7

#: Names of the modes of the decoder in the tables.
MODES = {"stroke_fit": "**stroke fit**", "softargmax": "column soft maximum", "centroid": "column mean"}
# Ways of reading for comparison: column means on the true mask, column means on the network's traces, and the stroke fit on true layers.
MASK, PAPER, TRUE = "column mean on the true mask, layout given", "denoised, then vertical scan, layout given", "stroke fit on true layers"

#: Pages that are read from perfect layers: name, recipe, severity.
PERFECT_CASES = (("clean", "clean", 0.0), ("scan, mild", "scan", 0.2), ("photo, mild", "photo", 0.2), ("photo, medium", "photo", 0.5))
#: How perfect layers are read: name; width in mm of traces in their layer (None: as printed); mode; whether the true geometry is given.
PERFECT_WAYS = (
    ("column mean", 0.2, "centroid", False),
    ("column soft maximum", 0.2, "softargmax", False),
    ("**stroke fit**", 0.2, "stroke_fit", False),
    ("stroke fit, true geometry", 0.2, "stroke_fit", True),
    ("stroke fit, ink as printed", None, "stroke_fit", False),
)

#: Scores of one way of reading one page.
Row = dict[str, Any]
#: Case, way, reference, estimate and CPU seconds of a reading of perfect layers.
Result = tuple[str, str, fastecg.Record, fastecg.Record, float]


def reference(photo: fastecg.Photo) -> fastecg.Record:
    """The record of a photo, with NaN for samples that are not visible in the picture."""
    record = photo.record
    return fastecg.Record(np.where(oracle.drawn_samples(photo), record.signal, np.nan), record.fs, record.leads, record.name)


def true_layers(photo: fastecg.Photo) -> Layers:
    """The layers that the network should find in a photo, by its truth."""
    window = whole_window(photo)
    markers = (np.arange(len(MARKERS))[:, None, None] == window.markers).astype(np.float32)
    # Traces in true maps are thinner than in the network's, so their ink reaches less far beyond the first and last sample.
    return Layers(window.maps.astype(np.float32) / 255, markers, SCALE / photo.warp.scale, cap_mm=0.09)


def scanned(photo: fastecg.Photo, planes: list[np.ndarray]) -> fastecg.Record:
    """Read planes (height, width) of ink, one for each segment, by column means with the true geometry and layout."""
    rows = segments_of(photo.page, photo.record.fs)
    signal = np.full(photo.record.signal.shape, np.nan)
    for plane, segment in zip(planes, rows.segments, strict=True):
        x = segment.x_mm + np.arange(segment.stop - segment.start) * rows.speed_mm_s / rows.fs
        reach = extent_mm(plane, photo.warp, (x[0], x[-1]))
        if reach is not None:
            y = column_means(straighten(plane, photo.warp, (x[0] - 1, x[-1] + 1), reach), x)
            found = (segment.baseline_mm - y) / segment.gain_mm_mv + segment.offset_mv
            lead = photo.record.leads.index(segment.lead)
            signal[lead, segment.start : segment.stop] = np.where(np.isnan(found), signal[lead, segment.start : segment.stop], found)
    return fastecg.Record(signal, photo.record.fs, photo.record.leads, photo.record.name)


def true_masks(photo: fastecg.Photo) -> list[np.ndarray]:
    """The printed ink of every segment in the picture, 0 or 255, as a perfect segmentation would find it."""
    return [np.where(plane > 127, 255, 0).astype(np.uint8) for plane in oracle.true_layers(photo, None)["trace"]]


def denoised(photo: fastecg.Photo, layers: Layers) -> list[np.ndarray]:
    """The network's traces within the true box of every segment, 0 or 255. Traces of other rows that reach into the box are kept."""
    from fastecg.digitizing.segmenter import resized

    height, width = photo.image.shape[:2]
    ink = resized(np.repeat(np.rint(255 * layers["trace"]).astype(np.uint8)[..., None], 3, axis=2), 1 / layers.zoom)[..., 0]
    ink = np.pad(ink, ((0, max(height - ink.shape[0], 0)), (0, max(width - ink.shape[1], 0))))[:height, :width]
    y, x = np.nonzero(ink > 127)
    page = photo.warp.inverse(np.column_stack([x, y]).astype(np.float64))
    planes = []
    for trace in (trace for trace in photo.page.traces if len(trace.points_mm) > 1):
        (left, top), (right, bottom) = np.nanmin(trace.points_mm, axis=0) - 0.5, np.nanmax(trace.points_mm, axis=0) + 0.5
        inside = (page[:, 0] >= left) & (page[:, 0] <= right) & (page[:, 1] >= top) & (page[:, 1] <= bottom)
        plane = np.zeros((height, width), dtype=np.uint8)
        plane[y[inside], x[inside]] = 255
        planes.append(plane)
    return planes


def read_page(task: tuple[Path, str, int, float, str | None, Path]) -> list[Row]:
    """Draw one page, and read it in all ways. Returns a row for each way; no rows if no sample is visible in the picture.

    `task` holds the path of a record, the recipe, the number of the variant, the resolution in dpi, the layout (None: that of the recipe)
    and the file of weights.
    """
    path, recipe, number, dpi, layout, weights = task
    record = read_record(path)
    photo = fastecg.render(record, recipe=recipe, dpi=dpi, seed=SEED, variant=number, layout=layout or "auto")
    wanted = reference(photo)
    if not np.isfinite(wanted.signal).any():
        return []
    rows: list[Row] = []
    page_columns = {"record": record.name, "recipe": recipe, "dpi": dpi, "layout": photo.page.layout, "style": photo.style.name}

    def add(way: str, found: fastecg.Record | None, seconds: float, **more: Any) -> None:
        """Add the row of one way, whose record is None if the page was not read; `more` are further columns."""
        estimate = found or fastecg.Record(np.full(wanted.signal.shape, np.nan), wanted.fs, wanted.leads, wanted.name)
        score = fastecg.score(wanted, estimate).records[0]
        rows.append({
            **page_columns, "way": way, "snr": score.snr_db, "failed": score.failed, "challenge": score.challenge_2024_db,
            "ratio": score.kaggle_ratio,
            "missing": float(np.mean([lead.missing for lead in score.leads])), "seconds": seconds,
            "leads": {lead.lead: lead.snr_db for lead in score.leads}, **more,
        })  # fmt: skip

    start = time.process_time()
    layers, page, fault = None, None, ""
    try:
        settings = Settings(fs=record.fs)
        view = analyse_upright(photo.image, settings, weights)
        layers = view.layers if view.turns == 0 else None
        page = lay_out(view, settings)
    except fastecg.ImageError as error:
        fault = str(error)
    analysis_s = time.process_time() - start
    for mode, way in MODES.items():
        start, found = time.process_time(), None
        try:
            found = read_traces(page, mode).decoded.record if page else None
        except fastecg.ImageError as error:
            fault = str(error)
        layout_found = bool(page) and page.analysis.match.layout.name == photo.page.layout
        add(way, found, analysis_s + time.process_time() - start, found_layout=layout_found, fault=fault)
    start = time.process_time()
    add(MASK, scanned(photo, true_masks(photo)), time.process_time() - start)
    if layers is not None:
        add(PAPER, scanned(photo, denoised(photo, layers)), 0.0)
    start = time.process_time()
    try:
        add(
            TRUE,
            read_analysed(analyse_layers(true_layers(photo), None), Settings(fs=record.fs)).decoded.record,
            time.process_time() - start,
        )
    except fastecg.ImageError as error:
        add(TRUE, None, time.process_time() - start, fault=str(error))
    return rows


def line(rows: list[Row], *names: str) -> str:
    """A line of a table: the cells `names`, and the scores of the pages in `rows`."""
    values = np.array([row["snr"] for row in rows])
    values = values[np.isfinite(values)]
    ratios = np.array([row["ratio"] for row in rows])
    # Kaggle's metric clips ratios of powers at 384 (25.84 dB).
    kaggle = [10 * np.log10(np.mean(part)) for part in (np.minimum(ratios, 384.0), ratios[np.isfinite(ratios)])]
    scores = [
        f"{values.mean():.1f} ± {values.std():.1f}", f"{np.median(values):.1f}", f"{np.percentile(values, 5):.1f}",
        f"{100 * np.mean([row['failed'] for row in rows]):.0f} %", f"{np.mean([row['challenge'] for row in rows]):.1f}",
        f"{kaggle[0]:.1f} / {kaggle[1]:.1f}", f"{np.median([row['seconds'] for row in rows]):.1f}",
    ]  # fmt: skip
    return "| " + " | ".join([*names, *scores]) + " |"


HEAD = "mean ± sd | median | 5th percentile | failed | Challenge 2024 | Kaggle 2025, clipped / not | CPU s a page |"


def tables(rows: list[Row], pages: int) -> str:
    """The tables by recipe and way, by layout, and by resolution, as Markdown."""
    ways = [*MODES.values(), PAPER, MASK, TRUE]
    out = [
        (
            f"{pages} records that the network never saw, one page of each by every recipe, 200 dpi, seed {SEED}. Raw SNR in dB, per page "
            "the mean of its leads; a page on which any lead is below 5 dB has failed, and a lead that is not read counts as 0 dB."
        ), "",
        "| pages | reading | " + HEAD, "|---" * 9 + "|",
    ]  # fmt: skip
    plain = [row for row in rows if row["dpi"] == 200 and "asked" not in row]
    for recipe in dict.fromkeys(row["recipe"] for row in plain):
        for way in ways:
            chosen = [row for row in plain if row["recipe"] == recipe and row["way"] == way]
            if chosen:
                out.append(line(chosen, recipe, way))
    out += ["", "By layout, all recipes, stroke fit:", "", "| layout | pages | layout found | " + HEAD, "|---" * 10 + "|"]
    by_layout = defaultdict(list)
    for row in plain:
        if row["way"] == MODES["stroke_fit"]:
            by_layout[row["layout"]].append(row)
    for layout, chosen in sorted(by_layout.items(), key=lambda item: -len(item[1])):
        out.append(line(chosen, layout, str(len(chosen)), f"{100 * np.mean([row['found_layout'] for row in chosen]):.0f} %"))
    others = [row for row in rows if row["dpi"] != 200 and row["way"] == MODES["stroke_fit"]]
    if others:
        out += ["", "By resolution, stroke fit:", "", "| pages | dpi | " + HEAD, "|---" * 9 + "|"]
        for recipe, dpi in dict.fromkeys((row["recipe"], row["dpi"]) for row in others):
            out.append(line([row for row in others if (row["recipe"], row["dpi"]) == (recipe, dpi)], recipe, f"{dpi:.0f}"))
    return "\n".join(out)


def read_perfect(path: Path) -> list[Result]:
    """Draw a page of a record in every case of `PERFECT_CASES`, and read its perfect layers in every way of `PERFECT_WAYS`."""
    record = read_record(path)
    found = []
    for case, recipe, severity in PERFECT_CASES:
        photo = fastecg.render(record, recipe=recipe, severity=severity, dpi=200.0, seed=PERFECT_SEED)
        wanted, layers, warp = reference(photo), {pen: oracle.true_layers(photo, pen) for pen in (0.2, None)}, None
        for way, pen, mode, geometry_given in PERFECT_WAYS:
            start = time.process_time()
            if geometry_given:
                read = decode(layers[pen], segments_of(photo.page, record.fs), mode=mode, warp=photo.warp)
            else:
                read = decode(layers[pen], oracle.true_segments(photo), mode=mode, warp=warp)
                warp = read.warp  # Further ways use the same warp, because it does not depend on the mode.
            found.append((case, way, wanted, read.record, time.process_time() - start))
    return found


def perfect_table(results: list[Result], records: int) -> str:
    """The table of readings of perfect layers of pages of `records` records, as Markdown."""
    groups = defaultdict(list)
    for case, way, *rest in results:
        groups[case, way].append(rest)
    lines = [
        f"{records} records at 500 Hz, layouts and styles as the recipes draw them, 200 dpi, seed {PERFECT_SEED}. Raw SNR in dB.",
        "",
        "| pages | decoder | mean ± sd | median | 5th percentile | failed | Challenge 2024 | Kaggle 2025, no clip | CPU s a page |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (case, way), rows in groups.items():
        score = fastecg.score([row[0] for row in rows], [row[1] for row in rows]).summary()
        spread = f"{score['snr_mean_db']:.1f} ± {score['snr_sd_db']:.1f} | {score['snr_median_db']:.1f} | {score['snr_p5_db']:.1f}"
        others = f"{score['challenge_2024_db']:.1f} | {score['kaggle_2025_unclipped_db']:.1f} | {np.median([row[2] for row in rows]):.1f}"
        lines.append(f"| {case} | {way} | {spread} | {100 * score['failure_rate']:.0f} % | {others} |")
    return "\n".join(lines)


def perfect(paths: list[Path], workers: int) -> str:
    """Read perfect layers of pages of all records. Returns their table."""
    results: list[Result] = []
    with ProcessPoolExecutor(workers) as pool:
        for path, found in zip(paths, pool.map(read_perfect, paths), strict=True):
            results += found
            print(f"{path.stem}: {len(results)} pages read", file=sys.stderr, flush=True)
    return perfect_table(results, len(paths))


def main() -> None:
    """Read the pages, and print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="*", help="records at 500 Hz, or folders of them; the built-in samples by default")
    parser.add_argument("--pages", type=int, default=12, help="number of pages of every recipe")
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES))
    parser.add_argument("--dpi", nargs="*", type=float, default=[100.0, 150.0, 300.0], help="further resolutions, of clean and photo")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rows", type=Path, help="file to which all rows are written as JSON lines")
    parser.add_argument("--perfect", action="store_true", help="read perfect layers instead")
    parser.add_argument("--dry", action="store_true", help="print the tables without writing them into the docs")
    given = parser.parse_args()
    sources = [source for item in given.inputs for source in find_records(item)] or sample_records()
    paths = [sources[k].path for k in np.unique(np.linspace(0, len(sources) - 1, given.pages).astype(int))]
    if given.perfect:
        text = perfect(paths, given.workers)
        print(text)
        if not given.dry:
            rewrite(PAGE, "oracle evidence", text)
        return
    tasks = [(path, recipe, k, 200.0, None, given.weights) for recipe in given.recipes for k, path in enumerate(paths)]
    tasks += [
        (path, recipe, k, dpi, None, given.weights)
        for dpi in given.dpi
        for recipe in ("clean", "photo")
        for k, path in enumerate(paths[::3])
    ]
    rows: list[Row] = []
    with ProcessPoolExecutor(given.workers) as pool:
        for task, found in zip(tasks, pool.map(read_page, tasks), strict=True):
            rows += found
            best = next((row for row in found if row["way"] == MODES["stroke_fit"]), None)
            print(
                f"{task[0].stem} {task[1]} {task[3]:.0f} dpi: {best['snr'] if best else np.nan:.1f} dB {best['fault'] if best else ''}",
                file=sys.stderr,
                flush=True,
            )
    if given.rows:
        given.rows.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    text = tables(rows, len(paths))
    print(text)
    if not given.dry:
        rewrite(PAGE, "evidence", text)


if __name__ == "__main__":
    main()
