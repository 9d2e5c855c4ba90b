"""Draw the pictures of the docs and write the pages that show them: ``python tools/make_gallery.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from artifact_strips import strip
from contact_sheet import contact_sheet
from handwriting_sheet import dial_sheet, writers_sheet
from PIL import Image

import fastecg
from fastecg.artifacts import ARTIFACTS
from fastecg.layouts import LAYOUTS
from fastecg.readers import read_record, sample_records
from fastecg.recipe import Recipe
from fastecg.styles import STYLES

DOCS = Path(__file__).parent.parent / "docs"
IMAGES = DOCS / "images"
SHOWN_RECIPES = ("photo", "scan", "aged", "damaged", "copy", "screen", "digital")


def thumbnail(pixels: np.ndarray, width: int) -> Image.Image:
    """A picture resized to `width` px."""
    image = Image.fromarray(pixels)
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def save(image: Image.Image, name: str, quality: int = 82) -> str:
    """Write a picture below the images of the docs. Returns its path relative to the docs."""
    (IMAGES / name).parent.mkdir(parents=True, exist_ok=True)
    image.save(IMAGES / name, quality=quality, optimize=True)
    return f"images/{name}"


def records() -> list[fastecg.Record]:
    """The built-in sample records."""
    return [read_record(source.path) for source in sample_records()]


def crop(pixels: np.ndarray, width: int = 640, height: int = 300) -> np.ndarray:
    """A part of a picture at full size, near the top left corner of the traces."""
    top, left = pixels.shape[0] // 4, 40
    return pixels[top : top + height, left : left + width]


def draw_styles(drawn: list[fastecg.Record]) -> str:
    """Draw a page and a part of it in every style, and return the styles' section as Markdown. Styles take the records `drawn` in turn."""
    rows = []
    for index, style in enumerate(STYLES.values()):
        photo = fastecg.render(drawn[index % len(drawn)], style=style.name, seed=index)
        whole = save(thumbnail(photo.image, 760), f"styles/{style.name}.jpg")
        piece = save(Image.fromarray(crop(photo.image)), f"styles/{style.name}-piece.jpg")
        rows.append(f"### {style.name}\n\n{style.title}.\n\n![{style.name}]({whole})\n\n![{style.name} at full size]({piece})\n")
    return "\n".join(rows)


def draw_layouts(drawn: list[fastecg.Record]) -> str:
    """Draw a page of every layout, and return the layouts' section as Markdown."""
    fifteen = fastecg.simulate(seed=2, leads=(*fastecg.LEADS, "V4R", "V8", "V9"))
    rows = []
    for index, layout in enumerate(LAYOUTS.values()):
        record = fifteen if layout.name == "3x5" else drawn[index % len(drawn)]
        photo = fastecg.render(record, style="philips", layout=layout.name, seed=index)
        picture = save(thumbnail(photo.image, 640), f"layouts/{layout.name.replace('+', '-plus-')}.jpg")
        rows.append(f"### {layout.name}\n\n{layout.title[0].upper()}{layout.title[1:]}.\n\n![{layout.name}]({picture})\n")
    return "\n".join(rows)


def draw_artifacts() -> str:
    """Draw every artifact mild, medium and strong, and return the artifacts' section as Markdown."""
    rows = []
    for kind in ARTIFACTS:
        name = kind.__name__
        picture = save(strip(kind), f"artifacts/{name}.jpg", quality=78)
        first = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        rows.append(f"### {name}\n\n{first}\n\n![{name}: mild, medium, strong]({picture})\n")
    return "\n".join(rows)


def draw_recipes() -> str:
    """Draw twelve pages of each of `SHOWN_RECIPES`, and return their section as Markdown."""
    rows = []
    for name in SHOWN_RECIPES:
        picture = save(contact_sheet(name, pages=12, width=300), f"recipes/{name}.jpg", quality=80)
        rows.append(f"### {name}\n\n{Recipe.load(name).title}.\n\n![pages of {name}]({picture})\n")
    return "\n".join(rows)


def draw_handwriting() -> str:
    """Draw the sheets of twenty writers and of degrees of legibility, and return the section as Markdown."""
    shown = (
        (writers_sheet, "writers", "Twenty writers: hand, forms of letters, pen and phrases are drawn from the seed."),
        (dial_sheet, "legibility", "Three hands from `legibility = 1` down to 0, and how they sign: random letters, nobody's name."),
    )
    rows = []
    for sheet, name, title in shown:
        picture = save(thumbnail(sheet(), 1400), f"handwriting/{name}.jpg", quality=75)
        rows.append(f"{title}\n\n![{name}]({picture})\n")
    return "\n".join(rows)


def draw_readme(drawn: list[fastecg.Record]) -> None:
    """Draw the two pictures of the README."""
    looks = ("muse", "dotphoto", "mortara", "schiller", "scanbold_green", "nk")
    pages = [fastecg.render(drawn[i % len(drawn)], style=look, layout="3x4+1", seed=i) for i, look in enumerate(looks)]
    save(tiled(pages), "readme.jpg")
    pages = [fastecg.render(drawn[i % len(drawn)], recipe=name, layout="3x4+1", seed=8) for i, name in enumerate(SHOWN_RECIPES[:6])]
    save(tiled(pages), "readme-recipes.jpg")


def tiled(photos: list[fastecg.Photo]) -> Image.Image:
    """Six pages in two rows of three, all cut to the height of the lowest page."""
    tiles = [thumbnail(photo.image, 620) for photo in photos]
    height = min(tile.height for tile in tiles)
    sheet = Image.new("RGB", (3 * 640 - 20, 2 * (height + 20) - 20), "white")
    for i, tile in enumerate(tiles):
        sheet.paste(tile.crop((0, 0, tile.width, height)), (i % 3 * 640, i // 3 * (height + 20)))
    return sheet


def main() -> None:
    """Draw all pictures, and write docs/gallery.md."""
    drawn = records()
    draw_readme(drawn)
    (DOCS / "gallery.md").write_text(
        "# Gallery\n\nMade by `tools/make_gallery.py` from the built-in records.\n\n"
        "Any of the styles prints any of the layouts; `fastecg render --style NAME --layout NAME`.\n\n"
        f"## Styles\n\n{draw_styles(drawn)}\n## Layouts\n\n{draw_layouts(drawn)}\n"
        "## Recipes\n\nPages as they come, the severity below each. [Recipes](recipes.md) tells all that they draw.\n\n"
        f"{draw_recipes()}\n"
        f"## Handwriting\n\n{draw_handwriting()}\n"
        f"## What happens to pages\n\nEvery artifact mild, medium and strong.\n\n{draw_artifacts()}",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
