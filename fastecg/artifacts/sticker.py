"""Stickers: patient labels, barcodes, square codes. Everything on them is made up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.handwriting.patch import PatchFrame, blend_colour, cover, free_frame
from fastecg.layouts.report_fields import LETTERS, sample_date

if TYPE_CHECKING:
    from fastecg.page import Text
    from fastecg.sheet import Sheet

# Widths and heights of stickers, mm.
_SIZES = {"label": (52.0, 24.0), "barcode": (46.0, 13.0), "code": (17.0, 17.0), "blank": (40.0, 16.0)}
_WHO_LINES = 5  # Number of lines of `who`.


@dataclass(frozen=True)
class Sticker(Artifact):
    """A piece of white paper that is stuck on the page and hides what is below.

    Bars and squares are random and encode nothing. A label has initials, sex, age, number and date, those in `who` if it is given, and a
    ward and a bed. The seed decides the rest.
    """

    what: str = param("label", help="patient label, barcode, square code, or an empty label", choices=("label", "barcode", "code", "blank"))
    size: float = param(1.0, 0.5, 2.5, "factor on the usual size")
    angle_deg: float = param(0.0, -180.0, 180.0, "its angle, clockwise")
    place: str = param("free", help="in free space, anywhere, or in the upper right corner", choices=("free", "anywhere", "top_right"))
    seed: int = param(0, 0, 2**31, "decides its content and place")
    who: str = param("", help="initials, sex, age, number and date, one per line; recipes fill in the page's report fields")

    def stain(self, sheet: Sheet) -> Sheet:
        """Draw the sticker, which hides what is below."""
        rng = np.random.default_rng(self.seed)
        width, height = (edge * self.size for edge in _SIZES[self.what])
        frame = free_frame(sheet, (width, height), self.angle_deg, rng, self.place)
        window = frame.window(sheet, 1.0)
        if window is None:
            return sheet
        share = frame.coverage(window, sheet.scale, 1.0)
        white = rng.uniform(238, 253) + rng.normal(0, 1.5, 3)
        printed = self.place == "top_right"  # In the corner the sticker is part of the print: no shadow, the paper's colour.
        part = sheet.pixels[window] if printed else _with_shadow(sheet.pixels[window], frame, window, sheet.scale)
        part = blend_colour(part, share, sheet.style.margin if printed else white)
        content = {"label": _label, "barcode": _barcode, "code": _code, "blank": _nothing}[self.what]
        ink, written = content(frame, window, sheet, rng, tuple(self.who.splitlines()))
        part = blend_colour(part, ink * share, (28, 28, 32))
        return cover(sheet, window, part, share, frame.box("sticker", written))


def _with_shadow(part: np.ndarray, frame: PatchFrame, window: tuple[slice, slice], scale: float) -> np.ndarray:
    """The part of the sheet in `window`, with the shadow of a sticker, 0.25 mm to its right and 0.3 mm below it."""
    x, y = frame.centre_mm
    lower = PatchFrame((x + 0.25, y + 0.3), frame.size_mm, frame.angle_deg)
    return blend_colour(part, 0.22 * lower.coverage(window, scale, 1.0), (60, 55, 55))


def _nothing(
    frame: PatchFrame, window: tuple[slice, slice], sheet: Sheet, rng: np.random.Generator, who: tuple[str, ...]
) -> tuple[np.ndarray, str]:
    """The content of an empty label: coverage (rows, columns), 0 to 1, and words."""
    rows, columns = window
    return np.zeros((rows.stop - rows.start, columns.stop - columns.start)), ""


def _label(
    frame: PatchFrame, window: tuple[slice, slice], sheet: Sheet, rng: np.random.Generator, who: tuple[str, ...]
) -> tuple[np.ndarray, str]:
    """Coverage and words, as for `_nothing`, of four lines with bars below.

    The line with ward and bed is random. The other lines are made of `who`, or random too if `who` is not complete.
    """
    width, height = frame.size_mm
    initials = rng.choice(list(LETTERS), 3)
    number = "".join(str(digit) for digit in rng.integers(0, 10, 8))
    lines = [
        f"{initials[0]}. {initials[1]}.   {rng.choice(['M', 'F'])}  {int(rng.integers(19, 93))} y",
        f"No. {number}",
        f"Ward {int(rng.integers(1, 25))}{rng.choice(list('ABC'))}  Bed {int(rng.integers(1, 31))}",
        sample_date(rng),
    ]
    if len(who) == _WHO_LINES:
        name, sex, age, number, date = who
        lines = [f"{name}   {sex}  {age} y", f"No. {number}", lines[2], date]
    size, pitch = 0.125 * height, 0.155 * height
    face = str(rng.choice(["sans", "mono", "bitmap"]))
    texts = [frame.text(line, -0.46 * width, (k + 1.15) * pitch - 0.5 * height, size, face, k == 0) for k, line in enumerate(lines)]
    bars = _bars(frame, window, sheet.scale, rng, (-0.44 * width, 0.30 * width), (0.22 * height, 0.44 * height))
    return np.maximum(_printed(texts, window, sheet), bars), " ".join(lines)


def _barcode(
    frame: PatchFrame, window: tuple[slice, slice], sheet: Sheet, rng: np.random.Generator, who: tuple[str, ...]
) -> tuple[np.ndarray, str]:
    """Coverage and words, as for `_nothing`, of random bars, and of digits below them that the bars do not encode.

    The digits are from the number in `who`, or random if `who` is not complete.
    """
    width, height = frame.size_mm
    digits = "".join(str(digit) for digit in rng.integers(0, 10, 10))
    digits = who[3][:10] if len(who) == _WHO_LINES else digits
    text = frame.text("  ".join(digits), -0.38 * width, 0.44 * height, 0.19 * height, "mono")
    bars = _bars(frame, window, sheet.scale, rng, (-0.44 * width, 0.44 * width), (-0.42 * height, 0.20 * height))
    return np.maximum(_printed([text], window, sheet), bars), digits


def _bars(
    frame: PatchFrame,
    window: tuple[slice, slice],
    scale: float,
    rng: np.random.Generator,
    across: tuple[float, float],
    down: tuple[float, float],
) -> np.ndarray:
    """Coverage (rows, columns), 0 to 1, by random bars, averaged over the width of each pixel.

    The bars extend over the ranges `across` and `down` of the frame's coordinates, (first, last) mm from its middle.
    """
    u, v = frame.inside(window, scale)
    module = 0.28  # width of the thinnest bar, mm
    count = int((across[1] - across[0]) / module)
    # The bars and the gaps between them are one to three modules wide.
    dark = np.repeat(np.arange(count) % 2 == 0, rng.integers(1, 4, count))[:count]
    # `sums` is the dark width, in modules, to the left of each module's edge. The dark width in a pixel is the difference of `sums` between
    # the pixel's right and left edge.
    sums = np.concatenate([[0.0], np.cumsum(dark)])
    half = 0.5 / scale
    left, right = ((np.clip(u + side, *across) - across[0]) / module for side in (-half, half))
    knots = np.arange(count + 1)
    covered_u = (np.interp(right, knots, sums) - np.interp(left, knots, sums)) * module * scale
    covered_v = np.clip((v - down[0]) * scale + 0.5, 0, 1) * np.clip((down[1] - v) * scale + 0.5, 0, 1)
    return np.asarray(np.clip(covered_u, 0, 1) * covered_v)


def _code(
    frame: PatchFrame, window: tuple[slice, slice], sheet: Sheet, rng: np.random.Generator, who: tuple[str, ...]
) -> tuple[np.ndarray, str]:
    """Coverage and words, as for `_nothing`, of random squares with three finder patterns (eyes): a code that encodes nothing."""
    side = 25  # number of squares along a side
    cells = rng.random((side, side)) < 0.48
    eye = np.pad(np.pad(np.ones((3, 3), dtype=bool), 1), 1, constant_values=True)
    for row, column in ((0, 0), (0, side - 7), (side - 7, 0)):
        cells[max(row - 1, 0) : row + 8, max(column - 1, 0) : column + 8] = False
        cells[row : row + 7, column : column + 7] = eye
    u, v = frame.inside(window, sheet.scale)
    module = 0.84 * frame.size_mm[0] / side
    # Each pixel is the mean of four points in it, a quarter of a pixel from its middle along both axes.
    total = np.zeros(u.shape)
    for du in (-0.25, 0.25):
        for dv in (-0.25, 0.25):
            i = np.floor((v + dv / sheet.scale) / module + side / 2).astype(int)
            j = np.floor((u + du / sheet.scale) / module + side / 2).astype(int)
            on = (i >= 0) & (j >= 0) & (i < side) & (j < side)
            total += 0.25 * (on & cells[np.clip(i, 0, side - 1), np.clip(j, 0, side - 1)])
    return total, ""


def _printed(texts: list[Text], window: tuple[slice, slice], sheet: Sheet) -> np.ndarray:
    """Coverage (rows, columns), 0 to 1, by printed words in the window."""
    from fastecg.printing.text import draw_texts

    rows, columns = window
    plane = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
    x, y = columns.start / sheet.scale, rows.start / sheet.scale
    draw_texts(plane, [replace(text, x_mm=text.x_mm - x, y_mm=text.y_mm - y) for text in texts], sheet.scale)
    return plane / 255.0
