"""The layers a perfect network would see: the generator's own planes through the picture's warp. The geometry itself is not passed on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.digitize.layout import Rows, rows_of

if TYPE_CHECKING:
    from fastecg.photo import Photo


def true_layers(photo: Photo) -> dict[str, np.ndarray]:
    """Coverage (uint8) in the picture's frame: "trace" (segments, height, width), "grid" and "major" (height, width)."""
    from fastecg.grid import grid_plane
    from fastecg.sheet import sheet_shape, trace_plane

    page, style, scale, truth = photo.page, photo.style, photo.warp.scale, photo.truth
    shape = sheet_shape(page, scale)
    drawn = [trace for trace in page.traces if len(trace.points_mm) > 1]
    traces = [truth._seen(trace_plane([trace], style, scale, shape)) for trace in drawn]
    grid = truth._seen(grid_plane(shape, page.grid, style.grid, scale))
    major = truth._seen(grid_plane(shape, page.grid, replace(style.grid, minor_mm=0.0), scale))
    return {"trace": np.stack(traces), "grid": grid, "major": major}


def true_rows(photo: Photo) -> Rows:
    """The photo's layout, its places counted from the grid's first crossing."""
    left, top = photo.page.grid.area_mm[:2]
    return rows_of(photo.page, photo.record.fs).moved((-left, -top))


def drawn_samples(photo: Photo) -> np.ndarray:
    """Which samples of the record are in the picture, (leads, samples) bool."""
    drawn = np.zeros(photo.record.signal.shape, dtype=bool)
    for trace in photo.truth.traces:
        drawn[photo.record.leads.index(trace.lead), trace.start : trace.stop] |= trace.visible & np.isfinite(trace.points[:, 1])
    return drawn
