"""Shared atoms of torn paper: the course of a rip, and its lip of bare fibres."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifacts.blot import Patch, coverage, laid_over
from fastecg.artifacts.relief import bare_paper, noise_along

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_STEP = 0.1  # mm between tabulated points of a rip
_SIZES = (24.0, 9.0, 4.0, 1.6, 0.7, 0.3)  # mm of its turns


class Rip:
    """How far a rip strays sideways, and how wide its lip of fibres is, mm, at a distance along it.

    Parameters
    ----------
    seed : int
    first_mm, last_mm : float
        The distances along it that will be asked for.
    stray : float
        How far it strays; 1 is paper torn without care.
    fibre_mm : float
        Width of the lip where it is wide.
    """

    def __init__(self, seed: int, first_mm: float, last_mm: float, stray: float, fibre_mm: float) -> None:
        self._t = np.arange(first_mm - _STEP, last_mm + 2 * _STEP, _STEP)
        turns = sum(0.16 * size**0.85 * noise_along(seed + k, self._t / size) for k, size in enumerate(_SIZES))
        hairs = 0.45 + 0.6 * noise_along(seed + 11, self._t / 5.0) + 0.35 * noise_along(seed + 12, self._t / 0.9)
        self._aside = stray * np.asarray(turns)
        self._fibre = fibre_mm * np.clip(hairs, 0.0, 1.2) + 0.3 * fibre_mm * noise_along(seed + 13, self._t / 0.25)

    def aside(self, t: np.ndarray) -> np.ndarray:
        """Sideways, at distances t along the rip."""
        return np.interp(t, self._t, self._aside).astype(np.float32)

    def fibre(self, t: np.ndarray) -> np.ndarray:
        """Width of the lip at distances t along the rip; 0 or below where there is none."""
        return np.interp(t, self._t, self._fibre).astype(np.float32)


def ripped(sheet: Sheet, place: Patch, inside_mm: np.ndarray, fibre_mm: np.ndarray, shade: float = 0.25) -> Sheet:
    """The sheet with paper gone where `inside_mm` (rows, columns) is above 0, and fibres bare up to `fibre_mm` beside that.

    A thin shadow runs along the edge where there are no fibres. Print below fibres is hidden.
    """
    scale = np.float32(sheet.scale)
    gone = np.clip(inside_mm * scale + np.float32(0.5), 0.0, 1.0)
    lip = np.clip((fibre_mm + inside_mm) * scale + np.float32(0.5), 0.0, 1.0)
    pixels = sheet.pixels.copy()
    window = pixels[place.window]
    dark = shade * np.exp(-np.maximum(-inside_mm, 0.0) / 0.35) * (1.0 - lip)
    laid_over(window, dark.astype(np.float32), np.zeros(3))
    torn = bare_paper(sheet) * (0.955 + 0.05 * np.clip(-inside_mm / np.maximum(fibre_mm, 0.05), 0.0, 1.0))[..., None]
    laid_over(window, lip, torn)
    sheet = replace(sheet, pixels=pixels).without(place.window, np.rint(255.0 * gone).astype(np.uint8))
    return sheet.under(place.window, np.rint(255.0 * lip).astype(np.uint8)) if lip.any() else sheet


def cut(sheet: Sheet, place: Patch, inside_mm: np.ndarray) -> Sheet:
    """The sheet with a clean hole where `inside_mm` (rows, columns) is above 0."""
    return sheet.without(place.window, coverage(inside_mm * sheet.scale))
