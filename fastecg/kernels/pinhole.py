"""Where a camera, a pinhole with a lens, sees points in space."""

from __future__ import annotations

from fastecg.kernels.jit import jit

_NEAREST = 0.05  # Smallest distance of a point from the lens, as a share of `distance`: closer points would be magnified without limit.


@jit
def through_lens(points, centre, tilt, azimuth, distance, lens, turned, out):
    """Write the positions (n, 2) of points in a picture to `out`.

    Positions are measured from the page's centre, in units of the length that 1 mm has in the picture at this centre.

    Parameters
    ----------
    points : (n, 3) float64
        x, y and height above the page, mm.
    centre : (x, y)
        Centre of the page, mm.
    tilt : (cos, sin)
        Of the camera's angle from straight above the page.
    azimuth : (cos, sin)
        Of the angle, counted from x towards y, of the direction on the page towards the camera.
    distance : float
        Distance of the lens from the page's centre, mm.
    lens : (float, float, float)
        Squared distance from the picture's middle, mm², that counts as 1 in the lens's distortion, and the factors of the distortion's
        first and second term, of which positive ones stretch the picture away from its middle.
    turned : (cos, sin)
        Of the angle by which the picture is turned. If it is 0, the direction `azimuth` is the picture's x.
    """
    for i in range(len(points)):
        x, y, z = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2]
        towards, aside = x * azimuth[0] + y * azimuth[1], y * azimuth[0] - x * azimuth[1]
        magnified = 1.0 / max(1.0 - (towards * tilt[1] + z * tilt[0]) / distance, _NEAREST)
        along, across = (towards * tilt[0] - z * tilt[1]) * magnified, aside * magnified
        square = (along * along + across * across) / lens[0]
        stretch = 1.0 + square * (lens[1] + square * lens[2])
        cos, sin = stretch * turned[0], stretch * turned[1]
        out[i, 0], out[i, 1] = along * cos - across * sin, along * sin + across * cos
