"""A soft shadow: of a hand, a phone, an arm, or whoever stands at the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import GAMMA, Artifact, Light, param

# Parts of a hand with its arm, in units of its reach: x0, y0, x1, y1, radius; fingers towards +x.
_HAND = (
    (-4.0, 0.1, -0.7, 0.0, 0.30), (-0.55, 0.0, 0.0, 0.0, 0.38), (0.1, -0.30, 0.78, -0.46, 0.10),
    (0.2, -0.10, 1.0, -0.16, 0.11), (0.2, 0.10, 0.97, 0.12, 0.11), (0.1, 0.28, 0.74, 0.42, 0.09), (-0.4, -0.3, 0.25, -0.72, 0.12),
)  # fmt: skip
_ARM = ((-5.0, 0.2, 1.0, 0.0, 0.42),)  # An arm without its hand.
_HOLDING = ((-5.0, 0.5, -0.8, 0.15, 0.40),)  # The hand and the arm that hold a phone.
_NEAR = 0.25  # Share of the angle between a body's shadow and the lamp's direction that is kept: bodies stand nearly across the light.
_CAST = 1.6  # Horizontal distance that the lamp's light covers while it falls by 1: paper that rises is hit elsewhere than the table.
_COARSE = 4  # Distances are computed at every 4th node and interpolated: unlike the edge, they are smooth.


@dataclass(frozen=True)
class Shadow(Artifact):
    """Light kept away from a part of page and desk, with a penumbra: the object is well above the table."""

    shape: str = param("body", help="what is in the way", choices=("body", "phone", "hand", "arm"))
    x: float = param(0.3, -0.5, 1.5, "centre (of a body: a point of the edge), in picture widths")
    y: float = param(0.8, -0.5, 1.5, "centre, in picture heights")
    angle_deg: float = param(60.0, 0, 360, "where it points (of a body: where the light is, near the lamp), clockwise from the right")
    reach_mm: float = param(90.0, 20, 300, "half the phone's length, the hand's length")
    depth: float = param(0.35, 0, 0.9, "share of the light missing in its middle")
    penumbra_mm: float = param(35.0, 2, 120, "from a tenth to nine tenths of the depth")
    softer: float = param(1.0, 1, 16, "how many times wider the penumbra is at one end of the edge than at the other")
    waviness_mm: float = param(5.0, 0, 40, "how far the edge wanders")
    blueness: float = param(
        0.08, -0.5, 0.5, "how much more red is missing than blue: the sky fills shadows, or below 0 the lamps of the room"
    )
    of: str = param("lamp", help="which light a body blocks: that of the lamp, if there is one, or another", choices=("lamp", "other"))
    seed: int = param(0, 0, 2**31, "of the wandering")

    def shade(self, light: Light) -> Light:
        """The shape's signed distance through a logistic: a penumbra."""
        inside = _between(self._inside(light), light.relief.shape)
        share = 1.0 / (1.0 + np.exp(-np.clip(4.394 * inside, -20, 20)))
        tint = np.array([1.0 + self.blueness, 1.0, 1.0 - self.blueness])
        missing = np.minimum(self.depth * tint, 0.95).astype(np.float32)
        planes = (np.float32(1.0) - missing[:, None, None] * share) ** np.float32(GAMMA)
        return light.lit(np.moveaxis(planes, 0, -1))

    def _inside(self, light: Light) -> np.ndarray:
        """Depth inside the shape, in widths of the penumbra, at every 4th node; the last ones are beyond the picture's edge."""
        height, width = light.warp.size
        rows, columns = ((count - 2) // _COARSE + 2 for count in light.relief.shape)
        x, y = light.pixels()
        step = float(x[0, 1] - x[0, 0]) * _COARSE
        right = (x[0, 0] + step * np.arange(columns)[None, :] - self.x * width) / light.warp.scale
        down = (y[0, 0] + step * np.arange(rows)[:, None] - self.y * height) / light.warp.scale
        if self.of == "lamp" and light.lamp_deg is not None and light.warp.mesh.height_mm.any():
            aside = _CAST * light.on_nodes(light.warp.mesh.height_mm)[::_COARSE, ::_COARSE]
            away = np.radians(light.lamp_deg + 180.0)
            right, down = (far + part * _fitted(aside, (rows, columns)) for far, part in ((right, np.cos(away)), (down, np.sin(away))))
        angle = np.radians(self._angle_deg(light.lamp_deg))
        cos, sin = np.cos(angle), np.sin(angle)
        along, across = right * cos + down * sin, down * cos - right * sin
        if self.shape == "body":
            inside = -along
        elif self.shape == "phone":
            inside = np.maximum(_box(along, across, self.reach_mm), _limbs(along, across, self.reach_mm, _HOLDING))
        else:
            inside = _limbs(along, across, self.reach_mm, _HAND if self.shape == "hand" else _ARM)
        penumbra = self.penumbra_mm
        if self.softer > 1.0:
            way, half = (across if self.shape == "body" else along), 0.5 * np.hypot(width, height) / light.warp.scale
            penumbra = penumbra * self.softer ** (0.5 * np.clip(way / half, -1.0, 1.0))
        return (inside + self.waviness_mm * self._wander(along, across)) / penumbra

    def _angle_deg(self, lamp_deg: float | None) -> float:
        """Direction of the shape. A body's edge is nearly perpendicular to the lamp's light: a quarter of the difference is kept."""
        if lamp_deg is None or self.shape != "body" or self.of == "other":
            return self.angle_deg
        return lamp_deg + _NEAR * ((self.angle_deg - lamp_deg + 180.0) % 360.0 - 180.0)

    def _wander(self, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        """Slow waves of amplitude 1."""
        rng = np.random.default_rng(self.seed)
        waves = np.zeros(np.broadcast_shapes(along.shape, across.shape))
        for length, share in ((190.0, 0.6), (85.0, 0.3), (40.0, 0.15)):
            lean, phase = rng.uniform(-0.5, 0.5), rng.uniform(0, 2 * np.pi)
            waves += share * np.sin(2 * np.pi / length * (across + lean * along) + phase)
        return waves


def _box(along: np.ndarray, across: np.ndarray, reach: float) -> np.ndarray:
    """Depth inside a rounded box as long and wide as phones are."""
    corner = 0.16 * reach
    u, v = np.abs(along) - reach + corner, np.abs(across) - 0.48 * reach + corner
    return corner - np.hypot(np.maximum(u, 0), np.maximum(v, 0)) - np.minimum(np.maximum(u, v), 0)


def _limbs(along: np.ndarray, across: np.ndarray, reach: float, parts: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """Depth inside the union of capsules."""
    inside = np.full(np.broadcast_shapes(along.shape, across.shape), -np.inf)
    for part in parts:
        x0, y0, x1, y1, radius = (reach * number for number in part)
        length = (x1 - x0) ** 2 + (y1 - y0) ** 2
        t = np.clip(((along - x0) * (x1 - x0) + (across - y0) * (y1 - y0)) / length, 0, 1)
        inside = np.maximum(inside, radius - np.hypot(along - x0 - t * (x1 - x0), across - y0 - t * (y1 - y0)))
    return inside


def _fitted(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A plane with its last row and column repeated up to a shape."""
    return np.pad(values, [(0, wanted - given) for wanted, given in zip(shape, values.shape, strict=True)], mode="edge")


def _between(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Every node's value (rows, columns) float32 from those at every 4th, linearly."""
    fine = coarse.astype(np.float32)
    for axis, count in enumerate(shape):
        pixels = np.arange(count)
        low, t = pixels // _COARSE, ((pixels % _COARSE) / np.float32(_COARSE)).astype(np.float32)
        t = t[:, None] if axis == 0 else t
        first, second = np.take(fine, low, axis=axis), np.take(fine, np.minimum(low + 1, fine.shape[axis] - 1), axis=axis)
        fine = first + t * (second - first)
    return fine
