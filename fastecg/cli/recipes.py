"""``fastecg recipes``: list and print the recipes."""

from __future__ import annotations

from typing import Annotated

import typer


def recipes(
    name: Annotated[str | None, typer.Argument(help="A recipe to print as TOML; none lists them all.", show_default=False)] = None,
) -> None:
    """List the recipes, or print one as TOML, ready to edit.

    For example:

        fastecg recipes

        fastecg recipes photo > mine.toml

        fastecg render -o out --recipe mine.toml
    """
    from fastecg.recipe import RECIPES, Recipe

    if name is not None:
        typer.echo(Recipe.load(name).to_toml(), nl=False)
        return
    width = max(map(len, RECIPES))
    for known in RECIPES:
        typer.echo(f"{known:<{width}}  {Recipe.load(known).title}")
