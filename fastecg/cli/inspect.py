"""``fastecg inspect``: draw the truth over pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def inspect(
    path: Annotated[Path, typer.Argument(metavar="IMAGE|DIR", help="A picture that `fastecg render` made, or a folder of them.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write.  [default: IMAGE's stem + .inspect.png, or DIR/inspect.html]", show_default=False),
    ] = None,
    zoom: Annotated[int, typer.Option(min=1, max=8, help="Enlarge a picture, to see sub-pixel truth.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of pictures on a folder's page.")] = 20,
) -> None:
    """Draw the truth over pictures: traces in colours, hidden samples magenta, boxes blue, crossings of the 5 mm lines green.

    For example:

        fastecg inspect out/00001_hr-0.png --zoom 3

        fastecg inspect out                             a web page: out/inspect.html
    """
    from fastecg.web.inspect import inspect_folder, inspect_image

    if path.is_dir():
        written, shown, found = inspect_folder(path, out, limit=limit)
        typer.echo(f"{written} ({shown} of {found} pictures)" if shown < found else f"{written} ({shown} pictures)")
    else:
        typer.echo(inspect_image(path, out, zoom=zoom))
