"""Find the pictures that are to be digitised in folders, and read them from any common format. Large pictures are reduced."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastecg.errors import FastecgError, ImageError
from fastecg.system.files import check_regular
from fastecg.system.pictures import large_pictures

if TYPE_CHECKING:
    from PIL import Image

#: Suffixes of files that count as pictures when a folder is searched.
SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".avif", ".pdf", ".heic", ".heif")

#: Suffixes of files that may hold several pages.
PAGED = (".pdf", ".tif", ".tiff")

#: Formats that Pillow may open, recognised by content. HEIC is opened, too, and recognised by its suffix. All others are excluded, because
#: Pillow starts other programs for some of them, such as PostScript.
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "AVIF")

#: Largest number of pixels of a picture as it is read. Larger ones are reduced by a whole factor, while or after they are decoded.
LARGEST = 25_000_000

#: Largest number of pages of a file that are read. A damaged file may claim to have any number.
MOST_PAGES = 2000

_MOST_PIXELS = 120_000_000  # Largest number of pixels of a picture that is decoded.
_MOST_OF_WEBP = 60_000_000  # `_MOST_PIXELS` for WebP, whose decoder keeps three copies of the picture.
_LONGEST_SIDE = 65_535  # Largest side in px of a picture that is decoded.
_WHITES = 255.0, 1023.0, 4095.0, 16383.0, 65535.0  # Values of white in pixels of 8, 10, 12, 14 and 16 bits.
_UPPER_WHITES = 15.0, 63.0  # Values of white in the upper 8 of 16 bits, which Pillow keeps, if the pixels have 12 or 14 bits.
_FLOAT_WHITES = 1.0, *_WHITES  # Values of white in pixels that are floats.
_BAND = 1 << 22  # Number of pixels of the bands in which a picture is reduced, to save memory.
_BY_DECODER = (2, 4, 8)  # Factors by which JPEG can be reduced while it is decoded.


@dataclass(frozen=True)
class PictureSource:
    """A picture file, and the folder in which it was found, relative to the input folder."""

    path: Path
    folder: Path = Path()


def find_pictures(inputs: Iterable[Path]) -> list[PictureSource]:
    """Find the pictures among files and folders.

    Folders are searched recursively for files with one of `SUFFIXES`, in the order of their paths. Inputs that are files may have any
    suffix.

    Raises
    ------
    ImageError
        If an input does not exist, or none holds a picture.
    """
    given = [Path(path) for path in inputs]
    found = [source for path in given for source in _within(path)]
    if not found:
        named = ", ".join(map(str, given[:3])) + (f" and {len(given) - 3} others" if given[3:] else "")
        raise ImageError(f"{named}: no picture found, expected files that end in {', '.join(SUFFIXES)}")
    return found


def _within(given: Path) -> Iterator[PictureSource]:
    """The pictures of one input."""
    if given.is_dir():
        files = (path for path in sorted(given.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file())
        yield from (PictureSource(path, path.parent.relative_to(given)) for path in files)
    elif given.exists():
        yield PictureSource(given)
    else:
        raise ImageError(f"{given}: no such file or folder, expected a picture or a folder of them")


def page_count(path: Path) -> int:
    """The number of pages that a file has, or claims to have; 1 if it cannot be read, since `read_picture` will raise the error."""
    from PIL import Image

    try:
        check_regular(path)
        if path.suffix.lower() == ".pdf":
            import pypdfium2

            return max(1, len(pypdfium2.PdfDocument(path)))
        if path.suffix.lower() in PAGED:
            with large_pictures(), Image.open(path, formats=["TIFF"]) as found:
                return int(getattr(found, "n_frames", 1))
    except Exception:  # Decoders may raise anything on damaged files.
        return 1
    return 1


def read_picture(path: Path, page: int = 0) -> np.ndarray:
    """Read a picture, or page `page` (from 0) of a file with several pages, as (height, width, 3) uint8.

    The picture is turned upright by the orientation that the camera noted. If it has more than `LARGEST` pixels, it is reduced by
    `reduction_of`, or drawn smaller if it is a page of a PDF.

    Raises
    ------
    ImageError
        If the file cannot be read as a picture, or has more than 120 million pixels (WebP: 60 million), or more than 65535 along a side.
    FastecgError
        If the library that reads it is not installed.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        check_regular(path)
        if path.suffix.lower() == ".pdf":
            from fastecg.digitizing.pdf_page import read_pdf_page

            return read_pdf_page(path, page, LARGEST)
        formats = ("HEIF",) if _is_heif(path) else _supported_formats()
        with large_pictures():
            try:
                opened: Image.Image = Image.open(path, formats=formats)
            except UnidentifiedImageError:
                opened = _float_tiff(path, page)
            with opened as found:
                if page and found.format is not None:
                    found.seek(page)
                _check_size(path, found)
                return pixels_of(found)
    except FastecgError:
        raise
    except Exception as fault:  # Decoders may raise anything on damaged files.
        what = f"page {page + 1} cannot be read" if page else "cannot be read"
        why = (fault.strerror if isinstance(fault, OSError) else None) or fault or type(fault).__name__
        raise ImageError(f"{path}: {what} as a picture ({why}), expected {', '.join(SUFFIXES)}") from fault


def _float_tiff(path: Path, page: int) -> Image.Image:
    """Read a TIFF file whose colours are floats, which Pillow cannot read, as 8-bit RGB; `UnidentifiedImageError` for other files."""
    from PIL import Image, UnidentifiedImageError

    if path.suffix.lower() not in (".tif", ".tiff"):
        raise UnidentifiedImageError(f"no picture of a kind that is known in {path.name}")
    import tifffile  # It is installed with scikit-image.

    with tifffile.TiffFile(path) as file:
        found = file.pages[page]
        if found.dtype is None or found.dtype.kind != "f" or len(found.shape) != 3 or found.shape[2] not in (3, 4):
            raise UnidentifiedImageError(f"no picture of a kind that is known in {path.name}")
        if found.shape[0] * found.shape[1] > _MOST_PIXELS:
            raise ImageError(f"{path}: {found.shape[1]} x {found.shape[0]} px, expected at most {_MOST_PIXELS / 1e6:.0f} million")
        colours = np.nan_to_num(found.asarray()[..., :3].astype(np.float32))
    white = next((white for white in _FLOAT_WHITES if colours.max(initial=0.0) <= white), _FLOAT_WHITES[-1])
    return Image.fromarray(np.clip(colours * (255.0 / white), 0, 255).astype(np.uint8))


def pixels_of(picture: Image.Image) -> np.ndarray:
    """The pixels of a PIL image as `read_picture` gives them."""
    upper_bits = any(";16" in str(tile[3]) for tile in getattr(picture, "tile", ()))  # Of 16 bits for a colour, Pillow keeps the upper 8.
    factor = _loaded(picture, reduction_of(picture.size))
    return _turned(_reduced(picture, factor, _white_level(picture, upper_bits)), picture.getexif().get(_ORIENTATION))


def _supported_formats() -> tuple[str, ...]:
    """The `FORMATS` that the installed Pillow supports."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _is_heif(path: Path) -> bool:
    """Whether a file has a suffix of HEIF, which iPhones write. If so, Pillow can read HEIF after this call.

    `FastecgError` if pillow-heif is not installed.
    """
    if path.suffix.lower() not in (".heic", ".heif"):
        return False
    try:
        from pillow_heif import HeifImagePlugin  # noqa: F401
    except ImportError as missing:
        raise FastecgError(f"{path}: HEIC needs pillow-heif, expected `pip install 'fastecg[heic]'` to have been run") from missing
    return True


def reduction_of(size: tuple[int, int]) -> int:
    """The factor k by which a picture of `size` (width, height) is reduced. The middle of the reduced pixel p was at (p + 0.5) k - 0.5."""
    return math.ceil(math.sqrt(size[0] * size[1] / LARGEST))


def _check_size(path: Path, found: Image.Image) -> None:
    """Raise `ImageError` if a picture is larger than what is decoded."""
    most = _MOST_OF_WEBP if found.format == "WEBP" else _MOST_PIXELS
    if found.width * found.height > most or max(found.size) > _LONGEST_SIDE:
        raise ImageError(
            f"{path}: {found.width} x {found.height} px, expected at most {most / 1e6:.0f} million, and {_LONGEST_SIDE} along a side"
        )


def _loaded(found: Image.Image, factor: int) -> int:
    """Decode a picture, reduced by `factor` if its decoder can do so. Returns the factor by which it still has to be reduced."""
    smaller = -(-found.width // factor), -(-found.height // factor)
    if found.format in ("JPEG", "MPO") and factor in _BY_DECODER:
        found.draft("RGB", (found.width // factor, found.height // factor))
        factor = 1 if found.size == smaller else factor
    found.load()  # For TIFF files, this also turns the picture and removes its orientation.
    return factor


def _reduced(found: Image.Image, factor: int, white: float) -> np.ndarray:
    """The pixels of a picture as 8-bit RGB, reduced to the means of `factor` x `factor` blocks. `white` is the picture's value of white."""
    width, height = -(-found.width // factor), -(-found.height // factor)
    out = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _BAND // (found.width * factor)) * factor  # Rows of pixels in a band, a multiple of `factor`.
    for top in range(0, found.height, rows):
        band = _as_rgb(found.crop((0, top, found.width, min(top + rows, found.height))), white)
        out[top // factor : -(-(top + band.height) // factor)] = np.asarray(band.reduce(factor) if factor > 1 else band)
    return out


def _white_level(picture: Image.Image, upper_bits: bool) -> float:
    """The value of white in a picture: for more than 8 bits, the smallest usual value that no pixel exceeds; otherwise 255.

    `upper_bits` is whether the file has 16 bits for a colour, of which Pillow has kept the upper 8.
    """
    if picture.mode == "RGB" and upper_bits:
        lightest = max(high for _, high in picture.getextrema())  # type: ignore[misc]
        return next((white for white in _UPPER_WHITES if 0 < lightest <= white), 255.0)
    if not _is_deep(picture):
        return 255.0
    extremes: tuple[float, float] = picture.getextrema()  # type: ignore[assignment]
    whites = _FLOAT_WHITES if picture.mode == "F" else _WHITES
    return next((white for white in whites if extremes[1] <= white), whites[-1])


def _is_deep(picture: Image.Image) -> bool:
    """Whether pixels are integers of more than 8 bits or floats."""
    return picture.mode.startswith("I") or picture.mode == "F"


def _as_rgb(picture: Image.Image, white: float) -> Image.Image:
    """Convert a picture whose white has the value `white` to 8-bit RGB, with white behind transparent parts."""
    from PIL import Image

    if _is_deep(picture):
        deep = np.nan_to_num(np.asarray(picture, dtype=np.float32))
        picture = Image.fromarray(np.clip(deep * (255.0 / white), 0, 255).astype(np.uint8))
    elif picture.mode == "RGB" and white < 255:
        picture = picture.point([min(255, round(k * 255 / white)) for k in range(256)] * 3)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        above = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return picture.convert("RGB")


_ORIENTATION = 0x0112  # The Exif tag of the orientation, whose values 2 to 8 are the ways to turn and mirror a picture.


def _turned(pixels: np.ndarray, orientation: int | None) -> np.ndarray:
    """Turn and mirror pixels by the value of the Exif tag of the orientation."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
