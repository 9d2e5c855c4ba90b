"""Draw what belongs to the traces of a page: calibration pulses, lead names, and separators between columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from fastecg.layouts.layout import Layout
from fastecg.layouts.paper import PageFrame
from fastecg.page import Stroke, Text, Trace
from fastecg.printing.text import advance_mm
from fastecg.styles.style import Style

Line = tuple[float, float, float, float]  # x0, y0, x1, y1 in mm


def pulses_at(baseline: float, gains: list[float], style: Style, frame: PageFrame) -> Iterator[Stroke]:
    """The calibration pulses of one row, 1 mV high: at its left or right end or both, as in the style; none if the style has none.

    `baseline` is the y of 0 mV, mm. If there are two `gains` (mm/mV, the larger first), the top of a pulse is a step that shows both.
    """
    length = style.pulse_width_mm + 2 * style.pulse_feet_mm
    if style.pulse_side in ("left", "both"):
        yield _pulse(frame.start_x_mm - style.pulse_gap_mm - length, baseline, gains, style)
    if style.pulse_side in ("right", "both"):
        yield _pulse(frame.end_x_mm + max(style.pulse_gap_mm, 1.0), baseline, gains, style)


def _pulse(x: float, baseline: float, gains: list[float], style: Style) -> Stroke:
    """A calibration pulse whose left end is at `x` mm; a "right_half" pulse lacks its left half, so it begins farther right."""
    foot, width = style.pulse_feet_mm, style.pulse_width_mm
    rise, fall, end = x + foot, x + foot + width, x + 2 * foot + width
    middle = rise + width / 2
    high, low = baseline - gains[0], baseline - gains[-1]
    top = [(rise, high), (fall, high)] if len(gains) == 1 else [(rise, high), (middle, high), (middle, low), (fall, low)]
    points = [(x, baseline), (rise, baseline), *top, (fall, baseline), (end, baseline)]
    if style.pulse_shape == "right_half":  # The pulse begins in the middle of its top, so it shows only the smaller of two gains.
        points = [(middle, top[-1][1]), (fall, top[-1][1]), (fall, baseline), (end, baseline)]
    return Stroke("pulse", np.array(points), style.pen_mm)


def label_of(label: str, column: int, baseline: float, pitch: float, style: Style, frame: PageFrame, columns: int) -> Text:
    """The printed name of a lead, at the style's place for it. `baseline` is the y of 0 mV of its row, `pitch` the distance of rows, mm."""
    words, size = spelled(label, style.label_spelling), min(style.label_mm, 0.8 * pitch)
    # Height in mm of the letters' baseline above the 0 mV line, below this line if negative. It is limited to less than half the rows'
    # distance, because farther away the name would seem to belong to the next row.
    rise = {"above": 4.2, "below": -5.6, "on": 1.7, "left": -0.35 * size, "far_above": 12.5, "far_below": -7.0}[style.label_place]
    rise = max(min(rise, 0.45 * pitch), -0.42 * pitch)
    x = frame.start_x_mm + column * (frame.end_x_mm - frame.start_x_mm) / columns + style.label_shift_mm
    # With "left", names in the first column stand left of the pulse. Other columns have no room at their left, so their names stand above
    # the 0 mV line.
    if style.label_place == "left":
        width = advance_mm(
            Text("lead", words, 0.0, 0.0, size, style.face, style.label_bold, dots_per_mm=style.dots_per_mm, grey=style.grey)
        )
        pulse = style.pulse_width_mm + 2 * style.pulse_feet_mm + style.pulse_gap_mm if style.pulse_side in ("left", "both") else 0.0
        x = frame.start_x_mm - pulse - width - 1.0 if column == 0 else x
        rise = rise if column == 0 else min(3.0, 0.4 * pitch)
    y = min(max(baseline - rise, size), frame.size_mm[1] - 0.3 * size)
    return Text(
        "lead", words, x, y, size, style.face, style.label_bold, lead=label.removeprefix("-"), dots_per_mm=style.dots_per_mm,
        grey=style.grey,
    )  # fmt: skip


def spelled(label: str, spelling: str) -> str:
    """A lead's name as a machine writes it: "aVR", "AVR" or "a V R"."""
    return label.upper() if spelling == "AVR" else " ".join(label) if spelling == "a V R" else label


def separators(layout: Layout, baselines: list[float], pitch: float, style: Style, frame: PageFrame) -> tuple[Stroke, ...]:
    """The separators between columns as the style draws them; rhythm strips have none, and "step" is drawn by `steps`.

    `baselines` are the y of 0 mV of all rows, `pitch` is their distance, mm.
    """
    if style.separator not in _SEPARATORS:
        return ()
    draw, width = _SEPARATORS[style.separator]
    rows = baselines[: len(baselines) - len(layout.rhythm)]
    axis = frame.end_x_mm - frame.start_x_mm
    edges = [frame.start_x_mm + axis * column / len(layout.columns) for column in range(1, len(layout.columns))]
    return tuple(Stroke("separator", _lifted(draw(x, rows, pitch, frame)), width or style.pen_mm) for x in edges)


def _lifted(lines: Iterator[Line]) -> np.ndarray:
    """Join separate lines into one polyline (n, 2) with NaN between them, so that a dotted line is one stroke and not a hundred."""
    ends = np.array(list(lines)).reshape(-1, 2, 2)
    return np.concatenate([ends, np.full((len(ends), 1, 2), np.nan)], axis=1).reshape(-1, 2)[:-1]


def steps(traces: tuple[Trace, ...], style: Style) -> tuple[Stroke, ...]:
    """Lines from the end of every segment to the start of the next one in its row, as by a pen that is not lifted between columns."""
    drawn = []
    by_place = {(trace.row, trace.column): trace for trace in traces if not trace.rhythm and trace.points_mm.size}
    for (row, column), before in by_place.items():
        after = by_place.get((row, column + 1))
        if after is None:
            continue
        points = np.array([before.points_mm[-1], [after.points_mm[0, 0], before.points_mm[-1, 1]], after.points_mm[0]])
        if np.isfinite(points).all():
            drawn.append(Stroke("step", points, style.pen_mm))
    return tuple(drawn)


# Each of the following functions gives the lines of one separator at `x` mm. `rows` are the y of 0 mV of the rows beside the separator,
# `pitch` is their distance, both in mm with y down. Lines are shorter where rows are close.


def _tick(x: float, rows: list[float], pitch: float, frame: PageFrame) -> Iterator[Line]:
    for y in rows:
        yield x, y - min(3.2, 0.4 * pitch), x, y + min(0.8, 0.2 * pitch)


def _tick_pair(x: float, rows: list[float], pitch: float, frame: PageFrame) -> Iterator[Line]:
    near, far = min(2.0, 0.15 * pitch), min(4.0, 0.35 * pitch)
    for y in rows:
        yield x, y - far, x, y - near
        yield x, y + near, x, y + far


def _double_dash(x: float, rows: list[float], pitch: float, frame: PageFrame) -> Iterator[Line]:
    unit = min(1.0, pitch / 14)
    for y in rows:
        yield x, y - 6.6 * unit, x, y - 2.2 * unit
        yield x, y + 2.6 * unit, x, y + 7.0 * unit


def _dotted(x: float, rows: list[float], pitch: float, frame: PageFrame) -> Iterator[Line]:
    top, bottom = max(rows[0] - min(14.0, 0.45 * pitch), 0.5), min(rows[-1] + min(16.0, 0.55 * pitch), frame.size_mm[1] - 0.5)
    for y in np.arange(top, bottom, 0.9):
        yield x + 0.06, float(y), x - 0.06, float(y) + 0.3


def _dashed_tick(x: float, rows: list[float], pitch: float, frame: PageFrame) -> Iterator[Line]:
    half = min(9.0, 0.45 * pitch)
    for middle in rows:
        for y in np.arange(max(middle - half, 0.5), middle + half - 1.0, 2.0):
            yield x, float(y), x, float(y) + 1.1


def _bar(x: float, rows: list[float], pitch: float, frame: PageFrame) -> Iterator[Line]:
    half = min(5.0, 0.4 * pitch)
    for y in rows:
        yield x, y - half, x, y + half


def _short_bar(x: float, rows: list[float], pitch: float, frame: PageFrame) -> Iterator[Line]:
    half = min(3.4, 0.3 * pitch)
    for y in rows:
        yield x, y - half, x, y + half


def _margin_colon(x: float, rows: list[float], pitch: float, frame: PageFrame) -> Iterator[Line]:
    y = max(frame.grid_mm[1] - 2.6, 0.5)
    yield x, y, x, y + 0.5
    yield x, y + 1.5, x, y + 2.0


#: Separators by name: the function that gives their lines, and the width of the lines in mm (0: that of traces).
_SEPARATORS: dict[str, tuple[Callable[[float, list[float], float, PageFrame], Iterator[Line]], float]] = {
    "tick": (_tick, 0.0),
    "tick_pair": (_tick_pair, 0.0),
    "double_dash": (_double_dash, 0.7),
    "dotted": (_dotted, 0.28),
    "dashed_tick": (_dashed_tick, 0.2),
    "bar": (_bar, 0.7),
    "short_bar": (_short_bar, 0.8),
    "margin_colon": (_margin_colon, 0.35),
}
