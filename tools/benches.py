"""Digitise benches of pages, and print how well they were read and which errors there are: ``python tools/benches.py``.

Benches are pages that other people's programs drew and real scans with truth, both in the folder that FASTECG_DATA names, and pages by our
own recipes. To see which kinds of errors there are, each kind is corrected with the help of the truth: every lead is moved in time, in
voltage, and in both to where it fits best, and then leads are exchanged for those that fit best. The gain in SNR is what errors of this
kind cost.

``--own RECORDS`` adds pages by our own recipes, ``--only kit scan`` reads only some benches, ``--write`` puts the table into
docs/digitising.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sections import rewrite

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from oracle import drawn_samples

import fastecg
from fastecg.digitizing.metrics import raw_snr
from fastecg.digitizing.segmenter import WEIGHTS
from fastecg.digitizing.settings import Settings

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".pdf")
MOST_LAG_S = 0.5  # Largest shift in time that is corrected.
#: Folders of the benches, below that of FASTECG_DATA.
BENCHES = {
    "kit": "other-hands/kit",
    "pmecg": "other-hands/pmecg",
    "pdf": "other-hands/pdf",
    "drawn": "other-hands/drawn",
    "scan": "real-truth/scan",
}
#: Descriptions of the benches.
DESCRIPTIONS = {
    "kit": "ECG-Image-Kit's own pages",
    "pmecg": "pages by pmecg",
    "pdf": "vector PDFs by ecgtizer",
    "drawn": "plain matplotlib, every third seen by a camera",
    "scan": "real prints on a flatbed scanner",
}
#: Recipes of our own pages.
OWN = ("clean", "scan", "photo", "mix")
NEAR_MM = 2.0  # The ends and the level of a segment count as right if their errors are below this.
FAILED_DB = 5.0  # A lead has failed if its raw SNR is below this.
DOCS = Path(__file__).parents[1] / "docs" / "digitising.md"


@dataclass(frozen=True)
class Analysis:
    """How well a page was read, as means over its leads.

    Attributes
    ----------
    raw, worst : float
        Raw SNR in dB, and that of the worst lead.
    time, volt, both : float
        Raw SNR in dB of leads that are moved in time, in voltage, and in both.
    perm : float
        Raw SNR in dB of leads that are exchanged for those that fit best, and moved in time and voltage.
    lag, lag_spread : float
        Median and standard deviation over leads of the time in ms by which they are late.
    off : float
        Mean over leads of the absolute value of their mean error in mV.
    missing : float
        Share of the drawn samples that were not read.
    """

    raw: float
    worst: float
    time: float
    volt: float
    both: float
    perm: float
    lag: float
    lag_spread: float
    off: float
    missing: float


def analysed(reference: fastecg.Record, estimate: fastecg.Record | None) -> Analysis:
    """Compare a page that was read with its reference. The estimate is None if the page was refused."""
    from scipy.optimize import linear_sum_assignment

    leads = [lead for lead in reference.leads if np.isfinite(reference.lead(lead)).sum() > 50]
    wanted = {lead: reference.lead(lead).astype(float) for lead in leads}
    found = {lead: _lead_of(estimate, lead, reference.samples) for lead in leads}
    raw, time, volt, both, lags, offs = [], [], [], [], [], []
    for lead in leads:
        raw.append(raw_snr(wanted[lead], found[lead]))
        lag = _lag(wanted[lead], found[lead], reference.fs)
        moved = _moved(found[lead], lag)
        time.append(max(raw_snr(wanted[lead], moved), raw[-1]))
        volt.append(raw_snr(wanted[lead], _levelled(wanted[lead], found[lead])))
        both.append(raw_snr(wanted[lead], _levelled(wanted[lead], moved)))
        lags.append(1000 * lag / reference.fs)
        offs.append(_offset(wanted[lead], found[lead]))
    # The SNR of what was read as lead b, if it is taken for lead a. Each lead a gets one b, no two the same b, so that the sum is largest.
    table = np.array([[_aligned_snr(wanted[a], _at_start_of(wanted[a], found[b]), reference.fs) for b in leads] for a in leads])
    rows, columns = linear_sum_assignment(-np.nan_to_num(table))
    return Analysis(
        float(np.mean(raw)), float(np.min(raw)), float(np.mean(time)), float(np.mean(volt)), float(np.mean(both)),
        float(table[rows, columns].mean()), float(np.median(lags)), float(np.std(lags)), float(np.mean(np.abs(offs))),
        float(np.mean([np.isnan(found[lead][np.isfinite(wanted[lead])]).mean() for lead in leads])),
    )  # fmt: skip


def _lead_of(estimate: fastecg.Record | None, lead: str, samples: int) -> np.ndarray:
    """A lead of an estimate with as many samples as the reference; NaN where the estimate has none."""
    out = np.full(samples, np.nan)
    if estimate is not None and lead in estimate.leads:
        known = estimate.lead(lead)[:samples]
        out[: len(known)] = known
    return out


def _at_start_of(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    """`found` moved in time so that its first known sample is where that of `wanted` is: leads of different columns become comparable."""
    if not np.isfinite(found).any():
        return found
    first, begin = np.flatnonzero(np.isfinite(found))[0], np.flatnonzero(np.isfinite(wanted))[0]
    return np.roll(found, begin - first)


def _lag(wanted: np.ndarray, found: np.ndarray, fs: float) -> float:
    """Number of samples by which an estimate is late, to a tenth of a sample; 0 if nothing was read where the reference is known."""
    known = np.isfinite(wanted)
    centred = np.where(known, wanted - np.nanmean(wanted), 0.0)
    seen = np.isfinite(found)
    if not (known & seen).any():
        return 0.0
    centred_found = np.where(seen, found - np.nanmean(found), 0.0)
    most_lag = int(MOST_LAG_S * fs)
    # The correlation at lags from -most_lag to most_lag, by Fourier transform; the peak of a parabola through its largest values; then the
    # lag of the best SNR within a sample of this.
    size = 1 << int(np.ceil(np.log2(2 * len(centred))))
    correlation = np.fft.irfft(np.fft.rfft(centred_found, size) * np.conj(np.fft.rfft(centred, size)), size)
    correlation = np.concatenate([correlation[-most_lag:], correlation[: most_lag + 1]])
    k = int(np.argmax(correlation))
    if not 0 < k < len(correlation) - 1:
        return float(k - most_lag)
    curvature = correlation[k - 1] - 2 * correlation[k] + correlation[k + 1]
    coarse = k - most_lag + (0.5 * (correlation[k - 1] - correlation[k + 1]) / curvature if curvature < 0 else 0.0)
    tried = coarse + np.arange(-1.0, 1.01, 0.1)
    return float(max(tried, key=lambda lag: raw_snr(wanted, _levelled(wanted, _moved(found, lag)))))


def _moved(found: np.ndarray, lag: float) -> np.ndarray:
    """A signal moved by `lag` samples to earlier times, by linear interpolation. Samples within gaps or beyond the ends are NaN."""
    at = np.arange(len(found))
    known = np.isfinite(found)
    if known.sum() < 2:
        return found
    moved = np.interp(at + lag, at[known], found[known])
    inside = np.interp(at + lag, at, known.astype(float), left=0.0, right=0.0) > 0.5
    return np.where(inside, moved, np.nan)


def _offset(wanted: np.ndarray, found: np.ndarray) -> float:
    """Mean difference between `found` and `wanted` in mV where both are known; 0 if they are nowhere."""
    both = np.isfinite(wanted) & np.isfinite(found)
    return float(np.mean(found[both] - wanted[both])) if both.any() else 0.0


def _levelled(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    """`found` moved in voltage to where it fits best."""
    return found - _offset(wanted, found)


def _aligned_snr(wanted: np.ndarray, found: np.ndarray, fs: float) -> float:
    """Raw SNR in dB after `found` is moved in time and voltage to where it fits best."""
    moved = _moved(found, _lag(wanted, found, fs))
    return raw_snr(wanted, _levelled(wanted, moved))


def _read(job: tuple[Path, Path]) -> tuple[str, Analysis, str, bool]:
    """Read a picture that has truth. Returns its name, how it was read, its layout or why it was refused, and whether its order is sure."""
    from fastecg.digitizing.pictures import read_picture
    from fastecg.digitizing.reading import read_signals

    path, weights = job  # The picture and the file of weights.
    reference = fastecg.read_record(path.parent / "truth" / path.stem)
    try:
        reading = read_signals(read_picture(path), weights=weights)
    except fastecg.FastecgError as error:
        return path.name, analysed(reference, None), f"refused: {error}", False
    return path.name, analysed(reference, reading.decoded.record), reading.layout, reading.order == "sure"


def _read_own(job: tuple[str, Path, Path]) -> tuple[str, Analysis, str, bool]:
    """Draw a page by one of our recipes, and read it. Returns the same as `_read`, with the name of the record."""
    from fastecg.digitizing.reading import read_signals
    from fastecg.readers import read_record

    recipe, path, weights = job  # The recipe, the record and the file of weights.
    record = read_record(path)
    record = fastecg.Record(record.signal[:, : round(10 * record.fs)], record.fs, record.leads, record.name)
    photo = fastecg.render(record, recipe=recipe, seed=11)
    reference = fastecg.Record(np.where(drawn_samples(photo), photo.record.signal, np.nan), record.fs, record.leads, record.name)
    try:
        reading = read_signals(photo.image, Settings(fs=record.fs), weights=weights)
    except fastecg.FastecgError as error:
        return record.name, analysed(reference, None), f"refused: {error}", False
    return record.name, analysed(reference, reading.decoded.record), reading.layout, reading.order == "sure"


def row(name: str, read: list[tuple[str, Analysis, str, bool]]) -> str:
    """A row of the table, for the pages of a bench."""
    every = [analysis for _, analysis, _, _ in read]
    raw = np.array([item.raw for item in every])
    means = [float(np.mean([getattr(item, key) for item in every])) for key in ("time", "volt", "both", "perm")]
    sure = [item for _, item, _, is_sure in read if is_sure]
    # If leads were confused, exchanging them gains more than 3 dB. If they were not, it gains little, because of noise.
    wrong = sum(item.perm - item.both > 3.0 for item in sure)
    cells = [
        name, str(len(read)), f"**{raw.mean():.1f}**", f"{np.median(raw):.1f}", f"{np.percentile(raw, 5):.1f}",
        f"{100 * np.mean([item.worst < FAILED_DB for item in every]):.0f} %", *(f"{mean:.1f}" for mean in means),
        f"{len(sure)}, {wrong} wrong",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


TITLES = (
    "pages", "n", "raw SNR, dB", "median", "5th percentile", "a lead < 5 dB", "moved in time", "in voltage", "in both", "leads exchanged",
    "reported as sure",
)  # fmt: skip
HEAD = "| " + " | ".join(TITLES) + " |\n" + "|---" * len(TITLES) + "|"


def _layout_of(job: tuple[dict[str, Any], Path, Path]) -> tuple[str, int, int, int, bool]:
    """Read an annotated real page. Returns its file, numbers of right, of all and of misnamed segments, and whether its order is sure."""
    from fastecg.digitizing.pictures import read_picture
    from fastecg.digitizing.reading import read_signals
    from fastecg.digitizing.report import report_of

    entry, folder, weights = job  # The annotation, the folder of pictures and the file of weights.
    wanted = entry["segments"]
    try:
        report = report_of(read_signals(read_picture(folder / entry["file"]), Settings(mode="centroid"), weights=weights), deviations=False)
    except fastecg.FastecgError:
        return entry["file"], 0, len(wanted), 0, False
    near = NEAR_MM * entry["mm_px"]  # in px, as "mm_px" is the number of px in a mm
    right = wrong = 0
    for segment in wanted:
        ends_px = np.array([[segment["x0"], segment["y0"]], [segment["x1"], segment["y1"]]], dtype=float)
        misses = [(np.abs(np.array(item["line_px"]) - ends_px), item) for item in report["segments"] if item["rhythm"] == segment["rhythm"]]
        if not misses:
            continue
        miss, best = min(misses, key=lambda pair: pair[0].sum())
        cut = [side for side, name in enumerate(("left", "right")) if name in segment.get("cut", "")]
        ends = np.delete(miss[:, 0], cut)
        wrong += best["lead"] != segment["lead"]
        right += bool(best["lead"] == segment["lead"] and (ends < near).all() and miss[:, 1].mean() < near)
    return entry["file"], right, len(wanted), wrong, report["order"] == "sure"


def main() -> None:
    """Read the benches and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="*", default=[*BENCHES, "layouts"], help="benches to read")
    parser.add_argument("--own", type=Path, help="folder of records for pages by our own recipes")
    parser.add_argument("--records", type=int, default=24, help="largest number of these records")
    parser.add_argument("--every", type=int, default=1, help="read every n-th page")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--pages", action="store_true", help="also print one line for each page")
    parser.add_argument("--write", action="store_true", help=f"write the table into {DOCS.name}")
    options = parser.parse_args()
    data = Path(os.environ.get("FASTECG_DATA", "."))
    lines = [HEAD]
    with ProcessPoolExecutor() as pool:
        if options.own:
            from fastecg.readers import find_records

            records = [source.path for source in find_records([options.own])][:: options.every][: options.records]
            for recipe in OWN:
                read = list(pool.map(_read_own, [(recipe, path, options.weights) for path in records]))
                lines.append(_print_row(row(f"our own `{recipe}`", read), read, options.pages))
        for name in (name for name in BENCHES if name in options.only):
            folder = data / BENCHES[name]
            if not folder.is_dir():
                print(f"{name}: not there, expected {BENCHES[name]} below the folder that FASTECG_DATA names")
                continue
            paths = sorted(path for path in folder.iterdir() if path.suffix in PICTURES)[:: options.every]
            read = list(pool.map(_read, [(path, options.weights) for path in paths]))
            lines.append(_print_row(row(f"{DESCRIPTIONS[name]} (`{name}`)", read), read, options.pages))
        annotated, pictures = data / "real-layouts" / "shared.json", data.parent / "reference-images"
        if "layouts" in options.only and annotated.is_file() and pictures.is_dir():
            jobs = [(entry, pictures, options.weights) for entry in json.loads(annotated.read_text()) if entry.get("readable", True)]
            found = list(pool.map(_layout_of, jobs[:: options.every]))
            right, total = sum(item[1] for item in found), sum(item[2] for item in found)
            sure = [item for item in found if item[4]]
            share = 100 * right / max(total, 1)
            words = (
                f"Of {total} segments of {len(found)} real pages {share:.0f} % have the right lead, and ends and level to {NEAR_MM:g} mm; "
            )
            misnamed = sum(item[3] > 0 for item in sure)
            lines += ["", f"{words}{len(sure)} pages are reported as sure, on {misnamed} of which a lead has another's name."]
            for name, right, count, wrong, is_sure in found if options.pages else ():
                print(f"{name}: {right} of {count}, {wrong} names wrong, {'sure' if is_sure else 'uncertain'}")
    print("\n".join(lines))
    if options.write:
        rewrite(DOCS, "benches", "\n".join(lines))


def _print_row(line: str, read: list[tuple[str, Analysis, str, bool]], pages: bool) -> str:
    """Print a row of the table, after one line for each page if `pages` is set. Returns the row."""
    if pages:
        for name, item, layout, sure in read:
            moved = f"time {item.time:5.1f} voltage {item.volt:5.1f} both {item.both:5.1f} exchanged {item.perm:5.1f}"
            off = f"late {item.lag:6.1f} ± {item.lag_spread:.1f} ms, off {item.off:.3f} mV"
            order = "sure" if sure else "-"
            print(f"{name:22s} {layout:24.24s} {order:4s} raw {item.raw:5.1f} worst {item.worst:5.1f} | {moved} | {off}", flush=True)
    print(line, flush=True)
    return line


if __name__ == "__main__":
    main()
