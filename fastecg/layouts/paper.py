"""Paper sizes, machine settings and page frames, which layouts and printed words share."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

from fastecg.errors import LayoutError


@dataclass(frozen=True)
class Paper:
    """A sheet or a roll of paper. A roll has no width: it is cut where the recording ends."""

    name: str
    height_mm: float
    width_mm: float | None = None  # None: a roll

    @property
    def is_roll(self) -> bool:
        """Whether the paper is as long as needed."""
        return self.width_mm is None


#: Papers by name. Sheets lie on their long side. The number in the name of a roll is its width in mm, which is the height of the page.
PAPERS = {
    "letter": Paper("letter", 215.9, 279.4),
    "a4": Paper("a4", 210.0, 297.0),
    **{f"roll-{height}": Paper(f"roll-{height}", float(height)) for height in (63, 80, 90, 112, 130, 210)},
}


#: Ranges of settings. No machine prints with settings outside them, or there would not be enough memory for the picture.
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

#: How a page is rasterised: not at all, in whole pixels as on a display, or in whole pixels that have either all ink or none.
RASTERS = ("none", "grey", "one_bit")


def check_range(name: str, given: Any) -> None:
    """Check that the value `given` for a setting is a number within its range in `RANGES`.

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
    """What the operator sets on a machine, and how this one machine prints.

    Parameters
    ----------
    speed_mm_s : float
        Paper speed: 12.5, 25 or 50 on real machines.
    gain_mm_mv : float
        2.5, 5, 10 or 20 on real machines.
    chest_gain_mm_mv : float, optional
        Gain of V leads where it differs ("10/5"); the pulse of a row with both gains then shows both as a step.
    paper : str
        A key of `PAPERS`, or "auto" for the style's own.
    rhythm_leads : tuple of str, optional
        Leads of the rhythm strips from top to bottom, at most as many as the layout has strips; the layout's own unless given.
    simultaneous : bool
        Whether every column starts at the same time; otherwise each goes on where the one before it ended.
    pen_width : float
        Factor by which the style's pen width is multiplied.
    ink_depth, grid_depth : float
        Factors by which the contrast between paper and inks, and between paper and grid, is multiplied.
    raster : str
        One of `RASTERS`.
    raster_scale : float
        Resolution of the flat print (of its bitmap, if it is rasterised) relative to the picture, which is resampled from it.

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
        """The gain with which a lead is drawn, mm/mV."""
        is_chest = lead.upper().startswith("V") and lead[1:2].isdigit()
        return self.chest_gain_mm_mv if is_chest and self.chest_gain_mm_mv is not None else self.gain_mm_mv


@dataclass(frozen=True)
class PageFrame:
    """The size of a page, and where on the page the grid and the time axis are."""

    size_mm: tuple[float, float]  # width and height
    grid_mm: tuple[float, float, float, float]  # left, top, right, bottom
    start_x_mm: float  # left end of the time axis
    end_x_mm: float  # right end of the time axis
    columns: int = 1  # number of columns of the layout
    strips: int = 0  # number of its rhythm strips
    seconds: float = 10.0  # length of its time axis


def paper_for(name: str) -> Paper:
    """The paper called `name`.

    Raises
    ------
    LayoutError
        If there is none.
    """
    if name not in PAPERS:
        raise LayoutError(f"unknown paper {name!r}, expected one of auto, {', '.join(PAPERS)}")
    return PAPERS[name]
