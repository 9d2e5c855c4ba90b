"""Make pages for training look as if other programs and machines had drawn them: their parts are moved and coloured at random.

A page is rearranged in millimetres before it is printed, so that its truth stays exact. Most of the resulting layouts are printed by no
machine. This does no harm, since the network sees only 32 mm of a page at a time: it learns what names, pulses, separators and grids look
like beside traces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fastecg.layouts.annotations import spelled
from fastecg.layouts.place import box_corners, trace_extent
from fastecg.page import Box, Grid, Page, Stroke, Text, Trace
from fastecg.printing.text import font_file, measure
from fastecg.record import Record
from fastecg.styles.style import RGB, GridInk, Pen, Style

# Fonts of printed words, with the relative frequency of each: files that come with matplotlib, whose default comes first, and faces of
# `fastecg.printing.text`.
_FACES = {
    "DejaVuSans.ttf": 6, "DejaVuSans-Bold.ttf": 2, "DejaVuSans-Oblique.ttf": 1, "DejaVuSans-BoldOblique.ttf": 1,
    "DejaVuSansMono.ttf": 1, "DejaVuSansMono-Bold.ttf": 1, "DejaVuSansMono-Oblique.ttf": 0.5,
    "DejaVuSerif.ttf": 1, "DejaVuSerif-Bold.ttf": 1, "DejaVuSerif-Italic.ttf": 0.5, "DejaVuSerif-BoldItalic.ttf": 0.5,
    "STIXGeneral.ttf": 1.5, "STIXGeneralBol.ttf": 1, "STIXGeneralItalic.ttf": 0.7, "STIXGeneralBolIta.ttf": 0.7,
    "cmr10.ttf": 0.5, "cmb10.ttf": 0.5, "cmss10.ttf": 1, "cmtt10.ttf": 0.7, "cmti10.ttf": 0.4,
    "sans": 5, "bitmap": 1,
}  # fmt: skip
_WIDTHS_MM = {1: (0.06, 0.2), 5: (0.1, 0.35)}  # Range of the widths of 1 mm lines and of 5 mm lines.
_SPARE_MM = 2.0  # Minimum width of blank paper to the left and right of what is drawn, and mostly also below.


def other_hand(page: Page, style: Style, rng: np.random.Generator) -> tuple[Page, Style]:
    """A copy of a page in `style`, rearranged at random, and a copy of the style with random paper, grid, inks, pen and font."""
    face = str(rng.choice(list(_FACES), p=np.array(list(_FACES.values())) / sum(_FACES.values())))
    face = str(font_file(face) or "sans") if face.endswith(".ttf") else face
    style = replace(_inked(style, rng), face=face)
    words = tuple(text for text in page.texts if text.kind != "lead") if rng.random() < 0.5 else ()
    drawing = _Drawing(page, style, rng)
    traces, zeros_mm = drawing.traces()
    labels = tuple(drawing.labels(traces, zeros_mm))
    pulses = tuple(drawing.pulses(traces, zeros_mm))
    separators = tuple(drawing.separators(traces, zeros_mm))
    words += tuple(drawing.words(pulses, zeros_mm))
    page = replace(
        page,
        traces=traces,
        strokes=pulses + separators,
        texts=(*(label for label, _ in labels), *words),
        boxes=tuple(_boxes(traces, labels, pulses, words, style)),
    )
    return _on_paper(page, bool(words), rng), style


def coarser(record: Record, rng: np.random.Generator) -> Record:
    """Resample one in four records to 100 Hz, as some archives store them: their R waves become spikes of two straight lines.

    Records that are not sampled at 500 Hz or have missing samples stay as they are.
    """
    from scipy.signal import resample_poly

    if record.fs != 500.0 or rng.random() > 0.25 or np.isnan(record.signal).any():
        return record
    return Record(resample_poly(record.signal, 1, 5, axis=1), 100.0, record.leads, record.name)


# --- arrangement ---------------------------------------------------------------------------------------------------------------


@dataclass
class _Drawing:
    """Draws the parts of one page in random places.

    In its methods, `zeros_mm` is page y of 0 mV by row, mm.
    """

    page: Page
    style: Style
    rng: np.random.Generator

    def traces(self) -> tuple[tuple[Trace, ...], dict[int, float]]:
        """Move the traces to rows at uneven distances, shift them up and down at random, and leave gaps between columns.

        Returns
        -------
        traces : tuple of Trace
        zeros_mm : dict of int to float
            Page y of 0 mV of every row, before its traces are shifted up or down.
        """
        rng, old = self.rng, self.page.traces
        old_zeros_mm = {trace.row: trace.baseline_mm for trace in old}
        rows = sorted(old_zeros_mm)
        pitches = np.diff([old_zeros_mm[row] for row in rows])
        spread = rng.choice((0.0, 0.1, 0.35))
        # Every distance between rows is multiplied by a separate random factor, and all of them by a common one.
        pitches = pitches * np.exp(rng.uniform(-spread, spread, len(pitches))) * rng.uniform(0.75, 1.1)
        zeros_mm = dict(zip(rows, old_zeros_mm[rows[0]] + np.concatenate([[0.0], np.cumsum(pitches)]), strict=True))
        most_mm = rng.uniform(0.5, 3.0) if rng.random() < 0.5 else 0.0  # Largest shift of a trace up or down from its row.
        gap_mm = rng.uniform(0.3, 6.0) if rng.random() < 0.4 else 0.0
        lossy = rng.random() < 0.5  # Whether gaps are cut out of the traces. Otherwise the columns are moved apart.
        columns = sorted({trace.column for trace in old})
        # Shift along x of every column, mm.
        shifts_mm = dict.fromkeys(columns, 0.0) if lossy else {column: gap_mm * k for k, column in enumerate(columns)}
        moved = []
        for trace in old:
            points = trace.points_mm
            keep = len(points)
            if lossy and gap_mm and not trace.rhythm and len(points):
                keep = int(np.searchsorted(points[:, 0], points[-1, 0] - gap_mm))
            shift = np.array([shifts_mm[trace.column], zeros_mm[trace.row] - trace.baseline_mm + rng.uniform(-most_mm, most_mm)])
            points = points[:keep] + shift
            points.flags.writeable = False
            stop = min(trace.stop, trace.start + keep)
            moved.append(replace(trace, stop=stop, points_mm=points, baseline_mm=trace.baseline_mm + shift[1]))
        return tuple(moved), zeros_mm

    def labels(self, traces: tuple[Trace, ...], zeros_mm: dict[int, float]) -> Iterator[tuple[Text, int]]:
        """Names of leads, each with the index of its trace; a few pages have none.

        All names are equally far from the first sample of their trace and from the 0 mV line of their row.
        """
        rng = self.rng
        if rng.random() < 0.03:
            return
        # Where the text begins and where its base line is, relative to the first sample and to 0 mV, in mm to the right and down.
        across, drop = rng.uniform(0.0, 8.0) if rng.random() < 0.6 else rng.uniform(-1.5, 1.5), rng.uniform(-16.0, 8.0)
        if rng.random() < 0.3:
            drop = rng.uniform(-2.0, 7.0)  # On the trace, or just below it.
        before = rng.random() < 0.08  # Whether names end 2 mm left of the trace. If so, `drop` is where their middle is.
        size = rng.uniform(2.2, 5.0)  # mm
        spelling = str(rng.choice(("aVR", "AVR", "a V R"), p=(0.66, 0.3, 0.04)))
        for k, trace in enumerate(traces):
            if not len(trace.points_mm):
                continue
            words = ("-" if trace.gain_mm_mv < 0 else "") + trace.lead
            text = Text("lead", spelled(words, spelling), 0.0, 0.0, size, self.style.face, lead=trace.lead)
            left, top, right, bottom = measure(text)
            x = trace.points_mm[0, 0] + (across if not before else left - right - 2.0)
            yield replace(text, x_mm=x, y_mm=zeros_mm[trace.row] + drop - (top + bottom) / 2 * bool(before)), k

    def pulses(self, traces: tuple[Trace, ...], zeros_mm: dict[int, float]) -> Iterator[Stroke]:
        """Calibration pulses at one end or both ends of every row, connected to the trace or apart from it; or none at all."""
        rng = self.rng
        side = str(rng.choice(("left", "right", "both", "none"), p=(0.55, 0.15, 0.05, 0.25)))
        # Lengths in mm of the plateau, of the foot towards the trace, and of the foot away from it.
        width, near, far = rng.uniform(3.0, 6.0), *np.exp(rng.uniform(np.log(0.3), np.log(7.0), 2))
        gap = 0.0 if rng.random() < 0.55 else rng.uniform(0.3, 4.0)
        pen = self.style.pen_mm * rng.choice((1.0, rng.uniform(0.8, 1.4)))
        for row, zero_mm in zeros_mm.items():
            found = [trace for trace in traces if trace.row == row and len(trace.points_mm)]
            if not found:
                continue
            first, last = min(found, key=lambda trace: trace.points_mm[0, 0]), max(found, key=lambda trace: trace.points_mm[-1, 0])
            for end, sign, at_side in ((first.points_mm[0], -1.0, "left"), (last.points_mm[-1], 1.0, "right")):
                if side not in (at_side, "both"):
                    continue
                # From the trace outwards: the near foot, the pulse, the far foot.
                along = np.array([0.0, near, near, near + width, near + width, near + width + far])
                up = abs(first.gain_mm_mv) * np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
                points = np.stack([end[0] + sign * (gap + along), zero_mm - up], axis=1)
                if gap == 0.0 and np.isfinite(end).all():
                    points = np.concatenate([end[None], points])
                yield Stroke("pulse", points, float(pen))

    def words(self, pulses: tuple[Stroke, ...], zeros_mm: dict[int, float]) -> Iterator[Text]:
        """Words that the original page does not have, or none: above the pulses, and near the page's upper edge or below the last row."""
        rng = self.rng
        size = rng.uniform(2.0, 4.5)
        width, height = self.page.size_mm
        if rng.random() < 0.3:
            words = str(rng.choice(("1mV", "1 mV", "10 mm/mV")))
            for pulse in pulses:
                x, y = np.nanmin(pulse.points_mm, 0)
                yield Text("header", words, float(x), float(y) - 0.6, 0.8 * size, self.style.face)
        if rng.random() < 0.6:
            below = max(zeros_mm.values()) + rng.uniform(8.0, 22.0)
            for place in rng.uniform(0.02, 0.85, rng.integers(1, 6)):
                upper = rng.random() < 0.5
                y = rng.uniform(size, 22.0) if upper else min(below + rng.uniform(0.0, 4.0), height - 0.3 * size)
                yield Text("header", _random_words(rng), float(place * width), float(y), size, self.style.face)

    def separators(self, traces: tuple[Trace, ...], zeros_mm: dict[int, float]) -> Iterator[Stroke]:
        """Lines between columns: bars, dotted lines, ticks, pairs of bars, or the step of the pen from one lead to the next; or none.

        A "tick" is a bar as thin as the pen. "ticks" are short thin lines above the 0 mV line and mostly also below it.
        """
        rng = self.rng
        kind = str(rng.choice(("none", "bar", "dotted", "tick", "pair", "ticks", "step"), p=(0.22, 0.27, 0.08, 0.08, 0.07, 0.18, 0.1)))
        height, width = rng.uniform(5.0, 8.0), rng.uniform(0.5, 1.0)  # Size of bars, mm.
        # Distance of "ticks" from the 0 mV line, their length and their width, mm.
        near, long, tick_width = rng.uniform(0.5, 4.0), rng.uniform(1.2, 5.0), rng.uniform(0.2, 0.6)
        off = rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else 0.0  # Distance to the right of the first sample of a column, mm.
        by_cell = {(trace.row, trace.column): trace for trace in traces if not trace.rhythm and len(trace.points_mm)}
        if kind == "dotted":
            edges = {trace.column: trace.points_mm[0, 0] for trace in by_cell.values()}
            zeros = [zeros_mm[row] for row, _ in by_cell]
            every, dot = rng.uniform(0.6, 1.6), rng.uniform(0.1, 0.6)  # Distance and length of dots, mm.
            for column in sorted(edges)[1:]:
                y = np.arange(min(zeros) - rng.uniform(8, 15), max(zeros) + rng.uniform(8, 20), every)
                yield _lifted(np.stack([y, y + min(dot, 0.6 * every)], axis=1), edges[column] + off, rng.uniform(0.2, 0.4))
            return
        for (row, column), trace in by_cell.items():
            before = by_cell.get((row, column - 1))
            if before is None:
                continue
            x, middle = trace.points_mm[0, 0] + off, zeros_mm[row]
            if kind == "bar":
                yield _lifted(np.array([[middle - height / 2, middle + height / 2]]), x, width)
            elif kind == "tick":
                yield _lifted(np.array([[middle - height / 2, middle + height / 2]]), x, self.style.pen_mm)
            elif kind == "pair":
                yield _lifted(np.array([[middle - 7.0, middle - 2.2], [middle + 2.2, middle + 7.0]]), x, width)
            elif kind == "ticks":  # Short lines, which the network must not take for the letter I.
                stretches = np.array([[-near - long, -near], [near, near + long]]) + middle
                yield _lifted(stretches[: 1 + (tick_width < 0.5)], x, tick_width)
            elif kind == "step":
                jump = np.array([before.points_mm[-1], trace.points_mm[0]])
                if np.isfinite(jump).all():
                    yield Stroke("step", jump, self.style.pen_mm)


def _random_words(rng: np.random.Generator) -> str:
    """Random words of the kind that pages have: names of fields, values, settings."""
    a, b, c = (int(number) for number in rng.integers((1, 1, 10), (13, 29, 100)))
    choices = (
        f"ID: {a}{b}{c}", "Name:", f"Age: {c} yrs", "Sex: Male", "Sex: Female", f"Date: {1950 + c}-{a:02d}-{b:02d}, {a}:{c % 60:02d}:{b}",
        f"Height: {100 + c} cm", f"Weight: {c} kg", "25mm/s", "25 mm/sec", "10mm/mV", "10 mm/mV", "0.05-150 Hz", "F 60~ 0.15-100 Hz",
        f"HR {c} bpm", f"PR {100 + c} ms", f"QRS {c} ms", f"QT/QTc {300 + c}/{330 + c}", f"Vent. rate {c}", "Sinus rhythm", "LVH",
        "Limb: 10 mm/mV", "Chest: 10 mm/mV", f"record {c}{b}", "Lead", "Time (s)", f"{a}.{b}", f"{c}", f"V{c}",
    )  # fmt: skip
    return str(choices[rng.integers(len(choices))])


def _lifted(stretches: np.ndarray, x: float, width: float) -> Stroke:
    """Vertical lines at page `x` as one stroke, with the pen lifted between lines. `stretches` (n, 2) is page y of their two ends."""
    points = np.full((len(stretches), 3, 2), np.nan)
    points[:, :2, 0], points[:, :2, 1] = x, stretches
    return Stroke("separator", points.reshape(-1, 2)[:-1], float(width))


def _boxes(
    traces: tuple[Trace, ...], labels: tuple[tuple[Text, int], ...], pulses: tuple[Stroke, ...], words: tuple[Text, ...], style: Style
) -> Iterator[Box]:
    """The boxes of traces, lead names, pulses and words, for the truth."""
    for k, trace in enumerate(traces):
        yield Box("lead", trace.lead, box_corners(*trace_extent(trace, style.pen_mm / 2)), k)
    for text, k in labels:
        yield Box("lead_name", text.words, box_corners(*measure(text)), k)
    for pulse in pulses:
        half = pulse.width_mm / 2
        yield Box("pulse", "", box_corners(*(pulse.points_mm.min(0) - half), *(pulse.points_mm.max(0) + half)))
    for text in words:
        yield Box("text", text.words, box_corners(*measure(text)))


def _on_paper(page: Page, words: bool, rng: np.random.Generator) -> Page:
    """The page on paper large enough for most of what is drawn, with a grid on all of the paper or only around the traces.

    A few pages get a frame.
    """
    every = [trace.points_mm for trace in page.traces] + [stroke.points_mm for stroke in page.strokes]
    corners = np.concatenate([np.array([np.nanmin(points, 0), np.nanmax(points, 0)]) for points in every if len(points)])
    # What is farther above or below the page than a fifth of its height counts as being this far away, so that outliers hardly enlarge the
    # paper.
    corners = np.clip(corners, (-np.inf, page.size_mm[1] * -0.2), (np.inf, page.size_mm[1] * 1.2))
    upper_left, lower_right = np.nanmin(corners, 0), np.nanmax(corners, 0)
    shift = np.array([max(0.0, _SPARE_MM - upper_left[0]), 0.0])
    width = max(page.size_mm[0] + shift[0], lower_right[0] + shift[0] + _SPARE_MM)
    height = max(page.size_mm[1], lower_right[1] + _SPARE_MM) if rng.random() < 0.8 else page.size_mm[1]
    if not words and rng.random() < 0.6:  # Without words, 2 to 40 mm of blank paper above what is drawn and 2 to 25 mm below are enough.
        shift[1] = rng.uniform(2.0, 40.0) - upper_left[1]
        height = lower_right[1] + shift[1] + rng.uniform(2.0, 25.0)
    page = _moved(page, shift)
    area = (0.0, 0.0, width, height)
    choice = rng.random()
    if choice < 0.25:  # The grid covers only a box around traces and strokes, of whole 5 mm squares.
        edges = np.array([upper_left + shift - rng.uniform(1.0, 12.0), lower_right + shift + rng.uniform(1.0, 12.0)])
        left, top = np.maximum(edges[0], 0.0)
        right, bottom = (
            start + 5.0 * np.floor((min(end, most) - start) / 5.0)
            for start, end, most in ((left, edges[1, 0], width), (top, edges[1, 1], height))
        )
        area = (float(left), float(top), float(right), float(bottom))
    elif choice < 0.7:  # The left and upper edges of the paper cut off part of a 5 mm square.
        left, top = rng.uniform(-5.0, 0.0, 2)
        area = (float(left), float(top), width, height)
    frames: tuple[Stroke, ...] = ()
    if rng.random() < 0.15:
        inset = rng.uniform(0.0, 3.0)
        x0, y0, x1, y1 = area if rng.random() < 0.5 else (inset, inset, width - inset, height - inset)
        frame = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])
        frames = (Stroke("frame", frame, float(rng.uniform(0.15, 0.5))),)
    return replace(page, size_mm=(float(width), float(height)), grid=Grid(area), strokes=page.strokes + frames)


def _moved(page: Page, shift: np.ndarray) -> Page:
    """The page with everything on it moved by `shift` (x, y) mm."""
    traces = []
    for trace in page.traces:
        points = trace.points_mm + shift
        points.flags.writeable = False
        traces.append(replace(trace, points_mm=points, baseline_mm=trace.baseline_mm + shift[1]))
    return replace(
        page,
        traces=tuple(traces),
        strokes=tuple(replace(stroke, points_mm=stroke.points_mm + shift) for stroke in page.strokes),
        texts=tuple(replace(text, x_mm=text.x_mm + shift[0], y_mm=text.y_mm + shift[1]) for text in page.texts),
        boxes=tuple(replace(box, corners_mm=box.corners_mm + shift) for box in page.boxes),
    )


# --- colours -------------------------------------------------------------------------------------------------------------------


def _inked(style: Style, rng: np.random.Generator) -> Style:
    """The style with random colours of paper, grid and ink, and a random pen. Some grids have only 5 mm lines, or no lines at all."""
    level = int(rng.integers(0, 50) if rng.random() < 0.75 else rng.integers(50, 125))
    ink = (level, level, level)
    if rng.random() < 0.12:
        ink = (level // 3, level // 3, min(level + int(rng.integers(40, 130)), 200))
    kind = str(rng.choice(("coloured", "strong", "copied", "major", "none"), p=(0.34, 0.2, 0.26, 0.1, 0.1)))
    paper = _tinted(rng, 255, rng.uniform(0, 12)) if rng.random() < 0.75 else _tinted(rng, int(rng.integers(200, 252)), rng.uniform(0, 45))
    minor_mm, major_mm = (float(np.exp(rng.uniform(*np.log(_WIDTHS_MM[step])))) for step in (1, 5))
    if kind == "coloured":
        grid = GridInk("line", _grid_ink(rng, 195, 235), minor_mm, _grid_ink(rng, 110, 190), major_mm)
    elif kind == "strong":  # Saturated colours such as those on a screen: magenta, red, blue.
        ink_of_lines = _grid_ink(rng, 20, 130)
        grid = GridInk("line", ink_of_lines if rng.random() < 0.3 else _grid_ink(rng, 130, 215), minor_mm, ink_of_lines, major_mm)
    elif kind == "copied":  # A coloured grid on a grey copy: dark 5 mm lines, some in beads, and 1 mm lines that are pale or only dots.
        dark = int(rng.integers(25, 150))
        pale = int(rng.integers(165, 235))
        dots = rng.random() < 0.35
        bead = float(rng.uniform(0.4, 1.2)) if rng.random() < 0.25 else 0.0
        width = float(rng.uniform(0.2, 0.5)) if dots else minor_mm
        grid = GridInk("dots" if dots else "line", (pale,) * 3, width, (dark,) * 3, major_mm * 0.8, major_bead_mm=bead)
        paper = (int(rng.integers(205, 256)),) * 3
    elif kind == "major":
        grid = GridInk("line", (0, 0, 0), 0.0, _grid_ink(rng, 60, 215), major_mm)
    else:
        grid = GridInk("line", (0, 0, 0), 0.0, (0, 0, 0), 0.0)
    if kind in ("coloured", "strong") and rng.random() < 0.1:
        grid = replace(grid, heavy_ink=grid.major_ink, heavy_mm=1.6 * major_mm)
    pen_mm = float(rng.uniform(0.18, 0.36) if rng.random() < 0.85 else rng.uniform(0.36, 0.6))
    pen = Pen(0.0, 0.0, 0.0, 0.0)  # A pen of constant width and ink.
    if rng.random() < 0.5:
        pen = Pen(rng.uniform(0.0, 0.35), rng.uniform(0.0, 0.55), rng.uniform(0.0, 0.08), rng.uniform(0.0, 0.25), rng.uniform(2.0, 9.0))
    margin = paper if rng.random() < 0.5 else (255, 255, 255)
    text_ink = ink if rng.random() < 0.7 else (int(rng.integers(0, 90)),) * 3
    return replace(style, paper=paper, margin=margin, grid=grid, ink=ink, pen_mm=pen_mm, text_ink=text_ink, pen=pen)


def _tinted(rng: np.random.Generator, level: int, tint: float) -> RGB:
    """A random colour whose channels lie between `level - tint` and `level`, and at least at 0."""
    red, green, blue = (int(np.clip(level - tint * rng.random(), 0, 255)) for _ in range(3))
    return red, green, blue


def _grid_ink(rng: np.random.Generator, low: int, high: int) -> RGB:
    """A colour of grid lines, mostly red, pink or orange, else blue, green or grey. Its weakest channel is from `low` to below `high`."""
    weak = int(rng.integers(low, high))
    strong = int(rng.integers(max(weak, 190), 256))
    between = int(rng.integers(weak, strong + 1))
    colours: tuple[RGB, ...] = (
        (strong, weak, weak), (strong, weak, between), (strong, between, weak), (weak, between, strong), (weak, strong, between),
        (weak, weak, weak),
    )  # fmt: skip
    return colours[int(rng.choice(len(colours), p=(0.3, 0.2, 0.15, 0.1, 0.08, 0.17)))]
