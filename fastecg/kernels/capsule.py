"""Antialiased strokes along any polyline: calibration pulses, separators, frames, marks, and pen strokes of varying width.

Each segment is drawn as a straight strip; the coverage of a pixel is the share of its square in the strip. Along the sides of
a segment of constant width this is exact in every direction. Where segments meet, the larger coverage counts. Joints are round, and the
ends of a line are half discs. A pen with a radius below `_BLUNT` ends in a rectangle with the area of half a disc instead, which looks the
same at that size and has the right amount of ink.
"""

from __future__ import annotations

import math

import numpy as np

from fastecg.kernels.jit import jit, subkernel

_BLUNT = 0.75  # The ends of a pen with a smaller radius (px) are drawn as rectangles.
_HALF_DIAGONAL = 0.7072  # Half the diagonal of a pixel, px, rounded up.
_FARTHEST = 1e9  # Largest absolute coordinate and radius, px: larger ones are reduced to it, so that squares stay finite.


def stroke_polyline(
    points_px: np.ndarray,
    widths_px: np.ndarray | float,
    plane: np.ndarray,
    *,
    density: np.ndarray | float = 1.0,
) -> None:
    """Draw a polyline with a round pen into a coverage plane, keeping the larger of old and new coverage.

    Parameters
    ----------
    points_px : (n, 2) array of float
        (x, y) in px; pixel centres are at integers. Points may lie outside the plane. A point that is not finite is a gap. A single point
        between gaps gives a dot.
    widths_px : float or (n,) array of float
        Width of the pen at the points; it is interpolated linearly between them. Points whose width is NaN or not positive are gaps.
    plane : (height, width) array of uint8
        Coverage, 0 to 255, changed in place.
    density : float or (n,) array of float
        Opacity of the ink at the points, 0 to 1; it is interpolated linearly between them. Points where it is NaN are gaps.
    """
    points_px = np.asarray(points_px, dtype=np.float64).reshape(-1, 2)
    nodes = np.empty((len(points_px), 4))
    nodes[:, :2] = points_px
    nodes[:, 2] = widths_px
    nodes[:, 3] = density
    _polyline(nodes, plane)


@jit
def _polyline(nodes, plane):
    """Draw all segments and single points. A node is x, y, width and density; `_check_node` changes the width to a radius."""
    n = len(nodes)
    for i in range(n):
        _check_node(nodes[i])
    for i in range(n):
        if math.isnan(nodes[i, 0]):
            continue
        starts = i == 0 or math.isnan(nodes[i - 1, 0])
        if i + 1 < n and not math.isnan(nodes[i + 1, 0]):
            ends = i + 2 == n or math.isnan(nodes[i + 2, 0])
            _segment(nodes[i], nodes[i + 1], starts, ends, plane)
        elif starts:
            _segment(nodes[i], nodes[i], starts, starts, plane)


@subkernel
def _check_node(node):
    """Limit a node's values to their ranges and halve its width.

    A node becomes a gap if its position is not finite, its width not positive or NaN, or its density NaN.
    """
    x, y, width, density = node[0], node[1], node[2], node[3]
    if not (math.isfinite(x) and math.isfinite(y) and width > 0.0) or math.isnan(density):
        node[0] = np.nan
        return
    node[0] = min(max(x, -_FARTHEST), _FARTHEST)
    node[1] = min(max(y, -_FARTHEST), _FARTHEST)
    node[2] = min(width / 2.0, _FARTHEST)
    node[3] = min(max(density, 0.0), 1.0)


@subkernel
def _segment(a, b, starts, ends, plane):
    """Draw the segment from node `a` to node `b`. `starts` is true if the pen was put down at `a`, and `ends` if it was lifted at `b`."""
    height, width = plane.shape
    length = math.hypot(b[0] - a[0], b[1] - a[1])
    ux, uy = ((b[0] - a[0]) / length, (b[1] - a[1]) / length) if length > 0 else (1.0, 0.0)
    reach = max(a[2], b[2]) + _HALF_DIAGONAL
    y0 = int(min(max(np.ceil(min(a[1], b[1]) - reach), 0.0), float(height)))
    y1 = int(min(max(np.floor(max(a[1], b[1]) + reach) + 1.0, 0.0), float(height)))
    for y in range(y0, y1):
        left, right = min(a[0], b[0]) - reach, max(a[0], b[0]) + reach
        if length > 0 and abs(uy) > 1e-3:  # In one row of pixels, a long slanting segment covers only a small part of its bounding box.
            middle, half = a[0] + (y - a[1]) * ux / uy, reach / abs(uy)
            left, right = max(left, middle - half), min(right, middle + half)
        x0 = int(min(max(np.ceil(left), 0.0), float(width)))
        x1 = int(min(max(np.floor(right) + 1.0, 0.0), float(width)))
        for x in range(x0, x1):
            along = (x - a[0]) * ux + (y - a[1]) * uy
            across = (y - a[1]) * ux - (x - a[0]) * uy
            t = min(max(along / length, 0.0), 1.0) if length > 0 else 0.0
            radius = a[2] + t * (b[2] - a[2])
            cover = _cover(along, across, length, ux, uy, radius, starts, ends)
            value = np.uint8(255.0 * cover * (a[3] + t * (b[3] - a[3])) + 0.5)
            plane[y, x] = max(plane[y, x], value)


@jit
def _cover(along, across, length, ux, uy, radius, starts, ends):
    """Return the share of a pixel covered by a segment of direction (ux, uy) and `length` px.

    The pixel's centre lies `along` px from the segment's start in this direction, and `across` px to the right of the line.
    """
    share = 1.0  # The share of the pixel between the segment's rectangular ends; 1 if it has none.
    blunt = radius < _BLUNT
    if blunt:
        stub = 0.25 * math.pi * radius  # Length of a strip that has the area of half a disc.
        after_start = _half_plane(along + stub, ux, uy) if starts else 1.0
        before_end = _half_plane(length + stub - along, ux, uy) if ends else 1.0
        share = max(after_start + before_end - 1.0, 0.0)
    outside = max(-along, along - length)
    if outside <= 0.0 or (blunt and (starts if along < 0.0 else ends)):
        return share * _strip(across, uy, ux, radius)
    if starts if along < 0.0 else ends:
        # The disc's edge is taken for straight within a pixel. This would make a disc larger by pi / 12 px², so the radius is reduced.
        radius = math.sqrt(radius * radius - 1.0 / 12.0)
    distance = math.hypot(outside, across)
    ahead = min(max(along, 0.0), length) - along
    return share * _strip(distance, (ahead * ux + across * uy) / distance, (ahead * uy - across * ux) / distance, radius)


@subkernel
def _strip(distance, nx, ny, radius):
    """Return the share of a pixel covered by a strip of unit normal (nx, ny) whose centre line is `distance` px from the pixel's centre.

    `radius` is half the strip's width, px.
    """
    return max(_half_plane(radius - distance, nx, ny) + _half_plane(radius + distance, nx, ny) - 1.0, 0.0)


@subkernel
def _half_plane(depth, nx, ny):
    """Return the share of a pixel covered by a half plane of unit normal (nx, ny) whose edge is `depth` px beyond the pixel's centre.

    If `depth` is negative, the half plane does not reach the centre. The projection of the pixel's square on the normal has a trapezoidal
    density. The share is the integral of this density up to the edge.
    """
    nx, ny = abs(nx), abs(ny)
    wide, narrow = max(nx, ny), min(nx, ny)
    away = abs(depth)
    if away >= 0.5 * (wide + narrow):
        part = 0.5
    elif away <= 0.5 * (wide - narrow):
        part = away / wide
    else:
        corner = 0.5 * (wide + narrow) - away
        part = 0.5 - corner * corner / (2.0 * wide * narrow)
    return 0.5 + part if depth > 0.0 else 0.5 - part
