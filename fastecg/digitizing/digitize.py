"""`digitize`: from a picture of an ECG to millivolts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from fastecg.digitizing.coarse import PageWarp, Strip
from fastecg.digitizing.decode import Digitized, decode
from fastecg.digitizing.find_layout import (
    SPEEDS_MM_S,
    Name,
    Placed,
    Pulse,
    gain_of_pulses,
    nothing_readable,
    place_layout,
    read_names,
    read_pulses,
    snapped,
)  # fmt: skip
from fastecg.digitizing.follow import Row, ends_mm, follow_row, level_mm, own_planes, page_strip, pen_mm, share
from fastecg.digitizing.ink import Ink, picture_ink
from fastecg.digitizing.layout import Rows, Segment
from fastecg.digitizing.phase import find_grid
from fastecg.digitizing.plain import MOST_OFF, length_of_rows, plain_warp, tilt_of
from fastecg.digitizing.scale import find_scales
from fastecg.digitizing.separate import WEIGHTS, Layers, separator
from fastecg.digitizing.targets import SCALE, THIN_MM
from fastecg.errors import ImageError

_LIKELY_DPI = (200.0, 150.0, 300.0, 100.0)  # of pictures without a grid
_USUAL_SPEED, _USUAL_FS = 25.0, 500.0  # mm/s, Hz
_ENOUGH, _FEW = 0.5, 5  # of a layout's names, in share and number: the picture is the right way up
_SMALLEST = 200  # px
_RISE_MM = (-16.0, 9.0)  # of a trace's baseline below its name
_BESIDE_NAME_MM = 6.0  # how far a pulse may reach beyond the names of its column
_BARE_COUNTS = 0.6  # what a pulse without feet counts
_PITCH_OFF_MM, _FEET_OFF_MM = 0.5, 0.25  # by which rows' distance may differ from that of their names, and feet from one line
_BESIDE_MM = 0.6  # a pulse this near to a row's end runs into it
_SAME_BEATS, _MARGIN = 0.85, 0.1  # correlation of columns that show the same seconds, and by how much it has to be better
_MOST_CAP_MM = 0.3  # from a trace's last sample to where its ink falls to one half
_INK_ENDS = 0.4  # ink of the picture itself from here on is a trace
_CAP_PENS = 0.42  # pens from a trace's last sample to where its ink falls to one half
_CAP_OFF, _SAME_CAP_MM = 0.5, 0.02  # by what share rows may tell another cap, and how well they have to agree
_TOUCHED = 0.4  # what an end counts that a pulse may run into
_NEAR_START_MM, _SAME_END_MM = 0.45, 0.06  # ends of that ink that may be a row's, and those that agree
_NAME_AFTER_MM = 2.0  # from a trace's first sample to the middle of its name, as most machines have it
_EDGE_PX = 8  # what ends this near to the picture's edge may go on
_FROM_NAME_MM = (-12.0, 28.0)  # where time may start, from the middle of the names of the first column
_AGREE_MM, _DOUBTFUL = 0.25, 0.6  # ends of rows that tell the same, and what one counts that a pulse runs into


@dataclass(frozen=True)
class Settings:
    """What the user knows of the page. None: it is read from the picture.

    Attributes
    ----------
    layout : str, optional
        Name of a layout.
    speed_mm_s, gain_mm_mv : float, optional
        Paper speed and gain.
    fs : float
        Samples a second to read.
    mode : str
        One of `fastecg.digitizing.decode.MODES`.
    """

    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    fs: float = 500.0
    mode: str = "render"


@dataclass(frozen=True, eq=False)
class View:
    """A picture as the network saw it, one way up, with its grid and the names read in it."""

    layers: Layers
    warp: PageWarp
    names: tuple[Name, ...]
    placed: Placed | None
    turns: int
    plain: bool = False  # no grid was seen: millimetres are those of the rows' length

    @property
    def sureness(self) -> float:
        """Share of the layout's names that were read where they belong."""
        return 0.0 if self.placed is None else self.placed.found / len(self.placed.leads)


@dataclass(frozen=True, eq=False)
class LaidOut:
    """A view whose leads have their places: `rows` in mm of the view's warp, and the ink of every row of traces, uint8."""

    view: View
    rows: Rows
    planes: tuple[np.ndarray, ...]
    gain_mm_mv: float
    flags: tuple[str, ...]
    ink: Ink | None = None


@dataclass(frozen=True, eq=False)
class Reading:
    """A digitised picture.

    Attributes
    ----------
    digitized : Digitized
        Millivolts, standard deviations, flags.
    view : View
        What was seen. Its frame is that of the layers: turned, and `view.layers.zoom` times as large as the picture.
    layout : str
        Name of the layout.
    speed_mm_s, gain_mm_mv : float
    """

    digitized: Digitized
    view: View
    layout: str
    speed_mm_s: float
    gain_mm_mv: float


def digitize(picture: np.ndarray, settings: Settings = Settings(), *, name: str = "record", weights: Path = WEIGHTS) -> Reading:
    """Read the signals of an ECG from its picture.

    Parameters
    ----------
    picture : ndarray, shape (height, width, 3) or (height, width) uint8
        sRGB or grey; any quarter turn, 100 to 600 dpi.
    settings : Settings
    name : str
        Of the record.
    weights : Path
        The network, ONNX.

    Returns
    -------
    Reading

    Raises
    ------
    ImageError
        If the picture is too small, has no grid, no trace, or no layout that can be told.
    """
    picture = _as_colour(picture)
    view = best_view(picture, settings, weights)
    return read_view(view, settings, name)


def best_view(picture: np.ndarray, settings: Settings, weights: Path = WEIGHTS) -> View:
    """The picture the right way up: that in which most names of leads are where a layout has them."""
    network = separator(weights)
    scales = find_scales(picture, network)
    best: View | None = None
    for px_per_mm, turns in _ways(scales or [dpi / 25.4 for dpi in _LIKELY_DPI]):
        layers = network.separate(np.ascontiguousarray(np.rot90(picture, turns)), SCALE / px_per_mm)
        view = seen(layers, settings.layout, turns, ruled=bool(scales))
        if best is None or _rank(view) > _rank(best):
            best = view
        if best.placed is not None and best.placed.found >= _FEW and best.sureness >= _ENOUGH:
            break
    assert best is not None
    return best


def _ways(scales: list[float]) -> list[tuple[float, int]]:
    """Scales and quarter turns, the likeliest first."""
    first, *others = scales[:4]
    return [(first, 0), *((scale, 0) for scale in others), (first, 2), (first, 1), (first, 3)]


def seen(layers: Layers, layout: str | None, turns: int = 0, *, ruled: bool = True) -> View:
    """Layers with their grid, their names and the layout laid over them.

    Parameters
    ----------
    layers : Layers
    layout : str, optional
        Its name, if known.
    turns : int
        Quarter turns that the picture was given.
    ruled : bool
        Whether a grid is looked for; where there is none, millimetres come from the length of the rows.
    """
    if ruled:
        try:
            warp, _ = find_grid(layers["grid"], layers["major"])
        except ImageError:
            ruled = False
        else:
            return _view(layers, warp, layout, turns)
    size = layers.maps.shape[1], layers.maps.shape[2]
    view = _view(layers, plain_warp(size, SCALE), layout, turns, plain=True)
    if view.placed is None:
        return view
    tilt = tilt_of(view.names, view.placed.pitch_mm)
    view = _view(layers, plain_warp(size, SCALE, tilt), layout, turns, plain=True)
    length = None if view.placed is None else length_of_rows(layers["trace"], plain_warp(size, SCALE, tilt), view.placed, _area(view))
    if view.placed is None or length is None:
        return view
    # The last sample is one step before the end of the time, and the pen goes half its width beyond.
    stretch = length / ((view.placed.layout.seconds - 1.0 / _USUAL_FS) * _USUAL_SPEED + 2 * layers.cap_mm)
    if abs(np.log(stretch)) > MOST_OFF:
        return view
    return _view(layers, plain_warp(size, SCALE * stretch, tilt), layout, turns, plain=True)


def _view(layers: Layers, warp: PageWarp, layout: str | None, turns: int, *, plain: bool = False) -> View:
    names = tuple(read_names(layers, warp))
    traces_mm = _traces_mm(layers, warp)
    return View(layers, warp, names, place_layout(names, _extent(traces_mm), layout, traces_mm), turns, plain)


def _rank(view: View) -> tuple[float, int]:
    return (view.placed.score if view.placed else -99.0), len(view.names)


def read_view(view: View, settings: Settings, name: str = "record") -> Reading:
    """Read what was seen."""
    return read_traces(lay_out(view, settings), settings.mode, name)


def lay_out(view: View, settings: Settings) -> LaidOut:
    """Where every lead of a view is, and which ink is whose."""
    if view.placed is None:
        raise nothing_readable(view.names, view.layers)
    flags: list[str] = []
    if view.plain:
        flags.append(f"no grid was seen: the rows' length is taken as {view.placed.layout.seconds:g} s at {_USUAL_SPEED:g} mm/s")
    ink = picture_ink(view.layers)
    pulses = read_pulses(view.layers, view.warp, None if ink is None else ink.coverage)
    strip = page_strip(view.layers["trace"], view.warp, _area(view))
    baselines = _baselines(view.placed, strip, pulses, flags)
    whole = strip if ink is None else page_strip(ink.with_bridges(view.layers), view.warp, _area(view))
    followed = _followed(view.placed, whole, baselines)
    if not pulses:
        baselines = _levels(view.placed, followed)
    gains = _gains(pulses, settings, flags)
    speed, start = _time_axis(view, strip, followed, pulses, settings, flags)
    if ink is not None:
        shown = page_strip(ink.of_traces(view.layers), view.warp, _area(view))
        start = _sharper_start(start, shown, followed, pulses, (view.placed.layout.seconds - 1.0 / settings.fs) * speed)
    planes = own_planes(view.layers["trace"], view.warp, whole, share(whole, followed), len(followed))
    read = {name.lead for name in view.names}
    missing = [label for label in view.placed.leads.values() if label.removeprefix("-") not in read]
    if missing:
        flags.append(f"names that were not read, taken from layout {view.placed.layout.name}: {', '.join(missing)}")
    rows = _rows(view.placed, baselines, gains, speed, start, settings.fs)
    page = LaidOut(view, rows, tuple(planes), gains[0], tuple(flags), ink)
    return at_once(page) if _beats_agree(page) else page


def at_once(page: LaidOut) -> LaidOut:
    """The same page with columns that all start at time 0."""
    segments = tuple(replace(segment, start=0, stop=segment.stop - segment.start) for segment in page.rows.segments)
    flags = (*page.flags, "the columns show the same seconds: all begin at 0 s")
    return replace(page, rows=replace(page.rows, segments=segments), flags=flags)


def _beats_agree(page: LaidOut) -> bool:
    """Whether the beats of the columns are those of the first seconds, rather than of seconds that follow one another."""
    assert page.view.placed is not None
    columns = len(page.view.placed.layout.columns)
    if columns < 2:
        return False
    read = read_traces(page, "centroid").digitized
    whole = [segment for segment in page.rows.segments if segment.rhythm and segment.lead in read.record.leads]
    parts: dict[int, np.ndarray] = {}
    for segment in page.rows.segments:
        if not segment.rhythm and segment.lead in read.record.leads:
            swing = _swing(read.record.lead(segment.lead)[segment.start : segment.stop], page.rows.fs)
            parts[segment.start] = parts.get(segment.start, np.zeros(1)) + swing
    if len(parts) < 2:
        return False
    first, *others = (parts[start] for start in sorted(parts))
    n = min(len(part) for part in (first, *others))
    if not whole:
        return min(_alike(first[:n], part[:n]) for part in others) > _SAME_BEATS
    strip = _swing(read.record.lead(whole[0].lead), page.rows.fs)
    starts = sorted(parts)[1:]
    here = np.mean([_alike(strip[:n], part[:n]) for part in others])
    after = np.mean(
        [_alike(strip[start : start + n], part[: len(strip[start : start + n])][:n]) for start, part in zip(starts, others, strict=True)]
    )
    return bool(here > after + _MARGIN)


def _swing(signal: np.ndarray, fs: float) -> np.ndarray:
    """How much a signal moves at every sample, smoothed over a QRS complex; no lead counts more than another."""
    from scipy.ndimage import gaussian_filter1d

    moves = gaussian_filter1d(np.abs(np.gradient(np.nan_to_num(signal.astype(np.float64)))), 0.015 * fs)
    return np.asarray(moves / max(float(moves.std()), 1e-9))


def _alike(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation; 0 for what does not move."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 2 and a.std() > 0 and b.std() > 0 else 0.0


def read_traces(page: LaidOut, mode: str = "render", name: str = "record") -> Reading:
    """Millivolts of a page whose layout is known."""
    placed = page.view.placed
    assert placed is not None
    by_segment = np.stack([page.planes[row] for row, _ in sorted(placed.leads)])
    found = decode({"trace": by_segment}, page.rows, mode=mode, warp=page.view.warp, ink=page.ink, name=name)
    told = replace(found, flags=(*page.flags, *found.flags))
    return Reading(told, page.view, placed.layout.name, page.rows.speed_mm_s, page.gain_mm_mv)


def _as_colour(picture: np.ndarray) -> np.ndarray:
    """A picture as (height, width, 3) uint8."""
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise ImageError(f"a picture of {picture.dtype} {picture.shape}, expected uint8 (height, width, 3) or (height, width)")
    if min(picture.shape[:2]) < _SMALLEST:
        raise ImageError(f"a picture of {picture.shape[1]} x {picture.shape[0]} px, expected at least {_SMALLEST} along both sides")
    colour = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture[..., :3]
    if colour.shape[2] == 3 and picture.ndim == 3 and picture.shape[2] == 4:  # over white paper
        opaque = picture[..., 3:].astype(np.float32) / 255
        colour = np.rint(colour * opaque + 255 * (1 - opaque)).astype(np.uint8)
    return np.ascontiguousarray(colour)


def _traces_mm(layers: Layers, warp: PageWarp) -> np.ndarray:
    """Places on the page of some of the traces' ink, (n, 2) mm; none if there is hardly any."""
    rows, columns = np.nonzero(layers["trace"] > 0.5)
    if len(rows) < 100:
        return np.empty((0, 2))
    step = max(len(rows) // 20000, 1)
    page = warp.inverse(np.column_stack([columns, rows])[::step].astype(np.float64))
    return np.asarray(page[np.isfinite(page).all(axis=1)])


def _extent(traces_mm: np.ndarray) -> tuple[float, float, float, float]:
    """What of the page places (n, 2) fill: left, top, right, bottom, mm; nothing if there are none."""
    if not len(traces_mm):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = np.percentile(traces_mm, 0.05, axis=0), np.percentile(traces_mm, 99.95, axis=0)
    return float(left), float(top), float(right), float(bottom)


def _area(view: View) -> tuple[float, float, float, float]:
    """What of the page may hold traces: left, top, right, bottom, mm."""
    left, top, right, bottom = _extent(_traces_mm(view.layers, view.warp))
    if left == right:
        raise nothing_readable(view.names, view.layers)
    names = np.array([(name.x_mm, name.y_mm) for name in view.names])
    (low_x, low_y), (high_x, high_y) = names.min(axis=0), names.max(axis=0)
    return min(left, low_x) - 3.0, min(top, low_y) - 3.0, max(right, high_x) + 3.0, max(bottom, high_y) + 3.0


def _baselines(placed: Placed, strip: Strip, pulses: Sequence[Pulse], flags: list[str]) -> list[float]:
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
    at, slope = _line_of_feet(standing, pitch)
    return [at + slope * row for row in range(count)]


def _line_of_feet(standing: Sequence[tuple[int, Pulse]], pitch_mm: float) -> tuple[float, float]:
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


def _followed(placed: Placed, strip: Strip, baselines: Sequence[float]) -> list[Row]:
    right = strip.left_mm + strip.ink.shape[1] / strip.scale
    return [follow_row(strip, baseline, placed.pitch_mm, (strip.left_mm, right)) for baseline in baselines]


def _levels(placed: Placed, followed: Sequence[Row]) -> list[float]:
    """Page y of 0 mV of every row, evenly spaced as their names, by the mean of the traces."""
    columns = len(placed.layout.columns)
    span = placed.left_mm, placed.left_mm + columns * placed.column_mm
    named = placed.first_mm + placed.pitch_mm * np.arange(len(followed))
    # Names stand at one height above their rows, to a tenth of a mm; a lead's own level may be half a mm off.
    return [float(y) for y in named + np.median([level_mm(row, span) - y for row, y in zip(followed, named, strict=True)])]


def _gains(pulses: Sequence[Pulse], settings: Settings, flags: list[str]) -> tuple[float, float]:
    if settings.gain_mm_mv is not None:
        return settings.gain_mm_mv, settings.gain_mm_mv
    found = gain_of_pulses(pulses)
    if found is None:
        return 10.0, 10.0
    if found[0] != found[1]:
        flags.append(f"the pulses have two steps: {found[0]:g} mm/mV for limb leads, {found[1]:g} mm/mV for chest leads")
    return found


def _time_axis(
    view: View, strip: Strip, followed: Sequence[Row], pulses: Sequence[Pulse], settings: Settings, flags: list[str]
) -> tuple[float, float]:
    """Paper speed, and the page x at which the time axis starts."""
    placed = view.placed
    assert placed is not None
    found = [(row, span) for row in followed if (span := ends_mm(strip, row)) is not None]
    if not found:
        raise ImageError("no row of traces was found where the names of leads are, expected a trace beside every name")
    lefts, rights = ([span[k] for _, span in found] for k in (0, 1))
    speed = settings.speed_mm_s or _speed(placed, float(np.median(np.subtract(rights, lefts))), flags)
    length = (placed.layout.seconds - 1.0 / settings.fs) * speed
    # Where a pulse runs into a row, the network only guesses where one ends and the other begins.
    clear_left = [not any(abs(pulse.right_mm - x) < _BESIDE_MM for pulse in pulses) for x in lefts]
    clear_right = [not any(abs(pulse.left_mm - x) < _BESIDE_MM for pulse in pulses) for x in rights]
    cap = _cap(np.subtract(rights, lefts)[np.logical_and(clear_left, clear_right)], length, view.layers.cap_mm)
    starts = [(x + cap, clear) for (row, (x, _)), clear in zip(found, clear_left, strict=True) if not _cut_off(view, row, x)]
    stops = [(x - cap - length, clear) for (row, (_, x)), clear in zip(found, clear_right, strict=True) if not _cut_off(view, row, x)]
    if not starts and not stops:
        flags.append("every row goes on beyond the picture: time starts where the names of leads have it, to some mm")
        return speed, placed.left_mm - _NAME_AFTER_MM
    # What is far from the first column's names is the end of a gap.
    begins, ends = ([end for end in side if _FROM_NAME_MM[0] < end[0] - placed.left_mm < _FROM_NAME_MM[1]] for side in (starts, stops))
    return speed, _start(begins, ends, flags) if begins or ends else _start(starts, stops, flags)


def _cap(widths: np.ndarray, length_mm: float, usual_mm: float) -> float:
    """From a row's last sample to where its ink ends: half of what rows are too long, where they are of the right length at all."""
    caps = (widths - length_mm) / 2
    known = caps[(caps > 0.0) & (caps < _MOST_CAP_MM)]
    return float(np.median(known)) if len(known) else usual_mm


def _speed(placed: Placed, ink_mm: float, flags: list[str]) -> float:
    """The paper speed at which a row is the layout's time: by its ink, or where that is cut off by the distance of its names."""
    columns = len(placed.layout.columns)
    for width in (ink_mm, columns * placed.column_mm if columns > 1 else ink_mm):
        speed = snapped(width / placed.layout.seconds, SPEEDS_MM_S, 0.05)
        if speed is not None:
            return speed
    flags.append(f"rows are {ink_mm:.0f} mm long, which is {placed.layout.seconds:g} s at no usual speed: taken as 25 mm/s")
    return 25.0


def _cut_off(view: View, row: Row, x_mm: float) -> bool:
    """Whether a row ends where the picture ends: it may go on."""
    x, y = view.warp.forward(np.array([[x_mm, float(row.middle_at(np.array([x_mm]))[0])]]))[0]
    height, width = view.layers.maps.shape[1:]
    return not (_EDGE_PX < x < width - 1 - _EDGE_PX and _EDGE_PX < y < height - 1 - _EDGE_PX)


def _start(starts: list[tuple[float, bool]], stops: list[tuple[float, bool]], flags: list[str]) -> float:
    """Where time starts: where most rows agree that it does, by their left ends and by their right ends less their length.

    Both lists hold places (mm) and whether they are clear. A faint end is lost inward, and a record may end early, so that ends are not
    averaged.
    """
    every = [(x, clear, side) for side, ends in enumerate((starts, stops)) for x, clear in ends]
    groups = [[end for end in every if abs(end[0] - x) < _AGREE_MM] for x, _, _ in every]
    # Ink beside a row can lengthen several at once, but beginnings and ends agree only where they are right.
    best = max(groups, key=lambda group: sum(1.0 if clear else _DOUBTFUL for _, clear, _ in group) + len({side for _, _, side in group}))
    clear = [end for end in best if end[1]]
    chosen = clear if len(clear) > 1 else best  # of the others the network only guesses
    agreed = [[x for x, _, at in chosen if at == side] for side in (0, 1)]
    if sum(map(len, agreed)) < max(2, 0.3 * len(every)):
        flags.append("the ends of the rows contradict each other: the start of time is uncertain")
    # The ends' own bias is that of a pen's cap, and cancels between left and right.
    return float(np.mean([np.median(side) for side in agreed if side]))


def _sharper_start(start: float, strip: Strip, followed: Sequence[Row], pulses: Sequence[Pulse], length_mm: float) -> float:
    """Where time starts by the picture's own ink, near to where the network has it: its ends are sharp, but may be those of other ink."""
    spans = [span for row in followed if (span := ends_mm(strip, row, _INK_ENDS)) is not None]
    cap = _CAP_PENS * min((pen_mm(strip, row) for row in followed), default=0.0)
    excess = [(right - left - length_mm) / 2 for left, right in spans]
    caps = np.array([half for half in excess if abs(half - cap) < _CAP_OFF * cap])
    same = [caps[np.abs(caps - half) < _SAME_CAP_MM] for half in caps]
    agreed = max(same, key=len, default=caps)
    cap = float(np.median(agreed)) if 2 * len(agreed) >= len(spans) else cap
    touched = [pulse.left_mm for pulse in pulses] + [pulse.right_mm for pulse in pulses]
    ends = [
        (x + way * cap - start - way_on, side, _TOUCHED if any(abs(at - x) < _BESIDE_MM for at in touched) else 1.0)
        for span in spans
        for side, way, x, way_on in ((0, 1, span[0], 0.0), (1, -1, span[1], length_mm))
    ]
    near = [end for end in ends if abs(end[0]) < _NEAR_START_MM]
    if not near:
        return start
    groups = [[end for end in near if abs(end[0] - x) < _SAME_END_MM] for x, _, _ in near]
    best = max(groups, key=lambda group: sum(count for _, _, count in group) + len({side for _, side, _ in group}))
    sides = [[x for x, at, _ in best if at == side] for side in (0, 1)]
    most = max(map(len, sides))
    # The same error of the cap has two signs, so that the mean of both sides has none.
    return start + float(np.mean([np.median(side) for side in sides if 2 * len(side) >= most]))


def _rows(placed: Placed, baselines: Sequence[float], gains: tuple[float, float], speed: float, start: float, fs: float) -> Rows:
    """The segments of a layout, in the order of (row, column)."""
    columns, strips = len(placed.layout.columns), placed.layout.rows - len(placed.layout.rhythm)
    segments = []
    for (row, column), label in sorted(placed.leads.items()):
        rhythm = row >= strips
        share_s = placed.layout.seconds / (1 if rhythm else columns)
        first, last = (round(share_s * (column + k) * fs) for k in (0, 1))
        lead = label.removeprefix("-")
        gain = gains[1] if lead.startswith("V") else gains[0]
        signed = -gain if label.startswith("-") else gain
        segments.append(Segment(lead, first, last, start + first / fs * speed, baselines[row], signed, rhythm=rhythm))
    return Rows(tuple(segments), speed, fs, THIN_MM)
