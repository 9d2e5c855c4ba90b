"""Where 0 mV of every row is, and how many mm a mV has: from calibration pulses, or else from the traces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from fastecg.digitizing.coarse import Strip
from fastecg.digitizing.find_layout import Placed, Pulse, gain_of_pulses
from fastecg.digitizing.follow import Row, level_mm
from fastecg.digitizing.views import Settings

_RISE_MM = (-16.0, 9.0)  # of a trace's baseline below its name
_BESIDE_NAME_MM = 6.0  # how far a pulse may reach beyond the names of its column
_BARE_COUNTS = 0.6  # what a pulse without feet counts
_PITCH_OFF_MM, _FEET_OFF_MM = 0.5, 0.25  # by which rows' distance may differ from that of their names, and feet from one line


def baselines_mm(placed: Placed, strip: Strip, pulses: Sequence[Pulse], flags: list[str]) -> list[float]:
    """Page y of 0 mV of every row: where pulses stand, else where most ink of all rows is."""
    count = placed.layout.rows
    pitch = placed.pitch_mm
    named = placed.first_mm + pitch * np.arange(count)
    profile = np.convolve(strip.ink.sum(axis=1), np.ones(5) / 5, mode="same")
    heights = strip.top_mm + np.arange(len(profile)) / strip.scale
    rises = np.arange(_RISE_MM[0], _RISE_MM[1], 0.1)
    ink = [np.interp(named + rise, heights, profile, left=0.0, right=0.0).sum() for rise in rises]
    coarse = named + rises[int(np.argmax(ink))]
    standing = [(int(np.argmin(np.abs(coarse - pulse.foot_mm))), pulse) for pulse in pulses if _stands_apart(pulse, placed)]
    standing = [(row, pulse) for row, pulse in standing if abs(coarse[row] - pulse.foot_mm) < 0.4 * pitch]
    if not standing:
        flags.append("no calibration pulse was read: 0 mV is taken to be the mean of the traces, the gain to be 10 mm/mV")
        return [float(y) for y in coarse]
    at, slope = line_of_feet(standing, pitch)
    return [at + slope * row for row in range(count)]


def line_of_feet(standing: Sequence[tuple[int, Pulse]], pitch_mm: float) -> tuple[float, float]:
    """Height of row 0 and distance of rows, mm, on which the feet of most pulses stand, each given with its row."""
    rows, feet = np.array([row for row, _ in standing], dtype=float), np.array([pulse.foot_mm for _, pulse in standing])
    counts = np.array([_BARE_COUNTS if pulse.bare else 1.0 for _, pulse in standing])
    lines = [(foot - pitch_mm * row, pitch_mm) for row, foot in zip(rows, feet, strict=True)]
    for i, j in combinations(range(len(rows)), 2):
        if rows[i] != rows[j]:
            slope = (feet[j] - feet[i]) / (rows[j] - rows[i])
            if abs(slope - pitch_mm) < _PITCH_OFF_MM:
                lines.append((feet[i] - slope * rows[i], slope))

    def support(line: tuple[float, float]) -> float:
        off = np.abs(line[0] + line[1] * rows - feet) / _FEET_OFF_MM
        return float((counts * np.maximum(1.0 - off, 0.0)).sum())

    at, slope = max(lines, key=support)
    near = np.abs(at + slope * rows - feet) < _FEET_OFF_MM
    if np.ptp(rows[near]) > 0 and slope != pitch_mm:
        slope, at = np.polyfit(rows[near], feet[near], 1, w=counts[near])
    return float(at), float(slope)


def _stands_apart(pulse: Pulse, placed: Placed) -> bool:
    """Whether a pulse has feet of its own, or stands where only pulses do: before the first column or after the last."""
    width = len(placed.layout.columns) * placed.column_mm
    before = pulse.right_mm - placed.left_mm < _BESIDE_NAME_MM
    return not pulse.bare or before or pulse.left_mm > placed.left_mm + width - _BESIDE_NAME_MM


def levels_mm(placed: Placed, followed: Sequence[Row]) -> list[float]:
    """Page y of 0 mV of every row, evenly spaced as their names, by the mean of the traces."""
    columns = len(placed.layout.columns)
    span = placed.left_mm, placed.left_mm + columns * placed.column_mm
    named = placed.first_mm + placed.pitch_mm * np.arange(len(followed))
    # Names stand at one height above their rows, to a tenth of a mm; a lead's own level may be half a mm off.
    return [float(y) for y in named + np.median([level_mm(row, span) - y for row, y in zip(followed, named, strict=True)])]


def gains_mm_mv(pulses: Sequence[Pulse], settings: Settings, flags: list[str]) -> tuple[float, float]:
    """mm/mV of limb and chest leads: as told, or else by the pulses, or else the usual."""
    if settings.gain_mm_mv is not None:
        return settings.gain_mm_mv, settings.gain_mm_mv
    found = gain_of_pulses(pulses)
    if found is None:
        return 10.0, 10.0
    if found[0] != found[1]:
        flags.append(f"the pulses have two steps: {found[0]:g} mm/mV for limb leads, {found[1]:g} mm/mV for chest leads")
    return found
