"""Find places for notes and marks where people write them, and draw ink on a sheet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fastecg.handwriting import marks
from fastecg.handwriting.font import NotesFont, write_in_font
from fastecg.handwriting.ink import Ink, ink_plane, ink_window, join_inks, soak
from fastecg.handwriting.motor import write
from fastecg.handwriting.room import Extent, Room, beats, extent_of
from fastecg.handwriting.words import broken, sample_note, sample_remark
from fastecg.handwriting.writer import Writer
from fastecg.page import Box, Trace
from fastecg.sheet import Sheet

_REGION_SHARES = {"header": 0.57, "right": 0.13, "among": 0.10, "bottom": 0.20}  # Probabilities of the regions in which notes are written.
_TRIES = 6  # Number of attempts at a note or a mark that fits.
_SMALLER = 0.9  # Factor on the size of a note after each attempt that did not fit.
_PLACES_TRIED = 6  # Number of places that are compared for a note that is to lie over a trace.
_KINDS_TRIED = 4  # Number of kinds of marks that are tried.


def lay_inks(sheet: Sheet, inks: Iterable[Ink], seed: int) -> Sheet:
    """The sheet with inks on it, and a box round each of them, unless it lies beside the sheet; `seed` decides the paper's roughness."""
    pixels, laid, boxes = sheet.canvas(), [], []
    for ink in inks:
        window = ink_window(ink, sheet.scale, pixels.shape[:2])
        if window is None:
            continue
        plane = ink_plane(ink, sheet.scale, window, seed)
        soak(pixels, window, plane, ink.pen)
        laid.append((window, plane))
        boxes.append(Box(ink.kind, ink.words, ink.corners_mm))
    return replace(sheet, pixels=pixels).marked(laid, boxes) if laid else sheet


def lay_note(
    room: Room,
    writer: Writer,
    rng: np.random.Generator,
    across: float,
    own: tuple[str, ...] = (),
    font: NotesFont | None = None,
) -> Ink | None:
    """A note of one to three phrases in free space, or over a trace; None if there is no place for it.

    Parameters
    ----------
    room : Room
        The page's free space, in which the place of the note is marked as taken.
    writer : Writer
    rng : numpy.random.Generator
    across : float
        Probability that the note lies over a trace.
    own : tuple of str
        Phrases of the user's, instead of the templates.
    font : NotesFont, optional
        A font of the user's, instead of handwriting.
    """
    over_trace = rng.random() < across
    region = _region_round_a_beat(room, rng) if over_trace else room.regions()[_sample_region(rng)]
    lines = int(rng.choice((1, 2, 3), p=(0.66, 0.24, 0.10)))
    for attempt in range(_TRIES):
        words = sample_note(rng, lines if attempt < 2 else 1, own, room.shows)
        words = words if own or rng.random() < 0.4 else broken(words)  # Long lines are broken in 60 % of notes.
        sized = writer.sized(_SMALLER**attempt)  # People write smaller where there is little room.
        ink = write(words, sized, rng) if font is None else write_in_font(words, font, sized, rng)
        if rng.random() < 0.12:
            ink = _with_underline(ink, writer, rng)
        moved = put(room, ink, rng, region, over_trace)
        if moved is not None:
            return moved
    return None


def _sample_region(rng: np.random.Generator) -> str:
    """The name of a region, sampled by the regions' probabilities."""
    return str(rng.choice(list(_REGION_SHARES), p=list(_REGION_SHARES.values())))


def _region_round_a_beat(room: Room, rng: np.random.Generator) -> Extent | None:
    """The region 90 mm wide and 50 mm high round a point of `_some_beat`; None if there are no beats."""
    found = _some_beat(room, rng)
    if found is None:
        return None
    x, y = found[1]
    return x - 45.0, y - 25.0, x + 45.0, y + 25.0


def _crossing(room: Room, ink: Ink, rng: np.random.Generator, region: Extent | None) -> Ink | None:
    """The ink moved to the best of `_PLACES_TRIED` random places over traces; None if the ink touches a trace in none of these.

    The best place is that in which the smallest share of the ink, but not 0, lies on a trace.
    """
    found = [moved for _ in range(_PLACES_TRIED) if (moved := _fitted(room, ink, rng, region, True))]
    shares = [_share_on_trace(room, moved) for moved in found]
    touching = [(share, k) for k, share in enumerate(shares) if share > 0.0]
    return found[min(touching)[1]] if touching else None


def put(room: Room, ink: Ink, rng: np.random.Generator, region: Extent | None, across: bool = False) -> Ink | None:
    """The ink moved as by `_fitted` or, with `across`, by `_crossing`. Its place is marked as taken. None if no place was found."""
    moved = _crossing(room, ink, rng, region) if across else _fitted(room, ink, rng, region)
    if moved is not None:
        room.take(moved.extent_mm)
    return moved


def _fitted(room: Room, ink: Ink, rng: np.random.Generator, region: Extent | None = None, across: bool = False) -> Ink | None:
    """The ink moved to a free place, in the region if possible, or with `across` to one that a trace crosses; None if there is none."""
    x0, y0, x1, y1 = ink.extent_mm
    corner = room.find((x1 - x0, y1 - y0), rng, region, across)
    return None if corner is None else ink.moved(corner[0] - x0, corner[1] - y0)


def _with_underline(ink: Ink, writer: Writer, rng: np.random.Generator) -> Ink:
    """The ink with one or two lines below it."""
    x0, _, x1, y1 = ink.extent_mm
    line = marks.underline(x0, x1, y1 + 0.8, writer, rng, 1 + (rng.random() < 0.35))
    return join_inks(ink.kind, ink.words, [ink, line])


# --- marks about something on the page: each function returns an empty list if it finds nothing to mark ---------------------------


def suspicious_beat(room: Room, writer: Writer, rng: np.random.Generator) -> list[Ink]:
    """A circle round a beat, or a word with an arrow from it to the beat, or both. An arrow under 4 or over 60 mm long is left out."""
    found = _some_beat(room, rng)
    if found is None:
        return []
    _, (x, y) = found
    radii = rng.uniform(3.5, 8.0), rng.uniform(3.5, 9.0)
    inks = [] if rng.random() < 0.3 else [marks.circle((x, y + rng.normal(0, 1.5)), radii, writer, rng)]
    if inks and rng.random() < 0.45:
        return inks
    word = write(sample_remark(rng, room.shows), writer, rng)
    near = (x - 38.0, y - 30.0, x + 38.0, y + 30.0)
    moved = _fitted(room, word, rng, near)
    if moved is None:
        return inks
    # The arrow runs from just outside of the word's rectangle to just outside of the circle or, without a circle, to 2 mm from the beat.
    x0, y0, x1, y1 = moved.extent_mm
    middle, beat = np.array([0.5 * (x0 + x1), 0.5 * (y0 + y1)]), np.array([x, y])
    towards = (beat - middle) / max(float(np.hypot(*(beat - middle))), 1e-6)
    tail = middle + towards * (0.5 * abs(towards[0]) * (x1 - x0) + 0.5 * abs(towards[1]) * (y1 - y0) + 1.0)
    reach = float(np.hypot(radii[0] * towards[0], radii[1] * towards[1])) + 0.6 if inks else 2.0
    tip = beat - towards * reach
    if 4.0 < float(np.hypot(*(tip - tail))) < 60.0:
        inks.append(marks.arrow(tuple(tail), tuple(tip), writer, rng))
    return [*inks, moved]


def measured_beats(room: Room, writer: Writer, rng: np.random.Generator) -> list[Ink]:
    """A caliper mark over two or three beats, mostly with their distance or the rate; or numbers or dots over a rhythm strip's beats."""
    strips = [trace for trace in room.page.traces if trace.rhythm]
    trace = strips[0] if strips and rng.random() < 0.6 else _some_trace(room, rng)
    peaks = beats(trace) if trace else np.empty((0, 2))
    if trace is None or len(peaks) < 3:
        return []
    top = float(peaks[:, 1].min())
    if trace.rhythm and rng.random() < 0.5:
        tops = np.minimum(peaks[:, 1], top + 4.0)
        return [marks.counts(peaks[:, 0], tops, writer, rng, dots=bool(rng.random() < 0.35))]
    # Two or three beats in succession. Their distance in mm, divided by the paper speed, is rounded to 10 ms, as people measure it.
    first = int(rng.integers(len(peaks) - 1))
    some = peaks[first : first + int(rng.integers(2, 4))]
    rr_ms = round(float(np.diff(some[:, 0]).mean()) / room.page.speed_mm_s * 100) * 10
    words = str(rng.choice(["", f"{rr_ms}", f"{rr_ms} ms", f"R-R {rr_ms}", f"{round(60000 / max(rr_ms, 1))}/min"]))
    return [marks.caliper(some[:, 0], top - rng.uniform(1.0, 4.0), words, writer, rng)]


def bracketed_beats(room: Room, writer: Writer, rng: np.random.Generator) -> list[Ink]:
    """A bracket over two to four beats of a lead, and a word if there is room for it: over the bracket if possible, else elsewhere."""
    trace = _some_trace(room, rng)
    peaks = beats(trace) if trace else np.empty((0, 2))
    if len(peaks) < 2:
        return []
    first = int(rng.integers(len(peaks) - 1))
    x0, x1 = peaks[first, 0] - 3.0, peaks[min(first + int(rng.integers(1, 4)), len(peaks) - 1), 0] + 3.0
    ink = marks.bracket(float(x0), float(x1), float(peaks[:, 1].min()) - rng.uniform(1.5, 3.5), writer, rng)
    word = _fitted(room, write(sample_remark(rng, room.shows), writer, rng), rng, (x0 - 5, ink.extent_mm[1] - 14, x1 + 5, ink.extent_mm[1]))
    return [ink, word] if word else [ink]


def marked_words(room: Room, writer: Writer, rng: np.random.Generator) -> list[Ink]:
    """An underline, a tick, a highlighter or a crossing-out for a printed line of more than three characters."""
    printed = [box for box in room.page.boxes if box.kind == "text" and len(box.words) > 3]
    if not printed:
        return []
    box = printed[int(rng.integers(len(printed)))].corners_mm
    x0, y0, x1, y1 = (float(edge) for edge in (*box.min(axis=0), *box.max(axis=0)))
    how = rng.random()
    if how < 0.4:
        return [marks.underline(x0, x1, y1 + 0.9, writer, rng, 1 + (rng.random() < 0.3))]
    if how < 0.62:
        return [marks.tick((x1 + 2.0, y1), rng.uniform(4.0, 8.0), writer, rng)]
    if how < 0.84:
        return [marks.highlighter((x0, y0, x1, y1), rng, writer)]
    return [marks.crossing_out((x0, y0, x1, y1), writer, rng)]


def marked_lead(room: Room, writer: Writer, rng: np.random.Generator) -> list[Ink]:
    """A circle, an underline or a highlighter for a lead's name, or a highlighter over a part of some trace."""
    names = [box for box in room.page.boxes if box.kind == "lead_name" and np.ptp(box.corners_mm[:, 0]) > 0.3]
    if not names:
        return []
    box = names[int(rng.integers(len(names)))].corners_mm
    (x0, y0), (x1, y1) = box.min(axis=0), box.max(axis=0)
    how = rng.random()
    if how < 0.4:
        middle = 0.5 * (x0 + x1), 0.5 * (y0 + y1)
        return [marks.circle(middle, (0.5 * (x1 - x0) + rng.uniform(1.2, 2.6), 0.5 * (y1 - y0) + rng.uniform(1.2, 2.4)), writer, rng)]
    if how < 0.65:
        return [marks.underline(x0 - 0.5, x1 + 0.5, y1 + 0.8, writer, rng, 1 + (rng.random() < 0.4))]
    trace = _some_trace(room, rng)
    if trace is None or how < 0.8:
        return [marks.highlighter((x0 - 0.5, y0, x1 + 0.5, y1), rng, writer)]
    left, top, right, bottom = extent_of(trace)
    start = rng.uniform(left, max(left, right - 20.0))
    middle_y = float(np.clip(trace.baseline_mm, top, bottom))
    return [marks.highlighter((start, middle_y - 2.0, min(start + rng.uniform(12, 40), right), middle_y + 2.0), rng, writer)]


def signed(room: Room, writer: Writer, rng: np.random.Generator, initials: bool) -> list[Ink]:
    """A signature or initials, sometimes with the time of day, at the bottom or in the header if possible; empty if there is no room."""
    ink = marks.signature(writer, rng, initials)
    if rng.random() < 0.4:
        clock = write(f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}", writer, rng)
        _, _, x1, y1 = ink.extent_mm
        ink = join_inks(ink.kind, clock.words, [ink, clock.moved(x1 + 3.0, y1 - 1.0)])
    moved = put(room, ink, rng, room.regions()[str(rng.choice(["bottom", "header"], p=[0.6, 0.4]))])
    return [moved] if moved else []


#: Functions that draw the kinds of marks, with the probability of each.
MARKS = ((suspicious_beat, 0.34), (marked_words, 0.28), (marked_lead, 0.16), (measured_beats, 0.12), (bracketed_beats, 0.10))


def lay_mark(room: Room, writer: Writer, rng: np.random.Generator, across: float) -> list[Ink]:
    """The inks of a mark of a random kind, which touches a trace with probability `across`; an empty list if no place was found."""
    shares = np.array([share for _, share in MARKS])
    over_trace = bool(rng.random() < across)
    for _ in range(_KINDS_TRIED):
        draw, _ = MARKS[int(rng.choice(len(MARKS), p=shares / shares.sum()))]
        for _ in range(_TRIES):
            inks = [ink for ink in draw(room, writer, rng) if _on_paper(ink, *room.page.size_mm)]
            if inks and any(_touches(room, ink) for ink in inks) == over_trace:
                for ink in inks:
                    room.take(ink.extent_mm)
                return inks
    return []


def _touches(room: Room, ink: Ink) -> bool:
    """Whether the strokes of an ink touch a trace, give or take 0.5 mm."""
    return room.on_trace(ink.points_mm, 0.5 * ink.width_mm)


def _share_on_trace(room: Room, ink: Ink) -> float:
    """Share of an ink's points that lie on a trace; without strokes, the share of 240 points in the rectangle round a font's letters."""
    if len(ink.points_mm):
        return room.share_on_trace(ink.points_mm, 0.5 * ink.width_mm)
    x0, y0, x1, y1 = ink.extent_mm
    points = np.stack(np.meshgrid(np.linspace(x0, x1, 30), np.linspace(y0, y1, 8)), axis=-1).reshape(-1, 2)
    return room.share_on_trace(points, np.full(len(points), 0.3))


def _on_paper(ink: Ink, width: float, height: float) -> bool:
    """Whether all of an ink is on a page of a width and height in mm."""
    x0, y0, x1, y1 = ink.extent_mm
    return x0 >= 0.0 and y0 >= 0.0 and x1 <= width and y1 <= height


def _some_trace(room: Room, rng: np.random.Generator) -> Trace | None:
    """A random trace of the page with more than 20 samples; None if there is none."""
    traces = [trace for trace in room.page.traces if np.isfinite(trace.points_mm[:, 1]).sum() > 20]
    return traces[int(rng.integers(len(traces)))] if traces else None


def _some_beat(room: Room, rng: np.random.Generator) -> tuple[Trace, tuple[float, float]] | None:
    """A random trace, and a point (x, y) mm at or after a random beat of this trace; None if there is no trace, or no beat in it."""
    trace = _some_trace(room, rng)
    peaks = beats(trace) if trace else np.empty((0, 2))
    if trace is None or not len(peaks):
        return None
    x, y = peaks[int(rng.integers(len(peaks)))]
    # Complexes are marked as often as what follows: ST segments and T waves, 3 and 6 mm after the complex, halfway to the 0 mV line.
    off = rng.choice([0.0, 3.0, 6.0], p=[0.5, 0.25, 0.25])
    return trace, (float(x + off), float(y if off == 0.0 else 0.5 * (y + trace.baseline_mm)))
