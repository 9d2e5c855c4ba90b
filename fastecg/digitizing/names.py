"""Read the names of leads from the marker map, in which the network has marked where they are in the picture.

Names of rhythm strips are read like all others. `assign` gives every name its row, and `judge.strips_by_trace` may change the name of a
strip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.segmenter import Layers
from fastecg.digitizing.targets import MARKER_CELL, MARKERS
from fastecg.errors import ImageError

_NAMED = 0.5  # A cell of the marker map belongs to a name if the probability that it shows some name, whichever it is, is above this.
_LEAST_CELLS = 2  # Minimum number of cells of a name.
_INK = 0.4  # Coverage from which a pixel is ink.


@dataclass(frozen=True)
class Name:
    """A name that was read: its lead (an entry of `MARKERS`), the page position of its middle, and the confidence `sure` (0 to 1) in it."""

    lead: str
    x_mm: float
    y_mm: float
    sure: float


def read_names(layers: Layers, warp: PageWarp) -> list[Name]:
    """The names of leads in the marker map of a picture, with their positions on the page. Names of a confidence up to 0.3 are left out."""
    from scipy.ndimage import label

    blobs, count = label(layers.markers[0] < 1.0 - _NAMED)
    names = []
    for k in range(1, count + 1):
        rows, columns = np.nonzero(blobs == k) if count < 60 else _where(blobs, k)
        if len(rows) < _LEAST_CELLS:
            continue
        probabilities = layers.markers[1:, rows, columns].sum(axis=1)
        weights = 1.0 - layers.markers[0, rows, columns]
        middle = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
        # Along either axis, cell n covers the pixels from 4 n to 4 n + 3, so its middle is at 4 n + 1.5.
        x, y = warp.inverse(middle[None, :] * MARKER_CELL + (MARKER_CELL - 1) / 2)[0]
        likeliest = int(np.argmax(probabilities))
        names.append(Name(MARKERS[1 + likeliest], float(x), float(y), float(probabilities[likeliest] / len(rows))))
    return [name for name in names if name.sure > 0.3 and np.isfinite(name.x_mm + name.y_mm)]


def _where(blobs: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells of blob `k`. Only its bounding box is searched, which is faster if there are many blobs."""
    from scipy.ndimage import find_objects

    box = find_objects(blobs)[k - 1]
    rows, columns = np.nonzero(blobs[box] == k)
    return rows + box[0].start, columns + box[1].start


def nothing_readable(names: Sequence[Name], layers: Layers, layout: str | None = None) -> ImageError:
    """The error for a page that cannot be read: `nothing_drawn` if it has hardly any trace, or else with advice on its `layout`.

    The advice depends on whether the user has given the layout.
    """
    if float((layers["trace"] > _INK).mean()) < 2e-4:  # Share of the pixels that are ink of traces.
        return nothing_drawn()
    if layout is not None:
        return ImageError(
            f"the rows of traces that were found are not those of layout {layout}, expected the layout of this page, or none to be given"
        )
    read = ", ".join(sorted({name.lead for name in names})) or "none"
    return ImageError(f"the names of leads do not fit any layout (read: {read}), expected the layout to be given")


def nothing_drawn() -> ImageError:
    """The error for a picture without traces."""
    return ImageError("no trace was found, expected a picture of an ECG on paper")


def no_heart() -> ImageError:
    """The error for a picture whose rows do not beat together."""
    return ImageError("its traces do not beat together, expected the leads of an ECG")
