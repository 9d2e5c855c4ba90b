"""Obvious versions of the kernels of copies and displays."""

import numpy as np


def rings(ink, count):
    """For every pixel, how many of the rings along edges it is in, from the taxicab distance to the nearest pixel of the other kind."""
    height, width = ink.shape
    rows, columns = np.indices(ink.shape)
    found = np.zeros(ink.shape, dtype=int)
    for y in range(height):
        for x in range(width):
            other = ink != ink[y, x]
            if other.any():
                distance = (np.abs(rows - y) + np.abs(columns - x))[other].min()
                found[y, x] = max(count + 1 - distance, 0)
    return found


def resampled(plane, height, width):
    """Every new pixel the mean of what it covers."""

    def weights(count, wanted):
        edges = np.arange(wanted + 1) * count / wanted
        cells = np.arange(count)
        share = np.clip(np.minimum(cells + 1, edges[1:, None]) - np.maximum(cells, edges[:-1, None]), 0, None)
        return share / share.sum(axis=1, keepdims=True)

    return weights(plane.shape[0], height) @ plane.astype(float) @ weights(plane.shape[1], width).T


def halftoned(values, lookup, size):
    out = values.copy()
    n = len(lookup)
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            out[y, x] = lookup[y // size % n, x // size % n][values[y, x]]
    return out


def softened(plane):
    wide = np.pad(plane.astype(float), 1, mode="edge")
    across = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    return (across[:-2] + 2 * across[1:-1] + across[2:]) / 16


def latticed(pixels, nodes, cell, stripe, gap, blur):
    """The formula, pixel by pixel, in floating point; values beyond 255 are cut off."""
    out = pixels.astype(float)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            i, j = y // cell + 1, x // cell + 1
            a, b, c, d = nodes[i, j], nodes[i, j + 1], nodes[i + 1, j], nodes[i + 1, j + 1]
            if not np.isfinite(np.stack([a, b, c, d])).all():
                continue
            right, down = ((b - a + d - c) / (2 * cell), (c - a + d - b) / (2 * cell))
            kept = np.sinc(right) * np.sinc(down) * np.exp(-2 * np.pi**2 * blur**2 * (right**2 + down**2))
            for channel, (px, py) in enumerate(((x & ~1, y & ~1), (x, y), (x | 1, y | 1))):
                s, t = (px - cell * (j - 1)) / cell, (py - cell * (i - 1)) / cell
                u, v = a + s * (b - a) + t * (c - a) + s * t * (d - c - b + a)
                waves = 1 + stripe * kept[0] * np.cos(2 * np.pi * (u - channel / 3)), 1 + gap * kept[1] * np.cos(2 * np.pi * v)
                out[y, x, channel] *= waves[0] * waves[1]
    return np.clip(out, 0, 255)


def exposure(plane, level, least, rows, noise, half=0.0):
    """The darkest pixel of every strip in the middle three quarters, and what so many of them are as dark as."""
    height, width = plane.shape
    top, bottom, left, right = height // 8, height - height // 8, width // 8, width - width // 8
    rows = min(rows, bottom - top)
    darkest = [min(plane[y + k, x] for k in range(rows)) for y in range(top, bottom - rows + 1, rows) for x in range(left, right)]
    paper = np.median([plane[y, x] for y in range(top, bottom, 8) for x in range(left, right, 8)])
    return max(min(level, paper - 10.0 - 0.85 * noise - half / 2), min(np.quantile(darkest, least), paper - 10.0 - noise))
