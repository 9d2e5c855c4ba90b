"""Where a trace may be wrong: beside ink that belongs to no trace, and where the traces of two rows share one line of ink.

Spikes that reach the ink of another row are what is misread most. The fit of a stroke gives no sign of this, since it follows whatever ink
it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.decode import Decoded
from fastecg.digitizing.layout import PageSegments, Segment

_INK = 0.5  # Least value of the network's map of traces, 0 to 1, of ink that has to belong to a trace.
_PEN_MM = 0.4  # Width of the stroke that a trace is taken to leave.
_BESIDE_PX = 3.0  # Ink at most this far from a trace's stroke belongs to the trace.
_NEAR_MM = 0.8  # Ink of no trace makes those traces doubtful from which it is at most this much farther away.
_TALL_MM = 1.5  # Minimum height of ink of no trace that makes a trace doubtful. Remains of letters and of the grid are lower.
_THIN_MM = 0.45  # Two traces share a line of ink where lines of this width along both overlap,
_SHARED_MM = 2.5  # over at least this height.
_PAST_END_MM = 1.0  # Ink this far beyond the ends of a segment may still be the segment's.


@dataclass(frozen=True)
class Doubt:
    """A part of a segment in which its trace may be wrong.

    Attributes
    ----------
    segment : Segment
    start_s, stop_s : float
        Its first and last moment, from the start of the page.
    height_mm : float
        Height of the ink that makes it doubtful.
    shared : bool
        Whether another row's trace runs along the same ink; otherwise there is ink beside the trace that belongs to no trace.
    """

    segment: Segment
    start_s: float
    stop_s: float
    height_mm: float
    shared: bool


def find_doubts(traces: Sequence[tuple[Segment, np.ndarray]], rows: PageSegments, trace_map: np.ndarray, warp: PageWarp) -> list[Doubt]:
    """Find where traces that were read may be wrong.

    Parameters
    ----------
    traces : sequence of (Segment, ndarray)
        Segments with the positions (n, 2) of their samples on the page, mm; y is NaN for samples that were not read.
    rows : PageSegments
        Paper speed and sampling frequency.
    trace_map : ndarray, shape (height, width) float32
        The network's map of traces, 0 to 1.
    warp : PageWarp
        The map between page and picture.
    """
    lines = [(segment, np.ascontiguousarray(warp.forward(points))) for segment, points in traces]
    scale = warp.scale
    taken = _drawn([line for _, line in lines], _PEN_MM * scale + 2 * _BESIDE_PX, trace_map.shape)
    reach_px = (_PEN_MM + 2 * _NEAR_MM) * scale + 2 * _BESIDE_PX
    doubts = list(_doubts_at((trace_map > _INK) & ~taken, _TALL_MM, reach_px, lines, rows, warp, shared=False))
    count = np.zeros(trace_map.shape, dtype=np.uint8)  # Number of rows with a line in every pixel.
    for row in {segment.row for segment, _ in lines}:
        count += _drawn([line for segment, line in lines if segment.row == row], _THIN_MM * scale, trace_map.shape)
    doubts += _doubts_at(count > 1, _SHARED_MM, _THIN_MM * scale, lines, rows, warp, shared=True)
    return doubts


def sd_with_doubts(found: Decoded, doubts: Sequence[Doubt]) -> np.ndarray:
    """Standard deviations (leads, samples) of a reading in mV, at least half the height of the ink where a trace may be wrong."""
    sd = found.sd.copy()
    for doubt in doubts:
        segment, fs = doubt.segment, found.layout.fs
        first, stop = max(int(doubt.start_s * fs), segment.start), min(int(doubt.stop_s * fs) + 2, segment.stop)
        part = sd[found.record.leads.index(segment.lead), first:stop]
        part[:] = np.where(np.isnan(part), part, np.maximum(part, doubt.height_mm / 2 / abs(segment.gain_mm_mv)))
    return sd


def flags_of(doubts: Sequence[Doubt]) -> list[str]:
    """A flag for each of the two kinds of doubt, which names leads and times."""
    kinds = {
        False: "traces that may be wrong, since ink beside them belongs to no trace",
        True: "traces that may be wrong, since they share ink",
    }
    flags = []
    for shared, reason in kinds.items():
        by_lead: dict[str, set[str]] = {}
        for doubt in doubts:
            if doubt.shared == shared:
                middle_s = round((doubt.start_s + doubt.stop_s) / 2, 1) + 0.0  # The sum makes -0.0 a 0.0.
                by_lead.setdefault(doubt.segment.lead, set()).add(f"{middle_s:.1f}")
        if by_lead:
            parts = (f"{lead} at {', '.join(sorted(times, key=float))} s" for lead, times in by_lead.items())
            flags.append(f"{reason}: {'; '.join(parts)}")
    return flags


def _drawn(lines: Sequence[np.ndarray], width_px: float, shape: tuple[int, ...]) -> np.ndarray:
    """Mask of the pixels at least half covered by lines of a width through points (n, 2), px."""
    from fastecg.kernels.capsule import stroke_polyline

    plane = np.zeros(shape, dtype=np.uint8)
    for line in lines:
        stroke_polyline(line, width_px, plane)
    return plane > 127


def _doubts_at(
    where: np.ndarray, tall_mm: float, reach_px: float, lines: Sequence[tuple[Segment, np.ndarray]], rows: PageSegments, warp: PageWarp,
    *, shared: bool,
) -> Iterator[Doubt]:  # fmt: skip
    """Doubts of the segments whose lines, `reach_px` wide, touch a connected part of a mask that is at least `tall_mm` high.

    A part that is shared belongs to all segments that it touches, another part only to the segment that it touches most.
    """
    from scipy.ndimage import find_objects, label

    labels, _ = label(where, np.ones((3, 3)))
    boxes = {k: box for k, box in enumerate(find_objects(labels), 1) if box[0].stop - box[0].start > tall_mm * warp.scale}
    if not boxes:
        return
    touched = np.zeros((len(lines), max(boxes) + 1), dtype=int)
    for k, (_, line) in enumerate(lines):
        near = labels[_drawn([line], reach_px, where.shape)]
        touched[k] = np.bincount(near[near < touched.shape[1]], minlength=touched.shape[1])
    past_s = _PAST_END_MM / rows.speed_mm_s
    for k, (y, x) in boxes.items():
        # The box's middle on the page, and its sides in mm.
        (middle,) = warp.inverse(np.array([[(x.start + x.stop - 1) / 2, (y.start + y.stop - 1) / 2]]))
        half_s, height = (x.stop - x.start) / warp.scale / 2 / rows.speed_mm_s, (y.stop - y.start) / warp.scale
        found = []
        for (segment, _), pixels in zip(lines, touched[:, k], strict=True):
            time = segment.start / rows.fs + (middle[0] - segment.x_mm) / rows.speed_mm_s
            if pixels and segment.start / rows.fs - past_s < time < segment.stop / rows.fs + past_s:
                found.append((pixels, Doubt(segment, time - half_s, time + half_s, height, shared)))
        yield from (doubt for pixels, doubt in found if shared or pixels == max(found, key=itemgetter(0))[0])
