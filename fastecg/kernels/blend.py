"""Coverage planes become colour: one blend for opaque ink, one for ink that lets the print below show through."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit

RGB = tuple[int, int, int]

_BLOCK = 32  # pixels looked at together; a page is 98 % without ink, and this many bytes are one vector comparison


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
        If the two arrays differ in height or width.
    """
    _check(pixels, plane)
    _blend(pixels, plane, np.array(ink, np.uint8))


def multiply(pixels: np.ndarray, plane: np.ndarray, ink: RGB) -> None:
    """Lay a filter over `pixels` (pen ink, highlighter): ``pixels *= 1 - plane / 255 * (1 - ink / 255)``, rounded to nearest.

    Takes what `blend` takes; black print stays black below a yellow highlighter.
    """
    _check(pixels, plane)
    _multiply(pixels, plane, np.array(ink, np.uint8))


def blit_max(plane: np.ndarray, tile: np.ndarray, x: int, y: int) -> None:
    """Lay a coverage tile (a glyph) into a plane with its top left pixel at (x, y), keeping the larger; clipped at the borders."""
    top, left = max(0, -y), max(0, -x)
    bottom, right = min(tile.shape[0], plane.shape[0] - y), min(tile.shape[1], plane.shape[1] - x)
    if top < bottom and left < right:
        part = plane[y + top : y + bottom, x + left : x + right]
        np.maximum(part, tile[top:bottom, left:right], out=part)


def _check(pixels: np.ndarray, plane: np.ndarray) -> None:
    if pixels.shape != (*plane.shape, 3):
        raise ValueError(f"pixels of shape {pixels.shape} do not fit a plane of shape {plane.shape}: expected (height, width, 3)")


@jit
def _blend(pixels, plane, ink):  # type: ignore[no-untyped-def]
    height, width = plane.shape
    for y in range(height):
        for left in range(0, width, _BLOCK):
            right = min(left + _BLOCK, width)
            if _bare(plane[y], left, right):
                continue
            for x in range(left, right):
                cover = np.uint32(plane[y, x])
                if cover:
                    for c in range(3):
                        mixed = np.uint32(pixels[y, x, c]) * np.uint32(255 - cover) + np.uint32(ink[c]) * cover
                        pixels[y, x, c] = np.uint8(np.uint32(mixed + 127) // np.uint32(255))


@jit
def _multiply(pixels, plane, ink):  # type: ignore[no-untyped-def]
    height, width = plane.shape
    for y in range(height):
        for left in range(0, width, _BLOCK):
            right = min(left + _BLOCK, width)
            if _bare(plane[y], left, right):
                continue
            for x in range(left, right):
                cover = np.uint32(plane[y, x])
                if cover:
                    for c in range(3):
                        passed = np.uint32(65025 - cover * np.uint32(255 - ink[c]))
                        pixels[y, x, c] = np.uint8(np.uint32(np.uint32(pixels[y, x, c]) * passed + 32512) // np.uint32(65025))


@jit
def _bare(row, left, right):  # type: ignore[no-untyped-def]
    """Whether a stretch of a plane's row is without ink."""
    seen = np.uint8(0)
    if right - left == _BLOCK:
        for j in range(_BLOCK):
            seen |= row[np.uint64(left) + np.uint64(j)]
    else:
        for x in range(left, right):
            seen |= row[x]
    return seen == 0
