"""Find out which lead is where: layouts are matched with the tracks and the names that were read, and ordered by a score.

The rows of a layout are assigned to tracks from top to bottom. All names on a page have about the same offset from their traces. This
offset depends on the program that printed the page: names stand above the trace, on it or below it. The offset is therefore estimated from
all names of the page together. It decides which trace each name belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from fastecg.digitizing.names import Name
from fastecg.digitizing.pulses import snapped
from fastecg.digitizing.settings import USUAL_SPEED
from fastecg.digitizing.tracks import Track
from fastecg.layouts import LAYOUTS, Layout, layout_for
from fastecg.record import LEADS

#: Paper speeds of machines, mm/s.
SPEEDS_MM_S = (12.5, 25.0, 50.0)

_SURE = 0.6  # A name with more confidence (0 to 1) than this is certain, and has a cost if no cell of the layout takes it.
# Largest distance along x of a name from where its column's names stand, as a share of the distance of columns. This distance of columns
# is taken to be at least 20 mm.
_ACROSS = 0.22
_DOWN = 0.33  # Largest distance along y of a name from where its row's names stand, as a share of the rows' distance.
_LEAST_DOWN_MM = 2.0  # The largest distance along y of a name from where its row's names stand is at least this.
_KERNEL_MM = 2.0  # Standard deviation along y of the Gaussian kernel with which names vote for their common distance from the traces.
_KERNEL_COLUMNS = 0.1  # Standard deviation along x of the kernel with which names vote, as a share of the distance of columns.
# Cost of a cell that takes no name, if its row has a track, and of a rhythm strip that takes none. All costs are in units of the score, in
# which a name that a cell takes is worth up to 1.
_EMPTY = 0.35
_EMPTY_STRIP = 0.3 * _EMPTY
_STRAY = 0.5  # Cost of a certain name that no cell takes.
_MOST_STRAY = 0.4  # Largest total cost of the certain names that no cell takes, per name that a cell takes.
_ROW_OFF = 1.3  # Cost of a track without a row of the layout, or of a row without a track.
_STRIP_ODD = 0.5  # Cost of a layout if no layout of `LAYOUTS` has the same columns and the same number of rhythm strips.
# Costs of layouts that machines print rarely, by name without the number of rhythm strips.
_RARITY = {"6x2-cabrera": 1.0, "4x3": 0.3, "2x6": 0.5, "3x5": 0.5}
_BY_NAMES = 2.5  # Cost of a layout that is made of the names alone instead of taken from `LAYOUTS`.
# Costs of paper speeds, mm/s.
_SPEED_COST = {25.0: 0.0, 50.0: 0.6, 12.5: 0.9}
_NO_SPEED = 3.0  # Cost of a distance of columns that fits the layout's time at no usual paper speed.
_SPEED_OFF = 0.12  # A measured paper speed is taken for a usual one if the absolute log of their ratio is smaller than this.
# Cost of rows whose length is not that of their columns together: per unit of the log ratio of both lengths, and per column of the layout.
_LENGTH_PRICE = 2.0
_SAME_LENGTH = 0.03  # Absolute log ratio of both lengths that costs nothing: `_LENGTH_PRICE` is for what exceeds it.
_USUAL_STRIPS = ("II", "V1", "V5")  # Nearly every rhythm strip shows one of these leads.
_SURE_STRIP = 0.6  # A rhythm strip is taken for a lead not in `_USUAL_STRIPS` only if the confidence of its name (0 to 1) exceeds this.
_LONGER = 1.2  # If rows of a given layout with one column are longer than its time by more than this factor, their length gives their time.
_FEW_NAMES = 3  # If fewer names were read, all columns of a layout that the user has given are taken to be in the picture.
_CUT = 1.5  # Cost of every column of the layout that is outside the picture.
_FAR_NAME = 0.1  # Cost per mm by which the distance along y of names from their traces exceeds `_USUAL_NAME_MM`.
_USUAL_NAME_MM = 14.0  # Largest usual distance along y of names from their traces.


@dataclass(frozen=True, eq=False)
class LayoutMatch:
    """A layout matched with the tracks and names that were found.

    Attributes
    ----------
    layout : Layout
        The layout, reduced to the columns that are in the picture.
    cells : dict of (row, column) to str
        The lead of every cell, with a "-" before it where it is drawn upside down. A rhythm strip is in column 0 of its row.
    tracks : tuple of int or None
        Index of the track of every row of the layout; None for a row without one.
    column_mm : float
        Distance of columns.
    left_mm : float
        Approximate page x at which the traces of the first column start.
    name_mm : (float, float)
        Offset of names along x from the start of their column, and along y from the level of their track; positive to the right and down.
    score : float
        How well the match explains the tracks and the names. A difference of 1 between two matches is significant.
    found : int
        Number of names that cells have taken.
    """

    layout: Layout
    cells: dict[tuple[int, int], str]
    tracks: tuple[int | None, ...]
    column_mm: float
    left_mm: float
    name_mm: tuple[float, float]
    score: float
    found: int

    @property
    def strips(self) -> int:
        """Index of the layout's first row that is a rhythm strip, which is also the number of rows with columns."""
        return self.layout.rows - len(self.layout.rhythm)

    def same_order(self, other: LayoutMatch) -> bool:
        """Whether both matches have the same leads in all tracks that both use as rows of columns.

        Other tracks, and columns that only one of the matches has, are not compared.
        """
        mine, theirs = ({(match.tracks[row], column): lead for (row, column), lead in match.cells.items()} for match in (self, other))
        rows = {self.tracks[row] for row in range(self.strips)} & {other.tracks[row] for row in range(other.strips)}
        return all(mine.get((track, column), lead) == lead for (track, column), lead in theirs.items() if track in rows - {None})


def hypotheses(tracks: Sequence[Track], names: Sequence[Name], forced: str | None = None, *, scaled: bool = True) -> list[LayoutMatch]:
    """Match layouts with tracks and names, the best match first; empty if there are no tracks, or neither layouts nor names fit them.

    Parameters
    ----------
    tracks : sequence of Track
        Tracks from top to bottom.
    names : sequence of Name
    forced : str, optional
        Name of the layout, if it is known.
    scaled : bool
        Whether millimetres are known. On a page without a grid they are unknown, so the length of its rows does not show the paper speed.
    """
    if not tracks:
        return []
    below_mm = np.array([name.y_mm - track.level_at(np.array([name.x_mm]))[0] for name in names for track in tracks])
    evidence = _Evidence(tuple(tracks), tuple(names), below_mm.reshape(len(names), len(tracks)), scaled)
    found = [
        match
        for layout, cost in _candidates(evidence, forced)
        # `first` is the index of the track of the layout's first row; below 0 if that row is above the picture. All rows have a track or,
        # with fewer tracks than rows, all tracks have a row.
        for first in range(min(len(tracks) - layout.rows, 0), max(len(tracks) - layout.rows, 0) + 1)
        for match in _matches(evidence, layout, first, cost, whole=forced is not None and len(names) < _FEW_NAMES)
    ]
    if forced is None or not found:
        found += _match_by_names(evidence)
    return sorted(found, key=lambda match: -match.score)


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What layouts are matched with.

    Attributes
    ----------
    tracks : tuple of Track
    names : tuple of Name
    below_mm : ndarray, shape (names, tracks)
        How far every name is below the level of every track, mm; negative if it is above.
    scaled : bool
        Whether millimetres are known.
    """

    tracks: tuple[Track, ...]
    names: tuple[Name, ...]
    below_mm: np.ndarray
    scaled: bool

    @property
    def span_mm(self) -> tuple[float, float]:
        """Median page x of the left and of the right ends of the tracks."""
        return float(np.median([track.ends_mm[0] for track in self.tracks])), float(np.median([track.ends_mm[1] for track in self.tracks]))

    @property
    def cut(self) -> bool:
        """Whether most tracks may continue beyond the picture."""
        return sum(any(track.cut) for track in self.tracks) > len(self.tracks) / 2

    @property
    def pitch_mm(self) -> float:
        """Median distance of neighbouring tracks; 40 mm if there is one track."""
        return float(np.median(np.diff([track.level_mm for track in self.tracks]))) if len(self.tracks) > 1 else 40.0


def _candidates(evidence: _Evidence, forced: str | None) -> Iterator[tuple[Layout, float]]:
    """Layouts that a page may have, each with its cost for being rare or for an unusual number of rhythm strips.

    If a layout is `forced` by its name, only this layout. If it has one column, and the rows are much longer than its time at the usual
    paper speed, also the same layout with the duration of the rows at that speed.
    """
    tracks, ordered = len(evidence.tracks), sorted(evidence.names, key=lambda name: name.y_mm)
    leads = tuple(dict.fromkeys(name.lead for name in ordered if name.lead in LEADS))
    if forced is not None:
        given = LAYOUTS[forced] if forced in LAYOUTS else layout_for(forced, leads or LEADS)
        yield given, 0.0
        left, right = evidence.span_mm
        seconds = round((right - left) / USUAL_SPEED)
        if evidence.scaled and len(given.columns) == 1 and seconds > _LONGER * given.seconds:
            yield replace(given, seconds=float(seconds)), 0.0
        return
    bases: dict[tuple[tuple[str, ...], ...], Layout] = {}
    for layout in LAYOUTS.values():
        if layout.name in ("1x1", "2x1"):  # One or two rows may show any leads: `_match_by_names` makes such layouts.
            continue
        bases.setdefault(layout.columns, layout)
        if abs(layout.rows - tracks) <= 2:
            yield layout, _RARITY.get(layout.name.split("+")[0], 0.0)
    # Layouts with the columns of one in `LAYOUTS` and a rhythm strip for each track that is left below the rows of these columns, up to
    # three, if `LAYOUTS` does not have the layout already.
    known = {(layout.columns, len(layout.rhythm)) for layout in LAYOUTS.values()}
    for columns, layout in bases.items():
        strips = tracks - layout.rows + len(layout.rhythm)
        if 0 < strips <= 3 and len(columns) > 1 and (columns, strips) not in known:
            rhythm = ("II", "V1", "V5")[:strips]
            name = f"{layout.name.split('+')[0]}+{strips}"
            yield Layout(name, layout.title, columns, rhythm, layout.seconds), _STRIP_ODD + _RARITY.get(layout.name, 0.0)


def _matches(evidence: _Evidence, layout: Layout, first: int, cost: float, *, whole: bool = False) -> Iterator[LayoutMatch]:
    """Match a layout whose row 0 is track `first`, at several distances of columns and with several ranges of columns in the picture.

    If `first` is negative, the layout's first rows are above the picture. If more than two of the layout's rows, or all, have no track,
    nothing matches. If `whole`, all columns are taken to be in the picture, because too few names were read to show which ones are missing.
    """
    rows = [first + row if 0 <= first + row < len(evidence.tracks) else None for row in range(layout.rows)]
    used = [row for row in rows if row is not None]
    cost += _ROW_OFF * (len(rows) - len(used) + len(evidence.tracks) - len(used))
    if len(used) < max(1, layout.rows - 2):
        return
    columns = len(layout.columns)
    left, right = evidence.span_mm
    for pitch, (start, stop) in product(_pitches(evidence, layout), ((0, columns), *(() if whole else _parts(columns)))):
        shown = stop - start
        speed = snapped(pitch * columns / layout.seconds, SPEEDS_MM_S, _SPEED_OFF)
        price = cost + ((_SPEED_COST[speed] if speed is not None else _NO_SPEED) if evidence.scaled else 0.0)
        price += _CUT * (columns - shown)
        log_ratio = np.log((right - left) / (shown * pitch))
        if log_ratio > 0 or not evidence.cut:  # Rows that the picture cuts off may be too short at no cost, but not too long.
            price += _LENGTH_PRICE * max(abs(log_ratio) - _SAME_LENGTH, 0.0) * columns
        part = Layout(
            layout.name if shown == columns else f"{layout.name} columns {start + 1} to {stop}",
            layout.title, layout.columns[start:stop], layout.rhythm, layout.seconds * shown / columns, layout.upright,
        )  # fmt: skip
        yield _scored(evidence, part, rows, pitch, left, price)


def _parts(columns: int) -> list[tuple[int, int]]:
    """Ranges (first, stop) of columns that a picture may show of a layout's `columns`, but not all: at least two, or one out of two."""
    return [(a, b) for a in range(columns) for b in range(a + 1, columns + 1) if 1 < b - a < columns or (columns == 2 and b - a == 1)]


def _pitches(evidence: _Evidence, layout: Layout) -> list[float]:
    """Candidates for the distance of columns in mm: from the rows' length, from the paper speeds, and from the names.

    Left out are distances of at most 8 mm (those by names if they are at most 12 mm), and distances within 1 % of an earlier candidate.
    """
    left, right = evidence.span_mm
    columns = len(layout.columns)
    found = [(right - left) / columns]
    if columns > 1:
        found += [layout.seconds / columns * speed for speed in SPEEDS_MM_S]
        column_of = {label.removeprefix("-"): column for column, labels in enumerate(layout.columns) for label in labels}
        placed = [(column_of[name.lead], name.x_mm) for name in evidence.names if name.lead in column_of]
        # For every pair of names in different columns, their distance along x divided by the difference of the columns' indices.
        by_names = [(b[1] - a[1]) / (b[0] - a[0]) for k, a in enumerate(placed) for b in placed[k + 1 :] if a[0] != b[0]]
        if by_names and np.median(by_names) > 12.0:
            found.append(float(np.median(by_names)))
    kept: list[float] = []
    for pitch in found:
        if pitch > 8.0 and all(abs(np.log(pitch / other)) > 0.01 for other in kept):
            kept.append(pitch)
    return kept


def _scored(evidence: _Evidence, layout: Layout, rows: list[int | None], pitch: float, left: float, cost: float) -> LayoutMatch:
    """The match of a layout with given rows and distance of columns: names are assigned to its cells, and the score is added up.

    Parameters
    ----------
    evidence : _Evidence
    layout : Layout
    rows : list of int or None
        Index of the track of every row of the layout; None for a row without one.
    pitch : float
        Distance of columns, mm.
    left : float
        Approximate page x at which the first column starts, mm.
    cost : float
        Costs that do not depend on names.
    """
    first_strip = layout.rows - len(layout.rhythm)
    cells = {(row, column): label for column, labels in enumerate(layout.columns) for row, label in enumerate(labels)}
    candidates: list[tuple[int, int, int]] = []  # Index of a name, and row and column of a cell that it may belong to.
    for k, name in enumerate(evidence.names):
        candidates += [(k, row, column) for (row, column), label in cells.items() if label.removeprefix("-") == name.lead]
        candidates += [(k, first_strip + strip, 0) for strip in range(len(layout.rhythm)) if name.lead in LEADS]
    candidates = [(k, row, column) for k, row, column in candidates if rows[row] is not None]
    leads = dict(cells)
    leads |= {(first_strip + k, 0): lead for k, lead in enumerate(layout.rhythm)}
    if not candidates:  # Then the cells of rows without a track cost as much as others.
        score = -cost - _EMPTY * len(cells) - _EMPTY_STRIP * len(layout.rhythm)
        return LayoutMatch(layout, leads, tuple(rows), pitch, left, (0.0, 0.0), score, 0)
    index = np.array(candidates)
    sure = np.array([evidence.names[k].sure for k in index[:, 0]])
    down = np.array([evidence.below_mm[k, track] for k, row, _ in candidates if (track := rows[row]) is not None])
    across = np.array([evidence.names[k].x_mm - left - column * pitch for k, _, column in candidates])
    on_strip = index[:, 1] >= first_strip
    most_down = max(_DOWN * evidence.pitch_mm, _LEAST_DOWN_MM)
    # A strip may show any lead, so the name of every lead is a candidate for it. These candidates count less.
    offset = _agreed_offset(down, across, sure * np.where(on_strip, 0.3, 1.0), pitch)
    off_down, off_across = np.abs(down - offset[1]), np.abs(across - offset[0])
    fits = (off_down < most_down) & (off_across < _ACROSS * max(pitch, 20.0))
    worth = sure * (1.0 - 0.5 * (off_down / most_down) ** 2)  # At the largest distance along y, half of the name's confidence.
    # Cells of columns take their names before rhythm strips do, and each cell takes the name of the largest `worth` that is left.
    taken: dict[tuple[int, int], int] = {}
    used: set[int] = set()
    score = 0.0
    for j in sorted(np.flatnonzero(fits), key=lambda j: (on_strip[j], -worth[j])):
        k, cell = int(index[j, 0]), (int(index[j, 1]), int(index[j, 2]))
        if k in used or cell in taken:
            continue
        used.add(k)
        taken[cell] = k
        score += float(worth[j])
        name = evidence.names[k]
        if on_strip[j] and (name.lead in _USUAL_STRIPS or name.sure > _SURE_STRIP):
            leads[cell] = name.lead
    empty = sum((row, column) not in taken for row, column in leads if row < first_strip and rows[row] is not None)
    score -= _EMPTY * empty + _EMPTY_STRIP * sum(cell not in taken for cell in leads if cell[0] >= first_strip)
    stray = sum(name.sure > _SURE for k, name in enumerate(evidence.names) if k not in used)
    score -= min(_STRAY * stray, _MOST_STRAY * len(used)) + _FAR_NAME * max(abs(offset[1]) - _USUAL_NAME_MM, 0.0)
    return LayoutMatch(layout, leads, tuple(rows), pitch, left, offset, float(score - cost), len(used))


def _agreed_offset(down: np.ndarray, across: np.ndarray, weight: np.ndarray, pitch: float) -> tuple[float, float]:
    """The offset (x, y) of names from their traces, mm, that gets most votes, averaged with the offsets that are close to it.

    `down` and `across` (n,) are the offsets in mm of names from all cells that they may belong to. Each offset votes with its `weight`
    (n,). `pitch` is the distance of columns, mm.
    """
    near = np.exp(-0.5 * ((down[:, None] - down) / _KERNEL_MM) ** 2 - 0.5 * ((across[:, None] - across) / (_KERNEL_COLUMNS * pitch)) ** 2)
    votes = near @ weight - 0.01 * np.abs(down)  # If offsets have about equally many votes, the smaller one along y wins.
    best = int(np.argmax(votes))
    weights = near[best] * weight
    return float(np.average(across, weights=weights)), float(np.average(down, weights=weights))


def _match_by_names(evidence: _Evidence) -> list[LayoutMatch]:
    """The best match of a layout that is made of the names alone; an empty list if there is none.

    The tracks are the layout's rows, and names that stand below one another form its columns. Only names of the twelve leads with a
    confidence of more than 0.4 are used. Offsets along y of names from their tracks are tried up to 25 mm, upwards and downwards.
    """
    known = [k for k, name in enumerate(evidence.names) if name.lead in LEADS and name.sure > 0.4]
    if not known:
        return []
    best: LayoutMatch | None = None
    within = max(0.25 * evidence.pitch_mm, _LEAST_DOWN_MM)  # Largest difference of a name's own offset from the one tried, mm.
    for offset in {round(float(below), 1) for below in evidence.below_mm[known].ravel() if abs(below) < 25.0}:
        nearest = [(k, int(np.argmin(np.abs(evidence.below_mm[k] - offset)))) for k in known]
        near = [(k, track) for k, track in nearest if abs(evidence.below_mm[k, track] - offset) < within]
        match = _match_at_offset(evidence, near, offset)
        if match is not None and (best is None or match.score > best.score):
            best = match
    return [best] if best is not None else []


def _match_at_offset(evidence: _Evidence, placed: list[tuple[int, int]], offset: float) -> LayoutMatch | None:
    """The match of a layout made of names that are about `offset` mm below their tracks (above them if `offset` is negative).

    `placed` holds the index of each of these names and the index of its track. None if `placed` is empty, if a cell of the columns would
    have no name, or if a lead would be in two cells of columns.
    """
    if not placed:
        return None
    left, right = evidence.span_mm
    x = np.array(sorted(evidence.names[k].x_mm for k, _ in placed))
    groups = np.split(x, np.flatnonzero(np.diff(x) > 20.0) + 1)  # Names that are more than 20 mm apart along x are in different columns.
    middles = np.array([group.mean() for group in groups])
    name_at: dict[tuple[int, int], int] = {}  # The index of the name in every cell (row, column).
    for k, track in placed:
        cell = track, int(np.argmin(np.abs(middles - evidence.names[k].x_mm)))
        if cell not in name_at or evidence.names[name_at[cell]].sure < evidence.names[k].sure:
            name_at[cell] = k
    # Counted from the lowest track upwards, all tracks that have no name in any column after the first are rhythm strips.
    count = len(evidence.tracks)
    strips = 0
    while len(middles) > 1 and strips < count and all((count - 1 - strips, c) not in name_at for c in range(1, len(middles))):
        strips += 1
    rows = count - strips
    if not rows or any((row, c) not in name_at for row in range(rows) for c in range(len(middles))):
        return None
    label = {cell: evidence.names[k].lead for cell, k in name_at.items()}
    columns = tuple(tuple(label[row, c] for row in range(rows)) for c in range(len(middles)))
    leads = [lead for column in columns for lead in column]
    if len(set(leads)) < len(leads):
        return None
    rhythm = tuple(label.get((rows + k, 0), "II") for k in range(strips))  # A rhythm strip without a name is taken for II.
    pitch = float(np.median(np.diff(middles))) if len(middles) > 1 else right - left
    # If the length of the rows is that of 10 s at a usual paper speed, within 10 mm, they show 10 s. Otherwise their duration follows from
    # their length: at the usual speed at which they show nearly 10 s, or else at 25 mm/s.
    speed = snapped((right - left) / 10.0, SPEEDS_MM_S, _SPEED_OFF) or 25.0
    name = f"{rows}x{len(middles)}" + (f"+{strips}" if strips else "")
    layout = Layout(name, "by its names", columns, rhythm, (right - left) / speed if abs(right - left - 10 * speed) > 10 else 10.0)
    cells = {(row, c): lead for c, column in enumerate(columns) for row, lead in enumerate(column)}
    cells |= {(rows + k, 0): lead for k, lead in enumerate(rhythm)}
    sure = sum(evidence.names[k].sure for k in name_at.values())
    stray = sum(name.sure > _SURE for k, name in enumerate(evidence.names) if k not in name_at.values())
    # The offset of names from their tracks costs 0.05 per mm, and a page with a single track costs 1.
    score = sure - min(_STRAY * stray, _MOST_STRAY * len(name_at)) - _BY_NAMES - 0.05 * abs(offset) - (0.0 if count > 1 else 1.0)
    return LayoutMatch(layout, cells, tuple(range(count)), pitch, left, (float(middles[0] - left), offset), score, len(name_at))
