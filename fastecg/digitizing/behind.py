"""What is hidden of a lead, most often by the bar between two columns: it looks as the lead does at another beat.

A quarter of all bars stand in a QRS complex or a T wave, where neither a straight line nor a level is a good guess, but where most leads
show the same some beats before or after. Which beat that is tell the trace beside the hidden part, and rhythm strips, which show what the
heart did meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import PageSegments, SegmentReading
from fastecg.kernels.runs import runs_of

_LONGEST_S = 0.06  # Longest stretch of a trace that is filled in.
_WINDOW_S = 0.12  # Length of the visible trace on either side that is compared with other beats.
_NEAR_S = 0.03  # Decay of the comparison's weights with the distance from the hidden stretch.
_LEVEL_S = 0.006  # Decay of the weights with which the level of the filled-in beat is adjusted.
_STRIP_S = 0.05  # Length of a rhythm strip before and after the hidden stretch that has to match as well.
_ALIKE = 0.25  # Largest root-mean-square difference from another beat, as a share of the window's standard deviation.
_ALIKE_STRIP = 0.5  # The same for the rhythm strip, which only has to exclude another part of a beat.
_CALM_MM = 0.25  # Standard deviation below which a window is too flat to tell what follows it.
_SAME_MM = 0.1  # Tolerance added to both of these limits.
_FADE_S = 0.006  # Time constant with which a slope dies away that no other beat continues.
_UNSEEN_MM = 1.0  # Standard deviation assigned to samples that nothing tells.
_REPEATED_MM = 0.4  # Standard deviation assigned to samples taken from another beat.


def continued(readings: Sequence[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk) -> list[SegmentReading]:
    """Fill in hidden parts of segments as other beats suggest.

    Parameters
    ----------
    readings : sequence of SegmentReading
    rows : PageSegments
    warp : PageWarp
    ink : PictureInk
        Its `hidden` tells what cannot be seen.
    """
    unseen = [_unseen(item, rows, warp, ink.hidden) for item in readings]
    shown = [np.where(hidden, np.nan, item.y_mm) for item, hidden in zip(readings, unseen, strict=True)]
    out = []
    for k, item in enumerate(readings):
        strips = [
            (shown[j], item.segment.start - other.segment.start) for j, other in enumerate(readings) if other.segment.rhythm and j != k
        ]
        y, sd = item.y_mm.copy(), item.sd_mm.copy()
        for start, stop in runs_of(unseen[k]).tolist():
            if stop - start <= round(_LONGEST_S * rows.fs):
                _fill(y, sd, shown[k], (start, stop), strips, rows.fs)
        out.append(replace(item, y_mm=y, sd_mm=sd))
    return out


def _unseen(item: SegmentReading, rows: PageSegments, warp: PageWarp, hidden: np.ndarray) -> np.ndarray:
    """Which samples (n,) of a segment are hidden or were not read."""
    known = np.flatnonzero(np.isfinite(item.y_mm))
    if not known.size:
        return np.ones(len(item.y_mm), dtype=bool)
    y = np.interp(np.arange(len(item.y_mm)), known, item.y_mm[known])
    at = np.rint(warp.forward(np.column_stack([item.x_mm(rows), y]))).astype(int)
    inside = (at >= 0).all(axis=1) & (at < hidden.shape[::-1]).all(axis=1)
    covered = np.zeros(len(y), dtype=bool)
    covered[inside] = hidden[at[inside, 1], at[inside, 0]]
    return covered | np.isnan(item.y_mm)


def _fill(
    y_mm: np.ndarray, sd_mm: np.ndarray, shown: np.ndarray, hole: tuple[int, int], strips: Sequence[tuple[np.ndarray, int]], fs: float
) -> None:
    """Fill in a hidden part of a trace (n,), in place.

    `shown` (n,) is NaN where the trace cannot be seen. Of every rhythm strip there is what it shows, and at which of its samples the trace
    begins.
    """
    start, stop = hole
    inside = np.arange(start, stop)
    beside = _beside(shown, hole, round(_WINDOW_S * fs))
    if beside.size == 0:
        return
    away = np.where(beside < start, start - beside, beside - stop + 1) / fs
    repeated = _another_beat(shown, hole, beside, np.exp(-away / _NEAR_S), strips, fs)
    if repeated is not None:
        near = np.exp(-away / _LEVEL_S)
        offs = shown[beside] - shown[beside + repeated]
        sides = [(at, side) for at, side in ((start, beside < start), (stop, beside >= stop)) if side.any()]
        levels = [float(np.average(offs[side], weights=near[side])) for _, side in sides]
        y_mm[inside] = shown[inside + repeated] + np.interp(inside, [at for at, _ in sides], levels)
        sd_mm[inside] = _REPEATED_MM
    elif start == 0 or stop == len(y_mm):
        way = 1 if start else -1
        tail = shown[beside][::way]
        slope = float(np.nan_to_num(np.diff(tail[-4:])).mean()) if tail.std() > _CALM_MM else 0.0
        fade = _FADE_S * fs
        y_mm[inside[::way]] = tail[-1] + slope * fade * (1.0 - np.exp(-np.arange(1, stop - start + 1) / fade))
        sd_mm[inside] = _UNSEEN_MM


def _beside(shown: np.ndarray, hole: tuple[int, int], window: int) -> np.ndarray:
    """Indices of the samples on either side of a hole that are visible without interruption, at most `window` on each side."""
    start, stop = hole
    lost = np.flatnonzero(np.isnan(shown))
    first = max([start - window, 0, *(lost[lost < start] + 1).tolist()])
    last = min([stop + window, len(shown), *lost[lost >= stop].tolist()])
    return np.concatenate([np.arange(first, start), np.arange(stop, last)])


def _another_beat(
    shown: np.ndarray, hole: tuple[int, int], beside: np.ndarray, weights: np.ndarray, strips: Sequence[tuple[np.ndarray, int]], fs: float
) -> int | None:
    """By how many samples later a trace (n,) repeats what surrounds a hole and shows what is in it; None if it never does."""
    first, last = min(beside[0], hole[0]), max(beside[-1] + 1, hole[1])
    shifts = np.arange(-first, len(shown) - last + 1)
    needed = np.lib.stride_tricks.sliding_window_view(shown, last - first)
    shifts = shifts[np.isfinite(needed).all(axis=1)]
    if not shifts.size:
        return None
    off, spread = _off(shown, beside, shifts, weights)
    alike = off < _ALIKE * spread + _SAME_MM
    cost, told = (off / (_ALIKE * spread + _SAME_MM)) ** 2, spread > _CALM_MM
    around = round(_STRIP_S * fs)
    for strip, origin in strips:
        span = np.arange(hole[0] - around, hole[1] + around) + origin
        span = span[(span >= 0) & (span < len(strip))]
        span = span[np.isfinite(strip[span])]
        if len(span) < hole[1] - hole[0] + around:
            continue
        there = (shifts + span[0] >= 0) & (shifts + span[-1] < len(strip))
        apart, moves = _off(strip, span, np.where(there, shifts, 0), np.ones(len(span)))
        most = _ALIKE_STRIP * moves + _SAME_MM
        alike &= there & (apart < most)
        cost, told = cost + (apart / most) ** 2, True
    if not told or not alike.any():
        return None
    return int(shifts[alike][np.argmin(cost[alike])])


def _off(signal: np.ndarray, at: np.ndarray, shifts: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Root-mean-square difference (shifts,) of a signal at `at` and `shifts` later, without a constant, and that signal's own variation."""
    own = signal[at] - np.average(signal[at], weights=weights)
    others = signal[at[None, :] + shifts[:, None]]
    others = others - np.average(others, axis=1, weights=weights)[:, None]
    off = np.sqrt(np.average((others - own) ** 2, axis=1, weights=weights))
    return np.where(np.isfinite(off), off, np.inf), float(np.sqrt(np.average(own**2, weights=weights)))
