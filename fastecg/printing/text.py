"""Printed words: their size in mm, and their ink as coverage.

Pillow draws every glyph once at a large size, and its mask is averaged over the pixels that it covers. One drawing therefore serves all
sizes and resolutions, and words lie where the page places them to a hundredth of a pixel. A hinted font at the final size would be moved
to whole pixels. Only letters of whole dots, as thermal heads print them, are drawn at their own height in dots.

A *cell* is a pixel of such a drawing. The *pen* is the point of the baseline at which a glyph begins.
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

#: Names of the faces that are always available (without matplotlib, Aileron stands for all of them); any other face is the path of a
#: TrueType or OpenType file.
FACES = ("sans", "serif", "mono", "bitmap", "dejavu")

_EM = 128  # Height of an em in cells of the large drawing. Hinting moves an edge by up to half a cell: 0.1 px in text of 22 px.
_HEAD_DOTS_PER_MM = 8  # Dots per mm of a thermal print head.
_SHEAR = 0.2  # Tangent of the slant of synthetic italics.
_BOLD_EM = 0.028  # Growth of the stems of synthetic bold type on each side, em: about 0.1 mm in text of 3 mm.
# Font files that come with matplotlib, by (face, bold, italic). They look better than synthetic bold and italic type.
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
_face_lock = threading.Lock()  # a FreeType face must not be used by two threads at once


class Font(NamedTuple):
    """A face and how it is drawn.

    Attributes
    ----------
    face : str
        One of `FACES`, or the path of a font file.
    bold, italic : bool
    em : int
        Height of an em in cells.
    lean : float
        Tangent of an additional slant.
    mode : str
        "" for the large drawing. For letters of whole dots, Pillow's mode of the mask: "1" (black and white) or "L" (grey).
    """

    face: str
    bold: bool
    italic: bool
    em: int
    lean: float = 0.0
    mode: str = ""


@dataclass(frozen=True, eq=False)
class Glyph:
    """One drawn character: the summed-area table of its mask, the position of the mask's corner, and where the next glyph begins.

    Positions are in cells from the pen, x to the right and y down.
    """

    sums: np.ndarray  # (rows + 1, columns + 1) int32; (1, 1) if there is no ink
    left: int
    top: int
    advance: float

    @property
    def right(self) -> int:
        """Right edge of the ink in cells from the pen."""
        return self.left + self.sums.shape[1] - 1

    @property
    def bottom(self) -> int:
        """Lower edge of the ink in cells below the baseline."""
        return self.top + self.sums.shape[0] - 1


def measure(text: Text) -> tuple[float, float, float, float]:
    """The box (x0, y0, x1, y1) round the ink of a text, mm on the page; if it has no ink, the point at which it begins.

    Raises
    ------
    LayoutError
        If the face is neither one of `FACES` nor a font file.
    """
    font = _font(text)
    x0, y0, x1, y1 = _ink_box(text.words, font, round(text.angle_deg, 3))
    cell = _cell_mm(text, font)
    return text.x_mm + x0 * cell, text.y_mm + y0 * cell, text.x_mm + x1 * cell, text.y_mm + y1 * cell


def width_mm(words: str, size_mm: float, face: str, bold: bool = False, italic: bool = False) -> float:
    """The advance width in mm of words, from pen to pen and not of their ink, set at `size_mm` per em."""
    return advance_mm(Text("", words, 0.0, 0.0, size_mm, face, bold, italic))


def advance_mm(text: Text) -> float:
    """The advance width of a text in mm, along its baseline."""
    font = _font(text)
    return sum(_glyph(font, character, 0.0).advance for character in text.words) * _cell_mm(text, font)


def draw_texts(plane: np.ndarray, texts: Iterable[Text], scale: float) -> None:
    """Print texts into a coverage plane. Where there is ink already, the larger coverage counts.

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
        step = 1.0 / (cell * scale)  # cells per pixel
        x0, y0 = text.x_mm / cell, text.y_mm / cell
        if text.dots_per_mm:  # the pen starts at a whole dot
            x0, y0 = round(x0), round(y0)
        for glyph, x, y in _placed_glyphs(text.words, font, angle):
            if glyph.sums.size > 1:
                blit_glyph(plane, glyph.sums, (x0 + x + glyph.left) / step, (y0 + y + glyph.top) / step, step)


def _placed_glyphs(words: str, font: Font, angle_deg: float) -> tuple[tuple[Glyph, float, float], ...]:
    """The glyphs of words, each with the pen's position (x, y) in cells from the start of the baseline."""
    # Turned words are not cached, because they occur on one page only and would fill the cache.
    return (_typeset.__wrapped__ if angle_deg else _typeset)(words, font, angle_deg)


@lru_cache(maxsize=512)  # A page has some sixty texts, most of which the next page has too.
def _typeset(words: str, font: Font, angle_deg: float) -> tuple[tuple[Glyph, float, float], ...]:
    """What `_placed_glyphs` returns, cached."""
    right, down = math.cos(math.radians(angle_deg)), -math.sin(math.radians(angle_deg))
    placed, along = [], 0.0
    for character in words:
        glyph = (_turned_glyph if angle_deg else _glyph)(font, character, angle_deg)
        placed.append((glyph, along * right, along * down))
        along += glyph.advance
    return tuple(placed)


@lru_cache(maxsize=512)
def _ink_box(words: str, font: Font, angle_deg: float) -> tuple[float, float, float, float]:
    """The box (x0, y0, x1, y1) round the ink of words, in cells from the start of the baseline."""
    inked = [(glyph, x, y) for glyph, x, y in _placed_glyphs(words, font, angle_deg) if glyph.sums.size > 1]
    if not inked:
        return 0.0, 0.0, 0.0, 0.0
    return (
        min(x + glyph.left for glyph, x, _ in inked),
        min(y + glyph.top for glyph, _, y in inked),
        max(x + glyph.right for glyph, x, _ in inked),
        max(y + glyph.bottom for glyph, _, y in inked),
    )


def _font(text: Text) -> Font:
    """The font in which a text is drawn."""
    # Thermal heads and displays have dots of one size, so letters for them are drawn at their real height in dots.
    dots = text.dots_per_mm or (_HEAD_DOTS_PER_MM if text.face == "bitmap" else 0.0)
    if not dots:
        return Font(text.face, text.bold, text.italic, _EM, text.lean)
    return Font(text.face, text.bold, text.italic, max(6, round(text.size_mm * dots)), text.lean, "L" if text.grey else "1")


def _cell_mm(text: Text, font: Font) -> float:
    """The side of a cell in mm. If the text has `dots_per_mm`, a cell is a dot."""
    return 1.0 / text.dots_per_mm if text.dots_per_mm else text.size_mm / font.em


@lru_cache(maxsize=64)  # Small, because labels differ in angle, so that a glyph is hardly ever used twice.
def _turned_glyph(font: Font, character: str, angle_deg: float) -> Glyph:
    """What `_glyph` returns, for words that are not level."""
    return _glyph.__wrapped__(font, character, angle_deg)


@lru_cache(maxsize=1024)  # A glyph takes 18 kB.
def _glyph(font: Font, character: str, angle_deg: float) -> Glyph:
    """Draw one character, turned counterclockwise by an angle. If no face has the character, the result has no ink and no width."""
    drawing_font = _font_with(font, character)
    if drawing_font is None:
        return Glyph(np.zeros((1, 1), np.int32), 0, 0, 0.0)
    face, grown, sheared = _face(drawing_font)
    with _face_lock:
        advance = face.getlength(character)
        mask, left, top = _drawn(face, character, font.mode == "1", 0.0)
        # Synthetic bold type: smooth and grey masks grow here on all sides; black and white ones are doubled further on.
        if grown and font.mode != "1":
            mask, left, top = _united(mask, left, top, *_drawn(face, character, False, _BOLD_EM * font.em))
            advance += _BOLD_EM * font.em
    if font.mode:
        mask, advance = _doubled(mask) if grown and font.mode == "1" else mask, float(round(advance))
    mask, left, top = _turned(mask, left, top, font.lean + (_SHEAR if sheared else 0.0), angle_deg)
    mask, left, top = _trimmed(mask, left, top)
    # Summed-area table: sums[i, j] is the sum of the mask above row i and left of column j.
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int32)
    sums[1:, 1:] = mask.astype(np.int32).cumsum(0).cumsum(1)
    return Glyph(sums if mask.size else np.zeros((1, 1), np.int32), left, top, advance)


@lru_cache(maxsize=1024)
def _font_with(font: Font, character: str) -> Font | None:
    """The font, or if it lacks the character, the font with the face "dejavu" or else "serif"; None if these lack the character too."""
    return next((other for face in (font.face, "dejavu", "serif") if _has(other := font._replace(face=face), character)), None)


def _has(font: Font, character: str) -> bool:
    """Whether a font has a glyph for a character, rather than the glyph for missing characters."""
    if character.isspace():
        return True
    face, _, _ = _face(font)
    with _face_lock:
        # No font has U+10FFFF, so this is drawn as the glyph for missing characters.
        (mask, left, top), missing = _drawn(face, character, False, 0.0), _drawn(face, chr(0x10FFFF), False, 0.0)
    return bool(mask.any()) and not ((left, top) == missing[1:] and np.array_equal(mask, missing[0]))


def printable(text: Text, notes: list[str]) -> Text:
    """The text without characters that no face has. If there are such characters, a sentence that names them is appended to `notes`."""
    font = _font(text)
    missing = "".join(dict.fromkeys(character for character in text.words if _font_with(font, character) is None))
    if not missing:
        return text
    words = "".join(character for character in text.words if character not in missing)
    notes.append(f"no face has the characters {missing!r}: {text.words!r} is {'printed without them' if words.strip() else 'not printed'}")
    return replace(text, words=words)


def _drawn(face: ImageFont.FreeTypeFont, character: str, dots: bool, stroke: float) -> tuple[np.ndarray, int, int]:
    """The mask (rows, columns) uint8 of a character, grown by `stroke` cells, and the mask's left and upper edge in cells from the pen.

    With `dots`, the mask is black and white.
    """
    core, (left, top) = face.getmask2(character, mode="1" if dots else "L", stroke_width=stroke, anchor="ls")
    if not all(core.size):
        return np.zeros(core.size[::-1], dtype=np.uint8), left, top
    # NumPy would read the bare mask value by value, which takes 30 times as long, so it is wrapped in an image.
    return np.array(Image.Image()._new(core)), left, top


def _united(mask: np.ndarray, left: int, top: int, grown: np.ndarray, grown_left: int, grown_top: int) -> tuple[np.ndarray, int, int]:
    """The larger values of a mask and of the same mask grown on every side, as a mask with the position of its corner."""
    both = grown.copy()
    if mask.size:
        inner = both[top - grown_top :, left - grown_left :][: mask.shape[0], : mask.shape[1]]
        np.maximum(inner, mask[: inner.shape[0], : inner.shape[1]], out=inner)
    return both, grown_left, grown_top


def _doubled(mask: np.ndarray) -> np.ndarray:
    """The mask in the bold type of dot printers: every dot is printed twice, one dot apart."""
    wide = np.pad(mask, ((0, 0), (0, 1)))
    wide[:, 1:] |= mask
    return wide


def _turned(mask: np.ndarray, left: int, top: int, shear: float, angle_deg: float) -> tuple[np.ndarray, int, int]:
    """The mask, slanted and turned counterclockwise about the pen, and the new position of its corner."""
    if not mask.size or (shear == 0.0 and angle_deg == 0.0):
        return mask, left, top
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    # `forward` maps old positions, counted from the pen with y down, to new ones: they are first slanted, then turned.
    forward = np.array([[cos, sin], [-sin, cos]]) @ np.array([[1.0, -shear], [0.0, 1.0]])
    height, width = mask.shape
    corners = np.array([[left, top], [left + width, top], [left, top + height], [left + width, top + height]]) @ forward.T
    x0, y0 = np.floor(corners.min(0)).astype(int)
    x1, y1 = np.ceil(corners.max(0)).astype(int)
    # Pillow wants the map back, from positions in the new mask to positions in the old one.
    back = np.linalg.inv(forward)
    shift = back @ np.array([x0, y0]) - np.array([left, top])
    data = (back[0, 0], back[0, 1], shift[0], back[1, 0], back[1, 1], shift[1])
    image = Image.fromarray(mask).transform((int(x1 - x0), int(y1 - y0)), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    return np.asarray(image), int(x0), int(y0)


def _trimmed(mask: np.ndarray, left: int, top: int) -> tuple[np.ndarray, int, int]:
    """The mask without its empty border, and the new position of its corner."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return np.zeros((0, 0), np.uint8), 0, 0
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], left + int(columns[0]), top + int(rows[0])


@lru_cache(maxsize=256)
def _face(font: Font) -> tuple[ImageFont.FreeTypeFont, bool, bool]:
    """The Pillow font for a font, and whether bold and italic type have to be made synthetically from it."""
    # The file that needs least synthetic type; a bold one is preferred to an italic one.
    for bold, italic in ((font.bold, font.italic), (font.bold, False), (False, font.italic), (False, False)):
        file = font_file(_FILES.get((font.face, bold, italic), ""))
        if file:
            return _open(str(file), font), font.bold and not bold, font.italic and not italic
    # "sans" and "bitmap" have no file: they are Aileron, which is embedded in Pillow. Without matplotlib, so are the other `FACES`.
    source = _aileron() if font.face in FACES else font.face
    return _open(source, font), font.bold, font.italic


def _open(source: str | io.BytesIO, font: Font) -> ImageFont.FreeTypeFont:
    """The Pillow font of a file at the font's size; a `LayoutError` if there is no such file or it is no font."""
    try:
        # The basic engine gives the same advances whether or not Raqm is installed.
        return ImageFont.truetype(source, font.em, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise LayoutError(f"{font.face}: no such face, expected one of {', '.join(FACES)} or the path of a font file") from error


def _aileron() -> io.BytesIO:
    """The file of Aileron, the face that is embedded in Pillow."""
    embedded = ImageFont.load_default(_EM)
    assert isinstance(embedded, ImageFont.FreeTypeFont)
    assert isinstance(embedded.path, io.BytesIO)
    return io.BytesIO(embedded.path.getvalue())


@cache
def font_file(name: str) -> Path | None:
    """The path of a font file that comes with matplotlib; None if it has no such file, or is not installed.

    Matplotlib is not imported for this, because its import takes a second.
    """
    spec = importlib.util.find_spec("matplotlib") if name else None
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf", name)
    return file if file.is_file() else None
