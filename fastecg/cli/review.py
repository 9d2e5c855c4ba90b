"""``fastecg review``: make a web page on which one can see and correct what was digitised."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def review(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `fastecg digitize` made.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write.  [default: DIR/review.html]", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of pictures on the page, the doubtful ones first.")] = 50,
) -> None:
    """Make a web page of what was read: pictures, traces, boundaries, names, 0 mV, checks; the doubtful ones first.

    On it one can drag a boundary or a 0 mV line, rename a lead, and download the corrected page, which `digitize --page` reads. The web
    page contains the pictures, so it needs the same protection as they do.

    For example:

        fastecg review out

        fastecg digitize photo.jpg -o corrected --page photo.page.json
    """
    from fastecg.web.review import review_folder

    written, shown, found = review_folder(folder, out, limit=limit)
    typer.echo(f"{written} ({shown} of {found} pictures)" if shown < found else f"{written} ({shown} pictures)")
