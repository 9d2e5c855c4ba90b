"""The options of a run, checked, and as ``run.json`` keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastecg.errors import FastecgError, ImageError
from fastecg.writers import FORMATS, TRUTHS

if TYPE_CHECKING:
    from fastecg.handwriting import NotesFont
    from fastecg.recipe import Recipe
    from fastecg.record import Record

PAGE_S = 10.0  #: of a page
_LONGEST_S = 1e9


@dataclass(frozen=True)
class Options:
    """The options that determine the content of a run's files; see `fastecg.render_dataset`."""

    recipe: Recipe
    layout: str = "auto"
    style: str = "auto"
    dpi: float | None = None
    speed: float | None = None
    gain: float | None = None
    chest_gain: float | None = None
    paper: str = "auto"
    rhythm_leads: tuple[str, ...] = ()
    severity: float | None = None
    header_text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    notes_font: NotesFont | None = None
    seed: int = 0
    per_record: int = 1
    format: str = "png"
    quality: int | None = None
    truth: tuple[str, ...] = ("json",)
    mask_unplotted: bool = False
    challenge_headers: bool = False
    fs: float | None = None
    leads: tuple[str, ...] | None = None
    unit: str | None = None
    choose: tuple[str, ...] | None = None
    derive: bool | None = None
    start: float | None = None
    pages: int | None = None
    every: float | None = None

    def chosen_pages(self, count: int) -> range:
        """Which of a record's pages are drawn."""
        first, step = round((self.start or 0.0) / PAGE_S), round((self.every or PAGE_S) / PAGE_S)
        return range(first, count, step)[: self.pages]

    def applied_to(self, record: Record) -> Record:
        """A record with the leads that are asked for."""
        record = record.with_limb_leads() if self.derive else record
        return record if self.choose is None else record.choose(self.choose)

    def check(self) -> None:
        """Raise an error if an option is not valid."""
        from fastecg.layouts import check_layout
        from fastecg.limits import MOST_HEADER_LINES, MOST_NOTES, check_lines
        from fastecg.readers.leads import millivolts_per
        from fastecg.recipe import check_page, lead_names
        from fastecg.vary import Distribution

        if f".{self.format}" not in FORMATS:
            raise ImageError(f"unknown format {self.format!r}, expected png, jpg, webp or tiff")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ImageError(f"the quality is {self.quality}, expected 1 to 100")
        for kind in self.truth:
            if kind not in TRUTHS:
                raise ImageError(f"unknown truth {kind!r}, expected some of {', '.join(TRUTHS)}")
        fixed: dict[str, Any] = {
            "layout": self.layout,
            "style": self.style,
            "dpi": self.dpi,
            "speed_mm_s": self.speed,
            "gain_mm_mv": self.gain,
        }
        fixed |= {"chest_gain_mm_mv": self.chest_gain, "paper": self.paper, "rhythm_leads": self.rhythm_leads}
        check_page({name: Distribution("fixed", (value,)) for name, value in fixed.items() if value is not None})
        check_layout("3x4+3" if self.layout == "auto" else self.layout, lead_names(self.rhythm_leads))
        check_lines(self.header_text, "header lines", MOST_HEADER_LINES)
        check_lines(self.notes, "notes", MOST_NOTES)
        if self.unit is not None and millivolts_per(self.unit) is None:
            raise FastecgError(f"the unit is {self.unit!r}, expected mV, uV or V")
        for name, seconds in (("start", self.start), ("every", self.every)):
            whole = seconds is None or (0 <= seconds < _LONGEST_S and abs(seconds / PAGE_S - round(seconds / PAGE_S)) < 1e-9)
            if not whole or (name == "every" and seconds == 0):
                raise FastecgError(
                    f"{name} is {seconds:g} s, expected a multiple of a page's {PAGE_S:g} s, as {PAGE_S:g} or {6 * PAGE_S:g}"
                )
        if self.pages is not None and self.pages < 1:
            raise FastecgError(f"pages is {self.pages}, expected 1 or more")
        if self.per_record < 1:
            raise FastecgError(f"per-record is {self.per_record}, expected 1 or more")
        if self.severity is not None and not 0 <= self.severity <= 1:
            raise FastecgError(f"the severity is {self.severity}, expected 0 to 1")
        if self.seed < 0:
            raise FastecgError(f"the seed is {self.seed}, expected 0 or above")

    def to_dict(self) -> dict[str, Any]:
        """The options as they are stored in ``run.json``, with the full recipe."""
        from fastecg import __version__

        plain = {name: value for name, value in vars(self).items() if name != "recipe"}
        plain |= {
            "truth": list(self.truth),
            "header_text": list(self.header_text),
            "notes": list(self.notes),
            "notes_font": None if self.notes_font is None else self.notes_font.fingerprint,
            "rhythm_leads": list(self.rhythm_leads),
            "leads": None if self.leads is None else list(self.leads),
            "choose": None if self.choose is None else list(self.choose),
            "recipe_toml": self.recipe.to_toml(),
        }
        return {"version": __version__, "recipe": self.recipe.name, **plain}
