"""Where a camera, a pinhole with a lens, sees points in space."""

from __future__ import annotations

from fastecg.kernels.jit import jit

_NEAREST = 0.05  # Smallest distance from the lens, in camera distances: closer points would be magnified without limit.


@jit
def through_lens(points, centre, tilt, azimuth, distance, lens, turned, out):
    """Write the positions (n, 2) of points in a picture, from the page's centre and in units that are 1 mm on the page at its
    centre, to `out`.

    Parameters
    ----------
    points : (n, 3) float64
        x, y and height above the page, mm.
    centre : (x, y)
        Centre of the page, mm.
    tilt, azimuth, turned : (cos, sin)
        Cosine and sine of the camera's angle from straight above the page, of the direction (on the page, from x to y) to the side
        from which the camera looks, and of the angle by which the picture is turned; before, this direction is along x.
    distance : float
        Distance of the lens from the page's centre, mm.
    lens : (float, float, float)
        Squared distance from the picture's middle, mm², that counts as 1 in the lens's distortion, and the factors of the distortion's
        first and second term, of which positive ones stretch the picture away from its middle.
    """
    for i in range(len(points)):
        x, y, z = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2]
        towards, aside = x * azimuth[0] + y * azimuth[1], y * azimuth[0] - x * azimuth[1]
        magnified = 1.0 / max(1.0 - (towards * tilt[1] + z * tilt[0]) / distance, _NEAREST)
        up, across = (towards * tilt[0] - z * tilt[1]) * magnified, aside * magnified
        square = (up * up + across * across) / lens[0]
        stretch = 1.0 + square * (lens[1] + square * lens[2])
        cos, sin = stretch * turned[0], stretch * turned[1]
        out[i, 0], out[i, 1] = up * cos - across * sin, up * sin + across * cos
