"""What the network sees in a picture, the right way up: layers, the grid, tracks, the names of leads, and the layouts that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fastecg.digitizing.assign import SPEEDS_MM_S, Assignment, hypotheses
from fastecg.digitizing.coarse import PageWarp
from fastecg.digitizing.follow import page_strip
from fastecg.digitizing.names import Name, nothing_drawn, nothing_readable, read_names
from fastecg.digitizing.plain import MOST_OFF, plain_warp, tilt_of
from fastecg.digitizing.ruled import picture_grid
from fastecg.digitizing.scale import find_scales
from fastecg.digitizing.separate import WEIGHTS, Layers, Separator, separator
from fastecg.digitizing.targets import SCALE
from fastecg.digitizing.tracks import Track, find_tracks
from fastecg.errors import ImageError, LayoutError
from fastecg.layouts.paper import check_range

#: Where nothing else tells, mm/s.
USUAL_SPEED = 25.0

_LIKELY_DPI = (200.0, 150.0, 300.0, 100.0)  # of pictures without a grid
_USUAL_FS = 500.0
_ENOUGH = 0.5  # share of a layout's names, from which on the picture is the right way up
_FEW = 5  # the same in number
_SOME = 3  # names from which a picture that is turned is looked at closer
_MOST_SCALES = (
    2  # of a grid, that are looked at: of 67 pages by other programs and of scans, 66 were read at the likeliest, one at the next
)
_LEVEL_ROWS = 3  # tracks of a page with a grid that is not on its side; of 14 that were, none had more than one
_TRUE_LENGTH = 0.03  # rows that miss a usual length by a larger share tell of a scale that may be wrong
_FAN_ROWS = 3  # that tell whether a map fans out, at least
_FAN_SHARE = 0.12  # of their length, by which rows then grow over the page
_FAN_OFF = 0.02  # of their length, by which they may miss that
_EDGE_PX = 8  # what ends this near to the picture's edge may go on
_TRACE = 0.5  # of the network's maps: ink of a trace
_LEAST_INK_PX = 100  # of such ink, for there to be traces
_CELL_PX = 4  # within which ink hangs together
_PIECE_MM = 8.0  # width of pieces that count
_LEAST_PIECES_MM = 60.0  # of such pieces, for a page
_PAGE_MM2, _PLAIN_MM2, _LARGEST_MM2 = 0.13e6, 0.2e6, 0.3e6  # of an A3 page; at most of a picture without a grid, and of one with
_QUICK_PX = (0.7e6, 1.6e6, 4e6)  # of a picture at quick looks
_MOST_QUICK = 2.5  # how much larger than it is it may be made for one
_DARK = 100  # of 255: dark in a negative
_NEGATIVE_SHARE = 0.15  # of a picture that is dark, at least, for a negative
_AROUND_MM = 3.0  # page round the traces that is looked at
_FAINT = 8  # of 255: pens that differ less from their paper are not read
_BLANK_CELL_PX = 8  # within which paper is lit evenly
_BLANK_CELLS = 25  # of those that 60 mm of a trace cross, at the least 3.3 px/mm


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

    Raises
    ------
    LayoutError
        If a number is none that pages or records have.
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
        for name in ("speed_mm_s", "gain_mm_mv"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name))
        if not 50 <= self.fs <= 5000:
            raise LayoutError(f"fs is {self.fs:g}, expected 50 to 5000 samples a second")


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
    """The picture the right way up: that in which the names of leads and the rows make most of a layout.

    Raises
    ------
    ImageError
        If nothing in the picture looks like a trace, or it is a mirror image.
    """
    if _is_blank(picture):
        raise nothing_drawn()
    network = separator(weights)
    dark = _may_be_negative(picture)
    scales = find_scales(picture, network)
    tried = (
        _of_pages(picture, scales, _LARGEST_MM2)[:_MOST_SCALES]
        if scales
        else _of_pages(picture, [dpi / 25.4 for dpi in _LIKELY_DPI], _PLAIN_MM2)
    )
    # A look at a whole picture costs seconds of computing where the scale makes it large, or where several are tried.
    known = bool(scales) and _area_mm2(picture, tried[0]) < _PAGE_MM2
    if not known and not _drawn(picture, network, dark):
        raise nothing_drawn()
    if _area_mm2(picture, tried[0]) > _PAGE_MM2 and not _has_rows(picture, network, dark):
        raise nothing_drawn()
    best: View | None = None
    upright = False  # whether there are traces at the likeliest scale: else it does not matter how the picture is held
    rows: dict[int, int] = {}  # tracks at the likeliest scale, by quarter turns
    for px_per_mm, turns in _ways(tried):
        if turns and not upright:
            break
        if scales and not _may_lie(turns, rows):  # of copies in black and white, without a grid, rows tell less
            continue
        layers = network.separate(np.ascontiguousarray(np.rot90(picture, turns)), SCALE / px_per_mm)
        if turns and best is not None and best.placed is not None and not _names_enough(layers, _SOME):
            continue
        view = seen(layers, settings.layout, turns, ruled=bool(scales))
        if px_per_mm == tried[0]:
            rows[turns] = len(view.tracks)
        if best is None:
            upright = inked(layers)
            if known and not upright and not _drawn(picture, network, dark):
                raise nothing_drawn()
        if best is None or _rank(view) > _rank(best):
            best = view
        if _plausible(best):
            return best
        del layers, view  # their maps take hundreds of megabytes
    assert best is not None
    if _read_at_all(best):
        return best
    if dark:
        inverse = _straight_view(255 - picture, settings, network)
        if _read_at_all(inverse):
            return replace(inverse, negative=True)
    if best.tracks and _is_mirrored(picture, best, settings, network):
        raise ImageError("the picture is a mirror image, expected it the other way round")
    return best


def _is_blank(picture: np.ndarray) -> bool:
    """Whether hardly anything in a picture differs from what is next to it: empty paper, however it is lit."""
    from PIL import Image

    halved = np.asarray(Image.fromarray(picture).reduce(2))  # noise is
    rows, columns = (np.arange(0, length, _BLANK_CELL_PX // 2) for length in halved.shape[:2])
    high, low = (most.reduceat(most.reduceat(halved, rows, axis=0), columns, axis=1) for most in (np.maximum, np.minimum))
    return int(np.count_nonzero((high - low).max(axis=2) >= _FAINT)) < _BLANK_CELLS


def _is_mirrored(picture: np.ndarray, view: View, settings: Settings, network: Separator) -> bool:
    """Whether names are read in a picture's mirror image, at the scale of a view of it."""
    layers = network.separate(np.ascontiguousarray(picture[:, ::-1]), view.layers.zoom)
    return _names_enough(layers, _FEW) and _read_at_all(seen(layers, settings.layout, ruled=not view.plain))


def _names_enough(layers: Layers, least: int) -> bool:
    """Whether at least so many names of leads are read: sooner told than how the page lies."""
    height, width = layers.maps.shape[1:]
    return len(read_names(layers, plain_warp((height, width), SCALE))) >= least


def _drawn(picture: np.ndarray, network: Separator, dark: bool) -> bool:
    """Whether quick looks at a picture made small show traces; at its negative too, where it is dark.

    Traces are seen in pages of less than half the scale that the network was taught at.
    """
    return any(
        inked(network.separate(shown, min(float(np.sqrt(pixels / picture[..., 0].size)), _MOST_QUICK)))
        for pixels in _QUICK_PX
        for shown in ([picture, 255 - picture] if dark else [picture])
    )


def _has_rows(picture: np.ndarray, network: Separator, dark: bool) -> bool:
    """Whether a quick look at a large picture, as it stands or on its side, shows rows of traces and not only ink like theirs."""
    zoom = float(np.sqrt(_QUICK_PX[-1] / picture[..., 0].size))
    return dark or any(
        seen(network.separate(np.ascontiguousarray(np.rot90(picture, turns)), zoom), None, turns, ruled=False).tracks for turns in (0, 1)
    )


def _of_pages(picture: np.ndarray, scales: list[float], most_mm2: float) -> list[float]:
    """Those of some px/mm at which a picture is no larger than pages are, or else the largest."""
    first, *others = [scale for scale in scales if _area_mm2(picture, scale) < most_mm2] or [max(scales)]
    # Half of a scale is seen nearly as clearly: a page larger than A3, which takes gigabytes, is believed of the clearest alone.
    return [first, *(scale for scale in others if _area_mm2(picture, scale) < _PAGE_MM2)]


def _area_mm2(picture: np.ndarray, px_per_mm: float) -> float:
    return picture.shape[0] * picture.shape[1] / px_per_mm**2


def _may_be_negative(picture: np.ndarray) -> bool:
    """Whether enough of a picture is dark for a page whose light and dark were exchanged."""
    return float((picture[::4, ::4].mean(axis=2) < _DARK).mean()) > _NEGATIVE_SHARE


def _read_at_all(view: View) -> bool:
    """Whether the names that were read speak for a layout."""
    return view.placed is not None and view.placed.found >= _FEW and view.sureness >= _ENOUGH


def _straight_view(picture: np.ndarray, settings: Settings, network: Separator) -> View:
    """A picture as it stands, at its likeliest scale."""
    scales = find_scales(picture, network)
    px_per_mm = _of_pages(picture, scales, _LARGEST_MM2)[0] if scales else _LIKELY_DPI[0] / 25.4
    return seen(network.separate(picture, SCALE / px_per_mm), settings.layout, 0, ruled=bool(scales))


def _ways(scales: list[float]) -> list[tuple[float, int]]:
    """Scales and quarter turns, the likeliest first."""
    first, *others = scales
    return [(first, 0), *((scale, 0) for scale in others), (first, 2), (first, 1), (first, 3)]


def _may_lie(turns: int, rows: dict[int, int]) -> bool:
    """Whether a picture may be the right way up after so many quarter turns, by the tracks that other turns had.

    Upside down it has as many tracks as upright, and on its side hardly any.
    """
    if turns % 2:
        return max((count for turned, count in rows.items() if turned % 2 == 0), default=0) < _LEVEL_ROWS and rows.get((turns + 2) % 4) != 0
    return turns == 0 or rows.get((turns + 2) % 4) != 0


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
    if ruled and _runs_across(layers):  # what has no traces is no page, and its lines are followed for nothing
        warp = picture_grid(layers)
        if warp is not None:
            view = _view(layers, warp, layout, turns)
            if not _fans_out(view.tracks):
                return view
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


def _fans_out(tracks: Sequence[Track]) -> bool:
    """Whether every row is longer than the one above it, or shorter, by the same: so they are on no paper, but where a grid is misread."""
    whole = [track for track in tracks if not any(track.cut)]
    if len(whole) < _FAN_ROWS:
        return False
    levels, lengths = np.array([(track.level_mm, track.ends_mm[1] - track.ends_mm[0]) for track in whole]).T
    trend = np.polyval(np.polyfit(levels, lengths, 1), levels)
    usual = np.median(lengths)
    return bool(np.ptp(trend) > _FAN_SHARE * usual and np.abs(lengths - trend).max() < _FAN_OFF * usual)


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


def inked(layers: Layers) -> bool:
    """Whether there are traces."""
    return int(np.count_nonzero(layers["trace"] > _TRACE)) >= _LEAST_INK_PX


def _runs_across(layers: Layers) -> bool:
    """Whether enough of the traces' ink hangs together from left to right, as a lead does between two spikes."""
    from scipy.ndimage import find_objects, label

    height, width = (length // _CELL_PX for length in layers.maps.shape[1:])
    ink = layers["trace"][: height * _CELL_PX, : width * _CELL_PX] > _TRACE
    cells = ink.reshape(height, _CELL_PX, width, _CELL_PX).any(axis=(1, 3))
    pieces = [(part[1].stop - part[1].start) * _CELL_PX / SCALE for part in find_objects(label(cells, np.ones((3, 3)))[0])]
    return sum(length for length in pieces if length > _PIECE_MM) > _LEAST_PIECES_MM


def _traces_mm(layers: Layers, warp: PageWarp) -> np.ndarray:
    """Places on the page of some of the traces' ink, (n, 2) mm; none if there is hardly any."""
    rows, columns = np.nonzero(layers["trace"] > _TRACE)
    if len(rows) < _LEAST_INK_PX:
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
