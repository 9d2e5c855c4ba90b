"""Halftone screens of printers: pale tones are printed as dots of full ink, and solid ink is not changed."""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit

TABLE = 256  # Number of entries, for one period, of the table of cosines.
_TURN = 65536  # One period of the screen as an integer phase.


def screen(
    pixels: np.ndarray,
    solid: np.ndarray,
    paper: tuple[int, int, int],
    pitch_px: float,
    angle: float,
    *,
    growth: float,
    softness: float,
    grey: float,
    strength: float,
) -> None:
    """Replace pale tones of (height, width, 3) uint8 by dots, in place.

    Parameters
    ----------
    pixels : ndarray
    solid : (height, width) uint8
        Where it is above 0, ink is printed without a screen, so that edges of black lines and letters stay sharp. Pixels nearly of
        the paper's colour and nearly solid ones are not changed either.
    paper : tuple of int
        Colour without ink.
    pitch_px, angle : float
        Distance of the screen's lines in px, and their angle in radians.
    growth : float
        Share by which the dots' area is larger than the tone asks for.
    softness : float
        Width of a dot's edge, in units of the screen's values, which are -1 to 1.
    grey : float
        Share of the ink's colour that is replaced by a grey of the same mean.
    strength : float
        Share of the picture with dots in the result, below 1 for dots finer than pixels. The rest is the picture without dots.
    """
    steps = np.rint(np.array([math.cos(angle), math.sin(angle)]) * _TURN / pitch_px).astype(np.int64)
    wave = np.cos(2.0 * np.pi * np.arange(TABLE) / TABLE).astype(np.float32)
    factors = np.array([1.0 / softness, grey, strength], np.float32)
    _screen(pixels, solid, np.array(paper, np.float32), steps, wave, _limits(wave, growth), factors)


def _limits(wave: np.ndarray, growth: float) -> np.ndarray:
    """For tones 0 to 255, the value (256,) float32 of the screen above which a pixel has ink: quantiles of the screen's values.

    The screen's value at a place is the product of two waves, with `wave` (n,) over a period, at right angles.
    """
    values = np.sort((wave[:, None] * wave[None, :]).ravel())
    share = np.minimum(np.arange(256) / 255.0 * (1.0 + growth), 1.0)
    return values[np.rint((1.0 - share) * (len(values) - 1)).astype(int)].astype(np.float32)


@jit
def _screen(pixels, solid, paper, steps, wave, limits, factors):
    """The loops of `screen`. `steps` (2,) are the cosine and the sine of the angle times the screen's phase per px.

    `factors` (3,) are 1 / softness, grey and strength.
    """
    steepness, grey, strength = factors
    height, width = pixels.shape[:2]
    for y in range(height):
        for x in range(width):
            red, green, blue = paper[0] - pixels[y, x, 0], paper[1] - pixels[y, x, 1], paper[2] - pixels[y, x, 2]
            tone = max(red, max(green, blue))
            if tone < np.float32(3.0) or tone > np.float32(235.0) or solid[y, x]:
                continue  # Pixels nearly of the paper's colour and nearly solid ones stay as they are.
            u, v = (steps[0] * x - steps[1] * y) & 65535, (steps[1] * x + steps[0] * y) & 65535
            screen_value = wave[u >> 8] * wave[v >> 8]
            share = min(tone * np.float32(1.0 / 240.0), np.float32(1.0))  # 240 levels below the paper count as full ink.
            # Ink at this place, 0 to 1 with soft edges, then as a factor of the ink that the picture has without dots.
            printed = (screen_value - limits[np.int64(share * np.float32(255.0) + np.float32(0.5))]) * steepness + np.float32(0.5)
            printed = min(max(printed, np.float32(0.0)), np.float32(1.0)) / share
            printed = np.float32(1.0) + strength * (printed - np.float32(1.0))
            mean = (red + green + blue) * np.float32(1.0 / 3.0)
            for c in range(3):
                ink = paper[c] - np.float32(pixels[y, x, c])
                value = paper[c] - (ink + grey * (mean - ink)) * printed
                pixels[y, x, c] = np.uint8(min(max(value + np.float32(0.5), np.float32(0.0)), np.float32(255.0)))
