"""Pictures of light, desks, cameras and scanners: each artifact at three severities, and contact sheets of the recipes.

    python tools/light_gallery.py OUT [--pages 16] [--recipes photo scan]

Writes OUT/<recipe>-<slot>.jpg (the slot alone: mild, middling and severe, whole and a part at three times its size) and
OUT/<recipe>.jpg with OUT/<recipe>-close.jpg (many pages as the recipe draws them).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import fastecg
from fastecg.artifact import Artifact
from fastecg.recipe import Recipe
from fastecg.shot import Shot, with_artifacts
from fastecg.vary import stream
from fastecg.views import Phone

SAMPLES = sorted((Path(fastecg.__file__).parent / "data" / "samples").glob("*.hea"))
SEVERITIES = (0.1, 0.5, 0.95)
GAP = 12


def main() -> None:
    """Draw everything."""
    options = argparse.ArgumentParser(description="Pictures of light, desks, cameras and scanners.")
    options.add_argument("out", type=Path)
    options.add_argument("--pages", type=int, default=16)
    options.add_argument("--recipes", nargs="*", default=["photo", "scan"])
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.recipes:
        recipe = Recipe.load(name)
        show_recipe(recipe, given.pages, given.out)
        for slot, vary in recipe.slots:
            if vary.kind.bend is Artifact.bend and vary.kind.stain is Artifact.stain:
                show_slot(recipe, slot, given.out)


def show_slot(recipe: Recipe, slot: str, out: Path) -> None:
    """One slot alone, on a page with a curl and a fold on a plain desk, at three severities."""
    record, vary = _record(0), replace(dict(recipe.slots)[slot], chance=(1.0, 1.0))
    pages = []
    for severity in SEVERITIES:
        artifact = vary.draw(stream(0, "gallery", slot), severity)
        pages.append(with_artifacts(_plain_shot(record), *_paper(), artifact).take(record).image)
    _sheet([_whole(page) for page in pages] + [_close(page) for page in pages], 3).save(out / f"{recipe.name}-{slot}.jpg", quality=90)


def show_recipe(recipe: Recipe, count: int, out: Path) -> None:
    """Pages as the recipe draws them, whole and from near."""
    pages = [recipe.draw(_record(seed), seed=seed).take(_record(seed)).image for seed in range(count)]
    _sheet([_whole(page) for page in pages], 4).save(out / f"{recipe.name}.jpg", quality=90)
    _sheet([_close(page) for page in pages], 4).save(out / f"{recipe.name}-close.jpg", quality=90)


def _record(number: int) -> fastecg.Record:
    return fastecg.read_record(SAMPLES[number % len(SAMPLES)].with_suffix(""))


def _plain_shot(record: fastecg.Record) -> Shot:
    """A page on thermal paper seen at a small angle, nothing else."""
    shot = Recipe.load("clean").draw(record, style="dotphoto", layout="3x4+1", dpi=140)
    return replace(shot, view=Phone(tilt_deg=8, roll_deg=-2, fill=0.9))


def _paper() -> tuple[Artifact, ...]:
    """What light and cameras need to show what they do: relief, and something beside the page."""
    table = {
        "curl": {"kind": "Curl", "angle_deg": 0, "lift_mm": 8},
        "folds": {"kind": "Folds", "pattern": "half", "fold_deg": 6, "seed": 1},
        "desk": {"kind": "Desk", "surface": "laminate", "seed": 1},
        "lamp": {"kind": "Lamp", "falloff": 1.0, "relief": 0.5},
    }
    slots = Recipe.from_dict({"slots": table}, "gallery").slots
    return tuple(artifact for slot, vary in slots if (artifact := vary.draw(stream(0, "gallery", slot), 0.0)) is not None)


def _whole(page: np.ndarray) -> Image.Image:
    """The page, 480 px wide."""
    picture = Image.fromarray(page)
    return picture.resize((480, round(480 * page.shape[0] / page.shape[1])), Image.Resampling.LANCZOS)


def _close(page: np.ndarray) -> Image.Image:
    """A part at three times its size, pixel by pixel."""
    top, left = page.shape[0] * 2 // 5, page.shape[1] * 2 // 5
    return Image.fromarray(page[top : top + 120, left : left + 160]).resize((480, 360), Image.Resampling.NEAREST)


def _sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures side by side on white."""
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (columns * (480 + GAP), sum(heights) + GAP * len(rows)), "white")
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for place, picture in enumerate(row):
            sheet.paste(picture, (place * (480 + GAP), top))
        top += height + GAP
    return sheet


if __name__ == "__main__":
    main()
