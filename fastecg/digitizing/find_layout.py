"""Which lead is drawn where: from the names of leads, the ink of traces and the calibration pulses to `Rows`.

All places are mm of the page, as a warp found from the grid tells them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.separate import Layers
from fastecg.digitizing.targets import MARKER_CELL, MARKERS, SCALE
from fastecg.errors import ImageError
from fastecg.layouts import LAYOUTS, Layout, layout_for
from fastecg.record import LEADS

#: What machines are set to.
SPEEDS_MM_S = (12.5, 25.0, 50.0)
GAINS_MM_MV = (2.5, 5.0, 10.0, 20.0)

_NAMED = 0.5  # probability from which cells belong to a name
_LEAST_CELLS = 2
_LENGTH_OFF, _MISFIT = 0.12, 3.0  # a row that is no layout's time at any speed, and what it costs
_STRIP_OFF_MM = 8.0  # how far a strip's name may stand from the first column's
_RARE = 1.0  # what upside-down leads cost: few machines print them
_BELOW = 0.45  # rows by which the last name may stand below all ink
_ROW_OFF, _COLUMN_OFF = 0.3, 0.2  # how far a name may be from its place, in rows and columns
_UNNAMED = 0.6  # what the only strip counts without a name, if there is a trace all along: more than the lack of its name
_STEP_MM, _ALL_ALONG = 2.0, 0.85
_NOWHERE = np.empty((0, 2))
_INK = 0.4
_HEIGHT_OFF = 0.035  # share by which a pulse's height may be off what machines draw
_LEAST_BARE_MM = 4.5  # of a pulse without feet: letters are as high as the lowest
_PLATEAU_MM = 0.6  # round a pulse's plateau, and from its flanks


@dataclass(frozen=True)
class Name:
    """A lead's name as it was read: which, where its middle is (mm), and how sure (0 to 1)."""

    lead: str
    x_mm: float
    y_mm: float
    sure: float


@dataclass(frozen=True)
class Pulse:
    """A calibration pulse: where its feet stand, how high it is, its left and right ends, all mm; bare if it has no feet of its own."""

    foot_mm: float
    heights_mm: tuple[float, ...]
    left_mm: float
    right_mm: float
    width_mm: float
    bare: bool = False


@dataclass(frozen=True, eq=False)
class Placed:
    """A layout laid over the names that were read.

    Attributes
    ----------
    layout : Layout
    leads : dict of (row, column) to str
        The lead of every cell, with a "-" where it is drawn upside down. Rhythm strips are in column 0.
    first_mm, pitch_mm : float
        Where the names of row 0 stand, and the rows' distance.
    left_mm, column_mm : float
        Where the names of column 0 stand, and the columns' distance.
    score : float
        Names that fit less those that do not, and less cells without a name.
    found : int
        Names that fit.
    """

    layout: Layout
    leads: dict[tuple[int, int], str]
    first_mm: float
    pitch_mm: float
    left_mm: float
    column_mm: float
    score: float
    found: int


def read_names(layers: Layers, warp: PageWarp) -> list[Name]:
    """The names of leads in a picture's marker map."""
    from scipy.ndimage import label

    blobs, count = label(layers.markers[0] < 1.0 - _NAMED)
    names = []
    for k in range(1, count + 1):
        rows, columns = np.nonzero(blobs == k) if count < 60 else _where(blobs, k)
        if len(rows) < _LEAST_CELLS:
            continue
        votes = layers.markers[1:, rows, columns].sum(axis=1)
        weights = 1.0 - layers.markers[0, rows, columns]
        middle = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
        x, y = warp.inverse(middle[None, :] * MARKER_CELL + (MARKER_CELL - 1) / 2)[0]
        best = int(np.argmax(votes))
        names.append(Name(MARKERS[1 + best], float(x), float(y), float(votes[best] / len(rows))))
    return [name for name in names if name.sure > 0.3 and np.isfinite(name.x_mm + name.y_mm)]


def _where(blobs: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.ndimage import find_objects

    box = find_objects(blobs)[k - 1]
    rows, columns = np.nonzero(blobs[box] == k)
    return rows + box[0].start, columns + box[1].start


def read_pulses(layers: Layers, warp: PageWarp, shown: np.ndarray | None = None) -> list[Pulse]:
    """The calibration pulses in a picture's pulse map; their heights by the ink that is `shown` (height, width), where it is known."""
    from scipy.ndimage import find_objects, label

    plane = layers["pulse"]
    blobs, _ = label(plane > _INK / 2, structure=np.ones((3, 3)))
    found = []
    for k, box in enumerate(find_objects(blobs), 1):
        rows, columns = np.nonzero(blobs[box] == k)
        if len(rows) < 4 * SCALE:  # mm of line
            continue
        pixels = np.column_stack([columns + box[1].start, rows + box[0].start]).astype(np.float64)
        pulse = _pulse(warp.inverse(pixels), plane[box][rows, columns], warp, shown)
        if pulse is not None:
            found.append(pulse)
    return found


def _pulse(page: np.ndarray, ink: np.ndarray, warp: PageWarp, shown: np.ndarray | None) -> Pulse | None:
    """A pulse from its ink's places (n, 2) mm; None if it is something else."""
    x, y = page.T
    low, high = np.percentile(y, [2, 98])  # top, bottom
    height = high - low
    if not 1.8 < height < 45:
        return None
    near_top, near_foot = y < low + 0.8, y > high - 0.8
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
    nominal = snapped(foot - top, GAINS_MM_MV, _HEIGHT_OFF)
    if bare and (nominal is None or nominal < _LEAST_BARE_MM):  # it runs into a trace, or is something else: its height has to tell
        return None
    heights = [foot - top]
    second = _second_step(x, y, ink, (left, right), top, foot)
    if nominal is not None:  # the plateau is long and nothing touches it; feet are short and often run into a trace
        foot = top + nominal
    return Pulse(foot, tuple(heights + second), float(x.min()), float(x.max()), float(right - left), bare)


def _plateau_mm(top: float, span: tuple[float, float], warp: PageWarp, shown: np.ndarray | None) -> float:
    """Page y of a plateau at about `top` between two page x: the middle of its ink."""
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


def _second_step(x: np.ndarray, y: np.ndarray, ink: np.ndarray, span: tuple[float, float], top: float, foot: float) -> list[float]:
    """The height of the lower plateau of a pulse with two gains; nothing if it has one."""
    low = y > foot - 0.8
    end = float(np.percentile(x[low], 95))
    middle = (x > span[1] + 0.4) & (x < end - 0.4) & (y > top + 1.0) & (y < foot - 1.0)
    if middle.sum() < 6 or np.ptp(x[middle]) < 1.0:
        return []
    level = np.median(y[middle])
    flat = middle & (np.abs(y - level) < 0.4)
    return [foot - float(np.average(y[flat], weights=ink[flat]))] if flat.sum() > 0.7 * middle.sum() else []


def place_layout(
    names: Sequence[Name], ink_mm: tuple[float, float, float, float], forced: str | None = None, traces_mm: np.ndarray = _NOWHERE
) -> Placed | None:
    """The layout that explains the names best; None if fewer than two leads fit any.

    Parameters
    ----------
    names : sequence of Name
    ink_mm : (float, float, float, float)
        What the traces fill: left, top, right, bottom.
    forced : str, optional
        The layout's name, if it is known.
    traces_mm : ndarray, shape (n, 2)
        Places of ink of traces: a rhythm strip may be there though its name was not read.
    """
    best: Placed | None = None
    for layout in _candidates(names, forced):
        placed = _placed(layout, names, ink_mm, traces_mm)
        if placed is not None and (best is None or placed.score > best.score):
            best = placed
    return best


def _candidates(names: Sequence[Name], forced: str | None) -> Iterator[Layout]:
    if forced is not None and forced in LAYOUTS:
        yield LAYOUTS[forced]
        return
    if forced is None:
        yield from LAYOUTS.values()
    ordered = sorted(names, key=lambda name: name.y_mm)
    leads = tuple(name.lead for name in ordered if name.lead in LEADS)
    if forced is not None:
        yield _rows_layout(forced, leads)
    elif 1 <= len(leads) == len(set(leads)) <= 12:
        yield Layout(f"{len(leads)}x1", "one column", (leads,))
    if leads:
        yield Layout("1x1", "one row", (leads[:1],))


@lru_cache(maxsize=8)
def _rows_layout(name: str, leads: tuple[str, ...]) -> Layout:
    return layout_for(name, leads or LEADS)


def _placed(layout: Layout, names: Sequence[Name], ink_mm: tuple[float, float, float, float], traces_mm: np.ndarray) -> Placed | None:
    """A layout fitted to the names that it has."""
    cells = {label.removeprefix("-"): (row, column) for column, labels in enumerate(layout.columns) for row, label in enumerate(labels)}
    known = [name for name in names if name.lead in cells]
    if len(known) < 2 and not (len(cells) == 1 and known):
        return None
    place = np.array([cells[name.lead] for name in known], dtype=float)
    spot = np.array([(name.y_mm, name.x_mm) for name in known])
    columns = len(layout.columns)
    apart = np.array(
        [(ink_mm[3] - ink_mm[1]) / layout.rows, (ink_mm[2] - ink_mm[0]) / columns]
    )  # of rows and columns where names tell nothing
    agreed = _agreeing(place, spot, [name.lead for name in known], apart)
    place, spot = place[agreed], spot[agreed]
    down, along = (_along(place[:, axis], spot[:, axis], float(apart[axis])) for axis in (0, 1))
    if (layout.rows > 1 and not 3.0 < down[1] < 60.0) or (columns > 1 and not 12.0 < along[1] < 520.0):
        return None
    placed = _scored(layout, names, down, along, traces_mm)
    if any(label.startswith("-") for label in layout.columns[0]):
        placed = replace(placed, score=placed.score - _RARE)
    length = max(columns * along[1], 1e-6)
    fits = any(abs(np.log(length / (layout.seconds * speed))) < _LENGTH_OFF for speed in SPEEDS_MM_S)
    last = placed.first_mm + (layout.rows - 1) * placed.pitch_mm
    fits = fits and last < ink_mm[3] + _BELOW * placed.pitch_mm
    return placed if fits else replace(placed, score=placed.score - _MISFIT)


def _agreeing(place: np.ndarray, spot: np.ndarray, leads: list[str], apart: np.ndarray) -> np.ndarray:
    """Which names (n,) stand on one lattice, so that as many leads as possible do: tried with the lattice of every two names.

    `place` (n, 2) holds rows and columns, `spot` (n, 2) the y and x mm of them. Most names that are read may be none at all.
    """
    i, j = np.triu_indices(len(place), 1)
    steps, ways = place[j] - place[i], spot[j] - spot[i]
    with np.errstate(invalid="ignore", divide="ignore"):
        pitch = np.where(steps != 0, ways / steps, apart)
    good = (pitch > (3.0, 12.0)).all(axis=1)
    pitch, first = pitch[good], spot[i[good]] - place[i[good]] * pitch[good]
    if not len(pitch):
        return np.ones(len(place), dtype=bool)
    off = np.abs(spot[None] - first[:, None] - place[None] * pitch[:, None]) / pitch[:, None]
    near = (off < (_ROW_OFF, _COLUMN_OFF)).all(axis=2)
    belongs = np.array([[lead == other for other in dict.fromkeys(leads)] for lead in leads], dtype=float)
    leads_near = ((near @ belongs) > 0).sum(axis=1) - 1e-3 * np.where(near, off.sum(axis=2), 0.0).sum(axis=1)
    return np.asarray(near[int(np.argmax(leads_near))])


def _scored(layout: Layout, names: Sequence[Name], down: tuple[float, float], along: tuple[float, float], traces_mm: np.ndarray) -> Placed:
    first, pitch = down
    left, step = along
    leads, found, unnamed, used = {}, 0, 0, set()
    for column, labels in enumerate(layout.columns):
        for row, label in enumerate(labels):
            leads[row, column] = label
            y, x = first + row * pitch, left + column * step
            fits = [
                k for k, name in enumerate(names)
                if k not in used and name.lead == label.removeprefix("-")
                and abs(name.y_mm - y) < _ROW_OFF * pitch and abs(name.x_mm - x) < _COLUMN_OFF * step
            ]  # fmt: skip
            if fits:
                used.add(fits[0])
                found += 1
    strips = layout.rows - len(layout.rhythm)
    for k, lead in enumerate(layout.rhythm):
        row = strips + k
        y = first + row * pitch
        fits = [
            k
            for k, name in enumerate(names)
            if k not in used and abs(name.y_mm - y) < _ROW_OFF * pitch and abs(name.x_mm - left) < _STRIP_OFF_MM
        ]
        leads[row, 0] = names[fits[0]].lead if fits and names[fits[0]].lead in LEADS else lead
        if fits:
            used.add(fits[0])
            found += 1
        elif len(layout.rhythm) == 1 and _drawn(traces_mm, (left, left + len(layout.columns) * step), (y - 0.5 * pitch, y + 0.5 * pitch)):
            unnamed += 1
    wrong = sum(name.sure > 0.6 for k, name in enumerate(names) if k not in used)
    # Words of the header pass for names here and there: they must not outweigh a whole page of names that fit.
    score = found + _UNNAMED * unnamed - 0.4 * (len(leads) - found) - min(0.7 * wrong, 0.4 * found)
    return Placed(layout, leads, first, pitch, left, step, score, found)


def _drawn(traces_mm: np.ndarray, across: tuple[float, float], down: tuple[float, float]) -> bool:
    """Whether traces run all along a band of the page: mm across, mm down."""
    x, y = traces_mm.T
    inside = (y > down[0]) & (y < down[1]) & (x > across[0]) & (x < across[1])
    steps = max(int((across[1] - across[0]) / _STEP_MM), 1)
    filled = np.unique(((x[inside] - across[0]) / _STEP_MM).astype(int))
    return len(filled) > _ALL_ALONG * steps


def _along(at: np.ndarray, values: np.ndarray, apart: float) -> tuple[float, float]:
    """Start and slope of a line through points; of slope `apart` where they are all at one place."""
    return fitted_line(at, values) if np.ptp(at) else (float(np.median(values - at * apart)), apart)


def fitted_line(at: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Start and slope of a line through points, half of which may be anywhere (Theil 1950, Sen 1968)."""
    i, j = np.triu_indices(len(at), 1)
    apart = at[j] != at[i]
    slope = float(np.median((values[j] - values[i])[apart] / (at[j] - at[i])[apart]))
    return float(np.median(values - slope * at)), slope


def snapped(value: float, choices: Sequence[float], within: float) -> float | None:
    """The choice that a value is, to a relative tolerance; None if it is none."""
    best = min(choices, key=lambda choice: abs(np.log(value / choice)) if value > 0 else np.inf)
    return best if value > 0 and abs(np.log(value / best)) < within else None


def gain_of_pulses(pulses: Sequence[Pulse]) -> tuple[float, float] | None:
    """mm/mV of limb and chest leads as most pulses have it, to the settings of machines; None if there is no pulse."""
    if not pulses:
        return None
    tall = float(np.median([pulse.heights_mm[0] for pulse in pulses]))
    gain = snapped(tall, GAINS_MM_MV, 0.12) or tall
    lower = [pulse.heights_mm[1] for pulse in pulses if len(pulse.heights_mm) > 1]
    chest = snapped(float(np.median(lower)), GAINS_MM_MV, 0.12) if len(lower) > len(pulses) / 2 else None
    return gain, chest or gain


def nothing_readable(names: Sequence[Name], layers: Layers) -> ImageError:
    """Why a page cannot be read."""
    ink = float((layers["trace"] > _INK).mean())
    if ink < 2e-4:
        return ImageError("no trace was found, expected a picture of an ECG on paper")
    read = ", ".join(sorted({name.lead for name in names})) or "none"
    return ImageError(f"the names of leads do not fit any layout (read: {read}), expected the layout to be given")
