"""Measure the pen's ink in the picture itself.

The network's maps show where traces, writing and grid are. But the network draws these anew, and a flank in its map may be off by half a
pixel. The maps are used to choose pixels from which the colours of ink, paper and grid are estimated. Colours are divided by the colour of
the paper around them, which removes the lighting. The linear combination of red, green and blue that best separates ink from everything
else then gives the pen's coverage, with edges where the picture has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.digitizing.segmenter import Layers, OwnScale

_CELL = 4  # Side in px of the cells in which bare paper is looked for.
_SPREAD = 8.0  # Standard deviation, in cells, with which the paper's colour is smoothed.
_BARE = 0.1  # A cell may be bare paper if the maps of traces, writing and pulses (0 to 1) are below this in it and in the cells beside it.
_SHEET = 0.8  # The network's map of paper (0 to 1) is larger than this in cells of bare paper.
_CORE = 0.85  # A pixel is certainly ink of a trace if the network's map of traces (0 to 1) is larger than this.
# Ink belongs to a trace if the network's map of traces exceeds `_BARE` anywhere in a square of this side (px) around it, since the network
# is unsure of edges.
_BESIDE = 7
_WRITING = 0.3  # Where the map of writing exceeds this and that of traces does not, a trace may be hidden.
_BRIDGE = 0.5  # Ink that is written over a trace, and may connect two parts of the trace, counts with this factor.
_ACROSS = 12  # Largest distance in px, along x and along y, of ink that is written over a trace from the visible trace.
_MOST = 40_000  # Largest number of pixels of ink, and of ground, from which colours are estimated.
_FEW = 500  # Smallest number of pixels of ink, and of ground, for estimating colours; with fewer, the picture's ink is not used.
_INK_COUNTS = 0.1  # Weight of the ink's own covariance beside that of the ground in the discriminant.
_LIMITS = np.array([-0.3, 1.6])  # Range of the estimated coverage. Noise goes below 0, and strokes that are darker than usual above 1.
_LEAST_CONTRAST = 0.06  # Minimum contrast of ink and ground in at least one of red, green and blue, as a share of the paper's colour.
_TOO_NOISY = 0.2  # The picture's ink is not used if the standard deviation of its coverage on bare paper is at least this.


@dataclass(frozen=True, eq=False)
class PictureInk:
    """The pen's coverage in a picture, in the frame of its layers.

    Attributes
    ----------
    coverage : ndarray, shape (height, width) float32
        0 on bare paper, 1 in the middle of a stroke, with the picture's noise; limited to -0.3 to 1.6.
    hidden : ndarray, shape (height, width) bool
        Mask of pixels in which something else is printed or written, so that traces cannot be seen.
    noise : float
        Standard deviation of the coverage on bare paper.
    """

    coverage: np.ndarray
    hidden: np.ndarray
    noise: float

    def of_traces(self, layers: Layers) -> np.ndarray:
        """Coverage (0 to 1) at and beside the network's traces, 0 elsewhere and in `hidden` pixels."""
        from scipy.ndimage import maximum_filter

        near = maximum_filter(layers["trace"] > _BARE, _BESIDE)
        return np.where(near & ~self.hidden, np.clip(self.coverage, 0.0, 1.0), 0.0).astype(np.float32)

    def with_bridges(self, layers: Layers) -> np.ndarray:
        """The network's traces (height, width), 0 to 1, with half the coverage of ink over them that may connect their parts."""
        from scipy.ndimage import maximum_filter

        near = maximum_filter(layers["trace"] > _WRITING, 2 * _ACROSS + 1)
        return np.where(near & self.hidden, np.maximum(layers["trace"], _BRIDGE * self.coverage), layers["trace"]).astype(np.float32)


def picture_ink(layers: Layers, shown: OwnScale | None = None) -> PictureInk | None:
    """The ink of the picture that was separated into layers.

    None if the picture is not known, shows too little ink or bare paper, or has too little contrast or too much noise.

    Parameters
    ----------
    layers : Layers
        Layers of the picture.
    shown : OwnScale, optional
        The same picture at its own scale, if the ink is wanted at that scale. Its maps are resized and less sharp, so the colours of ink
        and ground are estimated from `layers` all the same. Of all colours, only that of the paper is taken from `shown`.
    """
    from fastecg.kernels.unmix import unmix

    if layers.picture is None:
        return None
    trace = layers["trace"]
    bare = _bare_cells(layers)
    if bare.sum() < _FEW // 4:
        return None
    paper = _paper_colour(layers.picture, bare)
    rng = np.random.default_rng(0)  # Any random pixels will do, and with a fixed seed the same picture always gives the same ink.
    # Rows and columns (2, n) of pixels: of bare paper, one at the same place within each of many bare cells, and of traces.
    ground = _random_pixels(bare, rng) * _CELL + rng.integers(0, _CELL, (2, 1))
    inked = _random_pixels(trace > _CORE, rng)
    if min(ground.shape[1], inked.shape[1]) < _FEW:
        return None
    ground_colours, ink_colours = (_over_paper(layers.picture, paper, at) for at in (ground, inked))
    if np.abs(np.median(ink_colours, axis=0) - ground_colours.mean(axis=0)).max() < _LEAST_CONTRAST:
        return None
    weights, offset = _projection(ground_colours, ink_colours)
    ground_coverage = ground_colours @ weights - offset
    # A grid that has the colour of the ink still shows in the coverage. It is subtracted where the network's maps have the grid, and so is
    # `level`, the coverage of paper without a grid.
    maps = np.stack([np.ones(len(ground_coverage)), *(layers[name][tuple(ground)] for name in ("grid", "major"))], axis=1)
    level, *by_grid = np.linalg.lstsq(maps, ground_coverage, rcond=None)[0]
    noise = float((ground_coverage - maps @ [level, *by_grid]).std())
    if not noise < _TOO_NOISY:
        return None
    picture = layers.picture
    if shown is not None:
        picture, bare = shown.picture, _bare_cells(shown)
        if not bare.any():
            return None
        paper = _paper_colour(picture, bare)
    seen = shown or layers
    hidden = (seen["writing"] > _WRITING) & (seen["trace"] < _WRITING)
    coverage = np.empty(hidden.shape, dtype=np.float32)
    unmix(picture, paper, _CELL, weights, offset + level, seen["grid"], seen["major"], np.array(by_grid), _LIMITS, coverage)
    return PictureInk(coverage, hidden, noise)


def _bare_cells(layers: Layers | OwnScale) -> np.ndarray:
    """Mask (rows, columns) of the cells that show paper and grid alone, without traces, writing or pulses in or beside them."""
    from scipy.ndimage import maximum_filter

    def cells(plane: np.ndarray) -> np.ndarray:
        rows, columns = (length // _CELL for length in plane.shape)
        return plane[: rows * _CELL, : columns * _CELL].reshape(rows, _CELL, columns, _CELL)

    marked = np.maximum.reduce([cells(layers[name]).max(axis=(1, 3)) for name in ("trace", "writing", "pulse")])
    return np.asarray((maximum_filter(marked, 3) < _BARE) & (cells(layers["paper"]).min(axis=(1, 3)) > _SHEET))


def _paper_colour(picture: np.ndarray, bare: np.ndarray) -> np.ndarray:
    """Mean colour (rows, columns, 3) float32 of the bare cells around every cell, by a Gaussian; of all bare cells where none is near."""
    from scipy.ndimage import gaussian_filter

    rows, columns = bare.shape
    part = picture[: rows * _CELL, : columns * _CELL]
    colours = part.reshape(rows, _CELL, columns, _CELL, 3).mean(axis=(1, 3), dtype=np.float32)
    weight = gaussian_filter(bare.astype(np.float32), _SPREAD, mode="nearest")
    near = weight > 1e-3
    paper = np.empty_like(colours)
    for k in range(3):
        total = gaussian_filter(np.where(bare, colours[..., k], np.float32(0)), _SPREAD, mode="nearest")
        paper[..., k] = np.where(near, total / np.maximum(weight, 1e-3), colours[bare, k].mean())
    return paper


def _random_pixels(where: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows and columns (2, n) of at most `_MOST` true elements of a mask, chosen at random."""
    flat = np.flatnonzero(where)
    if len(flat) > _MOST:
        flat = rng.choice(flat, _MOST, replace=False)
    return np.stack(np.unravel_index(flat, where.shape))


def _over_paper(picture: np.ndarray, paper: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Colours (n, 3) at rows and columns (2, n), divided by those of the surrounding paper."""
    row, column = (np.minimum(at[axis] // _CELL, paper.shape[axis] - 1) for axis in (0, 1))
    return np.asarray(picture[tuple(at)] / np.maximum(paper[row, column], 1.0), dtype=np.float64)


def _projection(ground: np.ndarray, inked: np.ndarray) -> tuple[np.ndarray, float]:
    """Fisher's discriminant of the colours (n, 3) of ground and ink: weights (3,) and an offset.

    ``colours @ weights - offset`` is 0 for the mean of ground and 1 for the median of ink, and spreads least around both.
    """
    middle, pen = ground.mean(axis=0), np.median(inked, axis=0)
    # The last term keeps the matrix from being singular, as for a grey picture.
    spread = np.cov(ground.T) + _INK_COUNTS * np.cov(inked.T) + 1e-4 * np.eye(3)
    weights = np.linalg.solve(spread, pen - middle)
    weights /= max(float(weights @ (pen - middle)), 1e-9)
    return weights, float(weights @ middle)
