"""Find the scale and the orientation at which a picture is read, after quick tests of whether it shows an ECG at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis, analyse_layers, has_ink
from fastecg.digitizing.assign import SPEEDS_MM_S
from fastecg.digitizing.checks import never_beat, tracks_beat
from fastecg.digitizing.gridless import gridless_warp
from fastecg.digitizing.names import no_heart, nothing_drawn, read_names
from fastecg.digitizing.scale import find_scales
from fastecg.digitizing.segmenter import WEIGHTS, Layers, LayerSegmenter, load_segmenter
from fastecg.digitizing.settings import Settings
from fastecg.digitizing.targets import SCALE
from fastecg.errors import ImageError

_LIKELY_DPI = (200.0, 150.0, 300.0, 100.0)  # Resolutions that are tried for a picture without a grid, the likeliest first.
_NAMES_SHARE = 0.5  # Minimum share of a layout's names that have to be read for a picture to count as upright.
_LEAST_NAMES = 5  # Minimum number of names that have to be read for a picture to count as upright.
# Minimum number of names that have to be read for a turned picture to be analysed in full although another orientation matches a layout,
# and for a large picture to be analysed although its rows beat together only if the page is taken to be tilted.
_FEW_NAMES = 3
# Largest number of a grid's scales that are tried. Of 67 scans and pages by other programs, 66 were read at the likeliest, one at the next.
_MOST_SCALES = 2
# A picture with a grid does not lie on its side if it has at least this many tracks. Of 14 pictures on their side, none had more than one.
_LEVEL_ROWS = 3
# Largest log ratio of the length of a row and a usual length for both to count as equal. If no row has a usual length, the scale may be
# wrong.
_SAME_LENGTH = 0.03
_PAGE_MM2 = 0.13e6  # Area of an A3 page, rounded up.
_TINY_MM2 = 8e3  # A page that seems smaller than this, 100 by 80 mm, probably has no grid: its scale came from another period.
_GRIDLESS_MM2 = 0.2e6  # Largest area of a picture without a grid.
_LARGEST_MM2 = 0.3e6  # Largest area of a picture with a grid.
_QUICK_PX = (0.7e6, 1.6e6, 4e6)  # Numbers of pixels of the resized copies of a picture in which traces are looked for first.
_MOST_ZOOM = 2.5  # Largest factor by which a small picture is enlarged for this first look.
_DARK = 100  # A pixel counts as dark if its grey level (0 to 255) is below this.
_NEGATIVE_SHARE = 0.15  # A picture may be a negative if more than this share of its pixels is dark.
_FAINT = 8  # Minimum difference in brightness (0 to 255) between paper and ink that can be read.
_BLANK_CELL_PX = 8  # Side of the cells in which brightness is compared. Cells are so small that the light on the paper is even within one.
_BLANK_CELLS = 25  # Minimum number of cells with ink in a picture with traces: 60 mm of a trace at 3.3 px/mm, the smallest scale.


def analyse_upright(picture: np.ndarray, settings: Settings, weights: Path = WEIGHTS) -> PageAnalysis:
    """Find the orientation of a picture in which names and rows fit a layout best, and analyse it that way up.

    The analysis has no match if nothing fits a layout in any orientation.

    Raises
    ------
    ImageError
        If nothing in the picture looks like a trace, its traces do not beat together, or it is a mirror image.
    """
    if _is_blank(picture):
        raise nothing_drawn()
    network = load_segmenter(weights)
    dark = _may_be_negative(picture)
    scales = find_scales(picture, network)
    tried = _scales_of_pages(picture, scales, _LARGEST_MM2)[:_MOST_SCALES] if scales else _gridless_scales(picture)
    # The analysis of a whole picture takes seconds if the scale makes it large or several scales are tried. So unless a grid shows that the
    # picture is no larger than an A3 page, a quick look comes first.
    page_sized = bool(scales) and _area_mm2(picture, tried[0]) < _PAGE_MM2
    if not page_sized and not _shows_traces(picture, network, dark):
        raise nothing_drawn()
    large = _area_mm2(picture, tried[0]) > _PAGE_MM2
    if large and not dark and not _has_rows(picture, network, named=settings.layout is None):
        raise nothing_drawn()
    best: PageAnalysis | None = None
    has_traces = False  # Whether there are traces at the likeliest scale. If not, turning the picture does not help.
    no_ecg = False  # Whether rows on a grid do not beat together. If so, neither turning the picture nor leaving out its grid helps.
    rows: dict[int, int] = {}  # Number of tracks at the likeliest scale, by number of quarter turns.
    for px_per_mm, turns in _orientations(tried):
        if turns and (no_ecg or not has_traces):
            break
        if scales and not _may_be_turned(turns, rows):  # Without a grid, tracks are less reliable, as in copies in black and white.
            continue
        layers = network.separate(np.ascontiguousarray(np.rot90(picture, turns)), SCALE / px_per_mm)
        if turns and best is not None and best.match is not None and not _at_least_names(layers, _FEW_NAMES):
            continue
        analysis = analyse_layers(layers, settings.layout, turns, ruled=bool(scales), speed_mm_s=settings.expected_speed)
        if px_per_mm == tried[0]:
            rows[turns] = len(analysis.tracks)
        if best is None:
            has_traces = has_ink(layers)
            if page_sized and not has_traces and not _shows_traces(picture, network, dark):
                raise nothing_drawn()
        if _is_plausible(analysis, settings):
            return analysis
        if best is None or _rank(analysis) > _rank(best):
            best = analysis
        no_ecg |= settings.layout is None and _is_no_ecg(analysis)
        if no_ecg and (large or never_beat(analysis.tracks)):  # Further analyses of a large picture would take gigabytes.
            raise no_heart()
        del layers, analysis  # Their maps take hundreds of megabytes.
    assert best is not None
    # If no grid was found at these scales, the scales came from something else that is periodic, such as a line of letters.
    tiny = bool(scales) and _area_mm2(picture, tried[0]) < _TINY_MM2
    if scales and (tiny or (best.gridless and best.tracks)) and not no_ecg:
        best = _better_gridless(best, picture, settings, network, tiny=tiny)
    if enough_names(best):
        return best
    if dark:
        inverse = analyse_as_held(255 - picture, settings, network)
        if enough_names(inverse):
            return replace(inverse, negative=True)
    if best.tracks and tracks_beat(best.tracks) and _is_mirrored(picture, best, settings, network):
        raise ImageError("the picture is a mirror image, expected it the other way round")
    return best


def _is_no_ecg(analysis: PageAnalysis, *, ruled: bool = True) -> bool:
    """Whether a picture has several rows (on a grid, if `ruled`) that do not beat together. Turning such a picture does not help.

    If at least five names were read where a layout has them, this is stricter: the rows have to be many, and must not beat together even if
    the page is taken to be tilted (see `never_beat`).
    """
    if (ruled and analysis.gridless) or len(analysis.tracks) < _LEVEL_ROWS:
        return False
    named = analysis.match is not None and analysis.match.found >= _LEAST_NAMES
    return never_beat(analysis.tracks) if named else not tracks_beat(analysis.tracks)


def _better_gridless(best: PageAnalysis, picture: np.ndarray, settings: Settings, network: LayerSegmenter, *, tiny: bool) -> PageAnalysis:
    """Analyse the picture without looking for a grid and without turning it, at likely scales, until the page is plausible or no ECG.

    Two scales are tried, or more if the page seemed `tiny`. Returns the best of these analyses and of `best`. An analysis that is not
    plausible counts only if it is one of the first two and `best` has tracks, but no grid.
    """
    implausible_allowed = _MOST_SCALES if best.gridless and best.tracks else 0
    for k, px_per_mm in enumerate(_gridless_scales(picture)[: len(_LIKELY_DPI) if tiny else _MOST_SCALES]):
        analysis = analyse_layers(
            network.separate(picture, SCALE / px_per_mm), settings.layout, ruled=False, speed_mm_s=settings.expected_speed
        )
        plausible = _is_plausible(analysis, settings)
        if (plausible or k < implausible_allowed) and _rank(analysis) > _rank(best):
            best = analysis
        if plausible or (settings.layout is None and _is_no_ecg(analysis, ruled=False)):
            break
        del analysis
    return best


def _is_blank(picture: np.ndarray) -> bool:
    """Whether the brightness differs within hardly any cell of a picture, as is so for empty paper under any light."""
    from PIL import Image

    halved = np.asarray(Image.fromarray(picture).reduce(2))  # Averaging 2 x 2 pixels also halves the noise.
    # The highest and the lowest brightness in every cell, by colour channel.
    rows, columns = (np.arange(0, length, _BLANK_CELL_PX // 2) for length in halved.shape[:2])
    high, low = (extreme.reduceat(extreme.reduceat(halved, rows, axis=0), columns, axis=1) for extreme in (np.maximum, np.minimum))
    return int(np.count_nonzero((high - low).max(axis=2) >= _FAINT)) < _BLANK_CELLS


def _is_mirrored(picture: np.ndarray, analysis: PageAnalysis, settings: Settings, network: LayerSegmenter) -> bool:
    """Whether enough names are read in the mirror image of a picture to be sure that the picture is mirrored."""
    layers = network.separate(np.ascontiguousarray(picture[:, ::-1]), analysis.layers.zoom)
    return _at_least_names(layers, _LEAST_NAMES) and enough_names(analyse_layers(layers, settings.layout, ruled=not analysis.gridless))


def _at_least_names(layers: Layers, least: int) -> bool:
    """Whether at least `least` names of leads are read in layers. This test is faster than a full analysis."""
    height, width = layers.maps.shape[1:]
    return len(read_names(layers, gridless_warp((height, width), SCALE))) >= least


def _shows_traces(picture: np.ndarray, network: LayerSegmenter, dark: bool) -> bool:
    """Whether the network sees traces in a copy of a picture with one of the `_QUICK_PX`, or in the negative of one if it is `dark`.

    Small copies are enough, since the network sees traces even at less than half the scale that it was trained at.
    """
    return any(
        has_ink(network.separate(shown, min(float(np.sqrt(pixels / picture[..., 0].size)), _MOST_ZOOM)))
        for pixels in _QUICK_PX
        for shown in ([picture, 255 - picture] if dark else [picture])
    )


def _has_rows(picture: np.ndarray, network: LayerSegmenter, *, named: bool) -> bool:
    """Whether a reduced copy of a large picture, turned in any way, shows rows of traces that beat together.

    Rows with at least three names also count if they may beat together at some tilt of the page. Without `named` (if the user has given the
    layout), any rows are enough, since those of a tilted page may seem not to beat together.
    """
    zoom = float(np.sqrt(_QUICK_PX[-1] / picture[..., 0].size))
    rows: dict[int, int] = {}
    for turns in range(4):
        if rows.get(turns - 2) == 0:  # A picture has as many rows upside down as upright.
            continue
        analysis = analyse_layers(network.separate(np.ascontiguousarray(np.rot90(picture, turns)), zoom), None, turns, ruled=False)
        rows[turns] = len(analysis.tracks)
        found = 0 if analysis.match is None else analysis.match.found
        if analysis.tracks and (not named or tracks_beat(analysis.tracks) or (found >= _FEW_NAMES and not never_beat(analysis.tracks))):
            return True
    return False


def _gridless_scales(picture: np.ndarray) -> list[float]:
    """Scales in px/mm that are tried for a picture without a grid, the likeliest first."""
    return _scales_of_pages(picture, [dpi / 25.4 for dpi in _LIKELY_DPI], _GRIDLESS_MM2)


def _scales_of_pages(picture: np.ndarray, scales: list[float], most_mm2: float) -> list[float]:
    """The scales (px/mm) at which a picture is no larger than a page; the largest of `scales` if there are none.

    At the first of the returned scales the picture may have an area up to `most_mm2`, at the others up to that of an A3 page.
    """
    first, *others = [scale for scale in scales if _area_mm2(picture, scale) < most_mm2] or [max(scales)]
    # Half the scale of a grid fits it nearly as well, and pages larger than A3 take gigabytes. So only the first scale, whose grid is the
    # clearest, may give a page larger than A3.
    return [first, *(scale for scale in others if _area_mm2(picture, scale) < _PAGE_MM2)]


def _area_mm2(picture: np.ndarray, px_per_mm: float) -> float:
    """Area of a picture in mm² at a scale."""
    return picture.shape[0] * picture.shape[1] / px_per_mm**2


def _may_be_negative(picture: np.ndarray) -> bool:
    """Whether so many pixels of a picture are dark that it may be the negative of a page."""
    return float((picture[::4, ::4].mean(axis=2) < _DARK).mean()) > _NEGATIVE_SHARE


def enough_names(analysis: PageAnalysis) -> bool:
    """Whether enough names of leads were read where the layout has them to be sure of the layout and the orientation."""
    return analysis.match is not None and analysis.match.found >= _LEAST_NAMES and analysis.share_of_names >= _NAMES_SHARE


def analyse_as_held(picture: np.ndarray, settings: Settings, network: LayerSegmenter) -> PageAnalysis:
    """Analyse a picture without turning it, at its likeliest scale, or at 200 dpi without a grid."""
    scales = find_scales(picture, network)
    px_per_mm = _scales_of_pages(picture, scales, _LARGEST_MM2)[0] if scales else _LIKELY_DPI[0] / 25.4
    return analyse_layers(
        network.separate(picture, SCALE / px_per_mm), settings.layout, 0, ruled=bool(scales), speed_mm_s=settings.expected_speed
    )


def _orientations(scales: list[float]) -> list[tuple[float, int]]:
    """Pairs of scale and number of quarter turns that are tried, the likeliest first."""
    first, *others = scales
    return [(first, 0), *((scale, 0) for scale in others), (first, 2), (first, 1), (first, 3)]


def _may_be_turned(turns: int, rows: dict[int, int]) -> bool:
    """Whether a picture may be upright after `turns` quarter turns, given the numbers of tracks that were found after other turns.

    A picture has as many tracks upside down as upright, and hardly any if it lies on its side.
    """
    if turns % 2:
        return max((count for turned, count in rows.items() if turned % 2 == 0), default=0) < _LEVEL_ROWS and rows.get((turns + 2) % 4) != 0
    return turns == 0 or rows.get((turns + 2) % 4) != 0


def _is_plausible(analysis: PageAnalysis, settings: Settings) -> bool:
    """Whether enough names are where the layout has them, and a row that is not cut off has a usual length.

    If every row is cut off, the names are enough.
    """
    match = analysis.match
    if match is None or not enough_names(analysis):
        return False
    lengths = [track.ends_mm[1] - track.ends_mm[0] for track in analysis.tracks if not any(track.cut)]
    # Without a grid, millimetres are derived from the length of rows at one speed.
    usual = [match.layout.seconds * speed for speed in ([settings.expected_speed] if analysis.gridless else SPEEDS_MM_S)]
    return not lengths or any(abs(np.log(length / wanted)) < _SAME_LENGTH for length in lengths for wanted in usual)


def _rank(analysis: PageAnalysis) -> tuple[float, int]:
    """Key by which analyses are compared, larger for the better one: the score of the best match (-99 without), and the number of names."""
    return (analysis.match.score if analysis.match else -99.0), len(analysis.names)
