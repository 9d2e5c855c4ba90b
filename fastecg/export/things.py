"""Objects for detectors to find: traces, words, marks, pulses and the grid, with boxes, outlines, ink and key points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastecg.export.rendered import Rendered
from fastecg.photo import OTHER_LEAD
from fastecg.record import LEADS
from fastecg.writers.truth_json import reading_truth

#: Categories of objects; the category of a trace is its lead.
CATEGORIES = (*LEADS, "other_lead", "lead_name", "text", "pulse", "handwriting", "mark", "grid")

#: Number of key points of a trace. They are evenly spaced in time, from the first to the last sample.
TRACE_POINTS = 17

_NEAR_PX = 3.0  # Ink of a lead belongs to one of the lead's segments if it is at most the pen's width plus this from the segment's line.


@dataclass(frozen=True, eq=False)
class Thing:
    """Something in a picture. Points are (x, y) in px with pixel centres at integers."""

    category: str  # one of `CATEGORIES`
    outline: np.ndarray  # (n, 2), a polygon
    words: str = ""
    points: np.ndarray | None = None  # (k, 2), key points
    seen: np.ndarray | None = None  # (k,), of the key points: 0 unknown or outside the picture, 1 hidden, 2 visible
    ink: np.ndarray | None = None  # (height, width) bool, of a trace; other things fill their outline

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the outline; a pixel reaches from x - 0.5 to x + 0.5."""
        (left, top), (right, bottom) = self.outline.min(axis=0), self.outline.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


def things_in(picture: Rendered, *, ink: bool = True) -> Iterator[Thing]:
    """Everything that is at least partly in the picture, with outlines clipped to the picture.

    With `ink`, a trace has its ink, and the outline of this ink. Without, the outline of a trace is its box.
    """
    truth, size = picture.truth(), picture.size
    mask = picture.mask() if ink else None
    with reading_truth(picture.image.with_suffix(".json").name):
        yield from _found(truth, size, mask)


def _found(truth: dict[str, Any], size: tuple[int, int], mask: np.ndarray | None) -> Iterator[Thing]:
    """What `things_in` yields, from the truth, size (height, width) and mask of a picture; without a mask, traces have no ink."""
    for box in truth["fastecg"]["boxes"]:
        corners = _points(box["corners"])
        if box["kind"] == "lead":
            yield from _clipped(_trace(truth, box["trace"], corners, mask), size)
        else:
            yield from _clipped(Thing(_category(box["kind"]), corners, str(box["words"])), size)
    yield from _clipped(_grid(truth, size), size)


def _points(written: Any) -> np.ndarray:
    """Points (n, 2) of a truth file, with NaN for null."""
    return np.array(written, dtype=np.float64).reshape(-1, 2)


def _category(kind: str) -> str:
    """The category of a box of a truth file; kinds without a category of their own are marks."""
    return kind if kind in CATEGORIES else "mark"


def _trace(truth: dict[str, Any], index: int, corners: np.ndarray, mask: np.ndarray | None) -> Thing:
    """The thing for segment `index`. Without a mask, its outline is `corners`.

    With a mask, it has ink and the outline of this ink. If no ink is seen, it has no ink, and its outline is empty.
    """
    entry = truth["leads"][index]
    name = entry["lead_name"]
    points = _points(entry["plotted_pixels"])[:, ::-1]
    visible = np.asarray(truth["fastecg"]["visible"][index], dtype=bool)
    chosen = np.linspace(0, len(points) - 1, TRACE_POINTS).round().astype(int)
    positions = np.nan_to_num(points[chosen])
    inside = in_picture(points[chosen], (truth["height"], truth["width"]))
    seen = np.where(visible[chosen], 2, np.where(inside, 1, 0))
    thing = Thing(name if name in LEADS else "other_lead", corners, name, np.where(seen[:, None] > 0, positions, 0.0), seen)
    if mask is None:
        return thing
    ink = (mask == (LEADS.index(name) + 1 if name in LEADS else OTHER_LEAD)) & _near_line(points, mask.shape, truth)
    if not ink.any() and name not in LEADS and not (mask == OTHER_LEAD).any():
        return thing  # the mask was drawn by an earlier version, which left out other leads
    return replace(thing, ink=ink, outline=_ink_outline(ink, points)) if ink.any() else replace(thing, outline=np.empty((0, 2)))


def in_picture(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Which of the points (n, 2) (x, y) lie on a pixel of a picture of `size` (height, width): (n,) bool."""
    height, width = size
    with np.errstate(invalid="ignore"):
        return np.all((points >= -0.5) & (points < (width - 0.5, height - 0.5)), axis=1)


def _near_line(points: np.ndarray, shape: tuple[int, int], truth: dict[str, Any]) -> np.ndarray:
    """A mask of `shape` of a broad line along `points` (n, 2). It separates a rhythm strip from another segment of the strip's lead."""
    from PIL import Image, ImageDraw

    from fastecg.styles import style_for

    own = truth["fastecg"]
    pen = style_for(own["style"]).pen_mm * own["shot"]["setup"].get("pen_width", 1.0) * own["px_per_mm"]
    picture = Image.new("1", shape[::-1])
    draw = ImageDraw.Draw(picture)
    breaks = np.flatnonzero(~np.isfinite(points).all(axis=1))
    for run in np.split(points, breaks):
        run = run[np.isfinite(run).all(axis=1)]
        if len(run) > 1:
            draw.line([tuple(point) for point in run.tolist()], fill=1, width=round(2 * pen + 2 * _NEAR_PX), joint="curve")
    return np.asarray(picture)


def _ink_outline(ink: np.ndarray, points: np.ndarray) -> np.ndarray:
    """One polygon round a trace's ink: along its upper edge and back along its lower one, or left and right if the trace is upright."""
    from skimage.measure import approximate_polygon

    known = points[np.isfinite(points).all(axis=1)]
    across, down = np.abs(known[-1] - known[0])
    upright = down > across
    plane = ink.T if upright else ink
    columns = np.flatnonzero(plane.any(axis=0))
    # The outer edges of the first and the last pixel of ink in each column; a pixel reaches from k - 0.5 to k + 0.5.
    first = plane[:, columns].argmax(axis=0) - 0.5
    last = len(plane) - 0.5 - plane[::-1, columns].argmax(axis=0)
    forth = [(columns[0] - 0.5, first[0]), *zip(columns, first, strict=True), (columns[-1] + 0.5, first[-1])]
    back = [(columns[-1] + 0.5, last[-1]), *zip(columns[::-1], last[::-1], strict=True), (columns[0] - 0.5, last[0])]
    outline = np.vstack([approximate_polygon(np.array(side, dtype=np.float64), 0.5) for side in (forth, back)])
    return outline[:, ::-1] if upright else outline


def _grid(truth: dict[str, Any], size: tuple[int, int]) -> Thing:
    """The thing for the grid: its outline follows the outermost 5 mm lines, its key points are the corners of this outline."""
    page, px = (_points(truth["fastecg"]["grid"][key]) for key in ("page_mm", "px"))
    # Crossings are listed row by row, and those of one row have the same y on the page.
    columns = max(1, int((page[:, 1] == page[0, 1]).sum()))
    lattice = px.reshape(-1, columns, 2)
    # The first row, the last column, the last row backwards, and the first column upwards.
    border = np.vstack([lattice[0], lattice[1:, -1], lattice[-1, -2::-1], lattice[-2:0:-1, 0]])
    corners = lattice[[0, 0, -1, -1], [0, -1, -1, 0]]
    seen = np.where(in_picture(corners, size), 2, 0)
    return Thing("grid", border[np.isfinite(border).all(axis=1)], "", np.where(seen[:, None] > 0, np.nan_to_num(corners), 0.0), seen)


def _clipped(thing: Thing, size: tuple[int, int]) -> Iterator[Thing]:
    """Yield the thing with its outline clipped to the picture, or nothing if it is outside."""
    height, width = size
    outline = thing.outline
    for axis, edge, side in ((0, -0.5, 1), (0, width - 0.5, -1), (1, -0.5, 1), (1, height - 0.5, -1)):
        outline = _cut(outline, axis, edge, side)
    if len(outline) >= 3 and np.ptp(outline, axis=0).min() > 0:
        yield replace(thing, outline=outline)


def _cut(outline: np.ndarray, axis: int, edge: float, side: int) -> np.ndarray:
    """The part of a polygon (n, 2) where coordinate `axis` is at least `edge`, or at most if `side` is -1 (Sutherland, Hodgman 1974)."""
    kept: list[np.ndarray] = []
    for here, there in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        inside, next_inside = (side * (point[axis] - edge) >= 0 for point in (here, there))
        if inside:
            kept.append(here)
        if inside != next_inside:
            kept.append(here + (there - here) * (edge - here[axis]) / (there[axis] - here[axis]))
    return np.array(kept).reshape(-1, 2)
