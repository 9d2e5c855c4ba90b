"""`score`: compare records that were recovered from pictures with the records that were drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastecg.digitizing.metrics import KAGGLE_CLIP, challenge_2024_both, decibels, kaggle_2025, raw_snr
from fastecg.errors import RecordError
from fastecg.record import Record

#: A record counts as failed if the raw SNR of any of its leads is below this many dB.
FAILURE_DB = 5.0


@dataclass(frozen=True)
class LeadScore:
    """The scores of one lead of one record.

    Attributes
    ----------
    lead : str
    snr_db : float
        Raw SNR (see `fastecg.digitizing.metrics.raw_snr`).
    challenge_2024_db : float
        The PhysioNet Challenge 2024 metric.
    challenge_2024_official_db : float
        The PhysioNet Challenge 2024 metric with the fault of the organisers' code, for comparison with published scores.
    signal, noise : float
        Powers of the lead and of its error by the Kaggle metric of 2025, mV² summed over samples.
    missing : float
        Share of the drawn samples that the estimate lacks.
    """

    lead: str
    snr_db: float
    challenge_2024_db: float
    challenge_2024_official_db: float
    signal: float
    noise: float
    missing: float


@dataclass(frozen=True)
class RecordScore:
    """The scores of one record: the record's name and the scores of its leads."""

    name: str
    leads: tuple[LeadScore, ...]

    @property
    def snr_db(self) -> float:
        """Mean of the finite raw SNRs of the leads, dB; without any, inf if one is infinite, and NaN otherwise."""
        return _mean([lead.snr_db for lead in self.leads])

    @property
    def challenge_2024_db(self) -> float:
        """Mean of the finite values of the Challenge 2024 metric of the leads, dB; without any, inf or NaN."""
        return _mean([lead.challenge_2024_db for lead in self.leads])

    @property
    def challenge_2024_official_db(self) -> float:
        """`challenge_2024_db` by the code that the Challenge published, which has a fault."""
        return _mean([lead.challenge_2024_official_db for lead in self.leads])

    @property
    def kaggle_ratio(self) -> float:
        """Ratio of the sums over all leads of the powers of signal and error, not clipped; inf if there is no error."""
        noise = sum(lead.noise for lead in self.leads)
        return sum(lead.signal for lead in self.leads) / noise if noise > 0 else np.inf

    @property
    def failed(self) -> bool:
        """Whether the raw SNR of any lead is below `FAILURE_DB`."""
        return any(lead.snr_db < FAILURE_DB for lead in self.leads)


@dataclass(frozen=True)
class Scores:
    """The scores of one or more records."""

    records: tuple[RecordScore, ...]

    def summary(self) -> dict[str, float]:
        """Summarise the scores of all records.

        Returns
        -------
        dict of str to float
            The number of records; mean, standard deviation, median and 5th percentile of their raw SNR in dB; the share of records with any
            lead below 5 dB; the means over all leads of the Challenge metric, right and as published, in dB; the mean ratio of the Kaggle
            metric over records in dB, which clips every record at 25.84 dB, as the competition did, and this mean unclipped; and the mean
            share of missing samples. Infinite SNRs are left out of means and quantiles, unless there are no others. In the Kaggle metric,
            they are clipped like all large ratios, and make the unclipped mean infinite.
        """
        values = np.array([record.snr_db for record in self.records])
        ratios = np.array([record.kaggle_ratio for record in self.records])
        return {
            "records": len(self.records),
            **_spread(values),
            "failure_rate": float(np.mean([record.failed for record in self.records])),
            "challenge_2024_db": _mean([lead.challenge_2024_db for lead in self._leads()]),
            "challenge_2024_official_db": _mean([lead.challenge_2024_official_db for lead in self._leads()]),
            "kaggle_2025_db": decibels(float(np.mean(np.minimum(ratios, KAGGLE_CLIP))), 1.0),
            "kaggle_2025_unclipped_db": decibels(float(np.mean(ratios)), 1.0),
            "missing": _mean([lead.missing for lead in self._leads()]),
        }

    def per_lead(self) -> dict[str, dict[str, float]]:
        """By lead: number of records that have it, and mean, standard deviation, median and 5th percentile of its raw SNR in dB."""
        names = dict.fromkeys(lead.lead for lead in self._leads())
        found = {name: np.array([lead.snr_db for lead in self._leads() if lead.lead == name]) for name in names}
        return {name: {"records": len(values), **_spread(values)} for name, values in found.items()}

    def rows(self) -> list[dict[str, Any]]:
        """The scores as a table: one dictionary for every lead of every record. The Kaggle metric is that of the lead, unclipped, dB."""
        return [
            {"record": record.name, "lead": lead.lead, "snr_db": lead.snr_db, "challenge_2024_db": lead.challenge_2024_db,
             "challenge_2024_official_db": lead.challenge_2024_official_db,
             "kaggle_2025_db": decibels(lead.signal, lead.noise), "missing": lead.missing}
            for record in self.records for lead in record.leads
        ]  # fmt: skip

    def __repr__(self) -> str:
        return f"Scores({len(self.records)} record{'s' * (len(self.records) != 1)}, raw SNR {self.summary()['snr_mean_db']:.1f} dB)"

    def _leads(self) -> Iterator[LeadScore]:
        """The leads of all records."""
        for record in self.records:
            yield from record.leads


def score(reference: Record | Sequence[Record], estimate: Record | Sequence[Record]) -> Scores:
    """Score recovered signals against what was drawn.

    Parameters
    ----------
    reference : Record or sequence of Record
        The records that were drawn. Samples that were not drawn are NaN and left out (``fastecg render --mask-unplotted`` writes such
        records).
    estimate : Record or sequence of Record
        The records that were recovered, in the same order, with the same sampling frequency and the same first sample. A lead or sample
        that is missing counts as 0 mV in the raw SNR and in the Kaggle metric.

    Returns
    -------
    Scores

    Raises
    ------
    RecordError
        If the numbers of records or their sampling frequencies differ, there is no record, or nothing of a reference was drawn.

    Examples
    --------
    >>> import fastecg
    >>> record = fastecg.simulate(seed=1)
    >>> rounded = fastecg.Record(record.signal.round(1), record.fs, record.leads)
    >>> fastecg.score(record, rounded)
    Scores(1 record, raw SNR 16.7 dB)
    """
    references = [reference] if isinstance(reference, Record) else list(reference)
    estimates = [estimate] if isinstance(estimate, Record) else list(estimate)
    if len(references) != len(estimates) or not references:
        raise RecordError(f"{len(references)} references and {len(estimates)} estimates, expected as many of both, at least one")
    return Scores(tuple(_score_record(*pair) for pair in zip(references, estimates, strict=True)))


def _score_record(reference: Record, estimate: Record) -> RecordScore:
    """Score one record; only leads that were drawn count."""
    if abs(reference.fs - estimate.fs) > 1e-6 * reference.fs:
        wanted = f"{reference.fs:g} Hz as the reference (digitize --fs {reference.fs:g})"
        raise RecordError(f"{estimate.name}: sampled at {estimate.fs:g} Hz, expected {wanted}")
    drawn = [lead for lead in reference.leads if np.isfinite(reference.lead(lead)).any()]
    if not drawn:
        raise RecordError(f"{reference.name}: every sample of the reference is missing, expected some that were drawn")
    return RecordScore(reference.name, tuple(_score_lead(reference, estimate, lead) for lead in drawn))


def _score_lead(reference: Record, estimate: Record, lead: str) -> LeadScore:
    """Score one lead. Samples of the estimate after the end of the reference are not used."""
    wanted = reference.lead(lead).astype(np.float64)
    found = np.full(len(wanted), np.nan)
    if lead in estimate.leads:
        known = estimate.lead(lead)[: len(wanted)]
        found[: len(known)] = known
    missing = float(np.mean(np.isnan(found[np.isfinite(wanted)])))
    signal, noise = kaggle_2025(wanted, found, reference.fs)
    corrected, official = challenge_2024_both(wanted, found, reference.fs)
    return LeadScore(lead, raw_snr(wanted, found), corrected, official, signal, noise, missing)


def _spread(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation, median and 5th percentile of the finite values; without any, inf if a value is infinite, or else NaN."""
    known = values[np.isfinite(values)]
    if not known.size:
        return dict.fromkeys(("snr_mean_db", "snr_sd_db", "snr_median_db", "snr_p5_db"), np.inf if np.isinf(values).any() else np.nan)
    return {
        "snr_mean_db": float(known.mean()),
        "snr_sd_db": float(known.std()),
        "snr_median_db": float(np.median(known)),
        "snr_p5_db": float(np.percentile(known, 5)),
    }


def _mean(values: Sequence[float]) -> float:
    """Mean of the finite values. Without any, it is inf if a value is inf, and NaN otherwise."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else (np.inf if any(value == np.inf for value in values) else np.nan)
