"""Make a first reading of a segment: straighten its ink into a strip, and find one height in each column of the strip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fastecg.kernels.runs import runs_of

#: Distance of the 5 mm lines of a grid, mm.
FIVE_MM = 5.0
#: Distance in mm of the points by which `verticals` describes an upright line of the page. The line counts as straight between them.
CURVE_MM = 2.0

_LATTICE_MM = 2.0  # Distance of the points at which the warp is evaluated for a strip. Between these points, the warp is interpolated.
_EDGE_MM = 1.5  # Margin of a strip above and below the ink.
_FAINT = 0.12  # Pixels count for the extent of a trace if their coverage (0 to 1) is larger than this.
# Coverage (0 to 1) from which ink counts as full when a path is sought, because otherwise the path of a pale row would take the next row's
# darker ink. Only such ink can be the tip of a spike.
_FULL_INK = 0.6
_STEP_COST = 0.001  # Cost of a path's step of 1 px up or down.
_PAPER_COST = 1.0  # Additional cost of a path's step of 1 px up or down if it is over bare paper.
_TIP_PX = 3  # Ink in a column is the tip of a spike if it reaches farther than this beyond the path there and in both columns beside it.
_LEAST_INK = 0.3  # A column of a strip gives a height if its coverages add up to more than this.


class PageWarp(Protocol):
    """What digitising uses of a map between page (mm) and picture (px), such as a `fastecg.mesh.Warp`, `FittedWarp` or `ZoomedWarp`.

    The centre of a pixel has whole numbers as coordinates. Page y grows downwards, as the picture's does.
    """

    @property
    def scale(self) -> float:
        """Pixels of the picture per mm of the page."""
        ...

    def forward(self, points_mm: np.ndarray) -> np.ndarray:
        """Pixels (n, 2), (x, y), of page points (n, 2)."""
        ...

    def inverse(self, points_px: np.ndarray) -> np.ndarray:
        """Page points (n, 2), (x, y), of pixels (n, 2)."""
        ...


@dataclass(frozen=True, eq=False)
class ZoomedWarp:
    """The map between a page and a picture, derived from the map of a resized copy of the picture.

    Attributes
    ----------
    warp : PageWarp
        The map between the page and the resized copy.
    zoom : (float, float)
        Ratios of the copy's width and height to those of the picture. The two ratios differ a little, because sizes are whole pixels.
    """

    warp: PageWarp
    zoom: tuple[float, float]

    @property
    def scale(self) -> float:
        """Pixels of the picture per mm of the page."""
        return self.warp.scale / self.zoom[0]

    def forward(self, points_mm: np.ndarray) -> np.ndarray:
        """Pixels (n, 2), (x, y), of page points (n, 2)."""
        return (self.warp.forward(points_mm) + 0.5) / self.zoom - 0.5

    def inverse(self, points_px: np.ndarray) -> np.ndarray:
        """Page points (n, 2), (x, y), of pixels (n, 2)."""
        return self.warp.inverse((np.asarray(points_px) + 0.5) * self.zoom - 0.5)


@dataclass(frozen=True, eq=False)
class Strip:
    """The straightened ink of a part of a page, such as one segment or all rows.

    Attributes
    ----------
    ink : ndarray, shape (rows, columns)
        Coverage at page x ``left_mm + column / scale`` and page y ``top_mm + row / scale``.
    left_mm, top_mm : float
        Page position of the first pixel.
    scale : float
        Pixels of the strip per mm.
    """

    ink: np.ndarray
    left_mm: float
    top_mm: float
    scale: float


def extent_mm(plane: np.ndarray, warp: PageWarp, span_mm: tuple[float, float]) -> tuple[float, float] | None:
    """Smallest and largest page y of a plane's ink between two page x; None if the plane has fewer than 8 pixels of ink there."""
    page = warp.inverse(inked_pixels(plane, _FAINT * full_coverage(plane)))
    inside = (page[:, 0] >= span_mm[0]) & (page[:, 0] <= span_mm[1])
    if inside.sum() < 8:
        return None
    return float(page[inside, 1].min()), float(page[inside, 1].max())


def inked_pixels(plane: np.ndarray, least: float) -> np.ndarray:
    """Pixels (n, 2) float64, (x, y), of a plane that have more ink than `least`, in the units of the plane: up to 1, or 255 if uint8."""
    flat = np.flatnonzero(plane > plane.dtype.type(least))  # The comparison in the plane's own type is four times as fast for uint8.
    rows, columns = np.divmod(flat, plane.shape[1])
    return np.column_stack([columns, rows]).astype(np.float64)


def straighten(plane: np.ndarray, warp: PageWarp, span_mm: tuple[float, float], reach_mm: tuple[float, float]) -> Strip:
    """Resample the ink of a part of the page, which may be bent in the picture, to a straight strip with the scale of the picture.

    Parameters
    ----------
    plane : ndarray, shape (height, width)
        Coverage, 0 to 1, or 0 to 255 if it is uint8.
    warp : PageWarp
    span_mm : (float, float)
        Page x at which the strip begins, in the middle of its first column, and page x at which it ends.
    reach_mm : (float, float)
        Smallest and largest page y of the ink. The strip has a margin of `_EDGE_MM` above and below.

    Returns
    -------
    Strip
        Its coverage is 0 to 1, and 0 outside the picture.
    """
    from fastecg.kernels.straight import sample_straight

    ends = span_mm, (reach_mm[0] - _EDGE_MM, reach_mm[1] + _EDGE_MM)
    x, y = (np.linspace(a, b, max(int(np.ceil((b - a) / _LATTICE_MM)), 1) + 1) for a, b in ends)
    lattice = warp.forward(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(len(y), len(x), 2)
    # The strip's rows and columns, in units of the distance of lattice points.
    rows, columns = (np.arange(int((axis[-1] - axis[0]) * warp.scale) + 1) / ((axis[1] - axis[0]) * warp.scale) for axis in (y, x))
    ink = np.empty((len(rows), len(columns)), dtype=np.float32)
    sample_straight(plane, lattice, rows, columns, ink)
    ink /= full_coverage(plane)
    return Strip(ink, span_mm[0], reach_mm[0] - _EDGE_MM, warp.scale)


def verticals(warp: PageWarp, x_mm: np.ndarray, reach_mm: tuple[float, float]) -> tuple[float, np.ndarray]:
    """Positions in the picture of the page's upright lines at page x (n,), over a range of page y.

    The lines go at least `CURVE_MM` beyond both ends of the range.

    Returns
    -------
    top_mm : float
        Page y at which the lines begin.
    curves : ndarray, shape (heights, n, 2)
        Pixels, (x, y), of points of every line, one every `CURVE_MM` down the page.
    """
    top = reach_mm[0] - CURVE_MM
    levels = top + CURVE_MM * np.arange(int(np.ceil((reach_mm[1] - top) / CURVE_MM)) + 2)
    positions = np.stack(np.broadcast_arrays(x_mm[None, :], levels[:, None]), axis=-1)
    return top, warp.forward(positions.reshape(-1, 2)).reshape(positions.shape)


def column_means(strip: Strip, x_mm: np.ndarray) -> np.ndarray:
    """Page y (n,) at page x (n,) as the mean height of every column's ink, as common digitisers find it; all NaN if there is no ink.

    Between columns with ink, also across gaps, the mean is interpolated linearly; before the first and after the last, it is constant.
    """
    known, rows = _mean_rows(strip.ink)
    if not known.size:
        return np.full(len(x_mm), np.nan)
    return strip.top_mm + np.interp(x_mm, strip.left_mm + known / strip.scale, rows) / strip.scale


def along_ink(strip: Strip, x_mm: np.ndarray, pen_mm: float, hidden: np.ndarray | None = None) -> np.ndarray:
    """Page y (n,) at page x (n,) of a path through the ink that reaches the tips of narrow spikes.

    A fit of the stroke starts from this path. In the columns of a narrow spike there is ink at every height up to its tip, so a fit that
    starts halfway up the spike would stay there.

    Parameters
    ----------
    strip : Strip
    x_mm : ndarray, shape (n,)
    pen_mm : float
        Width of the pen: the stroke's middle is half this width from the end of the ink at a tip.
    hidden : ndarray, shape of `strip.ink`, bool, optional
        Where something else covers the trace. A spike may continue behind what covers it.
    """
    height, width = strip.ink.shape
    tops, bottoms = path_through(strip.ink, np.zeros(height))
    # Halfway between two columns, the path is at the middle of the rows of pixels that it has in both columns.
    crossings = (np.maximum(tops[:-1], tops[1:]) + np.minimum(bottoms[:-1], bottoms[1:])) / 2
    half_pen = 0.5 * pen_mm * strip.scale
    sure = strip.ink >= np.float32(_FULL_INK)
    through = sure if hidden is None else sure | hidden
    # Tips (column, row) of spikes that point up, and of spikes that point down, which are found with the strip upside down.
    above, below = _tips(sure, through, tops), _tips(sure[::-1], through[::-1], height - 1 - bottoms)
    columns = np.concatenate([np.arange(width - 1) + 0.5, above[:, 0], below[:, 0]])
    rows = np.concatenate([crossings, above[:, 1] + half_pen, height - 1 - below[:, 1] - half_pen])
    order = np.argsort(columns, kind="stable")
    return np.asarray(strip.top_mm + np.interp((x_mm - strip.left_mm) * strip.scale, columns[order], rows[order]) / strip.scale)


def path_through(ink: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the cheapest path through ink (height, width) from left to right.

    Parameters
    ----------
    ink : ndarray, shape (height, width)
        Coverage, 0 to 1.
    bias : ndarray, shape (height,)
        Additional cost of a step to the right in each row of pixels. The step itself costs 1 on bare paper and 0 on ink from `_FULL_INK`.

    Returns
    -------
    tops, bottoms : ndarray, shape (width,) int64
        Uppermost and lowest row of pixels of the path in every column.
    """
    from fastecg.kernels.paths import cheapest_path

    tops, bottoms = np.empty(ink.shape[1], dtype=np.int64), np.empty(ink.shape[1], dtype=np.int64)
    cheapest_path(np.minimum(ink / np.float32(_FULL_INK), 1.0), bias, _PAPER_COST, _STEP_COST, tops, bottoms)
    return tops, bottoms


def _tips(sure: np.ndarray, through: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Tips (n, 2), column and row, of ink that continues above the upper edge (columns,) of a path.

    `sure` and `through` (height, width) are masks: of the ink, and of the ink together with everything behind which the ink may continue.
    """
    height, width = sure.shape
    rows = np.arange(height)[:, None]
    columns = np.arange(width)
    # For every column, the uppermost row of the stretch of `through` that ends at the edge; for every pixel, the row of the first sure ink
    # at this pixel or below.
    highest_through = np.maximum.accumulate(np.where(through, -1, rows), axis=0)[edge, columns] + 1
    first_ink = np.minimum.accumulate(np.where(sure, rows, height)[::-1], axis=0)[::-1]
    # A spike that ends behind a letter is cut off where the letter begins, since nothing shows how far it continues.
    top = first_ink[np.minimum(highest_through, height - 1), columns]
    padded = np.pad(edge, 1, mode="edge")
    missed = np.minimum(np.minimum(padded[:-2], padded[2:]), edge) - top > _TIP_PX
    tips = []  # A tip is in the middle of those columns of its spike whose ink reaches within 1 px of the spike's highest row.
    for first, stop in runs_of(missed).tolist():
        highest = int(top[first:stop].min())
        tips.append((first + float(np.flatnonzero(top[first:stop] <= highest + 1).mean()), highest))
    return np.array(tips, dtype=np.float64).reshape(-1, 2)


def column_peaks(strip: Strip, x_mm: np.ndarray, temperature: float = 0.2) -> np.ndarray:
    """Page y (n,) at page x (n,) as the position of the soft maximum of every column's ink, with monotone cubics between columns.

    Networks that end in a softmax over each column read traces in the same way. `temperature` is that of the softmax, in units of coverage.
    The ink is smoothed along y first, by a Gaussian with a standard deviation of 0.7 px. Before the first and after the last column with
    ink, page y is constant. Every page y is NaN if fewer than four columns have ink.
    """
    from scipy.interpolate import PchipInterpolator
    from scipy.ndimage import gaussian_filter1d

    known, _ = _mean_rows(strip.ink)
    if known.size < 4:
        return np.full(len(x_mm), np.nan)
    ink = gaussian_filter1d(strip.ink[:, known], 0.7, axis=0)
    share = np.expm1(ink / temperature)  # Not `exp`, which is 1 on bare paper, so that a high column of paper would count.
    rows = (share * np.arange(len(share))[:, None]).sum(axis=0) / share.sum(axis=0)
    positions = np.clip((x_mm - strip.left_mm) * strip.scale, known[0], known[-1])
    return np.asarray(strip.top_mm + PchipInterpolator(known, rows)(positions) / strip.scale)


def far_from_ink(strip: Strip, x_mm: np.ndarray, most_mm: float) -> np.ndarray:
    """Mask (n,) of those page x (n,) that are farther than `most_mm` from the nearest column with ink; all of them if no column has ink."""
    known, _ = _mean_rows(strip.ink)
    if not known.size:
        return np.ones(len(x_mm), dtype=bool)
    positions = (x_mm - strip.left_mm) * strip.scale
    after = np.clip(np.searchsorted(known, positions), 1, max(len(known) - 1, 1))  # `known[after]` is the next column with ink.
    nearest = np.minimum(np.abs(positions - known[after - 1]), np.abs(positions - known[np.minimum(after, len(known) - 1)]))
    return np.asarray(nearest > most_mm * strip.scale)


def _mean_rows(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns (n,) with more ink than `_LEAST_INK`, and the mean row (n,) of the ink in each."""
    mass = ink.sum(axis=0)
    known = np.flatnonzero(mass > _LEAST_INK)
    return known, (ink * np.arange(len(ink))[:, None]).sum(axis=0)[known] / mass[known]


def full_coverage(plane: np.ndarray) -> float:
    """The value of a plane that means full coverage: 255 for uint8, otherwise 1."""
    return 255.0 if plane.dtype == np.uint8 else 1.0
