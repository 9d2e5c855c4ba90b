"""Draw every artifact at three strengths, as strips of three small pictures for the gallery of the docs (see `make_gallery.py`)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

import fastecg
from fastecg.artifact import Artifact
from fastecg.artifacts import ARTIFACTS
from fastecg.recipe import Recipe
from fastecg.shot import Shot
from fastecg.views import Flatbed, Phone, View

WIDTH, HEIGHT, GAP = 300, 216, 6  # Size of a picture, and distance between pictures, px.
KINDS = {kind.__name__: kind for kind in ARTIFACTS}

#: Values of each artifact when it is mild, medium and strong. Values that are not named have their defaults.
STRENGTHS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "ThermalFade": ({"loss": 0.2}, {"loss": 0.5}, {"loss": 0.75, "unevenness": 0.5}),
    "PrintHead": ({"spread": 0.04}, {"spread": 0.1, "weak_rows": 12, "dead_rows": 3},
        {"spread": 0.2, "weak_rows": 40, "dead_rows": 10, "fray": 0.5}),
    "Viewer": ({}, {"theme": "grey", "left_mm": 30}, {"theme": "dark", "top_mm": 40, "right_mm": 40}),
    "LaserPrint": ({"lines_per_inch": 100, "softness": 1}, {"lines_per_inch": 75},
        {"lines_per_inch": 60, "gain": 0.4, "grey": 1, "softness": 0.2}),
    "DotMatrix": ({"contrast": 0.25}, {}, {"contrast": 0.75, "bands": 0.25, "pitch_mm": 0.35, "ribbon": 0.3}),
    "Stylus": ({"loss": 0.3}, {"loss": 0.6}, {"loss": 0.85, "reach_mm": 1.5}),
    "BleedThrough": ({"strength": 0.05}, {"strength": 0.12}, {"strength": 0.3}),
    "Yellowing": ({"age": 0.2}, {"age": 0.5, "foxing": 20}, {"age": 1.1, "edge": 0.7, "foxing": 120}),
    "Scratches": ({"count": 4}, {"count": 12}, {"count": 50, "strength": 0.8, "width_mm": 0.3}),
    "RingStain": ({"strength": 0.25, "drink": "tea"}, {}, {"strength": 1.2, "width_mm": 4, "drips": 14, "gap": 0.1}),
    "WaterStain": ({"strength": 0.3}, {"liquid": "tea", "strength": 0.6}, {"liquid": "coffee", "radius_mm": 55, "tides": 3, "bleed": 1}),
    "Mould": ({"spots": 60, "strength": 0.4}, {"spots": 400, "colour": "green"},
        {"spots": 2500, "spread_mm": 70, "strength": 0.9, "damp": 1.5}),
    "FingerPrint": ({"of": "grease"}, {}, {"of": "ink", "strength": 0.8}),
    "Tape": ({"age": 0.1}, {"angle_deg": 20, "age": 0.6}, {"angle_deg": 70, "age": 1.3, "air": 0.9, "haze": 0.2}),
    "Tear": ({"length_mm": 12, "gap_mm": 0.3}, {"gap_mm": 1.5}, {"length_mm": 100, "gap_mm": 6, "lean_deg": -25, "fibre_mm": 2}),
    "MissingCorner": ({"width_mm": 10, "height_mm": 8}, {}, {"width_mm": 90, "height_mm": 70, "fibre_mm": 2}),
    "Burn": ({"hole_mm": 0, "char_mm": 0, "strength": 0.5}, {}, {"hole_mm": 18, "scorch_mm": 14, "char_mm": 2.5}),
    "PunchHoles": ({}, {"edge": "top", "count": 2}, {"count": 4, "torn": 2}),
    "Perforation": ({}, {"inset_mm": 14}, {"edge": "top", "tooth_mm": 1.2, "pitch_mm": 3}),
    "Staple": ({"state": "out", "rust": 0.3}, {}, {"rust": 0.9, "angle_deg": 5}),
    "PaperClip": ({}, {"coat": "blue", "at": 0.25, "lean_deg": -12}, {"edge": "left", "coat": "brass", "length_mm": 45}),
    "Finger": ({"reach_mm": 12}, {"edge": "right", "tone": 0.4}, {"edge": "bottom", "reach_mm": 45, "nail": False, "tone": 0.9}),
    "FeedJitter": ({"strain": 0.003}, {"strain": 0.01}, {"strain": 0.03}),
    "Wrinkle": ({"strength": 0.5, "style": "pinched"}, {"strength": 0.45}, {"strength": 0.9, "style": "folding"}),
    "Folds": ({"fold_deg": 5}, {"pattern": "letter", "fold_deg": 12}, {"pattern": "pocket", "fold_deg": -18, "loss": 0.8}),
    "Crease": ({"angle_deg": 20, "fold_deg": 5}, {"angle_deg": 20, "fold_deg": 12, "loss": 0.6},
        {"angle_deg": 80, "fold_deg": -25, "dirt": 0.7}),
    "CreaseLines": ({"along": 1, "across": 1, "strength": 0.6}, {"along": 12, "across": 8},
        {"along": 30, "across": 20, "angle_deg": 25, "strength": 2}),
    "Dent": ({"lift_mm": 0.8}, {"lift_mm": 2}, {"lift_mm": 4.5}),
    "Wave": ({"lift_mm": 0.6}, {"lift_mm": 2}, {"lift_mm": 6}),
    "Curl": ({"angle_deg": -160, "lift_mm": 4}, {"angle_deg": -160, "lift_mm": 14}, {"angle_deg": -160, "lift_mm": 35}),
    "BookBend": ({"lift_mm": 3}, {"lift_mm": 9}, {"lift_mm": 22}),
    "DogEar": ({"width_mm": 9, "height_mm": 7}, {}, {"width_mm": 55, "height_mm": 45, "through": 0.15}),
    "Handwriting": ({"notes": 1, "legibility": 0.95}, {"notes": 3}, {"notes": 6, "legibility": 0.0, "signature": "signature"}),
    "PenMarks": ({"marks": 1}, {"marks": 4}, {"marks": 10, "legibility": 0.1}),
    "Stamp": ({"worn": 0.2}, {"colour": "red"}, {"worn": 0.95, "angle_deg": 25, "place": "anywhere"}),
    "Sticker": ({"what": "code"}, {"what": "barcode"}, {"what": "label", "place": "anywhere"}),
    "WhiteOut": ({}, {"over": "anywhere"}, {"over": "anywhere", "width_mm": 50, "height_mm": 14}),
    "Redaction": ({"lines": 1}, {"look": "marker", "lines": 3}, {"look": "brush", "lines": 8}),
    "Desk": ({"surface": "laminate"}, {"surface": "oak"}, {"surface": "cloth"}),
    "ContactShadow": ({"depth": 0.2}, {"depth": 0.5}, {"depth": 0.9, "reach_mm": 11}),
    "Lamp": ({"falloff": 1.1}, {"falloff": 1.8}, {"falloff": 3.5, "elevation_deg": 25}),
    "Vignette": ({"depth": 0.1}, {"depth": 0.3}, {"depth": 0.6}),
    "Shadow": ({"depth": 0.15}, {"shape": "phone", "depth": 0.35}, {"shape": "hand", "depth": 0.6}),
    "Glare": ({"strength": 0.15}, {"strength": 0.4}, {"strength": 0.8}),
    "WhiteBalance": ({"remaining": 0.1}, {"remaining": 0.35}, {"kelvin": 9000, "remaining": 0.8}),
    "Display": ({"contrast": 0.4}, {}, {"pitch_mm": 0.33, "angle_deg": 3}),
    "SensorNoise": ({"read_levels": 1, "shot_levels": 1.5}, {"read_levels": 3, "shot_levels": 5}, {"read_levels": 9, "shot_levels": 14}),
    "DepthOfField": ({"aperture_mm": 5, "sharp_y": 1}, {"aperture_mm": 12, "sharp_y": 1},
        {"aperture_mm": 12, "field_mm": 0.3, "sharp_x": 0}),
    "Defocus": ({"sigma_px": 0.5}, {"sigma_px": 1.2}, {"sigma_px": 3}),
    "MotionBlur": ({"length_px": 2}, {"length_px": 6, "angle_deg": 30}, {"length_px": 16, "angle_deg": 60}),
    "Sharpening": ({"amount": 0.4}, {"amount": 1.0}, {"amount": 2.0}),
    "ImageSignal": ({"sharpen": 0.5}, {"sharpen": 1.5, "colour_px": 3, "mottle": 1}, {"core": 5, "kept": 0.2, "sharpen": 3, "mottle": 3}),
    "AutoLevels": ({"strength": 0.4}, {"strength": 0.8}, {"strength": 1, "dark": 0.01, "bright": 0.5}),
    "ScanHead": ({"line_levels": 0.3}, {"red_px": 0.1, "blue_px": -0.1}, {"red_px": 0.2, "blue_px": -0.2, "line_levels": 3}),
    "ToneCurve": ({"black": 20, "contrast": 0.1}, {"black": 50}, {"black": 60, "white": 225, "contrast": 0.8}),
    "Jpeg": ({"quality": 60}, {"quality": 25}, {"quality": 8}),
    "ScanBorder": ({"left": 0.2}, {"left": 0.5, "top": 0.3}, {"left": 0.9, "top": 0.7, "reach_mm": 8}),
    "ScanStreaks": ({"count": 2, "strength": 0.1}, {"count": 5, "strength": 0.3}, {"count": 12, "strength": 0.7}),
    "Dust": ({"specks": 20, "hairs": 1}, {"specks": 80, "hairs": 3}, {"specks": 300, "hairs": 8, "opacity": 0.9}),
    "BitDepth": ({"bits": 5}, {"bits": 3}, {"bits": 3, "grey": True}),
    "Bilevel": ({"softness": 0.25}, {}, {"unevenness": 0.1, "grain": 0.05, "specks": 0.002}),
    "Photocopy": ({"softness": 0.5, "threshold": 0.6}, {"threshold": 0.65},
        {"threshold": 0.6, "generations": 3, "loss": 0.2, "specks": 0.002}),
    "Fax": ({"lines": "fine", "lost": 0}, {}, {"dither": 0.6, "lost": 20}),
    "Dither": ({"levels": 8}, {}, {"pattern": "clustered", "cells": 8}),
}  # fmt: skip
#: Artifacts that are shown on the whole page. For every other artifact, a part of the page is shown at full size.
WHOLE = {
    "Tear", "MissingCorner", "Yellowing", "RingStain", "WaterStain", "Mould", "Finger", "Wrinkle", "Folds", "Crease", "Dent", "Wave",
    "Curl",
    "BookBend", "DogEar", "Handwriting", "PenMarks", "Desk", "ContactShadow", "Lamp", "Vignette", "Shadow", "Glare", "WhiteBalance",
    "ScanBorder", "PunchHoles", "Redaction",
}  # fmt: skip
#: Artifacts that change the whole picture evenly, so that a fixed part of it is shown. Others: the part that they change most.
EVEN = {
    "ThermalFade", "PrintHead", "LaserPrint", "DotMatrix", "CreaseLines", "Display", "SensorNoise", "Defocus", "MotionBlur", "Sharpening",
    "ImageSignal", "AutoLevels", "ScanHead", "ToneCurve", "Jpeg",
    "BitDepth", "Bilevel", "Photocopy", "Fax", "Dither",
}  # fmt: skip
#: Artifacts that are shown on a scan. The others are shown on a photo.
_SCANNED = {
    "ScanBorder", "ScanStreaks", "Dust", "BitDepth", "Bilevel", "Photocopy", "Fax", "Dither", "FeedJitter", "DotMatrix",
    "Stylus", "PrintHead",
}  # fmt: skip


def strip(kind: type[Artifact]) -> Image.Image:
    """Three pictures of an artifact side by side: mild, medium, strong."""
    made = Image.new("RGB", (3 * WIDTH + 2 * GAP, HEIGHT), "white")
    for k, values in enumerate(STRENGTHS[kind.__name__]):
        seed = {"seed": 3 + k} if "seed" in kind.__dataclass_fields__ else {}
        made.paste(_piece(kind(**seed | values)), (k * (WIDTH + GAP), 0))
    return made


def _piece(artifact: Artifact) -> Image.Image:
    """A picture of a page with an artifact: the whole page, a fixed part, or the part that the artifact changes most."""
    name = type(artifact).__name__
    view = Flatbed(border_mm=6) if name in _SCANNED else Phone(tilt_deg=9, azimuth_deg=100, fill=0.94)
    plain, changed = _taken((), view), _taken((artifact,), view)
    if name in WHOLE:
        return Image.fromarray(changed).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    if name in EVEN:
        top, left = round(0.14 * changed.shape[0]), round(0.24 * changed.shape[1])
        return Image.fromarray(changed[top : top + HEIGHT, left : left + WIDTH])
    difference = np.abs(plain.astype(float) - changed).mean(axis=2)
    # The mean difference in the part around every pixel. Differences above 40 levels count as 40, so that a large changed area counts more
    # than a strong change.
    around = uniform_filter(np.minimum(difference, 40.0), (HEIGHT, WIDTH), mode="constant")
    half_y, half_x = HEIGHT // 2, WIDTH // 2
    inside = around[half_y : around.shape[0] - half_y, half_x : around.shape[1] - half_x]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return Image.fromarray(changed[top : top + HEIGHT, left : left + WIDTH])


@cache
def _record() -> fastecg.Record:
    return fastecg.simulate("sinus", seed=5)


@cache
def _taken(artifacts: tuple[Artifact, ...], view: View) -> np.ndarray:
    """Pixels (height, width, 3) of a page on thermal paper with artifacts. Unless scanned, the page lies on a desk under a lamp.

    Artifacts that change the finished picture come last. A desk, contact shadow or lamp among `artifacts` replaces the usual one.
    """
    shot: Shot = Recipe.load("clean").sample(_record(), style="dotphoto", layout="3x4+1", dpi=140)
    own = {type(artifact) for artifact in artifacts}
    table = (KINDS["Desk"](surface="laminate", seed=1), KINDS["ContactShadow"](), KINDS["Lamp"](elevation_deg=40, falloff=1.1))
    beside = () if isinstance(view, Flatbed) else tuple(item for item in table if type(item) not in own)
    last = tuple(item for item in artifacts if type(item).develop is not Artifact.develop)
    first = tuple(item for item in artifacts if item not in last)
    return replace(shot, artifacts=(*first, *beside, *last), view=view).take(_record()).image
