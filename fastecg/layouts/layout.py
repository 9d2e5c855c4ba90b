"""`Layout`: the arrangement of leads on a page. `fastecg.layouts.place.place` makes the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastecg.errors import LayoutError


@dataclass(frozen=True)
class Layout:
    """Rows and columns of leads, and rhythm strips below them. A lead written ``-aVR`` is aVR upside down."""

    name: str
    title: str  # one line for lists and docs
    columns: tuple[tuple[str, ...], ...]  # the leads of each column from top to bottom
    rhythm: tuple[str, ...] = ()  # the leads of the rhythm strips from top to bottom
    seconds: float = 10.0  # length of the time axis, which the columns share evenly
    upright: bool = False  # whether the paper stands on its short side

    @property
    def leads(self) -> tuple[str, ...]:
        """Names of the leads in the columns: the first column from top to bottom, then the next."""
        return tuple(lead.removeprefix("-") for column in self.columns for lead in column)

    @property
    def rows(self) -> int:
        """Number of rows of traces, rhythm strips included."""
        return max(len(column) for column in self.columns) + len(self.rhythm)

    def check_rhythm(self, leads: Sequence[str]) -> None:
        """Check that there is a rhythm strip for each of `leads`, which are to be shown instead of the layout's own.

        Raises
        ------
        LayoutError
            If there are more leads than strips.
        """
        strips = len(self.rhythm)
        if len(leads) > strips:
            raise LayoutError(
                f"layout {self.name} has {strips or 'no'} rhythm strip{'s' * (strips != 1)}, too few for {', '.join(leads)}, "
                "expected at most as many rhythm leads as strips, or a layout with more strips, such as 3x4+3"
            )
