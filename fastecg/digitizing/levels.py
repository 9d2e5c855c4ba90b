"""Find the 0 mV level of every row, and the gain: from calibration pulses, or else from the traces and from words on the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis
from fastecg.digitizing.assign import LayoutMatch
from fastecg.digitizing.follow import TracePath, level_mm
from fastecg.digitizing.ink import PictureInk
from fastecg.digitizing.pulses import USUAL_GAIN, Pulse, gain_of_pulses
from fastecg.digitizing.settings import Settings
from fastecg.digitizing.time_axis import TimeAxis
from fastecg.digitizing.tracks import Track
from fastecg.digitizing.words import written_gain

# Largest distance of a pulse's feet from its row's level, in distances of rows. If this is less than 4 mm, 4 mm are allowed.
_NEAR_PITCH = 0.45
_NEAR_MM = 12.0  # Largest distance of a pulse's feet from its row's level in mm, whatever the distance of rows is.
# `_NEAR_MM` for the lower end of a pulse without feet. It is smaller, because only part of the flanks may have been seen.
_BARE_MM = 3.5
# A pulse without feet ends at most this far to the right of its row's left end, or begins at most this far to the left of the right end.
# Other ink that looks like such a pulse is something else.
_ASIDE_MM = 6.0
_FEW_PULSES = 0.34  # If at most this share of the tracks has a pulse, a gain that is printed in words counts more than the pulses.


def pulses_of_rows(tracks: Sequence[Track], pulses: Sequence[Pulse]) -> list[Pulse | None]:
    """The calibration pulse of every track; None for a track without one. A pulse belongs to the track whose level is closest to its feet.

    Left out are pulses that are too far from this level, and pulses without feet that are at neither end of the row.
    """
    heights = np.array([track.level_mm for track in tracks])
    pitch = float(np.median(np.diff(heights))) if len(heights) > 1 else 3 * _NEAR_MM
    reach = min(max(_NEAR_PITCH * pitch, 4.0), _NEAR_MM)
    out: list[Pulse | None] = [None] * len(tracks)
    for pulse in sorted(pulses, key=lambda pulse: pulse.bare, reverse=True):  # Of two pulses of a track, one with feet is kept.
        k = int(np.argmin(np.abs(heights - pulse.foot_mm)))
        left, right = tracks[k].ends_mm
        aside = pulse.right_mm < left + _ASIDE_MM or pulse.left_mm > right - _ASIDE_MM
        near = min(reach, _BARE_MM) if pulse.bare else reach
        if abs(heights[k] - pulse.foot_mm) < near and (aside or not pulse.bare):
            out[k] = pulse
    return out


def baselines_mm(
    match: LayoutMatch, paths: Sequence[TracePath | None], own: Sequence[Pulse | None], axis: TimeAxis, gain: float, flags: list[str]
) -> tuple[list[float], list[str]]:
    """Find the 0 mV level of every row of a layout.

    Parameters
    ----------
    match : LayoutMatch
    paths : sequence of TracePath or None
        The path of every row; None for a row without a track.
    own : sequence of Pulse or None
        The calibration pulse of every track, from `pulses_of_rows`.
    axis : TimeAxis
    gain : float
        Gain of the limb leads, mm/mV.
    flags : list of str
        Sentences about what is doubtful are appended here.

    Returns
    -------
    heights_mm : list of float
        Page y of 0 mV of every row; NaN for a row with neither a pulse nor a path.
    sources : list of str
        What each level was taken from: "pulse", or "isoelectric" (also for a level that is NaN).
    """
    columns = len(match.layout.columns)
    span = axis.start_mm, axis.start_mm + columns * axis.pitch_mm
    heights, sources = [], []
    for k, path in enumerate(paths):
        track = match.tracks[k]
        pulse = own[track] if track is not None else None
        heights.append(pulse.zero_mm(gain) if pulse is not None else level_mm(path, span) if path is not None else np.nan)
        sources.append("pulse" if pulse is not None else "isoelectric")
    without = [k for k, path in enumerate(paths) if path is not None and sources[k] != "pulse"]
    if len(without) == sum(path is not None for path in paths):
        flags.append("no row has a calibration pulse: 0 mV is taken to be the mean of the traces")
    elif without:
        flags.append(f"rows without a calibration pulse, whose 0 mV is the mean of the traces: {', '.join(str(k + 1) for k in without)}")
    return heights, sources


def gains_mm_mv(
    analysis: PageAnalysis,
    ink: PictureInk | None,
    own: Sequence[Pulse | None],
    pulses: Sequence[Pulse],
    settings: Settings,
    flags: list[str],
) -> tuple[float, float]:
    """Gains of limb and chest leads, mm/mV: the user's, or from pulses of rows, words on the page, or other pulses; else the usual gain.

    If few rows have pulses, words count more than pulses of rows. `own` has the calibration pulse of every track, None for one without, and
    `pulses` all pulses of the page. Sentences about doubts are appended to `flags`.
    """
    if settings.gain_mm_mv is not None:
        return settings.gain_mm_mv, settings.gain_mm_mv
    of_rows = [pulse for pulse in own if pulse is not None]
    found = gain_of_pulses(of_rows)
    if len(of_rows) <= _FEW_PULSES * len(own):  # A single pulse among many rows may be something else.
        words = written_gain(analysis.layers["writing"], analysis.warp, None if ink is None else ink.coverage)
        if words is not None:
            if found is None or found[0] != words:
                flags.append(f"few rows have a calibration pulse: the gain is {words:g} mm/mV, as the page's words say")
            return words, words
        found = found or gain_of_pulses(pulses)
    if found is None:
        flags.append(f"no calibration pulse was read, nor a gain in words: it is taken to be {USUAL_GAIN:g} mm/mV")
        return USUAL_GAIN, USUAL_GAIN
    if found[0] != found[1]:
        flags.append(f"the pulses have two steps: {found[0]:g} mm/mV for limb leads, {found[1]:g} mm/mV for chest leads")
    return found
