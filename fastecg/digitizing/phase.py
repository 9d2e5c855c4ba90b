"""Locate the millimetre grid of a picture to a few hundredths of a pixel, by following the phase of its lines outwards from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fastecg.digitizing.warp_fit import FittedWarp, residuals_mm, smoothest_warp
from fastecg.errors import ImageError

_TILE = 256  # Side in px of the tiles in whose spectra a seed for following the grid is looked for.
_FINE = 2  # Oversampling of these spectra.
_PERIODS = (3.5, 26.0)  # Range of px per mm that is looked for: 90 to 660 dpi.
_SPACING = 12  # Distance in px of the nodes at which the phase is measured.
_COARSE = 5  # The 5 mm lines are measured at every node whose number is a multiple of this.
_WINDOW_MM = 0.76  # Standard deviation of the demodulation's Gaussian window.
_OTHER_SCALE = 0.8  # Largest log ratio of a seed's scale and the expected one: lines do not stretch more over a page.
_NEAR_SCALE = 0.4  # Largest log ratio of a map's scale and the expected one: a harmonic is farther off.
_SAME_SCALE = 0.15  # Largest log ratio of the scales of 1 mm and 5 mm lines: a harmonic is farther off.
_CROSSING = 0.7  # Minimum sine of the angle at which two families of lines cross.
_SQUARE = 1.6  # Largest ratio of the spacings of the two families.
_WEAKEST = 0.3  # Nodes weaker than this share of the seed's strength are not followed.
_CONSISTENT_MM = 0.06  # Largest median residual of an accepted map of 1 mm lines.
_CONSISTENT_FIVES_MM = 0.2  # Largest median residual of an accepted map of 5 mm lines.
_STEEPEST = 0.7  # Tangent of the largest angle by which a page may be turned.


@dataclass(frozen=True, eq=False)
class Lattice:
    """Nodes at which the grid was found.

    Attributes
    ----------
    points_px : ndarray, shape (n, 2)
        Positions in the picture.
    points_mm : ndarray, shape (n, 2)
        The same positions in mm from a crossing of 5 mm lines.
    strength : ndarray, shape (n,)
        Strength of the grid's lines at the nodes.
    mended : int
        Number of nodes that were miscounted by whole millimetres and corrected by the 5 mm lines.
    counted_mm : ndarray, shape (n, 2), optional
        `points_mm` before this correction.
    spacing_px : int
        Distance of neighbouring nodes.
    """

    points_px: np.ndarray
    points_mm: np.ndarray
    strength: np.ndarray
    mended: int
    counted_mm: np.ndarray | None = None
    spacing_px: int = _SPACING

    @property
    def covered_px(self) -> int:
        """Area of the picture around the nodes."""
        return len(self.points_px) * self.spacing_px**2


@dataclass(frozen=True, eq=False)
class Fives:
    """The 5 mm lines of a picture, (height, width) 0 to 1, and the map they give alone, computed once.

    Attributes
    ----------
    major : ndarray, shape (height, width) float32
        Coverage by the 5 mm lines.
    px_per_mm : float, optional
        Approximate scale of the page. Lines at another distance are not followed.
    """

    major: np.ndarray
    px_per_mm: float | None = None

    @cached_property
    def alone(self) -> tuple[FittedWarp, Lattice] | None:
        """The map from these lines alone; None if they give none."""
        try:
            lattice = follow_fives(self.major, self.px_per_mm)
            return smoothest_warp(lattice.points_px, lattice.points_mm, self.major.shape[:2], doubtful=True), lattice
        except (ImageError, np.linalg.LinAlgError):  # the lines that were found form no grid
            return None


def find_grid(grid: np.ndarray, fives: Fives) -> tuple[FittedWarp, Lattice]:
    """The map between picture and page. Lines of the grid are at whole mm, and 5 mm lines at multiples of 5 mm, from any crossing of these.

    Parameters
    ----------
    grid : ndarray, shape (height, width) float32
        Coverage by the ink of all grid lines or dots, 0 to 1.
    fives : Fives
        The 5 mm lines alone.

    Raises
    ------
    ImageError
        If there is no millimetre grid.
    """
    size = grid.shape[0], grid.shape[1]
    unmended: tuple[FittedWarp, Lattice] | None = None
    try:
        lattice = follow_grid(grid, fives.major, fives.px_per_mm)
        warp = smoothest_warp(lattice.points_px, lattice.points_mm, size)
        if lattice.counted_mm is not None:  # If the 5 mm lines were wrong, the map without their correction is smoother.
            plain = replace(lattice, points_mm=lattice.counted_mm, mended=0, counted_mm=None)
            other = smoothest_warp(plain.points_px, plain.points_mm, size)
            if residuals_mm(other, plain.points_px, plain.points_mm)[1] < residuals_mm(warp, lattice.points_px, lattice.points_mm)[1]:
                unmended = other, plain
        if unmended is None and residuals_mm(warp, lattice.points_px, lattice.points_mm)[0] < _CONSISTENT_MM:
            return warp, lattice
    except (ImageError, np.linalg.LinAlgError):
        lattice = None
    # In copies in black and white, often only the 5 mm lines are left.
    coarse = fives.alone
    # 1 mm lines are preferred if they have the same scale, because they give more points, or if only they have the expected scale.
    finer = coarse is not None and unmended is not None and abs(np.log(unmended[0].scale / coarse[0].scale)) < _SAME_SCALE
    if coarse is not None and unmended is not None and fives.px_per_mm is not None:
        off = [abs(np.log(warp.scale / fives.px_per_mm)) for warp in (unmended[0], coarse[0])]
        smooth = residuals_mm(unmended[0], unmended[1].points_px, unmended[1].points_mm)[0] < _CONSISTENT_MM
        finer = finer or (smooth and off[0] < _NEAR_SCALE < off[1])
    if coarse is not None and not finer and residuals_mm(coarse[0], coarse[1].points_px, coarse[1].points_mm)[0] < _CONSISTENT_FIVES_MM:
        return coarse
    if unmended is not None:
        return unmended
    if lattice is None:
        raise ImageError("no millimetre grid was found, expected lines or dots every millimetre over most of the page")
    return warp, lattice


def follow_grid(grid: np.ndarray, major: np.ndarray, px_per_mm: float | None = None) -> Lattice:
    """Measure the grid's phase at nodes, from where it is clearest outwards, and count the lines from a crossing of 5 mm lines."""
    positions, gradients, strengths, sigma = _followed(grid, 1.0, _SPACING, px_per_mm)
    return _on_fives(np.ascontiguousarray(major, dtype=np.float32), positions, gradients, strengths, sigma)


def follow_fives(major: np.ndarray, px_per_mm: float | None = None) -> Lattice:
    """Follow the 5 mm lines alone, as `follow_grid` follows all lines."""
    positions, _, strengths, _ = _followed(major, 5.0, 2 * _SPACING, px_per_mm)
    rows, columns = np.nonzero(np.isfinite(positions[..., 0]))
    points = np.column_stack([columns, rows]).astype(np.float64) * (2 * _SPACING)
    return Lattice(points, 5.0 * positions[rows, columns], strengths[rows, columns], 0, spacing_px=2 * _SPACING)


def _followed(
    plane: np.ndarray, period_mm: float, spacing: int, px_per_mm: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Line counts, their gradients and strengths at nodes every `spacing` px, and the window's standard deviation in px."""
    from fastecg.kernels.demodulate import follow

    plane = np.ascontiguousarray(plane, dtype=np.float32)
    (x, y), gradient = _seed(plane, period_mm)
    if px_per_mm is not None and abs(np.log(np.sqrt(abs(np.linalg.det(gradient))) * period_mm * px_per_mm)) > _OTHER_SCALE:
        raise ImageError(f"the picture's clearest lines are not {period_mm:g} mm apart, expected a millimetre grid")
    shape = tuple(-(-n // spacing) for n in plane.shape)
    positions, gradients, strengths = np.empty((*shape, 2)), np.empty((*shape, 2, 2)), np.empty(shape)
    sigma = _WINDOW_MM / float(np.sqrt(abs(np.linalg.det(gradient))))
    follow(plane, spacing, sigma, (y // spacing, x // spacing), gradient, _WEAKEST, positions, gradients, strengths)
    return positions, gradients, strengths, sigma


def _seed(plane: np.ndarray, period_mm: float) -> tuple[tuple[int, int], np.ndarray]:
    """The middle of the tile with the clearest grid, and the gradient (2, 2) of the line count there."""
    best: tuple[float, tuple[int, int], np.ndarray] | None = None
    for y in _tile_starts(plane.shape[0]):
        for x in _tile_starts(plane.shape[1]):
            tile = plane[y : y + _TILE, x : x + _TILE]
            strength, gradient = carriers(tile, (_PERIODS[0] * period_mm, _PERIODS[1] * period_mm))
            if best is None or strength > best[0]:
                best = strength, (x + tile.shape[1] // 2, y + tile.shape[0] // 2), gradient
    if best is None or best[0] < 0.004:
        raise ImageError("no millimetre grid was found, expected lines or dots every millimetre over most of the page")
    one, other = np.linalg.norm(best[2], axis=1)
    # The width of the window is derived from the area of the grid's cells. For lines that are nearly parallel it would be as large as the
    # page.
    if abs(np.linalg.det(best[2])) < _CROSSING * one * other or max(one, other) > _SQUARE * min(one, other):
        raise ImageError("the picture's lines are no grid, expected two families that cross at right angles, equally far apart")
    return best[1], best[2]


def _tile_starts(length: int) -> list[int]:
    """First pixels of up to five tiles that are spread evenly along a side of a picture."""
    count = max(1, min(5, length // _TILE))
    return [int(start) for start in np.linspace(0, max(length - _TILE, 0), count + 2)[1:-1]]


def carriers(tile: np.ndarray, periods: tuple[float, float]) -> tuple[float, np.ndarray]:
    """Find two crossing families of lines in a tile.

    Parameters
    ----------
    tile : ndarray, shape (height, width)
    periods : (float, float)
        Smallest and largest distance of lines that is looked for, px.

    Returns
    -------
    strength : float
        That of the weaker family.
    gradient : ndarray, shape (2, 2)
        Frequencies of both families along x and y, in cycles per pixel.
    """
    window = np.hanning(tile.shape[0])[:, None] * np.hanning(tile.shape[1])[None, :]
    size = _FINE * (1 << int(np.ceil(np.log2(max(tile.shape)))))
    # The tile is real, so its spectrum is symmetrical and the half with fx >= 0 is enough for both families.
    spectrum = np.abs(np.fft.rfft2(((tile - tile.mean()) * window).astype(np.float32), (size, size))) / window.sum()
    fx, fy = np.fft.rfftfreq(size)[None, :], np.fft.fftfreq(size)[:, None]
    radius = np.hypot(fx, fy)
    wanted = (radius > 1 / periods[1]) & (radius < 1 / periods[0])
    along = _peak(spectrum, wanted & (np.abs(fy) < _STEEPEST * fx))
    down = _peak(spectrum, wanted & (fx < _STEEPEST * np.abs(fy)))
    if down[2] < 0:
        down = down[0], -down[1], -down[2]
    return min(along[0], down[0]), np.array([along[1:], down[1:]])


def _peak(spectrum: np.ndarray, where: np.ndarray) -> tuple[float, float, float]:
    """Height and position (fx, fy) of the largest value in a mask, interpolated by parabolas.

    `spectrum` (n, n / 2 + 1) is that half of a real tile's spectrum which has fx >= 0.
    """
    row, column = (int(k) for k in np.unravel_index(np.argmax(np.where(where, spectrum, -1.0)), spectrum.shape))
    n, last = spectrum.shape[0], spectrum.shape[1] - 1

    def between(before: float, here: float, after: float) -> float:
        bend = before - 2 * here + after
        return float(0.5 * (before - after) / bend) if bend < 0 else 0.0

    dy = between(spectrum[row - 1, column], spectrum[row, column], spectrum[(row + 1) % n, column])
    # The values at fx < 0 are the mirror image of those at fx > 0.
    before = spectrum[row, column - 1] if column else spectrum[-row % n, 1]
    dx = between(before, spectrum[row, column], spectrum[row, min(column + 1, last)])
    turn = row - n if row > n // 2 else row
    return float(spectrum[row, column]), (column + dx) / n, (turn + dy) / n


def _on_fives(major: np.ndarray, positions: np.ndarray, gradients: np.ndarray, strengths: np.ndarray, sigma: float) -> Lattice:
    """Count positions from a 5 mm crossing, and correct those that are wrong by whole millimetres by the 5 mm lines."""
    from fastecg.kernels.demodulate import demodulate_nodes

    phase = np.full((*(-(-n // _COARSE) for n in strengths.shape), 2, 2), np.nan)  # Strength and error along each axis.
    demodulate_nodes(major, _SPACING, _COARSE, positions, gradients, 5.0, 3.3 * sigma, phase)
    clear, off = phase[..., 0], 5.0 * phase[..., 1]
    rows, columns = np.nonzero(np.isfinite(positions[..., 0]))
    if not len(rows):
        raise ImageError("no millimetre grid could be followed, expected lines or dots every millimetre over most of the page")
    if not np.isfinite(clear).any():  # Without any 5 mm line, positions are counted from any line.
        points = np.column_stack([columns, rows]).astype(np.float64) * _SPACING
        return Lattice(points, positions[rows, columns], strengths[rows, columns], 0)
    common = np.array([_circular_median(off[..., axis], clear[..., axis]) for axis in (0, 1)])
    apart = (off - common + 2.5) % 5.0 - 2.5
    with np.errstate(invalid="ignore"):
        sure = (clear > 0.3 * np.nanmedian(clear, axis=(0, 1))).all(axis=-1) & (np.abs(apart - np.rint(apart)) < 0.3).all(axis=-1)
    slip = np.where(sure[..., None], np.rint(apart), 0.0)
    slip = slip[rows // _COARSE, columns // _COARSE]
    points = np.column_stack([columns, rows]).astype(np.float64) * _SPACING
    counted = positions[rows, columns] + np.rint(common)
    mended = int((slip != 0).any(axis=1).sum())
    return Lattice(points, counted + slip, strengths[rows, columns], mended, counted if mended else None)


def _circular_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The median of values with period 5, which is taken around their weighted circular mean."""
    values, weights = values[np.isfinite(values)], weights[np.isfinite(values)]
    mean = np.angle(np.sum(weights * np.exp(2j * np.pi * values / 5.0))) * 5.0 / (2 * np.pi)
    return float(mean + np.median((values - mean + 2.5) % 5.0 - 2.5))
