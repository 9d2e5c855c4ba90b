"""Pictures to be digitised: found in folders, read from any common format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastecg.errors import FastecgError, ImageError

#: Suffixes that folders are searched for.
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".pdf", ".heic", ".heif")

_PDF_DPI = 200.0
_MOST_PIXELS = 120_000_000


@dataclass(frozen=True)
class Source:
    """A picture file, and the folder below the input in which it was found."""

    path: Path
    folder: Path = Path()


def find_pictures(inputs: Iterable[Path]) -> list[Source]:
    """Pictures among files and folders; folders are searched to the bottom, in the order of names.

    Raises
    ------
    ImageError
        If an input is not there, or none holds a picture.
    """
    found = [source for given in inputs for source in _within(Path(given))]
    if not found:
        raise ImageError(f"no picture found, expected files that end in {', '.join(SUFFIXES)}")
    return found


def _within(given: Path) -> Iterator[Source]:
    if given.is_dir():
        files = (path for path in sorted(given.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file())
        yield from (Source(path, path.parent.relative_to(given)) for path in files)
    elif given.exists():
        yield Source(given)
    else:
        raise ImageError(f"{given}: no such file or folder, expected a picture or a folder of them")


def read_picture(path: Path) -> np.ndarray:
    """A picture as (height, width, 3) uint8, the way up its camera noted; of a PDF the first page, at 200 dpi.

    Raises
    ------
    ImageError
        If the file cannot be read as a picture.
    """
    if path.suffix.lower() == ".pdf":
        return _first_page(path)
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as found:
            if found.width * found.height > _MOST_PIXELS:
                raise ImageError(f"{path}: {found.width} x {found.height} px, expected at most {_MOST_PIXELS / 1e6:.0f} million")
            return np.asarray(_as_rgb(ImageOps.exif_transpose(found)))
    except ImageError:
        raise
    except Exception as fault:  # decoders raise whatever they like on damaged files
        raise ImageError(
            f"{path}: cannot be read as a picture ({fault or type(fault).__name__}), expected {', '.join(SUFFIXES)}"
        ) from fault


def _as_rgb(picture):  # type: ignore[no-untyped-def]
    """Eight bits a colour, what is transparent over white paper."""
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        deep = np.asarray(picture, dtype=np.float64)
        low, high = (0.0, 65535.0) if picture.mode.startswith("I") and deep.max(initial=0) > 255 else (0.0, 255.0)
        picture = Image.fromarray(np.clip((deep - low) / (high - low) * 255, 0, 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        above = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return picture.convert("RGB")


def _first_page(path: Path) -> np.ndarray:
    try:
        import pypdfium2
    except ImportError as missing:
        raise FastecgError(f"{path}: PDF needs pypdfium2, expected `pip install 'fastecg[digitize]'` to have been run") from missing
    try:
        document = pypdfium2.PdfDocument(path)
        page = document[0]
        return np.ascontiguousarray(np.asarray(page.render(scale=_PDF_DPI / 72).to_pil().convert("RGB")))
    except Exception as fault:
        raise ImageError(f"{path}: cannot be read as a PDF ({fault}), expected one with a page") from fault


# --- files of several pages, and what phones write -----------------------------------------------------------------------------

#: Suffixes of files that may hold several pages.
PAGED = (".pdf", ".tif", ".tiff")

_HEIF = (".heic", ".heif")


def page_count(path: Path) -> int:
    """How many pages a file has, 1 for one that cannot be read: reading it says why."""
    try:
        if path.suffix.lower() == ".pdf":
            import pypdfium2

            return max(1, len(pypdfium2.PdfDocument(path)))
        if path.suffix.lower() in PAGED:
            from PIL import Image

            with Image.open(path, formats=["TIFF"]) as found:
                return int(getattr(found, "n_frames", 1))
    except Exception:  # decoders raise whatever they like on damaged files
        return 1
    return 1


def read_page(path: Path, page: int = 0) -> np.ndarray:
    """Page `page`, from 0, of a file of any kind, as `read_picture` has the first; `ImageError` if it cannot be read."""
    suffix = path.suffix.lower()
    if suffix in _HEIF:
        return _heif(path)
    if page == 0:
        return read_picture(path)
    try:
        return _pdf_page(path, page) if suffix == ".pdf" else _frame(path, page)
    except ImageError:
        raise
    except Exception as fault:
        raise ImageError(f"{path}: page {page + 1} cannot be read ({fault or type(fault).__name__}), expected a picture") from fault


def _heif(path: Path) -> np.ndarray:
    """A photo as iPhones keep it; the library turns it upright."""
    try:
        from pillow_heif import HeifImagePlugin  # noqa: F401  # which makes Pillow know the format
    except ImportError as missing:
        raise FastecgError(f"{path}: HEIC needs pillow-heif, expected `pip install 'fastecg[heic]'` to have been run") from missing
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=["HEIF"]) as found:
            _check_size(path, found.width, found.height)
            return np.asarray(_as_rgb(ImageOps.exif_transpose(found)))
    except ImageError:
        raise
    except Exception as fault:
        raise ImageError(f"{path}: cannot be read as a picture ({fault or type(fault).__name__}), expected HEIC or HEIF") from fault


def _frame(path: Path, page: int) -> np.ndarray:
    """A later picture of a TIFF file."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=["TIFF"]) as found:
        found.seek(page)
        _check_size(path, found.width, found.height)
        return np.asarray(_as_rgb(ImageOps.exif_transpose(found)))


def _pdf_page(path: Path, page: int) -> np.ndarray:
    """A later page of a PDF, at 200 dpi or as many as fit."""
    import pypdfium2

    found = pypdfium2.PdfDocument(path)[page]
    width, height = found.get_size()
    if not (0 < width < np.inf and 0 < height < np.inf):
        raise ImageError(f"{path}: page {page + 1} is {width:g} x {height:g} pt, expected a page of some size")
    scale = min(_PDF_DPI / 72, (_MOST_PDF_PIXELS / (width * height)) ** 0.5)
    return np.ascontiguousarray(np.asarray(found.render(scale=scale).to_pil().convert("RGB")))


_MOST_PDF_PIXELS = 30_000_000


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > _MOST_PIXELS:
        raise ImageError(f"{path}: {width} x {height} px, expected at most {_MOST_PIXELS / 1e6:.0f} million")
