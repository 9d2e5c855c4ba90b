"""The only resampling: a sheet is sampled through a lattice of cells of 8x8 pixels, lit, and given noise, in one pass over the picture.

First the values at the nodes become integers (`nodes_to_integers`, `light_to_integers`): coordinates in units of 1/65536 px (Q16), light
in units of 1/16384 (Q14). Cells are of three kinds. Those completely on the sheet or beside it are sampled eight pixels at a time
(`fastecg.kernels.sample_cell`). In the few cells that the sheet's edge crosses, those rows that it crosses are sampled pixel by pixel,
with the exact shares of sheet and background. All arithmetic is on integers, and rows are independent, so the bytes depend neither on
the processor nor on how rows are distributed among threads.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels import CELL as CELL
from fastecg.kernels.address import address
from fastecg.kernels.ahead import prefetch
from fastecg.kernels.jit import jit, subkernel
from fastecg.kernels.noise import CHROMA_COUNT, CHROMA_STREAM, LUMA_COUNT, LUMA_STREAM, SIGN_STREAM, table_offset
from fastecg.kernels.sample_cell import (
    DARKEST,
    LOSS,
    add_noise,
    copy_bytes,
    halve_pixels,
    interpolate_coordinates,
    interpolate_light,
    light_desk,
    locate_pixels,
    sample_sheet,
)

# Measured on a page of 2200 x 1700 px, in units of the time of this pass: OpenCV's remap alone takes 2.5, the same steps composed of
# OpenCV's fastest functions 6.7, and bicubic sampling in this pass 3.

# Kinds of cells.
BESIDE = 0  # The cell is completely beside the sheet.
ON = 1  # The cell is completely on the sheet.
ACROSS = 2  # The edge of the sheet crosses the cell, or the cell spans too much of the sheet (see `WIDEST`).
FAR_AWAY = 32767  # Limit of coordinates, px.
NOWHERE = -(2**31)  # Stands for the coordinates of a node whose position is not finite.
ONE = 65536  # One px in Q16.
WIDEST = 2048 * ONE  # Cells that span more of the sheet are sampled pixel by pixel, where no product overflows.


@jit
def nodes_to_integers(nodes, lattice):
    """Write nodes (rows, cols, 2), in px, as Q16 to `lattice` (2, m, n) int32. Beyond the nodes, the last row or column is repeated."""
    rows, cols = nodes.shape[:2]
    for i in range(lattice.shape[1]):
        for j in range(lattice.shape[2]):
            x, y = nodes[min(i, rows - 1), min(j, cols - 1)]
            lattice[0, i, j] = _to_q16(x) if np.isfinite(x + y) else NOWHERE
            lattice[1, i, j] = _to_q16(y) if np.isfinite(x + y) else NOWHERE


@subkernel
def _to_q16(position):
    """A position in px as Q16, rounded to nearest and limited to `FAR_AWAY`."""
    return np.int32(np.floor(min(max(position, -float(FAR_AWAY)), float(FAR_AWAY)) * 65536.0 + 0.5))


@jit
def classify_cells(lattice, height, width, cells):
    """Write the kind of every cell: BESIDE the sheet of (height, width), ON it, or ACROSS its edge."""
    for i in range(cells.shape[0]):
        for j in range(cells.shape[1]):
            x0, x1 = _span(lattice[0], i, j)
            y0, y1 = _span(lattice[1], i, j)
            cells[i, j] = _kind(x0, x1, y0, y1, height, width)


@subkernel
def _row_kind(sides, j, height, width):
    """The kind of one row of pixels in column j of the cells, from the coordinates at the `sides` (see `_interpolate_coordinates`)."""
    x0, x1 = np.int64(sides[0, j]), np.int64(sides[0, j + 1])
    y0, y1 = np.int64(sides[1, j]), np.int64(sides[1, j + 1])
    return _kind(min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1), height, width)


@subkernel
def _kind(x0, x1, y0, y1, height, width):
    """The kind of pixels with Q16 coordinates x0 to x1 and y0 to y1: ON the sheet of (height, width), BESIDE it, or ACROSS its edge.

    Pixels of a cell with a node at `NOWHERE` are BESIDE it.
    """
    # The last two columns do not count as on the sheet, because the vector code reads 8 bytes where it needs 6.
    on = x0 >= 0 and y0 >= 0 and x1 < (width - 2) * ONE and y1 < (height - 1) * ONE and x1 - x0 < WIDEST and y1 - y0 < WIDEST
    beside = x0 == NOWHERE or x1 <= -ONE or y1 <= -ONE or x0 >= width * ONE or y0 >= height * ONE
    return ON if on else BESIDE if beside else ACROSS


@subkernel
def _span(plane, i, j):
    """The smallest and the largest coordinate at the corners of a cell; `plane` holds the x or the y of the nodes."""
    a, b, c, d = np.int64(plane[i, j]), np.int64(plane[i, j + 1]), np.int64(plane[i + 1, j]), np.int64(plane[i + 1, j + 1])
    return min(min(a, b), min(c, d)), max(max(a, b), max(c, d))


@jit
def light_to_integers(gain, lift, light):
    """Write the light at the nodes, factors `gain` (rows, cols, 3) and levels `lift` (rows, cols), to `light` (m, 4 n) uint16.

    Each node has three factors in Q14, from `DARKEST` to 2, and the lift in Q6, from 0 to 255 levels. Half a level and `LOSS` are added to
    the lift, so that levels are rounded to nearest when their fractions are cut off.
    """
    rows, cols = gain.shape[:2]
    for m in range(light.shape[0]):
        for j in range(light.shape[1] // 4):
            i, k = min(m, rows - 1), min(j, cols - 1)
            for c in range(3):
                factor = min(max(gain[i, k, c], np.float32(0.0)), np.float32(1.99996))
                light[m, 4 * j + c] = max(np.uint16(factor * np.float32(16384.0) + np.float32(0.5)), np.uint16(DARKEST))
            veil = min(max(lift[i, k], np.float32(0.0)), np.float32(255.0))
            light[m, 4 * j + 3] = np.uint16(veil * np.float32(64.0) + np.float32(32.5 + LOSS))


@jit
def halve(image, out):
    """Fill `out`, half as high and wide (rounded up), with the rounded means of 2x2 pixels of an image (height, width, 3) uint8.

    If the height or the width is odd, the last row or column counts twice.
    """
    height, width = image.shape[:2]
    whole = width // (2 * CELL) * CELL  # columns of the output that are done eight at a time
    for i in range(out.shape[0]):
        upper, lower = image[2 * i], image[min(2 * i + 1, height - 1)]
        upper_at, lower_at, out_at = address(image[2 * i]), address(image[min(2 * i + 1, height - 1)]), address(out[i])
        for j in range(0, whole, CELL):
            halve_pixels(upper_at + 6 * j, lower_at + 6 * j, out_at + 3 * j)
        for j in range(whole, out.shape[1]):
            k, m = 2 * j, min(2 * j + 1, width - 1)
            for c in range(3):
                total = np.int32(upper[k, c]) + np.int32(upper[m, c]) + np.int32(lower[k, c]) + np.int32(lower[m, c])
                out[i, j, c] = np.uint8((total + np.int32(2)) >> np.int32(2))


def expose_rows(
    sheet: np.ndarray,
    lattice: np.ndarray,
    cells: np.ndarray,
    light: np.ndarray,
    desk: np.ndarray,
    luma: np.ndarray,
    chroma: np.ndarray,
    noise: np.ndarray,
    origin: np.ndarray,
    out: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Write the rows of a picture from `start` up to `stop`, which is excluded.

    Parameters
    ----------
    sheet : (H, W, 3) uint8
    lattice : (2, rows, n) int32
        Nodes from `nodes_to_integers`; n is a multiple of 8.
    cells : (rows - 1, cols - 1) uint8
        From `classify_cells`.
    light : (1 or 2, rows, 4 n) uint16
        Light on the sheet and, if it differs, beside the sheet, from `light_to_integers`.
    desk : (1 or height, width, 3) uint8
        The background beside the sheet; one row is used for all rows of the picture.
    luma, chroma : from `fastecg.kernels.noise.tables`
    noise : (4,) int64
        Seed and the three coefficients from `fastecg.kernels.noise.noise_curve`.
    origin : (2,) int64
        Pixel (x, y) of the picture at which the first node lies; x and y are 0 or negative.
    out : (height, width, 3) uint8
    """
    columns = cells.shape[1]
    sides, ahead = np.empty((2, lattice.shape[2]), dtype=np.int32), np.empty((2, lattice.shape[2]), dtype=np.int32)
    offsets, shares = np.empty((columns, CELL), dtype=np.int32), np.empty((columns, 2 * CELL), dtype=np.uint16)
    lit = np.empty((light.shape[0], light.shape[2]), dtype=np.uint16)
    line = np.empty((columns + 1) * CELL * 3, dtype=np.uint8)
    levels = np.empty((columns, 32), dtype=np.int16)
    patch = np.empty((CELL, 3), dtype=np.uint8)
    _expose_rows(
        sheet, lattice, cells, light, desk, luma, chroma, noise, origin, out, start, stop, sides, ahead, offsets, shares, lit, line, levels,
        patch,
    )  # fmt: skip


@jit
def _expose_rows(
    sheet, lattice, cells, light, desk, luma, chroma, noise, origin, out, start, stop, sides, ahead, offsets, shares, lit, line, levels,
    patch,
):  # fmt: skip
    """The loops of `expose_rows`, with the scratch arrays `sides` to `patch`.

    `sides` and `ahead` hold the coordinates on the sheet at the sides of cells, in this row and eight rows further down, and `lit` the
    light at the sides.
    """
    columns, width, beside = cells.shape[1], np.int64(sheet.shape[1]), light.shape[0] - 1
    # Addresses are taken once: passing arrays in the loop over cells would change their reference counts every time.
    pixels, xs, ys, page_light, desk_light = address(sheet), address(sides), address(sides[1]), address(lit), address(lit[beside])
    offsets_at, shares_at = address(offsets), address(shares)
    line_at, levels_at, patch_at, luma_at, chroma_at = address(line), address(levels), address(patch), address(luma), address(chroma)
    for row in range(start, stop):
        i, eighths = (row - origin[1]) // CELL, (row - origin[1]) % CELL
        _interpolate_coordinates(lattice, i, eighths, sides)
        _interpolate_coordinates(lattice, min(i + 1, cells.shape[0] - 1), eighths, ahead)
        _interpolate_light(light, i, eighths, lit)
        sign = 2 * table_offset(noise[0], SIGN_STREAM, row >> 1, 2) - 1
        c0, c1, c2 = sign * noise[1], sign * noise[2], sign * noise[3]
        luma_row, chroma_row = (
            luma_at + 2 * table_offset(noise[0], LUMA_STREAM, row, LUMA_COUNT),
            chroma_at + 8 * table_offset(noise[0], CHROMA_STREAM, row >> 1, CHROMA_COUNT),
        )
        desk_row = row if desk.shape[0] > 1 else 0
        desk_at = address(desk[desk_row])
        for j in range(columns):
            locate_pixels(width, xs + 4 * j, ys + 4 * j, offsets_at + 32 * j, shares_at + 32 * j)
            # The sheet is read along slanting lines, which processors do not predict: memory is prefetched eight rows ahead.
            prefetch(pixels + 3 * (np.int64(ahead[1, j] >> 16) * width + np.int64(ahead[0, j] >> 16)))
        for j in range(columns):
            x, kind = origin[0] + CELL * j, cells[i, j]
            if kind == ACROSS:  # Many rows of such a cell lie completely on one side of the edge.
                kind = _row_kind(sides, j, sheet.shape[0], width)
            if kind == ON:
                sample_sheet(pixels, width, offsets_at + 32 * j, shares_at + 32 * j, page_light + 8 * j, levels_at + 64 * j)
            elif kind == ACROSS:
                _expose_across_edge(sheet, lattice, i, j, eighths, lit, desk, desk_row, x, levels)
            elif x >= 0 and x + CELL <= desk.shape[1]:
                light_desk(desk_at + 3 * x, desk_light + 8 * j, levels_at + 64 * j)
            else:
                _desk_patch(desk, desk_row, x, patch)
                light_desk(patch_at, desk_light + 8 * j, levels_at + 64 * j)
        for j in range(columns):
            add_noise(levels_at + 64 * j, luma_row + 16 * j, chroma_row + 32 * j, line_at + 24 * j, c0, c1, c2)
        copy_bytes(line_at - 3 * origin[0], address(out[row]), np.int64(out.shape[1] * 3))


@subkernel
def _interpolate_coordinates(lattice, i, eighths, sides):
    """Write the coordinates on the sheet at which one row of pixels crosses the sides of cells to `sides` (2, n).

    The row lies in row i of the cells, `eighths` eighths of the way down.
    """
    for axis in range(2):
        upper, lower, out = address(lattice[axis, i]), address(lattice[axis, i + 1]), address(sides[axis])
        for j in range(0, sides.shape[1], 8):
            interpolate_coordinates(upper + 4 * j, lower + 4 * j, eighths, out + 4 * j)


@subkernel
def _interpolate_light(light, i, eighths, lit):
    """Write the light, on the sheet and beside it, where one row of pixels crosses the cells' sides, to `lit`."""
    for kind in range(light.shape[0]):
        upper, lower, out = address(light[kind, i]), address(light[kind, i + 1]), address(lit[kind])
        for j in range(0, lit.shape[1], 16):
            interpolate_light(upper + 2 * j, lower + 2 * j, eighths, out + 2 * j)


@subkernel
def _desk_patch(desk, row, x, patch):
    """Copy eight background pixels from x on to `patch`. Beyond the picture's sides, the outermost pixel is repeated."""
    for k in range(CELL):
        for c in range(3):
            patch[k, c] = desk[row, min(max(x + k, 0), desk.shape[1] - 1), c]


@subkernel
def _coordinate(plane, i, j, eighths, k):
    """The coordinate, Q16, at pixel k of a row in a cell, rounded exactly as by the vector code."""
    left, right = np.int64(plane[i, j]), np.int64(plane[i, j + 1])
    left += ((np.int64(plane[i + 1, j]) - left) * eighths + 4) >> 3
    right += ((np.int64(plane[i + 1, j + 1]) - right) * eighths + 4) >> 3
    return left + (((right - left) * k + 4) >> 3)


@subkernel
def _light_at(lit, kind, j, c, k):
    """Light at pixel k of a row in cell j: the factor of channel c, or the lift for c = 3. `kind` 0 is on the sheet, 1 beside it."""
    left, right = np.int64(lit[kind, 4 * j + c]), np.int64(lit[kind, 4 * j + 4 + c])
    return left + (((right - left) * k + 4) >> 3)


@subkernel
def _expose_across_edge(sheet, lattice, i, j, eighths, lit, desk, desk_row, x, levels):
    """Write the levels, Q6, of eight pixels of a cell that is ACROSS the sheet's edge, in the order of the vector code.

    Areas, in which a pixel is ONE * ONE, are Q32. With light in Q14, a shift by 40 leaves Q6.
    """
    for k in range(CELL):
        x0, x1, left, right = _neighbours(_coordinate(lattice[0], i, j, eighths, k), sheet.shape[1])
        y0, y1, upper, lower = _neighbours(_coordinate(lattice[1], i, j, eighths, k), sheet.shape[0])
        uncovered = ONE * ONE - (left + right) * (upper + lower)  # Area of the pixel that the sheet leaves to the background.
        desk_x = np.uint64(min(max(x + k, 0), desk.shape[1] - 1))
        # The first of the pixel's four numbers in `levels`: the vector NEAR, from 0 on, then FAR, from 16 on.
        slot = 4 * (k - 2 * (k // 2 % 2) - 2 * (k // 4)) + 16 * (k // 2 % 2)
        on, beside, lift = np.int64(0), np.int64(lit.shape[0] - 1), np.int64(3)
        lifted = (_light_at(lit, on, j, lift, k) * (ONE * ONE - uncovered) + _light_at(lit, beside, j, lift, k) * uncovered) >> 32
        for c in range(3):
            seen = upper * (left * np.int64(sheet[y0, x0, c]) + right * np.int64(sheet[y0, x1, c]))
            seen += lower * (left * np.int64(sheet[y1, x0, c]) + right * np.int64(sheet[y1, x1, c]))
            shown = seen * _light_at(lit, on, j, c, k) + uncovered * np.int64(desk[desk_row, desk_x, c]) * _light_at(lit, beside, j, c, k)
            levels[j, slot + c] = np.int16(min((shown >> 40) + lifted, 32767))


@subkernel
def _neighbours(position, count):
    """The two pixels beside a position (Q16) and their shares of 65536; a pixel that is not on the sheet has the share 0."""
    before, share = position >> 16, position & 0xFFFF
    after = before + 1
    share_before = ONE - share if 0 <= before < count else 0
    share_after = share if 0 <= after < count else 0
    return np.uint64(min(max(before, 0), count - 1)), np.uint64(min(max(after, 0), count - 1)), share_before, share_after
