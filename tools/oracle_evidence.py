"""What the decoder gives on perfect layers: ``python tools/oracle_evidence.py [RECORDS ...] --records 20``; writes the table in docs.

Run with OPENBLAS_NUM_THREADS=1: threads that fight for few cores cost more than they give.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from sections import rewrite

import fastecg
from fastecg.digitizing.decode import decode
from fastecg.digitizing.layout import segments_of
from fastecg.digitizing.oracle import drawn_samples, true_layers, true_segments
from fastecg.readers import find_records, read_record, sample_records

PAGE = Path(__file__).parent.parent / "docs" / "digitising.md"
DPI, SEED = 200.0, 7

#: Name, recipe, severity.
CASES = (("clean", "clean", 0.0), ("scan, mild", "scan", 0.2), ("photo, mild", "photo", 0.2), ("photo, medium", "photo", 0.5))
#: What is told; which layer of traces (None: as printed); mode; whether the true geometry is given.
WAYS = (
    ("column mean", 0.2, "centroid", False),
    ("column soft maximum", 0.2, "softargmax", False),
    ("**stroke fit**", 0.2, "stroke_fit", False),
    ("stroke fit, true geometry", 0.2, "stroke_fit", True),
    ("stroke fit, ink as printed", None, "stroke_fit", False),
)

Result = tuple[str, str, fastecg.Record, fastecg.Record, float]


def reference(photo: fastecg.Photo) -> fastecg.Record:
    record = photo.record
    return fastecg.Record(np.where(drawn_samples(photo), record.signal, np.nan), record.fs, record.leads, record.name)


def decoded(path: Path) -> list[Result]:
    record = read_record(path)
    found = []
    for case, recipe, severity in CASES:
        photo = fastecg.render(record, recipe=recipe, severity=severity, dpi=DPI, seed=SEED)
        wanted, layers, warp = reference(photo), {pen: true_layers(photo, pen) for pen in (0.2, None)}, None
        for way, pen, mode, told in WAYS:
            start = time.process_time()
            if told:
                read = decode(layers[pen], segments_of(photo.page, record.fs), mode=mode, warp=photo.warp)
            else:
                read = decode(layers[pen], true_segments(photo), mode=mode, warp=warp)
                warp = read.warp  # the grid does not depend on the mode
            found.append((case, way, wanted, read.record, time.process_time() - start))
    return found


def table(results: list[Result], records: int) -> str:
    groups = defaultdict(list)
    for case, way, *rest in results:
        groups[case, way].append(rest)
    lines = [
        f"{records} records at 500 Hz, layouts and styles as the recipes draw them, {DPI:.0f} dpi, seed {SEED}. Raw SNR in dB.",
        "",
        "| pages | decoder | mean ± sd | median | 5th percentile | failed | Challenge 2024 | Kaggle 2025, no clip | CPU s a page |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (case, way), rows in groups.items():
        told = fastecg.score([row[0] for row in rows], [row[1] for row in rows]).summary()
        spread = f"{told['snr_mean_db']:.1f} ± {told['snr_sd_db']:.1f} | {told['snr_median_db']:.1f} | {told['snr_p5_db']:.1f}"
        others = f"{told['challenge_2024_db']:.1f} | {told['kaggle_2025_unclipped_db']:.1f} | {np.median([row[2] for row in rows]):.1f}"
        lines.append(f"| {case} | {way} | {spread} | {100 * told['failure_rate']:.0f} % | {others} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="*", help="folders or records at 500 Hz; the built-in samples if none")
    parser.add_argument("--records", type=int, default=20)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    sources = [source for item in given.inputs for source in find_records(item)] or sample_records()
    paths = [sources[k].path for k in np.unique(np.linspace(0, len(sources) - 1, given.records).astype(int))]
    with ProcessPoolExecutor(given.workers) as pool:
        results = []
        for path, found in zip(paths, pool.map(decoded, paths), strict=True):
            results += found
            print(f"{path.stem}: {len(results)} pages read", file=sys.stderr, flush=True)
    rewrite(PAGE, "oracle evidence", table(results, len(paths)))
    print(table(results, len(paths)))


if __name__ == "__main__":
    main()
