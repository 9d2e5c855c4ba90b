"""Turn a layout and a record into a page of vectors: the frame, the rows, the traces, and the printed words around them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fastecg.errors import LayoutError
from fastecg.layouts.annotations import label_of, pulses_at, separators, steps
from fastecg.layouts.layout import Layout
from fastecg.layouts.paper import MachineSettings, PageFrame, paper_for
from fastecg.layouts.printed import Edges, printed_words
from fastecg.layouts.report_fields import ReportFields
from fastecg.page import Box, Grid, Page, Stroke, Text, Trace
from fastecg.printing.text import measure, printable
from fastecg.record import Record
from fastecg.styles.style import Style

_EDGE_MM = 4.0  # Minimum margin to the left and right of the drawing.
_SHEET_MM = 180.0  # Papers of at least this height have the style's white bands above and below the grid.
_PITCH_MM = 37.0  # Maximum distance between rows: the median distance in 22 public pictures.
_HEAD_MM = 1.0  # Least distance from the top of the first pulse to the upper edge of the area for rows, if the paper is high enough.
_EXTREMES_STEP = 5  # To centre a row between the extremes of its traces, these are sought in every fifth sample only.
_PULSE_GAP_MM = 4.0  # One pulse is drawn for all rows if their distance is smaller than the pulse's height plus this.


@dataclass(frozen=True)
class Cell:
    """One segment to draw, in its row and column."""

    label: str  # name of the lead, with "-" before it if it is drawn upside down
    row: int
    column: int
    rhythm: bool = False  # whether it is a rhythm strip, over the whole time axis

    @property
    def lead(self) -> str:
        """The lead's name in the record."""
        return self.label.removeprefix("-")


def place(
    layout: Layout,
    record: Record,
    style: Style,
    setup: MachineSettings,
    facts: ReportFields | None = None,
    *,
    start: int = 0,
    stop: int | None = None,
) -> Page:
    """Draw samples `start` to `stop` of a record as vectors in mm.

    Sample i of a segment whose first sample is k lies at ``x = x0 + (i - k) / fs * speed`` and ``y = baseline - gain * (mV - offset)``,
    with y down. The gain of a lead that is drawn upside down is negative; the offset is 0 unless the segment would lie in another row.
    Columns share the time axis without gaps. Each column goes on where the one before it ended; if `setup` is simultaneous, all show the
    time from `start` on instead.

    Parameters
    ----------
    layout : Layout
    record : Record
    style : Style
        The look of the machine.
    setup : MachineSettings
        Speed, gain, paper and the like.
    facts : ReportFields, optional
        What header and footer print; without it the page has neither.
    start, stop : int
        First sample of the page, and the sample after its last, by default the record's end. What does not fit on the time axis is left
        out.

    Raises
    ------
    LayoutError
        If there is no sample from `start` to `stop`, none falls on the page, the record has no lead of the layout, or a rhythm lead of
        `setup` is not in the record or has no strip.
    """
    start, stop = max(0, start), record.samples if stop is None else min(stop, record.samples)
    if stop <= start:
        raise LayoutError(f"{record.name}: samples {start} to {stop} are no page, expected some of 0 to {record.samples}")
    notes: list[str] = []
    cells = tuple(_cells(layout, record, setup, notes))
    if not cells:
        raise LayoutError(
            f"{record.name}: layout {layout.name} shows no lead of this record ({', '.join(record.leads)}), expected another layout"
        )
    frame = page_frame(layout, style, setup, notes)
    words = printed_words(facts, setup, style, frame, notes) if facts else ()
    baselines, pitch = _rows(cells, layout, frame, words, style, setup, record, (start, stop))
    traces = tuple(_traces(cells, layout, record, setup, frame, baselines, pitch, (start, stop), notes))
    if not any(trace.points_mm.size for trace in traces):
        raise LayoutError(
            f"{record.name}: no sample of the {(stop - start) / record.fs:g} s at {record.fs:g} Hz falls on layout {layout.name}, "
            "expected at least one"
        )
    notes += _notes_on_omissions(traces, record, stop)
    pulses = tuple(_pulses(traces, baselines, pitch, style, frame))
    names = (label_of(cell.label, cell.column, baselines[cell.row], pitch, style, frame, len(layout.columns)) for cell in cells)
    labels = tuple(printable(name, notes) for name in names)
    lines = separators(layout, baselines, pitch, style, frame) + (steps(traces, style) if style.separator == "step" else ())
    return Page(
        size_mm=frame.size_mm,
        grid=Grid(frame.grid_mm),
        traces=traces,
        strokes=pulses + lines + _outline(frame, style),
        texts=labels + tuple(text for text, _ in words),
        boxes=tuple(_boxes(traces, cells, labels, pulses, words, style)),
        layout=layout.name,
        speed_mm_s=setup.speed_mm_s,
        gain_mm_mv=setup.gain_mm_mv,
        notes=tuple(notes),
    )


def page_rows(layout: Layout, record: Record, style: Style, setup: MachineSettings, facts: ReportFields) -> tuple[list[float], float]:
    """The y of 0 mV of every row and the rows' distance, mm, on the page that `place` makes of the whole record.

    If the record has no lead of the layout, there are no rows, and the distance is 0.
    """
    cells = tuple(_cells(layout, record, setup, []))
    frame = page_frame(layout, style, setup, [])
    words = printed_words(facts, setup, style, frame, [])
    return _rows(cells, layout, frame, words, style, setup, record, (0, record.samples)) if cells else ([], 0.0)


def _rows(
    cells: tuple[Cell, ...],
    layout: Layout,
    frame: PageFrame,
    words: tuple[tuple[Text, Edges], ...],
    style: Style,
    setup: MachineSettings,
    record: Record,
    span: tuple[int, int],
) -> tuple[list[float], float]:
    """The y of 0 mV of every row, and the rows' distance, mm. `span` has the first sample of the page, and the sample after its last."""
    gain = max(setup.gain_of(cell.lead) for cell in cells if cell.row == cells[0].row)
    rows, pitch = _style_rows(layout, frame, style) or _baselines(layout, frame, words, gain)
    if style.row_play and layout.rows > 1:
        most = style.row_play * pitch
        # The first row is not moved up towards the words above it, nor the last row down towards the words below it.
        shifts = [_centring_shift(row, cells, setup, record, span, most) for row in range(len(rows))]
        rows = [y + shift for y, shift in zip(rows, (max(shifts[0], 0.0), *shifts[1:-1], min(shifts[-1], 0.0)), strict=True)]
    return rows, pitch


def _centring_shift(row: int, cells: tuple[Cell, ...], setup: MachineSettings, record: Record, span: tuple[int, int], most: float) -> float:
    """Distance in mm, from -`most` to `most`, by which a machine moves a row down (up if negative) to centre it between its extremes.

    The extremes are those that the row's leads have anywhere in the page's time, in the drawn segments or not.
    """
    below, above = 0.0, 0.0  # how far the traces reach from their 0 mV line, mm
    for cell in cells:
        if cell.row == row:
            seen = record.lead(cell.lead)[span[0] : span[1] : _EXTREMES_STEP]
            ends = [setup.gain_of(cell.lead) * end for end in _extremes(seen)] if len(seen) else []
            if ends and math.isfinite(ends[0]):
                low, high = ends if not cell.label.startswith("-") else (-ends[1], -ends[0])
                below, above = max(below, -low), max(above, high)
    return min(max(0.5 * (above - below), -most), most)


def _cells(layout: Layout, record: Record, setup: MachineSettings, notes: list[str]) -> Iterator[Cell]:
    """The segments of columns and of rhythm strips whose lead the record has. A note names each lead of a column that the record lacks."""
    for column, labels in enumerate(layout.columns):
        for row, label in enumerate(labels):
            if label.removeprefix("-") in record.leads:
                yield Cell(label, row, column)
            else:
                notes.append(f"lead {label} is not in the record: its place is empty")
    first = layout.rows - len(layout.rhythm)
    for k, lead in enumerate(_rhythm_leads(layout, record, setup, notes)):
        yield Cell(lead, first + k, 0, rhythm=True)


def _rhythm_leads(layout: Layout, record: Record, setup: MachineSettings, notes: list[str]) -> list[str]:
    """The leads of the rhythm strips: those of the settings first, then the layout's own, then others in the record for missing ones."""
    given = setup.rhythm_leads or ()
    layout.check_rhythm(given)
    for lead in given:
        if lead not in record.leads:
            raise LayoutError(f"{record.name}: rhythm lead {lead!r} is not in the record, expected one of {', '.join(record.leads)}")
    # A dictionary keeps the order and drops repetitions.
    asked = dict.fromkeys((*given, *layout.rhythm))
    wanted = list(asked)[: len(layout.rhythm)]
    spare = [lead for lead in (*asked, "II", "V1", "V5", *record.leads) if lead in record.leads and lead not in wanted]
    chosen = []
    for lead in wanted:
        if lead not in record.leads and spare:
            stand_in = next((lead for lead in spare if lead not in chosen), spare[0])
            notes.append(f"lead {lead} is not in the record: the rhythm strip shows {stand_in}")
            lead = stand_in
        chosen.append(lead)
    return [lead for lead in chosen if lead in record.leads]


def page_frame(layout: Layout, style: Style, setup: MachineSettings, notes: list[str]) -> PageFrame:
    """The size of a page, and where on the page the grid and the time axis are. A sheet that is too narrow is noted, and made wider."""
    paper = paper_for(style.paper_size if setup.paper == "auto" else setup.paper)
    before, after = _space_beside(style)
    left, top, right, bottom = style.grid_inset_mm
    # The length of the time axis follows from the layout's seconds and the speed; all other lengths adapt to it.
    axis = layout.seconds * setup.speed_mm_s
    end = max(left, _EDGE_MM) + before + axis + after
    # A grid with a margin has whole 5 mm boxes, and must not end before anything that is drawn. A roll is cut 2 to 3 mm after the length
    # needed.
    needed = max(end + max(right, _EDGE_MM), left + 5.0 * float(np.ceil((end - left) / 5.0)) + right)
    width, height = paper.width_mm or float(np.ceil(needed + 2.0)), paper.height_mm
    if layout.upright and not paper.is_roll:
        width, height = height, width
    if width < needed:
        notes.append(f"{paper.name} paper is {width:g} mm wide, the page needs {np.ceil(needed):g} mm and is drawn as long as that")
        width = float(np.ceil(needed))
    if height < _SHEET_MM:
        top = bottom = 0.0
    grid = (
        left,
        top,
        _last_5_mm_line(left, width - right) if right else width,
        _last_5_mm_line(top, height - bottom) if bottom else height,
    )
    # A machine starts to print at about the same position on any paper, so only a little of the spare width is at the left.
    spare = max(0.0, width - max(right, _EDGE_MM) - end)
    begin = max(left, _EDGE_MM) + min(spare / 2, 6.0, grid[2] - end) + before
    return PageFrame((width, height), grid, begin, begin + axis, len(layout.columns), len(layout.rhythm), layout.seconds)


def _space_beside(style: Style) -> tuple[float, float]:
    """Space in mm for pulses and names, to the left and to the right of the traces."""
    pulse = style.pulse_width_mm + 2 * style.pulse_feet_mm + style.pulse_gap_mm
    before = pulse if style.pulse_side in ("left", "both") else 0.0
    after = pulse + 1.0 if style.pulse_side in ("right", "both") else 0.0
    return before + (style.label_mm * 2.4 if style.label_place == "left" else 0.0), after


def _last_5_mm_line(low: float, high: float) -> float:
    """The last 5 mm line, counted from `low`, that is not beyond `high`."""
    return low + 5.0 * float(np.floor((high - low) / 5.0 + 1e-9))


def _baselines(layout: Layout, frame: PageFrame, words: tuple[tuple[Text, Edges], ...], gain: float) -> tuple[list[float], float]:
    """The y of 0 mV of every row, and the rows' distance, mm. The first row has room for 1 mV above it, at its `gain`."""
    _, top, _, bottom = frame.grid_mm
    boxes = [box for _, box in words]
    middle = frame.size_mm[1] / 2
    top = max([top, *(box[3] + 1.0 for box in boxes if box[3] < middle)])
    bottom = min([bottom, *(box[1] - 1.0 for box in boxes if box[1] > middle)])
    height = bottom - top
    # Rows share the height evenly, but are at most `_PITCH_MM` apart.
    pitch = min(height / layout.rows, _PITCH_MM)
    # A row has 0.45 of the distance above its 0 mV line, or more for a pulse in the first row, if the paper is high enough.
    above = max(0.45 * pitch, min(gain + _HEAD_MM, 0.45 * height))
    # From the first 0 mV line to the lower end there are as many distances as rows, less 0.45.
    pitch = min(pitch, (height - above) / (layout.rows - 0.45))
    first = top + above + (height - above - (layout.rows - 0.45) * pitch) / 2
    return [first + row * pitch for row in range(layout.rows)], pitch


def _style_rows(layout: Layout, frame: PageFrame, style: Style) -> tuple[list[float], float] | None:
    """The y of 0 mV of every row, and the rows' distance, mm, as the style prescribes; None if it does not, or the paper is too low."""
    first, pitch, strips_up = style.rows_mm
    strips = len(layout.rhythm)
    rows = [first + row * pitch - (strips_up if row >= layout.rows - strips else 0.0) for row in range(layout.rows)]
    return (rows, pitch) if pitch and rows[-1] + 0.3 * pitch < frame.size_mm[1] else None


def _outline(frame: PageFrame, style: Style) -> tuple[Stroke, ...]:
    """The line along the page's edges, inside the page, if the style has one."""
    if not style.frame_mm:
        return ()
    half = style.frame_mm / 2
    right, bottom = (length - half for length in frame.size_mm)
    return (Stroke("frame", np.array([(half, half), (right, half), (right, bottom), (half, bottom), (half, half)]), style.frame_mm),)


def _traces(
    cells: tuple[Cell, ...],
    layout: Layout,
    record: Record,
    setup: MachineSettings,
    frame: PageFrame,
    baselines: list[float],
    pitch: float,
    span: tuple[int, int],
    notes: list[str],
) -> Iterator[Trace]:
    """The trace of every cell."""
    for cell in cells:
        first, last, x = _segment(cell, layout, record.fs, setup, frame, span)
        if last <= first:
            notes.append(f"lead {cell.label} is not drawn: the record ends before its column")
        samples = record.lead(cell.lead)[first:last]
        gain = setup.gain_of(cell.lead) * (-1.0 if cell.label.startswith("-") else 1.0)
        baseline = baselines[cell.row]
        offset = _offset(samples, gain, pitch)
        if offset:
            notes.append(f"lead {cell.label} has an offset of {offset:.2f} mV, which was subtracted to draw it in its row")
        # x and y as in the docstring of `place`, computed in place to save memory and time.
        points = np.empty((samples.size, 2))
        along, rise = np.arange(samples.size, dtype=np.float64), samples.astype(np.float64)
        along *= setup.speed_mm_s / record.fs
        np.add(x, along, out=points[:, 0])
        rise -= offset
        rise *= gain
        np.subtract(baseline, rise, out=points[:, 1])
        # Page, truth and files share these points, so nobody may change them.
        points.flags.writeable = False
        yield Trace(cell.lead, first, max(first, last), points, baseline, gain, cell.row, cell.column, cell.rhythm, offset)


def _segment(
    cell: Cell, layout: Layout, fs: float, setup: MachineSettings, frame: PageFrame, span: tuple[int, int]
) -> tuple[int, int, float]:
    """The first sample of a cell, the sample after its last, and the x of the first sample in mm. `span` is the page's range of samples."""
    start, stop = span
    columns = 1 if cell.rhythm else len(layout.columns)
    share = layout.seconds / columns
    # The sample at an edge between columns is computed in the same way for both columns, so that every sample is in exactly one of them.
    first, last = (round(share * (cell.column + k) * fs) for k in (0, 1))
    if setup.simultaneous:
        return start, min(start + round(share * fs), stop), frame.start_x_mm + cell.column * share * setup.speed_mm_s
    return min(start + first, stop), min(start + last, stop), frame.start_x_mm + first / fs * setup.speed_mm_s


def _offset(samples: np.ndarray, gain: float, pitch: float) -> float:
    """The offset to subtract, mV: the median of the segment if a trace at this level would lie nearer to another row, else 0."""
    if samples.size:
        low, high = _extremes(samples)
        if abs(gain) * max(-low, high) <= pitch / 2:
            return 0.0  # The median lies between the extremes, and need not be found, which takes ten times as long.
    seen = samples[~np.isnan(samples)].astype(np.float64)
    level = float(np.median(seen)) if seen.size else 0.0
    return level if abs(gain * level) > pitch / 2 else 0.0


def _extremes(values: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value that is not NaN; NaN if there is none."""
    low, high = float(values.min()), float(values.max())
    # A search that ignores NaN takes ten times as long, so it is made only if there is any NaN.
    return (float(np.fmin.reduce(values)), float(np.fmax.reduce(values))) if math.isnan(low) else (low, high)


def _notes_on_omissions(traces: tuple[Trace, ...], record: Record, stop: int) -> list[str]:
    """Notes about leads that are not drawn, and about the time that is not drawn before sample `stop`, where the page ends."""
    notes, shown = [], {trace.lead for trace in traces}
    missing = [lead for lead in record.leads if lead not in shown]
    if missing:
        notes.append(f"not shown: {', '.join(missing)}")
    rest = (stop - max(trace.stop for trace in traces)) / record.fs
    if rest >= 0.05:
        notes.append(f"the last {rest:.1f} s of the page are not shown")
    return notes


def _pulses(traces: tuple[Trace, ...], baselines: list[float], pitch: float, style: Style, frame: PageFrame) -> Iterator[Stroke]:
    """The calibration pulses of each row; if the rows are close together, only those of the row of the first trace, with all gains."""
    gains = {row: {abs(trace.gain_mm_mv) for trace in traces if trace.row == row} for row in range(len(baselines))}
    everywhere = set().union(*gains.values())
    # Pulses of close rows would touch, so machines print only one.
    if pitch < max(everywhere) + _PULSE_GAP_MM:
        gains = {traces[0].row: everywhere}
    for row, found in gains.items():
        if found:
            yield from pulses_at(baselines[row], sorted(found, reverse=True), style, frame)


def _boxes(
    traces: tuple[Trace, ...],
    cells: tuple[Cell, ...],
    labels: tuple[Text, ...],
    pulses: tuple[Stroke, ...],
    words: tuple[tuple[Text, Edges], ...],
    style: Style,
) -> Iterator[Box]:
    """The boxes round all segments, lead names, pulses and words."""
    for k, (trace, cell, label) in enumerate(zip(traces, cells, labels, strict=True)):
        yield Box("lead", cell.label, box_corners(*trace_extent(trace, style.pen_mm / 2)), k)
        if label.words.strip():
            yield Box("lead_name", label.words, box_corners(*measure(label)), k)
    for pulse in pulses:
        half = pulse.width_mm / 2
        yield Box("pulse", "", box_corners(*(pulse.points_mm.min(0) - half), *(pulse.points_mm.max(0) + half)))
    for text, edges in words:
        yield Box("text", text.words, box_corners(*edges))


def trace_extent(trace: Trace, half_mm: float) -> Edges:
    """The box (left, top, right, bottom) round the ink of a trace, mm; `half_mm` is half the pen's width.

    A trace of NaN has a box of no height on its 0 mV line; a trace without samples has one at x = 0, of no width either.
    """
    x, y = trace.points_mm.T
    if not x.size:
        return 0.0, trace.baseline_mm, 0.0, trace.baseline_mm
    y = y.copy()  # extremes of contiguous values are found five times as fast
    first, last, (top, bottom) = float(x[0]), float(x[-1]), _extremes(y)
    if math.isnan(top):
        return first, trace.baseline_mm, last, trace.baseline_mm
    return first - half_mm, top - half_mm, last + half_mm, bottom + half_mm


def box_corners(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """The corners (4, 2) of a box, clockwise from top left."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
