"""A moving hand, simulated step by step: letters on lines, joins, and the path of the pen with its inertia, speed and pressure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fastecg.kernels.jit import jit

if TYPE_CHECKING:
    from fastecg.handwriting.glyphs import Table
    from fastecg.handwriting.writer import Hand

STEP = 0.45  # Distance of points along the pen's path, in units: a tenth of a mm, less than a pixel at 200 dpi.
_LINE = 31.0  # Distance of lines, in units.
NEW_LINE = -2  # Index that stands for a new line among the letters.


@jit
def lay_letters(
    table: Table,
    hand: Hand,
    offsets: np.ndarray,
    letters: np.ndarray,
    lead_in: bool,
    chance: np.ndarray,
    noise: np.ndarray,
    nodes: np.ndarray,
) -> int:
    """Place letters on lines and write their `nodes`; returns the number of nodes.

    `letters` (n, 4) are: allograph, whether it is joined to the one before (1 small, 2 large), class, cursive. `chance` (uniform) and
    `noise` (normal) are indexed by the node that they shape, so they are as long as `nodes`.
    """
    count, start, x, line = int(0.0), int(0.0), 0.0, 0.0  # Not a literal 0: functions that take it would be compiled once more.
    poses = np.empty((len(letters), 6))  # x, y, size, flatness, turn, width of each letter
    while start < len(letters):
        if letters[start, 0] < 0:
            broken = letters[start, 0] == NEW_LINE
            # No line starts right below the one before, no two gaps are alike.
            x = 5.0 * noise[count, 2] if broken else x + hand.word_gap * max(0.65, 1.0 + hand.uneven * noise[count, 2])
            line -= _LINE * (1.0 + 0.25 * hand.uneven * noise[count, 3]) if broken else 0.0
            start += 1
            continue
        stop = start
        while stop < len(letters) and letters[stop, 0] >= 0:
            stop += 1
        count, x = _lay_word(table, hand, offsets, letters, (start, stop), (x, line), lead_in, chance, noise, poses, nodes, count)
        count = _lay_late(table, hand, offsets, letters, (start, stop), chance, noise, poses, nodes, count)
        start = stop
    return count


@jit
def _set(row: np.ndarray, values: tuple[float, ...]) -> None:
    """The same as ``row[:] = values``, whose check of shapes would take Numba a second to compile."""
    for k in range(len(values)):
        row[k] = values[k]


@jit
def _lay_word(
    table: Table,
    hand: Hand,
    offsets: np.ndarray,
    letters: np.ndarray,
    span: tuple[int, int],
    origin: tuple[float, float],
    lead_in: bool,
    chance: np.ndarray,
    noise: np.ndarray,
    poses: np.ndarray,
    nodes: np.ndarray,
    count: int,
) -> tuple[int, float]:
    """Place the letters of a word without their dots and bars; returns the number of nodes and the x after the word."""
    start, stop = span
    x, line = origin
    for i in range(start, stop):
        glyph, kind, cursive = letters[i, 0], letters[i, 2], letters[i, 3] == 1
        if i > start + 1 and i + 1 < stop and kind == 0 and noise[count, 3] < hand.skip:
            poses[i, 3] = 0.0  # Its dot is not written either.
            continue
        after = (i - start) / max(1.0, stop - start - 1.0)
        long = min(1.0, (stop - start) / 5.0)
        size = (1.0 + 0.8 * hand.swell * noise[count, 3]) * (1.0 - hand.shrink * after * long)
        # Heights vary at random as well: even rows of letters look like a spring.
        flat = min(1.1, max(0.12, 1.0 - hand.squash * after**0.6 * long * (1.0 + 0.45 * noise[count, 1])))
        if kind != 0:
            flat = 1.0 - 0.3 * hand.squash * after - 0.9 * hand.slur
            size *= 1.0 - 0.35 * hand.slur
        wide = hand.aspect * size * max(0.6, 1.0 + 0.6 * hand.uneven * noise[count, 0])
        _set(poses[i], (x, line, size, flat, hand.turn * noise[count, 2], wide))
        small = i > start and letters[i, 1] == 1 and letters[i - 1, 1] == 1
        # Between capitals and digits only a hasty pen stays down.
        joined = i > start and letters[i, 1] > 0 and letters[i - 1, 1] > 0 and chance[count] < (hand.join if small else 0.7 * hand.merge)
        foot = 1 if cursive and (joined or not lead_in or i > start) else 0
        low = table.extents[glyph, 0] if foot == 0 else 1.6
        if joined and letters[i - 1, 3] == 1:  # A joined form ends in the stroke that leads to the next letter.
            poses[i, 0] = nodes[count - 1, 0] - (0.6 + 0.6 * low) * wide
        else:
            poses[i, 0] = x - (0.15 * hand.gap if joined else 0.0) - low * wide
        first, body = table.allographs[glyph, 0], table.allographs[glyph, 1]
        for stroke in range(first, body):
            if stroke > first and kind != 0 and chance[count] < hand.slur:
                continue
            joins = (joined and stroke == first) or (stroke > first and chance[count + 1] < hand.merge)
            if stroke == first and joined and not cursive:
                count, joins = _join(table, stroke, poses[i], hand, nodes, count)
            skip, drop = foot if stroke == first else 0, hand.drop + (hand.slur if kind != 0 else 0.0)
            count = _put(table, hand, offsets, stroke, skip, drop, poses[i], not joins, chance, noise, nodes, count)
        gap = (hand.gap + (1.3 if kind == 1 else 0.7 if kind == 2 else 0.0)) * (1.0 + 1.8 * hand.uneven * noise[count - 1, 2])
        x = poses[i, 0] + table.extents[glyph, 1] * wide + max(-1.2, gap)
    if count > 0 and letters[stop - 1, 3] == 1 and poses[stop - 1, 3] != 0.0 and chance[count] < hand.tail:
        count = _draw_out(hand, chance, noise, nodes, count)
    return count, x


@jit
def _draw_out(hand: Hand, chance: np.ndarray, noise: np.ndarray, nodes: np.ndarray, count: int) -> int:
    """Add a final stroke to a word: up, down or along the line, the longer the hastier the hand."""
    x, y = nodes[count - 1, 0], nodes[count - 1, 1]
    reach, rise = 3.0 + (4.0 + 14.0 * hand.tail) * chance[count + 1] ** 2, 2.5 * noise[count, 3]
    for k in range(2):
        _set(nodes[count], (x + 0.5 * (k + 1) * reach, y + (k - 0.4) * rise + 0.8 * noise[count, 2], 0.0, 0.0))
        count += 1
    return count


@jit
def _join(table: Table, stroke: int, pose: np.ndarray, hand: Hand, nodes: np.ndarray, count: int) -> tuple[int, bool]:
    """Lead the pen over to a printed letter in a sagging line, if it is near and not far back."""
    first = table.strokes[stroke]
    x0, y0 = nodes[count - 1, 0], nodes[count - 1, 1]
    x1, y1 = pose[0] + table.points[first, 0] * pose[5], pose[1] + table.points[first, 1] * pose[3]
    length = math.hypot(x1 - x0, y1 - y0)
    if length >= 13.0 + 12.0 * hand.merge or x1 - x0 < -0.35 * length:
        return count, False
    _set(nodes[count], (0.5 * (x0 + x1), 0.5 * (y0 + y1) - min(1.5, 0.18 * length), 0.0, 0.0))
    return count + 1, True


@jit
def _lay_late(
    table: Table,
    hand: Hand,
    offsets: np.ndarray,
    letters: np.ndarray,
    span: tuple[int, int],
    chance: np.ndarray,
    noise: np.ndarray,
    poses: np.ndarray,
    nodes: np.ndarray,
    count: int,
) -> int:
    """Write the dots and bars of a word, after its letters. A hasty hand does not lift the pen, misses the place, and leaves some out."""
    whole = int(0.0)  # No points are left out.
    for i in range(span[0], span[1]):
        glyph = letters[i, 0]
        for stroke in range(table.allographs[glyph, 1], table.allographs[glyph, 2]):
            if poses[i, 3] == 0.0 or chance[count] < 1.2 * hand.drop:
                continue
            pose = poses[i].copy()
            pose[0] += hand.drift * (0.5 + 0.6 * noise[count, 2])
            pose[1] += 0.3 * hand.drift * noise[count, 3]
            pose[3] = 1.0
            lift = not (count > 0 and chance[count + 1] < 0.5 * hand.merge)
            count = _put(table, hand, offsets, stroke, whole, hand.drop, pose, lift, chance, noise, nodes, count)
    return count


@jit
def _put(
    table: Table,
    hand: Hand,
    offsets: np.ndarray,
    stroke: int,
    skip: int,
    drop: float,
    pose: np.ndarray,
    lift: bool,
    chance: np.ndarray,
    noise: np.ndarray,
    nodes: np.ndarray,
    count: int,
) -> int:
    """Append one stroke at its letter's place; `skip` leaves out its first points, `drop` is the share of others that are cut short."""
    first, last = table.strokes[stroke] + skip, table.strokes[stroke + 1] - 1
    begun = count
    for k in range(first, last + 1):
        if first < k < last and chance[count] < drop and k + 1 < last:
            chance[count] = 1.0  # The next point is kept, so that no letter loses two in a row.
            continue
        x = (table.points[k, 0] + offsets[k, 0] + hand.jitter * noise[count, 0]) * pose[5]
        y = (table.points[k, 1] + offsets[k, 1] + hand.jitter * noise[count, 1]) * pose[2]
        rise, hang = max(y - 10.0, 0.0), min(y, 0.0)
        y = (y - rise - hang) * pose[3] + (rise * hand.ascender + hang * hand.ascender) * (0.5 + 0.5 * pose[3])
        nodes[count, 0] = pose[0] + x - y * pose[4]
        nodes[count, 1] = pose[1] + y + x * pose[4]
        nodes[count, 2] = table.points[k, 2]
        nodes[count, 3] = 1.0 if lift and count == begun else 0.0
        count += 1
    return count


@jit
def way_points(nodes: np.ndarray) -> float:
    """Upper bound of the number of points that `sample_way` makes."""
    total = 8.0
    for i in range(1, len(nodes)):
        total += 2.0 + 1.2 * math.hypot(nodes[i, 0] - nodes[i - 1, 0], nodes[i, 1] - nodes[i - 1, 1]) / STEP
    return total


@jit
def sample_way(nodes: np.ndarray, step: float, way: np.ndarray) -> int:
    """Sample a centripetal Catmull-Rom curve through nodes about every `step`, with a row of NaN where the pen is lifted.

    Beyond corners and ends the curve is continued straight. Returns the number of points.
    """
    count = 0
    for i in range(len(nodes)):
        if nodes[i, 3] == 1.0 and i > 0:
            way[count] = np.nan
            count += 1
        way[count, 0], way[count, 1] = nodes[i, 0], nodes[i, 1]
        count += 1
        if i + 1 == len(nodes) or nodes[i + 1, 3] == 1.0:
            continue
        p1, p2 = nodes[i, :2], nodes[i + 1, :2]
        p0 = nodes[i - 1, :2] if i > 0 and nodes[i, 3] == 0.0 and nodes[i, 2] == 0.0 else 2.0 * p1 - p2
        p3 = nodes[i + 2, :2] if i + 2 < len(nodes) and nodes[i + 2, 3] == 0.0 and nodes[i + 1, 2] == 0.0 else 2.0 * p2 - p1
        pieces = int(1.1 * math.hypot(p2[0] - p1[0], p2[1] - p1[1]) / step) + 1
        for k in range(1, pieces):
            for axis in range(2):
                way[count, axis] = _catmull_rom(p0, p1, p2, p3, k / pieces, axis)
            count += 1
    return count


@jit
def _catmull_rom(p0: np.ndarray, p1: np.ndarray, p2: np.ndarray, p3: np.ndarray, t: float, axis: int) -> float:
    """One coordinate at t of 0 to 1 between p1 and p2 (centripetal: knots the square root of the distance apart)."""
    a = math.sqrt(math.hypot(p1[0] - p0[0], p1[1] - p0[1])) + 1e-9
    b = math.sqrt(math.hypot(p2[0] - p1[0], p2[1] - p1[1])) + 1e-9
    c = math.sqrt(math.hypot(p3[0] - p2[0], p3[1] - p2[1])) + 1e-9
    v0, v1, v2, v3 = p0[axis], p1[axis], p2[axis], p3[axis]
    m1 = (v2 - v1) + b * ((v1 - v0) / a - (v2 - v0) / (a + b))
    m2 = (v2 - v1) + b * ((v3 - v2) / c - (v3 - v1) / (b + c))
    return v1 + t * (m1 + t * (3.0 * (v2 - v1) - 2.0 * m1 - m2 + t * (m1 + m2 - 2.0 * (v2 - v1))))


@jit
def smooth_way(way: np.ndarray, sigma: float, out: np.ndarray) -> None:
    """Smooth every run between lifts by a Gaussian of `sigma` points; its ends stay where they are (odd reflection)."""
    reach = int(3.0 * sigma) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    weights /= weights.sum()
    start, across, down = int(0.0), int(0.0), int(1.0)
    while start < len(way):
        stop = start
        while stop < len(way) and not math.isnan(way[stop, 0]):
            stop += 1
        for i in range(start, stop):
            x, y = 0.0, 0.0
            if i - reach >= start and i + reach < stop:
                for k in range(2 * reach + 1):
                    x += weights[k] * way[i + k - reach, 0]
                    y += weights[k] * way[i + k - reach, 1]
            else:
                for k in range(2 * reach + 1):
                    x += weights[k] * _reflected(way, start, stop, i + k - reach, across)
                    y += weights[k] * _reflected(way, start, stop, i + k - reach, down)
            out[i, 0], out[i, 1] = x, y
        if stop < len(way):
            out[stop] = np.nan
        start = stop + 1


@jit
def _reflected(way: np.ndarray, start: int, stop: int, i: int, axis: int) -> float:
    """A run's value, continued beyond its ends by odd reflection."""
    if i < start:
        return 2.0 * way[start, axis] - way[min(2 * start - i, stop - 1), axis]
    if i >= stop:
        return 2.0 * way[stop - 1, axis] - way[max(2 * stop - 2 - i, start), axis]
    return way[i, axis]


@jit
def shake_way(way: np.ndarray, knots: np.ndarray, period: float) -> None:
    """Add a smooth unsteadiness: random `knots` (m, 2), one every `period` points."""
    for i in range(len(way)):
        k = int(i / period)
        t = i / period - k
        t = t * t * (3.0 - 2.0 * t)
        for axis in range(2):
            way[i, axis] += knots[k, axis] * (1.0 - t) + knots[k + 1, axis] * t


@jit
def press_pen(way: np.ndarray, grip: np.ndarray, unrest: np.ndarray, runs: np.ndarray, width: np.ndarray, density: np.ndarray) -> None:
    """Speed from curvature, pressure from speed, and from that width (in pen diameters) and density along the way.

    `grip` is how much pressure changes density and width, how fast the pen lands and leaves, how far strokes taper, and the share of
    blobs. `unrest` are normal knots every 25 points; `runs` (runs, 4) uniform: whether a run starts with a blob, how large, and how
    the pen lands and leaves.
    """
    start, run = int(0.0), 0
    while start < len(way):
        stop = start
        while stop < len(way) and not math.isnan(way[stop, 0]):
            stop += 1
        speed = 0.6
        for i in range(start, stop):
            speed += 0.3 * (_power_law(way, start, stop, i) - speed)
            a, b = max(i - 2, start), min(i + 2, stop - 1)
            fall = (way[a, 1] - way[b, 1]) / (math.hypot(way[a, 0] - way[b, 0], way[a, 1] - way[b, 1]) + 1e-9)
            k, done = i // 25, (i - start) / max(1.0, stop - 1.0 - start)
            t = i / 25.0 - k
            pressure = 0.94 - 0.5 * speed + 0.17 * fall + 0.8 * done * (1.0 - done) + 0.15 * (unrest[k] * (1.0 - t) + unrest[k + 1] * t)
            width[i] = min(max(1.0 + 0.8 * grip[1] * (pressure - 0.55), 0.4), 1.6)
            density[i] = min(max(1.0 + 0.62 * grip[0] * (pressure - 0.58), 0.25), 1.12)
        _run_out(start, stop, grip, runs[run], width, density)
        if stop < len(way):
            width[stop] = density[stop] = np.nan
        start = stop + 1
        run += 1


@jit
def _power_law(way: np.ndarray, start: int, stop: int, i: int) -> float:
    """Speed at a point by the two-thirds power law, about 1 on a letter's curves; slow at the ends of a run."""
    a, b = max(i - 2, start), min(i + 2, stop - 1)
    ux, uy, vx, vy = way[i, 0] - way[a, 0], way[i, 1] - way[a, 1], way[b, 0] - way[i, 0], way[b, 1] - way[i, 1]
    u, v = math.hypot(ux, uy), math.hypot(vx, vy)
    if u * v == 0.0:
        return 0.5
    turn = abs(math.atan2(ux * vy - uy * vx, ux * vx + uy * vy))
    return (2.0 * turn / (u + v) + 0.25) ** (-1.0 / 3.0) * (0.6 + 0.4 * min(1.0, min(i - start, stop - 1 - i) / 5.0))


@jit
def _run_out(start: int, stop: int, grip: np.ndarray, chance: np.ndarray, width: np.ndarray, density: np.ndarray) -> None:
    """Shape the ends of a stroke. Mostly the hand is moving when the pen lands or lifts, so they taper; a pen that rests leaves a blob."""
    count, taper, point = stop - start, grip[2], grip[3]
    blob = chance[0] < grip[4]
    longest = min(0.33 * count, min(26.0, 6.0 + 0.04 * count))
    landing = 0.0 if blob else 0.7 * longest * taper * chance[2]
    # A hand that stops before it lifts ends blunt.
    leaving = 0.0 if chance[3] < 0.1 + 0.4 * (1.0 - taper) else longest * (0.35 + 0.65 * taper * chance[3])
    for k in range(math.ceil(max(landing, leaving))):
        for at, ramp in ((start + k, landing), (stop - 1 - k, leaving)):
            if k < ramp:
                lifted = (1.0 - k / ramp) * math.sqrt(1.0 - k / ramp)
                width[at] *= 1.0 - 0.88 * point * lifted
                density[at] *= 1.0 - 0.55 * point * lifted
    if blob:
        for k in range(min(4, count)):
            width[start + k] = max(width[start + k], 1.0 + 0.4 * chance[1] * (1.0 - k / 4.0))
            density[start + k] = 1.15
