"""`expose`: resamples the flat sheet into the picture, and applies light and sensor noise. No other step resamples the sheet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from fastecg.errors import ImageError
from fastecg.kernels import CELL

LARGEST = 32760  # Largest width and height of a sheet or picture, px.
COARSEST = 1.3  # Sheet pixels per picture pixel above which a sheet is halved. At 1.4, a hairline's darkness would vary by 30 %.


@dataclass(frozen=True)
class Noise:
    """Sensor noise: variance about `read**2 + shot**2 * v`, in squared 8-bit levels, at brightness v (0 black, 1 white).

    Parameters
    ----------
    seed : int
        The noise of a pixel is a function of this and the pixel's position.
    read : float
        Standard deviation at black, in 8-bit levels (0 to 16).
    shot : float
        Standard deviation that light adds at white, in 8-bit levels (0 to 16).
    chroma : float
        Share of the standard deviation, 0 to 1, that is colour noise, in blocks of 2x2 pixels; the rest of the variance is brightness.
    """

    seed: int
    read: float = 0.0
    shot: float = 0.0
    chroma: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.read <= 16 and 0 <= self.shot <= 16 and 0 <= self.chroma <= 1):
            raise ImageError(f"noise {self}: expected read and shot from 0 to 16 levels and chroma from 0 to 1")


def expose(
    sheet: np.ndarray,
    nodes: np.ndarray,
    gain: np.ndarray,
    size: tuple[int, int],
    *,
    origin: tuple[int, int] = (0, 0),
    desk_gain: np.ndarray | None = None,
    lift: np.ndarray | None = None,
    desk_lift: np.ndarray | None = None,
    noise: Noise | None = None,
    background: tuple[int, int, int] | np.ndarray = (0, 0, 0),
    threads: int = 1,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Resample a flat sheet through a mesh, and apply light and noise.

    Within each cell of 8x8 picture pixels, coordinates and light are interpolated bilinearly between the cell's four nodes. These cells
    *are* the geometry: labels are computed by inverting the same cells. A pixel that the sheet covers in part is a mixture of sheet and
    background. A sheet that is finer than the picture is halved first until one pixel of the picture spans at most `COARSEST` pixels
    of the sheet, so that the printed grid does not alias.

    Parameters
    ----------
    sheet : (H, W, 3) uint8
        The flat print, at most 32,760 pixels a side.
    nodes : (rows, cols, 2) float64
        Node (i, j) is the point (x, y) of the sheet, in its pixels, that is seen at picture pixel (8 j + origin x, 8 i + origin y). Pixel
        centres are at integers. Cells with a node that is not finite show the background. Coordinates are clipped to ±32,767.
    gain : (rows, cols, 3) or (rows, cols) float32
        Factor of the light at the same nodes, clipped to 0.0005 to 2; 1 leaves colours as they are.
    size : (height, width)
        Size of the picture in px. The nodes have to reach its last pixel.
    origin : (x, y)
        Picture pixel of the first node, neither coordinate above 0.
    desk_gain : like gain
        Factor of the light on the background, if it differs from that on the sheet.
    lift : (rows, cols) float32
        Veil of glare at the same nodes: levels, clipped to 0 to 255, that are added after colours are multiplied by the gain.
    desk_lift : like lift
        Veil over the background, if it differs from the veil over the sheet. It is used only with `desk_gain`.
    noise : Noise
        None for a picture without noise.
    background : (r, g, b) or (height, width, 3) uint8
        What is seen beside the sheet. An image may be `out` itself, since every row is read before it is written.
    threads : int
        Number of ranges of rows that are computed at once. The picture has the same bytes with any number.
    out : (height, width, 3) uint8
        Array into which the picture is written, and which is returned. By default a new array is made.

    Returns
    -------
    (height, width, 3) uint8
        The picture.

    Raises
    ------
    ImageError
        If an array has another shape or type than named above, the sheet or the picture is too large, or the nodes do not reach far enough.
    """
    from fastecg.kernels.sample import expose_rows

    sheet = _checked(sheet, "sheet", (None, None, 3), np.uint8)
    if sheet.size >= 2**31:
        raise ImageError(f"sheet: expected less than 2 GiB, got shape {sheet.shape}")
    nodes = _checked(nodes, "nodes", (None, None, 2), np.float64)
    cells = np.empty(_cells_needed(nodes, size, origin), dtype=np.uint8)
    lamps = _lamps(gain, lift, desk_gain, desk_lift, nodes)
    desk = _desk(background, size)
    out = np.empty((*size, 3), dtype=np.uint8) if out is None else _checked_out(out, size)

    sheet, nodes = _at_picture_scale(sheet, nodes)
    # From here on everything is computed in integers, which give the same bytes on every processor.
    lattice, light = _lattice_and_light(sheet, nodes, lamps, cells)
    luma, chroma, seed_and_curve = _noise_arrays(noise or Noise(seed=0), cells.shape[1] * CELL)

    def expose_range(start: int, stop: int) -> None:
        expose_rows(sheet, lattice, cells, light, desk, luma, chroma, seed_and_curve, np.array(origin, dtype=np.int64), out, start, stop)

    _in_row_ranges(expose_range, size[0], threads)
    return out


def _checked(array: np.ndarray, name: str, shape: tuple[int | None, ...], dtype: type, any_order: bool = False) -> np.ndarray:
    """The array as `dtype`, in C order unless `any_order`; an error if its type or shape is wrong, or an axis is longer than `LARGEST`.

    None in `shape` stands for any length above 0. Any floating type will do where one is expected.
    """
    fits = array.ndim == len(shape) and all(n > 0 and n == (wanted or n) for n, wanted in zip(array.shape, shape, strict=True))
    if not fits or not (array.dtype == dtype or (np.issubdtype(dtype, np.floating) and np.issubdtype(array.dtype, np.floating))):
        wanted_shape = ", ".join("any" if wanted is None else str(wanted) for wanted in shape)
        raise ImageError(f"{name}: expected {np.dtype(dtype)} of shape ({wanted_shape}), got {array.dtype} of shape {array.shape}")
    if max(array.shape) > LARGEST:
        raise ImageError(f"{name}: expected at most {LARGEST} along each axis, got shape {array.shape}")
    return np.asarray(array, dtype=dtype) if any_order else np.ascontiguousarray(array, dtype=dtype)


def _checked_out(out: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The caller's output array, unchanged. A wrong type, shape or order is an error: a converted copy would get the picture instead."""
    if out.dtype != np.uint8 or out.shape != (*size, 3) or not (out.flags.c_contiguous and out.flags.writeable):
        raise ImageError(f"out: expected a writeable, C-contiguous uint8 array of shape {(*size, 3)}, got {out.dtype} {out.shape}")
    return out


def _cells_needed(nodes: np.ndarray, size: tuple[int, int], origin: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of cells that cover the picture. Its last pixel may lie on the last node."""
    if min(size) < 1 or max(size) > LARGEST or max(origin) > 0:
        raise ImageError(f"size {size}, origin {origin}: expected 1 to {LARGEST} pixels a side and an origin not above 0")
    # Height and width of the largest picture that the nodes cover: its last row and column of pixels lie on the last nodes.
    reach = [CELL * (count - 1) + start + 1 for count, start in zip(nodes.shape, reversed(origin), strict=False)]
    if reach[0] < size[0] or reach[1] < size[1]:
        raise ImageError(f"nodes: expected to reach (height, width) {tuple(size)} from origin {origin}, but they end at {tuple(reach)}")
    return -(-(size[0] - origin[1]) // CELL), -(-(size[1] - origin[0]) // CELL)


def _gain(gain: np.ndarray, name: str, nodes: np.ndarray) -> np.ndarray:
    """The gain, checked, as (rows, cols, 3) float32. A gain (rows, cols) is the same for all channels."""
    if gain.ndim == 2:
        gain = np.broadcast_to(gain[:, :, None], (*gain.shape, 3))
    return _checked(gain, name, (*nodes.shape[:2], 3), np.float32, any_order=True)


def _lamps(
    gain: np.ndarray, lift: np.ndarray | None, desk_gain: np.ndarray | None, desk_lift: np.ndarray | None, nodes: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of gain and veil at the nodes: one pair for the sheet and, if the background has its own light, one for the background."""
    lift = np.zeros(nodes.shape[:2], dtype=np.float32) if lift is None else _checked(lift, "lift", nodes.shape[:2], np.float32)
    lamps = [(_gain(gain, "gain", nodes), lift)]
    if desk_gain is not None:
        desk_lift = lift if desk_lift is None else _checked(desk_lift, "desk_lift", nodes.shape[:2], np.float32)
        lamps.append((_gain(desk_gain, "desk_gain", nodes), desk_lift))
    return lamps


def _desk(background: tuple[int, int, int] | np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The background's pixels, (height, width, 3) uint8, or one row of them (1, width, 3) for a plain colour."""
    if isinstance(background, np.ndarray) and background.ndim == 3:
        return _checked(background, "background", (*size, 3), np.uint8)
    colour = np.asarray(background)
    if colour.shape != (3,) or colour.min() < 0 or colour.max() > 255:
        raise ImageError(f"background: expected (r, g, b) from 0 to 255 or an image, got {background!r}")
    return np.tile(colour.astype(np.uint8), (1, size[1], 1))


def _at_picture_scale(sheet: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sheet, halved until one picture pixel spans at most `COARSEST` sheet pixels, and the nodes in pixels of the halved sheet."""
    from fastecg.kernels.sample import halve

    # Halving averages what bilinear sampling would skip. Without it, thin lines break up in pictures smaller than the sheet.
    ratio = _sheet_pixels_per_pixel(sheet, nodes)
    while ratio > COARSEST and min(sheet.shape[:2]) > 1:
        smaller = np.empty((-(-sheet.shape[0] // 2), -(-sheet.shape[1] // 2), 3), dtype=np.uint8)
        halve(sheet, smaller)
        # Pixel centres are at integers: along each axis, pixel p of the half is the mean of pixels 2 p and 2 p + 1.
        sheet, nodes, ratio = smaller, nodes / 2 - 0.25, ratio / 2
    return sheet, nodes


def _lattice_and_light(
    sheet: np.ndarray, nodes: np.ndarray, lamps: list[tuple[np.ndarray, np.ndarray]], cells: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (2, rows, columns) int32 and light (lamps, rows, 4 columns) uint16 as integers, as the kernel expects them.

    Each node of the light has four numbers side by side: the gains of red, green and blue, and the veil.

    The kind of each cell (on the sheet, beside it, or across its edge) is written into `cells`. Rows of nodes are padded to whole
    vectors, so that the kernel needs no special case at their end.
    """
    from fastecg.kernels import sample

    rows, columns = cells.shape[0] + 1, -(-(cells.shape[1] + 1) // CELL) * CELL
    lattice, light = np.empty((2, rows, columns), dtype=np.int32), np.empty((len(lamps), rows, 4 * columns), dtype=np.uint16)
    sample.nodes_to_integers(nodes, lattice)
    sample.classify_cells(lattice, sheet.shape[0], sheet.shape[1], cells)
    for (lamp, veil), plane in zip(lamps, light, strict=True):
        sample.light_to_integers(lamp, veil, plane)
    return lattice, light


def _noise_arrays(noise: Noise, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tables of random deviates of brightness and of colour for rows of `width` px, and the seed with the three numbers of `noise_curve`.

    All are integers.
    """
    from fastecg.kernels.noise import noise_curve, tables

    luma, chroma = tables(noise.chroma, width)
    return luma, chroma, np.array([noise.seed & (2**63 - 1), *noise_curve(noise.read, noise.shot)], dtype=np.int64)


def _sheet_pixels_per_pixel(sheet: np.ndarray, nodes: np.ndarray) -> float:
    """Side of a picture pixel in sheet pixels: the root of its median area in cells that begin on the sheet; 1 if none does."""
    # Nodes as complex numbers x + i y. The imaginary part of conj(a) * b is the cross product of a and b: the area of a cell.
    points = nodes.view(np.complex128)[..., 0]
    # Some 400 cells are enough for the median.
    step = max(1, min(points.shape) // 20)
    corner, right, below = points[:-1:step, :-1:step], points[:-1:step, 1::step], points[1::step, :-1:step]
    with np.errstate(invalid="ignore", over="ignore"):
        area = np.abs(((right - corner).conj() * (below - corner)).imag)
        seen = (corner.real > -1) & (corner.imag > -1) & (corner.real < sheet.shape[1]) & (corner.imag < sheet.shape[0]) & np.isfinite(area)
    return float(np.sqrt(np.median(area[seen]))) / CELL if seen.any() else 1.0


def _in_row_ranges(work: Callable[[int, int], None], height: int, threads: int) -> None:
    """Divide `height` rows into as many ranges as `threads`, and call `work(start, stop)` for each range on its own thread."""
    if threads <= 1:
        work(0, height)
        return
    ends = [height * k // threads for k in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, ends[:-1], ends[1:]))
