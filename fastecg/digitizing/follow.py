"""Follow the traces of a page, row by row, and assign ink to rows where they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastecg.digitizing.coarse import PageWarp, Strip, path_through, straighten
from fastecg.kernels.runs import runs_of

_REACH_ROWS = 1.6  # A trace is followed up to this many row distances above and below the level of its row.
_REACH_MM = 18.0  # A trace is followed at least this far above and below the level of its row.
_PULL = 0.002  # Cost of a path in each column of pixels, per mm of its distance from the level of its row of traces.
_FAR_PULL = 0.03  # Additional cost in each column of pixels, per mm by which this distance exceeds 0.35 times the distance of rows.
_INK = 0.15  # Minimum coverage (0 to 1) of ink that is assigned to a row of traces.
_FAINT = 0.02  # A pixel is copied to a row's plane if its coverage (0 to 1) is larger than this.
# Ink is assigned to rows in the order of its coverage: first ink of at least 0.6, then of at least 0.5, and so on; last of at least `_INK`.
_DARK_FIRST = (0.6, 0.5, 0.4, 0.3)
_PIECE_MM = 2.5  # Where a path is on ink without a break for at least this length, the ink certainly belongs to its row.
_EDGE_PX = 3  # Paper at most this far (along x and along y) from ink of a row of traces belongs to the row.
#: Value (0 to 1) of the network's map of traces from which a pixel may belong to a trace.
TRACE = 0.12
_PEN_PX = 5  # Reach above and below a path within which its pen's ink is summed.
_THINNEST_PX = 0.7  # Columns with less ink (in px of full ink) are left out when the pen's width is measured.
# The columns with least ink are those where the trace is level, and there the ink is as high as the pen is wide. So the ink in a column
# is measured, and its quantile over the columns is taken for the pen's width.
_LEVEL_QUANTILE = 0.05
_ON_PATH_PX = 2  # Reach above and below a path within which ink counts as ink on the path.
_INSIDE_MM = 0.4  # Ink is followed outwards from a point that is this far inwards from a supposed end of a trace.
_SOLID_PX = 12  # A trace begins or ends only where at least 80 % of this many successive columns have ink.


@dataclass(frozen=True, eq=False)
class TracePath:
    """The path of a row of traces through the straightened page.

    Attributes
    ----------
    top_mm, bottom_mm : ndarray, shape (columns,)
        Smallest and largest page y of the path in every column of pixels.
    left_mm : float
        Page x of the first column.
    scale : float
        Columns per mm.
    """

    top_mm: np.ndarray
    bottom_mm: np.ndarray
    left_mm: float
    scale: float

    def middle_at(self, x_mm: np.ndarray) -> np.ndarray:
        """Page y (n,) of the middle of the path, between its top and its bottom, in the columns nearest to page x (n,)."""
        at = np.clip(np.rint((x_mm - self.left_mm) * self.scale).astype(int), 0, len(self.top_mm) - 1)
        return np.asarray((self.top_mm[at] + self.bottom_mm[at]) / 2)


@dataclass(frozen=True, eq=False)
class StraightPage:
    """The straightened page, in strips.

    Attributes
    ----------
    network : Strip
        The network's map of traces.
    whole : Strip
        The network's map of traces; where something is written over traces, at least half the coverage by the picture's own ink.
    shown : Strip, optional
        The picture's own ink, if it is known, at and beside the network's traces.
    ink : Strip, optional
        All of the picture's own ink, if it is known.
    written : Strip
        The network's map of writing.
    followed : tuple of TracePath
        The path of every track.
    """

    network: Strip
    whole: Strip
    shown: Strip | None
    ink: Strip | None
    written: Strip
    followed: tuple[TracePath, ...]


def page_strip(plane: np.ndarray, warp: PageWarp, area_mm: tuple[float, float, float, float]) -> Strip:
    """The straightened ink of a plane within the box (left, top, right, bottom) of the page, mm."""
    left, top, right, bottom = area_mm
    return straighten(plane, warp, (left, right), (top, bottom))


def follow_row(strip: Strip, row_mm: float, pitch_mm: float, span_mm: tuple[float, float]) -> TracePath:
    """The cheapest path along a row of traces, whose level is at page y `row_mm`, between two page x; rows are `pitch_mm` apart."""
    scale = strip.scale
    first, last = (int(np.clip((x - strip.left_mm) * scale, 0, strip.ink.shape[1] - 1)) for x in span_mm)
    reach = max(_REACH_ROWS * pitch_mm, _REACH_MM)
    top, bottom = (int(np.clip((row_mm + way * reach - strip.top_mm) * scale, 0, strip.ink.shape[0] - 1)) for way in (-1, 1))
    part = np.ascontiguousarray(strip.ink[top : bottom + 1, first : last + 1])
    y_mm = strip.top_mm + (top + np.arange(len(part))) / scale
    away = np.abs(y_mm - row_mm)
    bias = _PULL * away + _FAR_PULL * np.maximum(away - 0.35 * pitch_mm, 0.0)
    tops, bottoms = path_through(part, bias)
    return TracePath(y_mm[tops], y_mm[bottoms], strip.left_mm + first / scale, scale)


def in_pixels(strip: Strip, path: TracePath) -> tuple[int, np.ndarray, np.ndarray]:
    """A path in pixels of a strip: its first column, and its uppermost and lowest row of pixels (columns,) in every column."""
    first = round((path.left_mm - strip.left_mm) * strip.scale)
    tops, bottoms = (np.rint((edge - strip.top_mm) * strip.scale).astype(int) for edge in (path.top_mm, path.bottom_mm))
    return first, tops, bottoms


def _beside(strip: Strip, path: TracePath, reach_px: int) -> tuple[np.ndarray, np.ndarray]:
    """The maximum and the sum (columns,) of the coverage in every column of a path, from `reach_px` above it to `reach_px` below it."""
    from fastecg.kernels.paths import ink_beside

    first, tops, bottoms = in_pixels(strip, path)
    most, mass = np.zeros(len(tops), dtype=strip.ink.dtype), np.zeros(len(tops), dtype=strip.ink.dtype)
    ink_beside(strip.ink[:, first : first + len(tops)], tops, bottoms, reach_px, most, mass)
    return most, mass


def assign_ink(strip: Strip, paths: list[TracePath]) -> np.ndarray:
    """Assign every pixel of ink to rows of traces: (height, width) uint32, in which bit k is set for row k, from 0, and 0 is no row.

    Ink belongs to the row from whose path the way over connected ink has the fewest sideways steps (see `share_ink`). Dark ink is assigned
    before pale ink. Ink that is connected with no path belongs to no row. Paper within `_EDGE_PX` of a row's ink belongs to this row as
    well, for the soft edges of strokes.
    """
    from fastecg.kernels.paths import share_ink, spread_owners

    owners = np.zeros(strip.ink.shape, dtype=np.uint8)
    crumbs = np.zeros(strip.ink.shape, dtype=np.uint8)
    for k, row in enumerate(paths, 1):
        first, tops, bottoms = in_pixels(strip, row)
        # For every column of the path: the column, the path's first row of pixels in it, and the row of pixels after its last one. The path
        # is unbroken in a column if it is all ink there.
        spans = [(first + x, max(top, 0), bottom + 1) for x, (top, bottom) in enumerate(zip(tops, bottoms, strict=True))]
        unbroken = np.array([strip.ink[top:stop, x].min(initial=1.0) for x, top, stop in spans]) >= _INK
        for begin, end in runs_of(unbroken).tolist():
            plane = owners if end - begin >= _PIECE_MM * strip.scale else crumbs
            for x, top, stop in spans[begin:end]:
                plane[top:stop, x] = k
    # Dark ink first: where traces of two rows just touch, the ink between these traces is pale.
    for least in (*_DARK_FIRST, _INK):
        share_ink(strip.ink, least, owners)
    # Where a path is on ink for a short piece only, it may run over the tip of another row's spike. Such pieces (`crumbs`) belong to the
    # path's row only if no other row has taken them, and from there the rest of the ink gets its row.
    np.copyto(owners, crumbs, where=owners == 0)
    share_ink(strip.ink, _INK, owners)
    shared = np.zeros(strip.ink.shape, dtype=np.uint32)
    spread_owners(owners, _EDGE_PX, shared)
    return shared


def own_planes(plane: np.ndarray, warp: PageWarp, strip: Strip, shared: np.ndarray, count: int) -> list[np.ndarray]:
    """The ink (height, width) uint8, 0 to 255, of each of the first `count` rows of traces, in the picture's frame.

    Parameters
    ----------
    plane : ndarray, shape (height, width)
        The ink of all rows, 0 to 1, in the picture's frame.
    warp : PageWarp
    strip : Strip
        The straightened page.
    shared : ndarray
        The rows of traces to which every pixel of the strip belongs, from `assign_ink`.
    count : int
    """
    rows, columns = np.nonzero(plane > _FAINT)
    page = warp.inverse(np.column_stack([columns, rows]).astype(np.float64))
    x, y = (np.rint((page[:, axis] - edge) * strip.scale) for axis, edge in ((0, strip.left_mm), (1, strip.top_mm)))
    inside = (x >= 0) & (y >= 0) & (x < shared.shape[1]) & (y < shared.shape[0])
    bits = np.zeros(len(rows), dtype=np.uint32)
    bits[inside] = shared[y[inside].astype(int), x[inside].astype(int)]
    ink = np.rint(255 * plane[rows, columns]).astype(np.uint8)
    planes = []
    for k in range(count):
        mine = (bits >> np.uint32(k)) & np.uint32(1) == 1
        own = np.zeros(plane.shape, dtype=np.uint8)
        own[rows[mine], columns[mine]] = ink[mine]
        planes.append(own)
    return planes


def ends_mm(strip: Strip, path: TracePath, least: float = TRACE) -> tuple[float, float] | None:
    """Page x at which the ink along a path begins and ends: where coverage falls to half its usual value. None if there is hardly any ink.

    A column has ink if its coverage is more than `least`, 0 to 1.
    """
    along, _ = _beside(strip, path, _ON_PATH_PX)
    solid = np.convolve(along > least, np.ones(_SOLID_PX), mode="valid") >= 0.8 * _SOLID_PX  # For windows that begin at each column.
    if not solid.any():
        return None
    # The first column of the first solid window, and the last column of the last solid window; from both inwards to a column with ink.
    left, right = int(np.argmax(solid)), len(solid) - 1 - int(np.argmax(solid[::-1])) + _SOLID_PX - 1
    left += int(np.argmax(along[left : left + _SOLID_PX] > least))
    right -= int(np.argmax(along[right - _SOLID_PX + 1 : right + 1][::-1] > least))
    return path.left_mm + _edge(along, left, -1) / strip.scale, path.left_mm + _edge(along, right, 1) / strip.scale


def ends_near(strip: Strip, path: TracePath, starts: Sequence[tuple[float, int]]) -> list[float | None]:
    """Page x at which the ink along a path ends, near each of several supposed ends.

    Each of the `starts` is the page x of a supposed end, and 1 for a right end or -1 for a left one. For a supposed end without ink just
    inwards of it, or close to an end of the path, None is returned.
    """
    along, _ = _beside(strip, path, _ON_PATH_PX)
    found: list[float | None] = []
    for x_mm, way in starts:
        at = round((x_mm - way * _INSIDE_MM - path.left_mm) * path.scale)
        inside = _SOLID_PX <= at < len(along) - _SOLID_PX and along[at] >= TRACE
        found.append(path.left_mm + _edge(along, at, way) / strip.scale if inside else None)
    return found


def _edge(along: np.ndarray, at: int, way: int) -> float:
    """Fractional column at which coverage (columns,) falls to half its usual value, near column `at`; 0 is the middle of column 0.

    `way` is the direction outwards: 1 for a right end, -1 for a left one. The usual value is the median over about `_SOLID_PX` columns from
    `at` inwards. If the ink goes on to the end of `along` on this side, the last column there is returned.
    """
    inside = along[max(at - _SOLID_PX, 0) : at + 1] if way > 0 else along[at : at + _SOLID_PX]
    half = 0.5 * float(np.median(inside))
    # Inwards to a column with ink, if `at` has none, and then outwards to the last column before the ink breaks off.
    while 0 <= at < len(along) and along[at] < half:
        at -= way
    while 0 <= at + way < len(along) and along[at + way] >= half:
        at += way
    beyond = at + way
    if not 0 <= beyond < len(along):
        return float(at)
    return at + way * float((along[at] - half) / max(along[at] - along[beyond], 1e-6))


def pen_mm(strip: Strip, path: TracePath) -> float:
    """Estimate the width of the pen, mm, from the columns with least ink along a path, where the trace is level; 0 without ink."""
    _, mass = _beside(strip, path, _PEN_PX)
    mass = mass[mass > _THINNEST_PX]
    return float(np.quantile(mass, _LEVEL_QUANTILE)) / strip.scale if mass.size else 0.0


def level_mm(path: TracePath, span_mm: tuple[float, float]) -> float:
    """Mean page y of a row's path between two page x. It is taken for 0 mV, because machines remove any constant voltage."""
    first, last = (int(np.clip((x - path.left_mm) * path.scale, 0, len(path.top_mm) - 1)) for x in span_mm)
    return float(((path.top_mm + path.bottom_mm) / 2)[first : last + 1].mean())
