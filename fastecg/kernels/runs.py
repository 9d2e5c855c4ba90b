"""Stretches of a mask that are true."""

from __future__ import annotations

import numpy as np


def runs_of(mask: np.ndarray) -> np.ndarray:
    """Start and stop (k, 2), with the stop excluded, of every stretch of a mask (n,) bool that is true."""
    return np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)
