"""Bodies: what differs between two people, and the random generators that a seed is split into."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians, sin
from zlib import crc32

import numpy as np


@dataclass(frozen=True, eq=False)
class Body:
    """What differs between two people. It is sampled once for every seed."""

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
    def sample(cls, seed: int) -> Body:
        """Ranges of healthy adults (docs/simulate.md lists them); every draw is cut at 2.2 standard deviations."""
        rng = rng_for(seed, "body")

        def about(mean: float, deviation: float) -> float:
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
        """Filling of the lungs at `t` (s), -1 to 1."""
        angle = 2 * pi * self.breath_hz * t + self.breath_phase
        angle = angle + 0.5 * np.sin(0.29 * angle + 3 * self.breath_phase)  # no two breaths are as long
        return np.asarray(np.sin(angle + 0.3 * np.sin(angle)))  # Breathing in is faster than out.


def rng_for(seed: int, concern: str) -> np.random.Generator:
    """An independent random generator for each concern, so that changing the noise does not move a beat."""
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
