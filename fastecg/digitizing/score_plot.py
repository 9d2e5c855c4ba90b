"""Plot the distribution of scores over records and leads, with matplotlib."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from fastecg.digitizing.score import FAILURE_DB, Scores
from fastecg.errors import FastecgError
from fastecg.writers.image import write_atomic


def plot_scores(scores: Scores, target: Path) -> None:
    """Plot the raw SNR of records (histogram) and of leads (quartiles, 5th and 95th percentile) as a picture file.

    Red lines are at `FAILURE_DB`. Infinite SNRs are left out. A target without a suffix gets ".png".

    Raises
    ------
    FastecgError
        If matplotlib is not installed, or cannot write files with the suffix of `target`.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as missing:
        raise FastecgError("a plot needs matplotlib, expected `pip install matplotlib` to have been run") from missing
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    whole = np.array([record.snr_db for record in scores.records])
    left.hist(whole[np.isfinite(whole)], bins=30, color="0.6")
    left.axvline(FAILURE_DB, color="tab:red", linewidth=1)
    left.set(xlabel="raw SNR of a record, dB", ylabel="records")
    names = list(dict.fromkeys(lead.lead for record in scores.records for lead in record.leads))
    found = [[lead.snr_db for record in scores.records for lead in record.leads if lead.lead == name] for name in names]
    right.boxplot([[value for value in values if np.isfinite(value)] for values in found], whis=(5, 95), showfliers=False)
    right.set_xticks(range(1, len(names) + 1), names)
    right.axhline(FAILURE_DB, color="tab:red", linewidth=1)
    right.set(ylabel="raw SNR of a lead, dB")
    if not target.suffix:
        target = target.with_name(f"{target.name}.png")
    body = io.BytesIO()
    try:
        figure.savefig(body, dpi=110, format=target.suffix.removeprefix("."))
    except ValueError as fault:
        raise FastecgError(f"{target}: {fault}, expected a suffix such as .png or .pdf") from fault
    write_atomic(target, body.getbuffer())
