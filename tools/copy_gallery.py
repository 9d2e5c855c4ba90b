"""Draw what copiers, faxes and displays make of one page: ``python tools/copy_gallery.py -o copies.jpg``, whole and enlarged."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw

from fastecg.artifact import Artifact
from fastecg.artifacts.bilevel import Bilevel
from fastecg.artifacts.crease_lines import CreaseLines
from fastecg.artifacts.display import Display
from fastecg.artifacts.dither import Dither
from fastecg.artifacts.fax import Fax
from fastecg.artifacts.photocopy import Photocopy
from fastecg.readers import read_record, sample_records
from fastecg.recipe import Recipe
from fastecg.views import Screen, Straight, View

ASLANT = Screen(tilt_deg=15, azimuth_deg=60, roll_deg=1.5)
LOOKS: tuple[tuple[str, View, Artifact], ...] = (
    ("photocopy", Straight(), Photocopy()),
    ("copy of a copy", Straight(), Photocopy(generations=3)),
    ("fax, standard", Straight(), Fax(lines="standard", threshold=0.85)),
    ("fax, fine, dithered", Straight(), Fax(lines="fine", dither=0.6)),
    ("dither", Straight(), Dither()),
    ("dither, clustered", Straight(), Dither(pattern="clustered", cells=8)),
    ("one bit", Straight(), Bilevel(threshold=0.8)),
    ("display", ASLANT, Display()),
    ("display, sharper lens", ASLANT, Display(pitch_mm=0.25, blur_px=0.3)),
    ("crease lines", Straight(), CreaseLines(angle_deg=25)),
)


def gallery(width: int = 520) -> Image.Image:
    """One row a look: the page, and a piece of it four times enlarged."""
    record = read_record(next(iter(sample_records())).path)
    plain = Recipe.load("clean").draw(record, seed=3, style="muse", layout="3x4+1")
    height = round(0.75 * width)
    sheet = Image.new("RGB", (4 * width, -(-len(LOOKS) // 2) * height), "white")
    for k, (name, view, artifact) in enumerate(LOOKS):
        image = Image.fromarray(replace(plain, view=view, artifacts=(artifact,)).take(record).image)
        left, top = k % 2 * 2 * width, k // 2 * height
        piece = image.crop((500, 640, 500 + width // 4, 640 + height // 4)).resize((width, height), Image.Resampling.NEAREST)
        image.thumbnail((width, height), Image.Resampling.BOX)
        sheet.paste(image, (left, top))
        sheet.paste(piece, (left + width, top))
        ImageDraw.Draw(sheet).text((left + 6, top + 4), name, fill=(200, 0, 0))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path("copies.jpg"))
    gallery().save(parser.parse_args().out, quality=88)


if __name__ == "__main__":
    main()
