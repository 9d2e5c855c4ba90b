"""Marks that somebody drew while reading the ECG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.handwriting.writer import COLOURS, PENS, sample_pen, sample_writer

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class PenMarks(Artifact):
    """Circles and arrows at beats, brackets, calipers, numbered beats, and words underlined, ticked, highlighted or crossed out."""

    marks: int = param(2, 0, 20, "number of marks (fewer where the page is full); a circle with its arrow and word counts once")
    legibility: float = param(0.6, 0.0, 1.0, "legibility of the words beside the marks")
    pen: str = param("any", help="what the marks are drawn with", choices=("any", *PENS))
    colour: str = param("any", help="colour of the ink", choices=("any", *COLOURS))
    seed: int = param(0, 0, 2**31, "decides the writer, and kinds and places of the marks")
    shows: str = param("", help="findings on the page, such as `sinus rate=74`: no word by a mark contradicts them; recipes fill them in")
    across: float = param(0.22, 0.0, 1.0, "share of marks that touch a trace, such as a circle round a beat")

    def stain(self, sheet: Sheet) -> Sheet:
        """Draw the marks."""
        from fastecg.handwriting.lay import lay_inks, lay_mark
        from fastecg.handwriting.room import Room

        rng = np.random.default_rng(self.seed)
        pen = sample_pen(rng, *("" if name == "any" else name for name in (self.pen, self.colour)))
        writer = sample_writer(rng, self.legibility, pen)
        room = Room.of(sheet.page, sheet.boxes, self.shows)
        inks = [ink for _ in range(self.marks) for ink in lay_mark(room, writer, rng, self.across)]
        return lay_inks(sheet, inks, self.seed)
