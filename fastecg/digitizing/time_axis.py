"""Paper speed and the start of time, from the ends of the rows: the network's ink tells where they are, the picture's own how exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.coarse import Strip
from fastecg.digitizing.find_layout import SPEEDS_MM_S, Placed, Pulse, snapped
from fastecg.digitizing.follow import Row, ends_mm, pen_mm
from fastecg.digitizing.views import Settings, View
from fastecg.errors import ImageError

_BESIDE_MM = 0.6  # a pulse this near to a row's end runs into it
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
_EARLY = 0.5  # what right ends count that no left end agrees with: records may end early, none begins late


def time_axis(
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
    best = max(groups, key=_agreement)
    clear = [end for end in best if end[1]]
    chosen = clear if len(clear) > 1 else best  # of the others the network only guesses
    agreed = [[x for x, _, at in chosen if at == side] for side in (0, 1)]
    if sum(map(len, agreed)) < max(2, 0.3 * len(every)):
        flags.append("the ends of the rows contradict each other: the start of time is uncertain")
    # The ends' own bias is that of a pen's cap, and cancels between left and right.
    return float(np.mean([np.median(side) for side in agreed if side]))


def _agreement(group: list[tuple[float, bool, int]]) -> float:
    """How much a group of ends (place, clear, side) that tell the same start of time counts."""
    sides = {side for _, _, side in group}
    return (_EARLY if sides == {1} else 1.0) * sum(1.0 if clear else _DOUBTFUL for _, clear, _ in group) + len(sides)


def sharper_start(start: float, strip: Strip, followed: Sequence[Row], pulses: Sequence[Pulse], length_mm: float) -> float:
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
