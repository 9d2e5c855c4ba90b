"""Ends of leads that are hidden, most often by the bar between two columns: they go on as the lead does at another beat.

A quarter of all bars stand in a QRS complex or a T wave, where neither a straight line nor a level is a good guess, but where most leads
show the same some beats before or after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.ink import Ink
from fastecg.digitizing.layout import Drawn, Rows

_LONGEST_S = 0.06  # of what may be hidden
_WINDOW_S = 0.12  # of the visible trace that another beat has to repeat
_ALIKE = 0.25  # of that window's standard deviation: how far the other may be off, root mean square
_CALM_MM = 0.25  # a window that moves less goes on level
_FADE_S = 0.006  # in which a slope that nothing else continues dies away
_UNSEEN_MM, _REPEATED_MM = 1.0, 0.4  # standard deviations of what is guessed


def continued(drawn: Sequence[Drawn], rows: Rows, warp: PageWarp, ink: Ink) -> list[Drawn]:
    """The segments of a page, with their hidden ends as they likely are.

    Parameters
    ----------
    drawn : sequence of Drawn
    rows : Rows
    warp : PageWarp
    ink : Ink
        Its `hidden` tells what cannot be seen.
    """
    out = []
    for item in drawn:
        y, sd = item.y_mm.copy(), item.sd_mm.copy()
        unseen = _unseen(item, rows, warp, ink.hidden)
        for way in (1, -1):
            _continue(y[::way], sd[::way], unseen[::way], rows.fs)
        out.append(replace(item, y_mm=y, sd_mm=sd))
    return out


def _unseen(item: Drawn, rows: Rows, warp: PageWarp, hidden: np.ndarray) -> np.ndarray:
    """Which samples (n,) of a segment lie behind something, or were not read."""
    known = np.flatnonzero(np.isfinite(item.y_mm))
    if not known.size:
        return np.ones(len(item.y_mm), dtype=bool)
    y = np.interp(np.arange(len(item.y_mm)), known, item.y_mm[known])
    at = np.rint(warp.forward(np.column_stack([item.x_mm(rows), y]))).astype(int)
    inside = (at >= 0).all(axis=1) & (at < hidden.shape[::-1]).all(axis=1)
    covered = np.zeros(len(y), dtype=bool)
    covered[inside] = hidden[at[inside, 1], at[inside, 0]]
    return covered | np.isnan(item.y_mm)


def _continue(y_mm: np.ndarray, sd_mm: np.ndarray, unseen: np.ndarray, fs: float) -> None:
    """Go on, in place, from the last sample of a trace (n,) that is seen, to its end."""
    seen = np.flatnonzero(~unseen)
    if not seen.size:
        return
    last = int(seen[-1])
    gap, window = len(y_mm) - 1 - last, round(_WINDOW_S * fs)
    if not 0 < gap <= round(_LONGEST_S * fs) or last < 2 * window:
        return
    guess, sd = _guess(y_mm[: last + 1], gap, window, fs)
    y_mm[last + 1 :], sd_mm[last + 1 :] = guess, sd


def _guess(y_mm: np.ndarray, gap: int, window: int, fs: float) -> tuple[np.ndarray, float]:
    """How a trace (n,) goes on for `gap` samples, and how sure that is, mm."""
    tail = y_mm[-window:]
    if np.isfinite(tail).all() and tail.std() > _CALM_MM:
        pieces = np.lib.stride_tricks.sliding_window_view(y_mm[:-1], window + gap)
        pieces = pieces[np.isfinite(pieces).all(axis=1)]
        if len(pieces):
            heads = pieces[:, :window]
            moved = heads - heads.mean(axis=1, keepdims=True) + tail.mean()
            off = np.sqrt(((moved - tail) ** 2).mean(axis=1))
            best = int(np.argmin(off))
            if off[best] < _ALIKE * tail.std():
                return tail[-1] + pieces[best, window:] - pieces[best, window - 1], _REPEATED_MM
    near = y_mm[-4:]
    slope = float(np.nan_to_num(np.diff(near)).mean()) if tail.std() > _CALM_MM else 0.0
    fade = _FADE_S * fs
    return y_mm[-1] + slope * fade * (1.0 - np.exp(-np.arange(1, gap + 1) / fade)), _UNSEEN_MM
