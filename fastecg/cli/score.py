"""``fastecg score``: recovered records against what was drawn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastecg.errors import RecordError

if TYPE_CHECKING:
    from fastecg.digitizing.score import Scores
    from fastecg.record import Record


def score(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="A WFDB record that was drawn, or a folder of them.")],
    estimate: Annotated[Path, typer.Argument(metavar="ESTIMATE", help="What was recovered: a record, or a folder with the same names.")],
    csv: Annotated[bool, typer.Option("--csv", help="One line a lead of a record, as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw the spread over records and leads; needs matplotlib.", show_default=False)
    ] = None,
) -> None:
    """Score recovered signals: raw SNR first, then the metrics of the PhysioNet Challenge 2024 and of Kaggle 2025.

    Samples that the reference lacks were not drawn and are left out (`fastecg render --mask-unplotted` writes such records). A record or
    lead that was not recovered counts as 0 mV.

    For example:

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
    """Records of the same name from both sides."""
    from fastecg.readers import find_records, read_record

    wanted = find_records(reference)
    if not reference.is_dir():
        return [read_record(wanted[0].path)], [read_record(find_records(estimate)[0].path)]
    found = {source.key: source for source in find_records(estimate)}
    if not any(source.key in found for source in wanted):
        raise RecordError(f"{estimate}: no record has the name of one in {reference}, expected {wanted[0].key} or another")
    references = [read_record(source.path) for source in wanted]
    estimates = [
        read_record(found[source.key].path) if source.key in found else _nothing(record)
        for source, record in zip(wanted, references, strict=True)
    ]
    return references, estimates


def _nothing(reference: Record) -> Record:
    """What a record that was not recovered amounts to: no sample of it."""
    import numpy as np

    from fastecg.record import Record

    return Record(np.full(reference.signal.shape, np.nan), reference.fs, reference.leads, reference.name)


def _as_table(scores: Scores) -> str:
    summary = {key: f"{value:.2f}" for key, value in scores.summary().items()}
    whole = scores.summary()
    lines = [
        f"records               {whole['records']}",
        f"raw SNR               {summary['snr_mean_db']} ± {summary['snr_sd_db']} dB",
        f"  median, 5th perc.   {summary['snr_median_db']}, {summary['snr_p5_db']} dB",
        f"failed (a lead < 5 dB) {100 * whole['failure_rate']:.1f} %",
        f"samples missing       {100 * whole['missing']:.1f} %",
        f"Challenge 2024        {summary['challenge_2024_db']} dB",
        f"Kaggle 2025           {summary['kaggle_2025_db']} dB ({summary['kaggle_2025_unclipped_db']} dB without its clip)",
        "",
        "lead  records    mean      sd  median     5th   raw SNR, dB",
    ]
    for lead, row in scores.per_lead().items():
        spread = [row["snr_mean_db"], row["snr_sd_db"], row["snr_median_db"], row["snr_p5_db"]]
        lines.append(f"{lead:<6}{row['records']:7d}" + "".join(f"{value:8.2f}" for value in spread))
    return "\n".join(lines)


def _as_csv(scores: Scores) -> str:
    rows = scores.rows()
    lines = [",".join(rows[0])]
    lines += [",".join(value if isinstance(value, str) else f"{value:.4f}" for value in row.values()) for row in rows]
    return "\n".join(lines)


def _as_json(scores: Scores) -> str:
    from json import dumps

    return dumps(_plain({"summary": scores.summary(), "per_lead": scores.per_lead(), "rows": scores.rows()}), indent=1)


def _plain(value: Any) -> Any:
    """Values that JSON has: it knows no NaN and no infinity."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
