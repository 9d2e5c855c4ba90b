"""Locate the millimetre grid of a picture to a few hundredths of a pixel: the phase of its lines is followed from a seed outwards.

The seed is the place where the grid is clearest. From the seed on, lines are counted from node to node of a lattice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fastecg.digitizing.warp_fit import FittedWarp, residuals_mm, smoothest_warp
from fastecg.errors import ImageError

_TILE = 256  # Side in px of the tiles whose spectra are computed to find the seed.
_FINE = 2  # Factor by which these spectra are oversampled, so that their peaks can be interpolated.
_PERIODS = (3.5, 26.0)  # Range of distances of 1 mm lines that is looked for, px: scales of 90 to 660 dpi.
_SPACING = 12  # Distance in px of the nodes at which the phase is measured.
_COARSE = 5  # The 5 mm lines are measured once for every block of this many nodes along x and y, at the middle node.
# Standard deviation of the Gaussian window in which the phase at a node is measured, in distances of the lines: 1 mm, or 5 mm if the 5 mm
# lines are followed alone.
_WINDOW_PERIODS = 0.76
_OTHER_SCALE = 0.8  # Largest log ratio of the scale at the seed and the expected one. Within a page, scales differ by less.
# Largest log ratio of the scale of a warp and the expected one. A warp that counts lines at half or twice their distance is farther off.
_NEAR_SCALE = 0.4
_SAME_SCALE = 0.15  # Largest log ratio of the scales of a warp by 1 mm lines and of one by 5 mm lines if both are right.
_CROSSING = 0.7  # Minimum sine of the angle at which two families of lines cross.
_SQUARE = 1.6  # Largest ratio of the distances of lines in the two families.
_WEAKEST = 0.3  # Nodes weaker than this share of the seed's strength are not followed.
_CONSISTENT_MM = 0.06  # Largest median residual of a warp fitted to 1 mm lines for it to be accepted.
_CONSISTENT_FIVES_MM = 0.2  # `_CONSISTENT_MM` for a warp fitted to 5 mm lines alone.
_STEEPEST = 0.7  # Tangent of the largest angle by which a page may be turned.


@dataclass(frozen=True, eq=False)
class Lattice:
    """Nodes at which the grid was found.

    Attributes
    ----------
    points_px : ndarray, shape (n, 2)
        Positions (x, y) in the picture.
    points_mm : ndarray, shape (n, 2)
        Positions (x, y) on the page, from a crossing of 5 mm lines, or of any lines if no 5 mm line is seen.
    strength : ndarray, shape (n,)
        Strength of the grid's lines at the nodes.
    mended : int
        Number of nodes that were miscounted by whole millimetres and corrected by the 5 mm lines.
    counted_mm : ndarray, shape (n, 2), optional
        `points_mm` before this correction; None if no node was corrected.
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
        """Area of the picture around the nodes, px²."""
        return len(self.points_px) * self.spacing_px**2


@dataclass(frozen=True, eq=False)
class Fives:
    """The 5 mm lines of a picture, and the warp that is fitted to them alone. This warp is computed when it is first asked for.

    Attributes
    ----------
    major : ndarray, shape (height, width) float32
        Coverage by the 5 mm lines, 0 to 1.
    px_per_mm : float, optional
        Approximate scale of the page. Lines whose distance does not fit it are not followed; None for any distance.
    """

    major: np.ndarray
    px_per_mm: float | None = None

    @cached_property
    def alone(self) -> tuple[FittedWarp, Lattice] | None:
        """The warp from these lines alone, with the nodes that it is fitted to; None if they form no grid."""
        try:
            lattice = follow_fives(self.major, self.px_per_mm)
            return smoothest_warp(lattice.points_px, lattice.points_mm, self.major.shape[:2], doubtful=True), lattice
        except (ImageError, np.linalg.LinAlgError):  # The lines that were found form no grid.
            return None


def find_grid(grid: np.ndarray, fives: Fives) -> tuple[FittedWarp, Lattice]:
    """Find the map between picture and page from the grid.

    Page positions are in mm from some crossing of 5 mm lines: all lines are at whole mm, 5 mm lines (if any are seen) at multiples of 5 mm.

    Parameters
    ----------
    grid : ndarray, shape (height, width) float32
        Coverage by the ink of all grid lines or dots, 0 to 1.
    fives : Fives
        The 5 mm lines alone.

    Returns
    -------
    warp : FittedWarp
        The map between picture and page. If no map fits the grid well, one with large residuals at the nodes is returned.
    lattice : Lattice
        The nodes that it is fitted to.

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
        if lattice.counted_mm is not None:  # If the 5 mm lines were wrong, a warp fits the nodes better without the correction.
            plain = replace(lattice, points_mm=lattice.counted_mm, mended=0, counted_mm=None)
            plain_warp = smoothest_warp(plain.points_px, plain.points_mm, size)
            if residuals_mm(plain_warp, plain.points_px, plain.points_mm)[1] < residuals_mm(warp, lattice.points_px, lattice.points_mm)[1]:
                unmended = plain_warp, plain
        if unmended is None and residuals_mm(warp, lattice.points_px, lattice.points_mm)[0] < _CONSISTENT_MM:
            return warp, lattice
    except (ImageError, np.linalg.LinAlgError):
        lattice = None
    # On copies in black and white, often only the 5 mm lines are left.
    coarse = fives.alone
    # The warp by uncorrected 1 mm lines is preferred to the warp by 5 mm lines if both have the same scale, since it has more nodes, or if
    # it has small residuals and it alone has about the expected scale.
    keep_fine = coarse is not None and unmended is not None and abs(np.log(unmended[0].scale / coarse[0].scale)) < _SAME_SCALE
    if coarse is not None and unmended is not None and fives.px_per_mm is not None:
        scale_off = [abs(np.log(warp.scale / fives.px_per_mm)) for warp in (unmended[0], coarse[0])]
        consistent = residuals_mm(unmended[0], unmended[1].points_px, unmended[1].points_mm)[0] < _CONSISTENT_MM
        keep_fine = keep_fine or (consistent and scale_off[0] < _NEAR_SCALE < scale_off[1])
    if coarse is not None and not keep_fine and residuals_mm(coarse[0], coarse[1].points_px, coarse[1].points_mm)[0] < _CONSISTENT_FIVES_MM:
        return coarse
    if unmended is not None:
        return unmended
    if lattice is None:
        raise ImageError("no millimetre grid was found, expected lines or dots every millimetre over most of the page")
    return warp, lattice


def follow_grid(grid: np.ndarray, major: np.ndarray, px_per_mm: float | None = None) -> Lattice:
    """Measure the phase of a grid at nodes, from where it is clearest outwards, and count its lines from a crossing of 5 mm lines."""
    positions, gradients, strengths, sigma = _followed(grid, 1.0, _SPACING, px_per_mm)
    return _on_fives(np.ascontiguousarray(major, dtype=np.float32), positions, gradients, strengths, sigma)


def follow_fives(major: np.ndarray, px_per_mm: float | None = None) -> Lattice:
    """Follow the 5 mm lines of `major` alone, as `follow_grid` follows all lines."""
    positions, _, strengths, _ = _followed(major, 5.0, 2 * _SPACING, px_per_mm)
    rows, columns = np.nonzero(np.isfinite(positions[..., 0]))
    points = np.column_stack([columns, rows]).astype(np.float64) * (2 * _SPACING)
    return Lattice(points, 5.0 * positions[rows, columns], strengths[rows, columns], 0, spacing_px=2 * _SPACING)


def _followed(
    plane: np.ndarray, period_mm: float, spacing: int, px_per_mm: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Follow lines `period_mm` apart in a plane from its seed; `ImageError` if it has none at about the expected scale.

    Returns
    -------
    positions : ndarray, shape (rows, columns, 2)
        Positions along x and y at nodes every `spacing` px, counted in lines from one near the seed, so that they are whole numbers on
        lines; NaN where no grid was found.
    gradients : ndarray, shape (rows, columns, 2, 2)
        Change of each of the two positions, in lines per px along x and y.
    strengths : ndarray, shape (rows, columns)
        Strength of the weaker of both families of lines at the nodes.
    sigma : float
        Standard deviation of the Gaussian window in which lines are measured at a node, px.
    """
    from fastecg.kernels.demodulate import follow

    plane = np.ascontiguousarray(plane, dtype=np.float32)
    (x, y), gradient = _seed(plane, period_mm)
    if px_per_mm is not None and abs(np.log(np.sqrt(abs(np.linalg.det(gradient))) * period_mm * px_per_mm)) > _OTHER_SCALE:
        raise ImageError(f"the picture's clearest lines are not {period_mm:g} mm apart, expected a millimetre grid")
    shape = tuple(-(-n // spacing) for n in plane.shape)
    positions, gradients, strengths = np.empty((*shape, 2)), np.empty((*shape, 2, 2)), np.empty(shape)
    sigma = _WINDOW_PERIODS / float(np.sqrt(abs(np.linalg.det(gradient))))
    follow(plane, spacing, sigma, (y // spacing, x // spacing), gradient, _WEAKEST, positions, gradients, strengths)
    return positions, gradients, strengths, sigma


def _seed(plane: np.ndarray, period_mm: float) -> tuple[tuple[int, int], np.ndarray]:
    """The middle (x, y) px of the tile with the clearest grid, and the gradient of its lines as `carriers` gives it.

    `ImageError` if there is no grid.
    """
    best: tuple[float, tuple[int, int], np.ndarray] | None = None
    for y in _tile_starts(plane.shape[0]):
        for x in _tile_starts(plane.shape[1]):
            tile = plane[y : y + _TILE, x : x + _TILE]
            strength, gradient = carriers(tile, (_PERIODS[0] * period_mm, _PERIODS[1] * period_mm))
            if best is None or strength > best[0]:
                best = strength, (x + tile.shape[1] // 2, y + tile.shape[0] // 2), gradient
    if best is None or best[0] < 0.004:  # Weaker lines, as `carriers` measures their strength, are no grid.
        raise ImageError("no millimetre grid was found, expected lines or dots every millimetre over most of the page")
    one, other = np.linalg.norm(best[2], axis=1)  # Lines per px in each family.
    # The width of the window is derived from the area of the grid's squares. For nearly parallel families, the window would be as wide as
    # the page.
    if abs(np.linalg.det(best[2])) < _CROSSING * one * other or max(one, other) > _SQUARE * min(one, other):
        raise ImageError("the picture's lines are no grid, expected two families that cross at right angles, equally far apart")
    return best[1], best[2]


def _tile_starts(length: int) -> list[int]:
    """First pixels of up to five tiles that are spread evenly along a side of a picture, away from its ends."""
    count = max(1, min(5, length // _TILE))
    return [int(start) for start in np.linspace(0, max(length - _TILE, 0), count + 2)[1:-1]]


def carriers(tile: np.ndarray, periods: tuple[float, float]) -> tuple[float, np.ndarray]:
    """Find two crossing families of lines in a tile.

    Parameters
    ----------
    tile : ndarray, shape (height, width)
    periods : (float, float)
        Smallest and largest distance between lines that is looked for, px.

    Returns
    -------
    strength : float
        Peak of the weaker family in the spectrum, as a share of the window's sum.
    gradient : ndarray, shape (2, 2)
        Frequencies along x and y, in cycles per pixel: first of the upright lines (fx >= 0), then of the level ones (fy >= 0).
    """
    # The tile fades out at its edges, and is padded with zeros to `_FINE` times a power of two.
    window = np.hanning(tile.shape[0])[:, None] * np.hanning(tile.shape[1])[None, :]
    size = _FINE * (1 << int(np.ceil(np.log2(max(tile.shape)))))
    # The tile is real, so its spectrum is symmetrical and the half with fx >= 0 is enough for both families.
    spectrum = np.abs(np.fft.rfft2(((tile - tile.mean()) * window).astype(np.float32), (size, size))) / window.sum()
    fx, fy = np.fft.rfftfreq(size)[None, :], np.fft.fftfreq(size)[:, None]
    radius = np.hypot(fx, fy)
    wanted = (radius > 1 / periods[1]) & (radius < 1 / periods[0])
    along = _peak(spectrum, wanted & (np.abs(fy) < _STEEPEST * fx))
    down = _peak(spectrum, wanted & (fx < _STEEPEST * np.abs(fy)))
    if down[2] < 0:  # A peak at (-fx, -fy) is the same wave.
        down = down[0], -down[1], -down[2]
    return min(along[0], down[0]), np.array([along[1:], down[1:]])


def _peak(spectrum: np.ndarray, where: np.ndarray) -> tuple[float, float, float]:
    """Largest value of a spectrum in the mask `where`, and its position (fx, fy) in cycles per px, interpolated by parabolas.

    `spectrum` (n, n / 2 + 1) is that half of a real tile's spectrum which has fx >= 0.
    """
    row, column = (int(k) for k in np.unravel_index(np.argmax(np.where(where, spectrum, -1.0)), spectrum.shape))
    n, last = spectrum.shape[0], spectrum.shape[1] - 1

    def between(before: float, here: float, after: float) -> float:
        # Distance of the vertex of the parabola through three neighbouring values from the middle one.
        bend = before - 2 * here + after
        return float(0.5 * (before - after) / bend) if bend < 0 else 0.0

    dy = between(spectrum[row - 1, column], spectrum[row, column], spectrum[(row + 1) % n, column])
    # The values at fx < 0 are the mirror image of those at fx > 0.
    before = spectrum[row, column - 1] if column else spectrum[-row % n, 1]
    dx = between(before, spectrum[row, column], spectrum[row, min(column + 1, last)])
    signed_row = row - n if row > n // 2 else row
    return float(spectrum[row, column]), (column + dx) / n, (signed_row + dy) / n


def _on_fives(major: np.ndarray, positions: np.ndarray, gradients: np.ndarray, strengths: np.ndarray, sigma: float) -> Lattice:
    """Count 1 mm lines from a crossing of 5 mm lines, and correct nodes at which the count is wrong by whole millimetres.

    The parameters are the 5 mm lines (height, width), and what `_followed` returns for all lines.
    """
    from fastecg.kernels.demodulate import demodulate_nodes

    # At the middle node of every block of `_COARSE` x `_COARSE` nodes, for the 5 mm lines that are counted along x and for those along y:
    # their strength, and what has to be added to the position to count from a 5 mm line, as a share of 5 mm. The window has a standard
    # deviation of 3.3 * 0.76 = 2.5 mm.
    phase = np.full((*(-(-n // _COARSE) for n in strengths.shape), 2, 2), np.nan)
    demodulate_nodes(major, _SPACING, _COARSE, positions, gradients, 5.0, 3.3 * sigma, phase)
    clarity, off_mm = phase[..., 0], 5.0 * phase[..., 1]
    rows, columns = np.nonzero(np.isfinite(positions[..., 0]))
    if not len(rows):
        raise ImageError("no millimetre grid could be followed, expected lines or dots every millimetre over most of the page")
    if not np.isfinite(clarity).any():  # If none of the middle nodes has a position, lines are counted from any line.
        points = np.column_stack([columns, rows]).astype(np.float64) * _SPACING
        return Lattice(points, positions[rows, columns], strengths[rows, columns], 0)
    # All lines are counted from the seed, which is `common_mm` to the right of or below a 5 mm line. If 5 mm lines are clear in a block of
    # nodes, and its `off_mm` differs from `common_mm` by a whole number of mm, within 0.3, the count is wrong by this number in the block.
    common_mm = np.array([_circular_median(off_mm[..., axis], clarity[..., axis]) for axis in (0, 1)])
    apart_mm = (off_mm - common_mm + 2.5) % 5.0 - 2.5  # From -2.5 to 2.5, since 5 mm lines look alike.
    with np.errstate(invalid="ignore"):
        sure = (clarity > 0.3 * np.nanmedian(clarity, axis=(0, 1))).all(axis=-1) & (np.abs(apart_mm - np.rint(apart_mm)) < 0.3).all(axis=-1)
    slip_mm = np.where(sure[..., None], np.rint(apart_mm), 0.0)
    slip_mm = slip_mm[rows // _COARSE, columns // _COARSE]
    points = np.column_stack([columns, rows]).astype(np.float64) * _SPACING
    counted = positions[rows, columns] + np.rint(common_mm)
    mended = int((slip_mm != 0).any(axis=1).sum())
    return Lattice(points, counted + slip_mm, strengths[rows, columns], mended, counted if mended else None)


def _circular_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The median of values with a period of 5: their weighted circular mean plus the median of their differences from it, ±2.5 at most."""
    values, weights = values[np.isfinite(values)], weights[np.isfinite(values)]
    mean = np.angle(np.sum(weights * np.exp(2j * np.pi * values / 5.0))) * 5.0 / (2 * np.pi)
    return float(mean + np.median((values - mean + 2.5) % 5.0 - 2.5))
