"""Lines that a program has put on whole pixels, and where they were meant to be.

Agg, with which matplotlib draws, puts the middle of an upright or level line at ``floor(x + 0.5)``, on the border of two pixels, where the
line is an even number of pixels wide, and at ``floor(x + 0.5) + 0.5`` where it is odd: half a pixel too far right, or down, on average.
Traces are not moved, so that what such lines tell of them is off by as much.

So are the lines of a grid, each rounded on its own: lines 7.87 px apart are now 7 and now 8 px apart, and where they were meant to be is
where all of that is so, to a hundredth of a pixel. Programs that plot ECGs put the start of time on one of the grid's heavy lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.segmenter import Layers

# Largest drift of a line across pixels from one end to the other; with more, the picture was turned or bent after drawing.
_TURNED_PX = 0.15
_NEAR_PX = 0.16  # Tolerance within which a line's middle is a pixel's middle.
_MOST = 0.8  # Minimum share of lines for which that holds.
_DRIFT_PX = 0.3  # The same as `_TURNED_PX`, of a whole grid: its map may be bent a little where nothing holds it.
_FEW_LINES = 40  # Minimum number of lines of a grid from which it is told where they were meant to be.
_FAINT_LINE = 0.3  # Lines with less ink than this share of the usual are left out: something else is drawn there.
_BESIDE = 0.45  # Reach beside a line, as a share of the distance of lines, within which its middle is looked for.
_SHIFT_PX = 0.01  # Step between the shifts that are tried.
_OFF = 0.01  # Shifts may be right that fit at most this share of lines less than the best one does.
_HEAVY_EVERY = 5  # Every how many lines one is heavy.
#: Where lines may have been meant to be, relative to where they are, mm, if that is not told: half a pixel of a print at 120 to 600 dpi to
#: their left, or there.
ANYWHERE_MM = (-0.11, 0.01)


def pixel_phase(ends_mm: np.ndarray, axis: int, warp: PageWarp, layers: Layers) -> float:
    """Position of a line's middle within a pixel of the picture, 0 to 1; NaN if the line is not parallel to the pixels.

    Parameters
    ----------
    ends_mm : ndarray, shape (2, 2)
        Its ends, page x and y.
    axis : int
        0 for an upright line, 1 for a level one.
    warp : PageWarp
    layers : Layers
    """
    ends = layers.to_picture(warp.forward(ends_mm))[:, axis]
    return float("nan") if np.ptp(ends) > _TURNED_PX else (float(ends.mean()) + 0.5) % 1.0


def odd_pixels(middles: Sequence[float]) -> bool:
    """Whether lines were drawn an odd number of pixels wide.

    Parameters
    ----------
    middles : sequence of float
        Where each is in a pixel, as `pixel_phase` tells.
    """
    return len(middles) > 1 and float(np.mean(np.abs(np.asarray(middles) - 0.5) < _NEAR_PX)) >= _MOST


def meant_lines_mm(layers: Layers, warp: PageWarp) -> tuple[float, float]:
    """Where the upright lines of a grid were meant to be before they were put on whole pixels.

    Parameters
    ----------
    layers : Layers
    warp : PageWarp

    Returns
    -------
    (float, float)
        Least and largest distance, page x, from where the map has the lines; `ANYWHERE_MM` where they are not on whole pixels, or the
        picture was turned, bent or made smaller after drawing.
    """
    found = _upright_lines(layers, warp)
    if found is None:
        return ANYWHERE_MM
    heavy, expected, seen = found
    shifts = np.arange(-1.0, 1.0 + _SHIFT_PX / 2, _SHIFT_PX)
    best: tuple[float, np.ndarray] | None = None
    for odd in ((False, False), (False, True), (True, False), (True, True)):  # fine lines, heavy lines
        drawn = np.floor(expected + shifts[:, None] + 0.5) + 0.5 * np.where(heavy, odd[1], odd[0])
        off = (np.abs(seen - drawn) > _NEAR_PX).mean(axis=1)
        if best is None or off.min() < best[0]:
            best = float(off.min()), shifts[off <= off.min() + _OFF]
    assert best is not None
    if best[0] > 1.0 - _MOST:
        return ANYWHERE_MM
    mm = layers.zoom / warp.scale
    return float(best[1].min()) * mm, float(best[1].max()) * mm


def _upright_lines(layers: Layers, warp: PageWarp) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The upright lines of a grid: whether each (n,) is a heavy one, where the map has it, and where it is seen; None if they are few.

    Places are along x in the picture, in its pixels, pixel k from k to k + 1.
    """
    from scipy.ndimage import uniform_filter1d

    assert layers.picture is not None
    inked = uniform_filter1d(layers["grid"].mean(axis=1), round(_HEAVY_EVERY * warp.scale))
    rows = np.flatnonzero(inked > 0.5 * inked.max())
    height, width = inked.size, layers.picture.shape[1]
    # The median of a column shows the grid alone: traces and letters cover less than half of it.
    paper = np.median(layers.picture[rows].min(axis=2), axis=0).astype(np.float64)
    ends = warp.inverse(np.array([[0.0, height / 2], [width - 1.0, height / 2]]))[:, 0]
    numbers = np.arange(np.ceil(ends.min()) + 1, np.floor(ends.max()))
    if len(numbers) < _FEW_LINES:
        return None
    at_y = warp.inverse(np.column_stack([np.full(2, width / 2), np.percentile(rows, (20, 80))]))[:, 1]
    lines = np.stack([layers.to_picture(warp.forward(np.column_stack([numbers, np.full(len(numbers), y)])))[:, 0] for y in at_y])
    if np.abs(lines[1] - lines[0]).max() > _DRIFT_PX:
        return None
    expected = layers.to_maps(lines.mean(axis=0))
    reach = _BESIDE * warp.scale
    seen, mass = np.empty(len(numbers)), np.empty(len(numbers))
    for k, x in enumerate(expected):
        first = max(int(np.floor(x - reach)), 0)
        near = paper[first : int(np.ceil(x + reach)) + 1]
        ink = np.clip(np.percentile(near, 90) - near, 0.0, None) if near.size else np.zeros(1)
        mass[k] = ink.sum()
        seen[k] = first + float((ink * np.arange(len(ink))).sum()) / max(mass[k], 1e-9)
    heavy = numbers % _HEAVY_EVERY == 0
    clear = mass > _FAINT_LINE * np.where(heavy, np.median(mass[heavy]), np.median(mass[~heavy]))
    if clear.sum() < _FEW_LINES:
        return None
    return heavy[clear], layers.to_picture(expected[clear]) + 0.5, layers.to_picture(seen[clear]) + 0.5
