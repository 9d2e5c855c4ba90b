"""Find the signals of a file that are ECG leads, and give them their standard names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from fastecg.errors import RecordError
from fastecg.leads import EXTRA_LEADS, LEADS, LONGEST_NAME, standard_name, standard_names

__all__ = ["LONGEST_NAME", "MOST_LEADS", "Lead", "choose_leads", "millivolts_per", "standard_name"]

#: Largest number of leads of a record. Of files with more, such as body surface maps, only leads with known names are read.
MOST_LEADS = 24

_ORDER = {name: index for index, name in enumerate(LEADS + EXTRA_LEADS)}

# Number of mV in a unit, by the unit's name in lower case without a plural s.
_MV_PER_UNIT = {
    "nv": 1e-6,
    "nanovolt": 1e-6,
    "uv": 1e-3,
    "\u03bcv": 1e-3,  # Greek mu; the micro sign is folded to it by casefold()
    "microvolt": 1e-3,
    "mv": 1.0,  # "MV" too: nobody records megavolts
    "millivolt": 1.0,
    "v": 1e3,
    "volt": 1e3,
}

# Signals whose names begin like this are not ECG leads, even if their unit is mV, which is assumed where a header states no unit.
_NOT_ECG = (
    *("abp", "nbp", "art", "pap", "cvp", "icp", "bp", "lap", "rap", "uap", "uvp", "pulse", "hr"),
    *("pleth", "ppg", "spo2", "sao2", "so2", "co2", "etco2", "resp", "thor", "imp", "airflow", "flow", "nasal"),
    *("eeg", "eog", "emg", "gsr", "eda", "temp", "acc", "gyro", "pcg", "phono", "marker", "event", "trigger", "status"),
)


class Lead(NamedTuple):
    """An ECG lead among the signals of a file: the signal's number, from 0; the lead's name; and 1, or -1 if it is stored upside down."""

    channel: int
    name: str
    sign: int


@lru_cache(maxsize=256)
def millivolts_per(unit: str) -> float | None:
    """The number of mV in one `unit`; None if it is not a voltage."""
    return _MV_PER_UNIT.get(unit.strip().casefold().removesuffix("s"))


def _is_ecg(name: str, unit: str) -> bool:
    """Whether a signal is an ECG lead: its unit is a voltage, and its name is that of a lead, or begins with none of `_NOT_ECG`."""
    if millivolts_per(unit) is None:
        return False
    return standard_name(name) is not None or not name.strip().lower().startswith(_NOT_ECG)


def choose_leads(names: Sequence[str], units: Sequence[str], path: object) -> list[Lead]:
    """Pick the ECG leads among the signals of a file and give each its name.

    Parameters
    ----------
    names, units : sequence of str
        Names and units of all signals as the file spells them.
    path : object
        The file, which is named in errors.

    Returns
    -------
    list of Lead
        1 to 24 leads: the standard twelve in their order, then the other known ones, then the rest in file order. If there are more than
        24, those with unknown names are left out.

    Raises
    ------
    RecordError
        If no signal is an ECG lead; if two leads have the same known name in the file, apart from upper and lower case; or if there are
        more than 24 leads, and either none of them or more than 24 have known names.
    """
    try:
        return list(_choose(tuple(name.strip()[:LONGEST_NAME] for name in names), tuple(unit[:LONGEST_NAME] for unit in units)))
    except RecordError as fault:
        raise RecordError(f"{path}: {fault}") from None


@lru_cache(maxsize=256)  # the headers of a data set have the same few sets of leads
def _choose(names: tuple[str, ...], units: tuple[str, ...]) -> tuple[Lead, ...]:
    """As `choose_leads`, without the file in errors, so that it can be cached."""
    chosen = [k for k, (name, unit) in enumerate(zip(names, units, strict=True)) if _is_ecg(name, unit)]
    if not chosen:
        raise RecordError(f"none of its {len(names)} signals is an ECG lead, expected at least one ECG signal in mV, uV or V")
    if len(chosen) > MOST_LEADS:
        known = [k for k in chosen if standard_name(names[k])]
        if not 0 < len(known) <= MOST_LEADS:
            raise RecordError(f"it has {len(chosen)} leads, {len(known)} of them with a known name, expected 1 to {MOST_LEADS}")
        chosen = known
    leads = _name_leads([(k, names[k].strip()) for k in chosen])
    return tuple(sorted(leads, key=lambda lead: (_ORDER.get(lead.name, len(_ORDER)), lead.channel)))


def _name_leads(signals: list[tuple[int, str]]) -> list[Lead]:
    """Name leads as `standard_names` does. `signals` are pairs: a signal's number, from 0, and its name in the file.

    Of several leads with the same standard name, all but one keep their names in the file, cut at "#". A lead is
    called ECG1, ECG2, … if another one already has its cut name, or if its name is unknown: names are printed on pages, and remarks and
    unknown names may be personal data.
    `RecordError` if two whole names in the file are the same, apart from upper and lower case, and mean a known lead. Unknown names may be
    the same (both signals of many Holter records are called ECG), because they are not kept.
    """
    spelled = [raw.lower() if standard_name(raw) else None for _, raw in signals]
    twice = sorted({raw for raw in spelled if raw and spelled.count(raw) > 1})
    if twice:
        pair = " and ".join(str(index + 1) for (index, _), raw in zip(signals, spelled, strict=True) if raw == twice[0])
        raise RecordError(f"two leads are named alike (signals {pair}), expected each lead once")
    leads: list[Lead] = []
    found = standard_names(tuple(raw for _, raw in signals))
    taken = {known[0].lower() for known in found if known}
    for (index, raw), known in zip(signals, found, strict=True):
        own = raw.partition("#")[0].strip()
        if not known and (standard_name(raw) is None or own.lower() in taken):
            own = f"ECG{sum(lead.name.startswith('ECG') for lead in leads) + 1}"
        leads.append(Lead(index, *(known or (own, 1))))
        taken.add(leads[-1].name.lower())
    return leads
