"""Write the tables of ``docs/recipes.md``: ``python tools/make_recipe_docs.py``. The text between the tables is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from sections import with_section

from fastecg.artifact import Artifact, Params
from fastecg.artifacts import ARTIFACTS
from fastecg.recipe import RECIPES, Recipe
from fastecg.recipes.distributions import Distribution, RandomSlot
from fastecg.views import VIEWS

PAGE = Path(__file__).parent.parent / "docs" / "recipes.md"


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(heading), *map(list, rows)]
    written = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([written[0], "|" + "---|" * len(lines[0]), *written[1:]])


def shown(value: Any) -> str:
    """A value as the tables show it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else f"`{value}`"


def recipes() -> str:
    """The table of all recipes."""
    return table(("recipe", "what it makes"), ((f"[{name}](#{name})", Recipe.load(name).title) for name in RECIPES))


def varied(distribution: Distribution) -> str:
    """A distribution in words."""
    a, *rest = distribution.numbers
    if distribution.form == "fixed":
        return shown(a)
    if distribution.form == "choice":
        total = sum(distribution.shares)
        pairs = zip(distribution.numbers, distribution.shares, strict=True)
        return ", ".join(f"{shown(item)} {100 * share / total:.0f} %" for item, share in pairs)
    form = {"uniform": "{} to {}", "log": "{} to {} (log)", "normal": "{} ± {}", "graded": "{} mild, {} severe"}[distribution.form]
    return form.format(shown(a), shown(rest[0]))


def chance(slot: RandomSlot[Any]) -> str:
    """The probability of a slot in %: for the mildest and for the severest pictures, if these differ."""
    low, high = (round(100 * p) for p in slot.chance)
    return f"{low} %" if low == high else f"{low} to {high} %"


def spelled(slot: RandomSlot[Any]) -> str:
    """The distributions of the values of a slot in words."""
    return "; ".join(f"{key}: {varied(item)}" for key, item in slot.values)


def slots() -> str:
    """The sections of all recipes, with tables of their slots."""
    parts = []
    for name in RECIPES:
        recipe = Recipe.load(name)
        parts.append(f"### {name}\n\n{recipe.title}.\n")
        if recipe.mix:
            total = sum(share for _, share in recipe.mix)
            parts.append(table(("recipe", "share"), ((part.name, f"{100 * share / total:.0f} %") for part, share in recipe.mix)) + "\n")
            continue
        rows = [("view", recipe.view.kind.__name__, "", spelled(recipe.view))]
        for slot, vary in recipe.slots:
            rows.append((slot, vary.kind.__name__, chance(vary), spelled(vary)))
        parts.append(table(("slot", "kind", "chance", "values"), rows) + "\n")
    return "\n".join(parts)


def values_of(kind: type[Params]) -> str:
    """The table of the values of an artifact or view."""
    rows = []
    for item in fields(kind):
        allowed = ", ".join(f"`{choice}`" for choice in item.metadata["choices"])
        if item.metadata["low"] is not None:
            allowed = f"{shown(item.metadata['low'])} to {shown(item.metadata['high'])}"
        rows.append((f"`{item.name}`", shown(item.default), allowed, item.metadata["help"]))
    return table(("value", "default", "allowed", ""), rows) if rows else "It has no values."


def kinds(registry: Iterable[type[Params]]) -> str:
    """The sections of all artifacts or views of a registry, with tables of their values."""
    parts = []
    for kind in registry:
        doc = re.sub(r"\s+", " ", (kind.__doc__ or "").split("\n\n")[0]).strip()
        moves = " It moves the page: the truth follows." if issubclass(kind, Artifact) and kind.geometric else ""
        parts.append(f"### {kind.__name__}\n\n{doc}{moves}\n\n{values_of(kind)}\n")
    return "\n".join(parts)


def filled(text: str) -> str:
    """The text of the page with its tables made anew between the markers of their sections."""
    made = {"recipes": recipes(), "slots": slots(), "views": kinds(VIEWS), "artifacts": kinds(ARTIFACTS)}
    for name, part in made.items():
        text = with_section(text, name, part)
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
