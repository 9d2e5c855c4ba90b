"""Follow the traces of a page, row by row, and assign ink to rows where they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastecg.digitizing.coarse import PageWarp, Strip, path_through, straighten
from fastecg.kernels.runs import runs_of

_REACH_ROWS = 1.6  # A trace is followed up to this many row distances from its baseline.
_REACH_MM = 18.0  # A trace is followed at least this far from its baseline.
_PULL = 0.002  # Cost of a path per mm of distance from the baseline.
_FAR_PULL = 0.03  # Additional cost per mm where it is closer to the neighbouring row.
_INK = 0.15  # Least ink that is assigned to a row.
_FAINT = 0.02  # Least ink of a pixel that is copied to a row's plane.
_DARK_FIRST = (0.6, 0.5, 0.4, 0.3)  # Ink is assigned in this order: first that above 0.6, then that above 0.5, and so on.
_PIECE_MM = 2.5  # Least length of a piece of a path without a break in the ink for that ink to belong to the row for certain.
_STAY_PX = 3  # Ink within this distance of two rows' touching traces belongs to both.
#: Value of the network's trace map from which a pixel may belong to a trace.
TRACE = 0.12
_PEN_PX = 5  # Reach above and below a path within which its pen's ink is summed.
_THINNEST_PX = 0.7  # Columns with less ink (in px of full ink) are left out when the pen's width is measured.
_LEVEL = 0.05  # Quantile of the ink of columns that is the pen's width: where the trace runs level, a column has no more.
_ON_PATH_PX = 2  # Reach above and below a path within which ink is its own.
_INSIDE_MM = 0.4  # Distance inside a supposed end at which following the ink outwards starts.
_SOLID = 12  # A trace begins where four fifths of this many px have ink. Shorter pieces of ink are ignored.


@dataclass(frozen=True, eq=False)
class TracePath:
    """The path of a row of traces through the straightened page: smallest and largest page y in every column, mm."""

    top_mm: np.ndarray
    bottom_mm: np.ndarray
    left_mm: float
    scale: float

    def middle_at(self, x_mm: np.ndarray) -> np.ndarray:
        """The middle of the path at page x."""
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
        The same, with bridges where something is written over the traces.
    shown : Strip, optional
        The picture's own ink at the traces, if it is known.
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
    """The straightened ink of the page within the box (left, top, right, bottom) mm."""
    left, top, right, bottom = area_mm
    return straighten(plane, warp, (left, right), (top, bottom))


def follow_row(strip: Strip, baseline_mm: float, pitch_mm: float, span_mm: tuple[float, float]) -> TracePath:
    """The cheapest path along a row of a straightened page between two page x; rows are `pitch_mm` apart."""
    scale = strip.scale
    first, last = (int(np.clip((x - strip.left_mm) * scale, 0, strip.ink.shape[1] - 1)) for x in span_mm)
    reach = max(_REACH_ROWS * pitch_mm, _REACH_MM)
    low, high = (int(np.clip((baseline_mm + way * reach - strip.top_mm) * scale, 0, strip.ink.shape[0] - 1)) for way in (-1, 1))
    part = np.ascontiguousarray(strip.ink[low : high + 1, first : last + 1])
    y_mm = strip.top_mm + (low + np.arange(len(part))) / scale
    away = np.abs(y_mm - baseline_mm)
    bias = _PULL * away + _FAR_PULL * np.maximum(away - 0.35 * pitch_mm, 0.0)
    lows, highs = path_through(part, bias)
    return TracePath(y_mm[lows], y_mm[highs], strip.left_mm + first / scale, scale)


def _path(strip: Strip, path: TracePath) -> tuple[int, np.ndarray, np.ndarray]:
    """A path in pixels of a strip: its first column, and its first and last row in every column."""
    first = round((path.left_mm - strip.left_mm) * strip.scale)
    tops, bottoms = (np.rint((edge - strip.top_mm) * strip.scale).astype(int) for edge in (path.top_mm, path.bottom_mm))
    return first, tops, bottoms


def _beside(strip: Strip, path: TracePath, reach_px: int) -> tuple[np.ndarray, np.ndarray]:
    """The maximum and the sum of the ink in every column, from `reach_px` above a path to as much below."""
    from fastecg.kernels.paths import ink_beside

    first, tops, bottoms = _path(strip, path)
    most, mass = np.zeros(len(tops), dtype=strip.ink.dtype), np.zeros(len(tops), dtype=strip.ink.dtype)
    ink_beside(strip.ink[:, first : first + len(tops)], tops, bottoms, reach_px, most, mass)
    return most, mass


def assign_ink(strip: Strip, paths: list[TracePath]) -> np.ndarray:
    """Assign every pixel of ink to rows: (height, width) uint32, bit k for row k; 0 for no row.

    Ink belongs to the row with the path to which the way over connected ink is shortest. Close to where traces touch it belongs to both.
    """
    from fastecg.kernels.paths import share_ink, spread_owners

    owners = np.zeros(strip.ink.shape, dtype=np.uint8)
    crumbs = np.zeros(strip.ink.shape, dtype=np.uint8)
    for k, row in enumerate(paths, 1):
        first, tops, bottoms = _path(strip, row)
        spans = [(first + x, max(top, 0), bottom + 1) for x, (top, bottom) in enumerate(zip(tops, bottoms, strict=True))]
        unbroken = np.array([strip.ink[top:stop, x].min(initial=1.0) for x, top, stop in spans]) >= _INK
        for begin, end in runs_of(unbroken).tolist():
            plane = owners if end - begin >= _PIECE_MM * strip.scale else crumbs
            for x, top, stop in spans[begin:end]:
                plane[top:stop, x] = k
    # Dark ink first: where traces of two rows just touch, the ink between them is pale.
    for least in (*_DARK_FIRST, _INK):
        share_ink(strip.ink, least, owners)
    # A path may run over the tip of another row's spike, in short pieces. Such pieces get their owner only after all other ink.
    np.copyto(owners, crumbs, where=owners == 0)
    share_ink(strip.ink, _INK, owners)
    shared = np.zeros(strip.ink.shape, dtype=np.uint32)
    spread_owners(owners, _STAY_PX, shared)
    return shared


def own_planes(plane: np.ndarray, warp: PageWarp, strip: Strip, shared: np.ndarray, count: int) -> list[np.ndarray]:
    """The ink of every row in the picture's frame, uint8, as `assign_ink` divides it."""
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
    """Page x at which ink with a coverage of more than `least` begins and ends along a path; None if there is hardly any."""
    along, _ = _beside(strip, path, _ON_PATH_PX)
    solid = np.convolve(along > least, np.ones(_SOLID), mode="valid") >= 0.8 * _SOLID  # windows that begin at a column
    if not solid.any():
        return None
    left, right = int(np.argmax(solid)), len(solid) - 1 - int(np.argmax(solid[::-1])) + _SOLID - 1
    left += int(np.argmax(along[left : left + _SOLID] > least))
    right -= int(np.argmax(along[right - _SOLID + 1 : right + 1][::-1] > least))
    return path.left_mm + _edge(along, left, -1) / strip.scale, path.left_mm + _edge(along, right, 1) / strip.scale


def ends_near(strip: Strip, path: TracePath, starts: Sequence[tuple[float, int]]) -> list[float | None]:
    """Page x at which the ink along a path ends, followed outwards from each of the `starts` (page x, 1 for right or -1 for left)."""
    along, _ = _beside(strip, path, _ON_PATH_PX)
    found: list[float | None] = []
    for x_mm, way in starts:
        at = round((x_mm - way * _INSIDE_MM - path.left_mm) * path.scale)
        inside = _SOLID <= at < len(along) - _SOLID and along[at] >= TRACE
        found.append(path.left_mm + _edge(along, at, way) / strip.scale if inside else None)
    return found


def _edge(along: np.ndarray, at: int, way: int) -> float:
    """Position at which the ink falls to half its value inside, near its last column `at`; `way` is the direction outwards."""
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


def pen_mm(strip: Strip, path: TracePath) -> float:
    """Estimate the width of a row's trace from its thinnest columns, where it is level."""
    _, mass = _beside(strip, path, _PEN_PX)
    mass = mass[mass > _THINNEST_PX]
    return float(np.quantile(mass, _LEVEL)) / strip.scale if mass.size else 0.0


def level_mm(path: TracePath, span_mm: tuple[float, float]) -> float:
    """Mean height of a row's trace between two page x, mm; this is 0 mV, as machines remove any constant voltage."""
    first, last = (int(np.clip((x - path.left_mm) * path.scale, 0, len(path.top_mm) - 1)) for x in span_mm)
    return float(((path.top_mm + path.bottom_mm) / 2)[first : last + 1].mean())
