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


def image_signal(pixels, weights, *, core, kept, sharpen, limit, passes, mottle, seed):
    """Brightness against its blur: noise, details and mottle; colours in blocks of 2x2, smoothed, and spread out again."""
    from fastecg.kernels.noise import LUMA_COUNT, LUMA_STREAM, UNIT, table_offset, tables

    height, width = pixels.shape[:2]
    red, green, blue = np.moveaxis(pixels.astype(int), 2, 0)
    light = (77 * red + 150 * green + 29 * blue + 128) // 256
    planes = []
    for difference in (blue - light, red - light):
        even = np.pad(difference, ((0, height % 2), (0, width % 2)), mode="edge")
        plane = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2] + 2) // 4
        for _ in range(passes):
            for axis in (1, 0):
                padded = np.pad(plane, [(1, 1) if k == axis else (0, 0) for k in range(2)], mode="edge")
                before, after = (np.take(padded, range(start, start + plane.shape[axis]), axis=axis) for start in (0, 2))
                plane = (before + 2 * plane + after + 2) // 4
        full = np.empty((height, width), int)
        for y in range(height):
            i = y // 2
            other = min(max(i + (1 if y % 2 else -1), 0), plane.shape[0] - 1)
            row = (3 * plane[i] + plane[other] + 2) // 4
            for x in range(width):
                j = x // 2
                full[y, x] = (3 * row[j] + row[min(max(j + (1 if x % 2 else -1), 0), len(row) - 1)] + 2) // 4
        planes.append(full)
    smooth = blurred(light[..., None], [int(w) for w in weights])[..., 0]
    detail = light - smooth
    noise = np.clip(detail, -core, core)
    rest = np.clip(detail - noise, -limit, limit)
    values = np.clip(64 * smooth + noise * round(64 * kept) + rest * round(64 * (1 + sharpen)), 0, 16320)
    if mottle > 0:
        table, strength = tables(0.0, width // 4 + 2)[0], np.float32(mottle * 64 / UNIT)
        for y in range(height):
            nodes = []
            for k in range(2):
                start = table_offset(seed, LUMA_STREAM, y // 4 + k, LUMA_COUNT)
                x = np.arange(width)
                left, right = table[start + x // 4].astype(np.float32), table[start + x // 4 + 1].astype(np.float32)
                nodes.append(strength * (left + (x % 4 / 4).astype(np.float32) * (right - left)))
            values[y] = np.clip(values[y].astype(np.float32) + nodes[0] + np.float32(y % 4 / 4) * (nodes[1] - nodes[0]), 0, 16320).astype(
                int
            )
    level, (blue, red) = (values + 32) // 64, planes
    picture = np.stack([level + red, level - (131 * red + 50 * blue + 128) // 256, level + blue], axis=-1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def moved_colours(pixels, red, blue, lines):
    """Red and blue moved down by 256ths of a pixel, lines brighter by 256ths of a level."""
    values = pixels.astype(int)
    out = np.empty_like(values)
    for channel, share in ((0, red), (1, 0), (2, blue)):
        plane = values[..., channel]
        padded = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
        other = padded[:-2] if share > 0 else padded[2:]
        out[..., channel] = (plane * (256 - abs(share)) + other * abs(share) + 128 + lines[:, None]) // 256
    return np.clip(out, 0, 255).astype(np.uint8)


def leaf_laid(picture, shown, cell, frame, colour, shadow, lines, words):
    """A leaf with its shadow and print, a pixel at a time, by the distances in its own frame."""
    out = picture.copy()
    x0, y0, cos, sin, wide, high = frame
    pitch, margin, ink, first = lines
    around = np.pad(words.astype(float), ((1, 1), (1, 1)), mode="edge")  # beside the words they go on, below them they begin again
    around[0, 1:-1], around[-1, 1:-1] = words[-1], words[0]
    around[[0, -1], 0], around[[0, -1], -1] = around[[0, -1], 1], around[[0, -1], -2]
    step = words.shape[1] / (2 * (wide - margin))
    for y, x in np.ndindex(picture.shape[:2]):
        if not shown[y // cell + 1, x // cell + 1]:
            continue
        u, v = np.array([[cos, sin], [-sin, cos]]) @ (x - x0, y - y0)
        su, sv = (u, v) - np.array([[cos, sin], [-sin, cos]]) @ shadow[:2]
        cover = np.clip(0.5 - max(abs(u) - wide, abs(v) - high), 0, 1)
        away = np.hypot(max(abs(su) - wide, 0), max(abs(sv) - high, 0)) / shadow[2] if shadow[2] else 1.0
        if cover < 1 and away < 1:
            out[y, x] = np.floor(out[y, x] * (1 - shadow[3] * (1 - away) ** 2) + 0.5)
        light = 1.0
        across, down = u + wide - margin, v + high - margin
        if pitch > 0 and 0 <= across < 2 * (wide - margin) and 0 <= down < 2 * (high - margin) // pitch * pitch:
            row, column = (down + first * pitch) * step % len(words) + 0.5, across * step + 0.5
            i, j = int(row), int(column)
            corners = around[i : i + 2, j : j + 2]
            light -= ink * ([1 - row + i, row - i] @ corners @ [1 - column + j, column - j]) / 255
        elif pitch < 0:
            for place in (u + wide, v + high):
                off = [abs((place - gap / 2) % gap - gap / 2) for gap in (-pitch, -pitch / 5)]
                halves = [0.018 * -pitch, 0.01 * -pitch]
                lines_of = [np.clip(half - away + 0.5, 0, 1) * min(1, 2 * half) for half, away in zip(halves, off, strict=True)]
                light = min(light, 1 - ink * max(lines_of[0], 0.5 * lines_of[1]))
        if cover:
            out[y, x] = np.floor(out[y, x] + cover * (light * colour - out[y, x]) + 0.5)
    return out


def window(x, y, window, tools, programs, words, colours):
    """Colours (rows, columns, 3) at places of a display, mm of the page, painted one over the other; arguments as for `paint_window`."""
    ground, title, tool_ground, icon, task, wall, _, caption = colours[:8]
    off = np.maximum(np.maximum(window.left - x, x - window.right), np.maximum(window.top - y, y - window.bottom))
    u, v = x - window.left, y - window.top
    bar, tool, foot = v < 7, (v >= 7) & (v < 16), y > window.bottom - 9
    sign = tools[np.clip(u / 7.0, 0, 63).astype(int)]
    button = tool & (sign >= 0) & on_sign(sign, u % 7.0 - 3.5, v - 11.5)
    buttons = bar & on_button(window.right - x, v - 3.5)
    program = np.clip(u / 11.0, 0, 12).astype(int)
    beside, below = u % 11.0 - 5.5, y - window.bottom + 4.5
    tile = foot & (programs[program] >= 0) & (u < 143) & (beside**4 + below**4 < 2.4**4)
    scroll = (x > window.right - 4) & ~bar & ~tool & ~foot
    thumb = scroll & (v < 16 + window.thumb * (window.bottom - window.top - 25))
    out = np.empty((*x.shape, 3))
    out[:] = ground
    out[u < window.list] = tool_ground
    out[(u < window.list) & (v >= 28) & (v < 34)] = title
    for where, colour in ((scroll, tool_ground), (thumb, icon), (tool, tool_ground), (bar, title)):
        out[where] = colour
    for line, ink in enumerate(words):
        top = 1.5 if line == 0 else 17.0 + 6.0 * (line - 1)
        there = bar & ~buttons if line == 0 else (u < window.list) & ~bar & ~tool & ~foot & ~scroll
        row, column = np.floor((v - top) * 8).astype(int), np.floor((u - 3) * 8).astype(int)
        there &= (row >= 0) & (row < ink.shape[0]) & (column >= 0) & (column < ink.shape[1])
        share = ink[row[there], column[there], None] / 255.0
        written = np.where(np.all(out[there] == title, axis=-1, keepdims=True), caption, icon)
        out[there] = (1 - share) * out[there] + share * written
    out[button] = icon
    out[buttons] = caption
    out[foot] = task
    out[tile] = colours[8 + program[tile]]
    signed = tile & on_sign(programs[program], 0.9 * beside, 0.9 * below)
    out[signed] = colours[21 + program[signed]]
    around = np.maximum(np.maximum(-x, x - window.width), np.maximum(-y, y - window.height))
    out[(off > -0.6) | (around < 0.35)] *= 0.6
    out = np.where((off > 0)[..., None], (16.0 + 26.0 * np.exp(-np.abs(off - window.bezel) / 0.8))[..., None], out)
    return np.where((off > window.bezel)[..., None], wall, out).astype(np.uint8)


def on_button(left, down):
    """Whether places lie on the cross, the frame and the line of a window's buttons, from the right."""
    right = 4.0 - left % 8.0
    wide = np.maximum(np.abs(right), np.abs(down))
    shapes = (
        (wide < 1.2) & (np.abs(np.abs(right) - np.abs(down)) < 0.28),
        np.abs(wide - 1.0) < 0.18,
        (np.abs(right) < 1.2) & (np.abs(down) < 0.18),
        np.zeros(wide.shape, dtype=bool),
    )
    return np.choose(np.clip(left // 8.0, 0, 3).astype(int), shapes)


def on_sign(kind, right, down):
    """Whether places lie on the strokes of signs of several kinds, -1 to 8."""
    far, wide = np.hypot(right, down), np.maximum(np.abs(right), np.abs(down))
    shapes = (
        np.zeros(far.shape, dtype=bool),
        np.abs(far - 1.3) < 0.3,
        np.abs(wide - 1.4) < 0.25,
        (wide < 1.6) & (np.abs((down + 1.6) % 1.07 - 0.53) < 0.22),
        (wide < 1.6) & (np.minimum(np.abs(right), np.abs(down)) < 0.25),
        (np.abs(down) < 1.6 - 0.8 * (right + 1.4)) & (np.abs(right) < 1.4),
        (np.abs(np.hypot(right + 0.4, down + 0.4) - 1.0) < 0.25) | ((right > 0.35) & (right < 1.5) & (np.abs(right - down) < 0.35)),
        (wide < 1.5) & ((np.abs(down) < 0.25) | ((right < -0.3) & (np.abs(down) < 0.9 * (right + 1.5)))),
        (wide < 1.5) & ((right + 1.5) % 1.0 < 0.6) & (down > 0.7 - 0.9 * np.floor(right + 1.5)),
        (np.abs(right) < 1.5) & (np.abs(down) < 0.3) & (np.abs((right + 1.5) % 1.0 - 0.5) < 0.3),
    )
    return np.choose(kind + 1, shapes)
