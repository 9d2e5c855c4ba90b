"""Find calibration pulses in the network's map of pulses, and derive the gain from their heights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.segmenter import Layers
from fastecg.digitizing.snapping import odd_width, pixel_phase
from fastecg.digitizing.targets import SCALE

#: Gains of machines, mm/mV.
GAINS_MM_MV = (2.5, 5.0, 10.0, 20.0)

#: Gain in mm/mV that is assumed if the user gives none and the page shows none.
USUAL_GAIN = 10.0

_INK = 0.4  # Coverage above which ink counts. In the network's map, pixels belong to a pulse above half of this.
# A pulse is bare if it has no feet, since a trace runs into it. This is the largest log ratio of the height of a bare pulse and the height
# of 1 mV at a usual gain.
_BARE_HEIGHT_OFF = 0.08
_SAME_GAIN = 0.15  # If the height of a pulse differs from the gain by more than this share, 0 mV is taken from its feet.
_LEAST_BARE_MM = 4.5  # Bare pulses at a lower usual gain, mm/mV, are not accepted, since ink of this height may be a letter.
_HALF_PEN_MM = 0.1  # Half the width of the lines of pulses in the network's map.
_BESIDE_MM = 0.4  # A row touches a pulse if its end lies in the pulse or closer to it than this.
# The ink of a plateau is looked for up to this distance above and below it, and the ink of a flank up to this distance left and right of
# it. On the plateau, what is closer than this to the flanks is left out.
_PLATEAU_MM = 0.6


@dataclass(frozen=True)
class Pulse:
    """A calibration pulse.

    Attributes
    ----------
    foot_mm : float
        Page y of its feet, which are the level parts beside its flanks. If the pulse is bare, page y of the lower end of its flanks.
    heights_mm : tuple of float
        Height of its plateau above the feet, and that of a second plateau, if it has one.
    left_mm, right_mm : float
        Page x of its left and right end, including the feet.
    width_mm : float
        Width of the plateau.
    bare : bool
        Whether it has no feet.
    fall_mm : float
        Page x of the middle of its right flank.
    pixel_phase : float
        Position of the plateau's centre line within a pixel of the picture, 0 to 1 downwards, and 0.5 in
        the middle of the pixel; NaN if the line is not level in the picture.
    """

    foot_mm: float
    heights_mm: tuple[float, ...]
    left_mm: float
    right_mm: float
    width_mm: float
    bare: bool = False
    fall_mm: float = np.nan
    pixel_phase: float = np.nan

    @property
    def top_mm(self) -> float:
        """Page y of the plateau."""
        return self.foot_mm - self.heights_mm[0]

    def zero_mm(self, gain_mm_mv: float) -> float:
        """Page y of 0 mV, which is 1 mV below the plateau.

        The plateau is measured better than the feet, which are short and often touch a trace. The feet are used if the height of the pulse
        does not fit the gain.
        """
        return self.top_mm + gain_mm_mv if abs(self.heights_mm[0] / gain_mm_mv - 1.0) < _SAME_GAIN else self.foot_mm


def runs_into(x_mm: float, pulses: Sequence[Pulse]) -> bool:
    """Whether an end of a row at page x lies in a pulse or less than 0.4 mm beside one."""
    return any(pulse.left_mm - _BESIDE_MM < x_mm < pulse.right_mm + _BESIDE_MM for pulse in pulses)


def read_pulses(layers: Layers, warp: PageWarp, shown: np.ndarray | None = None) -> list[Pulse]:
    """Find the calibration pulses of a picture.

    Plateaus and right flanks are measured in the picture's own ink `shown` (height, width), if given, and all else in the network's map.
    """
    from scipy.ndimage import find_objects, label

    plane = layers["pulse"]
    blobs, _ = label(plane > _INK / 2, structure=np.ones((3, 3)))
    found = []
    for k, box in enumerate(find_objects(blobs), 1):
        rows, columns = np.nonzero(blobs[box] == k)
        if len(rows) < 4 * SCALE:  # About 2 mm of a line 2 px wide.
            continue
        pixels = np.column_stack([columns + box[1].start, rows + box[0].start]).astype(np.float64)
        pulse = _pulse(warp.inverse(pixels), plane[box][rows, columns], warp, shown)
        if pulse is not None:
            plateau = np.array([[x, pulse.top_mm] for x in (pulse.left_mm, pulse.right_mm)])
            found.append(replace(pulse, pixel_phase=pixel_phase(plateau, 1, warp, layers)))
    # Lines an odd number of pixels wide are drawn half a pixel too low (see `snapping`).
    if odd_width([pulse.pixel_phase for pulse in found]):
        half = 0.5 * layers.zoom / warp.scale
        found = [replace(pulse, foot_mm=pulse.foot_mm - half) for pulse in found]
    return found


def _pulse(points_mm: np.ndarray, ink: np.ndarray, warp: PageWarp, shown: np.ndarray | None) -> Pulse | None:
    """The pulse whose inked pixels are at page points (n, 2) mm and have coverage `ink` (n,); None if the ink is something else.

    Pulses are 1.8 to 45 mm high, and their plateaus 1.5 to 12 mm wide.
    """
    x, y = points_mm.T
    upper, lower = np.percentile(y, [2, 98])
    height = lower - upper
    if not 1.8 < height < 45:
        return None
    near_top, near_foot = y < upper + 0.8, y > lower - 0.8  # Ink of the plateau and of the feet.
    if near_top.sum() < 6 or near_foot.sum() < 3:
        return None
    left, right = np.percentile(x[near_top], [2, 98])
    inside = (x > left + 0.5) & (x < right - 0.5)
    outside = near_foot & ((x < left - 0.3) | (x > right + 0.3))
    if not 1.5 < right - left < 12 or (inside & near_top).sum() < 4:
        return None
    bare = bool(outside.sum() < 3)
    if bare:
        outside = near_foot
    foot = float(np.average(y[outside], weights=ink[outside]))
    top = _plateau_mm(float(np.average(y[inside & near_top], weights=ink[inside & near_top])), (left, right), warp, shown)
    if bare:  # Ink without feet is a pulse only if its height is that of a usual gain. A pulse with feet may have any height.
        gain = snapped(foot - top, GAINS_MM_MV, _BARE_HEIGHT_OFF)
        if gain is None or gain < _LEAST_BARE_MM:
            return None
    heights = [foot - top]
    second = _second_step(x, y, ink, (left, right), top, foot)
    fall = _flank_mm(float(right) - _HALF_PEN_MM, (top, foot), warp, shown)
    return Pulse(foot, tuple(heights + second), float(x.min()), float(x.max()), float(right - left), bare, fall)


def _plateau_mm(top: float, span: tuple[float, float], warp: PageWarp, shown: np.ndarray | None) -> float:
    """Page y of the middle of a plateau's ink, which is looked for around page y `top`.

    `top` is returned without `shown`, on narrow plateaus, and if too little ink is seen. `span` is page x of the left and right end of the
    plateau.
    """
    from scipy.ndimage import map_coordinates

    if shown is None:
        return top
    y = top + np.arange(-_PLATEAU_MM, _PLATEAU_MM + 1e-9, 0.02)
    x = np.arange(span[0] + _PLATEAU_MM, span[1] - _PLATEAU_MM, 0.05)
    if len(x) < 4:
        return top
    pixels = warp.forward(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    ink = np.clip(map_coordinates(shown, pixels.T[::-1], order=1, mode="constant"), 0.0, 1.0).reshape(len(y), len(x)).mean(axis=1)
    return float(np.average(y, weights=ink)) if ink.max() > _INK else top


def _flank_mm(x: float, span: tuple[float, float], warp: PageWarp, shown: np.ndarray | None) -> float:
    """Page x of the middle of the ink of a pulse's right flank, which is looked for around `x`.

    `x` is returned without `shown`, and if too little ink is seen. `span` is page y of the plateau and of the feet. Only the middle half of
    the flank is looked at.
    """
    from scipy.ndimage import map_coordinates

    if shown is None:
        return x
    upper, lower = span[0] + 0.25 * (span[1] - span[0]), span[0] + 0.75 * (span[1] - span[0])
    across = x + np.arange(-_PLATEAU_MM, _PLATEAU_MM + 1e-9, 0.02)
    pixels = warp.forward(np.stack(np.meshgrid(across, np.arange(upper, lower, 0.05)), axis=-1).reshape(-1, 2))
    ink = np.clip(map_coordinates(shown, pixels.T[::-1], order=1, mode="constant"), 0.0, 1.0).reshape(-1, len(across)).mean(axis=0)
    return float(np.average(across, weights=ink)) if ink.max() > _INK else x


def _second_step(x: np.ndarray, y: np.ndarray, ink: np.ndarray, span: tuple[float, float], top: float, foot: float) -> list[float]:
    """Height above the feet, in mm, of the second plateau of a pulse that shows two gains, as a list; empty if there is only one plateau.

    The second plateau is lower than the first and to its right.
    """
    near_foot = y > foot - 0.8
    end = float(np.percentile(x[near_foot], 95))
    middle = (x > span[1] + 0.4) & (x < end - 0.4) & (y > top + 1.0) & (y < foot - 1.0)
    if middle.sum() < 6 or np.ptp(x[middle]) < 1.0:
        return []
    level = np.median(y[middle])
    flat = middle & (np.abs(y - level) < 0.4)
    return [foot - float(np.average(y[flat], weights=ink[flat]))] if flat.sum() > 0.7 * middle.sum() else []


def snapped(value: float, choices: Sequence[float], within: float) -> float | None:
    """The choice that is closest to a value, if the log of their ratio is between -`within` and `within`; otherwise None."""
    best = min(choices, key=lambda choice: abs(np.log(value / choice)) if value > 0 else np.inf)
    return best if value > 0 and abs(np.log(value / best)) < within else None


def gain_of_pulses(pulses: Sequence[Pulse]) -> tuple[float, float] | None:
    """Gains of limb and chest leads, mm/mV: the usual gain close to the median height of pulses, or else this height; None without pulses.

    The gain of chest leads differs only if most pulses have a second plateau, whose median height is close to a usual gain.
    """
    if not pulses:
        return None
    tall = float(np.median([pulse.heights_mm[0] for pulse in pulses]))
    gain = snapped(tall, GAINS_MM_MV, 0.12) or tall
    lower = [pulse.heights_mm[1] for pulse in pulses if len(pulse.heights_mm) > 1]
    chest = snapped(float(np.median(lower)), GAINS_MM_MV, 0.12) if len(lower) > len(pulses) / 2 else None
    return gain, chest or gain
