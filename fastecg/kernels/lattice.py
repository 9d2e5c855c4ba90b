"""Moiré: the light of a display's sub-pixels as it is averaged by the pixels of a camera."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit

_FAINTEST = 0.0015  # Amplitude below which nothing changes by half a level.


def lay_lattice(pixels: np.ndarray, nodes: np.ndarray, cell: int, stripe: float, gap: float, blur: float) -> None:
    """Multiply a picture by the pattern of a lattice of red, green and blue stripes with dark rows between, in place.

    The pattern's first Fourier term along u and v, 1 + stripe * cos(2π(u - k/3)) for channel k = 0, 1, 2 and 1 + gap * cos(2πv), is
    averaged exactly over a camera pixel: each term is multiplied by the sinc of its cycles per pixel along x and y, and reduced by the blur
    of the lens. A camera sees red and blue at one of 2x2 pixels each (Bayer), so these beat with a lattice that is twice as coarse.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    nodes : (rows, columns, 2) float64
        Position (u, v) on the lattice, in periods, of pixel cell * (column - 1, row - 1); bilinear between nodes, NaN beside the display.
    cell : int
        Pixels between nodes, even.
    stripe, gap : float
        Amplitude of the stripes and of the dark rows, before the camera averages them.
    blur : float
        Standard deviation of the lens's blur, px.
    """
    columns, lines = _sites(cell, nodes.shape[1] - 2)
    _lay_lattice(pixels.reshape(len(pixels), -1), nodes, cell, stripe, gap, 2.0 * math.pi**2 * blur**2, columns, lines)


def _sites(cell: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions at which a camera sees each channel, from the corner of a cell: x of the cell's 3 * cell values, y of its rows."""
    pixel, channel = np.repeat(np.arange(cell), 3), np.tile(np.arange(3), cell)
    even, odd = channel == 0, channel == 2
    columns = np.where(even, pixel & ~1, np.where(odd, pixel | 1, pixel))
    row = np.arange(cell)[:, None]
    lines = np.where(even, row & ~1, np.where(odd, row | 1, row))
    return columns.astype(np.uint16), np.tile(lines, cells).astype(np.uint16)


@jit
def _lay_lattice(rows, nodes, cell, stripe, gap, damping, columns, lines):
    """The loops of `lay_lattice`, on rows of 3 * width values. Phases are in units of 1/65536 of a period, so that they wrap around."""
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


@jit
def _amplitudes(above, below, cell, strengths, damping, across, down):
    """Write the amplitudes in one line of cells, in 1/32768, to `across` and `down`; return whether any is large enough to matter."""
    size, found = 3 * cell, False
    for j in range(1, len(above) - 1):
        a = strengths[0] * _kept(above[j, 0], above[j + 1, 0], below[j, 0], below[j + 1, 0], cell, damping)
        b = strengths[1] * _kept(above[j, 1], above[j + 1, 1], below[j, 1], below[j + 1, 1], cell, damping)
        there = max(abs(a), abs(b)) > _FAINTEST  # This is also false if a corner is NaN.
        across[(j - 1) * size : j * size] = np.int16(32767 * min(a, 1.0)) if there else np.int16(0)
        down[(j - 1) * size : j * size] = np.int16(32767 * min(b, 1.0)) if there else np.int16(0)
        found |= there
    return found


@jit
def _phases(above, below, cell, columns, apart, start, rise):
    """Phases in the first row of a line of cells, and their increase per row. Each channel is `apart` behind the one before it."""
    shifts = np.array([np.uint16(round(k % 3 * apart)) for k in range(len(columns))])
    for j in range(1, len(above) - 1):
        a, b, c, d = above[j], above[j + 1], below[j], below[j + 1]
        if not math.isfinite(a + b + c + d):
            continue
        scale = 65536.0 / cell
        first, along = np.uint16(np.int64(a * 65536.0)), np.uint16(np.int64((b - a) * scale))
        down, twist = np.uint16(np.int64((c - a) * scale)), np.uint16(np.int64((d - c - b + a) * (scale / cell)))
        lane = (j - 1) * len(columns)
        for k in range(len(columns)):
            start[lane + k] = np.uint16(np.uint16(first + np.uint16(columns[k] * along)) - shifts[k])
            rise[lane + k] = np.uint16(down + np.uint16(columns[k] * twist))


@jit
def _kept(a, b, c, d, cell, damping):
    """The factor by which averaging over a pixel reduces a wave's amplitude, from its phases at a cell's four corners in periods."""
    x, y = (b - a + d - c) / (2 * cell), (c - a + d - b) / (2 * cell)
    return _sinc(x) * _sinc(y) * math.exp(-damping * (x * x + y * y))


@jit
def _sinc(x):
    return math.sin(math.pi * x) / (math.pi * x) if abs(x) > 1e-9 else 1.0


@jit
def _modulate(row, line, u, u_rise, v, v_rise, across, down):
    """Multiply a row by (1 + across * cos u) (1 + down * cos v)."""
    for i in range(len(row)):
        one = _high(across[i], _cosine(np.uint16(u[i] + np.uint16(line[i] * u_rise[i]))))  # in units of 1/1024
        other = _high(down[i], _cosine(np.uint16(v[i] + np.uint16(line[i] * v_rise[i]))))
        both = np.int16(np.int16(one + other) + _high(np.int16(one << np.int16(3)), np.int16(other << np.int16(3))))
        value = np.int16(row[i])
        lit = np.int16(value + _high(np.int16(value << np.int16(6)), both))
        row[i] = np.uint8(min(max(lit, np.int16(0)), np.int16(255)))


@jit(inline="always")
def _cosine(phase):
    """cos(2π phase / 65536) within 2 %, in 1/2048: s (3 - s²) / 2 of a triangle wave s. In 16 bits, sixteen at a time."""
    folded = min(phase, np.uint16(np.uint16(65535) - phase))
    s = np.int16(np.int16(16384) - np.int16(folded))
    return _high(s, np.int16(np.int16(12288) - _high(s, s)))


@jit(inline="always")
def _high(a, b):
    """Upper half of a product."""
    return np.int16((np.int32(a) * np.int32(b)) >> np.int32(16))
