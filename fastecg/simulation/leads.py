"""Leads of a dipole: what each electrode sees of it, and how leads are computed from electrodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.errors import RecordError

Vector = tuple[float, float, float]

#: Potential of each chest electrode against Wilson's terminal, per unit of the dipole's X, Y and Z. V1 to V6 are from Dower, Machado &
#: Osborne 1980, Clin Cardiol 3:87, table for Frank's leads. Right-sided and posterior electrodes continue Dower's curve round the chest:
#: V3R lies as far right of the sternum as V3 lies left of it, and V9 lies beside the spine. vx, vy and vz are the dipole's own components.
CHEST: dict[str, Vector] = {
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
    "V7": (0.610, 0.070, 0.410),
    "V8": (0.400, 0.065, 0.510),
    "V9": (0.190, 0.060, 0.560),
    "V3R": (-0.610, 0.150, -0.520),
    "V4R": (-0.620, 0.140, -0.270),
    "V5R": (-0.590, 0.120, -0.080),
    "V6R": (-0.540, 0.090, 0.060),
    "vx": (1.0, 0.0, 0.0),
    "vy": (0.0, 1.0, 0.0),
    "vz": (0.0, 0.0, 1.0),
}
ELECTRODES = 3 + len(CHEST)  # Number of electrodes: RA, LA and LL (right arm, left arm, left leg), then those of `CHEST`.
# Vectors of leads I and II in Frank's X, Y, Z, by Dower.
DOWER_I: Vector = (0.632, -0.235, 0.059)
DOWER_II: Vector = (0.235, 1.066, -0.132)

#: The limb leads as weights of the electrodes RA, LA, LL. Einthoven's and Goldberger's equations hold up to rounding, noise included.
LIMB: dict[str, Vector] = {
    "I": (-1.0, 1.0, 0.0),
    "II": (-1.0, 0.0, 1.0),
    "III": (0.0, -1.0, 1.0),
    "aVR": (1.0, -0.5, -0.5),
    "aVL": (-0.5, 1.0, -0.5),
    "aVF": (-0.5, -0.5, 1.0),
}


def electrodes_of(leads: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The weight of each electrode in each lead (leads, electrodes), and what each electrode sees of the dipole (electrodes, 3).

    The electrodes are RA, LA, LL and those of `CHEST` in this order, up to the last one that a lead needs.
    """
    one, two = np.array(DOWER_I), np.array(DOWER_II)
    right_arm = -(one + two) / 3  # With this, Wilson's terminal (the mean of RA, LA and LL) is at 0.
    vectors = np.vstack([right_arm, right_arm + one, right_arm + two, np.array(list(CHEST.values()))])
    weights = np.zeros((len(leads), ELECTRODES))
    for row, lead in zip(weights, leads, strict=True):
        if lead in LIMB:
            row[:3] = LIMB[lead]
        else:  # A chest lead is its electrode less the mean of the limbs, Wilson's terminal.
            row[:3] = -1 / 3
            row[3 + list(CHEST).index(lead)] = 1.0
    needed = int(np.nonzero(weights.any(axis=0))[0].max(initial=0)) + 1
    return weights[:, :needed], vectors[:needed]


def known_leads(leads: Sequence[str], lead_off: Sequence[str]) -> tuple[str, ...]:
    """`leads` as a tuple. Raises a `RecordError` if one is unknown, or if a lead of `lead_off` is not among them."""
    known = (*LIMB, *CHEST)
    for lead in leads:
        if lead not in known:
            raise RecordError(f"simulate: lead {lead!r} is unknown, expected {', '.join(known)}")
    for lead in lead_off:
        if lead not in leads:
            raise RecordError(f"simulate: lead_off names {lead!r}, expected one of the leads asked for: {', '.join(leads)}")
    return tuple(leads)
