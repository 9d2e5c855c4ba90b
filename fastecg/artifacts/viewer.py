"""What a display shows beside the page: a viewer's window, and the display's own frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fastecg.artifact import Artifact, Light, param

_BAND = 64  # Rows that are painted together.
_BAR_MM = 7.0  # height of the window's title bar
_TOOL_MM = 9.0  # height of its row of tools
_TASK_MM = 9.0  # height of the desktop's task bar
_SCROLL_MM = 4.0  # width of the scroll bar
_TOOL_PITCH_MM = 7.0  # from one tool to the next
_TASK_PITCH_MM = 11.0  # from one program of the task bar to the next
_THEMES = {  # ground, title, tools, icons, task bar
    "light": ((240, 240, 240), (222, 225, 230), (249, 249, 249), (110, 118, 128), (32, 42, 58)),
    "grey": ((170, 173, 178), (64, 92, 140), (212, 208, 200), (70, 70, 74), (24, 30, 44)),
    "dark": ((52, 54, 58), (32, 33, 36), (44, 46, 50), (176, 180, 186), (18, 18, 22)),
}


@dataclass(frozen=True)
class Viewer(Artifact):
    """A window with its title, tools, scroll bar and task bar round the page, then the bezel, then the wall behind."""

    theme: str = param("light", help="colours of the window", choices=tuple(_THEMES))
    left_mm: float = param(12.0, 0, 150, "window left of the page, mm of the page")
    top_mm: float = param(24.0, 0, 150, "window above the page")
    right_mm: float = param(20.0, 0, 150, "window right of the page")
    bottom_mm: float = param(16.0, 0, 150, "window below the page")
    bezel_mm: float = param(14.0, 2, 60, "width of the display's frame")
    seed: int = param(0, 0, 2**31, "of icons and of the wall")

    def shade(self, light: Light) -> Light:
        """Paint what is seen beside the page."""
        plane = _plane_of(light)
        if plane is None or not (light.off_page_mm() > -1.0).any():
            return light
        height, width = light.warp.size
        out, x = np.empty((height, width, 3), dtype=np.uint8), np.arange(width, dtype=np.float32)[None, :]
        for start in range(0, height, _BAND):
            y = np.arange(start, min(start + _BAND, height), dtype=np.float32)[:, None]
            across, down, deep = (x * a + y * b + c for a, b, c in plane)
            seen = deep > 1e-4
            deep = np.where(seen, deep, 1.0)
            out[start : start + len(y)] = self._colours(across / deep, down / deep, light.warp.mesh.size_mm)
        return replace(light, backdrop=out)

    def _colours(self, x: np.ndarray, y: np.ndarray, size_mm: tuple[float, float]) -> np.ndarray:
        """Colours (rows, columns, 3) uint8 at places of the display, mm of the page."""
        ground, title, tools, icon, task = _THEMES[self.theme]
        rng = np.random.default_rng(self.seed)
        wall = rng.uniform(20, 90) + rng.normal(0, 6, 3)
        left, top = -self.left_mm, -self.top_mm
        right, bottom = size_mm[0] + self.right_mm, size_mm[1] + self.bottom_mm
        off = np.maximum(np.maximum(left - x, x - right), np.maximum(top - y, y - bottom))
        u, v = x - left, y - top
        tool, bar = (v >= _BAR_MM) & (v < _BAR_MM + _TOOL_MM), v < _BAR_MM
        there, signs = rng.random(64) < 0.55, rng.integers(0, 5, 64)
        slot = np.clip(u / _TOOL_PITCH_MM, 0, 63).astype(np.int64)
        button = tool & there[slot]
        button[button] = _sign(signs[slot[button]], u[button] % _TOOL_PITCH_MM - 3.5, v[button] - _BAR_MM - 0.5 * _TOOL_MM)
        words = bar & (u > 3) & (u < 3 + 40 * there[0] + 25) & (np.abs(v - 3.5) < 0.9) & (np.sin(7.3 * u) + np.sin(3.1 * u + 1) > -0.3)
        close = bar & (x > right - 24) & (np.abs((right - x) % 8.0 - 4.0) < 1.2) & (np.abs(v - 3.5) < 0.5)
        foot = y > bottom - _TASK_MM
        program = np.clip(u / _TASK_PITCH_MM, 0, 12).astype(np.int64)
        beside, below = u % _TASK_PITCH_MM - 5.5, y - bottom + 0.5 * _TASK_MM
        # What runs stands side by side from the left, as rounded tiles with a sign in them.
        apps = foot & (u > 0) & (u < _TASK_PITCH_MM * rng.integers(3, 10))
        apps[apps] = np.square(np.square(beside[apps])) + np.square(np.square(below[apps])) < 2.4**4
        scroll = (x > right - _SCROLL_MM) & ~bar & ~tool & ~foot
        thumb = scroll & (v > 0.25 * (bottom - top)) & (v < 0.5 * (bottom - top))
        edge = (np.abs(off) < 0.6) | (np.maximum(np.maximum(-x, x - size_mm[0]), np.maximum(-y, y - size_mm[1])) < 0.35)
        shine = 16.0 + 26.0 * np.exp(-np.abs(off - self.bezel_mm) / 0.8)
        out = np.empty((*x.shape, 3), dtype=np.float32)
        out[:] = ground
        for where, colour in ((scroll, tools), (thumb, icon), (tool, tools), (bar, title), (button | words | close, icon), (foot, task)):
            out[where] = colour
        tiles = rng.uniform(60, 200, (13, 3)).astype(np.float32)[program[apps]]
        out[apps] = np.where(_sign(signs[program[apps]], 0.9 * beside[apps], 0.9 * below[apps])[:, None], 0.25 * tiles + 180.0, tiles)
        out[edge & (off < 0)] *= 0.6
        out = np.where((off > 0)[..., None], shine[..., None], out)
        out = np.where((off > self.bezel_mm)[..., None], wall, out)
        return np.clip(out, 0, 255).astype(np.uint8)


def _sign(kind: np.ndarray, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Whether places, mm from the middles of signs, lie on their strokes: a ring, a frame, lines, a cross, an arrow."""
    far, wide = np.hypot(right, down), np.maximum(np.abs(right), np.abs(down))
    shapes = (
        np.abs(far - 1.3) < 0.3,
        np.abs(wide - 1.4) < 0.25,
        (wide < 1.6) & (np.abs((down + 1.6) % 1.07 - 0.53) < 0.22),
        (wide < 1.6) & (np.minimum(np.abs(right), np.abs(down)) < 0.25),
        (np.abs(down) < 1.6 - 0.8 * (right + 1.4)) & (np.abs(right) < 1.4),
    )
    return np.choose(kind, shapes)


def _plane_of(light: Light) -> np.ndarray | None:
    """The homography (3, 3) from pixels to the page's plane, in mm; from the nodes on the page."""
    nodes_mm = light.warp.nodes_mm
    x, y = np.broadcast_arrays(*light.pixels())
    known = light.warp.off_page_mm <= 0
    if known.sum() < 8:
        return None
    step = max(int(known.sum()) // 300, 1)
    px, py, u, v = (np.asarray(part, dtype=float)[known][::step] for part in (x, y, nodes_mm[..., 0], nodes_mm[..., 1]))
    one, none = np.ones_like(px), np.zeros_like(px)
    scale = 1.0 / max(light.warp.size)
    a, b = px * scale, py * scale
    rows = np.concatenate([
        np.stack([a, b, one, none, none, none, -u * a, -u * b], axis=1),
        np.stack([none, none, none, a, b, one, -v * a, -v * b], axis=1),
    ])  # fmt: skip
    found = np.linalg.lstsq(rows, np.concatenate([u, v]), rcond=None)[0]
    plane = np.append(found, 1.0).reshape(3, 3)
    return (plane * [scale, scale, 1.0]).astype(np.float32)
