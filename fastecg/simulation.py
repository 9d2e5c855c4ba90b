"""`simulate`: synthetic ECGs from a moving heart dipole, so that nobody needs a data set to start.

A rhythm says *when* atria and ventricles fire, a conduction says *what shape* each firing has, and the body projects the dipole to
the leads. The dipole is a sum of (asymmetric) Gaussian lobes in Frank's X, Y, Z, after McSharry et al. 2003 (IEEE Trans Biomed Eng
50:289) and Sameni et al. 2007 (EURASIP J Adv Signal Process 2007:043407). X points left, Y to the feet, Z to the back.

Lobes and intervals are written for an average adult; `Body.draw` holds what differs between two seeds. Nothing depends on `fs` but
the moments at which the finished curves are read (and the band of the noise).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import cos, isfinite, pi, radians, sin
from typing import NamedTuple, TypeVar
from zlib import crc32

import numpy as np

from fastecg.errors import RecordError
from fastecg.record import LEADS, Record

__all__ = ["CONDUCTIONS", "RHYTHMS", "Conduction", "Rhythm", "simulate"]

Vector = tuple[float, float, float]

# ---------------------------------------------------------------------------------------------------------------- leads

#: Potential of each chest electrode against Wilson's terminal, per mV of dipole (X, Y, Z).
#: V1..V6: Dower, Machado & Osborne 1980, Clin Cardiol 3:87, table for Frank's leads. The right-sided and posterior ones continue
#: Dower's curve round the chest: V3R mirrors V3 about the sternum, V9 lies beside the spine where the dipole looks at the electrode.
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
ELECTRODES = 3 + len(CHEST)  # RA, LA, LL first
DOWER_I: Vector = (0.632, -0.235, 0.059)
DOWER_II: Vector = (0.235, 1.066, -0.132)

#: The limb leads as weights of the electrodes RA, LA, LL: Einthoven and Goldberger hold exactly, noise included.
LIMB: dict[str, Vector] = {
    "I": (-1.0, 1.0, 0.0),
    "II": (-1.0, 0.0, 1.0),
    "III": (0.0, -1.0, 1.0),
    "aVR": (1.0, -0.5, -0.5),
    "aVL": (-0.5, 1.0, -0.5),
    "aVF": (-0.5, -0.5, 1.0),
}

# ---------------------------------------------------------------------------------------------------------------- waves


class Lobe(NamedTuple):
    """One Gaussian of the dipole: its peak, the widths (standard deviations) before and after it, and its height in mV.

    Times are ms after the onset in `Shape.quick`, shares of the QT interval (or of the flutter cycle) in `Shape.slow`.
    """

    at: float
    rise: float
    fall: float
    x: float
    y: float
    z: float


Lobes = tuple[Lobe, ...]


class Shape(NamedTuple):
    """What one firing looks like: `quick` lobes keep their length in ms, `slow` ones stretch with the heart's cycle."""

    quick: Lobes = ()
    slow: Lobes = ()


def _scaled(lobes: Iterable[Lobe], x: float, y: float | None = None, z: float | None = None) -> Lobes:
    """The lobes with their heights multiplied along X, Y, Z (one number: all three)."""
    y, z = (x if y is None else y), (x if z is None else z)
    return tuple(lobe._replace(x=lobe.x * x, y=lobe.y * y, z=lobe.z * z) for lobe in lobes)


def _timed(lobes: Iterable[Lobe], later_ms: float = 0.0, wider: float = 1.0) -> Lobes:
    """The lobes stretched in time by `wider`, then moved by `later_ms`."""
    return tuple(lobe._replace(at=lobe.at * wider + later_ms, rise=lobe.rise * wider, fall=lobe.fall * wider) for lobe in lobes)


def _st(x: float, y: float, z: float) -> Lobes:
    """A shifted ST segment: a plateau from the J point that runs into the T wave."""
    return (Lobe(0.33, 0.065, 0.10, x, y, z), Lobe(0.52, 0.11, 0.10, 0.8 * x, 0.8 * y, 0.8 * z))


def _t(x: float, y: float, z: float, rise: float = 0.125, fall: float = 0.09) -> Lobes:
    """A T wave: it rises slower than it falls."""
    return (Lobe(0.74, rise, fall, x, y, z),)


SEPTUM = (Lobe(18, 6.0, 7.5, -0.14, -0.07, -0.24),)
WALL = (Lobe(37, 8.5, 7.5, 1.22, 0.62, -0.04), Lobe(52, 8.0, 8.5, 0.18, 0.17, 0.76))
BASE = (Lobe(68, 7.5, 8.0, -0.20, -0.10, 0.20),)
QRS = SEPTUM + WALL + BASE
ST = (Lobe(0.50, 0.14, 0.14, 0.02, 0.01, -0.07),)
T = _t(0.34, 0.16, -0.26)
U = (Lobe(1.12, 0.05, 0.06, 0.012, 0.010, -0.020),)
STT = ST + T + U

P = (Lobe(38, 14, 15, 0.035, 0.085, -0.045), Lobe(66, 15, 14, 0.065, 0.060, 0.035))
LBBB_QRS = (
    Lobe(20, 9, 9, 0.12, 0.05, 0.05),
    Lobe(46, 13, 14, 0.74, 0.33, 0.62),
    Lobe(76, 16, 16, 0.60, 0.17, 1.06),
    Lobe(106, 13, 12, 0.66, 0.20, 0.52),
)
LBBB_STT = _st(-0.08, -0.03, -0.16) + _t(-0.26, -0.08, -0.36)
RBBB_QRS = (
    *SEPTUM,
    Lobe(38, 7.5, 8, 1.10, 0.55, 0.05),
    Lobe(53, 8, 9, 0.15, 0.15, 0.50),
    Lobe(90, 13, 15, -0.44, -0.05, -0.62),
    Lobe(116, 13, 12, -0.14, 0.0, -0.22),
)

#: Ventricular beats by origin: the right outflow tract (left-bundle-like, to the feet), the left wall (upright in V1, upwards).
RIGHT_ORIGIN = Shape(
    (Lobe(42, 17, 17, 0.25, 0.60, 0.45), Lobe(78, 19, 20, 0.60, 1.05, 0.80), Lobe(112, 14, 15, 0.05, 0.40, 0.20)),
    _st(-0.06, -0.12, -0.10) + _t(-0.25, -0.42, -0.36, 0.14),
)
LEFT_ORIGIN = Shape(
    (Lobe(40, 16, 17, 0.15, -0.25, -0.55), Lobe(76, 19, 20, -0.40, -0.85, -0.75), Lobe(112, 15, 15, -0.45, -0.45, -0.10)),
    _st(0.06, 0.10, 0.08) + _t(0.30, 0.40, 0.30, 0.14),
)

#: The shape of every kind of firing that conduction does not change.
SHAPES: dict[str, Shape] = {
    "P": Shape(P),
    "ectopic P": Shape((Lobe(32, 12, 14, -0.05, 0.055, -0.06), Lobe(62, 15, 13, -0.02, 0.075, 0.045))),
    "retrograde P": Shape((Lobe(30, 12, 13, 0.01, -0.085, -0.040), Lobe(54, 14, 12, -0.01, -0.060, -0.030))),
    "fibrillation": Shape((), (Lobe(0.30, 0.13, 0.12, 0.010, 0.035, -0.050), Lobe(0.75, 0.13, 0.13, -0.008, -0.030, 0.035))),
    "flutter": Shape((), (Lobe(0.40, 0.24, 0.12, -0.03, -0.17, 0.020), Lobe(0.74, 0.07, 0.13, 0.02, 0.09, -0.080))),
    "escape": Shape(_scaled(LBBB_QRS, 0.8, -2.0, 0.75), _scaled(LBBB_STT, 0.9, -2.2, 0.9)),
    "paced": Shape(
        (Lobe(30, 12, 12, 0.12, -0.20, 0.10), Lobe(62, 18, 18, 0.55, -0.75, 0.85), Lobe(100, 17, 16, 0.50, -0.50, 0.70)),
        _st(-0.06, 0.10, -0.14) + _t(-0.22, 0.36, -0.36, 0.14),
    ),
    "spike": Shape((Lobe(0, 0.9, 1.3, -0.25, -0.55, 0.25),)),
}
VENTRICULAR = ("QRS", "ectopic QRS", "escape", "paced")


@dataclass(frozen=True)
class Conduction:
    """How the ventricles are activated and recover: one row of `CONDUCTIONS`."""

    name: str
    about: str
    qrs: Lobes = QRS
    stt: Lobes = STT
    pr_ms: float = 0.0  # added to the body's PR interval
    qtc_ms: float = 0.0  # added to the body's QTc
    p_gain: float = 1.0


#: Every conduction and morphology, each as what changes against `normal`.
CONDUCTIONS: tuple[Conduction, ...] = (
    Conduction("normal", "narrow QRS, upright T"),
    Conduction("rbbb", "right bundle branch block: rSR' in V1, wide S in I and V6", RBBB_QRS, ST + _t(0.34, 0.20, 0.10) + U, qtc_ms=30),
    Conduction("lbbb", "left bundle branch block: wide notched R in I and V6, deep S in V1, discordant T", LBBB_QRS, LBBB_STT, qtc_ms=40),
    Conduction(
        "lafb",
        "left anterior fascicular block: axis about -50 degrees, qR in aVL, rS in the inferior leads",
        (
            Lobe(17, 6, 6, -0.16, 0.28, -0.22),
            Lobe(40, 8, 8, 0.98, -0.12, 0.02),
            Lobe(55, 8, 9, 0.45, -0.78, 0.48),
            Lobe(72, 8, 9, -0.06, -0.38, 0.22),
        ),
    ),
    Conduction(
        "lpfb",
        "left posterior fascicular block: axis about +110 degrees, rS in I, qR in III",
        (
            Lobe(18, 6, 7, 0.16, -0.26, -0.20),
            Lobe(38, 9, 9, 0.52, 0.66, 0.00),
            Lobe(56, 9, 9, -0.36, 0.85, 0.50),
            Lobe(72, 8, 9, -0.30, 0.25, 0.22),
        ),
    ),
    Conduction(
        "wpw",
        "pre-excitation: short PR, delta wave, wide QRS",
        (Lobe(26, 12, 14, 0.20, 0.10, -0.13), Lobe(46, 13, 13, 0.34, 0.19, -0.18), *_timed(WALL + BASE, 23)),
        ST + _t(0.16, 0.08, -0.14) + U,
        pr_ms=-52,
        qtc_ms=15,
    ),
    Conduction("lvh", "left ventricular hypertrophy by voltage", _timed(_scaled(QRS, 1.60, 1.20, 1.75), wider=1.08), _scaled(STT, 1.1)),
    Conduction(
        "lvh_strain",
        "left ventricular hypertrophy with lateral ST depression and inverted T",
        _timed(_scaled(QRS, 1.70, 1.20, 1.85), wider=1.1),
        _st(-0.13, -0.05, -0.10) + _t(-0.28, -0.06, -0.22, 0.15, 0.08),
    ),
    Conduction(
        "rvh",
        "right ventricular hypertrophy: right axis, tall R in V1, deep S in V6, inverted T in V1 to V3",
        (*SEPTUM, Lobe(36, 8, 8, 0.62, 0.55, -0.10), Lobe(56, 10, 11, -0.66, 0.55, -0.62), Lobe(74, 9, 9, -0.34, -0.05, 0.05)),
        _st(0.02, -0.02, 0.06) + _t(0.26, 0.06, 0.20),
    ),
    Conduction(
        "st_elevation_anterior",
        "acute anterior infarction: domed ST elevation V1 to V4 running into T, small r waves",
        _scaled(SEPTUM, 1.0, 1.0, 0.35) + _scaled(WALL, 0.85) + BASE,
        _st(0.05, -0.06, -0.24) + _t(0.24, 0.06, -0.36, 0.15, 0.09),
    ),
    Conduction(
        "st_elevation_inferior",
        "acute inferior infarction: ST elevation in II, III, aVF, mirrored in I, aVL",
        (Lobe(20, 7, 8, -0.12, -0.22, -0.20), *WALL, *BASE),
        _st(-0.06, 0.23, 0.08) + _t(0.10, 0.36, -0.10, 0.15, 0.09),
    ),
    Conduction("st_depression", "horizontal ST depression, lateral and inferior", stt=_st(-0.13, -0.10, 0.05) + _scaled(T, 0.6) + U),
    Conduction("inverted_t", "deep symmetric T inversion V2 to V5", stt=_t(-0.20, -0.06, 0.20, 0.11, 0.10) + U, qtc_ms=25),
    Conduction("long_qt", "QTc about 520 ms", stt=ST + _t(0.30, 0.20, -0.25, 0.10, 0.07) + U, qtc_ms=110),
    Conduction("low_voltage", "QRS below 0.5 mV in the limb leads", _scaled(QRS, 0.36), _scaled(STT, 0.45), p_gain=0.6),
    Conduction(
        "old_inferior_mi",
        "old inferior infarction: Q waves of 40 ms and inverted T in II, III, aVF",
        (Lobe(20, 8, 9, -0.06, -0.50, -0.20), Lobe(45, 8, 8, 1.10, 0.46, 0.10), Lobe(58, 8, 9, 0.14, 0.10, 0.58), *BASE),
        ST + _t(0.28, -0.20, -0.22) + U,
    ),
    Conduction(
        "old_anterior_mi",
        "old anterior infarction: QS in V1 to V3, poor R progression, inverted T",
        (Lobe(19, 8, 9, -0.10, -0.05, 0.34), Lobe(40, 8, 9, 0.80, 0.60, 0.62), Lobe(55, 8, 9, 0.15, 0.18, 0.55), *BASE),
        _st(0.02, 0.0, -0.07) + _t(-0.04, 0.12, 0.20),
    ),
    Conduction(
        "early_repolarisation",
        "J-point notch, concave ST elevation V2 to V5, tall T",
        (*QRS, Lobe(92, 6, 7, 0.13, 0.11, -0.03)),
        (Lobe(0.40, 0.12, 0.18, 0.07, 0.06, -0.12), *_t(0.46, 0.30, -0.38)),
    ),
    Conduction(
        "hyperkalaemia",
        "tall narrow T, low P, wider QRS",
        _timed(_scaled(QRS, 0.9), wider=1.18),
        _t(0.80, 0.48, -0.55, 0.062, 0.055),
        pr_ms=20,
        qtc_ms=-25,
        p_gain=0.35,
    ),
)

# ----------------------------------------------------------------------------------------------------------------- body


@dataclass(frozen=True, eq=False)
class Body:
    """What differs between two people, drawn once a seed."""

    turn: np.ndarray  # (3, 3) rotation of the heart in the chest
    gain: float  # thickness of the chest wall: scales everything
    p_gain: float
    t_gain: float
    qrs_width: float
    pr_s: float
    qtc_s: float
    breath_hz: float
    breath_phase: float
    breath_gain: float  # relative change of the voltage with the breath
    breath_turn: float  # radians
    seed: int

    @classmethod
    def draw(cls, seed: int) -> Body:
        """Ranges of healthy adults (docs/simulate.md lists them); every draw is cut at 2.2 standard deviations."""
        rng = _stream(seed, "body")

        def about(mean: float, deviation: float) -> float:
            return mean + deviation * float(np.clip(rng.standard_normal(), -2.2, 2.2))

        return cls(
            turn=_rotation(radians(about(-8, 17)), radians(about(0, 11)), radians(about(0, 6))),
            gain=float(np.exp(about(0.0, 0.22))),
            p_gain=float(np.exp(about(0.0, 0.18))),
            t_gain=float(np.exp(about(0.0, 0.20))),
            qrs_width=about(1.0, 0.05),
            pr_s=about(0.155, 0.015),
            qtc_s=about(0.410, 0.013),
            breath_hz=about(0.25, 0.035),
            breath_phase=float(rng.uniform(0, 2 * pi)),
            breath_gain=about(0.035, 0.012),
            breath_turn=radians(about(3.0, 1.0)),
            seed=seed,
        )

    def breath(self, t: np.ndarray) -> np.ndarray:
        """How full the lungs are at `t` (s): -1..1."""
        return np.sin(2 * pi * self.breath_hz * t + self.breath_phase)


def _stream(seed: int, concern: str) -> np.random.Generator:
    """One independent stream a concern, so that asking for more noise moves no beat."""
    return np.random.default_rng([seed, crc32(concern.encode())])


def _rotation(frontal: float, horizontal: float, sagittal: float) -> np.ndarray:
    """Rotations (radians) in the X-Y, X-Z and Y-Z planes, one after the other."""
    c, s = cos(frontal), sin(frontal)
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    c, s = cos(horizontal), sin(horizontal)
    about_y = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    c, s = cos(sagittal), sin(sagittal)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return np.asarray(about_x @ about_y @ about_z)


# --------------------------------------------------------------------------------------------------------------- rhythm

Firings = dict[str, np.ndarray]  # kind of firing -> onsets in s


@dataclass(frozen=True, eq=False)
class Pace:
    """What a rhythm works with: the wanted ventricular rate, the body, one stream of chance and the time to fill."""

    rate: float  # ventricular beats a minute
    body: Body
    rng: np.random.Generator
    stop_s: float
    conduction: Conduction
    slow: float  # relative depth of the 0.1 Hz rate variability
    fast: float  # ... and of the one locked to the breath
    start_s: float = -8.0  # beats before the record: their T waves reach into it, and QT follows their intervals

    @property
    def pr_s(self) -> float:
        """Onset of P to onset of QRS; shorter when there is no room."""
        return min(self.body.pr_s + self.conduction.pr_ms / 1000, 0.5 * 60 / self.rate)

    def clock(self, rate: float | None = None) -> Clock:
        return Clock(self, self.rate if rate is None else rate)


class Clock:
    """Integral pulse frequency modulation (Hyndman & Mohn 1975, Automedica 1:239): beat k falls where the phase reaches k.

    Rhythms speak in phases: a beat at 6.6 comes 40 % too early for the seventh.
    """

    def __init__(self, pace: Pace, rate: float) -> None:
        body, rng = pace.body, pace.rng
        self._t = np.arange(pace.start_s, pace.stop_s + 0.05, 0.05)
        tones = [(f, pace.slow / 3**0.5, p) for f, p in zip(rng.normal(0.095, 0.012, 3), rng.uniform(0, 2 * pi, 3), strict=True)]
        tones += [(0.03, 0.5 * pace.slow, rng.uniform(0, 2 * pi)), (body.breath_hz, pace.fast, body.breath_phase)]
        swing = sum(depth / (2 * pi * f) * np.sin(2 * pi * f * self._t + phase) for f, depth, phase in tones)
        self._phase = (self._t + swing) * rate / 60 + rng.uniform()

    @property
    def beats(self) -> np.ndarray:
        """Every whole phase in the pace's span."""
        return np.arange(np.ceil(self._phase[0]), self._phase[-1])

    def __call__(self, phases: np.ndarray) -> np.ndarray:
        """Times in s at which `phases` (increasing or not) are reached."""
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
    p, place = clock(beats), beats.astype(int) % group
    late = 0.20 * (1 - 0.5**place)  # the first step is the largest, so RR shortens before the pause
    qrs = (p + pace.pr_s + 0.02 + late)[place < group - 1]
    return {"P": p, "QRS": qrs}


def _dropped(pace: Pace, group: int) -> Firings:
    """Every `group`-th P wave is not conducted; the others with a constant PR."""
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
    rest = 0.55 * mean  # what the AV node needs; above it the intervals are gamma distributed, without memory
    rr = rest + rng.gamma(4.0, (mean - rest) / 4.0, int(span / rest) + 2)
    waves = np.clip(rng.normal(1.0, 0.11, int(span / 0.09) + 2), 0.65, 1.5) * rng.uniform(0.14, 0.18)
    return {"fibrillation": pace.start_s + np.cumsum(waves), "QRS": pace.start_s + rng.uniform() * mean + np.cumsum(rr)}


def _flutter(pace: Pace) -> Firings:
    ratio = int(np.clip(round(290 / pace.rate), 1, 8))
    clock = pace.clock(pace.rate * ratio)
    beats = clock.beats
    waves = clock(beats)
    delay = pace.rng.uniform(0.14, 0.2)
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
    steps[1:][early[:-1]] = 1.12  # the sinus node is reset: the pause is not compensatory
    qrs = clock(clock.beats[0] + np.cumsum(steps) / steps.mean())
    return {"P": qrs[~early] - pace.pr_s, "ectopic P": qrs[early] - pace.pr_s, "QRS": qrs}


def _ventricular_ectopy(pace: Pace, early: np.ndarray, clock: Clock) -> Firings:
    """The marked beats come from a ventricle and early; the sinus goes on, so the pause is compensatory."""
    beats, coupling = clock.beats, pace.rng.uniform(0.34, 0.44)
    sinus = clock(beats)
    return {"P": sinus - pace.pr_s, "QRS": sinus[~early], "ectopic QRS": clock(beats[early] - coupling)}


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
    """Marks about one beat in `apart`, never two neighbours, and at least one in any `apart` + 1."""
    marks = np.zeros(beats, dtype=bool)
    marks[np.cumsum(rng.integers(apart - 2, apart + 2, beats))[:beats].clip(max=beats - 1)] = True
    marks[-1] = False
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
    return {"P": spike - pace.body.pr_s, "spike": spike, "paced": spike + 0.008}


def _dual_paced(pace: Pace) -> Firings:
    clock = pace.clock()
    spike = clock(clock.beats)
    atrial = spike - min(0.17, 0.5 * 60 / pace.rate)
    return {"P": atrial + 0.012, "spike": np.concatenate([atrial, spike]), "paced": spike + 0.008}


@dataclass(frozen=True)
class Rhythm:
    """When the heart fires: one row of `RHYTHMS`. `rate` is the range of ventricular beats a minute it draws from."""

    name: str
    about: str
    rate: tuple[float, float]
    fire: Callable[[Pace], Firings] = field(repr=False)
    slow: float = 0.03
    fast: float = 0.025


#: Every rhythm.
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

# --------------------------------------------------------------------------------------------------------------- dipole


def _stretches(firings: Firings, qtc_s: float) -> Firings:
    """By what the slow lobes of each firing are stretched, in s: QT after Fridericia, or the cycle of the atrial waves."""
    stretches = {kind: np.diff(times, append=2 * times[-1:] - times[-2:-1]) for kind, times in firings.items() if len(times) > 1}
    kinds = [kind for kind in VENTRICULAR if kind in firings]
    times = np.concatenate([firings[kind] for kind in kinds])
    order = np.argsort(times)
    rr = np.diff(times[order], prepend=times[order[0]] - 0.9)
    rr[0] = rr[1:].mean() if rr.size > 1 else 0.9
    memory = 0.6 * rr + 0.4 * np.roll(rr, 1)  # QT follows the last intervals, not the last one alone
    memory[0] = rr[0]
    qt = np.empty(times.size)
    qt[order] = qtc_s * np.cbrt(np.clip(memory, 0.2, 2.0))
    stretches.update(zip(kinds, np.split(qt, np.cumsum([len(firings[kind]) for kind in kinds])[:-1]), strict=True))
    return stretches


def _shape(kind: str, conduction: Conduction, body: Body) -> Shape:
    """The shape of one kind of firing in this body, axis and voltage included."""
    rng = _stream(body.seed, f"shape {kind}")
    if kind == "QRS":
        shape = Shape(conduction.qrs, conduction.stt)
    elif kind == "ectopic QRS":
        shape = (RIGHT_ORIGIN, LEFT_ORIGIN)[int(rng.integers(2))]
    else:
        shape = SHAPES[kind]
    ventricular = kind in VENTRICULAR
    quick_gain = 1.0 if ventricular or kind == "spike" else body.p_gain * conduction.p_gain
    slow_gain = body.t_gain if ventricular else body.p_gain
    width = body.qrs_width if kind != "spike" else 1.0
    quick = _personal(_timed(shape.quick, wider=width), quick_gain * body.gain, body, rng)
    return Shape(quick, _personal(shape.slow, slow_gain * body.gain, body, rng))


def _personal(lobes: Lobes, gain: float, body: Body, rng: np.random.Generator) -> Lobes:
    """Turned like this heart, each lobe up to some 20 % higher or lower than the table says."""
    heights = np.array([lobe[3:] for lobe in lobes]).reshape(-1, 3)
    heights = heights @ body.turn.T * gain * np.exp(0.09 * np.clip(rng.standard_normal((len(lobes), 1)), -2.2, 2.2))
    return tuple(Lobe(*lobe[:3], *row) for lobe, row in zip(lobes, heights.tolist(), strict=True))


class Pulses(NamedTuple):
    """Lobes placed in time: (pulses,) arrays in s, heights (pulses, 3) in mV."""

    at: np.ndarray
    rise: np.ndarray
    fall: np.ndarray
    height: np.ndarray


def _pulses(kind: str, onsets: np.ndarray, stretch: np.ndarray, shape: Shape, seed: int) -> Pulses:
    """Every lobe of every firing of one kind; no two firings are quite alike."""
    table = np.array(shape.quick + shape.slow).reshape(-1, 6)
    quick = np.arange(len(table)) < len(shape.quick)
    unit = np.where(quick, 1e-3, stretch[:, None])  # (firings, lobes)
    spread = 0.35 if kind == "fibrillation" else 0.02
    gain = np.maximum(1 + spread * _stream(seed, f"gain {kind}").standard_normal(len(onsets)), 0.2)
    at = onsets[:, None] + unit * table[:, 0]
    height = gain[:, None, None] * table[:, 3:]
    return Pulses(at.ravel(), (unit * table[:, 1]).ravel(), (unit * table[:, 2]).ravel(), height.reshape(-1, 3))


def _dipole(pulses: Pulses, samples: int, fs: float) -> np.ndarray:
    """The sum of all pulses at the sample times, shape (3, samples).

    A ragged expansion instead of a loop: each pulse only where it matters (5 widths, beyond which it is below 4e-6 of its height).
    """
    first = np.clip(np.ceil((pulses.at - 5 * pulses.rise) * fs), 0, samples).astype(np.int64)
    last = np.clip(np.ceil((pulses.at + 5 * pulses.fall) * fs), 0, samples).astype(np.int64)
    size = np.maximum(last - first, 0)
    pulse = np.repeat(np.arange(size.size), size)
    sample = np.arange(pulse.size) - np.repeat(np.cumsum(size) - size - first, size)
    away = sample / fs - pulses.at[pulse]
    away /= np.where(away < 0, pulses.rise[pulse], pulses.fall[pulse])
    value = np.exp(-0.5 * away * away)
    return np.stack([np.bincount(sample, value * pulses.height[pulse, axis], samples) for axis in range(3)])


def _breathe(dipole: np.ndarray, t: np.ndarray, body: Body) -> np.ndarray:
    """The heart swings and moves away from the electrodes with the breath (turned in X-Y, small angles)."""
    breath = body.breath(t)
    x, y, z = dipole * (1 - body.breath_gain * breath)
    turn = body.breath_turn * breath
    return np.stack([x - turn * y, y + turn * x, z])


# ---------------------------------------------------------------------------------------------------------------- noise


def _wander(t: np.ndarray, electrodes: int, body: Body) -> np.ndarray:
    """Electrode drift (tones of 0.04 to 0.4 Hz, amplitude falling as 1/f) and the breath, shape (electrodes, samples), mV."""
    rng = _stream(body.seed, "wander")
    unrest = float(np.exp(rng.normal(0.0, 0.6)))
    tones = 0.04 * 10 ** np.linspace(0, 1, 7) * rng.uniform(0.9, 1.1, 7)
    angle = 2 * pi * tones[:, None] * t
    basis = np.concatenate([np.sin(angle), np.cos(angle), body.breath(t)[None]])
    weights = rng.standard_normal((electrodes, 15))  # last, so that fewer electrodes draw the first rows of the same
    weights[:, :14] *= 0.010 * np.tile((0.1 / tones) ** 0.7, 2)
    weights[:, 14] *= 0.014
    weights[3:] *= 1.5  # the chest moves more than the limbs
    return unrest * (weights @ basis)


def _muscle(t: np.ndarray, fs: float, electrodes: int, seed: int) -> np.ndarray:
    """Muscle noise of 20 to 150 Hz that swells and fades, mV. Made in the frequency domain: the band is exact."""
    rng = _stream(seed, "muscle")
    deep, hertz, turn = rng.uniform(0.2, 1.0), rng.uniform(0.1, 0.5), rng.uniform(0, 2 * pi)
    tension = 0.0022 * np.exp(rng.normal(0, 0.6) + rng.normal(0, 0.35, ELECTRODES))[:electrodes, None]
    lines = np.fft.rfftfreq(t.size, 1 / fs)
    band = (lines >= 20) & (lines <= min(150.0, 0.45 * fs))
    count = max(int(band.sum()), 1)
    spectrum = np.zeros((electrodes, lines.size), dtype=complex)
    spectrum[:, band] = rng.standard_normal((electrodes, 2 * count)).view(complex)[:, : band.sum()]
    waves = np.fft.irfft(spectrum, t.size) * (t.size / (2 * count**0.5))
    return waves * (tension * np.exp(deep * np.sin(2 * pi * hertz * t + turn)))


def _mains(t: np.ndarray, fs: float, electrodes: int, seed: int) -> np.ndarray:
    """Mains hum of 50 or 60 Hz with its second and third harmonics, mV."""
    rng = _stream(seed, "mains")
    hertz = rng.choice([50.0, 60.0]) + rng.normal(0, 0.02)
    size = 0.0015 * rng.exponential(1.0, (ELECTRODES, 1))[:electrodes] * np.array([1.0, 0.1, 0.3])
    turn = rng.uniform(0, 2 * pi, (ELECTRODES, 3))[:electrodes]
    tones = hertz * np.arange(1, 4)
    size = size * (tones < fs / 2)
    angle = 2 * pi * tones[:, None] * t
    return np.asarray((size * np.cos(turn)) @ np.sin(angle) + (size * np.sin(turn)) @ np.cos(angle))


def _noise(t: np.ndarray, fs: float, electrodes: int, body: Body) -> np.ndarray:
    """What the electrodes pick up besides the heart, shape (electrodes, samples), mV."""
    white = 0.001 * _stream(body.seed, "white").standard_normal((electrodes, t.size), dtype=np.float32)
    noise = _wander(t, electrodes, body)
    noise += _muscle(t, fs, electrodes, body.seed)
    noise += _mains(t, fs, electrodes, body.seed)
    noise += white
    return noise


# ------------------------------------------------------------------------------------------------------------- simulate

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
    name: str | None = None,
    leads: Sequence[str] = LEADS,
    lead_off: Sequence[str] = (),
) -> Record:
    """A synthetic ECG. The same arguments give the same record.

    Parameters
    ----------
    rhythm : str
        Name of a row of `RHYTHMS`.
    conduction : str
        Name of a row of `CONDUCTIONS`. Beats that start in the ventricles keep their own shape.
    seconds : float
        Length, up to a day.
    fs : float
        Sampling frequency, 50 to 20,000 Hz. Without noise the curves are the same at every `fs`.
    heart_rate : float, optional
        Ventricular beats a minute on average, 20 to 300; without it the seed draws one that fits the rhythm.
    seed : int
        The person and the recording, 0 or more. `noise`, `fs`, `conduction` and `leads` move no QRS complex.
    noise : float
        Scales baseline wander, muscle, mains and white noise together; 1 is a usual resting ECG, 0 is none.
    name : str, optional
        Name of the record, ``<rhythm>-<conduction>-<seed>`` if left out.
    leads : sequence of str
        Any of `fastecg.record.LEADS` and `fastecg.record.EXTRA_LEADS`, each once.
    lead_off : sequence of str
        Leads recorded as a flat line.

    Returns
    -------
    Record
        Shape (leads, round(seconds * fs)), mV. I + III = II and Goldberger's equations hold to float32 rounding.

    Raises
    ------
    RecordError
        If a name is unknown or a number out of range.
    """
    row = _row("rhythm", rhythm, RHYTHMS)
    course = _row("conduction", conduction, CONDUCTIONS)
    _check(seconds, fs, heart_rate, seed, noise)
    leads = _known_leads(leads, lead_off)
    body = Body.draw(seed)
    rate = float(_stream(seed, "rate").uniform(*row.rate)) if heart_rate is None else float(heart_rate)
    pace = Pace(rate, body, _stream(seed, "rhythm"), seconds + 1.0, course, row.slow, row.fast)
    samples = max(round(seconds * fs), 1)
    t = np.arange(samples) / fs
    dipole = _breathe(_dipole(_heart(row.fire(pace), course, body), samples, fs), t, body)
    weights, vectors = _electrodes(leads)
    signal = (weights @ vectors) @ dipole
    if noise:
        signal += noise * (weights @ _noise(t, fs, len(vectors), body))
    signal[[leads.index(lead) for lead in lead_off]] = 0.0
    return Record(signal, fs, leads, f"{rhythm}-{conduction}-{seed}" if name is None else name)


def _heart(firings: Firings, conduction: Conduction, body: Body) -> Pulses:
    """All pulses of all firings."""
    stretches = _stretches(firings, body.qtc_s + conduction.qtc_ms / 1000)
    parts = []
    for kind, onsets in firings.items():
        if len(onsets):
            stretch = stretches.get(kind, np.ones(len(onsets)))
            parts.append(_pulses(kind, onsets, stretch, _shape(kind, conduction, body), body.seed))
    return Pulses(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _electrodes(leads: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Weights (leads, electrodes) that make leads of electrodes, and the electrodes' lead vectors (electrodes, 3).

    The electrodes are RA, LA, LL and `CHEST` in its order, up to the last one needed.
    """
    one, two = np.array(DOWER_I), np.array(DOWER_II)
    right_arm = -(one + two) / 3  # so that Wilson's terminal is at 0
    vectors = np.vstack([right_arm, right_arm + one, right_arm + two, np.array(list(CHEST.values()))])
    weights = np.zeros((len(leads), ELECTRODES))
    for row, lead in zip(weights, leads, strict=True):
        if lead in LIMB:
            row[:3] = LIMB[lead]
        else:
            row[:3] = -1 / 3
            row[3 + list(CHEST).index(lead)] = 1.0
    needed = int(np.nonzero(weights.any(axis=0))[0].max(initial=0)) + 1
    return weights[:, :needed], vectors[:needed]


def _row(what: str, name: str, rows: tuple[Row, ...]) -> Row:
    for row in rows:
        if row.name == name:
            return row
    raise RecordError(f"simulate: the {what} is {name!r}, expected one of {', '.join(row.name for row in rows)}")


def _check(seconds: float, fs: float, heart_rate: float | None, seed: int, noise: float) -> None:
    ranges = [("length", seconds, 0.1, 86400.0, "s"), ("sampling frequency", fs, 50.0, 20000.0, "Hz")]
    ranges += [("seed", seed, 0, float("inf"), ""), ("noise", noise, 0.0, 1000.0, "")]
    if not isinstance(seed, (int, np.integer)):
        raise RecordError(f"simulate: the seed is {seed!r}, expected a whole number of 0 or more")
    if heart_rate is not None:
        ranges.append(("heart rate", heart_rate, 20.0, 300.0, "beats/min"))
    for what, value, low, high, unit in ranges:
        if not (isfinite(value) and low <= value <= high):
            raise RecordError(f"simulate: the {what} is {value} {unit}".rstrip() + f", expected {low:g} to {high:g} {unit}".rstrip())


def _known_leads(leads: Sequence[str], lead_off: Sequence[str]) -> tuple[str, ...]:
    known = (*LIMB, *CHEST)
    for lead in leads:
        if lead not in known:
            raise RecordError(f"simulate: lead {lead!r} is unknown, expected {', '.join(known)}")
    for lead in lead_off:
        if lead not in leads:
            raise RecordError(f"simulate: lead_off names {lead!r}, expected one of the leads asked for: {', '.join(leads)}")
    return tuple(leads)
