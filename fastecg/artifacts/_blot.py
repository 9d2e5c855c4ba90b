"""Shared parts of stains and damage: windows of the sheet, noise over them, and the light that stains let pass."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

Colour = tuple[float, float, float]  # Shares of red, green and blue, 0 to 1.

#: Direction inward from each edge of a page or picture, degrees clockwise from the right.
INWARD_DEG = {"left": 0.0, "top": 90.0, "right": 180.0, "bottom": -90.0}


class Patch(NamedTuple):
    """A rectangular part of the sheet, with a lattice of nodes over it.

    Attributes
    ----------
    window : (slice, slice)
        Rows and columns of the sheet's pixels.
    x, y : ndarray, shapes (columns,) and (rows,)
        Page coordinates of the nodes in mm.
    every : int
        Distance of the nodes in px of the sheet. With more than 1, the lattice reaches beyond the window.
    """

    window: tuple[slice, slice]
    x: np.ndarray
    y: np.ndarray
    every: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the window, px."""
        rows, columns = self.window
        return rows.stop - rows.start, columns.stop - columns.start

    def clouds(self, seed: int, cell_mm: float, octaves: int = 3) -> np.ndarray:
        """Smooth noise at the nodes, mostly within -1 to 1, (rows, columns) float32.

        Its largest clouds measure `cell_mm`. Each further octave adds clouds of half the size and height.
        """
        from fastecg.kernels.stain import add_clouds, enlarge_plane

        out = np.zeros((len(self.y), len(self.x)), dtype=np.float32)
        step = self.x[1] - self.x[0] if len(self.x) > 1 else 1.0
        # `skip` nodes are a quarter of the finest clouds: noise at every `skip`-th node, bilinear between, looks the same.
        skip = int(cell_mm / (2.0 ** (octaves + 1) * step))
        if skip < 2 or min(out.shape) < 2:
            add_clouds(out, self.x, self.y, cell_mm, octaves, seed)
            return out
        x, y = (axis[0] + step * skip * np.arange(len(axis) // skip + 2) for axis in (self.x, self.y))
        coarse = np.zeros((len(y), len(x)), dtype=np.float32)
        add_clouds(coarse, x, y, cell_mm, octaves, seed)
        enlarge_plane(coarse, skip, out)
        return out

    def offsets(self, x_mm: float, y_mm: float, angle_deg: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Signed distances of the nodes from a point, each (rows, columns) float32 mm.

        The first is along `angle_deg` (clockwise from the right), the second along the direction 90° clockwise of that.
        """
        cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
        right, down = (self.x - x_mm).astype(np.float32)[None, :], (self.y - y_mm).astype(np.float32)[:, None]
        return right * np.float32(cos) + down * np.float32(sin), down * np.float32(cos) - right * np.float32(sin)


def patch_between(
    sheet: Sheet, upper_left_mm: tuple[float, float], lower_right_mm: tuple[float, float], every_mm: float = 0.0
) -> Patch | None:
    """The part of the sheet between two corners, each (x, y), with all pixels that are partly between them; None if it is empty.

    The first node is the middle of the upper left pixel.
    Nodes are `every_mm` apart, rounded to whole pixels; if that is 0, every pixel is a node.
    """
    height, width = sheet.ink.shape
    first = [max(int(np.floor(edge * sheet.scale)), 0) for edge in upper_left_mm]
    stop = [min(int(np.ceil(edge * sheet.scale)), size) for edge, size in zip(lower_right_mm, (width, height), strict=True)]
    if stop[0] <= first[0] or stop[1] <= first[1]:
        return None
    every = max(1, round(every_mm * sheet.scale))
    counts = [end - begin if every == 1 else (end - begin) // every + 2 for begin, end in zip(first, stop, strict=True)]
    x, y = ((begin + every * np.arange(count) + 0.5) / sheet.scale for begin, count in zip(first, counts, strict=True))
    return Patch((slice(first[1], stop[1]), slice(first[0], stop[0])), x, y, every)


def whole_sheet(sheet: Sheet, every_mm: float) -> Patch:
    """The whole sheet as a patch, with nodes `every_mm` apart, but at least 2 px."""
    # 1 mm beyond the page's lower right corner, so that no pixel is left out by rounding.
    found = patch_between(sheet, (0.0, 0.0), (sheet.page.size_mm[0] + 1.0, sheet.page.size_mm[1] + 1.0), max(every_mm, 2.0 / sheet.scale))
    assert found is not None  # a sheet has at least one pixel
    return found


def patch_around(sheet: Sheet, x_mm: float, y_mm: float, reach_mm: float, every_mm: float = 0.0) -> Patch | None:
    """The sheet's part of the square that reaches `reach_mm` from a point of the page to each side; None if the square is off the page.

    Nodes are `every_mm` apart, but at least 2 px; if that is 0, every pixel is a node.
    """
    if every_mm:
        every_mm = max(every_mm, 2.0 / sheet.scale)
    return patch_between(sheet, (x_mm - reach_mm, y_mm - reach_mm), (x_mm + reach_mm, y_mm + reach_mm), every_mm)


@lru_cache(maxsize=32)
def transmission(colour: Colour, depth: float) -> np.ndarray:
    """Share of light that a stain lets pass at densities 0 to 255, (256, 3) uint16 in units of 1/65535 (Beer-Lambert law).

    At density 255 the share is `colour`, one number each for red, green and blue, to the power `depth`.
    """
    powers = depth * np.arange(256)[:, None] / 255.0
    return np.rint(65535.0 * np.array(colour) ** powers).astype(np.uint16)


class Wash(NamedTuple):
    """A translucent layer of colour over a patch.

    The density of the layer, 0 to 1, is ``profile[k] * factor`` with ``k = (field - low) / step`` rounded down, and 0 where k is outside
    the profile.

    Attributes
    ----------
    patch : Patch
    field, factor : ndarray, shape (rows, columns)
        Values at the patch's nodes: a distance in mm or another quantity that decides the density, and a factor on the density.
    low, step, profile : float, float, ndarray of shape (n,)
        Densities where the field is low, low + step, low + 2 step, and so on.
    transmission : ndarray, shape (256, 3) uint16
        Share of light that each density lets pass, as `transmission` makes it.
    """

    patch: Patch
    field: np.ndarray
    factor: np.ndarray
    low: float
    step: float
    profile: np.ndarray
    transmission: np.ndarray


def stained(sheet: Sheet, *washes: Wash) -> Sheet:
    """The sheet seen through layers of colour. The result has pixels of its own, which may be changed in place."""
    from fastecg.kernels.stain import absorb

    pixels = sheet.canvas()
    for wash in washes:
        field, factor, profile = (np.ascontiguousarray(plane, dtype=np.float32) for plane in (wash.field, wash.factor, wash.profile))
        window = pixels[wash.patch.window]
        absorb(window, field, factor, wash.patch.every, np.float32(wash.low), np.float32(wash.step), profile, wash.transmission)
    return replace(sheet, pixels=pixels)


def mix_in(pixels: np.ndarray, share: np.ndarray, colour: np.ndarray) -> None:
    """Mix one colour (3,), or one per pixel (rows, columns, 3), 0 to 255, into `pixels`, in place.

    `share` (rows, columns), 0 to 1, is the share of the colour in the result.
    """
    from fastecg.kernels.stain import mix_colours

    colours = np.broadcast_to(np.asarray(colour, dtype=np.float32), (*share.shape, 3))
    mix_colours(pixels, np.asarray(share, dtype=np.float32), colours)


def edge_noise(seed: int, grain_px: float) -> np.ndarray:
    """Noise (128, 128) float32, about -0.7 to 0.7, that makes the edges of spots rough, with bumps `grain_px` wide (at least 1)."""
    from fastecg.kernels.stain import add_clouds

    tile = np.zeros((128, 128), dtype=np.float32)
    add_clouds(tile, np.arange(128.0), np.arange(128.0), max(grain_px, 1.0), 2, seed)
    return tile * np.float32(0.7)


def coverage(inside_px: np.ndarray) -> np.ndarray:
    """Coverage 0 to 255 uint8 of pixels whose middles lie `inside_px` inside an outline (negative: outside)."""
    return np.rint(255.0 * np.clip(inside_px + 0.5, 0.0, 1.0)).astype(np.uint8)
