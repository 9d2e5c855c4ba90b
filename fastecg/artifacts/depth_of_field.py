"""The blur of paper that is nearer or farther than the camera is focused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param

if TYPE_CHECKING:
    from fastecg.mesh import Warp
    from fastecg.sheet import Sheet

_LEAST_PX = 0.4  # Standard deviation, px of the sheet, below which the blur cannot be seen and is skipped.
_BAND = 64  # Number of rows of the sheet that are blurred together.
_APART_MM = 10.0  # Spacing of the points of the page at which the distance from the camera is computed.
_DISC = 0.25  # Standard deviation of a disc along one axis, as a share of its diameter.


@dataclass(frozen=True)
class DepthOfField(Artifact):
    """The print is blurred where the paper is nearer or farther than the focus: far rows of a slanting page, edges that rise.

    The distance of the paper follows from its size in the picture, so the blur agrees with perspective and relief. The sensor's noise
    is added afterwards and is not blurred.
    """

    aperture_mm: float = param(3.5, 0, 12, "diameter of the lens's opening")
    field_mm: float = param(
        0.0, 0, 0.3, "standard deviation of the lens's blur, mm on paper, at half the picture's diagonal from the focus"
    )
    sharp_x: float = param(0.5, -0.2, 1.2, "where the camera is focused, in picture widths")
    sharp_y: float = param(0.5, -0.2, 1.2, "where the camera is focused, in picture heights")

    def focus(self, sheet: Sheet, warp: Warp) -> Sheet:
        """Blur the sheet in bands of pixel rows. A whole band is blurred as its most blurred column; the others mix in the sharp band.

        Nothing is done if no blur, or no page, could be seen.
        """
        from fastecg.kernels.stencil import blend_columns, blur

        x_mm, y_mm, sigma_mm = self.sigma_mm(warp)
        rows = _shown(warp.nodes_mm[..., 1], sheet.scale, len(sheet.pixels))
        columns = _shown(warp.nodes_mm[..., 0], sheet.scale, sheet.pixels.shape[1])
        if sheet.scale * sigma_mm.max() < _LEAST_PX or rows.start >= rows.stop or columns.start >= columns.stop:
            return sheet
        canvas = sheet.canvas()
        pixels, seen = canvas[rows], canvas[rows, columns]
        places_mm = (np.arange(columns.start, columns.stop) + 0.5) / sheet.scale
        # Number of rows above and below a band that the blur mixes into the band; 2.6 as in `gaussian_weights`.
        reach = int(np.ceil(2.6 * sheet.scale * sigma_mm.max()))
        above = seen[:0]
        for start in range(0, len(pixels), _BAND):
            stop = min(start + _BAND, len(pixels))
            middle_mm = (rows.start + 0.5 * (start + stop)) / sheet.scale
            sigma = sheet.scale * np.interp(places_mm, x_mm, _row_at(middle_mm, y_mm, sigma_mm))
            most = float(sigma.max())
            if most < _LEAST_PX:
                above = seen[max(stop - reach, 0) : stop]
                continue
            band = np.concatenate([above, seen[start : stop + reach]])
            first, above = len(above), seen[max(stop - reach, 0) : stop].copy()  # The band below needs these rows unblurred.
            blur(band, most)
            # A mixture that takes a share of its light from the blurred band has that share of its variance.
            share = np.rint(256.0 * (sigma / most) ** 2)
            blend_columns(pixels[start:stop], band[first : first + stop - start], share, columns.start)
        return replace(sheet, pixels=canvas, owns_pixels=True)

    def sigma_mm(self, warp: Warp) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Page coordinates x (columns,) and y (rows,), and the blur's standard deviation (rows, columns) at these; all in mm on paper."""
        every = [max(1, round(_APART_MM / step)) for step in warp.mesh.step_mm]
        nodes = warp.mesh_px[:: every[1], :: every[0]]
        right = np.diff(nodes, axis=1)[:-1] / (every[0] * warp.mesh.step_mm[0])
        down = np.diff(nodes, axis=0)[:, :-1] / (every[1] * warp.mesh.step_mm[1])
        # Paper that slopes is shortened in one direction only. Its scale in the other direction, the larger singular value of the map from
        # page to picture, shows its distance.
        total, area = (right**2 + down**2).sum(axis=-1), right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
        scale = np.sqrt(0.5 * (total + np.sqrt(np.maximum(total**2 - 4.0 * area**2, 0.0))))
        height, width = warp.size
        # The distance of nodes from the point in focus, squared, px².
        place = np.array([self.sharp_x * (width - 1), self.sharp_y * (height - 1)])
        squared_px = ((nodes[:-1, :-1] - place) ** 2).sum(axis=-1)
        focused = scale.ravel()[np.argmin(squared_px)]
        x_mm, y_mm = (
            axis[::step][:-1] + 0.5 * step * apart
            for axis, step, apart in zip((warp.mesh.x_mm, warp.mesh.y_mm), every, warp.mesh.step_mm, strict=True)
        )
        # With the focus at distance f, a point at distance d is seen as a disc with a diameter of aperture * |d / f - 1| on the paper. The
        # distance is proportional to 1 / scale.
        depth_blur = _DISC * self.aperture_mm * (focused / np.maximum(scale, 1e-9) - 1.0)
        return x_mm, y_mm, np.hypot(depth_blur, self.field_mm * 4.0 * squared_px / (height**2 + width**2))


def _shown(nodes_mm: np.ndarray, scale: float, count: int) -> slice:
    """The range of the sheet's rows or columns, of which there are `count`, that the picture shows; empty if it shows no page.

    `nodes_mm` are the page coordinates y or x at the warp's nodes.
    """
    if not np.isfinite(nodes_mm).any():
        return slice(0, 0)
    first, last = np.nanmin(nodes_mm) * scale, np.nanmax(nodes_mm) * scale
    return slice(max(int(first), 0), min(int(np.ceil(last)) + 1, count))


def _row_at(y: float, y_mm: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The row (columns,) of `values` at page coordinate `y` mm, interpolated between the given rows, which are at `y_mm`."""
    place = float(np.clip(np.interp(y, y_mm, np.arange(len(y_mm))), 0, len(y_mm) - 1))
    row = min(int(place), len(y_mm) - 2)
    return np.asarray(values[row] + (place - row) * (values[row + 1] - values[row]))
