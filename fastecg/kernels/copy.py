"""Effects of copiers on planes of grey (see `fastecg.kernels.grey`): edges that grow and fray, coarser rasters, patterns of dots."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from fastecg.kernels.grey import deviates
from fastecg.kernels.jit import jit
from fastecg.kernels.noise import LUMA_COUNT, LUMA_STREAM, UNIT, table_offset

RINGS = 3  # Largest distance from an edge, px, at which pixels are changed.
_BAND = 64  # Number of rows that are processed together. Allocating planes of whole pictures would take longer than the processing.


def soften(plane: np.ndarray) -> None:
    """Blur a plane (height, width) uint8 by 1-2-1 along both axes (standard deviation 0.7 px), in place."""
    _soften(plane)


def flip_near_edges(plane: np.ndarray, growth: float, loss: float, reach: float, seed: int) -> None:
    """Flip pixels of a plane (height, width) uint8 between black and white at random, near edges of the ink, in place.

    The model of Kanungo, Haralick and Phillips (1993): at distance d (px, along the axes) from the nearest pixel of the other kind, white
    turns black with probability growth * exp(-((d - 1) / reach)²), and black turns white with loss * exp(-((d - 1) / reach)²). Pixels
    whose d is above `RINGS` or above 1 + 2 `reach`, rounded up, and the picture's outermost pixels, are not changed.
    """
    rings = min(RINGS, 1 + math.ceil(2 * reach))  # Farther away the probability is below 2 % of that at the edge, if reach is 1.5 or less.
    # The distance d of pixels by their number of rings, see `edge_rings`; more than `rings` do not occur.
    distances = np.array([np.inf, *range(rings, 0, -1), *[np.inf] * (RINGS - rings)])
    chances = np.stack([strength * np.exp(-(((distances - 1) / reach) ** 2)) for strength in (growth, loss)])
    limits, table = _limits(chances), deviates(plane.shape[1])
    ink = plane < 128
    for top in range(0, len(plane), _BAND):
        bottom = min(top + _BAND, len(plane))
        first, last = max(top - rings, 0), min(bottom + rings, len(plane))
        near = edge_rings(ink[first:last], rings)[top - first : bottom - first]
        _flip(plane[top:bottom], ink[top:bottom].view(np.uint8), near, top, limits, table, seed)


def edge_rings(ink: np.ndarray, rings: int) -> np.ndarray:
    """How near each pixel of `ink` (height, width) bool is to an edge of the ink: rings + 1 - d at distance d, or 0 if that is negative.

    The distance d is counted along the axes, from 1 for pixels that touch a pixel of the other kind. One after another, `rings` rings
    round the edges are grown, each including the ones before, and the result is the number of rings in which a pixel lies, (height, width)
    uint8. The picture's outermost pixels get 0.
    """
    width = ink.shape[1]
    near, wider = np.zeros(ink.shape, dtype=np.uint8), np.zeros(ink.shape, dtype=np.uint8)
    _first_ring(ink.view(np.uint8).reshape(-1), width, near.reshape(-1))
    for ring in range(rings):
        if ring:
            _next_ring(near.reshape(-1), width, wider.reshape(-1))
            near, wider = wider, near
        near[:, 0] = near[:, -1] = 0  # In the flat array, pixels of other rows are their neighbours.
    return near


def _limits(chances: np.ndarray) -> np.ndarray:
    """Thresholds, int16, below which `deviates` lie with the probabilities `chances`.

    Probabilities up to 0.0001 count as 0, and those above 0.9999 as 0.9999.
    """
    normal = NormalDist()
    quantiles = [normal.inv_cdf(min(p, 0.9999)) if p > 1e-4 else -4.0 for p in chances.ravel()]
    return np.clip(np.rint(np.array(quantiles) * UNIT), -32768, 32767).astype(np.int16).reshape(chances.shape)


def resampled(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """A plane, uint8, resampled to (height, width) uint8 over the same area: a pixel is the mean of the area that it covers."""
    if height > plane.shape[0]:  # Columns take ten times as long as rows, so columns are resampled while there are fewer rows.
        return _with_rows(_with_columns(plane, width), height)
    return _with_columns(_with_rows(plane, height), width)


def _with_rows(plane: np.ndarray, height: int) -> np.ndarray:
    """A plane resampled to `height` rows."""
    if height == plane.shape[0]:
        return plane
    out = np.empty((height, plane.shape[1]), dtype=np.uint8)
    _resample_rows(plane, *_overlaps(plane.shape[0], height), out)
    return out


def _with_columns(plane: np.ndarray, width: int) -> np.ndarray:
    """A plane resampled to `width` columns."""
    if width == plane.shape[1]:
        return plane
    out = np.empty((plane.shape[0], width), dtype=np.uint8)
    _resample_columns(plane, *_overlaps(plane.shape[1], width), out)
    return out


def _overlaps(count: int, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """The first of `count` old pixels that each of `wanted` new ones covers, and the shares of old pixels from that one on in its mean."""
    ratio = count / wanted
    start = np.arange(wanted) * ratio  # In old pixels, of which number k reaches from k to k + 1; 1e-9 is for rounding errors.
    first = np.minimum(np.floor(start + 1e-9).astype(np.int64), count - 1)
    covered = first[:, None] + np.arange(int(np.ceil(ratio)) + 1)[None, :]
    shares = np.clip(np.minimum(covered + 1, (start + ratio)[:, None]) - np.maximum(covered, start[:, None]), 0.0, None)
    shares[covered >= count] = 0.0
    return first, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def halftone(values: np.ndarray, lookup: np.ndarray, size: int) -> None:
    """Replace every value v by entry v of a table of levels, in place. The tables alternate in a pattern of n x n cells.

    Parameters
    ----------
    values : (height, width) or (height, width, channels) uint8
    lookup : (n, n, 256) uint8
        The tables: pixel (x, y) has the table at [y // size % n, x // size % n].
    size : int
        Side of a cell, px.
    """
    channels = values.shape[2] if values.ndim == 3 else 1
    cell_of = (np.arange(values.shape[1]) // size % len(lookup)).repeat(channels)
    _halftone(values.reshape(len(values), -1), np.ascontiguousarray(lookup.transpose(0, 2, 1)), cell_of, size)


@jit
def _halftone(values, lookup, cell_of, size):
    """Do `halftone` on rows of values. `lookup` (n, 256, n) has the cells along x last; `cell_of` is each value's cell, 0 to n - 1."""
    cells = len(lookup)
    for y in range(len(values)):
        row, table = values[y], lookup[y // size % cells].reshape(-1)
        for x in range(len(row)):
            row[x] = table[cells * np.int64(row[x]) + cell_of[x]]


@jit
def _soften(plane):
    """Do `soften`. A sum with the weights 1-2-1 along both axes is 16 times a level, at most 4080; the level is rounded to nearest."""
    height, width = plane.shape
    lines = np.empty((3, width), dtype=np.uint16)
    for y in range(-1, height):
        # The last three rows filtered along x are kept. The first row also counts as the row above it, and the last as the row below it.
        next_row = min(y + 1, height - 1)
        row, line = plane[next_row], lines[(y + 1) % 3]
        if y + 1 < height:
            for x in range(1, width - 1):
                line[x] = np.uint16(row[x - 1]) + np.uint16(np.uint16(row[x]) << 1) + np.uint16(row[x + 1])
            line[0] = np.uint16(3) * row[0] + row[min(1, width - 1)]
            line[width - 1] = np.uint16(3) * row[width - 1] + row[max(width - 2, 0)]
        if y < 0:
            continue
        above, here, below = lines[max(y - 1, 0) % 3], lines[y % 3], lines[next_row % 3]
        out = plane[y]
        for x in range(width):
            total = np.uint16(above[x] + np.uint16(here[x] << 1))
            out[x] = np.uint8(np.uint16(np.uint16(total + below[x]) + np.uint16(8)) >> 4)


@jit
def _first_ring(ink, width, out):
    """Write 1 to `out` where a pixel of `ink` (height * width,) differs from one of its four neighbours, and 0 elsewhere.

    The first and the last row are left as they are. Loops over one index, on slices, become vector instructions.
    """
    inner = len(ink) - 2 * width
    if inner <= 0:
        return
    here, above, below, near = ink[width : width + inner], ink[:inner], ink[2 * width :], out[width : width + inner]
    left, right = ink[width - 1 : width + inner - 1], ink[width + 1 : width + inner + 1]
    for i in range(inner):
        near[i] = (here[i] ^ above[i]) | (here[i] ^ below[i]) | (here[i] ^ left[i]) | (here[i] ^ right[i])


@jit
def _next_ring(ring, width, out):
    """Write each number of `ring` (height * width,) to `out`, increased by 1 if it or one of its four neighbours is not 0.

    The first and the last row are left as they are.
    """
    inner = len(ring) - 2 * width
    if inner <= 0:
        return
    here, above, below, near = ring[width : width + inner], ring[:inner], ring[2 * width :], out[width : width + inner]
    left, right = ring[width - 1 : width + inner - 1], ring[width + 1 : width + inner + 1]
    for i in range(inner):
        near[i] = here[i] + np.uint8((here[i] | above[i] | below[i] | left[i] | right[i]) != 0)


@jit
def _flip(plane, ink, near, first, limits, table, seed):
    """Do `flip_near_edges` for a band of rows, the first of which is row `first` of the picture.

    `limits` (2, 4) holds the deviates below which white and black pixels are flipped, for 0 to 3 rings (`near`, see `edge_rings`).
    """
    # All numbers have 16 bits, like the deviates. With other types, or with limits read from an array, the loop would not be vectorised and
    # would take 12 times as long.
    white0, white1, white2, white3 = np.int16(limits[0, 0]), np.int16(limits[0, 1]), np.int16(limits[0, 2]), np.int16(limits[0, 3])
    black0, black1, black2, black3 = np.int16(limits[1, 0]), np.int16(limits[1, 1]), np.int16(limits[1, 2]), np.int16(limits[1, 3])
    for y in range(plane.shape[0]):
        row, kind, rings, start = plane[y], ink[y], near[y], table_offset(seed, LUMA_STREAM, first + y, LUMA_COUNT)
        noise = table[start : start + len(row)]
        for x in range(len(row)):
            ring, value = np.int16(rings[x]), np.int16(row[x])
            white = white3 if ring == np.int16(3) else (white2 if ring == np.int16(2) else (white1 if ring == np.int16(1) else white0))
            black = black3 if ring == np.int16(3) else (black2 if ring == np.int16(2) else (black1 if ring == np.int16(1) else black0))
            limit = black if np.int16(kind[x]) != np.int16(0) else white
            row[x] = np.uint8(np.int16(np.int16(255) - value) if noise[x] < limit else value)


@jit
def _resample_rows(plane, first, shares, out):
    """Fill row y of `out` with the mean of rows of `plane` from `first[y]` on, weighted by `shares[y]`, rounded to nearest."""
    line = np.empty(plane.shape[1], dtype=np.float32)
    for y in range(out.shape[0]):
        line[:] = np.float32(0.5)
        for k in range(shares.shape[1]):
            share = shares[y, k]
            if share > 0:
                row = plane[first[y] + k]
                for x in range(len(line)):
                    line[x] += share * np.float32(row[x])
        for x in range(len(line)):
            out[y, x] = np.uint8(np.int32(line[x]))


@jit
def _resample_columns(plane, first, shares, out):
    """Fill column x of `out` with the mean of columns of `plane` from `first[x]` on, weighted by `shares[x]`, rounded to nearest."""
    last = plane.shape[1] - 1
    for y in range(out.shape[0]):
        row = plane[y]
        for x in range(out.shape[1]):
            at = first[x]
            total = np.float32(0.5) + shares[x, 0] * np.float32(row[at]) + shares[x, 1] * np.float32(row[min(at + 1, last)])
            for k in range(2, shares.shape[1]):
                total += shares[x, k] * np.float32(row[min(at + k, last)])
            out[y, x] = np.uint8(np.int32(total))
