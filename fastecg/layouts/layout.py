"""`Layout`: the arrangement of leads on a page; its method `place` makes the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastecg.errors import LayoutError
from fastecg.page import Page
from fastecg.record import Record

if TYPE_CHECKING:
    from fastecg.facts import Facts
    from fastecg.paper import Setup
    from fastecg.style import Style


@dataclass(frozen=True)
class Layout:
    """Rows and columns of leads, and rhythm strips below them.

    A lead written ``-aVR`` is aVR upside down. `seconds` is the length of the time axis, shared evenly by the columns.
    `upright` pages stand on their short side.
    """

    name: str
    title: str
    columns: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...] = ()
    seconds: float = 10.0
    upright: bool = False

    @property
    def leads(self) -> tuple[str, ...]:
        """Names of the record's leads in the columns, from left to right and down."""
        return tuple(lead.removeprefix("-") for column in self.columns for lead in column)

    @property
    def rows(self) -> int:
        """Rows of traces, rhythm strips included."""
        return max(len(column) for column in self.columns) + len(self.rhythm)

    def check_rhythm(self, leads: Sequence[str]) -> None:
        """Refuse more leads than there are rhythm strips.

        Raises
        ------
        LayoutError
        """
        strips = len(self.rhythm)
        if len(leads) > strips:
            raise LayoutError(
                f"layout {self.name} has {strips or 'no'} rhythm strip{'s' * (strips != 1)} for {', '.join(leads)}: "
                "expected at most as many leads, or a layout such as 3x4+1 or 3x4+3"
            )

    def size_mm(self, style: Style, setup: Setup) -> tuple[float, float]:
        """Width and height of the page."""
        from fastecg.layouts.place import page_frame

        return page_frame(self, style, setup, []).size_mm

    def place(
        self, record: Record, style: Style, setup: Setup, facts: Facts | None = None, *, start: int = 0, stop: int | None = None
    ) -> Page:
        """Draw samples `start` to `stop` of a record as vectors in mm.

        Sample i of a segment lies at ``x = x0 + (i - start) / fs * speed`` and ``y = baseline - gain * mV``. Columns share the time
        axis without gaps (or all begin at `start`, where the setup says simultaneous).

        Parameters
        ----------
        record : Record
        style : Style
            The look of the machine.
        setup : Setup
            Speed, gain, paper and the like.
        facts : Facts, optional
            What header and footer print; without it the page has neither.
        start, stop : int
            Samples of the page; `stop` defaults to the record's end. What does not fit on the time axis is left out.

        Raises
        ------
        LayoutError
            If the range holds no sample, none falls on the page, the record has no lead of the layout, or a rhythm lead that was
            asked for is not in the record or has no strip.
        """
        from fastecg.layouts.place import place

        return place(self, record, style, setup, facts, start, record.samples if stop is None else stop)
