"""The report of a reading, as plain values for JSON, and its overlay: the input picture with the reading drawn over it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis
from fastecg.digitizing.layout import Segment
from fastecg.digitizing.reading import Reading
from fastecg.record import LEADS, Record

_SURE_MV = 0.03  # Samples that were read count as read with confidence if their standard deviation is at most this, or unknown.
_LINE_PX = 1.5  # Width of the traces that are drawn over the picture.
_THIN_PX = 0.8  # Width of the 0 mV lines and of the ticks at their ends.
_NAME_PX = 14.0  # Font size of the names of leads.
_TICK_MM = np.array([[0.0, -4.0], [0.0, 4.0]])  # Ends (x, y) of the tick at either end of a 0 mV line, relative to this end of the line.
_NAME_MM = np.array([0.8, 1.0])  # Upper left corner (x, y) of a lead's name, relative to the start of its 0 mV line.
# Colours of segments, sRGB, which are used in turn.
_COLOURS = ((220, 30, 40), (30, 90, 220), (0, 140, 60), (190, 0, 190), (230, 120, 0), (0, 150, 170))


def twelve_leads(record: Record) -> Record:
    """The record with all twelve leads in their usual order, followed by further ones. Those of the twelve that it lacks are NaN."""
    rows = [record.lead(lead) if lead in record.leads else np.full(record.samples, np.nan) for lead in LEADS]
    further = [lead for lead in record.leads if lead not in LEADS]
    signal = np.stack([*rows, *(record.lead(lead) for lead in further)])
    return Record(signal, record.fs, (*LEADS, *further), record.name)


def report_of(reading: Reading, *, deviations: bool = True) -> dict[str, Any]:
    """The report, as plain values for JSON. Its "gain_mm_mv" is the gain of the limb leads.

    Parameters
    ----------
    reading : Reading
    deviations : bool
        Whether to list the standard deviation of every sample in µV, which is None where it is unknown, as where nothing was read.
    """
    found, analysis = reading.decoded, reading.analysis
    return {
        "layout": reading.layout,
        "order": reading.order,
        "confidence": reading.confidence,
        "speed_mm_s": reading.speed_mm_s,
        "gain_mm_mv": reading.gain_mm_mv,
        "fs": found.record.fs,
        "quarter_turns": analysis.turns,
        "px_per_mm": analysis.warp.scale / analysis.layers.zoom,
        "checks": dict(reading.checks),
        "segments": [_segment_values(reading, segment) for segment in found.layout.segments],
        "names_read": sorted({name.lead for name in analysis.names}),
        "leads": {lead: _lead_values(reading, lead, deviations) for lead in found.record.leads},
        "flags": list(found.flags),
    }


def _segment_values(reading: Reading, segment: Segment) -> dict[str, Any]:
    """One segment as plain values. `line_px` are the ends [x, y] of its 0 mV line in px of the input picture, the first sample first."""
    found, analysis = reading.decoded, reading.analysis
    rows = found.layout
    length = (segment.stop - 1 - segment.start) * rows.speed_mm_s / rows.fs
    ends = np.array([[segment.x_mm, segment.baseline_mm], [segment.x_mm + length, segment.baseline_mm]])
    turned = analysis.layers.to_picture(analysis.warp.forward(ends))
    signal = found.record.lead(segment.lead)[segment.start : segment.stop] if segment.lead in found.record.leads else np.full(1, np.nan)
    known = np.isfinite(signal)
    sd = found.sd[found.record.leads.index(segment.lead), segment.start : segment.stop][known] if known.any() else np.empty(0)
    return {
        "lead": segment.lead,
        "row": segment.row,
        "rhythm": segment.rhythm,
        "start_s": segment.start / rows.fs,
        "stop_s": segment.stop / rows.fs,
        "zero": segment.zero,
        "line_px": [[round(float(value), 2) for value in point] for point in unturned(turned, analysis)],
        "read": _share(known, np.ones(len(known), dtype=bool)),
        "sd_mv": round(float(np.nanmedian(sd)), 4) if np.isfinite(sd).any() else None,
        "doubtful": [[round(item.start_s, 3), round(item.stop_s, 3)] for item in reading.doubts if item.segment == segment],
    }


def unturned(points_px: np.ndarray, analysis: PageAnalysis) -> np.ndarray:
    """Convert pixels (n, 2) of the picture turned upright to pixels of the input picture."""
    height, width = (length / analysis.layers.zoom for length in analysis.layers.maps.shape[1:])
    x, y = points_px.T
    return np.column_stack(
        {0: (x, y), 1: (height - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, width - 1 - x)}[analysis.turns % 4]
    )


def _lead_values(reading: Reading, lead: str, deviations: bool) -> dict[str, Any]:
    """One lead as plain values.

    They are the ranges of samples that are drawn; the shares of these samples that were read, and that were read with a standard deviation
    of at most 0.03 mV or an unknown one; the median standard deviation in µV, and with `deviations` that of every sample. None stands for
    an unknown standard deviation.
    """
    found = reading.decoded
    k = found.record.leads.index(lead)
    ranges = [(segment.start, segment.stop) for segment in found.layout.segments if segment.lead == lead]
    drawn = np.zeros(found.record.samples, dtype=bool)
    for start, stop in ranges:
        drawn[start:stop] = True
    read = np.isfinite(found.record.signal[k]) & drawn
    sd = found.sd[k]
    with np.errstate(invalid="ignore"):
        sure = read & ~(sd > _SURE_MV)
    values = {"drawn": ranges, "read": _share(read, drawn), "confidence": _share(sure, drawn)}
    known = np.isfinite(sd)
    values["sd_uv_median"] = round(float(np.median(1000 * sd[known])), 1) if known.any() else None
    if deviations:
        values["sd_uv"] = [round(float(1000 * value), 1) if np.isfinite(value) else None for value in sd]
    return values


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    """Number of True elements in one mask, as a share of those in another, rounded to 4 decimals; 0 if the other has none."""
    return round(float(part.sum() / max(whole.sum(), 1)), 4)


def overlay(picture: np.ndarray, reading: Reading) -> np.ndarray:
    """A pale copy of the picture (height, width, 3) with the reading drawn over it: trace, name, ends and 0 mV line of segments.

    Segments whose lead is not in the record are left out.
    """
    from PIL import Image, ImageDraw

    turned = np.rot90(picture, reading.analysis.turns)  # Drawn on upright, and turned back at the end.
    seen = np.ascontiguousarray(255 - ((255 - turned) * np.float32(0.6)).astype(np.uint8))
    analysis, rows = reading.analysis, reading.decoded.layout
    unit = max(1.0 / min(analysis.layers.zoom, 1.0), 1.0)  # Lines become thicker if the picture is larger than the layers.
    for k, points in enumerate(read_points(reading)):
        _draw(seen, points, _LINE_PX * unit, _COLOURS[k % len(_COLOURS)])
    names = []
    for k, segment in enumerate(item for item in rows.segments if item.lead in reading.decoded.record.leads):
        colour = _COLOURS[k % len(_COLOURS)]
        stop = segment.x_mm + (segment.stop - 1 - segment.start) * rows.speed_mm_s / rows.fs
        zero = np.array([[segment.x_mm, segment.baseline_mm], [stop, segment.baseline_mm]])
        for line in (zero, zero[[0, 0]] + _TICK_MM, zero[[1, 1]] + _TICK_MM):
            _draw(seen, analysis.layers.to_picture(analysis.warp.forward(line)), _THIN_PX * unit, colour)
        x, y = analysis.layers.to_picture(analysis.warp.forward(zero[:1] + _NAME_MM))[0]
        names.append(((x, y), segment.lead, colour))
    labelled = Image.fromarray(seen)
    pen = ImageDraw.Draw(labelled)
    for (x, y), lead, colour in names:
        pen.text((x, y), lead, fill=colour, font_size=_NAME_PX * unit)
    return np.ascontiguousarray(np.rot90(np.asarray(labelled), -analysis.turns))


def _draw(picture: np.ndarray, points: np.ndarray, width: float, colour: tuple[int, int, int]) -> None:
    """Draw a line `width` px wide through points (n, 2) px into a picture (height, width, 3), in place."""
    from fastecg.kernels.capsule import stroke_polyline

    plane = np.zeros(picture.shape[:2], dtype=np.uint8)
    stroke_polyline(np.ascontiguousarray(points), width, plane)
    rows, columns = np.nonzero(plane)
    opaque = plane[rows, columns, None] / np.float32(255)
    picture[rows, columns] = (picture[rows, columns] * (1 - opaque) + np.array(colour) * opaque).astype(np.uint8)


def read_points(reading: Reading) -> list[np.ndarray]:
    """Positions (n, 2) of the samples of each segment in pixels of the picture turned upright; NaN for samples that were not read.

    Segments whose lead is not in the record are left out.
    """
    found, analysis = reading.decoded, reading.analysis
    return [analysis.layers.to_picture(found.warp.forward(points)) for _, points in found.traces()]
