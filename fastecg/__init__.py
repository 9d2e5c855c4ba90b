"""fastecg: photographs of ECG pages whose geometry is known exactly.

Names are imported when they are first used, so ``import fastecg`` alone takes almost no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# The module from which each public name is imported.
_HOMES = {
    "Artifact": "fastecg.artifact",
    "Digitized": "fastecg.digitizing.result",
    "EXTRA_LEADS": "fastecg.record",
    "FastecgError": "fastecg.errors",
    "ImageError": "fastecg.errors",
    "LEADS": "fastecg.record",
    "LayoutError": "fastecg.errors",
    "Photo": "fastecg.photo",
    "ReadSegment": "fastecg.digitizing.result",
    "Recipe": "fastecg.recipe",
    "RecipeError": "fastecg.errors",
    "Record": "fastecg.record",
    "RecordError": "fastecg.errors",
    "Scores": "fastecg.digitizing.score",
    "Shot": "fastecg.shot",
    "Truth": "fastecg.photo",
    "UnitWarning": "fastecg.errors",
    "digitize": "fastecg.digitizing.result",
    "photos": "fastecg.training",
    "read_image": "fastecg.digitizing.result",
    "read_images": "fastecg.digitizing.result",
    "read_record": "fastecg.readers",
    "render": "fastecg.rendering",
    "render_dataset": "fastecg.run.dataset",
    "score": "fastecg.digitizing.score",
    "simulate": "fastecg.simulation",
    "write_record": "fastecg.writers",
}

__all__ = [
    "EXTRA_LEADS",
    "LEADS",
    "Artifact",
    "Digitized",
    "FastecgError",
    "ImageError",
    "LayoutError",
    "Photo",
    "ReadSegment",
    "Recipe",
    "RecipeError",
    "Record",
    "RecordError",
    "Scores",
    "Shot",
    "Truth",
    "UnitWarning",
    "digitize",
    "photos",
    "read_image",
    "read_images",
    "read_record",
    "render",
    "render_dataset",
    "score",
    "simulate",
    "write_record",
]

if TYPE_CHECKING:
    from fastecg.artifact import Artifact as Artifact
    from fastecg.digitizing.result import Digitized as Digitized
    from fastecg.digitizing.result import ReadSegment as ReadSegment
    from fastecg.digitizing.result import digitize as digitize
    from fastecg.digitizing.result import read_image as read_image
    from fastecg.digitizing.result import read_images as read_images
    from fastecg.digitizing.score import Scores as Scores
    from fastecg.digitizing.score import score as score
    from fastecg.errors import FastecgError as FastecgError
    from fastecg.errors import ImageError as ImageError
    from fastecg.errors import LayoutError as LayoutError
    from fastecg.errors import RecipeError as RecipeError
    from fastecg.errors import RecordError as RecordError
    from fastecg.errors import UnitWarning as UnitWarning
    from fastecg.photo import Photo as Photo
    from fastecg.photo import Truth as Truth
    from fastecg.readers import read_record as read_record
    from fastecg.recipe import Recipe as Recipe
    from fastecg.record import EXTRA_LEADS as EXTRA_LEADS
    from fastecg.record import LEADS as LEADS
    from fastecg.record import Record as Record
    from fastecg.rendering import render as render
    from fastecg.run.dataset import render_dataset as render_dataset
    from fastecg.shot import Shot as Shot
    from fastecg.simulation import simulate as simulate
    from fastecg.training import photos as photos
    from fastecg.writers import write_record as write_record


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fastecg' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found  # Python calls this function only for names that are missing, so the next use is faster.
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
