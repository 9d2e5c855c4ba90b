"""What has to be known of a page besides its ink for it to be read: the position of every lead, the paper speed and the gain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastecg.page import Page


#: Minimum width of blank paper between columns that are apart, mm.
COLUMN_GAP_MM = 0.35


@dataclass(frozen=True)
class Segment:
    """One drawn lead segment. Lengths in mm on the page.

    Attributes
    ----------
    lead : str
    start, stop : int
        Range of its samples in the record.
    x_mm : float
        Page x of its first sample.
    baseline_mm : float
        Page y of 0 mV.
    gain_mm_mv : float
        Upward; negative for a lead drawn upside down.
    offset_mv : float
        Voltage that was subtracted before drawing.
    rhythm : bool
        Whether it is a strip over the whole width.
    row : int
        Row of traces, counted from the top.
    zero : str
        What 0 mV was taken from: "pulse", "isoelectric" (the trace itself), "strip" (the same lead elsewhere), or "page" (a corrected
        page).
    """

    lead: str
    start: int
    stop: int
    x_mm: float
    baseline_mm: float
    gain_mm_mv: float
    offset_mv: float = 0.0
    rhythm: bool = False
    row: int = 0
    zero: str = "pulse"


@dataclass(frozen=True)
class PageSegments:
    """The segments of a page, drawn at `speed_mm_s` from samples at `fs` Hz with a pen of about `pen_mm`."""

    segments: tuple[Segment, ...]
    speed_mm_s: float
    fs: float
    pen_mm: float = 0.3

    @property
    def samples(self) -> int:
        """Samples of the record up to the end of the last segment."""
        return max((segment.stop for segment in self.segments), default=0)

    def moved(self, by_mm: tuple[float, float]) -> PageSegments:
        """The same segments with `by_mm` added to their page coordinates."""
        moved = (replace(item, x_mm=item.x_mm + by_mm[0], baseline_mm=item.baseline_mm + by_mm[1]) for item in self.segments)
        return replace(self, segments=tuple(moved))


@dataclass(frozen=True, eq=False)
class SegmentReading:
    """The reading of a segment: page y (n,) of its samples and their standard deviations (n,), mm; NaN where nothing was read."""

    segment: Segment
    y_mm: np.ndarray
    sd_mm: np.ndarray

    def x_mm(self, rows: PageSegments) -> np.ndarray:
        """Page x (n,) of its samples."""
        return self.segment.x_mm + np.arange(len(self.y_mm)) * (rows.speed_mm_s / rows.fs)

    @property
    def millivolts(self) -> np.ndarray:
        """Its samples (n,)."""
        return (self.segment.baseline_mm - self.y_mm) / self.segment.gain_mm_mv + self.segment.offset_mv

    @property
    def sd_mv(self) -> np.ndarray:
        """Their standard deviations (n,)."""
        return self.sd_mm / abs(self.segment.gain_mm_mv)


def segments_of(page: Page, fs: float) -> PageSegments:
    """The segments of a page that was drawn from samples at `fs` Hz. The pen's width is left for the decoder to find."""
    drawn = [trace for trace in page.traces if len(trace.points_mm) > 1]
    segments = tuple(
        Segment(
            lead=trace.lead,
            start=trace.start,
            stop=trace.stop,
            x_mm=float(trace.points_mm[0, 0]),
            baseline_mm=trace.baseline_mm,
            gain_mm_mv=trace.gain_mm_mv,
            offset_mv=trace.offset_mv,
            rhythm=trace.rhythm,
        )
        for trace in drawn
    )
    return PageSegments(segments, page.speed_mm_s, fs)
