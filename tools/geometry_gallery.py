"""Pictures of what bends the paper: each artifact at three severities, and each view.

    python tools/geometry_gallery.py OUT

Writes OUT/<artifact>.jpg (mild, medium, severe; whole, and a part at 1:1) and OUT/views.jpg, OUT/compositions.jpg.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import fastecg
from fastecg.artifact import Artifact
from fastecg.artifacts import ARTIFACTS, BookBend, Crease, Curl, Dent, DogEar, FeedJitter, Folds, Wave, Wrinkle
from fastecg.recipe import Recipe
from fastecg.shot import Shot
from fastecg.views import Flatbed, Phone, Screen, View

KINDS = {kind.__name__: kind for kind in ARTIFACTS}
SHOWN: dict[str, tuple[Artifact, Artifact, Artifact]] = {
    "crease": (Crease(angle_deg=20, fold_deg=5), Crease(angle_deg=20, fold_deg=12, loss=0.6), Crease(angle_deg=80, fold_deg=-25, dirt=0.7)),
    "folds": (Folds(fold_deg=5), Folds(pattern="letter", fold_deg=12), Folds(pattern="pocket", fold_deg=-18, loss=0.8)),
    "wrinkle-facets": tuple(Wrinkle(strength=s, seed=4) for s in (0.15, 0.45, 0.9)),
    "wrinkle-folding": tuple(Wrinkle(style="folding", strength=s, seed=6) for s in (0.15, 0.45, 0.9)),
    "dent": tuple(Dent(at_x=0.45, at_y=0.45, angle_deg=4, lift_mm=h) for h in (0.8, 2.0, 4.5)),
    "curl": tuple(Curl(angle_deg=-160, lift_mm=h, start=0.1) for h in (4, 14, 35)),
    "wave": tuple(Wave(angle_deg=10, lift_mm=h, length_mm=130, seed=2) for h in (0.6, 2.0, 6.0)),
    "book_bend": tuple(BookBend(lift_mm=h) for h in (3, 9, 22)),
    "dog_ear": (DogEar(width_mm=9, height_mm=7), DogEar(), DogEar(width_mm=55, height_mm=45, through=0.15)),
    "feed_jitter": tuple(FeedJitter(strain=s, seed=2) for s in (0.003, 0.01, 0.03)),
}  # fmt: skip
VIEWS: tuple[View, ...] = (
    Flatbed(skew_deg=1.5, border_mm=8), Flatbed(skew_deg=-3, turns=1, border_mm=12, lid="black"), Phone(tilt_deg=10, roll_deg=-3, fill=0.9),
    Phone(tilt_deg=28, azimuth_deg=60, lens_k1=-0.03, fill=0.85, distance_mm=300), Phone(tilt_deg=6, fill=1.25, offset_x=0.06),
    Screen(tilt_deg=9, fill=0.9),
)  # fmt: skip
GAP = 10


def main() -> None:
    """Draw everything."""
    options = argparse.ArgumentParser(description="Pictures of what bends the paper.")
    options.add_argument("out", type=Path)
    out: Path = options.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, artifacts in SHOWN.items():
        pages = [taken((artifact,), Phone(tilt_deg=9, azimuth_deg=100, fill=0.92)) for artifact in artifacts]
        sheet([whole(page) for page in pages] + [close(page) for page in pages], 3).save(out / f"{name}.jpg", quality=92)
    sheet([whole(taken((), view)) for view in VIEWS], 3).save(out / "views.jpg", quality=92)
    photo = Recipe.load("photo")
    record = fastecg.simulate("sinus", seed=5)
    sheet([whole(photo.draw(record, seed=k, severity=k / 11).take(record).image) for k in range(12)], 3).save(
        out / "compositions.jpg", quality=92
    )


def taken(artifacts: tuple[Artifact, ...], view: View) -> np.ndarray:
    """A page on thermal paper under a lamp from the upper left."""
    record = fastecg.simulate("sinus", seed=5)
    shot: Shot = Recipe.load("clean").draw(record, style="dotphoto", layout="3x4+1", dpi=170)
    table = (KINDS["Desk"](surface="laminate", seed=1), KINDS["ContactShadow"](), KINDS["Lamp"](elevation_deg=40, falloff=1.2))
    beside = () if isinstance(view, Flatbed | Screen) else table
    return replace(shot, artifacts=(*artifacts, *beside), view=view).take(record).image


def whole(page: np.ndarray) -> Image.Image:
    """All of it, 700 px wide."""
    return Image.fromarray(page).resize((700, round(700 * page.shape[0] / page.shape[1])), Image.Resampling.LANCZOS)


def close(page: np.ndarray) -> Image.Image:
    """A part at 1:1."""
    height, width = page.shape[:2]
    top, left = round(0.3 * height), round(0.28 * width)
    return Image.fromarray(page[top : top + 500, left : left + 700])


def sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures in rows."""
    rows = [pictures[k : k + columns] for k in range(0, len(pictures), columns)]
    heights = [max(picture.height for picture in row) + GAP for row in rows]
    made = Image.new("RGB", (max(sum(picture.width + GAP for picture in row) for row in rows), sum(heights)), "white")
    for row, top in zip(rows, np.cumsum([0, *heights]), strict=False):
        for k, picture in enumerate(row):
            made.paste(picture, (sum(before.width + GAP for before in row[:k]), int(top)))
    return made


if __name__ == "__main__":
    main()
