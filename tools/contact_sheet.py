"""Draw pages of a recipe side by side: ``python tools/contact_sheet.py photo -o photo.jpg``. ``--zoom 4`` enlarges parts of pages."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import fastecg
from fastecg.readers import read_record, sample_records

COLUMNS = 6  # Number of pages in a row; there are 8 px between pages.


def tile(photo: fastecg.Photo, width: int, height: int, zoom: int) -> Image.Image:
    """The whole picture made smaller if `zoom` is 0; otherwise a part around a visible sample, enlarged by `zoom` without smoothing."""
    image = Image.fromarray(photo.image)
    if not zoom:
        image.thumbnail((width, height), Image.Resampling.BOX)
        return image
    wide, high = min(width // zoom, image.width), min(height // zoom, image.height)
    points = np.concatenate([trace.points[trace.visible] for trace in photo.truth.traces])
    x, y = points[len(points) // 3] if len(points) else (image.width / 2, image.height / 2)
    left, top = (int(np.clip(c - s / 2, 0, whole - s)) for c, s, whole in ((x, wide, image.width), (y, high, image.height)))
    return image.crop((left, top, left + wide, top + high)).resize((wide * zoom, high * zoom), Image.Resampling.NEAREST)


def contact_sheet(
    recipe: str, pages: int = 24, seed: int = 0, width: int = 480, zoom: int = 0, severity: float | None = None
) -> Image.Image:
    """Draw pages of a recipe side by side, with the seed, severity and style below each and, for a mix, the recipe that drew the page."""
    records = [read_record(source.path) for source in sample_records()] + [fastecg.simulate("any", seed=seed + k) for k in range(pages)]
    height = round(0.8 * width)
    sheet = Image.new("RGB", (COLUMNS * (width + 8), -(-pages // COLUMNS) * (height + 8)), (60, 60, 60))
    draw = ImageDraw.Draw(sheet)
    for k in range(pages):
        photo = fastecg.render(records[k % len(records)], recipe=recipe, seed=seed + k, severity=severity)
        left, top = k % COLUMNS * (width + 8), k // COLUMNS * (height + 8)
        sheet.paste(tile(photo, width, height, zoom), (left, top))
        mixed = photo.shot.recipe.partition("/")[2]
        draw.text((left + 4, top + height - 12), f"{seed + k}  {photo.shot.severity:.2f}  {photo.shot.style}  {mixed}", fill=(255, 220, 0))
    return sheet


def main() -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("-o", "--out", type=Path, default=Path("contact-sheet.jpg"))
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=480, help="width of one page, px")
    parser.add_argument("--zoom", type=int, default=0, help="enlarge part of each page by this factor; 0 shows whole pages")
    parser.add_argument("--severity", type=float)
    given = parser.parse_args()
    sheet = contact_sheet(given.recipe, given.pages, given.seed, given.width, given.zoom, given.severity)
    sheet.save(given.out, quality=88)


if __name__ == "__main__":
    main()
