"""Notes in a font of the user's: letters of the font in the ink of a pen, each varied a little in size, angle and position.

A shot stores the fingerprint of a font, a hash of its bytes, and neither its path nor its content.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageFont

from fastecg.errors import RecipeError
from fastecg.handwriting.writer import Writer
from fastecg.page import Text
from fastecg.printing.text import measure, width_mm
from fastecg.system.files import read_file

if TYPE_CHECKING:
    from fastecg.handwriting.ink import Ink

_LINE = 3.1  # Distance between lines, in x-heights.
_MEAN_SLANT = 0.135  # Tangent of the average slant of neat writers. Letters of a font are slanted by the writer's slant minus this.
_SIGNS = {"→": "->", "←": "<-", "↑": "^", "✓": "v", "µ": "u"}  # Characters that are written instead of signs that a font lacks.
_COMPARED_PX = 64  # Font size at which glyphs are drawn to be compared.


@dataclass(frozen=True)
class NotesFont:
    """A font file, and the fingerprint of its bytes."""

    path: Path
    fingerprint: str


#: The fonts that have been read, by their fingerprints.
_known: dict[str, NotesFont] = {}


def read_font(path: str | Path | NotesFont) -> NotesFont:
    """Read a TrueType or OpenType font to write notes in. From then on `known_font` finds it by its fingerprint.

    Raises
    ------
    RecipeError
        If the file cannot be read, is no font, or lacks common letters or digits.
    """
    font = path if isinstance(path, NotesFont) else _read(Path(path))
    _known[font.fingerprint] = font
    return font


def known_font(fingerprint: str) -> NotesFont:
    """The font with a fingerprint, which must have been read before.

    Raises
    ------
    RecipeError
        If no font with this fingerprint has been read.
    """
    if fingerprint not in _known:
        raise RecipeError(
            f"Handwriting.font is {fingerprint!r}, expected the fingerprint of a font that has been read (notes_font, read_font)"
        )
    return _known[fingerprint]


def lacking(words: str, font: NotesFont) -> str:
    """The characters, white space excepted, for which the font has no glyph with ink, each once, in order of their code points."""
    # The glyph that the font shows for a character that it lacks: U+10FFFF is never assigned.
    missing = _mask(font.path, chr(0x10FFFF))
    return "".join(sorted({c for c in words if not c.isspace() and _mask(font.path, c) in (missing, b"")}))


def write_in_font(words: str, font: NotesFont, writer: Writer, rng: np.random.Generator) -> Ink:
    """Write words in a font, in a writer's size, slant and steadiness.

    Parameters
    ----------
    words : str
        Line breaks start a new line. Characters that the font lacks are replaced as in `_SIGNS`, or left out.
    font : NotesFont
    writer : Writer
    rng : numpy.random.Generator
        For the deviations of every letter.

    Returns
    -------
    Ink
        The first line's baseline starts at about (0, 0) mm.
    """
    from fastecg.handwriting.ink import Ink

    words, face = _spelled(words, font), str(font.path)
    # `unit` is that of `Hand`, a tenth of the x-height, in mm. `size` is the em size, mm, at which the font's x is as high as the writer's.
    unit, hand = 0.1 * writer.x_height_mm, writer.hand
    _, top, _, bottom = measure(Text("note", "x", 0.0, 0.0, 1.0, face))
    size = writer.x_height_mm / max(bottom - top, 0.2)
    lean, along = round(writer.slant - _MEAN_SLANT, 2), np.array([math.cos(writer.slope), -math.sin(writer.slope)])
    letters = []
    for number, line in enumerate(words.split("\n")):
        x, offset = 0.0, 0.0
        for character, (swell, turn, drop, gap) in zip(line, rng.standard_normal((len(line), 4)), strict=True):
            # Heights change slowly from letter to letter; `offset` is the distance below the line, in units.
            offset += 0.35 * (hand.wander * drop - offset)
            position = x * along + np.array([0.0, number * _LINE * writer.x_height_mm + offset * unit])
            angle = round(math.degrees(writer.slope + 0.6 * hand.turn * turn), 1)
            em = size * (1.0 + 0.5 * hand.swell * swell)
            letters.append(Text("note", character, float(position[0]), float(position[1]), em, face, angle_deg=angle, lean=lean))
            x += width_mm(character, em, face) + 0.3 * hand.jitter * unit * gap
    nothing = np.empty((0, 2))
    return Ink("handwriting", words, nothing, nothing[:, 0], nothing[:, 0], writer.pen, tuple(letters))


def _spelled(words: str, font: NotesFont) -> str:
    """The words without characters that the font lacks; missing signs of `_SIGNS` are replaced if the font has the whole replacement."""
    missing = lacking(words, font)
    written = {sign: instead for sign, instead in _SIGNS.items() if not lacking(instead, font)}
    return "".join(written.get(c, "") if c in missing else c for c in words.replace("\t", " "))


def _read(path: Path) -> NotesFont:
    """The font at a path; `RecipeError` if it is not a font with common letters and digits."""
    try:
        content = read_file(path)
        ImageFont.truetype(str(path), _COMPARED_PX)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read as a font ({error.strerror or error}), expected a TrueType or OpenType file") from None
    font = NotesFont(path.resolve(), hashlib.sha256(content).hexdigest()[:16])
    if lacking("aeinox0123", font):
        raise RecipeError(f"{path}: has no letters and digits, expected a font to write notes in")
    return font


@lru_cache(maxsize=4096)
def _mask(path: Path, character: str) -> bytes:
    """A glyph's size and pixels as bytes, by which glyphs are compared; empty if it has no ink or cannot be drawn."""
    try:
        core = _face(path).getmask(character, mode="L")
    except OSError:  # a damaged font: a glyph that cannot be drawn counts as missing
        return b""
    return repr(core.size).encode() + bytes(core) if max(core.size) and any(core) else b""


@lru_cache(maxsize=8)
def _face(path: Path) -> ImageFont.FreeTypeFont:
    """The Pillow font of a file, at the size for comparisons."""
    return ImageFont.truetype(str(path), _COMPARED_PX, layout_engine=ImageFont.Layout.BASIC)
