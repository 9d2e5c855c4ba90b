"""Measure how far labels are from what they label, for fastecg, albumentations and kornia: ``python tools/compare_truth.py``.

A page with dots every 5 mm is bent, and the centroid of every dot is measured in the picture. The error of a label is its distance from the
centroid of its dot. The results are written into the table of docs/exact-truth.md. albumentations and kornia have to be installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sections import rewrite

import fastecg
from fastecg.artifact import Artifact
from fastecg.artifacts import Crease, Curl, Folds, Wave, Wrinkle
from fastecg.kernels.capsule import stroke_polyline
from fastecg.page import Page
from fastecg.recipe import Recipe
from fastecg.sheet import Sheet
from fastecg.shot import Shot, with_artifacts
from fastecg.styles import Style
from fastecg.views import Phone

ROOT = Path(__file__).parent.parent
DPI, STEP_MM, DOT_MM = 150.0, 5.0, 0.9  # Resolution of the pictures, distance of the dots, and their diameter.
#: Darkness (height, width) 0 to 1 of a picture of dots, and their labels (n, 2) px; NaN where a label was lost.
Dots = tuple[np.ndarray, np.ndarray]


def dot_page() -> tuple[np.ndarray, np.ndarray]:
    """A flat white page with black dots: (height, width, 3) uint8, and the dots' centres in px."""
    size = (round(215.9 * DPI / 25.4), round(279.4 * DPI / 25.4))
    x, y = np.meshgrid(np.arange(15.0, 270, STEP_MM), np.arange(15.0, 205, STEP_MM))
    centres = np.stack([x, y], axis=-1).reshape(-1, 2) * DPI / 25.4 - 0.5
    plane = np.zeros(size, np.uint8)
    for centre in centres:
        stroke_polyline(centre[None], DOT_MM * DPI / 25.4, plane)
    return np.repeat(255 - plane[..., None], 3, axis=2), centres


def errors(darkness: np.ndarray, labels: np.ndarray, reach: int = 9) -> tuple[np.ndarray, int]:
    """Distances (n,) in px of labels from the nearest dots, and the number of labels that are lost (NaN) or have no dot within `reach` px.

    Labels that are outside the picture, or at most `reach` px from its edge, do not count.
    """
    found, lost = [], 0
    height, width = darkness.shape
    for x, y in labels:
        if not (reach < x < width - reach - 1 and reach < y < height - reach - 1):
            lost += bool(np.isnan(x))
            continue
        centre = np.rint([x, y]).astype(int)
        for _ in range(3):  # Each time, the window is moved to the centroid of the ink in it.
            rows, columns = (np.arange(c - reach, c + reach + 1) for c in centre[::-1])
            if rows[0] < 0 or columns[0] < 0 or rows[-1] >= height or columns[-1] >= width:
                break
            # Darkness up to 0.12 is taken for shaded paper.
            window = np.clip(darkness[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] - 0.12, 0, None)
            if window.sum() < 1:
                break
            centroid = np.array([(window.sum(0) * columns).sum(), (window.sum(1) * rows).sum()]) / window.sum()
            centre = np.rint(centroid).astype(int)
        else:
            found.append(np.hypot(*(centroid - [x, y])))
            continue
        lost += 1
    return np.array(found), lost


def ours(*artifacts: Artifact, **pose: float) -> Callable[[], Dots]:
    """A function that prints the dots with fastecg, adds artifacts and takes a picture: by a phone with `pose`, straight without `pose`."""

    def take() -> Dots:
        _, centres = dot_page()
        record = fastecg.simulate(seed=1)
        shot = Recipe.load("clean").sample(record, dpi=DPI, style="muse", layout="3x4")
        shot = replace(with_artifacts(shot, *artifacts), view=Phone(**pose) if pose else shot.view)
        photo = DotShot(**vars(shot)).take(record)
        labels = photo.truth.to_image((centres + 0.5) * 25.4 / DPI)
        return 1 - photo.image.mean(axis=2) / 255, labels

    return take


class DotShot(Shot):
    """A shot of the page of dots instead of that of a record. Everything after printing is the same."""

    def _print(self, page: Page, style: Style, scale: float) -> Sheet:
        sheet = super()._print(page, style, scale)
        plane = np.zeros(sheet.ink.shape, np.uint8)
        _, centres = dot_page()
        for centre in (centres + 0.5) * 25.4 / DPI * scale - 0.5:
            stroke_polyline(centre[None], DOT_MM * scale, plane)
        return replace(sheet, pixels=np.repeat(255 - plane[..., None], 3, axis=2))


def theirs(transform: str, **options: object) -> Callable[[], Dots]:
    """A function that moves the dots, as pixels and as key points, by a transform of albumentations."""

    def take() -> Dots:
        import albumentations

        pixels, centres = dot_page()
        numbered = {"format": "xy", "remove_invisible": False, "label_fields": ["number"]}
        move = getattr(albumentations, transform)(p=1.0, fill=255, **options)
        chain = albumentations.Compose([move], keypoint_params=albumentations.KeypointParams(**numbered), seed=3)
        moved = chain(image=pixels, keypoints=centres, number=np.arange(len(centres)))
        labels = np.full_like(centres, np.nan)
        labels[np.asarray(moved["number"], int)] = np.asarray(moved["keypoints"])[:, :2]
        return 1 - moved["image"].mean(axis=2) / 255, labels

    return take


def kornias(transform: str, **options: object) -> Callable[[], Dots]:
    """A function that moves the dots, as pixels and as key points, by a transform of kornia."""

    def take() -> Dots:
        import kornia.augmentation
        import torch

        torch.manual_seed(3)
        pixels, centres = dot_page()
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        move = getattr(kornia.augmentation, transform)(p=1.0, **options)
        chain = kornia.augmentation.AugmentationSequential(move, data_keys=["input", "keypoints"])
        moved, labels = chain(image, torch.from_numpy(centres)[None].float())
        return 1 - moved[0].mean(dim=0).numpy(), labels[0].numpy()

    return take


#: Rows of the table: name, and the function that makes the picture of dots and its labels.
CASES = (
    ("fastecg, phone at 20°", ours(tilt_deg=20.0)),
    ("fastecg, curl of 15 mm", ours(Curl(lift_mm=15.0), tilt_deg=12.0)),
    ("fastecg, waves", ours(Wave(lift_mm=2.0, length_mm=150.0), tilt_deg=12.0)),
    ("fastecg, letter folds", ours(Folds(pattern="letter", fold_deg=15.0), tilt_deg=12.0)),
    ("fastecg, sharp crease", ours(Crease(fold_deg=18.0, angle_deg=30.0), tilt_deg=12.0)),
    ("fastecg, crumpled", ours(Wrinkle(strength=0.6, seed=4), tilt_deg=12.0)),
    ("albumentations Perspective", theirs("Perspective")),
    ("albumentations ElasticTransform", theirs("ElasticTransform", alpha=300, sigma=12)),
    ("albumentations GridDistortion", theirs("GridDistortion")),
    ("albumentations OpticalDistortion", theirs("OpticalDistortion")),
    ("kornia RandomPerspective", kornias("RandomPerspective")),
    ("kornia RandomElasticTransform", kornias("RandomElasticTransform", alpha=(8.0, 8.0))),
)


def main() -> None:
    """Measure all cases, and write the table."""
    rows = ["| what bent the page | dots | median px | 99 % px | worst px | lost |", "|---|---|---|---|---|---|"]
    for name, take in CASES:
        found, lost = errors(*take())
        median, most = np.percentile(found, [50, 99])
        rows.append(f"| {name} | {len(found)} | {median:.3f} | {most:.3f} | {found.max():.2f} | {lost} |")
        print(rows[-1])
    rewrite(ROOT / "docs" / "exact-truth.md", "measured", "\n".join(rows))


if __name__ == "__main__":
    main()
