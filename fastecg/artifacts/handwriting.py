"""Handwritten notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.handwriting.writer import COLOURS, PENS, sample_pen, sample_writer
from fastecg.recipes.limits import MOST_NOTES, check_lines

if TYPE_CHECKING:
    from fastecg.sheet import Sheet


@dataclass(frozen=True)
class Handwriting(Artifact):
    """Short clinical notes by one person, mostly in the page's white space, sometimes with a signature.

    The words are made from templates with random numbers, or are the user's own. A signature consists of random letters, so that it is
    nobody's name.
    """

    notes: int = param(2, 0, 12, "number of notes; fewer where the page is full")
    legibility: float = param(0.6, 0.0, 1.0, "1 is neat print, 0 a scrawl")
    size: float = param(1.1, 0.5, 3.0, "factor on the letters' usual size")
    pen: str = param("any", help="what the notes are written with", choices=("any", *PENS))
    colour: str = param("any", help="colour of the ink", choices=("any", *COLOURS))
    across: float = param(0.25, 0.0, 1.0, "share of notes that touch a trace, mostly with their ends")
    signature: str = param("none", help="how the notes are signed, if at all", choices=("none", "initials", "signature"))
    own: str = param("", help="the user's own phrases, one per line, instead of the templates")
    seed: int = param(0, 0, 2**31, "decides the writer, the words and the places")
    shows: str = param("", help="findings on the page, such as `sinus rate=74`: no note contradicts them; recipes fill them in")
    font: str = param("", help="the user's font in which the notes are written: its fingerprint, as `read_font` gives it")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_lines(self.own.splitlines(), "notes", MOST_NOTES)

    def stain(self, sheet: Sheet) -> Sheet:
        """Write the notes and the signature."""
        from fastecg.handwriting.font import known_font
        from fastecg.handwriting.lay import lay_inks, lay_note, signed
        from fastecg.handwriting.room import Room

        rng = np.random.default_rng(self.seed)
        pen = sample_pen(rng, *("" if name == "any" else name for name in (self.pen, self.colour)))
        writer = sample_writer(rng, self.legibility, pen).sized(self.size)
        room = Room.of(sheet.page, sheet.boxes, self.shows)
        own = tuple(line.strip() for line in self.own.splitlines() if line.strip())
        font = known_font(self.font) if self.font else None
        placed = [lay_note(room, writer, rng, self.across, own, font) for _ in range(self.notes)]
        inks = [ink for ink in placed if ink is not None]
        if self.signature != "none":
            inks += signed(room, writer, rng, self.signature == "initials")
        return lay_inks(sheet, inks, self.seed)
