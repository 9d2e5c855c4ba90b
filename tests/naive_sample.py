"""The fused pass written so that it is obviously right: whole float64 arrays, one step after the other."""

from __future__ import annotations

import numpy as np

CELL = 8


def coordinates(nodes: np.ndarray, size: tuple[int, int], origin: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Bilinear between nodes: (height, width, k) for nodes (rows, cols, k)."""
    y, x = np.mgrid[: size[0], : size[1]]
    i, across = np.divmod(x - origin[0], CELL)
    j, down = np.divmod(y - origin[1], CELL)
    across, down = across[..., None] / CELL, down[..., None] / CELL
    # A pixel on the very last node needs no node beyond it.
    right, below = np.minimum(i + 1, nodes.shape[1] - 1), np.minimum(j + 1, nodes.shape[0] - 1)
    upper = nodes[j, i] * (1 - across) + nodes[j, right] * across
    lower = nodes[below, i] * (1 - across) + nodes[below, right] * across
    return upper * (1 - down) + lower * down


def sample(sheet: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bilinear samples with nothing (0) around the sheet, and how much of each lies on the sheet."""
    padded = np.pad(np.dstack([sheet, np.ones(sheet.shape[:2])]).astype(float), ((1, 2), (1, 2), (0, 0)))
    x = np.clip(points[..., 0], -1, sheet.shape[1]) + 1
    y = np.clip(points[..., 1], -1, sheet.shape[0]) + 1
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    down, across = (y - i)[..., None], (x - j)[..., None]
    upper = padded[i, j] * (1 - across) + padded[i, j + 1] * across
    lower = padded[i + 1, j] * (1 - across) + padded[i + 1, j + 1] * across
    mixed = upper * (1 - down) + lower * down
    return mixed[..., :3], mixed[..., 3:]


def expose(  # type: ignore[no-untyped-def]
    sheet, nodes, gain, size, origin=(0, 0), desk_gain=None, lift=None, desk_lift=None, background=(0, 0, 0)
) -> np.ndarray:
    """The picture without noise, not yet rounded: (height, width, 3) float64."""
    gain = gain if gain.ndim == 3 else gain[..., None]
    desk_gain = gain if desk_gain is None else desk_gain if desk_gain.ndim == 3 else desk_gain[..., None]
    seen, cover = sample(sheet, coordinates(nodes, size, origin))
    page = seen * coordinates(gain.astype(float), size, origin)
    desk = (1 - cover) * np.asarray(background, dtype=float) * coordinates(desk_gain.astype(float), size, origin)
    veil = 0.0 if lift is None else coordinates(lift[..., None].astype(float), size, origin)
    if desk_lift is not None:
        veil = cover * veil + (1 - cover) * coordinates(desk_lift[..., None].astype(float), size, origin)
    return np.clip(page + desk + veil, 0, 255)


def halve(image: np.ndarray) -> np.ndarray:
    """Mean of 2x2 pixels; odd ends counted twice."""
    even = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge").astype(int)
    return ((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2] + 2) // 4).astype(np.uint8)
