"""A simulation of a writing hand: letters on lines, joins, and the path of the pen with its inertia, speed and pressure.

Lengths are in units of which the body of a small letter is 10 high; y points up. Constants are chosen by eye.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fastecg.kernels.jit import jit, subkernel

if TYPE_CHECKING:
    from fastecg.handwriting.glyphs import Table
    from fastecg.handwriting.writer import Hand

STEP = 0.45  # Distance between points of the pen's path, in units. It is some 0.1 mm, less than a pixel at 200 dpi.
_LINE = 31.0  # Distance between lines of writing, in units.
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
    """Place letters on lines and write the `nodes` of their strokes; return the number of nodes.

    The columns of `letters` (n, 4) are:

    0. the index of the letter's form in `table`; `NEW_LINE` for a new line, any other number below 0 for a space;
    1. how it may be joined to its neighbours (0: not at all, 1: as a small letter, 2: as a capital or digit);
    2. its class (0 for small letters, 1 for digits and signs, 2 for capitals);
    3. whether the form is cursive (0 or 1).

    `offsets` (p, 2) are added to the table's points. `lead_in` says whether the first letter of a word begins with an upstroke if it is
    cursive. A row of `nodes` is x, y, whether there is a corner, and whether the pen is lifted before (both 0 or 1). The random numbers
    `chance` (uniform from 0 to 1) and `noise` (normal, 4 for each node) are indexed by the node that they shape, so they are as long as
    `nodes`; `chance` is changed.
    """
    count, start, x, line_y = int(0.0), int(0.0), 0.0, 0.0  # With a literal 0, functions that take it would be compiled once more.
    poses = np.empty((len(letters), 6))  # x, y, size, factor of the height, slope and factor of the width of each letter
    while start < len(letters):
        if letters[start, 0] < 0:
            broken = letters[start, 0] == NEW_LINE
            # `x` and `line_y` are where the next word begins. No line starts exactly below the one before, and no two gaps are equal.
            x = 5.0 * noise[count, 2] if broken else x + hand.word_gap * max(0.65, 1.0 + hand.uneven * noise[count, 2])
            line_y -= _LINE * (1.0 + 0.25 * hand.uneven * noise[count, 3]) if broken else 0.0
            start += 1
            continue
        stop = start
        while stop < len(letters) and letters[stop, 0] >= 0:
            stop += 1
        count, x = _lay_word(table, hand, offsets, letters, (start, stop), (x, line_y), lead_in, chance, noise, poses, nodes, count)
        count = _add_dots_and_bars(table, hand, offsets, letters, (start, stop), chance, noise, poses, nodes, count)
        start = stop
    return count


@subkernel
def _fill_row(row: np.ndarray, values: tuple[float, ...]) -> None:
    """Do the same as ``row[:] = values``, whose check of shapes would take Numba a second to compile."""
    for k in range(len(values)):
        row[k] = values[k]


@subkernel
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
    x, line_y = origin
    for i in range(start, stop):
        glyph, kind, cursive = letters[i, 0], letters[i, 2], letters[i, 3] == 1
        if i > start + 1 and i + 1 < stop and kind == 0 and noise[count, 3] < hand.skip:
            poses[i, 3] = 0.0  # The letter is left out, with its dot.
            continue
        progress = (i - start) / max(1.0, stop - start - 1.0)
        long_word = min(1.0, (stop - start) / 5.0)
        size = (1.0 + 0.8 * hand.swell * noise[count, 3]) * (1.0 - hand.shrink * progress * long_word)
        # Heights vary at random as well, because regular letters would look like a spring.
        height = min(1.1, max(0.12, 1.0 - hand.squash * progress**0.6 * long_word * (1.0 + 0.45 * noise[count, 1])))
        if kind != 0:
            height = 1.0 - 0.3 * hand.squash * progress - 0.9 * hand.slur
            size *= 1.0 - 0.35 * hand.slur
        width = hand.aspect * size * max(0.6, 1.0 + 0.6 * hand.uneven * noise[count, 0])
        _fill_row(poses[i], (x, line_y, size, height, hand.turn * noise[count, 2], width))
        small = i > start and letters[i, 1] == 1 and letters[i - 1, 1] == 1
        # Beside a capital or a digit, only a hasty pen stays down.
        joined = i > start and letters[i, 1] > 0 and letters[i - 1, 1] > 0 and chance[count] < (hand.join if small else 0.7 * hand.merge)
        # A cursive form begins with an upstroke. Without the upstroke's first point, the form's left end is at 1.6.
        cut = 1 if cursive and (joined or not lead_in or i > start) else 0
        left = table.extents[glyph, 0] if cut == 0 else 1.6
        if joined and letters[i - 1, 3] == 1:  # A cursive form ends in the stroke that leads to the next letter.
            poses[i, 0] = nodes[count - 1, 0] - (0.6 + 0.6 * left) * width
        else:
            poses[i, 0] = x - (0.15 * hand.gap if joined else 0.0) - left * width
        first, body = table.allographs[glyph, 0], table.allographs[glyph, 1]
        for stroke in range(first, body):
            if stroke > first and kind != 0 and chance[count] < hand.slur:
                continue
            joins = (joined and stroke == first) or (stroke > first and chance[count + 1] < hand.merge)
            if stroke == first and joined and not cursive:
                count, joins = _join_letter(table, stroke, poses[i], hand, nodes, count)
            cut_here, drop = cut if stroke == first else 0, hand.drop + (hand.slur if kind != 0 else 0.0)
            count = _append_stroke(table, hand, offsets, stroke, cut_here, drop, poses[i], not joins, chance, noise, nodes, count)
        gap = (hand.gap + (1.3 if kind == 1 else 0.7 if kind == 2 else 0.0)) * (1.0 + 1.8 * hand.uneven * noise[count - 1, 2])
        x = poses[i, 0] + table.extents[glyph, 1] * width + max(-1.2, gap)
    if count > 0 and letters[stop - 1, 3] == 1 and poses[stop - 1, 3] != 0.0 and chance[count] < hand.tail:
        count = _add_final_stroke(hand, chance, noise, nodes, count)
    return count, x


@subkernel
def _add_final_stroke(hand: Hand, chance: np.ndarray, noise: np.ndarray, nodes: np.ndarray, count: int) -> int:
    """Add a final stroke to a word: up, down or along the line, longer for hands that add them often. Returns the number of nodes."""
    x, y = nodes[count - 1, 0], nodes[count - 1, 1]
    reach, rise = 3.0 + (4.0 + 14.0 * hand.tail) * chance[count + 1] ** 2, 2.5 * noise[count, 3]
    for k in range(2):
        _fill_row(nodes[count], (x + 0.5 * (k + 1) * reach, y + (k - 0.4) * rise + 0.8 * noise[count, 2], 0.0, 0.0))
        count += 1
    return count


@subkernel
def _join_letter(table: Table, stroke: int, pose: np.ndarray, hand: Hand, nodes: np.ndarray, count: int) -> tuple[int, bool]:
    """Lead the pen in a sagging line to a letter that is not cursive, if the letter is near and not far back.

    Returns the number of nodes, and whether the pen was led there.
    """
    first = table.strokes[stroke]
    x0, y0 = nodes[count - 1, 0], nodes[count - 1, 1]
    x1, y1 = pose[0] + table.points[first, 0] * pose[5], pose[1] + table.points[first, 1] * pose[3]
    length = math.hypot(x1 - x0, y1 - y0)
    if length >= 13.0 + 12.0 * hand.merge or x1 - x0 < -0.35 * length:
        return count, False
    _fill_row(nodes[count], (0.5 * (x0 + x1), 0.5 * (y0 + y1) - min(1.5, 0.18 * length), 0.0, 0.0))
    return count + 1, True


@subkernel
def _add_dots_and_bars(
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
    """Write the dots and bars of a word after its letters; returns the number of nodes.

    A hasty hand leaves out and misplaces some, and does not always lift the pen.
    """
    cut = int(0.0)  # No points of a stroke are left out at its start.
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
            count = _append_stroke(table, hand, offsets, stroke, cut, hand.drop, pose, lift, chance, noise, nodes, count)
    return count


@subkernel
def _append_stroke(
    table: Table,
    hand: Hand,
    offsets: np.ndarray,
    stroke: int,
    cut: int,
    drop: float,
    pose: np.ndarray,
    lift: bool,
    chance: np.ndarray,
    noise: np.ndarray,
    nodes: np.ndarray,
    count: int,
) -> int:
    """Append the nodes of one stroke of a letter, without its first `cut` points, and without about the share `drop` of its inner ones.

    `pose` is the letter's row of poses (see `lay_letters`). Returns the number of nodes.
    """
    first, last = table.strokes[stroke] + cut, table.strokes[stroke + 1] - 1
    first_node = count
    for k in range(first, last + 1):
        if first < k < last and chance[count] < drop and k + 1 < last:
            chance[count] = 1.0  # The next point is kept, so that no stroke loses two in a row.
            continue
        x = (table.points[k, 0] + offsets[k, 0] + hand.jitter * noise[count, 0]) * pose[5]
        y = (table.points[k, 1] + offsets[k, 1] + hand.jitter * noise[count, 1]) * pose[2]
        # The body, from 0 to 10, is flattened by the whole factor of the height; parts above or below it are flattened half as much.
        above, below = max(y - 10.0, 0.0), min(y, 0.0)
        y = (y - above - below) * pose[3] + (above * hand.ascender + below * hand.ascender) * (0.5 + 0.5 * pose[3])
        nodes[count, 0] = pose[0] + x - y * pose[4]
        nodes[count, 1] = pose[1] + y + x * pose[4]
        nodes[count, 2] = table.points[k, 2]
        nodes[count, 3] = 1.0 if lift and count == first_node else 0.0
        count += 1
    return count


@jit
def path_size(nodes: np.ndarray) -> float:
    """An upper bound of the number of points that `sample_path` writes at a step of `STEP`."""
    total = 8.0
    for i in range(1, len(nodes)):
        total += 2.0 + 1.2 * math.hypot(nodes[i, 0] - nodes[i - 1, 0], nodes[i, 1] - nodes[i - 1, 1]) / STEP
    return total


@jit
def sample_path(nodes: np.ndarray, step: float, path: np.ndarray) -> int:
    """Write points about every `step` on a centripetal Catmull-Rom curve through nodes to `path`, and NaN where the pen is lifted.

    At corners and ends, the curve is computed as if it went on straight. Returns the number of points, NaN included.
    """
    count = 0
    for i in range(len(nodes)):
        if nodes[i, 3] == 1.0 and i > 0:
            path[count] = np.nan
            count += 1
        path[count, 0], path[count, 1] = nodes[i, 0], nodes[i, 1]
        count += 1
        if i + 1 == len(nodes) or nodes[i + 1, 3] == 1.0:
            continue
        p1, p2 = nodes[i, :2], nodes[i + 1, :2]
        p0 = nodes[i - 1, :2] if i > 0 and nodes[i, 3] == 0.0 and nodes[i, 2] == 0.0 else 2.0 * p1 - p2
        p3 = nodes[i + 2, :2] if i + 2 < len(nodes) and nodes[i + 2, 3] == 0.0 and nodes[i + 1, 2] == 0.0 else 2.0 * p2 - p1
        pieces = int(1.1 * math.hypot(p2[0] - p1[0], p2[1] - p1[1]) / step) + 1
        for k in range(1, pieces):
            for axis in range(2):
                path[count, axis] = _catmull_rom(p0, p1, p2, p3, k / pieces, axis)
            count += 1
    return count


@subkernel
def _catmull_rom(p0: np.ndarray, p1: np.ndarray, p2: np.ndarray, p3: np.ndarray, t: float, axis: int) -> float:
    """One coordinate, that of `axis`, of a centripetal Catmull-Rom curve at t (0 to 1) between p1 and p2.

    The curve's knots are as far apart as the square roots of the points' distances (a, b and c).
    """
    a = math.sqrt(math.hypot(p1[0] - p0[0], p1[1] - p0[1])) + 1e-9
    b = math.sqrt(math.hypot(p2[0] - p1[0], p2[1] - p1[1])) + 1e-9
    c = math.sqrt(math.hypot(p3[0] - p2[0], p3[1] - p2[1])) + 1e-9
    v0, v1, v2, v3 = p0[axis], p1[axis], p2[axis], p3[axis]
    # Tangents at p1 and p2, times b; between the two points the curve is a cubic Hermite polynomial.
    m1 = (v2 - v1) + b * ((v1 - v0) / a - (v2 - v0) / (a + b))
    m2 = (v2 - v1) + b * ((v3 - v2) / c - (v3 - v1) / (b + c))
    return v1 + t * (m1 + t * (3.0 * (v2 - v1) - 2.0 * m1 - m2 + t * (m1 + m2 - 2.0 * (v2 - v1))))


@jit
def smooth_path(path: np.ndarray, sigma: float, out: np.ndarray) -> None:
    """Smooth every run between lifts by a Gaussian of `sigma` points, and write the path to `out`, NaN where the pen is lifted.

    Runs are continued by reflection through their ends, so the ends stay in place. Runs of at most 3 `sigma` + 1 points shrink a little.
    """
    reach = int(3.0 * sigma) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    weights /= weights.sum()
    start, x_axis, y_axis = int(0.0), int(0.0), int(1.0)  # Not literals, see `lay_letters`.
    while start < len(path):
        stop = start
        while stop < len(path) and not math.isnan(path[stop, 0]):
            stop += 1
        for i in range(start, stop):
            x, y = 0.0, 0.0
            if i - reach >= start and i + reach < stop:
                for k in range(2 * reach + 1):
                    x += weights[k] * path[i + k - reach, 0]
                    y += weights[k] * path[i + k - reach, 1]
            else:
                for k in range(2 * reach + 1):
                    x += weights[k] * _reflected(path, start, stop, i + k - reach, x_axis)
                    y += weights[k] * _reflected(path, start, stop, i + k - reach, y_axis)
            out[i, 0], out[i, 1] = x, y
        if stop < len(path):
            out[stop] = np.nan
        start = stop + 1


@subkernel
def _reflected(path: np.ndarray, start: int, stop: int, i: int, axis: int) -> float:
    """The coordinate, x (0) or y (1), of point i of a run, which is continued beyond its ends by reflection through the end points."""
    if i < start:
        return 2.0 * path[start, axis] - path[min(2 * start - i, stop - 1), axis]
    if i >= stop:
        return 2.0 * path[stop - 1, axis] - path[max(2 * stop - 2 - i, start), axis]
    return path[i, axis]


@jit
def shake_path(path: np.ndarray, knots: np.ndarray, period: float) -> None:
    """Shift the points of a path smoothly by `knots` (m, 2), one every `period` points."""
    for i in range(len(path)):
        k = int(i / period)
        t = i / period - k
        t = t * t * (3.0 - 2.0 * t)
        for axis in range(2):
            path[i, axis] += knots[k, axis] * (1.0 - t) + knots[k + 1, axis] * t


@jit
def press_pen(path: np.ndarray, grip: np.ndarray, unrest: np.ndarray, runs: np.ndarray, width: np.ndarray, density: np.ndarray) -> None:
    """Write the width, in pen diameters, and the density (1 is ordinary) of the line along a path to `width` and `density`.

    Speed follows from curvature; pressure from speed, direction, place in the run and unrest; and width and density from pressure. `grip`
    (5,) holds: how much pressure changes the density and the width, how long the tapering ends of runs are, how far these taper, and the
    share of runs that begin with a blob. `unrest` are normal random numbers, one every 25 points. `runs` (runs, 4) are uniform from 0 to 1
    and decide whether a run begins with a blob, how large the blob is, and over how many points the run's beginning and its end taper. A
    run is the path between two lifts of the pen; at a lift, path, width and density are NaN.
    """
    start, run = int(0.0), 0
    while start < len(path):
        stop = start
        while stop < len(path) and not math.isnan(path[stop, 0]):
            stop += 1
        speed = 0.6
        for i in range(start, stop):
            speed += 0.3 * (_speed_at(path, start, stop, i) - speed)
            a, b = max(i - 2, start), min(i + 2, stop - 1)
            # How far the pen moves downwards, -1 to 1, and the share of the run that it has written.
            down = (path[a, 1] - path[b, 1]) / (math.hypot(path[a, 0] - path[b, 0], path[a, 1] - path[b, 1]) + 1e-9)
            k, part = i // 25, (i - start) / max(1.0, stop - 1.0 - start)
            t = i / 25.0 - k
            pressure = 0.94 - 0.5 * speed + 0.17 * down + 0.8 * part * (1.0 - part) + 0.15 * (unrest[k] * (1.0 - t) + unrest[k + 1] * t)
            width[i] = min(max(1.0 + 0.8 * grip[1] * (pressure - 0.55), 0.4), 1.6)
            density[i] = min(max(1.0 + 0.62 * grip[0] * (pressure - 0.58), 0.25), 1.12)
        _shape_ends(start, stop, grip, runs[run], width, density)
        if stop < len(path):
            width[stop] = density[stop] = np.nan
        start = stop + 1
        run += 1


@subkernel
def _speed_at(path: np.ndarray, start: int, stop: int, i: int) -> float:
    """The pen's speed at point i by the two-thirds power law, about 1 on the curves of letters and lower at the ends of a run.

    Speed along the path is proportional to curvature**(-1/3).
    """
    a, b = max(i - 2, start), min(i + 2, stop - 1)
    ux, uy, vx, vy = path[i, 0] - path[a, 0], path[i, 1] - path[a, 1], path[b, 0] - path[i, 0], path[b, 1] - path[i, 1]
    u, v = math.hypot(ux, uy), math.hypot(vx, vy)
    if u * v == 0.0:
        return 0.5
    turn = abs(math.atan2(ux * vy - uy * vx, ux * vx + uy * vy))
    return (2.0 * turn / (u + v) + 0.25) ** (-1.0 / 3.0) * (0.6 + 0.4 * min(1.0, min(i - start, stop - 1 - i) / 5.0))


@subkernel
def _shape_ends(start: int, stop: int, grip: np.ndarray, chance: np.ndarray, width: np.ndarray, density: np.ndarray) -> None:
    """Shape the ends of a run. They taper if the hand moves when the pen lands or lifts; a pen that rests leaves a blob.

    `grip` (5,) is that of `press_pen`, and `chance` (4,) is the run's row of its `runs`.
    """
    count, taper, taper_depth = stop - start, grip[2], grip[3]
    # `landing` and `leaving` are the numbers of points over which the beginning and the end taper.
    blob = chance[0] < grip[4]
    longest = min(0.33 * count, min(26.0, 6.0 + 0.04 * count))
    landing = 0.0 if blob else 0.7 * longest * taper * chance[2]
    # If the hand stops before it lifts the pen, the end is blunt.
    leaving = 0.0 if chance[3] < 0.1 + 0.4 * (1.0 - taper) else longest * (0.35 + 0.65 * taper * chance[3])
    for k in range(math.ceil(max(landing, leaving))):
        for at, ramp in ((start + k, landing), (stop - 1 - k, leaving)):
            if k < ramp:
                lifted = (1.0 - k / ramp) * math.sqrt(1.0 - k / ramp)
                width[at] *= 1.0 - 0.88 * taper_depth * lifted
                density[at] *= 1.0 - 0.55 * taper_depth * lifted
    if blob:
        for k in range(min(4, count)):
            width[start + k] = max(width[start + k], 1.0 + 0.4 * chance[1] * (1.0 - k / 4.0))
            density[start + k] = 1.15
