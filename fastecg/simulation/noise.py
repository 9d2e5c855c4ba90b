"""Noise at the electrodes: baseline wander, contacts, muscles, mains and amplifier."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import numpy as np

from fastecg.simulation.body import Body, rng_for
from fastecg.simulation.leads import ELECTRODES

_MUSCLE_HZ = (20.0, 150.0)  # Band of muscle noise.
_CORNER_HZ = 20.0  # Well above this frequency, the power of muscle noise falls with the frequency squared, as skin and fat filter it.
_CONTACT_HZ = (0.5, 40.0)  # Band of the noise of contacts.
_CONTACT_EXPONENT = 1.75  # The power of the noise of contacts falls with the frequency to this exponent.


def electrode_noise(
    t: np.ndarray, fs: float, electrodes: int, body: Body, drift: float = 1.0, muscle: float = 1.0, mains: float = 1.0
) -> np.ndarray:
    """Everything that the first `electrodes` electrodes pick up besides the heart, (electrodes, samples) mV, at times `t` (samples,) in s.

    `drift`, `muscle` and `mains` are factors of baseline wander, muscle noise and hum. Noise of contacts has the factor sqrt(`drift`).
    """
    white = 0.001 * rng_for(body.seed, "white").standard_normal((electrodes, t.size), dtype=np.float32)
    noise = drift * _wander(t, electrodes, body)
    noise += drift**0.5 * _contact(t, fs, electrodes, body.seed)
    noise += muscle * _muscle(t, fs, electrodes, body.seed)
    noise += mains * _mains(t, fs, electrodes, body.seed)
    noise += white
    return noise


def open_input(t: np.ndarray, fs: float, seed: int, mains: float = 1.0) -> np.ndarray:
    """The signal (samples,) in mV of a lead whose electrode has come off: hum of 50 or 60 Hz, drift and crackle, without the heart.

    Hum has the factor sqrt(`mains`).
    """
    rng = rng_for(seed, "open input")
    hertz = rng.choice([50.0, 60.0]) + rng.normal(0, 0.02)
    # Hum, drift (a sum of tones, whose frequencies are in Hz) and crackle (a rough noise) are in mV; their sizes are random.
    hum = 0.0035 * np.exp(rng.normal(0, 0.7)) * mains**0.5
    drift = sum(0.02 * rng.normal() * (0.1 / tone) ** 0.7 * np.sin(2 * pi * (tone * t + rng.random())) for tone in (0.06, 0.11, 0.19, 0.37))
    crackle = 0.008 * np.exp(rng.normal(0, 0.5)) * _coloured(rng, t, fs, 1, _CONTACT_HZ, lambda hertz: hertz**-_CONTACT_EXPONENT)[0]
    return np.asarray(drift + crackle + hum * _swell(rng, t, 0.6) * np.sin(2 * pi * (hertz * t + rng.random())))


def _wander(t: np.ndarray, electrodes: int, body: Body) -> np.ndarray:
    """Baseline wander, (electrodes, samples) mV: the breath, and tones of 0.04 to 0.4 Hz whose amplitude falls as frequency**-0.7."""
    rng = rng_for(body.seed, "wander")
    unrest = float(np.exp(rng.normal(0.0, 0.6)))  # factor of the person
    tones = 0.04 * 10 ** np.linspace(0, 1, 7) * rng.uniform(0.9, 1.1, 7)
    angle = 2 * pi * tones[:, None] * t
    basis = np.concatenate([np.sin(angle), np.cos(angle), body.breath(t)[None]])
    # Weights of sines, cosines and breath, sampled last and electrode by electrode: those of an electrode do not depend on how many follow.
    weights = rng.standard_normal((electrodes, 15))
    # Standard deviations of the weights in mV, of a tone at 0.1 Hz and of the breath.
    weights[:, :14] *= 0.008 * np.tile((0.1 / tones) ** 0.7, 2)
    weights[:, 14] *= 0.012
    weights[3:] *= 1.5  # the chest moves more than the limbs
    return unrest * (weights @ basis)


def _contact(t: np.ndarray, fs: float, electrodes: int, seed: int) -> np.ndarray:
    """Noise of skin and gel at each contact, 0.5 to 40 Hz, (electrodes, samples) mV. Without it, the baseline between beats is too smooth.

    Its spectrum and strength are those of real records between T and P waves, where the median over leads is about 14 µV (rms) from 0.5 to
    2 Hz, 9 µV from 2 to 8 Hz and 4 µV from 8 to 20 Hz. Extreme leads have a third of this or three times as much.
    """
    rng = rng_for(seed, "contact")
    # The rms in mV, with a random factor of the person and one of each electrode.
    level = 0.0115 * np.exp(rng.normal(0, 0.4) + rng.normal(0, 0.25, ELECTRODES))[:electrodes, None]
    swell = _swell(rng, t, 0.35)
    return level * swell * _coloured(rng, t, fs, electrodes, _CONTACT_HZ, lambda hertz: hertz**-_CONTACT_EXPONENT)


def _muscle(t: np.ndarray, fs: float, electrodes: int, seed: int) -> np.ndarray:
    """Muscle noise of 20 to 150 Hz that comes in bursts, (electrodes, samples) mV."""
    rng = rng_for(seed, "muscle")
    # The rms in mV, with a random factor of the person and one of each electrode. Factors are sampled for all electrodes, needed or not, so
    # that they do not depend on the leads asked for.
    tension = 0.0022 * np.exp(rng.normal(0, 0.6) + rng.normal(0, 0.35, ELECTRODES))[:electrodes, None]
    swell = _swell(rng, t, rng.uniform(0.2, 0.6))
    return tension * swell * _coloured(rng, t, fs, electrodes, _MUSCLE_HZ, lambda hertz: 1 / (1 + (hertz / _CORNER_HZ) ** 2))


def _swell(rng: np.random.Generator, t: np.ndarray, deep: float) -> np.ndarray:
    """The factor (samples,) by which a noise swells and fades at all electrodes at once.

    It is the exponential of a sum of five tones of 0.06 to 0.6 Hz whose standard deviation is `deep`. The mean of the factor is about 1.
    """
    tones = 0.06 * 10 ** np.linspace(0, 1, 5) * rng.uniform(0.8, 1.25, 5)
    phases = rng.uniform(0, 2 * pi, 5)
    waves = sum(np.sin(2 * pi * hertz * t + phase) for hertz, phase in zip(tones, phases, strict=True))
    return np.asarray(np.exp(deep * (2 / 5) ** 0.5 * waves - 0.5 * deep**2))


def _coloured(
    rng: np.random.Generator,
    t: np.ndarray,
    fs: float,
    electrodes: int,
    band_hz: tuple[float, float],
    power: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Random noise within a band of frequencies, (electrodes, samples), with an rms of about 1 at each electrode.

    `power` gives the relative power at frequencies in Hz. The noise is made in the frequency domain, so the limits of the band are exact;
    the upper one is at most 0.45 `fs`.
    """
    lines = np.fft.rfftfreq(t.size, 1 / fs)
    band = (lines >= band_hz[0]) & (lines <= min(band_hz[1], 0.45 * fs))
    count = max(int(band.sum()), 1)
    shape = np.sqrt(power(lines[band]))
    # The lines are normal complex numbers whose squared magnitudes have a mean of 2 * shape**2. The rms of their inverse transform is
    # 2 * sqrt(sum(shape**2)) / t.size, and the transform is divided by this.
    spectrum = np.zeros((electrodes, lines.size), dtype=complex)
    spectrum[:, band] = shape * rng.standard_normal((electrodes, 2 * count)).view(complex)[:, : band.sum()]
    return np.asarray(np.fft.irfft(spectrum, t.size) * (t.size / (2 * max(float((shape**2).sum()), 1e-12) ** 0.5)))


def _mains(t: np.ndarray, fs: float, electrodes: int, seed: int) -> np.ndarray:
    """Mains hum of 50 or 60 Hz with its second and third harmonics, (electrodes, samples) mV. Contacts pick it up unequally.

    Tones at or above `fs` / 2 are left out.
    """
    rng = rng_for(seed, "mains")
    hertz = rng.choice([50.0, 60.0]) + rng.normal(0, 0.02)
    field_mv = 0.0012 * rng.exponential(1.0)
    # Amplitudes in mV at each electrode, of the mains frequency and its second and third harmonic.
    amplitudes = field_mv * np.exp(rng.normal(0, 0.4, (ELECTRODES, 1)))[:electrodes] * np.array([1.0, 0.1, 0.3])
    phases = rng.uniform(0, 2 * pi, (ELECTRODES, 3))[:electrodes]
    tones = hertz * np.arange(1, 4)
    amplitudes = amplitudes * (tones < fs / 2)
    angle = 2 * pi * tones[:, None] * t
    # Each tone, amplitude * sin(angle + phase), is made as the sum of a sine and a cosine.
    sines, cosines = amplitudes * np.cos(phases), amplitudes * np.sin(phases)
    return _swell(rng, t, 0.15) * np.asarray(sines @ np.sin(angle) + cosines @ np.cos(angle))
