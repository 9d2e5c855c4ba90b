"""What the network sees in a picture, the right way up: layers, the grid, tracks, the names of leads, and the layouts that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fastecg.digitizing.assign import SPEEDS_MM_S, Assignment, hypotheses
from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.follow import page_strip
from fastecg.digitizing.names import Name, nothing_readable, read_names
from fastecg.digitizing.plain import MOST_OFF, plain_warp, tilt_of
from fastecg.digitizing.ruled import picture_grid
from fastecg.digitizing.scale import find_scales
from fastecg.digitizing.separate import WEIGHTS, Layers, Separator, separator
from fastecg.digitizing.targets import SCALE
from fastecg.digitizing.tracks import Track, find_tracks
from fastecg.errors import ImageError

#: Where nothing else tells, mm/s.
USUAL_SPEED = 25.0

_LIKELY_DPI = (200.0, 150.0, 300.0, 100.0)  # of pictures without a grid
_USUAL_FS = 500.0
_ENOUGH, _FEW = 0.5, 5  # of a layout's names, in share and number: the picture is the right way up
_TRUE_LENGTH = 0.03  # rows that miss a usual length by a larger share tell of a scale that may be wrong
_EDGE_PX = 8  # what ends this near to the picture's edge may go on
_AROUND_MM = 3.0  # page round the traces that is looked at


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
    page : Path, optional
        A page model that a person has corrected: a report, as `fastecg digitize` writes it.
    """

    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    fs: float = 500.0
    mode: str = "render"
    page: Path | None = None

    def __post_init__(self) -> None:
        if self.mode == "stroke_fit":  # its public name
            object.__setattr__(self, "mode", "render")


#: Everything is read from the picture.
READ = Settings()


@dataclass(frozen=True, eq=False)
class View:
    """A picture as the network saw it, one way up.

    Attributes
    ----------
    layers : Layers
    warp : PageWarp
        The map between the layers' pixels and mm of the page.
    names : tuple of Name
        Of leads, as they were read.
    tracks : tuple of Track
        Rows of traces, from above.
    found : tuple of Assignment
        Which lead may be where, the likeliest first.
    turns : int
        Quarter turns that the picture was given.
    plain : bool
        Whether no grid was seen: millimetres are then those of the rows' length.
    tilt : float
        How much rows fall in such a picture, mm a mm.
    negative : bool
        Whether light and dark were exchanged to read it.
    """

    layers: Layers
    warp: PageWarp
    names: tuple[Name, ...]
    tracks: tuple[Track, ...]
    found: tuple[Assignment, ...]
    turns: int
    plain: bool = False
    tilt: float = 0.0
    negative: bool = False

    @property
    def placed(self) -> Assignment | None:
        """The likeliest layout."""
        return self.found[0] if self.found else None

    @property
    def sureness(self) -> float:
        """Share of the layout's names that were read where they belong."""
        return 0.0 if self.placed is None else self.placed.found / len(self.placed.cells)


def best_view(picture: np.ndarray, settings: Settings, weights: Path = WEIGHTS) -> View:
    """The picture the right way up: that in which the names of leads and the rows make most of a layout."""
    network = separator(weights)
    scales = find_scales(picture, network)
    best: View | None = None
    for px_per_mm, turns in _ways(scales or [dpi / 25.4 for dpi in _LIKELY_DPI]):
        layers = network.separate(np.ascontiguousarray(np.rot90(picture, turns)), SCALE / px_per_mm)
        view = seen(layers, settings.layout, turns, ruled=bool(scales))
        if best is None or _rank(view) > _rank(best):
            best = view
        if _plausible(best):
            break
    assert best is not None
    if not _read_at_all(best):
        inverse = _straight_view(255 - picture, settings, network)
        if _read_at_all(inverse):
            return replace(inverse, negative=True)
        if _read_at_all(_straight_view(np.ascontiguousarray(picture[:, ::-1]), settings, network)):
            raise ImageError("the picture is a mirror image, expected it the other way round")
    return best


def _read_at_all(view: View) -> bool:
    """Whether the names that were read speak for a layout."""
    return view.placed is not None and view.placed.found >= _FEW and view.sureness >= _ENOUGH


def _straight_view(picture: np.ndarray, settings: Settings, network: Separator) -> View:
    """A picture as it stands, at its likeliest scale."""
    scales = find_scales(picture, network)
    px_per_mm = scales[0] if scales else _LIKELY_DPI[0] / 25.4
    return seen(network.separate(picture, SCALE / px_per_mm), settings.layout, 0, ruled=bool(scales))


def _ways(scales: list[float]) -> list[tuple[float, int]]:
    """Scales and quarter turns, the likeliest first."""
    first, *others = scales[:4]
    return [(first, 0), *((scale, 0) for scale in others), (first, 2), (first, 1), (first, 3)]


def _plausible(view: View) -> bool:
    """Whether most names are where a layout has them, and millimetres are such that the rows have a usual length."""
    placed = view.placed
    if placed is None or not _read_at_all(view):
        return False
    lengths = [track.ends_mm[1] - track.ends_mm[0] for track in view.tracks if not any(track.cut)]
    usual = [placed.layout.seconds * speed for speed in SPEEDS_MM_S]
    return not lengths or any(abs(np.log(length / wanted)) < _TRUE_LENGTH for length in lengths for wanted in usual)


def seen(layers: Layers, layout: str | None, turns: int = 0, *, ruled: bool = True) -> View:
    """Layers with their grid, their tracks and names, and the layouts laid over them.

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
        warp = picture_grid(layers)
        if warp is not None:
            return _view(layers, warp, layout, turns)
    size = layers.maps.shape[1], layers.maps.shape[2]
    view = _view(layers, plain_warp(size, SCALE), layout, turns, plain=True)
    if view.placed is None:
        return view
    tilt = tilt_of(view.tracks)
    view = _view(layers, plain_warp(size, SCALE, tilt), layout, turns, plain=True, tilt=tilt)
    lengths = [track.ends_mm[1] - track.ends_mm[0] for track in view.tracks if not any(track.cut)]
    if view.placed is None or not lengths:
        return view
    # The last sample is one step before the end of the time, and the pen goes half its width beyond.
    stretch = float(np.median(lengths)) / ((view.placed.layout.seconds - 1.0 / _USUAL_FS) * USUAL_SPEED + 2 * layers.cap_mm)
    if abs(np.log(stretch)) > MOST_OFF:
        return view
    return _view(layers, plain_warp(size, SCALE * stretch, tilt), layout, turns, plain=True, tilt=tilt)


def reframed(view: View, stretch: float, fall: float, layout: str | None) -> View:
    """A view without a grid whose millimetres are longer by a factor, and whose rows fall more, mm a mm."""
    size = view.layers.maps.shape[1], view.layers.maps.shape[2]
    tilt = view.tilt + fall
    return _view(view.layers, plain_warp(size, view.warp.scale * stretch, tilt), layout, view.turns, plain=True, tilt=tilt)


def _view(layers: Layers, warp: PageWarp, layout: str | None, turns: int, *, plain: bool = False, tilt: float = 0.0) -> View:
    names = tuple(read_names(layers, warp))
    traces_mm = _traces_mm(layers, warp)
    if not len(traces_mm):
        return View(layers, warp, names, (), (), turns, plain, tilt)
    left, top, right, bottom = _extent(traces_mm)
    area = left - _AROUND_MM, top - _AROUND_MM, right + _AROUND_MM, bottom + _AROUND_MM
    strip = page_strip(layers["trace"], warp, area)
    tracks = tuple(replace(track, cut=_cut(layers, warp, track)) for track in find_tracks(strip))
    return View(layers, warp, names, tracks, tuple(hypotheses(tracks, names, layout, scaled=not plain)), turns, plain, tilt)


def _rank(view: View) -> tuple[float, int]:
    return (view.placed.score if view.placed else -99.0), len(view.names)


def _cut(layers: Layers, warp: PageWarp, track: Track) -> tuple[bool, bool]:
    """Whether a track ends where the picture does."""
    ends = np.array(track.ends_mm)
    height, width = layers.maps.shape[1:]
    points = warp.forward(np.column_stack([ends, track.row.middle_at(ends)]))
    inside = [bool((point > _EDGE_PX).all() and (point < np.array([width, height]) - 1 - _EDGE_PX).all()) for point in points]
    return not inside[0], not inside[1]


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
    return left - _AROUND_MM, top - _AROUND_MM, right + _AROUND_MM, bottom + _AROUND_MM
