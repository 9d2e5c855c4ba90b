"""Following the traces of a page, row by row, and giving every row its own ink where rows overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastecg.digitizing.coarse import PageWarp, Strip, path_through, straighten
from fastecg.kernels.runs import runs_of

_REACH_ROWS = 1.6  # how far a trace may go from its baseline, in rows, and at least in mm
_REACH_MM = 18.0
_PULL = 0.002  # cost per mm from the baseline
_FAR_PULL = 0.03  # cost per mm nearer to the next row's
_INK = 0.15
_DARK_FIRST = (0.6, 0.5, 0.4, 0.3)
_FAINT = 0.02
_PIECE_MM = 2.5  # of a path that runs over ink without a break: a trace, and not the tip of another
_STAY_PX = 3  # ink this near to a row's own belongs to it as well
#: Of the network's ink from here on is a trace, however unsure.
TRACE = 0.12
_PEN_PX = 5  # beside a path, that its ink fills
_THINNEST_PX = 0.7  # of ink in a column, at least
_LEVEL = 0.05  # share of columns that are level
_ON_PATH_PX = 2  # from a path to ink that is its own
_INSIDE_MM = 0.4  # of a row's end, where its ink is looked for
_SOLID = 12  # px in which four fifths have ink: a trace, and no crumb


@dataclass(frozen=True, eq=False)
class Row:
    """A row of traces followed through the straightened page: its path's least and largest y of every column, mm."""

    top_mm: np.ndarray
    bottom_mm: np.ndarray
    left_mm: float
    scale: float

    def middle_at(self, x_mm: np.ndarray) -> np.ndarray:
        """The middle of the path at page x."""
        at = np.clip(np.rint((x_mm - self.left_mm) * self.scale).astype(int), 0, len(self.top_mm) - 1)
        return np.asarray((self.top_mm[at] + self.bottom_mm[at]) / 2)


@dataclass(frozen=True, eq=False)
class Straight:
    """A page seen straight.

    Attributes
    ----------
    network : Strip
        The network's traces.
    whole : Strip
        The same with what is written over them.
    shown : Strip, optional
        The picture's own ink of them, where it is known.
    ink, written : Strip, optional
        All of the picture's own ink, and what the network takes for writing.
    followed : tuple of Row
        The path of every track.
    """

    network: Strip
    whole: Strip
    shown: Strip | None
    ink: Strip | None
    written: Strip
    followed: tuple[Row, ...]


def page_strip(plane: np.ndarray, warp: PageWarp, area_mm: tuple[float, float, float, float]) -> Strip:
    """The ink of a page seen straight: (left, top, right, bottom) mm of it."""
    left, top, right, bottom = area_mm
    return straighten(plane, warp, (left, right), (top, bottom))


def follow_row(strip: Strip, baseline_mm: float, pitch_mm: float, span_mm: tuple[float, float]) -> Row:
    """The cheapest path along a row of a straightened page, between two page x; rows are `pitch_mm` apart."""
    scale = strip.scale
    first, last = (int(np.clip((x - strip.left_mm) * scale, 0, strip.ink.shape[1] - 1)) for x in span_mm)
    reach = max(_REACH_ROWS * pitch_mm, _REACH_MM)
    low, high = (int(np.clip((baseline_mm + way * reach - strip.top_mm) * scale, 0, strip.ink.shape[0] - 1)) for way in (-1, 1))
    part = np.ascontiguousarray(strip.ink[low : high + 1, first : last + 1])
    y_mm = strip.top_mm + (low + np.arange(len(part))) / scale
    away = np.abs(y_mm - baseline_mm)
    bias = _PULL * away + _FAR_PULL * np.maximum(away - 0.35 * pitch_mm, 0.0)
    lows, highs = path_through(part, bias)
    return Row(y_mm[lows], y_mm[highs], strip.left_mm + first / scale, scale)


def _path(strip: Strip, row: Row) -> tuple[int, np.ndarray, np.ndarray]:
    """A row's path in the pixels of a strip: its first column, and the first and last line of the path in every column."""
    first = round((row.left_mm - strip.left_mm) * strip.scale)
    tops, bottoms = (np.rint((edge - strip.top_mm) * strip.scale).astype(int) for edge in (row.top_mm, row.bottom_mm))
    return first, tops, bottoms


def _beside(strip: Strip, row: Row, reach_px: int) -> tuple[np.ndarray, np.ndarray]:
    """The most ink and all of it in every column of a row's path, from so many pixels above to so many below."""
    from fastecg.kernels.paths import ink_beside

    first, tops, bottoms = _path(strip, row)
    most, mass = np.zeros(len(tops), dtype=strip.ink.dtype), np.zeros(len(tops), dtype=strip.ink.dtype)
    ink_beside(strip.ink[:, first : first + len(tops)], tops, bottoms, reach_px, most, mass)
    return most, mass


def share(strip: Strip, rows: list[Row]) -> np.ndarray:
    """Whose ink every pixel of a straightened page is, (height, width) uint32: bit 0 for the first row; 0 for nobody's.

    Ink belongs to the row whose path it hangs together with on the shortest way. Next to where traces touch it belongs to both.
    """
    from fastecg.kernels.paths import share_ink, spread_owners

    owners = np.zeros(strip.ink.shape, dtype=np.uint8)
    crumbs = np.zeros(strip.ink.shape, dtype=np.uint8)
    for k, row in enumerate(rows, 1):
        first, tops, bottoms = _path(strip, row)
        tops = np.maximum(tops, 0)
        solid = np.array(
            [strip.ink[top : bottom + 1, first + x].min(initial=1.0) for x, (top, bottom) in enumerate(zip(tops, bottoms, strict=True))]
        )
        for start, stop in runs_of(solid >= _INK).tolist():
            plane = owners if stop - start >= _PIECE_MM * strip.scale else crumbs
            for x in range(start, stop):
                plane[tops[x] : bottoms[x] + 1, first + x] = k
    # Dark ink first: where the traces of two rows just touch, it is pale between them.
    for least in (*_DARK_FIRST, _INK):
        share_ink(strip.ink, least, owners)
    # Between the flanks of a spike a path may lead over the tip of another row's, which is shared by where that hangs together first.
    np.copyto(owners, crumbs, where=owners == 0)
    share_ink(strip.ink, _INK, owners)
    shared = np.zeros(strip.ink.shape, dtype=np.uint32)
    spread_owners(owners, _STAY_PX, shared)
    return shared


def own_planes(plane: np.ndarray, warp: PageWarp, strip: Strip, shared: np.ndarray, count: int) -> list[np.ndarray]:
    """The ink of every row in the picture's frame, uint8: what `share` gave it."""
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


def ends_mm(strip: Strip, row: Row, least: float = TRACE) -> tuple[float, float] | None:
    """Where the ink along a row's path begins and ends, page x; None if there is hardly any. It counts from `least` on."""
    along, _ = _beside(strip, row, _ON_PATH_PX)
    solid = np.convolve(along > least, np.ones(_SOLID), mode="valid") >= 0.8 * _SOLID  # windows that begin at a column
    if not solid.any():
        return None
    left, right = int(np.argmax(solid)), len(solid) - 1 - int(np.argmax(solid[::-1])) + _SOLID - 1
    left += int(np.argmax(along[left : left + _SOLID] > least))
    right -= int(np.argmax(along[right - _SOLID + 1 : right + 1][::-1] > least))
    return row.left_mm + _edge(along, left, -1) / strip.scale, row.left_mm + _edge(along, right, 1) / strip.scale


def ends_near(strip: Strip, row: Row, places: Sequence[tuple[float, int]]) -> list[float | None]:
    """Where the ink along a row's path, followed from a little inside of each page x, ends to the right (1) or left (-1), if at all."""
    along, _ = _beside(strip, row, _ON_PATH_PX)
    found: list[float | None] = []
    for x_mm, way in places:
        at = round((x_mm - way * _INSIDE_MM - row.left_mm) * row.scale)
        inside = _SOLID <= at < len(along) - _SOLID and along[at] >= TRACE
        found.append(row.left_mm + _edge(along, at, way) / strip.scale if inside else None)
    return found


def _edge(along: np.ndarray, at: int, way: int) -> float:
    """Where the ink falls to half of what it is inside, near its last column `at`; `way` leads out."""
    inside = along[max(at - _SOLID, 0) : at + 1] if way > 0 else along[at : at + _SOLID]
    half = 0.5 * float(np.median(inside))
    while 0 <= at < len(along) and along[at] < half:
        at -= way
    while 0 <= at + way < len(along) and along[at + way] >= half:
        at += way
    beyond = at + way
    if not 0 <= beyond < len(along):
        return float(at)
    return at + way * float((along[at] - half) / max(along[at] - along[beyond], 1e-6))


def pen_mm(strip: Strip, row: Row) -> float:
    """About how thick a row's trace is: the ink of the columns that have least, where it is level."""
    _, mass = _beside(strip, row, _PEN_PX)
    mass = mass[mass > _THINNEST_PX]
    return float(np.quantile(mass, _LEVEL)) / strip.scale if mass.size else 0.0


def level_mm(row: Row, span_mm: tuple[float, float]) -> float:
    """The mean height of a row's trace between two page x, mm: machines let no steady voltage through, so that it is 0 mV."""
    first, last = (int(np.clip((x - row.left_mm) * row.scale, 0, len(row.top_mm) - 1)) for x in span_mm)
    return float(((row.top_mm + row.bottom_mm) / 2)[first : last + 1].mean())
