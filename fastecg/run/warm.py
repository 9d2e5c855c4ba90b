"""Compile all kernels in advance, for container images and clusters."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastecg.errors import FastecgError

if TYPE_CHECKING:
    from dataclasses import Field

    from fastecg.record import Record

_DPI = 50.0  # Resolution of the pages that compile the kernels of drawing; `_digitise` needs a finer one.


def warm(progress: Callable[[str], None] | None = None) -> None:
    """Draw and digitise small pages of every kind, so that all kernels are compiled, or loaded from the cache.

    Parameters
    ----------
    progress : callable, optional
        Called with a few words about the pages that are drawn or digitised next.
    """
    from fastecg.recipe import RECIPES
    from fastecg.simulation import simulate

    report = progress or (lambda _: None)
    record = simulate("sinus", seed=0, fs=100.0)
    for name in RECIPES:
        report(f"recipe {name}")
        _draw(record, name)
    report("artifacts")
    _artifacts(record)
    report("digitiser")
    _digitise()


def _draw(record: Record, recipe: str) -> None:
    """Draw pictures of a recipe at three severities, and write their files."""
    from fastecg.rendering import render
    from fastecg.writers import TRUTHS, image_bytes, save_photo

    with tempfile.TemporaryDirectory(prefix="fastecg-") as folder:
        for seed in range(3):
            photo = render(record, recipe=recipe, dpi=_DPI, severity=seed / 2, seed=seed)
            save_photo(photo, Path(folder) / "page.png", truth=tuple(TRUTHS))
            image_bytes(photo.image, ".jpg", dpi=_DPI)


def _artifacts(record: Record) -> None:
    """Draw every artifact with its defaults, with numbers larger than the defaults, and with each of its choices."""
    from fastecg.artifact import fields_of
    from fastecg.artifacts import ARTIFACTS
    from fastecg.recipe import Recipe
    from fastecg.shot import with_artifacts

    shot = Recipe.load("photo").sample(record, layout="3x4+1", dpi=_DPI, seed=0)
    for kind in ARTIFACTS:
        fields = fields_of(kind)
        variations: list[dict[str, Any]] = [{}, {item.name: _larger(item) for item in fields if _is_range(item)}]
        variations += [{item.name: choice} for item in fields for choice in item.metadata["choices"]]
        for values in variations:
            try:
                with_artifacts(shot, kind(**values)).take(record).truth.mask()
            except FastecgError:  # some of these values exclude each other
                continue


def _is_range(item: Field[Any]) -> bool:
    """Whether a field is a number with a range, and not a seed."""
    return item.name != "seed" and None not in (item.metadata["low"], item.metadata["high"]) and not isinstance(item.default, (bool, str))


def _larger(item: Field[Any]) -> Any:
    """A number a fifth of the way from a field's default to its largest value."""
    number = item.default + 0.2 * (item.metadata["high"] - item.default)
    return round(number) if isinstance(item.default, int) else number


def _digitise() -> None:
    """Digitise two pages, if the packages that digitising needs are installed."""
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        return
    from fastecg.digitizing.reading import read_signals
    from fastecg.digitizing.report import overlay, report_of
    from fastecg.rendering import render
    from fastecg.simulation import simulate

    record = simulate("sinus", seed=4)
    for recipe in ("clean", "photo"):
        photo = render(record, recipe=recipe, layout="3x4+1", dpi=150, severity=0.2, seed=4)
        try:
            reading = read_signals(photo.image)
        except FastecgError:  # kernels are compiled even if a page cannot be read
            continue
        report_of(reading)
        overlay(photo.image, reading)
