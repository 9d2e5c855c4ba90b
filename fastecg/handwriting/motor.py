"""The moving hand: from allographs to pen strokes with pressure.

Letters are placed on a line and joined, and a smooth curve is drawn through their points. The hand's inertia is a low-pass filter along
that curve, which rounds corners, shortens loops and merges joins; this turns letters into handwriting. Speed follows the two-thirds power
law (slow in curves). Pressure falls with speed, and is larger in downward strokes and in the middle of a stroke; width and density of the
line follow pressure. The pen is mostly in motion when it lands or lifts, so strokes taper; if it is at rest, they end blunt.

The unit of lengths is a tenth of the x-height.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.handwriting.glyphs import forms, glyph_table, spelled
from fastecg.handwriting.ink import Ink
from fastecg.handwriting.writer import Hand, Writer, WritingPen, pick_forms, quirks
from fastecg.kernels.hand import STEP, lay_letters, path_size, press_pen, sample_path, shake_path, smooth_path

_WAVE = 34.0  # Distance between the knots of a baseline's waves, in units.
_LONGEST = 40  # Largest number of nodes of a letter, joins included.


def write(words: str, writer: Writer, rng: np.random.Generator, kind: str = "handwriting") -> Ink:
    """Write words with a pen.

    Parameters
    ----------
    words : str
        Line breaks start a new line. Characters that the alphabet lacks are left out.
    writer : Writer
    rng : numpy.random.Generator
        For the variation of every letter.
    kind : str
        Kind of the ink, see `Ink`.

    Returns
    -------
    Ink
        The first line's baseline starts at about (0, 0) mm.
    """
    drawn = spelled(words.upper() if writer.capitals else words)
    nodes = _letter_nodes(drawn, writer, rng)
    _add_waves(nodes, writer.hand.wave, rng)
    return inked(nodes, writer.hand, writer.pen, writer.x_height_mm / 10.0, rng, kind, drawn, writer.slant, writer.slope)


def inked(
    nodes: np.ndarray,
    hand: Hand,
    pen: WritingPen,
    unit_mm: float,
    rng: np.random.Generator,
    kind: str,
    words: str,
    slant: float = 0.0,
    slope: float = 0.0,
) -> Ink:
    """The ink of a pen that a hand moves through nodes.

    Parameters
    ----------
    nodes : ndarray, shape (n, 4)
        x and y (up) in units, whether the node is a sharp corner, and whether a stroke begins there.
    hand : Hand
    pen : WritingPen
    unit_mm : float
        Length of a unit, mm.
    rng : numpy.random.Generator
    kind, words : str
        As for `Ink`.
    slant, slope : float
        Tangent of the slant of upright strokes, and angle in radians by which lines rise.
    """
    path = np.empty((int(path_size(nodes)) + len(nodes) + 8, 2))
    count = sample_path(nodes, STEP, path)
    path = path[:count]
    smooth = np.empty_like(path)
    smooth_path(path, hand.lowpass / STEP, smooth)
    # Tremor has a random offset every 7 points (3 units). Wander has one every 60 points (27 units), and changes the height only.
    shake_path(smooth, rng.standard_normal((count // 7 + 2, 2)) * hand.tremor, 7.0)
    shake_path(smooth, rng.standard_normal((count // 60 + 2, 2)) * np.array([0.0, hand.wander]), 60.0)
    width, density = np.empty(count), np.empty(count)
    # A run is the path between two lifts of the pen. `grip` and the random numbers are as `press_pen` takes them.
    runs = rng.random((int(np.isnan(smooth[:, 0]).sum()) + 1, 4))
    grip = np.array([pen.press, pen.give, hand.taper, pen.point, pen.blob])
    press_pen(smooth, grip, rng.standard_normal(count // 25 + 2), runs, width, density)
    # Points are slanted and turned by the slope, and y points down from here on.
    x, y = smooth[:, 0] + slant * smooth[:, 1], smooth[:, 1]
    points = np.stack([x * math.cos(slope) - y * math.sin(slope), -(y * math.cos(slope) + x * math.sin(slope))], axis=1) * unit_mm
    return Ink(kind, words, points, width * pen.diameter_mm, np.minimum(density * pen.dark, 1.0), pen)


def _add_waves(nodes: np.ndarray, size: float, rng: np.random.Generator) -> None:
    """Add slow random waves, some `size` units high, to the baselines, in place; a line need not end at the height at which it begins."""
    if not len(nodes):
        return
    knots = rng.standard_normal(int(max(nodes[:, 0].max(), 0.0) / _WAVE) + 3)
    # The knots themselves make waves; their running sum lets a line rise or fall on the whole.
    positions = np.clip(nodes[:, 0] / _WAVE, 0.0, len(knots) - 1.0)
    nodes[:, 1] += size * np.interp(positions, np.arange(len(knots)), 0.8 * knots + 0.35 * np.cumsum(knots[::-1]))


def _letter_nodes(words: str, writer: Writer, rng: np.random.Generator) -> np.ndarray:
    """The nodes (n, 4) of all letters of words, placed on lines and joined."""
    # The columns are those of `lay_letters`: which form; whether it is a small letter (1), a capital or digit (2) or a sign (0), because
    # signs are not joined; its class, which is 0 for small letters, 1 for digits and signs and 2 for capitals; whether it is cursive.
    letters = np.empty((len(words), 4), dtype=np.int64)
    letters[:, 0] = pick_forms(words, writer, rng)
    letters[:, 1] = [2 * character.isalnum() - character.islower() for character in words]
    letters[:, 2] = [2 if character.isupper() else 0 if character.islower() else 1 for character in words]
    letters[:, 3] = letters[:, 0] >= first_cursive()
    nodes = np.empty((_LONGEST * max(1, len(words)), 4))
    count = lay_letters(
        glyph_table(),
        writer.hand,
        quirks(writer),
        letters,
        bool(writer.lead_in),
        rng.random(len(nodes)),
        rng.standard_normal(nodes.shape),
        nodes,
    )
    return nodes[:count]


def first_cursive() -> int:
    """Index of the first cursive allograph; the cursive ones come after all printed ones."""
    return min(cursive.start for _, cursive in forms().values() if cursive)
