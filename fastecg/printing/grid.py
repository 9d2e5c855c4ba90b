"""The printed millimetre grid, as exact area coverage.

A ruled line is a rectangle parallel to the pixels, so its coverage is the product of two one-dimensional overlaps: one number for every
pixel column and one for every pixel row describe all vertical or all horizontal lines of one weight. Lines lie every millimetre from the
left and upper edge of the ruled area. Every 5th is a major line, or 5 mm line; every 25th is a heavy line, or 25 mm line, if the style has
these. Some papers have dots at the crossings of 1 mm lines in place of the 1 mm lines. A heavier weight is printed over a lighter one. The
area may end between two lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from fastecg.kernels.hashing import uniform
from fastecg.kernels.ruling import add_discs, print_dots, print_rules
from fastecg.page import Grid
from fastecg.styles.style import RGB, GridInk

_BEAD = 0.7  # Length of a bead as a share of the beads' pitch.
_CLOUD_BEADS = 30  # Number of beads between two independent values of their ink.
# Number of stretches of a solid line, each from one line across to the next, between two independent values of the ink (the roller's
# pressure): these are 14 mm apart on 1 mm lines, and 70 mm on 5 mm lines.
_WAVE_STRETCHES = 14
_LEVELS = 128.0  # Number of levels of the ink along solid lines. With few levels, many rows are equal, and equal rows are drawn once.
_GAP_MM = (1.5, 28.0)  # Range of the lengths of gaps in solid lines, where the plate took little ink.
_GAPS_PER_MM2 = 1 / 70.0  # Number of gaps per mm² of paper and unit of unevenness: about 170 on a page with an unevenness of 0.2.
_SLIVER_MM = 1e-6  # A line may lie this far beyond the area's end, because of rounding errors.


def draw_grid(pixels: np.ndarray, grid: Grid, ink: GridInk, scale: float) -> None:
    """Print the grid on paper.

    Parameters
    ----------
    pixels : (height, width, 3) array of uint8
        The flat sheet filled with paper, changed in place; pixel (0, 0) covers the page's corner.
    grid : Grid
        The ruled area in mm; it may leave the sheet.
    ink : GridInk
        Weights and inks.
    scale : float
        px/mm.
    """
    shape = pixels.shape[:2]
    dotted = ink.minor == "dots" and ink.minor_mm > 0
    if dotted:
        columns, rows = _dot_positions(grid, scale)
        print_dots(pixels, columns, rows, ink.minor_mm / 2 * scale, np.array(ink.minor_ink, np.float32), ink.uneven, _plate(ink))
    rules = _rules(shape, grid, ink, scale)
    if rules:
        # `print_rules` takes pixels as rows of bytes, so the coverage of a column is given for each of its three bytes.
        columns, across = (np.repeat([getattr(rule, name) for rule in rules], 3, axis=1) for name in ("columns", "across"))
        rows, down = (np.stack([getattr(rule, name) for rule in rules]) for name in ("rows", "down"))
        inks = np.stack([np.tile(np.array(rule.ink, np.float32), shape[1]) for rule in rules])
        ruled = pixels.reshape(shape[0], -1)
        # The paper's colour, read inside the area between two 1 mm lines.
        paper = pixels[
            tuple(min(max(int((edge + 2.5) * scale), 0), size - 1) for edge, size in zip(grid.area_mm[1::-1], shape, strict=True))
        ].copy()
        print_rules(ruled, columns, across, rows, down, inks, not dotted)
        for window, loss in _gaps(shape, grid, ink, scale):  # Lost ink lets the paper through.
            part = pixels[window].astype(np.float32)
            pixels[window] = part + np.float32(loss) * (paper - part) + np.float32(0.5)


def grid_plane(shape: tuple[int, int], grid: Grid, ink: GridInk, scale: float) -> np.ndarray:
    """Return the coverage (height, width), 0 to 255 uint8, by all ink that `draw_grid` prints, of any colour."""
    plane = np.zeros(shape, np.float32)
    if ink.minor == "dots" and ink.minor_mm > 0:
        add_discs(*_dot_positions(grid, scale), 0, ink.minor_mm / 2 * scale, plane, ink.uneven, _plate(ink))
        np.minimum(plane, np.float32(1.0), out=plane)
    for rule in _rules(shape, grid, ink, scale):
        np.maximum(plane, rule.columns * rule.down[:, None], out=plane)
        np.maximum(plane, rule.rows[:, None] * rule.across, out=plane)
    for window, loss in _gaps(shape, grid, ink, scale):
        plane[window] *= 1.0 - loss
    return (plane * 255 + 0.5).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class _Rule:
    """All lines of one weight, as coverage from 0 to 1 along the axes. Their coverage of pixels is the product of two of these arrays."""

    columns: np.ndarray  # (width,) coverage of pixel columns by the vertical lines' widths
    down: np.ndarray  # (height,) coverage of pixel rows by the vertical lines' lengths
    rows: np.ndarray  # (height,) coverage of pixel rows by the horizontal lines' widths
    across: np.ndarray  # (width,) coverage of pixel columns by the horizontal lines' lengths
    ink: RGB


def _rules(shape: tuple[int, int], grid: Grid, ink: GridInk, scale: float) -> list[_Rule]:
    """Return the lines of each weight in the order of printing. If the ink is `rows_last`, vertical lines of all weights come first."""
    weights = [(1, ink.minor_mm if ink.minor == "line" else 0.0, ink.minor_ink)]
    weights += [(5, ink.major_mm, ink.major_ink), (25, ink.heavy_mm, ink.heavy_ink)]
    weights = [weight for weight in weights if weight[1] > 0]
    left, top, right, bottom = grid.area_mm
    rules = []
    for i, (step, width_mm, colour) in enumerate(weights):
        heavier = weights[i + 1][0] if i + 1 < len(weights) else 0
        bead_mm = ink.major_bead_mm if step == 5 else 0.0
        press = ink.uneven, _plate(ink)
        columns, across = _lines((left, right), step, heavier, width_mm, bead_mm, scale, shape[1], press, ink.dots_per_mm)
        # If there are no horizontal heavy lines, there are horizontal 5 mm lines in their places.
        heavier = heavier if heavier != 25 or ink.heavy_rows else 0
        rows, down = _lines((top, bottom), step, heavier, width_mm, bead_mm, scale, shape[0], press, ink.dots_per_mm)
        if step == 25 and not ink.heavy_rows:
            rows = np.zeros_like(rows)
        rules.append(_Rule(columns, down, rows, across, colour))
    if ink.rows_last:
        vertical = [replace(rule, rows=np.zeros_like(rule.rows)) for rule in rules]
        return vertical + [replace(rule, columns=np.zeros_like(rule.columns)) for rule in rules]
    return rules


def _lines(
    span_mm: tuple[float, float],
    step: int,
    left_out: int,
    width_mm: float,
    bead_mm: float,
    scale: float,
    size: int,
    press: tuple[float, int],
    dots_per_mm: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the lines of one weight cover on one axis, as two coverages (size,) of its pixels, each times the ink there.

    The first is by the widths of the lines across this axis, the second by the lengths of the lines along this axis.

    Parameters
    ----------
    span_mm : (float, float)
        Start and stop of the ruled area on this axis.
    step, left_out : int
        Lines lie every `step` mm; those every `left_out` mm are left out, because a heavier line is there (0: none).
    width_mm, bead_mm : float
        Width of the lines, and the pitch of the beads that they consist of (0: they are solid).
    scale : float
        px/mm.
    size : int
        Number of pixels on this axis.
    press : (float, int)
        How uneven the ink is, as a share, and the number of the printing plate.
    dots_per_mm : float
        Resolution of the raster to which lines are rounded (0: none).
    """
    start_mm, stop_mm = span_mm
    positions = _line_positions(start_mm, stop_mm)[::step]
    kept = positions if not left_out else positions[np.arange(len(positions)) * step % left_out != 0]
    half_mm = min(width_mm, step) / 2
    stretches = _rounded_to_dots(np.stack([kept - half_mm, kept + half_mm], axis=1), dots_per_mm)
    lines = _coverage(stretches, scale, size, _ink_of_each(len(kept), 1, *press))
    # Lines along the axis reach to the outer side of the first line across, and of the last one if the area ends at it: corners are closed.
    end_mm = max(stop_mm, positions[-1] + half_mm) if len(positions) else start_mm - half_mm
    ruled, shares = np.array([[start_mm - half_mm, end_mm]]), np.ones(1)
    if bead_mm > 0:
        middles = start_mm + bead_mm * np.arange(math.ceil((end_mm - start_mm) / bead_mm) + 1)
        ruled = np.clip(middles[:, None] + 0.5 * _BEAD * bead_mm * np.array([-1.0, 1.0]), start_mm - half_mm, end_mm)
        shares = _ink_of_each(len(middles), _CLOUD_BEADS, *press)
    elif press[0] > 0:
        # One stretch from each line across to the next, each with its own ink.
        edges = np.append(positions - half_mm, end_mm)
        ruled, shares = np.stack([edges[:-1], edges[1:]], axis=1), _ink_along(len(positions), *press)
        return lines, np.rint(_coverage(ruled, scale, size, shares) * np.float32(_LEVELS)) / np.float32(_LEVELS)
    return lines, _coverage(_rounded_to_dots(ruled, dots_per_mm), scale, size, shares)


def _ink_along(count: int, uneven: float, plate: int) -> np.ndarray:
    """Return the ink of solid lines in each of `count` stretches from one line across them to the next, at most 1.

    The ink varies slowly, and equally on all parallel lines of a weight.
    """
    knots = uniform(plate + 2, np.arange(count // _WAVE_STRETCHES + 2))
    return np.asarray(1.0 - 0.6 * uneven * (1.0 + np.interp(np.arange(count) / _WAVE_STRETCHES, np.arange(len(knots)), knots)))


def _gaps(shape: tuple[int, int], grid: Grid, ink: GridInk, scale: float) -> Iterator[tuple[tuple[slice, slice], float]]:
    """Yield windows of the sheet in which a solid 1 mm line has lost ink, and the share that is lost.

    There are none if the ink is even, the area is less than 10 mm wide or high, or the paper has no 1 mm lines.
    """
    left, top, right, bottom = grid.area_mm
    if ink.minor != "line" or ink.uneven == 0.0 or right - left < 10.0 or bottom - top < 10.0:
        return
    plate = _plate(ink) + 3
    count = round(ink.uneven * _GAPS_PER_MM2 * (right - left) * (bottom - top))
    draws = 0.5 + 0.5 * uniform(plate, np.arange(5 * count)).reshape(count, 5)  # from 0 to 1
    half = max(0.5 * ink.minor_mm * scale, 0.5)
    # Lengths are spread evenly by their logarithm; 10 % to 65 % of the ink is lost.
    for place, start, length, loss, axis in draws:
        length_mm = _GAP_MM[0] * (_GAP_MM[1] / _GAP_MM[0]) ** length
        vertical = axis < 0.5
        across_start, across_stop, along_start, along_stop = (left, right, top, bottom) if vertical else (top, bottom, left, right)
        line = across_start + math.floor(place * (across_stop - across_start))
        if (line - across_start) % 5 < 0.5:  # If this is a 5 mm line, the next line has the gap.
            line += 1.0
        begin = along_start + start * (along_stop - along_start)
        across = slice(max(round(line * scale - half), 0), max(round(line * scale + half), 0))
        along = slice(max(round(begin * scale), 0), max(round(min(begin + length_mm, along_stop) * scale), 0))
        yield ((along, across) if vertical else (across, along)), 0.1 + 0.55 * loss


def _rounded_to_dots(stretches_mm: np.ndarray, dots_per_mm: float) -> np.ndarray:
    """Return stretches (n, 2) in mm, rounded to whole dots of a raster and at least one dot wide, as programs draw lines on a display.

    With 0 `dots_per_mm`, they are returned as they are.
    """
    if dots_per_mm == 0.0:
        return stretches_mm
    wide = np.maximum(np.rint((stretches_mm[:, 1] - stretches_mm[:, 0]) * dots_per_mm), 1.0)
    first = np.floor(0.5 * stretches_mm.sum(axis=1) * dots_per_mm - 0.5 * wide + 0.5)
    return np.asarray(np.stack([first, first + wide], axis=1) / dots_per_mm)


def _plate(ink: GridInk) -> int:
    """Return the number of the printing plate, which seeds the unevenness. It is a hash of `ink`, so other papers have other plates."""
    return crc32(repr(ink).encode()) & 0x7FFFFFFF


def _ink_of_each(count: int, length: int, uneven: float, plate: int) -> np.ndarray:
    """Return the ink (count,) of lines or beads, at most 1.

    Half of the variation is independent. The other half has independent values at every `length`-th line or bead and changes evenly between
    these.
    """
    if uneven == 0.0:
        return np.ones(count)
    own, knots = uniform(plate, np.arange(count)), uniform(plate + 1, np.arange(count // length + 2))
    slow = np.interp(np.arange(count) / length, np.arange(len(knots)), knots)
    return np.asarray(1.0 - 0.5 * uneven * (1.0 + 0.5 * (own + slow)))


def _line_positions(start_mm: float, stop_mm: float) -> np.ndarray:
    """Return the positions of the 1 mm lines on an axis, mm."""
    return start_mm + np.arange(math.floor(stop_mm - start_mm + _SLIVER_MM) + 1)


def _coverage(stretches_mm: np.ndarray, scale: float, size: int, shares: np.ndarray) -> np.ndarray:
    """Return the coverage (size,) of pixels by stretches (n, 2) mm, in order and without overlaps, each times its share (n,) of ink."""
    if not len(stretches_mm):
        return np.zeros(size, np.float32)
    edges = stretches_mm.ravel() * scale
    lengths = np.diff(edges)
    lengths[::2] *= shares
    lengths[1::2] = 0  # the gaps between stretches
    # Here pixel i spans i to i + 1 from the sheet's edge. The ink up to a position is piecewise linear, so differences are exact.
    ink = np.interp(np.arange(size + 1.0), edges, np.concatenate([[0.0], np.cumsum(lengths)]))
    return np.diff(ink).astype(np.float32)


def _dot_positions(grid: Grid, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the columns and rows of dots, px from the sheet's edges: the 1 mm positions that are not on major lines."""
    x0, y0, x1, y1 = grid.area_mm
    columns, rows = _line_positions(x0, x1), _line_positions(y0, y1)
    return columns[np.arange(len(columns)) % 5 != 0] * scale, rows[np.arange(len(rows)) % 5 != 0] * scale
