"""A photocopy, or a copy of a copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastecg.artifact import Artifact, param

_STEP = 32  # Distance in px of the nodes at which the threshold is computed.
_CLOUD_MM = 40.0  # Distance in mm over which the threshold varies.


@dataclass(frozen=True)
class Photocopy(Artifact):
    """Pixels darker than an uneven threshold become black, others white, and those near it grey. Ink grows and frays; there are specks.

    Every further generation is a copy of the copy, with more blur, another threshold, and more growth and specks. Edges change as in
    Kanungo, Haralick and Phillips (1993): the probability that a pixel is inverted falls exponentially with the square of its distance
    from the edge.
    """

    threshold: float = param(
        0.8, 0.1, 0.98, "brightness, as a share of the paper's, below which toner is printed; a low threshold loses thin lines"
    )
    unevenness: float = param(0.05, 0, 0.3, "how much the threshold varies over the page, as a share of the paper's brightness")
    grain: float = param(0.03, 0, 0.2, "standard deviation of the threshold from pixel to pixel, in brightness (0 to 1)")
    softness: float = param(0.18, 0, 0.8, "range of brightness (0 to 1) that becomes grey, between black and white")
    growth: float = param(0.25, 0, 1, "probability that a white pixel next to ink turns black")
    loss: float = param(0.1, 0, 1, "probability that a black pixel at the edge of ink turns white")
    reach_mm: float = param(0.12, 0.02, 1, "distance from the edge of ink at which `growth` and `loss` have fallen to 37 %")
    specks: float = param(0.0006, 0, 0.02, "number of specks of toner, as a share of all pixels")
    generations: int = param(1, 1, 6, "number of times the page was copied")
    seed: int = param(0, 0, 2**31, "decides everything that is uneven")
    least: float = param(
        0.0,
        0,
        0.5,
        "automatic exposure: the threshold is raised until this share of strips (1 px wide, 8 mm high) in the page's middle has ink, "
        "within limits, and lowered if paper would become black; 0 turns it off",
    )

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Copy in place, which takes some 8 ms per generation at 2200 x 1700 px."""
        from fastecg.kernels.grey import from_grey, to_grey

        rng = np.random.default_rng(self.seed)
        plane = to_grey(pixels)
        for generation in range(self.generations):
            self._copy(plane, px_per_mm, rng, again=generation > 0)
        from_grey(plane, pixels)
        return pixels

    def _copy(self, plane: np.ndarray, px_per_mm: float, rng: np.random.Generator, again: bool) -> None:
        """Copy a plane (height, width) uint8 once, in place; `again` if it is a copy already."""
        from fastecg.kernels.copy import flip_near_edges, soften
        from fastecg.kernels.grey import ink_threshold, paper_level, smooth_noise, threshold, threshold_error

        if again:
            # The copier's lens. The first copy goes without: the page's camera or scanner, if any, has already blurred it.
            soften(plane)
        seeds = rng.integers(0, 2**31, 3)
        clouds = smooth_noise(plane.shape, _STEP, _CLOUD_MM * px_per_mm, int(seeds[2]))
        # The original of a further copy is black and white, so its threshold is nearer to the middle: otherwise every copy would be darker.
        share = 0.5 + 0.3 * (self.threshold - 0.5) if again else self.threshold
        white = paper_level(plane)
        half = max(127.5 * self.softness, 0.5)  # half the width of the greys' range, levels
        middle = ink_threshold(plane, white * share, self.least, px_per_mm, threshold_error(self.unevenness, self.grain), half)
        # The thresholds at the nodes, levels from 0 to 255.
        level = (middle + white * self.unevenness * clouds).astype(np.float32)
        threshold(plane, level, _STEP, half, 255.0 * self.grain, seeds[0])
        if self.growth > 0 or self.loss > 0:
            flip_near_edges(plane, self.growth, self.loss, self.reach_mm * px_per_mm, seeds[1])
        _sprinkle(plane, rng.poisson(self.specks * plane.size), rng)


def _sprinkle(plane: np.ndarray, count: int, rng: np.random.Generator) -> None:
    """Draw `count` specks of one, three or four pixels, a few of five to nine, in place."""
    height, width = plane.shape
    x, y = speck_places(count, height, width, rng)
    dark = rng.integers(0, 90, count).astype(np.uint8)
    shapes = ((0, 0, 1.0), (1, 0, 0.45), (0, 1, 0.45), (1, 1, 0.25), (2, 0, 0.06), (2, 1, 0.05), (0, 2, 0.04), (1, 2, 0.04), (-1, 1, 0.03))
    for right, down, share in shapes:  # where a pixel lies from the first one, and the share of specks that have it
        kept = slice(0, round(share * count))
        plane[np.minimum(y[kept] + down, height - 1), np.clip(x[kept] + right, 0, width - 1)] = dark[kept]


def speck_places(count: int, height: int, width: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows, each (count,) int, of specks: some anywhere, most in clusters, in streaks down the picture, and along its sides.

    Toner and dirt gather where a drum or glass is scratched, and where lids let in light and dust. If there are many specks, two
    thirds of those along the sides are on the left; if `count` is below 28, these specks are all on the right. The order is random.
    """
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    kind = rng.random(count)
    groups = max(1, count // 14)
    group = rng.integers(0, groups, count)
    # Each group of specks has a middle, as a share of width and height, and a size in px. Streaks run through the middles of the first
    # sixth of the groups.
    middle, size = rng.uniform(0, 1, (groups, 2)), 0.004 * width * np.exp(rng.normal(0.6, 0.8, groups))
    scatter = rng.normal(0, 1, (2, count))
    cluster, streak, side = kind < 0.4, (kind >= 0.4) & (kind < 0.55), (kind >= 0.55) & (kind < 0.7)
    x[cluster] = (middle[group, 0] * width + size[group] * scatter[0])[cluster]
    y[cluster] = (middle[group, 1] * height + size[group] * scatter[1])[cluster]
    x[streak] = (middle[group % max(groups // 6, 1), 0] * width + 1.2 * scatter[0])[streak]
    inward = 0.02 * width * np.abs(scatter[0]) * np.abs(scatter[1])
    x[side] = np.where(group % 3 > 0, inward, width - 1 - inward)[side]
    return np.clip(x, 0, width - 1).astype(int), np.clip(y, 0, height - 1).astype(int)
