"""`Settings`: what a user knows about a page, and how it is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fastecg.digitizing.decode import MODES, Mode
from fastecg.errors import FastecgError, LayoutError
from fastecg.layouts import check_layout
from fastecg.layouts.paper import check_range

#: Paper speed in mm/s that is assumed where a page does not show its speed.
USUAL_SPEED = 25.0


@dataclass(frozen=True)
class Settings:
    """What the user knows about the page, and how it is to be read. A layout, speed or gain that is None is found from the picture.

    Attributes
    ----------
    layout : str, optional
        Name of the page's layout.
    speed_mm_s, gain_mm_mv : float, optional
        Paper speed and gain.
    fs : float
        Sampling frequency of the record that is read, Hz.
    mode : {"stroke_fit", "softargmax", "centroid"}
        How heights are read from the ink, as in `fastecg.digitize`.
    page : Path, optional
        File of a corrected page: a report of `fastecg digitize` that a person has changed, for instance with `fastecg review`.

    Raises
    ------
    LayoutError
        If the layout is unknown, or a number is out of range.
    FastecgError
        If the mode is unknown.
    """

    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    fs: float = 500.0
    mode: Mode = "stroke_fit"
    page: Path | None = None

    def __post_init__(self) -> None:
        if self.mode == "render":  # The name of "stroke_fit" in earlier versions.
            object.__setattr__(self, "mode", "stroke_fit")
        if self.mode not in MODES:
            raise FastecgError(f"unknown mode {self.mode!r}, expected one of {', '.join(MODES)}")
        if self.layout is not None:
            check_layout(self.layout)
        for name in ("speed_mm_s", "gain_mm_mv"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name))
        if not 50 <= self.fs <= 5000:
            raise LayoutError(f"fs is {self.fs:g}, expected 50 to 5000 samples a second")

    @property
    def expected_speed(self) -> float:
        """The paper speed in mm/s that is assumed where the page does not show it: the user's, or else the usual one."""
        return self.speed_mm_s or USUAL_SPEED


#: Settings with which everything is found from the picture.
READ = Settings()
