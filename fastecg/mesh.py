"""The one geometry: where every point of the page is in the picture, and back.

A `Mesh` is the paper: nodes every millimetre or two, lifted and slid by artifacts. A view projects the nodes to pixels. A `Warp`
then holds, for every 8th pixel of the *picture* along both axes, the point of the page that is seen there; between these nodes the
map is bilinear. These cells **are** the geometry: the picture is sampled through them, and the truth inverts the same cells. The
cells smooth a sharp crease, but picture and truth agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fastecg.kernels import CELL as CELL

# Largest slope that counts when paper gets shorter, in mm of height per mm along the paper: steeper paper could not be read.
_STEEPEST = 0.8
# Half width of each of the two box means, one after the other, that smooth the shortening; together they have a standard deviation of 4 mm.
_BOX_MEAN_MM = 4.9


@dataclass(frozen=True, eq=False, repr=False)
class Mesh:
    """The paper of a page: the height above the table and the displacement of every node of the page.

    Attributes
    ----------
    x_mm, y_mm : ndarray, shapes (columns,) and (rows,)
        Page coordinates of the nodes, evenly spaced, reaching a margin beyond the page's edges.
    height_mm : ndarray, shape (rows, columns)
        Height of the nodes above the table, up to a constant: `solid` puts the lowest node on the table.
    slide_mm : ndarray, shape (rows, columns, 2)
        Displacement (x, y) of the nodes along the table.
    """

    x_mm: np.ndarray
    y_mm: np.ndarray
    height_mm: np.ndarray
    slide_mm: np.ndarray

    def __repr__(self) -> str:
        width, height = self.size_mm
        return f"Mesh({width:g} x {height:g} mm, {len(self.y_mm)} x {len(self.x_mm)} nodes)"

    @classmethod
    def flat(cls, size_mm: tuple[float, float], step_mm: float = 2.0, margin_mm: float = 12.0) -> Mesh:
        """The mesh of a flat page with a (width, height) of `size_mm`, which reaches at least `margin_mm` beyond each edge."""
        x, y = (_axis(length, step_mm, margin_mm) for length in size_mm)
        shape = (len(y), len(x))
        return cls(x, y, np.zeros(shape), np.zeros((*shape, 2)))

    @property
    def step_mm(self) -> tuple[float, float]:
        """Distance between nodes along x and y."""
        return float(self.x_mm[1] - self.x_mm[0]), float(self.y_mm[1] - self.y_mm[0])

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the page."""
        # The page begins at 0, and the margin is the same on both sides.
        return float(self.x_mm[0] + self.x_mm[-1]), float(self.y_mm[0] + self.y_mm[-1])

    def lifted(self, height_mm: np.ndarray) -> Mesh:
        """The mesh with `height_mm` (rows, columns) added to its heights."""
        return replace(self, height_mm=self.height_mm + height_mm)

    def slid(self, slide_mm: np.ndarray) -> Mesh:
        """The mesh with `slide_mm` (rows, columns, 2) added to its displacements."""
        return replace(self, slide_mm=self.slide_mm + slide_mm)

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Page coordinates (x, y) of the nodes, broadcastable to (rows, columns)."""
        return self.x_mm[None, :], self.y_mm[:, None]

    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Slopes dz/dx and dz/dy in the middle of every cell, each (rows - 1, columns - 1), in mm of height per mm along the paper."""
        # At the nodes, central differences over two cells would soften creases.
        step_x, step_y = self.step_mm
        along, down = np.diff(self.height_mm, axis=1), np.diff(self.height_mm, axis=0)
        return (along[1:] + along[:-1]) / (2 * step_x), (down[:, 1:] + down[:, :-1]) / (2 * step_y)

    def solid(self) -> np.ndarray:
        """Positions of the nodes in space, (rows, columns, 3) mm; the lowest node lies on the table, at z = 0.

        Paper does not stretch, so paper that rises covers less of the table. Along each axis the page coordinate is the arc
        length, and the position is the integral of sqrt(1 - slope²); the page's centre stays in place. Paper does not shear either.
        The two integrals, each along its own axis, leave some shear, which is removed by sliding whole rows and columns of nodes.
        For paper that is rolled or folded in any direction, the result is exact. The shortening along one axis is smoothed
        along the other, because neighbouring rows of crumpled paper hold each other.
        """
        x, y = self.coordinates()
        solid = np.empty((*self.height_mm.shape, 3))
        solid[..., 0] = x + self.slide_mm[..., 0]
        solid[..., 1] = y + self.slide_mm[..., 1]
        solid[..., 2] = self.height_mm - self.height_mm.min()
        if self.height_mm.any():
            lost_x, lost_y = self._shortening()
            solid[..., 0] -= lost_x
            solid[..., 1] -= lost_y
        return solid

    def _shortening(self) -> tuple[np.ndarray, np.ndarray]:
        """What `solid` subtracts from x and y of the nodes of flat paper, each (rows, columns) mm; it moves them towards the page's centre.

        Without shear, values are positive right of or below the centre, and negative on the other side.
        """
        from fastecg.kernels.shorten import foreshorten, remaining_shear

        # First each axis by itself: x along rows, then y along columns, for which the heights are transposed.
        step_x, step_y = self.step_mm
        height = np.ascontiguousarray(self.height_mm)
        lost_x, lost_y = np.empty_like(height), np.empty(height.shape[::-1])
        foreshorten(height, step_x, _STEEPEST, round(_BOX_MEAN_MM / step_y), lost_x)
        foreshorten(np.ascontiguousarray(height.T), step_y, _STEEPEST, round(_BOX_MEAN_MM / step_x), lost_y)
        row_shear, column_shear = np.empty(height.shape[0]), np.empty(height.shape[1])
        remaining_shear(height, step_x, step_y, lost_x, np.ascontiguousarray(lost_y.T), row_shear, column_shear)
        # Sliding rows removes the shear that differs from row to row, sliding columns that which differs from column to column. The mean
        # shear of the page is part of both, so each removes half of it.
        half_mean = 0.5 * row_shear.mean()
        lost_x += _integral(row_shear - half_mean, step_y)[:, None]
        lost_y += _integral(column_shear - half_mean, step_x)[:, None]
        return lost_x, lost_y.T


def _axis(length_mm: float, step_mm: float, margin_mm: float) -> np.ndarray:
    """Coordinates (n,) in mm of nodes along one axis of a page."""
    # A node lies exactly on each edge of the page, so the step may be a little smaller than `step_mm`.
    cells = int(np.ceil(length_mm / step_mm))
    step = length_mm / cells
    margin = int(np.ceil(margin_mm / step))
    return np.arange(-margin, cells + margin + 1) * step


def _integral(values: np.ndarray, step: float) -> np.ndarray:
    """Integral of `values` (..., n) along the last axis by the trapezoidal rule, zero in the middle."""
    total = np.zeros_like(values)
    np.cumsum(0.5 * step * (values[..., 1:] + values[..., :-1]), axis=-1, out=total[..., 1:])
    return total - total[..., total.shape[-1] // 2, None]


@dataclass(frozen=True, eq=False, repr=False)
class Warp:
    """The map between a page (mm) and a picture (px).

    Attributes
    ----------
    size : (int, int)
        Height and width of the picture.
    nodes_mm : ndarray, shape (rows, columns, 2)
        The page point seen at pixel ``(CELL * (column - 1), CELL * (row - 1))``: one cell of nodes lies outside the
        picture on every side. NaN where the page is far away.
    mesh : Mesh
        The paper.
    mesh_px : ndarray, shape (mesh rows, mesh columns, 2)
        Pixel positions (x, y) of the mesh's nodes: a first guess when the map is inverted, and the result for points outside the picture.
    scale : float
        Median px/mm of the picture over the mesh, margin included.
    is_flat : bool
        Whether the page fills the picture and nothing is bent, so that `forward` maps points by a formula.
    """

    size: tuple[int, int]
    nodes_mm: np.ndarray
    mesh: Mesh
    mesh_px: np.ndarray
    scale: float
    is_flat: bool = False

    def __repr__(self) -> str:
        height, width = self.size
        return f"Warp({self.mesh!r} seen in {width} x {height} px, {self.scale:.3g} px/mm)"

    @cached_property
    def off_page_mm(self) -> np.ndarray:
        """Distance in mm of the nodes from the page, (rows, columns): negative on the page, NaN far away.

        It is the larger of the distances along x and along y, so beyond a corner it is less than the straight distance.
        """
        width, height = self.mesh.size_mm
        x, y = self.nodes_mm[..., 0], self.nodes_mm[..., 1]
        return np.maximum(np.abs(x - 0.5 * width) - 0.5 * width, np.abs(y - 0.5 * height) - 0.5 * height)

    @classmethod
    def through(cls, mesh: Mesh, mesh_px: np.ndarray, size: tuple[int, int]) -> Warp:
        """The warp of a mesh whose nodes are projected to pixels `mesh_px` (mesh rows, mesh columns, 2).

        The page point under every 8th pixel is computed here, once. `size` is the picture's height and width.
        """
        from fastecg.kernels.invert import page_under_lattice

        origin = (mesh.x_mm[0], mesh.y_mm[0])
        nodes = np.full((*lattice_shape(size), 2), np.nan)
        page_under_lattice(np.ascontiguousarray(mesh_px), origin, mesh.step_mm, CELL, nodes)
        # Areas in px² of parallelograms on every third node, which is enough for a median, are divided by their areas in mm² on the page.
        some = mesh_px[::3, ::3]
        areas = _cross(np.diff(some, axis=1)[:-1], np.diff(some, axis=0)[:, :-1])
        scale = float(np.sqrt(np.median(areas) / (9 * mesh.step_mm[0] * mesh.step_mm[1])))
        return cls(size, nodes, mesh, mesh_px, scale)

    @classmethod
    def flat(cls, size_mm: tuple[float, float], scale: float, size: tuple[int, int]) -> Warp:
        """The warp of a flat page that fills the picture at `scale` px/mm."""
        # A coarse mesh is exact for flat paper. Its margin holds all nodes, which reach less than three cells beyond the picture.
        mesh = Mesh.flat(size_mm, step_mm=50.0, margin_mm=max(12.0, 3 * CELL / scale))
        x, y = mesh.coordinates()
        mesh_px = np.stack(np.broadcast_arrays(x * scale - 0.5, y * scale - 0.5), axis=-1)
        # Nothing has to be solved: page and picture differ by a scale and by half a pixel.
        rows, columns = lattice_shape(size)
        column, row = (np.arange(n) * CELL - CELL for n in (columns, rows))
        nodes = np.stack(np.broadcast_arrays((column[None, :] + 0.5) / scale, (row[:, None] + 0.5) / scale), axis=-1)
        return cls(size, nodes, mesh, mesh_px, scale, is_flat=True)

    def forward(self, points_mm: np.ndarray) -> np.ndarray:
        """Pixel positions (…, 2) of page points (…, 2) in mm, by Newton's method on the cells of the picture. NaN stays NaN.

        Points that no cell shows get the position that the mesh gives. For a flat page a formula is used.
        """
        from fastecg.kernels.invert import invert_lattice, lookup

        if self.is_flat:
            pixels = np.asarray(points_mm, dtype=np.float64) * self.scale - 0.5
            return pixels + 0.0 * pixels[..., ::-1]  # If one coordinate is NaN, both become NaN.
        points = np.ascontiguousarray(points_mm, dtype=np.float64).reshape(-1, 2)
        pixels = np.empty_like(points)
        origin = (self.mesh.x_mm[0], self.mesh.y_mm[0])
        # The mesh gives a first guess. Its cells differ from the picture's, so Newton's method has to correct the guess a little.
        lookup(points, np.ascontiguousarray(self.mesh_px), origin, self.mesh.step_mm, pixels)
        invert_lattice(points, self.nodes_mm, CELL, pixels)
        return pixels.reshape(np.shape(points_mm))

    def inverse(self, points_px: np.ndarray) -> np.ndarray:
        """Page points (…, 2) in mm that are seen at pixel positions (…, 2).

        Pixels beside the page give points beyond its edges; pixels far from it give NaN.
        """
        from fastecg.kernels.invert import lookup

        points = np.ascontiguousarray(points_px, dtype=np.float64).reshape(-1, 2)
        page = np.empty_like(points)
        lookup(points, self.nodes_mm, (-float(CELL), -float(CELL)), (float(CELL), float(CELL)), page)
        return page.reshape(np.shape(points_px))

    def dense(self) -> np.ndarray:
        """The page point under every pixel, (height, width, 2) float32 mm: the map by which a picture can be flattened."""
        height, width = self.size
        grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
        return self.inverse(grid.reshape(-1, 2)).reshape(height, width, 2).astype(np.float32)

    def is_fold_free(self) -> bool:
        """Whether no part of the page is seen twice or nearly on edge: no cell of the paper or picture is turned over or far too small."""
        paper_px2, picture_mm2 = smallest_area(self.mesh_px), smallest_area(self.nodes_mm)
        # Each cell needs a fiftieth of the usual area, not only more than 0: a cell seen nearly on edge cannot be inverted precisely.
        step_x, step_y = self.mesh.step_mm
        return paper_px2 > 0.02 * self.scale**2 * step_x * step_y and picture_mm2 > 0.02 * CELL**2 / self.scale**2


def lattice_shape(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of a warp's nodes for a picture of (height, width) `size`, one cell beyond it on every side included."""
    return -(-(size[0] - 1) // CELL) + 3, -(-(size[1] - 1) // CELL) + 3


def smallest_area(nodes: np.ndarray) -> float:
    """Smallest signed area at the corners of the cells of a lattice with `nodes` (rows, columns, 2); infinite if no corner counts.

    The area at a corner is that of the parallelogram spanned by the two sides that meet there. Corners with a side to NaN do not count.
    """
    from fastecg.kernels.invert import smallest_corner

    return float(smallest_corner(np.ascontiguousarray(nodes)))


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The cross products (…) of vectors u and v, both (…, 2): signed areas."""
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])
