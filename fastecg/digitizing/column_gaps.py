"""Measure the gaps between columns of leads, which give the distance of columns and how much of their time is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastecg.digitizing.assign import LayoutMatch
from fastecg.digitizing.coarse import Strip
from fastecg.digitizing.follow import StraightPage, TracePath, in_pixels
from fastecg.digitizing.layout import COLUMN_GAP_MM
from fastecg.digitizing.tracks import ink_along
from fastecg.kernels.runs import runs_of

#: Lengths of columns or rows in mm that differ by less than this count as equal. A column this close to its nominal length is full.
SAME_LENGTH_MM = 0.7

_SAME_GAP_MM = 0.8  # Three quarters of all left and right ends of gaps have to be at most this far from their median over the rows.
_SAME_PITCH = 0.12  # Largest difference between the distance of columns by gaps and that of the match, as a share of the latter.
_MOST_GAP_MM = 15.0  # Maximum width of a gap: no machine leaves more paper blank between columns.
_BESIDE_PX = 2  # Ink up to this far above and below a path counts as ink on the path.
_BLANK = 0.5  # Paper is blank where the coverage (0 to 1) is below this.
_BAR_MM = 1.0  # A bar in a gap is narrower than this: bars are drawn 0.2 to 0.8 mm wide.
_SPIKE_MM = 30.0  # Ink that is connected with a path counts up to this far above and below it: 3 mV at the usual gain.
_GAP_ROWS = 0.5  # Of all places where two columns of a row meet, at least this share has to show a gap.


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
        Whether the left and the right end of each row are the trace's own: neither cut off by the picture's edge nor part of a pulse.
    match : LayoutMatch
    cap_mm : float
        How far the ink extends beyond the first and the last sample.
    nominal_mm : float
        Length of a column's nominal time.

    Returns
    -------
    (float, float) or None
        Distance of columns, and their length from the first to the last sample, mm; None if too few gaps are seen, or if gaps contradict
        one another or the match, or are too narrow or too wide.
    """
    columns = len(match.layout.columns)
    # For every column after the first, the gap in front of it in each row: page x at which the gap begins and ends.
    found: list[list[tuple[float, float]]] = [[] for _ in range(columns - 1)]
    rows = 0
    for path, span, own_ends in zip(paths, spans, own, strict=False):
        if path is None or span is None:
            continue
        rows += 1
        blanks = _blanks_along(straight, path, span)
        length = span[1] - span[0]
        # The distance of columns by the row's own length if the row is whole and within 30 % of its nominal length, otherwise by the match.
        whole = all(own_ends) and abs(length - columns * nominal_mm) < 0.3 * columns * nominal_mm
        pitch = (length - nominal_mm) / (columns - 1) if whole else match.column_mm
        for column in range(1, columns):
            # The gap in front of a column ends where the column begins. Of the gaps that end near the expected place, the widest is taken.
            near = [blank for blank in blanks if abs(blank[1] - span[0] - column * pitch) < 0.15 * pitch]
            if near:
                found[column - 1].append(max(near, key=lambda blank: blank[1] - blank[0]))
    if rows == 0 or sum(map(len, found)) < _GAP_ROWS * rows * (columns - 1) or not all(found):
        return None
    # Medians over the rows: where the columns after the first begin, and where the columns before the last end.
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
    # or a distance of columns that contradicts that of the match, and with it the names of leads.
    return (pitch, width) if pitch > width and abs(pitch - match.column_mm) < _SAME_PITCH * match.column_mm else None


def _median_own_end(ends_mm: Sequence[float | None], own: Sequence[bool], columns: int) -> float:
    """Median over the rows of those ends on one side, page x in mm, that are the traces' own; NaN if none is.

    Two columns have a single gap, which does not give their distance without the ends of rows. So with two columns, if no end is the
    trace's own, all ends are used.
    """
    found = [x for x, is_own in zip(ends_mm, own, strict=False) if x is not None and (is_own or (columns == 2 and not any(own)))]
    return float(np.median(found)) if found else np.nan


def _common_slope(begun: np.ndarray, ended: np.ndarray) -> float:
    """The distance of columns, mm: the common slope of two lines, one through the starts and one through the ends (columns,) of columns.

    The lines are fitted by least squares over the columns' indices. Starts (`begun`) and ends (`ended`) that are NaN are left out.
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

    A row that is as long as its nominal time has no gaps, even if its ink is interrupted, as by a dashed bar between columns. Gaps between
    columns of full length, if they are narrower than `COLUMN_GAP_MM`, are also breaks of the ink. Neither holds if the length of any row
    confirms the gaps.

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
    # The drawn time ends one step after the last sample. Columns hardly shorter than their nominal time, or longer, are taken to be full.
    shown = width + step_mm if nominal_mm - width - step_mm > SAME_LENGTH_MM else nominal_mm
    # Lengths of rows that fit the gaps. If there are any, they give the distance, since ends of rows are measured better than gaps.
    gapped = [mm for mm in lengths if abs(mm + step_mm - (columns - 1) * pitch - shown) < SAME_LENGTH_MM]
    if gapped:
        return (float(np.median(gapped)) + step_mm - shown) / (columns - 1), shown
    narrow = pitch - shown < COLUMN_GAP_MM and shown == nominal_mm  # The ink breaks where the levels of two columns differ.
    if narrow or any(abs(mm + step_mm - columns * nominal_mm) < SAME_LENGTH_MM for mm in lengths):
        return None
    return pitch, shown


def _blanks_along(straight: StraightPage, path: TracePath, span: tuple[float, float]) -> list[tuple[float, float]]:
    """Gaps along a path: page x at which the ink before each gap ends, and page x at which the ink after the gap starts.

    A gap is wider than `COLUMN_GAP_MM`. It has no ink of the path's trace at any height (see `_joined_ink`), and at the path no other ink,
    if the picture's own ink is known. Two gaps with a bar between them count as one if both are wider than `_BAR_MM`. Narrower gaps are
    breaks of a faint trace, and stay apart. `span` is the page x of both ends of the row.
    """
    along = ink_along(straight.whole, path, _BESIDE_PX)
    printed = along if straight.ink is None else np.maximum(along, ink_along(straight.ink, path, _BESIDE_PX))
    x = path.left_mm + np.arange(len(along)) / path.scale
    inside = (x > span[0]) & (x < span[1])
    printed = np.maximum(printed, _joined_ink(straight.whole, path, runs_of((printed < _BLANK) & inside).tolist()))
    out: list[tuple[float, float]] = []
    for start, stop in runs_of((printed < _BLANK) & inside).tolist():
        if start > 0 and stop < len(along) and (stop - start) / path.scale > COLUMN_GAP_MM:
            before = start - 1 + _edge_of_ink(printed[start - 1], printed[start])
            after = stop - _edge_of_ink(printed[stop], printed[stop - 1])
            blank = path.left_mm + before / path.scale, path.left_mm + after / path.scale
            divided = bool(out) and blank[0] - out[-1][1] < _BAR_MM < min(blank[1] - blank[0], out[-1][1] - out[-1][0])
            begin = out.pop()[0] if divided else blank[0]
            out.append((begin, blank[1]))
    return out


def _joined_ink(strip: Strip, path: TracePath, runs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Coverage in every column (columns,) of a path's trace above and below the path, where the path itself is without ink.

    A path may leave out the tip of a spike. It is then on bare paper between the spike's flanks, and so it is where it changes to the level
    of the next column. In both cases the ink at the run's sides goes on above or below the path. At a gap it ends there.

    Parameters
    ----------
    strip : Strip
    path : TracePath
    runs : sequence of (int, int)
        First column of each run of the path without ink, and the column after its last one.

    Returns
    -------
    ndarray, shape (columns,)
        Largest coverage of ink that is connected with the ink on the path beside the run; 0 outside the runs, and in runs that are too
        narrow for a gap or begin or end with the path.
    """
    from scipy.ndimage import label

    out = np.zeros(len(path.top_mm), dtype=strip.ink.dtype)
    first, tops, bottoms = in_pixels(strip, path)
    middle = np.rint(((path.top_mm + path.bottom_mm) / 2 - strip.top_mm) * strip.scale).astype(int)
    reach, beside = round(_SPIKE_MM * strip.scale), round(COLUMN_GAP_MM * strip.scale)
    for start, stop in runs:
        if start == 0 or stop >= len(out) or (stop - start) / path.scale <= COLUMN_GAP_MM:
            continue
        left, right = max(start - beside, 0), min(stop + beside, len(out))
        above = max(int(middle[left:right].min()) - reach, 0)
        box = strip.ink[above : int(middle[left:right].max()) + reach + 1, first + left : first + right]
        labels = label(box >= _BLANK, np.ones((3, 3)))[0]
        own = [
            labels[max(tops[at] - _BESIDE_PX - above, 0) : max(bottoms[at] + _BESIDE_PX + 1 - above, 0), at - left]
            for at in (*range(left, start), *range(stop, right))
        ]
        joined = np.isin(labels, np.setdiff1d(np.concatenate(own), 0))
        out[start:stop] = np.where(joined, box, 0.0).max(axis=0, initial=0.0)[start - left : stop - left]
    return out


def _edge_of_ink(inside: float, outside: float) -> float:
    """Where coverage falls to one half: 0 is a column with the coverage `inside`, 1 the next column outwards, with `outside`."""
    return float(np.clip((inside - _BLANK) / max(inside - outside, 1e-6), 0.0, 1.0))
