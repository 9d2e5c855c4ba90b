"""What `fastecg digitize` leaves behind beside the record: a report, and a picture of what was read."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastecg.digitizing.digitize import Reading
from fastecg.record import LEADS, Record

_SURE_MV = 0.03  # a sample with a smaller standard deviation counts as read with confidence
_LINE_PX = 1.5
#: Colours of neighbouring leads, sRGB.
_COLOURS = ((220, 30, 40), (30, 90, 220), (0, 140, 60), (190, 0, 190), (230, 120, 0), (0, 150, 170))


def twelve_leads(record: Record) -> Record:
    """A record with the twelve leads in their order; NaN where one was not drawn."""
    rows = [record.lead(lead) if lead in record.leads else np.full(record.samples, np.nan) for lead in LEADS]
    further = [lead for lead in record.leads if lead not in LEADS]
    signal = np.stack([*rows, *(record.lead(lead) for lead in further)])
    return Record(signal, record.fs, (*LEADS, *further), record.name)


def report_of(reading: Reading, *, deviations: bool = True) -> dict[str, Any]:
    """The report, as plain values for JSON.

    Parameters
    ----------
    reading : Reading
    deviations : bool
        Whether to list the standard deviation of every sample, µV; null where nothing was read.
    """
    found, view = reading.digitized, reading.view
    return {
        "layout": reading.layout,
        "speed_mm_s": reading.speed_mm_s,
        "gain_mm_mv": reading.gain_mm_mv,
        "fs": found.record.fs,
        "quarter_turns": view.turns,
        "px_per_mm": view.warp.scale / view.layers.zoom,
        "names_read": sorted({name.lead for name in view.names}),
        "leads": {lead: _of_lead(reading, lead, deviations) for lead in found.record.leads},
        "flags": list(found.flags),
    }


def _of_lead(reading: Reading, lead: str, deviations: bool) -> dict[str, Any]:
    found = reading.digitized
    k = found.record.leads.index(lead)
    spans = [(segment.start, segment.stop) for segment in found.layout.segments if segment.lead == lead]
    drawn = np.zeros(found.record.samples, dtype=bool)
    for start, stop in spans:
        drawn[start:stop] = True
    read = np.isfinite(found.record.signal[k]) & drawn
    sd = found.sd[k]
    with np.errstate(invalid="ignore"):
        sure = read & ~(sd > _SURE_MV)
    told = {"drawn": spans, "read": _share(read, drawn), "confidence": _share(sure, drawn)}
    known = np.isfinite(sd)
    told["sd_uv_median"] = round(float(np.median(1000 * sd[known])), 1) if known.any() else None
    if deviations:
        told["sd_uv"] = [round(float(1000 * value), 1) if np.isfinite(value) else None for value in sd]
    return told


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return round(float(part.sum() / max(whole.sum(), 1)), 4)


def overlay(picture: np.ndarray, reading: Reading) -> np.ndarray:
    """The picture (height, width, 3), paled, with every lead as it was read drawn over it."""
    from fastecg.kernels.capsule import stroke_polyline

    seen = 255 - ((255 - np.rot90(picture, reading.view.turns)) * np.float32(0.6)).astype(np.uint8)
    seen = np.ascontiguousarray(seen)
    for k, points in enumerate(read_points(reading)):
        plane = np.zeros(seen.shape[:2], dtype=np.uint8)
        stroke_polyline(points, max(_LINE_PX / min(reading.view.layers.zoom, 1.0), 1.0), plane)
        rows, columns = np.nonzero(plane)
        opaque = plane[rows, columns, None] / np.float32(255)
        seen[rows, columns] = (seen[rows, columns] * (1 - opaque) + np.array(_COLOURS[k % len(_COLOURS)]) * opaque).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(seen, -reading.view.turns))


def read_points(reading: Reading) -> list[np.ndarray]:
    """Where every sample that was read lies in the turned picture, (n, 2) px a segment that was read, NaN in gaps."""
    found, view = reading.digitized, reading.view
    points = []
    for segment in found.layout.segments:
        if segment.lead not in found.record.leads:
            continue
        signal = found.record.lead(segment.lead)[segment.start : segment.stop].astype(np.float64)
        x = segment.x_mm + np.arange(len(signal)) * (found.layout.speed_mm_s / found.layout.fs)
        y = segment.baseline_mm - segment.gain_mm_mv * (signal - segment.offset_mv)
        page = np.column_stack([x, np.nan_to_num(y, nan=segment.baseline_mm)])
        seen = view.layers.to_picture(view.warp.forward(page))
        seen[np.isnan(y)] = np.nan
        points.append(seen)
    return points
