"""Draw the truth over pictures, or show both on a web page, so that one can see whether they agree; see ``fastecg inspect``."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from fastecg.errors import ImageError
from fastecg.kernels.runs import runs_of
from fastecg.layouts.paper import check_range
from fastecg.record import LEADS
from fastecg.system.pictures import read_image
from fastecg.writers.image import FORMATS, write_atomic, write_image
from fastecg.writers.truth_json import load_truth, reading_truth

if TYPE_CHECKING:
    from PIL import Image

RGB = tuple[int, int, int]

#: Colours of the standard leads. Leads that are neighbours on a page have different colours, and none is close to the red of a grid.
LEAD_COLOURS: tuple[RGB, ...] = (
    (0, 110, 220), (0, 150, 60), (150, 60, 200), (200, 90, 0), (0, 150, 160), (110, 110, 0),
    (220, 0, 110), (60, 60, 230), (0, 130, 110), (160, 80, 60), (120, 0, 160), (80, 130, 0),
)  # fmt: skip
HIDDEN: RGB = (255, 0, 255)
BOX: RGB = (0, 160, 255)
GRID: RGB = (0, 170, 0)

_NOT_PICTURES = (".mask", ".layers", ".inspect")  # Ends of the stems of image files that are not pictures of pages.


@dataclass(frozen=True, eq=False)
class Segment:
    """One lead segment of a truth file: positions (x, y) of its samples in px, (n, 2), and whether each is visible, (n,) bool."""

    lead: str
    points: np.ndarray
    visible: np.ndarray

    @property
    def colour(self) -> RGB:
        """The colour of the segment's lead. Leads beyond the standard twelve share the colours of these."""
        return LEAD_COLOURS[LEADS.index(self.lead) if self.lead in LEADS else sum(self.lead.encode()) % 12]


def inspect_image(path: str | os.PathLike[str], out: str | os.PathLike[str] | None = None, *, zoom: int = 1) -> Path:
    """Draw an image's truth over it.

    Parameters
    ----------
    path : path
        The image; its truth is the ``.json`` of the same stem.
    out : path, optional
        The file to write; by default ``<stem>.inspect.png`` beside the image.
    zoom : int
        Factor by which the image is enlarged.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ImageError
        If the image or its truth is missing or cannot be read.
    """
    image_path = Path(path)
    target = Path(out) if out is not None else image_path.with_name(image_path.stem + ".inspect.png")
    truth, image = _truth_of(image_path), read_image(image_path)
    with reading_truth(image_path.with_suffix(".json").name):
        picture, dpi = draw_truth(image, truth, zoom=zoom), float(truth["resolution"]) * zoom
        check_range("dpi", float(truth["resolution"]))
    write_image(target, picture, dpi=dpi)
    return target


def inspect_folder(folder: str | os.PathLike[str], out: str | os.PathLike[str] | None = None, *, limit: int = 20) -> tuple[Path, int, int]:
    """Write one web page with small copies of a folder's images, which can be filtered; a click shows an image with its truth.

    Parameters
    ----------
    folder : path
        Searched with its sub-folders for images that have a truth file.
    out : path, optional
        The file to write; by default ``inspect.html`` in the folder. It contains the images as JPEG, so it may be moved or sent alone.
    limit : int
        Largest number of images to show.

    Returns
    -------
    (Path, int, int)
        The file that was written, the number of images that it shows, and the number of all images.

    Raises
    ------
    ImageError
        If there is no image with truth.
    """
    root = Path(folder)
    target = Path(out) if out is not None else root / "inspect.html"
    images = list(_images_in(root))
    if not images:
        raise ImageError(f"{root}: no image with its truth (.json) in it, expected what `fastecg render` makes")
    shown = images[:limit]
    figures = "\n".join(_figure(path, _link(os.path.relpath(path, target.parent))) for path in shown)
    write_atomic(target, _page(figures).encode("utf-8", "replace"))
    return target, len(shown), len(images)


def draw_truth(image: np.ndarray, truth: dict[str, Any], *, zoom: int = 1) -> np.ndarray:
    """The image with its truth over it: traces in their lead's colour, hidden samples magenta, boxes blue, crossings of 5 mm lines green.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3) or (height, width) uint8
    truth : dict
        The content of the image's truth file.
    zoom : int
        Factor by which the image is enlarged.

    Returns
    -------
    ndarray, shape (height * zoom, width * zoom, 3) uint8
    """
    from PIL import Image, ImageDraw

    pixels = np.repeat(np.repeat(image, zoom, axis=0), zoom, axis=1)
    picture = Image.fromarray(pixels).convert("RGB")
    pen = ImageDraw.Draw(picture)

    def to_pixels(points: np.ndarray) -> list[tuple[int, int]]:
        """Pixels of the enlarged picture for points of the image. The centre of a pixel is mapped to the centre of its enlarged square, and
        results are rounded, because Pillow would truncate them.
        """
        return [(round(x), round(y)) for x, y in (points * zoom + (zoom - 1) / 2).tolist()]

    for x, y in to_pixels(_points(truth["fastecg"]["grid"]["px"])):
        pen.line([(x - 2, y), (x + 2, y)], fill=GRID)
        pen.line([(x, y - 2), (x, y + 2)], fill=GRID)
    for box in truth["fastecg"]["boxes"]:
        corners = to_pixels(_points(box["corners"]))
        pen.line([*corners, corners[0]], fill=BOX)
    for segment in segments(truth):
        for run in _runs(np.isfinite(segment.points).all(axis=1)):
            pen.line(to_pixels(segment.points[run]), fill=segment.colour, width=zoom)
        hidden = segment.points[~segment.visible & np.isfinite(segment.points).all(axis=1)]
        pen.point(to_pixels(hidden), fill=HIDDEN)
    return np.asarray(picture)


def segments(truth: dict[str, Any]) -> Iterator[Segment]:
    """Yield the lead segments of a truth file."""
    for entry, visible in zip(truth["leads"], truth["fastecg"]["visible"], strict=True):
        points = _points(entry["plotted_pixels"])[:, ::-1]  # files have (y, x)
        yield Segment(entry["lead_name"], points, np.asarray(visible, dtype=bool))


def _points(values: Sequence[Any]) -> np.ndarray:
    """Points of a truth file as an array (n, 2), with NaN for null."""
    return np.array(values, dtype=np.float64).reshape(-1, 2)


def _runs(good: np.ndarray) -> list[slice]:
    """Ranges of consecutive True in an array (n,)."""
    return [slice(start, stop) for start, stop in runs_of(good).tolist()]


def _truth_of(image: Path) -> dict[str, Any]:
    """The content of an image's truth file."""
    path = image.with_suffix(".json")
    if not image.is_file():
        raise ImageError(f"{image}: there is no such image, expected one that `fastecg render` made")
    if not path.is_file():
        raise ImageError(f"{image}: its truth is missing, expected {path.name} beside it")
    return load_truth(path)


def _images_in(folder: Path) -> Iterator[Path]:
    """Yield the images that have a truth file, in the order of their names."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in FORMATS and not path.stem.endswith(_NOT_PICTURES) and path.with_suffix(".json").is_file():
            yield path


# --- the web page --------------------------------------------------------------------------------------------------------------

_PAGE = Path(__file__).parent / "inspect.html"
# Comments in the template that are replaced by the figures and the content security policy.
_FIGURES_MARK = "<!-- figures -->"
_POLICY_MARK = "<!-- policy -->"
_THUMBNAIL_PX = 320  # Larger side of a small copy.


def _page(figures: str) -> str:
    """The web page. Truth files may come from anybody, so their content is escaped, and a policy allows only the page's own script."""
    page = _PAGE.read_text(encoding="utf-8")
    script, style = (_digest(page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]) for tag in ("script", "style"))
    policy = f"default-src 'none'; img-src data:; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page.replace(_POLICY_MARK, head, 1).replace(_FIGURES_MARK, figures, 1)


def _digest(text: str) -> str:
    """The hash of an inline script or style, by which a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _link(path: str) -> str:
    """A relative path as a URL; characters such as ``:`` and ``?`` in names of folders are escaped."""
    return quote(Path(path).as_posix().encode("utf-8", "surrogateescape"))


def _figure(path: Path, link: str) -> str:
    """The HTML of one image. Errors name the image's truth file."""
    with reading_truth(path.with_suffix(".json").name):
        return _figure_of(path, link, _truth_of(path))


def _figure_of(path: Path, link: str, truth: dict[str, Any]) -> str:
    """The HTML of one image: a small copy, the values for filters, and what a click shows."""
    own = truth["fastecg"]
    kinds = " ".join(sorted({str(item["kind"]) for item in own["shot"]["artifacts"]}))
    filters = {"recipe": own["recipe"], "layout": own["layout"], "style": own["style"], "artifact": kinds}
    data = " ".join(f'data-{name}="{html.escape(str(value))}"' for name, value in filters.items())
    title = html.escape(f"{path.name}: {own['recipe']}, {own['layout']}, {own['style']}, seed {own['seed']}")
    small, whole = _within_the_page(path)
    return (
        f'<figure {data}><img src="{small}" alt=""><figcaption>{title}</figcaption>'
        f'<template><b><a href="{html.escape(link)}">{title}</a></b><div class="full"><img src="{whole}" alt="">{_overlay(truth)}</div>'
        f"<pre>{html.escape(json.dumps(own['shot'], indent=1, ensure_ascii=False))}</pre></template></figure>"
    )


def _within_the_page(path: Path) -> tuple[str, str]:
    """A small copy of an image and the image itself, as data URLs."""
    from PIL import Image

    whole = Image.fromarray(read_image(path)).convert("RGB")
    small = whole.copy()
    small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    return _jpeg_url(small, 75), _jpeg_url(whole, 85)


def _jpeg_url(picture: Image.Image, quality: int) -> str:
    """The picture as the data URL of a JPEG."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _overlay(truth: dict[str, Any]) -> str:
    """The truth as SVG. Its view box begins at -0.5, so that coordinates count from the centre of the first pixel, as in the truth."""
    own = truth["fastecg"]
    traces = "".join(_trace_svg(segment) for segment in segments(truth))
    boxes = "".join(_box_svg(box) for box in own["boxes"])
    crosses = "".join(f"M{x - 3:.1f} {y:.1f}h6M{x:.1f} {y - 3:.1f}v6" for x, y in _finite(_points(own["grid"]["px"])))
    return (
        f'<svg viewBox="-0.5 -0.5 {int(truth["width"])} {int(truth["height"])}"><g class="lattice"><path class="grid" d="{crosses}"/></g>'
        f'<g class="boxes">{boxes}</g>{traces}</svg>'
    )


def _trace_svg(segment: Segment) -> str:
    """A segment as SVG lines, and its hidden samples as dots."""
    red, green, blue = segment.colour
    finite = np.isfinite(segment.points).all(axis=1)
    lines = (f'<polyline stroke="rgb({red},{green},{blue})" points="{_points_text(segment.points[run])}"/>' for run in _runs(finite))
    dots = "".join(f"M{x:.1f} {y:.1f}h.1" for x, y in segment.points[finite & ~segment.visible])
    return f'<g class="traces">{"".join(lines)}</g>' + (f'<path class="hidden" d="{dots}"/>' if dots else "")


def _box_svg(box: dict[str, Any]) -> str:
    """A box as SVG. Its kind and words are shown when the mouse is over its line."""
    title = html.escape(f"{box['kind']} {box['words']}".strip())
    return f'<polygon points="{_points_text(_points(box["corners"]))}"><title>{title}</title></polygon>'


def _points_text(points: np.ndarray) -> str:
    """Points (n, 2) as SVG writes them, without those that are not finite."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in _finite(points).tolist())


def _finite(points: np.ndarray) -> np.ndarray:
    """The points (m, 2), of points (n, 2), whose coordinates are both finite."""
    return points[np.isfinite(points).all(axis=1)]
