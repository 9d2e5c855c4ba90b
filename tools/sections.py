"""Sections of the docs that scripts write, each between ``<!-- name -->`` and ``<!-- end of name -->``."""

from __future__ import annotations

import re
from pathlib import Path


def rewrite(page: Path, name: str, body: str) -> None:
    """Replace the text of a section of a page, in its file."""
    page.write_text(with_section(page.read_text(encoding="utf-8"), name, body), encoding="utf-8")


def with_section(text: str, name: str, body: str) -> str:
    """The text of a page with `body` as the text of its section `name`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"no section {name!r}, expected {begin} and {end}, each once")
    return re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n\n{body.strip()}\n\n{end}", text, flags=re.DOTALL)
