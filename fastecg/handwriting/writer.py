"""`Writer`: a person's handwriting, sampled once. Everything that makes two notes look as if one person wrote them is in here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fastecg.handwriting.glyphs import forms, glyph_table

RGB = tuple[int, int, int]


class Hand(NamedTuple):
    """How a hand moves. Lengths are in tenths of the x-height, shares from 0 to 1."""

    aspect: float  # factor on the width of letters
    ascender: float  # factor on the height of parts that rise above, or hang below, the small letters
    gap: float  # distance between letters
    uneven: float  # variation of the gaps and of the letters' widths
    word_gap: float  # distance between words
    join: float  # share of neighbouring letters that are joined, of those that can be
    squash: float  # how much letters flatten towards a word's end
    shrink: float  # how much smaller a word's last letter is than its first
    tail: float  # share of words in joined letters whose last stroke is drawn out
    skip: float  # a letter inside a word is left out if a normal deviate is below this
    drop: float  # share of a stroke's inner points that the pen leaves out, which cuts the stroke's bends short
    merge: float  # share of the lifts within a word at which the pen stays on the paper
    slur: float  # share of the strokes of capitals, digits and signs that are left out, and how flat and poor in points the others are
    drift: float  # how far dots and bars, which are written last, are from their places
    jitter: float  # random deviation of every point each time that it is written
    turn: float  # rotation of every letter, rad
    swell: float  # variation of the letters' sizes
    lowpass: float  # standard deviation of the smoothing along the stroke
    tremor: float  # fast unsteadiness of the pen
    wander: float  # slow unsteadiness of the pen's height
    wave: float  # height of the waves of the baseline
    taper: float  # how fast the pen moves when it lands and lifts, 0 to 1


class WritingPen(NamedTuple):
    """A pen, and how it writes."""

    name: str
    colour: RGB
    diameter_mm: float
    tooth: float  # how much the paper's roughness (its tooth) breaks the line, 0 to 1
    blob: float  # share of strokes that start with a blob
    dark: float  # density of the ink at ordinary pressure
    press: float  # how much pressure changes density
    give: float  # how much pressure changes width
    point: float  # how far strokes taper if the pen lands and lifts in motion; 1 is to a point


@dataclass(frozen=True)
class Writer:
    """The handwriting of a person: how the hand moves, the pen that it holds, and the forms of its letters.

    Attributes
    ----------
    seed : int
        Decides the usual forms of letters, and their quirks.
    legibility : float
        From 0 (a scrawl) to 1 (neat print).
    x_height_mm : float
        Height of small letters.
    slant : float
        Tangent of the slant of upright strokes.
    slope : float
        Angle in radians by which lines rise.
    cursive : float
        Share of letters in joined forms.
    capitals : bool
        Whether everything is written in capitals.
    lead_in : bool
        Whether the first letter of a joined word begins with an upstroke.
    hand : Hand
    pen : WritingPen
    """

    seed: int
    legibility: float
    x_height_mm: float
    slant: float
    slope: float
    cursive: float
    capitals: bool
    lead_in: bool
    hand: Hand
    pen: WritingPen

    def sized(self, factor: float) -> Writer:
        """The same handwriting, larger or smaller by a factor."""
        return replace(self, x_height_mm=self.x_height_mm * factor)


#: sRGB colours of every kind of pen, with the share of each. `sample_pen` shifts them a little, since no two blue pens are alike.
_COLOURS: dict[str, dict[str, tuple[RGB, float]]] = {
    "ballpoint": {
        "blue": ((26, 38, 128), 0.48), "blue-black": ((30, 34, 76), 0.27), "black": ((30, 29, 36), 0.2),
        "red": ((176, 24, 34), 0.04), "green": ((12, 96, 62), 0.01),
    },
    "gel": {
        "blue": ((18, 34, 138), 0.3), "blue-black": ((22, 26, 66), 0.22), "black": ((14, 14, 18), 0.42), "red": ((196, 14, 34), 0.06),
    },
    "felt": {
        "blue": ((28, 48, 150), 0.22), "blue-black": ((30, 34, 74), 0.1), "black": ((22, 20, 24), 0.48), "red": ((206, 22, 38), 0.16),
        "green": ((16, 118, 70), 0.04),
    },
    "pencil": {"grey": ((84, 84, 90), 1.0)},
}  # fmt: skip
#: Range of diameters in mm, then tooth, blob, dark, press, give and point. A gel pen is even, a ballpoint varies with pressure, a felt pen
#: is blunt, and a pencil grainy.
_PENS = {
    "ballpoint": ((0.30, 0.50), 0.42, 0.22, 0.94, 1.25, 0.85, 0.95),
    "gel": ((0.36, 0.56), 0.06, 0.12, 0.96, 0.35, 0.5, 0.8),
    "felt": ((0.58, 0.88), 0.12, 0.35, 0.90, 0.3, 0.35, 0.3),
    "pencil": ((0.34, 0.60), 0.95, 0.0, 0.76, 1.35, 0.7, 0.85),
}
PENS = tuple(_PENS)
COLOURS = ("black", "blue", "blue-black", "red", "green", "grey")
_PEN_SHARES = (0.74, 0.15, 0.07, 0.04)  # Probabilities of the kinds of pens, in the order of `PENS`.

_QUIRK = 0.42  # Standard deviation of the offset that a hand gives every point of the alphabet, in tenths of the x-height.
_ODD = 0.08  # Share of letters whose form is sampled, and so may not be the hand's usual one.


def sample_pen(rng: np.random.Generator, name: str = "", colour: str = "") -> WritingPen:
    """A pen of the kind `name` and of a `colour`, both of which are sampled unless given.

    A colour that this kind of pen lacks is taken from another kind. If no kind has it, the colour is sampled.
    """
    sampled = str(rng.choice(PENS, p=_PEN_SHARES))
    name = name or sampled
    colours = _COLOURS[name]
    weights = np.array([share for _, share in colours.values()])
    sampled_colour = str(rng.choice(list(colours), p=weights / weights.sum()))
    base = colours[colour][0] if colour in colours else _any_colour(colour) or colours[sampled_colour][0]
    shifted = np.clip(np.array(base) + rng.normal(0, 6) + rng.normal(0, 2.5, 3), 0, 235)
    (low, high), tooth, blob, dark, press, give, point = _PENS[name]
    return WritingPen(
        name=name,
        colour=(int(shifted[0]), int(shifted[1]), int(shifted[2])),
        diameter_mm=float(rng.uniform(low, high)),
        tooth=float(tooth * rng.uniform(0.6, 1.3)),
        blob=blob,
        dark=float(min(1.0, dark * rng.uniform(0.92, 1.06))),
        press=float(press * rng.uniform(0.75, 1.25)),
        give=float(give * rng.uniform(0.75, 1.25)),
        point=point,
    )


def _any_colour(colour: str) -> RGB | None:
    """The colour of a name from the first kind of pen that has it; None if none has."""
    return next((colours[colour][0] for colours in _COLOURS.values() if colour in colours), None)


def sample_writer(rng: np.random.Generator, legibility: float = 0.6, pen: WritingPen | None = None) -> Writer:
    """A random writer.

    Parameters
    ----------
    rng : numpy.random.Generator
    legibility : float
        1 is neat print, 0 a scrawl that even its writer could not read the next day.
    pen : WritingPen, optional
        Sampled unless given.
    """
    haste = 1.0 - float(np.clip(legibility, 0.0, 1.0))
    scrawl = max(0.0, haste - 0.45) / 0.55  # 0 to 1: from a haste of 0.45 on, even capitals and digits get less legible.
    u = rng.random(20)
    cursive = _cursive_share(u[0], haste)
    capitals = bool(u[1] < 0.22 and haste < 0.6)
    hand = Hand(
        aspect=(0.78 + 0.34 * u[2]) * (1.0 + 0.5 * haste) * (1.0 - 0.2 * scrawl),
        ascender=0.72 + 0.32 * u[3] + 0.25 * haste * (u[4] - 0.4),
        gap=(1.6 + 2.2 * u[5]) * (1.0 - 0.3 * haste) * (1.0 - 0.5 * scrawl),
        uneven=0.08 + 0.14 * u[3] + 0.2 * haste,
        word_gap=7.0 + 4.5 * u[6] + 2.0 * haste,
        join=float(np.clip(0.05 + 0.3 * u[7] + 1.1 * haste, 0.0, 1.0)) if cursive < 0.5 else 0.9 + 0.1 * haste,
        squash=0.05 + 0.22 * u[8] + 0.52 * haste**1.5 + 0.12 * scrawl,
        shrink=0.04 + 0.14 * u[13] + 0.2 * haste,
        tail=0.15 + 0.6 * haste,
        skip=-9.0 + 8.3 * haste**0.3 + 0.3 * scrawl if haste > 0.45 else -9.0,
        drop=0.02 * u[9] + 0.30 * haste**2,
        merge=0.05 * u[10] + 0.75 * haste**1.5 + 0.2 * scrawl,
        slur=0.55 * scrawl**1.5,
        drift=0.3 + 1.2 * u[11] + 5.0 * haste**2,
        jitter=0.16 + 0.2 * u[12] + 0.6 * haste,
        turn=0.015 + 0.02 * u[13] + 0.03 * haste,
        swell=0.03 + 0.05 * u[14] + 0.08 * haste,
        lowpass=0.30 + 0.28 * u[15] + 2.1 * haste**1.8 + 0.9 * scrawl**2,
        tremor=0.05 + 0.10 * u[16],
        wander=0.25 + 0.5 * u[17] + 0.5 * haste,
        wave=0.3 + 0.9 * u[4] + 1.1 * haste,
        taper=min(1.0, 0.3 + 0.3 * u[18] + 0.55 * haste),
    )
    pen = pen or sample_pen(rng)
    return Writer(
        seed=int(rng.integers(2**31)),
        legibility=1.0 - haste,
        # Nobody writes small with a thick pen.
        x_height_mm=max(
            float(rng.lognormal(math.log(2.9), 0.25)) * (1.0 + 0.2 * haste + 0.1 * scrawl) * (0.75 if capitals else 1.0),
            4.2 * pen.diameter_mm,
        ),
        slant=float(rng.uniform(-0.07, 0.34) + 0.14 * haste),
        slope=float(rng.normal(0.0, 0.028) + 0.05 * haste * u[19]),
        cursive=cursive,
        capitals=capitals,
        lead_in=bool(rng.random() < 0.4),
        hand=hand,
        pen=pen,
    )


def _cursive_share(u: float, haste: float) -> float:
    """The share of letters in joined forms: mostly 0 for neat hands, 0.97 for hasty ones, and 0.4 for a fifth; `u` is uniform, 0 to 1."""
    printed, mixed = 0.75 - 0.65 * haste, 0.92 - 0.6 * haste
    return 0.0 if u < printed else 0.4 if u < mixed else 0.97


@lru_cache(maxsize=16)  # a page has one hand, or a few
def quirks(writer: Writer) -> np.ndarray:
    """The offsets (p, 2), in tenths of the x-height, that a writer always gives the p points of the alphabet."""
    rng = np.random.default_rng([writer.seed, 1])
    return rng.normal(0.0, _QUIRK, glyph_table().points[:, :2].shape)


@lru_cache(maxsize=16)
def usual_forms(writer: Writer) -> dict[str, tuple[int, tuple[int, ...]]]:
    """For every character, the index of the writer's usual allograph, and those of all allographs that are printed or cursive like it."""
    rng = np.random.default_rng([writer.seed, 2])
    chosen = {}
    for character, (printed, cursive) in forms().items():
        u, v = rng.random(2)
        among = cursive if cursive and u < writer.cursive else printed
        chosen[character] = (among[int(v * len(among))], tuple(among))
    return chosen


def pick_forms(words: str, writer: Writer, rng: np.random.Generator) -> np.ndarray:
    """Indices (n,) of an allograph for every character of words in the alphabet: -1 for a space, -2 for a new line."""
    # A share `_ODD` of the letters has any form of the same kind, which may be the usual one.
    usual, odd = usual_forms(writer), rng.random((max(len(words), 1), 2))
    picked = np.empty(len(words), dtype=np.int64)
    for k, character in enumerate(words):
        if character in " \n":
            picked[k] = -1 - (character == "\n")
        else:
            allograph, others = usual[character]
            picked[k] = others[int(odd[k, 1] * len(others))] if odd[k, 0] < _ODD else allograph
    return picked
