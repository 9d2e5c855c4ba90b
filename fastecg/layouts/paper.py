"""Paper sizes, machine settings and page frames, which layouts and printed words share."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

from fastecg.errors import LayoutError


@dataclass(frozen=True)
class Paper:
    """A sheet or a roll. Lengths in mm; a roll has no fixed width: it is cut where the recording ends."""

    name: str
    height_mm: float
    width_mm: float | None = None

    @property
    def is_roll(self) -> bool:
        """Whether the paper is as long as needed."""
        return self.width_mm is None


#: Papers by name: sheets lie on their long side; rolls by the width of the roll, which is the height of the page.
PAPERS = {
    "letter": Paper("letter", 215.9, 279.4),
    "a4": Paper("a4", 210.0, 297.0),
    **{f"roll-{height}": Paper(f"roll-{height}", float(height)) for height in (63, 80, 90, 112, 130, 210)},
}


#: Ranges of a page's numbers. Beyond them, there is no such paper, or not enough memory for its picture.
RANGES = {
    "dpi": (20.0, 1200.0),
    "speed_mm_s": (5.0, 100.0),
    "gain_mm_mv": (1.0, 50.0),
    "chest_gain_mm_mv": (1.0, 50.0),
    "pen_width": (0.5, 2.0),
    "ink_depth": (0.3, 1.5),
    "grid_depth": (0.2, 2.5),
    "raster_scale": (0.5, 3.0),
}

#: How a page is rasterised: not at all, on whole pixels as by a display, or on whole pixels that are either inked or not.
RASTERS = ("none", "grey", "one_bit")


def check_range(name: str, given: Any) -> None:
    """Check that a value is a number within `RANGES`.

    Raises
    ------
    LayoutError
        If it is not.
    """
    low, high = RANGES[name]
    if isinstance(given, bool) or not isinstance(given, Real) or not low <= float(given) <= high:
        raise LayoutError(f"{name} is {given!r}, expected a number from {low:g} to {high:g}")


@dataclass(frozen=True)
class MachineSettings:
    """What the operator sets on the machine, and how this particular machine prints.

    Parameters
    ----------
    speed_mm_s : float
        Paper speed: 12.5, 25 or 50 on real machines.
    gain_mm_mv : float
        2.5, 5, 10 or 20 on real machines.
    chest_gain_mm_mv : float, optional
        Gain of V leads where it differs ("10/5"); the pulse then shows both as a step.
    paper : str
        A key of `PAPERS`, or "auto" for the style's own.
    rhythm_leads : tuple of str, optional
        Leads of the rhythm strips from top to bottom, at most as many as the layout has strips; the layout's own unless given.
    simultaneous : bool
        Every column starts at time 0; otherwise time runs on from column to column.
    pen_width : float
        Factor of the width of the style's pen.
    ink_depth, grid_depth : float
        Factors of the contrast between paper and inks, and between paper and grid.
    raster : str
        One of `RASTERS`.
    raster_scale : float
        Resolution of the flat print, or of its bitmap, relative to the picture, which is resampled from it.

    Raises
    ------
    LayoutError
        If a number is outside `RANGES`, or the paper or the raster is unknown.
    """

    speed_mm_s: float = 25.0
    gain_mm_mv: float = 10.0
    chest_gain_mm_mv: float | None = None
    paper: str = "auto"
    rhythm_leads: tuple[str, ...] | None = None
    simultaneous: bool = False
    pen_width: float = 1.0
    ink_depth: float = 1.0
    grid_depth: float = 1.0
    raster: str = "none"
    raster_scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("speed_mm_s", "gain_mm_mv", "chest_gain_mm_mv", "pen_width", "ink_depth", "grid_depth", "raster_scale"):
            number = getattr(self, name)
            if not (name == "chest_gain_mm_mv" and number is None):
                check_range(name, number)
        if self.paper != "auto":
            paper_for(self.paper)
        if self.raster not in RASTERS:
            raise LayoutError(f"unknown raster {self.raster!r}, expected one of {', '.join(RASTERS)}")

    def gain_of(self, lead: str) -> float:
        """The gain (mm/mV) a lead is drawn with."""
        is_chest = lead.upper().startswith("V") and lead[1:2].isdigit()
        return self.chest_gain_mm_mv if is_chest and self.chest_gain_mm_mv is not None else self.gain_mm_mv


@dataclass(frozen=True)
class PageFrame:
    """The frame of a page, mm: its size, the area of its grid (x0, y0, x1, y1), and the page x at which the time axis starts and ends."""

    size_mm: tuple[float, float]
    grid_mm: tuple[float, float, float, float]
    start_x_mm: float
    end_x_mm: float
    columns: int = 1
    strips: int = 0
    seconds: float = 10.0


def paper_for(name: str) -> Paper:
    """The paper with a name.

    Raises
    ------
    LayoutError
        If there is none.
    """
    if name not in PAPERS:
        raise LayoutError(f"unknown paper {name!r}, expected one of auto, {', '.join(PAPERS)}")
    return PAPERS[name]
