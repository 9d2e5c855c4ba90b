"""Find the scale of a picture, by trying the network at several scales.

These are the scales at which a period in the picture would be that of 1 mm lines or of 5 mm lines, and after them usual ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastecg.digitizing.phase import carriers
from fastecg.digitizing.segmenter import LayerSegmenter, resized
from fastecg.digitizing.targets import SCALE

_TILES = 4  # Number of tiles along either side of a picture.
_TILE = 256  # Side in px of a tile whose spectrum is computed.
_SCALES = (3.3, 32.0)  # Range of scales in px/mm: 84 to 810 dpi.
_SMALL = 1100  # Pictures with fewer pixels on their longer side may have lines less than 3 px apart, and are enlarged to find them.
_ENLARGED = 2.0  # Factor by which pictures smaller than `_SMALL` are enlarged.
_LIKELY = (100, 120, 150, 200, 250, 300, 400, 600)  # Resolutions in dpi that are tried after those by the periods of the picture.
_PART = 384  # Side in px of the part of a picture that is given to the network.
_NEAR = (0.75, 1.33)  # Range in which the period of lines is looked for, as shares of the expected one.
_PLAIN = 0.003  # There is no grid if the strength of its lines (see `carriers`) is at most this.
_CLEAR = 0.035  # There is certainly a grid if this strength is larger.
_SAME_PERIOD = 0.03  # Largest log ratio of the scales by a map of the network and by the picture for them to agree.
# A period of the picture confirms a scale only if it is stronger than this share of the strongest one. Weaker ones may be harmonics.
_AS_CLEAR = 0.5
_NOT_OWN = 0.3  # Factor of the strength of a grid whose period is clear in the network's map, but not in the picture itself.


def find_scales(picture: np.ndarray, network: LayerSegmenter) -> list[float]:
    """Scales (px/mm) that a picture (height, width, 3) may have, from the clearest to the faintest grid; empty if there is none."""
    if max(picture.shape[:2]) < _SMALL:
        return [scale / _ENLARGED for scale in _find_scales(resized(picture, _ENLARGED), network)]
    return _find_scales(picture, network)


def _find_scales(picture: np.ndarray, network: LayerSegmenter) -> list[float]:
    """`find_scales` without enlarging small pictures. Scales that differ by less than a tenth count as one."""
    found: list[tuple[float, float]] = []
    middles = _tile_centres(picture)
    periods = _periods(picture, middles)
    strongest = max((clear for _, clear in periods), default=0.0)
    clear_scales = [scale for scale, clear in periods if clear > _AS_CLEAR * strongest]
    for px_per_mm in _candidates([scale for scale, _ in periods]):
        strength, scale = max(_try_scale(picture, network, px_per_mm, middle) for middle in middles[:2])
        if strength > _PLAIN:
            confirmed = any(abs(np.log(scale / clear_scale)) < _SAME_PERIOD for clear_scale in clear_scales)
            found.append((strength * (1.0 if confirmed else _NOT_OWN), scale))
        if strength > _CLEAR:  # No other grid is likely to be clearer.
            break
    scales: list[float] = []
    for _, scale in sorted(found, reverse=True):
        if all(abs(np.log(scale / other)) > 0.1 for other in scales):
            scales.append(scale)
    return scales


def _try_scale(picture: np.ndarray, network: LayerSegmenter, px_per_mm: float, middle: tuple[float, float]) -> tuple[float, float]:
    """Strength of the grid in the maps of the network at an assumed scale (px/mm), and the scale of the picture (px/mm) by this grid.

    The maps are those of a part around `middle` (x, y) px. The strength is that of the map of all lines or of 5 mm lines, whichever is
    weaker, and a tenth of this if both do not have the same scale.
    """
    seen = network.part(picture, SCALE / px_per_mm, middle, _PART)
    tile = seen["grid"]
    strength, gradient = carriers(tile, (_NEAR[0] * SCALE, _NEAR[1] * SCALE))
    # If the grid was found at the right scale, the map of 5 mm lines has a period five times as long as the map of all lines.
    fives, gradient_of_fives = carriers(seen["major"], (5 * _NEAR[0] * SCALE, 5 * _NEAR[1] * SCALE))
    lines_per_px = float(np.sqrt(abs(np.linalg.det(gradient))))  # In the maps; at the right scale, lines are 1 mm apart.
    agree = abs(np.log(lines_per_px / (5 * np.sqrt(abs(np.linalg.det(gradient_of_fives))) + 1e-9))) < 0.1
    return min(strength, fives) * (1.0 if agree else 0.1), 1.0 / max(lines_per_px * seen.zoom, 1e-6)


def _periods(picture: np.ndarray, middles: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Scales (px/mm) at which lines 1 mm or 5 mm apart have the periods that are strongest around `middles`, and these strengths."""
    darkness = _darkness(picture)
    found: list[tuple[float, float]] = []
    for (x, y), zoom in ((middle, zoom) for zoom in (1.0, 0.4) for middle in middles):
        part = darkness[max(int(y - _TILE / zoom / 2), 0) :, max(int(x - _TILE / zoom / 2), 0) :][: int(_TILE / zoom), : int(_TILE / zoom)]
        if zoom != 1.0:
            part = resized(np.repeat(np.clip(255 * part, 0, 255).astype(np.uint8)[..., None], 3, 2), zoom)[..., 0] / np.float32(255)
        if min(part.shape) < 64:
            continue
        # In a reduced picture, lines less than 2 px apart appear at a false distance, so short periods are left out.
        strength, gradient = carriers(part, (3.0 if zoom == 1.0 else 12.0, 60.0))
        if strength < 1e-3:
            continue
        # Distance of lines in px: the scale if lines are 1 mm apart, five times the scale if they are 5 mm apart.
        period = 1.0 / max(float(np.sqrt(abs(np.linalg.det(gradient)))), 1e-6) / zoom
        found += [(scale, strength) for scale in (period, period / 5) if _SCALES[0] < scale < _SCALES[1]]
    return found


def _candidates(by_periods: list[float]) -> Iterator[float]:
    """Scales (px/mm) that are tried: those by the periods of the picture, then usual ones that differ from all of these by over a tenth."""
    given: list[float] = []
    for scale in by_periods:
        if all(abs(np.log(scale / other)) > 0.1 for other in given):
            given.append(scale)
            yield scale
    for dpi in _LIKELY:
        if all(abs(np.log(dpi / 25.4 / other)) > 0.1 for other in given):
            yield dpi / 25.4


def _tile_centres(picture: np.ndarray) -> list[tuple[float, float]]:
    """Of 16 points (x, y) px spread over a picture, the four around which it is most regular, since a grid and little else is there."""
    height, width = picture.shape[:2]
    darkness = _darkness(picture)
    centres = [((i + 0.5) * width / _TILES, (j + 0.5) * height / _TILES) for j in range(_TILES) for i in range(_TILES)]

    def regular(centre: tuple[float, float]) -> float:
        x, y = int(centre[0]), int(centre[1])
        part = darkness[max(y - _TILE // 2, 0) : y + _TILE // 2, max(x - _TILE // 2, 0) : x + _TILE // 2]
        return carriers(part, (3.0, 60.0))[0] if min(part.shape) >= 64 else 0.0

    return sorted(centres, key=regular, reverse=True)[:4]


def _darkness(picture: np.ndarray) -> np.ndarray:
    """Darkness (height, width) of every pixel's darkest channel, at most 0.5, so that black ink counts no more than a grid's ink."""
    return np.minimum(1.0 - picture.min(axis=2) / np.float32(255), np.float32(0.5))
