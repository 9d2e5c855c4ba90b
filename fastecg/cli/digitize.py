"""``fastecg digitize``: pictures back to records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastecg.errors import FastecgError

if TYPE_CHECKING:
    from fastecg.digitizing.pictures import Source
    from fastecg.digitizing.views import Settings

_PAGE, _SIGNAL = "What is known of the page (else it is read from the picture)", "What is read"


def digitize(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Pictures, PDF files, or folders of them.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for records and reports.", show_default=False)],
    layout: Annotated[str | None, typer.Option(help="Its name, as 3x4+1.", rich_help_panel=_PAGE, show_default=False)] = None,
    speed: Annotated[float | None, typer.Option(help="Paper speed, mm/s.", rich_help_panel=_PAGE, show_default=False)] = None,
    gain: Annotated[float | None, typer.Option(help="Gain, mm/mV.", rich_help_panel=_PAGE, show_default=False)] = None,
    fs: Annotated[float, typer.Option(min=50, max=5000, help="Samples a second.", rich_help_panel=_SIGNAL)] = 500.0,
    mode: Annotated[
        str, typer.Option(help="render (a fit of the pen's stroke), softargmax or centroid.", rich_help_panel=_SIGNAL)
    ] = "render",
    overlay: Annotated[bool, typer.Option("--overlay", help="Also draw what was read over the picture.")] = False,
    weights: Annotated[
        Path | None, typer.Option(help="A network of one's own, ONNX, in place of the one that ships.", show_default=False)
    ] = None,
) -> None:
    """Read the signals of ECGs from pictures: a WFDB record and a JSON report for each.

    Any common format, any quarter turn, 100 to 600 dpi. What was not drawn, or cannot be read, is missing (NaN), and the report says why.

    For example:

        fastecg digitize photo.jpg -o out --overlay

        fastecg digitize scans -o out --layout 3x4+1 --speed 25 --gain 10
    """
    from fastecg.digitizing.decode import MODES
    from fastecg.digitizing.pictures import find_pictures
    from fastecg.digitizing.views import Settings

    if mode not in MODES:
        raise FastecgError(f"unknown mode {mode!r}, expected one of {', '.join(MODES)}")
    if layout is not None:
        from fastecg.layouts import check_layout

        check_layout(layout)
    settings = Settings(layout, speed, gain, fs, mode)
    sources = find_pictures(images)
    failed = 0
    for source in sources:
        try:
            typer.echo(_digitize(source, out, settings, overlay, weights))
        except FastecgError as error:
            failed += 1
            words = str(error)
            typer.echo(f"{source.path}: not read: {words.removeprefix(f'{source.path}: ')}", err=True)
    if failed:
        typer.echo(f"{failed} of {len(sources)} pictures were not read", err=True)
        raise typer.Exit(1)


def _digitize(source: Source, out: Path, settings: Settings, overlay: bool, weights: Path | None) -> str:
    """Read one picture and write what was found; a line about it."""
    import re

    from fastecg.digitizing.digitize import digitize as read
    from fastecg.digitizing.pictures import read_picture
    from fastecg.digitizing.report import overlay as drawn_over
    from fastecg.digitizing.report import report_of, twelve_leads
    from fastecg.digitizing.separate import WEIGHTS
    from fastecg.writers import write_record
    from fastecg.writers.image import write_atomic

    name = re.sub(r"[^-\w]+", "_", source.path.stem, flags=re.ASCII)
    picture = read_picture(source.path)
    reading = read(picture, settings, name=name, weights=weights or WEIGHTS)
    target = out / source.folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    write_record(target, twelve_leads(reading.digitized.record))
    report = report_of(reading)
    write_atomic(target.with_name(f"{name}.json"), _as_json(report))
    if overlay:
        from fastecg.writers import write_image

        write_image(target.with_name(f"{name}-overlay.jpg"), drawn_over(picture, reading), dpi=25.4 * report["px_per_mm"])
    shares = [lead["read"] for lead in report["leads"].values()]
    flags = f"; {len(report['flags'])} flags" if report["flags"] else ""
    return (
        f"{source.path}: {report['layout']}, {report['speed_mm_s']:g} mm/s, {report['gain_mm_mv']:g} mm/mV, "
        f"{100 * sum(shares) / len(shares):.0f} % of what was drawn{flags} -> {target}"
    )


def _as_json(report: object) -> bytes:
    import orjson

    return orjson.dumps(report, option=orjson.OPT_SERIALIZE_NUMPY)
