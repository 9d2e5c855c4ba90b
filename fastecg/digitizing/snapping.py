"""Lines that a program has put on whole pixels, and where they were meant to be.

Agg, with which matplotlib draws, puts the middle of an upright or level line at ``floor(x + 0.5)``, on the border of two pixels, where the
line is an even number of pixels wide, and at ``floor(x + 0.5) + 0.5`` where it is odd: half a pixel too far right, or down, on average.
Traces are not moved, so that what such lines tell of them is off by as much.
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
