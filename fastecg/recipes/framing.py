"""Adjust a sampled shot so that its crops leave the traces in the picture, and its fingers reach the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fastecg.artifact import Artifact
from fastecg.artifacts.finger import Finger
from fastecg.layouts import PageFrame, layout_for
from fastecg.layouts.place import page_rows
from fastecg.record import Record
from fastecg.shot import Shot
from fastecg.styles import style_for
from fastecg.styles.style import Style
from fastecg.views import View
from fastecg.views.camera import Camera
from fastecg.views.flatbed import Flatbed

_MOST_CROP = 0.4  # Largest share of a picture that is cut off at one side.
# Largest height of empty paper above the 0 mV line of the first row, and below that of the last one, as shares of the rows' distance. No
# public picture shows more.
_BARE_SHARES = 0.95, 0.8
_BARE_MM = 30.0, 22.0  # Largest heights of the same paper in mm; the smaller limit counts.


def showing_traces(shot: Shot, record: Record, frame: PageFrame, rng: np.random.Generator) -> Shot:
    """The shot with a view whose crops leave the traces in the picture, and not more empty paper than people leave.

    People cut off a header in order to show the traces, so they do not cut into the traces. `rng` decides how near to the traces crops may
    come. A shot is returned as it is if its page lies on its side, if its view is neither a camera nor a flatbed, if the style has a header
    and the view cuts off nothing, or if there is no trace.
    """
    view, style = shot.view, style_for(shot.style)
    nothing_printed = style.header == "none", style.footer == "none"  # above and below the rows
    if not isinstance(view, Camera | Flatbed) or view.turns % 2 or not (_is_cropped(view) or nothing_printed[0]):
        return shot
    rows_mm, pitch_mm = page_rows(layout_for(shot.layout, record.leads), record, style, shot.setup, shot.facts)
    if not rows_mm:
        return shot
    box = _traces_box(rows_mm, pitch_mm, (frame.start_x_mm, frame.end_x_mm), style, rng)
    above, below = (min(share * pitch_mm, most) for share, most in zip(_BARE_SHARES, _BARE_MM, strict=True))
    empty = rows_mm[0] - above, rows_mm[-1] + below
    return replace(shot, view=_with_crops_limited(view, frame.size_mm, shot.dpi, box, empty, nothing_printed))


def reaching_page(shot: Shot, size_mm: tuple[float, float]) -> Shot:
    """The shot with fingers that reach into the page by their `reach_mm`, counted from the page's edge instead of the picture's.

    A finger that would have to be longer than the largest `reach_mm` is left out.
    """
    if not any(isinstance(item, Finger) for item in shot.artifacts):
        return shot
    warp = shot.warp(size_mm)
    most = Finger.__dataclass_fields__["reach_mm"].metadata["high"]
    kept: list[Artifact] = []
    for item in shot.artifacts:
        if isinstance(item, Finger):
            reach = item.reach_mm + item.gap_mm(warp)
            kept += [replace(item, reach_mm=reach)] if reach <= most else []
        else:
            kept.append(item)
    return replace(shot, artifacts=tuple(kept))


def _is_cropped(view: Camera | Flatbed) -> bool:
    """Whether the view cuts off something at any side."""
    return view.crop_top + view.crop_bottom + view.crop_left + view.crop_right > 0


def _traces_box(
    rows_mm: list[float], pitch_mm: float, axis_mm: tuple[float, float], style: Style, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """The box (left, top, right, bottom) in mm of the page into which no crop may cut, at random distances from the traces.

    `rows_mm` are the y of the rows' 0 mV lines on the page, `pitch_mm` apart; `axis_mm` are the x where traces begin and end. The ranges of
    the distances are those of 22 public pictures: pulses at the left are often cut in two, and there may be hardly any paper below the last
    row.
    """
    # `above` and `below` are shares of `pitch_mm`. At the left, the distance from the traces is 2 mm and a share `before` of a length that
    # is greater where a pulse is printed there; at the right, it is 1 mm and a share `after` of such a length.
    above, below, before, after = rng.uniform((0.27, 0.1, 0.0, 0.0), (0.57, 0.46, 1.0, 1.0))
    wide = style.pulse_width_mm + 2 * style.pulse_feet_mm + style.pulse_gap_mm
    left = axis_mm[0] - 2.0 - before * (wide + 5.0 if style.pulse_side in ("left", "both") else 6.0)
    right = axis_mm[1] + 1.0 + after * (wide + 4.0 if style.pulse_side in ("right", "both") else 8.0)
    return left, rows_mm[0] - above * pitch_mm, right, rows_mm[-1] + below * pitch_mm


def _with_crops_limited(
    view: Camera | Flatbed,
    size_mm: tuple[float, float],
    dpi: float,
    box_mm: tuple[float, float, float, float],
    empty_mm: tuple[float, float],
    nothing_printed: tuple[bool, bool],
) -> View:
    """The view with crops that neither cut into the box around the traces nor leave too much empty paper.

    `empty_mm` has the y of the highest and of the lowest empty paper that may be shown; all y are mm on the page. The highest limits the
    picture if nothing is printed above the rows (the first of `nothing_printed`), the lowest if nothing is printed below them (the second).
    Where both demands conflict, the box counts. No crop is larger than `_MOST_CROP`.
    """
    whole = replace(view, crop_top=0.0, crop_bottom=0.0, crop_left=0.0, crop_right=0.0)
    size = whole.size(size_mm, dpi)
    x0, y0, x1, y1 = box_mm

    # Lines along the page at the box's top and bottom and at both ends of empty paper, and down at the box's sides, projected in one call.
    along = [[(x, y, 0.0) for x in (0.1 * size_mm[0], 0.9 * size_mm[0])] for y in (y0, y1, *empty_mm)]
    down = [[(x, y, 0.0) for y in (y0, y1)] for x in (x0, x1)]
    # Positions (x, y) as shares of the width and height of the uncropped picture.
    seen = whole.project(np.array(along + down), size_mm, dpi) / (size[1], size[0])
    rows, empty, beside = seen[:2, :, 1], seen[2:4, :, 1], seen[4:, :, 0]
    if rows[0].mean() > rows[1].mean():  # upside down
        rows, empty, nothing_printed, beside = rows[::-1], empty[::-1], nothing_printed[::-1], beside[::-1]
    # Largest and smallest crops, as shares of the picture, at the top, bottom, left and right. Where a line of the page is oblique in the
    # picture, the largest crops leave both of its ends, while the smallest ones go by the line's middle.
    most = [float(rows[0].min()), 1.0 - float(rows[1].max()), float(beside[0].min()), 1.0 - float(beside[1].max())]
    above, below = nothing_printed
    least = [float(empty[0].mean()) if above else 0.0, 1.0 - float(empty[1].mean()) if below else 0.0, 0.0, 0.0]
    sides = ("crop_top", "crop_bottom", "crop_left", "crop_right")
    crops = {
        side: min(max(getattr(view, side), low), min(max(high, 0.0), _MOST_CROP))
        for side, low, high in zip(sides, least, most, strict=True)
    }
    return replace(view, **crops)
