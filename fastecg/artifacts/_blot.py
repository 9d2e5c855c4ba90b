"""Shared parts of stains and damage: windows of the sheet, noise over them, the colour that a stain transmits."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

Colour = tuple[float, float, float]

#: Direction inward from each edge of a page or picture, degrees clockwise from the right.
INWARD_DEG = {"left": 0.0, "top": 90.0, "right": 180.0, "bottom": -90.0}


class Patch(NamedTuple):
    """A window of the sheet, and a lattice over it: nodes `every` px apart, at `x` (columns,) and `y` (rows,) mm."""

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
        """Smooth noise at the nodes, mostly within -1 to 1, (rows, columns) float32."""
        from fastecg.kernels.stain import add_clouds, enlarge_plane

        out = np.zeros((len(self.y), len(self.x)), dtype=np.float32)
        step = self.x[1] - self.x[0] if len(self.x) > 1 else 1.0
        skip = int(cell_mm / (2.0 ** (octaves + 1) * step))  # The finest clouds need every so many nodes; those between are interpolated.
        if skip < 2 or min(out.shape) < 2:
            add_clouds(out, self.x, self.y, cell_mm, octaves, seed)
            return out
        x, y = (axis[0] + step * skip * np.arange(len(axis) // skip + 2) for axis in (self.x, self.y))
        coarse = np.zeros((len(y), len(x)), dtype=np.float32)
        add_clouds(coarse, x, y, cell_mm, octaves, seed)
        enlarge_plane(coarse, skip, out)
        return out

    def offsets(self, x_mm: float, y_mm: float, angle_deg: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Signed distances of the nodes from a point, along `angle_deg` (clockwise from the right) and across it, float32 mm."""
        cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
        right, down = (self.x - x_mm).astype(np.float32)[None, :], (self.y - y_mm).astype(np.float32)[:, None]
        return right * np.float32(cos) + down * np.float32(sin), down * np.float32(cos) - right * np.float32(sin)


def patch_between(sheet: Sheet, low_mm: tuple[float, float], high_mm: tuple[float, float], every_mm: float = 0.0) -> Patch | None:
    """The part of the sheet from one corner (x, y) to another, with nodes every `every_mm`, or at each pixel if that is 0.

    None if no part of it is on the page.
    """
    height, width = sheet.ink.shape
    first = [max(int(np.floor(low * sheet.scale)), 0) for low in low_mm]
    last = [min(int(np.ceil(high * sheet.scale)), size) for high, size in zip(high_mm, (width, height), strict=True)]
    if last[0] <= first[0] or last[1] <= first[1]:
        return None
    every = max(1, round(every_mm * sheet.scale))
    counts = [stop - start if every == 1 else (stop - start) // every + 2 for start, stop in zip(first, last, strict=True)]
    x, y = ((start + every * np.arange(count) + 0.5) / sheet.scale for start, count in zip(first, counts, strict=True))
    return Patch((slice(first[1], last[1]), slice(first[0], last[0])), x, y, every)


def whole(sheet: Sheet, every_mm: float) -> Patch:
    """All of the sheet, with nodes every `every_mm`, but at least 2 px apart."""
    found = patch_between(sheet, (0.0, 0.0), (sheet.page.size_mm[0] + 1.0, sheet.page.size_mm[1] + 1.0), max(every_mm, 2.0 / sheet.scale))
    assert found is not None  # a sheet has at least one pixel
    return found


def around(sheet: Sheet, x_mm: float, y_mm: float, reach_mm: float, every_mm: float = 0.0) -> Patch | None:
    """The square of the sheet that reaches `reach_mm` from a point to each side; nodes as for `patch_between`, but at least 2 px apart."""
    if every_mm:
        every_mm = max(every_mm, 2.0 / sheet.scale)
    return patch_between(sheet, (x_mm - reach_mm, y_mm - reach_mm), (x_mm + reach_mm, y_mm + reach_mm), every_mm)


@lru_cache(maxsize=32)
def passed(colour: Colour, depth: float) -> np.ndarray:
    """Transmission of a stain at densities 0 to 255, (256, 3) uint16, where 65535 lets all light through (Beer-Lambert)."""
    powers = depth * np.arange(256)[:, None] / 255.0
    return np.rint(65535.0 * np.array(colour) ** powers).astype(np.uint16)


class Wash(NamedTuple):
    """A translucent layer of colour.

    Its density at a node is ``profile[k] * mottle``, with k = (`field` - `low`) / `step`, and none where k lies outside the profile.
    `field` and `mottle` are (rows, columns). `passed` is the share of light that each density transmits.
    """

    patch: Patch
    field: np.ndarray
    mottle: np.ndarray
    low: float
    step: float
    profile: np.ndarray
    passed: np.ndarray


def stained(sheet: Sheet, *washes: Wash) -> Sheet:
    """The sheet below layers of colour."""
    from fastecg.kernels.stain import absorb

    pixels = sheet.canvas()
    for wash in washes:
        field, mottle, profile = (np.ascontiguousarray(plane, dtype=np.float32) for plane in (wash.field, wash.mottle, wash.profile))
        window = pixels[wash.patch.window]
        absorb(window, field, mottle, wash.patch.every, np.float32(wash.low), np.float32(wash.step), profile, wash.passed)
    return replace(sheet, pixels=pixels)


def laid_over(pixels: np.ndarray, share: np.ndarray, colour: np.ndarray) -> None:
    """Mix a colour (…, 3) into a window (rows, columns, 3) uint8 by its share (rows, columns) 0 to 1, in place."""
    from fastecg.kernels.stain import mix_colours

    colours = np.broadcast_to(np.asarray(colour, dtype=np.float32), (*share.shape, 3))
    mix_colours(pixels, np.asarray(share, dtype=np.float32), colours)


def bumps(seed: int, grain_px: float) -> np.ndarray:
    """Noise for the edges of spots, in grains `grain_px` wide: (128, 128) float32."""
    from fastecg.kernels.stain import add_clouds

    tile = np.zeros((128, 128), dtype=np.float32)
    add_clouds(tile, np.arange(128.0), np.arange(128.0), max(grain_px, 1.0), 2, seed)
    return tile * np.float32(0.7)


def coverage(inside_px: np.ndarray) -> np.ndarray:
    """Coverage 0..255 uint8 from the distance inside an outline, px."""
    return np.rint(255.0 * np.clip(inside_px + 0.5, 0.0, 1.0)).astype(np.uint8)
