"""Training examples for the network that separates layers: windows of pictures, with the maps that the network should find in them.

Every window has about `SCALE` px/mm, whatever the resolution of its picture is. The maps are not resampled from the picture, but drawn at
that scale from the page and the picture's warp. So traces are sharp and 0.2 mm wide in the maps, even if they are thick, pale or blurred in
the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.mesh import CELL
from fastecg.record import LEADS

if TYPE_CHECKING:
    from PIL.Image import Image

    from fastecg.page import Page
    from fastecg.photo import Photo

#: Scale in px/mm at which the network sees a page: 200 dpi.
SCALE = 200.0 / 25.4
#: Names of the maps: the coverage by traces, by all grid lines, by 5 mm lines, by calibration pulses, by writing, and by paper.
MAPS = ("trace", "grid", "major", "pulse", "writing", "paper")
#: Classes of the marker map: no name, the name of each of the twelve leads, and the name of any other lead.
MARKERS = ("", *LEADS, "other")
#: Side of the cells of the marker map, px of the other maps.
MARKER_CELL = 4
#: Height and width of the network's input are multiples of this, px.
STRIDE = 32
#: Width of traces and pulses in the maps, mm.
THIN_MM = 0.2

_LABEL_EDGE_MM = 0.4  # Margin around a lead's name that belongs to it in the marker map, since a single "I" is narrower than two cells.


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a picture with its maps.

    Attributes
    ----------
    image : ndarray, shape (height, width, 3) uint8
    maps : ndarray, shape (6, height, width) uint8
        Coverage, 0 to 255, in the order of `MAPS`.
    markers : ndarray, shape (height / 4, width / 4) uint8
        Index into `MARKERS` for every cell.
    """

    image: np.ndarray
    maps: np.ndarray
    markers: np.ndarray


def windows(photo: Photo, rng: np.random.Generator, count: int, size: int) -> Iterator[Window]:
    """Cut windows at random positions from a picture, at random scales up to about 12 % off `SCALE`. Most of them show traces or words.

    Parameters
    ----------
    photo : Photo
    rng : Generator
    count : int
        Number of windows.
    size : int
        Side of the windows in px, a multiple of `CELL`.
    """
    from PIL import Image

    planes = _sheet_planes(photo)
    picture = Image.fromarray(photo.image)
    names, words = ([box.corners for box in photo.truth.boxes if box.kind == kind] for kind in ("lead_name", "text"))
    seen = [trace.points[trace.visible] for trace in photo.truth.traces]
    # Points (n, 2) px of the picture on traces, at corners of names of leads, and at corners of other words.
    anchors = tuple(np.concatenate(points) if points else np.empty((0, 2)) for points in (seen, names, words))
    for _ in range(count):
        zoom = SCALE / photo.warp.scale * np.exp(rng.uniform(-0.12, 0.12))  # Pixels of the window per pixel of the picture.
        side = size / zoom
        corner = _corner(photo, anchors, side, rng)
        yield _window(photo, picture, planes, corner, zoom, (size, size))


def _corner(photo: Photo, anchors: tuple[np.ndarray, ...], side: float, rng: np.random.Generator) -> np.ndarray:
    """The first pixel (x, y) of a window of `side` px of the picture. Most windows are close to a trace, a lead's name or other words."""
    height, width = photo.image.shape[:2]
    most = np.maximum((width - side, height - side), 0.0)
    choice = rng.choice(4, p=(0.47, 0.3, 0.1, 0.13))  # Traces, names, words, anywhere.
    if choice < len(anchors) and len(anchors[choice]):
        middle = anchors[choice][rng.integers(len(anchors[choice]))] + rng.uniform(-0.5, 0.5, 2) * side
        return np.clip(np.rint(middle - side / 2), 0.0, most)
    return np.floor(rng.uniform(0.0, 1.0, 2) * most)


def whole_window(photo: Photo) -> Window:
    """The whole picture at `SCALE` with the maps that the network should find. Sides are rounded down to multiples of `CELL` px."""
    from PIL import Image

    zoom = SCALE / photo.warp.scale
    height, width = (int(length * zoom) // CELL * CELL for length in photo.image.shape[:2])
    return _window(photo, Image.fromarray(photo.image), _sheet_planes(photo), np.zeros(2), zoom, (height, width))


def _window(photo: Photo, picture: Image, planes: dict[str, np.ndarray], corner: np.ndarray, zoom: float, shape: tuple[int, int]) -> Window:
    """The part of a picture whose first pixel is `corner` (x, y), resized by the factor `zoom`, and its maps, of shape (height, width)."""
    nodes = _nodes(photo, corner, zoom, shape)
    maps = np.empty((len(MAPS), *shape), dtype=np.uint8)
    # The planes are the flat page at `SCALE`, and `photo.marks` at the scale of the picture. Pixel centres are at integers, so the left and
    # the upper edge of the page are at -0.5 px.
    for k, name in enumerate(MAPS):
        if name != "trace":
            _sample(planes[name], nodes * SCALE - 0.5, maps[k])
    if photo.marks is not None:
        written = np.empty(shape, dtype=np.uint8)
        _sample(photo.marks, nodes * photo.warp.scale - 0.5, written)
        np.maximum(maps[MAPS.index("writing")], written, out=maps[MAPS.index("writing")])
    maps[MAPS.index("trace")] = _traces(photo, corner, zoom, shape)
    _cover(photo, maps, corner, zoom)
    return Window(_picture_of(picture, corner, zoom, shape), maps, _markers(photo, corner, zoom, shape))


def _picture_of(picture: Image, corner: np.ndarray, zoom: float, shape: tuple[int, int]) -> np.ndarray:
    """The pixels of a window, black beyond the edges of the picture."""
    from PIL import Image

    end = corner + np.array(shape[::-1]) / zoom
    size = shape[1], shape[0]
    if zoom >= 0.9:
        return np.asarray(picture.transform(size, Image.Transform.EXTENT, (*corner, *end), Image.Resampling.BILINEAR))
    # `transform` does not average pixels when it shrinks a picture, but `resize` does.
    upper_left, lower_right = np.floor(corner).astype(int), np.ceil(end).astype(int)
    part = picture.crop((*upper_left, *lower_right))
    return np.asarray(part.resize(size, Image.Resampling.BILINEAR, box=(*(corner - upper_left), *(end - upper_left))))


def _nodes(photo: Photo, corner: np.ndarray, zoom: float, shape: tuple[int, int]) -> np.ndarray:
    """Page points (…, 2) mm under every `CELL`-th pixel of a window, up to `CELL` px beyond it on every side."""
    y, x = ((CELL * (np.arange(n // CELL + 3) - 1.0) + 0.5) / zoom - 0.5 + edge for n, edge in zip(shape, corner[::-1], strict=True))
    return photo.warp.inverse(np.stack(np.meshgrid(x, y), axis=-1))


def _sample(plane: np.ndarray, nodes_px: np.ndarray, out: np.ndarray) -> None:
    """Resample a plane of the page into a map of a window, `out`. If the part that the window shows is 0 or 255 throughout, fill `out`.

    `nodes_px` (rows, columns, 2) are the positions in the plane of the nodes from `_nodes`.
    """
    from fastecg.kernels.plane import sample_plane

    upper_left, lower_right = np.floor(nodes_px.min(axis=(0, 1))) - 2, np.ceil(nodes_px.max(axis=(0, 1))) + 3
    if np.isfinite(upper_left + lower_right).all():
        (left, top), (right, bottom) = np.maximum(upper_left, 0).astype(int), np.maximum(lower_right, 0).astype(int)
        part = plane[top:bottom, left:right]
        inside = (upper_left >= 0).all() and right <= plane.shape[1] and bottom <= plane.shape[0]
        if not part.any() or (inside and part.min() == 255):
            out[:] = part.max(initial=0)
            return
    sample_plane(plane, nodes_px, CELL, out)


def _traces(photo: Photo, corner: np.ndarray, zoom: float, shape: tuple[int, int]) -> np.ndarray:
    """The map of traces of a window. Traces are `THIN_MM` wide, and interrupted where something hides their samples."""
    from fastecg.kernels.capsule import stroke_polyline

    plane = np.zeros(shape, dtype=np.uint8)
    size = np.array(shape[::-1])
    for trace in photo.truth.traces:
        points = (trace.points - corner + 0.5) * zoom - 0.5
        points[~_drawn(photo, trace.points, trace.visible)] = np.nan
        near = np.flatnonzero((points > -size / 2).all(axis=1) & (points < 1.5 * size).all(axis=1))
        if len(near):
            stroke_polyline(points[max(near[0] - 1, 0) : near[-1] + 2], THIN_MM * SCALE, plane)
    return plane


def _drawn(photo: Photo, points: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Mask of the points of a trace that count as drawn: those that are visible, and those outside the picture."""
    height, width = photo.warp.size
    with np.errstate(invalid="ignore"):
        outside = ((points < 0) | (points > (width - 1, height - 1))).any(axis=1)
    return visible | outside


def _cover(photo: Photo, maps: np.ndarray, corner: np.ndarray, zoom: float) -> None:
    """Set the maps of a window to 0 where something covers the page, in place."""
    if photo.covered is None:
        return
    y, x = (
        np.clip(np.rint((np.arange(n) + 0.5) / zoom - 0.5 + edge).astype(int), 0, most - 1)
        for n, edge, most in zip(maps.shape[1:], corner[::-1], photo.covered.shape, strict=True)
    )
    maps[:, photo.covered[y[:, None], x[None, :]]] = 0


def _markers(photo: Photo, corner: np.ndarray, zoom: float, shape: tuple[int, int]) -> np.ndarray:
    """The marker map of a window: for every cell, the index into `MARKERS` of the name that is in it, 0 without a name."""
    from skimage.draw import polygon2mask

    markers = np.zeros((shape[0] // MARKER_CELL, shape[1] // MARKER_CELL), dtype=np.uint8)
    for box in photo.truth.boxes:
        if box.kind != "lead_name":
            continue
        corners = (box.corners - corner + 0.5) * zoom / MARKER_CELL - 0.5
        middle = corners.mean(axis=0)
        if ((middle < -20) | (middle > np.array(markers.shape[::-1]) + 20)).any():  # Far outside the window, in cells.
            continue
        corners = corners + np.sign(corners - middle) * _LABEL_EDGE_MM * SCALE / MARKER_CELL
        lead = photo.truth.traces[box.trace].lead
        markers[polygon2mask(markers.shape, corners[:, ::-1])] = MARKERS.index(lead) if lead in LEADS else len(MARKERS) - 1
    return markers


def _sheet_planes(photo: Photo) -> dict[str, np.ndarray]:
    """Coverage (height, width) uint8 of the flat page at `SCALE`, by map, for all maps but that of traces, without marks by hand."""
    from fastecg.printing.grid import grid_plane
    from fastecg.sheet import draw_strokes, sheet_shape

    page, style = photo.page, photo.style
    shape = sheet_shape(page, SCALE)
    pulse = np.zeros(shape, dtype=np.uint8)
    draw_strokes((replace(stroke, width_mm=THIN_MM) for stroke in page.strokes), SCALE, pulse, only="pulse")
    return {
        "grid": grid_plane(shape, page.grid, style.grid, SCALE),
        "major": grid_plane(shape, page.grid, replace(style.grid, minor_mm=0.0), SCALE),
        "pulse": pulse,
        "writing": _writing(page, shape),
        "paper": np.full(shape, 255, dtype=np.uint8),
    }


def _writing(page: Page, shape: tuple[int, int]) -> np.ndarray:
    """Coverage (height, width) uint8 by printed words, by separators, and by all other strokes except pulses."""
    from fastecg.sheet import draw_strokes, text_plane

    plane = text_plane(page, SCALE, shape)  # With separators.
    draw_strokes((stroke for stroke in page.strokes if stroke.kind not in ("pulse", "separator")), SCALE, plane)
    return plane
