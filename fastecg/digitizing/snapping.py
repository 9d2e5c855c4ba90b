"""Lines that a program has put on whole pixels, and where they were meant to be.

Agg, with which matplotlib draws, puts the middle of an upright or level line at ``floor(x + 0.5)``, on the border of two pixels, where the
line is an even number of pixels wide, and at ``floor(x + 0.5) + 0.5`` where it is odd: half a pixel too far right, or down, on average.
Traces are not moved, so that what such lines tell of them is off by as much.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_NEAR, _MOST = 0.16, 0.8  # of a pixel from the middle of one, and the share of lines that are so near


def odd_pixels(in_pixel: Sequence[float]) -> bool:
    """Whether lines were drawn an odd number of pixels wide.

    Parameters
    ----------
    in_pixel : sequence of float
        Where the middle of each line is in the picture's pixels: 0 on the border of two, 0.5 in the middle of one.
    """
    return len(in_pixel) > 1 and float(np.mean(np.abs(np.asarray(in_pixel) - 0.5) < _NEAR)) >= _MOST
