"""The kernels of wear, pixel by pixel."""

import numpy as np


def bilinear(plane, u, v):
    """A coarse plane (rows, columns) at node coordinates (u, v)."""
    j, i = min(int(u), plane.shape[1] - 2), min(int(v), plane.shape[0] - 2)
    s, t = u - j, v - i
    top = (1 - s) * plane[i, j] + s * plane[i, j + 1]
    return (1 - t) * top + t * ((1 - s) * plane[i + 1, j] + s * plane[i + 1, j + 1])


def fade(pixels, paper, cover, rows, columns, brown=0.0):
    """What is left of ink when rows[y] * columns[x] of its contrast stays, less of it in red and more in blue: (height, width, 3) float."""
    keep = np.outer(rows, columns)[..., None]
    keep = keep * (1 + brown * (1 - keep) * np.array([-0.35, 0.0, 0.25]))
    return np.where(cover[..., None] > 0, paper + (pixels.astype(float) - paper) * keep, pixels)


def lighten_steep(pixels, paper, ink, pen, reach, loss):
    """Ink in columns, run by run."""
    out = pixels.astype(float)
    for x in range(ink.shape[1]):
        y = 0
        while y < len(ink):
            run = 0
            while y + run < len(ink) and ink[y + run, x] > 40:
                run += 1
            if run > pen:
                keep = 1 - loss * (run - pen) / (reach + run - pen)
                out[y : y + run, x] = paper[y : y + run, x] + (out[y : y + run, x] - paper[y : y + run, x]) * keep
            y += run + 1
    return out


def tint(pixels, gains, every):
    """Pixels times gains (rows, columns, 3) at every `every`-th pixel."""
    height, width = pixels.shape[:2]
    return np.array([[[pixels[y, x, c] * bilinear(gains[..., c], x / every, y / every) for c in range(3)] for x in range(width)]
                     for y in range(height)])  # fmt: skip


def absorb(pixels, field, factor, every, low, step, profile, colour, depth):
    """Pixels times colour ** (depth * density), the density the profile's at the field's value, times a factor."""
    out = pixels.astype(float)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            place = int(np.floor((bilinear(field, x / every, y / every) - low) / step))
            if 0 <= place < len(profile):
                dense = np.clip(profile[place] * bilinear(factor, x / every, y / every), 0, 1)
                out[y, x] *= np.array(colour) ** (depth * dense)
    return out


def shrink(ink, text, every, shape):
    """Mean of the larger coverage over blocks."""
    cover = np.maximum(ink, text) / 255.0
    padded = np.zeros((shape[0] * every, shape[1] * every))
    padded[: cover.shape[0], : cover.shape[1]] = cover[: padded.shape[0], : padded.shape[1]]
    return padded.reshape(shape[0], every, shape[1], every).mean(axis=(1, 3))


def screened(pixels, whole, paper, pitch, angle, growth, softness, grey, strength):
    """Tones as dots of a screen, whose quantile at 1 - tone is where ink begins."""
    from fastecg.kernels.screen_dots import TABLE

    wave = np.cos(2 * np.pi * np.arange(TABLE) / TABLE)
    values = np.sort(np.outer(wave, wave).ravel())
    steps = [round(np.cos(angle) * 65536 / pitch), round(np.sin(angle) * 65536 / pitch)]
    out = pixels.copy()
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            ink = np.array(paper, float) - pixels[y, x]
            if whole[y, x] or not 3 <= ink.max() <= 235:
                continue
            tone = ink.max() / 240
            level = min(np.floor(tone * 255 + 0.5) / 255 * (1 + growth), 1.0)
            limit = values[int(np.rint((1 - level) * (len(values) - 1)))]
            phases = [((steps[0] * x - steps[1] * y) & 65535) >> 8, ((steps[1] * x + steps[0] * y) & 65535) >> 8]
            printed = np.clip((wave[phases[0]] * wave[phases[1]] - limit) / softness + 0.5, 0, 1) / tone
            printed = 1 + strength * (printed - 1)
            colour = ink + grey * (ink.mean() - ink)
            out[y, x] = np.clip(np.array(paper) - colour * printed + 0.5, 0, 255).astype(np.uint8)
    return out
