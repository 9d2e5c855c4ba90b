"""The waves of the dipole: the Gaussian lobes of every kind of firing, for an average adult."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Lobe(NamedTuple):
    """One Gaussian lobe of the dipole.

    It has its peak `at` a time after the onset of the firing, standard deviations `rise` before and `fall` after the peak, and a height
    (x, y, z) in mV. Times are in ms in `Shape.quick`, and shares of the QT interval (or of the atrial cycle) in `Shape.slow`.
    """

    at: float
    rise: float
    fall: float
    x: float
    y: float
    z: float


Lobes = tuple[Lobe, ...]


class Shape(NamedTuple):
    """The lobes of one firing. `quick` lobes have a fixed length in ms; `slow` lobes stretch with the QT interval or the atrial cycle."""

    quick: Lobes = ()
    slow: Lobes = ()


def scaled(lobes: Iterable[Lobe], x: float, y: float | None = None, z: float | None = None) -> Lobes:
    """The lobes with their heights multiplied by `x`, `y` and `z` along these axes; unless given, `y` and `z` are the same as `x`."""
    y, z = (x if y is None else y), (x if z is None else z)
    return tuple(lobe._replace(x=lobe.x * x, y=lobe.y * y, z=lobe.z * z) for lobe in lobes)


def timed(lobes: Iterable[Lobe], later_ms: float = 0.0, wider: float = 1.0) -> Lobes:
    """The lobes after stretching their times by `wider` and then adding `later_ms`."""
    return tuple(lobe._replace(at=lobe.at * wider + later_ms, rise=lobe.rise * wider, fall=lobe.fall * wider) for lobe in lobes)


def shifted_st(x: float, y: float, z: float) -> Lobes:
    """The lobes of an ST segment shifted by (x, y, z) mV: a plateau from the J point that runs into the T wave."""
    return (Lobe(0.33, 0.065, 0.10, x, y, z), Lobe(0.52, 0.11, 0.10, 0.8 * x, 0.8 * y, 0.8 * z))


def t_wave(x: float, y: float, z: float, rise: float = 0.125, fall: float = 0.09) -> Lobes:
    """The lobe of a T wave of (x, y, z) mV. By default it rises slower than it falls."""
    return (Lobe(0.74, rise, fall, x, y, z),)


# The lobes of a normal QRS complex (ms), and of ST segment, T and U wave (shares of the QT interval); heights are in mV.
SEPTUM = (Lobe(18, 6.0, 7.5, -0.14, -0.07, -0.24),)
WALL = (Lobe(37, 8.5, 7.5, 1.22, 0.62, -0.04), Lobe(52, 8.0, 8.5, 0.18, 0.17, 0.76))
BASE = (Lobe(68, 7.5, 8.0, -0.20, -0.10, 0.20),)
QRS = SEPTUM + WALL + BASE
ST = (Lobe(0.50, 0.14, 0.14, 0.02, 0.01, -0.07),)
T = t_wave(0.34, 0.16, -0.26)
U = (Lobe(1.12, 0.05, 0.06, 0.012, 0.010, -0.020),)
STT = ST + T + U

# The P wave (ms): the right atrium, then the left one.
P = (Lobe(38, 14, 15, 0.035, 0.085, -0.045), Lobe(66, 15, 14, 0.065, 0.060, 0.035))
# Bundle branch blocks: QRS complexes (ms), and the ST segment and T wave of the left one (shares of the QT interval).
LBBB_QRS = (
    Lobe(20, 9, 9, 0.12, 0.05, 0.05),
    Lobe(46, 13, 14, 0.74, 0.33, 0.62),
    Lobe(76, 16, 16, 0.60, 0.17, 1.06),
    Lobe(106, 13, 12, 0.66, 0.20, 0.52),
)
LBBB_STT = shifted_st(-0.08, -0.03, -0.16) + t_wave(-0.26, -0.08, -0.36)
RBBB_QRS = (
    *SEPTUM,
    Lobe(38, 7.5, 8, 1.10, 0.55, 0.05),
    Lobe(53, 8, 9, 0.15, 0.15, 0.50),
    Lobe(90, 13, 15, -0.44, -0.05, -0.62),
    Lobe(116, 13, 12, -0.14, 0.0, -0.22),
)

#: Ventricular beats by their origin. Beats of the right outflow tract look like left bundle branch block and point to the feet; beats of
#: the left wall are upright in V1 and point upwards.
RIGHT_ORIGIN = Shape(
    (Lobe(42, 17, 17, 0.25, 0.60, 0.45), Lobe(78, 19, 20, 0.60, 1.05, 0.80), Lobe(112, 14, 15, 0.05, 0.40, 0.20)),
    shifted_st(-0.06, -0.12, -0.10) + t_wave(-0.25, -0.42, -0.36, 0.14),
)
LEFT_ORIGIN = Shape(
    (Lobe(40, 16, 17, 0.15, -0.25, -0.55), Lobe(76, 19, 20, -0.40, -0.85, -0.75), Lobe(112, 15, 15, -0.45, -0.45, -0.10)),
    shifted_st(0.06, 0.10, 0.08) + t_wave(0.30, 0.40, 0.30, 0.14),
)

#: The shapes of those kinds of firings whose shape does not depend on the conduction or on chance.
SHAPES: dict[str, Shape] = {
    "P": Shape(P),
    "ectopic P": Shape((Lobe(32, 12, 14, -0.05, 0.055, -0.06), Lobe(62, 15, 13, -0.02, 0.075, 0.045))),
    "retrograde P": Shape((Lobe(30, 12, 13, 0.01, -0.085, -0.040), Lobe(54, 14, 12, -0.01, -0.060, -0.030))),
    "fibrillation": Shape((), (Lobe(0.30, 0.13, 0.12, 0.010, 0.035, -0.050), Lobe(0.75, 0.13, 0.13, -0.008, -0.030, 0.035))),
    "flutter": Shape((), (Lobe(0.40, 0.24, 0.12, -0.03, -0.17, 0.020), Lobe(0.74, 0.07, 0.13, 0.02, 0.09, -0.080))),
    "escape": Shape(scaled(LBBB_QRS, 0.8, -2.0, 0.75), scaled(LBBB_STT, 0.9, -2.2, 0.9)),
    "paced": Shape(
        (Lobe(30, 12, 12, 0.12, -0.20, 0.10), Lobe(62, 18, 18, 0.55, -0.75, 0.85), Lobe(100, 17, 16, 0.50, -0.50, 0.70)),
        shifted_st(-0.06, 0.10, -0.14) + t_wave(-0.22, 0.36, -0.36, 0.14),
    ),
    "spike": Shape((Lobe(0, 0.9, 1.3, -0.25, -0.55, 0.25),)),
}
#: Kinds of firings of the ventricles.
VENTRICULAR = ("QRS", "ectopic QRS", "escape", "paced")
