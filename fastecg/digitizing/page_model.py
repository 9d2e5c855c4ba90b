"""Read a corrected page: a JSON file, from `fastecg review` or the report of a reading, that says where every lead is in the picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis
from fastecg.digitizing.layout import Segment
from fastecg.errors import LayoutError
from fastecg.system.files import parse_json, read_file

_MOST_BYTES = 48 << 20  # Size in bytes of the largest file that is read.
_MOST_SEGMENTS = 200  # Largest number of segments of a corrected page.


@dataclass(frozen=True)
class PlacedSegment:
    """One segment of a corrected page. `line_px` are the left and the right end (x, y) of its 0 mV line, in px of the input picture."""

    lead: str
    row: int
    rhythm: bool
    start_s: float
    stop_s: float
    line_px: tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class PageModel:
    """A corrected page.

    Attributes
    ----------
    layout : str
        Name of the layout.
    gain_mm_mv : float, optional
        None if the file gives none, or one that is not between 0.1 and 100.
    segments : tuple of PlacedSegment
    """

    layout: str
    gain_mm_mv: float | None
    segments: tuple[PlacedSegment, ...]

    def in_view(self, analysis: PageAnalysis, gain_mm_mv: float, fs: float) -> tuple[tuple[Segment, ...], float]:
        """The segments in the page coordinates of an analysis, sampled at `fs` Hz, and the paper speed in mm/s.

        The speed of a segment is the length of its 0 mV line along page x, divided by its duration. The median over all segments counts.

        Raises
        ------
        LayoutError
            If the median speed is not between 1 and 500 mm/s. A speed is negative if the line runs from right to left.
        """
        ends_px = np.array([segment.line_px for segment in self.segments]).reshape(-1, 2)
        ends_mm = analysis.warp.inverse(analysis.layers.to_maps(turned(ends_px, analysis))).reshape(-1, 2, 2)
        counts = [round((item.stop_s - item.start_s) * fs) for item in self.segments]
        speeds = [(end[1, 0] - end[0, 0]) / ((count - 1) / fs) for end, count in zip(ends_mm, counts, strict=True)]
        speed = float(np.median(speeds))
        if not 1.0 < speed < 500.0:
            raise LayoutError(f"the segments of a corrected page run at {speed:.1f} mm/s, expected their lines to go from left to right")
        found = []
        # At the median speed, a segment may be longer or shorter than its line. The middle of the segment is placed on that of the line.
        for item, end, count in zip(self.segments, ends_mm, counts, strict=True):
            start = round(item.start_s * fs)
            middle = float(end[:, 0].mean()) - (count - 1) / fs * speed / 2
            level = float(end[:, 1].mean())
            found.append(Segment(item.lead, start, start + count, middle, level, gain_mm_mv, rhythm=item.rhythm, row=item.row, zero="page"))
        return tuple(found), speed


def turned(points_px: np.ndarray, analysis: PageAnalysis) -> np.ndarray:
    """Convert pixels (n, 2) of the input picture to pixels of the picture turned upright."""
    height, width = (length / analysis.layers.zoom for length in analysis.layers.maps.shape[1:])
    x, y = points_px.T
    return np.column_stack(
        {0: (x, y), 1: (y, height - 1 - x), 2: (width - 1 - x, height - 1 - y), 3: (width - 1 - y, x)}[analysis.turns % 4]
    )


def read_page(path: Path) -> PageModel:
    """Read a corrected page.

    Raises
    ------
    LayoutError
        If the file is no corrected page, or one of its segments is not valid.
    """
    try:
        content = parse_json(read_file(path, _MOST_BYTES))
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else fault
        raise LayoutError(f"{path}: cannot be read as a page ({why}), expected the JSON of a report or of fastecg review") from None
    segments = content.get("segments") if isinstance(content, dict) else None
    if not isinstance(segments, list) or not 1 <= len(segments) <= _MOST_SEGMENTS:
        raise LayoutError(f"{path}: has no list of segments, expected 1 to {_MOST_SEGMENTS}, as a report has them")
    gain = content.get("gain_mm_mv")
    return PageModel(
        str(content.get("layout") or "corrected")[:64],
        float(gain) if isinstance(gain, int | float) and 0.1 <= gain <= 100.0 else None,
        tuple(_segment(item, f"{path}: segment {k + 1}") for k, item in enumerate(segments)),
    )


def _segment(entry: Any, where: str) -> PlacedSegment:
    """One segment of a page's JSON. If it is not valid, a `LayoutError` is raised that calls the segment `where`."""
    try:
        (ax, ay), (bx, by) = entry["line_px"]
        numbers = [float(value) for value in (entry["start_s"], entry["stop_s"], ax, ay, bx, by)]
        lead, row, rhythm = str(entry["lead"])[:64], int(entry["row"]), bool(entry.get("rhythm", False))
    except (KeyError, TypeError, ValueError) as fault:
        raise LayoutError(f"{where}: {type(fault).__name__} {fault}, expected lead, row, start_s, stop_s and line_px") from None
    start, stop, ax, ay, bx, by = numbers
    if not np.isfinite(numbers).all() or not 0.0 <= start < stop <= start + 3600.0 or stop > 86400.0 or stop - start < 0.1:
        raise LayoutError(f"{where}: lasts from {start:g} to {stop:g} s, expected at least 0.1 s, from 0 on")
    return PlacedSegment(lead, row, rhythm, start, stop, ((ax, ay), (bx, by)))
