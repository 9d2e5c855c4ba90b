"""Read the gain from printed words such as "10 mm/mV", for pages without a calibration pulse.

Lines of writing are compared with words that are drawn in common typefaces at the size of the line. The unit is looked for first, and
then the number in front of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from fastecg.digitizing.checks import correlation
from fastecg.digitizing.coarse import PageWarp, inked_pixels, straighten
from fastecg.digitizing.pulses import GAINS_MM_MV
from fastecg.page import Text
from fastecg.printing.text import draw_texts, measure

# Faces that the words are compared with, as (name, bold).
_FACES = (("dejavu", False), ("sans", False), ("sans", True), ("serif", False), ("mono", False), ("bitmap", False))
_UNITS = ("mm/mV", "mm/mv")  # Spellings of the unit.
_INK = 0.4  # A pixel is ink if its coverage is larger than this.
_HEIGHTS_MM = 1.2, 8.0  # Range of the heights of lines of words.
_LEAST_MM = 6.0  # Minimum length of a line of words.
_JOIN_MM = 5.0  # Largest space between the words of a line.
# Font sizes that are tried, as multiples of the height of a line's ink: from 1.0 for words with descenders to 1.5 for capitals alone.
_EM = tuple(np.geomspace(1.0, 1.5, 8))
_SAME_UNIT = 0.62  # A unit is read if its correlation with the drawn word is larger than this.
_SAME_NUMBER = 0.5  # A number is read if its correlation with the drawn number is at least this.
_MARGIN = 0.1  # Minimum difference of the correlations of the best number and the next best one.
_NEAR_EM = 0.9  # Largest distance between a number and its unit, in font sizes.
_SPACE_EM = 0.38  # Smallest space between a number and the word before it, in font sizes.
_SAME_SHAPE = 0.25  # Largest log ratio of width to height of the word that was found and that of a drawn number.
# Numbers that may stand in front of a unit: usual gains, and other numbers, so that these are not taken for gains.
_NUMBERS = (
    *(f"{gain:g}" for gain in GAINS_MM_MV),
    "2,5",
    "5.0",
    "10.0",
    "20.0",
    "5,0",
    "10,0",
    "20,0",
    "0",
    "1",
    "2",
    "3",
    "4",
    "6",
    "7",
    "8",
    "9",
    "15",
    "25",
    "12",
    "30",
    "35",
    "40",
    "50",
    "60",
    "200",
    "12.5",
    "7.5",
)
_BESIDE_MM = 2.0  # Side of the square around a pixel of writing in which ink belongs to the same word.
# Above and below a line of words, rows of pixels that have at most this share of the ink of its fullest row are cut off, since they hold
# remains of grid lines.
_DENSE = 0.08
# A number in the map of writing lacks a digit if it is narrower than this share of the width that it has in the completed words.
_SAME_WIDTH = 0.7
_MOST_LINES = 40  # Largest number of lines that are read.


def written_gain(writing: np.ndarray, warp: PageWarp, coverage: np.ndarray | None = None) -> float | None:
    """The gain in mm/mV that is printed on a page; None if it cannot be read.

    Parameters
    ----------
    writing : ndarray, shape (height, width)
        The network's map of writing, 0 to 1.
    warp : PageWarp
    coverage : ndarray, shape (height, width), optional
        The picture's own ink. It completes words of which the network took a character for a trace, as happens to a "1" that stands alone.
    """
    from scipy.ndimage import maximum_filter

    completed = None
    if coverage is not None:
        near_words = maximum_filter(writing > _INK, round(_BESIDE_MM * warp.scale))
        completed = _number(np.where(near_words, np.maximum(writing, coverage), writing), warp)
        if completed is None:
            return None
        if completed.value is not None:
            return completed.gain
    # If words were completed, their number is uncertain, perhaps because remains of the grid touch it. So the map of writing alone is read,
    # and its number is used unless it lacks a digit there.
    number = _number(writing, warp)
    return None if number is None or (completed is not None and number.width < _SAME_WIDTH * completed.width) else number.gain


@dataclass(frozen=True)
class _Number:
    """The number in front of a unit: its value (None if it is uncertain), and the width of its ink in px of the straightened page."""

    value: float | None
    width: int

    @property
    def gain(self) -> float | None:
        """The value if it is a usual gain; None otherwise."""
        return self.value if self.value in GAINS_MM_MV else None


def _number(writing: np.ndarray, warp: PageWarp) -> _Number | None:
    """The number in front of the unit of a gain; None if there is no unit or no word in front of it."""
    unit = _unit(writing, warp)
    word = None if unit is None else _last_word(*unit)
    return None if unit is None or word is None else _Number(_read_number(word, unit[1]), word.shape[1])


def _unit(writing: np.ndarray, warp: PageWarp) -> tuple[np.ndarray, float, int] | None:
    """The line of words with the unit of a gain, its font size in px, and the column where the unit begins; None without a unit."""
    from skimage.feature import match_template

    best, found = _SAME_UNIT, None
    for line, height in _lines(writing, warp):
        for face in _FACES:
            for em in _EM:
                for unit in _UNITS:
                    drawn = _drawn(unit, face, round(em * height, 1))
                    if drawn.shape[1] >= line.shape[1] or drawn.shape[0] >= line.shape[0]:
                        continue
                    score = match_template(line, drawn)
                    at = np.unravel_index(int(score.argmax()), score.shape)
                    if score[at] > best:
                        best = float(score[at])
                        found = line, em * height, int(at[1])
    return found


def _read_number(number: np.ndarray, size: float) -> float | None:
    """The value of a number from its ink (height, width), whose font size is `size` px; None if it is uncertain."""
    scores: dict[float, float] = {}
    for face in _FACES:
        for words in _NUMBERS:
            drawn = _cropped(_drawn(words, face, size))
            if abs(np.log(drawn.shape[1] / drawn.shape[0] * number.shape[0] / number.shape[1])) < _SAME_SHAPE:
                value = float(words.replace(",", "."))
                scores[value] = max(scores.get(value, 0.0), _correlation(number, drawn))
    order = sorted(scores, key=lambda value: -scores[value])
    if not order or scores[order[0]] < _SAME_NUMBER or (len(order) > 1 and scores[order[0]] - scores[order[1]] < _MARGIN):
        return None
    return order[0]


def _last_word(line: np.ndarray, size: float, start: int) -> np.ndarray | None:
    """The ink of the word in front of column `start` of a line with font size `size` px; None if there is none close by."""
    columns = np.flatnonzero((line[:, : max(start - 1, 0)] > _INK).any(axis=0))
    if not columns.size or start - columns[-1] > _NEAR_EM * size:
        return None
    spaces = np.flatnonzero(np.diff(columns) > _SPACE_EM * size)
    first = columns[spaces[-1] + 1] if spaces.size else columns[0]
    return _cropped(line[:, first : columns[-1] + 1])


def _cropped(plane: np.ndarray) -> np.ndarray:
    """A plane cropped to its ink; the whole plane if it has none."""
    rows, columns = (np.flatnonzero((plane > _INK).any(axis=axis)) for axis in (1, 0))
    return plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else plane


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation (-1 to 1) of two planes of ink; 0 if one is uniform.

    Both are resized to the size of the first, but at least 6 px wide and 12 px high.
    """
    from skimage.transform import resize

    shape = max(one.shape[0], 12), max(one.shape[1], 6)
    a, b = (resize(plane, shape, order=1, anti_aliasing=plane.shape[0] > shape[0]).ravel() for plane in (one, other))
    return correlation(a, b)


@cache
def _drawn(words: str, face: tuple[str, bool], size_px: float) -> np.ndarray:
    """Words as coverage (height, width) 0 to 1, with about 1 px of margin around their ink."""
    # Texts have sizes in mm. They are drawn at 1 px/mm, so that px can be given instead.
    text = Text("footer", words, 0.0, 0.0, size_px, face[0], face[1])
    left, top, right, bottom = measure(text)
    plane = np.zeros((int(np.ceil(bottom - top)) + 2, int(np.ceil(right - left)) + 2), dtype=np.uint8)
    draw_texts(plane, [Text("footer", words, 1.0 - left, 1.0 - top, size_px, face[0], face[1])], 1.0)
    return plane.astype(np.float32) / 255


def _lines(writing: np.ndarray, warp: PageWarp) -> Iterator[tuple[np.ndarray, float]]:
    """Lines of words on a straightened page, the longest first: coverage (height, width) 0 to 1 with a margin, and the ink's height px."""
    from scipy.ndimage import binary_dilation, find_objects, label

    page = warp.inverse(inked_pixels(writing, _INK))
    if len(page) < _LEAST_MM * warp.scale:
        return
    (left, top), (right, bottom) = page.min(axis=0), page.max(axis=0)
    strip = straighten(writing, warp, (float(left) - 2.0, float(right) + 2.0), (float(top), float(bottom)))
    scale = strip.scale
    letters = strip.ink > _INK
    joined = binary_dilation(letters, np.ones((1, round(_JOIN_MM * scale) | 1), dtype=bool))
    boxes = find_objects(label(joined)[0])
    kept = [
        box
        for box in boxes
        if _HEIGHTS_MM[0] * scale < box[0].stop - box[0].start < _HEIGHTS_MM[1] * scale and box[1].stop - box[1].start > _LEAST_MM * scale
    ]
    kept.sort(key=lambda box: box[1].start - box[1].stop)
    for box in kept[:_MOST_LINES]:
        # Remains of grid lines may touch letters from above or below, so rows of pixels with little ink are cut off there.
        dense = letters[box].sum(axis=1)
        first, last = box[0].start + np.flatnonzero(dense > _DENSE * dense.max())[[0, -1]]
        yield np.pad(strip.ink[max(first - 4, 0) : last + 5, box[1]], 4), float(last + 1 - first)
