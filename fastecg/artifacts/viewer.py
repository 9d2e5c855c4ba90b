"""What a display shows beside the page: a viewer's window, and the display's own frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, Light, param

if TYPE_CHECKING:
    from fastecg.kernels.window import Window

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
        from fastecg.kernels.window import paint_window
        from fastecg.mesh import CELL

        plane, off = _plane_of(light), light.off_page_mm()
        if plane is None or not (off > -1.0).any():
            return light
        shown = np.maximum.reduce([off[:-1, :-1], off[:-1, 1:], off[1:, :-1], off[1:, 1:]]) > -1.0
        backdrop = np.zeros((*light.warp.size, 3), dtype=np.uint8)
        paint_window(backdrop, shown, CELL, plane, *self._window(light.warp.mesh.size_mm))
        return replace(light, backdrop=backdrop)

    def _window(self, size_mm: tuple[float, float]) -> tuple[Window, np.ndarray, np.ndarray, np.ndarray]:
        """The window round a page of (width, height) mm, the signs of its tools and of programs, and all colours."""
        from fastecg.kernels.window import MOST_PROGRAMS, MOST_TOOLS, Window

        rng = np.random.default_rng(self.seed)
        wall = rng.uniform(20, 90) + rng.normal(0, 6, 3)
        there, signs = rng.random(MOST_TOOLS) < 0.55, rng.integers(0, 5, MOST_TOOLS)
        # What runs stands side by side from the left, as rounded tiles with a sign in them.
        running = np.arange(MOST_PROGRAMS) < rng.integers(3, 10)
        tiles = rng.uniform(60, 200, (MOST_PROGRAMS, 3))
        edges = -self.left_mm, -self.top_mm, size_mm[0] + self.right_mm, size_mm[1] + self.bottom_mm
        window = Window(*edges, *size_mm, self.bezel_mm, 28.0 + 40.0 * bool(there[0]))
        colours = np.array([*_THEMES[self.theme], np.clip(wall, 0, 255), np.ones(3), *tiles, *(0.25 * tiles + 180.0)])
        return window, np.where(there, signs, -1), np.where(running, signs[:MOST_PROGRAMS], -1), colours


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
    return plane * [scale, scale, 1.0]
