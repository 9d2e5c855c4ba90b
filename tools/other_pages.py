"""Pages that fastecg did not draw, read: ``python tools/other_pages.py RECORDS... --pages 6``.

matplotlib draws 3x4+1 pages in the manner of ECG-Image-Kit; they are read as they are, scaled down, cropped, turned, saved as poor
JPEGs and put into a screenshot. Prints a table of raw SNR.
"""

from __future__ import annotations

import argparse
import io
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

import fastecg
from fastecg.digitizing.digitize import digitize
from fastecg.digitizing.separate import WEIGHTS
from fastecg.digitizing.views import Settings
from fastecg.readers import find_records, read_record, sample_records

matplotlib.use("Agg")
from matplotlib import pyplot

COLUMNS = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
WIDTH_MM, HEIGHT_MM, LEFT_MM, ROW_MM = 279.4, 215.9, 15.0, 42.0


def plotted(record: fastecg.Record, dpi: int = 200) -> tuple[np.ndarray, fastecg.Record]:
    """A page drawn by matplotlib, and the record with only what was drawn."""
    figure = pyplot.figure(figsize=(WIDTH_MM / 25.4, HEIGHT_MM / 25.4), dpi=dpi)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH_MM), ylim=(HEIGHT_MM, 0))
    axes.axis("off")
    for step, width, shade in ((1, 0.4, (1, 0.85, 0.85)), (5, 0.9, (0.96, 0.6, 0.6))):
        axes.vlines(np.arange(0, WIDTH_MM, step), 0, HEIGHT_MM, colors=[shade], linewidth=width)
        axes.hlines(np.arange(0, HEIGHT_MM, step), 0, WIDTH_MM, colors=[shade], linewidth=width)
    drawn = np.full(record.signal.shape, np.nan)
    quarter = round(2.5 * record.fs)

    def draw(lead: str, start: int, stop: int, row: int) -> None:
        baseline = 40.0 + ROW_MM * row
        values = record.lead(lead)[start:stop].astype(float)
        x = LEFT_MM + np.arange(start, start + len(values)) / record.fs * 25.0
        axes.plot(x, baseline - 10.0 * values, color="black", linewidth=0.75)
        axes.text(x[0] + 0.5, baseline - 7.0, lead, fontsize=9)
        drawn[record.leads.index(lead), start : start + len(values)] = values

    for column, leads in enumerate(COLUMNS):
        for row, lead in enumerate(leads):
            draw(lead, column * quarter, (column + 1) * quarter, row)
    draw("II", 0, min(round(10 * record.fs), record.samples), 3)
    for row in range(4):
        y = 40.0 + ROW_MM * row
        axes.plot(np.array([6, 7, 7, 12, 12, 13]), y - np.array([0, 0, 10, 10, 0, 0]), color="black", linewidth=0.75)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[attr-defined]
    pyplot.close(figure)
    return picture, fastecg.Record(drawn, record.fs, record.leads, record.name)


def _jpeg(picture: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=40)
    return np.asarray(Image.open(stream).convert("RGB"))


def _screenshot(picture: np.ndarray) -> np.ndarray:
    """The page in a window on a grey desktop, three quarters as large."""
    small = np.asarray(Image.fromarray(picture).resize((picture.shape[1] * 3 // 4, picture.shape[0] * 3 // 4), Image.Resampling.BICUBIC))
    desktop = np.full((small.shape[0] + 160, small.shape[1] + 120, 3), 90, dtype=np.uint8)
    desktop[:60] = 210
    desktop[100 : 100 + len(small), 60 : 60 + small.shape[1]] = small
    return desktop


def _smaller(share: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda picture: np.asarray(
        Image.fromarray(picture).resize((int(picture.shape[1] * share), int(picture.shape[0] * share)), Image.Resampling.BICUBIC)
    )


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as drawn, 200 dpi": lambda picture: picture,
    "scaled to 150 dpi": _smaller(0.75),
    "scaled to 100 dpi": _smaller(0.5),
    "cropped: 8 mm off every side": lambda picture: picture[63:-63, 63:-63],
    "upside down": lambda picture: picture[::-1, ::-1],
    "a quarter turn": lambda picture: np.rot90(picture),
    "turned by 4 degrees": lambda picture: np.asarray(
        Image.fromarray(picture).rotate(4, Image.Resampling.BICUBIC, expand=True, fillcolor=(240,) * 3)
    ),
    "grey": lambda picture: picture.mean(axis=2).astype(np.uint8),
    "JPEG of quality 40": _jpeg,
    "screenshot at 150 dpi": _screenshot,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="*")
    parser.add_argument("--pages", type=int, default=6)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    sources = [source for item in given.inputs for source in find_records(item)] or sample_records()
    found = defaultdict(list)
    for k in np.unique(np.linspace(0, len(sources) - 1, given.pages).astype(int)):
        record = read_record(sources[k].path)
        picture, wanted = plotted(record)
        for way, change in WAYS.items():
            try:
                read = digitize(np.ascontiguousarray(change(picture)), Settings(fs=record.fs), weights=given.weights)
                found[way].append((fastecg.score(wanted, read.digitized.record).records[0].snr_db, read.layout == "3x4+1"))
            except fastecg.ImageError as error:
                print(f"{record.name}, {way}: {error}")
                found[way].append((0.0, False))
    print("| pages drawn by matplotlib | raw SNR, dB | lowest page | layout found |\n|---|---|---|---|")
    for way, pages in found.items():
        values = [value for value, _ in pages]
        print(f"| {way} | {np.mean(values):.1f} | {min(values):.1f} | {sum(right for _, right in pages)} of {len(pages)} |")


if __name__ == "__main__":
    main()
