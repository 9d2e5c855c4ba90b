"""A soft shadow: of a hand, a phone, an arm, or the body of somebody who stands in the light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param

# A hand with its arm, as capsules (ends x0, y0 and x1, y1, and radius) in units of `reach_mm`; the fingers point towards +x.
_HAND = (
    (-4.0, 0.1, -0.7, 0.0, 0.30), (-0.55, 0.0, 0.0, 0.0, 0.38), (0.1, -0.30, 0.78, -0.46, 0.10),
    (0.2, -0.10, 1.0, -0.16, 0.11), (0.2, 0.10, 0.97, 0.12, 0.11), (0.1, 0.28, 0.74, 0.42, 0.09), (-0.4, -0.3, 0.25, -0.72, 0.12),
)  # fmt: skip
_ARM = ((-5.0, 0.2, 1.0, 0.0, 0.42),)  # An arm without its hand.
_HOLDING = ((-5.0, 0.5, -0.8, 0.15, 0.40),)  # The hand and the arm that hold a phone.
# A body that blocks the lamp points this share of the way from the lamp's direction to `angle_deg`, so that its edge is nearly across the
# light.
_NEAR = 0.25
_CAST = 1.6  # Shift of a shadow along the table, mm per mm that the paper rises: as of a lamp 32° high, whatever the `Lamp` is.
_COARSE = 4  # Distances are computed at every 4th node and interpolated, since they are smooth.


@dataclass(frozen=True)
class Shadow(Artifact):
    """An object above the table keeps light away from a part of page and surface; its shadow has a soft edge, the penumbra."""

    shape: str = param("body", help="what keeps the light away", choices=("body", "phone", "hand", "arm"))
    x: float = param(0.3, -0.5, 1.5, "centre (for a body, a point of the edge), in picture widths")
    y: float = param(0.8, -0.5, 1.5, "centre (for a body, a point of the edge), in picture heights")
    angle_deg: float = param(60.0, 0, 360, "direction in which the shape points (for a body, towards the light), clockwise from the right")
    reach_mm: float = param(90.0, 20, 300, "half the length of the phone or hand, or about the width of the arm; without effect for a body")
    depth: float = param(0.35, 0, 0.9, "share of the light that is missing in the middle of the shadow")
    penumbra_mm: float = param(35.0, 2, 120, "distance over which the shadow rises from a tenth to nine tenths of its depth")
    softer: float = param(1.0, 1, 16, "how many times wider the penumbra is at one end of the edge than at the other")
    waviness_mm: float = param(5.0, 0, 40, "height of the waves of the edge")
    blueness: float = param(
        0.08, -0.5, 0.5, "how much more red than blue is missing: above 0 the sky lights the shadow, below 0 the lamps of a room"
    )
    of: str = param("lamp", help="which light a body blocks: that of the lamp, if there is one, or another", choices=("lamp", "other"))
    seed: int = param(0, 0, 2**31, "decides the waves of the edge")

    def shade(self, light: Light) -> Light:
        """Darken by a logistic function of the depth inside the shape, which makes the penumbra."""
        inside = _interpolated(self._inside(light), light.relief.shape)
        # 4.394 is 2 ln 9: the logistic function rises from a tenth to nine tenths within one width of the penumbra.
        share = 1.0 / (1.0 + np.exp(-np.clip(4.394 * inside, -20, 20)))
        tint = np.array([1.0 + self.blueness, 1.0, 1.0 - self.blueness])
        missing = np.minimum(self.depth * tint, 0.95).astype(np.float32)
        planes = (np.float32(1.0) - missing[:, None, None] * share) ** np.float32(GAMMA)
        return light.lit(np.moveaxis(planes, 0, -1))

    def _inside(self, light: Light) -> np.ndarray:
        """Depth (rows, columns) inside the shape, negative outside, in widths of the penumbra.

        The depth is computed at every 4th node of the light along both axes, up to the last node or beyond it.
        """
        height, width = light.warp.size
        rows, columns = ((count - 2) // _COARSE + 2 for count in light.relief.shape)
        x, y = light.pixels()
        step = float(x[0, 1] - x[0, 0]) * _COARSE
        right = (x[0, 0] + step * np.arange(columns)[None, :] - self.x * width) / light.warp.scale
        down = (y[0, 0] + step * np.arange(rows)[:, None] - self.y * height) / light.warp.scale
        # On raised paper, the lamp's shadow is seen nearer to the lamp.
        if self.of == "lamp" and light.lamp_deg is not None and light.warp.mesh.height_mm.any():
            shift = _CAST * light.on_nodes(light.warp.mesh.height_mm)[::_COARSE, ::_COARSE]
            away = np.radians(light.lamp_deg + 180.0)
            right, down = (far + part * _extended(shift, (rows, columns)) for far, part in ((right, np.cos(away)), (down, np.sin(away))))
        angle = np.radians(self._angle_deg(light.lamp_deg))
        cos, sin = np.cos(angle), np.sin(angle)
        along, across = right * cos + down * sin, down * cos - right * sin
        if self.shape == "body":
            inside = -along
        elif self.shape == "phone":
            inside = np.maximum(_box(along, across, self.reach_mm), _limbs(along, across, self.reach_mm, _HOLDING))
        else:
            inside = _limbs(along, across, self.reach_mm, _HAND if self.shape == "hand" else _ARM)
        # The penumbra is narrower by the square root of `softer` at one end of the edge, and wider by that factor at the other.
        penumbra = self.penumbra_mm
        if self.softer > 1.0:
            position, half = (across if self.shape == "body" else along), 0.5 * np.hypot(width, height) / light.warp.scale
            penumbra = penumbra * self.softer ** (0.5 * np.clip(position / half, -1.0, 1.0))
        return (inside + self.waviness_mm * self._waves(along, across)) / penumbra

    def _angle_deg(self, lamp_deg: float | None) -> float:
        """Direction in which the shape points, degrees clockwise from the right. A body that blocks the lamp is turned towards the lamp."""
        if lamp_deg is None or self.shape != "body" or self.of == "other":
            return self.angle_deg
        return lamp_deg + _NEAR * ((self.angle_deg - lamp_deg + 180.0) % 360.0 - 180.0)

    def _waves(self, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        """A sum of three slow waves, about -1 to 1, at positions in mm along and across the shape's direction."""
        rng = np.random.default_rng(self.seed)
        waves = np.zeros(np.broadcast_shapes(along.shape, across.shape))
        for length, share in ((190.0, 0.6), (85.0, 0.3), (40.0, 0.15)):
            lean, phase = rng.uniform(-0.5, 0.5), rng.uniform(0, 2 * np.pi)
            waves += share * np.sin(2 * np.pi / length * (across + lean * along) + phase)
        return waves


def _box(along: np.ndarray, across: np.ndarray, reach: float) -> np.ndarray:
    """Depth in mm, negative outside, inside a rounded box with the proportions of a phone, whose half length is `reach` mm."""
    corner = 0.16 * reach
    u, v = np.abs(along) - reach + corner, np.abs(across) - 0.48 * reach + corner
    return corner - np.hypot(np.maximum(u, 0), np.maximum(v, 0)) - np.minimum(np.maximum(u, v), 0)


def _limbs(along: np.ndarray, across: np.ndarray, reach: float, parts: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """Depth in mm, negative outside, inside the union of capsules, given in units of `reach` mm as for `_HAND`."""
    inside = np.full(np.broadcast_shapes(along.shape, across.shape), -np.inf)
    for part in parts:
        x0, y0, x1, y1, radius = (reach * number for number in part)
        squared_length = (x1 - x0) ** 2 + (y1 - y0) ** 2
        # The nearest point of the capsule's axis, 0 to 1 from end to end.
        t = np.clip(((along - x0) * (x1 - x0) + (across - y0) * (y1 - y0)) / squared_length, 0, 1)
        inside = np.maximum(inside, radius - np.hypot(along - x0 - t * (x1 - x0), across - y0 - t * (y1 - y0)))
    return inside


def _extended(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A plane, extended to `shape` by repeating its last row and column."""
    return np.pad(values, [(0, wanted - given) for wanted, given in zip(shape, values.shape, strict=True)], mode="edge")


def _interpolated(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Values float32 at all nodes, interpolated linearly to `shape` (rows, columns) from those at every 4th node."""
    fine = coarse.astype(np.float32)
    for axis, count in enumerate(shape):
        nodes = np.arange(count)
        before, t = nodes // _COARSE, ((nodes % _COARSE) / np.float32(_COARSE)).astype(np.float32)
        t = t[:, None] if axis == 0 else t
        first, second = np.take(fine, before, axis=axis), np.take(fine, np.minimum(before + 1, fine.shape[axis] - 1), axis=axis)
        fine = first + t * (second - first)
    return fine
