"""The only resampling: a sheet is sampled through a mesh of cells of 8x8 pixels, lit, and gets noise, in one read and one write.

First the mesh's nodes become integers (`survey_nodes`, `survey_light`): coordinates in 1/65536 pixel, light in 1/16384. Cells are of three
kinds. Those completely on the sheet or beside it are sampled eight pixels at a time (`sample_cell`). In the few cells that the sheet's edge
crosses, rows that it crosses are sampled pixel by pixel, with the exact shares of sheet and background. All arithmetic is on integers, and
rows are independent, so the bytes depend neither on the processor nor on how rows are distributed among threads.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels import CELL as CELL
from fastecg.kernels.address import address
from fastecg.kernels.ahead import prefetch
from fastecg.kernels.jit import jit
from fastecg.kernels.noise import CHROMA_COUNT, CHROMA_STREAM, LUMA_COUNT, LUMA_STREAM, SIGN_STREAM, table_offset
from fastecg.kernels.sample_cell import (
    DARKEST,
    LOSS,
    copy_bytes,
    develop,
    halve_pixels,
    locate,
    mix_coordinates,
    mix_light,
    see_desk,
    see_page,
)

# Measured on a page of 2200 x 1700 px, in units of this one pass: OpenCV's remap alone takes 2.5, the same steps composed of OpenCV's
# fastest functions 6.7, and bicubic sampling in this pass 3.

# Kinds of cells.
BESIDE = 0  # The cell is completely beside the sheet.
ON = 1  # The cell is completely on the sheet.
ACROSS = 2  # The edge of the sheet crosses the cell.
FAR_AWAY = 32767  # Limit of coordinates, px.
NOWHERE = -(2**31)  # Coordinate of a node that is not finite.
ONE = 65536  # One px in Q16.
WIDEST = 2048 * ONE  # Cells that cover more of the sheet are resampled pixel by pixel, where no product overflows.


@jit
def survey_nodes(nodes, lattice):
    """Write nodes (rows, cols, 2) as whole Q16 numbers into lattice (2, m, n); beyond the nodes the last ones are repeated."""
    rows, cols = nodes.shape[:2]
    for i in range(lattice.shape[1]):
        for j in range(lattice.shape[2]):
            x, y = nodes[min(i, rows - 1), min(j, cols - 1)]
            lattice[0, i, j] = _whole(x) if np.isfinite(x + y) else NOWHERE
            lattice[1, i, j] = _whole(y) if np.isfinite(x + y) else NOWHERE


@jit
def _whole(position):
    return np.int32(np.floor(min(max(position, -float(FAR_AWAY)), float(FAR_AWAY)) * 65536.0 + 0.5))


@jit
def survey_cells(lattice, height, width, cells):
    """Sort the cells: BESIDE the sheet of (height, width), ON it, or ACROSS its edge."""
    for i in range(cells.shape[0]):
        for j in range(cells.shape[1]):
            x0, x1 = _span(lattice[0], i, j)
            y0, y1 = _span(lattice[1], i, j)
            cells[i, j] = _kind(x0, x1, y0, y1, height, width)


@jit
def _row_kind(strip, j, height, width):
    """The kind of one row of pixels of cell j, from the coordinates that `_mix_coordinates` wrote to the strip."""
    x0, x1 = np.int64(strip[0, j]), np.int64(strip[0, j + 1])
    y0, y1 = np.int64(strip[1, j]), np.int64(strip[1, j + 1])
    return _kind(min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1), height, width)


@jit
def _kind(x0, x1, y0, y1, height, width):
    """The kind of pixels with coordinates between these: ON the sheet of (height, width), BESIDE it, or ACROSS its edge."""
    # The last two columns do not count as on the sheet: the vector code reads 8 bytes for 6.
    on = x0 >= 0 and y0 >= 0 and x1 < (width - 2) * ONE and y1 < (height - 1) * ONE and x1 - x0 < WIDEST and y1 - y0 < WIDEST
    beside = x0 == NOWHERE or x1 <= -ONE or y1 <= -ONE or x0 >= width * ONE or y0 >= height * ONE
    return ON if on else BESIDE if beside else ACROSS


@jit
def _span(plane, i, j):
    """The smallest and the largest coordinate at the corners of a cell."""
    a, b, c, d = np.int64(plane[i, j]), np.int64(plane[i, j + 1]), np.int64(plane[i + 1, j]), np.int64(plane[i + 1, j + 1])
    return min(min(a, b), min(c, d)), max(max(a, b), max(c, d))


@jit
def survey_light(gain, lift, light):
    """Write gain (rows, cols, 3) as Q14 and lift (rows, cols) as Q6 with half a level into light (m, 4 n) uint16."""
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
    """Mean of 2x2 pixels, rounded; at odd ends the last row or column counts twice."""
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
    """Write rows `start` to `stop` of the picture.

    Parameters
    ----------
    sheet : (H, W, 3) uint8
    lattice : (2, rows, n) int32
        Nodes from `survey_nodes`; n a multiple of 8.
    cells : (rows - 1, cols - 1) uint8
        From `survey_cells`.
    light : (1 or 2, rows, 4 n) uint16
        Light on the sheet and, if it differs, beside the sheet, from `survey_light`.
    desk : (1 or height, width, 3) uint8
    luma, chroma : from `noise.tables`
    noise : (4,) int64
        Seed and the three coefficients of `noise.curve`.
    origin : (2,) int64
        Picture pixel (x, y) of the first node; neither above 0.
    out : (height, width, 3) uint8
    """
    columns = cells.shape[1]
    strip, ahead = np.empty((2, lattice.shape[2]), dtype=np.int32), np.empty((2, lattice.shape[2]), dtype=np.int32)
    spots, shares = np.empty((columns, CELL), dtype=np.int32), np.empty((columns, 2 * CELL), dtype=np.uint16)
    lit = np.empty((light.shape[0], light.shape[2]), dtype=np.uint16)
    line = np.empty((columns + 1) * CELL * 3, dtype=np.uint8)
    levels = np.empty((columns, 32), dtype=np.int16)
    patch = np.empty((CELL, 3), dtype=np.uint8)
    _expose_rows(
        sheet, lattice, cells, light, desk, luma, chroma, noise, origin, out, start, stop, strip, ahead, spots, shares, lit, line, levels,
        patch,
    )  # fmt: skip


@jit
def _expose_rows(
    sheet, lattice, cells, light, desk, luma, chroma, noise, origin, out, start, stop, strip, ahead, spots, shares, lit, line, levels, patch
):
    """The loops of `expose_rows`, with the scratch arrays `strip` to `patch`."""
    columns, width, beside = cells.shape[1], np.int64(sheet.shape[1]), light.shape[0] - 1
    # Addresses are taken once: passing arrays in the loop over cells would change their reference counts every time.
    pixels, xs, ys, page_light, desk_light = address(sheet), address(strip), address(strip[1]), address(lit), address(lit[beside])
    spots_at, shares_at = address(spots), address(shares)
    line_at, levels_at, patch_at, luma_at, chroma_at = address(line), address(levels), address(patch), address(luma), address(chroma)
    for row in range(start, stop):
        i, eighths = (row - origin[1]) // CELL, (row - origin[1]) % CELL
        _mix_coordinates(lattice, i, eighths, strip)
        _mix_coordinates(lattice, min(i + 1, cells.shape[0] - 1), eighths, ahead)
        _mix_light(light, i, eighths, lit)
        sign = 2 * table_offset(noise[0], SIGN_STREAM, row >> 1, 2) - 1
        c0, c1, c2 = sign * noise[1], sign * noise[2], sign * noise[3]
        bright, colour = (
            luma_at + 2 * table_offset(noise[0], LUMA_STREAM, row, LUMA_COUNT),
            chroma_at + 8 * table_offset(noise[0], CHROMA_STREAM, row >> 1, CHROMA_COUNT),
        )
        desk_row = row if desk.shape[0] > 1 else 0
        desk_at = address(desk[desk_row])
        for j in range(columns):
            locate(width, xs + 4 * j, ys + 4 * j, spots_at + 32 * j, shares_at + 32 * j)
            # The sheet is read along slanting lines, which processors do not predict: memory is prefetched eight rows ahead.
            prefetch(pixels + 3 * (np.int64(ahead[1, j] >> 16) * width + np.int64(ahead[0, j] >> 16)))
        for j in range(columns):
            x, kind = origin[0] + CELL * j, cells[i, j]
            if kind == ACROSS:  # Many rows of such a cell lie completely on one side of the edge.
                kind = _row_kind(strip, j, sheet.shape[0], width)
            if kind == ON:
                see_page(pixels, width, spots_at + 32 * j, shares_at + 32 * j, page_light + 8 * j, levels_at + 64 * j)
            elif kind == ACROSS:
                _across(sheet, lattice, i, j, eighths, lit, desk, desk_row, x, levels)
            elif x >= 0 and x + CELL <= desk.shape[1]:
                see_desk(desk_at + 3 * x, desk_light + 8 * j, levels_at + 64 * j)
            else:
                _desk_patch(desk, desk_row, x, patch)
                see_desk(patch_at, desk_light + 8 * j, levels_at + 64 * j)
        for j in range(columns):
            develop(levels_at + 64 * j, bright + 16 * j, colour + 32 * j, line_at + 24 * j, c0, c1, c2)
        copy_bytes(line_at - 3 * origin[0], address(out[row]), np.int64(out.shape[1] * 3))


@jit
def _mix_coordinates(lattice, i, eighths, strip):
    """Write the coordinates where one row of pixels crosses the cells' sides."""
    for axis in range(2):
        upper, lower, out = address(lattice[axis, i]), address(lattice[axis, i + 1]), address(strip[axis])
        for j in range(0, strip.shape[1], 8):
            mix_coordinates(upper + 4 * j, lower + 4 * j, eighths, out + 4 * j)


@jit
def _mix_light(light, i, eighths, lit):
    """Write the light, on the sheet and beside it, where one row of pixels crosses the cells' sides."""
    for kind in range(light.shape[0]):
        upper, lower, out = address(light[kind, i]), address(light[kind, i + 1]), address(lit[kind])
        for j in range(0, lit.shape[1], 16):
            mix_light(upper + 2 * j, lower + 2 * j, eighths, out + 2 * j)


@jit
def _desk_patch(desk, row, x, patch):
    """Eight background pixels from x on; those beyond the picture's side repeat the last pixel."""
    for k in range(CELL):
        for c in range(3):
            patch[k, c] = desk[row, min(max(x + k, 0), desk.shape[1] - 1), c]


@jit
def _mixed(plane, i, j, eighths, k):
    """A Q16 coordinate within a cell, rounded exactly as the vector code does."""
    left, right = np.int64(plane[i, j]), np.int64(plane[i, j + 1])
    left += ((np.int64(plane[i + 1, j]) - left) * eighths + 4) >> 3
    right += ((np.int64(plane[i + 1, j + 1]) - right) * eighths + 4) >> 3
    return left + (((right - left) * k + 4) >> 3)


@jit
def _lit_at(lit, kind, j, c, k):
    """Light within a cell: channel c, or the veil for c = 3."""
    left, right = np.int64(lit[kind, 4 * j + c]), np.int64(lit[kind, 4 * j + 4 + c])
    return left + (((right - left) * k + 4) >> 3)


@jit
def _across(sheet, lattice, i, j, eighths, lit, desk, desk_row, x, levels):
    """Levels Q6 of eight pixels of which the sheet covers a share, in the order of the vector path."""
    for k in range(CELL):
        x0, x1, left, right = _neighbours(_mixed(lattice[0], i, j, eighths, k), sheet.shape[1])
        y0, y1, upper, lower = _neighbours(_mixed(lattice[1], i, j, eighths, k), sheet.shape[0])
        rest = ONE * ONE - (left + right) * (upper + lower)
        behind = np.uint64(min(max(x + k, 0), desk.shape[1] - 1))
        slot = 4 * (k - 2 * (k // 2 % 2) - 2 * (k // 4)) + 16 * (k // 2 % 2)
        front, back, own = np.int64(0), np.int64(lit.shape[0] - 1), np.int64(3)
        veil = (_lit_at(lit, front, j, own, k) * (ONE * ONE - rest) + _lit_at(lit, back, j, own, k) * rest) >> 32
        for c in range(3):
            seen = upper * (left * np.int64(sheet[y0, x0, c]) + right * np.int64(sheet[y0, x1, c]))
            seen += lower * (left * np.int64(sheet[y1, x0, c]) + right * np.int64(sheet[y1, x1, c]))
            shown = seen * _lit_at(lit, front, j, c, k) + rest * np.int64(desk[desk_row, behind, c]) * _lit_at(lit, back, j, c, k)
            levels[j, slot + c] = np.int16(min((shown >> 40) + veil, 32767))


@jit
def _neighbours(position, count):
    """The two pixels beside a position Q16 and their shares of 65536; one that is not on the sheet has none."""
    low, share = position >> 16, position & 0xFFFF
    high = low + 1
    at_low = ONE - share if 0 <= low < count else 0
    at_high = share if 0 <= high < count else 0
    return np.uint64(min(max(low, 0), count - 1)), np.uint64(min(max(high, 0), count - 1)), at_low, at_high
