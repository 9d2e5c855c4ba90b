"""Find places where people write on a page: mostly in white space, sometimes across a trace."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from fastecg.page import Box, Page, Trace

CELL_MM = 2.5  # Side of the cells in which free paper is searched.
_FINE_MM = 0.5  # Side of the cells in which the distance of pen strokes from traces is measured.
_COMPARED = 4  # Number of places without a trace that are compared; the one with most space around it is taken.
_EDGE_MM = 3.0  # Width of the margin along the paper's edges in which nobody writes.

Extent = tuple[float, float, float, float]


@dataclass
class Room:
    """The occupied parts of a page, in cells of 2.5 mm.

    Attributes
    ----------
    page : Page
    traces, words : ndarray, shape (rows, columns) bool
        Cells through which a trace runs, and cells with other print, writing or marks.
    taken : list of (x0, y0, x1, y1)
        The rectangles, in mm, whose cells are set in `words`.
    shows : str
        The findings on the page, which notes must not contradict.
    """

    page: Page
    traces: np.ndarray
    words: np.ndarray
    taken: list[Extent] = field(default_factory=list)
    shows: str = ""

    @classmethod
    def of(cls, page: Page, boxes: tuple[Box, ...] = (), shows: str = "") -> Room:
        """The room on a page that carries `boxes` in addition to its print."""
        from fastecg.kernels.cells import mark_crossed_cells

        width, height = page.size_mm
        shape = (math.ceil(height / CELL_MM), math.ceil(width / CELL_MM))
        room = cls(page, np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool), shows=shows)
        for trace in page.traces:
            mark_crossed_cells(room.traces, trace.points_mm, CELL_MM)
        corners = np.array([box.corners_mm for box in (*page.boxes, *boxes) if box.kind != "lead"]).reshape(-1, 4, 2)
        for upper_left, lower_right in zip(corners.min(axis=1).tolist(), corners.max(axis=1).tolist(), strict=True):
            room.take((*upper_left, *lower_right))
        return room

    @cached_property
    def _trace_sums(self) -> np.ndarray:
        """Summed-area table (rows + 1, columns + 1) of the fine cells through which a trace runs."""
        from fastecg.kernels.cells import mark_crossed_cells

        width, height = self.page.size_mm
        cells = np.zeros((math.ceil(height / _FINE_MM), math.ceil(width / _FINE_MM)), dtype=bool)
        for trace in self.page.traces:
            mark_crossed_cells(cells, trace.points_mm, _FINE_MM)
        return _corner_sums(cells)

    def on_trace(self, points_mm: np.ndarray, reach_mm: np.ndarray) -> bool:
        """Whether a trace runs within `reach_mm` (n,) of any of the points (n, 2), give or take 0.5 mm; points of NaN do not count."""
        return self.share_on_trace(points_mm, reach_mm) > 0.0

    def share_on_trace(self, points_mm: np.ndarray, reach_mm: np.ndarray) -> float:
        """Share of the points (n, 2) that have a trace within `reach_mm` (n,), give or take 0.5 mm; points of NaN do not count."""
        drawn = np.isfinite(points_mm).all(axis=1)
        upper_left, lower_right = ((points_mm[drawn] + sign * reach_mm[drawn, None]) / _FINE_MM for sign in (-1, 1))
        # Four corners of a summed-area table give the number of crossed cells in the square round a point.
        sums = self._trace_sums
        most = np.array(sums.shape[::-1]) - 1
        (x0, y0), (x1, y1) = (np.clip(corner.astype(int), 0, most).T for corner in (np.floor(upper_left), np.floor(lower_right) + 1))
        return float(np.mean(sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] > 0)) if drawn.any() else 0.0

    def take(self, extent: Extent) -> None:
        """Mark a rectangle as written on."""
        x0, y0, x1, y1 = (int(edge // CELL_MM) for edge in extent)
        self.words[max(y0, 0) : max(y1 + 1, 0), max(x0, 0) : max(x1 + 1, 0)] = True
        self.taken.append(extent)

    def find(
        self, size_mm: tuple[float, float], rng: np.random.Generator, region: Extent | None = None, across: bool = False
    ) -> tuple[float, float] | None:
        """The upper left corner (x, y) mm of a free place of (width, height) `size_mm`; None if there is none.

        The place is within `region` if that is given and has one, else anywhere. With `across`, a trace runs through the place, at its
        edges if possible.
        """
        width, height = size_mm
        # One cell more than the place is large, because it may begin anywhere in its first cell.
        rows, columns = (math.ceil(edge / CELL_MM) + 1 for edge in (height, width))
        if rows > self.words.shape[0] or columns > self.words.shape[1]:
            return None
        free = (_window_sums(self.words, rows, columns) == 0) & self._off_edges(rows, columns)
        for wanted in self._crossings(rows, columns) if across else (_window_sums(self.traces, rows, columns) == 0,):
            suitable = free & wanted
            cells = np.argwhere(suitable & _in_region(region, suitable.shape, rows, columns)) if region else np.argwhere(suitable)
            cells = cells if len(cells) else np.argwhere(suitable)
            if len(cells):
                row, column = self._roomiest(cells[rng.integers(len(cells), size=1 if across else _COMPARED)], rows, columns)
                slack = rng.uniform(0.0, 1.0, 2) * (columns * CELL_MM - width, rows * CELL_MM - height)
                return float(column * CELL_MM + slack[0]), float(row * CELL_MM + slack[1])
        return None

    def _crossings(self, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """Two masks of windows of rows x columns cells: those that traces cross near the edges only, and those that traces cross anywhere.

        In the second mask, traces run through at least 12 % of a window's cells, and through at most 40 % of them plus four.
        """
        traces = _window_sums(self.traces, rows, columns)
        down, along = (rows - 1) // 4, columns // 4  # cells on each side of a window's middle, which is about half as high and wide
        middle = _window_sums(self.traces, rows - 2 * down, columns - 2 * along)
        middle = middle[down : down + traces.shape[0], along : along + traces.shape[1]]
        return (traces > 0) & (middle == 0), (traces >= 0.12 * rows * columns) & (traces <= 0.4 * rows * columns + 4)

    def _roomiest(self, cells: np.ndarray, rows: int, columns: int) -> tuple[int, int]:
        """The one of some cells (n, 2) whose window of rows x columns cells has the most free space around it."""
        full = self.traces | self.words
        taken = [
            int(np.count_nonzero(full[max(row - 2, 0) : row + rows + 2, max(column - 2, 0) : column + columns + 2]))
            for row, column in cells.tolist()
        ]
        row, column = cells[int(np.argmin(taken))].tolist()
        return row, column

    def _off_edges(self, rows: int, columns: int) -> np.ndarray:
        """Mask of windows of rows x columns cells that are at least `_EDGE_MM` from the paper's edges."""
        edge, (height, width) = math.ceil(_EDGE_MM / CELL_MM), self.words.shape
        mask = np.zeros((height - rows + 1, width - columns + 1), dtype=bool)
        mask[edge : height - rows + 1 - edge, edge : width - columns + 1 - edge] = True
        return mask

    def regions(self) -> dict[str, Extent]:
        """Regions, by name, in which people write notes: above, below and among the traces, and in the right 28 % of the page.

        Those above and below reach 12 mm into the traces' height. Without traces, the middle fifth of the page counts as their height.
        """
        width, height = self.page.size_mm
        rows = np.flatnonzero(self.traces.any(axis=1))
        top, bottom = (rows[0] * CELL_MM, (rows[-1] + 1) * CELL_MM) if len(rows) else (0.4 * height, 0.6 * height)
        return {
            "header": (0.0, 0.0, width, top + 12.0),
            "bottom": (0.0, bottom - 12.0, width, height),
            "right": (0.72 * width, 0.0, width, height),
            "among": (0.0, top, width, bottom),
        }


def beats(trace: Trace) -> np.ndarray:
    """Points (n, 2) mm at a trace's beats: the largest deflection of each, up or down; none if the trace has fewer than 20 samples."""
    points = trace.points_mm[np.isfinite(trace.points_mm).all(axis=1)]
    if len(points) < 20:
        return np.empty((0, 2))
    # Distance in mm from the median height. Deflections above 0.55 of the largest belong to beats.
    deflection = np.abs(points[:, 1] - np.median(points[:, 1]))
    step = points[1, 0] - points[0, 0]
    gap = max(1, round(7.0 / max(step, 1e-6)))  # beats are at least 7 mm apart: at 25 mm/s, up to 214 a minute
    found: list[int] = []
    for k in np.flatnonzero(deflection > 0.55 * deflection.max()).tolist():
        if found and k - found[-1] < gap:
            found[-1] = k if deflection[k] > deflection[found[-1]] else found[-1]
        else:
            found.append(k)
    return points[found]


def extent_of(trace: Trace) -> Extent:
    """The rectangle (x0, y0, x1, y1) mm round the samples of a trace."""
    upper_left, lower_right = np.nanmin(trace.points_mm, axis=0), np.nanmax(trace.points_mm, axis=0)
    return float(upper_left[0]), float(upper_left[1]), float(lower_right[0]), float(lower_right[1])


def _corner_sums(cells: np.ndarray) -> np.ndarray:
    """Summed-area table (rows + 1, columns + 1): the number of set cells above and to the left of every corner."""
    sums = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1), dtype=np.int64)
    sums[1:, 1:] = cells.cumsum(axis=0).cumsum(axis=1)
    return sums


def _window_sums(cells: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The number of set cells in every window of rows x columns."""
    sums = _corner_sums(cells)
    return sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]


def _in_region(region: Extent, shape: tuple[int, ...], rows: int, columns: int) -> np.ndarray:
    """Mask (of `shape`) of windows of rows x columns cells that lie in a region, give or take a cell."""
    x0, y0, x1, y1 = (edge / CELL_MM for edge in region)
    row, column = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    return (row >= y0 - 0.5) & (row + rows <= y1 + 1) & (column >= x0 - 0.5) & (column + columns <= x1 + 1)
