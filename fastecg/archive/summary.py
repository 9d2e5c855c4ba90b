"""Make ``summary.csv``, a table with a row for every page of a picture file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from fastecg.archive.ledger import Ledger, Line
from fastecg.errors import FastecgError
from fastecg.system.files import lines_of

#: Name of the file of the table.
SUMMARY = "summary.csv"

#: The columns of the table.
COLUMNS = ("picture", "page", "record", "layout", "order", "confidence", "gain_mm_mv", "speed_mm_s", "fs", "read", "flags", "error")


def check_summary(out: Path) -> None:
    """Raise `FastecgError` if the folder has a file with the summary's name that fastecg did not write."""
    path = out / SUMMARY
    if path.exists() and not next(lines_of(path), b"").startswith(",".join(COLUMNS).encode()):
        raise FastecgError(f"{path}: it exists and fastecg did not write it, expected another output folder, or this file elsewhere")


def summary(ledger: Ledger) -> bytes:
    """The summary as CSV: one row for each page that was read or failed, sorted by the name of the record. Joined records have no row."""
    file = io.StringIO()
    table = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for line in sorted(ledger.lines.values(), key=lambda line: (line["record"], line["source"], line["page"])):
        if "bytes" in line or "error" in line:
            row = {name: value for name, value in line.items() if value is not None}
            flags = "; ".join(map(str, line.get("flags") or ()))
            table.writerow(row | {"picture": line["source"], "page": line["page"] + 1, "flags": flags})
    return file.getvalue().encode("utf-8", "backslashreplace")


def in_short(report: dict[str, Any]) -> Line:
    """The values of a report for manifest and summary.

    "read" is the share of drawn samples that were read, as the mean over the leads that are drawn; 0 if none is. If the report has no
    confidence, "confidence" is the mean of the confidences of these leads, or 0 too.
    """
    leads = list(report.get("leads", {}).values())
    shares = [lead["read"] for lead in leads if lead.get("drawn")] or [0.0]
    confidences = [lead["confidence"] for lead in leads if lead.get("drawn")] or [0.0]
    confidence = report.get("confidence", sum(confidences) / len(confidences))
    return {
        "layout": report.get("layout"),
        "order": report.get("order"),
        "confidence": round(float(confidence), 4),
        "gain_mm_mv": report.get("gain_mm_mv"),
        "speed_mm_s": report.get("speed_mm_s"),
        "fs": report.get("fs"),
        "read": round(sum(shares) / len(shares), 4),
        "flags": list(report.get("flags", ())),
    }
