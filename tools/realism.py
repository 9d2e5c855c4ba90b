"""Compare drawn pages with pictures of real pages: ``python tools/realism.py FOLDER_OF_IMAGES``.

Colours of paper and ink, width of the trace, noise, light and spectrum are measured on every picture of the folder and on `--each` times as
many drawn pages, and written into the tables of ``docs/realism.md``. The text between the tables is kept. Real pictures whose light is
uneven count as photos and are compared with pages of the recipe photo, the others as scans and with pages of scan. A classifier separates
crops of real and of drawn pages (``tools/crops.py``). It takes the layouts of the real pictures, and further scans, from the folder that
FASTECG_DATA names.
"""

from __future__ import annotations

import argparse
import io
from itertools import pairwise
from pathlib import Path

import numpy as np
from crops import report
from PIL import Image
from scipy import ndimage
from sections import with_section
from skimage.color import rgb2lab
from skimage.morphology import skeletonize

import fastecg
from fastecg.readers import read_record, sample_records

PAGE = Path(__file__).parent.parent / "docs" / "realism.md"
RECIPES = ("photo", "scan")
LIGHT = "paper, brightest to darkest (p95/p5)"
UNEVEN = 1.05  # A picture whose light has a larger ratio is a photo. Scans have even light, because a scanner's lamp moves with its head.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
BLOCK = 16  # Side in px of the blocks in which brightness and noise are measured.
#: Filter that is 0 on slopes and edges along x or y, and so responds to noise alone (Immerkær).
LAPLACE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=float)

#: Measures of one picture, by name.
Measured = dict[str, float]
#: By name of a group of pictures: the measures of each, and its pixels of paper and of ink (n, 3) in Lab.
Groups = dict[str, list[tuple[Measured, dict[str, np.ndarray]]]]


def inner(pixels: np.ndarray) -> np.ndarray:
    """The middle three quarters of a picture, where the page is."""
    height, width = pixels.shape[:2]
    return pixels[height // 8 : -height // 8, width // 8 : -width // 8]


def backgrounds(grey: np.ndarray) -> np.ndarray:
    """Brightness (height, width) of the paper at every pixel: the 80 % quantile of every block, smoothed."""
    rows, columns = (n // BLOCK for n in grey.shape)
    blocks = grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    high = np.quantile(blocks, 0.8, axis=(1, 3))
    smooth = ndimage.gaussian_filter(high, 1.5, mode="nearest")
    return np.asarray(ndimage.zoom(smooth, (grey.shape[0] / rows, grey.shape[1] / columns), order=1, grid_mode=True, mode="nearest"))


def measured(pixels: np.ndarray) -> tuple[Measured, dict[str, np.ndarray]]:
    """Measures of one picture, and 4000 to 8000 of its pixels (all if there are fewer) each of paper and of ink, (n, 3) in Lab."""
    page = inner(pixels).astype(float)
    grey = page @ (0.299, 0.587, 0.114)
    paper = backgrounds(grey)
    ink = grey < 0.5 * paper
    lab = rgb2lab(page / 255.0)
    clean = grey > 0.93 * paper  # paper without ink and grid
    shown = {"paper": lab[clean][:: max(1, clean.sum() // 4000)], "ink": lab[ink][:: max(1, ink.sum() // 4000)]}
    numbers = {
        **dict(zip(("paper L*", "paper a*", "paper b*"), np.median(lab[clean], axis=0), strict=True)),
        **dict(zip(("ink L*", "ink a*", "ink b*"), np.median(lab[ink], axis=0) if ink.any() else np.full(3, np.nan), strict=True)),
        "trace width, ‰ of the picture's": 1000 * trace_width(ink) / pixels.shape[1],
        LIGHT: float(np.quantile(paper, 0.95) / max(np.quantile(paper, 0.05), 1.0)),
        "slope of the power spectrum": spectrum_slope(grey),
        **noise_by_brightness(grey),
    }
    return numbers, shown


def trace_width(ink: np.ndarray) -> float:
    """Mean width of traces in px: the area of the ink over the length of its middle line, without parts of less than 200 px."""
    labels, count = ndimage.label(ink, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    strokes = (sizes >= 200)[labels]
    length = skeletonize(strokes).sum()
    return float(strokes.sum() / length) if length else float("nan")


def noise_by_brightness(grey: np.ndarray) -> Measured:
    """Standard deviation of noise in the calmest blocks of darker and of brighter paper, by Immerkær's estimate.

    The estimate includes the grid, if lines are closer than the side of a block. It is NaN if there are fewer than 20 blocks.
    """
    # With this factor, the mean of the filter's absolute value over noise is the standard deviation of the noise.
    residual = np.abs(ndimage.convolve(grey, LAPLACE)) * np.sqrt(np.pi / 2) / 6
    rows, columns = (n // BLOCK for n in grey.shape)
    blocks = [plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK) for plane in (grey, residual)]
    level, sigma = blocks[0].mean(axis=(1, 3)).ravel(), blocks[1].mean(axis=(1, 3)).ravel()
    found = {}
    for name, low, high in (("below 190", 0, 190), ("above 190", 190, 256)):
        chosen = sigma[(level >= low) & (level < high)]
        found[f"grid and grain of paper {name}, levels"] = float(np.quantile(chosen, 0.05)) if len(chosen) >= 20 else float("nan")
    return found


def spectrum_slope(grey: np.ndarray) -> float:
    """Exponent of the power spectrum as a function of frequency, between 0.05 and 0.4 cycles per px."""
    side = min(*grey.shape, 512)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    crop = grey[top : top + side, left : left + side]
    window = np.hanning(side)
    power = np.abs(np.fft.fft2((crop - crop.mean()) * window[:, None] * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    edges = np.geomspace(0.05, 0.4, 13)
    bins = [power[(frequency >= a) & (frequency < b)].mean() for a, b in pairwise(edges)]
    return float(np.polyfit(np.log(np.sqrt(edges[:-1] * edges[1:])), np.log(bins), 1)[0])


def reference_pictures(folder: Path) -> list[np.ndarray]:
    """All pictures of a folder as (height, width, 3) uint8."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise SystemExit(f"{folder}: no pictures in it, expected {', '.join(SUFFIXES)}")
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def drawn_pictures(recipe: str, widths: list[int], each: int) -> list[np.ndarray]:
    """`each` pages of a recipe for each of `widths` (px, of real pictures), reduced to this width if they are wider, and saved as JPEG."""
    records = [read_record(source.path) for source in sample_records()]
    found = []
    for k in range(each * len(widths)):
        image = Image.fromarray(fastecg.render(records[k % len(records)], recipe=recipe, seed=k).image)
        width = min(widths[k % len(widths)], image.width)
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
        held = io.BytesIO()
        image.save(held, "JPEG", quality=85)
        found.append(np.asarray(Image.open(held).convert("RGB")))
    return found


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Share (0 to 1) of the values of two samples that their histograms have in common."""
    low, high = np.quantile(np.concatenate([one, other]), (0.002, 0.998))
    edges = np.linspace(low, high, 25)
    counts = [np.histogram(np.clip(values, low, high), edges)[0] / len(values) for values in (one, other)]
    return float(np.minimum(*counts).sum())


def spread(values: np.ndarray) -> str:
    """The median and the range of the middle four fifths, as text; "too few" for fewer than three values."""
    if len(values) < 3:
        return "too few"
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def table(groups: Groups) -> str:
    """The table of measures of real pictures and of drawn pages. Medians of drawn pages outside the range of real ones are bold."""
    lines = ["| | " + " | ".join(f"{name}, {len(group)}" for name, group in groups.items()) + " |", "|---" * (len(groups) + 1) + "|"]
    for key in next(iter(groups.values()))[0][0]:
        cells = []
        for recipe in RECIPES:
            real, drawn = (np.array([numbers[key] for numbers, _ in groups[name]]) for name in (f"real {recipe}s", recipe))
            real, drawn = real[np.isfinite(real)], drawn[np.isfinite(drawn)]
            within = min(len(real), len(drawn)) < 3 or np.quantile(real, 0.1) <= np.median(drawn) <= np.quantile(real, 0.9)
            cells += [spread(real), spread(drawn) if within else f"**{spread(drawn)}**"]
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def overlaps(groups: Groups) -> str:
    """The table of the shares that histograms of paper and ink of drawn pages have in common with those of real pictures."""
    pooled = {
        name: {what: np.concatenate([shown[what] for _, shown in group]) for what in ("paper", "ink")} for name, group in groups.items()
    }
    lines = ["| histogram | " + " | ".join(RECIPES) + " |", "|---" * (len(RECIPES) + 1) + "|"]
    for what in ("paper", "ink"):
        for channel, name in enumerate(("L*", "a*", "b*")):
            shares = [overlap(pooled[f"real {recipe}s"][what][:, channel], pooled[recipe][what][:, channel]) for recipe in RECIPES]
            lines.append(f"| {what} {name} | " + " | ".join(f"{100 * share:.0f} %" for share in shares) + " |")
    return "\n".join(lines)


def filled(text: str, parts: dict[str, str]) -> str:
    """The text of the page with `parts` between the markers of its sections, by name of the section."""
    for name, part in parts.items():
        text = with_section(text, name, part)
    return text


def main() -> None:
    """Compare the pictures, and write the tables."""
    options = argparse.ArgumentParser(description="Compare drawn pages with pictures of real ones.")
    options.add_argument("folder", type=Path, help="pictures of real ECG pages")
    options.add_argument("--each", type=int, default=3, help="number of drawn pages for every picture")
    options.add_argument("--only-crops", action="store_true", help="only print the tables of crops, and write nothing")
    given = options.parse_args()
    crop_tables = report(given.folder, given.each)
    if given.only_crops:
        print(crop_tables)
        return
    real = [(measured(picture), picture.shape[1]) for picture in reference_pictures(given.folder)]
    groups: Groups = {}
    for recipe in RECIPES:
        kind = [(found, width) for found, width in real if (found[0][LIGHT] > UNEVEN) == (recipe == "photo")]
        groups[f"real {recipe}s"] = [found for found, _ in kind]
        groups[recipe] = [measured(picture) for picture in drawn_pictures(recipe, [width for _, width in kind], given.each)]
    text = filled(PAGE.read_text(encoding="utf-8"), {"numbers": table(groups), "overlaps": overlaps(groups), "crops": crop_tables})
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
