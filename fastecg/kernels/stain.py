"""Stains, which colour a print translucently, and tape: their loops, and the smooth noise from which their shapes are made."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit
from fastecg.kernels.wear import lattice_noise

_ROWS = 4  # Number of rows that share one line of gains in `tint`.


@jit
def add_clouds(out, x, y, cell, octaves, seed):
    """Add smooth noise, mostly within -1 to 1, to `out` (rows, columns) float32, whose nodes lie at x (columns,) and y (rows,).

    The largest clouds measure `cell`, in the unit of x and y; each of the `octaves` has clouds of half the size and height of the octave
    before.
    """
    for i in range(len(y)):
        for j in range(len(x)):
            u, v, amplitude, total = x[j] / cell, y[i] / cell, 1.0, 0.0
            # Each octave is rotated. Otherwise the lattice would be seen along the sides of the page.
            u, v = 0.8 * u - 0.6 * v, 0.6 * u + 0.8 * v
            for k in range(octaves):
                total += amplitude * lattice_noise(seed + k, u, v)
                u, v, amplitude = 1.6 * u - 1.2 * v + 5.3, 1.2 * u + 1.6 * v + 1.7, 0.5 * amplitude
            out[i, j] += total


@jit
def enlarge_plane(coarse, every, out):
    """Fill `out` (rows, columns) float32 with a plane of which `coarse` holds every `every`-th value along both axes, bilinear between.

    `coarse` reaches beyond `out`.
    """
    step = np.float32(1.0 / every)
    line = np.empty(coarse.shape[1], dtype=np.float32)
    for y in range(out.shape[0]):
        i = y // every
        t = np.float32(y - i * every) * step
        for j in range(len(line)):
            line[j] = coarse[i, j] + t * (coarse[i + 1, j] - coarse[i, j])
        for j in range((out.shape[1] - 1) // every + 1):
            rise = (line[j + 1] - line[j]) * step
            for x in range(j * every, min(j * every + every, out.shape[1])):
                out[y, x] = line[j] + rise * np.float32(x - j * every)


@jit
def lay_tape(pixels, x, y, middle, direction, half, scale, tint, haze, loose, clouds):
    """Lay a piece of clear tape over a part of a picture, in place. The constants are chosen by eye.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    x, y : (width,) and (height,) float64
        Page coordinates of the pixels, mm.
    middle, direction, half : (2,) float64
        The tape's middle (mm), the unit vector along the tape, and half its length and width (mm).
    scale : float
        px/mm.
    tint : (3,) float64
        Share of red, green and blue light that passes.
    haze, loose : float
        Light that the tape adds, and how much of the tape has come loose and adds more light; both 0 to 1.
    clouds : (height, width) float32
        Noise that decides where the tape has come loose, and where its glue is thick.
    """
    for i in range(len(y)):
        for j in range(len(x)):
            right, down = x[j] - middle[0], y[i] - middle[1]
            along, across = right * direction[0] + down * direction[1], down * direction[0] - right * direction[1]
            side = half[1] - abs(across)
            if side * scale < -0.5 or abs(along) > half[0] + 0.6:
                continue
            # The ends are cut into teeth, 1.3 mm wide and 0.45 mm high.
            tooth = 0.9 * abs(across / 1.3 - np.floor(across / 1.3) - 0.5)
            inside = min(half[0] + tooth - abs(along), side)
            share = min(max(inside * scale + 0.5, 0.0), 1.0)
            if share == 0.0:
                continue
            lifted = min(max(9.0 * (clouds[i, j] - 0.75 + loose), 0.0), 1.0)
            veil = haze * (0.6 + 0.75 * lifted)
            # Glue has crept and yellowed unevenly. Least glue is left where the film came loose, and a loose patch has a bright rim.
            glue = 1.0 + 0.35 * clouds[i, j] - 0.55 * lifted
            edge = 1.0 + 0.16 * lifted * (1.0 - lifted)
            if inside < 2.5:  # Dirt has gathered unevenly along the sides, and the film shines just within them.
                dirt = 0.22 * min(max(0.6 + 0.8 * clouds[i, j], 0.15), 1.0)
                edge += 0.05 * np.exp(-(((inside - 0.8) / 0.3) ** 2)) - dirt * np.exp(-max(inside, 0.0) / 0.35)
            for c in range(3):
                passed = 1.0 - (1.0 - tint[c]) * glue
                seen = pixels[i, j, c] * passed * 0.975
                taped = (seen + veil * (248.0 * passed - seen)) * edge
                pixels[i, j, c] = np.uint8(min(max(pixels[i, j, c] + share * (taped - pixels[i, j, c]) + 0.5, 0.0), 255.0))


@jit
def mix_colours(pixels, share, colours):
    """Mix `colours` (height, width, 3), 0 to 255, into `pixels` uint8 by their `share` (height, width), 0 to 1, in place."""
    for y in range(share.shape[0]):
        for x in range(share.shape[1]):
            part = share[y, x]
            if part > np.float32(0.0):
                for c in range(3):
                    mixed = pixels[y, x, c] + part * (colours[y, x, c] - pixels[y, x, c])
                    pixels[y, x, c] = np.uint8(min(max(mixed + np.float32(0.5), np.float32(0.0)), np.float32(255.0)))


@jit
def absorb(pixels, field, factor, every, lowest, step, profile, passed):
    """Multiply pixels by the share of the light that a stain lets pass, in place.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
    field, factor : (rows, columns) float32
        Values at every `every`-th pixel down and along, bilinear between; they reach beyond the pixels.
    lowest, step, profile : float, float, (n,) float32
        ``profile[k]`` is the stain's density, 0 to 1, where the field is from lowest + k * step up to one step more. Where the field is
        lower or higher than in any entry, there is no stain. The density is multiplied by `factor`.
    passed : (256, 3) uint16
        ``passed[k]`` is the share of red, green and blue light, in 1/65535, that passes the density ``k / 255``.
    """
    height, width = pixels.shape[:2]
    for i in range((height + every - 1) // every):
        for j in range((width + every - 1) // every):
            a, b, c, d = field[i, j], field[i, j + 1], field[i + 1, j], field[i + 1, j + 1]
            # Most cells are outside the stain, as the values at their corners show.
            if max(max(a, b), max(c, d)) < lowest or min(min(a, b), min(c, d)) >= lowest + step * len(profile):
                continue
            e, f, g, h = factor[i, j], factor[i, j + 1], factor[i + 1, j], factor[i + 1, j + 1]
            for y in range(i * every, min(i * every + every, height)):
                t = np.float32((y - i * every) / every)
                value, noise = a + t * (c - a), e + t * (g - e)
                rise, change = (b + t * (d - b) - value) / np.float32(every), (f + t * (h - f) - noise) / np.float32(every)
                for x in range(j * every, min(j * every + every, width)):
                    s = np.float32(x - j * every)
                    position = (value + rise * s - lowest) / step
                    if 0.0 <= position < len(profile):
                        density = profile[int(position)] * (noise + change * s)
                        _pass(pixels, y, x, passed, density)


@jit(inline="always")
def _pass(pixels, y, x, passed, density):
    """Multiply one pixel by the share of the light that passes a density, 0 to 1."""
    k = int(min(max(density, 0.0), 1.0) * 255.0 + 0.5)
    if k:
        for c in range(3):
            pixels[y, x, c] = np.uint8((np.uint32(pixels[y, x, c]) * np.uint32(passed[k, c]) + 32767) // 65535)


@jit
def tint(pixels, gains, every, out):
    """Fill `out` with pixels (height, width, 3) uint8 times gains, at most 1, that are bilinear between nodes.

    `gains` (rows, columns, 3) float32 are the gains at every `every`-th pixel down and along. `_ROWS` rows of pixels share the gains of the
    first of them.
    """
    height, width = pixels.shape[:2]
    source, target = pixels.reshape(height, 3 * width), out.reshape(height, 3 * width)
    line = np.empty(3 * width, dtype=np.uint32)
    for top in range(0, height, _ROWS):
        v = top / every
        i = min(int(v), gains.shape[0] - 2)
        t = np.float32(v - i)
        for j in range((width - 1) // every + 1):
            for c in range(3):
                a = gains[i, j, c] + t * (gains[i + 1, j, c] - gains[i, j, c])
                b = gains[i, j + 1, c] + t * (gains[i + 1, j + 1, c] - gains[i, j + 1, c])
                rise = (b - a) / np.float32(every)
                for x in range(j * every, min(j * every + every, width)):
                    line[3 * x + c] = np.uint32(min(max(a + rise * np.float32(x - j * every), 0.0), 1.0) * 65536.0)
        for y in range(top, min(top + _ROWS, height)):
            old, new = source[y], target[y]
            for k in range(3 * width):
                new[k] = np.uint8(np.uint32(np.uint32(np.uint32(old[k]) * line[k]) + np.uint32(32768)) >> np.uint32(16))


@jit
def mean_coverage(ink, text, every, out):
    """Fill `out` with the mean coverage, 0 to 1, by ink or text (height, width) uint8, of blocks of `every` by `every` pixels.

    In each pixel the larger of the two coverages counts. What a block has beyond the picture counts as uncovered.
    """
    out[:] = 0
    share = np.float32(1.0 / (255.0 * every * every))
    for y in range(min(ink.shape[0], out.shape[0] * every)):
        i = y // every
        for x in range(min(ink.shape[1], out.shape[1] * every)):
            cover = max(ink[y, x], text[y, x])
            if cover:
                out[i, x // every] += np.float32(cover) * share


@jit
def add_spots(plane, spots, roughness, soft, noise):
    """Draw soft rough spots into a plane of densities (height, width) uint8, keeping the larger density.

    `spots` (n, 4) are x, y and radius in px and density, 0 to 1. Spots deviate from circles by up to `roughness` radii; their edges fade
    over `soft` radii plus 1 px. Where a spot is dented, its density is lower too, down to a half. The deviations are `noise` (m, m)
    float32, -1 to 1, one value per pixel; this pattern repeats every m pixels, and m is a power of two.
    """
    height, width = plane.shape
    mask = len(noise) - 1
    for k in range(len(spots)):
        x0, y0, radius, density = spots[k]
        reach = radius * (1.0 + roughness) + 1.5
        for y in range(max(int(y0 - reach), 0), min(int(y0 + reach) + 2, height)):
            for x in range(max(int(x0 - reach), 0), min(int(x0 + reach) + 2, width)):
                away = np.sqrt((x - x0) ** 2 + (y - y0) ** 2)
                if away < reach:
                    bumps = noise[y & mask, x & mask]
                    edge = radius * (1.0 + roughness * bumps) - away
                    share = min(max(edge / (soft * radius + 1.0) + 0.5, 0.0), 1.0)
                    value = np.uint8(255.0 * density * share * (0.75 + 0.25 * bumps))
                    if value > plane[y, x]:
                        plane[y, x] = value


@jit
def absorb_plane(pixels, density, passed):
    """Multiply pixels (height, width, 3) uint8 by the share of the light that passes a density (height, width) uint8, in place.

    `passed` (256, 3) uint16 holds the share of red, green and blue light, in 1/65535, for each density.
    """
    for y in range(density.shape[0]):
        for x in range(density.shape[1]):
            k = density[y, x]
            if k:
                for c in range(3):
                    pixels[y, x, c] = np.uint8((np.uint32(pixels[y, x, c]) * np.uint32(passed[k, c]) + 32767) // 65535)
