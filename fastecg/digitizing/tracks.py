"""Find tracks, which are the rows of traces of a page, by their ink alone, before any layout is known.

In many columns of pixels of a straightened page, every row of traces is one short run of ink. So the largest number of runs that occurs
often is the number of rows, and in such columns the k-th run from above belongs to the k-th row, however far its signal wanders. From the
median height of its runs, a row is followed through the ink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastecg.digitizing.coarse import FIVE_MM, Strip
from fastecg.digitizing.follow import TRACE, TracePath, ends_mm, follow_row, in_pixels
from fastecg.kernels.runs import runs_of

_INK = 0.4  # A pixel is ink if its coverage is larger than this, where runs are counted.
_FLAT_MM = 1.2  # A run of ink that is shorter than this belongs to a level part of a trace, and not to a flank.
# A number of runs in a column of pixels counts if the columns that have it are more than this share of those that have the most frequent
# number. The largest number that counts is the number of rows of traces.
_USUAL = 0.5
_MOST_ROWS = 24  # Largest number of rows.
_ALONE_MM = 40.0  # Distance of rows that is assumed if a page has only one row.
_RULED_MM = 0.1  # A track that deviates less than this from a straight line is taken for the line of a frame.
_COVERED = 0.5  # Minimum share of a track's length that is on ink.
_LONG_MM = 8.0  # Pieces longer than this count as parts of traces, since no word is as long.
_LEAST_SHARE = 0.2  # Minimum share of the page's width that pieces longer than `_LONG_MM` fill in a track.
_ON_INK = 0.3  # A path is on ink where the coverage is larger than this.
_OTHER_ROW_MM = 2.0  # Minimum distance of ink from all tracks for it to belong to another row.
_OTHER_ROW_SHARE = 0.35  # Minimum share of the page's width that the ink of another row fills.
_SAME_MM = 0.6  # Paths closer than this run together.
_SAME_SHARE = 0.5  # Two paths that run together over more than this share of their length are one track.
_GAP_MM = 0.8  # Bare paper along a path that is longer than this divides the path into pieces.
_JUMP_MM = 1.0  # A vertical step of a path that is higher than this divides the path if it leads over paper.
_BARE_JUMP = 0.5  # A vertical step leads over paper if the mean coverage along it is less than this.
_STRAIGHT_MM = 0.08  # A piece at an end of a path may be a line of the grid if it deviates less than this from a straight line.
_LEAST_PIECE_MM = 1.5  # A piece at an end of a path that is shorter than this is not part of the trace.
_ON_LINE_MM = 0.3  # A piece closer than this to a 5 mm line lies on it.
_MOST_ENDS = 4  # Largest number of possible ends of a path on one side.
_SOFT_PX = 3  # Number of columns beyond a piece in which its ink fades out.
_LEVEL_MM = 10.0  # The level of a track around a point is its median height within this distance to the left and right.


@dataclass(frozen=True, eq=False)
class Track:
    """A row of traces.

    Attributes
    ----------
    path : TracePath
        The path through its ink.
    level_mm : float
        Median page y of the path between its ends.
    ends_mm : (float, float)
        Page x at which its ink begins and ends.
    cut : (bool, bool)
        Whether it continues beyond the left and the right edge of the picture.
    """

    path: TracePath
    level_mm: float
    ends_mm: tuple[float, float]
    cut: tuple[bool, bool] = (False, False)

    def level_at(self, x_mm: np.ndarray) -> np.ndarray:
        """Page y (n,) of the level of the track around page x (n,): the median within 10 mm on both sides, as far as the track goes."""
        middle = (self.path.top_mm + self.path.bottom_mm) / 2
        first, last = (round((end - self.path.left_mm) * self.path.scale) for end in self.ends_mm)
        inside = middle[max(first, 0) : last + 1]
        at = (np.asarray(x_mm) - self.path.left_mm) * self.path.scale - max(first, 0)
        reach = int(_LEVEL_MM * self.path.scale)
        # First columns, and columns after the last. Even at an end of the track they span at least `reach` columns.
        starts, stops = np.clip(at - reach, 0, max(len(inside) - reach, 0)).astype(int), np.clip(at + reach, reach, len(inside)).astype(int)
        return np.array([np.median(inside[a:b]) if b > a else self.level_mm for a, b in zip(starts, stops, strict=True)])


def find_tracks(strip: Strip) -> list[Track]:
    """Find the tracks of a straightened page, from top to bottom; empty if there is no ink of traces."""
    heights = _row_heights(strip)
    tracks = _distinct([track for track in _follow_all(strip, heights) if not _is_straight(track)])
    further = _other_row_heights(strip, tracks)
    if further:
        heights = sorted([track.level_mm for track in tracks] + further)
        tracks = _distinct([track for track in _follow_all(strip, heights) if not _is_straight(track)])
    return tracks


def _runs(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every run of ink in a column of pixels of a plane (height, width): its column, its first row of pixels, and the one after its last.

    Runs are ordered by column, and from top to bottom.
    """
    edges = np.zeros((ink.shape[1], ink.shape[0] + 2), dtype=np.int8)
    edges[:, 1:-1] = (ink > _INK).T
    steps = np.diff(edges, axis=1)
    columns, first = np.nonzero(steps == 1)
    return columns, first, np.nonzero(steps == -1)[1]


def _row_heights(strip: Strip) -> list[float]:
    """Page y of the rows of traces, whose number follows from the numbers of runs in columns (see `_USUAL`); empty without ink."""
    columns, first, after = _runs(strip.ink)
    count = np.bincount(columns, minlength=strip.ink.shape[1])
    frequency = np.bincount(count[count > 0], minlength=2)
    if frequency.sum() == 0:
        return []
    rows = min(int(np.flatnonzero(frequency > _USUAL * frequency.max())[-1]), _MOST_ROWS)
    # Index of the first run of every column that has as many runs as the page has rows of traces.
    start = np.searchsorted(columns, np.flatnonzero(count == rows))
    middle = ((first + after - 1) / 2)[start[:, None] + np.arange(rows)]
    return [float(strip.top_mm + y / strip.scale) for y in np.median(middle, axis=0)]


def _follow_all(strip: Strip, heights: Sequence[float]) -> list[Track]:
    """Follow the rows of traces at about the given page y. Paths of which too little is on ink are left out.

    If rows are less than 4 mm apart, they are followed as if they were 4 mm apart.
    """
    tracks = []
    span = strip.left_mm, strip.left_mm + strip.ink.shape[1] / strip.scale
    for k, height in enumerate(heights):
        distance = min((abs(height - other) for j, other in enumerate(heights) if j != k), default=_ALONE_MM)
        path = follow_row(strip, height, max(distance, 4.0), span)
        ends = track_ends(strip, path)
        if ends is None:
            continue
        inside = slice(*(max(round((end - path.left_mm) * path.scale), 0) for end in ends))
        on_ink = _on_ink(strip, path)
        long_px = sum(stop - start for start, stop in _pieces(strip, path) if stop - start > _LONG_MM * path.scale)
        if on_ink[inside].mean() > _COVERED and long_px > _LEAST_SHARE * len(on_ink):
            middle = ((path.top_mm + path.bottom_mm) / 2)[inside]
            tracks.append(Track(path, float(np.median(middle)) if len(middle) else height, ends))
    return tracks


def track_ends(strip: Strip, path: TracePath, least: float = TRACE) -> tuple[float, float] | None:
    """Page x of the left and right end of a path without pieces that are grid lines or too short; None if nothing is left.

    Ink counts if its coverage is larger than `least`.
    """
    lefts, rights = possible_ends(strip, path, least)
    return (lefts[0], rights[0]) if lefts and rights else None


def possible_ends(strip: Strip, path: TracePath, least: float = TRACE) -> tuple[list[float], list[float]]:
    """Page x at which a trace along a path may begin, and page x at which it may end, each with the likeliest first.

    An outer piece of the path may be a line of the grid, or part of the trace beyond a gap. The ends of other rows show which it is.
    Each list has at most `_MOST_ENDS` places. Both are empty if no piece can be part of a trace.
    """
    pieces = _pieces(strip, path)
    kept = [piece for piece in pieces if not _is_no_trace(path, piece)]
    if not kept:
        return [], []
    outer = [piece for piece in pieces if piece[0] < kept[0][0]], [piece for piece in pieces if piece[1] > kept[-1][1]]
    found: tuple[list[float], list[float]] = ([], [])
    # The likeliest end is that of the outermost piece that is kept. Others are the outer ends of the pieces beyond it, the closest first.
    for side, others in enumerate((reversed(outer[0]), outer[1])):
        spans = [(kept[0][0], kept[-1][1]), *((piece[0], kept[-1][1]) if side == 0 else (kept[0][0], piece[1]) for piece in others)]
        for span in spans[:_MOST_ENDS]:
            first, last = max(span[0] - _SOFT_PX, 0), span[1] + _SOFT_PX
            part = TracePath(path.top_mm[first:last], path.bottom_mm[first:last], path.left_mm + first / path.scale, path.scale)
            ends = ends_mm(strip, part, least)
            if ends is not None:
                found[side].append(ends[side])
    return found


def _pieces(strip: Strip, path: TracePath) -> list[tuple[int, int]]:
    """Ranges of columns in which a path runs over ink, with gaps of at most `_GAP_MM`. High vertical steps over paper divide a range."""
    on = _on_ink(strip, path)
    origin = round((path.left_mm - strip.left_mm) * strip.scale)
    for at in np.flatnonzero(path.bottom_mm - path.top_mm > _JUMP_MM):
        top, bottom = (round((edge[at] - strip.top_mm) * strip.scale) for edge in (path.top_mm, path.bottom_mm))
        if strip.ink[top : bottom + 1, origin + at].mean() < _BARE_JUMP:
            on[at] = False
    broken = path.bottom_mm - path.top_mm > _JUMP_MM  # A gap with a high vertical step is not bridged, however short the gap is.
    pieces: list[tuple[int, int]] = []
    for start, stop in runs_of(on).tolist():
        between = slice(pieces[-1][1], start) if pieces else slice(0, 0)
        if pieces and start - pieces[-1][1] <= _GAP_MM * path.scale and not broken[between].any():
            pieces[-1] = pieces[-1][0], stop
        else:
            pieces.append((start, stop))
    return pieces


def _is_no_trace(path: TracePath, piece: tuple[int, int]) -> bool:
    """Whether a piece of a path is too short for a part of a trace, or a line of the grid."""
    middle = ((path.top_mm + path.bottom_mm) / 2)[slice(*piece)]
    if len(middle) < _LEAST_PIECE_MM * path.scale:
        return True
    height = float(np.median(middle))
    return abs(height - FIVE_MM * round(height / FIVE_MM)) < _ON_LINE_MM and _deviation(middle, 0.9) < _STRAIGHT_MM


def _deviation(middle: np.ndarray, share: float) -> float:
    """Quantile `share` (0 to 1) of the deviations of heights (n,) from the straight line that fits them best."""
    x = np.arange(len(middle))
    return float(np.quantile(np.abs(middle - np.polyval(np.polyfit(x, middle, 1), x)), share))


def _on_ink(strip: Strip, path: TracePath) -> np.ndarray:
    """Mask of the columns in which a path is on ink."""
    return np.asarray(ink_along(strip, path, 1) > _ON_INK)


def ink_along(strip: Strip, path: TracePath, reach_px: int) -> np.ndarray:
    """Largest coverage in every column of pixels of a path, within `reach_px` up and down of its upper and of its lower edge."""
    first, top, bottom = in_pixels(strip, path)
    part = strip.ink[:, first : first + len(top)]
    columns = np.arange(part.shape[1])
    # Ink is sought at both edges only. Where a path is a vertical step between them, `_pieces` tests whether the step is on ink.
    near = [part[np.clip(at + off, 0, len(part) - 1), columns] for at in (top, bottom) for off in range(-reach_px, reach_px + 1)]
    return np.asarray(np.max(near, axis=0))


def _is_straight(track: Track) -> bool:
    """Whether a track is a straight line, as frames and the edges of paper are, or has fewer than three columns."""
    path = track.path
    first, last = (round((end - path.left_mm) * path.scale) for end in track.ends_mm)
    middle = ((path.top_mm + path.bottom_mm) / 2)[max(first, 0) : last + 1]
    if len(middle) < 3:
        return True
    return _deviation(middle, 0.98) < _RULED_MM


def _distinct(tracks: list[Track]) -> list[Track]:
    """The tracks from top to bottom, without those that mostly follow the ink of the last one that is kept above them."""
    kept: list[Track] = []
    for track in sorted(tracks, key=lambda track: track.level_mm):
        if kept and _shared_length(kept[-1], track) > _SAME_SHARE:
            continue
        kept.append(track)
    return kept


def _shared_length(one: Track, other: Track) -> float:
    """Share of the columns of two tracks in which their paths run together."""
    heights, other_heights = ((track.path.top_mm + track.path.bottom_mm) / 2 for track in (one, other))
    n = min(len(heights), len(other_heights))
    return float(np.mean(np.abs(heights[:n] - other_heights[:n]) < _SAME_MM)) if n else 0.0


def _other_row_heights(strip: Strip, tracks: list[Track]) -> list[float]:
    """Page y of rows that no track follows, by level ink far from all tracks; empty without such ink, or without tracks."""
    columns, first, after = _runs(strip.ink)
    middle = strip.top_mm + (first + after - 1) / 2 / strip.scale
    far = after - first < _FLAT_MM * strip.scale
    for track in tracks:
        at = np.clip(columns, 0, len(track.path.top_mm) - 1)
        far &= (middle < track.path.top_mm[at] - _OTHER_ROW_MM) | (middle > track.path.bottom_mm[at] + _OTHER_ROW_MM)
    if not tracks or far.sum() < _OTHER_ROW_SHARE * strip.ink.shape[1]:
        return []
    # Ink is counted in bands of two bins of 3 mm, so that a row across the border of two bins is found, too. Rows are over 6 mm apart.
    bins = np.arange(strip.top_mm, strip.top_mm + strip.ink.shape[0] / strip.scale + 3.0, 3.0)
    index = np.digitize(middle[far], bins)
    found: list[float] = []
    for k in np.unique(index):
        near = (index == k) | (index == k + 1)
        filled = len(np.unique(columns[far][near])) / strip.ink.shape[1]
        if filled > _OTHER_ROW_SHARE and (not found or bins[k - 1] - found[-1] > 6.0):
            found.append(float(np.median(middle[far][near])))
    return found
