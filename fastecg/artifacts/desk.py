"""The surface below the page (wood, cloth, a folder, a table top, a scanner's lid), and what else lies on it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from fastecg.artifact import Artifact, Light, param

_TILE = 1024  # Side in px of a pattern, which repeats.
_TILE_PX_PER_MM = 8.0  # Resolution of the patterns at a `coarseness` of 1, px/mm of the table.

# The variants of every surface, each as the sRGB colours of the darkest and the brightest parts of its pattern.
_COLOURS = {
    "oak": (((122, 84, 52), (186, 146, 100)), ((140, 98, 60), (206, 170, 124)), ((158, 122, 86), (222, 194, 158))),
    "walnut": (((52, 34, 24), (104, 72, 50)), ((70, 44, 30), (128, 88, 60))),
    "cloth": (((28, 52, 84), (66, 98, 138)), ((40, 84, 70), (92, 138, 118)), ((88, 92, 98), (140, 144, 150)),
              ((150, 156, 168), (208, 212, 222))),
    "linen": (((188, 186, 184), (238, 238, 238)), ((170, 184, 196), (222, 230, 238)), ((176, 168, 150), (226, 220, 206))),
    "folder": (((190, 160, 96), (214, 186, 124)), ((46, 96, 148), (62, 114, 166)), ((60, 122, 84), (76, 140, 100)),
               ((186, 96, 96), (206, 116, 112)), ((206, 200, 188), (222, 216, 206))),
    "laminate": (((206, 204, 200), (228, 226, 222)), ((170, 172, 176), (192, 194, 198)), ((60, 62, 66), (78, 80, 84)),
                 ((184, 170, 150), (206, 194, 176))),
    "steel": (((118, 122, 126), (176, 180, 184)), ((140, 142, 142), (196, 198, 198))),
    "sheet": (((150, 156, 166), (240, 242, 246)), ((120, 150, 178), (206, 224, 238)), ((150, 172, 160), (222, 234, 226))),
    "stone": (((96, 92, 88), (214, 210, 204)), ((40, 42, 46), (122, 124, 128)), ((150, 132, 116), (232, 220, 206))),
    "white_lid": (((226, 227, 226), (240, 241, 240)), ((212, 214, 216), (228, 230, 231))),
    "dark_lid": (((14, 14, 15), (26, 26, 28)), ((34, 33, 32), (50, 49, 48))),
}  # fmt: skip
_PATTERNS = {
    "oak": "wood",
    "walnut": "wood",
    "cloth": "weave",
    "linen": "weave",
    "steel": "brushed",
    "sheet": "folds",
    "stone": "chips",
    "laminate": "worn",
}  # surfaces that are not listed are speckled

_THINGS = ("none", "leaf", "leaves", "edge")  # What else is seen: nothing, one leaf of paper, two or three, or the edge of the table.
#: Leaves of paper (writing paper, note paper, a folder, another ECG): size in mm, sRGB colour, and distance between lines of print in mm.
#: A distance of 0 means no print; a negative one is the distance between the lines of a grid.
_LEAVES = (
    ((210.0, 297.0), (236, 236, 233), 4.9), ((297.0, 210.0), (240, 238, 232), 6.2), ((148.0, 210.0), (232, 231, 224), 0.0),
    ((230.0, 310.0), (206, 178, 120), 0.0), ((216.0, 279.0), (228, 232, 238), 5.0), ((210.0, 297.0), (242, 222, 220), 0.0),
    ((295.0, 210.0), (236, 232, 226), -5.0), ((280.0, 215.0), (244, 226, 222), -5.0),
)  # fmt: skip


@dataclass(frozen=True)
class Desk(Artifact):
    """The surface that is seen beside the page. It is lit like the page, without the shading of the page's slopes."""

    surface: str = param("laminate", help="what it is made of", choices=tuple(_COLOURS))
    angle_deg: float = param(0.0, 0, 360, "direction of its grain or weave, clockwise from the right")
    coarseness: float = param(1.0, 0.3, 4, "factor on the size of its pattern")
    things: str = param("none", help="what else is seen: other leaves of paper below the page, or the table's edge", choices=_THINGS)
    seed: int = param(0, 0, 2**31, "decides the colour, the part of the surface, and where things lie")

    def shade(self, light: Light) -> Light:
        """Paint the surface beside the page, unless the page fills the picture."""
        if not (light.off_page_mm() > -1.0).any():
            return light
        return replace(light, backdrop=self._painted(light))

    def _painted(self, light: Light) -> np.ndarray:
        """The surface (height, width, 3) uint8 in all cells that may show some of it, from 1 mm inside the page on; black elsewhere."""
        from fastecg.kernels.tiles import paint_cells
        from fastecg.mesh import CELL

        rng = np.random.default_rng(self.seed)
        # The variant's colours, brighter or darker by some 7 levels as a whole, and by some 2.5 levels in each channel.
        ramp = _ramp(*_COLOURS[self.surface][rng.integers(len(_COLOURS[self.surface]))], rng.normal(0, 7) + rng.normal(0, 2.5, 3))
        # Pixels of the pattern per pixel of the picture; a pattern that is small in the picture is taken with fewer pixels.
        step = _TILE_PX_PER_MM / (light.warp.scale * self.coarseness)
        halvings = int(np.clip(np.ceil(np.log2(step / 1.4)), 0, 5))  # at most 1.4 pixels of the pattern per pixel of the picture
        fours = _fours(_PATTERNS.get(self.surface, "speckle"), halvings)
        # `start` is the place in the pattern, px, that the picture's first pixel shows.
        step, angle, start = step / 2**halvings, np.radians(self.angle_deg), rng.uniform(0, len(fours), 2)
        off = light.off_page_mm()
        shown = np.maximum.reduce([off[:-1, :-1], off[:-1, 1:], off[1:, :-1], off[1:, 1:]]) > -1.0
        backdrop = np.zeros((*light.warp.size, 3), dtype=np.uint8)
        paint_cells(backdrop, shown, CELL, fours, ramp, start[0], start[1], step * np.cos(angle), step * np.sin(angle))
        if self.things != "none":
            self._lay_things(light, backdrop, shown, ramp[128].astype(np.float64))
        return backdrop

    def _lay_things(self, light: Light, backdrop: np.ndarray, shown: np.ndarray, surface_colour: np.ndarray) -> None:
        """Paint leaves that stick out from below the page, or the table's edge, into the cells `shown` of `backdrop`, in place."""
        from fastecg.artifacts._letter import LINE_LENGTH, LINES, halvings_for, letter_print
        from fastecg.kernels.leaves import lay_leaf
        from fastecg.mesh import CELL

        rng, scale = np.random.default_rng([self.seed, 2]), light.warp.scale
        unprinted = np.zeros((1, 1), dtype=np.uint8)
        nodes_px = np.ascontiguousarray(light.warp.mesh_px.reshape(-1, 2).T)  # as two rows, since means of columns take five times as long
        middle = np.nanmean(nodes_px, axis=1)
        # Half the page's size, px of the picture, as if it were neither turned nor tilted.
        half_page = 0.5 * np.array(light.warp.mesh.size_mm) * scale
        if self.things == "edge":
            # The edge is 2 to 25 mm beyond the page, in one of four directions, askew by some 7°.
            angle = np.radians(rng.choice((0.0, 90.0, 180.0, 270.0)) + rng.normal(0, 7))
            out = np.array([np.cos(angle), np.sin(angle)])
            start = middle + out * (np.abs(out) @ half_page + rng.uniform(2, 25) * scale)
            # The front of the table is 1.5 to 4 mm high; beyond it lies the dark floor. Both are leaves of 10,000 by 100,000 px, without
            # shadow and print.
            for begin, share in ((0.0, 0.86), (rng.uniform(1.5, 4.0) * scale, 0.25)):
                centre = start + out * (begin + 5e3)
                frame = np.array([*centre, *out, 5e3, 5e4])
                lay_leaf(backdrop, shown, CELL, frame, share * surface_colour, np.zeros(4), np.zeros(4), unprinted)
            return
        for _ in range(1 if self.things == "leaf" else int(rng.integers(2, 4))):
            (width, height), colour, pitch = _LEAVES[rng.integers(len(_LEAVES))]
            angle, turn = rng.uniform(0, 2 * np.pi), np.radians(rng.normal(0, 11))
            out = np.array([np.cos(angle), np.sin(angle)])
            half_leaf = 0.5 * scale * np.array([width, height])
            # The leaf sticks out from below the page by about 6 to 60 mm, in the direction `out`.
            centre = middle + out * (np.abs(out) @ half_page - np.abs(out) @ half_leaf + rng.uniform(6, 60) * scale)
            frame = np.array([*centre, np.cos(turn), np.sin(turn), *half_leaf])
            shadow = np.array([*rng.normal(0, 0.7, 2), rng.uniform(1.5, 5.0), rng.uniform(0.15, 0.45)]) * (scale, scale, scale, 1.0)
            # As `lay_leaf` takes them: `shadow` is shift x and y, reach, depth; `lines` are distance, margin, darkness, index of the first.
            first, words = rng.integers(LINES), letter_print(halvings_for(pitch * scale)) if pitch > 0 else unprinted
            margin = 0.5 * (width - LINE_LENGTH * pitch)
            lines = np.array([pitch * scale, margin * scale, 0.75 if pitch > 0 else 0.22, first])
            lay_leaf(backdrop, shown, CELL, frame, np.array(colour) * rng.uniform(0.9, 1.0), shadow, lines, words)


def _ramp(dark: tuple[int, ...], bright: tuple[int, ...], shift: np.ndarray) -> np.ndarray:
    """Colours (256, 3) uint8 from `dark` to `bright`, to all of which `shift` (3,) is added."""
    t = np.linspace(0, 1, 256)[:, None]
    return np.clip(np.rint(np.array(dark) + t * (np.array(bright) - np.array(dark)) + shift), 0, 255).astype(np.uint8)


@functools.lru_cache(maxsize=8)
def _fours(pattern: str, halvings: int) -> np.ndarray:
    """`with_neighbours` of a `_tile`."""
    from fastecg.kernels.tiles import with_neighbours

    return with_neighbours(_tile(pattern, halvings))


@functools.lru_cache(maxsize=16)
def _tile(pattern: str, halvings: int) -> np.ndarray:
    """A pattern (n, n) of levels, uint8, that repeats at its edges, with its grain along x; n is `_TILE`, halved `halvings` times."""
    if halvings > 0:
        finer = _tile(pattern, halvings - 1).astype(np.uint16)
        return ((finer[::2, ::2] + finer[1::2, ::2] + finer[::2, 1::2] + finer[1::2, 1::2] + 2) // 4).astype(np.uint8)
    made = {"wood": _wood, "weave": _weave, "brushed": _brushed, "speckle": _speckle, "folds": _folds, "chips": _chips, "worn": _worn}[
        pattern
    ]()
    return np.clip(np.rint(255 * made), 0, 255).astype(np.uint8)


def _grain(seed: int, across: float, along: float) -> np.ndarray:
    """Smooth noise (_TILE, _TILE) that repeats at its edges, with mean 0 and standard deviation 1.

    This is white noise, blurred with standard deviations of `across` px down the columns and `along` px along the rows.
    """
    from scipy.ndimage import gaussian_filter

    coarse = [2 ** max(int(np.log2(blur / 3)), 0) for blur in (across, along)]  # smooth noise needs few nodes
    noise = np.random.default_rng(seed).normal(size=[_TILE // step for step in coarse])
    smooth = gaussian_filter(noise, (across / coarse[0], along / coarse[1]), mode="wrap")
    smooth = _widened(_widened(smooth.T, coarse[1]).T, coarse[0])
    smooth -= smooth.mean()
    smooth /= smooth.std()
    return smooth


def _widened(nodes: np.ndarray, step: int) -> np.ndarray:
    """A pattern (n, m) that repeats at its edges, interpolated linearly to (n * step, m): `step` rows centred on each given row."""
    if step == 1:
        return np.array(nodes)
    wide = np.empty((len(nodes), step, nodes.shape[1]))
    for row, offset in enumerate((np.arange(step) + 0.5) / step - 0.5):
        np.add(nodes * (1.0 - abs(offset)), np.roll(nodes, 1 if offset < 0 else -1, axis=0) * abs(offset), out=wide[:, row])
    return wide.reshape(-1, nodes.shape[1])


def _wood() -> np.ndarray:
    """Wood, as brightness 0 to 1: growth rings cut lengthwise, fibres, and short dark pores."""
    down = np.arange(_TILE)[:, None] / _TILE
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (9 * down + 0.55 * _grain(1, 60, 160) + 0.12 * _grain(2, 8, 90)))
    fibres, pores = _grain(3, 0.8, 45), _grain(4, 1.0, 14)
    return 0.56 + 0.22 * (rings**0.7 - 0.6) + 0.10 * fibres - 0.22 * (pores > 2.0) + 0.09 * _grain(5, 40, 120)


def _weave() -> np.ndarray:
    """Plain weave: threads that pass over and under one another, each of its own brightness."""
    pitch = 8  # width of a thread, px of the pattern (1 mm)
    offset = np.arange(_TILE)
    thread = np.sin(np.pi * (offset % pitch + 0.5) / pitch) ** 0.7
    over = (offset[:, None] // pitch + offset[None, :] // pitch) % 2 == 0
    rng = np.random.default_rng(6)
    warp, weft = (np.repeat(rng.normal(0, 0.10, _TILE // pitch), pitch) for _ in range(2))
    along, across = thread[:, None] * (0.85 + warp[:, None]), thread[None, :] * (0.72 + weft[None, :])
    return np.where(over, along, across) * 0.8 + 0.06 * _grain(7, 1, 1) + 0.05 * _grain(8, 50, 50) + 0.08


def _brushed() -> np.ndarray:
    """Brushed metal: fine scratches in one direction, over faint clouds."""
    return 0.5 + 0.12 * _grain(9, 0.6, 60) + 0.07 * _grain(10, 1.5, 20) + 0.12 * _grain(11, 80, 120)


def _speckle() -> np.ndarray:
    """Nearly plain: fine grain, some larger specks, faint clouds."""
    return 0.5 + 0.13 * _grain(12, 0.7, 0.7) + 0.12 * _grain(13, 2.5, 2.5) + 0.13 * _grain(14, 90, 90)


def _folds() -> np.ndarray:
    """A bed sheet: threads, and soft folds in one direction, each with a bright and a dark side."""
    height = np.abs(_grain(15, 48, 260)) + 0.8 * np.abs(_grain(16, 110, 110)) + 0.12 * np.abs(_grain(17, 14, 60))
    lit = np.roll(height, 1, axis=0) - height + 0.6 * (np.roll(height, 1, axis=1) - height)
    return 0.62 + 0.15 * lit / lit.std() + 0.05 * _grain(18, 0.8, 0.8) + 0.06 * (_weave() - 0.5)


def _chips() -> np.ndarray:
    """A stone counter: dark and bright chips of several sizes in a cloudy ground."""
    chips = sum(share * np.sign(_grain(19 + k, size, size)) * (np.abs(_grain(23 + k, size, size)) > 0.9)
                for k, (size, share) in enumerate(((1.6, 0.16), (4.0, 0.2), (9.0, 0.16))))  # fmt: skip
    return 0.52 + chips + 0.05 * _grain(27, 0.8, 0.8) + 0.07 * _grain(28, 70, 90)


def _worn() -> np.ndarray:
    """A worn table top: fine grain with fibres, clouds where it was wiped, and scratches."""
    scratches = (_grain(29, 0.7, 70) > 3.0).astype(float) - (_grain(30, 0.7, 40) < -3.1)
    return _speckle() + 0.1 * _grain(31, 3, 30) + 0.1 * _grain(32, 140, 60) + 0.5 * scratches
