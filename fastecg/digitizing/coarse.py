"""A first look at a segment: its ink straightened into a strip, and one height a column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from fastecg.kernels.runs import runs_of

#: Between the heights at which the picture is asked where the page's verticals run.
CURVE_MM = 2.0

_LATTICE_MM = 2.0  # Distance of the points at which the warp is evaluated for a strip; in between it is interpolated.
_EDGE_MM = 1.5  # Margin of a strip above and below the ink.
_FAINT = 0.12  # Share of the plane's fullest ink from which a pixel counts towards the extent of a trace.
_SURE = 0.6  # Ink is clipped here before a path is sought; otherwise a pale row would lose to a dark neighbour.
_CLIMB = 0.001  # Cost of a path's step of 1 px up or down.
_PAPER = 1.0  # Additional cost of such a step over bare paper.
_TIP_PX = 3  # Minimum length of ink above or below a path and its neighbours that makes a tip of a peak.
_ENOUGH = 0.3  # Minimum ink (in px of full ink) in a column of a strip for its height to count.


class PageWarp(Protocol):
    """What digitising needs of a map between page (mm) and picture (px); `fastecg.mesh.Warp` and `FittedWarp` provide it."""

    @property
    def scale(self) -> float:
        """px/mm."""
        ...

    def forward(self, points_mm: np.ndarray) -> np.ndarray:
        """Pixels of page points."""
        ...

    def inverse(self, points_px: np.ndarray) -> np.ndarray:
        """Page points of pixels."""
        ...

    def __hash__(self) -> int:
        """By identity: what has been worked out with a map is kept."""
        ...


@dataclass(frozen=True, eq=False)
class ZoomedWarp:
    """The map of a page whose picture was resized before it was mapped, for the picture as it was.

    `zoom` (2,) is how many times as large it was made along x and along y: whole pixels make them differ a little.
    """

    warp: PageWarp
    zoom: tuple[float, float]

    @property
    def scale(self) -> float:
        """px/mm."""
        return self.warp.scale / self.zoom[0]

    def forward(self, points_mm: np.ndarray) -> np.ndarray:
        """Pixels of page points."""
        return (self.warp.forward(points_mm) + 0.5) / self.zoom - 0.5

    def inverse(self, points_px: np.ndarray) -> np.ndarray:
        """Page points of pixels."""
        return self.warp.inverse((np.asarray(points_px) + 0.5) * self.zoom - 0.5)


@dataclass(frozen=True, eq=False)
class Strip:
    """Ink of one segment in the page's frame: `ink` (rows, columns) at x = ``left_mm + column / scale``, y = ``top_mm + row / scale``."""

    ink: np.ndarray
    left_mm: float
    top_mm: float
    scale: float


def extent_mm(plane: np.ndarray, warp: PageWarp, span_mm: tuple[float, float]) -> tuple[float, float] | None:
    """Smallest and largest page y of a plane's ink between two page x; None if there is no ink."""
    page = warp.inverse(inked(plane, _FAINT * _full(plane)))
    inside = (page[:, 0] >= span_mm[0]) & (page[:, 0] <= span_mm[1])
    if inside.sum() < 8:
        return None
    return float(page[inside, 1].min()), float(page[inside, 1].max())


def inked(plane: np.ndarray, least: float) -> np.ndarray:
    """Pixels (n, 2) float64, (x, y), of a plane with more ink than `least`."""
    flat = np.flatnonzero(plane > plane.dtype.type(least))  # compared in the plane's own type: four times as fast for uint8
    rows, columns = np.divmod(flat, plane.shape[1])
    return np.column_stack([columns, rows]).astype(np.float64)


def straighten(plane: np.ndarray, warp: PageWarp, span_mm: tuple[float, float], reach_mm: tuple[float, float]) -> Strip:
    """Resample the ink of a plane between two page x and two page y, straightened, at the picture's own scale."""
    from scipy.ndimage import map_coordinates

    ink = map_coordinates(plane, _seen_at(warp, span_mm, reach_mm)[::-1], order=1, mode="constant", output=np.float32) / _full(plane)
    return Strip(ink, span_mm[0], reach_mm[0] - _EDGE_MM, warp.scale)


@lru_cache(maxsize=1)  # a page is asked for in several planes, one after the other
def _seen_at(warp: PageWarp, span_mm: tuple[float, float], reach_mm: tuple[float, float]) -> np.ndarray:
    """Pixel coordinates (2, rows, columns), x and y, of the points of a strip."""
    left, right = span_mm
    top, bottom = reach_mm[0] - _EDGE_MM, reach_mm[1] + _EDGE_MM
    coarse = [np.linspace(a, b, max(int(np.ceil((b - a) / _LATTICE_MM)), 1) + 1) for a, b in ((left, right), (top, bottom))]
    lattice = warp.forward(np.stack(np.meshgrid(*coarse), axis=-1).reshape(-1, 2)).reshape(len(coarse[1]), len(coarse[0]), 2)
    columns, rows = (np.arange(int((axis[-1] - axis[0]) * warp.scale) + 1) / ((axis[1] - axis[0]) * warp.scale) for axis in coarse)
    return _between(_between(np.moveaxis(lattice, 2, 0), columns).swapaxes(1, 2), rows).swapaxes(1, 2)


def forget_strips() -> None:
    """Free what is cached for further strips of the last page: 16 bytes a pixel."""
    _seen_at.cache_clear()


def _between(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Interpolate along the last axis linearly at `positions` in units of the spacing."""
    below = np.minimum(positions.astype(int), values.shape[-1] - 2)
    part = positions - below
    found = np.take(values, below, axis=-1)
    found *= 1.0 - part
    after = np.take(values, below + 1, axis=-1)
    after *= part
    found += after
    return found


def verticals(warp: PageWarp, x_mm: np.ndarray, reach_mm: tuple[float, float]) -> tuple[float, np.ndarray]:
    """Pixels of the page's verticals at page x (n,), over a range of page y.

    Returns
    -------
    top_mm : float
        Page y of the first height.
    curves : ndarray, shape (heights, n, 2)
        Pixels, at heights `CURVE_MM` apart.
    """
    top = reach_mm[0] - CURVE_MM
    levels = top + CURVE_MM * np.arange(int(np.ceil((reach_mm[1] - top) / CURVE_MM)) + 2)
    positions = np.stack(np.broadcast_arrays(x_mm[None, :], levels[:, None]), axis=-1)
    return top, warp.forward(positions.reshape(-1, 2)).reshape(positions.shape)


def column_means(strip: Strip, x_mm: np.ndarray) -> np.ndarray:
    """Page y at page x from the mean of every column's ink, interpolated linearly, as common digitisers do."""
    known, heights = _means(strip.ink)
    if not known.size:
        return np.full(len(x_mm), np.nan)
    return strip.top_mm + np.interp(x_mm, strip.left_mm + known / strip.scale, heights) / strip.scale


def along_ink(strip: Strip, x_mm: np.ndarray, pen_mm: float, hidden: np.ndarray | None = None) -> np.ndarray:
    """Page y at page x of a path through the ink that includes the tips of spikes; a fit starts from it.

    In the columns of a narrow spike every height lies in ink, so that a fit that starts half way up ends there.

    Parameters
    ----------
    strip : Strip
    x_mm : ndarray, shape (n,)
    pen_mm : float
        Width of the pen: a trace runs half of it below the tip of its ink.
    hidden : ndarray, shape of `strip.ink`, bool, optional
        Where something else covers the trace: a spike may run on behind it.
    """
    height, width = strip.ink.shape
    lows, highs = path_through(strip.ink, np.zeros(height))
    # From one column to the next a path goes where it is in both.
    joints = (np.maximum(lows[:-1], lows[1:]) + np.minimum(highs[:-1], highs[1:])) / 2
    inside = 0.5 * pen_mm * strip.scale
    sure = strip.ink >= np.float32(_SURE)
    through = sure if hidden is None else sure | hidden
    above, below = _tips(sure, through, lows), _tips(sure[::-1], through[::-1], height - 1 - highs)
    columns = np.concatenate([np.arange(width - 1) + 0.5, above[:, 0], below[:, 0]])
    rows = np.concatenate([joints, above[:, 1] + inside, height - 1 - below[:, 1] - inside])
    order = np.argsort(columns, kind="stable")
    return np.asarray(strip.top_mm + np.interp((x_mm - strip.left_mm) * strip.scale, columns[order], rows[order]) / strip.scale)


def path_through(ink: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest path through ink (height, width) from left to right: its first and last row (width,) in every column.

    `bias` (height,) is what a step to the right costs more in a row.
    """
    from fastecg.kernels.paths import cheapest_path

    lows, highs = np.empty(ink.shape[1], dtype=np.int64), np.empty(ink.shape[1], dtype=np.int64)
    cheapest_path(np.minimum(ink / np.float32(_SURE), 1.0), bias, _PAPER, _CLIMB, lows, highs)
    return lows, highs


def _tips(sure: np.ndarray, through: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Tips (n, 2), column and row, of `sure` ink that continues above the upper edge (columns,) of a path."""
    height, width = sure.shape
    rows = np.arange(height)[:, None]
    every = np.arange(width)
    reach = np.maximum.accumulate(np.where(through, -1, rows), axis=0)[edge, every] + 1
    inked = np.minimum.accumulate(np.where(sure, rows, height)[::-1], axis=0)[::-1]
    top = inked[np.minimum(reach, height - 1), every]  # nobody knows how far a spike goes behind a letter that it does not come out of
    padded = np.pad(edge, 1, mode="edge")
    missed = np.minimum(np.minimum(padded[:-2], padded[2:]), edge) - top > _TIP_PX
    tips = []
    for first, stop in runs_of(missed).tolist():
        highest = int(top[first:stop].min())
        tips.append((first + float(np.flatnonzero(top[first:stop] <= highest + 1).mean()), highest))
    return np.array(tips, dtype=np.float64).reshape(-1, 2)


def column_peaks(strip: Strip, x_mm: np.ndarray, temperature: float = 0.2) -> np.ndarray:
    """Page y at page x from the soft maximum of every column's ink, with monotone cubics between columns.

    So do networks that end in a softmax over columns.
    """
    from scipy.interpolate import PchipInterpolator
    from scipy.ndimage import gaussian_filter1d

    known, _ = _means(strip.ink)
    if known.size < 4:
        return np.full(len(x_mm), np.nan)
    ink = gaussian_filter1d(strip.ink[:, known], 0.7, axis=0)
    share = np.expm1(ink / temperature)  # 0 where there is no ink, so that a long column of paper does not count
    heights = (share * np.arange(len(share))[:, None]).sum(axis=0) / share.sum(axis=0)
    positions = np.clip((x_mm - strip.left_mm) * strip.scale, known[0], known[-1])
    return np.asarray(strip.top_mm + PchipInterpolator(known, heights)(positions) / strip.scale)


def far_from_ink(strip: Strip, x_mm: np.ndarray, most_mm: float) -> np.ndarray:
    """Which page x are farther than `most_mm` from the nearest column with ink."""
    known, _ = _means(strip.ink)
    if not known.size:
        return np.ones(len(x_mm), dtype=bool)
    positions = (x_mm - strip.left_mm) * strip.scale
    after = np.clip(np.searchsorted(known, positions), 1, max(len(known) - 1, 1))
    nearest = np.minimum(np.abs(positions - known[after - 1]), np.abs(positions - known[np.minimum(after, len(known) - 1)]))
    return np.asarray(nearest > most_mm * strip.scale)


def _means(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns with enough ink, and the mean row of each."""
    mass = ink.sum(axis=0)
    known = np.flatnonzero(mass > _ENOUGH)
    return known, (ink * np.arange(len(ink))[:, None]).sum(axis=0)[known] / mass[known]


def _full(plane: np.ndarray) -> float:
    """The value of a plane that means full coverage."""
    return 255.0 if plane.dtype == np.uint8 else 1.0
