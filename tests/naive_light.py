"""Obviously right twins of the kernels for light, camera and scanner: slow, one value at a time."""

import numpy as np


def blurred(pixels, weights):
    """Separable symmetric filter, rounded to whole levels after each direction, edges repeated."""
    reach = len(weights) - 1
    values = pixels.astype(int)
    for axis in (1, 0):
        padded = np.pad(values, [(reach, reach) if k == axis else (0, 0) for k in range(3)], mode="edge")
        length = values.shape[axis]
        total = 64 + weights[0] * values
        for k in range(1, reach + 1):
            before, after = (np.take(padded, range(start, start + length), axis=axis) for start in (reach - k, reach + k))
            total = total + weights[k] * (before + after)
        values = total // 128
    return values


def sharpened(pixels, weights, amount):
    """v + amount * (v - blurred), amount in 64ths."""
    difference = pixels.astype(int) - blurred(pixels, [int(w) for w in weights])
    return np.clip(pixels + (difference * amount + 32) // 64, 0, 255).astype(np.uint8)


def smeared(pixels, offsets, weights):
    """Mean of shifted pictures, edges repeated."""
    height, width = pixels.shape[:2]
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    total = 64 + int(weights[0]) * pixels.astype(int)
    for (x, y), weight in zip(offsets[1:], weights[1:], strict=True):
        for sign in (1, -1):
            i, j = np.clip(rows + sign * y, 0, height - 1), np.clip(columns + sign * x, 0, width - 1)
            total = total + int(weight) * pixels[i, j].astype(int)
    return (total // 128).astype(np.uint8)


def grey(pixels):
    """Brightness, (height, width) int."""
    return (77 * pixels[..., 0].astype(int) + 150 * pixels[..., 1].astype(int) + 29 * pixels[..., 2].astype(int) + 128) >> 8


def thresholded(pixels, level, step, half):
    """A ramp of greys round a bilinear level, without grain."""
    height, width = pixels.shape[:2]
    out = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            i, j, t, s = y // step, x // step, y % step / step, x % step / step
            left, right = (level[i, c] + t * (level[i + 1, c] - level[i, c]) for c in (j, j + 1))
            out[y, x] = 127.5 + 127.5 / half * (grey(pixels[y : y + 1, x : x + 1])[0, 0] - left - s * (right - left))
    return np.clip(out, 0, 255)


def painted(shape, shown, cell, tile, ramp, start, along, down):
    """A tile read bilinearly wherever its cell is shown."""
    out = np.zeros((*shape, 3), dtype=np.uint8)
    n = len(tile)
    for y in range(shape[0]):
        for x in range(shape[1]):
            if not shown[y // cell + 1, x // cell + 1]:
                continue
            u, v = start[0] + x * along + y * down, start[1] - x * down + y * along
            a, b = int(np.floor(u)), int(np.floor(v))
            s, t = u - a, v - b
            corner = [[float(tile[(b + k) % n, (a + m) % n]) for m in (0, 1)] for k in (0, 1)]
            level = (1 - t) * ((1 - s) * corner[0][0] + s * corner[0][1]) + t * ((1 - s) * corner[1][0] + s * corner[1][1])
            out[y, x] = ramp[int(level + 0.5)]
    return out
