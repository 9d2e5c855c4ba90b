"""Fade a print: where it has ink, pixels are changed towards the colour of the paper below."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastecg.kernels.address import address
from fastecg.kernels.ahead import prefetch
from fastecg.kernels.hashing import mixed
from fastecg.kernels.jit import jit, subkernel

_WORD = 8  # Pixels that are examined at once: 98 % of a page is without ink.
_AHEAD = 16  # Memory is prefetched this many words with ink ahead, because a trace crosses rows that are not in the cache.
_ALIKE = 0.95  # A pixel with less than this share of the largest coverage beside it is at an edge; elsewhere coverage changes slowly.


class Fading(NamedTuple):
    """How ink fades.

    Attributes
    ----------
    inks : (2,) float32
        Green level, 0 to 255, of the ink of traces and of printed text.
    solid : float
        Coverage, 0 to 255, above which a pixel may be fully inked; a pale pen gives less coverage than a dark one.
    least : float
        Smallest share of fresh ink's contrast that is left; 0 for no limit.
    brown : float
        How brown the ink turns: more contrast is lost in red, less in blue.
    grain : float
        Largest share of the contrast that single pixels at edges of the ink lose at random, decided by `seed`. Elsewhere pixels lose at
        most 0.35 times as much.
    seed : int
    """

    inks: np.ndarray
    solid: float
    least: float
    brown: float
    grain: float
    seed: int


@jit
def fade(pixels, paper, ink, text, rows, columns, clouds, every, how):
    """Reduce the ink's contrast with the paper to the share ``rows[y] * columns[x] * clouds(x, y)``, which `how` changes, in place.

    Parameters
    ----------
    pixels, paper : (height * width, 3) uint8
        The print, and the same paper without ink.
    ink, text : (height * width,) uint8
        Coverage by traces and by printed text, 0 to 255; pixels without either stay as they are.
    rows, columns : (height,) and (width,) float32
        Factors of the share that is left.
    clouds : (nodes down, nodes along) float32
        Factors of this share at every `every`-th pixel down and along, bilinear between.
    how : Fading
    """
    width, step = len(columns), np.float32(1.0 / every)
    inks, solid, least, brown, grain, seed = how
    whole = len(ink) // _WORD * _WORD
    inked = _inked_words(ink[:whole].view(np.uint64), text[:whole].view(np.uint64))
    pixels_at, paper_at = address(pixels), address(paper)
    for n in range(len(inked) - _AHEAD):
        soon = np.int64(3 * _WORD) * inked[n + _AHEAD]
        prefetch(pixels_at + soon)
        prefetch(paper_at + soon)
        word = np.int64(inked[n])
        y = _WORD * word // width
        cloud = _between(clouds, np.float32(_WORD * word - y * width) * step, np.float32(y) * step)  # One value for all eight pixels.
        for index in range(_WORD * word, min(_WORD * word + _WORD, len(ink))):
            k = np.uint64(index)  # With a signed index, every access would test for a negative one.
            cover = max(ink[k], text[k])
            if cover:
                y += index - y * width >= width  # The eight pixels may continue in the next row.
                x = index - y * width
                keep = rows[y] * columns[x] * cloud
                if grain > 0.0:
                    rough = np.float32(0.5 + 0.5 * mixed(seed, x, y))
                    keep *= np.float32(1.0) - np.float32(grain) * rough * np.float32(
                        0.35 if cover > solid and cover >= _ALIKE * _most_beside(ink, text, k, width) else 1.0
                    )
                if least > 0.0:
                    bare = np.float32(paper[k, 1])
                    fresh = ((inks[0] if ink[k] >= text[k] else inks[1]) - bare) * np.float32(cover / 255.0)
                    keep = _kept(keep, np.float32(pixels[k, 1]) - bare, fresh, np.float32(least))
                lost = np.float32(brown) * (np.float32(1.0) - keep)
                _fade_channel(pixels, paper, k, 0, keep - np.float32(0.35) * lost * keep)
                _fade_channel(pixels, paper, k, 1, keep)
                _fade_channel(pixels, paper, k, 2, keep + np.float32(0.25) * lost * keep)


@subkernel
def _inked_words(ink_words, text_words):
    """Indices of the words with ink or text, then `len(ink_words)`, which stands for the pixels after the last whole word.

    The last number is repeated `_AHEAD` more times, so that prefetching needs no check for the end.
    """
    words = np.empty(len(ink_words) + 1 + _AHEAD, dtype=np.int32)
    count = 0
    for word in range(len(ink_words)):
        words[count] = word
        count += (ink_words[word] | text_words[word]) != 0
    words[count : count + 1 + _AHEAD] = len(ink_words)
    return words[: count + 1 + _AHEAD]


@subkernel
def _most_beside(ink, text, k, width):
    """The largest coverage of the pixels to the left, to the right, above and below pixel k.

    At the picture's edges, other pixels take the place of those that are missing.
    """
    last = np.uint64(len(ink) - 1)
    most = np.uint8(0)
    for step in (np.uint64(1), np.uint64(width)):
        before, after = k - min(step, k), min(k + step, last)
        most = max(most, ink[before], text[before], ink[after], text[after])
    return most


@jit(inline="always")
def _kept(keep, now, fresh, least):
    """The share `keep` of the contrast `now`, raised if less than the share `least` of the contrast of `fresh` ink would remain; at most 1.

    If fresh ink has a contrast of less than 8 levels, the result is the larger of `keep` and `least` instead.
    """
    if abs(fresh) < np.float32(8.0):
        return max(keep, least)
    return min(max(keep, least * abs(fresh) / max(abs(now), np.float32(0.5))), np.float32(1.0))


@subkernel
def _between(plane, u, v):
    """The value of a coarse plane at column u and row v, bilinear between its nodes."""
    j, i = min(int(u), plane.shape[1] - 2), min(int(v), plane.shape[0] - 2)
    s, t = u - np.float32(j), v - np.float32(i)
    top = plane[i, j] + s * (plane[i, j + 1] - plane[i, j])
    bottom = plane[i + 1, j] + s * (plane[i + 1, j + 1] - plane[i + 1, j])
    return top + t * (bottom - top)


@jit(inline="always")
def _fade_channel(pixels, paper, k, c, keep):
    """Reduce the contrast of channel c of pixel k with the paper to the share `keep`."""
    bare = np.float32(paper[k, c])
    pixels[k, c] = np.uint8(min(max(bare + (np.float32(pixels[k, c]) - bare) * keep + np.float32(0.5), np.float32(0.0)), np.float32(255.0)))


@jit
def lighten_steep(pixels, paper, ink, pen, reach, loss):
    """Reduce the ink's contrast by up to `loss` where the trace is steep, in place.

    The steepness of a trace is measured by the height of its ink in a column of pixels. A level line is as high as the pen is wide.

    Parameters
    ----------
    pixels, paper : (height, width, 3) uint8
        The print, and the same paper without ink.
    ink : (height, width) uint8
        Coverage, 0 to 255; above 40 a pixel counts as ink.
    pen, reach : float
        Ink up to `pen` px high loses nothing, and ink that is `reach` px higher loses half of `loss`.
    loss : float
        Share of the contrast that is lost at most.
    """
    height, width = ink.shape
    above = np.zeros(width, dtype=np.int32)  # Height in px of the run of ink that reaches down to the row above, for each column.
    for y in range(height + 1):
        for x in range(width):
            if y < height and ink[y, x] > 40:
                above[x] += 1
            elif above[x]:
                run = above[x]
                above[x] = 0
                if run <= pen:
                    continue
                keep = np.float32(1.0 - loss * (1.0 - reach / (reach + run - pen)))
                for row in range(y - run, y):
                    for c in range(3):
                        _fade_channel(pixels[row], paper[row], x, c, keep)
