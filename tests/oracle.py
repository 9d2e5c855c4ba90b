"""The layers a perfect network would see: the generator's own planes through the picture's warp. The geometry itself is not passed on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.digitizing.layout import PageSegments, segments_of
from fastecg.digitizing.targets import THIN_MM

if TYPE_CHECKING:
    from fastecg.photo import Photo, TraceTruth


def true_layers(photo: Photo, pen_mm: float | None = THIN_MM) -> dict[str, np.ndarray]:
    """Coverage (uint8) in the picture's frame: "trace" (segments, height, width), "grid" and "major" (height, width).

    The traces are redrawn, sharp and `pen_mm` wide, where the picture's truth has them: what a network is taught to see. With None they
    are the printed ink as the picture shows it.
    """
    from fastecg.printing.grid import grid_plane
    from fastecg.sheet import sheet_shape

    page, style, scale, truth = photo.page, photo.style, photo.warp.scale, photo.truth
    shape = sheet_shape(page, scale)
    drawn = [trace for trace in truth.traces if len(trace.points) > 1]
    grid = truth._in_picture(grid_plane(shape, page.grid, style.grid, scale))
    major = truth._in_picture(grid_plane(shape, page.grid, replace(style.grid, minor_mm=0.0), scale))
    return {"trace": np.stack([_trace_layer(photo, trace, pen_mm) for trace in drawn]), "grid": grid, "major": major}


def _trace_layer(photo: Photo, trace: TraceTruth, pen_mm: float | None) -> np.ndarray:
    from fastecg.kernels.capsule import stroke_polyline
    from fastecg.sheet import sheet_shape, trace_plane

    if pen_mm is None:
        scale = photo.warp.scale
        return photo.truth._in_picture(trace_plane([trace.trace], photo.style, scale, sheet_shape(photo.page, scale)))
    plane = np.zeros(photo.warp.size, dtype=np.uint8)
    stroke_polyline(trace.points, pen_mm * photo.warp.scale, plane)
    return plane


def true_segments(photo: Photo) -> PageSegments:
    """The photo's layout, in coordinates from the grid's first crossing."""
    left, top = photo.page.grid.area_mm[:2]
    return segments_of(photo.page, photo.record.fs).moved((-left, -top))


def drawn_samples(photo: Photo) -> np.ndarray:
    """Which samples of the record are visible in the picture, (leads, samples) bool."""
    drawn = np.zeros(photo.record.signal.shape, dtype=bool)
    for trace in photo.truth.traces:
        drawn[photo.record.leads.index(trace.lead), trace.start : trace.stop] |= trace.visible & np.isfinite(trace.points[:, 1])
    return drawn
