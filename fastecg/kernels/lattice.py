"""Moiré: the light of a display's sub-pixels as it is averaged by the pixels of a camera."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit, subkernel

_FAINTEST = 0.0015  # A wave of a smaller amplitude changes no pixel by half a level.


def multiply_moire(pixels: np.ndarray, nodes: np.ndarray, cell: int, stripe: float, gap: float, blur: float) -> None:
    """Multiply a picture by the pattern of a lattice of red, green and blue stripes with dark rows between, in place.

    The pattern is a product of two waves, 1 + stripe * cos(2π(u - k/3)) for channel k = 0, 1, 2 and 1 + gap * cos(2πv): the first Fourier
    terms of the stripes and of the rows. Both are averaged exactly over a camera pixel, by the sinc of their cycles per pixel along x and
    y, and reduced by the blur of the lens. A camera sees red and blue at one of 2x2 pixels each (Bayer: red at the upper left, blue at the
    lower right), so the display's red and blue are seen through a lattice that is twice as coarse.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    nodes : (rows, columns, 2) float64
        Position (u, v) on the display's lattice, in periods, of pixel cell * (column - 1, row - 1); bilinear between nodes, NaN beside the
        display.
    cell : int
        Pixels between nodes, even.
    stripe, gap : float
        Amplitude of the stripes and of the dark rows, before the camera averages them.
    blur : float
        Standard deviation of the lens's blur, px.
    """
    columns, lines = _sensor_positions(cell, nodes.shape[1] - 2)
    _multiply_moire(pixels.reshape(len(pixels), -1), nodes, cell, stripe, gap, 2.0 * math.pi**2 * blur**2, columns, lines)


def _sensor_positions(cell: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions at which a camera sees each channel, in px from a cell's corner.

    The first array (3 * cell,) has the x of the values of one row of pixels in a cell. The second (cell, 3 * cell * cells) has the y of all
    values in a row of cells.
    """
    pixel, channel = np.repeat(np.arange(cell), 3), np.tile(np.arange(3), cell)
    red, blue = channel == 0, channel == 2
    columns = np.where(red, pixel & ~1, np.where(blue, pixel | 1, pixel))
    row = np.arange(cell)[:, None]
    lines = np.where(red, row & ~1, np.where(blue, row | 1, row))
    return columns.astype(np.uint16), np.tile(lines, cells).astype(np.uint16)


@jit
def _multiply_moire(rows, nodes, cell, stripe, gap, damping, columns, lines):
    """The loops of `multiply_moire`, on rows of 3 * width values; `damping` is 2π² blur².

    Phases have 16 bits and are in units of 1/65536 of a period, so that they wrap around.
    """
    n = lines.shape[1]
    across, down = np.empty(n, dtype=np.int16), np.empty(n, dtype=np.int16)
    u, u_rise = np.empty(n, dtype=np.uint16), np.empty(n, dtype=np.uint16)
    v, v_rise = np.empty(n, dtype=np.uint16), np.empty(n, dtype=np.uint16)
    for i in range(1, nodes.shape[0] - 1):
        top = cell * (i - 1)
        if top < len(rows) and _amplitudes(nodes[i], nodes[i + 1], cell, (stripe, gap), damping, across, down):
            _phases(nodes[i, :, 0], nodes[i + 1, :, 0], cell, columns, 65536 / 3, u, u_rise)
            _phases(nodes[i, :, 1], nodes[i + 1, :, 1], cell, columns, 0.0, v, v_rise)
            for y in range(top, min(top + cell, len(rows))):
                _modulate(rows[y], lines[y - top], u, u_rise, v, v_rise, across, down)


@subkernel
def _amplitudes(above, below, cell, strengths, damping, across, down):
    """Write the two waves' amplitudes in a row of cells, in 1/32768, to `across` (of u) and `down` (of v).

    Returns whether any amplitude is above `_FAINTEST`. In cells where neither is, both are 0.
    """
    size, found = 3 * cell, False
    for j in range(1, len(above) - 1):
        a = strengths[0] * _contrast_kept(above[j, 0], above[j + 1, 0], below[j, 0], below[j + 1, 0], cell, damping)
        b = strengths[1] * _contrast_kept(above[j, 1], above[j + 1, 1], below[j, 1], below[j + 1, 1], cell, damping)
        seen = max(abs(a), abs(b)) > _FAINTEST  # This is also false if a corner is NaN.
        across[(j - 1) * size : j * size] = np.int16(32767 * min(a, 1.0)) if seen else np.int16(0)
        down[(j - 1) * size : j * size] = np.int16(32767 * min(b, 1.0)) if seen else np.int16(0)
        found |= seen
    return found


@subkernel
def _phases(above, below, cell, columns, delay, start, rise):
    """Write a wave's phases in the first row of pixels of a row of cells to `start`, and their increase per row of pixels to `rise`.

    The phase of each channel is `delay` less than that of the channel before it. Cells with a NaN at a corner are left as they are.
    """
    shifts = np.array([np.uint16(round(k % 3 * delay)) for k in range(len(columns))])
    for j in range(1, len(above) - 1):
        a, b, c, d = above[j], above[j + 1], below[j], below[j + 1]
        if not math.isfinite(a + b + c + d):
            continue
        scale = 65536.0 / cell
        first, along = np.uint16(np.int64(a * 65536.0)), np.uint16(np.int64((b - a) * scale))
        down, twist = np.uint16(np.int64((c - a) * scale)), np.uint16(np.int64((d - c - b + a) * (scale / cell)))
        offset = (j - 1) * len(columns)
        for k in range(len(columns)):
            start[offset + k] = np.uint16(np.uint16(first + np.uint16(columns[k] * along)) - shifts[k])
            rise[offset + k] = np.uint16(down + np.uint16(columns[k] * twist))


@subkernel
def _contrast_kept(a, b, c, d, cell, damping):
    """The factor by which averaging over a pixel and the lens's blur reduce a wave's amplitude, given its phases at a cell's corners.

    Phases are in periods, at the upper corners (a and b), then the lower ones (c and d). The factor is negative where averaging inverts the
    wave.
    """
    # The wave's frequency in the cell's middle, in periods per px.
    x, y = (b - a + d - c) / (2 * cell), (c - a + d - b) / (2 * cell)
    return _sinc(x) * _sinc(y) * math.exp(-damping * (x * x + y * y))


@subkernel
def _sinc(x):
    """sin(πx) / (πx)."""
    return math.sin(math.pi * x) / (math.pi * x) if abs(x) > 1e-9 else 1.0


@subkernel
def _modulate(row, line, u, u_rise, v, v_rise, across, down):
    """Multiply a row by (1 + across * cos u) (1 + down * cos v). `line` (n,) is how many rows below the cells' top each value is seen."""
    for i in range(len(row)):
        wave_u = _multiply_high(across[i], _cosine(np.uint16(u[i] + np.uint16(line[i] * u_rise[i]))))  # in units of 1/1024
        wave_v = _multiply_high(down[i], _cosine(np.uint16(v[i] + np.uint16(line[i] * v_rise[i]))))
        # The product of both factors less 1, in units of 1/1024.
        change = np.int16(np.int16(wave_u + wave_v) + _multiply_high(np.int16(wave_u << np.int16(3)), np.int16(wave_v << np.int16(3))))
        value = np.int16(row[i])
        lit = np.int16(value + _multiply_high(np.int16(value << np.int16(6)), change))
        row[i] = np.uint8(min(max(lit, np.int16(0)), np.int16(255)))


@jit(inline="always")
def _cosine(phase):
    """cos(2π phase / 65536) within 2 %, in 1/2048. It is s (3 - s²) / 2 for a triangle wave s, in 16 bits: s in 1/16384, s² in 1/4096."""
    folded = min(phase, np.uint16(np.uint16(65535) - phase))
    s = np.int16(np.int16(16384) - np.int16(folded))
    return _multiply_high(s, np.int16(np.int16(12288) - _multiply_high(s, s)))


@jit(inline="always")
def _multiply_high(a, b):
    """The upper 16 bits of the product of two 16-bit numbers."""
    return np.int16((np.int32(a) * np.int32(b)) >> np.int32(16))
