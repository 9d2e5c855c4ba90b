"""Make a web page that shows what was digitised, and on which readings can be corrected; see ``fastecg review``."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastecg.archive import DIGITIZED, Ledger, Line
from fastecg.errors import FastecgError
from fastecg.system.files import parse_json, read_file
from fastecg.writers.image import write_atomic

if TYPE_CHECKING:
    from fastecg.record import Record

#: Version of the page model, which is what a user corrects and downloads. The version is increased when the meaning of a key changes.
SCHEMA = 1

_TEMPLATE = Path(__file__).parent / "review.html"
_WIDEST_PX = 2400  # Largest width of a picture in the web page, px. Wider ones are reduced; coordinates are those of the original picture.
_FEWEST_POINTS = 1500  # Traces of at least twice this number of points are thinned evenly, so that at least this number remains.
_LARGEST = 1e6  # Largest number of a row, of seconds and of pixels in a segment of a report.
_MOST_SEGMENTS = 200  # Largest number of segments of a page; layouts have 30 at most.


def review_folder(folder: str | os.PathLike[str], out: str | os.PathLike[str] | None = None, *, limit: int = 50) -> tuple[Path, int, int]:
    """Write one self-contained web page that shows what was read from pictures, the doubtful ones first.

    Parameters
    ----------
    folder : path
        A folder that `fastecg digitize` wrote.
    out : path, optional
        The file to write; by default ``review.html`` in the folder.
    limit : int
        Largest number of pictures on the page.

    Returns
    -------
    (Path, int, int)
        The file that was written, the number of pictures that it shows, and the number of all pictures that were read.

    Raises
    ------
    FastecgError
        If nothing was digitised into the folder, or a report or picture cannot be read.
    """
    archive = Path(folder)
    if not (archive / DIGITIZED).is_file():
        raise FastecgError(f"{archive}: no {DIGITIZED} in it, expected a folder that `fastecg digitize` made")
    lines = [line for line in Ledger(archive).lines.values() if "bytes" in line]
    if not lines:
        raise FastecgError(f"{archive}: no picture was read there, expected some")
    lines.sort(key=lambda line: (float(line.get("confidence") or 0.0), line["record"]))
    target = Path(out) if out is not None else archive / "review.html"
    entries = [_entry(archive, line) for line in lines[:limit]]
    write_atomic(target, _page(entries))
    return target, len(entries), len(lines)


def _page(entries: list[dict[str, Any]]) -> bytes:
    """The web page with the data of its pictures. Its content security policy allows only its own script, and no network access."""
    text = _TEMPLATE.read_text(encoding="utf-8")
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    data = json.dumps(entries, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return text.replace("<!-- policy -->", head).replace("<!-- data -->", data).encode("utf-8", "backslashreplace")


def _entry(folder: Path, line: Line) -> dict[str, Any]:
    """The data of one picture for the script of the web page: what is shown, and the page model that can be corrected."""
    from PIL import Image

    from fastecg.digitizing.pictures import read_picture
    from fastecg.readers import read_record

    report = _report(folder / f"{line['record']}.json")
    whole = Image.fromarray(read_picture(folder / line["source"], line["page"]))
    segments = [_segment(segment) for segment in report.get("segments") or []]
    model = {
        "schema": SCHEMA,
        "picture": Path(line["source"]).name,
        "page": line["page"],
        "width": whole.width,
        "height": whole.height,
        **{key: report.get(key) for key in ("layout", "speed_mm_s", "gain_mm_mv", "quarter_turns", "px_per_mm")},
        "segments": segments,
    }
    record = read_record(folder / line["record"])
    # Without values in the report, 8 px/mm (about 200 dpi) and 10 mm/mV are assumed.
    px_per_mv = _number(report.get("px_per_mm"), 8.0) * _number(report.get("gain_mm_mv"), 10.0)
    order, confidence = line.get("order") or "unknown", line.get("confidence")
    return {
        "title": f"{line['source']}" + (f", page {line['page'] + 1}" if line["page"] else ""),
        "about": f"{line.get('layout')}, order {order}, confidence {confidence}, {100 * _number(line.get('read'), 0.0):.0f} % read",
        "doubt": order == "uncertain"
        or _number(confidence, 0.0) < 0.9
        or any(item.get("doubtful") for item in report.get("segments") or []),
        "notes": [*_checks(report), *map(str, report.get("flags") or [])] + ([] if segments else ["its report has no segments to correct"]),
        "image": _jpeg_url(whole),
        "model": model,
        "traces": [_trace(record, segment, px_per_mv) for segment in segments],
        "file": f"{Path(line['record']).name}.page.json",
    }


def _report(path: Path) -> dict[str, Any]:
    """The content of a report; a `FastecgError` if it is not valid."""
    try:
        report = parse_json(read_file(path))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise FastecgError(f"{path}: cannot be read ({why}), expected the report that was written beside the record") from None
    if not isinstance(report, dict) or not all(isinstance(report.get(key) or [], list) for key in ("segments", "flags")):
        raise FastecgError(f"{path}: holds no table, or one whose segments or flags are no list, expected a report")
    if len(report.get("segments") or []) > _MOST_SEGMENTS:
        raise FastecgError(f"{path}: has {len(report['segments'])} segments, expected at most {_MOST_SEGMENTS}")
    return report


def _segment(reported: dict[str, Any]) -> dict[str, Any]:
    """The keys of a report's segment that the page model needs, checked and converted to plain types."""
    try:
        (ax, ay), (bx, by) = reported["line_px"]
        return {
            "lead": str(reported["lead"]),
            "row": int(_checked(reported["row"])),
            "rhythm": bool(reported.get("rhythm")),
            "start_s": _checked(reported["start_s"]),
            "stop_s": _checked(reported["stop_s"]),
            "line_px": [[_checked(ax), _checked(ay)], [_checked(bx), _checked(by)]],
        }
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FastecgError(f"a segment of a report is damaged ({type(error).__name__}: {error}), expected it as it was written") from None


def _checked(given: Any) -> float:
    """A number of a report. A number beyond `_LARGEST` is an error, because drawing it might take very long."""
    number = float(given)
    if not abs(number) <= _LARGEST:
        raise ValueError(f"{number:g} is beyond {_LARGEST:g}")
    return number


def _checks(report: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each check of a report."""
    checks = report.get("checks") or {}
    for name, residual in checks.items() if isinstance(checks, dict) else ():
        yield f"check {name}: {residual}"


def _trace(record: Record, segment: dict[str, Any], px_per_mv: float) -> list[float | None]:
    """Samples of a segment in px above its 0 mV line, thinned evenly, None where nothing was read; empty if the record lacks the lead."""
    if segment["lead"] not in record.leads:
        return []
    first, stop = (round(segment[key] * record.fs) for key in ("start_s", "stop_s"))
    row = record.lead(segment["lead"])[max(first, 0) : stop]
    step = max(1, len(row) // _FEWEST_POINTS)
    return [round(value * px_per_mv, 2) if math.isfinite(value) else None for value in row[::step].tolist()]


def _number(value: Any, otherwise: float) -> float:
    """The value as a float if it is a finite number, or else `otherwise`."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else otherwise


def _jpeg_url(picture: Any) -> str:
    """The picture, reduced if it is wide, as the data URL of a JPEG."""
    if picture.width > _WIDEST_PX:
        picture = picture.resize((_WIDEST_PX, round(picture.height * _WIDEST_PX / picture.width)))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
