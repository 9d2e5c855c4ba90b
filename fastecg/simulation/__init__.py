"""`simulate`: synthetic ECGs from a moving heart dipole, so that nobody needs a data set to start.

A rhythm says *when* atria and ventricles fire, and a conduction says *what shape* beats have that are conducted to the ventricles. Every
firing adds Gaussian lobes, which may be asymmetric, to a dipole in Frank's X (to the left), Y (to the feet) and Z (to the back), after
McSharry et al. 2003 (IEEE Trans Biomed Eng 50:289) and Sameni et al. 2007 (EURASIP J Adv Signal Process 2007:043407). Electrodes project
the dipole to the leads.

Lobes and intervals are those of an average adult; `Body.sample` varies them by the seed. `fs` changes only the times at which the finished
curves are sampled, and the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TypeVar

import numpy as np

from fastecg.errors import RecordError
from fastecg.record import LEADS, Record
from fastecg.simulation.body import Body, rng_for
from fastecg.simulation.cases import Case
from fastecg.simulation.conductions import CONDUCTIONS, Conduction
from fastecg.simulation.heart import breathe, dipole_of, heartbeats
from fastecg.simulation.leads import electrodes_of, known_leads
from fastecg.simulation.noise import electrode_noise, open_input
from fastecg.simulation.rhythms import RHYTHMS, Pace, Rhythm

__all__ = ["CONDUCTIONS", "RHYTHMS", "Conduction", "Rhythm", "simulate"]

Row = TypeVar("Row", Rhythm, Conduction)


def simulate(
    rhythm: str = "sinus",
    *,
    conduction: str = "normal",
    seconds: float = 10.0,
    fs: float = 500.0,
    heart_rate: float | None = None,
    seed: int = 0,
    noise: float = 1.0,
    drift: float = 1.0,
    muscle: float = 1.0,
    mains: float = 1.0,
    name: str | None = None,
    leads: Sequence[str] = LEADS,
    lead_off: Sequence[str] = (),
) -> Record:
    """A synthetic ECG. The same arguments give the same record.

    Parameters
    ----------
    rhythm : str
        Name of one of `RHYTHMS`, or "any" for a random case as hospitals see it. The case has a rhythm, a conduction, noise and perhaps
        a loose electrode, so `conduction`, `drift`, `muscle`, `mains` and `lead_off` are then ignored.
    conduction : str
        Name of one of `CONDUCTIONS`. Beats that start in the ventricles keep their own shape.
    seconds : float
        Length of the record in s, up to a day.
    fs : float
        Sampling frequency, 50 to 20,000 Hz. Without noise the curves are the same at every `fs`.
    heart_rate : float, optional
        Mean rate of the ventricles in beats per minute, 20 to 300. By default it is random, in a range that fits the rhythm.
    seed : int
        Number of the person and the recording, 0 or more. With the same seed, QRS complexes keep their places if `noise`, `fs`, `leads` or
        `conduction` change. Only in second-degree AV block do they follow the PR interval of the conduction.
    noise : float
        Factor of all noise together: baseline wander, noise of contacts, muscle noise, mains hum and white noise. 1 is a usual resting ECG,
        0 is no noise.
    drift, muscle, mains : float
        Further factors of baseline wander (large for a restless patient), muscle noise (shivering) and mains hum (bad earthing). Noise of
        contacts has the square root of `drift` as a factor.
    name : str, optional
        Name of the record; by default ``<rhythm>-<conduction>-<seed>``.
    leads : sequence of str
        Any of `fastecg.record.LEADS` and `fastecg.record.EXTRA_LEADS`, each once.
    lead_off : sequence of str
        Leads whose electrode has come off. They show hum, drift and crackle, or a flat line if `noise` is 0.

    Returns
    -------
    Record
        Its signal has the shape (leads, round(seconds * fs)). Einthoven's and Goldberger's equations hold to float32 rounding, unless
        `lead_off` has a limb lead.

    Raises
    ------
    RecordError
        If a name is unknown or a number out of range.

    Examples
    --------
    >>> import fastecg
    >>> fastecg.simulate("atrial_fibrillation", seed=3, seconds=20)
    Record('atrial_fibrillation-normal-3', 12 leads, 10000 samples at 500 Hz, 20 s)
    """
    if rhythm == "any":
        case = Case.sample(_checked_seed(seed))
        rhythm, conduction, drift, muscle, mains = case.rhythm, case.conduction, case.drift, case.muscle, case.mains
        lead_off = [lead for lead in case.lead_off if lead in leads]
    row = _row("rhythm", rhythm, RHYTHMS)
    course = _row("conduction", conduction, CONDUCTIONS)
    _check(seconds, fs, heart_rate, seed, {"noise": noise, "drift": drift, "muscle": muscle, "mains": mains})
    leads = known_leads(leads, lead_off)
    body = Body.sample(seed)
    rate = float(rng_for(seed, "rate").uniform(*row.rate)) if heart_rate is None else float(heart_rate)
    # One second after the end is filled too, because P waves before the end may belong to beats after it.
    pace = Pace(rate, body, rng_for(seed, "rhythm"), seconds + 1.0, course, row.slow, row.fast)
    samples = max(round(seconds * fs), 1)
    t = np.arange(samples) / fs
    dipole = breathe(dipole_of(heartbeats(row.fire(pace), course, body), samples, fs), t, body)
    weights, vectors = electrodes_of(leads)
    signal = (weights @ vectors) @ dipole
    if noise:
        signal += noise * (weights @ electrode_noise(t, fs, len(vectors), body, drift, muscle, mains))
    for lead in lead_off:
        signal[leads.index(lead)] = noise * open_input(t, fs, seed, mains) if noise else 0.0
    return Record(signal, fs, leads, f"{rhythm}-{conduction}-{seed}" if name is None else name)


def _row(what: str, name: str, rows: tuple[Row, ...]) -> Row:
    """The entry of `rows` called `name`; a `RecordError` that calls it `what` if there is none."""
    for row in rows:
        if row.name == name:
            return row
    raise RecordError(f"simulate: the {what} is {name!r}, expected one of {', '.join(row.name for row in rows)}")


def _checked_seed(seed: int) -> int:
    """The seed as an int; a `RecordError` if it is no whole number or below 0."""
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise RecordError(f"simulate: the seed is {seed!r}, expected a whole number of 0 or more")
    return int(seed)


def _check(seconds: float, fs: float, heart_rate: float | None, seed: int, noises: dict[str, float]) -> None:
    """Raise a `RecordError` if a number is out of range or the seed is not valid. `noises` are the factors of the noise by name."""
    ranges = [("length", seconds, 0.1, 86400.0, "s"), ("sampling frequency", fs, 50.0, 20000.0, "Hz")]
    ranges += [(name, value, 0.0, 1000.0, "") for name, value in noises.items()]
    _checked_seed(seed)
    if heart_rate is not None:
        ranges.append(("heart rate", heart_rate, 20.0, 300.0, "beats/min"))
    for what, value, low, high, unit in ranges:
        if not (isfinite(value) and low <= value <= high):
            raise RecordError(f"simulate: the {what} is {value} {unit}".rstrip() + f", expected {low:g} to {high:g} {unit}".rstrip())
