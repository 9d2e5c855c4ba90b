"""Points in space through a pinhole and a lens."""

from __future__ import annotations

from fastecg.kernels.jit import jit

_NEAREST = 0.05  # Smallest distance from the lens, in camera distances: closer points would be magnified without limit.


@jit
def through_lens(points, centre, tilt, azimuth, distance, lens, turned, out):
    """Write where points (n, 3) are in a picture, (n, 2), with the page's centre as origin and the scale 1/mm there.

    Parameters
    ----------
    points : (n, 3) float64
        x, y and height above the page, mm.
    centre : (x, y)
        Centre of the page, mm.
    tilt, azimuth, turned : (cos, sin)
        How far the camera is from straight above, towards which side, and how far the picture is turned then.
    distance : float
        Distance of the lens from the page's centre, mm.
    lens : (float, float, float)
        Squared distance from the picture's middle, mm², at which the lens has its full effect, and its first and second term.
    """
    for i in range(len(points)):
        x, y, z = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2]
        towards, aside = x * azimuth[0] + y * azimuth[1], y * azimuth[0] - x * azimuth[1]
        magnified = 1.0 / max(1.0 - (towards * tilt[1] + z * tilt[0]) / distance, _NEAREST)
        up, across = (towards * tilt[0] - z * tilt[1]) * magnified, aside * magnified
        far = (up * up + across * across) / lens[0]
        bent = 1.0 + far * (lens[1] + far * lens[2])
        cos, sin = bent * turned[0], bent * turned[1]
        out[i, 0], out[i, 1] = up * cos - across * sin, up * sin + across * cos
