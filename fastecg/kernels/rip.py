"""Draw a tear: the gap, the fibres along its edge, and the shadow."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit
def rip(pixels, gone, lip, x, y, frame, t_mm, course, both, scale, bare, shade):
    """Tear a part of a page along a line: draw fibres and the shadow of the torn edge into `pixels`, and fill two coverage planes.

    Pixels beyond the ends of `t_mm` are left as they are.

    Parameters
    ----------
    pixels : (height, width, 3) uint8
        Changed in place.
    gone, lip : (height, width) uint8
        Output: coverage by missing paper and by fibres; both have to be 0 before.
    x, y : (width,) and (height,) float64
        Page coordinates of the pixels, mm.
    frame : (6,) float64
        Coefficients f0 to f5: page point (x, y) lies f0 x + f1 y + f2 along the line and f3 x + f4 y + f5 across it, all in mm.
    t_mm : (n,) float64
        Distances along the line, evenly spaced.
    course : (n, 3) float64
        At each of these distances: the sideways deviation of the tear, half the width of its gap (below 0 if there is none), and the
        width of the fibres beside it, on the side where the distance across the line is positive (below 0 if there are none); all in mm.
    both : bool
        Whether the gap has another side; if not, all paper on the negative side of the line is missing.
    scale, bare, shade : float, (3,) float64, float
        px/mm, the colour of fibres, 0 to 255, and the darkness of the shadow, 0 to 1.
    """
    last, first, step = len(course) - 1.001, t_mm[0], t_mm[1] - t_mm[0]
    for i in range(len(y)):
        for j in range(len(x)):
            position = (frame[0] * x[j] + frame[1] * y[i] + frame[2] - first) / step
            if position < 0.0 or position > last:
                continue
            k = int(position)
            t = position - k
            # Distances are computed for every pixel, because interpolation between nodes would round the corners of a tear's course.
            across = frame[3] * x[j] + frame[4] * y[i] + frame[5] - _interpolated(course, k, t, 0)
            # Distance from the edge of the gap, mm: positive in the gap, negative on paper.
            inside = _interpolated(course, k, t, 1) - (abs(across) if both else across)
            fibre = _interpolated(course, k, t, 2) if across > 0.0 else -1.0
            missing = min(max(inside * scale + 0.5, 0.0), 1.0)
            bared = min(max((fibre + inside) * scale + 0.5, 0.0), 1.0) if fibre > 0.0 else 0.0
            gone[i, j] = np.uint8(255.0 * missing + 0.5)
            # Most pixels end here: their paper is gone, or the tear is farther away than its shadow reaches.
            if missing >= 1.0 or inside < -2.0 - max(fibre, 0.0):
                continue
            lip[i, j] = np.uint8(255.0 * bared + 0.5)
            # The shadow of the torn edge falls to 1 / e over a third of a millimetre; bared fibres lie too high to be in the shadow.
            light = 1.0 - shade * np.exp(-max(-inside, 0.0) / 0.35) * (1.0 - bared)
            # Fibres are a little darker at the gap than where the print begins.
            white = 0.955 + 0.05 * min(max(-inside / max(fibre, 0.05), 0.0), 1.0)
            for c in range(3):
                seen = pixels[i, j, c] * light
                pixels[i, j, c] = np.uint8(min(seen + bared * (bare[c] * white - seen) + 0.5, 255.0))


@jit(inline="always")
def _interpolated(course, k, t, column):
    """A column of `course` between points k and k + 1, `t` (0 to 1) of the way."""
    return course[k, column] + t * (course[k + 1, column] - course[k, column])
