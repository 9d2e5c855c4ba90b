"""How large a picture's millimetres are: periods that its grid may have, tried with the network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastecg.digitizing.phase import carriers
from fastecg.digitizing.segmenter import LayerSegmenter, resized
from fastecg.digitizing.targets import SCALE

_TILES = 4  # along either side of a picture
_TILE = 256  # px of a tile whose spectrum is looked at
_ACROSS = (3.3, 32.0)  # px/mm of 84 to 810 dpi
_LIKELY = (100, 120, 150, 200, 250, 300, 400, 600)  # dpi tried where no period is found
_SEEN = 384  # px that the network looks at
_NEAR = (0.75, 1.33)  # of the expected period: what counts as found
_PLAIN = 0.003  # strength below which there is no grid
_CLEAR = 0.035  # and from which there is no doubt
_SAME_PERIOD = 0.03  # how well the network and the picture have to agree on a period
_AS_CLEAR = 0.5  # of the clearest period: others may be its harmonics
_NOT_OWN = 0.3  # what one counts that only the network has


def find_scales(picture: np.ndarray, network: LayerSegmenter) -> list[float]:
    """Pixels a mm that a picture (height, width, 3) may have, the one with the clearest grid first; none if there is no grid."""
    found: list[tuple[float, float]] = []
    middles = _places(picture)
    periods = _periods(picture, middles)
    clearest = max((clear for _, clear in periods), default=0.0)
    own = [scale for scale, clear in periods if clear > _AS_CLEAR * clearest]
    for px_per_mm in _candidates([scale for scale, _ in periods]):
        strength, scale = max(_tried(picture, network, px_per_mm, middle) for middle in middles[:2])
        if strength > _PLAIN:
            shown = any(abs(np.log(scale / period)) < _SAME_PERIOD for period in own)
            found.append((strength * (1.0 if shown else _NOT_OWN), scale))
        if strength > _CLEAR:  # there is no clearer grid
            break
    scales: list[float] = []
    for _, scale in sorted(found, reverse=True):
        if all(abs(np.log(scale / other)) > 0.1 for other in scales):
            scales.append(scale)
    return scales


def _tried(picture: np.ndarray, network: LayerSegmenter, px_per_mm: float, middle: tuple[float, float]) -> tuple[float, float]:
    """How clear the network sees a grid if a mm is so many px, and how many it then turns out to be."""
    seen = network.part(picture, SCALE / px_per_mm, middle, _SEEN)
    tile = seen["grid"]
    strength, gradient = carriers(tile, (_NEAR[0] * SCALE, _NEAR[1] * SCALE))
    # The 5 mm lines tell a grid of 1 mm from one of 5 mm, or of none: their map has a period five times as long.
    fives, coarse = carriers(seen["major"], (5 * _NEAR[0] * SCALE, 5 * _NEAR[1] * SCALE))
    found = float(np.sqrt(abs(np.linalg.det(gradient))))  # mm a px
    agree = abs(np.log(found / (5 * np.sqrt(abs(np.linalg.det(coarse))) + 1e-9))) < 0.1
    return min(strength, fives) * (1.0 if agree else 0.1), 1.0 / max(found * seen.zoom, 1e-6)


def _periods(picture: np.ndarray, middles: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """px/mm that the strongest periods of the picture itself would be, as lines 1 mm and 5 mm apart, and how clear they are."""
    darkness = _darkness(picture)
    found: list[tuple[float, float]] = []
    for (x, y), zoom in ((middle, zoom) for zoom in (1.0, 0.4) for middle in middles):
        part = darkness[max(int(y - _TILE / zoom / 2), 0) :, max(int(x - _TILE / zoom / 2), 0) :][: int(_TILE / zoom), : int(_TILE / zoom)]
        if zoom != 1.0:
            part = resized(np.repeat(np.clip(255 * part, 0, 255).astype(np.uint8)[..., None], 3, 2), zoom)[..., 0] / np.float32(255)
        if min(part.shape) < 64:
            continue
        # Lines that are near together would be seen at a false distance in what is made smaller.
        strength, gradient = carriers(part, (3.0 if zoom == 1.0 else 12.0, 60.0))
        if strength < 1e-3:
            continue
        period = 1.0 / max(float(np.sqrt(abs(np.linalg.det(gradient)))), 1e-6) / zoom
        found += [(scale, strength) for scale in (period, period / 5) if _ACROSS[0] < scale < _ACROSS[1]]
    return found


def _candidates(own: list[float]) -> Iterator[float]:
    """Likely px/mm, the picture's `own` first, each at least a tenth from those before."""
    given: list[float] = []
    for scale in own:
        if all(abs(np.log(scale / other)) > 0.1 for other in given):
            given.append(scale)
            yield scale
    for dpi in _LIKELY:
        if all(abs(np.log(dpi / 25.4 / other)) > 0.1 for other in given):
            yield dpi / 25.4


def _places(picture: np.ndarray) -> list[tuple[float, float]]:
    """Places (x, y) px spread over the picture, the most regular first: where a grid is, and little else."""
    height, width = picture.shape[:2]
    darkness = _darkness(picture)
    places = [((i + 0.5) * width / _TILES, (j + 0.5) * height / _TILES) for j in range(_TILES) for i in range(_TILES)]

    def regular(place: tuple[float, float]) -> float:
        x, y = int(place[0]), int(place[1])
        part = darkness[max(y - _TILE // 2, 0) : y + _TILE // 2, max(x - _TILE // 2, 0) : x + _TILE // 2]
        return carriers(part, (3.0, 60.0))[0] if min(part.shape) >= 64 else 0.0

    return sorted(places, key=regular, reverse=True)[:4]


def _darkness(picture: np.ndarray) -> np.ndarray:
    """How dark every pixel is, by its darkest colour; black ink counts no more than a grid's."""
    return np.minimum(1.0 - picture.min(axis=2) / np.float32(255), np.float32(0.5))
