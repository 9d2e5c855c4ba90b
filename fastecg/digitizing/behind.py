"""Fill in hidden parts of a lead, mostly under the bars between columns, from another beat of the same lead.

A quarter of all bars hide a part of a QRS complex or T wave, where neither a straight line nor a constant voltage is a good guess. Most
leads show the same part of the wave in another beat. This beat is chosen by the visible trace on both sides of the hidden part, and by
rhythm strips, which show the same moment in another lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.layout import PageSegments, SegmentReading
from fastecg.kernels.runs import runs_of

_LONGEST_S = 0.06  # Longest stretch of a trace that is filled in.
_CRUMB_S = 0.012  # Visible stretches of a trace no longer than this, beside hidden ones, are treated as hidden.
_WINDOW_S = 0.12  # Largest length of the visible trace on either side of the hidden stretch that is compared with other beats.
_NEAR_S = 0.03  # Time constant with which the weights in this comparison decrease with the distance from the hidden stretch.
_LEVEL_S = 0.006  # Time constant of the weights with which the level of the other beat is adjusted to the visible trace.
_STRIP_S = 0.05  # Length of a rhythm strip before and after the hidden stretch that has to match as well.
_ALIKE = 0.25  # Largest root-mean-square difference from another beat, as a share of the standard deviation of the visible trace.
_ALIKE_END = 0.4  # `_ALIKE` for a hidden stretch at an end of a segment: larger, because the alternative is to extrapolate the last slope.
_ALIKE_STRIP = 0.5  # `_ALIKE` for a rhythm strip: larger, because the strip only has to exclude other parts of a beat.
_CALM_MM = 0.25  # Standard deviation up to which the visible trace is too flat to identify a beat, or to extrapolate its slope.
_SAME_MM = 0.1  # This tolerance is added to the largest difference that `_ALIKE`, `_ALIKE_END` or `_ALIKE_STRIP` allows.
_FADE_S = 0.006  # Time constant of the decay of an extrapolated slope.
_UNSEEN_MM = 1.0  # Standard deviation assigned to extrapolated samples.
_TIP_S = 0.03  # No sample within this time before and after the highest sample of a tip is higher.
_TALL_MM = 1.5  # Minimum height of a tip's highest sample above the lowest sample about `_TIP_S` before it, and above that after it.
_TIP_MM = 0.8  # Samples that are lower than the highest one by less than this belong to the tip.
_TO_LETTER_MM = 1.5  # Largest distance of a letter from a tip that ends at it.
_INKED = 0.4  # Coverage (0 to 1) from which a pixel is ink.
_LONGER_MM = 0.5  # Smallest lengthening of a spike that is applied.
_REPEATED_MM = 0.4  # Standard deviation assigned to samples taken from another beat.


def continued(readings: Sequence[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk) -> list[SegmentReading]:
    """Fill in short hidden or unread parts of segments, from other beats or else, at the ends of a segment, by extrapolation.

    Parameters
    ----------
    readings : sequence of SegmentReading
    rows : PageSegments
    warp : PageWarp
        The map between the page and the picture of `ink`.
    ink : PictureInk
        In the pixels of its mask `hidden`, traces cannot be seen.

    Returns
    -------
    list of SegmentReading
        The same segments. A hidden part stays as in `readings` if it is longer than 0.06 s, has no visible samples beside it, or lies
        inside a segment in which no other beat is similar.
    """
    unseen = [_unseen(item, rows, warp, ink.hidden) for item in readings]
    longest = round(_LONGEST_S * rows.fs)
    holes = [[(start, stop) for start, stop in runs_of(hidden).tolist() if stop - start <= longest] for hidden in unseen]
    shown = [np.where(hidden, np.nan, item.y_mm) for item, hidden in zip(readings, unseen, strict=True)]
    return _filled(readings, shown, holes, rows.fs)


def with_tips(readings: Sequence[SegmentReading], rows: PageSegments, warp: PageWarp, ink: PictureInk) -> list[SegmentReading]:
    """Lengthen spikes that end at a letter, behind which they may continue, if other beats have longer spikes.

    Parameters
    ----------
    readings : sequence of SegmentReading
    rows : PageSegments
    warp : PageWarp
        The map between the page and the picture of `ink`.
    ink : PictureInk
        Its mask `hidden` contains the letters.

    Returns
    -------
    list of SegmentReading
        The same segments, with longer spikes where another beat has one.
    """
    tips = [_tips_at_letters(item, rows, warp, ink) for item in readings]
    if not any(tips):
        return list(readings)
    shown = []
    for item, found in zip(readings, tips, strict=True):
        shown.append(np.where(_unseen(item, rows, warp, ink.hidden), np.nan, item.y_mm))
        for tip in found:
            shown[-1][tip.start : tip.stop] = np.nan
    longer = _filled(readings, shown, [[(tip.start, tip.stop) for tip in found] for found in tips], rows.fs)
    out = []
    for item, filled, found in zip(readings, longer, tips, strict=True):
        y, sd = item.y_mm.copy(), item.sd_mm.copy()
        for tip in found:
            part = slice(tip.start, tip.stop)
            # Page y grows downwards, so the end of the tip has the smallest `way * y`.
            if np.nanmin(tip.way * filled.y_mm[part]) < np.nanmin(tip.way * item.y_mm[part]) - _LONGER_MM:
                y[part], sd[part] = filled.y_mm[part], filled.sd_mm[part]
        out.append(replace(item, y_mm=y, sd_mm=sd))
    return out


@dataclass(frozen=True)
class _Tip:
    """The tip of a spike: its samples from `start` to before `stop`, and `way`, which is 1 if it points up and -1 if it points down."""

    start: int
    stop: int
    way: int


def _tips_at_letters(item: SegmentReading, rows: PageSegments, warp: PageWarp, ink: PictureInk) -> list[_Tip]:
    """Tips of a segment whose ink runs without a gap into a letter; empty if no sample was read."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    y, reach = item.y_mm, round(_TIP_S * rows.fs)
    found: list[_Tip] = []
    if np.isnan(y).all():
        return found
    for way in (1, -1):
        # Height of the samples in mm in the direction of the tip. Samples that were not read are neither highest nor lowest.
        height = np.where(np.isnan(y), -np.inf, -way * y)
        foot = np.where(np.isnan(y), np.inf, -way * y)
        highest = (height == maximum_filter1d(height, 2 * reach + 1)) & np.isfinite(y)
        lowest = minimum_filter1d(foot, reach + 1)
        for k in np.flatnonzero(highest).tolist():
            before, after = lowest[max(k - reach, 0)], lowest[min(k + reach, len(y) - 1)]
            if height[k] - max(before, after) < _TALL_MM or not _goes_on(item.x_mm(rows)[k], y[k], way, warp, ink):
                continue
            near = np.flatnonzero(height[max(k - reach, 0) : k + reach + 1] > height[k] - _TIP_MM) + max(k - reach, 0)
            found.append(_Tip(int(near[0]), int(near[-1]) + 1, way))
    return found


def _goes_on(x_mm: float, y_mm: float, way: int, warp: PageWarp, ink: PictureInk) -> bool:
    """Whether ink continues beyond a tip without a gap to something written that hides it, at most `_TO_LETTER_MM` away."""
    steps = np.arange(0.5, _TO_LETTER_MM * warp.scale)  # Distances from the tip, px.
    line = warp.forward(np.column_stack([np.full(len(steps), x_mm), y_mm - way * steps / warp.scale]))
    column, row = np.rint(line).astype(int).T
    inside = (row >= 0) & (row < ink.hidden.shape[0]) & (column >= 1) & (column < ink.hidden.shape[1] - 1)
    for k in range(int(inside.argmin()) if not inside.all() else len(steps)):  # Pixel by pixel, up to the edge of the picture.
        part = row[k], slice(column[k] - 1, column[k] + 2)  # The pixel and its neighbours to the left and right.
        if ink.hidden[part].any():
            return True
        if ink.coverage[part].max() < _INKED:
            return False
    return False


def _filled(
    readings: Sequence[SegmentReading], shown: Sequence[np.ndarray], holes: Sequence[Sequence[tuple[int, int]]], fs: float
) -> list[SegmentReading]:
    """The segments with their holes (start, stop) filled in. `shown` has the page y of each one's samples, mm; NaN where not visible."""
    out = []
    for k, item in enumerate(readings):
        # The other segments that are rhythm strips, and the index in each at which this segment begins.
        strips = [
            (shown[j], item.segment.start - other.segment.start) for j, other in enumerate(readings) if other.segment.rhythm and j != k
        ]
        y, sd = item.y_mm.copy(), item.sd_mm.copy()
        for hole in holes[k]:
            _fill(y, sd, shown[k], hole, strips, fs)
        out.append(replace(item, y_mm=y, sd_mm=sd))
    return out


def _unseen(item: SegmentReading, rows: PageSegments, warp: PageWarp, hidden: np.ndarray) -> np.ndarray:
    """Mask (n,) of the samples of a segment that are hidden or were not read, with short visible stretches beside such samples."""
    known = np.flatnonzero(np.isfinite(item.y_mm))
    if not known.size:
        return np.ones(len(item.y_mm), dtype=bool)
    y = np.interp(np.arange(len(item.y_mm)), known, item.y_mm[known])
    at = np.rint(warp.forward(np.column_stack([item.x_mm(rows), y]))).astype(int)
    inside = (at >= 0).all(axis=1) & (at < hidden.shape[::-1]).all(axis=1)
    covered = np.zeros(len(y), dtype=bool)
    covered[inside] = hidden[at[inside, 1], at[inside, 0]]
    unseen = covered | np.isnan(item.y_mm)
    for start, stop in runs_of(~unseen).tolist():
        if unseen.any() and stop - start <= _CRUMB_S * rows.fs:
            unseen[start:stop] = True
    return unseen


def _fill(
    y_mm: np.ndarray, sd_mm: np.ndarray, shown: np.ndarray, hole: tuple[int, int], strips: Sequence[tuple[np.ndarray, int]], fs: float
) -> None:
    """Fill in a hidden part of a trace (n,), in place: from another beat, or at an end of the trace by its last slope, which fades.

    Without a similar beat, a part inside the trace stays as it is, and so does any part without visible samples beside it. `shown` (n,) is
    `y_mm` with NaN where the trace cannot be seen. Each of `strips` is the page y of a rhythm strip, and the index in it at which the trace
    begins.
    """
    start, stop = hole
    inside = np.arange(start, stop)
    beside = _beside(shown, hole, round(_WINDOW_S * fs))
    if beside.size == 0:
        return
    away = np.where(beside < start, start - beside, beside - stop + 1) / fs  # Distance from the hole, s.
    shift = _shift_to_similar_beat(shown, hole, beside, np.exp(-away / _NEAR_S), strips, fs)
    if shift is not None:
        weights = np.exp(-away / _LEVEL_S)
        differences = shown[beside] - shown[beside + shift]
        # The edges of the hole with visible samples beside them, and masks of these samples.
        sides = [(at, side) for at, side in ((start, beside < start), (stop, beside >= stop)) if side.any()]
        # Page y of the trace minus that of the other beat, just before and after the hole. In the hole, this difference changes linearly.
        levels = [float(np.average(differences[side], weights=weights[side])) for _, side in sides]
        y_mm[inside] = shown[inside + shift] + np.interp(inside, [at for at, _ in sides], levels)
        sd_mm[inside] = _REPEATED_MM
    elif start == 0 or stop == len(y_mm):
        way = 1 if start else -1
        tail = shown[beside][::way]  # The visible samples, ending at the hole. In the hole, their last slope decays exponentially.
        slope = float(np.nan_to_num(np.diff(tail[-4:])).mean()) if tail.std() > _CALM_MM else 0.0
        fade = _FADE_S * fs
        y_mm[inside[::way]] = tail[-1] + slope * fade * (1.0 - np.exp(-np.arange(1, stop - start + 1) / fade))
        sd_mm[inside] = _UNSEEN_MM


def _beside(shown: np.ndarray, hole: tuple[int, int], window: int) -> np.ndarray:
    """Indices of the visible samples next to a hole: on either side at most `window`, up to the next sample that is not visible."""
    start, stop = hole
    lost = np.flatnonzero(np.isnan(shown))
    first = max([start - window, 0, *(lost[lost < start] + 1).tolist()])
    last = min([stop + window, len(shown), *lost[lost >= stop].tolist()])
    return np.concatenate([np.arange(first, start), np.arange(stop, last)])


def _shift_to_similar_beat(
    shown: np.ndarray, hole: tuple[int, int], beside: np.ndarray, weights: np.ndarray, strips: Sequence[tuple[np.ndarray, int]], fs: float
) -> int | None:
    """The number of samples after a hole (below 0: before it) at which a trace (n,) best repeats what surrounds the hole.

    The samples `beside` (m,) the hole are compared, with `weights` (m,), with the samples to which they are shifted. The hole has to be
    shifted to visible samples, too. None if no part of the trace repeats the samples beside the hole well enough, or if these are flat and
    no rhythm strip shows the same seconds.
    """
    # The hole and the samples beside it form a window. Shifts are possible if the shifted window is visible throughout.
    first, last = min(beside[0], hole[0]), max(beside[-1] + 1, hole[1])
    shifts = np.arange(-first, len(shown) - last + 1)
    windows = np.lib.stride_tricks.sliding_window_view(shown, last - first)
    shifts = shifts[np.isfinite(windows).all(axis=1)]
    if not shifts.size:
        return None
    difference, spread = _difference(shown, beside, shifts, weights)
    limit = (_ALIKE_END if hole[0] == 0 or hole[1] == len(shown) else _ALIKE) * spread + _SAME_MM
    alike = difference < limit
    cost, identified = (difference / limit) ** 2, spread > _CALM_MM
    around = round(_STRIP_S * fs)
    # Rhythm strips that are visible around the hole have to repeat themselves with the same shift.
    for strip, origin in strips:
        span = np.arange(hole[0] - around, hole[1] + around) + origin
        span = span[(span >= 0) & (span < len(strip))]
        span = span[np.isfinite(strip[span])]
        if len(span) < hole[1] - hole[0] + around:
            continue
        in_strip = (shifts + span[0] >= 0) & (shifts + span[-1] < len(strip))
        difference, spread = _difference(strip, span, np.where(in_strip, shifts, 0), np.ones(len(span)))
        limit = _ALIKE_STRIP * spread + _SAME_MM
        alike &= in_strip & (difference < limit)
        cost, identified = cost + (difference / limit) ** 2, True
    if not identified or not alike.any():
        return None
    return int(shifts[alike][np.argmin(cost[alike])])


def _difference(signal: np.ndarray, at: np.ndarray, shifts: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Compare a signal at the samples `at` (m,) with itself at samples that are later by each of several `shifts`.

    Returns
    -------
    difference : ndarray, shape (shifts,)
        Weighted root mean square of the difference, after both means are subtracted; infinite for a shift to a sample that is not visible.
    spread : float
        Weighted standard deviation of the signal at `at`.
    """
    own = signal[at] - np.average(signal[at], weights=weights)
    others = signal[at[None, :] + shifts[:, None]]
    others = others - np.average(others, axis=1, weights=weights)[:, None]
    rms = np.sqrt(np.average((others - own) ** 2, axis=1, weights=weights))
    return np.where(np.isfinite(rms), rms, np.inf), float(np.sqrt(np.average(own**2, weights=weights)))
