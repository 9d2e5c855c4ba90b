"""What the network sees in a picture: layers, the grid, the names of leads, and the layout that they make; the right way up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.find_layout import Name, Placed, nothing_readable, place_layout, read_names
from fastecg.digitizing.phase import find_grid
from fastecg.digitizing.plain import MOST_OFF, length_of_rows, plain_warp, tilt_of
from fastecg.digitizing.scale import find_scales
from fastecg.digitizing.separate import WEIGHTS, Layers, separator
from fastecg.digitizing.targets import SCALE
from fastecg.errors import ImageError

#: Where nothing else tells, mm/s.
USUAL_SPEED = 25.0

_LIKELY_DPI = (200.0, 150.0, 300.0, 100.0)  # of pictures without a grid
_USUAL_FS = 500.0
_ENOUGH, _FEW = 0.5, 5  # of a layout's names, in share and number: the picture is the right way up


@dataclass(frozen=True)
class Settings:
    """What the user knows of the page. None: it is read from the picture.

    Attributes
    ----------
    layout : str, optional
        Name of a layout.
    speed_mm_s, gain_mm_mv : float, optional
        Paper speed and gain.
    fs : float
        Samples a second to read.
    mode : str
        One of `fastecg.digitizing.decode.MODES`.
    """

    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    fs: float = 500.0
    mode: str = "render"


#: Everything is read from the picture.
READ = Settings()


@dataclass(frozen=True, eq=False)
class View:
    """A picture as the network saw it, one way up, with its grid and the names read in it."""

    layers: Layers
    warp: PageWarp
    names: tuple[Name, ...]
    placed: Placed | None
    turns: int
    plain: bool = False  # no grid was seen: millimetres are those of the rows' length

    @property
    def sureness(self) -> float:
        """Share of the layout's names that were read where they belong."""
        return 0.0 if self.placed is None else self.placed.found / len(self.placed.leads)


def best_view(picture: np.ndarray, settings: Settings, weights: Path = WEIGHTS) -> View:
    """The picture the right way up: that in which most names of leads are where a layout has them."""
    network = separator(weights)
    scales = find_scales(picture, network)
    best: View | None = None
    for px_per_mm, turns in _ways(scales or [dpi / 25.4 for dpi in _LIKELY_DPI]):
        layers = network.separate(np.ascontiguousarray(np.rot90(picture, turns)), SCALE / px_per_mm)
        view = seen(layers, settings.layout, turns, ruled=bool(scales))
        if best is None or _rank(view) > _rank(best):
            best = view
        if best.placed is not None and best.placed.found >= _FEW and best.sureness >= _ENOUGH:
            break
    assert best is not None
    return best


def _ways(scales: list[float]) -> list[tuple[float, int]]:
    """Scales and quarter turns, the likeliest first."""
    first, *others = scales[:4]
    return [(first, 0), *((scale, 0) for scale in others), (first, 2), (first, 1), (first, 3)]


def seen(layers: Layers, layout: str | None, turns: int = 0, *, ruled: bool = True) -> View:
    """Layers with their grid, their names and the layout laid over them.

    Parameters
    ----------
    layers : Layers
    layout : str, optional
        Its name, if known.
    turns : int
        Quarter turns that the picture was given.
    ruled : bool
        Whether a grid is looked for; where there is none, millimetres come from the length of the rows.
    """
    if ruled:
        try:
            warp, _ = find_grid(layers["grid"], layers["major"])
        except ImageError:
            ruled = False
        else:
            return _view(layers, warp, layout, turns)
    size = layers.maps.shape[1], layers.maps.shape[2]
    view = _view(layers, plain_warp(size, SCALE), layout, turns, plain=True)
    if view.placed is None:
        return view
    tilt = tilt_of(view.names, view.placed.pitch_mm)
    view = _view(layers, plain_warp(size, SCALE, tilt), layout, turns, plain=True)
    length = None if view.placed is None else length_of_rows(layers["trace"], plain_warp(size, SCALE, tilt), view.placed, ink_area(view))
    if view.placed is None or length is None:
        return view
    # The last sample is one step before the end of the time, and the pen goes half its width beyond.
    stretch = length / ((view.placed.layout.seconds - 1.0 / _USUAL_FS) * USUAL_SPEED + 2 * layers.cap_mm)
    if abs(np.log(stretch)) > MOST_OFF:
        return view
    return _view(layers, plain_warp(size, SCALE * stretch, tilt), layout, turns, plain=True)


def _view(layers: Layers, warp: PageWarp, layout: str | None, turns: int, *, plain: bool = False) -> View:
    names = tuple(read_names(layers, warp))
    traces_mm = _traces_mm(layers, warp)
    return View(layers, warp, names, place_layout(names, _extent(traces_mm), layout, traces_mm), turns, plain)


def _rank(view: View) -> tuple[float, int]:
    return (view.placed.score if view.placed else -99.0), len(view.names)


def _traces_mm(layers: Layers, warp: PageWarp) -> np.ndarray:
    """Places on the page of some of the traces' ink, (n, 2) mm; none if there is hardly any."""
    rows, columns = np.nonzero(layers["trace"] > 0.5)
    if len(rows) < 100:
        return np.empty((0, 2))
    step = max(len(rows) // 20000, 1)
    page = warp.inverse(np.column_stack([columns, rows])[::step].astype(np.float64))
    return np.asarray(page[np.isfinite(page).all(axis=1)])


def _extent(traces_mm: np.ndarray) -> tuple[float, float, float, float]:
    """What of the page places (n, 2) fill: left, top, right, bottom, mm; nothing if there are none."""
    if not len(traces_mm):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = np.percentile(traces_mm, 0.05, axis=0), np.percentile(traces_mm, 99.95, axis=0)
    return float(left), float(top), float(right), float(bottom)


def ink_area(view: View) -> tuple[float, float, float, float]:
    """What of the page may hold traces: left, top, right, bottom, mm."""
    left, top, right, bottom = _extent(_traces_mm(view.layers, view.warp))
    if left == right:
        raise nothing_readable(view.names, view.layers)
    names = np.array([(name.x_mm, name.y_mm) for name in view.names])
    (low_x, low_y), (high_x, high_y) = names.min(axis=0), names.max(axis=0)
    return min(left, low_x) - 3.0, min(top, low_y) - 3.0, max(right, high_x) + 3.0, max(bottom, high_y) + 3.0
