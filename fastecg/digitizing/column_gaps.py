"""Measure the blank paper between columns of leads: it gives the distance of columns and how much of their time is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.assign import LayoutMatch
from fastecg.digitizing.follow import StraightPage, TracePath
from fastecg.digitizing.layout import COLUMN_GAP_MM
from fastecg.digitizing.tracks import ink_along
from fastecg.kernels.runs import runs_of

#: Columns whose length is their nominal time to within this, in mm, have neither gaps nor a shortened time.
SAME_LENGTH_MM = 0.7

_SAME_GAP_MM = 0.8  # Three quarters of the gaps of all rows have to agree with their column's median to within this.
_SAME_PITCH = 0.12  # Largest difference between the distance of columns by gaps and that of the matched layout, as a share.
_MOST_GAP_MM = 15.0  # Maximum width of the blank paper between columns: no machine leaves more.
_BESIDE_PX = 2  # Ink up to this far above and below a path counts as on the path.
_BLANK = 0.5  # Paper is blank where the coverage is below this.
_BAR_MM = 1.0  # Maximum width of a bar that stands in a gap: bars are drawn 0.2 to 0.8 mm wide.
_GAP_ROWS = 0.5  # Minimum share of the places where two columns of a row meet that have to show a gap.


def columns_from_gaps(
    straight: StraightPage,
    paths: Sequence[TracePath | None],
    spans: Sequence[tuple[float, float] | None],
    own: Sequence[tuple[bool, bool]],
    match: LayoutMatch,
    cap_mm: float,
    nominal_mm: float,
) -> tuple[float, float] | None:
    """Measure the distance and the length of columns by the blank paper between them.

    Parameters
    ----------
    straight : StraightPage
    paths : sequence of TracePath or None
        The path of every row with columns.
    spans : sequence of (float, float) or None
        Page x of the ends of every row.
    own : sequence of (bool, bool)
        Whether the left and right end of each row are the trace's own: neither cut off by the picture's edge nor part of a pulse.
    match : LayoutMatch
    cap_mm : float
        How far the ink extends beyond the first and the last sample.
    nominal_mm : float
        Length of a column's nominal time.

    Returns
    -------
    (float, float) or None
        Distance of columns, and their length from the first to the last sample, mm; None if there are no gaps.
    """
    columns = len(match.layout.columns)
    found: list[list[tuple[float, float]]] = [[] for _ in range(columns - 1)]
    count = 0
    for row, span, free in zip(paths, spans, own, strict=False):
        if row is None or span is None:
            continue
        count += 1
        blanks = _blanks_along(straight, row, span)
        length = span[1] - span[0]
        whole = all(free) and abs(length - columns * nominal_mm) < 0.3 * columns * nominal_mm
        pitch = (length - nominal_mm) / (columns - 1) if whole else match.column_mm
        for c in range(1, columns):
            # The gap in front of column c ends where the column begins.
            near = [blank for blank in blanks if abs(blank[1] - span[0] - c * pitch) < 0.15 * pitch]
            if near:
                found[c - 1].append(max(near, key=lambda blank: blank[1] - blank[0]))
    if count == 0 or sum(map(len, found)) < _GAP_ROWS * count * (columns - 1) or not all(found):
        return None
    begins, ends = (np.array([np.median([blank[k] for blank in group]) for group in found]) for k in (1, 0))
    apart = [
        abs(blank[k] - middle) for k, middles in ((1, begins), (0, ends)) for g, middle in zip(found, middles, strict=True) for blank in g
    ]
    spread = np.quantile(apart, 0.75)
    if spread > _SAME_GAP_MM or not ((begins - ends > COLUMN_GAP_MM) & (begins - ends < _MOST_GAP_MM)).all():
        return None
    first, last = (
        _median_own_end([span and span[side] for span in spans[: len(paths)]], [ends_of[side] for ends_of in own], columns)
        for side in (0, 1)
    )
    begun, ended = np.concatenate([[first], begins]), np.concatenate([ends, [last]])
    pitch, width = _common_slope(begun, ended), float(np.nanmedian(ended - begun)) - 2 * cap_mm
    # Blank paper at the same place of every row may be a part of the trace that was not seen. The columns tell: they would overlap, or
    # not lie where their names do.
    return (pitch, width) if pitch > width and abs(pitch - match.column_mm) < _SAME_PITCH * match.column_mm else None


def _median_own_end(ends_mm: Sequence[float | None], own: Sequence[bool], columns: int) -> float:
    """Median of the ends of rows that are the traces' own; NaN if there are none.

    Of two columns, no other gap gives the distance. So if no row has an end of its own, all ends are used.
    """
    found = [x for x, clear in zip(ends_mm, own, strict=False) if x is not None and (clear or (columns == 2 and not any(own)))]
    return float(np.median(found)) if found else np.nan


def _common_slope(begun: np.ndarray, ended: np.ndarray) -> float:
    """The distance of columns, mm: the common slope of two straight lines through their starts and their ends (columns,).

    Starts and ends that are NaN are left out.
    """
    apart, at = 0.0, 0.0
    for edges in (begun, ended):
        known = np.flatnonzero(np.isfinite(edges))
        away = known - known.mean()
        apart, at = apart + float(away @ edges[known]), at + float(away @ away)
    return apart / at


def pitch_and_shown_mm(
    found: tuple[float, float], lengths: Sequence[float], columns: int, nominal_mm: float, step_mm: float
) -> tuple[float, float] | None:
    """Distance of columns and length of their drawn time, mm, from gaps and row lengths; None if rows are too short to have gaps.

    A row that is as long as its nominal time has no gaps, even if its ink is interrupted, as by a dashed bar between columns.
    """
    pitch, width = found
    shown = width + step_mm if nominal_mm - width - step_mm > SAME_LENGTH_MM else nominal_mm
    wide = [mm for mm in lengths if abs(mm + step_mm - (columns - 1) * pitch - shown) < SAME_LENGTH_MM]
    if wide:  # The ends of rows are measured more precisely than those of gaps.
        return (float(np.median(wide)) + step_mm - shown) / (columns - 1), shown
    if any(abs(mm + step_mm - columns * nominal_mm) < SAME_LENGTH_MM for mm in lengths):
        return None
    return pitch, shown


def _blanks_along(straight: StraightPage, path: TracePath, span: tuple[float, float]) -> list[tuple[float, float]]:
    """Gaps along a path without ink of any kind: page x where the ink before each gap ends, and where the ink after it starts.

    A bar between two columns parts a gap in two, which count as one.
    """
    along = ink_along(straight.whole, path, _BESIDE_PX)
    printed = along if straight.ink is None else np.maximum(along, ink_along(straight.ink, path, _BESIDE_PX))
    x = path.left_mm + np.arange(len(along)) / path.scale
    out: list[tuple[float, float]] = []
    for start, stop in runs_of((printed < _BLANK) & (x > span[0]) & (x < span[1])).tolist():
        if start > 0 and stop < len(along) and (stop - start) / path.scale > COLUMN_GAP_MM:
            before = start - 1 + _edge_of_ink(printed[start - 1], printed[start])
            after = stop - _edge_of_ink(printed[stop], printed[stop - 1])
            blank = path.left_mm + before / path.scale, path.left_mm + after / path.scale
            begin = out.pop()[0] if out and blank[0] - out[-1][1] < _BAR_MM else blank[0]
            out.append((begin, blank[1]))
    return out


def _edge_of_ink(inside: float, outside: float) -> float:
    """Position, in pixel columns, at which coverage falls to one half between a column with ink and the next one without."""
    return float(np.clip((inside - _BLANK) / max(inside - outside, 1e-6), 0.0, 1.0))
