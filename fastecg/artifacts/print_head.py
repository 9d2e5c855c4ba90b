"""The print of a worn thermal head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_FINER = 8  # Samples per row of pixels, because a row may lie on several heating elements.


@dataclass(frozen=True)
class PrintHead(Artifact):
    """The head is a line of heating elements, 8 per mm, past which the paper runs along the time axis.

    No two elements heat alike, some are weak, and dead ones leave a white line through everything that is printed. Samples are hidden
    where the whole width of the pen lies in such a line.
    """

    spread: float = param(0.05, 0.0, 0.4, "how much the elements differ in ink, as a share of full ink")
    weak_rows: int = param(2, 0, 60, "number of faint rows, each printed by one to three neighbouring elements")
    weak_loss: float = param(0.5, 0.0, 1.0, "share of ink that the weakest rows lack")
    dead_rows: int = param(0, 0, 20, "number of rows that are not printed at all, as their elements are dead")
    dead_elements: int = param(1, 1, 12, "largest number of neighbouring elements in a dead row")
    fray: float = param(0.15, 0.0, 0.8, "largest share of ink that is missing at ragged edges")
    element_mm: float = param(0.125, 0.05, 0.5, "height of an element")
    seed: int = param(0, 0, 2**31 - 1, "decides which elements are weak or dead")

    def stain(self, sheet: Sheet) -> Sheet:
        """Take ink away along every row, and mark traces as hidden in dead rows that are wider than the pen."""
        from fastecg.sheet import faded

        heat, dead = self._elements(sheet.page.size_mm[1])
        rows = _ink_of_rows(heat, sheet, self.element_mm)
        worn = faded(sheet, rows=rows, grain=self.fray, seed=self.seed)
        return _with_hidden_traces(worn, dead * self.element_mm)

    def _elements(self, height_mm: float) -> tuple[np.ndarray, np.ndarray]:
        """Share of the ink that every element prints, from the top, (count,) from 0 to 1, and the dead rows, (n, 2).

        A row is what neighbouring elements print, one to three of them if it is weak. A dead row is given by its first element and the one
        after its last.
        """
        rng = np.random.default_rng(self.seed)
        count = int(np.ceil(height_mm / self.element_mm)) + 1
        heat = 1.0 - self.spread * np.abs(rng.normal(0, 1, count))
        for _ in range(self.weak_rows):
            first = int(rng.uniform(0, count))
            heat[first : first + int(rng.integers(1, 4))] *= 1.0 - self.weak_loss * rng.uniform(0.4, 1.0)
        begins = rng.uniform(0.05, 0.95, self.dead_rows) * count
        dead = np.stack([begins, begins + rng.integers(1, self.dead_elements + 1, self.dead_rows)], axis=1).astype(int)
        for start, stop in dead:
            heat[start:stop] = 0.0
        return np.clip(heat, 0.0, 1.0), dead


def _ink_of_rows(heat: np.ndarray, sheet: Sheet, element_mm: float) -> np.ndarray:
    """Share of the ink in each of the sheet's rows of pixels, (height,): the mean over the elements that print the row."""
    height = sheet.ink.shape[0]
    elements = (np.arange(height * _FINER) + 0.5) / (_FINER * sheet.scale * element_mm)
    return heat[np.minimum(elements.astype(int), len(heat) - 1)].reshape(height, _FINER).mean(axis=1)


def _with_hidden_traces(sheet: Sheet, dead_mm: np.ndarray) -> Sheet:
    """The sheet with its traces marked as hidden where the whole width of the pen lies in a dead row.

    `dead_mm` (n, 2) are the page's y of the upper and lower edges of the dead rows.
    """
    half = 0.5 * sheet.style.pen_mm
    for top, bottom in dead_mm:
        first, stop = int(np.ceil((top + half) * sheet.scale)), int(np.floor((bottom - half) * sheet.scale))
        if stop > first:
            window = slice(first, stop), slice(0, sheet.ink.shape[1])
            sheet = sheet.with_overlay(window, np.where(sheet.ink[window] > 0, 255, 0).astype(np.uint8))
    return sheet
