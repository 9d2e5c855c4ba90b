"""The position and the gain of every lead on a page, and the paper speed: what has to be known besides the ink to read the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastecg.page import Page


#: Minimum width of blank paper between two columns for it to count as a gap, mm.
COLUMN_GAP_MM = 0.35


@dataclass(frozen=True)
class Segment:
    """One drawn segment of a lead. Lengths are mm on the page.

    Attributes
    ----------
    lead : str
    start, stop : int
        First sample of the record that the segment shows, and the sample after the last one that it shows.
    x_mm : float
        Page x of the first sample.
    baseline_mm : float
        Page y of 0 mV.
    gain_mm_mv : float
        Gain, mm/mV; negative for a lead drawn upside down.
    offset_mv : float
        Voltage that was subtracted before drawing.
    rhythm : bool
        Whether the segment is a rhythm strip, over the whole width of the page.
    row : int
        Row of traces, counted from 0 at the top; always 0 in segments from `segments_of`.
    zero : str
        What 0 mV was taken from: "pulse", "isoelectric" (the trace itself), "strip" (the same lead in another row), or "page" (a page that
        a person has corrected).
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
    """The segments of a page, drawn at `speed_mm_s` from samples at `fs` Hz with a pen about `pen_mm` wide."""

    segments: tuple[Segment, ...]
    speed_mm_s: float
    fs: float
    pen_mm: float = 0.3

    @property
    def samples(self) -> int:
        """Number of samples of the record up to the end of the last segment."""
        return max((segment.stop for segment in self.segments), default=0)

    def moved(self, by_mm: tuple[float, float]) -> PageSegments:
        """The same segments with `by_mm`, (x, y), added to their page coordinates."""
        moved = (replace(item, x_mm=item.x_mm + by_mm[0], baseline_mm=item.baseline_mm + by_mm[1]) for item in self.segments)
        return replace(self, segments=tuple(moved))


@dataclass(frozen=True, eq=False)
class SegmentReading:
    """What was read of a segment: page y (n,) of its samples, mm, NaN if not read; their standard deviations (n,), mm, NaN if unknown."""

    segment: Segment
    y_mm: np.ndarray
    sd_mm: np.ndarray

    def x_mm(self, rows: PageSegments) -> np.ndarray:
        """Page x (n,) of the samples of this segment, which is one of `rows`."""
        return self.segment.x_mm + np.arange(len(self.y_mm)) * (rows.speed_mm_s / rows.fs)

    @property
    def millivolts(self) -> np.ndarray:
        """Voltages (n,) of the samples, mV."""
        return (self.segment.baseline_mm - self.y_mm) / self.segment.gain_mm_mv + self.segment.offset_mv

    @property
    def sd_mv(self) -> np.ndarray:
        """Standard deviations (n,) of the samples, mV."""
        return self.sd_mm / abs(self.segment.gain_mm_mv)


def segments_of(page: Page, fs: float) -> PageSegments:
    """The segments of a page that was drawn from samples at `fs` Hz, without traces of fewer than two samples.

    The pen has the default width, since a fit finds the true width.
    """
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
