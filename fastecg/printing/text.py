"""Printed words: their size in mm, and their ink as coverage.

Pillow draws every glyph once at a large size, and its mask is averaged over the pixels that it covers. One drawing therefore serves all
sizes and resolutions, and words lie where the page places them to a hundredth of a pixel. A hinted font at the final size would be moved
to whole pixels.
"""

from __future__ import annotations

import importlib.util
import io
import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFont

from fastecg.errors import LayoutError
from fastecg.page import Text

#: Names of the faces that are always there; any other face is the path of a TrueType or OpenType file.
FACES = ("sans", "serif", "mono", "bitmap", "dejavu")

_EM = 128  # Cells per em of the large drawing: hinting moves an edge by up to half a cell, 0.1 px in text of 22 px.
_DOTS_MM = 8  # Dots per mm of a thermal print head.
_SHEAR = 0.2  # Tangent of the slant of synthetic italics.
_BOLD_EM = 0.028  # Growth of a bold stem on each side, em: about 0.1 mm in text of 3 mm.
# Files that come with matplotlib, by (face, bold, italic): drawn cuts look better than grown or sheared ones.
_FILES = {
    ("serif", False, False): "STIXGeneral.ttf",
    ("serif", True, False): "STIXGeneralBol.ttf",
    ("serif", False, True): "STIXGeneralItalic.ttf",
    ("serif", True, True): "STIXGeneralBolIta.ttf",
    ("mono", False, False): "DejaVuSansMono.ttf",
    ("mono", True, False): "DejaVuSansMono-Bold.ttf",
    ("dejavu", False, False): "DejaVuSans.ttf",
    ("dejavu", True, False): "DejaVuSans-Bold.ttf",
}
_drawing = threading.Lock()  # a FreeType face must not be used by two threads at once


class Font(NamedTuple):
    """A face in one cut. `em` is the height of an em in cells (pixels of that drawing), `lean` the tangent of a slant added to it.

    `mode` is "" for the large drawing; for letters of whole dots it is Pillow's mode of the mask, "1" (black or white) or "L" (grey).
    """

    face: str
    bold: bool
    italic: bool
    em: int
    lean: float = 0.0
    mode: str = ""


@dataclass(frozen=True, eq=False)
class Glyph:
    """One drawn character: the summed-area table of its mask, and the mask's position relative to the pen (cells, y down)."""

    sums: np.ndarray
    left: int
    top: int
    advance: float  # cells

    @property
    def right(self) -> int:
        """Right edge of the ink, from the pen's position, cells."""
        return self.left + self.sums.shape[1] - 1

    @property
    def bottom(self) -> int:
        """Lower edge of the ink from the baseline, cells."""
        return self.top + self.sums.shape[0] - 1


def measure(text: Text) -> tuple[float, float, float, float]:
    """The box (x0, y0, x1, y1) in mm round the ink of a text; without extent if it has no ink.

    Raises
    ------
    LayoutError
        If the face is neither one of `FACES` nor a font file.
    """
    font = _font(text)
    x0, y0, x1, y1 = _ink(text.words, font, round(text.angle_deg, 3))
    cell = _cell_mm(text, font)
    return text.x_mm + x0 * cell, text.y_mm + y0 * cell, text.x_mm + x1 * cell, text.y_mm + y1 * cell


def width_mm(words: str, size_mm: float, face: str, bold: bool = False, italic: bool = False) -> float:
    """The advance width of the words in mm."""
    return advance_mm(Text("", words, 0.0, 0.0, size_mm, face, bold, italic))


def advance_mm(text: Text) -> float:
    """The advance width of a text in mm."""
    font = _font(text)
    return sum(_glyph(font, character, 0.0).advance for character in text.words) * _cell_mm(text, font)


def draw_texts(plane: np.ndarray, texts: Iterable[Text], scale: float) -> None:
    """Print texts into a coverage plane by max-combine.

    Parameters
    ----------
    plane : ndarray, shape (height, width) uint8
        Changed in place.
    texts : iterable of Text
    scale : float
        px/mm; the corner of the page is the corner of pixel (0, 0).

    Raises
    ------
    LayoutError
        If a face is neither one of `FACES` nor a font file.
    """
    from fastecg.kernels.glyphs import blit_glyph

    for text in texts:
        font, angle = _font(text), round(text.angle_deg, 3)
        cell = _cell_mm(text, font)
        step = 1.0 / (cell * scale)  # cells a pixel
        x0, y0 = text.x_mm / cell, text.y_mm / cell
        if text.dots_mm:
            x0, y0 = round(x0), round(y0)
        for glyph, x, y in _pens(text.words, font, angle):
            if glyph.sums.size > 1:
                blit_glyph(plane, glyph.sums, (x0 + x + glyph.left) / step, (y0 + y + glyph.top) / step, step)


def _pens(words: str, font: Font, angle_deg: float) -> tuple[tuple[Glyph, float, float], ...]:
    """Glyphs of the words with the pen's position for each, cells from the start of the baseline."""
    # Turned words are not cached: they occur on one page only, and their letters would fill the cache.
    return (_set.__wrapped__ if angle_deg else _set)(words, font, angle_deg)


@lru_cache(maxsize=512)  # a page prints sixty texts, most of which the next one prints too
def _set(words: str, font: Font, angle_deg: float) -> tuple[tuple[Glyph, float, float], ...]:
    across, down = math.cos(math.radians(angle_deg)), -math.sin(math.radians(angle_deg))
    pens, along = [], 0.0
    for character in words:
        glyph = (_turned_glyph if angle_deg else _glyph)(font, character, angle_deg)
        pens.append((glyph, along * across, along * down))
        along += glyph.advance
    return tuple(pens)


@lru_cache(maxsize=512)
def _ink(words: str, font: Font, angle_deg: float) -> tuple[float, float, float, float]:
    """The box round the ink of the words, cells from the start of the baseline."""
    inked = [(glyph, x, y) for glyph, x, y in _pens(words, font, angle_deg) if glyph.sums.size > 1]
    if not inked:
        return 0.0, 0.0, 0.0, 0.0
    return (
        min(x + glyph.left for glyph, x, _ in inked),
        min(y + glyph.top for glyph, _, y in inked),
        max(x + glyph.right for glyph, x, _ in inked),
        max(y + glyph.bottom for glyph, _, y in inked),
    )


def _font(text: Text) -> Font:
    # Thermal heads and displays have dots of one size, so letters are drawn at their real height in dots.
    dots = text.dots_mm or (_DOTS_MM if text.face == "bitmap" else 0.0)
    if not dots:
        return Font(text.face, text.bold, text.italic, _EM, text.lean)
    return Font(text.face, text.bold, text.italic, max(6, round(text.size_mm * dots)), text.lean, "L" if text.grey else "1")


def _cell_mm(text: Text, font: Font) -> float:
    """The side of a cell of a font's drawing in mm: a dot of the raster where letters have one."""
    return 1.0 / text.dots_mm if text.dots_mm else text.size_mm / font.em


@lru_cache(maxsize=64)  # Small, because labels differ in angle, so that a glyph is hardly ever used twice.
def _turned_glyph(font: Font, character: str, angle_deg: float) -> Glyph:
    return _glyph.__wrapped__(font, character, angle_deg)


@lru_cache(maxsize=1024)  # A glyph takes 18 kB.
def _glyph(font: Font, character: str, angle_deg: float) -> Glyph:
    """Draw one character large; the result is empty if no face has it."""
    able = _able(font, character)
    if able is None:
        return Glyph(np.zeros((1, 1), np.int32), 0, 0, 0.0)
    face, grown, sheared = _face(able)
    with _drawing:
        advance = face.getlength(character)
        mask, left, top = _drawn(face, character, font.mode == "1", 0.0)
        if grown and font.mode != "1":
            mask, left, top = _over(mask, left, top, *_drawn(face, character, False, _BOLD_EM * font.em))
            advance += _BOLD_EM * font.em
    if font.mode:
        mask, advance = _doubled(mask) if grown and font.mode == "1" else mask, float(round(advance))
    mask, left, top = _turned(mask, left, top, font.lean + (_SHEAR if sheared else 0.0), angle_deg)
    mask, left, top = _trimmed(mask, left, top)
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int32)
    sums[1:, 1:] = mask.astype(np.int32).cumsum(0).cumsum(1)
    return Glyph(sums if mask.size else np.zeros((1, 1), np.int32), left, top, advance)


@lru_cache(maxsize=1024)
def _able(font: Font, character: str) -> Font | None:
    """The face that draws a character: the given one, or else the first of some large faces that has it; None if there is none."""
    return next((able for face in (font.face, "dejavu", "serif") if _has(able := font._replace(face=face), character)), None)


def _has(font: Font, character: str) -> bool:
    """Whether a face has a glyph for a character, rather than the one for missing characters."""
    if character.isspace():
        return True
    face, _, _ = _face(font)
    with _drawing:
        (mask, left, top), none = _drawn(face, character, False, 0.0), _drawn(face, chr(0x10FFFF), False, 0.0)
    return bool(mask.any()) and not ((left, top) == none[1:] and np.array_equal(mask, none[0]))


def printable(text: Text, notes: list[str]) -> Text:
    """The text without characters that no face has; they are named in the notes."""
    font = _font(text)
    missing = "".join(dict.fromkeys(character for character in text.words if _able(font, character) is None))
    if not missing:
        return text
    words = "".join(character for character in text.words if character not in missing)
    notes.append(f"no face has the characters {missing!r}: {text.words!r} is {'printed without them' if words.strip() else 'not printed'}")
    return replace(text, words=words)


def _drawn(face: ImageFont.FreeTypeFont, character: str, dots: bool, stroke: float) -> tuple[np.ndarray, int, int]:
    """The mask of a character, or of its outline drawn `stroke` cells wide to each side, and the position of the mask's corner."""
    core, (left, top) = face.getmask2(character, mode="1" if dots else "L", stroke_width=stroke, anchor="ls")
    if not all(core.size):
        return np.zeros(core.size[::-1], dtype=np.uint8), left, top
    # NumPy would read the bare mask value by value, which takes 30 times as long, so it is wrapped in an image.
    return np.array(Image.Image()._new(core)), left, top


def _over(mask: np.ndarray, left: int, top: int, ring: np.ndarray, ring_left: int, ring_top: int) -> tuple[np.ndarray, int, int]:
    """A mask laid over its own outline, which is larger on every side."""
    both = ring.copy()
    if mask.size:
        inner = both[top - ring_top :, left - ring_left :][: mask.shape[0], : mask.shape[1]]
        np.maximum(inner, mask[: inner.shape[0], : inner.shape[1]], out=inner)
    return both, ring_left, ring_top


def _doubled(mask: np.ndarray) -> np.ndarray:
    """Bold type of dot printers: every dot is printed twice, one dot apart."""
    wide = np.pad(mask, ((0, 0), (0, 1)))
    wide[:, 1:] |= mask
    return wide


def _turned(mask: np.ndarray, left: int, top: int, shear: float, angle_deg: float) -> tuple[np.ndarray, int, int]:
    """Slant a mask and turn it counterclockwise about the pen's position; returns it with its new corner."""
    if not mask.size or (shear == 0.0 and angle_deg == 0.0):
        return mask, left, top
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    forward = np.array([[cos, sin], [-sin, cos]]) @ np.array([[1.0, -shear], [0.0, 1.0]])
    height, width = mask.shape
    corners = np.array([[left, top], [left + width, top], [left, top + height], [left + width, top + height]]) @ forward.T
    x0, y0 = np.floor(corners.min(0)).astype(int)
    x1, y1 = np.ceil(corners.max(0)).astype(int)
    back = np.linalg.inv(forward)
    shift = back @ np.array([x0, y0]) - np.array([left, top])
    data = (back[0, 0], back[0, 1], shift[0], back[1, 0], back[1, 1], shift[1])
    image = Image.fromarray(mask).transform((int(x1 - x0), int(y1 - y0)), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    return np.asarray(image), int(x0), int(y0)


def _trimmed(mask: np.ndarray, left: int, top: int) -> tuple[np.ndarray, int, int]:
    """Cut the empty border off, so that the mask's box is the ink's."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return np.zeros((0, 0), np.uint8), 0, 0
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], left + int(columns[0]), top + int(rows[0])


@lru_cache(maxsize=256)
def _face(font: Font) -> tuple[ImageFont.FreeTypeFont, bool, bool]:
    """The Pillow font of a face, and whether bold and italic remain to be made from it."""
    for bold, italic in ((font.bold, font.italic), (font.bold, False), (False, font.italic), (False, False)):
        file = font_file(_FILES.get((font.face, bold, italic), ""))
        if file:
            return _open(str(file), font), font.bold and not bold, font.italic and not italic
    # Faces without a file of their own, as "sans" and "bitmap", are Pillow's embedded Aileron; so are all others without matplotlib.
    source = _aileron() if font.face in FACES else font.face
    return _open(source, font), font.bold, font.italic


def _open(source: str | io.BytesIO, font: Font) -> ImageFont.FreeTypeFont:
    try:
        # The basic engine gives the same advances whether or not Raqm is installed.
        return ImageFont.truetype(source, font.em, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise LayoutError(f"{font.face}: no such face, expected one of {', '.join(FACES)} or the path of a font file") from error


def _aileron() -> io.BytesIO:
    """Pillow's embedded sans face."""
    embedded = ImageFont.load_default(_EM)
    assert isinstance(embedded, ImageFont.FreeTypeFont)
    assert isinstance(embedded.path, io.BytesIO)
    return io.BytesIO(embedded.path.getvalue())


@cache
def font_file(name: str) -> Path | None:
    """The path of a font that matplotlib brings, found without importing it (that takes a second)."""
    spec = importlib.util.find_spec("matplotlib") if name else None
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf", name)
    return file if file.is_file() else None
