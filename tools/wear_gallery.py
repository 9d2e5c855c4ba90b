"""Draw every kind of wear, stain and damage at three strengths, and sheets of pages: ``python tools/wear_gallery.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import fastecg
from fastecg.artifact import Artifact
from fastecg.artifacts import (
    BleedThrough,
    Burn,
    Desk,
    DotMatrix,
    Finger,
    FingerPrint,
    MissingCorner,
    Mould,
    PaperClip,
    Perforation,
    PrintHead,
    PunchHoles,
    RingStain,
    Scratches,
    Staple,
    Stylus,
    Tape,
    Tear,
    ThermalFade,
    WaterStain,
    Yellowing,
)
from fastecg.readers import read_record, sample_records
from fastecg.recipe import Recipe
from fastecg.shot import with_artifacts

#: Mild, medium and strong, and the middle of a close look in shares of the page.
WEAR: tuple[tuple[tuple[Artifact, Artifact, Artifact], tuple[float, float]], ...] = (
    ((ThermalFade(loss=0.2, seed=1), ThermalFade(loss=0.5, seed=2), ThermalFade(loss=0.75, unevenness=0.5, seed=3)), (0.3, 0.4)),
    ((PrintHead(seed=1), PrintHead(spread=0.1, weak_rows=12, dead_rows=3, dead_elements=3, seed=2),
      PrintHead(spread=0.2, weak_rows=40, dead_rows=10, dead_elements=8, fray=0.5, seed=3)), (0.3, 0.4)),
    ((DotMatrix(contrast=0.25), DotMatrix(), DotMatrix(contrast=0.75, bands=0.25, pitch_mm=0.35, ribbon=0.3)), (0.3, 0.4)),
    ((Stylus(loss=0.3), Stylus(loss=0.6), Stylus(loss=0.85, reach_mm=1.5)), (0.3, 0.4)),
    ((BleedThrough(strength=0.05), BleedThrough(strength=0.12, over="top"), BleedThrough(strength=0.3)), (0.5, 0.5)),
    ((Yellowing(age=0.2, seed=1), Yellowing(age=0.5, foxing=20, seed=2), Yellowing(age=1.1, edge=0.7, foxing=120, seed=3)), (0.2, 0.3)),
    ((Scratches(count=4, seed=1), Scratches(count=12, seed=2), Scratches(count=50, strength=0.8, width_mm=0.3, seed=3)), (0.4, 0.4)),
    ((RingStain(strength=0.25, seed=1, drink="tea"), RingStain(seed=2),
      RingStain(strength=1.2, width_mm=4, drips=14, gap=0.1, seed=3)), (0.5, 0.4)),
    ((WaterStain(strength=0.3, seed=1), WaterStain(liquid="tea", strength=0.6, seed=2),
      WaterStain(liquid="coffee", strength=1.0, radius_mm=55, tides=3, bleed=1, seed=3)), (0.4, 0.4)),
    ((Mould(spots=60, strength=0.4, seed=1), Mould(spots=400, colour="green", seed=2),
      Mould(spots=2500, spread_mm=70, size_mm=4, strength=0.9, damp=1.5, seed=3)), (0.2, 0.75)),
    ((FingerPrint(of="grease", seed=1), FingerPrint(seed=2), FingerPrint(of="ink", strength=0.8, seed=3)), (0.3, 0.3)),
    ((Tape(age=0.1, seed=1), Tape(angle_deg=20, age=0.6, seed=2),
      Tape(angle_deg=70, age=1.3, air=0.9, haze=0.2, length_mm=120, seed=3)), (0.45, 0.45)),
    ((Tear(length_mm=15, gap_mm=0.3, seed=1), Tear(seed=2), Tear(length_mm=110, gap_mm=6, lean_deg=-25, fibre_mm=2, seed=3)), (0.4, 0.1)),
    ((MissingCorner(width_mm=10, height_mm=8, seed=1), MissingCorner(seed=2),
      MissingCorner(width_mm=90, height_mm=70, seed=3, fibre_mm=2)), (0.9, 0.9)),
    ((Burn(hole_mm=0, char_mm=0, strength=0.5, seed=1), Burn(seed=2), Burn(hole_mm=18, scorch_mm=14, char_mm=2.5, seed=3)), (0.5, 0.5)),
    ((PunchHoles(), PunchHoles(edge="top", count=2), PunchHoles(count=4, torn=2)), (0.06, 0.35)),
    ((Perforation(seed=1), Perforation(inset_mm=14, seed=2), Perforation(edge="top", tooth_mm=1.2, pitch_mm=3, seed=3)), (0.06, 0.1)),
    ((Staple(), Staple(state="out", rust=0.3), Staple(rust=0.9, angle_deg=5)), (0.08, 0.08)),
    ((PaperClip(), PaperClip(coat="blue", at=0.25, lean_deg=-12), PaperClip(edge="left", coat="brass", length_mm=45)), (0.2, 0.08)),
    ((Finger(reach_mm=12), Finger(edge="right", tone=0.4), Finger(edge="bottom", reach_mm=45, nail=False, tone=0.9)), (0.08, 0.6)),
)  # fmt: skip


def close_look(photo: fastecg.Photo, middle: tuple[float, float], width: int = 420, height: int = 300) -> Image.Image:
    """A piece of the picture at full size."""
    rows, columns = photo.image.shape[:2]
    left = int(np.clip(middle[0] * columns - width / 2, 0, columns - width))
    top = int(np.clip(middle[1] * rows - height / 2, 0, rows - height))
    return Image.fromarray(photo.image[top : top + height, left : left + width])


def small(photo: fastecg.Photo, width: int) -> Image.Image:
    image = Image.fromarray(photo.image)
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def tiled(tiles: list[Image.Image], columns: int) -> Image.Image:
    """Pictures side by side, in rows."""
    wide, tall = max(tile.width for tile in tiles) + 8, max(tile.height for tile in tiles) + 8
    sheet = Image.new("RGB", (wide * columns, tall * -(-len(tiles) // columns)), (90, 90, 90))
    for k, tile in enumerate(tiles):
        sheet.paste(tile, (k % columns * wide, k // columns * tall))
    return sheet


def draw_each(folder: Path) -> None:
    """One picture a kind: above, the pages; below, close looks."""
    record = read_record(sample_records()[0].path)
    shot = Recipe.load("clean").draw(record, style="dotphoto", layout="3x4+1")
    for strengths, middle in WEAR:
        photos = [with_artifacts(shot, Desk(surface="oak"), artifact).take(record) for artifact in strengths]
        tiles = [small(photo, 640) for photo in photos] + [close_look(photo, middle).resize((640, 457)) for photo in photos]
        tiled(tiles, 3).save(folder / f"{type(strengths[0]).__name__}.jpg", quality=90)


def draw_pages(folder: Path, recipe: str, count: int = 12) -> None:
    """A contact sheet of a recipe."""
    records = [read_record(source.path) for source in sample_records()]
    photos = [fastecg.render(records[k % len(records)], recipe=recipe, seed=k) for k in range(count)]
    tiled([small(photo, 640) for photo in photos], 3).save(folder / f"{recipe}.jpg", quality=90)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    draw_each(folder)
    for recipe in ("aged", "damaged"):
        draw_pages(folder, recipe)


if __name__ == "__main__":
    main()
