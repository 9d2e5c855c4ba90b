"""Coverage planes become colour: one blend for opaque ink, one for ink that lets the print below show through."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit

RGB = tuple[int, int, int]

_WORD = 8  # pixels looked at together: a page is 98 % without ink, and eight bytes of coverage are one integer
_BLOCK = 8  # words passed over together where all are empty


def blend(pixels: np.ndarray, plane: np.ndarray, ink: RGB) -> None:
    """Cover `pixels` with opaque ink: ``pixels += (ink - pixels) * plane / 255``, rounded to nearest.

    Parameters
    ----------
    pixels : (height, width, 3) array of uint8
        sRGB, changed in place.
    plane : (height, width) array of uint8
        Coverage of the ink.
    ink : tuple of int
        sRGB 0 to 255.

    Raises
    ------
    ValueError
        If the two arrays differ in height or width, or `pixels` is not C-contiguous.
    """
    _blend(*_flat(pixels, plane), np.array(ink, np.uint8))


def multiply(pixels: np.ndarray, plane: np.ndarray, ink: RGB) -> None:
    """Lay a filter over `pixels` (pen ink, highlighter): ``pixels *= 1 - plane / 255 * (1 - ink / 255)``, rounded to nearest.

    Takes what `blend` takes; black print stays black below a yellow highlighter.
    """
    _multiply(*_flat(pixels, plane), np.array(ink, np.uint8))


def _flat(pixels: np.ndarray, plane: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pixels (n, 3), the coverage (n,) and the same coverage in words, which leave out the last n % 8 pixels."""
    if pixels.shape != (*plane.shape, 3) or not pixels.flags.c_contiguous:
        raise ValueError(f"pixels of shape {pixels.shape}: expected a contiguous ({plane.shape[0]}, {plane.shape[1]}, 3) array")
    cover = np.ascontiguousarray(plane).reshape(-1)
    whole = len(cover) // _WORD * _WORD
    if not cover[:whole].view(np.uint64).flags.aligned:  # rows cut from a larger plane
        cover = cover.copy()
    return pixels.reshape(-1, 3), cover, cover[:whole].view(np.uint64)


@jit
def _inked(words, start):
    """The first word from `start` on that holds ink; len(words) if none does: there the pixels without a whole word begin."""
    word = np.uint64(start)
    while word + np.uint64(_BLOCK) <= np.uint64(len(words)):
        found = np.uint64(0)
        for i in range(_BLOCK):
            found |= words[word + np.uint64(i)]
        if found:
            break
        word += np.uint64(_BLOCK)
    while word < np.uint64(len(words)) and words[word] == 0:
        word += np.uint64(1)
    return np.int64(word)


@jit
def _blend(pixels, cover, words, ink):
    red, green, blue = np.int32(ink[0]), np.int32(ink[1]), np.int32(ink[2])
    word = _inked(words, 0)
    while word <= len(words):
        for i in range(_WORD * word, min(_WORD * word + _WORD, len(cover))):
            k = np.uint64(i)  # unsigned, or every access asks whether the index counts from the end
            a = np.int32(cover[k])
            if a:
                pixels[k, 0] = _mixed(pixels[k, 0], red, a)
                pixels[k, 1] = _mixed(pixels[k, 1], green, a)
                pixels[k, 2] = _mixed(pixels[k, 2], blue, a)
        word = _inked(words, word + 1) if word < len(words) else word + 1


@jit(inline="always")
def _mixed(old, new, a):
    """(old * (255 - a) + new * a) / 255, rounded to nearest, without the division."""
    mixed = np.int32(np.int32(old) * np.int32(255 - a) + new * a + 128)
    return np.uint8(np.int32(mixed + (mixed >> 8)) >> 8)


@jit
def _multiply(pixels, cover, words, ink):
    word = _inked(words, 0)
    while word <= len(words):
        for i in range(_WORD * word, min(_WORD * word + _WORD, len(cover))):
            a = np.uint32(cover[i])
            if a:
                for c in range(3):
                    passed = np.uint32(65025 - a * np.uint32(255 - ink[c]))
                    pixels[i, c] = np.uint8(np.uint32(np.uint32(pixels[i, c]) * passed + 32512) // np.uint32(65025))
        word = _inked(words, word + 1) if word < len(words) else word + 1
