"""Draw sheets of handwriting to look at: twenty writers, degrees of legibility, the alphabet, and all marks with all pens.

Usage: python tools/handwriting_sheet.py FOLDER
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from fastecg.handwriting import marks
from fastecg.handwriting.ink import Ink, ink_plane, ink_window, soak
from fastecg.handwriting.motor import write
from fastecg.handwriting.words import sample_phrase
from fastecg.handwriting.writer import PENS, Writer, sample_pen, sample_writer

SCALE = 8.0  # px/mm
PHRASES = ("AF w/ RVR, rate 140", "STE V2-V4? repeat in 15 min", "chest pain 7/10 post GTN", "old ECG pls - compare prev")


def paper(width_mm: float, height_mm: float) -> np.ndarray:
    """White paper with a faint 5 mm grid, (height, width, 3) uint8."""
    pixels = np.full((round(height_mm * SCALE), round(width_mm * SCALE), 3), 252, dtype=np.uint8)
    step = round(5 * SCALE)
    pixels[::step] = pixels[:, ::step] = (246, 216, 216)
    return pixels


def draw(pixels: np.ndarray, ink: Ink) -> None:
    """Put ink on paper, in place."""
    window = ink_window(ink, SCALE, pixels.shape[:2])
    if window is not None:
        soak(pixels, window, ink_plane(ink, SCALE, window), ink.pen)


def writers_sheet() -> np.ndarray:
    """Two phrases each by twenty writers, who are neat to illegible."""
    pixels = paper(240, 336)
    for k in range(20):
        rng = np.random.default_rng(k)
        writer = sample_writer(rng, float(rng.uniform(0.05, 0.95)))
        for c, words in enumerate((PHRASES[k % 4], sample_phrase(rng))):
            draw(pixels, write(words, writer, rng).moved(6 + c * 128, 14 + k * 16.5))
    return pixels


def dial_sheet() -> np.ndarray:
    """Three writers in columns, each with one phrase from neat at the top to illegible at the bottom, and with signatures between."""
    pixels = paper(345, 214)
    for row in range(11):
        for c in range(3):
            rng = np.random.default_rng(40 + c)
            writer = sample_writer(rng, 1.0 - row / 10, sample_pen(np.random.default_rng(c), "ballpoint"))
            draw(pixels, write(PHRASES[c], writer, np.random.default_rng(7)).moved(5 + 115 * c, 12 + 19 * row))
            if row % 3 == 2:
                draw(pixels, marks.signature(writer, rng).moved(50 + 115 * c, 22 + 19 * row))
    return pixels


def alphabet_sheet() -> np.ndarray:
    """The whole alphabet, digits and signs by six writers."""
    rows = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789 ?!-.,/+():'=<>~↑↓→←✓#°%*&@_[];µ♥\"")
    pixels = paper(300, 250)
    for k in range(6):
        rng = np.random.default_rng(70 + k)
        writer = replace(sample_writer(rng, 0.9), capitals=False, cursive=(0.0, 0.0, 0.0, 0.5, 1.0, 1.0)[k])
        for r, row in enumerate(rows):
            draw(pixels, write(" ".join(row) if r else row, writer, rng).moved(5, 12 + 41 * k + 13 * r))
    return pixels


def marks_sheet() -> np.ndarray:
    """Every mark with every pen."""
    pixels = paper(300, 45 * len(PENS) + 20)
    for k, pen in enumerate(PENS):
        rng, y = np.random.default_rng(k), 25.0 + 45 * k
        writer = sample_writer(rng, 0.6, sample_pen(rng, pen))
        for ink in _all_marks(writer, rng, y):
            draw(pixels, ink)
    return pixels


def _all_marks(writer: Writer, rng: np.random.Generator, y: float) -> list[Ink]:
    """Every kind of mark, side by side around the height `y` on the page in mm."""
    beats = np.array([150.0, 172.0, 195.0])
    return [
        marks.circle((20, y), (9, 7), writer, rng),
        marks.arrow((55, y + 8), (35, y), writer, rng),
        marks.underline(60, 95, y - 6, writer, rng),
        marks.underline(60, 95, y + 6, writer, rng, 2),
        marks.bracket(105, 135, y - 5, writer, rng),
        marks.tick((112, y + 9), 8, writer, rng),
        marks.caliper(beats, y - 6, "860 ms", writer, rng),
        marks.counts(beats, np.full(3, y + 10), writer, rng, False),
        marks.crossing_out((205, y - 6, 225, y - 2), writer, rng),
        marks.crossing_out((205, y + 4, 225, y + 8), writer, rng),
        marks.highlighter((230, y - 6, 255, y - 3), rng, writer),
        marks.signature(writer, rng).moved(232, y + 12),
        marks.signature(writer, rng, initials=True).moved(275, y),
    ]


def main() -> None:
    """Write the sheets."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in (writers_sheet, dial_sheet, alphabet_sheet, marks_sheet):
        Image.fromarray(sheet()).save(folder / f"{sheet.__name__.removesuffix('_sheet')}.png")


if __name__ == "__main__":
    main()
