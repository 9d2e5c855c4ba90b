"""Bodies: what differs between two people, and independent random generators from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians, sin
from zlib import crc32

import numpy as np


@dataclass(frozen=True, eq=False)
class Body:
    """What differs between two people. A seed always gives the same body."""

    turn: np.ndarray  # (3, 3) rotation of the heart in the chest
    gain: float  # factor of all voltages, because chest walls differ
    p_gain: float  # further factor of P waves
    t_gain: float  # further factor of T waves
    qrs_width: float  # factor of all times within P waves and QRS complexes
    pr_s: float  # PR interval
    qtc_s: float  # QT interval at 60 beats per minute
    breath_hz: float
    breath_phase: float  # radians
    breath_gain: float  # largest relative change of the voltage with the breath; full lungs lower the voltage
    breath_turn: float  # largest turn of the heart with the breath, radians
    seed: int

    @classmethod
    def sample(cls, seed: int) -> Body:
        """The random body of a healthy adult; docs/simulate.md lists the distributions. Normal ones are cut at 2.2 standard deviations."""
        rng = rng_for(seed, "body")

        def about(mean: float, deviation: float) -> float:
            """A normal random number, at most 2.2 standard deviations from the mean."""
            return mean + deviation * float(np.clip(rng.standard_normal(), -2.2, 2.2))

        return cls(
            turn=_rotation(radians(about(-5, 12)), radians(about(0, 11)), radians(about(0, 6))),
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
        """Filling of the lungs at times `t` (samples,) in s: -1 for empty to 1 for full, (samples,)."""
        angle = 2 * pi * self.breath_hz * t + self.breath_phase
        angle = angle + 0.5 * np.sin(0.29 * angle + 3 * self.breath_phase)  # With this, breaths differ in length.
        return np.asarray(np.sin(angle + 0.3 * np.sin(angle)))  # With the inner sine, breathing in is faster than breathing out.


def rng_for(seed: int, concern: str) -> np.random.Generator:
    """A random generator for one part of the simulation. Those of different parts are independent, so a change of noise moves no beat."""
    return np.random.default_rng([seed, crc32(concern.encode())])


def _rotation(frontal: float, horizontal: float, sagittal: float) -> np.ndarray:
    """The matrix (3, 3) of rotations by these angles (radians) in the X-Y, X-Z and Y-Z planes, one after the other.

    A positive angle turns the first axis of a plane towards the second one.
    """
    c, s = cos(frontal), sin(frontal)
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    c, s = cos(horizontal), sin(horizontal)
    about_y = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    c, s = cos(sagittal), sin(sagittal)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return np.asarray(about_x @ about_y @ about_z)
