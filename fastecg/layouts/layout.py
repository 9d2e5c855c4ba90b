"""`Layout`: the arrangement of leads on a page. `fastecg.layouts.place.place` makes the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastecg.errors import LayoutError


@dataclass(frozen=True)
class Layout:
    """Rows and columns of leads, and rhythm strips below them.

    A lead written ``-aVR`` is aVR upside down. `seconds` is the length of the time axis, shared evenly by the columns.
    An `upright` page is a portrait: it stands on its short side.
    """

    name: str
    title: str
    columns: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...] = ()
    seconds: float = 10.0
    upright: bool = False

    @property
    def leads(self) -> tuple[str, ...]:
        """Names of the leads in the columns: the first column from top to bottom, then the next."""
        return tuple(lead.removeprefix("-") for column in self.columns for lead in column)

    @property
    def rows(self) -> int:
        """Rows of traces, rhythm strips included."""
        return max(len(column) for column in self.columns) + len(self.rhythm)

    def check_rhythm(self, leads: Sequence[str]) -> None:
        """Check that the layout has at least as many rhythm strips as there are `leads`, whichever leads the strips show otherwise.

        Raises
        ------
        LayoutError
            If there are more leads than strips.
        """
        strips = len(self.rhythm)
        if len(leads) > strips:
            raise LayoutError(
                f"layout {self.name} has {strips or 'no'} rhythm strip{'s' * (strips != 1)} for {', '.join(leads)}: "
                "expected at most as many leads, or a layout such as 3x4+1 or 3x4+3"
            )
