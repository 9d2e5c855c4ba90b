"""`Photo`, a picture of a page, and `Truth`, where everything on the page is in the picture.

Truth is computed when it is asked for. Besides the page (with the boxes of what artifacts added), its style and the warp, it needs only
the plane of handwriting and marks, and the pixels at which the print is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastecg.mesh import CELL, Warp
from fastecg.page import Page, Trace
from fastecg.record import LEADS, Record
from fastecg.styles.style import Style

if TYPE_CHECKING:
    from PIL import Image

    from fastecg.shot import Shot

# Numbers of bits of `Truth.layers`; 0 to 11 are the twelve leads.
TEXT_BIT = 12  #: printed text, calibration pulses and all other printed lines but traces and grid
MARK_BIT = 13  #: handwriting and marks
GRID_BIT = 14
PAGE_BIT = 15
OTHER_BIT = 16  #: leads other than the twelve, if the page has any

OTHER_LEAD = 13  #: class in `Truth.mask` of leads other than the twelve

_LONG_MM = 40.0  # Boxes longer or higher than this are sampled at three times as many points.

_WIDEST_PX = 1600  # Largest width of a picture in a notebook, px.

Window = tuple[slice, slice]


@dataclass(frozen=True, eq=False, repr=False)
class TraceTruth:
    """Positions of the samples of one drawn lead segment in the picture.

    `points` (n, 2) float64 are the positions (x, y) in px of samples `start` to `stop` (not included), NaN in gaps. `visible` (n,) is False
    for samples that are outside the picture, in a gap, or hidden. `trace` is the segment on the page.
    """

    lead: str
    start: int
    stop: int
    points: np.ndarray
    visible: np.ndarray
    rhythm: bool
    trace: Trace

    def __repr__(self) -> str:
        return f"TraceTruth({self.lead}{', rhythm strip' if self.rhythm else ''}, samples {self.start} to {self.stop})"


@dataclass(frozen=True, eq=False)
class PixelBox:
    """A rectangle around something in the picture, parallel to its writing: corners (4, 2) in px, clockwise from the top left.

    `kind`, `words` and `trace` are those of the page's `Box`.
    """

    kind: str
    words: str
    corners: np.ndarray
    trace: int = -1


@dataclass(frozen=True, eq=False, repr=False)
class Photo:
    """A finished picture.

    Attributes
    ----------
    image : ndarray, shape (height, width, 3) uint8
        sRGB.
    page, style, warp : Page, Style, Warp
        What was printed, the look of the machine that printed it, and the map between page and picture.
    shot : Shot
        All values from which the picture was made; `Shot.take` makes it again, bit for bit.
    record : Record
        The record that is shown.
    covered : ndarray, shape (height, width) bool, or None
        Pixels at which the print is hidden by something over the page, by a hole of the page, or by what is painted over the picture.
    marks : ndarray, shape (sheet height, sheet width) uint8, or None
        Coverage by handwriting and marks, on the flat sheet at the scale of `warp`.

    Examples
    --------
    >>> import fastecg
    >>> photo = fastecg.render(fastecg.simulate(seed=1), layout="3x4+1", style="muse", dpi=100)
    >>> photo
    Photo(1100 x 850 px, recipe clean, style muse, layout 3x4+1, record 'sinus-normal-1')
    >>> photo.image.shape, int(photo.truth.mask().max())
    ((850, 1100, 3), 12)
    """

    image: np.ndarray
    page: Page
    style: Style
    warp: Warp
    shot: Shot
    record: Record
    covered: np.ndarray | None = None
    marks: np.ndarray | None = None

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        shot = self.shot
        return f"Photo({width} x {height} px, recipe {shot.recipe}, style {shot.style}, layout {shot.layout}, record {self.record.name!r})"

    def _repr_png_(self) -> bytes:
        """The picture as PNG, by which notebooks show it; wide pictures are reduced."""
        return _png(self.image)

    @cached_property
    def truth(self) -> Truth:
        """Positions of everything in the picture."""
        return Truth(self.page, self.style, self.warp, self.covered, self.marks)

    def show_truth(self, *, zoom: int = 1) -> Image.Image:
        """The picture `zoom` times as large, with its truth: leads in colours, hidden samples magenta, boxes blue, 5 mm crossings green."""
        from PIL import Image

        from fastecg.web.inspect import draw_truth
        from fastecg.writers.truth_json import read_truth, truth_bytes

        return Image.fromarray(draw_truth(self.image, read_truth(truth_bytes(self)), zoom=zoom))

    def save(self, path: str | Path, *, quality: int | None = None) -> None:
        """Write the image, and its truth as ``.json`` beside it.

        Parameters
        ----------
        path : str or Path
            Path of the image. Its suffix gives the format: ``.png``, ``.jpg``, ``.webp`` or ``.tiff``.
        quality : int, optional
            1 to 100, for JPEG (95 unless given) and WebP (90).
        """
        from fastecg.writers import save_photo

        save_photo(self, Path(path), quality=quality)


@dataclass(frozen=True, eq=False, repr=False)
class Truth:
    """Positions in a picture of everything on the page. Pixel centres are at integer coordinates.

    Examples
    --------
    >>> import fastecg
    >>> truth = fastecg.render(fastecg.simulate(seed=1), layout="3x4+1", style="muse", dpi=100).truth
    >>> truth
    Truth(13 traces on a page of 279.4 x 215.9 mm, in 1100 x 850 px)
    >>> trace = truth.traces[0]
    >>> trace.lead, trace.points.shape, bool(trace.visible.all())
    ('I', (1250, 2), True)
    >>> truth.to_page(truth.to_image([[100.0, 80.0]])).round(6).tolist()
    [[100.0, 80.0]]
    """

    page: Page
    style: Style
    warp: Warp
    covered: np.ndarray | None = None
    marks: np.ndarray | None = None

    def __repr__(self) -> str:
        (width_mm, height_mm), (height, width) = self.page.size_mm, self.warp.size
        return f"Truth({len(self.page.traces)} traces on a page of {width_mm:g} x {height_mm:g} mm, in {width} x {height} px)"

    @cached_property
    def traces(self) -> tuple[TraceTruth, ...]:
        """The drawn segments of leads, in the order of `Page.traces`."""
        # All traces are mapped in one call, because every call that inverts the warp has a fixed cost.
        ends = np.cumsum([len(trace.points_mm) for trace in self.page.traces])[:-1]
        points_mm = np.concatenate([np.empty((0, 2)), *(trace.points_mm for trace in self.page.traces)])
        pixels = self.to_image(points_mm)
        # Without traces, split gives one empty part, which is left out.
        parts = zip(self.page.traces, np.split(pixels, ends), np.split(self.is_visible(pixels), ends), strict=False)
        return tuple(TraceTruth(trace.lead, trace.start, trace.stop, points, seen, trace.rhythm, trace) for trace, points, seen in parts)

    @cached_property
    def boxes(self) -> tuple[PixelBox, ...]:
        """The page's boxes in the picture: for each the smallest rectangle, parallel to the writing, that holds its (bent) outline."""
        boxes = self.page.boxes
        corners = np.stack([box.corners_mm for box in boxes]) if boxes else np.empty((0, 4, 2))
        if self.warp.is_flat:
            found = self.to_image(corners)
        else:
            # In a bent picture, sides of a box are curves: points along them are mapped, and the box encloses the mapped points.
            found, long = np.empty_like(corners), np.ptp(corners, axis=1).max(axis=1) > _LONG_MM
            for some, steps_a_side in ((~long, 16), (long, 48)):
                found[some] = _enclosing(self.to_image(_outlines(corners[some], steps_a_side)))
        return tuple(PixelBox(box.kind, box.words, quad, box.trace) for box, quad in zip(boxes, found, strict=True))

    def to_page(self, points_px: np.ndarray) -> np.ndarray:
        """Page points (…, 2) in mm that are seen at pixel positions (…, 2).

        Pixels beside the page give points beyond its edges; pixels far from it give NaN.
        """
        return self.warp.inverse(points_px)

    def to_image(self, points_mm: np.ndarray) -> np.ndarray:
        """Pixel positions (…, 2) of page points (…, 2) in mm, also if they are outside the picture."""
        return self.warp.forward(points_mm)

    def is_visible(self, points_px: np.ndarray) -> np.ndarray:
        """Whether points (n, 2) in px are in the picture and not hidden, (n,) bool."""
        height, width = self.warp.size
        x, y = points_px[:, 0], points_px[:, 1]
        with np.errstate(invalid="ignore"):
            # Pixels reach half a pixel beyond their centres. Comparisons with NaN are false, so points of NaN are not visible.
            inside = (x >= -0.5) & (y >= -0.5) & (x < width - 0.5) & (y < height - 0.5)
        if self.covered is not None:
            column, row = (np.rint(np.where(inside, values, 0)).astype(int) for values in (x, y))
            inside &= ~self.covered[row, column]
        return inside

    def lattice(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions of all crossings of 5 mm lines, on the page in mm and in the picture in px, each (rows, columns, 2).

        These are lines of the printed grid, not the nodes of the warp.
        """
        return self._crossings

    @cached_property
    def _crossings(self) -> tuple[np.ndarray, np.ndarray]:
        """The result of `lattice`, computed once."""
        x0, y0, x1, y1 = self.page.grid.area_mm
        # 1e-6 mm more than the grid's area, so that rounding does not lose a line at its end.
        x, y = np.arange(x0, x1 + 1e-6, 5.0), np.arange(y0, y1 + 1e-6, 5.0)
        page = np.stack(np.meshgrid(x, y), axis=-1)
        return page, self.to_image(page)

    def homography(self) -> np.ndarray:
        """The projective transform (3, 3) from page mm to px: exact if `Warp.is_flat`, else by direct linear transform of the `lattice`."""
        if self.warp.is_flat:
            scale = self.warp.scale
            return np.array([[scale, 0.0, -0.5], [0.0, scale, -0.5], [0.0, 0.0, 1.0]])
        page, pixels = (points.reshape(-1, 2) for points in self.lattice())
        return _fit_homography(page, pixels)

    def px_per_mm(self) -> float:
        """`Warp.scale`: median px/mm of the picture, the mesh's margin included."""
        return self.warp.scale

    @property
    def other_leads(self) -> tuple[str, ...]:
        """Drawn leads other than the standard twelve, which are class 13 of `mask`."""
        return tuple(dict.fromkeys(trace.lead for trace in self.page.traces if trace.lead not in LEADS))

    def mask(self) -> np.ndarray:
        """The lead in every pixel, (height, width) uint8: 0 none, 1 to 12 a lead of `fastecg.LEADS` in this order, 13 any other lead.

        Where traces cross, the one that was drawn last counts. Pixels at which the print is hidden are 0.
        """
        mask = np.zeros(self.warp.size, dtype=np.uint8)
        for index, window, inked in self._lead_ink():
            mask[window][inked] = index + 1
        return mask

    def layers(self) -> np.ndarray:
        """The layers in every pixel, (height, width) uint16, with one bit for each layer.

        Bits 0 to 11 are the leads in the order of `fastecg.LEADS`, 12 printed text, pulses and other printed lines, 13 handwriting and
        marks, 14 the grid, and 15 the page. If the page has other leads, the array is uint32, and they share bit 16. Pixels at which the
        print is hidden are 0.
        """
        from fastecg.printing.grid import grid_plane
        from fastecg.sheet import draw_strokes, sheet_shape, text_plane

        dtype = np.uint32 if self.other_leads else np.uint16
        layers = np.zeros(self.warp.size, dtype=dtype)
        for index, window, inked in self._lead_ink():
            layers[window][inked] |= dtype(1 << (index if index < len(LEADS) else OTHER_BIT))
        scale = self.warp.scale
        shape = sheet_shape(self.page, scale)
        printed = text_plane(self.page, scale, shape)
        draw_strokes(self.page.strokes, scale, printed, but="separator")
        # Masks are made of planes drawn by the functions that draw the print, resampled as the picture was. For marks and grid, whose lines
        # may be thinner than a pixel, a quarter of full coverage is enough; for the page, half is needed.
        layers[self._in_picture(printed) > self._threshold] |= dtype(1 << TEXT_BIT)
        if self.marks is not None:
            layers[self._in_picture(self.marks) > 64] |= dtype(1 << MARK_BIT)
        grid = grid_plane(shape, self.page.grid, self.style.grid, scale)
        layers[self._in_picture(grid) > 64] |= dtype(1 << GRID_BIT)
        layers[self._in_picture(np.full(shape, 255, dtype=np.uint8)) > 127] |= dtype(1 << PAGE_BIT)
        if self.covered is not None:
            layers[self.covered] = 0
        return layers

    @property
    def _threshold(self) -> float:
        """Coverage, 0 to 255, above which a pixel counts as inked.

        A pen is about thinnest where `thin` and `wander` both narrow it fully. If it is at least 1 px wide there, the middle of its trace
        has coverage 255; if it is w < 1 px wide, 255 w. The threshold is half of that.
        """
        pen = self.style.pen
        return 127.5 * min(1.0, self.style.pen_mm * (1.0 - pen.thin) * (1.0 - pen.wander) * self.warp.scale)

    def _lead_ink(self) -> Iterator[tuple[int, Window, np.ndarray]]:
        """Yield for every trace its lead's index in `LEADS` (12 for other leads), a window of the picture, and the trace's mask within it.

        Traces outside the picture are left out. Only a window is computed, because a trace fills a tenth of the picture or less.
        """
        from fastecg.sheet import sheet_shape, trace_plane

        scale = self.warp.scale
        # An ample margin around the samples, px, beyond which a trace has no ink.
        shape, reach = sheet_shape(self.page, scale), 2 * CELL + 4 * self.style.pen_mm * scale
        for trace, seen in zip(self.page.traces, self.traces, strict=True):
            rows, columns = _around(seen.points, reach, self.warp.size)
            if rows.stop > rows.start and columns.stop > columns.start:
                band, _ = _around(trace.points_mm * scale, reach, shape)  # rows of the flat sheet
                plane = trace_plane([trace], self.style, scale, shape)[band]
                inked = self._in_picture(plane, (rows, columns), band.start) > self._threshold
                if self.covered is not None:
                    inked &= ~self.covered[rows, columns]
                yield LEADS.index(trace.lead) if trace.lead in LEADS else len(LEADS), (rows, columns), inked

    def _in_picture(self, plane: np.ndarray, window: Window | None = None, top: int = 0) -> np.ndarray:
        """A plane of the flat sheet, resampled into a window of the picture (or into all of it), uint8.

        `plane` begins at row `top` of the flat sheet. The window begins at multiples of `CELL`, as `_around` makes them.
        """
        from fastecg.kernels.plane import sample_plane

        rows, columns = window or (slice(0, self.warp.size[0]), slice(0, self.warp.size[1]))
        # The nodes of the window's cells, with one cell more on every side.
        nodes = self.warp.nodes_mm[rows.start // CELL : -(-rows.stop // CELL) + 3, columns.start // CELL : -(-columns.stop // CELL) + 3]
        out = np.empty((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
        sample_plane(plane, nodes * self.warp.scale - (0.5, 0.5 + top), CELL, out)
        return out


def _png(image: np.ndarray) -> bytes:
    """A picture as PNG, at most `_WIDEST_PX` wide."""
    import io

    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((_WIDEST_PX, 10 * _WIDEST_PX), Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _around(points: np.ndarray, reach: float, size: tuple[int, int]) -> Window:
    """The window, in a raster of (height, width) `size`, around points (n, 2) (x, y) px with a margin of `reach` px.

    The window begins at multiples of `CELL`, and is empty if no point is finite.
    """
    x, y = np.ascontiguousarray(points.T)  # as rows in memory, since minima of columns take four times as long
    known = np.isfinite(x + y)
    x, y = x[known], y[known]
    least, most = (np.zeros(2), np.zeros(2)) if not len(x) else (np.array((x.min(), y.min())) - reach, np.array((x.max(), y.max())) + reach)
    start = np.clip(np.floor(least / CELL) * CELL, 0, size[::-1]).astype(int) // CELL * CELL
    stop = np.clip(np.ceil(most), start, size[::-1]).astype(int)
    return slice(int(start[1]), int(stop[1])), slice(int(start[0]), int(stop[0]))


def _outlines(corners: np.ndarray, steps_a_side: int) -> np.ndarray:
    """Points along the sides of quadrilaterals with `corners` (n, 4, 2): (n, 4 (steps_a_side + 1), 2)."""
    steps = np.linspace(0.0, 1.0, steps_a_side + 1)[None, None, :, None]
    sides = np.roll(corners, -1, axis=1) - corners
    return (corners[:, :, None] + steps * sides[:, :, None]).reshape(len(corners), 4 * (steps_a_side + 1), 2)


def _enclosing(outlines: np.ndarray) -> np.ndarray:
    """The smallest rectangles (n, 4, 2), parallel to the writing, that hold outlines (n, points, 2); corners clockwise from top left."""
    side = outlines.shape[1] // 4
    # The direction of the writing is that from the middle of the left side to the middle of the right side.
    along = outlines[:, side : 2 * side].mean(axis=1) - outlines[:, 3 * side :].mean(axis=1)
    length = np.hypot(along[:, 0], along[:, 1])[:, None]
    along = np.where(length > 0, along / np.maximum(length, 1e-12), [1.0, 0.0])
    frame = np.stack([along, np.stack([-along[:, 1], along[:, 0]], axis=1)], axis=1)  # rows: along the writing, down
    # Coordinates are put into rows in memory, since extremes of columns take far longer.
    turned = np.ascontiguousarray((outlines @ frame.transpose(0, 2, 1)).transpose(0, 2, 1))
    low, high = turned.min(axis=2), turned.max(axis=2)
    quads = np.stack([low, np.stack([high[:, 0], low[:, 1]], 1), high, np.stack([low[:, 0], high[:, 1]], 1)], axis=1)
    return quads @ frame


def _fit_homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The homography (3, 3) from `source` to `target`, both (n, 2): direct linear transform of normalised points (Hartley 1997)."""
    # Each point gives two linear equations for the nine entries. The solution in least squares is the eigenvector of the 9 x 9 matrix
    # `normal` that has the smallest eigenvalue.
    (p, from_source), (q, from_target) = _centred(source), _centred(target)
    ones, zeros = np.ones((len(p), 1)), np.zeros((len(p), 3))
    rows_x = np.hstack([p, ones, zeros, -q[:, :1] * p, -q[:, :1]])
    rows_y = np.hstack([zeros, p, ones, -q[:, 1:] * p, -q[:, 1:]])
    normal = rows_x.T @ rows_x + rows_y.T @ rows_y
    smallest = np.linalg.eigh(normal)[1][:, 0].reshape(3, 3)
    fitted = np.linalg.inv(from_target) @ smallest @ from_source
    return fitted / fitted[2, 2]


def _centred(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2), moved to mean 0 and scaled to a mean distance of sqrt(2) from it, and the matrix (3, 3) that does so."""
    centre = points.mean(axis=0)
    scale = np.sqrt(2) / np.maximum(np.hypot(*(points - centre).T).mean(), 1e-12)
    matrix = np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])
    return (points - centre) * scale, matrix
