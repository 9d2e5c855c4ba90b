"""Noise of the electrodes: drift and breath, muscle, mains and amplifier."""

from __future__ import annotations

from math import pi

import numpy as np

from fastecg.simulation.body import Body, stream
from fastecg.simulation.leads import ELECTRODES


def electrode_noise(
    t: np.ndarray, fs: float, electrodes: int, body: Body, drift: float = 1.0, muscle: float = 1.0, mains: float = 1.0
) -> np.ndarray:
    """What the electrodes pick up besides the heart, shape (electrodes, samples), mV; `drift`, `muscle` and `mains` scale these parts."""
    white = 0.001 * stream(body.seed, "white").standard_normal((electrodes, t.size), dtype=np.float32)
    noise = drift * _wander(t, electrodes, body)
    noise += muscle * _muscle(t, fs, electrodes, body.seed)
    noise += mains * _mains(t, fs, electrodes, body.seed)
    noise += white
    return noise


def _wander(t: np.ndarray, electrodes: int, body: Body) -> np.ndarray:
    """Electrode drift (tones of 0.04 to 0.4 Hz, amplitude falling as 1/f) and the breath, shape (electrodes, samples), mV."""
    rng = stream(body.seed, "wander")
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
    rng = stream(seed, "muscle")
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
    rng = stream(seed, "mains")
    hertz = rng.choice([50.0, 60.0]) + rng.normal(0, 0.02)
    size = 0.0015 * rng.exponential(1.0, (ELECTRODES, 1))[:electrodes] * np.array([1.0, 0.1, 0.3])
    turn = rng.uniform(0, 2 * pi, (ELECTRODES, 3))[:electrodes]
    tones = hertz * np.arange(1, 4)
    size = size * (tones < fs / 2)
    angle = 2 * pi * tones[:, None] * t
    return np.asarray((size * np.cos(turn)) @ np.sin(angle) + (size * np.sin(turn)) @ np.cos(angle))
