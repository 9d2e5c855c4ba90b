"""``fastecg score``: compare recovered records with those that were drawn."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastecg.errors import RecordError

if TYPE_CHECKING:
    from fastecg.digitizing.score import Scores
    from fastecg.readers import Source
    from fastecg.record import Record


def score(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="A WFDB record that was drawn, or a folder of them.")],
    estimate: Annotated[Path, typer.Argument(metavar="ESTIMATE", help="What was recovered: a record, or a folder with the same names.")],
    csv: Annotated[bool, typer.Option("--csv", help="Print one line for each lead of a record, as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw the spread over records and leads; needs matplotlib.", show_default=False)
    ] = None,
) -> None:
    """Score recovered signals: raw SNR first, then the metrics of the PhysioNet Challenge 2024 and of Kaggle 2025.

    Samples that are missing in the reference were not drawn and are left out (`fastecg render --mask-unplotted` writes such records). A
    record or lead that was not recovered counts as 0 mV. If one folder was made by `fastecg render` and the other by `fastecg digitize`
    from its pictures, every picture is compared with the samples that it shows.

    For example:

        fastecg digitize out -o digitized

        fastecg score out digitized

        fastecg score out/00001_hr digitized/00001_hr --json
    """
    from fastecg.digitizing.score import score as score_records

    scores = score_records(*_pairs(reference, estimate))
    if plot is not None:
        from fastecg.digitizing.score_plot import plot_scores

        plot_scores(scores, plot)
    typer.echo(_as_csv(scores) if csv else _as_json(scores) if json else _as_table(scores))


def _pairs(reference: Path, estimate: Path) -> tuple[list[Record], list[Record]]:
    """The references, and the estimate of each: by picture if the estimates are named after pictures, else by record."""
    from fastecg.readers import find_records, read_record

    wanted = find_records(reference)
    if not reference.is_dir():
        return [read_record(wanted[0].path)], [read_record(find_records(estimate)[0].path)]
    found = {source.key: source for source in find_records(estimate)}
    pictures = _pictures(reference)
    if any(key in found for key in pictures):
        references = [_shown_page(reference, key, record, page) for key, (record, page) in pictures.items()]
        names = list(pictures)
    elif any(source.key in found for source in wanted):
        references = [read_record(source.path) for source in wanted]
        names = [source.key for source in wanted]
    else:
        named = " or ".join(filter(None, (wanted[0].key, next(iter(pictures), None))))
        raise RecordError(f"{estimate}: no record has the name of one in {reference} or of its picture, expected {named} or another")
    return references, [_estimate(found.get(key), one) for key, one in zip(names, references, strict=True)]


def _estimate(source: Source | None, reference: Record) -> Record:
    """The estimate of a reference. For a record that was not recovered, it is a record of NaN."""
    import numpy as np

    from fastecg.readers import read_record
    from fastecg.readers.header import has_no_signals
    from fastecg.record import Record

    if source is not None and not has_no_signals(source.path):
        return read_record(source.path)
    return Record(np.full(reference.signal.shape, np.nan), reference.fs, reference.leads, reference.name)


def _pictures(folder: Path) -> dict[str, tuple[str, int]]:
    """Record and page of every picture of a rendered folder, by the picture's path without suffix; empty for other folders."""
    from fastecg.run.manifest import MANIFEST, Manifest

    if not (folder / MANIFEST).is_file():
        return {}
    lines = Manifest(folder).images
    return {os.path.splitext(path)[0]: (line["record"], line["page"]) for path, line in sorted(lines.items())}


def _shown_page(folder: Path, key: str, record: str, page: int) -> Record:
    """The page of a record that a picture shows; `key` is the picture's path without suffix, `record` the record's path.

    If the picture has a truth file, samples that the page does not show are NaN.
    """
    import numpy as np

    from fastecg.readers import read_record
    from fastecg.record import Record
    from fastecg.writers.truth_json import load_truth, reading_truth

    whole = read_record(folder / record)
    starts = list(whole.page_starts())
    if page >= len(starts):
        raise RecordError(f"{record}: has {len(starts)} pages, expected page {page + 1} of {key} among them")
    first, stop = starts[page]
    truth = folder / f"{key}.json"
    shown = np.ones(whole.signal.shape, dtype=bool)
    if truth.is_file():
        shown[:] = False
        with reading_truth(truth.name):
            for entry in load_truth(truth)["leads"]:
                if entry["lead_name"] in whole.leads:
                    shown[whole.leads.index(entry["lead_name"]), entry["start_sample"] : entry["end_sample"]] = True
    signal = np.where(shown, whole.signal, np.float32(np.nan))[:, first:stop]
    return Record(signal, whole.fs, whole.leads, Path(key).name)


def _as_table(scores: Scores) -> str:
    """The scores as a table for people."""
    numbers = scores.summary()
    text = {key: f"{value:.2f}" for key, value in numbers.items()}
    lines = [
        f"records               {numbers['records']}",
        f"raw SNR               {text['snr_mean_db']} ± {text['snr_sd_db']} dB",
        f"  median, 5th perc.   {text['snr_median_db']}, {text['snr_p5_db']} dB",
        f"failed (a lead < 5 dB) {100 * numbers['failure_rate']:.1f} %",
        f"samples missing       {100 * numbers['missing']:.1f} %",
        f"Challenge 2024        {text['challenge_2024_db']} dB ({text['challenge_2024_official_db']} dB by the published code)",
        f"Kaggle 2025           {text['kaggle_2025_db']} dB ({text['kaggle_2025_unclipped_db']} dB without its clip)",
        "",
        "lead  records    mean      sd  median     5th   raw SNR, dB",
    ]
    for lead, row in scores.per_lead().items():
        spread = [row["snr_mean_db"], row["snr_sd_db"], row["snr_median_db"], row["snr_p5_db"]]
        lines.append(f"{lead:<6}{row['records']:7d}" + "".join(f"{value:8.2f}" for value in spread))
    return "\n".join(lines)


def _as_csv(scores: Scores) -> str:
    """The scores of all leads of all records as CSV, without a line end after the last line."""
    import csv
    import io

    rows, text = scores.rows(), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([value if isinstance(value, str) else f"{value:.4f}" for value in row.values()] for row in rows)
    return text.getvalue().rstrip("\n")


def _as_json(scores: Scores) -> str:
    """All scores as JSON."""
    from json import dumps

    return dumps(_plain({"summary": scores.summary(), "per_lead": scores.per_lead(), "rows": scores.rows()}), indent=1)


def _plain(value: Any) -> Any:
    """A value of dicts, lists, numbers and strings with None in place of NaN and infinity, which JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
