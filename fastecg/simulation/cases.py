"""Cases: recordings as a hospital sees them, with diseases and poor contacts about as often as they occur in hospitals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.simulation.body import rng_for

# Shares, about in per cent, of rhythms and of conductions among recordings in emergency rooms and on wards, not of healthy people: one
# recording in nine has atrial fibrillation, one in forty a pacemaker, one in sixteen ST elevation.
_RHYTHMS = {
    "sinus": 44.0, "sinus_tachycardia": 10.0, "sinus_bradycardia": 7.5, "sinus_arrhythmia": 3.0, "atrial_fibrillation": 11.0,
    "premature_ventricular": 5.0, "premature_atrial": 4.0, "first_degree_av_block": 4.0, "atrial_flutter": 1.8, "bigeminy": 1.2,
    "trigeminy": 0.6, "supraventricular_tachycardia": 1.5, "ventricular_tachycardia": 0.8, "junctional": 0.9, "ectopic_atrial": 0.7,
    "wenckebach": 0.8, "mobitz_ii": 0.3, "av_block_2_to_1": 0.4, "complete_heart_block": 0.6, "idioventricular": 0.3,
    "ventricular_paced": 1.2, "dual_chamber_paced": 1.3,
}  # fmt: skip
_CONDUCTIONS = {
    "normal": 46.0, "rbbb": 5.0, "lbbb": 4.0, "lafb": 6.0, "lpfb": 0.7, "wpw": 0.8, "lvh": 5.0, "lvh_strain": 4.0, "rvh": 1.5,
    "st_elevation_anterior": 3.0, "st_elevation_inferior": 3.2, "st_depression": 5.0, "inverted_t": 4.0, "long_qt": 2.0, "low_voltage": 2.5,
    "old_inferior_mi": 3.0, "old_anterior_mi": 2.5, "early_repolarisation": 2.5, "hyperkalaemia": 0.8,
}  # fmt: skip
#: Troubles of a recording: for each its share in per cent, and the ranges of the factors `drift`, `muscle` and `mains` of `simulate`. The
#: logarithms of the factors are uniform.
_TROUBLES: dict[str, tuple[float, tuple[tuple[float, float], ...]]] = {
    "none": (65.0, ((0.5, 1.8), (0.5, 2.2), (0.3, 1.5))),
    "drift": (13.0, ((3.0, 9.0), (0.6, 2.0), (0.3, 1.5))),
    "tremor": (10.0, ((0.8, 3.0), (4.0, 9.0), (0.3, 1.5))),
    "mains": (3.0, ((0.6, 2.0), (0.6, 2.0), (4.0, 9.0))),
    "unrest": (6.0, ((3.0, 8.0), (4.0, 10.0), (0.5, 3.0))),
    "lead off": (3.0, ((1.0, 3.0), (0.8, 2.0), (1.0, 5.0))),
}
# Leads whose electrode may come off: those of the chest, because each of their electrodes changes one lead only.
_LOOSE = ("V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True)
class Case:
    """The arguments of `fastecg.simulate` for one recording."""

    rhythm: str
    conduction: str
    drift: float
    muscle: float
    mains: float
    lead_off: tuple[str, ...]

    @classmethod
    def sample(cls, seed: int) -> Case:
        """The random case of a seed."""
        rng = rng_for(seed, "case")
        rhythm, conduction, trouble = (
            _choose(rng, shares) for shares in (_RHYTHMS, _CONDUCTIONS, {name: share for name, (share, _) in _TROUBLES.items()})
        )
        drift, muscle, mains = (float(np.exp(rng.uniform(np.log(low), np.log(high)))) for low, high in _TROUBLES[trouble][1])
        off = (str(rng.choice(_LOOSE)),) if trouble == "lead off" else ()
        return cls(rhythm, conduction, drift, muscle, mains, off)


def _choose(rng: np.random.Generator, shares: dict[str, float]) -> str:
    """One of the names, chosen at random with probabilities in proportion to their shares."""
    ends = np.cumsum(list(shares.values()))
    return list(shares)[int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))]
