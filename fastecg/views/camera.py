"""A camera with a simple lens, the base of views that are photographs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from fastecg.artifact import param
from fastecg.views.view import View


@dataclass(frozen=True)
class Camera(View):
    """A pinhole camera over the page, with a lens that bends straight lines a little.

    The camera looks at the page's centre from `distance_mm`. The picture is so large that the page fills the share `fill` of its width
    and height, or of one of them if `aspect` is given; above 1 the page's edges are lost.
    """

    tilt_deg: float = param(0.0, 0.0, 45.0, "angle of the camera from straight above the page")
    azimuth_deg: float = param(
        90.0, -180.0, 180.0, "side of the page towards which `tilt_deg` moves the camera: 0 right, 90 bottom, 180 left, -90 top"
    )
    roll_deg: float = param(0.0, -180.0, 180.0, "how far the page is turned clockwise in the picture")
    turns: int = param(0, 0, 3, "quarter turns clockwise in addition to `roll_deg`")
    distance_mm: float = param(
        400.0,
        150.0,
        3000.0,
        "distance of the lens from the page's centre; a near one has more perspective; it is larger if a tilted page would come too close",
    )
    lens_k1: float = param(0.0, -0.06, 0.06, "distortion by the lens at the page's farthest corner: below 0 barrel, above 0 pincushion")
    lens_k2: float = param(0.0, -0.02, 0.02, "the next term of the distortion at that corner")
    fill: float = param(0.95, 0.2, 1.8, "share of the picture's width and height that the page fills; above 1 the page is cropped")
    offset_x: float = param(0.0, -0.5, 0.5, "how far the page is to the right of the picture's centre, as a share of the width")
    offset_y: float = param(0.0, -0.5, 0.5, "how far the page is below the picture's centre, as a share of the height")
    aspect: float = param(0.0, 0.0, 2.5, "width over height of the picture; 0 takes the page's own")
    width_px: int = param(0, 0, 12000, "width of the picture before it is cropped; 0: the resolution at the page's centre is its `dpi`")
    crop_top: float = param(0.0, 0.0, 0.4, "share of the picture's height cut off at its top, where a header may be")
    crop_bottom: float = param(0.0, 0.0, 0.4, "share of the picture's height cut off at its bottom")
    crop_left: float = param(0.0, 0.0, 0.4, "share of the picture's width cut off at its left")
    crop_right: float = param(0.0, 0.0, 0.4, "share of the picture's width cut off at its right")

    def size(self, page_mm: tuple[float, float], dpi: float) -> tuple[int, int]:
        """Height and width in px of the picture, after cropping; at least 1."""
        return _frame(self, page_mm, dpi)[2]

    def project(self, points_mm: np.ndarray, page_mm: tuple[float, float], dpi: float) -> np.ndarray:
        """Positions (…, 2) px of points in space (…, 3) mm; the middle of the first pixel is (0, 0)."""
        scale, corner, _ = _frame(self, page_mm, dpi)
        return self._image_plane(points_mm, page_mm) * scale - corner

    def _image_plane(self, points_mm: np.ndarray, page_mm: tuple[float, float]) -> np.ndarray:
        """Coordinates (…, 2), to the right and down in the picture, from the page's centre, in units of the length of 1 mm seen there."""
        lens = _farthest(self, page_mm), self.lens_k1, self.lens_k2
        return self._through(points_mm, page_mm, lens, self.azimuth_deg + self.roll_deg + 90.0 * self.turns)

    def _through(
        self, points_mm: np.ndarray, page_mm: tuple[float, float], lens: tuple[float, float, float], turned_deg: float
    ) -> np.ndarray:
        """Coordinates (…, 2) as those of `_image_plane`, for any rotation.

        If `turned_deg` is 0, the side of the page from which the camera looks is on the right in the picture; the picture is turned
        clockwise by `turned_deg`. `lens` is a squared distance from the centre in these coordinates, and the two terms of the lens's
        distortion at that distance.
        """
        from fastecg.kernels.pinhole import through_lens

        # A corner may be 0.5 diagonals times sin(tilt) nearer than the centre, so the camera stays 0.8 diagonals times sin(tilt) away.
        distance = max(self._distance_mm(), 0.8 * float(np.hypot(*page_mm)) * math.sin(math.radians(self.tilt_deg)))
        tilt, azimuth, turned = (
            (float(np.cos(angle)), float(np.sin(angle))) for angle in np.deg2rad([self.tilt_deg, self.azimuth_deg, turned_deg])
        )
        points = np.ascontiguousarray(points_mm, dtype=np.float64).reshape(-1, 3)
        out = np.empty((len(points), 2))
        through_lens(points, (page_mm[0] / 2, page_mm[1] / 2), tilt, azimuth, distance, lens, turned, out)
        return out.reshape(*points_mm.shape[:-1], 2)

    def _distance_mm(self) -> float:
        """Distance of the lens in millimetres of the page, here those of paper; `Screen` overrides this."""
        return self.distance_mm


@lru_cache(maxsize=4)
def _farthest(camera: Camera, page_mm: tuple[float, float]) -> float:
    """Squared distance of the page's farthest corner from the page's centre, in the coordinates of `_image_plane` without distortion.

    `lens_k1` and `lens_k2` are the distortion at that corner, so that it looks the same at every distance of the camera.
    """
    corners = camera._through(_outline(page_mm), page_mm, (1.0, 0.0, 0.0), 0.0)
    return float(np.max(corners[:, 0] ** 2 + corners[:, 1] ** 2))


@lru_cache(maxsize=4)  # a picture needs it ten times
def _frame(camera: Camera, page_mm: tuple[float, float], dpi: float) -> tuple[float, np.ndarray, tuple[int, int]]:
    """What maps the coordinates of `_image_plane` to the picture, after cropping.

    These are the scale in px per unit; the position (x, y) of the first pixel's middle, px from the page's centre; and the picture's height
    and width in px.
    """
    outline = camera._image_plane(_outline(page_mm), page_mm)
    upper_left, lower_right = outline.min(axis=0), outline.max(axis=0)
    width, height = (lower_right - upper_left) / camera.fill
    # For a given `aspect` the picture is widened or heightened, never cut: a sensor of that shape sees more of the table.
    if camera.aspect:
        width, height = max(width, height * camera.aspect), max(height, width / camera.aspect)
    scale = camera.width_px / width if camera.width_px else dpi / 25.4
    size = max(1, round(height * scale)), max(1, round(width * scale))
    # An offset to the right moves the picture to the left over the page, and so the page to the right in the picture; likewise down.
    centre = 0.5 * (upper_left + lower_right) - np.array([camera.offset_x * width, camera.offset_y * height])
    corner = centre * scale - 0.5 * np.array([size[1] - 1, size[0] - 1])
    # Cropping is cutting rows and columns off: the scale stays as it is.
    top, bottom = round(camera.crop_top * size[0]), round(camera.crop_bottom * size[0])
    left, right = round(camera.crop_left * size[1]), round(camera.crop_right * size[1])
    return scale, corner + np.array([left, top]), (max(1, size[0] - top - bottom), max(1, size[1] - left - right))


def _outline(page_mm: tuple[float, float]) -> np.ndarray:
    """Nine points along each side of a flat page, (36, 3) mm: enough to follow the sides as the lens bends them."""
    width, height = page_mm
    steps = np.linspace(0.0, 1.0, 9)
    corners = np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0], [0, 0, 0]], dtype=np.float64)
    return np.concatenate([a + steps[:, None] * (b - a) for a, b in pairwise(corners)])
