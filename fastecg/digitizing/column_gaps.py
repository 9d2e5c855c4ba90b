"""Measure the gaps between columns of leads, which give the distance of columns and how much of their time is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.assign import LayoutMatch
from fastecg.digitizing.follow import StraightPage, TracePath
from fastecg.digitizing.layout import COLUMN_GAP_MM
from fastecg.digitizing.tracks import ink_along
from fastecg.kernels.runs import runs_of

#: Lengths of columns or rows that differ by less than this, mm, count as equal; a column so close to its nominal length is drawn in full.
SAME_LENGTH_MM = 0.7

_SAME_GAP_MM = 0.8  # Three quarters of all ends of gaps have to be at most this far from the median of their column.
_SAME_PITCH = 0.12  # Largest difference between the distance of columns by gaps and that of the match, as a share of the latter.
_MOST_GAP_MM = 15.0  # Maximum width of a gap: no machine leaves more paper blank between columns.
_BESIDE_PX = 2  # Ink up to this far above and below a path counts as ink on the path.
_BLANK = 0.5  # Paper is blank where the coverage is below this.
_BAR_MM = 1.0  # A bar in a gap is narrower than this: bars are drawn 0.2 to 0.8 mm wide.
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
    """Measure the distance and the length of columns by the gaps between them.

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
        Distance of columns, and their length from the first to the last sample, mm; None if too few gaps are seen, or they contradict each
        other or the match, or are too narrow or wide.
    """
    columns = len(match.layout.columns)
    found: list[list[tuple[float, float]]] = [[] for _ in range(columns - 1)]
    count = 0
    for path, span, own_ends in zip(paths, spans, own, strict=False):
        if path is None or span is None:
            continue
        count += 1
        blanks = _blanks_along(straight, path, span)
        length = span[1] - span[0]
        # The distance of columns by the row's own length, if the row is whole and at most 30 % shorter or longer than its nominal time.
        whole = all(own_ends) and abs(length - columns * nominal_mm) < 0.3 * columns * nominal_mm
        pitch = (length - nominal_mm) / (columns - 1) if whole else match.column_mm
        for column in range(1, columns):
            # The gap in front of a column ends where the column begins. The widest that ends about there is taken.
            near = [blank for blank in blanks if abs(blank[1] - span[0] - column * pitch) < 0.15 * pitch]
            if near:
                found[column - 1].append(max(near, key=lambda blank: blank[1] - blank[0]))
    if count == 0 or sum(map(len, found)) < _GAP_ROWS * count * (columns - 1) or not all(found):
        return None
    # Medians over the rows: where columns after the first begin, and where those before the last end.
    begins, ends = (np.array([np.median([blank[k] for blank in group]) for group in found]) for k in (1, 0))
    apart = [
        abs(blank[k] - median)
        for k, medians in ((1, begins), (0, ends))
        for group, median in zip(found, medians, strict=True)
        for blank in group
    ]
    spread = np.quantile(apart, 0.75)
    if spread > _SAME_GAP_MM or not ((begins - ends > COLUMN_GAP_MM) & (begins - ends < _MOST_GAP_MM)).all():
        return None
    first, last = (
        _median_own_end([span and span[side] for span in spans[: len(paths)]], [own_ends[side] for own_ends in own], columns)
        for side in (0, 1)
    )
    begun, ended = np.concatenate([[first], begins]), np.concatenate([ends, [last]])
    pitch, width = _common_slope(begun, ended), float(np.nanmedian(ended - begun)) - 2 * cap_mm
    # Blank paper at the same place of every row may also be a part of the trace that was not seen. Such blanks give columns that overlap,
    # or that do not lie where the names of leads are, from which `match.column_mm` comes.
    return (pitch, width) if pitch > width and abs(pitch - match.column_mm) < _SAME_PITCH * match.column_mm else None


def _median_own_end(ends_mm: Sequence[float | None], own: Sequence[bool], columns: int) -> float:
    """Median of the ends of rows that are the traces' own; NaN if there are none.

    Two columns have a single gap, which does not give their distance without the ends. So if none of their ends is the trace's own, all
    ends are used.
    """
    found = [x for x, is_own in zip(ends_mm, own, strict=False) if x is not None and (is_own or (columns == 2 and not any(own)))]
    return float(np.median(found)) if found else np.nan


def _common_slope(begun: np.ndarray, ended: np.ndarray) -> float:
    """The distance of columns, mm: the common slope of two straight lines, one through their starts and one through their ends (columns,).

    The lines are fitted by least squares over the columns' numbers. Starts and ends that are NaN are left out.
    """
    products, squares = 0.0, 0.0
    for edges in (begun, ended):
        known = np.flatnonzero(np.isfinite(edges))
        numbers = known - known.mean()
        products, squares = products + float(numbers @ edges[known]), squares + float(numbers @ numbers)
    return products / squares


def pitch_and_shown_mm(
    found: tuple[float, float], lengths: Sequence[float], columns: int, nominal_mm: float, step_mm: float
) -> tuple[float, float] | None:
    """Distance of columns and length of their drawn time, mm, from gaps and row lengths; None if the gaps are breaks of the ink.

    A row that is as long as its nominal time has no gaps, even if its ink is interrupted, as by a dashed bar between columns. Between
    columns of full length, gaps narrower than `COLUMN_GAP_MM` are breaks, too, if the rows' lengths do not confirm them.

    Parameters
    ----------
    found : (float, float)
        Distance of columns and their length from the first to the last sample, from `columns_from_gaps`.
    lengths : sequence of float
        Lengths of rows from the first to the last sample, mm.
    columns : int
        Number of columns.
    nominal_mm : float
        Length of a column's nominal time.
    step_mm : float
        Distance of two samples.
    """
    pitch, width = found
    # The last sample also takes one step. Columns that are hardly shorter than their nominal time are taken to be drawn in full.
    shown = width + step_mm if nominal_mm - width - step_mm > SAME_LENGTH_MM else nominal_mm
    gapped = [mm for mm in lengths if abs(mm + step_mm - (columns - 1) * pitch - shown) < SAME_LENGTH_MM]
    if gapped:  # The ends of rows are measured more precisely than those of gaps.
        return (float(np.median(gapped)) + step_mm - shown) / (columns - 1), shown
    narrow = pitch - shown < COLUMN_GAP_MM and shown == nominal_mm  # The ink breaks where the levels of two columns differ.
    if narrow or any(abs(mm + step_mm - columns * nominal_mm) < SAME_LENGTH_MM for mm in lengths):
        return None
    return pitch, shown


def _blanks_along(straight: StraightPage, path: TracePath, span: tuple[float, float]) -> list[tuple[float, float]]:
    """Gaps along a path: page x where the ink before each gap ends, and where the ink after it starts.

    A gap has neither ink of traces nor, if the picture's own ink is known, any other. If a bar divides a gap between two columns into two
    that are wider than `_BAR_MM`, the gap is counted as one. Narrower ones are breaks of a faint trace, and stay apart.
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
            divided = bool(out) and blank[0] - out[-1][1] < _BAR_MM < min(blank[1] - blank[0], out[-1][1] - out[-1][0])
            begin = out.pop()[0] if divided else blank[0]
            out.append((begin, blank[1]))
    return out


def _edge_of_ink(inside: float, outside: float) -> float:
    """Position, in pixel columns, at which coverage falls to one half, from 0 at a column with ink to 1 at the next one without."""
    return float(np.clip((inside - _BLANK) / max(inside - outside, 1e-6), 0.0, 1.0))
