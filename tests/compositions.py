"""Random pages that are bent in every way there is, as recipes draw them."""

from dataclasses import fields

import numpy as np

import fastecg
from fastecg.recipe import Recipe

RECORD = fastecg.simulate("sinus", seed=4, noise=0.0)

_EVERYWHERE = {"at_x": [0.0, 1.0], "at_y": [0.0, 1.0], "angle_deg": [-180, 180]}
SLOTS = {
    "jitter": {"kind": "FeedJitter", "chance": 0.4, "strain": {"graded": [0.001, 0.02]}, "length_mm": [10, 80]},
    "wrinkle": {
        "kind": "Wrinkle", "chance": 0.5, "style": {"choice": {"facets": 0.5, "folding": 0.5}}, "strength": {"graded": [0.05, 1.0]},
        "size": [0.6, 1.8],
    },
    "folds": {
        "kind": "Folds", "chance": 0.4, "pattern": {"choice": {"half": 1, "quarter": 1, "letter": 1, "z": 1, "pocket": 1}},
        "fold_deg": [-24, 24], "reach_mm": [15, 120],
    },
    "crease": {"kind": "Crease", "chance": 0.5, **_EVERYWHERE, "fold_deg": [-30, 30], "soft_mm": [0.2, 1.5], "reach_mm": [10, 200]},
    "dent": {"kind": "Dent", "chance": 0.4, **_EVERYWHERE, "lift_mm": [-4, 4], "length_mm": [10, 90], "width_mm": [3, 20], "kink": [0, 1]},
    "wave": {"kind": "Wave", "chance": 0.4, "angle_deg": [-180, 180], "lift_mm": {"graded": [0.2, 5]}, "length_mm": [60, 400]},
    "curl": {"kind": "Curl", "chance": 0.5, "angle_deg": [-180, 180], "lift_mm": {"graded": [1, 30]}, "start": [-0.5, 0.7]},
    "book": {"kind": "BookBend", "chance": 0.3, "edge": {"choice": {"left": 1, "top": 1, "right": 1}}, "lift_mm": {"graded": [1, 20]}},
    "dog_ear": {
        "kind": "DogEar", "chance": 0.2, "corner": {"choice": {"top_left": 1, "bottom_right": 1}},
        "way": {"choice": {"over": 1, "under": 1}},
    },
}  # fmt: skip
_CAMERA = {
    "tilt_deg": {"graded": [0, 30]}, "azimuth_deg": [-180, 180], "roll_deg": {"normal": [0, 5]},
    "turns": {"choice": {"0": 5, "1": 1, "2": 1, "3": 1}},
    "lens_k1": [-0.03, 0.03], "lens_k2": [-0.005, 0.005], "fill": [0.8, 1.3], "offset_x": [-0.1, 0.1], "offset_y": [-0.1, 0.1],
}  # fmt: skip
VIEWS = (
    {"kind": "Phone", **_CAMERA, "distance_mm": [250, 600]},
    {"kind": "Flatbed", "skew_deg": [-4, 4], "turns": {"choice": {"0": 4, "1": 1, "2": 1, "3": 1}}, "stretch_x": [0.98, 1.02],
     "stretch_y": [0.98, 1.02], "border_mm": [-15, 25], "offset_x_mm": [-8, 8], "offset_y_mm": [-8, 8]},
    {"kind": "Phone", **_CAMERA, "distance_mm": [250, 600], "aspect": {"choice": {"1.333": 1, "0.75": 1}}},
    {"kind": "Screen", **_CAMERA, "zoom": [0.5, 1.4]},
    {"kind": "Straight"},
)  # fmt: skip
RECIPES = tuple(
    Recipe.from_dict({"severity": [0.0, 1.0], "page": {"layout": "3x4+1", "style": "muse"}, "view": view, "slots": SLOTS}, "bent")
    for view in VIEWS
)


def composed(number, dpi=150.0):
    """The shot of a number: every view in turn, artifacts as they fall."""
    return RECIPES[number % len(RECIPES)].sample(RECORD, seed=number, dpi=dpi)


def anywhere(kind, seed):
    """An artifact or a view with values from anywhere in their ranges."""
    rng = np.random.default_rng(seed)
    return kind(**{item.name: _any_value(item, rng) for item in fields(kind)})


def _any_value(item, rng):
    low, high, choices = (item.metadata[key] for key in ("low", "high", "choices"))
    if choices:
        return str(rng.choice(choices))
    if isinstance(item.default, bool):
        return bool(rng.random() < 0.5)
    if item.name == "font":
        return ""  # another one is of a file that has been read
    if isinstance(item.default, str):
        return str(rng.choice(["", "NSR\nrpt in 6/12", "K+ 5.1"]))
    drawn = float(rng.uniform(low, high))
    return int(drawn) if isinstance(item.default, int) else drawn
