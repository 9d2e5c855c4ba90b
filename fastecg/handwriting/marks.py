"""Pen marks: circles, arrows, underlines, calipers, ticks, crossings-out, highlighter, signatures.

Points are in mm of the page (y down). Marks are drawn by the same model of a moving hand as letters, so they are as unsteady and taper
in the same way.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from fastecg.handwriting.ink import Ink, join_inks
from fastecg.handwriting.motor import inked, write
from fastecg.handwriting.writer import Writer, WritingPen

_UNIT_MM = 0.2  # Unit of a mark's coordinates in the model of the hand.
_LETTERS = "abcdefghiklmnoprstuvwyz"  # Letters of made-up signatures.
# sRGB colours of highlighters.
_HIGHLIGHTERS = ((255, 243, 92), (255, 246, 110), (160, 246, 130), (255, 170, 205), (255, 205, 110))


def draw_line(points_mm: np.ndarray, writer: Writer, rng: np.random.Generator, kind: str, words: str = "", smooth: float = 1.2) -> Ink:
    """A pen line through points (n, 2); a row of NaN lifts the pen. `smooth` is the standard deviation of the smoothing in `_UNIT_MM`."""
    up = np.isnan(points_mm[:, 0])
    nodes = np.zeros((int((~up).sum()), 4))
    nodes[:, :2] = points_mm[~up] * np.array([1.0, -1.0]) / _UNIT_MM
    # A stroke begins at every point after a row of NaN. The first point begins one without being marked.
    nodes[1:, 3] = up[:-1][~up[1:]]
    hand = writer.hand._replace(lowpass=smooth, tremor=0.8 * writer.hand.tremor, wander=0.4 * writer.hand.wander)
    return inked(nodes, hand, writer.pen, _UNIT_MM, rng, kind, words)


def circle(centre: tuple[float, float], radii: tuple[float, float], writer: Writer, rng: np.random.Generator) -> Ink:
    """A hand-drawn circle: an uneven oval that goes round 0.96 to 1.35 times, and ends inside or outside of its start."""
    t = np.linspace(0.0, 1.0, 34)
    turns, phase = rng.uniform(0.96, 1.35), rng.uniform(0, 2 * math.pi, 3)
    angle = rng.uniform(-2.8, -0.4) + (1 if rng.random() < 0.25 else -1) * 2 * math.pi * turns * t
    uneven = rng.normal(0, (0.09, 0.05, 0.025))
    # `growth`, a factor on the radii, swings two to four times a turn, grows or shrinks along the way, and leaves the oval at the end.
    swing = sum(uneven[k] * np.cos((k + 2) * angle + phase[k]) for k in range(3))
    leaving = rng.normal(0.1, 0.15) * np.maximum((t - 0.84) / 0.16, 0.0) ** 2
    growth = np.clip(1.0 + rng.normal(0.06, 0.1) * (t - 0.33) + swing + leaving, 0.7, 1.4)
    x, y = radii[0] * growth * np.cos(angle), radii[1] * growth * np.sin(angle)
    tilt = rng.normal(0.0, 0.2)
    points = np.stack([x * math.cos(tilt) - y * math.sin(tilt), x * math.sin(tilt) + y * math.cos(tilt)], axis=1)
    return draw_line(points + np.array(centre), writer, rng, "circle")


def arrow(tail: tuple[float, float], tip: tuple[float, float], writer: Writer, rng: np.random.Generator) -> Ink:
    """An arrow: a curved shaft with a head that is drawn in one stroke or in two."""
    start, end = np.array(tail), np.array(tip)
    along = end - start
    length = float(np.hypot(*along)) or 1.0
    side = np.array([-along[1], along[0]]) / length
    bow, twist = rng.normal(0.0, (0.1, 0.04)) * length
    # The shaft is a parabola with an S-shaped twist. Each barb points back from the tip, to either side of the shaft's last direction.
    shaft = np.stack([start + t * along + (4 * t * (1 - t) * bow + math.sin(2 * math.pi * t) * twist) * side for t in np.linspace(0, 1, 7)])
    leaving = shaft[-1] - shaft[-2]
    heading = math.atan2(leaving[1], leaving[0])
    barb = min(0.35 * length, rng.uniform(1.8, 3.2))
    barbs = [
        end - barb * long * np.array([math.cos(heading + turn), math.sin(heading + turn)])
        for turn, long in zip(rng.uniform(0.25, 0.8, 2) * (1, -1), rng.uniform(0.7, 1.25, 2), strict=True)
    ]
    lift = np.full((1, 2), np.nan)
    head = (
        [barbs[0][None], end[None], barbs[1][None]] if rng.random() < 0.5 else [barbs[0][None], end[None], lift, end[None], barbs[1][None]]
    )
    return draw_line(np.concatenate([shaft, lift, *head]), writer, rng, "arrow", smooth=0.7)


def underline(x0: float, x1: float, y: float, writer: Writer, rng: np.random.Generator, lines: int = 1) -> Ink:
    """One or two lines from `x0` to `x1`, the upper one at `y`, mm, not quite level and of different lengths."""
    parts = []
    for k in range(lines):
        # Each line has four points. The second line is 1.1 mm below the first, and a little shorter on average.
        a, b = x0 + rng.normal(0, 0.8) + 0.6 * k, x1 + rng.normal(0, 1.5) - 1.2 * k
        sag = rng.normal(0, 0.25, 4) + np.linspace(0, rng.normal(-0.4, 0.5), 4)
        parts += [np.stack([np.linspace(a, max(b, a + 3), 4), y + 1.1 * k + sag], axis=1), np.full((1, 2), np.nan)]
    if lines == 2 and rng.random() < 0.4:  # The second line is drawn without lifting the pen.
        parts = [parts[0], parts[2][::-1], parts[1]]
    return draw_line(np.concatenate(parts[:-1]), writer, rng, "underline")


def bracket(x0: float, x1: float, y: float, writer: Writer, rng: np.random.Generator) -> Ink:
    """A bracket from `x0` to `x1` mm at `y` mm, whose ends point down."""
    drop = rng.uniform(1.6, 3.0) * np.array([1.0, rng.uniform(0.8, 1.2)])
    points = np.array(
        [[x0, y + drop[0]], [x0 + 0.2, y], [0.5 * (x0 + x1), y + rng.normal(0, 0.3)], [x1, y + rng.normal(0, 0.3)], [x1, y + drop[1]]]
    )
    return draw_line(points, writer, rng, "bracket", smooth=0.8)


def caliper(beats_x: np.ndarray, y: float, words: str, writer: Writer, rng: np.random.Generator) -> Ink:
    """Upright strokes at beats, `beats_x` (n,) mm, joined by a line at `y` mm, over which `words` are written if there are any."""
    parts = []
    for x in beats_x:
        lean, (up, down) = rng.normal(0, 0.35), rng.uniform(1.2, 3.4, 2)
        parts += [np.array([[x - lean, y - up], [x + rng.normal(0, 0.12), y], [x + lean, y + down]]), np.full((1, 2), np.nan)]
    share = np.linspace(0.0, 1.0, 5)
    (start, end), (drop_start, drop_end) = beats_x[[0, -1]] + rng.normal(0, 0.5, 2), rng.normal(0, 0.5, 2)
    span = np.stack([start + share * (end - start), y + drop_start + share * (drop_end - drop_start) + rng.normal(0, 0.22, 5)], axis=1)
    lines = draw_line(np.concatenate([*parts, span]), writer, rng, "caliper", words, smooth=0.6)
    if not words:
        return lines
    label = write(words, writer.sized(0.85), rng)
    left, _, right, bottom = label.extent_mm
    return join_inks("caliper", words, [lines, label.moved(float(beats_x.mean()) - 0.5 * (left + right), y - 1.0 - bottom)])


def counts(beats_x: np.ndarray, tops_y: np.ndarray, writer: Writer, rng: np.random.Generator, dots: bool) -> Ink:
    """Numbers from 1 on, or dots, over beats at (`beats_x`, `tops_y`), each (n,) mm."""
    small = writer.sized(0.8)
    inks = []
    for k, (x, y) in enumerate(zip(beats_x, tops_y, strict=True)):
        foot = x + rng.normal(-0.7, 0.4), y - 2.0 + rng.normal(0, 0.4)
        if dots:
            inks.append(draw_line(np.array([foot, (foot[0] + 0.3, foot[1] + 0.25)]), writer, rng, "count"))
        else:
            inks.append(write(str(k + 1), small, rng).moved(*foot))
    words = "" if dots else " ".join(str(k + 1) for k in range(len(inks)))
    return join_inks("count", words, inks)


def crossing_out(box: tuple[float, float, float, float], writer: Writer, rng: np.random.Generator) -> Ink:
    """One or two lines through words in a box (x0, y0, x1, y1) mm, or a scribble over them."""
    x0, y0, x1, y1 = box
    middle, half = 0.5 * (y0 + y1), 0.5 * (y1 - y0)
    # A scribble, in 35 % of cases, goes up and down once every 2.2 mm, at least four times.
    if rng.random() < 0.35:
        turns = max(4, int((x1 - x0) / 2.2))
        x = np.linspace(x0 - 0.5, x1 + 0.5, 2 * turns) + rng.normal(0, 0.5, 2 * turns)
        y = middle + half * 0.8 * np.where(np.arange(2 * turns) % 2, 1, -1) * rng.uniform(0.5, 1.2, 2 * turns)
        return draw_line(np.stack([x, y], axis=1), writer, rng, "crossing_out")
    return replace(underline(x0 - 0.5, x1 + 0.5, middle - rng.uniform(0, 0.5), writer, rng, 1 + (rng.random() < 0.4)), kind="crossing_out")


def tick(foot: tuple[float, float], size_mm: float, writer: Writer, rng: np.random.Generator) -> Ink:
    """A check mark about `size_mm` high, written on a baseline that begins at `foot`, (x, y) mm."""
    sized = replace(writer, x_height_mm=0.7 * size_mm)
    return replace(write("✓", sized, rng, "tick"), words="✓").moved(*foot)


def signature(writer: Writer, rng: np.random.Generator, initials: bool = False) -> Ink:
    """Random letters in hasty handwriting, so that a signature is nobody's name; or `initials`, which are two capitals."""
    hasty = writer.hand._replace(
        lowpass=rng.uniform(1.5, 2.6), squash=rng.uniform(0.45, 0.8), drop=0.2, merge=0.8, join=1.0, gap=0.6, aspect=rng.uniform(1.0, 1.5),
        slur=0.0, drift=3.0, taper=0.9, skip=-1.2, ascender=rng.uniform(0.9, 1.9),
    )  # fmt: skip
    signing = replace(
        writer, hand=hasty, capitals=False, cursive=0.97, slant=writer.slant + 0.12, slope=writer.slope + rng.uniform(0.0, 0.14),
        x_height_mm=writer.x_height_mm * rng.uniform(0.9, 1.4),
    )  # fmt: skip
    letters = "".join(rng.choice(list(_LETTERS), 14))
    if initials:
        return replace(write(letters[:2].upper(), signing, rng, "initials"), words="")
    # A capital, a small letter or a space, another capital, and three to seven small letters.
    words = letters[0].upper() + (" " if rng.random() < 0.4 else letters[11]) + letters[1].upper() + letters[2 : int(rng.integers(5, 10))]
    written = write(words, signing, rng, "signature")
    return replace(_with_flourish(written, signing, rng), words="")


def _with_flourish(written: Ink, writer: Writer, rng: np.random.Generator) -> Ink:
    """A signature, mostly with a final sweep: out of the last letter, as a line below the letters, or as a loop to the left and back."""
    x0, y0, x1, y1 = written.extent_mm
    how, reach = rng.random(), rng.uniform(10.0, 28.0)
    bottom = y1 - rng.uniform(0.0, 0.15) * (y1 - y0)
    if how < 0.22:
        return written
    moving = replace(writer, pen=writer.pen._replace(blob=0.0))  # The pen is already moving.
    if how < 0.55:
        end, rise = written.points_mm[-1], rng.normal(-0.12, 0.2) * reach
        bow = rng.normal(0.0, 0.1) * reach
        t = np.array([0.0, 0.2, 0.55, 1.0])
        points = end + np.stack([t * reach, t * rise + 4.0 * t * (1.0 - t) * bow], axis=1)
        line = draw_line(points, moving, rng, "signature", smooth=4.0)
    elif how < 0.75:
        line = underline(x0 + 0.15 * (x1 - x0), max(x1 + 2.0, x0 + reach), bottom + 0.6, moving, rng)
    else:
        points = np.array(
            [
                [x1, 0.5 * (y0 + y1)],
                [x1 + 4, bottom - 2],
                [x1, bottom + 1],
                [x1 - reach, bottom + 1],
                [x1 - 0.6 * reach, bottom + 2],
                [x1 + 9, bottom],
            ]
        )
        line = draw_line(points + rng.normal(0.0, 0.9, points.shape), moving, rng, "signature", smooth=rng.uniform(4.0, 9.0))
    return join_inks("signature", "", [written, line])


def highlighter(box: tuple[float, float, float, float], rng: np.random.Generator, writer: Writer) -> Ink:
    """A broad stroke over a box (x0, y0, x1, y1) mm, or several if the box is at least 1.3 times as high as the pen is broad."""
    x0, y0, x1, y1 = box
    broad = float(np.clip(1.25 * (y1 - y0), 3.0, 5.0))
    colour = _HIGHLIGHTERS[int(rng.choice(5, p=(0.4, 0.25, 0.12, 0.13, 0.1)))]
    # After the diameter, the fields of `WritingPen` are tooth, blob, dark, press, give and point.
    pen = WritingPen("highlighter", colour, broad, 0.12, 0.0, float(rng.uniform(0.8, 0.97)), 0.12, 0.12, 0.0)
    strokes = max(1, round((y1 - y0) / (0.85 * broad)))
    still = writer.hand._replace(taper=0.0, tremor=0.03, wander=0.3)
    parts = []
    for k in range(strokes):
        y = y0 + (k + 0.5) * (y1 - y0) / strokes + rng.normal(0, 0.25)
        ends = np.array([[x0 - rng.uniform(0, 1.5), y], [x1 + rng.uniform(0, 2.0), y + rng.normal(0, 0.5)]])
        parts += [ends, np.full((1, 2), np.nan)]
    ink = draw_line(np.concatenate(parts[:-1]), replace(writer, hand=still, pen=pen), rng, "highlighter")
    return thinned(ink, 6)


def thinned(ink: Ink, keep: int) -> Ink:
    """The ink with only every `keep`-th point and the ends of its strokes, which is enough for a broad pen."""
    up = np.isnan(ink.points_mm[:, 0])
    ends = up | np.roll(up, 1) | np.roll(up, -1)
    ends[[0, -1]] = True
    chosen = ends | (np.arange(len(up)) % keep == 0)
    return replace(ink, points_mm=ink.points_mm[chosen], width_mm=ink.width_mm[chosen], density=ink.density[chosen])
