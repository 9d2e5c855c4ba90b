"""What a display shows beside the page: a viewer's window, and the display's own frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, Light, param

if TYPE_CHECKING:
    from fastecg.kernels.window import Window

_THEMES = {  # sRGB colours: background, title bar, tool bar, icons, task bar, words in the title bar.
    "light": ((240, 240, 240), (222, 225, 230), (249, 249, 249), (110, 118, 128), (32, 42, 58), (70, 74, 80)),
    "grey": ((170, 173, 178), (64, 92, 140), (212, 208, 200), (70, 70, 74), (24, 30, 44), (250, 250, 250)),
    "dark": ((52, 54, 58), (32, 33, 36), (44, 46, 50), (176, 180, 186), (18, 18, 22), (176, 180, 186)),
}


_LIST_FROM_MM = 30.0  # A window that extends farther than this beyond the page's left edge has a list of files there.
_WORDS_WIDE_MM = 60.0  # Width in mm of the plane in which a line of words is drawn; a longer line is cut off.
_THUMB = (0.6, 0.95)  # Range of the length of the scroll bar's thumb, as a share of the bar: nearly all of the page is in view.
#: Templates of file names.
_FILES = ("ecg_{a:03d}.pdf", "ECG {b}.pdf", "ekg-{c:02d}-{a:02d}.png", "IMG_{b}.jpg", "scan {a}.pdf", "12-lead {b}.png", "{b}_ecg.pdf")


@dataclass(frozen=True)
class Viewer(Artifact):
    """A window with title, tools, scroll bar and task bar round the page, the display's frame round the window, and the wall behind."""

    theme: str = param("light", help="colours of the window", choices=tuple(_THEMES))
    left_mm: float = param(12.0, 0, 150, "how far the window extends beyond the page's left edge, in mm of the page")
    top_mm: float = param(24.0, 0, 150, "how far the window extends beyond the page's upper edge, in mm of the page")
    right_mm: float = param(20.0, 0, 150, "how far the window extends beyond the page's right edge, in mm of the page")
    bottom_mm: float = param(16.0, 0, 150, "how far the window extends beyond the page's lower edge, in mm of the page")
    bezel_mm: float = param(14.0, 2, 60, "width of the display's frame, in mm of the page")
    seed: int = param(0, 0, 2**31, "decides icons, file names and the colour of the wall")

    def shade(self, light: Light) -> Light:
        """Paint what is seen beside the page, and store the window's edges in the light, as those of the display's panel.

        Nothing is painted if the page fills the picture, or if too little of the page is seen to find its plane.
        """
        from fastecg.kernels.window import paint_window
        from fastecg.mesh import CELL

        light = replace(light, panel_mm=self._panel_mm(light.warp.mesh.size_mm))
        plane, off = _plane_of(light), light.off_page_mm()
        if plane is None or not (off > -1.0).any():
            return light
        shown = np.maximum.reduce([off[:-1, :-1], off[:-1, 1:], off[1:, :-1], off[1:, 1:]]) > -1.0
        backdrop = np.zeros((*light.warp.size, 3), dtype=np.uint8)
        paint_window(backdrop, shown, CELL, plane, *self._window(light.warp.mesh.size_mm))
        return replace(light, backdrop=backdrop)

    def _panel_mm(self, size_mm: tuple[float, float]) -> tuple[float, float, float, float]:
        """Page coordinates of the edges (left, top, right, bottom) of the window, which fills the display, for a page of `size_mm`."""
        return -self.left_mm, -self.top_mm, size_mm[0] + self.right_mm, size_mm[1] + self.bottom_mm

    def _window(self, size_mm: tuple[float, float]) -> tuple[Window, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What `paint_window` draws round a page of (width, height) mm: the window, the signs of tools and programs, words, and colours."""
        from fastecg.kernels.window import MOST_PROGRAMS, SIGNS, Window

        rng = np.random.default_rng(self.seed)
        wall = rng.uniform(20, 90) + rng.normal(0, 6, 3)
        edges = self._panel_mm(size_mm)
        tools = _tool_signs(rng, edges[2] - edges[0])
        # Running programs are rounded tiles with a sign in them, side by side from the left; no two signs are alike.
        programs = np.full(MOST_PROGRAMS, -1)
        running = int(rng.integers(3, SIGNS + 1))
        programs[:running] = rng.permutation(SIGNS)[:running]
        tiles = rng.uniform(60, 200, (MOST_PROGRAMS, 3))
        list_mm = self.left_mm - 6.0 if self.left_mm > _LIST_FROM_MM else 0.0
        window = Window(*edges, *size_mm, self.bezel_mm, list_mm, rng.uniform(*_THUMB))
        # In the order of `paint_window`. The ones are for the frame, whose brightness depends on the place. Signs are paler than tiles.
        *parts, caption = _THEMES[self.theme]
        colours = np.array([*parts, np.clip(wall, 0, 255), np.ones(3), caption, *tiles, *(0.25 * tiles + 180.0)])
        return window, tools, programs, _words(rng, window.list), colours


def _tool_signs(rng: np.random.Generator, width_mm: float) -> np.ndarray:
    """Signs (`MOST_TOOLS`,) of the tools of a window `width_mm` wide, -1 for none: two to four groups from the left with gaps between.

    Every sign occurs at most once; a narrow window has fewer or smaller groups, so that no sign is cut off.
    """
    from fastecg.kernels.window import MOST_TOOLS, SIGNS, TOOL_PITCH_MM

    tools, signs = np.full(MOST_TOOLS, -1), rng.permutation(SIGNS)
    fitting = min(MOST_TOOLS, int(width_mm / TOOL_PITCH_MM) - 1)
    start, used = 0, 0
    for _ in range(int(rng.integers(2, 5))):
        group = min(int(rng.integers(2, 5)), SIGNS - used, fitting - start)
        if group <= 0:
            break
        tools[start : start + group] = signs[used : used + group]
        start, used = start + group + int(rng.integers(1, 4)), used + group
    return tools


def _words(rng: np.random.Generator, list_mm: float) -> np.ndarray:
    """Coverage (lines, rows, columns) uint8 by the words of a window: its title, then the entries of a list of files `list_mm` wide.

    There are no entries if `list_mm` is 0.
    """
    from fastecg.kernels.window import WORDS_MM, WORDS_PER_MM
    from fastecg.page import Text
    from fastecg.printing.text import draw_texts

    names = [str(rng.choice(_FILES)).format(a=rng.integers(1, 40), b=rng.integers(10000, 999999), c=rng.integers(1, 29)) for _ in range(14)]
    title = names[2] + str(rng.choice(("", " - Viewer", " (1 of 14)", " - Documents")))  # the entry that is open
    lines = [title, *(names if list_mm else [])]
    words = np.zeros((len(lines), int(WORDS_MM * WORDS_PER_MM), int(_WORDS_WIDE_MM * WORDS_PER_MM)), dtype=np.uint8)
    for line, (plane, name) in enumerate(zip(words, lines, strict=True)):
        draw_texts(plane, [Text("header", name, 0.0, 0.72 * WORDS_MM, 2.9, "sans")], WORDS_PER_MM)
        if line:
            plane[:, max(int((list_mm - 4.0) * WORDS_PER_MM), 0) :] = 0  # names do not reach beyond their list
    return words


def _plane_of(light: Light) -> np.ndarray | None:
    """The homography (3, 3) from pixels to mm on the page's plane, fitted to the nodes on the page; None if these are fewer than 8."""
    nodes_mm = light.warp.nodes_mm
    x, y = np.broadcast_arrays(*light.pixels())
    known = light.warp.off_page_mm <= 0
    if known.sum() < 8:
        return None
    step = max(int(known.sum()) // 300, 1)
    px, py, u, v = (np.asarray(part, dtype=float)[known][::step] for part in (x, y, nodes_mm[..., 0], nodes_mm[..., 1]))
    one, none = np.ones_like(px), np.zeros_like(px)
    # Two equations for each of at most 600 nodes, linear in the first eight coefficients (the ninth is 1). Pixels are scaled to 0 to 1.
    scale = 1.0 / max(light.warp.size)
    a, b = px * scale, py * scale
    rows = np.concatenate([
        np.stack([a, b, one, none, none, none, -u * a, -u * b], axis=1),
        np.stack([none, none, none, a, b, one, -v * a, -v * b], axis=1),
    ])  # fmt: skip
    found = np.linalg.lstsq(rows, np.concatenate([u, v]), rcond=None)[0]
    plane = np.append(found, 1.0).reshape(3, 3)
    return plane * [scale, scale, 1.0]  # for x and y in pixels again
