"""The heart as a moving dipole: every firing becomes lobes at certain times, and the sum of all lobes is computed at the sample times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastecg.simulation.body import Body, rng_for
from fastecg.simulation.conductions import Conduction
from fastecg.simulation.rhythms import Firings
from fastecg.simulation.waves import LEFT_ORIGIN, RIGHT_ORIGIN, SHAPES, VENTRICULAR, Lobe, Lobes, Shape, timed

# Voltages vary from firing to firing by random factors with these standard deviations.
_SPREAD = 0.02  # Factor of the whole firing, except of waves of fibrillation.
_FIBRILLATION_SPREAD = 0.35  # Factor of a wave of fibrillation.
_SLOW_SPREAD = 0.05  # Further factor of ST segment, T wave and U wave of the ventricles, which recover less evenly than they fire.
# Further factor of each lobe of P waves, of waves of flutter and of pacing spikes: the exit from the sinus node wanders, so P waves change.
_ATRIAL_SPREAD = 0.1


class TimedLobes(NamedTuple):
    """Lobes at certain times: `at` (the peak), `rise` and `fall` (standard deviations) are (lobes,) in s; `height` is (lobes, 3) in mV."""

    at: np.ndarray
    rise: np.ndarray
    fall: np.ndarray
    height: np.ndarray


def heartbeats(firings: Firings, conduction: Conduction, body: Body) -> TimedLobes:
    """The lobes of all firings."""
    cycles_s = _cycles_s(firings, body.qtc_s + conduction.qtc_ms / 1000)
    parts = []
    for kind, onsets in firings.items():
        if len(onsets):
            cycle_s = cycles_s.get(kind, np.ones(len(onsets)))
            parts.append(_timed_lobes(kind, onsets, cycle_s, _shape(kind, conduction, body), body.seed))
    return TimedLobes(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _cycles_s(firings: Firings, qtc_s: float) -> Firings:
    """The QT interval or atrial cycle of each firing in s, (firings,); the times of slow lobes are shares of it.

    For firings of the ventricles this is the QT interval by Fridericia's formula from recent RR intervals. For other firings it is the time
    to the next one of the same kind, and for the last one the time since the one before. Kinds that are not ventricular and fire only once
    are missing; `heartbeats` takes 1 s for them.
    """
    cycles_s = {kind: np.diff(times, append=2 * times[-1:] - times[-2:-1]) for kind, times in firings.items() if len(times) > 1}
    kinds = [kind for kind in VENTRICULAR if kind in firings]
    times = np.concatenate([firings[kind] for kind in kinds])
    order = np.argsort(times)
    rr = np.diff(times[order], prepend=times[order[0]] - 0.9)  # time since the beat before, s
    # Before the first beat, the mean interval is assumed, or 0.9 s if there is only one beat.
    rr[0] = rr[1:].mean() if rr.size > 1 else 0.9
    recent_rr = 0.6 * rr + 0.4 * np.roll(rr, 1)  # QT depends on the last two intervals
    recent_rr[0] = rr[0]
    qt = np.empty(times.size)
    qt[order] = qtc_s * np.cbrt(np.clip(recent_rr, 0.2, 2.0))
    cycles_s.update(zip(kinds, np.split(qt, np.cumsum([len(firings[kind]) for kind in kinds])[:-1]), strict=True))
    return cycles_s


def _shape(kind: str, conduction: Conduction, body: Body) -> Shape:
    """The shape of one kind of firing, with the axis, voltages and times of this body."""
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
    """The lobes, turned to the axis of this body and multiplied by `gain`. Each is up to about 20 % higher or lower at random."""
    heights = np.array([lobe[3:] for lobe in lobes]).reshape(-1, 3)
    heights = heights @ body.turn.T * gain * np.exp(0.09 * np.clip(rng.standard_normal((len(lobes), 1)), -2.2, 2.2))
    return tuple(Lobe(*lobe[:3], *row) for lobe, row in zip(lobes, heights.tolist(), strict=True))


def _timed_lobes(kind: str, onsets: np.ndarray, cycle_s: np.ndarray, shape: Shape, seed: int) -> TimedLobes:
    """The lobes of all firings of one kind with their `onsets` (firings,) in s; voltages vary from firing to firing.

    `cycle_s` (firings,) is the QT interval or atrial cycle in s; the times of slow lobes are shares of it.
    """
    table = np.array(shape.quick + shape.slow).reshape(-1, 6)
    quick = np.arange(len(table)) < len(shape.quick)
    unit_s = np.where(quick, 1e-3, cycle_s[:, None])  # (firings, lobes): a lobe's times are in ms if it is quick, else shares of `cycle_s`
    # Factors of the voltage are at least 0.2, so that no lobe changes its sign.
    rng, spread = rng_for(seed, f"gain {kind}"), _FIBRILLATION_SPREAD if kind == "fibrillation" else _SPREAD
    gain = np.maximum(1 + spread * rng.standard_normal(len(onsets)), 0.2)[:, None]
    if kind in VENTRICULAR:
        gain = np.where(quick, gain, gain * np.maximum(1 + _SLOW_SPREAD * rng.standard_normal((len(onsets), 1)), 0.2))
    elif kind != "fibrillation":
        gain = gain * np.maximum(1 + _ATRIAL_SPREAD * rng.standard_normal((len(onsets), len(table))), 0.2)
    at = onsets[:, None] + unit_s * table[:, 0]
    height = gain[..., None] * table[:, 3:]
    return TimedLobes(at.ravel(), (unit_s * table[:, 1]).ravel(), (unit_s * table[:, 2]).ravel(), height.reshape(-1, 3))


def dipole_of(lobes: TimedLobes, samples: int, fs: float) -> np.ndarray:
    """The sum of all lobes at the sample times, (3, samples) mV."""
    # All lobes are computed at once, as one list of (lobe, sample) pairs: each lobe within 5 standard deviations of its peak, beyond which
    # it is below 4e-6 of its height.
    first = np.clip(np.ceil((lobes.at - 5 * lobes.rise) * fs), 0, samples).astype(np.int64)
    last = np.clip(np.ceil((lobes.at + 5 * lobes.fall) * fs), 0, samples).astype(np.int64)
    size = np.maximum(last - first, 0)
    # For each pair the index of its lobe, and that of its sample, which counts up from the lobe's `first`.
    lobe = np.repeat(np.arange(size.size), size)
    sample = np.arange(lobe.size) - np.repeat(np.cumsum(size) - size - first, size)
    away = sample / fs - lobes.at[lobe]
    away /= np.where(away < 0, lobes.rise[lobe], lobes.fall[lobe])
    value = np.exp(-0.5 * away * away)
    return np.stack([np.bincount(sample, value * lobes.height[lobe, axis], samples) for axis in range(3)])


def breathe(dipole: np.ndarray, t: np.ndarray, body: Body) -> np.ndarray:
    """The dipole (3, samples) with the effect of the breath: small turns in the X-Y plane, and a voltage that full lungs lower."""
    breath = body.breath(t)
    x, y, z = dipole * (1 - body.breath_gain * breath)
    turn = body.breath_turn * breath
    return np.stack([x - turn * y, y + turn * x, z])
