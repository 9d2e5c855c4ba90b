"""The heart as a moving dipole: every firing becomes lobes at certain times, and the sum of all lobes is computed at the sample times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastecg.simulation.body import Body, rng_for
from fastecg.simulation.conductions import Conduction
from fastecg.simulation.rhythms import Firings
from fastecg.simulation.waves import LEFT_ORIGIN, RIGHT_ORIGIN, SHAPES, VENTRICULAR, Lobe, Lobes, Shape, timed

# Relative standard deviations from beat to beat.
_QUICK_SPREAD = 0.02  # Of a firing's voltage.
_SLOW_SPREAD = 0.05  # In addition, of the voltage of its ST segment, T wave and U wave.
_ATRIAL_SPREAD = 0.1  # In addition, of each lobe of a P wave: the exit from the sinus node wanders.


class Pulses(NamedTuple):
    """Lobes at certain times. `at` (peak), `rise` and `fall` (standard deviations) are (pulses,) in s; `height` is (pulses, 3) in mV."""

    at: np.ndarray
    rise: np.ndarray
    fall: np.ndarray
    height: np.ndarray


def heartbeats(firings: Firings, conduction: Conduction, body: Body) -> Pulses:
    """The lobes of all firings."""
    stretches = _stretches(firings, body.qtc_s + conduction.qtc_ms / 1000)
    parts = []
    for kind, onsets in firings.items():
        if len(onsets):
            stretch = stretches.get(kind, np.ones(len(onsets)))
            parts.append(_pulses(kind, onsets, stretch, _shape(kind, conduction, body), body.seed))
    return Pulses(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _stretches(firings: Firings, qtc_s: float) -> Firings:
    """The length in s to which the slow lobes of each firing are stretched, (firings,) for every kind.

    For firings of the ventricles this is the QT interval by Fridericia's formula, for others the time to the next firing.
    """
    stretches = {kind: np.diff(times, append=2 * times[-1:] - times[-2:-1]) for kind, times in firings.items() if len(times) > 1}
    kinds = [kind for kind in VENTRICULAR if kind in firings]
    times = np.concatenate([firings[kind] for kind in kinds])
    order = np.argsort(times)
    rr = np.diff(times[order], prepend=times[order[0]] - 0.9)
    rr[0] = rr[1:].mean() if rr.size > 1 else 0.9
    recent_rr = 0.6 * rr + 0.4 * np.roll(rr, 1)  # QT depends on the last two intervals
    recent_rr[0] = rr[0]
    qt = np.empty(times.size)
    qt[order] = qtc_s * np.cbrt(np.clip(recent_rr, 0.2, 2.0))
    stretches.update(zip(kinds, np.split(qt, np.cumsum([len(firings[kind]) for kind in kinds])[:-1]), strict=True))
    return stretches


def _shape(kind: str, conduction: Conduction, body: Body) -> Shape:
    """The shape of one kind of firing, with the axis and the voltages of this body."""
    rng = rng_for(body.seed, f"shape {kind}")
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
    quick = _personal(timed(shape.quick, wider=width), quick_gain * body.gain, body, rng)
    return Shape(quick, _personal(shape.slow, slow_gain * body.gain, body, rng))


def _personal(lobes: Lobes, gain: float, body: Body, rng: np.random.Generator) -> Lobes:
    """The lobes, turned to the axis of this body and multiplied by `gain`; each is up to about 20 % higher or lower at random."""
    heights = np.array([lobe[3:] for lobe in lobes]).reshape(-1, 3)
    heights = heights @ body.turn.T * gain * np.exp(0.09 * np.clip(rng.standard_normal((len(lobes), 1)), -2.2, 2.2))
    return tuple(Lobe(*lobe[:3], *row) for lobe, row in zip(lobes, heights.tolist(), strict=True))


def _pulses(kind: str, onsets: np.ndarray, stretch: np.ndarray, shape: Shape, seed: int) -> Pulses:
    """The lobes of all firings of one kind, at their `onsets` (firings,) in s; voltages vary from firing to firing.

    `stretch` (firings,) is the length in s of the slow lobes.
    """
    table = np.array(shape.quick + shape.slow).reshape(-1, 6)
    quick = np.arange(len(table)) < len(shape.quick)
    unit_s = np.where(quick, 1e-3, stretch[:, None])  # (firings, lobes): a lobe's times are in ms if it is quick, else shares of `stretch`
    rng, spread = rng_for(seed, f"gain {kind}"), 0.35 if kind == "fibrillation" else _QUICK_SPREAD
    gain = np.maximum(1 + spread * rng.standard_normal(len(onsets)), 0.2)[:, None]
    if kind in VENTRICULAR:  # Ventricles recover less evenly than they fire.
        gain = np.where(quick, gain, gain * np.maximum(1 + _SLOW_SPREAD * rng.standard_normal((len(onsets), 1)), 0.2))
    elif spread == _QUICK_SPREAD:
        gain = gain * np.maximum(1 + _ATRIAL_SPREAD * rng.standard_normal((len(onsets), len(table))), 0.2)
    at = onsets[:, None] + unit_s * table[:, 0]
    height = gain[..., None] * table[:, 3:]
    return Pulses(at.ravel(), (unit_s * table[:, 1]).ravel(), (unit_s * table[:, 2]).ravel(), height.reshape(-1, 3))


def dipole_of(pulses: Pulses, samples: int, fs: float) -> np.ndarray:
    """The sum of all lobes at the sample times, (3, samples) mV."""
    # All lobes are computed at once, as one list of (pulse, sample) pairs: each lobe within 5 of its widths, as it is below 4e-6 of its
    # height beyond.
    first = np.clip(np.ceil((pulses.at - 5 * pulses.rise) * fs), 0, samples).astype(np.int64)
    last = np.clip(np.ceil((pulses.at + 5 * pulses.fall) * fs), 0, samples).astype(np.int64)
    size = np.maximum(last - first, 0)
    pulse = np.repeat(np.arange(size.size), size)
    sample = np.arange(pulse.size) - np.repeat(np.cumsum(size) - size - first, size)
    away = sample / fs - pulses.at[pulse]
    away /= np.where(away < 0, pulses.rise[pulse], pulses.fall[pulse])
    value = np.exp(-0.5 * away * away)
    return np.stack([np.bincount(sample, value * pulses.height[pulse, axis], samples) for axis in range(3)])


def breathe(dipole: np.ndarray, t: np.ndarray, body: Body) -> np.ndarray:
    """The dipole (3, samples) with the effect of the breath, which turns it by small angles in the X-Y plane and changes its voltage."""
    breath = body.breath(t)
    x, y, z = dipole * (1 - body.breath_gain * breath)
    turn = body.breath_turn * breath
    return np.stack([x - turn * y, y + turn * x, z])
