"""Pages of every hand, read: ``python tools/benches.py`` prints a table of benches, and why errors are there.

Benches are pages that other people's programs drew, real scans with truth (both below the folder that FASTECG_DATA names), and pages by
our own recipes. What is wrong is told by substitution: every lead is moved in time, in voltage, and in both, to where it fits best, and at
last the leads are exchanged as fits best. What a column gains over the first is what that error costs.

``--own RECORDS`` adds pages by our own recipes, ``--only kit scan`` reads some benches, ``--write`` puts the table into docs/digitising.md.
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
MOST_LAG_S = 0.5
BENCHES = {
    "kit": "other-hands/kit",
    "pmecg": "other-hands/pmecg",
    "pdf": "other-hands/pdf",
    "drawn": "other-hands/drawn",
    "scan": "real-truth/scan",
}
WHAT = {
    "kit": "ECG-Image-Kit's own pages",
    "pmecg": "pages by pmecg",
    "pdf": "vector PDFs by ecgtizer",
    "drawn": "plain matplotlib, every third seen by a camera",
    "scan": "real prints on a flatbed scanner",
}
OWN = ("clean", "scan", "photo", "mix")
NEAR_MM = 2.0  # of a segment's ends and level, to be right
FAILED_DB = 5.0
DOCS = Path(__file__).parents[1] / "docs" / "digitising.md"


@dataclass(frozen=True)
class Analysis:
    """A page: raw SNR, its worst lead's, that of leads moved in time, in voltage, in both, and exchanged; dB. Lag in ms, offset in mV."""

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
    """How well a page was read, and what is wrong with it."""
    from scipy.optimize import linear_sum_assignment

    leads = [lead for lead in reference.leads if np.isfinite(reference.lead(lead)).sum() > 50]
    wanted = {lead: reference.lead(lead).astype(float) for lead in leads}
    found = {lead: _of(estimate, lead, reference.samples) for lead in leads}
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
    table = np.array([[_aligned(wanted[a], _on(found[b], wanted[a]), reference.fs) for b in leads] for a in leads])
    rows, columns = linear_sum_assignment(-np.nan_to_num(table))
    return Analysis(
        float(np.mean(raw)), float(np.min(raw)), float(np.mean(time)), float(np.mean(volt)), float(np.mean(both)),
        float(table[rows, columns].mean()), float(np.median(lags)), float(np.std(lags)), float(np.mean(np.abs(offs))),
        float(np.mean([np.isnan(found[lead][np.isfinite(wanted[lead])]).mean() for lead in leads])),
    )  # fmt: skip


def _of(estimate: fastecg.Record | None, lead: str, samples: int) -> np.ndarray:
    out = np.full(samples, np.nan)
    if estimate is not None and lead in estimate.leads:
        known = estimate.lead(lead)[:samples]
        out[: len(known)] = known
    return out


def _on(signal: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A signal moved to where another one begins, so that leads of other columns can be compared."""
    if not np.isfinite(signal).any():
        return signal
    first, wanted = np.flatnonzero(np.isfinite(signal))[0], np.flatnonzero(np.isfinite(like))[0]
    return np.roll(signal, wanted - first)


def _lag(wanted: np.ndarray, found: np.ndarray, fs: float) -> float:
    """Samples by which an estimate is late, to a tenth."""
    known = np.isfinite(wanted)
    a = np.where(known, wanted - np.nanmean(wanted), 0.0)
    seen = np.isfinite(found)
    if not (known & seen).any():
        return 0.0
    b = np.where(seen, found - np.nanmean(found), 0.0)
    most = int(MOST_LAG_S * fs)
    size = 1 << int(np.ceil(np.log2(2 * len(a))))
    power = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    power = np.concatenate([power[-most:], power[: most + 1]])
    k = int(np.argmax(power))
    if not 0 < k < len(power) - 1:
        return float(k - most)
    bend = power[k - 1] - 2 * power[k] + power[k + 1]
    coarse = k - most + (0.5 * (power[k - 1] - power[k + 1]) / bend if bend < 0 else 0.0)
    tried = coarse + np.arange(-1.0, 1.01, 0.1)
    return float(max(tried, key=lambda lag: raw_snr(wanted, _levelled(wanted, _moved(found, lag)))))


def _moved(found: np.ndarray, lag: float) -> np.ndarray:
    at = np.arange(len(found))
    known = np.isfinite(found)
    if known.sum() < 2:
        return found
    moved = np.interp(at + lag, at[known], found[known])
    inside = np.interp(at + lag, at, known.astype(float), left=0.0, right=0.0) > 0.5
    return np.where(inside, moved, np.nan)


def _offset(wanted: np.ndarray, found: np.ndarray) -> float:
    both = np.isfinite(wanted) & np.isfinite(found)
    return float(np.mean(found[both] - wanted[both])) if both.any() else 0.0


def _levelled(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    return found - _offset(wanted, found)


def _aligned(wanted: np.ndarray, found: np.ndarray, fs: float) -> float:
    moved = _moved(found, _lag(wanted, found, fs))
    return raw_snr(wanted, _levelled(wanted, moved))


def _read(job: tuple[Path, Path]) -> tuple[str, Analysis, str, bool]:
    """A picture with truth: its name, how it was read, its layout, and whether it was told as sure; nothing read where it was refused."""
    from fastecg.digitizing.pictures import read_picture
    from fastecg.digitizing.reading import read_signals

    path, weights = job
    reference = fastecg.read_record(path.parent / "truth" / path.stem)
    try:
        reading = read_signals(read_picture(path), weights=weights)
    except fastecg.FastecgError as error:
        return path.name, analysed(reference, None), f"refused: {error}", False
    return path.name, analysed(reference, reading.decoded.record), reading.layout, reading.order == "sure"


def _read_own(job: tuple[str, Path, Path]) -> tuple[str, Analysis, str, bool]:
    """A page by one of our recipes."""
    from fastecg.digitizing.reading import read_signals
    from fastecg.readers import read_record

    recipe, path, weights = job
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
    """A row of the table."""
    every = [analysis for _, analysis, _, _ in read]
    raw = np.array([item.raw for item in every])
    means = [float(np.mean([getattr(item, key) for item in every])) for key in ("time", "volt", "both", "perm")]
    sure = [item for _, item, _, told in read if told]
    # Exchanged leads gain much; what noise gains is little.
    wrong = sum(item.perm - item.both > 3.0 for item in sure)
    cells = [
        name, str(len(read)), f"**{raw.mean():.1f}**", f"{np.median(raw):.1f}", f"{np.percentile(raw, 5):.1f}",
        f"{100 * np.mean([item.worst < FAILED_DB for item in every]):.0f} %", *(f"{mean:.1f}" for mean in means),
        f"{len(sure)}, {wrong} wrong",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


TITLES = (
    "pages", "n", "raw SNR, dB", "median", "5th percentile", "a lead < 5 dB", "moved in time", "in voltage", "in both", "leads exchanged",
    "told as sure",
)  # fmt: skip
HEAD = "| " + " | ".join(TITLES) + " |\n" + "|---" * len(TITLES) + "|"


def _layout_of(job: tuple[dict[str, Any], Path, Path]) -> tuple[str, int, int, int, bool]:
    """A real page that was annotated: segments right, segments there, leads wrong, and whether it was told as sure."""
    from fastecg.digitizing.pictures import read_picture
    from fastecg.digitizing.reading import read_signals
    from fastecg.digitizing.report import report_of

    told, folder, weights = job
    wanted = told["segments"]
    try:
        report = report_of(read_signals(read_picture(folder / told["file"]), Settings(mode="centroid"), weights=weights), deviations=False)
    except fastecg.FastecgError:
        return told["file"], 0, len(wanted), 0, False
    near = NEAR_MM * told["mm_px"]
    right = wrong = 0
    for segment in wanted:
        places = np.array([[segment["x0"], segment["y0"]], [segment["x1"], segment["y1"]]], dtype=float)
        off = [(np.abs(np.array(item["line_px"]) - places), item) for item in report["segments"] if item["rhythm"] == segment["rhythm"]]
        if not off:
            continue
        apart, best = min(off, key=lambda pair: pair[0].sum())
        cut = [side for side, name in enumerate(("left", "right")) if name in segment.get("cut", "")]
        ends = np.delete(apart[:, 0], cut)
        wrong += best["lead"] != segment["lead"]
        right += bool(best["lead"] == segment["lead"] and (ends < near).all() and apart[:, 1].mean() < near)
    return told["file"], right, len(wanted), wrong, report["order"] == "sure"


def main() -> None:
    """Read the benches and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="*", default=[*BENCHES, "layouts"], help="benches to read")
    parser.add_argument("--own", type=Path, help="a folder of records for pages by our own recipes")
    parser.add_argument("--records", type=int, default=24, help="of them, at most")
    parser.add_argument("--every", type=int, default=1, help="read one page in so many")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--pages", action="store_true", help="a line a page too")
    parser.add_argument("--write", action="store_true", help=f"put the table into {DOCS.name}")
    options = parser.parse_args()
    data = Path(os.environ.get("FASTECG_DATA", "."))
    lines = [HEAD]
    with ProcessPoolExecutor() as pool:
        if options.own:
            from fastecg.readers import find_records

            records = [source.path for source in find_records([options.own])][:: options.every][: options.records]
            for recipe in OWN:
                read = list(pool.map(_read_own, [(recipe, path, options.weights) for path in records]))
                lines.append(_told(row(f"our own `{recipe}`", read), read, options.pages))
        for name in (name for name in BENCHES if name in options.only):
            folder = data / BENCHES[name]
            if not folder.is_dir():
                print(f"{name}: not there, expected {BENCHES[name]} below the folder that FASTECG_DATA names")
                continue
            paths = sorted(path for path in folder.iterdir() if path.suffix in PICTURES)[:: options.every]
            read = list(pool.map(_read, [(path, options.weights) for path in paths]))
            lines.append(_told(row(f"{WHAT[name]} (`{name}`)", read), read, options.pages))
        annotated, pictures = data / "real-layouts" / "shared.json", data.parent / "reference-images"
        if "layouts" in options.only and annotated.is_file() and pictures.is_dir():
            jobs = [(told, pictures, options.weights) for told in json.loads(annotated.read_text()) if told.get("readable", True)]
            found = list(pool.map(_layout_of, jobs[:: options.every]))
            right, there = sum(item[1] for item in found), sum(item[2] for item in found)
            sure = [item for item in found if item[4]]
            share = 100 * right / max(there, 1)
            words = (
                f"Of {there} segments of {len(found)} real pages {share:.0f} % have the right lead, and ends and level to {NEAR_MM:g} mm; "
            )
            odd = sum(item[3] > 0 for item in sure)
            lines += ["", f"{words}{len(sure)} pages are told as sure, on {odd} of which a lead has another's name."]
            for name, right, count, wrong, told in found if options.pages else ():
                print(f"{name}: {right} of {count}, {wrong} names wrong, {'sure' if told else 'uncertain'}")
    print("\n".join(lines))
    if options.write:
        rewrite(DOCS, "benches", "\n".join(lines))


def _told(line: str, read: list[tuple[str, Analysis, str, bool]], pages: bool) -> str:
    """The row, after a line a page where they are wanted."""
    if pages:
        for name, item, layout, sure in read:
            moved = f"time {item.time:5.1f} voltage {item.volt:5.1f} both {item.both:5.1f} exchanged {item.perm:5.1f}"
            off = f"late {item.lag:6.1f} ± {item.lag_spread:.1f} ms, off {item.off:.3f} mV"
            told = "sure" if sure else "-"
            print(f"{name:22s} {layout:24.24s} {told:4s} raw {item.raw:5.1f} worst {item.worst:5.1f} | {moved} | {off}", flush=True)
    print(line, flush=True)
    return line


if __name__ == "__main__":
    main()
