"""The looks of machines: a table for every family of them, and all of them by name."""

from __future__ import annotations

from fastecg.errors import LayoutError
from fastecg.styles import pdf, sheets, thermal
from fastecg.styles.style import GridInk, Style

__all__ = ["STYLES", "GridInk", "Style", "style_for"]

#: Styles by name.
STYLES = {style.name: style for style in (*pdf.STYLES, *thermal.STYLES, *sheets.STYLES)}


def style_for(name: str) -> Style:
    """The style called `name`.

    Raises
    ------
    LayoutError
        If there is no such style.
    """
    if name not in STYLES:
        raise LayoutError(f"unknown style {name!r}, expected one of auto, {', '.join(STYLES)}")
    return STYLES[name]
