"""Rhythms: when atria and ventricles fire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import pi

import numpy as np

from fastecg.simulation.body import Body
from fastecg.simulation.conductions import Conduction

#: Onsets (firings,) in s for each kind of firing: a key of `waves.SHAPES`, "QRS" or "ectopic QRS".
Firings = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Pace:
    """The input of a rhythm: the ventricular rate, the body, a random generator and the time to fill with beats."""

    rate: float  # ventricular beats per minute
    body: Body
    rng: np.random.Generator
    stop_s: float
    conduction: Conduction
    slow: float  # depth of the slow variation of the rate, at frequencies of about 0.1 Hz, as a share of the rate
    fast: float  # depth of the variation of the rate with the breath, as a share of the rate
    start_s: float = -8.0  # before the record begins at 0, as T waves of earlier beats reach into it, and QT depends on earlier intervals

    @property
    def pr_s(self) -> float:
        """Time from the onset of P to the onset of QRS, at most half of the mean RR interval."""
        return min(self.body.pr_s + self.conduction.pr_ms / 1000, 0.5 * 60 / self.rate)

    def clock(self, rate: float | None = None) -> Clock:
        """A new pacemaker of `rate` beats per minute; by default of the ventricular rate."""
        return Clock(self, self.rate if rate is None else rate)


class Clock:
    """A pacemaker by integral pulse frequency modulation (Hyndman & Mohn 1975, Automedica 1:239).

    The pacemaker's phase grows with time, faster or slower as the rate varies. It fires whenever the phase is a whole number. A beat at
    phase 6.6 comes earlier than the beat at phase 7 by 40 % of an RR interval.
    """

    def __init__(self, pace: Pace, rate: float) -> None:
        body, rng = pace.body, pace.rng
        self._t = np.arange(pace.start_s, pace.stop_s + 0.05, 0.05)
        tones = [(f, pace.slow / 3**0.5, p) for f, p in zip(rng.normal(0.095, 0.012, 3), rng.uniform(0, 2 * pi, 3), strict=True)]
        tones += [(0.03, 0.5 * pace.slow, rng.uniform(0, 2 * pi)), (body.breath_hz, pace.fast, body.breath_phase)]
        # The rate relative to its mean is 1 plus tones of frequency f (Hz), depth and phase. The pacemaker's phase is its integral over
        # time. Three tones near 0.1 Hz have the depth `slow` together, as the squares of depths add up.
        swing = sum(depth / (2 * pi * f) * np.sin(2 * pi * f * self._t + phase) for f, depth, phase in tones)
        self._phase = (self._t + swing) * rate / 60 + rng.uniform()

    @property
    def beats(self) -> np.ndarray:
        """All whole phases from `Pace.start_s` to `Pace.stop_s`."""
        return np.arange(np.ceil(self._phase[0]), self._phase[-1])

    def __call__(self, phases: np.ndarray) -> np.ndarray:
        """Times in s at which `phases`, in any order, are reached."""
        return np.interp(phases, self._phase, self._t)


def _sinus(pace: Pace) -> Firings:
    clock = pace.clock()
    qrs = clock(clock.beats)
    return {"P": qrs - pace.pr_s, "QRS": qrs}


def _ectopic_atrial(pace: Pace) -> Firings:
    firings = _sinus(pace)
    return {"retrograde P": firings["QRS"] - 0.75 * pace.pr_s, "QRS": firings["QRS"]}


def _first_degree(pace: Pace) -> Firings:
    qrs = _sinus(pace)["QRS"]
    pr = min(pace.rng.uniform(0.24, 0.32) + pace.conduction.pr_ms / 1000, 0.6 * 60 / pace.rate)
    return {"P": qrs - pr, "QRS": qrs}


def _wenckebach(pace: Pace) -> Firings:
    group = int(pace.rng.integers(3, 6))  # 3:2, 4:3 or 5:4
    clock = pace.clock(pace.rate * group / (group - 1))
    beats = clock.beats
    p, beat_of_group = clock(beats), beats.astype(int) % group
    late = 0.20 * (1 - 0.5**beat_of_group)  # s by which PR has grown; it grows most at the first step, so RR shortens before the pause
    qrs = (p + pace.pr_s + 0.02 + late)[beat_of_group < group - 1]
    return {"P": p, "QRS": qrs}


def _dropped(pace: Pace, group: int) -> Firings:
    """Firings of a block in which every `group`-th P wave is not conducted, and the PR interval of the others is constant."""
    clock = pace.clock(pace.rate * group / (group - 1))
    beats = clock.beats
    p = clock(beats)
    return {"P": p, "QRS": p[beats.astype(int) % group > 0] + pace.pr_s}


def _mobitz(pace: Pace) -> Firings:
    return _dropped(pace, int(pace.rng.integers(3, 5)))


def _two_to_one(pace: Pace) -> Firings:
    return _dropped(pace, 2)


def _complete_block(pace: Pace) -> Firings:
    atria, ventricles = pace.clock(pace.rng.uniform(70, 95)), pace.clock()
    return {"P": atria(atria.beats), "escape": ventricles(ventricles.beats)}


def _fibrillation(pace: Pace) -> Firings:
    rng, span = pace.rng, pace.stop_s - pace.start_s
    mean = 60 / pace.rate
    # `rest` is the time in s for which the AV node is refractory. What an interval has beyond it is gamma distributed, and independent of
    # other intervals.
    rest = 0.55 * mean
    rr = rest + rng.gamma(4.0, (mean - rest) / 4.0, int(span / rest) + 2)
    # Intervals of f waves in s: 0.14 to 0.18 on average, none below 0.65 * 0.14, so that `span` / 0.09 of them are enough.
    waves = np.clip(rng.normal(1.0, 0.11, int(span / 0.09) + 2), 0.65, 1.5) * rng.uniform(0.14, 0.18)
    return {"fibrillation": pace.start_s + np.cumsum(waves), "QRS": pace.start_s + rng.uniform() * mean + np.cumsum(rr)}


def _flutter(pace: Pace) -> Firings:
    ratio = int(np.clip(round(290 / pace.rate), 1, 8))  # flutter waves, near 290 per minute, for each QRS complex
    clock = pace.clock(pace.rate * ratio)
    beats = clock.beats
    waves = clock(beats)
    delay = pace.rng.uniform(0.14, 0.2)  # s from the onset of the conducted flutter wave to the onset of QRS
    return {"flutter": waves, "QRS": waves[beats.astype(int) % ratio == 0] + delay}


def _supraventricular(pace: Pace) -> Firings:
    clock = pace.clock()
    qrs = clock(clock.beats)
    return {"QRS": qrs, "retrograde P": qrs + pace.rng.uniform(0.055, 0.11)}


def _junctional(pace: Pace) -> Firings:
    clock = pace.clock()
    qrs = clock(clock.beats)
    return {"QRS": qrs, "retrograde P": qrs + pace.rng.choice([-0.1, 0.1])}


def _premature_atrial(pace: Pace) -> Firings:
    clock = pace.clock()
    early = _sparse(pace.rng, clock.beats.size, 5)
    steps = np.ones(early.size)
    steps[early] = pace.rng.uniform(0.60, 0.72)
    # Steps are intervals from one beat to the next as shares of RR. An early beat resets the sinus node, so the pause after it is not
    # compensatory.
    steps[1:][early[:-1]] = 1.12
    qrs = clock(clock.beats[0] + np.cumsum(steps) / steps.mean())
    return {"P": qrs[~early] - pace.pr_s, "ectopic P": qrs[early] - pace.pr_s, "QRS": qrs}


def _ventricular_ectopy(pace: Pace, early: np.ndarray, clock: Clock) -> Firings:
    """Firings of a sinus rhythm whose beats marked in `early` (beats,) come too early, from a ventricle.

    The sinus node goes on undisturbed, so the pause after an early beat is compensatory.
    """
    beats, early_by = clock.beats, pace.rng.uniform(0.34, 0.44)  # share of the RR interval by which the marked beats come early
    sinus = clock(beats)
    return {"P": sinus - pace.pr_s, "QRS": sinus[~early], "ectopic QRS": clock(beats[early] - early_by)}


def _premature_ventricular(pace: Pace) -> Firings:
    clock = pace.clock()
    return _ventricular_ectopy(pace, _sparse(pace.rng, clock.beats.size, 6), clock)


def _bigeminy(pace: Pace) -> Firings:
    clock = pace.clock()
    return _ventricular_ectopy(pace, clock.beats.astype(int) % 2 == 1, clock)


def _trigeminy(pace: Pace) -> Firings:
    clock = pace.clock()
    return _ventricular_ectopy(pace, clock.beats.astype(int) % 3 == 2, clock)


def _sparse(rng: np.random.Generator, beats: int, apart: int) -> np.ndarray:
    """Random marks (beats,) bool at about one beat in `apart`. They are from `apart` - 2 to `apart` + 1 beats apart."""
    marks = np.zeros(beats, dtype=bool)
    marks[np.cumsum(rng.integers(apart - 2, apart + 2, beats))[:beats].clip(max=beats - 1)] = True
    marks[-1] = False  # places beyond the last beat were clipped to it
    return marks


def _ventricular_tachycardia(pace: Pace) -> Firings:
    clock, atria = pace.clock(), pace.clock(pace.rng.uniform(70, 95))
    return {"ectopic QRS": clock(clock.beats), "P": atria(atria.beats)}


def _idioventricular(pace: Pace) -> Firings:
    clock = pace.clock()
    return {"escape": clock(clock.beats)}


def _ventricular_paced(pace: Pace) -> Firings:
    clock = pace.clock()
    spike = clock(clock.beats)
    return {"P": spike - pace.body.pr_s, "spike": spike, "paced": spike + 0.008}  # capture 8 ms after the spike


def _dual_paced(pace: Pace) -> Firings:
    clock = pace.clock()
    spike = clock(clock.beats)
    atrial = spike - min(0.17, 0.5 * 60 / pace.rate)  # s between the two spikes, at most half of RR
    return {"P": atrial + 0.012, "spike": np.concatenate([atrial, spike]), "paced": spike + 0.008}


@dataclass(frozen=True)
class Rhythm:
    """When the heart fires: one entry of `RHYTHMS`."""

    name: str
    about: str
    rate: tuple[float, float]  # range of the ventricular rate if the user gives none, beats per minute
    fire: Callable[[Pace], Firings] = field(repr=False)
    slow: float = 0.03  # as in `Pace`
    fast: float = 0.025  # as in `Pace`


#: All rhythms.
RHYTHMS: tuple[Rhythm, ...] = (
    Rhythm("sinus", "sinus rhythm", (60, 95), _sinus),
    Rhythm("sinus_bradycardia", "sinus rhythm below 60", (40, 57), _sinus, 0.04, 0.04),
    Rhythm("sinus_tachycardia", "sinus rhythm above 100", (105, 140), _sinus, 0.012, 0.008),
    Rhythm("sinus_arrhythmia", "sinus rhythm that follows the breath", (58, 85), _sinus, 0.03, 0.17),
    Rhythm("ectopic_atrial", "low atrial focus: inverted P in II, short PR", (60, 95), _ectopic_atrial),
    Rhythm("atrial_fibrillation", "f waves, no P, irregular RR", (65, 140), _fibrillation),
    Rhythm("atrial_flutter", "sawtooth near 290/min, conducted 2:1, 3:1 or 4:1", (70, 150), _flutter, 0.004, 0.002),
    Rhythm("supraventricular_tachycardia", "regular, narrow, P hidden at the end of QRS", (155, 210), _supraventricular, 0.003, 0.002),
    Rhythm("junctional", "narrow QRS with retrograde P just before or after it", (42, 60), _junctional, 0.006, 0.004),
    Rhythm("first_degree_av_block", "PR 240 to 320 ms", (55, 85), _first_degree),
    Rhythm("wenckebach", "PR grows until a beat is dropped", (45, 70), _wenckebach, 0.012, 0.01),
    Rhythm("mobitz_ii", "every third or fourth P not conducted, PR constant", (45, 65), _mobitz, 0.012, 0.01),
    Rhythm("av_block_2_to_1", "every second P not conducted", (34, 48), _two_to_one, 0.012, 0.01),
    Rhythm("complete_heart_block", "P waves and a wide escape rhythm, unrelated", (30, 45), _complete_block, 0.012, 0.01),
    Rhythm("premature_atrial", "sinus rhythm with premature atrial beats", (60, 90), _premature_atrial),
    Rhythm("premature_ventricular", "sinus rhythm with wide premature beats", (60, 90), _premature_ventricular),
    Rhythm("bigeminy", "every second beat ventricular", (60, 90), _bigeminy, 0.012, 0.01),
    Rhythm("trigeminy", "every third beat ventricular", (60, 90), _trigeminy, 0.012, 0.01),
    Rhythm("ventricular_tachycardia", "wide, fast, regular, P dissociated", (140, 200), _ventricular_tachycardia, 0.004, 0.002),
    Rhythm("idioventricular", "slow wide escape rhythm without P", (32, 45), _idioventricular, 0.008, 0.004),
    Rhythm("ventricular_paced", "P waves followed by a spike and a wide QRS", (60, 85), _ventricular_paced, 0.012, 0.01),
    Rhythm("dual_chamber_paced", "spikes before P and before QRS", (60, 75), _dual_paced, 0.0, 0.0),
)
