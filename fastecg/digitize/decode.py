"""`decode`: from layers of a picture to millivolts.

Layers come in the picture's own frame, bent as the paper was. The grid's phase tells where every millimetre of the page is; the traces
are then fitted where they are, with the pen's own ink, so nothing is resampled on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fastecg.digitize.coarse import PageWarp, column_means, column_peaks, extent_mm, straighten
from fastecg.digitize.gauss_newton import Stroke, fit_stroke
from fastecg.digitize.layout import Rows, Segment
from fastecg.digitize.phase import find_grid
from fastecg.errors import ImageError, LayoutError
from fastecg.record import LEADS, Record

#: How millivolts are read: the mean of every column's ink, a soft maximum of every column, or a fit of the pen's stroke.
MODES = ("centroid", "softargmax", "render")

_MARGIN_PX = 8  # picture round a segment's ink that the fit looks at
_FIVE_MM = 5.0


@dataclass(frozen=True, eq=False)
class Digitized:
    """What was read from a picture.

    Attributes
    ----------
    record : Record
        Millivolts; NaN where nothing was read.
    sd : ndarray, shape (leads, samples)
        Standard deviation of every sample in mV, as the fit tells it; NaN in modes that do not tell.
    layout : Rows
        Where the leads were taken to be, in the page's coordinates of `warp`.
    warp : PageWarp
        The map between picture and page.
    flags : tuple of str
        What went wrong or was doubtful.
    """

    record: Record
    sd: np.ndarray
    layout: Rows
    warp: PageWarp
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Reading:
    segment: Segment
    millivolts: np.ndarray
    sd: np.ndarray


def decode(
    layers: Mapping[str, np.ndarray], rows: Rows, *, mode: str = "render", warp: PageWarp | None = None, name: str = "record"
) -> Digitized:
    """Read the signals of a page from its layers.

    Parameters
    ----------
    layers : mapping of str to ndarray
        Coverage in the picture's frame, float32 0 to 1 or uint8 0 to 255. "trace": (height, width), or (segments, height, width) with a
        plane for each of `rows.segments`; "grid": (height, width), the ink of all grid lines; "major": that of the 5 mm lines alone.
    rows : Rows
        Which lead is where. Places count from the grid's first crossing; where a `warp` is given, in its page coordinates.
    mode : str
        One of `MODES`.
    warp : PageWarp, optional
        The map between picture and page, if known; found from the grid otherwise.
    name : str
        Of the record.

    Returns
    -------
    Digitized

    Raises
    ------
    ImageError
        If there is no grid, or no ink of any segment.
    LayoutError
        If the mode is unknown, there is no segment, or there are not as many planes as segments.
    """
    if mode not in MODES:
        raise LayoutError(f"unknown mode {mode!r}, expected one of {', '.join(MODES)}")
    traces = layers["trace"]
    planes = [traces] * len(rows.segments) if traces.ndim == 2 else list(traces)
    if not rows.segments or len(planes) != len(rows.segments):
        raise LayoutError(f"{len(planes)} planes of traces for {len(rows.segments)} segments, expected one each and at least one")
    flags: list[str] = []
    if warp is None:
        fitted, lattice = find_grid(_covered(layers["grid"]), _covered(layers["major"]))
        if lattice.mended:
            flags.append(f"the grid's lines were miscounted at {lattice.mended} of {len(lattice.points_px)} places and set right")
        warp = fitted.moved(anchor(fitted, planes, rows))
    readings = list(_readings(planes, rows, warp, mode, flags))
    if not readings:
        raise ImageError("no ink of any lead was found where the layout has it")
    signal, sd, leads = _joined(readings, rows.samples)
    return Digitized(Record(signal, rows.fs, leads, name), sd, rows, warp, tuple(flags))


def anchor(warp: PageWarp, planes: list[np.ndarray], rows: Rows) -> tuple[float, float]:
    """What to add to a warp's places so that the traces' ink is where the rows have it: multiples of 5 mm along x and y.

    Along x the ink's left and right ends tell, along y the middle of its rows.
    """
    aside, down = [], []
    for plane, segment in zip(planes, rows.segments, strict=True):
        every = max(1, plane.shape[0] * plane.shape[1] // 8_000_000)
        y, x = np.nonzero(plane[::every, ::every] > 0.5 * plane.max())
        if len(x) < 8:
            continue
        page = warp.inverse(np.column_stack([x, y]).astype(np.float64) * every)
        length = (segment.stop - 1 - segment.start) / rows.fs * rows.speed_mm_s
        aside.append(segment.x_mm + length / 2 - (page[:, 0].min() + page[:, 0].max()) / 2)
        down.append(segment.baseline_mm - np.median(page[:, 1]))
    if not aside:
        raise ImageError("no ink of any lead was found, expected a trace")
    return tuple(_FIVE_MM * float(np.rint(np.median(found) / _FIVE_MM)) for found in (aside, down))  # type: ignore[return-value]


def _readings(planes: list[np.ndarray], rows: Rows, warp: PageWarp, mode: str, flags: list[str]) -> Iterator[_Reading]:
    for plane, segment in zip(planes, rows.segments, strict=True):
        x_mm = segment.x_mm + np.arange(segment.stop - segment.start) * (rows.speed_mm_s / rows.fs)
        span = float(x_mm[0]), float(x_mm[-1])
        reach = extent_mm(plane, warp, span)
        if reach is None:
            flags.append(f"lead {segment.lead}: no ink was found")
            continue
        strip = straighten(plane, warp, (span[0] - 1.0, span[1] + 1.0), reach)
        y_mm, sd_mm = (column_peaks if mode == "softargmax" else column_means)(strip, x_mm), np.full(len(x_mm), np.nan)
        if mode == "render":
            y_mm, sd_mm = _fitted(plane, warp, x_mm, y_mm, reach, rows.pen_mm)
        millivolts = (segment.baseline_mm - y_mm) / segment.gain_mm_mv + segment.offset_mv
        yield _Reading(segment, millivolts, sd_mm / abs(segment.gain_mm_mv))


def _fitted(
    plane: np.ndarray, warp: PageWarp, x_mm: np.ndarray, start_mm: np.ndarray, reach_mm: tuple[float, float], pen_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Page y (n,) of the knots by a fit of the stroke, and their standard deviations, mm."""
    middle, half = (reach_mm[0] + reach_mm[1]) / 2, max((reach_mm[1] - reach_mm[0]) / 2, 1.0)
    three = np.stack([warp.forward(np.column_stack([x_mm, np.full(len(x_mm), middle + side * half)])) for side in (-1, 0, 1)])
    unit = half * warp.scale  # px from the middle to either side
    along, bend = (three[2] - three[0]) / (2 * unit), (three[2] - 2 * three[1] + three[0]) / (2 * unit * unit)
    low = np.maximum(np.floor(np.nanmin(three, axis=(0, 1))).astype(int) - _MARGIN_PX, 0)
    high = np.minimum(np.ceil(np.nanmax(three, axis=(0, 1))).astype(int) + _MARGIN_PX, plane.shape[::-1])
    ink = _covered(plane[low[1] : high[1], low[0] : high[0]])
    stroke = Stroke(ink, three[1] - low, along, bend, np.full(len(x_mm), pen_mm * warp.scale / 2))
    fit = fit_stroke(stroke, (start_mm - middle) * warp.scale)
    return middle + fit.heights / warp.scale, fit.sd / warp.scale


def _joined(readings: list[_Reading], samples: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """One row a lead; where a lead is drawn twice, the mean of both."""
    names = {reading.segment.lead for reading in readings}
    leads = (*(lead for lead in LEADS if lead in names), *sorted(names - set(LEADS)))
    total, count = np.zeros((len(leads), samples)), np.zeros((len(leads), samples))
    variance = np.zeros((len(leads), samples))
    for reading in readings:
        row, span = leads.index(reading.segment.lead), slice(reading.segment.start, reading.segment.stop)
        known = np.isfinite(reading.millivolts)
        total[row, span] += np.where(known, reading.millivolts, 0.0)
        variance[row, span] += np.where(known, reading.sd**2, 0.0)
        count[row, span] += known
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / count, np.sqrt(variance) / count, leads


def _covered(plane: np.ndarray) -> np.ndarray:
    """A plane as float32, 0 to 1."""
    if plane.dtype == np.uint8:
        return np.ascontiguousarray(plane, dtype=np.float32) / np.float32(255.0)
    return np.ascontiguousarray(plane, dtype=np.float32)
