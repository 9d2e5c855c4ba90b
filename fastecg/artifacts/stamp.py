"""A rubber stamp."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.handwriting.patch import PatchFrame, free_frame, rough
from fastecg.layouts.report_fields import sample_date

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_WORDS = (
    "RECEIVED", "COPY", "FILED", "CHECKED", "URGENT", "REVIEWED", "SCANNED", "ORIGINAL", "DUPLICATE", "ARCHIVE", "ECG DEPT", "ABNORMAL",
    "CARDIOLOGY", "FOR REVIEW", "CONFIDENTIAL", "ENTERED", "NOT FOR FILING", "EMERGENCY", "PRE-OP",
)  # fmt: skip
# sRGB colours of the inks.
_INKS = {"blue": (36, 48, 140), "red": (190, 30, 44), "violet": (92, 40, 130), "black": (34, 32, 36), "green": (20, 110, 72)}


@dataclass(frozen=True)
class Stamp(Artifact):
    """Words in a frame, often with a made-up date, in uneven ink through which the print is seen."""

    colour: str = param("blue", help="colour of the ink", choices=tuple(_INKS))
    size_mm: float = param(4.5, 2.0, 10.0, "font size of the words")
    angle_deg: float = param(-4.0, -180.0, 180.0, "angle of the words, clockwise")
    worn: float = param(0.5, 0.0, 1.0, "how worn the rubber is: how much of it does not print")
    place: str = param("free", help="in free space if there is some, or anywhere", choices=("free", "anywhere"))
    seed: int = param(0, 0, 2**31, "decides the words, the place and whether there is a date")
    date: str = param("", help="the date, if the stamp has one; recipes fill in that of the page")

    def stain(self, sheet: Sheet) -> Sheet:
        """Stamp the sheet."""
        from fastecg.kernels.blend import multiply

        rng = np.random.default_rng(self.seed)
        words = str(rng.choice(_WORDS))
        date = sample_date(rng) if rng.random() < 0.55 else ""
        # Whether there is a date is left to chance. If there is one, the given `date` takes its place.
        date = self.date if date and self.date else date
        frame = free_frame(sheet, self._outline_mm(words, date), self.angle_deg, rng, self.place)
        window = frame.window(sheet, 0.5)
        if window is None:
            return sheet
        plane = self._pressed(self._inked(frame, window, sheet, words, date, rng), sheet.scale, rng)
        pixels = sheet.canvas()
        part = np.ascontiguousarray(pixels[window])
        multiply(part, plane, _INKS[self.colour])
        pixels[window] = part
        return replace(sheet, pixels=pixels).marked([(window, plane)], [frame.box("stamp", f"{words} {date}".strip())])

    def _outline_mm(self, words: str, date: str) -> tuple[float, float]:
        """Width and height of the stamp's frame in mm."""
        from fastecg.printing.text import width_mm

        wide = max(width_mm(words, self.size_mm, "sans", True), width_mm(date, 0.7 * self.size_mm, "mono"))
        return wide + 1.4 * self.size_mm, self.size_mm * (2.6 if date else 1.7)

    def _inked(
        self, frame: PatchFrame, window: tuple[slice, slice], sheet: Sheet, words: str, date: str, rng: np.random.Generator
    ) -> np.ndarray:
        """Coverage (rows, columns), 0 to 1, by the raised parts of the rubber: frame, words and date."""
        from fastecg.printing.text import draw_texts, width_mm

        size, (width, height) = self.size_mm, frame.size_mm
        border = 0.09 * size
        inner = replace(frame, size_mm=(width - 2 * border, height - 2 * border))
        ink = frame.coverage(window, sheet.scale, 0.3 * size) - inner.coverage(window, sheet.scale, 0.3 * size - border)
        # Each line's words, font size, face, boldness, and the position of its baseline, mm below the middle of the frame.
        rows = [(words, size, "sans", True, (-0.28 if date else 0.36) * size)] + (
            [(date, 0.7 * size, "mono", False, 0.85 * size)] if date else []
        )
        texts = [frame.text(line, -0.5 * width_mm(line, em, face, bold), v, em, face, bold) for line, em, face, bold, v in rows]
        x, y = window[1].start / sheet.scale, window[0].start / sheet.scale
        plane = np.zeros(ink.shape, dtype=np.uint8)
        draw_texts(plane, [replace(text, x_mm=text.x_mm - x, y_mm=text.y_mm - y) for text in texts], sheet.scale)
        return np.maximum(ink, plane / 255.0)

    def _pressed(self, ink: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
        """Coverage (rows, columns), 0 to 235 uint8, by the ink on the paper: mottled, and less where the rubber is worn or not pressed."""
        broad, fine = rough(ink.shape, 9.0 * scale, rng), rough(ink.shape, max(0.35 * scale, 1.0), rng)
        # The share of the ink that is left. Wear takes it where the noises `broad` and `fine` are high; the last factor mottles it. None is
        # left where `fine` is below a limit that grows with `worn` and `broad`.
        left = np.clip(1.25 - self.worn * (1.5 * broad + 0.9 * fine - 0.25), 0.0, 1.0) * (0.78 + 0.2 * fine)
        left *= fine > 0.45 * self.worn * broad
        return np.rint(235.0 * ink * left).astype(np.uint8)
