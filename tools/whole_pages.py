"""Measure how whole drawn pages differ from real ones, in addition to ``crops.py``: ``python tools/whole_pages.py FOLDER_OF_IMAGES``.

The measures say how pages are cut, and how light, colour, contrast of the grid and sharpness change over a page from one square of 12.5 mm
to another. The layouts of the real pictures are in the folder that FASTECG_DATA names.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
from crops import Picture, drawn_pictures, real_pictures
from scipy import ndimage

import fastecg
from fastecg.readers import read_record, sample_records

SQUARE_MM = 12.5  # Side of the squares.
DOTTED = ("Edan", "dotphoto", "dashphoto")  # Machines and styles whose paper has dots; one of the real pages by these has none.
#: Recipes of the drawn pages, by kind of picture.
RECIPES = {"photo": ("photo",), "scan": ("scan", "digital")}


def framing_of_real(kind: str) -> list[dict[str, float]]:
    """Measures of how the real pictures of a kind are cut, by their layouts."""
    layouts = json.loads((Path(os.environ["FASTECG_DATA"]) / "real-layouts" / "shared.json").read_text())
    found = []
    for entry in layouts:
        if (entry["source"] == "photo") == (kind == "photo"):
            ends = np.array([[(s["x0"], s["y0"]), (s["x1"], s["y1"])] for s in entry["segments"]], dtype=float)
            found.append(_framing(ends, entry["width"], entry["height"], entry["mm_px"]))
    return found


def framing_of_drawn(kind: str, pages: int, seed: int) -> list[dict[str, float]]:
    """Measures of how drawn pages are cut, by their truth."""
    records = [read_record(source.path) for source in sample_records()]
    found = []
    for k in range(pages):
        recipe = RECIPES[kind][k % len(RECIPES[kind])]
        photo = fastecg.render(records[k % len(records)], recipe=recipe, seed=seed + k)
        height, width = photo.image.shape[:2]
        ends = []
        for trace in photo.truth.traces:
            # The 0 mV line is at about the median of the trace, here of its first and of its last quarter.
            part = max(len(trace.points) // 4, 1)
            x = trace.points[[0, -1], 0]
            y = [float(np.nanmedian(points[:, 1])) for points in (trace.points[:part], trace.points[-part:])]
            ends.append(np.stack([x, y], axis=1))
        found.append(_framing(np.array(ends), width, height, photo.truth.warp.scale))
    return found


def _framing(ends: np.ndarray, width: int, height: int, scale: float) -> dict[str, float]:
    """How a picture is cut, from the ends (n, 2, 2) px of the 0 mV lines of its segments."""
    x, y = ends[..., 0], ends[..., 1]
    return {
        "paper left of the traces, share of the width": float(np.min(x)) / width,
        "paper right of the traces": 1.0 - float(np.max(x)) / width,
        "width shown, mm": width / scale,
        "height shown, mm": height / scale,
        "above the first row, mm": float(np.min(y)) / scale,
        "below the last row, mm": (height - float(np.max(y))) / scale,
    }


def over_the_page(picture: Picture) -> dict[str, float]:
    """Measures of how light, colour, contrast and sharpness change from square to square."""
    side = round(SQUARE_MM * picture.scale)
    rows, columns = (n // side for n in picture.pixels.shape[:2])
    rgb = picture.pixels[: rows * side, : columns * side].astype(float)
    squares = rgb.reshape(rows, side, columns, side, 3).transpose(0, 2, 1, 3, 4).reshape(rows, columns, -1, 3)
    light = np.log(np.maximum(np.quantile(squares, 0.7, axis=2), 1.0))
    # In real pictures, squares whose light or colour is far from the median do not show the page.
    on_page = np.abs(light - np.median(light.reshape(-1, 3), axis=0)).max(axis=2) < 0.35
    if picture.page is not None:
        page = picture.page[: rows * side, : columns * side].reshape(rows, side, columns, side)
        on_page = page.all(axis=(1, 3))
    green, red, blue = light[..., 1], light[..., 0] - light[..., 1], light[..., 2] - light[..., 1]
    fine, coarse = _detail(rgb[..., 1], rows, columns, side)
    sharp, contrast = 0.5 * np.log(fine / coarse), 0.5 * np.log(coarse)
    bare = on_page & np.isfinite(sharp) & np.isfinite(contrast)
    numbers = {
        "light, sd of the logarithm": float(np.std(green[on_page])),
        "light left after a plane": _after_a_plane(green, on_page),
        "red over green, sd of the logarithm": float(np.std(red[on_page])),
        "blue over green": float(np.std(blue[on_page])),
        "red over blue with light, correlation": float(np.corrcoef((red - blue)[on_page], green[on_page])[0, 1]),
    }
    if bare.sum() < 20:
        return numbers
    return numbers | {
        "contrast of the grid with light, correlation": float(np.corrcoef(contrast[bare], green[bare])[0, 1]),
        "contrast of the grid, sd of the logarithm": float(np.std(contrast[bare])),
        "contrast left after a plane": _after_a_plane(contrast, bare),
        "fine over coarse detail, sd of the logarithm": float(np.std(sharp[bare])),
        "fine over coarse left after a plane": _after_a_plane(sharp, bare),
    }


def _detail(green: np.ndarray, rows: int, columns: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Power (rows, columns) of detail of 0.5 to 1 px and of 1 to 4 px on the bare paper of each square; NaN if inks cover most of it."""
    paper = ndimage.gaussian_filter(ndimage.percentile_filter(green[::4, ::4], 75, 9), 2)
    paper = ndimage.zoom(paper, np.array(green.shape) / np.array(paper.shape), order=1, grid_mode=True, mode="nearest")
    share = green / np.maximum(paper, 20.0)
    inked = ndimage.binary_dilation(share < 0.55, iterations=3)
    blurred = [ndimage.gaussian_filter(share, sigma) for sigma in (0.5, 1.0, 4.0)]
    free = (~inked).reshape(rows, side, columns, side)
    count = free.sum(axis=(1, 3))
    found = []
    for one, other in ((0, 1), (1, 2)):
        square = ((blurred[one] - blurred[other]) ** 2).reshape(rows, side, columns, side)
        found.append(np.where(count > 0.4 * side**2, (square * free).sum(axis=(1, 3)) / np.maximum(count, 1), np.nan))
    return found[0], found[1]


def dots(picture: Picture) -> dict[str, float]:
    """How much darker the dots and lines of the grid are than the paper, as shares, at all pixels that are darker than their neighbours."""
    grey = picture.pixels @ np.array((0.299, 0.587, 0.114))
    paper = ndimage.gaussian_filter(ndimage.percentile_filter(grey[::4, ::4], 75, 9), 2)
    paper = ndimage.zoom(paper, np.array(grey.shape) / np.array(paper.shape), order=1, grid_mode=True, mode="nearest")
    share = grey / np.maximum(paper, 20.0)
    parts, _ = ndimage.label(share < 0.62)
    strokes = (np.bincount(parts.ravel()) > 60)[parts] & (parts > 0)
    free = ~ndimage.binary_dilation(strokes, iterations=4)
    if picture.page is not None:
        free &= ndimage.binary_erosion(picture.page, iterations=6)
    depth = 1.0 - share[free & (share == ndimage.minimum_filter(share, 3)) & (share < 0.93)]
    return {"depth of dots, median of a page": float(np.median(depth)), "depth of a page's darkest tenth": float(np.quantile(depth, 0.9))}


def _after_a_plane(values: np.ndarray, where: np.ndarray) -> float:
    """Standard deviation of values (rows, columns) from a plane that is fitted to them, both only where the mask `where` is True."""
    y, x = np.mgrid[-1 : 1 : values.shape[0] * 1j, -1 : 1 : values.shape[1] * 1j]
    plane = np.stack([np.ones(where.sum()), x[where], y[where]], axis=1)
    return float(np.std(values[where] - plane @ np.linalg.lstsq(plane, values[where], rcond=None)[0]))


def table(real: list[dict[str, float]], drawn: list[dict[str, float]], kind: str) -> list[str]:
    """A table of the medians of real and of drawn pages, with the ranges of the middle four fifths."""
    lines = [f"| {kind}s | real, {len(real)} | drawn, {len(drawn)} |", "|---|---|---|"]
    for name in dict.fromkeys(name for numbers in real for name in numbers):
        cells = []
        for side in (real, drawn):
            values = [numbers[name] for numbers in side if name in numbers]
            low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
            cells.append(f"{middle:.3g} ({low:.3g} to {high:.3g})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, help="pictures of real ECG pages")
    options.add_argument("--each", type=int, default=3, help="number of drawn pages for every picture")
    options.add_argument("--seed", type=int, default=5000)
    given = options.parse_args()
    pictures = real_pictures(given.folder)
    for kind in RECIPES:
        real = [picture for picture in pictures if picture.kind == kind]
        print("\n".join(table(framing_of_real(kind), framing_of_drawn(kind, given.each * len(real), given.seed), kind)))
        if kind == "photo":
            drawn = drawn_pictures(real, given.each, given.seed)
            print("\n".join(table([over_the_page(item) for item in real], [over_the_page(item) for item in drawn], kind)))
            dotted = [[dots(item) for item in side if item.source.split()[0] in DOTTED] for side in (real, drawn)]
            print("\n".join(table(*dotted, "photos of dotted paper, page")))


if __name__ == "__main__":
    main()
